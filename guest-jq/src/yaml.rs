//! Values as YAML in block style, as `kubectl -o yaml` writes it. Never reads YAML; comments are
//! lost on the way.

use jaq_json::Val;

use crate::output::{compact, number_text};

/// A value as a document.
pub(crate) fn document(value: &Val) -> String {
    let mut out = String::new();
    match value {
        Val::Obj(map) if !map.is_empty() => block(value, 0, &mut out),
        Val::Arr(items) if !items.is_empty() => block(value, 0, &mut out),
        Val::TStr(bytes) | Val::BStr(bytes) => {
            out.push_str(&String::from_utf8_lossy(bytes));
            out.push('\n');
        }
        value => {
            out.push_str(&scalar(value, 0));
            out.push('\n');
        }
    }
    out
}

fn block(value: &Val, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    match value {
        Val::Obj(map) => {
            for (index, (key, item)) in map.iter().enumerate() {
                // The first key of an item stands behind its dash.
                if index > 0 || !out.ends_with("- ") {
                    out.push_str(&indent);
                }
                out.push_str(&scalar(key, 0));
                out.push(':');
                entry(item, depth + 1, out);
            }
        }
        Val::Arr(items) => {
            for (index, item) in items.iter().enumerate() {
                if index > 0 || !out.ends_with("- ") {
                    out.push_str(&indent);
                }
                out.push_str("- ");
                match item {
                    Val::Obj(map) if !map.is_empty() => block(item, depth + 1, out),
                    Val::Arr(inner) if !inner.is_empty() => block(item, depth + 1, out),
                    item => {
                        out.push_str(&scalar(item, depth + 1));
                        out.push('\n');
                    }
                }
            }
        }
        value => out.push_str(&scalar(value, depth)),
    }
}

/// What stands behind a key.
fn entry(item: &Val, depth: usize, out: &mut String) {
    let nested = match item {
        Val::Obj(map) => !map.is_empty(),
        Val::Arr(items) => !items.is_empty(),
        _ => false,
    };
    if nested {
        out.push('\n');
        block(item, depth, out);
    } else {
        out.push(' ');
        out.push_str(&scalar(item, depth));
        out.push('\n');
    }
}

fn scalar(value: &Val, depth: usize) -> String {
    match value {
        Val::Num(number) => number_text(number),
        Val::TStr(bytes) | Val::BStr(bytes) => text(&String::from_utf8_lossy(bytes), depth),
        other => compact(other),
    }
}

/// A string, plain where nothing mistakes it for something else.
fn text(text: &str, depth: usize) -> String {
    if text.contains('\n') && depth > 0 && !text.starts_with([' ', '\n']) {
        let indent = "  ".repeat(depth);
        let keep = match text {
            text if text.ends_with("\n\n") => "+",
            text if text.ends_with('\n') => "",
            _ => "-",
        };
        let body = text.strip_suffix('\n').unwrap_or(text);
        let lines: Vec<String> = body
            .split('\n')
            .map(|line| {
                if line.is_empty() {
                    String::new()
                } else {
                    format!("{indent}{line}")
                }
            })
            .collect();
        return format!("|{keep}\n{}", lines.join("\n"));
    }
    let special = ["true", "false", "null", "yes", "no", "on", "off", "~", ""];
    let mistaken = special.contains(&text.to_ascii_lowercase().as_str())
        || text.parse::<f64>().is_ok()
        || text.starts_with(|c: char| "-?:,[]{}#&*!|>'\"%@` ".contains(c) || c.is_ascii_digit())
            && !plain_start(text)
        || text.ends_with([' ', ':'])
        || text.contains(": ")
        || text.contains(" #")
        || text.chars().any(char::is_control);
    if mistaken {
        compact(&Val::from(text.to_owned()))
    } else {
        text.to_owned()
    }
}

/// Digits may begin a plain text that is no number or date, and a dash one that is no item.
fn plain_start(text: &str) -> bool {
    let number_like = text
        .chars()
        .all(|c| c.is_ascii_digit() || "+-.:_TZxeE".contains(c));
    match text.as_bytes() {
        [b'0'..=b'9', ..] => !number_like,
        [b'-' | b'?' | b':', next, ..] => !next.is_ascii_whitespace() && *next != b'-',
        _ => false,
    }
}
