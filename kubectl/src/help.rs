//! `--help`, `kubectl options` and the words about commands that do not exist. The texts are in `words`.

use crate::cmd::COMMANDS;
use crate::fail::{Fail, quoted};
use crate::flags::Command;
use crate::words;

/// The help of a command by its path, or of the one that it would be below.
pub(crate) fn of(path: &str, home: &str) -> String {
    let mut path = path;
    loop {
        if let Some(words) = words::help(path, home) {
            return words;
        }
        path = path.rsplit_once(' ').map_or("", |(parent, _)| parent);
    }
}

/// The command that some words are about, whether or not it is in this lab.
pub(crate) fn path(args: &[String]) -> Option<String> {
    let mut path = String::new();
    for word in args.iter().filter(|word| !word.starts_with('-')) {
        let next = format!("{path} {word}");
        if words::section(next.trim_start()).is_some() {
            path = next.trim_start().to_owned();
        } else if !path.is_empty() {
            break;
        }
    }
    (!path.is_empty()).then_some(path)
}

/// A command of the first rank.
pub(crate) fn find(name: &str) -> Option<&'static Command> {
    COMMANDS
        .iter()
        .copied()
        .find(|command| command.name == name || command.aliases.contains(&name))
}

/// The words about a command that does not exist.
pub(crate) fn unknown(name: &str) -> Fail {
    let mut text = format!("error: unknown command {} for \"kubectl\"", quoted(name));
    let near: Vec<&str> = words::commands("")
        .into_iter()
        .filter(|known| distance(name, known) <= 2 || known.starts_with(&name.to_lowercase()))
        .collect();
    if !near.is_empty() {
        text.push_str("\n\nDid you mean this?");
        near.iter()
            .for_each(|known| text.push_str(&format!("\n\t{known}")));
    }
    Fail::Raw(text)
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}
