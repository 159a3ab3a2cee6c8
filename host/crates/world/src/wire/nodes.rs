//! The machines of the cluster: one router on the network for each Node object.

use crate::WorldSpec;
use std::net::SocketAddrV4;
use vnet::{HostId, LanId, Net};

/// Cables the nodes, in the order of their addresses.
pub(crate) fn build(net: &mut Net, lan: LanId, spec: &WorldSpec) -> Vec<(String, HostId)> {
    let place = |(index, node): (usize, &crate::NodePlan)| {
        let pods = spec.platform.pod_network(spec.pod_cidr, index);
        let host = net.add_node(&node.name, lan, spec.platform.node_address(index), pods);
        (node.name.clone(), host)
    };
    spec.nodes.iter().enumerate().map(place).collect()
}

/// Tells the cluster about the same nodes.
pub(crate) fn config(spec: &WorldSpec, control_plane: SocketAddrV4) -> cluster::Config {
    let pair = |cidr: vnet::Cidr| (cidr.network(), cidr.prefix_len());
    let node = |(index, node): (usize, &crate::NodePlan)| cluster::NodeSpec {
        name: node.name.clone(),
        addr: spec.platform.node_address(index),
        external: spec.platform.public_address(index),
        control_plane: index == 0 && spec.platform.nodes.control_plane,
        pod_cidr: pair(spec.platform.pod_network(spec.pod_cidr, index)),
    };
    cluster::Config {
        nodes: spec.nodes.iter().enumerate().map(node).collect(),
        service_cidr: pair(spec.service_cidr),
        pod_cidr: pair(spec.pod_cidr),
        epoch: spec.epoch,
        control_plane,
        images: spec.images.clone(),
        root_ca: spec.root_ca.clone(),
        dns: spec.dns,
        load_balancers: spec
            .platform
            .load_balancers
            .map(|(network, prefix)| (network.into(), prefix)),
        load_balancer_names: spec.platform.load_balancer_names,
        shuffle: spec.shuffle,
    }
}
