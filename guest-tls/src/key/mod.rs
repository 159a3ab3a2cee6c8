//! Keys: RSA and P-256, made, read from PEM, written to PEM, signing and verifying.
//!
//! Never another algorithm, and never a pass phrase: an encrypted key is refused by name.

mod load;
mod store;

pub use load::KeyError;

use crate::der::{self, Reader, id};
use crate::digest::Digest;
use crate::number::Number;
use crate::rsa;
use p256::ecdsa::signature::hazmat::{PrehashSigner, PrehashVerifier};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};

/// A private key.
#[derive(Clone, Debug)]
pub enum Key {
    /// RSA with its Chinese remainders.
    Rsa(Box<rsa::Private>),
    /// The curve P-256 (`prime256v1`).
    P256(Box<SigningKey>),
}

/// A public key, of algorithms known here or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// RSA.
    Rsa(rsa::Public),
    /// P-256: the point, uncompressed (65 bytes starting with 4) as it stands in certificates.
    P256(Vec<u8>),
    /// An algorithm unknown here, by its identifier and its curve's, or a broken key of a known one.
    Other {
        /// `id-ecPublicKey`, `ED25519`, …
        algorithm: der::Object,
        /// The curve, for elliptic ones.
        curve: Option<der::Object>,
    },
}

/// Makes an RSA key of this many bits: a multiple of sixteen, at least 512, at most 8192.
pub fn generate_rsa(bits: usize, random: &mut dyn FnMut(&mut [u8])) -> Key {
    let bits = bits.clamp(512, 8192) / 16 * 16;
    Key::Rsa(Box::new(rsa::Private::generate(bits, random)))
}

/// Makes a P-256 key.
pub fn generate_p256(random: &mut dyn FnMut(&mut [u8])) -> Key {
    loop {
        let mut secret = [0; 32];
        random(&mut secret);
        // Zero and numbers above the curve's order are no secrets; they come once in 2³².
        if let Ok(key) = SigningKey::from_slice(&secret) {
            return Key::P256(Box::new(key));
        }
    }
}

impl Key {
    /// What everybody may know of it.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        match self {
            Self::Rsa(key) => PublicKey::Rsa(key.public.clone()),
            Self::P256(key) => {
                let point = key.verifying_key().to_sec1_point(false);
                PublicKey::P256(point.as_bytes().to_vec())
            }
        }
    }

    /// Signs as certificates are signed: RSA with PKCS#1 padding, or ECDSA in DER. The chance of
    /// ECDSA is drawn from key and message (RFC 6979). `None` when an RSA key is too small.
    #[must_use]
    pub fn sign(&self, digest: Digest, message: &[u8]) -> Option<Vec<u8>> {
        match self {
            Self::Rsa(key) => key.sign(digest, message),
            Self::P256(key) => {
                let signature: Signature = key.sign_prehash(&digest.of(message)).ok()?;
                Some(signature.to_der().as_bytes().to_vec())
            }
        }
    }

    /// The AlgorithmIdentifier of [`Key::sign`].
    #[must_use]
    pub fn signature_algorithm(&self, digest: Digest) -> Vec<u8> {
        let (rsa, ecdsa) = match digest {
            Digest::Sha1 => (id::SHA1_RSA, id::SHA1_ECDSA),
            Digest::Sha256 => (id::SHA256_RSA, id::SHA256_ECDSA),
            Digest::Sha384 => (id::SHA384_RSA, id::SHA384_ECDSA),
            Digest::Sha512 => (id::SHA512_RSA, id::SHA512_ECDSA),
        };
        match self {
            Self::Rsa(_) => der::sequence(&[der::oid(rsa), der::null()]),
            Self::P256(_) => der::sequence(&[der::oid(ecdsa)]),
        }
    }
}

impl PublicKey {
    /// Reads a SubjectPublicKeyInfo; `None` when it is not even one.
    #[must_use]
    pub fn from_spki(spki: &[u8]) -> Option<Self> {
        let mut outer = Reader::new(spki);
        let mut info = outer.sequence()?;
        let mut algorithm = info.sequence()?;
        let object = algorithm.object()?;
        let curve = algorithm
            .optional(der::tag::OBJECT)
            .and_then(|curve| der::Object::from_body(curve.body));
        let key = info.expect(der::tag::BIT_STRING)?.bits()?;
        let known = match (object.dotted(), curve.as_ref().map(der::Object::dotted)) {
            (id::RSA, _) => Self::rsa_from_der(key),
            (id::EC, Some(id::P256)) => Self::p256_from_point(key),
            _ => None,
        };
        Some(known.unwrap_or(Self::Other {
            algorithm: object,
            curve,
        }))
    }

    /// Reads PKCS#1's RSAPublicKey.
    #[must_use]
    pub fn rsa_from_der(der: &[u8]) -> Option<Self> {
        let mut key = Reader::new(der).sequence()?;
        let mut number = || {
            let magnitude = key.expect(der::tag::INTEGER)?.magnitude()?;
            Some(Number::from_bytes(magnitude))
        };
        let (n, e) = (number()?, number()?);
        Some(Self::Rsa(rsa::Public { n, e }))
    }

    fn p256_from_point(point: &[u8]) -> Option<Self> {
        let key = VerifyingKey::from_sec1_bytes(point).ok()?;
        Some(Self::P256(key.to_sec1_point(false).as_bytes().to_vec()))
    }

    /// Its SubjectPublicKeyInfo; empty for an algorithm unknown here.
    #[must_use]
    pub fn to_spki(&self) -> Vec<u8> {
        match self {
            Self::Rsa(_) => der::sequence(&[
                der::sequence(&[der::oid(id::RSA), der::null()]),
                der::bit_string(&self.to_bytes()),
            ]),
            Self::P256(point) => der::sequence(&[
                der::sequence(&[der::oid(id::EC), der::oid(id::P256)]),
                der::bit_string(point),
            ]),
            Self::Other { .. } => Vec::new(),
        }
    }

    /// What stands in the bit string: PKCS#1's RSAPublicKey, or the point.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Rsa(key) => der::sequence(&[
                der::integer(&key.n.to_bytes()),
                der::integer(&key.e.to_bytes()),
            ]),
            Self::P256(point) => point.clone(),
            Self::Other { .. } => Vec::new(),
        }
    }

    /// `-----BEGIN PUBLIC KEY-----` …
    #[must_use]
    pub fn to_pem(&self) -> String {
        crate::pem::write("PUBLIC KEY", &self.to_spki())
    }

    /// How many bits OpenSSL says it has.
    #[must_use]
    pub fn bits(&self) -> usize {
        match self {
            Self::Rsa(key) => key.n.bits(),
            Self::P256(_) => 256,
            Self::Other { .. } => 0,
        }
    }

    /// Whether this signature of a certificate or a request is this key's:
    /// `algorithm` is the identifier that stands there.
    #[must_use]
    pub fn verify(&self, algorithm: &der::Object, message: &[u8], signature: &[u8]) -> bool {
        let (rsa, digest) = match algorithm.dotted() {
            id::SHA1_RSA => (true, Digest::Sha1),
            id::SHA256_RSA => (true, Digest::Sha256),
            id::SHA384_RSA => (true, Digest::Sha384),
            id::SHA512_RSA => (true, Digest::Sha512),
            id::SHA1_ECDSA => (false, Digest::Sha1),
            id::SHA256_ECDSA => (false, Digest::Sha256),
            id::SHA384_ECDSA => (false, Digest::Sha384),
            id::SHA512_ECDSA => (false, Digest::Sha512),
            _ => return false,
        };
        match self {
            Self::Rsa(key) if rsa => key.verify(digest, message, signature),
            Self::P256(_) if !rsa => self.verify_ecdsa(digest, message, signature),
            _ => false,
        }
    }

    pub(crate) fn verify_ecdsa(&self, digest: Digest, message: &[u8], signature: &[u8]) -> bool {
        let Self::P256(point) = self else {
            return false;
        };
        let check = || {
            let key = VerifyingKey::from_sec1_bytes(point).ok()?;
            let signature = Signature::from_der(signature).ok()?;
            key.verify_prehash(&digest.of(message), &signature).ok()
        };
        check().is_some()
    }
}
