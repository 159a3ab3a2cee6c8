//! OpenAPI documents, of version 3 one per group and version, for `kubectl explain` and for validation.
//!
//! Schemas come from the generated types, paths from the kinds. Each is made when it is asked for,
//! once. Never describes what is not served.

use super::discovery::{GIT_VERSION, GROUPS, hash, kinds_of, object, resources};
use super::request::{Request, Response};
use super::schema::{FACTS, MERGE_FACTS, schemas};
use crate::kind::{Kind, served};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// Answers a GET below `/openapi/v3`; `None` when nothing is there.
pub(super) fn answer(request: &Request, rest: &[&str]) -> Option<Response> {
    if rest.is_empty() {
        let entries: Map<String, Value> = documents()
            .iter()
            .map(|(path, document)| {
                let url = format!("/openapi/v3/{path}?hash={}", document.hash);
                (path.clone(), json!({ "serverRelativeURL": url }))
            })
            .collect();
        return Some(Response::json(200, &json!({ "paths": entries })));
    }
    let path = rest.join("/");
    let found = documents().get(&path)?;
    let make = || document(&path, found.group, found.version).to_string();
    let text = found.text.get_or_init(|| make().into_bytes());
    let mut response = Response::of_type(200, "application/json", text.clone());
    response
        .headers
        .push(("etag", format!("\"{}\"", found.hash)));
    // The hash is part of the address, so that the answer holds for ever.
    if request.param("hash") == Some(found.hash.as_str()) {
        response.headers[0].1 = "public, immutable".to_owned();
    }
    Some(response)
}

/// Answers a GET of `/openapi/v2`, which kubectl reads for kinds that version 3 does not have.
///
/// As protobuf it is a document without definitions: a client then leaves validation to the server.
pub(super) fn version_2(request: &Request) -> Response {
    const PROTOBUF: &str = "application/com.github.proto-openapi.spec.v2";
    if request.accept.contains(PROTOBUF) {
        let title = field(1, b"Kubernetes");
        let info = [title, field(2, GIT_VERSION.as_bytes())].concat();
        let document = [field(1, b"2.0"), field(2, &info), field(8, b"")].concat();
        return Response::of_type(200, &format!("{PROTOBUF}.v1.0+protobuf"), document);
    }
    static DOCUMENT: OnceLock<Vec<u8>> = OnceLock::new();
    let bytes = DOCUMENT.get_or_init(|| {
        let mut definitions = components(&served().collect::<Vec<_>>());
        for schema in definitions.values_mut().filter_map(Value::as_object_mut) {
            // Version 2 has no alternatives: amounts and ports are texts there.
            if schema.remove("oneOf").is_some() {
                schema.insert("type".into(), "string".into());
            }
        }
        let document = json!({
            "swagger": "2.0",
            "info": {"title": "Kubernetes", "version": GIT_VERSION},
            "paths": {},
            "definitions": definitions,
        });
        document
            .to_string()
            .replace("#/components/schemas/", "#/definitions/")
            .into_bytes()
    });
    Response::of_type(200, "application/json", bytes.clone())
}

/// A length-delimited protobuf field of fewer than 128 bytes.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).expect("only short texts are encoded here");
    [&[number << 3 | 2, length], content].concat()
}

/// One document: its name is made at once, its text when it is asked for.
#[derive(Debug)]
struct Document {
    group: &'static str,
    version: &'static str,
    hash: String,
    text: OnceLock<Vec<u8>>,
}

/// To be raised when documents change although neither a kind nor a recorded fact does: clients
/// keep a document for ever by its hash.
const FORM: &str = "1";

fn documents() -> &'static BTreeMap<String, Document> {
    static DOCUMENTS: OnceLock<BTreeMap<String, Document>> = OnceLock::new();
    DOCUMENTS.get_or_init(|| {
        let named = GROUPS.into_iter().flat_map(|(group, versions)| {
            let of =
                move |version: &'static str| (format!("apis/{group}/{version}"), group, version);
            versions.iter().copied().map(of)
        });
        let facts = hash([FACTS, MERGE_FACTS].concat().as_bytes());
        let all = std::iter::once(("api/v1".to_owned(), "", "v1")).chain(named);
        all.map(|(path, group, version)| {
            let made_of = resources(group, version);
            let made_of = format!("{FORM} {GIT_VERSION} {facts} {path} {made_of}");
            let document = Document {
                group,
                version,
                hash: hash(made_of.as_bytes()),
                text: OnceLock::new(),
            };
            (path, document)
        })
        .collect()
    })
}

fn document(path: &str, group: &str, version: &str) -> Value {
    let kinds = kinds_of(group, version);
    let mut paths = Map::new();
    for kind in &kinds {
        add_paths(*kind, path, &mut paths);
    }
    json!({
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": "1.36"},
        "paths": paths,
        "components": {"schemas": components(&kinds)},
    })
}

/// The schemas of these kinds, of their lists, and of everything those mention.
fn components(kinds: &[&dyn Kind]) -> Map<String, Value> {
    let all = schemas();
    let mut out = Map::new();
    let mut wanted: Vec<String> = vec![
        "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta".to_owned(),
        "io.k8s.apimachinery.pkg.apis.meta.v1.Status".to_owned(),
        "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions".to_owned(),
    ];
    for kind in kinds {
        wanted.push(all.root(*kind).to_owned());
        if kind.verbs().contains(&"list") {
            wanted.push(format!("{}List", all.root(*kind)));
        }
        let answers = kind.subresources().iter().filter_map(|sub| sub.answers);
        for (group, version, kind) in answers {
            let named = format!("io.k8s.api.{}.{version}.{kind}", short(group));
            wanted.extend((!all.get(&named).is_null()).then_some(named));
        }
    }
    let mut seen: BTreeSet<String> = wanted.iter().cloned().collect();
    while let Some(name) = wanted.pop() {
        let schema = all.get(&name);
        mentions(schema, &mut |mentioned| {
            if seen.insert(mentioned.to_owned()) {
                wanted.push(mentioned.to_owned());
            }
        });
        out.insert(name, schema.clone());
    }
    for kind in served() {
        for suffix in ["", "List"] {
            if let Some(schema) = out.get_mut(&format!("{}{suffix}", all.root(kind))) {
                schema["x-kubernetes-group-version-kind"] = json!([gvk(kind, suffix)]);
            }
        }
    }
    name_options(&mut out, kinds);
    for (group, version, kind) in [
        ("autoscaling", "v1", "Scale"),
        ("authentication.k8s.io", "v1", "TokenRequest"),
        ("policy", "v1", "Eviction"),
    ] {
        if let Some(schema) = out.get_mut(&format!("io.k8s.api.{}.{version}.{kind}", short(group)))
        {
            let gvk = json!([{"group": group, "kind": kind, "version": version}]);
            schema["x-kubernetes-group-version-kind"] = gvk;
        }
    }
    out
}

/// Options and answers are of every group and version that has them.
fn name_options(out: &mut Map<String, Value>, kinds: &[&dyn Kind]) {
    const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1";
    let of = |kind: &str, (group, version): (&str, &str)| json!({"group": group, "kind": kind, "version": version});
    let own = kinds
        .iter()
        .map(|kind| (kind.names().group, kind.names().version));
    let versions: BTreeSet<(&str, &str)> = std::iter::once(("", "v1")).chain(own).collect();
    if let Some(options) = out.get_mut(&format!("{META}.DeleteOptions")) {
        let all = versions
            .into_iter()
            .map(|version| of("DeleteOptions", version));
        options["x-kubernetes-group-version-kind"] = all.collect();
    }
    if let Some(status) = out.get_mut(&format!("{META}.Status")) {
        status["x-kubernetes-group-version-kind"] = json!([of("Status", ("", "v1"))]);
    }
}

/// The part of a group's name that the names of its types have.
fn short(group: &str) -> &str {
    match group.split('.').next() {
        None | Some("") => "core",
        Some(first) => first,
    }
}

fn mentions(value: &Value, tell: &mut impl FnMut(&str)) {
    match value {
        Value::Object(fields) => {
            if let Some(name) = fields.get("$ref").and_then(Value::as_str) {
                tell(name.rsplit('/').next().unwrap_or(name));
            }
            fields.values().for_each(|value| mentions(value, tell));
        }
        Value::Array(items) => items.iter().for_each(|value| mentions(value, tell)),
        _ => {}
    }
}

fn gvk(kind: &dyn Kind, suffix: &str) -> Value {
    let names = kind.names();
    json!({
        "group": names.group, "version": names.version, "kind": format!("{}{suffix}", names.kind),
    })
}

fn add_paths(kind: &dyn Kind, prefix: &str, paths: &mut Map<String, Value>) {
    let plural = kind.names().plural;
    let namespaced = kind.names().namespaced;
    let base = match namespaced {
        true => format!("/{prefix}/namespaces/{{namespace}}/{plural}"),
        false => format!("/{prefix}/{plural}"),
    };
    if namespaced {
        let list = object([("get", operation(kind, "list"))]);
        paths.insert(format!("/{prefix}/{plural}"), list.into());
    }
    let verbs = kind.verbs();
    let methods = |pairs: &[(&str, &str, &str)]| -> Value {
        let known = pairs.iter().filter(|(_, _, verb)| verbs.contains(verb));
        known
            .map(|(method, action, _)| ((*method).to_owned(), operation(kind, action)))
            .collect::<Map<_, _>>()
            .into()
    };
    let collection = methods(&[
        ("get", "list", "list"),
        ("post", "post", "create"),
        ("delete", "deletecollection", "deletecollection"),
    ]);
    let item = methods(&[
        ("get", "get", "get"),
        ("put", "put", "update"),
        ("patch", "patch", "patch"),
        ("delete", "delete", "delete"),
    ]);
    paths.insert(format!("{base}/{{name}}"), item);
    paths.insert(base, collection);
}

/// One operation, with the parameters that kubectl looks for.
fn operation(kind: &dyn Kind, action: &str) -> Value {
    let name = schemas().root(kind);
    let schema = json!({"schema": {"$ref": format!("#/components/schemas/{name}")}});
    let parameters: &[&str] = match action {
        "post" | "put" => &["dryRun", "fieldManager", "fieldValidation"],
        "patch" => &["dryRun", "fieldManager", "fieldValidation", "force"],
        "delete" | "deletecollection" => &["dryRun", "gracePeriodSeconds", "propagationPolicy"],
        "list" => &[
            "continue",
            "fieldSelector",
            "labelSelector",
            "limit",
            "resourceVersion",
            "watch",
        ],
        _ => &[],
    };
    let parameter = |name: &&str| json!({"name": name, "in": "query", "schema": {"type": "string", "uniqueItems": true}});
    let mut operation = json!({
        "description": format!("{action} {}", kind.names().kind),
        "parameters": parameters.iter().map(parameter).collect::<Vec<_>>(),
        "responses": {"200": {"description": "OK", "content": {"application/json": schema}}},
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": gvk(kind, ""),
    });
    if matches!(action, "post" | "put") {
        operation["requestBody"] = json!({"content": {"*/*": schema}, "required": true});
    }
    operation
}
