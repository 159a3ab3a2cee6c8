//! `kubectl diff`: the live objects and what `apply` would make of them, compared by `diff`.
//!
//! It compares nothing by itself: `diff -u -N`, or the program named by `KUBECTL_EXTERNAL_DIFF`, does.

use std::io::ErrorKind;

use serde_json::Value;

use super::apply;
use super::shared::{FILES, command};
use crate::fail::{Fail, Outcome, quoted};
use crate::flags::Kind::{Bool, Int, Text};
use crate::flags::{Command, Flag, Parsed, flag};
use crate::select::{self, Manifest};
use crate::session::{Session, with_query};
use crate::text::json::{compact, text};
use crate::yaml;

pub(super) const COMMAND: Command = command("diff", &[FILES, FLAGS], run);

const FLAGS: &[Flag] = &[
    flag("concurrency", Int, "1"),
    flag("field-manager", Text, "kubectl-client-side-apply"),
    flag("server-side", Bool, "false"),
    flag("show-managed-fields", Bool, "false"),
];

/// 1 means that there are differences, so a failure is 2.
const FAILED: i32 = 2;

fn run(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    if !select::from_files(parsed) {
        return Err(failed(Fail::message("must specify one of -f and -k")));
    }
    if parsed.is("server-side") {
        return Err(failed(Fail::not_in_lab("diff --server-side")));
    }
    let folders = Folders::new(session);
    let compared = compare(session, parsed, &folders);
    folders.remove(session);
    match compared {
        Ok(0) => Ok(()),
        Ok(code) => Err(Fail::Exit(code)),
        Err(fail) => Err(failed(fail)),
    }
}

fn failed(fail: Fail) -> Fail {
    Fail::Ended(fail.report().0, FAILED)
}

/// Where the two sides lie while they are compared.
struct Folders {
    live: String,
    merged: String,
}

impl Folders {
    fn new(session: &Session<'_, '_>) -> Self {
        let folder = session.env("TMPDIR").unwrap_or_else(|| "/tmp".to_owned());
        let number = session.now_nanos() % 4_000_000_000;
        Self {
            live: format!("{folder}/LIVE-{number}"),
            merged: format!("{folder}/MERGED-{}", number + 1),
        }
    }

    fn write(&self, session: &mut Session<'_, '_>, name: &str, sides: [&Value; 2]) -> Outcome {
        for (folder, side) in [&self.live, &self.merged].into_iter().zip(sides) {
            if side.is_null() {
                continue;
            }
            let path = format!("{folder}/{name}");
            let content = yaml::to_string(side);
            let written = session.io.files.write(&path, content.as_bytes());
            written.map_err(|error| {
                Fail::message(format!("open {path}: {}", crate::config::reason(&error)))
            })?;
        }
        Ok(())
    }

    /// What cannot be removed stays in the folder for temporary things.
    fn remove(&self, session: &mut Session<'_, '_>) {
        for folder in [&self.live, &self.merged] {
            let names = session.io.files.list_dir(folder).unwrap_or_default();
            for name in names {
                drop(session.io.files.remove(&format!("{folder}/{name}")));
            }
            drop(session.io.files.remove(folder));
        }
    }
}

/// Lays both sides out and compares them; the exit code of the program that did.
fn compare(session: &mut Session<'_, '_>, parsed: &Parsed, folders: &Folders) -> Outcome<i32> {
    let mut any = false;
    for manifest in select::manifests(session, parsed)? {
        let (mut live, mut merged) = sides(session, parsed, &manifest)?;
        if !parsed.is("show-managed-fields") {
            for side in [&mut live, &mut merged] {
                if let Some(Value::Object(metadata)) = side.get_mut("metadata") {
                    metadata.remove("managedFields");
                }
            }
        }
        if manifest.resource.kind == "Secret" {
            mask(&mut live, &mut merged);
        }
        any |= live != merged;
        folders.write(session, &file_name(&manifest), [&live, &merged])?;
    }
    // Nothing has to be asked of a program to know that nothing differs.
    if any { ask(session, folders) } else { Ok(0) }
}

fn ask(session: &mut Session<'_, '_>, folders: &Folders) -> Outcome<i32> {
    let external = session.env("KUBECTL_EXTERNAL_DIFF");
    let both = [folders.live.clone(), folders.merged.clone()];
    let (program, args) = match &external {
        None => {
            let options = ["-u", "-N"].map(str::to_owned);
            ("diff".to_owned(), [&options[..], &both[..]].concat())
        }
        Some(line) => {
            let mut words = line.split_whitespace().map(str::to_owned);
            let program = words.next().unwrap_or_default();
            let plain = |word: &String| {
                let allowed = |c: char| c.is_ascii_alphanumeric() || "-=_".contains(c);
                word.chars().all(allowed)
            };
            let options: Vec<String> = words.filter(plain).collect();
            (program, [&both[..], &options[..]].concat())
        }
    };
    session.program(&program, &args).map_err(|error| {
        let why = match error.kind() {
            ErrorKind::NotFound => "executable file not found in $PATH".to_owned(),
            _ => crate::config::reason(&error).to_owned(),
        };
        Fail::message(format!("failed to run {}: {why}", quoted(&program)))
    })
}

/// The live object, or null, and what applying would make of it.
fn sides(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    manifest: &Manifest,
) -> Outcome<(Value, Value)> {
    let (modified, _) = apply::annotated(&manifest.object);
    let query = [
        ("dryRun", "All"),
        ("fieldManager", parsed.text("field-manager")),
        ("fieldValidation", "Strict"),
    ];
    let live = match session.get(&manifest.path()) {
        Ok(live) => live,
        Err(fail) if fail.is_not_found() => {
            let path = with_query(&manifest.collection(), &query);
            // An object that is not there yet is compared without the annotation, as upstream does.
            let made = session
                .post(&path, &manifest.object)
                .map_err(|fail| fail.when("creating", &manifest.source))?;
            return Ok((Value::Null, made));
        }
        Err(fail) => return Err(fail),
    };
    let (mut patch, kind) = apply::patch_of(manifest, &modified, &live);
    if live.pointer(apply::APPLIED_POINTER).is_none()
        && let Some(annotations) = patch.pointer_mut("/metadata/annotations")
        && let Some(annotations) = annotations.as_object_mut()
    {
        annotations.remove(apply::LAST_APPLIED);
    }
    let path = with_query(&manifest.path(), &query);
    let merged = session
        .patch(&path, kind, compact(&patch).into_bytes())
        .map_err(|fail| fail.when("patching", &manifest.source))?;
    Ok((live, merged))
}

/// `apps.v1.Deployment.default.my-nginx`.
fn file_name(manifest: &Manifest) -> String {
    let resource = &manifest.resource;
    let parts = [
        resource.group.as_str(),
        &resource.version,
        &resource.kind,
        &manifest.namespace,
        manifest.name(),
    ];
    let known: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    known.join(".")
}

/// Hides what Secrets hold; that a value changes stays visible.
fn mask(live: &mut Value, merged: &mut Value) {
    for field in ["data", "stringData"] {
        let before = live.get(field).cloned().unwrap_or_default();
        let after = merged.get(field).cloned().unwrap_or_default();
        for (side, mine, other, word) in [
            (&mut *live, &before, &after, "*** (before)"),
            (&mut *merged, &after, &before, "*** (after)"),
        ] {
            for (key, value) in side
                .get_mut(field)
                .and_then(Value::as_object_mut)
                .into_iter()
                .flatten()
            {
                let changed = !text(other, key).is_empty() && mine[key] != other[key];
                *value = Value::from(if changed { word } else { "***" });
            }
        }
    }
}
