//! Who is in the network: adding, removing and changing machines, and programming their nodes.
//!
//! Never runs a packet.

use crate::addr::Cidr;
use crate::cable::Cable;
use crate::fabric::FabricId;
use crate::host::{Host, Kind, NewHost, Node};
use crate::nat::service::{ServiceRule, Services};
use crate::nat::{Nat, Place};
use crate::net::{Dataplane, HostId, Lan, LanId, Net};
use crate::socket::NetError;
use crate::stack::{MTU, OVERLAY_OVERHEAD};
use clock::Instant;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::Arc;

/// How many hosts can exist at once; a further pod is refused.
pub const HOSTS_MAX: usize = 4_096;

impl Net {
    /// Adds a LAN: a switch, and a gateway that swallows what is for nobody on it.
    pub fn add_lan(&mut self, name: &str, cidr: Cidr) -> LanId {
        self.lans.push(Lan {
            name: name.to_owned(),
            cidr,
            machines: BTreeMap::new(),
            gateway: None,
            gone: false,
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
        self.add_node_to(FabricId::FIRST, name, lan, addr, pod_cidr)
    }

    /// The same for a node of another fabric than the first.
    ///
    /// # Panics
    ///
    /// When another machine of the LAN has the address.
    pub fn add_node_to(
        &mut self,
        fabric: FabricId,
        name: &str,
        lan: LanId,
        addr: Ipv4Addr,
        pod_cidr: Cidr,
    ) -> HostId {
        let ranges = self.fabric(fabric);
        let place = Place::new(addr, pod_cidr, ranges.pod_cidr, ranges.service_cidr);
        let nat = Nat::new(self.config.seed.derive(name).stream("nat"));
        let node = Node {
            lan,
            fabric,
            services: Services::default(),
            place,
            nat,
            pods: BTreeMap::new(),
            next_index: crate::interfaces::FIRST_VETH,
        };
        let id = self.add_host(name, Kind::Node(Box::new(node)), addr, Cable::lan(), MTU);
        self.plug_in(id, lan, addr);
        let routes = &mut self.fabric_mut(fabric).pod_routes;
        routes.insert(pod_cidr.network(), (pod_cidr, id));
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
        let mtu = match self.fabric(router.fabric).dataplane {
            Dataplane::Overlay => MTU - OVERLAY_OVERHEAD,
            Dataplane::Routed => MTU,
        };
        let id = self.add_host(name, Kind::Pod { node }, addr, Cable::veth(), mtu);
        let router = self
            .host_mut(node)
            .and_then(Host::node_mut)
            .expect("looked at above");
        router.pods.insert(addr, id);
        let index = router.next_index;
        router.next_index += 1;
        self.host_mut(id).expect("just added").veth_index = index;
        Ok(id)
    }

    pub(crate) fn add_host(
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

    pub(crate) fn plug_in(&mut self, host: HostId, lan: LanId, addr: Ipv4Addr) {
        let before = self.lans[lan.0 as usize].machines.insert(addr, host);
        assert!(before.is_none(), "two machines with the address {addr}");
    }

    /// Whether a host runs; false for one that is gone.
    #[must_use]
    pub fn is_powered(&self, host: HostId) -> bool {
        self.host(host).is_some_and(|host| host.powered)
    }

    /// Takes a host out: its sockets are gone without a word, packets to it are lost.
    pub fn remove_host(&mut self, now: Instant, host: HostId) {
        self.begin(now);
        self.kill_sockets(host);
        let Some(gone) = self.hosts.get_mut(host.0 as usize).and_then(Option::take) else {
            return;
        };
        if let Some(lan) = gone.lan() {
            let lan = &mut self.lans[lan.0 as usize];
            lan.machines.retain(|_, machine| *machine != host);
        }
        match gone.kind {
            Kind::Pod { node } => {
                let router = self.host_mut(node).and_then(Host::node_mut);
                router.map(|router| router.pods.remove(&gone.addr));
            }
            Kind::Node(node) => {
                let routes = &mut self.fabric_mut(node.fabric).pod_routes;
                routes.remove(&node.place.node_cidr.network());
                self.announced.retain(|_, owner| *owner != host);
                node.pods
                    .into_values()
                    .for_each(|pod| self.remove_host(now, pod));
            }
            Kind::Machine { .. } => {}
            Kind::Router(router) => {
                for port in &router.ports {
                    let lan = &mut self.lans[port.lan.0 as usize];
                    lan.machines.remove(&port.addr);
                    lan.gateway = None;
                    self.log.retire_tap(port.tap);
                }
            }
        }
        [Some(gone.eth0), Some(gone.lo), gone.veth]
            .into_iter()
            .flatten()
            .for_each(|tap| {
                self.log.retire_tap(tap);
            });
    }

    /// Switches a machine on or off. Off, a node and its pods neither send nor receive, their
    /// sockets are gone, and so is what the node remembers of conversations and knows of Services.
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
            node.services = Services::default();
        }
    }

    /// What a machine is connected with, on the way out and on the way in; `None` when it is gone.
    #[must_use]
    pub fn cables(&self, host: HostId) -> Option<[Cable; 2]> {
        self.host(host).map(|host| host.cables)
    }

    /// Exchanges what a machine is connected with.
    pub fn set_cable(&mut self, now: Instant, host: HostId, cable: Cable) {
        self.set_cables(now, host, cable, cable);
    }

    /// Exchanges what a machine is connected with, differently on the way out and on the way in.
    pub fn set_cables(&mut self, now: Instant, host: HostId, out: Cable, inward: Cable) {
        self.begin(now);
        if let Some(host) = self.host_mut(host) {
            host.cables = [out, inward];
        }
    }

    /// Programs the whole set of Services on every node there is, as [`Net::program`] does on one.
    pub fn set_services(&mut self, now: Instant, services: Vec<ServiceRule>) {
        let services = Services::new(services);
        let nodes = self.hosts.iter().flatten();
        let nodes = nodes.filter(|host| host.node().is_some());
        let nodes: Vec<HostId> = nodes.map(|host| host.id).collect();
        for node in nodes {
            self.program(now, node, &services);
        }
    }

    /// Programs the whole set of Services on a node, as its kube-proxy does. UDP conversations with
    /// endpoints that their Service no longer has are forgotten there. Does nothing for a machine
    /// that is no node.
    pub fn program(&mut self, now: Instant, node: HostId, services: &Services) {
        self.begin(now);
        let Some(node) = self.host_mut(node).and_then(Host::node_mut) else {
            return;
        };
        let before = std::mem::replace(&mut node.services, services.clone());
        let gone = before.udp_ways_missing_in(services);
        if !gone.is_empty() {
            node.nat.forget_udp(|sent, led| {
                let mut ways = gone.iter();
                ways.any(|(front, endpoint)| *endpoint == led && front.is_met(sent))
            });
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
}
