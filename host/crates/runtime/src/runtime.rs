//! The runtime as its owner sees it: containers and processes to order, turns to give.

use crate::container::{Container, ContainerId, ContainerSpec};
use crate::executor::{Sleep, TaskId, Turn};
use crate::fs::Fs;
use crate::kernel::{Event, Kernel};
use crate::native::{TcpListener, TcpStream, UdpSocket};
use crate::network::{Network, SharedNet};
use crate::process::{
    Exec, Exit, Order, Outcome, Process, ProcessFuture, ProcessId, Spawn, SpawnError, Stdio,
    signal, start,
};
use crate::program::{LoadError, Loader, Program};
use crate::wasi::sockets::names::{LookupError, resolve};
use clock::{Duration, Instant, Seed};
use parking_lot::Mutex;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use vnet::{HostId, Ipv4Addr, NetError, Origin, SocketAddrV4};

/// A native task.
type NativeFuture = Pin<Box<dyn Future<Output = ()>>>;

/// What may be ordered and looked at, also from within native tasks. A clone is the same runtime.
#[derive(Clone)]
pub struct Handle {
    kernel: Arc<Kernel>,
    natives: Rc<RefCell<Vec<NativeFuture>>>,
    next_container: Rc<RefCell<u32>>,
}

/// A runtime: a [`Handle`] that also gives turns.
pub struct Runtime {
    handle: Handle,
    tasks: BTreeMap<TaskId, Task>,
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
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

/// A process as `ps` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessInfo {
    /// Its number.
    pub pid: u32,
    /// The number of the process that started it; 0 is the host.
    pub parent: u32,
    /// Its arguments.
    pub argv: Vec<String>,
}

impl Handle {
    /// Compiles a WebAssembly component that somebody brought.
    ///
    /// # Errors
    /// When the bytes are no component, or one that wants what no program here gets.
    pub fn compile(&self, component: &[u8]) -> Result<Program, LoadError> {
        self.kernel.loader.compile(component)
    }

    /// Loads machine code that this binary's build script made of a component.
    ///
    /// # Errors
    /// When it was made by another version or configuration.
    pub fn load_precompiled(&self, code: &'static [u8]) -> Result<Program, LoadError> {
        self.kernel.loader.load_precompiled(code)
    }

    /// Unix time now, in nanoseconds; files made by the host are dated with it.
    #[must_use]
    pub fn unix_nanos(&self) -> u64 {
        self.kernel.unix_nanos()
    }

    /// The present of virtual time.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.kernel.network.now()
    }

    /// A future that ends this much later in virtual time.
    pub fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + use<> {
        self.kernel.network.sleep(duration)
    }

    /// A future that ends at this instant of virtual time.
    pub fn sleep_until(&self, at: Instant) -> impl Future<Output = ()> + use<> {
        Sleep::until(self.kernel.network.clone(), at)
    }

    /// Gives a native task its place among the programs.
    pub fn spawn_native(&self, task: impl Future<Output = ()> + 'static) {
        self.natives.borrow_mut().push(Box::pin(task));
    }

    /// Whom to wake when something becomes runnable while the runtime is idle: a keystroke has
    /// arrived from another thread. It may be called with locks held and must only make a note.
    pub fn set_unpark(&self, waker: Waker) {
        self.kernel.network.scheduler().set_unpark(waker);
    }

    /// Makes a container; nothing runs in it yet.
    pub fn create_container(&self, spec: ContainerSpec) -> ContainerId {
        let mut next = self.next_container.borrow_mut();
        *next += 1;
        let id = ContainerId(*next);
        self.kernel
            .containers
            .lock()
            .insert(id, Arc::new(Container::new(id, spec)));
        id
    }

    /// Ends every process of a container and forgets it; the ends are still told.
    pub fn remove_container(&self, id: ContainerId) {
        let container = self.kernel.containers.lock().remove(&id);
        if let Some(container) = container {
            container.end();
        }
    }

    /// Ends every process of a container.
    pub fn kill_container(&self, id: ContainerId) {
        if let Some(container) = self.kernel.container(id) {
            container.end();
        }
    }

    /// A container's files.
    #[must_use]
    pub fn fs(&self, id: ContainerId) -> Option<Fs> {
        Some(self.kernel.container(id)?.spec.fs.clone())
    }

    /// How many bytes of memory a container's processes have.
    #[must_use]
    pub fn memory_used(&self, id: ContainerId) -> Option<u64> {
        Some(self.kernel.container(id)?.memory.used())
    }

    /// A container's processes, by number.
    #[must_use]
    pub fn processes(&self, id: ContainerId) -> Vec<ProcessInfo> {
        let Some(container) = self.kernel.container(id) else {
            return Vec::new();
        };
        let info = |process: &Arc<Process>| ProcessInfo {
            pid: process.pid,
            parent: process.parent(),
            argv: process.argv.clone(),
        };
        container.processes().iter().map(info).collect()
    }

    /// Starts a process; the first of a container is its main process, whose end is the end of all.
    ///
    /// # Errors
    /// When there is no such program or container, or no room for another process.
    pub fn spawn(&self, id: ContainerId, spawn: Spawn) -> Result<ProcessId, SpawnError> {
        let container = self.kernel.container(id).ok_or(SpawnError::NotRunning)?;
        let stdio = Stdio {
            stdin: spawn.stdin,
            stdout: spawn.stdout,
            stderr: spawn.stderr,
        };
        let order = Order {
            exec: spawn.exec,
            argv: spawn.argv,
            env: spawn.env,
            cwd: spawn.cwd,
            stdio,
            parent: 0,
            ignored: signal::Set::default(),
            reported: true,
        };
        let process = start(&self.kernel, &container, order)?;
        Ok(ProcessId {
            container: id,
            pid: process.pid,
        })
    }

    /// Starts a program that need not be in the container.
    ///
    /// # Errors
    /// As [`spawn`](Self::spawn).
    pub fn spawn_program(
        &self,
        id: ContainerId,
        program: &Program,
        spawn: Spawn,
    ) -> Result<ProcessId, SpawnError> {
        self.spawn(
            id,
            Spawn {
                exec: Exec::Program(program.clone()),
                ..spawn
            },
        )
    }

    /// Sends a signal; false when there is no such process.
    pub fn signal(&self, id: ProcessId, signal: u8) -> bool {
        let process = self.kernel.process(id);
        if let Some(process) = &process {
            process.signal(signal);
        }
        process.is_some()
    }

    /// Waits for a process to end; `None` when there is no such process (any more).
    pub fn wait(&self, id: ProcessId) -> impl Future<Output = Option<Exit>> + use<> {
        let process = self.kernel.process(id);
        async move {
            let process = process?;
            Some(std::future::poll_fn(|cx| process.poll_exit(cx)).await)
        }
    }

    /// What has happened since it was last asked.
    #[must_use]
    pub fn poll_event(&self) -> Option<Event> {
        self.kernel.events.lock().pop_front()
    }

    /// Opens a connection from a machine, for a native task.
    ///
    /// # Errors
    /// As `connect(2)`.
    pub async fn tcp_connect(
        &self,
        host: HostId,
        remote: SocketAddrV4,
        origin: Origin,
    ) -> Result<TcpStream, NetError> {
        TcpStream::connect(&self.kernel.network, host, remote, origin).await
    }

    /// Listens on a machine, for a native task.
    ///
    /// # Errors
    /// As `bind(2)` and `listen(2)`.
    pub fn tcp_listen(
        &self,
        host: HostId,
        local: SocketAddrV4,
        backlog: usize,
    ) -> Result<TcpListener, NetError> {
        TcpListener::listen(&self.kernel.network, host, local, backlog)
    }

    /// A datagram socket of a machine, for a native task.
    ///
    /// # Errors
    /// As `bind(2)`.
    pub fn udp_bind(
        &self,
        host: HostId,
        local: SocketAddrV4,
        origin: Origin,
    ) -> Result<UdpSocket, NetError> {
        UdpSocket::bind(&self.kernel.network, host, local, origin)
    }

    /// Looks a name up as a program of this container would.
    ///
    /// # Errors
    /// As `getaddrinfo(3)`; a container that is gone resolves nothing.
    pub async fn resolve(&self, id: ContainerId, name: &str) -> Result<Vec<Ipv4Addr>, LookupError> {
        let container = self.kernel.container(id).ok_or(LookupError::Temporary)?;
        // Any number will do; this one is a function of the world.
        let id = self.now().as_micros().to_le_bytes();
        let id = u16::from_le_bytes([id[0], id[1]]);
        resolve(&self.kernel.network, &container.spec, id, name).await
    }
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
            self.tasks.insert(arrival.turn.id(), Task { waker, job });
        }
        let natives = self.handle.natives.take();
        for native in natives {
            let turn = self.handle.kernel.network.scheduler().enter();
            let waker = Waker::from(Arc::clone(&turn));
            self.tasks.insert(
                turn.id(),
                Task {
                    waker,
                    job: Job::Native(native),
                },
            );
        }
    }

    fn give(&mut self, turn: &Arc<Turn>) {
        let Some(task) = self.tasks.get_mut(&turn.id()) else {
            return;
        };
        let mut cx = Context::from_waker(&task.waker);
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
                    if turn.take_yielded() {
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

impl Drop for Runtime {
    fn drop(&mut self) {
        // Processes hold sockets and containers; tasks hold handles. All go with the tasks.
        self.tasks.clear();
        self.handle.kernel.arrivals.lock().clear();
        self.handle.natives.borrow_mut().clear();
    }
}
