//! The whole network: who is in it, what time it is, what is still under way.
//!
//! Orders run the packet work that they cause at once, up to events in the future (a cable's
//! latency, a retransmission); [`Net::advance`] runs those. Never waits and never asks the time.

use crate::addr::Cidr;
use crate::cable::Cable;
use crate::host::{Host, Kind, NewHost, Node};
use crate::nat::conntrack::ConntrackEntry;
use crate::nat::service::{ServiceRule, ServiceTable};
use crate::nat::{Nat, Place};
use crate::packet::Packet;
use crate::slab::Slab;
use crate::socket::tcp::{Conn, ConnId};
use crate::socket::{NetError, Origin, SockId, SockTable};
use crate::stack::{MTU, OVERLAY_OVERHEAD, SocketPool, Wire};
use crate::tap::{Direction, PacketLog, TapId};
use clock::{Instant, Queue, Seed};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// Names a host: a pod's sandbox, a node or any other machine. Numbers are not used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(pub(crate) u32);

impl HostId {
    /// The number behind the name, for tables that key on it.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

/// Names a LAN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LanId(pub(crate) u32);

/// How packets between pods travel from node to node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dataplane {
    /// In VXLAN between the nodes' addresses; pods have an MTU of 1,450.
    Overlay,
    /// As they are; each node knows the way to each other's pods.
    Routed,
}

/// How much of a packet the log keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capture {
    /// The headers.
    Headers,
    /// Everything.
    Full,
}

/// What a network is made with.
#[derive(Clone, Debug)]
pub struct Config {
    /// Decides every choice.
    pub seed: Seed,
    /// All pods' addresses.
    pub pod_cidr: Cidr,
    /// All ClusterIPs.
    pub service_cidr: Cidr,
    /// How pods' packets travel between nodes.
    pub dataplane: Dataplane,
    /// How much the packet log keeps.
    pub capture: Capture,
}

/// What the outside should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Something about this socket changed: ask [`Net::ready`] again.
    Ready(SockId),
}

/// How many hosts can exist at once; a further pod is refused.
pub const HOSTS_MAX: usize = 4_096;

/// How many packets can be under way at once; further ones are lost.
pub const UNDER_WAY_MAX: usize = 262_144;

/// A LAN.
pub(crate) struct Lan {
    pub(crate) name: String,
    pub(crate) cidr: Cidr,
    pub(crate) machines: BTreeMap<Ipv4Addr, HostId>,
}

/// Where packets under way arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// At a node, from one of its pods.
    Veth { node: HostId, veth: TapId },
    /// At a pod, from its node.
    Pod(HostId),
    /// At a LAN machine, from the one with this address.
    Lan { to: HostId, from: Ipv4Addr },
}

/// Packets that arrive together, in order.
pub(crate) struct Burst {
    pub(crate) arrival: Arrival,
    pub(crate) packets: Vec<Packet>,
}

/// What is still to happen.
pub(crate) enum Due {
    /// A burst arrives.
    Burst(u32),
    /// A host has asked in vain who has the packet's next hop.
    Unreachable { host: HostId, packet: Box<Packet> },
}

/// A whole network.
pub struct Net {
    pub(crate) config: Config,
    pub(crate) now: Instant,
    pub(crate) hosts: Vec<Option<Box<Host>>>,
    pub(crate) lans: Vec<Lan>,
    /// Each node's pods, by the first address of their range.
    pub(crate) pod_routes: BTreeMap<Ipv4Addr, (Cidr, HostId)>,
    pub(crate) announced: BTreeMap<Ipv4Addr, HostId>,
    pub(crate) services: ServiceTable,
    pub(crate) socks: SockTable,
    pub(crate) conns: Slab<Conn>,
    pub(crate) pool: SocketPool,
    pub(crate) wire: Wire,
    pub(crate) queue: Queue<Due>,
    pub(crate) bursts: Slab<Burst>,
    /// The burst put in last, as long as nothing was put in after it.
    pub(crate) open_burst: Option<(Instant, u32)>,
    pub(crate) spare_bursts: Vec<Vec<Packet>>,
    pub(crate) timers: BTreeSet<(Instant, ConnId)>,
    /// Packets that a host sent to itself.
    pub(crate) local: VecDeque<(HostId, Packet)>,
    /// The connection whose packets are collected for one poll.
    pub(crate) batch: Option<ConnId>,
    pub(crate) unresolved: usize,
    /// Packets between two machines.
    under_way: usize,
    pub(crate) log: PacketLog,
}

impl fmt::Debug for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Net")
            .field("now", &self.now)
            .field("hosts", &self.hosts.iter().flatten().count())
            .field("connections", &self.conns.len())
            .finish_non_exhaustive()
    }
}

impl Net {
    /// A network without machines.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            log: PacketLog::new(config.capture),
            config,
            now: Instant::ZERO,
            hosts: Vec::new(),
            lans: Vec::new(),
            pod_routes: BTreeMap::new(),
            announced: BTreeMap::new(),
            services: ServiceTable::default(),
            socks: SockTable::default(),
            conns: Slab::default(),
            pool: SocketPool::default(),
            wire: Wire::default(),
            queue: Queue::default(),
            bursts: Slab::default(),
            open_burst: None,
            spare_bursts: Vec::new(),
            timers: BTreeSet::new(),
            local: VecDeque::new(),
            batch: None,
            unresolved: 0,
            under_way: 0,
        }
    }

    /// Adds a LAN: a switch, and a gateway that swallows what is for nobody on it.
    pub fn add_lan(&mut self, name: &str, cidr: Cidr) -> LanId {
        self.lans.push(Lan {
            name: name.to_owned(),
            cidr,
            machines: BTreeMap::new(),
        });
        LanId(self.lans.len() as u32 - 1)
    }

    /// Adds a machine with one interface.
    ///
    /// # Panics
    ///
    /// When another machine of the LAN has the address.
    pub fn add_machine(&mut self, name: &str, lan: LanId, addr: Ipv4Addr) -> HostId {
        let id = self.add_host(name, Kind::Machine { lan }, addr, Cable::lan(), MTU);
        self.plug_in(id, lan, addr);
        id
    }

    /// Adds a node: a machine on the LAN and a router for the pods behind it. The first address
    /// of `pod_cidr` is its overlay interface's, the second its bridge's.
    ///
    /// # Panics
    ///
    /// When another machine of the LAN has the address.
    pub fn add_node(&mut self, name: &str, lan: LanId, addr: Ipv4Addr, pod_cidr: Cidr) -> HostId {
        let place = Place::new(
            addr,
            pod_cidr,
            self.config.pod_cidr,
            self.config.service_cidr,
        );
        let nat = Nat::new(self.config.seed.derive(name).stream("nat"));
        let node = Node {
            lan,
            place,
            nat,
            pods: BTreeMap::new(),
        };
        let id = self.add_host(name, Kind::Node(Box::new(node)), addr, Cable::lan(), MTU);
        self.plug_in(id, lan, addr);
        self.pod_routes.insert(pod_cidr.network(), (pod_cidr, id));
        id
    }

    /// Adds a pod's sandbox behind a node.
    ///
    /// # Errors
    ///
    /// `InvalidState` when there is no such node or it is powered off, `AddrNotAvailable` when
    /// the address is not one for its pods, `AddrInUse`, and `TooMany` beyond [`HOSTS_MAX`].
    pub fn add_pod(
        &mut self,
        now: Instant,
        name: &str,
        node: HostId,
        addr: Ipv4Addr,
    ) -> Result<HostId, NetError> {
        self.begin(now);
        let host = self
            .host(node)
            .filter(|host| host.powered)
            .ok_or(NetError::InvalidState)?;
        let router = host.node().ok_or(NetError::InvalidState)?;
        if !router.place.node_cidr.contains(addr) || router.place.owns(addr) {
            return Err(NetError::AddrNotAvailable);
        }
        if router.pods.contains_key(&addr) {
            return Err(NetError::AddrInUse);
        }
        if self.hosts.iter().flatten().count() >= HOSTS_MAX {
            return Err(NetError::TooMany);
        }
        let mtu = match self.config.dataplane {
            Dataplane::Overlay => MTU - OVERLAY_OVERHEAD,
            Dataplane::Routed => MTU,
        };
        let id = self.add_host(name, Kind::Pod { node }, addr, Cable::veth(), mtu);
        let router = self
            .host_mut(node)
            .and_then(Host::node_mut)
            .expect("looked at above");
        router.pods.insert(addr, id);
        Ok(id)
    }

    fn add_host(
        &mut self,
        name: &str,
        kind: Kind,
        addr: Ipv4Addr,
        cable: Cable,
        mtu: usize,
    ) -> HostId {
        let id = HostId(u32::try_from(self.hosts.len()).expect("a world ends before its numbers"));
        let name: Arc<str> = name.into();
        let veth = match kind {
            Kind::Pod { node } => {
                let router = self.host(node).expect("a pod's node exists").name.clone();
                let iface = format!("veth{:08x}", addr.to_bits().wrapping_mul(0x9e37_79b1));
                Some(self.log.add_tap(node, router, &iface))
            }
            _ => None,
        };
        let eth0 = self.log.add_tap(id, name.clone(), "eth0");
        let lo = self.log.add_tap(id, name.clone(), "lo");
        let new = NewHost {
            id,
            name,
            kind,
            addr,
            cable,
            mtu,
            eth0,
            lo,
            veth,
        };
        self.hosts
            .push(Some(Box::new(Host::new(self.now, self.config.seed, new))));
        id
    }

    fn plug_in(&mut self, host: HostId, lan: LanId, addr: Ipv4Addr) {
        let before = self.lans[lan.0 as usize].machines.insert(addr, host);
        assert!(before.is_none(), "two machines with the address {addr}");
    }

    /// Takes a host out: its sockets are gone without a word, packets to it are lost.
    pub fn remove_host(&mut self, now: Instant, host: HostId) {
        self.begin(now);
        self.kill_sockets(host);
        let Some(gone) = self.hosts.get_mut(host.0 as usize).and_then(Option::take) else {
            return;
        };
        if let Some(lan) = gone.lan() {
            self.lans[lan.0 as usize].machines.remove(&gone.addr);
        }
        match gone.kind {
            Kind::Pod { node } => {
                let router = self.host_mut(node).and_then(Host::node_mut);
                router.map(|router| router.pods.remove(&gone.addr));
            }
            Kind::Node(node) => {
                self.pod_routes.remove(&node.place.node_cidr.network());
                self.announced.retain(|_, owner| *owner != host);
                node.pods
                    .into_values()
                    .for_each(|pod| self.remove_host(now, pod));
            }
            Kind::Machine { .. } => {}
        }
        [Some(gone.eth0), Some(gone.lo), gone.veth]
            .into_iter()
            .flatten()
            .for_each(|tap| {
                self.log.retire_tap(tap);
            });
    }

    /// Switches a machine on or off. Off, a node and its pods neither send nor receive, their
    /// sockets are gone, and so is what the node remembers of conversations.
    pub fn set_power(&mut self, now: Instant, host: HostId, on: bool) {
        self.begin(now);
        let pods = match self.host(host).map(|host| &host.kind) {
            Some(Kind::Node(node)) => node.pods.values().copied().collect(),
            Some(_) => Vec::new(),
            None => return,
        };
        let chance = self
            .config
            .seed
            .derive(&self.host(host).expect("checked").name)
            .stream("nat");
        for id in pods.into_iter().chain([host]) {
            if !on {
                self.kill_sockets(id);
            }
            self.host_mut(id).expect("a node's pods exist").powered = on;
        }
        if let Some(node) = self.host_mut(host).and_then(Host::node_mut)
            && !on
        {
            node.nat = Nat::new(chance);
        }
    }

    /// Exchanges what a machine is connected with.
    pub fn set_cable(&mut self, now: Instant, host: HostId, cable: Cable) {
        self.begin(now);
        if let Some(host) = self.host_mut(host) {
            host.cable = cable;
        }
    }

    /// Programs the whole set of Services on every node, as kube-proxy does. UDP conversations
    /// with endpoints that are gone are forgotten.
    pub fn set_services(&mut self, now: Instant, services: Vec<ServiceRule>) {
        self.begin(now);
        let before = self.services.udp_endpoints();
        self.services = ServiceTable::new(services);
        let gone: BTreeSet<_> = before
            .difference(&self.services.udp_endpoints())
            .copied()
            .collect();
        if !gone.is_empty() {
            let nodes = self
                .hosts
                .iter_mut()
                .flatten()
                .filter_map(|host| host.node_mut());
            nodes.for_each(|node| node.nat.forget_udp(&gone));
        }
    }

    /// Lets a node answer for `addr` on its LAN (an externalIP, a load balancer's address), or
    /// nobody.
    pub fn announce(&mut self, addr: Ipv4Addr, node: Option<HostId>) {
        match node {
            Some(node) => self.announced.insert(addr, node),
            None => self.announced.remove(&addr),
        };
    }

    /// A host's own address; unspecified when it is gone.
    #[must_use]
    pub fn host_addr(&self, host: HostId) -> Ipv4Addr {
        self.host(host)
            .map_or(Ipv4Addr::UNSPECIFIED, |host| host.addr)
    }

    /// Every remembered passage of a packet through an interface.
    #[must_use]
    pub const fn packets(&self) -> &PacketLog {
        &self.log
    }

    /// What a node remembers of the conversations that pass it; empty for other machines.
    #[must_use]
    pub fn conntrack(&self, node: HostId) -> Vec<ConntrackEntry> {
        let node = self.host(node).and_then(Host::node);
        node.map_or_else(Vec::new, |node| node.nat.conntrack.list(self.now))
    }

    /// Runs everything that is due until `now`.
    pub fn advance(&mut self, now: Instant) {
        while let Some(next) = self.poll_at().filter(|next| *next <= now) {
            self.now = self.now.max(next);
            match self.queue.pop_due(next) {
                Some((_, due)) => self.run(due),
                None => self.run_timer(),
            }
            self.drain();
        }
        self.now = self.now.max(now);
    }

    /// When [`Net::advance`] has something to do; `None` is silence.
    #[must_use]
    pub fn poll_at(&self) -> Option<Instant> {
        let timer = self.timers.first().map(|(at, _)| *at);
        [self.queue.poll_at(), timer].into_iter().flatten().min()
    }

    /// The next thing the outside should know.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.socks.poll_ready().map(Event::Ready)
    }

    /// Every order's first step: what was due before it happens before it.
    pub(crate) fn begin(&mut self, now: Instant) {
        if self.poll_at().is_some_and(|at| at <= now) {
            self.advance(now);
        }
        self.now = self.now.max(now);
    }

    fn run(&mut self, due: Due) {
        match due {
            Due::Burst(slot) => {
                if self.open_burst.is_some_and(|(_, open)| open == slot) {
                    self.open_burst = None;
                }
                let Burst {
                    arrival,
                    mut packets,
                } = self.bursts.remove(slot).expect("each burst is due once");
                self.under_way -= packets.len();
                packets
                    .drain(..)
                    .for_each(|packet| self.arrive(arrival, packet));
                self.spare_bursts.push(packets);
            }
            Due::Unreachable { host, packet } => {
                self.unresolved -= 1;
                self.give_up(host, &packet);
                self.wire.recycle(packet.buf);
            }
        }
    }

    fn run_timer(&mut self) {
        if let Some((_, conn)) = self.timers.pop_first() {
            if let Some(conn) = self.conns.get_mut(conn.0) {
                conn.armed = None;
            }
            self.poll_conn(conn);
        }
    }

    /// Lets hosts hear what they said to themselves until all is quiet at this instant.
    pub(crate) fn drain(&mut self) {
        loop {
            match self.local.pop_front() {
                Some((host, packet)) => self.input(host, packet),
                None if self.batch.is_some() => self.flush(),
                None => return,
            }
        }
    }

    /// Puts a packet on its way; packets for the same place at the same time travel together.
    pub(crate) fn schedule(&mut self, at: Instant, arrival: Arrival, packet: Packet) {
        if self.under_way >= UNDER_WAY_MAX {
            return self.lose(packet);
        }
        self.under_way += 1;
        if let Some((open_at, slot)) = self.open_burst
            && open_at == at
            && let Some(burst) = self.bursts.get_mut(slot)
            && burst.arrival == arrival
        {
            return burst.packets.push(packet);
        }
        let mut packets = self.spare_bursts.pop().unwrap_or_default();
        packets.push(packet);
        let slot = self.bursts.insert(Burst { arrival, packets });
        self.queue.push(at, Due::Burst(slot));
        self.open_burst = Some((at, slot));
    }

    /// Notes a passage.
    pub(crate) fn see(
        &mut self,
        tap: TapId,
        dir: Direction,
        link: (Ipv4Addr, Ipv4Addr),
        packet: &Packet,
    ) {
        self.log.see(self.now, tap, dir, link, packet);
    }

    /// A packet with a number of its own.
    pub(crate) fn packet(&mut self, buf: Vec<u8>, len: u16, origin: Origin) -> Packet {
        Packet {
            id: self.log.number_packet(),
            buf,
            len,
            origin,
            outer: None,
            before: None,
        }
    }

    pub(crate) fn host(&self, host: HostId) -> Option<&Host> {
        self.hosts.get(host.0 as usize)?.as_deref()
    }

    pub(crate) fn host_mut(&mut self, host: HostId) -> Option<&mut Host> {
        self.hosts.get_mut(host.0 as usize)?.as_deref_mut()
    }
}
