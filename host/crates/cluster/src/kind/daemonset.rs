//! DaemonSets: one pod on every node that fits. Never makes a pod.

use super::deployment::of_containers;
use super::look::{format_labels, format_selector, int, text};
use super::workload::{amount, is_zero, runs_for_ever, selected, selector};
use super::workload_columns::DAEMON_SETS;
use super::{Column, Fields, Findings, Kind, Names, Subresource, age, pod, set_default, workload};
use jiff::Timestamp;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Value, json};

pub(super) struct DaemonSets;

/// Counts the templates a DaemonSet has had.
const GENERATION: &str = "deprecated.daemonset.template.generation";

impl Kind for DaemonSets {
    fn names(&self) -> &'static Names {
        &Names {
            key: "daemonsets.apps",
            plural: "daemonsets",
            singular: "daemonset",
            short: &["ds"],
            kind: "DaemonSet",
            group: "apps",
            version: "v1",
            namespaced: true,
            categories: &["all"],
        }
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<k8s_openapi::api::apps::v1::DaemonSet>()
    }

    fn subresources(&self) -> &'static [Subresource] {
        &[Subresource::STATUS]
    }

    fn columns(&self) -> &'static [Column] {
        DAEMON_SETS
    }

    fn row(&self, object: &Value, now: Timestamp) -> Vec<Value> {
        let count = |at| int(object, at).unwrap_or(0);
        vec![
            text(object, "/metadata/name").into(),
            count("/status/desiredNumberScheduled").into(),
            count("/status/currentNumberScheduled").into(),
            count("/status/numberReady").into(),
            count("/status/updatedNumberScheduled").into(),
            count("/status/numberAvailable").into(),
            format_labels(object, "/spec/template/spec/nodeSelector").into(),
            age::since(text(object, "/metadata/creationTimestamp"), now).into(),
            of_containers(object, "/name").into(),
            of_containers(object, "/image").into(),
            format_selector(object, "/spec/selector").into(),
        ]
    }

    fn default_object(&self, object: &mut Value) {
        set_default(object, "spec", json!({}));
        let spec = &mut object["spec"];
        set_default(spec, "revisionHistoryLimit", 10);
        set_default(spec, "updateStrategy", json!({}));
        let strategy = &mut spec["updateStrategy"];
        set_default(strategy, "type", "RollingUpdate");
        if text(strategy, "/type") == "RollingUpdate" {
            set_default(strategy, "rollingUpdate", json!({}));
            set_default(&mut strategy["rollingUpdate"], "maxSurge", 0);
            set_default(&mut strategy["rollingUpdate"], "maxUnavailable", 1);
        }
        pod::default_template(&mut spec["template"]);
        set_default(object, "status", json!({}));
        for field in [
            "currentNumberScheduled",
            "desiredNumberScheduled",
            "numberMisscheduled",
            "numberReady",
        ] {
            set_default(&mut object["status"], field, 0);
        }
    }

    fn on_create(&self, object: &mut Value) {
        annotate(object, 1);
    }

    fn on_update(&self, new: &mut Value, old: &Value) {
        let before = old["metadata"]["annotations"][GENERATION].as_str();
        let before: i64 = before.and_then(|text| text.parse().ok()).unwrap_or(1);
        let changed = new["spec"]["template"] != old["spec"]["template"];
        annotate(new, before + i64::from(changed));
    }

    fn validate(&self, object: &Value, found: &mut Findings) {
        let spec = &object["spec"];
        selector(spec, "daemonset", found);
        selected(&spec["selector"], &spec["template"], found);
        workload::template(&spec["template"], "spec.template", found);
        runs_for_ever(&spec["template"], "DaemonSet", found);
        found.not_negative("spec.minReadySeconds", &spec["minReadySeconds"]);
        validate_strategy(&spec["updateStrategy"], found);
        found.not_negative("spec.revisionHistoryLimit", &spec["revisionHistoryLimit"]);
    }

    fn validate_update(&self, new: &Value, old: &Value, found: &mut Findings) {
        workload::immutable(new, old, "/spec/selector", found);
    }

    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        super::warnings::of_template(new, old, "spec.template")
    }

    fn fields(&self) -> &'static Fields {
        &Fields {
            honoured: &[
                "spec.{minReadySeconds,revisionHistoryLimit,selector,updateStrategy}",
                "status",
            ],
            parts: &[("spec.template", &pod::TEMPLATE_FIELDS)],
            ..Fields::NONE
        }
    }

    fn counts_generations(&self) -> bool {
        true
    }
}

fn annotate(object: &mut Value, number: i64) {
    if !object["metadata"]["annotations"].is_object() {
        object["metadata"]["annotations"] = json!({});
    }
    object["metadata"]["annotations"][GENERATION] = number.to_string().into();
}

fn validate_strategy(strategy: &Value, found: &mut Findings) {
    let path = "spec.updateStrategy";
    let rolling = &strategy["rollingUpdate"];
    match text(strategy, "/type") {
        "OnDelete" => {}
        "RollingUpdate" => {
            let path = format!("{path}.rollingUpdate");
            let [unavailable, surge] = [&rolling["maxUnavailable"], &rolling["maxSurge"]];
            amount(unavailable, &format!("{path}.maxUnavailable"), found);
            amount(surge, &format!("{path}.maxSurge"), found);
            match (is_zero(unavailable), is_zero(surge)) {
                (false, false) => {
                    let detail = "may not be set when maxUnavailable is non-zero";
                    found.invalid(format!("{path}.maxSurge"), surge, detail);
                }
                (true, true) => {
                    let detail = "cannot be 0 when maxSurge is 0";
                    found.required(format!("{path}.maxUnavailable"), detail);
                }
                _ => {}
            }
        }
        other => found.unsupported(
            format!("{path}.type"),
            other,
            &["RollingUpdate", "OnDelete"],
        ),
    }
}
