//! One thread, many conversations: tasks, timers and readiness over one `poll`.
//! It never looks at a byte; `system` knows sockets, `wire` gives tasks something to await.
//!
//! ```text
//!        spawn            Pending            source ready, or time over
//!  ───► ready ───► polled ───────► waiting ──────────────┐
//!          ▲          │ Ready                            │
//!          └──────────┼──────────────────────────────────┘
//!                     ▼
//!                   gone
//! ```

pub mod dns;
#[cfg_attr(target_os = "wasi", path = "wasi.rs")]
#[cfg_attr(not(target_os = "wasi"), path = "native.rs")]
pub mod system;
pub mod wire;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use system::Source;

/// The number of a task, so that it can be cancelled.
pub type TaskId = u64;

type Work = Pin<Box<dyn Future<Output = ()>>>;
type Ready = Arc<Mutex<VecDeque<TaskId>>>;

/// Wakes one task by putting its number where the loop looks.
struct Bell {
    id: TaskId,
    rung: AtomicBool,
    ready: Ready,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.rung.swap(true, Ordering::Relaxed)
            && let Ok(mut ready) = self.ready.lock()
        {
            ready.push_back(self.id);
        }
    }
}

struct Task {
    work: Option<Work>,
    bell: Arc<Bell>,
}

struct Waiter {
    source: Option<Rc<Source>>,
    waker: Waker,
    fate: Rc<Cell<Fate>>,
    until: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Waiting,
    Ready,
    Late,
}

#[derive(Default)]
struct Loop {
    next: u64,
    tasks: BTreeMap<TaskId, Task>,
    ready: Ready,
    waiters: BTreeMap<u64, Waiter>,
    /// When which waiter has waited long enough.
    timers: BTreeMap<(u64, u64), ()>,
    /// The monotonic clock as of the last look, in nanoseconds.
    now: u64,
}

thread_local! {
    static LOOP: RefCell<Loop> = RefCell::default();
}

fn with<T>(act: impl FnOnce(&mut Loop) -> T) -> T {
    LOOP.with(|cell| act(&mut cell.borrow_mut()))
}

/// The monotonic clock as of the last wait, in nanoseconds.
pub fn now_ns() -> u64 {
    with(|state| state.now)
}

/// Starts a task beside the others.
pub fn spawn(work: impl Future<Output = ()> + 'static) -> TaskId {
    with(|state| state.add(Box::pin(work)))
}

/// Drops a task with all it holds; one that has ended is no mistake.
pub fn cancel(id: TaskId) {
    // Dropped outside of the borrow: its parts deregister themselves.
    let task = with(|state| state.tasks.remove(&id));
    drop(task);
}

/// Runs until this future is done; tasks that are left are dropped.
pub fn block_on<T>(main: impl Future<Output = T>) -> T {
    with(|state| state.now = system::monotonic_ns());
    let mut main = pin!(main);
    let bell = with(|state| state.bell());
    let waker = Waker::from(Arc::clone(&bell));
    let result = loop {
        let awake =
            bell.rung.swap(false, Ordering::Relaxed) || with(|state| state.tasks.is_empty());
        if awake && let Poll::Ready(result) = main.as_mut().poll(&mut Context::from_waker(&waker)) {
            break result;
        }
        if !run_ready(bell.id) {
            wait();
        }
    };
    let left = with(|state| {
        state.timers.clear();
        std::mem::take(&mut state.tasks)
    });
    drop(left);
    let left = with(|state| std::mem::take(&mut state.waiters));
    drop(left);
    result
}

/// Polls every task that is ready; whether anything was.
fn run_ready(main: TaskId) -> bool {
    let queue = with(|state| Arc::clone(&state.ready));
    let mut any = false;
    // Only those that are ready now: what they wake is for the next round.
    let count = queue.lock().map_or(0, |ready| ready.len());
    for _ in 0..count {
        let Some(id) = queue.lock().ok().and_then(|mut ready| ready.pop_front()) else {
            break;
        };
        any = true;
        if id != main {
            run(id);
        }
    }
    any
}

fn run(id: TaskId) {
    let found = with(|state| {
        let task = state.tasks.get_mut(&id)?;
        task.bell.rung.store(false, Ordering::Relaxed);
        Some((task.work.take()?, Arc::clone(&task.bell)))
    });
    let Some((mut work, bell)) = found else {
        return;
    };
    let waker = Waker::from(bell);
    let done = work
        .as_mut()
        .poll(&mut Context::from_waker(&waker))
        .is_ready();
    let ended = with(|state| match state.tasks.get_mut(&id) {
        Some(task) if !done => {
            task.work = Some(work);
            None
        }
        // Cancelled while it ran, or done.
        _ => {
            state.tasks.remove(&id);
            Some(work)
        }
    });
    drop(ended);
}

/// Sleeps until a source is ready or a timer is over, and wakes whoever waited for it.
fn wait() {
    let (ids, sources, timeout) = with(|state| {
        let mut ids = Vec::with_capacity(state.waiters.len());
        let mut sources = Vec::with_capacity(state.waiters.len());
        for (id, waiter) in &state.waiters {
            if let Some(source) = &waiter.source {
                ids.push(*id);
                sources.push(Rc::clone(source));
            }
        }
        let first = state.timers.keys().next();
        (
            ids,
            sources,
            first.map(|(at, _)| at.saturating_sub(state.now)),
        )
    });
    let ready = system::wait(&sources, timeout);
    let woken = with(|state| {
        state.now = system::monotonic_ns();
        let mut woken: Vec<Waker> = ready
            .into_iter()
            .filter_map(|at| state.finish(*ids.get(at)?, Fate::Ready))
            .collect();
        while let Some((at, id)) = state.timers.keys().next().copied() {
            if at > state.now {
                break;
            }
            state.timers.remove(&(at, id));
            woken.extend(state.finish(id, Fate::Late));
        }
        woken
    });
    woken.into_iter().for_each(Waker::wake);
}

impl Loop {
    fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    fn bell(&mut self) -> Arc<Bell> {
        Arc::new(Bell {
            id: self.number(),
            rung: AtomicBool::new(true),
            ready: Arc::clone(&self.ready),
        })
    }

    fn add(&mut self, work: Work) -> TaskId {
        let bell = self.bell();
        let id = bell.id;
        if let Ok(mut ready) = self.ready.lock() {
            ready.push_back(id);
        }
        self.tasks.insert(
            id,
            Task {
                work: Some(work),
                bell,
            },
        );
        id
    }

    fn finish(&mut self, id: u64, fate: Fate) -> Option<Waker> {
        let waiter = self.waiters.remove(&id)?;
        if let Some(at) = waiter.until {
            self.timers.remove(&(at, id));
        }
        waiter.fate.set(fate);
        Some(waiter.waker)
    }
}

/// Waits for a source, or for a moment of the monotonic clock; `true` when the source was first.
#[derive(Debug)]
pub struct Wait {
    source: Option<Rc<Source>>,
    until: Option<u64>,
    entry: Option<(u64, Rc<Cell<Fate>>)>,
}

/// Waits for a source until a moment.
pub fn wait_for(source: Rc<Source>, until: Option<u64>) -> Wait {
    Wait {
        source: Some(source),
        until,
        entry: None,
    }
}

/// Waits for so many milliseconds.
pub fn sleep(milliseconds: u64) -> Wait {
    Wait {
        source: None,
        until: Some(now_ns().saturating_add(milliseconds.saturating_mul(1_000_000))),
        entry: None,
    }
}

impl Future for Wait {
    type Output = bool;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<bool> {
        if let Some((id, fate)) = &self.entry {
            match fate.get() {
                Fate::Waiting => {
                    with(|state| {
                        if let Some(waiter) = state.waiters.get_mut(id) {
                            waiter.waker.clone_from(context.waker());
                        }
                    });
                    return Poll::Pending;
                }
                fate => {
                    self.entry = None;
                    return Poll::Ready(fate == Fate::Ready);
                }
            }
        }
        let fate = Rc::new(Cell::new(Fate::Waiting));
        let (source, until) = (self.source.clone(), self.until);
        let id = with(|state| {
            let id = state.number();
            if let Some(at) = until {
                state.timers.insert((at, id), ());
            }
            let waiter = Waiter {
                source,
                waker: context.waker().clone(),
                fate: Rc::clone(&fate),
                until,
            };
            state.waiters.insert(id, waiter);
            id
        });
        self.entry = Some((id, fate));
        Poll::Pending
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        if let Some((id, _)) = &self.entry {
            let waiter = LOOP
                .try_with(|cell| {
                    let mut state = cell.borrow_mut();
                    if let Some(at) = self.until {
                        state.timers.remove(&(at, *id));
                    }
                    state.waiters.remove(id)
                })
                .ok();
            drop(waiter);
        }
    }
}

/// Waits for either of two sources, so many milliseconds at most; whether one was ready.
pub async fn either(one: Rc<Source>, other: Rc<Source>, patience_ms: u64) -> bool {
    let until = now_ns().saturating_add(patience_ms.saturating_mul(1_000_000));
    let mut one = pin!(wait_for(one, Some(until)));
    let mut other = pin!(wait_for(other, Some(until)));
    std::future::poll_fn(|context| match one.as_mut().poll(context) {
        Poll::Ready(ready) => Poll::Ready(ready),
        Poll::Pending => other.as_mut().poll(context),
    })
    .await
}
