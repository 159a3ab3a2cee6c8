//! Services on the wire: what the cluster says each frontend leads to, in the network's words.

use cluster::proxy::{Endpoint, Protocol, Rules, ServicePort};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use vnet::{Frontend, FrontendAddr, Proto, ServiceRule, Services};

/// The rules that every node's data plane should hold after `old` were in `held`: only what differs
/// is made anew.
pub(crate) fn follow(held: &Services, old: &Rules, new: &Rules) -> Services {
    let mut before = old.services.iter().zip(held.rules()).peekable();
    let mut rules = Vec::with_capacity(new.services.len());
    for port in &new.services {
        // Both are in one order, so that what comes earlier than this port is gone.
        while before
            .next_if(|(old, _)| place(old) < place(port))
            .is_some()
        {}
        let same = before.next_if(|(old, _)| place(old) == place(port));
        rules.push(match same {
            Some((old, held)) if old == port => held.clone(),
            _ => Arc::new(rule(port)),
        });
    }
    held.next(rules)
}

/// Ports of one Service stay in the order of its `spec`, which nobody else knows.
fn place(port: &ServicePort) -> (&str, &str) {
    (&port.namespace, &port.service)
}

fn addrs(endpoints: &[Endpoint]) -> Vec<SocketAddrV4> {
    endpoints.iter().map(|endpoint| endpoint.addr).collect()
}

fn rule(port: &ServicePort) -> ServiceRule {
    let ip = |addr: &Ipv4Addr| Frontend {
        addr: FrontendAddr::Ip(*addr),
        port: port.port,
    };
    let mut frontends = vec![ip(&port.cluster_ip)];
    frontends.extend(
        port.external_ips
            .iter()
            .chain(&port.load_balancer_ips)
            .map(ip),
    );
    frontends.extend(port.node_port.map(|port| Frontend {
        addr: FrontendAddr::AnyNode,
        port,
    }));
    ServiceRule {
        name: format!("{}/{}:{}", port.namespace, port.service, port.port_name),
        proto: match port.protocol {
            Protocol::Tcp => Proto::Tcp,
            Protocol::Udp => Proto::Udp,
        },
        frontends,
        endpoints: addrs(&port.endpoints),
        leaving: addrs(&port.leaving),
        internal_local: port.internal_local,
        external_local: port.external_local,
        affinity: port.affinity,
    }
}
