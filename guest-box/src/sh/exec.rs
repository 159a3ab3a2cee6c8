//! Runs the tree: lists, compound commands, simple commands, redirections, functions.
//!
//! Pipelines, children and subshell processes are in [`super::pipeline`]; what builtins do is in
//! [`super::builtins`].

use std::io;
use std::rc::Rc;

use super::ast::{Command, Connective, Item, Kind, List, Pipeline, Redirect, Target, Word};
use super::builtins::{self, Builtin};
use super::fds::Fd;
use super::parse::{Parser, assignment};
use super::pattern;
use super::state::{Flow, Shell, State, Variable};

pub(crate) type Status = Result<i32, Flow>;

/// How deep functions, substitutions and `eval` may be nested: the guest's stack is small.
const DEPTH_LIMIT: usize = 100;

impl Shell {
    /// Reads and runs text line by line, as the lines would be typed.
    pub(crate) fn run_text(&mut self, text: &str) -> Status {
        self.enter()?;
        let mut parser = Parser::new(text);
        let result = loop {
            match parser.next_line() {
                Ok(None) => break Ok(self.status),
                Ok(Some(list)) => {
                    if let Err(flow) = self.list(&list) {
                        break Err(flow);
                    }
                }
                Err(error) => {
                    self.line = error.line;
                    break Err(self.fail(&error.message));
                }
            }
        };
        self.depth -= 1;
        result
    }

    fn enter(&mut self) -> Result<(), Flow> {
        if self.depth >= DEPTH_LIMIT {
            return Err(self.fail("maximum nesting depth exceeded"));
        }
        self.depth += 1;
        Ok(())
    }

    pub(crate) fn list(&mut self, list: &List) -> Status {
        for item in &list.0 {
            if item.background {
                self.background(item)?;
            } else {
                self.item(item)?;
            }
        }
        Ok(self.status)
    }

    fn item(&mut self, item: &Item) -> Status {
        let mut last = &item.first;
        let alone = item.rest.is_empty();
        let mut status = self.guarded_pipeline(&item.first, !alone)?;
        let mut ran_last = alone;
        for (index, (connective, pipeline)) in item.rest.iter().enumerate() {
            if (*connective == Connective::And) == (status == 0) {
                ran_last = index + 1 == item.rest.len();
                status = self.guarded_pipeline(pipeline, !ran_last)?;
                last = pipeline;
            } else {
                ran_last = false;
            }
        }
        self.run_traps()?;
        if status != 0 && ran_last && !last.negated && self.options.errexit && self.guarded == 0 {
            return Err(Flow::Exit(status));
        }
        Ok(status)
    }

    fn guarded_pipeline(&mut self, pipeline: &Pipeline, guard: bool) -> Status {
        let guard = usize::from(guard || pipeline.negated);
        self.guarded += guard;
        let result = match pipeline.commands.as_slice() {
            [command] => self.command(command),
            commands => self.pipeline(commands),
        };
        self.guarded -= guard;
        let status = result?;
        self.status = if pipeline.negated {
            i32::from(status == 0)
        } else {
            status
        };
        Ok(self.status)
    }

    pub(crate) fn command(&mut self, command: &Command) -> Status {
        self.line = command.line;
        if self.options.noexec {
            return Ok(0);
        }
        match &command.kind {
            Kind::Simple { assignments, words } => self.simple(command, assignments, words),
            Kind::Function { name, body } => {
                let body = Rc::clone(body);
                Rc::make_mut(&mut self.functions).insert(name.clone(), body);
                Ok(0)
            }
            kind if command.redirects.is_empty() => self.compound(kind),
            kind => {
                let saved = self.fds.clone();
                let result = match self.redirect(&command.redirects)? {
                    true => self.compound(kind),
                    false => Ok(1),
                };
                self.fds = saved;
                result
            }
        }
    }

    fn compound(&mut self, kind: &Kind) -> Status {
        match kind {
            Kind::Group(list) => self.list(list),
            Kind::Subshell(list) => self.subshell(|shell| shell.list(list)),
            Kind::If {
                branches,
                otherwise,
            } => {
                for (condition, body) in branches {
                    if self.condition(condition)? == 0 {
                        return self.list(body);
                    }
                }
                match otherwise {
                    Some(body) => self.list(body),
                    None => Ok(0),
                }
            }
            Kind::While {
                until,
                condition,
                body,
            } => self.while_loop(*until, condition, body),
            Kind::For { name, words, body } => {
                let values = match words {
                    Some(words) => self.expand_words(words)?,
                    None => self.params.to_vec(),
                };
                self.for_loop(name, values, body)
            }
            Kind::Case { word, arms } => {
                let text = self.expand_string(word)?;
                for (patterns, body) in arms {
                    for pattern in patterns {
                        let pattern = self.expand_pattern(pattern)?;
                        if pattern::matches(&pattern, &text) {
                            self.status = 0;
                            return self.list(body);
                        }
                    }
                }
                Ok(0)
            }
            Kind::Simple { .. } | Kind::Function { .. } => Ok(0),
        }
    }

    fn condition(&mut self, list: &List) -> Status {
        self.guarded += 1;
        let result = self.list(list);
        self.guarded -= 1;
        result
    }

    /// What a loop's body asks of the loop: go on, or end with this.
    fn after_body(&mut self, result: Status) -> Result<Option<i32>, Flow> {
        match result {
            Ok(_) | Err(Flow::Continue(1)) => Ok(None),
            Err(Flow::Break(1)) => Ok(Some(0)),
            Err(Flow::Break(count)) => Err(Flow::Break(count - 1)),
            Err(Flow::Continue(count)) => Err(Flow::Continue(count - 1)),
            Err(flow) => Err(flow),
        }
    }

    fn while_loop(&mut self, until: bool, condition: &List, body: &List) -> Status {
        self.loops += 1;
        let mut status = 0;
        let result = loop {
            let step = self.condition(condition).and_then(|met| {
                if (met == 0) == until {
                    return Ok(None);
                }
                let result = self.list(body);
                status = *result.as_ref().unwrap_or(&0);
                self.after_body(result).map(|end| Some(end.is_some()))
            });
            match step {
                Ok(Some(false)) => {}
                Ok(Some(true) | None) => break Ok(status),
                Err(Flow::Break(1)) => break Ok(0),
                Err(Flow::Continue(1)) => {}
                Err(flow) => break Err(flow),
            }
        };
        self.loops = self.loops.saturating_sub(1);
        result
    }

    fn for_loop(&mut self, name: &str, values: Vec<String>, body: &List) -> Status {
        self.loops += 1;
        let mut end = Ok(0);
        for value in values {
            let result = self.set(name, value).and_then(|()| self.list(body));
            let status = *result.as_ref().unwrap_or(&0);
            end = Ok(status);
            match self.after_body(result) {
                Ok(None) => {}
                Ok(Some(status)) => {
                    end = Ok(status);
                    break;
                }
                Err(flow) => {
                    end = Err(flow);
                    break;
                }
            }
        }
        self.loops = self.loops.saturating_sub(1);
        end
    }

    /// Runs something on a copy of the state and throws the copy away.
    pub(crate) fn subshell(&mut self, run: impl FnOnce(&mut Self) -> Status) -> Status {
        let saved: State = self.state.clone();
        self.subshells += 1;
        self.loops = 0;
        self.traps = Rc::new(
            self.traps
                .iter()
                .filter(|(_, action)| action.is_empty())
                .map(|(signal, action)| (*signal, action.clone()))
                .collect(),
        );
        let result = run(self);
        let result = self.end_of_shell(result);
        if self.cwd != saved.cwd {
            // The directory was there a moment ago.
            let _ = std::env::set_current_dir(&saved.cwd);
        }
        self.state = saved;
        result
    }

    /// What ends a shell ends here: its code, after the `EXIT` trap.
    pub(crate) fn end_of_shell(&mut self, result: Status) -> Status {
        let mut status = match result {
            Ok(status) => status,
            Err(Flow::Exit(status) | Flow::Fail(status) | Flow::Return(status)) => status,
            Err(Flow::Break(_) | Flow::Continue(_)) => self.status,
        };
        if self.traps.contains_key(&0) {
            let action = Rc::make_mut(&mut self.traps).remove(&0).unwrap_or_default();
            self.status = status;
            if let Err(Flow::Exit(code)) = self.run_text(&action) {
                status = code;
            }
        }
        Ok(status)
    }

    /// The output of a command substitution.
    pub(crate) fn substitute(&mut self, list: &List) -> Result<String, Flow> {
        self.enter()?;
        let capture = Fd::capture();
        let target = Rc::clone(&capture);
        let status = self.subshell(|shell| {
            shell.fds[1] = Some(target);
            shell.list(list)
        });
        self.depth -= 1;
        self.status = status?;
        self.substituted = Some(self.status);
        let bytes = capture.finish_capture();
        let text = String::from_utf8_lossy(&bytes);
        Ok(text.trim_end_matches('\n').replace('\0', ""))
    }

    /// Leads descriptors elsewhere; false, after a message, when one of them cannot be.
    pub(crate) fn redirect(&mut self, redirects: &[Redirect]) -> Result<bool, Flow> {
        for redirect in redirects {
            let fd = redirect.fd;
            if fd >= self.fds.len() {
                if fd > 99 {
                    self.complain(&format!("{fd}: Bad file descriptor"));
                    return Ok(false);
                }
                self.fds.resize(fd + 1, None);
            }
            match self.target(&redirect.to)? {
                Ok(target) => self.fds[fd] = target,
                Err(message) => {
                    let builtin = self.builtin.take();
                    self.complain(&message);
                    self.builtin = builtin;
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn target(&mut self, target: &Target) -> Result<Result<Option<Rc<Fd>>, String>, Flow> {
        Ok(match target {
            Target::Read(word) => {
                let name = self.expand_string(word)?;
                let opened = Fd::open_read(self.absolute(&name));
                opened
                    .map(Some)
                    .map_err(|error| cannot("open", &name, &error))
            }
            Target::Write(word) | Target::ReadWrite(word) | Target::Append(word) => {
                let truncate = matches!(target, Target::Write(_));
                let name = self.expand_string(word)?;
                let path = self.absolute(&name);
                if truncate && self.options.noclobber && std::path::Path::new(&path).is_file() {
                    return Ok(Err(format!("can't create {name}: File exists")));
                }
                let opened = Fd::open_write(path, truncate);
                opened
                    .map(Some)
                    .map_err(|error| cannot("create", &name, &error))
            }
            Target::Duplicate(word) => {
                let text = self.expand_string(word)?;
                if text == "-" {
                    return Ok(Ok(None));
                }
                match text.parse::<usize>() {
                    Ok(fd) => match self.fds.get(fd).cloned().flatten() {
                        Some(fd) => Ok(Some(fd)),
                        None => Err(format!("{fd}: Bad file descriptor")),
                    },
                    Err(_) => return Err(self.fail("syntax error: bad fd number")),
                }
            }
            Target::Here(body) => {
                let text = match body.get() {
                    Some(word) => self.expand_string(&word.clone())?,
                    None => String::new(),
                };
                self.here(&text)
            }
            Target::HereString(word) => {
                let text = self.expand_string(word)? + "\n";
                self.here(&text)
            }
        })
    }

    fn here(&self, text: &str) -> Result<Option<Rc<Fd>>, String> {
        let fd = Fd::from_bytes(text.as_bytes(), guest_kit::process::pid());
        fd.map(Some).map_err(|error| error.to_string())
    }

    fn simple(
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
        let saved = self.fds.clone();
        let result = match self.redirect(&command.redirects)? {
            true => self.external(argv, &values),
            false => Ok(1),
        };
        self.fds = saved;
        result
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
        let Some(alias) = self.aliases.get(first).cloned() else {
            return self.expand_words(words);
        };
        // An alias is words here, not text; that is what people use them for.
        let mut argv = Vec::new();
        if let Ok(Some(list)) = Parser::new(&alias).next_line()
            && let Some(Kind::Simple { words, .. }) = list
                .0
                .first()
                .and_then(|item| item.first.commands.first())
                .map(|command| &command.kind)
        {
            argv = self.expand_words(words)?;
        }
        argv.extend(self.expand_words(&words[1..])?);
        Ok(argv)
    }

    fn assign_only(&mut self, command: &Command, assignments: &[(String, Word)]) -> Status {
        let saved = self.fds.clone();
        let redirected = self.redirect(&command.redirects);
        self.fds = saved;
        if !redirected? {
            return Ok(1);
        }
        for (name, word) in assignments {
            let value = self.expand_string(word)?;
            if self.options.xtrace {
                self.trace(&[(name.clone(), value.clone())], &[]);
            }
            self.set(name, value)?;
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
        let saved = self.fds.clone();
        if !command.redirects.is_empty() && !self.redirect(&command.redirects)? {
            self.fds = saved;
            return Ok(1);
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
        self.fds = saved;
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
            return match argv.len() {
                1 => Ok(0),
                _ => self.replace(argv[1..].to_vec(), &values),
            };
        }
        if builtin.special {
            for (name, value) in &values {
                self.set(name, value.clone())?;
            }
            return self.with_redirects(command, &[], |shell| shell.run_builtin(builtin, argv));
        }
        self.with_redirects(command, &values, |shell| shell.run_builtin(builtin, argv))
    }

    pub(crate) fn run_builtin(&mut self, builtin: &'static Builtin, argv: &[String]) -> Status {
        let outer = self.builtin.replace(builtin.name);
        let result = (builtin.run)(self, argv);
        self.builtin = outer;
        match result {
            // Only a special builtin's mistake ends a script.
            Err(Flow::Fail(status)) if !builtin.special => Ok(status),
            result => result,
        }
    }

    fn call(&mut self, body: &Rc<Command>, argv: &[String]) -> Status {
        self.enter()?;
        let params = std::mem::replace(&mut self.params, Rc::new(argv[1..].to_vec()));
        let loops = std::mem::take(&mut self.loops);
        self.locals.push(std::collections::BTreeMap::new());
        let result = self.command(body);
        for (name, variable) in self.locals.pop().unwrap_or_default() {
            match variable {
                Some(variable) => self.variables_mut().insert(name, variable),
                None => self.variables_mut().remove(&name),
            };
        }
        self.params = params;
        self.loops = loops;
        self.depth -= 1;
        match result {
            Err(Flow::Return(status)) => Ok(status),
            result => result,
        }
    }
}

/// ash's words for a file that cannot be opened.
fn cannot(what: &str, name: &str, error: &io::Error) -> String {
    let reason = match error.kind() {
        io::ErrorKind::NotFound if what == "open" => "no such file".into(),
        io::ErrorKind::NotFound => "nonexistent directory".into(),
        _ => crate::applets::reason(error),
    };
    format!("can't {what} {name}: {reason}")
}

/// A word as `set -x` shows it.
pub(crate) fn quote_if_needed(word: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(safe) {
        word.to_owned()
    } else {
        quote(word)
    }
}

/// A word in quotes, as `set`, `alias` and `trap` print it.
pub(crate) fn quote(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\"'\"'"))
}
