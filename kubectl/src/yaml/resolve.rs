//! What a plain scalar means: the YAML 1.1 rules that kubectl reads and writes by (`yes` is true, `0644` is octal).

use serde_json::Value;

/// The value of a plain, unquoted scalar.
pub(crate) fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "y" | "Y" => {
            return Value::Bool(true);
        }
        "false" | "False" | "FALSE" | "no" | "No" | "NO" | "off" | "Off" | "OFF" | "n" | "N" => {
            return Value::Bool(false);
        }
        _ => {}
    }
    number(text).unwrap_or_else(|| Value::String(text.to_owned()))
}

/// Whether a string written without quotes reads back as that string.
pub(crate) fn is_plain_string(text: &str) -> bool {
    plain(text).is_string()
        && text != "<<"
        && !is_infinite(text)
        && !is_timestamp(text)
        && !is_base_sixty(text)
}

fn number(text: &str) -> Option<Value> {
    let first = text.bytes().next()?;
    if !(first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.')) {
        return None;
    }
    let digits = text.replace('_', "");
    let (negative, unsigned) = match digits.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, digits.strip_prefix('+').unwrap_or(&digits)),
    };
    if let Some(magnitude) = integer(unsigned) {
        if !negative {
            return Some(Value::from(magnitude));
        }
        return i64::try_from(-i128::from(magnitude)).ok().map(Value::from);
    }
    if is_float(unsigned) {
        let value: f64 = digits.parse().ok()?;
        return serde_json::Number::from_f64(value).map(Value::Number);
    }
    None
}

fn integer(digits: &str) -> Option<u64> {
    let (radix, body) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (16, &digits[2..]),
        [b'0', b'b' | b'B', ..] => (2, &digits[2..]),
        [b'0', b'o' | b'O', ..] => (8, &digits[2..]),
        [b'0', _, ..] => (8, &digits[1..]),
        _ => (10, digits),
    };
    if body.starts_with('+') {
        return None;
    }
    u64::from_str_radix(body, radix).ok()
}

fn is_float(text: &str) -> bool {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let mantissa_ok = match mantissa.split_once('.') {
        Some((whole, fraction)) => {
            digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty())
        }
        None => !mantissa.is_empty() && digits(mantissa),
    };
    let exponent_ok = exponent.is_none_or(|part| {
        let body = part.strip_prefix(['+', '-']).unwrap_or(part);
        !body.is_empty() && digits(body)
    });
    mantissa_ok && exponent_ok
}

fn is_infinite(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    matches!(
        unsigned,
        ".inf" | ".Inf" | ".INF" | ".nan" | ".NaN" | ".NAN"
    )
}

/// Dates are strings in Kubernetes and must stay strings.
fn is_timestamp(text: &str) -> bool {
    let digits = |part: &str, width: std::ops::RangeInclusive<usize>| {
        width.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let (date, time) = match text.find(['T', 't', ' ']) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let parts: Vec<&str> = date.split('-').collect();
    let [year, month, day] = parts[..] else {
        return false;
    };
    if !(digits(year, 4..=4) && digits(month, 1..=2) && digits(day, 1..=2)) {
        return false;
    }
    let Some(time) = time else {
        return true;
    };
    let clock = time
        .split(['Z', '+', '-', ' ', '.'])
        .next()
        .unwrap_or_default();
    clock.split(':').count() == 3 && clock.split(':').all(|part| digits(part, 1..=2))
}

/// `1:30`, which YAML 1.1 counts in sixties.
fn is_base_sixty(text: &str) -> bool {
    let body = text.strip_prefix(['+', '-']).unwrap_or(text);
    let mut parts = body.split(':');
    let first_ok = parts.next().is_some_and(|part| {
        part.starts_with(|c: char| c.is_ascii_digit())
            && part.bytes().all(|b| b.is_ascii_digit() || b == b'_')
    });
    let rest: Vec<&str> = parts.collect();
    let Some((last, middle)) = rest.split_last() else {
        return false;
    };
    let sixty = |part: &str| matches!(part.as_bytes(), [b'0'..=b'9'] | [b'0'..=b'5', b'0'..=b'9']);
    let (whole, fraction) = last.split_once('.').unwrap_or((last, ""));
    first_ok
        && middle.iter().all(|part| sixty(part))
        && sixty(whole)
        && fraction.bytes().all(|b| b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn plain_scalars_mean_what_kubectl_takes_them_for() {
        for (text, value) in [
            ("0644", json!(420)),
            ("0x10", json!(16)),
            ("yes", json!(true)),
            ("off", json!(false)),
            ("1_000", json!(1000)),
            ("-5", json!(-5)),
            ("1.22", json!(1.22)),
            ("1.22.1", json!("1.22.1")),
            ("nginx:1.22", json!("nginx:1.22")),
            ("08", json!(8.0)),
            ("", json!(null)),
        ] {
            assert_eq!(plain(text), value, "{text}");
        }
    }
}
