//! What a program may do with a socket, and the errors a libc would give it.
//!
//! Never blocks: a call says what is, and [`Net::poll_event`] says when to ask again.

pub(crate) mod icmp;
mod input;
pub(crate) mod tcp;
pub(crate) mod udp;

use crate::capture::Listening;
use crate::net::{HostId, Net};
use icmp::IcmpSocket;
use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddrV4;
use tcp::{ConnId, Listener};
use udp::UdpSocket;

/// How many sockets can exist at once; a further one is refused with `TooMany`.
pub const SOCKETS_MAX: usize = 65_536;

/// Names a socket until it is closed; numbers are not used again soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SockId(pub(crate) u32);

impl SockId {
    /// The number behind the name, for tables that key on it.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

/// Why a socket call failed, in the words of errno.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum NetError {
    /// ECONNREFUSED
    #[error("connection refused")]
    Refused,
    /// ECONNRESET
    #[error("connection reset by peer")]
    Reset,
    /// ETIMEDOUT
    #[error("connection timed out")]
    TimedOut,
    /// EHOSTUNREACH
    #[error("no route to host")]
    HostUnreachable,
    /// ENETUNREACH
    #[error("network is unreachable")]
    NetUnreachable,
    /// EADDRINUSE
    #[error("address already in use")]
    AddrInUse,
    /// EADDRNOTAVAIL
    #[error("cannot assign requested address")]
    AddrNotAvailable,
    /// EINVAL, ENOTCONN, EPIPE, EBADF: the call does not fit the socket's state, or it is gone.
    #[error("invalid state")]
    InvalidState,
    /// EMFILE, ENOBUFS: a bound was reached.
    #[error("too many")]
    TooMany,
    /// EMSGSIZE: the datagram is larger than a packet; there is no fragmentation here.
    #[error("message too long")]
    TooBig,
}

/// Who caused a packet: a program, or the lesson looking on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// A guest program or what a learner does.
    #[default]
    Program,
    /// A lesson's check or another observer.
    Checker,
}

/// The transport protocol of a rule, a flow or a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Proto {
    /// TCP
    Tcp,
    /// UDP
    Udp,
    /// ICMP echo
    Icmp,
}

/// Where a TCP socket stands, as its program sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpState {
    /// The handshake is under way.
    Connecting,
    /// Data can travel in at least one direction.
    Open,
    /// It ended with an error.
    Failed(NetError),
    /// It ended in order, or there is no such socket.
    Closed,
    /// It accepts connections.
    Listening,
}

/// What [`Net::tcp_recv`](crate::Net::tcp_recv) found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recv {
    /// At least one byte.
    Data(Vec<u8>),
    /// Nothing yet.
    WouldBlock,
    /// The peer has finished sending and everything was read.
    Eof,
}

/// What would not block now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Readiness {
    /// A receive or an accept would return something, be it the end.
    pub readable: bool,
    /// A send would take something.
    pub writable: bool,
    /// The socket has failed.
    pub failed: bool,
}

/// What a number stands for.
pub(crate) enum Sock {
    Listener(Listener),
    Conn(ConnId),
    Udp(Box<UdpSocket>),
    Icmp(Box<IcmpSocket>),
    Capture(Box<Listening>),
}

/// Every open socket.
#[derive(Default)]
pub(crate) struct SockTable {
    slots: Vec<Slot>,
    /// Free slots; the one left longest is used first.
    free: VecDeque<u32>,
    /// Sockets about which there is news, each at most once.
    ready: VecDeque<SockId>,
}

#[derive(Default)]
struct Slot {
    generation: u32,
    sock: Option<Sock>,
    is_ready: bool,
    owner: u64,
}

/// A number is a slot and how often the slot was used before.
const SLOT_BITS: u32 = 17;
const SLOT_MASK: u32 = (1 << SLOT_BITS) - 1;

impl SockTable {
    pub(crate) fn insert(&mut self, sock: Sock) -> Result<SockId, NetError> {
        if self.slots.len() - self.free.len() >= SOCKETS_MAX {
            return Err(NetError::TooMany);
        }
        // A few slots rest before they are used again, so that a stale number stays stale.
        let index = match self.free.front() {
            Some(index) if self.free.len() > 64 => {
                let index = *index;
                self.free.pop_front();
                index
            }
            _ => {
                self.slots.push(Slot::default());
                self.slots.len() as u32 - 1
            }
        };
        let slot = &mut self.slots[index as usize];
        slot.sock = Some(sock);
        slot.owner = 0;
        Ok(SockId(slot.generation << SLOT_BITS | index))
    }

    pub(crate) fn remove(&mut self, id: SockId) -> Option<Sock> {
        let slot = self.slot_mut(id)?;
        let sock = slot.sock.take()?;
        slot.generation = (slot.generation + 1) & (u32::MAX >> SLOT_BITS);
        slot.is_ready = false;
        self.free.push_back(id.0 & SLOT_MASK);
        Some(sock)
    }

    pub(crate) fn get(&self, id: SockId) -> Option<&Sock> {
        let slot = self.slots.get((id.0 & SLOT_MASK) as usize)?;
        slot.sock
            .as_ref()
            .filter(|_| slot.generation == id.0 >> SLOT_BITS)
    }

    pub(crate) fn get_mut(&mut self, id: SockId) -> Option<&mut Sock> {
        self.slot_mut(id)?.sock.as_mut()
    }

    fn slot_mut(&mut self, id: SockId) -> Option<&mut Slot> {
        let slot = self.slots.get_mut((id.0 & SLOT_MASK) as usize)?;
        (slot.generation == id.0 >> SLOT_BITS).then_some(slot)
    }

    pub(crate) fn listener_mut(&mut self, id: SockId) -> Option<&mut Listener> {
        match self.get_mut(id)? {
            Sock::Listener(listener) => Some(listener),
            _ => None,
        }
    }

    pub(crate) fn udp_mut(&mut self, id: SockId) -> Option<&mut UdpSocket> {
        match self.get_mut(id)? {
            Sock::Udp(udp) => Some(udp),
            _ => None,
        }
    }

    pub(crate) fn icmp_mut(&mut self, id: SockId) -> Option<&mut IcmpSocket> {
        match self.get_mut(id)? {
            Sock::Icmp(icmp) => Some(icmp),
            _ => None,
        }
    }

    pub(crate) fn capture_mut(&mut self, id: SockId) -> Option<&mut Listening> {
        match self.get_mut(id)? {
            Sock::Capture(capture) => Some(capture),
            _ => None,
        }
    }

    /// Whose a socket is; 0 when nobody said.
    pub(crate) fn owner(&self, id: SockId) -> u64 {
        let slot = self.slots.get((id.0 & SLOT_MASK) as usize);
        slot.filter(|slot| slot.generation == id.0 >> SLOT_BITS)
            .map_or(0, |slot| slot.owner)
    }

    /// Notes that there is news about a socket.
    pub(crate) fn notify(&mut self, id: SockId) {
        if let Some(slot) = self.slot_mut(id)
            && !slot.is_ready
        {
            slot.is_ready = true;
            self.ready.push_back(id);
        }
    }

    /// A socket about which there is news. One that is gone is reported too, so that whoever
    /// waits for it looks and learns that.
    pub(crate) fn poll_ready(&mut self) -> Option<SockId> {
        let id = self.ready.pop_front()?;
        if let Some(slot) = self.slot_mut(id) {
            slot.is_ready = false;
        }
        Some(id)
    }
}

impl Net {
    /// Notes whose a socket is, for [`Net::sockets`]; the number means something to the caller.
    pub fn set_owner(&mut self, sock: SockId, owner: u64) {
        if let Some(slot) = self.socks.slot_mut(sock) {
            slot.owner = owner;
        }
    }

    /// Closes a socket and frees its number. A connection finishes in the background, or is reset
    /// if data was left unread; a listener's waiting connections are reset.
    pub fn close(&mut self, now: clock::Instant, sock: SockId) {
        self.begin(now);
        match self.socks.remove(sock) {
            Some(Sock::Conn(conn)) => self.orphan(conn),
            Some(Sock::Listener(listener)) => self.close_listener(listener),
            Some(Sock::Udp(udp)) => {
                let bound = (udp.local.port(), *udp.local.ip());
                self.host_mut(udp.host).map(|host| host.udp.remove(&bound));
            }
            Some(Sock::Icmp(icmp)) => {
                self.host_mut(icmp.host)
                    .map(|host| host.icmp.remove(&icmp.identifier));
            }
            Some(Sock::Capture(_)) => self.listening.retain(|(_, id)| *id != sock),
            None => {}
        }
        self.drain();
    }

    /// The address a socket is bound to.
    #[must_use]
    pub fn local_addr(&self, sock: SockId) -> Option<SocketAddrV4> {
        Some(match self.socks.get(sock)? {
            Sock::Listener(listener) => listener.local,
            Sock::Conn(conn) => self.conns.get(conn.0)?.local,
            Sock::Udp(udp) => udp.local,
            Sock::Icmp(_) | Sock::Capture(_) => return None,
        })
    }

    /// The address a TCP socket is connected to.
    #[must_use]
    pub fn peer_addr(&self, sock: SockId) -> Option<SocketAddrV4> {
        match self.socks.get(sock)? {
            Sock::Conn(conn) => Some(self.conns.get(conn.0)?.remote),
            _ => None,
        }
    }

    /// What would not block now; everything is ready on a socket that is gone, to be told so.
    #[must_use]
    pub fn ready(&self, sock: SockId) -> Readiness {
        match self.socks.get(sock) {
            Some(Sock::Listener(listener)) => Readiness {
                readable: !listener.queue.is_empty(),
                ..Readiness::default()
            },
            Some(Sock::Conn(conn)) => self.conns.get(conn.0).map_or(GONE, tcp::Conn::ready),
            Some(Sock::Udp(udp)) => udp.ready(),
            Some(Sock::Icmp(icmp)) => icmp.ready(),
            Some(Sock::Capture(capture)) => capture.ready(),
            None => GONE,
        }
    }

    /// A host's sockets are gone without a word to anybody.
    pub(crate) fn kill_sockets(&mut self, host: HostId) {
        let Some(machine) = self.host_mut(host) else {
            return;
        };
        machine.time_wait.clear();
        let bound: BTreeSet<SockId> = machine
            .listeners
            .values()
            .chain(machine.udp.values())
            .chain(machine.icmp.values())
            .copied()
            .collect();
        machine.listeners.clear();
        machine.udp.clear();
        machine.icmp.clear();
        let conns: Vec<u32> = self
            .conns
            .iter()
            .filter(|(_, conn)| conn.host == host)
            .map(|(id, _)| id)
            .collect();
        let socks = conns.iter().filter_map(|id| self.conns.get(*id)?.sock);
        let overheard = self
            .listening
            .iter()
            .filter_map(|(at, sock)| (*at == host).then_some(*sock));
        let gone: BTreeSet<SockId> = socks.chain(bound).chain(overheard).collect();
        self.listening.retain(|(at, _)| *at != host);
        conns
            .into_iter()
            .for_each(|conn| self.drop_conn(ConnId(conn)));
        for sock in gone {
            self.socks.notify(sock);
            self.socks.remove(sock);
        }
    }
}

const GONE: Readiness = Readiness {
    readable: true,
    writable: true,
    failed: true,
};
