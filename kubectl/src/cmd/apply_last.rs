//! `kubectl apply view-last-applied` and `set-last-applied`: the annotation in which apply remembers.

use serde_json::{Value, json};

use super::apply::{APPLIED_POINTER, LAST_APPLIED, annotated};
use super::shared::{ALL, DRY, FILES, PRINT, SELECT, command};
use crate::fail::{Fail, Outcome};
use crate::flags::Kind::Bool;
use crate::flags::{Command, Flag, Parsed, flag};
use crate::output;
use crate::select;
use crate::session::{MERGE, Session, with_query};
use crate::text::json::{narrow, pretty, text};
use crate::yaml;

pub(super) const SUBCOMMANDS: &[Command] = &[
    command(
        "set-last-applied",
        &[FILES, PRINT, DRY, SET_FLAGS],
        set_last,
    ),
    command("view-last-applied", &[FILES, PRINT, SELECT, ALL], view_last),
];

const SET_FLAGS: &[Flag] = &[flag("create-annotation", Bool, "false")];

fn view_last(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let json = match parsed.text("output") {
        "" | "yaml" => false,
        "json" => true,
        other => {
            return Err(Fail::usage(
                &parsed.path,
                format!(
                    "Unexpected -o output mode: {other}, the flag 'output' must be one of yaml|json"
                ),
            ));
        }
    };
    if parsed.args.is_empty() && !select::from_files(parsed) {
        return Err(Fail::message(super::delete::NOTHING_NAMED));
    }
    for target in select::fetch(session, parsed, &parsed.args)? {
        let Some(Value::String(last)) = target.object.pointer(APPLIED_POINTER) else {
            // The stock client warns to nobody here.
            continue;
        };
        let value: Value = serde_json::from_str(last)
            .map_err(|error| Fail::message(format!("unable to read {LAST_APPLIED}: {error}")))?;
        let words = if json {
            format!("{}\n", narrow(&pretty(&value)))
        } else {
            yaml::to_string(&value)
        };
        session.out(&words)?;
    }
    Ok(())
}

fn set_last(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    if !select::from_files(parsed) {
        return Err(Fail::message(super::delete::NOTHING_NAMED));
    }
    let mut wanted = Vec::new();
    for manifest in select::manifests(session, parsed)? {
        let current = session.get(&manifest.path())?;
        let (_, configuration) = annotated(&manifest.object);
        let name = manifest.name().to_owned();
        match current.pointer(APPLIED_POINTER).and_then(Value::as_str) {
            None if !parsed.is("create-annotation") => {
                return Err(Fail::message(format!(
                    "no last-applied-configuration annotation found on resource: {name}, to create the annotation, run the command with --create-annotation"
                )));
            }
            Some(last) if last == configuration => {
                session.out(&format!("set-last-applied {name}: no changes required.\n"))?;
            }
            _ => wanted.push((manifest, current, configuration)),
        }
    }
    for (manifest, mut object, configuration) in wanted {
        if parsed.dry_run()? != "client" {
            let mut query = Vec::new();
            if parsed.dry_run()? == "server" {
                query.push(("dryRun", "All"));
            }
            let body = json!({"metadata": {"annotations": {LAST_APPLIED: configuration}}});
            let path = with_query(&manifest.path(), &query);
            object = session.patch(&path, MERGE, body.to_string().into_bytes())?;
        }
        let shown = format!(
            "{}/{}",
            manifest.resource.kind_group(),
            text(&object, "metadata.name")
        );
        output::report(session, parsed, &object, &shown, "configured")?;
    }
    Ok(())
}
