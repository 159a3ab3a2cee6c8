//! Extensions from the words of OpenSSL's configuration: `subjectAltName`, `DNS:a,IP:10.0.0.1`.
//!
//! Never an extension whose words are unknown here: it is refused, not copied.

use super::{AltName, Certificate, Extension, USAGES};
use crate::der::{self, Object, id};
use crate::digest::Digest;
use crate::key::PublicKey;
use std::net::IpAddr;

/// What the words may refer to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Making<'a> {
    /// The subject's key.
    pub subject_key: Option<&'a PublicKey>,
    /// The signer's certificate; `None` when the certificate signs itself.
    pub issuer: Option<&'a Certificate>,
    /// The signer's key.
    pub issuer_key: Option<&'a PublicKey>,
}

/// Makes an extension; `Ok(None)` when the words say that there is to be none
/// (`authorityKeyIdentifier = none`, or no identifier to point at).
///
/// # Errors
/// OpenSSL's reason: `unknown extension name`, `invalid boolean string`, …
pub fn make_extension(
    name: &str,
    value: &str,
    making: &Making<'_>,
) -> Result<Option<Extension>, &'static str> {
    let object = Object::named(name).ok_or("unknown extension name")?;
    let (critical, words) = match value.trim_start().strip_prefix("critical") {
        Some(rest) => match rest.trim_start().strip_prefix(',') {
            Some(words) => (true, words),
            None => (false, value),
        },
        None => (false, value),
    };
    let words = words.trim();
    let body = match object.dotted() {
        id::ALT_NAME | id::ISSUER_ALT_NAME => Some(alt_names(words)?),
        id::BASIC_CONSTRAINTS => Some(basic_constraints(words)?),
        id::KEY_USAGE => Some(key_usage(words)?),
        id::EXT_KEY_USAGE => Some(purposes(words)?),
        id::SUBJECT_KEY_ID => subject_key_id(words, making)?,
        id::AUTHORITY_KEY_ID => authority_key_id(words, making)?,
        "2.16.840.1.113730.1.13" => Some(der::tagged(der::tag::IA5_STRING, words.as_bytes())),
        _ => return Err("extension setting not supported"),
    };
    Ok(body.map(|value| Extension {
        object,
        critical,
        value,
    }))
}

fn list(words: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    words
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .map(|word| match word.split_once(':') {
            Some((key, value)) => (key.trim(), Some(value.trim())),
            None => (word, None),
        })
}

fn alt_names(words: &str) -> Result<Vec<u8>, &'static str> {
    let mut names = Vec::new();
    for (key, value) in list(words) {
        let value = value.ok_or("missing value")?;
        // A number after a dot only keeps keys of a section apart.
        let key = key.split('.').next().unwrap_or(key);
        let name = match key {
            "DNS" => AltName::Dns(value.to_owned()),
            "email" => AltName::Email(value.to_owned()),
            "URI" => AltName::Uri(value.to_owned()),
            "IP" => match value.parse::<IpAddr>() {
                Ok(IpAddr::V4(address)) => AltName::Ip(address.octets().to_vec()),
                Ok(IpAddr::V6(address)) => AltName::Ip(address.octets().to_vec()),
                Err(_) => return Err("bad ip address"),
            },
            "RID" => AltName::Registered(Object::named(value).ok_or("bad object")?),
            _ => return Err("unsupported option"),
        };
        names.push(name.to_der());
    }
    Ok(der::sequence(&names))
}

fn basic_constraints(words: &str) -> Result<Vec<u8>, &'static str> {
    let (mut ca, mut length) = (false, None);
    for (key, value) in list(words) {
        let value = value.ok_or("invalid null value")?;
        match key {
            "CA" => {
                ca = match value {
                    "TRUE" | "true" | "Y" | "y" | "YES" | "yes" => true,
                    "FALSE" | "false" | "N" | "n" | "NO" | "no" => false,
                    _ => return Err("invalid boolean string"),
                }
            }
            "pathlen" => length = Some(value.parse::<u32>().map_err(|_| "invalid number")?),
            _ => return Err("invalid name"),
        }
    }
    let mut parts = Vec::new();
    if ca {
        parts.push(der::boolean(true));
    }
    if let Some(length) = length {
        parts.push(der::integer(&length.to_be_bytes()));
    }
    Ok(der::sequence(&parts))
}

fn key_usage(words: &str) -> Result<Vec<u8>, &'static str> {
    let mut bytes = [0_u8; 2];
    let mut last = None;
    for (word, _) in list(words) {
        let place = USAGES
            .iter()
            .position(|(short, long)| *short == word || *long == word)
            .ok_or("unknown bit string argument")?;
        bytes[place / 8] |= 0x80 >> (place % 8);
        last = last.max(Some(place));
    }
    let body = match last {
        None => vec![0],
        Some(last) => {
            let mut body = vec![u8::try_from(7 - last % 8).unwrap_or(0)];
            body.extend_from_slice(&bytes[..=last / 8]);
            body
        }
    };
    Ok(der::tagged(der::tag::BIT_STRING, &body))
}

fn purposes(words: &str) -> Result<Vec<u8>, &'static str> {
    let parts: Option<Vec<Vec<u8>>> = list(words)
        .map(|(word, _)| Some(der::oid(Object::named(word)?.dotted())))
        .collect();
    Ok(der::sequence(&parts.ok_or("invalid object identifier")?))
}

/// SHA-1 over the bits of the key, as RFC 5280 suggests and OpenSSL does.
fn key_hash(key: &PublicKey) -> Vec<u8> {
    Digest::Sha1.of(&key.to_bytes())
}

fn subject_key_id(words: &str, making: &Making<'_>) -> Result<Option<Vec<u8>>, &'static str> {
    match words {
        "none" => Ok(None),
        "hash" => {
            let key = making.subject_key.ok_or("no public key")?;
            Ok(Some(der::octet_string(&key_hash(key))))
        }
        hex => {
            let plain = hex.replace(':', "");
            let bytes = crate::text::from_hex(&plain).ok_or("illegal hex digit")?;
            Ok(Some(der::octet_string(&bytes)))
        }
    }
}

fn authority_key_id(words: &str, making: &Making<'_>) -> Result<Option<Vec<u8>>, &'static str> {
    let (mut key, mut issuer, mut always) = (false, 0_u8, false);
    for (word, value) in list(words) {
        match word {
            "none" => return Ok(None),
            "keyid" => (key, always) = (true, value == Some("always")),
            "issuer" => issuer = if value == Some("always") { 2 } else { 1 },
            _ => return Err("unknown option"),
        }
    }
    let id = making.issuer.map_or_else(
        || making.issuer_key.map(key_hash),
        |issuer| {
            let extension = issuer.extension(id::SUBJECT_KEY_ID)?;
            extension.key_id().map(<[u8]>::to_vec)
        },
    );
    let mut parts = Vec::new();
    if key {
        match id {
            Some(id) => parts.push(der::context(0, &id)),
            None if always => return Err("unable to get issuer keyid"),
            None => {}
        }
    }
    if issuer == 2 || (issuer == 1 && parts.is_empty()) {
        let signer = making.issuer.ok_or("no issuer certificate")?;
        let name = AltName::Directory(signer.issuer.clone()).to_der();
        parts.push(der::explicit(1, &name));
        parts.push(der::context(2, &signer.serial));
    }
    Ok((!parts.is_empty()).then(|| der::sequence(&parts)))
}
