//! Asking containers how they are, and what an answer brings about. Never counts answers itself.

use super::super::command::Command;
use super::super::container::State;
use super::super::probe::{self, Purpose};
use super::{Machine, Turn};
use crate::controller::Tone;
use clock::Duration;

impl Machine {
    pub(super) fn ask_probes(&mut self, at: usize, turn: &mut Turn<'_>) {
        if self.containers[at]
            .poll_at()
            .is_none_or(|due| due > turn.now)
        {
            return;
        }
        let pod_ip = self.ip.map_or_else(String::new, |ip| ip.to_string());
        let spec = self.spec_of(&self.containers[at]);
        let starting = !self.containers[at].started();
        let container = &mut self.containers[at];
        let mut errors = Vec::new();
        for probe in &mut container.probes {
            let startup = probe.purpose == Purpose::Startup;
            if startup != starting || probe.poll_at().is_none_or(|due| due > turn.now) {
                continue;
            }
            let handler = &spec[probe.field()];
            let Some(kind) = probe::kind_of(handler, &spec, &pod_ip) else {
                let why = probe::why_not(handler);
                let word = probe.word();
                errors.push(format!(
                    "{word} probe errored and resulted in unknown state: {why}"
                ));
                probe.pass(turn.now);
                continue;
            };
            let id = turn.questions.ask(&self.reference.uid);
            let timeout = probe.ask(id, turn.now);
            turn.commands.push_back(Command::Probe {
                id,
                pod: self.reference.clone(),
                container: container.name.clone(),
                probe: kind,
                timeout,
            });
        }
        for error in errors {
            let container = &self.containers[at];
            turn.note_of(&self.pod, container, Tone::Warning, "Unhealthy", error);
        }
    }

    /// Takes the end of a hook; whether it was one of this container's.
    fn handle_hook(
        &mut self,
        at: usize,
        id: u64,
        outcome: &Result<(), String>,
        turn: &mut Turn<'_>,
    ) -> bool {
        match &mut self.containers[at].state {
            State::Stopping {
                hook: hook @ Some(_),
                term_at,
                ..
            } if *hook == Some(id) => {
                (*hook, *term_at) = (None, Some(turn.now));
                if outcome.is_err() {
                    let message = "PreStopHook failed".to_owned();
                    let container = &self.containers[at];
                    turn.note_of(
                        &self.pod,
                        container,
                        Tone::Warning,
                        "FailedPreStopHook",
                        message,
                    );
                }
                true
            }
            State::Hooked { hook, .. } if *hook == Some(id) => {
                match outcome {
                    Ok(()) => self.runs(at, turn),
                    Err(_) => self.fail_hook(at, turn),
                }
                true
            }
            _ => false,
        }
    }

    /// An answer to a probe, or the end of a hook.
    pub(crate) fn handle_answer(
        &mut self,
        id: u64,
        outcome: Result<(), String>,
        turn: &mut Turn<'_>,
    ) {
        for at in 0..self.containers.len() {
            if self.handle_hook(at, id, &outcome, turn) {
                return;
            }
            let container = &mut self.containers[at];
            let Some(probe) = container
                .probes
                .iter_mut()
                .find_map(|probe| probe.answer(id, outcome.is_ok()).then_some(probe))
            else {
                continue;
            };
            let (purpose, word, verdict) = (probe.purpose, probe.word(), probe.verdict);
            if purpose == Purpose::Startup && verdict == Some(true) {
                for probe in &mut container.probes {
                    probe.not_before(turn.now);
                }
            }
            let Err(why) = outcome else { return };
            turn.note_of(
                &self.pod,
                &self.containers[at],
                Tone::Warning,
                "Unhealthy",
                format!("{word} probe failed: {why}"),
            );
            let running = matches!(self.containers[at].state, State::Running { .. });
            if verdict == Some(false)
                && purpose != Purpose::Readiness
                && running
                && self.ending.is_none()
            {
                let word = word.to_ascii_lowercase();
                let sentence = format!(
                    "Container {} failed {word} probe, will be restarted",
                    self.containers[at].name
                );
                let own = self.spec_of(&self.containers[at])[if purpose == Purpose::Startup {
                    "startupProbe"
                } else {
                    "livenessProbe"
                }]["terminationGracePeriodSeconds"]
                    .as_u64();
                let grace = own.map_or_else(|| self.grace(), Duration::from_secs);
                self.stop(at, turn.now + grace, Some(sentence), turn);
            }
            return;
        }
    }
}
