//! Cluster DNS: records and a question in, an answer out, as CoreDNS's kubernetes plugin answers.
//!
//! Names in the cluster domain and addresses of the cluster are answered with authority. There
//! is no upstream here: of other names only those exist that the records have from outside, the
//! rest is NXDOMAIN without an SOA. Never asks anybody and never keeps a name between questions.

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::{A, CNAME, PTR, SOA, SRV};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// Seconds for which an answer may be kept: `ttl 30` of the usual Corefile.
pub const TTL: u32 = 30;
/// How large a UDP answer may be when the question does not say.
const UDP_MAX: usize = 512;
/// How many aliases are followed.
const ALIASES_MAX: usize = 8;

/// Everything that cluster DNS knows. Names are lower case and without a final dot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    /// The cluster domain, `cluster.local`.
    pub domain: String,
    /// Addresses by name.
    pub a: BTreeMap<String, Vec<Ipv4Addr>>,
    /// Ports by name: `_http._tcp.web.default.svc.cluster.local`.
    pub srv: BTreeMap<String, Vec<Srv>>,
    /// Names by address.
    pub ptr: BTreeMap<Ipv4Addr, Vec<String>>,
    /// Aliases, for Services of type ExternalName.
    pub cname: BTreeMap<String, String>,
    /// Names beyond the domain with their addresses, as a server upstream would answer them.
    pub outside: BTreeMap<String, Vec<Ipv4Addr>>,
    /// Domains below which an address with dashes is a name of that address.
    pub dashed: BTreeSet<String>,
    /// The zone's serial number.
    pub serial: u32,
}

/// Where a named port is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Srv {
    /// Lower ones first.
    pub priority: u16,
    /// How often among equals.
    pub weight: u16,
    /// The port.
    pub port: u16,
    /// The host's name.
    pub target: String,
}

/// Answers one message. `max_len` is what a UDP answer may have at most; `None` is TCP, where an
/// answer is never cut. `None` comes back for what deserves no answer.
#[must_use]
pub fn answer(zone: &Records, query: &[u8], max_len: Option<usize>) -> Option<Vec<u8>> {
    let id = u16::from_be_bytes([*query.first()?, *query.get(1)?]);
    if query.len() < 12 || query[2] & 0x80 != 0 {
        return None;
    }
    let Ok(request) = Message::from_vec(query) else {
        return Message::error_msg(id, OpCode::Query, ResponseCode::FormErr)
            .to_vec()
            .ok();
    };
    let mut reply = Message::new(id, MessageType::Response, request.metadata.op_code);
    reply.metadata.recursion_desired = request.metadata.recursion_desired;
    reply.queries.clone_from(&request.queries);
    match (request.metadata.op_code, request.queries.as_slice()) {
        (OpCode::Query, [question]) => fill(zone, id, question, &mut reply),
        (OpCode::Query, _) => reply.metadata.response_code = ResponseCode::FormErr,
        _ => reply.metadata.response_code = ResponseCode::NotImp,
    }
    let mut limit = max_len.map(|max| max.min(UDP_MAX));
    if let Some(asked) = &request.edns {
        limit = max_len.map(|max| max.min(usize::from(asked.max_payload())).max(UDP_MAX));
        let mut edns = Edns::new();
        edns.set_max_payload(1232).set_version(0);
        reply.edns = Some(edns);
    }
    cut(reply, limit)
}

/// Drops records from the end until the message fits, and says so.
fn cut(mut reply: Message, limit: Option<usize>) -> Option<Vec<u8>> {
    loop {
        let bytes = reply.to_vec().ok()?;
        if limit.is_none_or(|limit| bytes.len() <= limit) {
            return Some(bytes);
        }
        if reply.additionals.pop().is_none() {
            reply.metadata.truncation = true;
            if reply
                .answers
                .pop()
                .or_else(|| reply.authorities.pop())
                .is_none()
            {
                return Some(bytes);
            }
        }
    }
}

/// Answers one question.
fn fill(zone: &Records, id: u16, question: &Query, reply: &mut Message) {
    let name = text(&question.name);
    let in_zone = is_within(&name, &zone.domain);
    if question.query_class != DNSClass::IN {
        reply.metadata.response_code = ResponseCode::Refused;
        return;
    }
    if let Some(addr) = reverse(&name) {
        return fill_ptr(zone, addr, question, reply);
    }
    if !in_zone && zone.outside.contains_key(&name) {
        if question.query_type == RecordType::A {
            let addrs = outside(zone, &question.name, &name);
            reply.answers.extend(addrs);
        }
        return;
    }
    if !in_zone {
        reply.metadata.response_code = ResponseCode::NXDomain;
        return;
    }
    reply.metadata.authoritative = true;
    let exists = fill_records(zone, id, question, name, reply);
    if !exists {
        reply.metadata.response_code = ResponseCode::NXDomain;
    }
    if reply.answers.is_empty() {
        reply.authorities.extend(soa(zone));
    }
}

/// Adds what is asked for; false when there is no such name.
fn fill_records(
    zone: &Records,
    id: u16,
    question: &Query,
    name: String,
    reply: &mut Message,
) -> bool {
    let (mut owner, mut name, mut exists) = (question.name.clone(), name, false);
    for _ in 0..ALIASES_MAX {
        let Some(target) = zone.cname.get(&name) else {
            break;
        };
        let Some(alias) = parse(target) else { break };
        exists = true;
        let data = RData::CNAME(CNAME(alias.clone()));
        reply.answers.push(Record::from_rdata(owner, TTL, data));
        if question.query_type == RecordType::CNAME {
            return true;
        }
        (owner, name) = (alias, target.clone());
    }
    match question.query_type {
        RecordType::A => {
            reply.answers.extend(addresses(zone, id, &owner, &name));
            reply.answers.extend(outside(zone, &owner, &name));
        }
        RecordType::SRV => {
            for srv in zone.srv.get(&name).into_iter().flatten() {
                let Some(target) = parse(&srv.target) else {
                    continue;
                };
                let data = RData::SRV(SRV::new(srv.priority, srv.weight, srv.port, target.clone()));
                reply
                    .answers
                    .push(Record::from_rdata(owner.clone(), TTL, data));
                reply
                    .additionals
                    .extend(addresses(zone, 0, &target, &srv.target));
            }
        }
        RecordType::SOA if name == zone.domain => reply.answers.extend(soa(zone)),
        _ => {}
    }
    exists || is_known(zone, &name)
}

/// The addresses of a name beyond the domain.
fn outside(zone: &Records, owner: &Name, name: &str) -> Vec<Record> {
    let addrs = zone.outside.get(name).into_iter().flatten();
    let record = |addr: &Ipv4Addr| Record::from_rdata(owner.clone(), TTL, RData::A(A(*addr)));
    addrs.map(record).collect()
}

/// A name's addresses, beginning with another one each time, as CoreDNS's loadbalance does.
fn addresses(zone: &Records, id: u16, owner: &Name, name: &str) -> Vec<Record> {
    let mut addrs = zone.a.get(name).cloned().unwrap_or_default();
    addrs.extend(dashed(zone, name));
    let by = usize::from(id) % addrs.len().max(1);
    addrs.rotate_left(by);
    addrs
        .into_iter()
        .map(|addr| Record::from_rdata(owner.clone(), TTL, RData::A(A(addr))))
        .collect()
}

fn fill_ptr(zone: &Records, addr: Ipv4Addr, question: &Query, reply: &mut Message) {
    let Some(names) = zone.ptr.get(&addr) else {
        reply.metadata.response_code = ResponseCode::NXDomain;
        return;
    };
    reply.metadata.authoritative = true;
    if question.query_type == RecordType::PTR {
        let names = names.iter().filter_map(|name| parse(name));
        reply.answers.extend(
            names.map(|name| Record::from_rdata(question.name.clone(), TTL, RData::PTR(PTR(name)))),
        );
    }
}

/// The address that a name with dashes says itself.
fn dashed(zone: &Records, name: &str) -> Option<Ipv4Addr> {
    let (label, domain) = name.split_once('.')?;
    let addr = label.replace('-', ".").parse().ok()?;
    zone.dashed.contains(domain).then_some(addr)
}

/// Whether a name exists, be it only because of names below it.
fn is_known(zone: &Records, name: &str) -> bool {
    let is_exact = zone.a.contains_key(name)
        || zone.srv.contains_key(name)
        || zone.dashed.contains(name)
        || dashed(zone, name).is_some();
    is_exact
        || name == zone.domain
        || zone
            .a
            .keys()
            .chain(zone.srv.keys())
            .chain(zone.cname.keys())
            .chain(&zone.dashed)
            .any(|known| known.len() > name.len() && is_within(known, name))
}

/// Whether `name` is `domain` or below it.
fn is_within(name: &str, domain: &str) -> bool {
    // A container engine knows names without a domain.
    let rest = name.strip_suffix(domain);
    domain.is_empty() || rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

/// The zone's SOA, as CoreDNS invents it.
fn soa(zone: &Records) -> Option<Record> {
    let domain = parse(&zone.domain)?;
    let server = parse(&format!("ns.dns.{}", zone.domain))?;
    let master = parse(&format!("hostmaster.{}", zone.domain))?;
    let data = SOA::new(server, master, zone.serial, 7200, 1800, 86_400, TTL);
    Some(Record::from_rdata(domain, TTL, RData::SOA(data)))
}

/// The address in `4.3.2.1.in-addr.arpa`.
fn reverse(name: &str) -> Option<Ipv4Addr> {
    let mut labels = name.strip_suffix(".in-addr.arpa")?.rsplit('.');
    let mut octets = [0; 4];
    for octet in &mut octets {
        *octet = labels.next()?.parse().ok()?;
    }
    labels.next().is_none().then(|| octets.into())
}

fn text(name: &Name) -> String {
    name.to_lowercase()
        .to_ascii()
        .trim_end_matches('.')
        .to_owned()
}

fn parse(name: &str) -> Option<Name> {
    let mut name = Name::from_ascii(name).ok()?;
    name.set_fqdn(true);
    Some(name)
}
