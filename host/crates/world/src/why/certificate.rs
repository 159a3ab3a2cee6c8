//! The names in a certificate: as much of X.509 (RFC 5280) as that takes. Never verifies one.

use cluster::api::base64;

const SEQUENCE: u8 = 0x30;
const OID: u8 = 0x06;
const COMMON_NAME: &[u8] = &[0x55, 4, 3];
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 0x11];
const DNS_NAME: u8 = 0x82;
const IP_ADDRESS: u8 = 0x87;
/// How deep a certificate's fields are nested at most.
const DEPTH: usize = 12;

/// The names of the first certificate in a PEM file: the alternative names, or else the common
/// name, as OpenSSL's clients look at them. Nothing for what is no certificate.
pub(super) fn names(pem: &[u8]) -> Option<Vec<String>> {
    let text = std::str::from_utf8(pem).ok()?;
    let (_, rest) = text.split_once("-----BEGIN CERTIFICATE-----")?;
    let (inside, _) = rest.split_once("-----END CERTIFICATE-----")?;
    let inside: String = inside.split_whitespace().collect();
    let der = base64::decode(&inside)?;
    let certificate = Field::read(&der)?.0.inside(SEQUENCE)?;
    let (tbs, _) = Field::read(certificate)?;
    let mut fields = Field::all(tbs.inside(SEQUENCE)?);
    fields.retain(|field| field.tag != 0xa0);
    // Number, algorithm, issuer, validity, subject, key; extensions are tagged 3.
    let alternatives = Field::all(tbs.inside(SEQUENCE)?)
        .into_iter()
        .find(|field| field.tag == 0xa3)
        .map(|extensions| alternatives(extensions.content, 0))
        .unwrap_or_default();
    if !alternatives.is_empty() {
        return Some(alternatives);
    }
    let subject = fields.get(4)?;
    Some(common_names(subject.content, 0))
}

struct Field<'a> {
    tag: u8,
    content: &'a [u8],
}

impl<'a> Field<'a> {
    /// The first field and what follows it.
    fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (&tag, rest) = bytes.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x83 => {
                let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                let length = digits
                    .iter()
                    .fold(0, |sum, digit| sum << 8 | usize::from(*digit));
                (length, rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        Some((Self { tag, content }, rest))
    }

    fn all(mut bytes: &'a [u8]) -> Vec<Self> {
        let mut all = Vec::new();
        while let Some((field, rest)) = Self::read(bytes) {
            all.push(field);
            bytes = rest;
        }
        all
    }

    fn inside(&self, tag: u8) -> Option<&'a [u8]> {
        (self.tag == tag).then_some(self.content)
    }
}

/// The values that follow the common name's identifier.
fn common_names(bytes: &[u8], depth: usize) -> Vec<String> {
    let fields = Field::all(bytes);
    if let [id, value, ..] = &fields[..]
        && id.inside(OID) == Some(COMMON_NAME)
    {
        return vec![String::from_utf8_lossy(value.content).into_owned()];
    }
    let nested = fields
        .iter()
        .filter(|field| field.tag & 0x20 != 0 && depth < DEPTH);
    nested
        .flat_map(|field| common_names(field.content, depth + 1))
        .collect()
}

/// The names in the extension of alternative names.
fn alternatives(bytes: &[u8], depth: usize) -> Vec<String> {
    let fields = Field::all(bytes);
    if fields
        .first()
        .is_some_and(|id| id.inside(OID) == Some(ALTERNATIVE_NAMES))
    {
        let Some(list) = fields.last().and_then(|value| Field::read(value.content)) else {
            return Vec::new();
        };
        return Field::all(list.0.content)
            .iter()
            .filter_map(alternative)
            .collect();
    }
    let nested = fields
        .iter()
        .filter(|field| field.tag & 0x20 != 0 && depth < DEPTH);
    nested
        .flat_map(|field| alternatives(field.content, depth + 1))
        .collect()
}

fn alternative(field: &Field<'_>) -> Option<String> {
    match (field.tag, field.content) {
        (DNS_NAME, name) => Some(String::from_utf8_lossy(name).into_owned()),
        (IP_ADDRESS, [a, b, c, d]) => Some(format!("{a}.{b}.{c}.{d}")),
        _ => None,
    }
}

/// Whether a certificate's name is good for the name asked.
pub(super) fn fits(own: &str, asked: &str) -> bool {
    let (own, asked) = (own.to_ascii_lowercase(), asked.to_ascii_lowercase());
    let wild = own.strip_prefix("*.").zip(asked.split_once('.'));
    own == asked || wild.is_some_and(|(own, (_, rest))| own == rest)
}
