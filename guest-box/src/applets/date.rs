//! `date`, and calendar time for whoever prints one. The zone is UTC and nothing else.

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Applet, Io, Outcome, flag, value};

pub(super) const APPLETS: &[Applet] = &[Applet {
    name: "date",
    operands: "[+FMT]",
    help: "Display time (using +FMT)",
    flags: &[
        flag('u', "", "Work in UTC (don't convert to local time)"),
        flag('R', "", "Output RFC-2822 compliant date string"),
        value('I', "", "SPEC", "Output ISO-8601 compliant date string"),
        value('d', "", "TIME", "Display TIME, not 'now': @SECONDS"),
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

    fn at(seconds: i64) -> Self {
        let days = seconds.div_euclid(86_400);
        let weekday = usize::try_from((days + 4).rem_euclid(7)).unwrap_or(0);
        let mut year = 1970;
        let mut left = days;
        loop {
            let length = if leap(year) { 366 } else { 365 };
            if left < 0 {
                year -= 1;
                left += if leap(year) { 366 } else { 365 };
            } else if left >= length {
                left -= length;
                year += 1;
            } else {
                break;
            }
        }
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

fn leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn date(io: &mut Io<'_>) -> Outcome {
    // `-I` takes its value only when attached.
    for arg in &mut io.args {
        if arg == "-I" {
            *arg = "-Idate".into();
        }
    }
    let parsed = io.parse()?;
    let moment = match parsed.value('d').map(str::to_owned) {
        None => Moment::of(SystemTime::now()),
        Some(text) => match text.strip_prefix('@').and_then(|text| text.parse().ok()) {
            Some(seconds) => Moment::at(seconds),
            None => return Err(io.fail(&format!("invalid date '{text}'"))),
        },
    };
    let format = match parsed.rest.first() {
        Some(format) => match format.strip_prefix('+') {
            Some(format) => format,
            None => return Err(io.fail("can't set date: Operation not permitted")),
        },
        None if parsed.has('R') => "%a, %d %b %Y %H:%M:%S +0000",
        None => match parsed.value('I') {
            Some("date") => "%Y-%m-%d",
            Some("hours") => "%Y-%m-%dT%H+00:00",
            Some("minutes") => "%Y-%m-%dT%H:%M+00:00",
            Some(_) => "%Y-%m-%dT%H:%M:%S+00:00",
            None => "%a %b %e %H:%M:%S UTC %Y",
        },
    };
    writeln!(io.out, "{}", moment.format(format))?;
    Ok(0)
}
