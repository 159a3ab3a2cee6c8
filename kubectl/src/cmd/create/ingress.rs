//! `kubectl create ingress`: rules in one word each. Never looks whether their services exist.

use serde_json::{Value, json};

use super::super::shared::{DRY, PRINT, VALIDATE, command};
use super::{name, submit};
use crate::fail::{Fail, Outcome};
use crate::flags::Kind::{Array, Text};
use crate::flags::{Command, Flag, Parsed, flag};
use crate::session::Session;

pub(super) const INGRESS: Command = Command {
    aliases: &["ing"],
    ..command("ingress", &[PRINT, DRY, VALIDATE, FLAGS], ingress)
};

const FLAGS: &[Flag] = &[
    flag("annotation", Array, "[]"),
    flag("class", Text, ""),
    flag("default-backend", Text, ""),
    flag("rule", Array, "[]"),
];

fn ingress(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let name = name(parsed)?;
    let (rules, default) = (parsed.list("rule"), parsed.text("default-backend"));
    if rules.is_empty() && default.is_empty() {
        return Err(Fail::message(
            "not enough information provided: every ingress has to either specify a default-backend (which catches all traffic) or a list of rules (which catch specific paths)",
        ));
    }
    let mut metadata = json!({"name": name});
    for annotation in parsed.list("annotation") {
        let Some((key, value)) = annotation
            .split_once('=')
            .filter(|(key, _)| !key.is_empty())
        else {
            return Err(Fail::message(format!(
                "annotation {annotation} is invalid and should be in format key=[value]"
            )));
        };
        metadata["annotations"][key] = json!(value);
    }
    let read: Vec<Rule> = rules
        .iter()
        .map(|rule| Rule::parse(rule))
        .collect::<Outcome<_>>()?;
    let mut spec = json!({});
    if !parsed.text("class").is_empty() {
        spec["ingressClassName"] = json!(parsed.text("class"));
    }
    if !default.is_empty() {
        let backend = default
            .split_once(':')
            .filter(|(service, port)| !service.is_empty() && !port.is_empty());
        let Some((service, port)) = backend else {
            return Err(Fail::message(
                "default-backend should be in format servicename:serviceport",
            ));
        };
        spec["defaultBackend"] = backend_of(service, port);
    }
    let (by_host, tls) = arranged(&read);
    if !by_host.is_empty() {
        spec["rules"] = Value::Array(by_host);
    }
    if !tls.is_empty() {
        spec["tls"] = Value::Array(tls);
    }
    let object = json!({
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": metadata,
        "spec": spec,
        "status": {"loadBalancer": {}},
    });
    submit(session, parsed, object, "failed to create ingress: ")
}

struct Rule {
    host: String,
    path: Value,
    tls: bool,
    secret: String,
}

impl Rule {
    fn parse(text: &str) -> Outcome<Self> {
        let wrong = || {
            Fail::message(format!(
                "rule {text} is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]"
            ))
        };
        let (place, target) = text.split_once('=').ok_or_else(wrong)?;
        let (host, path) = place.split_once('/').ok_or_else(wrong)?;
        let (backend, tls) = target
            .split_once(',')
            .map_or((target, None), |(backend, tls)| (backend, Some(tls)));
        let (service, port) = backend.split_once(':').ok_or_else(wrong)?;
        if service.is_empty() || port.is_empty() || port.contains(':') {
            return Err(wrong());
        }
        let secret = match tls {
            None | Some("tls") => "",
            Some(tls) => tls.strip_prefix("tls=").ok_or_else(wrong)?,
        };
        let (path, kind) = path
            .strip_suffix('*')
            .map_or((path, "Exact"), |path| (path, "Prefix"));
        Ok(Self {
            host: host.to_owned(),
            path: json!({"backend": backend_of(service, port), "path": format!("/{path}"), "pathType": kind}),
            tls: tls.is_some(),
            secret: secret.to_owned(),
        })
    }
}

fn backend_of(service: &str, port: &str) -> Value {
    let port = match port.parse::<i64>() {
        Ok(number) => json!({"number": number}),
        Err(_) => json!({"name": port}),
    };
    json!({"service": {"name": service, "port": port}})
}

/// The rules of each host together in the order of their first, and what needs TLS.
fn arranged(rules: &[Rule]) -> (Vec<Value>, Vec<Value>) {
    let mut hosts: Vec<(&str, Vec<Value>)> = Vec::new();
    let mut secrets: Vec<(&str, Vec<&str>)> = Vec::new();
    for rule in rules {
        match hosts.iter_mut().find(|(host, _)| *host == rule.host) {
            Some((_, paths)) => paths.push(rule.path.clone()),
            None => hosts.push((&rule.host, vec![rule.path.clone()])),
        }
        if !rule.tls || (rule.host.is_empty() && rule.secret.is_empty()) {
            continue;
        }
        match secrets
            .iter_mut()
            .find(|(secret, _)| *secret == rule.secret)
        {
            Some((_, hosts)) if hosts.contains(&rule.host.as_str()) => {}
            Some((_, hosts)) => hosts.push(&rule.host),
            None => secrets.push((&rule.secret, vec![&rule.host])),
        }
    }
    let rules = hosts.into_iter().map(|(host, paths)| {
        let mut rule = json!({"http": {"paths": paths}});
        if !host.is_empty() {
            rule["host"] = json!(host);
        }
        rule
    });
    let tls = secrets.into_iter().map(|(secret, hosts)| {
        let mut entry = json!({});
        let hosts: Vec<&str> = hosts.into_iter().filter(|host| !host.is_empty()).collect();
        if !hosts.is_empty() {
            entry["hosts"] = json!(hosts);
        }
        if !secret.is_empty() {
            entry["secretName"] = json!(secret);
        }
        entry
    });
    (rules.collect(), tls.collect())
}
