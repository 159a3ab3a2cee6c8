//! Which connection a segment is for, and what becomes of one that is for none.
//!
//! Segments of one connection that arrive together are collected for one poll of its stack.
//! Never reads a payload.

use super::{ConnId, Phase};
use crate::net::{HostId, Net};
use crate::packet::{Flow, Packet, TcpFlags, tcp_ack_again, tcp_reset};
use crate::socket::{NetError, SockId};
use smoltcp::wire::{IpAddress, IpListenEndpoint};

impl Net {
    /// A segment has arrived for this host.
    pub(crate) fn tcp_input(&mut self, at: HostId, packet: Packet) {
        let Some(flow) = packet.flow() else {
            return self.lose(packet);
        };
        let key = flow.key();
        let host = self
            .host_mut(at)
            .expect("packets arrive at hosts that exist");
        let found = match host.recent {
            Some((recent, conn)) if recent == key => Some(conn),
            _ => host.conns.get(&key).copied(),
        };
        if let Some(conn) = found {
            host.recent = Some((key, conn));
            return self.collect(conn, packet);
        }
        self.flush();
        self.tcp_unknown(at, flow, packet);
    }

    /// A segment for no connection: one that rests, a new one, or a mistake.
    pub(super) fn tcp_unknown(&mut self, at: HostId, flow: Flow, packet: Packet) {
        let now = self.now;
        let host = self
            .host_mut(at)
            .expect("packets arrive at hosts that exist");
        let flags = packet.tcp_flags();
        let rests = host
            .time_wait
            .get(&flow.key())
            .is_some_and(|until| *until > now);
        let listener = host.listener(flow.dst);
        let answer = match listener {
            _ if rests && !flags.opens() => tcp_ack_again(packet.bytes()),
            Some(listener) if flags.opens() => return self.tcp_arrival(at, listener, flow, packet),
            _ => tcp_reset(packet.bytes()),
        };
        if let Some(answer) = answer {
            let answer = self.whole_packet(answer, &packet);
            self.send(at, answer);
        }
        self.lose(packet);
    }

    /// A SYN for a listener; without room in its backlog it is dropped and will come again.
    pub(super) fn tcp_arrival(&mut self, at: HostId, sock: SockId, flow: Flow, packet: Packet) {
        let listener = self
            .socks
            .listener_mut(sock)
            .expect("hosts name open listeners");
        if listener.half_open + listener.queue.len() >= listener.backlog {
            return self.lose(packet);
        }
        let Ok(id) = self.add_conn(at, flow.dst, flow.src, Phase::HalfOpen, packet.origin) else {
            return self.lose(packet);
        };
        self.socks
            .listener_mut(sock)
            .expect("looked at above")
            .half_open += 1;
        let conn = self.conns.get_mut(id.0).expect("just added");
        conn.listener = Some(sock);
        let local = IpListenEndpoint {
            addr: Some(IpAddress::Ipv4(*flow.dst.ip())),
            port: flow.dst.port(),
        };
        conn.socket
            .get_mut()
            .listen(local)
            .expect("the socket is fresh and the port not zero");
        self.collect(id, packet);
    }

    /// Collects the packets of one connection that arrive together.
    pub(super) fn collect(&mut self, id: ConnId, packet: Packet) {
        if self.batch != Some(id) {
            self.flush();
            self.batch = Some(id);
        }
        let now = self.now;
        let conn = self
            .conns
            .get_mut(id.0)
            .expect("hosts name connections that exist");
        conn.since = now;
        conn.reset |= packet.tcp_flags().has(TcpFlags::RST);
        self.wire.incoming.push_back((packet.buf, packet.len));
    }

    /// Lets the collected packets in.
    pub(crate) fn flush(&mut self) {
        if let Some(conn) = self.batch.take() {
            self.poll_conn(conn);
        }
    }

    /// An ICMP error about a connection: it ends a handshake and nothing else, as on Linux.
    pub(crate) fn tcp_unreachable(&mut self, at: HostId, sent: Flow, error: NetError) {
        let found = self
            .host(at)
            .and_then(|host| host.conns.get(&sent.reversed().key()).copied());
        let Some(id) = found else { return };
        let conn = self
            .conns
            .get_mut(id.0)
            .expect("hosts name connections that exist");
        if conn.phase == Phase::Connecting {
            self.finish(id, Some(error));
        }
    }
}
