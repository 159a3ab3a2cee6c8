//! Virtual time and chance, the two arguments of everything that decides.
//!
//! Never reads the machine's clock and never draws an unseeded number. Start reading at
//! [`Instant`]; then [`Seed`], whose named streams keep one consumer of chance from shifting
//! another; then [`Queue`], which orders what is still to happen.

mod instant;
mod queue;
mod seed;

pub use instant::Instant;
pub use queue::Queue;
pub use seed::{Seed, Stream};
pub use std::time::Duration;
