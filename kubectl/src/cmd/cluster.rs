//! About the cluster and the client: version, cluster-info, api-resources, api-versions.

use serde_json::{Map, Value, json};

use super::shared::command;
use crate::discovery::Resource;
use crate::fail::{Fail, Outcome, quoted};
use crate::flags::Kind::{Bool, List, Text};
use crate::flags::{Command, Flag, Parsed, flag, short};
use crate::output;
use crate::session::{Session, with_query};
use crate::text::json::{list, narrow, pretty_typed, text};
use crate::text::tabs::Layout;
use crate::words;
use crate::yaml;

pub(super) const CLUSTER_INFO: Command = Command {
    subcommands: &[super::dump::COMMAND],
    ..command("cluster-info", &[], info)
};

pub(super) const API_RESOURCES: Command =
    command("api-resources", &[API_RESOURCES_FLAGS], api_resources);

pub(super) const API_VERSIONS: Command = command("api-versions", &[], api_versions);

pub(super) const VERSION: Command = command("version", &[VERSION_FLAGS], version);

const API_RESOURCES_FLAGS: &[Flag] = &[
    flag("api-group", Text, ""),
    flag("cached", Bool, "false"),
    flag("categories", List, "[]"),
    flag("namespaced", Bool, "true"),
    flag("no-headers", Bool, "false"),
    short('o', "output", Text, ""),
    flag("sort-by", Text, ""),
    flag("verbs", List, "[]"),
];

const VERSION_FLAGS: &[Flag] = &[
    flag("client", Bool, "false"),
    short('o', "output", Text, ""),
];

/// What the client says of itself.
const CLIENT: [&str; 9] = [
    "major",
    "minor",
    "gitVersion",
    "gitCommit",
    "gitTreeState",
    "buildDate",
    "goVersion",
    "compiler",
    "platform",
];

/// `kubectl version`.
pub(crate) fn version(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let client: Map<String, Value> = CLIENT
        .iter()
        .map(|field| ((*field).to_owned(), json!(words::version(field))))
        .collect();
    let server = if parsed.is("client") {
        Ok(None)
    } else {
        session.get("/version?timeout=32s").map(Some)
    };
    let mut whole =
        json!({"clientVersion": client, "kustomizeVersion": words::version("kustomizeVersion")});
    if let Ok(Some(server)) = &server {
        whole["serverVersion"] = server.clone();
    }
    match parsed.text("output") {
        "" => {
            session.out(&format!(
                "Client Version: {}\nKustomize Version: {}\n",
                words::version("gitVersion"),
                words::version("kustomizeVersion")
            ))?;
            if let Ok(Some(server)) = &server {
                session.out(&format!("Server Version: {}\n", text(server, "gitVersion")))?;
            }
        }
        "yaml" => session.out(&format!("{}\n", yaml::to_string(&whole)))?,
        "json" => session.out(&format!("{}\n", narrow(&pretty_typed(&whole))))?,
        _ => return Err(Fail::message("--output must be 'yaml' or 'json'")),
    }
    if let Ok(Some(server)) = &server {
        let minor: i64 = text(server, "minor")
            .trim_end_matches('+')
            .parse()
            .unwrap_or(36);
        if (minor - 36).abs() > 1 {
            session.warn(&format!("version difference between client (1.36) and server (1.{minor}) exceeds the supported minor version skew of +/-1"));
        }
    }
    server.map(drop)
}

/// `kubectl cluster-info`.
pub(crate) fn info(session: &mut Session<'_, '_>, _: &Parsed) -> Outcome {
    let server = session.server()?;
    let path = with_query(
        "/api/v1/namespaces/kube-system/services",
        &[("labelSelector", "kubernetes.io/cluster-service=true")],
    );
    let found = session.get(&path)?;
    session.out(&format!(
        "Kubernetes control plane is running at {server}\n"
    ))?;
    for service in list(&found, "items") {
        let name = text(service, "metadata.name");
        let label = service["metadata"]["labels"]["kubernetes.io/name"]
            .as_str()
            .unwrap_or(name);
        let port = list(service, "spec.ports")
            .first()
            .map_or("", |port| text(port, "name"));
        let port = if port.is_empty() {
            String::new()
        } else {
            format!(":{port}")
        };
        session.out(&format!("{label} is running at {server}/api/v1/namespaces/kube-system/services/{name}{port}/proxy\n"))?;
    }
    session
        .out("\nTo further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.\n")
}

/// Arguments where there should be none.
fn no_arguments(parsed: &Parsed) -> Outcome {
    if parsed.args.is_empty() {
        return Ok(());
    }
    let given = parsed.args.join(" ");
    Err(Fail::usage(
        &parsed.path,
        format!("unexpected arguments: [{given}]"),
    ))
}

/// A resource as the API's own type for one; what is empty is left out.
fn described(resource: &Resource) -> Value {
    let mut value = json!({
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "group": resource.group,
        "version": resource.version,
        "kind": resource.kind,
        "verbs": resource.verbs,
        "shortNames": resource.short,
        "categories": resource.categories,
    });
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|_, field| *field != json!([]) && *field != json!(""));
    }
    value
}

/// `kubectl api-resources`.
pub(crate) fn api_resources(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    no_arguments(parsed)?;
    match parsed.text("output") {
        "" | "wide" | "name" => {}
        "json" | "yaml" | "kyaml" => {}
        other => {
            return Err(Fail::message(format!(
                "unable to match a printer suitable for the output format {}, allowed formats are: json,kyaml,name,wide,yaml",
                quoted(other)
            )));
        }
    }
    if !matches!(parsed.text("sort-by"), "" | "name" | "kind") {
        return Err(Fail::message("--sort-by accepts only name or kind"));
    }
    let discovery = session.discovery()?;
    let mut resources: Vec<_> = discovery
        .resources
        .iter()
        .filter(|resource| resource.preferred && !resource.verbs.is_empty())
        .filter(|resource| {
            !parsed.given("namespaced") || resource.namespaced == parsed.is("namespaced")
        })
        .filter(|resource| !parsed.given("api-group") || resource.group == parsed.text("api-group"))
        .filter(|resource| {
            parsed
                .list("verbs")
                .iter()
                .all(|verb| resource.verbs.contains(verb))
        })
        .filter(|resource| {
            parsed
                .list("categories")
                .iter()
                .all(|category| resource.categories.contains(category))
        })
        .collect();
    resources.sort_by(|a, b| match parsed.text("sort-by") {
        "name" => a.plural.cmp(&b.plural),
        "kind" => a.kind.cmp(&b.kind),
        _ => (&a.group, &a.plural).cmp(&(&b.group, &b.plural)),
    });
    if matches!(parsed.text("output"), "json" | "yaml" | "kyaml") {
        let resources: Vec<Value> = resources
            .iter()
            .map(|resource| described(resource))
            .collect();
        let list = json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "", "resources": resources});
        session.typed = true;
        let format = output::Format::of(session, parsed, false)?;
        return output::print(session, parsed, &format, &list);
    }
    let wide = parsed.text("output") == "wide";
    let mut lines = String::new();
    if !parsed.is("no-headers") && parsed.text("output") != "name" {
        lines.push_str("NAME\tSHORTNAMES\tAPIVERSION\tNAMESPACED\tKIND");
        lines.push_str(if wide { "\tVERBS\tCATEGORIES\n" } else { "\n" });
    }
    for resource in resources {
        if parsed.text("output") == "name" {
            lines.push_str(&format!("{}\n", resource.plural_group()));
            continue;
        }
        lines.push_str(&format!(
            "{}\t{}\t{}\t{}\t{}",
            resource.plural,
            resource.short.join(","),
            resource.group_version(),
            resource.namespaced,
            resource.kind
        ));
        if wide {
            lines.push_str(&format!(
                "\t{}\t{}",
                resource.verbs.join(","),
                resource.categories.join(",")
            ));
        }
        lines.push('\n');
    }
    session.out(&Layout::get().format(&lines))
}

/// `kubectl api-versions`.
pub(crate) fn api_versions(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    no_arguments(parsed)?;
    let discovery = session.discovery()?;
    let mut versions = discovery.versions.clone();
    versions.sort();
    versions.dedup();
    session.out(
        &versions
            .iter()
            .map(|version| format!("{version}\n"))
            .collect::<String>(),
    )
}
