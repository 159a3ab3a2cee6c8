//! `kubectl rollout`: status, history, undo, restart, pause, resume.

use serde_json::{Value, json};

use super::shared::{DRY, FILES, PRINT, SELECT, command, family};
use crate::describe;
use crate::fail::{Fail, Outcome};
use crate::flags::Kind::{Bool, Duration, Int};
use crate::flags::{Command, Flag, Parsed, flag, short};
use crate::output;
use crate::select::{self, Target};
use crate::session::{JSON, JSON_PATCH, Next, STRATEGIC, Session, with_query};
use crate::text::json::{at, bare, entries, int, list, text};
use crate::text::tabs::Layout;
use crate::text::time;

pub(super) const COMMAND: Command = family("rollout", &[], SUBCOMMANDS);

const HISTORY: Command = command("history", &[FILES, PRINT, REVISION_FLAGS, SELECT], history);

const PAUSE: Command = command("pause", &[FILES, PRINT, DRY, SELECT], pause);

const RESTART: Command = command("restart", &[FILES, PRINT, DRY, SELECT], restart);

const RESUME: Command = command("resume", &[FILES, PRINT, DRY, SELECT], resume);

const STATUS: Command = command(
    "status",
    &[FILES, REVISION_FLAGS, STATUS_FLAGS, SELECT],
    status,
);

const UNDO: Command = command("undo", &[FILES, PRINT, DRY, UNDO_FLAGS, SELECT], undo);

const SUBCOMMANDS: &[Command] = &[HISTORY, PAUSE, RESTART, RESUME, STATUS, UNDO];

const REVISION_FLAGS: &[Flag] = &[flag("revision", Int, "0")];

const STATUS_FLAGS: &[Flag] = &[
    flag("timeout", Duration, "0s"),
    short('w', "watch", Bool, "true"),
];

const UNDO_FLAGS: &[Flag] = &[flag("to-revision", Int, "0")];

const REVISION: &str = "deployment.kubernetes.io/revision";

fn targets(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome<Vec<Target>> {
    if parsed.args.is_empty() && !select::from_files(parsed) {
        return Err(Fail::usage(&parsed.path, "required resource not specified"));
    }
    select::fetch(session, parsed, &parsed.args)
}

/// `kubectl rollout status`.
pub(crate) fn status(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let timeout = parsed.duration("timeout");
    let deadline = (timeout > 0).then(|| session.now_nanos() + timeout.unsigned_abs());
    let watch = !parsed.given("watch") || parsed.is("watch");
    for target in targets(session, parsed)? {
        follow(session, &target, parsed.int("revision"), watch, deadline)?;
    }
    Ok(())
}

fn follow(
    session: &mut Session<'_, '_>,
    target: &Target,
    revision: i64,
    watch: bool,
    deadline: Option<u64>,
) -> Outcome {
    let collection = target.resource.path(&target.namespace, "");
    let selector = format!("metadata.name={}", target.name);
    loop {
        let found = session.get(&with_query(&collection, &[("fieldSelector", &selector)]))?;
        let Some(object) = list(&found, "items").first() else {
            return Err(Fail::message("object has been deleted"));
        };
        if progress(
            session,
            &target.resource.kind,
            &target.resource.plural_group(),
            object,
            revision,
        )? || !watch
        {
            return Ok(());
        }
        let version = text(&found, "metadata.resourceVersion");
        let query = [
            ("allowWatchBookmarks", "true"),
            ("fieldSelector", selector.as_str()),
            ("resourceVersion", version),
            ("watch", "true"),
        ];
        let mut stream = session.stream(&with_query(&collection, &query), JSON)?;
        loop {
            match stream.event(session, deadline) {
                Next::Some(event) if event["type"] == "DELETED" => {
                    return Err(Fail::message("object has been deleted"));
                }
                Next::Some(event) if event["type"] == "ERROR" => break,
                Next::Some(event) if event["type"] == "BOOKMARK" => {}
                Next::Some(event) => {
                    if progress(
                        session,
                        &target.resource.kind,
                        &target.resource.plural_group(),
                        &event["object"],
                        revision,
                    )? {
                        return Ok(());
                    }
                }
                Next::End => break,
                Next::TimedOut => return Err(Fail::message("timed out waiting for the condition")),
            }
        }
    }
}

/// Prints one line about an object and says whether its rollout is done.
fn progress(
    session: &mut Session<'_, '_>,
    kind: &str,
    plural: &str,
    object: &Value,
    revision: i64,
) -> Outcome<bool> {
    let (line, done) = match kind {
        "Deployment" => deployment_progress(object, revision)?,
        "DaemonSet" => daemon_progress(object),
        "StatefulSet" => stateful_progress(object),
        _ => {
            return Err(Fail::message(format!(
                "no status viewer has been implemented for {plural}"
            )));
        }
    };
    session.out(&line)?;
    Ok(done)
}

fn deployment_progress(object: &Value, revision: i64) -> Outcome<(String, bool)> {
    let name = text(object, "metadata.name");
    if revision > 0 {
        let current: i64 = object["metadata"]["annotations"][REVISION]
            .as_str()
            .and_then(|text| text.parse().ok())
            .unwrap_or(0);
        if current != revision {
            return Err(Fail::message(format!(
                "desired revision ({revision}) is different from the running revision ({current})"
            )));
        }
    }
    if int(object, "metadata.generation") > int(object, "status.observedGeneration") {
        return Ok((
            "Waiting for deployment spec update to be observed...\n".to_owned(),
            false,
        ));
    }
    let progressing = list(object, "status.conditions")
        .iter()
        .find(|condition| condition["type"] == "Progressing");
    if progressing.is_some_and(|condition| condition["reason"] == "ProgressDeadlineExceeded") {
        return Err(Fail::message(format!(
            "deployment \"{name}\" exceeded its progress deadline"
        )));
    }
    let wanted = at(object, "spec.replicas").as_i64().unwrap_or(1);
    let (updated, all, available) = (
        int(object, "status.updatedReplicas"),
        int(object, "status.replicas"),
        int(object, "status.availableReplicas"),
    );
    let waiting = |what: String| {
        (
            format!("Waiting for deployment \"{name}\" rollout to finish: {what}...\n"),
            false,
        )
    };
    Ok(if updated < wanted {
        waiting(format!(
            "{updated} out of {wanted} new replicas have been updated"
        ))
    } else if all > updated {
        waiting(format!(
            "{} old replicas are pending termination",
            all - updated
        ))
    } else if available < updated {
        waiting(format!(
            "{available} of {updated} updated replicas are available"
        ))
    } else {
        (
            format!("deployment \"{name}\" successfully rolled out\n"),
            true,
        )
    })
}

fn daemon_progress(object: &Value) -> (String, bool) {
    let name = text(object, "metadata.name");
    if int(object, "metadata.generation") > int(object, "status.observedGeneration") {
        return (
            "Waiting for daemon set spec update to be observed...\n".to_owned(),
            false,
        );
    }
    let wanted = int(object, "status.desiredNumberScheduled");
    let (updated, available) = (
        int(object, "status.updatedNumberScheduled"),
        int(object, "status.numberAvailable"),
    );
    if updated < wanted {
        let line = format!(
            "Waiting for daemon set \"{name}\" rollout to finish: {updated} out of {wanted} new pods have been updated...\n"
        );
        (line, false)
    } else if available < wanted {
        (
            format!(
                "Waiting for daemon set \"{name}\" rollout to finish: {available} of {wanted} updated pods are available...\n"
            ),
            false,
        )
    } else {
        (
            format!("daemon set \"{name}\" successfully rolled out\n"),
            true,
        )
    }
}

fn stateful_progress(object: &Value) -> (String, bool) {
    let wanted = at(object, "spec.replicas").as_i64().unwrap_or(1);
    let observed = int(object, "status.observedGeneration");
    if observed == 0 || int(object, "metadata.generation") > observed {
        return (
            "Waiting for statefulset spec update to be observed...\n".to_owned(),
            false,
        );
    }
    let ready = int(object, "status.readyReplicas");
    if ready < wanted {
        return (
            format!("Waiting for {} pods to be ready...\n", wanted - ready),
            false,
        );
    }
    let updated = int(object, "status.updatedReplicas");
    if let Some(partition) = at(object, "spec.updateStrategy.rollingUpdate.partition").as_i64()
        && text(object, "spec.updateStrategy.type") == "RollingUpdate"
    {
        if updated < wanted - partition {
            let line = format!(
                "Waiting for partitioned roll out to finish: {updated} out of {} new pods have been updated...\n",
                wanted - partition
            );
            return (line, false);
        }
        return (
            format!("partitioned roll out complete: {updated} new pods have been updated...\n"),
            true,
        );
    }
    let (old, new) = (
        text(object, "status.currentRevision"),
        text(object, "status.updateRevision"),
    );
    if old != new {
        return (
            format!(
                "waiting for statefulset rolling update to complete {updated} pods at revision {new}...\n"
            ),
            false,
        );
    }
    (
        format!(
            "statefulset rolling update complete {} pods at revision {old}...\n",
            int(object, "status.currentReplicas")
        ),
        true,
    )
}

/// The revisions of a deployment: number and ReplicaSet, oldest first.
fn revisions(session: &mut Session<'_, '_>, target: &Target) -> Outcome<Vec<(i64, Value)>> {
    let selector = describe::selector_text(&target.object["spec"]["selector"]);
    let path = format!("/apis/apps/v1/namespaces/{}/replicasets", target.namespace);
    let found = session.get(&with_query(&path, &[("labelSelector", &selector)]))?;
    let uid = text(&target.object, "metadata.uid");
    let mut revisions: Vec<(i64, Value)> = select::items(&found)
        .into_iter()
        .filter(|set| {
            list(set, "metadata.ownerReferences")
                .iter()
                .any(|owner| text(owner, "uid") == uid)
        })
        .filter_map(|set| {
            Some((
                set["metadata"]["annotations"][REVISION]
                    .as_str()?
                    .parse()
                    .ok()?,
                set,
            ))
        })
        .collect();
    revisions.sort_by_key(|(number, _)| *number);
    Ok(revisions)
}

fn only_deployments(target: &Target, what: &str) -> Outcome {
    if target.resource.kind == "Deployment" {
        return Ok(());
    }
    Err(Fail::not_in_lab(&format!(
        "rollout {what} of {}",
        target.resource.plural
    )))
}

/// `kubectl rollout history`.
pub(crate) fn history(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    for target in targets(session, parsed)? {
        only_deployments(&target, "history")?;
        let revisions = revisions(session, &target)?;
        let wanted = parsed.int("revision");
        if wanted > 0 {
            let Some((_, set)) = revisions.iter().find(|(number, _)| *number == wanted) else {
                return Err(Fail::message("unable to find the specified revision"));
            };
            let template = describe::template_of(set);
            session.out(&format!(
                "{} with revision #{wanted}\n{template}\n",
                target.shown()
            ))?;
            continue;
        }
        let mut lines = "REVISION\tCHANGE-CAUSE\n".to_owned();
        for (number, set) in &revisions {
            let cause = set["metadata"]["annotations"]["kubernetes.io/change-cause"]
                .as_str()
                .unwrap_or("<none>");
            lines.push_str(&format!("{number}\t{cause}\n"));
        }
        let table = Layout::describe().format(&lines);
        session.out(&format!("{} \n{table}\n", target.shown()))?;
    }
    Ok(())
}

/// `kubectl rollout undo`.
pub(crate) fn undo(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    for target in targets(session, parsed)? {
        only_deployments(&target, "undo")?;
        if target.object["spec"]["paused"] == true {
            return Err(Fail::message(format!(
                "you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume {}' and try again",
                target.shown()
            )));
        }
        let revisions = revisions(session, &target)?;
        let wanted = parsed.int("to-revision");
        let set = if wanted > 0 {
            revisions
                .iter()
                .find(|(number, _)| *number == wanted)
                .map(|(_, set)| set)
                .ok_or_else(|| {
                    Fail::message(format!(
                        "unable to find specified revision {wanted} in history"
                    ))
                })?
        } else {
            let [.., (_, set), _] = &revisions[..] else {
                return Err(Fail::message(format!(
                    "no rollout history found for deployment \"{}\"",
                    target.name
                )));
            };
            set
        };
        let mut template = set["spec"]["template"].clone();
        if let Some(labels) = template["metadata"]["labels"].as_object_mut() {
            labels.remove("pod-template-hash");
        }
        if template == target.object["spec"]["template"] {
            let verb =
                format!("skipped rollback (current template already matches revision {wanted})");
            session.out(&format!("{} {verb}\n", target.shown()))?;
            continue;
        }
        if parsed.dry_run()? != "client" {
            roll_back(session, parsed, &target, set, &template)?;
        }
        output::report(
            session,
            parsed,
            &target.object,
            &target.shown(),
            "rolled back",
        )?;
    }
    Ok(())
}

fn roll_back(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    target: &Target,
    set: &Value,
    template: &Value,
) -> Outcome {
    // The deployment keeps its own bookkeeping and takes every other annotation from the old ReplicaSet.
    let own = [
        "kubectl.kubernetes.io/last-applied-configuration",
        REVISION,
        "deployment.kubernetes.io/revision-history",
        "deployment.kubernetes.io/desired-replicas",
        "deployment.kubernetes.io/max-replicas",
        "deprecated.deployment.rollback.to",
    ];
    let mut annotations = serde_json::Map::new();
    for (key, value) in entries(&target.object, "metadata.annotations") {
        if own.contains(&key) {
            annotations.insert(key.to_owned(), value.clone());
        }
    }
    for (key, value) in entries(set, "metadata.annotations") {
        if !own.contains(&key) {
            annotations.insert(key.to_owned(), value.clone());
        }
    }
    let patch = json!([
        {"op": "replace", "path": "/spec/template", "value": template},
        {"op": "replace", "path": "/metadata/annotations", "value": annotations},
    ]);
    let query: &[(&str, &str)] = if parsed.dry_run()? == "server" {
        &[("dryRun", "All")]
    } else {
        &[]
    };
    session.patch(
        &with_query(&target.path(), query),
        JSON_PATCH,
        patch.to_string().into_bytes(),
    )?;
    Ok(())
}

/// `kubectl rollout restart`.
pub(crate) fn restart(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    for target in targets(session, parsed)? {
        if target.object["spec"]["paused"] == true {
            return Err(Fail::message(format!(
                "{} \"{}\" can't restart paused deployment (run rollout resume first)",
                target.resource.plural_group(),
                target.name
            )));
        }
        if !["Deployment", "DaemonSet", "StatefulSet"].contains(&target.resource.kind.as_str()) {
            return Err(Fail::message(format!(
                "{} \"{}\" restarting is not supported",
                target.resource.plural_group(),
                target.name
            )));
        }
        let now = time::rfc3339(session.now());
        let body = json!({"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": now}}}}});
        change(session, &target, &body)?;
        output::report(
            session,
            parsed,
            &target.object,
            &target.shown(),
            "restarted",
        )?;
    }
    Ok(())
}

fn change(session: &mut Session<'_, '_>, target: &Target, body: &Value) -> Outcome {
    let path = with_query(&target.path(), &[("fieldManager", "kubectl-rollout")]);
    session
        .patch(&path, STRATEGIC, body.to_string().into_bytes())
        .map(drop)
}

pub(crate) fn pause(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    set_paused(session, parsed, true)
}

pub(crate) fn resume(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    set_paused(session, parsed, false)
}

fn set_paused(session: &mut Session<'_, '_>, parsed: &Parsed, wanted: bool) -> Outcome {
    for target in targets(session, parsed)? {
        let (verb, state) = if wanted {
            ("paused", "already paused")
        } else {
            ("resumed", "not paused")
        };
        if (target.object["spec"]["paused"] == true) == wanted {
            return Err(Fail::message(format!(
                "{} \"{}\" is {state}",
                target.resource.plural_group(),
                bare(&target.object["metadata"]["name"])
            )));
        }
        let value = if wanted { json!(true) } else { Value::Null };
        change(session, &target, &json!({"spec": {"paused": value}}))?;
        output::report(session, parsed, &target.object, &target.shown(), verb)?;
    }
    Ok(())
}
