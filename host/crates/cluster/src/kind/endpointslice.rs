//! EndpointSlices: where a Service leads. Never computes them.

use super::column::ENDPOINT_SLICES;
use super::endpoints::shorten;
use super::look::{int, list, text, texts};
use super::{Column, Fields, Findings, Kind, Names, age, items_mut, set_default};
use jiff::Timestamp;
use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

pub(super) struct EndpointSlices;

impl Kind for EndpointSlices {
    fn names(&self) -> &'static Names {
        &Names {
            key: "endpointslices.discovery.k8s.io",
            plural: "endpointslices",
            singular: "endpointslice",
            short: &[],
            kind: "EndpointSlice",
            group: "discovery.k8s.io",
            version: "v1",
            namespaced: true,
            categories: &[],
        }
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<k8s_openapi::api::discovery::v1::EndpointSlice>()
    }

    fn fields(&self) -> &'static Fields {
        &Fields {
            honoured: &[
                "addressType",
                "endpoints[].{addresses,conditions,hostname,nodeName,targetRef,zone}",
                "ports",
            ],
            inert: &["endpoints[].deprecatedTopology"],
            not_in_this_lab: &["endpoints[].hints"],
            ..Fields::NONE
        }
    }

    fn columns(&self) -> &'static [Column] {
        ENDPOINT_SLICES
    }

    fn row(&self, object: &Value, now: Timestamp) -> Vec<Value> {
        let addresses = |endpoint| texts(endpoint, "/addresses").map(str::to_owned);
        let all: Vec<String> = list(object, "/endpoints")
            .iter()
            .flat_map(addresses)
            .collect();
        vec![
            text(object, "/metadata/name").into(),
            text(object, "/addressType").into(),
            ports(object).into(),
            shorten(&all, "<unset>").into(),
            age::since(text(object, "/metadata/creationTimestamp"), now).into(),
        ]
    }

    fn default_object(&self, object: &mut Value) {
        for port in items_mut(object, "ports") {
            set_default(port, "name", "");
            set_default(port, "protocol", "TCP");
        }
    }

    fn validate(&self, object: &Value, found: &mut Findings) {
        let types = ["FQDN", "IPv4", "IPv6"];
        match text(object, "/addressType") {
            "" => found.required("addressType", ""),
            _ => found.one_of("addressType", &object["addressType"], &types),
        }
        for (index, endpoint) in list(object, "/endpoints").iter().enumerate() {
            if list(endpoint, "/addresses").is_empty() {
                found.required(
                    format!("endpoints[{index}].addresses"),
                    "must contain at least 1 address",
                );
            }
        }
    }

    fn validate_update(&self, new: &Value, old: &Value, found: &mut Findings) {
        if new["addressType"] != old["addressType"] {
            found.invalid("addressType", &new["addressType"], "field is immutable");
        }
    }

    fn counts_generations(&self) -> bool {
        true
    }
}

fn ports(object: &Value) -> String {
    let show = |port: &Value| match int(port, "/port") {
        Some(number) => number.to_string(),
        None => "*".to_owned(),
    };
    let all: Vec<String> = list(object, "/ports").iter().map(show).collect();
    shorten(&all, "<unset>")
}
