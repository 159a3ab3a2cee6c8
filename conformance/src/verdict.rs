//! Whether two answers are the same but for what may differ. Never forgives a case.

use crate::recording::Said;
use crate::rules::Rules;
use std::collections::BTreeSet;
use std::fmt::Write;

/// The share of lines that answers which are not stable even on one cluster must have in common.
const LIKENESS_PCT: usize = 60;

/// One recording, typed again.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) name: String,
    pub(crate) command: String,
    pub(crate) identical: bool,
    /// Whether it is alike: the same exit code, and most lines in common in any order.
    pub(crate) alike: bool,
    /// What differs, as lines of a diff; empty when identical.
    pub(crate) diff: String,
}

/// Holds an answer against the recorded one.
pub(crate) fn compare(
    name: &str,
    command: &str,
    recorded: &Said,
    now: &Said,
    rules: &Rules,
    recorded_for: Option<&str>,
) -> Outcome {
    let mut diff = String::new();
    let mut alike = recorded.exit == now.exit;
    let streams = [
        ("stdout", &recorded.stdout, &now.stdout),
        ("stderr", &recorded.stderr, &now.stderr),
    ];
    for (stream, recorded, now) in streams {
        let recorded = rules.apply(recorded, recorded_for);
        let now = rules.apply(now, None);
        if recorded != now {
            let changes = similar::TextDiff::from_lines(&recorded, &now);
            let unified = changes.unified_diff().context_radius(1).to_string();
            let _ = write!(diff, "  {stream}\n{}", indent(&unified));
            alike &= are_alike(&recorded, &now);
        }
    }
    if recorded.exit != now.exit {
        let _ = writeln!(diff, "  exit {}, now {}", recorded.exit, now.exit);
    }
    Outcome {
        name: name.to_owned(),
        command: command.to_owned(),
        identical: diff.is_empty(),
        alike,
        diff,
    }
}

/// Whether most different lines of each are also lines of the other, numbers aside.
fn are_alike(one: &str, other: &str) -> bool {
    let shape = |line: &str| -> String {
        line.chars()
            .filter(|letter| !letter.is_ascii_digit() && !letter.is_whitespace())
            .collect()
    };
    let one: BTreeSet<String> = one.lines().map(shape).collect();
    let other: BTreeSet<String> = other.lines().map(shape).collect();
    let common = one.intersection(&other).count();
    common * 100 >= one.len().max(other.len()) * LIKENESS_PCT
}

fn indent(text: &str) -> String {
    text.lines()
        .filter(|line| !(line.starts_with("--- ") || line.starts_with("+++ ")))
        .map(|line| format!("    {line}\n"))
        .collect()
}
