//! Objects of the network that are kept and shown: Ingresses and their classes, ranges of Service
//! addresses and the addresses in use.

use crate::ask::service;
use crate::endpoints::check_operations_at;
use crate::fake::Lab;
use cluster::Method;
use serde_json::{Value, json};

#[test]
fn an_ingress_is_created_listed_watched_patched_replaced_and_deleted() {
    let mut lab = Lab::new(71, 1, false);
    let object = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
        "metadata": { "name": "ingress" },
        "spec": {
            "defaultBackend": { "service": { "name": "default-backend", "port": { "number": 80 } } },
            "rules": [{ "host": "foo.bar.com", "http": { "paths": [{
                "path": "/", "pathType": "ImplementationSpecific",
                "backend": { "service": { "name": "backend", "port": { "number": 8080 } } },
            }] } }],
        },
    });
    let path = "/apis/networking.k8s.io/v1/namespaces/default/ingresses";
    check_operations_at(
        &mut lab,
        path,
        &object,
        "/spec/rules/0/host",
        &json!("other.bar.com"),
    );
    let (status, _) = lab.api(Method::Post, path, &object);
    assert_eq!(status, 201);
    let status_path = format!("{path}/ingress/status");
    let ready = json!({ "status": { "loadBalancer": { "ingress": [{ "ip": "169.1.1.1" }] } } });
    let (status, patched) = lab.api(Method::Patch, &status_path, &ready);
    assert_eq!(
        (
            status,
            &patched["status"]["loadBalancer"]["ingress"][0]["ip"]
        ),
        (200, &json!("169.1.1.1"))
    );
    let (_, mut read) = lab.api(Method::Get, &status_path, &Value::Null);
    read["status"]["loadBalancer"]["ingress"][0]["ip"] = json!("169.1.1.2");
    let (status, _) = lab.api(Method::Put, &status_path, &read);
    assert_eq!(status, 200);
}

#[test]
fn an_ingress_class_is_created_listed_watched_patched_replaced_and_deleted() {
    let mut lab = Lab::new(72, 1, false);
    let object = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass",
        "metadata": { "name": "class" }, "spec": { "controller": "example.com/controller" },
    });
    let path = "/apis/networking.k8s.io/v1/ingressclasses";
    let value = json!("changed");
    check_operations_at(
        &mut lab,
        path,
        &object,
        "/metadata/annotations/changed",
        &value,
    );
}

#[test]
fn there_is_one_range_of_service_addresses_and_no_second() {
    let mut lab = Lab::new(73, 1, false);
    let path = "/apis/networking.k8s.io/v1/servicecidrs";
    let (_, first) = lab.api(Method::Get, &format!("{path}/kubernetes"), &Value::Null);
    assert_eq!(first["spec"]["cidrs"], json!(["10.96.0.0/12"]));
    assert_eq!(first["status"]["conditions"][0]["type"], "Ready");
    let object = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR",
        "metadata": { "name": "more" }, "spec": { "cidrs": ["10.200.0.0/24"] },
    });
    let (status, refused) = lab.api(Method::Post, path, &object);
    assert_eq!(status, 405);
    let message = refused["message"].as_str().expect("a message");
    assert!(message.starts_with("not in this lab"), "{message}");
}

#[test]
fn an_address_of_a_service_is_an_object_of_its_own() {
    let mut lab = Lab::new(74, 1, false);
    let path = "/apis/networking.k8s.io/v1/ipaddresses";
    lab.make(&service("web", &json!({ "ports": [{ "port": 80 }] })));
    let vip = lab.vip("web");
    let (status, address) = lab.api(Method::Get, &format!("{path}/{vip}"), &Value::Null);
    assert_eq!(status, 200, "{address}");
    assert_eq!(
        address["spec"]["parentRef"],
        json!({ "group": "", "resource": "services", "namespace": "default", "name": "web" })
    );
    lab.delete("Service", "web");
    let (status, _) = lab.api(Method::Get, &format!("{path}/{vip}"), &Value::Null);
    assert_eq!(status, 404);
    let object = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "IPAddress",
        "metadata": { "name": "192.168.1.5" },
        "spec": { "parentRef": { "group": "", "resource": "services", "namespace": "default", "name": "nobody" } },
    });
    let value = json!("changed");
    check_operations_at(
        &mut lab,
        path,
        &object,
        "/metadata/annotations/changed",
        &value,
    );
}
