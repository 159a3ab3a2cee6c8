//! Services of type LoadBalancer in clouds and without one
//! (concepts/services-networking/service, "type: LoadBalancer").

use crate::ask::{addresses, pod, service, with};
use crate::fake::Lab;
use hickory_proto::rr::RecordType;
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddrV4};

/// A lab on a platform with a Pod `web` on its first node, and a Service of that type before it.
fn lab(platform: &str, fields: &Value) -> Lab {
    let mut lab = Lab::on(platform);
    for (name, node) in [("web", 0), ("client", 1)] {
        let object = pod(name, name, &["80"]);
        lab.make(&with(object, "/spec/nodeName", lab.node_name(node).into()));
    }
    lab.wait_ready(&["web", "client"]);
    let mut spec = json!({
        "type": "LoadBalancer", "selector": { "app": "web" }, "ports": [{ "port": 80 }],
    });
    for (key, value) in fields.as_object().expect("fields of the spec") {
        spec[key] = value.clone();
    }
    lab.make(&service("web", &spec));
    lab
}

fn ingress(lab: &Lab) -> &Value {
    &lab.object("services", "web")["status"]["loadBalancer"]["ingress"]
}

fn outside(lab: &Lab, name: &str) -> vnet::HostId {
    let machines = lab.world.machines();
    let found = machines.into_iter().find(|(machine, _)| machine == name);
    found.expect("a machine of the platform").1
}

#[test]
fn without_a_cloud_a_balancer_stays_pending_and_its_node_port_works() {
    let mut lab = Lab::new(91, 1, false);
    lab.make(&pod("web", "web", &["80"]));
    lab.wait_ready(&["web"]);
    let spec = json!({
        "type": "LoadBalancer", "selector": { "app": "web" }, "ports": [{ "port": 80 }],
    });
    let made = lab.make(&service("web", &spec));
    lab.pass(600);
    assert!(ingress(&lab).is_null());
    let port = made["spec"]["ports"][0]["nodePort"].as_u64().expect("one");
    let (from, (_, node)) = (lab.world.workstation(), lab.node(0));
    let to = SocketAddrV4::new(node, u16::try_from(port).expect("a port"));
    assert_eq!(lab.who(from, to), "web");
}

#[test]
fn a_cloud_gives_an_address_after_a_while() {
    let mut lab = lab("gke", &json!({}));
    assert!(ingress(&lab).is_null(), "pending first");
    lab.pass(30);
    let ip: Ipv4Addr = ingress(&lab)[0]["ip"]
        .as_str()
        .expect("an address")
        .parse()
        .expect("IPv4");
    let internet = outside(&lab, "internet");
    assert_eq!(lab.who(internet, SocketAddrV4::new(ip, 80)), "web");
    let client = lab.host("client");
    assert_eq!(lab.who(client, SocketAddrV4::new(ip, 80)), "web");
}

#[test]
fn another_cloud_gives_a_name_that_leads_to_its_balancer_from_outside_and_inside() {
    let mut lab = lab("eks", &json!({}));
    assert!(ingress(&lab).is_null(), "pending first");
    lab.pass(60);
    assert_eq!(ingress(&lab)[0].get("ip"), None);
    let name = ingress(&lab)[0]["hostname"]
        .as_str()
        .expect("a name")
        .to_owned();
    assert!(name.ends_with(".us-west-2.elb.amazonaws.com"), "{name}");
    for machine in ["laptop", "internet"] {
        let host = outside(&lab, machine);
        let server = lab.world.resolver_for(host).expect("a resolver");
        let found = addresses(&lab.query_at(host, server, &name, RecordType::A));
        assert_eq!(found.len(), 1, "{machine}");
        assert_eq!(
            lab.who(host, SocketAddrV4::new(found[0], 80)),
            "web",
            "{machine}"
        );
        let inner = lab.query_at(host, server, "web.default.svc.cluster.local", RecordType::A);
        assert!(
            addresses(&inner).is_empty(),
            "names of the cluster are for the cluster"
        );
    }
    let found = lab.lookup("client", &name);
    assert_eq!(found.len(), 1);
    let client = lab.host("client");
    assert_eq!(lab.who(client, SocketAddrV4::new(found[0], 80)), "web");
    lab.delete("Service", "web");
    lab.pass(30);
    assert!(lab.lookup("client", &name).is_empty());
}

#[test]
fn a_local_balancer_asks_each_node_for_its_endpoints_and_keeps_the_clients_address() {
    let mut lab = lab("gke", &json!({ "externalTrafficPolicy": "Local" }));
    lab.pass(30);
    let ip: Ipv4Addr = ingress(&lab)[0]["ip"]
        .as_str()
        .expect("an address")
        .parse()
        .expect("IPv4");
    let port = lab.object("services", "web")["spec"]["healthCheckNodePort"].as_u64();
    let port = u16::try_from(port.expect("allocated")).expect("a port");
    let ((first, one), (second, two)) = (lab.node(0), lab.node(1));
    let get = "GET /healthz HTTP/1.1\r\nHost: node\r\n\r\n";
    let good = lab.talk(second, SocketAddrV4::new(one, port), get);
    assert!(good.starts_with("HTTP/1.1 200 OK\r\n"), "{good}");
    assert!(
        good.contains("\"localEndpoints\": 1,") && good.contains("\"name\": \"web\""),
        "{good}"
    );
    let bad = lab.talk(first, SocketAddrV4::new(two, port), get);
    assert!(
        bad.starts_with("HTTP/1.1 503 Service Unavailable\r\n"),
        "{bad}"
    );
    assert!(bad.contains("\"localEndpoints\": 0,"), "{bad}");
    let internet = outside(&lab, "internet");
    for _ in 0..8 {
        let answer = lab
            .ask(internet, SocketAddrV4::new(ip, 80))
            .expect("only good nodes are asked");
        assert_eq!(*answer.client.ip(), lab.world.net().host_addr(internet));
    }
    // Another policy, and nobody listens there any more.
    lab.patch(
        "Service",
        "web",
        &json!({ "spec": { "externalTrafficPolicy": "Cluster" } }),
    );
    lab.pass(2);
    assert_eq!(
        lab.ask(second, SocketAddrV4::new(one, port)),
        Err("connection refused".into())
    );
}
