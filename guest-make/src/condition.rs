//! `ifeq`, `ifdef` and their relatives: which lines count.
//!
//! Never looks at what the lines say.

use super::read::Reader;
use super::{Make, Result, text};

/// One `ifeq` and what is behind it.
pub(crate) struct Condition {
    /// Lines count here.
    pub(crate) active: bool,
    /// One of its branches was taken.
    taken: bool,
    in_else: bool,
    /// Lines count around it.
    outside: bool,
}

impl Make {
    /// Whether the line was about a conditional.
    pub(crate) fn conditional(&mut self, reader: &mut Reader<'_>, line: &str) -> Result<bool> {
        let (word, rest) = text::first_word(line);
        let outside = reader.conditions.iter().all(|it| it.active);
        match word {
            "ifeq" | "ifneq" | "ifdef" | "ifndef" => {
                let met = outside && self.condition(word, rest)?;
                reader.conditions.push(Condition {
                    active: met,
                    taken: met,
                    in_else: false,
                    outside,
                });
            }
            "else" => {
                let Some(mut it) = reader.conditions.pop() else {
                    return Err(self.stop("extraneous 'else'"));
                };
                if it.in_else {
                    return Err(self.stop("only one 'else' per conditional"));
                }
                let (again, condition) = text::first_word(rest);
                it.active = if again.starts_with("if") {
                    it.outside && !it.taken && self.condition(again, condition)?
                } else {
                    it.in_else = true;
                    it.outside && !it.taken
                };
                it.taken |= it.active;
                reader.conditions.push(it);
            }
            "endif" => {
                if reader.conditions.pop().is_none() {
                    return Err(self.stop("extraneous 'endif'"));
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn condition(&mut self, word: &str, rest: &str) -> Result<bool> {
        let rest = rest.trim();
        if matches!(word, "ifdef" | "ifndef") {
            let name = self.expand(rest)?;
            let defined = self
                .lookup(name.trim())
                .is_some_and(|it| !it.value.is_empty());
            return Ok(defined == (word == "ifdef"));
        }
        let quoted = rest.chars().next().filter(|c| matches!(c, '\'' | '"'));
        let sides = match quoted {
            None => rest.strip_prefix('(').and_then(|inner| {
                let comma = text::find_comma(inner)?;
                let end = comma + 1 + text::closing(&inner[comma + 1..], '(', ')')?;
                Some((
                    inner[..comma].trim_end(),
                    inner[comma + 1..end].trim_start(),
                ))
            }),
            Some(quote) => rest[1..].split_once(quote).and_then(|(left, rest)| {
                let rest = rest.trim_start();
                let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
                Some((left, rest[1..].split_once(quote)?.0))
            }),
        };
        let Some((left, right)) = sides else {
            return Err(self.stop("invalid syntax in conditional"));
        };
        Ok((self.expand(left)? == self.expand(right)?) == (word == "ifeq"))
    }
}
