//! Nodes that belong together: the ranges that they share, the ways to each other's pods, what
//! their filters are made of. Two clusters in one network are two fabrics; their ranges may be the
//! same, since neither knows a way to the other's pods.
//!
//! Never routes a packet: between fabrics there are LANs and nothing else.

use crate::addr::Cidr;
use crate::net::{Config, Dataplane, HostId, Net};
use crate::policy::Tables;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// Names a fabric.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FabricId(u32);

impl FabricId {
    /// The one that every network has: [`Config`] says what it is like.
    pub const FIRST: Self = Self(0);
}

/// A fabric.
pub(crate) struct Fabric {
    /// All its pods' addresses.
    pub(crate) pod_cidr: Cidr,
    /// All its ClusterIPs.
    pub(crate) service_cidr: Cidr,
    pub(crate) dataplane: Dataplane,
    /// Each node's pods, by the first address of their range.
    pub(crate) pod_routes: BTreeMap<Ipv4Addr, (Cidr, HostId)>,
    /// What the filters of its machines are made of.
    pub(crate) filters: Tables,
}

impl Fabric {
    pub(crate) fn first(config: &Config) -> Self {
        Self::new(config.pod_cidr, config.service_cidr, config.dataplane)
    }

    fn new(pod_cidr: Cidr, service_cidr: Cidr, dataplane: Dataplane) -> Self {
        Self {
            pod_cidr,
            service_cidr,
            dataplane,
            pod_routes: BTreeMap::new(),
            filters: Tables::default(),
        }
    }

    /// The node whose pods have this address.
    pub(crate) fn node_of(&self, addr: Ipv4Addr) -> Option<HostId> {
        let nearest = self.pod_routes.range(..=addr).next_back();
        let (_, (_, node)) = nearest.filter(|(_, (cidr, _))| cidr.contains(addr))?;
        Some(*node)
    }
}

impl Net {
    /// Adds a fabric beside the first: nodes of its own, with ranges and rules of their own.
    pub fn add_fabric(
        &mut self,
        pod_cidr: Cidr,
        service_cidr: Cidr,
        dataplane: Dataplane,
    ) -> FabricId {
        let fabric = Fabric::new(pod_cidr, service_cidr, dataplane);
        self.fabrics.push(fabric);
        FabricId(self.fabrics.len() as u32 - 1)
    }

    /// The fabric of a node or of a pod behind one; the first for every other machine.
    #[must_use]
    pub fn fabric_of(&self, host: HostId) -> FabricId {
        let host = self.host(host);
        let node = match host.map(|host| &host.kind) {
            Some(crate::host::Kind::Pod { node }) => self.host(*node),
            _ => host,
        };
        let node = node.and_then(crate::host::Host::node);
        node.map_or(FabricId::FIRST, |node| node.fabric)
    }

    pub(crate) fn fabric(&self, id: FabricId) -> &Fabric {
        &self.fabrics[id.0 as usize]
    }

    pub(crate) fn fabric_mut(&mut self, id: FabricId) -> &mut Fabric {
        &mut self.fabrics[id.0 as usize]
    }
}
