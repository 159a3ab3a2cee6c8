//! Handshake signatures: made with our own key, checked with the peer's.
//!
//! Never SHA-1.

use crate::cert::Certificate;
use crate::digest::Digest;
use crate::key::{Key, PublicKey};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::pki_types::CertificateDer;
use rustls::sign::{Signer, SigningKey};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureAlgorithm, SignatureScheme};
use std::sync::Arc;

/// What is offered and accepted, the preferred ones first.
pub(crate) const SCHEMES: [SignatureScheme; 7] = [
    SignatureScheme::ECDSA_NISTP256_SHA256,
    SignatureScheme::RSA_PSS_SHA256,
    SignatureScheme::RSA_PSS_SHA384,
    SignatureScheme::RSA_PSS_SHA512,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PKCS1_SHA512,
];

fn digest(scheme: SignatureScheme) -> Option<Digest> {
    match scheme {
        SignatureScheme::ECDSA_NISTP256_SHA256
        | SignatureScheme::RSA_PSS_SHA256
        | SignatureScheme::RSA_PKCS1_SHA256 => Some(Digest::Sha256),
        SignatureScheme::RSA_PSS_SHA384 | SignatureScheme::RSA_PKCS1_SHA384 => Some(Digest::Sha384),
        SignatureScheme::RSA_PSS_SHA512 | SignatureScheme::RSA_PKCS1_SHA512 => Some(Digest::Sha512),
        _ => None,
    }
}

fn is_pss(scheme: SignatureScheme) -> bool {
    matches!(
        scheme,
        SignatureScheme::RSA_PSS_SHA256
            | SignatureScheme::RSA_PSS_SHA384
            | SignatureScheme::RSA_PSS_SHA512
    )
}

fn fits(key: &PublicKey, scheme: SignatureScheme) -> bool {
    let ecdsa = scheme == SignatureScheme::ECDSA_NISTP256_SHA256;
    SCHEMES.contains(&scheme)
        && match key {
            PublicKey::Rsa(_) => !ecdsa,
            PublicKey::P256(_) => ecdsa,
            PublicKey::Other { .. } => false,
        }
}

/// Whether `signature` is this key's.
fn verify_signature(
    key: &PublicKey,
    scheme: SignatureScheme,
    message: &[u8],
    signature: &[u8],
) -> bool {
    let Some(digest) = digest(scheme).filter(|_| fits(key, scheme)) else {
        return false;
    };
    match key {
        PublicKey::Rsa(key) if is_pss(scheme) => key.verify_pss(digest, message, signature),
        PublicKey::Rsa(key) => key.verify(digest, message, signature),
        PublicKey::P256(_) => key.verify_ecdsa(digest, message, signature),
        PublicKey::Other { .. } => false,
    }
}

/// Whether a peer has the key of the certificate it sent.
pub(crate) fn verify_handshake(
    message: &[u8],
    certificate: &CertificateDer<'_>,
    signed: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    let bad = |_| Error::InvalidCertificate(CertificateError::BadEncoding);
    let key = Certificate::from_der(certificate).map_err(bad)?.key;
    if verify_signature(&key, signed.scheme, message, signed.signature()) {
        Ok(HandshakeSignatureValid::assertion())
    } else {
        Err(Error::InvalidCertificate(CertificateError::BadSignature))
    }
}

/// The key as rustls wants it.
pub(crate) fn signing_key(key: Key) -> Arc<dyn SigningKey> {
    Arc::new(OurKey(Arc::new(key)))
}

#[derive(Debug)]
struct OurKey(Arc<Key>);

impl SigningKey for OurKey {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let public = self.0.public();
        let scheme = SCHEMES
            .into_iter()
            .find(|scheme| offered.contains(scheme) && fits(&public, *scheme))?;
        Some(Box::new(OurSigner(Arc::clone(&self.0), scheme)))
    }
    fn algorithm(&self) -> SignatureAlgorithm {
        match *self.0 {
            Key::Rsa(_) => SignatureAlgorithm::RSA,
            Key::P256(_) => SignatureAlgorithm::ECDSA,
        }
    }
}

#[derive(Debug)]
struct OurSigner(Arc<Key>, SignatureScheme);

impl Signer for OurSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let digest = digest(self.1).unwrap_or(Digest::Sha256);
        match &*self.0 {
            Key::Rsa(key) if is_pss(self.1) => {
                key.sign_pss(digest, message, &mut crate::chance::fill)
            }
            key => key.sign(digest, message),
        }
        .ok_or_else(|| Error::General("key too small".to_owned()))
    }
    fn scheme(&self) -> SignatureScheme {
        self.1
    }
}
