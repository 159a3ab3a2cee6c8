//! The shell's descriptors: what 0, 1, 2 and the others lead to, for builtins and for children.
//!
//! Nothing here blocks except reading and writing; nothing is buffered, because children share
//! the streams.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::rc::Rc;
use std::time::Duration;

use guest_kit::process::{Input, Output, Pipe, Stdio};

/// Where another handle to the same stream comes from.
#[derive(Clone, Debug)]
pub(crate) enum Again {
    /// The process's own standard stream of that number.
    Own(u8),
    Pipe(Rc<Pipe>),
    File(String),
}

#[derive(Debug)]
pub(crate) enum Fd {
    Null,
    Reader {
        input: RefCell<Input>,
        /// Bytes read so far.
        offset: RefCell<u64>,
        again: Again,
        /// Goes when the descriptor does.
        _temporary: Option<Temporary>,
    },
    Writer {
        output: RefCell<Output>,
        again: Again,
    },
    /// Standard output of a command substitution.
    Capture(RefCell<Capture>),
}

/// A file that nobody needs when this is gone.
#[derive(Debug)]
pub(crate) struct Temporary(String);

impl Drop for Temporary {
    fn drop(&mut self) {
        // A file that has gone already is what was wanted.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Bytes collected for a command substitution, from builtins directly, from children by a pipe.
#[derive(Debug, Default)]
pub(crate) struct Capture {
    bytes: Vec<u8>,
    pipe: Option<(Rc<Pipe>, Input)>,
}

impl Capture {
    fn writer(&mut self) -> Output {
        let (pipe, _) = self.pipe.get_or_insert_with(|| {
            let pipe = Pipe::new();
            let reader = pipe.reader();
            (Rc::new(pipe), reader)
        });
        pipe.writer()
    }

    /// Takes what has come through the pipe, without waiting.
    fn drain(&mut self) {
        let Some((_, reader)) = &mut self.pipe else {
            return;
        };
        let mut buffer = [0; 4096];
        while !guest_kit::poll(&[&*reader], Some(Duration::ZERO)).is_empty() {
            match reader.read(&mut buffer) {
                Ok(length) if length > 0 => self.bytes.extend_from_slice(&buffer[..length]),
                _ => {
                    self.pipe = None;
                    return;
                }
            }
        }
    }

    /// Everything, once nobody can write any more.
    fn finish(&mut self) -> Vec<u8> {
        if let Some((pipe, mut reader)) = self.pipe.take() {
            drop(pipe);
            // A reader that fails has nothing more to give.
            let _ = reader.read_to_end(&mut self.bytes);
        }
        std::mem::take(&mut self.bytes)
    }
}

impl Fd {
    pub(crate) fn own_input() -> Rc<Self> {
        Self::reader(Input::stdin(), Again::Own(0))
    }

    pub(crate) fn own_output(number: u8) -> Rc<Self> {
        let output = if number == 2 {
            Output::stderr()
        } else {
            Output::stdout()
        };
        Self::writer(output, Again::Own(number))
    }

    pub(crate) fn reader(input: Input, again: Again) -> Rc<Self> {
        Rc::new(Self::Reader {
            input: RefCell::new(input),
            offset: RefCell::new(0),
            again,
            _temporary: None,
        })
    }

    pub(crate) fn writer(output: Output, again: Again) -> Rc<Self> {
        Rc::new(Self::Writer {
            output: RefCell::new(output),
            again,
        })
    }

    pub(crate) fn capture() -> Rc<Self> {
        Rc::new(Self::Capture(RefCell::default()))
    }

    /// Opens a file for reading.
    pub(crate) fn open_read(path: String) -> io::Result<Rc<Self>> {
        if path == "/dev/null" {
            return Ok(Rc::new(Self::Null));
        }
        let input = Input::open(&path)?;
        Ok(Self::reader(input, Again::File(path)))
    }

    /// Opens a file for writing at its end.
    pub(crate) fn open_write(path: String, truncate: bool) -> io::Result<Rc<Self>> {
        if path == "/dev/null" {
            return Ok(Rc::new(Self::Null));
        }
        let output = Output::open(&path, truncate)?;
        Ok(Self::writer(output, Again::File(path)))
    }

    /// A stream that gives these bytes and ends.
    pub(crate) fn from_bytes(bytes: &[u8], pid: u32) -> io::Result<Rc<Self>> {
        if bytes.len() <= 32 * 1024 {
            let pipe = Pipe::new();
            let reader = pipe.reader();
            pipe.writer().write_all(bytes)?;
            return Ok(Self::reader(reader, Again::Pipe(Rc::new(pipe))));
        }
        // More than a pipe holds would wait for a reader that is not there yet.
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = format!("/tmp/.sh-{pid}-{number}");
        std::fs::write(&path, bytes)?;
        let temporary = Temporary(path.clone());
        Ok(Rc::new(Self::Reader {
            input: RefCell::new(Input::open(&path)?),
            offset: RefCell::new(0),
            again: Again::File(path),
            _temporary: Some(temporary),
        }))
    }

    pub(crate) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Null => Ok(0),
            Self::Reader { input, offset, .. } => {
                let length = input.borrow_mut().read(buffer)?;
                *offset.borrow_mut() += length as u64;
                Ok(length)
            }
            _ => Err(io::Error::other("Bad file descriptor")),
        }
    }

    /// Whether there is something to read, or the end, before this time is over.
    pub(crate) fn ready(&self, time: Duration) -> bool {
        match self {
            Self::Reader { input, .. } => {
                !guest_kit::poll(&[&*input.borrow()], Some(time)).is_empty()
            }
            _ => true,
        }
    }

    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Null => Ok(()),
            Self::Writer { output, .. } => output.borrow_mut().write_all(bytes),
            Self::Capture(capture) => {
                let mut capture = capture.borrow_mut();
                capture.drain();
                capture.bytes.extend_from_slice(bytes);
                Ok(())
            }
            Self::Reader { .. } => Err(io::Error::other("Bad file descriptor")),
        }
    }

    /// The file it leads to, and whether it writes.
    pub(crate) fn path(&self) -> Option<(&str, bool)> {
        match self {
            Self::Null => Some(("/dev/null", true)),
            Self::Reader {
                again: Again::File(path),
                ..
            } => Some((path, false)),
            Self::Writer {
                again: Again::File(path),
                ..
            } => Some((path, true)),
            _ => None,
        }
    }

    pub(crate) fn child_input(&self) -> Stdio<Input> {
        match self {
            Self::Reader {
                again: Again::Own(0),
                ..
            } => Stdio::Inherit,
            Self::Reader {
                again: Again::Pipe(pipe),
                ..
            } => Stdio::Stream(pipe.reader()),
            Self::Reader {
                again: Again::File(path),
                offset,
                ..
            } => Input::open_at(path, *offset.borrow()).map_or(Stdio::Null, Stdio::Stream),
            _ => Stdio::Null,
        }
    }

    /// `number` is the child's descriptor, 1 or 2.
    pub(crate) fn child_output(&self, number: u8) -> Stdio<Output> {
        match self {
            Self::Writer { again, .. } => match again {
                Again::Own(own) if *own == number => Stdio::Inherit,
                Again::Own(2) => Stdio::Stream(Output::stderr()),
                Again::Own(_) => Stdio::Stream(Output::stdout()),
                Again::Pipe(pipe) => Stdio::Stream(pipe.writer()),
                Again::File(path) => Output::open(path, false).map_or(Stdio::Null, Stdio::Stream),
            },
            Self::Capture(capture) => Stdio::Stream(capture.borrow_mut().writer()),
            _ => Stdio::Null,
        }
    }

    /// Takes what children have written to a capture.
    pub(crate) fn drain(&self) {
        if let Self::Capture(capture) = self {
            capture.borrow_mut().drain();
        }
    }

    /// Waits until the source or something for this capture is ready.
    pub(crate) fn wait_beside(&self, source: &dyn guest_kit::Source) {
        if let Self::Capture(capture) = self {
            let capture = capture.borrow();
            match &capture.pipe {
                Some((_, reader)) => guest_kit::poll(&[source, reader], None),
                None => guest_kit::poll(&[source], None),
            };
        }
    }

    /// All that was captured; waits for background children that still hold the pipe.
    pub(crate) fn finish_capture(&self) -> Vec<u8> {
        match self {
            Self::Capture(capture) => capture.borrow_mut().finish(),
            _ => Vec::new(),
        }
    }
}
