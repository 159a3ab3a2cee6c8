//! What is wrong with a lesson's text, and where. Never stops at the first.

use crate::Pos;
use serde::Serialize;
use std::fmt;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The lesson cannot be run.
    Error,
    /// It can, but should be better.
    Warning,
}

/// One thing wrong with a lesson.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The lesson's file.
    pub source: String,
    /// Where in it.
    pub at: Pos,
    /// The rule, such as `LAB012`.
    pub code: &'static str,
    /// How bad.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// How `--fix` mends it; nothing when only a person can.
    #[serde(skip)]
    pub fix: Vec<Edit>,
}

/// A change of a text: what stands from one place up to another becomes something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The first character that goes.
    pub from: Pos,
    /// The first that stays.
    pub to: Pos,
    /// What comes instead.
    pub text: String,
}

/// A text with changes made, from the last to the first; of two that overlap only one is made.
#[must_use]
pub fn apply_edits(text: &str, edits: &[Edit]) -> String {
    let mut edits: Vec<&Edit> = edits.iter().collect();
    edits.sort_by_key(|edit| (edit.from, edit.to));
    edits.dedup();
    let mut changed = text.to_owned();
    let mut limit = text.len();
    for edit in edits.into_iter().rev() {
        let (from, to) = (offset(text, edit.from), offset(text, edit.to));
        if from <= to && to <= limit {
            changed.replace_range(from..to, &edit.text);
            limit = from;
        }
    }
    changed
}

/// How many bytes come before a place; beyond the end of a line is its end.
#[must_use]
pub fn offset(text: &str, at: Pos) -> usize {
    let mut start = 0;
    for (n, line) in (1..).zip(text.split_inclusive('\n')) {
        if n == at.line {
            let body = line.trim_end_matches(['\n', '\r']);
            let column = at.column.saturating_sub(1) as usize;
            let within = body
                .char_indices()
                .nth(column)
                .map_or(body.len(), |(i, _)| i);
            return start + within;
        }
        start += line.len();
    }
    text.len()
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let Self {
            source,
            at,
            code,
            message,
            ..
        } = self;
        write!(
            f,
            "{source}:{}:{}  {code} {severity}  {message}",
            at.line, at.column
        )?;
        self.help
            .as_ref()
            .map_or(Ok(()), |help| write!(f, "\n    {help}"))
    }
}
