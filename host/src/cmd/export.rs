//! `lab export`: lessons on paper. The outputs are those of a run that is played for it.
//!
//! Never exports a lesson that does not hold.

use super::play::{How, Lesson, play_lesson};
use crate::cli::{Export, Handout, HandoutLang};
use anyhow::{Context, Result, bail};
use lesson::{Lang, Outcome, handout_html, handout_markdown};
use std::fs;
use std::path::Path;
use std::process::ExitCode;

/// Writes or prints a handout of every file.
pub(crate) fn export(typed: &Export) -> Result<ExitCode> {
    let langs: &[Lang] = match typed.lang {
        HandoutLang::Ja => &[Lang::Ja],
        HandoutLang::En => &[Lang::En],
        HandoutLang::Both => &[Lang::Ja, Lang::En],
    };
    for file in &typed.files {
        let text = one(file, typed.handout, langs)?;
        let Some(folder) = &typed.out else {
            anstream::print!("{text}");
            continue;
        };
        let end = match typed.handout {
            Handout::Md => "md",
            Handout::Html => "html",
        };
        let stem = file.file_stem().unwrap_or(file.as_os_str());
        let target = folder.join(stem).with_extension(end);
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&target, text))
            .with_context(|| format!("cannot write {}", target.display()))?;
        anstream::println!("{}", target.display());
    }
    Ok(ExitCode::SUCCESS)
}

fn one(file: &Path, handout: Handout, langs: &[Lang]) -> Result<String> {
    let name = file.display();
    let (lesson, findings) = Lesson::read(file)?;
    let Some(lesson) = lesson else {
        let said: Vec<String> = findings.iter().map(ToString::to_string).collect();
        bail!("{}", said.join("\n"));
    };
    let mut parts = Vec::new();
    for lang in langs {
        let report = play_lesson(
            &lesson,
            &How {
                lang: *lang,
                ..How::default()
            },
        )?;
        if report.outcome != Outcome::Passed {
            bail!("{name}: the lesson does not hold, so it is not printed\n\nhint: lab run {name}");
        }
        parts.push((*lang, handout_markdown(&lesson.lab, &report, *lang)));
    }
    let title = langs
        .first()
        .map(|lang| lesson.lab.metadata.title.get(*lang));
    Ok(match handout {
        Handout::Html => handout_html(title.unwrap_or_default(), &parts),
        Handout::Md => {
            let texts: Vec<String> = parts.into_iter().map(|(_, text)| text).collect();
            texts.join("\n---\n\n")
        }
    })
}
