//! What turns wishes into facts: each controller reads a snapshot and one key, and returns writes.
//!
//! A controller holds nothing between calls, and asked twice it writes nothing the second time.
//! Never touches the store itself: [`Manager`] applies the writes, stamped by the registry. Start
//! reading at [`Controller`], then [`Manager`], then [`deployment`] as the longest story.

mod history;
mod index;
mod manager;
pub(crate) mod meta;
pub(crate) mod pods;
mod recorder;
mod write;

pub mod aggregation;
pub mod autoscale;
pub mod cronjob;
pub mod daemonset;
pub mod deployment;
pub mod disruption;
pub mod endpoints;
pub mod endpointslice;
pub mod eviction;
pub mod gc;
pub mod ingress;
pub mod ipaddress;
pub mod job;
pub mod leases;
pub mod loadbalancer;
pub mod mirror;
pub mod namespace;
pub mod node;
pub mod podgc;
pub mod quota;
pub mod replicaset;
pub mod service;
pub mod statefulset;
pub mod volume;

pub use index::Index;
pub use manager::Manager;
pub use write::{Note, Tone, Write};

use crate::store::{Event, Key, Store};
use clock::{Duration, Instant};

/// What a controller may know besides the objects.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The time.
    pub now: Instant,
    /// The calendar at `Instant::ZERO`, in unix seconds.
    pub epoch: i64,
    /// Which objects belong to which.
    pub index: &'a Index,
}

impl Context<'_> {
    /// The time as `metav1.Time`.
    #[must_use]
    pub fn time(&self) -> String {
        crate::registry::time(self.epoch, self.now)
    }

    /// The time in whole unix seconds, as the times on objects have it.
    #[must_use]
    pub fn unix(&self) -> i64 {
        self.epoch + i64::try_from(self.now.as_secs()).unwrap_or(i64::MAX)
    }
}

/// A loop of Kubernetes' controller manager, as a function of a snapshot.
pub trait Controller: std::fmt::Debug + Send {
    /// Its name, as upstream has it in Events.
    fn name(&self) -> &'static str;
    /// How long after one look an event may bring about the next, so that a crowd of pods is looked at
    /// together instead of one by one.
    fn pace(&self, _store: &Store) -> Duration {
        Duration::ZERO
    }
    /// Which keys an event makes worth looking at again.
    fn wakes(&self, event: &Event, store: &Store, index: &Index) -> Vec<Key>;
    /// What to write so that the world comes closer to what the object under `key` wishes.
    fn reconcile(&self, store: &Store, key: &Key, context: &Context<'_>) -> Vec<Write>;
}

/// The pace of those who look at many pods at once: none in a small cluster.
pub(crate) fn pace_of_crowds(store: &Store) -> Duration {
    if store.count("pods") > 100 {
        Duration::from_millis(100)
    } else {
        Duration::ZERO
    }
}
