//! What is risky about a lesson's text as YAML: words that older readers take for something else,
//! prose that a comma would cut, texts that cannot be read at all. Never what it says.

use super::at;
use crate::finding::{Edit, Finding, Severity};
use crate::lab::Pos;
use crate::yaml::{Scalar, scalars};
use regex::Regex;

/// The most that is written into a lesson at one place.
const INLINE: usize = 64 * 1024;

/// Findings about a text that can be read.
pub(crate) fn hazards(source: &str, text: &str) -> Vec<Finding> {
    let Ok(scalars) = scalars(text) else {
        return Vec::new();
    };
    let sexagesimal = Regex::new(r"^[-+]?[1-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$|^0[0-7]+$")
        .expect("a fixed pattern");
    let mut findings = Vec::new();
    for scalar in &scalars {
        if scalar.plain && (is_old_truth(&scalar.value) || sexagesimal.is_match(&scalar.value)) {
            let what = if scalar.is_key { "the key " } else { "" };
            let message = format!("YAML 1.1 reads {what}`{}` as another value", scalar.value);
            findings.push(quoting(source, scalar, "LAB004", message));
        } else if scalar.plain && scalar.in_flow && !scalar.is_key && is_prose(scalar) {
            let message = "prose inside `{ }` stands without quotes".to_owned();
            findings.push(quoting(source, scalar, "LAB005", message));
        }
        if scalar.value.len() > INLINE {
            let message = format!(
                "{} bytes are written here; 64 KiB may be",
                scalar.value.len()
            );
            let help = "put them into a file beside the lesson and use `from:`";
            findings.push(at(
                source,
                scalar.at,
                "LAB043",
                Severity::Error,
                message,
                Some(help),
            ));
        }
    }
    findings
}

fn is_old_truth(word: &str) -> bool {
    let known = ["on", "off", "yes", "no"];
    let lower = word.to_lowercase();
    let usual = word == lower || word == word.to_uppercase() || word.get(1..) == lower.get(1..);
    known.contains(&lower.as_str()) && usual
}

/// Whether a scalar is text for people.
fn is_prose(scalar: &Scalar) -> bool {
    let key = scalar.under.as_deref().unwrap_or_default();
    let prose = matches!(
        key,
        "ja" | "en" | "title" | "text" | "note" | "say" | "why" | "else" | "prompt" | "explain"
    );
    prose && (scalar.value.contains(' ') || !scalar.value.is_ascii())
}

fn quoting(source: &str, scalar: &Scalar, code: &'static str, message: String) -> Finding {
    let mut finding = at(
        source,
        scalar.at,
        code,
        Severity::Warning,
        message,
        Some("quote it"),
    );
    finding.fix.push(Edit {
        from: scalar.at,
        to: scalar.end,
        text: quoted(&scalar.value),
    });
    finding
}

/// A text in double quotes.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// Why a text that cannot be read cannot: a sign that begins no text, or a tab.
pub(super) fn unreadable(source: &str, text: &str, error: Pos) -> Option<Finding> {
    let near = error.line.saturating_sub(1).max(1)..=error.line;
    near.rev().find_map(|line| on_line(source, text, line))
}

fn on_line(source: &str, text: &str, number: u32) -> Option<Finding> {
    let line = text.lines().nth(number as usize - 1)?;
    let place = |column: usize| Pos {
        line: number,
        column: column as u32 + 1,
    };
    let blank = line.chars().take_while(|c| c.is_whitespace()).count();
    if let Some(tab) = line.chars().take(blank).position(|c| c == '\t') {
        let message = "a tab does not indent in YAML".to_owned();
        let mut finding = at(
            source,
            place(tab),
            "LAB006",
            Severity::Error,
            message,
            Some("indent with blanks"),
        );
        let indent: String = line.chars().take(blank).collect();
        finding.fix.push(Edit {
            from: place(0),
            to: place(blank),
            text: indent.replace('\t', "  "),
        });
        return Some(finding);
    }
    let chars: Vec<char> = line.chars().collect();
    let start = sign(&chars)?;
    let end = end_of_token(&chars, start);
    let token: String = chars[start..end].iter().collect();
    let message = format!("an unquoted text cannot begin with `{}`", chars[start]);
    let mut finding = at(
        source,
        place(start),
        "LAB006",
        Severity::Error,
        message,
        Some("put it in quotes"),
    );
    finding.fix.push(Edit {
        from: place(start),
        to: place(end),
        text: quoted(token.trim_end()),
    });
    Some(finding)
}

/// Where a text begins with a sign that begins no text, outside of quotes.
fn sign(chars: &[char]) -> Option<usize> {
    let mut quote = None;
    let mut fresh = true;
    for (i, c) in chars.iter().copied().enumerate() {
        if let Some(open) = quote {
            if c == open {
                quote = None;
            }
            continue;
        }
        match c {
            '@' | '%' | '`' if fresh => return Some(i),
            '\'' | '"' if fresh => quote = Some(c),
            '#' if i == 0 || chars[i - 1] == ' ' => return None,
            _ => {}
        }
        let next_blank = chars.get(i + 1).is_none_or(|next| *next == ' ');
        fresh = match c {
            ' ' => fresh,
            '[' | '{' | ',' => true,
            ':' | '-' | '?' => next_blank,
            _ => false,
        };
    }
    None
}

/// Where an unquoted text that began at `start` was meant to end.
fn end_of_token(chars: &[char], start: usize) -> usize {
    let before: String = chars[..start].iter().collect();
    let in_flow = before.matches(['{', '[']).count() > before.matches(['}', ']']).count();
    let mut round = 0_u32;
    for (i, c) in chars.iter().copied().enumerate().skip(start) {
        match c {
            '(' => round += 1,
            ')' => round = round.saturating_sub(1),
            ',' | '}' | ']' if in_flow && round == 0 => return i,
            '#' if i > 0 && chars[i - 1] == ' ' => return i,
            _ => {}
        }
    }
    chars.len()
}
