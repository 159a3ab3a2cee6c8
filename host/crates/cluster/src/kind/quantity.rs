//! Amounts of processor and memory: `100m`, `64Mi`, `1.5`. Never rounds silently below a thousandth.

use serde_json::Value;

/// The units that are powers, largest steps of the downward API.
pub const UNITS: [&str; 13] = [
    "1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei",
];

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
        "Ki" => (1 << 10, 1),
        "Mi" => (1 << 20, 1),
        "Gi" => (1 << 30, 1),
        "Ti" => (1 << 40, 1),
        "Pi" => (1 << 50, 1),
        _ => {
            let power: u32 = suffix.strip_prefix(['e', 'E'])?.parse().ok()?;
            (10_i128.checked_pow(power)?, 1)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::thousandths;

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
