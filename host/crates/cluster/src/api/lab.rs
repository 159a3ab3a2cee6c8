//! What this lab accepts and does not act on. Derived from each kind's own list.
//!
//! Never refuses: an object that is good for a real cluster is good here, with a warning.

use crate::kind::{Class, KINDS, Kind};
use serde_json::Value;

/// The fields used in `new`, and not already in `old`, that have no effect here.
pub(super) fn unused(kind: &dyn Kind, new: &Value, old: Option<&Value>) -> Vec<String> {
    let used = |object: &Value, path: &str| {
        let parts: Vec<&str> = path.split('.').collect();
        is_used(object, &parts)
    };
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

/// Every field of every kind that has no effect in this lab: the kind's key and the path.
pub fn not_in_this_lab() -> impl Iterator<Item = (&'static str, String)> {
    KINDS.iter().flat_map(|kind| {
        let key = kind.names().key;
        let entries = kind.fields().entries().into_iter();
        let lacking = entries.filter(|(_, class)| *class == Class::NotInThisLab);
        lacking.map(move |(path, _)| (key, path))
    })
}

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
        None => value.get(first).is_some_and(|value| is_used(value, rest)),
        Some(list) => {
            let items = value.get(list).and_then(Value::as_array);
            items.is_some_and(|items| items.iter().any(|item| is_used(item, rest)))
        }
    }
}
