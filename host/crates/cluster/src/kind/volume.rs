//! Volumes and their mounts: defaults and validation. Never reads what they hold.

use super::look::{list, text};
use super::{Findings, items_mut, set_default, words};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Readable by everyone, writable by the owner: 0644.
const MODE: i32 = 0o644;

pub(super) fn default_volume(volume: &mut Value) {
    if volume
        .as_object()
        .is_some_and(|map| map.keys().all(|key| key == "name"))
    {
        volume["emptyDir"] = json!({});
    }
    for source in ["secret", "configMap", "downwardAPI", "projected"] {
        if let Some(source) = volume.get_mut(source) {
            set_default(source, "defaultMode", MODE);
            default_field_references(source);
        }
    }
    if let Some(host) = volume.get_mut("hostPath") {
        set_default(host, "type", "");
    }
    let Some(projected) = volume.get_mut("projected") else {
        return;
    };
    for source in items_mut(projected, "sources") {
        if let Some(token) = source.get_mut("serviceAccountToken") {
            set_default(token, "expirationSeconds", 3_600);
        }
        if let Some(downward) = source.get_mut("downwardAPI") {
            default_field_references(downward);
        }
    }
}

fn default_field_references(source: &mut Value) {
    for item in items_mut(source, "items") {
        if let Some(reference) = item.get_mut("fieldRef") {
            set_default(reference, "apiVersion", "v1");
        }
    }
}

/// What is wrong with a spec's volumes; returns their names.
pub(super) fn validate<'a>(spec: &'a Value, path: &str, found: &mut Findings) -> BTreeSet<&'a str> {
    let mut names = BTreeSet::new();
    for (index, volume) in list(spec, "/volumes").iter().enumerate() {
        let path = format!("{path}.volumes[{index}]");
        let name = text(volume, "/name");
        match name {
            "" => found.required(format!("{path}.name"), ""),
            _ => found.all_invalid(
                &format!("{path}.name"),
                &volume["name"],
                words::dns_label(name),
            ),
        }
        if !name.is_empty() && !names.insert(name) {
            found.duplicate(format!("{path}.name"), &volume["name"]);
        }
        if volume["secret"].is_object() && text(volume, "/secret/secretName").is_empty() {
            found.required(format!("{path}.secret.secretName"), "");
        }
        if volume["configMap"].is_object() && text(volume, "/configMap/name").is_empty() {
            found.required(format!("{path}.configMap.name"), "");
        }
    }
    names
}

pub(super) fn validate_mounts(
    container: &Value,
    path: &str,
    volumes: &BTreeSet<&str>,
    found: &mut Findings,
) {
    let mut paths = BTreeSet::new();
    for (index, mount) in list(container, "/volumeMounts").iter().enumerate() {
        let path = format!("{path}.volumeMounts[{index}]");
        match text(mount, "/name") {
            "" => found.required(format!("{path}.name"), ""),
            name if !volumes.contains(name) => {
                found.not_found(format!("{path}.name"), &mount["name"]);
            }
            _ => {}
        }
        match text(mount, "/mountPath") {
            "" => found.required(format!("{path}.mountPath"), ""),
            at if !paths.insert(at) => {
                found.invalid(
                    format!("{path}.mountPath"),
                    &mount["mountPath"],
                    "must be unique",
                );
            }
            _ => {}
        }
    }
}
