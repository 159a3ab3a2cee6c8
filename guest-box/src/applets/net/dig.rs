//! `dig`, in the layout of BIND 9.18's. Never sends EDNS: the lab's servers speak plain DNS.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::addresses::address;
use super::dns::{
    Answer, Ask, Record, Resolver, code_name, dotted, new_id, reverse, type_name, type_number,
};
use crate::applets::date::Moment;
use crate::applets::{Applet, Io, Outcome, Stop};

pub(super) const DIG: Applet = Applet {
    name: "dig",
    operands: "[@SERVER] [-x ADDRESS] [-p PORT] [-t TYPE] [-q NAME] [-4] NAME [TYPE] [+OPTION]...",
    help: "Ask a name server and print what it answers\n\n\
           +[no]short +[no]all +[no]cmd +[no]comments +[no]question +[no]answer +[no]authority\n\
           +[no]additional +[no]stats +[no]search +[no]tcp +[no]recurse +time=N +tries=N +retry=N",
    flags: &[],
    run,
};

const VERSION: &str = "9.18.28";

/// What was asked, and what of the answer is to be shown.
#[derive(Clone, Debug)]
struct Query {
    server: Option<String>,
    port: u16,
    name: Option<String>,
    kind: Option<u16>,
    ask: Ask,
    search: bool,
    short: bool,
    cmd: bool,
    comments: bool,
    question: bool,
    answer: bool,
    authority: bool,
    additional: bool,
    stats: bool,
}

fn run(io: &mut Io<'_>) -> Outcome {
    let words = io.args[1..].to_vec();
    let query = parse(io, &words)?;
    let resolver = Resolver::read();
    let (server, port) = match &query.server {
        Some(name) => match address(io, name) {
            Ok(found) => (Some(found), query.port),
            Err(_) => return Err(Stop::Status(10)),
        },
        None => {
            let first = resolver.servers.first().map(SocketAddr::ip);
            let first = first.and_then(|ip| match ip {
                std::net::IpAddr::V4(ip) => Some(ip),
                std::net::IpAddr::V6(_) => None,
            });
            (first, query.port)
        }
    };
    if query.cmd && !query.short {
        let asked = words.join(" ");
        writeln!(io.out, "\n; <<>> DiG {VERSION} <<>> {asked}")?;
        if query.server.is_some() {
            writeln!(io.out, "; (1 server found)")?;
        }
        writeln!(io.out, ";; global options: +cmd")?;
    }
    let Some(server) = server else {
        writeln!(io.out, ";; no servers could be reached")?;
        return Ok(9);
    };
    ask(io, &query, &resolver, SocketAddr::new(server.into(), port))
}

fn ask(io: &mut Io<'_>, query: &Query, resolver: &Resolver, server: SocketAddr) -> Outcome {
    let (name, kind) = match (&query.name, query.kind) {
        (Some(name), kind) => (name.clone(), kind.unwrap_or(1)),
        (None, kind) => (".".to_owned(), kind.unwrap_or(2)),
    };
    let names = if query.search {
        resolver.candidates(&name)
    } else {
        vec![name]
    };
    let mut ask = query.ask;
    let mut found = None;
    for candidate in &names {
        ask.id = new_id();
        let begin = Instant::now();
        let mut answer = ask.ask(server, candidate, kind);
        if answer.as_ref().is_ok_and(|answer| answer.truncated) && !ask.tcp {
            writeln!(io.out, ";; Truncated, retrying in TCP mode.")?;
            ask.tcp = true;
            answer = ask.ask(server, candidate, kind);
        }
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) if error.kind() == std::io::ErrorKind::InvalidInput => {
                return Err(io.fail(&format!("'{candidate}' is not a legal name")));
            }
            Err(error) => return unreachable(io, server, &error),
        };
        let missing = answer.code == 3 || (answer.code == 0 && answer.answers.is_empty());
        found = Some((answer, begin.elapsed()));
        if !missing {
            break;
        }
    }
    let Some((answer, took)) = found else {
        return Ok(9);
    };
    print(io, query, &answer, server, took, ask.tcp)?;
    Ok(0)
}

fn unreachable(io: &mut Io<'_>, server: SocketAddr, error: &std::io::Error) -> Outcome {
    let why = match error.kind() {
        std::io::ErrorKind::TimedOut | std::io::ErrorKind::WouldBlock => "timed out".to_owned(),
        std::io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        std::io::ErrorKind::HostUnreachable => "host unreachable".to_owned(),
        _ => "network unreachable".to_owned(),
    };
    let (ip, port) = (server.ip(), server.port());
    writeln!(io.out, ";; communications error to {ip}#{port}: {why}")?;
    writeln!(io.out, "\n;; no servers could be reached")?;
    Ok(9)
}

fn parse(io: &mut Io<'_>, words: &[String]) -> Result<Query, Stop> {
    let mut query = Query {
        server: None,
        port: 53,
        name: None,
        kind: None,
        ask: Ask {
            tries: 3,
            ..Ask::new(0)
        },
        search: false,
        short: false,
        cmd: true,
        comments: true,
        question: true,
        answer: true,
        authority: true,
        additional: true,
        stats: true,
    };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut operand = |io: &mut Io<'_>, attached: &str| match attached {
            "" => words.next().cloned().ok_or_else(|| io.usage()),
            text => Ok(text.to_owned()),
        };
        if let Some(server) = word.strip_prefix('@') {
            query.server = Some(server.to_owned());
        } else if let Some(option) = word.strip_prefix('+') {
            option_of(io, &mut query, option)?;
        } else if let Some(attached) = word.strip_prefix("-x") {
            let text = operand(io, attached)?;
            let address: Ipv4Addr = text
                .parse()
                .map_err(|_| io.fail(&format!("Invalid IP address {text}")))?;
            (query.name, query.kind) = (Some(reverse(address)), Some(12));
        } else if let Some(attached) = word.strip_prefix("-p") {
            let text = operand(io, attached)?;
            let bad = format!("Couldn't parse port number '{text}'");
            query.port = text.parse().map_err(|_| io.fail(&bad))?;
        } else if let Some(attached) = word.strip_prefix("-t") {
            let text = operand(io, attached)?;
            let bad = format!(";; Warning, ignoring invalid type {text}");
            match type_number(&text) {
                Some(kind) => query.kind = Some(kind),
                None => writeln!(io.out, "{bad}")?,
            }
        } else if let Some(attached) = word.strip_prefix("-q") {
            query.name = Some(operand(io, attached)?);
        } else if word == "-4" {
            // There is nothing else.
        } else if word.starts_with('-') {
            writeln!(io.err, "Invalid option: {word}")?;
            return Err(io.usage());
        } else if word.eq_ignore_ascii_case("in") {
            // The only class there is.
        } else {
            // `dig any` would ask for the type, as dig itself does.
            match type_number(word) {
                Some(kind) if query.kind.is_none() => query.kind = Some(kind),
                _ => query.name = Some(word.clone()),
            }
        }
    }
    Ok(query)
}

fn option_of(io: &mut Io<'_>, query: &mut Query, option: &str) -> Result<(), Stop> {
    if let Some((name, value)) = option.split_once('=') {
        let number: Option<u32> = value.parse().ok();
        match (name, number) {
            ("time" | "timeout", Some(seconds)) => {
                query.ask.limit = Duration::from_secs(u64::from(seconds.max(1)));
            }
            ("tries", Some(tries)) => query.ask.tries = tries.max(1),
            ("retry", Some(tries)) => query.ask.tries = tries + 1,
            ("ndots", Some(_)) => query.search = true,
            _ => return Err(bad_option(io, option)),
        }
        return Ok(());
    }
    let (name, on) = match option.strip_prefix("no") {
        Some(name) => (name, false),
        None => (option, true),
    };
    match name {
        "all" => {
            query.cmd = on;
            query.comments = on;
            query.question = on;
            query.answer = on;
            query.authority = on;
            query.additional = on;
            query.stats = on;
        }
        "short" => query.short = on,
        "cmd" => query.cmd = on,
        "comments" => query.comments = on,
        "question" => query.question = on,
        "answer" => query.answer = on,
        "authority" => query.authority = on,
        "additional" => query.additional = on,
        "stats" => query.stats = on,
        "search" | "defname" => query.search = on,
        "tcp" | "vc" => query.ask.tcp = on,
        "recurse" | "rdflag" | "rec" => query.ask.recurse = on,
        // None is sent in either case.
        "edns" | "cookie" if !on => {}
        _ => return Err(bad_option(io, option)),
    }
    Ok(())
}

fn bad_option(io: &mut Io<'_>, option: &str) -> Stop {
    // Nobody reads it when it cannot be written.
    let _ = writeln!(io.err, "Invalid option: +{option}");
    io.usage()
}

fn print(
    io: &mut Io<'_>,
    query: &Query,
    answer: &Answer,
    server: SocketAddr,
    took: Duration,
    tcp: bool,
) -> Result<(), Stop> {
    if query.short {
        for record in &answer.answers {
            writeln!(io.out, "{}", record.data.zone())?;
        }
        return Ok(());
    }
    if query.comments {
        header(io, answer)?;
    }
    if query.question {
        if query.comments {
            writeln!(io.out, ";; QUESTION SECTION:")?;
        }
        for (name, kind) in &answer.questions {
            let name = dotted(name);
            let line = columns(&[(&name, 32), ("IN", 40), (&type_name(*kind), 0)]);
            writeln!(io.out, ";{line}")?;
        }
        if query.comments {
            writeln!(io.out)?;
        }
    }
    let sections = [
        (query.answer, "ANSWER", &answer.answers),
        (query.authority, "AUTHORITY", &answer.authority),
        (query.additional, "ADDITIONAL", &answer.additional),
    ];
    for (shown, title, records) in sections {
        if !shown || records.is_empty() {
            continue;
        }
        if query.comments {
            writeln!(io.out, ";; {title} SECTION:")?;
        }
        for record in records {
            writeln!(io.out, "{}", line(record))?;
        }
        if query.comments {
            writeln!(io.out)?;
        }
    }
    if query.stats {
        stats(io, answer, server, took, tcp)?;
    }
    Ok(())
}

fn header(io: &mut Io<'_>, answer: &Answer) -> Result<(), Stop> {
    let flags = [
        (answer.is_reply, " qr"),
        (answer.authoritative, " aa"),
        (answer.truncated, " tc"),
        (answer.recursion_desired, " rd"),
        (answer.recursion_available, " ra"),
    ];
    let flags: String = flags
        .iter()
        .filter_map(|(set, name)| set.then_some(*name))
        .collect();
    writeln!(
        io.out,
        ";; Got answer:\n;; ->>HEADER<<- opcode: QUERY, status: {}, id: {}",
        code_name(answer.code),
        answer.id
    )?;
    writeln!(
        io.out,
        ";; flags:{flags}; QUERY: {}, ANSWER: {}, AUTHORITY: {}, ADDITIONAL: {}",
        answer.questions.len(),
        answer.answers.len(),
        answer.authority.len(),
        answer.additional.len()
    )?;
    if answer.recursion_desired && !answer.recursion_available {
        writeln!(io.out, ";; WARNING: recursion requested but not available")?;
    }
    writeln!(io.out)?;
    Ok(())
}

fn line(record: &Record) -> String {
    columns(&[
        (&dotted(&record.name), 24),
        (&record.ttl.to_string(), 32),
        ("IN", 40),
        (&type_name(record.kind), 48),
        (&record.data.zone(), 0),
    ])
}

/// Words at columns: tabs lead to the next one, or a single space when the word reaches beyond.
fn columns(words: &[(&str, usize)]) -> String {
    let (mut text, mut at) = (String::new(), 0);
    for (word, next) in words {
        text.push_str(word);
        at += word.len();
        if *next == 0 {
            break;
        }
        if at < *next {
            let tabs = next / 8 - at / 8;
            text.push_str(&"\t".repeat(tabs));
            at = *next;
        } else {
            text.push(' ');
            at += 1;
        }
    }
    text
}

fn stats(
    io: &mut Io<'_>,
    answer: &Answer,
    server: SocketAddr,
    took: Duration,
    tcp: bool,
) -> Result<(), Stop> {
    let (ip, port) = (server.ip(), server.port());
    let way = if tcp { "TCP" } else { "UDP" };
    // A clock before 1970 is nobody's.
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let when = Moment::of(UNIX_EPOCH + now).format("%a %b %d %H:%M:%S UTC %Y");
    writeln!(io.out, ";; Query time: {} msec", took.as_millis())?;
    writeln!(io.out, ";; SERVER: {ip}#{port}({ip}) ({way})")?;
    writeln!(io.out, ";; WHEN: {when}")?;
    writeln!(io.out, ";; MSG SIZE  rcvd: {}\n", answer.size)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::dns::Data;
    use super::*;

    #[test]
    fn records_stand_in_digs_columns() {
        let record = |name: &str, ttl| Record {
            name: name.to_owned(),
            ttl,
            kind: 1,
            data: Data::Address("10.96.0.1".to_owned()),
        };
        assert_eq!(
            line(&record("example.com", 86_400)),
            "example.com.\t\t86400\tIN\tA\t10.96.0.1"
        );
        assert_eq!(
            line(&record("kubernetes.default.svc.cluster.local", 30)),
            "kubernetes.default.svc.cluster.local. 30 IN A\t10.96.0.1"
        );
    }
}
