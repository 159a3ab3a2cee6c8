//! `nc`: a pipe to an address, or from one that connects.

use std::io::{self, Read, Write};
use std::net::{SocketAddrV4, TcpListener, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use guest_kit::process::{Command, Input, Pipe, Stdio};

use super::addresses::{endpoint, number};
use crate::applets::{Applet, Io, Outcome, Parsed, Stop, flag, reason, value};

pub(super) const NC: Applet = Applet {
    name: "nc",
    operands: "[IPADDR PORT] [-e PROG ARGS]",
    help: "Open a pipe to IP:PORT",
    flags: &[
        flag(
            'l',
            "",
            "Listen mode, for inbound connects (-ll: persistent server)",
        ),
        flag('k', "", "With -l, go on listening after a connection"),
        value('p', "", "PORT", "Local port"),
        value('w', "", "SEC", "Timeout for connects and final net reads"),
        value('i', "", "SEC", "Delay interval for lines sent"),
        value('e', "", "PROG", "Run PROG after connect"),
        flag('n', "", "Don't do DNS resolution"),
        flag('u', "", "UDP mode"),
        flag('v', "", "Verbose"),
        flag('z', "", "Zero-I/O mode (scanning)"),
        value('q', "", "SEC", "Quit that long after end of input"),
        flag(
            'N',
            "",
            "Shut the connection down after end of input, as is always done",
        ),
    ],
    run,
};

fn run(io: &mut Io<'_>) -> Outcome {
    // What follows -e PROG is the program's.
    let mut program = Vec::new();
    if let Some(at) = io.args.iter().position(|arg| arg == "-e") {
        program = io.args.split_off(at + 1);
        io.args.pop();
        if program.is_empty() {
            return Err(io.usage());
        }
    }
    let parsed = io.parse()?;
    let limit = match parsed.value('w') {
        Some(text) => Some(Duration::from_secs(number::<u64>(io, text)?.max(1))),
        None => None,
    };
    let plan = Plan {
        program,
        limit,
        pause: match parsed.value('i') {
            Some(text) => Duration::from_secs(number(io, text)?),
            None => Duration::ZERO,
        },
        quit: match parsed.value('q') {
            Some(text) => Some(Duration::from_secs(number(io, text)?)),
            None => None,
        },
        verbose: parsed.has('v'),
    };
    if parsed.has('l') {
        return plan.listen(io, &parsed);
    }
    let [host, ports] = parsed.rest.as_slice() else {
        return Err(io.usage());
    };
    if parsed.has('n') && host.parse::<std::net::Ipv4Addr>().is_err() {
        return Err(io.fail(&format!("bad address '{host}'")));
    }
    let (first, last) = match ports.split_once('-').filter(|_| parsed.has('z')) {
        Some((first, last)) => (number(io, first)?, number(io, last)?),
        None => {
            let port: u16 = number(io, ports)?;
            (port, port)
        }
    };
    let mut status = 1;
    for port in first..=last {
        let to = endpoint(io, host, port)?;
        let outcome = if parsed.has('u') {
            plan.datagrams(io, to, &parsed)
        } else {
            plan.connect(io, host, to, parsed.has('z'))
        };
        match outcome {
            Ok(code) => status = status.min(code),
            Err(Stop::Status(_)) if first != last => {}
            Err(stop) => return Err(stop),
        }
    }
    Ok(status)
}

struct Plan {
    program: Vec<String>,
    limit: Option<Duration>,
    pause: Duration,
    quit: Option<Duration>,
    verbose: bool,
}

impl Plan {
    fn connect(&self, io: &mut Io<'_>, host: &str, to: SocketAddrV4, scan: bool) -> Outcome {
        let connected = match self.limit {
            Some(limit) => guest_kit::connect(&to.into(), limit),
            None => TcpStream::connect(to),
        };
        let stream = connected.map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut if self.limit.is_some() => io.fail("timed out"),
            _ => {
                let why = reason(&error);
                io.fail(&format!(
                    "can't connect to remote host ({}): {why}",
                    to.ip()
                ))
            }
        })?;
        if self.verbose {
            writeln!(io.err, "{host} ({to}) open")?;
        }
        if scan { Ok(0) } else { self.talk(io, stream) }
    }

    fn listen(&self, io: &mut Io<'_>, parsed: &Parsed) -> Outcome {
        let text = parsed.value('p').or(parsed.rest.last().map(String::as_str));
        let port: u16 = number(io, text.unwrap_or("0"))?;
        let refused =
            |io: &mut Io<'_>, error: &io::Error| io.fail(&format!("bind: {}", reason(error)));
        if parsed.has('u') {
            let socket = UdpSocket::bind(("0.0.0.0", port)).map_err(|error| refused(io, &error))?;
            return self.first_datagram(io, socket);
        }
        let listener = TcpListener::bind(("0.0.0.0", port)).map_err(|error| refused(io, &error))?;
        if self.verbose {
            writeln!(io.err, "listening on {} ...", listener.local_addr()?)?;
        }
        let lasting = parsed.has('k') || parsed.in_order("l").count() > 1;
        loop {
            let (stream, from) = listener
                .accept()
                .map_err(|error| io.fail(&reason(&error)))?;
            if self.verbose {
                let own = stream.local_addr()?;
                writeln!(io.err, "connect to {own} from {} ({from})", from.ip())?;
            }
            let code = self.talk(io, stream)?;
            if !lasting {
                return Ok(code);
            }
        }
    }

    fn talk(&self, io: &mut Io<'_>, stream: TcpStream) -> Outcome {
        if !self.program.is_empty() {
            return self.serve(io, stream);
        }
        let conversation = Conversation {
            stream,
            linger: self.quit.is_none(),
        };
        if !self.pause.is_zero() {
            guest_kit::sleep(self.pause);
        }
        conversation.hold(io, &mut |_, bytes, out| out.write_all(bytes))
    }

    /// A program's standard input and output are the connection.
    fn serve(&self, io: &mut Io<'_>, mut stream: TcpStream) -> Outcome {
        let (to, from) = (Pipe::new(), Pipe::new());
        let mut command = Command::new(self.program[0].as_str());
        command.argv.clone_from(&self.program);
        command.stdin = Stdio::Stream(to.reader());
        command.stdout = Stdio::Stream(from.writer());
        let (mut input, mut output) = (Some(to.writer()), from.reader());
        let child = command
            .spawn()
            .map_err(|_| io.fail(&format!("can't execute '{}'", self.program[0])))?;
        stream.set_nonblocking(true)?;
        let mut buffer = [0; 8192];
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(writer) = &mut input {
                match stream.read(&mut buffer) {
                    Ok(0) => input = None,
                    // A program that reads no more has closed its input.
                    Ok(length) => drop(writer.write_all(&buffer[..length])),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(_) => break,
                }
            }
            if guest_kit::poll(&[&output], Some(pause)).is_empty() {
                pause = (pause * 2).min(Duration::from_millis(50));
                continue;
            }
            pause = Duration::from_millis(1);
            match output.read(&mut buffer) {
                Ok(0) | Err(_) => break,
                Ok(length) => {
                    stream.set_nonblocking(false)?;
                    stream.write_all(&buffer[..length])?;
                    stream.set_nonblocking(true)?;
                }
            }
        }
        drop(input);
        Ok(child.wait().status())
    }

    fn first_datagram(&self, io: &mut Io<'_>, socket: UdpSocket) -> Outcome {
        let mut buffer = [0; 65_535];
        let (length, from) = socket.recv_from(&mut buffer)?;
        socket.connect(from)?;
        if self.verbose {
            writeln!(io.err, "connect from {from}")?;
        }
        io.out.write_all(&buffer[..length])?;
        io.out.flush()?;
        self.exchange(io, &socket)
    }

    fn datagrams(&self, io: &mut Io<'_>, to: SocketAddrV4, parsed: &Parsed) -> Outcome {
        let port: u16 = match parsed.value('p') {
            Some(text) => number(io, text)?,
            None => 0,
        };
        let socket = UdpSocket::bind(("0.0.0.0", port))?;
        socket.connect(to)?;
        if parsed.has('z') {
            // Only a refusal says anything: silence counts as open.
            socket.send(b"")?;
            guest_kit::sleep(self.limit.unwrap_or(Duration::from_secs(1)));
            socket.set_nonblocking(true)?;
            return match socket.recv(&mut [0; 1]) {
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => Ok(1),
                _ => {
                    if self.verbose {
                        writeln!(io.err, "{} ({to}) open", to.ip())?;
                    }
                    Ok(0)
                }
            };
        }
        self.exchange(io, &socket)
    }

    /// Each piece of input is a datagram; what comes back is printed.
    fn exchange(&self, io: &mut Io<'_>, socket: &UdpSocket) -> Outcome {
        let mut input = Input::stdin();
        let mut buffer = [0; 65_535];
        let mut end: Option<Instant> = None;
        let mut pause = Duration::from_millis(1);
        socket.set_nonblocking(true)?;
        loop {
            match socket.recv(&mut buffer) {
                Ok(length) => {
                    io.out.write_all(&buffer[..length])?;
                    io.out.flush()?;
                    pause = Duration::from_millis(1);
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(io.fail(&reason(&error))),
            }
            if let Some(end) = end {
                if Instant::now() >= end {
                    return Ok(0);
                }
                guest_kit::sleep(pause);
            } else if !guest_kit::poll(&[&input], Some(pause)).is_empty() {
                match input.read(&mut buffer[..1_400]) {
                    Ok(0) | Err(_) => {
                        let wait = self.limit.or(self.quit);
                        end = Some(Instant::now() + wait.unwrap_or(Duration::MAX / 4));
                    }
                    Ok(length) => drop(socket.send(&buffer[..length])?),
                }
                pause = Duration::from_millis(1);
                continue;
            }
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }
}

/// What arrives: the stream to answer on, the bytes, and where to print.
pub(super) type Hear<'a> = dyn FnMut(&mut TcpStream, &[u8], &mut dyn Write) -> io::Result<()> + 'a;

/// Sends standard input and prints what comes back, whichever is there first.
pub(super) struct Conversation {
    pub(super) stream: TcpStream,
    /// Whether the other side may go on after the end of the input.
    pub(super) linger: bool,
}

impl Conversation {
    /// Until the other side has finished.
    ///
    /// `std` has no waiting on a socket and something else, so this asks the two in turn; while
    /// neither has anything it sleeps for a moment.
    pub(super) fn hold(mut self, io: &mut Io<'_>, hear: &mut Hear<'_>) -> Outcome {
        let mut input = Input::stdin();
        let mut buffer = [0; 8192];
        let mut sending = true;
        let mut pause = Duration::from_millis(1);
        self.stream.set_nonblocking(true)?;
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => {
                    if sending {
                        self.send_the_rest(&mut input);
                    }
                    return Ok(0);
                }
                Ok(length) => {
                    hear(&mut self.stream, &buffer[..length], &mut *io.out)?;
                    io.out.flush()?;
                    pause = Duration::from_millis(1);
                    continue;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(io.fail(&reason(&error))),
            }
            if !sending {
                if !self.linger {
                    return Ok(0);
                }
                guest_kit::sleep(pause);
                pause = (pause * 2).min(Duration::from_millis(50));
                continue;
            }
            if guest_kit::poll(&[&input], Some(pause)).is_empty() {
                pause = (pause * 2).min(Duration::from_millis(50));
                continue;
            }
            match input.read(&mut buffer) {
                Ok(0) | Err(_) => {
                    sending = false;
                    // The other side may have closed already.
                    let _ = self.stream.shutdown(std::net::Shutdown::Write);
                }
                Ok(length) => {
                    self.stream.set_nonblocking(false)?;
                    self.stream.write_all(&buffer[..length])?;
                    self.stream.set_nonblocking(true)?;
                }
            }
            pause = Duration::from_millis(1);
        }
    }

    /// What is there to send is sent, although the other side has no more to say.
    fn send_the_rest(&mut self, input: &mut Input) {
        let mut buffer = [0; 8192];
        while !guest_kit::poll(&[&*input], Some(Duration::ZERO)).is_empty() {
            match input.read(&mut buffer) {
                Ok(length) if length > 0 && self.stream.write_all(&buffer[..length]).is_ok() => {}
                _ => return,
            }
        }
    }
}
