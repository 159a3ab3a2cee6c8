//! Simple commands: assignments, functions, builtins, programs, and what `set -x` shows of them.
//!
//! Programs are started by [`super::child`].

use std::collections::BTreeMap;
use std::rc::Rc;

use super::ast::{Command, Word};
use super::builtins::{self, Builtin};
use super::exec::Status;
use super::parse::assignment;
use super::state::{Flow, Shell, Variable};

impl Shell {
    pub(crate) fn simple(
        &mut self,
        command: &Command,
        assignments: &[(String, Word)],
        words: &[Word],
    ) -> Status {
        self.substituted = None;
        let argv = self.expand_command(words)?;
        if argv.is_empty() {
            return self.assign_only(command, assignments);
        }
        let mut values = Vec::with_capacity(assignments.len());
        for (name, word) in assignments {
            values.push((name.clone(), self.expand_string(word)?));
        }
        if self.options.xtrace {
            self.trace(&values, &argv);
        }
        if let Some(body) = self.functions.get(&argv[0]).cloned() {
            return self.with_redirects(command, &values, |shell| shell.call(&body, &argv));
        }
        if let Some(builtin) = builtins::find(&argv[0]) {
            return self.builtin(command, values, builtin, &argv);
        }
        if command.redirects.is_empty() {
            return self.external(argv, &values);
        }
        self.redirected(&command.redirects, |shell| shell.external(argv, &values))
    }

    /// The words of a simple command, aliases and the assignments of `export` included.
    pub(crate) fn expand_command(&mut self, words: &[Word]) -> Result<Vec<String>, Flow> {
        let Some(first) = words.first().and_then(Word::plain) else {
            return self.expand_words(words);
        };
        if matches!(first, "export" | "readonly" | "local" | "declare") {
            let mut argv = vec![first.to_owned()];
            for word in &words[1..] {
                match assignment(word) {
                    Some((name, value)) => {
                        argv.push(format!("{name}={}", self.expand_string(&value)?));
                    }
                    None => argv.extend(self.expand_words(std::slice::from_ref(word))?),
                }
            }
            return Ok(argv);
        }
        self.expand_words(words)
    }

    fn assign_only(&mut self, command: &Command, assignments: &[(String, Word)]) -> Status {
        let saved = self.fds.clone();
        let redirected = self.redirect(&command.redirects);
        self.fds = saved;
        if !redirected? {
            return Ok(1);
        }
        let mut traced = Vec::new();
        for (name, word) in assignments {
            let value = self.expand_string(word)?;
            if self.options.xtrace {
                traced.push((name.clone(), value.clone()));
            }
            self.set(name, value)?;
        }
        if !traced.is_empty() {
            self.trace(&traced, &[]);
        }
        Ok(self.substituted.unwrap_or(0))
    }

    fn trace(&mut self, values: &[(String, String)], argv: &[String]) {
        let mut text = self.get("PS4").unwrap_or("+ ").trim_end().to_owned();
        for (name, value) in values {
            text.push_str(&format!(" {name}={}", quote_if_needed(value)));
        }
        for word in argv {
            text.push(' ');
            text.push_str(&quote_if_needed(word));
        }
        text.push('\n');
        // Nobody to tell when standard error is gone.
        let _ = self.write(2, text.as_bytes());
    }

    /// Runs something with redirections and assignments that last only so long.
    fn with_redirects(
        &mut self,
        command: &Command,
        values: &[(String, String)],
        run: impl FnOnce(&mut Self) -> Status,
    ) -> Status {
        if command.redirects.is_empty() {
            return self.with_values(values, run);
        }
        self.redirected(&command.redirects, |shell| shell.with_values(values, run))
    }

    /// Runs something with assignments that last only so long.
    fn with_values(
        &mut self,
        values: &[(String, String)],
        run: impl FnOnce(&mut Self) -> Status,
    ) -> Status {
        if values.is_empty() {
            return run(self);
        }
        let mut hidden: Vec<(String, Option<Variable>)> = Vec::new();
        for (name, value) in values {
            hidden.push((name.clone(), self.variables.get(name).cloned()));
            self.set(name, value.clone())?;
            if let Some(variable) = self.variables_mut().get_mut(name) {
                variable.exported = true;
            }
        }
        let result = run(self);
        for (name, variable) in hidden.into_iter().rev() {
            match variable {
                Some(variable) => self.variables_mut().insert(name, variable),
                None => self.variables_mut().remove(&name),
            };
        }
        result
    }

    fn builtin(
        &mut self,
        command: &Command,
        values: Vec<(String, String)>,
        builtin: &'static Builtin,
        argv: &[String],
    ) -> Status {
        if builtin.name == "exec" {
            if !self.redirect(&command.redirects)? {
                return Err(Flow::Fail(1));
            }
            if argv.len() == 1 {
                for (name, value) in values {
                    self.set(&name, value)?;
                }
                return Ok(0);
            }
            return self.replace(&argv[1..], &values);
        }
        if builtin.kind == builtins::Kind::Special {
            for (name, value) in &values {
                self.set(name, value.clone())?;
            }
            if command.redirects.is_empty() {
                return self.run_builtin(builtin, argv);
            }
            let mut failed = true;
            let result = self.redirected(&command.redirects, |shell| {
                failed = false;
                shell.run_builtin(builtin, argv)
            });
            return if failed { Err(Flow::Fail(1)) } else { result };
        }
        self.with_redirects(command, &values, |shell| shell.run_builtin(builtin, argv))
    }

    pub(crate) fn run_builtin(&mut self, builtin: &'static Builtin, argv: &[String]) -> Status {
        let outer = self.command_name.replace(builtin.name.into());
        let result = (builtin.run)(self, argv);
        self.command_name = outer;
        match result {
            // Only a special builtin's mistake ends a script.
            Err(Flow::Fail(status)) if builtin.kind != builtins::Kind::Special => Ok(status),
            result => result,
        }
    }

    fn call(&mut self, body: &Rc<Command>, argv: &[String]) -> Status {
        self.enter()?;
        let params = std::mem::replace(&mut self.params, Rc::new(argv[1..].to_vec()));
        self.locals.push(BTreeMap::new());
        let result = self.command(body);
        for (name, variable) in self.locals.pop().unwrap_or_default() {
            match variable {
                Some(variable) => self.variables_mut().insert(name, variable),
                None => self.variables_mut().remove(&name),
            };
        }
        self.params = params;
        self.depth -= 1;
        match result {
            Err(Flow::Return(status)) => Ok(status),
            result => result,
        }
    }
}

/// A word as `set -x` shows it: ash's own choice of what needs quotes.
pub(crate) fn quote_if_needed(word: &str) -> String {
    let plain = |byte: u8| matches!(byte, b'+'..=b':' | b'@'..=b'Z' | b']'..=b'_' | b'a'..=b'z');
    if word.bytes().all(plain) {
        word.to_owned()
    } else {
        quote(word)
    }
}

/// A word in quotes, as `set`, `alias` and `trap` print it.
pub(crate) fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\"'\"'"))
}
