//! Which objects belong to which, kept up to date from the log, so that nobody has to look at
//! every pod of a namespace to find its own. Never holds an object itself.
//!
//! What an index finds is a candidate: it may name an object that has just gone, and of a selector
//! it knows one pair. Whoever asks looks at the object in the store and decides.

mod selectors;

use self::selectors::Selectors;
use super::endpointslice;
use super::meta;
use crate::scheduler::Ledger;
use crate::store::{Event, Key, Op, Store};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The kinds that look for an owner while they have none.
const ADOPTED: [&str; 3] = ["pods", "replicasets.apps", "controllerrevisions.apps"];

/// What objects are filed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum By {
    /// The uid of an owner.
    Owner,
    /// Kind, namespace, and the kind and name of the controller; nothing of it for an orphan.
    Controller,
    /// The namespace.
    Namespace,
    /// The node of a pod.
    Node,
    /// Kind, namespace, key and value.
    Label,
    /// The cluster address of a Service.
    Address,
}

/// Objects by owner, by namespace, by uid; pods and slices by labels, pods also by node, and those
/// who select pods by what they select.
#[derive(Debug, Default)]
pub struct Index {
    filed: BTreeMap<(By, String), BTreeSet<Key>>,
    by_uid: BTreeMap<String, Key>,
    /// Pods that no node has.
    unbound: BTreeSet<Key>,
    selectors: Selectors,
    ledger: Ledger,
}

impl Index {
    /// Takes note of one write.
    pub fn note(&mut self, event: &Event) {
        if event.op == Op::Modified
            && let Some(previous) = &event.previous
            && files_the_same(event.kind, previous, &event.object)
        {
            return;
        }
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
        self.at(By::Owner, uid.to_owned())
    }

    /// The pods, ReplicaSets or revisions of a namespace that nobody controls.
    pub fn orphans(&self, kind: &str, namespace: &str) -> impl Iterator<Item = &Key> {
        self.at(By::Controller, joined(&[kind, namespace]))
    }

    /// The pods, ReplicaSets or revisions that an owner of this kind and name controls, whichever
    /// uid it has.
    pub fn controlled(&self, kind: &str, by: &str, owner: &Key) -> impl Iterator<Item = &Key> {
        let at = joined(&[kind, &owner.namespace, by, &owner.name]);
        self.at(By::Controller, at)
    }

    /// The pods that may have all of these labels: those that have the rarest of them.
    pub fn pods_with(&self, namespace: &str, labels: &Value) -> impl Iterator<Item = &Key> {
        let pairs = labels.as_object().into_iter().flatten();
        let sets = pairs.map(|(key, value)| {
            let at = joined(&["pods", namespace, key, meta::text(value)]);
            self.filed.get(&(By::Label, at))
        });
        // A pair that nobody has is the rarest.
        let rarest = sets.min_by_key(|set| set.map_or(0, BTreeSet::len));
        rarest.flatten().into_iter().flatten()
    }

    /// The EndpointSlices that say they are this Service's.
    pub fn slices_of(&self, namespace: &str, service: &str) -> impl Iterator<Item = &Key> {
        let (kind, label) = (endpointslice::KIND, endpointslice::SERVICE_NAME);
        self.at(By::Label, joined(&[kind, namespace, label, service]))
    }

    /// The Services that have this address.
    pub fn services_at(&self, address: &str) -> impl Iterator<Item = &Key> {
        self.at(By::Address, address.to_owned())
    }

    /// The objects of a kind whose selector may select these labels, in the order of their names.
    pub fn selecting(&self, kind: &'static str, namespace: &str, labels: &Value) -> BTreeSet<&Key> {
        self.selectors.of(kind, namespace, labels)
    }

    /// Everything in a namespace.
    pub fn in_namespace(&self, namespace: &str) -> impl Iterator<Item = &Key> {
        self.at(By::Namespace, namespace.to_owned())
    }

    /// The pods bound to a node.
    pub fn pods_on(&self, node: &str) -> impl Iterator<Item = &Key> {
        self.at(By::Node, node.to_owned())
    }

    /// The pods bound to no node.
    pub fn unbound(&self) -> impl Iterator<Item = &Key> {
        self.unbound.iter()
    }

    /// What the pods of each node take of it.
    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The object with this uid, if it still exists.
    #[must_use]
    pub fn with_uid(&self, uid: &str) -> Option<&Key> {
        self.by_uid.get(uid)
    }

    /// Every object, ordered by its namespace.
    pub fn all(&self) -> impl Iterator<Item = &Key> {
        let spaces = (By::Namespace, String::new())..(By::Node, String::new());
        self.filed.range(spaces).flat_map(|(_, keys)| keys)
    }

    fn at(&self, by: By, at: String) -> impl Iterator<Item = &Key> + use<'_> {
        self.filed.get(&(by, at)).into_iter().flatten()
    }

    fn insert(&mut self, key: &Key, object: &Value) {
        for place in places(key, object) {
            self.filed.entry(place).or_default().insert(key.clone());
        }
        self.by_uid
            .insert(meta::uid(object).to_owned(), key.clone());
        self.selectors.insert(key, object);
        if key.kind == "pods" {
            self.ledger.insert(key, object);
            if node_of(object).is_none() {
                self.unbound.insert(key.clone());
            }
        }
    }

    fn remove(&mut self, key: &Key, object: &Value) {
        for place in places(key, object) {
            if let Some(keys) = self.filed.get_mut(&place) {
                keys.remove(key);
                if keys.is_empty() {
                    self.filed.remove(&place);
                }
            }
        }
        self.by_uid.remove(meta::uid(object));
        self.selectors.remove(key, object);
        if key.kind == "pods" {
            self.ledger.remove(key);
            self.unbound.remove(key);
        }
    }
}

/// Where an object is filed.
fn places(key: &Key, object: &Value) -> Vec<(By, String)> {
    let mut places: Vec<(By, String)> = owners(object)
        .map(|owner| (By::Owner, owner.to_owned()))
        .collect();
    places.push((By::Namespace, key.namespace.clone()));
    if ADOPTED.contains(&key.kind) {
        let at = match meta::controller_of(object) {
            Some(owner) => {
                let (kind, name) = (meta::text(&owner["kind"]), meta::text(&owner["name"]));
                joined(&[key.kind, &key.namespace, kind, name])
            }
            None => joined(&[key.kind, &key.namespace]),
        };
        places.push((By::Controller, at));
    }
    let labels = &object["metadata"]["labels"];
    let label = |name: &str, value: &Value| {
        let at = joined(&[key.kind, &key.namespace, name, meta::text(value)]);
        (By::Label, at)
    };
    match key.kind {
        "pods" => {
            let labels = labels.as_object().into_iter().flatten();
            places.extend(labels.map(|(name, value)| label(name, value)));
            places.extend(node_of(object).map(|node| (By::Node, node.to_owned())));
        }
        "services" => {
            let address = meta::text(&object["spec"]["clusterIP"]);
            places.push((By::Address, address.to_owned()));
        }
        endpointslice::KIND => {
            let name = endpointslice::SERVICE_NAME;
            places.push(label(name, &labels[name]));
        }
        _ => {}
    }
    places
}

/// Whether two states of an object are filed in the same places, as most writes leave them.
fn files_the_same(kind: &str, one: &Value, other: &Value) -> bool {
    let metadata = |field: &str| one["metadata"][field] == other["metadata"][field];
    metadata("uid")
        && metadata("ownerReferences")
        && metadata("labels")
        && (kind != "services" || one["spec"]["clusterIP"] == other["spec"]["clusterIP"])
        && selectors::of(kind, one) == selectors::of(kind, other)
        && (kind != "pods"
            || one["spec"] == other["spec"] && meta::pod_finished(one) == meta::pod_finished(other))
}

fn owners(object: &Value) -> impl Iterator<Item = &str> {
    meta::items(&object["metadata"]["ownerReferences"])
        .iter()
        .map(|owner| meta::text(&owner["uid"]))
}

fn node_of(pod: &Value) -> Option<&str> {
    pod["spec"]["nodeName"]
        .as_str()
        .filter(|node| !node.is_empty())
}

/// Several words as one; no name and no label has a NUL in it.
fn joined(words: &[&str]) -> String {
    words.join("\0")
}
