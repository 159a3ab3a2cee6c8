//! Empties a namespace that is marked for deletion and then lets it go; furnishes a new one.
//!
//! A new namespace gets the ServiceAccount `default` and the ConfigMap with the cluster's
//! certificate. Never deletes the namespace itself: removing its finalizer does.

use super::meta::{deleting, items, text};
use super::{Context, Controller, Index, Write};
use crate::store::{Event, Key, Op, Store};
use serde_json::Value;

/// The namespace controller, with the two that furnish namespaces.
#[derive(Debug)]
pub struct Namespaces;

impl Controller for Namespaces {
    fn name(&self) -> &'static str {
        "namespace-controller"
    }

    fn wakes(&self, event: &Event, store: &Store, _: &Index) -> Vec<Key> {
        let namespace = match event.kind {
            "namespaces" => text(&event.object["metadata"]["name"]),
            _ if event.op != Op::Modified => text(&event.object["metadata"]["namespace"]),
            _ => return Vec::new(),
        };
        let furniture = matches!(event.kind, "namespaces" | "serviceaccounts" | "configmaps");
        let space = store.get("namespaces", "", namespace);
        let relevant = space.is_some_and(|space| furniture || deleting(space));
        if relevant {
            vec![Key::new("namespaces", "", namespace)]
        } else {
            Vec::new()
        }
    }

    fn reconcile(&self, store: &Store, key: &Key, context: &Context<'_>) -> Vec<Write> {
        let Some(space) = store.get_key(key) else {
            return Vec::new();
        };
        if deleting(space) {
            empty(store, space, key, context)
        } else {
            furnish(store, key)
        }
    }
}

fn furnish(store: &Store, key: &Key) -> Vec<Write> {
    crate::api::furniture(store, &key.name)
        .into_iter()
        .filter(|(kind, value)| {
            store
                .get(kind, &key.name, text(&value["metadata"]["name"]))
                .is_none()
        })
        .map(|(kind, value)| Write::Create {
            kind,
            value,
            announce: None,
        })
        .collect()
}

fn empty(store: &Store, space: &Value, key: &Key, context: &Context<'_>) -> Vec<Write> {
    let contents = context.index.in_namespace(&key.name);
    let mut remains = false;
    let mut writes = Vec::new();
    for key in contents {
        let Some(object) = store.get_key(key) else {
            continue;
        };
        remains = true;
        if !deleting(object) {
            writes.push(Write::Delete {
                key: key.clone(),
                uid: String::new(),
                grace_seconds: None,
                announce: None,
            });
        }
    }
    if remains {
        return writes;
    }
    if items(&space["spec"]["finalizers"]).is_empty()
        && items(&space["metadata"]["finalizers"]).is_empty()
    {
        writes.push(Write::Delete {
            key: key.clone(),
            uid: String::new(),
            grace_seconds: None,
            announce: None,
        });
        return writes;
    }
    let mut next = space.clone();
    if let Some(spec) = next["spec"].as_object_mut() {
        spec.remove("finalizers");
    }
    writes.push(Write::Update {
        kind: "namespaces",
        value: next,
    });
    writes
}
