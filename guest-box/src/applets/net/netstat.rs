//! `netstat`: sockets, routes and interfaces, as busybox prints them.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddrV4;

use guest_kit::network::{LinkKind, Protocol, Socket, links, sockets};
use guest_kit::process::processes;

use super::addresses::service;
use crate::applets::{Applet, Io, Outcome, Parsed, Stop, flag};

pub(super) const NETSTAT: Applet = Applet {
    name: "netstat",
    operands: "",
    help: "Display networking information",
    flags: &[
        flag('r', "", "Routing table"),
        flag('i', "", "Interfaces"),
        flag('a', "", "All sockets"),
        flag('l', "", "Listening sockets"),
        flag('t', "", "TCP sockets"),
        flag('u', "", "UDP sockets"),
        flag('w', "", "Raw sockets"),
        flag('x', "", "Unix sockets, of which there are none here"),
        flag('e', "", "Other/more information"),
        flag('n', "", "Don't resolve names"),
        flag('p', "", "Show PID/program name for sockets"),
        flag('W', "", "Wide display, which it always is"),
    ],
    run,
};

fn run(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    if parsed.has('r') {
        super::route::table(io, parsed.has('n'), !parsed.has('e'))?;
        return Ok(0);
    }
    if parsed.has('i') {
        interfaces(io)?;
        return Ok(0);
    }
    if parsed.has('x') && !"tuw".chars().any(|letter| parsed.has(letter)) {
        return Ok(0);
    }
    list(io, &parsed)?;
    Ok(0)
}

fn list(io: &mut Io<'_>, parsed: &Parsed) -> Result<(), Stop> {
    let which = match (parsed.has('a'), parsed.has('l')) {
        (true, _) => "servers and established",
        (false, true) => "only servers",
        (false, false) => "w/o servers",
    };
    let owner = if parsed.has('p') {
        "PID/Program name"
    } else {
        ""
    };
    writeln!(
        io.out,
        "Active Internet connections ({which})\nProto Recv-Q Send-Q {:<23} {:<23} {:<12}{owner}",
        "Local Address", "Foreign Address", "State"
    )?;
    let all_kinds = !"tuw".chars().any(|letter| parsed.has(letter));
    let names = program_names();
    for socket in sockets() {
        let letter = match socket.protocol {
            Protocol::Tcp => 't',
            Protocol::Udp => 'u',
            Protocol::Icmp => 'w',
        };
        let serves = match socket.protocol {
            Protocol::Tcp => socket.state == "LISTEN",
            _ => socket.remote.port() == 0,
        };
        let wanted = parsed.has('a') || serves == parsed.has('l');
        if wanted && (all_kinds || parsed.has(letter)) {
            line(io, &socket, parsed, &names)?;
        }
    }
    Ok(())
}

fn line(
    io: &mut Io<'_>,
    socket: &Socket,
    parsed: &Parsed,
    names: &BTreeMap<u32, String>,
) -> Result<(), Stop> {
    let protocol = match socket.protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Icmp => "raw",
    };
    // A listener's queue lengths are not what this shows.
    let (receive, send) = match socket.state.as_str() {
        "LISTEN" => (0, 0),
        _ => (socket.receive_queue, socket.send_queue),
    };
    let numeric = parsed.has('n');
    let local = endpoint(socket.local, numeric);
    let remote = endpoint(socket.remote, numeric);
    let state = &socket.state;
    write!(
        io.out,
        "{protocol:<3}   {receive:6} {send:6} {local:<23} {remote:<23} {state:<12}"
    )?;
    if parsed.has('p') {
        let name = socket.pid.and_then(|pid| Some((pid, names.get(&pid)?)));
        match name {
            Some((pid, name)) => write!(io.out, "{:<20}", format!("{pid}/{name}"))?,
            None => write!(io.out, "{:<20}", "-")?,
        }
    }
    writeln!(io.out)?;
    Ok(())
}

fn endpoint(address: SocketAddrV4, numeric: bool) -> String {
    let port = match address.port() {
        0 => "*".to_owned(),
        port if numeric => port.to_string(),
        port => service(port).map_or_else(|| port.to_string(), str::to_owned),
    };
    format!("{}:{port}", address.ip())
}

/// The name of every process' program, without its folder.
pub(super) fn program_names() -> BTreeMap<u32, String> {
    let name = |argv: &[String]| {
        let first = argv.first().map_or("", String::as_str);
        let last = first.rsplit('/').next().unwrap_or(first);
        last.trim_end_matches(':').to_owned()
    };
    let all = processes().into_iter();
    all.map(|info| (info.pid, name(&info.argv))).collect()
}

/// The table of net-tools, which busybox' netstat lacks.
fn interfaces(io: &mut Io<'_>) -> Result<(), Stop> {
    writeln!(
        io.out,
        "Kernel Interface table\n\
         Iface             MTU    RX-OK RX-ERR RX-DRP RX-OVR    TX-OK TX-ERR TX-DRP TX-OVR Flg"
    )?;
    let mut all = links();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    for link in all {
        let flags = match link.kind {
            LinkKind::Loopback => "LRU",
            _ if link.up => "BMRU",
            _ => "BM",
        };
        let (name, mtu) = (link.name, link.mtu);
        let ((rx, _), (tx, _)) = (link.received, link.sent);
        writeln!(
            io.out,
            "{name:<15} {mtu:5} {rx:8} {:6} {:6} {:<6} {tx:8} {:6} {:6} {:6} {flags}",
            0, 0, 0, 0, 0, 0
        )?;
    }
    Ok(())
}
