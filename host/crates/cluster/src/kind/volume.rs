//! Volumes and their mounts: defaults and validation. Never reads what they hold.

use super::look::{list, text};
use super::{Findings, container_rules, items_mut, set_default, words};
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

/// What a volume may be, in the order Kubernetes looks.
const SOURCES: [&str; 30] = [
    "emptyDir",
    "hostPath",
    "gitRepo",
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "secret",
    "nfs",
    "iscsi",
    "glusterfs",
    "flocker",
    "persistentVolumeClaim",
    "rbd",
    "cinder",
    "cephfs",
    "quobyte",
    "downwardAPI",
    "fc",
    "flexVolume",
    "configMap",
    "azureFile",
    "vsphereVolume",
    "photonPersistentDisk",
    "portworxVolume",
    "azureDisk",
    "storageos",
    "projected",
    "scaleIO",
    "csi",
    "ephemeral",
    "image",
];
const HOST_PATH_TYPES: [&str; 8] = [
    "",
    "BlockDevice",
    "CharDevice",
    "Directory",
    "DirectoryOrCreate",
    "File",
    "FileOrCreate",
    "Socket",
];
const VOLUME_FIELDS: [&str; 5] = [
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
];
const BAD_MODE: &str = "must be a number between 0 and 0777 (octal), both inclusive";

/// What is wrong with a spec's volumes; returns the names of the good ones.
pub(super) fn validate<'a>(spec: &'a Value, path: &str, found: &mut Findings) -> BTreeSet<&'a str> {
    let mut names = BTreeSet::new();
    for (index, volume) in list(spec, "/volumes").iter().enumerate() {
        let path = format!("{path}.volumes[{index}]");
        let before = found.0.len();
        validate_source(volume, &path, found);
        let name = text(volume, "/name");
        let field = format!("{path}.name");
        match name {
            "" => found.required(field.as_str(), ""),
            _ => found.all_invalid(&field, &name.into(), words::dns_label(name)),
        }
        if names.contains(name) {
            found.duplicate(field, &name.into());
        }
        if found.0.len() == before {
            names.insert(name);
        }
    }
    names
}

fn validate_source(volume: &Value, path: &str, found: &mut Findings) {
    let given = SOURCES.into_iter().filter(|name| volume[*name].is_object());
    for (index, name) in given.enumerate() {
        let path = format!("{path}.{name}");
        if index > 0 {
            found.forbidden(path, "may not specify more than 1 volume type");
        } else {
            validate_one(name, &volume[name], &path, found);
        }
    }
}

fn validate_one(name: &str, source: &Value, path: &str, found: &mut Findings) {
    let mode = &source["defaultMode"];
    let required = |field: &str, found: &mut Findings| {
        if text(source, &format!("/{field}")).is_empty() {
            found.required(format!("{path}.{field}"), "");
        }
    };
    match name {
        "secret" => {
            required("secretName", found);
            validate_mode(mode, &format!("{path}.defaultMode"), found);
            validate_items(source, path, found);
        }
        "configMap" => {
            required("name", found);
            validate_mode(mode, &format!("{path}.defaultMode"), found);
            validate_items(source, path, found);
        }
        "downwardAPI" => {
            validate_mode(mode, &format!("{path}.defaultMode"), found);
            for file in list(source, "/items") {
                validate_file(file, path, found);
            }
        }
        "projected" => validate_projected(source, path, found),
        "hostPath" => {
            required("path", found);
            let at = text(source, "/path");
            if at.split('/').any(|part| part == "..") {
                found.invalid(format!("{path}.path"), &at.into(), "must not contain '..'");
            }
            let field = format!("{path}.type");
            found.one_of(&field, &source["type"], &HOST_PATH_TYPES);
        }
        "persistentVolumeClaim" => required("claimName", found),
        "nfs" => {
            required("server", found);
            required("path", found);
            let at = text(source, "/path");
            if !at.starts_with('/') {
                let field = format!("{path}.path");
                found.invalid(field, &at.into(), "must be an absolute path");
            }
        }
        "csi" => required("driver", found),
        "image" => {
            required("reference", found);
            let policies = ["Always", "IfNotPresent", "Never"];
            let field = format!("{path}.pullPolicy");
            found.one_of(&field, &source["pullPolicy"], &policies);
        }
        _ => {}
    }
}

fn validate_mode(mode: &Value, field: &str, found: &mut Findings) {
    if mode
        .as_i64()
        .is_some_and(|mode| !(0..=0o777).contains(&mode))
    {
        found.invalid(field, mode, BAD_MODE);
    }
}

fn validate_items(source: &Value, path: &str, found: &mut Findings) {
    for (index, item) in list(source, "/items").iter().enumerate() {
        let path = format!("{path}.items[{index}]");
        if text(item, "/key").is_empty() {
            found.required(format!("{path}.key"), "");
        }
        validate_path(item, &path, found);
        validate_mode(&item["mode"], &format!("{path}.mode"), found);
    }
}

fn validate_path(item: &Value, path: &str, found: &mut Findings) {
    let at = text(item, "/path");
    let field = format!("{path}.path");
    if at.is_empty() {
        found.required(field.as_str(), "");
    }
    found.all_invalid(&field, &at.into(), words::local_path(at));
    if at.starts_with("..") && !at.starts_with("../") && at != ".." {
        found.invalid(field, &at.into(), "must not start with '..'");
    }
}

fn validate_file(file: &Value, path: &str, found: &mut Findings) {
    validate_path(file, path, found);
    let field = &file["fieldRef"];
    let resource = &file["resourceFieldRef"];
    if field.is_object() {
        container_rules::validate_field(field, &VOLUME_FIELDS, &format!("{path}.fieldRef"), found);
        if resource.is_object() {
            let detail = "fieldRef and resourceFieldRef can not be specified simultaneously";
            found.invalid(path, &"resource".into(), detail);
        }
    } else if resource.is_object() {
        let path = format!("{path}.resourceFieldRef");
        container_rules::validate_resource_field(resource, true, &path, found);
    } else {
        found.required(path, "one of fieldRef and resourceFieldRef is required");
    }
    validate_mode(&file["mode"], &format!("{path}.mode"), found);
}

fn validate_projected(source: &Value, path: &str, found: &mut Findings) {
    let mut paths = BTreeSet::new();
    validate_mode(
        &source["defaultMode"],
        &format!("{path}.defaultMode"),
        found,
    );
    for (index, source) in list(source, "/sources").iter().enumerate() {
        let at = format!("{path}.sources[{index}]");
        for kind in ["secret", "configMap"] {
            let object = &source[kind];
            if !object.is_object() {
                continue;
            }
            let field = format!("{at}.{kind}");
            if text(object, "/name").is_empty() {
                found.required(format!("{field}.name"), "");
            }
            validate_items(object, &field, found);
            for item in list(object, "/items") {
                if !text(item, "/path").is_empty() && !paths.insert(text(item, "/path")) {
                    let detail = "conflicting duplicate paths";
                    found.invalid(path, &text(object, "/name").into(), detail);
                }
            }
        }
        for file in list(source, "/downwardAPI/items") {
            validate_file(file, &format!("{at}.downwardAPI"), found);
            let own = text(file, "/path");
            if !own.is_empty() && !paths.insert(own) {
                found.invalid(path, &own.into(), "conflicting duplicate paths");
            }
        }
        let token = &source["serviceAccountToken"];
        if token.is_object() {
            validate_token(token, &format!("{at}.serviceAccountToken"), found);
        }
    }
}

fn validate_token(token: &Value, path: &str, found: &mut Findings) {
    let seconds = &token["expirationSeconds"];
    let field = format!("{path}.expirationSeconds");
    if seconds.as_i64().is_some_and(|seconds| seconds < 600) {
        let detail = "may not specify a duration less than 10 minutes";
        found.invalid(field.as_str(), seconds, detail);
    }
    if seconds.as_i64().is_some_and(|seconds| seconds > 1 << 32) {
        let detail = "may not specify a duration larger than 2^32 seconds";
        found.invalid(field, seconds, detail);
    }
    validate_path(token, path, found);
}

/// What is wrong with where a container wants its volumes.
pub(super) fn validate_mounts(
    container: &Value,
    path: &str,
    volumes: &BTreeSet<&str>,
    found: &mut Findings,
) {
    let list_path = format!("{path}.volumeMounts");
    let mut paths = BTreeSet::new();
    for (index, mount) in list(container, "/volumeMounts").iter().enumerate() {
        let path = format!("{list_path}[{index}]");
        let (name, at) = (text(mount, "/name"), text(mount, "/mountPath"));
        if name.is_empty() {
            found.required(format!("{path}.name"), "");
        }
        if !volumes.contains(name) {
            found.not_found(format!("{path}.name"), &name.into());
        }
        if at.is_empty() {
            found.required(format!("{path}.mountPath"), "");
        }
        if !paths.insert(at) {
            found.invalid(format!("{path}.mountPath"), &at.into(), "must be unique");
        }
        let (below, expression) = (text(mount, "/subPath"), text(mount, "/subPathExpr"));
        if !below.is_empty() && !expression.is_empty() {
            let detail = "subPathExpr and subPath are mutually exclusive";
            found.invalid(format!("{path}.subPathExpr"), &expression.into(), detail);
        }
        // Kubernetes names the list and not the element.
        for (field, value) in [("subPath", below), ("subPathExpr", expression)] {
            let field = format!("{list_path}.{field}");
            found.all_invalid(&field, &value.into(), words::local_path(value));
        }
        let modes = ["Bidirectional", "HostToContainer", "None"];
        let field = format!("{list_path}.mountPropagation");
        found.one_of(&field, &mount["mountPropagation"], &modes);
    }
}
