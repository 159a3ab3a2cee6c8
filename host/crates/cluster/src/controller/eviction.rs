//! Carries out `NoExecute` taints: pods that do not tolerate them, or no longer, are deleted.
//!
//! Never taints; never waits for a pod to be gone.

use super::meta::{deleting, items, name, namespace, text, uid, unix};
use super::{Context, Controller, Index, Note, Tone, Write};
use crate::store::{Event, Key, Object, Store};
use clock::Duration;
use serde_json::{Value, json};

const COMPONENT: &str = "taint-eviction-controller";

/// The taint eviction controller.
#[derive(Debug)]
pub struct TaintEviction;

impl Controller for TaintEviction {
    fn name(&self) -> &'static str {
        COMPONENT
    }

    fn wakes(&self, event: &Event, store: &Store, _: &Index) -> Vec<Key> {
        match event.kind {
            "nodes"
                if event
                    .previous
                    .as_ref()
                    .is_none_or(|old| old["spec"]["taints"] != event.object["spec"]["taints"]) =>
            {
                vec![Key::of("nodes", &event.object)]
            }
            "pods" => {
                let node = text(&event.object["spec"]["nodeName"]);
                let tainted = store
                    .get("nodes", "", node)
                    .is_some_and(|node| no_execute(node).next().is_some());
                let changed = || {
                    let previous = event.previous.as_ref();
                    previous.is_none_or(|old| old["spec"] != event.object["spec"])
                };
                if tainted && changed() {
                    vec![Key::new("nodes", "", node)]
                } else {
                    Vec::new()
                }
            }
            _ => Vec::new(),
        }
    }

    fn reconcile(&self, store: &Store, key: &Key, context: &Context<'_>) -> Vec<Write> {
        let Some(node) = store.get_key(key) else {
            return Vec::new();
        };
        if no_execute(node).next().is_none() {
            return Vec::new();
        }
        let mut writes = Vec::new();
        let mut next_look: Option<i64> = None;
        let pods = context
            .index
            .pods_on(&key.name)
            .filter_map(|key| store.get_key(key));
        for pod in pods.filter(|pod| !deleting(pod)) {
            let Some(due) = due(node, pod) else { continue };
            if due <= context.unix() {
                writes.extend(evict(pod, context));
            } else {
                next_look = Some(next_look.map_or(due, |other| other.min(due)));
            }
        }
        if let Some(due) = next_look {
            let wait = u64::try_from(due - context.unix()).unwrap_or(1);
            writes.push(Write::RequeueAfter(Duration::from_secs(wait)));
        }
        writes
    }
}

fn no_execute(node: &Value) -> impl Iterator<Item = &Value> {
    items(&node["spec"]["taints"])
        .iter()
        .filter(|taint| taint["effect"] == "NoExecute")
}

/// When the pod has to go, in unix seconds; `None` when it tolerates every taint for ever.
fn due(node: &Value, pod: &Value) -> Option<i64> {
    let mut earliest: Option<i64> = None;
    for taint in no_execute(node) {
        let added = unix(text(&taint["timeAdded"])).unwrap_or(0);
        let tolerations: Vec<&Value> = items(&pod["spec"]["tolerations"])
            .iter()
            .filter(|toleration| tolerates(toleration, taint))
            .collect();
        let due = if tolerations.is_empty() {
            Some(added)
        } else {
            // The shortest stated time counts; a toleration without one never ends by itself.
            tolerations
                .iter()
                .filter_map(|toleration| toleration["tolerationSeconds"].as_i64())
                .min()
                .map(|s| added + s.max(0))
        };
        earliest = match (earliest, due) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
    earliest
}

/// Whether one toleration covers one taint.
pub(crate) fn tolerates(toleration: &Value, taint: &Value) -> bool {
    let effect = text(&toleration["effect"]);
    let key = text(&toleration["key"]);
    let covers_effect = effect.is_empty() || taint["effect"] == effect;
    let exists = toleration["operator"] == "Exists";
    let covers_key = (key.is_empty() && exists) || taint["key"] == key;
    covers_effect && covers_key && (exists || text(&toleration["value"]) == text(&taint["value"]))
}

fn evict(pod: &Object, context: &Context<'_>) -> [Write; 3] {
    let mut next = (**pod).clone();
    let condition = json!({
        "type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager",
        "message": "Taint manager: deleting due to NoExecute taint",
        "lastProbeTime": null, "lastTransitionTime": context.time(),
        "observedGeneration": pod["metadata"]["generation"],
    });
    crate::kubelet::put_condition(&mut next, condition);
    let message = format!("Marking for deletion Pod {}/{}", namespace(pod), name(pod));
    [
        Write::Record(Note::about(
            pod,
            Tone::Normal,
            "TaintManagerEviction",
            message,
            COMPONENT,
        )),
        Write::UpdateStatus {
            kind: "pods",
            value: next,
        },
        Write::Delete {
            key: Key::of("pods", pod),
            uid: uid(pod).to_owned(),
            grace_seconds: None,
            announce: None,
        },
    ]
}
