//! What this lab accepts and does not act on. Derived from each kind's own list.
//!
//! Never refuses: an object that is good for a real cluster is good here, with a warning.

use super::schema::schemas;
use crate::kind::surface::{OBJECT_FIELDS, covers};
use crate::kind::{Class, KINDS, Kind, content_differs};
use serde_json::Value;
use std::collections::BTreeSet;

/// What every object has at its root.
const OBJECT: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// The fields used in `new`, and not already in `old`, that have no effect here.
pub(super) fn unused(kind: &dyn Kind, new: &Value, old: Option<&Value>) -> Vec<String> {
    let used = |object: &Value, path: &str| {
        let parts: Vec<&str> = path.split('.').collect();
        is_used(object, &parts)
    };
    if let Some(why) = kind.idle() {
        // Told when it is created and when it comes to say something else.
        let same = old.is_some_and(|old| !content_differs(kind.names().key, new, old));
        return if same {
            Vec::new()
        } else {
            vec![why.to_owned()]
        };
    }
    let entries = kind.fields().entries().into_iter();
    let paths = entries.filter(|(_, class)| *class == Class::NotInThisLab);
    paths
        .flat_map(|(path, _)| match path.as_str() {
            "" => content(new),
            _ => vec![path],
        })
        .filter(|path| used(new, path) && !old.is_some_and(|old| used(old, path)))
        .collect()
}

/// The fields of an object that are its own, not every object's and not the server's.
fn content(object: &Value) -> Vec<String> {
    const COMMON: [&str; 4] = ["apiVersion", "kind", "metadata", "status"];
    let fields = object.as_object().into_iter().flatten();
    let names = fields.map(|(name, _)| name.clone());
    names
        .filter(|name| !COMMON.contains(&name.as_str()))
        .collect()
}

/// One field of a kind and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SurfaceField {
    /// The kind as people write it, such as `Service`.
    pub kind: &'static str,
    /// Its group and version, such as `apps/v1`.
    pub api_version: String,
    /// The field, `[]` standing for every element of a list.
    pub path: String,
    /// What becomes of it; exactly one, or a test fails.
    pub classes: BTreeSet<Class>,
}

impl SurfaceField {
    /// What becomes of it, as it is printed.
    #[must_use]
    pub fn class(&self) -> String {
        let words: Vec<&str> = self.classes.iter().map(|class| class.word()).collect();
        words.join(" and ")
    }
}

/// Every leaf of the schema of every kind, in the order of discovery and of the alphabet.
#[must_use]
pub fn api_surface() -> Vec<SurfaceField> {
    let mut surface = Vec::new();
    for kind in KINDS {
        let entries = entries(*kind);
        let names = kind.names();
        for path in schemas().leaves(*kind) {
            let covering = entries.iter().filter(|(entry, _)| covers(entry, &path));
            let classes = covering.map(|(_, class)| *class).collect();
            surface.push(SurfaceField {
                kind: names.kind,
                api_version: names.api_version(),
                path,
                classes,
            });
        }
    }
    surface
}

/// The entries of a kind that mean no field it has: mistakes, for the test to find.
#[must_use]
pub fn entries_without_field() -> Vec<(&'static str, String)> {
    let mut stray = Vec::new();
    for kind in KINDS {
        let leaves = schemas().leaves(*kind);
        for (entry, _) in entries(*kind) {
            if !leaves.iter().any(|leaf| covers(&entry, leaf)) {
                stray.push((kind.names().kind, entry));
            }
        }
    }
    stray
}

/// What a kind says of its fields, with what every object has. An entry for everything leaves
/// out what every object has.
fn entries(kind: &dyn Kind) -> Vec<(String, Class)> {
    let mut all = kind.fields().entries();
    if let Some(at) = all.iter().position(|(entry, _)| entry.is_empty()) {
        let (_, class) = all.remove(at);
        let properties = schemas().properties(schemas().root(kind));
        let own = properties.filter(|name| !OBJECT.contains(name));
        all.extend(own.map(|name| (name.to_owned(), class)));
    }
    all.extend(OBJECT_FIELDS.entries());
    all
}

/// What these fields hold when nobody asks for anything, as written by a server that fills it in.
const PLAIN: [(&str, &str); 5] = [
    ("preemptionPolicy", "PreemptLowerPriority"),
    ("procMount", "Default"),
    ("recursiveReadOnly", "Disabled"),
    ("terminationMessagePath", "/dev/termination-log"),
    ("terminationMessagePolicy", "File"),
];

fn is_used(value: &Value, parts: &[&str]) -> bool {
    let Some((first, rest)) = parts.split_first() else {
        return match value {
            Value::Null | Value::Bool(false) => false,
            Value::Array(items) => !items.is_empty(),
            Value::Object(fields) => !fields.is_empty(),
            Value::String(text) => !text.is_empty(),
            _ => true,
        };
    };
    match first.strip_suffix("[]") {
        None if rest.is_empty()
            && PLAIN
                .iter()
                .any(|plain| (*first, value[first].as_str()) == (plain.0, Some(plain.1))) =>
        {
            false
        }
        None => value.get(first).is_some_and(|value| is_used(value, rest)),
        Some(list) => {
            let items = value.get(list).and_then(Value::as_array);
            items.is_some_and(|items| items.iter().any(|item| is_used(item, rest)))
        }
    }
}
