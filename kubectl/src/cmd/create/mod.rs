//! `kubectl create`: from files, and objects made from flags: deployment, namespace, serviceaccount;
//! the other kinds are in the files below. It never waits for what it made.

mod access;
mod batch;
mod data;
mod ingress;
mod policy;
mod service;

use serde_json::{Value, json};

use super::shared::{DRY, FILES, PRINT, VALIDATE, command};
use crate::discovery::Resource;
use crate::fail::{Fail, Outcome, quoted};
use crate::flags::Kind::{Int, List};
use crate::flags::{Command, Flag, Parsed, flag, short};
use crate::output;
use crate::session::{Session, with_query};
use crate::text::json::text;

pub(super) const COMMAND: Command = Command {
    name: "create",
    aliases: &[],
    flags: &[FILES, PRINT, DRY, VALIDATE],
    subcommands: SUBCOMMANDS,
    run: create,
};

const DEPLOYMENT: Command = Command {
    aliases: &["deploy"],
    ..command(
        "deployment",
        &[PRINT, DRY, VALIDATE, CREATE_DEPLOYMENT],
        deployment,
    )
};

const NAMESPACE: Command = Command {
    aliases: &["ns"],
    ..command("namespace", &[PRINT, DRY, VALIDATE], namespace)
};

const SERVICEACCOUNT: Command = Command {
    aliases: &["sa"],
    ..command("serviceaccount", &[PRINT, DRY, VALIDATE], service_account)
};

const SUBCOMMANDS: &[Command] = &[
    access::CLUSTERROLE,
    access::CLUSTERROLEBINDING,
    data::CONFIGMAP,
    batch::CRONJOB,
    DEPLOYMENT,
    ingress::INGRESS,
    batch::JOB,
    NAMESPACE,
    policy::PODDISRUPTIONBUDGET,
    policy::PRIORITYCLASS,
    policy::QUOTA,
    access::ROLE,
    access::ROLEBINDING,
    data::SECRET,
    service::SERVICE,
    SERVICEACCOUNT,
    access::TOKEN,
];

const CREATE_DEPLOYMENT: &[Flag] = &[
    flag("image", List, "[]"),
    flag("port", Int, "-1"),
    short('r', "replicas", Int, "1"),
];

fn create(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let files = parsed.given("filename") || parsed.given("kustomize");
    if let [_, ..] = &parsed.args[..] {
        let given = parsed.args.join(" ");
        return Err(Fail::usage("create", format!("Unexpected args: [{given}]")));
    }
    if files {
        return super::apply::create(session, parsed);
    }
    Err(Fail::message("must specify one of -f and -k"))
}

/// Sends a made object, or only shows it, and says that it was created.
pub(super) fn submit(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    mut object: Value,
    failing: &str,
) -> Outcome {
    let (version, kind) = (
        text(&object, "apiVersion").to_owned(),
        text(&object, "kind").to_owned(),
    );
    let known = match parsed.dry_run()? {
        "client" => None,
        _ => session.discovery()?.by_kind(&version, &kind).cloned(),
    };
    let resource = known.unwrap_or_else(|| made(&version, &kind));
    let namespace = if resource.namespaced {
        session.namespace()?
    } else {
        String::new()
    };
    let explicit = !session.overrides.namespace.is_empty();
    if resource.namespaced && explicit {
        object["metadata"]["namespace"] = json!(namespace);
    }
    session.typed = true;
    if parsed.is("save-config") {
        let applied = format!("{}\n", crate::text::json::compact_typed(&object));
        object["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] =
            json!(applied);
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

/// The resource of a kind that `create` makes, as its client knows it without asking the server.
fn made(api_version: &str, kind: &str) -> Resource {
    const CLUSTER_WIDE: [&str; 4] = [
        "ClusterRole",
        "ClusterRoleBinding",
        "Namespace",
        "PriorityClass",
    ];
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let lower = kind.to_lowercase();
    let plural = if lower.ends_with('s') {
        format!("{lower}es")
    } else {
        format!("{lower}s")
    };
    Resource {
        group: group.to_owned(),
        version: version.to_owned(),
        kind: kind.to_owned(),
        singular: lower,
        plural,
        namespaced: !CLUSTER_WIDE.contains(&kind),
        ..Resource::default()
    }
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

pub(super) fn name(parsed: &Parsed) -> Outcome<&str> {
    match parsed.before_dash() {
        [name] => Ok(name),
        args => Err(Fail::usage(
            &parsed.path,
            format!("exactly one NAME is required, got {}", args.len()),
        )),
    }
}

pub(super) fn required(parsed: &Parsed, flag: &str) -> Outcome {
    required_all(parsed, &[flag])
}

pub(super) fn required_all(parsed: &Parsed, flags: &[&str]) -> Outcome {
    let missing: Vec<String> = flags
        .iter()
        .filter(|flag| !parsed.given(flag))
        .map(|flag| quoted(flag))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Fail::message(format!(
        "required flag(s) {} not set",
        missing.join(", ")
    )))
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
            // One port, which is the first container's.
            if parsed.given("port") && *image == images[0] {
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

pub(crate) fn namespace(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name(parsed)?}, "spec": {}, "status": {}});
    submit(session, parsed, object, "")
}

pub(crate) fn service_account(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let object =
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name(parsed)?}});
    submit(session, parsed, object, "failed to create serviceaccount: ")
}
