//! Inputs made by mutation from examples, the same ones for the same seed.
//! Never looks for coverage: it is a net for panics and hangs, cast in every test run.

use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// The largest input that is made.
const LARGEST: usize = 4096;

/// Calls `target` with `rounds` inputs mutated from `corpus`; `dictionary` is spliced in now and then.
/// `FUZZ_ROUNDS` in the environment says another number, `FUZZ_SEED` another seed.
///
/// # Panics
/// When `target` panics, after printing the seed, the round and the input.
pub fn fuzz(rounds: u32, corpus: &[&[u8]], dictionary: &[&[u8]], mut target: impl FnMut(&[u8])) {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let seed = number("FUZZ_SEED").unwrap_or(1);
    let rounds = number("FUZZ_ROUNDS").unwrap_or(u64::from(rounds));
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    for round in 0..rounds {
        let input = mutate(&mut rng, corpus, dictionary);
        let witness = Witness {
            seed,
            round,
            input: &input,
        };
        target(&input);
        std::mem::forget(witness);
    }
}

/// Tells which input it was when the target panics.
struct Witness<'a> {
    seed: u64,
    round: u64,
    input: &'a [u8],
}

impl Drop for Witness<'_> {
    fn drop(&mut self) {
        let input = self.input.escape_ascii();
        #[allow(clippy::print_stderr, reason = "a failing test says why")]
        {
            eprintln!("FUZZ_SEED={} round {}: \"{input}\"", self.seed, self.round);
        }
    }
}

fn mutate(rng: &mut impl Rng, corpus: &[&[u8]], dictionary: &[&[u8]]) -> Vec<u8> {
    let mut input = corpus
        .get(rng.random_range(0..corpus.len().max(1)))
        .map_or_else(Vec::new, |example| example.to_vec());
    for _ in 0..rng.random_range(0..8) {
        let at = rng.random_range(0..=input.len());
        let end = rng.random_range(at..=input.len().min(at + 64));
        match rng.random_range(0..7) {
            0 => drop(input.drain(at..end)),
            1 => {
                let piece = input[at..end].to_vec();
                let to = rng.random_range(0..=input.len());
                input.splice(to..to, piece);
            }
            2 if at < input.len() => input[at] = rng.random_range(0..=255),
            3 if at < input.len() => input[at] ^= 1 << rng.random_range(0..8),
            4 if !dictionary.is_empty() => {
                let word = dictionary[rng.random_range(0..dictionary.len())];
                input.splice(at..end.min(at + word.len()), word.iter().copied());
            }
            5 if !corpus.is_empty() => {
                let other = corpus[rng.random_range(0..corpus.len())];
                let from = rng.random_range(0..=other.len());
                input.truncate(at);
                input.extend_from_slice(&other[from..]);
            }
            _ => input.insert(at, rng.random_range(0..=255)),
        }
    }
    input.truncate(LARGEST);
    input
}
