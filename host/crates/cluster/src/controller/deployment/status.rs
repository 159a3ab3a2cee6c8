//! What a Deployment says about itself: counts, and the conditions Available and Progressing.
//!
//! Never scales. The words are upstream's.

use super::super::meta::{condition, name, text, unix};
use super::super::{Context, Write};
use super::KIND;
use super::rollout::Rollout;
use clock::Duration;
use serde_json::{Value, json};

/// A condition's content, without its times.
pub(crate) struct Said {
    kind: &'static str,
    status: &'static str,
    reason: &'static str,
    message: String,
}

/// Why the Deployment moves on, when a step has just been taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A ReplicaSet for the template was created.
    Created,
    /// One for the template existed already.
    Found,
    /// None of these.
    None,
}

impl Said {
    fn new(
        kind: &'static str,
        status: &'static str,
        reason: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self {
            kind,
            status,
            reason,
            message: message.into(),
        }
    }

    /// What a pause or its end says.
    pub(crate) fn paused(paused: bool) -> Self {
        if paused {
            Self::new(
                "Progressing",
                "Unknown",
                "DeploymentPaused",
                "Deployment is paused",
            )
        } else {
            Self::new(
                "Progressing",
                "Unknown",
                "DeploymentResumed",
                "Deployment is resumed",
            )
        }
    }
}

/// The writes that bring the status up to date; `new_name` is a ReplicaSet that a step just made.
pub(crate) fn writes(rollout: &Rollout<'_>, step: Step, new_name: Option<&str>) -> Vec<Write> {
    let deployment = rollout.deployment;
    let mut status = counts(rollout);
    let mut conditions: Vec<Value> =
        super::super::meta::items(&deployment["status"]["conditions"]).to_vec();
    say(&mut conditions, availability(rollout), rollout.context);
    if let Some(said) = progress(rollout, step, new_name, &status) {
        say(&mut conditions, said, rollout.context);
    }
    match failure(rollout) {
        Some(said) => say(&mut conditions, said, rollout.context),
        None => conditions.retain(|condition| condition["type"] != "ReplicaFailure"),
    }
    status["conditions"] = conditions.into();
    let mut writes = Vec::new();
    if let Some(collisions) = deployment["status"]["collisionCount"].as_i64() {
        status["collisionCount"] = collisions.into();
    }
    writes.extend(wait_for_deadline(rollout, &status));
    if status != deployment["status"] {
        let mut next = (**deployment).clone();
        next["status"] = status;
        writes.push(Write::UpdateStatus {
            kind: KIND,
            value: next,
        });
    }
    writes
}

/// What a ReplicaSet says that may not make its pods, the new one first.
fn failure(rollout: &Rollout<'_>) -> Option<Said> {
    let sets = rollout.new_set.into_iter().chain(rollout.all());
    let mut failures = sets.filter_map(|set| condition(set, "ReplicaFailure"));
    let message = text(&failures.next()?["message"]);
    let (kind, reason) = ("ReplicaFailure", "FailedCreate");
    Some(Said::new(kind, "True", reason, message))
}

fn counts(rollout: &Rollout<'_>) -> Value {
    let sum = |field: &str| -> i64 {
        rollout
            .all()
            .map(|set| set["status"][field].as_i64().unwrap_or(0))
            .sum()
    };
    let replicas = sum("replicas");
    let available = sum("availableReplicas");
    let updated = rollout
        .new_set
        .map_or(0, |set| set["status"]["replicas"].as_i64().unwrap_or(0));
    let mut status = json!({
        "observedGeneration": rollout.deployment["metadata"]["generation"],
        "terminatingReplicas": sum("terminatingReplicas"),
    });
    for (field, count) in [
        ("replicas", replicas),
        ("updatedReplicas", updated),
        ("readyReplicas", sum("readyReplicas")),
        ("availableReplicas", available),
        (
            "unavailableReplicas",
            (rollout.wanted_in_all() - available).max(0),
        ),
    ] {
        if count > 0 {
            status[field] = count.into();
        }
    }
    status
}

fn availability(rollout: &Rollout<'_>) -> Said {
    let available: i64 = rollout
        .all()
        .map(|set| set["status"]["availableReplicas"].as_i64().unwrap_or(0))
        .sum();
    if available >= rollout.wanted - rollout.max_unavailable() {
        Said::new(
            "Available",
            "True",
            "MinimumReplicasAvailable",
            "Deployment has minimum availability.",
        )
    } else {
        Said::new(
            "Available",
            "False",
            "MinimumReplicasUnavailable",
            "Deployment does not have minimum availability.",
        )
    }
}

/// What Progressing says now; `None` leaves it as it is.
fn progress(
    rollout: &Rollout<'_>,
    step: Step,
    new_name: Option<&str>,
    status: &Value,
) -> Option<Said> {
    let deployment = rollout.deployment;
    deployment["spec"]["progressDeadlineSeconds"].as_i64()?;
    let current = condition(deployment, "Progressing");
    let reason = current.map_or("", |condition| text(&condition["reason"]));
    if rollout.paused() || reason == "DeploymentPaused" {
        return match (rollout.paused(), reason) {
            (true, "DeploymentPaused") => None,
            (paused, _) => Some(Said::paused(paused)),
        };
    }
    let subject = new_name
        .or_else(|| rollout.new_set.map(|set| name(set)))
        .map_or_else(
            || format!("Deployment \"{}\"", name(deployment)),
            |name| format!("ReplicaSet \"{name}\""),
        );
    match step {
        Step::Created => {
            let message = format!(
                "Created new replica set \"{}\"",
                new_name.unwrap_or_default()
            );
            return Some(Said::new(
                "Progressing",
                "True",
                "NewReplicaSetCreated",
                message,
            ));
        }
        Step::Found if reason.is_empty() => {
            let found = rollout.new_set.map_or("", |set| name(set));
            let message = format!("Found new replica set \"{found}\"");
            return Some(Said::new(
                "Progressing",
                "True",
                "FoundNewReplicaSet",
                message,
            ));
        }
        Step::Found | Step::None => {}
    }
    let count = |status: &Value, field: &str| status[field].as_i64().unwrap_or(0);
    let before = &deployment["status"];
    let complete = count(status, "updatedReplicas") == rollout.wanted
        && count(status, "replicas") == rollout.wanted
        && count(status, "availableReplicas") == rollout.wanted
        && rollout.new_set.is_some();
    // An unchanged, long complete Deployment keeps its word even while pods come and go.
    let settled = reason == "NewReplicaSetAvailable";
    if complete {
        let message = format!("{subject} has successfully progressed.");
        return Some(Said::new(
            "Progressing",
            "True",
            "NewReplicaSetAvailable",
            message,
        ));
    }
    if settled && count(status, "updatedReplicas") == count(status, "replicas") {
        return None;
    }
    let moved = count(status, "updatedReplicas") > count(before, "updatedReplicas")
        || count(status, "replicas") - count(status, "updatedReplicas")
            < count(before, "replicas") - count(before, "updatedReplicas")
        || count(status, "readyReplicas") > count(before, "readyReplicas")
        || count(status, "availableReplicas") > count(before, "availableReplicas");
    if moved {
        return Some(Said::new(
            "Progressing",
            "True",
            "ReplicaSetUpdated",
            format!("{subject} is progressing."),
        ));
    }
    if deadline(rollout).is_some_and(|at| at <= rollout.context.unix())
        && reason != "ProgressDeadlineExceeded"
    {
        let message = format!("{subject} has timed out progressing.");
        return Some(Said::new(
            "Progressing",
            "False",
            "ProgressDeadlineExceeded",
            message,
        ));
    }
    None
}

/// When the deadline of an unfinished rollout passes, in unix seconds.
fn deadline(rollout: &Rollout<'_>) -> Option<i64> {
    let progressing = condition(rollout.deployment, "Progressing")?;
    if matches!(
        text(&progressing["reason"]),
        "NewReplicaSetAvailable" | "ProgressDeadlineExceeded" | "DeploymentPaused"
    ) {
        return None;
    }
    let seconds = rollout.deployment["spec"]["progressDeadlineSeconds"].as_i64()?;
    Some(unix(text(&progressing["lastUpdateTime"]))? + seconds)
}

/// Come back when the deadline of an unfinished rollout has passed.
fn wait_for_deadline(rollout: &Rollout<'_>, status: &Value) -> Option<Write> {
    let progressing = super::super::meta::items(&status["conditions"])
        .iter()
        .find(|c| c["type"] == "Progressing")?;
    if matches!(
        text(&progressing["reason"]),
        "NewReplicaSetAvailable" | "ProgressDeadlineExceeded" | "DeploymentPaused"
    ) {
        return None;
    }
    let seconds = rollout.deployment["spec"]["progressDeadlineSeconds"].as_i64()?;
    let due = unix(text(&progressing["lastUpdateTime"]))? + seconds - rollout.context.unix();
    Some(Write::RequeueAfter(Duration::from_secs(
        u64::try_from(due.max(1)).unwrap_or(1),
    )))
}

/// Sets a condition as `SetDeploymentCondition` does: one whose status and reason stay is left as
/// it is, any other goes to the end. Progress is told again each time.
fn say(conditions: &mut Vec<Value>, said: Said, context: &Context<'_>) {
    let now = context.time();
    let mut next = json!({
        "type": said.kind, "status": said.status, "reason": said.reason, "message": said.message,
        "lastUpdateTime": now, "lastTransitionTime": now,
    });
    let at = conditions
        .iter()
        .position(|condition| condition["type"] == said.kind);
    if let Some(at) = at {
        let current = &conditions[at];
        let same = current["status"] == said.status && current["reason"] == said.reason;
        if same && said.reason != "ReplicaSetUpdated" {
            return;
        }
        if current["status"] == said.status {
            next["lastTransitionTime"] = current["lastTransitionTime"].clone();
        }
        conditions.remove(at);
    }
    conditions.push(next);
}
