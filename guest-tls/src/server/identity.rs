//! A certificate with its chain and its key, loaded as servers load them.
//!
//! Never opens a file.

use crate::cert::Certificate;
use crate::key::{Key, KeyError};
use crate::{pem, provider};
use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;
use std::sync::Arc;

/// Who a server is.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Its own certificate first, then the ones above it.
    pub chain: Vec<Certificate>,
    certified: Arc<CertifiedKey>,
}

/// Why a certificate or its key cannot be used; the texts are the ones OpenSSL 3.0 gives and
/// nginx repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// The text of certificates has none.
    #[error("error:0480006C:PEM routines::no start line:Expecting: TRUSTED CERTIFICATE")]
    NoCertificate,
    /// A certificate's base64 is broken.
    #[error("error:04800064:PEM routines::bad base64 decode")]
    BrokenPem,
    /// A certificate is none.
    #[error("error:0688010A:asn1 encoding routines::nested asn1 error:Type=X509")]
    BadCertificate,
    /// The text of the key has none.
    #[error("error:0480006C:PEM routines::no start line:Expecting: ANY PRIVATE KEY")]
    NoKey,
    /// The key is broken, encrypted or of an unknown algorithm.
    #[error("error:1E08010C:DECODER routines::unsupported")]
    BadKey,
    /// Certificate and key are not a pair.
    #[error("error:05800074:x509 certificate routines::key values mismatch")]
    Mismatch,
}

impl LoadError {
    /// Whether it is the key that is wrong (or does not fit), not the certificate.
    #[must_use]
    pub fn is_about_key(self) -> bool {
        matches!(self, Self::NoKey | Self::BadKey | Self::Mismatch)
    }
}

impl Identity {
    /// Loads both from PEM.
    ///
    /// # Errors
    /// The first thing that is wrong, the certificate before the key.
    pub fn load(chain_pem: &[u8], key_pem: &[u8]) -> Result<Self, LoadError> {
        pem::read(chain_pem).map_err(|_| LoadError::BrokenPem)?;
        let chain = Certificate::all_from_pem(chain_pem).map_err(|_| LoadError::BadCertificate)?;
        let first = chain.first().ok_or(LoadError::NoCertificate)?;
        let key = Key::from_pem(key_pem).map_err(|error| match error {
            KeyError::NoPem => LoadError::NoKey,
            _ => LoadError::BadKey,
        })?;
        if key.public() != first.key {
            return Err(LoadError::Mismatch);
        }
        Ok(Self::new(chain, key))
    }

    /// A chain and the key of its first certificate.
    #[must_use]
    pub fn new(chain: Vec<Certificate>, key: Key) -> Self {
        let ders = chain
            .iter()
            .map(|certificate| CertificateDer::from(certificate.der().to_vec()));
        let certified = CertifiedKey::new(ders.collect(), provider::signing_key(key));
        Self {
            chain,
            certified: Arc::new(certified),
        }
    }

    pub(crate) fn certified(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.certified)
    }
}
