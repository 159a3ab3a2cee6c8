//! The way of a packet: out of a stack, through a node's hooks, over cables, into a stack.
//!
//! ```text
//!   stack ──► output ─┐                               ┌─► input ──► stack
//!                     ├─► (route) ─► postrouting ─►   │
//!   cable ► prerouting┴──────────────► forward ───────┘
//! ```
//!
//! Prerouting and output are one table here ([`crate::nat`]); forward takes a hop and lets through
//! what the filters of its machines allow ([`crate::policy`]); postrouting masquerades. Never looks
//! at a payload.

use crate::host::{Host, IN, Kind, Node, OUT};
use crate::nat::{Nat, Verdict};
use crate::net::{Arrival, Dataplane, Due, HostId, LanId, Net};
use crate::packet::{
    Flow, Packet, TCP, Unreachable, icmp_time_exceeded, icmp_unreachable, tcp_reset,
};
use crate::socket::Proto;
use crate::tap::Direction;
use clock::Duration;
use std::net::{Ipv4Addr, SocketAddrV4};

/// How long a host asks who has an address before it gives up: three questions, a second apart.
const RESOLVE: Duration = Duration::from_secs(3);
/// How many packets may wait for such an answer; further ones are lost.
const UNRESOLVED_MAX: usize = 1_024;

/// The next hop of a packet at a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Route {
    /// The node itself.
    Local,
    /// One of its pods.
    Pod(HostId),
    /// The node that has the pod, in the overlay.
    Overlay(HostId),
    /// A machine on the LAN.
    Lan(HostId),
    /// An address of its own pod range, or of the LAN, that nobody has.
    Nobody,
    /// The LAN's gateway, which swallows it.
    Gateway,
    /// A ClusterIP: never on the wire.
    Blackhole,
}

/// What a filter judges of a packet: its flow, or for what has no ports its addresses.
fn conversation(packet: &Packet) -> Flow {
    packet.flow().unwrap_or_else(|| Flow {
        proto: Proto::Icmp,
        src: SocketAddrV4::new(packet.src(), 0),
        dst: SocketAddrV4::new(packet.dst(), 0),
    })
}

impl Net {
    /// A packet leaves a host's own stack.
    pub(crate) fn send(&mut self, from: HostId, packet: Packet) {
        let Some(host) = self.host(from).filter(|host| host.powered) else {
            return self.lose(packet);
        };
        let dst = packet.dst();
        let leads_to_pod = |node: &Node| {
            let flow = packet.flow();
            flow.is_some_and(|flow| node.nat.host_ports.find(flow).is_some())
        };
        match &host.kind {
            Kind::Node(node) if !dst.is_loopback() || leads_to_pod(node) => {
                self.pass_node(from, packet, false)
            }
            Kind::Router(_) if !dst.is_loopback() => self.pass_router(from, packet, None),
            _ if host.owns(dst) => self.loop_back(from, packet),
            Kind::Pod { node } => {
                let node = *node;
                let veth = host.veth.expect("pods have a veth");
                let arrival = Arrival::Veth { node, veth };
                let next = self
                    .host(node)
                    .and_then(Host::node)
                    .map_or(Ipv4Addr::UNSPECIFIED, |node| node.next_hop(dst));
                let link = (packet.src(), next);
                self.note_hop(from, next);
                self.see(
                    self.host(from).expect("checked").eth0,
                    Direction::Out,
                    link,
                    &packet,
                );
                self.cross(from, OUT, arrival, packet);
            }
            Kind::Machine { lan } => self.send_lan(from, *lan, packet),
            Kind::Node(_) | Kind::Router(_) => self.loop_back(from, packet),
        }
    }

    /// A machine's own routing table: the LAN, or its gateway.
    fn send_lan(&mut self, from: HostId, lan: LanId, packet: Packet) {
        match self.route_lan(lan, packet.dst()) {
            Route::Lan(to) => self.transmit_lan(lan, from, to, packet),
            Route::Nobody => self.resolve_in_vain(from, packet),
            _ => self.swallow(from, packet),
        }
    }

    /// A packet arrives at the end of a cable.
    pub(crate) fn arrive(&mut self, arrival: Arrival, mut packet: Packet) {
        let (Arrival::Veth { node: at, .. } | Arrival::Pod(at) | Arrival::Lan { to: at, .. }) =
            arrival;
        // A machine's own cable is its LAN's, not its pods' or its bridges'.
        let over_cable = match arrival {
            Arrival::Veth { .. } => false,
            Arrival::Lan { lan, .. } => self.host(at).and_then(Host::lan) == Some(lan),
            Arrival::Pod(_) => true,
        };
        let Some(host) = self
            .host(at)
            .filter(|host| host.powered && !(over_cable && host.cables[IN].down))
        else {
            return self.lose(packet);
        };
        match arrival {
            Arrival::Veth { veth, .. } => {
                let link = (
                    packet.src(),
                    host.node()
                        .map_or(host.addr, |node| node.next_hop(packet.dst())),
                );
                self.see(veth, Direction::In, link, &packet);
                if packet.damaged {
                    return self.lose(packet);
                }
                self.pass_node(at, packet, true);
            }
            Arrival::Pod(_) => {
                let link = (self.sender_before(host, packet.src()), host.addr);
                self.see(host.eth0, Direction::In, link, &packet);
                if packet.damaged {
                    return self.lose(packet);
                }
                self.input(at, packet);
            }
            Arrival::Lan { lan, from, .. } => {
                let (is_node, is_router) = (host.node().is_some(), host.router().is_some());
                let (tap, addr) = host.interface_on(lan);
                self.see(tap, Direction::In, (from, addr), &packet);
                packet.before = None;
                if packet.damaged {
                    return self.lose(packet);
                }
                if is_node {
                    packet.outer = None;
                    self.pass_node(at, packet, true);
                } else if is_router {
                    self.pass_router(at, packet, Some(lan));
                } else {
                    self.input(at, packet);
                }
            }
        }
    }

    /// Who handed a pod the packet from `src`: another pod of its bridge, or its gateway.
    fn sender_before(&self, pod: &Host, src: Ipv4Addr) -> Ipv4Addr {
        let Kind::Pod { node } = pod.kind else {
            return pod.addr;
        };
        self.host(node)
            .and_then(Host::node)
            .map_or(pod.addr, |node| node.next_hop(src))
    }

    /// A packet passes a node's hooks, from a cable (`forwarded`) or from its own stack.
    fn pass_node(&mut self, at: HostId, mut packet: Packet, forwarded: bool) {
        packet.before = None;
        let Self { hosts, now, .. } = self;
        let host = hosts[at.0 as usize]
            .as_mut()
            .expect("packets pass nodes that exist");
        let Some(node) = host.node_mut() else {
            return self.lose(packet);
        };
        let Node {
            nat,
            place,
            services,
            ..
        } = node;
        let (pending, known) = match nat.prerouting(*now, &mut packet, services.table(), place) {
            Verdict::Pass => (None, true),
            Verdict::Stray => (None, false),
            Verdict::New(pending) => (Some(pending), false),
            Verdict::Reject => return self.reject(at, packet),
            Verdict::Drop(why) => return self.lose_because(packet, why),
        };
        let route = self.route(at, packet.dst());
        // From pod to pod of one node the bridge carries it, and bridges are no hops.
        let bridged = matches!(route, Route::Pod(_)) && self.node_mut(at).bridges(packet.src());
        if forwarded && route != Route::Local && !bridged && !packet.hop() {
            return self.expire(at, packet);
        }
        if forwarded
            && !known
            && route != Route::Local
            && let Err(denied) = self.judge_forward(at, conversation(&packet))
        {
            return self.lose_because(packet, &denied.to_string());
        }
        if let Some(pending) = pending {
            let now = self.now;
            let node = self.node_mut(at);
            let out = match route {
                Route::Local => None,
                Route::Pod(_) => Some(node.place.bridge()),
                Route::Overlay(_) => Some(node.place.overlay()),
                _ => Some(node.place.addr),
            };
            if !Nat::postrouting(&mut node.nat, now, &mut packet, pending, out, &node.place) {
                return self.lose_because(packet, "conntrack table full");
            }
        }
        self.leave_node(at, route, packet, forwarded);
    }

    /// A packet leaves a node's hooks towards its next hop.
    fn leave_node(&mut self, at: HostId, route: Route, mut packet: Packet, forwarded: bool) {
        match route {
            Route::Local if forwarded => self.input(at, packet),
            Route::Local => self.loop_back(at, packet),
            Route::Pod(pod) => {
                let link = (self.node_mut(at).next_hop(packet.src()), packet.dst());
                self.note_hop(at, packet.dst());
                let veth = self
                    .host(pod)
                    .and_then(|pod| pod.veth)
                    .expect("pods have a veth");
                self.see(veth, Direction::Out, link, &packet);
                packet.before = None;
                self.cross(pod, IN, Arrival::Pod(pod), packet);
            }
            Route::Overlay(to) => {
                packet.outer = Some((self.host_addr(at), self.host_addr(to)));
                if let Some(node) = self.host(to).and_then(Host::node) {
                    let next = node.place.overlay();
                    self.note_hop(at, next);
                }
                let lan = self.node_mut(at).lan;
                self.transmit_lan(lan, at, to, packet);
            }
            Route::Lan(to) => {
                let lan = self.node_mut(at).lan;
                self.transmit_lan(lan, at, to, packet)
            }
            Route::Nobody => self.resolve_in_vain(at, packet),
            Route::Gateway => self.swallow(at, packet),
            Route::Blackhole => self.lose_because(packet, "no Service has this address"),
        }
    }

    /// Where a node sends packets for `dst`.
    fn route(&self, at: HostId, dst: Ipv4Addr) -> Route {
        let host = self.host(at).expect("packets pass nodes that exist");
        let node = host.node().expect("only nodes route");
        if node.place.owns(dst) || dst.is_loopback() {
            return Route::Local;
        }
        if node.place.node_cidr.contains(dst) {
            return node
                .pods
                .get(&dst)
                .map_or(Route::Nobody, |pod| Route::Pod(*pod));
        }
        if node.place.service_cidr.contains(dst) {
            return Route::Blackhole;
        }
        let fabric = self.fabric(node.fabric);
        match fabric.node_of(dst) {
            Some(to) if fabric.dataplane == Dataplane::Overlay => Route::Overlay(to),
            Some(to) => Route::Lan(to),
            None => self.route_lan(node.lan, dst),
        }
    }

    fn route_lan(&self, lan: LanId, dst: Ipv4Addr) -> Route {
        let lan = &self.lans[lan.0 as usize];
        match lan.machines.get(&dst).or_else(|| self.announced.get(&dst)) {
            Some(to) => Route::Lan(*to),
            None if lan.cidr.contains(dst) => Route::Nobody,
            None => lan.gateway.map_or(Route::Gateway, Route::Lan),
        }
    }

    /// The address from which a host speaks to `dst`, by its routing table.
    pub(crate) fn source_for(&self, from: &Host, dst: Ipv4Addr) -> Ipv4Addr {
        if dst.is_loopback() {
            return Ipv4Addr::LOCALHOST;
        }
        if from.router().is_some() {
            return self.router_source(from, dst);
        }
        let Some(node) = from.node() else {
            return from.addr;
        };
        if from.owns(dst) {
            return dst;
        }
        match self.route(from.id, dst) {
            _ if node.place.node_cidr.contains(dst) => node.place.bridge(),
            Route::Overlay(_) => node.place.overlay(),
            _ => node.place.addr,
        }
    }

    /// A host hears itself.
    pub(crate) fn loop_back(&mut self, at: HostId, mut packet: Packet) {
        let lo = self.host(at).expect("senders exist").lo;
        self.see(
            lo,
            Direction::In,
            (Ipv4Addr::LOCALHOST, Ipv4Addr::LOCALHOST),
            &packet,
        );
        packet.before = None;
        self.local.push_back((at, packet));
    }

    /// Sent to the gateway, which swallows it.
    pub(crate) fn swallow(&mut self, from: HostId, packet: Packet) {
        let host = self.host(from).expect("senders exist");
        let gateway = host.lan().map_or(Ipv4Addr::UNSPECIFIED, |lan| {
            self.lans[lan.0 as usize].cidr.nth(1)
        });
        let (link, eth0) = ((host.addr, gateway), host.eth0);
        self.note_hop(from, gateway);
        self.see(eth0, Direction::Out, link, &packet);
        self.lose(packet);
    }

    /// Nobody has the next hop's address; the sender learns it when the questions run out.
    pub(crate) fn resolve_in_vain(&mut self, host: HostId, packet: Packet) {
        if self.unresolved >= UNRESOLVED_MAX {
            return self.lose(packet);
        }
        self.unresolved += 1;
        self.open_burst = None;
        let at = self.now + RESOLVE;
        self.queue.push(
            at,
            Due::Unreachable {
                host,
                packet: Box::new(packet),
            },
        );
    }

    /// The questions have run out: "no route to host" for whoever sent the packet.
    pub(crate) fn give_up(&mut self, at: HostId, packet: &Packet) {
        let now = self.now;
        let Some(host) = self.host_mut(at).filter(|host| host.powered) else {
            return;
        };
        host.neighbours.note_failed(now, packet.dst());
        if packet.flow().is_none() {
            // No errors about errors.
            return;
        }
        let (is_node, is_router) = (host.node().is_some(), host.router().is_some());
        let host = self.host(at).expect("looked at above");
        let from = self.source_for(host, packet.src());
        let error = icmp_unreachable(from, packet.bytes(), Unreachable::Host);
        let error = self.whole_packet(error, packet);
        if is_node {
            self.pass_node(at, error, false)
        } else if is_router {
            self.pass_router(at, error, None)
        } else {
            self.local.push_back((at, error))
        }
    }

    /// A packet's time to live has run out here; its sender is told, as it knows the packet.
    pub(crate) fn expire(&mut self, at: HostId, mut packet: Packet) {
        // No errors about errors.
        if packet.flow().is_some() {
            if let Some(before) = packet.before.take() {
                before.write(packet.bytes_mut());
            }
            let host = self.host(at).expect("packets pass hosts that exist");
            let from = self.source_for(host, packet.src());
            let error = icmp_time_exceeded(from, packet.bytes());
            let error = self.whole_packet(error, &packet);
            self.send(at, error);
        }
        self.lose(packet);
    }

    /// A Service without endpoints, or a port it does not have: refused, from its own address.
    fn reject(&mut self, at: HostId, packet: Packet) {
        let bytes = packet.bytes();
        let answer = match packet.proto() {
            TCP => tcp_reset(bytes),
            _ => Some(icmp_unreachable(packet.dst(), bytes, Unreachable::Port)),
        };
        if let Some(answer) = answer {
            let answer = self.whole_packet(answer, &packet);
            let route = self.route(at, answer.dst());
            self.leave_node(at, route, answer, false);
        }
        self.lose(packet);
    }

    /// A packet made here, caused by another.
    pub(crate) fn whole_packet(&mut self, bytes: Vec<u8>, cause: &Packet) -> Packet {
        let len = u16::try_from(bytes.len()).expect("packets fit an MTU");
        self.packet(bytes, len, cause.origin)
    }

    /// A packet is no more, and where it was seen last it is said why.
    pub(crate) fn lose_because(&mut self, packet: Packet, why: &str) {
        self.log.note_drop(packet.id, why);
        self.lose(packet);
    }

    /// A packet is no more.
    pub(crate) fn lose(&mut self, packet: Packet) {
        self.wire.recycle(packet.buf);
    }

    fn node_mut(&mut self, at: HostId) -> &mut Node {
        self.host_mut(at)
            .and_then(Host::node_mut)
            .expect("only nodes route")
    }
}
