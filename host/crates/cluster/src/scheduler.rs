//! Gives each pod a node: filter, score, bind.
//!
//! One reconcile looks at every pod without a node, in the order they came, and counts what it has
//! just placed. Pods that fit nowhere are told why in upstream's words. Never moves a bound pod and
//! never preempts.

mod fit;

use crate::controller::meta::{
    controller_of, deleting, items, name, namespace, pod_finished, text, uid,
};
use crate::controller::{Context, Controller, Index, Note, Tone, Write};
use crate::store::{Event, Key, Object, Op, Store};
use clock::Seed;
pub(crate) use fit::node_is_selected;
use fit::{Misfit, Room};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const COMPONENT: &str = "default-scheduler";

/// The scheduler.
#[derive(Debug)]
pub struct Scheduler {
    ties: Seed,
}

impl Scheduler {
    /// A scheduler that breaks ties by this seed.
    #[must_use]
    pub fn new(seed: Seed) -> Self {
        Self {
            ties: seed.derive("scheduler"),
        }
    }
}

impl Controller for Scheduler {
    fn name(&self) -> &'static str {
        COMPONENT
    }

    fn wakes(&self, event: &Event, _: &Store, _: &Index) -> Vec<Key> {
        let object = &event.object;
        let worth = match event.kind {
            "pods" => {
                let bound = !text(&object["spec"]["nodeName"]).is_empty();
                let spec_changed = !bound
                    && event
                        .previous
                        .as_ref()
                        .is_none_or(|old| old["spec"] != object["spec"]);
                let frees = event.op == Op::Deleted
                    || (pod_finished(object)
                        && event
                            .previous
                            .as_ref()
                            .is_some_and(|old| !pod_finished(old)));
                (spec_changed && event.op != Op::Deleted) || (bound && frees)
            }
            "nodes" => event.previous.as_ref().is_none_or(|old| {
                old["spec"] != object["spec"]
                    || old["metadata"]["labels"] != object["metadata"]["labels"]
                    || old["status"]["allocatable"] != object["status"]["allocatable"]
            }),
            _ => false,
        };
        if worth {
            vec![Key::new("pods", "", "")]
        } else {
            Vec::new()
        }
    }

    fn reconcile(&self, store: &Store, _: &Key, context: &Context<'_>) -> Vec<Write> {
        let mut pending: Vec<&Object> = store.list("pods", None).filter(|pod| waits(pod)).collect();
        if pending.is_empty() {
            return Vec::new();
        }
        pending.sort_by_key(|pod| {
            let priority = pod["spec"]["priority"].as_i64().unwrap_or(0);
            (
                -priority,
                text(&pod["metadata"]["creationTimestamp"]).to_owned(),
            )
        });
        let mut rooms = rooms(store);
        pending
            .into_iter()
            .flat_map(|pod| self.place(pod, &mut rooms, context))
            .collect()
    }
}

impl Scheduler {
    fn place(&self, pod: &Object, rooms: &mut [Room<'_>], context: &Context<'_>) -> Vec<Write> {
        let wanted = fit::Wanted::of(pod);
        let mut misfits: Vec<Misfit> = Vec::new();
        let mut best: Option<((u64, u64, u64), usize)> = None;
        for (at, room) in rooms.iter().enumerate() {
            match room.fits(pod, &wanted) {
                Err(misfit) => misfits.push(misfit),
                Ok(()) => {
                    let tie = self.ties.derive(uid(pod)).derive(name(room.node)).number();
                    let rank = (room.of_owner(&wanted), room.load(&wanted), tie);
                    if best.is_none_or(|(other, _)| rank < other) {
                        best = Some((rank, at));
                    }
                }
            }
        }
        match best {
            Some((_, at)) => {
                rooms[at].take(&wanted);
                bind(pod, name(rooms[at].node))
            }
            None => refuse(pod, rooms.len(), &misfits, context),
        }
    }
}

fn waits(pod: &Value) -> bool {
    text(&pod["spec"]["nodeName"]).is_empty()
        && !deleting(pod)
        && !pod_finished(pod)
        && items(&pod["spec"]["schedulingGates"]).is_empty()
        && matches!(
            text(&pod["spec"]["schedulerName"]),
            "" | "default-scheduler"
        )
}

/// Every node with what its pods already take.
fn rooms(store: &Store) -> Vec<Room<'_>> {
    let mut rooms: Vec<Room<'_>> = store
        .list("nodes", None)
        .map(|node| Room::new(node))
        .collect();
    let by_name: BTreeMap<&str, usize> = rooms
        .iter()
        .enumerate()
        .map(|(at, room)| (name(room.node), at))
        .collect();
    for pod in store.list("pods", None).filter(|pod| !pod_finished(pod)) {
        if let Some(at) = by_name.get(text(&pod["spec"]["nodeName"])) {
            rooms[*at].take(&fit::Wanted::of(pod));
        }
    }
    rooms
}

fn bind(pod: &Object, node: &str) -> Vec<Write> {
    let message = format!(
        "Successfully assigned {}/{} to {node}",
        namespace(pod),
        name(pod)
    );
    vec![
        Write::Bind {
            key: Key::of("pods", pod),
            node: node.to_owned(),
        },
        Write::Record(Note::about(
            pod,
            Tone::Normal,
            "Scheduled",
            message,
            COMPONENT,
        )),
    ]
}

/// Says on the pod and in an Event why no node takes it, unless that is already said.
fn refuse(pod: &Object, nodes: usize, misfits: &[Misfit], context: &Context<'_>) -> Vec<Write> {
    let message = fit::explain(nodes, misfits);
    let known = crate::controller::meta::condition(pod, "PodScheduled");
    if known.is_some_and(|condition| condition["message"] == message.as_str()) {
        return Vec::new();
    }
    let mut next = (**pod).clone();
    let mut condition = json!({
        "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message,
        "lastProbeTime": null, "lastTransitionTime": context.time(),
        "observedGeneration": pod["metadata"]["generation"],
    });
    if let Some(known) = known {
        condition["lastTransitionTime"] = known["lastTransitionTime"].clone();
    }
    crate::kubelet::put_condition(&mut next, condition);
    vec![
        Write::UpdateStatus {
            kind: "pods",
            value: next,
        },
        Write::Record(Note::about(
            pod,
            Tone::Warning,
            "FailedScheduling",
            message,
            COMPONENT,
        )),
    ]
}

/// The condition of a pod that has its node.
pub(crate) fn scheduled(pod: &Value, time: &str) -> Value {
    json!({
        "type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": time,
        "observedGeneration": pod["metadata"]["generation"],
    })
}

/// The controller that owns a pod, by which pods are spread; nothing for a pod on its own.
fn owner_of(pod: &Value) -> String {
    controller_of(pod).map_or_else(String::new, |owner| text(&owner["uid"]).to_owned())
}
