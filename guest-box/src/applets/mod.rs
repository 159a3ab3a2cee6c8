//! The small tools, one definition each.
//!
//! An [`Applet`] says its name, its one-line help and its options; `--help`, the listing and the
//! parsing of options derive from that. Options that are not listed do not exist: they are
//! refused as busybox refuses them.

mod awk;
mod cat;
mod chance;
mod command;
mod copy;
mod cut;
mod data;
mod date;
mod diff;
mod disk;
mod dump;
mod echo;
mod ends;
pub(crate) mod escape;
mod expr;
mod files;
mod find;
pub(crate) mod format;
mod grep;
mod gzip;
mod lines;
mod listing;
mod man;
mod names;
mod net;
mod pager;
mod printf;
pub(crate) mod process;
mod regex;
mod screen;
mod sed;
mod seq;
mod sort;
mod system;
mod tar;
mod terminal;
mod test;
mod tr;
mod uniq;
mod vi;
mod wc;
mod wget;
mod xargs;

use std::io::{self, Read, Write};

/// One option of an applet.
#[derive(Debug)]
pub(crate) struct Flag {
    pub(crate) letter: char,
    pub(crate) long: &'static str,
    /// What its value is called; empty when it takes none.
    pub(crate) value: &'static str,
    pub(crate) help: &'static str,
}

impl Flag {
    /// Whether its value may be left out.
    fn optional(&self) -> bool {
        self.value.starts_with('[') && self.value.ends_with(']')
    }
}

/// An option without a value.
pub(crate) const fn flag(letter: char, long: &'static str, help: &'static str) -> Flag {
    value(letter, long, "", help)
}

/// An option with a value; a value in brackets may be left out, and is never the next argument.
pub(crate) const fn value(
    letter: char,
    long: &'static str,
    value: &'static str,
    help: &'static str,
) -> Flag {
    Flag {
        letter,
        long,
        value,
        help,
    }
}

/// One tool.
#[derive(Debug)]
pub(crate) struct Applet {
    pub(crate) name: &'static str,
    /// What follows the options in the usage line.
    pub(crate) operands: &'static str,
    pub(crate) help: &'static str,
    pub(crate) flags: &'static [Flag],
    pub(crate) run: fn(&mut Io<'_>) -> Outcome,
}

/// Why an applet stops before its end.
#[derive(Debug)]
pub(crate) enum Stop {
    /// With this code; everything is said.
    Status(i32),
    /// Its output has gone, or its input failed.
    Io(io::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

pub(crate) type Outcome = Result<i32, Stop>;

/// What an applet is given.
pub(crate) struct Io<'a> {
    /// What its messages begin with.
    pub(crate) name: String,
    pub(crate) applet: &'static Applet,
    /// Its arguments, its own name first.
    pub(crate) args: Vec<String>,
    pub(crate) input: Box<dyn Read + 'a>,
    pub(crate) out: Box<dyn Write + 'a>,
    pub(crate) err: Box<dyn Write + 'a>,
}

/// The options that were given, and the other arguments.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    given: Vec<(char, String)>,
    pub(crate) rest: Vec<String>,
}

impl Parsed {
    pub(crate) fn has(&self, letter: char) -> bool {
        self.given.iter().any(|(given, _)| *given == letter)
    }

    /// The last value of an option.
    pub(crate) fn value(&self, letter: char) -> Option<&str> {
        self.values(letter).last()
    }

    pub(crate) fn values(&self, letter: char) -> impl Iterator<Item = &str> {
        let found = self.given.iter().filter(move |(given, _)| *given == letter);
        found.map(|(_, value)| value.as_str())
    }

    /// What was given of these options, in order.
    pub(crate) fn in_order(&self, letters: &str) -> impl Iterator<Item = (char, &str)> {
        let given = self
            .given
            .iter()
            .filter(move |(letter, _)| letters.contains(*letter));
        given.map(|(letter, value)| (*letter, value.as_str()))
    }

    /// Which of these options was given last.
    pub(crate) fn last_of(&self, letters: &str) -> Option<char> {
        let found = self.given.iter().rev().map(|(letter, _)| *letter);
        found.into_iter().find(|letter| letters.contains(*letter))
    }
}

impl Io<'_> {
    /// Splits the arguments into options and the rest.
    pub(crate) fn parse(&mut self) -> Result<Parsed, Stop> {
        self.parse_until(false)
    }

    /// The same, where the first other argument ends the options (`env`, `xargs`, `timeout`).
    pub(crate) fn parse_until(&mut self, stop: bool) -> Result<Parsed, Stop> {
        let mut parsed = Parsed::default();
        let mut args = std::mem::take(&mut self.args).into_iter().skip(1);
        while let Some(arg) = args.next() {
            if arg == "--" {
                break;
            }
            if let Some(long) = arg.strip_prefix("--") {
                let (name, given) = match long.split_once('=') {
                    Some((name, given)) => (name, Some(given.to_owned())),
                    None => (long, None),
                };
                let known = self
                    .applet
                    .flags
                    .iter()
                    .find(|flag| !flag.long.is_empty() && flag.long == name);
                let Some(flag) = known else {
                    return Err(self.usage_after(&format!("unrecognized option '--{name}'")));
                };
                let needs = !flag.value.is_empty() && !flag.optional();
                let Some(text) = given.or_else(|| {
                    if needs {
                        args.next()
                    } else {
                        Some(String::new())
                    }
                }) else {
                    return Err(
                        self.usage_after(&format!("option '--{name}' requires an argument"))
                    );
                };
                parsed.given.push((flag.letter, text));
            } else if arg.len() > 1 && arg.starts_with('-') {
                let letters = &arg[1..];
                let mut at = 0;
                while let Some(letter) = letters[at..].chars().next() {
                    at += letter.len_utf8();
                    let Some(flag) = self.applet.flags.iter().find(|flag| flag.letter == letter)
                    else {
                        return Err(self.usage_after(&format!("invalid option -- '{letter}'")));
                    };
                    let mut text = String::new();
                    if flag.optional() {
                        letters[at..].clone_into(&mut text);
                        at = letters.len();
                    } else if !flag.value.is_empty() {
                        let rest = letters[at..].to_owned();
                        at = letters.len();
                        let Some(given) = (if rest.is_empty() {
                            args.next()
                        } else {
                            Some(rest)
                        }) else {
                            return Err(self.usage_after(&format!(
                                "option requires an argument -- '{letter}'"
                            )));
                        };
                        text = given;
                    }
                    parsed.given.push((letter, text));
                }
            } else {
                parsed.rest.push(arg);
                if stop {
                    break;
                }
            }
        }
        parsed.rest.extend(args);
        Ok(parsed)
    }

    /// A message, beginning with the applet's name.
    pub(crate) fn complain(&mut self, message: &str) {
        // What was written so far comes first, where both go to the same place.
        let _ = self.out.flush();
        let _ = writeln!(self.err, "{}: {message}", self.name);
    }

    /// A message and the end.
    pub(crate) fn fail(&mut self, message: &str) -> Stop {
        self.complain(message);
        Stop::Status(1)
    }

    fn usage_after(&mut self, message: &str) -> Stop {
        self.complain(message);
        self.usage()
    }

    /// How it is called, and the end.
    pub(crate) fn usage(&mut self) -> Stop {
        let text = usage_text(self.applet);
        let _ = self.err.write_all(text.as_bytes());
        Stop::Status(1)
    }

    /// A file to read, `-` being standard input; nothing, after a message, when it cannot be.
    pub(crate) fn open(&mut self, path: &str) -> Option<Box<dyn Read>> {
        if path == "-" {
            return Some(Box::new(io::stdin()));
        }
        match std::fs::File::open(path) {
            Ok(file) => Some(Box::new(file)),
            Err(error) => {
                self.complain(&format!("can't open '{path}': {}", reason(&error)));
                None
            }
        }
    }

    /// Everything that is in a file, or nothing after a message without "can't open".
    pub(crate) fn slurp_plain(&mut self, path: &str) -> Option<Vec<u8>> {
        if path == "-" {
            return self.slurp(path);
        }
        match std::fs::read(path) {
            Ok(bytes) => Some(bytes),
            Err(error) => {
                self.complain(&format!("{path}: {}", reason(&error)));
                None
            }
        }
    }

    /// Everything that is in a file, or nothing after a message.
    pub(crate) fn slurp(&mut self, path: &str) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = if path == "-" {
            self.input.read_to_end(&mut bytes)
        } else {
            self.open(path)?.read_to_end(&mut bytes)
        };
        match read {
            Ok(_) => Some(bytes),
            Err(error) => {
                self.complain(&format!("read error: {}", reason(&error)));
                None
            }
        }
    }
}

fn usage_text(applet: &Applet) -> String {
    let mut text = format!("{VERSION}\n\nUsage: {}", applet.name);
    let letters: String = applet
        .flags
        .iter()
        .filter(|flag| flag.value.is_empty() && flag.letter.is_ascii_alphanumeric())
        .map(|flag| flag.letter)
        .collect();
    if !letters.is_empty() {
        text.push_str(&format!(" [-{letters}]"));
    }
    for flag in applet.flags.iter().filter(|flag| !flag.value.is_empty()) {
        text.push_str(&format!(" [{} {}]", dashed(flag), flag.value));
    }
    for part in [applet.operands] {
        if !part.is_empty() {
            text.push_str(&format!(" {part}"));
        }
    }
    text.push_str(&format!("\n\n{}\n", applet.help));
    if !applet.flags.is_empty() {
        text.push('\n');
    }
    for flag in applet.flags {
        let gap = if flag.value.is_empty() { "" } else { " " };
        text.push_str(&format!(
            "\t{}{gap}{}\t{}\n",
            dashed(flag),
            flag.value,
            flag.help
        ));
    }
    text
}

fn dashed(flag: &Flag) -> String {
    if flag.letter.is_ascii_alphanumeric() {
        format!("-{}", flag.letter)
    } else {
        format!("--{}", flag.long)
    }
}

const VERSION: &str = "BusyBox v1.35.0 (lab) multi-call binary.";

/// Every applet but the shell, in the order of the listing.
fn all() -> impl Iterator<Item = &'static Applet> {
    [
        awk::APPLETS,
        cat::APPLETS,
        command::APPLETS,
        copy::APPLETS,
        cut::APPLETS,
        data::APPLETS,
        date::APPLETS,
        diff::APPLETS,
        disk::APPLETS,
        dump::APPLETS,
        echo::APPLETS,
        ends::APPLETS,
        expr::APPLETS,
        files::APPLETS,
        find::APPLETS,
        grep::APPLETS,
        gzip::APPLETS,
        lines::APPLETS,
        listing::APPLETS,
        man::APPLETS,
        names::APPLETS,
        net::APPLETS,
        pager::APPLETS,
        printf::APPLETS,
        process::APPLETS,
        sed::APPLETS,
        seq::APPLETS,
        sort::APPLETS,
        system::APPLETS,
        tar::APPLETS,
        terminal::APPLETS,
        test::APPLETS,
        tr::APPLETS,
        uniq::APPLETS,
        vi::APPLETS,
        wc::APPLETS,
        wget::APPLETS,
        xargs::APPLETS,
    ]
    .into_iter()
    .flatten()
}

pub(crate) fn find(name: &str) -> Option<&'static Applet> {
    all().find(|applet| applet.name == name)
}

pub(crate) fn names() -> Vec<&'static str> {
    let mut names: Vec<&str> = all()
        .map(|applet| applet.name)
        .chain(["ash", "busybox", "sh"])
        .collect();
    names.sort_unstable();
    names
}

/// `busybox` alone.
pub(crate) fn list() {
    let mut text = format!(
        "{VERSION}\n\nUsage: busybox [function [arguments]...]\n   or: busybox --list\n\nCurrently defined functions:\n"
    );
    let mut line = String::from("\t");
    for name in names() {
        if line.len() + name.len() > 70 {
            text.push_str(&format!("{line}\n"));
            line = String::from("\t");
        }
        line.push_str(&format!("{name}, "));
    }
    text.push_str(line.trim_end_matches(", "));
    text.push('\n');
    // Nobody reads it when it cannot be written.
    let _ = io::stdout().write_all(text.as_bytes());
}

/// `busybox --list`.
pub(crate) fn list_names() {
    let _ = io::stdout().write_all((names().join("\n") + "\n").as_bytes());
}

/// Runs an applet as a program of its own.
pub(crate) fn main(name: &str, args: Vec<String>) -> i32 {
    let Some(applet) = find(name) else {
        let _ = writeln!(io::stderr(), "{name}: applet not found");
        return 127;
    };
    let mut io = Io {
        name: name.to_owned(),
        applet,
        args,
        input: Box::new(io::stdin()),
        out: Box::new(io::BufWriter::with_capacity(4096, io::stdout().lock())),
        err: Box::new(io::stderr()),
    };
    run(&mut io)
}

/// Runs an applet with what it is given; its exit code.
pub(crate) fn run(io: &mut Io<'_>) -> i32 {
    let special = matches!(
        io.applet.name,
        "echo" | "test" | "[" | "[[" | "true" | "false" | "printf" | "expr" | "kill"
    );
    if !special && io.args.len() == 2 && io.args[1] == "--help" {
        let text = usage_text(io.applet);
        let _ = io.err.write_all(text.as_bytes());
        return 0;
    }
    let outcome = (io.applet.run)(io).and_then(|status| {
        io.out.flush()?;
        Ok(status)
    });
    match outcome {
        Ok(status) => status,
        Err(Stop::Status(status)) => {
            let _ = io.out.flush();
            status
        }
        Err(Stop::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => 141,
        Err(Stop::Io(error)) => {
            io.complain(&format!("write error: {}", reason(&error)));
            1
        }
    }
}

/// The C library's words for an error.
pub(crate) fn reason(error: &io::Error) -> String {
    use io::ErrorKind as Kind;
    let known = match error.kind() {
        Kind::NotFound => "No such file or directory",
        Kind::PermissionDenied => "Permission denied",
        Kind::AlreadyExists => "File exists",
        Kind::IsADirectory => "Is a directory",
        Kind::NotADirectory => "Not a directory",
        Kind::DirectoryNotEmpty => "Directory not empty",
        Kind::ReadOnlyFilesystem => "Read-only file system",
        Kind::StorageFull | Kind::QuotaExceeded => "No space left on device",
        Kind::InvalidInput => "Invalid argument",
        Kind::CrossesDevices => "Invalid cross-device link",
        Kind::BrokenPipe => "Broken pipe",
        Kind::ConnectionRefused => "Connection refused",
        Kind::ConnectionReset => "Connection reset by peer",
        Kind::TimedOut => "Connection timed out",
        Kind::HostUnreachable => "No route to host",
        Kind::NetworkUnreachable => "Network is unreachable",
        Kind::AddrInUse => "Address already in use",
        Kind::AddrNotAvailable => "Cannot assign requested address",
        Kind::Unsupported => "Function not implemented",
        _ => {
            return error
                .to_string()
                .split(" (os error")
                .next()
                .unwrap_or_default()
                .to_owned();
        }
    };
    known.to_owned()
}

/// The operands, or standard input when there are none.
pub(crate) fn inputs(parsed: &Parsed) -> Vec<String> {
    if parsed.rest.is_empty() {
        vec!["-".into()]
    } else {
        parsed.rest.clone()
    }
}

/// A file as `head`, `sort` and `wc` open it.
pub(crate) fn open_plain(io: &mut Io<'_>, path: &str) -> Option<Box<dyn Read>> {
    if path == "-" {
        return Some(Box::new(io::stdin()));
    }
    match std::fs::File::open(path) {
        Ok(file) => Some(Box::new(file)),
        Err(error) => {
            io.complain(&format!("{path}: {}", reason(&error)));
            None
        }
    }
}
