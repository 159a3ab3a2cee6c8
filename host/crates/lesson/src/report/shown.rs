//! Which claims a run has shown. Never knows what a claim says.
//!
//! | what covers it | shown when |
//! |---|---|
//! | a step, its errata included | it was reached, it does or expects or asks something, and all of that went well |
//! | an item, an assertion, a check | it went well |
//! | a quiz | it was answered rightly |

use super::{Report, Status, StepReport};
use serde::Serialize;
use std::collections::BTreeMap;

/// One thing of a lesson that covers a claim, and whether it ran and passed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Shown {
    /// Its step or task, and which thing of it: `expose`, `expose/do[1]`, `front/port`.
    pub by: String,
    /// Whether it ran and passed.
    pub passed: bool,
}

impl Report {
    /// Every claim that the lesson covers, by each thing that does.
    #[must_use]
    pub fn shown(&self) -> BTreeMap<String, Vec<Shown>> {
        let mut shown = BTreeMap::new();
        let mut note = |covers: &[String], by: String, passed: bool| {
            for claim in covers {
                let by = Shown {
                    by: by.clone(),
                    passed,
                };
                shown.entry(claim.clone()).or_insert_with(Vec::new).push(by);
            }
        };
        for step in &self.steps {
            let whole = step.is_shown();
            note(&step.covers, step.id.clone(), whole);
            for (n, item) in step.items.iter().enumerate() {
                let name = item.id.clone().unwrap_or_else(|| format!("do[{n}]"));
                note(
                    &item.covers,
                    format!("{}/{name}", step.id),
                    item.status.is_passed(),
                );
            }
            for (n, then) in step.then.iter().enumerate() {
                let name = then.id.clone().unwrap_or_else(|| format!("then[{n}]"));
                note(
                    &then.covers,
                    format!("{}/{name}", step.id),
                    then.status.is_passed(),
                );
            }
            for quiz in &step.quiz {
                note(
                    &quiz.covers,
                    format!("{}/{}", step.id, quiz.id),
                    quiz.right == Some(true),
                );
            }
        }
        for task in &self.tasks {
            for (n, check) in task.checks.iter().enumerate() {
                let name = check.id.clone().unwrap_or_else(|| format!("checks[{n}]"));
                note(
                    &check.covers,
                    format!("{}/{name}", task.id),
                    check.status.is_passed(),
                );
            }
        }
        shown
    }
}

impl StepReport {
    /// Whether it was reached, has something that can fail, and nothing of it did. What a lesson
    /// marks as optional may have been left out.
    #[must_use]
    pub fn is_shown(&self) -> bool {
        let empty = self.items.is_empty() && self.then.is_empty() && self.quiz.is_empty();
        let went = |status: &Status| !status.is_failed();
        self.began.is_some()
            && !empty
            && self
                .items
                .iter()
                .all(|item| went(&item.status) && item.time.is_some())
            && self.then.iter().all(|then| then.status.is_passed())
            && self.quiz.iter().all(|quiz| quiz.right == Some(true))
    }
}
