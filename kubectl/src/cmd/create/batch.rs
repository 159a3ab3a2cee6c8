//! `kubectl create job` and `cronjob`. Never runs anything: the controllers do.

use serde_json::{Value, json};

use super::super::shared::{DRY, PRINT, VALIDATE, command};
use super::{name, required_all, submit};
use crate::fail::{Fail, Outcome};
use crate::flags::Kind::Text;
use crate::flags::{Command, Flag, Parsed, flag};
use crate::select;
use crate::session::Session;
use crate::text::json::text;

pub(super) const JOB: Command = command("job", &[PRINT, DRY, VALIDATE, JOB_FLAGS], job);

pub(super) const CRONJOB: Command = Command {
    aliases: &["cj"],
    ..command("cronjob", &[PRINT, DRY, VALIDATE, CRONJOB_FLAGS], cron_job)
};

const JOB_FLAGS: &[Flag] = &[flag("from", Text, ""), flag("image", Text, "")];

const CRONJOB_FLAGS: &[Flag] = &[
    flag("image", Text, ""),
    flag("restart", Text, ""),
    flag("schedule", Text, ""),
];

fn template(parsed: &Parsed, name: &str, restart: &str) -> Value {
    let mut container = json!({"image": parsed.text("image"), "name": name, "resources": {}});
    if !parsed.after_dash().is_empty() {
        container["command"] = json!(parsed.after_dash());
    }
    json!({"metadata": {}, "spec": {"containers": [container], "restartPolicy": restart}})
}

fn job(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let name = name(parsed)?.to_owned();
    let (image, from) = (parsed.text("image"), parsed.text("from"));
    if image.is_empty() == from.is_empty() {
        return Err(Fail::message("either --image or --from must be specified"));
    }
    if !from.is_empty() {
        if !parsed.after_dash().is_empty() {
            return Err(Fail::message("cannot specify --from and command"));
        }
        return from_cron_job(session, parsed, &name);
    }
    let object = json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"template": template(parsed, &name, "Never")},
        "status": {},
    });
    submit(session, parsed, object, "failed to create job: ")
}

fn from_cron_job(session: &mut Session<'_, '_>, parsed: &Parsed, name: &str) -> Outcome {
    let (resource, source) = select::one(session, &[parsed.text("from").to_owned()], "")?;
    let namespace = session.namespace()?;
    let owner = session.get(&resource.path(&namespace, &source))?;
    if resource.kind != "CronJob" {
        return Err(Fail::message(format!(
            "unknown object type *v1.{}",
            resource.kind
        )));
    }
    let job_template = &owner["spec"]["jobTemplate"];
    let mut annotations = json!({"cronjob.kubernetes.io/instantiate": "manual"});
    for (key, value) in job_template["metadata"]["annotations"]
        .as_object()
        .into_iter()
        .flatten()
    {
        annotations[key] = value.clone();
    }
    let mut object = json!({
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "annotations": annotations,
            "name": name,
            "ownerReferences": [{
                "apiVersion": "batch/v1",
                "controller": true,
                "kind": "CronJob",
                "name": text(&owner, "metadata.name"),
                "uid": text(&owner, "metadata.uid"),
            }],
        },
        "spec": job_template["spec"].clone(),
        "status": {},
    });
    if job_template["metadata"]["labels"].is_object() {
        object["metadata"]["labels"] = job_template["metadata"]["labels"].clone();
    }
    submit(session, parsed, object, "failed to create job: ")
}

fn cron_job(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    required_all(parsed, &["image", "schedule"])?;
    let name = name(parsed)?;
    let restart = match parsed.text("restart") {
        "" => "OnFailure",
        restart => restart,
    };
    let object = json!({
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": name},
        "spec": {
            "jobTemplate": {
                "metadata": {"name": name},
                "spec": {"template": template(parsed, name, restart)},
            },
            "schedule": parsed.text("schedule"),
        },
        "status": {},
    });
    submit(session, parsed, object, "failed to create cronjob: ")
}
