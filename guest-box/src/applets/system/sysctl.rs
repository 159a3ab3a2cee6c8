//! `sysctl`: the kernel's settings, which are the files under `/proc/sys`. Never sets one: no
//! container without privileges may.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::Path;

use crate::applets::{Applet, Io, Outcome, flag, reason};

const ROOT: &str = "/proc/sys";

pub(super) const SYSCTL: Applet = Applet {
    name: "sysctl",
    operands: "{ -a | [-w] [KEY[=VALUE]]... }",
    help: "Show kernel parameters, and be refused to set them",
    flags: &[
        flag('a', "", "Show all values"),
        flag('e', "", "Don't warn about unknown keys"),
        flag('n', "", "Don't show key names"),
        flag('q', "", "Quiet"),
        flag('w', "", "Set values"),
    ],
    run: sysctl,
};

/// How to show.
#[derive(Clone, Copy)]
struct Manner {
    lenient: bool,
    bare: bool,
}

fn sysctl(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let manner = Manner {
        lenient: parsed.has('e'),
        bare: parsed.has('n'),
    };
    if parsed.has('a') {
        return Ok(show(io, ROOT, manner)?.into());
    }
    let mut failed = false;
    for word in &parsed.rest {
        failed |= match word.split_once('=') {
            Some((key, value)) => set(io, key.trim(), value, manner)?,
            None if parsed.has('w') => {
                io.complain(&format!("error: '{word}' must be of the form name=value"));
                true
            }
            None => show(io, &place(word), manner)?,
        };
    }
    Ok(failed.into())
}

/// Where a key is; both dots and slashes part its words.
fn place(key: &str) -> String {
    format!("{ROOT}/{}", key.replace('.', "/"))
}

fn unknown(io: &mut Io<'_>, path: &str, manner: Manner) -> bool {
    if !manner.lenient {
        let key = path.trim_start_matches(ROOT).trim_start_matches('/');
        io.complain(&format!("error: '{key}' is an unknown key"));
    }
    true
}

/// Shows a value, or every one in a folder; whether that failed.
fn show(io: &mut Io<'_>, path: &str, manner: Manner) -> Result<bool, crate::applets::Stop> {
    if Path::new(path).is_dir() {
        let mut names: Vec<_> = fs::read_dir(path)?
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        let mut failed = false;
        for name in names {
            failed |= show(io, &format!("{path}/{name}"), manner)?;
        }
        return Ok(failed);
    }
    let key = path
        .trim_start_matches(ROOT)
        .trim_start_matches('/')
        .replace('/', ".");
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(unknown(io, path, manner)),
        Err(error) => {
            io.complain(&format!("error reading key '{key}': {}", reason(&error)));
            return Ok(true);
        }
    };
    for line in text.lines() {
        if manner.bare {
            writeln!(io.out, "{line}")?;
        } else {
            writeln!(io.out, "{key} = {line}")?;
        }
    }
    Ok(false)
}

fn set(
    io: &mut Io<'_>,
    key: &str,
    value: &str,
    manner: Manner,
) -> Result<bool, crate::applets::Stop> {
    let path = place(key);
    if !Path::new(&path).exists() {
        return Ok(unknown(io, &path, manner));
    }
    if let Err(error) = fs::write(&path, value) {
        let key = key.replace('/', ".");
        io.complain(&format!("error setting key '{key}': {}", reason(&error)));
        return Ok(true);
    }
    writeln!(io.out, "{} = {value}", key.replace('/', "."))?;
    Ok(false)
}
