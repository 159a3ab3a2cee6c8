//! Keys in text.
//!
//! Never a key of an algorithm unknown here.

use super::hex_lines;
use guest_tls::key::{Key, PublicKey};
use guest_tls::number::Number;

/// With a leading zero byte when the highest bit is set, as in DER.
fn signed(number: &Number) -> Vec<u8> {
    let mut bytes = number.to_bytes();
    if bytes.first().is_none_or(|byte| byte & 0x80 != 0) {
        bytes.insert(0, 0);
    }
    bytes
}

/// `Exponent: 65537 (0x10001)`, or lines of hexadecimal for what does not fit a word.
fn number(label: &str, number: &Number, indent: usize) -> String {
    let pad = " ".repeat(indent);
    let bytes = number.to_bytes();
    if bytes.len() <= 8 {
        let value = bytes
            .iter()
            .fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
        return format!("{pad}{label}: {value} (0x{value:x})\n");
    }
    format!(
        "{pad}{label}:\n{}",
        hex_lines(&signed(number), indent + 4, 15)
    )
}

fn curve(indent: usize) -> String {
    let pad = " ".repeat(indent);
    format!("{pad}ASN1 OID: prime256v1\n{pad}NIST CURVE: P-256\n")
}

/// A public key.
pub(crate) fn public_key(key: &PublicKey, indent: usize) -> String {
    let pad = " ".repeat(indent);
    match key {
        PublicKey::Rsa(rsa) => format!(
            "{pad}Public-Key: ({} bit)\n{}{}",
            key.bits(),
            number("Modulus", &rsa.n, indent),
            number("Exponent", &rsa.e, indent)
        ),
        PublicKey::P256(point) => format!(
            "{pad}Public-Key: (256 bit)\n{pad}pub:\n{}{}",
            hex_lines(point, indent + 4, 15),
            curve(indent)
        ),
        PublicKey::Other { .. } => format!("{pad}Unable to load Public Key\n"),
    }
}

/// A private key.
pub(crate) fn private_key(key: &Key) -> String {
    match key {
        Key::Rsa(rsa) => {
            let public = &rsa.public;
            let mut text = format!("Private-Key: ({} bit, 2 primes)\n", public.n.bits());
            let numbers = [
                ("modulus", &public.n),
                ("publicExponent", &public.e),
                ("privateExponent", &rsa.d),
                ("prime1", &rsa.p),
                ("prime2", &rsa.q),
                ("exponent1", &rsa.dp),
                ("exponent2", &rsa.dq),
                ("coefficient", &rsa.qinv),
            ];
            for (label, value) in numbers {
                text.push_str(&number(label, value, 0));
            }
            text
        }
        Key::P256(secret) => {
            let point = key.public().to_bytes();
            format!(
                "Private-Key: (256 bit)\npriv:\n{}pub:\n{}{}",
                hex_lines(&secret.to_bytes(), 4, 15),
                hex_lines(&point, 4, 15),
                curve(0)
            )
        }
    }
}
