//! Keeps pods with names that last: `db-0`, `db-1`, …, one after the other.
//!
//! ```text
//! make the lowest missing ─► wait until it is available ─► next … ─► shrink from the top ─► update from the top
//! ```
//!
//! With `podManagementPolicy: Parallel` nothing waits for the one before, except an update.
//! Never restarts a pod in place: it is deleted, and made again when it is gone.

mod identity;
mod status;

use super::history::{History, REVISION_LABEL, Revision};
use super::meta::{
    deleting, name, namespace, pod_finished, pod_ready, scaled, text, until_available,
};
use super::pods::{self, Owners, claim};
use super::{Context, Controller, Index, Tone, Write};
use crate::store::{Event, Key, Object, Store};
use clock::Duration;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const OWNERS: Owners = Owners {
    key: "statefulsets.apps",
    kind: "StatefulSet",
    component: "statefulset-controller",
};

/// When to look again whether a pod's name is free.
const TAKEN_PAUSE: Duration = Duration::from_secs(10);

/// The StatefulSet controller.
#[derive(Debug)]
pub struct StatefulSets;

impl Controller for StatefulSets {
    fn name(&self) -> &'static str {
        OWNERS.component
    }

    fn wakes(&self, event: &Event, store: &Store, index: &Index) -> Vec<Key> {
        if event.kind == super::history::KIND {
            return OWNERS.of(&event.object).into_iter().collect();
        }
        OWNERS.woken_by(event, store, index)
    }

    fn reconcile(&self, store: &Store, key: &Key, context: &Context<'_>) -> Vec<Write> {
        let Some(set) = store.get_key(key) else {
            return Vec::new();
        };
        let mut writes = Vec::new();
        let ours = |pod: &Value| identity::ordinal(set, pod).is_some();
        let pods = claim(store, set, context, ours, &mut writes);
        let history = History::new(store, set, context);
        let mut collisions = set["status"]["collisionCount"].as_i64().unwrap_or(0);
        let update = history.newest(store, &mut collisions, &mut writes);
        let current = history
            .named(text(&set["status"]["currentRevision"]))
            .unwrap_or_else(|| update.clone());
        let step = Step::new(set, &pods, &current, &update, context);
        if !deleting(set) {
            writes.extend(step.writes(store));
        }
        writes.extend(status::writes(&step, collisions));
        let mut live: BTreeSet<&str> = pods.iter().map(|pod| revision_of(pod)).collect();
        live.extend([current.name.as_str(), update.name.as_str()]);
        writes.extend(history.prune(&live));
        writes
    }
}

/// The revision a pod says it is of.
fn revision_of(pod: &Value) -> &str {
    text(&pod["metadata"]["labels"][REVISION_LABEL])
}

/// A StatefulSet with its pods, at one look.
struct Step<'a> {
    set: &'a Object,
    current: &'a Revision,
    update: &'a Revision,
    context: &'a Context<'a>,
    /// The pods within the wanted ordinals.
    replicas: BTreeMap<i64, &'a Object>,
    /// The pods beyond them.
    condemned: BTreeMap<i64, &'a Object>,
}

impl<'a> Step<'a> {
    fn new(
        set: &'a Object,
        pods: &[&'a Object],
        current: &'a Revision,
        update: &'a Revision,
        context: &'a Context<'a>,
    ) -> Self {
        let mut step = Self {
            set,
            current,
            update,
            context,
            replicas: BTreeMap::new(),
            condemned: BTreeMap::new(),
        };
        let wanted = step.start()..step.start() + step.wanted();
        for pod in pods {
            let Some(ordinal) = identity::ordinal(set, pod) else {
                continue;
            };
            if wanted.contains(&ordinal) {
                step.replicas.insert(ordinal, pod);
            } else {
                step.condemned.insert(ordinal, pod);
            }
        }
        step
    }

    fn wanted(&self) -> i64 {
        self.set["spec"]["replicas"].as_i64().unwrap_or(1)
    }

    fn start(&self) -> i64 {
        self.set["spec"]["ordinals"]["start"].as_i64().unwrap_or(0)
    }

    fn ordered(&self) -> bool {
        self.set["spec"]["podManagementPolicy"] != "Parallel"
    }

    fn min_ready(&self) -> i64 {
        self.set["spec"]["minReadySeconds"].as_i64().unwrap_or(0)
    }

    fn available(&self, pod: &Value) -> bool {
        let wait = until_available(pod, self.min_ready(), self.context.unix());
        text(&pod["status"]["phase"]) == "Running" && wait == Some(0)
    }

    /// The first ordinal that a rolling update may touch.
    fn partition(&self) -> i64 {
        self.set["spec"]["updateStrategy"]["rollingUpdate"]["partition"]
            .as_i64()
            .unwrap_or(0)
    }

    fn rolling(&self) -> bool {
        self.set["spec"]["updateStrategy"]["type"] == "RollingUpdate"
    }

    /// What to do now: first grow, then shrink, then update, each from its own end.
    fn writes(&self, store: &Store) -> Vec<Write> {
        let mut owned = Vec::new();
        for (pods, condemned) in [(&self.replicas, false), (&self.condemned, true)] {
            for (ordinal, pod) in pods {
                let own = identity::own_claims(store, self.set, *ordinal, pod, condemned);
                owned.extend(own);
            }
        }
        // A claim has its new owner before the pod goes that may be it.
        owned.extend(self.turn(store));
        owned
    }

    fn turn(&self, store: &Store) -> Vec<Write> {
        let mut writes = Vec::new();
        for ordinal in self.start()..self.start() + self.wanted() {
            let waits = match self.replicas.get(&ordinal) {
                None => {
                    writes.extend(self.create(store, ordinal));
                    true
                }
                Some(pod) if pod_finished(pod) => {
                    writes.extend((!deleting(pod)).then(|| self.delete(pod)));
                    true
                }
                Some(pod) => deleting(pod) || !self.available(pod),
            };
            if waits && self.ordered() {
                return writes;
            }
        }
        let (shrinking, blocked) = self.shrink();
        writes.extend(shrinking);
        if !blocked && self.rolling() && writes.is_empty() {
            writes.extend(self.replace());
        }
        writes
    }

    /// Deletes what is beyond the wanted ordinals, from the top; whether the update has to wait.
    fn shrink(&self) -> (Vec<Write>, bool) {
        let alive = |pod: &Value| !deleting(pod) && self.available(pod);
        // In order, a pod that is ill keeps the others, but may itself go.
        let all = self.replicas.values().chain(self.condemned.values());
        let first_ill = all.filter(|pod| !alive(pod)).map(|pod| name(pod)).next();
        let mut writes = Vec::new();
        for pod in self.condemned.values().rev() {
            if !self.ordered() {
                writes.extend((!deleting(pod)).then(|| self.delete(pod)));
                continue;
            }
            let may_go = !deleting(pod) && (alive(pod) || first_ill == Some(name(pod)));
            return (may_go.then(|| self.delete(pod)).into_iter().collect(), true);
        }
        let blocked = !writes.is_empty();
        (writes, blocked)
    }

    /// Deletes pods of another revision, from the top, as long as not too many are away.
    fn replace(&self) -> Vec<Write> {
        let allowed = &self.set["spec"]["updateStrategy"]["rollingUpdate"]["maxUnavailable"];
        let allowed = match allowed.is_null() {
            true => 1,
            false => scaled(allowed, self.wanted(), true).max(1),
        };
        let ill = |pod: &Value| deleting(pod) || !self.available(pod);
        let away = self.replicas.values().filter(|pod| ill(pod)).count();
        let mut left = allowed - i64::try_from(away).unwrap_or(i64::MAX);
        let first = self.start().max(self.partition());
        let mut writes = Vec::new();
        for pod in self.replicas.range(first..).rev().map(|(_, pod)| pod) {
            if revision_of(pod) == self.update.name || deleting(pod) {
                continue;
            }
            // Who serves nobody costs nothing.
            if ill(pod) {
                writes.push(self.delete(pod));
            } else if left > 0 {
                writes.push(self.delete(pod));
                left -= 1;
            }
        }
        writes
    }

    /// Makes the pod of this ordinal, and what it has to have.
    fn create(&self, store: &Store, ordinal: i64) -> Vec<Write> {
        let revision = match self.rolling() && ordinal < self.start() + self.partition() {
            true => self.current,
            false => self.update,
        };
        let pod = identity::pod(self.set, revision, ordinal);
        if store.get("pods", namespace(self.set), name(&pod)).is_some() {
            return self.taken(name(&pod)).into();
        }
        let message = format!(
            "create Pod {} in StatefulSet {} successful",
            name(&pod),
            name(self.set)
        );
        let mut writes = identity::claims(store, self.set, ordinal, name(&pod));
        let note = OWNERS.note(self.set, Tone::Normal, "SuccessfulCreate", message);
        writes.push(Write::Create {
            kind: "pods",
            value: pod,
            announce: Some(note),
        });
        writes
    }

    /// Somebody else has the name.
    fn taken(&self, pod: &str) -> [Write; 2] {
        let message = format!(
            "create Pod {pod} in StatefulSet {} failed error: pods \"{pod}\" already exists",
            name(self.set)
        );
        let note = OWNERS.note(self.set, Tone::Warning, "FailedCreate", message);
        [Write::Record(note), Write::RequeueAfter(TAKEN_PAUSE)]
    }

    fn delete(&self, pod: &Value) -> Write {
        let message = format!(
            "delete Pod {} in StatefulSet {} successful",
            name(pod),
            name(self.set)
        );
        let note = OWNERS.note(self.set, Tone::Normal, "SuccessfulDelete", message);
        pods::delete(pod, note)
    }

    fn pods(&self) -> impl Iterator<Item = &'a Object> + '_ {
        self.replicas
            .values()
            .chain(self.condemned.values())
            .copied()
    }

    fn ready(&self, pod: &Value) -> bool {
        text(&pod["status"]["phase"]) == "Running" && pod_ready(pod)
    }
}
