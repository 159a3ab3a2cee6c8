//! The three-way strategic merge: what changed between the last applied, the live and the wished-for object.
//!
//! It makes the patch that `kubectl apply` sends, with its directives; applying patches is the server's.

use serde_json::{Map, Value, json};

/// How a list or map is merged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Strategy {
    /// Compared as a whole.
    Atomic,
    /// A list of maps merged by this key; `true` where fields that are not named must go.
    Keyed(&'static str, bool),
    /// A list of scalars merged by value.
    Set,
    /// A map of which only the named fields stay.
    RetainKeys,
    /// A map that is sent as a whole, changed or not.
    Replace,
}

/// The merge strategies of the API, by the names of the fields on the way; list places are not named.
fn strategy(kind: &str, path: &[&str]) -> Strategy {
    let (field, parent) = match path {
        [.., parent, field] => (*field, *parent),
        [field] => (*field, ""),
        [] => return Strategy::Atomic,
    };
    match field {
        "containers"
        | "initContainers"
        | "ephemeralContainers"
        | "env"
        | "schedulingGates"
        | "allocatedResourcesStatus"
        | "matchConditions"
        | "drivers"
        | "webhooks" => Strategy::Keyed("name", false),
        "secrets" if parent.is_empty() => Strategy::Keyed("name", false),
        "imagePullSecrets" if !parent.is_empty() => Strategy::Keyed("name", false),
        "volumes" | "resourceClaims" => Strategy::Keyed("name", true),
        "volumeMounts" => Strategy::Keyed("mountPath", false),
        "volumeDevices" => Strategy::Keyed("devicePath", false),
        "hostAliases" => Strategy::Keyed("ip", false),
        "topologySpreadConstraints" => Strategy::Keyed("topologyKey", false),
        "ownerReferences" => Strategy::Keyed("uid", false),
        "conditions" if parent == "status" => Strategy::Keyed("type", false),
        "addresses" if parent == "status" && kind == "Node" => Strategy::Keyed("type", false),
        "podIPs" | "hostIPs" => Strategy::Keyed("ip", false),
        "ports" if parent.to_lowercase().ends_with("containers") => {
            Strategy::Keyed("containerPort", false)
        }
        "ports" if kind == "Service" && parent == "spec" => Strategy::Keyed("port", false),
        "finalizers" if parent == "metadata" => Strategy::Set,
        "podCIDRs" if kind == "Node" => Strategy::Set,
        "strategy" if kind == "Deployment" => Strategy::RetainKeys,
        "selector" if kind == "PodDisruptionBudget" => Strategy::Replace,
        _ => Strategy::Atomic,
    }
}

/// The key by which the list at a path is merged.
pub(crate) fn list_key(kind: &str, path: &[&str]) -> Option<&'static str> {
    match strategy(kind, path) {
        Strategy::Keyed(key, _) => Some(key),
        _ => None,
    }
}

#[derive(Clone, Copy)]
struct Pass {
    /// Only what is new or different.
    deltas: bool,
    /// Only what is gone.
    deletions: bool,
}

/// The patch that makes `current` what `modified` says, without touching what others set; `original` was applied last.
pub(crate) fn three_way(kind: &str, original: &Value, modified: &Value, current: &Value) -> Value {
    let empty = Map::new();
    let map = |value: &'_ Value| value.as_object().cloned().unwrap_or_default();
    let delta = diff_maps(
        kind,
        &mut Vec::new(),
        &map(current),
        &map(modified),
        Pass {
            deltas: true,
            deletions: false,
        },
    );
    let gone = diff_maps(
        kind,
        &mut Vec::new(),
        &map(original),
        &map(modified),
        Pass {
            deltas: false,
            deletions: true,
        },
    );
    let mut patch = empty;
    unite(kind, &mut Vec::new(), &mut patch, gone);
    unite(kind, &mut Vec::new(), &mut patch, delta);
    Value::Object(patch)
}

/// The patch between two states of one object, as `kubectl set` sends it.
pub(crate) fn two_way(kind: &str, before: &Value, after: &Value) -> Value {
    let map = |value: &'_ Value| value.as_object().cloned().unwrap_or_default();
    Value::Object(diff_maps(
        kind,
        &mut Vec::new(),
        &map(before),
        &map(after),
        Pass {
            deltas: true,
            deletions: true,
        },
    ))
}

fn diff_maps<'v>(
    kind: &str,
    path: &mut Vec<&'v str>,
    before: &Map<String, Value>,
    after: &'v Map<String, Value>,
    pass: Pass,
) -> Map<String, Value> {
    let mut patch = Map::new();
    if pass.deletions {
        for key in before.keys().filter(|key| !after.contains_key(*key)) {
            patch.insert(key.clone(), Value::Null);
        }
    }
    for (key, new) in after {
        let Some(old) = before.get(key) else {
            if pass.deltas {
                patch.insert(key.clone(), new.clone());
            }
            continue;
        };
        path.push(key);
        match (old, new) {
            (Value::Object(_), Value::Object(_)) if strategy(kind, path) == Strategy::Replace => {
                patch.extend(pass.deltas.then(|| (key.clone(), new.clone())));
            }
            (Value::Object(old), Value::Object(new)) => {
                let mut inner = diff_maps(kind, path, old, new, pass);
                if pass.deltas && !inner.is_empty() && strategy(kind, path) == Strategy::RetainKeys
                {
                    inner.insert(
                        "$retainKeys".to_owned(),
                        json!(new.keys().collect::<Vec<_>>()),
                    );
                }
                if !inner.is_empty() {
                    patch.insert(key.clone(), Value::Object(inner));
                }
            }
            (Value::Array(old), Value::Array(new)) => {
                diff_lists(kind, path, key, old, new, pass, &mut patch)
            }
            (old, new) if old != new && pass.deltas => drop(patch.insert(key.clone(), new.clone())),
            _ => {}
        }
        path.pop();
    }
    patch
}

fn diff_lists<'v>(
    kind: &str,
    path: &mut Vec<&'v str>,
    key: &str,
    old: &[Value],
    new: &'v [Value],
    pass: Pass,
    patch: &mut Map<String, Value>,
) {
    let scalars = old.iter().chain(new).any(|item| !item.is_object());
    match strategy(kind, path) {
        Strategy::Keyed(merge_key, retain) if !scalars => {
            let (items, order) = diff_keyed(kind, path, merge_key, retain, old, new, pass);
            if !items.is_empty() {
                patch.insert(key.to_owned(), Value::Array(items));
            }
            if !order.is_empty() {
                patch.insert(format!("$setElementOrder/{key}"), Value::Array(order));
            }
        }
        Strategy::Set => {
            let added: Vec<Value> = new
                .iter()
                .filter(|item| !old.contains(item))
                .cloned()
                .collect();
            let gone: Vec<Value> = old
                .iter()
                .filter(|item| !new.contains(item))
                .cloned()
                .collect();
            let changed =
                (pass.deltas && !added.is_empty()) || (pass.deletions && !gone.is_empty());
            if pass.deltas && !added.is_empty() {
                patch.insert(key.to_owned(), Value::Array(added));
            }
            if pass.deletions && !gone.is_empty() {
                patch.insert(
                    format!("$deleteFromPrimitiveList/{key}"),
                    Value::Array(gone),
                );
            }
            if changed {
                patch.insert(format!("$setElementOrder/{key}"), json!(new));
            }
        }
        _ if pass.deltas && old != new => drop(patch.insert(key.to_owned(), json!(new))),
        _ => {}
    }
}

fn diff_keyed<'v>(
    kind: &str,
    path: &mut Vec<&'v str>,
    merge_key: &str,
    retain: bool,
    old: &[Value],
    new: &'v [Value],
    pass: Pass,
) -> (Vec<Value>, Vec<Value>) {
    let mut items = Vec::new();
    for after in new {
        let before = old
            .iter()
            .find(|before| before[merge_key] == after[merge_key]);
        match (before.and_then(Value::as_object), after.as_object()) {
            (Some(before), Some(fields)) => {
                let mut inner = diff_maps(kind, path, before, fields, pass);
                if inner.is_empty() {
                    continue;
                }
                if retain && pass.deltas {
                    inner.insert(
                        "$retainKeys".to_owned(),
                        json!(fields.keys().collect::<Vec<_>>()),
                    );
                }
                inner.insert(merge_key.to_owned(), after[merge_key].clone());
                items.push(Value::Object(inner));
            }
            _ if pass.deltas => items.push(after.clone()),
            _ => {}
        }
    }
    if pass.deletions {
        for before in old.iter().filter(|before| {
            !new.iter()
                .any(|after| after[merge_key] == before[merge_key])
        }) {
            items.push(json!({"$patch": "delete", merge_key: before[merge_key]}));
        }
    }
    let same_order = old.len() == new.len()
        && old
            .iter()
            .zip(new)
            .all(|(a, b)| a[merge_key] == b[merge_key]);
    if same_order && items.is_empty() {
        return (items, Vec::new());
    }
    (
        items,
        new.iter()
            .map(|item| json!({merge_key: item[merge_key]}))
            .collect(),
    )
}

/// Puts one patch onto another; both may speak of the same list items.
fn unite(
    kind: &str,
    path: &mut Vec<String>,
    into: &mut Map<String, Value>,
    from: Map<String, Value>,
) {
    for (key, value) in from {
        path.push(key.clone());
        match (into.get_mut(&key), value) {
            (Some(Value::Object(old)), Value::Object(new)) => unite(kind, path, old, new),
            (Some(Value::Array(old)), Value::Array(new)) => {
                let names: Vec<&str> = path.iter().map(String::as_str).collect();
                match strategy(kind, &names) {
                    Strategy::Keyed(merge_key, _) => unite_lists(kind, path, merge_key, old, new),
                    _ => *old = new,
                }
            }
            (_, value) => drop(into.insert(key, value)),
        }
        path.pop();
    }
}

fn unite_lists(
    kind: &str,
    path: &mut Vec<String>,
    merge_key: &str,
    into: &mut Vec<Value>,
    from: Vec<Value>,
) {
    for item in from {
        match (
            into.iter_mut()
                .find(|old| old[merge_key] == item[merge_key]),
            item,
        ) {
            (Some(Value::Object(old)), Value::Object(new)) => unite(kind, path, old, new),
            (_, item) => into.push(item),
        }
    }
}

/// The three-way JSON merge patch, for kinds without a strategy of their own.
pub(crate) fn three_way_plain(original: &Value, modified: &Value, current: &Value) -> Value {
    let mut patch = Map::new();
    let empty = Map::new();
    let (Some(modified), Some(current)) = (modified.as_object(), current.as_object()) else {
        return modified.clone();
    };
    for key in original
        .as_object()
        .unwrap_or(&empty)
        .keys()
        .filter(|key| !modified.contains_key(*key) && current.contains_key(*key))
    {
        patch.insert(key.clone(), Value::Null);
    }
    for (key, new) in modified {
        match current.get(key) {
            Some(old) if old.is_object() && new.is_object() => {
                let inner = three_way_plain(original.get(key).unwrap_or(&Value::Null), new, old);
                if inner.as_object().is_none_or(|map| !map.is_empty()) {
                    patch.insert(key.clone(), inner);
                }
            }
            Some(old) if old == new => {}
            _ => drop(patch.insert(key.clone(), new.clone())),
        }
    }
    Value::Object(patch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(original: Value, modified: Value, current: Value, expect: Value) {
        assert_eq!(
            three_way("Deployment", &original, &modified, &current),
            expect
        );
    }

    #[test]
    fn what_others_set_stays_and_what_was_taken_back_goes() {
        check(
            json!({"spec": {"replicas": 2, "paused": true}}),
            json!({"spec": {"replicas": 3}}),
            json!({"spec": {"replicas": 2, "paused": true, "minReadySeconds": 5}}),
            json!({"spec": {"replicas": 3, "paused": null}}),
        );
    }

    #[test]
    fn nothing_to_do_is_an_empty_patch() {
        let applied = json!({"spec": {"template": {"spec": {"containers": [{"name": "a", "ports": [{"containerPort": 80}]}]}}}});
        check(
            applied.clone(),
            applied,
            json!({"spec": {"template": {"spec": {"containers": [{"name": "a", "image": "x", "ports": [{"containerPort": 80, "protocol": "TCP"}]}]}}}}),
            json!({}),
        );
    }

    #[test]
    fn containers_are_known_by_name() {
        check(
            json!({"spec": {"containers": [{"name": "a"}, {"name": "b"}]}}),
            json!({"spec": {"containers": [{"name": "a", "image": "2"}]}}),
            json!({"spec": {"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "1"}]}}),
            json!({"spec": {
                "$setElementOrder/containers": [{"name": "a"}],
                "containers": [{"$patch": "delete", "name": "b"}, {"name": "a", "image": "2"}],
            }}),
        );
    }

    #[test]
    fn a_strategy_keeps_only_its_named_fields() {
        check(
            json!({}),
            json!({"spec": {"strategy": {"type": "Recreate"}}}),
            json!({"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}}),
            json!({"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}),
        );
    }

    #[test]
    fn other_lists_are_replaced_whole() {
        check(
            json!({}),
            json!({"spec": {"args": ["a", "c"]}}),
            json!({"spec": {"args": ["a", "b"]}}),
            json!({"spec": {"args": ["a", "c"]}}),
        );
    }

    #[test]
    fn a_changed_image_is_a_small_patch() {
        let before = json!({"spec": {"template": {"spec": {"containers": [{"name": "my-nginx", "image": "nginx"}]}}}});
        let after = json!({"spec": {"template": {"spec": {"containers": [{"name": "my-nginx", "image": "nginx:1.16.1"}]}}}});
        let expect = json!({"spec": {"template": {"spec": {
            "$setElementOrder/containers": [{"name": "my-nginx"}],
            "containers": [{"image": "nginx:1.16.1", "name": "my-nginx"}],
        }}}});
        assert_eq!(two_way("Deployment", &before, &after), expect);
    }
}
