//! What holds in every state of every world. Never waits for it to become true.

use crate::fake::Lab;
use clock::{Duration, Instant};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// How long a rule may lag behind its Pods: the EndpointSlice controller works in beats, as
/// upstream's batches do.
const LAG: Duration = Duration::from_millis(500);

/// How long something may be there without its owner: the garbage collector works in beats, too.
const ORPHANED: Duration = Duration::from_millis(500);

/// What is written though nothing happens.
pub(crate) const SIGNS_OF_LIFE: [&str; 2] = ["nodes", "leases.coordination.k8s.io"];

/// What was seen before, to judge what is seen now.
#[derive(Debug, Default)]
pub(crate) struct Watcher {
    revision: u64,
    /// How many containers and machines of Pods there were.
    running: (usize, usize),
    /// What should not be, and since when it is.
    stale: BTreeMap<String, (Instant, Duration)>,
}

impl Watcher {
    /// Asserts everything; `what` says which seed and step.
    pub(crate) fn check(&mut self, lab: &Lab, what: &str) {
        let revision = lab.world.cluster().revision();
        assert!(revision >= self.revision, "{what}: revisions went back");
        // What is told by objects and machines has not changed when they have not.
        let running = (lab.containers.len(), lab.machines.len());
        if self.running != running || touched(lab, self.revision) {
            containers_belong_to_pods(lab, what);
            addresses_are_unique(lab, what);
            self.look_again(lab);
        }
        (self.revision, self.running) = (revision, running);
        for (why, (since, bound)) in &self.stale {
            let lag = lab.now.saturating_since(*since);
            assert!(lag <= *bound, "{what}: {why}, for {lag:?}");
        }
        assert!(
            lab.world.net().packets().len() <= vnet::LOG_RECORDS,
            "{what}: the packet log grew beyond its bound"
        );
    }

    /// Services lead only to Pods of their own that are ready or terminating, and what is owned
    /// has its owner, but for a short lag.
    fn look_again(&mut self, lab: &Lab) {
        let endpoints = stale_endpoints(lab).into_iter().map(|why| (why, LAG));
        let orphans = orphans(lab).into_iter().map(|why| (why, ORPHANED));
        let found: BTreeMap<String, Duration> = endpoints.chain(orphans).collect();
        self.stale.retain(|why, _| found.contains_key(why));
        for (why, bound) in found {
            self.stale.entry(why).or_insert((lab.now, bound));
        }
    }

    /// The store's revision at the last check.
    pub(crate) fn revision(&self) -> u64 {
        self.revision
    }
}

/// Whether anything but a sign of life was written after `since`.
fn touched(lab: &Lab, since: u64) -> bool {
    if lab.world.cluster().revision() == since {
        return false;
    }
    match lab.world.cluster().store().events_since(since) {
        Ok(mut events) => events.any(|event| !SIGNS_OF_LIFE.contains(&event.kind)),
        Err(_) => true,
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

/// No two machines that are there have one address, nor two Pods.
fn addresses_are_unique(lab: &Lab, what: &str) {
    let mut machines = BTreeMap::new();
    for (uid, machine) in &lab.machines {
        let addr = lab.world.net().host_addr(machine.host);
        let other = machines.insert(addr, uid);
        assert_eq!(
            other, None,
            "{what}: {uid} has another machine's address, {addr}"
        );
    }
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

/// Objects of which an owner is gone, and which nobody has asked to go, too.
fn orphans(lab: &Lab) -> BTreeSet<String> {
    const OWNED: [&str; 4] = [
        "pods",
        "replicasets.apps",
        "endpointslices.discovery.k8s.io",
        "controllerrevisions.apps",
    ];
    const OWNERS: [&str; 4] = ["deployments.apps", "replicasets.apps", "services", "nodes"];
    let store = lab.world.cluster().store();
    let all = |kinds: [&'static str; 4]| {
        let objects = kinds.into_iter().map(|kind| (kind, store.list(kind, None)));
        objects.flat_map(|(kind, list)| list.map(move |object| (kind, object)))
    };
    let there: BTreeSet<&str> = all(OWNERS)
        .map(|(_, object)| text(object, "/metadata/uid"))
        .collect();
    let mut orphans = BTreeSet::new();
    let staying = |object: &Value| object["metadata"]["deletionTimestamp"].is_null();
    for (kind, object) in all(OWNED).filter(|(_, object)| staying(object)) {
        let owners = object["metadata"]["ownerReferences"].as_array();
        for owner in owners.into_iter().flatten() {
            if !there.contains(text(owner, "/uid")) {
                let name = text(object, "/metadata/name");
                orphans.insert(format!("{kind}/{name} has lost its owner {owner}"));
            }
        }
    }
    orphans
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

pub(crate) fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    let mut conditions = conditions.into_iter().flatten();
    conditions.any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}
