//! Certificates and requests in text: `-text`.
//!
//! Never shortened by `-certopt`, which is not here.

use super::{NameStyle, name};
use super::{extensions, hex_lines, public_key};
use guest_tls::cert::{Certificate, Extension, Request};
use guest_tls::der::{Object, Reader, civil};
use guest_tls::key::PublicKey;

/// A certificate.
pub(crate) fn certificate(certificate: &Certificate, style: NameStyle) -> String {
    let gap = if style == NameStyle::Multiline {
        ""
    } else {
        " "
    };
    let time = |unix| civil(unix).to_openssl();
    let mut text = String::from("Certificate:\n    Data:\n");
    text.push_str(&version(certificate.version));
    text.push_str(&serial(&certificate.serial));
    text.push_str(&format!(
        "        Signature Algorithm: {}\n        Issuer:{gap}{}\n        Validity\n            Not Before: {}\n            Not After : {}\n        Subject:{gap}{}\n",
        certificate.inner_algorithm.long(),
        deeper(&certificate.issuer, style),
        time(certificate.not_before),
        time(certificate.not_after),
        deeper(&certificate.subject, style),
    ));
    text.push_str(&key_info(&certificate.spki, &certificate.key));
    if !certificate.extensions.is_empty() {
        let all: Vec<&Extension> = certificate.extensions.iter().collect();
        text.push_str("        X509v3 extensions:\n");
        text.push_str(&extensions(&all, 12));
    }
    text.push_str(&signature(&certificate.algorithm, &certificate.signature));
    text
}

/// A request.
pub(crate) fn request(request: &Request, style: NameStyle) -> String {
    let gap = if style == NameStyle::Multiline {
        ""
    } else {
        " "
    };
    let mut text = String::from("Certificate Request:\n    Data:\n");
    text.push_str(&version(request.version));
    text.push_str(&format!(
        "        Subject:{gap}{}\n",
        deeper(&request.subject, style)
    ));
    text.push_str(&key_info(&request.spki, &request.key));
    text.push_str("        Attributes:\n");
    if !request.has_attributes {
        text.push_str("            (none)\n");
    }
    // The heading stands there even without any.
    let all: Vec<&Extension> = request.extensions.iter().collect();
    text.push_str("            Requested Extensions:\n");
    text.push_str(&extensions(&all, 16));
    text.push_str(&signature(&request.algorithm, &request.signature));
    text
}

/// A name inside of a text; its lines stand deeper when it has several.
fn deeper(what: &guest_tls::cert::Name, style: NameStyle) -> String {
    name(what, style).replace("\n    ", "\n            ")
}

fn version(version: u64) -> String {
    format!(
        "        Version: {version} (0x{:x})\n",
        version.saturating_sub(1)
    )
}

fn serial(body: &[u8]) -> String {
    let negative = body.first().is_some_and(|byte| byte & 0x80 != 0);
    let digits = match body {
        [0, rest @ ..] if !rest.is_empty() => rest,
        all => all,
    };
    if digits.len() <= 8
        && !negative
        && digits
            .first()
            .is_none_or(|byte| digits.len() < 8 || *byte < 0x80)
    {
        let value = digits
            .iter()
            .fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
        return format!("        Serial Number: {value} (0x{value:x})\n");
    }
    format!(
        "        Serial Number:\n{}",
        hex_lines(digits, 12, usize::MAX)
    )
}

fn key_info(spki: &[u8], key: &PublicKey) -> String {
    let algorithm = || Reader::new(spki).sequence()?.sequence()?.object();
    let algorithm = algorithm();
    let name = algorithm.as_ref().map_or("", Object::long);
    format!(
        "        Subject Public Key Info:\n            Public Key Algorithm: {name}\n{}",
        public_key(key, 16)
    )
}

fn signature(algorithm: &Object, bytes: &[u8]) -> String {
    format!(
        "    Signature Algorithm: {}\n    Signature Value:\n{}",
        algorithm.long(),
        hex_lines(bytes, 8, 18)
    )
}
