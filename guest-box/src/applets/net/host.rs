//! `host`, in the words of BIND's.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};

use super::addresses::address;
use super::dns::{Answer, Ask, Data, Resolver, code_name, new_id, reverse, type_name, type_number};
use crate::applets::{Applet, Io, Outcome, Stop, flag, value};

pub(super) const HOST: Applet = Applet {
    name: "host",
    operands: "NAME [SERVER]",
    help: "Look up NAME with a name server",
    flags: &[
        value('t', "", "TYPE", "Query type"),
        flag('T', "", "Use TCP"),
        flag('4', "", "Use IPv4, which is all there is"),
    ],
    run,
};

fn run(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let Some(name) = parsed.rest.first().cloned() else {
        return Err(io.usage());
    };
    let mut resolver = Resolver::read();
    if let Some(server) = parsed.rest.get(1) {
        let found = SocketAddr::new(address(io, server)?.into(), 53);
        resolver.servers = vec![found];
        writeln!(
            io.out,
            "Using domain server:\nName: {server}\nAddress: {}#53\nAliases: \n",
            found.ip()
        )?;
    }
    let Some(server) = resolver.servers.first().copied() else {
        writeln!(io.out, ";; no servers could be reached")?;
        return Ok(1);
    };
    let types = match parsed.value('t') {
        Some(text) => match type_number(text) {
            Some(kind) => vec![kind],
            None => {
                writeln!(io.err, "host: invalid type: {text}\n")?;
                return Ok(2);
            }
        },
        None => vec![1, 28, 15],
    };
    let (names, types) = match name.parse::<Ipv4Addr>() {
        Ok(address) => (vec![reverse(address)], vec![12]),
        Err(_) => (resolver.candidates(&name), types),
    };
    let mut last = Err(3);
    for candidate in &names {
        last = look_up(io, server, candidate, &types, parsed.has('T'))?;
        if last.is_ok() {
            break;
        }
    }
    match last {
        Ok(()) => Ok(0),
        Err(code) => {
            let asked = names.last().unwrap_or(&name);
            let said = code_name(code);
            writeln!(io.out, "Host {asked} not found: {code}({said})")?;
            Ok(1)
        }
    }
}

/// Asks for every type of one name; the code of the refusal when there is no such name.
fn look_up(
    io: &mut Io<'_>,
    server: SocketAddr,
    name: &str,
    types: &[u16],
    tcp: bool,
) -> Result<Result<(), u8>, Stop> {
    for kind in types {
        let ask = Ask {
            tcp,
            ..Ask::new(new_id())
        };
        let Ok(answer) = ask.ask(server, name, *kind) else {
            writeln!(
                io.out,
                ";; connection timed out; no servers could be reached"
            )?;
            return Err(Stop::Status(1));
        };
        if answer.code != 0 {
            return Ok(Err(answer.code));
        }
        print(io, name, *kind, &answer, types.len() == 1)?;
    }
    Ok(Ok(()))
}

fn print(io: &mut Io<'_>, name: &str, kind: u16, answer: &Answer, alone: bool) -> Result<(), Stop> {
    if alone && answer.answers.is_empty() {
        let kind = type_name(kind);
        writeln!(io.out, "{name} has no {kind} record")?;
    }
    for record in &answer.answers {
        let owner = &record.name;
        let zone = record.data.zone();
        let relation = match (&record.data, record.kind) {
            (Data::Address(_), 28) => "has IPv6 address",
            (Data::Address(_), _) => "has address",
            (Data::Name(_), 5) => "is an alias for",
            (Data::Name(_), 2) => "name server",
            (Data::Name(_), _) => "domain name pointer",
            (Data::Mx(..), _) => "mail is handled by",
            (Data::Txt(_), _) => "descriptive text",
            (Data::Srv { .. }, _) => "has SRV record",
            (Data::Soa { .. }, _) => "has SOA record",
            (Data::Other, _) => continue,
        };
        writeln!(io.out, "{owner} {relation} {zone}")?;
    }
    Ok(())
}
