//! LimitRanges: what containers get that ask for nothing, and what pods may ask for.
//!
//! Words are those of `plugin/pkg/admission/limitranger`. Never counts what other pods use.

use crate::kind::look::{list, map, text};
use crate::kind::quantity::{text_of, thousandths};
use crate::kind::{items_mut, quality_of_service};
use crate::store::{Object, Store, namespace_of};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const ANNOTATION: &str = "kubernetes.io/limit-ranger";
const LISTS: [(&str, &str); 2] = [
    ("containers", "container"),
    ("initContainers", "init container"),
];

/// Amounts in thousandths by resource, with the text they were written as.
type Amounts = BTreeMap<String, (i128, String)>;

fn ranges<'a>(store: &'a Store, pod: &Value) -> impl Iterator<Item = &'a Object> {
    store.list("limitranges", Some(namespace_of(pod)))
}

/// Gives containers what the namespace's ranges say of those that ask for nothing.
pub(super) fn fill(store: &Store, pod: &mut Value) {
    let ranges: Vec<Object> = ranges(store, pod).cloned().collect();
    for range in ranges {
        let items = list(&range, "/spec/limits").iter();
        let items: Vec<&Value> = items.filter(|item| item["type"] == "Container").collect();
        let mut told = Vec::new();
        for (field, word) in LISTS {
            for container in items_mut(&mut pod["spec"], field) {
                for (part, from, what) in [
                    ("requests", "defaultRequest", "request"),
                    ("limits", "default", "limit"),
                ] {
                    let set = fill_part(container, part, items.iter().map(|item| &item[from]));
                    if !set.is_empty() {
                        let own = text(container, "/name");
                        told.push(format!("{} {what} for {word} {own}", set.join(", ")));
                    }
                }
            }
        }
        if !told.is_empty() {
            let told = format!("LimitRanger plugin set: {}", told.join("; "));
            pod["metadata"]["annotations"][ANNOTATION] = told.into();
            pod["status"]["qosClass"] = quality_of_service(&pod["spec"]).into();
        }
    }
}

/// Sets what is missing; the names of what was set, sorted.
fn fill_part<'a>(
    container: &mut Value,
    part: &str,
    defaults: impl Iterator<Item = &'a Value>,
) -> Vec<String> {
    let mut set = Vec::new();
    for (name, amount) in defaults.filter_map(Value::as_object).flatten() {
        if container["resources"][part].get(name).is_none() {
            container["resources"][part][name] = amount.clone();
            set.push(name.clone());
        }
    }
    set.sort();
    set
}

/// What of a pod is out of the namespace's bounds.
pub(super) fn check(store: &Store, pod: &Value) -> Result<(), String> {
    let mut found = Vec::new();
    for range in ranges(store, pod) {
        for item in list(range, "/spec/limits") {
            match text(item, "/type") {
                "Container" => {
                    for (field, _) in LISTS {
                        for container in list(pod, &format!("/spec/{field}")) {
                            let resources = &container["resources"];
                            let [requests, limits] = ["/requests", "/limits"]
                                .map(|part| amounts(map(resources, part).into_iter().flatten()));
                            check_item(item, &requests, &limits, &mut found);
                        }
                    }
                }
                "Pod" => {
                    let [requests, limits] =
                        ["requests", "limits"].map(|part| with_texts(pod_total(pod, part)));
                    check_item(item, &requests, &limits, &mut found);
                }
                _ => {}
            }
        }
    }
    found.dedup();
    match found.len() {
        0 => Ok(()),
        1 => Err(found.remove(0)),
        _ => Err(format!("[{}]", found.join(", "))),
    }
}

fn amounts<'a>(fields: impl Iterator<Item = (&'a String, &'a Value)>) -> Amounts {
    let amounts = fields.filter_map(|(name, amount)| {
        let text = text_of(amount);
        Some((name.clone(), (thousandths(&text)?, text)))
    });
    amounts.collect()
}

fn with_texts(total: BTreeMap<String, Total>) -> Amounts {
    let written = total.into_iter();
    written
        .map(|(name, total)| (name, (total.amount, total.written())))
        .collect()
}

fn check_item(item: &Value, requests: &Amounts, limits: &Amounts, found: &mut Vec<String>) {
    let of = text(item, "/type");
    let bound = |part: &str| amounts(map(item, part).into_iter().flatten());
    for (name, (least, shown)) in bound("/min") {
        let at = format!("minimum {name} usage per {of} is {shown}");
        match (requests.get(&name), limits.get(&name)) {
            (None, _) => found.push(format!("{at}.  No request is specified")),
            (Some((asked, own)), _) if *asked < least => {
                found.push(format!("{at}, but request is {own}"));
            }
            (_, Some((limit, own))) if *limit < least => {
                found.push(format!("{at}, but limit is {own}"));
            }
            _ => {}
        }
    }
    for (name, (most, shown)) in bound("/max") {
        let at = format!("maximum {name} usage per {of} is {shown}");
        match (requests.get(&name), limits.get(&name)) {
            (_, None) => found.push(format!("{at}.  No limit is specified")),
            (_, Some((limit, own))) if *limit > most => {
                found.push(format!("{at}, but limit is {own}"));
            }
            (Some((asked, own)), _) if *asked > most => {
                found.push(format!("{at}, but request is {own}"));
            }
            _ => {}
        }
    }
    for (name, (most, shown)) in bound("/maxLimitRequestRatio") {
        let at = format!("{name} max limit to request ratio per {of} is {shown}, but");
        let part = |amounts: &Amounts| amounts.get(&name).map_or(0, |(amount, _)| *amount);
        match (part(requests), part(limits)) {
            (0, _) => found.push(format!("{at} no request is specified or request is 0")),
            (_, 0) => found.push(format!("{at} no limit is specified or limit is 0")),
            (asked, limit) if limit * 1000 > most * asked => {
                let ratio = limit * 1_000_000 / asked;
                let (whole, fraction) = (ratio / 1_000_000, ratio % 1_000_000);
                found.push(format!("{at} provided ratio is {whole}.{fraction:06}"));
            }
            _ => {}
        }
    }
}

/// A sum of amounts, and whether one of them was written in powers of 1024.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Total {
    pub(crate) amount: i128,
    pub(crate) binary: bool,
}

impl Total {
    /// As the API server writes a sum: in the larger units of the family it was written in.
    pub(crate) fn written(self) -> String {
        let text = match self.binary && self.amount % 1_024_000 == 0 {
            true => format!("{}Ki", self.amount / 1_024_000),
            false => format!("{}m", self.amount),
        };
        crate::kind::quantity::canonical(&text).unwrap_or(text)
    }

    fn add(self, other: Self) -> Self {
        Self {
            amount: self.amount + other.amount,
            binary: self.binary || other.binary,
        }
    }

    /// The amount that is written so; none when it is no amount.
    pub(crate) fn read(text: &str) -> Self {
        Self {
            amount: thousandths(text).unwrap_or(0),
            binary: text.ends_with('i'),
        }
    }
}

/// What all containers of a pod ask for, or may use, together: those that run one after the other
/// at the start count as much as the largest.
pub(crate) fn pod_total(pod: &Value, part: &str) -> BTreeMap<String, Total> {
    let none = json!({});
    let of = |container: &Value| -> Vec<(String, Total)> {
        let amounts = container["resources"].get(part).unwrap_or(&none);
        let amounts = amounts.as_object().into_iter().flatten();
        amounts
            .map(|(name, amount)| (name.clone(), Total::read(&text_of(amount))))
            .collect()
    };
    let mut sum: BTreeMap<String, Total> = BTreeMap::new();
    let stays = |container: &&Value| container["restartPolicy"] == "Always";
    let first = list(pod, "/spec/initContainers");
    let together = list(pod, "/spec/containers")
        .iter()
        .chain(first.iter().filter(stays));
    for (name, amount) in together.flat_map(of) {
        let total = sum.entry(name).or_default();
        *total = total.add(amount);
    }
    for (name, amount) in first.iter().filter(|one| !stays(one)).flat_map(of) {
        let total = sum.entry(name).or_default();
        if amount.amount > total.amount {
            *total = amount;
        }
    }
    sum
}
