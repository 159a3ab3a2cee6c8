//! Addresses and ports of Services. Never routes a packet.

use crate::fixture::{Lab, NGINX_SERVICE, SERVICES};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const STRATEGIC: &str = "application/strategic-merge-patch+json";

#[test]
fn a_service_is_filled_in_as_kubectl_get_shows_it() {
    let mut lab = Lab::new();
    let service = lab.create(SERVICES, NGINX_SERVICE);
    let address = service["spec"]["clusterIP"].clone();
    assert_eq!(
        service["spec"],
        json!({
            "clusterIP": address,
            "clusterIPs": [address],
            "internalTrafficPolicy": "Cluster",
            "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack",
            "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}],
            "selector": {"run": "my-nginx"},
            "sessionAffinity": "None",
            "type": "ClusterIP",
        })
    );
    assert_eq!(service["status"], json!({"loadBalancer": {}}));
    assert_eq!(service["metadata"].get("generation"), None);
}

#[test]
fn addresses_are_out_of_the_range_and_no_two_are_the_same() {
    let mut lab = Lab::new();
    let mut seen = BTreeSet::new();
    for number in 0..200 {
        let body = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": format!("s{number}")}, "spec": {"ports": [{"port": 80}]}});
        let service = lab.create(SERVICES, &body.to_string());
        let address: std::net::Ipv4Addr = service["spec"]["clusterIP"]
            .as_str()
            .and_then(|text| text.parse().ok())
            .expect("an address");
        assert_eq!(
            u32::from(address) >> 20,
            u32::from(std::net::Ipv4Addr::new(10, 96, 0, 0)) >> 20
        );
        assert!(seen.insert(address), "{address} twice");
    }
}

#[test]
fn the_two_services_everyone_relies_on_have_their_addresses() {
    let mut lab = Lab::new();
    assert_eq!(
        lab.get(&format!("{SERVICES}/kubernetes"))["spec"]["clusterIP"],
        "10.96.0.1"
    );
    let dns = lab.get("/api/v1/namespaces/kube-system/services/kube-dns");
    assert_eq!(dns["spec"]["clusterIP"], "10.96.0.10");
}

fn node_port(service: &Value) -> i64 {
    service["spec"]["ports"][0]["nodePort"]
        .as_i64()
        .unwrap_or(0)
}

#[test]
fn a_node_port_stays_while_the_type_wants_one() {
    let mut lab = Lab::new();
    let path = format!("{SERVICES}/my-nginx");
    let plain = lab.create(SERVICES, NGINX_SERVICE);
    let on_nodes = lab.patch(
        &path,
        "application/merge-patch+json",
        r#"{"spec":{"type":"NodePort"}}"#,
    );
    let port = node_port(&on_nodes);
    assert!((30_000..=32_767).contains(&port), "{on_nodes}");
    assert_eq!(on_nodes["spec"]["externalTrafficPolicy"], "Cluster");
    assert_eq!(on_nodes["spec"]["clusterIP"], plain["spec"]["clusterIP"]);
    let balanced = lab.patch(&path, STRATEGIC, r#"{"spec":{"type":"LoadBalancer"}}"#);
    assert_eq!(node_port(&balanced), port);
    assert_eq!(balanced["spec"]["allocateLoadBalancerNodePorts"], true);
    let back = lab.patch(&path, STRATEGIC, r#"{"spec":{"type":"ClusterIP"}}"#);
    assert_eq!(back["spec"], plain["spec"]);
}

#[test]
fn headless_and_external_services_have_no_address() {
    let mut lab = Lab::new();
    let headless = lab.create(SERVICES, "{apiVersion: v1, kind: Service, metadata: {name: h}, spec: {clusterIP: None, ports: [{port: 80}]}}");
    assert_eq!(headless["spec"]["clusterIPs"], json!(["None"]));
    let external = lab.create(SERVICES, "{apiVersion: v1, kind: Service, metadata: {name: e}, spec: {type: ExternalName, externalName: example.com}}");
    assert_eq!(
        external["spec"],
        json!({"externalName": "example.com", "sessionAffinity": "None", "type": "ExternalName"})
    );
}

#[test]
fn a_chosen_address_is_given_once() {
    let mut lab = Lab::new();
    let body = |name: &str| {
        format!(
            "{{apiVersion: v1, kind: Service, metadata: {{name: {name}}}, spec: {{clusterIP: 10.96.0.77, ports: [{{port: 80}}]}}}}"
        )
    };
    lab.create(SERVICES, &body("a"));
    lab.refused(cluster::Method::Post, SERVICES, &body("b"), 422, "Service \"b\" is invalid: spec.clusterIPs: Invalid value: [\"10.96.0.77\"]: failed to allocate IP 10.96.0.77: provided IP is already allocated");
}
