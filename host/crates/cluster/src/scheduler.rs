//! Gives each pod a node: filter, score, bind.
//!
//! One reconcile looks at every pod without a node, in the order they came, and counts what it has
//! just placed. Pods that fit nowhere displace others of lower priority, or are told why in
//! upstream's words. Never moves a bound pod.

mod claims;
mod fit;
mod ledger;
mod neighbours;
mod preempt;

use crate::controller::meta::{
    controller_of, deleting, items, name, namespace, pod_finished, text, uid,
};
use crate::controller::volume::{CLAIMS, VOLUMES};
use crate::controller::{Context, Controller, Index, Note, Tone, Write};
use crate::store::{Event, Key, Object, Op, Store};
use claims::Claims;
use clock::Seed;
use fit::{Misfit, Preemption, Room};
pub(crate) use fit::{Squeeze, node_is_selected};
pub(crate) use ledger::Ledger;
use neighbours::Neighbours;
use serde_json::{Value, json};

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
                // Others may want to be where this one is, or where it is not.
                let moved = event.previous.as_ref().is_none_or(|old| {
                    old["spec"]["nodeName"] != object["spec"]["nodeName"]
                        || old["metadata"]["labels"] != object["metadata"]["labels"]
                        || old["spec"]["containers"] != object["spec"]["containers"]
                });
                (spec_changed && event.op != Op::Deleted) || (bound && (frees || moved))
            }
            "nodes" => event.previous.as_ref().is_none_or(|old| {
                old["spec"] != object["spec"]
                    || old["metadata"]["labels"] != object["metadata"]["labels"]
                    || old["status"]["allocatable"] != object["status"]["allocatable"]
            }),
            CLAIMS | VOLUMES => {
                event.op != Op::Modified || {
                    let differs = |field: &str| {
                        let before = event.previous.as_ref();
                        before.is_none_or(|old| old["spec"][field] != object["spec"][field])
                    };
                    ["volumeName", "claimRef", "storageClassName"]
                        .into_iter()
                        .any(differs)
                }
            }
            _ => false,
        };
        if worth {
            vec![Key::new("pods", "", "")]
        } else {
            Vec::new()
        }
    }

    fn reconcile(&self, store: &Store, _: &Key, context: &Context<'_>) -> Vec<Write> {
        let unbound = context.index.unbound();
        let unbound = unbound.filter_map(|key| store.get_key(key));
        let mut pending: Vec<&Object> = unbound.filter(|pod| waits(pod)).collect();
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
        let nodes = store.list("nodes", None);
        let rooms = nodes.map(|node| Room::inhabited(node, store, context.index));
        let mut board = Board {
            store,
            rooms: rooms.collect(),
        };
        pending
            .into_iter()
            .flat_map(|pod| self.place(pod, &mut board, context))
            .collect()
    }
}

/// Every node with who is on it, and what else decides.
#[derive(Debug)]
struct Board<'a> {
    store: &'a Store,
    rooms: Vec<Room<'a>>,
}

impl<'a> Board<'a> {
    /// Why a pod cannot be on a node, the other pods being where they are.
    fn refusal(&self, pod: &'a Value, wanted: &fit::Wanted, at: usize) -> Option<Misfit> {
        let neighbours = Neighbours::of(self.store, pod, &self.rooms);
        // What its claims say was looked at before, and nobody's going changes it.
        let claims = Claims::of(self.store, pod).unwrap_or_default();
        self.misfit(pod, wanted, at, &neighbours, &claims)
    }

    /// Filters in upstream's order; the first that refuses says why.
    fn misfit(
        &self,
        pod: &Value,
        wanted: &fit::Wanted,
        at: usize,
        neighbours: &Neighbours<'_>,
        claims: &Claims<'_>,
    ) -> Option<Misfit> {
        let room = &self.rooms[at];
        if let Err(misfit) = room.fits(pod, wanted) {
            return Some(misfit);
        }
        if let Some(why) = claims.refuse(self.store, room.node) {
            return Some(Misfit::new(why, false));
        }
        let (why, crowded) = neighbours.refuse(room.node)?;
        Some(Misfit::new(why, crowded))
    }
}

impl Scheduler {
    fn place<'a>(
        &self,
        pod: &'a Object,
        board: &mut Board<'a>,
        context: &Context<'_>,
    ) -> Vec<Write> {
        let wanted = fit::Wanted::of(pod);
        let claims = match Claims::of(board.store, pod) {
            // A node was chosen and its volume is being made: the pod is looked at when it is there.
            Ok(claims) if claims.busy => return Vec::new(),
            Ok(claims) => claims,
            Err(why) => {
                let message = fit::explain_for_all(board.rooms.len(), &why);
                return refuse(pod, message, None, context);
            }
        };
        let neighbours = Neighbours::of(board.store, pod, &board.rooms);
        let mut misfits: Vec<Misfit> = Vec::new();
        let mut crowded = Vec::new();
        let mut best: Option<((i64, u64, u64, u64), usize)> = None;
        for (at, room) in board.rooms.iter().enumerate() {
            if let Some(misfit) = board.misfit(pod, &wanted, at, &neighbours, &claims) {
                if misfit.crowded {
                    crowded.push(at);
                }
                misfits.push(misfit);
                continue;
            }
            let tie = self.ties.derive(uid(pod)).derive(name(room.node)).number();
            let liked = neighbours.preference(room.node) + neighbours::of_node(pod, room);
            let rank = (-liked, room.of_owner(&wanted), room.load(&wanted), tie);
            if best.is_none_or(|(other, _)| rank < other) {
                best = Some((rank, at));
            }
        }
        let Some((_, at)) = best else {
            return make_room(pod, &wanted, board, &misfits, &crowded, context);
        };
        let chosen = claims.choose(board.rooms[at].node);
        board.rooms[at].take(pod, &wanted);
        if chosen.is_empty() {
            bind(pod, name(board.rooms[at].node))
        } else {
            chosen
        }
    }
}

/// Displaces pods of lower priority where that helps, and says how it stands.
fn make_room(
    pod: &Object,
    wanted: &fit::Wanted,
    board: &Board<'_>,
    misfits: &[Misfit],
    crowded: &[usize],
    context: &Context<'_>,
) -> Vec<Write> {
    let nodes = board.rooms.len();
    if let Some(why) = preempt::why_not(pod) {
        let message = fit::explain(nodes, misfits, Preemption::NotAllowed(why));
        return refuse(pod, message, None, context);
    }
    if preempt::in_progress(board, pod) {
        return Vec::new();
    }
    let Some(way) = preempt::find(board, pod, wanted, crowded) else {
        let message = fit::explain(nodes, misfits, Preemption::Vain);
        return refuse(pod, message, None, context);
    };
    let node = name(board.rooms[way.node].node);
    let message = fit::explain(nodes, misfits, Preemption::Done);
    let mut writes = refuse(pod, message, Some(node), context);
    for victim in way.victims {
        writes.extend(displace(victim, pod, node, context));
    }
    writes
}

/// Deletes a pod to the advantage of another.
fn displace(victim: &Value, by: &Value, node: &str, context: &Context<'_>) -> [Write; 3] {
    let mut next = victim.clone();
    let condition = json!({
        "type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler",
        "message": "default-scheduler: preempting to accommodate a higher priority pod",
        "lastProbeTime": null, "lastTransitionTime": context.time(),
        "observedGeneration": victim["metadata"]["generation"],
    });
    crate::kubelet::put_condition(&mut next, condition);
    let message = format!("Preempted by pod {} on node {node}", uid(by));
    [
        Write::UpdateStatus {
            kind: "pods",
            value: next,
        },
        Write::Delete {
            key: Key::of("pods", victim),
            uid: uid(victim).to_owned(),
            grace_seconds: None,
            announce: None,
        },
        Write::Record(Note::about(
            victim,
            Tone::Normal,
            "Preempted",
            message,
            COMPONENT,
        )),
    ]
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

/// Why a node cannot give a pod that is on it what it asks for now; nothing when it can.
pub(crate) fn squeeze(store: &Store, node: &str, pod: &Value) -> Option<Squeeze> {
    let node = store.get("nodes", "", node)?;
    let mut room = Room::new(node);
    let others = store.list("pods", None).filter(|other| {
        other["spec"]["nodeName"] == node["metadata"]["name"]
            && uid(other) != uid(pod)
            && !pod_finished(other)
    });
    for other in others {
        room.take(other, &fit::Wanted::of(other));
    }
    room.squeeze(&fit::Wanted::of(pod))
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
fn refuse(
    pod: &Object,
    message: String,
    nominated: Option<&str>,
    context: &Context<'_>,
) -> Vec<Write> {
    let known = crate::controller::meta::condition(pod, "PodScheduled");
    let told = known.is_some_and(|condition| condition["message"] == message.as_str());
    if told && nominated.is_none_or(|node| pod["status"]["nominatedNodeName"] == node) {
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
    if let Some(node) = nominated {
        next["status"]["nominatedNodeName"] = node.into();
    }
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
