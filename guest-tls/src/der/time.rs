//! The times of certificates: UTCTime and GeneralizedTime, to and from seconds since 1970.
//!
//! Never asks what time it is.

use super::tag;

/// A moment on the calendar, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// 1950 …
    pub year: i64,
    /// 1–12.
    pub month: i64,
    /// 1–31.
    pub day: i64,
    /// 0–23.
    pub hour: i64,
    /// 0–59.
    pub minute: i64,
    /// 0–59.
    pub second: i64,
}

impl Civil {
    /// `Nov 21 09:52:21 2026 GMT`, the way OpenSSL prints times.
    #[must_use]
    pub fn to_openssl(&self) -> String {
        const MONTHS: [&str; 12] = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ];
        let month = usize::try_from(self.month - 1)
            .ok()
            .and_then(|month| MONTHS.get(month))
            .unwrap_or(&"Bad");
        format!(
            "{month} {:2} {:02}:{:02}:{:02} {} GMT",
            self.day, self.hour, self.minute, self.second, self.year
        )
    }
}

/// Seconds since 1970 of a moment, by Hinnant's formula for days.
#[must_use]
pub fn unix(civil: Civil) -> i64 {
    let year = civil.year - i64::from(civil.month <= 2);
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((civil.month + 9) % 12) + 2) / 5 + civil.day - 1;
    let day = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    let days = era * 146_097 + day - 719_468;
    days * 86_400 + civil.hour * 3600 + civil.minute * 60 + civil.second
}

/// The moment of these seconds since 1970.
#[must_use]
pub fn civil(unix: i64) -> Civil {
    let (days, seconds) = (unix.div_euclid(86_400), unix.rem_euclid(86_400));
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let of_era = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * of_era + of_era / 4 - of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let civil_month = if month < 10 { month + 3 } else { month - 9 };
    Civil {
        year: of_era + era * 400 + i64::from(civil_month <= 2),
        month: civil_month,
        day: of_year - (153 * month + 2) / 5 + 1,
        hour: seconds / 3600,
        minute: seconds / 60 % 60,
        second: seconds % 60,
    }
}

/// Reads the contents of a UTCTime or a GeneralizedTime that ends with `Z`.
#[must_use]
pub fn parse_time(kind: u8, body: &[u8]) -> Option<i64> {
    let digits = body.strip_suffix(b"Z")?;
    let number = |from: usize, to: usize| -> Option<i64> {
        let text = digits.get(from..to)?;
        text.iter().all(u8::is_ascii_digit).then(|| {
            text.iter()
                .fold(0, |value, digit| value * 10 + i64::from(digit - b'0'))
        })
    };
    let (year, at) = match (kind, digits.len()) {
        (tag::UTC_TIME, 12) => {
            let year = number(0, 2)?;
            (if year < 50 { 2000 + year } else { 1900 + year }, 2)
        }
        (tag::GENERALIZED_TIME, 14) => (number(0, 4)?, 4),
        _ => return None,
    };
    let field = |place: usize| number(at + 2 * place, at + 2 * place + 2);
    let civil = Civil {
        year,
        month: field(0)?,
        day: field(1)?,
        hour: field(2)?,
        minute: field(3)?,
        second: field(4)?,
    };
    let fits = (1..=12).contains(&civil.month)
        && (1..=31).contains(&civil.day)
        && civil.hour < 24
        && civil.minute < 60
        && civil.second < 60;
    fits.then(|| unix(civil))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_go_both_ways_over_leap_years() {
        // Eighty years in steps of a day and a bit.
        for step in 0..29_000 {
            let moment = -600_000_000 + step * 86_411;
            assert_eq!(unix(civil(moment)), moment);
        }
        assert_eq!(civil(0).to_openssl(), "Jan  1 00:00:00 1970 GMT");
    }

    #[test]
    fn two_digit_years_turn_in_1950() {
        assert_eq!(parse_time(tag::UTC_TIME, b"700101000000Z"), Some(0));
        assert_eq!(
            parse_time(tag::UTC_TIME, b"490101000000Z"),
            parse_time(tag::GENERALIZED_TIME, b"20490101000000Z")
        );
        assert_eq!(parse_time(tag::UTC_TIME, b"701301000000Z"), None);
    }
}
