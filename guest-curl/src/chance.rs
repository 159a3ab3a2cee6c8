//! Chance for boundaries and nonces. In the lab it comes from the world's seed; nothing here is a secret
//! that must hold.

use std::hash::{BuildHasher, RandomState};

/// Sixteen hexadecimal digits, others each time.
pub(crate) fn hex16() -> String {
    format!("{:016x}", RandomState::new().hash_one(0_u8))
}
