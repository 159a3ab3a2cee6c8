//! ReplicaSets: so many pods of one template. Never makes a pod.

use super::column::REPLICA_SETS;
use super::deployment::{of_containers, validate_selector_and_template};
use super::look::{format_selector, int, text};
use super::{Column, Fields, Findings, Kind, Names, Subresource, age, pod, set_default};
use jiff::Timestamp;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Value, json};

pub(super) struct ReplicaSets;

impl Kind for ReplicaSets {
    fn names(&self) -> &'static Names {
        &Names {
            key: "replicasets.apps",
            plural: "replicasets",
            singular: "replicaset",
            short: &["rs"],
            kind: "ReplicaSet",
            group: "apps",
            version: "v1",
            namespaced: true,
            categories: &["all"],
        }
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<k8s_openapi::api::apps::v1::ReplicaSet>()
    }

    fn subresources(&self) -> &'static [Subresource] {
        &[Subresource::SCALE, Subresource::STATUS]
    }

    fn columns(&self) -> &'static [Column] {
        REPLICA_SETS
    }

    fn row(&self, object: &Value, now: Timestamp) -> Vec<Value> {
        let count = |at| int(object, at).unwrap_or(0);
        vec![
            text(object, "/metadata/name").into(),
            count("/spec/replicas").into(),
            count("/status/replicas").into(),
            count("/status/readyReplicas").into(),
            age::since(text(object, "/metadata/creationTimestamp"), now).into(),
            of_containers(object, "/name").into(),
            of_containers(object, "/image").into(),
            format_selector(object, "/spec/selector").into(),
        ]
    }

    fn default_object(&self, object: &mut Value) {
        set_default(object, "spec", json!({}));
        let spec = &mut object["spec"];
        set_default(spec, "replicas", 1);
        pod::default_template(&mut spec["template"]);
        set_default(object, "status", json!({}));
        set_default(&mut object["status"], "replicas", 0);
    }

    fn validate(&self, object: &Value, found: &mut Findings) {
        let spec = &object["spec"];
        found.not_negative("spec.replicas", &spec["replicas"]);
        found.not_negative("spec.minReadySeconds", &spec["minReadySeconds"]);
        validate_selector_and_template(spec, found);
    }

    fn validate_update(&self, new: &Value, old: &Value, found: &mut Findings) {
        if new["spec"]["selector"] != old["spec"]["selector"] {
            found.invalid(
                "spec.selector",
                &new["spec"]["selector"],
                "field is immutable",
            );
        }
    }

    fn selectable_fields(&self) -> &'static [&'static str] {
        &["status.replicas"]
    }

    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        super::warnings::of_template(new, old, "spec.template")
    }

    fn fields(&self) -> &'static Fields {
        &Fields {
            honoured: &[
                "spec.{replicas,selector,minReadySeconds}",
                "status.{replicas,readyReplicas,availableReplicas,fullyLabeledReplicas}",
                "status.{observedGeneration,terminatingReplicas}",
            ],
            inert: &["status.conditions"],
            parts: &[("spec.template", &pod::TEMPLATE_FIELDS)],
            ..Fields::NONE
        }
    }

    fn counts_generations(&self) -> bool {
        true
    }
}
