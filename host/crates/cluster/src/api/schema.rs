//! The schemas of the served kinds: from the generated types, with the facts those leave out.
//!
//! Default values, enumerations with their descriptions, patch strategies and what is required
//! were recorded from a Kubernetes 1.36 server
//! (`schema_facts.json`). Made once, on first use. Never changes afterwards.

use crate::kind::{Kind, served};
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

const FACTS: &str = include_str!("schema_facts.json");
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
            generator.subschema_for::<k8s_openapi::api::autoscaling::v1::Scale>(),
            generator
                .subschema_for::<k8s_openapi::apimachinery::pkg::apis::meta::v1::DeleteOptions>(),
            generator.subschema_for::<k8s_openapi::apimachinery::pkg::apis::meta::v1::Status>(),
            generator.subschema_for::<k8s_openapi::apimachinery::pkg::apis::meta::v1::ListMeta>(),
        ] {
            drop(schema);
        }
        let mut definitions = generator.take_definitions(true);
        add_facts(&mut definitions);
        Self { definitions, roots }
    }

    /// The name of a kind's schema.
    pub(super) fn root(&self, kind: &dyn Kind) -> &str {
        self.roots.get(&identity(kind)).map_or("", String::as_str)
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

fn add_facts(definitions: &mut Map<String, Value>) {
    let facts: Map<String, Value> =
        serde_json::from_str(FACTS).expect("the recorded facts are a JSON object");
    for (name, properties) in &facts {
        let Some(Value::Object(definition)) = definitions.get_mut(name) else {
            continue;
        };
        for (property, facts) in properties.as_object().into_iter().flatten() {
            // What the generated types call required although the server does not, or the reverse.
            if property == "$required" {
                definition.insert("required".into(), facts.clone());
                if facts.as_array().is_some_and(Vec::is_empty) {
                    definition.remove("required");
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
        let types = amounts.map(|type_| serde_json::json!({"type": type_}));
        schema.insert("oneOf".into(), types.to_vec().into());
        if name.ends_with("IntOrString") {
            schema.insert("format".into(), "int-or-string".into());
        }
    }
}
