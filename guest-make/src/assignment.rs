//! Assignments: how a line is read as one, and what it makes of a variable.
//!
//! Never reads a rule.

use super::variable::{Origin, Variable};
use super::{Make, Result, text};

/// `NAME op value`.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    pub(crate) name: String,
    pub(crate) operator: &'static str,
    pub(crate) value: String,
    pub(crate) overrides: bool,
    pub(crate) export: bool,
}

impl Make {
    /// Carries out an assignment.
    pub(crate) fn assign(&mut self, assignment: &Assignment, origin: Origin) -> Result<()> {
        let name = self.expand(&assignment.name)?.trim().to_owned();
        if name.is_empty() {
            return Err(self.stop("empty variable name"));
        }
        let known = self.variables.get(&name).cloned();
        let Some(mut variable) = self.assigned(assignment, known, origin)? else {
            return Ok(());
        };
        variable.export = assignment.export.then_some(true);
        if name == ".DEFAULT_GOAL" {
            self.rules.first = Some(self.expand(&variable.value)?).filter(|it| !it.is_empty());
        }
        self.variables.set(&name, variable);
        Ok(())
    }

    /// The variable that an assignment makes of what was there; nothing when it leaves it alone.
    pub(crate) fn assigned(
        &mut self,
        assignment: &Assignment,
        known: Option<Variable>,
        origin: Origin,
    ) -> Result<Option<Variable>> {
        let value = &assignment.value;
        let (value, recursive) = match assignment.operator {
            ":=" | "::=" => (self.expand(value)?, false),
            "!=" => {
                let command = self.expand(value)?;
                (self.shell(&command)?, false)
            }
            "?=" if known.is_some() => return Ok(None),
            "+=" => match known {
                Some(known) => {
                    let added = match known.recursive {
                        true => value.clone(),
                        false => self.expand(value)?,
                    };
                    let gap = if known.value.is_empty() { "" } else { " " };
                    (format!("{}{gap}{added}", known.value), known.recursive)
                }
                None => (value.clone(), true),
            },
            _ => (value.clone(), true),
        };
        Ok(Some(Variable {
            value,
            recursive,
            origin,
            export: None,
            place: self.place.clone(),
        }))
    }
}

/// An assignment behind `export`, `override` and `private`; `define` with the name as its value.
pub(crate) fn modified(line: &str) -> Option<Assignment> {
    let (mut overrides, mut export) = (false, false);
    let mut rest = line;
    loop {
        let (word, behind) = text::first_word(rest);
        if let Some(mut found) = assignment(rest) {
            found.overrides = overrides;
            found.export = export;
            return Some(found);
        }
        match word {
            "override" => overrides = true,
            "export" => export = true,
            "private" => {}
            "define" => {
                return Some(Assignment {
                    name: String::new(),
                    operator: "define",
                    value: behind.trim().to_owned(),
                    overrides,
                    export,
                });
            }
            _ => return None,
        }
        rest = behind;
    }
}

/// `NAME = value` and its five relatives.
pub(crate) fn assignment(line: &str) -> Option<Assignment> {
    let at = text::find_outside(line, &['=', ':', '?', '+', '!', ' ', '\t'])?;
    let name = &line[..at];
    let behind = line[at..].trim_start();
    let operators = ["::=", ":=", "?=", "+=", "!=", "="];
    let operator = operators.into_iter().find(|it| behind.starts_with(it));
    if operator.is_none() && line[at..].starts_with(['?', '+', '!']) {
        // Part of the name: look on behind it.
        let rest = assignment(&line[at + 1..])?;
        return Some(Assignment {
            name: format!("{}{}", &line[..=at], rest.name),
            ..rest
        });
    }
    let operator = operator?;
    let value = behind[operator.len()..].trim_start();
    Some(Assignment {
        name: name.to_owned(),
        operator,
        value: value.to_owned(),
        overrides: false,
        export: false,
    })
}
