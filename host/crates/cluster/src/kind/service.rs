//! Services: one name and address for many pods. Never allocates an address; `api` does.

use super::column::SERVICES;
use super::look::{flag, format_labels, int, list, map, text, texts};
use super::{
    Column, Fields, Findings, Kind, Names, Subresource, age, items_mut, service_rules, set_default,
};
use jiff::Timestamp;
use schemars::{Schema, SchemaGenerator};
use serde_json::{Value, json};

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
        let address = text(spec, "/clusterIP").to_owned();
        if !address.is_empty() {
            set_default(spec, "clusterIPs", json!([address]));
        }
        let type_ = text(spec, "/type").to_owned();
        if service_rules::is_external(spec) {
            set_default(spec, "externalTrafficPolicy", "Cluster");
        }
        if type_ == "LoadBalancer" {
            set_default(spec, "allocateLoadBalancerNodePorts", true);
        }
        if matches!(type_.as_str(), "ClusterIP" | "NodePort" | "LoadBalancer") {
            set_default(spec, "internalTrafficPolicy", "Cluster");
            default_families(spec);
        }
        set_default(object, "status", json!({}));
        set_default(&mut object["status"], "loadBalancer", json!({}));
        for ingress in items_mut(&mut object["status"]["loadBalancer"], "ingress") {
            if ingress.get("ip").is_some() {
                set_default(ingress, "ipMode", "VIP");
            }
        }
    }

    fn validate_name(&self, name: &str) -> Vec<String> {
        super::words::dns_label(name)
    }

    fn validate(&self, object: &Value, found: &mut Findings) {
        service_rules::validate(object, found);
    }

    fn validate_update(&self, new: &Value, old: &Value, found: &mut Findings) {
        service_rules::validate_update(new, old, found);
    }

    fn selectable_fields(&self) -> &'static [&'static str] {
        &["spec.clusterIP", "spec.type"]
    }

    fn warnings(&self, new: &Value, _old: Option<&Value>) -> Vec<String> {
        super::warnings::of_service(new)
    }

    fn fields(&self) -> &'static Fields {
        &Fields {
            honoured: &[
                "spec.{type,selector,clusterIP,clusterIPs,externalIPs,externalName}",
                "spec.{ipFamilies,ipFamilyPolicy,publishNotReadyAddresses}",
                "spec.{externalTrafficPolicy,internalTrafficPolicy}",
                "spec.{sessionAffinity,sessionAffinityConfig}",
                "spec.{allocateLoadBalancerNodePorts,healthCheckNodePort,loadBalancerClass}",
                "spec.ports[].{appProtocol,name,nodePort,port,protocol,targetPort}",
                "status.loadBalancer.ingress[].{ip,hostname,ipMode}",
            ],
            inert: &["status.conditions", "status.loadBalancer.ingress[].ports"],
            not_in_this_lab: &[
                "spec.{loadBalancerIP,loadBalancerSourceRanges}",
                "spec.trafficDistribution",
            ],
            ..Fields::NONE
        }
    }
}

/// One family, as this cluster has; a headless Service that selects nothing may have both, since
/// someone else fills in its endpoints.
fn default_families(spec: &mut Value) {
    let anything = text(spec, "/clusterIP") == "None"
        && map(spec, "/selector").is_none_or(serde_json::Map::is_empty);
    if !anything {
        set_default(spec, "ipFamilies", json!(["IPv4"]));
        set_default(spec, "ipFamilyPolicy", "SingleStack");
        return;
    }
    set_default(spec, "ipFamilyPolicy", "RequireDualStack");
    let single = text(spec, "/ipFamilyPolicy") == "SingleStack";
    match (list(spec, "/ipFamilies"), single) {
        ([], true) => spec["ipFamilies"] = json!(["IPv4"]),
        ([], false) => spec["ipFamilies"] = json!(["IPv4", "IPv6"]),
        ([one], false) => {
            let other = if one == "IPv4" { "IPv6" } else { "IPv4" };
            spec["ipFamilies"] = json!([one, other]);
        }
        _ => {}
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
