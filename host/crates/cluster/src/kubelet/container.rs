//! One container of a pod: where it is in its life, and when something is due.
//!
//! ```text
//! Waiting ─► Pulling ─► Creating ─► Starting ─► (Hooked) ─► Running ─► Stopping ─► Terminated
//!    ▲          │ ErrImagePull, ImagePullBackOff                                       │
//!    └──────────┴────────────── 1 s, then CrashLoopBackOff ◄───────────────────────────┘
//! ```
//!
//! Holds state and arithmetic only; [`super::pod`] moves it on.

use super::probe::Probe;
use clock::{Duration, Instant};
use serde_json::Value;
use std::collections::BTreeMap;

/// The first CrashLoopBackOff and ImagePullBackOff.
const BACKOFF_START: Duration = Duration::from_secs(10);
/// The longest.
const BACKOFF_MAX: Duration = Duration::from_secs(300);
/// A container that ran this long starts over with the first delay.
const BACKOFF_RESET: Duration = Duration::from_secs(600);

/// Which part a container plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Runs to its end before the next one starts.
    Init,
    /// An init container that keeps running beside the others.
    Sidecar,
    /// What the pod is for.
    Main,
    /// Joins a running pod to look at it, and is never started again.
    Ephemeral,
}

impl Role {
    /// The list of a pod's spec that has such containers.
    pub(crate) fn list(self) -> &'static str {
        match self {
            Self::Init | Self::Sidecar => "initContainers",
            Self::Main => "containers",
            Self::Ephemeral => "ephemeralContainers",
        }
    }
}

/// Where a container is.
#[derive(Clone, Debug)]
pub(crate) enum State {
    /// Not yet, and why; with a time when it is tried again.
    Waiting {
        reason: &'static str,
        message: String,
        until: Option<Instant>,
    },
    /// Its image is on the way.
    Pulling { asked: Instant, done: Instant },
    /// It will be started.
    Creating { due: Instant },
    /// The machine was told to start it.
    Starting,
    /// It runs, and its postStart hook has not ended: nobody is told yet that it runs.
    Hooked {
        since: Instant,
        hook: Option<u64>,
        until: Option<Instant>,
    },
    /// It runs.
    Running { since: Instant },
    /// It was asked to end: a hook first, then a signal, at last the signal nobody survives.
    Stopping {
        since: Instant,
        hook: Option<u64>,
        term_at: Option<Instant>,
        kill_at: Instant,
        killed: bool,
    },
    /// It ended; `restart_at` is when the kubelet looks at it again.
    Terminated {
        end: End,
        restart_at: Option<Instant>,
    },
}

/// How a container ended.
#[derive(Clone, Debug)]
pub(crate) struct End {
    pub(crate) code: i32,
    pub(crate) reason: String,
    pub(crate) message: String,
    pub(crate) started: Option<Instant>,
    pub(crate) finished: Instant,
    pub(crate) container_id: String,
}

/// A delay that doubles.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backoff {
    delay: Duration,
    updated: Instant,
}

/// One container.
#[derive(Clone, Debug)]
pub(crate) struct Container {
    pub(crate) name: String,
    pub(crate) role: Role,
    /// Its place in the list of the spec that its role names.
    pub(crate) at: usize,
    pub(crate) state: State,
    pub(crate) last: Option<End>,
    pub(crate) attempt: u32,
    /// Whether it was ever started, so that the next start is another attempt.
    pub(crate) began: bool,
    pub(crate) container_id: String,
    pub(crate) probes: Vec<Probe>,
    pub(crate) crash: Option<Backoff>,
    pub(crate) pull: Option<Backoff>,
    /// What the volumes that its kubelet keeps up to date held when it last saw to them, by the
    /// path of the mount, as a fingerprint.
    pub(crate) mounted: BTreeMap<String, u64>,
    /// The resources that it runs with.
    pub(crate) resources: Value,
}

impl Container {
    pub(crate) fn new(name: &str, role: Role, at: usize, reason: &'static str) -> Self {
        Self {
            name: name.to_owned(),
            role,
            at,
            state: State::Waiting {
                reason,
                message: String::new(),
                until: None,
            },
            last: None,
            attempt: 0,
            began: false,
            container_id: String::new(),
            probes: Vec::new(),
            crash: None,
            pull: None,
            mounted: BTreeMap::new(),
            resources: Value::Null,
        }
    }

    /// Whether its process may be alive.
    pub(crate) fn alive(&self) -> bool {
        matches!(
            self.state,
            State::Starting | State::Hooked { .. } | State::Running { .. } | State::Stopping { .. }
        )
    }

    /// Since when its process runs, if it does.
    pub(crate) fn since(&self) -> Option<Instant> {
        match self.state {
            State::Hooked { since, .. }
            | State::Running { since }
            | State::Stopping { since, .. } => Some(since),
            _ => None,
        }
    }

    /// Whether it runs and has passed its startup probe.
    pub(crate) fn started(&self) -> bool {
        let running = matches!(self.state, State::Running { .. } | State::Stopping { .. });
        running && self.verdict(super::probe::Purpose::Startup) != Some(None)
    }

    /// Whether it may be sent requests.
    pub(crate) fn ready(&self) -> bool {
        match self.role {
            Role::Init => return self.completed(),
            Role::Ephemeral => return false,
            Role::Sidecar | Role::Main => {}
        }
        self.started()
            && !matches!(
                self.verdict(super::probe::Purpose::Readiness),
                Some(None | Some(false))
            )
    }

    /// Whether it ended well.
    pub(crate) fn completed(&self) -> bool {
        matches!(&self.state, State::Terminated { end, .. } if end.code == 0)
    }

    /// What a probe found: outer `None` without such a probe, inner `None` before its first verdict.
    fn verdict(&self, purpose: super::probe::Purpose) -> Option<Option<bool>> {
        self.probes
            .iter()
            .find(|probe| probe.purpose == purpose)
            .map(|probe| probe.verdict)
    }

    /// When something about it is due.
    pub(crate) fn poll_at(&self) -> Option<Instant> {
        match &self.state {
            State::Waiting { until, .. } => *until,
            State::Pulling { done, .. } => Some(*done),
            State::Creating { due } => Some(*due),
            State::Starting => None,
            State::Hooked { until, .. } => *until,
            State::Running { .. } => self.probes_due(),
            State::Stopping {
                term_at,
                kill_at,
                killed,
                ..
            } => {
                let kill = (!killed).then_some(*kill_at);
                [*term_at, kill].into_iter().flatten().min()
            }
            State::Terminated { restart_at, .. } => *restart_at,
        }
    }

    fn probes_due(&self) -> Option<Instant> {
        let starting = !self.started();
        let askable = self.probes.iter().filter(|probe| {
            let startup = probe.purpose == super::probe::Purpose::Startup;
            if starting { startup } else { !startup }
        });
        askable.filter_map(Probe::poll_at).min()
    }
}

impl Backoff {
    /// Whether something that ended at `ended` must still wait; until when.
    pub(crate) fn holds(
        backoff: Option<Self>,
        ended: Instant,
        now: Instant,
    ) -> Option<(Instant, Duration)> {
        let backoff = backoff?;
        if ended - backoff.updated > BACKOFF_RESET {
            return None;
        }
        let until = ended + backoff.delay;
        (now < until).then_some((until, backoff.delay))
    }

    /// The next delay, counted from an end at `ended`.
    pub(crate) fn next(backoff: Option<Self>, ended: Instant, now: Instant) -> Self {
        let delay = match backoff {
            Some(backoff) if ended - backoff.updated <= BACKOFF_RESET => {
                (backoff.delay * 2).min(BACKOFF_MAX)
            }
            _ => BACKOFF_START,
        };
        Self {
            delay,
            updated: now,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_to_five_minutes_and_start_over_after_ten_good_ones() {
        let mut now = Instant::ZERO;
        let mut backoff = None;
        let mut delays = Vec::new();
        for _ in 0..8 {
            let ended = now;
            if let Some((until, delay)) = Backoff::holds(backoff, ended, now) {
                delays.push(delay.as_secs());
                now = until;
            }
            backoff = Some(Backoff::next(backoff, ended, now));
        }
        assert_eq!(delays, [10, 20, 40, 80, 160, 300, 300]);
        let after_a_long_run = now + Duration::from_secs(601);
        assert!(Backoff::holds(backoff, after_a_long_run, after_a_long_run).is_none());
        let fresh = Backoff::next(backoff, after_a_long_run, after_a_long_run);
        assert_eq!(fresh.delay, BACKOFF_START);
    }
}
