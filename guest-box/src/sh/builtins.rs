//! What the shell does itself: one table, one function each.
//!
//! Applets that need nothing but arguments (`echo`, `test`, `expr`, …) run in the shell's process
//! too, as ash runs its own; everything else is a program.

use std::io::Write as _;
use std::rc::Rc;

use guest_kit::{process, signals};

use super::exec::{Status, quote};
use super::parse;
use super::state::{Flow, OPTION_NAMES, Shell, Variable};
use crate::applets::{self, Io};

/// A command of the shell itself.
#[derive(Debug)]
pub(crate) struct Builtin {
    pub(crate) name: &'static str,
    /// Its mistakes end a script, and assignments before it stay.
    pub(crate) special: bool,
    /// It ends by itself and reads nothing.
    pub(crate) quick: bool,
    /// It is one of the applets.
    pub(crate) applet: bool,
    pub(crate) run: fn(&mut Shell, &[String]) -> Status,
}

const fn special(name: &'static str, run: fn(&mut Shell, &[String]) -> Status) -> Builtin {
    Builtin {
        name,
        special: true,
        quick: false,
        applet: false,
        run,
    }
}

const fn regular(name: &'static str, run: fn(&mut Shell, &[String]) -> Status) -> Builtin {
    Builtin {
        name,
        special: false,
        quick: false,
        applet: false,
        run,
    }
}

const fn quick(name: &'static str, run: fn(&mut Shell, &[String]) -> Status) -> Builtin {
    Builtin {
        name,
        special: false,
        quick: true,
        applet: false,
        run,
    }
}

const fn applet(name: &'static str) -> Builtin {
    Builtin {
        name,
        special: false,
        quick: true,
        applet: true,
        run: run_applet,
    }
}

/// Sorted by name.
static BUILTINS: [Builtin; 46] = [
    special(".", source),
    special(":", |_, _| Ok(0)),
    applet("["),
    Builtin {
        name: "[[",
        special: false,
        quick: true,
        applet: true,
        run: run_applet,
    },
    quick("alias", alias),
    applet("basename"),
    special("break", |shell, args| leave_loop(shell, args, Flow::Break)),
    regular("cd", cd),
    regular("chdir", cd),
    regular("command", command),
    special("continue", |shell, args| {
        leave_loop(shell, args, Flow::Continue)
    }),
    applet("dirname"),
    applet("echo"),
    special("eval", eval),
    special("exec", |_, _| Ok(0)),
    special("exit", exit),
    special("export", export),
    applet("expr"),
    applet("false"),
    regular("getopts", getopts),
    quick("hash", |_, _| Ok(0)),
    quick("help", help),
    quick("jobs", jobs),
    quick("kill", kill),
    regular("let", let_),
    special("local", local),
    applet("printf"),
    quick("pwd", pwd),
    regular("read", read),
    special("readonly", readonly),
    special("return", return_),
    applet("seq"),
    special("set", set),
    special("shift", shift),
    special("source", source),
    applet("test"),
    special("times", times),
    special("trap", trap),
    applet("true"),
    quick("type", type_),
    regular("ulimit", ulimit),
    quick("umask", umask),
    regular("unalias", unalias),
    special("unset", unset),
    regular("wait", wait),
    quick("which", which),
];

pub(crate) fn find(name: &str) -> Option<&'static Builtin> {
    let index = BUILTINS
        .binary_search_by(|builtin| builtin.name.cmp(name))
        .ok()?;
    BUILTINS.get(index)
}

/// The names of all builtins, for completion.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    BUILTINS.iter().map(|builtin| builtin.name)
}

fn run_applet(shell: &mut Shell, args: &[String]) -> Status {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let status = applets::find(&args[0]).map_or(127, |applet| {
        let mut io = Io {
            name: if args[0] == "expr" || args[0] == "seq" {
                args[0].clone()
            } else {
                "sh".into()
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
    shell.write(1, &out)?;
    Ok(status)
}

fn source(shell: &mut Shell, args: &[String]) -> Status {
    let Some(name) = args.get(1) else {
        return Err(shell.fail("filename argument required"));
    };
    let path = if name.contains('/') {
        Some(name.clone())
    } else {
        in_path(shell, name).or_else(|| Some(name.clone()))
    };
    let read = std::fs::read(shell.absolute(&path.unwrap_or_default()));
    match read {
        Ok(bytes) => {
            let outer = shell.builtin.take();
            let params = (args.len() > 2)
                .then(|| std::mem::replace(&mut shell.params, Rc::new(args[2..].to_vec())));
            let result = shell.run_text(&String::from_utf8_lossy(&bytes));
            if let Some(params) = params {
                shell.params = params;
            }
            shell.builtin = outer;
            match result {
                Err(Flow::Return(status)) => Ok(status),
                result => result,
            }
        }
        Err(error) => Err(shell.fail(&format!("can't open '{name}': {}", applets::reason(&error)))),
    }
}

fn alias(shell: &mut Shell, args: &[String]) -> Status {
    let mut status = 0;
    let mut text = String::new();
    if args.len() == 1 {
        for (name, value) in shell.aliases.iter() {
            text.push_str(&format!("{name}={}\n", quote(value)));
        }
    }
    for arg in &args[1..] {
        if let Some((name, value)) = arg.split_once('=') {
            Rc::make_mut(&mut shell.aliases).insert(name.to_owned(), value.to_owned());
        } else if let Some(value) = shell.aliases.get(arg) {
            text.push_str(&format!("{arg}={}\n", quote(value)));
        } else {
            shell.complain(&format!("{arg} not found"));
            status = 1;
        }
    }
    shell.write(1, text.as_bytes())?;
    Ok(status)
}

fn unalias(shell: &mut Shell, args: &[String]) -> Status {
    let aliases = Rc::make_mut(&mut shell.aliases);
    for arg in &args[1..] {
        if arg == "-a" {
            aliases.clear();
        } else if aliases.remove(arg).is_none() {
            shell.complain(&format!("{arg} not found"));
            return Ok(1);
        }
    }
    Ok(0)
}

fn number(shell: &mut Shell, text: &str) -> Result<i64, Flow> {
    text.parse()
        .map_err(|_| shell.fail(&format!("Illegal number: {text}")))
}

fn leave_loop(shell: &mut Shell, args: &[String], flow: fn(usize) -> Flow) -> Status {
    let count = match args.get(1) {
        Some(text) => number(shell, text)?,
        None => 1,
    };
    let count = usize::try_from(count).unwrap_or(0);
    if count == 0 {
        return Err(shell.fail(&format!("Illegal number: {}", args[1])));
    }
    if shell.loops == 0 {
        return Ok(0);
    }
    Err(flow(count.min(shell.loops)))
}

fn cd(shell: &mut Shell, args: &[String]) -> Status {
    let args: Vec<&str> = args[1..]
        .iter()
        .map(String::as_str)
        .filter(|arg| !matches!(*arg, "-L" | "-P" | "--"))
        .collect();
    let (name, print) = match args.first() {
        None => match shell.get("HOME") {
            Some(home) => (home.to_owned(), false),
            None => return Ok(0),
        },
        Some(&"-") => match shell.get("OLDPWD") {
            Some(old) => (old.to_owned(), true),
            None => return Err(shell.fail("OLDPWD not set")),
        },
        Some(name) => ((*name).to_owned(), false),
    };
    let path = normalize(&shell.absolute(&name));
    if let Err(error) = std::env::set_current_dir(&path) {
        return Err(shell.fail(&format!("can't cd to {name}: {}", applets::reason(&error))));
    }
    let old = std::mem::replace(&mut shell.cwd, path.clone());
    shell.set("OLDPWD", old)?;
    shell.set("PWD", path.clone())?;
    if print {
        shell.write(1, format!("{path}\n").as_bytes())?;
    }
    Ok(0)
}

/// A path without `.`, `..` and doubled slashes, as `cd` keeps it.
pub(crate) fn normalize(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    format!("/{}", parts.join("/"))
}

fn command(shell: &mut Shell, args: &[String]) -> Status {
    match args.get(1).map(String::as_str) {
        None => Ok(0),
        Some("-v" | "-V") => {
            let mut status = 0;
            let long = args[1] == "-V";
            for name in &args[2..] {
                status = describe(shell, name, long)?;
            }
            Ok(status)
        }
        Some("-p" | "--") => command(shell, &args[1..]),
        Some(name) => match find(name) {
            Some(builtin) => shell.run_builtin(builtin, &args[1..]),
            None => shell.external(args[1..].to_vec(), &[]),
        },
    }
}

/// `command -v` and `type`: what a name means.
fn describe(shell: &mut Shell, name: &str, long: bool) -> Status {
    let text = if parse::is_reserved(name) {
        if long {
            format!("{name} is a shell keyword")
        } else {
            name.to_owned()
        }
    } else if let Some(value) = shell.aliases.get(name) {
        if long {
            format!("{name} is an alias for {value}")
        } else {
            format!("alias {name}={}", quote(value))
        }
    } else if shell.functions.contains_key(name) {
        if long {
            format!("{name} is a function")
        } else {
            name.to_owned()
        }
    } else if find(name).is_some_and(|builtin| !builtin.applet || is_ash_builtin(name)) {
        let kind = if find(name).is_some_and(|builtin| builtin.special) {
            "special "
        } else {
            ""
        };
        if long {
            format!("{name} is a {kind}shell builtin")
        } else {
            name.to_owned()
        }
    } else if let Some(path) = in_path(shell, name) {
        if long {
            format!("{name} is {path}")
        } else {
            path
        }
    } else {
        if long {
            shell.write(1, format!("{name}: not found\n").as_bytes())?;
        }
        return Ok(127);
    };
    shell.write(1, format!("{text}\n").as_bytes())?;
    Ok(0)
}

fn is_ash_builtin(name: &str) -> bool {
    matches!(
        name,
        "[" | "[[" | "echo" | "printf" | "test" | "true" | "false"
    )
}

/// Where a program is found.
fn in_path(shell: &Shell, name: &str) -> Option<String> {
    if name.contains('/') {
        return std::path::Path::new(&shell.absolute(name))
            .is_file()
            .then(|| name.to_owned());
    }
    let path = shell.get("PATH")?;
    path.split(':')
        .map(|dir| format!("{}/{name}", dir.trim_end_matches('/')))
        .find(|path| std::path::Path::new(&shell.absolute(path)).is_file())
}

fn type_(shell: &mut Shell, args: &[String]) -> Status {
    let mut status = 0;
    for name in &args[1..] {
        let found = describe(shell, name, true)?;
        if found != 0 {
            status = found;
        }
    }
    Ok(status)
}

fn which(shell: &mut Shell, args: &[String]) -> Status {
    let mut status = 0;
    for name in args[1..].iter().filter(|name| *name != "-a") {
        match in_path(shell, name) {
            Some(path) => shell.write(1, format!("{path}\n").as_bytes())?,
            None => status = 1,
        }
    }
    Ok(status)
}

fn eval(shell: &mut Shell, args: &[String]) -> Status {
    let text = args[1..].join(" ");
    shell.status = 0;
    let outer = shell.builtin.take();
    let result = shell.run_text(&text);
    shell.builtin = outer;
    result
}

fn exit(shell: &mut Shell, args: &[String]) -> Status {
    let status = match args.get(1) {
        Some(text) => number(shell, text)?,
        None => shell.status.into(),
    };
    Err(Flow::Exit(i32::from(status.to_le_bytes()[0])))
}

fn return_(shell: &mut Shell, args: &[String]) -> Status {
    let status = match args.get(1) {
        Some(text) => number(shell, text)?,
        None => shell.status.into(),
    };
    Err(Flow::Return(i32::from(status.to_le_bytes()[0])))
}

fn mark(shell: &mut Shell, args: &[String], name: &str, change: fn(&mut Variable)) -> Status {
    if args.len() == 1 || args[1] == "-p" {
        let mut text = String::new();
        for (variable, state) in shell.variables.iter() {
            let mut marked = Variable::default();
            change(&mut marked);
            if (marked.exported && state.exported) || (marked.read_only && state.read_only) {
                text.push_str(&format!("{name} {variable}"));
                if let Some(value) = &state.value {
                    text.push_str(&format!("={}", quote(value)));
                }
                text.push('\n');
            }
        }
        shell.write(1, text.as_bytes())?;
        return Ok(0);
    }
    for arg in args[1..].iter().filter(|arg| *arg != "--") {
        let (variable, value) = match arg.split_once('=') {
            Some((variable, value)) => (variable, Some(value)),
            None => (arg.as_str(), None),
        };
        if !parse::is_name(variable) {
            return Err(shell.fail(&format!("{variable}: bad variable name")));
        }
        if let Some(value) = value {
            shell.set(variable, value)?;
        }
        change(
            shell
                .variables_mut()
                .entry(variable.to_owned())
                .or_default(),
        );
    }
    Ok(0)
}

fn export(shell: &mut Shell, args: &[String]) -> Status {
    if args.get(1).is_some_and(|arg| arg == "-n") {
        for name in &args[2..] {
            if let Some(variable) = shell.variables_mut().get_mut(name) {
                variable.exported = false;
            }
        }
        return Ok(0);
    }
    mark(shell, args, "export", |variable| variable.exported = true)
}

fn readonly(shell: &mut Shell, args: &[String]) -> Status {
    mark(shell, args, "readonly", |variable| {
        variable.read_only = true
    })
}

fn local(shell: &mut Shell, args: &[String]) -> Status {
    if shell.locals.is_empty() {
        return Err(shell.fail("not in a function"));
    }
    for arg in &args[1..] {
        let (name, value) = match arg.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (arg.as_str(), None),
        };
        if !parse::is_name(name) {
            return Err(shell.fail(&format!("{name}: bad variable name")));
        }
        let before = shell.variables.get(name).cloned();
        if let Some(hidden) = shell.locals.last_mut() {
            hidden.entry(name.to_owned()).or_insert(before);
        }
        match value {
            Some(value) => shell.set(name, value)?,
            // As in ash, a local without a value keeps the outer one's.
            None => {
                shell.variables_mut().entry(name.to_owned()).or_default();
            }
        }
    }
    Ok(0)
}

fn unset(shell: &mut Shell, args: &[String]) -> Status {
    let mut functions = false;
    for arg in &args[1..] {
        match arg.as_str() {
            "-f" => functions = true,
            "-v" => functions = false,
            name if functions => {
                Rc::make_mut(&mut shell.functions).remove(name);
            }
            name => {
                if shell
                    .variables
                    .get(name)
                    .is_some_and(|variable| variable.read_only)
                {
                    return Err(shell.fail(&format!("{name}: is read only")));
                }
                shell.variables_mut().remove(name);
            }
        }
    }
    Ok(0)
}

fn set(shell: &mut Shell, args: &[String]) -> Status {
    if args.len() == 1 {
        let mut text = String::new();
        for (name, variable) in shell.variables.iter() {
            if let Some(value) = &variable.value {
                text.push_str(&format!("{name}={}\n", quote(value)));
            }
        }
        shell.write(1, text.as_bytes())?;
        return Ok(0);
    }
    let mut rest = args[1..].iter();
    while let Some(arg) = rest.clone().next() {
        let Some(letters) = arg
            .strip_prefix(['-', '+'])
            .filter(|letters| !letters.is_empty() || arg == "-")
        else {
            break;
        };
        rest.next();
        let on = arg.starts_with('-');
        if arg == "--" {
            shell.params = Rc::new(rest.cloned().collect());
            return Ok(0);
        }
        for letter in letters.chars() {
            if letter == 'o' {
                match rest.next() {
                    None => return list_options(shell),
                    Some(name) => match shell.options.named(name) {
                        Some(option) => *option = on,
                        None => {
                            return Err(shell.fail(&format!(
                                "illegal option {}o {name}",
                                if on { '-' } else { '+' }
                            )));
                        }
                    },
                }
            } else {
                match shell.options.letter(letter) {
                    Some(option) => *option = on,
                    None => {
                        return Err(shell.fail(&format!(
                            "illegal option {}{letter}",
                            if on { '-' } else { '+' }
                        )));
                    }
                }
            }
        }
    }
    if rest.len() > 0 {
        shell.params = Rc::new(rest.cloned().collect());
    }
    Ok(0)
}

fn list_options(shell: &mut Shell) -> Status {
    let mut text = String::new();
    let mut options = shell.options;
    for name in OPTION_NAMES
        .iter()
        .map(|(name, _)| *name)
        .chain(["pipefail"])
    {
        let on = options.named(name).is_some_and(|on| *on);
        text.push_str(&format!("{name:<16}{}\n", if on { "on" } else { "off" }));
    }
    shell.write(1, text.as_bytes())?;
    Ok(0)
}

fn shift(shell: &mut Shell, args: &[String]) -> Status {
    let count = match args.get(1) {
        Some(text) => number(shell, text)?,
        None => 1,
    };
    match usize::try_from(count) {
        Ok(count) if count <= shell.params.len() => {
            shell.params = Rc::new(shell.params[count..].to_vec());
            Ok(0)
        }
        _ => Ok(1),
    }
}

fn pwd(shell: &mut Shell, _: &[String]) -> Status {
    let text = format!("{}\n", shell.cwd);
    shell.write(1, text.as_bytes())?;
    Ok(0)
}

fn help(shell: &mut Shell, _: &[String]) -> Status {
    let mut text = String::from("Built-in commands:\n------------------\n\t");
    let names: Vec<&str> = names().collect();
    text.push_str(&names.join(" "));
    text.push('\n');
    shell.write(1, text.as_bytes())?;
    Ok(0)
}

fn let_(shell: &mut Shell, args: &[String]) -> Status {
    let mut value = 0;
    for arg in &args[1..] {
        value = shell.arithmetic(arg)?;
    }
    Ok(i32::from(value == 0))
}

fn times(shell: &mut Shell, _: &[String]) -> Status {
    shell.write(1, b"0m0.000s 0m0.000s\n0m0.000s 0m0.000s\n")?;
    Ok(0)
}

fn ulimit(shell: &mut Shell, _: &[String]) -> Status {
    Err(shell.fail("not in this lab"))
}

fn umask(shell: &mut Shell, args: &[String]) -> Status {
    if args.len() > 1 {
        return Err(shell.fail("not in this lab"));
    }
    shell.write(1, b"0022\n")?;
    Ok(0)
}

fn jobs(shell: &mut Shell, _: &[String]) -> Status {
    let mut text = String::new();
    for (index, job) in shell.jobs.iter().enumerate() {
        let state = match job.child.try_wait() {
            None => "Running",
            Some(_) => "Done",
        };
        text.push_str(&format!("[{}]   {state:<23} {}\n", index + 1, job.text));
    }
    shell.write(1, text.as_bytes())?;
    shell.jobs.retain(|job| job.child.try_wait().is_none());
    Ok(0)
}

fn kill(shell: &mut Shell, args: &[String]) -> Status {
    if args.get(1).is_some_and(|arg| arg == "-l") {
        let mut out = Vec::new();
        applets::process::list_signals(&args[2..], &mut out);
        shell.write(1, &out)?;
        return Ok(0);
    }
    let (signal, targets) = match applets::process::signal_argument(&args[1..]) {
        Ok(parsed) => parsed,
        Err(message) => {
            shell.complain_bare(&message);
            return Ok(1);
        }
    };
    if targets.is_empty() {
        shell.complain_bare("you need to specify whom to kill");
        return Ok(1);
    }
    let mut status = 0;
    for target in targets {
        let pid = match target.strip_prefix('%') {
            Some(job) => job
                .parse::<usize>()
                .ok()
                .and_then(|index| Some(shell.jobs.get(index.checked_sub(1)?)?.child.pid())),
            None => target.parse().ok(),
        };
        let Some(pid) = pid else {
            shell.complain_bare(&format!("invalid number '{target}'"));
            status = 1;
            continue;
        };
        if !process::kill(pid, signal) {
            shell.complain_bare(&format!("can't kill pid {pid}: No such process"));
            status = 1;
        }
    }
    Ok(status)
}

fn wait(shell: &mut Shell, args: &[String]) -> Status {
    let all = args.len() == 1;
    let mut status = 0;
    let wanted: Vec<u32> = if all {
        shell.jobs.iter().map(|job| job.child.pid()).collect()
    } else {
        let mut pids = Vec::new();
        for arg in &args[1..] {
            let job = arg
                .strip_prefix('%')
                .and_then(|job| job.parse::<usize>().ok())
                .and_then(|index| shell.jobs.get(index.checked_sub(1)?));
            match job.map(|job| job.child.pid()).or_else(|| arg.parse().ok()) {
                Some(pid) => pids.push(pid),
                None => return Err(shell.fail(&format!("Illegal number: {arg}"))),
            }
        }
        pids
    };
    for pid in wanted {
        let Some(index) = shell.jobs.iter().position(|job| job.child.pid() == pid) else {
            status = 127;
            continue;
        };
        loop {
            if let Some(exit) = shell.jobs[index].child.try_wait() {
                status = shell.ended(exit)?;
                break;
            }
            guest_kit::poll(&[&shell.jobs[index].child, &signals::source()], None);
            if let Some(signal) = shell.take_signal()? {
                return Ok(128 + i32::from(signal));
            }
        }
        shell.jobs.remove(index);
    }
    Ok(if all { 0 } else { status })
}

fn trap(shell: &mut Shell, args: &[String]) -> Status {
    let args: Vec<&String> = args[1..].iter().filter(|arg| *arg != "--").collect();
    let Some(first) = args.first() else {
        let mut text = String::new();
        for (signal, action) in shell.traps.iter() {
            let name = applets::process::signal_name(*signal);
            text.push_str(&format!("trap -- {} {name}\n", quote(action)));
        }
        shell.write(1, text.as_bytes())?;
        return Ok(0);
    };
    let reset = first.as_str() == "-" || args.len() == 1;
    let names = if args.len() == 1 {
        &args[..]
    } else {
        &args[1..]
    };
    for name in names {
        let Some(signal) = applets::process::signal_number(name) else {
            return Err(shell.fail(&format!("{name}: invalid signal specification")));
        };
        let traps = Rc::make_mut(&mut shell.traps);
        if reset {
            traps.remove(&signal);
        } else {
            traps.insert(signal, (*first).clone());
        }
        if signal > 0 && !reset {
            if first.is_empty() {
                signals::ignore(signal)
            } else {
                signals::handle(&[signal])
            }
        }
    }
    Ok(0)
}

impl Shell {
    /// Runs the commands of signals that have come; the first of them.
    pub(crate) fn take_signal(&mut self) -> Result<Option<u8>, Flow> {
        let mut first = None;
        while let Some(signal) = signals::next() {
            first.get_or_insert(signal);
            match self.traps.get(&signal).cloned() {
                Some(action) => {
                    let (status, outer) = (self.status, self.builtin.take());
                    self.run_text(&action)?;
                    self.status = status;
                    self.builtin = outer;
                }
                // A trap that was taken back: the signal does what it does by default.
                None if !self.interactive => return Err(Flow::Exit(128 + i32::from(signal))),
                None => {}
            }
        }
        Ok(first)
    }

    pub(crate) fn run_traps(&mut self) -> Result<(), Flow> {
        if self.traps.keys().any(|signal| *signal > 0) {
            self.take_signal()?;
        }
        Ok(())
    }

    /// A message with nothing but the program's name before it.
    fn complain_bare(&mut self, message: &str) {
        let mut text = Vec::new();
        // Writing to a vector does not fail.
        let _ = writeln!(text, "sh: {message}");
        let _ = self.write(2, &text);
    }
}

fn read(shell: &mut Shell, args: &[String]) -> Status {
    let mut raw = false;
    let mut prompt = None;
    let mut limit = usize::MAX;
    let mut delimiter = b'\n';
    let mut at = 1;
    while let Some(option) = args
        .get(at)
        .filter(|arg| arg.len() > 1 && arg.starts_with('-'))
    {
        at += 1;
        match option.as_str() {
            "-r" => raw = true,
            "-s" => {}
            "--" => break,
            "-p" | "-n" | "-d" | "-t" | "-u" => {
                let Some(value) = args.get(at).cloned() else {
                    return Err(shell.fail(&format!("No arg for {option} option")));
                };
                at += 1;
                match option.as_str() {
                    "-p" => prompt = Some(value),
                    "-n" => limit = usize::try_from(number(shell, &value)?).unwrap_or(0),
                    "-d" => delimiter = value.bytes().next().unwrap_or(0),
                    _ => return Err(shell.fail(&format!("{option}: not in this lab"))),
                }
            }
            _ => return Err(shell.fail(&format!("Illegal option {option}"))),
        }
    }
    if let Some(prompt) = prompt.filter(|_| guest_kit::terminal::size().is_some()) {
        shell.write(2, prompt.as_bytes())?;
    }
    let Some(input) = shell.fds[0].clone() else {
        return Ok(1);
    };
    let (mut line, mut escaped, mut ended) = (Vec::<(u8, bool)>::new(), false, false);
    let mut byte = [0];
    while line.len() < limit {
        match input.read(&mut byte) {
            Ok(1) => {}
            _ => {
                ended = true;
                break;
            }
        }
        match byte[0] {
            b'\n' if escaped => escaped = false,
            c if escaped => {
                line.push((c, true));
                escaped = false;
            }
            b'\\' if !raw => escaped = true,
            c if c == delimiter => break,
            c => line.push((c, false)),
        }
    }
    assign_fields(shell, &line, &args[at..])?;
    Ok(i32::from(ended))
}

/// Splits a line for `read`: the last name gets the rest. Escaped bytes do not split.
fn assign_fields(shell: &mut Shell, line: &[(u8, bool)], names: &[String]) -> Result<(), Flow> {
    let ifs = shell.ifs().into_bytes();
    let text = |part: &[(u8, bool)]| {
        String::from_utf8_lossy(&part.iter().map(|(byte, _)| *byte).collect::<Vec<_>>())
            .into_owned()
    };
    let separates = |item: &(u8, bool)| !item.1 && ifs.contains(&item.0);
    let blank = |item: &(u8, bool)| separates(item) && b" \t\n".contains(&item.0);
    if names.is_empty() {
        return shell.set("REPLY", text(line));
    }
    let mut rest = line;
    for (index, name) in names.iter().enumerate() {
        while rest.first().is_some_and(blank) {
            rest = &rest[1..];
        }
        if index + 1 == names.len() {
            while rest.last().is_some_and(blank) {
                rest = &rest[..rest.len() - 1];
            }
            // One closing separator belongs to the last field only when another field follows.
            if let Some(end) = rest.iter().position(separates)
                && end + 1 == rest.len()
            {
                rest = &rest[..end];
            }
            shell.set(name, text(rest))?;
            break;
        }
        let end = rest.iter().position(separates).unwrap_or(rest.len());
        shell.set(name, text(&rest[..end]))?;
        rest = &rest[end..];
        while rest.first().is_some_and(blank) {
            rest = &rest[1..];
        }
        if rest
            .first()
            .is_some_and(|item| separates(item) && !blank(item))
        {
            rest = &rest[1..];
        }
    }
    Ok(())
}

fn getopts(shell: &mut Shell, args: &[String]) -> Status {
    let (Some(spec), Some(name)) = (args.get(1), args.get(2)) else {
        return Err(shell.fail("usage: getopts optstring var [arg]"));
    };
    let words: Vec<String> = if args.len() > 3 {
        args[3..].to_vec()
    } else {
        shell.params.to_vec()
    };
    let mut index: usize = shell
        .get("OPTIND")
        .and_then(|text| text.parse().ok())
        .unwrap_or(1);
    if index == 1 && shell.getopts_at == usize::MAX {
        shell.getopts_at = 0;
    }
    let silent = spec.starts_with(':');
    let finished = |shell: &mut Shell, index: usize| -> Status {
        shell.getopts_at = 0;
        shell.set("OPTIND", index.to_string())?;
        shell.set(name, "?")?;
        Ok(1)
    };
    let Some(word) = words.get(index.saturating_sub(1)).cloned() else {
        return finished(shell, index);
    };
    if shell.getopts_at == 0 {
        if word == "--" {
            return finished(shell, index + 1);
        }
        if !word.starts_with('-') || word == "-" {
            return finished(shell, index);
        }
        shell.getopts_at = 1;
    }
    let letter = word[shell.getopts_at..].chars().next().unwrap_or('?');
    shell.getopts_at += letter.len_utf8();
    let rest = word[shell.getopts_at..].to_owned();
    if rest.is_empty() {
        index += 1;
        shell.getopts_at = 0;
    }
    let known = spec
        .trim_start_matches(':')
        .split_once(letter)
        .filter(|_| letter != ':');
    let (mut value, mut argument) = (letter.to_string(), None);
    match known {
        None => {
            value = "?".into();
            if silent {
                argument = Some(letter.to_string());
            } else {
                shell.builtin_message(&format!("Illegal option -{letter}"))?;
            }
        }
        Some((_, after)) if after.starts_with(':') => {
            shell.getopts_at = 0;
            if rest.is_empty() {
                argument = words.get(index - 1).cloned();
                index += 1;
            } else {
                argument = Some(rest);
                index += 1;
            }
            if argument.is_none() {
                value = if silent { ":" } else { "?" }.into();
                index -= 1;
                if silent {
                    argument = Some(letter.to_string());
                } else {
                    shell.builtin_message(&format!("No arg for -{letter} option"))?;
                }
            }
        }
        Some(_) => {}
    }
    match argument {
        Some(argument) => shell.set("OPTARG", argument)?,
        None => {
            shell.variables_mut().remove("OPTARG");
        }
    }
    shell.set("OPTIND", index.to_string())?;
    shell.set(name, value)?;
    Ok(0)
}

impl Shell {
    fn builtin_message(&mut self, text: &str) -> Result<(), Flow> {
        self.write(2, format!("{text}\n").as_bytes())
    }
}
