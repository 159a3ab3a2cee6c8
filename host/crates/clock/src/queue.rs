//! What is still to happen, in order. Never lets time go back.

use crate::Instant;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Events ordered by instant and, within one instant, by the order they were put in.
#[derive(Debug)]
pub struct Queue<T> {
    heap: BinaryHeap<Entry<T>>,
    seq: u64,
    latest: Instant,
}

#[derive(Debug)]
struct Entry<T> {
    key: Reverse<(Instant, u64)>,
    event: T,
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}
impl<T> Eq for Entry<T> {}
impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key.cmp(&other.key)
    }
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Self {
            heap: BinaryHeap::new(),
            seq: 0,
            latest: Instant::ZERO,
        }
    }
}

impl<T> Queue<T> {
    /// Puts `event` at `at`; an instant already passed means "as soon as possible".
    pub fn push(&mut self, at: Instant, event: T) {
        let at = at.max(self.latest);
        self.seq += 1;
        self.heap.push(Entry {
            key: Reverse((at, self.seq)),
            event,
        });
    }

    /// Takes the next event that is due at `now`.
    pub fn pop_due(&mut self, now: Instant) -> Option<(Instant, T)> {
        if self.poll_at()? > now {
            return None;
        }
        let entry = self.heap.pop()?;
        let at = entry.key.0.0;
        assert!(
            at >= self.latest,
            "virtual time went back from {} to {at}",
            self.latest
        );
        self.latest = at;
        Some((at, entry.event))
    }

    /// When the next event is due.
    #[must_use]
    pub fn poll_at(&self) -> Option<Instant> {
        self.heap.peek().map(|entry| entry.key.0.0)
    }

    /// How many events wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_one_instant_come_in_the_order_they_were_put() {
        let mut queue = Queue::default();
        queue.push(Instant::from_secs(2), "later");
        queue.push(Instant::from_secs(1), "first");
        queue.push(Instant::from_secs(1), "second");
        let order: Vec<_> = std::iter::from_fn(|| queue.pop_due(Instant::from_secs(3)))
            .map(|(_, event)| event)
            .collect();
        assert_eq!(order, ["first", "second", "later"]);
    }

    #[test]
    fn nothing_is_due_before_its_time() {
        let mut queue = Queue::default();
        queue.push(Instant::from_secs(2), ());
        assert_eq!(queue.pop_due(Instant::from_secs(1)), None);
        assert_eq!(queue.poll_at(), Some(Instant::from_secs(2)));
    }
}
