//! The one wasmtime configuration, shared by the build script (which precompiles the
//! built-in guests) and the runtime (which loads them).
//!
//! Never runs a guest and never reads a file: code compiled under one configuration loads only
//! under the same one, so this crate exists to make a difference between the two impossible.

mod in_place;

pub use in_place::can_run;
pub use wasmtime::Engine;
use wasmtime::{Config, Result};

/// The configuration of every engine in this program.
///
/// Fuel is always counted (it measures a time slice and bounds a guest), and every source of
/// difference between machines that wasmtime lets us remove is removed.
#[must_use]
pub fn config() -> Config {
    let mut config = Config::new();
    config
        .consume_fuel(true)
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        // Every guest that exits with a code leaves by a trap; nobody reads its backtrace, and
        // making it costs more than starting the next guest.
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false)
        .with_custom_code_memory(in_place::publisher())
        .wasm_component_model(true);
    config
}

/// An engine with [`config`].
///
/// # Errors
/// When the host's processor is not one Cranelift can compile for.
pub fn engine() -> Result<Engine> {
    Engine::new(&config())
}
