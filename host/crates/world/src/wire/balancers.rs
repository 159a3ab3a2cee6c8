//! Load balancers on the wire: the edge of a cloud has their addresses and passes each new
//! conversation to the NodePort of some node, whose data plane goes on from there.
//!
//! Never gives an address: that is the cluster's controller.

use cluster::proxy::{Protocol, Rules, ServicePort};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddrV4};
use vnet::{HostId, Net, Proto, Published};

/// What the edge should answer at, and where that leads.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Fronts {
    addrs: BTreeSet<Ipv4Addr>,
    rules: BTreeSet<Published>,
}

/// The fronts of every Service with a load balancer; `nodes` are those that have power.
pub(crate) fn fronts(rules: &Rules, nodes: &BTreeMap<String, Ipv4Addr>) -> Fronts {
    let mut fronts = Fronts::default();
    for port in &rules.services {
        let Some(node_port) = port.node_port else {
            continue;
        };
        for addr in &port.balancers {
            fronts.addrs.insert(*addr);
            let targets = nodes.iter().filter(|(name, _)| is_healthy(port, name));
            fronts.rules.extend(targets.map(|(_, node)| Published {
                proto: match port.protocol {
                    Protocol::Tcp => Proto::Tcp,
                    Protocol::Udp => Proto::Udp,
                },
                addr: *addr,
                port: port.port,
                to: SocketAddrV4::new(*node, node_port),
            }));
        }
    }
    fronts
}

/// With `externalTrafficPolicy: Local` only nodes with a ready endpoint pass the health check.
fn is_healthy(port: &ServicePort, node: &str) -> bool {
    let has_endpoint = |name: &str| {
        let mut nodes = port.endpoints.iter().filter_map(|end| end.node.as_deref());
        nodes.any(|end| end == name)
    };
    !port.external_local || (port.ready && has_endpoint(node))
}

impl Fronts {
    /// Makes the edge agree.
    pub(crate) fn wire(&self, now: clock::Instant, net: &mut Net, edge: HostId) {
        net.set_fronts(now, edge, self.addrs.iter().copied());
        net.publish(now, edge, self.rules.iter().copied());
    }
}
