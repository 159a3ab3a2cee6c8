//! Jobs and CronJobs in words. Never runs one.

use std::fmt::Write as _;

use serde_json::Value;

use super::kinds::{begin, template};
use super::{annotations, controlled_by, date, labels, selector_text};
use crate::text::json::{at, bare, int, list, text};
use crate::text::time;

fn or_unset(value: &Value) -> String {
    if value.is_null() {
        "<unset>".to_owned()
    } else {
        bare(value)
    }
}

pub(super) fn job(object: &Value) -> String {
    let mut out = format!("Name:\t{}\n", text(object, "metadata.name"));
    let _ = writeln!(out, "Namespace:\t{}", text(object, "metadata.namespace"));
    let (spec, status) = (&object["spec"], &object["status"]);
    if spec["selector"].is_object() {
        let _ = writeln!(out, "Selector:\t{}", selector_text(&spec["selector"]));
    }
    labels(&mut out, "", "Labels", at(object, "metadata.labels"));
    annotations(&mut out, "", at(object, "metadata.annotations"));
    controlled_by(&mut out, object);
    let _ = writeln!(
        out,
        "Parallelism:\t{}\nCompletions:\t{}",
        or_unset(&spec["parallelism"]),
        or_unset(&spec["completions"])
    );
    for (title, field) in [
        ("Completion Mode", "completionMode"),
        ("Suspend", "suspend"),
        ("Backoff Limit", "backoffLimit"),
        ("TTL Seconds After Finished", "ttlSecondsAfterFinished"),
    ] {
        if !spec[field].is_null() {
            let _ = writeln!(out, "{title}:\t{}", bare(&spec[field]));
        }
    }
    let (start, end) = (&status["startTime"], &status["completionTime"]);
    if !start.is_null() {
        let _ = writeln!(out, "Start Time:\t{}", date(start));
    }
    if !end.is_null() {
        let _ = writeln!(out, "Completed At:\t{}", date(end));
    }
    let seconds = |value: &Value| value.as_str().and_then(time::parse_rfc3339);
    if let (Some(start), Some(end)) = (seconds(start), seconds(end)) {
        let _ = writeln!(out, "Duration:\t{}", time::human(end - start));
    }
    if !spec["activeDeadlineSeconds"].is_null() {
        let _ = writeln!(
            out,
            "Active Deadline Seconds:\t{}s",
            bare(&spec["activeDeadlineSeconds"])
        );
    }
    let ready = status["ready"]
        .as_i64()
        .map_or(String::new(), |ready| format!(" ({ready} Ready)"));
    let _ = writeln!(
        out,
        "Pods Statuses:\t{} Active{ready} / {} Succeeded / {} Failed",
        int(status, "active"),
        int(status, "succeeded"),
        int(status, "failed")
    );
    if text(object, "spec.completionMode") == "Indexed" {
        let done = match text(status, "completedIndexes") {
            "" => "<none>",
            done => done,
        };
        let _ = writeln!(out, "Completed Indexes:\t{done}");
    }
    template(&mut out, object);
    out
}

pub(super) fn cron_job(object: &Value) -> String {
    let mut out = begin(object, true);
    let spec = &object["spec"];
    let _ = writeln!(out, "Schedule:\t{}", text(object, "spec.schedule"));
    let suspended = match spec["suspend"].as_bool() {
        None => "<unset>",
        Some(true) => "True",
        Some(false) => "False",
    };
    let deadline = match &spec["startingDeadlineSeconds"] {
        Value::Null => "<unset>".to_owned(),
        seconds => format!("{}s", bare(seconds)),
    };
    let _ = writeln!(
        out,
        "Concurrency Policy:\t{}\nSuspend:\t{suspended}",
        text(object, "spec.concurrencyPolicy")
    );
    let _ = writeln!(out, "Time Zone:\t{}", or_unset(&spec["timeZone"]));
    let _ = writeln!(
        out,
        "Successful Job History Limit:\t{}\nFailed Job History Limit:\t{}\nStarting Deadline Seconds:\t{deadline}",
        or_unset(&spec["successfulJobsHistoryLimit"]),
        or_unset(&spec["failedJobsHistoryLimit"])
    );
    let job = at(object, "spec.jobTemplate.spec");
    let selector = if job["selector"].is_object() {
        selector_text(&job["selector"])
    } else {
        "<unset>".to_owned()
    };
    let _ = writeln!(
        out,
        "Selector:\t{selector}\nParallelism:\t{}\nCompletions:\t{}",
        or_unset(&job["parallelism"]),
        or_unset(&job["completions"])
    );
    if !job["activeDeadlineSeconds"].is_null() {
        let _ = writeln!(
            out,
            "Active Deadline Seconds:\t{}s",
            bare(&job["activeDeadlineSeconds"])
        );
    }
    template(&mut out, at(object, "spec.jobTemplate"));
    let last = match at(object, "status.lastScheduleTime") {
        Value::Null => "<unset>".to_owned(),
        last => date(last),
    };
    let active: Vec<&str> = list(object, "status.active")
        .iter()
        .map(|job| text(job, "name"))
        .collect();
    let active = if active.is_empty() {
        "<none>".to_owned()
    } else {
        active.join(", ")
    };
    let _ = writeln!(out, "Last Schedule Time:\t{last}\nActive Jobs:\t{active}");
    out
}
