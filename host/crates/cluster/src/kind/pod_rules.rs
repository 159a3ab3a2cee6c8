//! What a pod's spec must look like: `ValidatePodSpec` of Kubernetes 1.36, in its order and words.
//! Never defaults and never looks outside the spec.

use super::container_rules::{self, Around};
use super::look::{flag, int, list, text, texts};
use super::{Findings, affinity_rules, meta, volume, words};
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::IpAddr;

const RESTART_POLICIES: [&str; 3] = ["Always", "OnFailure", "Never"];
const DNS_POLICIES: [&str; 4] = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
const MAX_NAMESERVERS: usize = 3;
const MAX_SEARCHES: usize = 32;
const MAX_SEARCH_LETTERS: usize = 2_048;
/// The effects of a taint, in the order they are told.
pub(super) const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

/// What is wrong with a template of pods at `path`, whoever makes pods of it.
pub(super) fn validate_template(template: &Value, path: &str, found: &mut Findings) {
    let metadata = format!("{path}.metadata");
    let labels = format!("{metadata}.labels");
    meta::labels(template, "/metadata/labels", &labels, found);
    meta::annotations(template, &format!("{metadata}.annotations"), found);
    let spec = &template["spec"];
    validate_spec(spec, &format!("{path}.spec"), false, found);
    if !list(spec, "/ephemeralContainers").is_empty() {
        let field = format!("{path}.spec.ephemeralContainers");
        found.forbidden(field, "ephemeral containers not allowed in pod template");
    }
}

/// What is wrong with a pod's spec at `path`.
pub(super) fn validate_spec(spec: &Value, path: &str, of_pod: bool, found: &mut Findings) {
    let around = Around {
        volumes: volume::validate(spec, path, found),
        grace: int(spec, "/terminationGracePeriodSeconds"),
    };
    container_rules::validate(spec, &format!("{path}.containers"), &around, found);
    container_rules::validate_init(spec, &format!("{path}.initContainers"), &around, found);
    let ephemeral = format!("{path}.ephemeralContainers");
    container_rules::validate_ephemeral(spec, &ephemeral, &around, found);
    validate_host_network(spec, path, of_pod, found);
    let one_of = |field: &str, supported: &[&str], found: &mut Findings| {
        found.one_of(&format!("{path}.{field}"), &spec[field], supported);
    };
    one_of("restartPolicy", &RESTART_POLICIES, found);
    one_of("dnsPolicy", &DNS_POLICIES, found);
    let at = |field: &str| format!("{path}.{field}");
    meta::labels(spec, "/nodeSelector", &at("nodeSelector"), found);
    validate_security(spec, path, found);
    affinity_rules::validate(&spec["affinity"], &at("affinity"), found);
    validate_dns(spec, &at("dnsConfig"), found);
    validate_gates(spec, path, found);
    affinity_rules::validate_spread(spec, &at("topologySpreadConstraints"), found);
    validate_names(spec, path, found);
    validate_tolerations(spec, &at("tolerations"), found);
    validate_aliases(spec, &at("hostAliases"), found);
    for field in ["priorityClassName", "runtimeClassName"] {
        if let Some(name) = spec[field].as_str() {
            found.all_invalid(&at(field), &name.into(), words::dns_subdomain(name));
        }
    }
    one_of(
        "preemptionPolicy",
        &["PreemptLowerPriority", "Never"],
        found,
    );
    if let Some(name) = spec["os"]["name"].as_str() {
        found.one_of(&at("os.name"), &name.into(), &["linux", "windows"]);
    }
}

fn validate_host_network(spec: &Value, path: &str, of_pod: bool, found: &mut Findings) {
    if !flag(spec, "/hostNetwork") {
        return;
    }
    for (at, container) in list(spec, "/containers").iter().enumerate() {
        for (index, port) in list(container, "/ports").iter().enumerate() {
            let host = int(port, "/hostPort").unwrap_or(0);
            let own = int(port, "/containerPort").unwrap_or(0);
            if (of_pod || host != 0) && host != own {
                let field = format!("{path}.containers[{at}].ports[{index}].hostPort");
                let detail = "must match `containerPort` when `hostNetwork` is true";
                found.invalid(field, &host.into(), detail);
            }
        }
    }
}

fn validate_security(spec: &Value, path: &str, found: &mut Findings) {
    let context = &spec["securityContext"];
    let path = format!("{path}.securityContext");
    container_rules::validate_ids(context, &path, found);
    if flag(spec, "/shareProcessNamespace") && flag(spec, "/hostPID") {
        let detail = "ShareProcessNamespace and HostPID cannot both be enabled";
        found.invalid(
            format!("{path}.shareProcessNamespace"),
            &true.into(),
            detail,
        );
    }
    for (field, supported) in [
        ("fsGroupChangePolicy", ["Always", "OnRootMismatch"]),
        ("supplementalGroupsPolicy", ["Merge", "Strict"]),
        ("seLinuxChangePolicy", ["MountOption", "Recursive"]),
    ] {
        found.one_of(&format!("{path}.{field}"), &context[field], &supported);
    }
}

fn validate_dns(spec: &Value, path: &str, found: &mut Findings) {
    let config = &spec["dnsConfig"];
    let (servers, searches) = (list(config, "/nameservers"), list(config, "/searches"));
    if text(spec, "/dnsPolicy") == "None" {
        if config.is_null() {
            let detail = "must provide `dnsConfig` when `dnsPolicy` is None";
            return found.required(path, detail);
        }
        if servers.is_empty() {
            let detail = "must provide at least one DNS nameserver when `dnsPolicy` is None";
            return found.required(format!("{path}.nameservers"), detail);
        }
    }
    if servers.len() > MAX_NAMESERVERS {
        let detail = format!("must not have more than {MAX_NAMESERVERS} nameservers");
        found.invalid(
            format!("{path}.nameservers"),
            &config["nameservers"],
            detail,
        );
    }
    for (index, server) in texts(config, "/nameservers").enumerate() {
        validate_address(server, &format!("{path}.nameservers[{index}]"), found);
    }
    let field = format!("{path}.searches");
    if searches.len() > MAX_SEARCHES {
        let detail = format!("must not have more than {MAX_SEARCHES} search paths");
        found.invalid(field.as_str(), &config["searches"], detail);
    }
    let letters: usize = texts(config, "/searches")
        .map(|search| search.len() + 1)
        .sum();
    if letters > MAX_SEARCH_LETTERS + 1 {
        let detail = format!(
            "must not have more than {MAX_SEARCH_LETTERS} characters (including spaces) in the search list"
        );
        found.invalid(field.as_str(), &config["searches"], detail);
    }
    for (index, search) in texts(config, "/searches").enumerate() {
        if search != "." {
            let search = search.strip_suffix('.').unwrap_or(search);
            let findings = words::dns_subdomain_with_underscore(search);
            found.all_invalid(&format!("{field}[{index}]"), &search.into(), findings);
        }
    }
    for (index, option) in list(config, "/options").iter().enumerate() {
        if text(option, "/name").is_empty() {
            found.required(format!("{path}.options[{index}]"), "must not be empty");
        }
    }
}

fn validate_address(address: &str, field: &str, found: &mut Findings) {
    if address.parse::<IpAddr>().is_err() {
        found.invalid(field, &address.into(), words::NOT_AN_ADDRESS);
    }
}

fn validate_gates(spec: &Value, path: &str, found: &mut Findings) {
    for (index, gate) in list(spec, "/readinessGates").iter().enumerate() {
        let name = text(gate, "/conditionType");
        let field = format!("{path}.readinessGates[{index}].conditionType");
        found.all_invalid(&field, &name.into(), words::qualified_name(name));
    }
    let mut seen = BTreeSet::new();
    for (index, gate) in list(spec, "/schedulingGates").iter().enumerate() {
        let name = text(gate, "/name");
        let field = format!("{path}.schedulingGates[{index}]");
        found.all_invalid(&field, &name.into(), words::qualified_name(name));
        if !seen.insert(name) {
            found.duplicate(field, &name.into());
        }
    }
}

fn validate_names(spec: &Value, path: &str, found: &mut Findings) {
    for field in ["serviceAccountName", "nodeName"] {
        let name = text(spec, &format!("/{field}"));
        if !name.is_empty() {
            let findings = words::dns_subdomain(name);
            found.all_invalid(&format!("{path}.{field}"), &name.into(), findings);
        }
    }
    let seconds = &spec["activeDeadlineSeconds"];
    if seconds
        .as_i64()
        .is_some_and(|seconds| !(1..=i64::from(i32::MAX)).contains(&seconds))
    {
        let field = format!("{path}.activeDeadlineSeconds");
        found.invalid(
            field,
            seconds,
            "must be between 1 and 2147483647, inclusive",
        );
    }
    for field in ["hostname", "subdomain"] {
        let name = text(spec, &format!("/{field}"));
        if !name.is_empty() {
            let findings = words::dns_label(name);
            found.all_invalid(&format!("{path}.{field}"), &name.into(), findings);
        }
    }
}

/// What is wrong with a list of tolerations.
pub(super) fn validate_tolerations(spec: &Value, path: &str, found: &mut Findings) {
    for (index, toleration) in list(spec, "/tolerations").iter().enumerate() {
        let path = format!("{path}[{index}]");
        let part = |name: &str| text(toleration, &format!("/{name}"));
        let (key, operator, value, effect) =
            (part("key"), part("operator"), part("value"), part("effect"));
        if !key.is_empty() {
            let findings = words::qualified_name(key);
            found.all_invalid(&format!("{path}.key"), &key.into(), findings);
        }
        let at = format!("{path}.operator");
        if key.is_empty() && operator != "Exists" {
            let detail = "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
            found.invalid(at.as_str(), &operator.into(), detail);
        }
        if int(toleration, "/tolerationSeconds").is_some() && effect != "NoExecute" {
            let detail = "effect must be 'NoExecute' when `tolerationSeconds` is set";
            found.invalid(format!("{path}.effect"), &effect.into(), detail);
        }
        match operator {
            "" | "Equal" => {
                let findings = words::label_value(value);
                if !findings.is_empty() {
                    found.invalid(at, &value.into(), findings.join(";"));
                }
            }
            "Exists" if value.is_empty() => {}
            "Exists" => {
                found.invalid(
                    at,
                    &value.into(),
                    "value must be empty when `operator` is 'Exists'",
                );
            }
            _ => found.unsupported(at, operator, &["Equal", "Exists"]),
        }
        if !effect.is_empty() {
            found.one_of(&format!("{path}.effect"), &effect.into(), &EFFECTS);
        }
    }
}

fn validate_aliases(spec: &Value, path: &str, found: &mut Findings) {
    for (index, alias) in list(spec, "/hostAliases").iter().enumerate() {
        let path = format!("{path}[{index}]");
        validate_address(text(alias, "/ip"), &format!("{path}.ip"), found);
        for (at, name) in texts(alias, "/hostnames").enumerate() {
            let findings = words::dns_subdomain(name);
            found.all_invalid(&format!("{path}.hostnames[{at}]"), &name.into(), findings);
        }
    }
}
