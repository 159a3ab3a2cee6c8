//! What affinities and spread constraints must look like, as Kubernetes 1.36 checks them.
//! Never asks which nodes or pods they mean.

use super::look::{int, list, text, texts};
use super::{Findings, meta, words};
use serde_json::Value;
use std::collections::BTreeSet;

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

/// What is wrong with a pod's affinity.
pub(super) fn validate(affinity: &Value, path: &str, found: &mut Findings) {
    let nodes = &affinity["nodeAffinity"];
    if nodes[REQUIRED].is_object() {
        let path = format!("{path}.nodeAffinity.{REQUIRED}.nodeSelectorTerms");
        let terms = list(&nodes[REQUIRED], "/nodeSelectorTerms");
        if terms.is_empty() {
            let detail = "must have at least one node selector term";
            found.required(path.as_str(), detail);
        }
        for (index, term) in terms.iter().enumerate() {
            validate_term(term, true, &format!("{path}[{index}]"), found);
        }
    }
    for (index, term) in list(nodes, &format!("/{PREFERRED}")).iter().enumerate() {
        let path = format!("{path}.nodeAffinity.{PREFERRED}[{index}]");
        validate_weight(term, &path, found);
        validate_term(
            &term["preference"],
            false,
            &format!("{path}.preference"),
            found,
        );
    }
    for kind in ["podAffinity", "podAntiAffinity"] {
        let pods = &affinity[kind];
        for (index, term) in list(pods, &format!("/{REQUIRED}")).iter().enumerate() {
            validate_pod_term(term, &format!("{path}.{kind}.{REQUIRED}[{index}]"), found);
        }
        for (index, term) in list(pods, &format!("/{PREFERRED}")).iter().enumerate() {
            let path = format!("{path}.{kind}.{PREFERRED}[{index}]");
            validate_weight(term, &path, found);
            let path = format!("{path}.podAffinityTerm");
            validate_pod_term(&term["podAffinityTerm"], &path, found);
        }
    }
}

fn validate_weight(term: &Value, path: &str, found: &mut Findings) {
    let weight = int(term, "/weight").unwrap_or(0);
    if !(1..=100).contains(&weight) {
        found.invalid(
            format!("{path}.weight"),
            &weight.into(),
            "must be in the range 1-100",
        );
    }
}

fn validate_term(term: &Value, strict: bool, path: &str, found: &mut Findings) {
    for (index, wish) in list(term, "/matchExpressions").iter().enumerate() {
        validate_wish(
            wish,
            strict,
            &format!("{path}.matchExpressions[{index}]"),
            found,
        );
    }
    for (index, wish) in list(term, "/matchFields").iter().enumerate() {
        validate_field_wish(wish, &format!("{path}.matchFields[{index}]"), found);
    }
}

fn validate_wish(wish: &Value, strict: bool, path: &str, found: &mut Findings) {
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
        "Gt" | "Lt" if values.len() != 1 => {
            let detail = "must be specified single value when `operator` is 'Lt' or 'Gt'";
            found.required(at, detail);
        }
        "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
        _ => {
            let detail = "not a valid selector operator";
            found.invalid(format!("{path}.operator"), &operator.into(), detail);
        }
    }
    let key = text(wish, "/key");
    found.all_invalid(
        &format!("{path}.key"),
        &key.into(),
        words::qualified_name(key),
    );
    for (index, value) in texts(wish, "/values").enumerate().filter(|_| strict) {
        let field = format!("{path}.values[{index}]");
        found.all_invalid(&field, &value.into(), words::label_value(value));
    }
}

fn validate_field_wish(wish: &Value, path: &str, found: &mut Findings) {
    let operator = text(wish, "/operator");
    if !matches!(operator, "In" | "NotIn") {
        let detail = "not a valid selector operator";
        found.invalid(format!("{path}.operator"), &operator.into(), detail);
    } else if list(wish, "/values").len() != 1 {
        let detail =
            "must be only one value when `operator` is 'In' or 'NotIn' for node field selector";
        found.required(format!("{path}.values"), detail);
    }
    let key = text(wish, "/key");
    if key != "metadata.name" {
        let detail = "not a valid field selector key";
        return found.invalid(format!("{path}.key"), &key.into(), detail);
    }
    for (index, name) in texts(wish, "/values").enumerate() {
        let field = format!("{path}.values[{index}]");
        found.all_invalid(&field, &name.into(), words::dns_subdomain(name));
    }
}

fn validate_pod_term(term: &Value, path: &str, found: &mut Findings) {
    for field in ["labelSelector", "namespaceSelector"] {
        meta::label_selector(&term[field], &format!("{path}.{field}"), found);
    }
    for space in texts(term, "/namespaces") {
        let field = format!("{path}.namespace");
        found.all_invalid(&field, &space.into(), words::dns_label(space));
    }
    let key = text(term, "/topologyKey");
    let field = format!("{path}.topologyKey");
    if key.is_empty() {
        found.required(field.as_str(), "can not be empty");
    }
    found.all_invalid(&field, &key.into(), words::qualified_name(key));
}

/// What is wrong with a pod's spread constraints.
pub(super) fn validate_spread(spec: &Value, path: &str, found: &mut Findings) {
    let mut seen = BTreeSet::new();
    for (index, constraint) in list(spec, "/topologySpreadConstraints").iter().enumerate() {
        let path = format!("{path}[{index}]");
        let skew = int(constraint, "/maxSkew").unwrap_or(0);
        if skew <= 0 {
            found.invalid(
                format!("{path}.maxSkew"),
                &skew.into(),
                "must be greater than zero",
            );
        }
        let (key, action) = (
            text(constraint, "/topologyKey"),
            text(constraint, "/whenUnsatisfiable"),
        );
        let field = format!("{path}.topologyKey");
        match key {
            "" => found.required(field, "can not be empty"),
            _ => found.all_invalid(&field, &key.into(), words::qualified_name(key)),
        }
        let field = format!("{path}.whenUnsatisfiable");
        if !["DoNotSchedule", "ScheduleAnyway"].contains(&action) {
            found.unsupported(field, action, &["DoNotSchedule", "ScheduleAnyway"]);
        }
        if !seen.insert((key, action)) {
            let pair = format!("{{{key}, {action}}}");
            found.duplicate(
                format!("{path}.{{topologyKey, whenUnsatisfiable}}"),
                &pair.into(),
            );
        }
        if let Some(domains) = int(constraint, "/minDomains") {
            let field = format!("{path}.minDomains");
            if domains <= 0 {
                found.invalid(field.as_str(), &domains.into(), "must be greater than zero");
            }
            if action != "DoNotSchedule" {
                let detail = format!(
                    "can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}"
                );
                found.invalid(field, &domains.into(), detail);
            }
        }
        for policy in ["nodeAffinityPolicy", "nodeTaintsPolicy"] {
            let field = format!("{path}.{policy}");
            found.one_of(&field, &constraint[policy], &["Honor", "Ignore"]);
        }
        let field = format!("{path}.labelSelector");
        meta::label_selector(&constraint["labelSelector"], &field, found);
    }
}
