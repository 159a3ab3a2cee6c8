//! Runs pods until enough of them have succeeded, or too many have failed.
//!
//! ```text
//! make pods ─► count those that end ─► enough? SuccessCriteriaMet ─► all gone ─► Complete
//!     ▲                │ too many failed, or too late: FailureTarget ─► all gone ─► Failed
//!     └── wait longer after each failure
//! ```
//!
//! A finalizer keeps every pod until it is counted, and it is counted and let go in one step.
//! Limits per index are not in this lab.

mod indexes;
mod policy;
mod status;
mod verdict;

use super::meta::{
    condition, controller_of, deleting, is_true, items, name, pod_finished, pod_ready, text, uid,
    unix,
};
use super::pods::{Owners, claim, from_template};
use super::{Context, Controller, Index, Write};
use crate::store::{Event, Key, Object, Store};
use clock::Duration;
use indexes::Indexes;
use serde_json::Value;
use std::collections::BTreeSet;
use verdict::Verdict;

pub(crate) const OWNERS: Owners = Owners {
    key: "jobs.batch",
    kind: "Job",
    component: "job-controller",
};
/// Keeps a pod until its Job has counted it.
const FINALIZER: &str = "batch.kubernetes.io/job-tracking";
/// How many pods one reconcile creates at most.
const BURST: usize = 500;

/// The Job controller, with the one that removes finished Jobs after their time.
#[derive(Debug)]
pub struct Jobs;

impl Controller for Jobs {
    fn name(&self) -> &'static str {
        OWNERS.component
    }

    fn pace(&self, store: &Store) -> Duration {
        super::pace_of_crowds(store)
    }

    fn wakes(&self, event: &Event, store: &Store, index: &Index) -> Vec<Key> {
        OWNERS.woken_by(event, store, index)
    }

    fn reconcile(&self, store: &Store, key: &Key, context: &Context<'_>) -> Vec<Write> {
        let mut writes = release_abandoned(store, key, context);
        let Some(job) = store.get_key(key) else {
            return writes;
        };
        let manager = text(&job["spec"]["managedBy"]);
        if !matches!(manager, "" | "kubernetes.io/job-controller") {
            return writes;
        }
        let pods = claim(store, job, context, |_| true, &mut writes);
        if deleting(job) || status::finished_at(job).is_some() {
            let kept = pods.iter().filter(|pod| tracked(pod));
            writes.extend(kept.map(|pod| let_go(pod)));
            writes.extend(remove_after_its_time(job, context));
            return writes;
        }
        let look = Look::new(job, pods, context);
        let verdict = Verdict::of(&look);
        // A Job says that it goes on before it makes pods, and that it is over after.
        let kept = look.keep(&verdict);
        let told = status::writes(&look, &verdict);
        match look.resumes() {
            true => writes.extend(told.into_iter().chain(kept)),
            false => writes.extend(kept.into_iter().chain(told)),
        }
        let counted = look
            .pods
            .iter()
            .filter(|pod| tracked(pod) && look.ended(pod));
        writes.extend(counted.map(|pod| let_go(pod)));
        writes
    }
}

fn tracked(pod: &Value) -> bool {
    items(&pod["metadata"]["finalizers"])
        .iter()
        .any(|one| one == FINALIZER)
}

/// The pod without the finalizer.
fn let_go(pod: &Value) -> Write {
    let mut value = pod.clone();
    let kept = items(&pod["metadata"]["finalizers"]).iter();
    let kept: Vec<Value> = kept.filter(|one| *one != FINALIZER).cloned().collect();
    if let Some(metadata) = value["metadata"].as_object_mut() {
        match kept.is_empty() {
            true => metadata.remove("finalizers"),
            false => metadata.insert("finalizers".to_owned(), kept.into()),
        };
    }
    Write::Update {
        kind: "pods",
        value,
    }
}

/// Pods that wait to be counted by a Job of this name that is no more, or by nobody.
fn release_abandoned(store: &Store, key: &Key, context: &Context<'_>) -> Vec<Write> {
    let abandoned = |pod: &Value| match controller_of(pod) {
        None => true,
        Some(owner) => {
            owner["kind"] == OWNERS.kind
                && owner["name"] == key.name
                && context.index.with_uid(text(&owner["uid"])).is_none()
        }
    };
    let orphans = context.index.orphans("pods", &key.namespace);
    let orphaned = context.index.controlled("pods", OWNERS.kind, key);
    // In the order of their names, whoever they belong to.
    let pods: BTreeSet<&Key> = orphans.chain(orphaned).collect();
    let pods = pods.into_iter().filter_map(|key| store.get_key(key));
    pods.filter(|pod| tracked(pod) && abandoned(pod))
        .map(|pod| let_go(pod))
        .collect()
}

/// Deletes a finished Job when `ttlSecondsAfterFinished` is over.
fn remove_after_its_time(job: &Value, context: &Context<'_>) -> Option<Write> {
    let ttl = job["spec"]["ttlSecondsAfterFinished"].as_i64()?;
    let due = status::finished_at(job)? + ttl - context.unix();
    if deleting(job) {
        return None;
    }
    if due > 0 {
        return Some(Write::RequeueAfter(seconds(due)));
    }
    Some(Write::Delete {
        key: Key::of(OWNERS.key, job),
        uid: uid(job).to_owned(),
        grace_seconds: None,
        announce: None,
    })
}

fn seconds(count: i64) -> Duration {
    Duration::from_secs(u64::try_from(count.max(1)).unwrap_or(1))
}

/// A Job with its pods, at one look.
struct Look<'a> {
    job: &'a Object,
    context: &'a Context<'a>,
    pods: Vec<&'a Object>,
    /// Those that run or will.
    active: Vec<&'a Object>,
    /// Those that are on their way out.
    terminating: usize,
    succeeded: i64,
    failed: i64,
    /// Why a pod's failure is the Job's, if one's is.
    doomed: Option<String>,
    /// The indexes that have succeeded, of an Indexed Job.
    done: Option<Indexes>,
}

impl<'a> Look<'a> {
    fn new(job: &'a Object, mut pods: Vec<&'a Object>, context: &'a Context<'a>) -> Self {
        pods.sort_by_key(|pod| {
            let created = text(&pod["metadata"]["creationTimestamp"]);
            (created.to_owned(), name(pod).to_owned())
        });
        let before = |field: &str| job["status"][field].as_i64().unwrap_or(0);
        let alive = |pod: &&&Object| !pod_finished(pod) && !deleting(pod);
        let mut look = Self {
            job,
            context,
            active: pods.iter().filter(alive).copied().collect(),
            terminating: pods
                .iter()
                .filter(|pod| deleting(pod) && !pod_finished(pod))
                .count(),
            succeeded: before("succeeded"),
            failed: before("failed"),
            doomed: None,
            done: None,
            pods,
        };
        look.count_ended();
        look
    }

    /// Counts pods that have ended since the last look.
    fn count_ended(&mut self) {
        let indexed = self.job["spec"]["completionMode"] == "Indexed";
        let mut done = Indexes::parse(text(&self.job["status"]["completedIndexes"]));
        for pod in self.pods.iter().filter(|pod| tracked(pod)) {
            if pod["status"]["phase"] == "Succeeded" {
                let index = indexes::of(pod).filter(|index| *index < self.completions());
                match (indexed, index) {
                    (true, Some(index)) => done.insert(index),
                    (true, None) => {}
                    (false, _) => self.succeeded += 1,
                }
            } else if self.ended(pod) {
                match policy::of_failure(self.job, pod) {
                    policy::Failure::Ignored => {}
                    policy::Failure::Counts => self.failed += 1,
                    policy::Failure::FailsJob(why) => {
                        self.failed += 1;
                        self.doomed.get_or_insert(why);
                    }
                }
            }
        }
        if indexed {
            done.keep_below(self.completions());
            self.succeeded = done.len();
            self.done = Some(done);
        }
    }

    /// Whether a pod counts as ended: also when it is on its way out, unless replacements wait.
    fn ended(&self, pod: &Value) -> bool {
        pod_finished(pod) || (deleting(pod) && !self.waits_for_ends())
    }

    fn waits_for_ends(&self) -> bool {
        self.job["spec"]["podReplacementPolicy"] == "Failed"
    }

    /// How many have to succeed; any number when one is enough.
    fn completions(&self) -> i64 {
        let wanted = self.job["spec"]["completions"].as_i64();
        wanted.unwrap_or(i64::MAX)
    }

    fn suspended(&self) -> bool {
        self.job["spec"]["suspend"] == true
    }

    /// Whether it was suspended until now.
    fn resumes(&self) -> bool {
        !self.suspended() && is_true(self.job, "Suspended")
    }

    fn ready(&self) -> usize {
        self.active.iter().filter(|pod| pod_ready(pod)).count()
    }

    /// Deletes what is too many and makes what is missing.
    fn keep(&self, verdict: &Verdict) -> Vec<Write> {
        if self.suspended() || !matches!(verdict, Verdict::GoOn) {
            let all = self.active.iter();
            return all.map(|pod| OWNERS.delete(self.job, pod)).collect();
        }
        // An adopted pod is counted as well, once it is marked.
        let unmarked = self.active.iter().filter(|pod| !tracked(pod));
        let mut writes: Vec<Write> = unmarked.map(|pod| mark(pod)).collect();
        let wanted = usize::try_from(self.wanted()).unwrap_or(0);
        let surplus = self.surplus(wanted);
        let active = self.active.len() - surplus.len();
        writes.extend(surplus.into_iter().map(|pod| OWNERS.delete(self.job, pod)));
        let waiting = if self.waits_for_ends() {
            self.terminating
        } else {
            0
        };
        let missing = wanted.saturating_sub(active + waiting).min(BURST);
        if missing == 0 {
            return writes;
        }
        match self.pause() {
            Some(pause) => writes.push(Write::RequeueAfter(pause)),
            None => writes.extend(self.create(missing)),
        }
        writes
    }

    /// How many should run now.
    fn wanted(&self) -> i64 {
        let parallelism = self.job["spec"]["parallelism"].as_i64().unwrap_or(1);
        match self.job["spec"]["completions"].as_i64() {
            Some(completions) => (completions - self.succeeded).clamp(0, parallelism),
            // Once one has succeeded, no more are begun.
            None if self.succeeded > 0 => {
                let active = i64::try_from(self.active.len()).unwrap_or(i64::MAX);
                active.min(parallelism)
            }
            None => parallelism,
        }
    }

    /// Which of the active pods are too many: of an index that is done or taken, else the youngest.
    fn surplus(&self, wanted: usize) -> Vec<&'a Object> {
        let mut taken = self.done.clone();
        let (mut kept, mut surplus) = (Vec::new(), Vec::new());
        for pod in &self.active {
            let fits = match &mut taken {
                None => true,
                Some(taken) => indexes::of(pod)
                    .is_some_and(|index| index < self.completions() && taken.take(index)),
            };
            if fits { &mut kept } else { &mut surplus }.push(*pod);
        }
        // Those that are not ready go first.
        kept.sort_by_key(|pod| !pod_ready(pod));
        let too_many = kept.len().saturating_sub(wanted);
        surplus.extend(kept.into_iter().rev().take(too_many));
        surplus
    }

    /// How long the next pod has to wait after failures: 10 s, doubling, at most ten minutes.
    fn pause(&self) -> Option<Duration> {
        const BASE: i64 = 10;
        const MOST: i64 = 600;
        let ended = |phase: &str| -> Vec<i64> {
            let pods = self
                .pods
                .iter()
                .filter(|pod| pod["status"]["phase"] == phase);
            pods.map(|pod| ended_at(pod)).collect()
        };
        let success = ended("Succeeded").into_iter().max().unwrap_or(0);
        let failures: Vec<i64> = ended("Failed")
            .into_iter()
            .filter(|at| *at > success)
            .collect();
        let last = failures.iter().max()?;
        let doublings = u32::try_from(failures.len() - 1).unwrap_or(0).min(10);
        let due = last + (BASE << doublings).min(MOST) - self.context.unix();
        (due > 0).then(|| seconds(due))
    }

    fn create(&self, count: usize) -> Vec<Write> {
        let new = |index: Option<i64>| {
            let mut pod = from_template(self.job, &self.job["spec"]["template"]);
            pod["metadata"]["finalizers"] = vec![FINALIZER].into();
            if let Some(index) = index {
                indexes::give(&mut pod, name(self.job), index);
            }
            OWNERS.create(self.job, pod)
        };
        let Some(mut taken) = self.done.clone() else {
            return (0..count).map(|_| new(None)).collect();
        };
        let held = self.pods.iter().filter(|pod| !pod_finished(pod));
        let held = held.filter(|pod| !deleting(pod) || self.waits_for_ends());
        for index in held.filter_map(|pod| indexes::of(pod)) {
            taken.insert(index);
        }
        let free = (0..self.completions()).filter(|index| !taken.contains(*index));
        free.take(count).map(|index| new(Some(index))).collect()
    }
}

fn mark(pod: &Value) -> Write {
    let mut value = pod.clone();
    let mut finalizers = items(&pod["metadata"]["finalizers"]).to_vec();
    finalizers.push(FINALIZER.into());
    value["metadata"]["finalizers"] = finalizers.into();
    Write::Update {
        kind: "pods",
        value,
    }
}

/// When the last container ended, in unix seconds.
fn ended_at(pod: &Value) -> i64 {
    let statuses = items(&pod["status"]["containerStatuses"]).iter();
    let ends = statuses.filter_map(|one| unix(text(&one["state"]["terminated"]["finishedAt"])));
    let ready = || condition(pod, "Ready").and_then(|one| unix(text(&one["lastTransitionTime"])));
    ends.max().or_else(ready).unwrap_or(0)
}
