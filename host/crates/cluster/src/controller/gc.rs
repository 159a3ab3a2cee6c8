//! Deletes what nobody owns any more; lets owners go that wait for their dependents.
//!
//! Background: when an owner is gone, its dependents follow. Foreground: an owner marked with the
//! finalizer `foregroundDeletion` stays until those who block it are gone. Orphan: the finalizer
//! `orphan` first cuts the references. Never deletes an object with a living owner.

use super::meta::{deleting, items, text, uid};
use super::{Context, Controller, Index, Write};
use crate::store::{Event, Key, Object, Op, Store};
use serde_json::Value;

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";

/// The garbage collector.
#[derive(Debug)]
pub struct GarbageCollector;

impl Controller for GarbageCollector {
    fn name(&self) -> &'static str {
        "garbage-collector-controller"
    }

    fn wakes(&self, event: &Event, store: &Store, index: &Index) -> Vec<Key> {
        let object = &event.object;
        let key = Key::of(event.kind, object);
        match event.op {
            Op::Deleted => {
                let dependents = index.owned_by(uid(object)).cloned();
                // An owner that waits in the foreground may go now.
                let owners = owners(object)
                    .filter_map(|owner| index.with_uid(text(&owner["uid"])))
                    .filter(|key| waits(store, key));
                dependents.chain(owners.cloned()).collect()
            }
            Op::Added if owners(object).next().is_some() => vec![key],
            Op::Modified if deleting(object) && waits(store, &key) => vec![key],
            Op::Modified
                if event.previous.as_ref().is_some_and(|old| {
                    old["metadata"]["ownerReferences"] != object["metadata"]["ownerReferences"]
                }) =>
            {
                vec![key]
            }
            Op::Added | Op::Modified => Vec::new(),
        }
    }

    fn reconcile(&self, store: &Store, key: &Key, context: &Context<'_>) -> Vec<Write> {
        let Some(object) = store.get_key(key) else {
            return Vec::new();
        };
        if deleting(object) && has_finalizer(object, ORPHAN) {
            return orphan(store, key, object, context);
        }
        if deleting(object) && has_finalizer(object, FOREGROUND) {
            return foreground(store, key, object, context);
        }
        let abandoned = owners(object).next().is_some()
            && owners(object).all(|owner| context.index.with_uid(text(&owner["uid"])).is_none());
        if abandoned && !deleting(object) {
            vec![delete(key, object)]
        } else {
            Vec::new()
        }
    }
}

fn owners(object: &Value) -> impl Iterator<Item = &Value> {
    items(&object["metadata"]["ownerReferences"]).iter()
}

fn has_finalizer(object: &Value, finalizer: &str) -> bool {
    items(&object["metadata"]["finalizers"])
        .iter()
        .any(|one| one == finalizer)
}

fn waits(store: &Store, key: &Key) -> bool {
    store
        .get_key(key)
        .is_some_and(|object| has_finalizer(object, FOREGROUND) || has_finalizer(object, ORPHAN))
}

fn delete(key: &Key, object: &Object) -> Write {
    Write::Delete {
        key: key.clone(),
        uid: uid(object).to_owned(),
        grace_seconds: None,
        announce: None,
    }
}

fn orphan(store: &Store, key: &Key, object: &Object, context: &Context<'_>) -> Vec<Write> {
    let owner = uid(object);
    let mut writes = Vec::new();
    for dependent in context.index.owned_by(owner) {
        let Some(current) = store.get_key(dependent) else {
            continue;
        };
        let mut next = (**current).clone();
        let kept: Vec<Value> = owners(current)
            .filter(|reference| reference["uid"] != owner)
            .cloned()
            .collect();
        if let Some(metadata) = next["metadata"].as_object_mut() {
            if kept.is_empty() {
                metadata.remove("ownerReferences");
            } else {
                metadata.insert("ownerReferences".to_owned(), kept.into());
            }
        }
        writes.push(Write::Update {
            kind: dependent.kind,
            value: next,
        });
    }
    writes.push(release(key, object, ORPHAN));
    writes
}

fn foreground(store: &Store, key: &Key, object: &Object, context: &Context<'_>) -> Vec<Write> {
    let dependents: Vec<(&Key, &Object)> = context
        .index
        .owned_by(uid(object))
        .filter_map(|key| Some((key, store.get_key(key)?)))
        .collect();
    let blocking = dependents.iter().any(|(_, dependent)| {
        owners(dependent).any(|reference| {
            reference["uid"] == uid(object) && reference["blockOwnerDeletion"] == true
        })
    });
    if !blocking {
        return vec![release(key, object, FOREGROUND)];
    }
    dependents
        .into_iter()
        .filter(|(_, dependent)| !deleting(dependent))
        .map(|(key, dependent)| delete(key, dependent))
        .collect()
}

fn release(key: &Key, object: &Object, finalizer: &str) -> Write {
    let mut next = (**object).clone();
    let kept: Vec<Value> = items(&object["metadata"]["finalizers"])
        .iter()
        .filter(|one| *one != finalizer)
        .cloned()
        .collect();
    if let Some(metadata) = next["metadata"].as_object_mut() {
        if kept.is_empty() {
            metadata.remove("finalizers");
        } else {
            metadata.insert("finalizers".to_owned(), kept.into());
        }
    }
    Write::Update {
        kind: key.kind,
        value: next,
    }
}
