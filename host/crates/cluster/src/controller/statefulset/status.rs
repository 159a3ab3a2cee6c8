//! What a StatefulSet says about itself. Never makes or deletes a pod.

use super::super::Write;
use super::super::meta::{deleting, until_available};
use super::{OWNERS, Step, revision_of};
use clock::Duration;
use serde_json::{Value, json};

/// The writes that bring the status up to date.
pub(super) fn writes(step: &Step<'_>, collisions: i64) -> Vec<Write> {
    let mut writes = Vec::new();
    let mut status = status(step, collisions);
    super::super::meta::keep_conditions(&mut status, step.set, &[]);
    if status != step.set["status"] {
        let mut value = (**step.set).clone();
        value["status"] = status;
        writes.push(Write::UpdateStatus {
            kind: OWNERS.key,
            value,
        });
    }
    // A pod that is Ready but not yet available will be without another event.
    let waits = step
        .pods()
        .filter_map(|pod| until_available(pod, step.min_ready(), step.context.unix()))
        .filter(|wait| *wait > 0);
    if let Some(wait) = waits.min() {
        let wait = Duration::from_secs(u64::try_from(wait).unwrap_or(1));
        writes.push(Write::RequeueAfter(wait));
    }
    writes
}

fn status(step: &Step<'_>, collisions: i64) -> Value {
    let count = |holds: &dyn Fn(&Value) -> bool| step.pods().filter(|pod| holds(pod)).count();
    let of = |revision: &str| count(&|pod| !deleting(pod) && revision_of(pod) == revision);
    let replicas = count(&|_| true);
    let ready = count(&|pod| step.ready(pod));
    let updated = of(&step.update.name);
    let wanted = usize::try_from(step.wanted()).unwrap_or(0);
    let complete = step.rolling() && [updated, ready, replicas] == [wanted; 3];
    let (current_name, current) = match complete {
        true => (&step.update.name, updated),
        false => (&step.current.name, of(&step.current.name)),
    };
    let mut status = json!({
        "observedGeneration": step.set["metadata"]["generation"],
        "replicas": replicas,
        "availableReplicas": count(&|pod| step.available(pod)),
        "currentRevision": current_name,
        "updateRevision": step.update.name,
        "collisionCount": collisions,
    });
    for (field, count) in [
        ("readyReplicas", ready),
        ("currentReplicas", current),
        ("updatedReplicas", updated),
    ] {
        if count > 0 {
            status[field] = count.into();
        }
    }
    status
}
