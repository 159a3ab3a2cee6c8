//! `kubectl patch`.

use serde_json::Value;

use super::shared::{DRY, FILES, LOCAL, PRINT, RECORD, command, query, record};
use crate::fail::{Fail, Outcome};
use crate::flags::Kind::Text;
use crate::flags::{Command, Flag, Parsed, flag, short};
use crate::output;
use crate::patching;
use crate::select::{self, Target};
use crate::session::{JSON_PATCH, MERGE, STRATEGIC, Session, with_query};
use crate::yaml;

pub(super) const COMMAND: Command =
    command("patch", &[FILES, PRINT, DRY, LOCAL, FLAGS, RECORD], patch);

const FLAGS: &[Flag] = &[
    short('p', "patch", Text, ""),
    flag("patch-file", Text, ""),
    flag("subresource", Text, ""),
    flag("type", Text, "strategic"),
];

/// `kubectl patch`.
pub(crate) fn patch(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    if parsed.given("patch") && parsed.given("patch-file") {
        return Err(Fail::message(
            "cannot specify --patch and --patch-file together",
        ));
    }
    let given = if parsed.given("patch-file") {
        let path = parsed.text("patch-file");
        let content = session.io.files.read(path).map_err(|error| {
            Fail::message(format!(
                "unable to read patch file: open {path}: {}",
                crate::config::reason(&error)
            ))
        })?;
        String::from_utf8_lossy(&content).into_owned()
    } else {
        parsed.text("patch").to_owned()
    };
    if given.trim().is_empty() {
        return Err(Fail::message(
            "must specify --patch or --patch-file containing the contents of the patch",
        ));
    }
    let kind = match parsed.text("type") {
        "" | "strategic" => STRATEGIC,
        "merge" => MERGE,
        "json" => JSON_PATCH,
        other => {
            return Err(Fail::message(format!(
                "--type must be one of [json merge strategic], not {other:?}"
            )));
        }
    };
    let body = patch_body(&given);
    let mut fails = Vec::new();
    for target in select::fetch_or_local(session, parsed, &parsed.args)? {
        let here = parsed.is("local") || parsed.dry_run()? == "client";
        let patched = if here {
            locally(&target.object, kind, &body)
        } else {
            remotely(session, parsed, &target, kind, &body)
        };
        match patched {
            Ok(object) => {
                if !here {
                    record(session, parsed, &target.path())?;
                }
                let verb = if object == target.object {
                    "patched (no change)"
                } else {
                    "patched"
                };
                // The stock client does not say that it was a dry run.
                let shown = if parsed.text("subresource") == "scale" {
                    format!("scale.autoscaling/{}", target.name)
                } else {
                    target.shown()
                };
                output::report_wet(session, parsed, &object, &shown, verb)?;
            }
            Err(fail) => fails.push(fail),
        }
    }
    Fail::collect(fails)
}

fn remotely(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    target: &Target,
    kind: &str,
    body: &[u8],
) -> Outcome<Value> {
    let subresource = match parsed.text("subresource") {
        "" => String::new(),
        name => format!("/{name}"),
    };
    let path = with_query(
        &format!("{}{subresource}", target.path()),
        &query(parsed, "kubectl-patch")?,
    );
    session
        .patch(&path, kind, body.to_vec())
        .map_err(|fail| fail.about("get", &target.resource, &target.name))
}

/// What the server would make of it, without the server's defaults.
fn locally(object: &Value, kind: &str, body: &[u8]) -> Outcome<Value> {
    let patch: Value = serde_json::from_slice(body)
        .map_err(|_| Fail::message("error decoding patch: invalid JSON"))?;
    match kind {
        JSON_PATCH => patching::json_patch(object, &patch).map_err(Fail::message),
        MERGE => Ok(patching::json_merge(object, &patch)),
        _ => Ok(patching::strategic(object, &patch)),
    }
}

/// The patch as JSON; what is no YAML either goes to the server as it is, whose words explain it.
fn patch_body(text: &str) -> Vec<u8> {
    if serde_json::from_str::<Value>(text).is_ok() {
        return text.as_bytes().to_vec();
    }
    match yaml::documents(text) {
        Ok(documents) if documents.len() == 1 && !text.trim_start().starts_with('{') => {
            documents[0].to_string().into_bytes()
        }
        _ => text.as_bytes().to_vec(),
    }
}
