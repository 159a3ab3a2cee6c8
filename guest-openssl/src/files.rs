//! Files, standard input and output, and how a command fails.
//!
//! Never a permission: machines of the lab have one user.

use std::fs;
use std::io::{self, Read, Write};

/// Why a command ends: what it says, and its exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) text: String,
    pub(crate) code: i32,
}

/// A failure with exit code 1.
pub(crate) fn complain(text: impl Into<String>) -> Failure {
    Failure {
        text: text.into(),
        code: 1,
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        complain(reason(&error))
    }
}

/// The system's words for an error.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = match error.kind() {
        io::ErrorKind::NotFound => "No such file or directory",
        io::ErrorKind::PermissionDenied => "Permission denied",
        io::ErrorKind::IsADirectory => "Is a directory",
        io::ErrorKind::ConnectionRefused => "Connection refused",
        io::ErrorKind::TimedOut => "Connection timed out",
        io::ErrorKind::HostUnreachable => "No route to host",
        io::ErrorKind::NetworkUnreachable => "Network is unreachable",
        io::ErrorKind::ConnectionReset => "Connection reset by peer",
        io::ErrorKind::BrokenPipe => "Broken pipe",
        _ => return error.to_string(),
    };
    text.to_owned()
}

/// Writes to standard output.
pub(crate) fn print(text: &str) -> io::Result<()> {
    print_bytes(text.as_bytes())
}

pub(crate) fn print_bytes(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// Writes a line to standard error.
pub(crate) fn warn(text: &str) {
    // Nobody is left to be told when standard error is gone.
    let _ = writeln!(io::stderr(), "{text}");
}

/// The whole of a file; of standard input for `None` and `-`.
pub(crate) fn read(name: Option<&str>) -> io::Result<Vec<u8>> {
    match name {
        None | Some("-") => {
            let mut bytes = Vec::new();
            io::stdin().lock().read_to_end(&mut bytes)?;
            Ok(bytes)
        }
        Some(name) => fs::read(name),
    }
}

/// Writes a whole file; to standard output for `None` and `-`.
pub(crate) fn write(name: Option<&str>, bytes: &[u8]) -> Result<(), Failure> {
    match name {
        None | Some("-") => Ok(print_bytes(bytes)?),
        Some(name) => fs::write(name, bytes).map_err(|error| {
            complain(format!(
                "Can't open \"{name}\" for writing, {}",
                reason(&error)
            ))
        }),
    }
}

/// Seconds since 1970 on this machine's clock.
pub(crate) fn now() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}
