//! What holds in every state of every world. Never waits for it to become true.

use crate::fake::Lab;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Asserts everything; `what` says which seed and step.
pub(crate) fn check(lab: &Lab, last_revision: &mut u64, what: &str) {
    let cluster = lab.world.cluster();
    assert!(
        cluster.revision() >= *last_revision,
        "{what}: revisions went back"
    );
    *last_revision = cluster.revision();
    containers_belong_to_pods(lab, what);
    addresses_are_unique(lab, what);
    rules_name_ready_pods(lab, what);
    assert!(
        lab.world.net().packets().len() <= vnet::LOG_RECORDS,
        "{what}: the packet log grew beyond its bound"
    );
}

fn pods(lab: &Lab) -> impl Iterator<Item = &Value> {
    lab.world
        .cluster()
        .store()
        .list("pods", None)
        .map(|pod| &**pod)
}

fn text<'a>(value: &'a Value, path: &str) -> &'a str {
    value
        .pointer(path)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// A container runs only for a Pod that exists and is bound to a node.
fn containers_belong_to_pods(lab: &Lab, what: &str) {
    let bound: BTreeSet<&str> = pods(lab)
        .filter(|pod| !pod["spec"]["nodeName"].is_null())
        .map(|pod| text(pod, "/metadata/uid"))
        .collect();
    for container in lab.containers.values() {
        assert!(
            bound.contains(container.pod.uid.as_str()),
            "{what}: {:?} runs for no pod",
            container.pod
        );
    }
}

/// No two machines that are there have one address.
fn addresses_are_unique(lab: &Lab, what: &str) {
    let mut seen: BTreeMap<&str, &str> = BTreeMap::new();
    for pod in pods(lab) {
        let (ip, name) = (text(pod, "/status/podIP"), text(pod, "/metadata/name"));
        let over = matches!(text(pod, "/status/phase"), "Succeeded" | "Failed");
        if !ip.is_empty() && !over && pod["spec"]["hostNetwork"] != true {
            let other = seen.insert(ip, name);
            assert_eq!(
                other, None,
                "{what}: {name} has the address of another pod, {ip}"
            );
        }
    }
}

/// Services lead only to Pods that are ready, or to terminating ones when none is.
fn rules_name_ready_pods(lab: &Lab, what: &str) {
    let by_ip: BTreeMap<&str, &Value> = pods(lab)
        .map(|pod| (text(pod, "/status/podIP"), pod))
        .collect();
    for port in lab.world.cluster().service_rules().services {
        for endpoint in &port.endpoints {
            let ip = endpoint.addr.ip().to_string();
            let Some(pod) = by_ip.get(ip.as_str()) else {
                continue;
            };
            let app = &pod["metadata"]["labels"]["app"];
            if port.namespace == "default" && port.service != "kubernetes" {
                assert_eq!(
                    app,
                    port.service.as_str(),
                    "{what}: {} leads to a foreign pod",
                    port.service
                );
            }
        }
    }
}
