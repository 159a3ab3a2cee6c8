//! Shell patterns: `*`, `?`, `[…]` with classes, `\` for a literal.
//!
//! Matches strings and walks directories; it knows nothing of quoting, which callers have turned
//! into backslashes.

use std::path::Path;

/// The pattern that matches exactly this text.
pub(crate) fn escape(text: &str, into: &mut String) {
    for c in text.chars() {
        if "*?[]\\-!^".contains(c) {
            into.push('\\');
        }
        into.push(c);
    }
}

/// The text a pattern without special characters stands for.
pub(crate) fn unescape(pattern: &str) -> String {
    let mut text = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    while let Some(c) = chars.next() {
        text.push(if c == '\\' {
            chars.next().unwrap_or('\\')
        } else {
            c
        });
    }
    text
}

/// Whether it stands for anything but itself; a `[` that nothing closes does not.
pub(crate) fn has_special(pattern: &str) -> bool {
    let mut chars = pattern.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '*' | '?' => return true,
            '[' if pattern[at + 1..].contains(']') => return true,
            _ => {}
        }
    }
    false
}

pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    matches_chars(&pattern, &text)
}

/// Linear in practice: on a mismatch only the last star is tried again.
pub(crate) fn matches_chars(pattern: &[char], text: &[char]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    loop {
        if p < pattern.len() && pattern[p] == '*' {
            p += 1;
            star = Some((p, t));
            continue;
        }
        if p == pattern.len() && t == text.len() {
            return true;
        }
        let step = if t < text.len() {
            one(&pattern[p..], text[t])
        } else {
            None
        };
        if let Some(length) = step {
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

/// How much of the pattern matches this one character.
fn one(pattern: &[char], c: char) -> Option<usize> {
    match pattern.first()? {
        '?' => Some(1),
        '\\' => match pattern.get(1) {
            Some(literal) => (*literal == c).then_some(2),
            None => (c == '\\').then_some(1),
        },
        '[' => match bracket(pattern, c) {
            Some((length, matched)) => matched.then_some(length),
            None => (c == '[').then_some(1),
        },
        literal => (*literal == c).then_some(1),
    }
}

fn bracket(pattern: &[char], c: char) -> Option<(usize, bool)> {
    let mut at = 1;
    let negated = matches!(pattern.get(at), Some('!' | '^'));
    at += usize::from(negated);
    let first = at;
    let mut matched = false;
    loop {
        let current = *pattern.get(at)?;
        if current == ']' && at > first {
            return Some((at + 1, matched != negated));
        }
        if current == '[' && pattern.get(at + 1) == Some(&':') {
            let end = (at + 2..pattern.len()).find(|end| pattern[*end] == ':')?;
            let class: String = pattern[at + 2..end].iter().collect();
            matched |= in_class(&class, c);
            at = end + 2;
            continue;
        }
        let (low, next) = bracket_char(pattern, at)?;
        at = next;
        let range_end = pattern
            .get(at + 1)
            .filter(|end| pattern[at] == '-' && **end != ']');
        if range_end.is_some() {
            let (high, next) = bracket_char(pattern, at + 1)?;
            at = next;
            matched |= (low..=high).contains(&c);
        } else {
            matched |= low == c;
        }
    }
}

fn bracket_char(pattern: &[char], at: usize) -> Option<(char, usize)> {
    match pattern.get(at)? {
        '\\' => Some((*pattern.get(at + 1)?, at + 2)),
        c => Some((*c, at + 1)),
    }
}

fn in_class(class: &str, c: char) -> bool {
    match class {
        "alpha" => c.is_alphabetic(),
        "digit" => c.is_ascii_digit(),
        "alnum" => c.is_alphanumeric(),
        "upper" => c.is_uppercase(),
        "lower" => c.is_lowercase(),
        "space" => c.is_whitespace(),
        "blank" => c == ' ' || c == '\t',
        "punct" => c.is_ascii_punctuation(),
        "xdigit" => c.is_ascii_hexdigit(),
        "cntrl" => c.is_control(),
        "print" => !c.is_control(),
        "graph" => !c.is_control() && c != ' ',
        _ => false,
    }
}

/// The existing paths a pattern stands for, in order.
pub(crate) fn glob(pattern: &str) -> Vec<String> {
    let mut found = Vec::new();
    let (start, rest) = match pattern.strip_prefix('/') {
        Some(rest) => ("/", rest.trim_start_matches('/')),
        None => ("", pattern),
    };
    walk(start.to_owned(), rest, &mut found);
    found.sort();
    found
}

fn walk(base: String, pattern: &str, found: &mut Vec<String>) {
    let (component, slashes, rest) = match pattern.split_once('/') {
        Some((component, behind)) => {
            let rest = behind.trim_start_matches('/');
            let slashes = pattern.len() - component.len() - rest.len();
            (
                component,
                &pattern[component.len()..][..slashes],
                Some(rest),
            )
        }
        None => (pattern, "", None),
    };
    let mut visit = |name: &str| {
        let path = format!("{base}{name}");
        match rest {
            Some(rest) if Path::new(&path).is_dir() => walk(path + slashes, rest, found),
            Some(_) => {}
            None => found.push(path),
        }
    };
    if !has_special(component) {
        let name = unescape(component);
        if name.is_empty()
            || Path::new(&format!("{base}{name}"))
                .symlink_metadata()
                .is_ok()
        {
            visit(&name);
        }
        return;
    }
    let dir = if base.is_empty() { "." } else { &base };
    let Ok(entries) = std::fs::read_dir(dir) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let hidden = name.starts_with('.') && !component.starts_with('.');
        if !hidden && matches(component, &name) {
            visit(&name);
        }
    }
}
