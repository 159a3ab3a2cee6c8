//! What can be broken in a world, and how it is mended.
//!
//! Every fault does what its cause would do: a node loses power, a cable loses packets, a registry
//! loses an image. Never touches an object to make something look broken, with the one exception
//! that an operator would make too: cluster DNS is scaled away.

mod toll;

pub use toll::{Toll, Way};

use clock::{Duration, Instant};
use std::collections::BTreeMap;
use std::fmt;
use vnet::{Cable, HostId, Net};

/// How many faults last at once.
pub const FAULTS_MAX: usize = 256;

/// Something broken.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// A node has no power.
    NodeDown {
        /// The node.
        node: String,
    },
    /// A Pod's main processes are killed, once: there is nothing to mend.
    PodKill {
        /// The Pod's namespace.
        namespace: String,
        /// The Pod.
        pod: String,
    },
    /// A machine's cable takes a toll of what passes.
    Link {
        /// Whose cable.
        machine: Machine,
        /// What it takes.
        toll: Toll,
        /// Out of the machine, into it, or both.
        way: Way,
    },
    /// Cluster DNS is scaled to nothing.
    DnsDown,
    /// An image is gone from the registry; nodes that have it keep it.
    ImageMissing {
        /// The image, as a Pod would name it.
        image: String,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NodeDown { node } => write!(f, "{node} has no power"),
            Self::PodKill { namespace, pod } => write!(f, "{namespace}/{pod} was killed"),
            Self::Link { machine, toll, way } => write!(f, "the link of {machine}: {toll}{way}"),
            Self::DnsDown => f.write_str("cluster DNS is scaled to nothing"),
            Self::ImageMissing { image } => write!(f, "no registry has {image}"),
        }
    }
}

/// Whose cable a fault is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Machine {
    /// A node or a machine outside the cluster, by name.
    Named(String),
    /// A Pod, as long as it lives.
    Pod {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(name) => f.write_str(name),
            Self::Pod { namespace, name } => write!(f, "pod {namespace}/{name}"),
        }
    }
}

/// A fault that lasts.
#[derive(Clone, Debug, PartialEq)]
pub struct Lasting {
    /// What is broken.
    pub fault: Fault,
    /// When it heals by itself.
    pub until: Option<Instant>,
    /// What mending it needs to know.
    pub(crate) before: Before,
}

/// How something was before it broke.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Before {
    /// Nothing to remember.
    Plain,
    /// The machine whose cable it is.
    Host(HostId),
    /// How many Pods cluster DNS had.
    Replicas(i64),
}

/// The faults that last, by name.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    pub(crate) lasting: BTreeMap<String, Lasting>,
    /// The cables as they were before the first toll on them.
    whole: BTreeMap<HostId, [Cable; 2]>,
}

impl Faults {
    /// When the next fault heals by itself.
    pub(crate) fn poll_at(&self) -> Option<Instant> {
        self.lasting
            .values()
            .filter_map(|lasting| lasting.until)
            .min()
    }

    /// The faults that heal by itself at `now`.
    pub(crate) fn due(&self, now: Instant) -> Vec<String> {
        let due = self.lasting.iter();
        due.filter(|(_, lasting)| lasting.until.is_some_and(|until| until <= now))
            .map(|(name, _)| name.clone())
            .collect()
    }

    /// Makes a machine's cable what all tolls on it leave of the whole one.
    pub(crate) fn wire(&mut self, now: Instant, net: &mut Net, host: HostId) {
        let Some(present) = net.cables(host) else {
            self.whole.remove(&host);
            return;
        };
        let whole = *self.whole.entry(host).or_insert(present);
        let mut cables = whole;
        let mut any = false;
        for lasting in self.lasting.values() {
            if let (Fault::Link { toll, way, .. }, Before::Host(at)) =
                (&lasting.fault, &lasting.before)
                && *at == host
            {
                any = true;
                for (cable, taken) in cables.iter_mut().zip(way.lanes()) {
                    if taken {
                        toll.take(cable);
                    }
                }
            }
        }
        if !any {
            self.whole.remove(&host);
        }
        net.set_cables(now, host, cables[0], cables[1]);
    }

    /// Takes note of a fault; when it heals by itself is counted from `now`.
    pub(crate) fn keep(
        &mut self,
        now: Instant,
        name: String,
        fault: Fault,
        lasting: Option<Duration>,
        before: Before,
    ) {
        let until = lasting.map(|lasting| now + lasting);
        self.lasting.insert(
            name,
            Lasting {
                fault,
                until,
                before,
            },
        );
    }
}
