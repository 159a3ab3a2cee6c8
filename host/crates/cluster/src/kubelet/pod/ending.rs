//! How containers and pods end: by themselves, by a signal, with their object. Never starts anything again.

use super::super::command::{Command, LastWords};
use super::super::container::{Container, End, Role, State};
use super::super::probe::{self};
use super::{EXPIRED, Ending, LAST_GRACE, Machine, NOTICE, Sandbox, Turn, on_grid};
use crate::controller::Tone;
use crate::controller::meta::text;
use clock::{Duration, Instant};
use serde_json::Value;

impl Machine {
    /// The machine says that a container ended.
    pub(crate) fn handle_exited(
        &mut self,
        container: &str,
        attempt: u32,
        code: i32,
        oom: bool,
        said: &LastWords,
        turn: &mut Turn<'_>,
    ) {
        let Some(at) = self.find(container, attempt) else {
            return;
        };
        let started = self.containers[at].since().or(Some(turn.now));
        let reason = match (oom, code) {
            (true, _) => "OOMKilled",
            (false, 0) => "Completed",
            _ => "Error",
        };
        let end = End {
            code,
            reason: reason.to_owned(),
            message: last_words(&self.spec_of(&self.containers[at]), code, said),
            started,
            finished: turn.now,
            container_id: self.containers[at].container_id.clone(),
        };
        self.ended(at, end, turn);
    }

    pub(super) fn ended(&mut self, at: usize, end: End, turn: &Turn<'_>) {
        if !self.containers[at].alive() {
            return;
        }
        let again = self.restarts(at, end.code);
        let over = self.ending.is_some() || self.expired;
        let restart_at = (again && !over).then(|| on_grid(turn.now + NOTICE));
        let container = &mut self.containers[at];
        container.probes.clear();
        container.state = State::Terminated { end, restart_at };
    }

    /// Whether a container that ended with this code is started again.
    pub(super) fn restarts(&self, at: usize, code: i32) -> bool {
        let policy = text(&self.pod["spec"]["restartPolicy"]);
        match self.containers[at].role {
            Role::Sidecar => !self.finished,
            Role::Init => code != 0 && policy != "Never",
            Role::Ephemeral => false,
            Role::Main => {
                policy == "Always" || policy.is_empty() || (policy == "OnFailure" && code != 0)
            }
        }
    }

    /// The machine says that the network is gone.
    pub(crate) fn handle_sandbox_stopped(&mut self, turn: &mut Turn<'_>) {
        if let Some(ip) = self.ip.filter(|_| !self.host_network()) {
            turn.range.release(ip);
        }
        for container in &mut self.containers {
            if container.alive() {
                let since = container.since();
                let end = End {
                    code: 137,
                    reason: "Error".to_owned(),
                    message: String::new(),
                    started: since,
                    finished: turn.now,
                    container_id: container.container_id.clone(),
                };
                container.state = State::Terminated {
                    end,
                    restart_at: None,
                };
            }
        }
        self.sandbox = match self.ending {
            Some(Ending::Deleted { .. }) => Sandbox::Clearing {
                until: turn.after(300, 500),
            },
            _ => Sandbox::Gone,
        };
    }

    /// The object is gone before the pod is: nothing more is waited for.
    pub(crate) fn forget(&mut self, turn: &mut Turn<'_>) {
        if self.ending == Some(Ending::Forgotten) {
            return;
        }
        self.ending = Some(Ending::Forgotten);
        for at in 0..self.containers.len() {
            if self.containers[at].alive() {
                self.signal(at, 9, turn);
            }
        }
        self.leave(turn);
    }

    pub(super) fn leave(&mut self, turn: &mut Turn<'_>) {
        match self.sandbox {
            Sandbox::Asked | Sandbox::Ready => {
                self.sandbox = Sandbox::Leaving;
                turn.commands.push_back(Command::StopSandbox {
                    pod: self.reference.clone(),
                });
            }
            Sandbox::Volumes { .. } | Sandbox::Due { .. } => self.sandbox = Sandbox::Gone,
            Sandbox::Clearing { .. } => self.sandbox = Sandbox::Gone,
            Sandbox::Leaving | Sandbox::Gone => {}
        }
    }

    /// The object was marked: every container is asked to end.
    pub(super) fn begin_ending(&mut self, turn: &mut Turn<'_>) {
        let grace = self.pod["metadata"]["deletionGracePeriodSeconds"]
            .as_u64()
            .unwrap_or(30);
        let deadline = turn.now + Duration::from_secs(grace);
        self.ending = Some(Ending::Deleted { deadline });
        if self.finished {
            return;
        }
        for at in 0..self.containers.len() {
            if self.containers[at].role != Role::Sidecar {
                self.stop(at, deadline, None, turn);
            }
        }
    }

    /// It was active for too long: every container is asked to end, and none begins again.
    pub(super) fn expire(&mut self, turn: &mut Turn<'_>) {
        turn.note(
            &self.pod,
            Tone::Normal,
            "DeadlineExceeded",
            EXPIRED.to_owned(),
        );
        (self.expired, self.finished) = (true, true);
        let deadline = turn.now + self.grace();
        for at in 0..self.containers.len() {
            self.stop(at, deadline, None, turn);
        }
        if self.sandbox != Sandbox::Ready {
            self.leave(turn);
        }
    }

    /// How long its containers may take to end.
    pub(super) fn grace(&self) -> Duration {
        let seconds = self.pod["spec"]["terminationGracePeriodSeconds"].as_u64();
        Duration::from_secs(seconds.unwrap_or(30))
    }

    /// A later, shorter grace moves the deadline.
    pub(crate) fn shorten(&mut self, grace: u64, turn: &Turn<'_>) {
        let wanted = turn.now + Duration::from_secs(grace);
        let Some(Ending::Deleted { deadline }) = &mut self.ending else {
            return;
        };
        *deadline = (*deadline).min(wanted);
        for container in &mut self.containers {
            if let State::Stopping { kill_at, .. } = &mut container.state {
                *kill_at = (*kill_at).min(wanted);
            }
        }
    }

    /// Asks one container to end: its hook first, then the signal.
    pub(super) fn stop(
        &mut self,
        at: usize,
        kill_at: Instant,
        sentence: Option<String>,
        turn: &mut Turn<'_>,
    ) {
        let (State::Running { since } | State::Hooked { since, .. }) = self.containers[at].state
        else {
            return;
        };
        let spec = self.spec_of(&self.containers[at]);
        let container = &self.containers[at];
        let sentence = sentence.unwrap_or_else(|| format!("Stopping container {}", container.name));
        turn.note_of(&self.pod, container, Tone::Normal, "Killing", sentence);
        let (mut hook, mut term_at) = (None, Some(turn.now));
        if let Some(pre_stop) = spec["lifecycle"]
            .get("preStop")
            .filter(|hook| hook.is_object())
        {
            if let Some(seconds) = pre_stop["sleep"]["seconds"].as_u64() {
                term_at = Some(turn.now + Duration::from_secs(seconds));
            } else if let Some(id) = self.run_hook(at, pre_stop, turn) {
                (hook, term_at) = (Some(id), None);
            }
        }
        self.containers[at].state = State::Stopping {
            since,
            hook,
            term_at,
            kill_at,
            killed: false,
        };
        self.advance_container(at, turn);
    }

    /// Signals a container that is to end, when its hook is over and when its time is.
    ///
    /// A hook that takes all of the grace is given up, and the container gets two seconds more to
    /// end by itself, as the page on container lifecycle hooks has it.
    pub(super) fn press(&mut self, at: usize, turn: &mut Turn<'_>) {
        let State::Stopping {
            since,
            mut hook,
            mut term_at,
            mut kill_at,
            mut killed,
        } = self.containers[at].state
        else {
            return;
        };
        let late = kill_at <= turn.now && !killed;
        let hooked = hook.is_some() || term_at.is_some_and(|term_at| term_at > turn.now);
        if term_at.is_some_and(|term_at| term_at <= turn.now) || (late && hooked) {
            (hook, term_at) = (None, None);
            self.signal(at, 15, turn);
        }
        if late && hooked {
            kill_at = turn.now + LAST_GRACE;
        } else if late {
            killed = true;
            self.signal(at, 9, turn);
        }
        self.containers[at].state = State::Stopping {
            since,
            hook,
            term_at,
            kill_at,
            killed,
        };
    }

    /// Runs a lifecycle hook as the question a probe would be.
    pub(super) fn run_hook(&self, at: usize, hook: &Value, turn: &mut Turn<'_>) -> Option<u64> {
        let spec = self.spec_of(&self.containers[at]);
        let kind = probe::kind_of(hook, &spec, &self.ip?.to_string())?;
        let id = turn.questions.ask(&self.reference.uid);
        let timeout = self.grace();
        let container = self.containers[at].name.clone();
        turn.commands.push_back(Command::Probe {
            id,
            pod: self.reference.clone(),
            container,
            probe: kind,
            timeout,
        });
        Some(id)
    }

    pub(super) fn signal(&self, at: usize, signal: u8, turn: &mut Turn<'_>) {
        let container = &self.containers[at];
        turn.commands.push_back(Command::Signal {
            pod: self.reference.clone(),
            container: container.name.clone(),
            attempt: container.attempt,
            signal,
        });
    }

    /// When the last container has ended, sidecars are asked to end and then the network goes.
    pub(super) fn finish_if_done(&mut self, turn: &mut Turn<'_>) {
        if self.ending.is_none() && !self.finished && self.done() {
            self.finished = true;
        }
        if self.ending.is_none() && !self.finished {
            return;
        }
        let deadline = match self.ending {
            Some(Ending::Deleted { deadline }) => deadline,
            _ => turn.now + Duration::from_secs(30),
        };
        let mains_alive = self.containers.iter().any(|container| {
            matches!(container.role, Role::Init | Role::Main) && container.alive()
        });
        if !mains_alive {
            for at in (0..self.containers.len()).rev() {
                self.stop(at, deadline, None, turn);
            }
        }
        if !self.containers.iter().any(Container::alive) {
            self.leave(turn);
        }
    }

    /// Whether no container will run again: all ended, or an init container failed for good.
    pub(super) fn done(&self) -> bool {
        let over = |container: &Container| {
            matches!(
                container.state,
                State::Terminated {
                    restart_at: None,
                    ..
                }
            )
        };
        let failed_init = self
            .containers
            .iter()
            .any(|c| c.role == Role::Init && over(c) && !c.completed());
        let mut mains = self
            .containers
            .iter()
            .filter(|container| container.role == Role::Main);
        failed_init || mains.all(over)
    }
}

/// The longest message that a file may leave, in bytes (`MaxContainerTerminationMessageLength`).
const FILE_MAX: usize = 4096;
/// The most of a log that stands in for it, in bytes and in lines.
const LOG_MAX: (usize, usize) = (2048, 80);

/// The termination message: what the container wrote into its file, or, where the policy says so and
/// it failed without a word there, the end of its log.
fn last_words(spec: &Value, code: i32, said: &LastWords) -> String {
    let fall_back = spec["terminationMessagePolicy"] == "FallbackToLogsOnError" && code != 0;
    let file = &said.file[..said.file.len().min(FILE_MAX)];
    if !file.is_empty() || !fall_back {
        return String::from_utf8_lossy(file).into_owned();
    }
    let log = &said.log[said.log.len().saturating_sub(LOG_MAX.0)..];
    let log = String::from_utf8_lossy(log);
    let lines: Vec<&str> = log.split_inclusive('\n').collect();
    lines[lines.len().saturating_sub(LOG_MAX.1)..].concat()
}
