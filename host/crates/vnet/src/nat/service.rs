//! Services as the dataplane sees them: which address and port leads to which endpoints.
//!
//! Never knows a pod, a selector or readiness; it is handed rules.

use crate::packet::Flow;
use crate::socket::Proto;
use clock::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

/// Where a Service listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FrontendAddr {
    /// A ClusterIP when inside the Service CIDR; else an externalIP or load balancer address.
    Ip(Ipv4Addr),
    /// A NodePort: every node's own address.
    AnyNode,
}

/// One address and port of a Service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Frontend {
    /// The address.
    pub addr: FrontendAddr,
    /// The port.
    pub port: u16,
}

/// One port of a Service, as kube-proxy would program it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceRule {
    /// `namespace/name:port`, for people.
    pub name: String,
    /// The protocol.
    pub proto: Proto,
    /// Where it listens.
    pub frontends: Vec<Frontend>,
    /// Who answers; none means that connections are refused.
    pub endpoints: Vec<SocketAddrV4>,
    /// Who still answers while it goes: asked where only this node's endpoints may answer and
    /// none of `endpoints` is here.
    pub leaving: Vec<SocketAddrV4>,
    /// `internalTrafficPolicy: Local`: ClusterIPs lead to this node's endpoints only.
    pub internal_local: bool,
    /// `externalTrafficPolicy: Local`: NodePorts and external addresses lead to this node's
    /// endpoints only, and the client's address is kept.
    pub external_local: bool,
    /// `sessionAffinity: ClientIP` with this timeout.
    pub affinity: Option<Duration>,
}

/// The rules of all Services as one table, which many nodes can hold; a copy costs nothing.
#[derive(Clone, Debug, Default)]
pub struct Services(Arc<ServiceTable>);

/// Every rule, found by where it listens.
#[derive(Debug, Default)]
pub(crate) struct ServiceTable {
    pub(crate) rules: Vec<Arc<ServiceRule>>,
    index: Arc<Index>,
    /// Every UDP frontend with each of its endpoints: what a change is measured by.
    udp_ways: BTreeSet<(Frontend, SocketAddrV4)>,
}

/// Where the rules listen: places in their list.
#[derive(Debug, Default)]
struct Index {
    by_ip: BTreeMap<(Proto, Ipv4Addr, u16), usize>,
    by_node_port: BTreeMap<(Proto, u16), usize>,
    vips: BTreeSet<Ipv4Addr>,
}

/// The kind of frontend a packet was sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Via {
    ClusterIp,
    External,
}

impl Frontend {
    /// Whether a packet to this address and port may have come for it.
    pub(crate) fn is_met(&self, dst: SocketAddrV4) -> bool {
        let addr = match self.addr {
            FrontendAddr::Ip(addr) => addr == *dst.ip(),
            FrontendAddr::AnyNode => true,
        };
        addr && self.port == dst.port()
    }
}

impl Services {
    /// A table of these rules; of two that listen at one place the first has it.
    #[must_use]
    pub fn new(rules: Vec<ServiceRule>) -> Self {
        let rules = rules.into_iter().map(Arc::new).collect();
        Self(Arc::new(ServiceTable::new(rules)))
    }

    /// A table of these rules that shares with this one what is the same in both.
    #[must_use]
    pub fn next(&self, rules: Vec<Arc<ServiceRule>>) -> Self {
        let before = &self.0.rules;
        let listens_alike = |(old, new): (&Arc<ServiceRule>, &Arc<ServiceRule>)| {
            Arc::ptr_eq(old, new) || (old.proto == new.proto && old.frontends == new.frontends)
        };
        let same = before.len() == rules.len() && before.iter().zip(&rules).all(listens_alike);
        if !same {
            return Self(Arc::new(ServiceTable::new(rules)));
        }
        Self(Arc::new(ServiceTable {
            udp_ways: udp_ways(&rules),
            rules,
            index: self.0.index.clone(),
        }))
    }

    /// The rules.
    #[must_use]
    pub fn rules(&self) -> &[Arc<ServiceRule>] {
        &self.0.rules
    }

    pub(crate) fn table(&self) -> &ServiceTable {
        &self.0
    }

    /// The ways of UDP that this table has and the other has not.
    pub(crate) fn udp_ways_missing_in(&self, other: &Self) -> Vec<(Frontend, SocketAddrV4)> {
        if Arc::ptr_eq(&self.0, &other.0) {
            return Vec::new();
        }
        let gone = self.0.udp_ways.difference(&other.0.udp_ways);
        gone.copied().collect()
    }
}

fn udp_ways(rules: &[Arc<ServiceRule>]) -> BTreeSet<(Frontend, SocketAddrV4)> {
    let udp = rules.iter().filter(|rule| rule.proto == Proto::Udp);
    let ways = udp.flat_map(|rule| {
        let endpoints = move || rule.endpoints.iter().chain(&rule.leaving);
        let frontends = rule.frontends.iter();
        frontends.flat_map(move |front| endpoints().map(|endpoint| (*front, *endpoint)))
    });
    ways.collect()
}

impl Index {
    fn add(&mut self, rule: usize, proto: Proto, frontend: Frontend) {
        match frontend.addr {
            FrontendAddr::Ip(addr) => {
                self.by_ip
                    .entry((proto, addr, frontend.port))
                    .or_insert(rule);
                self.vips.insert(addr);
            }
            FrontendAddr::AnyNode => {
                self.by_node_port
                    .entry((proto, frontend.port))
                    .or_insert(rule);
            }
        }
    }
}

impl ServiceTable {
    pub(crate) fn new(rules: Vec<Arc<ServiceRule>>) -> Self {
        let mut index = Index::default();
        for (place, rule) in rules.iter().enumerate() {
            for frontend in &rule.frontends {
                index.add(place, rule.proto, *frontend);
            }
        }
        Self {
            udp_ways: udp_ways(&rules),
            rules,
            index: Arc::new(index),
        }
    }

    /// The rule for a packet with this destination; `is_node_port` says that the destination
    /// address is the node's own.
    pub(crate) fn find(
        &self,
        flow: Flow,
        is_node_port: bool,
        is_cluster_ip: impl Fn(Ipv4Addr) -> bool,
    ) -> Option<(&ServiceRule, Via)> {
        let (addr, port) = (*flow.dst.ip(), flow.dst.port());
        if let Some(rule) = self.index.by_ip.get(&(flow.proto, addr, port)) {
            let via = if is_cluster_ip(addr) {
                Via::ClusterIp
            } else {
                Via::External
            };
            return Some((&self.rules[*rule], via));
        }
        let rule = self
            .index
            .by_node_port
            .get(&(flow.proto, port))
            .filter(|_| is_node_port)?;
        Some((&self.rules[*rule], Via::External))
    }

    /// The addresses that Services have.
    pub(crate) fn vips(&self) -> impl Iterator<Item = Ipv4Addr> {
        self.index.vips.iter().copied()
    }

    /// Whether some Service has this address, whatever the port.
    pub(crate) fn is_vip(&self, addr: Ipv4Addr) -> bool {
        self.index.vips.contains(&addr)
    }
}
