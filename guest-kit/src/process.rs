//! Starting, joining and signalling other programs of the same container.
//!
//! Nothing here looks up names: the host searches `PATH` of the child's environment.

use std::io::{self, Read, Write};
use std::path::Path;
use std::time::Duration;

use crate::system;
pub use crate::system::Pipe;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It returned this code.
    Code(u8),
    /// This signal ended it.
    Signal(u8),
}

impl Exit {
    /// What a shell's `$?` says about it.
    pub fn status(self) -> i32 {
        match self {
            Self::Code(code) => i32::from(code),
            Self::Signal(signal) => 128 + i32::from(signal),
        }
    }
}

/// Why a program did not start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpawnError {
    /// No such file.
    NotFound,
    /// The file is no program or lacks the execute bit.
    NotExecutable,
    /// The container already has as many processes as it may have.
    TooMany,
}

/// Where a child's standard stream leads.
#[derive(Debug, Default)]
pub enum Stdio<S> {
    /// To the parent's own.
    #[default]
    Inherit,
    /// Nowhere: end of file at once, or everything thrown away.
    Null,
    /// To this stream, which the parent gives away.
    Stream(S),
}

/// A program to start, with everything it gets.
#[derive(Debug)]
pub struct Command {
    /// A path with a slash, or a name looked up in `PATH` of `env`.
    pub program: String,
    /// The arguments, the program's own name first.
    pub argv: Vec<String>,
    /// The whole environment of the child.
    pub env: Vec<(String, String)>,
    /// An absolute path.
    pub cwd: String,
    /// Where its standard input comes from.
    pub stdin: Stdio<Input>,
    /// Where its standard output goes.
    pub stdout: Stdio<Output>,
    /// Where its standard error goes.
    pub stderr: Stdio<Output>,
}

impl Command {
    /// A command with this process's environment, directory and streams.
    pub fn new(program: impl Into<String>) -> Self {
        let program = program.into();
        Self {
            argv: vec![program.clone()],
            program,
            env: std::env::vars().collect(),
            cwd: std::env::current_dir()
                .map_or_else(|_| "/".into(), |dir| dir.to_string_lossy().into_owned()),
            stdin: Stdio::Inherit,
            stdout: Stdio::Inherit,
            stderr: Stdio::Inherit,
        }
    }

    /// One more argument.
    pub fn arg(mut self, arg: impl Into<String>) -> Self {
        self.argv.push(arg.into());
        self
    }

    /// Makes this very process become it, as `execve` does, with the same id. What this process
    /// holds is closed; destructors do not run. Returns only when that fails.
    pub fn replace(self) -> SpawnError {
        system::replace(self)
    }

    /// Starts it. Fails when there is no such program or no room for it.
    pub fn spawn(self) -> Result<Child, SpawnError> {
        system::spawn(self).map(Child)
    }
}

/// A started process.
#[derive(Debug)]
pub struct Child(pub(crate) system::Child);

impl Child {
    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.0.pid()
    }

    /// Waits for the end; the same answer every time once it has ended.
    pub fn wait(&self) -> Exit {
        self.0.wait()
    }

    /// The end, when it has come.
    pub fn try_wait(&self) -> Option<Exit> {
        self.0.try_wait()
    }

    /// Sends a signal; a process that has ended ignores it.
    pub fn kill(&self, signal: u8) {
        self.0.kill(signal);
    }
}

impl crate::Source for Child {
    fn waitable(&self) -> system::Waitable<'_> {
        self.0.waitable()
    }
}

/// A stream to read from: an end of a pipe, a file, this process's standard input.
#[derive(Debug)]
pub struct Input(pub(crate) system::Input);

impl Input {
    /// This process's standard input, a second time.
    pub fn stdin() -> Self {
        Self(system::Input::stdin())
    }

    /// A file from its beginning.
    pub fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        Self::open_at(path, 0)
    }

    /// A file from this byte on.
    pub fn open_at(path: impl AsRef<Path>, offset: u64) -> io::Result<Self> {
        system::Input::open_at(path.as_ref(), offset).map(Self)
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl crate::Source for Input {
    fn waitable(&self) -> system::Waitable<'_> {
        self.0.waitable()
    }
}

/// A stream to write to: an end of a pipe, a file, this process's standard output or error.
#[derive(Debug)]
pub struct Output(pub(crate) system::Output);

impl Output {
    /// This process's standard output, a second time.
    pub fn stdout() -> Self {
        Self(system::Output::stdout())
    }

    /// This process's standard error, a second time.
    pub fn stderr() -> Self {
        Self(system::Output::stderr())
    }

    /// A file to write at its end, created when missing, emptied first when `truncate`.
    pub fn open(path: impl AsRef<Path>, truncate: bool) -> io::Result<Self> {
        system::Output::open(path.as_ref(), truncate).map(Self)
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// This process's id; 1 is the container's main process.
pub fn pid() -> u32 {
    system::pid()
}

/// One line of a process list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessInfo {
    /// Its id.
    pub pid: u32,
    /// Its parent's id.
    pub ppid: u32,
    /// Its arguments, the program's own name first.
    pub argv: Vec<String>,
    /// Whether it wants the processor now; otherwise it sleeps.
    pub runnable: bool,
    /// When it started, counted from the machine's start.
    pub started: Duration,
    /// Processor time used.
    pub cpu: Duration,
    /// Bytes of memory.
    pub memory: u64,
    /// Whether it is at a terminal.
    pub terminal: bool,
}

/// Every process of this container, by id.
pub fn processes() -> Vec<ProcessInfo> {
    system::processes()
}

/// Sends a signal to any process of this container; false when there is none.
pub fn kill(pid: u32, signal: u8) -> bool {
    system::kill(pid, signal)
}
