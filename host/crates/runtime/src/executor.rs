//! Who runs next, and until when the others sleep.
//!
//! One FIFO holds everything runnable, guests and native tasks alike, but those that have computed
//! for long without a pause: they stand in a second one and get a turn now and then. One ordered
//! map holds every sleeper of virtual time. Never a thread, never the host's clock: the order of turns is a
//! function of the order of wakes.

use clock::Instant;
use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// A guest that has used up so many slices in a row, a fifth of a second of processor time, stands
/// behind all others from then on, until it waits for something.
const LONG: u32 = 2_000;
/// Of so many turns one is for those who stand behind, while others are runnable. Turns of others
/// are shorter than a slice, so that this leaves them nine tenths of the time.
const TURN_OF_THE_LAST: u32 = 64;

/// Names a task; numbers are not used twice.
pub(crate) type TaskId = u64;

/// What is runnable and what sleeps. Its lock is a leaf: nothing else is locked under it.
#[derive(Debug, Default)]
pub(crate) struct Scheduler {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    ready: VecDeque<Arc<Turn>>,
    behind: VecDeque<Arc<Turn>>,
    /// Turns since one of those behind had one.
    passed_over: u32,
    sleepers: BTreeMap<(Instant, u64), Waker>,
    sequence: u64,
    next_task: TaskId,
    /// Woken when something becomes runnable while nothing was.
    unpark: Option<Waker>,
}

impl Inner {
    fn runnable(&self) -> usize {
        self.ready.len() + self.behind.len()
    }
}

/// A task's place in a FIFO: it stands there once or not at all.
#[derive(Debug)]
pub(crate) struct Turn {
    id: TaskId,
    queued: AtomicBool,
    yielded: AtomicBool,
    /// Slices used up since the task last waited.
    slices: AtomicU32,
    scheduler: Arc<Scheduler>,
}

impl Turn {
    /// The task whose turn it is.
    pub(crate) fn id(&self) -> TaskId {
        self.id
    }

    /// The task has used up a slice, or has waited for something since.
    pub(crate) fn note(&self, used_up: bool) {
        match used_up {
            true => drop(self.slices.fetch_add(1, Ordering::Relaxed)),
            false => self.slices.store(0, Ordering::Relaxed),
        }
    }

    /// Whether the task stands in the FIFO.
    pub(crate) fn is_queued(&self) -> bool {
        self.queued.load(Ordering::Relaxed)
    }

    /// Whether the task gave up its turn since the last time this was asked.
    ///
    /// wasmtime ends a guest's time slice by waking the task *by reference* from within its own
    /// poll. Everything in this crate wakes *by value*, so the two cannot be confused: a guest
    /// that wakes itself through its own socket has not used up a slice.
    pub(crate) fn take_yielded(&self) -> bool {
        self.yielded.swap(false, Ordering::Relaxed)
    }
}

impl Wake for Turn {
    fn wake(self: Arc<Self>) {
        if self.queued.swap(true, Ordering::AcqRel) {
            return;
        }
        let scheduler = Arc::clone(&self.scheduler);
        let unpark = {
            let mut inner = scheduler.inner.lock();
            match self.slices.load(Ordering::Relaxed) >= LONG {
                true => inner.behind.push_back(self),
                false => inner.ready.push_back(self),
            }
            if inner.runnable() == 1 {
                inner.unpark.clone()
            } else {
                None
            }
        };
        if let Some(unpark) = unpark {
            unpark.wake();
        }
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.yielded.store(true, Ordering::Relaxed);
        Arc::clone(self).wake();
    }
}

impl Scheduler {
    /// A new task's place, already standing in the FIFO.
    pub(crate) fn enter(self: &Arc<Self>) -> Arc<Turn> {
        let id = {
            let mut inner = self.inner.lock();
            inner.next_task += 1;
            inner.next_task
        };
        let turn = Arc::new(Turn {
            id,
            queued: AtomicBool::new(false),
            yielded: AtomicBool::new(false),
            slices: AtomicU32::new(0),
            scheduler: Arc::clone(self),
        });
        Arc::clone(&turn).wake();
        turn
    }

    /// Takes the task whose turn it is.
    pub(crate) fn next(&self) -> Option<Arc<Turn>> {
        let turn = {
            let mut inner = self.inner.lock();
            let others = !inner.ready.is_empty() && inner.passed_over < TURN_OF_THE_LAST;
            if others || inner.behind.is_empty() {
                inner.passed_over = inner.passed_over.saturating_add(1);
                inner.ready.pop_front()?
            } else {
                inner.passed_over = 0;
                inner.behind.pop_front()?
            }
        };
        turn.queued.swap(false, Ordering::AcqRel);
        Some(turn)
    }

    /// How many tasks are runnable, beside the one whose turn it is.
    pub(crate) fn ready_count(&self) -> usize {
        self.inner.lock().runnable()
    }

    /// Whether nothing is runnable.
    pub(crate) fn is_idle(&self) -> bool {
        self.inner.lock().runnable() == 0
    }

    /// Whom to wake when something becomes runnable from outside.
    pub(crate) fn set_unpark(&self, waker: Waker) {
        self.inner.lock().unpark = Some(waker);
    }

    /// Wakes every sleeper due at `now`, the earliest first.
    pub(crate) fn wake_due(&self, now: Instant) {
        loop {
            let waker = {
                let mut inner = self.inner.lock();
                match inner.sleepers.first_key_value() {
                    Some((key, _)) if key.0 <= now => inner.sleepers.pop_first(),
                    _ => return,
                }
            };
            if let Some((_, waker)) = waker {
                waker.wake();
            }
        }
    }

    /// When the earliest sleeper is due.
    pub(crate) fn poll_at(&self) -> Option<Instant> {
        self.inner
            .lock()
            .sleepers
            .first_key_value()
            .map(|(key, _)| key.0)
    }

    fn sleep(&self, at: Instant, waker: Waker) -> (Instant, u64) {
        let mut inner = self.inner.lock();
        inner.sequence += 1;
        let key = (at, inner.sequence);
        inner.sleepers.insert(key, waker);
        key
    }

    fn forget(&self, key: (Instant, u64)) {
        self.inner.lock().sleepers.remove(&key);
    }
}

/// One sleep; dropped before its time it leaves nothing behind.
#[derive(Debug)]
pub(crate) struct Sleep {
    network: crate::network::Network,
    at: Instant,
    registered: Option<(Instant, u64)>,
}

impl Sleep {
    /// A sleep that ends at `at`.
    pub(crate) fn until(network: crate::network::Network, at: Instant) -> Self {
        Self {
            network,
            at,
            registered: None,
        }
    }
}

impl Future for Sleep {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(key) = self.registered.take() {
            self.network.scheduler().forget(key);
        }
        if self.network.now() >= self.at {
            return Poll::Ready(());
        }
        let key = self.network.scheduler().sleep(self.at, cx.waker().clone());
        self.registered = Some(key);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(key) = self.registered.take() {
            self.network.scheduler().forget(key);
        }
    }
}

/// Tasks that wait for one thing. Wakes all and forgets them: whoever still waits asks again.
#[derive(Debug, Default)]
pub(crate) struct Waiters(Vec<Waker>);

impl Waiters {
    /// Remembers the asking task, once.
    pub(crate) fn register(&mut self, cx: &Context<'_>) {
        if !self.0.iter().any(|waker| waker.will_wake(cx.waker())) {
            self.0.push(cx.waker().clone());
        }
    }

    /// Wakes everybody.
    pub(crate) fn wake(&mut self) {
        for waker in self.0.drain(..) {
            waker.wake();
        }
    }

    /// Hands over everybody, to be woken when no lock is held.
    pub(crate) fn take(&mut self) -> Self {
        std::mem::take(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[allow(clippy::waker_clone_wake, reason = "a wake by value is what is tested")]
    fn a_task_stands_in_the_queue_once_however_often_it_is_woken() {
        let scheduler = Arc::new(Scheduler::default());
        let turn = scheduler.enter();
        let waker: Waker = Arc::clone(&turn).into();
        waker.clone().wake();
        waker.wake();
        assert_eq!(scheduler.next().map(|turn| turn.id()), Some(turn.id()));
        assert!(scheduler.is_idle());
    }

    #[test]
    #[allow(clippy::waker_clone_wake, reason = "a wake by value is what is tested")]
    fn only_a_wake_by_reference_counts_as_giving_up_the_turn() {
        let scheduler = Arc::new(Scheduler::default());
        let turn = scheduler.enter();
        let waker: Waker = Arc::clone(&turn).into();
        waker.clone().wake();
        assert!(!turn.take_yielded());
        waker.wake_by_ref();
        assert!(turn.take_yielded());
        assert!(!turn.take_yielded());
    }
}
