//! How a connection comes and goes: made, opened, closed by its program, over, forgotten.
//!
//! Never sends a packet of its own; the stack does, when it is polled.

use super::{Conn, ConnId, Listener, Phase, key};
use crate::net::{HostId, Net};
use crate::socket::{NetError, Origin, SockId};
use clock::Duration;
use smoltcp::socket::tcp::State;
use std::net::SocketAddrV4;

/// How many connections can exist at once; a further SYN is dropped, a further connect refused
/// with `TooMany`.
pub const CONNECTIONS_MAX: usize = 32_768;
/// How long a finished connection's addresses rest.
const TIME_WAIT: Duration = Duration::from_secs(60);

impl Net {
    pub(super) fn add_conn(
        &mut self,
        host: HostId,
        local: SocketAddrV4,
        remote: SocketAddrV4,
        phase: Phase,
        origin: Origin,
    ) -> Result<ConnId, NetError> {
        if self.conns.len() >= CONNECTIONS_MAX {
            return Err(NetError::TooMany);
        }
        let (socket, now) = (self.pool.take(), self.now);
        let id = ConnId(self.conns.insert(Conn {
            host,
            local,
            remote,
            sock: None,
            listener: None,
            origin,
            phase,
            socket,
            reset: false,
            syns: 0,
            since: now,
            armed: None,
        }));
        let machine = self.host_mut(host).expect("connections have a host");
        machine.recent = None;
        let key = key(local, remote);
        machine.time_wait.remove(&key);
        machine.conns.insert(key, id);
        Ok(id)
    }

    /// A handshake that is complete opens the connection, and a listener's has news.
    pub(super) fn opened(&mut self, id: ConnId) {
        let conn = self.conns.get_mut(id.0).expect("just polled");
        let state = conn.socket.get().state();
        let waits = matches!(state, State::SynSent | State::SynReceived | State::Listen);
        let was = conn.phase;
        if waits || !matches!(was, Phase::Connecting | Phase::HalfOpen) {
            return;
        }
        conn.phase = Phase::Open;
        if let Some(sock) = conn.listener
            && let Some(listener) = self.socks.listener_mut(sock)
        {
            listener.half_open -= 1;
            listener.queue.push_back(id);
            self.socks.notify(sock);
        }
    }

    /// The program has closed its socket.
    pub(crate) fn orphan(&mut self, id: ConnId) {
        let now = self.now;
        let conn = self.conns.get_mut(id.0).expect("sockets name connections");
        conn.sock = None;
        conn.since = now;
        match conn.phase {
            Phase::Over(_) | Phase::Connecting => return self.drop_conn(id),
            _ if conn.socket.get().recv_queue() > 0 => conn.socket.get_mut().abort(),
            _ => conn.socket.get_mut().close(),
        }
        self.poll_conn(id);
    }

    /// A listener is closed: those who wait for it are reset.
    pub(crate) fn close_listener(&mut self, listener: Listener) {
        let bound = (listener.local.port(), *listener.local.ip());
        let Some(host) = self.host_mut(listener.host) else {
            return;
        };
        host.listeners.remove(&bound);
        let local = listener.local;
        let mine = |conn: &Conn| {
            let addr_fits = local.ip().is_unspecified() || conn.local.ip() == local.ip();
            conn.host == listener.host
                && conn.listener.is_some()
                && conn.local.port() == local.port()
                && addr_fits
        };
        let waiting: Vec<u32> = self
            .conns
            .iter()
            .filter(|(_, conn)| mine(conn))
            .map(|(id, _)| id)
            .collect();
        for id in waiting {
            let conn = self.conns.get_mut(id).expect("just listed");
            conn.listener = None;
            conn.socket.get_mut().abort();
            self.poll_conn(ConnId(id));
        }
    }

    /// A connection is over. What has arrived can still be read; without a reader it is forgotten.
    pub(super) fn finish(&mut self, id: ConnId, error: Option<NetError>) {
        let now = self.now;
        let conn = self
            .conns
            .get_mut(id.0)
            .expect("callers name connections that exist");
        let (host, key, rests) = (
            conn.host,
            conn.key(),
            conn.socket.get().state() == State::TimeWait,
        );
        let was = conn.phase;
        if !matches!(was, Phase::Over(_)) {
            conn.phase = Phase::Over(error);
        }
        let (sock, listener) = (conn.sock, conn.listener);
        self.leave_host(id);
        if rests && let Some(host) = self.host_mut(host) {
            host.rest(now, key, now + TIME_WAIT);
        }
        match (sock, listener) {
            (Some(sock), _) => self.socks.notify(sock),
            // Accepted by nobody yet: those that were open stay in the queue, to be read.
            (None, Some(_)) if was == Phase::Open && error.is_none() => {}
            _ => {
                self.conns.get_mut(id.0).expect("looked at above").phase = was;
                self.drop_conn(id);
            }
        }
    }

    /// Forgets a connection without a word to the peer.
    pub(crate) fn drop_conn(&mut self, id: ConnId) {
        self.leave_host(id);
        let Some(conn) = self.conns.remove(id.0) else {
            return;
        };
        self.leave_listener(id, conn.listener, conn.phase);
        self.pool.put(conn.socket);
    }

    /// Its addresses can be used again; its unread data stays.
    pub(super) fn leave_host(&mut self, id: ConnId) {
        let Some(conn) = self.conns.get_mut(id.0) else {
            return;
        };
        if let Some(at) = conn.armed.take() {
            self.timers.remove(&(at, id));
        }
        let (host, key) = (conn.host, conn.key());
        if let Some(host) = self.host_mut(host)
            && host.conns.get(&key) == Some(&id)
        {
            host.conns.remove(&key);
            host.recent = None;
        }
    }

    pub(super) fn leave_listener(&mut self, id: ConnId, listener: Option<SockId>, phase: Phase) {
        let Some(listener) = listener.and_then(|sock| self.socks.listener_mut(sock)) else {
            return;
        };
        match phase {
            Phase::HalfOpen => listener.half_open -= 1,
            _ => listener.queue.retain(|queued| *queued != id),
        }
    }
}
