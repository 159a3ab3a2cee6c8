//! A node in words: its state, and what its pods ask of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use super::{annotations, date, labels, lines, not_found};
use crate::fail::Outcome;
use crate::session::{Session, with_query};
use crate::text::json::{at, bare, entries, list, text};
use crate::text::quantity::{self, Quantity};
use crate::text::time;

pub(super) fn node(session: &mut Session<'_, '_>, object: &Value) -> Outcome<String> {
    let mut out = format!("Name:\t{}\n", text(object, "metadata.name"));
    let roles: Vec<String> = entries(object, "metadata.labels")
        .into_iter()
        .filter_map(
            |(key, value)| match key.strip_prefix("node-role.kubernetes.io/") {
                Some(role) => Some(role.to_owned()),
                None => (key == "kubernetes.io/role").then(|| bare(value)),
            },
        )
        .collect();
    let _ = writeln!(
        out,
        "Roles:\t{}",
        if roles.is_empty() {
            "<none>".to_owned()
        } else {
            roles.join(",")
        }
    );
    labels(&mut out, "", "Labels", at(object, "metadata.labels"));
    annotations(&mut out, "", at(object, "metadata.annotations"));
    let _ = writeln!(
        out,
        "CreationTimestamp:\t{}",
        date(at(object, "metadata.creationTimestamp"))
    );
    taints(&mut out, object);
    let _ = writeln!(
        out,
        "Unschedulable:\t{}",
        at(object, "spec.unschedulable") == true
    );
    lease(session, &mut out, text(object, "metadata.name"));
    conditions(&mut out, object);
    out.push_str("Addresses:\n");
    for address in list(object, "status.addresses") {
        let _ = writeln!(
            out,
            "  {}:\t{}",
            text(address, "type"),
            text(address, "address")
        );
    }
    for (title, path) in [
        ("Capacity", "status.capacity"),
        ("Allocatable", "status.allocatable"),
    ] {
        let amounts = entries(object, path);
        if !amounts.is_empty() {
            let _ = writeln!(out, "{title}:");
        }
        for (name, amount) in amounts {
            let _ = writeln!(out, "  {name}:\t{}", bare(amount));
        }
    }
    system_info(&mut out, object);
    resources(session, &mut out, object)?;
    Ok(out)
}

fn taints(out: &mut String, object: &Value) {
    let mut taints: Vec<(&str, String)> = list(object, "spec.taints")
        .iter()
        .map(|taint| {
            let effect = text(taint, "effect");
            let words = match (text(taint, "value"), effect) {
                ("", _) => format!("{}:{effect}", text(taint, "key")),
                (value, _) => format!("{}={value}:{effect}", text(taint, "key")),
            };
            (text(taint, "key"), words)
        })
        .collect();
    taints.sort();
    let items: Vec<String> = taints.into_iter().map(|(_, words)| words).collect();
    lines(out, "", "Taints", &items);
}

fn lease(session: &mut Session<'_, '_>, out: &mut String, name: &str) {
    match session.get(&format!(
        "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{name}"
    )) {
        Ok(lease) => {
            let holder = match text(&lease, "spec.holderIdentity") {
                "" => "<unset>",
                holder => holder,
            };
            let _ = writeln!(
                out,
                "Lease:\n  HolderIdentity:\t{holder}\n  AcquireTime:\t{}\n  RenewTime:\t{}",
                date(at(&lease, "spec.acquireTime")),
                date(at(&lease, "spec.renewTime"))
            );
        }
        Err(fail) => {
            let _ = writeln!(out, "Lease:\tFailed to get lease: {}", not_found(&fail));
        }
    }
}

fn conditions(out: &mut String, object: &Value) {
    let conditions = list(object, "status.conditions");
    if conditions.is_empty() {
        return;
    }
    out.push_str(
        "Conditions:\n  Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage\n",
    );
    out.push_str("  ----\t------\t-----------------\t------------------\t------\t-------\n");
    for condition in conditions {
        let _ = writeln!(
            out,
            "  {} \t{} \t{} \t{} \t{} \t{}",
            text(condition, "type"),
            text(condition, "status"),
            date(&condition["lastHeartbeatTime"]),
            date(&condition["lastTransitionTime"]),
            text(condition, "reason"),
            text(condition, "message")
        );
    }
}

fn system_info(out: &mut String, object: &Value) {
    out.push_str("System Info:\n");
    for (title, field) in [
        ("Machine ID", "machineID"),
        ("System UUID", "systemUUID"),
        ("Boot ID", "bootID"),
        ("Kernel Version", "kernelVersion"),
        ("OS Image", "osImage"),
        ("Operating System", "operatingSystem"),
        ("Architecture", "architecture"),
        ("Container Runtime Version", "containerRuntimeVersion"),
        ("Kubelet Version", "kubeletVersion"),
    ] {
        let _ = writeln!(
            out,
            "  {title}:\t{}",
            text(at(object, "status.nodeInfo"), field)
        );
    }
    if !text(object, "spec.podCIDR").is_empty() {
        let _ = writeln!(out, "PodCIDR:\t{}", text(object, "spec.podCIDR"));
    }
    let ranges: Vec<String> = list(object, "spec.podCIDRs").iter().map(bare).collect();
    if !ranges.is_empty() {
        let _ = writeln!(out, "PodCIDRs:\t{}", ranges.join(","));
    }
    if !text(object, "spec.providerID").is_empty() {
        let _ = writeln!(out, "ProviderID:\t{}", text(object, "spec.providerID"));
    }
}

fn resources(session: &mut Session<'_, '_>, out: &mut String, object: &Value) -> Outcome {
    let selector = format!(
        "spec.nodeName={},status.phase!=Succeeded,status.phase!=Failed",
        text(object, "metadata.name")
    );
    let found = session.get(&with_query(
        "/api/v1/pods",
        &[("fieldSelector", &selector), ("limit", "500")],
    ))?;
    let pods = list(&found, "items");
    let now = session.now();
    let source = if entries(object, "status.allocatable").is_empty() {
        "status.capacity"
    } else {
        "status.allocatable"
    };
    let total: BTreeMap<&str, Quantity> = entries(object, source)
        .into_iter()
        .map(|(name, amount)| (name, quantity::parse(&bare(amount))))
        .collect();
    let of = |amounts: &BTreeMap<String, Quantity>, name: &str| {
        let amount = amounts.get(name).copied().unwrap_or_default();
        let share = total.get(name).map_or(0, |total| amount.percent_of(*total));
        format!("{} ({share}%)", amount.show())
    };
    let _ = writeln!(out, "Non-terminated Pods:\t({} in total)", pods.len());
    out.push_str(
        "  Namespace\tName\t\tCPU Requests\tCPU Limits\tMemory Requests\tMemory Limits\tAge\n",
    );
    out.push_str(
        "  ---------\t----\t\t------------\t----------\t---------------\t-------------\t---\n",
    );
    let (mut all_requests, mut all_limits) = (BTreeMap::new(), BTreeMap::new());
    for pod in pods {
        let (requests, limits) = (sum_of(pod, "requests"), sum_of(pod, "limits"));
        let age = time::parse_rfc3339(text(pod, "metadata.creationTimestamp"))
            .map_or_else(|| "<unknown>".to_owned(), |then| time::human(now - then));
        let _ = writeln!(
            out,
            "  {}\t{}\t\t{}\t{}\t{}\t{}\t{age}",
            text(pod, "metadata.namespace"),
            text(pod, "metadata.name"),
            of(&requests, "cpu"),
            of(&limits, "cpu"),
            of(&requests, "memory"),
            of(&limits, "memory")
        );
        add(&mut all_requests, requests);
        add(&mut all_limits, limits);
    }
    out.push_str(
        "Allocated resources:\n  (Total limits may be over 100 percent, i.e., overcommitted.)\n",
    );
    out.push_str("  Resource\tRequests\tLimits\n  --------\t--------\t------\n");
    let mut names = vec!["cpu", "memory", "ephemeral-storage"];
    names.extend(
        total
            .keys()
            .copied()
            .filter(|name| name.starts_with("hugepages-") || name.contains('/')),
    );
    for name in names {
        let _ = writeln!(
            out,
            "  {name}\t{}\t{}",
            of(&all_requests, name),
            of(&all_limits, name)
        );
    }
    Ok(())
}

fn add(into: &mut BTreeMap<String, Quantity>, from: BTreeMap<String, Quantity>) {
    for (name, amount) in from {
        let sum = into.entry(name).or_default();
        *sum = sum.plus(amount);
    }
}

/// What a pod asks for: its containers together, or its hungriest init container if that is more.
fn sum_of(pod: &Value, field: &str) -> BTreeMap<String, Quantity> {
    let amounts = |container: &Value| -> BTreeMap<String, Quantity> {
        entries(&container["resources"], field)
            .into_iter()
            .map(|(name, amount)| (name.to_owned(), quantity::parse(&bare(amount))))
            .collect()
    };
    let mut sum = BTreeMap::new();
    for container in list(pod, "spec.containers") {
        add(&mut sum, amounts(container));
    }
    for container in list(pod, "spec.initContainers") {
        if text(container, "restartPolicy") == "Always" {
            add(&mut sum, amounts(container));
            continue;
        }
        for (name, amount) in amounts(container) {
            let most = sum.entry(name).or_default();
            if amount.milli > most.milli {
                *most = amount;
            }
        }
    }
    sum
}
