//! KYAML, the dialect of `-o kyaml`: braces, brackets and double quotes. Never reads.
//!
//! The rules are those of `sigs.k8s.io/yaml/kyaml`.

use serde_json::Value;

use super::resolve;
use crate::text::order;

/// The document, ending in a newline; `typed` keeps the order of Go's structs.
pub(crate) fn to_kyaml(value: &Value, typed: bool) -> String {
    let mut out = "---\n".to_owned();
    node(value, "", 0, typed, &mut out);
    out.push('\n');
    out
}

fn node(value: &Value, parent: &str, indent: usize, typed: bool, out: &mut String) {
    match value {
        Value::Object(map) if map.is_empty() => out.push_str("{}"),
        Value::Object(map) => {
            let keys = if typed {
                order::keys(map, parent)
            } else {
                map.keys().collect()
            };
            out.push_str("{\n");
            for name in keys {
                pad(indent + 2, out);
                key(name, out);
                out.push_str(": ");
                node(&map[name], name, indent + 2, typed, out);
                out.push_str(",\n");
            }
            pad(indent, out);
            out.push('}');
        }
        Value::Array(items) if items.is_empty() => out.push_str("[]"),
        Value::Array(items) => list(items, parent, indent, typed, out),
        Value::String(text) => string(text, indent, out),
        other => out.push_str(&other.to_string()),
    }
}

/// Maps and lists cuddle their brackets; anything else has a line of its own.
fn list(items: &[Value], parent: &str, indent: usize, typed: bool, out: &mut String) {
    let cuddled = items.iter().all(|item| item.is_object() || item.is_array());
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if cuddled {
            out.push_str(if index > 0 { ", " } else { "" });
            node(item, parent, indent, typed, out);
        } else {
            out.push('\n');
            pad(indent + 2, out);
            node(item, parent, indent + 2, typed, out);
            out.push(',');
        }
    }
    if !cuddled {
        out.push('\n');
        pad(indent, out);
    }
    out.push(']');
}

fn pad(indent: usize, out: &mut String) {
    out.extend(std::iter::repeat_n(' ', indent));
}

fn key(name: &str, out: &mut String) {
    let safe = name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c))
        && resolve::is_plain_string(name);
    if safe {
        out.push_str(name);
    } else {
        out.push_str(&quoted(name));
    }
}

/// Text of several lines is folded, a line of it on each line.
fn string(text: &str, indent: usize, out: &mut String) {
    if !text.contains('\n') {
        return out.push_str(&quoted(text));
    }
    out.push_str("\"\\\n");
    let mut rest = text;
    while !rest.is_empty() {
        let (line, next) = rest
            .split_once('\n')
            .map_or((rest, None), |(line, next)| (line, Some(next)));
        pad(indent + 2, out);
        out.push(if line.starts_with([' ', '\t']) {
            '\\'
        } else {
            ' '
        });
        let inner = quoted(line);
        out.push_str(&inner[1..inner.len() - 1]);
        out.push_str(if next.is_some() { "\\n\\\n" } else { "\\\n" });
        rest = next.unwrap_or_default();
    }
    pad(indent + 2, out);
    out.push('"');
}

fn quoted(text: &str) -> String {
    let mut out = "\"".to_owned();
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push('\t'),
            c if c.is_control() && (c as u32) < 256 => {
                out.push_str(&format!("\\x{:02x}", c as u32))
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
