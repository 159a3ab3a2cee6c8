//! The packet log as a capture file: pcapng with one interface per tap.
//!
//! Frames are Ethernet, as a real capture on `eth0` or a `veth` shows them, with the addresses that
//! CNI plugins give (`0a:58` and the IP address); packets in the overlay carry their outer headers.
//! Checksums are computed here. Never changes the log.

use crate::net::Capture;
use crate::packet::{Flow, IP_HEADER, UDP, fill_checksums};
use crate::stack::OVERLAY_OVERHEAD;
use crate::tap::{Direction, Entry, PacketLog, PacketRecord, PacketView, TapId};
use clock::Duration;
use pcap_file::DataLink;
use pcap_file::Endianness;
use pcap_file::pcapng::blocks::enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption};
use pcap_file::pcapng::blocks::interface_description::{
    InterfaceDescriptionBlock, InterfaceDescriptionOption, InterfaceTsResolution,
};
use pcap_file::pcapng::blocks::opt_common::CommonOption;
use pcap_file::pcapng::blocks::section_header::SectionHeaderBlock;
use pcap_file::pcapng::{PcapNgWriteError, PcapNgWriter};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::net::Ipv4Addr;

/// VXLAN's port and the network number that overlays use.
const VXLAN_PORT: u16 = 4789;
const VNI: u32 = 1;
const ETHERNET: usize = 14;

/// A capture file that grows: what passed since the last time is added, as often as one likes.
pub struct PcapWriter<W: Write> {
    file: PcapNgWriter<W>,
    epoch: i64,
    interfaces: BTreeMap<String, u32>,
    next: u64,
    lost: u64,
}

impl<W: Write> fmt::Debug for PcapWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PcapWriter")
            .field("next", &self.next)
            .finish_non_exhaustive()
    }
}

impl<W: Write> PcapWriter<W> {
    /// Begins a file. `epoch` is the Unix time, in seconds, of the world's beginning.
    ///
    /// # Errors
    ///
    /// Whatever `out` gives.
    pub fn new(out: W, epoch: i64) -> io::Result<Self> {
        let section = SectionHeaderBlock {
            endianness: Endianness::Little,
            ..Default::default()
        };
        let file = PcapNgWriter::with_section_header(out, section).map_err(to_io)?;
        Ok(Self {
            file,
            epoch,
            interfaces: BTreeMap::new(),
            next: 0,
            lost: 0,
        })
    }

    /// Adds the passages of `log` that are not in the file yet and that `select` takes. Packets of
    /// which only headers were kept are marked as cut short.
    ///
    /// # Errors
    ///
    /// Whatever the file gives.
    pub fn catch_up(
        &mut self,
        log: &PacketLog,
        mut select: impl FnMut(&PacketRecord) -> bool,
    ) -> io::Result<()> {
        self.lost += log.forgotten().saturating_sub(self.next);
        let from = usize::try_from(self.next.saturating_sub(log.forgotten())).unwrap_or(usize::MAX);
        let records = log.since(self.next).zip(log.ring.iter().skip(from));
        self.next = log.next_seq();
        for (record, entry) in records.filter(|(record, _)| select(record)) {
            let interface = self.interface(log, entry.tap)?;
            self.file
                .write_pcapng_block(frame(
                    entry,
                    record.dropped.as_deref(),
                    interface,
                    self.epoch,
                ))
                .map_err(to_io)?;
        }
        Ok(())
    }

    /// How many passages the log forgot before they were in the file.
    pub const fn lost(&self) -> u64 {
        self.lost
    }

    /// The number of a tap's interface, described in the file when it is first seen.
    fn interface(&mut self, log: &PacketLog, tap: TapId) -> io::Result<u32> {
        let tap = &log.taps[tap.0 as usize];
        let name = format!("{}:{}", tap.host_name, tap.iface);
        if let Some(known) = self.interfaces.get(&name) {
            return Ok(*known);
        }
        let snaplen = match log.capture() {
            Capture::Full => 0,
            Capture::Headers => (crate::tap::HEAD + ETHERNET + OVERLAY_OVERHEAD) as u32,
        };
        let mut block = InterfaceDescriptionBlock::new(DataLink::ETHERNET, snaplen);
        block.options = vec![
            InterfaceDescriptionOption::IfName(Cow::Owned(name.clone())),
            InterfaceDescriptionOption::IfTsResol(InterfaceTsResolution::NANO),
        ];
        self.file.write_pcapng_block(block).map_err(to_io)?;
        let number = self.interfaces.len() as u32;
        self.interfaces.insert(name, number);
        Ok(number)
    }
}

impl PacketLog {
    /// Writes the passages that `select` takes as pcapng; see [`PcapWriter`].
    ///
    /// # Errors
    ///
    /// Whatever `out` gives.
    pub fn write_pcapng(
        &self,
        epoch: i64,
        select: impl FnMut(&PacketRecord) -> bool,
        out: impl Write,
    ) -> io::Result<()> {
        PcapWriter::new(out, epoch)?.catch_up(self, select)
    }
}

fn to_io(error: PcapNgWriteError) -> io::Error {
    match error {
        PcapNgWriteError::Io(error) => error,
        other => io::Error::other(other),
    }
}

fn frame(
    entry: &Entry,
    dropped: Option<&str>,
    interface_id: u32,
    epoch: i64,
) -> EnhancedPacketBlock<'static> {
    let epoch = Duration::from_secs(u64::try_from(epoch).unwrap_or(0));
    let flags = match entry.dir {
        Direction::In => 1,
        Direction::Out => 2,
    };
    let mut options = vec![EnhancedPacketOption::Flags(flags)];
    let dropped = dropped.map(|why| format!("dropped: {why}"));
    for comment in comment(entry).into_iter().chain(dropped) {
        options.push(EnhancedPacketOption::Common(CommonOption::Comment(
            Cow::Owned(comment),
        )));
    }
    let (data, missing) = ethernet(entry);
    EnhancedPacketBlock {
        interface_id,
        timestamp: epoch + entry.at.since_start(),
        original_len: (data.len() + missing) as u32,
        data: Cow::Owned(data),
        options,
    }
}

/// What the router did to the packet: addresses before and after.
fn comment(entry: &Entry) -> Option<String> {
    let before = entry.before?;
    let after = Flow::of(entry.kept())?;
    let mut parts = Vec::new();
    if before.dst != after.dst {
        parts.push(format!("destination {} -> {}", before.dst, after.dst));
    }
    if before.src != after.src {
        parts.push(format!("source {} -> {}", before.src, after.src));
    }
    (!parts.is_empty()).then(|| format!("NAT: {}", parts.join(", ")))
}

/// The frame as it would be on the link, and how many bytes of it were not kept.
pub(crate) fn ethernet(entry: &Entry) -> (Vec<u8>, usize) {
    let mut ip = entry.kept().to_vec();
    let missing = usize::from(entry.len) - ip.len();
    fill_checksums(&mut ip);
    let (src, dst) = entry.link;
    let Some((outer_src, outer_dst)) = entry.outer else {
        return (framed(mac(src), mac(dst), &ip), missing);
    };
    let inner = framed(overlay_mac(outer_src), overlay_mac(outer_dst), &ip);
    let outer = vxlan(outer_src, outer_dst, entry, &inner, missing);
    (framed(mac(src), mac(dst), &outer), missing)
}

pub(crate) fn framed(src: [u8; 6], dst: [u8; 6], payload: &[u8]) -> Vec<u8> {
    [&dst[..], &src[..], &[0x08, 0x00], payload].concat()
}

/// The address that CNI plugins derive; none on the loopback interface.
pub(crate) fn mac(addr: Ipv4Addr) -> [u8; 6] {
    let [a, b, c, d] = addr.octets();
    if addr.is_loopback() {
        [0; 6]
    } else {
        [0x0a, 0x58, a, b, c, d]
    }
}

/// The overlay interface's address.
pub(crate) fn overlay_mac(node: Ipv4Addr) -> [u8; 6] {
    let [a, b, c, d] = node.octets();
    [0x0e, 0x58, a, b, c, d]
}

/// The outer IP packet around an inner frame of which `missing` bytes were not kept.
fn vxlan(src: Ipv4Addr, dst: Ipv4Addr, entry: &Entry, inner: &[u8], missing: usize) -> Vec<u8> {
    let mut ip = vec![0; IP_HEADER + 16];
    ip.extend_from_slice(inner);
    let len = (ip.len() + missing) as u16;
    ip[0] = 0x45;
    ip[2..4].copy_from_slice(&len.to_be_bytes());
    ip[8] = 64;
    ip[9] = UDP;
    ip[12..16].copy_from_slice(&src.octets());
    ip[16..20].copy_from_slice(&dst.octets());
    ip[20..22].copy_from_slice(&source_port(entry).to_be_bytes());
    ip[22..24].copy_from_slice(&VXLAN_PORT.to_be_bytes());
    ip[24..26].copy_from_slice(&(len - IP_HEADER as u16).to_be_bytes());
    ip[28] = 0x08;
    ip[32..36].copy_from_slice(&(VNI << 8).to_be_bytes());
    fill_checksums(&mut ip);
    ip
}

/// A port by the inner flow, as VXLAN spreads flows over paths.
fn source_port(entry: &Entry) -> u16 {
    let ends = || PacketView::of(entry.kept(), 0, None);
    let ends = || u128::from(ends().src.to_bits()) << 32 | u128::from(ends().dst.to_bits());
    let key = Flow::of(entry.kept()).map_or_else(ends, Flow::key);
    let mixed = (key as u64 ^ (key >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    49_153 + (mixed >> 51) as u16
}
