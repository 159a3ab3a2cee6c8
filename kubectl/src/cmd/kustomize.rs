//! `kubectl kustomize`: prints what a kustomization makes. Never asks a server.

use super::shared::command;
use crate::fail::{Fail, Outcome};
use crate::flags::Kind::Text;
use crate::flags::{Command, Flag, Parsed, short};
use crate::kustomize;
use crate::session::Session;
use crate::yaml;

pub(super) const COMMAND: Command = command("kustomize", &[FLAGS], run);

const FLAGS: &[Flag] = &[short('o', "output", Text, "")];

fn run(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    let folder = match &parsed.args[..] {
        [] => ".",
        [folder] => folder,
        _ => return Err(Fail::message("specify one path to kustomization.yaml")),
    };
    let objects = kustomize::build(session, folder)?;
    let documents: Vec<String> = objects.iter().map(yaml::to_string).collect();
    let text = documents.join("---\n");
    match parsed.text("output") {
        "" => session.out(&text),
        path => session
            .io
            .files
            .write(path, text.as_bytes())
            .map_err(|error| {
                Fail::message(format!("open {path}: {}", crate::config::reason(&error)))
            }),
    }
}
