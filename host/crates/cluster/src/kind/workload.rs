//! What kinds that make pods have in common: their selector, their template, amounts that may be
//! percentages. Never makes a pod.

use super::Findings;
use super::look::int;
use serde_json::{Value, json};

/// What is wrong with a `LabelSelector` that must be there; `owner` is named when it is empty.
pub(super) fn selector(spec: &Value, owner: &str, found: &mut Findings) {
    let selector = &spec["selector"];
    if selector.is_null() {
        found.required("spec.selector", "");
    } else if is_empty(selector) {
        let detail = format!("empty selector is invalid for {owner}");
        found.invalid("spec.selector", selector, detail);
    }
}

fn is_empty(selector: &Value) -> bool {
    let empty = |field: &str| match &selector[field] {
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => true,
    };
    empty("matchLabels") && empty("matchExpressions")
}

/// Whether the template's pods would be the owner's.
pub(super) fn selected(selector: &Value, template: &Value, found: &mut Findings) {
    let none = json!({});
    let labels = template.pointer("/metadata/labels").unwrap_or(&none);
    if selector.is_null() || !crate::api::selector::selects(selector, labels) {
        let detail = "`selector` does not match template `labels`";
        found.invalid("spec.template.metadata.labels", labels, detail);
    }
}

pub(super) use super::pod_rules::validate_template as template;

/// Pods that are kept running start again by themselves, for ever.
pub(super) fn runs_for_ever(template: &Value, owner: &str, found: &mut Findings) {
    let path = "spec.template.spec";
    let policy = template["spec"]["restartPolicy"]
        .as_str()
        .unwrap_or("Always");
    if matches!(policy, "Never" | "OnFailure") {
        found.unsupported(format!("{path}.restartPolicy"), policy, &["Always"]);
    }
    if int(&template["spec"], "/activeDeadlineSeconds").is_some() {
        let detail = format!("activeDeadlineSeconds in {owner} is not Supported");
        found.forbidden(format!("{path}.activeDeadlineSeconds"), &detail);
    }
}

/// What is wrong with a number or percentage; nothing when it is absent.
pub(super) fn amount(value: &Value, path: &str, found: &mut Findings) {
    found.not_negative(path, value);
    let Some(text) = value.as_str() else { return };
    let digits = text
        .strip_suffix('%')
        .filter(|digits| !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()));
    match digits.map(str::parse::<u64>) {
        None => {
            let detail = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
            found.invalid(path, value, detail);
        }
        Some(percent) if percent.as_ref().is_ok_and(|percent| *percent <= 100) => {}
        Some(_) => found.invalid(path, value, "must not be greater than 100%"),
    }
}

/// Whether a number or percentage is zero or absent.
pub(super) fn is_zero(value: &Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    let percent = text
        .strip_suffix('%')
        .and_then(|digits| digits.parse().ok());
    percent.or(value.as_i64()).unwrap_or(0) == 0
}

/// A number or percentage as `kubectl get` prints it.
pub(super) fn show(value: &Value, absent: &str) -> String {
    match value {
        Value::Null => absent.to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A field that may not change.
pub(super) fn immutable(new: &Value, old: &Value, pointer: &str, found: &mut Findings) {
    let [new, old] = [new, old].map(|object| object.pointer(pointer).unwrap_or(&Value::Null));
    if new != old {
        let field = pointer.trim_start_matches('/').replace('/', ".");
        found.invalid(field, new, "field is immutable");
    }
}
