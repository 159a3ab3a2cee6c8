//! What a field is for merging: a scalar, a struct, a map or a list, and whether it is one piece.
//!
//! Read from the same schema facts as the strategic merge's keys (`x-kubernetes-list-type`,
//! `-list-map-keys`, `-map-type`), so that both merges know one table. Never reads objects.

use super::path::{Scalar, Step};
use crate::api::schema::{Schemas, reference};
use serde_json::{Map, Value, json};

/// Types that are owned in one piece wherever they stand: `x-kubernetes-map-type: atomic` on the
/// definitions of a Kubernetes 1.36 server.
const ATOMIC: [&str; 21] = [
    "ConfigMapKeySelector",
    "CrossVersionObjectReference",
    "EndpointAddress",
    "EndpointPort",
    "FileKeySelector",
    "LabelSelector",
    "LocalObjectReference",
    "NodeSelector",
    "NodeSelectorTerm",
    "ObjectFieldSelector",
    "ObjectReference",
    "OwnerReference",
    "ResourceFieldSelector",
    "RoleRef",
    "ScopeSelector",
    "SecretKeySelector",
    "SecretReference",
    "ServiceBackendPort",
    "Subject",
    "TopologySelectorTerm",
    "TypedLocalObjectReference",
];

/// References that are written as a text or a number.
const SCALARS: [&str; 7] = [
    "IntOrString",
    "Quantity",
    "Time",
    "MicroTime",
    "JSON",
    "RawExtension",
    "FieldsV1",
];

/// Structs that Go keeps by value: they are there even when nothing is in them, so nobody owns
/// them by themselves.
const BY_VALUE: [(&str, &str); 21] = [
    ("DeploymentSpec", "template"),
    ("DeploymentSpec", "strategy"),
    ("ReplicaSetSpec", "template"),
    ("StatefulSetSpec", "template"),
    ("StatefulSetSpec", "updateStrategy"),
    ("DaemonSetSpec", "template"),
    ("DaemonSetSpec", "updateStrategy"),
    ("JobSpec", "template"),
    ("CronJobSpec", "jobTemplate"),
    ("JobTemplateSpec", "metadata"),
    ("JobTemplateSpec", "spec"),
    ("PodTemplateSpec", "metadata"),
    ("PodTemplateSpec", "spec"),
    ("PodTemplate", "template"),
    ("PersistentVolumeClaimSpec", "resources"),
    ("ServiceStatus", "loadBalancer"),
    ("IngressStatus", "loadBalancer"),
    ("NodeStatus", "nodeInfo"),
    ("NodeStatus", "daemonEndpoints"),
    ("Event", "source"),
    ("Event", "involvedObject"),
];

/// How the elements of a list are told apart.
#[derive(Clone, Debug)]
pub(super) enum Elements<'a> {
    /// The list is one piece.
    Atomic,
    /// Every element is its own name.
    Set,
    /// These fields name an element.
    Keys(Vec<&'a str>),
}

/// What a field is.
#[derive(Clone, Debug)]
pub(super) enum Type<'a> {
    /// A leaf, and what JSON it is (`string`, `integer`, …; empty when anything goes).
    Scalar(&'a str),
    /// Named fields; the name of the schema, and whether it is one piece.
    Struct(&'a str, bool),
    /// Entries of one type, and whether they are one piece.
    Map(&'a Value, bool),
    /// Elements of one type.
    List(&'a Value, Elements<'a>),
}

/// What this schema says.
pub(super) fn type_of<'a>(schemas: &'a Schemas, schema: &'a Value) -> Type<'a> {
    let atomic = schema["x-kubernetes-map-type"] == "atomic";
    if let Some(name) = reference(schema) {
        return named(schemas, name, atomic);
    }
    match schema["type"].as_str().unwrap_or_default() {
        "array" => Type::List(&schema["items"], elements(schema)),
        "object" if schema.get("additionalProperties").is_some() => {
            Type::Map(&schema["additionalProperties"], atomic)
        }
        other => Type::Scalar(other),
    }
}

/// What the schema of this name says.
pub(super) fn named<'a>(schemas: &'a Schemas, name: &'a str, atomic: bool) -> Type<'a> {
    let short = short_name(name);
    let definition = schemas.get(name);
    if SCALARS.contains(&short) {
        return Type::Scalar("");
    }
    if definition.get("properties").is_some() {
        let whole = atomic || ATOMIC.contains(&short);
        return Type::Struct(name, whole);
    }
    match definition["type"].as_str().unwrap_or_default() {
        "object" | "" => Type::Scalar(""),
        _ => type_of(schemas, definition),
    }
}

fn elements(schema: &Value) -> Elements<'_> {
    match schema["x-kubernetes-list-type"].as_str() {
        Some("set") => Elements::Set,
        Some("map") => {
            let keys = schema["x-kubernetes-list-map-keys"].as_array();
            let mut keys: Vec<&str> = keys
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            keys.sort_unstable();
            Elements::Keys(keys)
        }
        _ => Elements::Atomic,
    }
}

/// The step to an element; `None` when it cannot be told apart.
pub(super) fn step_to(
    schemas: &Schemas,
    items: &Value,
    elements: &Elements<'_>,
    element: &Value,
) -> Option<Step> {
    match elements {
        Elements::Atomic => None,
        Elements::Set => Some(Step::Value(Scalar::of(element))),
        Elements::Keys(keys) => {
            let type_ = reference(items).unwrap_or_default();
            let default = |key: &str| {
                schemas
                    .property(type_, key)
                    .and_then(|schema| schema.get("default"))
            };
            let fields = element.as_object()?;
            let pairs = keys.iter().filter_map(|key| {
                let value = fields.get(*key).filter(|value| !value.is_null());
                Some((
                    (*key).to_owned(),
                    Scalar::of(value.or_else(|| default(key))?),
                ))
            });
            let pairs: Vec<_> = pairs.collect();
            (!pairs.is_empty()).then_some(Step::Key(pairs))
        }
    }
}

/// What is there in an object of this schema before anything is set: the structs Go keeps by
/// value, and lists that are always written.
pub(super) fn skeleton(schemas: &Schemas, root: &str) -> Value {
    let mut out = Map::new();
    let properties = schemas.get(root)["properties"].as_object();
    for (field, schema) in properties.into_iter().flatten() {
        if matches!(field.as_str(), "metadata" | "spec" | "status")
            && let Some(name) = reference(schema)
        {
            out.insert(field.clone(), inside(schemas, name));
        } else if BY_VALUE.contains(&(short_name(root), field)) {
            out.insert(field.clone(), json!({}));
        }
    }
    out.into()
}

fn inside(schemas: &Schemas, name: &str) -> Value {
    let short = short_name(name);
    let mut out = Map::new();
    if short == "PodSpec" {
        out.insert("containers".to_owned(), Value::Null);
    }
    for (_, field) in BY_VALUE.iter().filter(|(owner, _)| *owner == short) {
        let below = schemas
            .property(name, field)
            .and_then(reference)
            .map_or_else(|| json!({}), |name| inside(schemas, name));
        out.insert((*field).to_owned(), below);
    }
    out.into()
}

/// Adds to `value` what of the skeleton it has not.
pub(super) fn fill(value: &mut Value, skeleton: &Value) {
    let (Value::Object(fields), Value::Object(wanted)) = (value, skeleton) else {
        return;
    };
    for (field, skeleton) in wanted {
        match fields.get_mut(field) {
            Some(own) => fill(own, skeleton),
            None => {
                fields.insert(field.clone(), skeleton.clone());
            }
        }
    }
}

fn short_name(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}
