//! Filter expressions, as far as people write them: hosts, nets, ports, protocols, bytes of
//! headers, joined by `and`, `or`, `not`. Never looks into a payload beyond those bytes.

use std::net::Ipv4Addr;

use super::super::addresses::mask;
use super::frame::{ETHERNET, ICMP, Ip, TCP, UDP, long, word};

/// A filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    All,
    Not(Box<Self>),
    And(Box<Self>, Box<Self>),
    Or(Box<Self>, Box<Self>),
    /// IPv4, whatever is in it.
    Ip,
    /// An Ethernet type.
    Ether(u16),
    Protocol(u8),
    Net(Side, Ipv4Addr, u8),
    Ports(Side, Option<u8>, u16, u16),
    /// The frame's length against a number.
    Length(Relation, u64),
    Compare(Sum, Relation, Sum),
}

/// Which end is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Source,
    Destination,
    Either,
    Both,
}

impl Side {
    fn holds(self, test: impl Fn(bool) -> bool) -> bool {
        match self {
            Self::Source => test(true),
            Self::Destination => test(false),
            Self::Either => test(true) || test(false),
            Self::Both => test(true) && test(false),
        }
    }
}

/// How two numbers compare.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    Equal,
    Unequal,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

/// A number, perhaps made of bytes of the packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sum {
    Number(u32),
    Length,
    Bytes {
        layer: Layer,
        at: Box<Self>,
        size: u8,
    },
    Operation(char, Box<Self>, Box<Self>),
}

/// Where bytes are counted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layer {
    Ether,
    Ip,
    Transport(u8),
}

impl Filter {
    /// Reads an expression; nothing when it is none. Names are resolved by `resolve`.
    pub(super) fn parse(text: &str, resolve: &dyn Fn(&str) -> Option<Ipv4Addr>) -> Option<Self> {
        let words = words(text)?;
        if words.is_empty() {
            return Some(Self::All);
        }
        let mut parser = Parser {
            words: &words,
            at: 0,
            depth: 0,
            last: Qualifiers::default(),
            resolve,
        };
        let filter = parser.expression()?;
        (parser.at == words.len()).then_some(filter)
    }

    /// Whether a frame of this original length is wanted.
    pub(super) fn wants(&self, frame: &[u8], length: usize) -> bool {
        let ip = Ip::in_frame(frame);
        match self {
            Self::All => true,
            Self::Not(inner) => !inner.wants(frame, length),
            Self::And(one, other) => one.wants(frame, length) && other.wants(frame, length),
            Self::Or(one, other) => one.wants(frame, length) || other.wants(frame, length),
            Self::Ip => ip.is_some(),
            Self::Ether(kind) => word(frame, 12) == *kind,
            Self::Protocol(protocol) => ip.is_some_and(|ip| ip.protocol() == *protocol),
            Self::Net(side, net, prefix) => ip.is_some_and(|ip| {
                let mask = mask(*prefix).to_bits();
                side.holds(|source| {
                    let address = if source {
                        ip.source()
                    } else {
                        ip.destination()
                    };
                    address.to_bits() & mask == net.to_bits() & mask
                })
            }),
            Self::Ports(side, protocol, first, last) => ip.is_some_and(|ip| {
                let Some((source, destination)) = ip.ports() else {
                    return false;
                };
                protocol.is_none_or(|protocol| protocol == ip.protocol())
                    && side.holds(|is_source| {
                        let port = if is_source { source } else { destination };
                        (*first..=*last).contains(&port)
                    })
            }),
            Self::Length(relation, number) => relation.holds(length as u64, *number),
            Self::Compare(one, relation, other) => {
                let value = |sum: &Sum| sum.value(frame, length);
                match (value(one), value(other)) {
                    (Some(one), Some(other)) => relation.holds(one.into(), other.into()),
                    _ => false,
                }
            }
        }
    }
}

impl Relation {
    fn holds(self, one: u64, other: u64) -> bool {
        match self {
            Self::Equal => one == other,
            Self::Unequal => one != other,
            Self::Less => one < other,
            Self::LessEqual => one <= other,
            Self::Greater => one > other,
            Self::GreaterEqual => one >= other,
        }
    }
}

impl Sum {
    /// Its value; nothing when the packet has no such bytes.
    fn value(&self, frame: &[u8], length: usize) -> Option<u32> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Length => u32::try_from(length).ok(),
            Self::Bytes { layer, at, size } => {
                let at = at.value(frame, length)? as usize;
                let bytes = layer.bytes(frame)?;
                let piece = bytes.get(at..at.checked_add(usize::from(*size))?)?;
                Some(match size {
                    1 => u32::from(piece[0]),
                    2 => u32::from(word(piece, 0)),
                    _ => long(piece, 0),
                })
            }
            Self::Operation(operation, one, other) => {
                let (one, other) = (one.value(frame, length)?, other.value(frame, length)?);
                match operation {
                    '+' => Some(one.wrapping_add(other)),
                    '-' => Some(one.wrapping_sub(other)),
                    '*' => Some(one.wrapping_mul(other)),
                    '/' => one.checked_div(other),
                    '%' => one.checked_rem(other),
                    '&' => Some(one & other),
                    '|' => Some(one | other),
                    '^' => Some(one ^ other),
                    '<' => Some(one.checked_shl(other).unwrap_or(0)),
                    _ => Some(one.checked_shr(other).unwrap_or(0)),
                }
            }
        }
    }
}

impl Layer {
    fn bytes(self, frame: &[u8]) -> Option<&[u8]> {
        match self {
            Self::Ether => Some(frame),
            Self::Ip => Ip::in_frame(frame).and(frame.get(ETHERNET..)),
            Self::Transport(protocol) => {
                let ip = Ip::in_frame(frame)?;
                (ip.protocol() == protocol && ip.is_first()).then(|| ip.payload())
            }
        }
    }
}

/// Splits an expression; nothing when it has a character that none has.
fn words(text: &str) -> Option<Vec<String>> {
    const DOUBLE: [&str; 8] = ["&&", "||", "<=", ">=", "!=", "==", "<<", ">>"];
    let mut words: Vec<String> = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let is_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '\\');
        let length = if is_word(first) {
            // Inside brackets a minus takes away.
            let open = words.iter().rev().find(|word| *word == "[" || *word == "]");
            let in_brackets = open.is_some_and(|word| word == "[");
            let is_part = |c: char| {
                is_word(c)
                    && !(in_brackets && c == '-' && rest.starts_with(|c: char| c.is_ascii_digit()))
            };
            rest.find(|c| !is_part(c)).unwrap_or(rest.len())
        } else if DOUBLE.iter().any(|double| rest.starts_with(double)) {
            2
        } else if "()[]!<>=&|+*/:^%".contains(first) {
            1
        } else {
            return None;
        };
        let length = length.max(1);
        words.push(rest[..length].to_owned());
        rest = rest[length..].trim_start();
    }
    Some(words)
}

/// What was said before an identifier, and holds for the next if it says nothing itself.
#[derive(Clone, Copy, Debug, Default)]
struct Qualifiers {
    protocol: Option<u8>,
    side: Option<Side>,
    kind: Option<Kind>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Host,
    Net,
    Port,
    PortRange,
}

/// How deep expressions may nest.
const DEPTH_MAX: u32 = 64;

struct Parser<'a> {
    words: &'a [String],
    at: usize,
    depth: u32,
    last: Qualifiers,
    resolve: &'a dyn Fn(&str) -> Option<Ipv4Addr>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&str> {
        self.words.get(self.at).map(String::as_str)
    }

    fn take(&mut self, options: &[&str]) -> bool {
        let found = self.peek().is_some_and(|word| options.contains(&word));
        self.at += usize::from(found);
        found
    }

    /// `and` and `or` bind alike, from the left, as libpcap has it.
    fn expression(&mut self) -> Option<Filter> {
        let mut filter = self.term()?;
        loop {
            if self.take(&["and", "&&"]) {
                filter = Filter::And(Box::new(filter), Box::new(self.term()?));
            } else if self.take(&["or", "||"]) {
                filter = Filter::Or(Box::new(filter), Box::new(self.term()?));
            } else {
                return Some(filter);
            }
        }
    }

    fn term(&mut self) -> Option<Filter> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        let found = self.bounded_term();
        self.depth -= 1;
        found
    }

    fn bounded_term(&mut self) -> Option<Filter> {
        if self.take(&["not", "!"]) {
            return Some(Filter::Not(Box::new(self.term()?)));
        }
        let start = self.at;
        if let Some(comparison) = self.comparison() {
            return Some(comparison);
        }
        self.at = start;
        if self.take(&["("]) {
            let inner = self.expression()?;
            return self.take(&[")"]).then_some(inner);
        }
        self.primitive()
    }

    fn primitive(&mut self) -> Option<Filter> {
        let mut said = Qualifiers::default();
        let start = self.at;
        let mut alone = None;
        if let Some((protocol, filter)) = self.peek().and_then(protocol) {
            self.at += 1;
            said.protocol = protocol;
            alone = Some(filter);
        }
        said.side = self.side();
        said.kind = self.kind();
        let nothing_said = self.at == start;
        if let Some(filter) = &alone
            && said.side.is_none()
            && said.kind.is_none()
        {
            return Some(filter.clone());
        }
        if nothing_said {
            if let Some(relation) = [
                ("less", Relation::LessEqual),
                ("greater", Relation::GreaterEqual),
            ]
            .iter()
            .find(|(word, _)| self.peek() == Some(*word))
            {
                self.at += 1;
                let number = number(self.next()?.as_str())?;
                return Some(Filter::Length(relation.1, number.into()));
            }
            said = self.last;
        }
        self.last = said;
        let filter = self.identifier(said)?;
        Some(match (alone, said.protocol) {
            // `ip host X` and `arp host X`; a port has its protocol with it.
            (Some(kind), None) => Filter::And(Box::new(kind), Box::new(filter)),
            (Some(kind), Some(_)) if !matches!(said.kind, Some(Kind::Port | Kind::PortRange)) => {
                Filter::And(Box::new(kind), Box::new(filter))
            }
            _ => filter,
        })
    }

    fn next(&mut self) -> Option<String> {
        let word = self.words.get(self.at)?.clone();
        self.at += 1;
        Some(word)
    }

    fn side(&mut self) -> Option<Side> {
        let (first, other) = match self.peek() {
            Some("src") => (Side::Source, "dst"),
            Some("dst") => (Side::Destination, "src"),
            _ => return None,
        };
        self.at += 1;
        let joined = match self.peek() {
            Some("or" | "||") => Side::Either,
            Some("and" | "&&") => Side::Both,
            _ => return Some(first),
        };
        if self.words.get(self.at + 1).map(String::as_str) == Some(other) {
            self.at += 2;
            return Some(joined);
        }
        Some(first)
    }

    fn kind(&mut self) -> Option<Kind> {
        let kind = match self.peek() {
            Some("host") => Kind::Host,
            Some("net") => Kind::Net,
            Some("port") => Kind::Port,
            Some("portrange") => Kind::PortRange,
            _ => return None,
        };
        self.at += 1;
        Some(kind)
    }

    fn identifier(&mut self, said: Qualifiers) -> Option<Filter> {
        let side = said.side.unwrap_or(Side::Either);
        let word = self.next()?;
        if keyword(&word) {
            return None;
        }
        let word = word.trim_start_matches('\\');
        match said.kind.unwrap_or(Kind::Host) {
            Kind::Host | Kind::Net if self.peek() == Some("/") => {
                self.at += 1;
                let prefix: u8 = self.next()?.parse().ok().filter(|prefix| *prefix <= 32)?;
                Some(Filter::Net(side, net(word)?.0, prefix))
            }
            Kind::Host => {
                let address = word.parse().ok().or_else(|| (self.resolve)(word))?;
                Some(Filter::Net(side, address, 32))
            }
            Kind::Net if self.take(&["mask"]) => {
                let mask: Ipv4Addr = self.next()?.parse().ok()?;
                let prefix = mask.to_bits().count_ones();
                Some(Filter::Net(side, net(word)?.0, u8::try_from(prefix).ok()?))
            }
            Kind::Net => net(word).map(|(address, prefix)| Filter::Net(side, address, prefix)),
            Kind::Port => {
                let port = port(word)?;
                Some(Filter::Ports(side, said.protocol, port, port))
            }
            Kind::PortRange => {
                let (first, last) = word.split_once('-')?;
                let (first, last) = (port(first)?, port(last)?);
                Some(Filter::Ports(
                    side,
                    said.protocol,
                    first.min(last),
                    first.max(last),
                ))
            }
        }
    }

    fn comparison(&mut self) -> Option<Filter> {
        let one = self.sum(0)?;
        let relation = match self.peek()? {
            "=" | "==" => Relation::Equal,
            "!=" => Relation::Unequal,
            "<" => Relation::Less,
            "<=" => Relation::LessEqual,
            ">" => Relation::Greater,
            ">=" => Relation::GreaterEqual,
            _ => return None,
        };
        self.at += 1;
        let other = self.sum(0)?;
        Some(Filter::Compare(one, relation, other))
    }

    /// Operators of one level and those that bind closer.
    fn sum(&mut self, level: usize) -> Option<Sum> {
        const LEVELS: [&[&str]; 5] = [
            &["|"],
            &["&", "^"],
            &["<<", ">>"],
            &["+", "-"],
            &["*", "/", "%"],
        ];
        let Some(operators) = LEVELS.get(level) else {
            return self.operand();
        };
        let mut left = self.sum(level + 1)?;
        while let Some(operator) = self.peek().filter(|word| operators.contains(word)) {
            let operator = operator.chars().next()?;
            self.at += 1;
            let right = self.sum(level + 1)?;
            left = Sum::Operation(operator, Box::new(left), Box::new(right));
        }
        Some(left)
    }

    fn operand(&mut self) -> Option<Sum> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        let found = self.bounded_operand();
        self.depth -= 1;
        found
    }

    fn bounded_operand(&mut self) -> Option<Sum> {
        if self.take(&["("]) {
            let inner = self.sum(0)?;
            return self.take(&[")"]).then_some(inner);
        }
        let word = self.next()?;
        if let Some(number) = number(&word).or_else(|| named_number(&word)) {
            return Some(Sum::Number(number));
        }
        if word == "len" {
            return Some(Sum::Length);
        }
        let layer = match word.as_str() {
            "ether" => Layer::Ether,
            "ip" => Layer::Ip,
            "tcp" => Layer::Transport(TCP),
            "udp" => Layer::Transport(UDP),
            "icmp" => Layer::Transport(ICMP),
            _ => return None,
        };
        if !self.take(&["["]) {
            return None;
        }
        let at = Box::new(self.sum(0)?);
        let mut size = 1;
        if self.take(&[":"]) {
            size = self
                .next()?
                .parse()
                .ok()
                .filter(|size| matches!(size, 1 | 2 | 4))?;
        }
        self.take(&["]"]).then_some(Sum::Bytes { layer, at, size })
    }
}

/// The protocol that a word names, and the filter that the word alone is.
fn protocol(word: &str) -> Option<(Option<u8>, Filter)> {
    Some(match word {
        "tcp" => (Some(TCP), Filter::Protocol(TCP)),
        "udp" => (Some(UDP), Filter::Protocol(UDP)),
        "icmp" => (None, Filter::Protocol(ICMP)),
        "ip" => (None, Filter::Ip),
        "arp" => (None, Filter::Ether(0x0806)),
        "ip6" => (None, Filter::Ether(0x86dd)),
        _ => return None,
    })
}

fn keyword(word: &str) -> bool {
    const WORDS: [&str; 22] = [
        "and",
        "or",
        "not",
        "src",
        "dst",
        "host",
        "net",
        "port",
        "portrange",
        "tcp",
        "udp",
        "icmp",
        "ip",
        "arp",
        "ip6",
        "less",
        "greater",
        "(",
        ")",
        "[",
        "]",
        "!",
    ];
    WORDS.contains(&word)
}

/// A network with as many bytes as are written: `10.244` is 10.244.0.0/16.
fn net(word: &str) -> Option<(Ipv4Addr, u8)> {
    let parts: Vec<u8> = word
        .split('.')
        .map(|part| part.parse().ok())
        .collect::<Option<_>>()?;
    let mut octets = [0; 4];
    octets.get_mut(..parts.len())?.copy_from_slice(&parts);
    Some((Ipv4Addr::from(octets), u8::try_from(parts.len() * 8).ok()?))
}

fn port(word: &str) -> Option<u16> {
    let known = match word {
        "http" | "www" => 80,
        "https" => 443,
        "domain" => 53,
        "ssh" => 22,
        "http-alt" => 8080,
        "mysql" => 3306,
        "postgresql" => 5432,
        "redis" => 6379,
        word => return word.parse().ok(),
    };
    Some(known)
}

fn number(word: &str) -> Option<u32> {
    match word.strip_prefix("0x") {
        Some(digits) => u32::from_str_radix(digits, 16).ok(),
        None => word.parse().ok(),
    }
}

/// Offsets and values with names.
fn named_number(word: &str) -> Option<u32> {
    Some(match word {
        "tcpflags" => 13,
        "icmptype" => 0,
        "icmpcode" => 1,
        "tcp-fin" => 0x01,
        "tcp-syn" => 0x02,
        "tcp-rst" => 0x04,
        "tcp-push" => 0x08,
        "tcp-ack" => 0x10,
        "tcp-urg" => 0x20,
        "tcp-ece" => 0x40,
        "tcp-cwr" => 0x80,
        "icmp-echoreply" => 0,
        "icmp-unreach" => 3,
        "icmp-redirect" => 5,
        "icmp-echo" => 8,
        "icmp-timxceed" => 11,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A SYN from 10.244.1.2:40000 to 10.96.0.10:80.
    fn syn() -> Vec<u8> {
        let mut frame = vec![0; 54];
        frame[12] = 8;
        frame[14] = 0x45;
        frame[17] = 40;
        frame[23] = TCP;
        frame[26..30].copy_from_slice(&[10, 244, 1, 2]);
        frame[30..34].copy_from_slice(&[10, 96, 0, 10]);
        frame[34..36].copy_from_slice(&40_000_u16.to_be_bytes());
        frame[36..38].copy_from_slice(&80_u16.to_be_bytes());
        frame[46] = 0x50;
        frame[47] = 2;
        frame
    }

    fn wants(text: &str) -> bool {
        let filter = Filter::parse(text, &|_| None).unwrap_or_else(|| panic!("{text}"));
        filter.wants(&syn(), 54)
    }

    #[test]
    fn a_filter_takes_what_it_says() {
        for text in [
            "",
            "tcp",
            "ip and tcp",
            "port 80",
            "tcp port http",
            "dst port 80 and src host 10.244.1.2",
            "host 10.96.0.10",
            "net 10.96.0.0/12",
            "src net 10.244",
            "net 10.244.0.0 mask 255.255.0.0",
            "portrange 79-81",
            "not udp and not arp",
            "!(port 53 or icmp)",
            "(tcp or udp) && dst 10.96.0.10",
            "src or dst host 10.96.0.10",
            "host 1.2.3.4 or 10.96.0.10",
            "tcp dst port 53 or 80",
            "tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn",
            "tcp[13] = 2",
            "tcp[tcpflags] & tcp-syn != 0 and port 80",
            "ip[9] == 6",
            "tcp[2:2] = 0x50",
            "len <= 60",
            "less 54",
            "tcp[(12)] >> 4 == 5",
        ] {
            assert!(wants(text), "{text}");
        }
        for text in [
            "udp",
            "udp port 80",
            "src port 80",
            "host 10.96.0.11",
            "src net 10.96.0.0/12",
            "not tcp",
            "icmp[icmptype] == icmp-echo",
            "tcp[tcpflags] & (tcp-fin|tcp-rst) != 0",
            "tcp[900] == 0",
            "greater 55",
            "arp",
            "src and dst host 10.96.0.10",
        ] {
            assert!(!wants(text), "{text}");
        }
    }

    #[test]
    fn what_is_no_filter_is_refused() {
        for text in [
            "and",
            "port",
            "host",
            "tcp and",
            "(tcp",
            "tcp)",
            "port x1",
            "net 300",
            "tcp[",
            "tcp[0",
            "tcp[0]",
            "tcp[0] = ",
            "foo bar",
            "port 80 81",
            "\"",
            "host and",
            "net 10.0.0.0/33",
        ] {
            assert_eq!(Filter::parse(text, &|_| None), None, "{text}");
        }
    }

    #[test]
    fn mutated_filters_and_frames_never_panic() {
        let corpus: &[&[u8]] = &[
            b"tcp[tcpflags] & (tcp-syn|tcp-ack) == tcp-syn",
            b"not (port 53 or net 10.0.0.0/8) and src host 10.244.1.2",
            b"portrange 1-1024 and ip[2:2] > 100 or len / 2 % 7 < 9",
        ];
        let dictionary: &[&[u8]] = &[
            b"and", b"or", b"not", b"(", b")", b"[", b"]", b"tcp", b"port", b"-", b"<<",
        ];
        let frame = syn();
        trial::fuzz(3_000, corpus, dictionary, |bytes| {
            if let Some(filter) = Filter::parse(&String::from_utf8_lossy(bytes), &|_| None) {
                for end in [0, 13, 20, 34, 40, 54] {
                    filter.wants(&frame[..end], 54);
                }
            }
        });
    }
}
