//! A process on this machine: heard out, or ended with all that it started. Never interprets what
//! it said.

use rustix::process::{Pid, Signal, kill_process_group};
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

/// The most that is kept of each stream, in bytes.
const KEPT: usize = 1 << 20;

/// What a process left behind.
#[derive(Clone, Debug, Default)]
pub(super) struct Ended {
    pub(super) stdout: String,
    pub(super) stderr: String,
    /// `None` when it was ended at its deadline.
    pub(super) exit: Option<i32>,
}

impl Ended {
    /// Whether it went well.
    pub(super) fn is_ok(&self) -> bool {
        self.exit == Some(0)
    }
}

/// Runs a command to its end, or to the deadline.
pub(super) fn run(mut command: Command, stdin: Option<&str>, deadline: Instant) -> Ended {
    command
        .process_group(0)
        .stdin(stdin.map_or_else(Stdio::null, |_| Stdio::piped()))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(cause) => {
            let program = command.get_program().to_string_lossy().into_owned();
            return Ended {
                stderr: format!("{program}: {cause}"),
                exit: Some(127),
                ..Ended::default()
            };
        }
    };
    let typed = stdin.map(str::to_owned).zip(child.stdin.take());
    let streams = (child.stdout.take(), child.stderr.take());
    thread::scope(|scope| {
        if let Some((text, mut pipe)) = typed {
            // A process that does not read to the end has its reasons.
            scope.spawn(move || drop(pipe.write_all(text.as_bytes())));
        }
        let stdout = scope.spawn(|| hear(streams.0));
        let stderr = scope.spawn(|| hear(streams.1));
        let exit = wait(child, deadline);
        Ended {
            stdout: stdout.join().unwrap_or_default(),
            stderr: stderr.join().unwrap_or_default(),
            exit,
        }
    })
}

/// Waits for the end, or brings it about at the deadline.
fn wait(mut child: Child, deadline: Instant) -> Option<i32> {
    let group = Pid::from_child(&child);
    let (send, ended) = mpsc::channel();
    let waiting = thread::spawn(move || {
        // Whoever gave up listens no more.
        let _ = send.send(child.wait());
    });
    let left = deadline.saturating_duration_since(Instant::now());
    let status = ended.recv_timeout(left);
    if status.is_err() {
        // Whoever is gone already needs no signal.
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = waiting.join();
    let status = status.ok()?.ok()?;
    let by_signal = status.signal().map(|signal| 128 + signal);
    status.code().or(by_signal)
}

/// Everything a stream says, of which the beginning is kept.
fn hear(stream: Option<impl Read>) -> String {
    let Some(mut stream) = stream else {
        return String::new();
    };
    let mut kept = Vec::new();
    let mut block = [0; 8192];
    let mut cut = false;
    while let Ok(length @ 1..) = stream.read(&mut block) {
        let room = KEPT - kept.len();
        cut |= length > room;
        kept.extend_from_slice(&block[..length.min(room)]);
    }
    let mut text = String::from_utf8_lossy(&kept).into_owned();
    if cut {
        text.push_str("\n… (more was written than is kept)\n");
    }
    text
}
