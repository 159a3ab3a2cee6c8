//! Asking a person for a password. What is typed is not shown.

use std::io::{self, Read};

use crate::voice::Voice;

/// Asks, and reads a line.
pub(crate) fn password(kind: &str, user: &str, voice: &Voice) -> String {
    voice.write(format!("Enter {kind} password for user '{user}':").as_bytes());
    let raw = guest_kit::terminal::set_raw(true);
    let mut line = Vec::new();
    let mut byte = [0];
    while let Ok(1) = io::stdin().read(&mut byte) {
        match byte[0] {
            b'\n' | b'\r' | 3 | 4 => break,
            8 | 127 if raw => drop(line.pop()),
            other => line.push(other),
        }
    }
    if raw {
        guest_kit::terminal::set_raw(false);
    }
    voice.write(b"\n");
    String::from_utf8_lossy(&line).into_owned()
}
