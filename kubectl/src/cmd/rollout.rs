//! `kubectl rollout`: status, restart, pause, resume; what was before is in `rollout_history`.

use serde_json::{Value, json};

use super::shared::{DRY, FILES, PRINT, SELECT, command, family};
use crate::fail::{Fail, Outcome};
use crate::flags::Kind::{Bool, Duration, Int};
use crate::flags::{Command, Flag, Parsed, flag, short};
use crate::output;
use crate::select::{self, Target};
use crate::session::{JSON, Next, STRATEGIC, Session, with_query};
use crate::text::json::{at, int, list, text};
use crate::text::time;

pub(super) const COMMAND: Command = family("rollout", &[], SUBCOMMANDS);

const HISTORY: Command = command(
    "history",
    &[FILES, PRINT, REVISION_FLAGS, SELECT],
    super::rollout_history::history,
);

const PAUSE: Command = command("pause", &[FILES, PRINT, DRY, SELECT], pause);

const RESTART: Command = command("restart", &[FILES, PRINT, DRY, SELECT], restart);

const RESUME: Command = command("resume", &[FILES, PRINT, DRY, SELECT], resume);

const STATUS: Command = command(
    "status",
    &[FILES, REVISION_FLAGS, STATUS_FLAGS, SELECT],
    status,
);

const UNDO: Command = command(
    "undo",
    &[FILES, PRINT, DRY, UNDO_FLAGS, SELECT],
    super::rollout_history::undo,
);

const SUBCOMMANDS: &[Command] = &[HISTORY, PAUSE, RESTART, RESUME, STATUS, UNDO];

const REVISION_FLAGS: &[Flag] = &[flag("revision", Int, "0")];

const STATUS_FLAGS: &[Flag] = &[
    flag("timeout", Duration, "0s"),
    short('w', "watch", Bool, "true"),
];

const UNDO_FLAGS: &[Flag] = &[flag("to-revision", Int, "0")];

pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";

/// What is named; a type alone means all its objects.
pub(super) fn targets(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome<Vec<Target>> {
    if parsed.args.is_empty() && !select::from_files(parsed) {
        return Err(Fail::message("required resource not specified"));
    }
    select::fetch_or_all(session, parsed, &parsed.args, true)
}

/// Does the same to each, and fails in the end for those that failed.
pub(super) fn each(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    mut what: impl FnMut(&mut Session<'_, '_>, &Target) -> Outcome,
) -> Outcome {
    let mut fails = Vec::new();
    for target in targets(session, parsed)? {
        if let Err(fail) = what(session, &target) {
            fails.push(fail);
        }
    }
    Fail::collect(fails)
}

/// `Service`, or `Job.batch`.
pub(super) fn kind_of(target: &Target) -> String {
    match target.resource.group.as_str() {
        "" => target.resource.kind.clone(),
        group => format!("{}.{group}", target.resource.kind),
    }
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
        if progress(session, target, object, revision)? || !watch {
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
                    if progress(session, target, &event["object"], revision)? {
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
    target: &Target,
    object: &Value,
    revision: i64,
) -> Outcome<bool> {
    let (line, done) = match target.resource.kind.as_str() {
        "Deployment" => deployment_progress(object, revision)?,
        "DaemonSet" => daemon_progress(object),
        "StatefulSet" => stateful_progress(object),
        _ => {
            return Err(Fail::message(format!(
                "no status viewer has been implemented for {}",
                kind_of(target)
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

/// `kubectl rollout restart`.
pub(crate) fn restart(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    each(session, parsed, |session, target| {
        let shown = format!("{} \"{}\"", target.resource.plural_group(), target.name);
        if target.object["spec"]["paused"] == true {
            return Err(Fail::message(format!(
                "{shown} can't restart paused deployment (run rollout resume first)"
            )));
        }
        if !["Deployment", "DaemonSet", "StatefulSet"].contains(&target.resource.kind.as_str()) {
            return Err(Fail::message(format!(
                "{shown} restarting is not supported"
            )));
        }
        let now = time::rfc3339(session.now());
        let before = &target.object["spec"]["template"]["metadata"]["annotations"][RESTARTED];
        if *before == json!(now) {
            return Err(Fail::message(format!(
                "failed to create patch for {}: if restart has already been triggered within the past second, please wait before attempting to trigger another",
                target.name
            )));
        }
        let body = json!({"spec": {"template": {"metadata": {"annotations": {RESTARTED: now}}}}});
        change(session, target, &body)?;
        output::report(
            session,
            parsed,
            &target.object,
            &target.shown(),
            "restarted",
        )
    })
}

const RESTARTED: &str = "kubectl.kubernetes.io/restartedAt";

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
    let (verb, doing, state) = if wanted {
        ("paused", "pausing", "already paused")
    } else {
        ("resumed", "resuming", "not paused")
    };
    each(session, parsed, |session, target| {
        let shown = format!("{} \"{}\"", target.resource.plural_group(), target.name);
        if target.resource.kind != "Deployment" {
            return Err(Fail::message(format!("{shown} {doing} is not supported")));
        }
        if (target.object["spec"]["paused"] == true) == wanted {
            return Err(Fail::message(format!("{shown} is {state}")));
        }
        let value = if wanted { json!(true) } else { Value::Null };
        change(session, target, &json!({"spec": {"paused": value}}))?;
        output::report(session, parsed, &target.object, &target.shown(), verb)
    })
}
