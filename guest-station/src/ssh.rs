//! `ssh MACHINE [COMMAND]`: a command, or a shell at the terminal, on another machine of the lab.
//! Never speaks the SSH protocol: `remote.rs` says what it speaks instead.

use crate::net::Stream;
use crate::remote;
use crate::term::Term;
use guest_kit::terminal;
use std::io;
use std::net::{SocketAddr, SocketAddrV4, ToSocketAddrs};

/// What ssh itself returns when it fails.
const FAILED: i32 = 255;
const USAGE: &str = "usage: ssh [-46AaCfGgKkMNnqsTtVvXxYy] [-l user] [-o option] [-p port] destination [command [argument ...]]";

pub(crate) fn run(term: &mut Term<'_>, args: &[String]) -> i32 {
    let (mut tty, mut input) = (None, true);
    let mut rest = args.iter();
    let mut words: Vec<&str> = Vec::new();
    while let Some(arg) = rest.next() {
        match arg.as_str() {
            _ if !words.is_empty() => words.push(arg),
            "-t" | "-tt" => tty = Some(true),
            "-T" => tty = Some(false),
            "-n" => input = false,
            // Quiet, verbose, compression, address family: nothing here has them to change.
            "-q" | "-v" | "-C" | "-4" => {}
            // There are no users, keys or host keys here.
            "-l" | "-i" | "-o" | "-F" => drop(rest.next()),
            flag if flag.starts_with("-o") || flag.starts_with("-l") => {}
            "-p" => {
                term.say_error("ssh: -p: not in this lab: machines listen on one port");
                return FAILED;
            }
            flag if flag.starts_with('-') => {
                let letter = flag.chars().nth(1).unwrap_or('-');
                term.say_error(&format!("unknown option -- {letter}\n{USAGE}"));
                return FAILED;
            }
            word => words.push(word),
        }
    }
    let Some((machine, command)) = words.split_first() else {
        term.say_error(USAGE);
        return FAILED;
    };
    let machine = machine.rsplit('@').next().unwrap_or(machine);
    let stream = match connect(term, machine) {
        Ok(stream) => stream,
        Err(code) => return code,
    };
    let command = (!command.is_empty()).then(|| command.join(" "));
    // A login shell is at a terminal when there is one here.
    let tty = tty.unwrap_or(command.is_none() && terminal::size().is_some());
    match remote::run(term, stream, command.as_deref(), tty, input) {
        Ok(code) => {
            if tty && command.is_none() {
                term.say_error(&format!("Connection to {machine} closed."));
            }
            code
        }
        Err(_) => {
            term.say_error(&format!("Connection to {machine} closed by remote host."));
            FAILED
        }
    }
}

fn connect(term: &mut Term<'_>, machine: &str) -> Result<Stream, i32> {
    let Some(address) = resolve(machine, remote::PORT) else {
        term.say_error(&format!(
            "ssh: Could not resolve hostname {machine}: Name or service not known"
        ));
        return Err(FAILED);
    };
    Stream::connect(address).map_err(|cause| {
        term.say_error(&format!(
            "ssh: connect to host {machine} port {}: {}",
            remote::PORT,
            words(&cause)
        ));
        FAILED
    })
}

/// The first IPv4 address of a name.
pub(crate) fn resolve(name: &str, port: u16) -> Option<SocketAddrV4> {
    (name, port)
        .to_socket_addrs()
        .ok()?
        .find_map(|found| match found {
            SocketAddr::V4(found) => Some(found),
            SocketAddr::V6(_) => None,
        })
}

/// The words of the C library.
pub(crate) fn words(cause: &io::Error) -> &'static str {
    match cause.kind() {
        io::ErrorKind::ConnectionRefused => "Connection refused",
        io::ErrorKind::TimedOut => "Connection timed out",
        io::ErrorKind::HostUnreachable => "No route to host",
        io::ErrorKind::NetworkUnreachable => "Network is unreachable",
        io::ErrorKind::ConnectionReset => "Connection reset by peer",
        io::ErrorKind::AddrInUse => "Address already in use",
        _ => "Input/output error",
    }
}
