//! CronJobs: Jobs that begin by the calendar. Never begins one.

use super::look::{flag, format_selector, list, text};
use super::workload_columns::CRON_JOBS;
use super::{Column, Fields, Findings, Kind, Names, Subresource, age, job, set_default, words};
use crate::cron::{Schedule, time_zone};
use jiff::Timestamp;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Value, json};

pub(super) struct CronJobs;

impl Kind for CronJobs {
    fn names(&self) -> &'static Names {
        &Names {
            key: "cronjobs.batch",
            plural: "cronjobs",
            singular: "cronjob",
            short: &["cj"],
            kind: "CronJob",
            group: "batch",
            version: "v1",
            namespaced: true,
            categories: &["all"],
        }
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<k8s_openapi::api::batch::v1::CronJob>()
    }

    fn subresources(&self) -> &'static [Subresource] {
        &[Subresource::STATUS]
    }

    fn columns(&self) -> &'static [Column] {
        CRON_JOBS
    }

    fn row(&self, object: &Value, now: Timestamp) -> Vec<Value> {
        let zone = text(object, "/spec/timeZone");
        let last = text(object, "/status/lastScheduleTime");
        let or_none = |text: String| match text.as_str() {
            "" => "<none>".to_owned(),
            _ => text,
        };
        let last = match last {
            "" => String::new(),
            last => age::since(last, now),
        };
        let suspend = match flag(object, "/spec/suspend") {
            true => "True",
            false => "False",
        };
        let of_containers = |property: &str| {
            let containers = list(object, "/spec/jobTemplate/spec/template/spec/containers");
            let properties = containers.iter().map(|container| text(container, property));
            properties.collect::<Vec<_>>().join(",")
        };
        vec![
            text(object, "/metadata/name").into(),
            text(object, "/spec/schedule").into(),
            or_none(zone.to_owned()).into(),
            suspend.into(),
            list(object, "/status/active").len().into(),
            or_none(last).into(),
            age::since(text(object, "/metadata/creationTimestamp"), now).into(),
            of_containers("/name").into(),
            of_containers("/image").into(),
            format_selector(object, "/spec/jobTemplate/spec/selector").into(),
        ]
    }

    fn default_object(&self, object: &mut Value) {
        set_default(object, "spec", json!({}));
        let spec = &mut object["spec"];
        set_default(spec, "concurrencyPolicy", "Allow");
        set_default(spec, "suspend", false);
        set_default(spec, "successfulJobsHistoryLimit", 3);
        set_default(spec, "failedJobsHistoryLimit", 1);
        set_default(spec, "jobTemplate", json!({}));
        // An object's metadata is written out even when there is none.
        set_default(&mut spec["jobTemplate"], "metadata", json!({}));
        // What a Job gets by itself when it is made is not written into the template of one.
        if let Some(template) = spec["jobTemplate"]
            .get_mut("spec")
            .and_then(|spec| spec.get_mut("template"))
        {
            set_default(template, "metadata", json!({}));
            super::pod::default_template(template);
        }
        set_default(object, "status", json!({}));
    }

    fn validate_name(&self, name: &str) -> Vec<String> {
        let mut found = words::dns_subdomain(name);
        // Eleven letters are added to make the names of its Jobs.
        if name.len() > 52 {
            found.push("must be no more than 52 characters".to_owned());
        }
        found
    }

    fn validate(&self, object: &Value, found: &mut Findings) {
        let spec = &object["spec"];
        validate_schedule(spec, found);
        validate_zone(&spec["timeZone"], found);
        let field = "spec.startingDeadlineSeconds";
        found.not_negative(field, &spec["startingDeadlineSeconds"]);
        let policies = ["Allow", "Forbid", "Replace"];
        found.one_of(
            "spec.concurrencyPolicy",
            &spec["concurrencyPolicy"],
            &policies,
        );
        let path = "spec.jobTemplate.spec";
        let job = &spec["jobTemplate"]["spec"];
        job::validate_spec(job, path, found);
        if !job["selector"].is_null() {
            let detail = "`selector` will be auto-generated";
            found.invalid(format!("{path}.selector"), &job["selector"], detail);
        }
        if flag(job, "/manualSelector") {
            found.unsupported(format!("{path}.manualSelector"), "true", &["nil", "false"]);
        }
        for field in ["successfulJobsHistoryLimit", "failedJobsHistoryLimit"] {
            found.not_negative(&format!("spec.{field}"), &spec[field]);
        }
    }

    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        super::warnings::of_template(new, old, "spec.jobTemplate.spec.template")
    }

    fn fields(&self) -> &'static Fields {
        &Fields {
            honoured: &[
                "spec.{concurrencyPolicy,failedJobsHistoryLimit,schedule,startingDeadlineSeconds}",
                "spec.{successfulJobsHistoryLimit,suspend,timeZone}",
                "status",
            ],
            parts: &[
                ("spec.jobTemplate.metadata", &super::surface::TEMPLATE_META),
                ("spec.jobTemplate.spec", &job::FIELDS),
            ],
            ..Fields::NONE
        }
    }

    fn counts_generations(&self) -> bool {
        true
    }
}

fn validate_schedule(spec: &Value, found: &mut Findings) {
    let field = "spec.schedule";
    let schedule = text(spec, "/schedule");
    if schedule.is_empty() {
        return found.required(field, "");
    }
    let zoned = schedule.contains("TZ");
    if zoned {
        let detail = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead";
        found.invalid(field, &spec["schedule"], detail);
    } else if let Err(why) = Schedule::parse(schedule) {
        found.invalid(field, &spec["schedule"], why);
    }
}

fn validate_zone(zone: &Value, found: &mut Findings) {
    let field = "spec.timeZone";
    match zone.as_str() {
        None => {}
        Some("") => {
            let detail = "timeZone must be nil or non-empty string";
            found.invalid(field, zone, detail);
        }
        Some(name) if name.eq_ignore_ascii_case("Local") => {
            let detail = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
            found.invalid(field, zone, detail);
        }
        Some(name) if time_zone(name).is_none() => {
            found.invalid(field, zone, format!("unknown time zone {name}"));
        }
        Some(_) => {}
    }
}
