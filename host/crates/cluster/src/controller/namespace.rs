//! Empties a namespace that is marked for deletion and then lets it go; furnishes a new one.
//!
//! A new namespace gets the ServiceAccount `default` and the ConfigMap with the cluster's
//! certificate. Never deletes the namespace itself: removing its finalizer does.

use super::meta::{condition, deleting, items, text, unix};
use super::{Context, Controller, Index, Write};
use crate::store::{Event, Key, Object, Op, Store};
use clock::Duration;
use serde_json::{Value, json};
use std::collections::BTreeMap;

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

/// How long a namespace is left alone once it is to go, in seconds, so that everybody can see it.
const GRACE: i64 = 5;

fn empty(store: &Store, space: &Value, key: &Key, context: &Context<'_>) -> Vec<Write> {
    let marked = unix(text(&space["metadata"]["deletionTimestamp"])).unwrap_or(0);
    let left = marked + GRACE - context.unix();
    if left > 0 {
        let left = Duration::from_secs(left.unsigned_abs());
        return vec![Write::RequeueAfter(left)];
    }
    let contents = context.index.in_namespace(&key.name);
    let contents: Vec<(&Key, &Object)> = contents
        .filter_map(|key| Some((key, store.get_key(key)?)))
        .collect();
    let going = contents.iter().filter(|(_, object)| !deleting(object));
    let mut writes: Vec<Write> = going.map(|(key, _)| delete(key)).collect();
    let mut next = space.clone();
    next["status"]["conditions"] = told(space, &contents, context);
    if next["status"] != space["status"] {
        writes.push(Write::UpdateStatus {
            kind: "namespaces",
            value: next.clone(),
        });
    }
    if !contents.is_empty() {
        return writes;
    }
    let held = [
        &space["spec"]["finalizers"],
        &space["metadata"]["finalizers"],
    ];
    if held.iter().all(|finalizers| items(finalizers).is_empty()) {
        writes.push(delete(key));
        return writes;
    }
    if let Some(spec) = next["spec"].as_object_mut() {
        spec.remove("finalizers");
    }
    writes.push(Write::Update {
        kind: "namespaces",
        value: next,
    });
    writes
}

fn delete(key: &Key) -> Write {
    Write::Delete {
        key: key.clone(),
        uid: String::new(),
        grace_seconds: None,
        announce: None,
    }
}

/// What a namespace says while it goes, as upstream's `status_condition_utils.go`.
fn told(space: &Value, contents: &[(&Key, &Object)], context: &Context<'_>) -> Value {
    let (left, held) = (remaining(contents), finalizers(contents));
    let content = match left.is_empty() {
        true => (
            "False",
            "ContentRemoved",
            "All content successfully removed".to_owned(),
        ),
        false => {
            let why = format!("Some resources are remaining: {left}");
            ("True", "SomeResourcesRemain", why)
        }
    };
    let holding = match held.is_empty() {
        true => {
            let why = "All content-preserving finalizers finished";
            ("False", "ContentHasNoFinalizers", why.to_owned())
        }
        false => {
            let why = format!("Some content in the namespace has finalizers remaining: {held}");
            ("True", "SomeFinalizersRemain", why)
        }
    };
    let done = |reason, why: &str| ("False", reason, why.to_owned());
    let all = [
        (
            "NamespaceDeletionDiscoveryFailure",
            done(
                "ResourcesDiscovered",
                "All resources successfully discovered",
            ),
        ),
        (
            "NamespaceDeletionGroupVersionParsingFailure",
            done(
                "ParsedGroupVersions",
                "All legacy kube types successfully parsed",
            ),
        ),
        (
            "NamespaceDeletionContentFailure",
            done(
                "ContentDeleted",
                "All content successfully deleted, may be waiting on finalization",
            ),
        ),
        ("NamespaceContentRemaining", content),
        ("NamespaceFinalizersRemaining", holding),
    ];
    let conditions = all.into_iter().map(|(type_, (status, reason, message))| {
        let since = condition(space, type_)
            .filter(|old| old["status"] == status)
            .map_or_else(
                || context.time().into(),
                |old| old["lastTransitionTime"].clone(),
            );
        json!({
            "type": type_, "status": status, "lastTransitionTime": since,
            "reason": reason, "message": message,
        })
    });
    conditions.collect()
}

/// `pods. has 2 resource instances`, for each resource that has some.
fn remaining(contents: &[(&Key, &Object)]) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for (key, _) in contents {
        *counts.entry(resource(key)).or_default() += 1;
    }
    let counts = counts.into_iter();
    let each = counts.map(|(name, count)| format!("{name} has {count} resource instances"));
    each.collect::<Vec<_>>().join(", ")
}

/// `example.org/x in 2 resource instances`, for each finalizer that holds something.
fn finalizers(contents: &[(&Key, &Object)]) -> String {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, object) in contents {
        for finalizer in items(&object["metadata"]["finalizers"]) {
            *counts.entry(text(finalizer)).or_default() += 1;
        }
    }
    let counts = counts.into_iter();
    let each = counts.map(|(name, count)| format!("{name} in {count} resource instances"));
    each.collect::<Vec<_>>().join(", ")
}

/// A resource as `plural.group`, with the dot even when there is no group.
fn resource(key: &Key) -> String {
    match key.kind.contains('.') {
        true => key.kind.to_owned(),
        false => format!("{}.", key.kind),
    }
}
