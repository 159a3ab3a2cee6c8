//! Chance as an argument. Never draws from the system.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// One independent sequence of random numbers, made by [`Seed::stream`].
///
/// ChaCha because its output is fixed by its definition, on every platform and in every version.
pub type Stream = ChaCha8Rng;

/// What decides every random choice of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(u64);

impl Seed {
    /// The seed with this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number it was made from.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// A seed of its own for the part of the world called `name`.
    #[must_use]
    pub fn derive(self, name: &str) -> Self {
        // FNV-1a over the seed and the name: a stable hash, nothing secret depends on it.
        let start = 0xcbf2_9ce4_8422_2325_u64 ^ self.0.rotate_left(17);
        let mixed = self
            .0
            .to_le_bytes()
            .iter()
            .chain(name.as_bytes())
            .fold(start, |hash, byte| {
                (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
            });
        Self(mixed)
    }

    /// The stream for one purpose. A new purpose does not shift the others.
    #[must_use]
    pub fn stream(self, purpose: &str) -> Stream {
        Stream::seed_from_u64(self.derive(purpose).0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand_chacha::rand_core::Rng;

    #[test]
    fn the_same_purpose_draws_the_same_numbers_and_another_does_not() {
        let seed = Seed::new(42);
        let first: Vec<u64> = (0..4).map(|_| seed.stream("nat").next_u64()).collect();
        assert!(first.iter().all(|n| *n == first[0]));
        assert_ne!(
            seed.stream("nat").next_u64(),
            seed.stream("names").next_u64()
        );
        assert_ne!(
            seed.stream("nat").next_u64(),
            Seed::new(43).stream("nat").next_u64()
        );
    }
}
