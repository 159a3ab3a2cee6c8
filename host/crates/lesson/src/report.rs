//! What a run came to, as a value. Never holds a real time: two runs print the same bytes.

use crate::{Pos, Text};
use clock::Instant;
use serde::Serialize;

/// How a run ended, as an exit code tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Everything held: 0.
    Passed,
    /// An expectation failed: 1.
    Failed,
    /// The lesson itself is wrong: 3.
    Invalid,
    /// A limit was hit: 4.
    Limit,
}

impl Outcome {
    /// The exit code of `lab run`.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Failed => 1,
            Self::Invalid => 3,
            Self::Limit => 4,
        }
    }
}

/// An expectation that did not hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// What was asked.
    pub asked: Text,
    /// What was seen.
    pub seen: Text,
    /// Since when it was so.
    pub since: Instant,
    /// When it was decided.
    pub at: Instant,
    /// Where in the lesson it is written.
    pub pos: Pos,
    /// What the lesson says about it: `else`, then what `diagnose` found.
    pub advice: Vec<Text>,
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// How it ended.
    pub outcome: Outcome,
}
