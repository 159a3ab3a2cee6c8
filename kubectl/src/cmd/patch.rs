//! `kubectl patch`.

use serde_json::Value;

use super::shared::{DRY, FILES, PRINT, command, query};
use crate::fail::{Fail, Outcome};
use crate::flags::Kind::Text;
use crate::flags::{Command, Flag, Parsed, flag, short};
use crate::output;
use crate::select::{self};
use crate::session::{JSON_PATCH, MERGE, STRATEGIC, Session, with_query};
use crate::yaml;

pub(super) const COMMAND: Command = command(
    "patch",
    "Update fields of a resource",
    "(-f FILENAME | TYPE NAME) [-p PATCH|--patch-file FILE]",
    &[FILES, PRINT, DRY, FLAGS],
    patch,
);

const FLAGS: &[Flag] = &[
    short(
        'p',
        "patch",
        Text,
        "",
        "The patch to be applied to the resource JSON file.",
    ),
    flag(
        "patch-file",
        Text,
        "",
        "A file containing a patch to be applied to the resource.",
    ),
    flag(
        "subresource",
        Text,
        "",
        "If specified, patch will operate on the subresource of the requested object.",
    ),
    flag(
        "type",
        Text,
        "strategic",
        "The type of patch being provided; one of [json merge strategic]",
    ),
];

/// `kubectl patch`.
pub(crate) fn patch(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
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
        return Err(Fail::usage(
            "patch",
            "must specify --patch or --patch-file containing the contents of the patch",
        ));
    }
    let kind = match parsed.text("type") {
        "" | "strategic" => STRATEGIC,
        "merge" => MERGE,
        "json" => JSON_PATCH,
        other => {
            return Err(Fail::usage(
                "patch",
                format!("--type must be one of [json merge strategic], not {other:?}"),
            ));
        }
    };
    let body = patch_body(&given);
    let mut fails = Vec::new();
    for target in select::fetch(session, parsed, &parsed.args)? {
        if parsed.dry_run()? == "client" {
            return Err(Fail::not_in_lab("patch --dry-run=client"));
        }
        let subresource = match parsed.text("subresource") {
            "" => String::new(),
            name => format!("/{name}"),
        };
        let path = with_query(
            &format!("{}{subresource}", target.path()),
            &query(parsed, "kubectl-patch")?,
        );
        match session.patch(&path, kind, body.clone()) {
            Ok(object) => {
                let changed = object != target.object;
                let verb = if changed {
                    "patched"
                } else {
                    "patched (no change)"
                };
                output::report(session, parsed, &object, &target.shown(), verb)?;
            }
            Err(fail) => fails.push(fail),
        }
    }
    Fail::collect(fails)
}

/// The patch as JSON; what is no YAML either goes to the server as it is, whose words explain it.
fn patch_body(text: &str) -> Vec<u8> {
    if serde_json::from_str::<Value>(text).is_ok() {
        return text.as_bytes().to_vec();
    }
    match yaml::documents(text) {
        Ok(documents)
            if documents.len() == 1
                && documents[0].is_object()
                && !text.trim_start().starts_with('{') =>
        {
            documents[0].to_string().into_bytes()
        }
        _ => text.as_bytes().to_vec(),
    }
}
