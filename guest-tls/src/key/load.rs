//! Keys from PEM and DER: PKCS#8, PKCS#1 and SEC1.
//!
//! Never asks for a pass phrase.

use super::{Key, PublicKey};
use crate::der::{Reader, id, tag};
use crate::number::Number;
use crate::{pem, rsa};
use p256::ecdsa::SigningKey;

/// Why there is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No block of a key, or broken base64.
    #[error("no start line")]
    NoPem,
    /// A block that is no key.
    #[error("bad key")]
    Bad,
    /// A key that needs a pass phrase.
    #[error("the key is encrypted")]
    Encrypted,
    /// A key of an algorithm unknown here.
    #[error("unsupported algorithm")]
    Unsupported,
}

impl Key {
    /// The first private key in a text of PEM; other blocks (`EC PARAMETERS`, certificates) are
    /// passed over.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn from_pem(text: &[u8]) -> Result<Self, KeyError> {
        for block in pem::read(text).map_err(|_| KeyError::NoPem)? {
            if block.encrypted || block.label == "ENCRYPTED PRIVATE KEY" {
                return Err(KeyError::Encrypted);
            }
            match block.label.as_str() {
                "PRIVATE KEY" => return Self::from_pkcs8(&block.der),
                "RSA PRIVATE KEY" => return Self::from_pkcs1(&block.der),
                "EC PRIVATE KEY" => return Self::from_sec1(&block.der),
                _ => {}
            }
        }
        Err(KeyError::NoPem)
    }

    /// A key in PKCS#8, PKCS#1 or SEC1, whichever it turns out to be.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        Self::from_pkcs8(der).or_else(|error| {
            if error == KeyError::Unsupported {
                return Err(error);
            }
            Self::from_pkcs1(der).or_else(|_| Self::from_sec1(der))
        })
    }

    fn from_pkcs8(der: &[u8]) -> Result<Self, KeyError> {
        let parts = || {
            let mut key = Reader::new(der).sequence()?;
            key.small()?;
            let mut algorithm = key.sequence()?;
            let object = algorithm.object()?;
            Some((object, algorithm, key.expect(tag::OCTET_STRING)?.body))
        };
        let (object, mut algorithm, body) = parts().ok_or(KeyError::Bad)?;
        match object.dotted() {
            id::RSA => Self::from_pkcs1(body),
            id::EC if algorithm.object().is_some_and(|curve| curve == *id::P256) => {
                Self::sec1(body).ok_or(KeyError::Bad)
            }
            _ => Err(KeyError::Unsupported),
        }
    }

    fn from_pkcs1(der: &[u8]) -> Result<Self, KeyError> {
        let read = || {
            let mut key = Reader::new(der).sequence()?;
            key.small().filter(|version| *version == 0)?;
            let mut number = || {
                let magnitude = key.expect(tag::INTEGER)?.magnitude()?;
                Some(Number::from_bytes(magnitude)).filter(|number| number.bits() <= 16_384)
            };
            let (n, e) = (number()?, number()?);
            let (d, p, q) = (number()?, number()?, number()?);
            let (dp, dq, qinv) = (number()?, number()?, number()?);
            let public = rsa::Public { n, e };
            let key = rsa::Private {
                public,
                d,
                p,
                q,
                dp,
                dq,
                qinv,
            };
            key.is_sound().then_some(key)
        };
        read()
            .map(|key| Self::Rsa(Box::new(key)))
            .ok_or(KeyError::Bad)
    }

    fn from_sec1(der: &[u8]) -> Result<Self, KeyError> {
        let curve = || {
            let mut key = Reader::new(der).sequence()?;
            key.small()?;
            key.expect(tag::OCTET_STRING)?;
            key.optional(0xa0)?.inner().object()
        };
        match curve() {
            Some(curve) if curve != *id::P256 => Err(KeyError::Unsupported),
            _ => Self::sec1(der).ok_or(KeyError::Bad),
        }
    }

    fn sec1(der: &[u8]) -> Option<Self> {
        let mut key = Reader::new(der).sequence()?;
        key.small().filter(|version| *version == 1)?;
        let secret = key.expect(tag::OCTET_STRING)?.body;
        if secret.len() > 32 {
            return None;
        }
        let mut padded = [0; 32];
        padded[32 - secret.len()..].copy_from_slice(secret);
        let key = SigningKey::from_slice(&padded).ok()?;
        Some(Self::P256(Box::new(key)))
    }
}

impl PublicKey {
    /// The first public key in a text of PEM.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn from_pem(text: &[u8]) -> Result<Self, KeyError> {
        for block in pem::read(text).map_err(|_| KeyError::NoPem)? {
            match block.label.as_str() {
                "PUBLIC KEY" => return Self::from_spki(&block.der).ok_or(KeyError::Bad),
                "RSA PUBLIC KEY" => return Self::rsa_from_der(&block.der).ok_or(KeyError::Bad),
                _ => {}
            }
        }
        Err(KeyError::NoPem)
    }
}
