//! What may be ordered and looked at: containers, processes, files, the native tasks' sockets.
//!
//! Never gives anybody a turn; that is `runtime.rs`.

use crate::container::{Container, ContainerId, ContainerSpec, MEMORY};
use crate::executor::Sleep;
use crate::fs::Fs;
use crate::kernel::{Event, Kernel};
use crate::native::{TcpListener, TcpStream, UdpSocket};
use crate::process::{
    Exec, Exit, Order, Process, ProcessId, Spawn, SpawnError, Stdio, signal, start,
};
use crate::program::{LoadError, Program};
use crate::wasi::sockets::names::{LookupError, resolve};
use clock::{Duration, Instant};
use std::cell::RefCell;
use std::fmt;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;
use vnet::{HostId, Ipv4Addr, NetError, Origin, SocketAddrV4};

/// A native task.
pub(crate) type NativeFuture = Pin<Box<dyn Future<Output = ()>>>;

/// What may be ordered and looked at, also from within native tasks. A clone is the same runtime.
#[derive(Clone)]
pub struct Handle {
    pub(crate) kernel: Arc<Kernel>,
    pub(crate) natives: Rc<RefCell<Vec<NativeFuture>>>,
    pub(crate) next_container: Rc<RefCell<u32>>,
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
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

    /// Bounds a container anew: bytes of memory, and thousandths of a processor.
    pub fn set_limits(&self, id: ContainerId, memory: Option<u64>, cpu_millis: Option<u64>) {
        if let Some(container) = self.kernel.container(id) {
            container.memory.set_limit(memory.unwrap_or(MEMORY));
            container.processor.set_limit(cpu_millis);
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
            argv: process.argv(),
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
            shared_env: spawn.shared_env,
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
        let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0);
        self.tcp_connect_from(host, any, remote, origin).await
    }

    /// The same from an address of the machine; port 0 leaves the port to it.
    ///
    /// # Errors
    /// As `bind(2)` and `connect(2)`.
    pub async fn tcp_connect_from(
        &self,
        host: HostId,
        local: SocketAddrV4,
        remote: SocketAddrV4,
        origin: Origin,
    ) -> Result<TcpStream, NetError> {
        TcpStream::connect(&self.kernel.network, host, local, remote, origin).await
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
