//! `lab schema`: the format as JSON Schema and as a page. Never checks a file against it.

use crate::cli::Schema;
use anyhow::{Context, Result, bail};
use lesson::SCHEMAS;
use std::fs;
use std::process::ExitCode;

/// The reference page, among the kinds.
const PAGE: &str = "format";

/// Prints one schema, or writes some.
pub(crate) fn schema(typed: &Schema) -> Result<ExitCode> {
    let every: Vec<&str> = SCHEMAS.iter().map(|(name, _)| *name).collect();
    let kinds: Vec<&str> = match (&typed.kind, &typed.out) {
        (Some(kind), _) => vec![kind.as_str()],
        (None, Some(_)) => every.clone(),
        (None, None) => vec!["lab"],
    };
    for kind in kinds {
        let Some(text) = text(kind) else {
            bail!(
                "no schema {kind:?}\n\nhint: there are {}, and {PAGE} for the reference page",
                every.join(", ")
            );
        };
        let Some(folder) = &typed.out else {
            anstream::print!("{text}");
            continue;
        };
        let name = if kind == PAGE {
            "format.md".to_owned()
        } else {
            format!("{kind}.schema.json")
        };
        let file = folder.join(name);
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&file, text))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn text(kind: &str) -> Option<String> {
    if kind == PAGE {
        Some(lesson::page())
    } else {
        lesson::schema(kind)
    }
}
