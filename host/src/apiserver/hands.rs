//! The two directions of a process's streams, so that each can be held by a task of its own.
//! Never changes what passes.

#![allow(
    clippy::waker_clone_wake,
    reason = "a wake by reference means a used-up slice of a guest"
)]

use crate::shell::{Ends, Keyboard, Streams};
use runtime::{PipeReader, PipeWriter, Read, Terminal, TerminalSize};
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll};

/// The most bytes taken from a process at a time.
const READ: usize = 32 * 1024;
pub(super) const STDOUT: u8 = 1;
pub(super) const STDERR: u8 = 2;

/// Where typed bytes go.
pub(super) enum Hand {
    /// A pipe, until it is closed.
    Pipe(Option<PipeWriter>),
    /// A terminal's keyboard.
    Terminal(Rc<Terminal>),
    /// What a container's first process reads, with others.
    Attached(Option<Keyboard>, Streams),
}

/// Where written bytes come from, each with the number of its channel.
pub(super) enum View {
    /// Standard output and error, while they are open.
    Pipes([Option<PipeReader>; 2]),
    /// A terminal's screen.
    Terminal(Rc<Terminal>),
}

/// Takes the two directions apart.
pub(super) fn split(ends: Ends) -> (Hand, View) {
    match ends {
        Ends::Pipes {
            stdin,
            stdout,
            stderr,
        } => (Hand::Pipe(stdin), View::Pipes([Some(stdout), Some(stderr)])),
        Ends::Terminal(terminal) => {
            let terminal = Rc::new(terminal);
            (Hand::Terminal(terminal.clone()), View::Terminal(terminal))
        }
        Ends::Attached {
            keyboard,
            streams,
            stdout,
            stderr,
        } => (
            Hand::Attached(keyboard, streams),
            View::Pipes([Some(stdout), Some(stderr)]),
        ),
    }
}

impl Hand {
    /// Gives the process these bytes to read, waiting while its pipe is full; a terminal forgets
    /// what does not fit.
    pub(super) async fn write(&self, data: &[u8]) {
        match self {
            // Nobody reads any more: the process has ended or closed its input.
            Self::Pipe(Some(writer)) => drop(writer.write_all(data).await),
            Self::Terminal(terminal) => drop(terminal.try_write(data)),
            Self::Attached(Some(keyboard), _) => keyboard.write(data).await,
            Self::Pipe(None) | Self::Attached(None, _) => {}
        }
    }

    /// There is nothing more to type. A terminal has no such end: it has a key for it.
    pub(super) fn close(&mut self) {
        match self {
            Self::Pipe(writer) => *writer = None,
            Self::Terminal(_) => {}
            Self::Attached(keyboard, streams) => {
                *keyboard = None;
                streams.input_ended();
            }
        }
    }

    /// The window has this size now.
    pub(super) fn resize(&self, size: TerminalSize) {
        match self {
            Self::Terminal(terminal) => terminal.resize(size),
            Self::Attached(Some(keyboard), _) => keyboard.resize(size),
            Self::Pipe(_) | Self::Attached(None, _) => {}
        }
    }
}

impl View {
    /// What is written next and on which channel; nothing when nothing can be any more.
    pub(super) async fn next(&mut self) -> Option<(u8, Vec<u8>)> {
        poll_fn(|cx| match self {
            Self::Terminal(terminal) => match terminal.try_read(READ) {
                Read::Data(data) => Poll::Ready(Some((STDOUT, data))),
                Read::End => Poll::Ready(None),
                Read::WouldBlock => again(terminal.poll_readable(cx), cx),
            },
            Self::Pipes(pipes) => next_of(pipes, cx),
        })
        .await
    }
}

fn next_of(
    pipes: &mut [Option<PipeReader>; 2],
    cx: &mut Context<'_>,
) -> Poll<Option<(u8, Vec<u8>)>> {
    let mut open = false;
    for (pipe, channel) in pipes.iter_mut().zip([STDOUT, STDERR]) {
        let Some(reader) = pipe else { continue };
        match reader.try_read(READ) {
            Read::Data(data) => return Poll::Ready(Some((channel, data))),
            Read::End => *pipe = None,
            Read::WouldBlock => {
                open = true;
                if reader.poll_readable(cx).is_ready() {
                    cx.waker().clone().wake();
                }
            }
        }
    }
    if open {
        Poll::Pending
    } else {
        Poll::Ready(None)
    }
}

/// Readable after all: look again at once.
fn again<T>(readable: Poll<()>, cx: &Context<'_>) -> Poll<T> {
    if readable.is_ready() {
        cx.waker().clone().wake();
    }
    Poll::Pending
}
