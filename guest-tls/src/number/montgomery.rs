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
        let mut field = Self {
            square: Vec::new(),
            inverse: inverse.wrapping_neg(),
            modulus: limbs,
        };
        field.square = field.range_squared(modulus.bits());
        Some(field)
    }

    /// (a limb's range ^ length)² modulo the modulus: by doubling up to twice the range, then by
    /// squaring and doubling in Montgomery's form, which costs a dozen multiplications.
    fn range_squared(&self, bits: usize) -> Vec<Limb> {
        let length = self.modulus.len();
        let width = length * BITS;
        let mut power = vec![0; length];
        // A power of two below the modulus …
        power[(bits - 1) / BITS] = 1 << ((bits - 1) % BITS);
        // … doubled until it is the range, which stands for one, times two.
        for _ in bits - 1..=width {
            self.double(&mut power);
        }
        let mut work = vec![0; length + 1];
        // Two to the leading bits of `width`, then to one bit more each time.
        for bit in (0..width.ilog2()).rev() {
            self.multiply(&power, &power, &mut work);
            power.copy_from_slice(&work[..length]);
            if width >> bit & 1 == 1 {
                self.double(&mut power);
            }
        }
        power
    }

    fn double(&self, number: &mut [Limb]) {
        let mut carry = 0;
        for limb in number.iter_mut() {
            let next = *limb >> (BITS - 1);
            *limb = *limb << 1 | carry;
            carry = next;
        }
        if carry == 1 || order(number, &self.modulus).is_ge() {
            subtract(number, &self.modulus);
        }
    }
    /// a·b/range modulo the modulus, into `out`, which is one limb longer than the modulus.
    fn multiply(&self, a: &[Limb], b: &[Limb], out: &mut [Limb]) {
        let length = self.modulus.len();
        // Equal lengths that the compiler sees spare it a check at each step.
        let (b, modulus, out) = (&b[..length], &self.modulus[..length], &mut out[..=length]);
        out.fill(0);
        for a in a {
            let a = Wide::from(*a);
            let sum = a * Wide::from(b[0]) + Wide::from(out[0]);
            let factor = Wide::from(low(sum).wrapping_mul(self.inverse));
            let reduced = factor * Wide::from(modulus[0]) + Wide::from(low(sum));
            let (mut carry, mut pull) = (sum >> BITS, reduced >> BITS);
            for at in 1..length {
                let sum = a * Wide::from(b[at]) + Wide::from(out[at]) + carry;
                carry = sum >> BITS;
                let reduced = factor * Wide::from(modulus[at]) + Wide::from(low(sum)) + pull;
                pull = reduced >> BITS;
                out[at - 1] = low(reduced);
            }
            let top = Wide::from(out[length]) + carry + pull;
            out[length - 1] = low(top);
            out[length] = high(top);
        }
        if order(out, modulus).is_ge() {
            subtract(out, modulus);
        }
    }

    /// a·a/range modulo the modulus, into `out` as above: each product of two limbs is made once and
    /// doubled. `wide` is twice as long as the modulus.
    fn square(&self, a: &[Limb], wide: &mut [Limb], out: &mut [Limb]) {
        let length = self.modulus.len();
        let (a, modulus, wide) = (
            &a[..length],
            &self.modulus[..length],
            &mut wide[..2 * length],
        );
        wide.fill(0);
        for (at, factor) in a.iter().enumerate() {
            let rest = &a[at + 1..];
            let row = &mut wide[2 * at + 1..][..=rest.len()];
            let carry = add_product(Wide::from(*factor), rest, row);
            row[rest.len()] = low(carry);
        }
        let (mut bit, mut carry) = (0, 0);
        for (pair, limb) in wide.chunks_exact_mut(2).zip(a) {
            let (first, second) = (pair[0] << 1 | bit, pair[1] << 1 | pair[0] >> (BITS - 1));
            bit = pair[1] >> (BITS - 1);
            let sum = Wide::from(*limb) * Wide::from(*limb) + Wide::from(first) + carry;
            pair[0] = low(sum);
            let sum = Wide::from(second) + (sum >> BITS);
            pair[1] = low(sum);
            carry = sum >> BITS;
        }
        let mut top = 0;
        for at in 0..length {
            let factor = Wide::from(wide[at].wrapping_mul(self.inverse));
            let carry = add_product(factor, modulus, &mut wide[at..=at + length - 1]);
            let sum = Wide::from(wide[at + length]) + carry + top;
            wide[at + length] = low(sum);
            top = sum >> BITS;
        }
        out[..length].copy_from_slice(&wide[length..]);
        out[length] = low(top);
        let out = &mut out[..=length];
        if order(out, modulus).is_ge() {
            subtract(out, modulus);
        }
    }

    /// `base` to the power of `exponent`, four bits of it at a time; a short one bit by bit.
    pub(crate) fn power(&self, base: &Number, exponent: &Number) -> Number {
        let length = self.modulus.len();
        let modulus = Number::from_limbs(self.modulus.clone());
        let mut start = base.rem(&modulus).limbs().to_vec();
        start.resize(length, 0);
        let mut unit = vec![0; length];
        unit[0] = 1;
        let mut work = vec![0; length + 1];
        let mut product = |a: &[Limb], b: &[Limb]| {
            self.multiply(a, b, &mut work);
            work[..length].to_vec()
        };
        if exponent.bits() <= 32 {
            let base = product(&start, &self.square);
            let mut power = product(&unit, &self.square);
            for bit in (0..exponent.bits()).rev() {
                power = product(&power, &power);
                if exponent.bit(bit) {
                    power = product(&power, &base);
                }
            }
            return Number::from_limbs(product(&power, &unit));
        }
        let mut table = vec![product(&unit, &self.square), product(&start, &self.square)];
        for at in 2..16 {
            let next = product(&table[at - 1], &table[1]);
            table.push(next);
        }
        let mut power = table[0].clone();
        let (mut wide, mut out) = (vec![0; 2 * length], vec![0; length + 1]);
        for window in (0..exponent.bits().div_ceil(4)).rev() {
            for _ in 0..4 {
                self.square(&power, &mut wide, &mut out);
                power.copy_from_slice(&out[..length]);
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

/// Adds `factor`·`limbs` to the row; what is left to add behind it.
fn add_product(factor: Wide, limbs: &[Limb], row: &mut [Limb]) -> Wide {
    let mut carry = 0;
    for (place, limb) in row.iter_mut().zip(limbs) {
        let sum = factor * Wide::from(*limb) + Wide::from(*place) + carry;
        *place = low(sum);
        carry = sum >> BITS;
    }
    carry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_are_those_of_multiplying_and_dividing() {
        let chance = crate::chance::fill;
        // Lengths around a limb's, and moduli without their highest bit.
        for length in [1, 3, 4, 5, 7, 8, 9, 16, 17, 33] {
            for top in [0xff, 0x01] {
                let mut bytes = vec![0; length];
                chance(&mut bytes);
                bytes[0] = bytes[0] & top | 1;
                bytes[length - 1] |= 3;
                let modulus = Number::from_bytes(&bytes);
                chance(&mut bytes);
                let base = Number::from_bytes(&bytes);
                for exponent in [0_u32, 1, 2, 65_537, u32::MAX] {
                    // With a bit beyond a short one's, the other way is taken.
                    for high in [0_u8, 1] {
                        let mut digits = vec![high];
                        digits.extend(exponent.to_be_bytes());
                        let exponent = Number::from_bytes(&digits);
                        let mut expected = Number::small(1);
                        for bit in (0..exponent.bits()).rev() {
                            expected = expected.mul(&expected).rem(&modulus);
                            if exponent.bit(bit) {
                                expected = expected.mul(&base).rem(&modulus);
                            }
                        }
                        assert_eq!(base.power(&exponent, &modulus), Some(expected));
                    }
                }
            }
        }
    }
}
