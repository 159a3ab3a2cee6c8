//! Keys to DER and PEM.
//!
//! Never encrypted.

use super::{Key, PublicKey};
use crate::der::{self, id};
use crate::pem;

impl Key {
    /// PKCS#8 in PEM, `-----BEGIN PRIVATE KEY-----`, as OpenSSL 3 writes keys.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::write("PRIVATE KEY", &self.to_pkcs8())
    }

    /// PKCS#1 or SEC1 in PEM, `-----BEGIN RSA PRIVATE KEY-----` or `-----BEGIN EC PRIVATE KEY-----`.
    #[must_use]
    pub fn to_traditional_pem(&self) -> String {
        let label = match self {
            Self::Rsa(_) => "RSA PRIVATE KEY",
            Self::P256(_) => "EC PRIVATE KEY",
        };
        pem::write(label, &self.to_traditional(true))
    }

    /// PKCS#8.
    #[must_use]
    pub fn to_pkcs8(&self) -> Vec<u8> {
        let algorithm = match self {
            Self::Rsa(_) => der::sequence(&[der::oid(id::RSA), der::null()]),
            Self::P256(_) => der::sequence(&[der::oid(id::EC), der::oid(id::P256)]),
        };
        der::sequence(&[
            der::integer(&[0]),
            algorithm,
            der::octet_string(&self.to_traditional(false)),
        ])
    }

    /// PKCS#1 or SEC1; the latter names its curve only when nothing around it does.
    #[must_use]
    pub fn to_traditional(&self, with_curve: bool) -> Vec<u8> {
        match self {
            Self::Rsa(key) => {
                let numbers = [
                    &key.public.n,
                    &key.public.e,
                    &key.d,
                    &key.p,
                    &key.q,
                    &key.dp,
                    &key.dq,
                    &key.qinv,
                ];
                let mut parts = vec![der::integer(&[0])];
                parts.extend(numbers.map(|number| der::integer(&number.to_bytes())));
                der::sequence(&parts)
            }
            Self::P256(key) => {
                let mut parts = vec![der::integer(&[1]), der::octet_string(&key.to_bytes())];
                if with_curve {
                    parts.push(der::explicit(0, &der::oid(id::P256)));
                }
                if let PublicKey::P256(point) = self.public() {
                    parts.push(der::explicit(1, &der::bit_string(&point)));
                }
                der::sequence(&parts)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::{generate_p256, generate_rsa};

    #[test]
    fn every_way_of_writing_a_key_is_read_again() {
        let mut chance = crate::chance::fill;
        for key in [generate_rsa(512, &mut chance), generate_p256(&mut chance)] {
            for pem in [key.to_pem(), key.to_traditional_pem()] {
                let again = Key::from_pem(pem.as_bytes()).expect("it is a key");
                assert_eq!(again.to_pkcs8(), key.to_pkcs8());
            }
            let public = PublicKey::from_pem(key.public().to_pem().as_bytes());
            assert_eq!(public, Ok(key.public()));
        }
    }
}
