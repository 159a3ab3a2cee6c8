//! Kustomizations: resources gathered from files and other kustomizations, renamed, labelled,
//! patched. Never fetches a URL and never runs a plugin.
//!
//! The transformers are kustomize's own (5.8); what is not among them is refused by name.

pub(crate) mod names;

use serde_json::{Map, Value, json};

use crate::fail::{Fail, Outcome};
use crate::patching;
use crate::session::Session;
use crate::text::base64;
use crate::text::json::{list, set, text};
use crate::yaml;

const FILES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// The fields that are heeded; any other is refused.
const KNOWN: [&str; 17] = [
    "apiVersion",
    "kind",
    "metadata",
    "resources",
    "bases",
    "components",
    "namePrefix",
    "nameSuffix",
    "namespace",
    "labels",
    "commonLabels",
    "commonAnnotations",
    "images",
    "replicas",
    "patches",
    "patchesStrategicMerge",
    "patchesJson6902",
];

const GENERATORS: [&str; 3] = ["configMapGenerator", "secretGenerator", "generatorOptions"];

/// The objects of a kustomization, in kustomize's order.
pub(crate) fn build(session: &mut Session<'_, '_>, folder: &str) -> Outcome<Vec<Value>> {
    let mut objects = gather(session, folder, 0)?;
    objects.sort_by_key(names::rank);
    Ok(objects)
}

fn gather(session: &mut Session<'_, '_>, folder: &str, depth: usize) -> Outcome<Vec<Value>> {
    if depth > 16 {
        return Err(Fail::message(format!("cycle detected: {folder}")));
    }
    let folder = match folder.trim_end_matches('/') {
        "" => "/",
        folder => folder,
    };
    let kustomization = read(session, folder)?;
    if let Some(other) = kustomization
        .as_object()
        .into_iter()
        .flat_map(Map::keys)
        .find(|key| !KNOWN.contains(&key.as_str()) && !GENERATORS.contains(&key.as_str()))
    {
        return Err(Fail::not_in_lab(&format!("kustomization field {other:?}")));
    }
    let mut objects = Vec::new();
    for field in ["resources", "bases", "components"] {
        for item in list(&kustomization, field) {
            let item = item.as_str().unwrap_or_default();
            objects.extend(resource(session, folder, item, depth)?);
        }
    }
    generate(session, folder, &kustomization, &mut objects)?;
    patch(session, folder, &kustomization, &mut objects)?;
    transform(&kustomization, &mut objects)?;
    Ok(objects)
}

fn read(session: &mut Session<'_, '_>, folder: &str) -> Outcome<Value> {
    if session.io.files.list_dir(folder).is_err() {
        return Err(Fail::message(if session.io.files.read(folder).is_ok() {
            format!("invalid Kustomization directory: '{folder}' is a file")
        } else {
            format!(
                "must build at directory: not a valid directory: evalsymlink failure on '{folder}' : lstat {}: no such file or directory",
                absolute(session, folder)
            )
        }));
    }
    for name in FILES {
        let path = format!("{folder}/{name}");
        if let Ok(content) = session.io.files.read(&path) {
            let text = String::from_utf8_lossy(&content).into_owned();
            let documents = yaml::documents(&text)
                .map_err(|error| Fail::message(format!("invalid Kustomization: {}", error.0)))?;
            return Ok(documents.into_iter().next().unwrap_or(json!({})));
        }
    }
    Err(Fail::message(format!(
        "unable to find one of 'kustomization.yaml', 'kustomization.yml' or 'Kustomization' in directory '{}'",
        absolute(session, folder)
    )))
}

fn absolute(session: &Session<'_, '_>, folder: &str) -> String {
    match session.env("PWD") {
        Some(here) if folder == "." => here,
        Some(here) if !folder.starts_with('/') => format!("{here}/{folder}"),
        _ => folder.to_owned(),
    }
}

/// A resource of a kustomization: another one's folder, or a file of manifests.
fn resource(
    session: &mut Session<'_, '_>,
    folder: &str,
    item: &str,
    depth: usize,
) -> Outcome<Vec<Value>> {
    if item.contains("://") || item.starts_with("github.com") {
        return Err(Fail::not_in_lab("a kustomization's resource from a URL"));
    }
    let path = format!("{folder}/{item}");
    if session.io.files.list_dir(&path).is_ok() {
        return gather(session, &path, depth + 1);
    }
    let content = session.io.files.read(&path).map_err(|_| {
        Fail::message(format!(
            "accumulating resources: accumulation err='accumulating resources from '{item}': open {path}: no such file or directory': must build at directory: not a valid directory: evalsymlink failure on '{path}' : lstat {path}: no such file or directory"
        ))
    })?;
    let text = String::from_utf8_lossy(&content).into_owned();
    let documents = yaml::documents(&text).map_err(|error| {
        Fail::message(format!("accumulating resources from '{item}': {}", error.0))
    })?;
    let mut objects = Vec::new();
    for document in documents {
        if text_of_kind(&document).ends_with("List") && document["items"].is_array() {
            objects.extend(list(&document, "items").to_vec());
        } else if document.is_object() {
            objects.push(document);
        }
    }
    Ok(objects)
}

fn text_of_kind(object: &Value) -> &str {
    text(object, "kind")
}

/// ConfigMaps and Secrets of literals and files, without and with the hash in their names.
fn generate(
    session: &mut Session<'_, '_>,
    folder: &str,
    kustomization: &Value,
    objects: &mut Vec<Value>,
) -> Outcome {
    let options = &kustomization["generatorOptions"];
    for (field, kind) in [
        ("configMapGenerator", "ConfigMap"),
        ("secretGenerator", "Secret"),
    ] {
        for wanted in list(kustomization, field) {
            let mut data = Map::new();
            for literal in list(wanted, "literals") {
                let literal = literal.as_str().unwrap_or_default();
                let (key, value) = literal.split_once('=').ok_or_else(|| {
                    Fail::message(format!(
                        "invalid literal source {literal}, expected key=value"
                    ))
                })?;
                data.insert(key.to_owned(), json!(value.trim_matches(['"', '\''])));
            }
            for file in list(wanted, "files").iter().filter_map(Value::as_str) {
                let (key, path) = file
                    .split_once('=')
                    .unwrap_or((file.rsplit('/').next().unwrap_or(file), file));
                let content = session.io.files.read(&format!("{folder}/{path}")).map_err(|_| {
                    Fail::message(format!("loading KV pairs: file sources: [{file}]: evalsymlink failure on '{folder}/{path}' : lstat {folder}/{path}: no such file or directory"))
                })?;
                data.insert(key.to_owned(), json!(String::from_utf8_lossy(&content)));
            }
            if kind == "Secret" {
                for value in data.values_mut() {
                    *value = json!(base64::encode(
                        value.as_str().unwrap_or_default().as_bytes()
                    ));
                }
            }
            let mut object = json!({"apiVersion": "v1", "data": data, "kind": kind, "metadata": {"name": wanted["name"]}});
            if kind == "Secret" {
                object["type"] = json!(match text(wanted, "type") {
                    "" => "Opaque",
                    own => own,
                });
            }
            if wanted["namespace"].is_string() {
                object["metadata"]["namespace"] = wanted["namespace"].clone();
            }
            for source in [options, &wanted["options"]] {
                for field in ["labels", "annotations"] {
                    for (key, value) in source[field].as_object().into_iter().flatten() {
                        set(&mut object, &["metadata", field, key], value.clone());
                    }
                }
            }
            let plain = |source: &Value| source["disableNameSuffixHash"] == true;
            if !plain(options) && !plain(&wanted["options"]) {
                // The hash is of the object before it is renamed; it is added by `names`.
                let hash = json!(names::hash(&object));
                set(&mut object, &["metadata", "annotations", names::HASH], hash);
            }
            objects.push(object);
        }
    }
    Ok(())
}

fn patch(
    session: &mut Session<'_, '_>,
    folder: &str,
    kustomization: &Value,
    objects: &mut [Value],
) -> Outcome {
    let mut patches: Vec<(Value, Value)> = Vec::new();
    for item in list(kustomization, "patches") {
        patches.extend(read_patch(session, folder, item, &item["target"])?);
    }
    for item in list(kustomization, "patchesJson6902") {
        patches.extend(read_patch(session, folder, item, &item["target"])?);
    }
    for item in list(kustomization, "patchesStrategicMerge") {
        let inline = item.as_str().is_some_and(|item| item.contains('\n'));
        let key = if inline { "patch" } else { "path" };
        patches.extend(read_patch(
            session,
            folder,
            &json!({key: item}),
            &Value::Null,
        )?);
    }
    for (patch, target) in patches {
        let mut found = false;
        for object in objects.iter_mut() {
            let wanted = if target.is_object() {
                names::selects(&target, object)
            } else {
                names::same(&patch, object)
            };
            if !wanted {
                continue;
            }
            found = true;
            *object = if patch.is_array() {
                patching::json_patch(object, &patch).map_err(Fail::message)?
            } else {
                patching::strategic(object, &patch)
            };
        }
        if !found && !target.is_object() {
            return Err(Fail::message(format!(
                "no resource matches strategic merge patch \"{}.{}.{}/{}.[noNs]\": no matches for Id {}.{}.{}/{}.[noNs]; failed to find unique target for patch {}.{}.{}/{}.[noNs]",
                text(&patch, "kind"),
                "v1",
                "[noGrp]",
                text(&patch, "metadata.name"),
                text(&patch, "kind"),
                "v1",
                "[noGrp]",
                text(&patch, "metadata.name"),
                text(&patch, "kind"),
                "v1",
                "[noGrp]",
                text(&patch, "metadata.name"),
            )));
        }
    }
    Ok(())
}

fn read_patch(
    session: &mut Session<'_, '_>,
    folder: &str,
    item: &Value,
    target: &Value,
) -> Outcome<Vec<(Value, Value)>> {
    let source = match (text(item, "patch"), text(item, "path")) {
        ("", path) => {
            let content = session.io.files.read(&format!("{folder}/{path}")).map_err(|_| {
                Fail::message(format!("failed to get the patch file from path({path}): evalsymlink failure on '{folder}/{path}' : lstat {folder}/{path}: no such file or directory"))
            })?;
            String::from_utf8_lossy(&content).into_owned()
        }
        (inline, _) => inline.to_owned(),
    };
    let documents = yaml::documents(&source)
        .map_err(|error| Fail::message(format!("unable to parse patch: {}", error.0)))?;
    Ok(documents
        .into_iter()
        .map(|document| (document, target.clone()))
        .collect())
}

fn transform(kustomization: &Value, objects: &mut [Value]) -> Outcome {
    let namespace = text(kustomization, "namespace");
    if !namespace.is_empty() {
        for object in objects
            .iter_mut()
            .filter(|object| names::is_namespaced(object))
        {
            object["metadata"]["namespace"] = json!(namespace);
        }
    }
    for (key, value) in kustomization["commonLabels"]
        .as_object()
        .into_iter()
        .flatten()
    {
        objects
            .iter_mut()
            .for_each(|object| names::label(object, key, value, true, true));
    }
    for entry in list(kustomization, "labels") {
        let selectors = entry["includeSelectors"] == true;
        let templates = selectors || entry["includeTemplates"] == true;
        for (key, value) in entry["pairs"].as_object().into_iter().flatten() {
            objects
                .iter_mut()
                .for_each(|object| names::label(object, key, value, selectors, templates));
        }
    }
    for (key, value) in kustomization["commonAnnotations"]
        .as_object()
        .into_iter()
        .flatten()
    {
        for object in objects.iter_mut() {
            names::annotate(object, key, value);
        }
    }
    for image in list(kustomization, "images") {
        objects
            .iter_mut()
            .for_each(|object| names::image(object, image));
    }
    for wanted in list(kustomization, "replicas") {
        let mut named = objects.iter_mut().filter(|object| {
            text(object, "metadata.name") == text(wanted, "name")
                && object["spec"]["replicas"].is_number()
                || text(object, "metadata.name") == text(wanted, "name")
                    && names::is_scalable(object)
        });
        match named.next() {
            Some(object) => set(object, &["spec", "replicas"], wanted["count"].clone()),
            None => {
                return Err(Fail::message(format!(
                    "resource with name {} does not match a config with the following GVK [Deployment.[noVer].[noGrp] ReplicationController.[noVer].[noGrp] ReplicaSet.[noVer].[noGrp] StatefulSet.[noVer].[noGrp]]",
                    text(wanted, "name")
                )));
            }
        }
    }
    names::rename(
        objects,
        text(kustomization, "namePrefix"),
        text(kustomization, "nameSuffix"),
    );
    Ok(())
}
