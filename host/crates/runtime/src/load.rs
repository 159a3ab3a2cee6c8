//! How busy the one virtual processor was: the load averages. Never asks for the time itself.

use clock::{Duration, Instant};

/// How often the averages are moved on, as Linux does.
const PERIOD: Duration = Duration::from_secs(5);
/// What they are averages over, in seconds.
const SPANS: [f64; 3] = [60.0, 300.0, 900.0];

/// The load averages.
#[derive(Debug, Default)]
pub(crate) struct Load {
    since: Instant,
    /// Nanoseconds since then, times how many processes wanted them.
    wanted: u128,
    averages: [f64; 3],
}

impl Load {
    /// Until `now`, for so long, so many processes were runnable.
    pub(crate) fn busy(&mut self, now: Instant, by: Duration, runnable: usize) {
        self.wanted += by.as_nanos() * runnable as u128;
        if now.saturating_since(self.since) >= PERIOD {
            self.fold(now);
        }
    }

    /// The averages over 1, 5 and 15 minutes, in hundredths.
    pub(crate) fn averages(&mut self, now: Instant) -> [u32; 3] {
        if now.saturating_since(self.since) >= PERIOD {
            self.fold(now);
        }
        self.averages
            .map(|average| (average * 100.0).round() as u32)
    }

    fn fold(&mut self, now: Instant) {
        let passed = now.saturating_since(self.since);
        let load = self.wanted as f64 / passed.as_nanos() as f64;
        for (average, span) in self.averages.iter_mut().zip(SPANS) {
            let kept = (-passed.as_secs_f64() / span).exp();
            *average = *average * kept + load * (1.0 - kept);
        }
        self.since = now;
        self.wanted = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_of_two_runnable_processes_is_most_of_a_load_of_two_and_fades() {
        let mut load = Load::default();
        let mut now = Instant::ZERO;
        for _ in 0..600 {
            now += Duration::from_millis(100);
            load.busy(now, Duration::from_millis(100), 2);
        }
        // 2 × (1 − 1/e), and the longer ones less.
        assert_eq!(load.averages(now), [126, 36, 13]);
        assert_eq!(load.averages(now + Duration::from_secs(600)), [0, 5, 7]);
    }
}
