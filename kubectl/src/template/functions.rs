//! The functions of templates: Go's own and kubectl's `exists` and `base64decode`. `and` and `or`,
//! which do not look at all their arguments, are in `run`.

use std::cmp::Ordering;

use serde_json::Value;

use super::print;
use crate::text::base64;

const NAMES: [&str; 22] = [
    "and",
    "base64decode",
    "call",
    "eq",
    "exists",
    "ge",
    "gt",
    "html",
    "index",
    "js",
    "le",
    "len",
    "lt",
    "ne",
    "not",
    "or",
    "print",
    "printf",
    "println",
    "slice",
    "urlquery",
    "break",
];

pub(super) fn exist(name: &str) -> bool {
    NAMES.contains(&name)
}

/// Calls a function; the error is what Go says after the place.
pub(super) fn call(
    name: &str,
    arguments: &[Option<Value>],
    is_true: fn(&Option<Value>) -> bool,
) -> Result<Option<Value>, String> {
    let values: Vec<Value> = arguments
        .iter()
        .map(|value| value.clone().unwrap_or(Value::Null))
        .collect();
    let least = match name {
        "eq" | "exists" | "html" | "js" | "print" | "println" | "urlquery" => 0,
        "index" | "slice" | "len" | "not" | "printf" | "base64decode" => 1,
        _ => 2,
    };
    if values.len() < least {
        let words = if matches!(name, "index" | "slice" | "printf") {
            format!("at least {least}")
        } else {
            least.to_string()
        };
        return Err(format!(
            "wrong number of args for {name}: want {words} got {}",
            values.len()
        ));
    }
    let calling = |error: String| format!("error calling {name}: {error}");
    let text = |words: String| Ok(Some(Value::String(words)));
    match name {
        "not" => Ok(Some(Value::Bool(!is_true(&arguments[0])))),
        "len" => length(&values[0]).map(Some).map_err(calling),
        "index" => index(&values).map_err(calling),
        "slice" => slice(&values).map(Some).map_err(calling),
        "eq" => equal(&values)
            .map(|yes| Some(Value::Bool(yes)))
            .map_err(calling),
        "ne" => equal(&values[..2])
            .map(|yes| Some(Value::Bool(!yes)))
            .map_err(calling),
        "lt" | "le" | "gt" | "ge" => order(&values[0], &values[1])
            .map(|order| {
                Some(Value::Bool(match name {
                    "lt" => order.is_lt(),
                    "le" => order.is_le(),
                    "gt" => order.is_gt(),
                    _ => order.is_ge(),
                }))
            })
            .map_err(calling),
        "print" => text(sprint(&values)),
        "println" => text(format!("{}\n", joined(&values, " "))),
        "printf" => match &values[0] {
            Value::String(format) => text(print::printf(format, &values[1..])),
            other => Err(format!(
                "wrong type for value; expected string; got {}",
                print::type_name(other)
            )),
        },
        "html" => text(escape_html(&sprint(&values))),
        "js" => text(escape_js(&sprint(&values))),
        "urlquery" => text(crate::http::escape(&sprint(&values), true)),
        "exists" => Ok(Some(Value::Bool(exists(&values)))),
        "base64decode" => decode(&values[0]).map(Some).map_err(calling),
        _ => Err(format!("error calling {name}: not in this lab")),
    }
}

fn length(value: &Value) -> Result<Value, String> {
    match value {
        Value::String(text) => Ok(Value::from(text.len())),
        Value::Array(items) => Ok(Value::from(items.len())),
        Value::Object(map) => Ok(Value::from(map.len())),
        Value::Null => Err("len of nil pointer".to_owned()),
        other => Err(format!("len of type {}", print::type_name(other))),
    }
}

fn index(values: &[Value]) -> Result<Option<Value>, String> {
    let mut here = Some(values[0].clone());
    for key in &values[1..] {
        here = match (here, key) {
            (None | Some(Value::Null), _) => return Err("index of untyped nil".to_owned()),
            (Some(Value::Object(mut map)), Value::String(key)) => map.remove(key),
            (Some(Value::Array(items)), Value::Number(number)) => {
                let at = number.as_i64().unwrap_or(-1);
                match usize::try_from(at).ok().and_then(|at| items.get(at)) {
                    Some(found) => Some(found.clone()),
                    None => return Err(format!("index out of range: {at}")),
                }
            }
            (Some(Value::Object(_)), other) => {
                let kind = print::type_name(other);
                return Err(format!("value has type {kind}; should be string"));
            }
            (Some(Value::Array(_)), other) => {
                let kind = print::type_name(other);
                return Err(format!("cannot index slice/array with type {kind}"));
            }
            (Some(other), _) => {
                let kind = print::type_name(&other);
                return Err(format!("can't index item of type {kind}"));
            }
        };
    }
    Ok(here)
}

fn slice(values: &[Value]) -> Result<Value, String> {
    let length = match &values[0] {
        Value::String(text) => text.len(),
        Value::Array(items) => items.len(),
        other => {
            return Err(format!(
                "can't slice item of type {}",
                print::type_name(other)
            ));
        }
    };
    let bound = |at: usize, default: usize| match values.get(at).and_then(Value::as_i64) {
        None => Ok(default),
        Some(number) => usize::try_from(number)
            .ok()
            .filter(|number| *number <= length)
            .ok_or_else(|| format!("index out of range: {number}")),
    };
    let (start, end) = (bound(1, 0)?, bound(2, length)?);
    if start > end {
        return Err(format!("invalid slice index: {start} > {end}"));
    }
    Ok(match &values[0] {
        Value::String(text) => {
            Value::String(String::from_utf8_lossy(&text.as_bytes()[start..end]).into_owned())
        }
        Value::Array(items) => Value::Array(items[start..end].to_vec()),
        other => other.clone(),
    })
}

fn equal(values: &[Value]) -> Result<bool, String> {
    let Some((first, others)) = values.split_first() else {
        return Err("missing argument for comparison".to_owned());
    };
    if others.is_empty() {
        return Err("missing argument for comparison".to_owned());
    }
    for other in others {
        let same_kind = std::mem::discriminant(first) == std::mem::discriminant(other);
        let nothing = first.is_null() || other.is_null();
        if !same_kind && !nothing {
            return Err("incompatible types for comparison".to_owned());
        }
        if first == other {
            return Ok(true);
        }
    }
    Ok(false)
}

fn order(a: &Value, b: &Value) -> Result<Ordering, String> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) if a.is_f64() == b.is_f64() => {
            let (a, b) = (
                a.as_f64().unwrap_or_default(),
                b.as_f64().unwrap_or_default(),
            );
            Ok(a.total_cmp(&b))
        }
        (Value::String(a), Value::String(b)) => Ok(a.cmp(b)),
        (Value::Number(_) | Value::String(_), Value::Number(_) | Value::String(_)) => {
            Err("incompatible types for comparison".to_owned())
        }
        _ => Err("invalid type for comparison".to_owned()),
    }
}

/// `fmt.Sprint`: blanks only between operands neither of which is a string.
fn sprint(values: &[Value]) -> String {
    let mut out = String::new();
    for (index, value) in values.iter().enumerate() {
        if index > 0 && !value.is_string() && !values[index - 1].is_string() {
            out.push(' ');
        }
        out.push_str(&print::plain(value));
    }
    out
}

fn joined(values: &[Value], by: &str) -> String {
    let words: Vec<String> = values.iter().map(print::plain).collect();
    words.join(by)
}

fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('\'', "&#39;")
        .replace('"', "&#34;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

fn escape_js(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '"' => out.push_str("\\\""),
            '<' | '>' | '&' | '=' => out.push_str(&format!("\\u{:04X}", c as u32)),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", c as u32)),
            c => out.push(c),
        }
    }
    out
}

/// kubectl's `exists`: whether following the keys leads anywhere.
fn exists(values: &[Value]) -> bool {
    let Some((first, keys)) = values.split_first() else {
        return false;
    };
    let mut here = first;
    for key in keys {
        let next = match key {
            Value::String(key) => here.get(key),
            Value::Number(number) => number
                .as_u64()
                .and_then(|at| here.get(usize::try_from(at).unwrap_or(usize::MAX))),
            _ => None,
        };
        let Some(next) = next else { return false };
        here = next;
    }
    !here.is_null()
}

fn decode(value: &Value) -> Result<Value, String> {
    let Value::String(text) = value else {
        return Err(format!(
            "wrong type for value; expected string; got {}",
            print::type_name(value)
        ));
    };
    match base64::decode(text) {
        Some(bytes) => Ok(Value::String(String::from_utf8_lossy(&bytes).into_owned())),
        None => {
            let at = base64::wrong_at(text).unwrap_or_default();
            Err(format!("illegal base64 data at input byte {at}"))
        }
    }
}
