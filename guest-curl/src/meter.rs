//! curl's progress meter: two lines of head, and rows that overwrite each other.

use std::time::{Duration, Instant};

use crate::bar::Bar;
use crate::voice::Voice;

const HEAD: &str = "  % Total    % Received % Xferd  Average Speed   Time    Time     Time  Current\n\
                    \x20                                Dload  Upload   Total   Spent    Left  Speed\n";

/// The meter of one transfer: rows, or the bar of `-#`, or nothing.
#[derive(Debug)]
pub(crate) struct Meter<'a> {
    shown: bool,
    bar: Option<Bar>,
    voice: &'a Voice,
    start: Instant,
    last_row: Option<Instant>,
    /// Time and bytes of the last seconds, for the current speed.
    samples: Vec<(Instant, u64)>,
}

/// How far a transfer is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Progress {
    pub(crate) total: Option<u64>,
    pub(crate) down: u64,
    pub(crate) up: u64,
    pub(crate) up_total: u64,
    /// What a resumed transfer had before.
    pub(crate) before: u64,
}

impl<'a> Meter<'a> {
    /// A meter that is seen or not; `head` says whether its head is still to be written.
    pub(crate) fn new(shown: bool, head: bool, bar: bool, voice: &'a Voice) -> Self {
        let start = Instant::now();
        let mut meter = Self {
            shown,
            bar: bar.then(Bar::new),
            voice,
            start,
            last_row: None,
            samples: vec![(start, 0)],
        };
        if head && meter.bar.is_none() {
            meter.write(HEAD);
        }
        meter.row(&Progress::default());
        meter
    }

    pub(crate) fn is_shown(&self) -> bool {
        self.shown
    }

    fn write(&mut self, text: &str) {
        if self.shown {
            self.voice.write(text.as_bytes());
        }
    }

    /// Some time has passed, perhaps.
    pub(crate) fn tick(&mut self, progress: &Progress) {
        let pause = Duration::from_millis(if self.bar.is_some() { 0 } else { 1000 });
        if self.shown && self.last_row.is_none_or(|last| last.elapsed() >= pause) {
            self.samples.push((Instant::now(), progress.down));
            if self.samples.len() > 6 {
                self.samples.remove(0);
            }
            self.row(progress);
        }
    }

    /// The last row of a request.
    pub(crate) fn finish(&mut self, progress: &Progress) {
        self.row(progress);
        if self.bar.is_none() {
            self.write("\n");
        }
    }

    /// The end of the bar.
    pub(crate) fn end(&mut self) {
        if self.bar.is_some() {
            self.write("\n");
        }
    }

    fn row(&mut self, progress: &Progress) {
        if !self.shown {
            return;
        }
        self.last_row = Some(Instant::now());
        if let Some(bar) = &mut self.bar {
            let total = progress.total.unwrap_or(0) + progress.up_total;
            let point = progress.down + progress.up;
            let base = if total > 0 { progress.before } else { 0 };
            if let Some(text) = bar.draw(point + base, total + base) {
                self.write(&text);
            }
            return;
        }
        let elapsed = self.start.elapsed();
        let (since, before) = self.samples[0];
        let current = per_second(
            progress.down.saturating_sub(before),
            since.elapsed().max(Duration::from_millis(1)),
        );
        let line = row(progress, elapsed, current);
        self.write(&line);
    }
}

fn per_second(bytes: u64, time: Duration) -> u64 {
    let micros = time.as_micros().max(1);
    u64::try_from(u128::from(bytes) * 1_000_000 / micros).unwrap_or(u64::MAX)
}

fn row(progress: &Progress, elapsed: Duration, current: u64) -> String {
    let Progress {
        total,
        down,
        up,
        up_total,
        ..
    } = *progress;
    let percent = |part: u64, whole: u64| {
        if whole == 0 {
            0
        } else {
            u128::from(part) * 100 / u128::from(whole)
        }
    };
    let whole = total.unwrap_or(down).saturating_add(up_total);
    let (speed_down, speed_up) = (per_second(down, elapsed), per_second(up, elapsed));
    let spent = elapsed.as_secs();
    let estimate = match total {
        Some(total) if speed_down > 0 => total / speed_down,
        _ => 0,
    };
    let left = if estimate > 0 {
        estimate.saturating_sub(spent)
    } else {
        0
    };
    let down_percent = total.map_or(0, |total| percent(down, total));
    let whole_percent = if total.is_some() || up_total > 0 {
        percent(down + up, whole)
    } else {
        0
    };
    let whole_percent = if total.is_none() && whole > 0 {
        100
    } else {
        whole_percent
    };
    let down_percent = if total.is_none() && down > 0 {
        100
    } else {
        down_percent
    };
    format!(
        "\r{whole_percent:3} {}  {down_percent:3} {}  {:3} {}  {}  {} {} {} {} {}",
        amount(whole),
        amount(down),
        percent(up, up_total),
        amount(up),
        amount(speed_down),
        amount(speed_up),
        clock(estimate),
        clock(spent),
        clock(left),
        amount(current)
    )
}

/// Five characters for a number of bytes.
fn amount(bytes: u64) -> String {
    const K: u64 = 1024;
    const M: u64 = K * K;
    const G: u64 = K * M;
    match bytes {
        0..100_000 => format!("{bytes:5}"),
        _ if bytes < 10_000 * K => format!("{:4}k", bytes / K),
        _ if bytes < 100 * M => format!("{:2}.{}M", bytes / M, (bytes % M * 10) / M),
        _ if bytes < 10_000 * M => format!("{:4}M", bytes / M),
        _ => format!("{:4}G", bytes / G),
    }
}

/// Eight characters for a time.
fn clock(seconds: u64) -> String {
    match seconds {
        0 => "--:--:--".to_owned(),
        _ if seconds < 360_000 => format!(
            "{:2}:{:02}:{:02}",
            seconds / 3600,
            seconds / 60 % 60,
            seconds % 60
        ),
        _ => format!("{:3}d {:02}h", seconds / 86_400, seconds / 3600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_as_wide_as_curls() {
        // Recorded from curl 7.88.1: the first row, and the row of 97 KiB in 3.5 ms.
        let none = row(&Progress::default(), Duration::ZERO, 0);
        assert_eq!(
            none,
            "\r  0     0    0     0    0     0      0      0 --:--:-- --:--:-- --:--:--     0"
        );
        let all = Progress {
            total: Some(6),
            down: 6,
            ..Progress::default()
        };
        let done = row(&all, Duration::from_micros(515), 6000);
        assert_eq!(
            done,
            "\r100     6  100     6    0     0  11650      0 --:--:-- --:--:-- --:--:--  6000"
        );
    }

    #[test]
    fn amounts_keep_to_five_characters() {
        for bytes in [
            0,
            99_999,
            100_000,
            10_239_999,
            10_240_000,
            104_857_599,
            104_857_600,
            u64::from(u32::MAX),
        ] {
            assert_eq!(amount(bytes).len(), 5, "{bytes}");
        }
        assert_eq!(amount(100_000), "  97k");
    }

    #[test]
    fn a_slow_transfer_tells_what_is_left() {
        // 3 of 100 bytes in 2.1 s: one byte per second, as recorded.
        let part = Progress {
            total: Some(100),
            down: 3,
            ..Progress::default()
        };
        let line = row(&part, Duration::from_millis(2100), 1);
        assert_eq!(
            line,
            "\r  3   100    3     3    0     0      1      0  0:01:40  0:00:02  0:01:38     1"
        );
    }
}
