//! Which stages a lesson has, in order. Never runs one.

use super::{Attempt, Options};
use crate::lab::{Assertion, ItemKind, Lab, Quiz, QuizKind, Task};
use crate::template::Captures;
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};

/// Assertions that are looked at together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    /// Those of a step.
    Step(usize),
    /// The checks of a task.
    Task(usize),
}

/// One thing that begins when the one before has ended. Numbers are indices in the lesson;
/// of solutions, the second is the line of the report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    File(usize),
    Manifest(usize),
    Fault(usize),
    Rest,
    Step(usize),
    Quiz(usize, usize),
    Pause(usize, usize),
    Item(usize, usize),
    Watch(Group),
    Task(usize),
    SolutionFile(usize, usize, String),
    SolutionApply(usize, usize, String),
    SolutionRun(usize, usize, usize),
}

pub(super) fn stages(lab: &Lab, options: &Options) -> VecDeque<Stage> {
    let environment = &lab.environment;
    let mut stages = VecDeque::new();
    stages.extend((0..environment.files.len()).map(Stage::File));
    stages.extend((0..environment.manifests.len()).map(Stage::Manifest));
    stages.push_back(Stage::Rest);
    stages.extend((0..environment.faults.len()).map(Stage::Fault));
    for (i, step) in lab.steps.iter().enumerate() {
        stages.push_back(Stage::Step(i));
        stages.extend(
            (0..step.quiz.len())
                .filter(|j| is_prediction(&step.quiz[*j]))
                .map(|j| Stage::Quiz(i, j)),
        );
        for (j, item) in step.items.iter().enumerate() {
            if options.guided {
                stages.push_back(Stage::Pause(i, j));
            }
            if matches!(&item.what, ItemKind::Run(run) if !run.no_settle && !run.copy_only) {
                stages.push_back(Stage::Rest);
            }
            stages.push_back(Stage::Item(i, j));
        }
        if !step.then.is_empty() {
            stages.push_back(Stage::Watch(Group::Step(i)));
        }
        stages.extend(
            (0..step.quiz.len())
                .filter(|j| !is_prediction(&step.quiz[*j]))
                .map(|j| Stage::Quiz(i, j)),
        );
        if options.until_step.as_deref() == Some(&step.id) {
            return stages;
        }
    }
    if !options.skip_tasks {
        lab.tasks.iter().enumerate().for_each(|(k, task)| {
            if options.left_out.contains_key(&task.at) {
                stages.extend([Stage::Task(k), Stage::Watch(Group::Task(k))]);
            } else {
                solve(k, task, &options.attempt, &mut stages);
            }
        });
    }
    stages
}

/// A prediction is asked before, everything else after.
fn is_prediction(quiz: &Quiz) -> bool {
    quiz.kind == QuizKind::Predict
}

/// Whether a file of a solution is handed to the API server.
fn is_manifest(task: &Task, path: &str) -> bool {
    match task
        .submit
        .iter()
        .find(|submit| submit.path == path)
        .map(|submit| submit.schema.as_deref())
    {
        Some(Some(schema)) => schema == "kubernetes",
        Some(None) => path.ends_with(".yaml") || path.ends_with(".yml"),
        None => false,
    }
}

/// What a task is answered with.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    pub(super) files: BTreeMap<String, String>,
    pub(super) run: Vec<String>,
}

pub(super) fn answer(task: &Task, attempt: &Attempt) -> Answer {
    let (files, run) = match attempt {
        Attempt::Nothing => return Answer::default(),
        Attempt::Mutant { task: id, name } if *id == task.id => {
            let Some(mutant) = task.mutants.iter().find(|mutant| mutant.name == *name) else {
                return Answer::default();
            };
            (&mutant.files, &mutant.run)
        }
        Attempt::Alternative { task: id, name } if *id == task.id => {
            let Some(other) = task.alternatives.iter().find(|other| other.name == *name) else {
                return Answer::default();
            };
            (&other.files, &other.run)
        }
        Attempt::Mutant { .. } | Attempt::Alternative { .. } | Attempt::Solution => {
            (&task.solution.files, &task.solution.run)
        }
    };
    Answer {
        files: files.clone(),
        run: run.clone(),
    }
}

fn solve(k: usize, task: &Task, attempt: &Attempt, stages: &mut VecDeque<Stage>) {
    let answer = answer(task, attempt);
    stages.push_back(Stage::Task(k));
    let mut line = 0;
    let mut next = || {
        line += 1;
        line - 1
    };
    for path in answer.files.keys() {
        stages.push_back(Stage::SolutionFile(k, next(), path.clone()));
    }
    // Files are applied in the order the task asks for them, not in that of their names.
    for submit in task
        .submit
        .iter()
        .filter(|submit| is_manifest(task, &submit.path))
    {
        if answer.files.contains_key(&submit.path) {
            stages.push_back(Stage::SolutionApply(k, next(), submit.path.clone()));
        }
    }
    for m in 0..answer.run.len() {
        stages.push_back(Stage::Rest);
        stages.push_back(Stage::SolutionRun(k, next(), m));
    }
    stages.push_back(Stage::Rest);
    stages.push_back(Stage::Watch(Group::Task(k)));
}

/// How many lines of the report an answer takes.
pub(super) fn answer_lines(task: &Task, attempt: &Attempt) -> usize {
    let mut stages = VecDeque::new();
    solve(0, task, attempt, &mut stages);
    let is_line = |stage: &&Stage| {
        matches!(
            stage,
            Stage::SolutionFile(..) | Stage::SolutionApply(..) | Stage::SolutionRun(..)
        )
    };
    stages.iter().filter(is_line).count()
}

/// The assertions of a group.
pub(super) fn assertions(lab: &Lab, group: Group) -> Box<dyn Iterator<Item = &Assertion> + '_> {
    match group {
        Group::Step(i) => Box::new(lab.steps[i].then.iter()),
        Group::Task(k) => Box::new(lab.tasks[k].checks.iter().map(|check| &check.assertion)),
    }
}

/// Whether an answer is right.
pub(super) fn is_right(quiz: &Quiz, answer: &[String], captures: &Captures) -> bool {
    let right = || {
        quiz.choices
            .iter()
            .filter(|choice| choice.correct)
            .map(|choice| choice.id.as_str())
    };
    let given = || answer.iter().map(String::as_str);
    match quiz.kind {
        QuizKind::Single | QuizKind::Predict => {
            answer.len() == 1 && right().any(|id| id == answer[0])
        }
        QuizKind::Multi => {
            given().all(|id| right().any(|r| r == id)) && right().all(|id| given().any(|g| g == id))
        }
        QuizKind::Order => given().eq(quiz.choices.iter().map(|choice| choice.id.as_str())),
        QuizKind::Number | QuizKind::Short => {
            let Some(text) = answer.first().map(|text| text.trim()) else {
                return false;
            };
            let as_number = text.parse::<i64>().map(Value::from).ok();
            let values = [Some(Value::from(text)), as_number];
            let shape = quiz.answer.as_ref();
            values
                .into_iter()
                .flatten()
                .any(|value| shape.is_some_and(|shape| shape.check_value(value, captures).is_ok()))
        }
    }
}
