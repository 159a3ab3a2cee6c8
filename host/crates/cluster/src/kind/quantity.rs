//! Amounts of processor and memory: `100m`, `64Mi`, `1.5`. Never rounds silently below a thousandth.

use serde_json::Value;

/// The units that are powers, largest steps of the downward API.
pub const UNITS: [&str; 13] = [
    "1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei",
];

/// Which family of units an amount is written in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    Decimal,
    Binary,
    Exponent,
}

const DECIMAL: [&str; 10] = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
const BINARY: [&str; 6] = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const BILLION: i128 = 1_000_000_000;
const BAD_FORMAT: &str =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const BAD_SUFFIX: &str = "unable to parse quantity's suffix";
const BAD_NUMBER: &str = "unable to parse numeric part of quantity";

/// An amount as the API server prints it again: the largest unit that leaves no fraction.
///
/// # Errors
/// What the API server says about a text that is no amount.
pub fn canonical(text: &str) -> Result<String, &'static str> {
    let (negative, rest) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    let end = rest
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(rest.len());
    let (number, suffix) = rest.split_at(end);
    if text.is_empty() || !is_suffix(suffix) || number.matches('.').count() > 1 {
        return Err(BAD_FORMAT);
    }
    let (times, over, format) = unit(suffix).ok_or(BAD_SUFFIX)?;
    if number.is_empty() || number == "." {
        return Err(BAD_NUMBER);
    }
    let billionths = billionths(number, times, over);
    let printed = print(billionths, format);
    Ok(match negative && billionths != 0 {
        true => format!("-{printed}"),
        false => printed,
    })
}

/// Letters of units, then perhaps an exponent.
fn is_suffix(suffix: &str) -> bool {
    let rest = suffix.trim_start_matches(|c| "eEinumkKMGTP".contains(c));
    let digits = rest.strip_prefix(['+', '-']).unwrap_or(rest);
    digits.bytes().all(|b| b.is_ascii_digit())
}

/// What a suffix multiplies by and divides by.
fn unit(suffix: &str) -> Option<(i128, i128, Format)> {
    if let Some(at) = BINARY.iter().position(|unit| *unit == suffix) {
        return Some((1 << (10 * (at + 1)), 1, Format::Binary));
    }
    let (power, format) = match DECIMAL.iter().position(|unit| *unit == suffix) {
        Some(at) => (i32::try_from(at).ok()? * 3 - 9, Format::Decimal),
        None => (
            suffix.strip_prefix(['e', 'E'])?.parse().ok()?,
            Format::Exponent,
        ),
    };
    let size = 10_i128.checked_pow(power.unsigned_abs())?;
    Some(match power < 0 {
        true => (1, size, format),
        false => (size, 1, format),
    })
}

/// Rounded up to a billionth, and no more than what 63 bits hold.
fn billionths(number: &str, times: i128, over: i128) -> i128 {
    const MOST: i128 = i64::MAX as i128 * BILLION;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let fraction = &fraction[..fraction.len().min(18)];
    let digits = format!("0{whole}{fraction}");
    let scale = 10_i128.pow(u32::try_from(fraction.len()).unwrap_or(18));
    let exact = digits
        .parse::<i128>()
        .ok()
        .and_then(|digits| digits.checked_mul(times)?.checked_mul(BILLION));
    let Some(exact) = exact else { return MOST };
    let Some(over) = over.checked_mul(scale) else {
        return i128::from(exact > 0);
    };
    (exact / over + i128::from(exact % over != 0)).min(MOST)
}

fn print(billionths: i128, format: Format) -> String {
    let whole = billionths / BILLION + i128::from(billionths % BILLION != 0);
    if format == Format::Binary && whole >= 1_024 {
        let (mut value, mut unit) = (whole, "");
        for larger in BINARY {
            if value % 1_024 != 0 {
                break;
            }
            (value, unit) = (value / 1_024, larger);
        }
        return format!("{value}{unit}");
    }
    if billionths == 0 {
        return "0".to_owned();
    }
    let (mut value, mut at) = (billionths, 0);
    while value % 1_000 == 0 && at + 1 < DECIMAL.len() {
        (value, at) = (value / 1_000, at + 1);
    }
    match (format, at) {
        (Format::Exponent, 3) => value.to_string(),
        (Format::Exponent, _) => {
            let power = i64::try_from(at).unwrap_or(0) * 3 - 9;
            format!("{value}e{power}")
        }
        _ => format!("{value}{}", DECIMAL[at]),
    }
}

/// An amount may be written as a text or as a number.
#[must_use]
pub fn text_of(amount: &Value) -> String {
    amount
        .as_str()
        .map_or_else(|| amount.to_string(), str::to_owned)
}

/// An amount in thousandths, so that `100m` and `1` compare; `None` when it is no amount.
#[must_use]
pub fn thousandths(text: &str) -> Option<i128> {
    let digits = text.trim_start_matches(['+', '-']);
    let end = digits
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(digits.len());
    let (number, suffix) = digits.split_at(end);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') {
        return None;
    }
    let (times, over) = factor(suffix)?;
    // Fractions are kept to nine digits, as Kubernetes does.
    let fraction: String = fraction
        .chars()
        .chain("000000000".chars())
        .take(9)
        .collect();
    let whole = if whole.is_empty() { "0" } else { whole };
    let billionths =
        whole.parse::<i128>().ok()?.checked_mul(1_000_000_000)? + fraction.parse::<i128>().ok()?;
    let (amount, unit) = (billionths.checked_mul(times)?, over * 1_000_000);
    let value = amount / unit + i128::from(amount % unit != 0);
    Some(if text.starts_with('-') { -value } else { value })
}

/// What a suffix multiplies by, and divides by.
fn factor(suffix: &str) -> Option<(i128, i128)> {
    Some(match suffix {
        "" => (1, 1),
        "n" => (1, 1_000_000_000),
        "u" => (1, 1_000_000),
        "m" => (1, 1_000),
        "k" => (1_000, 1),
        "M" => (1_000_000, 1),
        "G" => (1_000_000_000, 1),
        "T" => (1_000_000_000_000, 1),
        "P" => (1_000_000_000_000_000, 1),
        "E" => (1_000_000_000_000_000_000, 1),
        "Ki" => (1 << 10, 1),
        "Mi" => (1 << 20, 1),
        "Gi" => (1 << 30, 1),
        "Ti" => (1 << 40, 1),
        "Pi" => (1 << 50, 1),
        "Ei" => (1 << 60, 1),
        _ => {
            let power: u32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            (10_i128.checked_pow(power)?, 1)
        }
    })
}

/// The sum of amounts, in the form of the first: `64Mi` and `1Gi` are `1088Mi`. What is no amount
/// counts as nothing.
#[must_use]
pub fn sum(amounts: &[&str]) -> String {
    let each = amounts.iter().filter_map(|amount| thousandths(amount));
    let total = each.fold(0, i128::saturating_add);
    let binary = amounts.first().is_some_and(|first| first.ends_with('i'));
    if binary && total % 1000 == 0 {
        let mut left = total / 1000;
        let mut unit = "";
        for next in ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"] {
            if left == 0 || left % 1024 != 0 {
                break;
            }
            left /= 1024;
            unit = next;
        }
        return format!("{left}{unit}");
    }
    let text = format!("{total}m");
    canonical(&text).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::{canonical, sum, thousandths};

    #[test]
    fn amounts_are_printed_in_the_largest_unit_that_leaves_no_fraction() {
        for (given, printed) in [
            ("1000m", "1"),
            ("0.5", "500m"),
            ("1.5", "1500m"),
            ("100m", "100m"),
            ("1000", "1k"),
            ("1024", "1024"),
            ("1024Mi", "1Gi"),
            ("1.5Gi", "1536Mi"),
            ("1000Mi", "1000Mi"),
            ("512Ki", "512Ki"),
            ("0.5Ki", "512"),
            ("0.1Gi", "107374183"),
            ("64Mi", "64Mi"),
            ("0", "0"),
            ("0Mi", "0"),
            ("1e3", "1e3"),
            ("1E3", "1e3"),
            ("2000e0", "2e3"),
            ("12e-3", "12e-3"),
            ("0.0000000001", "1n"),
            ("-1500m", "-1500m"),
            ("+5", "5"),
            ("1E", "1E"),
        ] {
            assert_eq!(canonical(given).as_deref(), Ok(printed), "{given}");
        }
    }

    #[test]
    fn sums_keep_the_form_of_the_first_amount() {
        for (given, printed) in [
            (&["64Mi", "1Gi"][..], "1088Mi"),
            (&["100m", "200m"], "300m"),
            (&["500m", "500m"], "1"),
            (&["1", "0.5"], "1500m"),
            (&["0Mi"], "0"),
            (&["nonsense", "2"], "2"),
        ] {
            assert_eq!(sum(given), printed, "{given:?}");
        }
    }

    #[test]
    fn what_is_no_amount_is_told_as_the_api_server_tells_it() {
        let format = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
        let suffix = "unable to parse quantity's suffix";
        for (given, why) in [
            ("lots", format),
            ("1GB", format),
            ("", format),
            ("1K", suffix),
            ("1mm", suffix),
            ("5e", suffix),
        ] {
            assert_eq!(canonical(given), Err(why), "{given}");
        }
    }

    #[test]
    fn amounts_with_different_suffixes_compare() {
        assert_eq!(thousandths("100m"), Some(100));
        assert_eq!(thousandths("0.1"), Some(100));
        assert_eq!(thousandths("1"), Some(1_000));
        assert_eq!(thousandths("1k"), Some(1_000_000));
        assert_eq!(thousandths("64Mi"), Some(64 * 1024 * 1024 * 1_000));
        assert_eq!(thousandths("1e3"), Some(1_000_000));
        assert_eq!(thousandths("-1"), Some(-1_000));
        assert_eq!(thousandths("lots"), None);
        assert_eq!(thousandths(""), None);
    }
}
