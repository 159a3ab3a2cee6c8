//! `metadata`, which every object has: what it must look like. Never stamps it.

use super::look::{list, map, text, texts};
use super::words::{label_value, qualified_name};
use super::{Findings, Kind};
use serde_json::Value;

/// What is wrong with `metadata`.
pub fn validate(kind: &dyn Kind, object: &Value, found: &mut Findings) {
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
    annotations(object, found);
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

fn annotations(object: &Value, found: &mut Findings) {
    const MAX: usize = 256 * 1024;
    let field = "metadata.annotations";
    let mut size = 0;
    for (key, value) in map(object, "/metadata/annotations").into_iter().flatten() {
        found.all_invalid(
            field,
            &key.as_str().into(),
            qualified_name(&key.to_lowercase()),
        );
        size += key.len() + value.as_str().unwrap_or_default().len();
    }
    if size > MAX {
        found.too_long(field, MAX);
    }
}
