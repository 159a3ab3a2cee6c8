//! What pods and pod templates share: defaults and validation of their `spec`.
//! Never looks outside the spec.

use super::look::{flag, int, list, text};
use super::{Findings, items_mut, probe, quantity, set_default, volume, words};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The lists of a pod's containers, in the order they start.
const CONTAINER_LISTS: [&str; 2] = ["initContainers", "containers"];

/// Fills in what the API server fills in, for pods and templates alike.
pub(super) fn default_spec(spec: &mut Value) {
    set_default(spec, "dnsPolicy", "ClusterFirst");
    set_default(spec, "restartPolicy", "Always");
    set_default(spec, "schedulerName", "default-scheduler");
    set_default(spec, "securityContext", json!({}));
    set_default(spec, "terminationGracePeriodSeconds", 30);
    mirror_service_account(spec);
    let host_network = flag(spec, "/hostNetwork");
    for field in CONTAINER_LISTS {
        for container in items_mut(spec, field) {
            default_container(container, host_network);
        }
    }
    for item in items_mut(spec, "volumes") {
        volume::default_volume(item);
    }
}

/// The old and the new name of the same field always agree.
fn mirror_service_account(spec: &mut Value) {
    let name = match (
        text(spec, "/serviceAccountName"),
        text(spec, "/serviceAccount"),
    ) {
        ("", "") => return,
        ("", old) => old.to_owned(),
        (new, _) => new.to_owned(),
    };
    spec["serviceAccountName"] = name.as_str().into();
    spec["serviceAccount"] = name.into();
}

fn default_container(container: &mut Value, host_network: bool) {
    let policy = pull_policy(text(container, "/image"));
    set_default(container, "imagePullPolicy", policy);
    set_default(container, "resources", json!({}));
    set_default(container, "terminationMessagePath", "/dev/termination-log");
    set_default(container, "terminationMessagePolicy", "File");
    for port in items_mut(container, "ports") {
        set_default(port, "protocol", "TCP");
        if host_network {
            let number = port["containerPort"].clone();
            set_default(port, "hostPort", number);
        }
    }
    for variable in items_mut(container, "env") {
        if let Some(reference) = variable.pointer_mut("/valueFrom/fieldRef") {
            set_default(reference, "apiVersion", "v1");
        }
    }
    probe::default_probes(container);
}

/// An image without a tag, or with `latest`, may change under its name.
fn pull_policy(image: &str) -> &'static str {
    let last = image.rsplit('/').next().unwrap_or_default();
    let by_digest = last.contains('@');
    match last.split_once(':') {
        _ if by_digest => "IfNotPresent",
        None | Some((_, "latest" | "")) => "Always",
        Some(_) => "IfNotPresent",
    }
}

/// What is wrong with a pod's spec at `path`.
pub(super) fn validate_spec(spec: &Value, path: &str, found: &mut Findings) {
    let volumes = volume::validate(spec, path, found);
    if list(spec, "/containers").is_empty() {
        found.required(format!("{path}.containers"), "");
    }
    let mut names = BTreeSet::new();
    for field in ["containers", "initContainers"] {
        for (index, container) in list(spec, &format!("/{field}")).iter().enumerate() {
            let path = format!("{path}.{field}[{index}]");
            validate_container(container, &path, &volumes, found);
            let name = text(container, "/name");
            if !name.is_empty() && !names.insert(name) {
                found.duplicate(format!("{path}.name"), &container["name"]);
            }
        }
    }
    let policies = ["Always", "Never", "OnFailure"];
    found.one_of(
        &format!("{path}.restartPolicy"),
        &spec["restartPolicy"],
        &policies,
    );
    let dns = ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"];
    found.one_of(&format!("{path}.dnsPolicy"), &spec["dnsPolicy"], &dns);
    let grace = "terminationGracePeriodSeconds";
    found.not_negative(&format!("{path}.{grace}"), &spec[grace]);
    if int(spec, "/activeDeadlineSeconds").is_some_and(|seconds| seconds < 1) {
        let value = &spec["activeDeadlineSeconds"];
        let field = format!("{path}.activeDeadlineSeconds");
        found.invalid(field, value, "must be between 1 and 2147483647, inclusive");
    }
    super::meta::labels(
        spec,
        "/nodeSelector",
        &format!("{path}.nodeSelector"),
        found,
    );
    if let Some(host) = spec.get("hostname") {
        let words = words::dns_label(host.as_str().unwrap_or_default());
        found.all_invalid(&format!("{path}.hostname"), host, words);
    }
}

fn validate_container(
    container: &Value,
    path: &str,
    volumes: &BTreeSet<&str>,
    found: &mut Findings,
) {
    let name = text(container, "/name");
    match name {
        "" => found.required(format!("{path}.name"), ""),
        _ => found.all_invalid(
            &format!("{path}.name"),
            &container["name"],
            words::dns_label(name),
        ),
    }
    let image = text(container, "/image");
    if image.is_empty() {
        found.required(format!("{path}.image"), "");
    } else if image.trim() != image {
        let field = format!("{path}.image");
        found.invalid(
            field,
            &container["image"],
            "must not have leading or trailing whitespace",
        );
    }
    validate_ports(container, path, found);
    validate_env(container, path, found);
    volume::validate_mounts(container, path, volumes, found);
    probe::validate_probes(container, path, found);
    validate_resources(&container["resources"], &format!("{path}.resources"), found);
    let policies = ["Always", "IfNotPresent", "Never"];
    found.one_of(
        &format!("{path}.imagePullPolicy"),
        &container["imagePullPolicy"],
        &policies,
    );
}

fn validate_ports(container: &Value, path: &str, found: &mut Findings) {
    let mut names = BTreeSet::new();
    for (index, port) in list(container, "/ports").iter().enumerate() {
        let path = format!("{path}.ports[{index}]");
        let name = text(port, "/name");
        if !name.is_empty() {
            found.all_invalid(
                &format!("{path}.name"),
                &port["name"],
                words::port_name(name),
            );
            if !names.insert(name) {
                found.duplicate(format!("{path}.name"), &port["name"]);
            }
        }
        match int(port, "/containerPort").unwrap_or(0) {
            0 => found.required(format!("{path}.containerPort"), ""),
            number => {
                let field = format!("{path}.containerPort");
                found.all_invalid(&field, &port["containerPort"], words::port_number(number));
            }
        }
        if let Some(number) = int(port, "/hostPort").filter(|number| *number != 0) {
            found.all_invalid(
                &format!("{path}.hostPort"),
                &port["hostPort"],
                words::port_number(number),
            );
        }
        found.one_of(
            &format!("{path}.protocol"),
            &port["protocol"],
            &["SCTP", "TCP", "UDP"],
        );
    }
}

fn validate_env(container: &Value, path: &str, found: &mut Findings) {
    for (index, variable) in list(container, "/env").iter().enumerate() {
        let path = format!("{path}.env[{index}]");
        let name = text(variable, "/name");
        if name.is_empty() {
            found.required(format!("{path}.name"), "");
        } else if name.contains('=') || !name.bytes().all(|b| (b' '..=b'~').contains(&b)) {
            let detail = "a valid environment variable name must consist only of printable ASCII characters other than '='";
            found.invalid(format!("{path}.name"), &variable["name"], detail);
        }
        let from = variable.get("valueFrom").filter(|from| !from.is_null());
        if from.is_some() && !text(variable, "/value").is_empty() {
            let detail = "may not be specified when `value` is not empty";
            found.invalid(format!("{path}.valueFrom"), &json!(""), detail);
        }
    }
}

fn validate_resources(resources: &Value, path: &str, found: &mut Findings) {
    let rule = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
    for field in ["limits", "requests"] {
        for (name, amount) in resources[field].as_object().into_iter().flatten() {
            let field = format!("{path}.{field}[{name}]");
            match quantity::thousandths(&quantity_text(amount)) {
                None => found.invalid(field, amount, rule),
                Some(number) if number < 0 => {
                    found.invalid(field, amount, "must be greater than or equal to 0");
                }
                Some(_) => {}
            }
        }
    }
    for (name, request) in resources["requests"].as_object().into_iter().flatten() {
        let Some(limit) = resources["limits"].get(name) else {
            continue;
        };
        let amounts = [request, limit].map(|amount| quantity::thousandths(&quantity_text(amount)));
        if let [Some(request_amount), Some(limit_amount)] = amounts
            && request_amount > limit_amount
        {
            let limit = quantity_text(limit);
            let detail = format!("must be less than or equal to {name} limit of {limit}");
            found.invalid(
                format!("{path}.requests"),
                &quantity_text(request).into(),
                detail,
            );
        }
    }
}

/// An amount may be written as a text or as a number.
pub(super) fn quantity_text(amount: &Value) -> String {
    amount
        .as_str()
        .map_or_else(|| amount.to_string(), str::to_owned)
}
