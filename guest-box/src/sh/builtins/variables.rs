//! Builtins about variables and parameters: `export`, `readonly`, `local`, `unset`, `shift`, `let`.
//!
//! They change the state and print it; nothing runs.

use std::rc::Rc;

use super::super::exec::Status;
use super::super::parse;
use super::super::simple::quote;
use super::super::state::{Shell, Variable};
use super::Letters;
use super::flow::number;

/// `export` and `readonly`: which variables, and what becomes of them.
fn mark(
    shell: &mut Shell,
    args: &[String],
    options: &str,
    is: fn(&Variable) -> bool,
    change: fn(&mut Variable, bool),
) -> Status {
    let mut letters = Letters::new(args);
    let mut on = true;
    while let Some((letter, _)) = letters.next(shell, options)? {
        on &= letter != 'n';
    }
    if letters.rest().is_empty() {
        let mut text = String::new();
        for (name, variable) in shell.variables.iter().filter(|(_, variable)| is(variable)) {
            text.push_str(&format!("{} {name}", args[0]));
            if let Some(value) = &variable.value {
                text.push_str(&format!("={}", quote(value)));
            }
            text.push('\n');
        }
        return shell.put(text.as_bytes());
    }
    for arg in letters.rest() {
        let (name, value) = match arg.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (arg.as_str(), None),
        };
        if !parse::is_name(name) {
            return Err(shell.fail(&format!("{name}: bad variable name")));
        }
        if let Some(value) = value {
            shell.set(name, value)?;
        }
        let variables = shell.variables_mut();
        if on || variables.contains_key(name) {
            change(variables.entry(name.to_owned()).or_default(), on);
        }
    }
    Ok(0)
}

pub(super) fn export(shell: &mut Shell, args: &[String]) -> Status {
    mark(
        shell,
        args,
        "np",
        |variable| variable.exported,
        |variable, on| variable.exported = on,
    )
}

pub(super) fn readonly(shell: &mut Shell, args: &[String]) -> Status {
    mark(
        shell,
        args,
        "p",
        |variable| variable.read_only,
        |variable, _| variable.read_only = true,
    )
}

pub(super) fn local(shell: &mut Shell, args: &[String]) -> Status {
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
        let Some(hidden) = shell.locals.last_mut() else {
            continue;
        };
        let again = hidden.contains_key(name);
        hidden.entry(name.to_owned()).or_insert(before);
        match value {
            Some(value) => shell.set(name, value)?,
            // As in ash, a local without a value has none; naming it again changes nothing.
            None if again => {}
            None => {
                if let Some(variable) = shell.variables_mut().get_mut(name) {
                    variable.value = None;
                }
            }
        }
    }
    Ok(0)
}

pub(super) fn unset(shell: &mut Shell, args: &[String]) -> Status {
    let mut letters = Letters::new(args);
    let mut functions = false;
    while let Some((letter, _)) = letters.next(shell, "vf")? {
        functions = letter == 'f';
    }
    for name in letters.rest() {
        if functions {
            Rc::make_mut(&mut shell.functions).remove(name);
            continue;
        }
        if !parse::is_name(name) {
            return Err(shell.fail(&format!("{name}: bad variable name")));
        }
        if shell.variables.get(name).is_some_and(|it| it.read_only) {
            return Err(shell.fail(&format!("{name}: is read only")));
        }
        if shell.variables.contains_key(name) {
            shell.variables_mut().remove(name);
        }
    }
    Ok(0)
}

pub(super) fn shift(shell: &mut Shell, args: &[String]) -> Status {
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

pub(super) fn let_(shell: &mut Shell, args: &[String]) -> Status {
    if args.len() == 1 {
        return Err(shell.fail("expression expected"));
    }
    let mut value = 0;
    for arg in &args[1..] {
        value = shell.arithmetic(arg)?;
    }
    Ok(i32::from(value == 0))
}
