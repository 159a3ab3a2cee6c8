//! Whether a certificate names a host.
//!
//! Never resolves a name.

use crate::cert::{AltName, Certificate};
use std::net::IpAddr;

/// Whom a certificate must name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// A DNS name.
    Name(String),
    /// An address.
    Ip(IpAddr),
}

impl Host {
    /// An address when the text is one (brackets around IPv6 allowed), a name otherwise; a final
    /// dot does not count.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let bare = text.trim_start_matches('[').trim_end_matches(']');
        match bare.parse() {
            Ok(address) => Self::Ip(address),
            Err(_) => Self::Name(text.strip_suffix('.').unwrap_or(text).to_owned()),
        }
    }
}

/// Whose habits of comparing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// `X509_check_host`: a star may be a part of the first label; addresses only in IP names.
    OpenSsl,
    /// curl: a star is a whole first label; any alternative name rules out the common name, and
    /// without one an address is compared with the common name too.
    Curl,
}

/// Whether the certificate names the host: by its alternative names, or without any of the kind by
/// its common name.
#[must_use]
pub fn matches(certificate: &Certificate, host: &Host, manner: Manner) -> bool {
    let names = certificate.alt_names();
    let dns = || {
        names.iter().filter_map(|name| match name {
            AltName::Dns(pattern) => Some(pattern.as_str()),
            _ => None,
        })
    };
    match host {
        Host::Ip(address) => {
            if names.iter().any(|name| name.ip() == Some(*address)) {
                return true;
            }
            let any = names
                .iter()
                .any(|name| matches!(name, AltName::Dns(_) | AltName::Ip(_)));
            manner == Manner::Curl
                && !any
                && certificate
                    .common_name()
                    .is_some_and(|common| common == address.to_string())
        }
        Host::Name(name) => {
            if dns().any(|pattern| names_equal(pattern, name, manner)) {
                return true;
            }
            let closed = names.iter().any(|name| match name {
                AltName::Dns(_) => true,
                AltName::Ip(_) => manner == Manner::Curl,
                _ => false,
            });
            if closed {
                return false;
            }
            match manner {
                Manner::Curl => certificate
                    .common_name()
                    .is_some_and(|common| names_equal(&common, name, manner)),
                Manner::OpenSsl => certificate
                    .subject
                    .sets
                    .iter()
                    .flatten()
                    .filter(|attribute| attribute.object == *crate::der::id::COMMON_NAME)
                    .any(|attribute| names_equal(&attribute.text(), name, manner)),
            }
        }
    }
}

fn names_equal(pattern: &str, name: &str, manner: Manner) -> bool {
    let pattern = match manner {
        Manner::Curl => pattern.strip_suffix('.').unwrap_or(pattern),
        Manner::OpenSsl => pattern,
    };
    pattern.eq_ignore_ascii_case(name)
        || match manner {
            Manner::OpenSsl => star_openssl(pattern, name),
            Manner::Curl => star_curl(pattern, name),
        }
}

/// `*.a.b`, at least two dots, for exactly one label.
fn star_curl(pattern: &str, name: &str) -> bool {
    let (Some(rest), Some((first, tail))) = (pattern.strip_prefix("*."), name.split_once('.'))
    else {
        return false;
    };
    rest.contains('.') && !first.is_empty() && rest.eq_ignore_ascii_case(tail)
}

/// One star at the start or the end of the first label, two more labels behind it, none of them
/// encoded; the star stands for letters, digits and hyphens of one label.
fn star_openssl(pattern: &str, name: &str) -> bool {
    let Some((label, rest)) = pattern.split_once('.') else {
        return false;
    };
    let Some((before, after)) = label.split_once('*') else {
        return false;
    };
    let encoded = |label: &str| label.to_ascii_lowercase().starts_with("xn--");
    let plain = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let labels: Vec<&str> = rest.split('.').collect();
    let fine = labels.iter().all(|label| {
        !label.is_empty() && plain(label) && !label.starts_with('-') && !label.ends_with('-')
    });
    let at_edge = before.is_empty() || after.is_empty();
    if labels.len() < 2 || !fine || !at_edge || after.contains('*') || encoded(label) {
        return false;
    }
    let Some((first, tail)) = name.split_once('.') else {
        return false;
    };
    if !rest.eq_ignore_ascii_case(tail) || first.len() < before.len() + after.len() {
        return false;
    }
    let whole = before.is_empty() && after.is_empty();
    let (Some(start), Some(end)) = (
        first.get(..before.len()),
        first.get(first.len() - after.len()..),
    ) else {
        return false;
    };
    let middle = &first[before.len()..first.len() - after.len()];
    start.eq_ignore_ascii_case(before)
        && end.eq_ignore_ascii_case(after)
        && plain(middle)
        && !(middle.is_empty() && whole)
        && (whole || !encoded(first))
}
