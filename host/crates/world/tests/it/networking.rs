//! Pods and nodes reach each other (concepts/services-networking, "The Kubernetes network model").

use crate::ask::pod;
use crate::fake::Lab;
use serde_json::json;
use std::net::SocketAddrV4;

const NAMES: [&str; 3] = ["net-0", "net-1", "net-2"];

/// A Pod on each of three nodes that answers on TCP 8083 and UDP 8081.
fn lab() -> Lab {
    let mut lab = Lab::new(31, 3, false);
    for (index, name) in NAMES.iter().enumerate() {
        let mut object = pod(name, "net", &["http:8083", "udp:8081/UDP"]);
        object["spec"]["nodeName"] = lab.node_name(index).into();
        lab.make(&object);
    }
    lab.wait_ready(&NAMES);
    lab
}

#[test]
fn every_pod_reaches_every_pod_over_tcp_and_is_seen_as_itself() {
    let mut lab = lab();
    for from in NAMES {
        for to in NAMES {
            let (host, addr) = (lab.host(from), SocketAddrV4::new(lab.ip(to), 8083));
            let answer = lab.ask(host, addr).expect("an endpoint");
            assert_eq!(lab.name_of(&answer.uid), to);
            // Pods see each other's own addresses: nothing translates between them.
            assert_eq!(*answer.client.ip(), lab.ip(from), "{from} to {to}");
        }
    }
}

#[test]
fn every_pod_reaches_every_pod_over_udp_and_is_seen_as_itself() {
    let mut lab = lab();
    for from in NAMES {
        for to in NAMES {
            let (host, addr) = (lab.host(from), SocketAddrV4::new(lab.ip(to), 8081));
            let answer = lab.ask_udp(host, addr).expect("an endpoint");
            assert_eq!(lab.name_of(&answer.uid), to);
            assert_eq!(*answer.client.ip(), lab.ip(from), "{from} to {to}");
        }
    }
}

#[test]
fn every_node_reaches_every_pod_over_tcp() {
    let mut lab = lab();
    for index in 0..3 {
        for to in NAMES {
            let ((node, _), addr) = (lab.node(index), SocketAddrV4::new(lab.ip(to), 8083));
            assert_eq!(lab.who(node, addr), to);
        }
    }
}

#[test]
fn every_node_reaches_every_pod_over_udp() {
    let mut lab = lab();
    for index in 0..3 {
        for to in NAMES {
            let ((node, _), addr) = (lab.node(index), SocketAddrV4::new(lab.ip(to), 8081));
            let answer = lab.ask_udp(node, addr).expect("an endpoint");
            assert_eq!(lab.name_of(&answer.uid), to);
        }
    }
}

#[test]
fn a_pod_on_its_nodes_network_has_the_nodes_address_and_reaches_pods() {
    let mut lab = lab();
    let mut object = pod("on-node", "host", &["8090"]);
    object["spec"]["hostNetwork"] = json!(true);
    object["spec"]["nodeName"] = lab.node_name(1).into();
    lab.make(&object);
    lab.wait_ready(&["on-node"]);
    let (node, addr) = lab.node(1);
    assert_eq!((lab.host("on-node"), lab.ip("on-node")), (node, addr));
    let from = lab.host("net-0");
    assert_eq!(lab.who(from, SocketAddrV4::new(addr, 8090)), "on-node");
    assert_eq!(
        lab.who(node, SocketAddrV4::new(lab.ip("net-2"), 8083)),
        "net-2"
    );
}
