//! The guest side: everything over `wit/process.wit` and `wasi:io`.

use std::io;
use std::marker::PhantomData;
use std::path::Path;
use std::time::Duration;

use wasip2::cli::{environment, stderr, stdin, stdout};
use wasip2::clocks::monotonic_clock;
use wasip2::filesystem::preopens;
use wasip2::filesystem::types::{
    Descriptor, DescriptorFlags, DescriptorType, ErrorCode, OpenFlags, PathFlags,
};
use wasip2::io::poll::Pollable;
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

use crate::bindings::lab::process::{files, machine, process, signals, terminal};
use crate::machine::{Mount, Stats};
use crate::process::{Command, Exit, ProcessInfo, SpawnError, Stdio};
use crate::terminal::Size;

/// What [`crate::poll`] waits on.
#[derive(Debug)]
pub struct Waitable<'a>(Pollable, PhantomData<&'a ()>);

impl Waitable<'_> {
    /// For sources of a program's own.
    pub fn new(pollable: Pollable) -> Self {
        Self(pollable, PhantomData)
    }
}

pub(crate) fn poll(sources: &[&dyn crate::Source], timeout: Option<Duration>) -> Vec<usize> {
    let waitables: Vec<Waitable<'_>> = sources.iter().map(|source| source.waitable()).collect();
    let timer = timeout.map(|timeout| {
        monotonic_clock::subscribe_duration(timeout.as_nanos().try_into().unwrap_or(u64::MAX))
    });
    let mut list: Vec<&Pollable> = waitables.iter().map(|waitable| &waitable.0).collect();
    list.extend(timer.as_ref());
    wasip2::io::poll::poll(&list)
        .into_iter()
        .map(|index| index as usize)
        .filter(|index| *index < sources.len())
        .collect()
}

/// Makes the directory this process was started in the current one.
///
/// `std` starts in `/` on WASI 0.2; every program that takes relative paths calls this first.
pub fn init() {
    if let Some(dir) = environment::initial_cwd()
        && dir != "/"
    {
        // A directory that has gone is a fact the program will meet by itself.
        let _ = std::env::set_current_dir(dir);
    }
}

/// Ends the process with this code; `std::process::exit` only knows success and failure here.
pub fn exit(code: u8) -> ! {
    wasip2::cli::exit::exit_with_code(code);
    unreachable!("exit does not return")
}

/// A started process.
#[derive(Debug)]
pub(crate) struct Child(process::Child);

impl Child {
    pub(crate) fn pid(&self) -> u32 {
        self.0.pid()
    }

    pub(crate) fn wait(&self) -> Exit {
        exit_of(self.0.wait())
    }

    pub(crate) fn try_wait(&self) -> Option<Exit> {
        self.0.try_wait().map(exit_of)
    }

    pub(crate) fn kill(&self, signal: u8) {
        self.0.kill(signal);
    }

    pub(crate) fn waitable(&self) -> Waitable<'_> {
        Waitable::new(self.0.subscribe())
    }
}

fn exit_of(exit: process::Exit) -> Exit {
    match exit {
        process::Exit::Code(code) => Exit::Code(code),
        process::Exit::Signal(signal) => Exit::Signal(signal),
    }
}

pub(crate) fn spawn(command: Command) -> Result<Child, SpawnError> {
    process::spawn(arguments(command))
        .map(Child)
        .map_err(spawn_error)
}

pub(crate) fn replace(command: Command) -> SpawnError {
    spawn_error(process::replace(arguments(command)))
}

fn spawn_error(error: process::SpawnError) -> SpawnError {
    match error {
        process::SpawnError::NotFound => SpawnError::NotFound,
        process::SpawnError::NotExecutable => SpawnError::NotExecutable,
        process::SpawnError::TooMany => SpawnError::TooMany,
    }
}

fn arguments(command: Command) -> process::SpawnArgs {
    let out = |stdio: Stdio<crate::process::Output>| match stdio {
        Stdio::Inherit => process::Stdout::Inherit,
        Stdio::Null => process::Stdout::Null,
        Stdio::Stream(output) => process::Stdout::Stream(output.0.0),
    };
    process::SpawnArgs {
        program: command.program,
        argv: command.argv,
        env: command.env,
        cwd: command.cwd,
        stdin: match command.stdin {
            Stdio::Inherit => process::Stdin::Inherit,
            Stdio::Null => process::Stdin::Null,
            Stdio::Stream(input) => process::Stdin::Stream(input.0.0),
        },
        stdout: out(command.stdout),
        stderr: out(command.stderr),
    }
}

/// A pipe of 64 KiB, whose ends are made one by one; the pipe itself counts as neither.
#[derive(Debug)]
pub struct Pipe(process::Pipe);

impl Pipe {
    /// A pipe without ends.
    pub fn new() -> Self {
        Self(process::Pipe::new())
    }

    /// One more end to read from; end of file when there were writers and all are gone.
    pub fn reader(&self) -> crate::process::Input {
        crate::process::Input(Input(self.0.reader()))
    }

    /// One more end to write to; a broken pipe when there were readers and all are gone.
    pub fn writer(&self) -> crate::process::Output {
        crate::process::Output(Output(self.0.writer()))
    }
}

impl Default for Pipe {
    fn default() -> Self {
        Self::new()
    }
}

#[derive(Debug)]
pub(crate) struct Input(InputStream);

impl Input {
    pub(crate) fn stdin() -> Self {
        Self(process::dup_stdin())
    }

    pub(crate) fn open_at(path: &Path, offset: u64) -> io::Result<Self> {
        let file = open(path, OpenFlags::empty(), DescriptorFlags::READ)?;
        file.read_via_stream(offset).map(Self).map_err(file_error)
    }

    pub(crate) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        match self.0.blocking_read(buffer.len() as u64) {
            Ok(bytes) => {
                buffer[..bytes.len()].copy_from_slice(&bytes);
                Ok(bytes.len())
            }
            Err(StreamError::Closed) => Ok(0),
            Err(StreamError::LastOperationFailed(error)) => {
                Err(io::Error::other(error.to_debug_string()))
            }
        }
    }

    pub(crate) fn waitable(&self) -> Waitable<'_> {
        Waitable::new(self.0.subscribe())
    }
}

#[derive(Debug)]
pub(crate) struct Output(OutputStream);

impl Output {
    pub(crate) fn stdout() -> Self {
        Self(process::dup_stdout())
    }

    pub(crate) fn stderr() -> Self {
        Self(process::dup_stderr())
    }

    pub(crate) fn open(path: &Path, truncate: bool) -> io::Result<Self> {
        let mut flags = OpenFlags::CREATE;
        flags.set(OpenFlags::TRUNCATE, truncate);
        let file = open(path, flags, DescriptorFlags::WRITE)?;
        // Writers that share a file append, so that none overwrites another's bytes.
        file.append_via_stream().map(Self).map_err(file_error)
    }

    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        // The most that `blocking-write-and-flush` takes at once.
        let chunk = &bytes[..bytes.len().min(4096)];
        match self.0.blocking_write_and_flush(chunk) {
            Ok(()) => Ok(chunk.len()),
            Err(StreamError::Closed) => Err(io::ErrorKind::BrokenPipe.into()),
            Err(StreamError::LastOperationFailed(error)) => {
                Err(io::Error::other(error.to_debug_string()))
            }
        }
    }

    #[expect(clippy::unused_self, reason = "the twin of a Write implementation")]
    pub(crate) fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) fn symlink(target: &str, link: &Path) -> io::Result<()> {
    let (dir, rest) = preopened(link)?;
    dir.symlink_at(target, &rest).map_err(file_error)
}

/// The folder that the host gave us, and the way to `path` from there.
fn preopened(path: &Path) -> io::Result<(Descriptor, String)> {
    let path = if path.is_absolute() {
        path.to_path_buf()
    } else {
        std::env::current_dir()?.join(path)
    };
    let path = path.to_string_lossy();
    let (dir, rest, _) = preopens::get_directories()
        .into_iter()
        .filter_map(|(dir, name)| {
            let rest = path.strip_prefix(name.trim_end_matches('/'))?;
            (rest.is_empty() || rest.starts_with('/'))
                .then(|| (dir, rest.trim_start_matches('/').to_owned(), name.len()))
        })
        .max_by_key(|(_, _, length)| *length)
        .ok_or(io::ErrorKind::NotFound)?;
    let rest = if rest.is_empty() {
        ".".to_owned()
    } else {
        rest
    };
    Ok((dir, rest))
}

fn open(path: &Path, open: OpenFlags, flags: DescriptorFlags) -> io::Result<Descriptor> {
    let (dir, rest) = preopened(path)?;
    let file = dir
        .open_at(PathFlags::SYMLINK_FOLLOW, &rest, open, flags)
        .map_err(file_error)?;
    if file.get_type().map_err(file_error)? == DescriptorType::Directory
        && flags.contains(DescriptorFlags::WRITE)
    {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    Ok(file)
}

fn file_error(code: ErrorCode) -> io::Error {
    use io::ErrorKind as Kind;
    match code {
        ErrorCode::NoEntry => Kind::NotFound.into(),
        ErrorCode::Access | ErrorCode::NotPermitted => Kind::PermissionDenied.into(),
        ErrorCode::IsDirectory => Kind::IsADirectory.into(),
        ErrorCode::NotDirectory => Kind::NotADirectory.into(),
        ErrorCode::ReadOnly => Kind::ReadOnlyFilesystem.into(),
        ErrorCode::InsufficientSpace | ErrorCode::Quota => Kind::StorageFull.into(),
        ErrorCode::Exist => Kind::AlreadyExists.into(),
        other => io::Error::other(other.message()),
    }
}

pub(crate) fn pid() -> u32 {
    process::pid()
}

pub(crate) fn processes() -> Vec<ProcessInfo> {
    process::processes()
        .into_iter()
        .map(|info| ProcessInfo {
            pid: info.pid,
            ppid: info.ppid,
            argv: info.argv,
            runnable: info.runnable,
            started: Duration::from_nanos(info.started),
            cpu: Duration::from_nanos(info.cpu),
            memory: info.memory,
            terminal: info.terminal,
        })
        .collect()
}

pub(crate) fn kill(pid: u32, signal: u8) -> bool {
    process::kill(pid, signal)
}

pub(crate) fn handle_signals(list: &[u8]) {
    signals::handle(list);
}

pub(crate) fn ignore_signal(signal: u8) {
    signals::ignore(signal);
}

pub(crate) fn next_signal() -> Option<u8> {
    signals::next()
}

/// Ready when a signal is queued.
#[derive(Debug)]
pub struct SignalSource;

impl SignalSource {
    pub(crate) fn new() -> Self {
        Self
    }
}

impl crate::Source for SignalSource {
    fn waitable(&self) -> Waitable<'_> {
        Waitable::new(signals::subscribe())
    }
}

impl crate::Source for io::Stdin {
    fn waitable(&self) -> Waitable<'_> {
        Waitable::new(stdin::get_stdin().subscribe())
    }
}

impl crate::Source for io::Stdout {
    fn waitable(&self) -> Waitable<'_> {
        Waitable::new(stdout::get_stdout().subscribe())
    }
}

impl crate::Source for io::Stderr {
    fn waitable(&self) -> Waitable<'_> {
        Waitable::new(stderr::get_stderr().subscribe())
    }
}

pub(crate) fn terminal_size() -> Option<Size> {
    terminal::get_size().map(|size| Size {
        columns: size.columns,
        rows: size.rows,
    })
}

pub(crate) fn set_raw(raw: bool) -> bool {
    terminal::set_raw(raw)
}

pub(crate) fn hostname() -> String {
    machine::hostname()
}

pub(crate) fn addresses() -> Vec<(String, String, u8)> {
    machine::addresses()
}

pub(crate) fn mode(path: &Path) -> Option<u32> {
    files::mode(&path.to_string_lossy())
}

pub(crate) fn set_mode(path: &Path, mode: u32) -> bool {
    files::set_mode(&path.to_string_lossy(), mode)
}

pub(crate) fn stats() -> Stats {
    let stats = machine::get_stats();
    Stats {
        uptime: Duration::from_nanos(stats.uptime),
        load: stats.load.into(),
        memory_limit: stats.memory_limit,
        memory_used: stats.memory_used,
        processes_max: stats.processes_max,
        last_pid: stats.last_pid,
    }
}

pub(crate) fn mounts() -> Vec<Mount> {
    let mount = |mount: machine::Mount| Mount {
        path: mount.path,
        read_only: mount.read_only,
        size: mount.size,
        used: mount.used,
    };
    machine::mounts().into_iter().map(mount).collect()
}

pub(crate) fn monotonic() -> Duration {
    Duration::from_nanos(monotonic_clock::now())
}

#[path = "wasi_network.rs"]
mod network;
pub(crate) use network::{
    Icmp, Listener, conversations, forwards, links, neighbours, routes, rules, sockets,
};
