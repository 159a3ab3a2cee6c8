//! EndpointSlices: where a Service leads. Never computes them.

use super::column::ENDPOINT_SLICES;
use super::endpoints::shorten;
use super::look::{int, list, text, texts};
use super::{Column, Fields, Findings, Kind, Names, age, items_mut, set_default, words};
use jiff::Timestamp;
use schemars::{Schema, SchemaGenerator};
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::IpAddr;

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
        let type_ = text(object, "/addressType");
        match type_ {
            "" => found.required("addressType", ""),
            _ => found.one_of("addressType", &object["addressType"], &ADDRESS_TYPES),
        }
        let endpoints = list(object, "/endpoints");
        if endpoints.len() > MAX_ENDPOINTS {
            found.too_many("endpoints", endpoints.len(), MAX_ENDPOINTS);
        } else {
            for (index, endpoint) in endpoints.iter().enumerate() {
                validate_endpoint(endpoint, type_, &format!("endpoints[{index}]"), found);
            }
        }
        let ports = list(object, "/ports");
        if ports.len() > MAX_PORTS {
            return found.too_many("ports", ports.len(), MAX_PORTS);
        }
        let mut names = BTreeSet::new();
        for (index, port) in ports.iter().enumerate() {
            validate_port(port, &format!("ports[{index}]"), &mut names, found);
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

    fn generation_counts_labels(&self) -> bool {
        true
    }
}

const ADDRESS_TYPES: [&str; 3] = ["FQDN", "IPv4", "IPv6"];
const MAX_ENDPOINTS: usize = 1_000;
const MAX_PORTS: usize = 20_000;
const MAX_ADDRESSES: usize = 100;

fn validate_endpoint(endpoint: &Value, type_: &str, path: &str, found: &mut Findings) {
    let addresses = list(endpoint, "/addresses");
    let at = format!("{path}.addresses");
    match addresses.len() {
        0 => found.required(at.as_str(), "must contain at least 1 address"),
        count if count > MAX_ADDRESSES => found.too_many(at.as_str(), count, MAX_ADDRESSES),
        _ => {}
    }
    for (index, address) in texts(endpoint, "/addresses").enumerate() {
        validate_address(address, type_, &format!("{at}[{index}]"), found);
    }
    for (field, rule) in [
        ("nodeName", words::dns_subdomain as fn(&str) -> Vec<String>),
        ("zone", words::label_value),
        ("hostname", words::dns_label),
    ] {
        if let Some(name) = endpoint[field].as_str().filter(|name| !name.is_empty()) {
            found.all_invalid(&format!("{path}.{field}"), &name.into(), rule(name));
        }
    }
}

fn validate_address(address: &str, type_: &str, field: &str, found: &mut Findings) {
    let value = address.into();
    match (type_, address.parse::<IpAddr>()) {
        ("IPv4", Ok(IpAddr::V4(_))) | ("IPv6", Ok(IpAddr::V6(_))) => {
            let parsed = address.parse().expect("it was parsed");
            words::special_address(parsed, field, &value, found);
        }
        ("IPv4", _) => found.invalid(field, &value, "must be a valid IPv4 address"),
        ("IPv6", _) => found.invalid(field, &value, "must be a valid IPv6 address"),
        ("FQDN", _) => found.all_invalid(field, &value, words::dns_subdomain(address)),
        _ => {}
    }
}

fn validate_port<'a>(
    port: &'a Value,
    path: &str,
    names: &mut BTreeSet<&'a str>,
    found: &mut Findings,
) {
    let name = text(port, "/name");
    let field = format!("{path}.name");
    if !name.is_empty() {
        found.all_invalid(&field, &name.into(), words::dns_label(name));
    }
    if !names.insert(name) {
        found.duplicate(field, &name.into());
    }
    let protocols = ["SCTP", "TCP", "UDP"];
    found.one_of(&format!("{path}.protocol"), &port["protocol"], &protocols);
    if let Some(number) = int(port, "/port") {
        let field = format!("{path}.port");
        found.all_invalid(&field, &number.into(), words::port_number(number));
    }
    if let Some(name) = port["appProtocol"].as_str() {
        let field = format!("{path}.appProtocol");
        found.all_invalid(&field, &name.into(), words::qualified_name(name));
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
