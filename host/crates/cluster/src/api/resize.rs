//! What `resize` of a pod may change: what its containers request and are limited to.
//!
//! After the strategy of that subresource in Kubernetes 1.36. Never asks whether the node has room:
//! its kubelet does.

use crate::kind::look::{list, text};
use crate::kind::{Findings, items_mut};
use serde_json::{Value, json};

const LISTS: [&str; 2] = ["containers", "initContainers"];

/// The stored pod with the resources of the one that a client sent.
pub(super) fn resized(sent: &Value, current: &Value) -> Value {
    let mut pod = current.clone();
    for field in ["managedFields", "resourceVersion"] {
        if let Some(value) = sent["metadata"].get(field) {
            pod["metadata"][field] = value.clone();
        }
    }
    for field in LISTS {
        let wanted = list(sent, &format!("/spec/{field}"));
        for container in items_mut(&mut pod["spec"], field) {
            let name = text(container, "/name").to_owned();
            let Some(wanted) = wanted.iter().find(|one| one["name"] == name.as_str()) else {
                continue;
            };
            for field in ["resources", "resizePolicy"] {
                match wanted.get(field) {
                    Some(value) => container[field] = value.clone(),
                    None => {
                        container.as_object_mut().map(|fields| fields.remove(field));
                    }
                }
            }
        }
    }
    pod
}

/// Only processors and memory change, nothing that was stated becomes unstated, and the pod stays in
/// its class.
pub(super) fn validate_update(new: &Value, old: &Value, found: &mut Findings) {
    let class = |pod: &Value| crate::kind::quality_of_service(&pod["spec"]);
    if class(new) != class(old) {
        let why = "Pod QOS Class may not change as a result of resizing";
        found.invalid("spec", &class(new).into(), why);
    }
    for field in LISTS {
        let path = format!("/spec/{field}");
        for (at, (new, old)) in list(new, &path).iter().zip(list(old, &path)).enumerate() {
            let path = format!("spec.{field}[{at}].resources");
            check(&new["resources"], &old["resources"], &path, found);
        }
    }
}

fn check(new: &Value, old: &Value, path: &str, found: &mut Findings) {
    let fixed = |resources: &Value| {
        let mut resources = resources.clone();
        for part in ["limits", "requests"] {
            if let Some(amounts) = resources[part].as_object_mut() {
                amounts.retain(|name, _| !matches!(name.as_str(), "cpu" | "memory"));
            }
            if resources[part]
                .as_object()
                .is_none_or(|amounts| amounts.is_empty())
            {
                resources[part] = json!(null);
            }
        }
        resources
    };
    if fixed(new) != fixed(old) {
        found.forbidden("spec", "only cpu and memory resources are mutable");
    }
    for (part, why) in [
        ("requests", "resource requests cannot be removed"),
        ("limits", "resource limits cannot be removed"),
    ] {
        let before = old[part].as_object().into_iter().flatten();
        if before
            .map(|(name, _)| name)
            .any(|name| new[part].get(name).is_none())
        {
            found.forbidden(format!("{path}.{part}"), why);
        }
    }
}
