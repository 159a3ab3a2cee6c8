//! What Services must look like: `ValidateService` of Kubernetes 1.36, in its order and words.
//! Never allocates and never defaults.

use super::look::{int, list, text, texts};
use super::{Findings, meta, words};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::IpAddr;

const FAMILIES: [&str; 2] = ["IPv4", "IPv6"];
const FAMILY_POLICIES: [&str; 3] = ["PreferDualStack", "RequireDualStack", "SingleStack"];
const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];
const TYPES: [&str; 4] = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
/// A day.
const MAX_AFFINITY_SECONDS: i64 = 86_400;
/// No load balancer may hide the kubelet's own port.
const KUBELET_PORT: i64 = 10_250;
const FOR_LOAD_BALANCERS: &str = "may only be used when `type` is 'LoadBalancer'";

/// Whether what comes from outside may reach the Service of this spec.
pub(crate) fn is_external(spec: &Value) -> bool {
    match text(spec, "/type") {
        "LoadBalancer" | "NodePort" => true,
        "ClusterIP" => !list(spec, "/externalIPs").is_empty(),
        _ => false,
    }
}

fn is_headless(spec: &Value) -> bool {
    text(spec, "/clusterIP") == "None" || text(spec, "/clusterIPs/0") == "None"
}

fn needs_health_check(spec: &Value) -> bool {
    text(spec, "/type") == "LoadBalancer" && text(spec, "/externalTrafficPolicy") == "Local"
}

pub(super) fn validate(object: &Value, found: &mut Findings) {
    let spec = &object["spec"];
    let ports = list(spec, "/ports");
    if ports.is_empty() && !is_headless(spec) && text(spec, "/type") != "ExternalName" {
        found.required("spec.ports", "");
    }
    validate_type(spec, found);
    let mut names = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        let path = format!("spec.ports[{index}]");
        validate_port(port, &path, ports.len() > 1, &mut names, found);
    }
    meta::labels(spec, "/selector", "spec.selector", found);
    validate_affinity(spec, found);
    validate_addresses(spec, found);
    for (index, address) in texts(spec, "/externalIPs").enumerate() {
        validate_external_ip(address, &format!("spec.externalIPs[{index}]"), found);
    }
    found.one_of("spec.type", &spec["type"], &TYPES);
    validate_port_numbers(spec, found);
    validate_load_balancer(spec, found);
    validate_traffic(spec, found);
}

pub(super) fn validate_update(new: &Value, old: &Value, found: &mut Findings) {
    let count = found.0.len();
    let (new, old) = (&new["spec"], &old["spec"]);
    let has_address = |spec: &Value| text(spec, "/type") != "ExternalName";
    if has_address(old) && has_address(new) {
        validate_same_addresses(new, old, found);
    }
    let balanced = |spec: &Value| text(spec, "/type") == "LoadBalancer";
    let class = "loadBalancerClass";
    if balanced(old) && balanced(new) && new.get(class) != old.get(class) {
        found.invalid(
            "spec.loadBalancerClass",
            &new[class],
            "may not change once set",
        );
    }
    let metadata = |finding: &super::FieldError| finding.field.starts_with("metadata");
    let at = found
        .0
        .iter()
        .take_while(|finding| metadata(finding))
        .count();
    found.move_to(at, count);
}

fn validate_same_addresses(new: &Value, old: &Value, found: &mut Findings) {
    let first = |spec: &Value, lists: &str, single: &str| match text(spec, lists) {
        "" => text(spec, single).to_owned(),
        address => address.to_owned(),
    };
    let address = |spec| first(spec, "/clusterIPs/0", "/clusterIP");
    if !address(old).is_empty() && address(new) != address(old) {
        let value = json!([text(new, "/clusterIP")]);
        found.invalid("spec.clusterIPs[0]", &value, "may not change once set");
    }
    let family = |spec| text(spec, "/ipFamilies/0");
    if !family(old).is_empty() && !family(new).is_empty() && family(new) != family(old) {
        let detail = "may not change once set";
        found.invalid("spec.ipFamilies[0]", &new["ipFamilies"], detail);
    }
}

fn validate_type(spec: &Value, found: &mut Findings) {
    match text(spec, "/type") {
        type_ @ ("LoadBalancer" | "NodePort") => {
            for (index, port) in list(spec, "/ports").iter().enumerate() {
                if type_ == "LoadBalancer" && int(port, "/port") == Some(KUBELET_PORT) {
                    let detail = "may not expose port 10250 externally since it is used by kubelet";
                    found.invalid(format!("spec.ports[{index}]"), &port["port"], detail);
                }
            }
            if is_headless(spec) {
                let detail = format!("may not be set to 'None' for {type_} services");
                found.invalid("spec.clusterIPs[0]", &json!("None"), detail);
            }
        }
        "ExternalName" => validate_external_name(spec, found),
        _ => {}
    }
}

fn validate_external_name(spec: &Value, found: &mut Findings) {
    for field in ["clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
        let single = field == "clusterIPs" && !text(spec, "/clusterIP").is_empty();
        if single || !spec[field].is_null() {
            let detail = "may not be set for ExternalName services";
            found.forbidden(format!("spec.{field}"), detail);
        }
    }
    let name = text(spec, "/externalName");
    match name.strip_suffix('.').unwrap_or(name) {
        "" => found.required("spec.externalName", ""),
        name => {
            let findings = words::dns_subdomain(name);
            found.all_invalid("spec.externalName", &name.into(), findings);
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
        let field = format!("{path}.name");
        found.all_invalid(&field, &port["name"], words::dns_label(name));
        if !names.insert(name) {
            found.duplicate(field, &port["name"]);
        }
    } else if needs_name {
        found.required(format!("{path}.name"), "");
    }
    let number = int(port, "/port").unwrap_or(0);
    let field = format!("{path}.port");
    found.all_invalid(&field, &number.into(), words::port_number(number));
    match text(port, "/protocol") {
        "" => found.required(format!("{path}.protocol"), ""),
        _ => found.one_of(&format!("{path}.protocol"), &port["protocol"], &PROTOCOLS),
    }
    words::port(&port["targetPort"], &format!("{path}.targetPort"), found);
    if let Some(protocol) = port["appProtocol"].as_str() {
        let field = format!("{path}.appProtocol");
        found.all_invalid(&field, &protocol.into(), words::qualified_name(protocol));
    }
}

fn validate_affinity(spec: &Value, found: &mut Findings) {
    let kinds = ["ClientIP", "None"];
    found.one_of("spec.sessionAffinity", &spec["sessionAffinity"], &kinds);
    let config = "spec.sessionAffinityConfig";
    match text(spec, "/sessionAffinity") {
        "ClientIP" => {
            let seconds = int(spec, "/sessionAffinityConfig/clientIP/timeoutSeconds");
            if !seconds.is_some_and(|seconds| (1..=MAX_AFFINITY_SECONDS).contains(&seconds)) {
                let field = format!("{config}.clientIP.timeoutSeconds");
                let detail = format!("must be greater than 0 and less than {MAX_AFFINITY_SECONDS}");
                found.invalid(field, &seconds.into(), detail);
            }
        }
        "None" if !spec["sessionAffinityConfig"].is_null() => {
            found.forbidden(config, "must not be set when session affinity is None");
        }
        _ => {}
    }
}

/// `ValidateServiceClusterIPsRelatedFields`: addresses and families agree.
pub(crate) fn validate_addresses(spec: &Value, found: &mut Findings) {
    let (field, addresses) = ("spec.clusterIPs", list(spec, "/clusterIPs"));
    match (text(spec, "/clusterIP"), addresses.first()) {
        ("", Some(_)) => {
            let detail = "must be empty when `clusterIP` is not specified";
            found.invalid(field, &spec["clusterIPs"], detail);
        }
        (one, Some(first)) if !one.is_empty() && first != one => {
            let detail = "first value must match `clusterIP`";
            found.invalid(field, &spec["clusterIPs"], detail);
        }
        _ => {}
    }
    let mut seen = BTreeSet::new();
    for (index, family) in texts(spec, "/ipFamilies").enumerate() {
        let field = format!("spec.ipFamilies[{index}]");
        found.one_of(&field, &family.into(), &FAMILIES);
        if !seen.insert(family) {
            found.duplicate(field, &family.into());
        }
    }
    let policy = "spec.ipFamilyPolicy";
    found.one_of(policy, &spec["ipFamilyPolicy"], &FAMILY_POLICIES);
    let given: Vec<&str> = match addresses {
        [] => Some(text(spec, "/clusterIP"))
            .filter(|address| !address.is_empty())
            .into_iter()
            .collect(),
        _ => texts(spec, "/clusterIPs").collect(),
    };
    if validate_each_address(&given, found) {
        validate_families(&given, spec, found);
    }
}

/// Whether all addresses are such, so that more can be said of them.
fn validate_each_address(given: &[&str], found: &mut Findings) -> bool {
    let field = "spec.clusterIPs";
    let before = found.0.len();
    for (index, address) in given.iter().enumerate() {
        if index == 0 && *address == "None" {
            if given.len() > 1 {
                found.invalid(
                    field,
                    &json!(given),
                    "'None' must be the first and only value",
                );
            }
            continue;
        }
        if address.parse::<IpAddr>().is_err() {
            let field = format!("{field}[{index}]");
            found.invalid(field, &(*address).into(), words::NOT_AN_ADDRESS);
        }
    }
    let good = found.0.len() == before;
    if given.len() > 2 {
        found.invalid(field, &json!(given), "may only hold up to 2 values");
    }
    good
}

fn validate_families(given: &[&str], spec: &Value, found: &mut Findings) {
    let family = |address: &str| match address.parse::<IpAddr>() {
        Ok(IpAddr::V6(_)) => "IPv6",
        _ => "IPv4",
    };
    if let [one, other, ..] = given
        && family(one) == family(other)
    {
        let detail = "may specify no more than one IP for each IP family";
        found.invalid("spec.clusterIPs", &json!(given), detail);
    }
    if is_headless(spec) {
        return;
    }
    for (index, (address, wanted)) in given.iter().zip(texts(spec, "/ipFamilies")).enumerate() {
        if FAMILIES.contains(&wanted) && family(address) != wanted {
            let detail =
                format!("expected an {wanted} value as indicated by `ipFamilies[{index}]`");
            let field = format!("spec.clusterIPs[{index}]");
            found.invalid(field, &(*address).into(), detail);
        }
    }
}

fn validate_external_ip(address: &str, field: &str, found: &mut Findings) {
    let value = address.into();
    let Ok(parsed) = address.parse::<IpAddr>() else {
        return found.invalid(field, &value, words::NOT_AN_ADDRESS);
    };
    words::special_address(parsed, field, &value, found);
}

fn validate_port_numbers(spec: &Value, found: &mut Findings) {
    let ports = list(spec, "/ports");
    let node_port = |port| int(port, "/nodePort").unwrap_or(0);
    let field = |index| format!("spec.ports[{index}].nodePort");
    if text(spec, "/type") == "ClusterIP" {
        for (index, _) in ports.iter().enumerate().filter(|(_, p)| node_port(p) != 0) {
            found.forbidden(field(index), "may not be used when `type` is 'ClusterIP'");
        }
    }
    let mut seen = BTreeSet::new();
    for (index, port) in ports.iter().enumerate().filter(|(_, p)| node_port(p) != 0) {
        if !seen.insert((text(port, "/protocol"), node_port(port))) {
            found.duplicate(field(index), &port["nodePort"]);
        }
    }
    let mut seen = BTreeSet::new();
    for (index, port) in ports.iter().enumerate() {
        let (number, protocol) = (int(port, "/port").unwrap_or(0), text(port, "/protocol"));
        if !seen.insert((protocol, number)) {
            let printed = format!(
                "{{\"Name\":\"\",\"Protocol\":\"{protocol}\",\"AppProtocol\":null,\"Port\":{number},\"TargetPort\":0,\"NodePort\":0}}"
            );
            found.duplicate_printed(format!("spec.ports[{index}]"), &printed);
        }
    }
}

fn validate_load_balancer(spec: &Value, found: &mut Findings) {
    let balanced = text(spec, "/type") == "LoadBalancer";
    let ranges = list(spec, "/loadBalancerSourceRanges");
    // Kubernetes' own path begins with a capital letter.
    let field = "spec.LoadBalancerSourceRanges";
    if !ranges.is_empty() && !balanced {
        found.forbidden(field, FOR_LOAD_BALANCERS);
    }
    for (index, range) in texts(spec, "/loadBalancerSourceRanges").enumerate() {
        let range = range.trim();
        if !words::is_network(range) {
            let field = format!("{field}[{index}]");
            found.invalid(field, &range.into(), words::NOT_A_NETWORK);
        }
    }
    if !balanced && !spec["allocateLoadBalancerNodePorts"].is_null() {
        found.forbidden("spec.allocateLoadBalancerNodePorts", FOR_LOAD_BALANCERS);
    }
    let Some(class) = spec["loadBalancerClass"].as_str() else {
        return;
    };
    let field = "spec.loadBalancerClass";
    if balanced {
        found.all_invalid(field, &class.into(), words::qualified_name(class));
    } else {
        found.forbidden(field, FOR_LOAD_BALANCERS);
    }
}

fn validate_traffic(spec: &Value, found: &mut Findings) {
    let policies = ["Cluster", "Local"];
    let field = "spec.externalTrafficPolicy";
    let policy = &spec["externalTrafficPolicy"];
    if is_external(spec) {
        found.one_of(field, policy, &policies);
    } else if policy.is_string() {
        let detail = "may only be set for externally-accessible services";
        found.invalid(field, policy, detail);
    }
    let port = int(spec, "/healthCheckNodePort").unwrap_or(0);
    let field = "spec.healthCheckNodePort";
    if needs_health_check(spec) {
        // Zero is for the allocation, which comes later.
        let findings = words::port_number(port.max(1));
        found.all_invalid(field, &port.into(), findings);
    } else if port != 0 {
        let detail =
            "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
        found.invalid(field, &port.into(), detail);
    }
    let field = "spec.internalTrafficPolicy";
    found.one_of(field, &spec["internalTrafficPolicy"], &policies);
    let spread = ["PreferClose", "PreferSameNode", "PreferSameZone"];
    let field = "spec.trafficDistribution";
    found.one_of(field, &spec["trafficDistribution"], &spread);
}
