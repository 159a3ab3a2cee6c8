//! The graph as a plain value: machines, what connects them, and how well. Never live.

use crate::cable::Cable;
use crate::gateway::Interface;
use crate::host::{Host, IN, Kind, OUT};
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
    /// The machine that passes on what is for nobody here.
    pub gateway: Option<HostId>,
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
    /// Its interfaces beside `eth0`.
    pub ports: Vec<Interface>,
    /// Whether it runs.
    pub powered: bool,
    /// What it is connected with, on the way out.
    pub cable: Cable,
    /// The same on the way in; another one when a fault is one-way.
    pub inward: Cable,
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
            gateway: lan.gateway,
        };
        Topology {
            lans: self
                .lans
                .iter()
                .enumerate()
                .filter(|(_, lan)| !lan.gone)
                .map(lan)
                .collect(),
            machines: self
                .hosts
                .iter()
                .flatten()
                .map(|host| machine(self, host))
                .collect(),
        }
    }
}

fn machine(net: &Net, host: &Host) -> Machine {
    Machine {
        host: host.id,
        name: host.name.to_string(),
        kind: match &host.kind {
            Kind::Machine { lan } => MachineKind::Machine { lan: *lan },
            Kind::Router(router) => MachineKind::Machine { lan: router.lan },
            Kind::Node(node) => MachineKind::Node {
                lan: node.lan,
                pod_cidr: node.place.node_cidr,
            },
            Kind::Pod { node } => MachineKind::Pod { node: *node },
        },
        addr: host.addr,
        ports: match &host.kind {
            Kind::Router(_) => net.interfaces(host.id).split_off(1),
            _ => Vec::new(),
        },
        powered: host.powered,
        cable: host.cables[OUT],
        inward: host.cables[IN],
    }
}
