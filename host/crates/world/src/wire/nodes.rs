//! The machines of the cluster: one router on the network for each Node object.

use crate::NodePlan;
use crate::site::Draft;
use std::net::SocketAddrV4;
use vnet::{FabricId, HostId, LanId, Net};

/// Cables the nodes, in the order of their addresses.
pub(crate) fn build(
    net: &mut Net,
    fabric: FabricId,
    lan: LanId,
    draft: &Draft<'_>,
) -> Vec<(String, HostId)> {
    let place = |(index, node): (usize, &NodePlan)| {
        let (addr, pods) = (
            draft.plan.node_address(index),
            draft.plan.pod_network(draft.pod_cidr, index),
        );
        let host = net.add_node_to(fabric, &node.name, lan, addr, pods);
        (node.name.clone(), host)
    };
    draft.nodes.iter().enumerate().map(place).collect()
}

/// Tells the cluster about the same nodes.
pub(crate) fn config(draft: &Draft<'_>, control_plane: SocketAddrV4) -> cluster::Config {
    let (spec, plan) = (draft.spec, draft.plan);
    let pair = |cidr: vnet::Cidr| (cidr.network(), cidr.prefix_len());
    let node = |(index, node): (usize, &NodePlan)| cluster::NodeSpec {
        name: node.name.clone(),
        addr: plan.node_address(index),
        external: plan.public_address(index),
        control_plane: index == 0 && plan.nodes.control_plane,
        pod_cidr: pair(plan.pod_network(draft.pod_cidr, index)),
    };
    cluster::Config {
        nodes: draft.nodes.iter().enumerate().map(node).collect(),
        service_cidr: pair(draft.service_cidr),
        pod_cidr: pair(draft.pod_cidr),
        epoch: spec.epoch,
        control_plane,
        images: spec.images.clone(),
        root_ca: draft.root_ca.clone(),
        dns: spec.dns,
        load_balancers: plan
            .load_balancers
            .map(|(network, prefix)| (network.into(), prefix)),
        load_balancer_names: plan.load_balancer_names,
        shuffle: spec.shuffle,
    }
}
