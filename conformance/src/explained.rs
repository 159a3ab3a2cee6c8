//! The differences that are known, each with its reason, out of `differences.txt`.
//!
//! Never makes a difference identical: it is counted, only not unexpected.

use anyhow::{Context, Result, bail};
use std::path::Path;

/// What a known difference is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// The lab answers otherwise.
    Differs,
    /// The recording is of something that another cluster cannot repeat: it is not counted.
    NotApplicable,
    /// Not stable even on the cluster that was recorded: it is compared by likeness.
    Alike,
}

/// One line of the list.
#[derive(Debug)]
struct Line {
    known: Known,
    case: String,
    clients: Vec<String>,
    reason: String,
}

/// All known differences.
#[derive(Debug)]
pub(crate) struct Explained(Vec<Line>);

impl Explained {
    /// Reads lines `differs|alike|n/a CASE [CLIENT…]: reason`; without clients it is for all.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let lines = text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        lines
            .map(|(at, line)| {
                parse(line).with_context(|| format!("{}, line {}", path.display(), at + 1))
            })
            .collect::<Result<_>>()
            .map(Self)
    }

    /// What is known about this case with this client, and why.
    pub(crate) fn find(&self, case: &str, client: &str) -> Option<(Known, &str)> {
        self.0
            .iter()
            .find(|line| {
                line.case == case
                    && (line.clients.is_empty() || line.clients.iter().any(|name| name == client))
            })
            .map(|line| (line.known, line.reason.as_str()))
    }

    #[cfg(test)]
    /// Every case that is named, to be held against the cases there are.
    pub(crate) fn cases(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|line| line.case.as_str())
    }
}

fn parse(line: &str) -> Result<Line> {
    let (head, reason) = line
        .split_once(": ")
        .context("a known difference ends with a colon and its reason")?;
    let mut words = head.split_whitespace();
    let known = match words.next() {
        Some("differs") => Known::Differs,
        Some("n/a") => Known::NotApplicable,
        Some("alike") => Known::Alike,
        other => bail!(
            "`{}` is not differs, alike or n/a",
            other.unwrap_or_default()
        ),
    };
    Ok(Line {
        known,
        case: words.next().context("which case?")?.to_owned(),
        clients: words.map(str::to_owned).collect(),
        reason: reason.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_known_difference_names_a_recorded_case() {
        let home = crate::home();
        let explained = Explained::read(&home.join("differences.txt")).unwrap();
        let mut cases = BTreeSet::new();
        for version in ["1.32", "1.34", "1.36", "1.37"] {
            let client: crate::Client = format!("{version}=kubectl").parse().unwrap();
            for step in client.recordings(&home.join("recorded")).unwrap() {
                if let crate::recording::Step::Case { name, .. } = step {
                    cases.insert(name);
                }
            }
        }
        for case in explained.cases() {
            assert!(cases.contains(case), "there is no recording {case}");
        }
    }
}
