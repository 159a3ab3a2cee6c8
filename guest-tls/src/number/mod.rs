//! Whole numbers of any length, as much of them as RSA and certificates need.
//!
//! Never in constant time: this protects the lessons of a lab, not a bank.

mod montgomery;
pub mod prime;

pub(crate) use montgomery::Montgomery;

use std::cmp::Ordering;

// Limbs as wide as the machine multiplies in one instruction: wasm has no 64×64→128.
#[cfg(target_family = "wasm")]
pub(crate) type Limb = u32;
#[cfg(target_family = "wasm")]
pub(crate) type Wide = u64;
#[cfg(not(target_family = "wasm"))]
pub(crate) type Limb = u64;
#[cfg(not(target_family = "wasm"))]
pub(crate) type Wide = u128;

pub(crate) const BITS: usize = Limb::BITS as usize;
const BYTES: usize = BITS / 8;

/// A number that is not negative; the lowest limb first, no zero limb at the end.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Number {
    limbs: Vec<Limb>,
}

#[allow(clippy::cast_possible_truncation, reason = "a wide's lower half")]
pub(crate) fn low(wide: Wide) -> Limb {
    wide as Limb
}

#[allow(clippy::cast_possible_truncation, reason = "a wide's upper half")]
pub(crate) fn high(wide: Wide) -> Limb {
    (wide >> BITS) as Limb
}

impl Number {
    /// Reads big-endian bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let limbs = bytes.rchunks(BYTES).map(|chunk| {
            chunk
                .iter()
                .fold(0, |limb: Limb, byte| limb << 8 | Limb::from(*byte))
        });
        Self::from_limbs(limbs.collect())
    }

    pub(crate) fn from_limbs(mut limbs: Vec<Limb>) -> Self {
        while limbs.last() == Some(&0) {
            limbs.pop();
        }
        Self { limbs }
    }

    /// A small number.
    #[must_use]
    pub fn small(value: u32) -> Self {
        Self::from_limbs(vec![Limb::from(value)])
    }

    pub(crate) fn limbs(&self) -> &[Limb] {
        &self.limbs
    }

    /// Big-endian bytes without leading zeros; none for zero.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let bytes = self.limbs.iter().rev().flat_map(|limb| limb.to_be_bytes());
        bytes.skip_while(|byte| *byte == 0).collect()
    }

    /// Big-endian bytes of exactly this length; `None` when it does not fit.
    #[must_use]
    pub fn to_padded(&self, length: usize) -> Option<Vec<u8>> {
        let bytes = self.to_bytes();
        let mut padded = vec![0; length.checked_sub(bytes.len())?];
        padded.extend(bytes);
        Some(padded)
    }

    /// How many bits it has; zero has none.
    #[must_use]
    pub fn bits(&self) -> usize {
        self.limbs.last().map_or(0, |top| {
            self.limbs.len() * BITS - top.leading_zeros() as usize
        })
    }

    /// Whether it is zero.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        self.limbs.is_empty()
    }

    /// Whether it is odd.
    #[must_use]
    pub fn is_odd(&self) -> bool {
        self.limbs.first().is_some_and(|limb| limb & 1 == 1)
    }

    pub(crate) fn bit(&self, at: usize) -> bool {
        self.limbs
            .get(at / BITS)
            .is_some_and(|limb| limb >> (at % BITS) & 1 == 1)
    }

    /// The sum.
    #[must_use]
    pub fn add(&self, other: &Self) -> Self {
        let mut carry: Wide = 0;
        let length = self.limbs.len().max(other.limbs.len());
        let mut limbs = Vec::with_capacity(length + 1);
        for at in 0..length {
            let limb = |number: &Self| number.limbs.get(at).map_or(0, |limb| Wide::from(*limb));
            carry += limb(self) + limb(other);
            limbs.push(low(carry));
            carry >>= BITS;
        }
        limbs.push(low(carry));
        Self::from_limbs(limbs)
    }

    /// The difference; zero when `other` is the larger one.
    #[must_use]
    pub fn sub(&self, other: &Self) -> Self {
        if *self <= *other {
            return Self::default();
        }
        let mut limbs = self.limbs.clone();
        subtract(&mut limbs, &other.limbs);
        Self::from_limbs(limbs)
    }

    /// The product.
    #[must_use]
    pub fn mul(&self, other: &Self) -> Self {
        let mut limbs = vec![0; self.limbs.len() + other.limbs.len() + 1];
        for (at, a) in self.limbs.iter().enumerate() {
            let mut carry: Wide = 0;
            for (over, b) in other.limbs.iter().enumerate() {
                carry += Wide::from(*a) * Wide::from(*b) + Wide::from(limbs[at + over]);
                limbs[at + over] = low(carry);
                carry >>= BITS;
            }
            limbs[at + other.limbs.len()] = low(carry);
        }
        Self::from_limbs(limbs)
    }

    fn shifted_left(&self, bits: usize) -> Self {
        let mut limbs = vec![0; bits / BITS];
        let shift = bits % BITS;
        let mut carry: Limb = 0;
        for limb in &self.limbs {
            let wide = Wide::from(*limb) << shift;
            limbs.push(low(wide) | carry);
            carry = high(wide);
        }
        limbs.push(carry);
        Self::from_limbs(limbs)
    }

    pub(crate) fn half(&self) -> Self {
        let mut limbs = self.limbs.clone();
        halve(&mut limbs);
        Self::from_limbs(limbs)
    }

    /// Quotient and remainder, by shifting and subtracting; the divisor is not zero.
    ///
    /// # Panics
    /// When the divisor is zero.
    #[must_use]
    pub fn div_rem(&self, divisor: &Self) -> (Self, Self) {
        assert!(!divisor.is_zero(), "division by zero");
        if self < divisor {
            return (Self::default(), self.clone());
        }
        let steps = self.bits() - divisor.bits();
        let mut rest = self.limbs.clone();
        let mut shifted = divisor.shifted_left(steps).limbs;
        let mut quotient = vec![0; steps / BITS + 1];
        for step in (0..=steps).rev() {
            if order(&rest, &shifted).is_ge() {
                subtract(&mut rest, &shifted);
                quotient[step / BITS] |= 1 << (step % BITS);
            }
            halve(&mut shifted);
        }
        (Self::from_limbs(quotient), Self::from_limbs(rest))
    }

    /// The remainder.
    ///
    /// # Panics
    /// When the divisor is zero.
    #[must_use]
    pub fn rem(&self, divisor: &Self) -> Self {
        self.div_rem(divisor).1
    }

    /// The remainder by a small number.
    #[must_use]
    pub fn rem_small(&self, divisor: u32) -> u32 {
        let divisor = u64::from(divisor);
        // By halves, which a machine divides in one instruction.
        let bytes = self.limbs.iter().rev().flat_map(|limb| limb.to_be_bytes());
        let (mut rest, mut half, mut count) = (0, 0, 0);
        for byte in bytes {
            half = half << 8 | u64::from(byte);
            count += 1;
            if count == 4 {
                rest = (rest << 32 | half) % divisor;
                (half, count) = (0, 0);
            }
        }
        u32::try_from(rest).unwrap_or(u32::MAX)
    }

    /// The greatest common divisor.
    #[must_use]
    pub fn gcd(&self, other: &Self) -> Self {
        let (mut a, mut b) = (self.clone(), other.clone());
        while !b.is_zero() {
            let rest = a.rem(&b);
            a = std::mem::replace(&mut b, rest);
        }
        a
    }

    /// What multiplied with this is one more than a multiple of `modulus`, if there is such a number.
    #[must_use]
    pub fn inverse(&self, modulus: &Self) -> Option<Self> {
        if modulus.is_zero() {
            return None;
        }
        let (mut old, mut rest) = (modulus.clone(), self.rem(modulus));
        // Coefficients modulo `modulus`, so that none is negative.
        let (mut before, mut now) = (Self::default(), Self::small(1));
        while !rest.is_zero() {
            let (quotient, next) = old.div_rem(&rest);
            let product = quotient.mul(&now).rem(modulus);
            let coefficient = if before >= product {
                before.sub(&product)
            } else {
                before.add(modulus).sub(&product)
            };
            before = std::mem::replace(&mut now, coefficient);
            old = std::mem::replace(&mut rest, next);
        }
        (old == Self::small(1)).then_some(before)
    }

    /// This to the power of `exponent`, modulo an odd `modulus`; `None` when it is even or small.
    #[must_use]
    pub fn power(&self, exponent: &Self, modulus: &Self) -> Option<Self> {
        Some(Montgomery::new(modulus)?.power(self, exponent))
    }

    /// Decimal digits.
    #[must_use]
    pub fn to_decimal(&self) -> String {
        let ten = Self::small(10);
        let mut digits = Vec::new();
        let mut rest = self.clone();
        while !rest.is_zero() {
            let (quotient, digit) = rest.div_rem(&ten);
            digits.push(char::from(
                b'0' + digit.to_bytes().first().copied().unwrap_or(0),
            ));
            rest = quotient;
        }
        if digits.is_empty() {
            return "0".to_owned();
        }
        digits.iter().rev().collect()
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Self) -> Ordering {
        order(&self.limbs, &other.limbs)
    }
}

/// Shifts right by a bit.
fn halve(limbs: &mut [Limb]) {
    let mut carry = 0;
    for limb in limbs.iter_mut().rev() {
        let next = *limb << (BITS - 1);
        *limb = *limb >> 1 | carry;
        carry = next;
    }
}

/// Compares limbs that may have zeros at their upper end.
pub(crate) fn order(a: &[Limb], b: &[Limb]) -> Ordering {
    let length = a.len().max(b.len());
    let limb = |limbs: &[Limb], at: usize| limbs.get(at).copied().unwrap_or(0);
    (0..length)
        .rev()
        .map(|at| limb(a, at).cmp(&limb(b, at)))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// `a -= b`, modulo the width of `a`.
pub(crate) fn subtract(a: &mut [Limb], b: &[Limb]) {
    let mut borrow = false;
    for (at, limb) in a.iter_mut().enumerate() {
        let other = b.get(at).copied().unwrap_or(0);
        let (first, under) = limb.overflowing_sub(other);
        let (second, again) = first.overflowing_sub(Limb::from(borrow));
        *limb = second;
        borrow = under || again;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(hex: &str) -> Number {
        Number::from_bytes(&crate::text::from_hex(hex).expect("hex"))
    }

    #[test]
    fn a_quotient_times_the_divisor_and_the_rest_is_the_number_again() {
        let a = number("0123456789abcdef0123456789abcdef0123456789abcdef00ff");
        let b = number("fedcba98765432100001");
        let (quotient, rest) = a.div_rem(&b);
        assert!(rest < b);
        assert_eq!(quotient.mul(&b).add(&rest), a);
    }

    #[test]
    fn powers_agree_with_fermat() {
        // 2^127 - 1 is a prime.
        let prime = number("7fffffffffffffffffffffffffffffff");
        let base = number("0123456789abcdef");
        let one = Number::small(1);
        assert_eq!(base.power(&prime.sub(&one), &prime), Some(one.clone()));
        let inverse = base.inverse(&prime).expect("it is a prime");
        assert_eq!(inverse.mul(&base).rem(&prime), one);
    }

    #[test]
    fn decimals_are_those_of_the_machine() {
        let value = 12_345_678_901_234_567_890_u64;
        let number = Number::from_bytes(&value.to_be_bytes());
        assert_eq!(number.to_decimal(), value.to_string());
    }
}
