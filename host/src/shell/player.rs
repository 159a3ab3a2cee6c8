//! Plays a lesson: carries out what its engine asks and tells it what happened.
//!
//! Never judges: whether an output is like the expected one, whether a check holds and what comes
//! next is the engine's business.

mod packets;
mod queries;

use super::capture::Capture;
use super::driver::Shell;
use super::faults::FaultOrder;
use super::probes;
use super::settle::Rest;
use clock::{Duration, Instant};
use lesson::{Action, ActionId, Engine, Observation, Place};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use world::why::Question;

/// Observations on their way to the engine.
type Mail = Rc<RefCell<VecDeque<Observation>>>;

/// What bounds a play beyond what the lesson itself says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Virtual time.
    pub(crate) virtual_time: Duration,
    /// Real time, a safety net that no verdict depends on.
    pub(crate) wall: Duration,
}

/// Plays until the engine is done.
///
/// # Errors
/// When the capture file cannot be written.
pub(crate) fn play(
    shell: &Rc<Shell>,
    engine: &mut Engine,
    bounds: Bounds,
    capture: &mut Option<Capture>,
) -> std::io::Result<()> {
    let started = std::time::Instant::now();
    let mut player = Player::new(shell);
    while !engine.is_done() {
        while let Some(action) = engine.poll_action() {
            player.start(action);
        }
        let mut busy = shell.turn();
        busy |= player.tell(engine);
        if let Some(capture) = capture {
            capture.catch_up(shell)?;
        }
        if busy {
            if started.elapsed() > bounds.wall {
                engine.handle(shell.now(), limit(format!("wall clock: {:?}", bounds.wall)));
            }
            continue;
        }
        if engine.poll_at().is_some_and(|due| due <= shell.now()) {
            engine.handle_time(shell.now());
            continue;
        }
        let next = [shell.poll_at(), engine.poll_at(), player.poll_at()]
            .into_iter()
            .flatten()
            .min();
        match next {
            Some(at) if at.since_start() > bounds.virtual_time => {
                engine.handle(
                    shell.now(),
                    limit(format!("virtual time: {:?}", bounds.virtual_time)),
                );
            }
            Some(at) => shell.jump(at),
            None => engine.handle(shell.now(), limit("nothing will ever happen again".into())),
        }
    }
    Ok(())
}

fn limit(what: String) -> Observation {
    Observation::Limit { what }
}

/// What is under way for the engine.
struct Player {
    shell: Rc<Shell>,
    mail: Mail,
    rest: Rest,
    settling: Vec<(ActionId, Instant)>,
    advancing: Vec<(ActionId, Instant)>,
    queries: queries::Queries,
    packets: packets::Packets,
}

impl Player {
    fn new(shell: &Rc<Shell>) -> Self {
        Self {
            shell: shell.clone(),
            mail: Mail::default(),
            rest: Rest::default(),
            settling: Vec::new(),
            advancing: Vec::new(),
            queries: queries::Queries::default(),
            packets: packets::Packets::default(),
        }
    }

    fn start(&mut self, action: Action) {
        let now = self.shell.now();
        match action {
            Action::Show(_) => {}
            Action::Settle { id, deadline } => self.settling.push((id, deadline)),
            Action::Advance { id, by } => self.advancing.push((id, now + by)),
            Action::WriteFile {
                id,
                place,
                path,
                content,
                append,
                readonly,
            } => {
                let result = self.write_file(&place, &path, &content, append, readonly);
                self.post(Observation::Done { id, result });
            }
            Action::Apply { id, path, manifest } => self.apply(id, &path, &manifest),
            Action::DryRun { id, manifest } => {
                let result = queries::dry_run(&self.shell, &manifest);
                self.post(Observation::DryRun { id, result });
            }
            Action::Run {
                id,
                background: true,
                ..
            } => self.post(Observation::Output {
                id,
                stdout: String::new(),
                stderr: "commands in the background are not in this lab yet".into(),
                exit: Some(126),
            }),
            Action::Run {
                id,
                place,
                command,
                stdin,
                interactive,
                deadline,
                ..
            } => {
                self.run(id, &place, command, stdin, interactive, deadline);
            }
            Action::Key { id, .. } => self.post(Observation::Done {
                id,
                result: Err("keys are not in this lab yet".into()),
            }),
            Action::Fault {
                id,
                name,
                kind,
                target,
                amount,
                way,
                lasting,
            } => {
                let order = FaultOrder {
                    kind,
                    target,
                    amount,
                    way,
                    lasting,
                };
                let result = self.shell.break_down(&name, order);
                self.post(Observation::Done { id, result });
            }
            Action::Heal { id, name } => {
                let result = self.shell.mend(&name);
                self.post(Observation::Done { id, result });
            }
            Action::Explain {
                id,
                from,
                about,
                namespace,
            } => self.explain(id, from, &about, &namespace),
            Action::Ask { query, what } => match what {
                lesson::Query::Packets { iface, since } => self.packets.open(query, iface, since),
                lesson::Query::Objects { .. } => self.queries.open(query, what),
            },
            Action::Forget { query } => {
                self.queries.close(query);
                self.packets.close(query);
            }
            Action::Probe {
                id,
                from,
                probe,
                deadline,
            } => self.probe(id, from, probe, deadline),
        }
    }

    fn post(&self, observation: Observation) {
        self.mail.borrow_mut().push_back(observation);
    }

    /// Tells the engine what has happened; true when there was anything.
    fn tell(&mut self, engine: &mut Engine) -> bool {
        let now = self.shell.now();
        let at_rest =
            !self.settling.is_empty() && self.shell.look(|world| self.rest.look(now, world));
        let done = |deadline: Instant| deadline <= now;
        let mail = self.mail.clone();
        self.settling.retain(|(id, deadline)| {
            let keep = !(at_rest || done(*deadline));
            if !keep {
                mail.borrow_mut()
                    .push_back(Observation::Settled { id: *id });
            }
            keep
        });
        self.advancing.retain(|(id, until)| {
            let keep = !done(*until);
            if !keep {
                mail.borrow_mut().push_back(Observation::Done {
                    id: *id,
                    result: Ok(()),
                });
            }
            keep
        });
        let mut any = false;
        loop {
            let Some(observation) = self.mail.borrow_mut().pop_front() else {
                break;
            };
            engine.handle(now, observation);
            any = true;
        }
        any |= self.queries.tell(&self.shell, now, engine);
        any |= self.packets.tell(&self.shell, now, engine);
        any
    }

    fn poll_at(&self) -> Option<Instant> {
        let deadlines = self
            .settling
            .iter()
            .chain(&self.advancing)
            .map(|(_, at)| *at);
        let rest = (!self.settling.is_empty())
            .then(|| self.rest.poll_at())
            .filter(|at| *at > self.shell.now());
        deadlines.chain(rest).min()
    }

    fn write_file(
        &self,
        place: &Place,
        path: &str,
        content: &str,
        append: bool,
        readonly: bool,
    ) -> Result<(), String> {
        let Place::Workstation = place else {
            return Err(format!("files on {place} are not in this lab yet"));
        };
        let machines = self.shell.machines.borrow();
        let machine = machines
            .get("workstation")
            .ok_or("the workstation has no power")?;
        let path = if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("{}/{path}", machine.working_dir)
        };
        let mut bytes = if append {
            machine.fs.read_file(&path).unwrap_or_default()
        } else {
            Vec::new()
        };
        bytes.extend_from_slice(content.as_bytes());
        let mode = if readonly { 0o444 } else { 0o644 };
        machine
            .fs
            .write_file(&path, &bytes, mode)
            .map_err(|cause| format!("{path}: {cause}"))
    }

    /// Applies as a learner would: by kubectl, from a file on the workstation.
    fn apply(&self, id: ActionId, path: &str, manifest: &str) {
        if let Err(cause) = self.write_file(&Place::Workstation, path, manifest, false, false) {
            return self.post(Observation::Applied {
                id,
                result: Err(cause),
            });
        }
        let argv = ["kubectl", "apply", "-f", path].map(String::from).into();
        let (shell, mail) = (self.shell.clone(), self.mail.clone());
        self.shell.runtime.spawn_native(async move {
            let started = shell.spot(&Place::Workstation).and_then(|spot| {
                spot.exec(&shell.runtime, argv, false, None)
                    .map_err(|cause| cause.to_string())
            });
            let result = match started {
                Ok(talk) => match shell.hear_out(talk).await {
                    (0, stdout, _) => Ok(stdout.lines().map(str::to_owned).collect()),
                    (_, _, stderr) => Err(stderr),
                },
                Err(cause) => Err(cause),
            };
            mail.borrow_mut()
                .push_back(Observation::Applied { id, result });
        });
    }

    fn run(
        &self,
        id: ActionId,
        place: &Place,
        command: String,
        stdin: Option<String>,
        interactive: bool,
        deadline: Instant,
    ) {
        let argv = ["sh".to_owned(), "-c".to_owned(), command].into();
        let tty = interactive.then_some(runtime::TerminalSize {
            columns: 80,
            rows: 24,
        });
        let talk = self.shell.spot(place).and_then(|spot| {
            spot.exec(&self.shell.runtime, argv, stdin.is_some(), tty)
                .map_err(|cause| cause.to_string())
        });
        let (shell, mail) = (self.shell.clone(), self.mail.clone());
        let mut talk = match talk {
            Ok(talk) => talk,
            Err(cause) => {
                return self.post(Observation::Output {
                    id,
                    stdout: String::new(),
                    stderr: cause,
                    exit: Some(126),
                });
            }
        };
        self.shell.runtime.spawn_native(async move {
            let process = talk.process;
            talk.type_in(stdin).await;
            let left = deadline.saturating_since(shell.now());
            let hear = std::pin::pin!(shell.hear_out(talk));
            let sleep = std::pin::pin!(shell.runtime.sleep(left));
            let observation = match futures_util::future::select(hear, sleep).await {
                futures_util::future::Either::Left(((code, stdout, stderr), _)) => {
                    Observation::Output {
                        id,
                        stdout,
                        stderr,
                        exit: Some(code),
                    }
                }
                futures_util::future::Either::Right(_) => {
                    shell.runtime.signal(process, 9);
                    let stderr =
                        format!("still running after {} s of virtual time", left.as_secs());
                    Observation::Output {
                        id,
                        stdout: String::new(),
                        stderr,
                        exit: None,
                    }
                }
            };
            mail.borrow_mut().push_back(observation);
        });
    }

    fn explain(&self, id: ActionId, from: Option<Place>, about: &str, namespace: &str) {
        let from = from.map(|from| from.to_string());
        let question = Question::parse(None, from.as_deref(), Some(about), namespace);
        // Some places cannot be asked about: nobody can tell.
        let Ok(question) = question else {
            return self.post(Observation::Explained { id, why: None });
        };
        let (shell, mail) = (self.shell.clone(), self.mail.clone());
        self.shell.runtime.spawn_native(async move {
            let line = shell.explain(&question).await.line();
            let why = line.map(|line| lesson::Text {
                ja: line.ja,
                en: line.en,
            });
            let explained = Observation::Explained { id, why };
            mail.borrow_mut().push_back(explained);
        });
    }

    fn probe(&self, id: ActionId, from: Place, probe: lesson::Probe, deadline: Instant) {
        let (shell, mail) = (self.shell.clone(), self.mail.clone());
        self.shell.runtime.spawn_native(async move {
            let outcome = match shell.spot(&from) {
                Ok(spot) => probes::check(&shell, &spot, probe, deadline).await,
                Err(cause) => lesson::ProbeOutcome::Failed(lesson::Failed::NotReady, cause),
            };
            mail.borrow_mut()
                .push_back(Observation::Probed { id, outcome });
        });
    }
}
