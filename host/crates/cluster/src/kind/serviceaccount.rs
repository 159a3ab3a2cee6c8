//! ServiceAccounts: who a pod is. Never issues tokens: that is `api/token.rs`.

use super::column::SERVICE_ACCOUNTS;
use super::look::text;
use super::{Column, Fields, Kind, Names, Subresource, age};
use jiff::Timestamp;
use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

pub(super) struct ServiceAccounts;

impl Kind for ServiceAccounts {
    fn names(&self) -> &'static Names {
        &Names {
            key: "serviceaccounts",
            plural: "serviceaccounts",
            singular: "serviceaccount",
            short: &["sa"],
            kind: "ServiceAccount",
            group: "",
            version: "v1",
            namespaced: true,
            categories: &[],
        }
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<k8s_openapi::api::core::v1::ServiceAccount>()
    }

    fn subresources(&self) -> &'static [Subresource] {
        &[Subresource {
            name: "token",
            answers: Some(("authentication.k8s.io", "v1", "TokenRequest")),
            verbs: &["create"],
        }]
    }

    fn columns(&self) -> &'static [Column] {
        SERVICE_ACCOUNTS
    }

    fn row(&self, object: &Value, now: Timestamp) -> Vec<Value> {
        vec![
            text(object, "/metadata/name").into(),
            age::since(text(object, "/metadata/creationTimestamp"), now).into(),
        ]
    }

    fn fields(&self) -> &'static Fields {
        &Fields {
            honoured: &["automountServiceAccountToken"],
            not_in_this_lab: &["{secrets,imagePullSecrets}"],
            ..Fields::NONE
        }
    }
}
