//! `lab new`: puts a new lesson on the shelf. Never overwrites one.

use crate::cli::New;
use anyhow::{Context, Result, bail};
use lesson::scaffold;
use std::fs;
use std::process::ExitCode;

/// Writes the files of a new lesson and says what comes next.
pub(crate) fn new(typed: &New) -> Result<ExitCode> {
    let Some(files) = scaffold(&typed.id, typed.order) else {
        bail!(
            "{:?} is not an id\n\nhint: an id begins with a lower-case letter; lower-case letters, digits and `-` follow",
            typed.id
        );
    };
    for (name, _) in &files {
        let file = typed.dir.join(name);
        if file.exists() {
            bail!(
                "{} is there already\n\nhint: choose another id",
                file.display()
            );
        }
    }
    for (name, text) in &files {
        let file = typed.dir.join(name);
        let folder = file.parent().unwrap_or(&typed.dir);
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&file, text))
            .with_context(|| format!("cannot write {}", file.display()))?;
        anstream::println!("{}", file.display());
    }
    let lesson = typed.dir.join(&files[0].0);
    anstream::eprintln!(
        "\nhint: lab run {0}; lab lint --prove {0}",
        lesson.display()
    );
    Ok(ExitCode::SUCCESS)
}
