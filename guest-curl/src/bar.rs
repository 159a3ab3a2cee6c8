//! The progress bar of `-#`. It draws; where and when is the meter's business.

use std::time::{Duration, Instant};

/// How often it is drawn at most.
const PAUSE: Duration = Duration::from_millis(100);

/// A bar of the terminal's width.
#[derive(Debug)]
pub(crate) struct Bar {
    width: usize,
    calls: u64,
    last: Instant,
    point: u64,
    tick: usize,
    at: usize,
    back: bool,
}

impl Bar {
    pub(crate) fn new() -> Self {
        let columns = std::env::var("COLUMNS").ok();
        let columns = columns.and_then(|text| text.parse::<usize>().ok());
        let width = columns
            .filter(|width| *width > 20)
            .or_else(|| guest_kit::terminal::size().map(|size| usize::from(size.columns)))
            .unwrap_or(79);
        Self {
            width: width.clamp(20, 255),
            calls: 0,
            last: Instant::now(),
            point: 0,
            tick: 150,
            at: 0,
            back: false,
        }
    }

    /// What is to be written now.
    pub(crate) fn draw(&mut self, point: u64, total: u64) -> Option<String> {
        let mut text = None;
        if self.calls > 0 {
            let soon = self.last.elapsed() < PAUSE;
            if total > 0 {
                if self.point == point || (soon && point < total) {
                    return None;
                }
            } else {
                if soon {
                    return None;
                }
                text = Some(self.fly(point != self.point));
            }
        }
        self.calls += 1;
        if total > 0 && point != self.point {
            let point = point.min(total);
            #[expect(clippy::cast_precision_loss, reason = "a bar has a hundred steps")]
            let part = point as f64 / total as f64;
            let room = self.width - 7;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "it lies between nothing and the room"
            )]
            let filled = (room as f64 * part) as usize;
            text = Some(format!(
                "\r{:<room$} {:5.1}%",
                "#".repeat(filled),
                part * 100.0
            ));
        }
        self.point = point;
        self.last = Instant::now();
        text
    }

    /// Nobody knows how much there is: something flies to and fro.
    fn fly(&mut self, moved: bool) -> String {
        let mut row = vec![b' '; self.width - 1];
        row[self.at..self.at + 5].copy_from_slice(b"-=O=-");
        let check = self.width - 2;
        for step in [0, 5, 10, 15] {
            #[expect(clippy::cast_precision_loss, reason = "it is less than two hundred")]
            let angle = ((self.tick + step) % 200) as f64 / 100.0 * std::f64::consts::PI;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "it lies between nothing and the width"
            )]
            let at = ((angle.sin() + 1.0) / 2.0 * check as f64) as usize;
            row[at.min(check)] = b'#';
        }
        self.tick = (self.tick + 2) % 200;
        if moved {
            self.at = match self.back {
                true => self.at.saturating_sub(1),
                false => self.at + 1,
            };
        }
        if self.at >= self.width - 6 {
            self.back = true;
            self.at = self.width - 6;
        } else if self.at == 0 {
            self.back = false;
        }
        format!("{}\r", String::from_utf8_lossy(&row))
    }
}
