//! What a program may do with a socket, and the errors a libc would give it.

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
