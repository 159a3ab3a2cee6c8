//! Values as jq prints them. Never decides where they go.

use jaq_json::{Num, Val};

use crate::options::Style;

/// Colours of jq 1.6, by kind.
const NULL: &str = "\x1b[1;30m";
const PLAIN: &str = "\x1b[0;39m";
const STRING: &str = "\x1b[0;32m";
const ARRAY: &str = "\x1b[1;39m";
const KEY: &str = "\x1b[34;1m";
const RESET: &str = "\x1b[0m";

/// A value with its end of line, as the style says.
pub(crate) fn text(value: &Val, style: &Style) -> Vec<u8> {
    let mut out = String::new();
    match value {
        Val::TStr(bytes) | Val::BStr(bytes) if style.raw => {
            let mut bytes = bytes.to_vec();
            if style.newline {
                bytes.push(b'\n');
            }
            return bytes;
        }
        value => write(value, style, 0, &mut out),
    }
    if style.newline {
        out.push('\n');
    }
    out.into_bytes()
}

/// A value on one line, without colours.
pub(crate) fn compact(value: &Val) -> String {
    let style = Style {
        indent: None,
        colour: false,
        ascii: false,
        sort: false,
        raw: false,
        newline: false,
    };
    let mut out = String::new();
    write(value, &style, 0, &mut out);
    out
}

fn coloured(style: &Style, colour: &str, text: &str, out: &mut String) {
    if style.colour {
        out.push_str(colour);
        out.push_str(text);
        out.push_str(RESET);
    } else {
        out.push_str(text);
    }
}

fn write(value: &Val, style: &Style, depth: usize, out: &mut String) {
    match value {
        Val::Null => coloured(style, NULL, "null", out),
        Val::Bool(truth) => coloured(style, PLAIN, if *truth { "true" } else { "false" }, out),
        Val::Num(number) => coloured(style, PLAIN, &number_text(number), out),
        Val::TStr(bytes) | Val::BStr(bytes) => {
            coloured(style, STRING, &quoted(bytes, style.ascii), out);
        }
        Val::Arr(items) => {
            let items: Vec<(Option<String>, &Val)> =
                items.iter().map(|item| (None, item)).collect();
            group(('[', ']'), &items, style, depth, out);
        }
        Val::Obj(map) => {
            let mut items: Vec<(Option<String>, &Val)> = map
                .iter()
                .map(|(key, item)| {
                    let key = match key {
                        Val::TStr(bytes) | Val::BStr(bytes) => quoted(bytes, style.ascii),
                        other => quoted(compact(other).as_bytes(), style.ascii),
                    };
                    (Some(key), item)
                })
                .collect();
            if style.sort {
                items.sort_by(|left, right| left.0.cmp(&right.0));
            }
            group(('{', '}'), &items, style, depth, out);
        }
    }
}

fn group(
    (open, close): (char, char),
    items: &[(Option<String>, &Val)],
    style: &Style,
    depth: usize,
    out: &mut String,
) {
    let colour = |out: &mut String, text: &str| {
        if style.colour {
            out.push_str(text);
        }
    };
    colour(out, ARRAY);
    out.push(open);
    if items.is_empty() {
        out.push(close);
        colour(out, RESET);
        return;
    }
    for (index, (key, item)) in items.iter().enumerate() {
        if index > 0 {
            colour(out, ARRAY);
            out.push(',');
        }
        if let Some(indent) = &style.indent {
            out.push('\n');
            out.push_str(&indent.repeat(depth + 1));
        }
        if let Some(key) = key {
            colour(out, RESET);
            coloured(style, KEY, key, out);
            colour(out, ARRAY);
            out.push(':');
            if style.indent.is_some() {
                out.push(' ');
            }
            colour(out, RESET);
        }
        write(item, style, depth + 1, out);
    }
    colour(out, ARRAY);
    if let Some(indent) = &style.indent {
        out.push('\n');
        out.push_str(&indent.repeat(depth));
    }
    colour(out, ARRAY);
    out.push(close);
    colour(out, RESET);
}

/// A number as jq prints it: whole ones without a point.
pub(crate) fn number_text(number: &Num) -> String {
    let value = match number {
        Num::Int(value) => return value.to_string(),
        Num::BigInt(value) => return value.to_string(),
        Num::Float(value) => *value,
        Num::Dec(text) => text.parse().unwrap_or(f64::NAN),
    };
    if value.is_nan() {
        return "null".into();
    }
    let value = value.clamp(f64::MIN, f64::MAX);
    if value == value.trunc() && value.abs() < 1e17 {
        return format!("{value:.0}");
    }
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..17).contains(&exponent) {
        return format!("{value}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

fn quoted(bytes: &[u8], ascii: bool) -> String {
    let mut out = String::from("\"");
    for c in String::from_utf8_lossy(bytes).chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            c if u32::from(c) < 32 || c == '\x7f' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c if ascii && !c.is_ascii() => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
