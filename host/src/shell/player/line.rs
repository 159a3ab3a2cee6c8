//! A machine's shell without a terminal, to which commands are given one after another: where it
//! stands and what it remembers lasts from one to the next, and its two outputs stay apart.
//!
//! Never reads a command's input from the shell's own: each command reads what it is given, or
//! nothing. A shell that ends (`exit`, a mistake in its language) is followed by a new one.

use crate::shell::containers::ExitFuture;
use crate::shell::driver::Shell;
use crate::shell::places::Spot;
use crate::shell::{Conversation, Ends};
use runtime::{PipeReader, PipeWriter, ProcessId, Read};
use std::fmt::Write;

/// The most that is kept of a command's output, each stream; what comes after is read and dropped.
const OUTPUT_MAX: usize = 8 * 1024 * 1024;
/// What stands around the exit code behind a command's output.
const MARK: u8 = 0x1e;

/// A shell that waits for commands.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) process: ProcessId,
    stdin: PipeWriter,
    stdout: PipeReader,
    stderr: PipeReader,
    end: Option<ExitFuture>,
    /// How the last command ended, for `$?`.
    status: i32,
    /// Its exported variables.
    pub(super) env: Vec<(String, String)>,
    /// Where it stands.
    pub(super) directory: String,
}

/// What a command came to.
pub(super) struct Left {
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
    pub(super) exit: i32,
}

impl Line {
    /// Starts a shell on a machine.
    ///
    /// # Errors
    /// In words, when there is none.
    pub(super) fn start(shell: &Shell, spot: &Spot) -> Result<Self, String> {
        let argv = vec!["sh".to_owned()];
        let talk = spot
            .exec(&shell.runtime, argv, true, None)
            .map_err(|cause| cause.to_string())?;
        let Conversation {
            process,
            ends,
            exit,
        } = talk;
        match ends {
            Ends::Pipes {
                stdin: Some(stdin),
                stdout,
                stderr,
            } => Ok(Self {
                process,
                stdin,
                stdout,
                stderr,
                end: Some(exit),
                status: 0,
                env: spot.env.clone(),
                directory: spot.working_dir.clone(),
            }),
            _ => Err("the shell has no pipes".to_owned()),
        }
    }

    /// Runs a command to its end.
    pub(super) async fn run(&mut self, command: &str, stdin: Option<&str>) -> Left {
        let script = script(command, stdin, self.status);
        let told = self.stdin.write_all(script.as_bytes());
        let out = until_marks(&self.stdout, 3);
        let err = until_marks(&self.stderr, 1);
        let (_, (out, err)) =
            futures_util::future::join(told, futures_util::future::join(out, err)).await;
        let mut said = out.1.into_iter();
        let status = said.next().and_then(|status| status.parse().ok());
        let exit = match (status, self.end.take()) {
            (Some(status), end) if !err.1.is_empty() => {
                self.end = end;
                status
            }
            // The command has ended the shell.
            (_, Some(end)) => i32::from(end.status().await),
            (_, None) => 137,
        };
        if let (Some(exports), Some(directory)) = (said.next(), said.next()) {
            self.env = exported(&exports);
            self.directory = directory;
        }
        self.status = exit;
        Left {
            stdout: out.0,
            stderr: err.0,
            exit,
        }
    }

    /// Whether the shell waits for another command.
    pub(super) fn is_there(&self) -> bool {
        self.end.is_some()
    }
}

/// What the shell is told for one command.
fn script(command: &str, stdin: Option<&str>, status: i32) -> String {
    let mut script = String::new();
    // For `$?`, which `eval` itself would make zero.
    let before = match status {
        0 => String::new(),
        status => format!("(exit {status})\n"),
    };
    let _ = write!(script, "eval {}", quoted(&format!("{before}{command}")));
    match stdin {
        None => script.push_str(" </dev/null\n"),
        Some(text) => {
            let end = text.ends_with('\n') || text.is_empty();
            let line = if end { "" } else { "\n" };
            let _ = write!(script, " <<'\u{1e}'\n{text}{line}\u{1e}\n");
        }
    }
    script.push_str(
        "{ printf '\\036%d\\036' $?; export -p; printf '\\036%s\\036' \"$PWD\"; }; printf '\\036\\036' >&2\n",
    );
    script
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// Reads up to the mark and so many parts behind it, each closed by another; fewer when the shell
/// is gone.
async fn until_marks(reader: &PipeReader, parts: usize) -> (Vec<u8>, Vec<String>) {
    let (mut kept, mut said) = (Vec::new(), Vec::new());
    let mut part: Option<Vec<u8>> = None;
    loop {
        match reader.try_read(64 * 1024) {
            Read::Data(data) => {
                for piece in data.split_inclusive(|byte| *byte == MARK) {
                    let (text, closed) = match piece.strip_suffix(&[MARK]) {
                        Some(text) => (text, true),
                        None => (piece, false),
                    };
                    match &mut part {
                        None if kept.len() < OUTPUT_MAX => kept.extend_from_slice(text),
                        None => {}
                        Some(part) => part.extend_from_slice(text),
                    }
                    if closed {
                        let done = part.replace(Vec::new());
                        said.extend(done.map(|part| String::from_utf8_lossy(&part).into_owned()));
                    }
                    // What a job in the background writes behind the marks is nobody's output.
                    if said.len() == parts {
                        return (kept, said);
                    }
                }
            }
            Read::WouldBlock => std::future::poll_fn(|cx| reader.poll_readable(cx)).await,
            Read::End => return (kept, said),
        }
    }
}

/// The pairs that `export -p` prints.
fn exported(text: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("export ") {
        rest = &rest[at + "export ".len()..];
        let end = rest.find(['=', '\n']).unwrap_or(rest.len());
        let (name, value) = rest.split_at(end);
        let Some(value) = value.strip_prefix('=') else {
            rest = value;
            continue;
        };
        let (value, after) = unquoted(value);
        pairs.push((name.to_owned(), value));
        rest = after;
    }
    pairs
}

/// A word as a shell quotes it, and what stands behind it.
fn unquoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut rest = text;
    loop {
        let Some(quote @ ('\'' | '"')) = rest.chars().next() else {
            let end = rest.find(['\n', '\'', '"']).unwrap_or(rest.len());
            value.push_str(&rest[..end]);
            rest = &rest[end..];
            if rest.is_empty() || rest.starts_with('\n') {
                return (value, rest);
            }
            continue;
        };
        let inside = &rest[1..];
        let end = inside.find(quote).unwrap_or(inside.len());
        value.push_str(&inside[..end]);
        rest = inside.get(end + 1..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_exports_is_read_back() {
        let printed = "export A='1 2'\nexport B='it'\"'\"'s\nexport no'\nexport C\nexport D=''\n";
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            exported(printed),
            [
                pair("A", "1 2"),
                pair("B", "it's\nexport no"),
                pair("D", "")
            ]
        );
    }

    #[test]
    fn a_command_is_told_as_one_word() {
        let told = script("echo 'a b'", None, 0);
        assert!(
            told.starts_with("eval 'echo '\\''a b'\\''' </dev/null\n"),
            "{told}"
        );
        assert!(script("true", None, 3).starts_with("eval '(exit 3)\ntrue'"));
    }
}
