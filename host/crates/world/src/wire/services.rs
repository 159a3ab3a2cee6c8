//! Services on the wire: what the cluster says each frontend leads to, in the network's words.

use cluster::proxy::{Endpoint, Protocol, Rules, ServicePort};
use std::net::{Ipv4Addr, SocketAddrV4};
use vnet::{Frontend, FrontendAddr, Proto, ServiceRule};

/// The rules that every node's data plane should hold.
pub(crate) fn rules(rules: &Rules) -> Vec<ServiceRule> {
    rules.services.iter().map(rule).collect()
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
