//! A Service from its object to its packets.

use crate::fake::{Lab, PORT};
use clock::Duration;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};

#[test]
fn a_deployment_becomes_ready_and_its_service_answers_from_every_node() {
    let mut lab = Lab::new(1, 3, false);
    lab.create_app("web", 2);
    lab.run(Duration::from_secs(30), |_| {});
    let deployment = lab.object("deployments.apps", "web");
    assert_eq!(
        deployment["status"]["availableReplicas"], 2,
        "{}",
        deployment["status"]
    );
    let vip = SocketAddrV4::new(lab.vip("web"), PORT);
    for index in 0..3 {
        let (node, _) = lab.node(index);
        let answer = lab.ask(node, vip);
        let uid = answer.expect("the Service has two ready endpoints").uid;
        assert!(
            lab.containers.contains_key(&uid),
            "{uid} is no pod of the test"
        );
    }
}

#[test]
fn requests_to_the_service_address_never_leave_a_node_under_that_address() {
    let mut lab = Lab::new(2, 3, false);
    lab.create_app("web", 3);
    lab.run(Duration::from_secs(30), |_| {});
    let vip = lab.vip("web");
    let (node, _) = lab.node(0);
    let mut served: BTreeMap<String, u32> = BTreeMap::new();
    for _ in 0..60 {
        let answer = lab.ask(node, SocketAddrV4::new(vip, PORT));
        let uid = answer.expect("three ready endpoints").uid;
        *served.entry(uid).or_default() += 1;
    }
    assert_eq!(
        served.len(),
        3,
        "sixty connections reach all three pods: {served:?}"
    );
    let nodes: Vec<&str> = lab.world.nodes().keys().map(String::as_str).collect();
    let leaked = lab.world.net().packets().iter().filter(|packet| {
        let outer = &*packet.iface == "eth0" && nodes.contains(&&*packet.host_name);
        outer && (packet.view.dst == vip || packet.view.src == vip)
    });
    assert_eq!(leaked.count(), 0);
}

#[test]
fn a_service_without_ready_endpoints_refuses() {
    let mut lab = Lab::new(3, 1, false);
    lab.create_app("web", 0);
    lab.run(Duration::from_secs(5), |_| {});
    let (node, _) = lab.node(0);
    let answer = lab.ask(node, SocketAddrV4::new(lab.vip("web"), PORT));
    assert_eq!(answer, Err(vnet::NetError::Refused.to_string()));
}

#[test]
fn the_cluster_address_of_a_service_is_no_address_of_the_lan() {
    let lab = Lab::new(4, 1, false);
    assert!(!vnet::Cidr::new(Ipv4Addr::new(172, 18, 0, 0), 16).contains(lab.vip_of_kubernetes()));
}
