//! `like:`: does output look like the sample? Captures what its holes found.
//!
//! Never compares white space: lines are trimmed, runs of blanks collapse, empty lines do not
//! count. A sample is read in one of three ways:
//!
//! | the sample | is read as |
//! |---|---|
//! | begins with an ALL CAPS line of two columns | a table: columns by name, rows in order (or `unordered`) |
//! | has only `Key:  value` lines | fields: by key, in any order, others ignored |
//! | anything else | lines, `...` standing for any of them |

mod fields;
mod hole;
mod lines;
mod table;

pub(crate) use hole::{Hole, HoleType, Pattern};

use crate::lab::Like;
use crate::template::Captures;

/// The first place where output and sample differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mismatch {
    /// The line (row, field) of the sample, captured values filled in.
    pub(crate) expected: String,
    /// What stands in the output instead; `None` is nothing.
    pub(crate) seen: Option<String>,
    /// The line of the output, counted from one; 0 when there is none.
    pub(crate) line: usize,
}

/// The way a sample is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Table,
    Fields,
    Lines,
}

/// The way this sample is read.
pub(crate) fn mode(sample: &str) -> Mode {
    let mut lines = significant(sample)
        .map(|(_, line)| line)
        .filter(|line| *line != "...")
        .peekable();
    match lines.peek() {
        Some(first) if table::is_header(first) => Mode::Table,
        Some(_) if fields::all_fields(sample) => Mode::Fields,
        _ => Mode::Lines,
    }
}

/// Whether `output` looks like the sample; fills `captures`, which stay as they were if not.
///
/// With `prefix` the output may go on after what the sample says.
pub(crate) fn check(
    like: &Like,
    output: &str,
    prefix: bool,
    captures: &mut Captures,
) -> Result<(), Mismatch> {
    let mut found = captures.clone();
    match mode(&like.text) {
        Mode::Table => table::check(like, output, &mut found),
        Mode::Fields => fields::check(&like.text, output, &mut found),
        Mode::Lines => lines::check(&like.text, output, prefix, &mut found),
    }?;
    *captures = found;
    Ok(())
}

/// What is wrong with a sample itself, in words.
pub(crate) fn problems(like: &Like) -> Vec<String> {
    let mut problems: Vec<String> = significant(&like.text)
        .filter_map(|(_, line)| Pattern::new(line).err())
        .collect();
    if mode(&like.text) == Mode::Table {
        problems.extend(table::problems(&like.text));
    }
    problems
}

/// Names that a sample captures.
pub(crate) fn captures(like: &Like) -> Vec<String> {
    let holes = crate::template::holes(&like.text).filter_map(|hole| Hole::parse(hole).ok());
    holes
        .filter_map(|hole| match hole {
            Hole::Typed(_, Some(name)) => Some(name.to_owned()),
            _ => None,
        })
        .collect()
}

/// Lines that are not empty, trimmed, with their numbers from one.
fn significant(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .map(|(i, line)| (i + 1, line.trim()))
        .filter(|(_, line)| !line.is_empty())
}

/// Trimmed, runs of blanks collapsed.
fn collapse(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
