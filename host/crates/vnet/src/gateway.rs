//! Machines between LANs: a Docker host with its bridges, a laptop with a virtual machine in it,
//! the edge of a cloud.
//!
//! ```text
//!   eth0 ──┐                                                   ┌─► own stack
//!          ├─► prerouting (publish, map) ─► route ─► forward ──┤
//!   ports ─┘                                 postrouting ◄─────┘─► eth0, ports
//!                                            (masquerade, map)
//! ```
//!
//! What it translates is what `dockerd` writes with iptables: published ports are DNAT for packets
//! to one of the machine's own addresses, and what leaves a bridge by another interface is
//! masqueraded. Nothing that was not published gets from outside into a guarded bridge.
//! Never knows a container or a Service.

use crate::cable::Cable;
use crate::host::{Host, Kind};
use crate::nat::conntrack::Conntrack;
use crate::nat::{Pending, Verdict, follow_icmp, free_port};
use crate::net::{HostId, LanId, Net};
use crate::packet::{ECHO_REPLY, Flow, Packet, TcpFlags};
use crate::socket::{NetError, Proto};
use crate::stack::MTU;
use crate::tap::TapId;
use clock::{Instant, Stream};
use rand::RngExt;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddrV4};

/// How an interface beside `eth0` treats what passes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortKind {
    /// A container engine's bridge: what leaves is masqueraded, and only answers and what was
    /// published come in.
    Bridge,
    /// A network of virtual machines: what leaves is masqueraded, everything comes in.
    Open,
    /// The same, but the machine's own programs have no route there: only who speaks from the
    /// interface's own address does ([`Net::tcp_connect_from`]), as Docker Desktop's proxy.
    Hidden,
    /// A cloud's network: only addresses with a public one get out or in ([`Net::map_address`]).
    Mapped,
}

/// A port of the machine that leads to one of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Published {
    /// The protocol.
    pub proto: Proto,
    /// The machine's own address that it is published on; unspecified means all.
    pub addr: Ipv4Addr,
    /// The machine's port.
    pub port: u16,
    /// Where it leads; of several rules that differ in this alone, chance takes one for each
    /// conversation.
    pub to: SocketAddrV4,
}

/// An interface of a machine, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name, `docker0`.
    pub name: String,
    /// Its LAN.
    pub lan: LanId,
    /// Its address.
    pub addr: Ipv4Addr,
}

/// The part of a machine that stands between LANs.
pub(crate) struct Router {
    pub(crate) lan: LanId,
    pub(crate) ports: Vec<Port>,
    conntrack: Conntrack,
    chance: Stream,
    published: BTreeSet<Published>,
    /// Further addresses of its own: the fronts of load balancers.
    fronts: BTreeSet<Ipv4Addr>,
    /// Public addresses by the private ones they stand for.
    mapped: BTreeMap<Ipv4Addr, Ipv4Addr>,
}

/// An interface beside `eth0`.
pub(crate) struct Port {
    pub(crate) name: String,
    pub(crate) lan: LanId,
    pub(crate) addr: Ipv4Addr,
    pub(crate) tap: TapId,
    kind: PortKind,
}

impl Port {
    pub(crate) fn kind(&self) -> PortKind {
        self.kind
    }
}

/// The next hop of a packet at a router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hop {
    Local,
    Lan(LanId, HostId),
    /// An address of a LAN that nobody there has.
    Nobody(LanId),
    /// Out by `eth0` to a gateway that swallows it.
    Away,
}

impl Router {
    pub(crate) fn owns(&self, addr: Ipv4Addr) -> bool {
        self.ports.iter().any(|port| port.addr == addr)
    }

    fn port(&self, lan: LanId) -> Option<&Port> {
        self.ports.iter().find(|port| port.lan == lan)
    }

    fn kind(&self, lan: LanId) -> Option<PortKind> {
        self.port(lan).map(|port| port.kind)
    }

    /// Public addresses with the private ones that they stand for.
    pub(crate) fn mapped(&self) -> impl Iterator<Item = (Ipv4Addr, Ipv4Addr)> {
        self.mapped
            .iter()
            .map(|(private, public)| (*private, *public))
    }

    /// The ports that are published.
    pub(crate) fn published(&self) -> impl Iterator<Item = &Published> {
        self.published.iter()
    }

    pub(crate) fn conntrack(&self) -> &Conntrack {
        &self.conntrack
    }

    fn prerouting(
        &mut self,
        now: Instant,
        packet: &mut Packet,
        is_local: impl Fn(Ipv4Addr) -> bool,
    ) -> Verdict {
        let Some(flow) = packet.flow() else {
            follow_icmp(&self.conntrack, packet);
            return Verdict::Pass;
        };
        let flags = packet.tcp_flags();
        if let Some(to) = self.conntrack.track(now, flow, flags) {
            packet.rewrite(flow, to);
            return Verdict::Pass;
        }
        if packet.icmp_type() == Some(ECHO_REPLY) {
            // An answer to nothing must not open a conversation.
            return Verdict::Pass;
        }
        let dst = self.destination(flow, is_local);
        if flags.has(TcpFlags::RST) {
            // A reset that belongs to nothing must not open a conversation.
            return if dst == flow.dst {
                Verdict::Pass
            } else {
                Verdict::Drop("a reset of no connection")
            };
        }
        packet.rewrite(flow, Flow { dst, ..flow });
        Verdict::New(Pending {
            original: flow,
            masquerade: dst != flow.dst,
        })
    }

    /// Where a published port or a public address leads.
    fn destination(&mut self, flow: Flow, is_local: impl Fn(Ipv4Addr) -> bool) -> SocketAddrV4 {
        let (addr, port) = (*flow.dst.ip(), flow.dst.port());
        let public = self.mapped.iter().find(|(_, public)| **public == addr);
        if let Some((private, _)) = public {
            return SocketAddrV4::new(*private, port);
        }
        if !is_local(addr) {
            return flow.dst;
        }
        let leads = |rule: &&Published| {
            rule.proto == flow.proto
                && rule.port == port
                && (rule.addr.is_unspecified() || rule.addr == addr)
        };
        let rules: Vec<&Published> = self.published.iter().filter(leads).collect();
        match rules[..] {
            [] => flow.dst,
            [rule] => rule.to,
            _ => rules[self.chance.random_range(0..rules.len())].to,
        }
    }

    /// Whether a new conversation may pass from one interface to another; `translated` says that
    /// its destination was.
    fn forward(&self, from: Option<LanId>, to: LanId, translated: bool) -> bool {
        if from == Some(to) {
            return true;
        }
        match self.kind(to) {
            Some(PortKind::Bridge) => translated,
            Some(PortKind::Mapped) => {
                translated || from.is_some_and(|lan| self.port(lan).is_some())
            }
            Some(PortKind::Open | PortKind::Hidden) | None => true,
        }
    }

    /// The source that a new conversation leaves with; `None` when it may not leave.
    fn source(
        &self,
        src: Ipv4Addr,
        from: Option<LanId>,
        to: LanId,
        out: Ipv4Addr,
        translated: bool,
    ) -> Option<Ipv4Addr> {
        let Some(from) = from else { return Some(src) };
        if from == to {
            // A container that asks for a port of its own host: the answer must come back here.
            return Some(if translated { out } else { src });
        }
        match self.kind(from) {
            Some(PortKind::Bridge | PortKind::Open | PortKind::Hidden) => Some(out),
            Some(PortKind::Mapped) => self.mapped.get(&src).copied(),
            None => Some(src),
        }
    }
}

impl Net {
    /// Makes a machine of a LAN one that stands between LANs: [`Net::add_port`] gives it the others.
    /// Nothing happens when it is one already or is no plain machine.
    pub fn make_router(&mut self, host: HostId) {
        let seed = self.config.seed;
        let Some(machine) = self.host_mut(host) else {
            return;
        };
        let Kind::Machine { lan } = machine.kind else {
            return;
        };
        machine.kind = Kind::Router(Box::new(Router {
            lan,
            ports: Vec::new(),
            conntrack: Conntrack::default(),
            chance: seed.derive(&machine.name).stream("nat"),
            published: BTreeSet::new(),
            fronts: BTreeSet::new(),
            mapped: BTreeMap::new(),
        }));
    }

    /// Plugs a further interface of a machine into a LAN, whose gateway it becomes.
    ///
    /// # Panics
    ///
    /// When another machine of the LAN has the address.
    pub fn add_port(
        &mut self,
        host: HostId,
        name: &str,
        lan: LanId,
        addr: Ipv4Addr,
        kind: PortKind,
    ) {
        self.make_router(host);
        let Some(machine) = self.host(host) else {
            return;
        };
        let tap = self.log.add_tap(host, machine.name.clone(), name);
        let name = name.to_owned();
        self.plug_in(host, lan, addr);
        self.lans[lan.0 as usize].gateway = Some(host);
        if let Some(router) = self.host_mut(host).and_then(Host::router_mut) {
            router.ports.push(Port {
                name,
                lan,
                addr,
                tap,
                kind,
            });
        }
    }

    /// Unplugs the interface that [`Net::add_port`] plugged into a LAN; the LAN is gone with it.
    pub fn remove_port(&mut self, now: Instant, host: HostId, lan: LanId) {
        self.begin(now);
        let Some(router) = self.host_mut(host).and_then(Host::router_mut) else {
            return;
        };
        let Some(index) = router.ports.iter().position(|port| port.lan == lan) else {
            return;
        };
        let port = router.ports.remove(index);
        self.log.retire_tap(port.tap);
        let lan = &mut self.lans[lan.0 as usize];
        lan.machines.remove(&port.addr);
        lan.gateway = None;
        lan.gone = true;
    }

    /// Exchanges the ports that a machine publishes.
    pub fn publish(
        &mut self,
        now: Instant,
        host: HostId,
        rules: impl IntoIterator<Item = Published>,
    ) {
        self.begin(now);
        self.make_router(host);
        if let Some(router) = self.host_mut(host).and_then(Host::router_mut) {
            let rules: BTreeSet<Published> = rules.into_iter().collect();
            let gone: Vec<SocketAddrV4> = router
                .published
                .difference(&rules)
                .map(|rule| rule.to)
                .collect();
            router.published = rules;
            // A conversation with a container that is gone must not reach the next one there.
            router.conntrack.flush(|entry| {
                entry.original.dst != entry.reply.src && gone.contains(&entry.reply.src)
            });
        }
    }

    /// Exchanges the further addresses that a machine has on its `eth0`, on which it publishes
    /// ports: the fronts of load balancers. An address that another machine has stays that one's.
    pub fn set_fronts(
        &mut self,
        now: Instant,
        host: HostId,
        fronts: impl IntoIterator<Item = Ipv4Addr>,
    ) {
        self.begin(now);
        self.make_router(host);
        let Some(lan) = self.host(host).and_then(Host::lan) else {
            return;
        };
        let Self { lans, .. } = self;
        let machines = &mut lans[lan.0 as usize].machines;
        let wanted: BTreeSet<Ipv4Addr> = fronts
            .into_iter()
            .filter(|addr| machines.get(addr).is_none_or(|owner| *owner == host))
            .collect();
        for addr in &wanted {
            machines.insert(*addr, host);
        }
        let Some(router) = self.host_mut(host).and_then(Host::router_mut) else {
            return;
        };
        let before = std::mem::replace(&mut router.fronts, wanted.clone());
        for addr in before.difference(&wanted) {
            self.lans[lan.0 as usize].machines.remove(addr);
        }
    }

    /// Gives a private address behind a machine a public one on its `eth0`, both ways.
    ///
    /// # Panics
    ///
    /// When another machine has the public address.
    pub fn map_address(&mut self, host: HostId, private: Ipv4Addr, public: Ipv4Addr) {
        self.make_router(host);
        let Some(lan) = self.host(host).and_then(Host::lan) else {
            return;
        };
        self.plug_in(host, lan, public);
        if let Some(router) = self.host_mut(host).and_then(Host::router_mut) {
            router.mapped.insert(private, public);
        }
    }

    /// Adds a machine to a router's LAN while the network runs: a container on a bridge.
    ///
    /// # Errors
    ///
    /// `AddrInUse`, `AddrNotAvailable` for an address that is not the LAN's, and `TooMany` beyond
    /// [`crate::HOSTS_MAX`].
    pub fn add_container(
        &mut self,
        now: Instant,
        name: &str,
        lan: LanId,
        addr: Ipv4Addr,
    ) -> Result<HostId, NetError> {
        self.begin(now);
        let place = &self.lans[lan.0 as usize];
        if !place.cidr.contains(addr) || place.gone {
            return Err(NetError::AddrNotAvailable);
        }
        if place.machines.contains_key(&addr) {
            return Err(NetError::AddrInUse);
        }
        if self.hosts.iter().flatten().count() >= crate::HOSTS_MAX {
            return Err(NetError::TooMany);
        }
        let id = self.add_host(name, Kind::Machine { lan }, addr, Cable::veth(), MTU);
        self.plug_in(id, lan, addr);
        Ok(id)
    }

    /// The interfaces of a machine beside `lo`, `eth0` first; a pod's only one is in no LAN and
    /// not among them.
    #[must_use]
    pub fn interfaces(&self, host: HostId) -> Vec<Interface> {
        let Some(machine) = self.host(host) else {
            return Vec::new();
        };
        let eth0 = machine.lan().map(|lan| Interface {
            name: "eth0".to_owned(),
            lan,
            addr: machine.addr,
        });
        let ports = machine
            .router()
            .into_iter()
            .flat_map(|router| &router.ports);
        let further = ports.map(|port| Interface {
            name: port.name.clone(),
            lan: port.lan,
            addr: port.addr,
        });
        eth0.into_iter().chain(further).collect()
    }

    /// A packet passes a router, from one of its LANs or, without one, from its own stack.
    pub(crate) fn pass_router(&mut self, at: HostId, mut packet: Packet, from: Option<LanId>) {
        packet.before = None;
        let now = self.now;
        let Some(host) = self.host_mut(at) else {
            return self.lose(packet);
        };
        let eth0 = host.addr;
        let Kind::Router(router) = &mut host.kind else {
            return self.lose(packet);
        };
        let own: BTreeSet<Ipv4Addr> = router
            .ports
            .iter()
            .map(|port| port.addr)
            .chain([eth0])
            .chain(router.fronts.iter().copied())
            .collect();
        let pending = match router.prerouting(now, &mut packet, |addr| own.contains(&addr)) {
            Verdict::Pass | Verdict::Stray => None,
            Verdict::New(pending) => Some(pending),
            Verdict::Reject => return self.lose(packet),
            Verdict::Drop(why) => return self.lose_because(packet, why),
        };
        let source = from.is_none().then(|| packet.src());
        let hop = self.hop(at, packet.dst(), source);
        if from.is_some() && hop != Hop::Local && !packet.hop() {
            return self.expire(at, packet);
        }
        if let Some(pending) = pending
            && !self.let_out(at, &mut packet, pending, hop, from)
        {
            return self.lose(packet);
        }
        match hop {
            Hop::Local if from.is_some() => self.input(at, packet),
            Hop::Local => self.loop_back(at, packet),
            Hop::Lan(lan, to) => self.transmit_lan(lan, at, to, packet),
            Hop::Nobody(_) => self.resolve_in_vain(at, packet),
            Hop::Away => self.swallow(at, packet),
        }
    }

    /// Filters, masquerades and remembers a new conversation; false when it goes no further.
    fn let_out(
        &mut self,
        at: HostId,
        packet: &mut Packet,
        pending: Pending,
        hop: Hop,
        from: Option<LanId>,
    ) -> bool {
        let now = self.now;
        let Some(mut flow) = packet.flow() else {
            return true;
        };
        let translated = pending.masquerade;
        let Some(Host {
            addr: eth0,
            kind: Kind::Router(router),
            ..
        }) = self.host_mut(at)
        else {
            return false;
        };
        let out = match hop {
            Hop::Local => None,
            Hop::Lan(lan, _) | Hop::Nobody(lan) => Some(lan),
            Hop::Away => Some(router.lan),
        };
        let mut source = *flow.src.ip();
        if let Some(out) = out {
            let addr = router.port(out).map_or(*eth0, |port| port.addr);
            if from.is_some() && !router.forward(from, out, translated) {
                return false;
            }
            match router.source(source, from, out, addr, translated) {
                Some(leaves_with) => source = leaves_with,
                None => return false,
            }
        }
        let Some(src) = free_port(&router.conntrack, &mut router.chance, flow, source) else {
            return false;
        };
        let to = Flow { src, ..flow };
        packet.rewrite(flow, to);
        if to != pending.original {
            packet.before = Some(pending.original);
        }
        flow = to;
        router
            .conntrack
            .insert(now, pending.original, flow.reversed(), packet.tcp_flags())
    }

    /// Where a router sends packets for `dst`; `own` is the source of one from its own stack.
    fn hop(&self, at: HostId, dst: Ipv4Addr, own: Option<Ipv4Addr>) -> Hop {
        let host = self.host(at).expect("packets pass routers that exist");
        let router = host.router().expect("only routers get here");
        if host.owns(dst) {
            return Hop::Local;
        }
        for port in &router.ports {
            let hidden = port.kind == PortKind::Hidden && own.is_some_and(|own| own != port.addr);
            let lan = &self.lans[port.lan.0 as usize];
            if lan.cidr.contains(dst) && !hidden {
                let to = lan.machines.get(&dst);
                return to.map_or(Hop::Nobody(port.lan), |to| Hop::Lan(port.lan, *to));
            }
        }
        let lan = &self.lans[router.lan.0 as usize];
        match lan.machines.get(&dst).or_else(|| self.announced.get(&dst)) {
            Some(to) => Hop::Lan(router.lan, *to),
            None if lan.cidr.contains(dst) => Hop::Nobody(router.lan),
            None => match lan.gateway {
                Some(gateway) if gateway != at => Hop::Lan(router.lan, gateway),
                _ => Hop::Away,
            },
        }
    }

    /// The address from which a router's own programs speak to `dst`.
    pub(crate) fn router_source(&self, from: &Host, dst: Ipv4Addr) -> Ipv4Addr {
        match self.hop(from.id, dst, Some(from.addr)) {
            Hop::Local => dst,
            Hop::Lan(lan, _) | Hop::Nobody(lan) => from.addr_on(lan),
            Hop::Away => from.addr,
        }
    }
}
