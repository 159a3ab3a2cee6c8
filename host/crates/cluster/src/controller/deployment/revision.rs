//! Which ReplicaSet holds which revision, and what annotations say so. Never scales.

use super::super::meta::text;
use serde_json::{Map, Value};

pub(crate) const REVISION: &str = "deployment.kubernetes.io/revision";
const HISTORY: &str = "deployment.kubernetes.io/revision-history";
pub(crate) const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
pub(crate) const MAXIMUM: &str = "deployment.kubernetes.io/max-replicas";

/// Annotations of a Deployment that its ReplicaSets do not take over.
const NOT_COPIED: [&str; 6] = [
    "kubectl.kubernetes.io/last-applied-configuration",
    REVISION,
    HISTORY,
    DESIRED,
    MAXIMUM,
    "deprecated.deployment.rollback.to",
];

/// The revision written on a ReplicaSet or Deployment; zero when there is none.
pub(crate) fn of(object: &Value) -> i64 {
    text(&object["metadata"]["annotations"][REVISION])
        .parse()
        .unwrap_or(0)
}

/// Writes a Deployment's annotations and the revision on its new ReplicaSet.
pub(crate) fn annotate(set: &mut Value, deployment: &Value, revision: i64) {
    let mut annotations = set["metadata"]["annotations"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    copy(&mut annotations, deployment);
    let before: i64 = annotations
        .get(REVISION)
        .map_or(0, |value| text(value).parse().unwrap_or(0));
    if before < revision {
        if before > 0 {
            let mut history: Vec<String> = annotations
                .get(HISTORY)
                .map(|value| text(value).split(',').map(str::to_owned).collect())
                .unwrap_or_default();
            history.retain(|entry| !entry.is_empty());
            history.push(before.to_string());
            annotations.insert(HISTORY.to_owned(), history.join(",").into());
        }
        annotations.insert(REVISION.to_owned(), revision.to_string().into());
    }
    set["metadata"]["annotations"] = annotations.into();
}

fn copy(annotations: &mut Map<String, Value>, deployment: &Value) {
    let Some(from) = deployment["metadata"]["annotations"].as_object() else {
        return;
    };
    for (key, value) in from
        .iter()
        .filter(|(key, _)| !NOT_COPIED.contains(&key.as_str()))
    {
        annotations.insert(key.clone(), value.clone());
    }
}
