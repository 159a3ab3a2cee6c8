//! A process: one instance of a program, its place in the family, its signals, its end.
//!
//! ```text
//! started ──► running ──► doomed ──► ended
//!                │  a signal it does not handle   ▲
//!                └── returns, exits or traps ─────┘
//! ```
//!
//! Never ends in the middle of somebody else's turn: a doomed process is taken down when its own
//! turn comes.

pub mod signal;
mod spawn;
mod stdio;

pub use spawn::{Exec, SharedEnv, Spawn, SpawnError};
pub(crate) use spawn::{Order, Replaced, Successor, replace, start};
pub(crate) use stdio::Stdio;
pub use stdio::{Input, Output};

use crate::container::ContainerId;
use crate::executor::{Turn, Waiters};
use crate::network::Network;
use crate::processor::Processor;
use crate::tty::Tty;
use clock::{Duration, Instant};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, Wake};

/// How much fuel a guest uses before it lets the others run: a tenth of a millisecond.
pub(crate) const SLICE: u64 = 100_000;

/// Names a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProcessId {
    /// The container it is in.
    pub container: ContainerId,
    /// Its number there; 1 is the container's main process.
    pub pid: u32,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It returned this code.
    Code(u8),
    /// This signal ended it.
    Signal(u8),
}

impl Exit {
    /// As a shell reports it: a signal is 128 and its number.
    #[must_use]
    pub const fn status(self) -> u8 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128 | signal,
        }
    }
}

/// A process as others of its container see it.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) pid: u32,
    pub(crate) started: Instant,
    /// Bytes of memory it has.
    pub(crate) memory: AtomicU64,
    /// Whether the host started it and wants to know its end.
    pub(crate) reported: bool,
    pub(crate) meter: Meter,
    /// Let go of at its end: whoever waits for it must not keep the terminal open.
    tty: Mutex<Option<Tty>>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    parent: u32,
    argv: Vec<String>,
    turn: Option<Arc<Turn>>,
    doom: Option<u8>,
    exit: Option<Exit>,
    waiting: Waiters,
    handled: signal::Set,
    ignored: signal::Set,
    pending: VecDeque<u8>,
    signalled: Waiters,
}

impl Process {
    fn new(pid: u32, order: &Order, meter: Meter) -> Self {
        let state = State {
            parent: order.parent,
            argv: order.argv.clone(),
            ignored: order.ignored,
            ..State::default()
        };
        Self {
            pid,
            started: meter.network.now(),
            memory: AtomicU64::new(0),
            reported: order.reported,
            meter,
            tty: Mutex::new(order.stdio.tty().cloned()),
            state: Mutex::new(state),
        }
    }

    pub(crate) fn tty(&self) -> Option<Tty> {
        self.tty.lock().clone()
    }

    pub(crate) fn parent(&self) -> u32 {
        self.state.lock().parent
    }

    pub(crate) fn adopt(&self, parent: u32) {
        self.state.lock().parent = parent;
    }

    fn set_turn(&self, turn: Arc<Turn>) {
        self.state.lock().turn = Some(turn);
    }

    /// Its arguments.
    pub(crate) fn argv(&self) -> Vec<String> {
        self.state.lock().argv.clone()
    }

    /// Whether it waits for its turn.
    pub(crate) fn is_queued(&self) -> bool {
        let state = self.state.lock();
        state.turn.as_ref().is_some_and(|turn| turn.is_queued())
    }

    /// It is another program from now on: what it handled ends it again, and what was queued for
    /// its handlers is gone with them.
    fn become_program(&self, argv: Vec<String>) {
        let mut state = self.state.lock();
        state.argv = argv;
        state.handled = signal::Set::default();
        state.pending.clear();
    }

    /// The signal that is to end it.
    pub(crate) fn doom(&self) -> Option<u8> {
        self.state.lock().doom
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, number: u8) {
        let mut state = self.state.lock();
        if state.exit.is_some() || state.doom.is_some() {
            return;
        }
        let spared = self.pid == 1 || state.ignored.contains(number);
        if number != signal::KILL && state.handled.contains(number) {
            if !state.pending.contains(&number) {
                state.pending.push_back(number);
            }
            let mut waiting = state.signalled.take();
            drop(state);
            waiting.wake();
        } else if number == signal::KILL || (signal::ends_by_default(number) && !spared) {
            state.doom = Some(number);
            let turn = state.turn.clone();
            drop(state);
            if let Some(turn) = turn {
                turn.wake();
            }
        }
    }

    pub(crate) fn handle(&self, signals: &[u8]) {
        let mut state = self.state.lock();
        for number in signals {
            state.handled.insert(*number);
            state.ignored.remove(*number);
        }
    }

    pub(crate) fn ignore(&self, number: u8) {
        let mut state = self.state.lock();
        state.handled.remove(number);
        state.ignored.insert(number);
    }

    /// What a child inherits.
    pub(crate) fn ignored(&self) -> signal::Set {
        self.state.lock().ignored
    }

    pub(crate) fn next_signal(&self) -> Option<u8> {
        self.state.lock().pending.pop_front()
    }

    pub(crate) fn poll_signal(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.state.lock();
        if !state.pending.is_empty() {
            return Poll::Ready(());
        }
        state.signalled.register(cx);
        Poll::Pending
    }

    pub(crate) fn exit(&self) -> Option<Exit> {
        self.state.lock().exit
    }

    pub(crate) fn poll_exit(&self, cx: &Context<'_>) -> Poll<Exit> {
        let mut state = self.state.lock();
        if let Some(exit) = state.exit {
            return Poll::Ready(exit);
        }
        state.waiting.register(cx);
        Poll::Pending
    }

    /// It has ended; whoever waits learns how.
    pub(crate) fn finish(&self, exit: Exit) {
        let mut waiting = {
            let mut state = self.state.lock();
            state.exit = Some(exit);
            state.turn = None;
            state.waiting.take()
        };
        // Dropped with no lock held: the terminal's other end wakes.
        let tty = self.tty.lock().take();
        drop(tty);
        waiting.wake();
    }
}

/// The one rule of processor time: a unit of fuel is a nanosecond, charged to the clock once.
///
/// Fuel is known exactly when the guest asks for the time and when it ends, and to one slice when
/// it is interrupted. The clock is moved up to the most that is known, never beyond.
#[derive(Debug)]
pub(crate) struct Meter {
    network: Network,
    processor: Arc<Processor>,
    charged: AtomicU64,
    slices: AtomicU64,
}

impl Meter {
    pub(crate) fn new(network: Network, processor: Arc<Processor>) -> Self {
        Self {
            network,
            processor,
            charged: AtomicU64::new(0),
            slices: AtomicU64::new(0),
        }
    }

    /// The guest has used this much fuel since it began.
    pub(crate) fn used(&self, total: u64) {
        let charged = self.charged.fetch_max(total, Ordering::Relaxed);
        let time = Duration::from_nanos(total.saturating_sub(charged));
        self.network.charge(time);
        if !time.is_zero() {
            self.processor.used(self.network.now(), time);
        }
    }

    /// How much processor time has been charged.
    pub(crate) fn total(&self) -> Duration {
        Duration::from_nanos(self.charged.load(Ordering::Relaxed))
    }

    /// The guest has used up another slice.
    pub(crate) fn used_slice(&self) {
        let slices = self.slices.fetch_add(1, Ordering::Relaxed) + 1;
        self.used(slices * SLICE);
    }
}

/// How a process ended, and whether for want of memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    pub(crate) exit: Exit,
    pub(crate) oom: bool,
}

/// What a running process is to the executor.
pub(crate) type ProcessFuture = std::pin::Pin<Box<dyn Future<Output = Outcome> + Send>>;

/// A process on its way into the executor.
pub(crate) struct Arrival {
    pub(crate) turn: Arc<Turn>,
    pub(crate) container: Arc<crate::container::Container>,
    pub(crate) process: Arc<Process>,
    pub(crate) future: ProcessFuture,
}
