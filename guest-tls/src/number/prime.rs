//! The search for primes: a sieve over small ones, then Miller and Rabin's test.
//!
//! Never draws more chance than it is handed, so that seeded runs find the same primes.

use super::{Montgomery, Number};
use std::sync::OnceLock;

/// Numbers up to here are sieved with. A power of 1024 bits costs as much as some ten thousand
/// remainders by a small number, so more sieving would not pay.
const SIEVED: usize = 1 << 14;
/// How far from the random start to look before drawing another one.
const SPAN: usize = 1 << 13;
/// Bases drawn by chance that a prime must pass beside two; for random numbers of 512 bits and
/// more, four leave less doubt than the machine's memory.
const WITNESSES: usize = 4;

fn small_primes() -> &'static [u32] {
    static PRIMES: OnceLock<Vec<u32>> = OnceLock::new();
    PRIMES.get_or_init(|| {
        let mut composite = vec![false; SIEVED];
        let mut primes = Vec::new();
        for number in (3..SIEVED).step_by(2) {
            if composite[number] {
                continue;
            }
            primes.push(u32::try_from(number).unwrap_or(u32::MAX));
            for multiple in (number * number..SIEVED).step_by(2 * number) {
                composite[multiple] = true;
            }
        }
        primes
    })
}

/// Draws a prime of this many bits (a multiple of 8, at least 64) whose two upper bits are set and
/// whose predecessor has no factor in common with the prime `exponent`.
pub fn draw(bits: usize, exponent: u32, random: &mut dyn FnMut(&mut [u8])) -> Number {
    let mut bytes = vec![0; bits / 8];
    loop {
        random(&mut bytes);
        bytes[0] |= 0xc0;
        if let Some(last) = bytes.last_mut() {
            *last |= 1;
        }
        if let Some(found) = near(&Number::from_bytes(&bytes), bits, exponent, random) {
            return found;
        }
    }
}

/// The first prime at `start` or above it within the span.
fn near(
    start: &Number,
    bits: usize,
    exponent: u32,
    random: &mut dyn FnMut(&mut [u8]),
) -> Option<Number> {
    // Place i stands for start + 2i.
    let mut composite = vec![false; SPAN];
    for &prime in small_primes() {
        let rest = start.rem_small(prime);
        // The least i with start + 2i ≡ 0.
        let missing = (prime - rest) % prime;
        let first = if missing.is_multiple_of(2) {
            missing / 2
        } else {
            u32::midpoint(missing, prime)
        };
        for place in (first as usize..SPAN).step_by(prime as usize) {
            composite[place] = true;
        }
    }
    let candidates = (0..SPAN).filter(|place| !composite[*place]);
    for place in candidates {
        let distance = u32::try_from(2 * place).unwrap_or(0);
        let candidate = start.add(&Number::small(distance));
        if candidate.bits() != bits || candidate.rem_small(exponent) == 1 {
            continue;
        }
        if is_prime(&candidate, random) {
            return Some(candidate);
        }
    }
    None
}

/// Whether an odd number is a prime, as far as Miller and Rabin can tell.
pub fn is_prime(candidate: &Number, random: &mut dyn FnMut(&mut [u8])) -> bool {
    let Some(field) = Montgomery::new(candidate) else {
        return false;
    };
    let one = Number::small(1);
    let last = candidate.sub(&one);
    let mut odd = last.clone();
    let mut twos = 0;
    while !odd.is_odd() {
        odd = odd.half();
        twos += 1;
    }
    let passes = |base: &Number| {
        let mut power = field.power(base, &odd);
        if power == one || power == last {
            return true;
        }
        for _ in 1..twos {
            power = power.mul(&power).rem(candidate);
            if power == last {
                return true;
            }
        }
        false
    };
    if !passes(&Number::small(2)) {
        return false;
    }
    let mut bytes = vec![0; candidate.bits().div_ceil(8)];
    (0..WITNESSES).all(|_| {
        random(&mut bytes);
        let base = Number::from_bytes(&bytes).rem(candidate);
        base <= one || passes(&base)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primes_are_told_from_products_of_primes() {
        let mut chance = crate::chance::fill;
        // 2^61 - 1 and 2^127 - 1 are primes; a product of primes is none.
        let a = Number::from_bytes(&((1_u64 << 61) - 1).to_be_bytes());
        let b = Number::from_bytes(&((1_u128 << 127) - 1).to_be_bytes());
        assert!(is_prime(&a, &mut chance) && is_prime(&b, &mut chance));
        assert!(!is_prime(&a.mul(&b), &mut chance));
        // A Carmichael number, which Fermat's test takes for a prime.
        assert!(!is_prime(&Number::small(561), &mut chance));
    }

    #[test]
    fn the_same_chance_draws_the_same_prime() {
        let draw = || {
            let mut state = 7_u8;
            draw(256, 65537, &mut |bytes| {
                for byte in bytes {
                    state = state.wrapping_mul(181).wrapping_add(97);
                    *byte = state;
                }
            })
        };
        assert_eq!(draw(), draw());
        assert_eq!(draw().bits(), 256);
    }
}
