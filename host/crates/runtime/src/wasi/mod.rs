//! What a program may call: WASI 0.2 on our own files, sockets, clocks and chance, and `wit/`.
//!
//! One interface, one file, named alike; `bindings.rs` is only generated code. Only `wasi:io`
//! comes from elsewhere: the other stock implementations reach the host or start a runtime.
//! A program's mistake is an error code; a trap is for what no program should meet.

pub(crate) mod bindings;
pub(crate) mod capture;
pub(crate) mod cli;
mod clocks;
pub(crate) mod filesystem;
pub(crate) mod icmp;
mod network;
mod proc;
pub(crate) mod process;
mod random;
pub(crate) mod sockets;

use crate::container::{Container, Memory};
use crate::kernel::Kernel;
use crate::process::{Order, Process, SharedEnv, Stdio, Successor};
use clock::Stream;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use wasmtime::component::{HasSelf, Linker, ResourceTable};
use wasmtime::{ResourceLimiter, Result};
use wasmtime_wasi_io::IoView;

/// How many streams, sockets, files and pollables a process may hold.
const RESOURCES_MAX: usize = 16_384;
/// How many elements a program's tables may have.
const TABLE_MAX: usize = 1 << 20;

/// One process, as its own calls see it.
pub(crate) struct Guest {
    pub(crate) kernel: Arc<Kernel>,
    pub(crate) container: Arc<Container>,
    pub(crate) process: Arc<Process>,
    pub(crate) table: ResourceTable,
    pub(crate) argv: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) shared_env: SharedEnv,
    pub(crate) cwd: String,
    pub(crate) stdio: Stdio,
    pub(crate) chance: Option<Stream>,
    pub(crate) memory: MemoryShare,
    /// What it has become, once it has.
    pub(crate) successor: Option<Successor>,
}

impl fmt::Debug for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guest")
            .field("argv", &self.argv)
            .finish_non_exhaustive()
    }
}

impl Guest {
    pub(crate) fn new(
        kernel: &Arc<Kernel>,
        container: &Arc<Container>,
        process: &Arc<Process>,
        order: Order,
    ) -> Self {
        let mut table = ResourceTable::new();
        table.set_max_capacity(RESOURCES_MAX);
        Self {
            kernel: Arc::clone(kernel),
            container: Arc::clone(container),
            process: Arc::clone(process),
            table,
            argv: order.argv,
            env: order.env,
            shared_env: order.shared_env,
            cwd: order.cwd,
            stdio: order.stdio,
            chance: None,
            memory: MemoryShare {
                container: Arc::clone(&container.memory),
                process: Arc::clone(process),
                taken: 0,
            },
            successor: None,
        }
    }
}

impl Guest {
    /// What a socket's owner is called on the network: the container and the process.
    pub(crate) fn owner(&self) -> u64 {
        u64::from(self.container.id.number()) << 32 | u64::from(self.process.pid)
    }
}

impl IoView for Guest {
    fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }
}

/// A process's share of its container's memory; it goes back when the process ends.
#[derive(Debug)]
pub(crate) struct MemoryShare {
    container: Arc<Memory>,
    process: Arc<Process>,
    taken: u64,
}

/// The container has no memory left for this process.
#[derive(Debug, thiserror::Error)]
#[error("out of memory")]
pub(crate) struct OutOfMemory;

/// The program has ended itself with this code.
#[derive(Debug, thiserror::Error)]
#[error("exit {0}")]
pub(crate) struct Exited(pub(crate) u8);

/// The program has sent itself a signal that ends it.
#[derive(Debug, thiserror::Error)]
#[error("signal {0}")]
pub(crate) struct Slain(pub(crate) u8);

impl ResourceLimiter for MemoryShare {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> Result<bool> {
        let more = desired.saturating_sub(current) as u64;
        if !self.container.take(more) {
            return Err(OutOfMemory.into());
        }
        self.taken += more;
        self.process.memory.store(self.taken, Ordering::Relaxed);
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> Result<bool> {
        Ok(desired <= TABLE_MAX)
    }
}

impl Drop for MemoryShare {
    fn drop(&mut self) {
        self.container.give_back(self.taken);
    }
}

/// Everything a program may import.
pub(crate) fn add_to_linker(linker: &mut Linker<Guest>) -> Result<()> {
    wasmtime_wasi_io::add_to_linker_async(linker)?;
    use bindings::{lab, wasi};
    macro_rules! add {
        ($($interface:path),* $(,)?) => {
            $({
                use $interface as interface;
                interface::add_to_linker::<Guest, HasSelf<Guest>>(linker, |guest| guest)?;
            })*
        };
    }
    add!(
        wasi::cli::environment,
        wasi::cli::exit,
        wasi::cli::stdin,
        wasi::cli::stdout,
        wasi::cli::stderr,
        wasi::cli::terminal_input,
        wasi::cli::terminal_output,
        wasi::cli::terminal_stdin,
        wasi::cli::terminal_stdout,
        wasi::cli::terminal_stderr,
        wasi::clocks::monotonic_clock,
        wasi::clocks::wall_clock,
        wasi::filesystem::types,
        wasi::filesystem::preopens,
        wasi::random::random,
        wasi::random::insecure,
        wasi::random::insecure_seed,
        wasi::sockets::network,
        wasi::sockets::instance_network,
        wasi::sockets::tcp,
        wasi::sockets::tcp_create_socket,
        wasi::sockets::udp,
        wasi::sockets::udp_create_socket,
        wasi::sockets::ip_name_lookup,
        lab::process::process,
        lab::process::signals,
        lab::process::terminal,
        lab::process::machine,
        lab::process::files,
        lab::process::network,
        lab::process::icmp,
        lab::process::capture,
    );
    clocks::add_exact_clocks(linker)
}
