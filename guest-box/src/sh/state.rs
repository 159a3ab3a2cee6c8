//! What a shell knows: variables, functions, parameters, options, descriptors.
//!
//! A subshell is a copy of [`State`] that is thrown away; everything large is shared until
//! written. Nothing here runs commands.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::ops::{Deref, DerefMut};
use std::rc::Rc;

use guest_kit::process::{Child, Exit};

use super::ast::Command;
use super::fds::Fd;

/// Why commands stop before their end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// `exit`, or the end of a shell that may not go on.
    Exit(i32),
    /// A mistake that ends a script and returns an interactive shell to its prompt.
    Fail(i32),
    Return(i32),
    Break(usize),
    Continue(usize),
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Variable {
    /// Nothing when only exported or made read-only so far.
    pub(crate) value: Option<String>,
    pub(crate) exported: bool,
    pub(crate) read_only: bool,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Options {
    pub(crate) errexit: bool,
    pub(crate) nounset: bool,
    pub(crate) xtrace: bool,
    pub(crate) noglob: bool,
    pub(crate) noexec: bool,
    pub(crate) verbose: bool,
    pub(crate) noclobber: bool,
    pub(crate) allexport: bool,
    pub(crate) pipefail: bool,
    pub(crate) ignoreeof: bool,
    pub(crate) monitor: bool,
    pub(crate) notify: bool,
    /// Commands come from `-c`, from standard input, from a person: no option, but in `$-`.
    pub(crate) from_text: bool,
    pub(crate) from_stdin: bool,
    pub(crate) interactive: bool,
}

impl Options {
    /// The option a letter of `set` stands for.
    pub(crate) fn letter(&mut self, letter: char) -> Option<&mut bool> {
        Some(match letter {
            'e' => &mut self.errexit,
            'u' => &mut self.nounset,
            'x' => &mut self.xtrace,
            'f' => &mut self.noglob,
            'n' => &mut self.noexec,
            'v' => &mut self.verbose,
            'C' => &mut self.noclobber,
            'a' => &mut self.allexport,
            'b' => &mut self.notify,
            'm' => &mut self.monitor,
            'I' => &mut self.ignoreeof,
            _ => return None,
        })
    }

    /// The option a name of `set -o` stands for.
    pub(crate) fn named(&mut self, name: &str) -> Option<&mut bool> {
        if name == "pipefail" {
            return Some(&mut self.pipefail);
        }
        let (_, letter) = OPTION_NAMES.iter().find(|(known, _)| *known == name)?;
        self.letter(*letter)
    }

    /// `$-`.
    pub(crate) fn letters(self) -> String {
        let all = [
            ('u', self.nounset),
            ('b', self.notify),
            ('a', self.allexport),
            ('C', self.noclobber),
            ('v', self.verbose),
            ('x', self.xtrace),
            ('c', self.from_text),
            ('s', self.from_stdin),
            ('n', self.noexec),
            ('m', self.monitor),
            ('i', self.interactive),
            ('I', self.ignoreeof),
            ('f', self.noglob),
            ('e', self.errexit),
        ];
        let set = all.iter().filter(|(_, on)| *on);
        set.map(|(letter, _)| *letter).collect()
    }
}

/// In the order `set -o` prints them; a blank where there is no letter.
pub(crate) const OPTION_NAMES: [(&str, char); 12] = [
    ("errexit", 'e'),
    ("noglob", 'f'),
    ("ignoreeof", 'I'),
    ("monitor", 'm'),
    ("noexec", 'n'),
    ("xtrace", 'x'),
    ("verbose", 'v'),
    ("noclobber", 'C'),
    ("allexport", 'a'),
    ("notify", 'b'),
    ("nounset", 'u'),
    ("pipefail", ' '),
];

/// What a subshell gets a copy of.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) variables: Rc<BTreeMap<String, Variable>>,
    pub(crate) functions: Rc<BTreeMap<String, Rc<Command>>>,
    pub(crate) aliases: Rc<BTreeMap<String, String>>,
    /// What `local` has hidden, one map for each function that runs.
    pub(crate) locals: Vec<BTreeMap<String, Option<Variable>>>,
    pub(crate) params: Rc<Vec<String>>,
    /// `$0`.
    pub(crate) name: String,
    pub(crate) cwd: String,
    pub(crate) fds: Vec<Option<Rc<Fd>>>,
    pub(crate) status: i32,
    pub(crate) line: usize,
    pub(crate) options: Options,
    /// Commands by signal; 0 is the shell's end. An empty command ignores the signal.
    pub(crate) traps: Rc<BTreeMap<u8, String>>,
    pub(crate) last_background: Option<u32>,
    pub(crate) loops: usize,
    /// Above zero where `set -e` does not look: conditions, left sides, negations.
    pub(crate) guarded: usize,
    /// How deep this is in subshells.
    pub(crate) subshells: usize,
    pub(crate) getopts_at: usize,
    /// Bits that files made by redirections do not get.
    pub(crate) umask: u32,
    /// What messages name beside the shell: the builtin that runs, the file that is read.
    pub(crate) command_name: Option<Cow<'static, str>>,
}

/// A background child.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) number: usize,
    pub(crate) child: Child,
    /// What was typed; empty when nobody typed it.
    pub(crate) text: String,
}

impl Job {
    /// The end, when it has come.
    pub(crate) fn end(&self) -> Option<Exit> {
        self.child.try_wait()
    }
}

/// A running shell: its state and what belongs to the process.
#[derive(Debug)]
pub(crate) struct Shell {
    pub(crate) state: State,
    pub(crate) jobs: Vec<Job>,
    /// What messages begin with.
    pub(crate) program: String,
    /// `$$`.
    pub(crate) shell_pid: u32,
    pub(crate) interactive: bool,
    /// Signals that the shell has sent itself.
    pub(crate) signals: VecDeque<u8>,
    /// What was typed at the prompt, oldest first.
    pub(crate) history: Vec<String>,
    /// Applets that have run within the shell, so that they are looked up once.
    pub(crate) applets: BTreeMap<&'static str, &'static crate::applets::Applet>,
    /// How deep functions and substitutions are nested.
    pub(crate) depth: usize,
    /// The command that runs is the last thing this shell does.
    pub(crate) last_command: bool,
    /// The status of the last command substitution of a simple command.
    pub(crate) substituted: Option<i32>,
}

impl Deref for Shell {
    type Target = State;
    fn deref(&self) -> &State {
        &self.state
    }
}

impl DerefMut for Shell {
    fn deref_mut(&mut self) -> &mut State {
        &mut self.state
    }
}

impl State {
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name)?.value.as_deref()
    }

    pub(crate) fn variables_mut(&mut self) -> &mut BTreeMap<String, Variable> {
        Rc::make_mut(&mut self.variables)
    }

    /// The exported variables.
    pub(crate) fn environment(&self) -> Vec<(String, String)> {
        let exported = self
            .variables
            .iter()
            .filter(|(_, variable)| variable.exported);
        exported
            .filter_map(|(name, variable)| Some((name.clone(), variable.value.clone()?)))
            .collect()
    }

    /// A path as the file system wants it.
    pub(crate) fn absolute(&self, path: &str) -> String {
        if path.starts_with('/') {
            path.to_owned()
        } else if self.cwd == "/" {
            format!("/{path}")
        } else {
            format!("{}/{path}", self.cwd)
        }
    }
}

impl Shell {
    /// Sets a variable. Fails when it is read-only.
    pub(crate) fn set(&mut self, name: &str, value: impl Into<String>) -> Result<(), Flow> {
        if self
            .variables
            .get(name)
            .is_some_and(|variable| variable.read_only)
        {
            return Err(self.fail(&format!("{name}: is read only")));
        }
        if name == "OPTIND" {
            self.getopts_at = 0;
        }
        let allexport = self.options.allexport;
        let value = value.into();
        match self.variables_mut().get_mut(name) {
            Some(variable) => {
                variable.value = Some(value);
                variable.exported |= allexport;
            }
            None => {
                let variable = Variable {
                    value: Some(value),
                    exported: allexport,
                    read_only: false,
                };
                self.variables_mut().insert(name.to_owned(), variable);
            }
        }
        Ok(())
    }

    /// Writes to a descriptor; a broken pipe ends the shell as SIGPIPE would.
    pub(crate) fn write(&mut self, fd: usize, bytes: &[u8]) -> Result<(), Flow> {
        let Some(Some(target)) = self.fds.get(fd) else {
            return Ok(());
        };
        match target.write(bytes) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Err(Flow::Exit(141)),
            // As in ash, a builtin does not notice other failures.
            _ => Ok(()),
        }
    }

    /// Writes what a builtin has to say to standard output; its status.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<i32, Flow> {
        if bytes.is_empty() {
            return Ok(0);
        }
        let reason = match self.fds.get(1).cloned().flatten() {
            None => "Bad file descriptor".to_owned(),
            Some(target) => match target.write(bytes) {
                Ok(()) => return Ok(0),
                Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => {
                    return Err(Flow::Exit(141));
                }
                Err(error) => crate::applets::reason(&error),
            },
        };
        let text = format!("{}: write error: {reason}\n", self.program);
        self.write(2, text.as_bytes())?;
        Ok(1)
    }

    /// Says what is wrong, in ash's form.
    pub(crate) fn complain(&mut self, message: &str) {
        let mut text = format!("{}: ", self.program);
        if let Some(name) = &self.command_name {
            if *name != self.program {
                text.push_str(&format!("{name}: "));
            }
            if !self.interactive {
                text.push_str(&format!("line {}: ", self.line));
            }
        }
        text.push_str(message);
        text.push('\n');
        // Nobody to tell when standard error is gone.
        let _ = self.write(2, text.as_bytes());
    }

    /// Says what is wrong and gives what ends the commands.
    pub(crate) fn fail(&mut self, message: &str) -> Flow {
        self.complain(message);
        Flow::Fail(2)
    }
}
