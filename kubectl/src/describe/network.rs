//! Ingresses, their classes and network policies in words. Never sends a packet.

use std::fmt::Write as _;

use serde_json::Value;

use super::kinds::{begin, ready_endpoints, strings};
use super::{annotations, labels, lines, selector_text};
use crate::fail::Outcome;
use crate::session::{Session, with_query};
use crate::text::json::{at, bare, list, text};

pub(super) fn ingress(session: &mut Session<'_, '_>, object: &Value) -> Outcome<String> {
    let mut out = format!("Name:\t{}\n", text(object, "metadata.name"));
    labels(&mut out, "", "Labels", at(object, "metadata.labels"));
    let namespace = text(object, "metadata.namespace");
    let _ = writeln!(out, "Namespace:\t{namespace}");
    let addresses: Vec<&str> = list(object, "status.loadBalancer.ingress")
        .iter()
        .map(|point| match text(point, "ip") {
            "" => text(point, "hostname"),
            ip => ip,
        })
        .collect();
    let _ = writeln!(out, "Address:\t{}", addresses.join(","));
    let class = match text(object, "spec.ingressClassName") {
        "" => "<none>",
        class => class,
    };
    let _ = writeln!(out, "Ingress Class:\t{class}");
    let default = at(object, "spec.defaultBackend");
    let default = if default.is_object() {
        backend(session, namespace, default)?
    } else {
        "<default>".to_owned()
    };
    let _ = writeln!(out, "Default backend:\t{default}");
    tls(&mut out, object);
    out.push_str("Rules:\n  Host\tPath\tBackends\n  ----\t----\t--------\n");
    let rules = list(object, "spec.rules");
    for rule in rules.iter().filter(|rule| rule["http"].is_object()) {
        let host = match text(rule, "host") {
            "" => "*",
            host => host,
        };
        let _ = writeln!(out, "  {host}\t");
        for path in list(rule, "http.paths") {
            let backend = backend(session, namespace, &path["backend"])?;
            let _ = writeln!(out, "    \t{} \t{backend}", text(path, "path"));
        }
    }
    if rules.is_empty() {
        let _ = writeln!(out, "  *\t*\t{default}");
    }
    annotations(&mut out, "", at(object, "metadata.annotations"));
    Ok(out)
}

fn tls(out: &mut String, object: &Value) {
    let entries = list(object, "spec.tls");
    if entries.is_empty() {
        return;
    }
    out.push_str("TLS:\n");
    for entry in entries {
        let hosts = strings(entry, "hosts").join(",");
        let _ = match text(entry, "secretName") {
            "" => writeln!(out, "  SNI routes {hosts}"),
            secret => writeln!(out, "  {secret} terminates {hosts}"),
        };
    }
}

/// `service:port` with what stands behind it now.
fn backend(session: &mut Session<'_, '_>, namespace: &str, backend: &Value) -> Outcome<String> {
    if backend["resource"].is_object() {
        return Ok(format!(
            "APIGroup: {}, Kind: {}, Name: {}",
            text(backend, "resource.apiGroup"),
            text(backend, "resource.kind"),
            text(backend, "resource.name")
        ));
    }
    let name = text(backend, "service.name");
    let port = match text(backend, "service.port.name") {
        "" => bare(at(backend, "service.port.number")),
        name => name.to_owned(),
    };
    let path = format!("/api/v1/namespaces/{namespace}/services/{name}");
    let behind = match session.get(&path) {
        Err(fail) => format!("<error: {}>", super::not_found(&fail)),
        Ok(service) => {
            let of_service = list(&service, "spec.ports")
                .iter()
                .find(|known| text(known, "name") == port || bare(&known["port"]) == port)
                .map_or("", |known| text(known, "name"));
            let path = format!("/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices");
            let selector = format!("kubernetes.io/service-name={name}");
            let slices = session.get(&with_query(&path, &[("labelSelector", &selector)]))?;
            ready_endpoints(list(&slices, "items"), of_service)
        }
    };
    Ok(format!("{name}:{port} ({behind})"))
}

pub(super) fn ingress_class(object: &Value) -> String {
    let mut out = begin(object, false);
    let _ = writeln!(out, "Controller:\t{}", text(object, "spec.controller"));
    let parameters = at(object, "spec.parameters");
    if parameters.is_object() {
        let _ = writeln!(
            out,
            "Parameters:\n  Kind:\t{}\n  Name:\t{}",
            text(parameters, "kind"),
            text(parameters, "name")
        );
    }
    out
}

pub(super) fn network_policy(object: &Value) -> String {
    let mut out = format!("Name:\t{}\n", text(object, "metadata.name"));
    let _ = writeln!(out, "Namespace:\t{}", text(object, "metadata.namespace"));
    let created = text(object, "metadata.creationTimestamp")
        .replace('T', " ")
        .replace('Z', " +0000 UTC");
    let _ = writeln!(out, "Created on:\t{created}");
    labels(&mut out, "", "Labels", at(object, "metadata.labels"));
    annotations(&mut out, "", at(object, "metadata.annotations"));
    let selector = match selector_text(at(object, "spec.podSelector")).as_str() {
        "" => "<none> (Allowing the specific traffic to all pods in this namespace)".to_owned(),
        selector => selector.to_owned(),
    };
    let _ = writeln!(out, "Spec:\n  PodSelector:     {selector}");
    let mut types = strings(object, "spec.policyTypes");
    if types.is_empty() {
        types.push("Ingress".to_owned());
    }
    for (kind, field, peers) in [("Ingress", "ingress", "from"), ("Egress", "egress", "to")] {
        let lower = field;
        if types.iter().any(|known| known == kind) {
            let _ = writeln!(out, "  Allowing {lower} traffic:");
            rules(
                &mut out,
                list(object, &format!("spec.{field}")),
                lower,
                peers,
            );
        } else {
            let _ = writeln!(out, "  Not affecting {lower} traffic");
        }
    }
    let _ = writeln!(out, "  Policy Types: {}", types.join(", "));
    out
}

fn rules(out: &mut String, rules: &[Value], lower: &str, peers: &str) {
    if rules.is_empty() {
        let _ = writeln!(
            out,
            "    <none> (Selected pods are isolated for {lower} connectivity)"
        );
    }
    let (title, restricted) = if peers == "from" {
        ("From", "source")
    } else {
        ("To", "destination")
    };
    for (index, rule) in rules.iter().enumerate() {
        if list(rule, "ports").is_empty() {
            out.push_str("    To Port: <any> (traffic allowed to all ports)\n");
        }
        for port in list(rule, "ports") {
            let protocol = match text(port, "protocol") {
                "" => "TCP",
                protocol => protocol,
            };
            let start = bare(&port["port"]);
            let _ = match port["endPort"].as_i64() {
                Some(end) => writeln!(out, "    To Port Range: {start}-{end}/{protocol}"),
                None => writeln!(out, "    To Port: {start}/{protocol}"),
            };
        }
        if list(rule, peers).is_empty() {
            let _ = writeln!(
                out,
                "    {title}: <any> (traffic not restricted by {restricted})"
            );
        }
        for peer in list(rule, peers) {
            let _ = writeln!(out, "    {title}:");
            describe_peer(out, peer);
        }
        if index + 1 < rules.len() {
            out.push_str("    ----------\n");
        }
    }
}

fn describe_peer(out: &mut String, peer: &Value) {
    for (field, title) in [
        ("namespaceSelector", "NamespaceSelector"),
        ("podSelector", "PodSelector"),
    ] {
        if peer[field].is_object() {
            let selector = match selector_text(&peer[field]).as_str() {
                "" => "<none>".to_owned(),
                selector => selector.to_owned(),
            };
            let _ = writeln!(out, "      {title}: {selector}");
        }
    }
    if peer["ipBlock"].is_object() {
        let _ = writeln!(
            out,
            "      IPBlock:\n        CIDR: {}\n        Except: {}",
            text(peer, "ipBlock.cidr"),
            strings(peer, "ipBlock.except").join(", ")
        );
    }
}

pub(super) fn service_account(object: &Value) -> String {
    let mut out = begin(object, true);
    let names: Vec<String> = list(object, "imagePullSecrets")
        .iter()
        .map(|secret| text(secret, "name").to_owned())
        .collect();
    lines(&mut out, "", "Image pull secrets", &names);
    out
}
