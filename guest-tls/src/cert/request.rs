//! Certificate signing requests (PKCS#10).
//!
//! Never other attributes than the request for extensions, when writing.

use super::{Extension, Name, NotACertificate};
use crate::der::{self, Object, Reader, id, tag};
use crate::digest::Digest;
use crate::key::{Key, PublicKey};
use crate::pem;

/// A request, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    der: Vec<u8>,
    /// What is signed, DER.
    pub signed: Vec<u8>,
    /// 1.
    pub version: u64,
    /// Who asks.
    pub subject: Name,
    /// The key, DER.
    pub spki: Vec<u8>,
    /// The key.
    pub key: PublicKey,
    /// The extensions asked for.
    pub extensions: Vec<Extension>,
    /// Whether there are any attributes.
    pub has_attributes: bool,
    /// How it is signed.
    pub algorithm: Object,
    /// The signature.
    pub signature: Vec<u8>,
}

impl Request {
    /// Reads DER.
    ///
    /// # Errors
    /// When it is no request.
    pub fn from_der(der: &[u8]) -> Result<Self, NotACertificate> {
        parse(der).ok_or(NotACertificate)
    }

    /// The first request in a text of PEM.
    ///
    /// # Errors
    /// When there is none.
    pub fn from_pem(text: &[u8]) -> Result<Self, NotACertificate> {
        let blocks = pem::read(text).map_err(|_| NotACertificate)?;
        let block = blocks.iter().find(|block| {
            matches!(
                block.label.as_str(),
                "CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST"
            )
        });
        Self::from_der(&block.ok_or(NotACertificate)?.der)
    }

    /// Builds and signs one; `None` when the key is too small for the digest.
    #[must_use]
    pub fn build(
        subject: &Name,
        key: &Key,
        extensions: &[Extension],
        digest: Digest,
    ) -> Option<Self> {
        let attributes = if extensions.is_empty() {
            Vec::new()
        } else {
            let list: Vec<Vec<u8>> = extensions.iter().map(Extension::to_der).collect();
            der::sequence(&[
                der::oid(id::EXTENSION_REQUEST),
                der::set(&[der::sequence(&list)]),
            ])
        };
        let signed = der::sequence(&[
            der::integer(&[0]),
            subject.der().to_vec(),
            key.public().to_spki(),
            der::explicit(0, &attributes),
        ]);
        let signature = key.sign(digest, &signed)?;
        let whole = der::sequence(&[
            signed,
            key.signature_algorithm(digest),
            der::bit_string(&signature),
        ]);
        Self::from_der(&whole).ok()
    }

    /// The whole of it.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// `-----BEGIN CERTIFICATE REQUEST-----` …
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::write("CERTIFICATE REQUEST", &self.der)
    }

    /// Whether who asks has the key.
    #[must_use]
    pub fn is_signed(&self) -> bool {
        self.key
            .verify(&self.algorithm, &self.signed, &self.signature)
    }
}

fn parse(der: &[u8]) -> Option<Request> {
    let whole = Reader::new(der).expect(tag::SEQUENCE)?;
    let mut outer = whole.inner();
    let signed = outer.expect(tag::SEQUENCE)?;
    let algorithm = outer.sequence()?.object()?;
    let signature = outer.expect(tag::BIT_STRING)?.bits()?.to_vec();
    let mut inner = signed.inner();
    let version = inner.small()?.checked_add(1)?;
    let subject = Name::from_element(inner.expect(tag::SEQUENCE)?)?;
    let spki = inner.expect(tag::SEQUENCE)?.raw.to_vec();
    let key = PublicKey::from_spki(&spki)?;
    let mut extensions = Vec::new();
    let mut has_attributes = false;
    if let Some(attributes) = inner.optional(0xa0) {
        let mut attributes = attributes.inner();
        while !attributes.is_done() {
            has_attributes = true;
            let mut attribute = attributes.sequence()?;
            if attribute.object()? == *id::EXTENSION_REQUEST {
                let mut values = attribute.expect(tag::SET)?.inner();
                extensions.extend(Extension::read_all(values.sequence()?)?);
            }
        }
    }
    Some(Request {
        der: whole.raw.to_vec(),
        signed: signed.raw.to_vec(),
        version,
        subject,
        spki,
        key,
        extensions,
        has_attributes,
        algorithm,
        signature,
    })
}
