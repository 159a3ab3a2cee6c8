//! A frame's parts: where each header begins. Never trusts a length.

use std::net::Ipv4Addr;

use super::super::addresses::mac;

pub(super) const ICMP: u8 = 1;
pub(super) const TCP: u8 = 6;
pub(super) const UDP: u8 = 17;

/// An Ethernet header's length.
pub(super) const ETHERNET: usize = 14;

/// Two bytes as a number; zero beyond the end.
pub(super) fn word(bytes: &[u8], at: usize) -> u16 {
    let byte = |at: usize| u16::from(bytes.get(at).copied().unwrap_or(0));
    byte(at) << 8 | byte(at + 1)
}

/// Four bytes as a number; zero beyond the end.
pub(super) fn long(bytes: &[u8], at: usize) -> u32 {
    u32::from(word(bytes, at)) << 16 | u32::from(word(bytes, at + 2))
}

/// An Ethernet header in words; nothing when there is not a whole one.
pub(super) fn link_header(frame: &[u8], length: usize) -> String {
    if frame.len() < ETHERNET {
        return String::new();
    }
    let address = |at: usize| {
        let mut bytes = [0; 6];
        bytes.copy_from_slice(&frame[at..at + 6]);
        mac(bytes)
    };
    let (to, from, kind) = (address(0), address(6), word(frame, 12));
    let name = match kind {
        0x0800 => "IPv4",
        0x0806 => "ARP",
        _ => "Unknown",
    };
    format!("{from} > {to}, ethertype {name} (0x{kind:04x}), length {length}: ")
}

/// An IPv4 packet, of which perhaps only the beginning is there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ip<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) header: usize,
}

impl<'a> Ip<'a> {
    /// The IPv4 packet in an Ethernet frame.
    pub(super) fn in_frame(frame: &'a [u8]) -> Option<Self> {
        match word(frame, 12) {
            0x0800 => Self::of(frame.get(ETHERNET..)?),
            _ => None,
        }
    }

    /// Reads the header.
    pub(super) fn of(bytes: &'a [u8]) -> Option<Self> {
        let first = *bytes.first()?;
        let header = usize::from(first & 15) * 4;
        (first >> 4 == 4 && header >= 20 && bytes.len() >= header).then_some(Self { bytes, header })
    }

    pub(super) fn source(&self) -> Ipv4Addr {
        Ipv4Addr::from_bits(long(self.bytes, 12))
    }

    pub(super) fn destination(&self) -> Ipv4Addr {
        Ipv4Addr::from_bits(long(self.bytes, 16))
    }

    pub(super) fn protocol(&self) -> u8 {
        self.bytes[9]
    }

    /// What it says its length is.
    pub(super) fn length(&self) -> usize {
        usize::from(word(self.bytes, 2))
    }

    /// Whether it is no later piece of a packet in pieces.
    pub(super) fn is_first(&self) -> bool {
        word(self.bytes, 6) & 0x1fff == 0
    }

    /// What is behind the header, as far as it is there.
    pub(super) fn payload(&self) -> &'a [u8] {
        let end = self.length().clamp(self.header, self.bytes.len());
        &self.bytes[self.header..end]
    }

    /// How long that is said to be.
    pub(super) fn payload_length(&self) -> usize {
        self.length().saturating_sub(self.header)
    }

    /// Source and destination port of TCP and UDP.
    pub(super) fn ports(&self) -> Option<(u16, u16)> {
        let payload = self.payload();
        let has = matches!(self.protocol(), TCP | UDP) && self.is_first() && payload.len() >= 4;
        has.then(|| (word(payload, 0), word(payload, 2)))
    }
}

/// The sum that the internet protocols check with, of these bytes and something before them.
pub(super) fn checksum(bytes: &[u8], before: u32) -> u16 {
    let mut sum = before;
    for pair in bytes.chunks(2) {
        sum += u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// What stands before TCP's and UDP's own bytes in their checksum.
pub(super) fn pseudo_header(ip: &Ip<'_>) -> u32 {
    let addresses: u32 = (12..20)
        .step_by(2)
        .map(|at| u32::from(word(ip.bytes, at)))
        .sum();
    addresses + u32::from(ip.protocol()) + ip.payload_length() as u32
}
