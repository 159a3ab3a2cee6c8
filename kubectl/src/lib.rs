//! kubectl in Kubernetes' own words, as a library: arguments in, requests out, an exit code back.
//!
//! It never touches the outside world except through [`Io`], and it never decides anything that the
//! API server decides: tables, validation and defaults are the server's.
//!
//! Start with `cmd` (every command, defined once), then `session` (one command's dealings with the server).

mod ask;
mod cmd;
mod complete;
mod config;
mod describe;
mod discovery;
mod fail;
mod flags;
mod help;
mod http;
pub mod io;
mod jsonpath;
mod kustomize;
mod merge;
mod output;
mod patching;
mod rules;
mod select;
mod session;
mod table;
mod template;
mod text;
mod words;
mod yaml;

pub use ask::{Ask, NoAnswer, ask};
use config::Overrides;
use fail::{Fail, Outcome};
use flags::{Command, Flag, Kind, Parsed};
pub use io::{
    Connect, Files, Input, Io, Listener, Programs, StdFiles, StdPrograms, Stream, Tcp, Terminal,
    Tls,
};
use session::Session;

/// Runs one kubectl command; `args` are the arguments without the program's own name.
///
/// Returns the exit code. Output goes to the streams of `io`.
pub fn run(args: &[String], io: &mut Io<'_>) -> i32 {
    let Err(fail) = dispatch(args, io) else {
        return 0;
    };
    let (message, code) = fail.report();
    if !message.is_empty() {
        // Nobody is left to be told when this fails.
        drop(
            io.stderr
                .write_all(message.as_bytes())
                .and_then(|()| io.stderr.write_all(b"\n")),
        );
    }
    drop(io.stdout.flush());
    drop(io.stderr.flush());
    code
}

fn dispatch(args: &[String], io: &mut Io<'_>) -> Outcome {
    let print = |io: &mut Io<'_>, text: String| {
        io.stdout
            .write_all(text.as_bytes())
            .map_err(|_| Fail::Exit(1))
    };
    let home = (io.env)("HOME").unwrap_or_default();
    if args.first().is_some_and(|first| first == "help") {
        return print(io, help::of(&args[1..].join(" "), &home));
    }
    if let Some(word @ ("__complete" | "__completeNoDesc")) = args.first().map(String::as_str) {
        return complete::run(&args[1..], word == "__complete", io);
    }
    if args.first().is_some_and(|first| first == "options") {
        return print(io, help::of("options", &home));
    }
    if args.first().is_some_and(|first| first == "alpha") {
        let words = b"No alpha commands are available in this version of kubectl\n";
        return io.stderr.write_all(words).map_err(|_| Fail::Exit(1));
    }
    let before_dash = args.iter().take_while(|word| *word != "--");
    let helpless = !before_dash
        .clone()
        .any(|word| word == "-h" || word == "--help");
    let (path, command, words) = match locate(args) {
        Ok(located) => located,
        Err(fail) if helpless => {
            // A family of commands that is not in this lab can tell what it would be.
            return match args {
                [name] if !words::commands(name).is_empty() && name == "certificate" => {
                    print(io, help::of(name, &home))
                }
                [name] if !words::commands(name).is_empty() => {
                    // Nobody is left to be told.
                    drop(io.stderr.write_all(help::of(name, &home).as_bytes()));
                    Err(Fail::Exit(1))
                }
                _ => Err(fail),
            };
        }
        Err(fail) => match help::path(args) {
            Some(path) => return print(io, help::of(&path, &home)),
            None => return Err(fail),
        },
    };
    if !helpless {
        return print(io, help::of(&path, &home));
    }
    let Some(command) = command else {
        // Complains of flags that are none.
        Parsed::parse("", &words, cmd::GLOBAL.iter().collect())?;
        return print(io, help::of("", &home));
    };
    let parsed = Parsed::parse(&path, &words, flags_of(&path, command))?;
    let mut session = Session::new(io, overrides(&parsed), format!("kubectl {path}"));
    session.verbosity = parsed.text("v").parse().map_err(|_| {
        Fail::Raw(format!(
            "error: invalid argument {} for \"-v, --v\" flag: strconv.ParseInt: parsing {}: invalid syntax\nSee 'kubectl {path} --help' for usage.",
            fail::quoted(parsed.text("v")),
            fail::quoted(parsed.text("v"))
        ))
    })?;
    if parsed.text("dry-run") == "unchanged" {
        let stamp = session.stamp();
        session.err(&format!(
            "W{stamp} helpers.go:719] --dry-run is deprecated and can be replaced with --dry-run=client.\n"
        ));
    }
    if parsed.given("record") {
        session.err("Flag --record has been deprecated, --record will be removed in the future\n");
    }
    session.headers = impersonation(&parsed);
    session.timeout = request_timeout(parsed.text("request-timeout"))?;
    (command.run)(&mut session, &parsed)?;
    match session.warnings() {
        count if count > 0 && parsed.is("warnings-as-errors") => {
            let s = if count == 1 { "" } else { "s" };
            Err(Fail::message(format!("{count} warning{s} received")))
        }
        _ => Ok(()),
    }
}

/// The headers that ask the server to take us for somebody else.
fn impersonation(parsed: &Parsed) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    for (flag, header) in [("as", "Impersonate-User"), ("as-uid", "Impersonate-Uid")] {
        if !parsed.text(flag).is_empty() {
            headers.push((header.to_owned(), parsed.text(flag).to_owned()));
        }
    }
    for group in parsed.list("as-group") {
        headers.push(("Impersonate-Group".to_owned(), group.clone()));
    }
    for pair in parsed.list("as-user-extra") {
        if let Some((key, value)) = pair.split_once('=') {
            headers.push((format!("Impersonate-Extra-{key}"), value.to_owned()));
        }
    }
    headers
}

/// Nanoseconds, or none for as long as it takes.
fn request_timeout(text: &str) -> Outcome<Option<u64>> {
    let nanos = match text.parse::<i64>() {
        Ok(seconds) => Some(seconds.saturating_mul(1_000_000_000)),
        Err(_) => text::time::parse_duration(text),
    };
    match nanos {
        Some(nanos) => Ok((nanos > 0).then(|| nanos.unsigned_abs())),
        None => Err(Fail::message(
            "Invalid timeout value. Timeout must be a single integer in seconds, or an integer followed by a corresponding time unit (e.g. 1s | 2m | 3h)",
        )),
    }
}

/// The flags of a command that are honoured here, as far as the stock client has them.
fn flags_of(path: &str, command: &'static Command) -> Vec<&'static Flag> {
    let told = words::flags(path);
    command
        .flags
        .iter()
        .flat_map(|group| group.iter())
        .filter(|flag| {
            cmd::UNTOLD.contains(&flag.long) || told.iter().any(|told| told.long == flag.long)
        })
        .chain(cmd::GLOBAL)
        .collect()
}

/// What the flags say about the cluster.
fn overrides(parsed: &Parsed) -> Overrides {
    let own = |name: &str| parsed.text(name).to_owned();
    Overrides {
        kubeconfig: own("kubeconfig"),
        context: own("context"),
        cluster: own("cluster"),
        // The bindings' own flag of this name stands before the global one.
        user: if parsed.path.ends_with("binding") || parsed.path.ends_with("subject") {
            String::new()
        } else {
            own("user")
        },
        server: own("server"),
        token: own("token"),
        namespace: own("namespace"),
        authority: own("certificate-authority"),
        client_certificate: own("client-certificate"),
        client_key: own("client-key"),
        insecure: parsed
            .given("insecure-skip-tls-verify")
            .then(|| parsed.is("insecure-skip-tls-verify")),
        tls_server_name: own("tls-server-name"),
        lenient: parsed.path.starts_with("config "),
        impersonate: own("as"),
        impersonates_more: !own("as-uid").is_empty()
            || !parsed.list("as-group").is_empty()
            || !parsed.list("as-user-extra").is_empty(),
    }
}

type Located = (String, Option<&'static Command>, Vec<String>);

/// Finds the command among the arguments; flags may stand before it.
fn locate(args: &[String]) -> Outcome<Located> {
    let mut path: Vec<&str> = Vec::new();
    let mut command: Option<&'static Command> = None;
    let mut rest = Vec::new();
    let mut words = args.iter();
    while let Some(word) = words.next() {
        if word == "--" {
            rest.push(word.clone());
            break;
        }
        if word.starts_with('-') && word.len() > 1 {
            rest.push(word.clone());
            if takes_next(word, command) {
                rest.extend(words.next().cloned());
            }
            continue;
        }
        let next = match command {
            None => help::find(word),
            Some(command) => Command::find(command.subcommands, word),
        };
        let told = path.join(" ");
        let told = if told.is_empty() {
            word.clone()
        } else {
            format!("{told} {word}")
        };
        if next.is_none() && words::section(&told).is_some() {
            return Err(Fail::not_in_lab(&format!("kubectl {told}")));
        }
        if next.is_none() && command.is_none() {
            return Err(help::unknown(word));
        }
        match (next, command) {
            (Some(next), _) => {
                path.push(next.name);
                command = Some(next);
            }
            (None, Some(family)) if !family.subcommands.is_empty() && family.flags.is_empty() => {
                return Err(Fail::usage(
                    &path.join(" "),
                    format!("unknown command {}", fail::quoted(word)),
                ));
            }
            _ => {
                rest.push(word.clone());
                break;
            }
        }
    }
    rest.extend(words.cloned());
    Ok((path.join(" "), command, rest))
}

/// Whether the word after a flag is its value.
fn takes_next(word: &str, command: Option<&'static Command>) -> bool {
    if word.contains('=') {
        return false;
    }
    let own = command
        .into_iter()
        .flat_map(|command| command.flags.iter())
        .flat_map(|group| group.iter());
    let known = own
        .chain(cmd::GLOBAL)
        .find(|flag| match word.strip_prefix("--") {
            Some(long) => flag.long == long,
            None => word.len() == 2 && word.ends_with(flag.short),
        });
    known.is_some_and(|flag| !matches!(flag.kind, Kind::Bool | Kind::Optional(_)))
}
