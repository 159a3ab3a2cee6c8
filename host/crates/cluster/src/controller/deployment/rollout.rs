//! One step of a rollout: which ReplicaSet to make, to grow, to shrink, to prune.
//!
//! Never writes a condition; [`super::status`] says what a step means.

use super::super::meta::{deleting, name, owner_reference, pod_finished, scaled, text, uid};
use super::super::{Context, Note, Tone, Write};
use super::status::{self, Step};
use super::{COMPONENT, HASH_LABEL, SETS, revision, template_hash};
use crate::store::{Object, Store};
use serde_json::{Value, json};

/// A Deployment with its ReplicaSets.
pub(crate) struct Rollout<'a> {
    pub(crate) deployment: &'a Object,
    pub(crate) new_set: Option<&'a Object>,
    pub(crate) old_sets: Vec<&'a Object>,
    pub(crate) wanted: i64,
    pub(crate) context: &'a Context<'a>,
    store: &'a Store,
}

impl<'a> Rollout<'a> {
    pub(crate) fn new(
        store: &'a Store,
        deployment: &'a Object,
        sets: Vec<&'a Object>,
        context: &'a Context<'a>,
    ) -> Self {
        let template = &deployment["spec"]["template"];
        let new_set = sets
            .iter()
            .copied()
            .find(|set| same_template(&set["spec"]["template"], template));
        let old_sets = sets
            .into_iter()
            .filter(|set| new_set.is_none_or(|new| name(new) != name(set)))
            .collect();
        let wanted = deployment["spec"]["replicas"].as_i64().unwrap_or(1);
        Self {
            deployment,
            new_set,
            old_sets,
            wanted,
            context,
            store,
        }
    }

    /// All ReplicaSets, the new one last.
    pub(crate) fn all(&self) -> impl Iterator<Item = &'a Object> + '_ {
        self.old_sets.iter().copied().chain(self.new_set)
    }

    pub(crate) fn paused(&self) -> bool {
        self.deployment["spec"]["paused"] == true
    }

    /// How many replicas all ReplicaSets together ask for.
    pub(crate) fn wanted_in_all(&self) -> i64 {
        self.all().map(|set| replicas(set)).sum()
    }

    fn rolling(&self) -> bool {
        self.deployment["spec"]["strategy"]["type"] != "Recreate"
    }

    fn max_surge(&self) -> i64 {
        if !self.rolling() {
            return 0;
        }
        let surge = &self.deployment["spec"]["strategy"]["rollingUpdate"]["maxSurge"];
        let surge = if surge.is_null() {
            json!("25%")
        } else {
            surge.clone()
        };
        scaled(&surge, self.wanted, true)
    }

    pub(crate) fn max_unavailable(&self) -> i64 {
        if !self.rolling() || self.wanted == 0 {
            return 0;
        }
        let value = &self.deployment["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"];
        let value = if value.is_null() {
            json!("25%")
        } else {
            value.clone()
        };
        let unavailable = scaled(&value, self.wanted, false);
        // Both zero would never move, so one pod may be missing.
        let unavailable = if self.max_surge() == 0 && unavailable == 0 {
            1
        } else {
            unavailable
        };
        unavailable.min(self.wanted)
    }

    /// The writes of one step, status included.
    pub(crate) fn step(&self) -> Vec<Write> {
        if deleting(self.deployment) {
            return status::writes(self, Step::None, None);
        }
        if self.paused() || self.is_scaling() {
            let writes = self.scale();
            return self.with_status(writes, Step::None);
        }
        if !self.rolling() && self.old_pods_remain() {
            let writes: Vec<Write> = self
                .old_sets
                .iter()
                .flat_map(|set| self.resize(set, 0))
                .collect();
            return self.with_status(writes, Step::None);
        }
        let Some(new_set) = self.new_set else {
            return self.create_new_set();
        };
        let mut writes: Vec<Write> = self.refresh_annotations(new_set);
        if writes.is_empty() {
            writes = self.resize(new_set, self.new_size(new_set));
        }
        if writes.is_empty() && self.rolling() {
            writes = self.shrink_old(new_set);
        }
        if writes.is_empty() && self.complete() {
            writes = self.prune();
        }
        self.with_status(writes, Step::Found)
    }

    fn with_status(&self, mut writes: Vec<Write>, step: Step) -> Vec<Write> {
        writes.extend(status::writes(self, step, None));
        writes
    }

    /// Whether `spec.replicas` changed since the ReplicaSets were last sized.
    fn is_scaling(&self) -> bool {
        self.all().filter(|set| replicas(set) > 0).any(|set| {
            let desired = text(&set["metadata"]["annotations"][revision::DESIRED]).parse::<i64>();
            desired.is_ok_and(|desired| desired != self.wanted)
        })
    }

    /// Spreads a changed `spec.replicas` over the ReplicaSets, in proportion to their size.
    fn scale(&self) -> Vec<Write> {
        let mut active: Vec<&Object> = self.all().filter(|set| replicas(set) > 0).collect();
        if active.len() <= 1 {
            let only = active.first().copied().or(self.new_set);
            return only.map_or_else(Vec::new, |set| self.resize(set, self.wanted));
        }
        if self.complete()
            && let Some(new_set) = self.new_set
        {
            let old = self.old_sets.iter().filter(|set| replicas(set) > 0);
            let shrink = old.flat_map(|set| self.resize(set, 0));
            return self
                .resize(new_set, self.wanted)
                .into_iter()
                .chain(shrink)
                .collect();
        }
        if !self.rolling() {
            return Vec::new();
        }
        let allowed = if self.wanted > 0 {
            self.wanted + self.max_surge()
        } else {
            0
        };
        let total = self.wanted_in_all();
        let mut to_add = allowed - total;
        // Largest first when growing, as upstream sorts them; the first takes what rounding leaves.
        active.sort_by_key(|set| std::cmp::Reverse(replicas(set)));
        let mut sizes: Vec<i64> = active.iter().map(|set| replicas(set)).collect();
        let whole = to_add;
        for (size, set) in sizes.iter_mut().zip(&active) {
            let share = share_of(set, whole, self.wanted, allowed, to_add);
            *size += share;
            to_add -= share;
        }
        if let Some(first) = sizes.first_mut() {
            *first = (*first + to_add).max(0);
        }
        active
            .iter()
            .zip(sizes)
            .flat_map(|(set, size)| self.resize(set, size))
            .collect()
    }

    fn old_pods_remain(&self) -> bool {
        self.old_sets.iter().any(|set| {
            let keys = self.context.index.owned_by(uid(set));
            replicas(set) > 0
                || keys
                    .filter_map(|key| self.store.get_key(key))
                    .any(|pod| !pod_finished(pod))
        })
    }

    fn create_new_set(&self) -> Vec<Write> {
        let deployment = self.deployment;
        let template = &deployment["spec"]["template"];
        let collisions = deployment["status"]["collisionCount"].as_i64().unwrap_or(0);
        let hash = template_hash(template, collisions);
        let set_name = format!("{}-{hash}", name(deployment));
        if self
            .store
            .get(SETS, text(&deployment["metadata"]["namespace"]), &set_name)
            .is_some()
        {
            let mut next = (**deployment).clone();
            next["status"]["collisionCount"] = (collisions + 1).into();
            return vec![Write::UpdateStatus {
                kind: super::KIND,
                value: next,
            }];
        }
        let mut set = self.new_set_object(&set_name, &hash);
        let size = self.new_size(&set);
        set["spec"]["replicas"] = size.into();
        let next_revision = self.next_revision();
        revision::annotate(&mut set, deployment, next_revision);
        self.size_annotations(&mut set);
        let mut writes = vec![Write::Create {
            kind: SETS,
            value: set.clone(),
            announce: None,
        }];
        if size > 0 {
            writes.push(self.announce(&set, 0, size));
        }
        writes.extend(self.mark_revision(next_revision));
        writes.extend(status::writes(self, Step::Created, Some(&set_name)));
        writes
    }

    fn new_set_object(&self, set_name: &str, hash: &str) -> Value {
        let deployment = self.deployment;
        let mut template = deployment["spec"]["template"].clone();
        template["metadata"]["labels"][HASH_LABEL] = hash.into();
        let mut selector = deployment["spec"]["selector"].clone();
        selector["matchLabels"][HASH_LABEL] = hash.into();
        let mut set = json!({
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {
                "name": set_name,
                "namespace": deployment["metadata"]["namespace"],
                "labels": template["metadata"]["labels"],
                "ownerReferences": [owner_reference(deployment)],
            },
            "spec": { "replicas": 0, "selector": selector, "template": template },
            "status": { "replicas": 0 },
        });
        if let Some(seconds) = deployment["spec"]["minReadySeconds"]
            .as_i64()
            .filter(|seconds| *seconds > 0)
        {
            set["spec"]["minReadySeconds"] = seconds.into();
        }
        set
    }

    fn next_revision(&self) -> i64 {
        self.old_sets
            .iter()
            .map(|set| revision::of(set))
            .max()
            .unwrap_or(0)
            + 1
    }

    fn mark_revision(&self, number: i64) -> Option<Write> {
        if revision::of(self.deployment) == number {
            return None;
        }
        let mut next = (**self.deployment).clone();
        next["metadata"]["annotations"][revision::REVISION] = number.to_string().into();
        Some(Write::Update {
            kind: super::KIND,
            value: next,
        })
    }

    /// The revision and copied annotations of a ReplicaSet that already existed, as after an undo.
    fn refresh_annotations(&self, new_set: &Object) -> Vec<Write> {
        let number = self.next_revision().max(revision::of(new_set));
        let mut next = (**new_set).clone();
        revision::annotate(&mut next, self.deployment, number);
        let min_ready = self.deployment["spec"]["minReadySeconds"]
            .as_i64()
            .unwrap_or(0);
        if next["spec"]["minReadySeconds"].as_i64().unwrap_or(0) != min_ready {
            next["spec"]["minReadySeconds"] = min_ready.into();
        }
        let changed = next != **new_set;
        let set = changed.then_some(Write::Update {
            kind: SETS,
            value: next,
        });
        set.into_iter().chain(self.mark_revision(number)).collect()
    }

    /// How large the new ReplicaSet may be now.
    fn new_size(&self, new_set: &Value) -> i64 {
        if !self.rolling() {
            return self.wanted;
        }
        let current = replicas(new_set);
        let total: i64 = self.wanted_in_all();
        let room = self.wanted + self.max_surge() - total;
        if current > self.wanted {
            self.wanted
        } else if room <= 0 {
            current
        } else {
            current + room.min(self.wanted - current)
        }
    }

    fn shrink_old(&self, new_set: &Object) -> Vec<Write> {
        let old_total: i64 = self.old_sets.iter().map(|set| replicas(set)).sum();
        if old_total == 0 {
            return Vec::new();
        }
        let min_available = self.wanted - self.max_unavailable();
        let new_unavailable = replicas(new_set) - available(new_set);
        let mut to_remove = self.wanted_in_all() - min_available - new_unavailable;
        if to_remove <= 0 {
            return Vec::new();
        }
        let mut sizes: Vec<i64> = self.old_sets.iter().map(|set| replicas(set)).collect();
        // Pods that serve nobody go first.
        for (size, set) in sizes.iter_mut().zip(&self.old_sets) {
            let broken = (*size - available(set)).clamp(0, to_remove);
            *size -= broken;
            to_remove -= broken;
        }
        let all_available: i64 = self.all().map(|set| available(set)).sum();
        let mut to_remove = all_available - min_available;
        for size in &mut sizes {
            let gone = (*size).clamp(0, to_remove.max(0));
            *size -= gone;
            to_remove -= gone;
        }
        self.old_sets
            .iter()
            .zip(sizes)
            .flat_map(|(set, size)| self.resize(set, size))
            .collect()
    }

    fn complete(&self) -> bool {
        let Some(new_set) = self.new_set else {
            return false;
        };
        let old: i64 = self
            .old_sets
            .iter()
            .map(|set| set["status"]["replicas"].as_i64().unwrap_or(0))
            .sum();
        replicas(new_set) == self.wanted && available(new_set) == self.wanted && old == 0
    }

    /// Deletes the oldest finished ReplicaSets beyond `revisionHistoryLimit`.
    fn prune(&self) -> Vec<Write> {
        let limit = self.deployment["spec"]["revisionHistoryLimit"]
            .as_i64()
            .unwrap_or(10);
        let mut idle: Vec<&Object> = self
            .old_sets
            .iter()
            .copied()
            .filter(|set| {
                replicas(set) == 0
                    && set["status"]["replicas"].as_i64().unwrap_or(0) == 0
                    && !deleting(set)
            })
            .collect();
        idle.sort_by_key(|set| revision::of(set));
        let surplus = idle
            .len()
            .saturating_sub(usize::try_from(limit).unwrap_or(0));
        let delete = |set: &Object| Write::Delete {
            key: crate::store::Key::of(SETS, set),
            uid: uid(set).to_owned(),
            grace_seconds: None,
            announce: None,
        };
        idle.into_iter().take(surplus).map(delete).collect()
    }

    /// One ReplicaSet at another size, with the Event that says so; nothing when nothing changes.
    fn resize(&self, set: &Object, size: i64) -> Vec<Write> {
        let mut next = (**set).clone();
        next["spec"]["replicas"] = size.into();
        self.size_annotations(&mut next);
        if next == **set {
            return Vec::new();
        }
        let from = replicas(set);
        let note = (from != size).then(|| self.announce(set, from, size));
        std::iter::once(Write::Update {
            kind: SETS,
            value: next,
        })
        .chain(note)
        .collect()
    }

    fn size_annotations(&self, set: &mut Value) {
        set["metadata"]["annotations"][revision::DESIRED] = self.wanted.to_string().into();
        set["metadata"]["annotations"][revision::MAXIMUM] =
            (self.wanted + self.max_surge()).to_string().into();
    }

    fn announce(&self, set: &Value, from: i64, to: i64) -> Write {
        let direction = if to > from { "up" } else { "down" };
        let message = format!(
            "Scaled {direction} replica set {} from {from} to {to}",
            name(set)
        );
        Write::Record(Note::about(
            self.deployment,
            Tone::Normal,
            "ScalingReplicaSet",
            message,
            COMPONENT,
        ))
    }
}

pub(crate) fn replicas(set: &Value) -> i64 {
    set["spec"]["replicas"].as_i64().unwrap_or(1)
}

fn available(set: &Value) -> i64 {
    set["status"]["availableReplicas"].as_i64().unwrap_or(0)
}

/// A ReplicaSet's part of `whole` replicas to add (or, negative, to take away).
fn share_of(set: &Value, whole: i64, wanted: i64, allowed: i64, left: i64) -> i64 {
    if whole == 0 || left == 0 {
        return 0;
    }
    let size = replicas(set);
    if wanted == 0 {
        return -size;
    }
    let annotated = text(&set["metadata"]["annotations"][revision::MAXIMUM])
        .parse::<i64>()
        .unwrap_or(wanted);
    let target = (size * allowed * 2 + annotated) / (annotated.max(1) * 2);
    let share = target - size;
    if whole > 0 {
        share.clamp(0, left)
    } else {
        share.clamp(left, 0)
    }
}

/// Whether two templates are the same but for the hash label.
fn same_template(one: &Value, other: &Value) -> bool {
    let fields = |template: &Value| {
        let mut metadata = template["metadata"].clone();
        if let Some(labels) = metadata["labels"].as_object_mut() {
            labels.remove(HASH_LABEL);
        }
        metadata
    };
    one["spec"] == other["spec"] && fields(one) == fields(other)
}
