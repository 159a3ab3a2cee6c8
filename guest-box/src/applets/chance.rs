//! Chance for `shuf` and `mktemp`: the seed of hash maps, which the world gives every process.
//! Never good for keys.

use std::hash::{BuildHasher, Hasher, RandomState};

/// A number below a limit.
pub(super) fn below(limit: u64) -> u64 {
    let mut hasher = RandomState::new().build_hasher();
    hasher.write_u64(limit);
    hasher.finish() % limit.max(1)
}
