//! Who selects pods, by one pair of each selector: a pod's labels lead to the few that may select
//! it. Never decides whether they do.

use super::joined;
use crate::controller::meta;
use crate::store::Key;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Keys of objects with selectors.
#[derive(Debug, Default)]
pub(super) struct Selectors {
    /// By kind, namespace, and the pair that stands for the selector; a selector without pairs is
    /// filed under kind and namespace alone, and may select anything.
    filed: BTreeMap<String, BTreeSet<Key>>,
}

impl Selectors {
    /// The objects of a kind whose selector may select these labels.
    pub(super) fn of(&self, kind: &str, namespace: &str, labels: &Value) -> BTreeSet<&Key> {
        let pairs = labels.as_object().into_iter().flatten();
        let pairs = pairs
            .map(|(key, value)| joined(&[kind, namespace, key.as_str(), meta::text(value)]))
            .chain([joined(&[kind, namespace])]);
        pairs
            .filter_map(|at| self.filed.get(&at))
            .flatten()
            .collect()
    }

    pub(super) fn insert(&mut self, key: &Key, object: &Value) {
        if let Some(at) = place(key, object) {
            self.filed.entry(at).or_default().insert(key.clone());
        }
    }

    pub(super) fn remove(&mut self, key: &Key, object: &Value) {
        let Some(at) = place(key, object) else { return };
        if let Some(keys) = self.filed.get_mut(&at) {
            keys.remove(key);
            if keys.is_empty() {
                self.filed.remove(&at);
            }
        }
    }
}

/// The selector of an object of this kind, if its kind has one that the index knows.
pub(super) fn of<'a>(kind: &str, object: &'a Value) -> Option<&'a Value> {
    let known = matches!(
        kind,
        "services"
            | "replicationcontrollers"
            | "replicasets.apps"
            | "deployments.apps"
            | "statefulsets.apps"
            | "daemonsets.apps"
            | "jobs.batch"
            | "poddisruptionbudgets.policy"
    );
    known.then(|| &object["spec"]["selector"])
}

fn place(key: &Key, object: &Value) -> Option<String> {
    let selector = of(key.kind, object)?;
    let pairs = match key.kind {
        "services" | "replicationcontrollers" => selector,
        _ => &selector["matchLabels"],
    };
    let first = pairs.as_object().and_then(|pairs| pairs.iter().next());
    Some(match first {
        Some((name, value)) => joined(&[key.kind, &key.namespace, name, meta::text(value)]),
        None => joined(&[key.kind, &key.namespace]),
    })
}
