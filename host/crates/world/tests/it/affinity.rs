//! `sessionAffinity: ClientIP` (reference/networking/virtual-ips, "Session affinity").

use crate::ask::{pod, service};
use crate::fake::Lab;
use serde_json::{Value, json};
use std::net::SocketAddrV4;
use vnet::HostId;

const PODS: [&str; 3] = ["one", "two", "three"];

/// Three Pods behind a Service of this type, two clients, and where the Service is asked.
fn lab(type_: &str, affinity: &Value) -> (Lab, [HostId; 2], SocketAddrV4) {
    let mut lab = Lab::new(21, 2, false);
    for name in PODS {
        lab.make(&pod(name, "web", &["80"]));
    }
    for name in ["client", "other"] {
        lab.make(&pod(name, name, &[]));
    }
    lab.wait_ready(&["one", "two", "three", "client", "other"]);
    let mut spec =
        json!({ "type": type_, "selector": { "app": "web" }, "ports": [{ "port": 80 }] });
    for (key, value) in affinity.as_object().expect("fields of the spec") {
        spec[key] = value.clone();
    }
    let made = lab.make(&service("web", &spec));
    lab.pass(2);
    let to = match made["spec"]["ports"][0]["nodePort"].as_u64() {
        Some(port) => {
            let (_, node) = lab.node(0);
            SocketAddrV4::new(node, u16::try_from(port).expect("in range"))
        }
        None => SocketAddrV4::new(lab.vip("web"), 80),
    };
    let clients = [lab.host("client"), lab.host("other")];
    (lab, clients, to)
}

fn sticks(lab: &mut Lab, from: HostId, to: SocketAddrV4) -> bool {
    lab.crowd(from, to, 20).len() == 1
}

fn check_affinity(type_: &str) {
    let (mut lab, [client, _], to) = lab(type_, &json!({ "sessionAffinity": "ClientIP" }));
    assert!(sticks(&mut lab, client, to));
    // Three hours, unless the Service says another time.
    assert_eq!(
        lab.object("services", "web")["spec"]["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"],
        10_800
    );
}

fn check_switch(type_: &str) {
    let (mut lab, [client, _], to) = lab(type_, &json!({ "sessionAffinity": "None" }));
    assert!(!sticks(&mut lab, client, to));
    for (affinity, expected) in [("ClientIP", true), ("None", false), ("ClientIP", true)] {
        let patch =
            json!({ "spec": { "sessionAffinity": affinity, "sessionAffinityConfig": null } });
        lab.patch("Service", "web", &patch);
        lab.pass(2);
        assert_eq!(sticks(&mut lab, client, to), expected, "{affinity}");
    }
}

#[test]
fn a_client_keeps_its_endpoint_at_a_cluster_address() {
    check_affinity("ClusterIP");
}

#[test]
fn a_client_keeps_its_endpoint_at_a_node_port() {
    check_affinity("NodePort");
}

#[test]
fn affinity_is_switched_while_a_cluster_address_is_used() {
    check_switch("ClusterIP");
}

#[test]
fn affinity_is_switched_while_a_node_port_is_used() {
    check_switch("NodePort");
}

#[test]
fn affinity_ends_when_a_client_has_been_silent_for_its_time() {
    let affinity = json!({
        "sessionAffinity": "ClientIP",
        "sessionAffinityConfig": { "clientIP": { "timeoutSeconds": 10 } },
    });
    let (mut lab, [client, _], to) = lab("ClusterIP", &affinity);
    let mut seen = Vec::new();
    for _ in 0..20 {
        // Each question within the time renews it.
        let first = lab.who(client, to);
        lab.pass(8);
        assert_eq!(lab.who(client, to), first);
        lab.pass(11);
        seen.push(first);
    }
    seen.sort();
    seen.dedup();
    assert_eq!(
        seen,
        ["one", "three", "two"],
        "twenty fresh choices reach all"
    );
}

#[test]
fn affinity_moves_on_when_its_endpoint_is_gone() {
    let (mut lab, [client, other], to) =
        lab("ClusterIP", &json!({ "sessionAffinity": "ClientIP" }));
    let before = lab.who(client, to);
    lab.delete("Pod", &before);
    lab.pass(2);
    let after = lab.who(client, to);
    assert_ne!(after, before);
    assert!(sticks(&mut lab, client, to));
    // Another client has an endpoint of its own choice, and keeps it too.
    assert!(sticks(&mut lab, other, to));
}
