//! Where packets are seen: one bounded log of every passage through every interface.
//!
//! When the log is full the oldest passages are forgotten and counted. Never holds a packet up
//! and never changes one.

use crate::net::{Capture, HostId};
use crate::packet::{Flow, ICMP, IP_HEADER, Packet, TCP, TcpFlags, UDP};
use crate::socket::Origin;
use crate::stack::OVERLAY_OVERHEAD;
use clock::Instant;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// How much of a packet is kept with [`Capture::Headers`]: IP and TCP headers with all options.
pub(crate) const HEAD: usize = 80;
/// An Ethernet header, which interfaces count too.
const FRAME: u64 = 14;
/// How many passages the log holds.
pub const LOG_RECORDS: usize = 65_536;
/// How many bytes of whole packets the log holds with [`Capture::Full`].
pub const LOG_BYTES: usize = 64 << 20;

/// Which way a packet passes an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// Into the machine.
    In,
    /// Out of it.
    Out,
}

/// One passage of one packet through one interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacketRecord {
    /// Counts passages from the beginning of the world.
    pub seq: u64,
    /// When.
    pub at: Instant,
    /// The packet: its passages on other interfaces carry the same number.
    pub packet_id: u64,
    /// Whose interface.
    pub host: HostId,
    /// The machine's name.
    pub host_name: Arc<str>,
    /// `eth0`, `lo`, or on a node the pod's `veth…`.
    pub iface: Arc<str>,
    /// Which way.
    pub dir: Direction,
    /// Who caused it.
    pub origin: Origin,
    /// What its headers say.
    pub view: PacketView,
    /// Its flow before this machine rewrote it (DNAT, masquerade), on the way out.
    pub before: Option<Flow>,
    /// The whole IP packet with [`Capture::Full`], its checksums zero as in the stacks.
    pub bytes: Option<Vec<u8>>,
    /// Why the machine that it was seen at let it go no further, when that was its decision.
    pub dropped: Option<Arc<str>>,
}

/// What the headers of a packet say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketView {
    /// Source address.
    pub src: Ipv4Addr,
    /// Destination address.
    pub dst: Ipv4Addr,
    /// IP protocol number: 6 TCP, 17 UDP, 1 ICMP.
    pub proto: u8,
    /// Source port, or the ICMP type.
    pub sport: u16,
    /// Destination port, or the ICMP code.
    pub dport: u16,
    /// TCP flags.
    pub tcp_flags: TcpFlags,
    /// TCP sequence number.
    pub seq: u32,
    /// TCP acknowledgement number.
    pub ack: u32,
    /// Time to live.
    pub ttl: u8,
    /// Bytes after the transport header.
    pub payload_len: u16,
    /// Outer source and destination in the overlay.
    pub outer: Option<(Ipv4Addr, Ipv4Addr)>,
}

impl PacketView {
    /// Reads the headers at the start of an IP packet of `len` bytes.
    pub(crate) fn of(head: &[u8], len: usize, outer: Option<(Ipv4Addr, Ipv4Addr)>) -> Self {
        let byte = |at: usize| head.get(at).copied().unwrap_or(0);
        let u16_at = |at: usize| u16::from_be_bytes([byte(at), byte(at + 1)]);
        let u32_at = |at: usize| u32::from(u16_at(at)) << 16 | u32::from(u16_at(at + 2));
        let proto = byte(9);
        let l4 = IP_HEADER;
        let (header, flags) = match proto {
            TCP => (
                usize::from(byte(l4 + 12) >> 4) * 4,
                TcpFlags(byte(l4 + 13) & 0x3f),
            ),
            UDP | ICMP => (8, TcpFlags(0)),
            _ => (0, TcpFlags(0)),
        };
        let (sport, dport) = match proto {
            ICMP => (u16::from(byte(l4)), u16::from(byte(l4 + 1))),
            _ => (u16_at(l4), u16_at(l4 + 2)),
        };
        Self {
            src: Ipv4Addr::from_bits(u32_at(12)),
            dst: Ipv4Addr::from_bits(u32_at(16)),
            proto,
            sport,
            dport,
            tcp_flags: flags,
            seq: if proto == TCP { u32_at(l4 + 4) } else { 0 },
            ack: if proto == TCP { u32_at(l4 + 8) } else { 0 },
            ttl: byte(8),
            payload_len: u16::try_from(len.saturating_sub(l4 + header)).unwrap_or(u16::MAX),
            outer,
        }
    }
}

impl fmt::Display for PacketView {
    /// Close to tcpdump's `-n` line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            src,
            dst,
            sport,
            dport,
            payload_len,
            ..
        } = self;
        if let Some((from, to)) = self.outer {
            write!(f, "IP {from} > {to}: VXLAN, vni 1: ")?;
        }
        match self.proto {
            TCP => write!(
                f,
                "IP {src}.{sport} > {dst}.{dport}: Flags [{}], length {payload_len}",
                self.tcp_flags
            ),
            UDP => write!(
                f,
                "IP {src}.{sport} > {dst}.{dport}: UDP, length {payload_len}"
            ),
            ICMP => write!(
                f,
                "IP {src} > {dst}: ICMP type {sport} code {dport}, length {payload_len}"
            ),
            other => write!(f, "IP {src} > {dst}: proto {other}, length {payload_len}"),
        }
    }
}

/// Names an interface in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TapId(pub(crate) u32);

/// An interface in the log.
#[derive(Clone, Debug)]
pub(crate) struct Tap {
    pub(crate) host: HostId,
    pub(crate) host_name: Arc<str>,
    pub(crate) iface: Arc<str>,
    pub(crate) counts: Counts,
    /// Of those, what travelled in the overlay.
    pub(crate) overlay: Counts,
}

/// What has passed an interface, into the machine and out of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Packets in.
    pub rx_packets: u64,
    /// Bytes in, as frames.
    pub rx_bytes: u64,
    /// Packets out.
    pub tx_packets: u64,
    /// Bytes out, as frames.
    pub tx_bytes: u64,
}

impl Counts {
    fn add(&mut self, dir: Direction, bytes: u64) {
        let (packets, sum) = match dir {
            Direction::In => (&mut self.rx_packets, &mut self.rx_bytes),
            Direction::Out => (&mut self.tx_packets, &mut self.tx_bytes),
        };
        *packets += 1;
        *sum += bytes;
    }
}

/// One passage as it is stored: small, and filled by copying.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) at: Instant,
    pub(crate) packet_id: u64,
    pub(crate) tap: TapId,
    pub(crate) dir: Direction,
    pub(crate) origin: Origin,
    pub(crate) len: u16,
    pub(crate) head_len: u8,
    pub(crate) head: [u8; HEAD],
    /// Who sends and who receives on this link, by address.
    pub(crate) link: (Ipv4Addr, Ipv4Addr),
    pub(crate) outer: Option<(Ipv4Addr, Ipv4Addr)>,
    pub(crate) before: Option<Flow>,
    pub(crate) full: Option<Box<[u8]>>,
}

impl Entry {
    /// The bytes that were kept: all of them, or the headers.
    pub(crate) fn kept(&self) -> &[u8] {
        self.full
            .as_deref()
            .unwrap_or(&self.head[..usize::from(self.head_len)])
    }
}

/// Every passage that is still remembered, oldest first.
#[derive(Debug)]
pub struct PacketLog {
    pub(crate) ring: VecDeque<Entry>,
    pub(crate) taps: Vec<Tap>,
    /// Interfaces that are gone, and the passage after which their place may be used again.
    retired: VecDeque<(u64, TapId)>,
    forgotten: u64,
    full_bytes: usize,
    /// Why packets ended where they did, by the number of the passage.
    drops: BTreeMap<u64, Arc<str>>,
    capture: Capture,
    next_packet: u64,
}

impl PacketLog {
    pub(crate) fn new(capture: Capture) -> Self {
        Self {
            ring: VecDeque::new(),
            taps: Vec::new(),
            retired: VecDeque::new(),
            forgotten: 0,
            full_bytes: 0,
            drops: BTreeMap::new(),
            capture,
            next_packet: 0,
        }
    }

    /// How much of a packet is kept.
    #[must_use]
    pub const fn capture(&self) -> Capture {
        self.capture
    }

    /// The number the next passage will have.
    #[must_use]
    pub fn next_seq(&self) -> u64 {
        self.forgotten + self.ring.len() as u64
    }

    /// How many passages were forgotten because the log was full.
    #[must_use]
    pub const fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// How many passages are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// Whether none is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ring.is_empty()
    }

    /// The passages from number `seq` on, oldest first.
    pub fn since(&self, seq: u64) -> impl DoubleEndedIterator<Item = PacketRecord> + '_ {
        let skip = usize::try_from(seq.saturating_sub(self.forgotten)).unwrap_or(usize::MAX);
        let skip = skip.min(self.ring.len());
        (skip..self.ring.len()).map(|index| self.record(index))
    }

    /// All remembered passages, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = PacketRecord> + '_ {
        self.since(0)
    }

    fn record(&self, index: usize) -> PacketRecord {
        let entry = &self.ring[index];
        let tap = &self.taps[entry.tap.0 as usize];
        PacketRecord {
            seq: self.forgotten + index as u64,
            at: entry.at,
            packet_id: entry.packet_id,
            host: tap.host,
            host_name: tap.host_name.clone(),
            iface: tap.iface.clone(),
            dir: entry.dir,
            origin: entry.origin,
            view: PacketView::of(entry.kept(), usize::from(entry.len), entry.outer),
            before: entry.before,
            bytes: entry.full.as_deref().map(<[u8]>::to_vec),
            dropped: self.drops.get(&(self.forgotten + index as u64)).cloned(),
        }
    }

    /// A number for a packet that sets out.
    pub(crate) fn number_packet(&mut self) -> u64 {
        self.next_packet += 1;
        self.next_packet
    }

    /// Adds an interface, in the place of one that nobody remembers if there is one.
    pub(crate) fn add_tap(&mut self, host: HostId, host_name: Arc<str>, iface: &str) -> TapId {
        let tap = Tap {
            host,
            host_name,
            iface: iface.into(),
            counts: Counts::default(),
            overlay: Counts::default(),
        };
        match self.retired.front() {
            Some((seq, id)) if *seq <= self.forgotten => {
                let id = *id;
                self.retired.pop_front();
                self.taps[id.0 as usize] = tap;
                id
            }
            _ => {
                self.taps.push(tap);
                TapId(u32::try_from(self.taps.len() - 1).expect("hosts are bounded"))
            }
        }
    }

    /// Lets an interface go; its passages keep its name.
    pub(crate) fn retire_tap(&mut self, tap: TapId) {
        self.retired.push_back((self.next_seq(), tap));
    }

    /// Remembers a passage.
    pub(crate) fn see(
        &mut self,
        at: Instant,
        tap: TapId,
        dir: Direction,
        link: (Ipv4Addr, Ipv4Addr),
        packet: &Packet,
    ) {
        let bytes = packet.bytes();
        let counted = &mut self.taps[tap.0 as usize];
        let frame = FRAME + u64::from(packet.len);
        if packet.outer.is_some() {
            counted.overlay.add(dir, frame);
            counted.counts.add(dir, frame + OVERLAY_OVERHEAD as u64);
        } else {
            counted.counts.add(dir, frame);
        }
        let mut head = [0; HEAD];
        let head_len = bytes.len().min(HEAD);
        // A constant length is one or two moves instead of a call; buffers are nearly always longer.
        match packet.buf.first_chunk::<HEAD>() {
            Some(chunk) => head = *chunk,
            None => head[..head_len].copy_from_slice(&bytes[..head_len]),
        }
        let full: Option<Box<[u8]>> = (self.capture == Capture::Full).then(|| bytes.into());
        self.full_bytes += full.as_deref().map_or(0, <[u8]>::len);
        self.ring.push_back(Entry {
            at,
            packet_id: packet.id,
            tap,
            dir,
            origin: packet.origin,
            len: packet.len,
            head_len: head_len as u8,
            head,
            link,
            outer: packet.outer,
            before: packet.before,
            full,
        });
        while self.ring.len() > LOG_RECORDS || self.full_bytes > LOG_BYTES {
            self.forget_oldest();
        }
    }

    /// Says at a packet's last passage, if that was the last of all, why there is no further one.
    pub(crate) fn note_drop(&mut self, packet: u64, why: &str) {
        if self
            .ring
            .back()
            .is_some_and(|last| last.packet_id == packet)
        {
            self.drops.insert(self.next_seq() - 1, why.into());
        }
    }

    fn forget_oldest(&mut self) {
        if let Some(entry) = self.ring.pop_front() {
            self.drops.remove(&self.forgotten);
            self.forgotten += 1;
            self.full_bytes -= entry.full.map_or(0, |bytes| bytes.len());
        }
    }
}
