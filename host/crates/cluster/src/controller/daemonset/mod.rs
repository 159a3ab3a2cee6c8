//! Keeps one pod on every node that fits, and replaces them node by node.
//!
//! ```text
//! a node fits and has none ─► make one ── of another template ─► delete it (or, with surge, make the new one first)
//! a node no longer fits ─► delete its pod
//! ```
//!
//! Pods are pinned by node affinity and placed by the scheduler. Never binds a pod itself.

mod placement;
mod rollout;
mod status;

use super::history::{History, REVISION_LABEL, Revision};
use super::meta::{deleting, name, pod_finished, text, until_available};
use super::pods::{Owners, claim, from_template};
use super::{Context, Controller, Index, Tone, Write};
use crate::store::{Event, Key, Object, Op, Store};
use clock::Duration;
use placement::Placement;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const OWNERS: Owners = Owners {
    key: "daemonsets.apps",
    kind: "DaemonSet",
    component: "daemonset-controller",
};
/// The annotation that counts a DaemonSet's templates, and the label its pods have of it.
const GENERATION: (&str, &str) = (
    "deprecated.daemonset.template.generation",
    "pod-template-generation",
);

/// The DaemonSet controller.
#[derive(Debug)]
pub struct DaemonSets;

impl Controller for DaemonSets {
    fn name(&self) -> &'static str {
        OWNERS.component
    }

    fn pace(&self, store: &Store) -> Duration {
        super::pace_of_crowds(store)
    }

    fn wakes(&self, event: &Event, store: &Store, index: &Index) -> Vec<Key> {
        match event.kind {
            "nodes" if matters(event) => {
                let sets = store.list(OWNERS.key, None);
                sets.map(|set| Key::of(OWNERS.key, set)).collect()
            }
            super::history::KIND => OWNERS.of(&event.object).into_iter().collect(),
            _ => OWNERS.woken_by(event, store, index),
        }
    }

    fn reconcile(&self, store: &Store, key: &Key, context: &Context<'_>) -> Vec<Write> {
        let Some(set) = store.get_key(key) else {
            return Vec::new();
        };
        let mut writes = Vec::new();
        let pods = claim(store, set, context, |_| true, &mut writes);
        let history = History::new(store, set, context);
        let before = set["status"]["collisionCount"].as_i64();
        let mut collisions = before.unwrap_or(0);
        let newest = history.newest(store, &mut collisions, &mut writes);
        let look = Look::new(store, set, &pods, newest, context);
        if !deleting(set) {
            let placing = look.place();
            let settled = placing.is_empty();
            writes.extend(placing);
            if settled && set["spec"]["updateStrategy"]["type"] != "OnDelete" {
                writes.extend(rollout::writes(&look));
            }
        }
        let collisions = (before.is_some() || collisions > 0).then_some(collisions);
        writes.extend(status::writes(&look, collisions));
        let mut live: BTreeSet<&str> = pods.iter().map(|pod| hash_of(pod)).collect();
        live.insert(&look.newest.hash);
        writes.extend(history.prune(&live));
        writes
    }
}

/// Whether an event about a node may change where pods belong.
fn matters(event: &Event) -> bool {
    let Some(previous) = event.previous.as_ref().filter(|_| event.op == Op::Modified) else {
        return true;
    };
    let object = &event.object;
    previous["spec"] != object["spec"]
        || previous["metadata"]["labels"] != object["metadata"]["labels"]
}

fn hash_of(pod: &Value) -> &str {
    text(&pod["metadata"]["labels"][REVISION_LABEL])
}

/// A node with the pods that are there or on their way.
struct Spot<'a> {
    node: &'a Object,
    placement: Placement,
    pods: Vec<&'a Object>,
}

/// A DaemonSet with all nodes and its pods, at one look.
struct Look<'a> {
    set: &'a Object,
    newest: Revision,
    context: &'a Context<'a>,
    spots: Vec<Spot<'a>>,
    /// Pods whose node is gone.
    stray: Vec<&'a Object>,
}

impl<'a> Look<'a> {
    fn new(
        store: &'a Store,
        set: &'a Object,
        pods: &[&'a Object],
        newest: Revision,
        context: &'a Context<'a>,
    ) -> Self {
        let mut by_node: BTreeMap<&str, Vec<&Object>> = BTreeMap::new();
        for pod in pods {
            by_node
                .entry(placement::node_of(pod))
                .or_default()
                .push(pod);
        }
        let probe = placement::pinned(set, from_template(set, &set["spec"]["template"]), "");
        let mut spots = Vec::new();
        for node in store.list("nodes", None) {
            let mut here = by_node.remove(name(node)).unwrap_or_default();
            here.sort_by_key(|pod| {
                let created = text(&pod["metadata"]["creationTimestamp"]);
                (created.to_owned(), name(pod).to_owned())
            });
            spots.push(Spot {
                node,
                placement: Placement::of(set, &probe, node),
                pods: here,
            });
        }
        Self {
            set,
            newest,
            context,
            spots,
            stray: by_node.into_values().flatten().collect(),
        }
    }

    fn available(&self, pod: &Value) -> bool {
        let min_ready = self.set["spec"]["minReadySeconds"].as_i64().unwrap_or(0);
        until_available(pod, min_ready, self.context.unix()) == Some(0)
    }

    fn is_new(&self, pod: &Value) -> bool {
        hash_of(pod) == self.newest.hash
    }

    /// One pod where there should be one, none where there should be none.
    fn place(&self) -> Vec<Write> {
        let mut writes: Vec<Write> = Vec::new();
        for spot in &self.spots {
            if !spot.placement.may_stay {
                writes.extend(alive(&spot.pods).map(|pod| self.delete(pod)));
                continue;
            }
            if spot.pods.is_empty() && spot.placement.may_come {
                writes.push(self.create(name(spot.node)));
            }
            let (finished, running): (Vec<&Object>, Vec<&Object>) =
                alive(&spot.pods).partition(|pod| pod_finished(pod));
            writes.extend(finished.into_iter().flat_map(|pod| self.bury(spot, pod)));
            writes.extend(
                self.surplus(&running)
                    .into_iter()
                    .map(|pod| self.delete(pod)),
            );
        }
        let stray = self.stray.iter().filter(|pod| !deleting(pod));
        writes.extend(stray.map(|pod| self.delete(pod)));
        writes
    }

    /// Which of several running pods on one node is too many; an update with surge may have two.
    fn surplus(&self, running: &[&'a Object]) -> Vec<&'a Object> {
        if rollout::max_surge(self) == 0 {
            return running.iter().skip(1).copied().collect();
        }
        let of = |new: bool| {
            let same = running.iter().copied();
            same.filter(move |pod| self.is_new(pod) == new).skip(1)
        };
        of(true).chain(of(false)).collect()
    }

    fn bury(&self, spot: &Spot<'_>, pod: &Value) -> [Write; 2] {
        let (tone, reason, word) = match text(&pod["status"]["phase"]) {
            "Failed" => (Tone::Warning, "FailedDaemonPod", "failed"),
            _ => (Tone::Normal, "SucceededDaemonPod", "succeeded"),
        };
        let message = format!(
            "Found {word} daemon pod {}/{} on node {}, will try to {} it",
            text(&pod["metadata"]["namespace"]),
            name(pod),
            name(spot.node),
            if word == "failed" { "kill" } else { "delete" },
        );
        let note = OWNERS.note(self.set, tone, reason, message);
        [Write::Record(note), self.delete(pod)]
    }

    fn create(&self, node: &str) -> Write {
        let mut pod = from_template(self.set, &self.set["spec"]["template"]);
        let labels = &mut pod["metadata"]["labels"];
        labels[REVISION_LABEL] = self.newest.hash.as_str().into();
        let (annotation, label) = GENERATION;
        if let Some(number) = self.set["metadata"]["annotations"].get(annotation) {
            labels[label] = number.clone();
        }
        OWNERS.create(self.set, placement::pinned(self.set, pod, node))
    }

    fn delete(&self, pod: &Value) -> Write {
        OWNERS.delete(self.set, pod)
    }
}

fn alive<'a>(pods: &[&'a Object]) -> impl Iterator<Item = &'a Object> {
    pods.iter().copied().filter(|pod| !deleting(pod))
}
