//! A sample read as `Key:  value` lines, as `kubectl describe` prints them. Never minds order
//! or fields the sample does not name.

use super::{Mismatch, Pattern, collapse, significant};
use crate::template::{Captures, fill_known};

/// Whether every line of the sample is a field, and at least one has the wide gap of describe.
pub(super) fn all_fields(sample: &str) -> bool {
    let lines: Vec<&str> = significant(sample)
        .map(|(_, line)| line)
        .filter(|line| *line != "...")
        .collect();
    let wide =
        |line: &&str| split(line).is_some_and(|(key, _)| line[key.len() + 1..].starts_with("  "));
    lines.iter().all(|line| split(line).is_some()) && lines.iter().any(wide)
}

/// Key and value of a line.
fn split(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once(':')?;
    let key_like = key.starts_with(|c: char| c.is_ascii_uppercase()) && !key.contains("  ");
    (key_like && (value.is_empty() || value.starts_with([' ', '\t'])))
        .then(|| (key.trim(), value.trim()))
}

/// Every field of the sample must be somewhere in the output.
pub(super) fn check(sample: &str, output: &str, captures: &mut Captures) -> Result<(), Mismatch> {
    let seen: Vec<(usize, &str, &str)> = significant(output)
        .filter_map(|(number, line)| split(line).map(|(key, value)| (number, key, value)))
        .collect();
    for (_, line) in significant(sample).filter(|(_, line)| *line != "...") {
        let Some((key, value)) = split(line) else {
            continue;
        };
        let same_key = || seen.iter().filter(|(_, other, _)| *other == key);
        let pattern = Pattern::new(value);
        let holds = pattern
            .is_ok_and(|pattern| same_key().any(|(_, _, text)| pattern.check(text, captures)));
        if !holds {
            let other = same_key().next();
            return Err(Mismatch {
                expected: format!("{key}: {}", fill_known(&collapse(value), captures)),
                seen: other.map(|(_, key, text)| format!("{key}: {}", collapse(text))),
                line: other.map_or(0, |(number, ..)| *number),
            });
        }
    }
    Ok(())
}
