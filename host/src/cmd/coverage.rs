//! `lab coverage`: what the lessons show of the registry, by playing them. Never decides what
//! counts: that is `lesson::Coverage`.

use super::play::{How, Lesson, play_lesson};
use super::shelf;
use crate::cli::{Cover, CoverageFormat};
use anyhow::Result;
use clock::Instant;
use lesson::{Coverage, Engine, Lab, Options, Played, Report};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

/// Prints the coverage; the exit code says whether it is whole.
pub(crate) fn coverage(typed: &Cover) -> Result<ExitCode> {
    let claims = shelf::claims_of(&typed.claims)?;
    let commands = shelf::commands_of(&typed.commands)?;
    let files = shelf::lessons(shelf::files(&typed.files)?);
    let results = shelf::in_order(&files, |file| one(file, typed.no_play));
    let mut lessons = Vec::new();
    for result in results {
        match result {
            Ok(lesson) => lessons.push(lesson),
            Err(said) => anstream::eprintln!("{said}"),
        }
    }
    let played: Vec<Played<'_>> = lessons
        .iter()
        .map(|(lab, report, played)| Played {
            lab,
            report,
            played: *played,
        })
        .collect();
    let coverage = Coverage::of(&claims, &commands, &played);
    match typed.format {
        CoverageFormat::Text => anstream::print!("{}", coverage.to_text()),
        CoverageFormat::Json => anstream::print!("{}", coverage.to_json()),
        CoverageFormat::Md => anstream::print!("{}", coverage.to_markdown()),
    }
    Ok(ExitCode::from(u8::from(!coverage.is_whole())))
}

/// A lesson, what became of it, and whether it was played; what is wrong if it cannot be read.
fn one(file: &Path, no_play: bool) -> Result<(Arc<Lab>, Report, bool), String> {
    let name = file.display();
    let (lesson, findings) = Lesson::read(file).map_err(|cause| format!("{cause:#}"))?;
    let Some(lesson) = lesson else {
        let said: Vec<String> = findings.iter().map(ToString::to_string).collect();
        return Err(said.join("\n"));
    };
    let lab = lesson.lab.clone();
    if no_play {
        let engine = Engine::new(Instant::ZERO, lab.clone(), Options::default());
        return Ok((lab, engine.report(), false));
    }
    let report =
        play_lesson(&lesson, &How::default()).map_err(|cause| format!("{name}: {cause:#}"))?;
    Ok((lab, report, true))
}
