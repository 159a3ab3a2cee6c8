//! `echo`, and the two that say nothing: `true` and `false`. The shell runs these in its own process.
//! They read nothing.

use std::io::Write;

use super::escape::unescape;
use super::{Applet, Io, Outcome};

pub(super) const APPLETS: &[Applet] = &[
    Applet {
        name: "echo",
        operands: "[-neE] [ARG]...",
        help: "Print ARGs to stdout",
        flags: &[],
        run: echo,
    },
    Applet {
        name: "false",
        operands: "",
        help: "Return an exit code of FALSE (1)",
        flags: &[],
        run: |_| Ok(1),
    },
    Applet {
        name: "true",
        operands: "",
        help: "Return an exit code of TRUE (0)",
        flags: &[],
        run: |_| Ok(0),
    },
];

fn echo(io: &mut Io<'_>) -> Outcome {
    let (mut newline, mut escapes) = (true, false);
    let mut at = 1;
    while let Some(letters) = io.args.get(at).and_then(|arg| arg.strip_prefix('-')) {
        if letters.is_empty() || !letters.chars().all(|letter| "neE".contains(letter)) {
            break;
        }
        for letter in letters.chars() {
            match letter {
                'n' => newline = false,
                letter => escapes = letter == 'e',
            }
        }
        at += 1;
    }
    let text = io.args.get(at..).unwrap_or_default().join(" ");
    if escapes {
        let (bytes, goes_on) = unescape(&text, false);
        io.out.write_all(&bytes)?;
        newline &= goes_on;
    } else {
        io.out.write_all(text.as_bytes())?;
    }
    if newline {
        io.out.write_all(b"\n")?;
    }
    Ok(0)
}
