//! A terminal between a person and a program: echo, lines, and the keys that are signals.
//!
//! What a key causes is decided in `discipline.rs`; this file carries it out. Never touches the terminal of the real
//! host. What is left out of a Linux terminal: job control (`^Z` is shown and does nothing) and
//! flow control (`^S`, `^Q`).

mod discipline;

use crate::executor::Waiters;
use crate::pipe::{Read, take_front};
use crate::process::{Process, signal};
use bytes::Bytes;
use discipline::{Discipline, Effect};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use wasmtime_wasi_io::poll::Pollable;
use wasmtime_wasi_io::streams::{InputStream, OutputStream, StreamError, StreamResult};

/// How much typed input and how much output a terminal holds.
const CAPACITY: usize = 64 * 1024;

/// How large a terminal is, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TerminalSize {
    /// Characters in a row.
    pub columns: u16,
    /// Rows.
    pub rows: u16,
}

#[derive(Debug)]
struct State {
    discipline: Discipline,
    input: VecDeque<Typed>,
    output: VecDeque<u8>,
    size: TerminalSize,
    hung_up: bool,
    /// A program has asked for input since something was last typed.
    awaited: bool,
    programs: Vec<Weak<Process>>,
    waiting: Waiters,
}

#[derive(Debug)]
enum Typed {
    Bytes(VecDeque<u8>),
    End,
}

/// The person's side: keys in, screen out. Dropping it hangs up.
#[derive(Debug)]
pub struct Terminal(Arc<Mutex<State>>);

/// The programs' side, which becomes their standard input and outputs.
#[derive(Clone, Debug)]
pub struct Tty(Arc<Mutex<State>>);

/// A terminal of this size.
#[must_use]
pub fn terminal(size: TerminalSize) -> (Terminal, Tty) {
    let state = State {
        discipline: Discipline::default(),
        input: VecDeque::new(),
        output: VecDeque::new(),
        size,
        hung_up: false,
        awaited: false,
        programs: Vec::new(),
        waiting: Waiters::default(),
    };
    let state = Arc::new(Mutex::new(state));
    (Terminal(Arc::clone(&state)), Tty(state))
}

impl Terminal {
    /// Types these keys; returns how many were taken.
    pub fn try_write(&self, keys: &[u8]) -> usize {
        let mut state = self.0.lock();
        state.awaited = false;
        let mut signals = Vec::new();
        let mut taken = 0;
        for key in keys {
            if state.unread() >= CAPACITY {
                break;
            }
            taken += 1;
            let effect = state.discipline.key(*key);
            signals.extend(effect.signal);
            state.apply(effect);
        }
        let programs = if signals.is_empty() {
            Vec::new()
        } else {
            state.programs()
        };
        let mut waiting = state.waiting.take();
        drop(state);
        waiting.wake();
        for signal in signals {
            programs.iter().for_each(|program| program.signal(signal));
        }
        taken
    }

    /// Takes up to `max` bytes of what the screen should show.
    pub fn try_read(&self, max: usize) -> Read {
        let mut state = self.0.lock();
        if state.output.is_empty() {
            // This holder is one; every program on the terminal and every copy it made is another.
            return if Arc::strong_count(&self.0) == 1 {
                Read::End
            } else {
                Read::WouldBlock
            };
        }
        let count = max.min(state.output.len());
        let data = take_front(&mut state.output, count);
        let mut waiting = state.waiting.take();
        drop(state);
        waiting.wake();
        Read::Data(data)
    }

    /// Waits for output and takes up to `max` bytes of it; nothing when every program is gone.
    pub async fn read(&self, max: usize) -> Option<Vec<u8>> {
        loop {
            match self.try_read(max) {
                Read::Data(data) => return Some(data),
                Read::End => return None,
                Read::WouldBlock => poll_fn(|cx| self.poll_readable(cx)).await,
            }
        }
    }

    /// Ready when [`try_read`](Self::try_read) would not answer that it would block.
    pub fn poll_readable(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.lock();
        if !state.output.is_empty() || Arc::strong_count(&self.0) == 1 {
            return Poll::Ready(());
        }
        state.waiting.register(cx);
        Poll::Pending
    }

    /// Whether a program has asked for input in vain since something was last typed.
    #[must_use]
    pub fn is_awaited(&self) -> bool {
        self.0.lock().awaited
    }

    /// The window changed; the programs get SIGWINCH.
    pub fn resize(&self, size: TerminalSize) {
        let programs = {
            let mut state = self.0.lock();
            state.size = size;
            state.programs()
        };
        programs
            .iter()
            .for_each(|program| program.signal(signal::WINCH));
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let (programs, mut waiting) = {
            let mut state = self.0.lock();
            state.hung_up = true;
            (state.programs(), state.waiting.take())
        };
        waiting.wake();
        programs
            .iter()
            .for_each(|program| program.signal(signal::HUP));
    }
}

impl State {
    fn unread(&self) -> usize {
        self.input
            .iter()
            .map(|typed| match typed {
                Typed::Bytes(bytes) => bytes.len(),
                Typed::End => 1,
            })
            .sum()
    }

    fn apply(&mut self, effect: Effect) {
        if self.output.len() + effect.echo.len() <= CAPACITY {
            self.output.extend(effect.echo);
        }
        if effect.signal.is_some() {
            self.input.clear();
        }
        if let Some(bytes) = effect.input {
            self.give(bytes);
        }
        if effect.end {
            self.input.push_back(Typed::End);
        }
    }

    /// In raw mode keys may be read together; lines are read one at a time.
    fn give(&mut self, bytes: Vec<u8>) {
        match self.input.back_mut() {
            Some(Typed::Bytes(last)) if self.discipline.raw => last.extend(bytes),
            _ => self.input.push_back(Typed::Bytes(bytes.into())),
        }
    }

    fn programs(&mut self) -> Vec<Arc<Process>> {
        self.programs.retain(|program| program.strong_count() > 0);
        self.programs.iter().filter_map(Weak::upgrade).collect()
    }
}

impl Tty {
    /// From now on the terminal's signals reach this process too.
    pub(crate) fn attach(&self, process: &Arc<Process>) {
        let mut state = self.0.lock();
        state.programs.retain(|program| program.strong_count() > 0);
        state.programs.push(Arc::downgrade(process));
    }

    pub(crate) fn size(&self) -> TerminalSize {
        self.0.lock().size
    }

    /// A line half typed is given to the program when the mode becomes raw.
    pub(crate) fn set_raw(&self, raw: bool) {
        let mut state = self.0.lock();
        state.discipline.raw = raw;
        let line = std::mem::take(&mut state.discipline.line);
        if !line.is_empty() {
            state.give(line);
            let mut waiting = state.waiting.take();
            drop(state);
            waiting.wake();
        }
    }

    pub(crate) fn try_read(&self, max: usize) -> Read {
        let mut state = self.0.lock();
        let hung_up = state.hung_up;
        match state.input.front_mut() {
            None if hung_up => Read::End,
            None => Read::WouldBlock,
            Some(Typed::End) => {
                state.input.pop_front();
                Read::End
            }
            Some(Typed::Bytes(bytes)) => {
                let count = max.min(bytes.len());
                let data = take_front(bytes, count);
                if bytes.is_empty() {
                    state.input.pop_front();
                }
                Read::Data(data)
            }
        }
    }

    pub(crate) fn poll_readable(&self, cx: &Context<'_>) -> Poll<()> {
        let mut state = self.0.lock();
        if !state.input.is_empty() || state.hung_up {
            return Poll::Ready(());
        }
        state.awaited = true;
        state.waiting.register(cx);
        Poll::Pending
    }

    /// Every line feed becomes two bytes on the screen, in both modes.
    fn room(&self) -> usize {
        let state = self.0.lock();
        if state.hung_up {
            CAPACITY
        } else {
            CAPACITY.saturating_sub(state.output.len()) / 2
        }
    }

    pub(crate) fn poll_writable(&self, cx: &Context<'_>) -> Poll<()> {
        if self.room() > 0 {
            return Poll::Ready(());
        }
        self.0.lock().waiting.register(cx);
        Poll::Pending
    }

    pub(crate) fn show(&self, bytes: &[u8]) -> StreamResult<()> {
        let mut state = self.0.lock();
        if state.hung_up {
            return Err(StreamError::Closed);
        }
        for byte in bytes {
            if *byte == b'\n' {
                state.output.push_back(b'\r');
            }
            state.output.push_back(*byte);
        }
        let mut waiting = state.waiting.take();
        drop(state);
        waiting.wake();
        Ok(())
    }
}

impl Drop for Tty {
    fn drop(&mut self) {
        // The person's side sees the end when only it is left, which is after this drop; it asks
        // again when its turn comes.
        let mut waiting = self.0.lock().waiting.take();
        waiting.wake();
    }
}

#[async_trait::async_trait]
impl Pollable for Tty {
    async fn ready(&mut self) {
        poll_fn(|cx| self.poll_readable(cx)).await;
    }
}

impl InputStream for Tty {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        if size == 0 {
            return Ok(Bytes::new());
        }
        match self.try_read(size) {
            Read::Data(data) => Ok(data.into()),
            Read::WouldBlock => Ok(Bytes::new()),
            Read::End => Err(StreamError::Closed),
        }
    }
}

/// The same terminal as a stream of output.
#[derive(Clone, Debug)]
pub(crate) struct Screen(pub(crate) Tty);

#[async_trait::async_trait]
impl Pollable for Screen {
    async fn ready(&mut self) {
        poll_fn(|cx| self.0.poll_writable(cx)).await;
    }
}

impl OutputStream for Screen {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.0.show(&bytes)
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(self.0.room())
    }
}

#[cfg(test)]
mod tests;
