//! What the pods of each node take of it, kept up to date pod by pod, so that placing one pod does
//! not add up all others. Never knows what a node has.

use super::fit::{HostPort, Wanted};
use crate::controller::meta::{pod_finished, text};
use crate::store::Key;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The sums of all nodes, whether the nodes exist or not.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    nodes: BTreeMap<String, Taken>,
    entries: BTreeMap<Key, (String, Wanted)>,
}

/// What the pods of one node take together.
#[derive(Debug, Default)]
pub(crate) struct Taken {
    pub(super) cpu: i128,
    pub(super) memory: i128,
    pub(super) places: i128,
    pub(super) ports: BTreeMap<Key, Vec<HostPort>>,
    pub(super) owners: BTreeMap<String, u64>,
    /// The pods that require not to be with others.
    pub(super) aloof: BTreeSet<Key>,
}

impl Ledger {
    /// The pods of a node, if it has any.
    pub(super) fn of(&self, node: &str) -> Option<&Taken> {
        self.nodes.get(node)
    }

    /// Adds a pod, if it has a node and has not finished.
    pub(crate) fn insert(&mut self, key: &Key, pod: &Value) {
        let node = text(&pod["spec"]["nodeName"]);
        if node.is_empty() || pod_finished(pod) {
            return;
        }
        let wanted = Wanted::of(pod);
        let taken = self.nodes.entry(node.to_owned()).or_default();
        taken.cpu += wanted.cpu;
        taken.memory += wanted.memory;
        taken.places += 1;
        if !wanted.ports.is_empty() {
            taken.ports.insert(key.clone(), wanted.ports.clone());
        }
        if !wanted.owner.is_empty() {
            *taken.owners.entry(wanted.owner.clone()).or_default() += 1;
        }
        if is_aloof(pod) {
            taken.aloof.insert(key.clone());
        }
        self.entries.insert(key.clone(), (node.to_owned(), wanted));
    }

    /// Takes a pod out again.
    pub(crate) fn remove(&mut self, key: &Key) {
        let Some((node, wanted)) = self.entries.remove(key) else {
            return;
        };
        let Some(taken) = self.nodes.get_mut(&node) else {
            return;
        };
        taken.cpu -= wanted.cpu;
        taken.memory -= wanted.memory;
        taken.places -= 1;
        taken.ports.remove(key);
        taken.aloof.remove(key);
        if let Some(count) = taken.owners.get_mut(&wanted.owner) {
            *count -= 1;
            if *count == 0 {
                taken.owners.remove(&wanted.owner);
            }
        }
        if taken.places == 0 {
            self.nodes.remove(&node);
        }
    }
}

/// Whether a pod requires not to be with some others.
pub(super) fn is_aloof(pod: &Value) -> bool {
    !pod["spec"]["affinity"]["podAntiAffinity"].is_null()
}
