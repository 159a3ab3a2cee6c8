//! One pod on one node: from its volumes to its network, its containers and its end.
//!
//! ```text
//! volumes ─► network ─► init containers, one by one ─► containers ─► (finished) ─► no network
//!                                  any of it, when deleted ─► signals ─► no network ─► no object
//! ```
//!
//! [`Machine::advance`] may be called at any time and does what is due. Never writes an object:
//! [`super::status`] says what the machine is, [`super::Kubelets`] writes it.

mod ending;
mod probing;
mod refresh;
pub(crate) mod resize;
mod starting;

use super::command::{Command, PodRef, SandboxOrder};
use super::container::{Container, End, Role, State};
use super::image;
use super::links::ServiceLinks;
use super::network::{self, ClusterDns};
use super::token::Tokens;
use super::volume::{self, Downward};
use crate::NodeSpec;
use crate::api::Issuer;
use crate::controller::meta::{deleting, items, name, namespace, text, uid};
use crate::controller::{Note, Tone};
use crate::ipam::PodRange;
use crate::scheduler::Squeeze;
use crate::store::{Object, Store};
use clock::{Duration, Instant, Stream};
use rand::RngExt;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::Ipv4Addr;

/// How soon the kubelet notices that a container ended or an image failed.
const NOTICE: Duration = Duration::from_secs(1);
/// How long it takes from a failed pull to the first ImagePullBackOff.
const PULL_NOTICE: Duration = Duration::from_millis(300);
/// How often it tries again to make a container's configuration.
const CONFIG_RETRY: Duration = Duration::from_secs(10);
/// The first and the longest wait for a volume.
const MOUNT_RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(122));
/// What a container gets to end in after its preStop hook used up the pod's grace.
const LAST_GRACE: Duration = Duration::from_secs(2);
/// What is said of a pod that outlived `activeDeadlineSeconds`.
pub(crate) const EXPIRED: &str = "Pod was active on the node longer than the specified deadline";
/// Timers fall on this grid, so that many pods are looked at together.
const GRID_MS: u64 = 10;

/// Where a pod's network is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sandbox {
    /// Its volumes come first.
    Volumes { retry_at: Instant, failures: u32 },
    /// It will be asked for.
    Due { at: Instant },
    /// The machine was asked for it.
    Asked,
    /// It is there.
    Ready,
    /// The machine was asked to take it away.
    Leaving,
    /// It is gone; the kubelet clears up before it lets the object go.
    Clearing { until: Instant },
    /// It is gone, or never was.
    Gone,
}

/// How a pod ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It is deleted: everything must end by then.
    Deleted { deadline: Instant },
    /// Its object is already gone.
    Forgotten,
}

/// What a machine may use while it advances.
pub(crate) struct Turn<'a> {
    pub(crate) now: Instant,
    pub(crate) store: &'a Store,
    pub(crate) node: &'a NodeSpec,
    pub(crate) dns: &'a ClusterDns,
    pub(crate) issuer: &'a Issuer,
    /// The calendar at `Instant::ZERO`, in unix seconds.
    pub(crate) epoch: i64,
    pub(crate) known: &'a image::Registry,
    pub(crate) local: &'a mut image::Local,
    pub(crate) range: &'a mut PodRange,
    pub(crate) commands: &'a mut VecDeque<Command>,
    pub(crate) notes: &'a mut Vec<Note>,
    pub(crate) draw: &'a mut Stream,
    pub(crate) questions: &'a mut Questions,
    pub(crate) links: &'a mut ServiceLinks,
}

/// Numbers of probes that wait for an answer, and whose they are.
#[derive(Debug, Default)]
pub(crate) struct Questions {
    pub(crate) next: u64,
    pub(crate) open: BTreeMap<u64, String>,
}

impl Questions {
    fn ask(&mut self, uid: &str) -> u64 {
        self.next += 1;
        self.open.insert(self.next, uid.to_owned());
        self.next
    }
}

/// One pod on its node.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) pod: Object,
    pub(crate) reference: PodRef,
    pub(crate) since: Instant,
    pub(crate) sandbox: Sandbox,
    pub(crate) ip: Option<Ipv4Addr>,
    pub(crate) containers: Vec<Container>,
    pub(crate) ending: Option<Ending>,
    /// Whether all its containers ended for good by themselves, or had to with its deadline.
    pub(crate) finished: bool,
    /// Whether it was active for longer than it may be.
    pub(crate) expired: bool,
    /// When its volumes are looked at again.
    pub(crate) refresh_at: Option<Instant>,
    /// Why its containers run with other resources than its spec has.
    pub(crate) squeeze: Option<Squeeze>,
    /// When room for them is asked for again.
    resize_at: Option<Instant>,
    /// The spec that room was last asked for.
    asked_for: Value,
    /// Immutable objects that were deleted: what their volumes hold stays, whatever has their name.
    pub(crate) frozen: BTreeSet<(&'static str, String)>,
}

impl Turn<'_> {
    /// Unix seconds.
    fn unix(&self) -> i64 {
        self.epoch + i64::try_from(self.now.as_secs()).unwrap_or(i64::MAX)
    }

    /// `base` plus a little, on the grid.
    fn after(&mut self, base_ms: u64, jitter_ms: u64) -> Instant {
        let wait = base_ms + self.draw.random_range(0..=jitter_ms);
        on_grid(self.now + Duration::from_millis(wait))
    }

    fn note(&mut self, pod: &Value, tone: Tone, reason: &'static str, message: String) {
        self.notes
            .push(Note::about(pod, tone, reason, message, "kubelet").on(&self.node.name));
    }

    fn note_of(
        &mut self,
        pod: &Value,
        container: &Container,
        tone: Tone,
        reason: &'static str,
        message: String,
    ) {
        let path = format!("spec.{}{{{}}}", container.role.list(), container.name);
        self.notes.push(
            Note::about(pod, tone, reason, message, "kubelet")
                .on(&self.node.name)
                .at(&path),
        );
    }
}

/// The next multiple of the grid.
pub(crate) fn on_grid(at: Instant) -> Instant {
    let step = GRID_MS * 1_000_000;
    Instant::from_nanos(at.as_nanos().div_ceil(step) * step)
}

impl Machine {
    /// A pod that this node has never seen.
    pub(crate) fn new(pod: Object, now: Instant) -> Self {
        let spec = &pod["spec"];
        let inits = items(&spec["initContainers"]);
        let waiting = match inits {
            [] => "ContainerCreating",
            _ => "PodInitializing",
        };
        let init = |(at, spec): (usize, &Value)| {
            let role = if spec["restartPolicy"] == "Always" {
                Role::Sidecar
            } else {
                Role::Init
            };
            Container::new(text(&spec["name"]), role, at, "PodInitializing")
        };
        let main = |(at, spec): (usize, &Value)| {
            Container::new(text(&spec["name"]), Role::Main, at, waiting)
        };
        let containers = inits
            .iter()
            .enumerate()
            .map(init)
            .chain(items(&spec["containers"]).iter().enumerate().map(main))
            .collect();
        let reference = PodRef {
            namespace: namespace(&pod).to_owned(),
            name: name(&pod).to_owned(),
            uid: uid(&pod).to_owned(),
        };
        Self {
            pod,
            reference,
            since: now,
            sandbox: Sandbox::Volumes {
                retry_at: now,
                failures: 0,
            },
            ip: None,
            containers,
            ending: None,
            finished: false,
            expired: false,
            refresh_at: None,
            squeeze: None,
            resize_at: None,
            asked_for: Value::Null,
            frozen: BTreeSet::new(),
        }
    }

    /// A pod that was here before the machine lost its power: every container is started once more.
    pub(crate) fn rebooted(pod: Object, now: Instant) -> Self {
        let mut machine = Self::new(pod, now);
        machine.welcome_ephemeral();
        let statuses: Vec<Value> = super::status::LISTS
            .iter()
            .flat_map(|(list, _)| items(&machine.pod["status"][*list]).to_vec())
            .collect();
        let never = machine.pod["spec"]["restartPolicy"] == "Never";
        for container in &mut machine.containers {
            let Some(status) = statuses
                .iter()
                .find(|status| status["name"] == container.name.as_str())
            else {
                continue;
            };
            let ran = status["state"].get("running").is_some()
                || status["restartCount"].as_u64().unwrap_or(0) > 0;
            if !ran {
                continue;
            }
            container.attempt = status["restartCount"]
                .as_u64()
                .and_then(|n| u32::try_from(n).ok())
                .unwrap_or(0);
            container.began = true;
            text(&status["containerID"]).clone_into(&mut container.container_id);
            let end = End {
                code: 255,
                reason: "Unknown".to_owned(),
                message: String::new(),
                started: None,
                finished: now,
                container_id: container.container_id.clone(),
            };
            if never || container.role == Role::Ephemeral {
                container.state = State::Terminated {
                    end,
                    restart_at: None,
                };
            } else {
                container.last = Some(end);
            }
        }
        machine
    }

    /// Does everything that is due.
    pub(crate) fn advance(&mut self, turn: &mut Turn<'_>) {
        if self.ending.is_none() && deleting(&self.pod) {
            self.begin_ending(turn);
        }
        if self.expires_at().is_some_and(|at| at <= turn.now) {
            self.expire(turn);
        }
        self.advance_sandbox(turn);
        self.welcome_ephemeral();
        if self.sandbox == Sandbox::Ready {
            for at in 0..self.containers.len() {
                self.advance_container(at, turn);
            }
            self.refresh_if_due(turn);
            self.resize_if_asked(turn);
            self.finish_if_done(turn);
        }
    }

    /// Takes in the ephemeral containers that its pod has been given since.
    fn welcome_ephemeral(&mut self) {
        let role = Role::Ephemeral;
        let known = self.containers.iter().filter(|one| one.role == role);
        let known = known.count();
        let waiting = self.waiting();
        let new = items(&self.pod["spec"][role.list()]).iter().enumerate();
        for (at, spec) in new.skip(known) {
            self.containers
                .push(Container::new(text(&spec["name"]), role, at, waiting));
        }
    }

    /// Why a container that has not been started waits.
    pub(crate) fn waiting(&self) -> &'static str {
        match items(&self.pod["spec"]["initContainers"]) {
            [] => "ContainerCreating",
            _ => "PodInitializing",
        }
    }

    /// When [`Machine::advance`] has something to do by itself.
    pub(crate) fn poll_at(&self) -> Option<Instant> {
        let own = match self.sandbox {
            Sandbox::Volumes { retry_at, .. } => Some(retry_at),
            Sandbox::Due { at } => Some(at),
            Sandbox::Clearing { until } => Some(until),
            Sandbox::Ready => (0..self.containers.len())
                .filter_map(|at| self.due(at))
                .chain(self.refresh_at)
                .chain(self.resize_at)
                .min(),
            Sandbox::Asked | Sandbox::Leaving | Sandbox::Gone => None,
        };
        own.into_iter().chain(self.expires_at()).min()
    }

    /// When it will have been active for as long as it may be.
    fn expires_at(&self) -> Option<Instant> {
        let over = self.ending.is_some() || self.finished;
        let seconds = self.pod["spec"]["activeDeadlineSeconds"]
            .as_u64()
            .filter(|_| !over)?;
        Some(on_grid(self.since + Duration::from_secs(seconds)))
    }

    /// When something about a container is due that may be done: what is held back by the others or
    /// by the pod's end moves on with them.
    fn due(&self, at: usize) -> Option<Instant> {
        let container = &self.containers[at];
        let over = self.ending.is_some() || self.finished;
        let held = match container.state {
            State::Waiting { .. } => over || !self.may_begin(at),
            State::Terminated { .. } => over,
            _ => false,
        };
        if held { None } else { container.poll_at() }
    }

    /// Whether nothing of it is left on the node.
    pub(crate) fn gone(&self) -> bool {
        self.sandbox == Sandbox::Gone
    }

    fn host_network(&self) -> bool {
        self.pod["spec"]["hostNetwork"] == true
    }

    fn advance_sandbox(&mut self, turn: &mut Turn<'_>) {
        if let Sandbox::Volumes { retry_at, failures } = self.sandbox {
            if self.ending.is_some() {
                self.sandbox = Sandbox::Gone;
            } else if retry_at <= turn.now {
                self.set_up_volumes(failures, turn);
            }
        }
        if let Sandbox::Clearing { until } = self.sandbox
            && until <= turn.now
        {
            self.sandbox = Sandbox::Gone;
        }
        if let Sandbox::Due { at } = self.sandbox {
            if self.ending.is_some() {
                self.sandbox = Sandbox::Gone;
            } else if at <= turn.now {
                self.ask_for_sandbox(turn);
            }
        }
    }

    fn set_up_volumes(&mut self, failures: u32, turn: &mut Turn<'_>) {
        let errors = volume::check(turn.store, &self.downward(turn));
        if errors.is_empty() {
            self.sandbox = Sandbox::Due {
                at: turn.after(120, 80),
            };
            return;
        }
        for error in errors {
            turn.note(&self.pod, Tone::Warning, "FailedMount", error.message);
        }
        let wait = (MOUNT_RETRY.0 * (1 << failures.min(10))).min(MOUNT_RETRY.1);
        self.sandbox = Sandbox::Volumes {
            retry_at: turn.now + wait,
            failures: failures + 1,
        };
    }

    fn ask_for_sandbox(&mut self, turn: &mut Turn<'_>) {
        let host_network = self.host_network();
        let ip = if host_network {
            Some(turn.node.addr)
        } else {
            turn.range.allocate()
        };
        let Some(ip) = ip else {
            let message = "Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox: no IP addresses available in range set";
            turn.note(
                &self.pod,
                Tone::Warning,
                "FailedCreatePodSandBox",
                message.to_owned(),
            );
            self.sandbox = Sandbox::Due {
                at: turn.now + Duration::from_secs(10),
            };
            return;
        };
        self.ip = Some(ip);
        self.sandbox = Sandbox::Asked;
        turn.commands.push_back(Command::StartSandbox(SandboxOrder {
            pod: self.reference.clone(),
            node: turn.node.name.clone(),
            ip,
            host_network,
            hostname: if host_network {
                turn.node.name.clone()
            } else {
                network::hostname(&self.pod)
            },
            dns: network::resolv_conf(&self.pod, turn.dns),
            hosts: network::hosts(&self.pod, ip, turn.dns.domain),
        }));
    }

    fn downward<'a>(&'a self, turn: &Turn<'a>) -> Downward<'a> {
        Downward {
            pod: &self.pod,
            ip: self.ip,
            node_ip: turn.node.addr,
            tokens: Some(Tokens {
                issuer: turn.issuer,
                now: turn.unix(),
            }),
        }
    }

    fn spec_of(&self, container: &Container) -> Value {
        self.pod["spec"][container.role.list()][container.at].clone()
    }

    /// Whether those that come before let this one begin.
    fn may_begin(&self, at: usize) -> bool {
        let role = self.containers[at].role;
        if role == Role::Ephemeral {
            return true;
        }
        self.containers[..at]
            .iter()
            .all(|before| match before.role {
                Role::Init => before.completed(),
                Role::Sidecar => before.started(),
                // Containers are made one after the other, but do not wait for each other to end.
                Role::Main => {
                    role != Role::Main
                        || !matches!(
                            before.state,
                            State::Pulling { .. } | State::Creating { .. } | State::Hooked { .. }
                        )
                }
                Role::Ephemeral => true,
            })
    }

    fn advance_container(&mut self, at: usize, turn: &mut Turn<'_>) {
        let now = turn.now;
        match self.containers[at].state.clone() {
            State::Waiting { reason, until, .. } => {
                let due = until.is_none_or(|until| until <= now);
                if !due || self.ending.is_some() || self.finished || !self.may_begin(at) {
                    return;
                }
                match reason {
                    "ErrImagePull" => self.hold_back_pull(at, turn),
                    "CrashLoopBackOff" => self.begin_again(at, turn),
                    _ => self.begin(at, turn),
                }
            }
            State::Pulling { asked, done } if done <= now => self.pulled(at, asked, turn),
            State::Creating { due } if due <= now => self.start(at, turn),
            State::Hooked {
                until: Some(until), ..
            } if until <= now => self.runs(at, turn),
            State::Running { .. } => self.ask_probes(at, turn),
            State::Stopping { .. } => self.press(at, turn),
            State::Terminated {
                end,
                restart_at: Some(restart_at),
            } if restart_at <= now => self.restart(at, &end, turn),
            _ => {}
        }
    }

    /// The machine says that the network is there.
    pub(crate) fn handle_sandbox_ready(&mut self) {
        if self.sandbox == Sandbox::Asked {
            self.sandbox = Sandbox::Ready;
        }
    }

    fn find(&self, container: &str, attempt: u32) -> Option<usize> {
        self.containers
            .iter()
            .position(|one| one.name == container && one.attempt == attempt)
    }
}
