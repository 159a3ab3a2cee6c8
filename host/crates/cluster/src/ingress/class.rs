//! Whose an Ingress is: its class, and the controller that the class names. Never reads a rule.

use crate::controller::meta::{items, name, text};
use crate::store::{Object, Store};
use serde_json::Value;

/// The controller that this lab has, as `IngressClass.spec.controller` names it.
pub const CONTROLLER: &str = "k8s.io/ingress-nginx";
const CLASSES: &str = "ingressclasses.networking.k8s.io";
const INGRESSES: &str = "ingresses.networking.k8s.io";
/// Marks the class of Ingresses that name none.
const DEFAULT: &str = "ingressclass.kubernetes.io/is-default-class";
/// The name of a class as it was written before there were classes.
const OLD: &str = "kubernetes.io/ingress.class";

/// Whether a container of this image is the controller.
#[must_use]
pub fn is_controller(image: &str) -> bool {
    image.starts_with("registry.k8s.io/ingress-nginx/controller")
}

/// The Ingresses of this controller, in the order in which they were made: the older one's rule
/// counts when two say the same.
pub(super) fn ours(store: &Store) -> Vec<&Object> {
    let mut found: Vec<&Object> = store
        .list(INGRESSES, None)
        .filter(|ingress| is_ours(store, ingress))
        .collect();
    found.sort_by_key(|ingress| text(&ingress["metadata"]["creationTimestamp"]));
    found
}

/// Whether an Ingress is this controller's.
pub(crate) fn is_ours(store: &Store, ingress: &Value) -> bool {
    let old = ingress["metadata"]["annotations"][OLD].as_str();
    let class = match ingress["spec"]["ingressClassName"].as_str().or(old) {
        Some(class) => store.get(CLASSES, "", class),
        None => default(store),
    };
    class.is_some_and(|class| class["spec"]["controller"] == CONTROLLER)
}

/// The class of Ingresses that name none: the newest of those marked so.
pub(crate) fn default(store: &Store) -> Option<&Object> {
    let marked = store
        .list(CLASSES, None)
        .filter(|class| class["metadata"]["annotations"][DEFAULT] == "true");
    marked.max_by_key(|class| {
        let made = text(&class["metadata"]["creationTimestamp"]);
        (made, std::cmp::Reverse(name(class)))
    })
}

/// Where clients find the controller: the addresses of the load balancer in front of it, or those
/// of the nodes that it runs on.
pub(crate) fn addresses(store: &Store) -> Vec<Value> {
    let pods: Vec<&Object> = store.list("pods", None).filter(|pod| runs(pod)).collect();
    let Some(first) = pods.first() else {
        return Vec::new();
    };
    let balanced = store
        .list("services", first["metadata"]["namespace"].as_str())
        .filter(|service| service["spec"]["type"] == "LoadBalancer" && selects(service, first))
        .flat_map(|service| items(&service["status"]["loadBalancer"]["ingress"]))
        .map(|one| match one["hostname"].as_str() {
            Some(hostname) => serde_json::json!({ "hostname": hostname }),
            None => serde_json::json!({ "ip": one["ip"] }),
        });
    let balanced: Vec<Value> = balanced.collect();
    if !balanced.is_empty() {
        return balanced;
    }
    let mut nodes: Vec<Value> = pods
        .iter()
        .map(|pod| serde_json::json!({ "ip": pod["status"]["hostIP"] }))
        .collect();
    nodes.dedup();
    nodes
}

fn runs(pod: &Value) -> bool {
    let containers = items(&pod["spec"]["containers"]).iter();
    let ours = containers.map(|one| text(&one["image"])).any(is_controller);
    let ready = items(&pod["status"]["conditions"])
        .iter()
        .any(|one| one["type"] == "Ready" && one["status"] == "True");
    ours && ready && pod["metadata"]["deletionTimestamp"].is_null()
}

fn selects(service: &Value, pod: &Value) -> bool {
    let labels = &pod["metadata"]["labels"];
    service["spec"]["selector"]
        .as_object()
        .is_some_and(|wanted| !wanted.is_empty() && wanted.iter().all(|(k, v)| labels[k] == *v))
}
