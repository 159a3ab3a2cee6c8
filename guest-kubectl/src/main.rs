//! `kubectl`: gives the library of that name what it may touch in a guest.
//! Never knows a command: those are the library's.

mod tls;

use std::io::{self, Read, Write};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use guest_kit::{process, terminal};

fn main() {
    guest_kit::init();
    let args: Vec<String> = std::env::args().collect();
    guest_kit::exit(run(&args).to_le_bytes()[0]);
}

struct Stdin(process::Input);

impl Read for Stdin {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl kubectl::Input for Stdin {
    fn try_read(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        if guest_kit::poll(&[&self.0], Some(Duration::ZERO)).is_empty() {
            return Ok(None);
        }
        self.0.read(buffer).map(Some)
    }
}

struct Terminal;

impl kubectl::Terminal for Terminal {
    fn size(&self) -> (u16, u16) {
        terminal::size().map_or((80, 24), |size| (size.columns, size.rows))
    }

    fn set_raw(&mut self, raw: bool) {
        terminal::set_raw(raw);
    }
}

struct Programs;

impl kubectl::Programs for Programs {
    fn run(&mut self, program: &str, args: &[String]) -> io::Result<i32> {
        let command = args
            .iter()
            .fold(process::Command::new(program), process::Command::arg);
        let child = command.spawn().map_err(|error| match error {
            process::SpawnError::NotFound => io::ErrorKind::NotFound,
            process::SpawnError::NotExecutable => io::ErrorKind::PermissionDenied,
            process::SpawnError::TooMany => io::ErrorKind::QuotaExceeded,
        })?;
        Ok(child.wait().status())
    }
}

/// Runs kubectl with these arguments, its own name first; its exit code.
fn run(args: &[String]) -> i32 {
    let now = || {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| {
                u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
            })
    };
    let mut own_terminal = Terminal;
    let has_terminal = terminal::size().is_some();
    let mut stdout = io::stdout().lock();
    let status = kubectl::run(
        args.get(1..).unwrap_or_default(),
        &mut kubectl::Io {
            env: &|name| std::env::var(name).ok(),
            now: &now,
            sleep: &mut guest_kit::sleep,
            files: &mut kubectl::StdFiles,
            programs: &mut Programs,
            connect: &mut tls::Sockets,
            stdin: &mut Stdin(process::Input::stdin()),
            stdout: &mut stdout,
            stderr: &mut io::stderr(),
            terminal: has_terminal.then_some(&mut own_terminal as &mut dyn kubectl::Terminal),
        },
    );
    match stdout.flush() {
        Ok(()) => status,
        Err(_) => 1,
    }
}
