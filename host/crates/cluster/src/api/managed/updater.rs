//! Who owns what after a write: structured-merge-diff's `merge.Updater` for one version.
//!
//! Never stamps times and never writes.

use super::managers::{Manager, Managers, Owned};
use super::merge::merge;
use super::set::Set;
use super::types::{fill, skeleton};
use super::walk::{Difference, compare, fields_of, remove, with_parents};
use crate::api::schema::Schemas;
use serde_json::Value;
use std::collections::BTreeMap;

/// The fields that others own and an apply would change, by owner.
pub(super) type Conflicts = BTreeMap<Manager, Set>;

/// The schema of an object, and the fields that a write cannot touch.
pub(super) struct Updater<'s> {
    pub(super) schemas: &'s Schemas,
    pub(super) root: &'s str,
    /// A top field that this part of the object resets, such as `status`.
    pub(super) ignored: Option<&'static str>,
}

impl Updater<'_> {
    /// What differs, as this kind of write can make it differ.
    pub(super) fn compare(&self, old: &Value, new: &Value) -> Difference {
        let skeleton = skeleton(self.schemas, self.root);
        let (mut old, mut new) = (old.clone(), new.clone());
        fill(&mut old, &skeleton);
        fill(&mut new, &skeleton);
        let found = compare(self.schemas, self.root, &old, &new);
        Difference {
            added: self.touchable(found.added),
            modified: self.touchable(found.modified),
            removed: self.touchable(found.removed),
        }
    }

    fn touchable(&self, set: Set) -> Set {
        match self.ignored {
            Some(field) => set.without(&[field]),
            None => set,
        }
    }

    /// Takes from the others what a write changes; those of whom something was taken.
    fn take(managers: &mut Managers, found: &Difference, writer: Option<&Manager>) -> Conflicts {
        let (set, mut conflicts) = (found.set(), Conflicts::new());
        for (manager, owned) in &mut managers.0 {
            if Some(manager) == writer {
                continue;
            }
            let taken = owned.fields.intersection(&set);
            if !taken.is_empty() {
                owned.fields = owned.fields.difference(&taken);
                conflicts.insert(manager.clone(), taken);
            }
            owned.fields = owned.fields.difference(&found.removed);
        }
        managers.prune();
        conflicts
    }

    /// An update: what was changed is the writer's; whether anything was.
    pub(super) fn update(&self, managers: &mut Managers, old: &Value, new: &Value) -> Set {
        let found = self.compare(old, new);
        Self::take(managers, &found, None);
        found.set()
    }

    /// An apply: the object as it becomes, and what it takes from whom.
    pub(super) fn apply(
        &self,
        managers: &mut Managers,
        live: &Value,
        applied: &Value,
        writer: &Manager,
    ) -> (Value, Conflicts) {
        let merged = merge(self.schemas, self.root, live, applied);
        let last = managers.0.get(writer).cloned().unwrap_or_default();
        let fields = self.touchable(fields_of(self.schemas, self.root, applied));
        managers.0.insert(
            writer.clone(),
            Owned {
                fields,
                ..last.clone()
            },
        );
        let next = self.without_abandoned(&merged, managers, &last.fields);
        let found = self.compare(live, &next);
        let conflicts = Self::take(managers, &found, Some(writer));
        (next, conflicts)
    }

    /// Without what the writer applied before, does not apply now, and nobody else claims.
    fn without_abandoned(&self, merged: &Value, managers: &Managers, last: &Set) -> Value {
        if last.is_empty() {
            return merged.clone();
        }
        let (schemas, root) = (self.schemas, self.root);
        let whole = |set: &Set| with_parents(schemas, root, set);
        let there = |value: &Value| whole(&fields_of(schemas, root, value));
        let last = whole(last);
        let all = there(merged);
        let pruned = remove(schemas, root, merged, &last);
        let kept = there(&pruned).union(&whole(&managers.everything()));
        let pruned = remove(schemas, root, merged, &all.difference(&kept));
        let gone = all.difference(&there(&pruned)).intersection(&last);
        remove(schemas, root, merged, &gone)
    }
}
