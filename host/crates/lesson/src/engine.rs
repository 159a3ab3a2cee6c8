//! The judge: a lesson being run. Never carries anything out and never looks at a clock.
//!
//! ```text
//!   stages ──► one begins ──► its action is under way ──► observation ──► the next begins
//!                 └──► assertions: many watches side by side, until all are decided
//! ```
//! Start reading at [`Engine::proceed`], then `script.rs` (which stages a lesson has), then
//! `watch.rs` (what a window means).

mod book;
mod desk;
mod judge;
mod leaf;
mod script;
mod watch;
mod words;

pub(crate) use words::span;

use crate::action::{Action, ActionId, Observation, Show};
use crate::lab::{FaultSpec, ItemKind, Lab, Lang, Pos, Run, Text};
use crate::place::Place;
use crate::report::{Failure, Outcome, Report, Status};
use crate::template::{Captures, fill, fill_known};
use book::{Book, Line};
use clock::{Duration, Instant};
use desk::Desk;
use judge::{Ended, Judgement, Truth, Wanted, text};
use leaf::Known;
use script::{Group, Stage};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use watch::{Heard, Verdict, Watch};

/// How long the world may take to come to rest before a command is typed all the same.
const REST: Duration = Duration::from_secs(120);

/// How a lesson is run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The language of what is printed.
    pub lang: Lang,
    /// The seed of the world, for the report; the lesson's own when absent.
    pub seed: Option<u64>,
    /// Values of parameters that differ from their defaults.
    pub params: BTreeMap<String, String>,
    /// Stop after the step of this id.
    pub until_step: Option<String>,
    /// Leave the tasks out.
    pub skip_tasks: bool,
    /// Whose answers the tasks get.
    pub attempt: Attempt,
    /// Wait for [`Observation::Next`] before every item and for [`Observation::Answer`] at every
    /// quiz, as a learner at a screen wants it; and go on after a failure.
    pub guided: bool,
}

/// Whose answers the tasks get.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Attempt {
    /// Each task its solution: everything must hold.
    #[default]
    Solution,
    /// None at all: no task may pass.
    Nothing,
    /// One task a wrong answer of its own: exactly the checks it names must fail.
    Mutant {
        /// The task's id.
        task: String,
        /// The mutant's name.
        name: String,
    },
}

impl Attempt {
    /// Every attempt by which a lesson proves itself.
    #[must_use]
    pub fn all(lab: &Lab) -> Vec<Self> {
        let mutants = lab.tasks.iter().flat_map(|task| {
            task.mutants.iter().map(|mutant| Self::Mutant {
                task: task.id.clone(),
                name: mutant.name.clone(),
            })
        });
        let nothing = (!lab.tasks.is_empty()).then_some(Self::Nothing);
        std::iter::once(Self::Solution)
            .chain(nothing)
            .chain(mutants)
            .collect()
    }
}

/// What is under way.
#[derive(Debug)]
enum Now {
    /// The next stage begins.
    Free,
    /// An order that either works or not.
    Order {
        id: ActionId,
        line: Option<Line>,
        pos: Pos,
        what: String,
    },
    /// The world comes to rest.
    Rest(ActionId),
    /// A command runs.
    Command {
        id: ActionId,
        line: Line,
        until: Option<Instant>,
    },
    /// Assertions are looked at.
    Watching { group: Group, watches: Vec<Watch> },
    /// The learner is waited for.
    Learner,
    /// Nothing more.
    Over,
}

/// A lesson being run.
#[derive(Debug)]
pub struct Engine {
    lab: Arc<Lab>,
    options: Options,
    desk: Desk,
    book: Book,
    stages: VecDeque<Stage>,
    now: Now,
    at: Instant,
    began: Instant,
    step_began: Instant,
    captures: Captures,
    outputs: BTreeMap<String, Ended>,
    answers: BTreeMap<String, bool>,
    /// Commands that go on in the background, by the id of their action.
    background: BTreeMap<ActionId, Line>,
    /// The quiz that the learner is asked.
    asked: Option<(usize, usize)>,
    in_task: bool,
}

impl Engine {
    /// Begins the lesson at `now`.
    #[must_use]
    pub fn new(now: Instant, lab: Arc<Lab>, options: Options) -> Self {
        let text_of = |value: &serde_json::Value| {
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        };
        let mut captures: Captures = lab
            .params
            .iter()
            .map(|(name, param)| (name.clone(), text_of(&param.default)))
            .collect();
        captures.extend(options.params.clone());
        let mut engine = Self {
            stages: script::stages(&lab, &options),
            book: Book::new(&lab, &options, &captures),
            desk: Desk::default(),
            now: Now::Free,
            at: now,
            began: now,
            step_began: now,
            captures,
            outputs: BTreeMap::new(),
            answers: BTreeMap::new(),
            background: BTreeMap::new(),
            asked: None,
            in_task: false,
            lab,
            options,
        };
        engine.proceed();
        engine
    }

    /// The lesson.
    #[must_use]
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    /// Values captured so far, parameters included; for prose with `@(…)`.
    #[must_use]
    pub fn captures(&self) -> &BTreeMap<String, String> {
        &self.captures
    }

    /// What the shell must do next; call until `None`.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.desk.poll()
    }

    /// When the engine wants to be told the time; `None` while it only waits for observations.
    #[must_use]
    pub fn poll_at(&self) -> Option<Instant> {
        let next = match &self.now {
            Now::Over => return None,
            Now::Watching { watches, .. } => watches
                .iter()
                .filter_map(|watch| watch.poll_at(self.at))
                .min(),
            Now::Command { until, .. } => *until,
            _ => None,
        };
        let limit = self.limit();
        (!self.options.guided)
            .then_some(limit)
            .into_iter()
            .chain(next)
            .min()
    }

    /// Whether the lesson is over.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self.now, Now::Over)
    }

    /// What came of it so far.
    #[must_use]
    pub fn report(&self) -> Report {
        self.book.report(self.at.saturating_since(self.began))
    }

    /// It is `now`, at least what [`Self::poll_at`] said.
    pub fn handle_time(&mut self, now: Instant) {
        self.pass(now);
        self.proceed();
    }

    /// Something was observed.
    pub fn handle(&mut self, now: Instant, observation: Observation) {
        self.pass(now);
        match observation {
            Observation::Settled { id } => {
                if matches!(self.now, Now::Rest(waited) if waited == id) {
                    self.now = Now::Free;
                }
            }
            Observation::Done { id, result } => self.ordered(id, result, ""),
            Observation::Applied { id, result } => match result {
                Ok(lines) => self.ordered(id, Ok(()), &lines.join("\n")),
                Err(error) => self.ordered(id, Err(error), ""),
            },
            Observation::Output {
                id,
                stdout,
                stderr,
                exit,
            } => self.command(
                id,
                Ended {
                    stdout,
                    stderr,
                    exit,
                },
            ),
            Observation::Objects { query, items } => self.hear(&Heard::Objects(query, &items)),
            Observation::Packets {
                query,
                packets,
                lost,
            } => self.hear(&Heard::Packets(query, &packets, lost)),
            Observation::Probed { id, outcome } => self.hear(&Heard::Probed(id, &outcome)),
            Observation::DryRun { id, result } => self.hear(&Heard::DryRun(id, &result)),
            Observation::Limit { what } => {
                self.trouble(
                    Outcome::Limit,
                    text(
                        format!("制限に達しました: {what}"),
                        format!("a limit was hit: {what}"),
                    ),
                );
            }
            Observation::Next => {
                if matches!(self.now, Now::Learner) {
                    self.now = Now::Free;
                }
            }
            Observation::Answer { quiz, answer } => self.answered(&quiz, &answer),
        }
        self.proceed();
    }

    /// When the lesson must be over; a learner may take any time, a single command may not.
    fn limit(&self) -> Instant {
        let from = if self.options.guided {
            self.at
        } else {
            self.began
        };
        from + self.lab.limits.virtual_time
    }

    /// Time reaches `now`.
    fn pass(&mut self, now: Instant) {
        self.at = self.at.max(now);
        if self.is_done() {
            return;
        }
        if self.at >= self.limit() && !self.options.guided {
            let limit = span(self.lab.limits.virtual_time);
            let told = text(
                format!("仮想時間の制限 {limit} に達しました"),
                format!("the limit of {limit} of virtual time was hit"),
            );
            self.trouble(Outcome::Limit, told);
            return;
        }
        let (at, desk) = (self.at, &mut self.desk);
        match &mut self.now {
            Now::Watching { watches, .. } => {
                let known = Known {
                    captures: &self.captures,
                    defaults: &self.lab.defaults,
                    outputs: &self.outputs,
                    answers: &self.answers,
                    step_began: self.step_began,
                    lab_began: self.began,
                };
                watches
                    .iter_mut()
                    .for_each(|watch| watch.handle_time(&known, at, desk));
            }
            Now::Command {
                line,
                until: Some(until),
                ..
            } if *until <= at => {
                let line = *line;
                self.now = Now::Free;
                let left = self.book.left(line);
                self.judge_command(line, &left, true);
            }
            _ => {}
        }
    }

    /// Begins stages until something has to be waited for.
    fn proceed(&mut self) {
        loop {
            match &self.now {
                Now::Free => match self.stages.pop_front() {
                    Some(stage) => self.begin(stage),
                    None => self.now = Now::Over,
                },
                Now::Watching { .. } => {
                    if !self.look_round() {
                        return;
                    }
                }
                _ => return,
            }
        }
    }

    fn begin(&mut self, stage: Stage) {
        let lab = Arc::clone(&self.lab);
        match stage {
            Stage::File(i) => {
                let file = &lab.environment.files[i];
                let content = fill_known(&file.content, &self.captures);
                self.write(None, &file.path, content, false, file.readonly);
            }
            Stage::Manifest(i) => {
                let (path, manifest) = &lab.environment.manifests[i];
                self.apply(None, path, fill_known(manifest, &self.captures));
            }
            Stage::Fault(i) => {
                self.fault(None, Pos { line: 1, column: 1 }, &lab.environment.faults[i])
            }
            Stage::Rest => {
                let deadline = self.at + REST;
                self.now = Now::Rest(self.desk.order(|id| Action::Settle { id, deadline }));
            }
            Stage::Step(i) => {
                self.step_began = self.at;
                self.book
                    .step_begins(i, self.at, &lab.steps[i].text, &self.captures);
                self.desk.send(Action::Show(Show::Step(i)));
            }
            Stage::Quiz(i, j) => self.quiz(i, j),
            Stage::Pause(i, j) => {
                self.desk.send(Action::Show(Show::Item(i, j)));
                self.now = Now::Learner;
            }
            Stage::Item(i, j) => self.item(i, j),
            Stage::Watch(group) => self.watch(group),
            Stage::Task(k) => {
                self.in_task = true;
                self.step_began = self.at;
                self.book
                    .task_begins(k, self.at, &lab.tasks[k].text, &self.captures);
                self.desk.send(Action::Show(Show::Task(k)));
            }
            Stage::SolutionFile(k, n, path) => {
                let content = fill_known(
                    self.answer(k).files.get(&path).map_or("", |text| text),
                    &self.captures,
                );
                self.write(Some(Line::Task(k, n)), &path, content, false, false);
            }
            Stage::SolutionApply(k, n, path) => {
                let content = fill_known(
                    self.answer(k).files.get(&path).map_or("", |text| text),
                    &self.captures,
                );
                self.apply(Some(Line::Task(k, n)), &path, content);
            }
            Stage::SolutionRun(k, n, m) => {
                let run = Run {
                    command: self.answer(k).run[m].clone(),
                    ..Run::default()
                };
                self.run(Line::Task(k, n), lab.tasks[k].at, &run);
            }
        }
    }

    fn answer(&self, k: usize) -> script::Answer {
        script::answer(&self.lab.tasks[k], &self.options.attempt)
    }

    // Orders.

    fn order(
        &mut self,
        line: Option<Line>,
        pos: Pos,
        what: String,
        make: impl FnOnce(ActionId) -> Action,
    ) {
        self.book.item_begins(line, &what, self.at);
        let id = self.desk.order(make);
        self.now = Now::Order {
            id,
            line,
            pos,
            what,
        };
    }

    fn write(
        &mut self,
        line: Option<Line>,
        path: &str,
        content: String,
        append: bool,
        readonly: bool,
    ) {
        let pos = self.pos(line);
        let (place, path) = (Place::Workstation, path.to_owned());
        let what = format!("write {path}");
        self.order(line, pos, what, |id| Action::WriteFile {
            id,
            place,
            path,
            content,
            append,
            readonly,
        });
    }

    fn apply(&mut self, line: Option<Line>, path: &str, manifest: String) {
        let pos = self.pos(line);
        let path = path.to_owned();
        self.order(line, pos, format!("apply {path}"), |id| Action::Apply {
            id,
            path,
            manifest,
        });
    }

    fn fault(&mut self, line: Option<Line>, pos: Pos, fault: &FaultSpec) {
        let target = match fill(&fault.target, &self.captures) {
            Ok(target) => target,
            Err(name) => return self.unfilled(line, pos, &name),
        };
        let name = fault
            .id
            .clone()
            .unwrap_or_else(|| format!("fault-{}", pos.line));
        let kind = serde_json::to_value(fault.kind)
            .ok()
            .and_then(|kind| kind.as_str().map(str::to_owned));
        let what = format!("fault {} {target}", kind.unwrap_or_default());
        let (kind, value, lasting) = (fault.kind, fault.value.clone(), fault.lasting);
        self.order(line, pos, what, |id| Action::Fault {
            id,
            name,
            kind,
            target,
            value,
            lasting,
        });
    }

    fn pos(&self, line: Option<Line>) -> Pos {
        match line {
            Some(Line::Step(i, j)) => self.lab.steps[i].items[j].at,
            Some(Line::Task(k, _)) => self.lab.tasks[k].at,
            None => Pos { line: 1, column: 1 },
        }
    }

    /// A simple order came to an end.
    fn ordered(&mut self, done: ActionId, result: Result<(), String>, printed: &str) {
        let Now::Order {
            id,
            line,
            pos,
            what,
        } = &self.now
        else {
            return;
        };
        if *id != done {
            return;
        }
        let (line, pos, what) = (*line, *pos, what.clone());
        self.now = Now::Free;
        let Some(line) = line else {
            if let Err(error) = result {
                let told = text(
                    format!("準備に失敗しました: {what}: {error}"),
                    format!("the world could not be prepared: {what}: {error}"),
                );
                self.trouble(Outcome::Invalid, told);
            }
            return;
        };
        let left = Ended {
            stdout: printed.to_owned(),
            ..Ended::default()
        };
        self.book.item_left(line, &left);
        match result {
            Ok(()) => self.book.item_ends(line, self.at, Status::Passed),
            Err(error) => self.item_fails(
                line,
                pos,
                text(what.clone(), what),
                text(error.clone(), error),
            ),
        }
    }

    fn unfilled(&mut self, line: Option<Line>, pos: Pos, name: &str) {
        let seen = text(
            format!("`{name}` はまだ捕まえていません"),
            format!("nothing captured `{name}`"),
        );
        match line {
            Some(line) => self.item_fails(line, pos, text("実行", "to run it"), seen),
            None => self.trouble(Outcome::Invalid, seen),
        }
    }

    fn item_fails(&mut self, line: Line, pos: Pos, asked: Text, seen: Text) {
        let failure = Failure {
            asked,
            seen,
            since: self.at,
            at: self.at,
            pos,
            advice: Vec::new(),
        };
        self.book
            .item_ends(line, self.at, Status::Failed(Box::new(failure)));
        self.failed();
    }

    /// An expectation failed: what follows would only fail for the same reason.
    fn failed(&mut self) {
        self.book.outcome(Outcome::Failed);
        // A wrong answer is judged to its end: which checks fail is what it is for.
        let expected = self.options.attempt != Attempt::Solution && self.in_task;
        if !self.options.guided && !expected {
            self.stages.clear();
        }
    }

    fn trouble(&mut self, outcome: Outcome, told: Text) {
        self.book.trouble(outcome, told);
        self.stages.clear();
        if let Now::Watching { group, watches } = std::mem::replace(&mut self.now, Now::Over) {
            self.book_watches(group, &watches);
        }
    }

    // Items.

    fn item(&mut self, i: usize, j: usize) {
        let lab = Arc::clone(&self.lab);
        let item = &lab.steps[i].items[j];
        let line = Line::Step(i, j);
        if !self.options.guided {
            self.desk.send(Action::Show(Show::Item(i, j)));
        }
        match &item.what {
            ItemKind::Run(run) if run.copy_only => self.skip(
                line,
                &format!("$ {}", fill_known(&run.command, &self.captures)),
            ),
            ItemKind::Run(run) => self.run(line, item.at, run),
            ItemKind::Open { path, select } => {
                self.skip(line, &format!("open {path}"));
                self.desk.send(Action::Show(Show::Open {
                    path: path.clone(),
                    select: select.clone(),
                }));
            }
            ItemKind::Write {
                path,
                content,
                append,
            } => match fill(content, &self.captures) {
                Ok(content) => self.write(Some(line), path, content, *append, false),
                Err(name) => self.unfilled(Some(line), item.at, &name),
            },
            ItemKind::Key { key, session } => {
                let (key, session) = (
                    *key,
                    session
                        .clone()
                        .unwrap_or_else(|| lab.defaults.session.clone()),
                );
                let what = format!("key {key:?} in {session}");
                self.order(Some(line), item.at, what, |id| Action::Key {
                    id,
                    session,
                    key,
                });
            }
            ItemKind::Fault(fault) => self.fault(Some(line), item.at, fault),
            ItemKind::Heal(name) => {
                let name = name.clone();
                self.order(Some(line), item.at, format!("heal {name}"), |id| {
                    Action::Heal { id, name }
                });
            }
            ItemKind::Advance(by) => {
                let by = *by;
                self.order(Some(line), item.at, format!("advance {}", span(by)), |id| {
                    Action::Advance { id, by }
                });
            }
            ItemKind::Edit { .. } | ItemKind::Browse { .. } => {
                let seen = text("この版のlabにはまだありません", "not in this lab yet");
                self.item_fails(line, item.at, text("実行", "to do it"), seen);
            }
        }
    }

    /// An item that nothing has to be waited for.
    fn skip(&mut self, line: Line, what: &str) {
        self.book.item_begins(Some(line), what, self.at);
        self.book.item_ends(line, self.at, Status::Passed);
    }

    fn run(&mut self, line: Line, pos: Pos, run: &Run) {
        let filled = |text: &str| fill(text, &self.captures);
        let command = filled(&run.command);
        let place = run
            .place
            .as_deref()
            .map_or(Ok("workstation".to_owned()), filled);
        let stdin = run.stdin.as_deref().map(filled).transpose();
        let (command, place, stdin) = match (command, place, stdin) {
            (Ok(command), Ok(place), Ok(stdin)) => (command, place, stdin),
            (Err(name), ..) | (_, Err(name), _) | (.., Err(name)) => {
                return self.unfilled(Some(line), pos, &name);
            }
        };
        let Some(place) = Place::parse(&place) else {
            let seen = text(
                format!("`{place}` は場所ではありません"),
                format!("`{place}` is not a place"),
            );
            return self.item_fails(line, pos, text("実行", "to run it"), seen);
        };
        self.book
            .item_begins(Some(line), &format!("$ {command}"), self.at);
        self.book.item_place(line, &place);
        // A terminal is a shell at one place; elsewhere is another terminal.
        let session = run.session.clone().unwrap_or_else(|| match &place {
            Place::Workstation => self.lab.defaults.session.clone(),
            elsewhere => elsewhere.to_string(),
        });
        let window = run.within.map(|within| self.at + within);
        let deadline = if run.background {
            self.limit()
        } else {
            window.unwrap_or_else(|| self.limit())
        };
        let (stdin, interactive, background) = (stdin, run.interactive, run.background);
        let id = self.desk.order(|id| Action::Run {
            id,
            place,
            session,
            command,
            stdin,
            interactive,
            background,
            deadline,
        });
        let until = background.then(|| window.unwrap_or(self.at + self.lab.defaults.within));
        if background {
            self.background.insert(id, line);
        }
        self.now = Now::Command { id, line, until };
    }

    fn run_of(&self, line: Line) -> Option<(Run, Option<String>)> {
        match line {
            Line::Step(i, j) => {
                let item = &self.lab.steps[i].items[j];
                match &item.what {
                    ItemKind::Run(run) => Some(((**run).clone(), item.id.clone())),
                    _ => None,
                }
            }
            Line::Task(..) => None,
        }
    }

    /// A command wrote something or ended.
    fn command(&mut self, ran: ActionId, left: Ended) {
        if let Some(line) = self.background.get(&ran).copied() {
            self.book.item_left(line, &left);
            if let Some((_, Some(name))) = self.run_of(line) {
                self.outputs.insert(name, left.clone());
            }
        }
        let Now::Command { id, line, .. } = &self.now else {
            return;
        };
        if *id != ran {
            return;
        }
        let line = *line;
        let ended = left.exit.is_some() || !self.background.contains_key(&ran);
        self.book.item_left(line, &left);
        self.judge_command(line, &left, ended);
    }

    /// `last`: it will write no more, or not in time.
    fn judge_command(&mut self, line: Line, left: &Ended, last: bool) {
        let (run, name) = self.run_of(line).unwrap_or_default();
        let wanted = Wanted {
            exit: run.exit.as_ref(),
            stdout: None,
            stderr: run.stderr.as_ref(),
            like: run.like.as_ref(),
            background: run.background,
        };
        let judgement = judge::ended(&wanted, left, &self.captures);
        if judgement.truth != Truth::Yes && !last {
            return;
        }
        self.now = Now::Free;
        if let Some(name) = name {
            self.outputs.insert(name, left.clone());
        }
        self.command_judged(line, &run, judgement);
    }

    fn command_judged(&mut self, line: Line, run: &Run, judgement: Judgement) {
        if judgement.truth == Truth::Yes {
            self.captures.extend(judgement.captures);
            return self.book.item_ends(line, self.at, Status::Passed);
        }
        if run.optional {
            let why = text(
                format!("省略可: {}", judgement.seen.ja),
                format!("optional: {}", judgement.seen.en),
            );
            return self
                .book
                .item_ends(line, self.at, Status::NotReached(Some(why)));
        }
        let command = fill_known(&run.command, &self.captures);
        let asked = text(
            format!("`{command}` の出力と終了コード"),
            format!("output and exit code of `{command}`"),
        );
        let pos = run
            .like
            .as_ref()
            .map_or_else(|| self.pos(Some(line)), |like| like.at);
        self.item_fails(line, pos, asked, judgement.seen);
    }

    // Quizzes.

    fn quiz(&mut self, i: usize, j: usize) {
        self.desk.send(Action::Show(Show::Quiz(i, j)));
        if self.options.guided {
            self.asked = Some((i, j));
            self.now = Now::Learner;
        } else {
            // Headless, the key answers: what is proved is that there is one.
            self.answers
                .insert(self.lab.steps[i].quiz[j].id.clone(), true);
            self.book.quiz_answered(i, j, true);
        }
    }

    fn answered(&mut self, quiz: &str, answer: &[String]) {
        let Some((i, j)) = self
            .asked
            .filter(|(i, j)| self.lab.steps[*i].quiz[*j].id == quiz)
        else {
            return;
        };
        let right = script::is_right(&self.lab.steps[i].quiz[j], answer, &self.captures);
        self.answers.insert(quiz.to_owned(), right);
        self.book.quiz_answered(i, j, right);
        self.asked = None;
        if matches!(self.now, Now::Learner) {
            self.now = Now::Free;
        }
    }

    // Assertions.

    fn watch(&mut self, group: Group) {
        let within = self.lab.defaults.within;
        let watches = script::assertions(&self.lab, group)
            .map(|assertion| Watch::new(assertion, within, self.at));
        let watches: Vec<Watch> = watches.collect();
        if let Group::Step(i) = group {
            (0..watches.len()).for_each(|n| self.desk.send(Action::Show(Show::Watching(i, n))));
        }
        self.now = Now::Watching { group, watches };
    }

    fn hear(&mut self, heard: &Heard<'_>) {
        let Now::Watching { watches, .. } = &mut self.now else {
            return;
        };
        let known = Known {
            captures: &self.captures,
            defaults: &self.lab.defaults,
            outputs: &self.outputs,
            answers: &self.answers,
            step_began: self.step_began,
            lab_began: self.began,
        };
        watches
            .iter_mut()
            .for_each(|watch| watch.hear(&known, self.at, heard, &mut self.desk));
    }

    /// Opens what can be opened; whether all were decided and the next stage may begin.
    fn look_round(&mut self) -> bool {
        let Now::Watching { group, mut watches } = std::mem::replace(&mut self.now, Now::Free)
        else {
            return true;
        };
        loop {
            for watch in &watches {
                if let Some(Verdict::Held(captures)) = watch.verdict() {
                    self.captures.extend(captures.clone());
                }
            }
            let Some(next) = self.next_to_open(&watches) else {
                break;
            };
            match next {
                (n, None) => {
                    let known = Known {
                        captures: &self.captures,
                        defaults: &self.lab.defaults,
                        outputs: &self.outputs,
                        answers: &self.answers,
                        step_began: self.step_began,
                        lab_began: self.began,
                    };
                    watches[n].open(&known, self.at, &mut self.desk);
                }
                (n, Some(why)) => watches[n].not_reached(why),
            }
        }
        if watches.iter().any(|watch| watch.verdict().is_none()) {
            self.now = Now::Watching { group, watches };
            return false;
        }
        self.book_watches(group, &watches);
        if watches
            .iter()
            .any(|watch| !matches!(watch.verdict(), Some(Verdict::Held(_))))
        {
            self.failed();
        }
        true
    }

    /// The next watch to open, or to give up with a reason.
    fn next_to_open(&self, watches: &[Watch]) -> Option<(usize, Option<Text>)> {
        let of = |id: &String| watches.iter().find(|watch| watch.id() == Some(id));
        let open = watches
            .iter()
            .any(|watch| !watch.is_waiting() && watch.verdict().is_none());
        let mut stuck = None;
        for (n, watch) in watches
            .iter()
            .enumerate()
            .filter(|(_, watch)| watch.is_waiting())
        {
            let needs: Vec<&Watch> = watch.needs().iter().filter_map(of).collect();
            let failed = needs.iter().find(|need| {
                need.verdict()
                    .is_some_and(|v| !matches!(v, Verdict::Held(_)))
            });
            if let Some(need) = failed {
                let id = need.id().unwrap_or_default();
                return Some((
                    n,
                    Some(text(format!("{id} が先に必要です"), format!("needs {id}"))),
                ));
            }
            if needs.iter().any(|need| need.verdict().is_none()) {
                continue;
            }
            match watch.missing(&self.captures) {
                None => return Some((n, None)),
                Some(name) => {
                    let why = text(
                        format!("`{name}` はまだ捕まえていません"),
                        format!("nothing captured `{name}`"),
                    );
                    stuck = stuck.or(Some((n, Some(why))));
                }
            }
        }
        // Somebody still open may capture what is missing.
        stuck.filter(|_| !open)
    }

    fn book_watches(&mut self, group: Group, watches: &[Watch]) {
        for (n, watch) in watches.iter().enumerate() {
            let status = match watch.verdict() {
                Some(Verdict::Held(_)) => Status::Passed,
                Some(Verdict::Failed(failure)) => Status::Failed(failure.clone()),
                Some(Verdict::NotReached(why)) => Status::NotReached(Some(why.clone())),
                None => Status::NotReached(None),
            };
            if let Group::Step(i) = group {
                self.desk
                    .send(Action::Show(Show::Decided(i, n, status.is_passed())));
            }
            self.book
                .decided(group, n, watch.decided_at(), status, &self.captures);
        }
    }
}
