//! Everything a world may ask of the outside.

use clock::Duration;
use cluster::kubelet::{FilesUpdate, PodRef, ProbeKind, StartContainer};
use vnet::HostId;

/// One thing the outside must now do.
#[derive(Clone, Debug)]
pub enum Output {
    /// A Pod has a machine of its own on the network; containers of it will follow.
    PodUp {
        /// The Pod.
        pod: PodRef,
        /// Its machine.
        host: HostId,
        /// The machine's name.
        hostname: String,
        /// The text of `/etc/resolv.conf`.
        resolv_conf: String,
        /// The text of `/etc/hosts`.
        hosts: String,
    },
    /// A Pod's machine is gone: end whatever still runs on it. Nobody waits for reports.
    PodDown {
        /// The Pod.
        pod: PodRef,
    },
    /// Start a container and report `Started` or `StartFailed`, and later `Exited`.
    Start(StartContainer),
    /// Send a signal to a container's first process.
    Signal {
        /// The Pod.
        pod: PodRef,
        /// The container.
        container: String,
        /// Which of its starts is meant; an older one is ignored.
        attempt: u32,
        /// The signal's number.
        signal: u8,
    },
    /// Probe a container and report the outcome under this number.
    Probe {
        /// The number.
        id: u64,
        /// The node whose kubelet probes.
        from: HostId,
        /// The Pod.
        pod: PodRef,
        /// The container.
        container: String,
        /// How.
        probe: ProbeKind,
        /// When to give up.
        timeout: Duration,
    },
    /// Replace the files of a mount of a running container; an older start is ignored.
    UpdateFiles(FilesUpdate),
    /// Remove a lasting directory: its volume is deleted.
    DropVolume {
        /// The key that mounts had for it.
        key: String,
    },
    /// Bound a running container anew; an older start is ignored.
    SetLimits {
        /// The Pod.
        pod: PodRef,
        /// The container.
        container: String,
        /// Which of its starts is meant.
        attempt: u32,
        /// The most memory it may use from now on, in bytes.
        memory: Option<u64>,
        /// The most processor time it may use from now on, in thousandths of a processor.
        cpu_millis: Option<u64>,
    },
    /// What must listen all the time has changed: see [`crate::World::forwards`].
    Forwards,
    /// A node has power again: its machine boots.
    NodeUp {
        /// The node.
        node: String,
    },
    /// A node lost power: whatever ran on it is gone.
    NodeDown {
        /// The node.
        node: String,
    },
}
