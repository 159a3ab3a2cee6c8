//! Carries out what a lesson's engine asks, beside a clock on the wall. Never judges.
//!
//! Every order that waits for somebody has a thread of its own, which sends one word when it is
//! done; the engine is told everything on this one.

use super::kubectl::Kubectl;
use super::objects::{self, Questions};
use super::process::Ended;
use super::{probes, process};
use clock::Instant as Moment;
use lesson::{Action, ActionId, Engine, Lang, Observation, Place, QueryId, RunOrder, Show};
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

/// How often somebody looks whether the cluster has come to rest.
const REST: Duration = Duration::from_millis(400);
/// How long a cluster is given to come to rest; some Pods never do.
const RESTLESS: Duration = Duration::from_secs(20);
/// How long one order may take when the lesson names no end.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest time that nothing is looked at.
const NAP: Duration = Duration::from_secs(1);

/// What a thread sends home.
enum Word {
    Seen(Observation),
    Objects(QueryId, Result<Vec<Value>, String>),
}

/// Plays until the engine is done.
pub(super) fn play(kubectl: &Kubectl, engine: &mut Engine, lang: Lang) {
    let (send, words) = mpsc::channel();
    thread::scope(|scope| {
        let mut player = Player {
            scope,
            kubectl,
            lang,
            started: Instant::now(),
            send,
            questions: Questions::default(),
            mail: VecDeque::new(),
        };
        player.play(engine, &words);
    });
}

struct Player<'s, 'e> {
    scope: &'s Scope<'s, 'e>,
    kubectl: &'e Kubectl,
    lang: Lang,
    started: Instant,
    send: Sender<Word>,
    questions: Questions,
    mail: VecDeque<Observation>,
}

impl<'s, 'e: 's> Player<'s, 'e> {
    fn play(&mut self, engine: &mut Engine, words: &Receiver<Word>) {
        while !engine.is_done() {
            while let Some(action) = engine.poll_action() {
                self.start(engine, action);
            }
            self.ask_again();
            if let Some(observation) = self.mail.pop_front() {
                engine.handle(self.now(), observation);
                continue;
            }
            match words.recv_timeout(self.nap(engine)) {
                Ok(word) => self.tell(engine, word),
                Err(RecvTimeoutError::Timeout) => {
                    if engine.poll_at().is_some_and(|due| due <= self.now()) {
                        engine.handle_time(self.now());
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn now(&self) -> Moment {
        let passed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Moment::from_millis(passed)
    }

    /// A moment of the lesson on this machine's clock.
    fn at(&self, moment: Moment) -> Instant {
        self.started + moment.since_start()
    }

    fn nap(&self, engine: &Engine) -> Duration {
        let due = engine.poll_at().map(|due| self.at(due));
        let next = due.into_iter().chain(self.questions.poll_at()).min();
        next.map_or(NAP, |at| at.saturating_duration_since(Instant::now()))
            .min(NAP)
    }

    fn tell(&mut self, engine: &mut Engine, word: Word) {
        match word {
            Word::Seen(observation) => engine.handle(self.now(), observation),
            Word::Objects(query, answer) => {
                if let Some(items) = self.questions.answered(query, answer) {
                    engine.handle(self.now(), Observation::Objects { query, items });
                }
            }
        }
    }

    fn ask_again(&mut self) {
        for (query, what) in self.questions.due(Instant::now()) {
            self.aside(move |kubectl| Word::Objects(query, objects::ask(kubectl, &what)));
        }
    }

    /// Does something that takes time; its word comes home.
    fn aside(&self, work: impl FnOnce(&Kubectl) -> Word + Send + 's) {
        let (kubectl, send) = (self.kubectl, self.send.clone());
        self.scope.spawn(move || {
            // A lesson that is over listens no more.
            let _ = send.send(work(kubectl));
        });
    }

    fn start(&mut self, engine: &Engine, action: Action) {
        match action {
            Action::Show(show) => self.show(engine, &show),
            Action::Settle { id, deadline } => {
                let until = self.at(deadline).min(Instant::now() + RESTLESS);
                self.aside(move |kubectl| {
                    settle(kubectl, until);
                    Word::Seen(Observation::Settled { id })
                });
            }
            Action::WriteFile {
                id,
                path,
                content,
                append,
                ..
            } => {
                let result = self.kubectl.desk.write(&path, &content, append);
                self.mail.push_back(Observation::Done { id, result });
            }
            Action::Apply { id, path, manifest } => {
                self.aside(move |kubectl| Word::Seen(apply(kubectl, id, &path, &manifest)));
            }
            Action::DryRun { id, manifest } => {
                self.aside(move |kubectl| {
                    let result = dry_run(kubectl, &manifest);
                    Word::Seen(Observation::DryRun { id, result })
                });
            }
            Action::Run(RunOrder {
                id,
                place,
                command,
                stdin,
                deadline,
                ..
            }) => {
                let until = self.at(deadline);
                self.aside(move |kubectl| {
                    let ended = run(kubectl, &place, &command, stdin.as_deref(), until);
                    Word::Seen(Observation::Output {
                        id,
                        stdout: ended.stdout,
                        stderr: ended.stderr,
                        exit: ended.exit,
                        waits: false,
                    })
                });
            }
            Action::Probe {
                id,
                from,
                probe,
                deadline,
            } => {
                let until = self.at(deadline);
                self.aside(move |kubectl| {
                    let outcome = probes::probe(kubectl, &from, &probe, until);
                    Word::Seen(Observation::Probed { id, outcome })
                });
            }
            Action::Ask { query, what } => self.questions.open(query, what),
            Action::Forget { query } => self.questions.close(query),
            Action::Explain { id, .. } => {
                self.mail
                    .push_back(Observation::Explained { id, why: None });
            }
            Action::Edit { id, .. } | Action::Browse { id, .. } => {
                self.mail.push_back(Observation::Output {
                    id,
                    stdout: String::new(),
                    stderr: "only the lab can do that".to_owned(),
                    exit: Some(126),
                    waits: false,
                });
            }
            Action::Key { id, .. }
            | Action::Advance { id, .. }
            | Action::Fault { id, .. }
            | Action::Heal { id, .. } => self.only_in_the_lab(id),
        }
    }

    fn only_in_the_lab(&mut self, id: ActionId) {
        let result = Err("only the lab can do that".to_owned());
        self.mail.push_back(Observation::Done { id, result });
    }

    /// A line at the beginning of every step, since a real cluster takes its time.
    fn show(&self, engine: &Engine, show: &Show) {
        let title = match show {
            Show::Step(i) => &engine.lab().steps[*i].title,
            Show::Task(k) => &engine.lab().tasks[*k].title,
            _ => return,
        };
        anstream::eprintln!("… {}", title.get(self.lang));
    }
}

/// Waits until two looks in a row see the same and nothing is between two states.
fn settle(kubectl: &Kubectl, until: Instant) {
    let mut before = None;
    while Instant::now() < until {
        let seen = objects::rest(kubectl);
        if seen.is_some() && seen == before {
            return;
        }
        before = seen;
        thread::park_timeout(REST);
    }
}

fn apply(kubectl: &Kubectl, id: ActionId, path: &str, manifest: &str) -> Observation {
    let result = kubectl.desk.write(path, manifest, false).and_then(|()| {
        let until = Instant::now() + PATIENCE;
        let ended = kubectl.run(&["apply", "-f", path], None, until);
        if ended.is_ok() {
            Ok(ended.stdout.lines().map(str::to_owned).collect())
        } else {
            Err(ended.stderr)
        }
    });
    Observation::Applied { id, result }
}

fn dry_run(kubectl: &Kubectl, manifest: &str) -> Result<Arc<Value>, String> {
    let arguments = ["create", "--dry-run=server", "-o", "json", "-f", "-"];
    let ended = kubectl.run(&arguments, Some(manifest), Instant::now() + PATIENCE);
    if !ended.is_ok() {
        return Err(ended.stderr);
    }
    let object = serde_json::from_str(&ended.stdout).map_err(|cause| cause.to_string())?;
    Ok(Arc::new(object))
}

fn run(
    kubectl: &Kubectl,
    place: &Place,
    command: &str,
    stdin: Option<&str>,
    until: Instant,
) -> Ended {
    if *place == Place::Workstation {
        let mut shell = kubectl.desk.command("sh");
        shell.args(["-c", command]);
        return process::run(shell, stdin, until);
    }
    match kubectl.target(place) {
        Ok(target) => kubectl.exec(&target, &["sh", "-c", command], stdin, until),
        Err(cause) => Ended {
            stderr: cause,
            exit: Some(126),
            ..Ended::default()
        },
    }
}
