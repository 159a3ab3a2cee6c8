//! `limit_req` and `limit_conn`: how fast and how many.

use crate::conf::model::{Level, Seen, Zone};
use crate::conf::settings::LimitReq;
use crate::net;

use super::turn::{Step, Turn};
use std::rc::Rc;

/// A place in a zone of connections, given back when the request is over.
#[derive(Debug)]
pub(super) struct Held<'a> {
    zone: &'a Zone,
    key: Vec<u8>,
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        let mut keys = self.zone.keys.borrow_mut();
        if let Some(seen) = keys.get_mut(&self.key) {
            seen.open -= 1;
            if seen.open == 0 {
                keys.remove(&self.key);
            }
        }
    }
}

/// What the rate of one key says.
enum Pace {
    /// So much above the rate, in thousandths.
    Within(u64),
    Over(u64),
}

impl<'a> Turn<'a> {
    pub(super) fn limits(&mut self) -> Step {
        let settings = Rc::clone(&self.settings);
        if self.held.is_empty() {
            for (zone, most) in settings.limit_conn.iter() {
                if let Some(step) = self.hold(*zone, *most) {
                    return step;
                }
            }
        }
        if !self.limit_status.0.is_empty() {
            return Step::Next;
        }
        let mut wait = 0;
        for limit in settings.limit_req.iter() {
            match self.pace(limit) {
                Ok(ms) => wait = wait.max(ms),
                Err(step) => return step,
            }
        }
        if wait > 0 {
            Step::Wait(wait)
        } else {
            Step::Next
        }
    }

    fn hold(&mut self, zone: usize, most: u64) -> Option<Step> {
        let zone: &'a Zone = &self.config.zones[zone];
        let key = self.render(&zone.key);
        if key.is_empty() {
            return None;
        }
        let mut keys = zone.keys.borrow_mut();
        let open = keys.get(&key).map_or(0, |seen| seen.open);
        if open >= most || (open == 0 && keys.len() >= zone.room) {
            drop(keys);
            self.limit_status.1 = "REJECTED";
            let message = format!("limiting connections by zone \"{}\"", zone.name);
            self.note(self.settings.limit_conn_level, message);
            return Some(Step::Fail(self.settings.limit_conn_status));
        }
        keys.entry(key.clone()).or_default().open += 1;
        drop(keys);
        self.limit_status.1 = "PASSED";
        self.held.push(Held { zone, key });
        None
    }

    /// How long to wait, or the refusal.
    fn pace(&mut self, limit: &LimitReq) -> Result<u64, Step> {
        let zone: &'a Zone = &self.config.zones[limit.zone];
        let key = self.render(&zone.key);
        let rate = zone.rate.unwrap_or(1000);
        if key.is_empty() {
            return Ok(0);
        }
        let milli = |excess: u64| format!("{}.{:03}", excess / 1000, excess % 1000);
        match step(zone, key, rate, limit.burst, net::now_ns() / 1_000_000) {
            Pace::Over(excess) => {
                self.limit_status.0 = "REJECTED";
                let message = format!(
                    "limiting requests, excess: {} by zone \"{}\"",
                    milli(excess),
                    zone.name
                );
                self.note(self.settings.limit_req_level, message);
                Err(Step::Fail(self.settings.limit_req_status))
            }
            Pace::Within(excess) if excess > limit.delay => {
                self.limit_status.0 = "DELAYED";
                let level = match self.settings.limit_req_level {
                    Level::Error => Level::Warn,
                    Level::Warn => Level::Notice,
                    _ => Level::Info,
                };
                let message = format!(
                    "delaying request, excess: {}, by zone \"{}\"",
                    milli(excess),
                    zone.name
                );
                self.note(level, message);
                Ok((excess - limit.delay) * 1000 / rate)
            }
            Pace::Within(_) => {
                if self.limit_status.0.is_empty() {
                    self.limit_status.0 = "PASSED";
                }
                Ok(0)
            }
        }
    }
}

/// One request more of a key, as nginx counts it; a refused one does not count.
fn step(zone: &Zone, key: Vec<u8>, rate: u64, burst: u64, now_ms: u64) -> Pace {
    let mut keys = zone.keys.borrow_mut();
    let Some(seen) = keys.get_mut(&key) else {
        if keys.len() >= zone.room {
            let oldest = keys.iter().min_by_key(|(_, seen)| seen.last_ms);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                keys.remove(&oldest);
            }
        }
        let first = Seen {
            last_ms: now_ms,
            ..Seen::default()
        };
        keys.insert(key, first);
        return Pace::Within(0);
    };
    let passed = rate * (now_ms - seen.last_ms.min(now_ms)) / 1000;
    let excess = (seen.excess + 1000).saturating_sub(passed);
    if excess > burst {
        return Pace::Over(excess);
    }
    seen.excess = excess;
    seen.last_ms = now_ms;
    Pace::Within(excess)
}
