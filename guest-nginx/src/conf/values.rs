//! The words of single directives: flags, numbers, sizes, times.
//! What they are refused for is said as nginx says it; where they hold is `build`'s business.

use super::rules::Check;
use super::tree::{ConfError, Directive};

pub(super) type Result<T> = std::result::Result<T, ConfError>;

pub(super) fn refuse<T>(directive: &Directive, message: impl std::fmt::Display) -> Result<T> {
    Err(ConfError::at(&directive.place, message))
}

/// Judges the value of a directive that has no effect.
pub(super) fn check(directive: &Directive, check: Check) -> Result<()> {
    let word = directive.args.first().map_or("", String::as_str);
    match check {
        Check::Flag => flag(directive).map(drop),
        Check::Number => number(directive, word).map(drop),
        Check::Size => size(directive, word).map(drop),
        Check::Time => milliseconds(directive, word).map(drop),
        Check::Buffers => buffers(directive).map(drop),
        Check::OneOf(words) => one_of(directive, word, words).map(drop),
        Check::Any => Ok(()),
    }
}

pub(super) fn flag(directive: &Directive) -> Result<bool> {
    match directive.args[0].to_ascii_lowercase().as_str() {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => refuse(
            directive,
            format_args!(
                "invalid value \"{}\" in \"{}\" directive, it must be \"on\" or \"off\"",
                directive.args[0], directive.name
            ),
        ),
    }
}

pub(super) fn one_of(directive: &Directive, word: &str, words: &[&str]) -> Result<usize> {
    let found = words.iter().position(|other| *other == word);
    found.map_or_else(
        || refuse(directive, format_args!("invalid value \"{word}\"")),
        Ok,
    )
}

/// nginx's words for a value that its parser of such values does not take.
pub(super) fn invalid<T>(directive: &Directive) -> Result<T> {
    refuse(
        directive,
        format_args!("\"{}\" directive invalid value", directive.name),
    )
}

pub(super) fn number(directive: &Directive, word: &str) -> Result<u64> {
    digits(word).map_or_else(
        || {
            refuse(
                directive,
                format_args!("\"{}\" directive invalid number", directive.name),
            )
        },
        Ok,
    )
}

/// A number of digits only, no larger than nginx's integers.
pub(super) fn digits(word: &str) -> Option<u64> {
    let plain = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let number = plain.then(|| word.parse::<u64>().ok())??;
    i64::try_from(number).is_ok().then_some(number)
}

pub(super) fn parse_size(word: &str) -> Option<u64> {
    let (count, shift) = match word.as_bytes().last()?.to_ascii_lowercase() {
        b'k' => (&word[..word.len() - 1], 10),
        b'm' => (&word[..word.len() - 1], 20),
        b'g' => (&word[..word.len() - 1], 30),
        _ => (word, 0),
    };
    let size = digits(count)?.checked_mul(1 << shift)?;
    i64::try_from(size).is_ok().then_some(size)
}

pub(super) fn size(directive: &Directive, word: &str) -> Result<u64> {
    parse_size(word).map_or_else(|| invalid(directive), Ok)
}

/// A count and a size.
pub(super) fn buffers(directive: &Directive) -> Result<(u64, u64)> {
    let count = digits(&directive.args[0]).filter(|count| *count > 0);
    let size = parse_size(&directive.args[1]).filter(|size| *size > 0);
    match (count, size) {
        (Some(count), Some(size)) => Ok((count, size)),
        _ => invalid(directive),
    }
}

/// Milliseconds of a text such as `1h 30m`, written without the blank, or `500ms`; a bare number counts seconds.
pub(super) fn parse_time(word: &str) -> Option<u64> {
    const UNITS: [(&str, u64); 7] = [
        ("ms", 1),
        ("y", 31_536_000_000),
        ("M", 2_592_000_000),
        ("w", 604_800_000),
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
    ];
    let (mut total, mut rest, mut last) = (0_u64, word, u64::MAX);
    if word.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        let count = digits(&rest[..end])?;
        let unit = &rest[end..];
        let found = UNITS.iter().find(|(name, _)| unit.starts_with(name));
        let (factor, used) = match found {
            Some((name, factor)) => (*factor, name.len()),
            None if unit.is_empty() => (1000, 0),
            None if unit.starts_with('s') => (1000, 1),
            None => return None,
        };
        // Units go from large to small, each once.
        if factor >= last {
            return None;
        }
        last = factor;
        total = count.checked_mul(factor)?.checked_add(total)?;
        rest = unit[used..].trim_start_matches(' ');
    }
    i64::try_from(total).is_ok().then_some(total)
}

pub(super) fn milliseconds(directive: &Directive, word: &str) -> Result<u64> {
    parse_time(word).map_or_else(|| invalid(directive), Ok)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_sums_of_units() {
        let cases = [
            ("65", Some(65_000)),
            ("1h30m", Some(5_400_000)),
            ("500ms", Some(500)),
            ("1m30", Some(90_000)),
            ("1M", Some(2_592_000_000)),
            ("30m1h", None),
            ("x", None),
            ("", None),
            ("1x", None),
        ];
        for (text, expect) in cases {
            assert_eq!(parse_time(text), expect, "{text}");
        }
    }

    #[test]
    fn sizes_have_one_unit() {
        assert_eq!(parse_size("8k"), Some(8192));
        assert_eq!(parse_size("1M"), Some(1 << 20));
        assert_eq!(parse_size("0"), Some(0));
        for text in ["", "k", "1kk", "-1", "99999999999g"] {
            assert_eq!(parse_size(text), None, "{text}");
        }
    }
}
