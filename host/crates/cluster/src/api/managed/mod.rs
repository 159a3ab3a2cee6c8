//! Field ownership: who set which field of an object, and what happens when two want the same.
//!
//! `path` and `set` are `fieldsV1`, `types` what the schemas say of a field, `walk` and `merge` go
//! through objects, `updater` decides who owns what after a write, `managers` are the entries,
//! `derived` those of the cluster's own components. Start at [`created`], [`updated`], [`apply`].
//! Never writes to the store and never validates a kind.

mod derived;
mod managers;
mod merge;
mod path;
mod set;
mod typed;
mod types;
mod updater;
mod walk;
mod writer;

pub(super) use typed::check as check_types;
pub(super) use writer::Writer;

use super::schema::schemas;
use super::status::Failure;
use crate::kind::Kind;
use managers::Managers;
use path::Step;
use serde_json::{Map, Value, json};
use set::Set;
use updater::{Conflicts, Updater};

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// Where the annotation of client-side apply stands.
const LAST_APPLIED_AT: &str =
    "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration";

fn updater(kind: &dyn Kind, subresource: &str) -> Updater<'static> {
    let schemas = schemas();
    Updater {
        schemas,
        root: schemas.root(kind),
        ignored: match subresource {
            "status" => Some("spec"),
            _ if kind.owns_status() => Some("status"),
            _ => None,
        },
    }
}

/// What nobody owns: names, versions and what the server stamps.
fn stripped() -> Set {
    let mut set = Set::default();
    let step = |name: &str| Step::Field(name.to_owned());
    for field in ["apiVersion", "kind", "metadata"] {
        set.insert(&[step(field)]);
    }
    for field in [
        "name",
        "namespace",
        "creationTimestamp",
        "selfLink",
        "uid",
        "clusterName",
        "generation",
        "managedFields",
        "resourceVersion",
    ] {
        set.insert(&[step("metadata"), step(field)]);
    }
    set
}

/// Stamps a new object with its first manager. `asked` is the object as the client asked for it,
/// with the defaults of its kind.
pub(super) fn created(kind: &dyn Kind, asked: &Value, object: &mut Value, writer: &Writer) {
    let mut managers = Managers::default();
    own(kind, &mut managers, &json!({}), asked, writer);
    stamp(object, &managers);
}

/// Stamps a changed object with who changed what.
pub(super) fn updated(
    kind: &dyn Kind,
    current: &Value,
    asked: &Value,
    object: &mut Value,
    writer: &Writer,
) {
    let (mut managers, live) = (Managers::of(current), stripped_of_managers(current));
    let untouched = managers.clone();
    if managers.0.is_empty() {
        derived::add(kind, &live, &updater(kind, ""), &mut managers);
    }
    if writer.subresource.is_empty() {
        match &asked["metadata"]["managedFields"] {
            Value::Array(entries) if is_reset(entries) => managers = Managers::default(),
            entries @ Value::Array(_) => {
                if let Some(given) = Managers::parse(entries).filter(|given| !given.0.is_empty()) {
                    managers = given;
                }
            }
            _ => {}
        }
    }
    own(
        kind,
        &mut managers,
        &live,
        &stripped_of_managers(asked),
        writer,
    );
    managers
        .0
        .retain(|manager, _| !derived::is_derived(manager));
    // Times alone are no change.
    if managers.same_but_time(&untouched) && same_but_managers(object, current) {
        managers = untouched;
    }
    stamp(object, &managers);
}

fn is_reset(entries: &[Value]) -> bool {
    let empty = |entry: &Value| entry.as_object().is_some_and(Map::is_empty);
    matches!(entries, []) || matches!(entries, [only] if empty(only))
}

fn own(kind: &dyn Kind, managers: &mut Managers, old: &Value, new: &Value, writer: &Writer) {
    let updater = updater(kind, &writer.subresource);
    let set = updater.update(managers, old, new).difference(&stripped());
    if !set.is_empty() {
        let owned = managers.0.entry(writer.manager(kind, false)).or_default();
        owned.fields = owned.fields.union(&set);
        owned.version = kind.names().api_version();
        owned.time = Some(writer.time.clone());
    }
    managers.prune();
    managers.cap();
}

/// Lays an applied object over what is there (or nothing): the object as it becomes, with its
/// managers stamped.
///
/// # Errors
/// A conflict, when others own what it would change and the client does not insist.
pub(super) fn apply(
    kind: &dyn Kind,
    current: Option<&Value>,
    applied: &Value,
    writer: &Writer,
    force: bool,
) -> Result<Value, Failure> {
    let names = kind.names();
    let empty = json!({"apiVersion": names.api_version(), "kind": names.kind});
    let live = stripped_of_managers(current.unwrap_or(&empty));
    let mut before = current.map(Managers::of).unwrap_or_default();
    let recorded = before.clone();
    if current.is_some() {
        derived::add(kind, &live, &updater(kind, ""), &mut before);
    }
    let updater = updater(kind, &writer.subresource);
    let manager = writer.manager(kind, true);
    let mut managers = before;
    let (mut next, conflicts) = updater.apply(&mut managers, &live, applied, &manager);
    let allowed = || allowed_by_last_applied(kind, &updater, &live);
    let remaining = match writer.name == "kubectl" && !conflicts.is_empty() {
        true => without(conflicts, &allowed().unwrap_or_default()),
        false => conflicts,
    };
    if !force && !remaining.is_empty() {
        return Err(conflict(&remaining));
    }
    let changed = next != live;
    if let Some(owned) = managers.0.get_mut(&manager) {
        owned.fields = owned.fields.difference(&stripped());
        owned.version = names.api_version();
        if changed {
            owned.time = Some(writer.time.clone());
        }
    }
    managers.prune();
    managers
        .0
        .retain(|manager, _| !derived::is_derived(manager));
    if writer.name == "kubectl" && next.pointer(LAST_APPLIED_AT).is_some() {
        next["metadata"]["annotations"][LAST_APPLIED] = last_applied(applied).into();
    }
    let times_only = managers.same_but_time(&recorded) && Some(&next) == current.map(|_| &live);
    stamp(&mut next, if times_only { &recorded } else { &managers });
    Ok(next)
}

/// What client-side apply said last and is still so: `kubectl apply --server-side` may take it.
fn allowed_by_last_applied(kind: &dyn Kind, updater: &Updater<'_>, live: &Value) -> Option<Set> {
    let text = live.pointer(LAST_APPLIED_AT)?.as_str()?;
    let applied: Value = serde_json::from_str(text).ok()?;
    let names = kind.names();
    if applied["apiVersion"] != names.api_version() || applied["kind"] != names.kind {
        return None;
    }
    let found = walk::compare(updater.schemas, updater.root, &applied, live);
    let set = walk::fields_of(updater.schemas, updater.root, &applied);
    Some(set.difference(&found.set()).difference(&found.removed))
}

fn without(conflicts: Conflicts, allowed: &Set) -> Conflicts {
    let left = conflicts.into_iter();
    let left = left.map(|(manager, set)| (manager, set.difference(allowed)));
    left.filter(|(_, set)| !set.is_empty()).collect()
}

/// The annotation of client-side apply, as server-side apply keeps it up to date.
fn last_applied(applied: &Value) -> String {
    let mut applied = applied.clone();
    if let Some(annotations) = applied
        .pointer_mut("/metadata/annotations")
        .and_then(Value::as_object_mut)
    {
        annotations.remove(LAST_APPLIED);
        if annotations.is_empty()
            && let Some(metadata) = applied["metadata"].as_object_mut()
        {
            metadata.remove("annotations");
        }
    }
    sort(&mut applied);
    format!("{applied}\n")
}

/// Go writes maps in the order of their keys.
fn sort(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let mut pairs: Vec<(String, Value)> = std::mem::take(fields).into_iter().collect();
            pairs.sort_by(|one, other| one.0.cmp(&other.0));
            for (field, mut value) in pairs {
                sort(&mut value);
                fields.insert(field, value);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(sort),
        _ => {}
    }
}

fn conflict(conflicts: &Conflicts) -> Failure {
    let mut all: Vec<(String, Vec<String>)> = conflicts
        .iter()
        .map(|(manager, set)| (manager.to_string(), set.paths()))
        .collect();
    all.sort();
    let causes = all.iter().flat_map(|(manager, paths)| {
        paths.iter().map(move |path| {
            let message = format!("conflict with {manager}");
            json!({"reason": "FieldManagerConflict", "message": message, "field": path})
        })
    });
    let causes: Vec<Value> = causes.collect();
    let message = match (&all[..], causes.len()) {
        ([(manager, paths)], 1) => format!("1 conflict: conflict with {manager}: {}", paths[0]),
        (_, count) => {
            let mut lines = Vec::new();
            for (manager, paths) in &all {
                lines.push(format!("conflicts with {manager}:"));
                lines.extend(paths.iter().map(|path| format!("- {path}")));
            }
            format!("{count} conflicts: {}", lines.join("\n"))
        }
    };
    Failure::apply_conflict(format!("Apply failed with {message}"), causes.into())
}

fn stripped_of_managers(object: &Value) -> Value {
    let mut out = object.clone();
    if let Some(metadata) = out["metadata"].as_object_mut() {
        metadata.remove("managedFields");
    }
    out
}

fn same_but_managers(one: &Value, other: &Value) -> bool {
    stripped_of_managers(one) == stripped_of_managers(other)
}

fn stamp(object: &mut Value, managers: &Managers) {
    let Some(metadata) = object["metadata"].as_object_mut() else {
        return;
    };
    match managers.0.is_empty() {
        true => metadata.remove("managedFields"),
        false => metadata.insert(
            "managedFields".to_owned(),
            managers.to_value().to_string().into(),
        ),
    };
}

/// Everybody who owns a field of a stored object, as clients read it.
pub(super) fn shown(kind: &dyn Kind, object: &Value) -> Value {
    let mut managers = Managers::of(object);
    let known = managers.clone();
    let all = Updater {
        ignored: None,
        ..updater(kind, "")
    };
    derived::add(kind, &stripped_of_managers(object), &all, &mut managers);
    debug_assert!(
        managers.0.len() >= known.0.len(),
        "what is derived takes nothing away"
    );
    managers.to_value()
}

/// A stored object as clients read it.
pub(super) fn expand(kind: &dyn Kind, object: &Value) -> Value {
    let shown = shown(kind, object);
    let mut out = object.clone();
    put_into(&mut out["metadata"], shown);
    out
}

/// The metadata of a stored object as clients read it.
pub(super) fn expand_metadata(kind: &dyn Kind, object: &Value) -> Value {
    let mut metadata = object["metadata"].clone();
    put_into(&mut metadata, shown(kind, object));
    metadata
}

/// The metadata of a stored object with clients' managers only, which costs next to nothing.
pub(super) fn told_metadata(object: &Value) -> Value {
    let mut metadata = object["metadata"].clone();
    let text = metadata["managedFields"].as_str();
    let entries = text.and_then(|text| serde_json::from_str(text).ok());
    put_into(&mut metadata, entries.unwrap_or_default());
    metadata
}

/// The metadata of a stored object without its managers.
pub(super) fn hide(object: &Value) -> Value {
    let mut metadata = object["metadata"].clone();
    put_into(&mut metadata, Value::Null);
    json!({ "metadata": metadata })
}

fn put_into(metadata: &mut Value, entries: Value) {
    let Some(metadata) = metadata.as_object_mut() else {
        return;
    };
    if entries.as_array().is_none_or(Vec::is_empty) {
        metadata.remove("managedFields");
    } else {
        metadata.insert("managedFields".to_owned(), entries);
    }
}
