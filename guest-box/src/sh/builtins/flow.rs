//! Builtins that choose what runs next: `break`, `continue`, `return`, `exit`, `eval`, `.`.
//!
//! They give a [`Flow`] or run text; they never touch variables.

use std::rc::Rc;

use super::super::exec::Status;
use super::super::state::{Flow, Shell};
use super::names::in_path;
use crate::applets;

/// A number that is not negative.
pub(super) fn number(shell: &mut Shell, text: &str) -> Result<i32, Flow> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|_| digits)
        .ok_or_else(|| shell.fail(&format!("Illegal number: {text}")))
}

pub(super) fn leave_loop(shell: &mut Shell, args: &[String], flow: fn(usize) -> Flow) -> Status {
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

/// The status that `exit` and `return` are given, or the last one.
fn given_status(shell: &mut Shell, args: &[String]) -> Status {
    let status = match args.get(1) {
        Some(text) => number(shell, text)?,
        None => shell.status,
    };
    Ok(status)
}

pub(super) fn exit(shell: &mut Shell, args: &[String]) -> Status {
    let status = given_status(shell, args)?;
    Err(Flow::Exit(i32::from(status.to_le_bytes()[0])))
}

pub(super) fn return_(shell: &mut Shell, args: &[String]) -> Status {
    let status = given_status(shell, args)?;
    Err(Flow::Return(i32::from(status.to_le_bytes()[0])))
}

pub(super) fn eval(shell: &mut Shell, args: &[String]) -> Status {
    let text = args[1..].join(" ");
    shell.status = 0;
    let line = shell.line;
    shell.run_text(&text, line)
}

pub(super) fn source(shell: &mut Shell, args: &[String]) -> Status {
    let Some(name) = args.get(1) else {
        // ash says nothing here.
        return Err(Flow::Fail(2));
    };
    let path = if name.contains('/') {
        name.clone()
    } else {
        in_path(shell, name).unwrap_or_else(|| name.clone())
    };
    match std::fs::read(shell.absolute(&path)) {
        Ok(bytes) => {
            let params = (args.len() > 2)
                .then(|| std::mem::replace(&mut shell.params, Rc::new(args[2..].to_vec())));
            let outer = shell.command_name.replace(path.into());
            shell.status = 0;
            let result = shell.run_text(&String::from_utf8_lossy(&bytes), 1);
            shell.command_name = outer;
            if let Some(params) = params {
                shell.params = params;
            }
            match result {
                Err(Flow::Return(status)) => Ok(status),
                result => result,
            }
        }
        Err(error) => {
            let reason = applets::reason(&error);
            Err(shell.fail(&format!("can't open '{name}': {reason}")))
        }
    }
}
