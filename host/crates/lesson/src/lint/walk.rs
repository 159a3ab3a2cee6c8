//! What a lesson says twice, forgets or cannot mean. Never looks at prose as prose.
//!
//! Walks the lesson in the order it is run, so a capture used before it exists is found.

use crate::expression;
use crate::finding::{Finding, Severity};
use crate::lab::{
    Assertion, ItemKind, Lab, Like, Mode, Pos, QuizKind, Run, Step, Subject, Task, Text,
};
use crate::template::{Part, holes, parts};
use clock::Duration;
use std::collections::{BTreeMap, BTreeSet};

/// Every finding that makes a lesson unfit to run.
pub(super) fn lint(lab: &Lab) -> Vec<Finding> {
    let mut findings = walked(lab).findings;
    findings.retain(|finding| finding.severity == Severity::Error);
    findings
}

/// Captures that hide others or that nothing uses.
pub(super) fn unused(lab: &Lab) -> Vec<Finding> {
    let mut lint = walked(lab);
    for (name, at) in std::mem::take(&mut lint.captured) {
        if !lint.used.contains(&name) {
            let help = "leave out `as` and the name: a plain hole checks the form as well";
            let message = format!("nothing uses the capture `{name}`");
            lint.find(at, "LAB034", Severity::Warning, message, Some(help));
        }
    }
    lint.findings
        .retain(|finding| finding.severity == Severity::Warning);
    lint.findings
}

fn walked(lab: &Lab) -> Lint<'_> {
    let mut lint = Lint {
        lab,
        known: BTreeSet::new(),
        runs: BTreeSet::new(),
        used: BTreeSet::new(),
        captured: BTreeMap::new(),
        findings: Vec::new(),
    };
    lint.known.extend(lab.params.keys().cloned());
    lint.ids();
    lint.steps();
    let after_steps = lint.known.clone();
    for task in &lab.tasks {
        lint.task(task);
        lint.known.clone_from(&after_steps);
    }
    lint
}

struct Lint<'a> {
    lab: &'a Lab,
    /// Captures that exist at this point.
    known: BTreeSet<String>,
    /// Runs with an id so far.
    runs: BTreeSet<String>,
    /// Captures that something uses.
    used: BTreeSet<String>,
    /// Where each capture is made first.
    captured: BTreeMap<String, Pos>,
    findings: Vec<Finding>,
}

impl Lint<'_> {
    fn find(
        &mut self,
        at: Pos,
        code: &'static str,
        severity: Severity,
        message: String,
        help: Option<&str>,
    ) {
        let (source, help) = (self.lab.source.clone(), help.map(str::to_owned));
        self.findings.push(Finding {
            source,
            at,
            code,
            severity,
            message,
            help,
            fix: Vec::new(),
        });
    }

    fn error(&mut self, at: Pos, code: &'static str, message: String) {
        self.find(at, code, Severity::Error, message, None);
    }

    fn ids(&mut self) {
        let mut seen: BTreeMap<String, Pos> = BTreeMap::new();
        let steps = self.lab.steps.iter().map(|step| (step.id.clone(), step.at));
        let tasks = self.lab.tasks.iter().map(|task| (task.id.clone(), task.at));
        for (id, at) in steps.chain(tasks).collect::<Vec<_>>() {
            if let Some(first) = seen.insert(id.clone(), at) {
                self.error(
                    at,
                    "LAB008",
                    format!("the id `{id}` is taken by line {}", first.line),
                );
            }
        }
    }

    fn steps(&mut self) {
        for step in &self.lab.steps {
            self.prose(&step.title, step.at);
            self.prose(&step.text, step.at);
            self.asked(step, true);
            for item in &step.items {
                item.note.iter().for_each(|note| self.prose(note, item.at));
                self.item(&item.what, item.at, item.id.as_deref());
            }
            self.asked(step, false);
            // Assertions of one step run side by side; whoever needs a capture waits for it.
            for assertion in &step.then {
                self.captured_by(&assertion.subject);
            }
            self.assertions(step.then.iter());
        }
    }

    /// Questions before the learner does something, or after.
    fn asked(&mut self, step: &Step, before: bool) {
        let due = step
            .quiz
            .iter()
            .filter(|quiz| (quiz.kind == QuizKind::Predict) == before);
        for quiz in due {
            self.prose(&quiz.prompt, quiz.at);
            for choice in &quiz.choices {
                self.prose(&choice.text, quiz.at);
                choice.why.iter().for_each(|why| self.prose(why, quiz.at));
            }
        }
    }

    fn prose(&mut self, text: &Text, at: Pos) {
        self.uses(&text.ja, at);
        self.uses(&text.en, at);
    }

    fn uses(&mut self, text: &str, at: Pos) {
        for name in holes(text).collect::<Vec<_>>() {
            self.name(name, at);
        }
    }

    fn name(&mut self, name: &str, at: Pos) {
        self.used.insert(name.to_owned());
        if !self.known.contains(name) {
            let help =
                "capture it in an earlier `like` with `@(type as name)`, or in `resource.capture`";
            self.find(
                at,
                "LAB030",
                Severity::Error,
                format!("nothing captures `{name}` before this"),
                Some(help),
            );
        }
    }

    /// Names used and captured by a sample.
    fn like(&mut self, like: &Like) {
        for part in parts(&like.text) {
            let Part::Hole(hole) = part else { continue };
            match crate::like::Hole::parse(hole) {
                Ok(crate::like::Hole::Known(name)) => self.name(name, like.at),
                Ok(crate::like::Hole::Typed(_, Some(name))) => {
                    self.known.insert(name.to_owned());
                    self.captured.entry(name.to_owned()).or_insert(like.at);
                }
                _ => {}
            }
        }
    }

    /// Names that a sample captures anew although they have a value.
    fn shadowed(&mut self, like: &Like) {
        for name in crate::like::captures(like) {
            if self.known.contains(&name) {
                let message = format!("`{name}` has a value already; this hides it");
                let help = "capture under another name, or compare with `@(name)`";
                self.find(like.at, "LAB032", Severity::Warning, message, Some(help));
            }
        }
    }

    fn item(&mut self, item: &ItemKind, at: Pos, id: Option<&str>) {
        match item {
            ItemKind::Run(run) => {
                self.run(run, at);
                self.runs.extend(id.map(str::to_owned));
            }
            ItemKind::Write { content, .. } => self.uses(content, at),
            ItemKind::Browse { url, .. } => self.uses(url, at),
            ItemKind::Fault(fault) => self.uses(&fault.target, at),
            ItemKind::Heal(name) => self.healed(name, at),
            ItemKind::Advance(by) => self.window(*by, at),
            ItemKind::Open { .. } | ItemKind::Edit { .. } | ItemKind::Key { .. } => {}
        }
    }

    fn healed(&mut self, name: &str, at: Pos) {
        let in_steps = self
            .lab
            .steps
            .iter()
            .flat_map(|step| &step.items)
            .filter_map(|item| match &item.what {
                ItemKind::Fault(fault) => fault.id.as_deref(),
                _ => None,
            });
        let at_start = self
            .lab
            .environment
            .faults
            .iter()
            .filter_map(|fault| fault.id.as_deref());
        if !in_steps.chain(at_start).any(|id| id == name) {
            self.error(at, "LAB033", format!("no fault has the id `{name}`"));
        }
    }

    fn run(&mut self, run: &Run, at: Pos) {
        let texts = [Some(&run.command), run.place.as_ref(), run.stdin.as_ref()];
        for text in texts.into_iter().flatten() {
            self.uses(text, at);
        }
        for shape in [&run.exit, &run.stderr].into_iter().flatten() {
            shape.texts(&mut |text| self.uses(text, at));
        }
        if let Some(within) = run.within {
            self.window(within, at);
        }
        if run
            .command
            .split(|c: char| !c.is_alphanumeric() && c != '-')
            .any(|word| word == "sleep")
        {
            let help = "time is virtual: say with `eventually:` what to wait for";
            self.find(
                at,
                "LAB016",
                Severity::Error,
                "a command sleeps".to_owned(),
                Some(help),
            );
        }
        if let Some(like) = &run.like {
            self.shadowed(like);
            self.like(like);
        }
    }

    fn window(&mut self, window: Duration, at: Pos) {
        let limit = self.lab.limits.virtual_time;
        if window > limit {
            let message = format!(
                "{}s is longer than `limits.virtual` ({}s)",
                window.as_secs_f64(),
                limit.as_secs_f64()
            );
            self.error(at, "LAB015", message);
        }
    }

    fn captured_by(&mut self, subject: &Subject) {
        match subject {
            Subject::Resource(resource) => self.known.extend(resource.capture.keys().cloned()),
            Subject::All(subjects) | Subject::Any(subjects) => {
                subjects
                    .iter()
                    .for_each(|subject| self.captured_by(subject));
            }
            Subject::Exec(exec) => exec
                .like
                .iter()
                .for_each(|like| self.captured_by_like(like)),
            Subject::Output(output) => output
                .like
                .iter()
                .for_each(|like| self.captured_by_like(like)),
            _ => {}
        }
    }

    fn captured_by_like(&mut self, like: &Like) {
        let names: Vec<String> = crate::like::captures(like);
        self.known.extend(names);
    }

    fn assertions<'b>(&mut self, assertions: impl Iterator<Item = &'b Assertion> + Clone) {
        let ids: BTreeSet<&str> = assertions.clone().filter_map(|a| a.id.as_deref()).collect();
        for assertion in assertions {
            let at = assertion.at;
            if let Mode::Eventually(Some(window)) | Mode::Always(window) | Mode::Never(window) =
                assertion.mode
            {
                self.window(window, at);
            }
            for missing in assertion
                .needs
                .iter()
                .filter(|need| !ids.contains(need.as_str()))
            {
                self.error(
                    at,
                    "LAB053",
                    format!("`needs` names `{missing}`, which is not here"),
                );
            }
            assertion
                .title
                .iter()
                .chain(&assertion.otherwise)
                .for_each(|text| self.prose(text, at));
            self.subject(&assertion.subject, at);
            for (condition, say) in &assertion.diagnose {
                self.subject(condition, at);
                self.prose(say, at);
            }
        }
    }

    fn subject(&mut self, subject: &Subject, at: Pos) {
        match subject {
            Subject::All(subjects) | Subject::Any(subjects) => {
                return subjects
                    .iter()
                    .for_each(|subject| self.subject(subject, at));
            }
            Subject::Not(subject) => return self.subject(subject, at),
            Subject::Output(output) if !self.runs.contains(&output.of) => {
                self.error(
                    at,
                    "LAB031",
                    format!("no earlier `run` has the id `{}`", output.of),
                );
            }
            Subject::Answer(quiz)
                if !self
                    .lab
                    .steps
                    .iter()
                    .flat_map(|step| &step.quiz)
                    .any(|q| q.id == *quiz) =>
            {
                self.error(at, "LAB031", format!("no quiz has the id `{quiz}`"));
            }
            Subject::Cel(source) => expression::names(source)
                .into_iter()
                .for_each(|name| self.name(name, at)),
            _ => {}
        }
        let bound = matches!(subject, Subject::Http(http) if !http.for_each.is_empty());
        let new = bound && self.known.insert("each".to_owned());
        subject.texts(&mut |text| self.uses(text, at));
        if new {
            self.known.remove("each");
        }
        match subject {
            Subject::Exec(exec) => exec.like.iter().for_each(|like| self.like(like)),
            Subject::Output(output) => output.like.iter().for_each(|like| self.like(like)),
            _ => {}
        }
    }

    fn task(&mut self, task: &Task) {
        self.prose(&task.title, task.at);
        self.prose(&task.text, task.at);
        for hint in &task.hints {
            self.prose(&hint.text, task.at);
        }
        for text in task
            .mutants
            .iter()
            .flat_map(|mutant| mutant.files.values().chain(&mutant.run))
        {
            self.uses(text, task.at);
        }
        for text in task.solution.files.values().chain(&task.solution.run) {
            self.uses(text, task.at);
        }
        let ids: BTreeSet<&str> = task
            .checks
            .iter()
            .filter_map(|check| check.assertion.id.as_deref())
            .collect();
        for mutant in &task.mutants {
            for missing in mutant.fails.iter().filter(|id| !ids.contains(id.as_str())) {
                let message = format!(
                    "the mutant `{}` fails a check `{missing}` that is not here",
                    mutant.name
                );
                self.error(task.at, "LAB055", message);
            }
        }
        for missing in task.hints.iter().flat_map(|hint| &hint.failing) {
            if !ids.contains(missing.as_str()) {
                let message = format!("a hint waits for a check `{missing}` that is not here");
                self.error(task.at, "LAB055", message);
            }
        }
        for check in &task.checks {
            self.captured_by(&check.assertion.subject);
        }
        self.assertions(task.checks.iter().map(|check| &check.assertion));
        self.cycles(task);
    }

    /// `needs` must lead to an end.
    fn cycles(&mut self, task: &Task) {
        let mut left: Vec<&Assertion> = task.checks.iter().map(|check| &check.assertion).collect();
        let ids: BTreeSet<&str> = left.iter().filter_map(|a| a.id.as_deref()).collect();
        let mut done: BTreeSet<&str> = BTreeSet::new();
        loop {
            let before = left.len();
            left.retain(|a| {
                let free = a
                    .needs
                    .iter()
                    .all(|need| done.contains(need.as_str()) || !ids.contains(need.as_str()));
                if free {
                    done.extend(a.id.as_deref());
                }
                !free
            });
            if left.len() == before {
                break;
            }
        }
        if let Some(stuck) = left.first() {
            self.error(
                stuck.at,
                "LAB053",
                "`needs` goes round in a circle".to_owned(),
            );
        }
    }
}
