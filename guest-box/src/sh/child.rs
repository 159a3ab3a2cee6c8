//! Children: single programs, waited for or not, and programs this process becomes.
//!
//! There is no fork: whatever runs is spawned, or replaces the shell.

use std::rc::Rc;

use guest_kit::process::{Child, Command as Process, Exit, SpawnError, Stdio};
use guest_kit::signals;

use super::builtins;
use super::exec::Status;
use super::fds::Fd;
use super::state::{Flow, Shell};

/// The status and the reason of a program that did not start.
fn refusal(error: SpawnError) -> (i32, &'static str) {
    match error {
        SpawnError::NotFound => (127, "not found"),
        SpawnError::NotExecutable => (126, "Permission denied"),
        SpawnError::TooMany => (2, "can't fork: Resource temporarily unavailable"),
    }
}

/// What a shell says when a signal ended a child; an interrupt and a broken pipe are no news.
pub(crate) fn death(signal: u8) -> Option<&'static str> {
    Some(match signal {
        1 => "Hangup",
        3 => "Quit",
        4 => "Illegal instruction",
        6 => "Aborted",
        8 => "Floating point exception",
        9 => "Killed",
        10 => "User defined signal 1",
        11 => "Segmentation fault",
        12 => "User defined signal 2",
        14 => "Alarm clock",
        15 => "Terminated",
        _ => return None,
    })
}

impl Shell {
    /// Runs a program and waits for it.
    pub(crate) fn external(&mut self, argv: Vec<String>, values: &[(String, String)]) -> Status {
        let name = argv[0].clone();
        if std::mem::take(&mut self.last_command) && self.subshells == 0 && self.traps.is_empty() {
            // Nothing is left to do afterwards, so that a process is saved, as ash saves it.
            return match self.become_program(&name, argv, values) {
                Ok(status) => Ok(status),
                Err(error) => Ok(self.not_started(&name, error)),
            };
        }
        match self.spawn(argv, values) {
            Ok(child) => self.wait_for(&child),
            Err(error) => Ok(self.not_started(&name, error)),
        }
    }

    pub(crate) fn not_started(&mut self, name: &str, error: SpawnError) -> i32 {
        let (status, reason) = refusal(error);
        match error {
            SpawnError::TooMany => self.complain(reason),
            _ => self.complain(&format!("{name}: {reason}")),
        }
        status
    }

    pub(crate) fn spawn(
        &mut self,
        argv: Vec<String>,
        values: &[(String, String)],
    ) -> Result<Child, SpawnError> {
        let name = argv[0].clone();
        self.spawn_as(&name, argv, values)
    }

    fn spawn_as(
        &mut self,
        program: &str,
        argv: Vec<String>,
        values: &[(String, String)],
    ) -> Result<Child, SpawnError> {
        self.prepare(program, argv, values)?.spawn()
    }

    /// A program with the environment that this command gives it.
    fn prepare(
        &self,
        program: &str,
        argv: Vec<String>,
        values: &[(String, String)],
    ) -> Result<Process, SpawnError> {
        let mut env = self.environment();
        for (name, value) in values {
            env.retain(|(known, _)| known != name);
            env.push((name.clone(), value.clone()));
        }
        self.process(program, argv, env)
    }

    /// A program that gets the descriptors of this moment.
    pub(crate) fn process(
        &self,
        program: &str,
        argv: Vec<String>,
        env: Vec<(String, String)>,
    ) -> Result<Process, SpawnError> {
        let program = if program.contains('/') {
            self.absolute(program)
        } else {
            program.to_owned()
        };
        if program.contains('/') && std::path::Path::new(&program).is_dir() {
            return Err(SpawnError::NotExecutable);
        }
        let output = |number: u8| match &self.fds[usize::from(number)] {
            Some(fd) => fd.child_output(number),
            None => Stdio::Null,
        };
        Ok(Process {
            program,
            argv,
            env,
            cwd: self.cwd.clone(),
            stdin: self.fds[0]
                .as_ref()
                .map_or(Stdio::Null, |fd| fd.child_input()),
            stdout: output(1),
            stderr: output(2),
        })
    }

    /// Waits for a child in the foreground, emptying a command substitution's pipe meanwhile.
    pub(crate) fn wait_for(&mut self, child: &Child) -> Status {
        let captures: Vec<Rc<Fd>> = [1, 2]
            .into_iter()
            .filter_map(|fd| self.fds[fd].clone())
            .filter(|fd| matches!(**fd, Fd::Capture(_)))
            .collect();
        if captures.is_empty() && !self.interactive {
            return self.ended(child.wait());
        }
        loop {
            if let Some(exit) = child.try_wait() {
                for capture in &captures {
                    capture.drain();
                }
                return self.ended(exit);
            }
            match captures.first() {
                Some(capture) => {
                    capture.wait_beside(child);
                    capture.drain();
                }
                None => {
                    guest_kit::poll(&[child, &signals::source()], None);
                }
            }
            if self.interactive {
                // The terminal has told the child too; the shell only must not die of it.
                while signals::next().is_some() {}
            }
        }
    }

    /// The status of a child that has ended; a deadly signal is said aloud.
    pub(crate) fn ended(&mut self, exit: Exit) -> Status {
        if let Exit::Signal(signal) = exit
            && let Some(text) = death(signal)
        {
            self.write(2, format!("{text}\n").as_bytes())?;
        }
        Ok(exit.status())
    }

    /// Becomes another program, as far as anybody can tell from outside.
    pub(crate) fn replace(&mut self, args: &[String], values: &[(String, String)]) -> Status {
        self.command_name = Some("exec".into());
        let mut argv = args.to_vec();
        if argv[0] == "-a" && argv.len() > 2 {
            argv.remove(0);
        } else if argv[0] == "--" && argv.len() > 1 {
            argv.remove(0);
            argv.insert(0, argv[0].clone());
        } else if argv[0].len() > 1 && argv[0].starts_with('-') {
            let letter = argv[0][1..].chars().next().unwrap_or('-');
            return Err(self.fail(&format!("illegal option -{letter}")));
        } else {
            argv.insert(0, argv[0].clone());
        }
        let name = argv.remove(1);
        if let Some(builtin) =
            builtins::find(&name).filter(|builtin| builtin.kind == builtins::Kind::Applet)
        {
            let status = self.run_builtin(builtin, &argv)?;
            return Err(Flow::Exit(status));
        }
        match self.become_program(&name, argv, values) {
            Ok(status) => Err(Flow::Exit(status)),
            Err(error) => {
                let (status, reason) = refusal(error);
                self.complain(&format!("{name}: {reason}"));
                Err(Flow::Exit(status))
            }
        }
    }

    /// This process becomes the program; within a subshell, which is no process, a child does and
    /// its status is given.
    fn become_program(
        &mut self,
        name: &str,
        argv: Vec<String>,
        values: &[(String, String)],
    ) -> Result<i32, SpawnError> {
        if self.subshells == 0 {
            let program = self.prepare(name, argv, values)?;
            // What only this process reads goes before it does: nothing is dropped afterwards.
            self.fds[0] = None;
            self.fds.truncate(3);
            return Err(program.replace());
        }
        let child = self.spawn_as(name, argv, values)?;
        self.traps = Rc::default();
        Ok(self.wait_for(&child).unwrap_or(1))
    }
}
