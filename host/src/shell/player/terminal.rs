//! The lesson's terminals: a shell at each, lines typed into it, keys pressed.
//!
//! ```text
//!   Opening ──(first prompt, then ours)──► Free ──type──► Busy ──(prompt, rest or end)──► Free
//! ```
//! A line ends when a prompt is back. A program that takes lines itself shows none that could be
//! recognised: of it, and of a line that was announced as interactive, nobody expects more when
//! the screen is still and the program asks for input. Never judges what was shown.

use super::typed::{PROMPT, Typed};
use crate::shell::driver::Shell;
use crate::shell::places::Spot;
use crate::shell::{Ends, Terminal};
use clock::{Duration, Instant};
use lesson::{ActionId, Key, Observation, Place};
use runtime::{ProcessId, TerminalSize};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

/// Wide, so that neither lines nor the shell's editor break where a reader would see no break.
const SIZE: TerminalSize = TerminalSize {
    columns: 400,
    rows: 50,
};
/// What a terminal measures of which only the end is seen.
pub(super) const USUAL: TerminalSize = TerminalSize {
    columns: 80,
    rows: 24,
};
/// The longest line that is typed.
const LONGEST: usize = 380;
/// How long a screen must have been still before somebody goes on typing.
const STILL: Duration = Duration::from_secs(1);
/// What happens to a key takes no longer than this to be seen.
const PATIENCE: Duration = Duration::from_secs(10);

/// A terminal with a shell.
#[derive(Debug)]
pub(super) struct Session {
    place: Place,
    process: ProcessId,
    keys: Rc<Terminal>,
    screen: Rc<Screen>,
    phase: Phase,
    /// What is still to be done here.
    orders: VecDeque<Order>,
    /// A program that was started here goes on and takes what is typed.
    inside: bool,
    /// It was opened for one command.
    single: bool,
}

/// What the terminal showed, filled by whoever reads it.
#[derive(Debug)]
struct Screen {
    typed: RefCell<Typed>,
    /// When something was shown last.
    shown: Cell<Instant>,
    /// How the shell ended.
    ended: Cell<Option<u8>>,
    /// Something was shown since the last report.
    news: Cell<bool>,
}

#[derive(Debug)]
enum Phase {
    /// The first prompt, then ours, has still to come; the number of prompts so far.
    Opening(u8),
    Free,
    Busy(Job),
    /// A key was pressed; whatever runs goes on being told.
    Pressed {
        id: ActionId,
        at: Instant,
        job: Option<Job>,
    },
}

/// A command under way.
#[derive(Debug)]
struct Job {
    id: ActionId,
    /// The line typed last, and those still to be typed.
    line: String,
    lines: VecDeque<String>,
    /// What the lines before wrote.
    written: String,
    interactive: bool,
    background: bool,
    deadline: Instant,
}

#[derive(Debug)]
enum Order {
    Run(Job),
    Key(ActionId, Key),
}

/// A command to be typed.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) id: ActionId,
    pub(super) command: String,
    pub(super) interactive: bool,
    pub(super) background: bool,
    pub(super) deadline: Instant,
}

impl Session {
    /// Opens a terminal on a machine.
    ///
    /// # Errors
    /// In words, when no shell starts there.
    pub(super) fn open(
        shell: &Shell,
        place: &Place,
        spot: &Spot,
        single: bool,
    ) -> Result<Self, String> {
        let talk = spot
            .exec(&shell.runtime, vec!["sh".to_owned()], true, Some(SIZE))
            .map_err(|cause| cause.to_string())?;
        let Ends::Terminal(terminal) = talk.ends else {
            return Err("the shell has no terminal".to_owned());
        };
        let keys = Rc::new(terminal);
        let screen = Rc::new(Screen {
            typed: RefCell::default(),
            shown: Cell::new(shell.now()),
            ended: Cell::new(None),
            news: Cell::new(false),
        });
        let (from, to, runtime, exit) = (
            keys.clone(),
            screen.clone(),
            shell.runtime.clone(),
            talk.exit,
        );
        shell.runtime.spawn_native(async move {
            while let Some(data) = from.read(64 * 1024).await {
                to.typed.borrow_mut().show(&data);
                to.shown.set(runtime.now());
                to.news.set(true);
            }
            to.ended.set(Some(exit.status().await));
        });
        Ok(Self {
            place: place.clone(),
            process: talk.process,
            keys,
            screen,
            phase: Phase::Opening(0),
            orders: VecDeque::new(),
            inside: false,
            single,
        })
    }

    /// Where it is.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }

    /// Whether its shell has ended, or it has done what it was opened for.
    pub(super) fn is_over(&self) -> bool {
        let idle = matches!(self.phase, Phase::Free) && self.orders.is_empty();
        idle && (self.screen.ended.get().is_some() || self.single && !self.inside)
    }

    /// Whether a program goes on in it that takes what is typed.
    pub(super) fn is_inside(&self) -> bool {
        self.inside
    }

    /// Types a command when its turn has come.
    ///
    /// # Errors
    /// When a line of it is too long for the terminal.
    pub(super) fn run(&mut self, wish: Wish) -> Result<(), String> {
        let mut lines: VecDeque<String> =
            wish.command.trim_end().lines().map(str::to_owned).collect();
        if let Some(long) = lines.iter().find(|line| line.chars().count() > LONGEST) {
            let count = long.chars().count();
            return Err(format!(
                "a line of {count} characters is too long for a terminal in this lab ({LONGEST})"
            ));
        }
        let line = lines.pop_front().unwrap_or_default();
        self.orders.push_back(Order::Run(Job {
            id: wish.id,
            line,
            lines,
            written: String::new(),
            interactive: wish.interactive,
            background: wish.background,
            deadline: wish.deadline,
        }));
        Ok(())
    }

    /// Presses a key when its turn has come.
    pub(super) fn press(&mut self, id: ActionId, key: Key) {
        self.orders.push_back(Order::Key(id, key));
    }

    /// Goes on if it can; what there is to tell.
    pub(super) fn look(&mut self, shell: &Shell, at_rest: bool) -> Vec<Observation> {
        let now = shell.now();
        let mut told = Vec::new();
        loop {
            let before = told.len();
            let moved = self.step(shell, now, at_rest, &mut told);
            if !moved && told.len() == before {
                return told;
            }
        }
    }

    /// When to look again if nothing is shown before.
    pub(super) fn poll_at(&self, now: Instant) -> Option<Instant> {
        let pressed = match &self.phase {
            Phase::Pressed { at, .. } => *at,
            _ => Instant::ZERO,
        };
        let still = self.screen.shown.get().max(pressed) + STILL;
        let deadline = match &self.phase {
            Phase::Busy(job) => Some(job.deadline),
            Phase::Pressed { at, .. } => Some(*at + PATIENCE),
            Phase::Opening(_) | Phase::Free => None,
        };
        [Some(still), deadline]
            .into_iter()
            .flatten()
            .filter(|at| *at > now)
            .min()
    }

    /// One thing; true when something else may follow at once.
    fn step(
        &mut self,
        shell: &Shell,
        now: Instant,
        at_rest: bool,
        told: &mut Vec<Observation>,
    ) -> bool {
        if let Some(code) = self.screen.ended.get() {
            self.end(code, told);
            return false;
        }
        let over = self.screen.typed.borrow().is_over();
        match &mut self.phase {
            Phase::Opening(prompts) if over => {
                *prompts += 1;
                if *prompts == 1 {
                    self.type_line(&format!("PS1='{PROMPT}'"), now);
                } else {
                    self.phase = Phase::Free;
                }
                true
            }
            Phase::Opening(_) => false,
            Phase::Free => self.next(now),
            Phase::Busy(_) => self.look_at_job(shell, now, at_rest, told),
            Phase::Pressed { id, at, .. } => {
                let still = now.saturating_since(self.screen.shown.get().max(*at)) >= STILL;
                if !(over || still && at_rest || now.saturating_since(*at) >= PATIENCE) {
                    return false;
                }
                told.push(Observation::Done {
                    id: *id,
                    result: Ok(()),
                });
                let Phase::Pressed { job, .. } = std::mem::replace(&mut self.phase, Phase::Free)
                else {
                    return false;
                };
                match job {
                    Some(job) => self.phase = Phase::Busy(job),
                    None if over => self.inside = self.screen.typed.borrow().status().is_none(),
                    None => {}
                }
                true
            }
        }
    }

    /// Begins what is next in turn.
    fn next(&mut self, now: Instant) -> bool {
        match self.orders.pop_front() {
            None => false,
            Some(Order::Run(job)) => {
                let line = job.line.clone();
                self.phase = Phase::Busy(job);
                self.type_line(&line, now);
                true
            }
            Some(Order::Key(id, key)) => {
                let job = match std::mem::replace(&mut self.phase, Phase::Free) {
                    Phase::Busy(job) => Some(job),
                    _ => None,
                };
                if job.is_none() {
                    *self.screen.typed.borrow_mut() = Typed::default();
                }
                self.keys.try_write(match key {
                    Key::CtrlC => b"\x03",
                    Key::CtrlD => b"\x04",
                    Key::Enter => b"\r",
                });
                self.phase = Phase::Pressed { id, at: now, job };
                true
            }
        }
    }

    fn type_line(&mut self, line: &str, now: Instant) {
        *self.screen.typed.borrow_mut() = Typed::default();
        self.screen.shown.set(now);
        self.screen.news.set(false);
        self.keys.try_write(format!("{line}\r").as_bytes());
    }

    fn look_at_job(
        &mut self,
        shell: &Shell,
        now: Instant,
        at_rest: bool,
        told: &mut Vec<Observation>,
    ) -> bool {
        let Phase::Busy(job) = &mut self.phase else {
            return false;
        };
        let typed = self.screen.typed.borrow();
        let output = |job: &Job| format!("{}{}", job.written, typed.output(&job.line));
        if typed.is_over() {
            if let Some(line) = job.lines.pop_front() {
                job.written = output(job);
                job.line.clone_from(&line);
                drop(typed);
                self.type_line(&line, now);
                return true;
            }
            let waits = typed.status().is_none();
            told.push(observed(job.id, output(job), typed.status(), waits));
            self.inside = waits;
            drop(typed);
            self.phase = Phase::Free;
            return true;
        }
        // A program that a shell runs tells its end by the next prompt; one that reads lines
        // itself, or that was started to be talked to, tells it by waiting.
        let talks = job.interactive || !typed.is_given();
        let still = now.saturating_since(self.screen.shown.get()) >= STILL;
        if talks && !job.background && still && at_rest && self.keys.is_awaited() {
            told.push(observed(job.id, output(job), None, true));
            self.inside = true;
            drop(typed);
            self.phase = Phase::Free;
            return true;
        }
        if job.background {
            if self.screen.news.take() {
                told.push(observed(job.id, output(job), None, false));
            }
            drop(typed);
            // Others may type and press keys while it runs.
            return match self.orders.is_empty() {
                true => false,
                false => self.next(now),
            };
        }
        if now >= job.deadline {
            told.push(observed(job.id, output(job), None, false));
            shell.runtime.signal(self.process, 9);
            drop(typed);
            self.phase = Phase::Free;
        }
        false
    }

    /// The shell has ended, and with it whatever was under way.
    fn end(&mut self, code: u8, told: &mut Vec<Observation>) {
        self.inside = false;
        let phase = std::mem::replace(&mut self.phase, Phase::Free);
        let (job, pressed) = match phase {
            Phase::Busy(job) => (Some(job), None),
            Phase::Pressed { id, job, .. } => (job, Some(id)),
            Phase::Opening(_) | Phase::Free => (None, None),
        };
        told.extend(pressed.map(|id| Observation::Done { id, result: Ok(()) }));
        if let Some(job) = job {
            let output = format!(
                "{}{}",
                job.written,
                self.screen.typed.borrow().output(&job.line)
            );
            told.push(observed(job.id, output, Some(i32::from(code)), false));
        }
        for order in self.orders.drain(..) {
            told.push(match order {
                Order::Run(job) => Observation::Output {
                    id: job.id,
                    stdout: String::new(),
                    stderr: "the shell of this terminal has ended".to_owned(),
                    exit: Some(126),
                    waits: false,
                },
                Order::Key(id, _) => Observation::Done {
                    id,
                    result: Err("the shell of this terminal has ended".to_owned()),
                },
            });
        }
    }
}

fn observed(id: ActionId, stdout: String, exit: Option<i32>, waits: bool) -> Observation {
    Observation::Output {
        id,
        stdout,
        stderr: String::new(),
        exit,
        waits,
    }
}
