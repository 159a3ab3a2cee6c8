//! Dates in the forms that HTTP and logs want, from seconds since 1970, always in UTC.
//! It never asks for the time.

/// A moment of the container's clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Seconds since 1970.
    pub seconds: u64,
    /// And nanoseconds.
    pub nanos: u32,
}

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// A moment taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date {
    year: u64,
    month: usize,
    day: u64,
    hour: u64,
    minute: u64,
    second: u64,
    weekday: usize,
}

impl Date {
    /// Takes apart seconds since 1970.
    pub fn of(seconds: u64) -> Self {
        let (days, rest) = (seconds / 86_400, seconds % 86_400);
        // Days since 1 March of year 0, so that the leap day is the last of its year.
        let shifted = days + 719_468;
        let era_day = shifted % 146_097;
        let year_of_era = (era_day - era_day / 1460 + era_day / 36_524 - era_day / 146_096) / 365;
        let day_of_year = era_day - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let march_month = (5 * day_of_year + 2) / 153;
        let month = (march_month + 2) % 12;
        Self {
            year: shifted / 146_097 * 400 + year_of_era + u64::from(month < 2),
            month: usize::try_from(month).expect("below twelve"),
            day: day_of_year - (153 * march_month + 2) / 5 + 1,
            hour: rest / 3600,
            minute: rest / 60 % 60,
            second: rest % 60,
            weekday: usize::try_from(days % 7).expect("below seven"),
        }
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT`
    pub fn http(&self) -> String {
        let Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
            weekday,
        } = self;
        let (name, month) = (DAYS[*weekday], MONTHS[*month]);
        format!("{name}, {day:02} {month} {year} {hour:02}:{minute:02}:{second:02} GMT")
    }

    /// `06/Nov/1994:08:49:37 +0000`, as access logs write it.
    pub fn clf(&self) -> String {
        let Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
            ..
        } = self;
        format!(
            "{day:02}/{}/{year}:{hour:02}:{minute:02}:{second:02} +0000",
            MONTHS[*month]
        )
    }

    /// `1994/11/06 08:49:37`, as nginx's error log writes it.
    pub fn nginx(&self) -> String {
        let Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
            ..
        } = self;
        format!(
            "{year}/{:02}/{day:02} {hour:02}:{minute:02}:{second:02}",
            month + 1
        )
    }

    /// `1994-11-06T08:49:37+00:00`
    pub fn iso(&self) -> String {
        let Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
            ..
        } = self;
        format!(
            "{year}-{:02}-{day:02}T{hour:02}:{minute:02}:{second:02}+00:00",
            month + 1
        )
    }

    /// `06-Nov-1994 08:49`, as nginx lists folders.
    pub fn listing(&self) -> String {
        let Self {
            year,
            month,
            day,
            hour,
            minute,
            ..
        } = self;
        format!("{day:02}-{}-{year} {hour:02}:{minute:02}", MONTHS[*month])
    }

    /// `Sun Nov 06 08:49:37.000000 1994`, as Apache's error log writes it.
    pub fn apache(&self, micros: u32) -> String {
        let Self {
            year,
            month,
            day,
            hour,
            minute,
            second,
            weekday,
        } = self;
        let (name, month) = (DAYS[*weekday], MONTHS[*month]);
        format!("{name} {month} {day:02} {hour:02}:{minute:02}:{second:02}.{micros:06} {year}")
    }
}

/// The seconds since 1970 that a date in HTTP's preferred form names.
pub fn parse_http(text: &str) -> Option<u64> {
    let (_, rest) = text.trim().split_once(", ")?;
    let mut words = rest.split(' ');
    let day: u64 = words.next()?.parse().ok()?;
    let month_name = words.next()?;
    let month = MONTHS.iter().position(|name| *name == month_name)?;
    let year: u64 = words
        .next()?
        .parse()
        .ok()
        .filter(|year| (1970..10_000).contains(year))?;
    let mut clock = words
        .next()?
        .split(':')
        .map(|part| part.parse::<u64>().ok());
    let (hour, minute, second) = (clock.next()??, clock.next()??, clock.next()??);
    if words.next()? != "GMT" || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60
    {
        return None;
    }
    let march_year = if month < 2 { year - 1 } else { year };
    let march_month = u64::try_from((month + 10) % 12).ok()?;
    let day_of_year = (153 * march_month + 2) / 5 + day - 1;
    let days =
        march_year * 365 + march_year / 4 - march_year / 100 + march_year / 400 + day_of_year;
    Some((days.checked_sub(719_468)?) * 86_400 + hour * 3600 + minute * 60 + second)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_tells_the_same_moment() {
        // 6 November 1994 is RFC 9110's own example.
        let date = Date::of(784_111_777);
        assert_eq!(date.http(), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(date.clf(), "06/Nov/1994:08:49:37 +0000");
        assert_eq!(date.nginx(), "1994/11/06 08:49:37");
        assert_eq!(date.apache(42), "Sun Nov 06 08:49:37.000042 1994");
    }

    #[test]
    fn leap_days_and_the_first_day_are_right() {
        assert_eq!(Date::of(0).http(), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(
            Date::of(951_782_400).http(),
            "Tue, 29 Feb 2000 00:00:00 GMT"
        );
    }

    #[test]
    fn a_written_date_is_read_back() {
        for seconds in [0, 951_782_400, 951_868_799, 1_704_164_645, 4_102_444_799] {
            assert_eq!(parse_http(&Date::of(seconds).http()), Some(seconds));
        }
    }

    #[test]
    fn nonsense_is_no_date() {
        for text in [
            "",
            "yesterday",
            "Sun, 99 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49 GMT",
        ] {
            assert_eq!(parse_http(text), None, "{text}");
        }
    }
}
