//! `kubectl expose`: a Service made from a workload, a Pod or another Service.

use serde_json::{Map, Value, json};

use super::shared::{DRY, FILES, PRINT};
use crate::fail::{Fail, Outcome, quoted};
use crate::flags::Kind::Text;
use crate::flags::{Command, Flag, Parsed, flag, short};
use crate::output;
use crate::select;
use crate::session::{Session, with_query};
use crate::text::json::{list, text};

pub(super) const COMMAND: Command = Command {
    name: "expose",
    aliases: &[],
    flags: &[FILES, PRINT, DRY, FLAGS],
    subcommands: &[],
    run: expose,
};

const FLAGS: &[Flag] = &[
    flag("cluster-ip", Text, ""),
    flag("external-ip", Text, ""),
    short('l', "labels", Text, ""),
    flag("load-balancer-ip", Text, ""),
    flag("name", Text, ""),
    flag("port", Text, ""),
    flag("protocol", Text, ""),
    flag("override-type", Text, "merge"),
    flag("overrides", Text, ""),
    flag("selector", Text, ""),
    flag("session-affinity", Text, ""),
    flag("target-port", Text, ""),
    flag("type", Text, ""),
];

/// `kubectl expose`.
pub(crate) fn expose(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let mut fails = Vec::new();
    for target in select::fetch(session, parsed, &parsed.args)? {
        if let Err(fail) = expose_one(session, parsed, &target) {
            fails.push(fail);
        }
    }
    Fail::collect(fails)
}

fn expose_one(session: &mut Session<'_, '_>, parsed: &Parsed, target: &select::Target) -> Outcome {
    let kind = target.resource.kind.as_str();
    if ![
        "Pod",
        "Service",
        "ReplicationController",
        "Deployment",
        "ReplicaSet",
    ]
    .contains(&kind)
    {
        return Err(Fail::message(format!(
            "cannot expose a {}",
            super::rollout::kind_of(target)
        )));
    }
    let selector = if parsed.given("selector") {
        parse_pairs(parsed.text("selector"))
    } else {
        selector_of(target)?
    };
    let name = if parsed.given("name") {
        parsed.text("name")
    } else {
        &target.name
    };
    let mut spec = json!({"ports": expose_ports(parsed, target)?, "selector": selector});
    for (flag, field) in [
        ("type", "type"),
        ("cluster-ip", "clusterIP"),
        ("session-affinity", "sessionAffinity"),
        ("load-balancer-ip", "loadBalancerIP"),
    ] {
        if !parsed.text(flag).is_empty() {
            spec[field] = json!(parsed.text(flag));
        }
    }
    if parsed.given("external-ip") {
        spec["externalIPs"] = json!([parsed.text("external-ip")]);
    }
    let mut metadata = json!({"name": name});
    let labels = if parsed.given("labels") {
        parse_pairs(parsed.text("labels"))
    } else {
        target.object["metadata"]["labels"].clone()
    };
    if labels.as_object().is_some_and(|labels| !labels.is_empty()) {
        metadata["labels"] = labels;
    }
    let mut object = json!({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": spec, "status": {"loadBalancer": {}}});
    object = super::run::overridden(parsed, object)?;
    if parsed.dry_run()? != "client" {
        let path = format!("/api/v1/namespaces/{}/services", target.namespace);
        let mut query = vec![("fieldManager", "kubectl-expose")];
        if parsed.dry_run()? == "server" {
            query.push(("dryRun", "All"));
        }
        object = session.post(&with_query(&path, &query), &object)?;
    }
    output::report(
        session,
        parsed,
        &object,
        &format!("service/{name}"),
        "exposed",
    )
}

pub(super) fn parse_pairs(text: &str) -> Value {
    text.split(',')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key.to_owned(), json!(value)))
        .collect::<Map<_, _>>()
        .into()
}

fn selector_of(target: &select::Target) -> Outcome<Value> {
    let object = &target.object;
    let selector = match target.resource.kind.as_str() {
        "Pod" => &object["metadata"]["labels"],
        "Service" | "ReplicationController" => &object["spec"]["selector"],
        _ => {
            if !list(object, "spec.selector.matchExpressions").is_empty() {
                return Err(Fail::message(
                    "couldn't convert expressions - \"[]\" to map-based selector format",
                ));
            }
            &object["spec"]["selector"]["matchLabels"]
        }
    };
    if selector.as_object().is_none_or(Map::is_empty) {
        let why = match target.resource.kind.as_str() {
            "Pod" => "the pod has no labels and cannot be exposed",
            "Service" => "the service has no pod selector set",
            _ => "invalid deployment: no selectors, therefore cannot be exposed",
        };
        return Err(Fail::message(format!(
            "couldn't retrieve selectors via --selector flag or introspection: {why}"
        )));
    }
    Ok(selector.clone())
}

fn expose_ports(parsed: &Parsed, target: &select::Target) -> Outcome<Vec<Value>> {
    let found = ports_of(target);
    let numbers: Vec<i64> = if parsed.text("port").is_empty() {
        if found.is_empty() {
            return Err(Fail::message(
                "couldn't find port via --port flag or introspection",
            ));
        }
        found.iter().map(|(port, _)| *port).collect()
    } else {
        let mut numbers = Vec::new();
        for word in parsed.text("port").split(',') {
            numbers.push(word.parse().map_err(|_| {
                Fail::message(format!(
                    "strconv.Atoi: parsing {}: invalid syntax",
                    quoted(word)
                ))
            })?);
        }
        numbers
    };
    let several = numbers.len() > 1;
    Ok(numbers
        .iter()
        .enumerate()
        .map(|(index, number)| {
            let protocol = match parsed.text("protocol") {
                "" => found
                    .iter()
                    .find(|(port, _)| port == number)
                    .map_or("TCP", |(_, protocol)| protocol),
                protocol => protocol,
            };
            let target_port = match parsed.text("target-port") {
                "" => json!(number),
                word => word
                    .parse::<i64>()
                    .map_or_else(|_| json!(word), |number| json!(number)),
            };
            let mut port = json!({"port": number, "protocol": protocol, "targetPort": target_port});
            if several {
                port["name"] = json!(format!("port-{}", index + 1));
            }
            port
        })
        .collect())
}

fn ports_of(target: &select::Target) -> Vec<(i64, String)> {
    let protocol = |port: &Value| match text(port, "protocol") {
        "" => "TCP".to_owned(),
        protocol => protocol.to_owned(),
    };
    if target.resource.kind == "Service" {
        return list(&target.object, "spec.ports")
            .iter()
            .map(|port| (port["port"].as_i64().unwrap_or(0), protocol(port)))
            .collect();
    }
    let path = super::set::pod_spec_path(&target.resource.kind).join(".");
    list(&target.object, &format!("{path}.containers"))
        .iter()
        .flat_map(|container| list(container, "ports"))
        .map(|port| (port["containerPort"].as_i64().unwrap_or(0), protocol(port)))
        .collect()
}
