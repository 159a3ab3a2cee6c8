//! ICMP as programs see it: echo requests and their answers, and what went wrong on the way.
//!
//! Every machine answers echo requests to its own addresses. A socket gets the answers to its own
//! requests and every error the machine is told of, whatever packet it is about, as a raw socket
//! on Linux does; that is what traceroute lives on. Never fragments.

use super::{NetError, Origin, Readiness, Sock, SockId};
use crate::host::Host;
use crate::net::{HostId, Net};
use crate::packet::{ECHO_REPLY, ECHO_REQUEST, Echo, Flow, IP_HEADER, Packet, UNREACHABLE};
use crate::socket::Proto;
use clock::Instant;
use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddrV4};

/// How many messages wait in a socket; further ones are lost.
const MESSAGES_MAX: usize = 512;

/// A socket for ICMP.
pub(crate) struct IcmpSocket {
    pub(crate) host: HostId,
    pub(crate) identifier: u16,
    origin: Origin,
    queue: VecDeque<IcmpMessage>,
}

/// What ICMP says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IcmpKind {
    /// The answer to an echo request.
    EchoReply,
    /// A packet did not arrive, for this reason: 0 network, 1 host, 3 port.
    Unreachable(u8),
    /// A packet's time to live ran out.
    TimeExceeded,
}

/// What came to an ICMP socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IcmpMessage {
    /// Who says it.
    pub from: Ipv4Addr,
    /// What.
    pub kind: IcmpKind,
    /// The packet it is about, as this machine sent it; an echo's identifier is its source port.
    pub about: Flow,
    /// An echo's sequence number; of other packets the destination port.
    pub sequence: u16,
    /// The time to live of the packet that brought it.
    pub ttl: u8,
    /// When it came.
    pub at: Instant,
    /// An echo's payload.
    pub payload: Vec<u8>,
}

impl IcmpSocket {
    /// What would not block now.
    pub(crate) fn ready(&self) -> Readiness {
        Readiness {
            readable: !self.queue.is_empty(),
            writable: true,
            failed: false,
        }
    }
}

impl Net {
    /// Opens an ICMP socket, whose echo requests carry an identifier of its own.
    ///
    /// # Errors
    ///
    /// `TooMany`; `InvalidState` when the host is gone or off.
    pub fn icmp_open(
        &mut self,
        now: Instant,
        host: HostId,
        origin: Origin,
    ) -> Result<SockId, NetError> {
        self.begin(now);
        let machine = self
            .host_mut(host)
            .filter(|host| host.powered)
            .ok_or(NetError::InvalidState)?;
        let is_free = |host: &Host, id| !host.icmp.contains_key(&id);
        let identifier = machine.ephemeral_port(is_free).ok_or(NetError::TooMany)?;
        let sock = self.socks.insert(Sock::Icmp(Box::new(IcmpSocket {
            host,
            identifier,
            origin,
            queue: VecDeque::new(),
        })))?;
        let machine = self.host_mut(host).expect("looked at above");
        machine.icmp.insert(identifier, sock);
        Ok(sock)
    }

    /// What a socket's echo requests carry; 0 when the socket is gone.
    pub fn icmp_identifier(&mut self, sock: SockId) -> u16 {
        self.socks.icmp_mut(sock).map_or(0, |icmp| icmp.identifier)
    }

    /// Sends one echo request.
    ///
    /// # Errors
    ///
    /// `TooBig` when it does not fit a packet, `InvalidState` when the socket is gone.
    pub fn icmp_send(
        &mut self,
        now: Instant,
        sock: SockId,
        to: Ipv4Addr,
        sequence: u16,
        ttl: u8,
        payload: &[u8],
    ) -> Result<(), NetError> {
        self.begin(now);
        let icmp = self.socks.icmp_mut(sock).ok_or(NetError::InvalidState)?;
        let (host, origin, id) = (icmp.host, icmp.origin, icmp.identifier);
        let dst = if to.is_unspecified() {
            Ipv4Addr::LOCALHOST
        } else {
            to
        };
        let machine = self.host(host).ok_or(NetError::InvalidState)?;
        let echo = Echo {
            kind: ECHO_REQUEST,
            src: self.source_for(machine, dst),
            dst,
            ttl,
            id,
            sequence,
            payload,
        };
        if echo.len() > machine.mtu {
            return Err(NetError::TooBig);
        }
        self.send_echo(host, &echo, origin);
        self.drain();
        Ok(())
    }

    /// The next message.
    pub fn icmp_recv(&mut self, now: Instant, sock: SockId) -> Option<IcmpMessage> {
        self.begin(now);
        self.socks.icmp_mut(sock)?.queue.pop_front()
    }

    fn send_echo(&mut self, host: HostId, echo: &Echo<'_>, origin: Origin) {
        let len = echo.len();
        let mut buffer = self.wire.buffer(len);
        echo.write(&mut buffer[..len]);
        let packet = self.packet(buffer, len as u16, origin);
        self.send(host, packet);
    }

    /// An echo request for this host.
    pub(super) fn answer_echo(&mut self, at: HostId, packet: &Packet) {
        if let Some(request) = Echo::of(packet.bytes()) {
            let reply = Echo {
                kind: ECHO_REPLY,
                src: request.dst,
                dst: request.src,
                ttl: 64,
                ..request
            };
            self.send_echo(at, &reply, packet.origin);
        }
    }

    /// An answer for one of this host's sockets.
    pub(super) fn echo_reply(&mut self, at: HostId, packet: &Packet) {
        let Some(reply) = Echo::of(packet.bytes()) else {
            return;
        };
        let found = self.host(at).and_then(|host| host.icmp.get(&reply.id));
        let Some(sock) = found.copied() else { return };
        let about = Flow {
            proto: Proto::Icmp,
            src: SocketAddrV4::new(reply.dst, reply.id),
            dst: SocketAddrV4::new(reply.src, 0),
        };
        let message = IcmpMessage {
            from: reply.src,
            kind: IcmpKind::EchoReply,
            about,
            sequence: reply.sequence,
            ttl: reply.ttl,
            at: self.now,
            payload: reply.payload.to_vec(),
        };
        self.put_icmp(sock, message);
    }

    /// An error: every ICMP socket of the host hears it.
    pub(super) fn tell_icmp_error(&mut self, at: HostId, packet: &Packet) {
        let Some(host) = self.host(at).filter(|host| !host.icmp.is_empty()) else {
            return;
        };
        let Some((about, kind, code)) = packet.icmp_error() else {
            return;
        };
        let inner = &packet.bytes()[IP_HEADER + 8..];
        let sequence = match about.proto {
            Proto::Icmp => Echo::of(inner).map_or(0, |echo| echo.sequence),
            Proto::Tcp | Proto::Udp => about.dst.port(),
        };
        let message = IcmpMessage {
            from: packet.src(),
            kind: match kind {
                UNREACHABLE => IcmpKind::Unreachable(code),
                _ => IcmpKind::TimeExceeded,
            },
            about,
            sequence,
            ttl: packet.ttl(),
            at: self.now,
            payload: Vec::new(),
        };
        for sock in host.icmp.values().copied().collect::<Vec<_>>() {
            self.put_icmp(sock, message.clone());
        }
    }

    fn put_icmp(&mut self, sock: SockId, message: IcmpMessage) {
        let icmp = self.socks.icmp_mut(sock).expect("hosts name open sockets");
        if icmp.queue.len() < MESSAGES_MAX {
            icmp.queue.push_back(message);
            self.socks.notify(sock);
        }
    }
}
