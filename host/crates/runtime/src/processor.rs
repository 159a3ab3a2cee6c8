//! How much of the processor a container may use: a quota in each period, as Linux's CFS bandwidth
//! control has it (kernel documentation, `scheduler/sched-bwc.rst`). Never measures: it is told.

use clock::{Duration, Instant};
use parking_lot::Mutex;

/// The length of a period, as kubelets set it (`cpu.cfs_period_us`).
const PERIOD: Duration = Duration::from_millis(100);

/// One container's share.
#[derive(Debug, Default)]
pub(crate) struct Processor(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// Thousandths of a processor; no bound when absent.
    millis: Option<u64>,
    /// The end of the period that `used` belongs to.
    until: Instant,
    /// What was used of the quota, and of later periods' in advance.
    used: Duration,
}

impl Processor {
    pub(crate) fn new(millis: Option<u64>) -> Self {
        let processor = Self::default();
        processor.set_limit(millis);
        processor
    }

    /// Sets the bound from now on.
    pub(crate) fn set_limit(&self, millis: Option<u64>) {
        // Linux takes no quota below a millisecond of a period, a hundredth of a processor.
        self.0.lock().millis = millis.map(|millis| millis.max(10));
    }

    /// A process of the container has used this much, until `now`.
    pub(crate) fn used(&self, now: Instant, time: Duration) {
        let mut state = self.0.lock();
        if state.millis.is_some() {
            state.begin(now);
            state.used += time;
        }
    }

    /// When the container may use more, if that is not now.
    pub(crate) fn held_until(&self, now: Instant) -> Option<Instant> {
        let mut state = self.0.lock();
        state.begin(now);
        let quota = state.quota()?;
        (state.used >= quota).then_some(state.until)
    }
}

impl State {
    fn quota(&self) -> Option<Duration> {
        let micros = self.millis? * 100;
        Some(Duration::from_micros(micros))
    }

    /// Begins the period that `now` is in; what was used in advance is still owed.
    fn begin(&mut self, now: Instant) {
        if now < self.until {
            return;
        }
        let period = u64::try_from(PERIOD.as_nanos()).expect("a tenth of a second");
        let over = now.saturating_since(self.until).as_nanos();
        let periods = u32::try_from(over / u128::from(period) + 1).unwrap_or(u32::MAX);
        self.used = match self.quota() {
            Some(quota) => self.used.saturating_sub(quota.saturating_mul(periods)),
            None => Duration::ZERO,
        };
        self.until = Instant::from_nanos((now.as_nanos() / period + 1) * period);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    #[test]
    fn without_a_bound_nobody_is_held() {
        let processor = Processor::new(None);
        processor.used(at(10), Duration::from_secs(60));
        assert_eq!(processor.held_until(at(10)), None);
    }

    #[test]
    fn a_used_up_quota_holds_until_the_next_period() {
        let processor = Processor::new(Some(200));
        processor.used(at(10), Duration::from_millis(19));
        assert_eq!(processor.held_until(at(19)), None);
        processor.used(at(20), Duration::from_millis(1));
        assert_eq!(processor.held_until(at(20)), Some(at(100)));
        assert_eq!(processor.held_until(at(100)), None);
    }

    #[test]
    fn what_was_used_in_advance_is_owed() {
        let processor = Processor::new(Some(100));
        processor.used(at(25), Duration::from_millis(25));
        assert_eq!(processor.held_until(at(100)), Some(at(200)));
        assert_eq!(processor.held_until(at(200)), None);
        processor.used(at(210), Duration::from_millis(5));
        assert_eq!(processor.held_until(at(210)), Some(at(300)));
    }

    #[test]
    fn a_rest_pays_what_was_owed() {
        let processor = Processor::new(Some(100));
        processor.used(at(25), Duration::from_millis(35));
        assert_eq!(processor.held_until(at(900)), None);
    }

    #[test]
    fn a_new_bound_counts_from_the_next_look() {
        let processor = Processor::new(Some(1000));
        processor.used(at(50), Duration::from_millis(50));
        assert_eq!(processor.held_until(at(50)), None);
        processor.set_limit(Some(500));
        assert_eq!(processor.held_until(at(50)), Some(at(100)));
    }
}
