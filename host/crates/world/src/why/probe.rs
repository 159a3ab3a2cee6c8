//! The probe: a question to the DNS and a connection, real packets from the asker's own machine,
//! tagged as a check's; and the way that they took, read from the packet log.
//!
//! Never waits: whoever drives the world asks [`Prober::poll`] again after [`PACE`] or later.
//! What it opened is closed when it is done.

use super::asker::{At, Kind, asker};
use super::entry::{Entry, entry};
use super::query::{Said, answer, question};
use super::target::{self, Target};
use super::{Question, names};
use crate::World;
use clock::{Duration, Instant};
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddrV4};
use vnet::{Direction, HostId, NetError, Origin, PacketRecord, Proto, SockId, TcpState};

/// How long a probe takes at most: a SYN, and the two that Linux sends after it in this time.
pub const PATIENCE: Duration = Duration::from_millis(3_500);
/// How often it is worth looking.
pub const PACE: Duration = Duration::from_millis(5);
/// How many passages of a way are told.
const PASSAGES_MAX: usize = 24;

/// What would be sent, and from where.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The question.
    pub question: Question,
    /// Who asks; nobody when there is no such.
    pub asker: Option<At>,
    /// Whom to ask for which names, in order.
    pub names: Option<(SocketAddrV4, Vec<String>)>,
    /// Where to connect.
    pub to: Option<SocketAddrV4>,
}

/// Which probe answers this question.
#[must_use]
pub fn plan(world: &World, question: &Question) -> Plan {
    let asker = asker(world, question).ok();
    let (mut names, mut to) = (None, None);
    if let Some(at) = &asker {
        let target = target::target(world, question, Some(at));
        let name = super::asked_name(world, question, at, &target);
        names = name.and_then(|name| names::questions(world, at, &name));
        to = address(world, question, at, &target);
    }
    Plan {
        question: question.clone(),
        asker,
        names,
        to,
    }
}

/// Where to connect; nothing where no connection can be tried.
fn address(world: &World, question: &Question, at: &At, target: &Target) -> Option<SocketAddrV4> {
    match target {
        Target::Service { service, port } => {
            let port = port
                .as_ref()
                .filter(|port| port["protocol"].as_str().unwrap_or("TCP") == "TCP");
            match entry(world, at, question, service, port) {
                Entry::At(to) | Entry::Tunnel(to) | Entry::NoTunnel(to) | Entry::OnlyInside(to) => {
                    Some(to)
                }
                Entry::Nowhere => None,
            }
        }
        Target::Pod { pod, port } => {
            let ip = super::look::text(&pod["status"]["podIP"]).parse().ok()?;
            // A Pod of the node's own network is asked about from there, and so are Pods that run
            // nothing yet.
            Some(SocketAddrV4::new(ip, (*port)?))
        }
        Target::Address(to) => Some(*to),
        Target::Nothing => None,
    }
}

/// One passage of the probe's first packet, or of the answer to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// Whose interface.
    pub machine: String,
    /// Which.
    pub iface: String,
    /// Which way.
    pub dir: Direction,
    /// Whether it is of the answer.
    pub answers: bool,
    /// Where the packet was going to.
    pub to: SocketAddrV4,
}

/// How a connection went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Where to.
    pub to: SocketAddrV4,
    /// Whether it opened.
    pub result: Result<(), NetError>,
    /// The way of its first packet, then that of the answer.
    pub way: Vec<Passage>,
}

/// What a probe has seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What was said for each name, in order, to the first that has addresses; nothing for silence.
    pub names: Vec<(String, Option<Said>)>,
    /// How the connection went, if one was tried.
    pub connection: Option<Connection>,
}

/// A probe under way.
#[derive(Debug)]
pub struct Prober {
    plan: Plan,
    deadline: Instant,
    /// The first passage that may be of the probe.
    since: u64,
    dns: Option<SockId>,
    said: Vec<Option<Said>>,
    tcp: Option<(SockId, SocketAddrV4)>,
    result: Option<Result<(), NetError>>,
}

impl Prober {
    /// Sends what is planned.
    pub fn begin(world: &mut World, now: Instant, plan: Plan) -> Self {
        let mut prober = Self {
            deadline: now + PATIENCE,
            since: world.net().packets().next_seq(),
            dns: None,
            said: Vec::new(),
            tcp: None,
            result: None,
            plan,
        };
        if let Some(host) = prober.plan.asker.as_ref().and_then(|at| at.host) {
            prober.ask_names(world, now, host);
            prober.connect(world, now, host);
        }
        prober
    }

    fn ask_names(&mut self, world: &mut World, now: Instant, host: HostId) {
        let Some((server, names)) = &self.plan.names else {
            return;
        };
        self.said = vec![None; names.len()];
        let net = world.net_mut();
        let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
        let Ok(sock) = net.udp_bind(now, host, any, Origin::Checker) else {
            return;
        };
        for (id, name) in names.iter().enumerate() {
            let id = u16::try_from(id).expect("a search path is short");
            // A question that cannot be sent is one that nobody answers.
            let _ = net.udp_send(now, sock, *server, &question(id, name));
        }
        self.dns = Some(sock);
    }

    fn connect(&mut self, world: &mut World, now: Instant, host: HostId) {
        let Some(to) = self.plan.to else { return };
        let net = world.net_mut();
        match net.tcp_connect(now, host, None, to, Origin::Checker) {
            Ok(sock) => {
                let own = net.local_addr(sock).unwrap_or(to);
                self.tcp = Some((sock, own));
            }
            Err(cause) => self.result = Some(Err(cause)),
        }
    }

    /// What was seen, when it is complete or the time for it is over.
    pub fn poll(&mut self, world: &mut World, now: Instant) -> Option<Outcome> {
        self.hear_names(world, now);
        if let (Some((sock, _)), None) = (self.tcp, self.result) {
            self.result = match world.net().tcp_state(sock) {
                TcpState::Connecting => None,
                TcpState::Failed(cause) => Some(Err(cause)),
                TcpState::Open | TcpState::Closed | TcpState::Listening => Some(Ok(())),
            };
        }
        let names_are_known =
            self.dns.is_none() || self.found().is_some() || self.said.iter().all(Option::is_some);
        let connection_is_known = self.tcp.is_none() || self.result.is_some();
        if now < self.deadline && !(names_are_known && connection_is_known) {
            return None;
        }
        Some(self.finish(world, now))
    }

    fn hear_names(&mut self, world: &mut World, now: Instant) {
        let Some(sock) = self.dns else { return };
        while let Some(received) = world.net_mut().udp_recv(now, sock) {
            let Ok((_, bytes)) = received else { continue };
            if let Some((id, said)) = answer(&bytes)
                && let Some(place) = self.said.get_mut(usize::from(id))
            {
                *place = Some(said);
            }
        }
    }

    /// The first name that has addresses, once all before it are known to have none.
    fn found(&self) -> Option<usize> {
        let found =
            |said: &Option<Said>| matches!(said, Some(Said::Addresses(all)) if !all.is_empty());
        let first = self.said.iter().position(found)?;
        self.said[..first]
            .iter()
            .all(Option::is_some)
            .then_some(first)
    }

    fn finish(&self, world: &mut World, now: Instant) -> Outcome {
        let way = self
            .tcp
            .map(|(_, own)| way(world, self.since, own))
            .unwrap_or_default();
        let socks = self.dns.into_iter().chain(self.tcp.map(|(sock, _)| sock));
        socks.for_each(|sock| world.net_mut().close(now, sock));
        let names = self.plan.names.as_ref().map_or(&[][..], |(_, names)| names);
        let told = self.found().map_or(names.len(), |found| found + 1);
        Outcome {
            names: names
                .iter()
                .cloned()
                .zip(self.said.iter().cloned())
                .take(told)
                .collect(),
            connection: self
                .plan
                .to
                .filter(|_| self.plan.asker.as_ref().is_some_and(|at| at.host.is_some()))
                .map(|to| Connection {
                    to,
                    result: self.result.unwrap_or(Err(NetError::TimedOut)),
                    way,
                }),
        }
    }
}

/// The way of a connection's first packet and of the answer to it, across every translation: a
/// packet keeps its number while its addresses change.
fn way(world: &World, since: u64, own: SocketAddrV4) -> Vec<Passage> {
    let records: Vec<PacketRecord> = world
        .net()
        .packets()
        .since(since)
        .filter(|record| record.origin == Origin::Checker && record.view.proto == 6)
        .collect();
    let sent =
        |record: &&PacketRecord| record.view.src == *own.ip() && record.view.sport == own.port();
    let heard =
        |record: &&PacketRecord| record.view.dst == *own.ip() && record.view.dport == own.port();
    let Some(first) = records.iter().find(sent).map(|record| record.packet_id) else {
        return Vec::new();
    };
    let out: Vec<&PacketRecord> = records
        .iter()
        .filter(|record| record.packet_id == first)
        .collect();
    // The answer is known by its last passage, or by its first one, which mirrors the last of ours.
    let reply = records
        .iter()
        .find(heard)
        .map(|record| record.packet_id)
        .or_else(|| {
            let last = out.last()?;
            let back = records.iter().find(|record| {
                record.view.src == last.view.dst
                    && record.view.sport == last.view.dport
                    && record.view.dport == last.view.sport
            })?;
            Some(back.packet_id)
        });
    let back = records
        .iter()
        .filter(|record| Some(record.packet_id) == reply);
    let passages = out.into_iter().chain(back).map(|record| Passage {
        machine: record.host_name.to_string(),
        iface: record.iface.to_string(),
        dir: record.dir,
        answers: record.packet_id != first,
        to: SocketAddrV4::new(record.view.dst, record.view.dport),
    });
    passages.take(PASSAGES_MAX).collect()
}

impl Connection {
    /// The machines that the first packet passed, one after the other.
    pub(super) fn machines(&self) -> String {
        let mut names: Vec<&str> = Vec::new();
        for passage in self.way.iter().filter(|passage| !passage.answers) {
            if names.last() != Some(&passage.machine.as_str()) {
                names.push(&passage.machine);
            }
        }
        names.join(" → ")
    }

    /// Where a packet of it was seen last.
    pub(super) fn last(&self) -> Option<&Passage> {
        self.way.last()
    }

    /// Who sent the answer.
    pub(super) fn answerer(&self) -> Option<&str> {
        let mut back = self.way.iter().filter(|passage| passage.answers);
        Some(&back.next()?.machine)
    }
}

/// What listens on a machine: address and port of every socket of the protocol.
pub(super) fn listeners(world: &World, host: HostId, proto: Proto) -> Vec<SocketAddrV4> {
    let sockets = world.net().sockets(host).into_iter();
    let listening = sockets.filter(|socket| {
        socket.proto == proto
            && (proto != Proto::Tcp || socket.state == "LISTEN")
            // A datagram socket of a client is no listener, and neither is ours.
            && (proto == Proto::Tcp || socket.local.port() < 32_768)
    });
    let all: BTreeSet<SocketAddrV4> = listening.map(|socket| socket.local).collect();
    all.into_iter().collect()
}

/// Whether somebody asks from a machine outside the cluster.
pub(super) fn is_outside(at: &At) -> bool {
    matches!(at.kind, Kind::Machine)
}
