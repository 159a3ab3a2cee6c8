//! `lab fmt`: files of the format in their usual form. Never changes what they say.

use super::shelf;
use crate::cli::Fmt;
use anyhow::{Context, Result};
use std::fs;
use std::process::ExitCode;

/// Formats every file, or says which are not in their usual form; 0 all are, 1 some are not,
/// 2 something could not be read.
pub(crate) fn fmt(typed: &Fmt) -> Result<ExitCode> {
    let mut code = 0;
    for file in shelf::files(&typed.files)? {
        let name = file.display();
        let text = fs::read_to_string(&file).with_context(|| name.to_string())?;
        let Some(usual) = lesson::formatted(&text) else {
            anstream::eprintln!("{name}: cannot be formatted as it stands; `lab lint` says why");
            code = 2;
            continue;
        };
        if usual == text {
            continue;
        }
        anstream::println!("{name}");
        if typed.check {
            code = code.max(1);
        } else {
            fs::write(&file, usual).with_context(|| format!("cannot write {name}"))?;
        }
    }
    Ok(ExitCode::from(code))
}
