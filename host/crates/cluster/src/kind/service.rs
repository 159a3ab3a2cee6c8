//! Services: one name and address for many pods. Never allocates an address; `api` does.

use super::column::SERVICES;
use super::look::{flag, format_labels, int, list, map, text, texts};
use super::{
    Column, Fields, Findings, Kind, Names, Subresource, age, items_mut, meta, set_default, words,
};
use jiff::Timestamp;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub(super) struct Services;

impl Kind for Services {
    fn names(&self) -> &'static Names {
        &Names {
            key: "services",
            plural: "services",
            singular: "service",
            short: &["svc"],
            kind: "Service",
            group: "",
            version: "v1",
            namespaced: true,
            categories: &["all"],
        }
    }

    fn schema(&self, generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<k8s_openapi::api::core::v1::Service>()
    }

    fn subresources(&self) -> &'static [Subresource] {
        const {
            &[
                Subresource::proxy("ServiceProxyOptions"),
                Subresource::STATUS,
            ]
        }
    }

    fn columns(&self) -> &'static [Column] {
        SERVICES
    }

    fn row(&self, object: &Value, now: Timestamp) -> Vec<Value> {
        let address = match text(object, "/spec/clusterIP") {
            "" => "<none>",
            address => address,
        };
        vec![
            text(object, "/metadata/name").into(),
            text(object, "/spec/type").into(),
            address.into(),
            external_address(object).into(),
            ports(object).into(),
            age::since(text(object, "/metadata/creationTimestamp"), now).into(),
            format_labels(object, "/spec/selector").into(),
        ]
    }

    fn default_object(&self, object: &mut Value) {
        set_default(object, "spec", json!({}));
        let spec = &mut object["spec"];
        set_default(spec, "sessionAffinity", "None");
        if text(spec, "/sessionAffinity") == "ClientIP" {
            set_default(spec, "sessionAffinityConfig", json!({}));
            set_default(&mut spec["sessionAffinityConfig"], "clientIP", json!({}));
            let config = &mut spec["sessionAffinityConfig"]["clientIP"];
            set_default(config, "timeoutSeconds", 10_800);
        }
        set_default(spec, "type", "ClusterIP");
        for port in items_mut(spec, "ports") {
            set_default(port, "protocol", "TCP");
            if let Some(number) = port.get("port").cloned() {
                set_default(port, "targetPort", number);
            }
        }
        let type_ = text(spec, "/type").to_owned();
        if matches!(type_.as_str(), "NodePort" | "LoadBalancer") {
            set_default(spec, "externalTrafficPolicy", "Cluster");
        }
        if type_ == "LoadBalancer" {
            set_default(spec, "allocateLoadBalancerNodePorts", true);
        }
        if matches!(type_.as_str(), "ClusterIP" | "NodePort" | "LoadBalancer") {
            set_default(spec, "internalTrafficPolicy", "Cluster");
            set_default(spec, "ipFamilies", json!(["IPv4"]));
            set_default(spec, "ipFamilyPolicy", "SingleStack");
        }
        set_default(object, "status", json!({}));
        set_default(&mut object["status"], "loadBalancer", json!({}));
        for ingress in items_mut(&mut object["status"]["loadBalancer"], "ingress") {
            if ingress.get("ip").is_some() {
                set_default(ingress, "ipMode", "VIP");
            }
        }
    }

    fn validate(&self, object: &Value, found: &mut Findings) {
        let spec = &object["spec"];
        let type_ = text(spec, "/type");
        let headless = text(spec, "/clusterIP") == "None";
        let all = list(spec, "/ports");
        if all.is_empty() && !headless && type_ != "ExternalName" {
            found.required("spec.ports", "");
        }
        match type_ {
            "LoadBalancer" | "NodePort" if headless => {
                let detail = format!("may not be set to 'None' for {type_} services");
                found.invalid("spec.clusterIPs[0]", &json!("None"), detail);
            }
            "ExternalName" => validate_external_name(spec, found),
            _ => {}
        }
        validate_ports(spec, headless, found);
        meta::labels(spec, "/selector", "spec.selector", found);
        let affinities = ["ClientIP", "None"];
        found.one_of(
            "spec.sessionAffinity",
            &spec["sessionAffinity"],
            &affinities,
        );
        let types = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
        found.one_of("spec.type", &spec["type"], &types);
        for (index, address) in texts(spec, "/externalIPs").enumerate() {
            if address.parse::<std::net::Ipv4Addr>().is_err() {
                let detail = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
                found.invalid(
                    format!("spec.externalIPs[{index}]"),
                    &address.into(),
                    detail,
                );
            }
        }
        let policies = ["Cluster", "Local"];
        for field in ["externalTrafficPolicy", "internalTrafficPolicy"] {
            found.one_of(&format!("spec.{field}"), &spec[field], &policies);
        }
        if type_ == "ClusterIP" && !text(spec, "/externalTrafficPolicy").is_empty() {
            let value = &spec["externalTrafficPolicy"];
            let detail = "may only be set for externally-accessible services";
            found.invalid("spec.externalTrafficPolicy", value, detail);
        }
    }

    fn validate_update(&self, new: &Value, old: &Value, found: &mut Findings) {
        let address = |object| text(object, "/spec/clusterIP");
        let external = |object| text(object, "/spec/type") == "ExternalName";
        let set_before = !external(old) && !address(old).is_empty();
        if set_before && !external(new) && address(new) != address(old) {
            let value = json!([address(new)]);
            found.invalid("spec.clusterIPs[0]", &value, "may not change once set");
        }
    }

    fn selectable_fields(&self) -> &'static [&'static str] {
        &["spec.clusterIP", "spec.type"]
    }

    fn fields(&self) -> &'static Fields {
        &Fields {
            honoured: &[
                "spec.{type,selector,clusterIP,clusterIPs,externalIPs,externalName}",
                "spec.{ipFamilies,ipFamilyPolicy,publishNotReadyAddresses}",
                "spec.{externalTrafficPolicy,internalTrafficPolicy}",
                "spec.{sessionAffinity,sessionAffinityConfig}",
                "spec.{allocateLoadBalancerNodePorts,loadBalancerClass}",
                "spec.ports[].{appProtocol,name,nodePort,port,protocol,targetPort}",
                "status.loadBalancer.ingress[].{ip,hostname,ipMode}",
            ],
            inert: &["status.conditions", "status.loadBalancer.ingress[].ports"],
            not_in_this_lab: &[
                "spec.{healthCheckNodePort,loadBalancerIP,loadBalancerSourceRanges}",
                "spec.trafficDistribution",
            ],
            ..Fields::NONE
        }
    }
}

fn validate_external_name(spec: &Value, found: &mut Findings) {
    if !text(spec, "/clusterIP").is_empty() {
        found.forbidden(
            "spec.clusterIPs[0]",
            "may not be set for ExternalName services",
        );
    }
    let name = text(spec, "/externalName");
    match name.strip_suffix('.').unwrap_or(name) {
        "" => found.required("spec.externalName", ""),
        name => {
            let findings = words::dns_subdomain(name);
            found.all_invalid("spec.externalName", &spec["externalName"], findings);
        }
    }
}

fn validate_ports(spec: &Value, headless: bool, found: &mut Findings) {
    let ports = list(spec, "/ports");
    let (mut names, mut numbers, mut node_ports) =
        (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for (index, port) in ports.iter().enumerate() {
        let path = format!("spec.ports[{index}]");
        validate_port(port, &path, ports.len() > 1, &mut names, found);
        let protocol = text(port, "/protocol");
        let number = int(port, "/port").unwrap_or(0);
        if !headless && !numbers.insert((protocol, number)) {
            let value = json!({
                "AppProtocol": null, "Name": "", "NodePort": 0,
                "Port": number, "Protocol": protocol, "TargetPort": 0,
            });
            found.duplicate(path.as_str(), &value);
        }
        let node_port = int(port, "/nodePort").unwrap_or(0);
        if node_port == 0 {
            continue;
        }
        let field = format!("{path}.nodePort");
        if text(spec, "/type") == "ClusterIP" {
            found.forbidden(&field, "may not be used when `type` is 'ClusterIP'");
        }
        if !node_ports.insert((protocol, node_port)) {
            found.duplicate(field, &port["nodePort"]);
        }
    }
}

fn validate_port<'a>(
    port: &'a Value,
    path: &str,
    needs_name: bool,
    names: &mut BTreeSet<&'a str>,
    found: &mut Findings,
) {
    let name = text(port, "/name");
    if !name.is_empty() {
        found.all_invalid(
            &format!("{path}.name"),
            &port["name"],
            words::dns_label(name),
        );
        if !names.insert(name) {
            found.duplicate(format!("{path}.name"), &port["name"]);
        }
    } else if needs_name {
        found.required(format!("{path}.name"), "");
    }
    let number = int(port, "/port").unwrap_or(0);
    found.all_invalid(
        &format!("{path}.port"),
        &number.into(),
        words::port_number(number),
    );
    match text(port, "/protocol") {
        "" => found.required(format!("{path}.protocol"), ""),
        _ => found.one_of(
            &format!("{path}.protocol"),
            &port["protocol"],
            &["SCTP", "TCP", "UDP"],
        ),
    }
    validate_int_or_name(&port["targetPort"], &format!("{path}.targetPort"), found);
}

/// What is wrong with a port given by number or by name.
pub(super) fn validate_int_or_name(value: &Value, field: &str, found: &mut Findings) {
    match value {
        Value::String(name) => found.all_invalid(field, value, words::port_name(name)),
        _ => {
            let number = value.as_i64().unwrap_or(0);
            found.all_invalid(field, &number.into(), words::port_number(number));
        }
    }
}

fn external_address(service: &Value) -> String {
    let mut addresses: Vec<&str> = Vec::new();
    match text(service, "/spec/type") {
        "ExternalName" => return text(service, "/spec/externalName").to_owned(),
        "LoadBalancer" => {
            for ingress in list(service, "/status/loadBalancer/ingress") {
                let own = [text(ingress, "/ip"), text(ingress, "/hostname")];
                addresses.extend(own.into_iter().find(|name| !name.is_empty()));
            }
            addresses.sort_unstable();
            addresses.dedup();
            addresses.extend(texts(service, "/spec/externalIPs"));
            if addresses.is_empty() {
                return "<pending>".to_owned();
            }
        }
        _ => addresses.extend(texts(service, "/spec/externalIPs")),
    }
    if addresses.is_empty() {
        "<none>".to_owned()
    } else {
        addresses.join(",")
    }
}

fn ports(service: &Value) -> String {
    let show = |port: &Value| {
        let (number, protocol) = (int(port, "/port").unwrap_or(0), text(port, "/protocol"));
        match int(port, "/nodePort").filter(|node_port| *node_port > 0) {
            Some(node_port) => format!("{number}:{node_port}/{protocol}"),
            None => format!("{number}/{protocol}"),
        }
    };
    let all: Vec<String> = list(service, "/spec/ports").iter().map(show).collect();
    if all.is_empty() {
        "<none>".to_owned()
    } else {
        all.join(",")
    }
}

/// Whether the Service wants a port on every node.
pub(crate) fn wants_node_ports(service: &Value) -> bool {
    match text(service, "/spec/type") {
        "NodePort" => true,
        "LoadBalancer" => {
            map(service, "/spec")
                .is_none_or(|spec| !spec.contains_key("allocateLoadBalancerNodePorts"))
                || flag(service, "/spec/allocateLoadBalancerNodePorts")
        }
        _ => false,
    }
}
