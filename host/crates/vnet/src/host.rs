//! One machine: its place in the network, its addresses, its stack and what is bound on it.
//!
//! Never routes for others; a node's routing is in `router.rs`.

use crate::addr::Cidr;
use crate::cable::{Cable, Lane};
use crate::fabric::FabricId;
use crate::gateway::Router;
use crate::interfaces::Neighbours;
use crate::nat::service::Services;
use crate::nat::{Nat, Place};
use crate::net::{HostId, LanId};
use crate::policy::Filter;
use crate::socket::tcp::ConnId;
use crate::socket::{NetError, SockId};
use crate::stack;
use crate::tap::TapId;
use clock::{Instant, Seed, Stream};
use rand::RngExt;
use smoltcp::iface::Interface;
use std::collections::{BTreeMap, VecDeque};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

/// The first and the last port that a program gets when it asks for none, as on Linux.
pub const EPHEMERAL_PORTS: std::ops::RangeInclusive<u16> = 32_768..=60_999;
/// How many finished connections a host remembers in TIME-WAIT; the oldest makes room.
pub const TIME_WAIT_MAX: usize = 4_096;

/// What kind of machine it is, and what only that kind has.
pub(crate) enum Kind {
    Machine { lan: LanId },
    Node(Box<Node>),
    Pod { node: HostId },
    Router(Box<Router>),
}

/// The router in a node.
pub(crate) struct Node {
    pub(crate) lan: LanId,
    pub(crate) fabric: FabricId,
    /// What it was last told of Services.
    pub(crate) services: Services,
    pub(crate) place: Place,
    pub(crate) nat: Nat,
    pub(crate) pods: BTreeMap<Ipv4Addr, HostId>,
    /// The interface number of the next pod's veth.
    pub(crate) next_index: u32,
}

impl Node {
    /// Whether an address is one of the bridge's pods.
    pub(crate) fn bridges(&self, addr: Ipv4Addr) -> bool {
        self.place.node_cidr.contains(addr) && !self.place.owns(addr)
    }

    /// To whom a pod hands a packet for `addr`: to a pod of the same bridge, or its gateway.
    pub(crate) fn next_hop(&self, addr: Ipv4Addr) -> Ipv4Addr {
        if self.bridges(addr) {
            addr
        } else {
            self.place.bridge()
        }
    }
}

/// Out of a machine, as an index of [`Host::cables`] and [`Host::lanes`].
pub(crate) const OUT: usize = 0;
/// Into it.
pub(crate) const IN: usize = 1;

/// A machine.
pub(crate) struct Host {
    pub(crate) id: HostId,
    pub(crate) name: Arc<str>,
    pub(crate) kind: Kind,
    pub(crate) addr: Ipv4Addr,
    pub(crate) powered: bool,
    /// Out of the machine ([`OUT`]) and into it ([`IN`]).
    pub(crate) cables: [Cable; 2],
    pub(crate) lanes: [Lane; 2],
    pub(crate) chance: Stream,
    pub(crate) stack: Interface,
    pub(crate) conns: BTreeMap<u128, ConnId>,
    /// The last connection found, since packets come in runs.
    pub(crate) recent: Option<(u128, ConnId)>,
    pub(crate) listeners: BTreeMap<(u16, Ipv4Addr), SockId>,
    pub(crate) udp: BTreeMap<(u16, Ipv4Addr), SockId>,
    /// ICMP sockets by identifier.
    pub(crate) icmp: BTreeMap<u16, SockId>,
    /// The next hops it has spoken to.
    pub(crate) neighbours: Neighbours,
    /// Connections that ended here first, and until when their addresses rest.
    pub(crate) time_wait: BTreeMap<u128, Instant>,
    /// The same in the order of their ends, with some that were used again meanwhile.
    resting: VecDeque<(Instant, u128)>,
    pub(crate) next_port: u16,
    pub(crate) mtu: usize,
    pub(crate) eth0: TapId,
    pub(crate) lo: TapId,
    /// A pod's other end, on its node.
    pub(crate) veth: Option<TapId>,
    /// That end's interface number there.
    pub(crate) veth_index: u32,
    /// With whom it may speak; a node judges its pods by it.
    pub(crate) filter: Filter,
}

/// What a host is made from.
pub(crate) struct NewHost {
    pub(crate) id: HostId,
    pub(crate) name: Arc<str>,
    pub(crate) kind: Kind,
    pub(crate) addr: Ipv4Addr,
    pub(crate) cable: Cable,
    pub(crate) mtu: usize,
    pub(crate) eth0: TapId,
    pub(crate) lo: TapId,
    pub(crate) veth: Option<TapId>,
}

impl Host {
    pub(crate) fn new(now: Instant, seed: Seed, new: NewHost) -> Self {
        let NewHost {
            id,
            name,
            kind,
            addr,
            cable,
            mtu,
            eth0,
            lo,
            veth,
        } = new;
        let seed = seed.derive(&format!("host/{}/{name}/{addr}", id.0));
        let ports = seed.stream("ports").random_range(EPHEMERAL_PORTS);
        Self {
            id,
            name,
            kind,
            addr,
            powered: true,
            cables: [cable; 2],
            lanes: [Lane::default(); 2],
            chance: seed.stream("cable"),
            stack: stack::interface(now, mtu, seed.stream("stack").random()),
            conns: BTreeMap::new(),
            recent: None,
            listeners: BTreeMap::new(),
            udp: BTreeMap::new(),
            icmp: BTreeMap::new(),
            neighbours: Neighbours::default(),
            veth_index: 0,
            filter: Filter::default(),
            time_wait: BTreeMap::new(),
            resting: VecDeque::new(),
            mtu,
            next_port: ports,
            eth0,
            lo,
            veth,
        }
    }

    /// The router, if this is a node.
    pub(crate) fn node(&self) -> Option<&Node> {
        match &self.kind {
            Kind::Node(node) => Some(node),
            _ => None,
        }
    }

    /// The router, if this is a node.
    pub(crate) fn node_mut(&mut self) -> Option<&mut Node> {
        match &mut self.kind {
            Kind::Node(node) => Some(node),
            _ => None,
        }
    }

    /// What stands between LANs, if this machine does.
    pub(crate) fn router(&self) -> Option<&Router> {
        match &self.kind {
            Kind::Router(router) => Some(router),
            _ => None,
        }
    }

    /// What stands between LANs, if this machine does.
    pub(crate) fn router_mut(&mut self) -> Option<&mut Router> {
        match &mut self.kind {
            Kind::Router(router) => Some(router),
            _ => None,
        }
    }

    /// Its interface on a LAN: the tap, and its address there.
    pub(crate) fn interface_on(&self, lan: LanId) -> (TapId, Ipv4Addr) {
        let ports = self.router().into_iter().flat_map(|router| &router.ports);
        let mut on_lan = ports.filter(|port| port.lan == lan);
        on_lan
            .next()
            .map_or((self.eth0, self.addr), |port| (port.tap, port.addr))
    }

    /// Its address on a LAN.
    pub(crate) fn addr_on(&self, lan: LanId) -> Ipv4Addr {
        self.interface_on(lan).1
    }

    /// The LAN that `eth0` is plugged into, if any.
    pub(crate) fn lan(&self) -> Option<LanId> {
        match &self.kind {
            Kind::Machine { lan } => Some(*lan),
            Kind::Node(node) => Some(node.lan),
            Kind::Router(router) => Some(router.lan),
            Kind::Pod { .. } => None,
        }
    }

    /// Whether packets to `addr` are for the machine itself.
    pub(crate) fn owns(&self, addr: Ipv4Addr) -> bool {
        addr == self.addr
            || addr.is_loopback()
            || self.node().is_some_and(|node| node.place.owns(addr))
            || self.router().is_some_and(|router| router.owns(addr))
    }

    /// The listener for connections to `local`.
    pub(crate) fn listener(&self, local: SocketAddrV4) -> Option<SockId> {
        find_bound(&self.listeners, local)
    }

    /// The UDP socket for datagrams to `local`.
    pub(crate) fn udp_socket(&self, local: SocketAddrV4) -> Option<SockId> {
        find_bound(&self.udp, local)
    }

    /// Checks that a program may bind `local`: the address is the host's and nobody has it.
    pub(crate) fn check_bind(
        &self,
        bound: &BTreeMap<(u16, Ipv4Addr), SockId>,
        local: SocketAddrV4,
    ) -> Result<(), NetError> {
        let addr = *local.ip();
        if !addr.is_unspecified() && !self.owns(addr) {
            return Err(NetError::AddrNotAvailable);
        }
        let mut same_port = bound
            .range((local.port(), Ipv4Addr::UNSPECIFIED)..=(local.port(), Ipv4Addr::BROADCAST));
        let clash = same_port.any(|((_, other), _)| {
            addr.is_unspecified() || other.is_unspecified() || *other == addr
        });
        if clash {
            Err(NetError::AddrInUse)
        } else {
            Ok(())
        }
    }

    /// The next port for a program that asked for none and for which `is_free` holds.
    pub(crate) fn ephemeral_port(&mut self, is_free: impl Fn(&Self, u16) -> bool) -> Option<u16> {
        let count = EPHEMERAL_PORTS.end() - EPHEMERAL_PORTS.start() + 1;
        for _ in 0..count {
            let port = self.next_port;
            self.next_port = if port >= *EPHEMERAL_PORTS.end() {
                *EPHEMERAL_PORTS.start()
            } else {
                port + 1
            };
            if is_free(self, port) {
                return Some(port);
            }
        }
        None
    }

    /// Lets a finished connection's addresses rest; the oldest makes room.
    pub(crate) fn rest(&mut self, now: Instant, key: u128, until: Instant) {
        while let Some((end, oldest)) = self.resting.front().copied()
            && (end <= now || self.resting.len() >= TIME_WAIT_MAX)
        {
            self.resting.pop_front();
            if self.time_wait.get(&oldest) == Some(&end) {
                self.time_wait.remove(&oldest);
            }
        }
        self.time_wait.insert(key, until);
        self.resting.push_back((until, key));
    }
}

/// Looks for the exact address first, then for any.
fn find_bound(bound: &BTreeMap<(u16, Ipv4Addr), SockId>, local: SocketAddrV4) -> Option<SockId> {
    let exact = bound.get(&(local.port(), *local.ip()));
    exact
        .or_else(|| bound.get(&(local.port(), Ipv4Addr::UNSPECIFIED)))
        .copied()
}

impl Place {
    /// A node's place in a network of these ranges.
    pub(crate) fn new(addr: Ipv4Addr, node_cidr: Cidr, pod_cidr: Cidr, service_cidr: Cidr) -> Self {
        Self {
            addr,
            node_cidr,
            pod_cidr,
            service_cidr,
        }
    }
}
