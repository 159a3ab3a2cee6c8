//! Runs recipes, line by line, each line in a shell of its own.
//!
//! Never decides whether a recipe is due.

use guest_kit::process::{Command, Exit, SpawnError};

use super::rule::{Recipe, Rule};
use super::{Make, Place, Result};

/// Characters that only a shell understands.
const SHELL_ONLY: &[char] = &[
    '#', ';', '"', '*', '?', '[', ']', '&', '|', '<', '>', '(', ')', '{', '}', '$', '`', '^', '~',
    '!', '\'', '\\', '\n', '=',
];

/// Commands that only a shell has.
const BUILTINS: [&str; 41] = [
    ".", ":", "alias", "bg", "break", "case", "cd", "command", "continue", "eval", "exec", "exit",
    "export", "fc", "fg", "for", "getopts", "hash", "if", "jobs", "login", "logout", "read",
    "readonly", "return", "set", "shift", "test", "times", "trap", "type", "ulimit", "umask",
    "unalias", "unset", "wait", "while", "until", "local", "source", "let",
];

/// One command of a recipe, expanded.
struct Step {
    text: String,
    place: Place,
    silent: bool,
    ignore: bool,
    always: bool,
}

impl Make {
    /// Runs the recipe; whether it went well.
    pub(crate) fn run_recipe(
        &mut self,
        name: &str,
        rule: &Rule,
        recipe: &Recipe,
        newer: &[String],
    ) -> Result<bool> {
        self.scopes.push(Self::automatic(name, rule, newer));
        let result = self.run_lines(name, rule, recipe);
        self.scopes.pop();
        self.place = None;
        result
    }

    fn run_lines(&mut self, name: &str, rule: &Rule, recipe: &Recipe) -> Result<bool> {
        let steps = self.steps(name, recipe)?;
        if steps.is_empty() {
            return Ok(true);
        }
        if self.options.question {
            self.progress.new.insert(name.to_owned());
            return Ok(true);
        }
        let touch = self.options.touch && !self.rules.phony.contains(name);
        if touch && !self.options.just_print {
            self.touch(name);
        }
        let environment = self.environment()?;
        for step in &steps {
            if touch && !step.always {
                continue;
            }
            self.progress.started += 1;
            let shown = self.options.just_print && !step.always;
            if !step.silent || shown || (self.options.just_print && step.always) {
                self.print(&step.text);
            }
            if shown {
                continue;
            }
            let status = self.run_step(step, &environment)?;
            if let Some(what) = status
                && !self.failed(name, step, &what)
            {
                if self.rules.targets.contains_key(".DELETE_ON_ERROR") {
                    self.delete(name);
                }
                return Ok(false);
            }
        }
        if self.options.just_print || touch {
            self.progress.new.insert(name.to_owned());
            self.progress.new.extend(rule.together.iter().cloned());
        }
        Ok(true)
    }

    fn touch(&mut self, name: &str) {
        self.progress.started += 1;
        if !self.options.silent {
            self.print(&format!("touch {name}"));
        }
        let file = std::fs::File::options()
            .append(true)
            .create(true)
            .open(name);
        let touched = file.and_then(|file| file.set_modified(std::time::SystemTime::now()));
        if let Err(error) = touched {
            self.complain(&format!("{}: touch: {name}: {error}", self.name()));
        }
    }

    fn delete(&self, name: &str) {
        if std::path::Path::new(name).is_file() && !self.rules.special_named(".PRECIOUS", name) {
            self.complain(&format!("{}: *** Deleting file '{name}'", self.name()));
            // What is gone already was to go.
            let _ = std::fs::remove_file(name);
        }
    }

    /// Says that a step failed; whether that is to be ignored.
    fn failed(&self, name: &str, step: &Step, what: &str) -> bool {
        let ignore = step.ignore;
        let (before, after) = match ignore {
            true => ("", " (ignored)"),
            false => ("*** ", ""),
        };
        let place = &step.place;
        self.complain(&format!(
            "{}: {before}[{place}: {name}] {what}{after}",
            self.name()
        ));
        ignore
    }

    /// The lines expanded, with the signs before them read.
    fn steps(&mut self, name: &str, recipe: &Recipe) -> Result<Vec<Step>> {
        let silent = self.options.silent || self.rules.special(".SILENT", name);
        let ignore = self.options.ignore || self.rules.special(".IGNORE", name);
        let one_shell = self.rules.targets.contains_key(".ONESHELL");
        let mut steps: Vec<Step> = Vec::new();
        for (line, place) in &recipe.lines {
            self.place = Some(place.clone());
            let recursive = line.contains("$(MAKE)") || line.contains("${MAKE}");
            let (signs, _) = signs(line);
            let expanded = self.expand(&unprefixed(line))?;
            let parts = match one_shell {
                true => vec![expanded.as_str()],
                false => separate(&expanded),
            };
            for part in parts {
                let (own, text) = self::signs(part);
                let any = |sign: char| signs.contains(sign) || own.contains(sign);
                if text.trim().is_empty() && !one_shell {
                    continue;
                }
                steps.push(Step {
                    text: text.to_owned(),
                    place: place.clone(),
                    silent: silent || any('@'),
                    ignore: ignore || any('-'),
                    always: recursive || any('+'),
                });
            }
        }
        self.place = None;
        if one_shell && steps.len() > 1 {
            let mut all = steps.into_iter();
            let Some(mut first) = all.next() else {
                return Ok(Vec::new());
            };
            for step in all {
                first.text.push('\n');
                first.text.push_str(&step.text);
                first.always |= step.always;
            }
            return Ok(vec![first]);
        }
        Ok(steps)
    }

    /// Runs one command; what went wrong with it.
    fn run_step(
        &mut self,
        step: &Step,
        environment: &[(String, String)],
    ) -> Result<Option<String>> {
        let mut command = match self.direct(&step.text) {
            Some(command) => command,
            None => self.shell_command(&step.text)?,
        };
        command.env = environment.to_vec();
        let program = command.program.clone();
        match command.spawn() {
            Ok(child) => Ok(match child.wait() {
                Exit::Code(0) => None,
                Exit::Code(code) => Some(format!("Error {code}")),
                Exit::Signal(signal) => Some(death(signal).to_owned()),
            }),
            Err(error) => {
                let (reason, code) = match error {
                    SpawnError::NotFound => ("No such file or directory", 127),
                    SpawnError::NotExecutable => ("Permission denied", 127),
                    SpawnError::TooMany => ("Resource temporarily unavailable", 127),
                };
                self.complain(&format!("{}: {program}: {reason}", self.name()));
                Ok(Some(format!("Error {code}")))
            }
        }
    }

    /// A command that needs no shell, as GNU make starts it too.
    fn direct(&self, text: &str) -> Option<Command> {
        let shell = self.lookup("SHELL").map(|it| it.value.as_str());
        if text.contains(SHELL_ONLY) || shell != Some("/bin/sh") {
            return None;
        }
        let mut words = text.split_whitespace();
        let program = words.next().filter(|word| !BUILTINS.contains(word))?;
        let command = Command::new(program);
        Some(words.fold(command, Command::arg))
    }

    /// A command for the shell.
    pub(crate) fn shell_command(&mut self, text: &str) -> Result<Command> {
        let shell = self.value_of("SHELL")?;
        let flags = self.value_of(".SHELLFLAGS")?;
        let mut words = shell.split_whitespace();
        let command = Command::new(words.next().unwrap_or("/bin/sh"));
        let command = words
            .chain(flags.split_whitespace())
            .fold(command, Command::arg);
        Ok(command.arg(text))
    }
}

/// What the C library calls a signal.
fn death(signal: u8) -> &'static str {
    match signal {
        1 => "Hangup",
        2 => "Interrupt",
        3 => "Quit",
        6 => "Aborted",
        9 => "Killed",
        11 => "Segmentation fault",
        13 => "Broken pipe",
        15 => "Terminated",
        _ => "Signal",
    }
}

/// The `@`, `-` and `+` before a command, and the command.
fn signs(line: &str) -> (&str, &str) {
    let text = line.trim_start_matches([' ', '\t', '@', '-', '+']);
    line.split_at(line.len() - text.len())
}

/// The line without the recipe prefix behind its joints.
fn unprefixed(line: &str) -> String {
    line.replace("\\\n\t", "\\\n")
}

/// Commands that newlines of a `define` part, unless a backslash joins them.
fn separate(text: &str) -> Vec<&str> {
    let (mut parts, mut start) = (Vec::new(), 0);
    for (at, _) in text.match_indices('\n') {
        let before = &text[start..at];
        if (before.len() - before.trim_end_matches('\\').len()) & 1 == 0 {
            parts.push(before);
            start = at + 1;
        }
    }
    parts.push(&text[start..]);
    parts
}
