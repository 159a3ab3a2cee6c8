//! The graph as a plain value: machines, what connects them, and how well. Never live.

use crate::cable::Cable;
use crate::host::{Host, Kind};
use crate::net::{HostId, LanId, Net};
use crate::{Cidr, Ipv4Addr};

/// A network at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Topology {
    /// The LANs.
    pub lans: Vec<LanInfo>,
    /// Every host, in the order of its coming.
    pub machines: Vec<Machine>,
}

/// A LAN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LanInfo {
    /// Its name for the machines below.
    pub id: LanId,
    /// Its name for people.
    pub name: String,
    /// Its addresses.
    pub cidr: Cidr,
}

/// A host and its link.
#[derive(Clone, Debug, PartialEq)]
pub struct Machine {
    /// Its name for orders.
    pub host: HostId,
    /// Its name for people.
    pub name: String,
    /// What it is and what it is plugged into.
    pub kind: MachineKind,
    /// Its address on `eth0`.
    pub addr: Ipv4Addr,
    /// Whether it runs.
    pub powered: bool,
    /// What it is connected with.
    pub cable: Cable,
}

/// What a host is and what it is plugged into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MachineKind {
    /// A machine on a LAN.
    Machine {
        /// The LAN.
        lan: LanId,
    },
    /// A node on a LAN, with pods behind it.
    Node {
        /// The LAN.
        lan: LanId,
        /// Its pods' addresses.
        pod_cidr: Cidr,
    },
    /// A pod behind a node.
    Pod {
        /// The node.
        node: HostId,
    },
}

impl Net {
    /// The network's graph.
    #[must_use]
    pub fn topology(&self) -> Topology {
        let lan = |(index, lan): (usize, &crate::net::Lan)| LanInfo {
            id: LanId(index as u32),
            name: lan.name.clone(),
            cidr: lan.cidr,
        };
        Topology {
            lans: self.lans.iter().enumerate().map(lan).collect(),
            machines: self
                .hosts
                .iter()
                .flatten()
                .map(|host| machine(host))
                .collect(),
        }
    }
}

fn machine(host: &Host) -> Machine {
    Machine {
        host: host.id,
        name: host.name.to_string(),
        kind: match &host.kind {
            Kind::Machine { lan } => MachineKind::Machine { lan: *lan },
            Kind::Node(node) => MachineKind::Node {
                lan: node.lan,
                pod_cidr: node.place.node_cidr,
            },
            Kind::Pod { node } => MachineKind::Pod { node: *node },
        },
        addr: host.addr,
        powered: host.powered,
        cable: host.cable,
    }
}
