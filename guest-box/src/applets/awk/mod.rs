//! `awk`: the POSIX language and what busybox adds to it (`**`, `func`, `gensub`, `strftime`,
//! `systime`, `mktime`, `and`, `or`, `xor`, `compl`, `lshift`, `rshift`, `nextfile`, RS as an
//! expression, `fflush`).
//!
//! [`lex`] makes words of a program, [`parse`] and [`expression`] a tree of them, [`run`] walks it,
//! [`builtin`] knows the functions, [`record`] cuts input and fields, [`streams`] reads and writes.
//! Arrays are gone through in order (numbers first), so that output repeats.

mod arrays;
mod builtin;
mod expression;
mod lex;
mod parse;
mod record;
mod run;
mod streams;
mod tree;
mod value;

use super::{Applet, Io, Outcome, value};

pub(super) const APPLETS: &[Applet] = &[Applet {
    name: "awk",
    operands: "[AWK_PROGRAM] [FILE]...",
    help: "Run an awk program on FILEs (or stdin)",
    flags: &[
        value('v', "", "VAR=VAL", "Set variable"),
        value('F', "", "SEP", "Use SEP as field separator"),
        value('f', "", "FILE", "Read program from FILE"),
        value('e', "", "AWK_PROGRAM", "Program text"),
    ],
    run: awk,
}];

fn awk(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse_until(true)?;
    let mut rest = parsed.rest.clone();
    let mut texts = Vec::new();
    for (letter, given) in parsed.in_order("ef") {
        if letter == 'e' {
            texts.push(given.to_owned());
            continue;
        }
        let Some(bytes) = io.slurp(given) else {
            return Ok(1);
        };
        texts.push(String::from_utf8_lossy(&bytes).into_owned());
    }
    if texts.is_empty() {
        if rest.is_empty() {
            return Err(io.usage());
        }
        texts.push(rest.remove(0));
    }
    let program = match parse::parse(&texts.join("\n")) {
        Ok(program) => program,
        Err((line, message)) => {
            return Err(io.fail(&format!("cmd. line:{line}: {message}")));
        }
    };
    let mut machine = run::Machine::new(&program, rest);
    if let Some(separator) = parsed.value('F') {
        // A lone t means a tab, for history's sake.
        machine.assign(
            "FS",
            &lex::unescape(if separator == "t" { "\t" } else { separator }),
        );
    }
    for assignment in parsed.values('v') {
        let Some((name, given)) = assignment.split_once('=') else {
            return Err(io.usage());
        };
        machine.assign(name, &lex::unescape(given));
    }
    machine.main(io)
}

#[cfg(test)]
mod tests;
