//! `ss`, in the layout of iproute2's.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddrV4};

use guest_kit::network::{Protocol, Socket, sockets};

use super::addresses::service;
use super::netstat::program_names;
use crate::applets::{Applet, Io, Outcome, Stop, flag};

pub(super) const SS: Applet = Applet {
    name: "ss",
    operands: "",
    help: "Show sockets",
    flags: &[
        flag('a', "all", "All sockets"),
        flag('l', "listening", "Listening sockets"),
        flag('t', "tcp", "TCP sockets"),
        flag('u', "udp", "UDP sockets"),
        flag('w', "raw", "Raw sockets"),
        flag('x', "unix", "Unix sockets, of which there are none here"),
        flag('n', "numeric", "Don't resolve service names"),
        flag('p', "processes", "Show processes"),
        flag('s', "summary", "Show a summary"),
        flag('H', "no-header", "Don't print the header"),
        flag('4', "ipv4", "IPv4, which is all there is"),
    ],
    run,
};

fn run(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    if !parsed.rest.is_empty() {
        let words = parsed.rest.join(" ");
        return Err(io.fail(&format!("filter \"{words}\" is not in this lab")));
    }
    let all = sockets();
    if parsed.has('s') {
        summary(io, &all)?;
        return Ok(0);
    }
    let any_kind = !"tuwx".chars().any(|letter| parsed.has(letter));
    let names = program_names();
    let mut rows = Vec::new();
    for socket in &all {
        let letter = match socket.protocol {
            Protocol::Tcp => 't',
            Protocol::Udp => 'u',
            Protocol::Icmp => 'w',
        };
        let state = state(socket);
        let serves = matches!(state, "LISTEN" | "UNCONN");
        let wanted = match (parsed.has('a'), parsed.has('l')) {
            (true, _) => true,
            (false, true) => serves,
            // Neither servers nor what is over.
            (false, false) => !serves && !matches!(state, "TIME-WAIT" | "SYN-RECV" | "CLOSE"),
        };
        if wanted && (any_kind || parsed.has(letter)) {
            rows.push(row(socket, state, parsed.has('n')));
            let pid = socket.pid.filter(|_| parsed.has('p'));
            if let (Some(pid), Some(last)) = (pid, rows.last_mut()) {
                let name = names.get(&pid).map_or("", String::as_str);
                last.process = format!(" users:((\"{name}\",pid={pid}))");
            }
        }
    }
    let kinds = "tuwx".chars().filter(|letter| parsed.has(*letter)).count();
    print(io, &rows, kinds != 1, !parsed.has('H'))?;
    Ok(0)
}

/// A state as ss writes it.
fn state(socket: &Socket) -> &'static str {
    match socket.state.as_str() {
        "ESTABLISHED" => "ESTAB",
        "SYN_SENT" => "SYN-SENT",
        "SYN_RECV" => "SYN-RECV",
        "FIN_WAIT1" => "FIN-WAIT-1",
        "FIN_WAIT2" => "FIN-WAIT-2",
        "TIME_WAIT" => "TIME-WAIT",
        "CLOSE_WAIT" => "CLOSE-WAIT",
        "LAST_ACK" => "LAST-ACK",
        "CLOSING" => "CLOSING",
        "LISTEN" => "LISTEN",
        "" => "UNCONN",
        _ => "CLOSE",
    }
}

struct Row {
    netid: &'static str,
    state: &'static str,
    queues: [String; 2],
    local: (String, String),
    peer: (String, String),
    process: String,
}

fn row(socket: &Socket, state: &'static str, numeric: bool) -> Row {
    let protocol = socket.protocol;
    let end = |address: SocketAddrV4| {
        let port = match (address.port(), protocol) {
            (0, _) => "*".to_owned(),
            (port, Protocol::Icmp) => port.to_string(),
            (port, _) if numeric => port.to_string(),
            (port, _) => service(port).map_or_else(|| port.to_string(), str::to_owned),
        };
        (address.ip().to_string(), port)
    };
    let mut local = end(socket.local);
    if protocol == Protocol::Icmp && *socket.local.ip() == Ipv4Addr::UNSPECIFIED {
        local = ("0.0.0.0".to_owned(), "icmp".to_owned());
    }
    Row {
        netid: match protocol {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
            Protocol::Icmp => "raw",
        },
        state,
        queues: [socket.receive_queue, socket.send_queue].map(|queue| queue.to_string()),
        local,
        peer: end(socket.remote),
        process: String::new(),
    }
}

/// Every column is as wide as its widest word; addresses lean on the colon.
fn print(io: &mut Io<'_>, rows: &[Row], netid: bool, header: bool) -> Result<(), Stop> {
    let own = |text: &str| text.to_owned();
    let title = Row {
        netid: "Netid",
        state: "State",
        queues: [own("Recv-Q"), own("Send-Q")],
        local: (own("Local Address"), own("Port")),
        peer: (own("Peer Address"), own("Port")),
        process: own("Process"),
    };
    let lines: Vec<&Row> = header.then_some(&title).into_iter().chain(rows).collect();
    let widest =
        |word: &dyn Fn(&Row) -> usize| lines.iter().map(|row| word(row)).max().unwrap_or(0);
    let state = widest(&|row| row.state.len());
    let [receive, send] = [0, 1].map(|index| widest(&|row: &Row| row.queues[index].len()));
    let (local, local_port) = (
        widest(&|row| row.local.0.len()),
        widest(&|row| row.local.1.len()),
    );
    let (peer, peer_port) = (
        widest(&|row| row.peer.0.len()),
        widest(&|row| row.peer.1.len()),
    );
    let process = widest(&|row| row.process.len());
    for row in lines {
        if netid {
            write!(io.out, "{:<5} ", row.netid)?;
        }
        writeln!(
            io.out,
            "{:<state$} {:<receive$} {:<send$} {:>local$}:{:<local_port$} {:>peer$}:{:<peer_port$}{:<process$}",
            row.state,
            row.queues[0],
            row.queues[1],
            row.local.0,
            row.local.1,
            row.peer.0,
            row.peer.1,
            row.process
        )?;
    }
    Ok(())
}

fn summary(io: &mut Io<'_>, all: &[Socket]) -> Result<(), Stop> {
    let count = |test: &dyn Fn(&Socket) -> bool| all.iter().filter(|socket| test(socket)).count();
    let tcp = count(&|socket| socket.protocol == Protocol::Tcp);
    let udp = count(&|socket| socket.protocol == Protocol::Udp);
    let raw = count(&|socket| socket.protocol == Protocol::Icmp);
    let established = count(&|socket| socket.state == "ESTABLISHED");
    let waiting = count(&|socket| socket.state == "TIME_WAIT");
    let closed = count(&|socket| matches!(socket.state.as_str(), "TIME_WAIT" | "CLOSE"));
    writeln!(io.out, "Total: {}", all.len() - waiting)?;
    writeln!(
        io.out,
        "TCP:   {tcp} (estab {established}, closed {closed}, orphaned 0, timewait {waiting})\n"
    )?;
    let open = tcp - closed;
    writeln!(io.out, "Transport Total     IP        IPv6")?;
    for (name, count) in [
        ("RAW", raw),
        ("UDP", udp),
        ("TCP", open),
        ("INET", raw + udp + open),
        ("FRAG", 0),
    ] {
        writeln!(io.out, "{name}\t  {count:<9} {count:<9} {:<9}", 0)?;
    }
    writeln!(io.out)?;
    Ok(())
}
