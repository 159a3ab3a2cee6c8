//! The whole cluster as one value. Never decides: it hands on to the API, the store, the controllers.

use std::net::{Ipv4Addr, SocketAddrV4};

/// What a cluster is made of.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its nodes, in order.
    pub nodes: Vec<NodeSpec>,
    /// Where Services get their addresses: network and prefix length.
    pub service_cidr: (Ipv4Addr, u8),
    /// Where pods get their addresses: network and prefix length.
    pub pod_cidr: (Ipv4Addr, u8),
    /// The calendar at `Instant::ZERO`, in unix seconds.
    pub epoch: i64,
    /// Where the API server listens.
    pub control_plane: SocketAddrV4,
    /// The images that can be pulled.
    pub images: Vec<ImageInfo>,
    /// Whether the cluster runs a DNS.
    pub dns: bool,
    /// Whether controllers' waiting work is taken in a random order.
    pub shuffle: bool,
}

/// One node.
#[derive(Clone, Debug)]
pub struct NodeSpec {
    /// Its name, which is also its hostname.
    pub name: String,
    /// Its address in front.
    pub addr: Ipv4Addr,
    /// Where its pods get their addresses: network and prefix length.
    pub pod_cidr: (Ipv4Addr, u8),
}

/// What is known about an image without running it.
#[derive(Clone, Debug)]
pub struct ImageInfo {
    /// The reference as written in a pod, with its tag (`nginx:latest`).
    pub name: String,
    /// Its size in bytes, as a node's status shows it.
    pub size_bytes: u64,
}
