//! Leases: who holds something and until when; nodes' heartbeats. Never renews one.

use super::column::LEASES;
use super::look::{int, text};
use super::{Column, Fields, Findings, Kind, Names, age};
use jiff::Timestamp;
use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

pub(super) struct Leases;

impl Kind for Leases {
    fn names(&self) -> &'static Names {
        &Names {
            key: "leases.coordination.k8s.io",
            plural: "leases",
            singular: "lease",
            short: &[],
            kind: "Lease",
            group: "coordination.k8s.io",
            version: "v1",
            namespaced: true,
            categories: &[],
        }
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<k8s_openapi::api::coordination::v1::Lease>()
    }

    fn fields(&self) -> &'static Fields {
        &Fields {
            honoured: &[
                "spec.{acquireTime,holderIdentity,leaseDurationSeconds,leaseTransitions,renewTime}",
            ],
            inert: &["spec.{preferredHolder,strategy}"],
            ..Fields::NONE
        }
    }

    fn columns(&self) -> &'static [Column] {
        LEASES
    }

    fn row(&self, object: &Value, now: Timestamp) -> Vec<Value> {
        vec![
            text(object, "/metadata/name").into(),
            text(object, "/spec/holderIdentity").into(),
            age::since(text(object, "/metadata/creationTimestamp"), now).into(),
        ]
    }

    fn validate(&self, object: &Value, found: &mut Findings) {
        if int(object, "/spec/leaseDurationSeconds").is_some_and(|seconds| seconds <= 0) {
            let value = &object["spec"]["leaseDurationSeconds"];
            found.invalid("spec.leaseDurationSeconds", value, "must be greater than 0");
        }
        let changes = &object["spec"]["leaseTransitions"];
        found.not_negative("spec.leaseTransitions", changes);
    }
}
