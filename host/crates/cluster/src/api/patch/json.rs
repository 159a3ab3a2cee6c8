//! RFC 6902: a list of operations on places in a document. Never half: the caller drops what failed.

use serde_json::Value;

/// One operation.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Operation {
    /// Put a value at a place, moving list elements aside.
    Add(String, Value),
    /// Take what is at a place away.
    Remove(String),
    /// Put a value where one is.
    Replace(String, Value),
    /// Take from the first place and add to the second.
    Move(String, String),
    /// Add to the second place what is at the first.
    Copy(String, String),
    /// Go on only if this value is at this place.
    Test(String, Value),
}

/// Why an operation could not be done; nobody is told more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rejected;

/// Reads a list of operations; `None` when it is none.
#[must_use]
pub(crate) fn parse(patch: &Value) -> Option<Vec<Operation>> {
    patch.as_array()?.iter().map(operation).collect()
}

fn operation(entry: &Value) -> Option<Operation> {
    let text = |field: &str| entry.get(field).and_then(Value::as_str).map(str::to_owned);
    let value = || entry.get("value").cloned();
    let path = text("path")?;
    Some(match entry["op"].as_str()? {
        "add" => Operation::Add(path, value()?),
        "remove" => Operation::Remove(path),
        "replace" => Operation::Replace(path, value()?),
        "move" => Operation::Move(text("from")?, path),
        "copy" => Operation::Copy(text("from")?, path),
        "test" => Operation::Test(path, value().unwrap_or_default()),
        _ => return None,
    })
}

/// Does the operations in order.
///
/// # Errors
/// The first that cannot be done; the document is then to be dropped.
pub(crate) fn apply(document: &mut Value, operations: &[Operation]) -> Result<(), Rejected> {
    operations.iter().try_for_each(|operation| match operation {
        Operation::Add(path, value) => add(document, path, value.clone()),
        Operation::Remove(path) => remove(document, path).map(drop),
        Operation::Replace(path, value) => {
            let place = document.pointer_mut(path).ok_or(Rejected)?;
            *place = value.clone();
            Ok(())
        }
        Operation::Move(from, to) => {
            let value = remove(document, from)?;
            add(document, to, value)
        }
        Operation::Copy(from, to) => {
            let value = document.pointer(from).cloned().ok_or(Rejected)?;
            add(document, to, value)
        }
        Operation::Test(path, value) => {
            let found = document.pointer(path).unwrap_or(&Value::Null);
            if found == value {
                Ok(())
            } else {
                Err(Rejected)
            }
        }
    })
}

fn split(path: &str) -> Result<(&str, String), Rejected> {
    let (parent, last) = path.rsplit_once('/').ok_or(Rejected)?;
    Ok((parent, last.replace("~1", "/").replace("~0", "~")))
}

fn add(document: &mut Value, path: &str, value: Value) -> Result<(), Rejected> {
    if path.is_empty() {
        *document = value;
        return Ok(());
    }
    let (parent, last) = split(path)?;
    match document.pointer_mut(parent).ok_or(Rejected)? {
        Value::Object(fields) => {
            fields.insert(last, value);
        }
        Value::Array(items) => {
            let at = if last == "-" {
                items.len()
            } else {
                last.parse().map_err(|_| Rejected)?
            };
            if at > items.len() {
                return Err(Rejected);
            }
            items.insert(at, value);
        }
        _ => return Err(Rejected),
    }
    Ok(())
}

fn remove(document: &mut Value, path: &str) -> Result<Value, Rejected> {
    let (parent, last) = split(path)?;
    match document.pointer_mut(parent).ok_or(Rejected)? {
        Value::Object(fields) => fields.remove(&last).ok_or(Rejected),
        Value::Array(items) => {
            let at: usize = last.parse().map_err(|_| Rejected)?;
            if at < items.len() {
                Ok(items.remove(at))
            } else {
                Err(Rejected)
            }
        }
        _ => Err(Rejected),
    }
}
