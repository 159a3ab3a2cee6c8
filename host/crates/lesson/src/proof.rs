//! Whether a lesson proves itself: solved it passes, unsolved it fails, and each wrong answer
//! fails exactly where the lesson says. Never runs it; it reads the report of a run.

use crate::engine::Attempt;
use crate::lab::{Lab, Text};
use crate::report::{Outcome, Report, TaskReport};
use std::collections::BTreeSet;

impl Report {
    /// What this run, made with `attempt`, shows to be wrong with the lesson; nothing is good.
    #[must_use]
    pub fn contradictions(&self, lab: &Lab, attempt: &Attempt) -> Vec<Text> {
        if matches!(self.outcome, Outcome::Invalid | Outcome::Limit) {
            return self.trouble.clone().into_iter().collect();
        }
        match attempt {
            Attempt::Solution => self.unsolved("the solution", "解答例"),
            Attempt::Alternative { name, .. } => self.unsolved(name, name),
            Attempt::Nothing => self.solved_by_nothing(),
            Attempt::Mutant { task, name } => self.mutant(lab, task, name),
        }
    }

    fn unsolved(&self, en: &str, ja: &str) -> Vec<Text> {
        if self.outcome == Outcome::Passed {
            return Vec::new();
        }
        vec![told(
            format!("{ja}で合格しません"),
            format!("{en} does not pass"),
        )]
    }

    fn solved_by_nothing(&self) -> Vec<Text> {
        let solved = |task: &&TaskReport| task.began.is_some() && failing(task).is_empty();
        let tasks = self.tasks.iter().filter(solved);
        tasks
            .map(|task| {
                let id = &task.id;
                told(
                    format!("課題 {id} は何もしなくても合格します"),
                    format!("the task {id} passes without an answer"),
                )
            })
            .collect()
    }

    fn mutant(&self, lab: &Lab, id: &str, name: &str) -> Vec<Text> {
        let task = self
            .tasks
            .iter()
            .find(|task| task.id == id && task.began.is_some());
        let mutant = lab
            .tasks
            .iter()
            .filter(|task| task.id == id)
            .flat_map(|task| &task.mutants);
        let Some((task, mutant)) = task.zip(mutant.into_iter().find(|mutant| mutant.name == name))
        else {
            return vec![told(
                format!("{id} の {name} まで進みません"),
                format!("{name} of {id} is not reached"),
            )];
        };
        let mut wrong = Vec::new();
        let failing = failing(task);
        let expected: BTreeSet<&str> = mutant.fails.iter().map(String::as_str).collect();
        if failing != expected {
            let (seen, wanted) = (listed(&failing), listed(&expected));
            wrong.push(told(
                format!("{name}: 落ちたのは {seen}、落ちるはずなのは {wanted}"),
                format!("{name}: {seen} failed, {wanted} should"),
            ));
        }
        let (earned, _) = task.points();
        if let Some(score) = mutant.score.filter(|score| (score - earned).abs() > 1e-9) {
            wrong.push(told(
                format!("{name}: {earned}点でした({score}点のはず)"),
                format!("{name}: {earned} points, should be {score}"),
            ));
        }
        wrong
    }
}

/// Checks that did not pass, those not reached included.
fn failing(task: &TaskReport) -> BTreeSet<&str> {
    let bad = task.checks.iter().filter(|check| !check.status.is_passed());
    bad.filter_map(|check| check.id.as_deref()).collect()
}

fn listed(ids: &BTreeSet<&str>) -> String {
    if ids.is_empty() {
        "–".to_owned()
    } else {
        ids.iter().copied().collect::<Vec<_>>().join(", ")
    }
}

fn told(ja: impl Into<String>, en: impl Into<String>) -> Text {
    Text {
        ja: ja.into(),
        en: en.into(),
    }
}
