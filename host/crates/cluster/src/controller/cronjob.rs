//! Begins Jobs by the calendar, and clears away old ones.
//!
//! A time that was missed is made up for once, the latest one, as long as its deadline allows.
//! Never looks at a pod.

use super::meta::{
    controlled_by, deleting, is_true, items, name, namespace, owner_reference, text, uid, unix,
};
use super::pods::Owners;
use super::{Context, Controller, Index, Tone, Write};
use crate::cron::{Schedule, time_zone};
use crate::store::{Event, Key, Object, Store};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

const OWNERS: Owners = Owners {
    key: "cronjobs.batch",
    kind: "CronJob",
    component: "cronjob-controller",
};
const JOBS: &str = "jobs.batch";
/// More missed times than this are told.
const MANY_MISSED: i64 = 100;

/// The CronJob controller.
#[derive(Debug)]
pub struct CronJobs;

impl Controller for CronJobs {
    fn name(&self) -> &'static str {
        OWNERS.component
    }

    fn wakes(&self, event: &Event, _: &Store, _: &Index) -> Vec<Key> {
        match event.kind {
            "cronjobs.batch" => vec![Key::of(OWNERS.key, &event.object)],
            JOBS => OWNERS.of(&event.object).into_iter().collect(),
            _ => Vec::new(),
        }
    }

    fn reconcile(&self, store: &Store, key: &Key, context: &Context<'_>) -> Vec<Write> {
        let Some(cron) = store.get_key(key) else {
            return Vec::new();
        };
        let own = uid(cron);
        let keys = context.index.owned_by(own).filter(|key| key.kind == JOBS);
        let mut jobs: Vec<&Object> = keys
            .filter_map(|key| store.get_key(key))
            .filter(|job| controlled_by(job, own))
            .collect();
        jobs.sort_by_key(|job| {
            let created = text(&job["metadata"]["creationTimestamp"]);
            (created.to_owned(), name(job).to_owned())
        });
        let mut turn = Turn {
            cron,
            context,
            jobs,
            status: cron["status"].clone(),
            writes: Vec::new(),
        };
        turn.clear_away();
        turn.note_active();
        if !deleting(cron) {
            turn.begin(store);
        }
        turn.finish()
    }
}

/// One look at a CronJob, with what has come of it so far.
struct Turn<'a> {
    cron: &'a Object,
    context: &'a Context<'a>,
    jobs: Vec<&'a Object>,
    status: Value,
    writes: Vec<Write>,
}

impl Turn<'_> {
    fn tell(&mut self, tone: Tone, reason: &'static str, message: String) {
        let note = OWNERS.note(self.cron, tone, reason, message);
        self.writes.push(Write::Record(note));
    }

    /// Deletes finished Jobs beyond the limits, the oldest first.
    fn clear_away(&mut self) {
        for (kind, limit) in [
            ("Complete", "successfulJobsHistoryLimit"),
            ("Failed", "failedJobsHistoryLimit"),
        ] {
            let Some(limit) = self.cron["spec"][limit].as_u64() else {
                continue;
            };
            let done = self.jobs.iter().filter(|job| is_true(job, kind));
            let done: Vec<&Object> = done.copied().collect();
            let limit = usize::try_from(limit).unwrap_or(usize::MAX);
            let surplus = done.len().saturating_sub(limit);
            for job in done.into_iter().take(surplus) {
                if !deleting(job) {
                    self.delete(job);
                }
            }
        }
    }

    fn delete(&mut self, job: &Value) {
        let message = format!("Deleted job {}", name(job));
        self.writes.push(Write::Delete {
            key: Key::of(JOBS, job),
            uid: uid(job).to_owned(),
            grace_seconds: None,
            announce: Some(OWNERS.note(self.cron, Tone::Normal, "SuccessfulDelete", message)),
        });
    }

    /// Keeps `status.active` and `status.lastSuccessfulTime` in step with the Jobs.
    fn note_active(&mut self) {
        let before = items(&self.cron["status"]["active"]).to_vec();
        let mut active = Vec::new();
        for job in self.jobs.clone() {
            let known = before.iter().find(|one| one["uid"] == uid(job));
            let end = ["Complete", "Failed"]
                .into_iter()
                .find(|kind| is_true(job, kind));
            match (end, known) {
                (None, Some(known)) => active.push(known.clone()),
                (None, None) if made_by_hand(job) => {
                    let own = name(job);
                    let message =
                        format!("Saw a job that the controller did not create or forgot: {own}");
                    self.tell(Tone::Warning, "UnexpectedJob", message);
                }
                (None, None) => active.push(reference(job)),
                (Some(end), Some(_)) => {
                    let message = format!("Saw completed job: {}, condition: {end}", name(job));
                    self.tell(Tone::Normal, "SawCompletedJob", message);
                }
                (Some(_), None) => {}
            }
            let success = text(&job["status"]["completionTime"]);
            if end == Some("Complete") && success > text(&self.status["lastSuccessfulTime"]) {
                self.status["lastSuccessfulTime"] = success.into();
            }
        }
        for gone in &before {
            if self.jobs.iter().all(|job| gone["uid"] != uid(job)) {
                let message = format!("Active job went missing: {}", text(&gone["name"]));
                self.tell(Tone::Normal, "MissingJob", message);
            }
        }
        if let Some(fields) = self.status.as_object_mut() {
            match active.is_empty() {
                true => fields.remove("active"),
                false => fields.insert("active".to_owned(), active.into()),
            };
        }
    }

    /// Begins the Job whose time has come, and comes back at the next time.
    fn begin(&mut self, store: &Store) {
        let spec = &self.cron["spec"];
        let schedule = Schedule::parse(text(&spec["schedule"]));
        let zone = time_zone(text(&spec["timeZone"]));
        let (Ok(schedule), Some(zone), false) = (schedule, zone, spec["suspend"] == true) else {
            return;
        };
        let now = crate::registry::wall(self.context.epoch, self.context.now);
        if let Some(next) = schedule.next(now, &zone) {
            let wait = next.duration_since(now).unsigned_abs();
            self.writes.push(Write::RequeueAfter(wait));
        }
        let Some(due) = self.due(&schedule, &zone, now) else {
            return;
        };
        let deadline = spec["startingDeadlineSeconds"].as_i64();
        if deadline.is_some_and(|seconds| due.as_second() + seconds < now.as_second()) {
            let when = due
                .to_zoned(zone)
                .strftime("%a, %d %b %Y %H:%M:%S %z")
                .to_string();
            let message = format!("Missed scheduled time to start a job: {when}");
            return self.tell(Tone::Warning, "MissSchedule", message);
        }
        let job_name = format!("{}-{}", name(self.cron), due.as_second() / 60);
        if store.get(JOBS, namespace(self.cron), &job_name).is_some() {
            self.status["lastScheduleTime"] = time(due).into();
            return;
        }
        let running = self.running();
        match text(&spec["concurrencyPolicy"]) {
            "Forbid" if !running.is_empty() => {
                let message = "Not starting job because prior execution is running and concurrency policy is Forbid";
                return self.tell(Tone::Normal, "JobAlreadyActive", message.to_owned());
            }
            "Replace" => {
                for job in &running {
                    self.delete(job);
                }
            }
            _ => {}
        }
        self.create(&job_name, due, &zone);
    }

    fn running(&self) -> Vec<Object> {
        let over = |job: &Value| is_true(job, "Complete") || is_true(job, "Failed");
        let running = self.jobs.iter().filter(|job| !over(job) && !deleting(job));
        running.map(|job| (*job).clone()).collect()
    }

    /// The latest time that has come and was not used.
    fn due(&mut self, schedule: &Schedule, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
        let last = text(&self.status["lastScheduleTime"]);
        let created = text(&self.cron["metadata"]["creationTimestamp"]);
        let mut since = unix(last).or_else(|| unix(created))?;
        if let Some(deadline) = self.cron["spec"]["startingDeadlineSeconds"].as_i64() {
            since = since.max(now.as_second() - deadline);
        }
        let first = schedule.next(Timestamp::from_second(since).ok()?, zone)?;
        if first > now {
            return None;
        }
        let second = schedule.next(first, zone).unwrap_or(Timestamp::MAX);
        let between = second.as_second().saturating_sub(first.as_second()).max(1);
        let missed = now.as_second().saturating_sub(first.as_second()) / between;
        if missed > MANY_MISSED {
            let message = format!(
                "too many missed start times: {}. Set or decrease .spec.startingDeadlineSeconds or check clock skew",
                missed + 1
            );
            self.tell(Tone::Warning, "TooManyMissedTimes", message);
        }
        // From shortly before now on: the distances need not be the same.
        let near = first.as_second() + (missed - 1).max(0) * between - 1;
        let near = near.min(now.as_second() - 1).max(first.as_second() - 1);
        let mut at = schedule.next(Timestamp::from_second(near).ok()?, zone)?;
        let mut latest = first;
        while at <= now {
            latest = at;
            at = schedule.next(at, zone)?;
        }
        Some(latest)
    }

    fn create(&mut self, job_name: &str, due: Timestamp, zone: &TimeZone) {
        let template = &self.cron["spec"]["jobTemplate"];
        let mut metadata = json!({
            "name": job_name,
            "namespace": self.cron["metadata"]["namespace"],
            "ownerReferences": [owner_reference(self.cron)],
        });
        for field in ["labels", "annotations"] {
            if template["metadata"][field].is_object() {
                metadata[field] = template["metadata"][field].clone();
            }
        }
        let local = due.to_zoned(zone.clone());
        let offset = match self.cron["spec"]["timeZone"].is_string() && !local.offset().is_zero() {
            true => local.strftime("%:z").to_string(),
            false => "Z".to_owned(),
        };
        let when = format!("{}{offset}", local.strftime("%Y-%m-%dT%H:%M:%S"));
        metadata["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"] = when.into();
        self.status["lastScheduleTime"] = time(due).into();
        self.writes.push(Write::Create {
            kind: JOBS,
            value: json!({
                "apiVersion": "batch/v1", "kind": "Job", "metadata": metadata,
                "spec": template["spec"],
            }),
            announce: Some(OWNERS.note(
                self.cron,
                Tone::Normal,
                "SuccessfulCreate",
                "Created job ",
            )),
        });
    }

    fn finish(mut self) -> Vec<Write> {
        if self.status != self.cron["status"] {
            let mut value = (**self.cron).clone();
            value["status"] = self.status;
            self.writes.insert(
                0,
                Write::UpdateStatus {
                    kind: OWNERS.key,
                    value,
                },
            );
        }
        self.writes
    }
}

fn time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Whether `kubectl create job --from` made it, of which the controller knows nothing.
fn made_by_hand(job: &Value) -> bool {
    job["metadata"]["annotations"]["cronjob.kubernetes.io/instantiate"] == "manual"
}

fn reference(job: &Value) -> Value {
    json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "namespace": job["metadata"]["namespace"], "name": job["metadata"]["name"],
        "uid": job["metadata"]["uid"], "resourceVersion": job["metadata"]["resourceVersion"],
    })
}
