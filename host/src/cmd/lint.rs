//! `lab lint`: reads files of the format, prints what is wrong with them, mends what can be
//! mended, and on request has lessons prove themselves. Never decides what is wrong.

use super::play::{How, Lesson, play_lesson};
use super::shelf::{self, Neighbours};
use crate::cli::{Lint, LintFormat, spoken};
use anyhow::{Context, Result};
use lesson::{Attempt, Finding, Lab, Pos, Report, Severity, apply_edits, lint_text};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// How often a file is mended: each time what stood behind a broken place comes to light.
const ROUNDS: usize = 50;

/// Looks at every file; 0 clean, 1 findings, 2 something could not be read.
pub(crate) fn lint(typed: &Lint) -> Result<ExitCode> {
    let files = match shelf::files(&typed.files) {
        Ok(files) => files,
        Err(cause) => {
            anstream::eprintln!("lab: {cause:#}");
            return Ok(ExitCode::from(2));
        }
    };
    let mut neighbours = Neighbours::default();
    let mut findings = Vec::new();
    let mut unreadable = false;
    for file in &files {
        match look(file, &mut neighbours, typed.fix) {
            Ok(found) => findings.extend(found),
            Err(cause) => {
                unreadable = true;
                anstream::eprintln!("lab: {cause:#}");
            }
        }
    }
    if typed.prove {
        findings.extend(prove(&files, &findings, typed)?);
    }
    tell(typed, &findings, files.len());
    Ok(ExitCode::from(match (unreadable, findings.is_empty()) {
        (true, _) => 2,
        (false, false) => 1,
        (false, true) => 0,
    }))
}

/// What is wrong with one file, once it has been mended if that was asked for.
fn look(file: &Path, neighbours: &mut Neighbours, fix: bool) -> Result<Vec<Finding>> {
    let name = file.display().to_string();
    let before = fs::read_to_string(file).with_context(|| name.clone())?;
    let known = neighbours.of(file);
    let mut text = before.clone();
    let mut findings = lint_text(&name, &text, &mut shelf::beside(file), known).1;
    for _ in 0..ROUNDS {
        let edits: Vec<_> = findings
            .iter()
            .flat_map(|finding| finding.fix.clone())
            .collect();
        if !fix || edits.is_empty() {
            break;
        }
        text = apply_edits(&text, &edits);
        findings = lint_text(&name, &text, &mut shelf::beside(file), known).1;
    }
    if fix
        && !findings
            .iter()
            .any(|finding| finding.severity == Severity::Error)
    {
        text = lesson::formatted(&text).unwrap_or(text);
        findings = lint_text(&name, &text, &mut shelf::beside(file), known).1;
    }
    if text != before {
        fs::write(file, &text).with_context(|| format!("cannot write {name}"))?;
    }
    Ok(findings)
}

/// Plays every lesson that has no errors in every way that proves it.
fn prove(files: &[PathBuf], findings: &[Finding], typed: &Lint) -> Result<Vec<Finding>> {
    let broken = |file: &Path| {
        let name = file.display().to_string();
        let mut errors = findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error);
        errors.any(|finding| finding.source == name)
    };
    let lessons = shelf::lessons(files.to_vec())
        .into_iter()
        .filter(|file| !broken(file));
    let mut read = Vec::new();
    for file in lessons {
        read.extend(Lesson::read(&file)?.0);
    }
    let tries: Vec<(&Lesson, Attempt)> = read
        .iter()
        .flat_map(|lesson| {
            Attempt::all(&lesson.lab)
                .into_iter()
                .map(move |attempt| (lesson, attempt))
        })
        .collect();
    let lang = spoken(typed.lang);
    let proved = shelf::in_order(&tries, |(lesson, attempt)| try_one(lesson, attempt, lang));
    Ok(proved.into_iter().flatten().collect())
}

/// What one attempt shows to be wrong with a lesson.
fn try_one(lesson: &Lesson, attempt: &Attempt, lang: lesson::Lang) -> Vec<Finding> {
    let how = How {
        lang,
        attempt: attempt.clone(),
        ..How::default()
    };
    let report = match play_lesson(lesson, &how) {
        Ok(report) => report,
        Err(cause) => return vec![unproved(&lesson.lab, attempt, format!("{cause:#}"))],
    };
    let mut wrong: Vec<Finding> = report
        .contradictions(&lesson.lab, attempt)
        .iter()
        .map(|text| {
            unproved(
                &lesson.lab,
                attempt,
                with_cause(text.get(lang), &report, attempt, lang),
            )
        })
        .collect();
    if *attempt == Attempt::Solution {
        let again = play_lesson(lesson, &how).map(|again| again.to_json());
        if again.ok().as_ref() != Some(&report.to_json()) {
            wrong.push(unproved(&lesson.lab, attempt, "two runs differ".to_owned()));
        }
    }
    wrong
}

/// A contradiction and, where a right answer failed, the first thing that did.
fn with_cause(said: &str, report: &Report, attempt: &Attempt, lang: lesson::Lang) -> String {
    let right = matches!(attempt, Attempt::Solution | Attempt::Alternative { .. });
    match report.failures().first() {
        Some(failure) if right => {
            let (asked, seen) = (failure.asked.get(lang), failure.seen.get(lang));
            format!("{said} (line {}: {asked}: {seen})", failure.pos.line)
        }
        _ => said.to_owned(),
    }
}

fn unproved(lab: &Lab, attempt: &Attempt, message: String) -> Finding {
    let of = |id: &str| {
        lab.tasks
            .iter()
            .find(|task| task.id == id)
            .map(|task| task.at)
    };
    let at = match attempt {
        Attempt::Mutant { task, .. } | Attempt::Alternative { task, .. } => of(task),
        Attempt::Nothing => lab.tasks.first().map(|task| task.at),
        Attempt::Solution => None,
    };
    Finding {
        source: lab.source.clone(),
        at: at.unwrap_or(Pos { line: 1, column: 1 }),
        code: "LAB090",
        severity: Severity::Error,
        message,
        help: None,
        fix: Vec::new(),
    }
}

fn tell(typed: &Lint, findings: &[Finding], files: usize) {
    let lang = spoken(typed.lang);
    match typed.format {
        LintFormat::Human => {
            for finding in findings {
                anstream::println!("{}", finding.to_text(lang));
            }
            let s = |n: usize| if n == 1 { "" } else { "s" };
            let n = findings.len();
            match lang {
                lesson::Lang::Ja => anstream::eprintln!("{files}個のファイルに{n}件"),
                lesson::Lang::En => {
                    anstream::eprintln!("{n} finding{} in {files} file{}", s(n), s(files))
                }
            }
        }
        LintFormat::Json => anstream::print!("{}", lesson::findings_json(findings)),
        LintFormat::Sarif => {
            anstream::print!(
                "{}",
                lesson::findings_sarif(findings, env!("CARGO_PKG_VERSION"))
            );
        }
        LintFormat::Github => {
            for finding in findings {
                anstream::println!("{}", finding.to_github());
            }
        }
    }
}
