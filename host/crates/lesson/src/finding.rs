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
