//! A packet as a line of text, in tcpdump 4.99's words. Prints what the headers say; of payloads
//! only DNS and the first line of HTTP.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use super::dns;
use super::frame::{ICMP, Ip, TCP, UDP, checksum, link_header, long, pseudo_header, word};
use super::names::Names;

/// How much is said.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Style {
    /// `-q`
    pub(super) quick: bool,
    /// How many `-v`.
    pub(super) verbose: u8,
    /// `-e`
    pub(super) link_header: bool,
    /// `-S`
    pub(super) absolute: bool,
}

/// A conversation's first numbers, by its lower and its higher end.
type Ends = ((Ipv4Addr, u16), (Ipv4Addr, u16));

/// How many conversations are remembered; beyond that all are forgotten.
const CONVERSATIONS_MAX: usize = 4_096;

/// Writes packets, and remembers where conversations began.
#[derive(Debug, Default)]
pub(super) struct Printer {
    pub(super) style: Style,
    names: Names,
    began: BTreeMap<Ends, (u32, u32)>,
}

impl Printer {
    pub(super) fn new(style: Style, names: Names) -> Self {
        Self {
            style,
            names,
            began: BTreeMap::new(),
        }
    }

    /// An IPv4 packet, without its time.
    pub(super) fn ip(&mut self, ip: &Ip<'_>, lead: &str) -> String {
        let mut line = lead.to_owned();
        if self.style.verbose > 0 {
            line.push_str(&self.ip_header(ip));
        }
        let payload = ip.payload();
        let (source, destination) = (ip.source(), ip.destination());
        if ip.protocol() == TCP && payload.len() >= 20 && ip.is_first() {
            self.tcp(ip, &mut line);
        } else if ip.protocol() == UDP && payload.len() >= 8 && ip.is_first() {
            self.udp(ip, &mut line);
        } else {
            let (from, to) = (self.names.host(source), self.names.host(destination));
            line.push_str(&format!("{from} > {to}: "));
            if ip.protocol() == ICMP && payload.len() >= 8 && ip.is_first() {
                self.icmp(ip, &mut line);
            } else {
                let length = ip.payload_length();
                line.push_str(&format!("ip-proto-{} {length}", ip.protocol()));
            }
        }
        line
    }

    fn ip_header(&self, ip: &Ip<'_>) -> String {
        let bytes = ip.bytes;
        let flags = word(bytes, 6);
        let named = match flags >> 13 {
            0 => "none",
            1 => "+",
            2 => "DF",
            _ => "+, DF",
        };
        let protocol = match ip.protocol() {
            ICMP => "ICMP".to_owned(),
            TCP => "TCP".to_owned(),
            UDP => "UDP".to_owned(),
            other => format!("unknown ({other})"),
        };
        let mut text = format!("(tos 0x{:x}", bytes[1]);
        if bytes[8] > 0 {
            text.push_str(&format!(", ttl {}", bytes[8]));
        }
        text.push_str(&format!(
            ", id {}, offset {}, flags [{named}], proto {protocol} ({}), length {}",
            word(bytes, 4),
            (flags & 0x1fff) * 8,
            ip.protocol(),
            ip.length()
        ));
        if checksum(&bytes[..ip.header], 0) != 0 {
            let said = word(bytes, 10);
            let right = checksum(&bytes[..ip.header], (!u32::from(said)) & 0xffff);
            text.push_str(&format!(", bad cksum {said:x} (->{right:x})!"));
        }
        text + ")\n    "
    }

    fn tcp(&mut self, ip: &Ip<'_>, line: &mut String) {
        let segment = ip.payload();
        let (sport, dport) = (word(segment, 0), word(segment, 2));
        let from = self.names.endpoint(ip.source(), sport, "tcp");
        let to = self.names.endpoint(ip.destination(), dport, "tcp");
        line.push_str(&format!("{from} > {to}: "));
        let header = usize::from(segment[12] >> 4) * 4;
        if header < 20 || header > ip.payload_length() {
            line.push_str(&format!(
                "tcp {} [bad hdr length {header}]",
                ip.payload_length()
            ));
            return;
        }
        let length = ip.payload_length() - header;
        if self.style.quick {
            line.push_str(&format!("tcp {length}"));
            return;
        }
        let flags = segment[13];
        line.push_str(&format!("Flags [{}]", flag_letters(flags)));
        let (seq, ack, base) = self.relative(ip, segment);
        if self.style.verbose > 0 && segment.len() == ip.payload_length() {
            line.push_str(&tcp_checksum(ip, segment));
        }
        if self.style.verbose > 1 || length > 0 || flags & 7 != 0 {
            line.push_str(&format!(", seq {seq}"));
            if length > 0 {
                line.push_str(&format!(":{}", seq.wrapping_add(length as u32)));
            }
        }
        if flags & 16 != 0 {
            line.push_str(&format!(", ack {ack}"));
        }
        line.push_str(&format!(", win {}", word(segment, 14)));
        if flags & 32 != 0 {
            line.push_str(&format!(", urg {}", word(segment, 18)));
        }
        if header > 20 {
            let options = segment.get(20..header).unwrap_or_default();
            line.push_str(&format!(", options [{}]", tcp_options(options, base)));
        }
        line.push_str(&format!(", length {length}"));
        let data = segment.get(header..).unwrap_or_default();
        if length > 0 {
            self.tcp_payload(sport, dport, data, line);
        }
    }

    fn tcp_payload(&self, sport: u16, dport: u16, data: &[u8], line: &mut String) {
        let is = |port: u16| sport == port || dport == port;
        if is(80) || is(8080) {
            line.push_str(": ");
            line.push_str(&http(data, self.style.verbose));
        } else if is(53) && data.len() > 2 {
            line.push_str(&dns::message(&data[2..], self.style.verbose));
        }
    }

    /// Sequence and acknowledgement counted from the conversation's beginning, and what its other
    /// direction is counted from.
    fn relative(&mut self, ip: &Ip<'_>, segment: &[u8]) -> (u32, u32, u32) {
        let (seq, ack, flags) = (long(segment, 4), long(segment, 8), segment[13]);
        if self.style.absolute || flags & 16 == 0 {
            return (seq, ack, 0);
        }
        let from = (ip.source(), word(segment, 0));
        let to = (ip.destination(), word(segment, 2));
        let reversed = from > to;
        let ends = if reversed { (to, from) } else { (from, to) };
        match self.began.get(&ends) {
            Some((first, other)) if flags & 2 == 0 => {
                let (mine, theirs) = if reversed {
                    (*other, *first)
                } else {
                    (*first, *other)
                };
                (seq.wrapping_sub(mine), ack.wrapping_sub(theirs), theirs)
            }
            _ => {
                if self.began.len() >= CONVERSATIONS_MAX {
                    self.began.clear();
                }
                let before = ack.wrapping_sub(1);
                let pair = if reversed {
                    (before, seq)
                } else {
                    (seq, before)
                };
                self.began.insert(ends, pair);
                (seq, ack, before)
            }
        }
    }

    fn udp(&mut self, ip: &Ip<'_>, line: &mut String) {
        let datagram = ip.payload();
        let (sport, dport) = (word(datagram, 0), word(datagram, 2));
        let from = self.names.endpoint(ip.source(), sport, "udp");
        let to = self.names.endpoint(ip.destination(), dport, "udp");
        line.push_str(&format!("{from} > {to}: "));
        let length = usize::from(word(datagram, 4)).saturating_sub(8);
        let data = &datagram[8..];
        if self.style.quick {
            line.push_str(&format!("UDP, length {length}"));
            return;
        }
        if self.style.verbose > 1 && datagram.len() == ip.payload_length() {
            let right = checksum(datagram, pseudo_header(ip)) == 0;
            line.push_str(match word(datagram, 6) {
                0 => "[no cksum] ",
                _ if right => "[udp sum ok] ",
                _ => "[bad udp cksum] ",
            });
        }
        if sport == 53 || dport == 53 {
            line.push_str(dns::message(data, self.style.verbose).trim_start());
        } else if dport == 4789 && data.len() >= 8 {
            let number = long(data, 4) >> 8;
            let flags = if data[0] & 8 != 0 { "I" } else { "." };
            let first = data[0];
            line.push_str(&format!(
                "VXLAN, flags [{flags}] (0x{first:02x}), vni {number}
"
            ));
            let frame = &data[8..];
            let lead = if self.style.link_header {
                link_header(frame, length.saturating_sub(8))
            } else {
                "IP ".to_owned()
            };
            match Ip::in_frame(frame) {
                Some(inner) => line.push_str(&self.ip(&inner, &lead)),
                None => line.push_str("[|ether]"),
            }
        } else {
            line.push_str(&format!("UDP, length {length}"));
        }
    }

    fn icmp(&mut self, ip: &Ip<'_>, line: &mut String) {
        let message = ip.payload();
        let length = ip.payload_length();
        let (kind, code) = (message[0], message[1]);
        let inner = Ip::of(&message[8..]);
        let about = inner.map_or(Ipv4Addr::UNSPECIFIED, |inner| inner.destination());
        let about = self.names.host(about);
        let text = match (kind, code) {
            (0 | 8, _) => {
                let what = if kind == 8 { "request" } else { "reply" };
                let (id, seq) = (word(message, 4), word(message, 6));
                format!("echo {what}, id {id}, seq {seq}")
            }
            (3, 0) => format!("net {about} unreachable"),
            (3, 1) => format!("host {about} unreachable"),
            (3, 2) => {
                let protocol = inner.map_or(0, |inner| inner.protocol());
                format!("{about} protocol {protocol} unreachable")
            }
            (3, 3) => self.port_unreachable(inner, &about),
            (3, 13) => format!("host {about} unreachable - admin prohibited filter"),
            (3, code) => format!("{about} unreachable - #{code}"),
            (11, 0) => "time exceeded in-transit".to_owned(),
            (11, _) => "ip reassembly time exceeded".to_owned(),
            (kind, _) => format!("type-#{kind}"),
        };
        line.push_str(&format!("ICMP {text}, length {length}"));
        if self.style.verbose > 0 && matches!(kind, 3 | 11) {
            // The packet inside is shown as far as it is there.
            if let Some(inner) = inner {
                line.push_str(&self.ip(&inner, "\n\tIP "));
            }
        }
    }

    fn port_unreachable(&mut self, inner: Option<Ip<'_>>, about: &str) -> String {
        let Some((inner, (_, port))) = inner.and_then(|inner| Some((inner, inner.ports()?))) else {
            return format!("{about} unreachable - #3");
        };
        let kind = if inner.protocol() == TCP {
            "tcp"
        } else {
            "udp"
        };
        let port = self.names.port(port, kind);
        format!("{about} {kind} port {port} unreachable")
    }
}

fn flag_letters(flags: u8) -> String {
    let letters = [
        (1, 'F'),
        (2, 'S'),
        (4, 'R'),
        (8, 'P'),
        (16, '.'),
        (32, 'U'),
        (64, 'E'),
        (128, 'W'),
    ];
    let set: String = letters
        .iter()
        .filter(|(bit, _)| flags & bit != 0)
        .map(|(_, letter)| *letter)
        .collect();
    if set.is_empty() {
        "none".to_owned()
    } else {
        set
    }
}

fn tcp_checksum(ip: &Ip<'_>, segment: &[u8]) -> String {
    let said = word(segment, 16);
    let sum = checksum(segment, pseudo_header(ip));
    if sum == 0 {
        return format!(", cksum 0x{said:04x} (correct)");
    }
    let right = checksum(segment, pseudo_header(ip) + u32::from(!said));
    format!(", cksum 0x{said:04x} (incorrect -> 0x{right:04x})")
}

fn tcp_options(mut options: &[u8], base: u32) -> String {
    let mut list: Vec<String> = Vec::new();
    while let Some((kind, rest)) = options.split_first() {
        if *kind <= 1 {
            list.push(if *kind == 0 { "eol" } else { "nop" }.to_owned());
            if *kind == 0 {
                break;
            }
            options = rest;
            continue;
        }
        let length = usize::from(options.get(1).copied().unwrap_or(0));
        let Some(data) = options.get(2..length).filter(|_| length >= 2) else {
            list.push("[bad opt]".to_owned());
            break;
        };
        list.push(match (kind, data.len()) {
            (2, 2) => format!("mss {}", word(data, 0)),
            (3, 1) => format!("wscale {}", data[0]),
            (4, 0) => "sackOK".to_owned(),
            (5, _) => {
                let blocks = data.chunks_exact(8);
                let mut text = format!("sack {} ", blocks.len());
                for block in blocks {
                    let edge = |at| long(block, at).wrapping_sub(base);
                    text.push_str(&format!("{{{}:{}}}", edge(0), edge(4)));
                }
                text
            }
            (8, 8) => format!("TS val {} ecr {}", long(data, 0), long(data, 4)),
            (kind, _) => {
                let hex: String = data.iter().map(|byte| format!("{byte:02x}")).collect();
                format!("unknown-{kind} 0x{hex}")
            }
        });
        options = &options[length..];
    }
    list.join(",")
}

/// What HTTP's payload begins with: the first line of a request or an answer, with `-v` all lines.
fn http(data: &[u8], verbose: u8) -> String {
    const WORDS: [&str; 11] = [
        "GET", "PUT", "COPY", "HEAD", "LOCK", "MOVE", "POLL", "POST", "OPTIONS", "DELETE", "PATCH",
    ];
    let text = String::from_utf8_lossy(data);
    let first = text.split([' ', '\r', '\n']).next().unwrap_or_default();
    let speaks = WORDS.contains(&first) || first.starts_with("HTTP/");
    if !speaks {
        return "HTTP".to_owned();
    }
    if verbose == 0 {
        let line = text.lines().next().unwrap_or_default();
        return format!("HTTP: {line}");
    }
    let mut out = format!("HTTP, length: {}", data.len());
    for line in text.split_inclusive('\n') {
        let ended = line.ends_with('\n');
        let line = line.trim_end_matches(['\r', '\n']);
        // The end of the packet is not the end of the line.
        let cut = if ended { "" } else { " [|http]" };
        out.push_str(&format!("\n\t{line}{cut}"));
    }
    out
}
