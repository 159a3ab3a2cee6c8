//! Other views of kinds that are kept: the same objects under another group or version.
//!
//! Events are kept as the core's, autoscalers as version 2's. Never keeps an object itself.

use super::Kind;
use super::column::{AGE, NAME};
use super::plain::{Cell, Plain, Standing, plain, table};
use super::{Subresource, by_key};
use serde_json::{Value, json};

/// A view: what it is called, what it shows, and how one becomes the other.
pub struct View {
    /// The view as a kind: names, schema, verbs. Its objects are never kept.
    pub(super) kind: &'static Plain,
    of: &'static str,
    to_kept: fn(&mut Value),
    from_kept: fn(&mut Value),
}

impl std::fmt::Debug for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} as {}", self.of, self.kind.names().api_version())
    }
}

/// Every view.
pub static VIEWS: &[View] = &[
    View {
        kind: &EVENTS,
        of: "events",
        to_kept: event_to_kept,
        from_kept: event_from_kept,
    },
    View {
        kind: &AUTOSCALERS,
        of: "horizontalpodautoscalers.autoscaling",
        to_kept: scaler_to_kept,
        from_kept: scaler_from_kept,
    },
];

static EVENTS: Plain = plain!(api::events::v1::Event as "Event", "events", "event", ["ev"], "events.events.k8s.io", "events.k8s.io", "v1", true);

static AUTOSCALERS: Plain = Plain {
    standing: Standing::Inert,
    table: table![NAME => Cell::Name, AGE => Cell::Age],
    subresources: &[Subresource::STATUS],
    ..plain!(api::autoscaling::v1::HorizontalPodAutoscaler as "HorizontalPodAutoscaler", "horizontalpodautoscalers", "horizontalpodautoscaler", ["hpa"], "horizontalpodautoscalers.autoscaling", "autoscaling", "v1", true).part_of(&["all"])
};

impl View {
    /// The view as a kind.
    #[must_use]
    pub fn kind(&self) -> &'static dyn Kind {
        self.kind
    }

    /// The kind whose objects it shows.
    ///
    /// # Panics
    /// Never: a test walks all views.
    #[must_use]
    pub fn kept(&self) -> &'static dyn Kind {
        by_key(self.of).expect("a view is one of a kind")
    }

    /// Makes an object of the view, or a part of one, an object of the kept kind.
    pub fn to_kept(&self, object: &mut Value) {
        (self.to_kept)(object);
        let names = self.kept().names();
        object["apiVersion"] = names.api_version().into();
        object["kind"] = names.kind.into();
    }

    /// Makes a kept object, or the part of one that a list holds, an object of the view.
    pub fn from_kept(&self, object: &mut Value) {
        (self.from_kept)(object);
        if object.get("apiVersion").is_some() {
            object["apiVersion"] = self.kind.names().api_version().into();
        }
    }
}

/// Fields of events by their names in the view and as kept.
const EVENT_FIELDS: [(&str, &str); 7] = [
    ("regarding", "involvedObject"),
    ("note", "message"),
    ("reportingController", "reportingComponent"),
    ("deprecatedSource", "source"),
    ("deprecatedFirstTimestamp", "firstTimestamp"),
    ("deprecatedLastTimestamp", "lastTimestamp"),
    ("deprecatedCount", "count"),
];

fn event_to_kept(event: &mut Value) {
    for (new, old) in EVENT_FIELDS {
        rename(event, new, old);
    }
}

fn event_from_kept(event: &mut Value) {
    for (new, old) in EVENT_FIELDS {
        rename(event, old, new);
    }
}

fn rename(object: &mut Value, from: &str, to: &str) {
    if let Some(fields) = object.as_object_mut()
        && let Some(value) = fields.remove(from)
    {
        fields.insert(to.to_owned(), value);
    }
}

const SHARE: &str = "targetCPUUtilizationPercentage";
const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";

/// Version 1 knows one measure: the share of the processor. Others travel in an annotation.
fn scaler_to_kept(scaler: &mut Value) {
    let mut metrics = Vec::new();
    let annotations = scaler.pointer_mut("/metadata/annotations");
    let annotations = annotations.and_then(Value::as_object_mut);
    if let Some(Value::String(others)) = annotations.and_then(|all| all.remove(METRICS)) {
        let others = serde_json::from_str::<Vec<Value>>(&others);
        metrics.extend(others.unwrap_or_default());
    }
    let spec = scaler.get_mut("spec").and_then(Value::as_object_mut);
    if let Some(share) = spec.and_then(|spec| spec.remove(SHARE)) {
        metrics.insert(0, processor("target", "type", &share));
    }
    let spec = scaler.get_mut("spec").and_then(Value::as_object_mut);
    if let Some(spec) = spec.filter(|_| !metrics.is_empty()) {
        spec.insert("metrics".into(), metrics.into());
    }
    let status = scaler.get_mut("status").and_then(Value::as_object_mut);
    if let Some(status) = status
        && let Some(share) = status.remove("currentCPUUtilizationPercentage")
    {
        let metrics = json!([processor("current", "", &share)]);
        status.insert("currentMetrics".into(), metrics);
    }
}

fn processor(field: &str, type_: &str, share: &Value) -> Value {
    let mut value = json!({"averageUtilization": share});
    if !type_.is_empty() {
        value[type_] = "Utilization".into();
    }
    json!({"type": "Resource", "resource": {"name": "cpu", field: value}})
}

fn scaler_from_kept(scaler: &mut Value) {
    let mut others = Vec::new();
    let spec = scaler.get_mut("spec").and_then(Value::as_object_mut);
    if let Some(Value::Array(metrics)) = spec.and_then(|spec| spec.remove("metrics")) {
        for metric in metrics {
            let share = metric.pointer("/resource/target/averageUtilization");
            match share {
                Some(share) if metric["resource"]["name"] == "cpu" => {
                    scaler["spec"][SHARE] = share.clone();
                }
                _ => others.push(metric),
            }
        }
    }
    if !others.is_empty() {
        scaler["metadata"]["annotations"][METRICS] = Value::from(others).to_string().into();
    }
    if let Some(status) = scaler.get_mut("status").and_then(Value::as_object_mut) {
        status.remove("conditions");
        let metrics = status.remove("currentMetrics").unwrap_or_default();
        let share = metrics.pointer("/0/resource/current/averageUtilization");
        if let Some(share) = share {
            status.insert("currentCPUUtilizationPercentage".into(), share.clone());
        }
    }
}
