//! Whether a Job goes on, has succeeded or has failed, in upstream's words. Never writes.

use super::super::meta::{condition, items, text, unix};
use super::Look;
use serde_json::Value;

/// What a look at the pods means for the Job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Neither enough nor too much.
    GoOn,
    /// Enough pods have succeeded; by which rule of the success policy, if by one.
    Succeeded(Option<usize>),
    /// It has failed, for this reason.
    Failed {
        reason: &'static str,
        message: String,
    },
}

impl Verdict {
    pub(super) fn of(look: &Look<'_>) -> Self {
        // What was decided before stays decided while the last pods go.
        if let Some(said) = condition(look.job, "FailureTarget") {
            let reason = match text(&said["reason"]) {
                "DeadlineExceeded" => "DeadlineExceeded",
                "PodFailurePolicy" => "PodFailurePolicy",
                _ => "BackoffLimitExceeded",
            };
            let message = text(&said["message"]).to_owned();
            return Self::Failed { reason, message };
        }
        if condition(look.job, "SuccessCriteriaMet").is_some() {
            return Self::Succeeded(None);
        }
        if let Some(why) = &look.doomed {
            return Self::Failed {
                reason: "PodFailurePolicy",
                message: why.clone(),
            };
        }
        let rule = look
            .done
            .as_ref()
            .and_then(|done| super::policy::met_by(look.job, done));
        if rule.is_some() && !look.suspended() {
            return Self::Succeeded(rule);
        }
        if too_many_failures(look) {
            return Self::Failed {
                reason: "BackoffLimitExceeded",
                message: "Job has reached the specified backoff limit".to_owned(),
            };
        }
        if deadline(look).is_some_and(|due| due <= look.context.unix()) {
            return Self::Failed {
                reason: "DeadlineExceeded",
                message: "Job was active longer than specified deadline".to_owned(),
            };
        }
        let enough = match look.job["spec"]["completions"].as_i64() {
            Some(wanted) => look.succeeded >= wanted,
            None => look.succeeded > 0 && look.active.is_empty(),
        };
        if enough && !look.suspended() {
            Self::Succeeded(None)
        } else {
            Self::GoOn
        }
    }
}

/// When the Job has taken too long, in unix seconds; never while it is suspended.
pub(super) fn deadline(look: &Look<'_>) -> Option<i64> {
    let allowed = look.job["spec"]["activeDeadlineSeconds"].as_i64()?;
    let start = unix(text(&look.job["status"]["startTime"]))?;
    (!look.suspended()).then_some(start + allowed)
}

fn too_many_failures(look: &Look<'_>) -> bool {
    let limit = look.job["spec"]["backoffLimit"].as_i64().unwrap_or(6);
    if look.failed > limit {
        return true;
    }
    // Pods that restart in place count their restarts.
    if look.job["spec"]["template"]["spec"]["restartPolicy"] != "OnFailure" {
        return false;
    }
    let restarts: i64 = look.active.iter().map(|pod| restarts(pod)).sum();
    if limit == 0 {
        restarts > 0
    } else {
        restarts >= limit
    }
}

fn restarts(pod: &Value) -> i64 {
    let lists = ["initContainerStatuses", "containerStatuses"];
    let statuses = lists.iter().flat_map(|list| items(&pod["status"][*list]));
    statuses
        .filter_map(|one| one["restartCount"].as_i64())
        .sum()
}
