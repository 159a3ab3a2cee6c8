//! Pipelines, background jobs, and parts of the shell that must run beside it.
//!
//! There is no fork. Programs are spawned; of the stages of a pipeline that the shell itself must
//! run, the last one runs here while the programs run, quick builtins run before it into a buffer,
//! and every other one is handed as text to a second shell, with the variables and functions it
//! needs before it. Descriptors above 2 go along only when they lead to files or where 1 or 2 lead.

use std::rc::Rc;

use guest_kit::process::{self, Child, Pipe};

use super::ast::{Command, Item, Kind};
use super::builtins;
use super::exec::Status;
use super::fds::{Again, Fd};
use super::simple::quote;
use super::state::{Flow, Job, Shell};

/// The variable that hands a part of a shell to another one, and the one that says whose `$$`.
pub(crate) const PART: &str = "LAB_SH_PART";
pub(crate) const PART_PID: &str = "LAB_SH_PID";

/// How one stage of a pipeline runs.
enum Stage {
    Program {
        argv: Vec<String>,
        values: Vec<(String, String)>,
    },
    /// A builtin that ends by itself and reads nothing.
    Quick,
    /// Anything else the shell must run itself.
    Heavy,
}

impl Shell {
    /// Two or more commands, each reading what the one before writes.
    pub(crate) fn pipeline(&mut self, commands: &[Command]) -> Status {
        let saved = self.state.clone();
        self.subshells += 1;
        let result = self.run_stages(commands);
        self.state = saved;
        match result {
            Err(Flow::Exit(status) | Flow::Fail(status) | Flow::Return(status)) => Ok(status),
            Err(Flow::Break(_) | Flow::Continue(_)) => Ok(0),
            result => result,
        }
    }

    fn run_stages(&mut self, commands: &[Command]) -> Status {
        let mut stages = Vec::with_capacity(commands.len());
        for command in commands {
            stages.push(self.stage(command)?);
        }
        // One of them runs here, unless what it writes would come back here through programs: nobody
        // would read it meanwhile.
        let captured = self.fds[1]
            .as_ref()
            .is_some_and(|fd| matches!(**fd, Fd::Capture(_)));
        let here = stages
            .iter()
            .rposition(|stage| !matches!(stage, Stage::Program { .. }))
            .filter(|index| !captured || index + 1 == stages.len());
        let outer = self.fds.clone();
        let mut input = outer[0].clone();
        let mut children: Vec<(usize, Result<Child, i32>)> = Vec::new();
        let mut inside = None;
        let mut quick = Vec::new();
        for (index, (command, stage)) in commands.iter().zip(stages).enumerate() {
            let last = index + 1 == commands.len();
            if matches!(stage, Stage::Quick) && here != Some(index) {
                // Runs to its end now; what it wrote waits for the next stage.
                let (bytes, status) = self.run_captured(command)?;
                quick.push((index, status));
                input = Some(Fd::from_bytes(&bytes, process::pid()).map_err(|_| Flow::Fail(1))?);
                continue;
            }
            self.fds[0] = input.take();
            self.fds[1] = outer[1].clone();
            if !last {
                let pipe = Rc::new(Pipe::new());
                let reader = pipe.reader();
                self.fds[1] = Some(Fd::writer(pipe.writer(), Again::Pipe(Rc::clone(&pipe))));
                input = Some(Fd::reader(reader, Again::Pipe(pipe)));
            }
            match stage {
                Stage::Program { argv, values } => {
                    let started = self.start_stage(command, argv, &values)?;
                    children.push((index, started));
                }
                _ if here == Some(index) => inside = Some((index, command, self.fds.clone())),
                _ => {
                    let started = self.start_part(&command.place.text());
                    children.push((index, started));
                }
            }
            self.fds.clone_from(&outer);
        }
        drop(input);
        let mut statuses = vec![0; commands.len()];
        for (index, status) in quick {
            statuses[index] = status;
        }
        if let Some((index, command, fds)) = inside {
            // Only this stage holds its ends of the pipes while it runs.
            self.fds = fds;
            let result = self.subshell(|shell| shell.command(command));
            self.fds.clone_from(&outer);
            statuses[index] = result?;
        }
        for (index, child) in children {
            statuses[index] = match child {
                Ok(child) => self.wait_for(&child)?,
                Err(status) => status,
            };
        }
        let failed = statuses.iter().rev().find(|status| **status != 0);
        if self.options.pipefail {
            return Ok(failed.copied().unwrap_or(0));
        }
        Ok(statuses.last().copied().unwrap_or(0))
    }

    fn run_captured(&mut self, command: &Command) -> Result<(Vec<u8>, i32), Flow> {
        let capture = Fd::capture();
        let target = Rc::clone(&capture);
        let status = self.subshell(|shell| {
            shell.fds[1] = Some(target);
            shell.command(command)
        })?;
        Ok((capture.finish_capture(), status))
    }

    fn stage(&mut self, command: &Command) -> Result<Stage, Flow> {
        let Kind::Simple { assignments, words } = &command.kind else {
            return Ok(Stage::Heavy);
        };
        if let Some(name) = words.first().and_then(super::ast::Word::plain) {
            if self.functions.contains_key(name) {
                return Ok(Stage::Heavy);
            }
            if let Some(builtin) = builtins::find(name) {
                return Ok(match builtin.kind {
                    builtins::Kind::Quick | builtins::Kind::Applet => Stage::Quick,
                    _ => Stage::Heavy,
                });
            }
        }
        let argv = self.expand_command(words)?;
        match argv.first() {
            None => return Ok(Stage::Quick),
            // Rare: a name that comes from a variable. Expanded again when it runs.
            Some(name) if self.functions.contains_key(name) || builtins::find(name).is_some() => {
                return Ok(Stage::Heavy);
            }
            Some(_) => {}
        }
        let mut values = Vec::with_capacity(assignments.len());
        for (name, word) in assignments {
            values.push((name.clone(), self.expand_string(word)?));
        }
        Ok(Stage::Program { argv, values })
    }

    fn start_stage(
        &mut self,
        command: &Command,
        argv: Vec<String>,
        values: &[(String, String)],
    ) -> Result<Result<Child, i32>, Flow> {
        if !self.redirect(&command.redirects)? {
            return Ok(Err(1));
        }
        let name = argv[0].clone();
        Ok(self
            .spawn(argv, values)
            .map_err(|error| self.not_started(&name, error)))
    }

    /// Starts commands and does not wait for them.
    pub(crate) fn background(&mut self, item: &Item) -> Result<(), Flow> {
        let outer = self.fds.clone();
        self.fds[0] = Some(Rc::new(Fd::Null));
        let started = self.start_background(item);
        self.fds = outer;
        match started? {
            Ok(child) => {
                self.last_background = Some(child.pid());
                let taken = |number: &usize| self.jobs.iter().any(|job| job.number == *number);
                let number = (1..).find(|number| !taken(number)).unwrap_or(1);
                let mut text = String::new();
                if self.interactive {
                    let line = format!("[{number}] {}\n", child.pid());
                    self.write(2, line.as_bytes())?;
                    text = item.place.text();
                }
                self.jobs.push(Job {
                    number,
                    child,
                    text,
                });
                self.status = 0;
            }
            Err(status) => self.status = status,
        }
        Ok(())
    }

    fn start_background(&mut self, item: &Item) -> Result<Result<Child, i32>, Flow> {
        if let ([command], true) = (
            item.first.commands.as_slice(),
            item.rest.is_empty() && !item.first.negated,
        ) && let Stage::Program { argv, values } = self.stage(command)?
        {
            return self.start_stage(command, argv, &values);
        }
        Ok(self.start_part(&item.place.text()))
    }

    /// Hands a part of this shell to a second one.
    fn start_part(&mut self, text: &str) -> Result<Child, i32> {
        let script = self.preamble() + text;
        let mut env = self.environment();
        env.push((PART.into(), script));
        env.push((PART_PID.into(), self.shell_pid.to_string()));
        let mut argv = vec![self.name.clone()];
        argv.extend(self.params.iter().cloned());
        let start = |program, argv, env| self.process(program, argv, env)?.spawn();
        start("sh", argv.clone(), env.clone())
            .or_else(|_| start("/bin/sh", argv, env))
            .map_err(|error| self.not_started("sh", error))
    }

    /// Text that makes a new shell know what this one knows.
    fn preamble(&self) -> String {
        let mut text = String::new();
        for (name, variable) in self.variables.iter() {
            if let (Some(value), false) = (&variable.value, variable.exported) {
                text.push_str(&format!("{name}={}\n", quote(value)));
            }
            if variable.exported && variable.value.is_none() {
                text.push_str(&format!("export {name}\n"));
            }
            if variable.read_only {
                text.push_str(&format!("readonly {name}\n"));
            }
        }
        for (name, body) in self.functions.iter() {
            // A function that was defined in another way than `name() body` is defined so here.
            let body = body.place.text();
            text.push_str(&format!("{name}() {body}\n"));
        }
        for (signal, _) in self.traps.iter().filter(|(_, action)| action.is_empty()) {
            text.push_str(&format!("trap '' {signal}\n"));
        }
        let mut options = self.options;
        for (name, _) in super::state::OPTION_NAMES {
            if options.named(name).is_some_and(|on| *on) {
                text.push_str(&format!("set -o {name}\n"));
            }
        }
        if self.umask != 0o022 {
            text.push_str(&format!("umask {:o}\n", self.umask));
        }
        text.push_str(&self.descriptors());
        if self.status != 0 {
            text.push_str(&format!("(exit {})\n", self.status));
        }
        text
    }

    /// Descriptors above 2, as far as they lead to a file or where 1 or 2 lead too.
    fn descriptors(&self) -> String {
        let mut text = String::new();
        for (number, fd) in self.fds.iter().enumerate().skip(3) {
            let Some(fd) = fd else { continue };
            let same = |other: usize| {
                self.fds[other]
                    .as_ref()
                    .is_some_and(|it| Rc::ptr_eq(it, fd))
            };
            if let Some(other) = [1, 2].into_iter().find(|other| same(*other)) {
                text.push_str(&format!("exec {number}>&{other}\n"));
            } else if let Some((path, writes)) = fd.path() {
                let operator = if writes { ">>" } else { "<" };
                text.push_str(&format!("exec {number}{operator}{}\n", quote(path)));
            }
        }
        text
    }
}
