//! `kubectl cluster-info dump`: what there is of a cluster that may help somebody to debug it. Never changes any of it.

use serde_json::Value;

use super::shared::command;
use crate::fail::{Fail, Outcome};
use crate::flags::Kind::{Bool, Duration, List, Text};
use crate::flags::{Command, Flag, Parsed, flag, short};
use crate::output::{self, Format};
use crate::session::Session;
use crate::text::json::{list, pretty_typed, text};
use crate::yaml;

pub(super) const COMMAND: Command = command("dump", &[FLAGS], run);

const FLAGS: &[Flag] = &[
    short('A', "all-namespaces", Bool, "false"),
    flag("namespaces", List, "[]"),
    short('o', "output", Text, "json"),
    flag("output-directory", Text, ""),
    flag("pod-running-timeout", Duration, "20s"),
];

/// What is dumped of a namespace: the file, and the path of the collection around the namespace.
const KINDS: [(&str, &str, &str); 7] = [
    ("events", "/api/v1", "events"),
    (
        "replication-controllers",
        "/api/v1",
        "replicationcontrollers",
    ),
    ("services", "/api/v1", "services"),
    ("daemonsets", "/apis/apps/v1", "daemonsets"),
    ("deployments", "/apis/apps/v1", "deployments"),
    ("replicasets", "/apis/apps/v1", "replicasets"),
    ("pods", "/api/v1", "pods"),
];

fn run(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let format = match parsed.text("output") {
        "json" | "" => Format::Json,
        "yaml" => Format::Yaml,
        _ => Format::of(session, parsed, false)?,
    };
    let folder = parsed.text("output-directory").to_owned();
    let nodes = session.get("/api/v1/nodes")?;
    put(session, parsed, &format, "nodes", &nodes)?;
    for namespace in namespaces(session, parsed)? {
        let mut pods = Value::Null;
        for (file, root, plural) in KINDS {
            let found = session.get(&format!("{root}/namespaces/{namespace}/{plural}"))?;
            put(
                session,
                parsed,
                &format,
                &format!("{namespace}/{file}"),
                &found,
            )?;
            if plural == "pods" {
                pods = found;
            }
        }
        for pod in list(&pods, "items") {
            logs(session, parsed, &namespace, pod)?;
        }
    }
    if !folder.is_empty() && folder != "-" {
        session.out(&format!("Cluster info dumped to {folder}\n"))?;
    }
    Ok(())
}

fn namespaces(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome<Vec<String>> {
    if parsed.is("all-namespaces") {
        let found = session.get("/api/v1/namespaces")?;
        let items = list(&found, "items").iter();
        return Ok(items
            .map(|item| text(item, "metadata.name").to_owned())
            .collect());
    }
    let given = parsed.list("namespaces");
    if !given.is_empty() {
        return Ok(given.to_vec());
    }
    Ok(vec!["kube-system".to_owned(), session.namespace()?])
}

/// Where a piece goes: a file, if there is a folder for them.
fn file(parsed: &Parsed, name: &str) -> Option<String> {
    match parsed.text("output-directory") {
        "" | "-" => None,
        folder => Some(format!("{folder}/{name}")),
    }
}

fn put(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    format: &Format,
    name: &str,
    found: &Value,
) -> Outcome {
    let mut found = found.clone();
    for item in found["items"].as_array_mut().into_iter().flatten() {
        output::hide_managed_fields(parsed, item);
    }
    let (words, ending) = match format {
        Format::Json => (format!("{}\n", pretty_typed(&found)), "json"),
        Format::Yaml => (yaml::to_string(&found), "yaml"),
        other => return output::print(session, parsed, other, &found),
    };
    match file(parsed, &format!("{name}.{ending}")) {
        Some(path) => write(session, &path, &words),
        None => session.out(&words),
    }
}

fn write(session: &mut Session<'_, '_>, path: &str, words: &str) -> Outcome {
    session
        .io
        .files
        .write(path, words.as_bytes())
        .map_err(|error| Fail::message(format!("open {path}: {error}")))
}

fn logs(session: &mut Session<'_, '_>, parsed: &Parsed, namespace: &str, pod: &Value) -> Outcome {
    let name = text(pod, "metadata.name");
    let mut out = String::new();
    for container in list(pod, "spec.containers") {
        let container = text(container, "name");
        let place = format!("logs for container {container} of pod {namespace}/{name} ====\n");
        out.push_str(&format!("==== START {place}"));
        let path = format!("/api/v1/namespaces/{namespace}/pods/{name}/log?container={container}");
        match session.get_text(&path) {
            Ok(bytes) => out.push_str(&String::from_utf8_lossy(&bytes)),
            Err(_) => out.push_str(&format!(
                "Request log error: the server rejected our request for an unknown reason (get pods {name})\n"
            )),
        }
        out.push_str(&format!("==== END {place}"));
    }
    match file(parsed, &format!("{namespace}/{name}/logs.txt")) {
        Some(path) => write(session, &path, &out),
        None => session.out(&out),
    }
}
