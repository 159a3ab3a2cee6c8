//! The cluster's DNS servers: what a CoreDNS Pod answers on port 53 of its own machine.
//!
//! CoreDNS is the one program of the cluster that is not a guest: it answers from the same
//! records the API server holds, and its queries and answers are packets like any other.
//! Never answers for a Pod that does not run, and never asks anybody: what is known of
//! names outside is handed to it. Those outside have a server of their own, of the same kind.

use clock::Instant;
use cluster::Cluster;
use cluster::kubelet::{PodRef, Report, StartContainer};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use vnet::dns::{Records, answer};
use vnet::{HostId, Net, NetError, Origin, Recv, SockId};

const PORT: u16 = 53;
/// Without EDNS a UDP answer may have this many bytes (RFC 1035, 4.2.1).
const UDP_LIMIT: usize = 512;
/// TCP connections one server holds at a time; a further one is closed at once.
const CONNECTIONS: usize = 128;

/// Every running DNS server, by the uid of its Pod.
#[derive(Debug, Default)]
pub(crate) struct DnsServers {
    servers: BTreeMap<String, Server>,
    records: Records,
    /// The number of the zone's state, when names have changed since `records` were worked out.
    outdated: Option<u32>,
    /// The server of those outside the cluster, with what it knows.
    outside: Option<(Sockets, Records)>,
}

/// What a CoreDNS Pod answers with.
#[derive(Debug)]
struct Server {
    pod: PodRef,
    container: String,
    attempt: u32,
    sockets: Sockets,
    /// What it knew when its node was cut off from the API server.
    frozen: Option<Records>,
}

/// Port 53 of a machine.
#[derive(Debug)]
struct Sockets {
    udp: SockId,
    listener: SockId,
    connections: BTreeMap<SockId, Vec<u8>>,
}

impl DnsServers {
    /// Whether this image is the cluster's DNS server.
    pub(crate) fn is_dns(image: &str) -> bool {
        image.starts_with("registry.k8s.io/coredns/coredns")
    }

    /// Starts answering on the Pod's machine and reports so.
    pub(crate) fn start(
        &mut self,
        now: Instant,
        net: &mut Net,
        cluster: &mut Cluster,
        host: Option<HostId>,
        start: &StartContainer,
    ) {
        let (pod, container, attempt) = (start.pod.clone(), start.container.clone(), start.attempt);
        let report = match host
            .ok_or(NetError::HostUnreachable)
            .and_then(|host| Sockets::open(now, net, host))
        {
            Ok(sockets) => {
                let server = Server {
                    pod: pod.clone(),
                    container: container.clone(),
                    attempt,
                    sockets,
                    frozen: None,
                };
                self.servers.insert(pod.uid.clone(), server);
                Report::Started {
                    pod,
                    container,
                    attempt,
                }
            }
            Err(cause) => {
                let message = format!("Listen: listen udp :53: {cause}");
                Report::StartFailed {
                    pod,
                    container,
                    attempt,
                    reason: "StartError".into(),
                    message,
                }
            }
        };
        cluster.handle_report(now, report);
    }

    /// Ends the server that this signal is for; false when the signal is for no server.
    pub(crate) fn signal(
        &mut self,
        now: Instant,
        net: &mut Net,
        cluster: &mut Cluster,
        pod: &PodRef,
        container: &str,
        attempt: u32,
    ) -> bool {
        let ours = |server: &Server| server.container == container && server.attempt == attempt;
        if !self.servers.get(&pod.uid).is_some_and(ours) {
            return false;
        }
        self.stop_pod(now, net, pod);
        let (pod, container) = (pod.clone(), container.to_owned());
        cluster.handle_report(
            now,
            Report::Exited {
                pod,
                container,
                attempt,
                code: 0,
                oom: false,
                said: cluster::kubelet::LastWords::default(),
            },
        );
        true
    }

    /// Closes what a Pod's server had open.
    pub(crate) fn stop_pod(&mut self, now: Instant, net: &mut Net, pod: &PodRef) {
        if let Some(server) = self.servers.remove(&pod.uid) {
            server.sockets.close(now, net);
        }
    }

    /// Forgets the servers on a node that lost power; their sockets died with it.
    pub(crate) fn stop_pods(&mut self, lost: impl Fn(&PodRef) -> bool) {
        self.servers.retain(|_, server| !lost(&server.pod));
    }

    /// Answers with these records from now on.
    pub(crate) fn set_records(&mut self, records: Records) {
        if let Some((_, outside)) = &mut self.outside {
            outside.outside.clone_from(&records.outside);
        }
        self.records = records;
        self.outdated = None;
    }

    /// Names have changed; this numbers their state.
    pub(crate) fn outdate(&mut self, serial: u32) {
        self.outdated = Some(serial);
    }

    /// The number of the state whose records are still to be worked out.
    pub(crate) fn outdated(&self) -> Option<u32> {
        self.outdated
    }

    /// These Pods hear nothing of the API server any more: they go on with what they know.
    pub(crate) fn cut_off(&mut self, deaf: impl Fn(&PodRef) -> bool) {
        for server in self.servers.values_mut().filter(|one| deaf(&one.pod)) {
            server.frozen = Some(self.records.clone());
        }
    }

    /// These Pods hear of the API server again.
    pub(crate) fn hear_again(&mut self, back: impl Fn(&PodRef) -> bool) {
        for server in self.servers.values_mut().filter(|one| back(&one.pod)) {
            server.frozen = None;
        }
    }

    /// Answers on this machine for those outside the cluster, who know nothing of its names.
    pub(crate) fn serve_outside(&mut self, now: Instant, net: &mut Net, host: HostId) {
        let records = Records {
            domain: "lab".into(),
            ..Records::default()
        };
        let sockets = Sockets::open(now, net, host);
        self.outside = sockets.ok().map(|sockets| (sockets, records));
    }

    fn sockets(&self) -> impl Iterator<Item = &Sockets> {
        let outside = self.outside.iter().map(|(sockets, _)| sockets);
        let servers = self.servers.values().map(|server| &server.sockets);
        servers.chain(outside)
    }

    /// Whether anything waits to be answered.
    pub(crate) fn has_mail(&self, net: &Net) -> bool {
        self.sockets().any(|server| {
            let mut socks = server
                .connections
                .keys()
                .chain([&server.udp, &server.listener]);
            socks.any(|sock| net.ready(*sock).readable)
        })
    }

    /// Answers what has arrived; true when it sent anything.
    pub(crate) fn serve(&mut self, now: Instant, net: &mut Net) -> bool {
        let records = &self.records;
        let mut sent = false;
        for server in self.servers.values_mut() {
            let records = server.frozen.as_ref().unwrap_or(records);
            sent |= server.sockets.serve(now, net, records);
        }
        if let Some((sockets, records)) = &mut self.outside {
            sent |= sockets.serve(now, net, records);
        }
        sent
    }
}

impl Sockets {
    fn open(now: Instant, net: &mut Net, host: HostId) -> Result<Self, NetError> {
        let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, PORT);
        let udp = net.udp_bind(now, host, any, Origin::Program)?;
        let listener = net.tcp_listen(now, host, any, CONNECTIONS)?;
        Ok(Self {
            udp,
            listener,
            connections: BTreeMap::new(),
        })
    }

    fn close(self, now: Instant, net: &mut Net) {
        for sock in self
            .connections
            .into_keys()
            .chain([self.udp, self.listener])
        {
            net.close(now, sock);
        }
    }

    fn serve(&mut self, now: Instant, net: &mut Net, records: &Records) -> bool {
        let udp = self.serve_udp(now, net, records);
        self.serve_tcp(now, net, records) || udp
    }

    fn serve_udp(&self, now: Instant, net: &mut Net, records: &Records) -> bool {
        let mut sent = false;
        while let Some(received) = net.udp_recv(now, self.udp) {
            let Ok((from, query)) = received else {
                continue;
            };
            if let Some(reply) = answer(records, &query, Some(UDP_LIMIT)) {
                // A client that is gone loses its answer, as on any network.
                sent |= net.udp_send(now, self.udp, from, &reply).is_ok();
            }
        }
        sent
    }

    fn serve_tcp(&mut self, now: Instant, net: &mut Net, records: &Records) -> bool {
        while let Ok(Some(sock)) = net.tcp_accept(now, self.listener) {
            if self.connections.len() < CONNECTIONS {
                self.connections.insert(sock, Vec::new());
            } else {
                net.close(now, sock);
            }
        }
        let mut sent = false;
        let mut done = Vec::new();
        for (sock, buffer) in &mut self.connections {
            match read(now, net, *sock, buffer) {
                Ok(()) => sent |= reply_all(now, net, *sock, buffer, records),
                Err(()) => done.push(*sock),
            }
        }
        for sock in done {
            self.connections.remove(&sock);
            net.close(now, sock);
        }
        sent
    }
}

/// Takes in what a client sent; an error is the end of the connection.
fn read(now: Instant, net: &mut Net, sock: SockId, buffer: &mut Vec<u8>) -> Result<(), ()> {
    loop {
        match net.tcp_recv(now, sock, usize::from(u16::MAX)) {
            Ok(Recv::Data(data)) => buffer.extend_from_slice(&data),
            Ok(Recv::WouldBlock) => return Ok(()),
            Ok(Recv::Eof) | Err(_) => return Err(()),
        }
        if buffer.len() > 2 * usize::from(u16::MAX) {
            return Err(());
        }
    }
}

/// Answers each whole query in `buffer` (RFC 1035, 4.2.2: two bytes of length before each).
fn reply_all(
    now: Instant,
    net: &mut Net,
    sock: SockId,
    buffer: &mut Vec<u8>,
    records: &Records,
) -> bool {
    let mut sent = false;
    while let [high, low, rest @ ..] = buffer.as_slice() {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let Some(query) = rest.get(..length) else {
            break;
        };
        if let Some(reply) = answer(records, query, None) {
            let size = u16::try_from(reply.len()).expect("a DNS message fits its length field");
            let framed = [&size.to_be_bytes(), reply.as_slice()].concat();
            sent |= net.tcp_send(now, sock, &framed).is_ok();
        }
        buffer.drain(..2 + length);
    }
    sent
}
