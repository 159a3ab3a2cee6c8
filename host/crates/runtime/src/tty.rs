//! A terminal between a person and a program: echo, lines, and the keys that are signals.
//!
//! [`Discipline`] is pure: a key in, what it causes out. Never touches the terminal of the real
//! host. What is left out of a Linux terminal: job control (`^Z` is shown and does nothing) and
//! flow control (`^S`, `^Q`).

use crate::executor::Waiters;
use crate::pipe::Read;
use crate::process::{Process, signal};
use bytes::Bytes;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use wasmtime_wasi_io::poll::Pollable;
use wasmtime_wasi_io::streams::{InputStream, OutputStream, StreamError, StreamResult};

/// How much typed input and how much output a terminal holds.
const CAPACITY: usize = 64 * 1024;
/// How long a line may be while it is edited, as on Linux.
const LINE_MAX: usize = 4095;

/// How large a terminal is, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TerminalSize {
    /// Characters in a row.
    pub columns: u16,
    /// Rows.
    pub rows: u16,
}

/// What one key causes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Effect {
    /// Shown on the screen.
    echo: Vec<u8>,
    /// Given to the program: a finished line, or the key itself in raw mode.
    input: Option<Vec<u8>>,
    /// The program reads the end of its input, once.
    end: bool,
    /// Sent to the programs on the terminal; unread input is thrown away.
    signal: Option<u8>,
}

/// The line discipline: what is typed becomes lines, echo and signals.
#[derive(Debug, Default)]
struct Discipline {
    raw: bool,
    line: Vec<u8>,
}

impl Discipline {
    fn key(&mut self, key: u8) -> Effect {
        if self.raw {
            return Effect {
                input: Some(vec![key]),
                ..Effect::default()
            };
        }
        match key {
            b'\r' | b'\n' => {
                self.line.push(b'\n');
                let line = std::mem::take(&mut self.line);
                Effect {
                    echo: b"\r\n".to_vec(),
                    input: Some(line),
                    ..Effect::default()
                }
            }
            0x03 => self.interrupt(b"^C", Some(signal::INT)),
            0x1c => self.interrupt(b"^\\", Some(signal::QUIT)),
            0x1a => Effect {
                echo: b"^Z".to_vec(),
                ..Effect::default()
            },
            0x04 if self.line.is_empty() => Effect {
                end: true,
                ..Effect::default()
            },
            0x04 => Effect {
                input: Some(std::mem::take(&mut self.line)),
                ..Effect::default()
            },
            0x7f | 0x08 => self.erase(1),
            0x15 => self.erase(usize::MAX),
            0x17 => self.erase(self.word()),
            _ => self.insert(key),
        }
    }

    fn interrupt(&mut self, shown: &[u8], signal: Option<u8>) -> Effect {
        self.line.clear();
        Effect {
            echo: shown.to_vec(),
            signal,
            ..Effect::default()
        }
    }

    fn insert(&mut self, key: u8) -> Effect {
        if self.line.len() >= LINE_MAX {
            return Effect {
                echo: vec![0x07],
                ..Effect::default()
            };
        }
        self.line.push(key);
        let echo = if key < 0x20 && key != b'\t' {
            vec![b'^', key + 0x40]
        } else {
            vec![key]
        };
        Effect {
            echo,
            ..Effect::default()
        }
    }

    /// Removes up to `count` characters from the end of the line.
    fn erase(&mut self, count: usize) -> Effect {
        let mut echo = Vec::new();
        for _ in 0..count {
            let Some(removed) = self.pop_character() else {
                break;
            };
            let shown_as_two = removed.len() == 1 && removed[0] < 0x20 && removed[0] != b'\t';
            for _ in 0..if shown_as_two { 2 } else { 1 } {
                echo.extend(b"\x08 \x08");
            }
        }
        Effect {
            echo,
            ..Effect::default()
        }
    }

    /// One character may be several bytes of UTF-8.
    fn pop_character(&mut self) -> Option<Vec<u8>> {
        let start = self.line.iter().rposition(|byte| byte & 0xc0 != 0x80)?;
        Some(self.line.split_off(start))
    }

    /// How many characters the last word and the blanks after it have.
    fn word(&self) -> usize {
        let is_start = |byte: &&u8| **byte & 0xc0 != 0x80;
        let mut backwards = self.line.iter().rev().filter(is_start).peekable();
        let mut count = 0;
        while backwards.next_if(|byte| **byte == b' ').is_some() {
            count += 1;
        }
        count + backwards.take_while(|byte| **byte != b' ').count()
    }
}

#[derive(Debug)]
struct State {
    discipline: Discipline,
    input: VecDeque<Typed>,
    output: VecDeque<u8>,
    size: TerminalSize,
    hung_up: bool,
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
        let data = state.output.drain(..count).collect();
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
                let data = bytes.drain(..count).collect();
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
mod tests {
    use super::*;

    fn screen(terminal: &Terminal) -> String {
        match terminal.try_read(usize::MAX) {
            Read::Data(data) => String::from_utf8(data).expect("text"),
            _ => String::new(),
        }
    }

    #[track_caller]
    fn check(keys: &str, reads: &[&str], shows: &str) {
        let (terminal, tty) = terminal(TerminalSize {
            columns: 80,
            rows: 24,
        });
        assert_eq!(terminal.try_write(keys.as_bytes()), keys.len());
        for read in reads {
            assert_eq!(tty.try_read(1000), Read::Data(read.as_bytes().to_vec()));
        }
        assert_eq!(tty.try_read(1000), Read::WouldBlock);
        assert_eq!(screen(&terminal), shows);
    }

    #[test]
    fn a_line_arrives_when_it_is_finished() {
        check("ls", &[], "ls");
        check("ls\rpwd\r", &["ls\n", "pwd\n"], "ls\r\npwd\r\n");
    }

    #[test]
    fn a_line_can_be_corrected_before_it_is_finished() {
        check("lx\x7fs\r", &["ls\n"], "lx\x08 \x08s\r\n");
        check("ü\x7f\r", &["\n"], "ü\x08 \x08\r\n");
        check("a bc\x17d\r", &["a d\n"], "a bc\x08 \x08\x08 \x08d\r\n");
    }

    #[test]
    fn an_interrupt_throws_the_line_away() {
        check("abc\x03d\r", &["d\n"], "abc^Cd\r\n");
    }

    #[test]
    fn the_end_of_input_is_read_once() {
        let (terminal, tty) = terminal(TerminalSize {
            columns: 80,
            rows: 24,
        });
        terminal.try_write(b"\x04");
        assert_eq!(tty.try_read(9), Read::End);
        assert_eq!(tty.try_read(9), Read::WouldBlock);
    }

    #[test]
    fn raw_keys_arrive_as_typed_and_unseen() {
        let (terminal, tty) = terminal(TerminalSize {
            columns: 80,
            rows: 24,
        });
        tty.set_raw(true);
        terminal.try_write(b"a\x03\r");
        assert_eq!(tty.try_read(9), Read::Data(b"a\x03\r".to_vec()));
        assert_eq!(screen(&terminal), "");
    }

    #[test]
    fn line_feeds_start_at_the_left_margin() {
        let (terminal, tty) = terminal(TerminalSize {
            columns: 80,
            rows: 24,
        });
        tty.show(b"a\nb").expect("there is room");
        assert_eq!(screen(&terminal), "a\r\nb");
    }

    #[test]
    fn the_screen_ends_with_the_last_program() {
        let (terminal, tty) = terminal(TerminalSize {
            columns: 80,
            rows: 24,
        });
        tty.show(b"bye").expect("there is room");
        drop(tty);
        assert_eq!(screen(&terminal), "bye");
        assert_eq!(terminal.try_read(9), Read::End);
    }
}
