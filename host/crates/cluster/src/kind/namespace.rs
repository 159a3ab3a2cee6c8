//! Namespaces: rooms for names. Never empties one; that is the namespace controller's work.

use super::column::NAMESPACES;
use super::look::{text, texts};
use super::{Column, Fields, Findings, Kind, Names, Subresource, age, meta, set_default, words};
use jiff::Timestamp;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Value, json};

pub(super) struct Namespaces;

impl Kind for Namespaces {
    fn names(&self) -> &'static Names {
        &Names {
            key: "namespaces",
            plural: "namespaces",
            singular: "namespace",
            short: &["ns"],
            kind: "Namespace",
            group: "",
            version: "v1",
            namespaced: false,
            categories: &[],
        }
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<k8s_openapi::api::core::v1::Namespace>()
    }

    fn fields(&self) -> &'static Fields {
        &Fields {
            honoured: &["spec.finalizers", "status.phase"],
            inert: &["status.conditions"],
            ..Fields::NONE
        }
    }

    fn verbs(&self) -> &'static [&'static str] {
        &[
            "create", "delete", "get", "list", "patch", "update", "watch",
        ]
    }

    fn subresources(&self) -> &'static [Subresource] {
        &[
            Subresource {
                name: "finalize",
                answers: None,
                verbs: &["update"],
            },
            Subresource::STATUS,
        ]
    }

    fn columns(&self) -> &'static [Column] {
        NAMESPACES
    }

    fn row(&self, object: &Value, now: Timestamp) -> Vec<Value> {
        vec![
            text(object, "/metadata/name").into(),
            text(object, "/status/phase").into(),
            age::since(text(object, "/metadata/creationTimestamp"), now).into(),
        ]
    }

    fn default_object(&self, object: &mut Value) {
        let name = object["metadata"]["name"].clone();
        set_default(&mut object["metadata"], "labels", json!({}));
        object["metadata"]["labels"]["kubernetes.io/metadata.name"] = name;
        // A namespace that is being deleted loses its finalizer for good.
        if object["metadata"].get("deletionTimestamp").is_none() {
            set_default(object, "spec", json!({}));
            set_default(&mut object["spec"], "finalizers", json!(["kubernetes"]));
        }
        set_default(object, "status", json!({}));
        set_default(&mut object["status"], "phase", "Active");
    }

    fn validate(&self, object: &Value, found: &mut Findings) {
        for name in texts(object, "/spec/finalizers") {
            let field = "spec.finalizers";
            found.all_invalid(field, &name.into(), words::qualified_name(name));
            if !name.contains('/') && !meta::STANDARD_FINALIZERS.contains(&name) {
                let detail = "name is neither a standard finalizer name nor is it fully qualified";
                found.invalid(field, &name.into(), detail);
            }
        }
    }

    fn validate_name(&self, name: &str) -> Vec<String> {
        words::dns_label(name)
    }

    fn selectable_fields(&self) -> &'static [&'static str] {
        &["status.phase"]
    }
}
