//! Endpoints: where a Service leads, in the old form. Never computes them.

use super::column::ENDPOINTS;
use super::look::{int, list, text};
use super::{Column, Fields, Findings, Kind, Names, age, items_mut, set_default, words};
use jiff::Timestamp;
use schemars::{Schema, SchemaGenerator};
use serde_json::Value;

pub(super) struct Endpoints;

/// How many addresses a table shows before it counts the rest.
const SHOWN: usize = 3;

impl Kind for Endpoints {
    fn names(&self) -> &'static Names {
        &Names {
            key: "endpoints",
            plural: "endpoints",
            singular: "endpoints",
            short: &["ep"],
            kind: "Endpoints",
            group: "",
            version: "v1",
            namespaced: true,
            categories: &[],
        }
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<k8s_openapi::api::core::v1::Endpoints>()
    }

    fn fields(&self) -> &'static Fields {
        &Fields::HONOURED
    }

    fn columns(&self) -> &'static [Column] {
        ENDPOINTS
    }

    fn row(&self, object: &Value, now: Timestamp) -> Vec<Value> {
        vec![
            text(object, "/metadata/name").into(),
            addresses(object).into(),
            age::since(text(object, "/metadata/creationTimestamp"), now).into(),
        ]
    }

    fn default_object(&self, object: &mut Value) {
        for subset in items_mut(object, "subsets") {
            for port in items_mut(subset, "ports") {
                set_default(port, "protocol", "TCP");
            }
        }
    }

    fn validate(&self, object: &Value, found: &mut Findings) {
        for (index, subset) in list(object, "/subsets").iter().enumerate() {
            let path = format!("subsets[{index}]");
            if list(subset, "/addresses").is_empty()
                && list(subset, "/notReadyAddresses").is_empty()
            {
                found.required(&path, "must specify `addresses` or `notReadyAddresses`");
            }
            for field in ["addresses", "notReadyAddresses"] {
                for (at, address) in list(subset, &format!("/{field}")).iter().enumerate() {
                    validate_address(address, &format!("{path}.{field}[{at}]"), found);
                }
            }
            let ports = list(subset, "/ports");
            for (at, port) in ports.iter().enumerate() {
                validate_port(port, ports.len() > 1, &format!("{path}.ports[{at}]"), found);
            }
        }
    }

    fn deprecation(&self) -> Option<&'static str> {
        Some("v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice")
    }
}

fn validate_address(address: &Value, path: &str, found: &mut Findings) {
    let (ip, field) = (text(address, "/ip"), format!("{path}.ip"));
    let parsed = ip.parse();
    if parsed.is_err() {
        found.invalid(field.as_str(), &ip.into(), words::NOT_AN_ADDRESS);
    }
    let name = text(address, "/hostname");
    if !name.is_empty() {
        let field = format!("{path}.hostname");
        found.all_invalid(&field, &name.into(), words::dns_label(name));
    }
    if let Some(node) = address["nodeName"].as_str() {
        let field = format!("{path}.nodeName");
        found.all_invalid(&field, &node.into(), words::dns_subdomain(node));
    }
    match parsed {
        Ok(parsed) => words::special_address(parsed, &field, &ip.into(), found),
        Err(_) => found.invalid(field, &ip.into(), "must be a valid IP address"),
    }
}

fn validate_port(port: &Value, needs_name: bool, path: &str, found: &mut Findings) {
    match text(port, "/name") {
        "" if needs_name => found.required(format!("{path}.name"), ""),
        "" => {}
        name => {
            let field = format!("{path}.name");
            found.all_invalid(&field, &name.into(), words::dns_label(name));
        }
    }
    let number = int(port, "/port").unwrap_or(0);
    let field = format!("{path}.port");
    found.all_invalid(&field, &number.into(), words::port_number(number));
    let protocols = ["SCTP", "TCP", "UDP"];
    found.one_of(&format!("{path}.protocol"), &port["protocol"], &protocols);
    if let Some(name) = port["appProtocol"].as_str() {
        let field = format!("{path}.appProtocol");
        found.all_invalid(&field, &name.into(), words::qualified_name(name));
    }
}

fn addresses(object: &Value) -> String {
    let mut all = Vec::new();
    for subset in list(object, "/subsets") {
        let ports = list(subset, "/ports");
        if ports.is_empty() {
            all.extend(
                list(subset, "/addresses")
                    .iter()
                    .map(|a| text(a, "/ip").to_owned()),
            );
        }
        for port in ports {
            let number = int(port, "/port").unwrap_or(0);
            let of = |address: &Value| format!("{}:{number}", text(address, "/ip"));
            all.extend(list(subset, "/addresses").iter().map(of));
        }
    }
    shorten(&all, "<none>")
}

/// The first few of a list, and how many more there are.
pub(super) fn shorten(all: &[String], empty: &str) -> String {
    match all.len() {
        0 => empty.to_owned(),
        count if count > SHOWN => {
            format!("{} + {} more...", all[..SHOWN].join(","), count - SHOWN)
        }
        _ => all.join(","),
    }
}
