//! A host's sockets as `netstat -an` lists them. Never live.

use crate::net::{HostId, Net};
use crate::packet::Flow;
use crate::socket::{Proto, Sock, SockId};
use clock::Instant;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};

/// One line of `netstat -an`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SocketInfo {
    /// The protocol.
    pub proto: Proto,
    /// Bytes that wait to be read; for a listener, connections that wait to be accepted.
    pub recv_q: usize,
    /// Bytes not yet acknowledged; for a listener, its backlog.
    pub send_q: usize,
    /// Our end.
    pub local: SocketAddrV4,
    /// The other end; `0.0.0.0:0` when there is none.
    pub remote: SocketAddrV4,
    /// TCP's state in netstat's words, empty for UDP.
    pub state: &'static str,
    /// The socket, while a program has it.
    pub sock: Option<SockId>,
    /// Whose it is; see [`Net::set_owner`].
    pub owner: u64,
}

const NOBODY: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);

impl fmt::Display for SocketInfo {
    /// As `netstat -an` prints it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let proto = match self.proto {
            Proto::Tcp => "tcp",
            Proto::Udp => "udp",
            Proto::Icmp => "icmp",
        };
        let remote = match self.remote.port() {
            0 => format!("{}:*", self.remote.ip()),
            _ => self.remote.to_string(),
        };
        let Self {
            recv_q,
            send_q,
            local,
            state,
            ..
        } = self;
        let local = local.to_string();
        let line = format!("{proto:<5} {recv_q:>6} {send_q:>6} {local:<23} {remote:<23} {state}");
        f.write_str(line.trim_end())
    }
}

impl Net {
    /// A host's sockets: listeners, connections, connections that rest, UDP; each by port.
    #[must_use]
    pub fn sockets(&self, host: HostId) -> Vec<SocketInfo> {
        let Some(machine) = self.host(host) else {
            return Vec::new();
        };
        let bound = machine
            .listeners
            .values()
            .chain(machine.udp.values())
            .chain(machine.icmp.values());
        let mut list: Vec<SocketInfo> = bound.filter_map(|sock| self.bound(*sock)).collect();
        let conns = machine
            .conns
            .values()
            .filter_map(|conn| self.conns.get(conn.0));
        list.extend(conns.map(|conn| SocketInfo {
            proto: Proto::Tcp,
            recv_q: conn.socket.get().recv_queue(),
            send_q: conn.socket.get().send_queue(),
            local: conn.local,
            remote: conn.remote,
            state: conn.state_name(),
            sock: conn.sock,
            owner: conn.sock.map_or(0, |sock| self.socks.owner(sock)),
        }));
        let rests = machine
            .time_wait
            .iter()
            .filter(|(_, until)| **until > self.now);
        list.extend(rests.map(|(key, _)| resting(*key)));
        list.sort_by_key(|info| {
            (
                info.proto,
                info.state != "LISTEN",
                info.local.port(),
                info.remote,
            )
        });
        list
    }

    fn bound(&self, sock: SockId) -> Option<SocketInfo> {
        let (proto, recv_q, send_q, local, state) = match self.socks.get(sock)? {
            Sock::Listener(listener) => (
                Proto::Tcp,
                listener.queue.len(),
                listener.backlog,
                listener.local,
                "LISTEN",
            ),
            Sock::Udp(udp) => (Proto::Udp, udp.queued(), 0, udp.local, ""),
            Sock::Icmp(icmp) => {
                let local = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, icmp.identifier);
                (Proto::Icmp, 0, 0, local, "")
            }
            Sock::Conn(_) | Sock::Capture(_) => return None,
        };
        Some(SocketInfo {
            proto,
            recv_q,
            send_q,
            local,
            remote: NOBODY,
            state,
            sock: Some(sock),
            owner: self.socks.owner(sock),
        })
    }

    /// What the network takes the time to be: that of the last order or advance.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.now
    }
}

/// A connection in TIME-WAIT, of which only the addresses are kept.
fn resting(key: u128) -> SocketInfo {
    let Flow { proto, src, dst } = Flow::from_key(key);
    SocketInfo {
        proto,
        recv_q: 0,
        send_q: 0,
        local: dst,
        remote: src,
        state: "TIME_WAIT",
        sock: None,
        owner: 0,
    }
}
