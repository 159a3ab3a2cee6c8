//! `kubectl create service clusterip|nodeport|loadbalancer|externalname`.

use serde_json::{Value, json};

use super::super::shared::{DRY, PRINT, VALIDATE, command, family};
use super::{name, required, submit};
use crate::fail::{Fail, Outcome, quoted};
use crate::flags::Kind::{Int, List, Text};
use crate::flags::{Command, Flag, Parsed, flag};
use crate::session::Session;

pub(super) const SERVICE: Command = family("service", &["svc"], SERVICES);

const SERVICE_CLUSTERIP: Command = command(
    "clusterip",
    &[PRINT, DRY, VALIDATE, PORTS],
    service_cluster_ip,
);

const SERVICE_EXTERNALNAME: Command = command(
    "externalname",
    &[PRINT, DRY, VALIDATE, PORTS],
    service_external_name,
);

const SERVICE_LOADBALANCER: Command = command(
    "loadbalancer",
    &[PRINT, DRY, VALIDATE, PORTS],
    service_load_balancer,
);

const SERVICE_NODEPORT: Command = command(
    "nodeport",
    &[PRINT, DRY, VALIDATE, PORTS],
    service_node_port,
);

const SERVICES: &[Command] = &[
    SERVICE_CLUSTERIP,
    SERVICE_EXTERNALNAME,
    SERVICE_LOADBALANCER,
    SERVICE_NODEPORT,
];

const PORTS: &[Flag] = &[
    flag("clusterip", Text, ""),
    flag("external-name", Text, ""),
    flag("node-port", Int, "0"),
    flag("tcp", List, "[]"),
];

/// Go's words about a text that is no port.
fn wrong_port(port: &str) -> Fail {
    let number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let why = if number {
        "value out of range"
    } else {
        "invalid syntax"
    };
    Fail::message(format!(
        "strconv.ParseUint: parsing {}: {why}",
        quoted(port)
    ))
}

fn tcp_ports(parsed: &Parsed) -> Outcome<Vec<Value>> {
    let mut ports = Vec::new();
    for spec in parsed.list("tcp") {
        let (port, target) = spec.split_once(':').unwrap_or((spec, spec));
        let number: u16 = port.parse().map_err(|_| wrong_port(port))?;
        let target = match target.split(':').next().unwrap_or(target) {
            target if target.bytes().all(|byte| byte.is_ascii_digit()) => {
                json!(
                    target
                        .parse::<u16>()
                        .map_err(|_| { Fail::message("must be between 1 and 65535, inclusive") })?
                )
            }
            target => json!(target),
        };
        let name = spec.replace(':', "-");
        ports.push(json!({"name": name, "port": number, "protocol": "TCP", "targetPort": target}));
    }
    Ok(ports)
}

fn service(session: &mut Session<'_, '_>, parsed: &Parsed, kind: &str) -> Outcome {
    let name = name(parsed)?;
    let mut ports = tcp_ports(parsed)?;
    let headless = parsed.text("clusterip") == "None";
    if ports.is_empty() && !headless && kind != "ExternalName" {
        return Err(Fail::message(
            "at least one tcp port specifier must be provided",
        ));
    }
    if parsed.given("node-port")
        && let Some(port) = ports.first_mut()
    {
        port["nodePort"] = json!(parsed.int("node-port"));
    }
    let mut spec = json!({"selector": {"app": name}, "type": kind});
    if !ports.is_empty() {
        spec["ports"] = Value::Array(ports);
    }
    if parsed.given("clusterip") {
        spec["clusterIP"] = json!(parsed.text("clusterip"));
    }
    if kind == "ExternalName" {
        required(parsed, "external-name")?;
        spec["externalName"] = json!(parsed.text("external-name"));
    }
    let object = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"labels": {"app": name}, "name": name},
        "spec": spec,
        "status": {"loadBalancer": {}},
    });
    submit(
        session,
        parsed,
        object,
        &format!("failed to create {kind} service: "),
    )
}

pub(crate) fn service_cluster_ip(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    service(session, parsed, "ClusterIP")
}

pub(crate) fn service_node_port(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    service(session, parsed, "NodePort")
}

pub(crate) fn service_load_balancer(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    service(session, parsed, "LoadBalancer")
}

pub(crate) fn service_external_name(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    service(session, parsed, "ExternalName")
}
