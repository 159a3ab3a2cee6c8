//! Defaults of LimitRanges and checks of ResourceQuotas, as upstream's `pkg/apis/core`.
//! Never counts anything.

use super::look::map;
use super::quantity::{text_of, thousandths};
use super::{Findings, items_mut, set_default};
use serde_json::{Value, json};

/// Resources that need no domain in their names.
const STANDARD: [&str; 20] = [
    "configmaps",
    "cpu",
    "ephemeral-storage",
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "memory",
    "persistentvolumeclaims",
    "pods",
    "replicationcontrollers",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
    "requests.storage",
    "resourcequotas",
    "secrets",
    "services",
    "services.loadbalancers",
    "services.nodeports",
    "storage",
];

/// Limits of containers follow the most there may be, requests the limits or else the least.
pub(super) fn limit_range(range: &mut Value) {
    let Some(spec) = range.get_mut("spec") else {
        return;
    };
    for item in items_mut(spec, "limits").filter(|item| item["type"] == "Container") {
        for (to, from) in [
            ("default", "max"),
            ("defaultRequest", "default"),
            ("defaultRequest", "min"),
        ] {
            let Some(amounts) = item[from].as_object().cloned() else {
                continue;
            };
            set_default(item, to, json!({}));
            for (name, amount) in amounts {
                set_default(&mut item[to], &name, amount);
            }
        }
    }
}

/// A quota bounds resources there are, by amounts that are none below nothing.
pub(super) fn check_quota(quota: &Value, found: &mut Findings) {
    for (name, amount) in map(quota, "/spec/hard").into_iter().flatten() {
        let at = format!("spec.hard[{name}]");
        let named = Value::from(name.as_str());
        if !name.contains('/') && !name.starts_with("hugepages-") {
            if !STANDARD.contains(&name.as_str()) && !name.starts_with("requests.hugepages-") {
                let why = "must be a standard resource type or fully qualified";
                found.invalid(at.as_str(), &named, why);
                found.invalid(at.as_str(), &named, "must be a standard resource for quota");
            } else if name == "storage" {
                found.invalid(at.as_str(), &named, "must be a standard resource for quota");
            }
        }
        let shown = text_of(amount);
        if thousandths(&shown).is_some_and(|amount| amount < 0) {
            let why = "must be greater than or equal to 0";
            found.invalid(at, &shown.into(), why);
        }
    }
}
