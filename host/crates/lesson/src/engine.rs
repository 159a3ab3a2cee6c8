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
mod items;
mod judge;
mod leaf;
mod round;
mod script;
mod watch;
mod words;

pub(crate) use words::span;

use crate::action::{Action, ActionId, Observation, Show};
use crate::lab::{Lab, Lang, Pos, Run, Text};
use crate::report::{Outcome, Report};
use crate::template::{Captures, fill_known};
use book::{Book, Line};
use clock::{Duration, Instant};
use desk::Desk;
use judge::{Ended, text};
use leaf::Facts;
use script::{Group, Stage};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use watch::{Heard, Watch};

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
    /// What is not done where the lesson is played, by where it is written, and why: items,
    /// assertions, whole tasks. It counts neither for nor against.
    pub left_out: BTreeMap<Pos, Text>,
    /// Whether time is that of a clock on the wall, which the report then says.
    pub real_time: bool,
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
    /// One task another right answer of its own: everything must hold.
    Alternative {
        /// The task's id.
        task: String,
        /// The alternative's name.
        name: String,
    },
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
        let alternatives = lab.tasks.iter().flat_map(|task| {
            task.alternatives.iter().map(|other| Self::Alternative {
                task: task.id.clone(),
                name: other.name.clone(),
            })
        });
        let nothing = (!lab.tasks.is_empty()).then_some(Self::Nothing);
        std::iter::once(Self::Solution)
            .chain(nothing)
            .chain(alternatives)
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
    /// A file is looked at in the editor.
    Opened {
        id: ActionId,
        line: Line,
        path: String,
        select: Option<String>,
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
    facts: Facts,
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
            facts: Facts {
                captures,
                defaults: lab.defaults.clone(),
                outputs: BTreeMap::new(),
                answers: BTreeMap::new(),
                step_began: now,
                lab_began: now,
            },
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
        &self.facts.captures
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
        self.book
            .report(self.at.saturating_since(self.facts.lab_began))
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
                waits,
            } => self.command(
                id,
                Ended {
                    stdout,
                    stderr,
                    exit,
                    waits,
                },
            ),
            Observation::Objects { query, items } => self.hear(&Heard::Objects(query, &items)),
            Observation::Packets {
                query,
                packets,
                lost,
            } => self.hear(&Heard::Packets(query, &packets, lost)),
            Observation::Probed { id, outcome } => match &self.now {
                Now::Opened { id: asked, .. } if *asked == id => self.opened(&outcome),
                _ => self.hear(&Heard::Probed(id, &outcome)),
            },
            Observation::Explained { id, why } => self.hear(&Heard::Explained(id, &why)),
            Observation::DryRun { id, result } => self.hear(&Heard::DryRun(id, &result)),
            Observation::Broken { what } => {
                let told = text(
                    format!("レッスンのとおりにできません: {what}"),
                    format!("the lesson cannot be carried out: {what}"),
                );
                self.trouble(Outcome::Invalid, told);
            }
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
            self.facts.lab_began
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
                watches
                    .iter_mut()
                    .for_each(|watch| watch.handle_time(&self.facts, at, desk));
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
                let content = fill_known(&file.content, &self.facts.captures);
                self.write(None, &file.path, content, false, file.readonly);
            }
            Stage::Manifest(i) => {
                let (path, manifest) = &lab.environment.manifests[i];
                self.apply(None, path, fill_known(manifest, &self.facts.captures));
            }
            Stage::Fault(i) => {
                self.fault(None, Pos { line: 1, column: 1 }, &lab.environment.faults[i])
            }
            Stage::Rest => {
                let deadline = self.at + REST;
                self.now = Now::Rest(self.desk.order(|id| Action::Settle { id, deadline }));
            }
            Stage::Step(i) => {
                self.facts.step_began = self.at;
                self.book
                    .step_begins(i, self.at, &lab.steps[i].text, &self.facts.captures);
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
                if lab.tasks[k].submit.iter().any(crate::Submit::is_answers) {
                    // What was answered on the way is not what is handed in.
                    self.facts.answers.clear();
                }
                self.facts.step_began = self.at;
                self.book
                    .task_begins(k, self.at, &lab.tasks[k].text, &self.facts.captures);
                self.desk.send(Action::Show(Show::Task(k)));
            }
            Stage::SolutionFile(k, n, path) => {
                let content = fill_known(
                    self.answer(k).files.get(&path).map_or("", |text| text),
                    &self.facts.captures,
                );
                let handed = lab.tasks[k].submit.iter();
                if handed
                    .filter(|file| file.is_answers())
                    .any(|file| file.path == path)
                {
                    self.answers_handed_in(&content);
                }
                self.write(Some(Line::Task(k, n)), &path, content, false, false);
            }
            Stage::SolutionApply(k, n, path) => {
                let content = fill_known(
                    self.answer(k).files.get(&path).map_or("", |text| text),
                    &self.facts.captures,
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
}
