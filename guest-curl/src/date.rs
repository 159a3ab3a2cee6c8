//! Dates as HTTP and cookies write them, to seconds since 1970 and back. It reads no clock.

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
/// Names of zones and how many minutes they are behind.
const ZONES: &[(&str, i64)] = &[
    ("gmt", 0),
    ("utc", 0),
    ("wet", 0),
    ("z", 0),
    ("bst", -60),
    ("cet", -60),
    ("mez", -60),
    ("met", -60),
    ("cest", -120),
    ("mest", -120),
    ("eet", -120),
    ("est", 300),
    ("edt", 240),
    ("cst", 360),
    ("cdt", 300),
    ("mst", 420),
    ("mdt", 360),
    ("pst", 480),
    ("pdt", 420),
];

/// Days since 1970 of a day of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March, so that the leap day is their last.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let number = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(number <= 2), number, day)
}

/// `Tue, 13 Jan 2026 10:11:12 GMT`
pub(crate) fn http(unix: i64) -> String {
    let (day, second) = (unix.div_euclid(86_400), unix.rem_euclid(86_400));
    let (year, month, date) = civil(day);
    let at = |list: &[&str], index: i64| list[usize::try_from(index).unwrap_or(0)].to_owned();
    let mut name = at(&MONTHS, month - 1);
    name[..1].make_ascii_uppercase();
    format!(
        "{}, {date:02} {name} {year:04} {:02}:{:02}:{:02} GMT",
        at(&DAYS, (day + 3).rem_euclid(7)),
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

/// `Jan 13 10:11:12 2026 GMT`, as certificates show their dates.
pub(crate) fn certificate(unix: i64) -> String {
    let text = http(unix);
    // Tue, 13 Jan 2026 10:11:12 GMT
    let day = text[5..7].replacen('0', " ", usize::from(text.as_bytes()[5] == b'0'));
    format!(
        "{} {day} {} {} GMT",
        &text[8..11],
        &text[17..25],
        &text[12..16]
    )
}

#[derive(Default)]
struct Found {
    day: Option<i64>,
    month: Option<i64>,
    year: Option<i64>,
    time: Option<i64>,
    zone: Option<i64>,
    weekday: bool,
}

/// The dates that HTTP, cookies and people write, the words in any order. `None` for what is no date.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let mut found = Found::default();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        let rest = &text[at..];
        if byte.is_ascii_alphabetic() {
            let end = rest
                .find(|c: char| !c.is_ascii_alphabetic())
                .unwrap_or(rest.len());
            found.word(&rest[..end].to_ascii_lowercase())?;
            at += end;
        } else if byte.is_ascii_digit() {
            at += found.number(rest, at.checked_sub(1).map(|before| bytes[before]))?;
        } else if byte.is_ascii() {
            at += 1;
        } else {
            return None;
        }
    }
    let (day, month, year) = (found.day?, found.month?, found.year?);
    let time = found.time.unwrap_or(0);
    Some(days(year, month, day) * 86_400 + time + found.zone.unwrap_or(0) * 60)
}

impl Found {
    fn word(&mut self, word: &str) -> Option<()> {
        let short = |names: &[&str]| {
            names
                .iter()
                .position(|name| word.len() >= 3 && word.starts_with(&name.to_ascii_lowercase()))
        };
        if let (None, Some(at)) = (self.month, short(&MONTHS)) {
            self.month = Some(i64::try_from(at).ok()? + 1);
            return Some(());
        }
        if let (false, Some(_)) = (self.weekday, short(&DAYS)) {
            self.weekday = true;
            return Some(());
        }
        let zone = ZONES.iter().find(|(name, _)| *name == word);
        match (self.zone, zone) {
            (None, Some((_, minutes))) => self.zone = Some(*minutes),
            // Between a date and a time there may be a T.
            _ if word == "t" => {}
            _ => return None,
        }
        Some(())
    }

    /// A number, a time, or a date of eight digits; how much of the text it took.
    fn number(&mut self, rest: &str, before: Option<u8>) -> Option<usize> {
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && c != ':')
            .unwrap_or(rest.len());
        let word = &rest[..end];
        if word.contains(':') && self.time.is_none() {
            let parts: Vec<i64> = word
                .split(':')
                .filter_map(|part| part.parse().ok())
                .collect();
            let (hour, minute) = (*parts.first()?, *parts.get(1)?);
            let second = parts.get(2).copied().unwrap_or(0);
            if hour > 23 || minute > 59 || second > 60 {
                return None;
            }
            self.time = Some(hour * 3600 + minute * 60 + second);
            return Some(end);
        }
        let digits = word.split(':').next().unwrap_or_default();
        let number: i64 = digits.parse().ok()?;
        if self.zone.is_none_or(|zone| zone == 0)
            && matches!(before, Some(b'+' | b'-'))
            && digits.len() == 4
            && self.time.is_some()
        {
            let minutes = number / 100 * 60 + number % 100;
            self.zone = Some(if before == Some(b'+') {
                -minutes
            } else {
                minutes
            });
        } else if digits.len() == 8 && self.year.is_none() {
            self.year = Some(number / 10_000);
            self.month = Some(number / 100 % 100).filter(|month| (1..=12).contains(month));
            self.day = Some(number % 100);
        } else if self.day.is_none() && (1..=31).contains(&number) && digits.len() <= 2 {
            // 2026-01-13 has its month before its day.
            if self.year.is_some() && self.month.is_none() && before == Some(b'-') {
                self.month = Some(number).filter(|month| *month <= 12);
            } else {
                self.day = Some(number);
            }
        } else if self.year.is_none() {
            self.year = Some(match number {
                0..=70 if digits.len() <= 2 => number + 2000,
                71..=99 => number + 1900,
                1583.. => number,
                _ => return None,
            });
        } else {
            return None;
        }
        Some(digits.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_dates_of_http_and_what_people_write_are_understood() {
        for text in [
            "Tue, 13 Jan 2026 10:11:12 GMT",
            "Tuesday, 13-Jan-26 10:11:12 GMT",
            "Tue Jan 13 10:11:12 2026",
            "13 Jan 2026 11:11:12 +0100",
            "20260113 10:11:12",
            "2026-01-13T10:11:12Z",
        ] {
            assert_eq!(parse(text), Some(1_768_299_072), "{text}");
        }
        assert_eq!(parse("1 jan 2025"), Some(1_735_689_600));
        assert_eq!(parse("nonsense"), None);
        assert_eq!(parse("5"), None);
    }

    #[test]
    fn dates_are_written_as_read() {
        assert_eq!(http(1_768_299_072), "Tue, 13 Jan 2026 10:11:12 GMT");
        assert_eq!(http(951_782_400), "Tue, 29 Feb 2000 00:00:00 GMT");
        assert_eq!(certificate(1_767_225_600), "Jan  1 00:00:00 2026 GMT");
    }
}
