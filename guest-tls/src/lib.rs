//! TLS, keys and certificates for guest programs, and for the API server inside the world: pure
//! Rust, so that guests build without a C compiler.
//!
//! Never opens a socket and never reads a file: streams, texts and times are arguments. Chance
//! comes from `wasi:random`, which the host seeds, or from whom the host lends ([`chance`]).
//!
//! Start with [`client::connect`], [`server::config`], [`verify::verify`] and [`key::Key`].

pub mod cert;
pub mod chance;
pub mod client;
pub mod der;
mod digest;
pub mod key;
pub mod number;
pub mod pem;
mod provider;
pub mod rsa;
pub mod server;
pub mod text;
pub mod verify;

pub use digest::Digest;
pub use provider::provider;
/// The protocol itself, for servers that drive a connection without blocking.
pub use rustls;
