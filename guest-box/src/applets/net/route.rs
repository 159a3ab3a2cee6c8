//! `route`: shows the routing table. Never changes it.

use std::io::Write;
use std::net::Ipv4Addr;

use guest_kit::network::{Route, routes};

use super::addresses::mask;
use crate::applets::{Applet, Io, Outcome, Stop, flag};

pub(super) const ROUTE: Applet = Applet {
    name: "route",
    operands: "",
    help: "Show kernel routing tables",
    flags: &[
        flag('n', "", "Don't resolve names"),
        flag('e', "", "Display other/more information"),
    ],
    run,
};

fn run(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    match parsed.rest.first().map(String::as_str) {
        None => {}
        Some("add" | "del") => return Err(io.fail("SIOCADDRT: Operation not permitted")),
        Some(_) => return Err(io.usage()),
    }
    table(io, parsed.has('n'), parsed.has('e'))?;
    Ok(0)
}

/// The table, as `netstat -r` prints it too.
pub(super) fn table(io: &mut Io<'_>, numeric: bool, netstat: bool) -> Result<(), Stop> {
    let title = if netstat {
        "Flags   MSS Window  irtt Iface"
    } else {
        "Flags Metric Ref    Use Iface"
    };
    writeln!(
        io.out,
        "Kernel IP routing table\nDestination     Gateway         Genmask         {title}"
    )?;
    let mut all = routes();
    // The kernel's order: by prefix length, the shortest first.
    all.sort_by_key(|route| (route.prefix, route.destination));
    for route in &all {
        line(io, route, numeric, netstat)?;
    }
    Ok(())
}

fn line(io: &mut Io<'_>, route: &Route, numeric: bool, netstat: bool) -> Result<(), Stop> {
    let destination = match route.destination {
        Ipv4Addr::UNSPECIFIED if !numeric => "default".to_owned(),
        address => address.to_string(),
    };
    let gateway = match route.gateway {
        Some(gateway) => gateway.to_string(),
        None if numeric => "0.0.0.0".to_owned(),
        None => "*".to_owned(),
    };
    let mut flags = "U".to_owned();
    if route.gateway.is_some() {
        flags.push('G');
    }
    if route.prefix == 32 {
        flags.push('H');
    }
    let (mask, link) = (mask(route.prefix).to_string(), &route.link);
    if netstat {
        writeln!(
            io.out,
            "{destination:<15.15} {gateway:<15.15} {mask:<16}{flags:<6}{:5} {:<5} {:6} {link}",
            0, 0, 0
        )?;
    } else {
        writeln!(
            io.out,
            "{destination:<15.15} {gateway:<15.15} {mask:<16}{flags:<6}{:<6} {:<2} {:7} {link}",
            0, 0, 0
        )?;
    }
    Ok(())
}
