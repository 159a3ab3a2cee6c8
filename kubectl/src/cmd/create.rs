//! `kubectl create`: from files, and objects made from flags: deployment, job, namespace, serviceaccount.

use serde_json::{Value, json};

use super::shared::{DRY, FILES, PRINT, VALIDATE, absent, command};
use crate::fail::{Fail, Outcome, quoted};
use crate::flags::Kind::{Int, List, Text};
use crate::flags::{Command, Flag, Parsed, flag, short};
use crate::output;
use crate::session::{Session, with_query};
use crate::text::json::text;

pub(super) const COMMAND: Command = Command {
    name: "create",
    aliases: &[],
    about: "Create a resource from a file or from stdin",
    usage: "-f FILENAME",
    examples: "  # Create a pod using the data in pod.json\n  kubectl create -f ./pod.json",
    flags: &[FILES, PRINT, DRY, VALIDATE],
    subcommands: SUBCOMMANDS,
    run: create,
};

const DEPLOYMENT: Command = Command {
    aliases: &["deploy"],
    ..command(
        "deployment",
        "Create a deployment with the specified name",
        "NAME --image=image -- [COMMAND] [args...]",
        &[PRINT, DRY, VALIDATE, CREATE_DEPLOYMENT],
        deployment,
    )
};

const JOB: Command = command(
    "job",
    "Create a job with the specified name",
    "NAME --image=image [--from=cronjob/name] -- [COMMAND] [args...]",
    &[PRINT, DRY, VALIDATE, CREATE_JOB],
    job,
);

const NAMESPACE: Command = Command {
    aliases: &["ns"],
    ..command(
        "namespace",
        "Create a namespace with the specified name",
        "NAME [--dry-run=server|client|none]",
        &[PRINT, DRY, VALIDATE],
        namespace,
    )
};

const SERVICEACCOUNT: Command = Command {
    aliases: &["sa"],
    ..command(
        "serviceaccount",
        "Create a service account with the specified name",
        "NAME [--dry-run=server|client|none]",
        &[PRINT, DRY, VALIDATE],
        service_account,
    )
};

const SUBCOMMANDS: &[Command] = &[
    CLUSTERROLE,
    CLUSTERROLEBINDING,
    super::create_data::CONFIGMAP,
    CRONJOB,
    DEPLOYMENT,
    INGRESS,
    JOB,
    NAMESPACE,
    PODDISRUPTIONBUDGET,
    PRIORITYCLASS,
    QUOTA,
    ROLE,
    ROLEBINDING,
    super::create_data::SECRET,
    super::create_service::SERVICE,
    SERVICEACCOUNT,
    TOKEN,
];

// The kinds that these make are not in a lab.
const CLUSTERROLE: Command = absent("clusterrole", "Create a cluster role");
const CLUSTERROLEBINDING: Command = absent(
    "clusterrolebinding",
    "Create a cluster role binding for a particular cluster role",
);
const CRONJOB: Command = absent("cronjob", "Create a cron job with the specified name");
const INGRESS: Command = absent("ingress", "Create an ingress with the specified name");
const PODDISRUPTIONBUDGET: Command = absent(
    "poddisruptionbudget",
    "Create a pod disruption budget with the specified name",
);
const PRIORITYCLASS: Command = absent(
    "priorityclass",
    "Create a priority class with the specified name",
);
const QUOTA: Command = absent("quota", "Create a quota with the specified name");
const ROLE: Command = absent("role", "Create a role with single rule");
const ROLEBINDING: Command = absent(
    "rolebinding",
    "Create a role binding for a particular role or cluster role",
);
const TOKEN: Command = absent("token", "Request a service account token");

const CREATE_DEPLOYMENT: &[Flag] = &[
    flag(
        "image",
        List,
        "[]",
        "Image names to run. A deployment can have multiple images set for multiple containers.",
    ),
    flag(
        "port",
        Int,
        "-1",
        "The containerPort that this deployment exposes.",
    ),
    short(
        'r',
        "replicas",
        Int,
        "1",
        "Number of replicas to create. Default is 1.",
    ),
];

const CREATE_JOB: &[Flag] = &[
    flag(
        "from",
        Text,
        "",
        "The name of the resource to create a Job from (only cronjob is supported).",
    ),
    flag("image", Text, "", "Image name to run."),
];

fn create(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    if parsed.given("filename") {
        return super::apply::create(session, parsed);
    }
    if let [_, ..] = &parsed.args[..] {
        let given = parsed.args.join(" ");
        return Err(Fail::usage("create", format!("Unexpected args: [{given}]")));
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
