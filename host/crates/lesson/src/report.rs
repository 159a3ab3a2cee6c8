//! What a run came to, as a value, and its faces: text, JSON, JUnit XML.
//!
//! Never holds a real time, a host name or a path of the machine: two runs print the same
//! bytes.

mod json;
mod junit;
mod print;
mod shown;

use crate::lab::{Lang, Pos, Text};
use clock::{Duration, Instant};
use serde::Serialize;
pub use shown::Shown;

/// How a run ended, as an exit code tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// What became of one thing a lesson does or expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Not reached, and why if there is a reason of its own.
    NotReached(Option<Text>),
    /// It went as it should.
    Passed,
    /// It did not.
    Failed(Box<Failure>),
}

impl Status {
    /// Whether it went as it should.
    #[must_use]
    pub fn is_passed(&self) -> bool {
        *self == Self::Passed
    }

    /// Whether it failed.
    #[must_use]
    pub fn is_failed(&self) -> bool {
        matches!(self, Self::Failed(_))
    }

    fn word(&self) -> &'static str {
        match self {
            Self::NotReached(_) => "not-reached",
            Self::Passed => "passed",
            Self::Failed(_) => "failed",
        }
    }
}

/// What became of an item of a step's `do`, or of a command of a solution.
#[derive(Clone, Debug)]
pub struct ItemReport {
    /// Its id, if it has one.
    pub id: Option<String>,
    /// What it does, captures filled in: `$ kubectl get pods`, `fault node-down node-b`.
    pub what: String,
    /// Where it runs, for commands.
    pub place: Option<String>,
    /// A remark beside it.
    pub note: Option<Text>,
    /// What a command wrote.
    pub stdout: String,
    /// What a command complained.
    pub stderr: String,
    /// A command's exit code.
    pub exit: Option<i32>,
    /// When it began and ended.
    pub time: Option<(Instant, Instant)>,
    /// What became of it.
    pub status: Status,
    /// Claims that it shows.
    pub covers: Vec<String>,
}

/// What became of an assertion or a check.
#[derive(Clone, Debug)]
pub struct Expectation {
    /// Its id, if it has one.
    pub id: Option<String>,
    /// What it says, captures filled in.
    pub title: Text,
    /// Points it earns, for checks.
    pub points: Option<f64>,
    /// The share of its points that it earns although it does not hold as a whole.
    pub share: Option<f64>,
    /// Nothing else of its task counts without it.
    pub required: bool,
    /// When it was decided.
    pub at: Option<Instant>,
    /// What became of it.
    pub status: Status,
    /// Claims that it shows.
    pub covers: Vec<String>,
}

/// What became of a quiz.
#[derive(Clone, Debug)]
pub struct QuizReport {
    /// Its id.
    pub id: String,
    /// What is asked.
    pub prompt: Text,
    /// The right answer in words, headless runs answering by the key.
    pub answer: Text,
    /// Why, if the lesson says so.
    pub why: Option<Text>,
    /// Whether the learner was right; `None` if not asked yet.
    pub right: Option<bool>,
    /// Claims that it asks about.
    pub covers: Vec<String>,
}

/// What became of a step.
#[derive(Clone, Debug)]
pub struct StepReport {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: Text,
    /// What is told, captures filled in.
    pub text: Text,
    /// When it began, if it did.
    pub began: Option<Instant>,
    /// Its quizzes.
    pub quiz: Vec<QuizReport>,
    /// Its items.
    pub items: Vec<ItemReport>,
    /// Its assertions.
    pub then: Vec<Expectation>,
    /// Claims that the step as a whole shows.
    pub covers: Vec<String>,
}

/// What became of a task, solved by its solution.
#[derive(Clone, Debug)]
pub struct TaskReport {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: Text,
    /// What is told, captures filled in.
    pub text: Text,
    /// When it began, if it did.
    pub began: Option<Instant>,
    /// Files and commands of the solution.
    pub items: Vec<ItemReport>,
    /// Its checks.
    pub checks: Vec<Expectation>,
}

impl TaskReport {
    /// Points earned and points there are. Without a check that is required nothing is earned.
    #[must_use]
    pub fn points(&self) -> (f64, f64) {
        let all = self.checks.iter().filter_map(|check| check.points);
        let all = all.fold(0.0, |sum, points| sum + points);
        let gate = self.checks.iter().filter(|check| check.required);
        if gate.into_iter().any(|check| !check.status.is_passed()) {
            return (0.0, all);
        }
        let earned = self.checks.iter().map(Expectation::earned);
        (earned.fold(0.0, |sum, points| sum + points), all)
    }
}

impl Expectation {
    /// Points that it earns.
    #[must_use]
    pub fn earned(&self) -> f64 {
        let share = match &self.status {
            Status::Passed => 1.0,
            Status::Failed(_) => self.share.unwrap_or(0.0),
            Status::NotReached(_) => 0.0,
        };
        self.points.unwrap_or(0.0) * share
    }
}

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// The lesson's id.
    pub lab: String,
    /// The lesson's title.
    pub title: Text,
    /// The lesson's file, as failures name it.
    pub source: String,
    /// The seed it was run with, if known.
    pub seed: Option<u64>,
    /// How it ended.
    pub outcome: Outcome,
    /// What went wrong outside every step: preparing the world, a limit.
    pub trouble: Option<Text>,
    /// The steps.
    pub steps: Vec<StepReport>,
    /// The tasks.
    pub tasks: Vec<TaskReport>,
    /// How long it took, in virtual time unless `real_time`.
    pub took: Duration,
    /// Whether time was that of a clock on the wall.
    pub real_time: bool,
}

impl Report {
    /// Points earned and points there are.
    #[must_use]
    pub fn points(&self) -> (f64, f64) {
        let sums = self.tasks.iter().map(TaskReport::points);
        sums.fold((0.0, 0.0), |(earned, all), (e, a)| (earned + e, all + a))
    }

    /// Every failure, in order.
    #[must_use]
    pub fn failures(&self) -> Vec<&Failure> {
        let steps = self.steps.iter().flat_map(|step| {
            step.items
                .iter()
                .map(|item| &item.status)
                .chain(step.then.iter().map(|then| &then.status))
        });
        let tasks = self.tasks.iter().flat_map(|task| {
            task.items
                .iter()
                .map(|item| &item.status)
                .chain(task.checks.iter().map(|check| &check.status))
        });
        steps
            .chain(tasks)
            .filter_map(|status| match status {
                Status::Failed(failure) => Some(failure.as_ref()),
                _ => None,
            })
            .collect()
    }

    /// For people: one line per thing, `✓` and `✗`; with `prose` also what the lesson tells and
    /// what commands wrote.
    #[must_use]
    pub fn to_text(&self, lang: Lang, prose: bool) -> String {
        print::text(self, lang, prose)
    }

    /// For programs: keys sorted, one line break at the end.
    #[must_use]
    pub fn to_json(&self) -> String {
        json::text(&json::value(self))
    }

    /// For CI systems; times are virtual seconds.
    #[must_use]
    pub fn to_junit(&self, lang: Lang) -> String {
        junit::text(std::slice::from_ref(self), lang)
    }
}

/// Several runs for programs: a list of what [`Report::to_json`] gives.
#[must_use]
pub fn to_json(reports: &[Report]) -> String {
    json::text(&reports.iter().map(json::value).collect())
}

/// Several runs for CI systems, in one document.
#[must_use]
pub fn to_junit(reports: &[Report], lang: Lang) -> String {
    junit::text(reports, lang)
}
