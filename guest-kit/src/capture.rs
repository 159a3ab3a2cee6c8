//! Packets as they pass this machine's interfaces, for `tcpdump`.
//!
//! Natively nothing can be heard: listening fails.

use std::io;
use std::time::Duration;

use crate::system;

/// A packet that has passed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Unix time.
    pub time: Duration,
    /// The interface.
    pub link: String,
    /// Its number.
    pub index: u32,
    /// Whether it left the machine.
    pub outbound: bool,
    /// An Ethernet frame, perhaps cut short.
    pub bytes: Vec<u8>,
    /// How long it was.
    pub length: u32,
}

/// Somebody who listens.
#[derive(Debug)]
pub struct Listener(system::Listener);

impl Listener {
    /// Listens on an interface by name, or on `any`, keeping this many bytes of each packet.
    ///
    /// Fails with `NotFound` when there is no such interface.
    pub fn open(link: &str, length: u32) -> io::Result<Self> {
        system::Listener::open(link, length).map(Self)
    }

    /// The next packets, at most this many.
    pub fn next(&self, max: u32) -> Vec<Packet> {
        self.0.next(max)
    }

    /// How many packets were lost because nobody took them in time.
    pub fn dropped(&self) -> u64 {
        self.0.dropped()
    }
}

impl crate::Source for Listener {
    fn waitable(&self) -> system::Waitable<'_> {
        self.0.waitable()
    }
}
