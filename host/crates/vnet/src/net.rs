//! The whole network: who is in it, what time it is, what is still under way.
//!
//! Orders run the packet work that they cause at once, up to events in the future (a cable's
//! latency, a retransmission); [`Net::advance`] runs those. Never waits and never asks the time.

use crate::addr::Cidr;
use crate::fabric::Fabric;
use crate::host::Host;
use crate::nat::conntrack::ConntrackEntry;
use crate::packet::Packet;
use crate::slab::Slab;
use crate::socket::tcp::{Conn, ConnId};
use crate::socket::{Origin, SockId, SockTable};
use crate::stack::{SocketPool, Wire};
use crate::tap::{Direction, PacketLog, TapId};
use clock::{Instant, Queue, Seed};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::net::Ipv4Addr;

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
    /// All pods' addresses in the first fabric.
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

/// How many packets can be under way at once; further ones are lost.
pub const UNDER_WAY_MAX: usize = 262_144;

/// A LAN.
pub(crate) struct Lan {
    pub(crate) name: String,
    pub(crate) cidr: Cidr,
    pub(crate) machines: BTreeMap<Ipv4Addr, HostId>,
    /// Who passes on what is for nobody here; without one it is swallowed.
    pub(crate) gateway: Option<HostId>,
    /// Whether it was taken away again.
    pub(crate) gone: bool,
}

/// Where packets under way arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// At a node, from one of its pods.
    Veth { node: HostId, veth: TapId },
    /// At a pod, from its node.
    Pod(HostId),
    /// At a LAN machine, from the one with this address.
    Lan {
        lan: LanId,
        to: HostId,
        from: Ipv4Addr,
    },
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
    /// The first is always there.
    pub(crate) fabrics: Vec<Fabric>,
    pub(crate) announced: BTreeMap<Ipv4Addr, HostId>,
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
    /// Who listens at which host's interfaces.
    pub(crate) listening: Vec<(HostId, SockId)>,
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
            fabrics: vec![Fabric::first(&config)],
            config,
            now: Instant::ZERO,
            hosts: Vec::new(),
            lans: Vec::new(),
            announced: BTreeMap::new(),
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
            listening: Vec::new(),
        }
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

    /// What a node or router remembers of the conversations that pass it; empty for other machines.
    #[must_use]
    pub fn conntrack(&self, node: HostId) -> Vec<ConntrackEntry> {
        let Some(host) = self.host(node) else {
            return Vec::new();
        };
        match (host.node(), host.router()) {
            (Some(node), _) => node.nat.conntrack.list(self.now),
            (None, Some(router)) => router.conntrack().list(self.now),
            (None, None) => Vec::new(),
        }
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
        if !self.listening.is_empty() {
            self.overhear(tap, dir, link, packet);
        }
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
            damaged: false,
        }
    }

    pub(crate) fn host(&self, host: HostId) -> Option<&Host> {
        self.hosts.get(host.0 as usize)?.as_deref()
    }

    pub(crate) fn host_mut(&mut self, host: HostId) -> Option<&mut Host> {
        self.hosts.get_mut(host.0 as usize)?.as_deref_mut()
    }
}
