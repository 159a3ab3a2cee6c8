//! Certificates and requests: read, and built.
//!
//! Never judged here: whether to believe a certificate is `verify/`'s question.

mod build;
mod extension;
mod make;
mod name;
mod print;
mod request;

pub use build::{Builder, SelfSigned};
pub use extension::{AltName, AuthorityKeyId, Extension, USAGES};
pub use make::{Making, make_extension};
pub use name::{Attribute, Name};
pub use print::{NameStyle, oneline, print_name};
pub use request::Request;

use crate::der::{self, Object, Reader, id, tag};
use crate::key::PublicKey;
use crate::pem;

/// A certificate, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    /// What is signed, DER.
    pub signed: Vec<u8>,
    /// 1 to 3.
    pub version: u64,
    /// The serial number's contents, with its sign.
    pub serial: Vec<u8>,
    /// The signature algorithm named inside.
    pub inner_algorithm: Object,
    /// The signature algorithm named outside, which counts.
    pub algorithm: Object,
    /// Who signed it.
    pub issuer: Name,
    /// From when, seconds since 1970.
    pub not_before: i64,
    /// Until when, seconds since 1970.
    pub not_after: i64,
    /// Whose it is.
    pub subject: Name,
    /// The key, DER.
    pub spki: Vec<u8>,
    /// The key.
    pub key: PublicKey,
    /// In their order.
    pub extensions: Vec<Extension>,
    /// The signature.
    pub signature: Vec<u8>,
}

/// Bytes that are no certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a certificate")]
pub struct NotACertificate;

impl Certificate {
    /// Reads DER; what follows the certificate is ignored, as OpenSSL does.
    ///
    /// # Errors
    /// When it is no certificate.
    pub fn from_der(der: &[u8]) -> Result<Self, NotACertificate> {
        parse(der).ok_or(NotACertificate)
    }

    /// All certificates in a text of PEM, in their order.
    ///
    /// # Errors
    /// When a block is broken or is no certificate. No block at all is an empty list.
    pub fn all_from_pem(text: &[u8]) -> Result<Vec<Self>, NotACertificate> {
        let blocks = pem::read(text).map_err(|_| NotACertificate)?;
        blocks
            .iter()
            .filter(|block| {
                matches!(
                    block.label.as_str(),
                    "CERTIFICATE" | "X509 CERTIFICATE" | "TRUSTED CERTIFICATE"
                )
            })
            .map(|block| Self::from_der(&block.der))
            .collect()
    }

    /// The whole of it.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// `-----BEGIN CERTIFICATE-----` …
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::write("CERTIFICATE", &self.der)
    }

    /// The extension of this identifier.
    #[must_use]
    pub fn extension(&self, object: &str) -> Option<&Extension> {
        self.extensions
            .iter()
            .find(|extension| extension.object == *object)
    }

    /// Whether its issuer is its subject.
    #[must_use]
    pub fn is_self_issued(&self) -> bool {
        self.issuer.matches(&self.subject)
    }

    /// The last common name of the subject: what clients compare with a host's name.
    #[must_use]
    pub fn common_name(&self) -> Option<String> {
        self.subject.last(id::COMMON_NAME)
    }

    /// The subject's alternative names; none when the extension is missing or broken.
    #[must_use]
    pub fn alt_names(&self) -> Vec<AltName> {
        self.extension(id::ALT_NAME)
            .and_then(Extension::alt_names)
            .unwrap_or_default()
    }
}

fn parse(der: &[u8]) -> Option<Certificate> {
    let whole = Reader::new(der).expect(tag::SEQUENCE)?;
    let mut outer = whole.inner();
    let signed = outer.expect(tag::SEQUENCE)?;
    let algorithm = outer.sequence()?.object()?;
    let signature = outer.expect(tag::BIT_STRING)?.bits()?.to_vec();
    let mut inner = signed.inner();
    let version = match inner.optional(0xa0) {
        Some(version) => version.inner().small()?.checked_add(1)?,
        None => 1,
    };
    let serial = inner.expect(tag::INTEGER)?.body.to_vec();
    let inner_algorithm = inner.sequence()?.object()?;
    let issuer = Name::from_element(inner.expect(tag::SEQUENCE)?)?;
    let mut validity = inner.sequence()?;
    let mut moment = || {
        let element = validity.any()?;
        der::parse_time(element.tag, element.body)
    };
    let (not_before, not_after) = (moment()?, moment()?);
    let subject = Name::from_element(inner.expect(tag::SEQUENCE)?)?;
    let spki = inner.expect(tag::SEQUENCE)?.raw.to_vec();
    let key = PublicKey::from_spki(&spki)?;
    let mut extensions = Vec::new();
    while let Some(part) = inner.any() {
        if part.tag == 0xa3 {
            extensions = Extension::read_all(part.inner().sequence()?)?;
        }
    }
    Some(Certificate {
        der: whole.raw.to_vec(),
        signed: signed.raw.to_vec(),
        version,
        serial,
        inner_algorithm,
        algorithm,
        issuer,
        not_before,
        not_after,
        subject,
        spki,
        key,
        extensions,
        signature,
    })
}
