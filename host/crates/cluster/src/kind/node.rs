//! Nodes: machines that run pods. Never turns one on or off.

use super::column::NODES;
use super::look::{flag, list, map, text};
use super::pod_rules::EFFECTS;
use super::{Column, Fields, Findings, Kind, Names, Subresource, age, set_default, words};
use jiff::Timestamp;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub(super) struct Nodes;

/// What a kubelet says about its machine, in fields that are there even before it has.
const NODE_INFO: [&str; 10] = [
    "architecture",
    "bootID",
    "containerRuntimeVersion",
    "kernelVersion",
    "kubeProxyVersion",
    "kubeletVersion",
    "machineID",
    "operatingSystem",
    "osImage",
    "systemUUID",
];

impl Kind for Nodes {
    fn names(&self) -> &'static Names {
        &Names {
            key: "nodes",
            plural: "nodes",
            singular: "node",
            short: &["no"],
            kind: "Node",
            group: "",
            version: "v1",
            namespaced: false,
            categories: &[],
        }
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<k8s_openapi::api::core::v1::Node>()
    }

    fn fields(&self) -> &'static Fields {
        &Fields {
            honoured: &[
                "spec.{podCIDR,podCIDRs,taints,unschedulable}",
                "status.{addresses,allocatable,capacity,conditions,daemonEndpoints}",
                "status.{images,nodeInfo}",
            ],
            inert: &[
                "spec.{configSource,externalID,providerID}",
                "status.{config,declaredFeatures,features,phase,runtimeHandlers}",
                "status.{volumesAttached,volumesInUse}",
            ],
            ..Fields::NONE
        }
    }

    fn subresources(&self) -> &'static [Subresource] {
        const { &[Subresource::proxy("NodeProxyOptions"), Subresource::STATUS] }
    }

    fn owns_status(&self) -> bool {
        // A kubelet registers its node together with its status.
        false
    }

    fn columns(&self) -> &'static [Column] {
        NODES
    }

    fn row(&self, object: &Value, now: Timestamp) -> Vec<Value> {
        let or = |at, other: &str| match text(object, at) {
            "" => other.to_owned(),
            found => found.to_owned(),
        };
        vec![
            text(object, "/metadata/name").into(),
            status(object).into(),
            roles(object).into(),
            age::since(text(object, "/metadata/creationTimestamp"), now).into(),
            text(object, "/status/nodeInfo/kubeletVersion").into(),
            address(object, "InternalIP").into(),
            address(object, "ExternalIP").into(),
            or("/status/nodeInfo/osImage", "<unknown>").into(),
            kernel(object).into(),
            or("/status/nodeInfo/containerRuntimeVersion", "<unknown>").into(),
        ]
    }

    fn default_object(&self, object: &mut Value) {
        set_default(object, "spec", json!({}));
        set_default(object, "status", json!({}));
        let status = &mut object["status"];
        // Go prints these however empty they are.
        set_default(
            status,
            "daemonEndpoints",
            json!({"kubeletEndpoint": {"Port": 0}}),
        );
        set_default(status, "nodeInfo", json!({}));
        for field in NODE_INFO {
            set_default(&mut status["nodeInfo"], field, "");
        }
    }

    fn validate(&self, object: &Value, found: &mut Findings) {
        let mut seen = BTreeSet::new();
        for (index, taint) in list(object, "/spec/taints").iter().enumerate() {
            let path = format!("spec.taints[{index}]");
            let (key, value) = (text(taint, "/key"), text(taint, "/value"));
            let findings = words::qualified_name(key);
            found.all_invalid(&format!("{path}.key"), &key.into(), findings);
            let findings = words::label_value(value);
            if !findings.is_empty() {
                found.invalid(format!("{path}.value"), &value.into(), findings.join(";"));
            }
            let effect = text(taint, "/effect");
            match effect {
                "" => found.required(format!("{path}.effect"), ""),
                _ => found.one_of(&format!("{path}.effect"), &effect.into(), &EFFECTS),
            }
            if !seen.insert((key, effect)) {
                let printed = format!(
                    "{{\"Key\":{},\"Value\":{},\"Effect\":{},\"TimeAdded\":null}}",
                    Value::from(key),
                    Value::from(value),
                    Value::from(effect)
                );
                let detail = "taints must be unique by key and effect pair";
                found.duplicate_printed(path, &format!("{printed}: {detail}"));
            }
        }
    }

    fn validate_update(&self, new: &Value, old: &Value, found: &mut Findings) {
        let before = list(old, "/spec/podCIDRs");
        if !before.is_empty() && list(new, "/spec/podCIDRs") != before {
            let detail = "node updates may not change podCIDR except from \"\" to valid";
            found.forbidden("spec.podCIDRs", detail);
        }
        let before = text(old, "/spec/providerID");
        if !before.is_empty() && text(new, "/spec/providerID") != before {
            let detail = "node updates may not change providerID except from \"\" to valid";
            found.forbidden("spec.providerID", detail);
        }
    }

    fn selectable_fields(&self) -> &'static [&'static str] {
        &["spec.unschedulable"]
    }
}

fn status(node: &Value) -> String {
    let ready = list(node, "/status/conditions")
        .iter()
        .find(|c| text(c, "/type") == "Ready");
    let mut words = vec![match ready.map(|condition| text(condition, "/status")) {
        Some("True") => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    }];
    if flag(node, "/spec/unschedulable") {
        words.push("SchedulingDisabled");
    }
    words.join(",")
}

fn roles(node: &Value) -> String {
    let role = |(key, value): (&String, &Value)| match key.strip_prefix("node-role.kubernetes.io/")
    {
        Some(role) if !role.is_empty() => Some(role.to_owned()),
        _ if key == "kubernetes.io/role" => value.as_str().map(str::to_owned),
        _ => None,
    };
    let labels = map(node, "/metadata/labels").into_iter().flatten();
    let mut roles: Vec<String> = labels.filter_map(role).collect();
    roles.sort();
    roles.dedup();
    if roles.is_empty() {
        "<none>".to_owned()
    } else {
        roles.join(",")
    }
}

fn address<'a>(node: &'a Value, type_: &str) -> &'a str {
    let found = list(node, "/status/addresses")
        .iter()
        .find(|a| text(a, "/type") == type_);
    found.map_or("<none>", |address| text(address, "/address"))
}

fn kernel(node: &Value) -> String {
    match (
        text(node, "/status/nodeInfo/kernelVersion"),
        text(node, "/status/nodeInfo/architecture"),
    ) {
        ("", _) => "<unknown>".to_owned(),
        (kernel, "") => kernel.to_owned(),
        (kernel, architecture) => format!("{kernel} ({architecture})"),
    }
}
