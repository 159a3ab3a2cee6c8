//! What holds in every state of every world. Never waits for it to become true.

use crate::fake::Lab;
use clock::{Duration, Instant};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// How long a rule may lag behind its Pods: the EndpointSlice controller works in beats, as
/// upstream's batches do.
const LAG: Duration = Duration::from_millis(500);

/// What was seen before, to judge what is seen now.
#[derive(Debug, Default)]
pub(crate) struct Watcher {
    revision: u64,
    stale: BTreeMap<String, Instant>,
}

impl Watcher {
    /// Asserts everything; `what` says which seed and step.
    pub(crate) fn check(&mut self, lab: &Lab, what: &str) {
        let revision = lab.world.cluster().revision();
        assert!(revision >= self.revision, "{what}: revisions went back");
        self.revision = revision;
        containers_belong_to_pods(lab, what);
        addresses_are_unique(lab, what);
        self.rules_name_ready_pods(lab, what);
        assert!(
            lab.world.net().packets().len() <= vnet::LOG_RECORDS,
            "{what}: the packet log grew beyond its bound"
        );
    }

    /// The store's revision at the last check.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }

    /// Services lead only to Pods of their own that are ready or terminating, but for a short lag.
    fn rules_name_ready_pods(&mut self, lab: &Lab, what: &str) {
        let stale = stale_endpoints(lab);
        self.stale.retain(|why, _| stale.contains(why));
        for why in stale {
            let since = *self.stale.entry(why.clone()).or_insert(lab.now);
            let lag = lab.now.saturating_since(since);
            assert!(lag <= LAG, "{what}: {why}, for {lag:?}");
        }
    }
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

/// Endpoints of rules that are no ready Pod of the Service, and why not.
fn stale_endpoints(lab: &Lab) -> BTreeSet<String> {
    let by_ip: BTreeMap<&str, &Value> = pods(lab)
        .map(|pod| (text(pod, "/status/podIP"), pod))
        .collect();
    let services = lab.world.cluster().service_rules().services;
    let ours = services.iter().filter(|port| port.service != "kubernetes");
    let mut stale = BTreeSet::new();
    for port in ours {
        for endpoint in &port.endpoints {
            let ip = endpoint.addr.ip().to_string();
            let why = match by_ip.get(ip.as_str()) {
                None => "which is no pod's address",
                Some(pod) if !is_ready(pod) && pod["metadata"]["deletionTimestamp"].is_null() => {
                    "whose pod is not ready"
                }
                Some(pod)
                    if port.namespace == "default"
                        && pod["metadata"]["labels"]["app"] != port.service.as_str() =>
                {
                    "which is a foreign pod's"
                }
                Some(_) => continue,
            };
            stale.insert(format!("{} leads to {ip}, {why}", port.service));
        }
    }
    stale
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    let mut conditions = conditions.into_iter().flatten();
    conditions.any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}
