//! Certificates built and signed.
//!
//! Never reads a clock: the times are arguments.

use super::{AltName, Certificate, Extension, Making, Name, make_extension};
use crate::der;
use crate::digest::Digest;
use crate::key::{Key, PublicKey};

/// What a certificate is to say.
#[derive(Clone, Debug)]
pub struct Builder {
    /// The serial number's magnitude.
    pub serial: Vec<u8>,
    /// Who signs.
    pub issuer: Name,
    /// Whose it is.
    pub subject: Name,
    /// From when, seconds since 1970.
    pub not_before: i64,
    /// Until when, seconds since 1970.
    pub not_after: i64,
    /// The subject's key.
    pub key: PublicKey,
    /// In their order; with none it is a certificate of version 1.
    pub extensions: Vec<Extension>,
}

impl Builder {
    /// Signs with the issuer's key; `None` when that is too small for its digest, or the result
    /// is no certificate (a subject key of an algorithm unknown here).
    #[must_use]
    pub fn sign(&self, key: &Key, digest: Digest) -> Option<Certificate> {
        let algorithm = key.signature_algorithm(digest);
        let mut parts = Vec::new();
        if !self.extensions.is_empty() {
            parts.push(der::explicit(0, &der::integer(&[2])));
        }
        parts.extend([
            der::integer(&self.serial),
            algorithm.clone(),
            self.issuer.der().to_vec(),
            der::sequence(&[der::time(self.not_before), der::time(self.not_after)]),
            self.subject.der().to_vec(),
            self.key.to_spki(),
        ]);
        if !self.extensions.is_empty() {
            let list: Vec<Vec<u8>> = self.extensions.iter().map(Extension::to_der).collect();
            parts.push(der::explicit(3, &der::sequence(&list)));
        }
        let signed = der::sequence(&parts);
        let signature = key.sign(digest, &signed)?;
        let whole = der::sequence(&[signed, algorithm, der::bit_string(&signature)]);
        Certificate::from_der(&whole).ok()
    }
}

/// A certificate that signs itself, like `openssl req -x509` makes them.
#[derive(Clone, Debug)]
pub struct SelfSigned {
    /// Whose it is.
    pub subject: Name,
    /// Its alternative names; without any there is no extension for them.
    pub names: Vec<AltName>,
    /// From when, seconds since 1970.
    pub not_before: i64,
    /// How long.
    pub days: i64,
    /// Whether it is a CA, which OpenSSL's default configuration says.
    pub ca: bool,
}

impl SelfSigned {
    /// Signs with SHA-256 and a serial number drawn by chance; `None` for keys that are too small.
    pub fn sign(&self, key: &Key, random: &mut dyn FnMut(&mut [u8])) -> Option<Certificate> {
        let public = key.public();
        let making = Making {
            subject_key: Some(&public),
            issuer: None,
            issuer_key: Some(&public),
        };
        let constraint = if self.ca {
            "critical,CA:TRUE"
        } else {
            "critical,CA:FALSE"
        };
        let mut extensions: Vec<Extension> = [
            ("subjectKeyIdentifier", "hash"),
            ("authorityKeyIdentifier", "keyid"),
            ("basicConstraints", constraint),
        ]
        .iter()
        .filter_map(|(name, value)| make_extension(name, value, &making).ok().flatten())
        .collect();
        if !self.names.is_empty() {
            let names: Vec<Vec<u8>> = self.names.iter().map(AltName::to_der).collect();
            extensions.push(Extension {
                object: der::Object::named("subjectAltName")?,
                critical: false,
                value: der::sequence(&names),
            });
        }
        let builder = Builder {
            serial: Builder::random_serial(random),
            issuer: self.subject.clone(),
            subject: self.subject.clone(),
            not_before: self.not_before,
            not_after: self.not_before + self.days * 86_400,
            key: public.clone(),
            extensions,
        };
        builder.sign(key, Digest::Sha256)
    }
}

impl Builder {
    /// A serial number as OpenSSL draws them: 159 bits.
    pub fn random_serial(random: &mut dyn FnMut(&mut [u8])) -> Vec<u8> {
        let mut serial = vec![0; 20];
        random(&mut serial);
        serial[0] &= 0x7f;
        serial
    }
}
