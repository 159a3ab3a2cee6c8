//! Object identifiers and the names OpenSSL has for those that certificates use.
//!
//! Never a registry: an identifier that is not in the table is printed with its numbers.

/// An object identifier, as its dotted numbers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Object(String);

impl Object {
    /// Reads the contents of an element.
    #[must_use]
    pub fn from_body(body: &[u8]) -> Option<Self> {
        if body.last()? & 0x80 != 0 {
            return None;
        }
        let mut numbers: Vec<u64> = Vec::new();
        let mut number: u64 = 0;
        for byte in body {
            number = number.checked_mul(128)? | u64::from(byte & 0x7f);
            if byte & 0x80 == 0 {
                numbers.push(number);
                number = 0;
            }
        }
        let first = numbers[0].min(80) / 40;
        numbers[0] -= first * 40;
        let rest: Vec<String> = numbers.iter().map(u64::to_string).collect();
        Some(Self(format!("{first}.{}", rest.join("."))))
    }

    /// Its contents; `None` when the numbers are no identifier.
    #[must_use]
    pub fn to_body(&self) -> Option<Vec<u8>> {
        let numbers: Option<Vec<u64>> = self
            .0
            .split('.')
            .map(|number| number.parse().ok())
            .collect();
        let numbers = numbers?;
        let [first, second, rest @ ..] = numbers.as_slice() else {
            return None;
        };
        if *first > 2 || (*first < 2 && *second > 39) {
            return None;
        }
        let mut body = Vec::new();
        let start = second.checked_add(first * 40)?;
        for number in std::iter::once(&start).chain(rest) {
            let digits = (u64::BITS - number.leading_zeros()).div_ceil(7).max(1);
            for digit in (0..digits).rev() {
                let bits = u8::try_from(number >> (7 * digit) & 0x7f).unwrap_or(0);
                body.push(if digit == 0 { bits } else { bits | 0x80 });
            }
        }
        Some(body)
    }

    /// Its numbers.
    #[must_use]
    pub fn dotted(&self) -> &str {
        &self.0
    }

    /// Finds it by its short name, its long name or its numbers.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        if let Some((dotted, ..)) = NAMES
            .iter()
            .find(|(_, short, long)| *short == name || *long == name)
        {
            return Some(Self((*dotted).to_owned()));
        }
        let numbers = Self(name.to_owned());
        numbers.to_body().map(|_| numbers)
    }

    fn names(&self) -> Option<&'static (&'static str, &'static str, &'static str)> {
        NAMES.iter().find(|(dotted, ..)| *dotted == self.0)
    }

    /// `CN`; the numbers when it has no name.
    #[must_use]
    pub fn short(&self) -> &str {
        self.names().map_or(&self.0, |(_, short, _)| short)
    }

    /// `commonName`; the numbers when it has no name.
    #[must_use]
    pub fn long(&self) -> &str {
        self.names().map_or(&self.0, |(.., long)| long)
    }
}

impl PartialEq<str> for Object {
    fn eq(&self, dotted: &str) -> bool {
        self.0 == dotted
    }
}

/// The identifiers the code itself asks for.
pub mod id {
    #![allow(missing_docs, reason = "the names are the standards'")]
    pub const RSA: &str = "1.2.840.113549.1.1.1";
    pub const RSA_PSS: &str = "1.2.840.113549.1.1.10";
    pub const SHA1_RSA: &str = "1.2.840.113549.1.1.5";
    pub const SHA256_RSA: &str = "1.2.840.113549.1.1.11";
    pub const SHA384_RSA: &str = "1.2.840.113549.1.1.12";
    pub const SHA512_RSA: &str = "1.2.840.113549.1.1.13";
    pub const EC: &str = "1.2.840.10045.2.1";
    pub const P256: &str = "1.2.840.10045.3.1.7";
    pub const SHA1_ECDSA: &str = "1.2.840.10045.4.1";
    pub const SHA256_ECDSA: &str = "1.2.840.10045.4.3.2";
    pub const SHA384_ECDSA: &str = "1.2.840.10045.4.3.3";
    pub const SHA512_ECDSA: &str = "1.2.840.10045.4.3.4";
    pub const COMMON_NAME: &str = "2.5.4.3";
    pub const EMAIL: &str = "1.2.840.113549.1.9.1";
    pub const EXTENSION_REQUEST: &str = "1.2.840.113549.1.9.14";
    pub const SUBJECT_KEY_ID: &str = "2.5.29.14";
    pub const KEY_USAGE: &str = "2.5.29.15";
    pub const ALT_NAME: &str = "2.5.29.17";
    pub const ISSUER_ALT_NAME: &str = "2.5.29.18";
    pub const BASIC_CONSTRAINTS: &str = "2.5.29.19";
    pub const NAME_CONSTRAINTS: &str = "2.5.29.30";
    pub const AUTHORITY_KEY_ID: &str = "2.5.29.35";
    pub const EXT_KEY_USAGE: &str = "2.5.29.37";
    pub const SERVER_AUTH: &str = "1.3.6.1.5.5.7.3.1";
    pub const CLIENT_AUTH: &str = "1.3.6.1.5.5.7.3.2";
}

const NAMES: &[(&str, &str, &str)] = &[
    (id::COMMON_NAME, "CN", "commonName"),
    ("2.5.4.4", "SN", "surname"),
    ("2.5.4.5", "serialNumber", "serialNumber"),
    ("2.5.4.6", "C", "countryName"),
    ("2.5.4.7", "L", "localityName"),
    ("2.5.4.8", "ST", "stateOrProvinceName"),
    ("2.5.4.9", "street", "streetAddress"),
    ("2.5.4.10", "O", "organizationName"),
    ("2.5.4.11", "OU", "organizationalUnitName"),
    ("2.5.4.12", "title", "title"),
    ("2.5.4.13", "description", "description"),
    ("2.5.4.17", "postalCode", "postalCode"),
    ("2.5.4.42", "GN", "givenName"),
    ("2.5.4.43", "initials", "initials"),
    ("2.5.4.46", "dnQualifier", "dnQualifier"),
    ("0.9.2342.19200300.100.1.1", "UID", "userId"),
    ("0.9.2342.19200300.100.1.25", "DC", "domainComponent"),
    (id::EMAIL, "emailAddress", "emailAddress"),
    (id::EXTENSION_REQUEST, "extReq", "Extension Request"),
    (id::RSA, "rsaEncryption", "rsaEncryption"),
    (id::RSA_PSS, "RSASSA-PSS", "rsassaPss"),
    ("1.2.840.113549.1.1.4", "RSA-MD5", "md5WithRSAEncryption"),
    (id::SHA1_RSA, "RSA-SHA1", "sha1WithRSAEncryption"),
    (id::SHA256_RSA, "RSA-SHA256", "sha256WithRSAEncryption"),
    (id::SHA384_RSA, "RSA-SHA384", "sha384WithRSAEncryption"),
    (id::SHA512_RSA, "RSA-SHA512", "sha512WithRSAEncryption"),
    (id::EC, "id-ecPublicKey", "id-ecPublicKey"),
    (id::P256, "prime256v1", "prime256v1"),
    ("1.3.132.0.34", "secp384r1", "secp384r1"),
    ("1.3.132.0.35", "secp521r1", "secp521r1"),
    (id::SHA1_ECDSA, "ecdsa-with-SHA1", "ecdsa-with-SHA1"),
    (id::SHA256_ECDSA, "ecdsa-with-SHA256", "ecdsa-with-SHA256"),
    (id::SHA384_ECDSA, "ecdsa-with-SHA384", "ecdsa-with-SHA384"),
    (id::SHA512_ECDSA, "ecdsa-with-SHA512", "ecdsa-with-SHA512"),
    ("1.3.101.112", "ED25519", "ED25519"),
    (
        id::SUBJECT_KEY_ID,
        "subjectKeyIdentifier",
        "X509v3 Subject Key Identifier",
    ),
    (id::KEY_USAGE, "keyUsage", "X509v3 Key Usage"),
    (
        id::ALT_NAME,
        "subjectAltName",
        "X509v3 Subject Alternative Name",
    ),
    (
        id::ISSUER_ALT_NAME,
        "issuerAltName",
        "X509v3 Issuer Alternative Name",
    ),
    (
        id::BASIC_CONSTRAINTS,
        "basicConstraints",
        "X509v3 Basic Constraints",
    ),
    (
        id::NAME_CONSTRAINTS,
        "nameConstraints",
        "X509v3 Name Constraints",
    ),
    (
        "2.5.29.31",
        "crlDistributionPoints",
        "X509v3 CRL Distribution Points",
    ),
    (
        "2.5.29.32",
        "certificatePolicies",
        "X509v3 Certificate Policies",
    ),
    (
        id::AUTHORITY_KEY_ID,
        "authorityKeyIdentifier",
        "X509v3 Authority Key Identifier",
    ),
    (
        id::EXT_KEY_USAGE,
        "extendedKeyUsage",
        "X509v3 Extended Key Usage",
    ),
    (
        "1.3.6.1.5.5.7.1.1",
        "authorityInfoAccess",
        "Authority Information Access",
    ),
    ("2.16.840.1.113730.1.1", "nsCertType", "Netscape Cert Type"),
    ("2.16.840.1.113730.1.13", "nsComment", "Netscape Comment"),
    (
        id::SERVER_AUTH,
        "serverAuth",
        "TLS Web Server Authentication",
    ),
    (
        id::CLIENT_AUTH,
        "clientAuth",
        "TLS Web Client Authentication",
    ),
    ("1.3.6.1.5.5.7.3.3", "codeSigning", "Code Signing"),
    ("1.3.6.1.5.5.7.3.4", "emailProtection", "E-mail Protection"),
    ("1.3.6.1.5.5.7.3.8", "timeStamping", "Time Stamping"),
    ("1.3.6.1.5.5.7.3.9", "OCSPSigning", "OCSP Signing"),
    (
        "2.5.29.37.0",
        "anyExtendedKeyUsage",
        "Any Extended Key Usage",
    ),
    ("1.3.6.1.5.5.7.1.24", "tlsfeature", "TLS Feature"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_identifier_goes_both_ways() {
        for (dotted, short, _) in NAMES {
            let object = Object::named(short).expect("it is in the table");
            assert_eq!(object.dotted(), *dotted);
            let body = object.to_body().expect("it is an identifier");
            assert_eq!(Object::from_body(&body), Some(object));
        }
    }
}
