//! Defaults and checks of kinds that are only kept: those of upstream that people meet.
//! Never complete: what is not checked here is kept as it is.

use super::look::{int, list, text};
use super::{Findings, items_mut, set_default};
use serde_json::{Value, json};

const RBAC: &str = "rbac.authorization.k8s.io";

/// Names that may hold anything a path can: those of roles.
pub(super) fn path_segment(name: &str) -> Vec<String> {
    if matches!(name, "." | "..") {
        return vec![format!("may not be '{name}'")];
    }
    let found = ['/', '%'].into_iter().filter(|one| name.contains(*one));
    found
        .map(|one| format!("may not contain '{one}'"))
        .collect()
}

/// A claim begins pending and wants a file system.
pub(super) fn claim(claim: &mut Value) {
    set_default(claim, "spec", json!({}));
    set_default(&mut claim["spec"], "volumeMode", "Filesystem");
    set_default(claim, "status", json!({}));
    set_default(&mut claim["status"], "phase", "Pending");
}

/// A volume begins pending, is kept when its claim goes, and holds a file system.
pub(super) fn volume(volume: &mut Value) {
    set_default(volume, "spec", json!({}));
    set_default(
        &mut volume["spec"],
        "persistentVolumeReclaimPolicy",
        "Retain",
    );
    set_default(&mut volume["spec"], "volumeMode", "Filesystem");
    set_default(volume, "status", json!({}));
    set_default(&mut volume["status"], "phase", "Pending");
}

/// What is in use does not go before it no longer is: the finalizer of a new claim or volume.
pub(super) fn protect(object: &mut Value, finalizer: &str) {
    set_default(&mut object["metadata"], "finalizers", json!([]));
    if let Some(list) = object["metadata"]["finalizers"].as_array_mut()
        && !list.iter().any(|other| other == finalizer)
    {
        list.push(finalizer.into());
    }
}

/// A class deletes what it made, and binds at once.
pub(super) fn storage_class(class: &mut Value) {
    set_default(class, "reclaimPolicy", "Delete");
    set_default(class, "volumeBindingMode", "Immediate");
}

/// An autoscaler keeps one replica at least, and a processor at four fifths.
pub(super) fn scaler(scaler: &mut Value) {
    set_default(scaler, "spec", json!({}));
    set_default(&mut scaler["spec"], "minReplicas", 1);
    set_default(
        &mut scaler["spec"],
        "metrics",
        json!([{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}]),
    );
}

/// An autoscaler needs a target and room.
pub(super) fn check_scaler(scaler: &Value, found: &mut Findings) {
    for field in ["kind", "name"] {
        if text(scaler, &format!("/spec/scaleTargetRef/{field}")).is_empty() {
            found.required(format!("spec.scaleTargetRef.{field}"), "");
        }
    }
    let least = int(scaler, "/spec/minReplicas").unwrap_or(1);
    if least < 1 {
        let value = &scaler["spec"]["minReplicas"];
        found.invalid(
            "spec.minReplicas",
            value,
            "must be greater than or equal to 1",
        );
    }
    let most = int(scaler, "/spec/maxReplicas").unwrap_or(0);
    let value = Value::from(most);
    if most < 1 {
        found.invalid("spec.maxReplicas", &value, "must be greater than 0");
    }
    if most < least {
        let why = "must be greater than or equal to `minReplicas`";
        found.invalid("spec.maxReplicas", &value, why);
    }
}

/// An Ingress routes something, and says how paths are compared.
pub(super) fn check_ingress(ingress: &Value, found: &mut Findings) {
    let rules = list(ingress, "/spec/rules");
    if rules.is_empty() && ingress["spec"].get("defaultBackend").is_none() {
        let why = "either `defaultBackend` or `rules` must be specified";
        found.invalid("spec", &Value::Null, why);
    }
    if let Some(backend) = ingress["spec"].get("defaultBackend") {
        check_backend(backend, "spec.defaultBackend", found);
    }
    for (index, rule) in rules.iter().enumerate() {
        let http = format!("spec.rules[{index}].http");
        let Some(own) = rule.get("http") else {
            continue;
        };
        if list(own, "/paths").is_empty() {
            found.required(format!("{http}.paths"), "");
        }
        for (index, path) in list(own, "/paths").iter().enumerate() {
            check_path(path, &format!("{http}.paths[{index}]"), found);
        }
    }
}

fn check_path(path: &Value, at: &str, found: &mut Findings) {
    const TYPES: [&str; 3] = ["Exact", "ImplementationSpecific", "Prefix"];
    match text(path, "/pathType") {
        "" => found.required(format!("{at}.pathType"), "pathType must be specified"),
        type_ if !TYPES.contains(&type_) => {
            found.unsupported(format!("{at}.pathType"), type_, &TYPES);
        }
        type_ => {
            let own = text(path, "/path");
            if !own.starts_with('/') && (type_ != "ImplementationSpecific" || !own.is_empty()) {
                let value = Value::from(own);
                found.invalid(format!("{at}.path"), &value, "must be an absolute path");
            }
        }
    }
    check_backend(&path["backend"], &format!("{at}.backend"), found);
}

fn check_backend(backend: &Value, at: &str, found: &mut Findings) {
    let service = backend.get("service");
    match (service, backend.get("resource")) {
        (None, None) => found.required(at, "port name or number is required"),
        (Some(_), Some(_)) => {
            found.invalid(
                at,
                &json!(""),
                "cannot set both resource and service backends",
            );
        }
        (Some(service), None) => {
            if text(service, "/name").is_empty() {
                found.required(format!("{at}.service.name"), "");
            }
            let port = &service["port"];
            if port["name"].is_null() && int(port, "/number").unwrap_or(0) == 0 {
                found.required(at, "port name or number is required");
            }
        }
        _ => {}
    }
}

/// Whom and what a binding names belongs to RBAC's group unless it says otherwise.
pub(super) fn binding(binding: &mut Value) {
    if binding.get("roleRef").is_some() {
        set_default(&mut binding["roleRef"], "apiGroup", RBAC);
    }
    for subject in items_mut(binding, "subjects") {
        match text(subject, "/kind") {
            "User" | "Group" => set_default(subject, "apiGroup", RBAC),
            _ => {}
        }
    }
}

/// A binding is of one role for ever.
pub(super) fn same_role(new: &Value, old: &Value, found: &mut Findings) {
    if new["roleRef"] != old["roleRef"] {
        found.invalid("roleRef", &new["roleRef"], "cannot change roleRef");
    }
}

/// Pods of a class may push others aside.
pub(super) fn priority(class: &mut Value) {
    set_default(class, "preemptionPolicy", "PreemptLowerPriority");
    set_default(class, "value", 0);
}

/// The highest values and the prefix are the system's.
pub(super) fn check_priority(class: &Value, found: &mut Findings) {
    const HIGHEST: i64 = 1_000_000_000;
    const SYSTEM: [&str; 2] = ["system-node-critical", "system-cluster-critical"];
    let (name, value) = (
        text(class, "/metadata/name"),
        int(class, "/value").unwrap_or(0),
    );
    if name.starts_with("system-") {
        if !SYSTEM.contains(&name) {
            let why = "priority class names with 'system-' prefix are reserved for system use only";
            found.forbidden("metadata.name", why);
        }
    } else if value > HIGHEST {
        let why = format!("maximum allowed value of a user defined priority is {HIGHEST}");
        found.forbidden("value", &why);
    }
}

/// A class keeps its value and its policy.
pub(super) fn same_priority(new: &Value, old: &Value, found: &mut Findings) {
    if new["value"] != old["value"] {
        found.forbidden("value", "may not be changed in an update.");
    }
    if new["preemptionPolicy"] != old["preemptionPolicy"] {
        found.invalid(
            "preemptionPolicy",
            &new["preemptionPolicy"],
            "field is immutable",
        );
    }
}

/// An address is named by itself, in the one way to write it.
pub(super) fn address_name(name: &str) -> Vec<String> {
    match name.parse::<std::net::IpAddr>() {
        Err(_) => vec![super::words::NOT_AN_ADDRESS.to_owned()],
        Ok(addr) if addr.to_string() != name => {
            vec![format!("must be in canonical form (\"{addr}\")")]
        }
        Ok(_) => Vec::new(),
    }
}

pub(super) fn check_address(object: &Value, found: &mut Findings) {
    if object["spec"]["parentRef"].is_null() {
        return found.required("spec.parentRef", "");
    }
    for field in ["resource", "name"] {
        if text(object, &format!("/spec/parentRef/{field}")).is_empty() {
            found.required(format!("spec.parentRef.{field}"), "");
        }
    }
}

pub(super) fn same_parent(new: &Value, old: &Value, found: &mut Findings) {
    super::workload::immutable(new, old, "/spec/parentRef", found);
}
