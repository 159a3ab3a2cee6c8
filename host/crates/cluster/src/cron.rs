//! Schedules as CronJobs write them: five fields, names such as `@hourly`, and `@every 1h30m`.
//!
//! The rules and the complaints are those of the Go library robfig/cron that upstream uses.
//! Never asks what time it is.

use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan};

/// When something is to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// At the minutes that all fields allow.
    Fields(Box<[Field; 5]>),
    /// Again and again after so many seconds.
    Every(i64),
}

/// The values a field allows, as bits; whether it was `*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    bits: u64,
    star: bool,
}

const BOUNDS: [(u32, u32, &[&str]); 5] = [
    (0, 59, &[]),
    (0, 23, &[]),
    (1, 31, &[]),
    (
        1,
        12,
        &[
            "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
        ],
    ),
    (0, 6, &["sun", "mon", "tue", "wed", "thu", "fri", "sat"]),
];

/// The time zone of this name from the bundled database.
#[must_use]
pub fn time_zone(name: &str) -> Option<TimeZone> {
    match name {
        "" | "UTC" => Some(TimeZone::UTC),
        name => TimeZoneDatabase::bundled().get(name).ok(),
    }
}

impl Schedule {
    /// Reads a schedule.
    ///
    /// # Errors
    /// What is wrong with it, in robfig's words.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("empty spec string".to_owned());
        }
        if let Some(name) = text.strip_prefix('@') {
            return described(name, text);
        }
        let fields: Vec<&str> = text.split_whitespace().collect();
        if fields.len() != 5 {
            let list = fields.join(" ");
            return Err(format!(
                "expected exactly 5 fields, found {}: [{list}]",
                fields.len()
            ));
        }
        let mut parsed = [Field {
            bits: 0,
            star: false,
        }; 5];
        for ((slot, text), bounds) in parsed.iter_mut().zip(fields).zip(BOUNDS) {
            *slot = Field::parse(text, bounds)?;
        }
        Ok(Self::Fields(Box::new(parsed)))
    }

    /// The first time after `after`, if there is one within five years.
    #[must_use]
    pub fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Every(seconds) => {
                let whole = Timestamp::from_second(after.as_second()).ok()?;
                whole.checked_add(seconds.seconds()).ok()
            }
            Self::Fields(fields) => {
                let first = zone.to_datetime(after).date();
                let days = first.series(1.day()).take(5 * 366);
                days.filter(|day| allows_day(fields, *day))
                    .find_map(|day| first_on(fields, day, after, zone))
            }
        }
    }
}

fn described(name: &str, text: &str) -> Result<Schedule, String> {
    if let Some(wait) = text.strip_prefix("@every ") {
        return match seconds(wait) {
            Some(wait) => Ok(Schedule::Every(wait.max(1))),
            None => Err(format!(
                "failed to parse duration {text}: time: invalid duration \"{wait}\""
            )),
        };
    }
    Schedule::parse(match name {
        "yearly" | "annually" => "0 0 1 1 *",
        "monthly" => "0 0 1 * *",
        "weekly" => "0 0 * * 0",
        "daily" | "midnight" => "0 0 * * *",
        "hourly" => "0 * * * *",
        _ => return Err(format!("unrecognized descriptor: {text}")),
    })
}

/// A duration as Go writes it (`1h30m`), in whole seconds.
fn seconds(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| c.is_ascii_digit() || c == '.');
        let unit = &rest[..letters.unwrap_or(rest.len())];
        total += number
            * match unit {
                "h" => 3600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 0.001,
                _ => return None,
            };
        rest = &rest[unit.len()..];
    }
    let whole = num_seconds(total);
    (!text.is_empty()).then_some(whole)
}

/// Whole seconds, at most a hundred years.
fn num_seconds(total: f64) -> i64 {
    std::time::Duration::try_from_secs_f64(total.clamp(0.0, 3_155_760_000.0))
        .map_or(1, |whole| i64::try_from(whole.as_secs()).unwrap_or(1))
}

impl Field {
    fn parse(text: &str, bounds: (u32, u32, &[&str])) -> Result<Self, String> {
        let mut field = Self {
            bits: 0,
            star: false,
        };
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let one = Self::range(part, bounds)?;
            field.bits |= one.bits;
            field.star |= one.star;
        }
        Ok(field)
    }

    /// `7`, `1-5`, `*`, `?`, each with a step as in `*/10`.
    fn range(text: &str, bounds: (u32, u32, &[&str])) -> Result<Self, String> {
        let (min, max, names) = bounds;
        let parts: Vec<&str> = text.split('/').collect();
        let ends: Vec<&str> = parts[0].split('-').collect();
        let single = ends.len() == 1;
        let mut star = false;
        let (first, mut last) = match ends[..] {
            ["*" | "?", ..] => {
                star = true;
                (min, max)
            }
            [one] => {
                let value = number(one, names)?;
                (value, value)
            }
            [first, last] => (number(first, names)?, number(last, names)?),
            _ => return Err(format!("too many hyphens: {text}")),
        };
        let step = match parts[..] {
            [_] => 1,
            [_, step] => {
                let step = number(step, &[])?;
                // `3/10` means from three on.
                if single && !star {
                    last = max;
                }
                star &= step <= 1;
                step
            }
            _ => return Err(format!("too many slashes: {text}")),
        };
        if first < min {
            return Err(format!(
                "beginning of range ({first}) below minimum ({min}): {text}"
            ));
        }
        if last > max {
            return Err(format!(
                "end of range ({last}) above maximum ({max}): {text}"
            ));
        }
        if first > last {
            return Err(format!(
                "beginning of range ({first}) beyond end of range ({last}): {text}"
            ));
        }
        if step == 0 {
            return Err(format!("step of range should be a positive number: {text}"));
        }
        let step = usize::try_from(step).unwrap_or(usize::MAX);
        let bits = (first..=last).step_by(step).map(|bit| 1_u64 << bit);
        Ok(Self {
            bits: bits.fold(0, |all, bit| all | bit),
            star,
        })
    }

    fn has(self, value: i8) -> bool {
        self.bits & (1 << value) != 0
    }
}

fn number(text: &str, names: &[&str]) -> Result<u32, String> {
    let lower = text.to_ascii_lowercase();
    if let Some(at) = names.iter().position(|name| *name == lower) {
        let first = if names.len() == 12 { 1 } else { 0 };
        return Ok(u32::try_from(at).unwrap_or(0) + first);
    }
    match text.parse::<i64>() {
        Ok(value) if value < 0 => Err(format!("negative number ({value}) not allowed: {text}")),
        Ok(value) => Ok(u32::try_from(value).unwrap_or(u32::MAX)),
        Err(_) => Err(format!(
            "failed to parse int from {text}: strconv.Atoi: parsing \"{text}\": invalid syntax"
        )),
    }
}

/// Days of month and days of week are both asked, and one is enough unless one is `*`.
fn allows_day(fields: &[Field; 5], day: Date) -> bool {
    let [_, _, of_month, month, of_week] = *fields;
    let by_month = of_month.has(day.day());
    let by_week = of_week.has(day.weekday().to_sunday_zero_offset());
    month.has(day.month())
        && match of_month.star || of_week.star {
            true => by_month && by_week,
            false => by_month || by_week,
        }
}

fn first_on(
    fields: &[Field; 5],
    day: Date,
    after: Timestamp,
    zone: &TimeZone,
) -> Option<Timestamp> {
    let hours = (0..24).filter(|hour| fields[1].has(*hour));
    let minutes = |hour| {
        let minutes = (0..60).filter(|minute| fields[0].has(*minute));
        minutes.map(move |minute| (hour, minute))
    };
    hours
        .flat_map(minutes)
        .filter_map(|(hour, minute)| instant(day.at(hour, minute, 0, 0), zone))
        .find(|at| *at > after)
}

/// The instant of a time on the wall; none for one that a change of clocks leaves out.
fn instant(wall: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    let offset = match zone.to_ambiguous_timestamp(wall).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset,
        AmbiguousOffset::Fold { before, .. } => before,
        AmbiguousOffset::Gap { .. } => return None,
    };
    offset.to_timestamp(wall).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(schedule: &str, zone: &str, from: &str, count: usize) -> Vec<String> {
        let schedule = Schedule::parse(schedule).expect("a schedule");
        let zone = time_zone(zone).expect("a time zone");
        let mut at: Timestamp = from.parse().expect("a time");
        let mut times = Vec::new();
        for _ in 0..count {
            at = schedule.next(at, &zone).expect("there is a next time");
            times.push(at.to_string());
        }
        times
    }

    #[test]
    fn the_next_time_is_found_in_the_calendar_of_the_zone() {
        let from = "2026-11-21T05:00:00Z";
        let table = [
            ("* * * * *", "", "2026-11-21T05:01:00Z"),
            ("*/15 * * * *", "", "2026-11-21T05:15:00Z"),
            ("0 0 * * mon", "", "2026-11-23T00:00:00Z"),
            ("30 4 1,15 * 5", "", "2026-11-27T04:30:00Z"),
            ("0 0 29 2 *", "", "2028-02-29T00:00:00Z"),
            ("@hourly", "", "2026-11-21T06:00:00Z"),
            ("@every 1h30m", "", "2026-11-21T06:30:00Z"),
            ("0 9 * * *", "Asia/Tokyo", "2026-11-22T00:00:00Z"),
            ("5/20 * ? * *", "", "2026-11-21T05:05:00Z"),
        ];
        for (schedule, zone, expected) in table {
            assert_eq!(after(schedule, zone, from, 1), [expected], "{schedule}");
        }
    }

    #[test]
    fn a_time_that_a_change_of_clocks_leaves_out_is_left_out() {
        // In Berlin 02:30 does not exist on 2026-03-29.
        assert_eq!(
            after("30 2 * * *", "Europe/Berlin", "2026-03-27T12:00:00Z", 2),
            ["2026-03-28T01:30:00Z", "2026-03-30T00:30:00Z"]
        );
    }

    #[test]
    fn what_is_wrong_is_said_in_the_words_of_robfig() {
        let table = [
            ("", "empty spec string"),
            ("* * * *", "expected exactly 5 fields, found 4: [* * * *]"),
            ("61 * * * *", "end of range (61) above maximum (59): 61"),
            ("* * 0 * *", "beginning of range (0) below minimum (1): 0"),
            (
                "5-3 * * * *",
                "beginning of range (5) beyond end of range (3): 5-3",
            ),
            (
                "*/0 * * * *",
                "step of range should be a positive number: */0",
            ),
            ("1-2-3 * * * *", "too many hyphens: 1-2-3"),
            (
                "x * * * *",
                "failed to parse int from x: strconv.Atoi: parsing \"x\": invalid syntax",
            ),
            ("@often", "unrecognized descriptor: @often"),
        ];
        for (schedule, expected) in table {
            assert_eq!(
                Schedule::parse(schedule),
                Err(expected.to_owned()),
                "{schedule}"
            );
        }
    }

    #[test]
    fn a_date_that_never_comes_has_no_next_time() {
        let never = Schedule::parse("0 0 30 2 *").expect("a schedule");
        assert_eq!(never.next(Timestamp::UNIX_EPOCH, &TimeZone::UTC), None);
    }
}
