//! One pod on one node: from its volumes to its network, its containers and its end.
//!
//! ```text
//! volumes ─► network ─► init containers, one by one ─► containers ─► (finished) ─► no network
//!                                  any of it, when deleted ─► signals ─► no network ─► no object
//! ```
//!
//! [`Machine::advance`] may be called at any time and does what is due. Never writes an object:
//! [`super::status`] says what the machine is, [`super::Kubelets`] writes it.

use super::command::{Command, PodRef, SandboxOrder, StartContainer};
use super::container::{Backoff, Container, End, Role, State};
use super::env;
use super::image;
use super::network::{self, ClusterDns};
use super::probe::{self, Probe, Purpose};
use super::volume::{self, Downward};
use crate::NodeSpec;
use crate::controller::meta::{deleting, items, name, namespace, text, uid};
use crate::controller::{Note, Tone};
use crate::ipam::PodRange;
use crate::kind::quantity::thousandths;
use crate::store::{Object, Store};
use clock::{Duration, Instant, Stream};
use rand::{Rng, RngExt};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;

/// How soon the kubelet notices that a container ended or an image failed.
const NOTICE: Duration = Duration::from_secs(1);
/// How long it takes from a failed pull to the first ImagePullBackOff.
const PULL_NOTICE: Duration = Duration::from_millis(300);
/// How often it tries again to make a container's configuration.
const CONFIG_RETRY: Duration = Duration::from_secs(10);
/// The first and the longest wait for a volume.
const MOUNT_RETRY: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(122));
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
    pub(crate) known: &'a image::Registry,
    pub(crate) local: &'a mut image::Local,
    pub(crate) range: &'a mut PodRange,
    pub(crate) commands: &'a mut VecDeque<Command>,
    pub(crate) notes: &'a mut Vec<Note>,
    pub(crate) draw: &'a mut Stream,
    pub(crate) questions: &'a mut Questions,
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
    /// Whether all its containers ended for good by themselves.
    pub(crate) finished: bool,
}

impl Turn<'_> {
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
        let list = if container.role == Role::Main {
            "containers"
        } else {
            "initContainers"
        };
        let path = format!("spec.{list}{{{}}}", container.name);
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
        let waiting = if inits.is_empty() {
            "ContainerCreating"
        } else {
            "PodInitializing"
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
        }
    }

    /// A pod that was here before the machine lost its power: every container is started once more.
    pub(crate) fn rebooted(pod: Object, now: Instant) -> Self {
        let mut machine = Self::new(pod, now);
        let statuses: Vec<Value> = ["initContainerStatuses", "containerStatuses"]
            .iter()
            .flat_map(|list| items(&machine.pod["status"][*list]).to_vec())
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
            if never {
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
        self.advance_sandbox(turn);
        if self.sandbox == Sandbox::Ready {
            for at in 0..self.containers.len() {
                self.advance_container(at, turn);
            }
            self.finish_if_done(turn);
        }
    }

    /// When [`Machine::advance`] has something to do by itself.
    pub(crate) fn poll_at(&self) -> Option<Instant> {
        match self.sandbox {
            Sandbox::Volumes { retry_at, .. } => Some(retry_at),
            Sandbox::Due { at } => Some(at),
            Sandbox::Ready => self.containers.iter().filter_map(Container::poll_at).min(),
            Sandbox::Asked | Sandbox::Leaving | Sandbox::Gone => None,
        }
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

    fn downward<'a>(&'a self, turn: &Turn<'_>) -> Downward<'a> {
        Downward {
            pod: &self.pod,
            ip: self.ip,
            node_ip: turn.node.addr,
        }
    }

    fn spec_of(&self, container: &Container) -> Value {
        let list = if container.role == Role::Main {
            "containers"
        } else {
            "initContainers"
        };
        self.pod["spec"][list][container.at].clone()
    }

    /// Whether those that come before let this one begin.
    fn may_begin(&self, at: usize) -> bool {
        let role = self.containers[at].role;
        self.containers[..at]
            .iter()
            .all(|before| match before.role {
                Role::Init => before.completed(),
                Role::Sidecar => before.started(),
                // Containers are made one after the other, but do not wait for each other to end.
                Role::Main => {
                    role != Role::Main
                        || !matches!(before.state, State::Pulling { .. } | State::Creating { .. })
                }
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
            State::Running { .. } => self.ask_probes(at, turn),
            State::Stopping {
                since,
                hook,
                term_at,
                kill_at,
                killed,
            } => {
                let mut next = (hook, term_at, killed);
                if term_at.is_some_and(|term_at| term_at <= now) {
                    next = (None, None, killed);
                    self.signal(at, 15, turn);
                }
                if kill_at <= now && !killed {
                    next = (None, None, true);
                    self.signal(at, 9, turn);
                }
                self.containers[at].state = State::Stopping {
                    since,
                    hook: next.0,
                    term_at: next.1,
                    kill_at,
                    killed: next.2,
                };
            }
            State::Terminated {
                end,
                restart_at: Some(restart_at),
            } if restart_at <= now => self.restart(at, &end, turn),
            _ => {}
        }
    }

    /// Looks for the image and either has it, pulls it, or cannot.
    fn begin(&mut self, at: usize, turn: &mut Turn<'_>) {
        let spec = self.spec_of(&self.containers[at]);
        let reference = text(&spec["image"]);
        let here = turn.local.has(reference, turn.now);
        let container = &self.containers[at];
        let policy = text(&spec["imagePullPolicy"]);
        if here && policy != "Always" {
            let message = format!(
                "Container image \"{reference}\" already present on machine and can be accessed by the pod"
            );
            turn.note_of(&self.pod, container, Tone::Normal, "Pulled", message);
            self.containers[at].state = State::Creating {
                due: turn.after(60, 80),
            };
            return;
        }
        if policy == "Never" {
            let message =
                format!("Container image \"{reference}\" is not present with pull policy of Never");
            turn.note_of(
                &self.pod,
                container,
                Tone::Warning,
                "ErrImageNeverPull",
                message.clone(),
            );
            turn.note_of(
                &self.pod,
                container,
                Tone::Warning,
                "Failed",
                "Error: ErrImageNeverPull".to_owned(),
            );
            self.containers[at].state = State::Waiting {
                reason: "ErrImageNeverPull",
                message,
                until: Some(turn.now + CONFIG_RETRY),
            };
            return;
        }
        turn.note_of(
            &self.pod,
            container,
            Tone::Normal,
            "Pulling",
            format!("Pulling image \"{reference}\""),
        );
        let done = match turn.known.find(reference) {
            Some(image) => on_grid(turn.local.pull(image, turn.now, turn.draw)),
            None => turn.after(300, 200),
        };
        self.containers[at].state = State::Pulling {
            asked: turn.now,
            done,
        };
    }

    fn pulled(&mut self, at: usize, asked: Instant, turn: &mut Turn<'_>) {
        let spec = self.spec_of(&self.containers[at]);
        let reference = text(&spec["image"]).to_owned();
        let container = &self.containers[at];
        if let Some(image) = turn.known.find(&reference) {
            let took = image::go_duration(turn.now - asked);
            let message = format!(
                "Successfully pulled image \"{reference}\" in {took} ({took} including waiting). Image size: {} bytes.",
                image.size_bytes
            );
            turn.note_of(&self.pod, container, Tone::Normal, "Pulled", message);
            let due = turn.after(60, 80);
            let container = &mut self.containers[at];
            container.pull = None;
            container.state = State::Creating { due };
            return;
        }
        let error = image::not_found(&reference);
        turn.note_of(
            &self.pod,
            container,
            Tone::Warning,
            "Failed",
            format!("Failed to pull image \"{reference}\": {error}"),
        );
        turn.note_of(
            &self.pod,
            container,
            Tone::Warning,
            "Failed",
            "Error: ErrImagePull".to_owned(),
        );
        let container = &mut self.containers[at];
        container.pull = Some(Backoff::next(container.pull, turn.now, turn.now));
        container.state = State::Waiting {
            reason: "ErrImagePull",
            message: error,
            until: Some(turn.now + PULL_NOTICE),
        };
    }

    /// From ErrImagePull to ImagePullBackOff.
    fn hold_back_pull(&mut self, at: usize, turn: &mut Turn<'_>) {
        let spec = self.spec_of(&self.containers[at]);
        let reference = text(&spec["image"]);
        let container = &self.containers[at];
        let State::Waiting {
            message: error,
            until: Some(noticed),
            ..
        } = &container.state
        else {
            return;
        };
        let failed_at = Instant::from_nanos(
            noticed
                .as_nanos()
                .saturating_sub(u64::try_from(PULL_NOTICE.as_nanos()).unwrap_or(0)),
        );
        let Some((until, _)) = Backoff::holds(container.pull, failed_at, turn.now) else {
            self.begin(at, turn);
            return;
        };
        let hint = format!("Back-off pulling image \"{reference}\"");
        let message = format!("{hint}: ErrImagePull: {error}");
        turn.note_of(&self.pod, container, Tone::Normal, "BackOff", hint);
        turn.note_of(
            &self.pod,
            container,
            Tone::Warning,
            "Failed",
            "Error: ImagePullBackOff".to_owned(),
        );
        self.containers[at].state = State::Waiting {
            reason: "ImagePullBackOff",
            message,
            until: Some(until),
        };
    }

    /// Tells the machine to start the container.
    fn start(&mut self, at: usize, turn: &mut Turn<'_>) {
        let spec = self.spec_of(&self.containers[at]);
        let environment = match env::environment(turn.store, &self.downward(turn), &spec) {
            Ok(environment) => environment,
            Err(message) => {
                turn.note_of(
                    &self.pod,
                    &self.containers[at],
                    Tone::Warning,
                    "Failed",
                    format!("Error: {message}"),
                );
                let until = Some(turn.now + CONFIG_RETRY);
                self.containers[at].state = State::Waiting {
                    reason: "CreateContainerConfigError",
                    message,
                    until,
                };
                return;
            }
        };
        let mounts = volume::mounts(turn.store, &self.downward(turn), &spec);
        let variables: BTreeMap<String, String> = environment.iter().cloned().collect();
        let words = |field: &str| {
            let list = spec[field].as_array()?;
            Some(
                list.iter()
                    .map(|word| env::expand(text(word), &variables))
                    .collect::<Vec<_>>(),
            )
            .filter(|list| !list.is_empty())
        };
        let (command, args) = (words("command"), words("args"));
        let container = &mut self.containers[at];
        if container.began {
            container.attempt += 1;
        }
        container.began = true;
        container.state = State::Starting;
        container.container_id =
            format!("containerd://{}", image::hex(&mut || turn.draw.next_u64()));
        container.probes.clear();
        let memory = spec["resources"]["limits"]["memory"]
            .as_str()
            .and_then(thousandths);
        let start = StartContainer {
            pod: self.reference.clone(),
            container: container.name.clone(),
            attempt: container.attempt,
            image: text(&spec["image"]).to_owned(),
            command,
            args,
            env: environment,
            working_dir: spec["workingDir"].as_str().map(str::to_owned),
            mounts,
            memory_limit: memory.and_then(|memory| u64::try_from(memory / 1000).ok()),
            tty: spec["tty"] == true,
            stdin: spec["stdin"] == true,
        };
        turn.commands.push_back(Command::StartContainer(start));
        turn.note_of(
            &self.pod,
            &self.containers[at],
            Tone::Normal,
            "Created",
            "Container created".to_owned(),
        );
    }

    /// The machine says that a container runs.
    pub(crate) fn handle_started(&mut self, container: &str, attempt: u32, turn: &mut Turn<'_>) {
        let Some(at) = self.find(container, attempt) else {
            return;
        };
        if !matches!(self.containers[at].state, State::Starting) {
            return;
        }
        let spec = self.spec_of(&self.containers[at]);
        turn.note_of(
            &self.pod,
            &self.containers[at],
            Tone::Normal,
            "Started",
            "Container started".to_owned(),
        );
        let container = &mut self.containers[at];
        container.state = State::Running { since: turn.now };
        if container.role != Role::Init {
            container.probes = Probe::all(&spec, turn.now);
        }
        if let Some(hook) = spec["lifecycle"].get("postStart") {
            self.run_hook(at, hook, turn);
        }
        if let Some(Ending::Deleted { deadline }) = self.ending {
            self.stop(at, deadline, None, turn);
        }
    }

    /// The machine could not start a container.
    pub(crate) fn handle_start_failed(
        &mut self,
        container: &str,
        attempt: u32,
        reason: &str,
        message: &str,
        turn: &mut Turn<'_>,
    ) {
        let Some(at) = self.find(container, attempt) else {
            return;
        };
        turn.note_of(
            &self.pod,
            &self.containers[at],
            Tone::Warning,
            "Failed",
            format!("Error: {message}"),
        );
        let end = End {
            code: 128,
            reason: reason.to_owned(),
            message: message.to_owned(),
            started: Some(turn.now),
            finished: turn.now,
            container_id: self.containers[at].container_id.clone(),
        };
        self.ended(at, end, turn);
    }

    /// The machine says that a container ended.
    pub(crate) fn handle_exited(
        &mut self,
        container: &str,
        attempt: u32,
        code: i32,
        oom: bool,
        turn: &mut Turn<'_>,
    ) {
        let Some(at) = self.find(container, attempt) else {
            return;
        };
        let started = match self.containers[at].state {
            State::Running { since } | State::Stopping { since, .. } => Some(since),
            _ => Some(turn.now),
        };
        let reason = match (oom, code) {
            (true, _) => "OOMKilled",
            (false, 0) => "Completed",
            _ => "Error",
        };
        let end = End {
            code,
            reason: reason.to_owned(),
            message: String::new(),
            started,
            finished: turn.now,
            container_id: self.containers[at].container_id.clone(),
        };
        self.ended(at, end, turn);
    }

    fn ended(&mut self, at: usize, end: End, turn: &Turn<'_>) {
        if !self.containers[at].alive() {
            return;
        }
        let again = self.restarts(at, end.code);
        let restart_at = (again && self.ending.is_none()).then(|| on_grid(turn.now + NOTICE));
        let container = &mut self.containers[at];
        container.probes.clear();
        container.state = State::Terminated { end, restart_at };
    }

    /// Whether a container that ended with this code is started again.
    fn restarts(&self, at: usize, code: i32) -> bool {
        let policy = text(&self.pod["spec"]["restartPolicy"]);
        match self.containers[at].role {
            Role::Sidecar => !self.finished,
            Role::Init => code != 0 && policy != "Never",
            Role::Main => {
                policy == "Always" || policy.is_empty() || (policy == "OnFailure" && code != 0)
            }
        }
    }

    /// A second after the end: start again, or say how long that is held back.
    fn restart(&mut self, at: usize, end: &End, turn: &mut Turn<'_>) {
        if self.ending.is_some() || self.finished {
            return;
        }
        let container = &mut self.containers[at];
        let crash = container.crash;
        if let Some((until, delay)) = Backoff::holds(crash, end.finished, turn.now) {
            let owner = format!(
                "{}_{}({})",
                self.reference.name, self.reference.namespace, self.reference.uid
            );
            let seconds = image::go_duration(delay);
            let message = format!(
                "back-off {seconds} restarting failed container={} pod={owner}",
                container.name
            );
            let sentence = format!(
                "Back-off restarting failed container {} in pod {owner}",
                container.name
            );
            container.last = Some(end.clone());
            container.state = State::Waiting {
                reason: "CrashLoopBackOff",
                message,
                until: Some(until),
            };
            turn.note_of(
                &self.pod,
                &self.containers[at],
                Tone::Warning,
                "BackOff",
                sentence,
            );
            return;
        }
        container.last = Some(end.clone());
        self.begin_again(at, turn);
    }

    fn begin_again(&mut self, at: usize, turn: &mut Turn<'_>) {
        let container = &mut self.containers[at];
        let ended = container.last.as_ref().map_or(turn.now, |end| end.finished);
        container.crash = Some(Backoff::next(container.crash, ended, turn.now));
        self.begin(at, turn);
    }

    fn ask_probes(&mut self, at: usize, turn: &mut Turn<'_>) {
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
        for probe in &mut container.probes {
            let startup = probe.purpose == Purpose::Startup;
            if startup != starting || probe.poll_at().is_none_or(|due| due > turn.now) {
                continue;
            }
            let Some(kind) = probe::kind_of(&spec[probe.field()], &spec, &pod_ip) else {
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
    }

    /// An answer to a probe, or the end of a hook.
    pub(crate) fn handle_answer(
        &mut self,
        id: u64,
        outcome: Result<(), String>,
        turn: &mut Turn<'_>,
    ) {
        for at in 0..self.containers.len() {
            if let State::Stopping {
                hook: Some(hook),
                term_at,
                ..
            } = &mut self.containers[at].state
                && *hook == id
            {
                *term_at = Some(turn.now);
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
                let grace = own.unwrap_or_else(|| {
                    self.pod["spec"]["terminationGracePeriodSeconds"]
                        .as_u64()
                        .unwrap_or(30)
                });
                self.stop(
                    at,
                    turn.now + Duration::from_secs(grace),
                    Some(sentence),
                    turn,
                );
            }
            return;
        }
    }

    /// The machine says that the network is there.
    pub(crate) fn handle_sandbox_ready(&mut self) {
        if self.sandbox == Sandbox::Asked {
            self.sandbox = Sandbox::Ready;
        }
    }

    /// The machine says that the network is gone.
    pub(crate) fn handle_sandbox_stopped(&mut self, turn: &mut Turn<'_>) {
        if let Some(ip) = self.ip.filter(|_| !self.host_network()) {
            turn.range.release(ip);
        }
        for container in &mut self.containers {
            if container.alive() {
                let since = match container.state {
                    State::Running { since } | State::Stopping { since, .. } => Some(since),
                    _ => None,
                };
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
        self.sandbox = Sandbox::Gone;
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

    fn leave(&mut self, turn: &mut Turn<'_>) {
        match self.sandbox {
            Sandbox::Asked | Sandbox::Ready => {
                self.sandbox = Sandbox::Leaving;
                turn.commands.push_back(Command::StopSandbox {
                    pod: self.reference.clone(),
                });
            }
            Sandbox::Volumes { .. } | Sandbox::Due { .. } => self.sandbox = Sandbox::Gone,
            Sandbox::Leaving | Sandbox::Gone => {}
        }
    }

    /// The object was marked: every container is asked to end.
    fn begin_ending(&mut self, turn: &mut Turn<'_>) {
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
    fn stop(&mut self, at: usize, kill_at: Instant, sentence: Option<String>, turn: &mut Turn<'_>) {
        let State::Running { since } = self.containers[at].state else {
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

    /// Runs a lifecycle hook as the question a probe would be.
    fn run_hook(&self, at: usize, hook: &Value, turn: &mut Turn<'_>) -> Option<u64> {
        let spec = self.spec_of(&self.containers[at]);
        let kind = probe::kind_of(hook, &spec, &self.ip?.to_string())?;
        let id = turn.questions.ask(&self.reference.uid);
        let timeout = Duration::from_secs(
            self.pod["spec"]["terminationGracePeriodSeconds"]
                .as_u64()
                .unwrap_or(30),
        );
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

    fn signal(&self, at: usize, signal: u8, turn: &mut Turn<'_>) {
        let container = &self.containers[at];
        turn.commands.push_back(Command::Signal {
            pod: self.reference.clone(),
            container: container.name.clone(),
            attempt: container.attempt,
            signal,
        });
    }

    /// When the last container has ended, sidecars are asked to end and then the network goes.
    fn finish_if_done(&mut self, turn: &mut Turn<'_>) {
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
        let mains_alive = self
            .containers
            .iter()
            .any(|container| container.role != Role::Sidecar && container.alive());
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
    fn done(&self) -> bool {
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

    fn find(&self, container: &str, attempt: u32) -> Option<usize> {
        self.containers
            .iter()
            .position(|one| one.name == container && one.attempt == attempt)
    }
}
