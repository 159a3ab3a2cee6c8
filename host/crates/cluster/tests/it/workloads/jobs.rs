//! Pods that run until it is done. Words and fields as a Kubernetes 1.36 server has them.

use super::{name, pods};
use crate::plane::{Plane, condition};
use serde_json::{Value, json};

pub(super) fn job(spec: Value) -> Value {
    let mut job = json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {"name": "hello", "namespace": "default"},
        "spec": {"template": {"spec": {
            "restartPolicy": "Never",
            "containers": [{"name": "c", "image": "busybox:1.28"}],
        }}},
    });
    for (field, value) in spec.as_object().into_iter().flatten() {
        job["spec"][field] = value.clone();
    }
    job
}

fn status(plane: &Plane) -> &Value {
    &plane.get("jobs.batch", "hello")["status"]
}

fn conditions(plane: &Plane) -> Vec<String> {
    let conditions = status(plane)["conditions"].as_array();
    let show = |one: &Value| {
        ["type", "status", "reason", "message"]
            .map(|field| one[field].as_str().unwrap_or_default())
            .join(" ")
    };
    conditions.into_iter().flatten().map(show).collect()
}

#[test]
fn a_job_that_succeeds_looks_as_upstream_shows_it() {
    let mut plane = Plane::new(1);
    plane.script.exits.insert("c".into(), (1500, 0));
    plane.create("jobs.batch", job(json!({})));
    plane.run_for(1);
    let uid = plane.get("jobs.batch", "hello")["metadata"]["uid"].clone();
    let labels = json!({
        "batch.kubernetes.io/controller-uid": uid, "batch.kubernetes.io/job-name": "hello",
        "controller-uid": uid, "job-name": "hello",
    });
    assert_eq!(
        plane.get("jobs.batch", "hello")["metadata"]["labels"],
        labels
    );
    assert_eq!(
        plane.get("jobs.batch", "hello")["spec"]["selector"],
        json!({"matchLabels": {"batch.kubernetes.io/controller-uid": uid}})
    );
    assert_eq!(status(&plane)["active"], 1);
    let pod = plane.list("pods")[0].clone();
    assert_eq!(pod["metadata"]["labels"], labels);
    assert_eq!(
        pod["metadata"]["finalizers"],
        json!(["batch.kubernetes.io/job-tracking"])
    );
    assert_eq!(pod["metadata"]["generateName"], "hello-");
    plane.run_for(10);
    let mut shown = status(&plane).clone();
    for field in ["startTime", "completionTime"] {
        assert!(shown[field].is_string(), "{field}");
        shown.as_object_mut().expect("a status").remove(field);
    }
    shown
        .as_object_mut()
        .expect("a status")
        .remove("conditions");
    assert_eq!(
        shown,
        json!({"ready": 0, "succeeded": 1, "terminating": 0, "uncountedTerminatedPods": {}})
    );
    assert_eq!(
        conditions(&plane),
        [
            "SuccessCriteriaMet True CompletionsReached Reached expected number of succeeded pods",
            "Complete True CompletionsReached Reached expected number of succeeded pods",
        ]
    );
    assert_eq!(
        plane.events("hello"),
        [
            format!("SuccessfulCreate Created pod: {}", name(&pod)),
            "Completed Job completed".to_owned()
        ]
    );
    assert!(
        plane.list("pods")[0]["metadata"]
            .get("finalizers")
            .is_none()
    );
}

#[test]
fn failures_are_tried_again_ever_later_until_the_limit() {
    let mut plane = Plane::new(1);
    plane.script.exits.insert("c".into(), (10, 1));
    plane.create("jobs.batch", job(json!({"backoffLimit": 2})));
    let mut starts = Vec::new();
    for second in 0..120 {
        plane.run_for(1);
        if plane.list("pods").len() > starts.len() {
            starts.push(second);
        }
    }
    let gaps: Vec<i32> = starts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(gaps.len(), 2, "the first and two more");
    assert!(
        (10..=12).contains(&gaps[0]) && (20..=23).contains(&gaps[1]),
        "{gaps:?}"
    );
    assert_eq!(status(&plane)["failed"], 3);
    let why = "BackoffLimitExceeded Job has reached the specified backoff limit";
    assert_eq!(
        conditions(&plane),
        [
            format!("FailureTarget True {why}"),
            format!("Failed True {why}")
        ]
    );
    assert_eq!(plane.events("hello").last().map(String::as_str), Some(why));
}

#[test]
fn restarts_in_place_count_as_failures_too() {
    let mut plane = Plane::new(1);
    plane.script.exits.insert("c".into(), (10, 1));
    let mut wish = job(json!({"backoffLimit": 1}));
    wish["spec"]["template"]["spec"]["restartPolicy"] = "OnFailure".into();
    plane.create("jobs.batch", wish);
    plane.run_for(60);
    assert_eq!(
        condition(plane.get("jobs.batch", "hello"), "Failed"),
        "True"
    );
    assert!(pods(&plane).is_empty(), "the pod is taken away");
}

#[test]
fn as_many_run_at_once_as_are_allowed_until_enough_have_succeeded() {
    let mut plane = Plane::new(2);
    plane.script.exits.insert("c".into(), (1000, 0));
    plane.create(
        "jobs.batch",
        job(json!({"completions": 5, "parallelism": 2})),
    );
    let mut most = 0;
    for _ in 0..300 {
        plane.run_for_ms(100);
        most = most.max(status(&plane)["active"].as_i64().unwrap_or(0));
    }
    assert_eq!(most, 2);
    assert_eq!(status(&plane)["succeeded"], 5);
    assert_eq!(pods(&plane).len(), 5);
    assert_eq!(
        condition(plane.get("jobs.batch", "hello"), "Complete"),
        "True"
    );
}

#[test]
fn every_index_has_its_pod_and_knows_it() {
    let mut plane = Plane::new(1);
    plane.script.exits.insert("c".into(), (100, 0));
    plane.create(
        "jobs.batch",
        job(json!({"completions": 4, "parallelism": 4, "completionMode": "Indexed"})),
    );
    plane.run_for_ms(20);
    let pod = plane.list("pods")[2].clone();
    assert!(name(&pod).starts_with("hello-2-"), "{}", name(&pod));
    assert_eq!(pod["spec"]["hostname"], "hello-2");
    for field in ["labels", "annotations"] {
        assert_eq!(
            pod["metadata"][field]["batch.kubernetes.io/job-completion-index"],
            "2"
        );
    }
    assert_eq!(
        pod["spec"]["containers"][0]["env"],
        json!([{"name": "JOB_COMPLETION_INDEX", "valueFrom": {"fieldRef": {
            "apiVersion": "v1",
            "fieldPath": "metadata.labels['batch.kubernetes.io/job-completion-index']",
        }}}])
    );
    plane.run_for(10);
    assert_eq!(status(&plane)["completedIndexes"], "0-3");
    assert_eq!(status(&plane)["succeeded"], 4);
}

#[test]
fn a_job_that_takes_too_long_is_ended() {
    let mut plane = Plane::new(1);
    plane.create("jobs.batch", job(json!({"activeDeadlineSeconds": 5})));
    plane.run_for(60);
    let why = "DeadlineExceeded Job was active longer than specified deadline";
    assert_eq!(conditions(&plane)[1], format!("Failed True {why}"));
    assert!(pods(&plane).is_empty());
    let events = plane.events("hello");
    assert!(
        events[1].starts_with("SuccessfulDelete Deleted pod: hello-"),
        "{events:?}"
    );
    assert_eq!(events[2], why);
}

#[test]
fn a_suspended_job_has_no_pods_and_begins_anew() {
    let mut plane = Plane::new(1);
    plane.script.exits.insert("c".into(), (3000, 0));
    plane.create("jobs.batch", job(json!({"suspend": true})));
    plane.run_for(5);
    assert!(pods(&plane).is_empty());
    assert!(status(&plane)["startTime"].is_null());
    plane.edit("jobs.batch", "hello", |job| {
        job["spec"]["suspend"] = false.into()
    });
    plane.run_for(10);
    assert_eq!(
        conditions(&plane)[..2],
        [
            "Suspended False JobResumed Job resumed",
            "SuccessCriteriaMet True CompletionsReached Reached expected number of succeeded pods",
        ]
    );
    let events = plane.events("hello");
    assert_eq!(
        (events[0].as_str(), events[1].as_str()),
        ("Suspended Job suspended", "Resumed Job resumed")
    );
}

#[test]
fn a_finished_job_goes_after_its_time_with_its_pods() {
    let mut plane = Plane::new(1);
    plane.script.exits.insert("c".into(), (100, 0));
    plane.create("jobs.batch", job(json!({"ttlSecondsAfterFinished": 20})));
    plane.run_for(15);
    assert_eq!(
        condition(plane.get("jobs.batch", "hello"), "Complete"),
        "True"
    );
    plane.run_for(15);
    assert!(plane.try_get("jobs.batch", "hello").is_none());
    assert!(pods(&plane).is_empty());
}

#[test]
fn pods_of_a_deleted_job_are_let_go() {
    let mut plane = Plane::new(1);
    plane.create(
        "jobs.batch",
        job(json!({"parallelism": 2, "completions": 2})),
    );
    plane.run_for(5);
    assert_eq!(pods(&plane).len(), 2);
    plane.delete("jobs.batch", "hello");
    plane.run_for(40);
    assert!(pods(&plane).is_empty());
}

#[test]
fn a_pod_that_is_deleted_by_hand_counts_as_failed_and_is_replaced() {
    let mut plane = Plane::new(1);
    plane.create("jobs.batch", job(json!({})));
    plane.run_for(5);
    let first = pods(&plane).remove(0);
    plane.delete("pods", &first);
    plane.run_for(40);
    assert_eq!(status(&plane)["failed"], 1);
    assert_eq!(status(&plane)["active"], 1);
    assert_ne!(pods(&plane), [first]);
}

/// A Job whose pod failed with this code, under this policy; its pod's name.
fn failed(rule: Value, code: i32) -> (Plane, String) {
    let mut plane = Plane::new(1);
    plane.script.exits.insert("c".into(), (100, code));
    let policy = json!({"podFailurePolicy": {"rules": [rule]}, "backoffLimit": 1});
    plane.create("jobs.batch", job(policy));
    plane.run_for(2);
    let first = pods(&plane).first().cloned().unwrap_or_default();
    plane.run_for(200);
    (plane, first)
}

#[test]
fn a_failure_policy_decides_by_exit_code_what_a_failure_means() {
    let codes = |action: &str, operator: &str| json!({"action": action, "onExitCodes": {"containerName": "c", "operator": operator, "values": [42]}});
    let (plane, first) = failed(codes("FailJob", "In"), 42);
    let why = format!(
        "Container c for pod default/{first} failed with exit code 42 matching FailJob rule at index 0"
    );
    assert_eq!(
        conditions(&plane),
        [
            format!("FailureTarget True PodFailurePolicy {why}"),
            format!("Failed True PodFailurePolicy {why}")
        ]
    );
    assert_eq!(status(&plane)["failed"], 1);
    // A code that the rule does not mean counts as ever: two failures are more than one.
    let (plane, _) = failed(codes("FailJob", "In"), 1);
    assert_eq!(status(&plane)["failed"], 2);
    assert!(conditions(&plane)[1].starts_with("Failed True BackoffLimitExceeded"));
    let (plane, _) = failed(codes("FailJob", "NotIn"), 1);
    assert!(conditions(&plane)[1].starts_with("Failed True PodFailurePolicy"));
    let (plane, _) = failed(codes("Ignore", "In"), 42);
    assert_eq!(
        (status(&plane)["failed"].clone(), conditions(&plane).len()),
        (Value::Null, 0)
    );
    let (plane, _) = failed(codes("Count", "In"), 42);
    assert_eq!(status(&plane)["failed"], 2);
}

#[test]
fn a_success_policy_ends_a_job_before_every_index_is_done() {
    let mut plane = Plane::new(1);
    plane.script.exits.insert("c".into(), (5_000, 0));
    let spec = json!({
        "completionMode": "Indexed", "completions": 5, "parallelism": 2,
        "successPolicy": {"rules": [{"succeededIndexes": "9", "succeededCount": 1}, {"succeededIndexes": "0-2", "succeededCount": 2}]},
    });
    plane.create("jobs.batch", job(spec));
    plane.run_for(60);
    let why = "SuccessPolicy Matched rules at index 1";
    assert_eq!(
        conditions(&plane),
        [
            format!("SuccessCriteriaMet True {why}"),
            format!("Complete True {why}")
        ]
    );
    assert_eq!(status(&plane)["completedIndexes"], "0,1");
    assert_eq!(status(&plane)["active"], Value::Null);
}
