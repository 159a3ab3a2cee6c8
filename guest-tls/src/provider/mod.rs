//! The cryptography rustls asks for, in pure Rust, so that guests build without a C compiler.
//!
//! Never a certificate check: that is `verify/`, and rustls' own (webpki) is not linked.

mod aead;
mod hash;
mod kx;
mod sign;
mod suites;

pub(crate) use sign::{SCHEMES, signing_key, verify_handshake};

use rustls::crypto::{
    CryptoProvider, GetRandomFailed, KeyProvider, SecureRandom, WebPkiSupportedAlgorithms,
};
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::SigningKey;
use std::sync::{Arc, OnceLock};

/// Everything TLS needs but certificates: AES-GCM and ChaCha20-Poly1305 with ECDHE over X25519 and
/// P-256, signatures of RSA and P-256, TLS 1.2 and 1.3.
///
/// It has no algorithms for webpki, so a configuration made with it needs this crate's verifier.
#[must_use]
pub fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: OnceLock<Arc<CryptoProvider>> = OnceLock::new();
    let provider = PROVIDER.get_or_init(|| {
        Arc::new(CryptoProvider {
            cipher_suites: suites::ALL.to_vec(),
            kx_groups: kx::ALL.to_vec(),
            signature_verification_algorithms: WebPkiSupportedAlgorithms {
                all: &[],
                mapping: &[],
            },
            secure_random: &Chance,
            key_provider: &Chance,
        })
    });
    Arc::clone(provider)
}

#[derive(Debug)]
struct Chance;

impl SecureRandom for Chance {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), GetRandomFailed> {
        crate::chance::fill(buffer);
        Ok(())
    }
}

impl KeyProvider for Chance {
    fn load_private_key(
        &self,
        key: PrivateKeyDer<'static>,
    ) -> Result<Arc<dyn SigningKey>, rustls::Error> {
        let key = crate::key::Key::from_der(key.secret_der())
            .map_err(|error| rustls::Error::General(error.to_string()))?;
        Ok(signing_key(key))
    }
}
