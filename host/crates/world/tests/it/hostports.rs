//! Ports of nodes that lead to Pods (reference: `hostPort` of a container's port).

use crate::ask::pod;
use crate::fake::Lab;
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddrV4};

const PORT: u16 = 54_323;

/// A Pod that answers on 8080 and wants the node's port 54323 of this address.
fn wanting(name: &str, addr: &str, protocol: &str) -> Value {
    let mut object = pod(name, name, &[]);
    object["spec"]["containers"][0]["ports"] = json!([{
        "containerPort": 8080, "hostPort": PORT, "hostIP": addr, "protocol": protocol,
    }]);
    object
}

#[test]
fn the_same_host_port_may_be_had_with_another_address_or_protocol() {
    let mut lab = Lab::new(75, 1, false);
    let (node, addr) = lab.node(0);
    let text = addr.to_string();
    let wishes = [
        ("one", "127.0.0.1", "TCP"),
        ("two", &*text, "TCP"),
        ("three", &*text, "UDP"),
    ];
    for (name, addr, protocol) in wishes {
        lab.make(&wanting(name, addr, protocol));
    }
    lab.wait_ready(&["one", "two", "three"]);
    let to = SocketAddrV4::new(addr, PORT);
    let outside = lab.world.workstation();
    for from in [node, outside] {
        assert_eq!(lab.who(from, to), "two");
        let answer = lab.ask_udp(from, to).expect("the third");
        assert_eq!(lab.name_of(&answer.uid), "three");
    }
    // From the node itself the loopback address leads to the Pod that asked for that one.
    let own = SocketAddrV4::new(Ipv4Addr::LOCALHOST, PORT);
    assert_eq!(lab.who(node, own), "one");
}

#[test]
fn a_host_port_keeps_its_clients_address_and_closes_with_its_pod() {
    let mut lab = Lab::new(76, 2, false);
    let mut object = wanting("web", "", "TCP");
    object["spec"]["nodeName"] = lab.node_name(0).into();
    lab.make(&object);
    lab.make(&pod("client", "client", &[]));
    lab.wait_ready(&["web", "client"]);
    let outside = lab.world.workstation();
    let ((_, first), (_, second)) = (lab.node(0), lab.node(1));
    let answer = lab
        .ask(outside, SocketAddrV4::new(first, PORT))
        .expect("the Pod");
    assert_eq!(*answer.client.ip(), lab.world.net().host_addr(outside));
    let client = lab.host("client");
    assert_eq!(lab.who(client, SocketAddrV4::new(first, PORT)), "web");
    // The Pod reaches itself, too.
    let own = lab.host("web");
    assert_eq!(lab.who(own, SocketAddrV4::new(first, PORT)), "web");
    let refused = Err("connection refused".to_owned());
    assert_eq!(
        lab.ask(outside, SocketAddrV4::new(second, PORT)),
        refused,
        "another node"
    );
    lab.delete("Pod", "web");
    lab.pass(40);
    assert_eq!(lab.ask(outside, SocketAddrV4::new(first, PORT)), refused);
}

#[test]
fn a_second_pod_for_the_same_host_port_waits_for_another_node() {
    let mut lab = Lab::new(77, 1, false);
    lab.make(&wanting("one", "", "TCP"));
    lab.wait_ready(&["one"]);
    lab.make(&wanting("two", "127.0.0.1", "TCP"));
    lab.pass(5);
    let pod = lab.object("pods", "two");
    assert_eq!(pod["status"]["conditions"][0]["reason"], "Unschedulable");
    let message = pod["status"]["conditions"][0]["message"].as_str();
    let message = message.expect("upstream says why");
    assert!(
        message.starts_with(
            "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports."
        ),
        "{message}"
    );
}
