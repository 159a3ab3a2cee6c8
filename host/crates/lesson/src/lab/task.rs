//! What the learner is asked and solves. Never solves it.

use super::{Assertion, Matcher, Pos, Text};
use serde::Serialize;
use std::collections::BTreeMap;

/// A question for the learner.
#[derive(Clone, Debug)]
pub struct Quiz {
    /// Its short name.
    pub id: String,
    /// Where it is written.
    pub at: Pos,
    /// Its kind.
    pub kind: QuizKind,
    /// What is asked.
    pub prompt: Text,
    /// What can be chosen.
    pub choices: Vec<Choice>,
    /// The right text or number.
    pub answer: Option<Matcher>,
    /// Points.
    pub points: Option<f64>,
    /// When the answer is told.
    pub reveal: Option<String>,
    /// Claims of the seed registry.
    pub covers: Vec<String>,
}

/// The kind of a quiz.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum QuizKind {
    /// One choice.
    Single,
    /// Some choices.
    Multi,
    /// A number.
    Number,
    /// A word.
    Short,
    /// All choices, in order.
    Order,
    /// One choice, before it happens.
    Predict,
}

/// One choice of a quiz.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Its short name.
    pub id: String,
    /// What it says.
    pub text: Text,
    /// Whether it is right.
    pub correct: bool,
    /// Why or why not.
    pub why: Option<Text>,
}

/// Something the learner solves.
#[derive(Clone, Debug, Default)]
pub struct Task {
    /// Its short name.
    pub id: String,
    /// Where it is written.
    pub at: Pos,
    /// Its title.
    pub title: Text,
    /// What is to be done.
    pub text: Text,
    /// Files handed in.
    pub submit: Vec<Submit>,
    /// What is checked.
    pub checks: Vec<Check>,
    /// Help.
    pub hints: Vec<Hint>,
    /// One right answer.
    pub solution: Solution,
    /// Other right answers.
    pub alternatives: Vec<Alternative>,
    /// Wrong answers.
    pub mutants: Vec<Mutant>,
}

/// A file handed in.
#[derive(Clone, Debug, Default)]
pub struct Submit {
    /// Its path.
    pub path: String,
    /// What it starts as.
    pub starter: Option<String>,
    /// `kubernetes`, `answers` or `none`.
    pub schema: Option<String>,
    /// Its greatest size.
    pub max_bytes: Option<u64>,
}

impl Submit {
    /// Whether it holds answers to quizzes: a map from their ids to a choice, a list of choices, a
    /// number or a word.
    #[must_use]
    pub fn is_answers(&self) -> bool {
        self.schema.as_deref() == Some("answers")
    }
}

/// An assertion that carries points.
#[derive(Clone, Debug)]
pub struct Check {
    /// What must hold.
    pub assertion: Assertion,
    /// Points.
    pub points: f64,
    /// Who sees it.
    pub visibility: Visibility,
    /// Parts of it earn parts of the points.
    pub partial: bool,
    /// Without it nothing else counts.
    pub required: bool,
}

/// Who sees a check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Visibility {
    /// Everybody.
    #[default]
    Public,
    /// Nobody.
    Hidden,
    /// Everybody, later.
    AfterDeadline,
}

/// Help for a task.
#[derive(Clone, Debug)]
pub struct Hint {
    /// What it says.
    pub text: Text,
    /// Not before this many failures.
    pub after_failures: Option<u32>,
    /// Only while these checks fail.
    pub failing: Vec<String>,
    /// The share of points it costs.
    pub cost: Option<f64>,
}

/// One right answer of a task.
#[derive(Clone, Debug, Default)]
pub struct Solution {
    /// Files.
    pub files: BTreeMap<String, String>,
    /// Commands.
    pub run: Vec<String>,
    /// Why it is right.
    pub explain: Option<Text>,
    /// Shown after this many failures.
    pub reveal_after: Option<u32>,
    /// Never shown.
    pub reveal_never: bool,
}

/// Another right answer of a task: it scores full as the solution does.
#[derive(Clone, Debug, Default)]
pub struct Alternative {
    /// Its short name.
    pub name: String,
    /// Where it is written.
    pub at: Pos,
    /// Files.
    pub files: BTreeMap<String, String>,
    /// Commands.
    pub run: Vec<String>,
}

/// One wrong answer of a task.
#[derive(Clone, Debug, Default)]
pub struct Mutant {
    /// Its short name.
    pub name: String,
    /// Files.
    pub files: BTreeMap<String, String>,
    /// Commands.
    pub run: Vec<String>,
    /// Checks that must fail.
    pub fails: Vec<String>,
    /// The points it gets.
    pub score: Option<f64>,
}
