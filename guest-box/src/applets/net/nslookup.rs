//! `nslookup` as busybox has it.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};

use super::addresses::address;
use super::dns::{Answer, Ask, Data, Resolver, code_name, new_id, reverse, type_number};
use crate::applets::{Applet, Io, Outcome, Stop, reason};

pub(super) const NSLOOKUP: Applet = Applet {
    name: "nslookup",
    operands: "[-type=QUERY_TYPE] [-debug] HOST [DNS_SERVER]",
    help: "Query DNS about HOST\n\nQUERY_TYPE: soa,ns,a,aaaa,cname,mx,txt,ptr,srv,any",
    flags: &[],
    run,
};

fn run(io: &mut Io<'_>) -> Outcome {
    let mut types: Vec<u16> = Vec::new();
    let mut words: Vec<String> = Vec::new();
    for arg in std::mem::take(&mut io.args).into_iter().skip(1) {
        let asked = ["-type=", "-querytype=", "-q=", "-t="]
            .iter()
            .find_map(|option| arg.strip_prefix(option));
        match asked {
            Some(name) => match type_number(name) {
                Some(number) => types.push(number),
                None => return Err(io.fail(&format!("invalid query type \"{name}\""))),
            },
            None if arg.starts_with("-debug") => {}
            None if arg.starts_with('-') => return Err(io.usage()),
            None => words.push(arg),
        }
    }
    let Some(host) = words.first().cloned() else {
        return Err(io.usage());
    };
    let mut resolver = Resolver::read();
    if let Some(server) = words.get(1) {
        resolver.servers = vec![server_address(io, server)?];
    }
    let names = match host.parse::<Ipv4Addr>() {
        Ok(address) => {
            types = vec![12];
            vec![reverse(address)]
        }
        // Only a name without a dot is looked for in the search list.
        Err(_) if !host.contains('.') && !resolver.search.is_empty() => resolver
            .search
            .iter()
            .map(|domain| format!("{host}.{domain}"))
            .collect(),
        Err(_) => vec![host],
    };
    if types.is_empty() {
        types = vec![1, 28];
    }
    let Some(server) = resolver.servers.first() else {
        return Err(io.fail("no nameservers"));
    };
    let questions: Vec<(String, u16)> = types
        .iter()
        .flat_map(|kind| names.iter().map(|name| (name.clone(), *kind)))
        .collect();
    ask_all(io, *server, &questions)
}

fn server_address(io: &mut Io<'_>, server: &str) -> Result<SocketAddr, Stop> {
    let (host, port) = match server.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().unwrap_or(53)),
        None => (server, 53),
    };
    Ok(SocketAddr::new(address(io, host)?.into(), port))
}

fn ask_all(io: &mut Io<'_>, server: SocketAddr, questions: &[(String, u16)]) -> Outcome {
    let mut status = 0;
    let mut said = false;
    for (name, kind) in questions {
        let answer = match Ask::new(new_id()).ask(server, name, *kind) {
            Ok(answer) => answer,
            Err(error) => {
                if error.kind() != std::io::ErrorKind::TimedOut {
                    io.complain(&format!("write to '{}': {}", server.ip(), reason(&error)));
                }
                let sorry = ";; connection timed out; no servers could be reached\n";
                writeln!(io.out, "{sorry}")?;
                return Ok(1);
            }
        };
        if !said {
            writeln!(io.out, "Server:\t\t{}\nAddress:\t{server}\n", server.ip())?;
            said = true;
        }
        if !print(io, name, &answer)? {
            status = 1;
        }
        writeln!(io.out)?;
    }
    Ok(status)
}

/// Prints the records of an answer; false when it says no.
fn print(io: &mut Io<'_>, name: &str, answer: &Answer) -> Result<bool, Stop> {
    if answer.code != 0 {
        let code = code_name(answer.code);
        writeln!(io.out, "** server can't find {name}: {code}")?;
        return Ok(false);
    }
    if answer.answers.is_empty() {
        writeln!(io.out, "*** Can't find {name}: No answer")?;
        return Ok(true);
    }
    if !answer.authoritative {
        writeln!(io.out, "Non-authoritative answer:")?;
    }
    for record in &answer.answers {
        let owner = &record.name;
        match (&record.data, record.kind) {
            (Data::Address(address), _) => writeln!(io.out, "Name:\t{owner}\nAddress: {address}")?,
            (Data::Name(name), 5) => writeln!(io.out, "{owner}\tcanonical name = {name}")?,
            (Data::Name(name), 2) => writeln!(io.out, "{owner}\tnameserver = {name}")?,
            (Data::Name(name), _) => writeln!(io.out, "{owner}\tname = {name}")?,
            (Data::Mx(preference, name), _) => {
                writeln!(io.out, "{owner}\tmail exchanger = {preference} {name}")?
            }
            (Data::Txt(text), _) => writeln!(io.out, "{owner}\ttext = \"{text}\"")?,
            (
                Data::Srv {
                    priority,
                    weight,
                    port,
                    target,
                },
                _,
            ) => writeln!(
                io.out,
                "{owner}\tservice = {priority} {weight} {port} {target}"
            )?,
            (
                Data::Soa {
                    origin,
                    mail,
                    numbers,
                },
                _,
            ) => {
                writeln!(io.out, "{owner}\n\torigin = {origin}\n\tmail addr = {mail}")?;
                let words = ["serial", "refresh", "retry", "expire", "minimum"];
                for (word, number) in words.iter().zip(numbers) {
                    writeln!(io.out, "\t{word} = {number}")?;
                }
            }
            (Data::Other, _) => {}
        }
    }
    Ok(true)
}
