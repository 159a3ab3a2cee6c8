//! Which nodes the pods that are there already allow a pod, and which they make it prefer: affinity,
//! anti-affinity and spreading over topologies, as their pages have them. Never looks at resources.

use super::fit::{Room, node_is_selected, term_holds};
use crate::controller::meta::{deleting, items, namespace, selector_matches, text};
use crate::store::Store;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// How many pods of a kind are in each part of a topology, by the value of its label.
type Census = BTreeMap<String, u64>;

/// What a pod and its neighbours say of each other.
#[derive(Debug, Default)]
pub(super) struct Neighbours<'a> {
    together: Vec<(&'a str, Census)>,
    /// Whether the pod is the first of those that want to be together.
    first: bool,
    apart: Vec<(&'a str, Census)>,
    /// Parts of topologies that others keep this pod out of.
    kept_out: BTreeSet<(&'a str, &'a str)>,
    spread: Vec<Spread<'a>>,
    /// Topology, value and weight of what is preferred.
    wishes: Vec<(&'a str, Census, i64)>,
}

/// A rule of spreading.
#[derive(Debug)]
struct Spread<'a> {
    key: &'a str,
    max_skew: u64,
    least: u64,
    census: Census,
    own: u64,
    hard: bool,
}

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

impl<'a> Neighbours<'a> {
    /// Counts for this pod; cheap for one without rules where nobody else has any.
    pub(super) fn of(store: &Store, pod: &'a Value, rooms: &[Room<'a>]) -> Self {
        let affinity = &pod["spec"]["affinity"];
        let mut rules = Self::default();
        let wanted = items(&affinity["podAffinity"][REQUIRED]);
        for term in wanted {
            let census = census(rooms, text(&term["topologyKey"]), |other| {
                concerns(store, term, pod, other)
            });
            rules.together.push((text(&term["topologyKey"]), census));
        }
        let alone = rules.together.iter().all(|(_, census)| census.is_empty());
        rules.first = alone && wanted.iter().all(|term| concerns(store, term, pod, pod));
        for term in items(&affinity["podAntiAffinity"][REQUIRED]) {
            let key = text(&term["topologyKey"]);
            let census = census(rooms, key, |other| concerns(store, term, pod, other));
            rules.apart.push((key, census));
        }
        for (list, sign) in [("podAffinity", 1), ("podAntiAffinity", -1)] {
            for wish in items(&affinity[list][PREFERRED]) {
                let term = &wish["podAffinityTerm"];
                let key = text(&term["topologyKey"]);
                let census = census(rooms, key, |other| concerns(store, term, pod, other));
                let weight = sign * wish["weight"].as_i64().unwrap_or(0);
                rules.wishes.push((key, census, weight));
            }
        }
        rules.kept_out = kept_out(store, pod, rooms);
        let rules_of_spread = items(&pod["spec"]["topologySpreadConstraints"]);
        rules.spread = rules_of_spread
            .iter()
            .map(|rule| Spread::of(rule, rules_of_spread, pod, rooms))
            .collect();
        rules
    }

    /// Why this pod may not be on that node, and whether fewer pods there would help.
    pub(super) fn refuse(&self, node: &Value) -> Option<(&'static str, bool)> {
        let labels = &node["metadata"]["labels"];
        for rule in self.spread.iter().filter(|rule| rule.hard) {
            let Some(value) = labels[rule.key].as_str() else {
                let why =
                    "node(s) didn't match pod topology spread constraints (missing required label)";
                return Some((why, false));
            };
            let here = rule.census.get(value).copied().unwrap_or(0);
            if (here + rule.own).saturating_sub(rule.least) > rule.max_skew {
                return Some(("node(s) didn't match pod topology spread constraints", true));
            }
        }
        let found = |(key, census): &(&str, Census)| {
            labels[*key]
                .as_str()
                .is_some_and(|value| census.contains_key(value))
        };
        let has_key = |(key, _): &(&str, Census)| labels[*key].is_string();
        let together =
            self.together.iter().all(found) || (self.first && self.together.iter().all(has_key));
        if !together {
            return Some(("node(s) didn't match pod affinity rules", false));
        }
        if self.apart.iter().any(found) {
            return Some(("node(s) didn't match pod anti-affinity rules", true));
        }
        let kept_out = self
            .kept_out
            .iter()
            .any(|(key, value)| labels[*key].as_str() == Some(*value));
        kept_out.then_some((
            "node(s) didn't satisfy existing pods anti-affinity rules",
            true,
        ))
    }

    /// How much this node is preferred; more is better.
    pub(super) fn preference(&self, node: &Value) -> i64 {
        let labels = &node["metadata"]["labels"];
        let count = |key: &str, census: &Census| {
            let value = labels[key].as_str()?;
            census
                .get(value)
                .map(|count| i64::try_from(*count).unwrap_or(i64::MAX))
        };
        let wishes = self.wishes.iter();
        let wishes: i64 = wishes
            .map(|(key, census, weight)| weight * count(key, census).unwrap_or(0))
            .sum();
        let soft = self.spread.iter().filter(|rule| !rule.hard);
        let crowd: i64 = soft
            .map(|rule| match labels[rule.key].is_string() {
                true => count(rule.key, &rule.census).unwrap_or(0),
                false => 1000,
            })
            .sum();
        wishes - crowd
    }
}

impl<'a> Spread<'a> {
    fn of(rule: &'a Value, all: &[Value], pod: &Value, rooms: &[Room<'a>]) -> Self {
        let key = text(&rule["topologyKey"]);
        let selector = with_keys(&rule["labelSelector"], &rule["matchLabelKeys"], "In", pod);
        let counts = |other: &Value| {
            namespace(other) == namespace(pod)
                && !deleting(other)
                && selector_matches(&selector, &other["metadata"]["labels"])
        };
        let hard = rule["whenUnsatisfiable"] != "ScheduleAnyway";
        let has_all_keys = |room: &&Room<'a>| {
            let labels = &room.node["metadata"]["labels"];
            let mut keys = all.iter().map(|rule| text(&rule["topologyKey"]));
            let honours = rule["nodeAffinityPolicy"] != "Ignore";
            let taints = rule["nodeTaintsPolicy"] == "Honor";
            keys.all(|key| labels[key].is_string())
                && (!honours || node_is_selected(&pod["spec"], room.node))
                && (!taints || room.tolerated(&pod["spec"]))
        };
        let mut census = Census::new();
        for room in rooms.iter().filter(has_all_keys) {
            let value = text(&room.node["metadata"]["labels"][key]).to_owned();
            let here = room.pods().filter(|other| counts(other)).count();
            *census.entry(value).or_default() += u64::try_from(here).unwrap_or(u64::MAX);
        }
        let domains = rule["minDomains"].as_u64().unwrap_or(1);
        let enough = u64::try_from(census.len()).unwrap_or(u64::MAX) >= domains;
        let least = census.values().min().copied().unwrap_or(0);
        Self {
            key,
            max_skew: rule["maxSkew"].as_u64().unwrap_or(1),
            least: if enough { least } else { 0 },
            own: u64::from(selector_matches(&selector, &pod["metadata"]["labels"])),
            census,
            hard,
        }
    }
}

/// Pods in each part of a topology that `counts`; parts without one are not there.
fn census(rooms: &[Room<'_>], key: &str, counts: impl Fn(&Value) -> bool) -> Census {
    let mut census = Census::new();
    for room in rooms {
        let Some(value) = room.node["metadata"]["labels"][key].as_str() else {
            continue;
        };
        let here = room.pods().filter(|other| counts(other)).count();
        if here > 0 {
            *census.entry(value.to_owned()).or_default() += u64::try_from(here).unwrap_or(u64::MAX);
        }
    }
    census
}

/// Where pods are that require not to be with this one.
fn kept_out<'a>(store: &Store, pod: &Value, rooms: &[Room<'a>]) -> BTreeSet<(&'a str, &'a str)> {
    let mut parts = BTreeSet::new();
    for room in rooms {
        for other in room.aloof() {
            for term in items(&other["spec"]["affinity"]["podAntiAffinity"][REQUIRED]) {
                let key = text(&term["topologyKey"]);
                let value = room.node["metadata"]["labels"][key].as_str();
                if let Some(value) = value.filter(|_| concerns(store, term, other, pod)) {
                    parts.insert((key, value));
                }
            }
        }
    }
    parts
}

/// Whether a term of `owner` is about `other`.
fn concerns(store: &Store, term: &Value, owner: &Value, other: &Value) -> bool {
    let space = namespace(other);
    let named = items(&term["namespaces"]);
    let chosen = &term["namespaceSelector"];
    let in_space = if named.is_empty() && chosen.is_null() {
        space == namespace(owner)
    } else {
        let labels = store.get("namespaces", "", space);
        named.iter().any(|name| name == space)
            || chosen.as_object().is_some_and(|selector| {
                selector.values().all(empty)
                    || labels
                        .is_some_and(|space| selector_matches(chosen, &space["metadata"]["labels"]))
            })
    };
    if !in_space {
        return false;
    }
    let selector = with_keys(&term["labelSelector"], &term["matchLabelKeys"], "In", owner);
    let selector = with_keys(&selector, &term["mismatchLabelKeys"], "NotIn", owner);
    selector_matches(&selector, &other["metadata"]["labels"])
}

fn empty(value: &Value) -> bool {
    value.as_object().is_none_or(Map::is_empty) && items(value).is_empty()
}

/// A selector that also asks for the pod's own values of these labels.
fn with_keys(selector: &Value, keys: &Value, operator: &str, pod: &Value) -> Value {
    let mut selector = selector.clone();
    for key in items(keys) {
        let value = &pod["metadata"]["labels"][text(key)];
        if value.is_string() {
            let mut expressions = items(&selector["matchExpressions"]).to_vec();
            expressions.push(json!({ "key": key, "operator": operator, "values": [value] }));
            selector["matchExpressions"] = expressions.into();
        }
    }
    selector
}

/// How much a node's own labels and taints make a pod prefer it.
pub(super) fn of_node(pod: &Value, room: &Room<'_>) -> i64 {
    let wishes = items(&pod["spec"]["affinity"]["nodeAffinity"][PREFERRED]).iter();
    let held = wishes.filter(|wish| {
        let term = &wish["preference"];
        // An empty preference is everybody's.
        empty(&term["matchExpressions"]) && empty(&term["matchFields"])
            || term_holds(term, room.node)
    });
    let weights: i64 = held.filter_map(|wish| wish["weight"].as_i64()).sum();
    weights - 100 * room.disliked(&pod["spec"])
}
