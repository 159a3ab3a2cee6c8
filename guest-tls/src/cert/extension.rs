//! Extensions, and the contents of those that decide something.
//!
//! Never complains: contents that cannot be read are `None`.

use super::Name;
use crate::der::{self, Object, Reader, id, tag};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// Which.
    pub object: Object,
    /// Whether who does not know it must refuse the certificate.
    pub critical: bool,
    /// Its contents, DER.
    pub value: Vec<u8>,
}

/// One of the names in `subjectAltName`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AltName {
    /// `DNS:`
    Dns(String),
    /// `IP:`; four or sixteen bytes, in names that make sense.
    Ip(Vec<u8>),
    /// `email:`
    Email(String),
    /// `URI:`
    Uri(String),
    /// `DirName:`
    Directory(Name),
    /// `RID:`
    Registered(Object),
    /// Another kind, by its tag.
    Other(u8),
}

impl AltName {
    pub(crate) fn from_element(element: der::Element<'_>) -> Option<Self> {
        let text = || String::from_utf8_lossy(element.body).into_owned();
        Some(match element.tag {
            0x81 => Self::Email(text()),
            0x82 => Self::Dns(text()),
            0x86 => Self::Uri(text()),
            0x87 => Self::Ip(element.body.to_vec()),
            0x88 => Self::Registered(Object::from_body(element.body)?),
            0xa4 => Self::Directory(Name::from_der(element.body)?),
            other => Self::Other(other),
        })
    }

    /// Its DER; nothing for kinds that are not written.
    #[must_use]
    pub fn to_der(&self) -> Vec<u8> {
        match self {
            Self::Email(text) => der::context(1, text.as_bytes()),
            Self::Dns(text) => der::context(2, text.as_bytes()),
            Self::Uri(text) => der::context(6, text.as_bytes()),
            Self::Ip(bytes) => der::context(7, bytes),
            Self::Registered(object) => der::context(8, &object.to_body().unwrap_or_default()),
            Self::Directory(name) => der::explicit(4, name.der()),
            Self::Other(_) => Vec::new(),
        }
    }

    /// The address it names.
    #[must_use]
    pub fn ip(&self) -> Option<IpAddr> {
        let Self::Ip(bytes) = self else { return None };
        let four = <[u8; 4]>::try_from(bytes.as_slice()).map(|four| Ipv4Addr::from(four).into());
        let sixteen =
            || <[u8; 16]>::try_from(bytes.as_slice()).map(|all| Ipv6Addr::from(all).into());
        four.or_else(|_| sixteen()).ok()
    }
}

/// Whose key signed, as the certificate tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthorityKeyId {
    /// The signer's subject key identifier.
    pub key: Option<Vec<u8>>,
    /// The issuer's issuer.
    pub issuer: Vec<AltName>,
    /// The issuer's serial number.
    pub serial: Option<Vec<u8>>,
}

/// The bits of `keyUsage` from the first on: the configuration's name and the printed one.
pub const USAGES: [(&str, &str); 9] = [
    ("digitalSignature", "Digital Signature"),
    ("nonRepudiation", "Non Repudiation"),
    ("keyEncipherment", "Key Encipherment"),
    ("dataEncipherment", "Data Encipherment"),
    ("keyAgreement", "Key Agreement"),
    ("keyCertSign", "Certificate Sign"),
    ("cRLSign", "CRL Sign"),
    ("encipherOnly", "Encipher Only"),
    ("decipherOnly", "Decipher Only"),
];

impl Extension {
    pub(crate) fn read_all(mut list: Reader<'_>) -> Option<Vec<Self>> {
        let mut all = Vec::new();
        while !list.is_done() {
            let mut parts = list.sequence()?;
            let object = parts.object()?;
            let critical = parts
                .optional(tag::BOOLEAN)
                .is_some_and(|element| element.body != [0]);
            let value = parts.expect(tag::OCTET_STRING)?.body.to_vec();
            all.push(Self {
                object,
                critical,
                value,
            });
        }
        Some(all)
    }

    pub(crate) fn to_der(&self) -> Vec<u8> {
        let mut parts = vec![der::oid(self.object.dotted())];
        if self.critical {
            parts.push(der::boolean(true));
        }
        parts.push(der::octet_string(&self.value));
        der::sequence(&parts)
    }

    /// Of `basicConstraints`: whether it is a CA, and how many more may follow.
    #[must_use]
    pub fn basic_constraints(&self) -> Option<(bool, Option<u64>)> {
        let mut parts = Reader::new(&self.value).sequence()?;
        let ca = parts
            .optional(tag::BOOLEAN)
            .is_some_and(|element| element.body != [0]);
        let length = match parts.peek() {
            Some(_) => Some(parts.small()?),
            None => None,
        };
        Some((ca, length))
    }

    /// Of `keyUsage`: the bits, the first one lowest, as [`USAGES`] counts them.
    #[must_use]
    pub fn key_usage(&self) -> Option<u16> {
        let element = Reader::new(&self.value).expect(tag::BIT_STRING)?;
        let (_, bytes) = element.body.split_first()?;
        let bit = |place: usize| {
            let byte = bytes.get(place / 8).copied().unwrap_or(0);
            byte >> (7 - place % 8) & 1 == 1
        };
        Some(
            (0..9)
                .filter(|place| bit(*place))
                .fold(0, |bits, place| bits | 1 << place),
        )
    }

    /// Of `extendedKeyUsage`: the purposes.
    #[must_use]
    pub fn purposes(&self) -> Option<Vec<Object>> {
        let mut list = Reader::new(&self.value).sequence()?;
        let mut all = Vec::new();
        while !list.is_done() {
            all.push(list.object()?);
        }
        Some(all)
    }

    /// Of `subjectKeyIdentifier`: the identifier.
    #[must_use]
    pub fn key_id(&self) -> Option<&[u8]> {
        Some(Reader::new(&self.value).expect(tag::OCTET_STRING)?.body)
    }

    /// Of `authorityKeyIdentifier`.
    #[must_use]
    pub fn authority(&self) -> Option<AuthorityKeyId> {
        let mut parts = Reader::new(&self.value).sequence()?;
        let mut authority = AuthorityKeyId::default();
        while let Some(part) = parts.any() {
            match part.tag {
                0x80 => authority.key = Some(part.body.to_vec()),
                0xa1 => {
                    let mut names = part.inner();
                    while let Some(name) = names.any() {
                        authority.issuer.push(AltName::from_element(name)?);
                    }
                }
                0x82 => authority.serial = Some(part.body.to_vec()),
                _ => return None,
            }
        }
        Some(authority)
    }

    /// Of `subjectAltName` and `issuerAltName`.
    #[must_use]
    pub fn alt_names(&self) -> Option<Vec<AltName>> {
        let mut list = Reader::new(&self.value).sequence()?;
        let mut all = Vec::new();
        while !list.is_done() {
            all.push(AltName::from_element(list.any()?)?);
        }
        Some(all)
    }

    /// Whether this kind is one that the verifier minds.
    #[must_use]
    pub fn is_minded(&self) -> bool {
        matches!(
            self.object.dotted(),
            id::BASIC_CONSTRAINTS
                | id::KEY_USAGE
                | id::EXT_KEY_USAGE
                | id::ALT_NAME
                | id::SUBJECT_KEY_ID
                | id::AUTHORITY_KEY_ID
        )
    }
}
