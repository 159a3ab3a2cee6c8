//! What kube-proxy answers on a Service's `healthCheckNodePort`: how many ready endpoints the
//! node has, so that load balancers pass traffic to such nodes only
//! (`pkg/proxy/healthcheck/service_health.go`).
//!
//! Never decides where traffic goes, and never looks at a request: every path is answered alike.

use clock::Instant;
use cluster::proxy::Rules;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddrV4};
use vnet::{HostId, Net, Recv, SockId};

/// Connections that are served at a time; a further one is closed at once.
const CONNECTIONS: usize = 128;
/// A request that is longer than this is none.
const REQUEST_MAX: usize = 8 << 10;

/// A Service that is asked after, by its port.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Asked {
    namespace: String,
    name: String,
    /// Ready endpoints by node; several ports of one Pod are one endpoint.
    ready: BTreeMap<String, BTreeSet<Ipv4Addr>>,
}

/// The listeners of all nodes.
#[derive(Debug, Default)]
pub(crate) struct HealthChecks {
    asked: BTreeMap<u16, Asked>,
    listeners: BTreeMap<(String, u16), SockId>,
    talks: BTreeMap<SockId, Talk>,
}

#[derive(Debug)]
struct Talk {
    node: String,
    port: u16,
    request: Vec<u8>,
}

impl HealthChecks {
    /// Listens where the rules want it, on the nodes that have power.
    pub(crate) fn follow(
        &mut self,
        now: Instant,
        net: &mut Net,
        nodes: &BTreeMap<String, HostId>,
        rules: &Rules,
    ) {
        self.asked = asked(rules);
        let asked = &self.asked;
        self.listeners.retain(|(node, port), sock| {
            let powered = nodes.get(node).is_some_and(|host| net.is_powered(*host));
            let stays = powered && asked.contains_key(port);
            if !stays {
                net.close(now, *sock);
            }
            stays
        });
        for (node, host) in nodes {
            if !net.is_powered(*host) {
                continue;
            }
            for port in asked.keys() {
                let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, *port);
                let key = (node.clone(), *port);
                if !self.listeners.contains_key(&key)
                    // A program of the node's may have the port; kube-proxy goes without, too.
                    && let Ok(sock) = net.tcp_listen(now, *host, any, CONNECTIONS)
                {
                    self.listeners.insert(key, sock);
                }
            }
        }
    }

    /// Forgets the sockets of a node that lost power; they died with it.
    pub(crate) fn lose_node(&mut self, node: &str) {
        self.listeners.retain(|(name, _), _| name != node);
        self.talks.retain(|_, talk| talk.node != node);
    }

    /// Whether anything waits to be answered.
    pub(crate) fn has_mail(&self, net: &Net) -> bool {
        let mut socks = self.listeners.values().chain(self.talks.keys());
        socks.any(|sock| net.ready(*sock).readable)
    }

    /// Answers what has arrived; true when it sent anything.
    pub(crate) fn serve(&mut self, now: Instant, net: &mut Net) -> bool {
        for ((node, port), listener) in &self.listeners {
            while let Ok(Some(sock)) = net.tcp_accept(now, *listener) {
                if self.talks.len() >= CONNECTIONS {
                    net.close(now, sock);
                    continue;
                }
                let talk = Talk {
                    node: node.clone(),
                    port: *port,
                    request: Vec::new(),
                };
                self.talks.insert(sock, talk);
            }
        }
        let (asked, mut sent) = (&self.asked, false);
        self.talks.retain(|sock, talk| {
            if !talk.is_complete(now, net, *sock) {
                return true;
            }
            if let Some(asked) = asked.get(&talk.port) {
                sent |= net
                    .tcp_send(now, *sock, asked.answer(&talk.node).as_bytes())
                    .is_ok();
            }
            net.close(now, *sock);
            false
        });
        sent
    }
}

impl Talk {
    /// Whether the request has been read, or none will come any more.
    fn is_complete(&mut self, now: Instant, net: &mut Net, sock: SockId) -> bool {
        loop {
            match net.tcp_recv(now, sock, REQUEST_MAX) {
                Ok(Recv::Data(data)) => self.request.extend_from_slice(&data),
                Ok(Recv::WouldBlock) => break,
                Ok(Recv::Eof) | Err(_) => return true,
            }
            if self.request.len() > REQUEST_MAX {
                return true;
            }
        }
        self.request.windows(4).any(|end| end == b"\r\n\r\n")
    }
}

impl Asked {
    fn answer(&self, node: &str) -> String {
        let count = self.ready.get(node).map_or(0, BTreeSet::len);
        let status = match count {
            0 => "503 Service Unavailable",
            _ => "200 OK",
        };
        let Self {
            namespace, name, ..
        } = self;
        let body = format!(
            "{{\n\t\"service\": {{\n\t\t\"namespace\": \"{namespace}\",\n\t\t\"name\": \"{name}\"\n\t}},\n\
             \t\"localEndpoints\": {count},\n\t\"serviceProxyHealthy\": true\n}}"
        );
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nX-Content-Type-Options: nosniff\r\n\
             X-Load-Balancing-Endpoint-Weight: {count}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
    }
}

/// Every Service with a port to be asked on.
fn asked(rules: &Rules) -> BTreeMap<u16, Asked> {
    let mut all = BTreeMap::new();
    for rule in &rules.services {
        let Some(port) = rule.health_check_port.filter(|_| rule.external_local) else {
            continue;
        };
        let asked = all.entry(port).or_insert_with(|| Asked {
            namespace: rule.namespace.clone(),
            name: rule.service.clone(),
            ready: BTreeMap::new(),
        });
        for endpoint in rule.endpoints.iter().filter(|_| rule.ready) {
            if let Some(node) = &endpoint.node {
                let ready = asked.ready.entry(node.clone()).or_default();
                ready.insert(*endpoint.addr.ip());
            }
        }
    }
    all
}
