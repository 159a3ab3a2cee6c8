//! What kustomize does to each object: names and the references to them, labels, annotations,
//! images, order. Never reads a file.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::text::json::{compact, set, text};

/// Marks a generated object until its name gets the hash.
pub(super) const HASH: &str = "lab/kustomize-hash";

const CLUSTER_WIDE: [&str; 9] = [
    "ClusterRole",
    "ClusterRoleBinding",
    "CustomResourceDefinition",
    "IngressClass",
    "Namespace",
    "Node",
    "PersistentVolume",
    "PriorityClass",
    "StorageClass",
];

pub(super) fn is_namespaced(object: &Value) -> bool {
    !CLUSTER_WIDE.contains(&text(object, "kind"))
}

pub(super) fn is_scalable(object: &Value) -> bool {
    [
        "Deployment",
        "ReplicaSet",
        "ReplicationController",
        "StatefulSet",
    ]
    .contains(&text(object, "kind"))
}

/// kustomize's legacy order: what others need first, webhooks last.
pub(super) fn rank(object: &Value) -> (usize, String, String) {
    const FIRST: [&str; 19] = [
        "Namespace",
        "ResourceQuota",
        "StorageClass",
        "CustomResourceDefinition",
        "ServiceAccount",
        "PodSecurityPolicy",
        "Role",
        "ClusterRole",
        "RoleBinding",
        "ClusterRoleBinding",
        "ConfigMap",
        "Secret",
        "Endpoints",
        "Service",
        "LimitRange",
        "PriorityClass",
        "PersistentVolume",
        "PersistentVolumeClaim",
        "Deployment",
    ];
    const LATER: [&str; 5] = [
        "StatefulSet",
        "CronJob",
        "PodDisruptionBudget",
        "MutatingWebhookConfiguration",
        "ValidatingWebhookConfiguration",
    ];
    let kind = text(object, "kind");
    let place = FIRST.iter().position(|known| *known == kind).or_else(|| {
        LATER
            .iter()
            .position(|known| *known == kind)
            .map(|place| 100 + place)
    });
    (
        place.unwrap_or(50),
        if place.is_none() {
            kind.to_owned()
        } else {
            String::new()
        },
        format!(
            "{}/{}",
            text(object, "metadata.namespace"),
            text(object, "metadata.name")
        ),
    )
}

/// Whether a patch without a target is for an object.
pub(super) fn same(patch: &Value, object: &Value) -> bool {
    let own = |path: &str| text(patch, path) == text(object, path);
    own("kind") && own("metadata.name") && own("apiVersion")
}

/// Whether an object is among a patch's targets.
pub(super) fn selects(target: &Value, object: &Value) -> bool {
    let (group, version) = text(object, "apiVersion")
        .split_once('/')
        .unwrap_or(("", text(object, "apiVersion")));
    let like = |key: &str, own: &str| match text(target, key) {
        "" => true,
        wanted => {
            wanted == own
                || wanted == ".*"
                || wanted
                    .strip_suffix(".*")
                    .is_some_and(|start| own.starts_with(start))
        }
    };
    let labelled = text(target, "labelSelector")
        .split(',')
        .filter(|pair| !pair.is_empty())
        .all(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            object["metadata"]["labels"]
                .get(key)
                .and_then(Value::as_str)
                == Some(value)
        });
    labelled
        && like("kind", text(object, "kind"))
        && like("name", text(object, "metadata.name"))
        && like("namespace", text(object, "metadata.namespace"))
        && (text(target, "group").is_empty() || text(target, "group") == group)
        && (text(target, "version").is_empty() || text(target, "version") == version)
}

/// The pod template of a workload.
fn template(object: &mut Value) -> Option<&mut Value> {
    let path: &[&str] = match text(object, "kind") {
        "Deployment"
        | "ReplicaSet"
        | "StatefulSet"
        | "DaemonSet"
        | "Job"
        | "ReplicationController" => &["spec", "template"],
        "CronJob" => &["spec", "jobTemplate", "spec", "template"],
        _ => return None,
    };
    path.iter()
        .try_fold(object, |value, key| value.get_mut(key))
}

pub(super) fn label(
    object: &mut Value,
    key: &str,
    value: &Value,
    selectors: bool,
    templates: bool,
) {
    set(object, &["metadata", "labels", key], value.clone());
    if templates && let Some(template) = template(object) {
        set(template, &["metadata", "labels", key], value.clone());
    }
    if !selectors {
        return;
    }
    match text(object, "kind") {
        "Service" | "ReplicationController" if object["spec"]["selector"].is_object() => {
            set(object, &["spec", "selector", key], value.clone());
        }
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" => {
            set(
                object,
                &["spec", "selector", "matchLabels", key],
                value.clone(),
            );
        }
        "NetworkPolicy" => set(
            object,
            &["spec", "podSelector", "matchLabels", key],
            value.clone(),
        ),
        "PodDisruptionBudget" => set(
            object,
            &["spec", "selector", "matchLabels", key],
            value.clone(),
        ),
        _ => {}
    }
}

pub(super) fn annotate(object: &mut Value, key: &str, value: &Value) {
    set(object, &["metadata", "annotations", key], value.clone());
    if let Some(template) = template(object) {
        set(template, &["metadata", "annotations", key], value.clone());
    }
}

/// Everything that is called `containers` or `initContainers`.
fn containers(value: &mut Value, change: &mut dyn FnMut(&mut Value)) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                if let ("containers" | "initContainers", Value::Array(items)) =
                    (key.as_str(), &mut *inner)
                {
                    items.iter_mut().for_each(&mut *change);
                } else {
                    containers(inner, change);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| containers(item, change)),
        _ => {}
    }
}

/// `images`: another name, tag or digest for the containers' images of a name.
pub(super) fn image(object: &mut Value, wanted: &Value) {
    containers(object, &mut |container| {
        let own = text(container, "image").to_owned();
        let (rest, digest) = own
            .split_once('@')
            .map_or((own.as_str(), ""), |(rest, digest)| (rest, digest));
        let (name, tag) = match rest.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, tag),
            _ => (rest, ""),
        };
        if name != text(wanted, "name") {
            return;
        }
        let name = match text(wanted, "newName") {
            "" => name,
            name => name,
        };
        let new_tag = match &wanted["newTag"] {
            Value::String(tag) => tag.clone(),
            Value::Null => String::new(),
            other => other.to_string(),
        };
        let image = match (text(wanted, "digest"), new_tag.as_str()) {
            ("", "") if !digest.is_empty() => format!("{name}@{digest}"),
            ("", "") if tag.is_empty() => name.to_owned(),
            ("", "") => format!("{name}:{tag}"),
            ("", tag) => format!("{name}:{tag}"),
            (digest, _) => format!("{name}@{digest}"),
        };
        container["image"] = json!(image);
    });
}

/// Gives every object its new name and follows the references that kustomize follows.
pub(super) fn rename(objects: &mut [Value], prefix: &str, suffix: &str) {
    let mut renamed: Vec<(String, String, String)> = Vec::new();
    for object in objects.iter_mut() {
        let old = text(object, "metadata.name").to_owned();
        let kind = text(object, "kind").to_owned();
        let hash = object
            .pointer_mut("/metadata/annotations")
            .and_then(Value::as_object_mut)
            .and_then(|annotations| annotations.remove(HASH));
        let bare = object["metadata"]["annotations"]
            .as_object()
            .is_some_and(serde_json::Map::is_empty);
        if bare
            && hash.is_some()
            && let Some(metadata) = object["metadata"].as_object_mut()
        {
            metadata.remove("annotations");
        }
        let mut new = if ["Namespace", "CustomResourceDefinition"].contains(&kind.as_str()) {
            old.clone()
        } else {
            format!("{prefix}{old}{suffix}")
        };
        if let Some(hash) = hash.as_ref().and_then(Value::as_str) {
            new = format!("{new}-{hash}");
        }
        if new != old {
            object["metadata"]["name"] = json!(new);
            renamed.push((kind, old, new));
        }
    }
    for object in objects {
        refer(object, "", &renamed);
    }
}

/// The kind that a field's name refers to, by the field and what holds it.
fn kind_of(parent: &str, field: &str) -> Option<&'static str> {
    match (parent, field) {
        ("configMap" | "configMapRef" | "configMapKeyRef", "name") => Some("ConfigMap"),
        ("secretRef" | "secretKeyRef" | "imagePullSecrets", "name") => Some("Secret"),
        ("secret" | "tls", "secretName") => Some("Secret"),
        ("persistentVolumeClaim", "claimName") => Some("PersistentVolumeClaim"),
        ("service", "name") | (_, "serviceName") => Some("Service"),
        (_, "serviceAccountName") => Some("ServiceAccount"),
        _ => None,
    }
}

fn refer(value: &mut Value, parent: &str, renamed: &[(String, String, String)]) {
    match value {
        Value::Object(map) => {
            let own = map.get("kind").and_then(Value::as_str).map(str::to_owned);
            for (field, inner) in map {
                let by_kind =
                    ["scaleTargetRef", "roleRef", "subjects"].contains(&parent) && field == "name";
                let kind = if by_kind {
                    own.as_deref()
                } else {
                    kind_of(parent, field)
                };
                if let (Some(kind), Some(name)) = (kind, inner.as_str()) {
                    let new = renamed
                        .iter()
                        .find(|(of, old, _)| of == kind && old == name);
                    if let Some((_, _, new)) = new {
                        *inner = json!(new);
                    }
                } else {
                    refer(inner, field, renamed);
                }
            }
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| refer(item, parent, renamed)),
        _ => {}
    }
}

/// The hash that kubectl and kustomize put behind the names of ConfigMaps and Secrets: the first
/// ten characters of the SHA-256 of their JSON, in letters that form no words.
pub(crate) fn hash(object: &Value) -> String {
    let mut encoded = json!({
        "data": object.get("data").cloned().unwrap_or(json!("")),
        "kind": object["kind"],
        "name": text(object, "metadata.name"),
    });
    if text(object, "kind") == "Secret" {
        encoded["type"] = object.get("type").cloned().unwrap_or(json!(""));
    }
    for field in ["binaryData", "immutable", "stringData"] {
        if !object[field].is_null() {
            encoded[field] = object[field].clone();
        }
    }
    let digest: String = Sha256::digest(compact(&encoded).as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    digest
        .chars()
        .take(10)
        .map(|c| match c {
            '0' => 'g',
            '1' => 'h',
            '3' => 'k',
            'a' => 'm',
            'e' => 't',
            other => other,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::json::list;

    #[test]
    fn references_follow_a_renamed_object() {
        let mut objects = vec![
            json!({"kind": "ConfigMap", "metadata": {"name": "c"}}),
            json!({"kind": "Deployment", "metadata": {"name": "d"}, "spec": {"template": {"spec": {"volumes": [{"name": "v", "configMap": {"name": "c"}}]}}}}),
        ];
        rename(&mut objects, "p-", "-s");
        assert_eq!(text(&objects[0], "metadata.name"), "p-c-s");
        let volumes = list(&objects[1], "spec.template.spec.volumes");
        assert_eq!(text(&volumes[0], "configMap.name"), "p-c-s");
    }

    #[test]
    fn the_hash_is_the_stock_clients() {
        let object = json!({"kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"a": "1"}});
        assert_eq!(hash(&object), "m8mt92gg65");
        let object = json!({"kind": "Secret", "metadata": {"name": "x"}, "data": {"a": "MQ=="}});
        assert_eq!(hash(&object), "hbhk6tkb4h");
    }
}
