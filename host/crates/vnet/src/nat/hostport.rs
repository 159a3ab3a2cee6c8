//! Ports of a node that lead to one of its Pods, as the CNI plugin `portmap` programs them
//! (containernetworking.dev, plugins/current/meta/portmap): the client's address is kept, except
//! for a client that is the node's own loopback.
//!
//! Never chooses: a port leads to one place.

use crate::net::{HostId, Net};
use crate::packet::Flow;
use crate::socket::Proto;
use clock::Instant;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddrV4};

/// One port of a node that leads to a Pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostPort {
    /// The protocol.
    pub proto: Proto,
    /// The only address of the node that it is on; `None` is all of them.
    pub addr: Option<Ipv4Addr>,
    /// The port.
    pub port: u16,
    /// Where it leads.
    pub to: SocketAddrV4,
}

/// The ports of one node.
#[derive(Debug, Default)]
pub(crate) struct HostPorts {
    by_port: BTreeMap<(Proto, u16), Vec<HostPort>>,
}

impl HostPorts {
    pub(crate) fn new(ports: impl IntoIterator<Item = HostPort>) -> Self {
        let mut by_port: BTreeMap<_, Vec<HostPort>> = BTreeMap::new();
        for port in ports {
            by_port
                .entry((port.proto, port.port))
                .or_default()
                .push(port);
        }
        Self { by_port }
    }

    /// Where a packet to an address of the node goes, if its port leads anywhere.
    pub(crate) fn find(&self, flow: Flow) -> Option<SocketAddrV4> {
        let mut ports = self.by_port.get(&(flow.proto, flow.dst.port()))?.iter();
        let is_meant = |port: &&HostPort| port.addr.is_none_or(|addr| addr == *flow.dst.ip());
        ports.find(is_meant).map(|port| port.to)
    }

    /// All of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = &HostPort> {
        self.by_port.values().flatten()
    }

    fn udp(&self) -> BTreeSet<SocketAddrV4> {
        let all = self.by_port.values().flatten();
        all.filter(|port| port.proto == Proto::Udp)
            .map(|port| port.to)
            .collect()
    }
}

impl Net {
    /// Exchanges the ports of a node that lead to its Pods. UDP conversations with Pods that are
    /// gone are forgotten. Does nothing for a machine that is no node.
    pub fn set_host_ports(
        &mut self,
        now: Instant,
        node: HostId,
        ports: impl IntoIterator<Item = HostPort>,
    ) {
        self.begin(now);
        let Some(node) = self.host_mut(node).and_then(|host| host.node_mut()) else {
            return;
        };
        let before = node.nat.host_ports.udp();
        node.nat.host_ports = HostPorts::new(ports);
        let after = node.nat.host_ports.udp();
        let gone: BTreeSet<SocketAddrV4> = before.difference(&after).copied().collect();
        if !gone.is_empty() {
            node.nat.forget_udp(|_, led| gone.contains(&led));
        }
    }
}
