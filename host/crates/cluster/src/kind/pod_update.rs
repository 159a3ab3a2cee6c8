//! What may change of a pod: `ValidatePodUpdate` of Kubernetes 1.36, in its order and words.
//! Never changes anything.

use super::look::{int, list, text};
use super::{Findings, go_diff, go_print, items_mut, pod_rules};
use serde_json::Value;
use std::collections::BTreeMap;

const CHANGEABLE: &str = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
const LISTS: [&str; 2] = ["containers", "initContainers"];

/// What is wrong with a pod's spec that takes the place of an older one.
pub(super) fn validate(new: &Value, old: &Value, found: &mut Findings) {
    for field in LISTS {
        let of = |spec| list(spec, &format!("/{field}")).len();
        if of(new) != of(old) {
            let detail = "pod updates may not add or remove containers";
            return found.forbidden(format!("spec.{field}"), detail);
        }
    }
    if !validate_deadline(new, old, found) {
        return;
    }
    validate_tolerations(new, old, found);
    validate_gates(new, old, found);
    let munged = munged(new, old);
    let plain = unmarked(old);
    if munged != plain {
        let diff = go_diff::unified(&go_print::pod_spec(&plain), &go_print::pod_spec(&munged));
        found.forbidden("spec", &format!("{CHANGEABLE}\n{diff}"));
    }
}

/// A deadline may come, and come nearer. Answers whether more can be said.
fn validate_deadline(new: &Value, old: &Value, found: &mut Findings) -> bool {
    let field = "spec.activeDeadlineSeconds";
    let seconds = |spec| int(spec, "/activeDeadlineSeconds");
    match (seconds(new), seconds(old)) {
        (Some(new), _) if !(0..=i64::from(i32::MAX)).contains(&new) => {
            let detail = "must be between 0 and 2147483647, inclusive";
            found.invalid(field, &new.into(), detail);
            false
        }
        (Some(new), Some(old)) if new > old => {
            let detail = "must be less than or equal to previous value";
            found.invalid(field, &new.into(), detail);
            false
        }
        (None, Some(_)) => {
            let detail = "must not update from a positive integer to nil value";
            found.invalid(field, &Value::Null, detail);
            true
        }
        _ => true,
    }
}

fn validate_tolerations(new: &Value, old: &Value, found: &mut Findings) {
    let timeless = |toleration: &Value| {
        let mut toleration = toleration.clone();
        toleration["tolerationSeconds"] = Value::Null;
        toleration
    };
    let now: Vec<Value> = list(new, "/tolerations").iter().map(timeless).collect();
    let kept = |toleration: &Value| now.contains(&timeless(toleration));
    if list(old, "/tolerations").iter().all(kept) {
        pod_rules::validate_tolerations(new, "spec.tolerations", found);
    } else {
        let detail = "existing toleration can not be modified except its tolerationSeconds";
        found.forbidden("spec.tolerations", detail);
    }
}

fn validate_gates(new: &Value, old: &Value, found: &mut Findings) {
    let mut added: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, gate) in list(new, "/schedulingGates").iter().enumerate() {
        added.insert(text(gate, "/name"), index);
    }
    for gate in list(old, "/schedulingGates") {
        added.remove(text(gate, "/name"));
    }
    for (name, index) in added {
        let detail = format!("only deletion is allowed, but found new scheduling gate '{name}'");
        found.forbidden(format!("spec.schedulingGates[{index}].name"), &detail);
    }
}

/// The new spec with all that may change as it was.
fn munged(new: &Value, old: &Value) -> Value {
    let mut spec = new.clone();
    for field in LISTS {
        let before = list(old, &format!("/{field}"));
        for (container, before) in items_mut(&mut spec, field).zip(before) {
            container["image"] = before["image"].clone();
        }
    }
    for field in ["activeDeadlineSeconds", "schedulingGates", "tolerations"] {
        spec[field] = old[field].clone();
    }
    let grace = |spec| int(spec, "/terminationGracePeriodSeconds");
    if grace(old).is_some_and(|seconds| seconds < 0) && grace(new) == Some(1) {
        let field = "terminationGracePeriodSeconds";
        spec[field] = old[field].clone();
    }
    unmarked(&spec)
}

/// Without nulls, which mean nothing.
fn unmarked(spec: &Value) -> Value {
    let mut spec = spec.clone();
    if let Some(fields) = spec.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    for field in LISTS {
        for container in items_mut(&mut spec, field) {
            if let Some(fields) = container.as_object_mut() {
                fields.retain(|_, value| !value.is_null());
            }
        }
    }
    spec
}
