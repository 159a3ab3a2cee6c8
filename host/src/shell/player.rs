//! Plays a lesson: carries out what its engine asks and tells it what happened.
//!
//! Never judges: whether an output is like the expected one, whether a check holds and what comes
//! next is the engine's business.

mod edit;
mod line;
mod packets;
mod queries;
mod terminal;
mod typed;

use super::capture::Capture;
use super::driver::Shell;
use super::faults::FaultOrder;
use super::places::Spot;
use super::probes;
use super::settle::Rest;
use clock::{Duration, Instant};
use futures_util::future::Either;
use lesson::{Action, ActionId, Engine, Observation, Place, RunOrder};
use line::Line;
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use terminal::{Session, Wish};
use world::why::Question;

/// Observations on their way to the engine.
type Mail = Rc<RefCell<VecDeque<Observation>>>;

/// The longest time that passes second by second when a lesson lets time pass.
const JUMP: Duration = Duration::from_secs(48 * 3600);
/// How much of a longer one does.
const SETTLING: Duration = Duration::from_secs(600);

/// What bounds a play beyond what the lesson itself says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Virtual time.
    pub(crate) virtual_time: Duration,
    /// Real time, a safety net that no verdict depends on.
    pub(crate) wall: Duration,
}

/// Plays until the engine is done; the bounds count from now on.
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
    let last = shell.now() + bounds.virtual_time;
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
            Some(at) if at > last => {
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

/// A command that was ended because it took too long.
fn late(id: ActionId, after: Duration) -> Observation {
    Observation::Output {
        id,
        stdout: String::new(),
        stderr: format!("still running after {} s of virtual time", after.as_secs()),
        exit: None,
        waits: false,
    }
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
    /// Shells without a terminal, one for each machine.
    lines: Rc<RefCell<BTreeMap<Place, Line>>>,
    /// Terminals by name.
    sessions: BTreeMap<String, Session>,
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
            lines: Rc::default(),
            sessions: BTreeMap::new(),
        }
    }

    fn start(&mut self, action: Action) {
        let now = self.shell.now();
        match action {
            Action::Show(_) => {}
            Action::Settle { id, deadline } => self.settling.push((id, deadline)),
            Action::Advance { id, by } => {
                // A long way is jumped; what was due meanwhile happens once, before its last minutes.
                if by > JUMP {
                    self.shell.jump(now + (by - SETTLING));
                }
                self.advancing.push((id, now + by));
            }
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
            Action::Run(order) => self.run(order),
            Action::Key { id, session, key } => match self.sessions.get_mut(&session) {
                Some(terminal) => terminal.press(id, key),
                None => {
                    let open: Vec<&str> = self.sessions.keys().map(String::as_str).collect();
                    let result = Err(format!(
                        "there is no terminal {session:?}; open are: {}",
                        open.join(", ")
                    ));
                    self.post(Observation::Done { id, result });
                }
            },
            Action::Edit {
                id,
                object,
                patch,
                deadline,
            } => self.edit(id, &object, &patch, deadline),
            Action::Browse {
                id,
                from,
                url,
                deadline,
            } => self.browse(id, from, url, deadline),
            Action::Fault {
                id,
                name,
                kind,
                target,
                amount,
                way,
                after,
                lasting,
            } => {
                let order = FaultOrder {
                    kind,
                    target,
                    amount,
                    way,
                    lasting,
                };
                self.break_down(id, name, order, after);
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
        let watched = !self.settling.is_empty() || !self.sessions.is_empty();
        let at_rest = watched && self.shell.look(|world| self.rest.look(now, world));
        for session in self.sessions.values_mut() {
            let told = session.look(&self.shell, at_rest);
            self.mail.borrow_mut().extend(told);
        }
        self.sessions.retain(|_, session| !session.is_over());
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
        let watched = !self.settling.is_empty() || !self.sessions.is_empty();
        let rest = watched
            .then(|| self.rest.poll_at())
            .filter(|at| *at > self.shell.now());
        let screens = self.sessions.values();
        let screens = screens.filter_map(|session| session.poll_at(self.shell.now()));
        deadlines.chain(rest).chain(screens).min()
    }

    fn write_file(
        &self,
        place: &Place,
        path: &str,
        content: &str,
        append: bool,
        readonly: bool,
    ) -> Result<(), String> {
        let spot = self.shell.spot(place)?;
        let fs = self.shell.runtime.fs(spot.container);
        let fs = fs.ok_or_else(|| format!("{place} is gone"))?;
        let path = if path.starts_with('/') {
            path.to_owned()
        } else {
            format!("{}/{path}", spot.working_dir)
        };
        let mut bytes = if append {
            fs.read_file(&path).unwrap_or_default()
        } else {
            Vec::new()
        };
        bytes.extend_from_slice(content.as_bytes());
        let mode = if readonly { 0o444 } else { 0o644 };
        fs.write_file(&path, &bytes, mode)
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

    fn run(&mut self, order: RunOrder) {
        let inside = self.sessions.get(&order.session);
        let inside = inside.is_some_and(Session::is_inside);
        if order.interactive && order.stdin.is_some() && !order.terminal && !inside {
            // All that is typed is known: it is typed ahead, and the terminal lasts as long.
            return self.run_alone(order);
        }
        if order.terminal || order.interactive || order.background || inside {
            return self.type_in(order);
        }
        match &order.place {
            // Which Pod a place is may be another the next time.
            Place::Pod { .. } | Place::Selected { .. } | Place::Deploy { .. } => {
                self.run_alone(order)
            }
            _ => self.run_in_line(order),
        }
    }

    /// A command that could not be started.
    fn not_started(&self, id: ActionId, cause: String) {
        self.post(Observation::Output {
            id,
            stdout: String::new(),
            stderr: cause,
            exit: Some(126),
            waits: false,
        });
    }

    /// Types a command at a terminal, which is opened if it is not there.
    fn type_in(&mut self, order: RunOrder) {
        let id = order.id;
        if let Err(cause) = self.open(&order) {
            return self.not_started(id, cause);
        }
        let Some(session) = self.sessions.get_mut(&order.session) else {
            return;
        };
        let wish = Wish {
            id,
            command: order.command,
            interactive: order.interactive,
            background: order.background,
            deadline: order.deadline,
        };
        if let Err(cause) = session.run(wish) {
            self.not_started(id, cause);
        }
    }

    fn open(&mut self, order: &RunOrder) -> Result<(), String> {
        if order.stdin.is_some() {
            return Err("a command at a terminal has no `stdin`: type what it reads".to_owned());
        }
        if let Some(session) = self.sessions.get(&order.session) {
            if *session.place() == order.place {
                return Ok(());
            }
            return Err(format!(
                "the terminal {:?} is on {}",
                order.session,
                session.place()
            ));
        }
        let mut spot = self.shell.spot(&order.place)?;
        if !order.terminal {
            self.know(&order.place, &mut spot);
        }
        let session = Session::open(&self.shell, &order.place, &spot, !order.terminal)?;
        self.sessions.insert(order.session.clone(), session);
        Ok(())
    }

    /// One command beside the machine's shell knows what that one knows.
    fn know(&self, place: &Place, spot: &mut Spot) {
        if let Some(line) = self.lines.borrow().get(place) {
            spot.env.clone_from(&line.env);
            spot.working_dir.clone_from(&line.directory);
        }
    }

    /// Gives a command to the machine's shell, which goes on knowing what the command left there.
    fn run_in_line(&self, order: RunOrder) {
        let RunOrder { id, place, .. } = order;
        let line = self.lines.borrow_mut().remove(&place);
        let line = line.map_or_else(|| Line::start(&self.shell, &self.shell.spot(&place)?), Ok);
        let mut line = match line {
            Ok(line) => line,
            Err(cause) => return self.not_started(id, cause),
        };
        let (shell, mail, lines) = (self.shell.clone(), self.mail.clone(), self.lines.clone());
        self.shell.runtime.spawn_native(async move {
            let process = line.process;
            let left = order.deadline.saturating_since(shell.now());
            let ended = {
                let run = std::pin::pin!(line.run(&order.command, order.stdin.as_deref()));
                let sleep = std::pin::pin!(shell.runtime.sleep(left));
                match futures_util::future::select(run, sleep).await {
                    Either::Left((ended, _)) => Some(ended),
                    Either::Right(_) => None,
                }
            };
            let killed = ended.is_none();
            let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
            let observation = match ended {
                Some(ended) => Observation::Output {
                    id,
                    stdout: text(ended.stdout),
                    stderr: text(ended.stderr),
                    exit: Some(ended.exit),
                    waits: false,
                },
                None => {
                    shell.runtime.signal(process, 9);
                    late(id, left)
                }
            };
            if !killed && line.is_there() {
                lines.borrow_mut().insert(place, line);
            }
            mail.borrow_mut().push_back(observation);
        });
    }

    /// Runs a command in a shell of its own.
    fn run_alone(&self, order: RunOrder) {
        let RunOrder { id, deadline, .. } = order;
        let argv = ["sh".to_owned(), "-c".to_owned(), order.command].into();
        let tty = order.interactive.then_some(terminal::USUAL);
        let talk = self.shell.spot(&order.place).and_then(|mut spot| {
            self.know(&order.place, &mut spot);
            spot.exec(&self.shell.runtime, argv, order.stdin.is_some(), tty)
                .map_err(|cause| cause.to_string())
        });
        let (shell, mail) = (self.shell.clone(), self.mail.clone());
        let mut talk = match talk {
            Ok(talk) => talk,
            Err(cause) => return self.not_started(id, cause),
        };
        self.shell.runtime.spawn_native(async move {
            let process = talk.process;
            talk.type_in(order.stdin).await;
            let left = deadline.saturating_since(shell.now());
            let hear = std::pin::pin!(shell.hear_out(talk));
            let sleep = std::pin::pin!(shell.runtime.sleep(left));
            let observation = match futures_util::future::select(hear, sleep).await {
                Either::Left(((code, stdout, stderr), _)) => Observation::Output {
                    id,
                    stdout,
                    stderr,
                    exit: Some(code),
                    waits: false,
                },
                Either::Right(_) => {
                    shell.runtime.signal(process, 9);
                    late(id, left)
                }
            };
            mail.borrow_mut().push_back(observation);
        });
    }

    /// Breaks something now, or later and then without anybody who waits for it.
    fn break_down(&self, id: ActionId, name: String, order: FaultOrder, after: Option<Duration>) {
        let Some(after) = after else {
            let result = self.shell.break_down(&name, order);
            return self.post(Observation::Done { id, result });
        };
        let (shell, mail) = (self.shell.clone(), self.mail.clone());
        self.shell.runtime.spawn_native(async move {
            shell.runtime.sleep(after).await;
            if let Err(cause) = shell.break_down(&name, order) {
                let what = format!("fault {name}: {cause}");
                mail.borrow_mut().push_back(Observation::Broken { what });
            }
        });
        self.post(Observation::Done { id, result: Ok(()) });
    }

    /// `kubectl edit` on the workstation, whose editor is a script.
    fn edit(&self, id: ActionId, object: &str, patch: &[lesson::PatchOp], deadline: Instant) {
        let place = Place::Workstation;
        let written = edit::script(patch)
            .and_then(|script| self.write_file(&place, edit::SCRIPT, &script, false, false));
        if let Err(cause) = written {
            return self.not_started(id, cause);
        }
        self.run_in_line(RunOrder {
            id,
            place,
            session: String::new(),
            terminal: false,
            command: edit::command(object),
            stdin: None,
            interactive: false,
            background: false,
            deadline,
        });
    }

    fn browse(&self, id: ActionId, from: Place, url: String, deadline: Instant) {
        let (shell, mail) = (self.shell.clone(), self.mail.clone());
        self.shell.runtime.spawn_native(async move {
            let page = match shell.spot(&from) {
                Ok(spot) => probes::browse(&shell, &spot, &url, deadline).await,
                Err(cause) => Err(cause),
            };
            let exit = i32::from(page.is_err());
            let (stdout, stderr) = match page {
                Ok(page) => (page, String::new()),
                Err(cause) => (String::new(), cause),
            };
            mail.borrow_mut().push_back(Observation::Output {
                id,
                stdout,
                stderr,
                exit: Some(exit),
                waits: false,
            });
        });
    }

    fn explain(&self, id: ActionId, from: Option<Place>, about: &str, namespace: &str) {
        let from = from.map(|from| match self.shell.named(from) {
            // A container says nothing about where packets come from.
            Place::Pod {
                name,
                namespace: own,
                ..
            } => match own.is_none_or(|own| own == namespace) {
                true => format!("pod/{name}"),
                // Asked from there, names would be meant in that namespace.
                false => "elsewhere".to_owned(),
            },
            other => other.to_string(),
        });
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
