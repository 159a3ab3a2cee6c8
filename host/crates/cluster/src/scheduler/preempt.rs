//! Whom a pod of higher priority displaces when it fits nowhere. Never deletes: it names victims.
//!
//! As the page on priority and preemption has it: only pods of lower priority, as few as it takes,
//! on the node where budgets are broken least and the displaced are of the least priority.

use super::Board;
use super::fit::{Room, Wanted};
use crate::controller::meta::{deleting, items, name, namespace, selector_matches, text, uid};
use crate::store::Store;
use serde_json::Value;
use std::collections::BTreeMap;

/// A node with those who must go from it.
#[derive(Debug)]
pub(super) struct Way<'a> {
    pub(super) node: usize,
    pub(super) victims: Vec<&'a Value>,
}

/// Why a pod displaces nobody, whatever there is.
pub(super) fn why_not(pod: &Value) -> Option<&'static str> {
    (pod["spec"]["preemptionPolicy"] == "Never")
        .then_some("not eligible due to preemptionPolicy=Never.")
}

/// The best node to make room on, of those where that can help.
pub(super) fn find<'a>(
    board: &Board<'a>,
    pod: &'a Value,
    wanted: &Wanted,
    nodes: &[usize],
) -> Option<Way<'a>> {
    let priority = priority_of(pod);
    let ways = nodes.iter().filter_map(|at| {
        let victims = victims(board, pod, wanted, *at, priority)?;
        let broken = broken(board.store, &victims);
        let highest = victims.iter().map(|victim| priority_of(victim)).max()?;
        let sum: i64 = victims.iter().map(|victim| priority_of(victim)).sum();
        let count = victims.len();
        let way = Way { node: *at, victims };
        Some(((broken, highest, sum, count, *at), way))
    });
    ways.min_by_key(|(rank, _)| *rank).map(|(_, way)| way)
}

/// The pods of one node that must go; nothing when even all of them would not do.
fn victims<'a>(
    board: &Board<'a>,
    pod: &'a Value,
    wanted: &Wanted,
    at: usize,
    priority: i64,
) -> Option<Vec<&'a Value>> {
    let (mut lower, stays): (Vec<&'a Value>, Vec<&'a Value>) = board.rooms[at]
        .pods()
        .partition(|other| priority_of(other) < priority);
    if lower.is_empty() {
        return None;
    }
    let fits = |pods: &[&'a Value]| {
        let mut rooms = board.rooms.clone();
        let mut room = Room::new(board.rooms[at].node);
        for other in pods {
            room.take(other, &Wanted::of(other));
        }
        rooms[at] = room;
        let board = Board {
            store: board.store,
            rooms,
        };
        board.refusal(pod, wanted, at).is_none()
    };
    if !fits(&stays) {
        return None;
    }
    // Whoever can stay does, the most important and the oldest first.
    lower.sort_by_key(|other| (-priority_of(other), started(other)));
    let mut kept = stays;
    let mut victims = Vec::new();
    for other in lower {
        kept.push(other);
        if !fits(&kept) {
            kept.pop();
            victims.push(other);
        }
    }
    (!victims.is_empty()).then_some(victims)
}

/// How many of these a budget does not allow to go.
fn broken(store: &Store, victims: &[&Value]) -> usize {
    let mut left: BTreeMap<&str, i64> = BTreeMap::new();
    let budgets = store.list("poddisruptionbudgets.policy", None);
    let budgets: Vec<&Value> = budgets.map(|budget| &**budget).collect();
    let mut broken = 0;
    for victim in victims {
        let over = budgets.iter().filter(|budget| {
            namespace(budget) == namespace(victim)
                && selector_matches(&budget["spec"]["selector"], &victim["metadata"]["labels"])
        });
        let mut breaks = false;
        for budget in over {
            let allowed = budget["status"]["disruptionsAllowed"].as_i64().unwrap_or(0);
            let left = left.entry(uid(budget)).or_insert(allowed);
            *left -= 1;
            breaks |= *left < 0;
        }
        broken += usize::from(breaks);
    }
    broken
}

/// Whether somebody is already on the way out of the node that was named for the pod.
pub(super) fn in_progress(board: &Board<'_>, pod: &Value) -> bool {
    let named = text(&pod["status"]["nominatedNodeName"]);
    let room = board.rooms.iter().find(|room| name(room.node) == named);
    room.is_some_and(|room| {
        room.pods().any(|other| {
            deleting(other)
                && priority_of(other) < priority_of(pod)
                && items(&other["status"]["conditions"])
                    .iter()
                    .any(|condition| condition["reason"] == "PreemptionByScheduler")
        })
    })
}

pub(super) fn priority_of(pod: &Value) -> i64 {
    pod["spec"]["priority"].as_i64().unwrap_or(0)
}

fn started(pod: &Value) -> String {
    text(&pod["status"]["startTime"]).to_owned()
}
