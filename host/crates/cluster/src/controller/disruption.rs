//! How many pods of each PodDisruptionBudget may be evicted now.
//!
//! The eviction subresource notes whom it has let go in `status.disruptedPods`; they no longer
//! count until they are gone. Never evicts a pod.

use super::meta::{
    controller_of, deleting, items, name, namespace, pod_ready, scaled, selector_matches, text,
    uid, unix,
};
use super::{Context, Controller, Index, Note, Tone, Write};
use crate::store::{Event, Key, Object, Store};
use clock::Duration;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The kind as the store names it.
pub(crate) const BUDGETS: &str = "poddisruptionbudgets.policy";
const COMPONENT: &str = "controllermanager";
/// How long an eviction may take before the pod counts again.
const PATIENCE_SECONDS: i64 = 120;

/// The disruption controller.
#[derive(Debug)]
pub struct Disruption;

impl Controller for Disruption {
    fn name(&self) -> &'static str {
        "disruption-controller"
    }

    fn pace(&self, store: &Store) -> Duration {
        super::pace_of_crowds(store)
    }

    fn wakes(&self, event: &Event, store: &Store, index: &Index) -> Vec<Key> {
        match event.kind {
            BUDGETS => vec![Key::of(BUDGETS, &event.object)],
            "pods" => {
                let states = std::iter::once(&event.object).chain(&event.previous);
                let budgets = states.flat_map(|pod| {
                    let labels = &pod["metadata"]["labels"];
                    let budgets = index.selecting(BUDGETS, namespace(pod), labels).into_iter();
                    budgets.filter(|key| {
                        let budget = store.get_key(key);
                        budget.is_some_and(|budget| selects(budget, pod))
                    })
                });
                let mut keys: Vec<Key> = budgets.cloned().collect();
                keys.sort();
                keys.dedup();
                keys
            }
            _ => Vec::new(),
        }
    }

    fn reconcile(&self, store: &Store, key: &Key, context: &Context<'_>) -> Vec<Write> {
        let Some(budget) = store.get_key(key).filter(|budget| !deleting(budget)) else {
            return Vec::new();
        };
        let pods = candidates(store, budget, context.index);
        let pods: Vec<&Object> = pods.filter(|pod| selects(budget, pod)).collect();
        let mut writes = Vec::new();
        let status = match expected(store, budget, &pods) {
            Ok(expected) => sum_up(budget, &pods, expected, context, &mut writes),
            Err(why) => failed(budget, &why, context),
        };
        if status != budget["status"] {
            writes.extend(notes(budget, &pods, &status));
            let mut value = (**budget).clone();
            value["status"] = status;
            writes.push(Write::UpdateStatus {
                kind: BUDGETS,
                value,
            });
        }
        writes
    }
}

/// The budgets that cover a pod.
pub(crate) fn covering<'a>(store: &'a Store, pod: &Value) -> Vec<&'a Object> {
    let budgets = store.list(BUDGETS, Some(namespace(pod)));
    budgets.filter(|budget| selects(budget, pod)).collect()
}

/// The pods that a budget may cover: those with one of its labels, or all when it names none.
fn candidates<'a>(
    store: &'a Store,
    budget: &'a Value,
    index: &'a Index,
) -> Box<dyn Iterator<Item = &'a Object> + 'a> {
    let labels = &budget["spec"]["selector"]["matchLabels"];
    if labels.as_object().is_none_or(Map::is_empty) {
        return Box::new(store.list("pods", Some(namespace(budget))));
    }
    let keys = index.pods_with(namespace(budget), labels);
    Box::new(keys.filter_map(|key| store.get_key(key)))
}

/// An empty selector selects every pod, none selects no pod.
fn selects(budget: &Value, pod: &Value) -> bool {
    let selector = &budget["spec"]["selector"];
    let parts = [&selector["matchLabels"], &selector["matchExpressions"]];
    let empty = parts.iter().all(|part| match part {
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => true,
    });
    selector.is_object() && (empty || selector_matches(selector, &pod["metadata"]["labels"]))
}

/// How many pods there should be, and how many of them have to be healthy.
fn expected(store: &Store, budget: &Value, pods: &[&Object]) -> Result<(i64, i64), String> {
    let count = i64::try_from(pods.len()).unwrap_or(i64::MAX);
    let [least, most] = ["minAvailable", "maxUnavailable"].map(|field| &budget["spec"][field]);
    if !most.is_null() {
        let whole = scale_of(store, pods)?;
        return Ok((whole, (whole - scaled(most, whole, true)).max(0)));
    }
    match least {
        Value::Null => Ok((count, 0)),
        Value::String(_) => {
            let whole = scale_of(store, pods)?;
            Ok((whole, scaled(least, whole, true)))
        }
        number => Ok((count, number.as_i64().unwrap_or(0))),
    }
}

/// The replicas that the owners of these pods ask for, each owner once.
fn scale_of(store: &Store, pods: &[&Object]) -> Result<i64, String> {
    let mut owners: BTreeMap<String, i64> = BTreeMap::new();
    for pod in pods {
        let Some(owner) = controller_of(pod) else {
            continue;
        };
        let (kind, space) = (text(&owner["kind"]), namespace(pod));
        let key = match kind {
            "ReplicaSet" => "replicasets.apps",
            "StatefulSet" => "statefulsets.apps",
            "ReplicationController" => "replicationcontrollers",
            "DaemonSet" => return Err(unscalable("daemonsets.apps")),
            "Job" => return Err(unscalable("jobs.batch")),
            _ => continue,
        };
        let Some(mut set) = store.get(key, space, text(&owner["name"])) else {
            continue;
        };
        // A ReplicaSet may be one of several of a Deployment.
        let above = controller_of(set).filter(|above| above["kind"] == "Deployment");
        if let Some(above) = above {
            let deployment = store.get("deployments.apps", space, text(&above["name"]));
            set = deployment.unwrap_or(set);
        }
        let replicas = set["spec"]["replicas"].as_i64().unwrap_or(1);
        owners.insert(uid(set).to_owned(), replicas);
    }
    Ok(owners.values().sum())
}

fn unscalable(kind: &str) -> String {
    format!("{kind} does not implement the scale subresource")
}

fn sum_up(
    budget: &Value,
    pods: &[&Object],
    (expected, desired): (i64, i64),
    context: &Context<'_>,
    writes: &mut Vec<Write>,
) -> Value {
    let disrupted = still_disrupted(budget, pods, context, writes);
    let healthy = pods
        .iter()
        .filter(|pod| pod_ready(pod) && !deleting(pod) && !disrupted.contains_key(name(pod)));
    let healthy = i64::try_from(healthy.count()).unwrap_or(i64::MAX);
    let allowed = match expected {
        0 => 0,
        _ => (healthy - desired).max(0),
    };
    let condition = match allowed {
        0 => ("False", "InsufficientPods", ""),
        _ => ("True", "SufficientPods", ""),
    };
    let mut status = json!({
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "disruptionsAllowed": allowed,
        "expectedPods": expected,
        "observedGeneration": budget["metadata"]["generation"],
        "conditions": [said(budget, condition, context)],
    });
    if !disrupted.is_empty() {
        status["disruptedPods"] = disrupted.into();
    }
    status
}

fn failed(budget: &Value, why: &str, context: &Context<'_>) -> Value {
    let mut status = budget["status"].clone();
    status["disruptionsAllowed"] = 0.into();
    status["observedGeneration"] = budget["metadata"]["generation"].clone();
    status["conditions"] = json!([said(budget, ("False", "SyncFailed", why), context)]);
    status
}

/// The condition `DisruptionAllowed`; its time moves when its status does.
fn said(
    budget: &Value,
    (truth, reason, message): (&str, &str, &str),
    context: &Context<'_>,
) -> Value {
    let before = super::meta::condition(budget, "DisruptionAllowed");
    let same = before.filter(|before| before["status"] == truth);
    let since = same.map_or_else(
        || context.time(),
        |one| text(&one["lastTransitionTime"]).to_owned(),
    );
    json!({
        "type": "DisruptionAllowed", "status": truth, "reason": reason, "message": message,
        "lastTransitionTime": since, "observedGeneration": budget["metadata"]["generation"],
    })
}

/// The pods whose eviction was granted and that are not yet marked for deletion.
fn still_disrupted(
    budget: &Value,
    pods: &[&Object],
    context: &Context<'_>,
    writes: &mut Vec<Write>,
) -> Map<String, Value> {
    let before = budget["status"]["disruptedPods"].as_object();
    let mut kept = Map::new();
    for (pod_name, since) in before.into_iter().flatten() {
        let Some(pod) = pods.iter().find(|pod| name(pod) == pod_name) else {
            continue;
        };
        let due = unix(text(since)).unwrap_or(0) + PATIENCE_SECONDS - context.unix();
        if deleting(pod) {
            continue;
        }
        if due <= 0 {
            let message = format!(
                "Pod was expected by PDB {}/{} to be deleted but it wasn't",
                namespace(budget),
                name(budget)
            );
            let note = Note::about(pod, Tone::Warning, "NotDeleted", message, COMPONENT);
            writes.push(Write::Record(note));
            continue;
        }
        let wait = Duration::from_secs(u64::try_from(due).unwrap_or(1));
        writes.push(Write::RequeueAfter(wait));
        kept.insert(pod_name.clone(), since.clone());
    }
    kept
}

/// What is to be said when the status changes.
fn notes(budget: &Value, pods: &[&Object], status: &Value) -> Option<Write> {
    let note = |tone, reason, message: String| {
        Write::Record(Note::about(budget, tone, reason, message, COMPONENT))
    };
    if pods.is_empty() {
        let message = "No matching pods found".to_owned();
        return Some(note(Tone::Normal, "NoPods", message));
    }
    let condition = items(&status["conditions"]).first()?;
    let failed = condition["reason"] == "SyncFailed";
    failed.then(|| {
        let why = text(&condition["message"]);
        let message = format!("Failed to calculate the number of expected pods: {why}");
        note(Tone::Warning, "CalculateExpectedPodCountFailed", message)
    })
}
