//! `set`, `if`, `rewrite`, `return` and `break`.

use super::Builder;
use super::server::Draft;
use crate::conf::model::{Code, Condition, FileTest, Modifier, Rewrite, RewriteFlag, Settable};
use crate::conf::pattern::Pattern;
use crate::conf::rules;
use crate::conf::tree::{ConfError, Directive};
use crate::conf::values::{Result, digits, refuse};
use crate::vars::{Names, Template, Var};

/// Beginnings of addresses, which make a redirect of a rewrite.
const ADDRESS: [&str; 3] = ["http://", "https://", "$scheme"];

impl Builder<'_> {
    pub(super) fn code(
        &mut self,
        directive: &Directive,
        draft: &mut Draft,
        at: usize,
        context: u16,
    ) -> Result<Code> {
        match directive.name.as_str() {
            "set" => self.set(directive),
            "return" => self.returns(directive),
            "rewrite" => self.rewrite(directive),
            "if" => self.condition_block(directive, draft, at, context),
            _ => Ok(Code::Break),
        }
    }

    /// The variable that a word such as `$name` defines.
    pub(super) fn defined(&mut self, directive: &Directive, word: &str) -> Result<Settable> {
        let Some(name) = word.strip_prefix('$').filter(|name| !name.is_empty()) else {
            return refuse(directive, format_args!("invalid variable name \"{word}\""));
        };
        match self.names.define(name) {
            Some(at) => Ok(Settable::User(at)),
            None if Names::changeable(name) && name == "args" => Ok(Settable::Args),
            None if Names::changeable(name) => Ok(Settable::LimitRate),
            None => refuse(directive, format_args!("the duplicate \"{name}\" variable")),
        }
    }

    fn set(&mut self, directive: &Directive) -> Result<Code> {
        let variable = self.defined(directive, &directive.args[0])?;
        let value = self.template(directive, &directive.args[1])?;
        Ok(Code::Set(variable, value))
    }

    fn returns(&mut self, directive: &Directive) -> Result<Code> {
        let first = directive.args[0].as_str();
        let bad = || refuse(directive, format_args!("invalid return code \"{first}\""));
        let Some(code) = digits(first) else {
            let address = ADDRESS.iter().any(|start| first.starts_with(start));
            if directive.args.len() > 1 || !address {
                return bad();
            }
            return Ok(Code::Return(302, Some(self.template(directive, first)?)));
        };
        let Some(code) = u16::try_from(code).ok().filter(|code| *code <= 999) else {
            return bad();
        };
        let text = directive.args.get(1);
        let text = text
            .map(|text| self.template(directive, text))
            .transpose()?;
        Ok(Code::Return(code, text))
    }

    fn pattern(&mut self, directive: &Directive, text: &str, ignore_case: bool) -> Result<Pattern> {
        Pattern::new(text, ignore_case, &mut self.names)
            .map_err(|message| ConfError::at(&directive.place, message))
    }

    fn rewrite(&mut self, directive: &Directive) -> Result<Code> {
        let pattern = self.pattern(directive, &directive.args[0], false)?;
        let replacement = directive.args[1].as_str();
        if replacement.is_empty() {
            return refuse(directive, "empty replacement");
        }
        let mut flag = if ADDRESS.iter().any(|start| replacement.starts_with(start)) {
            RewriteFlag::Redirect(302)
        } else {
            RewriteFlag::Next
        };
        match directive.args.get(2).map(String::as_str) {
            None => {}
            Some("last") if flag == RewriteFlag::Next => flag = RewriteFlag::Last,
            Some("break") if flag == RewriteFlag::Next => flag = RewriteFlag::Break,
            Some("last" | "break") => {}
            Some("redirect") => flag = RewriteFlag::Redirect(302),
            Some("permanent") => flag = RewriteFlag::Redirect(301),
            Some(other) => {
                return refuse(directive, format_args!("invalid parameter \"{other}\""));
            }
        }
        let bare = replacement.strip_suffix('?');
        Ok(Code::Rewrite(Box::new(Rewrite {
            pattern,
            replacement: self.template(directive, bare.unwrap_or(replacement))?,
            flag,
            keep_args: bare.is_none(),
        })))
    }

    fn condition_block(
        &mut self,
        directive: &Directive,
        draft: &mut Draft,
        parent: usize,
        context: u16,
    ) -> Result<Code> {
        let condition = self.condition(directive)?;
        let at = draft.add(Some(parent), Modifier::Nameless, "", &directive.place);
        let outer = &draft.server.locations[parent];
        let (pattern, internal) = (outer.pattern.clone(), outer.internal);
        let inner = if context == rules::SERVER {
            rules::SERVER_IF
        } else {
            rules::LOCATION_IF
        };
        let block = directive.block.clone().unwrap_or_default();
        draft.server.locations[at].pattern = pattern;
        draft.server.locations[at].internal = internal;
        self.inside(&block, draft, at, inner)?;
        let codes = std::mem::take(&mut draft.server.locations[at].codes);
        Ok(Code::If(Box::new(condition), codes, at))
    }

    fn condition(&mut self, directive: &Directive) -> Result<Condition> {
        let mut words: Vec<&str> = directive.args.iter().map(String::as_str).collect();
        let bad = |word: &str| refuse(directive, format_args!("invalid condition \"{word}\""));
        let first = words[0];
        let Some(opened) = first.strip_prefix('(') else {
            return bad(first);
        };
        words[0] = opened;
        if opened.is_empty() {
            words.remove(0);
        }
        let Some(last) = words.last().copied() else {
            return bad(first);
        };
        let Some(closed) = last.strip_suffix(')') else {
            return bad(last);
        };
        let end = words.len() - 1;
        words[end] = closed;
        if closed.is_empty() {
            words.pop();
        }
        match words.as_slice() {
            [variable] if variable.starts_with('$') => {
                Ok(Condition::Value(self.variable(directive, variable)?))
            }
            [variable, sign, value] if variable.starts_with('$') => {
                let variable = self.variable(directive, variable)?;
                self.comparison(directive, variable, sign, value)
            }
            [variable, sign, ..] if variable.starts_with('$') => refuse(
                directive,
                format_args!("unexpected \"{sign}\" in condition"),
            ),
            [sign, path] => self.file_test(directive, sign, path),
            [other, ..] => bad(other),
            [] => bad(first),
        }
    }

    fn variable(&mut self, directive: &Directive, word: &str) -> Result<Var> {
        let name = word.trim_start_matches('$');
        if name.is_empty() {
            return refuse(directive, format_args!("invalid variable name \"{word}\""));
        }
        Ok(self.names.look_up(name))
    }

    fn comparison(
        &mut self,
        directive: &Directive,
        variable: Var,
        sign: &str,
        value: &str,
    ) -> Result<Condition> {
        let (positive, bare) = match sign.strip_prefix('!') {
            Some(rest) => (false, rest),
            None => (true, sign),
        };
        match bare {
            "=" => {
                let value = self.template(directive, value)?;
                Ok(Condition::Equal(variable, value, positive))
            }
            "~" | "~*" => {
                let pattern = self.pattern(directive, value, bare == "~*")?;
                Ok(Condition::Fits(variable, pattern, positive))
            }
            _ => refuse(
                directive,
                format_args!("unexpected \"{sign}\" in condition"),
            ),
        }
    }

    fn file_test(&mut self, directive: &Directive, sign: &str, path: &str) -> Result<Condition> {
        let (positive, bare) = match sign.strip_prefix('!') {
            Some(rest) => (false, rest),
            None => (true, sign),
        };
        let test = match bare {
            "-f" => FileTest::File,
            "-d" => FileTest::Folder,
            "-e" => FileTest::Exists,
            "-x" => FileTest::Executable,
            _ => return refuse(directive, format_args!("invalid condition \"{sign}\"")),
        };
        let path: Template = self.template(directive, path)?;
        Ok(Condition::File(test, path, positive))
    }
}
