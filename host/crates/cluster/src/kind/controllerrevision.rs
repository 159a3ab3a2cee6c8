//! ControllerRevisions: what a StatefulSet or DaemonSet looked like. Never restores one.

use super::look::{int, list, text};
use super::workload::immutable;
use super::workload_columns::CONTROLLER_REVISIONS;
use super::{Column, Fields, Findings, Kind, Names, age};
use jiff::Timestamp;
use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

pub(super) struct ControllerRevisions;

impl Kind for ControllerRevisions {
    fn names(&self) -> &'static Names {
        &Names {
            key: "controllerrevisions.apps",
            plural: "controllerrevisions",
            singular: "controllerrevision",
            short: &[],
            kind: "ControllerRevision",
            group: "apps",
            version: "v1",
            namespaced: true,
            categories: &[],
        }
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<k8s_openapi::api::apps::v1::ControllerRevision>()
    }

    fn columns(&self) -> &'static [Column] {
        CONTROLLER_REVISIONS
    }

    fn row(&self, object: &Value, now: Timestamp) -> Vec<Value> {
        vec![
            text(object, "/metadata/name").into(),
            controller(object).into(),
            int(object, "/revision").unwrap_or(0).into(),
            age::since(text(object, "/metadata/creationTimestamp"), now).into(),
        ]
    }

    fn validate(&self, object: &Value, found: &mut Findings) {
        if object["data"].is_null() {
            found.required("data", "data is mandatory");
        }
        found.not_negative("revision", &object["revision"]);
    }

    fn validate_update(&self, new: &Value, old: &Value, found: &mut Findings) {
        immutable(new, old, "/data", found);
    }

    fn fields(&self) -> &'static Fields {
        &Fields::HONOURED
    }
}

/// Whose revision it is, as `statefulset.apps/db`.
fn controller(object: &Value) -> String {
    let owners = list(object, "/metadata/ownerReferences").iter();
    let mut controllers = owners.filter(|owner| owner["controller"] == true);
    let Some(owner) = controllers.next() else {
        return "<none>".to_owned();
    };
    let kind = text(owner, "/kind").to_ascii_lowercase();
    let name = text(owner, "/name");
    match text(owner, "/apiVersion").split_once('/') {
        Some((group, _)) => format!("{kind}.{group}/{name}"),
        None => format!("{kind}/{name}"),
    }
}
