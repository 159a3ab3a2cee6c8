//! Pods: containers that live and die together on one node. Never starts one.

use super::column::PODS;
use super::look::{flag, int, list, text};
use super::{
    Column, Fields, Findings, Kind, Names, Subresource, container_rules, items_mut, pod_fields,
    pod_row, pod_rules, pod_spec, pod_update, set_default,
};
use jiff::Timestamp;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Value, json};

pub(super) struct Pods;

/// What becomes of the fields of a template of pods.
pub(super) use super::pod_fields::TEMPLATE as TEMPLATE_FIELDS;

impl Kind for Pods {
    fn names(&self) -> &'static Names {
        &Names {
            key: "pods",
            plural: "pods",
            singular: "pod",
            short: &["po"],
            kind: "Pod",
            group: "",
            version: "v1",
            namespaced: true,
            categories: &["all"],
        }
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<k8s_openapi::api::core::v1::Pod>()
    }

    fn subresources(&self) -> &'static [Subresource] {
        const CONNECT: &[&str] = &["create", "get"];
        const {
            &[
                Subresource {
                    name: "attach",
                    answers: Some(("", "v1", "PodAttachOptions")),
                    verbs: CONNECT,
                },
                Subresource {
                    name: "binding",
                    answers: Some(("", "v1", "Binding")),
                    verbs: &["create"],
                },
                Subresource {
                    name: "ephemeralcontainers",
                    ..Subresource::STATUS
                },
                Subresource {
                    name: "eviction",
                    answers: Some(("policy", "v1", "Eviction")),
                    verbs: &["create"],
                },
                Subresource {
                    name: "exec",
                    answers: Some(("", "v1", "PodExecOptions")),
                    verbs: CONNECT,
                },
                Subresource {
                    name: "log",
                    answers: None,
                    verbs: &["get"],
                },
                Subresource {
                    name: "portforward",
                    answers: Some(("", "v1", "PodPortForwardOptions")),
                    verbs: CONNECT,
                },
                Subresource::proxy("PodProxyOptions"),
                Subresource {
                    name: "resize",
                    ..Subresource::STATUS
                },
                Subresource::STATUS,
            ]
        }
    }

    fn columns(&self) -> &'static [Column] {
        PODS
    }

    fn row(&self, object: &Value, now: Timestamp) -> Vec<Value> {
        pod_row::row(object, now)
    }

    fn row_conditions(&self, object: &Value) -> Option<Value> {
        pod_row::conditions(object)
    }

    fn default_object(&self, object: &mut Value) {
        set_default(object, "spec", json!({}));
        let spec = &mut object["spec"];
        pod_spec::default_spec(spec);
        set_default(spec, "enableServiceLinks", true);
        set_default(spec, "serviceAccountName", "default");
        set_default(spec, "serviceAccount", "default");
        set_default(spec, "preemptionPolicy", "PreemptLowerPriority");
        set_default(spec, "priority", 0);
        let on_host = flag(spec, "/hostNetwork");
        for field in ["initContainers", "containers"] {
            for container in items_mut(spec, field) {
                requests_follow_limits(container);
                if on_host {
                    host_ports(container);
                }
            }
        }
        tolerate_short_outages(spec);
        let quality = pod_row::quality_of_service(&object["spec"]);
        set_default(object, "status", json!({}));
        set_default(&mut object["status"], "phase", "Pending");
        set_default(&mut object["status"], "qosClass", quality);
    }

    fn validate(&self, object: &Value, found: &mut Findings) {
        let spec = &object["spec"];
        pod_rules::validate_spec(spec, "spec", true, found);
        container_rules::validate_of_pod(spec, "spec", found);
    }

    fn validate_update(&self, new: &Value, old: &Value, found: &mut Findings) {
        pod_update::validate(&new["spec"], &old["spec"], found);
    }

    fn selectable_fields(&self) -> &'static [&'static str] {
        &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.nominatedNodeName",
        ]
    }

    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        super::warnings::of_pod(new, old)
    }

    fn fields(&self) -> &'static Fields {
        &Fields {
            parts: &[("spec", &pod_fields::SPEC), ("status", &pod_fields::STATUS)],
            ..Fields::NONE
        }
    }

    fn counts_generations(&self) -> bool {
        true
    }
}

/// On the node's own network a port is the node's. Templates are not filled in so.
fn host_ports(container: &mut Value) {
    for port in items_mut(container, "ports") {
        let number = port["containerPort"].clone();
        if port["hostPort"].as_i64().unwrap_or(0) == 0 && !number.is_null() {
            port["hostPort"] = number;
        }
    }
}

/// A limit without a request asks for as much as it allows.
fn requests_follow_limits(container: &mut Value) {
    let Some(limits) = container
        .pointer("/resources/limits")
        .and_then(Value::as_object)
        .cloned()
    else {
        return;
    };
    let resources = &mut container["resources"];
    set_default(resources, "requests", json!({}));
    for (name, amount) in limits {
        set_default(&mut resources["requests"], &name, amount);
    }
}

/// Five minutes on a node that is unreachable, unless the pod says otherwise.
fn tolerate_short_outages(spec: &mut Value) {
    for key in [
        "node.kubernetes.io/not-ready",
        "node.kubernetes.io/unreachable",
    ] {
        let covers = |toleration: &Value| {
            let effect = matches!(text(toleration, "/effect"), "" | "NoExecute");
            let own = text(toleration, "/key");
            let all = own.is_empty() && text(toleration, "/operator") == "Exists";
            effect && (own == key || all)
        };
        if list(spec, "/tolerations").iter().any(covers) {
            continue;
        }
        set_default(spec, "tolerations", json!([]));
        if let Some(tolerations) = spec["tolerations"].as_array_mut() {
            tolerations.push(json!({
                "effect": "NoExecute", "key": key, "operator": "Exists", "tolerationSeconds": 300,
            }));
        }
    }
}

/// What is wrong with a template of pods at `path`, for kinds that make pods.
pub(super) fn validate_template(template: &Value, path: &str, found: &mut Findings) {
    pod_rules::validate_template(template, path, found);
    let spec = &template["spec"];
    let policy = text(spec, "/restartPolicy");
    if matches!(policy, "Never" | "OnFailure") {
        found.unsupported(format!("{path}.spec.restartPolicy"), policy, &["Always"]);
    }
    if int(spec, "/activeDeadlineSeconds").is_some() {
        let field = format!("{path}.spec.activeDeadlineSeconds");
        found.forbidden(
            field,
            "activeDeadlineSeconds in ReplicaSet is not Supported",
        );
    }
}

/// Fills in a template of pods, which gets less than a pod does.
pub(super) fn default_template(template: &mut Value) {
    set_default(template, "spec", json!({}));
    if template.get("spec").is_some() {
        pod_spec::default_spec(&mut template["spec"]);
    }
}
