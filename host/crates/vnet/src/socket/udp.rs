//! UDP sockets: a bounded queue of datagrams and the errors that ICMP brings. Never fragments.

use super::{NetError, Origin, Readiness, Sock, SockId};
use crate::host::Host;
use crate::net::{HostId, Net};
use crate::packet::{Flow, IP_HEADER, Packet, write_udp};
use clock::Instant;
use std::collections::{BTreeSet, VecDeque};
use std::net::{Ipv4Addr, SocketAddrV4};

/// How many datagrams wait in a socket; further ones are lost.
pub const DATAGRAMS_MAX: usize = 512;
/// How many bytes wait in a socket, as Linux's rmem_default.
const BYTES_MAX: usize = 212_992;
/// How many errors wait in a socket; further ones are lost.
const ERRORS_MAX: usize = 8;
/// How many peers a socket remembers as a lesson's.
const CHECKERS_MAX: usize = 256;

/// A UDP socket.
pub(crate) struct UdpSocket {
    pub(crate) host: HostId,
    pub(crate) local: SocketAddrV4,
    origin: Origin,
    /// The time to live of what it sends.
    ttl: u8,
    queue: VecDeque<(SocketAddrV4, Vec<u8>)>,
    bytes: usize,
    errors: VecDeque<NetError>,
    /// Answers to these are the lesson's packets too.
    checkers: BTreeSet<SocketAddrV4>,
}

impl UdpSocket {
    /// What would not block now.
    pub(crate) fn ready(&self) -> Readiness {
        let readable = !self.queue.is_empty() || !self.errors.is_empty();
        Readiness {
            readable,
            writable: true,
            failed: false,
        }
    }

    /// How many bytes wait.
    pub(crate) const fn queued(&self) -> usize {
        self.bytes
    }
}

impl Net {
    /// Opens a UDP socket on `local`; port 0 is any free one, address 0.0.0.0 all of the host's.
    ///
    /// # Errors
    ///
    /// `AddrInUse`, `AddrNotAvailable`, `TooMany`; `InvalidState` when the host is gone or off.
    pub fn udp_bind(
        &mut self,
        now: Instant,
        host: HostId,
        local: SocketAddrV4,
        origin: Origin,
    ) -> Result<SockId, NetError> {
        self.begin(now);
        let machine = self
            .host_mut(host)
            .filter(|host| host.powered)
            .ok_or(NetError::InvalidState)?;
        let mut local = local;
        if local.port() == 0 {
            let is_free = |host: &Host, port| {
                host.check_bind(&host.udp, SocketAddrV4::new(*local.ip(), port))
                    .is_ok()
            };
            local.set_port(machine.ephemeral_port(is_free).ok_or(NetError::AddrInUse)?);
        }
        machine.check_bind(&machine.udp, local)?;
        let sock = self.socks.insert(Sock::Udp(Box::new(UdpSocket {
            host,
            local,
            origin,
            ttl: 64,
            queue: VecDeque::new(),
            bytes: 0,
            errors: VecDeque::new(),
            checkers: BTreeSet::new(),
        })))?;
        let machine = self.host_mut(host).expect("looked at above");
        machine.udp.insert((local.port(), *local.ip()), sock);
        Ok(sock)
    }

    /// Sets the time to live of what a socket sends from now on.
    pub fn udp_set_ttl(&mut self, sock: SockId, ttl: u8) {
        if let Some(udp) = self.socks.udp_mut(sock) {
            udp.ttl = ttl;
        }
    }

    /// Sends one datagram.
    ///
    /// # Errors
    ///
    /// `TooBig` when it does not fit a packet, `InvalidState` when the socket is gone.
    pub fn udp_send(
        &mut self,
        now: Instant,
        sock: SockId,
        to: SocketAddrV4,
        data: &[u8],
    ) -> Result<(), NetError> {
        self.begin(now);
        let udp = self.socks.udp_mut(sock).ok_or(NetError::InvalidState)?;
        let to = match to.ip().is_unspecified() {
            true => SocketAddrV4::new(Ipv4Addr::LOCALHOST, to.port()),
            false => to,
        };
        let origin = if udp.checkers.contains(&to) {
            Origin::Checker
        } else {
            udp.origin
        };
        let (host, mut from, ttl) = (udp.host, udp.local, udp.ttl);
        let len = IP_HEADER + 8 + data.len();
        if self.host(host).is_none_or(|machine| len > machine.mtu) {
            return Err(NetError::TooBig);
        }
        if from.ip().is_unspecified() {
            let machine = self.host(host).ok_or(NetError::InvalidState)?;
            from.set_ip(self.source_for(machine, *to.ip()));
        }
        let mut buffer = self.wire.buffer(len);
        write_udp(&mut buffer[..len], from, to, data);
        buffer[8] = ttl;
        let packet = self.packet(buffer, len as u16, origin);
        self.send(host, packet);
        self.drain();
        Ok(())
    }

    /// The next datagram and who sent it, or the error that an earlier send has caused.
    pub fn udp_recv(
        &mut self,
        now: Instant,
        sock: SockId,
    ) -> Option<Result<(SocketAddrV4, Vec<u8>), NetError>> {
        self.begin(now);
        let Some(udp) = self.socks.udp_mut(sock) else {
            return Some(Err(NetError::InvalidState));
        };
        if let Some(error) = udp.errors.pop_front() {
            return Some(Err(error));
        }
        let (from, data) = udp.queue.pop_front()?;
        udp.bytes -= data.len();
        Some(Ok((from, data)))
    }

    /// A datagram has arrived for this host.
    pub(crate) fn udp_input(&mut self, at: HostId, packet: Packet) {
        self.flush();
        let Some(flow) = packet.flow() else {
            return self.lose(packet);
        };
        let host = self.host(at).expect("packets arrive at hosts that exist");
        let Some(sock) = host.udp_socket(flow.dst) else {
            return self.port_unreachable(at, packet);
        };
        let udp = self.socks.udp_mut(sock).expect("hosts name open sockets");
        let payload = &packet.bytes()[IP_HEADER + 8..];
        if udp.queue.len() < DATAGRAMS_MAX && udp.bytes + payload.len() <= BYTES_MAX {
            udp.bytes += payload.len();
            udp.queue.push_back((flow.src, payload.to_vec()));
            if packet.origin == Origin::Checker && udp.checkers.len() < CHECKERS_MAX {
                udp.checkers.insert(flow.src);
            } else if packet.origin == Origin::Program {
                udp.checkers.remove(&flow.src);
            }
            self.socks.notify(sock);
        }
        self.lose(packet);
    }

    /// Nobody is there: say so.
    fn port_unreachable(&mut self, at: HostId, packet: Packet) {
        use crate::packet::{Unreachable, icmp_unreachable};
        let error = icmp_unreachable(packet.dst(), packet.bytes(), Unreachable::Port);
        let error = self.whole_packet(error, &packet);
        self.send(at, error);
        self.lose(packet);
    }

    pub(super) fn udp_unreachable(&mut self, at: HostId, sent: Flow, error: NetError) {
        let Some(sock) = self.host(at).and_then(|host| host.udp_socket(sent.src)) else {
            return;
        };
        let udp = self.socks.udp_mut(sock).expect("hosts name open sockets");
        if udp.errors.len() < ERRORS_MAX {
            udp.errors.push_back(error);
            self.socks.notify(sock);
        }
    }
}
