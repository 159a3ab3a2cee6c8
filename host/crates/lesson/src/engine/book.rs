//! What happened, written down as it happens. Never decides what comes next.

use super::Options;
use super::judge::Ended;
use super::script::{Group, answer_lines, assertions};
use super::watch::filled;
use crate::lab::{Assertion, Item, Lab, Quiz, QuizKind, Step, Task, Text};
use crate::place::Place;
use crate::report::{
    Expectation, ItemReport, Outcome, QuizReport, Report, Status, StepReport, TaskReport,
};
use crate::template::Captures;
use clock::{Duration, Instant};
use std::sync::Arc;

/// A line of the report: an item of a step, or of a task's solution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Line {
    Step(usize, usize),
    Task(usize, usize),
}

#[derive(Debug)]
pub(super) struct Book {
    lab: Arc<Lab>,
    report: Report,
}

impl Book {
    pub(super) fn new(lab: &Arc<Lab>, options: &Options, captures: &Captures) -> Self {
        let report = Report {
            lab: lab.metadata.id.clone(),
            title: filled(&lab.metadata.title, captures),
            source: lab.source.clone(),
            seed: options.seed.or(lab.environment.seed),
            outcome: Outcome::Passed,
            trouble: None,
            steps: lab.steps.iter().map(blank_step).collect(),
            tasks: lab
                .tasks
                .iter()
                .map(|task| blank_task(task, options))
                .collect(),
            took: Duration::ZERO,
            real_time: options.real_time,
        };
        Self {
            lab: Arc::clone(lab),
            report,
        }
    }

    pub(super) fn report(&self, took: Duration) -> Report {
        Report {
            took,
            ..self.report.clone()
        }
    }

    pub(super) fn outcome(&mut self, outcome: Outcome) {
        self.report.outcome = outcome;
    }

    pub(super) fn trouble(&mut self, outcome: Outcome, told: Text) {
        self.report.outcome = outcome;
        self.report.trouble = Some(told);
    }

    pub(super) fn step_begins(&mut self, i: usize, at: Instant, told: &Text, captures: &Captures) {
        self.report.steps[i].began = Some(at);
        self.report.steps[i].title = filled(&self.lab.steps[i].title, captures);
        self.report.steps[i].text = filled(told, captures);
    }

    pub(super) fn task_begins(&mut self, k: usize, at: Instant, told: &Text, captures: &Captures) {
        self.report.tasks[k].began = Some(at);
        self.report.tasks[k].title = filled(&self.lab.tasks[k].title, captures);
        self.report.tasks[k].text = filled(told, captures);
    }

    /// A quiz is asked: its words are those of this moment.
    pub(super) fn quiz_asked(&mut self, i: usize, j: usize, captures: &Captures) {
        let quiz = &mut self.report.steps[i].quiz[j];
        let told = [&mut quiz.prompt, &mut quiz.answer];
        for words in told.into_iter().chain(&mut quiz.why) {
            *words = filled(words, captures);
        }
    }

    pub(super) fn quiz_answered(&mut self, i: usize, j: usize, right: bool) {
        self.report.steps[i].quiz[j].right = Some(right);
    }

    fn line(&mut self, line: Line) -> &mut ItemReport {
        match line {
            Line::Step(i, j) => &mut self.report.steps[i].items[j],
            Line::Task(k, n) => &mut self.report.tasks[k].items[n],
        }
    }

    pub(super) fn item_begins(&mut self, line: Option<Line>, what: &str, at: Instant) {
        let Some(line) = line else { return };
        let item = self.line(line);
        what.clone_into(&mut item.what);
        item.time = Some((at, at));
    }

    pub(super) fn item_place(&mut self, line: Line, place: &Place) {
        self.line(line).place = (*place != Place::Workstation).then(|| place.to_string());
    }

    pub(super) fn item_left(&mut self, line: Line, left: &Ended) {
        let item = self.line(line);
        item.stdout.clone_from(&left.stdout);
        item.stderr.clone_from(&left.stderr);
        item.exit = left.exit;
    }

    /// What a line does, captures filled in.
    pub(super) fn what(&mut self, line: Line) -> String {
        self.line(line).what.clone()
    }

    /// What a command left behind so far.
    pub(super) fn left(&mut self, line: Line) -> Ended {
        let item = self.line(line);
        Ended {
            stdout: item.stdout.clone(),
            stderr: item.stderr.clone(),
            exit: item.exit,
            waits: false,
        }
    }

    pub(super) fn item_ends(&mut self, line: Line, at: Instant, status: Status) {
        let item = self.line(line);
        item.time = Some((item.time.map_or(at, |(began, _)| began), at));
        item.status = status;
    }

    pub(super) fn decided(
        &mut self,
        group: Group,
        n: usize,
        at: Option<Instant>,
        (status, share): (Status, Option<f64>),
        captures: &Captures,
    ) {
        let title = assertions(&self.lab, group)
            .nth(n)
            .and_then(|assertion| assertion.title.clone());
        let partial = match group {
            Group::Step(_) => false,
            Group::Task(k) => self.lab.tasks[k].checks[n].partial,
        };
        let expectation = match group {
            Group::Step(i) => &mut self.report.steps[i].then[n],
            Group::Task(k) => &mut self.report.tasks[k].checks[n],
        };
        if let Some(title) = title {
            expectation.title = filled(&title, captures);
        }
        expectation.at = at;
        expectation.share = share.filter(|share| partial && *share > 0.0);
        expectation.status = status;
    }
}

fn blank_step(step: &Step) -> StepReport {
    StepReport {
        id: step.id.clone(),
        title: step.title.clone(),
        text: step.text.clone(),
        began: None,
        quiz: step.quiz.iter().map(blank_quiz).collect(),
        items: step.items.iter().map(blank_item).collect(),
        then: step
            .then
            .iter()
            .map(|assertion| blank_expectation(assertion, None))
            .collect(),
        covers: step.covers.clone(),
    }
}

fn blank_task(task: &Task, options: &Options) -> TaskReport {
    let item = || ItemReport {
        id: None,
        what: String::new(),
        place: None,
        note: None,
        stdout: String::new(),
        stderr: String::new(),
        exit: None,
        time: None,
        status: Status::NotReached(None),
        covers: Vec::new(),
    };
    TaskReport {
        id: task.id.clone(),
        title: task.title.clone(),
        text: task.text.clone(),
        began: None,
        items: (0..answer_lines(task, &options.attempt))
            .map(|_| item())
            .collect(),
        checks: task
            .checks
            .iter()
            .map(|check| Expectation {
                required: check.required,
                ..blank_expectation(&check.assertion, Some(check.points))
            })
            .collect(),
    }
}

fn blank_item(item: &Item) -> ItemReport {
    ItemReport {
        id: item.id.clone(),
        what: item.what.in_short(),
        place: None,
        note: item.note.clone(),
        stdout: String::new(),
        stderr: String::new(),
        exit: None,
        time: None,
        status: Status::NotReached(None),
        covers: item.covers.clone(),
    }
}

fn blank_expectation(assertion: &Assertion, points: Option<f64>) -> Expectation {
    let asked = || super::words::asked(&assertion.subject, &Captures::new());
    Expectation {
        id: assertion.id.clone(),
        title: assertion.title.clone().unwrap_or_else(asked),
        points,
        share: None,
        required: false,
        at: None,
        status: Status::NotReached(None),
        covers: assertion.covers.clone(),
    }
}

fn blank_quiz(quiz: &Quiz) -> QuizReport {
    let right: Vec<_> = match quiz.kind {
        QuizKind::Order => quiz.choices.iter().collect(),
        _ => quiz
            .choices
            .iter()
            .filter(|choice| choice.correct)
            .collect(),
    };
    let join = |side: fn(&Text) -> &str| {
        right
            .iter()
            .map(|choice| side(&choice.text))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let answer = match &quiz.answer {
        Some(shape) => Text::neutral(shape.told(&Captures::new())),
        None => Text {
            ja: join(|text| &text.ja),
            en: join(|text| &text.en),
        },
    };
    QuizReport {
        id: quiz.id.clone(),
        prompt: quiz.prompt.clone(),
        answer,
        why: right.first().and_then(|choice| choice.why.clone()),
        right: None,
        covers: quiz.covers.clone(),
    }
}
