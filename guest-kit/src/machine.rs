//! What the machine knows and WASI does not say.

use std::time::Duration;

use crate::system;

/// The host name of the container.
pub fn hostname() -> String {
    system::hostname()
}

/// The addresses of the container's network: interface, address, prefix length.
pub fn addresses() -> Vec<(String, String, u8)> {
    system::addresses()
}

/// How the machine and the container are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Since the machine started.
    pub uptime: Duration,
    /// How many processes wanted the processor, averaged over 1, 5 and 15 minutes, in hundredths.
    pub load: [u32; 3],
    /// Bytes of memory that the container's processes may have together.
    pub memory_limit: u64,
    /// Bytes that they have.
    pub memory_used: u64,
    /// How many processes the container may have at once.
    pub processes_max: u32,
    /// The id of the process started last.
    pub last_pid: u32,
}

/// How the machine and the container are now.
pub fn stats() -> Stats {
    system::stats()
}

/// A mounted file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Where; `/` is the container's own.
    pub path: String,
    /// Whether nothing can be written there.
    pub read_only: bool,
    /// How many bytes may be written on top of the image.
    pub size: u64,
    /// How many were.
    pub used: u64,
}

/// What is mounted, the container's own file system first.
pub fn mounts() -> Vec<Mount> {
    system::mounts()
}
