//! Evicting a pod: deleting it unless a PodDisruptionBudget is against it. Never waits for one.

use super::draft::is_dry_run;
use super::request::Response;
use super::route::Target;
use super::status::Failure;
use super::{Call, body, pod, read, remove};
use crate::controller::disruption::{BUDGETS, covering};
use crate::controller::meta::{condition, deleting, is_true};
use crate::kind::look::{int, list, text};
use crate::registry::Deletion;
use crate::store::{Object, name_of};
use serde_json::{Value, json};

/// Answers a POST of an `Eviction`: the pod is deleted, or the budget that forbids it is named.
pub(super) fn evict(call: &mut Call<'_>, target: &Target<'_>) -> Result<Response, Failure> {
    let eviction = body::object(&call.request.content_type, &call.request.body)?;
    let pod = read::find(call.store, target)?.clone();
    let own = text(&eviction, "/metadata/name");
    if !own.is_empty() && own != name_of(&pod) {
        return Err(Failure::bad_request(
            "name in URL does not match name in Eviction object",
        ));
    }
    remove::check_preconditions(&eviction["deleteOptions"], target, &pod)?;
    let options = list(&eviction, "/deleteOptions/dryRun");
    let dry_run = is_dry_run(call.request)? || options.iter().any(|one| one == "All");
    if let Some(budget) = concerned(call, &pod)? {
        spend(call, &budget, &pod, dry_run)?;
    }
    if dry_run {
        return Ok(pod::success());
    }
    mark(call, &pod);
    let names = target.kind.names();
    let deletion = Deletion {
        grace_seconds: int(&eviction, "/deleteOptions/gracePeriodSeconds"),
        ..Deletion::default()
    };
    let (space, name) = (target.namespace.unwrap_or_default(), name_of(&pod));
    let deleted = call
        .registry
        .delete(call.store, call.now, names.key, space, name, deletion);
    deleted.map_err(|_| Failure::not_found(names, name))?;
    Ok(pod::success())
}

/// The budget that has a say; pods that do not run, or are ill already, may go without one.
fn concerned(call: &Call<'_>, pod: &Value) -> Result<Option<Object>, Failure> {
    let phase = text(pod, "/status/phase");
    if matches!(phase, "Succeeded" | "Failed" | "Pending") || deleting(pod) {
        return Ok(None);
    }
    let budgets = covering(call.store, pod);
    let budget = match budgets[..] {
        [] => return Ok(None),
        [budget] => budget,
        _ => {
            let message = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
            return Err(Failure::unexplained(message));
        }
    };
    if is_true(pod, "Ready") {
        return Ok(Some(budget.clone()));
    }
    let count = |field: &str| int(&budget["status"], field).unwrap_or(0);
    let enough =
        count("/desiredHealthy") > 0 && count("/currentHealthy") >= count("/desiredHealthy");
    let always = text(budget, "/spec/unhealthyPodEvictionPolicy") == "AlwaysAllow";
    Ok((!always && !enough).then(|| budget.clone()))
}

/// Takes one disruption from the budget, and notes for whom.
fn spend(call: &mut Call<'_>, budget: &Value, pod: &Value, dry_run: bool) -> Result<(), Failure> {
    let status = &budget["status"];
    let name = name_of(budget);
    let observed = int(status, "/observedGeneration").unwrap_or(0);
    if observed < int(budget, "/metadata/generation").unwrap_or(0) {
        let why = format!("The disruption budget {name} is still being processed by the server.");
        return Err(Failure::over_budget(why, 10));
    }
    let allowed = int(status, "/disruptionsAllowed").unwrap_or(0);
    if allowed <= 0 {
        return Err(Failure::over_budget(refusal(budget), 0));
    }
    if dry_run {
        return Ok(());
    }
    let mut next = budget.clone();
    next["status"]["disruptionsAllowed"] = (allowed - 1).into();
    next["status"]["disruptedPods"][name_of(pod)] = call.registry.time(call.now).into();
    let written = call.store.update(BUDGETS, next);
    written
        .map(drop)
        .map_err(|error| Failure::unexplained(error.to_string()))
}

fn refusal(budget: &Value) -> String {
    let name = name_of(budget);
    let count = |field: &str| int(&budget["status"], field).unwrap_or(0);
    let (desired, healthy) = (count("/desiredHealthy"), count("/currentHealthy"));
    let said = condition(budget, "DisruptionAllowed").filter(|said| said["status"] == "False");
    let (reason, message) = said.map_or(("", ""), |said| {
        (text(said, "/reason"), text(said, "/message"))
    });
    match (reason, message) {
        ("SyncFailed", message) if !message.is_empty() => format!(
            "The disruption budget {name} does not allow evicting pods currently because it failed sync: {message}"
        ),
        _ if healthy <= desired => format!(
            "The disruption budget {name} needs {desired} healthy pods and has {healthy} currently"
        ),
        (reason, message) if !message.is_empty() => format!(
            "The disruption budget {name} does not allow evicting pods currently ({reason}): {message}"
        ),
        _ => format!("The disruption budget {name} does not allow evicting pods currently"),
    }
}

/// The pod says why it goes.
fn mark(call: &mut Call<'_>, pod: &Object) {
    if deleting(pod) {
        return;
    }
    let mut next = (**pod).clone();
    let said = json!({
        "type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI",
        "message": "Eviction API: evicting", "lastProbeTime": null,
        "lastTransitionTime": call.registry.time(call.now),
    });
    crate::kubelet::put_condition(&mut next, said);
    let _ = call.store.update("pods", next);
}
