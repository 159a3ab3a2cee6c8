//! Options: one definition a command, from which reading them and the help come.
//!
//! Never reads an option that is not in the table.

use crate::files::{Failure, complain};
use guest_tls::Digest;

/// What follows an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Nothing.
    Flag,
    /// Any text; the word stands in the help.
    Text(&'static str),
    /// A number that is not negative.
    Number,
    /// `PEM` or `DER`.
    Format,
    /// Nothing: the option's own name is a digest's (`-sha256`).
    Digest,
}

/// One option.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opt {
    /// Without its dash.
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) help: &'static str,
}

pub(crate) const fn flag(name: &'static str, help: &'static str) -> Opt {
    let kind = Kind::Flag;
    Opt { name, kind, help }
}

pub(crate) const fn text(name: &'static str, word: &'static str, help: &'static str) -> Opt {
    let kind = Kind::Text(word);
    Opt { name, kind, help }
}

pub(crate) const fn number(name: &'static str, help: &'static str) -> Opt {
    let kind = Kind::Number;
    Opt { name, kind, help }
}

pub(crate) const fn format(name: &'static str, help: &'static str) -> Opt {
    let kind = Kind::Format;
    Opt { name, kind, help }
}

pub(crate) const DIGEST: Opt = Opt {
    name: "*",
    kind: Kind::Digest,
    help: "Any supported digest",
};

/// A command of `openssl`.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) name: &'static str,
    /// What may follow the options; empty when nothing may.
    pub(crate) operands: &'static str,
    pub(crate) options: &'static [Opt],
    pub(crate) run: fn(&Parsed) -> Result<i32, Failure>,
}

/// The options that were given, in their order.
#[derive(Debug)]
pub(crate) struct Parsed {
    /// The command's name, for complaints.
    pub(crate) command: &'static str,
    pub(crate) given: Vec<(&'static str, String)>,
    pub(crate) rest: Vec<String>,
}

impl Parsed {
    pub(crate) fn has(&self, name: &str) -> bool {
        self.given.iter().any(|(given, _)| *given == name)
    }

    /// The last value given.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let mut all = self.given.iter().rev();
        all.find(|(given, _)| *given == name)
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        self.value(name).and_then(|value| value.parse().ok())
    }

    pub(crate) fn digest(&self) -> Digest {
        self.value("*")
            .and_then(Digest::named)
            .unwrap_or(Digest::Sha256)
    }

    /// A complaint that starts with the command's name and points at its help.
    pub(crate) fn misuse(&self, text: &str) -> Failure {
        misuse(self.command, text)
    }
}

fn misuse(command: &str, text: &str) -> Failure {
    complain(format!(
        "{command}: {text}\n{command}: Use -help for summary."
    ))
}

impl Command {
    /// Reads the arguments after the command's name.
    pub(crate) fn parse(&self, args: &[String]) -> Result<Parsed, Failure> {
        let mut parsed = Parsed {
            command: self.name,
            given: Vec::new(),
            rest: Vec::new(),
        };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let dashed = arg.strip_prefix("--").or(arg.strip_prefix('-'));
            let Some(name) = dashed.filter(|name| !name.is_empty()) else {
                parsed.rest.push(arg.clone());
                break;
            };
            let option = self.find(name).ok_or_else(|| self.unknown(arg, name))?;
            let value = match option.kind {
                Kind::Flag => String::new(),
                Kind::Digest => name.to_owned(),
                _ => {
                    let value = args.next().ok_or_else(|| {
                        misuse(self.name, &format!("Option -{name} needs a value"))
                    })?;
                    self.check(option, value)?;
                    value.clone()
                }
            };
            parsed.given.push((option.name, value));
        }
        parsed.rest.extend(args.cloned());
        if self.operands.is_empty() && !parsed.rest.is_empty() {
            return Err(complain(format!("{}: Use -help for summary.", self.name)));
        }
        Ok(parsed)
    }

    fn find(&self, name: &str) -> Option<&'static Opt> {
        let own = self.options.iter().find(|option| option.name == name);
        own.or_else(|| {
            let digest = Digest::named(name).filter(|digest| digest.name() == name);
            let any = self.options.iter().find(|option| option.name == "*");
            any.filter(|_| digest.is_some())
        })
    }

    fn unknown(&self, arg: &str, name: &str) -> Failure {
        let digests = self.options.iter().any(|option| option.name == "*");
        if digests {
            misuse(
                self.name,
                &format!("Unknown option or message digest: {name}"),
            )
        } else if self.name == "enc" {
            misuse(self.name, &format!("Unknown cipher: {name}"))
        } else {
            misuse(self.name, &format!("Unknown option: {arg}"))
        }
    }

    fn check(&self, option: &Opt, value: &str) -> Result<(), Failure> {
        let name = option.name;
        match option.kind {
            Kind::Number => match value.parse::<i64>() {
                Err(_) => Err(misuse(
                    self.name,
                    &format!("Can't parse \"{value}\" as a number"),
                )),
                Ok(negative) if negative < 0 => Err(misuse(
                    self.name,
                    &format!("Non-positive number \"{value}\" for option -{name}"),
                )),
                Ok(_) => Ok(()),
            },
            Kind::Format if !["PEM", "DER", "pem", "der"].contains(&value) => {
                Err(complain(format!(
                    "{0}: Bad format \"{value}\"\n{0}: Invalid format \"{value}\" for option -{name}\n{0}: Use -help for summary.",
                    self.name
                )))
            }
            _ => Ok(()),
        }
    }

    /// What `-help` prints.
    pub(crate) fn help(&self) -> String {
        let mut text = format!("Usage: {} [options]", self.name);
        if !self.operands.is_empty() {
            text.push(' ');
            text.push_str(self.operands);
        }
        text.push_str("\n\nValid options are:\n");
        let mut lines = vec![("-help".to_owned(), "Display this summary")];
        for option in self.options {
            let left = match option.kind {
                Kind::Flag | Kind::Digest => format!("-{}", option.name),
                Kind::Text(word) => format!("-{} {word}", option.name),
                Kind::Number => format!("-{} +int", option.name),
                Kind::Format => format!("-{} PEM|DER", option.name),
            };
            lines.push((left, option.help));
        }
        for (left, help) in lines {
            text.push_str(&format!(" {left:<26} {help}\n"));
        }
        text
    }
}
