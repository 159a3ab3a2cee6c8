//! Objects made from flags: `create deployment|service|configmap|…`, `expose`, `run`.

use serde_json::{Map, Value, json};

use crate::fail::{Fail, Outcome, quoted};
use crate::flags::Parsed;
use crate::output;
use crate::select;
use crate::session::{Session, with_query};
use crate::text::base64;
use crate::text::json::{entries, list, text};

/// Sends a made object, or only shows it, and says that it was created.
fn submit(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    mut object: Value,
    failing: &str,
) -> Outcome {
    let resource = {
        let discovery = session.discovery()?;
        let (version, kind) = (
            text(&object, "apiVersion").to_owned(),
            text(&object, "kind").to_owned(),
        );
        discovery.by_kind(&version, &kind).cloned().ok_or_else(|| {
            Fail::message(format!(
                "no matches for kind {} in version {}",
                quoted(&kind),
                quoted(&version)
            ))
        })?
    };
    let namespace = if resource.namespaced {
        session.namespace()?
    } else {
        String::new()
    };
    let explicit = !session.overrides.namespace.is_empty();
    if resource.namespaced && explicit {
        object["metadata"]["namespace"] = json!(namespace);
    }
    let shown = format!(
        "{}/{}",
        resource.kind_group(),
        text(&object, "metadata.name")
    );
    if parsed.dry_run()? != "client" {
        let query = super::apply::write_query(parsed, "kubectl-create")?;
        object = session
            .post(&with_query(&resource.path(&namespace, ""), &query), &object)
            .map_err(|fail| failed(fail, failing))?;
    }
    output::report(session, parsed, &object, &shown, "created")
}

/// Commands of `create` wrap what the server says: `failed to create secret …`.
fn failed(fail: Fail, failing: &str) -> Fail {
    match (&fail, failing) {
        (_, "") => fail,
        (Fail::Status(status, _), _) => {
            Fail::message(format!("{failing}{}", text(status, "message")))
        }
        _ => fail,
    }
}

fn name(parsed: &Parsed) -> Outcome<&str> {
    match parsed.before_dash() {
        [name] => Ok(name),
        args => Err(Fail::usage(
            &parsed.path,
            format!("exactly one NAME is required, got {}", args.len()),
        )),
    }
}

fn required(parsed: &Parsed, flag: &str) -> Outcome {
    if parsed.given(flag) {
        Ok(())
    } else {
        Err(Fail::message(format!(
            "required flag(s) \"{flag}\" not set"
        )))
    }
}

/// `nginx` of `docker.io/library/nginx:1.22`, fit for a container's name.
fn container_name(image: &str) -> String {
    let last = image.rsplit('/').next().unwrap_or(image);
    let bare = last.split(['@', ':']).next().unwrap_or(last);
    bare.to_lowercase()
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' {
                c
            } else {
                '-'
            }
        })
        .collect()
}

pub(crate) fn deployment(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    required(parsed, "image")?;
    let name = name(parsed)?;
    let images = parsed.list("image");
    let command = parsed.after_dash();
    if images.len() > 1 && !command.is_empty() {
        return Err(Fail::message(
            "cannot specify multiple --image options and command",
        ));
    }
    let containers: Vec<Value> = images
        .iter()
        .map(|image| {
            let mut container =
                json!({"image": image, "name": container_name(image), "resources": {}});
            if parsed.given("port") {
                container["ports"] = json!([{"containerPort": parsed.int("port")}]);
            }
            if !command.is_empty() {
                container["command"] = json!(command);
            }
            container
        })
        .collect();
    let object = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"labels": {"app": name}, "name": name},
        "spec": {
            "replicas": parsed.int("replicas"),
            "selector": {"matchLabels": {"app": name}},
            "strategy": {},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": containers}},
        },
        "status": {},
    });
    submit(session, parsed, object, "failed to create deployment: ")
}

pub(crate) fn job(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    if parsed.given("from") {
        return Err(Fail::not_in_lab("create job --from"));
    }
    required(parsed, "image")?;
    let name = name(parsed)?;
    let mut container = json!({"image": parsed.text("image"), "name": name, "resources": {}});
    if !parsed.after_dash().is_empty() {
        container["command"] = json!(parsed.after_dash());
    }
    let object = json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"template": {"metadata": {}, "spec": {"containers": [container], "restartPolicy": "Never"}}},
        "status": {},
    });
    submit(session, parsed, object, "failed to create job: ")
}

pub(crate) fn namespace(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name(parsed)?}, "spec": {}, "status": {}});
    submit(session, parsed, object, "")
}

pub(crate) fn service_account(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let object =
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name(parsed)?}});
    submit(
        session,
        parsed,
        object,
        "failed to create service account: ",
    )
}

fn tcp_ports(parsed: &Parsed) -> Outcome<Vec<Value>> {
    let mut ports = Vec::new();
    for spec in parsed.list("tcp") {
        let (port, target) = spec.split_once(':').unwrap_or((spec, spec));
        let number: u16 = port
            .parse()
            .map_err(|_| Fail::message(format!("invalid port value {}", quoted(port))))?;
        let target = target
            .parse::<u16>()
            .map_or_else(|_| json!(target), |number| json!(number));
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
        return Err(Fail::usage(
            &parsed.path,
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

/// The entries of `--from-literal`, `--from-file` and `--from-env-file`, as bytes.
fn sources(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome<Vec<(String, Vec<u8>)>> {
    let mut found = Vec::new();
    for literal in parsed.list("from-literal") {
        let Some((key, value)) = literal.split_once('=') else {
            return Err(Fail::message(format!(
                "invalid literal source {literal}, expected key=value"
            )));
        };
        let value = value
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .unwrap_or(value);
        found.push((key.to_owned(), value.as_bytes().to_vec()));
    }
    for source in parsed.list("from-file") {
        let (key, path) = match source.split_once('=') {
            Some((key, path)) => (key.to_owned(), path),
            None => (
                source.rsplit('/').next().unwrap_or(source).to_owned(),
                source.as_str(),
            ),
        };
        if let Ok(names) = session.io.files.list_dir(path) {
            for name in names {
                if let Ok(content) = session
                    .io
                    .files
                    .read(&format!("{}/{name}", path.trim_end_matches('/')))
                {
                    found.push((name, content));
                }
            }
            continue;
        }
        found.push((key, read(session, path)?));
    }
    for path in parsed.list("from-env-file") {
        let content = read(session, path)?;
        for line in String::from_utf8_lossy(&content).lines().map(str::trim) {
            if let Some((key, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) {
                found.push((key.to_owned(), value.as_bytes().to_vec()));
            }
        }
    }
    for index in 0..found.len() {
        if found[..index].iter().any(|(key, _)| *key == found[index].0) {
            let key = &found[index].0;
            return Err(Fail::message(format!(
                "cannot add key {}, another key by that name already exists in Data for ConfigMap {}",
                quoted(key),
                quoted(name(parsed)?)
            )));
        }
    }
    Ok(found)
}

fn read(session: &mut Session<'_, '_>, path: &str) -> Outcome<Vec<u8>> {
    session.io.files.read(path).map_err(|error| {
        Fail::message(format!(
            "error reading {path}: {}",
            crate::config::reason(&error)
        ))
    })
}

pub(crate) fn config_map(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let name = name(parsed)?;
    let (mut data, mut binary) = (Map::new(), Map::new());
    for (key, content) in sources(session, parsed)? {
        match String::from_utf8(content) {
            Ok(text) => drop(data.insert(key, json!(text))),
            Err(error) => drop(binary.insert(key, json!(base64::encode(error.as_bytes())))),
        }
    }
    let mut object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}});
    if !data.is_empty() {
        object["data"] = Value::Object(data);
    }
    if !binary.is_empty() {
        object["binaryData"] = Value::Object(binary);
    }
    submit(session, parsed, object, "failed to create configmap: ")
}

fn secret(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    kind: &str,
    entries: Vec<(String, Vec<u8>)>,
) -> Outcome {
    let data: Map<String, Value> = entries
        .into_iter()
        .map(|(key, content)| (key, json!(base64::encode(&content))))
        .collect();
    let mut object =
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name(parsed)?}});
    if !data.is_empty() {
        object["data"] = Value::Object(data);
    }
    if !kind.is_empty() {
        object["type"] = json!(kind);
    }
    submit(session, parsed, object, "failed to create secret ")
}

pub(crate) fn secret_generic(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let entries = sources(session, parsed)?;
    secret(session, parsed, parsed.text("type"), entries)
}

pub(crate) fn secret_tls(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    if !parsed.given("key") || !parsed.given("cert") {
        return Err(Fail::message("key and cert must be specified"));
    }
    let mut entries = Vec::new();
    for (flag, key) in [("cert", "tls.crt"), ("key", "tls.key")] {
        let path = parsed.text(flag);
        let content = session.io.files.read(path).map_err(|error| {
            Fail::message(format!(
                "Cannot read file {path}, open {path}: {}",
                crate::config::reason(&error)
            ))
        })?;
        entries.push((key.to_owned(), content));
    }
    secret(session, parsed, "kubernetes.io/tls", entries)
}

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
            target.resource.plural_group()
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

fn parse_pairs(text: &str) -> Value {
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
                    "couldn't parse port: strconv.Atoi: parsing {}: invalid syntax",
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
    let path = super::change::pod_spec_path(&target.resource.kind).join(".");
    list(&target.object, &format!("{path}.containers"))
        .iter()
        .flat_map(|container| list(container, "ports"))
        .map(|port| (port["containerPort"].as_i64().unwrap_or(0), protocol(port)))
        .collect()
}

/// `kubectl run`.
pub(crate) fn run(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let before = parsed.args.len().min(parsed.dash.unwrap_or(usize::MAX));
    if before == 0 {
        return Err(Fail::usage("run", "NAME is required for run"));
    }
    required(parsed, "image")?;
    let dry_run = parsed.dry_run()?.to_owned();
    let attach = if parsed.given("attach") {
        parsed.is("attach")
    } else {
        parsed.is("stdin") || parsed.is("tty")
    };
    if parsed.is("rm") && !attach {
        return Err(Fail::message(
            "--rm should only be used for attached containers",
        ));
    }
    if attach && dry_run != "none" {
        return Err(Fail::usage(
            "run",
            "--dry-run=[server|client] can't be used with attached containers options (--attach, --stdin, or --tty)",
        ));
    }
    if !["Always", "OnFailure", "Never"].contains(&parsed.text("restart")) {
        return Err(Fail::message(format!(
            "invalid restart policy: {}",
            parsed.text("restart")
        )));
    }
    let pod = pod(parsed, attach);
    let namespace = session.namespace()?;
    let name = parsed.args[0].clone();
    if parsed.is("expose") {
        if parsed.text("port").is_empty() {
            return Err(Fail::usage(
                "run",
                "--port must be set when exposing a service",
            ));
        }
        make_service(session, parsed, &pod, &namespace)?;
    }
    let mut query = vec![("fieldManager", "kubectl-run")];
    if dry_run == "server" {
        query.push(("dryRun", "All"));
    }
    let created = if dry_run == "client" {
        pod
    } else {
        session.post(
            &with_query(&format!("/api/v1/namespaces/{namespace}/pods"), &query),
            &pod,
        )?
    };
    if !attach {
        return output::report(session, parsed, &created, &format!("pod/{name}"), "created");
    }
    let ended = super::pods::attach_new(session, parsed, &namespace, &name);
    if parsed.is("rm") {
        let path = format!("/api/v1/namespaces/{namespace}/pods/{name}");
        session.delete(&path, &json!({"propagationPolicy": "Background"}))?;
        if !parsed.is("quiet") {
            session.out(&format!(
                "pod {} deleted from {namespace} namespace\n",
                quoted(&name)
            ))?;
        }
    }
    ended
}

fn pod(parsed: &Parsed, attach: bool) -> Value {
    let name = &parsed.args[0];
    let words = &parsed.args[1..];
    let mut container = json!({"image": parsed.text("image"), "name": name, "resources": {}});
    if !words.is_empty() {
        container[if parsed.is("command") {
            "command"
        } else {
            "args"
        }] = json!(words);
    }
    let env: Vec<Value> = parsed
        .list("env")
        .iter()
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| json!({"name": key, "value": value}))
        .collect();
    if !env.is_empty() {
        container["env"] = Value::Array(env);
    }
    if let Ok(port) = parsed.text("port").parse::<u16>() {
        container["ports"] = json!([{"containerPort": port}]);
    }
    if parsed.given("image-pull-policy") {
        container["imagePullPolicy"] = json!(parsed.text("image-pull-policy"));
    }
    if parsed.is("stdin") {
        container["stdin"] = json!(true);
        if attach {
            container["stdinOnce"] = json!(true);
        }
    }
    if parsed.is("tty") {
        container["tty"] = json!(true);
    }
    let labels = if parsed.given("labels") {
        parse_pairs(parsed.text("labels"))
    } else {
        json!({"run": name})
    };
    let mut metadata = json!({"labels": labels, "name": name});
    let annotations: Map<String, Value> = parsed
        .list("annotations")
        .iter()
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (key.to_owned(), json!(value)))
        .collect();
    if !annotations.is_empty() {
        metadata["annotations"] = Value::Object(annotations);
    }
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {"containers": [container], "dnsPolicy": "ClusterFirst", "restartPolicy": parsed.text("restart")},
        "status": {},
    })
}

fn make_service(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    pod: &Value,
    namespace: &str,
) -> Outcome {
    let name = &parsed.args[0];
    let selector: Map<String, Value> = entries(pod, "metadata.labels")
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.clone()))
        .collect();
    let port: i64 = parsed.text("port").parse().unwrap_or_default();
    let mut service = json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"ports": [{"port": port, "protocol": "TCP", "targetPort": port}], "selector": selector},
        "status": {"loadBalancer": {}},
    });
    if parsed.dry_run()? != "client" {
        let path = format!("/api/v1/namespaces/{namespace}/services");
        service = session.post(
            &with_query(&path, &[("fieldManager", "kubectl-run")]),
            &service,
        )?;
    }
    output::report(
        session,
        parsed,
        &service,
        &format!("service/{name}"),
        "created",
    )?;
    if parsed.text("output") == "yaml" {
        session.out("---\n")?;
    }
    Ok(())
}
