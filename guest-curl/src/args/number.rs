//! Numbers on the command line, as strictly as curl reads them.

use std::time::Duration;

use super::Problem;

/// Seconds with a fraction, in milliseconds' precision; zero is no limit.
pub(crate) fn seconds(text: &str) -> Result<Option<Duration>, Problem> {
    let number: f64 = text
        .trim_start()
        .parse()
        .ok()
        .filter(|number: &f64| number.is_finite())
        .ok_or(Problem::Number)?;
    if number < 0.0 {
        return Err(Problem::Negative);
    }
    let time = Duration::try_from_secs_f64(number).map_err(|_| Problem::Number)?;
    let millis = u64::try_from(time.as_millis()).map_err(|_| Problem::Number)?;
    Ok((millis > 0).then(|| Duration::from_millis(millis)))
}

/// A number that is not negative.
pub(crate) fn count(text: &str) -> Result<u64, Problem> {
    let number = signed(text)?;
    u64::try_from(number).map_err(|_| Problem::Negative)
}

/// A whole number.
pub(crate) fn signed(text: &str) -> Result<i64, Problem> {
    text.trim_start().parse().map_err(|_| Problem::Number)
}

/// Bytes with a unit; the error of a wrong unit is said by the caller.
pub(crate) enum Size {
    Bytes(u64),
    BadUnit,
    BadNumber,
    TooLarge,
}

/// `10`, `10k`, `3M`, `1G`, `5B`.
pub(crate) fn size(text: &str) -> Size {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let Ok(number) = text[..end].parse::<u64>() else {
        return Size::BadNumber;
    };
    if text[end..].len() > 1 {
        return Size::BadUnit;
    }
    let factor: u64 = match text[end..].chars().next() {
        None | Some('b' | 'B') => 1,
        Some('k' | 'K') => 1 << 10,
        Some('m' | 'M') => 1 << 20,
        Some('g' | 'G') => 1 << 30,
        Some(_) => return Size::BadUnit,
    };
    match number.checked_mul(factor) {
        Some(bytes) if i64::try_from(bytes).is_ok() => Size::Bytes(bytes),
        _ => Size::TooLarge,
    }
}
