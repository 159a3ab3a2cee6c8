//! Probes and lifecycle hooks of containers: defaults and validation. Never probes.

use super::look::{list, text};
use super::{Findings, set_default, words};
use serde_json::Value;

const PROBES: [&str; 3] = ["livenessProbe", "readinessProbe", "startupProbe"];
const HANDLERS: [&str; 5] = ["exec", "httpGet", "tcpSocket", "grpc", "sleep"];

pub(super) fn default_probes(container: &mut Value) {
    for name in PROBES {
        let Some(probe) = container.get_mut(name).filter(|probe| probe.is_object()) else {
            continue;
        };
        set_default(probe, "timeoutSeconds", 1);
        set_default(probe, "periodSeconds", 10);
        set_default(probe, "successThreshold", 1);
        set_default(probe, "failureThreshold", 3);
        default_handler(probe);
    }
    for hook in ["/lifecycle/postStart", "/lifecycle/preStop"] {
        if let Some(handler) = container.pointer_mut(hook) {
            default_handler(handler);
        }
    }
}

fn default_handler(handler: &mut Value) {
    if let Some(http) = handler.get_mut("httpGet") {
        set_default(http, "path", "/");
        set_default(http, "scheme", "HTTP");
    }
    if let Some(grpc) = handler.get_mut("grpc") {
        set_default(grpc, "service", "");
    }
}

/// What is wrong with a container's hooks and probes.
pub(super) fn validate(container: &Value, path: &str, grace: Option<i64>, found: &mut Findings) {
    for hook in ["postStart", "preStop"] {
        let handler = &container["lifecycle"][hook];
        if handler.is_object() {
            let path = format!("{path}.lifecycle.{hook}");
            validate_handler(handler, &path, grace, found);
        }
    }
    for name in PROBES {
        if container[name].is_object() {
            validate_probe(
                name,
                &container[name],
                &format!("{path}.{name}"),
                grace,
                found,
            );
        }
    }
}

fn validate_probe(name: &str, probe: &Value, path: &str, grace: Option<i64>, found: &mut Findings) {
    validate_handler(probe, path, grace, found);
    for field in [
        "initialDelaySeconds",
        "timeoutSeconds",
        "periodSeconds",
        "successThreshold",
        "failureThreshold",
    ] {
        found.not_negative(&format!("{path}.{field}"), &probe[field]);
    }
    let seconds = &probe["terminationGracePeriodSeconds"];
    let field = format!("{path}.terminationGracePeriodSeconds");
    if seconds.as_i64().is_some_and(|seconds| seconds <= 0) {
        found.invalid(field.as_str(), seconds, "must be greater than 0");
    }
    if name == "readinessProbe" {
        if !seconds.is_null() {
            found.invalid(field, seconds, "must not be set for readinessProbes");
        }
        return;
    }
    let successes = probe["successThreshold"].as_i64().unwrap_or(1);
    if successes != 1 {
        let field = format!("{path}.successThreshold");
        found.invalid(field, &successes.into(), "must be 1");
    }
}

fn validate_handler(handler: &Value, path: &str, grace: Option<i64>, found: &mut Findings) {
    let given = HANDLERS
        .into_iter()
        .filter(|name| handler[*name].is_object());
    let given: Vec<&str> = given.collect();
    let Some((first, others)) = given.split_first() else {
        return found.required(path, "must specify a handler type");
    };
    validate_action(
        first,
        &handler[*first],
        &format!("{path}.{first}"),
        grace,
        found,
    );
    for other in others {
        let detail = "may not specify more than 1 handler type";
        found.forbidden(format!("{path}.{other}"), detail);
    }
}

fn validate_action(
    kind: &str,
    action: &Value,
    path: &str,
    grace: Option<i64>,
    found: &mut Findings,
) {
    match kind {
        "exec" if list(action, "/command").is_empty() => {
            found.required(format!("{path}.command"), "");
        }
        "httpGet" => {
            if text(action, "/path").is_empty() {
                found.required(format!("{path}.path"), "");
            }
            words::port(&action["port"], &format!("{path}.port"), found);
            let field = format!("{path}.scheme");
            found.one_of(&field, &action["scheme"], &["HTTP", "HTTPS"]);
            for header in list(action, "/httpHeaders") {
                let name = text(header, "/name");
                let field = format!("{path}.httpHeaders");
                found.all_invalid(&field, &name.into(), words::http_header_name(name));
            }
        }
        "tcpSocket" | "grpc" => words::port(&action["port"], &format!("{path}.port"), found),
        "sleep" => {
            let seconds = action["seconds"].as_i64().unwrap_or(0);
            if let Some(grace) = grace.filter(|grace| seconds < 0 || seconds > *grace) {
                let detail = format!(
                    "must be non-negative and less than terminationGracePeriodSeconds ({grace})"
                );
                found.invalid(path, &seconds.into(), detail);
            }
        }
        _ => {}
    }
}
