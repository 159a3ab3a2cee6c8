//! Where traffic of a Service may go, and whom endpoints see (reference/networking/virtual-ips,
//! "Traffic policies"; tutorials/services/source-ip).

use crate::ask::{pod, service, with};
use crate::fake::Lab;
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddrV4};

const REFUSED: &str = "connection refused";

/// Two nodes: on the first a Pod `web`, on each a Pod that asks.
fn lab() -> Lab {
    let mut lab = Lab::new(81, 2, false);
    for (name, app, node) in [("web", "web", 0), ("near", "near", 0), ("far", "far", 1)] {
        let object = pod(name, app, &["80", "53/UDP"]);
        lab.make(&with(object, "/spec/nodeName", lab.node_name(node).into()));
    }
    lab.wait_ready(&["web", "near", "far"]);
    lab
}

fn spec(fields: &Value) -> Value {
    let mut spec = json!({ "selector": { "app": "web" }, "ports": [{ "port": 80 }] });
    for (key, value) in fields.as_object().expect("fields of the spec") {
        spec[key] = value.clone();
    }
    spec
}

fn node_port(made: &Value) -> u16 {
    let port = made["spec"]["ports"][0]["nodePort"].as_u64();
    u16::try_from(port.expect("given")).expect("in range")
}

#[test]
fn an_internal_policy_of_local_stays_on_the_node() {
    let mut lab = lab();
    lab.make(&service(
        "web",
        &spec(&json!({ "internalTrafficPolicy": "Local" })),
    ));
    lab.pass(2);
    let to = SocketAddrV4::new(lab.vip("web"), 80);
    let (near, far) = (lab.host("near"), lab.host("far"));
    assert_eq!(lab.who(near, to), "web");
    // There is an endpoint, and not here: dropped, as kube-proxy does, not refused.
    assert_eq!(lab.ask(far, to), Err("late".into()));
    lab.patch(
        "Service",
        "web",
        &json!({ "spec": { "internalTrafficPolicy": "Cluster" } }),
    );
    lab.pass(2);
    assert_eq!(lab.who(far, to), "web");
}

#[test]
fn pods_are_seen_as_themselves_and_clients_outside_as_a_node() {
    let mut lab = lab();
    let made = lab.make(&service("web", &spec(&json!({ "type": "NodePort" }))));
    lab.pass(2);
    let (far, outside) = (lab.host("far"), lab.world.workstation());
    let vip = SocketAddrV4::new(lab.vip("web"), 80);
    let answer = lab.ask(far, vip).expect("an endpoint");
    assert_eq!(*answer.client.ip(), lab.ip("far"));
    let (_, second) = lab.node(1);
    let to = SocketAddrV4::new(second, node_port(&made));
    let answer = lab.ask(outside, to).expect("an endpoint");
    let laptop = lab.world.net().host_addr(outside);
    assert_ne!(
        *answer.client.ip(),
        laptop,
        "masqueraded by the second node"
    );
}

#[test]
fn an_external_policy_of_local_keeps_the_clients_address_and_drops_elsewhere() {
    let mut lab = lab();
    let fields = json!({ "type": "NodePort", "externalTrafficPolicy": "Local" });
    let made = lab.make(&service("web", &spec(&fields)));
    lab.pass(2);
    let (outside, port) = (lab.world.workstation(), node_port(&made));
    let laptop = lab.world.net().host_addr(outside);
    let ((_, first), (_, second)) = (lab.node(0), lab.node(1));
    let answer = lab
        .ask(outside, SocketAddrV4::new(first, port))
        .expect("an endpoint");
    assert_eq!(*answer.client.ip(), laptop);
    assert_eq!(
        lab.ask(outside, SocketAddrV4::new(second, port)),
        Err("late".into())
    );
    // Pods count as inside: they reach it through any node.
    let far = lab.host("far");
    assert_eq!(lab.who(far, SocketAddrV4::new(second, port)), "web");
    // And the cluster's own address is not concerned.
    assert_eq!(lab.who(far, SocketAddrV4::new(lab.vip("web"), 80)), "web");
}

#[test]
fn a_node_whose_only_endpoint_is_leaving_still_serves_local_traffic() {
    let mut lab = lab();
    let fields = json!({ "type": "NodePort", "externalTrafficPolicy": "Local" });
    let made = lab.make(&service("web", &spec(&fields)));
    let other = with(
        pod("other", "web", &["80"]),
        "/spec/nodeName",
        lab.node_name(1).into(),
    );
    lab.make(&other);
    lab.wait_ready(&["other"]);
    lab.stubborn.insert("web".into());
    lab.delete("Pod", "web");
    lab.pass(3);
    let (outside, port) = (lab.world.workstation(), node_port(&made));
    let ((node, first), (_, second)) = (lab.node(0), lab.node(1));
    assert_eq!(lab.who(outside, SocketAddrV4::new(first, port)), "web");
    assert_eq!(lab.who(outside, SocketAddrV4::new(second, port)), "other");
    // Traffic that may go anywhere goes to who is ready.
    let vip = SocketAddrV4::new(lab.vip("web"), 80);
    lab.check_crowd(node, vip, &["other"]);
    lab.pass(40);
    assert_eq!(
        lab.ask(outside, SocketAddrV4::new(first, port)),
        Err("late".into())
    );
}

#[test]
fn an_external_ip_leads_to_the_service_where_it_arrives_at_a_node() {
    let mut lab = lab();
    let (_, second) = lab.node(1);
    let elsewhere = Ipv4Addr::new(198, 51, 100, 32);
    let fields = json!({ "externalIPs": [second.to_string(), elsewhere.to_string()] });
    lab.make(&service("web", &spec(&fields)));
    lab.pass(2);
    let (outside, far) = (lab.world.workstation(), lab.host("far"));
    assert_eq!(lab.who(outside, SocketAddrV4::new(second, 80)), "web");
    // From inside any of them, though nobody outside is at that address.
    assert_eq!(lab.who(far, SocketAddrV4::new(elsewhere, 80)), "web");
    let (_, first) = lab.node(0);
    assert_eq!(
        lab.ask(outside, SocketAddrV4::new(first, 80)),
        Err(REFUSED.into())
    );
}

#[test]
fn a_udp_conversation_moves_on_when_its_endpoint_leaves_that_service() {
    let mut lab = lab();
    let ports = json!([{ "port": 53, "protocol": "UDP" }]);
    let udp = |lab: &mut Lab, name: &str, pods: &[&str]| {
        let addrs: Vec<Value> = pods
            .iter()
            .map(|pod| json!({ "addresses": [lab.ip(pod).to_string()] }))
            .collect();
        lab.make(&json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": { "name": name, "labels": { "kubernetes.io/service-name": name } },
            "addressType": "IPv4", "endpoints": addrs, "ports": [{ "port": 53, "protocol": "UDP" }],
        }));
    };
    for name in ["one", "two"] {
        lab.make(&service(name, &json!({ "ports": ports })));
        udp(&mut lab, name, &["web"]);
    }
    lab.pass(2);
    let far = lab.host("far");
    let to = SocketAddrV4::new(lab.vip("one"), 53);
    // The same socket all the time, as a stubborn client has it.
    let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 40_000);
    let sock = lab
        .world
        .net_mut()
        .udp_bind(lab.now, far, any, vnet::Origin::Program);
    let sock = sock.expect("free");
    let ask = |lab: &mut Lab| {
        let net = lab.world.net_mut();
        net.udp_send(lab.now, sock, to, b"who?").expect("sent");
        lab.pass(1);
        let answer = lab
            .world
            .net_mut()
            .udp_recv(lab.now, sock)
            .map(|answer| answer.expect("data").1);
        answer.map(|data| lab.name_of(&crate::fake::Answer::read(&data).uid))
    };
    assert_eq!(ask(&mut lab).as_deref(), Some("web"));
    // It stays the other Service's endpoint, and is gone from this one.
    lab.delete("EndpointSlice", "one");
    udp(&mut lab, "one", &["near"]);
    lab.pass(1);
    assert_eq!(ask(&mut lab).as_deref(), Some("near"));
}
