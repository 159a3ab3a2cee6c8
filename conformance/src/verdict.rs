//! Whether two answers are the same but for what may differ. Never forgives a case.

use crate::recording::Said;
use crate::rules::Rules;
use std::collections::BTreeSet;
use std::fmt::Write;

/// The share of lines, or of the letters of a few lines, that answers which are not stable even on
/// one cluster must have in common.
const LIKENESS_PCT: usize = 60;
/// How many lines are too few to be counted by lines.
const FEW_LINES: usize = 3;

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

/// Whether most different lines of each are also lines of the other, numbers aside; of a few lines
/// most letters.
fn are_alike(one: &str, other: &str) -> bool {
    let texts = (one, other);
    let shape = |line: &str| -> String {
        line.chars()
            .filter(|letter| !letter.is_ascii_digit() && !letter.is_whitespace())
            .collect()
    };
    let one: BTreeSet<String> = one.lines().map(shape).collect();
    let other: BTreeSet<String> = other.lines().map(shape).collect();
    let common = one.intersection(&other).count();
    let longer = one.len().max(other.len());
    common * 100 >= longer * LIKENESS_PCT || (longer <= FEW_LINES && alike_by_letters(texts))
}

fn alike_by_letters((one, other): (&str, &str)) -> bool {
    let ratio = similar::TextDiff::from_chars(one, other).ratio();
    f64::from(ratio) * 100.0 >= LIKENESS_PCT as f64
}

fn indent(text: &str) -> String {
    text.lines()
        .filter(|line| !(line.starts_with("--- ") || line.starts_with("+++ ")))
        .map(|line| format!("    {line}\n"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_lines_are_alike_by_their_letters_and_many_by_their_lines() {
        let patched = "deployment.apps/my-nginx patched\n";
        assert!(are_alike(
            patched,
            "deployment.apps/my-nginx patched (no change)\n"
        ));
        assert!(!are_alike(patched, "service/web created\n"));
        let many = "one\ntwo\nthree\nfour\nfive\n";
        assert!(are_alike(many, "five\nfour\nthree\ntwo\nsix\n"));
        assert!(!are_alike(many, "one\ntwo\nsix\nseven\neight\n"));
    }
}
