//! Listening at a machine's own interfaces, as tcpdump does: whole frames, in a bounded queue.
//!
//! Never holds a packet up, and costs one comparison per passage while nobody listens.

use crate::host::Host;
use crate::interfaces::{BRIDGE, OVERLAY};
use crate::net::{HostId, Net};
use crate::packet::Packet;
use crate::pcap::{ethernet, framed, mac, overlay_mac};
use crate::socket::{NetError, Readiness, Sock, SockId};
use crate::tap::{Direction, Entry, HEAD, TapId};
use clock::Instant;
use std::collections::VecDeque;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// How many packets wait for a listener; further ones are counted as dropped.
pub const CAPTURED_MAX: usize = 4_096;
/// How many bytes wait for a listener, tcpdump's buffer of 2 MiB.
pub const CAPTURED_BYTES: usize = 2 << 20;
/// How many listeners there can be at once.
pub const LISTENING_MAX: usize = 64;

/// A packet as a listener gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    /// When it passed.
    pub at: Instant,
    /// Through which interface.
    pub iface: Arc<str>,
    /// Its number on the machine.
    pub index: u32,
    /// Which way.
    pub dir: Direction,
    /// An Ethernet frame with right checksums, perhaps cut short.
    pub frame: Vec<u8>,
    /// How long it was.
    pub len: usize,
}

/// Somebody who listens.
pub(crate) struct Listening {
    host: HostId,
    /// Nothing is every interface.
    iface: Option<Arc<str>>,
    snap: usize,
    queue: VecDeque<Captured>,
    bytes: usize,
    dropped: u64,
}

impl Listening {
    /// What would not block now.
    pub(crate) fn ready(&self) -> Readiness {
        Readiness {
            readable: !self.queue.is_empty(),
            ..Readiness::default()
        }
    }

    fn wants(&self, iface: &str) -> bool {
        self.iface.as_deref().is_none_or(|wanted| wanted == iface)
    }

    fn put(&mut self, captured: &Captured) {
        if self.queue.len() >= CAPTURED_MAX || self.bytes >= CAPTURED_BYTES {
            self.dropped += 1;
            return;
        }
        let mut captured = captured.clone();
        captured.frame.truncate(self.snap);
        self.bytes += captured.frame.len();
        self.queue.push_back(captured);
    }
}

impl Net {
    /// Listens at one of a host's interfaces, or at all of them (`any`), keeping at most `snap`
    /// bytes of each frame.
    ///
    /// # Errors
    ///
    /// `AddrNotAvailable` when there is no such interface, `TooMany`, and `InvalidState` when the
    /// host is gone or off.
    pub fn capture_open(
        &mut self,
        now: Instant,
        host: HostId,
        iface: &str,
        snap: usize,
    ) -> Result<SockId, NetError> {
        self.begin(now);
        self.host(host)
            .filter(|host| host.powered)
            .ok_or(NetError::InvalidState)?;
        let exists = self.links(host).iter().any(|link| link.name == iface);
        if iface != "any" && !exists {
            return Err(NetError::AddrNotAvailable);
        }
        if self.listening.len() >= LISTENING_MAX {
            return Err(NetError::TooMany);
        }
        let sock = self.socks.insert(Sock::Capture(Box::new(Listening {
            host,
            iface: (iface != "any").then(|| iface.into()),
            snap,
            queue: VecDeque::new(),
            bytes: 0,
            dropped: 0,
        })))?;
        self.listening.push((host, sock));
        Ok(sock)
    }

    /// The next packets a listener has heard, at most `max`.
    pub fn capture_next(&mut self, now: Instant, sock: SockId, max: usize) -> Vec<Captured> {
        self.begin(now);
        let Some(listening) = self.socks.capture_mut(sock) else {
            return Vec::new();
        };
        let count = max.min(listening.queue.len());
        let taken: Vec<Captured> = listening.queue.drain(..count).collect();
        listening.bytes -= taken.iter().map(|one| one.frame.len()).sum::<usize>();
        taken
    }

    /// How many packets a listener did not take in time.
    pub fn capture_dropped(&mut self, sock: SockId) -> u64 {
        self.socks
            .capture_mut(sock)
            .map_or(0, |listening| listening.dropped)
    }

    /// A packet passes an interface while somebody listens somewhere.
    #[cold]
    pub(crate) fn overhear(
        &mut self,
        tap: TapId,
        dir: Direction,
        link: (Ipv4Addr, Ipv4Addr),
        packet: &Packet,
    ) {
        let host = self.log.taps[tap.0 as usize].host;
        let listeners: Vec<SockId> = self
            .listening
            .iter()
            .filter_map(|(at, sock)| (*at == host).then_some(*sock))
            .collect();
        if listeners.is_empty() {
            return;
        }
        let passages = self.passages(tap, dir, link, packet);
        for sock in listeners {
            let listening = self
                .socks
                .capture_mut(sock)
                .expect("listeners are forgotten when they close");
            debug_assert_eq!(listening.host, host);
            for captured in &passages {
                if listening.wants(&captured.iface) {
                    listening.put(captured);
                }
            }
            self.socks.notify(sock);
        }
    }

    /// The interfaces a packet passes together with a tap: what crosses a node's veth crosses its
    /// bridge, and what comes out of its `eth0` in the overlay went into `flannel.1` before.
    fn passages(
        &self,
        tap: TapId,
        dir: Direction,
        link: (Ipv4Addr, Ipv4Addr),
        packet: &Packet,
    ) -> Vec<Captured> {
        let entry = entry(self.now, tap, dir, link, packet);
        let (frame, _) = ethernet(&entry);
        let iface = Arc::clone(&self.log.taps[tap.0 as usize].iface);
        let captured = |iface: Arc<str>, index, frame: Vec<u8>| Captured {
            at: self.now,
            iface,
            index,
            dir,
            len: frame.len(),
            frame,
        };
        let mut passages = match &*iface {
            "lo" => vec![captured(iface, 1, frame)],
            "eth0" if packet.outer.is_some() => {
                let inner = captured(OVERLAY.into(), 3, inner_frame(&entry));
                let outer = captured(iface, 2, frame);
                vec![outer, inner]
            }
            "eth0" => vec![captured(iface, 2, frame)],
            _ if self.port_index(tap).is_some() => {
                let index = self.port_index(tap).unwrap_or(0);
                vec![captured(iface, index, frame)]
            }
            _ => {
                let pod = self
                    .hosts
                    .iter()
                    .flatten()
                    .find(|pod| pod.veth == Some(tap));
                let index = pod.map_or(0, |pod| pod.veth_index);
                let mut passages = vec![captured(iface, index, frame.clone())];
                // What goes from port to port is seen by the bridge once, coming in.
                if dir == Direction::In || !self.comes_from_port(tap, packet) {
                    passages.push(captured(BRIDGE.into(), 4, frame));
                }
                passages
            }
        };
        if dir == Direction::Out {
            passages.reverse();
        }
        passages
    }

    /// The number of a router's interface beside `eth0`.
    fn port_index(&self, tap: TapId) -> Option<u32> {
        let host = self.log.taps[tap.0 as usize].host;
        let ports = &self.host(host)?.router()?.ports;
        let place = ports.iter().position(|port| port.tap == tap)?;
        u32::try_from(place + 3).ok()
    }

    fn comes_from_port(&self, veth: TapId, packet: &Packet) -> bool {
        let node = self.log.taps[veth.0 as usize].host;
        self.host(node)
            .and_then(Host::node)
            .is_some_and(|node| node.bridges(packet.src()))
    }
}

/// The frame inside the overlay's.
fn inner_frame(entry: &Entry) -> Vec<u8> {
    let mut ip = entry.kept().to_vec();
    crate::packet::fill_checksums(&mut ip);
    let (src, dst) = entry.outer.unwrap_or(entry.link);
    let address = if entry.outer.is_some() {
        overlay_mac
    } else {
        mac
    };
    framed(address(src), address(dst), &ip)
}

/// A passage with all of its packet, whatever the log keeps.
fn entry(
    at: Instant,
    tap: TapId,
    dir: Direction,
    link: (Ipv4Addr, Ipv4Addr),
    packet: &Packet,
) -> Entry {
    Entry {
        at,
        packet_id: packet.id,
        tap,
        dir,
        origin: packet.origin,
        len: packet.len,
        head_len: 0,
        head: [0; HEAD],
        link,
        outer: packet.outer,
        before: packet.before,
        full: Some(packet.bytes().into()),
    }
}
