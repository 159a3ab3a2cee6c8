//! A container: files, a place on the network, a bounded set of processes.
//!
//! Never knows why it exists: pods, images and restarts are others' words.

use crate::fs::Fs;
use crate::process::{Process, signal};
use crate::processor::Processor;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use vnet::{HostId, Origin};

/// What a container may have of memory unless somebody says otherwise.
pub(crate) const MEMORY: u64 = 256 << 20;

/// Names a container; numbers are not used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ContainerId(pub(crate) u32);

impl ContainerId {
    /// The number behind the name.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

/// What a container is made of.
#[derive(Clone, Debug)]
pub struct ContainerSpec {
    /// Its name, for messages and as the source of its randomness.
    pub name: String,
    /// The machine whose sockets its programs use.
    pub host: HostId,
    /// What its programs see as the host name.
    pub hostname: String,
    /// Its files.
    pub fs: Fs,
    /// How many bytes of memory its processes may have together.
    pub memory_limit: u64,
    /// How much of the processor they may use together, in thousandths of one.
    pub cpu_millis: Option<u64>,
    /// How many processes it may have at once.
    pub processes_max: usize,
    /// How much fuel, that is nanoseconds of processor time, each process may use.
    pub fuel_limit: u64,
    /// Whose packets its programs send.
    pub origin: Origin,
}

impl ContainerSpec {
    /// A container with the usual bounds: 256 MiB, 1,000 processes, an hour of processor time each.
    #[must_use]
    pub fn new(name: &str, host: HostId, fs: Fs) -> Self {
        Self {
            name: name.to_owned(),
            host,
            hostname: name.to_owned(),
            fs,
            memory_limit: MEMORY,
            cpu_millis: None,
            processes_max: 1_000,
            fuel_limit: 3_600_000_000_000,
            origin: Origin::Program,
        }
    }
}

/// A container and its processes.
#[derive(Debug)]
pub(crate) struct Container {
    pub(crate) id: ContainerId,
    pub(crate) spec: ContainerSpec,
    pub(crate) memory: Arc<Memory>,
    pub(crate) processor: Arc<Processor>,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    processes: BTreeMap<u32, Arc<Process>>,
    last_pid: u32,
    ended: bool,
}

/// What the processes of a container have of its memory.
#[derive(Debug)]
pub(crate) struct Memory {
    used: AtomicU64,
    limit: AtomicU64,
}

impl Memory {
    /// Takes this much more, if it is there.
    pub(crate) fn take(&self, bytes: u64) -> bool {
        let used = self.used.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if used <= self.limit() {
            return true;
        }
        self.give_back(bytes);
        false
    }

    pub(crate) fn give_back(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(crate) fn limit(&self) -> u64 {
        self.limit.load(Ordering::Relaxed)
    }

    /// Sets another bound; who has more keeps it and gets no more.
    pub(crate) fn set_limit(&self, limit: u64) {
        self.limit.store(limit, Ordering::Relaxed);
    }

    pub(crate) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }
}

/// Why a container takes no further process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    TooMany,
    Ended,
}

impl Container {
    pub(crate) fn new(id: ContainerId, spec: ContainerSpec) -> Self {
        let memory = Memory {
            used: AtomicU64::new(0),
            limit: AtomicU64::new(spec.memory_limit),
        };
        let processor = Processor::new(spec.cpu_millis);
        Self {
            id,
            spec,
            memory: Arc::new(memory),
            processor: Arc::new(processor),
            table: Mutex::default(),
        }
    }

    /// Adds the process `make` builds from its id.
    pub(crate) fn add(
        &self,
        make: impl FnOnce(u32) -> Arc<Process>,
    ) -> Result<Arc<Process>, Refused> {
        let mut table = self.table.lock();
        if table.ended {
            return Err(Refused::Ended);
        }
        if table.processes.len() >= self.spec.processes_max {
            return Err(Refused::TooMany);
        }
        table.last_pid += 1;
        let pid = table.last_pid;
        let process = make(pid);
        table.processes.insert(pid, Arc::clone(&process));
        Ok(process)
    }

    pub(crate) fn process(&self, pid: u32) -> Option<Arc<Process>> {
        self.table.lock().processes.get(&pid).cloned()
    }

    /// The number of the process that was started last.
    pub(crate) fn last_pid(&self) -> u32 {
        self.table.lock().last_pid
    }

    pub(crate) fn processes(&self) -> Vec<Arc<Process>> {
        self.table.lock().processes.values().cloned().collect()
    }

    /// A process has ended: its children get process 1 as their parent, its parent a signal, and
    /// the end of process 1 is the end of all.
    pub(crate) fn remove(&self, process: &Process) {
        let others: Vec<_> = {
            let mut table = self.table.lock();
            table.processes.remove(&process.pid);
            table.ended |= process.pid == 1;
            table.processes.values().cloned().collect()
        };
        for other in others {
            if process.pid == 1 {
                other.signal(signal::KILL);
            }
            if other.parent() == process.pid {
                other.adopt(1);
            }
            if other.pid == process.parent() {
                other.signal(signal::CHLD);
            }
        }
    }

    /// Ends every process, and no other starts.
    pub(crate) fn end(&self) {
        self.table.lock().ended = true;
        for process in self.processes() {
            process.signal(signal::KILL);
        }
    }
}
