//! `telnet`: a conversation over TCP, line by line. Never negotiates options: it has no use for any,
//! so it refuses every one that the other side asks for.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::addresses::{endpoint, number};
use super::nc::Conversation;
use crate::applets::{Applet, Io, Outcome, reason};

pub(super) const TELNET: Applet = Applet {
    name: "telnet",
    operands: "HOST [PORT]",
    help: "Connect to telnet server",
    flags: &[],
    run,
};

fn run(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let (host, port) = match parsed.rest.as_slice() {
        [host] => (host, 23),
        [host, port] => (host, number(io, port)?),
        _ => return Err(io.usage()),
    };
    let to = endpoint(io, host, port)?;
    let stream = TcpStream::connect(to).map_err(|error| {
        let why = reason(&error);
        io.fail(&format!(
            "can't connect to remote host ({}): {why}",
            to.ip()
        ))
    })?;
    writeln!(
        io.out,
        "Connected to {host}\n\nEntering character mode\nEscape character is '^]'.\n"
    )?;
    io.out.flush()?;
    let mut filter = Filter::default();
    let outcome = Conversation {
        stream,
        linger: true,
    }
    .hold(io, &mut |stream, bytes, out| {
        let (text, replies) = filter.pass(bytes);
        stream.set_nonblocking(false)?;
        stream.write_all(&replies)?;
        stream.set_nonblocking(true)?;
        out.write_all(&text)
    })?;
    writeln!(io.err, "Connection closed by foreign host")?;
    Ok(outcome)
}

const IAC: u8 = 255;
const DONT: u8 = 254;
const DO: u8 = 253;
const WONT: u8 = 252;
const WILL: u8 = 251;
const SUB: u8 = 250;
const END: u8 = 240;

/// Takes commands out of what the other side says.
#[derive(Debug, Default)]
struct Filter(State);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    Command,
    Option(u8),
    Sub,
    SubCommand,
}

impl Filter {
    /// The text, and what is to be answered.
    fn pass(&mut self, bytes: &[u8]) -> (Vec<u8>, Vec<u8>) {
        let (mut text, mut replies) = (Vec::new(), Vec::new());
        for byte in bytes.bytes().flatten() {
            self.0 = match (self.0, byte) {
                (State::Text, IAC) => State::Command,
                (State::Text, byte) => {
                    text.push(byte);
                    State::Text
                }
                (State::Command, IAC) => {
                    text.push(IAC);
                    State::Text
                }
                (State::Command, DO | DONT | WILL | WONT) => State::Option(byte),
                (State::Command, SUB) => State::Sub,
                (State::Command, _) => State::Text,
                (State::Option(DO), option) => {
                    replies.extend([IAC, WONT, option]);
                    State::Text
                }
                (State::Option(WILL), option) => {
                    replies.extend([IAC, DONT, option]);
                    State::Text
                }
                (State::Option(_), _) => State::Text,
                (State::Sub, IAC) => State::SubCommand,
                (State::SubCommand, END) => State::Text,
                (State::Sub | State::SubCommand, _) => State::Sub,
            };
        }
        (text, replies)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_refused_and_text_passes() {
        let mut filter = Filter::default();
        let said = [
            b'h', IAC, DO, 24, b'i', IAC, IAC, IAC, WILL, 1, IAC, SUB, 1, 2, IAC, END, b'!',
        ];
        let (text, replies) = filter.pass(&said);
        assert_eq!(text, [b'h', b'i', IAC, b'!']);
        assert_eq!(replies, [IAC, WONT, 24, IAC, DONT, 1]);
    }
}
