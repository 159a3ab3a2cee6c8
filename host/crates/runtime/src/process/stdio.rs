//! What a process's standard input and outputs are joined to. Never the host's own.

use crate::pipe::{PipeReader, PipeWriter};
use crate::tty::{Screen, Tty};
use bytes::Bytes;
use parking_lot::Mutex;
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use wasmtime_wasi_io::poll::Pollable;
use wasmtime_wasi_io::streams::{
    DynInputStream, DynOutputStream, InputStream, OutputStream, StreamError, StreamResult,
};

/// Where a process reads from.
#[derive(Clone, Debug, Default)]
pub struct Input(Source);

#[derive(Clone, Debug, Default)]
enum Source {
    #[default]
    Null,
    Pipe(PipeReader),
    Terminal(Tty),
    Given(Given<DynInputStream>),
}

/// Where a process writes to.
#[derive(Clone, Debug, Default)]
pub struct Output(Sink);

#[derive(Clone, Debug, Default)]
enum Sink {
    #[default]
    Null,
    Pipe(PipeWriter),
    Terminal(Screen),
    Given(Given<DynOutputStream>),
}

/// A stream that a parent gave to its child; inheriting shares it.
struct Given<S>(Arc<Mutex<S>>);

impl<S> Clone for Given<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> fmt::Debug for Given<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Given")
    }
}

impl<S: Pollable + ?Sized> Given<Box<S>> {
    /// Every stream here forgets nothing when its `ready` is asked anew, so that no lock is held
    /// while waiting.
    fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut stream = self.0.lock();
        stream.as_mut().ready().as_mut().poll(cx)
    }
}

impl Input {
    /// The end at once.
    #[must_use]
    pub fn null() -> Self {
        Self::default()
    }

    /// What comes out of this pipe.
    #[must_use]
    pub fn pipe(reader: PipeReader) -> Self {
        Self(Source::Pipe(reader))
    }

    /// What is typed at this terminal.
    #[must_use]
    pub fn terminal(tty: &Tty) -> Self {
        Self(Source::Terminal(tty.clone()))
    }

    pub(crate) fn given(stream: DynInputStream) -> Self {
        Self(Source::Given(Given(Arc::new(Mutex::new(stream)))))
    }

    pub(crate) fn tty(&self) -> Option<&Tty> {
        if let Source::Terminal(tty) = &self.0 {
            Some(tty)
        } else {
            None
        }
    }
}

impl Output {
    /// Nowhere.
    #[must_use]
    pub fn null() -> Self {
        Self::default()
    }

    /// Into this pipe.
    #[must_use]
    pub fn pipe(writer: PipeWriter) -> Self {
        Self(Sink::Pipe(writer))
    }

    /// Onto this terminal's screen.
    #[must_use]
    pub fn terminal(tty: &Tty) -> Self {
        Self(Sink::Terminal(Screen(tty.clone())))
    }

    pub(crate) fn given(stream: DynOutputStream) -> Self {
        Self(Sink::Given(Given(Arc::new(Mutex::new(stream)))))
    }

    pub(crate) fn tty(&self) -> Option<&Tty> {
        if let Sink::Terminal(screen) = &self.0 {
            Some(&screen.0)
        } else {
            None
        }
    }

    /// Says something in the runtime's own name, as far as there is room.
    pub(crate) fn say(&self, text: &str) {
        match &self.0 {
            Sink::Pipe(writer) => drop(writer.try_write(text.as_bytes())),
            Sink::Terminal(screen) => drop(screen.0.show(text.as_bytes())),
            Sink::Given(_) | Sink::Null => {}
        }
    }
}

#[async_trait::async_trait]
impl Pollable for Input {
    async fn ready(&mut self) {
        poll_fn(|cx| match &self.0 {
            Source::Null => Poll::Ready(()),
            Source::Pipe(reader) => reader.poll_readable(cx),
            Source::Terminal(tty) => tty.poll_readable(cx),
            Source::Given(stream) => stream.poll(cx),
        })
        .await;
    }
}

impl InputStream for Input {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        match &mut self.0 {
            Source::Null => Err(StreamError::Closed),
            Source::Pipe(reader) => InputStream::read(reader, size),
            Source::Terminal(tty) => InputStream::read(tty, size),
            Source::Given(stream) => stream.0.lock().read(size),
        }
    }
}

#[async_trait::async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {
        poll_fn(|cx| match &self.0 {
            Sink::Null => Poll::Ready(()),
            Sink::Pipe(writer) => writer.poll_writable(cx),
            Sink::Terminal(screen) => screen.0.poll_writable(cx),
            Sink::Given(stream) => stream.poll(cx),
        })
        .await;
    }
}

impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        match &mut self.0 {
            Sink::Null => Ok(()),
            Sink::Pipe(writer) => writer.write(bytes),
            Sink::Terminal(screen) => screen.write(bytes),
            Sink::Given(stream) => stream.0.lock().write(bytes),
        }
    }

    fn flush(&mut self) -> StreamResult<()> {
        match &mut self.0 {
            Sink::Given(stream) => stream.0.lock().flush(),
            Sink::Null | Sink::Pipe(_) | Sink::Terminal(_) => Ok(()),
        }
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        match &mut self.0 {
            Sink::Null => Ok(64 * 1024),
            Sink::Pipe(writer) => writer.check_write(),
            Sink::Terminal(screen) => screen.check_write(),
            Sink::Given(stream) => stream.0.lock().check_write(),
        }
    }
}

/// The three streams every process has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stdio {
    pub(crate) stdin: Input,
    pub(crate) stdout: Output,
    pub(crate) stderr: Output,
}

impl Stdio {
    /// The terminal the process is at, if it is at one.
    pub(crate) fn tty(&self) -> Option<&Tty> {
        self.stdin
            .tty()
            .or_else(|| self.stdout.tty())
            .or_else(|| self.stderr.tty())
    }
}
