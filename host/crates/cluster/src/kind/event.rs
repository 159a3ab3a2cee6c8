//! Events: what happened to an object, told to people. Never counts repetitions.

use super::column::EVENTS;
use super::look::{int, text};
use super::{Column, Fields, Findings, Kind, Names, age};
use jiff::Timestamp;
use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

pub(super) struct Events;

impl Kind for Events {
    fn names(&self) -> &'static Names {
        &Names {
            key: "events",
            plural: "events",
            singular: "event",
            short: &["ev"],
            kind: "Event",
            group: "",
            version: "v1",
            namespaced: true,
            categories: &[],
        }
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<k8s_openapi::api::core::v1::Event>()
    }

    fn fields(&self) -> &'static Fields {
        &Fields::HONOURED
    }

    fn columns(&self) -> &'static [Column] {
        EVENTS
    }

    fn row(&self, object: &Value, now: Timestamp) -> Vec<Value> {
        let first = first_of(object, &["/firstTimestamp", "/eventTime"]);
        let series = "/series/lastObservedTime";
        let last = first_of(
            object,
            &[series, "/lastTimestamp", "/firstTimestamp", "/eventTime"],
        );
        let count = int(object, "/series/count").or(int(object, "/count"));
        let target = text(object, "/involvedObject/kind").to_lowercase();
        vec![
            age::since(last, now).into(),
            text(object, "/type").into(),
            text(object, "/reason").into(),
            format!("{target}/{}", text(object, "/involvedObject/name")).into(),
            text(object, "/involvedObject/fieldPath").into(),
            source(object).into(),
            text(object, "/message").trim().into(),
            age::since(first, now).into(),
            count.filter(|count| *count > 0).unwrap_or(1).into(),
            text(object, "/metadata/name").into(),
        ]
    }

    fn validate(&self, object: &Value, found: &mut Findings) {
        if object["involvedObject"]["namespace"]
            .as_str()
            .is_some_and(|space| !space.is_empty())
            && object["involvedObject"]["namespace"] != object["metadata"]["namespace"]
        {
            let value = &object["involvedObject"]["namespace"];
            found.invalid(
                "involvedObject.namespace",
                value,
                "does not match event.namespace",
            );
        }
    }

    fn selectable_fields(&self) -> &'static [&'static str] {
        &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ]
    }
}

fn first_of<'a>(object: &'a Value, pointers: &[&str]) -> &'a str {
    pointers
        .iter()
        .map(|at| text(object, at))
        .find(|time| !time.is_empty())
        .unwrap_or_default()
}

fn source(object: &Value) -> String {
    let own = (
        text(object, "/source/component"),
        text(object, "/source/host"),
    );
    let new = (
        text(object, "/reportingComponent"),
        text(object, "/reportingInstance"),
    );
    let (component, host) = if own.0.is_empty() { new } else { own };
    match host {
        "" => component.to_owned(),
        _ => format!("{component}, {host}"),
    }
}
