//! What a world is made from. Never holds what happens in it.

use clock::Seed;
use std::net::Ipv4Addr;
use vnet::{Capture, Cidr, Dataplane};

/// The network that nodes, control plane and workstation share, as `kind` and `minikube` lay it out.
pub(crate) const LAN: Ipv4Addr = Ipv4Addr::new(172, 18, 0, 0);
/// Its prefix length.
pub(crate) const LAN_PREFIX: u8 = 16;
/// The port of the API server on the control plane.
pub(crate) const API_PORT: u16 = 6443;

/// A node to be built.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodePlan {
    /// Its name, in the API and on the wire.
    pub name: String,
}

/// Everything that decides how a world begins.
#[derive(Clone, Debug)]
pub struct WorldSpec {
    /// Decides every random choice.
    pub seed: Seed,
    /// Unix time in seconds when virtual time begins.
    pub epoch: i64,
    /// The nodes, in order of their addresses.
    pub nodes: Vec<NodePlan>,
    /// Where Pods get their addresses; each node has a /24 of it.
    pub pod_cidr: Cidr,
    /// Where Services get theirs.
    pub service_cidr: Cidr,
    /// How Pod packets cross between nodes.
    pub dataplane: Dataplane,
    /// Whether the cluster has its DNS add-on.
    pub dns: bool,
    /// How much of every packet is kept.
    pub capture: Capture,
    /// The images that can be pulled.
    pub images: Vec<cluster::ImageInfo>,
    /// Let controllers see their keys in a seeded order instead of first come, first served.
    pub shuffle: bool,
}

impl WorldSpec {
    /// The address of the n-th machine of the LAN: 1 is the workstation, 2 the control plane,
    /// nodes follow.
    pub(crate) fn lan_address(index: usize) -> Ipv4Addr {
        Ipv4Addr::from(
            u32::from(LAN) + u32::try_from(index).expect("a LAN has fewer than 2³² machines"),
        )
    }

    /// The Pod network of the n-th node: the n-th /24, as kubeadm's node-ipam hands them out
    /// after the control plane's own.
    pub(crate) fn pod_network(&self, index: usize) -> Cidr {
        let step = u32::try_from(index + 1).expect("fewer nodes than /24 networks") << 8;
        Cidr::new(
            Ipv4Addr::from(u32::from(self.pod_cidr.network()) + step),
            24,
        )
    }
}
