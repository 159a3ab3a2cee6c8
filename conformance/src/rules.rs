//! What legitimately differs between two clusters, out of `rules.txt`. Never knows a case.

use anyhow::{Context, Result, bail};
use regex::Regex;
use std::path::Path;

/// The rules, in the order they are applied.
#[derive(Debug)]
pub(crate) struct Rules(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    scope: Scope,
    pattern: Regex,
    replacement: String,
}

/// Whose words a rule changes.
#[derive(Debug, PartialEq, Eq)]
enum Scope {
    /// What was recorded and what was said now.
    Both,
    /// What was recorded, when one of these clients speaks another version's words.
    Recorded(Vec<String>),
    /// The order of neighbouring lines, recorded or said now.
    Sorted,
}

impl Rules {
    /// Reads `rules.txt`: a line `both: why`, `sorted: why` or `recorded 1.32 1.36: why`, then,
    /// indented, the pattern and what takes its place (nothing, when that line is missing).
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text).with_context(|| path.display().to_string())
    }

    fn parse(text: &str) -> Result<Self> {
        let mut rules: Vec<Rule> = Vec::new();
        let mut scope = None;
        for (at, line) in text.lines().enumerate() {
            let place = || format!("line {}", at + 1);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let Some(indented) = line.strip_prefix("  ") else {
                scope = Some(Scope::parse(line).with_context(place)?);
                continue;
            };
            match scope.take() {
                Some(scope) => rules.push(Rule {
                    scope,
                    pattern: Regex::new(indented).with_context(place)?,
                    replacement: String::new(),
                }),
                None => {
                    let rule = rules.last_mut().with_context(place)?;
                    indented.clone_into(&mut rule.replacement);
                }
            }
        }
        Ok(Self(rules))
    }

    /// A text without what may differ. `recorded_for` names the client that a recording is read
    /// for, when it spoke another version.
    pub(crate) fn apply(&self, text: &str, recorded_for: Option<&str>) -> String {
        let mut text = text.to_owned();
        for rule in &self.0 {
            let applies = match (&rule.scope, recorded_for) {
                (Scope::Sorted, _) => {
                    text = sort_runs(&text, &rule.pattern);
                    false
                }
                (Scope::Both, _) => true,
                (Scope::Recorded(versions), Some(client)) => {
                    versions.iter().any(|version| version == client)
                }
                (Scope::Recorded(_), None) => false,
            };
            if applies {
                text = rule
                    .pattern
                    .replace_all(&text, rule.replacement.as_str())
                    .into_owned();
            }
        }
        text
    }
}

impl Scope {
    fn parse(line: &str) -> Result<Self> {
        let (scope, _why) = line
            .split_once(": ")
            .context("a rule begins with its scope, a colon, and why it is fair")?;
        match scope.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["both"] => Ok(Self::Both),
            ["sorted"] => Ok(Self::Sorted),
            ["recorded", versions @ ..] if !versions.is_empty() => Ok(Self::Recorded(
                versions.iter().map(|&version| version.to_owned()).collect(),
            )),
            _ => bail!("`{scope}` is neither `both`, `sorted` nor `recorded VERSION…`"),
        }
    }
}

/// Sorts each run of neighbouring lines that match.
fn sort_runs(text: &str, pattern: &Regex) -> String {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    // A pattern may name the end of a line, which is before what ends it.
    let matches = |line: &str| pattern.is_match(line.trim_end_matches('\n'));
    for run in lines.chunk_by_mut(|one, next| matches(one) == matches(next)) {
        if matches(run[0]) {
            run.sort_unstable();
        }
    }
    lines.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_apply_in_order_and_to_the_client_they_name() {
        let text =
            "both: why\n  [0-9]+s\n  AGE\nrecorded 1.32: why\n   from .*\nboth: why\n  AGE\n  A\n";
        let rules = Rules::parse(text).unwrap();
        assert_eq!(rules.apply("gone from x 12s", None), "gone from x A");
        assert_eq!(rules.apply("gone from x 12s", Some("1.32")), "gone");
        assert_eq!(
            rules.apply("gone from x 12s", Some("1.37")),
            "gone from x A"
        );
    }

    #[test]
    fn neighbouring_lines_that_match_are_sorted_and_no_others() {
        let rules = Rules::parse("sorted: why\n  -HASH\n").unwrap();
        let text = "NAME\nb-HASH 2\na-HASH 0\n\nz\ny\nd-HASH\nc-HASH\n";
        let sorted = "NAME\na-HASH 0\nb-HASH 2\n\nz\ny\nc-HASH\nd-HASH\n";
        assert_eq!(rules.apply(text, None), sorted);
    }

    #[test]
    fn a_pattern_of_lines_to_be_sorted_may_reach_to_their_end() {
        let rules = Rules::parse("sorted: why\n  ^\\w: \\d$\n").unwrap();
        assert_eq!(
            rules.apply("b: 1\na: 2\nc: x\n", None),
            "a: 2\nb: 1\nc: x\n"
        );
    }

    #[test]
    fn a_rule_without_a_reason_is_refused() {
        assert!(Rules::parse("both\n  x\n").is_err());
        assert!(Rules::parse("mine: why\n  x\n").is_err());
        assert!(Rules::parse("both: why\n  (\n").is_err());
    }

    #[test]
    fn the_rules_of_this_folder_can_be_read() {
        Rules::read(&crate::home().join("rules.txt")).unwrap();
    }
}
