//! The rewrite module: `set`, `if`, `rewrite`, `return`, `break`, run in order.

use crate::conf::model::{Code, Condition, FileTest, Level, Rewrite, RewriteFlag, Settable};
use crate::files::{self, Found};
use crate::http::uri;

use super::draft::Draft;
use super::turn::{Step, Turn};
use crate::vars::Template;

/// Where running codes leads.
enum Flow {
    /// The next code.
    On,
    /// No more codes of this block and those around it.
    Stop,
    Step(Step),
}

impl<'a> Turn<'a> {
    /// Runs a level's codes.
    pub(super) fn run_codes(&mut self, codes: &'a [Code]) -> Step {
        if codes.is_empty() {
            return Step::Next;
        }
        let mut changed = false;
        match self.codes(codes, &mut changed) {
            Flow::Step(step) => step,
            Flow::On | Flow::Stop if changed => Step::Again,
            Flow::On | Flow::Stop => Step::Next,
        }
    }

    fn codes(&mut self, codes: &'a [Code], changed: &mut bool) -> Flow {
        for code in codes {
            let flow = match code {
                Code::Break => {
                    *changed = false;
                    Flow::Stop
                }
                Code::Set(variable, value) => {
                    self.assign(*variable, value);
                    Flow::On
                }
                Code::Return(status, text) => Flow::Step(self.returned(*status, text.as_ref())),
                Code::Rewrite(rewrite) => self.rewrite(rewrite, changed),
                Code::If(condition, inner, at) => {
                    if self.holds(condition) {
                        self.enter_if(*at);
                        self.codes(inner, changed)
                    } else {
                        Flow::On
                    }
                }
            };
            if !matches!(flow, Flow::On) {
                return flow;
            }
        }
        Flow::On
    }

    fn assign(&mut self, variable: Settable, value: &Template) {
        let value = self.render(value);
        match variable {
            Settable::User(at) => self.set(at, value),
            Settable::Args => self.args = value,
            Settable::LimitRate => self.limit_rate = Some(value),
        }
    }

    fn returned(&mut self, status: u16, text: Option<&Template>) -> Step {
        let moved = matches!(status, 301 | 302 | 303 | 307 | 308);
        match text {
            _ if status == 444 => Step::Silence,
            _ if status == 204 => Step::Say(Box::new(Draft::new(204))),
            Some(place) if moved => {
                let place = self.render_text(place);
                Step::Say(Box::new(self.redirect(status, place)))
            }
            None if moved => {
                let mut draft = Draft::page(status, self.product());
                draft.more.push(("Location".to_owned(), Vec::new()));
                Step::Say(Box::new(draft))
            }
            Some(text) => {
                let kind = self.kind();
                let text = self.render(text);
                Step::Say(Box::new(Draft::text(status, &kind, text)))
            }
            None if status < 400 => {
                let kind = self.kind();
                Step::Say(Box::new(Draft::text(status, &kind, Vec::new())))
            }
            None => Step::Fail(status),
        }
    }

    fn rewrite(&mut self, rewrite: &Rewrite, changed: &mut bool) -> Flow {
        let Some(groups) = rewrite.pattern.groups(&self.path) else {
            return Flow::On;
        };
        self.remember(self.path.clone().into_bytes(), groups);
        self.name_groups(&rewrite.pattern);
        let redirect = matches!(rewrite.flag, RewriteFlag::Redirect(_));
        let target = self.replacement(&rewrite.replacement, redirect);
        let (path, new_args) = match target.split_once('?') {
            Some((path, args)) => (path.to_owned(), Some(args.to_owned())),
            None => (target, None),
        };
        let old = std::mem::take(&mut self.args);
        self.args = match (new_args, rewrite.keep_args && !old.is_empty()) {
            (Some(new), true) if new.is_empty() => old,
            (Some(new), true) => [new.as_bytes(), b"&", &old].concat(),
            (Some(new), false) => new.into_bytes(),
            (None, true) => old,
            (None, false) => Vec::new(),
        };
        if let RewriteFlag::Redirect(status) = rewrite.flag {
            let place = if self.args.is_empty() {
                path
            } else {
                format!("{path}?{}", String::from_utf8_lossy(&self.args))
            };
            return Flow::Step(Step::Say(Box::new(self.redirect(status, place))));
        }
        if path.is_empty() {
            self.note(
                Level::Error,
                "the rewritten URI has a zero length".to_owned(),
            );
            return Flow::Step(Step::Fail(500));
        }
        self.path = path;
        self.pristine = false;
        *changed = rewrite.flag != RewriteFlag::Break;
        match rewrite.flag {
            RewriteFlag::Next => Flow::On,
            _ => Flow::Stop,
        }
    }

    /// The replacement with its variables; captures are escaped where they go into a query or a redirect.
    fn replacement(&self, template: &Template, redirect: bool) -> String {
        let mut out = Vec::new();
        template.render(&mut out, |var, out| {
            let in_args = out.contains(&b'?');
            if let crate::vars::Var::Capture(group) = var
                && (in_args || redirect)
            {
                let mut value = Vec::new();
                self.capture(*group, &mut value);
                out.extend_from_slice(uri::escape_args(&value).as_bytes());
            } else {
                self.value(var, out);
            }
        });
        String::from_utf8_lossy(&out).into_owned()
    }

    fn holds(&self, condition: &Condition) -> bool {
        let value = |var| {
            let mut out = Vec::new();
            self.value(var, &mut out);
            out
        };
        match condition {
            Condition::Value(var) => {
                let value = value(var);
                !value.is_empty() && value != b"0"
            }
            Condition::Equal(var, text, positive) => (value(var) == self.render(text)) == *positive,
            Condition::Fits(var, pattern, positive) => {
                let subject = value(var);
                let text = String::from_utf8_lossy(&subject);
                match pattern.groups(&text) {
                    Some(groups) => {
                        self.remember(text.into_owned().into_bytes(), groups);
                        self.name_groups(pattern);
                        *positive
                    }
                    None => !positive,
                }
            }
            Condition::File(test, path, positive) => {
                let path = self.render_text(path);
                let there = matches!(
                    (files::look(&path), test),
                    (Ok(Found::File(_)), FileTest::File | FileTest::Executable)
                        | (Ok(Found::Folder(_)), FileTest::Folder)
                        | (Ok(_), FileTest::Exists)
                );
                there == *positive
            }
        }
    }
}
