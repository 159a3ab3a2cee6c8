//! What a DaemonSet says about itself. Never makes or deletes a pod.

use super::super::Write;
use super::super::meta::{pod_ready, until_available};
use super::{Look, OWNERS, alive};
use clock::Duration;
use serde_json::{Value, json};

/// The writes that bring the status up to date.
pub(super) fn writes(look: &Look<'_>, collisions: Option<i64>) -> Vec<Write> {
    let mut writes = Vec::new();
    let mut status = status(look, collisions);
    super::super::meta::keep_conditions(&mut status, look.set, &[]);
    if status != look.set["status"] {
        let mut value = (**look.set).clone();
        value["status"] = status;
        writes.push(Write::UpdateStatus {
            kind: OWNERS.key,
            value,
        });
    }
    let min_ready = look.set["spec"]["minReadySeconds"].as_i64().unwrap_or(0);
    let pods = look.spots.iter().flat_map(|spot| &spot.pods);
    let waits = pods
        .filter_map(|pod| until_available(pod, min_ready, look.context.unix()))
        .filter(|wait| *wait > 0);
    if let Some(wait) = waits.min() {
        let wait = Duration::from_secs(u64::try_from(wait).unwrap_or(1));
        writes.push(Write::RequeueAfter(wait));
    }
    writes
}

fn status(look: &Look<'_>, collisions: Option<i64>) -> Value {
    let [mut desired, mut current, mut misplaced] = [0; 3];
    let [mut ready, mut available, mut updated] = [0; 3];
    for spot in &look.spots {
        if !spot.placement.may_come {
            misplaced += i64::from(!spot.pods.is_empty());
            continue;
        }
        desired += 1;
        current += i64::from(!spot.pods.is_empty());
        // The oldest that lives speaks for the node.
        let Some(pod) = alive(&spot.pods).chain(spot.pods.iter().copied()).next() else {
            continue;
        };
        ready += i64::from(pod_ready(pod));
        available += i64::from(look.available(pod));
        updated += i64::from(look.is_new(pod));
    }
    let mut status = json!({
        "currentNumberScheduled": current,
        "desiredNumberScheduled": desired,
        "numberMisscheduled": misplaced,
        "numberReady": ready,
        "observedGeneration": look.set["metadata"]["generation"],
    });
    for (field, count) in [
        ("updatedNumberScheduled", updated),
        ("numberAvailable", available),
        ("numberUnavailable", desired - available),
    ] {
        if count > 0 {
            status[field] = count.into();
        }
    }
    if let Some(collisions) = collisions {
        status["collisionCount"] = collisions.into();
    }
    status
}
