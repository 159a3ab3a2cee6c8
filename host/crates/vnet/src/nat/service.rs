//! Services as the dataplane sees them: which address and port leads to which endpoints.
//!
//! Never knows a pod, a selector or readiness; it is handed rules.

use crate::packet::Flow;
use crate::socket::Proto;
use clock::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddrV4};

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

/// Every rule, found by where it listens.
#[derive(Debug, Default)]
pub(crate) struct ServiceTable {
    pub(crate) rules: Vec<ServiceRule>,
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

impl ServiceTable {
    pub(crate) fn new(rules: Vec<ServiceRule>) -> Self {
        let mut table = Self::default();
        for (index, rule) in rules.iter().enumerate() {
            for frontend in &rule.frontends {
                table.add_frontend(index, rule.proto, *frontend);
            }
        }
        Self { rules, ..table }
    }

    fn add_frontend(&mut self, rule: usize, proto: Proto, frontend: Frontend) {
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

    /// The rule for a packet with this destination; `is_node_port` says that the destination
    /// address is the node's own.
    pub(crate) fn find(
        &self,
        flow: Flow,
        is_node_port: bool,
        is_cluster_ip: impl Fn(Ipv4Addr) -> bool,
    ) -> Option<(&ServiceRule, Via)> {
        let (addr, port) = (*flow.dst.ip(), flow.dst.port());
        if let Some(rule) = self.by_ip.get(&(flow.proto, addr, port)) {
            let via = if is_cluster_ip(addr) {
                Via::ClusterIp
            } else {
                Via::External
            };
            return Some((&self.rules[*rule], via));
        }
        let rule = self
            .by_node_port
            .get(&(flow.proto, port))
            .filter(|_| is_node_port)?;
        Some((&self.rules[*rule], Via::External))
    }

    /// The addresses that Services have.
    pub(crate) fn vips(&self) -> impl Iterator<Item = Ipv4Addr> {
        self.vips.iter().copied()
    }

    /// Whether some Service has this address, whatever the port.
    pub(crate) fn is_vip(&self, addr: Ipv4Addr) -> bool {
        self.vips.contains(&addr)
    }

    /// Every UDP frontend with each of its endpoints: what a change is measured by.
    pub(crate) fn udp_ways(&self) -> BTreeSet<(Frontend, SocketAddrV4)> {
        let udp = self.rules.iter().filter(|rule| rule.proto == Proto::Udp);
        let ways = udp.flat_map(|rule| {
            let endpoints = move || rule.endpoints.iter().chain(&rule.leaving);
            let frontends = rule.frontends.iter();
            frontends.flat_map(move |front| endpoints().map(|endpoint| (*front, *endpoint)))
        });
        ways.collect()
    }
}
