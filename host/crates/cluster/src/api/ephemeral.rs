//! What `ephemeralcontainers` of a pod may change: containers join, and nothing else happens.
//!
//! After the strategy of that subresource in Kubernetes 1.36. Never starts a container.

use crate::kind::Findings;
use crate::kind::look::{list, text};
use serde_json::{Value, json};

const LIST: &str = "/spec/ephemeralContainers";
const FIELD: &str = "spec.ephemeralContainers";

/// The stored pod with the ephemeral containers of the one that a client sent.
pub(super) fn joined(sent: &Value, current: &Value) -> Value {
    let mut pod = current.clone();
    for field in ["managedFields", "resourceVersion"] {
        if let Some(value) = sent["metadata"].get(field) {
            pod["metadata"][field] = value.clone();
        }
    }
    match list(sent, LIST) {
        [] => {
            if let Some(spec) = pod["spec"].as_object_mut() {
                spec.remove("ephemeralContainers");
            }
        }
        containers => pod["spec"]["ephemeralContainers"] = json!(containers),
    }
    pod
}

/// Those that are there stay as they are.
pub(super) fn validate_update(new: &Value, old: &Value, found: &mut Findings) {
    for container in list(old, LIST) {
        let name = text(container, "/name");
        let after = list(new, LIST).iter().find(|one| one["name"] == name);
        let what = match after {
            None => "removed\n",
            Some(after) if after != container => "changed\n",
            Some(_) => continue,
        };
        let detail = format!("existing ephemeral containers \"{name}\" may not be {what}");
        found.forbidden(FIELD, &detail);
    }
}

/// No pod begins with one.
pub(super) fn validate_new(object: &Value, found: &mut Findings) {
    if !list(object, LIST).is_empty() {
        found.forbidden(FIELD, "cannot be set on create");
    }
}
