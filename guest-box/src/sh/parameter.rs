//! Parameters: their values, their defaults, what is done to them.
//!
//! Never splits a value into fields; that is [`super::expand`]'s.

use super::arith;
use super::ast::{Operation, Parameter, Word};
use super::expand::{Field, Piece, value_piece};
use super::state::{Flow, Shell};
use super::transform::{replace, slice, trim_end, trim_start};

impl Shell {
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

    pub(super) fn parameter(
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
