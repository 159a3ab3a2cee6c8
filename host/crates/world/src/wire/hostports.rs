//! Host ports on the wire: ports of nodes that lead to the Pods which ask for them.
//!
//! Never decides who gets a port: the scheduler lets two Pods that want the same one onto
//! different nodes.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddrV4};
use vnet::{HostPort, Proto};

/// The ports of every node, by the node's name.
pub(crate) type HostPorts = BTreeMap<String, BTreeSet<HostPort>>;

/// Whether a Pod asks for a port of its node, and is not on the node's own network.
pub(crate) fn wants(pod: &Value) -> bool {
    pod["spec"]["hostNetwork"] != true && asked(pod).next().is_some()
}

/// What the Pods that have an address ask for.
pub(crate) fn host_ports<'a>(pods: impl Iterator<Item = &'a Value>) -> HostPorts {
    let mut all = HostPorts::new();
    for pod in pods.filter(|pod| wants(pod)) {
        let phase = pod["status"]["phase"].as_str().unwrap_or_default();
        let ip = pod["status"]["podIP"].as_str();
        let ip = ip.and_then(|ip| ip.parse::<Ipv4Addr>().ok());
        let (Some(ip), Some(node)) = (ip, pod["spec"]["nodeName"].as_str()) else {
            continue;
        };
        if !matches!(phase, "Succeeded" | "Failed") {
            let ports = asked(pod).filter_map(|port| host_port(port, ip));
            all.entry(node.to_owned()).or_default().extend(ports);
        }
    }
    all
}

fn asked(pod: &Value) -> impl Iterator<Item = &Value> {
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
    let ports = containers.filter_map(|container| container["ports"].as_array());
    ports
        .flatten()
        .filter(|port| port["hostPort"].as_u64().is_some_and(|number| number != 0))
}

fn host_port(port: &Value, ip: Ipv4Addr) -> Option<HostPort> {
    let number = |field: &str| u16::try_from(port[field].as_u64()?).ok();
    let addr = port["hostIP"].as_str().and_then(|addr| addr.parse().ok());
    Some(HostPort {
        proto: match port["protocol"].as_str() {
            Some("UDP") => Proto::Udp,
            Some("SCTP") => return None,
            _ => Proto::Tcp,
        },
        addr: addr.filter(|addr| *addr != Ipv4Addr::UNSPECIFIED),
        port: number("hostPort")?,
        to: SocketAddrV4::new(ip, number("containerPort")?),
    })
}
