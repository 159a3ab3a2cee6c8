//! Probes and lifecycle hooks of containers: defaults and validation. Never probes.

use super::look::text;
use super::{Findings, set_default};
use serde_json::Value;

const PROBES: [&str; 3] = ["livenessProbe", "readinessProbe", "startupProbe"];
const HANDLERS: [&str; 4] = ["exec", "httpGet", "tcpSocket", "grpc"];

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

pub(super) fn validate_probes(container: &Value, path: &str, found: &mut Findings) {
    for name in PROBES {
        let probe = &container[name];
        if !probe.is_object() {
            continue;
        }
        let path = format!("{path}.{name}");
        validate_handler(probe, &path, found);
        for field in [
            "initialDelaySeconds",
            "timeoutSeconds",
            "periodSeconds",
            "failureThreshold",
        ] {
            found.not_negative(&format!("{path}.{field}"), &probe[field]);
        }
        let successes = probe["successThreshold"].as_i64().unwrap_or(1);
        if name != "readinessProbe" && successes != 1 {
            found.invalid(
                format!("{path}.successThreshold"),
                &successes.into(),
                "must be 1",
            );
        }
    }
}

fn validate_handler(handler: &Value, path: &str, found: &mut Findings) {
    let given: Vec<&str> = HANDLERS
        .into_iter()
        .filter(|name| handler[*name].is_object())
        .collect();
    match given[..] {
        [] => return found.required(path, "must specify a handler type"),
        [_] => {}
        [_, ..] => {
            let field = format!("{path}.{}", given[1]);
            found.forbidden(field, "may not specify more than 1 handler type");
        }
    }
    for name in ["httpGet", "tcpSocket"] {
        if handler[name].is_object() {
            let field = format!("{path}.{name}.port");
            super::words::port(&handler[name]["port"], &field, found);
        }
    }
    let http = &handler["httpGet"];
    if http.is_object() {
        if text(http, "/path").is_empty() {
            found.required(format!("{path}.httpGet.path"), "");
        }
        found.one_of(
            &format!("{path}.httpGet.scheme"),
            &http["scheme"],
            &["HTTP", "HTTPS"],
        );
    }
    if handler["exec"].is_object()
        && handler["exec"]["command"]
            .as_array()
            .is_none_or(Vec::is_empty)
    {
        found.required(format!("{path}.exec.command"), "");
    }
}
