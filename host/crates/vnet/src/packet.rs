//! A packet on its way: what its headers say, and how they are rewritten.
//!
//! Packets travel by value, without checksums: nothing here damages bytes, so stacks and NAT
//! skip them, and the capture computes the right ones when somebody looks
//! ([`fill_checksums`]). Never fragments.

use crate::socket::{Origin, Proto};
use smoltcp::wire::{Icmpv4Packet, IpAddress, Ipv4Packet, TcpPacket, UdpPacket};
use std::fmt;
use std::net::{Ipv4Addr, SocketAddrV4};

pub(crate) const ICMP: u8 = 1;
pub(crate) const TCP: u8 = 6;
pub(crate) const UDP: u8 = 17;
pub(crate) const IP_HEADER: usize = 20;
/// ICMP types this network speaks.
pub(crate) const ECHO_REPLY: u8 = 0;
pub(crate) const UNREACHABLE: u8 = 3;
pub(crate) const ECHO_REQUEST: u8 = 8;
pub(crate) const TIME_EXCEEDED: u8 = 11;

/// One direction of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Flow {
    /// The protocol.
    pub proto: Proto,
    /// Who sends.
    pub src: SocketAddrV4,
    /// Who receives.
    pub dst: SocketAddrV4,
}

impl Flow {
    /// The answers' direction.
    #[must_use]
    pub const fn reversed(self) -> Self {
        Self {
            proto: self.proto,
            src: self.dst,
            dst: self.src,
        }
    }

    /// All of it in one number, which compares quicker than its parts.
    pub(crate) fn key(self) -> u128 {
        let end =
            |addr: SocketAddrV4| u128::from(addr.ip().to_bits()) << 16 | u128::from(addr.port());
        let proto = match self.proto {
            Proto::Tcp => 0,
            Proto::Udp => 1,
            Proto::Icmp => 2,
        };
        (proto << 96) | (end(self.src) << 48) | end(self.dst)
    }

    /// The flow with this key.
    pub(crate) fn from_key(key: u128) -> Self {
        let end =
            |key: u128| SocketAddrV4::new(Ipv4Addr::from_bits((key >> 16) as u32), key as u16);
        let proto = match key >> 96 {
            0 => Proto::Tcp,
            1 => Proto::Udp,
            _ => Proto::Icmp,
        };
        Self {
            proto,
            src: end(key >> 48),
            dst: end(key),
        }
    }

    /// Reads the flow of an IPv4 packet; `None` unless it is TCP, UDP, or an ICMP echo.
    pub(crate) fn of(ip: &[u8]) -> Option<Self> {
        let proto = match *ip.get(9)? {
            TCP => Proto::Tcp,
            UDP => Proto::Udp,
            ICMP => return Self::of_echo(ip),
            _ => return None,
        };
        let ports = ip.get(IP_HEADER..IP_HEADER + 4)?;
        let port = |at: usize| u16::from_be_bytes([ports[at], ports[at + 1]]);
        Some(Self {
            proto,
            src: SocketAddrV4::new(addr_at(ip, 12), port(0)),
            dst: SocketAddrV4::new(addr_at(ip, 16), port(2)),
        })
    }

    /// An echo's flow: its identifier stands for the port of whoever asks, as in Linux' conntrack.
    fn of_echo(ip: &[u8]) -> Option<Self> {
        let echo = ip.get(IP_HEADER..IP_HEADER + 8)?;
        let id = u16::from_be_bytes([echo[4], echo[5]]);
        let (sport, dport) = match echo[0] {
            ECHO_REQUEST => (id, 0),
            ECHO_REPLY => (0, id),
            _ => return None,
        };
        Some(Self {
            proto: Proto::Icmp,
            src: SocketAddrV4::new(addr_at(ip, 12), sport),
            dst: SocketAddrV4::new(addr_at(ip, 16), dport),
        })
    }

    /// Writes the flow's addresses and ports into an IPv4 packet of the same protocol.
    pub(crate) fn write(self, ip: &mut [u8]) {
        ip[12..16].copy_from_slice(&self.src.ip().octets());
        ip[16..20].copy_from_slice(&self.dst.ip().octets());
        if self.proto == Proto::Icmp {
            let id = match ip[IP_HEADER] {
                ECHO_REQUEST => self.src.port(),
                _ => self.dst.port(),
            };
            return ip[24..26].copy_from_slice(&id.to_be_bytes());
        }
        ip[20..22].copy_from_slice(&self.src.port().to_be_bytes());
        ip[22..24].copy_from_slice(&self.dst.port().to_be_bytes());
    }
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} > {}", self.src, self.dst)
    }
}

/// Reads the address at `at`; the packet is known to have a whole header.
fn addr_at(ip: &[u8], at: usize) -> Ipv4Addr {
    Ipv4Addr::new(ip[at], ip[at + 1], ip[at + 2], ip[at + 3])
}

/// The flags of a TCP segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// The sender has finished.
    pub const FIN: u8 = 1;
    /// The sender opens a connection.
    pub const SYN: u8 = 2;
    /// The connection is refused or broken.
    pub const RST: u8 = 4;
    /// The sender has no more to say for now.
    pub const PSH: u8 = 8;
    /// The acknowledgement number counts.
    pub const ACK: u8 = 16;

    /// Whether all of `flags` are set.
    #[must_use]
    pub const fn has(self, flags: u8) -> bool {
        self.0 & flags == flags
    }

    /// Whether this segment opens a connection.
    #[must_use]
    pub const fn opens(self) -> bool {
        self.0 & (Self::SYN | Self::ACK | Self::RST) == Self::SYN
    }
}

impl fmt::Display for TcpFlags {
    /// As tcpdump writes them: `S`, `S.`, `P.`, `F.`, `.`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letters = [
            (Self::FIN, "F"),
            (Self::SYN, "S"),
            (Self::RST, "R"),
            (Self::PSH, "P"),
            (Self::ACK, "."),
        ];
        letters
            .iter()
            .filter(|(flag, _)| self.has(*flag))
            .try_for_each(|(_, letter)| f.write_str(letter))
    }
}

/// An IPv4 packet and what is known about it beside its bytes.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    /// Survives hops and rewrites.
    pub(crate) id: u64,
    /// At least `len` bytes; pooled buffers are longer.
    pub(crate) buf: Vec<u8>,
    pub(crate) len: u16,
    pub(crate) origin: Origin,
    /// Outer source and destination while it travels in the overlay.
    pub(crate) outer: Option<(Ipv4Addr, Ipv4Addr)>,
    /// Its flow before the present router rewrote it.
    pub(crate) before: Option<Flow>,
    /// A cable flipped a bit of it: whoever gets it drops it.
    pub(crate) damaged: bool,
}

impl Packet {
    /// A cable flips a bit beyond the addresses and the ports, counted modulo those there are, so
    /// that captures show whose packet it was.
    pub(crate) fn damage(&mut self, bit: u32) {
        self.damaged = true;
        let body = self
            .bytes_mut()
            .get_mut(IP_HEADER + 4..)
            .unwrap_or_default();
        let bits = body.len() * 8;
        if bits > 0 {
            let bit = bit as usize % bits;
            body[bit / 8] ^= 1 << (bit % 8);
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buf[..usize::from(self.len)]
    }

    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.buf[..usize::from(self.len)]
    }

    pub(crate) fn src(&self) -> Ipv4Addr {
        addr_at(&self.buf, 12)
    }

    pub(crate) fn dst(&self) -> Ipv4Addr {
        addr_at(&self.buf, 16)
    }

    pub(crate) fn proto(&self) -> u8 {
        self.buf[9]
    }

    pub(crate) fn flow(&self) -> Option<Flow> {
        Flow::of(self.bytes())
    }

    /// The flags, all clear unless it is TCP.
    pub(crate) fn tcp_flags(&self) -> TcpFlags {
        match (self.proto(), self.bytes().get(IP_HEADER + 13)) {
            (TCP, Some(flags)) => TcpFlags(*flags),
            _ => TcpFlags(0),
        }
    }

    /// Changes addresses and ports, remembering what they were.
    pub(crate) fn rewrite(&mut self, from: Flow, to: Flow) {
        if from != to {
            to.write(self.bytes_mut());
            self.before = Some(from);
        }
    }

    pub(crate) fn ttl(&self) -> u8 {
        self.buf[8]
    }

    /// Takes one from the time to live; false when it has run out, and then nothing is changed,
    /// since the error about it shows the packet as it came.
    pub(crate) fn hop(&mut self) -> bool {
        let goes_on = self.buf[8] > 1;
        self.buf[8] -= u8::from(goes_on);
        goes_on
    }

    /// Its type, if it is ICMP.
    pub(crate) fn icmp_type(&self) -> Option<u8> {
        match self.proto() {
            ICMP => self.bytes().get(IP_HEADER).copied(),
            _ => None,
        }
    }

    /// The packet that an ICMP error is about: its flow and the error's type and code.
    pub(crate) fn icmp_error(&self) -> Option<(Flow, u8, u8)> {
        let bytes = self.bytes();
        let kind = *bytes.get(IP_HEADER)?;
        if self.proto() != ICMP || !matches!(kind, UNREACHABLE | TIME_EXCEEDED) {
            return None;
        }
        let inner = Flow::of(bytes.get(IP_HEADER + 8..)?)?;
        Some((inner, kind, bytes[IP_HEADER + 1]))
    }

    /// Writes another flow into the packet that an ICMP error is about, and its own addresses.
    pub(crate) fn rewrite_icmp(&mut self, src: Ipv4Addr, dst: Ipv4Addr, inner: Flow) {
        let bytes = self.bytes_mut();
        bytes[12..16].copy_from_slice(&src.octets());
        bytes[16..20].copy_from_slice(&dst.octets());
        inner.write(&mut bytes[IP_HEADER + 8..]);
    }
}

/// Writes an IPv4 header without options; the checksum stays zero.
fn write_ip(ip: &mut [u8], proto: u8, src: Ipv4Addr, dst: Ipv4Addr) {
    let len = u16::try_from(ip.len()).expect("packets fit an MTU");
    ip[..IP_HEADER].fill(0);
    ip[0] = 0x45;
    ip[2..4].copy_from_slice(&len.to_be_bytes());
    ip[6] = 0x40;
    ip[8] = 64;
    ip[9] = proto;
    ip[12..16].copy_from_slice(&src.octets());
    ip[16..20].copy_from_slice(&dst.octets());
}

/// Writes a UDP datagram into `ip`, which has exactly its length.
pub(crate) fn write_udp(ip: &mut [u8], src: SocketAddrV4, dst: SocketAddrV4, payload: &[u8]) {
    write_ip(ip, UDP, *src.ip(), *dst.ip());
    let len = u16::try_from(payload.len() + 8).expect("packets fit an MTU");
    let udp = &mut ip[IP_HEADER..];
    udp[0..2].copy_from_slice(&src.port().to_be_bytes());
    udp[2..4].copy_from_slice(&dst.port().to_be_bytes());
    udp[4..6].copy_from_slice(&len.to_be_bytes());
    udp[6..8].fill(0);
    udp[8..].copy_from_slice(payload);
}

/// ICMP "destination unreachable" codes this network speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreachable {
    Host = 1,
    Port = 3,
}

/// How much of the offending packet an ICMP error carries, as Linux does.
const ICMP_QUOTE: usize = 548;

/// "Destination unreachable" from `src` to the sender of `about`.
pub(crate) fn icmp_unreachable(src: Ipv4Addr, about: &[u8], why: Unreachable) -> Vec<u8> {
    icmp_error(src, about, UNREACHABLE, why as u8)
}

/// "Time exceeded" from `src` to the sender of `about`.
pub(crate) fn icmp_time_exceeded(src: Ipv4Addr, about: &[u8]) -> Vec<u8> {
    icmp_error(src, about, TIME_EXCEEDED, 0)
}

fn icmp_error(src: Ipv4Addr, about: &[u8], kind: u8, code: u8) -> Vec<u8> {
    let quote = &about[..about.len().min(ICMP_QUOTE)];
    let mut ip = vec![0; IP_HEADER + 8 + quote.len()];
    write_ip(&mut ip, ICMP, src, addr_at(about, 12));
    ip[IP_HEADER] = kind;
    ip[IP_HEADER + 1] = code;
    ip[IP_HEADER + 8..].copy_from_slice(quote);
    ip
}

/// An echo request or reply, all that is in it.
pub(crate) struct Echo<'a> {
    pub(crate) kind: u8,
    pub(crate) src: Ipv4Addr,
    pub(crate) dst: Ipv4Addr,
    pub(crate) ttl: u8,
    pub(crate) id: u16,
    pub(crate) sequence: u16,
    pub(crate) payload: &'a [u8],
}

impl Echo<'_> {
    /// Reads one; nothing when it is something else.
    pub(crate) fn of(ip: &[u8]) -> Option<Echo<'_>> {
        let Flow { src, dst, .. } = Flow::of_echo(ip)?;
        let (header, payload) = ip.get(IP_HEADER..)?.split_at_checked(8)?;
        Some(Echo {
            kind: header[0],
            src: *src.ip(),
            dst: *dst.ip(),
            ttl: ip[8],
            id: u16::from_be_bytes([header[4], header[5]]),
            sequence: u16::from_be_bytes([header[6], header[7]]),
            payload,
        })
    }

    /// How long the packet is.
    pub(crate) fn len(&self) -> usize {
        IP_HEADER + 8 + self.payload.len()
    }

    /// Writes it into `ip`, which has exactly its length.
    pub(crate) fn write(&self, ip: &mut [u8]) {
        write_ip(ip, ICMP, self.src, self.dst);
        ip[8] = self.ttl;
        let icmp = &mut ip[IP_HEADER..];
        icmp[..4].copy_from_slice(&[self.kind, 0, 0, 0]);
        icmp[4..6].copy_from_slice(&self.id.to_be_bytes());
        icmp[6..8].copy_from_slice(&self.sequence.to_be_bytes());
        icmp[8..].copy_from_slice(self.payload);
    }
}

/// The reset that refuses the segment `about`; none for a reset.
pub(crate) fn tcp_reset(about: &[u8]) -> Option<Vec<u8>> {
    let flow = Flow::of(about).filter(|flow| flow.proto == Proto::Tcp)?;
    let segment = TcpPacket::new_checked(&about[IP_HEADER..]).ok()?;
    if segment.rst() {
        return None;
    }
    let mut ip = vec![0; IP_HEADER + 20];
    write_ip(&mut ip, TCP, *flow.dst.ip(), *flow.src.ip());
    flow.reversed().write(&mut ip);
    let mut reset = TcpPacket::new_unchecked(&mut ip[IP_HEADER..]);
    reset.set_header_len(20);
    reset.set_rst(true);
    if segment.ack() {
        reset.set_seq_number(segment.ack_number());
    } else {
        reset.set_ack(true);
        reset.set_ack_number(segment.seq_number() + segment.segment_len());
    }
    Some(ip)
}

/// The acknowledgement of a FIN that arrives again after its connection has ended.
pub(crate) fn tcp_ack_again(about: &[u8]) -> Option<Vec<u8>> {
    let flow = Flow::of(about).filter(|flow| flow.proto == Proto::Tcp)?;
    let segment = TcpPacket::new_checked(&about[IP_HEADER..]).ok()?;
    if !segment.fin() || !segment.ack() {
        return None;
    }
    let mut ip = vec![0; IP_HEADER + 20];
    write_ip(&mut ip, TCP, *flow.dst.ip(), *flow.src.ip());
    flow.reversed().write(&mut ip);
    let mut reply = TcpPacket::new_unchecked(&mut ip[IP_HEADER..]);
    reply.set_header_len(20);
    reply.set_ack(true);
    reply.set_seq_number(segment.ack_number());
    reply.set_ack_number(segment.seq_number() + segment.segment_len());
    Some(ip)
}

/// Computes every checksum of an IPv4 packet, as a capture must show them.
///
/// A packet cut short keeps a transport checksum of zero: what is missing cannot be summed.
pub(crate) fn fill_checksums(ip: &mut [u8]) {
    let Ok(mut packet) = Ipv4Packet::new_checked(&mut ip[..]) else {
        return fill_header_checksum(ip);
    };
    packet.fill_checksum();
    let (src, dst) = (
        IpAddress::Ipv4(packet.src_addr()),
        IpAddress::Ipv4(packet.dst_addr()),
    );
    let proto = u8::from(packet.next_header());
    let payload = packet.payload_mut();
    match proto {
        TCP if payload.len() >= 20 => TcpPacket::new_unchecked(payload).fill_checksum(&src, &dst),
        UDP if payload.len() >= 8 => UdpPacket::new_unchecked(payload).fill_checksum(&src, &dst),
        ICMP if payload.len() >= 8 => {
            if matches!(payload[0], UNREACHABLE | TIME_EXCEEDED) {
                fill_checksums(&mut payload[8..]);
            }
            Icmpv4Packet::new_unchecked(payload).fill_checksum();
        }
        _ => {}
    }
}

/// The IP header's own checksum, for a packet that was cut short.
fn fill_header_checksum(ip: &mut [u8]) {
    if ip.len() >= IP_HEADER && ip[0] == 0x45 {
        Ipv4Packet::new_unchecked(&mut ip[..IP_HEADER]).fill_checksum();
    }
}
