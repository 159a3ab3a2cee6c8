//! EndpointSlices and Endpoints, made by controllers or by hand
//! (concepts/services-networking/endpoint-slices; KEP-4974 for the deprecation of Endpoints).

use crate::ask::{path, pod, service, with};
use crate::fake::Lab;
use cluster::{Body, Method, Request};
use serde_json::{Value, json};
use std::net::SocketAddrV4;

const SLICES: &str = "endpointslices.discovery.k8s.io";
const OF: &str = "kubernetes.io/service-name";
const REFUSED: &str = "connection refused";

fn slices<'a>(lab: &'a Lab, service: &str) -> Vec<&'a Value> {
    let all = lab.world.cluster().store().list(SLICES, Some("default"));
    all.filter(|slice| slice["metadata"]["labels"][OF] == service)
        .map(|slice| &**slice)
        .collect()
}

fn texts<'a>(values: impl IntoIterator<Item = &'a Value>) -> Vec<String> {
    let mut texts: Vec<String> = values
        .into_iter()
        .map(|value| {
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        })
        .collect();
    texts.sort();
    texts
}

/// The addresses in slices whose condition is true.
fn having(slices: &[&Value], condition: &str) -> Vec<String> {
    let endpoints = slices
        .iter()
        .flat_map(|slice| slice["endpoints"].as_array());
    let found = endpoints.flatten();
    let found = found.filter(|endpoint| endpoint["conditions"][condition] == true);
    texts(found.map(|endpoint| &endpoint["addresses"][0]))
}

/// A hand-made slice.
fn slice(name: &str, service: &str, addrs: &[String], ports: &Value) -> Value {
    let endpoints: Vec<Value> = addrs
        .iter()
        .map(|addr| json!({ "addresses": [addr] }))
        .collect();
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": { "name": name, "labels": { OF: service } },
        "addressType": "IPv4", "endpoints": endpoints, "ports": ports,
    })
}

#[test]
fn pods_of_a_service_are_in_its_endpoints_and_in_its_slices() {
    let mut lab = Lab::new(41, 2, false);
    lab.make(&pod("one", "web", &["one:80"]));
    lab.make(&pod("two", "web", &["two:81"]));
    let ports = json!([
        { "name": "first", "port": 8080, "targetPort": "one" },
        { "name": "second", "port": 8081, "targetPort": "two" },
    ]);
    lab.make(&service(
        "web",
        &json!({ "selector": { "app": "web" }, "ports": ports }),
    ));
    lab.wait_ready(&["one", "two"]);
    let found = slices(&lab, "web");
    // A slice has one list of ports: two Pods with different ports are in two slices.
    assert_eq!(found.len(), 2);
    for slice in &found {
        assert_eq!(slice["addressType"], "IPv4");
        assert_eq!(slice["metadata"]["ownerReferences"][0]["name"], "web");
        assert_eq!(
            slice["metadata"]["labels"]["endpointslice.kubernetes.io/managed-by"],
            "endpointslice-controller.k8s.io"
        );
        let endpoint = &slice["endpoints"][0];
        let name = endpoint["targetRef"]["name"].as_str().expect("a Pod");
        assert_eq!(endpoint["addresses"][0], lab.ip(name).to_string());
        let pod = lab.object("pods", name);
        assert_eq!(endpoint["nodeName"], pod["spec"]["nodeName"]);
        let port = if name == "one" {
            ("first", 80)
        } else {
            ("second", 81)
        };
        assert_eq!(slice["ports"].as_array().map(Vec::len), Some(1));
        assert_eq!(
            (
                slice["ports"][0]["name"].as_str(),
                &slice["ports"][0]["port"]
            ),
            (Some(port.0), &json!(port.1))
        );
    }
    let endpoints = lab.object("endpoints", "web");
    assert_eq!(endpoints["subsets"].as_array().map(Vec::len), Some(2));
    lab.delete("Service", "web");
    lab.pass(5);
    assert!(slices(&lab, "web").is_empty());
    assert!(
        lab.world
            .cluster()
            .store()
            .get("endpoints", "default", "web")
            .is_none()
    );
}

#[test]
fn a_service_that_matches_nothing_has_empty_endpoints_until_it_is_deleted() {
    let mut lab = Lab::new(42, 1, false);
    lab.make(&service(
        "none",
        &json!({ "selector": { "app": "nobody" }, "ports": [{ "port": 80 }] }),
    ));
    lab.pass(2);
    let found = slices(&lab, "none");
    assert_eq!(found.len(), 1, "a placeholder");
    assert!(found[0]["endpoints"].as_array().is_none_or(Vec::is_empty));
    assert!(lab.object("endpoints", "none").get("subsets").is_none());
    lab.delete("Service", "none");
    lab.pass(5);
    assert!(slices(&lab, "none").is_empty());
    assert!(
        lab.world
            .cluster()
            .store()
            .get("endpoints", "default", "none")
            .is_none()
    );
}

#[test]
fn slices_made_by_hand_stand_for_a_service_without_a_selector() {
    let mut lab = Lab::new(43, 2, false);
    for name in ["one", "two", "client"] {
        lab.make(&pod(name, "any", &["9376"]));
    }
    lab.make(&service(
        "web",
        &json!({ "ports": [{ "name": "http", "port": 80 }] }),
    ));
    lab.wait_ready(&["one", "two", "client"]);
    let (client, web) = (lab.host("client"), SocketAddrV4::new(lab.vip("web"), 80));
    assert_eq!(lab.ask(client, web), Err(REFUSED.into()));
    let ports = json!([{ "name": "http", "port": 9376 }]);
    // Each of two slices has one of the addresses.
    for name in ["one", "two"] {
        let addr = lab.ip(name).to_string();
        lab.make(&slice(&format!("web-{name}"), "web", &[addr], &ports));
    }
    lab.pass(2);
    lab.check_crowd(client, web, &["one", "two"]);
    lab.delete("EndpointSlice", "web-one");
    lab.pass(2);
    lab.check_crowd(client, web, &["two"]);
}

#[test]
fn ports_of_one_service_may_be_in_different_slices() {
    let mut lab = Lab::new(44, 2, false);
    for name in ["one", "two", "client"] {
        lab.make(&pod(name, "any", &["a:3000", "b:3001"]));
    }
    let ports = json!([{ "name": "first", "port": 80 }, { "name": "second", "port": 81 }]);
    lab.make(&service("web", &json!({ "ports": ports })));
    lab.wait_ready(&["one", "two", "client"]);
    let (one, two) = (lab.ip("one").to_string(), lab.ip("two").to_string());
    lab.make(&slice(
        "web-a",
        "web",
        &[one],
        &json!([{ "name": "first", "port": 3000 }]),
    ));
    lab.make(&slice(
        "web-b",
        "web",
        &[two],
        &json!([{ "name": "second", "port": 3001 }]),
    ));
    lab.pass(2);
    let (client, vip) = (lab.host("client"), lab.vip("web"));
    for (port, who, own) in [(80, "one", 3000), (81, "two", 3001)] {
        let answer = lab
            .ask(client, SocketAddrV4::new(vip, port))
            .expect("an endpoint");
        assert_eq!((lab.name_of(&answer.uid).as_str(), answer.port), (who, own));
    }
}

#[test]
fn a_slice_is_created_listed_watched_patched_replaced_and_deleted() {
    let mut lab = Lab::new(45, 1, false);
    let addrs = ["192.0.2.1".to_owned()];
    let object = slice(
        "by-hand",
        "web",
        &addrs,
        &json!([{ "name": "http", "port": 80 }]),
    );
    check_operations(&mut lab, &object, "/ports/0/port", &json!(8080));
}

/// Every verb on an object; the field at the pointer is what is replaced.
fn check_operations(lab: &mut Lab, object: &Value, pointer: &str, value: &Value) {
    let kind = object["kind"].as_str().expect("a kind");
    check_operations_at(lab, path(kind), object, pointer, value);
}

/// Every verb on an object that is served here.
pub(crate) fn check_operations_at(
    lab: &mut Lab,
    all: &str,
    object: &Value,
    pointer: &str,
    value: &Value,
) {
    let object = with(object.clone(), "/metadata/labels/special", json!("yes"));
    let name = object["metadata"]["name"].as_str().expect("a name");
    let one = format!("{all}/{name}");
    let selector = format!("{all}?labelSelector=special%3Dyes");
    let count = |lab: &mut Lab, path: &str| {
        let (_, list) = lab.api(Method::Get, path, &Value::Null);
        let version = list["metadata"]["resourceVersion"].as_str();
        let version = version.expect("a version").to_owned();
        (list["items"].as_array().map_or(0, Vec::len), version)
    };
    lab.create(all, &object);
    let (status, _) = lab.api(Method::Get, &one, &Value::Null);
    assert_eq!(status, 200);
    let (found, version) = count(lab, &selector);
    let everywhere = selector.replace("/namespaces/default", "");
    assert_eq!((found, count(lab, &everywhere).0), (1, 1));
    let patch = json!({ "metadata": { "annotations": { "patched": "true" } } });
    let (status, patched) = lab.api(Method::Patch, &one, &patch);
    let annotation = &patched["metadata"]["annotations"]["patched"];
    assert_eq!((status, annotation), (200, &json!("true")), "{patched}");
    let next = with(patched, pointer, value.clone());
    let (status, replaced) = lab.api(Method::Put, &one, &next);
    assert_eq!(
        (status, replaced.pointer(pointer)),
        (200, Some(value)),
        "{replaced}"
    );
    let (status, answer) = lab.api(Method::Delete, &one, &json!({}));
    assert_eq!(status, 200, "{answer}");
    // A range of addresses is looked at by its controller first.
    lab.pass(2);
    let (status, _) = lab.api(Method::Get, &one, &Value::Null);
    assert_eq!(status, 404);
    let watch = format!("{selector}&watch=true&resourceVersion={version}");
    let mut seen = watched(lab, &watch);
    seen.dedup();
    assert_eq!(seen, ["MODIFIED", "DELETED"]);
    lab.create(all, &object);
    let (status, _) = lab.api(Method::Delete, &selector, &json!({}));
    assert_eq!(status, 200);
    lab.pass(2);
    assert_eq!(count(lab, &selector).0, 0);
}

/// The types of the events that a watch has to say at once.
fn watched(lab: &mut Lab, path: &str) -> Vec<String> {
    let request = Request::new(Method::Get, path, "application/json", Vec::new());
    let response = lab.world.api(lab.now, request);
    let Body::Watch(watch) = response.body else {
        panic!("{path} is no watch")
    };
    let mut text = String::new();
    let cluster::WatchPoll::Lines(bytes) = lab.world.poll_watch(lab.now, watch) else {
        panic!("{path} says nothing")
    };
    text.push_str(&String::from_utf8_lossy(&bytes));
    lab.world.close_watch_of(world::SiteId::MAIN, watch);
    let events = text.lines().map(|line| {
        let event: Value = serde_json::from_str(line).expect("JSON");
        event["type"].as_str().expect("a type").to_owned()
    });
    events.collect()
}

#[test]
fn endpoints_written_by_hand_are_mirrored_until_they_are_deleted() {
    let mut lab = Lab::new(46, 1, false);
    for name in ["web", "other", "client"] {
        lab.make(&pod(name, "any", &["9376"]));
    }
    lab.make(&service(
        "web",
        &json!({ "ports": [{ "name": "http", "port": 80 }] }),
    ));
    lab.wait_ready(&["web", "other", "client"]);
    let subsets = |lab: &Lab, pod: &str| {
        let addr = lab.ip(pod).to_string();
        json!([{ "addresses": [{ "ip": addr }], "ports": [{ "name": "http", "port": 9376 }] }])
    };
    let first = subsets(&lab, "web");
    lab.make(&json!({
        "apiVersion": "v1", "kind": "Endpoints", "metadata": { "name": "web" }, "subsets": first,
    }));
    lab.pass(2);
    let found = slices(&lab, "web");
    assert_eq!(found.len(), 1);
    assert_eq!(
        found[0]["metadata"]["labels"]["endpointslice.kubernetes.io/managed-by"],
        "endpointslicemirroring-controller.k8s.io"
    );
    let (client, web) = (lab.host("client"), SocketAddrV4::new(lab.vip("web"), 80));
    lab.check_crowd(client, web, &["web"]);
    let second = subsets(&lab, "other");
    lab.patch("Endpoints", "web", &json!({ "subsets": second }));
    lab.pass(2);
    assert_eq!(
        having(&slices(&lab, "web"), "ready"),
        [lab.ip("other").to_string()]
    );
    lab.check_crowd(client, web, &["other"]);
    lab.delete("Endpoints", "web");
    lab.pass(2);
    assert!(slices(&lab, "web").is_empty());
    assert_eq!(lab.ask(client, web), Err(REFUSED.into()));
}

#[test]
fn endpoints_are_created_listed_replaced_patched_and_deleted_with_a_warning() {
    let mut lab = Lab::new(47, 1, false);
    let subsets = json!([{ "addresses": [{ "ip": "10.0.0.24" }], "ports": [{ "name": "http", "port": 80 }] }]);
    let object = json!({
        "apiVersion": "v1", "kind": "Endpoints", "metadata": { "name": "web" }, "subsets": subsets,
    });
    check_operations(
        &mut lab,
        &object,
        "/subsets/0/addresses/0/ip",
        &json!("10.0.0.25"),
    );
    let request = Request::new(
        Method::Get,
        path("Endpoints"),
        "application/json",
        Vec::new(),
    );
    let response = lab.world.api(lab.now, request);
    let warning =
        "299 - \"v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice\"";
    assert!(
        response.headers.contains(&("warning", warning.to_owned())),
        "{:?}",
        response.headers
    );
}

#[test]
fn conditions_tell_ready_serving_and_terminating_apart() {
    let mut lab = Lab::new(48, 1, false);
    let probe = json!({ "httpGet": { "port": 80 }, "periodSeconds": 1, "failureThreshold": 1 });
    for name in ["well", "unwell", "leaving"] {
        let object = pod(name, "web", &["80"]);
        lab.make(&with(
            object,
            "/spec/containers/0/readinessProbe",
            probe.clone(),
        ));
    }
    lab.make(&service(
        "web",
        &json!({ "selector": { "app": "web" }, "ports": [{ "port": 80 }] }),
    ));
    lab.unwell.insert("unwell".into());
    lab.stubborn.insert("leaving".into());
    lab.wait_ready(&["well", "leaving"]);
    lab.delete("Pod", "leaving");
    lab.pass(3);
    let found = slices(&lab, "web");
    let ips = |names: &[&str]| {
        let mut ips: Vec<String> = names.iter().map(|name| lab.ip(name).to_string()).collect();
        ips.sort();
        ips
    };
    assert_eq!(having(&found, "ready"), ips(&["well"]));
    assert_eq!(having(&found, "serving"), ips(&["well", "leaving"]));
    assert_eq!(having(&found, "terminating"), ips(&["leaving"]));
}

#[test]
fn who_leaves_but_still_serves_is_asked_when_nobody_else_is_ready() {
    let mut lab = Lab::new(49, 1, false);
    for name in ["web", "client"] {
        lab.make(&pod(name, name, &["80"]));
    }
    lab.make(&service(
        "web",
        &json!({ "selector": { "app": "web" }, "ports": [{ "port": 80 }] }),
    ));
    lab.stubborn.insert("web".into());
    lab.wait_ready(&["web", "client"]);
    let (client, web) = (lab.host("client"), SocketAddrV4::new(lab.vip("web"), 80));
    lab.delete("Pod", "web");
    lab.pass(3);
    // KEP-1669: better an endpoint that is about to go than none.
    lab.check_crowd(client, web, &["web"]);
    lab.make(&pod("fresh", "web", &["80"]));
    lab.wait_ready(&["fresh"]);
    lab.check_crowd(client, web, &["fresh"]);
    lab.pass(40);
    lab.delete("Pod", "fresh");
    lab.pass(3);
    assert_eq!(lab.ask(client, web), Err(REFUSED.into()));
}

#[test]
fn addresses_of_pods_that_are_not_ready_are_published_when_the_service_says_so() {
    let mut lab = Lab::new(50, 1, false);
    let probe = json!({ "httpGet": { "port": 80 }, "periodSeconds": 1, "failureThreshold": 1 });
    lab.unwell.insert("web".into());
    lab.make(&with(
        pod("web", "web", &["80"]),
        "/spec/containers/0/readinessProbe",
        probe,
    ));
    lab.make(&pod("client", "client", &[]));
    for (name, publish) in [("strict", false), ("eager", true)] {
        let spec = json!({
            "selector": { "app": "web" }, "ports": [{ "port": 80 }], "publishNotReadyAddresses": publish,
        });
        lab.make(&service(name, &spec));
    }
    lab.wait_ready(&["client"]);
    lab.pass(5);
    assert!(!lab.is_ready("web"));
    let client = lab.host("client");
    let (strict, eager) = (lab.vip("strict"), lab.vip("eager"));
    assert_eq!(
        lab.ask(client, SocketAddrV4::new(strict, 80)),
        Err(REFUSED.into())
    );
    assert_eq!(lab.who(client, SocketAddrV4::new(eager, 80)), "web");
    assert_eq!(
        having(&slices(&lab, "eager"), "ready"),
        [lab.ip("web").to_string()]
    );
    assert_eq!(
        lab.object("endpoints", "strict")["subsets"][0]["notReadyAddresses"][0]["ip"],
        lab.ip("web").to_string()
    );
    assert_eq!(
        lab.object("endpoints", "eager")["subsets"][0]["addresses"][0]["ip"],
        lab.ip("web").to_string()
    );
}
