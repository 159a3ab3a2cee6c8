//! openssl and ssl_client.

use std::io::Write;

/// Runs the program with these arguments, its own name first; its exit code.
pub fn run(args: &[String]) -> i32 {
    let name = args.first().map_or("guest-openssl", String::as_str);
    let _ = writeln!(std::io::stderr(), "{name}: not in this lab yet");
    1
}
