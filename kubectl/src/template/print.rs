//! Values as Go prints them, and `printf`. Never looks a value up.

use serde_json::Value;

/// A value as `%v` prints it; `nil` inside a map or list is `<nil>`.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(yes) => yes.to_string(),
        Value::Number(number) if number.is_f64() => float(number.as_f64().unwrap_or_default()),
        Value::Number(number) => number.to_string(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(plain).collect();
            format!("[{}]", items.join(" "))
        }
        Value::Object(map) => {
            let pairs: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{key}:{}", plain(value)))
                .collect();
            format!("map[{}]", pairs.join(" "))
        }
    }
}

/// `%v` of a float64: the shortest digits, with an exponent below -4 and from 21 on.
fn float(number: f64) -> String {
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let power: i32 = exponent.parse().unwrap_or(0);
    if (-4..21).contains(&power) {
        return number.to_string();
    }
    let sign = if power < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", power.abs())
}

/// `fmt.Sprintf`.
pub(super) fn printf(format: &str, arguments: &[Value]) -> String {
    let mut out = String::new();
    let mut next = 0;
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        let spec = &rest[at + 1..];
        let Some(end) = spec.find(|c: char| !"+-# 0123456789.".contains(c)) else {
            out.push_str("%!(NOVERB)");
            rest = "";
            break;
        };
        let verb = spec[end..].chars().next().unwrap_or('%');
        rest = &spec[end + verb.len_utf8()..];
        if verb == '%' {
            out.push('%');
            continue;
        }
        match arguments.get(next) {
            Some(value) => {
                let text = verb_text(verb, &spec[..end], value);
                out.push_str(&pad(&spec[..end], verb, &text));
            }
            None => out.push_str(&format!("%!{verb}(MISSING)")),
        }
        next += 1;
    }
    out.push_str(rest);
    if next < arguments.len() {
        let extra: Vec<String> = arguments[next..]
            .iter()
            .map(|value| format!("{}={}", type_name(value), plain(value)))
            .collect();
        out.push_str(&format!("%!(EXTRA {})", extra.join(", ")));
    }
    out
}

/// Go's name of a value's type.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

fn verb_text(verb: char, flags: &str, value: &Value) -> String {
    let precision = flags
        .split_once('.')
        .map(|(_, digits)| digits.parse::<usize>().unwrap_or(0));
    let bad = || format!("%!{verb}({}={})", type_name(value), plain(value));
    match (verb, value) {
        ('v', value) => plain(value),
        ('s', Value::String(text)) => match precision {
            Some(most) => text.chars().take(most).collect(),
            None => text.clone(),
        },
        ('q', Value::String(text)) => crate::fail::quoted(text),
        ('s', Value::Array(_) | Value::Object(_)) => plain(value),
        ('t', Value::Bool(yes)) => yes.to_string(),
        ('T', value) => type_name(value).to_owned(),
        ('d', Value::Number(number)) if !number.is_f64() => number.to_string(),
        ('x', Value::Number(number)) if !number.is_f64() => {
            format!("{:x}", number.as_i64().unwrap_or_default())
        }
        ('x', Value::String(text)) => text.bytes().map(|byte| format!("{byte:02x}")).collect(),
        ('f', Value::Number(number)) if number.is_f64() => {
            format!(
                "{:.*}",
                precision.unwrap_or(6),
                number.as_f64().unwrap_or_default()
            )
        }
        ('g', Value::Number(number)) if number.is_f64() => {
            float(number.as_f64().unwrap_or_default())
        }
        _ => bad(),
    }
}

fn pad(flags: &str, verb: char, text: &str) -> String {
    let left = flags.contains('-');
    let digits = flags.trim_start_matches(['-', '+', '#', ' ']);
    let zero = digits.starts_with('0') && !left && "dfgxv".contains(verb);
    let width: usize = digits
        .split('.')
        .next()
        .and_then(|width| width.parse().ok())
        .unwrap_or(0);
    let missing = width.saturating_sub(text.chars().count());
    let text = if flags.contains('+') && "df".contains(verb) && !text.starts_with('-') {
        format!("+{text}")
    } else {
        text.to_owned()
    };
    match (left, zero) {
        (true, _) => format!("{text}{}", " ".repeat(missing)),
        (_, true) => match text.strip_prefix('-') {
            Some(digits) => format!("-{}{digits}", "0".repeat(missing)),
            None => format!("{}{text}", "0".repeat(missing)),
        },
        _ => format!("{}{text}", " ".repeat(missing)),
    }
}
