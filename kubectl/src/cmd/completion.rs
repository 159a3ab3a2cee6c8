//! `kubectl completion`: a script for a shell, which asks `kubectl __complete` for everything.
//!
//! The scripts are the stock client's and know nothing of kubectl's commands; `complete` does.

use super::shared::command;
use crate::fail::{Fail, Outcome, quoted};
use crate::flags::{Command, Parsed};
use crate::session::Session;
use crate::words;

pub(super) const COMMAND: Command = command("completion", &[], run);

fn run(session: &mut Session<'_, '_>, parsed: &Parsed) -> Outcome {
    match &parsed.args[..] {
        [] => Err(Fail::usage("completion", "Shell not specified.")),
        [shell] => match words::SCRIPTS.iter().find(|(name, _)| name == shell) {
            Some((_, script)) => session.out(script),
            None => Err(Fail::usage(
                "completion",
                format!("Unsupported shell type {}.", quoted(shell)),
            )),
        },
        _ => Err(Fail::usage(
            "completion",
            "Too many arguments. Expected only the shell type.",
        )),
    }
}
