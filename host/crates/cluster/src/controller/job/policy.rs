//! What a Job's policies make of a pod that failed and of indexes that succeeded, in upstream's
//! words. Never counts and never writes.

use super::super::meta::{items, name, namespace, text};
use super::indexes::Indexes;
use serde_json::Value;

/// What a failure means for the Job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// One more of those that `backoffLimit` counts.
    Counts,
    /// As if it had not been.
    Ignored,
    /// The Job has failed, for this reason.
    FailsJob(String),
}

/// The first rule that matches a failed pod decides; without one it counts.
pub(super) fn of_failure(job: &Value, pod: &Value) -> Failure {
    let rules = items(&job["spec"]["podFailurePolicy"]["rules"]);
    for (at, rule) in rules.iter().enumerate() {
        let Some(why) = matches(rule, pod) else {
            continue;
        };
        let action = text(&rule["action"]);
        return match action {
            "Ignore" => Failure::Ignored,
            "FailJob" => Failure::FailsJob(format!("{why} matching FailJob rule at index {at}")),
            _ => Failure::Counts,
        };
    }
    Failure::Counts
}

/// What of a pod a rule is about, as a sentence begins; nothing when it is not about this pod.
fn matches(rule: &Value, pod: &Value) -> Option<String> {
    let (space, own) = (namespace(pod), name(pod));
    let codes = &rule["onExitCodes"];
    if codes.is_object() {
        let statuses = ["containerStatuses", "initContainerStatuses"];
        let mut statuses = statuses
            .iter()
            .flat_map(|list| items(&pod["status"][*list]));
        return statuses.find_map(|status| {
            let code = status["state"]["terminated"]["exitCode"].as_i64()?;
            let container = text(&status["name"]);
            let meant = codes["containerName"]
                .as_str()
                .is_none_or(|name| name == container);
            let listed = items(&codes["values"]).iter().any(|value| *value == code);
            // An exit code of 0 is no failure, whatever the rule says.
            let held = code != 0 && listed == (codes["operator"] == "In");
            (meant && held).then(|| {
                format!("Container {container} for pod {space}/{own} failed with exit code {code}")
            })
        });
    }
    let wanted = items(&rule["onPodConditions"]);
    let conditions = items(&pod["status"]["conditions"]);
    let found = conditions.iter().find(|condition| {
        wanted.iter().any(|pattern| {
            pattern["type"] == condition["type"]
                && pattern["status"].as_str().unwrap_or("True") == text(&condition["status"])
        })
    })?;
    let kind = text(&found["type"]);
    Some(format!("Pod {space}/{own} has condition {kind}"))
}

/// Which rule of the success policy is met by these indexes.
pub(super) fn met_by(job: &Value, done: &Indexes) -> Option<usize> {
    let rules = items(&job["spec"]["successPolicy"]["rules"]);
    rules.iter().position(|rule| {
        let wanted = rule["succeededIndexes"].as_str().map(Indexes::parse);
        let among = match &wanted {
            Some(wanted) => done.common(wanted),
            None => done.len(),
        };
        let all = wanted.as_ref().map_or(i64::MAX, Indexes::len);
        among >= rule["succeededCount"].as_i64().unwrap_or(all)
    })
}
