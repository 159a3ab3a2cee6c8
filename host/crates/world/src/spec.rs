//! What a world is made from. Never holds what happens in it.

use crate::platform::Platform;
use clock::Seed;
use vnet::{Capture, Cidr, Dataplane};

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
    /// Where the cluster stands.
    pub platform: &'static Platform,
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
    /// The certificate (PEM) of the cluster's own authority; empty without one.
    pub root_ca: String,
    /// Those of the platform's further clusters, in order.
    pub more_root_cas: Vec<String>,
    /// Let controllers see their keys in a seeded order instead of first come, first served.
    pub shuffle: bool,
}
