//! The lab format as types, every form of it. Never reads a file: texts come in as arguments.

mod environment;
mod shape;
mod step;
mod subject;
mod task;

pub use environment::*;
pub use shape::*;
pub use step::*;
pub use subject::*;
pub use task::*;

use clock::Duration;
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// A place in the lesson's text, both counted from one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Pos {
    /// Line.
    pub line: u32,
    /// Column, in characters.
    pub column: u32,
}

/// A language a lesson is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    /// Japanese.
    #[default]
    Ja,
    /// English.
    En,
}

/// Prose in every language.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Text {
    /// Japanese.
    pub ja: String,
    /// English.
    pub en: String,
}

impl Text {
    /// The same words in every language.
    #[must_use]
    pub fn neutral(text: impl Into<String>) -> Self {
        let ja = text.into();
        Self { en: ja.clone(), ja }
    }

    /// The words of one language.
    #[must_use]
    pub fn get(&self, lang: Lang) -> &str {
        match lang {
            Lang::Ja => &self.ja,
            Lang::En => &self.en,
        }
    }
}

/// One lesson.
#[derive(Clone, Debug)]
pub struct Lab {
    /// The name of the file it was read from, as findings and failures print it.
    pub source: String,
    /// Who it is.
    pub metadata: Metadata,
    /// Values that differ per student when graded.
    pub params: BTreeMap<String, Param>,
    /// The world it needs.
    pub environment: Environment,
    /// What is not said elsewhere.
    pub defaults: Defaults,
    /// Bounds.
    pub limits: Limits,
    /// What is told and done, in order.
    pub steps: Vec<Step>,
    /// What the learner solves.
    pub tasks: Vec<Task>,
    /// The share of points that passes.
    pub pass_mark: Option<f64>,
}

/// Who a lesson is.
#[derive(Clone, Debug, Default)]
pub struct Metadata {
    /// Its short name.
    pub id: String,
    /// Its title.
    pub title: Text,
    /// One sentence.
    pub summary: Option<Text>,
    /// The course it belongs to.
    pub course: Option<String>,
    /// Its place in the course.
    pub order: Option<i64>,
    /// The languages it is written in.
    pub languages: Vec<Lang>,
    /// How long it takes.
    pub minutes: Option<i64>,
    /// `intro`, `core` or `stretch`.
    pub level: Option<String>,
    /// Lessons that come before.
    pub requires: Vec<String>,
    /// What the learner can do afterwards.
    pub objectives: Vec<Text>,
    /// Documents it follows.
    pub seeds: Vec<String>,
    /// Licence of its text.
    pub license: Option<String>,
    /// Who wrote it.
    pub authors: Vec<String>,
}

/// A value that differs per student when graded.
#[derive(Clone, Debug)]
pub struct Param {
    /// How it is drawn.
    pub kind: ParamKind,
    /// Its value when practising.
    pub default: Value,
}

/// How a parameter is drawn.
#[derive(Clone, Debug)]
pub enum ParamKind {
    /// A number between two, both included.
    Int {
        /// The bounds.
        range: Option<(i64, i64)>,
    },
    /// One of some values.
    Choice {
        /// The values.
        of: Vec<Value>,
    },
    /// A name.
    Name {
        /// What it begins with.
        prefix: Option<String>,
    },
}

/// What is not said elsewhere in the lesson.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// How long an assertion without a mode may take to hold.
    pub within: Duration,
    /// The terminal.
    pub session: String,
    /// The namespace.
    pub namespace: String,
}

/// Bounds of a run.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Real time; a safety net of the shell.
    pub wall: Option<Duration>,
    /// Virtual time for the whole lesson.
    pub virtual_time: Duration,
    /// Instructions.
    pub fuel: Option<u64>,
    /// Memory, as a quantity.
    pub memory: Option<String>,
    /// Output per command, as a quantity.
    pub output: Option<String>,
}
