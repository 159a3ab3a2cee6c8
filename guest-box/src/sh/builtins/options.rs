//! `set`: options, parameters, the list of variables.
//!
//! Never changes a variable.

use std::rc::Rc;

use super::super::exec::Status;
use super::super::simple::quote;
use super::super::state::{OPTION_NAMES, Shell};

pub(super) fn set(shell: &mut Shell, args: &[String]) -> Status {
    if args.len() == 1 {
        let mut text = String::new();
        for (name, variable) in shell.variables.iter() {
            if let Some(value) = &variable.value {
                text.push_str(&format!("{name}={}\n", quote(value)));
            }
        }
        return shell.put(text.as_bytes());
    }
    let mut at = 1;
    while let Some(arg) = args.get(at).filter(|arg| arg.starts_with(['-', '+'])) {
        at += 1;
        let on = arg.starts_with('-');
        if arg == "--" {
            shell.params = Rc::new(args[at..].to_vec());
            return Ok(0);
        }
        if arg == "-" {
            shell.options.xtrace = false;
            shell.options.verbose = false;
            break;
        }
        for letter in arg[1..].chars() {
            if letter == 'o' {
                let Some(name) = args.get(at) else {
                    return list(shell, on);
                };
                at += 1;
                match shell.options.named(name) {
                    Some(option) => *option = on,
                    None => {
                        shell.complain(&format!("illegal option {}o {name}", &arg[..1]));
                        return Ok(1);
                    }
                }
            } else {
                match shell.options.letter(letter) {
                    Some(option) => *option = on,
                    None => {
                        let line = format!("illegal option {}{letter}", &arg[..1]);
                        return Err(shell.fail(&line));
                    }
                }
            }
        }
    }
    if at < args.len() {
        shell.params = Rc::new(args[at..].to_vec());
    }
    Ok(0)
}

/// `set -o` for people, `set +o` for a shell.
fn list(shell: &mut Shell, readable: bool) -> Status {
    let mut text = String::new();
    let mut options = shell.options;
    for (name, _) in OPTION_NAMES {
        let on = options.named(name).is_some_and(|on| *on);
        text.push_str(&match (readable, on) {
            (true, true) => format!("{name:<16}on\n"),
            (true, false) => format!("{name:<16}off\n"),
            (false, true) => format!("set -o {name}\n"),
            (false, false) => format!("set +o {name}\n"),
        });
    }
    shell.put(text.as_bytes())
}
