//! Signatures and times, from the root down; and whether keys and digests are strong enough.
//!
//! Never checks the signature of a root on itself, as OpenSSL does not.

use super::extensions::{is_self_signed, may_have_issued, may_not_sign, time_error};
use super::{Code, Stop, Walk};
use crate::cert::Certificate;
use crate::der::id;
use crate::key::PublicKey;

/// The bits of security that OpenSSL's levels ask for.
const LEVELS: [u32; 6] = [0, 80, 112, 128, 192, 256];

fn key_strength(key: &PublicKey) -> u32 {
    match key {
        PublicKey::Rsa(key) => match key.n.bits() {
            15_360.. => 256,
            7_680.. => 192,
            3_072.. => 128,
            2_048.. => 112,
            1_024.. => 80,
            _ => 0,
        },
        PublicKey::P256(_) => 128,
        // Not known, not refused: the signature decides.
        PublicKey::Other { .. } => u32::MAX,
    }
}

fn digest_strength(certificate: &Certificate) -> u32 {
    match certificate.algorithm.dotted() {
        id::SHA1_RSA | id::SHA1_ECDSA => 63,
        id::SHA256_RSA | id::SHA256_ECDSA => 128,
        id::SHA384_RSA | id::SHA384_ECDSA => 192,
        id::SHA512_RSA | id::SHA512_ECDSA => 256,
        _ => u32::MAX,
    }
}

impl<'a> Walk<'a, '_> {
    fn wanted_strength(&self) -> u32 {
        LEVELS[usize::from(self.rules.level).min(LEVELS.len() - 1)]
    }

    /// The first certificate's key, which is asked about before anything else.
    pub(super) fn key_level(&mut self, first: &'a Certificate) -> Result<(), Stop> {
        if key_strength(&first.key) < self.wanted_strength() {
            return self.fail(Code::EeKeyTooSmall, 0, first);
        }
        Ok(())
    }

    /// The keys above it, and the digests of all but the root.
    pub(super) fn levels(&mut self) -> Result<(), Stop> {
        let wanted = self.wanted_strength();
        for depth in 0..self.chain.len() {
            let certificate = self.chain[depth];
            if depth > 0 && key_strength(&certificate.key) < wanted {
                self.fail(Code::CaKeyTooSmall, depth, certificate)?;
            }
            if depth + 1 < self.chain.len() && digest_strength(certificate) < wanted {
                self.fail(Code::CaDigestTooWeak, depth, certificate)?;
            }
        }
        Ok(())
    }

    /// Checks each signature with the key above it, and each time.
    pub(super) fn signatures(&mut self) -> Result<(), Stop> {
        let top = self.chain.len() - 1;
        let mut issuer = self.chain[top];
        let mut depth = top;
        if !may_have_issued(issuer, issuer) {
            if top == 0 {
                self.fail(Code::UnableToVerifyFirst, 0, issuer)?;
            } else {
                depth -= 1;
            }
        }
        loop {
            let subject = self.chain[depth];
            if depth != top {
                self.signature(issuer, subject, depth)?;
            } else if is_self_signed(subject) && is_ca(subject) && may_not_sign(subject) {
                self.fail(Code::NoCertSign, depth, subject)?;
            }
            if let Some(code) = time_error(subject, self.rules.now) {
                self.fail(code, depth, subject)?;
            }
            self.tell(Code::Ok, depth, subject)?;
            issuer = subject;
            let Some(next) = depth.checked_sub(1) else {
                return Ok(());
            };
            depth = next;
        }
    }

    fn signature(
        &mut self,
        issuer: &'a Certificate,
        subject: &'a Certificate,
        depth: usize,
    ) -> Result<(), Stop> {
        if may_not_sign(issuer) {
            self.fail(Code::NoCertSign, depth + 1, issuer)?;
        }
        if matches!(issuer.key, PublicKey::Other { .. }) {
            return self.fail(Code::UnableToDecodeIssuerPublicKey, depth + 1, issuer);
        }
        let signed = subject.inner_algorithm == subject.algorithm
            && issuer
                .key
                .verify(&subject.algorithm, &subject.signed, &subject.signature);
        if signed {
            Ok(())
        } else {
            self.fail(Code::SignatureFailure, depth, subject)
        }
    }
}

fn is_ca(certificate: &Certificate) -> bool {
    certificate
        .extension(id::BASIC_CONSTRAINTS)
        .and_then(|extension| extension.basic_constraints())
        .is_some_and(|(ca, _)| ca)
}
