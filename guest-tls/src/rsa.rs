//! RSA: keys, signatures with PKCS#1 padding and with PSS.
//!
//! Never encrypts, and never blinds: timing is not watched inside a lab.

use crate::digest::Digest;
use crate::number::{Number, prime};

/// The exponent of all keys that are made here.
pub const EXPONENT: u32 = 65537;

/// What everybody may know of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Public {
    /// The modulus.
    pub n: Number,
    /// The exponent.
    pub e: Number,
}

/// A key with its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are PKCS#1's")]
pub struct Private {
    pub public: Public,
    pub d: Number,
    pub p: Number,
    pub q: Number,
    pub dp: Number,
    pub dq: Number,
    pub qinv: Number,
}

impl Private {
    /// Makes a key of this many bits, a multiple of sixteen from 512 to 8192.
    pub fn generate(bits: usize, random: &mut dyn FnMut(&mut [u8])) -> Self {
        loop {
            let p = prime::draw(bits / 2, EXPONENT, random);
            let q = prime::draw(bits / 2, EXPONENT, random);
            let (p, q) = if p >= q { (p, q) } else { (q, p) };
            // With two upper bits set in both, the product always has all its bits.
            if let Some(key) = Self::from_primes(p, q) {
                return key;
            }
        }
    }

    fn from_primes(p: Number, q: Number) -> Option<Self> {
        let one = Number::small(1);
        let e = Number::small(EXPONENT);
        let (before_p, before_q) = (p.sub(&one), q.sub(&one));
        let common = before_p.gcd(&before_q);
        let order = before_p.mul(&before_q).div_rem(&common).0;
        let d = e.inverse(&order)?;
        Some(Self {
            dp: d.rem(&before_p),
            dq: d.rem(&before_q),
            qinv: q.inverse(&p)?,
            public: Public { n: p.mul(&q), e },
            d,
            p,
            q,
        })
    }

    /// Whether the numbers fit each other, so that signing gives what verifying accepts.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let one = Number::small(1);
        let inverse = |exponent: &Number, prime: &Number| {
            let before = prime.sub(&one);
            !before.is_zero() && exponent.mul(&self.public.e).rem(&before) == one
        };
        self.p.is_odd()
            && self.q.is_odd()
            && self.p > one
            && self.q > one
            && self.p.mul(&self.q) == self.public.n
            && inverse(&self.dp, &self.p)
            && inverse(&self.dq, &self.q)
            && self.qinv.mul(&self.q).rem(&self.p) == one
    }

    /// The secret operation, by the Chinese remainder theorem.
    fn secret(&self, message: &Number) -> Option<Number> {
        let a = message.power(&self.dp, &self.p)?;
        let b = message.power(&self.dq, &self.q)?;
        let b_p = b.rem(&self.p);
        let difference = if a >= b_p {
            a.sub(&b_p)
        } else {
            a.add(&self.p).sub(&b_p)
        };
        let h = difference.mul(&self.qinv).rem(&self.p);
        Some(b.add(&h.mul(&self.q)))
    }

    fn sign_block(&self, block: &[u8]) -> Option<Vec<u8>> {
        let signed = self.secret(&Number::from_bytes(block))?;
        signed.to_padded(self.public.length())
    }

    /// Signs with PKCS#1 v1.5 padding; `None` when the key is too small.
    #[must_use]
    pub fn sign(&self, digest: Digest, message: &[u8]) -> Option<Vec<u8>> {
        let block = self.public.pkcs1_block(digest, &digest.of(message))?;
        self.sign_block(&block)
    }

    /// Signs with PSS, salt as long as the digest; `None` when the key is too small.
    pub fn sign_pss(
        &self,
        digest: Digest,
        message: &[u8],
        random: &mut dyn FnMut(&mut [u8]),
    ) -> Option<Vec<u8>> {
        let size = digest.size();
        let bits = self.public.n.bits() - 1;
        let length = bits.div_ceil(8);
        let mut salt = vec![0; size];
        random(&mut salt);
        let hash = digest.of(&[&[0; 8], &digest.of(message)[..], &salt].concat());
        let mut block = vec![0; length.checked_sub(2 * size + 2)?];
        block.push(1);
        block.extend(salt);
        mask(&mut block, digest, &hash);
        block[0] &= 0xff >> (8 * length - bits);
        block.extend(hash);
        block.push(0xbc);
        self.sign_block(&block)
    }
}

impl Public {
    /// Bytes of the modulus.
    #[must_use]
    pub fn length(&self) -> usize {
        self.n.bits().div_ceil(8)
    }

    fn open(&self, signature: &[u8]) -> Option<Number> {
        let signature = Number::from_bytes(signature);
        // A wrong length is a wrong signature; huge exponents only cost time.
        if signature >= self.n || self.e.bits() > 64 || self.n.bits() > 16_384 {
            return None;
        }
        signature.power(&self.e, &self.n)
    }

    fn pkcs1_block(&self, digest: Digest, hash: &[u8]) -> Option<Vec<u8>> {
        let info = digest.info(hash);
        let padding = self.length().checked_sub(info.len() + 3)?;
        if padding < 8 {
            return None;
        }
        let mut block = vec![0, 1];
        block.resize(padding + 2, 0xff);
        block.push(0);
        block.extend(info);
        Some(block)
    }

    /// Whether this is a signature with PKCS#1 v1.5 padding.
    #[must_use]
    pub fn verify(&self, digest: Digest, message: &[u8], signature: &[u8]) -> bool {
        let check = || {
            let opened = self.open(signature)?.to_padded(self.length())?;
            Some(opened == self.pkcs1_block(digest, &digest.of(message))?)
        };
        signature.len() == self.length() && check() == Some(true)
    }

    /// Whether this is a PSS signature, its salt as long as the digest.
    #[must_use]
    pub fn verify_pss(&self, digest: Digest, message: &[u8], signature: &[u8]) -> bool {
        let check = || {
            let size = digest.size();
            let bits = self.n.bits().checked_sub(1)?;
            let length = bits.div_ceil(8);
            let block = self.open(signature)?.to_padded(length)?;
            let (block, hash) = block
                .strip_suffix(&[0xbc])?
                .split_at_checked(length.checked_sub(size + 1)?)?;
            let mut block = block.to_vec();
            mask(&mut block, digest, hash);
            *block.first_mut()? &= 0xff >> (8 * length - bits);
            let (zeros, salt) = block.split_at_checked(block.len().checked_sub(size)?)?;
            let (one, zeros) = zeros.split_last()?;
            let expected = digest.of(&[&[0; 8], &digest.of(message)[..], salt].concat());
            Some(*one == 1 && zeros.iter().all(|byte| *byte == 0) && expected == hash)
        };
        signature.len() == self.length() && check() == Some(true)
    }
}

/// MGF1 over `seed`, exclusive-or-ed into the block.
fn mask(block: &mut [u8], digest: Digest, seed: &[u8]) {
    for (count, chunk) in (0_u32..).zip(block.chunks_mut(digest.size())) {
        let pad = digest.of(&[seed, &count.to_be_bytes()].concat());
        for (byte, pad) in chunk.iter_mut().zip(pad) {
            *byte ^= pad;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_verifies_and_nothing_else_does() {
        let key = Private::generate(1024, &mut crate::chance::fill);
        assert!(key.is_sound());
        assert_eq!(key.public.n.bits(), 1024);
        for digest in [Digest::Sha1, Digest::Sha256, Digest::Sha384] {
            let signature = key.sign(digest, b"message").expect("it fits");
            assert!(key.public.verify(digest, b"message", &signature));
            assert!(!key.public.verify(digest, b"massage", &signature));
            let signature = key
                .sign_pss(digest, b"message", &mut crate::chance::fill)
                .expect("it fits");
            assert!(key.public.verify_pss(digest, b"message", &signature));
            assert!(!key.public.verify_pss(digest, b"massage", &signature));
            assert!(!key.public.verify(digest, b"message", &signature));
        }
    }
}
