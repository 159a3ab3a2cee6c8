//! Connections that can be waited for together with the keyboard, signals and children.
//! Never looks up a name.

#[cfg(not(target_family = "wasm"))]
#[path = "net_native.rs"]
mod system;
#[cfg(target_family = "wasm")]
#[path = "net_wasi.rs"]
mod system;

pub(crate) use system::{Listener, Stream};
