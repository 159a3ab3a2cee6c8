//! Checks of roles and bindings: `pkg/apis/rbac/validation`. Never decides who may do what: that is
//! `api/authorize`.

use super::Findings;
use super::look::{list, text};
use serde_json::Value;

const RBAC: &str = "rbac.authorization.k8s.io";

/// A role lists verbs on resources, or, for the whole cluster, on paths.
pub(super) fn check_role(role: &Value, found: &mut Findings) {
    let whole = role["kind"] == "ClusterRole";
    for (index, rule) in list(role, "/rules").iter().enumerate() {
        let at = |field: &str| format!("rules[{index}].{field}");
        let has = |field: &str| !list(rule, field).is_empty();
        if !has("/verbs") {
            found.required(at("verbs"), "verbs must contain at least one value");
        }
        if has("/nonResourceURLs") {
            let value = &rule["nonResourceURLs"];
            if !whole {
                let why = "namespaced rules cannot apply to non-resource URLs";
                found.invalid(at("nonResourceURLs"), value, why);
            }
            if has("/apiGroups") || has("/resources") || has("/resourceNames") {
                let why = "rules cannot apply to both regular resources and non-resource URLs";
                found.invalid(at("nonResourceURLs"), value, why);
            }
            continue;
        }
        if !has("/apiGroups") {
            let why = "resource rules must supply at least one api group";
            found.required(at("apiGroups"), why);
        }
        if !has("/resources") {
            let why = "resource rules must supply at least one resource";
            found.required(at("resources"), why);
        }
    }
}

/// A binding is of one role, to accounts, users and groups.
pub(super) fn check_binding(binding: &Value, found: &mut Findings) {
    let whole = binding["kind"] == "ClusterRoleBinding";
    let kinds: &[&str] = match whole {
        true => &["ClusterRole"],
        false => &["Role", "ClusterRole"],
    };
    let role = &binding["roleRef"];
    let group = text(role, "/apiGroup");
    if group != RBAC {
        found.unsupported("roleRef.apiGroup", group, &[RBAC]);
    }
    let kind = text(role, "/kind");
    if !kinds.contains(&kind) {
        found.unsupported("roleRef.kind", kind, kinds);
    }
    if text(role, "/name").is_empty() {
        found.required("roleRef.name", "");
    }
    for (index, subject) in list(binding, "/subjects").iter().enumerate() {
        check_subject(subject, &format!("subjects[{index}]"), whole, found);
    }
}

fn check_subject(subject: &Value, at: &str, whole: bool, found: &mut Findings) {
    if text(subject, "/name").is_empty() {
        found.required(format!("{at}.name"), "");
    }
    let group = text(subject, "/apiGroup");
    match text(subject, "/kind") {
        "ServiceAccount" => {
            if !group.is_empty() {
                found.unsupported(format!("{at}.apiGroup"), group, &[""]);
            }
            if text(subject, "/namespace").is_empty() && whole {
                found.required(format!("{at}.namespace"), "");
            }
        }
        "User" | "Group" => {
            if group != RBAC {
                found.unsupported(format!("{at}.apiGroup"), group, &[RBAC]);
            }
        }
        other => {
            let kinds = ["ServiceAccount", "User", "Group"];
            found.unsupported(format!("{at}.kind"), other, &kinds);
        }
    }
}
