//! `date`, and calendar time for whoever prints one. The zone is UTC and nothing else.

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Applet, Io, Outcome, flag, value};

pub(super) const APPLETS: &[Applet] = &[Applet {
    name: "date",
    operands: "[+FMT]",
    help: "Display time (using +FMT)",
    flags: &[
        flag('u', "utc", "Work in UTC, which is the only zone"),
        flag('R', "rfc-2822", "Output RFC-2822 date"),
        value(
            'I',
            "iso-8601",
            "[SPEC]",
            "Output ISO-8601 date\n\t\tSPEC=date (default), hours, minutes, seconds or ns",
        ),
        value('d', "date", "TIME", "Display TIME, not 'now'"),
        value(
            'r',
            "reference",
            "FILE",
            "Display last modification time of FILE",
        ),
        value('s', "set", "TIME", "Set time to TIME: not permitted"),
    ],
    run: date,
}];

/// A moment as a calendar shows it, in UTC.
pub(super) struct Moment {
    seconds: i64,
    year: i64,
    month: usize,
    day: i64,
    weekday: usize,
    yearday: i64,
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

impl Moment {
    pub(super) fn of(time: SystemTime) -> Self {
        let seconds = time
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        Self::at(i64::try_from(seconds).unwrap_or(0))
    }

    pub(super) fn at(seconds: i64) -> Self {
        let days = seconds.div_euclid(86_400);
        let weekday = usize::try_from((days + 4).rem_euclid(7)).unwrap_or(0);
        // Guess the year, then correct the guess: far years must not take long.
        let mut year = 1970 + days.div_euclid(366);
        while self::days(year + 1, 1, 1) <= days {
            year += (days - self::days(year + 1, 1, 1)).div_euclid(366).max(0) + 1;
        }
        let mut left = days - self::days(year, 1, 1);
        let yearday = left;
        let mut month = 0;
        for (index, length) in [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
            .into_iter()
            .enumerate()
        {
            let length = length + i64::from(index == 1 && leap(year));
            month = index;
            if left < length {
                break;
            }
            left -= length;
        }
        Self {
            seconds,
            year,
            month,
            day: left + 1,
            weekday,
            yearday: yearday + 1,
        }
    }

    /// The year and the number of the week by ISO 8601.
    fn week(&self) -> (i64, i64) {
        let weekday = (self.weekday as i64 + 6) % 7;
        // The week belongs to the year that its Thursday is in.
        let thursday = Self::at(self.seconds + (3 - weekday) * 86_400);
        (thursday.year, (thursday.yearday - 1) / 7 + 1)
    }

    pub(super) fn format(&self, format: &str) -> String {
        let clock = self.seconds.rem_euclid(86_400);
        let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60);
        let mut out = String::new();
        let mut chars = format.chars();
        while let Some(c) = chars.next() {
            if c != '%' {
                out.push(c);
                continue;
            }
            let part = match chars.next() {
                Some('Y') => self.year.to_string(),
                Some('y') => format!("{:02}", self.year % 100),
                Some('m') => format!("{:02}", self.month + 1),
                Some('d') => format!("{:02}", self.day),
                Some('e') => format!("{:2}", self.day),
                Some('H') => format!("{hour:02}"),
                Some('I') => format!("{:02}", (hour + 11) % 12 + 1),
                Some('M') => format!("{minute:02}"),
                Some('S') => format!("{second:02}"),
                Some('N') => "000000000".into(),
                Some('p') => if hour < 12 { "AM" } else { "PM" }.into(),
                Some('s') => self.seconds.to_string(),
                Some('j') => format!("{:03}", self.yearday),
                Some('a') => DAYS[self.weekday][..3].into(),
                Some('A') => DAYS[self.weekday].into(),
                Some('b' | 'h') => MONTHS[self.month][..3].into(),
                Some('B') => MONTHS[self.month].into(),
                Some('u') => (if self.weekday == 0 { 7 } else { self.weekday }).to_string(),
                Some('w') => self.weekday.to_string(),
                Some('Z') => "UTC".into(),
                Some('z') => "+0000".into(),
                Some('F') => self.format("%Y-%m-%d"),
                Some('T') => self.format("%H:%M:%S"),
                Some('R') => self.format("%H:%M"),
                Some('D') => self.format("%m/%d/%y"),
                Some('c') => self.format("%a %b %e %H:%M:%S %Y"),
                Some('C') => format!("{:02}", self.year / 100),
                Some('k') => format!("{hour:2}"),
                Some('l') => format!("{:2}", (hour + 11) % 12 + 1),
                Some('P') => if hour < 12 { "am" } else { "pm" }.into(),
                Some('r') => self.format("%I:%M:%S %p"),
                Some('x') => self.format("%m/%d/%y"),
                Some('X') => self.format("%H:%M:%S"),
                Some('G') => self.week().0.to_string(),
                Some('g') => format!("{:02}", self.week().0 % 100),
                Some('V') => format!("{:02}", self.week().1),
                Some('U') => format!("{:02}", (self.yearday + 6 - self.weekday as i64) / 7),
                Some('W') => {
                    format!(
                        "{:02}",
                        (self.yearday + 6 - (self.weekday as i64 + 6) % 7) / 7
                    )
                }
                Some('n') => "\n".into(),
                Some('t') => "\t".into(),
                Some('%') => "%".into(),
                Some(other) => format!("%{other}"),
                None => "%".into(),
            };
            out.push_str(&part);
        }
        out
    }
}

/// Days from 1970 to a date; months and days may be out of their ranges.
pub(super) fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years that begin in March have their odd day at the end.
    let months = year.saturating_mul(12).saturating_add(month - 1);
    let (year, month) = (months.div_euclid(12), months.rem_euclid(12));
    let (year, month) = if month < 2 {
        (year - 1, month + 10)
    } else {
        (year, month - 2)
    };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Seconds since 1970 of a date in one of busybox' notations.
pub(super) fn read(text: &str) -> Option<i64> {
    if let Some(seconds) = text.strip_prefix('@') {
        return seconds.parse().ok();
    }
    let now = Moment::of(SystemTime::now());
    let mut date = (now.year, i64::try_from(now.month).ok()? + 1, now.day);
    let numbers = |text: &str, by: char| -> Option<Vec<i64>> {
        text.split(by)
            .map(|part| {
                part.parse()
                    .ok()
                    .filter(|_| part.bytes().all(|b| b.is_ascii_digit()))
            })
            .collect()
    };
    let mut clock = None;
    if let Some((day, rest)) = text.split_once([' ', 'T']).or_else(|| {
        // `YYYY.MM.DD-hh:mm` and `MM.DD-hh:mm`.
        text.split_once('-').filter(|(day, _)| day.contains('.'))
    }) {
        match numbers(day, if day.contains('.') { '.' } else { '-' })?.as_slice() {
            [year, month, day] => date = (*year, *month, *day),
            [month, day] => (date.1, date.2) = (*month, *day),
            _ => return None,
        }
        clock = Some(rest.trim_end_matches('Z'));
    } else if text.contains(':') {
        clock = Some(text);
    } else if text.matches('-').count() == 2 {
        let [year, month, day] = numbers(text, '-')?.try_into().ok()?;
        date = (year, month, day);
        clock = Some("00:00:00");
    }
    let (hour, minute, second) = match clock {
        Some(clock) => match numbers(clock.split('.').next()?, ':')?.as_slice() {
            [hour, minute] => (*hour, *minute, 0),
            [hour, minute, second] => (*hour, *minute, *second),
            _ => return None,
        },
        None => {
            // `[[[[[YY]YY]MM]DD]hh]mm[.ss]`
            let (digits, second) = text.split_once('.').unwrap_or((text, "0"));
            if !digits.is_ascii() || digits.len() < 2 || !digits.len().is_multiple_of(2) {
                return None;
            }
            let mut pairs: Vec<i64> = Vec::new();
            for at in (0..digits.len()).step_by(2) {
                pairs.push(digits[at..at + 2].parse().ok()?);
            }
            let minute = pairs.pop()?;
            let hour = pairs.pop().unwrap_or(now.seconds.rem_euclid(86_400) / 3600);
            if let Some(day) = pairs.pop() {
                date.2 = day;
            }
            if let Some(month) = pairs.pop() {
                date.1 = month;
            }
            match pairs.as_slice() {
                [century, year] => date.0 = century * 100 + year,
                [year] => date.0 = if *year < 69 { 2000 + year } else { 1900 + year },
                [] => {}
                _ => return None,
            }
            (hour, minute, second.parse().ok()?)
        }
    };
    let fits = (1..=12).contains(&date.1)
        && (1..=31).contains(&date.2)
        && (0..=9999).contains(&date.0)
        && hour < 24
        && minute < 60
        && second < 61;
    fits.then(|| days(date.0, date.1, date.2) * 86_400 + hour * 3600 + minute * 60 + second)
}

fn date(io: &mut Io<'_>) -> Outcome {
    let parsed = io.parse()?;
    let mut operands = parsed.rest.iter();
    let mut format = None;
    let mut setting = parsed.value('s').is_some();
    for operand in &mut operands {
        match operand.strip_prefix('+') {
            Some(text) if format.is_none() => format = Some(text.to_owned()),
            _ => setting = true,
        }
    }
    if setting {
        return Err(io.fail("can't set date: Operation not permitted"));
    }
    let moment = if let Some(text) = parsed.value('d').map(str::to_owned) {
        match read(&text) {
            Some(seconds) => Moment::at(seconds),
            None => return Err(io.fail(&format!("invalid date '{text}'"))),
        }
    } else if let Some(path) = parsed.value('r').map(str::to_owned) {
        match std::fs::metadata(&path).and_then(|data| data.modified()) {
            Ok(time) => Moment::of(time),
            Err(error) => {
                return Err(io.fail(&format!("{path}: {}", super::reason(&error))));
            }
        }
    } else {
        Moment::of(SystemTime::now())
    };
    let format = match (format, parsed.value('I')) {
        (Some(format), _) => format,
        (None, Some(spec)) => {
            let known = ["date", "hours", "minutes", "seconds", "ns"];
            let spec = if spec.is_empty() { "date" } else { spec };
            let Some(index) = known.iter().position(|known| known.starts_with(spec)) else {
                return Err(io.usage());
            };
            [
                "%Y-%m-%d",
                "%Y-%m-%dT%H+00:00",
                "%Y-%m-%dT%H:%M+00:00",
                "%Y-%m-%dT%H:%M:%S+00:00",
                "%Y-%m-%dT%H:%M:%S,%N+00:00",
            ][index]
                .to_owned()
        }
        (None, None) if parsed.has('R') => "%a, %d %b %Y %H:%M:%S +0000".to_owned(),
        (None, None) => "%a %b %e %H:%M:%S UTC %Y".to_owned(),
    };
    writeln!(io.out, "{}", moment.format(&format))?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    //! Formats and dates of any kind; what they say, the cases compare.

    #[test]
    fn any_format_and_any_date_is_read() {
        let corpus: [&[u8]; 5] = [
            b"%Y-%m-%d %H:%M:%S %j %a %b %s %%",
            b"1970.01.02-03:04:05",
            b"2026-11-21 10:00",
            b"@123456",
            b"202611211000.30",
        ];
        trial::fuzz(3000, &corpus, &[b"%", b"-", b":", b"."], |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let seconds = super::read(&text).unwrap_or(0);
            super::Moment::at(seconds.clamp(-1_000_000_000_000, 1_000_000_000_000)).format(&text);
        });
    }
}
