//! Reading the world a lesson needs. Never builds it.

use super::reader::{Fields, Reader};
use crate::fault::{Amount, FAULTS, FaultKind, FaultTarget, WAYS};
use crate::format;
use crate::lab::{Environment, FaultSpec, HostSpec, LabFile, Network, NodeSpec};
use crate::yaml::Node;

pub(super) fn read(reader: &mut Reader<'_>, node: &Node) -> Environment {
    let Some(fields) = reader.map(node, "environment", &format::ENVIRONMENT) else {
        return Environment::default();
    };
    let platform = reader.word(&fields, "platform").unwrap_or("plain");
    reader.continues = fields.get("continue_from").is_some();
    reader.files = files(reader, &fields);
    Environment {
        platform: platform.to_owned(),
        profile: profile(reader, &fields),
        seed: fields.get("seed").and_then(|node| seed(reader, node)),
        clock_start: clock(reader, &fields),
        nodes: fields
            .get("nodes")
            .map(|node| nodes(reader, node))
            .unwrap_or_default(),
        network: network(reader, fields.get("network")),
        hosts: fields
            .get("hosts")
            .map(|node| hosts(reader, node))
            .unwrap_or_default(),
        images: reader.strings(&fields, "images"),
        files: reader.files.clone(),
        manifests: manifests(reader, &fields),
        faults: faults(reader, &fields),
        continue_from: reader.maybe_string(&fields, "continue_from"),
    }
}

fn profile(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<String> {
    let profile = reader.maybe_string(fields, "profile")?;
    if profile != "k8s-1.36" {
        reader.not_yet(
            fields.key_at("profile"),
            &format!("the profile `{profile}` (there is `k8s-1.36`)"),
        );
    }
    Some(profile)
}

fn seed(reader: &mut Reader<'_>, node: &Node) -> Option<u64> {
    if node.to_value().as_str() == Some("student") {
        return None;
    }
    let seed = node.to_value().as_u64();
    if seed.is_none() {
        reader.error(node.at, "LAB008", "a seed is a number, or `student`");
    }
    seed
}

fn clock(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Option<String> {
    let clock = reader.map(fields.get("clock")?, "environment.clock", &format::CLOCK)?;
    reader.maybe_string(&clock, "start")
}

fn files(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Vec<LabFile> {
    let Some(node) = fields.get("files") else {
        return Vec::new();
    };
    let mut files = Vec::new();
    for (i, node) in reader.list(node).iter().enumerate() {
        let what = format!("environment.files[{i}]");
        let Some(fields) = reader.map(node, &what, &format::FILE) else {
            continue;
        };
        let content = match (fields.get("from"), fields.get("content")) {
            (Some(from), None) => reader.beside(from),
            (None, Some(content)) => reader.string(content),
            _ => {
                reader.error(
                    fields.at,
                    "LAB007",
                    format!("{what} takes `from` or `content`, one of them"),
                );
                None
            }
        };
        files.push(LabFile {
            path: reader.required_string(&fields, "path"),
            content: content.unwrap_or_default(),
            readonly: reader.boolean(&fields, "readonly", false),
        });
    }
    files
}

fn manifests(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Vec<(String, String)> {
    let Some(node) = fields.get("manifests") else {
        return Vec::new();
    };
    let mut manifests = Vec::new();
    for node in reader.list(node) {
        let Some((path, text)) = reader.file(node) else {
            continue;
        };
        if let Err(error) = crate::yaml::parse_documents(&text) {
            let message = format!(
                "`{path}` is not YAML: line {}: {}",
                error.at.line, error.message
            );
            reader.error(node.at, "LAB042", message);
        }
        manifests.push((path, text));
    }
    manifests
}

fn nodes(reader: &mut Reader<'_>, node: &Node) -> Vec<NodeSpec> {
    let mut nodes = Vec::new();
    for (i, node) in reader.list(node).iter().enumerate() {
        let Some(fields) = reader.map(node, &format!("environment.nodes[{i}]"), &format::NODE)
        else {
            continue;
        };
        nodes.push(NodeSpec {
            name: reader.required_string(&fields, "name"),
            zone: reader.maybe_string(&fields, "zone"),
            cpu: reader.maybe_string(&fields, "cpu"),
            memory: reader.maybe_string(&fields, "memory"),
            external_ip: reader.maybe_string(&fields, "external_ip"),
            taints: fields
                .get("taints")
                .map(|node| reader.list(node).iter().map(Node::to_value).collect())
                .unwrap_or_default(),
        });
    }
    nodes
}

fn network(reader: &mut Reader<'_>, node: Option<&Node>) -> Network {
    let fields = node
        .and_then(|node| reader.map(node, "environment.network", &format::NETWORK))
        .unwrap_or_default();
    let dataplane = reader.word(&fields, "dataplane");
    if dataplane == Some("vpc") {
        reader.not_yet(fields.key_at("dataplane"), "the dataplane `vpc`");
    }
    let balancer = reader.word(&fields, "load_balancer");
    if !reader.boolean(&fields, "policy", true) {
        let what = "a network that does not enforce NetworkPolicies (`policy: false`)";
        reader.not_yet(fields.key_at("policy"), what);
    }
    Network {
        pod_cidr: reader.maybe_string(&fields, "pod_cidr"),
        service_cidr: reader.maybe_string(&fields, "service_cidr"),
        node_cidr: reader.maybe_string(&fields, "node_cidr"),
        node_port_range: reader.maybe_string(&fields, "node_port_range"),
        dataplane: dataplane.map(str::to_owned),
        load_balancer: balancer.map(str::to_owned),
        dns: reader.boolean(&fields, "dns", true),
    }
}

fn hosts(reader: &mut Reader<'_>, node: &Node) -> Vec<HostSpec> {
    let mut hosts = Vec::new();
    for (i, item) in reader.list(node).iter().enumerate() {
        let what = format!("environment.hosts[{i}]");
        let Some(fields) = reader.map(item, &what, &format::HOST) else {
            continue;
        };
        hosts.push(HostSpec {
            name: reader.required_string(&fields, "name"),
            inside: reader.maybe_string(&fields, "inside"),
            tools: reader.strings(&fields, "tools"),
        });
    }
    hosts
}

fn faults(reader: &mut Reader<'_>, fields: &Fields<'_>) -> Vec<FaultSpec> {
    let Some(node) = fields.get("faults") else {
        return Vec::new();
    };
    let items: Vec<&Node> = reader.list(node).iter().collect();
    items
        .into_iter()
        .filter_map(|node| fault(reader, node))
        .collect()
}

/// Something to break.
pub(super) fn fault(reader: &mut Reader<'_>, node: &Node) -> Option<FaultSpec> {
    let kinds: Vec<(&str, FaultKind)> = FAULTS.iter().map(|row| (row.name, row.kind)).collect();
    let fields = reader.map(node, "a fault", &format::FAULT)?;
    let kind = reader.require(&fields, "kind")?;
    if kind.to_value() == "clock-skew" {
        reader.not_yet(kind.at, "clocks that differ (`clock-skew`)");
        return None;
    }
    let kind = reader.choose(&fields, "kind", &kinds)?;
    let way = reader.choose(&fields, "way", WAYS);
    if way.is_some() && kind.row().target != FaultTarget::Link {
        let message = format!("`{kind}` is not about a link: it has no `way`");
        reader.error(fields.key_at("way"), "LAB003", message);
    }
    Some(FaultSpec {
        id: reader.maybe_id(&fields),
        kind,
        target: reader.required_string(&fields, "target"),
        amount: amount(reader, &fields, kind),
        way: way.unwrap_or_default(),
        at: reader.maybe_duration(&fields, "at"),
        lasting: reader.maybe_duration(&fields, "for"),
    })
}

fn amount(reader: &mut Reader<'_>, fields: &Fields<'_>, kind: FaultKind) -> Option<Amount> {
    let node = fields.get("value");
    let text = node.and_then(|node| reader.string(node));
    match kind.row().measure.read(text.as_deref()) {
        Ok(amount) => amount,
        Err(wanted) => {
            let at = node.map_or(fields.at, |node| node.at);
            let message = format!("the `value` of `{kind}` is {wanted}");
            reader.error(at, "LAB008", message);
            None
        }
    }
}
