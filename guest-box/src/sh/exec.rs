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
    ///
    /// `line` is the number of the first one.
    pub(crate) fn run_text(&mut self, text: &str, line: usize) -> Status {
        self.enter()?;
        let mut parser = Parser::new(text, &self.aliases, line);
        let mut shown = 0;
        let alone = std::mem::take(&mut self.last_command);
        let result = loop {
            let aliases = Rc::clone(&self.aliases);
            let next = parser.next_line(&aliases);
            if self.options.verbose && !self.options.from_text {
                let read = text.get(shown..parser.pos).unwrap_or_default().to_owned();
                shown = parser.pos;
                self.write(2, read.as_bytes())?;
            }
            match next {
                Ok(None) => break Ok(self.status),
                Ok(Some(list)) => {
                    self.last_command = alone && parser.rest().trim().is_empty();
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
        let last = std::mem::take(&mut self.last_command);
        for (index, item) in list.0.iter().enumerate() {
            let simple = matches!(item.first.commands.as_slice(), [command] if matches!(command.kind, Kind::Simple { .. }));
            let whole = simple && item.rest.is_empty() && !item.first.negated;
            if last && whole && !item.background && index + 1 == list.0.len() {
                self.only_command(&item.first.commands[0])?;
            } else if item.background {
                self.background(item)?;
            } else {
                self.item(item)?;
            }
        }
        Ok(self.status)
    }

    /// A simple command behind which nothing is left to do.
    fn only_command(&mut self, command: &Command) -> Status {
        let Kind::Simple { words, .. } = &command.kind else {
            return self.command(command);
        };
        let name = words.first().and_then(Word::plain);
        let program = name.is_some_and(|name| {
            builtins::find(name).is_none() && !self.functions.contains_key(name)
        });
        // A name that only running will tell could be a function with much to do behind it.
        self.last_command = program;
        let result = self.command(command);
        self.last_command = false;
        self.status = result?;
        self.run_traps()?;
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
            kind => self.redirected(&command.redirects, |shell| shell.compound(kind)),
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
            let met = match self.condition(condition) {
                Ok(met) => met,
                other => match self.after_body(other) {
                    Ok(None) => continue,
                    Ok(Some(status)) => break Ok(status),
                    Err(flow) => break Err(flow),
                },
            };
            if (met == 0) == until {
                break Ok(status);
            }
            let result = self.list(body);
            status = *result.as_ref().unwrap_or(&0);
            match self.after_body(result) {
                Ok(None) => {}
                Ok(Some(status)) => break Ok(status),
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
        if !self.traps.is_empty() {
            let kept = self.traps.iter().filter(|(_, action)| action.is_empty());
            let kept = kept.map(|(signal, action)| (*signal, action.clone()));
            self.traps = Rc::new(kept.collect());
        }
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
            let line = self.line;
            if let Err(Flow::Exit(code)) = self.run_text(&action, line) {
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
            // As in ash and bash: only what the substitution ends with counts.
            shell.options.errexit = false;
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
            match self.target(&redirect.to, fd)? {
                Ok(target) => {
                    if matches!(redirect.to, Target::Both(_)) {
                        self.fds[2].clone_from(&target);
                    }
                    self.fds[fd] = target;
                }
                Err(message) => {
                    self.complain(&message);
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn target(
        &mut self,
        target: &Target,
        number: usize,
    ) -> Result<Result<Option<Rc<Fd>>, String>, Flow> {
        Ok(match target {
            Target::ReadWrite(word) if number == 0 => {
                let name = self.expand_string(word)?;
                let path = self.absolute(&name);
                let opened = self
                    .open_write(&path, false)
                    .and_then(|_| Fd::open_read(path));
                opened
                    .map(Some)
                    .map_err(|error| cannot("create", &name, &error))
            }
            Target::Read(word) => {
                let name = self.expand_string(word)?;
                let opened = Fd::open_read(self.absolute(&name));
                opened
                    .map(Some)
                    .map_err(|error| cannot("open", &name, &error))
            }
            Target::Write(word, force) => {
                let name = self.expand_string(word)?;
                let path = self.absolute(&name);
                let careful = self.options.noclobber && !force;
                if careful && std::path::Path::new(&path).is_file() {
                    return Ok(Err(format!("can't create {name}: File exists")));
                }
                self.written(&name, true)
            }
            Target::ReadWrite(word) | Target::Append(word) => {
                let name = self.expand_string(word)?;
                self.written(&name, false)
            }
            Target::Both(word) => {
                let name = self.expand_string(word)?;
                self.written(&name, true)
            }
            Target::Duplicate(word) => {
                let text = self.expand_string(word)?;
                if text == "-" {
                    return Ok(Ok(None));
                }
                if number == 1 && !text.bytes().all(|byte| byte.is_ascii_digit()) {
                    // As in bash: standard error goes there too.
                    let opened = self.written(&text, true);
                    if let Ok(target) = &opened {
                        self.fds[2].clone_from(target);
                    }
                    return Ok(opened);
                }
                match text.parse::<usize>() {
                    Ok(fd) => match self.fds.get(fd).cloned().flatten() {
                        Some(fd) => Ok(Some(fd)),
                        None => Err(format!("{fd}: Bad file descriptor")),
                    },
                    Err(_) => return Err(self.fail("redir error")),
                }
            }
            Target::Here(body) => {
                let text = match body.get() {
                    Some(word) => self.expand_string(&word.clone())?,
                    None => String::new(),
                };
                self.here(&text)
            }
        })
    }

    fn written(&self, name: &str, truncate: bool) -> Result<Option<Rc<Fd>>, String> {
        let opened = self.open_write(&self.absolute(name), truncate);
        opened
            .map(Some)
            .map_err(|error| cannot("create", name, &error))
    }

    /// Opens a file for writing at its end; a new one gets the mask's permissions.
    fn open_write(&self, path: &str, truncate: bool) -> io::Result<Rc<Fd>> {
        let new = self.umask != 0o022 && !std::path::Path::new(path).exists();
        let fd = Fd::open_write(path.to_owned(), truncate)?;
        if new {
            guest_kit::files::set_mode(path, 0o666 & !self.umask);
        }
        Ok(fd)
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
        self.redirected(&command.redirects, |shell| shell.external(argv, &values))
    }

    /// Runs something with its redirections, and takes them back.
    fn redirected(
        &mut self,
        redirects: &[Redirect],
        run: impl FnOnce(&mut Self) -> Status,
    ) -> Status {
        let saved = self.fds.clone();
        let result = match self.redirect(redirects) {
            Ok(true) => run(self),
            Ok(false) => Ok(1),
            Err(flow) => Err(flow),
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
        self.locals.push(std::collections::BTreeMap::new());
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

/// ash's words for a file that cannot be opened.
fn cannot(what: &str, name: &str, error: &io::Error) -> String {
    let reason = match error.kind() {
        io::ErrorKind::NotFound if what == "open" => "no such file".into(),
        io::ErrorKind::NotFound => "nonexistent directory".into(),
        _ => crate::applets::reason(error),
    };
    format!("can't {what} {name}: {reason}")
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
