//! `basename` and `dirname`: parts of paths as text. They never look whether a path leads anywhere.

use std::io::Write;

use super::{Applet, Io, Outcome, flag, value};

pub(super) const APPLETS: &[Applet] = &[
    Applet {
        name: "basename",
        operands: "FILE [SUFFIX]",
        help: "Strip directory path and SUFFIX from FILE",
        flags: &[
            flag('a', "", "All arguments are FILEs"),
            value('s', "", "SUFFIX", "Remove SUFFIX"),
        ],
        run: basename,
    },
    Applet {
        name: "dirname",
        operands: "FILENAME",
        help: "Strip non-directory suffix from FILENAME",
        flags: &[],
        run: dirname,
    },
];

fn basename(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let (suffix, names) = match parsed.value('s') {
        Some(suffix) => (suffix.to_owned(), parsed.rest.clone()),
        None if parsed.has('a') => (String::new(), parsed.rest.clone()),
        None => match parsed.rest.as_slice() {
            [name] => (String::new(), vec![name.clone()]),
            [name, suffix] => (suffix.clone(), vec![name.clone()]),
            _ => return Err(io.usage()),
        },
    };
    for name in names {
        let trimmed = name.trim_end_matches('/');
        let base = if trimmed.is_empty() && !name.is_empty() {
            "/"
        } else {
            trimmed.rsplit('/').next().unwrap_or("")
        };
        let base = base
            .strip_suffix(&suffix)
            .filter(|rest| !rest.is_empty())
            .unwrap_or(base);
        writeln!(io.out, "{base}")?;
    }
    Ok(0)
}

fn dirname(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let [name] = parsed.rest.as_slice() else {
        return Err(io.usage());
    };
    let trimmed = name.trim_end_matches('/');
    let dir = match trimmed.rfind('/') {
        None if trimmed.is_empty() && !name.is_empty() => "/",
        None => ".",
        Some(at) => match trimmed[..at].trim_end_matches('/') {
            "" => "/",
            dir => dir,
        },
    };
    writeln!(io.out, "{dir}")?;
    Ok(0)
}
