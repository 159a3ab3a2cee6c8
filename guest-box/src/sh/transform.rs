//! What `${x#…}`, `${x/…}` and `${x:…}` make of a value.
//!
//! Pure functions on text.

use super::pattern;

pub(super) fn trim_start(value: &str, pattern: &str, longest: bool) -> String {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = value.chars().collect();
    let fits = |length: &usize| pattern::matches_chars(&pattern, &text[..*length]);
    let length = if longest {
        (0..=text.len()).rev().find(fits)
    } else {
        (0..=text.len()).find(fits)
    };
    text[length.unwrap_or(0)..].iter().collect()
}

pub(super) fn trim_end(value: &str, pattern: &str, longest: bool) -> String {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = value.chars().collect();
    let fits = |start: &usize| pattern::matches_chars(&pattern, &text[*start..]);
    let start = if longest {
        (0..=text.len()).find(fits)
    } else {
        (0..=text.len()).rev().find(fits)
    };
    text[..start.unwrap_or(text.len())].iter().collect()
}

pub(super) fn replace(value: &str, pattern: &str, replacement: &str, all: bool) -> String {
    if pattern.is_empty() {
        return value.to_owned();
    }
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = value.chars().collect();
    let mut out = String::new();
    let mut at = 0;
    while at <= text.len() {
        let end = (at..=text.len())
            .rev()
            .find(|end| pattern::matches_chars(&pattern, &text[at..*end]));
        match end {
            Some(end) if end > at => {
                out.push_str(replacement);
                at = end;
                if !all {
                    break;
                }
            }
            _ => {
                out.extend(text.get(at));
                at += 1;
            }
        }
    }
    out.extend(text.get(at..).unwrap_or_default());
    out
}

pub(super) fn slice(value: &str, offset: i64, length: Option<i64>) -> String {
    let text: Vec<char> = value.chars().collect();
    let count = i64::try_from(text.len()).unwrap_or(i64::MAX);
    let start = if offset < 0 {
        (count + offset).max(0)
    } else {
        offset.min(count)
    };
    let end = match length {
        None => count,
        Some(length) if length < 0 => (count + length).max(start),
        Some(length) => start.saturating_add(length).min(count),
    };
    let index = |at: i64| usize::try_from(at).unwrap_or(0);
    text[index(start)..index(end)].iter().collect()
}
