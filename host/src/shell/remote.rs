//! A machine's end of `ssh`: one connection, one command, shell or tunnel.
//!
//! This is not the SSH protocol and does not pretend to be: no keys, no encryption, port 7022 of
//! the lab's own network. What matters to a learner is that the command runs on that machine, that
//! a tunnel ends there, and that the bytes travel in packets.
//!
//! ```text
//! client → machine   one line: exec COMMAND · shell COLUMNS ROWS [COMMAND] · open ADDRESS:PORT
//!   exec, shell      then frames: kind (0 input, empty at its end; 4 window: columns, rows as u16;
//!                    5 signal: its number), length as u32 big-endian, bytes
//! machine → client   frames: kind (1 output, 2 error, 3 exit code), length, bytes
//!   open             one frame: 1 and nothing when connected, then both ways raw; 2 and why not
//! ```

use super::containers::{Conversation, Ends};
use super::driver::Shell;
use super::stream::NetStream;
use runtime::{ProcessId, Read, TerminalSize};
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::rc::Rc;
use std::task::{Context, Poll};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use vnet::{HostId, Origin};

/// Where it listens.
pub(super) const PORT: u16 = 7022;
/// The longest command line.
const LINE_MAX: u64 = 128 * 1024;
/// The largest frame that a client sends.
const FRAME_MAX: usize = 64 * 1024;
const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const EXIT: u8 = 3;
const WINDOW: u8 = 4;
const SIGNAL: u8 = 5;

/// Listens on a machine until it loses power.
pub(super) fn serve(shell: &Rc<Shell>, machine: &str, host: HostId) {
    let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, PORT);
    let Ok(listener) = shell.runtime.tcp_listen(host, any, 64) else {
        return;
    };
    let (shell, machine) = (shell.clone(), machine.to_owned());
    let runtime = shell.runtime.clone();
    runtime.spawn_native(async move {
        while let Ok(stream) = listener.accept().await {
            let stream = NetStream::from(stream);
            let (shell, machine) = (shell.clone(), machine.clone());
            let runtime = shell.runtime.clone();
            runtime.spawn_native(async move {
                // A client that hangs up is its own affair.
                let _ = converse(&shell, &machine, host, stream).await;
            });
        }
    });
}

async fn converse(
    shell: &Rc<Shell>,
    machine: &str,
    host: HostId,
    stream: NetStream,
) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    (&mut stream).take(LINE_MAX).read_line(&mut line).await?;
    let (verb, rest) = line
        .trim_end_matches('\n')
        .split_once(' ')
        .unwrap_or(("", ""));
    match verb {
        "open" => open(shell, host, rest, stream).await,
        "exec" => run(shell, machine, Some(rest), None, stream).await,
        "shell" => {
            let mut words = rest.splitn(3, ' ');
            let mut number = |usual| {
                words
                    .next()
                    .and_then(|word| word.parse().ok())
                    .unwrap_or(usual)
            };
            let size = TerminalSize {
                columns: number(80),
                rows: number(24),
            };
            run(shell, machine, words.next(), Some(size), stream).await
        }
        _ => {
            frame(
                &mut stream,
                STDERR,
                b"this machine does not understand its client\n",
            )
            .await?;
            frame(&mut stream, EXIT, &[255]).await
        }
    }
}

/// Connects from here and carries bytes both ways.
async fn open(
    shell: &Rc<Shell>,
    host: HostId,
    to: &str,
    mut stream: BufReader<NetStream>,
) -> io::Result<()> {
    let Ok(to) = to.parse() else {
        return frame(&mut stream, STDERR, b"no address and port").await;
    };
    match NetStream::connect(&shell.runtime, host, to, Origin::Program).await {
        Ok(mut inner) => {
            frame(&mut stream, STDOUT, &[]).await?;
            tokio::io::copy_bidirectional(&mut stream, &mut inner)
                .await
                .map(drop)
        }
        Err(cause) => frame(&mut stream, STDERR, cause.to_string().as_bytes()).await,
    }
}

/// Runs a command, or a shell to log in to, and carries its streams.
async fn run(
    shell: &Rc<Shell>,
    machine: &str,
    command: Option<&str>,
    tty: Option<TerminalSize>,
    mut stream: BufReader<NetStream>,
) -> io::Result<()> {
    let argv: Vec<String> = match command {
        Some(command) => ["sh", "-c", command].map(String::from).into(),
        None => vec!["sh".into()],
    };
    let started = {
        let machines = shell.machines.borrow();
        let machine = machines.get(machine);
        machine.map(|machine| machine.spot().exec(&shell.runtime, argv, true, tty))
    };
    let Some(Ok(talk)) = started else {
        frame(&mut stream, STDERR, b"sh: cannot start\n").await?;
        return frame(&mut stream, EXIT, &[126]).await;
    };
    let Conversation {
        process,
        ends,
        exit,
    } = talk;
    let mut line = Line {
        shell: shell.clone(),
        process,
        ends,
        typed: Vec::new(),
        typing: true,
    };
    if let Err(cause) = line.carry(&mut stream).await {
        // The client is gone: what it started ends as when its terminal is closed.
        shell.runtime.signal(process, 1);
        return Err(cause);
    }
    let code = exit.status().await;
    frame(&mut stream, EXIT, &[code]).await
}

/// A process and the client at the other end.
struct Line {
    shell: Rc<Shell>,
    process: ProcessId,
    ends: Ends,
    /// The beginning of a frame whose end has not come.
    typed: Vec<u8>,
    typing: bool,
}

impl Line {
    /// Carries bytes both ways until the process has closed its outputs.
    async fn carry(&mut self, stream: &mut BufReader<NetStream>) -> io::Result<()> {
        let mut open = [true, matches!(self.ends, Ends::Pipes { .. })];
        let mut buffer = vec![0; FRAME_MAX];
        while open.iter().any(|open| *open) {
            let mut heard = Vec::new();
            tokio::select! {
                biased;
                () = std::future::poll_fn(|cx| listen(&self.ends, &mut open, &mut heard, cx)) => {}
                read = stream.read(&mut buffer), if self.typing => match read? {
                    0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                    length => self.hear(&buffer[..length]).await?,
                }
            }
            for (kind, data) in heard {
                frame(stream, kind, &data).await?;
            }
        }
        Ok(())
    }

    /// Takes in what the client sent.
    async fn hear(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.typed.extend_from_slice(bytes);
        while let Some((kind, data)) = take_frame(&mut self.typed)? {
            match kind {
                STDIN if data.is_empty() => self.ends.close_input(),
                STDIN => self.ends.write(&data).await,
                SIGNAL => {
                    if let [signal] = data[..] {
                        self.shell.runtime.signal(self.process, signal);
                    }
                }
                WINDOW => {
                    if let (Ends::Terminal(terminal), [a, b, c, d]) = (&self.ends, &data[..]) {
                        let (columns, rows) =
                            (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]));
                        terminal.resize(TerminalSize { columns, rows });
                    }
                }
                _ => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
        Ok(())
    }
}

/// The first whole frame of `bytes`.
fn take_frame(bytes: &mut Vec<u8>) -> io::Result<Option<(u8, Vec<u8>)>> {
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

/// What the process wrote, when it wrote or ended anything.
fn listen(
    ends: &Ends,
    open: &mut [bool; 2],
    heard: &mut Vec<(u8, Vec<u8>)>,
    cx: &mut Context<'_>,
) -> Poll<()> {
    const CHUNK: usize = 16 * 1024;
    let mut any = false;
    let mut note = |index: usize, read: Read, open: &mut [bool; 2]| match read {
        Read::Data(data) => {
            heard.push(([STDOUT, STDERR][index], data));
            any = true;
        }
        Read::End => {
            open[index] = false;
            any = true;
        }
        Read::WouldBlock => {}
    };
    match ends {
        Ends::Pipes { stdout, stderr, .. } | Ends::Attached { stdout, stderr, .. } => {
            for (index, reader) in [stdout, stderr].into_iter().enumerate() {
                while open[index] {
                    let read = reader.try_read(CHUNK);
                    if matches!(read, Read::WouldBlock) && reader.poll_readable(cx).is_pending() {
                        break;
                    }
                    note(index, read, open);
                }
            }
        }
        Ends::Terminal(terminal) => {
            while open[0] {
                let read = terminal.try_read(CHUNK);
                if matches!(read, Read::WouldBlock) && terminal.poll_readable(cx).is_pending() {
                    break;
                }
                note(0, read, open);
            }
        }
    }
    if any { Poll::Ready(()) } else { Poll::Pending }
}

async fn frame(stream: &mut (impl AsyncWrite + Unpin), kind: u8, data: &[u8]) -> io::Result<()> {
    let length = u32::try_from(data.len()).expect("frames are small");
    let mut bytes = vec![kind];
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(data);
    stream.write_all(&bytes).await?;
    stream.flush().await
}
