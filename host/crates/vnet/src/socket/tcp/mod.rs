//! TCP: connections and listeners over smoltcp.
//!
//! ```text
//!   connect ─► Connecting ──► Open ──► Over
//!   SYN ─────► HalfOpen ─(accept queue)─┘  ▲
//!                 └────────────────────────┘ reset, timeout, unreachable, both sides finished
//! ```
//!
//! smoltcp has no backlog: a socket is made when a SYN arrives, bounded by the listener's. A
//! connection that its program has closed lives on until its end is acknowledged; TIME-WAIT is a
//! note of its addresses, without buffers. Never copies a packet.

mod arrival;
mod life;
mod poll;

pub use life::CONNECTIONS_MAX;

use super::{NetError, Origin, Proto, Readiness, Recv, Sock, SockId, TcpState};
use crate::host::Host;
use crate::net::{HostId, Net};
use crate::packet::Flow;
use crate::stack::TcpSocket;
use clock::{Duration, Instant};
use smoltcp::socket::tcp::State;
use smoltcp::wire::{IpAddress, IpEndpoint};
use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddrV4};

/// The largest backlog, whatever a program asks for: net.core.somaxconn.
const BACKLOG_MAX: usize = 4_096;
/// A connect is given up after this: tcp_syn_retries 6.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(127);
/// A handshake that the client abandons is forgotten after this: tcp_synack_retries 5.
const ACCEPT_TIMEOUT: Duration = Duration::from_secs(63);
/// Unacknowledged data breaks a connection after this: tcp_retries2 15.
const SEND_TIMEOUT: Duration = Duration::from_millis(924_600);
/// A connection without a program is forgotten after this silence: tcp_fin_timeout.
const ORPHAN_TIMEOUT: Duration = Duration::from_secs(60);

/// Names a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ConnId(pub(crate) u32);

/// Where a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Connecting,
    HalfOpen,
    Open,
    Over(Option<NetError>),
}

/// A connection, whoever has it: a program, a listener's queue, or nobody any more.
pub(crate) struct Conn {
    pub(crate) host: HostId,
    pub(crate) local: SocketAddrV4,
    pub(crate) remote: SocketAddrV4,
    pub(crate) sock: Option<SockId>,
    listener: Option<SockId>,
    pub(crate) origin: Origin,
    phase: Phase,
    pub(crate) socket: TcpSocket,
    /// A reset has arrived that the stack may have accepted.
    reset: bool,
    syns: u8,
    /// Since when silence counts.
    since: Instant,
    /// When it is in the timer list.
    pub(crate) armed: Option<Instant>,
}

/// A listening socket.
pub(crate) struct Listener {
    pub(crate) host: HostId,
    pub(crate) local: SocketAddrV4,
    pub(crate) backlog: usize,
    /// Handshakes under way.
    half_open: usize,
    pub(crate) queue: VecDeque<ConnId>,
}

/// The key under which a host finds the connection for what comes from `remote` to `local`.
fn key(local: SocketAddrV4, remote: SocketAddrV4) -> u128 {
    Flow {
        proto: Proto::Tcp,
        src: remote,
        dst: local,
    }
    .key()
}

impl Conn {
    /// What would not block now.
    pub(crate) fn ready(&self) -> Readiness {
        let socket = self.socket.get();
        let failed = matches!(self.phase, Phase::Over(Some(_)));
        match self.phase {
            Phase::Connecting | Phase::HalfOpen => Readiness::default(),
            Phase::Open | Phase::Over(_) => Readiness {
                readable: socket.recv_queue() > 0 || !socket.may_recv(),
                // A third of the buffer, as Linux: a writer is not woken for every segment.
                writable: !socket.may_send() || room(&self.socket) * 3 >= socket.send_capacity(),
                failed,
            },
        }
    }

    /// The state in netstat's words.
    pub(crate) fn state_name(&self) -> &'static str {
        match self.socket.get().state() {
            State::Closed => "CLOSE",
            State::Listen => "LISTEN",
            State::SynSent => "SYN_SENT",
            State::SynReceived => "SYN_RECV",
            State::Established => "ESTABLISHED",
            State::FinWait1 => "FIN_WAIT1",
            State::FinWait2 => "FIN_WAIT2",
            State::CloseWait => "CLOSE_WAIT",
            State::Closing => "CLOSING",
            State::LastAck => "LAST_ACK",
            State::TimeWait => "TIME_WAIT",
        }
    }

    fn key(&self) -> u128 {
        key(self.local, self.remote)
    }

    /// Nobody will read or write any more.
    const fn is_orphan(&self) -> bool {
        self.sock.is_none() && self.listener.is_none()
    }

    /// When it is given up unless something is heard.
    fn deadline(&self) -> Option<Instant> {
        self.timeout().map(|timeout| self.since + timeout)
    }

    /// How long silence is borne now.
    fn timeout(&self) -> Option<Duration> {
        match self.phase {
            Phase::Connecting => Some(CONNECT_TIMEOUT),
            Phase::HalfOpen => Some(ACCEPT_TIMEOUT),
            _ if self.is_orphan() => Some(ORPHAN_TIMEOUT),
            Phase::Open if self.socket.get().send_queue() > 0 => Some(SEND_TIMEOUT),
            _ => None,
        }
    }
}

fn room(socket: &TcpSocket) -> usize {
    socket.get().send_capacity() - socket.get().send_queue()
}

fn endpoint(addr: SocketAddrV4) -> IpEndpoint {
    IpEndpoint::new(IpAddress::Ipv4(*addr.ip()), addr.port())
}

impl Net {
    /// Starts a handshake with `remote`; [`Net::tcp_state`] tells how it goes.
    ///
    /// # Errors
    ///
    /// `InvalidState` when the host is gone or off or the remote is no address,
    /// `AddrInUse` for a `local_port` in use, `AddrNotAvailable` when no port is left.
    pub fn tcp_connect(
        &mut self,
        now: Instant,
        host: HostId,
        local_port: Option<u16>,
        remote: SocketAddrV4,
        origin: Origin,
    ) -> Result<SockId, NetError> {
        let local = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, local_port.unwrap_or(0));
        self.tcp_connect_from(now, host, local, remote, origin)
    }

    /// The same from an address of the machine; unspecified, or port 0, leave the choice to it.
    ///
    /// # Errors
    ///
    /// As [`Net::tcp_connect`], and `AddrNotAvailable` for an address that is not the machine's.
    pub fn tcp_connect_from(
        &mut self,
        now: Instant,
        host: HostId,
        local: SocketAddrV4,
        remote: SocketAddrV4,
        origin: Origin,
    ) -> Result<SockId, NetError> {
        self.begin(now);
        let machine = self
            .host(host)
            .filter(|host| host.powered)
            .ok_or(NetError::InvalidState)?;
        let remote = match remote.ip().is_unspecified() {
            true => SocketAddrV4::new(Ipv4Addr::LOCALHOST, remote.port()),
            false => remote,
        };
        if remote.port() == 0 {
            return Err(NetError::Refused);
        }
        let source = match *local.ip() {
            any if any.is_unspecified() => self.source_for(machine, *remote.ip()),
            own if machine.owns(own) => own,
            _ => return Err(NetError::AddrNotAvailable),
        };
        let local_port = Some(local.port());
        let machine = self.host_mut(host).expect("looked at above");
        let is_free = |host: &Host, port: u16| {
            let key = key(SocketAddrV4::new(source, port), remote);
            !host.conns.contains_key(&key)
        };
        let port = match local_port.filter(|port| *port != 0) {
            Some(port) if is_free(machine, port) => port,
            Some(_) => return Err(NetError::AddrInUse),
            None => {
                let rests = |host: &Host, port: u16| {
                    let local = SocketAddrV4::new(source, port);
                    is_free(host, port)
                        && host.listener(local).is_none()
                        && !host.time_wait.contains_key(&key(local, remote))
                };
                machine
                    .ephemeral_port(rests)
                    .ok_or(NetError::AddrNotAvailable)?
            }
        };
        let local = SocketAddrV4::new(source, port);
        let conn = self.add_conn(host, local, remote, Phase::Connecting, origin)?;
        let Self { hosts, conns, .. } = self;
        let machine = hosts[host.0 as usize].as_mut().expect("looked at above");
        let socket = conns.get_mut(conn.0).expect("just added").socket.get_mut();
        let connected = socket.connect(machine.stack.context(), endpoint(remote), endpoint(local));
        connected.expect("the socket is fresh and the addresses were checked");
        let sock = match self.socks.insert(Sock::Conn(conn)) {
            Ok(sock) => sock,
            Err(error) => {
                self.drop_conn(conn);
                return Err(error);
            }
        };
        self.conns.get_mut(conn.0).expect("just added").sock = Some(sock);
        self.poll_conn(conn);
        self.drain();
        Ok(sock)
    }

    /// Listens on `local`; port 0 is any free one, address 0.0.0.0 all of the host's.
    ///
    /// # Errors
    ///
    /// `AddrInUse`, `AddrNotAvailable`, `TooMany`; `InvalidState` when the host is gone or off.
    pub fn tcp_listen(
        &mut self,
        now: Instant,
        host: HostId,
        local: SocketAddrV4,
        backlog: usize,
    ) -> Result<SockId, NetError> {
        self.begin(now);
        let machine = self
            .host_mut(host)
            .filter(|host| host.powered)
            .ok_or(NetError::InvalidState)?;
        let local = match local.port() {
            0 => {
                let is_free = |host: &Host, port| {
                    host.check_bind(&host.listeners, SocketAddrV4::new(*local.ip(), port))
                        .is_ok()
                };
                let port = machine.ephemeral_port(is_free).ok_or(NetError::AddrInUse)?;
                SocketAddrV4::new(*local.ip(), port)
            }
            _ => local,
        };
        machine.check_bind(&machine.listeners, local)?;
        let queue = VecDeque::new();
        let listener = Listener {
            host,
            local,
            backlog: backlog.clamp(1, BACKLOG_MAX),
            half_open: 0,
            queue,
        };
        let sock = self.socks.insert(Sock::Listener(listener))?;
        let machine = self.host_mut(host).expect("looked at above");
        machine.listeners.insert((local.port(), *local.ip()), sock);
        Ok(sock)
    }

    /// The next connection that somebody has made to a listener.
    ///
    /// # Errors
    ///
    /// `InvalidState` when this is no listener, `TooMany` when no socket is left.
    pub fn tcp_accept(&mut self, now: Instant, sock: SockId) -> Result<Option<SockId>, NetError> {
        self.begin(now);
        let listener = self
            .socks
            .listener_mut(sock)
            .ok_or(NetError::InvalidState)?;
        let Some(conn) = listener.queue.front().copied() else {
            return Ok(None);
        };
        let accepted = self.socks.insert(Sock::Conn(conn))?;
        self.socks
            .listener_mut(sock)
            .expect("looked at above")
            .queue
            .pop_front();
        let conn = self
            .conns
            .get_mut(conn.0)
            .expect("queued connections exist");
        conn.sock = Some(accepted);
        conn.listener = None;
        Ok(Some(accepted))
    }

    /// Where a TCP socket stands.
    #[must_use]
    pub fn tcp_state(&self, sock: SockId) -> TcpState {
        match self.socks.get(sock) {
            Some(Sock::Listener(_)) => TcpState::Listening,
            Some(Sock::Conn(conn)) => match self.conns.get(conn.0).map(|conn| conn.phase) {
                Some(Phase::Connecting | Phase::HalfOpen) => TcpState::Connecting,
                Some(Phase::Open) => TcpState::Open,
                Some(Phase::Over(Some(error))) => TcpState::Failed(error),
                Some(Phase::Over(None)) | None => TcpState::Closed,
            },
            _ => TcpState::Closed,
        }
    }

    /// Gives data to a connection and says how much of it was taken; 0 means "not now".
    ///
    /// # Errors
    ///
    /// The connection's own error, or `InvalidState` (EPIPE) when our side has finished.
    pub fn tcp_send(&mut self, now: Instant, sock: SockId, data: &[u8]) -> Result<usize, NetError> {
        self.begin(now);
        let id = self.conn_of(sock)?;
        let conn = self.conns.get_mut(id.0).expect("sockets name connections");
        check_sendable(conn)?;
        if matches!(conn.phase, Phase::Connecting) {
            return Ok(0);
        }
        if conn.socket.get().send_queue() == 0 {
            conn.since = self.now;
        }
        let taken = conn
            .socket
            .get_mut()
            .send_slice(data)
            .map_err(|_| NetError::InvalidState)?;
        if taken > 0 {
            self.poll_conn(id);
            self.drain();
        }
        Ok(taken)
    }

    /// How much a send would take now.
    ///
    /// # Errors
    ///
    /// As [`Net::tcp_send`].
    pub fn tcp_send_room(&self, sock: SockId) -> Result<usize, NetError> {
        let conn = self
            .conns
            .get(self.conn_of(sock)?.0)
            .expect("sockets name connections");
        check_sendable(conn)?;
        Ok(if conn.phase == Phase::Connecting {
            0
        } else {
            room(&conn.socket)
        })
    }

    /// Takes up to `max` bytes that have arrived.
    ///
    /// # Errors
    ///
    /// The connection's own error, once everything that arrived before it was read.
    pub fn tcp_recv(&mut self, now: Instant, sock: SockId, max: usize) -> Result<Recv, NetError> {
        self.begin(now);
        let id = self.conn_of(sock)?;
        let conn = self.conns.get_mut(id.0).expect("sockets name connections");
        let queued = conn.socket.get().recv_queue();
        if queued == 0 {
            return match conn.phase {
                Phase::Over(Some(error)) => Err(error),
                Phase::Connecting | Phase::HalfOpen => Ok(Recv::WouldBlock),
                _ if conn.socket.get().may_recv() => Ok(Recv::WouldBlock),
                _ => Ok(Recv::Eof),
            };
        }
        let socket = conn.socket.get_mut();
        let want = queued.min(max);
        let mut data = Vec::with_capacity(want);
        // Twice, since the buffer is a ring.
        for _ in 0..2 {
            let take = |chunk: &mut [u8]| {
                let take = chunk.len().min(want - data.len());
                data.extend_from_slice(&chunk[..take]);
                (take, ())
            };
            if socket.recv(take).is_err() {
                break;
            }
        }
        // Told to the sender at once only when it matters to it.
        if queued * 2 >= socket.recv_capacity() {
            self.poll_conn(id);
            self.drain();
        }
        Ok(Recv::Data(data))
    }

    /// Finishes our side; the peer reads the end once it has read everything.
    pub fn tcp_shutdown(&mut self, now: Instant, sock: SockId) {
        self.begin(now);
        let Ok(id) = self.conn_of(sock) else { return };
        let conn = self.conns.get_mut(id.0).expect("sockets name connections");
        if conn.phase == Phase::Open {
            conn.socket.get_mut().close();
            self.poll_conn(id);
            self.drain();
        }
    }

    fn conn_of(&self, sock: SockId) -> Result<ConnId, NetError> {
        match self.socks.get(sock) {
            Some(Sock::Conn(conn)) => Ok(*conn),
            _ => Err(NetError::InvalidState),
        }
    }
}

fn check_sendable(conn: &Conn) -> Result<(), NetError> {
    match conn.phase {
        Phase::Over(Some(error)) => Err(error),
        Phase::Connecting => Ok(()),
        _ if conn.socket.get().may_send() => Ok(()),
        _ => Err(NetError::InvalidState),
    }
}
