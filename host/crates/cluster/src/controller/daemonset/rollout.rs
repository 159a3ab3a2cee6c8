//! Which pods of an older template may go now, and with surge which new ones may come first.
//! Never looks at nodes that are no place for a pod.

use super::super::Write;
use super::super::meta::{deleting, name, scaled};
use super::{Look, alive};
use crate::store::Object;
use serde_json::Value;

fn bound<'a>(look: &'a Look<'_>, field: &str) -> &'a Value {
    &look.set["spec"]["updateStrategy"]["rollingUpdate"][field]
}

fn places(look: &Look<'_>) -> i64 {
    let wanted = look.spots.iter().filter(|spot| spot.placement.may_come);
    i64::try_from(wanted.count()).unwrap_or(i64::MAX)
}

/// How many nodes may have two pods during an update.
pub(super) fn max_surge(look: &Look<'_>) -> i64 {
    if look.set["spec"]["updateStrategy"]["type"] == "OnDelete" {
        return 0;
    }
    scaled(bound(look, "maxSurge"), places(look), true)
}

fn max_unavailable(look: &Look<'_>) -> i64 {
    let allowed = scaled(bound(look, "maxUnavailable"), places(look), true);
    match (allowed, max_surge(look)) {
        (0, 0) => 1,
        _ => allowed,
    }
}

/// The writes of one step of an update.
pub(super) fn writes(look: &Look<'_>) -> Vec<Write> {
    match max_surge(look) {
        0 => replace(look),
        surge => overlap(look, surge),
    }
}

/// The living pods of a node, the new and the old one.
fn both<'a>(look: &Look<'_>, pods: &[&'a Object]) -> (Option<&'a Object>, Option<&'a Object>) {
    let (new, old): (Vec<&Object>, Vec<&Object>) = alive(pods).partition(|pod| look.is_new(pod));
    (new.first().copied(), old.first().copied())
}

/// Deletes old pods: those that serve nobody at once, the others as long as few are away.
fn replace(look: &Look<'_>) -> Vec<Write> {
    let mut away = 0;
    let mut useless = Vec::new();
    let mut candidates = Vec::new();
    for spot in &look.spots {
        match both(look, &spot.pods) {
            (Some(new), _) if look.available(new) => {}
            (Some(_), _) => away += 1,
            (None, Some(old)) if look.available(old) => candidates.push(old),
            (None, Some(old)) => {
                away += 1;
                useless.push(old);
            }
            // A place whose pod is on its way out, or not yet made.
            (None, None) => away += i64::from(spot.placement.may_come),
        }
    }
    let left = usize::try_from(max_unavailable(look) - away).unwrap_or(0);
    let going = useless.into_iter().chain(candidates.into_iter().take(left));
    going.map(|pod| look.delete(pod)).collect()
}

/// Makes new pods beside old ones, and deletes an old one when its successor is available.
fn overlap(look: &Look<'_>, surge: i64) -> Vec<Write> {
    let mut writes = Vec::new();
    let mut doubled = 0;
    let mut candidates = Vec::new();
    for spot in &look.spots {
        match both(look, &spot.pods) {
            (Some(new), Some(old)) if look.available(new) => writes.push(look.delete(old)),
            (Some(_), Some(_)) => doubled += 1,
            (None, Some(old)) if !spot.placement.may_come || deleting(old) => {}
            (None, Some(old)) if !look.available(old) => {
                writes.push(look.create(name(spot.node)));
            }
            (None, Some(_)) => candidates.push(spot),
            (_, None) => {}
        }
    }
    let left = usize::try_from(surge - doubled).unwrap_or(0);
    let first = candidates.into_iter().take(left);
    writes.extend(first.map(|spot| look.create(name(spot.node))));
    writes
}
