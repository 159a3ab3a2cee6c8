//! Pods and pod templates in words: containers, probes, environment, volumes, tolerations.

use std::fmt::Write as _;

use serde_json::Value;

use super::{annotations, controlled_by, date, labels, lines};
use crate::text::json::{at, bare, entries, int, list, text};

pub(super) fn pod(pod: &Value) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "Name:\t{}", text(pod, "metadata.name"));
    let _ = writeln!(out, "Namespace:\t{}", text(pod, "metadata.namespace"));
    if let Some(priority) = at(pod, "spec.priority").as_i64() {
        let _ = writeln!(out, "Priority:\t{priority}");
    }
    for (title, path) in [
        ("Priority Class Name", "spec.priorityClassName"),
        ("Runtime Class Name", "spec.runtimeClassName"),
        ("Service Account", "spec.serviceAccountName"),
    ] {
        if !text(pod, path).is_empty() {
            let _ = writeln!(out, "{title}:\t{}", text(pod, path));
        }
    }
    match text(pod, "spec.nodeName") {
        "" => out.push_str("Node:\t<none>\n"),
        node => {
            let _ = writeln!(out, "Node:\t{node}/{}", text(pod, "status.hostIP"));
        }
    }
    if at(pod, "status.startTime").is_string() {
        let _ = writeln!(out, "Start Time:\t{}", date(at(pod, "status.startTime")));
    }
    labels(&mut out, "", "Labels", at(pod, "metadata.labels"));
    annotations(&mut out, "", at(pod, "metadata.annotations"));
    let phase = text(pod, "status.phase");
    if at(pod, "metadata.deletionTimestamp").is_string()
        && !["Failed", "Succeeded"].contains(&phase)
    {
        let _ = writeln!(out, "Status:\tTerminating (lasts <unknown>)");
        let _ = writeln!(
            out,
            "Termination Grace Period:\t{}s",
            int(pod, "metadata.deletionGracePeriodSeconds")
        );
    } else {
        let _ = writeln!(out, "Status:\t{phase}");
    }
    for (title, path) in [("Reason", "status.reason"), ("Message", "status.message")] {
        if !text(pod, path).is_empty() {
            let _ = writeln!(out, "{title}:\t{}", text(pod, path));
        }
    }
    seccomp(&mut out, "", &pod["spec"]["securityContext"]);
    let _ = writeln!(out, "IP:\t{}", text(pod, "status.podIP"));
    let addresses = list(pod, "status.podIPs");
    out.push_str(if addresses.is_empty() {
        "IPs:\t<none>\n"
    } else {
        "IPs:\n"
    });
    for address in addresses {
        let _ = writeln!(out, "  IP:\t{}", text(address, "ip"));
    }
    controlled_by(&mut out, pod);
    if !text(pod, "status.nominatedNodeName").is_empty() {
        let _ = writeln!(
            out,
            "NominatedNodeName:\t{}",
            text(pod, "status.nominatedNodeName")
        );
    }
    containers(
        &mut out,
        "",
        "Init Containers",
        list(pod, "spec.initContainers"),
        list(pod, "status.initContainerStatuses"),
        Some(pod),
    );
    containers(
        &mut out,
        "",
        "Containers",
        list(pod, "spec.containers"),
        list(pod, "status.containerStatuses"),
        Some(pod),
    );
    containers(
        &mut out,
        "",
        "Ephemeral Containers",
        list(pod, "spec.ephemeralContainers"),
        list(pod, "status.ephemeralContainerStatuses"),
        Some(pod),
    );
    readiness_gates(&mut out, pod);
    let conditions = list(pod, "status.conditions");
    if !conditions.is_empty() {
        out.push_str("Conditions:\n  Type\tStatus\n");
        for condition in conditions {
            let _ = writeln!(
                out,
                "  {} \t{} ",
                text(condition, "type"),
                text(condition, "status")
            );
        }
    }
    volumes(&mut out, "", list(pod, "spec.volumes"));
    if !text(pod, "status.qosClass").is_empty() {
        let _ = writeln!(out, "QoS Class:\t{}", text(pod, "status.qosClass"));
    }
    labels(&mut out, "", "Node-Selectors", at(pod, "spec.nodeSelector"));
    tolerations(&mut out, "", list(pod, "spec.tolerations"));
    out
}

fn readiness_gates(out: &mut String, pod: &Value) {
    let gates = list(pod, "spec.readinessGates");
    if gates.is_empty() {
        return;
    }
    out.push_str("Readiness Gates:\n  Type\tStatus\n");
    for gate in gates {
        let kind = text(gate, "conditionType");
        let condition = list(pod, "status.conditions")
            .iter()
            .find(|condition| text(condition, "type") == kind);
        let _ = writeln!(
            out,
            "  {kind} \t{} ",
            condition.map_or("<none>", |condition| text(condition, "status"))
        );
    }
}

/// `Pod Template:` and everything under it.
pub(super) fn template(out: &mut String, template: &Value) {
    out.push_str("Pod Template:\n");
    labels(out, "  ", "Labels", at(template, "metadata.labels"));
    if at(template, "metadata.annotations")
        .as_object()
        .is_some_and(|map| !map.is_empty())
    {
        annotations(out, "  ", at(template, "metadata.annotations"));
    }
    if !text(template, "spec.serviceAccountName").is_empty() {
        let _ = writeln!(
            out,
            "  Service Account:\t{}",
            text(template, "spec.serviceAccountName")
        );
    }
    containers(
        out,
        "  ",
        "Init Containers",
        list(template, "spec.initContainers"),
        &[],
        None,
    );
    containers(
        out,
        "  ",
        "Containers",
        list(template, "spec.containers"),
        &[],
        None,
    );
    volumes(out, "  ", list(template, "spec.volumes"));
    if !text(template, "spec.priorityClassName").is_empty() {
        let _ = writeln!(
            out,
            "  Priority Class Name:\t{}",
            text(template, "spec.priorityClassName")
        );
    }
    labels(
        out,
        "  ",
        "Node-Selectors",
        at(template, "spec.nodeSelector"),
    );
    tolerations(out, "  ", list(template, "spec.tolerations"));
}

/// The template of a workload in words.
pub(crate) fn plain_template_of(workload: &Value) -> String {
    let mut out = String::new();
    template(&mut out, &workload["spec"]["template"]);
    out
}

/// The template of a revision as `rollout history` shows it: with its tabs, and its cause of change.
pub(crate) fn template_of(replica_set: &Value) -> String {
    let mut whole = replica_set["spec"]["template"].clone();
    if let Some(cause) = replica_set["metadata"]["annotations"].get("kubernetes.io/change-cause") {
        crate::text::json::set(
            &mut whole,
            &["metadata", "annotations", "kubernetes.io/change-cause"],
            cause.clone(),
        );
    }
    let mut out = String::new();
    template(&mut out, &whole);
    out
}

fn containers(
    out: &mut String,
    indent: &str,
    title: &str,
    containers: &[Value],
    statuses: &[Value],
    pod: Option<&Value>,
) {
    if containers.is_empty() && title != "Containers" {
        return;
    }
    let _ = writeln!(out, "{indent}{title}:");
    let name_indent = if indent.is_empty() { "" } else { " " };
    for container in containers {
        let status = statuses
            .iter()
            .find(|status| status["name"] == container["name"]);
        let _ = writeln!(out, "  {name_indent}{}:", text(container, "name"));
        basics(out, container, status);
        words(out, "Command", list(container, "command"));
        words(out, "Args", list(container, "args"));
        if let Some(status) = status {
            state(out, status);
        }
        for (title, path) in [
            ("Limits", "resources.limits"),
            ("Requests", "resources.requests"),
        ] {
            let amounts = entries(container, path);
            if !amounts.is_empty() {
                let _ = writeln!(out, "    {title}:");
            }
            for (name, amount) in amounts {
                let _ = writeln!(out, "      {name}:\t{}", bare(amount));
            }
        }
        for (title, field) in [
            ("Liveness", "livenessProbe"),
            ("Readiness", "readinessProbe"),
            ("Startup", "startupProbe"),
        ] {
            if container[field].is_object() {
                let _ = writeln!(out, "    {title}:\t{}", probe(&container[field]));
            }
        }
        environment(out, container, pod);
        mounts(out, list(container, "volumeMounts"));
    }
}

/// Which system calls may be made, where it is said.
fn seccomp(out: &mut String, indent: &str, security: &Value) {
    let profile = &security["seccompProfile"];
    if !profile.is_object() {
        return;
    }
    let kind = text(profile, "type");
    let _ = writeln!(out, "{indent}SeccompProfile:\t{kind}");
    if kind == "Localhost" {
        let name = text(profile, "localhostProfile");
        let _ = writeln!(out, "{indent}LocalhostProfile:\t{name}");
    }
}

fn basics(out: &mut String, container: &Value, status: Option<&Value>) {
    if let Some(status) = status {
        let _ = writeln!(out, "    Container ID:\t{}", text(status, "containerID"));
    }
    let _ = writeln!(out, "    Image:\t{}", text(container, "image"));
    if let Some(status) = status {
        let _ = writeln!(out, "    Image ID:\t{}", text(status, "imageID"));
    }
    for (title, field) in [("Port", "containerPort"), ("Host Port", "hostPort")] {
        let ports: Vec<String> = list(container, "ports")
            .iter()
            .map(|port| {
                let protocol = match text(port, "protocol") {
                    "" => "TCP",
                    protocol => protocol,
                };
                let name = match text(port, "name") {
                    "" => String::new(),
                    name => format!(" ({name})"),
                };
                format!("{}/{protocol}{name}", int(port, field))
            })
            .collect();
        let plural = if ports.len() > 1 { "s" } else { "" };
        let ports = if ports.is_empty() {
            "<none>".to_owned()
        } else {
            ports.join(", ")
        };
        let _ = writeln!(out, "    {title}{plural}:\t{ports}");
    }
    seccomp(out, "    ", &container["securityContext"]);
}

fn words(out: &mut String, title: &str, words: &[Value]) {
    if words.is_empty() {
        return;
    }
    let _ = writeln!(out, "    {title}:");
    for line in words
        .iter()
        .filter_map(Value::as_str)
        .flat_map(|word| word.split('\n'))
    {
        let _ = writeln!(out, "      {line}");
    }
}

fn state(out: &mut String, status: &Value) {
    one_state(out, "State", &status["state"]);
    if status["lastState"]["terminated"].is_object() {
        one_state(out, "Last State", &status["lastState"]);
    }
    let _ = writeln!(
        out,
        "    Ready:\t{}",
        if status["ready"] == true {
            "True"
        } else {
            "False"
        }
    );
    let _ = writeln!(out, "    Restart Count:\t{}", int(status, "restartCount"));
}

fn one_state(out: &mut String, title: &str, state: &Value) {
    let mut line = |name: &str, value: String| {
        let _ = writeln!(out, "{name}:\t{value}");
    };
    if state["running"].is_object() {
        line(&format!("    {title}"), "Running".to_owned());
        line("      Started", date(&state["running"]["startedAt"]));
    } else if state["terminated"].is_object() {
        let ended = &state["terminated"];
        line(&format!("    {title}"), "Terminated".to_owned());
        for (name, field) in [("Reason", "reason"), ("Message", "message")] {
            if !text(ended, field).is_empty() {
                line(&format!("      {name}"), text(ended, field).to_owned());
            }
        }
        line("      Exit Code", int(ended, "exitCode").to_string());
        if int(ended, "signal") > 0 {
            line("      Signal", int(ended, "signal").to_string());
        }
        line("      Started", date(&ended["startedAt"]));
        line("      Finished", date(&ended["finishedAt"]));
    } else {
        line(&format!("    {title}"), "Waiting".to_owned());
        if !text(state, "waiting.reason").is_empty() {
            line("      Reason", text(state, "waiting.reason").to_owned());
        }
    }
}

fn probe(probe: &Value) -> String {
    let number = |field: &str, default: i64| probe[field].as_i64().unwrap_or(default);
    let attributes = format!(
        "delay={}s timeout={}s period={}s #success={} #failure={}",
        number("initialDelaySeconds", 0),
        number("timeoutSeconds", 1),
        number("periodSeconds", 10),
        number("successThreshold", 1),
        number("failureThreshold", 3)
    );
    if probe["exec"].is_object() {
        let command: Vec<String> = list(probe, "exec.command").iter().map(bare).collect();
        format!("exec [{}] {attributes}", command.join(" "))
    } else if probe["httpGet"].is_object() {
        let get = &probe["httpGet"];
        let scheme = match text(get, "scheme") {
            "" => "http".to_owned(),
            scheme => scheme.to_lowercase(),
        };
        let path = text(get, "path");
        let slash = if path.is_empty() || path.starts_with('/') {
            ""
        } else {
            "/"
        };
        format!(
            "http-get {scheme}://{}:{}{slash}{path} {attributes}",
            text(get, "host"),
            bare(&get["port"])
        )
    } else if probe["tcpSocket"].is_object() {
        format!(
            "tcp-socket {}:{} {attributes}",
            text(probe, "tcpSocket.host"),
            bare(at(probe, "tcpSocket.port"))
        )
    } else if probe["grpc"].is_object() {
        format!(
            "grpc <pod>:{} {} {attributes}",
            int(probe, "grpc.port"),
            text(probe, "grpc.service")
        )
    } else {
        format!("unknown {attributes}")
    }
}

fn environment(out: &mut String, container: &Value, pod: Option<&Value>) {
    let sources = list(container, "envFrom");
    if !sources.is_empty() {
        out.push_str("    Environment Variables from:\n");
    }
    for source in sources {
        let (kind, reference) = if source["configMapRef"].is_object() {
            ("ConfigMap", &source["configMapRef"])
        } else {
            ("Secret", &source["secretRef"])
        };
        let prefix = match text(source, "prefix") {
            "" => String::new(),
            prefix => format!(" with prefix '{prefix}'"),
        };
        let _ = writeln!(
            out,
            "      {}\t{kind}{prefix}\tOptional: {}",
            text(reference, "name"),
            reference["optional"] == true
        );
    }
    let variables = list(container, "env");
    if variables.is_empty() {
        out.push_str("    Environment:\t<none>\n");
        return;
    }
    out.push_str("    Environment:\n");
    for variable in variables {
        let name = text(variable, "name");
        let from = &variable["valueFrom"];
        let key = |field: &str| {
            (
                text(&from[field], "key"),
                text(&from[field], "name"),
                from[field]["optional"] == true,
            )
        };
        if from["fieldRef"].is_object() {
            let path = text(from, "fieldRef.fieldPath");
            let version = match text(from, "fieldRef.apiVersion") {
                "" => "v1",
                version => version,
            };
            let value = pod
                .filter(|_| path.starts_with("metadata."))
                .map(|pod| text(pod, path))
                .unwrap_or_default();
            let _ = writeln!(out, "      {name}:\t{value} ({version}:{path})");
        } else if from["secretKeyRef"].is_object() {
            let (key, secret, optional) = key("secretKeyRef");
            let _ = writeln!(
                out,
                "      {name}:\t<set to the key '{key}' in secret '{secret}'>\tOptional: {optional}"
            );
        } else if from["configMapKeyRef"].is_object() {
            let (key, map, optional) = key("configMapKeyRef");
            let _ = writeln!(
                out,
                "      {name}:\t<set to the key '{key}' of config map '{map}'>\tOptional: {optional}"
            );
        } else if from["resourceFieldRef"].is_object() {
            let resource = text(from, "resourceFieldRef.resource");
            let (kind, amount) = resource.split_once('.').unwrap_or(("", resource));
            let value = container["resources"][kind]
                .get(amount)
                .map(bare)
                .unwrap_or_default();
            let _ = writeln!(out, "      {name}:\t{value} ({resource})");
        } else {
            for (index, line) in text(variable, "value").split('\n').enumerate() {
                let lead = if index == 0 {
                    format!("{name}:")
                } else {
                    String::new()
                };
                let _ = writeln!(out, "      {lead}\t{line}");
            }
        }
    }
}

fn mounts(out: &mut String, mounts: &[Value]) {
    if mounts.is_empty() {
        out.push_str("    Mounts:\t<none>\n");
        return;
    }
    out.push_str("    Mounts:\n");
    let mut sorted: Vec<&Value> = mounts.iter().collect();
    sorted.sort_by_key(|mount| text(mount, "mountPath"));
    for mount in sorted {
        let mode = if mount["readOnly"] == true {
            "ro"
        } else {
            "rw"
        };
        let sub = match text(mount, "subPath") {
            "" => String::new(),
            path => format!(",path={path:?}"),
        };
        let _ = writeln!(
            out,
            "      {} from {} ({mode}{sub})",
            text(mount, "mountPath"),
            text(mount, "name")
        );
    }
}

fn volumes(out: &mut String, indent: &str, volumes: &[Value]) {
    if volumes.is_empty() {
        let _ = writeln!(out, "{indent}Volumes:\t<none>");
        return;
    }
    let _ = writeln!(out, "{indent}Volumes:");
    let name_indent = if indent.is_empty() { "" } else { " " };
    for volume in volumes {
        let _ = writeln!(out, "  {name_indent}{}:", text(volume, "name"));
        for (title, value) in volume_lines(volume) {
            let _ = writeln!(out, "    {title}:\t{value}");
        }
        if volume["downwardAPI"].is_object() {
            out.push_str("    Items:\n");
        }
        for item in list(volume, "downwardAPI.items") {
            let from = match text(item, "fieldRef.fieldPath") {
                "" => text(item, "resourceFieldRef.resource"),
                path => path,
            };
            let _ = writeln!(out, "      {from} -> {}", text(item, "path"));
        }
    }
}

fn volume_lines(volume: &Value) -> Vec<(&'static str, String)> {
    let optional = |source: &Value| (source["optional"] == true).to_string();
    let owned = |source: &Value, path: &str| text(source, path).to_owned();
    let kind = volume
        .as_object()
        .into_iter()
        .flatten()
        .find(|(key, value)| key.as_str() != "name" && value.is_object());
    let Some((kind, source)) = kind else {
        return vec![(
            "Type",
            "EmptyDir (a temporary directory that shares a pod's lifetime)".to_owned(),
        )];
    };
    match kind.as_str() {
        "hostPath" => vec![
            ("Type", "HostPath (bare host directory volume)".to_owned()),
            ("Path", owned(source, "path")),
            ("HostPathType", owned(source, "type")),
        ],
        "emptyDir" => vec![
            ("Type", "EmptyDir (a temporary directory that shares a pod's lifetime)".to_owned()),
            ("Medium", owned(source, "medium")),
            ("SizeLimit", if source["sizeLimit"].is_null() { "<unset>".to_owned() } else { bare(&source["sizeLimit"]) }),
        ],
        "secret" => vec![
            ("Type", "Secret (a volume populated by a Secret)".to_owned()),
            ("SecretName", owned(source, "secretName")),
            ("Optional", optional(source)),
        ],
        "configMap" => vec![
            ("Type", "ConfigMap (a volume populated by a ConfigMap)".to_owned()),
            ("Name", owned(source, "name")),
            ("Optional", optional(source)),
        ],
        "persistentVolumeClaim" => vec![
            ("Type", "PersistentVolumeClaim (a reference to a PersistentVolumeClaim in the same namespace)".to_owned()),
            ("ClaimName", owned(source, "claimName")),
            ("ReadOnly", (source["readOnly"] == true).to_string()),
        ],
        "downwardAPI" => vec![("Type", "DownwardAPI (a volume populated by information about the pod)".to_owned())],
        "projected" => projected(source),
        other => vec![("Type", other.to_owned())],
    }
}

fn projected(source: &Value) -> Vec<(&'static str, String)> {
    let mut found = vec![(
        "Type",
        "Projected (a volume that contains injected data from multiple sources)".to_owned(),
    )];
    for part in list(source, "sources") {
        let optional = |field: &str| (part[field]["optional"] == true).to_string();
        if part["secret"].is_object() {
            found.push(("SecretName", text(part, "secret.name").to_owned()));
            found.push(("Optional", optional("secret")));
        } else if part["downwardAPI"].is_object() {
            found.push(("DownwardAPI", "true".to_owned()));
        } else if part["configMap"].is_object() {
            found.push(("ConfigMapName", text(part, "configMap.name").to_owned()));
            found.push(("Optional", optional("configMap")));
        } else if part["serviceAccountToken"].is_object() {
            found.push((
                "TokenExpirationSeconds",
                int(part, "serviceAccountToken.expirationSeconds").to_string(),
            ));
        }
    }
    found
}

fn tolerations(out: &mut String, indent: &str, tolerations: &[Value]) {
    let mut sorted: Vec<&Value> = tolerations.iter().collect();
    sorted.sort_by_key(|toleration| text(toleration, "key"));
    let items: Vec<String> = sorted.into_iter().map(toleration).collect();
    lines(out, indent, "Tolerations", &items);
}

fn toleration(toleration: &Value) -> String {
    let mut out = text(toleration, "key").to_owned();
    if !text(toleration, "value").is_empty() {
        let _ = write!(out, "={}", text(toleration, "value"));
    }
    if !text(toleration, "effect").is_empty() {
        let _ = write!(out, ":{}", text(toleration, "effect"));
    }
    if text(toleration, "operator") == "Exists" && text(toleration, "value").is_empty() {
        out.push_str(if out.is_empty() {
            "op=Exists"
        } else {
            " op=Exists"
        });
    }
    if let Some(seconds) = toleration["tolerationSeconds"].as_i64() {
        let _ = write!(out, " for {seconds}s");
    }
    out
}
