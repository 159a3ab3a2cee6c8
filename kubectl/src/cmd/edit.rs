//! `kubectl edit`: objects as text in an editor, and the difference to the server as a patch.
//!
//! ```text
//!            ┌──────────── reopened with the reasons in comments ◄────────────┐
//! fetch ──► editor ──► no YAML, no kind ──────────────────────────────────────┤
//!             │  └───► unchanged: cancelled                                   │
//!             └──────► patch ──► edited │ Invalid ─────────────────────────────┘
//!                                       │ gone, refused otherwise: kept in a file, exit code 1
//! ```
//!
//! It never edits by itself: the program named by `KUBE_EDITOR` or `EDITOR`, else `vi`, does.

use serde_json::{Value, json};

use super::apply::{annotated, validation};
use super::shared::{FILES, PRINT, VALIDATE};
use crate::fail::{Fail, Outcome, quoted};
use crate::flags::Kind::{Bool, Text};
use crate::flags::{Command, Flag, Parsed, flag};
use crate::merge;
use crate::select::{self, Manifest, Target};
use crate::session::{MERGE, STRATEGIC, Session, with_query};
use crate::text::json::{compact, list, pretty, text};
use crate::yaml;

pub(super) const COMMAND: Command = Command {
    name: "edit",
    aliases: &[],
    flags: &[FILES, PRINT, VALIDATE, FLAGS],
    subcommands: &[],
    run,
};

const FLAGS: &[Flag] = &[
    flag("field-manager", Text, "kubectl-edit"),
    flag("output-patch", Bool, "false"),
    flag("subresource", Text, ""),
    flag("windows-line-endings", Bool, "false"),
];

const HEADER: &str = "# Please edit the object below. Lines beginning with a '#' will be ignored,\n# and an empty file will abort the edit. If an error occurs while saving this file will be\n# reopened with the relevant failures.\n#\n";

/// Why the file is opened again: a head and what belongs to it.
struct Reason {
    head: String,
    causes: Vec<String>,
}

/// What came of sending the edited objects.
#[derive(Default)]
struct Results {
    reasons: Vec<Reason>,
    refused: bool,
    gone: bool,
}

fn run(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    if parsed.args.is_empty() && !select::from_files(parsed) {
        return Err(Fail::message(super::delete::NOTHING_NAMED));
    }
    let json = match parsed.text("output") {
        "" | "yaml" => false,
        "json" => true,
        "kyaml" => return Err(Fail::not_in_lab("--output=kyaml")),
        other => {
            return Err(Fail::message(format!(
                "unable to match a printer suitable for the output format {}, allowed formats are: json,kyaml,yaml",
                quoted(other)
            )));
        }
    };
    validation(parsed)?;
    let mut targets = select::fetch_or_all(session, parsed, &parsed.args, true)?;
    if !parsed.text("subresource").is_empty() {
        for target in &mut targets {
            target.object = session.get(&place(parsed, target))?;
        }
    }
    for target in &mut targets {
        drop_managed_fields(&mut target.object);
    }
    if targets.is_empty() {
        session.err("Edit cancelled, no objects found.\n");
        return Ok(());
    }
    let mut round = Round {
        json,
        file: String::new(),
        edited: String::new(),
        reasons: Vec::new(),
    };
    loop {
        match round.play(session, parsed, &targets) {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(fail) => return Err(round.preserved(session, fail)),
        }
    }
}

fn place(parsed: &Parsed, target: &Target) -> String {
    match parsed.text("subresource") {
        "" => target.path(),
        name => format!("{}/{name}", target.path()),
    }
}

fn drop_managed_fields(object: &mut Value) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
}

/// The state between two openings of the editor.
struct Round {
    json: bool,
    /// The file of the last opening.
    file: String,
    edited: String,
    /// Empty at the first opening.
    reasons: Vec<Reason>,
}

impl Round {
    /// One opening of the editor and what follows; whether that was the last.
    fn play(
        &mut self,
        session: &mut Session<'_, '_>,
        parsed: &Parsed,
        targets: &[Target],
    ) -> Outcome<bool> {
        let again = !self.reasons.is_empty();
        let content = if again {
            without_comments(&self.edited)
        } else {
            self.original(targets)
        };
        let mut buffer = format!("{}{content}", self.header());
        if parsed.is("windows-line-endings") {
            buffer = buffer.replace('\n', "\r\n");
        }
        let (file, edited) = self.open(session, &buffer)?;
        if again && same(&self.edited, &edited) {
            self.file = file;
            return Err(Fail::message(
                "Edit cancelled, no valid changes were saved.",
            ));
        }
        if !self.file.is_empty() {
            drop(session.io.files.remove(&self.file));
        }
        (self.file, self.edited) = (file, edited);
        self.reasons.clear();
        if let Some(why) = unfit(parsed, &self.edited) {
            self.complain_of_file(session, &targets[0], &why);
            return Ok(false);
        }
        if same(&self.original(targets), &self.edited) {
            return Ok(self.cancelled(session, "no changes made"));
        }
        if without_comments(&self.edited).trim().is_empty() {
            return Ok(self.cancelled(session, "saved file was empty"));
        }
        let mut updated = Vec::new();
        for object in select::objects_of(session, "edited-file", &self.edited)? {
            match object {
                Ok(object) => updated.push(object),
                Err(fail) => {
                    self.reasons.push(Reason {
                        head: format!("The edited file had a syntax error: {}", fail.plain()),
                        causes: Vec::new(),
                    });
                    return Ok(false);
                }
            }
        }
        for manifest in &updated {
            stays(session, manifest)?;
        }
        let results = send(session, parsed, targets, &updated)?;
        self.settle(session, results)
    }

    /// Decides by what the server said.
    fn settle(&mut self, session: &mut Session<'_, '_>, results: Results) -> Outcome<bool> {
        if results.refused {
            session.err(&format!(
                "You can run `kubectl replace -f {}` to try this update again.\n",
                self.file
            ));
            return Err(Fail::Exit(1));
        }
        if results.gone {
            session.err(&format!(
                "The edits you made on deleted resources have been saved to {}\n",
                quoted(&self.file)
            ));
            return Err(Fail::Exit(1));
        }
        if results.reasons.is_empty() {
            drop(session.io.files.remove(&self.file));
            return Ok(true);
        }
        self.reasons = results.reasons;
        Ok(false)
    }

    fn cancelled(&self, session: &mut Session<'_, '_>, why: &str) -> bool {
        drop(session.io.files.remove(&self.file));
        session.err(&format!("Edit cancelled, {why}.\n"));
        true
    }

    fn complain_of_file(&mut self, session: &mut Session<'_, '_>, target: &Target, why: &str) {
        let plural = target.resource.plural_group();
        self.reasons = vec![Reason {
            head: format!("{plural} {} was not valid", quoted(&target.name)),
            causes: vec![format!(
                "<nil>: Invalid value: \"The edited file failed validation\": {why}"
            )],
        }];
        session.err(&format!(
            "error: {plural} {} is invalid\n",
            quoted(&target.name)
        ));
    }

    /// Says where the changes are before the command fails.
    fn preserved(&self, session: &mut Session<'_, '_>, fail: Fail) -> Fail {
        let told = matches!(fail, Fail::Exit(_));
        if !told && !self.file.is_empty() && session.io.files.read(&self.file).is_ok() {
            session.err(&format!(
                "A copy of your changes has been stored to {}\n",
                quoted(&self.file)
            ));
        }
        fail
    }

    fn original(&self, targets: &[Target]) -> String {
        let whole = match targets {
            [one] => one.object.clone(),
            many => {
                let items: Vec<&Value> = many.iter().map(|target| &target.object).collect();
                json!({"apiVersion": "v1", "items": items, "kind": "List", "metadata": {}})
            }
        };
        if self.json {
            format!("{}\n", pretty(&whole))
        } else {
            yaml::to_string(&whole)
        }
    }

    /// Comments are for YAML only; JSON has none.
    fn header(&self) -> String {
        if self.json {
            return String::new();
        }
        let mut header = HEADER.to_owned();
        let hashed = |text: &str| text.replace('\n', "\n# ");
        for reason in &self.reasons {
            let colon = if reason.causes.is_empty() { "" } else { ":" };
            header.push_str(&format!("# {}{colon}\n", hashed(&reason.head)));
            for cause in &reason.causes {
                header.push_str(&format!("# * {}\n", hashed(cause)));
            }
            header.push_str("#\n");
        }
        header
    }

    /// Writes the file, runs the editor on it and reads it back.
    fn open(&self, session: &mut Session<'_, '_>, buffer: &str) -> Outcome<(String, String)> {
        let folder = session.env("TMPDIR").unwrap_or_else(|| "/tmp".to_owned());
        let number = session.now_nanos() % 4_000_000_000;
        let ending = if self.json { "json" } else { "yaml" };
        let mut file = format!(
            "{}/kubectl-edit-{number}.{ending}",
            folder.trim_end_matches('/')
        );
        if file == self.file {
            file = file.replace("-edit-", "-edit-1");
        }
        let failed = |error: &std::io::Error| {
            Fail::message(format!("open {file}: {}", crate::config::reason(error)))
        };
        session
            .io
            .files
            .write(&file, buffer.as_bytes())
            .map_err(|error| failed(&error))?;
        launch(session, &file)?;
        let content = session
            .io
            .files
            .read(&file)
            .map_err(|error| failed(&error))?;
        Ok((file, String::from_utf8_lossy(&content).into_owned()))
    }
}

/// An object edited stays in the namespace of the command.
fn stays(session: &mut Session<'_, '_>, manifest: &Manifest) -> Outcome {
    let (own, wanted) = (&manifest.namespace, session.namespace()?);
    if !manifest.resource.namespaced || *own == wanted {
        return Ok(());
    }
    Err(Fail::message(format!(
        "the namespace from the provided object {} does not match the namespace {}. You must pass '--namespace={own}' to perform this operation.",
        quoted(own),
        quoted(&wanted)
    )))
}

/// Runs the editor; words with quotes or backslashes are the shell's to part.
fn launch(session: &mut Session<'_, '_>, file: &str) -> Outcome {
    let editor = session
        .env("KUBE_EDITOR")
        .or_else(|| session.env("EDITOR"))
        .unwrap_or_else(|| "vi".to_owned());
    let by_shell = editor.contains(' ') && editor.contains(['"', '\'', '\\']);
    let (words, argv) = if by_shell {
        let shell = session.env("SHELL").unwrap_or_else(|| "/bin/sh".to_owned());
        let run = format!("{editor} {}", quoted(file));
        (
            format!("{shell} -c {editor}"),
            vec![shell, "-c".to_owned(), run],
        )
    } else {
        let mut argv: Vec<String> = editor.split(' ').map(str::to_owned).collect();
        argv.push(file.to_owned());
        (editor, argv)
    };
    match session.program(&argv[0], &argv[1..]) {
        Ok(0) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(Fail::message(format!(
            "unable to launch the editor {}",
            quoted(&words)
        ))),
        _ => Err(Fail::message(format!(
            "there was a problem with the editor {}",
            quoted(&words)
        ))),
    }
}

/// Why a text is no object at all, unless validation is off.
fn unfit(parsed: &Parsed, edited: &str) -> Option<String> {
    if matches!(validation(parsed), Ok(Some("Ignore"))) {
        return None;
    }
    let documents = match yaml::documents(&without_comments(edited)) {
        Ok(documents) => documents,
        Err(error) => return Some(error.0),
    };
    let Some(object) = documents.first() else {
        return Some("invalid object to validate".to_owned());
    };
    let missing: Vec<String> = ["apiVersion", "kind"]
        .into_iter()
        .filter(|key| text(object, key).is_empty())
        .map(|key| format!("{key} not set"))
        .collect();
    match &missing[..] {
        [] => None,
        [one] => Some(one.clone()),
        several => Some(format!("[{}]", several.join(", "))),
    }
}

/// Whether two texts say the same apart from comments.
fn same(a: &str, b: &str) -> bool {
    match (yaml::documents(a), yaml::documents(b)) {
        (Ok(a), Ok(b)) => a == b,
        _ => without_comments(a) == without_comments(b),
    }
}

fn without_comments(text: &str) -> String {
    text.lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .map(|line| format!("{line}\n"))
        .collect()
}

/// Sends what differs, object by object.
fn send(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    targets: &[Target],
    updated: &[Manifest],
) -> Outcome<Results> {
    let mut results = Results::default();
    for manifest in updated {
        let uid = text(&manifest.object, "metadata.uid");
        let Some(target) = targets
            .iter()
            .find(|target| text(&target.object, "metadata.uid") == uid)
        else {
            return Err(Fail::message(format!(
                "no original object found for {}",
                manifest.shown()
            )));
        };
        let mut after = manifest.object.clone();
        if parsed.is("save-config") {
            after = annotated(&after).0;
        }
        if after == target.object {
            session.out(&format!("{} skipped\n", target.shown()))?;
            continue;
        }
        match send_one(session, parsed, target, &after)? {
            Ok(()) => session.out(&format!("{} edited\n", target.shown()))?,
            Err(status) => refused(session, target, &status, &mut results),
        }
    }
    Ok(results)
}

/// The patch of one object; the inner error is what the server said of it.
fn send_one(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    target: &Target,
    after: &Value,
) -> Outcome<Result<(), Box<Value>>> {
    for key in ["apiVersion", "kind", "metadata.name"] {
        if text(&target.object, key) != text(after, key) {
            return Err(Fail::message(
                "At least one of apiVersion, kind and name was changed",
            ));
        }
    }
    let (patch, kind) = if target.resource.is_built_in() {
        let kind = &target.resource.kind;
        (merge::two_way(kind, &target.object, after), STRATEGIC)
    } else {
        let before = &target.object;
        (merge::three_way_plain(before, after, before), MERGE)
    };
    if parsed.is("output-patch") {
        session.out(&format!("Patch: {}\n", compact(&patch)))?;
    }
    let mut query = vec![("fieldManager", parsed.text("field-manager"))];
    query.extend(validation(parsed)?.map(|level| ("fieldValidation", level)));
    let path = with_query(&place(parsed, target), &query);
    match session.patch(&path, kind, compact(&patch).into_bytes()) {
        Ok(_) => Ok(Ok(())),
        Err(Fail::Status(status, _)) => Ok(Err(status)),
        Err(fail) => Err(fail),
    }
}

fn refused(session: &mut Session<'_, '_>, target: &Target, status: &Value, results: &mut Results) {
    let who = format!(
        "{} {}",
        target.resource.plural_group(),
        quoted(&target.name)
    );
    let words = match text(status, "reason") {
        "Invalid" => {
            results.reasons.push(Reason {
                head: format!("{who} was not valid"),
                causes: list(status, "details.causes")
                    .iter()
                    .map(|cause| format!("{}: {}", text(cause, "field"), text(cause, "message")))
                    .collect(),
            });
            "is invalid".to_owned()
        }
        "NotFound" => {
            results.gone = true;
            "could not be found on the server".to_owned()
        }
        _ => {
            results.refused = true;
            format!("could not be patched: {}", text(status, "message"))
        }
    };
    session.err(&format!("error: {who} {words}\n"));
}
