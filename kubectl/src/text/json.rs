//! JSON as Go's encoder writes it, and reading values by path.

use serde_json::Value;

/// Compact JSON with sorted keys and Go's escaping of `<`, `>` and `&`.
pub(crate) fn compact(value: &Value) -> String {
    escape_html(&value.to_string())
}

/// JSON with four spaces of indentation, as `-o json` prints it, without a final newline.
pub(crate) fn pretty(value: &Value) -> String {
    let mut out = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut out, formatter);
    serde::Serialize::serialize(value, &mut serializer).expect("a value serializes into memory");
    escape_html(&String::from_utf8(out).expect("JSON is UTF-8"))
}

/// The same with the fields in the order of Go's structs.
pub(crate) fn pretty_typed(value: &Value) -> String {
    let mut out = String::new();
    typed(value, "", Some(0), &mut out);
    escape_html(&out)
}

/// Compact JSON with the fields in the order of Go's structs.
pub(crate) fn compact_typed(value: &Value) -> String {
    let mut out = String::new();
    typed(value, "", None, &mut out);
    escape_html(&out)
}

/// Writes a value; with a depth every element has a line of its own.
fn typed(value: &Value, parent: &str, depth: Option<usize>, out: &mut String) {
    let line = |depth: usize, out: &mut String| {
        out.push('\n');
        out.push_str(&"    ".repeat(depth));
    };
    let (open, close, count) = match value {
        Value::Object(map) => ('{', '}', map.len()),
        Value::Array(items) => ('[', ']', items.len()),
        other => return out.push_str(&other.to_string()),
    };
    out.push(open);
    let mut written = 0;
    let mut begin = |out: &mut String| {
        if written > 0 {
            out.push(',');
        }
        written += 1;
        if let Some(depth) = depth {
            line(depth + 1, out);
        }
    };
    let deeper = depth.map(|depth| depth + 1);
    if let Value::Object(map) = value {
        for key in super::order::keys(map, parent) {
            begin(out);
            out.push_str(&Value::String(key.clone()).to_string());
            out.push_str(if depth.is_some() { ": " } else { ":" });
            typed(&map[key], key, deeper, out);
        }
    } else if let Value::Array(items) = value {
        for item in items {
            begin(out);
            typed(item, parent, deeper, out);
        }
    }
    if let Some(depth) = depth.filter(|_| count > 0) {
        line(depth, out);
    }
    out.push(close);
}

/// Two spaces of indentation where there were four.
pub(crate) fn narrow(json: &str) -> String {
    let lines: Vec<&str> = json
        .lines()
        .map(|line| &line[(line.len() - line.trim_start().len()) / 2..])
        .collect();
    lines.join("\n")
}

fn escape_html(json: &str) -> String {
    if !json.contains(['<', '>', '&', '\u{2028}', '\u{2029}']) {
        return json.to_owned();
    }
    json.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

/// The value at a dotted path; field names with dots need [`Value::pointer`].
pub(crate) fn at<'v>(value: &'v Value, path: &str) -> &'v Value {
    path.split('.')
        .fold(value, |value, key| value.get(key).unwrap_or(&Value::Null))
}

/// The string at a dotted path, empty when there is none.
pub(crate) fn text<'v>(value: &'v Value, path: &str) -> &'v str {
    at(value, path).as_str().unwrap_or_default()
}

/// The integer at a dotted path, zero when there is none.
pub(crate) fn int(value: &Value, path: &str) -> i64 {
    at(value, path).as_i64().unwrap_or_default()
}

/// The elements at a dotted path.
pub(crate) fn list<'v>(value: &'v Value, path: &str) -> &'v [Value] {
    at(value, path).as_array().map_or(&[], Vec::as_slice)
}

/// The entries of the map at a dotted path, in order of their keys.
pub(crate) fn entries<'v>(value: &'v Value, path: &str) -> Vec<(&'v str, &'v Value)> {
    at(value, path)
        .as_object()
        .map(|map| map.iter().map(|(k, v)| (k.as_str(), v)).collect())
        .unwrap_or_default()
}

/// A value as Go's `%v` prints a scalar: strings bare, null as `<nil>`.
pub(crate) fn bare(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "<nil>".to_owned(),
        other => other.to_string(),
    }
}

/// Sets the value at a path of keys, making the maps on the way.
pub(crate) fn set(value: &mut Value, path: &[&str], new: Value) {
    let mut here = value;
    for key in path {
        if !here.is_object() {
            *here = Value::Object(serde_json::Map::new());
        }
        here = here
            .as_object_mut()
            .expect("made an object above")
            .entry(*key)
            .or_insert(Value::Null);
    }
    *here = new;
}
