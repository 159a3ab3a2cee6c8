//! What a certificate's extensions allow it: to be a CA, to serve, to stand so high in a chain.
//!
//! Never looks at a signature.

use super::{Code, Purpose, Stop, Walk};
use crate::cert::{Certificate, Extension};
use crate::der::id;
use crate::key::PublicKey;

const DIGITAL_SIGNATURE: u16 = 1;
const KEY_ENCIPHERMENT: u16 = 1 << 2;
const KEY_AGREEMENT: u16 = 1 << 4;
const CERT_SIGN: u16 = 1 << 5;

/// Whether the certificate names itself as its issuer and its identifiers do not say otherwise.
pub(super) fn is_self_signed(certificate: &Certificate) -> bool {
    certificate.is_self_issued() && fits(certificate, certificate)
}

/// Whether one may have issued the other, as far as names and identifiers tell.
pub(super) fn may_have_issued(issuer: &Certificate, subject: &Certificate) -> bool {
    issuer.subject.matches(&subject.issuer) && fits(issuer, subject)
}

/// Identifiers and the kind of signature.
fn fits(issuer: &Certificate, subject: &Certificate) -> bool {
    let rsa = match subject.algorithm.dotted() {
        id::SHA256_ECDSA | id::SHA384_ECDSA | id::SHA512_ECDSA | id::SHA1_ECDSA => Some(false),
        id::SHA256_RSA | id::SHA384_RSA | id::SHA512_RSA | id::SHA1_RSA => Some(true),
        _ => None,
    };
    let same_kind = match (&issuer.key, rsa) {
        (PublicKey::Rsa(_), Some(rsa)) => rsa,
        (PublicKey::P256(_), Some(rsa)) => !rsa,
        _ => true,
    };
    let authority = subject
        .extension(id::AUTHORITY_KEY_ID)
        .and_then(Extension::authority)
        .unwrap_or_default();
    let own = issuer
        .extension(id::SUBJECT_KEY_ID)
        .and_then(Extension::key_id);
    let same_key = match (&authority.key, own) {
        (Some(wanted), Some(own)) => wanted == own,
        _ => true,
    };
    let same_serial = authority
        .serial
        .as_ref()
        .is_none_or(|serial| *serial == issuer.serial);
    let same_issuer = authority.issuer.iter().all(|name| match name {
        crate::cert::AltName::Directory(name) => name.matches(&issuer.issuer),
        _ => true,
    });
    same_kind && same_key && same_serial && same_issuer
}

/// Too early or too late.
pub(super) fn time_error(certificate: &Certificate, now: i64) -> Option<Code> {
    if now < certificate.not_before {
        Some(Code::NotYetValid)
    } else if now > certificate.not_after {
        Some(Code::Expired)
    } else {
        None
    }
}

/// Whether a key usage is given that lacks all of these.
pub(super) fn usage_refuses(certificate: &Certificate, any_of: u16) -> bool {
    certificate
        .extension(id::KEY_USAGE)
        .and_then(Extension::key_usage)
        .is_some_and(|usage| usage & any_of == 0)
}

/// Whether signing certificates is forbidden.
pub(super) fn may_not_sign(certificate: &Certificate) -> bool {
    usage_refuses(certificate, CERT_SIGN)
}

/// OpenSSL's degrees: 0 no CA, 1 a CA, 3 a root of version 1, 4 one by its key usage alone.
fn ca_degree(certificate: &Certificate) -> u8 {
    if may_not_sign(certificate) {
        return 0;
    }
    if let Some((ca, _)) = constraints(certificate) {
        return u8::from(ca);
    }
    if certificate.version == 1 && is_self_signed(certificate) {
        3
    } else if certificate.extension(id::KEY_USAGE).is_some() {
        4
    } else {
        0
    }
}

/// Whether it may sign certificates, as `openssl x509 -purpose` and CA checks see it.
fn constraints(certificate: &Certificate) -> Option<(bool, Option<u64>)> {
    certificate
        .extension(id::BASIC_CONSTRAINTS)
        .and_then(Extension::basic_constraints)
}

fn fits_purpose(certificate: &Certificate, purpose: Purpose, above: bool) -> bool {
    let wanted = match purpose {
        Purpose::Any => return true,
        Purpose::Server => id::SERVER_AUTH,
        Purpose::Client => id::CLIENT_AUTH,
    };
    let purposes = certificate
        .extension(id::EXT_KEY_USAGE)
        .and_then(Extension::purposes);
    if purposes.is_some_and(|all| !all.iter().any(|one| *one == *wanted)) {
        return false;
    }
    if above {
        return ca_degree(certificate) > 0;
    }
    let usages = match purpose {
        Purpose::Client => DIGITAL_SIGNATURE | KEY_AGREEMENT,
        _ => DIGITAL_SIGNATURE | KEY_ENCIPHERMENT | KEY_AGREEMENT,
    };
    !usage_refuses(certificate, usages)
}

impl Walk<'_, '_> {
    /// Asks every certificate of the chain what it may be.
    pub(super) fn extensions(&mut self) -> Result<(), Stop> {
        let length = self.chain.len();
        // How many certificates below count against a path length.
        let mut below = 0;
        for depth in 0..length {
            let certificate = self.chain[depth];
            let unknown = |extension: &&Extension| extension.critical && !extension.is_minded();
            if certificate.extensions.iter().any(|one| unknown(&one)) {
                self.fail(Code::UnhandledCritical, depth, certificate)?;
            }
            let degree = ca_degree(certificate);
            if depth > 0 && (degree == 0 || (depth + 1 < length && degree != 1)) {
                self.fail(Code::InvalidCa, depth, certificate)?;
            }
            if !fits_purpose(certificate, self.rules.purpose, depth > 0) {
                self.fail(Code::InvalidPurpose, depth, certificate)?;
            }
            let limit = constraints(certificate).and_then(|(_, limit)| limit);
            if depth > 1 && limit.is_some_and(|limit| below > limit) {
                self.fail(Code::PathLengthExceeded, depth, certificate)?;
            }
            if depth > 0 && !certificate.is_self_issued() {
                below += 1;
            }
        }
        Ok(())
    }
}
