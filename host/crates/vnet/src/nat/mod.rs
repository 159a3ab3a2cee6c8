//! Address translation on a node, as kube-proxy programs it: pure, packet in, verdict out.
//!
//! A new conversation passes [`Nat::prerouting`] (or the output hook, which is the same table),
//! is routed by the caller, and is completed by [`Nat::postrouting`], which masquerades and
//! remembers it. Everything later follows from the remembered pair. Never routes and never sends.
//!
//! Choices where kube-proxy's modes differ follow nftables: a port that an active ClusterIP does
//! not have is refused, an address of the Service range that no Service has is dropped, and
//! neither is ever seen on the wire. That holds for an echo request to a ClusterIP too: the chain
//! `cluster-ips-check` rejects whatever protocol comes there, with ICMP "port unreachable".
//! (In iptables mode nothing matches such a ping and it is lost; in neither is it answered.)

pub(crate) mod conntrack;
pub(crate) mod hostport;
pub(crate) mod service;

use crate::addr::Cidr;
use crate::packet::{ECHO_REPLY, Flow, Packet, TcpFlags};
use crate::socket::Proto;
use clock::{Instant, Stream};
use conntrack::{Conntrack, Direction};
use hostport::HostPorts;
use rand::RngExt;
use service::{ServiceRule, ServiceTable, Via};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};

/// What a node must know about itself to translate.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// Its address on the LAN.
    pub(crate) addr: Ipv4Addr,
    /// Its own pods.
    pub(crate) node_cidr: Cidr,
    /// All pods.
    pub(crate) pod_cidr: Cidr,
    /// All ClusterIPs.
    pub(crate) service_cidr: Cidr,
}

/// How many clients a node remembers for `sessionAffinity`; further ones have no affinity.
const AFFINITY_MAX: usize = 16_384;

/// A node's translation.
#[derive(Debug)]
pub(crate) struct Nat {
    pub(crate) conntrack: Conntrack,
    pub(crate) host_ports: HostPorts,
    affinity: BTreeMap<(Ipv4Addr, u16, Ipv4Addr), (SocketAddrV4, Instant)>,
    chance: Stream,
}

/// What becomes of a packet at the first hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It belongs to a known conversation and was rewritten, or it needs no rewriting.
    Pass,
    /// It begins a conversation: route it, then call [`Nat::postrouting`].
    New(Pending),
    /// It is refused.
    Reject,
    /// It disappears, for this reason.
    Drop(&'static str),
    /// It belongs to no conversation and begins none.
    Stray,
}

/// A conversation that has passed the first hook and not yet the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pending {
    /// As the sender wrote it.
    pub(crate) original: Flow,
    /// Whether the packet must leave with the node's address.
    pub(crate) masquerade: bool,
}

/// Where a new conversation goes: to whom, and whether with the node's address.
struct Target {
    dst: SocketAddrV4,
    masquerade: bool,
}

impl Place {
    /// Whether `addr` is the node's own: on the LAN, on the bridge, or in the overlay.
    pub(crate) fn owns(&self, addr: Ipv4Addr) -> bool {
        addr == self.addr || addr == self.bridge() || addr == self.overlay()
    }

    /// The bridge's address, the pods' gateway.
    pub(crate) fn bridge(&self) -> Ipv4Addr {
        self.node_cidr.nth(1)
    }

    /// The overlay interface's address.
    pub(crate) fn overlay(&self) -> Ipv4Addr {
        self.node_cidr.network()
    }

    /// Whether an endpoint runs on this node.
    pub(crate) fn hosts(&self, endpoint: SocketAddrV4) -> bool {
        *endpoint.ip() == self.addr || self.node_cidr.contains(*endpoint.ip())
    }
}

impl Nat {
    pub(crate) fn new(chance: Stream) -> Self {
        Self {
            conntrack: Conntrack::default(),
            host_ports: HostPorts::default(),
            affinity: BTreeMap::new(),
            chance,
        }
    }

    /// The prerouting and output hooks: known conversations are rewritten both ways, new ones get
    /// their destination.
    pub(crate) fn prerouting(
        &mut self,
        now: Instant,
        packet: &mut Packet,
        services: &ServiceTable,
        place: &Place,
    ) -> Verdict {
        let Some(flow) = packet.flow() else {
            return match follow_icmp(&self.conntrack, packet) {
                true => Verdict::Pass,
                false => Verdict::Stray,
            };
        };
        let flags = packet.tcp_flags();
        if let Some(to) = self.conntrack.track(now, flow, flags) {
            packet.rewrite(flow, to);
            return Verdict::Pass;
        }
        if packet.icmp_type() == Some(ECHO_REPLY) {
            // An answer to nothing must not open a conversation either.
            return Verdict::Stray;
        }
        match self.target(now, flow, services, place) {
            // A reset that belongs to nothing must not open a conversation.
            Ok(target) if flags.has(TcpFlags::RST) && target.dst != flow.dst => {
                Verdict::Drop("a reset of no connection")
            }
            Ok(_) if flags.has(TcpFlags::RST) => Verdict::Stray,
            Ok(target) => {
                packet.rewrite(
                    flow,
                    Flow {
                        dst: target.dst,
                        ..flow
                    },
                );
                Verdict::New(Pending {
                    original: flow,
                    masquerade: target.masquerade,
                })
            }
            Err(verdict) => verdict,
        }
    }

    /// The postrouting hook: masquerades a new conversation if it must, and remembers it. `out`
    /// is the address of the interface the packet leaves by, `None` when it stays on the node.
    /// False when there is no room for it: the packet is dropped.
    pub(crate) fn postrouting(
        &mut self,
        now: Instant,
        packet: &mut Packet,
        pending: Pending,
        out: Option<Ipv4Addr>,
        place: &Place,
    ) -> bool {
        let Some(mut flow) = packet.flow() else {
            return true;
        };
        let hairpin = flow.src.ip() == flow.dst.ip();
        let leaves = place.pod_cidr.contains(*flow.src.ip())
            && !place.owns(*flow.src.ip())
            && !place.pod_cidr.contains(*flow.dst.ip());
        // Without masquerading an address is kept, but a port that another conversation's answers
        // already come to is exchanged, as Linux does.
        let source = match out {
            Some(out) if pending.masquerade || hairpin || leaves => out,
            _ => *flow.src.ip(),
        };
        let Some(src) = free_port(&self.conntrack, &mut self.chance, flow, source) else {
            return false;
        };
        let to = Flow { src, ..flow };
        packet.rewrite(flow, to);
        if to != pending.original {
            packet.before = Some(pending.original);
        }
        flow = to;
        self.conntrack
            .insert(now, pending.original, flow.reversed(), packet.tcp_flags())
    }

    /// To whom a new conversation goes.
    fn target(
        &mut self,
        now: Instant,
        flow: Flow,
        services: &ServiceTable,
        place: &Place,
    ) -> Result<Target, Verdict> {
        let to_node = place.owns(*flow.dst.ip());
        let to_self = flow.dst.ip().is_loopback();
        if let Some(dst) = self.host_ports.find(flow).filter(|_| to_node || to_self) {
            // An answer to a loopback address would never leave the Pod.
            let masquerade = flow.src.ip().is_loopback();
            return Ok(Target { dst, masquerade });
        }
        let is_cluster_ip = |addr| place.service_cidr.contains(addr);
        let Some((rule, via)) = services.find(flow, to_node, is_cluster_ip) else {
            let addr = *flow.dst.ip();
            return match (is_cluster_ip(addr), services.is_vip(addr)) {
                (true, true) => Err(Verdict::Reject),
                (true, false) => Err(Verdict::Drop("no Service has this address")),
                _ => Ok(Target {
                    dst: flow.dst,
                    masquerade: false,
                }),
            };
        };
        let (local_only, masquerade) = policy(rule, via, *flow.src.ip(), place);
        let dst = self.choose(now, flow, rule, local_only, place)?;
        Ok(Target { dst, masquerade })
    }

    /// One of the rule's endpoints, at random or the one this client had before.
    fn choose(
        &mut self,
        now: Instant,
        flow: Flow,
        rule: &ServiceRule,
        local_only: bool,
        place: &Place,
    ) -> Result<SocketAddrV4, Verdict> {
        if rule.endpoints.is_empty() {
            return Err(Verdict::Reject);
        }
        let usable = |endpoint: &&SocketAddrV4| !local_only || place.hosts(**endpoint);
        // Better one that is about to go than none.
        let list = match rule.endpoints.iter().any(|endpoint| usable(&endpoint)) {
            true => &rule.endpoints,
            false => &rule.leaving,
        };
        let key = (*flow.dst.ip(), flow.dst.port(), *flow.src.ip());
        if let Some(timeout) = rule.affinity
            && let Some((endpoint, expires)) = self.affinity.get_mut(&key)
            && *expires > now
            && list.iter().filter(usable).any(|usable| usable == endpoint)
        {
            *expires = now + timeout;
            return Ok(*endpoint);
        }
        let count = list.iter().filter(usable).count();
        if count == 0 {
            return Err(Verdict::Drop("the Service has no endpoint on this node"));
        }
        let index = self.chance.random_range(0..count as u64) as usize;
        let chosen = *list
            .iter()
            .filter(usable)
            .nth(index)
            .expect("index below count");
        if let Some(timeout) = rule.affinity {
            if self.affinity.len() >= AFFINITY_MAX {
                self.affinity.retain(|_, (_, expires)| *expires > now);
            }
            if self.affinity.len() < AFFINITY_MAX {
                self.affinity.insert(key, (chosen, now + timeout));
            }
        }
        Ok(chosen)
    }

    /// Forgets the UDP conversations whose first packet was sent there and led to here, when that
    /// way is `gone`.
    pub(crate) fn forget_udp(&mut self, gone: impl Fn(SocketAddrV4, SocketAddrV4) -> bool) {
        self.conntrack.flush(|entry| {
            let (sent, led) = (entry.original.dst, entry.reply.src);
            entry.original.proto == Proto::Udp && sent != led && gone(sent, led)
        });
    }
}

/// The port with which a conversation can leave from `source`: its own if possible.
pub(crate) fn free_port(
    conntrack: &Conntrack,
    chance: &mut Stream,
    flow: Flow,
    source: Ipv4Addr,
) -> Option<SocketAddrV4> {
    let is_free = |port: u16| {
        let src = SocketAddrV4::new(source, port);
        (!conntrack.is_taken(Flow { src, ..flow }.reversed())).then_some(src)
    };
    let own = is_free(flow.src.port());
    own.or_else(|| {
        let start: u16 = chance.random();
        (0..128).find_map(|step| is_free(start.wrapping_add(step).max(1024)))
    })
}

/// An ICMP error follows the conversation that it is about; false when there is none.
pub(crate) fn follow_icmp(conntrack: &Conntrack, packet: &mut Packet) -> bool {
    let Some((inner, ..)) = packet.icmp_error() else {
        return false;
    };
    let Some((entry, direction)) = conntrack.find(inner.reversed()) else {
        return false;
    };
    // The packet inside went the other way than the answers that `inner.reversed()` names.
    let sent = match direction {
        Direction::Original => entry.reply,
        Direction::Reply => entry.original,
    };
    let from = packet.src();
    let from = if from == *inner.dst.ip() {
        *sent.dst.ip()
    } else {
        from
    };
    packet.rewrite_icmp(from, *sent.src.ip(), sent);
    true
}

/// Whether only this node's endpoints may answer, and whether the client's address is hidden:
/// kube-proxy's KUBE-SVC and KUBE-EXT chains.
fn policy(rule: &ServiceRule, via: Via, client: Ipv4Addr, place: &Place) -> (bool, bool) {
    let from_node = place.owns(client);
    let from_pod = place.pod_cidr.contains(client) && !from_node;
    match via {
        Via::ClusterIp => (rule.internal_local, !from_pod),
        Via::External if rule.external_local && from_pod => (false, false),
        Via::External if rule.external_local && !from_node => (true, false),
        Via::External => (false, true),
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
