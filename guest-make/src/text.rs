//! Makefile text as lines and words: joining, comments, parentheses.
//!
//! Knows neither variables nor rules.

/// Where a reference that begins behind the opening parenthesis ends: the place of its `close`.
pub(crate) fn closing(text: &str, open: char, close: char) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, c) in text.char_indices() {
        if c == open {
            depth += 1;
        } else if c == close {
            if depth == 0 {
                return Some(at);
            }
            depth -= 1;
        }
    }
    None
}

/// The first of these characters outside of references.
pub(crate) fn find_outside(text: &str, wanted: &[char]) -> Option<usize> {
    let mut stack: Vec<char> = Vec::new();
    let mut dollar = false;
    for (at, c) in text.char_indices() {
        let after_dollar = dollar;
        dollar = c == '$' && !after_dollar;
        match c {
            '(' if after_dollar || stack.last() == Some(&')') => stack.push(')'),
            '{' if after_dollar || stack.last() == Some(&'}') => stack.push('}'),
            c if stack.last() == Some(&c) => {
                stack.pop();
            }
            c if stack.is_empty() && wanted.contains(&c) && !after_dollar => return Some(at),
            _ => {}
        }
    }
    None
}

/// The line without its comment; `\#` is a plain `#`.
pub(crate) fn without_comment(line: &str) -> String {
    let mut out = String::new();
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.peek() == Some(&'#') => out.extend(chars.next()),
            '#' => break,
            c => out.push(c),
        }
    }
    out
}

/// Lines that a backslash joins become one, with one blank where they met.
pub(crate) fn joined(line: &str) -> String {
    let mut out = String::new();
    for (index, part) in line.split("\\\n").enumerate() {
        if index > 0 {
            let end = out.trim_end_matches([' ', '\t']).len();
            out.truncate(end);
            out.push(' ');
            out.push_str(part.trim_start_matches([' ', '\t']));
        } else {
            out.push_str(part);
        }
    }
    out
}

/// The first word and what is behind it.
pub(crate) fn first_word(line: &str) -> (&str, &str) {
    let line = line.trim_start();
    let end = line.find([' ', '\t']).unwrap_or(line.len());
    (&line[..end], line[end..].trim_start())
}

/// The comma that ends an argument: outside of any parentheses of the kind that are open.
pub(crate) fn find_comma(text: &str) -> Option<usize> {
    let mut stack: Vec<char> = Vec::new();
    for (at, c) in text.char_indices() {
        match c {
            '(' => stack.push(')'),
            '{' => stack.push('}'),
            c if stack.last() == Some(&c) => {
                stack.pop();
            }
            ',' if stack.is_empty() => return Some(at),
            _ => {}
        }
    }
    None
}
