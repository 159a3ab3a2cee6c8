//! Expansion: from words to fields.
//!
//! Tilde, parameters, command substitution, arithmetic; then field splitting; then patterns.
//! It reads files only to match patterns, and runs programs only through the shell it is given.

use super::arith;
use super::ast::{Part, Word};
use super::pattern;
use super::state::{Flow, Shell};

/// A piece of an expanded word.
#[derive(Clone, Debug)]
pub(super) enum Piece {
    /// Patterns in it count, spaces do not.
    Literal(String),
    /// Nothing in it counts.
    Quoted(String),
    /// The result of an unquoted expansion: spaces and patterns count.
    Split(String),
    /// Between two positional parameters.
    Break,
}

pub(super) type Field = Vec<Piece>;

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

    pub(super) fn pieces(
        &mut self,
        parts: &[Part],
        quoted: bool,
        out: &mut Field,
    ) -> Result<(), Flow> {
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
    pub(super) fn double(&mut self, inner: &[Part], out: &mut Field) -> Result<(), Flow> {
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
}

fn is_all(part: &Part) -> bool {
    matches!(part, Part::Parameter(parameter) if parameter.name == "@")
}

pub(super) fn value_piece(text: String, quoted: bool) -> Piece {
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
