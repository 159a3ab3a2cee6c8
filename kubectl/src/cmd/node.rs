//! `kubectl cordon`, `uncordon`, `taint`: what is done to nodes.

use serde_json::{Value, json};

use super::shared::{ALL, DRY, OVERWRITE, PRINT, SELECT, command, is_update, query};
use crate::fail::{Fail, Outcome};
use crate::flags::{Command, Parsed};
use crate::output::{self, dry_suffix};
use crate::select::{self, Target};
use crate::session::{STRATEGIC, Session, with_query};
use crate::text::json::list;

pub(super) const CORDON: Command = command("cordon", &[DRY, SELECT], cordon);

pub(super) const UNCORDON: Command = command("uncordon", &[DRY, SELECT], uncordon);

pub(super) const TAINT: Command = command("taint", &[PRINT, DRY, SELECT, ALL, OVERWRITE], taint);

pub(crate) fn cordon(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    unschedulable(session, parsed, true)
}

pub(crate) fn uncordon(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    unschedulable(session, parsed, false)
}

fn unschedulable(session: &mut Session<'_, '_>, parsed: &Parsed, wanted: bool) -> Outcome {
    for target in nodes(session, parsed)? {
        mark(session, parsed, &target, wanted)?;
    }
    Ok(())
}

/// The nodes that a command names or selects.
pub(super) fn nodes(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome<Vec<Target>> {
    if parsed.args.is_empty() && parsed.text("selector").is_empty() {
        return Err(Fail::usage(
            &parsed.path,
            format!("USAGE: {} NODE [flags]", parsed.path),
        ));
    }
    if parsed.args.iter().any(|arg| arg.contains('/')) {
        return select::fetch(session, parsed, &parsed.args);
    }
    let args = [&["node".to_owned()], &parsed.args[..]].concat();
    select::fetch(session, parsed, &args)
}

/// Makes a node schedulable or not, and says so.
pub(super) fn mark(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    target: &Target,
    wanted: bool,
) -> Outcome {
    let verb = if wanted { "cordoned" } else { "uncordoned" };
    let dry_run = parsed.dry_run()?;
    let suffix = dry_suffix(dry_run);
    if (target.object["spec"]["unschedulable"] == true) == wanted {
        return session.out(&format!("{} already {verb}{suffix}\n", target.shown()));
    }
    if dry_run != "client" {
        let value = if wanted { json!(true) } else { Value::Null };
        let body = json!({"spec": {"unschedulable": value}});
        session.patch(
            &with_query(&target.path(), &query(parsed, "kubectl-cordon")?),
            STRATEGIC,
            body.to_string().into_bytes(),
        )?;
    }
    session.out(&format!("{} {verb}{suffix}\n", target.shown()))
}

/// `kubectl taint nodes NAME KEY=VALUE:EFFECT…`.
pub(crate) fn taint(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let split = parsed
        .args
        .iter()
        .position(|arg| arg.contains(':') || is_update(arg))
        .unwrap_or(parsed.args.len());
    let (who, updates) = parsed.args.split_at(split);
    if updates.is_empty() {
        return Err(Fail::message("at least one taint update is required"));
    }
    let removed_whole = updates
        .iter()
        .filter_map(|update| update.strip_suffix('-'))
        .find(|key| {
            let start = [format!("{key}="), format!("{key}:")];
            updates
                .iter()
                .filter(|update| !update.ends_with('-'))
                .any(|update| start.iter().any(|start| update.starts_with(start)))
        });
    if let Some(key) = removed_whole {
        return Err(Fail::message(format!(
            "can not both modify and remove the following taint(s) in the same command: {key}="
        )));
    }
    for target in select::fetch(session, parsed, who)? {
        if target.resource.kind != "Node" {
            return Err(Fail::message(format!(
                "invalid resource type {}, only node types are supported",
                target.resource.plural
            )));
        }
        let mut taints = list(&target.object, "spec.taints").to_vec();
        let (mut removed, mut added, mut replaced) = (false, false, false);
        for update in updates {
            if let Some(gone) = update.strip_suffix('-') {
                let (key, effect) = gone.split_once(':').unwrap_or((gone, ""));
                let before = taints.len();
                taints.retain(|taint| {
                    taint["key"] != key || (!effect.is_empty() && taint["effect"] != effect)
                });
                if taints.len() == before {
                    return Err(Fail::message(format!("taint \"{gone}\" not found")));
                }
                removed = true;
            } else {
                let (pair, effect) = update.rsplit_once(':').unwrap_or((update, ""));
                if !["NoSchedule", "PreferNoSchedule", "NoExecute"].contains(&effect) {
                    let why = if effect.is_empty() {
                        format!("invalid taint spec: {update}")
                    } else {
                        format!("invalid taint effect: {effect}, unsupported taint effect")
                    };
                    return Err(Fail::usage("taint", why));
                }
                let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
                let same = |taint: &Value| taint["key"] == key && taint["effect"] == effect;
                if taints.iter().any(same) && !parsed.is("overwrite") {
                    return Err(Fail::message(format!(
                        "node {} already has {key} taint(s) with same effect(s) and --overwrite is false",
                        target.name
                    )));
                }
                let before = taints.len();
                taints.retain(|taint| !same(taint));
                (added, replaced) = (true, replaced || taints.len() != before);
                let mut taint = json!({"key": key, "effect": effect});
                if !value.is_empty() {
                    taint["value"] = json!(value);
                }
                taints.push(taint);
            }
        }
        let body = json!({"spec": {"taints": if taints.is_empty() { Value::Null } else { json!(taints) }}});
        let path = with_query(&target.path(), &query(parsed, "kubectl-taint")?);
        let object = if parsed.dry_run()? == "client" {
            let mut object = target.object.clone();
            object["spec"]["taints"] = body["spec"]["taints"].clone();
            object
        } else {
            session.patch(&path, STRATEGIC, body.to_string().into_bytes())?
        };
        output::report(
            session,
            parsed,
            &object,
            &target.shown(),
            match (added, removed, replaced) {
                (true, false, false) => "tainted",
                (false, _, _) => "untainted",
                _ => "modified",
            },
        )?;
    }
    Ok(())
}
