//! Standard input into a connection and back, whichever has something first.
//!
//! Never blocks on one side while the other has something.

use crate::files::{print_bytes, reason};
use guest_kit::process::Input;
use guest_tls::client::Stream;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// What ends a conversation, and what letters in it mean.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manners {
    /// Whether the end of standard input is the end; the server's last word is awaited otherwise.
    pub(crate) end_with_input: bool,
    /// Whether a line that starts with `Q` is the end.
    pub(crate) commands: bool,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Standard input ended, or `Q` was typed.
    Ours,
    /// The server closed.
    Theirs,
}

/// The longest that nothing is looked at: `std` has no waiting for a socket and something else.
const LONGEST: Duration = Duration::from_millis(50);
const SHORTEST: Duration = Duration::from_millis(1);

/// Talks until one side ends.
///
/// # Errors
/// What the connection failed with, in words.
pub(crate) fn converse(stream: &mut Stream<TcpStream>, manners: Manners) -> Result<End, String> {
    let words = |error: std::io::Error| reason(&error);
    stream.get_ref().set_nonblocking(true).map_err(words)?;
    let mut input = Input::stdin();
    let mut listening = true;
    let mut at_line_start = true;
    let mut buffer = vec![0; 16_384];
    let mut pause = SHORTEST;
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(End::Theirs),
            Ok(length) => {
                print_bytes(&buffer[..length]).map_err(words)?;
                pause = SHORTEST;
                continue;
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(words(error)),
        }
        if !listening {
            guest_kit::sleep(pause);
            pause = (pause * 2).min(LONGEST);
            continue;
        }
        if guest_kit::poll(&[&input], Some(pause)).is_empty() {
            pause = (pause * 2).min(LONGEST);
            continue;
        }
        pause = SHORTEST;
        let length = input.read(&mut buffer).unwrap_or(0);
        let typed = &buffer[..length];
        let quits = manners.commands && at_line_start && typed.first() == Some(&b'Q');
        if quits || (length == 0 && manners.end_with_input) {
            return Ok(End::Ours);
        }
        if length == 0 {
            listening = false;
            continue;
        }
        at_line_start = typed.last() == Some(&b'\n');
        stream.get_ref().set_nonblocking(false).map_err(words)?;
        stream.write_all(typed).map_err(words)?;
        stream.get_ref().set_nonblocking(true).map_err(words)?;
    }
}
