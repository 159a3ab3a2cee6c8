//! What containers must look like: `validateContainers` of Kubernetes 1.36, in its order and words.
//! Never looks at the rest of the pod, besides what is handed in.

use super::look::{int, list, map, text};
use super::{Findings, probe, quantity, volume, words};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// What a container's rules need to know of its pod.
pub(super) struct Around<'a> {
    pub(super) volumes: BTreeSet<&'a str>,
    pub(super) grace: Option<i64>,
}

const PROTOCOLS: [&str; 3] = ["SCTP", "TCP", "UDP"];
/// What no ephemeral container has: nothing that a pod's service could depend on.
const NOT_OF_EPHEMERAL: [&str; 9] = [
    "lifecycle",
    "livenessProbe",
    "ports",
    "readinessProbe",
    "resizePolicy",
    "resources",
    "restartPolicy",
    "restartPolicyRules",
    "startupProbe",
];
const PROBES: [&str; 3] = ["livenessProbe", "readinessProbe", "startupProbe"];
const ENV_FIELDS: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];
/// Fields that can be named, but not everywhere.
const OTHER_FIELDS: [&str; 5] = [
    "metadata.annotations",
    "metadata.labels",
    "spec.restartPolicy",
    "spec.schedulerName",
    "status.phase",
];
const RESOURCES: [&str; 6] = [
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];

/// The regular containers.
pub(super) fn validate(spec: &Value, path: &str, around: &Around<'_>, found: &mut Findings) {
    let containers = list(spec, "/containers");
    if containers.is_empty() {
        return found.required(path, "");
    }
    let mut names = BTreeSet::new();
    for (index, container) in containers.iter().enumerate() {
        let path = format!("{path}[{index}]");
        validate_common(container, &path, around, found);
        if !names.insert(text(container, "/name")) {
            found.duplicate(format!("{path}.name"), &json!(text(container, "/name")));
        }
        probe::validate(container, &path, around.grace, found);
        let policies = ["Always", "Never", "OnFailure"];
        found.one_of(
            &format!("{path}.restartPolicy"),
            &container["restartPolicy"],
            &policies,
        );
    }
    validate_host_ports(containers.iter().enumerate(), path, found);
}

/// The containers that run before them.
pub(super) fn validate_init(spec: &Value, path: &str, around: &Around<'_>, found: &mut Findings) {
    let regular = list(spec, "/containers");
    let mut names: BTreeSet<&str> = regular.iter().map(|one| text(one, "/name")).collect();
    for (index, container) in list(spec, "/initContainers").iter().enumerate() {
        let list_path = path;
        let path = format!("{path}[{index}]");
        validate_common(container, &path, around, found);
        let policy = &container["restartPolicy"];
        found.one_of(&format!("{path}.restartPolicy"), policy, &["Always"]);
        let name = text(container, "/name");
        if names.contains(name) {
            found.duplicate(format!("{path}.name"), &json!(name));
        } else if !name.is_empty() {
            names.insert(name);
        }
        validate_host_ports(std::iter::once((index, container)), list_path, found);
        if policy == "Always" {
            probe::validate(container, &path, around.grace, found);
            continue;
        }
        for field in std::iter::once("lifecycle").chain(PROBES) {
            if container[field].is_object() {
                let detail = "may not be set for init containers without restartPolicy=Always";
                found.forbidden(format!("{path}.{field}"), detail);
            }
        }
    }
}

/// The containers that join a running pod to look at it.
pub(super) fn validate_ephemeral(
    spec: &Value,
    path: &str,
    around: &Around<'_>,
    found: &mut Findings,
) {
    let names_of = |field: &str| -> BTreeSet<&str> {
        let containers = list(spec, field).iter();
        containers.map(|one| text(one, "/name")).collect()
    };
    let mut others = names_of("/containers");
    others.extend(names_of("/initContainers"));
    let mut all = others.clone();
    for (index, container) in list(spec, "/ephemeralContainers").iter().enumerate() {
        let path = format!("{path}[{index}]");
        validate_common(container, &path, around, found);
        let name = text(container, "/name");
        if !all.insert(name) {
            found.duplicate(format!("{path}.name"), &json!(name));
        }
        let detail = "cannot be set for an Ephemeral Container";
        for field in NOT_OF_EPHEMERAL {
            let set = match &container[field] {
                Value::Object(fields) => !fields.is_empty(),
                Value::Array(items) => !items.is_empty(),
                other => !other.is_null(),
            };
            if set {
                found.forbidden(format!("{path}.{field}"), detail);
            }
        }
        for (at, mount) in list(container, "/volumeMounts").iter().enumerate() {
            for field in ["subPath", "subPathExpr"] {
                if !text(mount, &format!("/{field}")).is_empty() {
                    found.forbidden(format!("{path}.volumeMounts[{at}].{field}"), detail);
                }
            }
        }
        let target = text(container, "/targetContainerName");
        if !target.is_empty() && !others.contains(target) {
            found.not_found(format!("{path}.targetContainerName"), &json!(target));
        }
    }
}

/// What is checked of pods and not of templates.
pub(super) fn validate_of_pod(spec: &Value, path: &str, found: &mut Findings) {
    for field in ["containers", "initContainers", "ephemeralContainers"] {
        for (index, container) in list(spec, &format!("/{field}")).iter().enumerate() {
            let image = text(container, "/image");
            if image.trim() != image {
                let field = format!("{path}.{field}[{index}].image");
                let detail = "must not have leading or trailing whitespace";
                found.invalid(field, &image.into(), detail);
            }
        }
    }
}

fn validate_common(container: &Value, path: &str, around: &Around<'_>, found: &mut Findings) {
    match text(container, "/name") {
        "" => found.required(format!("{path}.name"), ""),
        name => found.all_invalid(
            &format!("{path}.name"),
            &container["name"],
            words::dns_label(name),
        ),
    }
    if text(container, "/image").is_empty() {
        found.required(format!("{path}.image"), "");
    }
    let one_of = |field: &str, supported: &[&str], found: &mut Findings| {
        found.one_of(&format!("{path}.{field}"), &container[field], supported);
    };
    let sources = ["File", "FallbackToLogsOnError"];
    one_of("terminationMessagePolicy", &sources, found);
    validate_ports(container, path, found);
    validate_env(container, path, found);
    validate_env_from(container, path, found);
    volume::validate_mounts(container, path, &around.volumes, found);
    one_of(
        "imagePullPolicy",
        &["Always", "IfNotPresent", "Never"],
        found,
    );
    validate_resources(&container["resources"], &format!("{path}.resources"), found);
    let path = format!("{path}.securityContext");
    validate_ids(&container["securityContext"], &path, found);
}

/// Users and groups of a security context.
pub(super) fn validate_ids(context: &Value, path: &str, found: &mut Findings) {
    for field in ["fsGroup", "runAsUser", "runAsGroup"] {
        validate_id(&context[field], &format!("{path}.{field}"), found);
    }
    for (index, id) in list(context, "/supplementalGroups").iter().enumerate() {
        validate_id(id, &format!("{path}.supplementalGroups[{index}]"), found);
    }
}

fn validate_id(id: &Value, field: &str, found: &mut Findings) {
    let most = i64::from(i32::MAX);
    if id.as_i64().is_some_and(|id| !(0..=most).contains(&id)) {
        found.invalid(field, id, "must be between 0 and 2147483647, inclusive");
    }
}

fn validate_ports(container: &Value, path: &str, found: &mut Findings) {
    let mut names = BTreeSet::new();
    for (index, port) in list(container, "/ports").iter().enumerate() {
        let path = format!("{path}.ports[{index}]");
        let name = text(port, "/name");
        if !name.is_empty() {
            let words = words::port_name(name);
            if words.is_empty() && !names.insert(name) {
                found.duplicate(format!("{path}.name"), &port["name"]);
            }
            found.all_invalid(&format!("{path}.name"), &port["name"], words);
        }
        match int(port, "/containerPort").unwrap_or(0) {
            0 => found.required(format!("{path}.containerPort"), ""),
            number => {
                let field = format!("{path}.containerPort");
                found.all_invalid(&field, &number.into(), words::port_number(number));
            }
        }
        if let Some(number) = int(port, "/hostPort").filter(|number| *number != 0) {
            let field = format!("{path}.hostPort");
            found.all_invalid(&field, &number.into(), words::port_number(number));
        }
        found.one_of(&format!("{path}.protocol"), &port["protocol"], &PROTOCOLS);
    }
}

fn validate_host_ports<'a>(
    containers: impl Iterator<Item = (usize, &'a Value)>,
    path: &str,
    found: &mut Findings,
) {
    let mut seen = BTreeSet::new();
    for (at, container) in containers {
        for (index, port) in list(container, "/ports").iter().enumerate() {
            let number = int(port, "/hostPort").unwrap_or(0);
            let (protocol, ip) = (text(port, "/protocol"), text(port, "/hostIP"));
            let place = format!("{protocol}/{ip}/{number}");
            if number != 0 && !seen.insert(place.clone()) {
                let field = format!("{path}[{at}].ports[{index}].hostPort");
                found.duplicate(field, &place.into());
            }
        }
    }
}

fn validate_env(container: &Value, path: &str, found: &mut Findings) {
    for (index, variable) in list(container, "/env").iter().enumerate() {
        let path = format!("{path}.env[{index}]");
        match text(variable, "/name") {
            "" => found.required(format!("{path}.name"), ""),
            name => found.all_invalid(
                &format!("{path}.name"),
                &variable["name"],
                words::env_name(name),
            ),
        }
        if variable["valueFrom"].is_object() {
            validate_value_from(variable, &format!("{path}.valueFrom"), found);
        }
    }
}

fn validate_value_from(variable: &Value, path: &str, found: &mut Findings) {
    let from = &variable["valueFrom"];
    let sources = [
        "fieldRef",
        "resourceFieldRef",
        "configMapKeyRef",
        "secretKeyRef",
        "fileKeyRef",
    ];
    let given = sources
        .iter()
        .filter(|name| from[**name].is_object())
        .count();
    if from["fieldRef"].is_object() {
        let path = format!("{path}.fieldRef");
        validate_field(&from["fieldRef"], &ENV_FIELDS, &path, found);
    }
    if from["resourceFieldRef"].is_object() {
        let path = format!("{path}.resourceFieldRef");
        validate_resource_field(&from["resourceFieldRef"], false, &path, found);
    }
    for source in ["configMapKeyRef", "secretKeyRef"] {
        if from[source].is_object() {
            let path = format!("{path}.{source}");
            let name = text(&from[source], "/name");
            let field = format!("{path}.name");
            found.all_invalid(&field, &name.into(), words::dns_subdomain(name));
            match text(&from[source], "/key") {
                "" => found.required(format!("{path}.key"), ""),
                key => {
                    let field = format!("{path}.key");
                    found.all_invalid(&field, &key.into(), words::config_key(key));
                }
            }
        }
    }
    let detail = match given {
        0 => {
            "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
        }
        _ if !text(variable, "/value").is_empty() => {
            "may not be specified when `value` is not empty"
        }
        1 => return,
        _ => "may not have more than one field specified at a time",
    };
    found.invalid(path, &json!(""), detail);
}

/// What is wrong with the name of a pod's field, of which `supported` can be used here.
pub(super) fn validate_field(
    reference: &Value,
    supported: &[&str],
    path: &str,
    found: &mut Findings,
) {
    let field = text(reference, "/fieldPath");
    let at = format!("{path}.fieldPath");
    if field.is_empty() {
        return found.required(at, "");
    }
    let subscript = field
        .strip_suffix("']")
        .and_then(|field| field.split_once("['"));
    let name = subscript.map_or(field, |(name, _)| name);
    let known = ENV_FIELDS.contains(&name) || OTHER_FIELDS.contains(&name);
    let bare = subscript.is_none() || matches!(name, "metadata.labels" | "metadata.annotations");
    if !known || !bare {
        let detail = format!("error converting fieldPath: field label not supported: {field}");
        return found.invalid(at, &field.into(), detail);
    }
    match subscript {
        Some((name, key)) => {
            let lower = name == "metadata.annotations";
            let key = if lower {
                key.to_lowercase()
            } else {
                key.to_owned()
            };
            found.all_invalid(path, &key.as_str().into(), words::qualified_name(&key));
        }
        None if !supported.contains(&field) => found.unsupported(at, field, supported),
        None => {}
    }
}

/// What is wrong with the name of a container's resource.
pub(super) fn validate_resource_field(
    reference: &Value,
    in_volume: bool,
    path: &str,
    found: &mut Findings,
) {
    let resource = text(reference, "/resource");
    let huge = ["limits.hugepages-", "requests.hugepages-"];
    if in_volume && text(reference, "/containerName").is_empty() {
        found.required(format!("{path}.containerName"), "");
    } else if resource.is_empty() {
        found.required(format!("{path}.resource"), "");
    } else if !RESOURCES.contains(&resource) && !huge.iter().any(|p| resource.starts_with(p)) {
        found.unsupported(format!("{path}.resource"), resource, &RESOURCES);
    }
    let divisor = text(reference, "/divisor");
    if divisor.is_empty() || quantity::thousandths(divisor) == Some(0) {
        return;
    }
    let (good, what): (&[&str], &str) = match resource {
        "limits.cpu" | "requests.cpu" => (&["1m", "1"], "cpu"),
        "limits.memory" | "requests.memory" => (&quantity::UNITS, "memory"),
        _ if resource.ends_with("storage") => (&quantity::UNITS, "local ephemeral storage"),
        _ => (&quantity::UNITS, "hugepages"),
    };
    if !good.contains(&divisor) {
        let values = match what {
            "cpu" => "1m and 1".to_owned(),
            _ => good.join(", "),
        };
        let detail =
            format!("only divisor's values {values} are supported with the {what} resource");
        found.invalid(format!("{path}.divisor"), &resource.into(), detail);
    }
}

fn validate_env_from(container: &Value, path: &str, found: &mut Findings) {
    let path = format!("{path}.envFrom");
    for (index, source) in list(container, "/envFrom").iter().enumerate() {
        let prefix = text(source, "/prefix");
        if !prefix.is_empty() {
            let field = format!("{path}[{index}].prefix");
            found.all_invalid(&field, &prefix.into(), words::env_name(prefix));
        }
        let mut given = 0;
        for kind in ["configMapRef", "secretRef"] {
            if !source[kind].is_object() {
                continue;
            }
            given += 1;
            let field = format!("{path}[{index}].{kind}.name");
            match text(&source[kind], "/name") {
                "" => found.required(field, ""),
                name => found.all_invalid(&field, &name.into(), words::dns_subdomain(name)),
            }
        }
        // Kubernetes names the list and not the element.
        match given {
            0 => found.invalid(
                path.as_str(),
                &json!(""),
                "must specify one of: `configMapRef` or `secretRef`",
            ),
            1 => {}
            _ => found.invalid(
                path.as_str(),
                &json!(""),
                "may not have more than one field specified at a time",
            ),
        }
    }
}

fn validate_resources(resources: &Value, path: &str, found: &mut Findings) {
    for field in ["limits", "requests"] {
        for (name, amount) in map(resources, &format!("/{field}")).into_iter().flatten() {
            let amount = quantity::text_of(amount);
            let at = format!("{path}.{field}[{name}]");
            validate_resource(name, &amount, &at, found);
            if field == "requests" {
                validate_request(name, &amount, resources, path, found);
            }
        }
    }
}

fn validate_resource(name: &str, amount: &str, field: &str, found: &mut Findings) {
    let value = name.into();
    found.all_invalid(field, &value, words::qualified_name(name));
    let standard =
        ["cpu", "memory", "ephemeral-storage"].contains(&name) || name.starts_with("hugepages-");
    if !name.contains('/') && !standard {
        found.invalid(field, &value, "must be a standard resource for containers");
    }
    let number = quantity::thousandths(amount).unwrap_or(0);
    if number < 0 {
        let detail = "must be greater than or equal to 0";
        found.invalid(field, &amount.into(), detail);
    }
    if name.contains('/') && number % 1_000 != 0 {
        found.invalid(field, &amount.into(), "must be an integer");
    }
}

fn validate_request(
    name: &str,
    request: &str,
    resources: &Value,
    path: &str,
    found: &mut Findings,
) {
    let shared = ["cpu", "memory", "ephemeral-storage"].contains(&name);
    let Some(limit) = resources["limits"].get(name).map(quantity::text_of) else {
        if !shared {
            let detail = "Limit must be set for non overcommitable resources";
            found.required(format!("{path}.limits"), detail);
        }
        return;
    };
    let [wanted, most] = [request, limit.as_str()].map(quantity::thousandths);
    let detail = if wanted != most && !shared {
        format!("must be equal to {name} limit of {limit}")
    } else if wanted > most {
        format!("must be less than or equal to {name} limit of {limit}")
    } else {
        return;
    };
    found.invalid(format!("{path}.requests"), &request.into(), detail);
}
