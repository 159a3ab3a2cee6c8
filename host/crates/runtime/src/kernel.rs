//! What every process and the host share: containers, programs, the network, what has happened.
//!
//! Never runs anything itself; that is `runtime.rs`.

use crate::container::{Container, ContainerId};
use crate::network::Network;
use crate::process::{Arrival, Exit, Outcome, Process, ProcessId};
use crate::program::Loader;
use clock::Seed;
use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;

/// What the host should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A process that the host started has ended.
    Exited {
        /// Which.
        process: ProcessId,
        /// How.
        exit: Exit,
        /// Whether because its container had no memory left.
        oom: bool,
    },
}

pub(crate) struct Kernel {
    pub(crate) network: Network,
    pub(crate) loader: Loader,
    pub(crate) seed: Seed,
    /// Unix time when virtual time began.
    pub(crate) epoch_secs: u64,
    pub(crate) containers: Mutex<BTreeMap<ContainerId, Arc<Container>>>,
    pub(crate) arrivals: Mutex<Vec<Arrival>>,
    pub(crate) events: Mutex<VecDeque<Event>>,
}

impl fmt::Debug for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kernel").finish_non_exhaustive()
    }
}

impl Kernel {
    pub(crate) fn container(&self, id: ContainerId) -> Option<Arc<Container>> {
        self.containers.lock().get(&id).cloned()
    }

    pub(crate) fn process(&self, id: ProcessId) -> Option<Arc<Process>> {
        self.container(id.container)?.process(id.pid)
    }

    /// Unix time, in nanoseconds.
    pub(crate) fn unix_nanos(&self) -> u64 {
        self.epoch_secs * 1_000_000_000 + self.network.now().as_nanos()
    }

    /// Whatever `process` held is gone; now its end is told.
    pub(crate) fn finish(&self, container: &Container, process: &Process, outcome: Outcome) {
        process.finish(outcome.exit);
        container.remove(process);
        if process.reported {
            let id = ProcessId {
                container: container.id,
                pid: process.pid,
            };
            let event = Event::Exited {
                process: id,
                exit: outcome.exit,
                oom: outcome.oom,
            };
            self.events.lock().push_back(event);
        }
    }
}
