//! The native twin, over `std` and poll(2): for tests on the author's machine.
//!
//! Signals are neither handled nor ignored here, and a terminal is never raw.

use std::cell::{Cell, RefCell};
use std::fs::{File, Permissions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::ExitStatus;
use std::rc::{Rc, Weak};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};

use crate::process::{Command, Exit, SpawnError, Stdio};
use crate::terminal::Size;

/// What [`crate::poll`] waits on.
#[derive(Debug)]
pub enum Waitable<'a> {
    /// A descriptor to become readable.
    Fd(BorrowedFd<'a>),
    /// A child to end; it is asked every millisecond.
    Child(&'a Child),
    /// Something that never comes.
    Never,
}

pub(crate) fn poll(sources: &[&dyn crate::Source], timeout: Option<Duration>) -> Vec<usize> {
    let end = timeout.map(|timeout| Instant::now() + timeout);
    loop {
        let waitables: Vec<Waitable<'_>> = sources.iter().map(|source| source.waitable()).collect();
        let mut ready: Vec<usize> = ended_children(&waitables);
        let mut slice = Duration::from_millis(1);
        if let Some(end) = end {
            slice = slice.min(end.saturating_duration_since(Instant::now()));
        }
        if !ready.is_empty() {
            slice = Duration::ZERO;
        }
        ready.extend(ready_fds(&waitables, slice));
        let over = end.is_some_and(|end| Instant::now() >= end);
        if over || !ready.is_empty() {
            return ready;
        }
    }
}

fn ended_children(waitables: &[Waitable<'_>]) -> Vec<usize> {
    let ended = |waitable: &Waitable<'_>| matches!(waitable, Waitable::Child(child) if child.try_wait().is_some());
    (0..waitables.len())
        .filter(|index| ended(&waitables[*index]))
        .collect()
}

fn ready_fds(waitables: &[Waitable<'_>], slice: Duration) -> Vec<usize> {
    let (indices, mut fds): (Vec<usize>, Vec<PollFd<'_>>) = waitables
        .iter()
        .enumerate()
        .filter_map(|(index, waitable)| match waitable {
            Waitable::Fd(fd) => Some((index, PollFd::from_borrowed_fd(*fd, PollFlags::IN))),
            _ => None,
        })
        .unzip();
    let slice = Timespec {
        tv_sec: slice.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: slice.subsec_nanos().into(),
    };
    if rustix::event::poll(&mut fds, Some(&slice)).is_err() {
        return Vec::new();
    }
    let ready = indices.iter().zip(&fds);
    ready
        .filter(|(_, fd)| !fd.revents().is_empty())
        .map(|(index, _)| *index)
        .collect()
}

/// Nothing to do: the operating system has set the directory.
pub fn init() {}

/// Ends the process with this code.
#[expect(clippy::exit, reason = "ending the process is what it is for")]
pub fn exit(code: u8) -> ! {
    std::process::exit(code.into())
}

/// A started process.
#[derive(Debug)]
pub struct Child {
    inner: RefCell<std::process::Child>,
    end: Cell<Option<Exit>>,
}

impl Child {
    pub(crate) fn pid(&self) -> u32 {
        self.inner.borrow().id()
    }

    pub(crate) fn wait(&self) -> Exit {
        if self.end.get().is_none() {
            let end = self
                .inner
                .borrow_mut()
                .wait()
                .map_or(Exit::Code(1), exit_of);
            self.end.set(Some(end));
        }
        self.end.get().unwrap_or(Exit::Code(1))
    }

    pub(crate) fn try_wait(&self) -> Option<Exit> {
        if self.end.get().is_none() {
            let end = self.inner.borrow_mut().try_wait().ok().flatten();
            self.end.set(end.map(exit_of));
        }
        self.end.get()
    }

    pub(crate) fn kill(&self, signal: u8) {
        if self.try_wait().is_none() {
            kill(self.pid(), signal);
        }
    }

    pub(crate) fn waitable(&self) -> Waitable<'_> {
        Waitable::Child(self)
    }
}

fn exit_of(status: ExitStatus) -> Exit {
    match (status.code(), status.signal()) {
        (Some(code), _) => Exit::Code(code.to_le_bytes()[0]),
        (None, signal) => Exit::Signal(signal.unwrap_or(9).to_le_bytes()[0]),
    }
}

pub(crate) fn spawn(command: Command) -> Result<Child, SpawnError> {
    let inner = prepared(command)?
        .spawn()
        .map_err(|error| spawn_error(&error))?;
    Ok(Child {
        inner: RefCell::new(inner),
        end: Cell::new(None),
    })
}

pub(crate) fn replace(command: Command) -> SpawnError {
    match prepared(command) {
        Ok(mut command) => spawn_error(&command.exec()),
        Err(error) => error,
    }
}

fn spawn_error(error: &io::Error) -> SpawnError {
    match error.kind() {
        io::ErrorKind::NotFound => SpawnError::NotFound,
        io::ErrorKind::WouldBlock => SpawnError::TooMany,
        _ => SpawnError::NotExecutable,
    }
}

fn prepared(command: Command) -> Result<std::process::Command, SpawnError> {
    let out = |stdio: Stdio<crate::process::Output>| match stdio {
        Stdio::Inherit => std::process::Stdio::inherit(),
        Stdio::Null => std::process::Stdio::null(),
        Stdio::Stream(output) => give(output.0.0),
    };
    let path = find(&command)?;
    let mut child = std::process::Command::new(path);
    child
        .args(command.argv.iter().skip(1))
        .env_clear()
        .envs(command.env)
        .current_dir(command.cwd)
        .stdin(match command.stdin {
            Stdio::Inherit => std::process::Stdio::inherit(),
            Stdio::Null => std::process::Stdio::null(),
            Stdio::Stream(input) => give(input.0.0),
        })
        .stdout(out(command.stdout))
        .stderr(out(command.stderr));
    if let Some(name) = command.argv.first() {
        child.arg0(name);
    }
    Ok(child)
}

fn find(command: &Command) -> Result<String, SpawnError> {
    if command.program.contains('/') {
        return Ok(command.program.clone());
    }
    let path = command.env.iter().find(|(name, _)| name == "PATH");
    path.map_or("", |(_, value)| value)
        .split(':')
        .map(|dir| format!("{dir}/{}", command.program))
        .find(|path| Path::new(path).is_file())
        .ok_or(SpawnError::NotFound)
}

/// A pipe of 64 KiB, whose ends are made one by one; the pipe itself counts as neither.
#[derive(Debug)]
pub struct Pipe {
    reader: RefCell<Ends>,
    writer: RefCell<Ends>,
}

/// The ends handed out so far, or the one to hand out first.
#[derive(Debug)]
enum Ends {
    First(OwnedFd),
    Given(Vec<Weak<File>>),
}

impl Pipe {
    /// A pipe without ends.
    ///
    /// # Panics
    ///
    /// When the operating system has no more descriptors.
    pub fn new() -> Self {
        let (reader, writer) = io::pipe().expect("a test has descriptors to spare");
        Self {
            reader: RefCell::new(Ends::First(reader.into())),
            writer: RefCell::new(Ends::First(writer.into())),
        }
    }

    /// One more end to read from.
    pub fn reader(&self) -> crate::process::Input {
        crate::process::Input(Input(more(&self.reader)))
    }

    /// One more end to write to.
    pub fn writer(&self) -> crate::process::Output {
        crate::process::Output(Output(more(&self.writer)))
    }
}

impl Default for Pipe {
    fn default() -> Self {
        Self::new()
    }
}

fn more(ends: &RefCell<Ends>) -> Rc<File> {
    let mut ends = ends.borrow_mut();
    let end = match std::mem::replace(&mut *ends, Ends::Given(Vec::new())) {
        Ends::First(fd) => Rc::new(File::from(fd)),
        Ends::Given(list) => {
            let alive = list.iter().find_map(Weak::upgrade);
            let alive = alive.expect("one end is still open when another is asked for");
            *ends = Ends::Given(list);
            Rc::new(alive.try_clone().expect("a test has descriptors to spare"))
        }
    };
    if let Ends::Given(list) = &mut *ends {
        list.retain(|end| end.strong_count() > 0);
        list.push(Rc::downgrade(&end));
    }
    end
}

/// The descriptor for a child; another holder keeps its own.
fn give(file: Rc<File>) -> std::process::Stdio {
    match Rc::try_unwrap(file) {
        Ok(file) => file.into(),
        Err(file) => file
            .try_clone()
            .map_or_else(|_| std::process::Stdio::null(), Into::into),
    }
}

#[derive(Debug)]
pub(crate) struct Input(Rc<File>);

impl Input {
    pub(crate) fn stdin() -> Self {
        Self(Rc::new(duplicate(io::stdin().as_fd())))
    }

    pub(crate) fn open_at(path: &Path, offset: u64) -> io::Result<Self> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(offset))?;
        Ok(Self(Rc::new(file)))
    }

    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        (&*self.0).read(buffer)
    }

    pub(crate) fn waitable(&self) -> Waitable<'_> {
        Waitable::Fd(self.0.as_fd())
    }
}

#[derive(Debug)]
pub(crate) struct Output(Rc<File>);

impl Output {
    pub(crate) fn stdout() -> Self {
        Self(Rc::new(duplicate(io::stdout().as_fd())))
    }

    pub(crate) fn stderr() -> Self {
        Self(Rc::new(duplicate(io::stderr().as_fd())))
    }

    pub(crate) fn open(path: &Path, truncate: bool) -> io::Result<Self> {
        if truncate {
            File::create(path)?;
        }
        File::options()
            .append(true)
            .create(true)
            .open(path)
            .map(|file| Self(Rc::new(file)))
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        (&*self.0).write(bytes)
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        (&*self.0).flush()
    }
}

fn duplicate(fd: BorrowedFd<'_>) -> File {
    File::from(
        fd.try_clone_to_owned()
            .expect("a test has its standard streams"),
    )
}

impl crate::Source for io::Stdin {
    fn waitable(&self) -> Waitable<'_> {
        Waitable::Fd(self.as_fd())
    }
}

impl crate::Source for std::net::TcpStream {
    fn waitable(&self) -> Waitable<'_> {
        Waitable::Fd(self.as_fd())
    }
}

/// Never ready here.
#[derive(Debug)]
pub struct SignalSource;

impl SignalSource {
    pub(crate) fn new() -> Self {
        Self
    }
}

impl crate::Source for SignalSource {
    fn waitable(&self) -> Waitable<'_> {
        Waitable::Never
    }
}

pub(crate) fn pid() -> u32 {
    std::process::id()
}

pub(crate) fn kill(pid: u32, signal: u8) -> bool {
    let pid = i32::try_from(pid)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    let signal = rustix::process::Signal::from_named_raw(signal.into());
    matches!((pid, signal), (Some(pid), Some(signal)) if rustix::process::kill_process(pid, signal).is_ok())
}

pub(crate) fn handle_signals(_signals: &[u8]) {}

pub(crate) fn ignore_signal(_signal: u8) {}

pub(crate) fn next_signal() -> Option<u8> {
    None
}

pub(crate) fn terminal_size() -> Option<Size> {
    None
}

pub(crate) fn set_raw(_raw: bool) -> bool {
    false
}

pub(crate) fn hostname() -> String {
    std::fs::read_to_string("/etc/hostname")
        .map_or_else(|_| "lab".into(), |name| name.trim().into())
}

pub(crate) fn addresses() -> Vec<(String, String, u8)> {
    vec![("lo".into(), "127.0.0.1".into(), 8)]
}

pub(crate) fn mode(path: &Path) -> Option<u32> {
    let metadata = std::fs::metadata(path).ok()?;
    Some(metadata.permissions().mode() & 0o7777)
}

pub(crate) fn set_mode(path: &Path, mode: u32) -> bool {
    std::fs::set_permissions(path, Permissions::from_mode(mode)).is_ok()
}

#[path = "native_proc.rs"]
mod proc;
pub(crate) use proc::{
    Icmp, Listener, conversations, forwards, links, monotonic, mounts, neighbours, processes,
    routes, rules, sockets, stats,
};

pub(crate) fn symlink(target: &str, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}
