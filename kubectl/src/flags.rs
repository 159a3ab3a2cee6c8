//! Flags and commands as data, and parsing arguments by them.
//!
//! One table entry says what a command takes and does; what is said about it, and which flags the stock client has
//! besides those that are honoured here, is in `words`.

use std::collections::BTreeMap;

use crate::fail::{Fail, Outcome, quoted};
use crate::session::Session;
use crate::text::time;
use crate::words;

/// What a flag takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Bool,
    Text,
    Int,
    Duration,
    /// Repeatable; commas separate too.
    List,
    /// Repeatable; commas are part of the value.
    Array,
    /// A value after `=`, or this one when there is none.
    Optional(&'static str),
}

/// One flag.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Flag {
    pub(crate) long: &'static str,
    pub(crate) short: char,
    pub(crate) kind: Kind,
    pub(crate) default: &'static str,
}

/// A flag without a short form.
pub(crate) const fn flag(long: &'static str, kind: Kind, default: &'static str) -> Flag {
    Flag {
        long,
        short: ' ',
        kind,
        default,
    }
}

/// A flag with a short form.
pub(crate) const fn short(
    short: char,
    long: &'static str,
    kind: Kind,
    default: &'static str,
) -> Flag {
    Flag {
        long,
        short,
        kind,
        default,
    }
}

pub(crate) type Run = fn(&mut Session<'_, '_>, &Parsed) -> Outcome;

/// One command.
pub(crate) struct Command {
    pub(crate) name: &'static str,
    pub(crate) aliases: &'static [&'static str],
    pub(crate) flags: &'static [&'static [Flag]],
    pub(crate) subcommands: &'static [Self],
    pub(crate) run: Run,
}

impl Command {
    pub(crate) fn find(commands: &'static [Self], name: &str) -> Option<&'static Self> {
        commands
            .iter()
            .find(|command| command.name == name || command.aliases.contains(&name))
    }
}

/// The arguments of a command, sorted into flags and the rest.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    /// `create deployment`.
    pub(crate) path: String,
    pub(crate) args: Vec<String>,
    /// How many of `args` stood before `--`.
    pub(crate) dash: Option<usize>,
    values: BTreeMap<&'static str, Vec<String>>,
    flags: Vec<&'static Flag>,
}

impl Parsed {
    /// Sorts `words` by the flags of a command and the global ones.
    pub(crate) fn parse(path: &str, words: &[String], flags: Vec<&'static Flag>) -> Outcome<Self> {
        let mut parsed = Self {
            path: path.to_owned(),
            flags,
            ..Self::default()
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if word == "--" {
                parsed.dash = Some(parsed.args.len());
                parsed.args.extend(words.by_ref().cloned());
            } else if let Some(long) = word.strip_prefix("--") {
                parsed.long(long, &mut words)?;
            } else if word.len() > 1 && word.starts_with('-') {
                parsed.shorts(&word[1..], &mut words)?;
            } else {
                parsed.args.push(word.clone());
            }
        }
        Ok(parsed)
    }

    fn complain(&self, text: String) -> Fail {
        let path = if self.path.is_empty() {
            "kubectl".to_owned()
        } else {
            format!("kubectl {}", self.path)
        };
        Fail::Raw(format!("error: {text}\nSee '{path} --help' for usage."))
    }

    /// Fails for what the stock client has and this lab has not.
    fn refuse(&self, is: impl Fn(&words::Told) -> bool) -> Outcome {
        let told = words::flags(&self.path).into_iter();
        match told.chain(words::flags("options")).find(is) {
            Some(told) => Err(Fail::not_in_lab(&format!("--{}", told.long))),
            None => Ok(()),
        }
    }

    fn long(&mut self, text: &str, words: &mut std::slice::Iter<'_, String>) -> Outcome {
        let (name, value) = text
            .split_once('=')
            .map_or((text, None), |(name, value)| (name, Some(value.to_owned())));
        let Some(flag) = self.flags.iter().find(|flag| flag.long == name).copied() else {
            self.refuse(|told| told.long == name)?;
            return Err(self.complain(format!("unknown flag: --{name}")));
        };
        let value = match (value, flag.kind) {
            (Some(value), _) => value,
            (None, Kind::Bool) => "true".to_owned(),
            (None, Kind::Optional(value)) => value.to_owned(),
            (None, _) => words
                .next()
                .cloned()
                .ok_or_else(|| self.complain(format!("flag needs an argument: --{name}")))?,
        };
        self.store(flag, value)
    }

    fn shorts(&mut self, text: &str, words: &mut std::slice::Iter<'_, String>) -> Outcome {
        let mut rest = text;
        while let Some(letter) = rest.chars().next() {
            let Some(flag) = self.flags.iter().find(|flag| flag.short == letter).copied() else {
                self.refuse(|told| told.short == Some(letter))?;
                return Err(self.complain(format!("unknown shorthand flag: '{letter}' in -{rest}")));
            };
            let after = &rest[letter.len_utf8()..];
            if let Some(value) = after.strip_prefix('=') {
                return self.store(flag, value.to_owned());
            }
            match flag.kind {
                Kind::Bool => self.store(flag, "true".to_owned())?,
                Kind::Optional(value) => self.store(flag, value.to_owned())?,
                _ if !after.is_empty() => return self.store(flag, after.to_owned()),
                _ => {
                    let value = words.next().cloned().ok_or_else(|| {
                        self.complain(format!("flag needs an argument: '{letter}' in -{rest}"))
                    })?;
                    return self.store(flag, value);
                }
            }
            rest = after;
        }
        Ok(())
    }

    fn store(&mut self, flag: &'static Flag, value: String) -> Outcome {
        let name = if flag.short == ' ' {
            format!("--{}", flag.long)
        } else {
            format!("-{}, --{}", flag.short, flag.long)
        };
        let wrong = |why: String| {
            self.complain(format!(
                "invalid argument {} for {} flag: {why}",
                quoted(&value),
                quoted(&name)
            ))
        };
        match flag.kind {
            Kind::Bool
                if !matches!(
                    value.as_str(),
                    "true" | "false" | "1" | "0" | "t" | "f" | "True" | "False" | "TRUE" | "FALSE"
                ) =>
            {
                return Err(wrong(format!(
                    "strconv.ParseBool: parsing {}: invalid syntax",
                    quoted(&value)
                )));
            }
            Kind::Int if value.parse::<i64>().is_err() => {
                return Err(wrong(format!(
                    "strconv.ParseInt: parsing {}: invalid syntax",
                    quoted(&value)
                )));
            }
            Kind::Duration if time::parse_duration(&value).is_none() => {
                let why = if value.parse::<f64>().is_ok() {
                    "missing unit in"
                } else {
                    "invalid"
                };
                return Err(wrong(format!("time: {why} duration {}", quoted(&value))));
            }
            _ => {}
        }
        let values = self.values.entry(flag.long).or_default();
        match flag.kind {
            Kind::List => values.extend(value.split(',').map(str::to_owned)),
            Kind::Array => values.push(value),
            _ => *values = vec![value],
        }
        Ok(())
    }

    /// Whether the flag was set by the user.
    pub(crate) fn given(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// The value or the default.
    pub(crate) fn text(&self, name: &str) -> &str {
        match self.values.get(name).and_then(|values| values.last()) {
            Some(value) => value,
            None => self
                .flags
                .iter()
                .find(|flag| flag.long == name)
                .map_or("", |flag| flag.default),
        }
    }

    pub(crate) fn is(&self, name: &str) -> bool {
        matches!(self.text(name), "true" | "1" | "t" | "True" | "TRUE")
    }

    pub(crate) fn int(&self, name: &str) -> i64 {
        self.text(name).parse().unwrap_or_default()
    }

    /// Nanoseconds.
    pub(crate) fn duration(&self, name: &str) -> i64 {
        time::parse_duration(self.text(name)).unwrap_or_default()
    }

    pub(crate) fn list(&self, name: &str) -> &[String] {
        self.values.get(name).map_or(&[], Vec::as_slice)
    }

    /// The command in one line: its arguments, then its flags by name.
    pub(crate) fn cause(&self) -> String {
        let mut words = vec![format!("kubectl {}", self.path)];
        words.extend(self.args.iter().cloned());
        for (name, values) in &self.values {
            let listed = self.flags.iter().any(|flag| {
                flag.long == *name
                    && matches!(flag.kind, Kind::List | Kind::Array)
                    && values.len() > 1
            });
            let value = values.join(",");
            words.push(if listed {
                format!("--{name}=[{value}]")
            } else {
                format!("--{name}={value}")
            });
        }
        words.join(" ")
    }

    /// The arguments before `--`, or all of them.
    pub(crate) fn before_dash(&self) -> &[String] {
        &self.args[..self.dash.unwrap_or(self.args.len())]
    }

    /// The arguments after `--`.
    pub(crate) fn after_dash(&self) -> &[String] {
        self.dash.map_or(&[], |at| &self.args[at..])
    }

    /// `none`, `client` or `server`.
    pub(crate) fn dry_run(&self) -> Outcome<&str> {
        match self.text("dry-run") {
            "" | "none" => Ok("none"),
            kind @ ("client" | "server") => Ok(kind),
            // Deprecated, and said so when the flags were read.
            "unchanged" => Ok("client"),
            other => Err(Fail::message(format!(
                "Invalid dry-run value ({other}). Must be \"none\", \"server\", or \"client\"."
            ))),
        }
    }
}
