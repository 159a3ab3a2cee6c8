//! What a machine knows about its network: interfaces, routes, neighbours. Never live, and never
//! more than the packets' real ways (`router.rs`) say.

use crate::addr::Cidr;
use crate::gateway::Port;
use crate::host::{Host, Kind, Node, OUT};
use crate::net::{Dataplane, HostId, Net};
use crate::pcap::{mac, overlay_mac};
use crate::stack::{MTU, OVERLAY_OVERHEAD};
use crate::tap::{Counts, TapId};
use clock::{Duration, Instant};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// The number of a node's first veth, after `lo`, `eth0`, `flannel.1` and `cni0`.
pub(crate) const FIRST_VETH: u32 = 5;
/// How long a neighbour counts as reachable without being spoken to: Linux' base_reachable_time.
const REACHABLE: Duration = Duration::from_secs(30);
/// How many neighbours a machine remembers; the one unused longest makes room.
const NEIGHBOURS_MAX: usize = 1_024;
/// Within this time a neighbour is not written down again.
const TOUCH: Duration = Duration::from_secs(1);

/// A node's interface in the overlay, and the bridge its pods are plugged into.
pub(crate) const OVERLAY: &str = "flannel.1";
pub(crate) const BRIDGE: &str = "cni0";

/// What kind of interface it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// `lo`
    Loopback,
    /// A cable to a switch.
    Ethernet,
    /// One end of a veth pair.
    Veth,
    /// A node's bridge.
    Bridge,
    /// A node's end of the overlay.
    Vxlan,
}

/// An interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its number on the machine.
    pub index: u32,
    /// Its name there.
    pub name: String,
    /// What it is.
    pub kind: LinkKind,
    /// The number of a veth's other end, on its own machine.
    pub peer: Option<u32>,
    /// The number of the bridge it is plugged into.
    pub master: Option<u32>,
    /// Its hardware address.
    pub mac: [u8; 6],
    /// The largest packet it takes.
    pub mtu: usize,
    /// Whether its cable is plugged in.
    pub up: bool,
    /// Its addresses and the lengths of their prefixes.
    pub addresses: Vec<(Ipv4Addr, u8)>,
    /// What has passed it.
    pub counts: Counts,
}

/// A line of a routing table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteInfo {
    /// Where it leads.
    pub to: Cidr,
    /// The next hop, unless the destination itself is.
    pub gateway: Option<Ipv4Addr>,
    /// The interface.
    pub link: String,
    /// The address the machine speaks from.
    pub source: Ipv4Addr,
    /// The gateway is on the link although no address of the link says so.
    pub onlink: bool,
}

/// What a machine knows of a neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NeighbourState {
    /// It was spoken to lately.
    Reachable,
    /// It was spoken to once.
    Stale,
    /// Nobody has that address.
    Failed,
}

/// A next hop that a machine has spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Its address.
    pub address: Ipv4Addr,
    /// The interface it is behind.
    pub link: String,
    /// Its hardware address, if it has one.
    pub mac: Option<[u8; 6]>,
    /// What is known.
    pub state: NeighbourState,
}

/// The next hops a machine has spoken to.
#[derive(Debug, Default)]
pub(crate) struct Neighbours {
    /// When, and whether somebody was there.
    known: BTreeMap<Ipv4Addr, (Instant, bool)>,
    /// The last one written down, since packets come in runs.
    recent: Option<(Ipv4Addr, Instant)>,
}

impl Neighbours {
    /// A packet goes to this next hop.
    pub(crate) fn note(&mut self, now: Instant, address: Ipv4Addr) {
        let fresh =
            |(known, at): (Ipv4Addr, Instant)| known == address && now.saturating_since(at) < TOUCH;
        if !self.recent.is_some_and(fresh) {
            self.recent = Some((address, now));
            self.write(now, address, true);
        }
    }

    /// Nobody has this address.
    pub(crate) fn note_failed(&mut self, now: Instant, address: Ipv4Addr) {
        self.recent = None;
        self.write(now, address, false);
    }

    fn write(&mut self, now: Instant, address: Ipv4Addr, there: bool) {
        if self.known.len() >= NEIGHBOURS_MAX && !self.known.contains_key(&address) {
            let oldest = self.known.iter().min_by_key(|(_, (at, _))| *at);
            if let Some(oldest) = oldest.map(|(address, _)| *address) {
                self.known.remove(&oldest);
            }
        }
        self.known.insert(address, (now, there));
    }
}

impl Net {
    /// A machine's interfaces, by number.
    #[must_use]
    pub fn links(&self, host: HostId) -> Vec<Link> {
        let Some(host) = self.host(host) else {
            return Vec::new();
        };
        let mut links = vec![self.loopback(host), self.eth0(host)];
        if let Some(node) = host.node() {
            links.extend(self.node_links(host, node));
        }
        if let Some(router) = host.router() {
            let ports = router.ports.iter().zip(3..);
            links.extend(ports.map(|(port, index)| self.port(port, index)));
        }
        links
    }

    /// A router's interface beside `eth0`.
    fn port(&self, port: &Port, index: u32) -> Link {
        let lan = &self.lans[port.lan.0 as usize];
        Link {
            index,
            name: port.name.clone(),
            kind: LinkKind::Bridge,
            peer: None,
            master: None,
            mac: mac(port.addr),
            mtu: MTU,
            up: true,
            addresses: vec![(port.addr, lan.cidr.prefix_len())],
            counts: self.counts(port.tap),
        }
    }

    fn counts(&self, tap: TapId) -> Counts {
        self.log.taps[tap.0 as usize].counts
    }

    fn loopback(&self, host: &Host) -> Link {
        let heard = self.counts(host.lo);
        Link {
            index: 1,
            name: "lo".to_owned(),
            kind: LinkKind::Loopback,
            peer: None,
            master: None,
            mac: [0; 6],
            // What is said to oneself is cut as for the cable here.
            mtu: host.mtu,
            up: true,
            addresses: vec![(Ipv4Addr::LOCALHOST, 8)],
            counts: Counts {
                tx_packets: heard.rx_packets,
                tx_bytes: heard.rx_bytes,
                ..heard
            },
        }
    }

    fn eth0(&self, host: &Host) -> Link {
        let (kind, prefix) = match &host.kind {
            Kind::Pod { node } => (LinkKind::Veth, self.pod_prefix(*node)),
            _ => (LinkKind::Ethernet, self.lan_prefix(host)),
        };
        let is_veth = kind == LinkKind::Veth;
        Link {
            index: 2,
            name: "eth0".to_owned(),
            kind,
            peer: is_veth.then_some(host.veth_index),
            master: None,
            mac: mac(host.addr),
            mtu: host.mtu,
            up: !host.cables[OUT].down,
            addresses: vec![(host.addr, prefix)],
            counts: self.counts(host.eth0),
        }
    }

    fn lan_prefix(&self, host: &Host) -> u8 {
        host.lan()
            .map_or(32, |lan| self.lans[lan.0 as usize].cidr.prefix_len())
    }

    fn pod_prefix(&self, node: HostId) -> u8 {
        let node = self.host(node).and_then(Host::node);
        node.map_or(24, |node| node.place.node_cidr.prefix_len())
    }

    fn node_links(&self, host: &Host, node: &Node) -> Vec<Link> {
        let overlay = self.fabric(node.fabric).dataplane == Dataplane::Overlay;
        let pod_mtu = if overlay { MTU - OVERLAY_OVERHEAD } else { MTU };
        let plain = |index, name: &str, kind, mac, addresses, counts| Link {
            index,
            name: name.to_owned(),
            kind,
            peer: None,
            master: None,
            mac,
            mtu: pod_mtu,
            up: true,
            addresses,
            counts,
        };
        let mut veths: Vec<Link> = node
            .pods
            .values()
            .filter_map(|pod| self.host(*pod))
            .filter_map(|pod| self.veth(pod, pod_mtu))
            .collect();
        veths.sort_by_key(|link| link.index);
        let prefix = node.place.node_cidr.prefix_len();
        // Everything that passes the bridge passes a port of it.
        let bridged = veths.iter().fold(Counts::default(), |sum, veth| Counts {
            rx_packets: sum.rx_packets + veth.counts.rx_packets,
            rx_bytes: sum.rx_bytes + veth.counts.rx_bytes,
            tx_packets: sum.tx_packets + veth.counts.tx_packets,
            tx_bytes: sum.tx_bytes + veth.counts.tx_bytes,
        });
        let mut links = Vec::new();
        if overlay {
            let counts = self.log.taps[host.eth0.0 as usize].overlay;
            let addresses = vec![(node.place.overlay(), 32)];
            let address = overlay_mac(host.addr);
            links.push(plain(
                3,
                OVERLAY,
                LinkKind::Vxlan,
                address,
                addresses,
                counts,
            ));
        }
        let bridge = node.place.bridge();
        links.push(plain(
            4,
            BRIDGE,
            LinkKind::Bridge,
            mac(bridge),
            vec![(bridge, prefix)],
            bridged,
        ));
        links.extend(veths);
        links
    }

    /// The node's end of a pod's veth pair.
    fn veth(&self, pod: &Host, mtu: usize) -> Option<Link> {
        let tap = &self.log.taps[pod.veth?.0 as usize];
        let [_, _, a, b, c, d] = mac(pod.addr);
        Some(Link {
            index: pod.veth_index,
            name: tap.iface.to_string(),
            kind: LinkKind::Veth,
            peer: Some(2),
            master: Some(4),
            mac: [0xee, 0x58, a, b, c, d],
            mtu,
            up: !pod.cables[OUT].down,
            addresses: Vec::new(),
            counts: tap.counts,
        })
    }

    /// A machine's routing table, the most specific way first.
    #[must_use]
    pub fn routes(&self, host: HostId) -> Vec<RouteInfo> {
        let Some(host) = self.host(host) else {
            return Vec::new();
        };
        let route = |to, gateway, link: &str, source| RouteInfo {
            to,
            gateway,
            link: link.to_owned(),
            source,
            onlink: false,
        };
        let everywhere = Cidr::new(Ipv4Addr::UNSPECIFIED, 0);
        let mut routes = Vec::new();
        if let Kind::Pod { node } = &host.kind
            && let Some(node) = self.host(*node).and_then(Host::node)
        {
            let gateway = Some(node.place.bridge());
            routes.push(route(node.place.node_cidr, None, "eth0", host.addr));
            routes.push(route(node.place.pod_cidr, gateway, "eth0", host.addr));
            routes.push(route(everywhere, gateway, "eth0", host.addr));
        }
        if let Some(node) = host.node() {
            let bridge = node.place.bridge();
            routes.push(route(node.place.node_cidr, None, BRIDGE, bridge));
            routes.extend(self.pod_range_routes(host, node));
        }
        if let Some(lan) = host.lan() {
            let place = &self.lans[lan.0 as usize];
            let gateway = place.gateway.and_then(|gateway| self.host(gateway));
            let gateway = gateway.map_or(place.cidr.nth(1), |gateway| gateway.addr_on(lan));
            routes.push(route(place.cidr, None, "eth0", host.addr));
            routes.push(route(everywhere, Some(gateway), "eth0", host.addr));
        }
        for port in host.router().into_iter().flat_map(|router| &router.ports) {
            let cidr = self.lans[port.lan.0 as usize].cidr;
            routes.push(route(cidr, None, &port.name, port.addr));
        }
        routes.sort_by_key(|route| std::cmp::Reverse(route.to.prefix_len()));
        routes
    }

    /// A node's ways to the other nodes' pods.
    fn pod_range_routes(&self, host: &Host, node: &Node) -> Vec<RouteInfo> {
        let fabric = self.fabric(node.fabric);
        let others = fabric.pod_routes.values();
        let others = others.filter(|(_, to)| *to != host.id);
        let way = |(cidr, to): &(Cidr, HostId)| match fabric.dataplane {
            Dataplane::Overlay => RouteInfo {
                to: *cidr,
                gateway: Some(cidr.network()),
                link: OVERLAY.to_owned(),
                source: node.place.overlay(),
                onlink: true,
            },
            Dataplane::Routed => RouteInfo {
                to: *cidr,
                gateway: Some(self.host_addr(*to)),
                link: "eth0".to_owned(),
                source: host.addr,
                onlink: false,
            },
        };
        others.map(way).collect()
    }

    /// The next hops a machine has spoken to, by address.
    #[must_use]
    pub fn neighbours(&self, host: HostId) -> Vec<Neighbour> {
        let Some(host) = self.host(host) else {
            return Vec::new();
        };
        let fabric = self.fabric(self.fabric_of(host.id));
        let entry = |(address, (at, there)): (&Ipv4Addr, &(Instant, bool))| {
            let link = self.link_towards(host, *address);
            let state = match there {
                false => NeighbourState::Failed,
                true if self.now.saturating_since(*at) < REACHABLE => NeighbourState::Reachable,
                true => NeighbourState::Stale,
            };
            let hardware = match (&*link, fabric.pod_routes.get(address)) {
                (OVERLAY, Some((_, to))) => overlay_mac(self.host_addr(*to)),
                _ => mac(*address),
            };
            Neighbour {
                address: *address,
                link,
                mac: there.then_some(hardware),
                state,
            }
        };
        host.neighbours.known.iter().map(entry).collect()
    }

    /// The interface behind which a next hop is.
    fn link_towards(&self, host: &Host, address: Ipv4Addr) -> String {
        let mut ports = host.router().into_iter().flat_map(|router| &router.ports);
        let port = ports.find(|port| self.lans[port.lan.0 as usize].cidr.contains(address));
        let name = match host.node() {
            Some(node) if node.place.node_cidr.contains(address) => BRIDGE,
            Some(node) if node.place.pod_cidr.contains(address) => OVERLAY,
            _ => port.map_or("eth0", |port| &port.name),
        };
        name.to_owned()
    }

    /// Whether a machine routes for others.
    #[must_use]
    pub fn forwards(&self, host: HostId) -> bool {
        self.host(host)
            .is_some_and(|host| host.node().is_some() || host.router().is_some())
    }

    /// Notes a next hop.
    pub(crate) fn note_hop(&mut self, from: HostId, address: Ipv4Addr) {
        let now = self.now;
        if let Some(host) = self.host_mut(from) {
            host.neighbours.note(now, address);
        }
    }
}
