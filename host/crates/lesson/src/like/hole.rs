//! One line of a sample: text and typed holes. Never sees more than a line.

use super::collapse;
use crate::template::{Captures, Part, parts};
use regex::Regex;

/// What a typed hole takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HoleType {
    Ip,
    Port,
    Age,
    Hash,
    Int,
    Word,
    Rest,
    Any,
}

impl HoleType {
    /// Every type with its name, for reading and for telling.
    pub(crate) const ALL: [(&'static str, Self); 8] = [
        ("ip", Self::Ip),
        ("port", Self::Port),
        ("age", Self::Age),
        ("hash", Self::Hash),
        ("int", Self::Int),
        ("word", Self::Word),
        ("rest", Self::Rest),
        ("*", Self::Any),
    ];

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, kind)| *kind)
    }

    fn regex(self) -> &'static str {
        match self {
            Self::Ip => r"(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]*:[0-9a-fA-F:]+)",
            Self::Port => r"\d{1,5}",
            Self::Age => r"(?:(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h|d|y))+|<unknown>|<invalid>)",
            Self::Hash => r"[a-z0-9]+",
            Self::Int => r"[+-]?\d+",
            Self::Word => r"\S+",
            Self::Rest => r".*",
            Self::Any => r".*?",
        }
    }
}

/// A hole as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Hole<'a> {
    /// `@(ip)`, `@(ip as name)`.
    Typed(HoleType, Option<&'a str>),
    /// `@(name)`: the value captured earlier.
    Known(&'a str),
}

impl<'a> Hole<'a> {
    /// Reads what stands between the parentheses; the error is in words.
    pub(crate) fn parse(hole: &'a str) -> Result<Self, String> {
        let mut words = hole.split_whitespace();
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some(kind), Some("as"), Some(name), None) => match HoleType::named(kind) {
                Some(kind) => Ok(Hole::Typed(kind, Some(name))),
                None => Err(format!(
                    "`@({hole})`: there is no hole of type `{kind}` (there are {})",
                    names()
                )),
            },
            (Some(name), None, ..) => {
                Ok(HoleType::named(name).map_or(Hole::Known(name), |kind| Hole::Typed(kind, None)))
            }
            _ => Err(format!(
                "`@({hole})` is neither `@(type)`, `@(type as name)` nor `@(name)`"
            )),
        }
    }
}

fn names() -> String {
    HoleType::ALL.map(|(name, _)| name).join(", ")
}

/// A line of a sample.
#[derive(Clone, Debug)]
pub(crate) struct Pattern<'a> {
    line: &'a str,
}

impl<'a> Pattern<'a> {
    /// Reads a line; the error is in words.
    pub(crate) fn new(line: &'a str) -> Result<Self, String> {
        for part in parts(line) {
            if let Part::Hole(hole) = part {
                Hole::parse(hole)?;
            }
        }
        Ok(Self { line })
    }

    /// Whether the line looks so; what its holes took goes into `captures`.
    pub(crate) fn check(&self, seen: &str, captures: &mut Captures) -> bool {
        let mut names = Vec::new();
        let Some(regex) = self.regex(captures, &mut names) else {
            return false;
        };
        let seen = collapse(seen);
        let Some(groups) = regex.captures(&seen) else {
            return false;
        };
        let mut found = Captures::new();
        for (i, name) in names.iter().enumerate() {
            let value = groups.get(i + 1).map_or("", |group| group.as_str()).trim();
            // The same name twice in one line must be the same value.
            if found.get(*name).is_some_and(|earlier| earlier != value) {
                return false;
            }
            found.insert((*name).to_owned(), value.to_owned());
        }
        captures.extend(found);
        true
    }

    fn regex(&self, captures: &Captures, names: &mut Vec<&'a str>) -> Option<Regex> {
        let line = self.line.trim();
        let mut source = String::from("^");
        for part in parts(line) {
            match part {
                Part::Text(text) => {
                    let inner = collapse(text);
                    let blank = |at_end: Option<char>| at_end.is_some_and(char::is_whitespace);
                    if blank(text.chars().next()) {
                        source.push(' ');
                    }
                    source.push_str(&regex::escape(&inner));
                    if !inner.is_empty() && blank(text.chars().last()) {
                        source.push(' ');
                    }
                }
                Part::Hole(hole) => match Hole::parse(hole).ok()? {
                    Hole::Typed(kind, None) => source.push_str(kind.regex()),
                    Hole::Typed(kind, Some(name)) => {
                        names.push(name);
                        source.extend(["(", kind.regex(), ")"]);
                    }
                    Hole::Known(name) => {
                        source.push_str(&regex::escape(&collapse(captures.get(name)?)))
                    }
                },
            }
        }
        source.push('$');
        // `.*` next to a blank may take nothing, blank included.
        let source = source
            .replace(" .*$", "(?: .*)?$")
            .replace(" (.*)$", "(?: (.*))?$");
        Regex::new(&source).ok()
    }
}
