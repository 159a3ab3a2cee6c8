//! WebAssembly programs as processes on a virtual network.
//!
//! A program is a component; a process is one instance of it with arguments, files, standard
//! streams, sockets and signals, all of them ours. Processes and native tasks take turns on one
//! executor, whose order is a function of its inputs and a seed.
//!
//! Never reads the host's clock, never draws an unseeded number, never starts a thread, never
//! opens a file or a socket of the host, and never knows why a container exists: Kubernetes words
//! do not occur here.
//!
//! Start reading at [`Runtime`]; then `process/`, whose processes see the world through `wasi/`.

mod handle;
mod runtime;

mod container;
mod kernel;
mod load;
mod process;
mod processor;
mod program;

mod executor;
mod network;

mod fs;
mod native;
mod pipe;
mod tty;
#[allow(
    unreachable_pub,
    reason = "the generated bindings re-export the resources"
)]
mod wasi;

pub use container::{ContainerId, ContainerSpec};
pub use fs::{FileError, FileKind, Fs, Image};
pub use handle::{Handle, ProcessInfo};
pub use kernel::Event;
pub use native::{TcpListener, TcpStream, UdpSocket};
pub use network::{NetAccess, SharedNet};
pub use pipe::{PIPE_CAPACITY, Pipe, PipeReader, PipeWriter, Read, pipe};
pub use process::{Exec, Exit, Input, Output, ProcessId, SharedEnv, Spawn, SpawnError, signal};
pub use program::{LoadError, Program};
pub use runtime::{Ran, Runtime};
pub use tty::{Terminal, TerminalSize, Tty, terminal};
pub use wasi::sockets::names::LookupError;
