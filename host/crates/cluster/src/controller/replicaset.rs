//! Keeps as many pods as a ReplicaSet asks for: adopts, creates, deletes, counts.
//!
//! Pods that are finished or marked for deletion no longer count, wherever they are. Never waits
//! for a pod: what became of it wakes the ReplicaSet again.

use super::meta::{
    controlled_by, controller_of, deleting, items, name, namespace, owner_reference, pod_finished,
    pod_ready, selector_matches, text, uid, unix, until_available,
};
use super::{Context, Controller, Index, Note, Tone, Write};
use crate::store::{Event, Key, Object, Store};
use clock::Duration;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const KIND: &str = "replicasets.apps";
const COMPONENT: &str = "replicaset-controller";
/// How many pods one reconcile creates or deletes at most.
const BURST: usize = 500;

/// The ReplicaSet controller.
#[derive(Debug)]
pub struct ReplicaSets;

impl Controller for ReplicaSets {
    fn name(&self) -> &'static str {
        COMPONENT
    }

    fn pace(&self, store: &Store) -> Duration {
        super::pace_of_crowds(store)
    }

    fn wakes(&self, event: &Event, store: &Store, _: &Index) -> Vec<Key> {
        match event.kind {
            KIND => vec![Key::of(KIND, &event.object)],
            "pods" => {
                let mut keys = owners_of(&event.object, store);
                if let Some(previous) = &event.previous {
                    keys.extend(controller_key(previous));
                }
                keys
            }
            _ => Vec::new(),
        }
    }

    fn reconcile(&self, store: &Store, key: &Key, context: &Context<'_>) -> Vec<Write> {
        let Some(set) = store.get_key(key) else {
            return Vec::new();
        };
        let mut writes = Vec::new();
        let pods = claim(store, set, context, &mut writes);
        let active: Vec<&Object> = pods
            .iter()
            .copied()
            .filter(|pod| !pod_finished(pod) && !deleting(pod))
            .collect();
        let wanted = usize::try_from(set["spec"]["replicas"].as_i64().unwrap_or(1)).unwrap_or(0);
        if !deleting(set) {
            if active.len() < wanted {
                let missing = (wanted - active.len()).min(BURST);
                writes.extend((0..missing).map(|_| create_pod(set)));
            } else if active.len() > wanted {
                let surplus = (active.len() - wanted).min(BURST);
                writes.extend(
                    first_to_go(&active, surplus)
                        .into_iter()
                        .map(|pod| delete_pod(set, pod)),
                );
            }
        }
        write_status(set, &pods, &active, context, &mut writes);
        writes
    }
}

fn controller_key(pod: &Value) -> Option<Key> {
    let owner = controller_of(pod).filter(|owner| owner["kind"] == "ReplicaSet")?;
    Some(Key::new(KIND, namespace(pod), text(&owner["name"])))
}

/// The ReplicaSet that controls the pod, or those that would adopt it.
fn owners_of(pod: &Value, store: &Store) -> Vec<Key> {
    if controller_of(pod).is_some() {
        return controller_key(pod).into_iter().collect();
    }
    let labels = &pod["metadata"]["labels"];
    let sets = store.list(KIND, Some(namespace(pod)));
    sets.filter(|set| selector_matches(&set["spec"]["selector"], labels))
        .map(|set| Key::of(KIND, set))
        .collect()
}

/// The set's pods; orphans that match are adopted, pods that no longer match are released.
fn claim<'a>(
    store: &'a Store,
    set: &Value,
    context: &Context<'_>,
    writes: &mut Vec<Write>,
) -> Vec<&'a Object> {
    let selector = &set["spec"]["selector"];
    let owner = uid(set);
    let mut claimed = Vec::new();
    for key in context
        .index
        .owned_by(owner)
        .filter(|key| key.kind == "pods")
    {
        let Some(pod) = store.get_key(key).filter(|pod| controlled_by(pod, owner)) else {
            continue;
        };
        if selector_matches(selector, &pod["metadata"]["labels"]) {
            claimed.push(pod);
        } else if !deleting(set) {
            writes.push(release(pod, owner));
        }
    }
    if deleting(set) {
        return claimed;
    }
    for pod in store.list("pods", Some(namespace(set))) {
        let orphan = controller_of(pod).is_none() && !deleting(pod) && !pod_finished(pod);
        if orphan && selector_matches(selector, &pod["metadata"]["labels"]) {
            writes.push(adopt(pod, set));
            claimed.push(pod);
        }
    }
    claimed
}

fn adopt(pod: &Value, set: &Value) -> Write {
    let mut pod = pod.clone();
    let mut owners = items(&pod["metadata"]["ownerReferences"]).to_vec();
    owners.push(owner_reference(set));
    pod["metadata"]["ownerReferences"] = owners.into();
    Write::Update {
        kind: "pods",
        value: pod,
    }
}

fn release(pod: &Value, owner: &str) -> Write {
    let mut pod = pod.clone();
    let others: Vec<Value> = items(&pod["metadata"]["ownerReferences"])
        .iter()
        .filter(|reference| reference["uid"] != owner)
        .cloned()
        .collect();
    if let Some(metadata) = pod["metadata"].as_object_mut() {
        if others.is_empty() {
            metadata.remove("ownerReferences");
        } else {
            metadata.insert("ownerReferences".to_owned(), others.into());
        }
    }
    Write::Update {
        kind: "pods",
        value: pod,
    }
}

fn create_pod(set: &Value) -> Write {
    let template = &set["spec"]["template"];
    let mut metadata = json!({
        "generateName": format!("{}-", name(set)),
        "namespace": set["metadata"]["namespace"],
        "ownerReferences": [owner_reference(set)],
    });
    for field in ["labels", "annotations"] {
        if let Some(value) = template["metadata"]
            .get(field)
            .filter(|value| !value.is_null())
        {
            metadata[field] = value.clone();
        }
    }
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": metadata, "spec": template["spec"], "status": {"phase": "Pending"},
    });
    let note = Note::about(
        set,
        Tone::Normal,
        "SuccessfulCreate",
        "Created pod: ",
        COMPONENT,
    );
    Write::Create {
        kind: "pods",
        value: pod,
        announce: Some(note),
    }
}

fn delete_pod(set: &Value, pod: &Value) -> Write {
    let message = format!("Deleted pod: {}", name(pod));
    Write::Delete {
        key: Key::of("pods", pod),
        uid: uid(pod).to_owned(),
        grace_seconds: None,
        announce: Some(Note::about(
            set,
            Tone::Normal,
            "SuccessfulDelete",
            message,
            COMPONENT,
        )),
    }
}

/// The `surplus` pods whose loss hurts least: without a node, pending, not ready, cheap by
/// annotation, on a node with many of their kind, young, often restarted.
fn first_to_go<'a>(active: &[&'a Object], surplus: usize) -> Vec<&'a Object> {
    let mut per_node: BTreeMap<&str, i64> = BTreeMap::new();
    for pod in active {
        *per_node.entry(text(&pod["spec"]["nodeName"])).or_default() += 1;
    }
    let mut ranked: Vec<_> = active
        .iter()
        .map(|pod| (cost_of_loss(pod, &per_node), *pod))
        .collect();
    ranked.sort_by(|a, b| a.0.cmp(&b.0));
    ranked
        .into_iter()
        .take(surplus)
        .map(|(_, pod)| pod)
        .collect()
}

type Cost = (bool, u8, bool, i64, i64, i64, i64, i64, String);

fn cost_of_loss(pod: &Value, per_node: &BTreeMap<&str, i64>) -> Cost {
    let node = text(&pod["spec"]["nodeName"]);
    let phase = match text(&pod["status"]["phase"]) {
        "Pending" => 0,
        "Unknown" => 1,
        _ => 2,
    };
    let annotation = &pod["metadata"]["annotations"]["controller.kubernetes.io/pod-deletion-cost"];
    let ready_since =
        super::meta::condition(pod, "Ready").map_or("", |ready| text(&ready["lastTransitionTime"]));
    let restarts = items(&pod["status"]["containerStatuses"])
        .iter()
        .filter_map(|status| status["restartCount"].as_i64());
    (
        !node.is_empty(),
        phase,
        pod_ready(pod),
        text(annotation).parse().unwrap_or(0),
        -per_node.get(node).copied().unwrap_or(0),
        -unix(ready_since).unwrap_or(i64::MAX),
        -restarts.max().unwrap_or(0),
        -unix(text(&pod["metadata"]["creationTimestamp"])).unwrap_or(0),
        name(pod).to_owned(),
    )
}

fn write_status(
    set: &Value,
    pods: &[&Object],
    active: &[&Object],
    context: &Context<'_>,
    writes: &mut Vec<Write>,
) {
    let min_ready = set["spec"]["minReadySeconds"].as_i64().unwrap_or(0);
    let template_labels = &set["spec"]["template"]["metadata"]["labels"];
    let waits: Vec<i64> = active
        .iter()
        .filter_map(|pod| until_available(pod, min_ready, context.unix()))
        .collect();
    let labelled = active
        .iter()
        .filter(|pod| all_labels(template_labels, &pod["metadata"]["labels"]))
        .count();
    let terminating = pods
        .iter()
        .filter(|pod| deleting(pod) && !pod_finished(pod))
        .count();
    let mut status = json!({
        "replicas": active.len(),
        "terminatingReplicas": terminating,
        "observedGeneration": set["metadata"]["generation"],
    });
    for (field, count) in [
        ("fullyLabeledReplicas", labelled),
        ("readyReplicas", waits.len()),
        (
            "availableReplicas",
            waits.iter().filter(|wait| **wait == 0).count(),
        ),
    ] {
        if count > 0 {
            status[field] = count.into();
        }
    }
    if status != set["status"] {
        let mut next = set.clone();
        next["status"] = status;
        writes.push(Write::UpdateStatus {
            kind: KIND,
            value: next,
        });
    }
    if let Some(wait) = waits.iter().filter(|wait| **wait > 0).min() {
        writes.push(Write::RequeueAfter(Duration::from_secs(
            u64::try_from(*wait).unwrap_or(1),
        )));
    }
}

fn all_labels(wanted: &Value, labels: &Value) -> bool {
    wanted.as_object().is_none_or(|map| {
        map.iter()
            .all(|(key, value)| labels.get(key) == Some(value))
    })
}
