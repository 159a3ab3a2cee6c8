//! `kubectl rollout history` and `undo`: what a workload was, from its ReplicaSets or its ControllerRevisions.
//!
//! Never remembers anything itself.

use serde_json::{Value, json};

use super::rollout::{REVISION, each, kind_of};
use crate::describe;
use crate::fail::{Fail, Outcome};
use crate::flags::Parsed;
use crate::output::{self, Format};
use crate::select::{self, Target};
use crate::session::{JSON_PATCH, STRATEGIC, Session, with_query};
use crate::text::json::{entries, int, list, text};
use crate::text::tabs::Layout;

/// What a workload was once.
struct Revision {
    number: i64,
    /// The ReplicaSet or the ControllerRevision.
    object: Value,
    /// The workload as it was, as far as its template goes.
    workload: Value,
}

/// What is printed for an object that a failed visitor knows nothing of.
fn unvisited(target: &Target, doing: &str) -> Fail {
    let (group, kind) = (&target.resource.group, &target.resource.kind);
    Fail::message(format!(
        "error retrieving {doing} for \"{}\", no visitor method exists for {{{group} {kind}}}",
        kind_of(target)
    ))
}

/// The revisions, oldest first.
fn revisions(
    session: &mut Session<'_, '_>,
    target: &Target,
    who: &str,
    doing: &str,
) -> Outcome<Vec<Revision>> {
    let plural = match (
        target.resource.group.as_str(),
        target.resource.kind.as_str(),
    ) {
        ("apps", "Deployment") => "replicasets",
        ("apps", "DaemonSet" | "StatefulSet") => "controllerrevisions",
        ("", "Pod" | "ReplicationController") | ("apps", "ReplicaSet") | ("batch", _) => {
            return Err(Fail::message(format!(
                "no {who} has been implemented for \"{}\"",
                kind_of(target)
            )));
        }
        _ => return Err(unvisited(target, doing)),
    };
    let selector = describe::selector_text(&target.object["spec"]["selector"]);
    let path = format!("/apis/apps/v1/namespaces/{}/{plural}", target.namespace);
    let found = session.get(&with_query(&path, &[("labelSelector", &selector)]))?;
    let uid = text(&target.object, "metadata.uid");
    let mut revisions: Vec<Revision> = select::items(&found)
        .into_iter()
        .filter(|object| {
            list(object, "metadata.ownerReferences")
                .iter()
                .any(|owner| text(owner, "uid") == uid)
        })
        .filter_map(|object| revision(target, object))
        .collect();
    revisions.sort_by_key(|revision| revision.number);
    Ok(revisions)
}

fn revision(target: &Target, object: Value) -> Option<Revision> {
    if target.resource.kind == "Deployment" {
        let number = object["metadata"]["annotations"][REVISION].as_str()?;
        return Some(Revision {
            number: number.parse().ok()?,
            workload: object.clone(),
            object,
        });
    }
    let mut workload = target.object.clone();
    let mut template = object["data"]["spec"]["template"].clone();
    template.as_object_mut()?.remove("$patch");
    workload["spec"]["template"] = template;
    Some(Revision {
        number: int(&object, "revision"),
        object,
        workload,
    })
}

/// `kubectl rollout history`.
pub(crate) fn history(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let wanted = parsed.int("revision");
    let format = Format::of(session, parsed, false)?;
    each(session, parsed, |session, target| {
        let revisions = revisions(session, target, "history viewer", "history")?;
        let found = revisions.iter().find(|known| known.number == wanted);
        if !matches!(format, Format::Default) {
            for known in &revisions {
                if wanted == 0 || known.number == wanted {
                    output::print(session, parsed, &format, &known.workload)?;
                }
            }
            return Ok(());
        }
        if wanted > 0 {
            let Some(found) = found else {
                return Err(Fail::message("unable to find the specified revision"));
            };
            let template = describe::template_of(&found.workload);
            return session.out(&format!(
                "{} with revision #{wanted}\n{template}\n",
                target.shown()
            ));
        }
        let mut lines = "REVISION\tCHANGE-CAUSE\n".to_owned();
        for known in &revisions {
            let cause = known.object["metadata"]["annotations"]["kubernetes.io/change-cause"]
                .as_str()
                .unwrap_or("<none>");
            lines.push_str(&format!("{}\t{cause}\n", known.number));
        }
        let table = Layout::describe().format(&lines);
        session.out(&format!("{} \n{table}\n", target.shown()))
    })
}

/// `kubectl rollout undo`.
pub(crate) fn undo(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    each(session, parsed, |session, target| {
        if target.object["metadata"]["annotations"]
            .get(super::apply::LAST_APPLIED)
            .is_some()
        {
            session.warn(&format!(
                "resource {}/{} was previously managed with 'kubectl apply'. Rolling back will not update the kubectl.kubernetes.io/last-applied-configuration annotation, which may cause unexpected behavior on future 'kubectl apply' operations. Consider using 'kubectl apply' with your previous configuration file instead.",
                target.resource.plural, target.name
            ));
        }
        let words = undo_one(session, parsed, target)?;
        if parsed.dry_run()? == "client" && !words.starts_with("skipped") {
            let words = format!("{} {words} (dry run)\n", target.shown());
            return session.out(&words);
        }
        output::report(session, parsed, &target.object, &target.shown(), &words)
    })
}

/// Goes back and says what was done.
fn undo_one(session: &mut Session<'_, '_>, parsed: &Parsed, target: &Target) -> Outcome<String> {
    let deployed = target.resource.kind == "Deployment";
    let revisions = revisions(session, target, "rollbacker", "rollbacker")?;
    if deployed && target.object["spec"]["paused"] == true {
        return Err(Fail::message(
            "you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' and try again",
        ));
    }
    let wanted = parsed.int("to-revision");
    let found = if wanted > 0 {
        revisions
            .iter()
            .find(|known| known.number == wanted)
            .ok_or_else(|| {
                Fail::message(format!(
                    "unable to find specified revision {wanted} in history"
                ))
            })?
    } else {
        match &revisions[..] {
            [.., found, _] => found,
            _ if deployed => {
                return Err(Fail::message(format!(
                    "no rollout history found for deployment \"{}\"",
                    target.name
                )));
            }
            _ => return Err(Fail::message("no last revision to roll back to")),
        }
    };
    let mut template = found.workload["spec"]["template"].clone();
    let client = parsed.dry_run()? == "client";
    if client && deployed {
        return Ok(describe::plain_template_of(&found.workload));
    }
    if let Some(labels) = template["metadata"]["labels"].as_object_mut() {
        labels.remove("pod-template-hash");
    }
    if client {
        return Ok(format!(
            "will roll back to {}",
            describe::template_of(&found.workload)
        ));
    }
    if template == target.object["spec"]["template"] {
        return Ok(format!(
            "skipped rollback (current template already matches revision {})",
            found.number
        ));
    }
    let query: &[(&str, &str)] = if parsed.dry_run()? == "server" {
        &[("dryRun", "All")]
    } else {
        &[]
    };
    let path = with_query(&target.path(), query);
    if deployed {
        let patch = deployment_patch(target, &found.object, &template);
        session.patch(&path, JSON_PATCH, patch.to_string().into_bytes())?;
    } else {
        let patch = found.object["data"].to_string();
        session.patch(&path, STRATEGIC, patch.into_bytes())?;
    }
    Ok("rolled back".to_owned())
}

/// The deployment keeps its own bookkeeping and takes every other annotation from the old ReplicaSet.
fn deployment_patch(target: &Target, set: &Value, template: &Value) -> Value {
    let own = [
        "kubectl.kubernetes.io/last-applied-configuration",
        REVISION,
        "deployment.kubernetes.io/revision-history",
        "deployment.kubernetes.io/desired-replicas",
        "deployment.kubernetes.io/max-replicas",
        "deprecated.deployment.rollback.to",
    ];
    let kept = entries(&target.object, "metadata.annotations").into_iter();
    let kept = kept.filter(|(key, _)| own.contains(key));
    let taken = entries(set, "metadata.annotations").into_iter();
    let taken = taken.filter(|(key, _)| !own.contains(key));
    let annotations: serde_json::Map<String, Value> = kept
        .chain(taken)
        .map(|(key, value)| (key.to_owned(), value.clone()))
        .collect();
    json!([
        {"op": "replace", "path": "/spec/template", "value": template},
        {"op": "replace", "path": "/metadata/annotations", "value": annotations},
    ])
}
