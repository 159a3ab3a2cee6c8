//! `nslookup`, `nc`, `ip`, `ifconfig`, `hostname`; and an honest no from `ping`.
//!
//! Names are asked for over UDP at the servers of `/etc/resolv.conf`, with messages written here:
//! one question, and no more of the answer than these tools print.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs, UdpSocket};
use std::time::{Duration, Instant};

use super::{Applet, Io, Outcome, Stop, flag, reason, value};

pub(super) const APPLETS: &[Applet] = &[
    Applet {
        name: "hostname",
        operands: "",
        help: "Show the hostname",
        flags: &[
            flag('s', "", "Short"),
            flag('i', "", "Addresses for the hostname"),
            flag('f', "", "Fully qualified domain name"),
        ],
        run: hostname,
    },
    Applet {
        name: "ifconfig",
        operands: "[INTERFACE]",
        help: "Show network interfaces",
        flags: &[flag('a', "", "All of them, which it always shows")],
        run: ifconfig,
    },
    Applet {
        name: "ip",
        operands: "address | addr | a",
        help: "Show network addresses",
        flags: &[flag('4', "", "IPv4, which is all there is")],
        run: ip,
    },
    Applet {
        name: "nc",
        operands: "[IPADDR] PORT",
        help: "Open a pipe to IP:PORT",
        flags: &[
            flag('l', "", "Listen mode, for inbound connects"),
            value('p', "", "PORT", "Local port"),
            value('w', "", "SEC", "Connect timeout"),
            flag('z', "", "Zero-I/O mode: only look whether somebody listens"),
            flag('v', "", "Verbose"),
            flag('n', "", "Addresses are numbers"),
            flag('N', "", "Close the sending side after the end of stdin"),
        ],
        run: nc,
    },
    Applet {
        name: "nslookup",
        operands: "[-type=QUERY_TYPE] HOST [DNS_SERVER]",
        help: "Query DNS about HOST\n\nQUERY_TYPE: a,aaaa,srv,ptr,cname,txt,any",
        flags: &[],
        run: nslookup,
    },
    Applet {
        name: "ping",
        operands: "HOST",
        help: "Send ICMP ECHO_REQUESTs to HOST: not in this lab",
        flags: &[
            value('c', "", "CNT", "Send only CNT pings"),
            value('W', "", "SEC", "Seconds to wait"),
            value('w', "", "SEC", "Seconds until ping exits"),
        ],
        run: ping,
    },
];

fn hostname(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    if !parsed.rest.is_empty() {
        return Err(io.fail("sethostname: Operation not permitted"));
    }
    if parsed.has('i') {
        let addresses = guest_kit::machine::addresses();
        let addresses: Vec<String> = addresses
            .into_iter()
            .filter(|(name, ..)| name != "lo")
            .map(|(_, address, _)| address)
            .collect();
        writeln!(io.out, "{}", addresses.join(" "))?;
    } else {
        writeln!(io.out, "{}", guest_kit::machine::hostname())?;
    }
    Ok(0)
}

fn ip(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let object = parsed.rest.first().map_or("", String::as_str);
    if object.is_empty() || !"address".starts_with(object) {
        return Err(io.fail(&format!("'{object}' is not in this lab")));
    }
    for (index, (name, address, prefix)) in guest_kit::machine::addresses().into_iter().enumerate()
    {
        let (flags, scope) = if name == "lo" {
            ("LOOPBACK,UP,LOWER_UP", "host")
        } else {
            ("BROADCAST,MULTICAST,UP,LOWER_UP", "global")
        };
        writeln!(io.out, "{}: {name}: <{flags}>", index + 1)?;
        writeln!(io.out, "    inet {address}/{prefix} scope {scope} {name}")?;
    }
    Ok(0)
}

fn ifconfig(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let wanted = parsed.rest.first();
    for (name, address, prefix) in guest_kit::machine::addresses() {
        if wanted.is_some_and(|wanted| *wanted != name) {
            continue;
        }
        let bits = u32::MAX
            .checked_shl(32 - u32::from(prefix.min(32)))
            .unwrap_or(0);
        let mask = Ipv4Addr::from_bits(bits);
        let (link, flags) = if name == "lo" {
            ("Local Loopback", "UP LOOPBACK RUNNING")
        } else {
            ("Ethernet", "UP BROADCAST RUNNING MULTICAST")
        };
        writeln!(
            io.out,
            "{name:<10}Link encap:{link}\n          inet addr:{address}  Mask:{mask}\n          {flags}\n"
        )?;
    }
    Ok(0)
}

fn ping(io: &mut Io<'_>) -> Outcome {
    io.parse()?;
    Err(io.fail("not in this lab: programs here have no raw sockets"))
}

fn nc(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let port_of = |io: &mut Io<'_>, text: &str| {
        text.parse::<u16>()
            .map_err(|_| io.fail(&format!("bad port '{text}'")))
    };
    let stream = if parsed.has('l') {
        let text = parsed
            .value('p')
            .or(parsed.rest.last().map(String::as_str))
            .unwrap_or("0")
            .to_owned();
        let port = port_of(io, &text)?;
        let listener = TcpListener::bind(("0.0.0.0", port))
            .map_err(|error| io.fail(&format!("bind: {}", reason(&error))))?;
        listener
            .accept()
            .map_err(|error| io.fail(&reason(&error)))?
            .0
    } else {
        let [host, port] = parsed.rest.as_slice() else {
            return Err(io.usage());
        };
        let port = port_of(io, port)?;
        let found = (host.as_str(), port)
            .to_socket_addrs()
            .ok()
            .and_then(|mut found| found.find(SocketAddr::is_ipv4));
        let Some(address) = found else {
            return Err(io.fail(&format!("bad address '{host}'")));
        };
        let limit = parsed
            .value('w')
            .and_then(|text| text.parse().ok())
            .map(|seconds: u64| Duration::from_secs(seconds.max(1)));
        let connected = match limit {
            Some(limit) => TcpStream::connect_timeout(&address, limit),
            None => TcpStream::connect(address),
        };
        let stream = match connected {
            Ok(stream) => stream,
            Err(error) if error.kind() == std::io::ErrorKind::TimedOut && limit.is_some() => {
                return Err(io.fail("timed out"));
            }
            Err(error) => {
                return Err(io.fail(&format!(
                    "can't connect to remote host ({}): {}",
                    address.ip(),
                    reason(&error)
                )));
            }
        };
        if parsed.has('v') {
            writeln!(io.err, "{host} ({address}) open")?;
        }
        stream
    };
    if parsed.has('z') {
        return Ok(0);
    }
    converse(io, stream)
}

/// Sends standard input and prints what comes back, whichever is there first.
///
/// `std` has no waiting on a socket and something else, so this asks the two in turn; while
/// neither has anything it sleeps for a moment of virtual time.
fn converse(io: &mut Io<'_>, mut stream: TcpStream) -> Outcome {
    let mut input = guest_kit::process::Input::stdin();
    stream.set_nonblocking(true)?;
    let mut buffer = [0; 8192];
    let mut sending = true;
    let mut pause = Duration::from_millis(1);
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(0),
            Ok(length) => {
                io.out.write_all(&buffer[..length])?;
                io.out.flush()?;
                pause = Duration::from_millis(1);
                continue;
            }
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(io.fail(&reason(&error))),
        }
        if !sending {
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
                let _ = stream.shutdown(std::net::Shutdown::Write);
            }
            Ok(length) => {
                stream.set_nonblocking(false)?;
                stream.write_all(&buffer[..length])?;
                stream.set_nonblocking(true)?;
            }
        }
        pause = Duration::from_millis(1);
    }
}

const TYPES: [(&str, u16); 9] = [
    ("A", 1),
    ("NS", 2),
    ("CNAME", 5),
    ("SOA", 6),
    ("PTR", 12),
    ("MX", 15),
    ("TXT", 16),
    ("AAAA", 28),
    ("SRV", 33),
];

fn nslookup(io: &mut Io<'_>) -> Outcome {
    let mut types: Vec<u16> = Vec::new();
    let mut words: Vec<String> = Vec::new();
    for arg in io.args[1..].iter().cloned() {
        if let Some(name) = arg
            .strip_prefix("-type=")
            .or(arg.strip_prefix("-querytype="))
        {
            match TYPES
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name))
            {
                Some((_, number)) => types.push(*number),
                None if name.eq_ignore_ascii_case("any") => types.push(255),
                None => return Err(io.fail(&format!("invalid query type \"{name}\""))),
            }
        } else if !arg.starts_with("-debug") {
            words.push(arg);
        }
    }
    let Some(host) = words.first().cloned() else {
        return Err(io.usage());
    };
    let (servers, search) = match words.get(1) {
        Some(server) => {
            let found = (server.as_str(), 53)
                .to_socket_addrs()
                .ok()
                .and_then(|mut found| found.find(SocketAddr::is_ipv4));
            let Some(found) = found else {
                return Err(io.fail(&format!("bad address '{server}'")));
            };
            (vec![found], Vec::new())
        }
        None => resolver(),
    };
    let address: Option<Ipv4Addr> = host.parse().ok();
    let names = match address {
        Some(address) => {
            let [a, b, c, d] = address.octets();
            types = vec![12];
            vec![format!("{d}.{c}.{b}.{a}.in-addr.arpa")]
        }
        // Only a name without a dot is looked for in the search list.
        None if !host.contains('.') && !search.is_empty() => search
            .iter()
            .map(|domain| format!("{host}.{domain}"))
            .collect(),
        None => vec![host.clone()],
    };
    if types.is_empty() {
        types = vec![1, 28];
    }
    let Some(server) = servers.first() else {
        return Err(io.fail("no nameservers"));
    };
    let questions: Vec<(String, u16)> = types
        .iter()
        .flat_map(|kind| names.iter().map(|name| (name.clone(), *kind)))
        .collect();
    ask_all(io, *server, &questions)
}

/// The servers and the search list of `/etc/resolv.conf`.
fn resolver() -> (Vec<SocketAddr>, Vec<String>) {
    let text = std::fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let (mut servers, mut search) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let mut words = line.split_whitespace();
        match words.next() {
            Some("nameserver") => servers.extend(
                words
                    .next()
                    .and_then(|address| Some(SocketAddr::new(address.parse().ok()?, 53))),
            ),
            Some("search") => search = words.map(str::to_owned).collect(),
            _ => {}
        }
    }
    (servers, search)
}

fn ask_all(io: &mut Io<'_>, server: SocketAddr, questions: &[(String, u16)]) -> Outcome {
    let mut status = 0;
    let mut said = false;
    for (index, (name, kind)) in questions.iter().enumerate() {
        let answer = match ask(server, u16::try_from(index + 1).unwrap_or(1), name, *kind) {
            Ok(answer) => answer,
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::TimedOut | std::io::ErrorKind::WouldBlock
                ) =>
            {
                writeln!(
                    io.out,
                    ";; connection timed out; no servers could be reached\n"
                )?;
                return Ok(1);
            }
            Err(error) => {
                io.complain(&format!("write to '{}': {}", server.ip(), reason(&error)));
                writeln!(
                    io.out,
                    ";; connection timed out; no servers could be reached\n"
                )?;
                return Ok(1);
            }
        };
        if !said {
            writeln!(io.out, "Server:\t\t{}\nAddress:\t{server}\n", server.ip())?;
            said = true;
        }
        if !print_answer(io, name, &answer)? {
            status = 1;
        }
        writeln!(io.out)?;
    }
    Ok(status)
}

/// Sends a question twice at most, five seconds each.
fn ask(server: SocketAddr, id: u16, name: &str, kind: u16) -> std::io::Result<Vec<u8>> {
    let mut message = id.to_be_bytes().to_vec();
    message.extend_from_slice(&[1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.trim_end_matches('.').split('.') {
        message.push(u8::try_from(label.len().min(63)).unwrap_or(63));
        message.extend(label.bytes().take(63));
    }
    message.push(0);
    message.extend_from_slice(&kind.to_be_bytes());
    message.extend_from_slice(&[0, 1]);
    let socket = UdpSocket::bind("0.0.0.0:0")?;
    socket.set_nonblocking(true)?;
    let mut buffer = [0; 1500];
    for _ in 0..2 {
        socket.send_to(&message, server)?;
        let end = Instant::now() + Duration::from_secs(5);
        let mut pause = Duration::from_micros(200);
        while Instant::now() < end {
            match socket.recv_from(&mut buffer) {
                Ok((length, _)) if length >= 12 && buffer[..2] == id.to_be_bytes() => {
                    return Ok(buffer[..length].to_vec());
                }
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    guest_kit::sleep(pause);
                    pause = (pause * 2).min(Duration::from_millis(20));
                }
                Err(error) => return Err(error),
            }
        }
    }
    Err(std::io::ErrorKind::TimedOut.into())
}

/// Prints the records of an answer; false when it says no.
fn print_answer(io: &mut Io<'_>, name: &str, answer: &[u8]) -> Result<bool, Stop> {
    let word = |at: usize| {
        u16::from_be_bytes([
            answer.get(at).copied().unwrap_or(0),
            answer.get(at + 1).copied().unwrap_or(0),
        ])
    };
    let code = answer[3] & 15;
    if code != 0 {
        let text = match code {
            1 => "FORMERR",
            2 => "SERVFAIL",
            3 => "NXDOMAIN",
            4 => "NOTIMP",
            _ => "REFUSED",
        };
        writeln!(io.out, "** server can't find {name}: {text}")?;
        return Ok(false);
    }
    let mut at = 12;
    for _ in 0..word(4) {
        at = read_name(answer, at).1 + 4;
    }
    if answer[2] & 4 == 0 && word(6) > 0 {
        writeln!(io.out, "Non-authoritative answer:")?;
    }
    for _ in 0..word(6) {
        let (owner, after) = read_name(answer, at);
        let (kind, length) = (word(after), usize::from(word(after + 8)));
        let start = after + 10;
        let Some(data) = answer.get(start..start + length) else {
            break;
        };
        at = start + length;
        match (kind, data) {
            (1, [a, b, c, d]) => writeln!(io.out, "Name:\t{owner}\nAddress: {a}.{b}.{c}.{d}")?,
            (28, data) if data.len() == 16 => {
                let mut bytes = [0; 16];
                bytes.copy_from_slice(data);
                writeln!(
                    io.out,
                    "Name:\t{owner}\nAddress: {}",
                    std::net::Ipv6Addr::from(bytes)
                )?;
            }
            (5, _) => writeln!(
                io.out,
                "{owner}\tcanonical name = {}",
                read_name(answer, start).0
            )?,
            (12, _) => writeln!(io.out, "{owner}\tname = {}", read_name(answer, start).0)?,
            (2, _) => writeln!(
                io.out,
                "{owner}\tnameserver = {}",
                read_name(answer, start).0
            )?,
            (33, data) if data.len() > 6 => writeln!(
                io.out,
                "{owner}\tservice = {} {} {} {}",
                word(start),
                word(start + 2),
                word(start + 4),
                read_name(answer, start + 6).0
            )?,
            (16, data) if !data.is_empty() => writeln!(
                io.out,
                "{owner}\ttext = \"{}\"",
                String::from_utf8_lossy(&data[1..])
            )?,
            _ => {}
        }
    }
    Ok(true)
}

/// A name in a message, and where it ends there.
fn read_name(message: &[u8], start: usize) -> (String, usize) {
    let (mut labels, mut at, mut end) = (Vec::new(), start, None);
    // Bounded, because pointers may lead in circles.
    for _ in 0..64 {
        let Some(&length) = message.get(at) else {
            break;
        };
        let length = usize::from(length);
        if length == 0 {
            at += 1;
            break;
        }
        if length >= 0xc0 {
            end.get_or_insert(at + 2);
            at = (length & 0x3f) << 8 | usize::from(message.get(at + 1).copied().unwrap_or(0));
            continue;
        }
        labels.push(
            String::from_utf8_lossy(message.get(at + 1..at + 1 + length).unwrap_or_default())
                .into_owned(),
        );
        at += 1 + length;
    }
    (labels.join("."), end.unwrap_or(at))
}
