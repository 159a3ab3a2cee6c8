//! What all who make pods from a template have in common: claiming, making and deleting them.
//! Never decides how many.

use super::meta::{
    controlled_by, controller_of, deleting, items, name, namespace, owner_reference, pod_finished,
    selector_matches, text, uid,
};
use super::{Context, Index, Note, Tone, Write};
use crate::store::{Event, Key, Object, Store};
use serde_json::{Value, json};

/// A kind whose objects own pods.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Owners {
    /// The kind as the store names it.
    pub(crate) key: &'static str,
    /// The kind as an owner reference names it.
    pub(crate) kind: &'static str,
    /// Who speaks in its Events.
    pub(crate) component: &'static str,
}

impl Owners {
    /// The owners an event concerns: the object itself, or who owns (or would adopt) its pod.
    pub(crate) fn woken_by(self, event: &Event, store: &Store, index: &Index) -> Vec<Key> {
        if event.kind == self.key {
            return vec![Key::of(self.key, &event.object)];
        }
        if event.kind != "pods" {
            return Vec::new();
        }
        let mut keys = match controller_of(&event.object) {
            Some(_) => self.of(&event.object).into_iter().collect(),
            None => self.adopters(&event.object, store, index),
        };
        if let Some(previous) = &event.previous {
            keys.extend(self.of(previous));
        }
        keys
    }

    /// The owner of this kind that controls an object.
    pub(crate) fn of(self, object: &Value) -> Option<Key> {
        let owner = controller_of(object).filter(|owner| owner["kind"] == self.kind)?;
        Some(Key::new(self.key, namespace(object), text(&owner["name"])))
    }

    fn adopters(self, pod: &Value, store: &Store, index: &Index) -> Vec<Key> {
        let labels = &pod["metadata"]["labels"];
        let owners = index
            .selecting(self.key, namespace(pod), labels)
            .into_iter();
        let fits = |key: &&Key| {
            let owner = store.get_key(key);
            owner.is_some_and(|owner| selector_matches(&selector(owner), labels))
        };
        owners.filter(fits).cloned().collect()
    }

    /// A note of this kind's controller.
    pub(crate) fn note(
        self,
        owner: &Value,
        tone: Tone,
        reason: &'static str,
        message: impl Into<String>,
    ) -> Note {
        Note::about(owner, tone, reason, message, self.component)
    }

    /// Makes a pod whose name ends at random, and tells its name.
    pub(crate) fn create(self, owner: &Value, pod: Value) -> Write {
        Write::Create {
            kind: "pods",
            value: pod,
            announce: Some(self.note(owner, Tone::Normal, "SuccessfulCreate", "Created pod: ")),
        }
    }

    /// Deletes a pod and tells its name.
    pub(crate) fn delete(self, owner: &Value, pod: &Value) -> Write {
        let message = format!("Deleted pod: {}", name(pod));
        delete(
            pod,
            self.note(owner, Tone::Normal, "SuccessfulDelete", message),
        )
    }
}

/// Deletes a pod, with what is to be said about it.
pub(crate) fn delete(pod: &Value, note: Note) -> Write {
    Write::Delete {
        key: Key::of("pods", pod),
        uid: uid(pod).to_owned(),
        grace_seconds: None,
        announce: Some(note),
    }
}

/// An owner's selector as a `LabelSelector`; ReplicationControllers have a plain map.
pub(crate) fn selector(owner: &Value) -> Value {
    let selector = &owner["spec"]["selector"];
    if owner["kind"] == "ReplicationController" {
        return json!({ "matchLabels": selector });
    }
    selector.clone()
}

/// The owner's pods; orphans that match are adopted, pods that no longer match are released.
///
/// `fits` tells which of the matching pods may be the owner's.
pub(crate) fn claim<'a>(
    store: &'a Store,
    owner: &Value,
    context: &Context<'_>,
    fits: impl Fn(&Value) -> bool,
    writes: &mut Vec<Write>,
) -> Vec<&'a Object> {
    let selector = selector(owner);
    let own = uid(owner);
    let matches =
        |pod: &Value| selector_matches(&selector, &pod["metadata"]["labels"]) && fits(pod);
    let mut claimed = Vec::new();
    for key in context.index.owned_by(own).filter(|key| key.kind == "pods") {
        let Some(pod) = store.get_key(key).filter(|pod| controlled_by(pod, own)) else {
            continue;
        };
        if matches(pod) {
            claimed.push(pod);
        } else if !deleting(owner) {
            writes.push(release(pod, own));
        }
    }
    if deleting(owner) {
        return claimed;
    }
    let orphans = context.index.orphans("pods", namespace(owner));
    for pod in orphans.filter_map(|key| store.get_key(key)) {
        let orphan = controller_of(pod).is_none() && !deleting(pod) && !pod_finished(pod);
        if orphan && matches(pod) {
            writes.push(adopt(pod, owner));
            claimed.push(pod);
        }
    }
    claimed
}

fn adopt(pod: &Value, owner: &Value) -> Write {
    let mut pod = pod.clone();
    let mut owners = items(&pod["metadata"]["ownerReferences"]).to_vec();
    owners.push(owner_reference(owner));
    pod["metadata"]["ownerReferences"] = owners.into();
    Write::Update {
        kind: "pods",
        value: pod,
    }
}

fn release(pod: &Value, owner: &str) -> Write {
    let mut pod = pod.clone();
    let others: Vec<Value> = items(&pod["metadata"]["ownerReferences"])
        .iter()
        .filter(|reference| reference["uid"] != owner)
        .cloned()
        .collect();
    if let Some(metadata) = pod["metadata"].as_object_mut() {
        if others.is_empty() {
            metadata.remove("ownerReferences");
        } else {
            metadata.insert("ownerReferences".to_owned(), others.into());
        }
    }
    Write::Update {
        kind: "pods",
        value: pod,
    }
}

/// A pod of `template` that `owner` controls, its name still to be made.
pub(crate) fn from_template(owner: &Value, template: &Value) -> Value {
    let mut metadata = json!({
        "generateName": format!("{}-", name(owner)),
        "namespace": owner["metadata"]["namespace"],
        "ownerReferences": [owner_reference(owner)],
    });
    for field in ["labels", "annotations", "finalizers"] {
        if let Some(value) = template["metadata"]
            .get(field)
            .filter(|value| !value.is_null())
        {
            metadata[field] = value.clone();
        }
    }
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": metadata, "spec": template["spec"], "status": {"phase": "Pending"},
    })
}
