//! `sh`: a POSIX shell with busybox ash's manners, over processes that are spawned and never
//! forked.
//!
//! Read [`ast`] for what a program is, [`parse`] and [`word`] for how it is read, [`expand`] for
//! words, [`exec`], [`simple`] and [`pipeline`] for running, [`builtins`] for what the shell does itself,
//! [`interactive`] for the prompt. The shell never touches the terminal except there, and never
//! guesses: what it cannot do it says.

mod arith;
mod ast;
mod builtins;
mod child;
mod edit;
mod exec;
mod expand;
mod fds;
#[cfg(test)]
mod fuzzed;
mod interactive;
mod parameter;
mod parse;
mod pattern;
mod pipeline;
mod redirect;
mod simple;
mod state;
mod transform;
mod word;

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use fds::Fd;
use parse::Parser;
use state::{Options, Shell, State, Variable};

const DEFAULT_PATH: &str = "/sbin:/usr/sbin:/bin:/usr/bin";

pub(crate) use pattern::matches as pattern_matches;

/// What the arguments ask for.
struct Invocation {
    command: Option<String>,
    script: Option<String>,
    interactive: bool,
    options: Options,
    name: String,
    params: Vec<String>,
}

/// Runs a shell with these arguments, the program's name first; its exit code.
pub(crate) fn main(args: &[String]) -> i32 {
    let program = args.first().map_or("sh", String::as_str);
    let program = program.trim_start_matches('-').to_owned();
    let mut shell = Shell::new(program);
    let invocation = match invocation(args) {
        Ok(invocation) => invocation,
        Err(message) => {
            shell.complain(&message);
            return 2;
        }
    };
    shell.options = invocation.options;
    shell.options.from_text = invocation.command.is_some();
    shell.name.clone_from(&invocation.name);
    shell.params = Rc::new(invocation.params.clone());
    let result = shell.begin(invocation);
    shell.end_of_shell(result).unwrap_or(2)
}

fn invocation(args: &[String]) -> Result<Invocation, String> {
    let mut options = Options::default();
    let (mut command, mut interactive, mut from_stdin) = (false, false, false);
    let mut rest = args.iter().skip(1).peekable();
    while let Some(arg) = rest.next_if(|arg| arg.len() > 1 && arg.starts_with(['-', '+'])) {
        if arg == "--" {
            break;
        }
        if arg == "--login" {
            continue;
        }
        for letter in arg[1..].chars() {
            match letter {
                'c' => command = true,
                'i' => interactive = true,
                's' => from_stdin = true,
                'l' => {}
                'o' => {
                    let name = rest.next().ok_or("-o requires an argument")?;
                    let option = options
                        .named(name)
                        .ok_or_else(|| format!("illegal option -o {name}"))?;
                    *option = arg.starts_with('-');
                }
                letter => {
                    let option = options
                        .letter(letter)
                        .ok_or_else(|| format!("illegal option -{letter}"))?;
                    *option = arg.starts_with('-');
                }
            }
        }
    }
    let own_name = args.first().cloned().unwrap_or_else(|| "sh".into());
    let command = match command {
        true => Some(rest.next().cloned().ok_or("-c requires an argument")?),
        false => None,
    };
    let first = if from_stdin {
        None
    } else {
        rest.next().cloned()
    };
    let name = first.clone().unwrap_or(own_name);
    let script = first.filter(|_| command.is_none());
    Ok(Invocation {
        command,
        script,
        interactive,
        options,
        name,
        params: rest.cloned().collect(),
    })
}

impl Shell {
    fn new(program: String) -> Self {
        let mut variables: BTreeMap<String, Variable> = std::env::vars()
            .filter(|(name, _)| parse::is_name(name))
            .map(|(name, value)| {
                let variable = Variable {
                    value: Some(value),
                    exported: true,
                    read_only: false,
                };
                (name, variable)
            })
            .collect();
        let cwd = std::env::current_dir()
            .map_or_else(|_| "/".into(), |dir| dir.to_string_lossy().into_owned());
        let mut default = |name: &str, value: &str| {
            variables
                .entry(name.to_owned())
                .or_default()
                .value
                .get_or_insert_with(|| value.to_owned());
        };
        default("PATH", DEFAULT_PATH);
        default("OPTIND", "1");
        default("PS4", "+ ");
        default("PWD", &cwd);
        for (name, value) in [("IFS", " \t\n"), ("PWD", &cwd)] {
            variables.entry(name.to_owned()).or_default().value = Some(value.to_owned());
        }
        let pid = guest_kit::process::pid();
        Self {
            state: State {
                variables: Rc::new(variables),
                functions: Rc::default(),
                aliases: Rc::default(),
                locals: Vec::new(),
                params: Rc::default(),
                name: program.clone(),
                cwd,
                fds: vec![
                    Some(Fd::own_input()),
                    Some(Fd::own_output(1)),
                    Some(Fd::own_output(2)),
                ],
                status: 0,
                line: 0,
                options: Options::default(),
                traps: Rc::default(),
                last_background: None,
                loops: 0,
                guarded: 0,
                subshells: 0,
                getopts_at: 0,
                umask: 0o022,
                command_name: None,
            },
            jobs: Vec::new(),
            program,
            shell_pid: pid,
            interactive: false,
            signals: VecDeque::new(),
            history: Vec::new(),
            applets: BTreeMap::new(),
            depth: 0,
            substituted: None,
            last_command: false,
        }
    }

    fn begin(&mut self, invocation: Invocation) -> exec::Status {
        if let Some(part) = self.part() {
            return self.run_text(&part, 0);
        }
        if let Some(command) = invocation.command {
            self.last_command = true;
            return self.run_text(&command, 0);
        }
        if let Some(script) = invocation.script {
            return match std::fs::read(self.absolute(&script)) {
                Ok(bytes) => {
                    self.program.clone_from(&script);
                    self.command_name = Some(script.into());
                    self.run_text(&String::from_utf8_lossy(&bytes), 1)
                }
                Err(error) => {
                    let reason = crate::applets::reason(&error);
                    self.complain(&format!("can't open '{script}': {reason}"));
                    Ok(2)
                }
            };
        }
        if invocation.interactive || guest_kit::terminal::size().is_some() {
            self.interactive = true;
            self.options.interactive = true;
            return self.prompt_loop();
        }
        self.run_stdin()
    }

    /// What another shell has handed over.
    fn part(&mut self) -> Option<String> {
        let part = self.get(pipeline::PART)?.to_owned();
        if let Some(pid) = self
            .get(pipeline::PART_PID)
            .and_then(|pid| pid.parse().ok())
        {
            self.shell_pid = pid;
        }
        self.variables_mut().remove(pipeline::PART);
        self.variables_mut().remove(pipeline::PART_PID);
        Some(part)
    }

    /// Commands from standard input, no byte further than each of them needs.
    fn run_stdin(&mut self) -> exec::Status {
        self.options.from_stdin = true;
        let (mut text, mut read, mut begun) = (String::new(), 0, 1);
        loop {
            let line = self.read_line();
            let ended = line.is_empty();
            if self.options.verbose {
                self.write(2, line.as_bytes())?;
            }
            text.push_str(&line);
            read += 1;
            let aliases = Rc::clone(&self.aliases);
            match Parser::new(&text, &aliases, begun).next_line(&aliases) {
                Err(error) if error.incomplete && !ended => continue,
                Err(error) => return Err(self.fail(&error.message)),
                Ok(None) => {}
                Ok(Some(list)) => {
                    self.list(&list)?;
                }
            }
            text.clear();
            begun = read + 1;
            if ended {
                return Ok(self.status);
            }
        }
    }

    fn read_line(&self) -> String {
        let mut line = Vec::new();
        let mut byte = [0];
        if let Some(Some(input)) = self.fds.first() {
            while let Ok(1) = input.read(&mut byte) {
                line.push(byte[0]);
                if byte[0] == b'\n' {
                    break;
                }
            }
        }
        String::from_utf8_lossy(&line).into_owned()
    }
}
