//! The names of Kubernetes' conformance tests, and which test of ours makes the same claim.
//!
//! `docs/claims/*.psv` has one line for each name. Never reads a test's body: that a claim is made
//! well is the reader's to judge.

use crate::root;
use anyhow::{Context, Result};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const TABLES: [&str; 2] = ["network", "apps-node"];

/// What one table adds up to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Share {
    names: usize,
    covered: usize,
    out: usize,
}

/// Checks every table and prints how much of it is covered.
pub(crate) fn claims() -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for table in TABLES {
        let path = root().join(format!("docs/claims/{table}.psv"));
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        let share = read(&root(), table, &text, &mut findings);
        println!("{}", share.line(table));
    }
    Ok(findings)
}

impl Share {
    fn line(&self, table: &str) -> String {
        let Self {
            names,
            covered,
            out,
        } = self;
        let part = 100 * covered / (*names).max(1);
        format!(
            "{table}: {covered} of {names} names covered ({part} %), {out} out of scope, {} open",
            names - covered - out
        )
    }
}

fn read(root: &Path, table: &str, text: &str, findings: &mut Vec<String>) -> Share {
    let mut share = Share::default();
    let mut seen = BTreeSet::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let mut find =
            |what: &str| findings.push(format!("docs/claims/{table}.psv: {what}: {line}"));
        let parts: Vec<&str> = line.splitn(3, '|').map(str::trim).collect();
        let [name, state, why] = parts.as_slice() else {
            find("no three columns");
            continue;
        };
        share.names += 1;
        if !seen.insert(*name) {
            find("a name that was there before");
        }
        match *state {
            "covered" => {
                share.covered += 1;
                if why.is_empty() {
                    find("covered by nothing");
                }
                for test in why.split_whitespace().filter(|test| !is_there(root, test)) {
                    find(&format!("no such test as {test}"));
                }
            }
            "out" => {
                share.out += 1;
                if why.is_empty() {
                    find("out of scope for no reason");
                }
            }
            "open" => {}
            _ => find("neither covered, out nor open"),
        }
    }
    let head = text.lines().next().unwrap_or_default();
    let promised = head
        .rsplit(": ")
        .next()
        .and_then(|count| count.trim_end_matches('.').parse().ok());
    if promised != Some(share.names) {
        findings.push(format!(
            "docs/claims/{table}.psv: has {} names, and says: {head}",
            share.names
        ));
    }
    share
}

/// Whether `path/to/file.rs::name` is a function marked as a test.
fn is_there(root: &Path, test: &str) -> bool {
    let Some((file, name)) = test.split_once("::") else {
        return false;
    };
    let text = fs::read_to_string(root.join(file)).unwrap_or_default();
    let head = format!("fn {name}(");
    let mut marked = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with(&head) || line.starts_with(&format!("async {head}")) {
            return marked;
        }
        // Other attributes may stand between the mark and the function.
        marked = line.starts_with("#[test]")
            || (marked && (line.starts_with("#[") || line.starts_with("//")));
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_one_line_and_every_test_that_is_named_exists() {
        let findings = claims().expect("the tables are there");
        assert!(findings.is_empty(), "{}", findings.join("\n"));
    }

    #[test]
    fn a_table_that_lies_is_found_out() {
        let lies = [
            (
                "# all: 1\na | covered | xtask/src/claims.rs::nobody",
                "no such test",
            ),
            // A function, and no test.
            (
                "# all: 1\na | covered | xtask/src/claims.rs::is_there",
                "no such test",
            ),
            ("# all: 1\na | covered |", "covered by nothing"),
            ("# all: 1\na | out |", "for no reason"),
            ("# all: 2\na | open |\na | open |", "was there before"),
            ("# all: 2\na | open |", "has 1 names"),
            ("# all: 1\na | perhaps |", "neither"),
            ("# all: 1\na, covered", "no three columns"),
        ];
        for (text, what) in lies {
            let mut findings = Vec::new();
            read(&root(), "lies", text, &mut findings);
            assert!(
                findings.first().is_some_and(|found| found.contains(what)),
                "{text}: {findings:?}"
            );
        }
    }

    #[test]
    fn shares_are_counted() {
        let text = "# all: 3\na | out | no\nb | open |\n\
                    c | covered | xtask/src/claims.rs::shares_are_counted";
        let mut findings = Vec::new();
        let share = read(&root(), "some", text, &mut findings);
        assert_eq!(findings, [""; 0]);
        assert_eq!(
            share.line("some"),
            "some: 1 of 3 names covered (33 %), 1 out of scope, 1 open"
        );
    }
}
