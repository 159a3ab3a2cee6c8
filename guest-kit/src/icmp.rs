//! ICMP echo requests and what comes back, for `ping` and `traceroute`.
//!
//! Natively there is none: opening a socket fails.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use crate::system;

/// What a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The answer to an echo request.
    EchoReply,
    /// A packet did not arrive, for this reason: 0 network, 1 host, 3 port.
    Unreachable(u8),
    /// A packet's time to live ran out.
    TimeExceeded,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Who says it.
    pub from: Ipv4Addr,
    /// What.
    pub kind: Kind,
    /// Where the packet went that it is about.
    pub destination: Ipv4Addr,
    /// That packet's IP protocol: 1 ICMP, 6 TCP, 17 UDP.
    pub protocol: u8,
    /// Its source port, or an echo's identifier.
    pub identifier: u16,
    /// Its destination port, or an echo's sequence number.
    pub sequence: u16,
    /// The time to live of the packet that brought the message.
    pub ttl: u8,
    /// When it came, on the clock of [`now`].
    pub time: Duration,
    /// An echo's payload.
    pub payload: Vec<u8>,
}

/// Gets the answers to its own echo requests, and every error that this machine is told of.
#[derive(Debug)]
pub struct Socket(system::Icmp);

impl Socket {
    /// A socket with an identifier of its own.
    pub fn open() -> io::Result<Self> {
        system::Icmp::open().map(Self)
    }

    /// What its echo requests carry.
    pub fn identifier(&self) -> u16 {
        self.0.identifier()
    }

    /// Sends an echo request; fails when it does not fit a packet.
    pub fn send(&self, to: Ipv4Addr, sequence: u16, ttl: u8, payload: &[u8]) -> io::Result<()> {
        self.0.send(to, sequence, ttl, payload)
    }

    /// The oldest message that has come.
    pub fn next(&self) -> Option<Message> {
        self.0.next()
    }
}

impl crate::Source for Socket {
    fn waitable(&self) -> system::Waitable<'_> {
        self.0.waitable()
    }
}

/// The clock of [`Message::time`]: since the machine started.
pub fn now() -> Duration {
    system::monotonic()
}
