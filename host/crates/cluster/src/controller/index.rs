//! Which objects belong to which, kept up to date from the log. Never holds an object itself.

use super::meta;
use crate::store::{Event, Key, Op, Store};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Objects by owner, by namespace, by uid; pods also by node.
#[derive(Debug, Default)]
pub struct Index {
    by_owner: BTreeMap<String, BTreeSet<Key>>,
    by_namespace: BTreeMap<String, BTreeSet<Key>>,
    by_node: BTreeMap<String, BTreeSet<Key>>,
    by_uid: BTreeMap<String, Key>,
}

impl Index {
    /// Takes note of one write.
    pub fn note(&mut self, event: &Event) {
        let key = Key::of(event.kind, &event.object);
        if let Some(previous) = &event.previous {
            self.remove(&key, previous);
        }
        if event.op != Op::Deleted {
            self.insert(&key, &event.object);
        }
    }

    /// Starts over from what the store holds of these kinds.
    pub fn rebuild(&mut self, store: &Store, kinds: impl Iterator<Item = &'static str>) {
        *self = Self::default();
        for kind in kinds {
            for object in store.list(kind, None) {
                self.insert(&Key::of(kind, object), object);
            }
        }
    }

    /// The objects one of whose owners has this uid.
    pub fn owned_by(&self, uid: &str) -> impl Iterator<Item = &Key> {
        self.by_owner.get(uid).into_iter().flatten()
    }

    /// Everything in a namespace.
    pub fn in_namespace(&self, namespace: &str) -> impl Iterator<Item = &Key> {
        self.by_namespace.get(namespace).into_iter().flatten()
    }

    /// The pods bound to a node.
    pub fn pods_on(&self, node: &str) -> impl Iterator<Item = &Key> {
        self.by_node.get(node).into_iter().flatten()
    }

    /// The object with this uid, if it still exists.
    #[must_use]
    pub fn with_uid(&self, uid: &str) -> Option<&Key> {
        self.by_uid.get(uid)
    }

    /// Every object, ordered by its namespace.
    pub fn all(&self) -> impl Iterator<Item = &Key> {
        self.by_namespace.values().flatten()
    }

    fn insert(&mut self, key: &Key, object: &Value) {
        for owner in owners(object) {
            self.by_owner
                .entry(owner.to_owned())
                .or_default()
                .insert(key.clone());
        }
        self.by_namespace
            .entry(key.namespace.clone())
            .or_default()
            .insert(key.clone());
        self.by_uid
            .insert(meta::uid(object).to_owned(), key.clone());
        if let Some(node) = node_of(key, object) {
            self.by_node
                .entry(node.to_owned())
                .or_default()
                .insert(key.clone());
        }
    }

    fn remove(&mut self, key: &Key, object: &Value) {
        for owner in owners(object) {
            take(&mut self.by_owner, owner, key);
        }
        take(&mut self.by_namespace, &key.namespace, key);
        self.by_uid.remove(meta::uid(object));
        if let Some(node) = node_of(key, object) {
            take(&mut self.by_node, node, key);
        }
    }
}

fn owners(object: &Value) -> impl Iterator<Item = &str> {
    meta::items(&object["metadata"]["ownerReferences"])
        .iter()
        .map(|owner| meta::text(&owner["uid"]))
}

fn node_of<'a>(key: &Key, object: &'a Value) -> Option<&'a str> {
    let node = object["spec"]["nodeName"].as_str()?;
    (key.kind == "pods" && !node.is_empty()).then_some(node)
}

fn take(map: &mut BTreeMap<String, BTreeSet<Key>>, at: &str, key: &Key) {
    if let Some(keys) = map.get_mut(at) {
        keys.remove(key);
        if keys.is_empty() {
            map.remove(at);
        }
    }
}
