//! Services, workloads and small objects in words.

use std::fmt::Write as _;

use serde_json::Value;

use super::{annotations, controlled_by, date, labels, pods, pods_under, selector_text};
use crate::fail::Outcome;
use crate::session::{Session, with_query};
use crate::text::base64;
use crate::text::json::{at, bare, entries, int, list, text};
use crate::text::time;

/// Name, namespace, labels and annotations, which most kinds begin with.
pub(super) fn begin(object: &Value, namespaced: bool) -> String {
    let mut out = format!("Name:\t{}\n", text(object, "metadata.name"));
    if namespaced {
        let _ = writeln!(out, "Namespace:\t{}", text(object, "metadata.namespace"));
    }
    labels(&mut out, "", "Labels", at(object, "metadata.labels"));
    annotations(&mut out, "", at(object, "metadata.annotations"));
    out
}

fn or_none(items: &[String]) -> String {
    if items.is_empty() {
        "<none>".to_owned()
    } else {
        items.join(",")
    }
}

pub(super) fn strings(object: &Value, path: &str) -> Vec<String> {
    list(object, path).iter().map(bare).collect()
}

pub(super) fn service(session: &mut Session<'_, '_>, object: &Value) -> Outcome<String> {
    let mut out = begin(object, true);
    labels(&mut out, "", "Selector", at(object, "spec.selector"));
    let kind = text(object, "spec.type");
    let _ = writeln!(out, "Type:\t{kind}");
    if !text(object, "spec.ipFamilyPolicy").is_empty() {
        let _ = writeln!(
            out,
            "IP Family Policy:\t{}",
            text(object, "spec.ipFamilyPolicy")
        );
    }
    let _ = writeln!(
        out,
        "IP Families:\t{}",
        or_none(&strings(object, "spec.ipFamilies"))
    );
    let _ = writeln!(out, "IP:\t{}", text(object, "spec.clusterIP"));
    let _ = writeln!(
        out,
        "IPs:\t{}",
        or_none(&strings(object, "spec.clusterIPs"))
    );
    let external = strings(object, "spec.externalIPs");
    if !external.is_empty() {
        let _ = writeln!(out, "External IPs:\t{}", external.join(","));
    }
    for (title, path) in [
        ("Desired LoadBalancer IP", "spec.loadBalancerIP"),
        ("External Name", "spec.externalName"),
    ] {
        if !text(object, path).is_empty() {
            let _ = writeln!(out, "{title}:\t{}", text(object, path));
        }
    }
    let ingress: Vec<String> = list(object, "status.loadBalancer.ingress")
        .iter()
        .map(|point| match (text(point, "ip"), text(point, "ipMode")) {
            ("", _) => text(point, "hostname").to_owned(),
            (ip, "") => ip.to_owned(),
            (ip, mode) => format!("{ip} ({mode})"),
        })
        .collect();
    if !ingress.is_empty() {
        let _ = writeln!(out, "LoadBalancer Ingress:\t{}", ingress.join(", "));
    }
    let path = format!(
        "/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices",
        text(object, "metadata.namespace")
    );
    let selector = format!(
        "kubernetes.io/service-name={}",
        text(object, "metadata.name")
    );
    let slices = session.get(&with_query(&path, &[("labelSelector", &selector)]))?;
    for port in list(object, "spec.ports") {
        service_port(&mut out, port, list(&slices, "items"));
    }
    let _ = writeln!(
        out,
        "Session Affinity:\t{}",
        text(object, "spec.sessionAffinity")
    );
    for (title, path) in [
        ("External Traffic Policy", "spec.externalTrafficPolicy"),
        ("Internal Traffic Policy", "spec.internalTrafficPolicy"),
    ] {
        if !text(object, path).is_empty() {
            let _ = writeln!(out, "{title}:\t{}", text(object, path));
        }
    }
    if int(object, "spec.healthCheckNodePort") != 0 {
        let _ = writeln!(
            out,
            "HealthCheck NodePort:\t{}",
            int(object, "spec.healthCheckNodePort")
        );
    }
    let ranges = strings(object, "spec.loadBalancerSourceRanges");
    if !ranges.is_empty() {
        let _ = writeln!(out, "LoadBalancer Source Ranges:\t{}", ranges.join(","));
    }
    Ok(out)
}

fn unset(name: &str) -> &str {
    if name.is_empty() { "<unset>" } else { name }
}

fn service_port(out: &mut String, port: &Value, slices: &[Value]) {
    let (name, protocol) = (text(port, "name"), text(port, "protocol"));
    let _ = writeln!(
        out,
        "Port:\t{}\t{}/{protocol}",
        unset(name),
        int(port, "port")
    );
    let _ = writeln!(out, "TargetPort:\t{}/{protocol}", bare(&port["targetPort"]));
    if int(port, "nodePort") != 0 {
        let _ = writeln!(
            out,
            "NodePort:\t{}\t{}/{protocol}",
            unset(name),
            int(port, "nodePort")
        );
    }
    let _ = writeln!(out, "Endpoints:\t{}", ready_endpoints(slices, name));
}

/// Up to three addresses that are ready, and how many more.
pub(super) fn ready_endpoints(slices: &[Value], port_name: &str) -> String {
    if slices.is_empty() {
        return "<none>".to_owned();
    }
    let mut found = Vec::new();
    for slice in slices {
        for port in list(slice, "ports")
            .iter()
            .filter(|port| text(port, "name") == port_name)
        {
            for endpoint in list(slice, "endpoints")
                .iter()
                .filter(|endpoint| at(endpoint, "conditions.ready") != false)
            {
                let address = list(endpoint, "addresses")
                    .first()
                    .map(bare)
                    .unwrap_or_default();
                let address = if address.contains(':') {
                    format!("[{address}]")
                } else {
                    address
                };
                found.push(format!("{address}:{}", int(port, "port")));
            }
        }
    }
    let more = found.len().saturating_sub(3);
    found.truncate(3);
    let tail = if more > 0 {
        format!(" + {more} more...")
    } else {
        String::new()
    };
    format!("{}{tail}", found.join(","))
}

pub(super) fn template(out: &mut String, object: &Value) {
    pods::template(out, at(object, "spec.template"));
}

fn conditions(out: &mut String, object: &Value) {
    let conditions = list(object, "status.conditions");
    if conditions.is_empty() {
        return;
    }
    out.push_str("Conditions:\n  Type\tStatus\tReason\n  ----\t------\t------\n");
    for condition in conditions {
        let _ = writeln!(
            out,
            "  {} \t{}\t{}",
            text(condition, "type"),
            text(condition, "status"),
            text(condition, "reason")
        );
    }
}

pub(super) fn deployment(session: &mut Session<'_, '_>, object: &Value) -> Outcome<String> {
    let mut out = format!("Name:\t{}\n", text(object, "metadata.name"));
    let _ = writeln!(out, "Namespace:\t{}", text(object, "metadata.namespace"));
    let _ = writeln!(
        out,
        "CreationTimestamp:\t{}",
        date(at(object, "metadata.creationTimestamp"))
    );
    labels(&mut out, "", "Labels", at(object, "metadata.labels"));
    annotations(&mut out, "", at(object, "metadata.annotations"));
    let _ = writeln!(
        out,
        "Selector:\t{}",
        selector_text(at(object, "spec.selector"))
    );
    let _ = writeln!(
        out,
        "Replicas:\t{} desired | {} updated | {} total | {} available | {} unavailable",
        int(object, "spec.replicas"),
        int(object, "status.updatedReplicas"),
        int(object, "status.replicas"),
        int(object, "status.availableReplicas"),
        int(object, "status.unavailableReplicas")
    );
    let _ = writeln!(out, "StrategyType:\t{}", text(object, "spec.strategy.type"));
    let _ = writeln!(
        out,
        "MinReadySeconds:\t{}",
        int(object, "spec.minReadySeconds")
    );
    let rolling = at(object, "spec.strategy.rollingUpdate");
    if rolling.is_object() {
        let _ = writeln!(
            out,
            "RollingUpdateStrategy:\t{} max unavailable, {} max surge",
            bare(&rolling["maxUnavailable"]),
            bare(&rolling["maxSurge"])
        );
    }
    template(&mut out, object);
    conditions(&mut out, object);
    replica_sets(session, object, &mut out)?;
    Ok(out)
}

fn replica_sets(session: &mut Session<'_, '_>, object: &Value, out: &mut String) -> Outcome {
    let selector = selector_text(at(object, "spec.selector"));
    let path = format!(
        "/apis/apps/v1/namespaces/{}/replicasets",
        text(object, "metadata.namespace")
    );
    let found = session.get(&with_query(
        &path,
        &[("labelSelector", &selector), ("limit", "500")],
    ))?;
    let uid = text(object, "metadata.uid");
    let mut sets: Vec<&Value> = list(&found, "items")
        .iter()
        .filter(|set| {
            list(set, "metadata.ownerReferences")
                .iter()
                .any(|owner| text(owner, "uid") == uid)
        })
        .collect();
    sets.sort_by_key(|set| {
        (
            time::parse_rfc3339(text(set, "metadata.creationTimestamp")),
            text(set, "metadata.name"),
        )
    });
    let wanted = without_hash(at(object, "spec.template"));
    let new = sets
        .iter()
        .position(|set| without_hash(at(set, "spec.template")) == wanted)
        .map(|at| sets.remove(at));
    let words = |sets: &[&Value]| {
        let items: Vec<String> = sets
            .iter()
            .map(|set| {
                let (now, wanted) = (int(set, "status.replicas"), int(set, "spec.replicas"));
                format!(
                    "{} ({now}/{wanted} replicas created)",
                    text(set, "metadata.name")
                )
            })
            .collect();
        if items.is_empty() {
            "<none>".to_owned()
        } else {
            items.join(", ")
        }
    };
    let _ = writeln!(out, "OldReplicaSets:\t{}", words(&sets));
    let _ = writeln!(out, "NewReplicaSet:\t{}", words(new.as_slice()));
    Ok(())
}

fn without_hash(template: &Value) -> Value {
    let mut template = template.clone();
    if let Some(labels) = template["metadata"]["labels"].as_object_mut() {
        labels.remove("pod-template-hash");
    }
    template
}

fn pods_status(session: &mut Session<'_, '_>, object: &Value) -> Outcome<String> {
    let pods = pods_under(session, object)?;
    let count = |phase: &str| {
        pods.iter()
            .filter(|pod| text(pod, "status.phase") == phase)
            .count()
    };
    Ok(format!(
        "Pods Status:\t{} Running / {} Waiting / {} Succeeded / {} Failed\n",
        count("Running"),
        count("Pending"),
        count("Succeeded"),
        count("Failed")
    ))
}

pub(super) fn replica_set(session: &mut Session<'_, '_>, object: &Value) -> Outcome<String> {
    let mut out = format!("Name:\t{}\n", text(object, "metadata.name"));
    let _ = writeln!(out, "Namespace:\t{}", text(object, "metadata.namespace"));
    let _ = writeln!(
        out,
        "Selector:\t{}",
        selector_text(at(object, "spec.selector"))
    );
    labels(&mut out, "", "Labels", at(object, "metadata.labels"));
    annotations(&mut out, "", at(object, "metadata.annotations"));
    controlled_by(&mut out, object);
    let _ = writeln!(
        out,
        "Replicas:\t{} current / {} desired",
        int(object, "status.replicas"),
        int(object, "spec.replicas")
    );
    out.push_str(&pods_status(session, object)?);
    template(&mut out, object);
    conditions(&mut out, object);
    Ok(out)
}

/// A ReplicationController as the ReplicaSet it would be: its selector is of the old form.
pub(super) fn as_replica_set(controller: &Value) -> Value {
    let mut set = controller.clone();
    let pairs = at(controller, "spec.selector").clone();
    set["spec"]["selector"] = serde_json::json!({ "matchLabels": pairs });
    set
}

pub(super) fn daemon_set(session: &mut Session<'_, '_>, object: &Value) -> Outcome<String> {
    let mut out = format!("Name:\t{}\n", text(object, "metadata.name"));
    let _ = writeln!(out, "Namespace:\t{}", text(object, "metadata.namespace"));
    let _ = writeln!(
        out,
        "Selector:\t{}",
        selector_text(at(object, "spec.selector"))
    );
    let node: Vec<String> = entries(object, "spec.template.spec.nodeSelector")
        .iter()
        .map(|(key, value)| format!("{key}={}", bare(value)))
        .collect();
    let _ = writeln!(out, "Node-Selector:\t{}", or_none(&node));
    labels(&mut out, "", "Labels", at(object, "metadata.labels"));
    annotations(&mut out, "", at(object, "metadata.annotations"));
    for (title, field) in [
        (
            "Desired Number of Nodes Scheduled",
            "desiredNumberScheduled",
        ),
        (
            "Current Number of Nodes Scheduled",
            "currentNumberScheduled",
        ),
        (
            "Number of Nodes Scheduled with Up-to-date Pods",
            "updatedNumberScheduled",
        ),
        (
            "Number of Nodes Scheduled with Available Pods",
            "numberAvailable",
        ),
        ("Number of Nodes Misscheduled", "numberMisscheduled"),
    ] {
        let _ = writeln!(out, "{title}: {}", int(&object["status"], field));
    }
    out.push_str(&pods_status(session, object)?);
    template(&mut out, object);
    Ok(out)
}

pub(super) fn stateful_set(session: &mut Session<'_, '_>, object: &Value) -> Outcome<String> {
    let mut out = format!("Name:\t{}\n", text(object, "metadata.name"));
    let _ = writeln!(out, "Namespace:\t{}", text(object, "metadata.namespace"));
    let _ = writeln!(
        out,
        "CreationTimestamp:\t{}",
        date(at(object, "metadata.creationTimestamp"))
    );
    let _ = writeln!(
        out,
        "Selector:\t{}",
        selector_text(at(object, "spec.selector"))
    );
    labels(&mut out, "", "Labels", at(object, "metadata.labels"));
    annotations(&mut out, "", at(object, "metadata.annotations"));
    let _ = writeln!(
        out,
        "Replicas:\t{} desired | {} total",
        int(object, "spec.replicas"),
        int(object, "status.replicas")
    );
    let _ = writeln!(
        out,
        "Update Strategy:\t{}",
        text(object, "spec.updateStrategy.type")
    );
    if let Some(partition) = at(object, "spec.updateStrategy.rollingUpdate.partition").as_i64() {
        let _ = writeln!(out, "  Partition:\t{partition}");
    }
    out.push_str(&pods_status(session, object)?);
    template(&mut out, object);
    out.push_str(if list(object, "spec.volumeClaimTemplates").is_empty() {
        "Volume Claims:\t<none>\n"
    } else {
        "Volume Claims:\n"
    });
    for claim in list(object, "spec.volumeClaimTemplates") {
        let _ = writeln!(out, "  Name:\t{}", text(claim, "metadata.name"));
        let _ = writeln!(
            out,
            "  StorageClass:\t{}",
            text(claim, "spec.storageClassName")
        );
    }
    Ok(out)
}

pub(super) fn endpoints(object: &Value) -> String {
    let mut out = begin(object, true);
    out.push_str("Subsets:\n");
    for subset in list(object, "subsets") {
        let addresses = |field: &str| {
            let found: Vec<String> = list(subset, field)
                .iter()
                .map(|address| text(address, "ip").to_owned())
                .collect();
            or_none(&found)
        };
        let _ = writeln!(out, "  Addresses:\t{}", addresses("addresses"));
        let _ = writeln!(
            out,
            "  NotReadyAddresses:\t{}",
            addresses("notReadyAddresses")
        );
        if !list(subset, "ports").is_empty() {
            out.push_str("  Ports:\n    Name\tPort\tProtocol\n    ----\t----\t--------\n");
        }
        for port in list(subset, "ports") {
            let _ = writeln!(
                out,
                "    {}\t{}\t{}",
                unset(text(port, "name")),
                int(port, "port"),
                text(port, "protocol")
            );
        }
    }
    out.push('\n');
    out
}

pub(super) fn endpoint_slice(object: &Value) -> String {
    let mut out = begin(object, true);
    let _ = writeln!(out, "AddressType:\t{}", text(object, "addressType"));
    let ports = list(object, "ports");
    out.push_str(if ports.is_empty() {
        "Ports: <unset>\n"
    } else {
        "Ports:\n  Name\tPort\tProtocol\n  ----\t----\t--------\n"
    });
    for port in ports {
        let number = port["port"]
            .as_i64()
            .map_or_else(|| "<unset>".to_owned(), |number| number.to_string());
        let _ = writeln!(
            out,
            "  {}\t{number}\t{}",
            unset(text(port, "name")),
            text(port, "protocol")
        );
    }
    let endpoints = list(object, "endpoints");
    out.push_str(if endpoints.is_empty() {
        "Endpoints: <none>\n"
    } else {
        "Endpoints:\n"
    });
    for endpoint in endpoints {
        let _ = writeln!(
            out,
            "  - Addresses:\t{}",
            or_none(&strings(endpoint, "addresses"))
        );
        out.push_str("    Conditions:\n");
        let ready = at(endpoint, "conditions.ready")
            .as_bool()
            .map_or("<unset>".to_owned(), |ready| ready.to_string());
        let _ = writeln!(out, "      Ready:\t{ready}");
        let _ = writeln!(out, "    Hostname:\t{}", unset(text(endpoint, "hostname")));
        if endpoint["targetRef"].is_object() {
            let _ = writeln!(
                out,
                "    TargetRef:\t{}/{}",
                text(endpoint, "targetRef.kind"),
                text(endpoint, "targetRef.name")
            );
        }
        let _ = writeln!(out, "    NodeName:\t{}", unset(text(endpoint, "nodeName")));
        let _ = writeln!(out, "    Zone:\t{}", unset(text(endpoint, "zone")));
    }
    out
}

pub(super) fn namespace(session: &mut Session<'_, '_>, object: &Value) -> Outcome<String> {
    let mut out = begin(object, false);
    let _ = writeln!(out, "Status:\t{}", text(object, "status.phase"));
    let name = text(object, "metadata.name");
    for (plural, nothing, title) in [
        ("resourcequotas", "No resource quota.", "Resource Quotas"),
        ("limitranges", "No LimitRange resource.", "Resource Limits"),
    ] {
        // A server without these kinds has none of them.
        let found = session
            .get(&format!("/api/v1/namespaces/{name}/{plural}?limit=500"))
            .unwrap_or(Value::Null);
        let items = list(&found, "items");
        if items.is_empty() {
            let _ = writeln!(out, "\n{nothing}");
        } else {
            let _ = writeln!(out, "\n{title}");
            for item in items.iter().filter(|_| plural == "resourcequotas") {
                let _ = writeln!(
                    out,
                    "  Name:\t{}\n  Resource\tUsed\tHard\n  --------\t---\t---",
                    text(item, "metadata.name")
                );
                super::policy::quota_rows(&mut out, "  ", item);
            }
            if plural == "limitranges" {
                out.push_str(" Type\tResource\tMin\tMax\tDefault Request\tDefault Limit\tMax Limit/Request Ratio\n ----\t--------\t---\t---\t---------------\t-------------\t-----------------------\n");
                items
                    .iter()
                    .for_each(|item| super::policy::limit_rows(&mut out, " ", item));
            }
        }
    }
    Ok(out)
}

pub(super) fn config_map(object: &Value) -> String {
    let mut out = begin(object, true);
    out.push_str("\nData\n====\n");
    for (key, value) in entries(object, "data") {
        let _ = writeln!(out, "{key}:\n----\n{}\n", bare(value));
    }
    out.push_str("\nBinaryData\n====\n");
    for (key, value) in entries(object, "binaryData") {
        let _ = writeln!(out, "{key}: {} bytes", base64::decoded_len(&bare(value)));
    }
    out.push('\n');
    out
}

pub(super) fn secret(object: &Value) -> String {
    let mut out = begin(object, true);
    let _ = write!(out, "\nType:\t{}\n\nData\n====\n", text(object, "type"));
    for (key, value) in entries(object, "data") {
        let _ = writeln!(out, "{key}:\t{} bytes", base64::decoded_len(&bare(value)));
    }
    out
}

/// Any other kind: its fields as a tree with spelled-out names.
pub(super) fn generic(object: &Value) -> String {
    let mut out = begin(object, true);
    for (key, value) in object.as_object().into_iter().flatten() {
        if key != "metadata" {
            tree(&mut out, 0, key, value);
            continue;
        }
        out.push_str("Metadata:\n");
        for (key, value) in value.as_object().into_iter().flatten() {
            let told = [
                "annotations",
                "labels",
                "managedFields",
                "name",
                "namespace",
            ];
            if !told.contains(&key.as_str()) {
                tree(&mut out, 1, key, value);
            }
        }
    }
    out
}

fn tree(out: &mut String, depth: usize, key: &str, value: &Value) {
    let indent = "  ".repeat(depth);
    let title = spelled(key);
    match value {
        Value::Object(map) => {
            let _ = writeln!(out, "{indent}{title}:");
            for (key, value) in map {
                tree(out, depth + 1, key, value);
            }
        }
        Value::Array(items) => {
            let _ = writeln!(out, "{indent}{title}:");
            for item in items {
                match item {
                    Value::Object(map) => {
                        for (key, value) in map {
                            tree(out, depth + 1, key, value);
                        }
                    }
                    other => {
                        let _ = writeln!(out, "{indent}  {}", bare(other));
                    }
                }
            }
        }
        other => {
            let _ = writeln!(out, "{indent}{title}:\t{}", bare(other));
        }
    }
}

/// `holderIdentity` as `Holder Identity`; what has more than letters in it stays as it is.
fn spelled(key: &str) -> String {
    if key
        .chars()
        .any(|character| !character.is_alphabetic() && character != '-')
    {
        return key.to_owned();
    }
    let characters: Vec<char> = key.chars().collect();
    let mut words: Vec<String> = vec![String::new()];
    for (index, character) in characters.iter().enumerate() {
        let starts_word = character.is_uppercase()
            && index > 0
            && (characters[index - 1].is_lowercase()
                || characters
                    .get(index + 1)
                    .is_some_and(|next| next.is_lowercase()));
        if starts_word {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.push(*character);
        }
    }
    let words: Vec<String> = words
        .into_iter()
        .map(|word| {
            let upper = word.to_uppercase();
            if ["API", "URL", "UID", "OSB", "GUID"].contains(&upper.as_str()) {
                return upper;
            }
            let mut rest = word.chars();
            let first = rest.next().into_iter().flat_map(char::to_uppercase);
            first.chain(rest).collect()
        })
        .collect();
    words.join(" ")
}
