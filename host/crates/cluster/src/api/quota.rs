//! ResourceQuotas: what a namespace uses of what it may use, and what would be too much.
//!
//! Counted from the objects that are there, so that nothing can be counted twice. Words are those
//! of `plugin/pkg/admission/resourcequota` and `pkg/quota/v1/evaluator/core`. Never forbids changes,
//! only new objects.

use super::limits::{Total, pod_total};
use crate::kind::look::{list, map, text};
use crate::kind::quantity::text_of;
use crate::kind::{Kind, by_key, wants_node_ports};
use crate::store::{Store, namespace_of};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const QUOTAS: &str = "resourcequotas";
/// What each container must say itself once there is a quota for it.
const TO_BE_SAID: [&str; 6] = [
    "cpu",
    "limits.cpu",
    "limits.memory",
    "memory",
    "requests.cpu",
    "requests.memory",
];

/// What a namespace uses of everything that a quota bounds.
pub(crate) fn used(store: &Store, quota: &Value) -> Value {
    let space = Some(namespace_of(quota));
    let hard = map(quota, "/spec/hard").into_iter().flatten();
    let used = hard.map(|(resource, hard)| {
        let kind = counted_kind(resource).and_then(by_key);
        let objects = kind.into_iter().flat_map(|kind| {
            let objects = store.list(kind.names().key, space);
            objects.filter(|object| in_scope(quota, kind, object))
        });
        let mut total = Total {
            amount: 0,
            binary: text_of(hard).ends_with('i'),
        };
        for object in objects {
            let one = usage(resource, object);
            total.amount += one.amount;
            total.binary |= one.binary;
        }
        (resource.clone(), Value::from(total.written()))
    });
    Value::Object(used.collect::<Map<String, Value>>())
}

/// Whether there is room for a new object in every quota of its namespace.
pub(super) fn check(store: &Store, kind: &dyn Kind, object: &Value) -> Result<(), String> {
    for quota in store.list(QUOTAS, Some(namespace_of(object))) {
        if !in_scope(quota, kind, object) {
            continue;
        }
        let hard: Vec<(&String, &Value)> = map(quota, "/spec/hard")
            .into_iter()
            .flatten()
            .filter(|(resource, _)| counted_kind(resource) == Some(kind.names().key))
            .collect();
        let own = text(quota, "/metadata/name");
        if kind.names().key == "pods" {
            all_said(&hard, object).map_err(|why| format!("failed quota: {own}: {why}"))?;
        }
        let before = used(store, quota);
        let mut columns: [Vec<String>; 3] = Default::default();
        for (resource, most) in hard {
            let asked = usage(resource, object);
            let taken = Total::read(before[resource].as_str().unwrap_or_default());
            let most = text_of(most);
            if asked.amount > 0 && taken.amount + asked.amount > Total::read(&most).amount {
                let taken = before[resource].as_str().unwrap_or_default().to_owned();
                for (column, value) in columns.iter_mut().zip([asked.written(), taken, most]) {
                    column.push(format!("{resource}={value}"));
                }
            }
        }
        if !columns[0].is_empty() {
            let [asked, taken, most] = columns.map(|column| column.join(","));
            return Err(format!(
                "exceeded quota: {own}, requested: {asked}, used: {taken}, limited: {most}"
            ));
        }
    }
    Ok(())
}

/// Every container must say how much it wants of what is bounded.
fn all_said(hard: &[(&String, &Value)], pod: &Value) -> Result<(), String> {
    let bounded = hard.iter().map(|(resource, _)| resource.as_str());
    let bounded: Vec<&str> = bounded.filter(|one| TO_BE_SAID.contains(one)).collect();
    let mut silent: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for field in ["/spec/containers", "/spec/initContainers"] {
        for container in list(pod, field) {
            for resource in &bounded {
                let (part, name) = match resource.split_once('.') {
                    Some((part, name)) => (part, name),
                    None => ("requests", *resource),
                };
                if container["resources"][part].get(name).is_none() {
                    let names = silent.entry(resource).or_default();
                    names.insert(text(container, "/name"));
                }
            }
        }
    }
    if silent.is_empty() {
        return Ok(());
    }
    let each = silent.into_iter().map(|(resource, names)| {
        let names: Vec<&str> = names.into_iter().collect();
        format!("{resource} for: {}", names.join(","))
    });
    Err(format!(
        "must specify {}",
        each.collect::<Vec<_>>().join("; ")
    ))
}

/// The kind whose objects a bounded resource counts.
fn counted_kind(resource: &str) -> Option<&str> {
    match resource {
        "pods" | "cpu" | "memory" | "ephemeral-storage" => Some("pods"),
        "requests.storage" => Some("persistentvolumeclaims"),
        "services.nodeports" | "services.loadbalancers" => Some("services"),
        "configmaps"
        | "persistentvolumeclaims"
        | "replicationcontrollers"
        | QUOTAS
        | "secrets"
        | "services" => Some(resource),
        _ if resource.starts_with("requests.") || resource.starts_with("limits.") => Some("pods"),
        _ => resource.strip_prefix("count/"),
    }
}

/// What one object uses of a resource.
fn usage(resource: &str, object: &Value) -> Total {
    const ONE: i128 = 1_000;
    let count = |many: usize| Total {
        amount: i128::try_from(many).unwrap_or(0) * ONE,
        binary: false,
    };
    let is_pod = counted_kind(resource) == Some("pods");
    if is_pod && matches!(text(object, "/status/phase"), "Succeeded" | "Failed") {
        return count(usize::from(resource.starts_with("count/")));
    }
    let total = |part, name: &str| pod_total(object, part).get(name).copied();
    match resource {
        "cpu" | "memory" | "ephemeral-storage" => total("requests", resource).unwrap_or_default(),
        "requests.storage" => Total::read(text(object, "/spec/resources/requests/storage")),
        "services.loadbalancers" => {
            count(usize::from(text(object, "/spec/type") == "LoadBalancer"))
        }
        "services.nodeports" if !wants_node_ports(object) => count(0),
        "services.nodeports" => count(list(object, "/spec/ports").len()),
        _ if is_pod && resource.starts_with("requests.") => {
            total("requests", &resource["requests.".len()..]).unwrap_or_default()
        }
        _ if is_pod && resource.starts_with("limits.") => {
            total("limits", &resource["limits.".len()..]).unwrap_or_default()
        }
        _ => count(1),
    }
}

/// Whether a quota is about this object: scopes are about pods.
fn in_scope(quota: &Value, kind: &dyn Kind, object: &Value) -> bool {
    let scopes = list(quota, "/spec/scopes").iter().filter_map(Value::as_str);
    let wishes = list(quota, "/spec/scopeSelector/matchExpressions");
    if kind.names().key != "pods" {
        return wishes.is_empty() && scopes.count() == 0;
    }
    let named = wishes.iter().all(|wish| {
        let class = text(object, "/spec/priorityClassName");
        let listed = list(wish, "/values").iter().any(|value| value == class);
        match (text(wish, "/scopeName"), text(wish, "/operator")) {
            ("PriorityClass", "In") => listed,
            ("PriorityClass", "NotIn") => !listed,
            ("PriorityClass", "DoesNotExist") => class.is_empty(),
            ("PriorityClass", _) => !class.is_empty(),
            (scope, _) => matches_scope(scope, object),
        }
    });
    named && scopes.into_iter().all(|scope| matches_scope(scope, object))
}

fn matches_scope(scope: &str, pod: &Value) -> bool {
    let ends = pod.pointer("/spec/activeDeadlineSeconds").is_some();
    let best_effort = text(pod, "/status/qosClass") == "BestEffort";
    match scope {
        "Terminating" => ends,
        "NotTerminating" => !ends,
        "BestEffort" => best_effort,
        "NotBestEffort" => !best_effort,
        "PriorityClass" => !text(pod, "/spec/priorityClassName").is_empty(),
        _ => true,
    }
}
