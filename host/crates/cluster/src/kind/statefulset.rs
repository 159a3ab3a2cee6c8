//! StatefulSets: pods with names and claims that last. Never makes a pod.

use super::deployment::of_containers;
use super::look::{int, list, text};
use super::workload::{amount, runs_for_ever, selected, selector};
use super::workload_columns::STATEFUL_SETS;
use super::{
    Column, Fields, Findings, Kind, Names, Subresource, age, items_mut, pod, set_default, workload,
};
use jiff::Timestamp;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Value, json};

pub(super) struct StatefulSets;

const FORBIDDEN: &str = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
const CHANGEABLE: [&str; 7] = [
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
];

impl Kind for StatefulSets {
    fn names(&self) -> &'static Names {
        &Names {
            key: "statefulsets.apps",
            plural: "statefulsets",
            singular: "statefulset",
            short: &["sts"],
            kind: "StatefulSet",
            group: "apps",
            version: "v1",
            namespaced: true,
            categories: &["all"],
        }
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<k8s_openapi::api::apps::v1::StatefulSet>()
    }

    fn subresources(&self) -> &'static [Subresource] {
        &[Subresource::SCALE, Subresource::STATUS]
    }

    fn columns(&self) -> &'static [Column] {
        STATEFUL_SETS
    }

    fn row(&self, object: &Value, now: Timestamp) -> Vec<Value> {
        let count = |at| int(object, at).unwrap_or(0);
        let ready = count("/status/readyReplicas");
        vec![
            text(object, "/metadata/name").into(),
            format!("{ready}/{}", count("/spec/replicas")).into(),
            age::since(text(object, "/metadata/creationTimestamp"), now).into(),
            of_containers(object, "/name").into(),
            of_containers(object, "/image").into(),
        ]
    }

    fn default_object(&self, object: &mut Value) {
        set_default(object, "spec", json!({}));
        let spec = &mut object["spec"];
        set_default(spec, "replicas", 1);
        set_default(spec, "revisionHistoryLimit", 10);
        set_default(spec, "podManagementPolicy", "OrderedReady");
        set_default(spec, "updateStrategy", json!({}));
        let strategy = &mut spec["updateStrategy"];
        set_default(strategy, "type", "RollingUpdate");
        if text(strategy, "/type") == "RollingUpdate" {
            set_default(strategy, "rollingUpdate", json!({}));
            set_default(&mut strategy["rollingUpdate"], "partition", 0);
        }
        set_default(spec, "persistentVolumeClaimRetentionPolicy", json!({}));
        let retention = &mut spec["persistentVolumeClaimRetentionPolicy"];
        set_default(retention, "whenDeleted", "Retain");
        set_default(retention, "whenScaled", "Retain");
        for claim in items_mut(spec, "volumeClaimTemplates") {
            default_claim(claim);
        }
        pod::default_template(&mut spec["template"]);
        set_default(object, "status", json!({}));
        let status = &mut object["status"];
        set_default(status, "replicas", 0);
        set_default(status, "availableReplicas", 0);
    }

    fn validate(&self, object: &Value, found: &mut Findings) {
        let spec = &object["spec"];
        let policy = &spec["podManagementPolicy"];
        if !matches!(policy.as_str(), Some("OrderedReady" | "Parallel")) {
            let detail = "must be 'OrderedReady' or 'Parallel'";
            found.invalid("spec.podManagementPolicy", policy, detail);
        }
        validate_strategy(&spec["updateStrategy"], found);
        for field in ["whenDeleted", "whenScaled"] {
            let path = format!("spec.persistentVolumeClaimRetentionPolicy.{field}");
            let value = &spec["persistentVolumeClaimRetentionPolicy"][field];
            found.one_of(&path, value, &["Retain", "Delete"]);
        }
        found.not_negative("spec.replicas", &spec["replicas"]);
        found.not_negative("spec.minReadySeconds", &spec["minReadySeconds"]);
        found.not_negative("spec.ordinals.start", &spec["ordinals"]["start"]);
        selector(spec, "statefulset", found);
        selected(&spec["selector"], &spec["template"], found);
        workload::template(&with_claims(spec), "spec.template", found);
        runs_for_ever(&spec["template"], "StatefulSet", found);
    }

    fn validate_update(&self, new: &Value, old: &Value, found: &mut Findings) {
        let fixed = |object: &Value| {
            let mut spec = object["spec"].clone();
            if let Some(fields) = spec.as_object_mut() {
                fields.retain(|field, _| !CHANGEABLE.contains(&field.as_str()));
            }
            spec
        };
        if fixed(new) != fixed(old) {
            found.forbidden("spec", FORBIDDEN);
        }
    }

    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        super::warnings::of_template(new, old, "spec.template")
    }

    fn fields(&self) -> &'static Fields {
        &Fields {
            honoured: &[
                "spec.{minReadySeconds,ordinals,podManagementPolicy,replicas,revisionHistoryLimit}",
                "spec.{selector,serviceName,updateStrategy}",
                "spec.{persistentVolumeClaimRetentionPolicy,volumeClaimTemplates}",
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

fn default_claim(claim: &mut Value) {
    set_default(claim, "apiVersion", "v1");
    set_default(claim, "kind", "PersistentVolumeClaim");
    set_default(claim, "spec", json!({}));
    set_default(&mut claim["spec"], "volumeMode", "Filesystem");
    set_default(claim, "status", json!({}));
    set_default(&mut claim["status"], "phase", "Pending");
}

/// The template with a volume for each claim, as its pods will have them.
fn with_claims(spec: &Value) -> Value {
    let mut template = spec["template"].clone();
    let claims = list(spec, "/volumeClaimTemplates");
    let named = |volume: &Value, claim: &Value| volume["name"] == claim["metadata"]["name"];
    let own = list(&template, "/spec/volumes").iter();
    let own = own.filter(|volume| !claims.iter().any(|claim| named(volume, claim)));
    let claimed = claims.iter().map(|claim| {
        let name = text(claim, "/metadata/name");
        json!({"name": name, "persistentVolumeClaim": {"claimName": name}})
    });
    let volumes: Vec<Value> = own.cloned().chain(claimed).collect();
    if !volumes.is_empty() && template["spec"].is_object() {
        template["spec"]["volumes"] = volumes.into();
    }
    template
}

fn validate_strategy(strategy: &Value, found: &mut Findings) {
    let path = "spec.updateStrategy";
    let rolling = &strategy["rollingUpdate"];
    match text(strategy, "/type") {
        "OnDelete" if rolling.is_null() => {}
        "OnDelete" => {
            let detail = "only allowed for updateStrategy 'RollingUpdate'";
            found.invalid(format!("{path}.rollingUpdate"), rolling, detail);
        }
        "RollingUpdate" => {
            let path = format!("{path}.rollingUpdate");
            found.not_negative(&format!("{path}.partition"), &rolling["partition"]);
            let allowed = &rolling["maxUnavailable"];
            amount(allowed, &format!("{path}.maxUnavailable"), found);
            if !allowed.is_null() && workload::is_zero(allowed) {
                found.invalid(format!("{path}.maxUnavailable"), allowed, "cannot be 0");
            }
        }
        _ => found.invalid(path, strategy, "must be 'RollingUpdate' or 'OnDelete'"),
    }
}
