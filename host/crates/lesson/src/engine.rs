//! The judge. Never carries anything out.

use crate::action::{Action, Observation};
use crate::lab::{Lab, Lang};
use crate::report::{Outcome, Report};
use clock::Instant;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// How a lesson is run.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The language of what is printed.
    pub lang: Lang,
    /// Values of parameters that differ from their defaults.
    pub params: BTreeMap<String, String>,
    /// Stop after the step of this id.
    pub until_step: Option<String>,
    /// Leave the tasks out.
    pub skip_tasks: bool,
    /// Wait for [`Observation::Next`] before every item and for [`Observation::Answer`] at every
    /// quiz, as a learner at a screen wants it.
    pub guided: bool,
}

/// A lesson being run.
#[derive(Debug)]
pub struct Engine {
    lab: Arc<Lab>,
    options: Options,
    actions: VecDeque<Action>,
}

impl Engine {
    /// Begins the lesson at `now`.
    #[must_use]
    pub fn new(now: Instant, lab: Arc<Lab>, options: Options) -> Self {
        let _ = now;
        Self {
            lab,
            options,
            actions: VecDeque::new(),
        }
    }

    /// The lesson.
    #[must_use]
    pub fn lab(&self) -> &Lab {
        &self.lab
    }

    /// What the shell must do next; call until `None`.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// Something was observed.
    pub fn handle(&mut self, now: Instant, observation: Observation) {
        let _ = (now, observation, &self.options);
    }

    /// It is `now`, at least what [`Self::poll_at`] said.
    pub fn handle_time(&mut self, now: Instant) {
        let _ = now;
    }

    /// When the engine wants to be told the time; `None` while it only waits for observations.
    #[must_use]
    pub fn poll_at(&self) -> Option<Instant> {
        None
    }

    /// Whether the lesson is over.
    #[must_use]
    pub fn is_done(&self) -> bool {
        false
    }

    /// What came of it so far.
    #[must_use]
    pub fn report(&self) -> Report {
        Report {
            outcome: Outcome::Passed,
        }
    }
}
