//! `ip`: addresses, links, routes and neighbours as busybox prints them, and the brief form of
//! iproute2. Never changes anything.

use std::io::Write;
use std::net::Ipv4Addr;

use guest_kit::network::{Link, LinkKind, NeighbourState, Route, links, neighbours, routes};

use super::addresses::{address, broadcast, mac};
use crate::applets::{Applet, Io, Outcome, Stop};

pub(super) const IP: Applet = Applet {
    name: "ip",
    operands: "[OPTIONS] address|route|link|neigh [ARGS]",
    help: "OPTIONS := -4 | -f[amily] inet | -o[neline] | -br[ief]\n\n\
           ip addr show [dev IFACE]\nip link show [dev IFACE]\n\
           ip route [list] | get ADDRESS\nip neigh show [dev IFACE]",
    flags: &[],
    run,
};

#[derive(Default)]
struct Style {
    /// Only addresses, without the link's line about itself.
    inet: bool,
    one_line: bool,
    brief: bool,
}

fn run(io: &mut Io<'_>) -> Outcome {
    let mut style = Style::default();
    let mut words: Vec<String> = Vec::new();
    let mut args = std::mem::take(&mut io.args).into_iter().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-4" => style.inet = true,
            "-f" | "-family" => match args.next().as_deref() {
                Some("inet") => style.inet = true,
                Some(other) => {
                    return Err(io.fail(&format!("protocol family '{other}' is not in this lab")));
                }
                None => return Err(io.usage()),
            },
            "-o" | "-oneline" => style.one_line = true,
            "-br" | "-brief" => style.brief = true,
            // Colours and names: there are none.
            "-c" | "-color" | "-n" => {}
            "-s" | "-d" | "-j" | "-6" => {
                return Err(io.fail(&format!("option {arg} is not in this lab")));
            }
            _ if arg.starts_with('-') && words.is_empty() => return Err(io.usage()),
            _ => words.push(arg),
        }
    }
    let Some(object) = words.first().cloned() else {
        return Err(io.usage());
    };
    let rest: Vec<&str> = words[1..].iter().map(String::as_str).collect();
    let is = |name: &str| name.starts_with(&object);
    if is("address") {
        each_link(io, &rest, &style, show_addresses)
    } else if is("link") {
        each_link(io, &rest, &style, show_link)
    } else if is("route") {
        route(io, &rest)
    } else if is("neighbour") || is("neighbor") {
        neighbour(io, &rest)
    } else {
        Err(io.usage())
    }
}

/// Whether a word is the beginning of a command that shows.
fn shows(word: &str) -> bool {
    ["show", "list", "lst"]
        .iter()
        .any(|name| name.starts_with(word))
}

fn refuse(io: &mut Io<'_>) -> Stop {
    io.complain("RTNETLINK answers: Operation not permitted");
    Stop::Status(2)
}

/// The interface that the words ask for, nothing meaning all.
fn wanted(io: &mut Io<'_>, words: &[&str]) -> Result<Option<String>, Stop> {
    let words = match words {
        [first, rest @ ..] if shows(first) => rest,
        [
            "add" | "a" | "del" | "delete" | "set" | "flush" | "change" | "replace" | "append",
            ..,
        ] => {
            return Err(refuse(io));
        }
        words => words,
    };
    match words {
        [] => Ok(None),
        ["dev", name] | [name] => Ok(Some((*name).to_owned())),
        [word, ..] => Err(io.fail(&format!("invalid argument '{word}' to 'ip'"))),
    }
}

fn each_link(
    io: &mut Io<'_>,
    words: &[&str],
    style: &Style,
    show: fn(&mut Io<'_>, &Link, &Style) -> Result<(), Stop>,
) -> Outcome {
    let wanted = wanted(io, words)?;
    let mut all = links();
    if let Some(wanted) = wanted {
        all.retain(|link| link.name == wanted);
        if all.is_empty() {
            return Err(io.fail(&format!("can't find device '{wanted}'")));
        }
    }
    for link in &all {
        show(io, link, style)?;
    }
    Ok(0)
}

/// An interface's name, and where its other end is.
fn full_name(link: &Link) -> String {
    match link.peer {
        Some(peer) => format!("{}@if{peer}", link.name),
        None => link.name.clone(),
    }
}

fn flags(link: &Link) -> &'static str {
    match (link.kind, link.up) {
        (LinkKind::Loopback, _) => "LOOPBACK,UP,LOWER_UP",
        (_, true) => "BROADCAST,MULTICAST,UP,LOWER_UP",
        (_, false) => "NO-CARRIER,BROADCAST,MULTICAST,UP",
    }
}

fn state(link: &Link) -> &'static str {
    match (link.kind, link.up) {
        (LinkKind::Loopback | LinkKind::Vxlan, _) => "UNKNOWN",
        (_, true) => "UP",
        (_, false) => "DOWN",
    }
}

fn show_link(io: &mut Io<'_>, link: &Link, style: &Style) -> Result<(), Stop> {
    if style.brief {
        let (name, state, mac) = (full_name(link), state(link), mac(link.mac));
        writeln!(io.out, "{name:<16} {state:<14} {mac} <{}> ", flags(link))?;
        return Ok(());
    }
    let separator = if style.one_line { "\\" } else { "\n" };
    writeln!(io.out, "{}", head(link).join(separator))?;
    Ok(())
}

/// The line about the link itself, and the one about its hardware address.
fn head(link: &Link) -> [String; 2] {
    let queue = match link.kind {
        LinkKind::Ethernet => "pfifo_fast qlen 1000",
        LinkKind::Loopback => "noqueue qlen 1000",
        LinkKind::Veth | LinkKind::Bridge | LinkKind::Vxlan => "noqueue",
    };
    let (discipline, length) = queue.split_once(' ').unwrap_or((queue, ""));
    let master = link.master.and_then(|master| {
        let bridge = links().into_iter().find(|link| link.index == master)?;
        Some(format!("master {} ", bridge.name))
    });
    let (kind, broadcast) = match link.kind {
        LinkKind::Loopback => ("loopback", "00:00:00:00:00:00"),
        _ => ("ether", "ff:ff:ff:ff:ff:ff"),
    };
    let (index, name, flags, mtu) = (link.index, full_name(link), flags(link), link.mtu);
    let master = master.unwrap_or_default();
    [
        format!("{index}: {name}: <{flags}> mtu {mtu} qdisc {discipline} {master}{length}"),
        format!("    link/{kind} {} brd {broadcast}", mac(link.mac)),
    ]
}

fn show_addresses(io: &mut Io<'_>, link: &Link, style: &Style) -> Result<(), Stop> {
    let (name, index) = (&link.name, link.index);
    if style.brief {
        let addresses = link.addresses.iter();
        let addresses: String = addresses
            .map(|(address, prefix)| format!("{address}/{prefix} "))
            .collect();
        writeln!(
            io.out,
            "{:<16} {:<14} {addresses}",
            full_name(link),
            state(link)
        )?;
        return Ok(());
    }
    if style.inet && link.addresses.is_empty() {
        return Ok(());
    }
    if style.one_line {
        for (address, prefix) in &link.addresses {
            let line = inet(link, *address, *prefix);
            writeln!(
                io.out,
                "{index}: {name}    {line}\\       valid_lft forever preferred_lft forever"
            )?;
        }
        return Ok(());
    }
    let [first, second] = head(link);
    writeln!(io.out, "{first}")?;
    if !style.inet {
        writeln!(io.out, "{second}")?;
    }
    for (address, prefix) in &link.addresses {
        let line = inet(link, *address, *prefix);
        writeln!(
            io.out,
            "    {line}\n       valid_lft forever preferred_lft forever"
        )?;
    }
    Ok(())
}

fn inet(link: &Link, address: Ipv4Addr, prefix: u8) -> String {
    let name = &link.name;
    if link.kind == LinkKind::Loopback {
        return format!("inet {address}/{prefix} scope host {name}");
    }
    if prefix == 32 {
        return format!("inet {address}/{prefix} scope global {name}");
    }
    let broadcast = broadcast(address, prefix);
    format!("inet {address}/{prefix} brd {broadcast} scope global {name}")
}

fn route(io: &mut Io<'_>, words: &[&str]) -> Outcome {
    match words {
        ["get", host] => {
            let to = address(io, host)?;
            return get(io, to);
        }
        [
            "add" | "del" | "change" | "replace" | "append" | "flush" | "test",
            ..,
        ] => {
            return Err(refuse(io));
        }
        _ => {}
    }
    let wanted = wanted(io, words)?;
    let mut all = routes();
    all.sort_by_key(|route| (route.prefix, route.destination));
    for route in all {
        if wanted.as_ref().is_some_and(|wanted| *wanted != route.link) {
            continue;
        }
        writeln!(io.out, "{}", route_line(&route))?;
    }
    Ok(0)
}

fn route_line(route: &Route) -> String {
    let to = match route.prefix {
        0 => "default".to_owned(),
        32 => route.destination.to_string(),
        prefix => format!("{}/{prefix}", route.destination),
    };
    let link = &route.link;
    match route.gateway {
        Some(gateway) if route.onlink => format!("{to} via {gateway} dev {link} onlink "),
        Some(gateway) => format!("{to} via {gateway} dev {link} "),
        None => format!("{to} dev {link} scope link  src {} ", route.source),
    }
}

fn get(io: &mut Io<'_>, to: Ipv4Addr) -> Outcome {
    let own = guest_kit::machine::addresses();
    let is_own = own.iter().any(|(_, address, _)| *address == to.to_string());
    if to.is_loopback() || is_own {
        writeln!(io.out, "local {to} dev lo  src {to} ")?;
        return Ok(0);
    }
    let all = routes();
    let Some(route) = all.iter().find(|route| route.covers(to)) else {
        io.complain("RTNETLINK answers: Network is unreachable");
        return Ok(2);
    };
    let (link, source) = (&route.link, route.source);
    match route.gateway {
        Some(gateway) => writeln!(io.out, "{to} via {gateway} dev {link}  src {source} ")?,
        None => writeln!(io.out, "{to} dev {link}  src {source} ")?,
    }
    Ok(0)
}

fn neighbour(io: &mut Io<'_>, words: &[&str]) -> Outcome {
    let wanted = wanted(io, words)?;
    for neighbour in neighbours() {
        if wanted
            .as_ref()
            .is_some_and(|wanted| *wanted != neighbour.link)
        {
            continue;
        }
        let hardware = match neighbour.mac {
            Some(address) => format!(" lladdr {}", mac(address)),
            None => String::new(),
        };
        let state = match neighbour.state {
            NeighbourState::Reachable => "REACHABLE",
            NeighbourState::Stale => "STALE",
            NeighbourState::Failed => "FAILED",
        };
        let (address, link) = (neighbour.address, &neighbour.link);
        writeln!(io.out, "{address} dev {link}{hardware} {state}")?;
    }
    Ok(0)
}
