//! What `awk` computes with. A text is UTF-8; input that is none was replaced when it was read.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::applets::format::Spec;

#[derive(Clone, Debug, Default)]
pub(super) enum Value {
    #[default]
    Nothing,
    Number(f64),
    Text(Rc<str>),
    /// Input that looks like a number.
    Numeric(Rc<str>, f64),
}

pub(super) type Array = Rc<RefCell<BTreeMap<Rc<str>, Value>>>;

impl Value {
    pub(super) fn text(text: impl Into<Rc<str>>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn truth(value: bool) -> Self {
        Self::Number(f64::from(u8::from(value)))
    }

    /// Input: a number, too, if it looks like one.
    pub(super) fn input(text: &str) -> Self {
        let trimmed = text.trim_matches([' ', '\t', '\n', '\r']);
        let begins = trimmed.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
        if begins && !trimmed.is_empty() {
            let (value, length) = leading_number(trimmed);
            if length == trimmed.len() {
                return Self::Numeric(text.into(), value);
            }
        }
        Self::Text(text.into())
    }

    pub(super) fn number(&self) -> f64 {
        match self {
            Self::Nothing => 0.0,
            Self::Number(number) | Self::Numeric(_, number) => *number,
            Self::Text(text) => leading_number(text).0,
        }
    }

    /// As text, numbers by this format.
    pub(super) fn string(&self, format: &str) -> Rc<str> {
        match self {
            Self::Nothing => "".into(),
            Self::Number(number) => number_text(*number, format).into(),
            Self::Text(text) | Self::Numeric(text, _) => text.clone(),
        }
    }

    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Nothing => false,
            Self::Number(number) | Self::Numeric(_, number) => *number != 0.0,
            Self::Text(text) => !text.is_empty(),
        }
    }

    /// As numbers when both look like numbers, else as text.
    pub(super) fn compare(&self, other: &Self, format: &str) -> Option<Ordering> {
        if matches!(self, Self::Text(_)) || matches!(other, Self::Text(_)) {
            return Some(self.string(format).cmp(&other.string(format)));
        }
        self.number().partial_cmp(&other.number())
    }
}

/// A number as text: whole ones as they are, others by the format.
pub(super) fn number_text(number: f64, format: &str) -> String {
    if number == number.trunc() && number.abs() < 9.2e18 {
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and in range")]
        return (number as i64).to_string();
    }
    let mut spec = Spec::default();
    let Some((before, rest)) = format.split_once('%') else {
        return format.to_owned();
    };
    let rest = spec.read(rest, &mut || 0);
    let kind = rest.chars().next().unwrap_or('g');
    let after = rest.get(kind.len_utf8()..).unwrap_or_default();
    format!("{before}{}{after}", spec.float(kind, number))
}

/// The number a text begins with, and how many bytes it and the blanks before it take.
pub(super) fn leading_number(text: &str) -> (f64, usize) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    let start = at;
    at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
    let digits = at;
    while bytes.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    let mut count = at - digits;
    // Most numbers are short and whole.
    if (1..=15).contains(&count) && !matches!(bytes.get(at), Some(b'.' | b'e' | b'E')) {
        let whole = bytes[digits..at]
            .iter()
            .fold(0_i64, |value, digit| value * 10 + i64::from(digit - b'0'));
        #[expect(clippy::cast_precision_loss, reason = "fifteen digits fit")]
        let value = whole as f64;
        return (if bytes[start] == b'-' { -value } else { value }, at);
    }
    if bytes.get(at) == Some(&b'.') {
        let point = at;
        at += 1;
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        count += at - point - 1;
    }
    if count == 0 {
        return (0.0, 0);
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let mut end = at + 1;
        end += usize::from(matches!(bytes.get(end), Some(b'+' | b'-')));
        if bytes.get(end).is_some_and(u8::is_ascii_digit) {
            while bytes.get(end).is_some_and(u8::is_ascii_digit) {
                end += 1;
            }
            at = end;
        }
    }
    (text[start..at].parse().unwrap_or(0.0), at)
}
