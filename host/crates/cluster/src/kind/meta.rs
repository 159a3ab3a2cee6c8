//! `metadata`, which every object has: what it must look like. Never stamps it.

use super::look::{flag, list, map, text, texts};
use super::words::{label_value, qualified_name};
use super::{Findings, Kind};
use serde_json::Value;

/// What is wrong with `metadata`.
pub fn validate(kind: &dyn Kind, object: &Value, found: &mut Findings) {
    let prefix = text(object, "/metadata/generateName");
    if !prefix.is_empty() {
        // What is made of it does not end with the dash.
        let masked = match prefix.strip_suffix('-') {
            Some(rest) if !rest.is_empty() => format!("{rest}a"),
            _ => prefix.to_owned(),
        };
        let findings = kind.validate_name(&masked);
        found.all_invalid("metadata.generateName", &prefix.into(), findings);
    }
    let name = text(object, "/metadata/name");
    if name.is_empty() {
        found.required("metadata.name", "name or generateName is required");
    } else {
        found.all_invalid(
            "metadata.name",
            &object["metadata"]["name"],
            kind.validate_name(name),
        );
    }
    labels(object, "/metadata/labels", "metadata.labels", found);
    annotations(object, "metadata.annotations", found);
    owners(object, found);
    finalizers(object, found);
}

/// What may not change in `metadata`, and what may not come any more.
pub fn validate_update(new: &Value, old: &Value, found: &mut Findings) {
    let marked = old.pointer("/metadata/deletionTimestamp").is_some();
    let before: Vec<&str> = texts(old, "/metadata/finalizers").collect();
    let mut added: Vec<&str> = texts(new, "/metadata/finalizers")
        .filter(|name| marked && !before.contains(name))
        .collect();
    if added.is_empty() {
        return;
    }
    added.sort_unstable();
    added.dedup();
    let quoted: Vec<String> = added.iter().map(|name| format!("\"{name}\"")).collect();
    let detail = format!(
        "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
        quoted.join(", ")
    );
    found.forbidden("metadata.finalizers", &detail);
}

/// Kubernetes names the list and not the reference.
fn owners(object: &Value, found: &mut Findings) {
    let field = "metadata.ownerReferences";
    let mut controller: Option<String> = None;
    for owner in list(object, "/metadata/ownerReferences") {
        let version = text(owner, "/apiVersion");
        if version.rsplit('/').next().unwrap_or_default().is_empty() {
            let detail = "version must not be empty";
            found.invalid(format!("{field}.apiVersion"), &version.into(), detail);
        }
        for part in ["kind", "name", "uid"] {
            if text(owner, &format!("/{part}")).is_empty() {
                found.invalid(format!("{field}.{part}"), &"".into(), "must not be empty");
            }
        }
        if (version, text(owner, "/kind")) == ("v1", "Event") {
            let detail = "/v1, Kind=Event is disallowed from being an owner";
            found.invalid(field, owner, detail);
        }
        if !flag(owner, "/controller") {
            continue;
        }
        let name = format!("{}/{}", text(owner, "/kind"), text(owner, "/name"));
        match &controller {
            Some(first) => {
                let detail = format!(
                    "Only one reference can have Controller set to true. Found \"true\" in references for {first} and {name}"
                );
                found.invalid(field, &object["metadata"]["ownerReferences"], detail);
            }
            None => controller = Some(name),
        }
    }
}

/// Finalizers that Kubernetes itself knows without a domain.
pub(super) const STANDARD_FINALIZERS: [&str; 3] = ["kubernetes", "orphan", "foregroundDeletion"];

fn finalizers(object: &Value, found: &mut Findings) {
    let field = "metadata.finalizers";
    let names: Vec<&str> = texts(object, "/metadata/finalizers").collect();
    for name in &names {
        found.all_invalid(field, &(*name).into(), qualified_name(name));
    }
    if names.contains(&"orphan") && names.contains(&"foregroundDeletion") {
        let detail = "finalizer orphan and foregroundDeletion cannot be both set";
        found.invalid(field, &object["metadata"]["finalizers"], detail);
    }
    for (index, name) in names.iter().enumerate() {
        if !name.contains('/') && !STANDARD_FINALIZERS.contains(name) {
            let detail = "name is neither a standard finalizer name nor is it fully qualified";
            found.invalid(format!("{field}[{index}]"), &(*name).into(), detail);
        }
    }
}

/// What is wrong with a map of labels.
pub fn labels(object: &Value, pointer: &str, field: &str, found: &mut Findings) {
    for (key, value) in map(object, pointer).into_iter().flatten() {
        found.all_invalid(field, &key.as_str().into(), qualified_name(key));
        found.all_invalid(
            field,
            value,
            label_value(value.as_str().unwrap_or_default()),
        );
    }
}

/// What is wrong with a label selector.
pub fn label_selector(selector: &Value, path: &str, found: &mut Findings) {
    labels(
        selector,
        "/matchLabels",
        &format!("{path}.matchLabels"),
        found,
    );
    for (index, wish) in list(selector, "/matchExpressions").iter().enumerate() {
        let path = format!("{path}.matchExpressions[{index}]");
        let (operator, values) = (text(wish, "/operator"), list(wish, "/values"));
        let at = format!("{path}.values");
        match operator {
            "In" | "NotIn" if values.is_empty() => {
                found.required(at, "must be specified when `operator` is 'In' or 'NotIn'");
            }
            "Exists" | "DoesNotExist" if !values.is_empty() => {
                let detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
                found.forbidden(at, detail);
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" => {}
            _ => {
                let detail = "not a valid selector operator";
                found.invalid(format!("{path}.operator"), &operator.into(), detail);
            }
        }
        let key = text(wish, "/key");
        found.all_invalid(&format!("{path}.key"), &key.into(), qualified_name(key));
        for (index, value) in texts(wish, "/values").enumerate() {
            let field = format!("{path}.values[{index}]");
            found.all_invalid(&field, &value.into(), label_value(value));
        }
    }
}

/// What is wrong with annotations.
pub fn annotations(object: &Value, field: &str, found: &mut Findings) {
    const MAX: usize = 256 * 1024;
    let mut size = 0;
    for (key, value) in map(object, "/metadata/annotations").into_iter().flatten() {
        let findings = qualified_name(&key.to_lowercase());
        found.all_invalid(field, &key.as_str().into(), findings);
        size += key.len() + value.as_str().unwrap_or_default().len();
    }
    if size > MAX {
        found.too_long(field, MAX);
    }
}
