//! Expansion: from words to fields.
//!
//! Tilde, parameters, command substitution, arithmetic; then field splitting; then patterns.
//! It reads files only to match patterns, and runs programs only through the shell it is given.

use super::arith;
use super::ast::{Operation, Parameter, Part, Word};
use super::pattern;
use super::state::{Flow, Shell};

/// A piece of an expanded word.
#[derive(Clone, Debug)]
enum Piece {
    /// Patterns in it count, spaces do not.
    Literal(String),
    /// Nothing in it counts.
    Quoted(String),
    /// The result of an unquoted expansion: spaces and patterns count.
    Split(String),
    /// Between two positional parameters.
    Break,
}

type Field = Vec<Piece>;

impl Shell {
    /// The fields of several words, split and globbed.
    pub(crate) fn expand_words(&mut self, words: &[Word]) -> Result<Vec<String>, Flow> {
        let mut fields = Vec::with_capacity(words.len());
        for word in words {
            if let Some(text) = word.plain()
                && (text == "[" || !text.contains(['*', '?', '[']))
            {
                fields.push(text.to_owned());
                continue;
            }
            let mut pieces = Vec::new();
            self.pieces(&word.0, false, &mut pieces)?;
            let ifs = self.ifs();
            for field in split(pieces, &ifs) {
                self.glob(field, &mut fields);
            }
        }
        Ok(fields)
    }

    /// One word as one string, neither split nor globbed.
    pub(crate) fn expand_string(&mut self, word: &Word) -> Result<String, Flow> {
        if let Some(text) = word.plain() {
            return Ok(text.to_owned());
        }
        let mut pieces = Vec::new();
        self.pieces(&word.0, false, &mut pieces)?;
        Ok(text_of(pieces))
    }

    /// One word as a pattern: what was quoted is escaped.
    pub(crate) fn expand_pattern(&mut self, word: &Word) -> Result<String, Flow> {
        let mut pieces = Vec::new();
        self.pieces(&word.0, false, &mut pieces)?;
        Ok(pattern_of(&pieces))
    }

    pub(crate) fn ifs(&self) -> String {
        self.get("IFS").unwrap_or(" \t\n").to_owned()
    }

    fn glob(&self, field: Field, fields: &mut Vec<String>) {
        let open = |piece: &Piece| matches!(piece, Piece::Literal(text) | Piece::Split(text) if text.contains(['*', '?', '[']));
        if !self.options.noglob && field.iter().any(open) {
            let pattern = pattern_of(&field);
            if pattern::has_special(&pattern) {
                let found = pattern::glob(&pattern);
                if !found.is_empty() {
                    fields.extend(found);
                    return;
                }
            }
        }
        fields.push(text_of(field));
    }

    fn pieces(&mut self, parts: &[Part], quoted: bool, out: &mut Field) -> Result<(), Flow> {
        for part in parts {
            match part {
                Part::Text(text) if quoted => out.push(Piece::Quoted(text.clone())),
                Part::Text(text) => out.push(Piece::Literal(text.clone())),
                Part::Quoted(text) => out.push(Piece::Quoted(text.clone())),
                Part::Double(inner) => self.double(inner, out)?,
                Part::Tilde(user) => out.push(Piece::Quoted(self.tilde(user))),
                Part::Substitution(list) => {
                    let text = self.substitute(list)?;
                    out.push(value_piece(text, quoted));
                }
                Part::Arithmetic(word) => {
                    let text = self.expand_string(word)?;
                    let value = self.arithmetic(&text)?;
                    out.push(value_piece(value.to_string(), quoted));
                }
                Part::Parameter(parameter) => self.parameter(parameter, quoted, out)?,
            }
        }
        Ok(())
    }

    /// Between double quotes: `"$@"` may vanish, everything else leaves at least an empty field.
    fn double(&mut self, inner: &[Part], out: &mut Field) -> Result<(), Flow> {
        let before = out.len();
        self.pieces(inner, true, out)?;
        let only_all = inner.iter().any(is_all);
        if out.len() == before && !only_all {
            out.push(Piece::Quoted(String::new()));
        }
        Ok(())
    }

    fn tilde(&self, user: &str) -> String {
        match user {
            "" => self.get("HOME").unwrap_or("~").to_owned(),
            "root" => "/root".into(),
            user => format!("~{user}"),
        }
    }

    pub(crate) fn arithmetic(&mut self, text: &str) -> Result<i64, Flow> {
        arith::evaluate(text, self).map_err(|message| self.fail(&message))
    }

    /// The value of a parameter that is not `$@` or `$*`.
    fn value(&self, name: &str) -> Option<String> {
        let value = match name {
            "?" => self.status.to_string(),
            "$" => self.shell_pid.to_string(),
            "#" => self.params.len().to_string(),
            "-" => self.options.letters(),
            "!" => return self.last_background.map(|pid| pid.to_string()),
            "0" => self.name.clone(),
            "LINENO" => self.line.to_string(),
            "RANDOM" => random().to_string(),
            "PPID" => parent().to_string(),
            "@" | "*" => self.joined(),
            _ if name.starts_with(|c: char| c.is_ascii_digit()) => {
                let index = name.parse::<usize>().ok()?.checked_sub(1)?;
                return self.params.get(index).cloned();
            }
            _ => return self.get(name).map(str::to_owned),
        };
        Some(value)
    }

    /// `"$*"`.
    fn joined(&self) -> String {
        if self.params.is_empty() {
            return String::new();
        }
        let separator = match self.get("IFS") {
            None => " ".to_owned(),
            Some(ifs) => ifs.chars().take(1).collect(),
        };
        self.params.join(&separator)
    }

    fn all_parameters(&self, star: bool, quoted: bool, out: &mut Field) {
        if quoted && star {
            out.push(Piece::Quoted(self.joined()));
            return;
        }
        for (index, value) in self.params.iter().enumerate() {
            if index > 0 {
                out.push(Piece::Break);
            }
            out.push(value_piece(value.clone(), quoted));
        }
    }

    fn parameter(
        &mut self,
        parameter: &Parameter,
        quoted: bool,
        out: &mut Field,
    ) -> Result<(), Flow> {
        let name = parameter.name.as_str();
        let value = self.value(name);
        let missing = |or_empty: bool, value: &Option<String>| match value {
            None => true,
            Some(value) => or_empty && value.is_empty(),
        };
        match &parameter.operation {
            Operation::Default(or_empty, word) if missing(*or_empty, &value) => {
                return self.operand(word, quoted, out);
            }
            Operation::Alternative(or_empty, word) => {
                if !missing(*or_empty, &value) {
                    return self.operand(word, quoted, out);
                }
                if quoted {
                    out.push(Piece::Quoted(String::new()));
                }
                return Ok(());
            }
            Operation::Assign(or_empty, word) if missing(*or_empty, &value) => {
                let text = self.expand_string(word)?;
                self.set(name, text.clone())?;
                out.push(value_piece(text, quoted));
                return Ok(());
            }
            Operation::Complain(or_empty, word) if missing(*or_empty, &value) => {
                let mut message = self.expand_string(word)?;
                if message.is_empty() {
                    message = if *or_empty {
                        "parameter not set or null"
                    } else {
                        "parameter not set"
                    }
                    .into();
                }
                return Err(self.fail(&format!("{name}: {message}")));
            }
            Operation::Plain
            | Operation::Default(..)
            | Operation::Assign(..)
            | Operation::Complain(..)
                if name == "@" || name == "*" =>
            {
                self.all_parameters(name == "*", quoted, out);
                return Ok(());
            }
            _ => {}
        }
        if value.is_none() && self.options.nounset && !matches!(name, "@" | "*" | "!") {
            return Err(self.fail(&format!("{name}: parameter not set")));
        }
        let text = self.transformed(&parameter.operation, value.unwrap_or_default())?;
        out.push(value_piece(text, quoted));
        Ok(())
    }

    /// The word of `${x:-word}`: its own quotes count, as does whether all of it is quoted.
    fn operand(&mut self, word: &Word, quoted: bool, out: &mut Field) -> Result<(), Flow> {
        if quoted {
            return self.double(&word.0, out);
        }
        let mut inner = Vec::new();
        self.pieces(&word.0, false, &mut inner)?;
        out.extend(inner.into_iter().map(|piece| match piece {
            Piece::Literal(text) => Piece::Split(text),
            piece => piece,
        }));
        Ok(())
    }

    fn transformed(&mut self, operation: &Operation, value: String) -> Result<String, Flow> {
        Ok(match operation {
            Operation::Length => value.chars().count().to_string(),
            Operation::TrimStart(longest, word) => {
                let pattern = self.expand_pattern(word)?;
                trim_start(&value, &pattern, *longest)
            }
            Operation::TrimEnd(longest, word) => {
                let pattern = self.expand_pattern(word)?;
                trim_end(&value, &pattern, *longest)
            }
            Operation::Replace(all, pattern, replacement) => {
                let pattern = self.expand_pattern(pattern)?;
                let replacement = self.expand_string(replacement)?;
                replace(&value, &pattern, &replacement, *all)
            }
            Operation::Slice(offset, length) => {
                let offset = self.expand_string(offset)?;
                let offset = self.arithmetic(&offset)?;
                let length = match length {
                    Some(length) => {
                        let length = self.expand_string(length)?;
                        Some(self.arithmetic(&length)?)
                    }
                    None => None,
                };
                slice(&value, offset, length)
            }
            _ => value,
        })
    }
}

impl arith::Variables for Shell {
    fn get(&mut self, name: &str) -> Result<String, String> {
        // As in ash, `set -u` does not look here.
        Ok(self.value(name).unwrap_or_default())
    }

    fn set(&mut self, name: &str, value: i64) -> Result<(), String> {
        Self::set(self, name, value.to_string()).map_err(|_| String::new())
    }
}

/// The process that started this one.
fn parent() -> u32 {
    let own = guest_kit::process::pid();
    let all = guest_kit::process::processes();
    all.iter().find(|it| it.pid == own).map_or(0, |it| it.ppid)
}

/// A number below 32768, as far as the host's randomness is random.
fn random() -> u64 {
    std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0) % 32_768
}

fn is_all(part: &Part) -> bool {
    matches!(part, Part::Parameter(parameter) if parameter.name == "@")
}

fn value_piece(text: String, quoted: bool) -> Piece {
    if quoted {
        Piece::Quoted(text)
    } else {
        Piece::Split(text)
    }
}

fn text_of(pieces: Field) -> String {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Literal(part) | Piece::Quoted(part) | Piece::Split(part) => text.push_str(&part),
            Piece::Break => text.push(' '),
        }
    }
    text
}

fn pattern_of(pieces: &[Piece]) -> String {
    let mut pattern = String::new();
    for piece in pieces {
        match piece {
            Piece::Literal(text) | Piece::Split(text) => pattern.push_str(text),
            Piece::Quoted(text) => pattern::escape(text, &mut pattern),
            Piece::Break => pattern.push(' '),
        }
    }
    pattern
}

/// Cuts expanded text at the characters of `IFS`.
fn split(pieces: Vec<Piece>, ifs: &str) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut current: Option<Field> = None;
    // A field has just been ended by white space, which a following `:` or so belongs to.
    let mut blank_ended = false;
    for piece in pieces {
        match piece {
            Piece::Break => {
                fields.extend(current.take());
                blank_ended = false;
            }
            Piece::Split(text) => {
                let mut run = String::new();
                for c in text.chars() {
                    if !ifs.contains(c) {
                        run.push(c);
                        continue;
                    }
                    if !run.is_empty() {
                        let run = std::mem::take(&mut run);
                        current.get_or_insert_default().push(Piece::Split(run));
                        blank_ended = false;
                    }
                    let ended = current.take();
                    if " \t\n".contains(c) {
                        blank_ended |= ended.is_some();
                        fields.extend(ended);
                    } else if ended.is_some() || !blank_ended {
                        fields.push(ended.unwrap_or_default());
                        blank_ended = false;
                    } else {
                        blank_ended = false;
                    }
                }
                if !run.is_empty() {
                    current.get_or_insert_default().push(Piece::Split(run));
                    blank_ended = false;
                }
            }
            piece => {
                current.get_or_insert_default().push(piece);
                blank_ended = false;
            }
        }
    }
    fields.extend(current);
    fields
}

fn trim_start(value: &str, pattern: &str, longest: bool) -> String {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = value.chars().collect();
    let fits = |length: &usize| pattern::matches_chars(&pattern, &text[..*length]);
    let length = if longest {
        (0..=text.len()).rev().find(fits)
    } else {
        (0..=text.len()).find(fits)
    };
    text[length.unwrap_or(0)..].iter().collect()
}

fn trim_end(value: &str, pattern: &str, longest: bool) -> String {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = value.chars().collect();
    let fits = |start: &usize| pattern::matches_chars(&pattern, &text[*start..]);
    let start = if longest {
        (0..=text.len()).find(fits)
    } else {
        (0..=text.len()).rev().find(fits)
    };
    text[..start.unwrap_or(text.len())].iter().collect()
}

fn replace(value: &str, pattern: &str, replacement: &str, all: bool) -> String {
    if pattern.is_empty() {
        return value.to_owned();
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = value.chars().collect();
    let mut out = String::new();
    let mut at = 0;
    while at <= text.len() {
        let end = (at..=text.len())
            .rev()
            .find(|end| pattern::matches_chars(&pattern, &text[at..*end]));
        match end {
            Some(end) if end > at => {
                out.push_str(replacement);
                at = end;
                if !all {
                    break;
                }
            }
            _ => {
                out.extend(text.get(at));
                at += 1;
            }
        }
    }
    out.extend(text.get(at..).unwrap_or_default());
    out
}

fn slice(value: &str, offset: i64, length: Option<i64>) -> String {
    let text: Vec<char> = value.chars().collect();
    let count = i64::try_from(text.len()).unwrap_or(i64::MAX);
    let start = if offset < 0 {
        (count + offset).max(0)
    } else {
        offset.min(count)
    };
    let end = match length {
        None => count,
        Some(length) if length < 0 => (count + length).max(start),
        Some(length) => start.saturating_add(length).min(count),
    };
    let index = |at: i64| usize::try_from(at).unwrap_or(0);
    text[index(start)..index(end)].iter().collect()
}
