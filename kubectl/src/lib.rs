//! kubectl in Kubernetes' own words, as a library: arguments in, requests out, an exit code back.
//!
//! It never touches the outside world except through [`Io`], and it never decides anything that the
//! API server decides: tables, validation and defaults are the server's.

pub mod io;

pub use io::{Connect, Files, Input, Io, StdFiles, Stream, Tcp, Terminal};

/// Runs one kubectl command; `args` are the arguments without the program's own name.
///
/// Returns the exit code. Output goes to the streams of `io`.
pub fn run(args: &[String], io: &mut Io<'_>) -> i32 {
    let _ = args;
    let _ = io.stderr.write_all(b"error: not in this lab yet\n");
    1
}
