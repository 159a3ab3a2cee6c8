//! Patches applied here, for `--dry-run=client`, `--local`, `--overrides` and kustomizations. Never
//! makes a patch: that is `merge`.

use serde_json::{Map, Value};

use crate::merge;

/// RFC 7386.
pub(crate) fn json_merge(target: &Value, patch: &Value) -> Value {
    let Value::Object(changes) = patch else {
        return patch.clone();
    };
    let mut merged = target.as_object().cloned().unwrap_or_default();
    for (key, change) in changes {
        if change.is_null() {
            merged.remove(key);
        } else {
            let old = merged.get(key).cloned().unwrap_or(Value::Null);
            merged.insert(key.clone(), json_merge(&old, change));
        }
    }
    Value::Object(merged)
}

/// A strategic merge by the kind of the object.
pub(crate) fn strategic(target: &Value, patch: &Value) -> Value {
    let kind = target["kind"].as_str().unwrap_or_default().to_owned();
    merge_at(&kind, &mut Vec::new(), target, patch)
}

fn merge_at<'p>(kind: &str, path: &mut Vec<&'p str>, target: &Value, patch: &'p Value) -> Value {
    let Value::Object(changes) = patch else {
        return patch.clone();
    };
    match changes.get("$patch").and_then(Value::as_str) {
        Some("replace") => {
            let mut new = changes.clone();
            new.remove("$patch");
            return Value::Object(new);
        }
        Some("delete") => return Value::Object(Map::new()),
        _ => {}
    }
    let mut merged = target.as_object().cloned().unwrap_or_default();
    for (key, change) in changes {
        if key.starts_with("$retainKeys") || key.starts_with("$setElementOrder") {
            continue;
        }
        if let Some(field) = key.strip_prefix("$deleteFromPrimitiveList/") {
            if let (Some(Value::Array(old)), Value::Array(gone)) = (merged.get_mut(field), change) {
                old.retain(|item| !gone.contains(item));
            }
            continue;
        }
        if change.is_null() {
            merged.remove(key);
            continue;
        }
        let old = merged.get(key).cloned().unwrap_or(Value::Null);
        path.push(key);
        let new = match (change, merge::list_key(kind, path)) {
            (Value::Array(items), Some(by)) => keyed(kind, path, &old, items, by),
            (Value::Object(_), _) => merge_at(kind, path, &old, change),
            _ => change.clone(),
        };
        path.pop();
        merged.insert(key.clone(), new);
    }
    Value::Object(merged)
}

fn keyed<'p>(
    kind: &str,
    path: &mut Vec<&'p str>,
    old: &Value,
    items: &'p [Value],
    by: &str,
) -> Value {
    if items.iter().any(|item| item["$patch"] == "replace") {
        return Value::Array(
            items
                .iter()
                .filter(|item| item["$patch"].is_null())
                .cloned()
                .collect(),
        );
    }
    let mut merged = old.as_array().cloned().unwrap_or_default();
    let mut new = Vec::new();
    for item in items {
        let at = merged.iter().position(|known| known[by] == item[by]);
        match at {
            Some(at) if item["$patch"] == "delete" => drop(merged.remove(at)),
            Some(at) => merged[at] = merge_at(kind, path, &merged[at], item),
            None if item["$patch"] == "delete" => {}
            None => new.push(item.clone()),
        }
    }
    // New elements come first, as apimachinery merges them.
    new.extend(merged);
    Value::Array(new)
}

/// RFC 6902, with the words of the library that kubectl uses.
pub(crate) fn json_patch(target: &Value, patch: &Value) -> Result<Value, String> {
    let Value::Array(operations) = patch else {
        return Err(
            "json: cannot unmarshal object into Go value of type jsonpatch.Patch".to_owned(),
        );
    };
    let mut object = target.clone();
    for operation in operations {
        apply(&mut object, operation)?;
    }
    Ok(object)
}

fn apply(object: &mut Value, operation: &Value) -> Result<(), String> {
    let word = |key: &str| operation[key].as_str().unwrap_or_default();
    let (op, path) = (word("op"), word("path"));
    let missing = |what: &str| {
        format!("{op} operation does not apply: doc is missing {what}: {path}: missing value")
    };
    match op {
        "test" => {
            let found = object.pointer(path).unwrap_or(&Value::Null);
            if *found != operation["value"] {
                return Err(format!("testing value {path} failed: test failed"));
            }
            Ok(())
        }
        "add" => add(object, path, operation["value"].clone()).ok_or_else(|| missing("path")),
        "replace" => {
            let (parent, _) = path.rsplit_once('/').unwrap_or(("", path));
            if object.pointer(parent).is_none() {
                return Err(missing("path"));
            }
            let found = object.pointer_mut(path).ok_or_else(|| missing("key"))?;
            *found = operation["value"].clone();
            Ok(())
        }
        "remove" => remove(object, path)
            .map(drop)
            .ok_or_else(|| missing("path")),
        "copy" | "move" => {
            let from = word("from");
            let value = if op == "move" {
                remove(object, from)
            } else {
                object.pointer(from).cloned()
            };
            let value = value.ok_or_else(|| {
                format!(
                    "{op} operation does not apply: doc is missing from path: {from}: missing value"
                )
            })?;
            add(object, path, value).ok_or_else(|| missing("destination path"))
        }
        other => Err(format!("Unexpected kind: {other}")),
    }
}

fn unescape(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

fn add(object: &mut Value, path: &str, value: Value) -> Option<()> {
    let (parent, last) = path.rsplit_once('/')?;
    match object.pointer_mut(parent)? {
        Value::Object(map) => drop(map.insert(unescape(last), value)),
        Value::Array(items) if last == "-" => items.push(value),
        Value::Array(items) => {
            let at: usize = last.parse().ok()?;
            if at > items.len() {
                return None;
            }
            items.insert(at, value);
        }
        _ => return None,
    }
    Some(())
}

fn remove(object: &mut Value, path: &str) -> Option<Value> {
    let (parent, last) = path.rsplit_once('/')?;
    match object.pointer_mut(parent)? {
        Value::Object(map) => map.remove(&unescape(last)),
        Value::Array(items) => {
            let at: usize = last.parse().ok()?;
            (at < items.len()).then(|| items.remove(at))
        }
        _ => None,
    }
}
