//! The client's end of a machine's port 7022: commands, shells, tunnels.
//! What is said there is described in the host's `shell/remote.rs`.

use crate::net::{Listener, Stream};
use crate::term::Term;
use guest_kit::{process::Input, signals, terminal};
use std::io::{self, Read, Write};
use std::net::SocketAddrV4;
use std::time::{Duration, Instant};

/// Where machines listen.
pub(crate) const PORT: u16 = 7022;
/// The largest frame a machine sends.
const FRAME_MAX: usize = 1024 * 1024;
/// How many connections one tunnel carries at once.
const CONNECTIONS_MAX: usize = 128;
const INTERRUPT: u8 = 2;
const TERMINATE: u8 = 15;

/// Runs a command, or with `tty` a shell or a command at a terminal; its exit code.
///
/// # Errors
/// When the connection breaks.
pub(crate) fn run(
    term: &mut Term<'_>,
    mut stream: Stream,
    command: Option<&str>,
    tty: bool,
    input: bool,
) -> io::Result<i32> {
    let size = terminal::size().unwrap_or(terminal::Size {
        columns: 80,
        rows: 24,
    });
    let line = match (tty, command) {
        (true, Some(command)) => format!("shell {} {} {command}\n", size.columns, size.rows),
        (true, None) => format!("shell {} {}\n", size.columns, size.rows),
        (false, command) => format!("exec {}\n", command.unwrap_or("sh")),
    };
    stream.write_all(line.as_bytes())?;
    let raw = tty && terminal::set_raw(true);
    if !input {
        send(&mut stream, 0, &[])?;
    }
    let outcome = carry(term, &mut stream, input);
    if raw {
        terminal::set_raw(false);
    }
    outcome
}

fn carry(term: &mut Term<'_>, stream: &mut Stream, mut typing: bool) -> io::Result<i32> {
    let mut stdin = Input::stdin();
    let mut heard = Vec::new();
    let mut buffer = vec![0; 32 * 1024];
    loop {
        let ready = if typing {
            guest_kit::poll(&[&*stream, &stdin], None)
        } else {
            vec![0]
        };
        if ready.contains(&0) {
            let length = stream.receive(&mut buffer)?;
            if length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            heard.extend_from_slice(&buffer[..length]);
            while let Some((kind, data)) = take(&mut heard)? {
                match kind {
                    1 => {
                        term.out.write_all(&data)?;
                        term.out.flush()?;
                    }
                    2 => term.err.write_all(&data)?,
                    _ => return Ok(data.first().copied().map_or(255, i32::from)),
                }
            }
        }
        if ready.contains(&1) {
            let length = stdin.read(&mut buffer).unwrap_or(0);
            send(stream, 0, &buffer[..length])?;
            typing = length > 0;
        }
    }
}

fn take(bytes: &mut Vec<u8>) -> io::Result<Option<(u8, Vec<u8>)>> {
    let [kind, a, b, c, d, ..] = bytes[..] else {
        return Ok(None);
    };
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    if length > FRAME_MAX {
        return Err(io::ErrorKind::InvalidData.into());
    }
    if bytes.len() < 5 + length {
        return Ok(None);
    }
    let data = bytes[5..5 + length].to_vec();
    bytes.drain(..5 + length);
    Ok(Some((kind, data)))
}

fn send(stream: &mut Stream, kind: u8, data: &[u8]) -> io::Result<()> {
    let length = u32::try_from(data.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut bytes = vec![kind];
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(data);
    stream.write_all(&bytes)
}

/// A listener here whose connections come out on another machine and go on from there.
#[derive(Debug)]
pub(crate) struct Tunnel {
    pub(crate) listener: Listener,
    /// The other machine's port 7022, as this one reaches it.
    pub(crate) over: SocketAddrV4,
    /// Where it goes on to.
    pub(crate) to: SocketAddrV4,
    /// What it is for.
    pub(crate) of: String,
}

/// One connection through a tunnel.
struct Pair {
    ends: [Stream; 2],
    open: [bool; 2],
}

/// Carries connections until Ctrl-C; every so often, and at once, `look` may change the tunnels.
pub(crate) fn carry_tunnels(
    tunnels: &mut Vec<Tunnel>,
    every: Option<Duration>,
    mut look: impl FnMut(&mut Vec<Tunnel>),
) {
    signals::handle(&[INTERRUPT, TERMINATE]);
    let signal = signals::source();
    let mut pairs: Vec<Pair> = Vec::new();
    let mut buffer = vec![0; 32 * 1024];
    let mut looked: Option<Instant> = None;
    loop {
        let due = looked.is_none_or(|at| every.is_some_and(|every| at.elapsed() >= every));
        if due {
            look(tunnels);
            looked = Some(Instant::now());
        }
        let mut sources: Vec<&dyn guest_kit::Source> = vec![&signal];
        sources.extend(
            tunnels
                .iter()
                .map(|tunnel| &tunnel.listener as &dyn guest_kit::Source),
        );
        let mut whose = Vec::new();
        for (index, pair) in pairs.iter().enumerate() {
            for side in 0..2 {
                if pair.open[side] {
                    sources.push(&pair.ends[side]);
                    whose.push((index, side));
                }
            }
        }
        let ready = guest_kit::poll(&sources, every);
        drop(sources);
        if signals::next().is_some() {
            return;
        }
        for index in ready {
            match index.checked_sub(1) {
                None => {}
                Some(index) if index < tunnels.len() => {
                    // A machine that does not answer or refuses costs this connection only.
                    if let Some(pair) =
                        join(&tunnels[index]).filter(|_| pairs.len() < CONNECTIONS_MAX)
                    {
                        pairs.push(pair);
                    }
                }
                Some(index) => {
                    let (pair, side) = whose[index - tunnels.len()];
                    pairs[pair].pass(side, &mut buffer);
                }
            }
        }
        pairs.retain(|pair| pair.open.iter().any(|open| *open));
    }
}

/// Takes a connection in and opens its other half.
fn join(tunnel: &Tunnel) -> Option<Pair> {
    let near = tunnel.listener.accept().ok()?;
    let mut far = Stream::connect(tunnel.over).ok()?;
    far.write_all(format!("open {}\n", tunnel.to).as_bytes())
        .ok()?;
    let mut head = [0; 5];
    far.read_exact(&mut head).ok()?;
    (head[0] == 1).then_some(Pair {
        ends: [near, far],
        open: [true, true],
    })
}

impl Pair {
    /// Passes what has come from one side to the other; an end passes too.
    fn pass(&mut self, side: usize, buffer: &mut [u8]) {
        let length = self.ends[side].receive(buffer).unwrap_or(0);
        let other = &mut self.ends[1 - side];
        if length == 0 {
            self.open[side] = false;
            other.finish();
        } else if other.write_all(&buffer[..length]).is_err() {
            self.open = [false, false];
        }
    }
}
