//! What a name means: aliases, `type`, `command`, `hash`, `which`, and what was typed before.
//!
//! Nothing here starts a program except `command`, through the shell.

use std::rc::Rc;

use super::super::exec::Status;
use super::super::parse;
use super::super::simple::quote;
use super::super::state::Shell;
use super::{Kind, Letters, PROGRAMS, find};

pub(super) fn alias(shell: &mut Shell, args: &[String]) -> Status {
    let mut status = 0;
    let mut text = String::new();
    if args.len() == 1 {
        for (name, value) in shell.aliases.iter() {
            text.push_str(&format!("{name}={}\n", quote(value)));
        }
    }
    for arg in &args[1..] {
        // The first character may be `=`, as in ash.
        let at = arg.char_indices().skip(1).find(|(_, c)| *c == '=');
        if let Some((at, _)) = at {
            let (name, value) = (arg[..at].to_owned(), arg[at + 1..].to_owned());
            Rc::make_mut(&mut shell.aliases).insert(name, value);
        } else if let Some(value) = shell.aliases.get(arg) {
            text.push_str(&format!("{arg}={}\n", quote(value)));
        } else {
            shell.write(2, format!("alias: {arg} not found\n").as_bytes())?;
            status = 1;
        }
    }
    shell.put(text.as_bytes())?;
    Ok(status)
}

pub(super) fn unalias(shell: &mut Shell, args: &[String]) -> Status {
    let mut letters = Letters::new(args);
    while letters.next(shell, "a")?.is_some() {
        shell.aliases = Rc::default();
    }
    let mut status = 0;
    for arg in letters.rest() {
        if Rc::make_mut(&mut shell.aliases).remove(arg).is_none() {
            shell.write(2, format!("unalias: {arg} not found\n").as_bytes())?;
            status = 1;
        }
    }
    Ok(status)
}

pub(super) fn command(shell: &mut Shell, args: &[String]) -> Status {
    let mut letters = Letters::new(args);
    let (mut short, mut long, mut standard) = (false, false, false);
    while let Some((letter, _)) = letters.next(shell, "pvV")? {
        match letter {
            'v' => short = true,
            'V' => long = true,
            _ => standard = true,
        }
    }
    let Some(name) = letters.rest().first() else {
        return Ok(0);
    };
    if short || long {
        // As in ash, only the first name is looked at.
        return describe(shell, name, long);
    }
    let argv = letters.rest();
    match find(name) {
        Some(builtin) if builtin.name == "exec" => match argv.len() {
            1 => Ok(0),
            _ => shell.replace(&argv[1..], &[]),
        },
        Some(builtin) => match shell.run_builtin(builtin, argv) {
            Err(super::Flow::Fail(status)) => Ok(status),
            result => result,
        },
        None => {
            let outer = shell.command_name.take();
            let path = [("PATH".to_owned(), super::super::DEFAULT_PATH.to_owned())];
            let path = if standard { &path[..] } else { &[] };
            let result = shell.external(argv.to_vec(), path);
            shell.command_name = outer;
            result
        }
    }
}

/// `command -v` and `type`: what a name means.
fn describe(shell: &mut Shell, name: &str, long: bool) -> Status {
    let short = |text: String| if long { text } else { name.to_owned() };
    let text = if parse::is_reserved(name) {
        short(format!("{name} is a shell keyword"))
    } else if let Some(value) = shell.aliases.get(name) {
        if long {
            format!("{name} is an alias for {value}")
        } else {
            format!("alias {name}={}", quote(value))
        }
    } else if shell.functions.contains_key(name) {
        short(format!("{name} is a function"))
    } else if let Some(builtin) = find(name).filter(|_| !PROGRAMS.contains(&name)) {
        let special = builtin.kind == Kind::Special && !matches!(name, "local" | "source");
        let kind = if special { "special " } else { "" };
        short(format!("{name} is a {kind}shell builtin"))
    } else if let Some(path) = in_path(shell, name) {
        if long {
            format!("{name} is {path}")
        } else {
            path
        }
    } else {
        if long {
            shell.put(format!("{name}: not found\n").as_bytes())?;
        }
        return Ok(127);
    };
    shell.put(format!("{text}\n").as_bytes())
}

/// Where a program is found.
pub(super) fn in_path(shell: &Shell, name: &str) -> Option<String> {
    if name.contains('/') {
        return std::path::Path::new(&shell.absolute(name))
            .is_file()
            .then(|| name.to_owned());
    }
    let path = shell.get("PATH")?;
    path.split(':')
        .map(|dir| match dir {
            "" => name.to_owned(),
            dir => format!("{}/{name}", dir.trim_end_matches('/')),
        })
        .find(|path| std::path::Path::new(&shell.absolute(path)).is_file())
}

pub(super) fn type_(shell: &mut Shell, args: &[String]) -> Status {
    let mut status = 0;
    let plain = args.get(1).is_some_and(|arg| arg == "-p");
    for name in &args[1 + usize::from(plain)..] {
        let found = describe(shell, name, !plain)?;
        if found != 0 {
            status = found;
        }
    }
    Ok(status)
}

pub(super) fn which(shell: &mut Shell, args: &[String]) -> Status {
    let mut status = 0;
    for name in args[1..].iter().filter(|name| *name != "-a") {
        match in_path(shell, name) {
            Some(path) => {
                shell.put(format!("{path}\n").as_bytes())?;
            }
            None => status = 1,
        }
    }
    Ok(status)
}

/// The host looks programs up, so that there is nothing to remember; only what is not there is
/// told.
pub(super) fn hash(shell: &mut Shell, args: &[String]) -> Status {
    let mut letters = Letters::new(args);
    while letters.next(shell, "rv")?.is_some() {}
    let mut status = 0;
    for name in letters.rest() {
        let known = shell.functions.contains_key(name) || find(name).is_some();
        if !known && in_path(shell, name).is_none() {
            shell.complain(&format!("{name}: not found"));
            status = 1;
        }
    }
    Ok(status)
}

pub(super) fn history(shell: &mut Shell, _: &[String]) -> Status {
    let lines = shell.history.iter().enumerate();
    let text: String = lines.map(|(at, line)| format!("{at:4} {line}\n")).collect();
    shell.put(text.as_bytes())
}
