//! What the shell does itself: one table; each room beside it answers one question.
//!
//! Applets that need nothing but arguments (`echo`, `test`, `expr`, …) run in the shell's process
//! too, as ash runs its own; everything else is a program. Nothing here reads shell text.

mod flow;
mod getopts;
mod jobs;
mod names;
mod options;
mod place;
mod read;
mod traps;
mod variables;

use super::exec::Status;
use super::state::{Flow, Shell};
use crate::applets::{self, Io};
pub(crate) use jobs::line as job_line;

/// A command of the shell itself.
#[derive(Debug)]
pub(crate) struct Builtin {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) run: fn(&mut Shell, &[String]) -> Status,
}

/// How a builtin is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Its mistakes end a script, and assignments before it stay.
    Special,
    Regular,
    /// It ends by itself and reads nothing.
    Quick,
    /// Quick, and one of the applets.
    Applet,
}

const fn builtin(
    name: &'static str,
    kind: Kind,
    run: fn(&mut Shell, &[String]) -> Status,
) -> Builtin {
    Builtin { name, kind, run }
}

const fn applet(name: &'static str) -> Builtin {
    builtin(name, Kind::Applet, run_applet)
}

/// Sorted by name.
static BUILTINS: [Builtin; 49] = {
    use Kind::{Quick, Regular, Special};
    [
        builtin(".", Special, flow::source),
        builtin(":", Special, |_, _| Ok(0)),
        applet("["),
        applet("[["),
        builtin("alias", Quick, names::alias),
        applet("basename"),
        builtin("bg", Regular, jobs::bg),
        builtin("break", Special, |shell, args| {
            flow::leave_loop(shell, args, Flow::Break)
        }),
        builtin("cd", Regular, place::cd),
        builtin("chdir", Regular, place::cd),
        builtin("command", Regular, names::command),
        builtin("continue", Special, |shell, args| {
            flow::leave_loop(shell, args, Flow::Continue)
        }),
        applet("dirname"),
        applet("echo"),
        builtin("eval", Special, flow::eval),
        builtin("exec", Special, |_, _| Ok(0)),
        builtin("exit", Special, flow::exit),
        builtin("export", Special, variables::export),
        applet("expr"),
        applet("false"),
        builtin("fg", Regular, jobs::fg),
        builtin("getopts", Regular, getopts::getopts),
        builtin("hash", Quick, names::hash),
        builtin("help", Quick, help),
        builtin("history", Quick, names::history),
        builtin("jobs", Quick, jobs::jobs),
        builtin("kill", Quick, jobs::kill),
        builtin("let", Regular, variables::let_),
        builtin("local", Special, variables::local),
        applet("printf"),
        builtin("pwd", Quick, place::pwd),
        builtin("read", Regular, read::read),
        builtin("readonly", Special, variables::readonly),
        builtin("return", Special, flow::return_),
        applet("seq"),
        builtin("set", Special, options::set),
        builtin("shift", Special, variables::shift),
        builtin("source", Special, flow::source),
        applet("test"),
        builtin("times", Special, place::times),
        builtin("trap", Special, traps::trap),
        applet("true"),
        builtin("type", Quick, names::type_),
        builtin("ulimit", Regular, place::ulimit),
        builtin("umask", Regular, place::umask),
        builtin("unalias", Regular, names::unalias),
        builtin("unset", Special, variables::unset),
        builtin("wait", Regular, jobs::wait),
        builtin("which", Quick, names::which),
    ]
};

/// Those of the table that are programs in ash.
const PROGRAMS: [&str; 5] = ["basename", "dirname", "expr", "seq", "which"];

pub(crate) fn find(name: &str) -> Option<&'static Builtin> {
    let index = BUILTINS
        .binary_search_by(|builtin| builtin.name.cmp(name))
        .ok()?;
    BUILTINS.get(index)
}

/// The names of all builtins, for completion.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    let all = BUILTINS.iter().map(|builtin| builtin.name);
    all.filter(|name| !PROGRAMS.contains(name))
}

fn run_applet(shell: &mut Shell, args: &[String]) -> Status {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let known = shell.applets.get(args[0].as_str()).copied();
    let applet = known.or_else(|| applets::find(&args[0]));
    let status = applet.map_or(127, |applet| {
        shell.applets.insert(applet.name, applet);
        let own = PROGRAMS.contains(&args[0].as_str());
        let mut io = Io {
            name: if own {
                args[0].clone()
            } else {
                shell.program.clone()
            },
            applet,
            args: args.to_vec(),
            input: Box::new(std::io::empty()),
            out: Box::new(&mut out),
            err: Box::new(&mut err),
        };
        applets::run(&mut io)
    });
    shell.write(2, &err)?;
    let written = shell.put(&out)?;
    Ok(if status == 0 { written } else { status })
}

/// Options before the operands, one letter at a time, as ash reads them.
struct Letters<'a> {
    args: &'a [String],
    /// The next argument.
    at: usize,
    /// The next letter in it.
    letter: usize,
}

impl<'a> Letters<'a> {
    fn new(args: &'a [String]) -> Self {
        Self {
            args,
            at: 1,
            letter: 0,
        }
    }

    /// The next option, with its value when `known` has a colon behind it.
    fn next(&mut self, shell: &mut Shell, known: &str) -> Result<Option<(char, &'a str)>, Flow> {
        if self.letter == 0 {
            let Some(arg) = self.args.get(self.at) else {
                return Ok(None);
            };
            if arg.len() < 2 || !arg.starts_with('-') {
                return Ok(None);
            }
            self.at += 1;
            if arg == "--" {
                return Ok(None);
            }
            self.letter = 1;
        }
        let arg = &self.args[self.at - 1];
        let letter = arg[self.letter..].chars().next().unwrap_or('-');
        self.letter += letter.len_utf8();
        let rest = &arg[self.letter..];
        if rest.is_empty() {
            self.letter = 0;
        }
        let after = known.split_once(letter).filter(|_| letter != ':');
        let Some((_, after)) = after else {
            return Err(shell.fail(&format!("illegal option -{letter}")));
        };
        if !after.starts_with(':') {
            return Ok(Some((letter, "")));
        }
        if !rest.is_empty() {
            self.letter = 0;
            return Ok(Some((letter, rest)));
        }
        let Some(value) = self.args.get(self.at) else {
            return Err(shell.fail(&format!("no arg for -{letter} option")));
        };
        self.at += 1;
        Ok(Some((letter, value)))
    }

    fn rest(&self) -> &'a [String] {
        &self.args[self.at.min(self.args.len())..]
    }
}

fn help(shell: &mut Shell, _: &[String]) -> Status {
    let mut text = String::from("Built-in commands:\n------------------\n");
    let mut line = String::from("\t");
    for name in names() {
        if line.len() + name.len() > 63 {
            text.push_str(line.trim_end_matches(' '));
            text.push('\n');
            line = String::from("\t");
        }
        line.push_str(name);
        line.push(' ');
    }
    text.push_str(line.trim_end_matches(' '));
    text.push_str("\n\n");
    shell.put(text.as_bytes())
}
