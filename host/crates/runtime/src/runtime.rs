//! The runtime as its owner sees it: a handle to order by, and turns to give.
//!
//! Never decides who comes next; that is the order of `executor.rs`.

use crate::container::Container;
use crate::executor::{Sleep, TaskId, Turn};
use crate::handle::{Handle, NativeFuture};
use crate::kernel::Kernel;
use crate::network::{Network, SharedNet};
use crate::process::{Exit, Outcome, Process, ProcessFuture, signal};
use crate::program::Loader;
use clock::{Instant, Seed};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// A runtime: a [`Handle`] that also gives turns.
pub struct Runtime {
    handle: Handle,
    tasks: BTreeMap<TaskId, Task>,
}

impl fmt::Debug for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runtime")
            .field("tasks", &self.tasks.len())
            .finish_non_exhaustive()
    }
}

struct Task {
    waker: Waker,
    job: Job,
    /// The wait for a container's next share of the processor.
    held: Option<Sleep>,
}

impl Task {
    const fn new(waker: Waker, job: Job) -> Self {
        Self {
            waker,
            job,
            held: None,
        }
    }

    /// Whether its container has used up its share; then it comes back when there is more.
    fn is_held(&mut self, network: &Network, cx: &mut Context<'_>) -> bool {
        let Job::Process {
            container, process, ..
        } = &self.job
        else {
            return false;
        };
        if process.doom().is_some() {
            return false;
        }
        self.held = container
            .processor
            .held_until(network.now())
            .map(|until| Sleep::until(network.clone(), until));
        let held = self.held.as_mut();
        held.is_some_and(|held| Pin::new(held).poll(cx).is_pending())
    }
}

enum Job {
    Process {
        container: Arc<Container>,
        process: Arc<Process>,
        future: ProcessFuture,
    },
    Native(NativeFuture),
}

/// Why [`Runtime::run`] came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ran {
    /// Nothing is runnable.
    Idle,
    /// The clock has reached the instant given.
    Due,
    /// The turns given are used up and something is still runnable.
    Busy,
}

impl Runtime {
    /// A runtime on this network. Virtual time zero is `epoch_unix_secs` of Unix time for programs.
    ///
    /// # Errors
    /// When the host's processor is not one programs can be compiled for.
    pub fn new(seed: Seed, net: SharedNet, epoch_unix_secs: u64) -> wasmtime::Result<Self> {
        let kernel = Kernel {
            network: Network::new(net),
            loader: Loader::new()?,
            seed: seed.derive("runtime"),
            epoch_secs: epoch_unix_secs,
            containers: Mutex::default(),
            arrivals: Mutex::default(),
            events: Mutex::default(),
        };
        let handle = Handle {
            kernel: Arc::new(kernel),
            natives: Rc::default(),
            next_container: Rc::default(),
        };
        Ok(Self {
            handle,
            tasks: BTreeMap::new(),
        })
    }

    /// A handle for native tasks and the rest of the shell.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Gives turns until nothing is runnable, the clock reaches `until`, or `turns` are used up.
    ///
    /// Programs move the clock while they run; the network and sleepers due on the way are served.
    pub fn run(&mut self, until: Option<Instant>, turns: usize) -> Ran {
        let mut now = self.handle.kernel.network.catch_up();
        for _ in 0..turns {
            self.adopt();
            if self.handle.kernel.network.scheduler().is_idle() {
                return Ran::Idle;
            }
            if until.is_some_and(|until| now >= until) {
                return Ran::Due;
            }
            if let Some(turn) = self.handle.kernel.network.scheduler().next() {
                self.give(&turn);
            }
            now = self.handle.kernel.network.catch_up();
        }
        self.adopt();
        if self.handle.kernel.network.scheduler().is_idle() {
            Ran::Idle
        } else {
            Ran::Busy
        }
    }

    /// When the network or the earliest sleeper next wants [`run`](Self::run) to be called.
    #[must_use]
    pub fn poll_at(&self) -> Option<Instant> {
        self.handle.kernel.network.poll_at()
    }

    /// How many tasks there are, sleeping ones included.
    #[must_use]
    pub fn task_count(&self) -> usize {
        self.tasks.len()
    }

    /// Takes in what was started since the last turn.
    fn adopt(&mut self) {
        let arrivals = std::mem::take(&mut *self.handle.kernel.arrivals.lock());
        for arrival in arrivals {
            let waker = Waker::from(Arc::clone(&arrival.turn));
            let job = Job::Process {
                container: arrival.container,
                process: arrival.process,
                future: arrival.future,
            };
            self.tasks.insert(arrival.turn.id(), Task::new(waker, job));
        }
        let natives = self.handle.natives.take();
        for native in natives {
            let turn = self.handle.kernel.network.scheduler().enter();
            let waker = Waker::from(Arc::clone(&turn));
            self.tasks
                .insert(turn.id(), Task::new(waker, Job::Native(native)));
        }
    }

    fn give(&mut self, turn: &Arc<Turn>) {
        let Some(task) = self.tasks.get_mut(&turn.id()) else {
            return;
        };
        let waker = task.waker.clone();
        let mut cx = Context::from_waker(&waker);
        if task.is_held(&self.handle.kernel.network, &mut cx) {
            return;
        }
        let ended = match &mut task.job {
            Job::Native(future) => future.as_mut().poll(&mut cx).is_ready(),
            Job::Process { process, .. } if process.doom().is_some() => true,
            Job::Process {
                process,
                future,
                container,
            } => match future.as_mut().poll(&mut cx) {
                Poll::Ready(outcome) => {
                    let (container, process) = (Arc::clone(container), Arc::clone(process));
                    self.tasks.remove(&turn.id());
                    self.handle.kernel.finish(&container, &process, outcome);
                    return;
                }
                Poll::Pending => {
                    let used_up = turn.take_yielded();
                    turn.note(used_up);
                    if used_up {
                        process.meter.used_slice();
                    }
                    false
                }
            },
        };
        if ended {
            self.take_down(turn.id());
        }
    }

    /// Ends a task that is done or doomed; a process first lets go of everything it held.
    fn take_down(&mut self, id: TaskId) {
        let Some(Task { job, .. }) = self.tasks.remove(&id) else {
            return;
        };
        let Job::Process {
            container,
            process,
            future,
        } = job
        else {
            return;
        };
        drop(future);
        let exit = Exit::Signal(process.doom().unwrap_or(signal::KILL));
        self.handle
            .kernel
            .finish(&container, &process, Outcome { exit, oom: false });
    }
}

impl Deref for Runtime {
    type Target = Handle;
    fn deref(&self) -> &Handle {
        &self.handle
    }
}

impl Runtime {
    /// Ends everything at once: processes and native tasks are dropped where they stand.
    ///
    /// Whoever is held by a native task and holds the runtime is freed by nothing else.
    pub fn end(&mut self) {
        // Processes hold sockets and containers; tasks hold handles. All go with the tasks.
        self.tasks.clear();
        self.handle.kernel.arrivals.lock().clear();
        let natives = std::mem::take(&mut *self.handle.natives.borrow_mut());
        drop(natives);
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        self.end();
    }
}
