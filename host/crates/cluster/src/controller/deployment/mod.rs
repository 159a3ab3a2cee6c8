//! Brings a Deployment's pods from one template to the next, one ReplicaSet each.
//!
//! ```text
//! new template ─► new ReplicaSet at 0 ─► scale new up ─► scale old down ─► … ─► complete, prune history
//! ```
//!
//! One reconcile takes one step; what follows from it wakes the Deployment again. Never touches
//! a pod: that is the ReplicaSet's work.

pub(crate) mod revision;
mod rollout;
mod status;
mod template_hash;

pub use template_hash::template_hash;

use super::meta::{
    controlled_by, controller_of, deleting, namespace, owner_reference, selector_matches, text, uid,
};
use super::{Context, Controller, Index, Write};
use crate::store::{Event, Key, Object, Store};
use rollout::Rollout;
use serde_json::Value;

pub(crate) const KIND: &str = "deployments.apps";
pub(crate) const SETS: &str = "replicasets.apps";
pub(crate) const COMPONENT: &str = "deployment-controller";
/// The label that tells the pods of one template from those of the next.
pub(crate) const HASH_LABEL: &str = "pod-template-hash";

/// The Deployment controller.
#[derive(Debug)]
pub struct Deployments;

impl Controller for Deployments {
    fn name(&self) -> &'static str {
        COMPONENT
    }

    fn wakes(&self, event: &Event, store: &Store, index: &Index) -> Vec<Key> {
        match event.kind {
            KIND => vec![Key::of(KIND, &event.object)],
            SETS => owner_key(&event.object)
                .map_or_else(|| adopters(&event.object, store, index), |key| vec![key]),
            // Recreate waits until the last old pod is gone.
            "pods" if event.op == crate::store::Op::Deleted => {
                pod_owner(&event.object, store).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    fn reconcile(&self, store: &Store, key: &Key, context: &Context<'_>) -> Vec<Write> {
        let Some(deployment) = store.get_key(key) else {
            return Vec::new();
        };
        let mut writes = Vec::new();
        let sets = claim(store, deployment, context, &mut writes);
        let rollout = Rollout::new(store, deployment, sets, context);
        writes.extend(rollout.step());
        writes
    }
}

fn owner_key(set: &Value) -> Option<Key> {
    let owner = controller_of(set).filter(|owner| owner["kind"] == "Deployment")?;
    Some(Key::new(KIND, namespace(set), text(&owner["name"])))
}

fn adopters(set: &Value, store: &Store, index: &Index) -> Vec<Key> {
    let labels = &set["metadata"]["labels"];
    let deployments = index.selecting(KIND, namespace(set), labels).into_iter();
    let fits = |key: &&Key| {
        let deployment = store.get_key(key);
        deployment.is_some_and(|one| selector_matches(&one["spec"]["selector"], labels))
    };
    deployments.filter(fits).cloned().collect()
}

fn pod_owner(pod: &Value, store: &Store) -> Option<Key> {
    let owner = controller_of(pod).filter(|owner| owner["kind"] == "ReplicaSet")?;
    owner_key(store.get(SETS, namespace(pod), text(&owner["name"]))?)
}

/// The Deployment's ReplicaSets, oldest first; matching orphans are adopted.
fn claim<'a>(
    store: &'a Store,
    deployment: &Value,
    context: &Context<'_>,
    writes: &mut Vec<Write>,
) -> Vec<&'a Object> {
    let owner = uid(deployment);
    let keys = context.index.owned_by(owner).filter(|key| key.kind == SETS);
    let mut sets: Vec<&Object> = keys
        .filter_map(|key| store.get_key(key))
        .filter(|set| controlled_by(set, owner))
        .collect();
    let orphans = context.index.orphans(SETS, namespace(deployment));
    for set in orphans.filter_map(|key| store.get_key(key)) {
        let orphan = controller_of(set).is_none() && !deleting(set) && !deleting(deployment);
        if orphan && selector_matches(&deployment["spec"]["selector"], &set["metadata"]["labels"]) {
            let mut next = (**set).clone();
            next["metadata"]["ownerReferences"] = vec![owner_reference(deployment)].into();
            writes.push(Write::Update {
                kind: SETS,
                value: next,
            });
        }
    }
    sets.sort_by_key(|set| {
        (
            text(&set["metadata"]["creationTimestamp"]).to_owned(),
            revision::of(set),
        )
    });
    sets
}
