//! The schemas of the served kinds: from the generated types, with the facts those leave out.
//!
//! Default values, enumerations with their descriptions, patch strategies and what is required
//! were recorded from a Kubernetes 1.36 server
//! (`schema_facts.json`). Made once, on first use. Never changes afterwards.

use crate::kind::{Kind, served};
use k8s_openapi::apimachinery::pkg::apis::meta::v1 as meta;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

/// The recorded facts, as text.
pub(super) const FACTS: &str = include_str!("schema_facts.json");
/// How lists and maps of the other types are merged and owned.
pub(super) const MERGE_FACTS: &str = include_str!("merge_facts.json");
const PREFIX: &str = "#/components/schemas/";

/// Every schema by its full name, such as `io.k8s.api.core.v1.Pod`.
#[derive(Debug)]
pub(super) struct Schemas {
    definitions: Map<String, Value>,
    roots: BTreeMap<(String, String), String>,
}

/// The schemas of all served kinds.
pub(super) fn schemas() -> &'static Schemas {
    static SCHEMAS: OnceLock<Schemas> = OnceLock::new();
    SCHEMAS.get_or_init(Schemas::generate)
}

impl Schemas {
    fn generate() -> Self {
        let mut generator = SchemaSettings::openapi3().into_generator();
        let mut roots = BTreeMap::new();
        for kind in served() {
            let schema = kind.schema(&mut generator).to_value();
            let name = reference(&schema).unwrap_or_default().to_owned();
            roots.insert(identity(kind), name);
        }
        for schema in [
            generator.subschema_for::<k8s_openapi::api::authentication::v1::TokenRequest>(),
            generator.subschema_for::<k8s_openapi::api::autoscaling::v1::Scale>(),
            generator.subschema_for::<k8s_openapi::api::policy::v1::Eviction>(),
            generator.subschema_for::<meta::DeleteOptions>(),
            generator.subschema_for::<meta::Status>(),
            generator.subschema_for::<meta::ListMeta>(),
        ] {
            drop(schema);
        }
        let mut definitions = generator.take_definitions(true);
        for kind in served().filter(|kind| kind.verbs().contains(&"list")) {
            let item = &roots[&identity(kind)];
            definitions.insert(format!("{item}List"), list_schema(kind, item));
        }
        add_facts(&mut definitions);
        Self { definitions, roots }
    }

    /// The name of a kind's schema.
    pub(super) fn root(&self, kind: &dyn Kind) -> &str {
        self.roots.get(&identity(kind)).map_or("", String::as_str)
    }

    /// The name of the schema of objects with this `apiVersion` and `kind`.
    pub(super) fn named(&self, version: &str, kind: &str) -> Option<&str> {
        match (version, kind) {
            ("authentication.k8s.io/v1", "TokenRequest") => {
                Some("io.k8s.api.authentication.v1.TokenRequest")
            }
            ("autoscaling/v1", "Scale") => Some("io.k8s.api.autoscaling.v1.Scale"),
            ("policy/v1", "Eviction") => Some("io.k8s.api.policy.v1.Eviction"),
            _ => {
                let key = (version.to_owned(), kind.to_owned());
                self.roots.get(&key).map(String::as_str)
            }
        }
    }

    /// The schema of this name, or an empty one.
    pub(super) fn get(&self, name: &str) -> &Value {
        self.definitions.get(name).unwrap_or(&Value::Null)
    }

    /// The names of the properties of the schema of this name.
    pub(super) fn properties(&self, name: &str) -> impl Iterator<Item = &str> {
        let all = self.get(name).get("properties").and_then(Value::as_object);
        all.into_iter().flatten().map(|(name, _)| name.as_str())
    }

    /// The path of every field of a kind that has no fields of its own, in alphabetical order;
    /// a type within itself ends a path.
    pub(super) fn leaves(&self, kind: &dyn Kind) -> BTreeSet<String> {
        let mut leaves = BTreeSet::new();
        self.collect_leaves(self.root(kind), "", &mut Vec::new(), &mut leaves);
        leaves
    }

    fn collect_leaves<'a>(
        &'a self,
        name: &'a str,
        path: &str,
        within: &mut Vec<&'a str>,
        leaves: &mut BTreeSet<String>,
    ) {
        let fields = self.get(name).get("properties").and_then(Value::as_object);
        let Some(fields) = fields.filter(|_| !within.contains(&name)) else {
            leaves.insert(path.to_owned());
            return;
        };
        within.push(name);
        for (field, schema) in fields {
            let mut path = match path {
                "" => field.clone(),
                _ => format!("{path}.{field}"),
            };
            let mut schema = schema;
            if schema["type"] == "array" {
                path.push_str("[]");
                schema = &schema["items"];
            } else if let Some(values) = schema.get("additionalProperties") {
                path.push_str("[*]");
                schema = values;
            }
            match reference(schema) {
                Some(name) => self.collect_leaves(name, &path, within, leaves),
                None => drop(leaves.insert(path)),
            }
        }
        within.pop();
    }

    /// The property of the schema of this name.
    pub(super) fn property(&self, name: &str, property: &str) -> Option<&Value> {
        self.get(name).get("properties")?.get(property)
    }
}

fn identity(kind: &dyn Kind) -> (String, String) {
    let names = kind.names();
    (names.api_version(), names.kind.to_owned())
}

/// The name of the schema that this one refers to.
pub(super) fn reference(schema: &Value) -> Option<&str> {
    let direct = schema
        .get("$ref")
        .or_else(|| schema.pointer("/allOf/0/$ref"));
    direct?.as_str()?.strip_prefix(PREFIX)
}

/// The schema of a list of these objects, in the words that most of them share.
fn list_schema(kind: &dyn Kind, item: &str) -> Value {
    const VERSION: &str = "APIVersion defines the versioned schema of this representation of an object. Servers should convert recognized schemas to the latest internal value, and may reject unrecognized values. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#resources";
    const KIND: &str = "Kind is a string value representing the REST resource this object represents. Servers may infer this from the endpoint the client submits requests to. Cannot be updated. In CamelCase. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds";
    const META: &str = "Standard list metadata. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#types-kinds";
    let names = kind.names();
    let meta = format!("{PREFIX}io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta");
    json!({
        "description": format!("{}List is a list of {} objects.", names.kind, names.kind),
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": {"description": VERSION, "type": "string"},
            "kind": {"description": KIND, "type": "string"},
            "metadata": {"description": META, "allOf": [{"$ref": meta}], "default": {}},
            "items": {"type": "array", "items": {"$ref": format!("{PREFIX}{item}")}},
        },
    })
}

fn add_facts(definitions: &mut Map<String, Value>) {
    let facts = [FACTS, MERGE_FACTS].into_iter().flat_map(|text| {
        let facts: Map<String, Value> =
            serde_json::from_str(text).expect("the recorded facts are a JSON object");
        facts
    });
    for (name, properties) in &facts.collect::<Vec<_>>() {
        let Some(Value::Object(definition)) = definitions.get_mut(name) else {
            continue;
        };
        for (property, facts) in properties.as_object().into_iter().flatten() {
            // A fact about the type itself, such as what is required although the generated types
            // do not know it; one that is empty is none.
            if let Some(fact) = property.strip_prefix('$') {
                definition.insert(fact.to_owned(), facts.clone());
                if facts.as_array().is_some_and(Vec::is_empty) {
                    definition.remove(fact);
                }
                continue;
            }
            let at = definition
                .get_mut("properties")
                .and_then(|p| p.get_mut(property));
            let Some(Value::Object(schema)) = at else {
                continue;
            };
            for (fact, value) in facts.as_object().into_iter().flatten() {
                schema.insert(fact.clone(), value.clone());
            }
        }
    }
    for (name, amounts) in [
        (
            "io.k8s.apimachinery.pkg.util.intstr.IntOrString",
            ["integer", "string"],
        ),
        (
            "io.k8s.apimachinery.pkg.api.resource.Quantity",
            ["string", "number"],
        ),
    ] {
        let Some(Value::Object(schema)) = definitions.get_mut(name) else {
            continue;
        };
        schema.remove("x-kubernetes-int-or-string");
        let types = amounts.map(|type_| json!({"type": type_}));
        schema.insert("oneOf".into(), types.to_vec().into());
        if name.ends_with("IntOrString") {
            schema.insert("format".into(), "int-or-string".into());
        }
    }
}
