//! One question of DNS and what was answered, as bytes (RFC 1035, section 4). Never sends them.

use std::net::Ipv4Addr;

const A: u16 = 1;
const CNAME_STEPS: usize = 64;

/// What a server said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// These addresses; none is a name without any.
    Addresses(Vec<Ipv4Addr>),
    /// Nothing: the response code.
    Code(u8),
}

impl Said {
    /// The response code's name.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Addresses(addresses) if addresses.is_empty() => "NODATA",
            Self::Addresses(_) => "NOERROR",
            Self::Code(2) => "SERVFAIL",
            Self::Code(3) => "NXDOMAIN",
            Self::Code(5) => "REFUSED",
            Self::Code(_) => "an error",
        }
    }
}

/// A question for the addresses of a name.
pub(super) fn question(id: u16, name: &str) -> Vec<u8> {
    let mut bytes = id.to_be_bytes().to_vec();
    // Recursion desired, one question.
    bytes.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in name.trim_end_matches('.').split('.') {
        let label = &label.as_bytes()[..label.len().min(63)];
        bytes.push(u8::try_from(label.len()).expect("cut to 63"));
        bytes.extend(label);
    }
    bytes.extend([0, 0, 1, 0, 1]);
    bytes
}

/// Reads an answer: the question's number and what was said. `None` for what is no answer.
pub(super) fn answer(bytes: &[u8]) -> Option<(u16, Said)> {
    let at = |index: usize| {
        Some(u16::from_be_bytes([
            *bytes.get(index)?,
            *bytes.get(index + 1)?,
        ]))
    };
    let (id, flags, questions, answers) = (at(0)?, at(2)?, at(4)?, at(6)?);
    if flags & 0x8000 == 0 {
        return None;
    }
    let code = (flags & 0xf) as u8;
    if code != 0 {
        return Some((id, Said::Code(code)));
    }
    let mut place = 12;
    for _ in 0..questions {
        place = skip_name(bytes, place)? + 4;
    }
    let mut addresses = Vec::new();
    for _ in 0..answers {
        place = skip_name(bytes, place)?;
        let (kind, length) = (at(place)?, usize::from(at(place + 8)?));
        let data = bytes.get(place + 10..place + 10 + length)?;
        if let (A, [a, b, c, d]) = (kind, data) {
            addresses.push(Ipv4Addr::new(*a, *b, *c, *d));
        }
        place += 10 + length;
    }
    Some((id, Said::Addresses(addresses)))
}

/// Where the name that begins here ends.
fn skip_name(bytes: &[u8], mut place: usize) -> Option<usize> {
    for _ in 0..CNAME_STEPS * 2 {
        match *bytes.get(place)? {
            0 => return Some(place + 1),
            length if length & 0xc0 == 0xc0 => return Some(place + 2),
            length => place += usize::from(length) + 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use vnet::dns::Records;

    #[test]
    fn the_labs_dns_understands_the_question_and_its_answer_is_understood() {
        let records = Records {
            domain: "cluster.local".into(),
            a: BTreeMap::from([(
                "web.default.svc.cluster.local".to_owned(),
                vec![Ipv4Addr::new(10, 96, 0, 7)],
            )]),
            ..Records::default()
        };
        let ask = |name: &str| {
            let reply = vnet::dns::answer(&records, &question(7, name), Some(512));
            answer(&reply.expect("a well-formed question is answered"))
        };
        let found = Said::Addresses(vec![Ipv4Addr::new(10, 96, 0, 7)]);
        assert_eq!(ask("web.default.svc.cluster.local"), Some((7, found)));
        assert_eq!(
            ask("wbe.default.svc.cluster.local"),
            Some((7, Said::Code(3)))
        );
        assert_eq!(answer(&question(7, "a")), None, "a question is no answer");
        assert_eq!(answer(&[0; 3]), None);
    }
}
