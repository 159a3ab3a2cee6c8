//! What is said of fields that are accepted and mean trouble: `pkg/api/pod/warnings.go` and
//! `pkg/api/service/warnings.go`. Never refuses anything.

use super::look::{int, list, map, text};
use super::quantity::{text_of, thousandths};
use super::words::dns_label;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Labels of nodes that have another name by now.
const OLD_LABELS: [(&str, &str); 5] = [
    (
        "beta.kubernetes.io/arch",
        "deprecated since v1.14; use \"kubernetes.io/arch\" instead",
    ),
    (
        "beta.kubernetes.io/instance-type",
        "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead",
    ),
    (
        "beta.kubernetes.io/os",
        "deprecated since v1.14; use \"kubernetes.io/os\" instead",
    ),
    (
        "failure-domain.beta.kubernetes.io/region",
        "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead",
    ),
    (
        "failure-domain.beta.kubernetes.io/zone",
        "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead",
    ),
];

/// What is said of a new pod.
pub(super) fn of_pod(pod: &Value, old: Option<&Value>) -> Vec<String> {
    // A pod changes too often to be looked at each time.
    if old.is_some() {
        return Vec::new();
    }
    let mut said = name(pod, "the Pod's hostname");
    said.extend(of_spec(&pod["spec"], "spec"));
    said
}

/// What is said of an object that makes pods, when its spec is new; `path` leads to the template.
pub(super) fn of_template(object: &Value, old: Option<&Value>, path: &str) -> Vec<String> {
    if old.is_some_and(|old| old["spec"] == object["spec"]) {
        return Vec::new();
    }
    let mut said = match old {
        None => name(object, "Pod names and hostnames"),
        Some(_) => Vec::new(),
    };
    let at = format!("/{}/spec", path.replace('.', "/"));
    let spec = object.pointer(&at).unwrap_or(&Value::Null);
    said.extend(of_spec(spec, &format!("{path}.spec")));
    said
}

/// What is said of a Service.
pub(super) fn of_service(service: &Value) -> Vec<String> {
    let named = text(service, "/spec/type") == "ExternalName";
    let mut said = Vec::new();
    if named && !list(service, "/spec/externalIPs").is_empty() {
        said.push("spec.externalIPs is ignored when spec.type is \"ExternalName\"".to_owned());
    }
    if !named && !text(service, "/spec/externalName").is_empty() {
        said.push("spec.externalName is ignored when spec.type is not \"ExternalName\"".to_owned());
    }
    let headless = text(service, "/spec/clusterIP") == "None";
    if headless && text(service, "/spec/sessionAffinity") == "ClientIP" {
        said.push("spec.SessionAffinity is ignored for headless services".to_owned());
    }
    let kept = |port: &Value| int(port, "/nodePort").is_some_and(|number| number != 0);
    if text(service, "/spec/type") == "LoadBalancer"
        && service["spec"]["allocateLoadBalancerNodePorts"] == false
        && !list(service, "/spec/ports").iter().all(kept)
    {
        let what = "a load balancer that passes traffic without node ports";
        said.push(format!(
            "not in this lab: {what} (spec.allocateLoadBalancerNodePorts)"
        ));
    }
    said
}

/// A name that is a hostname later on had better be one.
fn name(object: &Value, used_in: &str) -> Vec<String> {
    let wrong = dns_label(text(object, "/metadata/name"));
    if wrong.is_empty() {
        return Vec::new();
    }
    vec![format!(
        "metadata.name: this is used in {used_in}, which can result in surprising behavior; a DNS label is recommended: [{}]",
        wrong.join(" ")
    )]
}

fn of_spec(spec: &Value, at: &str) -> Vec<String> {
    let mut said = Vec::new();
    for (label, _) in map(spec, "/nodeSelector").into_iter().flatten() {
        let old = OLD_LABELS.iter().find(|(old, _)| old == label);
        said.extend(old.map(|(_, why)| format!("{at}.nodeSelector[{label}]: {why}")));
    }
    for (index, spread) in list(spec, "/topologySpreadConstraints").iter().enumerate() {
        let key = text(spread, "/topologyKey");
        let old = OLD_LABELS.iter().find(|(old, _)| *old == key);
        let field = format!("{at}.topologySpreadConstraints[{index}].topologyKey");
        said.extend(old.map(|(_, why)| format!("{field}: {key} is {why}")));
    }
    said.extend(twice(spec, "hostAliases", "ip", at));
    said.extend(twice(spec, "imagePullSecrets", "name", at));
    for container in containers(spec, at) {
        said.extend(of_container(container.1, &container.0));
    }
    said.extend(of_ports(spec, at));
    if int(spec, "/terminationGracePeriodSeconds").is_some_and(|seconds| seconds < 0) {
        said.push(format!("{at}.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1"));
    }
    said
}

/// Every container with its path, those that run first first.
fn containers<'a>(spec: &'a Value, at: &str) -> Vec<(String, &'a Value)> {
    let mut all = Vec::new();
    for field in ["initContainers", "containers"] {
        for (index, container) in list(spec, &format!("/{field}")).iter().enumerate() {
            all.push((format!("{at}.{field}[{index}]"), container));
        }
    }
    all
}

/// Elements whose key an earlier one has, or that have none.
fn twice(spec: &Value, field: &str, key: &str, at: &str) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut said = Vec::new();
    for (index, item) in list(spec, &format!("/{field}")).iter().enumerate() {
        let own = text(item, &format!("/{key}"));
        let place = format!("{at}.{field}[{index}].{key}");
        if own.is_empty() && key == "name" {
            said.push(format!("{place}: invalid empty name \"\""));
        } else if !seen.insert(own) {
            said.push(format!("{place}: duplicate {key} \"{own}\""));
        }
    }
    said
}

fn of_container(container: &Value, at: &str) -> Vec<String> {
    let mut said = Vec::new();
    for resource in ["memory", "ephemeral-storage"] {
        for part in ["limits", "requests"] {
            let amount = &container["resources"][part][resource];
            let shown = text_of(amount);
            let fraction = thousandths(&shown).is_some_and(|amount| amount % 1000 != 0);
            if !amount.is_null() && fraction {
                said.push(format!("{at}.resources.{part}[{resource}]: fractional byte value \"{shown}\" is invalid, must be an integer"));
            }
        }
    }
    let mut seen = BTreeSet::new();
    for (index, variable) in list(container, "/env").iter().enumerate() {
        let own = text(variable, "/name");
        let builds_on = text(variable, "/value").contains(&format!("$({own})"));
        if !seen.insert(own) && !builds_on {
            said.push(format!("{at}.env[{index}]: hides previous definition of \"{own}\", which may be dropped when using apply"));
        }
    }
    said
}

/// Ports that another container, or the same one, has already.
fn of_ports(spec: &Value, at: &str) -> Vec<String> {
    let mut seen: BTreeMap<(i64, &str), Vec<(String, &Value)>> = BTreeMap::new();
    let mut said = Vec::new();
    for (at, container) in containers(spec, at) {
        for (index, port) in list(container, "/ports").iter().enumerate() {
            let place = format!("{at}.ports[{index}]");
            let number = int(port, "/containerPort").unwrap_or(0);
            let others = seen.entry((number, text(port, "/protocol"))).or_default();
            for (other_place, other) in others.iter() {
                let word = likeness(port, other);
                said.extend(word.map(|word| format!("{place}: {word} with {other_place}")));
            }
            others.push((place, port));
        }
    }
    said
}

fn likeness(port: &Value, other: &Value) -> Option<&'static str> {
    let host = |port| int(port, "/hostPort").unwrap_or(0);
    let address = |port| text(port, "/hostIP");
    let vague = address(port).is_empty() != address(other).is_empty();
    if address(port) == address(other) && host(port) == host(other) {
        Some("duplicate port definition")
    } else if host(port) == 0 || host(other) == 0 {
        Some("overlapping port definition")
    } else if host(port) == host(other) && vague {
        Some("dangerously ambiguous port definition")
    } else {
        None
    }
}
