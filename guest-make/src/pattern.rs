//! Names with a `%`, and names with wildcards.
//!
//! Only [`glob`] looks at the file system.

use std::path::Path;

/// What the `%` of a pattern stands for in this name.
pub(crate) fn stem<'a>(pattern: &str, name: &'a str) -> Option<&'a str> {
    let (before, after) = split(pattern)?;
    let rest = name.strip_prefix(before.as_str())?;
    rest.strip_suffix(after.as_str())
}

/// The pattern with the stem in it.
pub(crate) fn fill(pattern: &str, stem: &str) -> String {
    match split(pattern) {
        Some((before, after)) => format!("{before}{stem}{after}"),
        None => pattern.to_owned(),
    }
}

/// What stands before and behind the first `%` that no backslash makes plain.
fn split(pattern: &str) -> Option<(String, String)> {
    let mut before = String::new();
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        match c {
            '%' => return Some((before, chars.as_str().to_owned())),
            '\\' if chars.as_str().starts_with('%') => before.extend(chars.next()),
            c => before.push(c),
        }
    }
    None
}

/// `$(patsubst from,to,word)` for one word.
pub(crate) fn substitute(word: &str, from: &str, to: &str) -> String {
    if split(from).is_none() {
        return if word == from { to } else { word }.to_owned();
    }
    match stem(from, word) {
        Some(stem) => fill(to, stem),
        None => word.to_owned(),
    }
}

pub(crate) fn has_wildcard(name: &str) -> bool {
    name.contains(['*', '?', '['])
}

/// The files that a name with wildcards stands for, in order.
pub(crate) fn glob(pattern: &str) -> Vec<String> {
    let (start, rest) = match pattern.strip_prefix('/') {
        Some(rest) => ("/", rest),
        None => ("", pattern),
    };
    let mut found = Vec::new();
    walk(start.to_owned(), rest, &mut found);
    found.sort();
    found
}

fn walk(base: String, pattern: &str, found: &mut Vec<String>) {
    let (part, rest) = match pattern.split_once('/') {
        Some((part, rest)) => (part, Some(rest)),
        None => (pattern, None),
    };
    let mut visit = |name: &str| {
        let path = format!("{base}{name}");
        match rest {
            None => found.push(path),
            Some("") if Path::new(&path).is_dir() => found.push(format!("{path}/")),
            Some(rest) if Path::new(&path).is_dir() => walk(format!("{path}/"), rest, found),
            Some(_) => {}
        }
    };
    if !has_wildcard(part) {
        if part.is_empty()
            || Path::new(&format!("{base}{part}"))
                .symlink_metadata()
                .is_ok()
        {
            visit(part);
        }
        return;
    }
    let dir = if base.is_empty() { "." } else { &base };
    let wanted: Vec<char> = part.chars().collect();
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let text: Vec<char> = name.chars().collect();
        if (!name.starts_with('.') || part.starts_with('.')) && matches(&wanted, &text) {
            visit(&name);
        }
    }
}

/// Whether a name fits a pattern of `*`, `?` and `[…]`; on a mismatch only the last star is tried
/// again.
fn matches(pattern: &[char], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        if pattern.get(p) == Some(&'*') {
            p += 1;
            star = Some((p, t));
        } else if p == pattern.len() && t == text.len() {
            return true;
        } else if let Some(length) = text.get(t).and_then(|c| one(&pattern[p..], *c)) {
            p += length;
            t += 1;
        } else if let Some((after, from)) = star.filter(|(_, from)| *from < text.len()) {
            p = after;
            t = from + 1;
            star = Some((after, t));
        } else {
            return false;
        }
    }
}

fn one(pattern: &[char], c: char) -> Option<usize> {
    match pattern.first()? {
        '?' => Some(1),
        '[' => {
            let negated = matches!(pattern.get(1), Some('!' | '^'));
            let mut at = 1 + usize::from(negated);
            let (first, mut matched) = (at, false);
            loop {
                let low = *pattern.get(at)?;
                if low == ']' && at > first {
                    return (matched != negated).then_some(at + 1);
                }
                let high = match (pattern.get(at + 1), pattern.get(at + 2)) {
                    (Some('-'), Some(high)) if *high != ']' => {
                        at += 2;
                        *high
                    }
                    _ => low,
                };
                matched |= (low..=high).contains(&c);
                at += 1;
            }
        }
        literal => (*literal == c).then_some(1),
    }
}
