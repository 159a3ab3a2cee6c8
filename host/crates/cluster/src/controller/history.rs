//! ControllerRevisions: what templates a StatefulSet or DaemonSet has had. Never touches a pod.

use super::deployment::template_hash;
use super::meta::{controlled_by, deleting, items, name, namespace, owner_reference, text, uid};
use super::{Context, Write};
use crate::store::{Key, Object, Store};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const KIND: &str = "controllerrevisions.apps";
/// The label by which a pod says which revision it is of.
pub(crate) const REVISION_LABEL: &str = "controller-revision-hash";
/// The label by which a revision of a StatefulSet says its hash.
const HASH_LABEL: &str = "controller.kubernetes.io/hash";

/// One revision, stored or about to be.
#[derive(Clone, Debug)]
pub(crate) struct Revision {
    pub(crate) name: String,
    /// The letters that tell it from the next.
    pub(crate) hash: String,
    /// The template of pods at that time.
    pub(crate) template: Value,
}

impl Revision {
    fn of(object: &Value) -> Self {
        let labels = &object["metadata"]["labels"];
        let hash = labels
            .get(HASH_LABEL)
            .or_else(|| labels.get(REVISION_LABEL));
        Self {
            name: name(object).to_owned(),
            hash: hash.map_or("", text).to_owned(),
            template: template(object),
        }
    }
}

/// The template that a stored revision holds.
fn template(object: &Value) -> Value {
    let mut template = object["data"]["spec"]["template"].clone();
    if let Some(fields) = template.as_object_mut() {
        fields.remove("$patch");
    }
    template
}

/// The revisions of one owner, oldest first.
#[derive(Debug)]
pub(crate) struct History<'a> {
    owner: &'a Value,
    label: &'static str,
    all: Vec<&'a Object>,
    /// Those of them that have no owner yet.
    orphans: Vec<&'a Object>,
}

impl<'a> History<'a> {
    /// The owner's revisions, and those that an owner before it left behind.
    /// StatefulSets and DaemonSets mark them with different labels.
    pub(crate) fn new(store: &'a Store, owner: &'a Value, context: &Context<'_>) -> Self {
        let own = uid(owner);
        let keys = context.index.owned_by(own).filter(|key| key.kind == KIND);
        let mut all: Vec<&Object> = keys
            .filter_map(|key| store.get_key(key))
            .filter(|revision| controlled_by(revision, own))
            .collect();
        let orphans = orphans(store, owner, context);
        all.extend(&orphans);
        all.sort_by_key(|revision| (number(revision), name(revision).to_owned()));
        let label = match text(&owner["kind"]) {
            "StatefulSet" => HASH_LABEL,
            _ => REVISION_LABEL,
        };
        Self {
            owner,
            label,
            all,
            orphans,
        }
    }

    /// The stored revision of this name.
    pub(crate) fn named(&self, wanted: &str) -> Option<Revision> {
        let found = self.all.iter().find(|revision| name(revision) == wanted);
        found.map(|revision| Revision::of(revision))
    }

    /// The revision of the owner's template now; made, or moved to the end, when it is not there.
    ///
    /// A name that is taken by something else raises `collisions`, which is part of the next name.
    pub(crate) fn newest(
        &self,
        store: &Store,
        collisions: &mut i64,
        writes: &mut Vec<Write>,
    ) -> Revision {
        let wanted = &self.owner["spec"]["template"];
        let next = self.all.last().map_or(0, |last| number(last)) + 1;
        let equal = self.all.iter().rev().find(|one| template(one) == *wanted);
        let moves = equal.filter(|equal| number(equal) + 1 < next);
        if !deleting(self.owner) {
            writes.extend(self.adopt(moves.copied(), next));
        }
        if let Some(equal) = equal {
            return Revision::of(equal);
        }
        let (space, own) = (namespace(self.owner), name(self.owner));
        let mut hash = template_hash(wanted, *collisions);
        while store.get(KIND, space, &format!("{own}-{hash}")).is_some() {
            *collisions += 1;
            hash = template_hash(wanted, *collisions);
        }
        let value = self.object(&format!("{own}-{hash}"), &hash, next);
        let revision = Revision::of(&value);
        if !deleting(self.owner) {
            writes.push(Write::Create {
                kind: KIND,
                value,
                announce: None,
            });
        }
        revision
    }

    /// Makes the orphans the owner's, and gives the one that moves its number.
    fn adopt(&self, moves: Option<&Object>, next: i64) -> Vec<Write> {
        let mut changes: BTreeMap<&str, Value> = BTreeMap::new();
        for orphan in &self.orphans {
            let mut value = (***orphan).clone();
            value["metadata"]["ownerReferences"] = json!([owner_reference(self.owner)]);
            changes.insert(name(orphan), value);
        }
        if let Some(one) = moves {
            let value = changes.entry(name(one)).or_insert_with(|| (**one).clone());
            value["revision"] = next.into();
        }
        let update = |value| Write::Update { kind: KIND, value };
        changes.into_values().map(update).collect()
    }

    fn object(&self, revision_name: &str, hash: &str, number: i64) -> Value {
        let mut snapshot = self.owner["spec"]["template"].clone();
        let mut labels = snapshot["metadata"]["labels"].clone();
        labels[self.label] = hash.into();
        snapshot["$patch"] = "replace".into();
        let mut metadata = json!({
            "name": revision_name,
            "namespace": self.owner["metadata"]["namespace"],
            "labels": labels,
            "ownerReferences": [owner_reference(self.owner)],
        });
        if let Some(annotations) = self.owner["metadata"].get("annotations") {
            metadata["annotations"] = annotations.clone();
        }
        json!({
            "apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": metadata,
            "data": {"spec": {"template": snapshot}}, "revision": number,
        })
    }

    /// Deletes the oldest revisions beyond the owner's limit; `live` names or hashes stay.
    pub(crate) fn prune(&self, live: &BTreeSet<&str>) -> Vec<Write> {
        if deleting(self.owner) {
            return Vec::new();
        }
        let limit = self.owner["spec"]["revisionHistoryLimit"]
            .as_u64()
            .map_or(10, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
        let is_live = |object: &Value| {
            let revision = Revision::of(object);
            live.contains(revision.name.as_str()) || live.contains(revision.hash.as_str())
        };
        let dead: Vec<&&Object> = self.all.iter().filter(|one| !is_live(one)).collect();
        let surplus = dead.len().saturating_sub(limit);
        let delete = |object: &&Object| Write::Delete {
            key: Key::of(KIND, object),
            uid: uid(object).to_owned(),
            grace_seconds: None,
            announce: None,
        };
        dead.into_iter().take(surplus).map(delete).collect()
    }
}

/// The revisions without an owner that the owner's selector selects.
fn orphans<'a>(store: &'a Store, owner: &Value, context: &Context<'_>) -> Vec<&'a Object> {
    if deleting(owner) {
        return Vec::new();
    }
    let selector = &owner["spec"]["selector"];
    let nobodys = |one: &&Object| {
        let fits = crate::api::selector::selects(selector, &one["metadata"]["labels"]);
        fits && items(&one["metadata"]["ownerReferences"]).is_empty() && !deleting(one)
    };
    let all = context.index.orphans(KIND, namespace(owner));
    all.filter_map(|key| store.get_key(key))
        .filter(nobodys)
        .collect()
}

fn number(revision: &Value) -> i64 {
    revision["revision"].as_i64().unwrap_or(0)
}
