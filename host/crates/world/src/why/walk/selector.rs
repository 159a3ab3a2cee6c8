//! Whom a Service selects, and whom it nearly does.

use super::super::look::{
    alike, few, full, items, kubectl, name, namespace, pairs, pod_word, selects, text,
};
use super::{Found, Walk, Way, seen};
use crate::why::Finding;
use cluster::{Object, Store};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The kinds whose template makes Pods.
const WORKLOADS: [&str; 4] = [
    "deployments.apps",
    "statefulsets.apps",
    "daemonsets.apps",
    "replicasets.apps",
];

/// The Pods of a Service's selector that have not ended.
pub(super) fn selected(store: &Store, service: &Value) -> Vec<Object> {
    let selector = &service["spec"]["selector"];
    let pods = store.list("pods", Some(namespace(service)));
    pods.filter(|pod| {
        selects(selector, &pod["metadata"]["labels"])
            && !matches!(text(&pod["status"]["phase"]), "Succeeded" | "Failed")
    })
    .cloned()
    .collect()
}

impl Walk<'_> {
    /// The Pods that a Service selects; nobody is a broken link.
    pub(super) fn selector(&mut self, service: &Object, pods: &[Object]) -> Way {
        let selector = &service["spec"]["selector"];
        let field = seen(
            format!("service/{}", name(service)),
            "spec.selector",
            pairs(selector),
        );
        if pods.is_empty() {
            let (finding, mut fields) = self.nobody(service);
            fields.insert(0, field);
            return self.say(finding, fields);
        }
        let finding = Finding::SelectorMatches {
            service: full(service),
            selector: pairs(selector),
            count: pods.len().to_string(),
        };
        self.say(finding, vec![field])
    }

    /// Why nobody is selected.
    fn nobody(&self, service: &Object) -> Found {
        let selector = &service["spec"]["selector"];
        let space = namespace(service);
        if let Some((word, workload)) = self.workload_of(selector, space) {
            return self.no_pods(service, &word, &workload);
        }
        let pods: Vec<&Object> = self.store.list("pods", Some(space)).collect();
        let labels = pods
            .iter()
            .map(|pod| (name(pod), &pod["metadata"]["labels"]));
        let slip = slip(selector, labels.collect());
        // Workloads that are scaled down have templates and no Pods to look like.
        let slip = slip.or_else(|| {
            let all = WORKLOADS[..3]
                .iter()
                .flat_map(|kind| self.store.list(kind, Some(space)));
            let labels = all.map(|one| (name(one), &one["spec"]["template"]["metadata"]["labels"]));
            self::slip(selector, labels.collect())
        });
        if let Some(slip) = slip {
            return slip.tell(service);
        }
        let elsewhere = self.store.list("pods", None);
        let elsewhere: Vec<String> = elsewhere
            .filter(|pod| selects(selector, &pod["metadata"]["labels"]))
            .map(|pod| full(pod))
            .collect();
        let (service_is, selector_is) = (full(service), pairs(selector));
        let finding = if elsewhere.is_empty() {
            let command = format!("{} get pods --show-labels", kubectl(space));
            Finding::SelectorNobody {
                service: service_is,
                selector: selector_is,
                command,
            }
        } else {
            Finding::SelectorElsewhere {
                service: service_is,
                selector: selector_is,
                pods: few(elsewhere),
            }
        };
        (finding, Vec::new())
    }

    fn workload_of(&self, selector: &Value, space: &str) -> Option<(String, Object)> {
        WORKLOADS.iter().find_map(|kind| {
            let mut all = self.store.list(kind, Some(space));
            let found =
                all.find(|one| selects(selector, &one["spec"]["template"]["metadata"]["labels"]))?;
            Some((
                format!("{}/{}", text(&found["kind"]).to_lowercase(), name(found)),
                found.clone(),
            ))
        })
    }

    fn no_pods(&self, service: &Object, word: &str, workload: &Object) -> Found {
        let replicas = workload["spec"]["replicas"].as_u64();
        let field = seen(
            word,
            "spec.replicas",
            replicas.map_or("–".to_owned(), |n| n.to_string()),
        );
        let kubectl = kubectl(namespace(service));
        if replicas == Some(0) {
            let command = format!("{kubectl} scale {word} --replicas=1");
            let finding = Finding::ScaledToZero {
                service: full(service),
                workload: word.to_owned(),
                command,
            };
            return (finding, vec![field]);
        }
        not_made(self.store, workload).unwrap_or_else(|| {
            let finding = Finding::PodsNotMade {
                workload: word.to_owned(),
                message: "–".to_owned(),
                command: format!("{kubectl} describe {word}"),
            };
            (finding, vec![field])
        })
    }

    /// The Services that select a Pod, or one that nearly does.
    pub(super) fn selected_by(&mut self, pod: &Object) -> Way {
        let services: Vec<Object> = self
            .store
            .list("services", Some(namespace(pod)))
            .cloned()
            .collect();
        let labels = &pod["metadata"]["labels"];
        let own = services
            .iter()
            .filter(|service| selects(&service["spec"]["selector"], labels));
        let own: Vec<String> = own.map(|service| name(service).to_owned()).collect();
        if !own.is_empty() {
            let finding = Finding::SelectedBy {
                pod: pod_word(pod),
                services: few(own),
            };
            return self.say(finding, Vec::new());
        }
        let nearly = services.iter().find_map(|service| {
            let slip = slip(&service["spec"]["selector"], vec![(name(pod), labels)])?;
            let found = slip.found.clone()?;
            selected(self.store, service)
                .is_empty()
                .then(|| Finding::NearService {
                    pod: pod_word(pod),
                    service: name(service).to_owned(),
                    key: slip.key.clone(),
                    wanted: slip.wanted.clone(),
                    found,
                })
        });
        self.tell(nearly.map(|finding| (finding, Vec::new())))
    }
}

/// Why a workload's ReplicaSets make no Pods.
pub(super) fn not_made(store: &Store, workload: &Object) -> Option<Found> {
    let word = format!(
        "{}/{}",
        text(&workload["kind"]).to_lowercase(),
        name(workload)
    );
    let failure = super::super::look::condition(workload, "ReplicaFailure")
        .filter(|condition| condition["status"] == "True")
        .map(|condition| text(&condition["message"]).to_owned());
    let failed = || {
        let event = super::super::look::event(store, workload, &["FailedCreate"])?;
        workload["status"]["replicas"]
            .as_u64()
            .is_none_or(|n| n == 0)
            .then(|| text(&event["message"]).to_owned())
    };
    let message = failure.or_else(failed)?;
    let command = format!("{} describe {word}", kubectl(namespace(workload)));
    let field = seen(
        word.clone(),
        "status.conditions[ReplicaFailure]",
        message.clone(),
    );
    Some((
        Finding::PodsNotMade {
            workload: word,
            message,
            command,
        },
        vec![field],
    ))
}

/// What several may have in common: whether it is quite another value, the pair, the value found,
/// the label that may be meant.
type Group = (bool, String, String, Option<String>, Option<String>);

/// One pair of a selector that keeps it from selecting.
struct Slip {
    key: String,
    wanted: String,
    /// What is there instead; nothing when the label is missing.
    found: Option<String>,
    /// The label that may be meant.
    near_key: Option<String>,
    selector: Map<String, Value>,
    pods: Vec<String>,
}

/// The pair that keeps most of these from being selected, if it is only one, or if it is a slip.
fn slip(selector: &Value, of: Vec<(&str, &Value)>) -> Option<Slip> {
    let wanted = selector.as_object().filter(|pairs| !pairs.is_empty())?;
    let mut groups: BTreeMap<Group, Vec<String>> = BTreeMap::new();
    for (owner, labels) in of {
        let mut wrong = wanted
            .iter()
            .filter(|(key, value)| labels.get(key.as_str()) != Some(value));
        let (Some((key, value)), None) = (wrong.next(), wrong.next()) else {
            continue;
        };
        let found = labels.get(key).and_then(Value::as_str).map(str::to_owned);
        let of_labels = labels.as_object().into_iter().flatten();
        let near_key = of_labels
            .filter(|(own, held)| {
                alike(own, key) && (*held == value || alike(text(held), text(value)))
            })
            .map(|(own, _)| own.clone())
            .next()
            .filter(|_| found.is_none());
        let is_slip = near_key.is_some()
            || found
                .as_deref()
                .is_some_and(|found| alike(found, text(value)));
        // A single pair that is quite another says nothing.
        if wanted.len() > 1 || is_slip {
            let group = (
                !is_slip,
                key.clone(),
                text(value).to_owned(),
                found,
                near_key,
            );
            groups.entry(group).or_default().push(owner.to_owned());
        }
    }
    // Slips first, then whom most have.
    let best = groups
        .into_iter()
        .min_by_key(|((quite_other, ..), pods)| (*quite_other, std::cmp::Reverse(pods.len())))?;
    let ((_, key, value, found, near_key), pods) = best;
    Some(Slip {
        key,
        wanted: value,
        found,
        near_key,
        selector: wanted.clone(),
        pods,
    })
}

impl Slip {
    fn tell(self, service: &Object) -> Found {
        let Self {
            key,
            wanted,
            found,
            near_key,
            mut selector,
            pods,
        } = self;
        let pods_word = pods
            .first()
            .map(|pod| format!("pod/{pod}"))
            .unwrap_or_default();
        let field = format!("metadata.labels.{}", near_key.as_ref().unwrap_or(&key));
        let is_slip =
            found.as_deref().is_some_and(|found| alike(found, &wanted)) || near_key.is_some();
        if near_key.is_some() || found.is_none() {
            selector.remove(&key);
        }
        let value = found.clone().unwrap_or_else(|| wanted.clone());
        let label = match (&near_key, &found) {
            (Some(near), _) => Some(near.clone()),
            (None, Some(_)) => Some(key.clone()),
            (None, None) => None,
        };
        if let Some(label) = label {
            selector.insert(label, value.into());
        }
        let command = format!(
            "{} set selector service {} {}",
            kubectl(namespace(service)),
            name(service),
            super::super::look::quoted(&pairs(&Value::Object(selector)))
        );
        let service = full(service);
        let shown = vec![seen(
            pods_word,
            &field,
            found
                .clone()
                .unwrap_or_else(|| near_key.as_ref().map_or("–".to_owned(), |_| wanted.clone())),
        )];
        let pods = few(pods);
        let finding = match (found, near_key) {
            (Some(found), _) if is_slip => Finding::SelectorTypo {
                service,
                key,
                wanted,
                found,
                pods,
                command,
            },
            (Some(found), _) => Finding::SelectorDiffers {
                service,
                key,
                wanted,
                found,
                pods,
                command,
            },
            (None, Some(near)) => {
                let found = format!("({near}={wanted})");
                Finding::SelectorTypo {
                    service,
                    key,
                    wanted,
                    found,
                    pods,
                    command,
                }
            }
            (None, None) => Finding::LabelMissing {
                service,
                key,
                wanted,
                pods,
                command,
            },
        };
        (finding, shown)
    }
}

/// Whether a Service has a selector at all.
pub(super) fn has_selector(service: &Value) -> bool {
    service["spec"]["selector"]
        .as_object()
        .is_some_and(|pairs| !pairs.is_empty())
}

/// The names of the ports that Pods' containers have.
pub(super) fn port_names(pod: &Value) -> String {
    let containers = items(&pod["spec"]["containers"]).iter();
    let ports = containers.flat_map(|container| items(&container["ports"]));
    few(ports.map(|port| match text(&port["name"]) {
        "" => port["containerPort"].to_string(),
        own => format!("{own}={}", port["containerPort"]),
    }))
}
