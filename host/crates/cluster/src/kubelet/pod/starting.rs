//! From an image to a running process, and again after a crash. Never ends anything.

use super::super::command::{Command, StartContainer};
use super::super::container::{Backoff, End, Role, State};
use super::super::probe::Probe;
use super::super::{env, image, volume};
use super::{CONFIG_RETRY, Ending, Machine, PULL_NOTICE, Turn, on_grid};
use crate::controller::Tone;
use crate::controller::meta::text;
use crate::kind::quantity::thousandths;
use clock::{Duration, Instant};
use rand::Rng;
use serde_json::Value;

impl Machine {
    /// Looks for the image and either has it, pulls it, or cannot.
    pub(super) fn begin(&mut self, at: usize, turn: &mut Turn<'_>) {
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
        let done = match turn.known.offer(reference) {
            Some(image) => on_grid(turn.local.pull(image, turn.now, turn.draw)),
            None => turn.after(300, 200),
        };
        self.containers[at].state = State::Pulling {
            asked: turn.now,
            done,
        };
    }

    pub(super) fn pulled(&mut self, at: usize, asked: Instant, turn: &mut Turn<'_>) {
        let spec = self.spec_of(&self.containers[at]);
        let reference = text(&spec["image"]).to_owned();
        let container = &self.containers[at];
        if let Some(image) = turn.known.offer(&reference) {
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
    pub(super) fn hold_back_pull(&mut self, at: usize, turn: &mut Turn<'_>) {
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
    pub(super) fn start(&mut self, at: usize, turn: &mut Turn<'_>) {
        let spec = self.spec_of(&self.containers[at]);
        let services = turn.links.of(turn.store, &self.pod);
        let downward = self.downward(turn);
        let made = env::environment(turn.store, &downward, &spec, services);
        let made = made.and_then(|environment| {
            let mounts = volume::mounts(turn.store, &downward, &spec, &environment)?;
            Ok((environment, mounts))
        });
        let (environment, mounts) = match made {
            Ok(made) => made,
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
        let words = |field: &str| {
            let list = spec[field].as_array()?;
            Some(
                list.iter()
                    .map(|word| env::expand(text(word), &environment))
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
        container.mounted = super::refresh::fingerprints(&spec, &mounts);
        container.resources = spec["resources"].clone();
        let (memory_limit, cpu_limit_millis) = limits(&spec["resources"]);
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
            memory_limit,
            cpu_limit_millis,
            read_only_root: spec["securityContext"]["readOnlyRootFilesystem"] == true,
            termination_path: spec["terminationMessagePath"]
                .as_str()
                .unwrap_or("/dev/termination-log")
                .to_owned(),
            tty: spec["tty"] == true,
            stdin: spec["stdin"] == true,
            stdin_once: spec["stdinOnce"] == true,
        };
        turn.commands.push_back(Command::StartContainer(start));
        self.refresh_for_tokens(turn);
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
        let hook = &spec["lifecycle"]["postStart"];
        if !hook.is_object() {
            self.runs(at, turn);
            return;
        }
        let sleep = hook["sleep"]["seconds"].as_u64();
        let until = sleep.map(|seconds| on_grid(turn.now + Duration::from_secs(seconds)));
        let asked = match until {
            Some(_) => None,
            None => self.run_hook(at, hook, turn),
        };
        self.containers[at].state = State::Hooked {
            since: turn.now,
            hook: asked,
            until,
        };
        if until.is_none() && asked.is_none() {
            self.fail_hook(at, turn);
        } else {
            self.stop_if_ending(at, turn);
        }
    }

    /// A container runs and its postStart hook, if it has one, is over.
    pub(super) fn runs(&mut self, at: usize, turn: &mut Turn<'_>) {
        let spec = self.spec_of(&self.containers[at]);
        let container = &mut self.containers[at];
        let since = container.since().unwrap_or(turn.now);
        container.state = State::Running { since };
        if !matches!(container.role, Role::Init | Role::Ephemeral) {
            container.probes = Probe::all(&spec, self.since, turn.now);
        }
        self.stop_if_ending(at, turn);
    }

    /// Its postStart hook failed: the container is killed, and its restart policy says what then.
    pub(super) fn fail_hook(&mut self, at: usize, turn: &mut Turn<'_>) {
        let message = "PostStartHook failed".to_owned();
        let container = &self.containers[at];
        turn.note_of(
            &self.pod,
            container,
            Tone::Warning,
            "FailedPostStartHook",
            message,
        );
        let kill_at = turn.now + self.grace();
        self.stop(at, kill_at, Some("FailedPostStartHook".to_owned()), turn);
    }

    /// Who starts while the pod ends is stopped at once.
    fn stop_if_ending(&mut self, at: usize, turn: &mut Turn<'_>) {
        if let Some(Ending::Deleted { deadline }) = self.ending {
            self.stop(at, deadline, None, turn);
        } else if self.expired {
            self.stop(at, turn.now + self.grace(), None, turn);
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

    /// A second after the end: start again, or say how long that is held back.
    pub(super) fn restart(&mut self, at: usize, end: &End, turn: &mut Turn<'_>) {
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

    pub(super) fn begin_again(&mut self, at: usize, turn: &mut Turn<'_>) {
        let container = &mut self.containers[at];
        let ended = container.last.as_ref().map_or(turn.now, |end| end.finished);
        container.crash = Some(Backoff::next(container.crash, ended, turn.now));
        self.begin(at, turn);
    }
}

/// What bounds a container: memory in bytes, processor time in thousandths of a processor.
pub(super) fn limits(resources: &Value) -> (Option<u64>, Option<u64>) {
    let limit = |resource: &str| thousandths(resources["limits"][resource].as_str()?);
    let memory = limit("memory").and_then(|memory| u64::try_from(memory / 1000).ok());
    (memory, limit("cpu").and_then(|cpu| u64::try_from(cpu).ok()))
}
