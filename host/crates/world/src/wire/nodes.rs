//! The machines of the cluster: one router on the network for each Node object.

use crate::{WorldSpec, spec};
use std::collections::BTreeMap;
use std::net::SocketAddrV4;
use vnet::{HostId, LanId, Net};

/// The first node's place in the LAN, after workstation and control plane.
const FIRST: usize = 3;

/// Cables the nodes.
pub(crate) fn build(net: &mut Net, lan: LanId, spec: &WorldSpec) -> BTreeMap<String, HostId> {
    let place = |(index, node): (usize, &crate::NodePlan)| {
        let host = net.add_node(
            &node.name,
            lan,
            WorldSpec::lan_address(FIRST + index),
            spec.pod_network(index),
        );
        (node.name.clone(), host)
    };
    spec.nodes.iter().enumerate().map(place).collect()
}

/// Tells the cluster about the same nodes.
pub(crate) fn config(spec: &WorldSpec) -> cluster::Config {
    let pair = |cidr: vnet::Cidr| (cidr.network(), cidr.prefix_len());
    let node = |(index, node): (usize, &crate::NodePlan)| cluster::NodeSpec {
        name: node.name.clone(),
        addr: WorldSpec::lan_address(FIRST + index),
        pod_cidr: pair(spec.pod_network(index)),
    };
    cluster::Config {
        nodes: spec.nodes.iter().enumerate().map(node).collect(),
        service_cidr: pair(spec.service_cidr),
        pod_cidr: pair(spec.pod_cidr),
        epoch: spec.epoch,
        control_plane: SocketAddrV4::new(WorldSpec::lan_address(2), spec::API_PORT),
        images: spec.images.clone(),
        dns: spec.dns,
        load_balancers: None,
        shuffle: spec.shuffle,
    }
}
