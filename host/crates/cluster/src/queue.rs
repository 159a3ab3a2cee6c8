//! Work that waits, each key once: first in, first out, or drawn at random when shuffled.
//!
//! A key that failed comes back after a delay that doubles; all delays are virtual time. The
//! queue is bounded by the number of distinct keys, because a key waits at most once in each of
//! its two places. Never runs anything itself.

use clock::{Duration, Instant, Stream};
use rand::RngExt;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The first delay of a key that failed.
const BASE_DELAY: Duration = Duration::from_millis(5);
/// The longest delay of a key that keeps failing.
const MAX_DELAY: Duration = Duration::from_secs(1000);

/// Keys that wait to be worked on.
#[derive(Debug)]
pub struct WorkQueue<K> {
    ready: VecDeque<K>,
    queued: BTreeSet<K>,
    due: BTreeSet<(Instant, K)>,
    due_of: BTreeMap<K, Instant>,
    failures: BTreeMap<K, u32>,
    shuffle: Option<Stream>,
}

impl<K: Ord + Clone> WorkQueue<K> {
    /// An empty queue; with a stream the next key is drawn from it instead of first in, first out.
    #[must_use]
    pub fn new(shuffle: Option<Stream>) -> Self {
        Self {
            ready: VecDeque::new(),
            queued: BTreeSet::new(),
            due: BTreeSet::new(),
            due_of: BTreeMap::new(),
            failures: BTreeMap::new(),
            shuffle,
        }
    }

    /// Puts a key in line, unless it already waits there.
    pub fn add(&mut self, key: K) {
        if self.queued.insert(key.clone()) {
            self.ready.push_back(key);
        }
    }

    /// Puts a key in line at `at`; of two such wishes the earlier wins.
    pub fn add_at(&mut self, at: Instant, key: K) {
        if let Some(&earlier) = self.due_of.get(&key) {
            if earlier <= at {
                return;
            }
            self.due.remove(&(earlier, key.clone()));
        }
        self.due_of.insert(key.clone(), at);
        self.due.insert((at, key));
    }

    /// Puts a key that failed back in line after its delay, which doubles each time.
    pub fn add_failed(&mut self, now: Instant, key: K) {
        let failures = self.failures.entry(key.clone()).or_default();
        let delay = BASE_DELAY
            .saturating_mul(1 << (*failures).min(20))
            .min(MAX_DELAY);
        *failures += 1;
        self.add_at(now + delay, key);
    }

    /// Forgets the failures of a key, since it succeeded.
    pub fn forget(&mut self, key: &K) {
        self.failures.remove(key);
    }

    /// Takes the next key that may be worked on at `now`.
    pub fn pop(&mut self, now: Instant) -> Option<K> {
        while let Some((at, _)) = self.due.first()
            && *at <= now
        {
            let (_, key) = self.due.pop_first()?;
            self.due_of.remove(&key);
            self.add(key);
        }
        let key = match &mut self.shuffle {
            Some(stream) if !self.ready.is_empty() => {
                let at = stream.random_range(0..self.ready.len());
                self.ready.swap_remove_back(at)?
            }
            _ => self.ready.pop_front()?,
        };
        self.queued.remove(&key);
        Some(key)
    }

    /// When the next key may be worked on: `now` when one already waits in line.
    #[must_use]
    pub fn poll_at(&self, now: Instant) -> Option<Instant> {
        if self.ready.is_empty() {
            self.due.first().map(|(at, _)| *at)
        } else {
            Some(now)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clock::Seed;

    #[test]
    fn a_key_waits_in_line_only_once() {
        let mut queue = WorkQueue::new(None);
        queue.add("a");
        queue.add("b");
        queue.add("a");
        assert_eq!(queue.pop(Instant::ZERO), Some("a"));
        assert_eq!(queue.pop(Instant::ZERO), Some("b"));
        assert_eq!(queue.pop(Instant::ZERO), None);
    }

    #[test]
    fn the_delay_of_a_failing_key_doubles_until_it_succeeds() {
        let mut queue = WorkQueue::new(None);
        let mut now = Instant::ZERO;
        let mut delays = Vec::new();
        for _ in 0..4 {
            queue.add_failed(now, "a");
            let due = queue.poll_at(now).expect("a key waits");
            delays.push((due - now).as_millis());
            now = due;
            assert_eq!(queue.pop(now), Some("a"));
        }
        assert_eq!(delays, [5, 10, 20, 40]);
        queue.forget(&"a");
        queue.add_failed(now, "a");
        assert_eq!(queue.poll_at(now), Some(now + BASE_DELAY));
    }

    #[test]
    fn of_two_wishes_to_come_back_the_earlier_wins() {
        let mut queue = WorkQueue::new(None);
        queue.add_at(Instant::from_secs(5), "a");
        queue.add_at(Instant::from_secs(3), "a");
        queue.add_at(Instant::from_secs(9), "a");
        assert_eq!(queue.poll_at(Instant::ZERO), Some(Instant::from_secs(3)));
        assert_eq!(queue.pop(Instant::from_secs(3)), Some("a"));
        assert_eq!(queue.poll_at(Instant::ZERO), None);
    }

    #[test]
    fn a_shuffled_queue_gives_every_key_once() {
        let mut queue = WorkQueue::new(Some(Seed::new(7).stream("controllers")));
        for key in 0..20 {
            queue.add(key);
        }
        let drawn: Vec<i32> = std::iter::from_fn(|| queue.pop(Instant::ZERO)).collect();
        assert_ne!(drawn, (0..20).collect::<Vec<_>>());
        assert_eq!(drawn.iter().copied().collect::<BTreeSet<_>>().len(), 20);
    }
}
