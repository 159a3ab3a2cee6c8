//! `lab run`: plays lessons without a screen, several at once, and prints their reports in the
//! order of the files. Never judges them.

use super::play::{How, Lesson, play_lesson};
use super::shelf;
use crate::cli::{Format, Lang, Run};
use crate::elsewhere;
use anyhow::{Context, Result, bail};
use lesson::{Outcome, Report};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{Builder, available_parallelism, scope};

/// The stack of a thread that plays.
const STACK: usize = 8 << 20;

/// What came of one file: what to say about it, and its report if it could be played.
struct Played {
    warnings: Vec<String>,
    report: Result<Report, Vec<String>>,
}

/// Plays every file and prints the reports; the exit code is that of the worst.
pub(crate) fn run(typed: &Run) -> Result<ExitCode> {
    let lang = match typed.lang {
        Lang::Ja => lesson::Lang::Ja,
        Lang::En => lesson::Lang::En,
    };
    let files = shelf::without_companions(&typed.files);
    if files.is_empty() {
        bail!("none of these files is a lesson\n\nhint: a lesson says `kind: Lab`");
    }
    let mut reports = Vec::new();
    let mut worst = Outcome::Passed;
    let student = student(typed)?;
    in_order(typed, &files, lang, student.as_ref(), |played| {
        if !played.warnings.is_empty() {
            anstream::eprintln!("{}", played.warnings.join("\n"));
        }
        match played.report {
            Ok(report) => {
                worst = worst.max(report.outcome);
                if typed.format == Format::Text {
                    anstream::println!("{}", report.to_text(lang, true));
                }
                reports.push(report);
            }
            Err(findings) => {
                worst = worst.max(Outcome::Invalid);
                anstream::eprintln!("{}", findings.join("\n"));
            }
        }
    });
    match typed.format {
        Format::Text => {}
        Format::Json => anstream::print!("{}", lesson::to_json(&reports)),
        Format::Junit => anstream::print!("{}", lesson::to_junit(&reports, lang)),
    }
    Ok(ExitCode::from(worst.code()))
}

/// The course's key and the student's name, if there is a student.
fn student(typed: &Run) -> Result<Option<(Vec<u8>, String)>> {
    let (Some(student), Some(file)) = (&typed.student, &typed.course_key_file) else {
        return Ok(None);
    };
    let key = std::fs::read(file).with_context(|| file.display().to_string())?;
    Ok(Some((key.trim_ascii().to_vec(), student.clone())))
}

/// Plays the files on as many threads as were asked for and tells each result in the files' order.
fn in_order(
    typed: &Run,
    files: &[PathBuf],
    lang: lesson::Lang,
    student: Option<&(Vec<u8>, String)>,
    mut tell: impl FnMut(Played),
) {
    let cores = available_parallelism().map_or(1, usize::from);
    // One file takes the packets of one world after another, one cluster has one lesson at a time.
    let alone = typed.pcap.is_some() || typed.context.is_some();
    let jobs = match typed.jobs {
        _ if alone => 1,
        jobs => jobs.map_or(cores, usize::from),
    };
    let next = AtomicUsize::new(0);
    let (send, receive): (Sender<(usize, Played)>, Receiver<_>) = channel();
    scope(|scope| {
        for _ in 0..jobs.min(files.len()) {
            let (send, next) = (send.clone(), &next);
            let work = move || {
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    let Some(file) = files.get(n) else {
                        return;
                    };
                    let played = play_file(typed, lang, student, file);
                    if send.send((n, played)).is_err() {
                        return;
                    }
                }
            };
            // A world is played as on the main thread, which has this much.
            let thread = Builder::new().stack_size(STACK);
            thread
                .spawn_scoped(scope, work)
                .expect("the machine has room for a thread");
        }
        drop(send);
        let mut early = BTreeMap::new();
        let mut wanted = 0;
        for (n, played) in receive {
            early.insert(n, played);
            while let Some(played) = early.remove(&wanted) {
                tell(played);
                wanted += 1;
            }
        }
    });
}

/// Plays one file.
fn play_file(
    typed: &Run,
    lang: lesson::Lang,
    student: Option<&(Vec<u8>, String)>,
    file: &Path,
) -> Played {
    let mut warnings = Vec::new();
    let source = file.display();
    let told = |cause: anyhow::Error| vec![format!("{source}: {cause:#}")];
    let report = match Lesson::read(file) {
        Err(cause) => Err(vec![format!("{cause:#}")]),
        Ok((lesson, findings)) => {
            let said: Vec<String> = findings.iter().map(ToString::to_string).collect();
            match lesson {
                None => Err(said),
                // Warnings do not stop a lesson.
                Some(lesson) => {
                    warnings = said;
                    let how = How {
                        lang,
                        seed: typed.seed,
                        until_step: typed.step.clone(),
                        pcap: typed.pcap.clone(),
                        student: student.cloned(),
                        ..How::default()
                    };
                    let played = match &typed.context {
                        Some(context) => elsewhere::play(typed, context, lang, &lesson.lab),
                        None => play_lesson(&lesson, &how),
                    };
                    played.map_err(told)
                }
            }
        }
    };
    Played { warnings, report }
}
