//! Runs the tree: text, lists, compound commands, subshells, substitutions.
//!
//! Simple commands are in [`super::simple`], redirections in [`super::redirect`], pipelines in
//! [`super::pipeline`]. It never starts a process itself.

use std::rc::Rc;

use super::ast::{Command, Connective, Item, Kind, List, Pipeline, Word};
use super::builtins;
use super::fds::Fd;
use super::parse::Parser;
use super::pattern;
use super::state::{Flow, Shell, State};

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

    pub(crate) fn enter(&mut self) -> Result<(), Flow> {
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
}
