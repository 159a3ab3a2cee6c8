//! What the machine knows and WASI does not say.

use crate::system;

/// The host name of the container.
pub fn hostname() -> String {
    system::hostname()
}

/// The addresses of the container's network: interface, address, prefix length.
pub fn addresses() -> Vec<(String, String, u8)> {
    system::addresses()
}
