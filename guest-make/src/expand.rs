//! What stands behind a dollar: references, substitution references, automatic variables.
//!
//! Functions are in [`super::functions`]. Never changes a rule.

use super::variable::{Origin, Variable};
use super::{Make, Result, text};

/// How deep references may be nested: the guest's stack is small.
const DEPTH_LIMIT: usize = 100;

impl Make {
    /// The text with every reference replaced.
    pub(crate) fn expand(&mut self, input: &str) -> Result<String> {
        if !input.contains('$') {
            return Ok(input.to_owned());
        }
        if self.depth > DEPTH_LIMIT {
            return Err(self.stop("references are nested too deep"));
        }
        self.depth += 1;
        let result = self.expand_here(input);
        self.depth -= 1;
        result
    }

    fn expand_here(&mut self, input: &str) -> Result<String> {
        let mut out = String::new();
        let mut rest = input;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            let Some(next) = rest.chars().next() else {
                break;
            };
            match next {
                '$' => {
                    out.push('$');
                    rest = &rest[1..];
                }
                '(' | '{' => {
                    let close = if next == '(' { ')' } else { '}' };
                    let Some(end) = text::closing(&rest[1..], next, close) else {
                        return Err(self.stop_inside("unterminated variable reference"));
                    };
                    let inner = &rest[1..=end];
                    out.push_str(&self.reference(inner)?);
                    rest = &rest[end + 2..];
                }
                c if c.is_whitespace() => {}
                c => {
                    out.push_str(&self.value_of(&rest[..c.len_utf8()])?);
                    rest = &rest[c.len_utf8()..];
                }
            }
            if out.len() > 4 << 20 {
                return Err(self.stop("virtual memory exhausted"));
            }
        }
        out.push_str(rest);
        Ok(out)
    }

    /// A mistake in the value that is being expanded.
    fn stop_inside(&self, message: &str) -> super::Stop {
        let mut stop = self.stop(message);
        if let Some((_, Some(place))) = self.expanding.last() {
            stop.place = Some(place.clone());
        }
        stop
    }

    /// What stands between the parentheses of `$(…)`.
    fn reference(&mut self, inner: &str) -> Result<String> {
        if let Some(result) = self.function(inner)? {
            return Ok(result);
        }
        if let Some(colon) = text::find_outside(inner, &[':'])
            && let Some(equals) = text::find_outside(&inner[colon + 1..], &['='])
        {
            let name = self.expand(&inner[..colon])?;
            let from = self.expand(&inner[colon + 1..colon + 1 + equals])?;
            let to = self.expand(&inner[colon + equals + 2..])?;
            let (from, to) = match from.contains('%') {
                true => (from, to),
                false => (format!("%{from}"), format!("%{to}")),
            };
            let value = self.value_of(&name)?;
            let words = value.split_whitespace();
            let words = words.map(|word| super::pattern::substitute(word, &from, &to));
            return Ok(words.collect::<Vec<_>>().join(" "));
        }
        let name = self.expand(inner)?;
        self.value_of(&name)
    }

    /// The variable of the innermost scope that has one.
    pub(crate) fn lookup(&self, name: &str) -> Option<&Variable> {
        let scopes = self.scopes.iter().rev();
        let found = scopes.map(|scope| scope.get(name)).find(Option::is_some);
        let outer = self.variables.get(name);
        match (found.flatten(), outer) {
            // The command line is stronger than a target's own value.
            (Some(inner), Some(outer))
                if outer.origin > inner.origin && inner.origin != Origin::Automatic =>
            {
                Some(outer)
            }
            (Some(inner), _) => Some(inner),
            (None, outer) => outer,
        }
    }

    /// A variable's value, expanded when that is due.
    pub(crate) fn value_of(&mut self, name: &str) -> Result<String> {
        let Some(variable) = self.lookup(name) else {
            if let Some(value) = self.derived(name) {
                return Ok(value);
            }
            if self.options.warn_undefined && !name.is_empty() && self.place.is_some() {
                let before = self.place.as_ref().map(ToString::to_string);
                let before = before.unwrap_or_else(|| self.name());
                self.complain(&format!("{before}: warning: undefined variable '{name}'"));
            }
            return Ok(String::new());
        };
        if !variable.recursive {
            return Ok(variable.value.clone());
        }
        let (value, place) = (variable.value.clone(), variable.place.clone());
        if self.expanding.iter().any(|(known, _)| known == name) {
            let message = format!("Recursive variable '{name}' references itself (eventually)");
            let mut stop = self.stop(message);
            stop.place = place.or(stop.place);
            return Err(stop);
        }
        self.expanding.push((name.to_owned(), place));
        let result = self.expand(&value);
        self.expanding.pop();
        result
    }

    /// `$(@D)` and its like: the directories or the files of an automatic variable.
    fn derived(&self, name: &str) -> Option<String> {
        let part = name.chars().last().filter(|c| matches!(c, 'D' | 'F'))?;
        let base = &name[..name.len() - 1];
        if base.len() != 1 || !"@%*+<?^".contains(base) {
            return None;
        }
        let value = &self.lookup(base)?.value;
        let words = value
            .split_whitespace()
            .map(|word| match (part, word.rsplit_once('/')) {
                ('D', Some(("", _))) => "/".to_owned(),
                ('D', Some((dir, _))) => dir.to_owned(),
                ('D', None) => ".".to_owned(),
                (_, Some((_, file))) => file.to_owned(),
                (_, None) => word.to_owned(),
            });
        Some(words.collect::<Vec<_>>().join(" "))
    }

    /// Expands every variable once: for tests.
    pub(crate) fn expand_everything(&mut self) -> Result<()> {
        let names: Vec<String> = self.variables.all.keys().cloned().collect();
        for name in names {
            self.value_of(&name)?;
        }
        Ok(())
    }
}
