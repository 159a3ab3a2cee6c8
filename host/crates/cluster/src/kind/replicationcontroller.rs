//! ReplicationControllers: what ReplicaSets were before. Never makes a pod.

use super::deployment::of_containers;
use super::look::{format_labels, int, map, text};
use super::workload::{runs_for_ever, selected};
use super::workload_columns::REPLICATION_CONTROLLERS;
use super::{Column, Fields, Findings, Kind, Names, Subresource, age, pod, set_default, workload};
use jiff::Timestamp;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Value, json};

pub(super) struct ReplicationControllers;

impl Kind for ReplicationControllers {
    fn names(&self) -> &'static Names {
        &Names {
            key: "replicationcontrollers",
            plural: "replicationcontrollers",
            singular: "replicationcontroller",
            short: &["rc"],
            kind: "ReplicationController",
            group: "",
            version: "v1",
            namespaced: true,
            categories: &["all"],
        }
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<k8s_openapi::api::core::v1::ReplicationController>()
    }

    fn subresources(&self) -> &'static [Subresource] {
        &[Subresource::SCALE, Subresource::STATUS]
    }

    fn columns(&self) -> &'static [Column] {
        REPLICATION_CONTROLLERS
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
            format_labels(object, "/spec/selector").into(),
        ]
    }

    fn default_object(&self, object: &mut Value) {
        set_default(object, "spec", json!({}));
        set_default(&mut object["spec"], "replicas", 1);
        // What the template says of its pods is the selector and the labels, unless there are others.
        if let Some(labels) = map(object, "/spec/template/metadata/labels").cloned() {
            for (at, field) in [
                ("/spec/selector", "selector"),
                ("/metadata/labels", "labels"),
            ] {
                if map(object, at).is_none_or(|labels| labels.is_empty()) {
                    let part = at.trim_start_matches('/').split('/').next();
                    object[part.unwrap_or_default()][field] = labels.clone().into();
                }
            }
        }
        if object["spec"]["template"].is_object() {
            pod::default_template(&mut object["spec"]["template"]);
        }
        set_default(object, "status", json!({}));
        set_default(&mut object["status"], "replicas", 0);
    }

    fn validate(&self, object: &Value, found: &mut Findings) {
        let spec = &object["spec"];
        found.not_negative("spec.minReadySeconds", &spec["minReadySeconds"]);
        let labels = spec["selector"].as_object();
        if labels.is_none_or(serde_json::Map::is_empty) {
            found.required("spec.selector", "");
        }
        found.not_negative("spec.replicas", &spec["replicas"]);
        if !spec["template"].is_object() {
            found.required("spec.template", "");
            return;
        }
        selected(
            &json!({"matchLabels": spec["selector"]}),
            &spec["template"],
            found,
        );
        workload::template(&spec["template"], "spec.template", found);
        runs_for_ever(&spec["template"], "ReplicationController", found);
    }

    fn selectable_fields(&self) -> &'static [&'static str] {
        &["status.replicas"]
    }

    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        super::warnings::of_template(new, old, "spec.template")
    }

    fn fields(&self) -> &'static Fields {
        &Fields {
            honoured: &["spec.{minReadySeconds,replicas,selector}", "status"],
            parts: &[("spec.template", &pod::TEMPLATE_FIELDS)],
            ..Fields::NONE
        }
    }

    fn counts_generations(&self) -> bool {
        true
    }
}
