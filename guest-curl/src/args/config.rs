//! Files of options: `-K` and `.curlrc`. A line is an option and its value.

use super::{Command, Problem, Stop, option};
use crate::files;
use crate::voice::Voice;

/// Reads the file of `-K`.
///
/// # Errors
/// When it cannot be read, or when an option in it is no option.
pub(crate) fn add(command: &mut Command, path: &str, voice: &Voice) -> Result<(), Problem> {
    let Ok(bytes) = files::read(path) else {
        voice.error(&format!("cannot read config from '{path}'"));
        return Err(Problem::Read);
    };
    let name = if path == "-" { "<stdin>" } else { path };
    lines(command, &String::from_utf8_lossy(&bytes), name, voice)
}

/// Reads `.curlrc`, where there is one; what is wrong in it is only warned about, as in curl.
pub(crate) fn add_default(command: &mut Command, voice: &Voice) -> Result<(), Stop> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let homes = [
        variable("CURL_HOME").map(|home| format!("{home}/.curlrc")),
        variable("XDG_CONFIG_HOME").map(|home| format!("{home}/curlrc")),
        variable("HOME").map(|home| format!("{home}/.curlrc")),
    ];
    for path in homes.into_iter().flatten() {
        let Ok(bytes) = std::fs::read(&path) else {
            continue;
        };
        match lines(command, &String::from_utf8_lossy(&bytes), &path, voice) {
            Err(Problem::Stop(stop)) => return Err(stop),
            _ => return Ok(()),
        }
    }
    Ok(())
}

fn lines(command: &mut Command, text: &str, name: &str, voice: &Voice) -> Result<(), Problem> {
    for (at, line) in text.lines().enumerate() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with(['#', '/', '*']) {
            continue;
        }
        let dashed = line.starts_with('-');
        let end = line
            .find(|c: char| c.is_ascii_whitespace() || (!dashed && matches!(c, '=' | ':')))
            .unwrap_or(line.len());
        let (word, rest) = line.split_at(end);
        let rest = rest.trim_start_matches(|c: char| {
            c.is_ascii_whitespace() || (!dashed && matches!(c, '=' | ':'))
        });
        let value = value(rest, &mut |warning| {
            voice.warn(&format!("{name}:{}: warning: '{word}' {warning}", at + 1));
        });
        let arg = if dashed {
            word.to_owned()
        } else {
            format!("--{word}")
        };
        let next = value.as_deref();
        match option(command, &arg, next, voice) {
            Ok(_) => {}
            Err(Problem::Stop(stop)) => return Err(Problem::Stop(stop)),
            Err(problem) => {
                let words = problem.words();
                voice.warn(&format!("{name}:{}: warning: '{word}' {words}", at + 1));
            }
        }
    }
    Ok(())
}

/// A value in quotes, or one word.
fn value(rest: &str, warn: &mut dyn FnMut(&str)) -> Option<String> {
    if let Some(inner) = rest.strip_prefix('"') {
        let mut out = String::new();
        let mut chars = inner.chars();
        while let Some(char) = chars.next() {
            match char {
                '"' => break,
                '\\' => match chars.next() {
                    Some('t') => out.push('\t'),
                    Some('n') => out.push('\n'),
                    Some('r') => out.push('\r'),
                    Some('v') => out.push('\u{b}'),
                    Some(other) => out.push(other),
                    None => {}
                },
                other => out.push(other),
            }
        }
        return Some(out);
    }
    let end = rest
        .find(|c: char| c.is_ascii_whitespace())
        .unwrap_or(rest.len());
    let (word, more) = rest.split_at(end);
    let more = more.trim();
    if !more.is_empty() && !more.starts_with('#') {
        warn("uses unquoted whitespace in the option value that may cause unexpected results!");
    }
    (!word.is_empty()).then(|| word.to_owned())
}
