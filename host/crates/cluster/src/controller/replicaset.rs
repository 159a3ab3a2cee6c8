//! Keeps as many pods as a ReplicaSet asks for: adopts, creates, deletes, counts.
//! ReplicationControllers are the same with an older selector.
//!
//! Pods that are finished or marked for deletion no longer count, wherever they are. Never waits
//! for a pod: what became of it wakes the ReplicaSet again.

use super::meta::{deleting, items, name, pod_finished, pod_ready, text, unix, until_available};
use super::pods::{Owners, claim, from_template};
use super::{Context, Controller, Index, Write};
use crate::store::{Event, Key, Object, Store};
use clock::Duration;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How many pods one reconcile creates or deletes at most.
const BURST: usize = 500;

/// The ReplicaSet controller, and the ReplicationController's.
#[derive(Debug)]
pub struct Replicas(Owners);

impl Replicas {
    /// The controller of ReplicaSets.
    pub const SETS: Self = Self(Owners {
        key: "replicasets.apps",
        kind: "ReplicaSet",
        component: "replicaset-controller",
    });
    /// The controller of ReplicationControllers.
    pub const CONTROLLERS: Self = Self(Owners {
        key: "replicationcontrollers",
        kind: "ReplicationController",
        component: "replication-controller",
    });
}

impl Controller for Replicas {
    fn name(&self) -> &'static str {
        self.0.component
    }

    fn pace(&self, store: &Store) -> Duration {
        super::pace_of_crowds(store)
    }

    fn wakes(&self, event: &Event, store: &Store, index: &Index) -> Vec<Key> {
        self.0.woken_by(event, store, index)
    }

    fn reconcile(&self, store: &Store, key: &Key, context: &Context<'_>) -> Vec<Write> {
        let Some(set) = store.get_key(key) else {
            return Vec::new();
        };
        let mut writes = Vec::new();
        let mut refusal = None;
        let pods = claim(store, set, context, |_| true, &mut writes);
        let active: Vec<&Object> = pods
            .iter()
            .copied()
            .filter(|pod| !pod_finished(pod) && !deleting(pod))
            .collect();
        let wanted = usize::try_from(set["spec"]["replicas"].as_i64().unwrap_or(1)).unwrap_or(0);
        if !deleting(set) {
            if active.len() < wanted {
                let missing = (wanted - active.len()).min(BURST);
                let pod = || from_template(set, &set["spec"]["template"]);
                refusal = crate::api::why_no_pod(store, pod());
                writes.extend((0..missing).map(|_| self.0.create(set, pod())));
            } else if active.len() > wanted {
                let surplus = (active.len() - wanted).min(BURST);
                let going = first_to_go(&active, surplus).into_iter();
                writes.extend(going.map(|pod| self.0.delete(set, pod)));
            }
        }
        let failure = refusal.map(|why| failure(set, &why, context));
        self.write_status(set, &pods, &active, failure, context, &mut writes);
        writes
    }
}

impl Replicas {
    fn write_status(
        &self,
        set: &Value,
        pods: &[&Object],
        active: &[&Object],
        failure: Option<Value>,
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
            "observedGeneration": set["metadata"]["generation"],
        });
        // ReplicationControllers do not tell who is on the way out.
        if self.0.kind == "ReplicaSet" {
            status["terminatingReplicas"] = terminating.into();
        }
        if let Some(failure) = failure {
            status["conditions"] = json!([failure]);
        }
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
        super::meta::keep_conditions(&mut status, set, &["ReplicaFailure"]);
        if status != set["status"] {
            let mut next = set.clone();
            next["status"] = status;
            writes.push(Write::UpdateStatus {
                kind: self.0.key,
                value: next,
            });
        }
        if let Some(wait) = waits.iter().filter(|wait| **wait > 0).min() {
            writes.push(Write::RequeueAfter(Duration::from_secs(
                u64::try_from(*wait).unwrap_or(1),
            )));
        }
    }
}

/// The condition of a set whose pods are not let in; one that it has stays as it is.
fn failure(set: &Value, why: &str, context: &Context<'_>) -> Value {
    let known = super::meta::condition(set, "ReplicaFailure");
    known.cloned().unwrap_or_else(|| {
        json!({
            "type": "ReplicaFailure", "status": "True", "reason": "FailedCreate",
            "message": why, "lastTransitionTime": context.time(),
        })
    })
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

fn all_labels(wanted: &Value, labels: &Value) -> bool {
    wanted.as_object().is_none_or(|map| {
        map.iter()
            .all(|(key, value)| labels.get(key) == Some(value))
    })
}
