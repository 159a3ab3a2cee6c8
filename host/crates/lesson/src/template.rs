//! `@(name)`: values a run has captured, put into text. Never evaluates anything.

use std::collections::BTreeMap;

/// Names and the values captured under them.
pub(crate) type Captures = BTreeMap<String, String>;

/// A part of a text with holes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part<'a> {
    Text(&'a str),
    /// What stands between `@(` and `)`.
    Hole(&'a str),
}

/// Splits a text at its holes; an unclosed `@(` is text.
pub(crate) fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("@(") {
        let Some(length) = rest[start + 2..].find(')') else {
            break;
        };
        if start > 0 {
            parts.push(Part::Text(&rest[..start]));
        }
        parts.push(Part::Hole(rest[start + 2..start + 2 + length].trim()));
        rest = &rest[start + 3 + length..];
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    parts
}

/// The names of the holes of a text.
pub(crate) fn holes(text: &str) -> impl Iterator<Item = &str> {
    parts(text).into_iter().filter_map(|part| match part {
        Part::Hole(hole) => Some(hole),
        Part::Text(_) => None,
    })
}

/// The text with its holes filled, or the first name nobody captured.
pub(crate) fn fill(text: &str, captures: &Captures) -> Result<String, String> {
    parts(text)
        .into_iter()
        .map(|part| match part {
            Part::Text(text) => Ok(text),
            Part::Hole(name) => captures
                .get(name)
                .map(String::as_str)
                .ok_or_else(|| name.to_owned()),
        })
        .collect()
}

/// The text with those holes filled that have a value.
pub(crate) fn fill_known(text: &str, captures: &Captures) -> String {
    let mut filled = String::with_capacity(text.len());
    for part in parts(text) {
        match part {
            Part::Text(text) => filled.push_str(text),
            Part::Hole(name) => match captures.get(name) {
                Some(value) => filled.push_str(value),
                None => filled.extend(["@(", name, ")"]),
            },
        }
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_filled_and_a_missing_value_is_named() {
        let captures = Captures::from([("ip".into(), "10.0.0.1".into())]);
        assert_eq!(
            fill("http://@(ip):80/@", &captures),
            Ok("http://10.0.0.1:80/@".into())
        );
        assert_eq!(fill("@(ip) @(port)", &captures), Err("port".into()));
        assert_eq!(fill_known("@(ip) @(port)", &captures), "10.0.0.1 @(port)");
        assert_eq!(fill("echo @(", &captures), Ok("echo @(".into()));
    }
}
