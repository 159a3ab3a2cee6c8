//! Asking a name server: `/etc/resolv.conf`, one question over UDP or TCP, and an answer's parts
//! as text. Messages are simple-dns'; never the system's resolver.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, TYPE};

/// What `/etc/resolv.conf` says.
#[derive(Debug, Default)]
pub(super) struct Resolver {
    pub(super) servers: Vec<SocketAddr>,
    pub(super) search: Vec<String>,
    pub(super) ndots: usize,
}

impl Resolver {
    /// Reads it; a file that is not there says nothing.
    pub(super) fn read() -> Self {
        Self::parse(&std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default())
    }

    fn parse(text: &str) -> Self {
        let mut found = Self {
            ndots: 1,
            ..Self::default()
        };
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => {
                    let address = words.next().and_then(|address| address.parse().ok());
                    found
                        .servers
                        .extend(address.map(|address| SocketAddr::new(address, 53)));
                }
                Some("search") => found.search = words.map(str::to_owned).collect(),
                Some("options") => {
                    let ndots = words.find_map(|word| word.strip_prefix("ndots:"));
                    if let Some(ndots) = ndots.and_then(|text| text.parse().ok()) {
                        found.ndots = ndots;
                    }
                }
                _ => {}
            }
        }
        found
    }

    /// The names to ask for when somebody says `name`, in the resolver's order.
    pub(super) fn candidates(&self, name: &str) -> Vec<String> {
        if name.ends_with('.') {
            return vec![name.to_owned()];
        }
        let mut names: Vec<String> = self
            .search
            .iter()
            .map(|domain| format!("{name}.{domain}"))
            .collect();
        let at = if name.matches('.').count() >= self.ndots {
            0
        } else {
            names.len()
        };
        names.insert(at, name.to_owned());
        names
    }
}

/// The name under which an address is asked for.
pub(super) fn reverse(address: Ipv4Addr) -> String {
    let [a, b, c, d] = address.octets();
    format!("{d}.{c}.{b}.{a}.in-addr.arpa")
}

/// The types one can ask for by name.
const TYPES: [(&str, u16); 10] = [
    ("A", 1),
    ("NS", 2),
    ("CNAME", 5),
    ("SOA", 6),
    ("PTR", 12),
    ("MX", 15),
    ("TXT", 16),
    ("AAAA", 28),
    ("SRV", 33),
    ("ANY", 255),
];

/// The type with this name, in letters of any size.
pub(super) fn type_number(name: &str) -> Option<u16> {
    let found = TYPES
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, number)| *number)
}

/// The name of a type.
pub(super) fn type_name(number: u16) -> String {
    let found = TYPES.iter().find(|(_, known)| *known == number);
    found.map_or_else(|| format!("TYPE{number}"), |(name, _)| (*name).to_owned())
}

/// One record of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Without the dot at the end.
    pub(super) name: String,
    pub(super) ttl: u32,
    pub(super) kind: u16,
    pub(super) data: Data,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Data {
    Address(String),
    /// CNAME, PTR, NS.
    Name(String),
    Mx(u16, String),
    Txt(String),
    Srv {
        priority: u16,
        weight: u16,
        port: u16,
        target: String,
    },
    Soa {
        origin: String,
        mail: String,
        numbers: [u32; 5],
    },
    Other,
}

impl Data {
    /// As a zone file writes it, which is what dig prints.
    pub(super) fn zone(&self) -> String {
        match self {
            Self::Address(text) => text.clone(),
            Self::Name(name) => dotted(name),
            Self::Mx(preference, name) => format!("{preference} {}", dotted(name)),
            Self::Txt(text) => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
            Self::Srv {
                priority,
                weight,
                port,
                target,
            } => format!("{priority} {weight} {port} {}", dotted(target)),
            Self::Soa {
                origin,
                mail,
                numbers,
            } => {
                let numbers = numbers.map(|number| number.to_string()).join(" ");
                format!("{} {} {numbers}", dotted(origin), dotted(mail))
            }
            Self::Other => "\\# 0".to_owned(),
        }
    }
}

/// A name with the dot at its end.
pub(super) fn dotted(name: &str) -> String {
    if name.ends_with('.') {
        name.to_owned()
    } else {
        format!("{name}.")
    }
}

/// A server's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) id: u16,
    /// 0 is no error, 3 is NXDOMAIN.
    pub(super) code: u8,
    pub(super) authoritative: bool,
    pub(super) truncated: bool,
    pub(super) recursion_desired: bool,
    pub(super) recursion_available: bool,
    pub(super) is_reply: bool,
    pub(super) questions: Vec<(String, u16)>,
    pub(super) answers: Vec<Record>,
    pub(super) authority: Vec<Record>,
    pub(super) additional: Vec<Record>,
    /// Its length in bytes.
    pub(super) size: usize,
}

/// What a response code is called.
pub(super) fn code_name(code: u8) -> &'static str {
    match code {
        0 => "NOERROR",
        1 => "FORMERR",
        2 => "SERVFAIL",
        3 => "NXDOMAIN",
        4 => "NOTIMP",
        5 => "REFUSED",
        _ => "RESERVED",
    }
}

impl Answer {
    /// Reads a message; nothing when it is none.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let packet = Packet::parse(bytes).ok()?;
        let records = |list: &[simple_dns::ResourceRecord<'_>]| list.iter().map(record).collect();
        Some(Self {
            id: packet.id(),
            code: match packet.rcode() {
                RCODE::NoError => 0,
                RCODE::FormatError => 1,
                RCODE::ServerFailure => 2,
                RCODE::NameError => 3,
                RCODE::NotImplemented => 4,
                RCODE::Refused => 5,
                _ => 15,
            },
            authoritative: packet.has_flags(PacketFlag::AUTHORITATIVE_ANSWER),
            truncated: packet.has_flags(PacketFlag::TRUNCATION),
            recursion_desired: packet.has_flags(PacketFlag::RECURSION_DESIRED),
            recursion_available: packet.has_flags(PacketFlag::RECURSION_AVAILABLE),
            is_reply: packet.has_flags(PacketFlag::RESPONSE),
            questions: packet
                .questions
                .iter()
                .map(|question| (question.qname.to_string(), u16::from(question.qtype)))
                .collect(),
            answers: records(&packet.answers),
            authority: records(&packet.name_servers),
            additional: records(&packet.additional_records),
            size: bytes.len(),
        })
    }
}

fn record(record: &simple_dns::ResourceRecord<'_>) -> Record {
    let data = match &record.rdata {
        RData::A(a) => Data::Address(Ipv4Addr::from_bits(a.address).to_string()),
        RData::AAAA(a) => Data::Address(Ipv6Addr::from_bits(a.address).to_string()),
        RData::CNAME(name) => Data::Name(name.0.to_string()),
        RData::PTR(name) => Data::Name(name.0.to_string()),
        RData::NS(name) => Data::Name(name.0.to_string()),
        RData::MX(mx) => Data::Mx(mx.preference, mx.exchange.to_string()),
        RData::TXT(txt) => Data::Txt(text(txt)),
        RData::SRV(srv) => Data::Srv {
            priority: srv.priority,
            weight: srv.weight,
            port: srv.port,
            target: srv.target.to_string(),
        },
        RData::SOA(soa) => Data::Soa {
            origin: soa.mname.to_string(),
            mail: soa.rname.to_string(),
            numbers: [
                soa.serial,
                soa.refresh.cast_unsigned(),
                soa.retry.cast_unsigned(),
                soa.expire.cast_unsigned(),
                soa.minimum,
            ],
        },
        _ => Data::Other,
    };
    Record {
        name: record.name.to_string(),
        ttl: record.ttl,
        kind: u16::from(record.rdata.type_code()),
        data,
    }
}

fn text(txt: &simple_dns::rdata::TXT<'_>) -> String {
    let part = |(key, value): (&[u8], Option<&[u8]>)| {
        let key = String::from_utf8_lossy(key).into_owned();
        match value {
            Some(value) => format!("{key}={}", String::from_utf8_lossy(value)),
            None => key,
        }
    };
    txt.iter_raw().map(part).collect::<Vec<_>>().join("\" \"")
}

/// How to ask.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask {
    pub(super) id: u16,
    pub(super) tcp: bool,
    pub(super) recurse: bool,
    /// For each try.
    pub(super) limit: Duration,
    pub(super) tries: u32,
}

impl Ask {
    /// Twice over UDP, five seconds each.
    pub(super) fn new(id: u16) -> Self {
        Self {
            id,
            tcp: false,
            recurse: true,
            limit: Duration::from_secs(5),
            tries: 2,
        }
    }

    /// The answer to one question, or why there is none; `InvalidInput` for a name that is none.
    pub(super) fn ask(&self, server: SocketAddr, name: &str, kind: u16) -> io::Result<Answer> {
        let message = self.message(name, kind)?;
        for _ in 0..self.tries.max(1) {
            let answer = if self.tcp {
                self.over_tcp(server, &message)?
            } else {
                self.over_udp(server, &message)?
            };
            if answer.is_some() {
                return answer.ok_or_else(|| io::ErrorKind::InvalidData.into());
            }
        }
        Err(io::ErrorKind::TimedOut.into())
    }

    fn message(&self, name: &str, kind: u16) -> io::Result<Vec<u8>> {
        let bad = |_| io::Error::from(io::ErrorKind::InvalidInput);
        let name = Name::new(name.trim_end_matches('.')).map_err(bad)?;
        let kind = match kind {
            255 => QTYPE::ANY,
            kind => QTYPE::TYPE(TYPE::from(kind)),
        };
        let mut packet = Packet::new_query(self.id);
        if self.recurse {
            packet.set_flags(PacketFlag::RECURSION_DESIRED);
        }
        let class = QCLASS::CLASS(CLASS::IN);
        packet
            .questions
            .push(Question::new(name, kind, class, false));
        packet.build_bytes_vec().map_err(bad)
    }

    fn over_udp(&self, server: SocketAddr, message: &[u8]) -> io::Result<Option<Answer>> {
        let socket = UdpSocket::bind("0.0.0.0:0")?;
        socket.set_nonblocking(true)?;
        socket.connect(server)?;
        socket.send(message)?;
        let mut buffer = [0; 4096];
        let end = Instant::now() + self.limit;
        let mut pause = Duration::from_micros(50);
        while Instant::now() < end {
            match socket.recv(&mut buffer) {
                Ok(length) => {
                    let answer = Answer::parse(&buffer[..length]);
                    if let Some(answer) = answer.filter(|answer| answer.id == self.id) {
                        return Ok(Some(answer));
                    }
                }
                // std has no waiting for a datagram with a limit here.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    guest_kit::sleep(pause);
                    pause = (pause * 2).min(Duration::from_millis(20));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    fn over_tcp(&self, server: SocketAddr, message: &[u8]) -> io::Result<Option<Answer>> {
        let mut stream = guest_kit::connect(&server, self.limit)?;
        stream.set_read_timeout(Some(self.limit))?;
        let length = u16::try_from(message.len()).unwrap_or(u16::MAX);
        stream.write_all(&[&length.to_be_bytes()[..], message].concat())?;
        let mut length = [0; 2];
        stream.read_exact(&mut length)?;
        let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut answer)?;
        Ok(Answer::parse(&answer))
    }
}

/// A number for a question, from the system's chance.
pub(super) fn new_id() -> u16 {
    use std::hash::{BuildHasher, Hasher};
    let chance = std::collections::hash_map::RandomState::new();
    chance.build_hasher().finish() as u16
}

/// The name of an address, when the servers know one.
pub(super) fn name_of(resolver: &Resolver, address: Ipv4Addr) -> Option<String> {
    let server = resolver.servers.first()?;
    let answer = Ask::new(new_id())
        .ask(*server, &reverse(address), 12)
        .ok()?;
    answer
        .answers
        .into_iter()
        .find_map(|record| match record.data {
            Data::Name(name) if record.kind == 12 => Some(name),
            _ => None,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_few_dots_is_searched_for_first() {
        let resolver = Resolver::parse(
            "search default.svc.cluster.local svc.cluster.local\nnameserver 10.96.0.10\noptions ndots:5\n",
        );
        assert_eq!(
            resolver.candidates("web"),
            [
                "web.default.svc.cluster.local",
                "web.svc.cluster.local",
                "web"
            ]
        );
        assert_eq!(resolver.candidates("web."), ["web."]);
        assert_eq!(resolver.servers[0].to_string(), "10.96.0.10:53");
    }
}
