//! HorizontalPodAutoscalers in a cluster without metrics: they keep the number of replicas within
//! their bounds, and say that there is nothing to measure by. Never measures.
//!
//! Words and reasons are those of `pkg/controller/podautoscaler` of Kubernetes 1.36.

use super::meta::{condition, deleting, items, name, namespace, text, unix};
use super::{Context, Controller, Index, Note, Tone, Write};
use crate::kind::served;
use crate::store::{Event, Key, Object, Store};
use clock::Duration;
use serde_json::{Value, json};

const SCALERS: &str = "horizontalpodautoscalers.autoscaling";
const COMPONENT: &str = "horizontal-pod-autoscaler";
/// How often an autoscaler is looked at, in seconds.
const ROUND: i64 = 15;

/// The autoscaling controller.
#[derive(Debug)]
pub struct Autoscalers;

impl Controller for Autoscalers {
    fn name(&self) -> &'static str {
        COMPONENT
    }

    fn wakes(&self, event: &Event, _: &Store, _: &Index) -> Vec<Key> {
        let old = event.previous.as_ref();
        let same = old.is_some_and(|old| old["spec"] == event.object["spec"]);
        match event.kind {
            SCALERS if !same => vec![Key::of(SCALERS, &event.object)],
            _ => Vec::new(),
        }
    }

    fn reconcile(&self, store: &Store, key: &Key, context: &Context<'_>) -> Vec<Write> {
        let Some(scaler) = store.get_key(key).filter(|scaler| !deleting(scaler)) else {
            return Vec::new();
        };
        // The first look comes a round after the object, as its queue has it.
        let born = unix(text(&scaler["metadata"]["creationTimestamp"])).unwrap_or(context.unix());
        let age = context.unix() - born;
        let left = ROUND - age.rem_euclid(ROUND);
        let again = Write::RequeueAfter(Duration::from_secs(left.unsigned_abs()));
        if age == 0 || left != ROUND {
            return vec![again];
        }
        let mut turn = Turn {
            scaler,
            context,
            status: scaler["status"].clone(),
            writes: vec![again],
        };
        turn.look(store);
        turn.finish()
    }
}

/// One look at an autoscaler.
struct Turn<'a> {
    scaler: &'a Object,
    context: &'a Context<'a>,
    status: Value,
    writes: Vec<Write>,
}

impl Turn<'_> {
    fn look(&mut self, store: &Store) {
        let target = &self.scaler["spec"]["scaleTargetRef"];
        let (kind, object) = match find(store, target, namespace(self.scaler)) {
            Ok(found) => found,
            Err(why) => {
                self.warn("FailedGetScale", &why);
                let message = "the HPA controller was unable to get the target's current scale: ";
                return self.set(
                    "AbleToScale",
                    "False",
                    "FailedGetScale",
                    &(message.to_owned() + &why),
                );
            }
        };
        let message = "the HPA controller was able to get the target's current scale";
        self.set("AbleToScale", "True", "SucceededGetScale", message);
        let now = object["spec"]["replicas"].as_i64().unwrap_or(1);
        self.status["currentReplicas"] = now.into();
        let bound = |field: &str| self.scaler["spec"][field].as_i64().unwrap_or(1);
        let (least, most) = (bound("minReplicas"), bound("maxReplicas"));
        match now {
            0 => {
                let message = "scaling is disabled since the replica count of the target is zero";
                self.set("ScalingActive", "False", "ScalingDisabled", message);
            }
            _ if now > most => self.rescale(kind, object, most, "above Spec.MaxReplicas"),
            _ if now < least => self.rescale(kind, object, least, "below Spec.MinReplicas"),
            _ => self.measure(),
        }
    }

    fn rescale(&mut self, kind: &'static str, object: &Object, to: i64, why: &str) {
        let mut value = (**object).clone();
        value["spec"]["replicas"] = to.into();
        self.writes.push(Write::Update { kind, value });
        let told = format!("New size: {to}; reason: Current number of replicas {why}");
        let note = Note::about(
            self.scaler,
            Tone::Normal,
            "SuccessfulRescale",
            told,
            COMPONENT,
        );
        self.writes.push(Write::Record(note));
        let message = format!("the HPA controller was able to update the target scale to {to}");
        self.set("AbleToScale", "True", "SucceededRescale", &message);
        self.status["desiredReplicas"] = to.into();
        self.status["lastScaleTime"] = self.context.time().into();
    }

    /// Nothing can be measured; the first reason is the whole's.
    fn measure(&mut self) {
        let metrics = items(&self.scaler["spec"]["metrics"]);
        let troubles: Vec<Trouble> = metrics.iter().map(trouble).collect();
        let Some(first) = troubles.first() else {
            return;
        };
        for trouble in &troubles {
            self.warn(trouble.reason, &trouble.why);
        }
        let count = troubles.len();
        let told = format!(
            "invalid metrics ({count} invalid out of {count}), first error is: failed to get {} metric value: {}",
            first.what, first.why
        );
        self.warn("FailedComputeMetricsReplicas", &told);
        let message = format!(
            "the HPA was unable to compute the replica count: {}",
            first.why
        );
        self.set("ScalingActive", "False", first.reason, &message);
    }

    fn warn(&mut self, reason: &'static str, message: &str) {
        let note = Note::about(self.scaler, Tone::Warning, reason, message, COMPONENT);
        self.writes.push(Write::Record(note));
    }

    fn set(&mut self, type_: &str, status: &str, reason: &str, message: &str) {
        let since = condition(self.scaler, type_)
            .filter(|old| old["status"] == status)
            .map_or_else(
                || self.context.time().into(),
                |old| old["lastTransitionTime"].clone(),
            );
        let new = json!({
            "type": type_, "status": status, "reason": reason, "message": message,
            "lastTransitionTime": since,
        });
        let mut all = items(&self.status["conditions"]).to_vec();
        match all.iter_mut().find(|old| old["type"] == type_) {
            Some(old) => *old = new,
            None => all.push(new),
        }
        self.status["conditions"] = all.into();
    }

    fn finish(mut self) -> Vec<Write> {
        if self.status != self.scaler["status"] {
            let mut value = (**self.scaler).clone();
            if self.status.get("desiredReplicas").is_none() {
                self.status["desiredReplicas"] = 0.into();
            }
            value["status"] = self.status;
            self.writes.push(Write::UpdateStatus {
                kind: SCALERS,
                value,
            });
        }
        self.writes
    }
}

/// The object whose replicas an autoscaler sets, with its kind.
fn find<'a>(
    store: &'a Store,
    target: &Value,
    space: &str,
) -> Result<(&'static str, &'a Object), String> {
    let group = match text(&target["apiVersion"]).split_once('/') {
        Some((group, _)) => group,
        None => "",
    };
    let (wanted, own) = (text(&target["kind"]), text(&target["name"]));
    let kind = served().find(|kind| {
        let scales = kind.subresources().iter().any(|part| part.name == "scale");
        scales && kind.names().kind == wanted && kind.names().group == group
    });
    let Some(kind) = kind else {
        return Err(format!(
            "no matches for kind \"{wanted}\" in group \"{group}\""
        ));
    };
    let key = kind.names().key;
    let found = store
        .get(key, space, own)
        .filter(|object| name(object) == own);
    found
        .map(|object| (key, object))
        .ok_or_else(|| format!("{key} \"{own}\" not found"))
}

/// Why a metric cannot be had.
struct Trouble {
    what: String,
    reason: &'static str,
    why: String,
}

fn trouble(metric: &Value) -> Trouble {
    const NO_RESOURCES: &str = "unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)";
    let none = |which: &str, group: &str| {
        format!(
            "unable to fetch metrics from {which} metrics API: no {which} metrics API ({group}) registered"
        )
    };
    let custom = none("custom", "custom.metrics.k8s.io");
    let part = |part: &str, field: &str| text(&metric[part][field]).to_owned();
    let metric_name = |part: &str| text(&metric[part]["metric"]["name"]).to_owned();
    match text(&metric["type"]) {
        "Resource" | "ContainerResource" => {
            let container = text(&metric["type"]) == "ContainerResource";
            let at = if container {
                "containerResource"
            } else {
                "resource"
            };
            let own = part(at, "name");
            let wanted = match metric[at]["target"]["type"] == "Utilization" {
                true => "utilization",
                false => "usage",
            };
            let (word, reason) = match container {
                true => ("container", "FailedGetContainerResourceMetric"),
                false => ("resource", "FailedGetResourceMetric"),
            };
            Trouble {
                what: format!("{own} {word}"),
                reason,
                why: format!(
                    "failed to get {own} {wanted}: unable to get metrics for resource {own}: {NO_RESOURCES}"
                ),
            }
        }
        "Pods" => Trouble {
            what: "pods".to_owned(),
            reason: "FailedGetPodsMetric",
            why: format!("unable to get metric {}: {custom}", metric_name("pods")),
        },
        "Object" => {
            let described = &metric["object"]["describedObject"];
            let what = format!("{} on", text(&described["kind"]));
            Trouble {
                what: "object".to_owned(),
                reason: "FailedGetObjectMetric",
                why: format!(
                    "unable to get metric {}: {what} {custom}",
                    metric_name("object")
                ),
            }
        }
        _ => Trouble {
            what: "external".to_owned(),
            reason: "FailedGetExternalMetric",
            why: format!(
                "unable to get external metric {}: {}",
                metric_name("external"),
                none("external", "external.metrics.k8s.io")
            ),
        },
    }
}
