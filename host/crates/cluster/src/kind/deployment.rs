//! Deployments: so many pods of one template, replaced gradually. Never makes a ReplicaSet.

use super::column::DEPLOYMENTS;
use super::look::{format_selector, int, list, text};
use super::{Column, Fields, Findings, Kind, Names, Subresource, age, meta, pod, set_default};
use jiff::Timestamp;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Value, json};

pub(super) struct Deployments;

impl Kind for Deployments {
    fn names(&self) -> &'static Names {
        &Names {
            key: "deployments.apps",
            plural: "deployments",
            singular: "deployment",
            short: &["deploy"],
            kind: "Deployment",
            group: "apps",
            version: "v1",
            namespaced: true,
            categories: &["all"],
        }
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<k8s_openapi::api::apps::v1::Deployment>()
    }

    fn subresources(&self) -> &'static [Subresource] {
        &[Subresource::SCALE, Subresource::STATUS]
    }

    fn columns(&self) -> &'static [Column] {
        DEPLOYMENTS
    }

    fn row(&self, object: &Value, now: Timestamp) -> Vec<Value> {
        let count = |at| int(object, at).unwrap_or(0);
        vec![
            text(object, "/metadata/name").into(),
            format!(
                "{}/{}",
                count("/status/readyReplicas"),
                count("/spec/replicas")
            )
            .into(),
            count("/status/updatedReplicas").into(),
            count("/status/availableReplicas").into(),
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
        set_default(spec, "revisionHistoryLimit", 10);
        set_default(spec, "progressDeadlineSeconds", 600);
        set_default(spec, "strategy", json!({}));
        let strategy = &mut spec["strategy"];
        set_default(strategy, "type", "RollingUpdate");
        if text(strategy, "/type") == "RollingUpdate" {
            set_default(strategy, "rollingUpdate", json!({}));
            set_default(&mut strategy["rollingUpdate"], "maxSurge", "25%");
            set_default(&mut strategy["rollingUpdate"], "maxUnavailable", "25%");
        }
        pod::default_template(&mut spec["template"]);
        set_default(object, "status", json!({}));
    }

    fn validate(&self, object: &Value, found: &mut Findings) {
        let spec = &object["spec"];
        found.not_negative("spec.replicas", &spec["replicas"]);
        validate_selector_and_template(spec, found);
        validate_strategy(&spec["strategy"], found);
        for field in [
            "minReadySeconds",
            "revisionHistoryLimit",
            "progressDeadlineSeconds",
        ] {
            found.not_negative(&format!("spec.{field}"), &spec[field]);
        }
        let deadline = int(spec, "/progressDeadlineSeconds");
        if deadline.is_some_and(|deadline| deadline <= int(spec, "/minReadySeconds").unwrap_or(0)) {
            let value = &spec["progressDeadlineSeconds"];
            let detail = "must be greater than minReadySeconds";
            found.invalid("spec.progressDeadlineSeconds", value, detail);
        }
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

    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        super::warnings::of_template(new, old, "spec.template")
    }

    fn fields(&self) -> &'static Fields {
        &Fields {
            honoured: &[
                "spec.{replicas,selector,strategy,paused}",
                "spec.{minReadySeconds,progressDeadlineSeconds,revisionHistoryLimit}",
                "status",
            ],
            parts: &[("spec.template", &pod::TEMPLATE_FIELDS)],
            ..Fields::NONE
        }
    }

    fn counts_generations(&self) -> bool {
        true
    }

    fn generation_counts_annotations(&self) -> bool {
        true
    }
}

/// One property of every container of the template, joined by commas.
pub(super) fn of_containers(object: &Value, property: &str) -> String {
    let containers = list(object, "/spec/template/spec/containers");
    containers
        .iter()
        .map(|container| text(container, property))
        .collect::<Vec<_>>()
        .join(",")
}

/// What is wrong with a selector and the template it has to match.
pub(super) fn validate_selector_and_template(spec: &Value, found: &mut Findings) {
    let selector = &spec["selector"];
    let empty = |field: &str| match &selector[field] {
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        _ => true,
    };
    let mut wrong = Findings::default();
    if selector.is_null() {
        found.required("spec.selector", "");
    } else {
        meta::label_selector(selector, "spec.selector", &mut wrong);
    }
    let readable = wrong.0.is_empty();
    found.0.append(&mut wrong.0);
    if !selector.is_null() && empty("matchLabels") && empty("matchExpressions") {
        let detail = "empty selector is invalid for deployment";
        found.invalid("spec.selector", selector, detail);
    }
    if !readable {
        let detail = "invalid label selector";
        return found.invalid("spec.selector", selector, detail);
    }
    let template = &spec["template"];
    let labels = template
        .pointer("/metadata/labels")
        .cloned()
        .unwrap_or_else(|| json!({}));
    // Without a selector nothing is selected, so that no labels match.
    if selector.is_null() || !crate::api::selector::selects(selector, &labels) {
        let detail = "`selector` does not match template `labels`";
        found.invalid("spec.template.metadata.labels", &labels, detail);
    }
    pod::validate_template(template, "spec.template", found);
}

fn validate_strategy(strategy: &Value, found: &mut Findings) {
    let path = "spec.strategy";
    match text(strategy, "/type") {
        "Recreate" if !strategy["rollingUpdate"].is_null() => {
            let detail = "may not be specified when strategy `type` is 'Recreate'";
            found.forbidden(format!("{path}.rollingUpdate"), detail);
        }
        "RollingUpdate" => validate_rolling_update(&strategy["rollingUpdate"], found),
        _ => found.one_of(
            &format!("{path}.type"),
            &strategy["type"],
            &["Recreate", "RollingUpdate"],
        ),
    }
}

fn validate_rolling_update(rolling: &Value, found: &mut Findings) {
    let path = "spec.strategy.rollingUpdate";
    let mut zero = true;
    for field in ["maxUnavailable", "maxSurge"] {
        let value = &rolling[field];
        let text = value.as_str().unwrap_or_default();
        let number = text
            .trim_end_matches('%')
            .parse::<i64>()
            .ok()
            .filter(|_| text.ends_with('%'));
        zero &= number.or(value.as_i64()).unwrap_or(0) == 0;
        if value.is_string() && number.is_none() {
            let detail = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
            found.invalid(format!("{path}.{field}"), value, detail);
        }
        found.not_negative(&format!("{path}.{field}"), value);
    }
    if zero {
        let field = format!("{path}.maxUnavailable");
        found.invalid(
            field,
            &rolling["maxUnavailable"],
            "may not be 0 when `maxSurge` is 0",
        );
    }
    let most = &rolling["maxUnavailable"];
    let percent = most.as_str().and_then(|text| text.strip_suffix('%'));
    if percent
        .and_then(|number| number.parse().ok())
        .is_some_and(|number: i64| number > 100)
    {
        let field = format!("{path}.maxUnavailable");
        found.invalid(field, most, "must not be greater than 100%");
    }
}
