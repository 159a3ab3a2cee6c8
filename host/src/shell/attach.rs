//! The standard streams of a container's first process: its log reads them always, whoever
//! attaches reads them too and may type.
//!
//! Never starts or ends a process. A reader that does not read holds the container back, as a
//! terminal does; one that has gone is forgotten.

use super::containers::{Ends, PIPE, Terminal};
use super::log::Log;
use runtime::{
    Handle, Input, Output, PipeReader, PipeWriter, Read, Spawn, TerminalSize, pipe, terminal,
};
use std::cell::RefCell;
use std::rc::Rc;

/// What a terminal measures before anybody has said.
const SIZE: TerminalSize = TerminalSize {
    columns: 80,
    rows: 24,
};

/// A clone is the same streams.
#[derive(Clone, Debug)]
pub(crate) struct Streams(Rc<RefCell<State>>);

#[derive(Debug)]
struct State {
    keyboard: Option<Keyboard>,
    /// The end of the first visitor's input is the end of the process's.
    once: bool,
    visitors: [Vec<PipeWriter>; 2],
}

/// Where typed bytes go.
#[derive(Clone, Debug)]
pub(crate) enum Keyboard {
    Pipe(PipeWriter),
    Terminal(Rc<Terminal>),
}

/// One of a process's outputs, and its place among the visitors.
enum Source {
    Pipe(PipeReader, usize),
    Terminal(Rc<Terminal>),
}

impl Streams {
    /// Gives `spawn` its streams and keeps the other ends; what is written goes to `log`.
    pub(super) fn connect(
        runtime: &Handle,
        spawn: &mut Spawn,
        log: &Log,
        wish: &cluster::kubelet::StartContainer,
    ) -> Self {
        let (keyboard, sources) = if wish.tty {
            spawn.env.push(("TERM".into(), "xterm".into()));
            let (outside, inside) = terminal(SIZE);
            spawn.stdin = if wish.stdin {
                Input::terminal(&inside)
            } else {
                Input::null()
            };
            spawn.stdout = Output::terminal(&inside);
            spawn.stderr = Output::terminal(&inside);
            let outside = Rc::new(outside);
            let keyboard = wish.stdin.then(|| Keyboard::Terminal(outside.clone()));
            (keyboard, vec![Source::Terminal(outside)])
        } else {
            let mut keyboard = None;
            if wish.stdin {
                let (reader, writer) = pipe(PIPE);
                spawn.stdin = Input::pipe(reader);
                keyboard = Some(Keyboard::Pipe(writer));
            }
            let mut source = |index| {
                let (reader, writer) = pipe(PIPE);
                let output = Output::pipe(writer);
                match index {
                    0 => spawn.stdout = output,
                    _ => spawn.stderr = output,
                }
                Source::Pipe(reader, index)
            };
            (keyboard, vec![source(0), source(1)])
        };
        let streams = Self(Rc::new(RefCell::new(State {
            keyboard,
            once: wish.stdin_once,
            visitors: Default::default(),
        })));
        for source in sources {
            let copy = streams.clone().copy(runtime.clone(), source, log.clone());
            runtime.spawn_native(copy);
        }
        streams
    }

    /// A further holder of these streams, from now on.
    pub(crate) fn attach(&self, stdin: bool) -> Ends {
        let (stdout, to_stdout) = pipe(PIPE);
        let (stderr, to_stderr) = pipe(PIPE);
        let mut state = self.0.borrow_mut();
        state.visitors[0].push(to_stdout);
        state.visitors[1].push(to_stderr);
        Ends::Attached {
            keyboard: state.keyboard.clone().filter(|_| stdin),
            streams: self.clone(),
            stdout,
            stderr,
        }
    }

    /// A visitor's input has ended.
    pub(crate) fn input_ended(&self) {
        let mut state = self.0.borrow_mut();
        if state.once {
            state.keyboard = None;
        }
    }

    /// Reads an output until nobody can write to it, for the log and the visitors.
    async fn copy(self, runtime: Handle, source: Source, log: Log) {
        let mut partial = Vec::new();
        loop {
            match source.try_read() {
                Read::Data(data) => {
                    log.write(runtime.now(), &mut partial, &data);
                    self.show(source.index(), &data).await;
                }
                Read::WouldBlock => source.readable().await,
                Read::End => break,
            }
        }
        log.push(runtime.now(), partial);
        let mut state = self.0.borrow_mut();
        match source {
            Source::Pipe(_, index) => state.visitors[index].clear(),
            // What is typed is echoed: while there is a keyboard there is an output.
            Source::Terminal(_) => state.visitors = Default::default(),
        }
    }

    async fn show(&self, index: usize, data: &[u8]) {
        let visitors = std::mem::take(&mut self.0.borrow_mut().visitors[index]);
        let mut present = Vec::new();
        for visitor in visitors {
            if visitor.write_all(data).await {
                present.push(visitor);
            }
        }
        // Somebody may have come while the others were told.
        self.0.borrow_mut().visitors[index].extend(present);
    }
}

impl Source {
    fn index(&self) -> usize {
        match self {
            Self::Pipe(_, index) => *index,
            Self::Terminal(_) => 0,
        }
    }

    fn try_read(&self) -> Read {
        match self {
            Self::Pipe(reader, _) => reader.try_read(PIPE),
            Self::Terminal(terminal) => terminal.try_read(PIPE),
        }
    }

    async fn readable(&self) {
        std::future::poll_fn(|cx| match self {
            Self::Pipe(reader, _) => reader.poll_readable(cx),
            Self::Terminal(terminal) => terminal.poll_readable(cx),
        })
        .await;
    }
}

impl Keyboard {
    /// Types these bytes, waiting while a pipe is full; a terminal forgets what does not fit.
    pub(crate) async fn write(&self, data: &[u8]) {
        match self {
            Self::Pipe(writer) => {
                // Nobody reads any more: the process has ended or closed its input.
                let _ = writer.write_all(data).await;
            }
            Self::Terminal(terminal) => {
                terminal.try_write(data);
            }
        }
    }

    /// The window of whoever types has this size.
    pub(crate) fn resize(&self, size: TerminalSize) {
        if let Self::Terminal(terminal) = self {
            terminal.resize(size);
        }
    }
}
