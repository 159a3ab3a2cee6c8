//! What is odd about tasks and questions: points that do not add up, checks that nothing fails,
//! answers told by the question. Never solves them.

use super::at;
use crate::finding::{Finding, Severity};
use crate::lab::{Check, Lab, Matcher, Mutant, Pos, Quiz, Task};
use std::collections::BTreeSet;

pub(super) fn look(lab: &Lab) -> Vec<Finding> {
    let mut findings = Vec::new();
    for task in &lab.tasks {
        tell(lab, &mut findings, unfailed(task));
        tell(lab, &mut findings, scores(task));
    }
    for quiz in lab.steps.iter().flat_map(|step| &step.quiz) {
        tell(lab, &mut findings, told(quiz));
    }
    findings
}

/// Place, code, message and remedy.
type Odd = (Pos, &'static str, String, &'static str);

fn tell(lab: &Lab, findings: &mut Vec<Finding>, odd: Vec<Odd>) {
    findings.extend(odd.into_iter().map(|(place, code, message, help)| {
        at(
            &lab.source,
            place,
            code,
            Severity::Warning,
            message,
            Some(help),
        )
    }));
}

/// Checks that every answer passes.
fn unfailed(task: &Task) -> Vec<Odd> {
    let failed: BTreeSet<&str> = task
        .mutants
        .iter()
        .flat_map(|mutant| &mutant.fails)
        .map(String::as_str)
        .collect();
    let checks = task.checks.iter().map(|check| &check.assertion);
    let unfailed = checks.filter_map(|check| Some((check.at, check.id.as_deref()?)));
    unfailed
        .filter(|(_, id)| !failed.contains(id))
        .map(|(place, id)| {
            let message = format!("no mutant of `{}` fails the check `{id}`", task.id);
            (
                place,
                "LAB054",
                message,
                "add a wrong answer that this check catches",
            )
        })
        .collect()
}

/// Scores of mutants that are not the sum of what they pass.
fn scores(task: &Task) -> Vec<Odd> {
    // A fraction of a check may be earned: only a run can tell.
    if task.checks.iter().any(|check| check.partial) {
        return Vec::new();
    }
    let odd = task.mutants.iter().filter_map(|mutant| {
        let said = mutant.score?;
        let sum = earned(task, mutant);
        (said - sum).abs().gt(&1e-9).then(|| {
            let name = &mutant.name;
            let message =
                format!("the mutant `{name}` says {said} points; what it passes is worth {sum}");
            (task.at, "LAB051", message, "correct `score` or `fails`")
        })
    });
    odd.collect()
}

fn earned(task: &Task, mutant: &Mutant) -> f64 {
    let fails = |check: &Check| {
        let id = check.assertion.id.as_ref();
        id.is_some_and(|id| mutant.fails.contains(id))
    };
    if task
        .checks
        .iter()
        .any(|check| check.required && fails(check))
    {
        return 0.0;
    }
    task.checks
        .iter()
        .filter(|check| !fails(check))
        .map(|check| check.points)
        .sum()
}

/// A word that is asked for and stands in the question.
fn told(quiz: &Quiz) -> Vec<Odd> {
    let Some(Matcher::Equals(answer)) = &quiz.answer else {
        return Vec::new();
    };
    let Some(answer) = answer.as_str().filter(|answer| answer.len() > 1) else {
        return Vec::new();
    };
    let tells = [&quiz.prompt.ja, &quiz.prompt.en]
        .iter()
        .any(|prompt| prompt.contains(answer));
    if !tells {
        return Vec::new();
    }
    let message = format!("the answer `{answer}` stands in the question");
    vec![(quiz.at, "LAB062", message, "ask without saying it")]
}
