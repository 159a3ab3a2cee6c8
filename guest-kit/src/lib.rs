//! What the guest programs share: processes, pipes, signals, the terminal, what the machine knows
//! about itself and its network, ICMP, and the packets at its interfaces.
//!
//! In a container these stand on `wit/process.wit` and `wasi:io`; on the author's machine a twin
//! over `std` stands in for them, so that shells and tools can be tested natively.
//! This crate never parses anything and never decides anything; it allocates no state of its own.
//!
//! Start with [`process::Command`], [`process::Pipe`], and [`poll`].

pub mod capture;
mod connect;
pub mod files;
pub mod icmp;
pub mod machine;
pub mod network;
pub mod process;
pub mod signals;
pub mod terminal;

#[cfg(target_family = "wasm")]
#[path = "wasi.rs"]
mod system;
#[cfg(not(target_family = "wasm"))]
#[path = "native.rs"]
mod system;

#[cfg(target_family = "wasm")]
mod bindings {
    //! Nothing but what is generated from `wit/`.
    #![allow(
        unsafe_code,
        unreachable_pub,
        unused_qualifications,
        missing_debug_implementations,
        clippy::all
    )]
    wit_bindgen::generate!({
        path: "../wit",
        world: "lab:process/guest",
        with: {
            "wasi:io/poll@0.2.12": wasip2::io::poll,
            "wasi:io/streams@0.2.12": wasip2::io::streams,
            "wasi:io/error@0.2.12": wasip2::io::error,
        },
    });
}

pub use connect::connect;
#[doc(hidden)]
pub use system::Waitable;
pub use system::{exit, init};

use std::time::Duration;

/// Something [`poll`] can wait for.
pub trait Source {
    /// What the operating system waits on.
    #[doc(hidden)]
    fn waitable(&self) -> Waitable<'_>;
}

/// Waits until one of the sources is ready or the time is over; the indices of the ready ones.
///
/// Nothing is ready when the time is over. Readiness for a source that has ended or failed is
/// reported too: the next operation on it tells.
pub fn poll(sources: &[&dyn Source], timeout: Option<Duration>) -> Vec<usize> {
    system::poll(sources, timeout)
}

/// Waits for this long.
pub fn sleep(duration: Duration) {
    poll(&[], Some(duration));
}
