//! Multiplication modulo an odd number without division, and powers with it.
//!
//! Never leaves Montgomery's form to its callers: numbers go in and come out as they are.

use super::{BITS, Limb, Number, Wide, high, low, order, subtract};

/// An odd modulus and what multiplying by it needs.
#[derive(Debug)]
pub(crate) struct Montgomery {
    modulus: Vec<Limb>,
    /// −modulus⁻¹ modulo a limb.
    inverse: Limb,
    /// (a limb's range ^ length)² modulo the modulus.
    square: Vec<Limb>,
}

impl Montgomery {
    /// `None` for an even modulus and for one.
    pub(crate) fn new(modulus: &Number) -> Option<Self> {
        if !modulus.is_odd() || modulus.bits() < 2 {
            return None;
        }
        let limbs = modulus.limbs().to_vec();
        // Newton's iteration doubles the correct bits each time.
        let mut inverse: Limb = 1;
        for _ in 0..BITS.ilog2() {
            let product = limbs[0].wrapping_mul(inverse);
            inverse = inverse.wrapping_mul((2 as Limb).wrapping_sub(product));
        }
        let mut one = vec![0; 2 * limbs.len()];
        one.push(1);
        let mut square = Number::from_limbs(one).rem(modulus).limbs().to_vec();
        square.resize(limbs.len(), 0);
        Some(Self {
            modulus: limbs,
            inverse: inverse.wrapping_neg(),
            square,
        })
    }

    /// a·b/range modulo the modulus, into `out`, which is two limbs longer than the modulus.
    fn multiply(&self, a: &[Limb], b: &[Limb], out: &mut [Limb]) {
        let length = self.modulus.len();
        out.fill(0);
        for a in a {
            let (a, mut carry) = (Wide::from(*a), 0 as Wide);
            for (limb, b) in out.iter_mut().zip(b) {
                carry += a * Wide::from(*b) + Wide::from(*limb);
                *limb = low(carry);
                carry >>= BITS;
            }
            carry += Wide::from(out[length]);
            out[length] = low(carry);
            out[length + 1] = high(carry);

            let factor = Wide::from(out[0].wrapping_mul(self.inverse));
            let mut carry = (factor * Wide::from(self.modulus[0]) + Wide::from(out[0])) >> BITS;
            for at in 1..length {
                carry += factor * Wide::from(self.modulus[at]) + Wide::from(out[at]);
                out[at - 1] = low(carry);
                carry >>= BITS;
            }
            carry += Wide::from(out[length]);
            out[length - 1] = low(carry);
            out[length] = out[length + 1] + high(carry);
        }
        if order(&out[..=length], &self.modulus).is_ge() {
            subtract(&mut out[..=length], &self.modulus);
        }
    }

    /// `base` to the power of `exponent`, four bits of it at a time.
    pub(crate) fn power(&self, base: &Number, exponent: &Number) -> Number {
        let length = self.modulus.len();
        let modulus = Number::from_limbs(self.modulus.clone());
        let mut start = base.rem(&modulus).limbs().to_vec();
        start.resize(length, 0);
        let mut unit = vec![0; length];
        unit[0] = 1;
        let mut work = vec![0; length + 2];
        let mut product = |a: &[Limb], b: &[Limb]| {
            self.multiply(a, b, &mut work);
            work[..length].to_vec()
        };
        let mut table = vec![product(&unit, &self.square), product(&start, &self.square)];
        for at in 2..16 {
            let next = product(&table[at - 1], &table[1]);
            table.push(next);
        }
        let mut power = table[0].clone();
        for window in (0..exponent.bits().div_ceil(4)).rev() {
            for _ in 0..4 {
                power = product(&power, &power);
            }
            let digit = (0..4)
                .filter(|bit| exponent.bit(window * 4 + bit))
                .fold(0, |digit, bit| digit | 1 << bit);
            if digit != 0 {
                power = product(&power, &table[digit]);
            }
        }
        Number::from_limbs(product(&power, &unit))
    }
}
