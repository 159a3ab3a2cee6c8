//! A template's text cut into pieces and words. Never knows what a word means.

/// A word inside `{{ }}` with its place in the text.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Word {
    pub(super) kind: Kind,
    /// Byte offset in the template.
    pub(super) at: usize,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// `if`, `len`, `true`, …
    Name(String),
    /// `.a`, with the dot taken off; `.` alone is empty.
    Field(String),
    /// `$x`, with the dollar.
    Variable(String),
    Text(String),
    Int(i64),
    Float(f64),
    Char(i64),
    Pipe,
    Declare,
    Assign,
    Comma,
    Open,
    Close,
    Space,
}

/// Text, or an action's words.
#[derive(Debug, Clone)]
pub(super) enum Piece {
    Text(String),
    Action(Vec<Word>, usize),
}

/// Cuts a template; errors name the line.
pub(super) fn pieces(source: &str) -> Result<Vec<Piece>, String> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut trim = false;
    while at < source.len() {
        let rest = &source[at..];
        let Some(open) = rest.find("{{") else {
            push_text(&mut found, rest, trim, false);
            break;
        };
        let start = at + open + 2;
        let left_trim = source[start..].starts_with("- ") || source[start..].starts_with("-\n");
        push_text(&mut found, &rest[..open], trim, left_trim);
        let start = if left_trim { start + 2 } else { start };
        if source[start..].starts_with("/*") {
            let Some(end) = source[start..].find("*/") else {
                return Err(wrong(source, start, "unclosed comment"));
            };
            let after = &source[start + end + 2..];
            let (skip, trims) = if after.starts_with("}}") {
                (2, false)
            } else if after.starts_with(" -}}") {
                (4, true)
            } else {
                return Err(wrong(
                    source,
                    start,
                    "comment ends before closing delimiter",
                ));
            };
            trim = trims;
            at = start + end + 2 + skip;
            continue;
        }
        let (words, end, trims) = words(source, start)?;
        found.push(Piece::Action(words, start));
        (at, trim) = (end, trims);
    }
    Ok(found)
}

fn push_text(found: &mut Vec<Piece>, text: &str, left: bool, right: bool) {
    let mut text = text;
    if left {
        text = text.trim_start_matches([' ', '\t', '\r', '\n']);
    }
    if right {
        text = text.trim_end_matches([' ', '\t', '\r', '\n']);
    }
    if !text.is_empty() {
        found.push(Piece::Text(text.to_owned()));
    }
}

/// `template: output:LINE: words`.
pub(super) fn wrong(source: &str, at: usize, words: &str) -> String {
    let line = source[..at.min(source.len())].matches('\n').count() + 1;
    format!("template: output:{line}: {words}")
}

type Words = (Vec<Word>, usize, bool);

fn words(source: &str, start: usize) -> Result<Words, String> {
    let mut found: Vec<Word> = Vec::new();
    let mut at = start;
    let mut depth = 0_i32;
    loop {
        let rest = &source[at..];
        let unclosed = || wrong(source, source.len(), "unclosed action");
        for (end, trims) in [(" -}}", true), ("\n-}}", true), ("}}", false)] {
            if rest.starts_with(end) {
                if depth > 0 {
                    return Err(wrong(source, at, "unclosed left paren"));
                }
                return Ok((found, at + end.len(), trims));
            }
        }
        let first = rest.chars().next().ok_or_else(unclosed)?;
        let (kind, length) = match first {
            ' ' | '\t' | '\r' | '\n' => {
                let length = rest
                    .find(|c: char| !c.is_ascii_whitespace())
                    .unwrap_or(rest.len());
                // A dash that trims needs the last blank.
                let dash = rest[length..].starts_with("-}}");
                if dash && length > 1 {
                    (Kind::Space, length - 1)
                } else {
                    (Kind::Space, length)
                }
            }
            '(' => {
                depth += 1;
                (Kind::Open, 1)
            }
            ')' => {
                depth -= 1;
                if depth < 0 {
                    return Err(wrong(source, at, "unexpected right paren"));
                }
                (Kind::Close, 1)
            }
            '|' => (Kind::Pipe, 1),
            ',' => (Kind::Comma, 1),
            '=' => (Kind::Assign, 1),
            ':' if rest.starts_with(":=") => (Kind::Declare, 2),
            ':' => return Err(wrong(source, at, "expected :=")),
            '"' => string(source, at)?,
            '`' => match rest[1..].find('`') {
                Some(end) => (Kind::Text(rest[1..=end].to_owned()), end + 2),
                None => return Err(wrong(source, at, "unterminated raw quoted string")),
            },
            '\'' => character(source, at)?,
            '.' if !rest[1..].starts_with(|c: char| c.is_ascii_digit()) => {
                let name = identifier(&rest[1..]);
                (Kind::Field(name.to_owned()), name.len() + 1)
            }
            '$' => {
                let name = identifier(&rest[1..]);
                (
                    Kind::Variable(rest[..=name.len()].to_owned()),
                    name.len() + 1,
                )
            }
            c if c == '+' || c == '-' || c == '.' || c.is_ascii_digit() => number(source, at)?,
            c if c.is_alphanumeric() || c == '_' => {
                let name = identifier(rest);
                (Kind::Name(name.to_owned()), name.len())
            }
            c => {
                let words = format!("unrecognized character in action: U+{:04X} '{c}'", c as u32);
                return Err(wrong(source, at, &words));
            }
        };
        found.push(Word { kind, at });
        at += length;
    }
}

fn identifier(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}

fn string(source: &str, at: usize) -> Result<(Kind, usize), String> {
    let mut text = String::new();
    let mut characters = source[at + 1..].char_indices();
    while let Some((index, c)) = characters.next() {
        match c {
            '"' => return Ok((Kind::Text(text), index + 2)),
            '\n' => break,
            '\\' => match characters.next() {
                Some((_, 'n')) => text.push('\n'),
                Some((_, 't')) => text.push('\t'),
                Some((_, 'r')) => text.push('\r'),
                Some((_, 'u')) => {
                    let digits: String = characters.by_ref().take(4).map(|(_, c)| c).collect();
                    let code = u32::from_str_radix(&digits, 16)
                        .ok()
                        .and_then(char::from_u32);
                    text.push(code.ok_or_else(|| wrong(source, at, "invalid syntax"))?);
                }
                Some((_, other @ ('"' | '\\' | '\''))) => text.push(other),
                _ => return Err(wrong(source, at, "invalid syntax")),
            },
            other => text.push(other),
        }
    }
    Err(wrong(source, at, "unterminated quoted string"))
}

fn character(source: &str, at: usize) -> Result<(Kind, usize), String> {
    let rest = &source[at + 1..];
    let unterminated = || wrong(source, at, "unterminated character constant");
    let (c, length) = match rest.strip_prefix('\\') {
        Some(escaped) => {
            let c = escaped.chars().next().ok_or_else(unterminated)?;
            let c = match c {
                'n' => '\n',
                't' => '\t',
                other => other,
            };
            (c, 2)
        }
        None => {
            let c = rest.chars().next().ok_or_else(unterminated)?;
            (c, c.len_utf8())
        }
    };
    if !rest[length..].starts_with('\'') {
        return Err(unterminated());
    }
    Ok((Kind::Char(i64::from(c as u32)), length + 2))
}

fn number(source: &str, at: usize) -> Result<(Kind, usize), String> {
    let rest = &source[at..];
    let end = rest
        .char_indices()
        .find(|(index, c)| {
            let sign =
                *index == 0 || rest[..*index].ends_with(['e', 'E']) && !rest.starts_with("0x");
            !(c.is_ascii_alphanumeric()
                || *c == '.'
                || *c == '_'
                || (sign && (*c == '+' || *c == '-')))
        })
        .map_or(rest.len(), |(index, _)| index);
    let word = rest[..end].replace('_', "");
    let (digits, negative) = match word.strip_prefix('-') {
        Some(digits) => (digits.to_owned(), true),
        None => (word.trim_start_matches('+').to_owned(), false),
    };
    let radix = [("0x", 16), ("0X", 16), ("0b", 2), ("0o", 8)]
        .into_iter()
        .find_map(|(prefix, radix)| Some((digits.strip_prefix(prefix)?, radix)));
    let whole = match radix {
        Some((digits, radix)) => i64::from_str_radix(digits, radix).ok(),
        None => digits.parse::<i64>().ok(),
    };
    let sign = if negative { -1 } else { 1 };
    if let Some(whole) = whole {
        return Ok((Kind::Int(sign * whole), end));
    }
    match digits.parse::<f64>() {
        Ok(number) if digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') => {
            Ok((Kind::Float(sign as f64 * number), end))
        }
        _ => Err(wrong(
            source,
            at,
            &format!("bad number syntax: {:?}", &rest[..end]),
        )),
    }
}
