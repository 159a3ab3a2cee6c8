//! Jobs: pods that run until enough of them have succeeded. Never makes a pod.

use super::deployment::of_containers;
use super::look::{flag, format_selector, int, list, map, text};
use super::workload::{immutable, selected};
use super::workload_columns::JOBS;
use super::{Column, Fields, Findings, Kind, Names, Subresource, age, pod, set_default, workload};
use jiff::Timestamp;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Value, json};

pub(super) struct Jobs;

/// What becomes of a Job's own fields; CronJobs have the same below `jobTemplate`.
pub(super) const FIELDS: Fields = Fields {
    honoured: &[
        "{activeDeadlineSeconds,backoffLimit,completionMode,completions,managedBy,manualSelector}",
        "{parallelism,podFailurePolicy,podReplacementPolicy,selector,successPolicy,suspend,ttlSecondsAfterFinished}",
    ],
    not_in_this_lab: &["{backoffLimitPerIndex,maxFailedIndexes}"],
    parts: &[("template", &pod::TEMPLATE_FIELDS)],
    ..Fields::NONE
};

impl Kind for Jobs {
    fn names(&self) -> &'static Names {
        &Names {
            key: "jobs.batch",
            plural: "jobs",
            singular: "job",
            short: &[],
            kind: "Job",
            group: "batch",
            version: "v1",
            namespaced: true,
            categories: &["all"],
        }
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<k8s_openapi::api::batch::v1::Job>()
    }

    fn subresources(&self) -> &'static [Subresource] {
        &[Subresource::STATUS]
    }

    fn columns(&self) -> &'static [Column] {
        JOBS
    }

    fn row(&self, object: &Value, now: Timestamp) -> Vec<Value> {
        vec![
            text(object, "/metadata/name").into(),
            standing(object).into(),
            completions(object).into(),
            duration(object, now).into(),
            age::since(text(object, "/metadata/creationTimestamp"), now).into(),
            of_containers(object, "/name").into(),
            of_containers(object, "/image").into(),
            format_selector(object, "/spec/selector").into(),
        ]
    }

    fn default_object(&self, object: &mut Value) {
        set_default(object, "spec", json!({}));
        default_spec(&mut object["spec"]);
        set_default(&mut object["spec"], "manualSelector", false);
        let labels = map(object, "/spec/template/metadata/labels").cloned();
        if let Some(labels) = labels.filter(|_| map(object, "/metadata/labels").is_none()) {
            object["metadata"]["labels"] = labels.into();
        }
        set_default(object, "status", json!({}));
    }

    fn on_create(&self, object: &mut Value) {
        if flag(object, "/spec/manualSelector") {
            return;
        }
        let uid = object["metadata"]["uid"].clone();
        let name = object["metadata"]["name"].clone();
        let own_labels =
            object["metadata"]["labels"] != object["spec"]["template"]["metadata"]["labels"];
        let labels = &mut object["spec"]["template"]["metadata"]["labels"];
        for prefix in ["", "batch.kubernetes.io/"] {
            labels[format!("{prefix}controller-uid")] = uid.clone();
            labels[format!("{prefix}job-name")] = name.clone();
        }
        // Without labels of its own a Job has those of its pods.
        if !own_labels {
            object["metadata"]["labels"] = labels.clone();
        }
        object["spec"]["selector"]["matchLabels"]["batch.kubernetes.io/controller-uid"] = uid;
    }

    fn validate(&self, object: &Value, found: &mut Findings) {
        let spec = &object["spec"];
        if !flag(object, "/spec/manualSelector") && spec["selector"].is_object() {
            let generated = json!({
                "controller-uid": object["metadata"]["uid"],
                "batch.kubernetes.io/controller-uid": object["metadata"]["uid"],
                "job-name": object["metadata"]["name"],
                "batch.kubernetes.io/job-name": object["metadata"]["name"],
            });
            if !crate::api::selector::selects(&spec["selector"], &generated) {
                let detail = "`selector` not auto-generated";
                found.invalid("spec.selector", &spec["selector"], detail);
            }
        }
        validate_spec(spec, "spec", found);
        if spec["selector"].is_null() {
            found.required("spec.selector", "");
        }
        selected(&spec["selector"], &spec["template"], found);
    }

    fn validate_update(&self, new: &Value, old: &Value, found: &mut Findings) {
        // Indexed Jobs may grow and shrink when as many run as are wanted.
        let elastic = text(new, "/spec/completionMode") == "Indexed"
            && new["spec"]["completions"] == new["spec"]["parallelism"];
        if !elastic {
            immutable(new, old, "/spec/completions", found);
        }
        immutable(new, old, "/spec/selector", found);
        // A Job that has not begun may still be told where to run.
        let suspended = flag(old, "/spec/suspend") && int(old, "/status/active").unwrap_or(0) == 0;
        if !suspended || where_aside(new) != where_aside(old) {
            immutable(new, old, "/spec/template", found);
        }
        for field in [
            "completionMode",
            "podFailurePolicy",
            "backoffLimitPerIndex",
            "managedBy",
            "successPolicy",
        ] {
            immutable(new, old, &format!("/spec/{field}"), found);
        }
    }

    fn selectable_fields(&self) -> &'static [&'static str] {
        &["status.successful"]
    }

    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        super::warnings::of_template(new, old, "spec.template")
    }

    fn fields(&self) -> &'static Fields {
        &Fields {
            honoured: &["status"],
            parts: &[("spec", &FIELDS)],
            ..Fields::NONE
        }
    }

    fn counts_generations(&self) -> bool {
        true
    }
}

/// The template without what says where its pods run.
fn where_aside(job: &Value) -> Value {
    let mut template = job["spec"]["template"].clone();
    if let Some(spec) = template["spec"].as_object_mut() {
        for field in ["nodeSelector", "affinity", "tolerations", "schedulingGates"] {
            spec.remove(field);
        }
    }
    for field in ["labels", "annotations"] {
        template["metadata"][field] = Value::Null;
    }
    template
}

/// Fills in a Job's spec, in a Job and in the template of one.
pub(super) fn default_spec(spec: &mut Value) {
    if spec["completions"].is_null() && spec["parallelism"].is_null() {
        set_default(spec, "completions", 1);
    }
    set_default(spec, "parallelism", 1);
    let many = !spec["backoffLimitPerIndex"].is_null();
    set_default(spec, "backoffLimit", if many { i32::MAX } else { 6 });
    set_default(spec, "completionMode", "NonIndexed");
    set_default(spec, "suspend", false);
    let policy = match spec["podFailurePolicy"].is_null() {
        true => "TerminatingOrFailed",
        false => "Failed",
    };
    set_default(spec, "podReplacementPolicy", policy);
    pod::default_template(&mut spec["template"]);
}

/// What is wrong with a Job's spec at `path`, apart from its selector.
pub(super) fn validate_spec(spec: &Value, path: &str, found: &mut Findings) {
    for field in [
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
    ] {
        found.not_negative(&format!("{path}.{field}"), &spec[field]);
    }
    let modes = ["NonIndexed", "Indexed"];
    found.one_of(
        &format!("{path}.completionMode"),
        &spec["completionMode"],
        &modes,
    );
    if spec["completionMode"] == "Indexed" {
        if spec["completions"].is_null() {
            found.required(
                format!("{path}.completions"),
                "when completion mode is Indexed",
            );
        }
        if int(spec, "/parallelism").is_some_and(|number| number > 100_000) {
            let detail = "must be less than or equal to 100000 when completion mode is Indexed";
            found.invalid(format!("{path}.parallelism"), &spec["parallelism"], detail);
        }
    }
    let policies = match spec["podFailurePolicy"].is_null() {
        true => &["Failed", "TerminatingOrFailed"][..],
        false => &["Failed"][..],
    };
    let field = format!("{path}.podReplacementPolicy");
    found.one_of(&field, &spec["podReplacementPolicy"], policies);
    workload::template(&spec["template"], &format!("{path}.template"), found);
    let policy = text(spec, "/template/spec/restartPolicy");
    if !matches!(policy, "Never" | "OnFailure") {
        let detail = "valid values: \"OnFailure\", \"Never\"";
        found.required(format!("{path}.template.spec.restartPolicy"), detail);
    }
}

fn standing(job: &Value) -> &'static str {
    let is = |kind: &str| {
        let conditions = list(job, "/status/conditions").iter();
        let mut of_kind = conditions.filter(|condition| condition["type"] == kind);
        of_kind.any(|condition| condition["status"] == "True")
    };
    match () {
        () if is("Complete") => "Complete",
        () if is("Failed") => "Failed",
        () if !job["metadata"]["deletionTimestamp"].is_null() => "Terminating",
        () if is("Suspended") => "Suspended",
        () if is("FailureTarget") => "FailureTarget",
        () if is("SuccessCriteriaMet") => "SuccessCriteriaMet",
        () => "Running",
    }
}

fn completions(job: &Value) -> String {
    let succeeded = int(job, "/status/succeeded").unwrap_or(0);
    match (int(job, "/spec/completions"), int(job, "/spec/parallelism")) {
        (Some(wanted), _) => format!("{succeeded}/{wanted}"),
        (None, Some(parallel)) if parallel > 1 => format!("{succeeded}/1 of {parallel}"),
        (None, _) => format!("{succeeded}/1"),
    }
}

fn duration(job: &Value, now: Timestamp) -> String {
    let time = |at| text(job, at).parse::<Timestamp>().ok();
    let Some(start) = time("/status/startTime") else {
        return String::new();
    };
    let end = time("/status/completionTime").unwrap_or(now);
    age::human(end.as_second() - start.as_second())
}
