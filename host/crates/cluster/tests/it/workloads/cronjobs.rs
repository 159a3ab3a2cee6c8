//! Jobs by the calendar, in virtual time.

use super::name;
use crate::plane::{EPOCH, Plane};
use serde_json::{Value, json};

pub(super) fn cron(spec: Value) -> Value {
    let mut cron = json!({
        "apiVersion": "batch/v1", "kind": "CronJob",
        "metadata": {"name": "tick", "namespace": "default"},
        "spec": {
            "schedule": "*/2 * * * *",
            "jobTemplate": {"spec": {"template": {"spec": {
                "restartPolicy": "Never",
                "containers": [{"name": "c", "image": "busybox:1.28"}],
            }}}},
        },
    });
    for (field, value) in spec.as_object().into_iter().flatten() {
        cron["spec"][field] = value.clone();
    }
    cron
}

fn jobs(plane: &Plane) -> Vec<String> {
    let jobs = plane.list("jobs.batch");
    jobs.iter().map(|job| name(job).to_owned()).collect()
}

/// The name of the Job that is due so many minutes after the world began.
fn due(minutes: i64) -> String {
    format!("tick-{}", EPOCH / 60 + minutes)
}

#[test]
fn jobs_begin_by_the_calendar_and_old_ones_go() {
    let mut plane = Plane::new(1);
    plane.script.exits.insert("c".into(), (1000, 0));
    plane.create(
        "cronjobs.batch",
        cron(json!({"successfulJobsHistoryLimit": 2})),
    );
    plane.run_for(125);
    assert_eq!(jobs(&plane), [due(2)]);
    let job = plane.get("jobs.batch", &due(2));
    assert_eq!(
        job["metadata"]["annotations"],
        json!({"batch.kubernetes.io/cronjob-scheduled-timestamp": "2026-11-21T05:46:00Z"})
    );
    assert_eq!(job["metadata"]["ownerReferences"][0]["kind"], "CronJob");
    let status = &plane.get("cronjobs.batch", "tick")["status"];
    assert_eq!(status["lastScheduleTime"], "2026-11-21T05:46:00Z");
    plane.run_for(10 * 60);
    assert_eq!(jobs(&plane), [due(10), due(12)]);
    let events = plane.events("tick");
    assert_eq!(
        events[0],
        format!("SuccessfulCreate Created job {}", due(2))
    );
    assert_eq!(
        events[1],
        format!(
            "SawCompletedJob Saw completed job: {}, condition: Complete",
            due(2)
        )
    );
    assert!(events.contains(&format!("SuccessfulDelete Deleted job {}", due(2))));
    assert!(
        plane.get("cronjobs.batch", "tick")["status"]
            .get("active")
            .is_none()
    );
}

#[test]
fn policies_decide_what_happens_while_one_still_runs() {
    for (policy, running) in [("Allow", 3), ("Forbid", 1), ("Replace", 1)] {
        let mut plane = Plane::new(1);
        plane.create("cronjobs.batch", cron(json!({"concurrencyPolicy": policy})));
        plane.run_for(6 * 60 + 40);
        assert_eq!(jobs(&plane).len(), running, "{policy}");
        let last = if policy == "Forbid" { due(2) } else { due(6) };
        assert_eq!(jobs(&plane).last(), Some(&last), "{policy}");
        let active = plane.get("cronjobs.batch", "tick")["status"]["active"].clone();
        assert_eq!(active.as_array().map(Vec::len), Some(running), "{policy}");
        let events = plane.events("tick");
        let refused = "JobAlreadyActive Not starting job because prior execution is running and concurrency policy is Forbid";
        assert_eq!(
            events.iter().any(|event| event == refused),
            policy == "Forbid"
        );
    }
}

#[test]
fn a_suspended_one_begins_nothing_and_makes_up_for_the_latest_time_only() {
    let mut plane = Plane::new(1);
    plane.script.exits.insert("c".into(), (1000, 0));
    plane.create("cronjobs.batch", cron(json!({"suspend": true})));
    plane.run_for(7 * 60);
    assert!(jobs(&plane).is_empty());
    plane.edit("cronjobs.batch", "tick", |cron| {
        cron["spec"]["suspend"] = false.into()
    });
    plane.run_for(5);
    assert_eq!(jobs(&plane), [due(6)]);
}

#[test]
fn a_deadline_forgets_what_is_too_long_ago() {
    let mut plane = Plane::new(1);
    plane.create(
        "cronjobs.batch",
        cron(json!({"suspend": true, "startingDeadlineSeconds": 30})),
    );
    plane.run_for(7 * 60);
    plane.edit("cronjobs.batch", "tick", |cron| {
        cron["spec"]["suspend"] = false.into()
    });
    plane.run_for(5);
    assert!(jobs(&plane).is_empty());
}

#[test]
fn times_are_those_of_the_zone() {
    let mut plane = Plane::new(1);
    // 14:50 in Tokyo is 05:50 UTC; the world begins at 05:44.
    plane.create(
        "cronjobs.batch",
        cron(json!({"schedule": "50 14 * * *", "timeZone": "Asia/Tokyo"})),
    );
    plane.run_for(7 * 60);
    assert_eq!(jobs(&plane), [due(6)]);
    assert_eq!(
        plane.get("jobs.batch", &due(6))["metadata"]["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"],
        "2026-11-21T14:50:00+09:00"
    );
}

#[test]
fn a_job_made_by_hand_is_unexpected_and_none_of_the_active_ones() {
    let mut plane = Plane::new(1);
    plane.create("cronjobs.batch", cron(json!({"schedule": "0 0 1 1 *"})));
    let cron = plane.get("cronjobs.batch", "tick").clone();
    let job = json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {
            "name": "now", "namespace": "default",
            "annotations": {"cronjob.kubernetes.io/instantiate": "manual"},
            "ownerReferences": [{"apiVersion": "batch/v1", "kind": "CronJob", "name": "tick", "uid": cron["metadata"]["uid"], "controller": true}],
        },
        "spec": cron["spec"]["jobTemplate"]["spec"],
    });
    plane.create("jobs.batch", job);
    plane.run_for(5);
    assert_eq!(
        plane.events("tick"),
        ["UnexpectedJob Saw a job that the controller did not create or forgot: now"]
    );
    assert!(plane.get("cronjobs.batch", "tick")["status"]["active"].is_null());
}
