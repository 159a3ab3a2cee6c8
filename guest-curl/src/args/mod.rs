//! The command line of curl: options to what they ask for. It opens no connection; it reads the files
//! that options name.
//! An option that this curl lacks is refused by name; it is never passed over.

mod apply;
mod config;
mod data;
mod help;
mod method;
mod number;
mod operation;
mod table;

use crate::voice::Voice;

pub(crate) use config::add_default as add_default_config;
pub(crate) use help::help;
pub(crate) use method::Request;
pub(crate) use operation::{Auth, Trace};
pub use operation::{Global, Node, Operation, Output, Part, PartBody, TimeCondition};
use table::{Does, OPTIONS, Opt, Takes};

/// A whole command line.
#[derive(Debug, Default)]
pub struct Command {
    /// What holds for all.
    pub global: Global,
    /// The parts between `--next`.
    pub operations: Vec<Operation>,
}

impl Command {
    /// Nothing yet.
    pub fn new() -> Self {
        Self {
            global: Global::default(),
            operations: vec![Operation::default()],
        }
    }

    fn current(&mut self) -> &mut Operation {
        if self.operations.is_empty() {
            self.operations.push(Operation::default());
        }
        let last = self.operations.len() - 1;
        &mut self.operations[last]
    }
}

/// Why there is nothing to transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// `--help`, with the category that was named.
    Help(Option<String>),
    /// `--version`
    Version,
    /// `--manual`
    Manual,
    /// A mistake: the exit code and the words after `curl: `, if there are any.
    Wrong(u8, String),
}

/// What is wrong with one option, before its name is put in front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    Unknown,
    Ambiguous,
    Missing,
    BadUse,
    Number,
    Negative,
    TooLarge,
    Unsupported,
    NotBoolean,
    Protocol,
    Read,
    Stop(Stop),
}

impl Problem {
    pub(crate) fn words(&self) -> &'static str {
        match self {
            Self::Unknown => "is unknown",
            Self::Ambiguous => "is ambiguous",
            Self::Missing => "requires parameter",
            Self::BadUse => "is badly used here",
            Self::Number => "expected a proper numerical parameter",
            Self::Negative => "expected a positive numerical parameter",
            Self::TooLarge => "too large number",
            Self::Unsupported => "the installed libcurl version doesn't support this",
            Self::NotBoolean => "used '--no-' for option that isn't a boolean",
            Self::Protocol => "a specified protocol is unsupported by libcurl",
            Self::Read => "error encountered when reading a file",
            Self::Stop(_) => "",
        }
    }

    fn stop(self, option: &str) -> Stop {
        match self {
            Self::Stop(stop) => stop,
            Self::Protocol => Stop::Wrong(1, format!("option {option}: {}", self.words())),
            Self::Read => Stop::Wrong(26, format!("option {option}: {}", self.words())),
            other => Stop::Wrong(2, format!("option {option}: {}", other.words())),
        }
    }
}

/// An option as it was written, and what may follow it.
pub(crate) struct Found {
    pub(crate) opt: &'static Opt,
    /// Whether it is switched on.
    pub(crate) on: bool,
}

/// Understands the arguments. Warnings are said at once.
///
/// # Errors
/// When nothing is to be transferred, because of a mistake or because something else was asked for.
pub fn parse(command: &mut Command, args: &[String], voice: &Voice) -> Result<(), Stop> {
    let mut only_urls = false;
    let mut args = args.iter().peekable();
    while let Some(arg) = args.next() {
        if only_urls || !arg.starts_with('-') || arg == "-" {
            command.current().add_url(arg);
        } else if arg == "--" {
            only_urls = true;
        } else {
            let next = args.peek().map(|next| next.as_str());
            let used = option(command, arg, next, voice).map_err(|problem| problem.stop(arg))?;
            if used {
                args.next();
            }
        }
    }
    if command.current().content_disposition {
        let operation = command.current();
        if operation.include {
            return Err(Stop::Wrong(
                2,
                "showing headers and --remote-header-name cannot be combined".to_owned(),
            ));
        }
        if operation.resume.is_some() {
            return Err(Stop::Wrong(
                2,
                "--continue-at and --remote-header-name cannot be combined".to_owned(),
            ));
        }
    }
    Ok(())
}

/// One argument with its letters or its name; whether it used the next argument too.
pub(crate) fn option(
    command: &mut Command,
    arg: &str,
    next: Option<&str>,
    voice: &Voice,
) -> Result<bool, Problem> {
    if let Some(name) = arg.strip_prefix("--") {
        let found = long(name)?;
        if found.opt.name == "help" && found.on {
            return Err(Problem::Stop(Stop::Help(next.map(str::to_owned))));
        }
        if !found.opt.has_value() {
            apply::apply(command, &found, "", voice)?;
            return Ok(false);
        }
        let value = next.ok_or(Problem::Missing)?;
        warn_of_flag(&found, value, voice);
        apply::apply(command, &found, value, voice)?;
        return Ok(true);
    }
    let letters = &arg[1..];
    for (at, letter) in letters.char_indices() {
        let opt = OPTIONS
            .iter()
            .find(|opt| opt.letter == letter && letter != ' ')
            .ok_or(Problem::Unknown)?;
        let found = Found {
            opt,
            on: opt.takes != Takes::No,
        };
        if opt.has_value() {
            let rest = &letters[at + letter.len_utf8()..];
            let (value, used) = match rest {
                "" => (next.ok_or(Problem::Missing)?, true),
                rest => (rest, false),
            };
            if used {
                warn_of_flag(&found, value, voice);
            }
            apply::apply(command, &found, value, voice)?;
            return Ok(used);
        }
        if letter == 'h' {
            return Err(Problem::Stop(Stop::Help(next.map(str::to_owned))));
        }
        apply::apply(command, &found, "", voice)?;
    }
    Ok(false)
}

fn warn_of_flag(found: &Found, value: &str, voice: &Voice) {
    if found.opt.takes == Takes::File && value.len() > 1 && value.starts_with('-') {
        voice.warn(&format!(
            "The file name argument '{value}' looks like a flag."
        ));
    }
}

impl Opt {
    pub(crate) fn has_value(&self) -> bool {
        matches!(self.takes, Takes::Text | Takes::File)
    }
}

/// The option of a name or of an unambiguous beginning; what `--no-` precedes must be whole.
fn long(name: &str) -> Result<Found, Problem> {
    let (name, on) = match name.strip_prefix("no-") {
        Some(rest) => (rest, false),
        None => (name, true),
    };
    let exact = OPTIONS.iter().find(|opt| opt.name == name);
    let opt = match exact {
        Some(opt) => opt,
        None if !on || name.is_empty() => return Err(Problem::Unknown),
        None => {
            let mut fitting = OPTIONS.iter().filter(|opt| opt.name.starts_with(name));
            match (fitting.next(), fitting.next()) {
                (Some(opt), None) => opt,
                (Some(_), Some(_)) => return Err(Problem::Ambiguous),
                (None, _) => return Err(Problem::Unknown),
            }
        }
    };
    match opt.takes {
        Takes::Bool | Takes::No => {}
        Takes::Flag | Takes::Text | Takes::File if !on => return Err(Problem::NotBoolean),
        _ => {}
    }
    Ok(Found { opt, on })
}

/// Refuses what is refused before anything is made of it.
pub(crate) fn works(found: &Found) -> Result<bool, Problem> {
    match found.opt.does {
        Does::Works { .. } => Ok(true),
        Does::Inert(_) => Ok(false),
        // Switched off it asks for nothing.
        Does::Refused if !found.on => Ok(false),
        Does::Refused => Err(Problem::Unsupported),
    }
}
