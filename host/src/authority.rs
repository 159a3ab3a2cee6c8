//! The cluster's own certificate authority and what it signs, as `kubeadm init` makes them.
//!
//! Never draws chance and never reads a clock: both are arguments, so that a headless world has the
//! same certificates in every run, and a live one has some that nobody can guess.

use guest_tls::Digest;
use guest_tls::cert::{Builder, Certificate, Making, Name, make_extension};
use guest_tls::key::{Key, generate_p256};

/// Where chance comes from.
pub(crate) type Draw<'a> = &'a mut dyn FnMut(&mut [u8]);

const DAY: i64 = 86_400;
/// As kubeadm has them: the authority for ten years, everybody else for one.
const AUTHORITY_DAYS: i64 = 3_650;
const DAYS: i64 = 365;
/// Clocks may differ by so much.
const EARLIER: i64 = 300;

/// An authority.
#[derive(Clone, Debug)]
pub(crate) struct Authority {
    certificate: Certificate,
    key: Key,
    since: i64,
}

/// A certificate with its key.
#[derive(Clone, Debug)]
pub(crate) struct Signed {
    pub(crate) certificate: Certificate,
    pub(crate) key: Key,
}

impl Authority {
    /// A fresh one, from `now` on (unix seconds).
    pub(crate) fn generate(now: i64, draw: Draw<'_>) -> Self {
        let key = generate_p256(draw);
        let since = now - EARLIER;
        let subject = Name::common("kubernetes");
        let words = [
            (
                "keyUsage",
                "critical,digitalSignature,keyEncipherment,keyCertSign",
            ),
            ("basicConstraints", "critical,CA:TRUE"),
            ("subjectKeyIdentifier", "hash"),
            ("subjectAltName", "DNS:kubernetes"),
        ];
        let made = Request {
            subject: subject.clone(),
            days: AUTHORITY_DAYS,
            words: &words,
        };
        let certificate = made.sign(&key, &key, subject, None, since, draw);
        Self {
            certificate,
            key,
            since,
        }
    }

    /// Its certificate.
    pub(crate) fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The API server's, for these names and addresses.
    pub(crate) fn server(&self, names: &[String], draw: Draw<'_>) -> Signed {
        let name = |name: &String| match name.parse::<std::net::IpAddr>() {
            Ok(address) => format!("IP:{address}"),
            Err(_) => format!("DNS:{name}"),
        };
        let names: Vec<String> = names.iter().map(name).collect();
        let names = names.join(",");
        let words = [
            ("extendedKeyUsage", "serverAuth"),
            ("subjectAltName", &*names),
        ];
        self.sign(Name::common("kube-apiserver"), &words, draw)
    }

    /// The administrator's.
    pub(crate) fn administrator(&self, draw: Draw<'_>) -> Signed {
        let part = |name: &str, text: &str| vec![(name.to_owned(), text.to_owned())];
        let parts = [part("O", "system:masters"), part("CN", "kubernetes-admin")];
        let subject = Name::build(&parts).expect("attributes that there are");
        self.sign(subject, &[("extendedKeyUsage", "clientAuth")], draw)
    }

    fn sign(&self, subject: Name, words: &[(&str, &str)], draw: Draw<'_>) -> Signed {
        let key = generate_p256(draw);
        let mut all = vec![
            ("keyUsage", "critical,digitalSignature,keyEncipherment"),
            ("basicConstraints", "critical,CA:FALSE"),
            ("authorityKeyIdentifier", "keyid"),
        ];
        all.extend(words);
        let made = Request {
            subject,
            days: DAYS,
            words: &all,
        };
        let issuer = self.certificate.subject.clone();
        let signer = Some(&self.certificate);
        let certificate = made.sign(&key, &self.key, issuer, signer, self.since, draw);
        Signed { certificate, key }
    }
}

/// The names by which every API server is known inside its cluster.
pub(crate) fn own_names() -> Vec<String> {
    [
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
        "localhost",
        "127.0.0.1",
    ]
    .map(String::from)
    .into()
}

/// What a certificate is called by Kubernetes as the credential of a user: the digest of its bytes.
pub(crate) fn id(certificate: &[u8]) -> String {
    let digest = Digest::Sha256.of(certificate);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("X509SHA256={hex}")
}

/// What is to be signed.
struct Request<'a> {
    subject: Name,
    days: i64,
    words: &'a [(&'a str, &'a str)],
}

impl Request<'_> {
    fn sign(
        self,
        key: &Key,
        with: &Key,
        issuer: Name,
        signer: Option<&Certificate>,
        since: i64,
        draw: Draw<'_>,
    ) -> Certificate {
        let (public, signers) = (key.public(), with.public());
        let making = Making {
            subject_key: Some(&public),
            issuer: signer,
            issuer_key: Some(&signers),
        };
        let extension = |(name, value): &(&str, &str)| {
            let made = make_extension(name, value, &making);
            made.expect("words that are known")
        };
        let extensions = self.words.iter().filter_map(extension).collect();
        let builder = Builder {
            serial: Builder::random_serial(draw),
            issuer,
            subject: self.subject,
            not_before: since,
            not_after: since + self.days * DAY,
            key: public.clone(),
            extensions,
        };
        let signed = builder.sign(with, Digest::Sha256);
        signed.expect("P-256 signs everything")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use guest_tls::client::Trust;

    fn draw() -> impl FnMut(&mut [u8]) {
        let mut next = 1_u8;
        move |buffer: &mut [u8]| {
            for byte in buffer {
                next = next.wrapping_mul(31).wrapping_add(7);
                *byte = next;
            }
        }
    }

    #[test]
    fn the_same_chance_makes_the_same_certificates() {
        let make = || {
            let mut draw = draw();
            let authority = Authority::generate(1_000_000, &mut draw);
            let server = authority.server(&own_names(), &mut draw);
            let client = authority.administrator(&mut draw);
            (
                authority.certificate().to_pem(),
                server.certificate.to_pem(),
                client.certificate.to_pem(),
            )
        };
        let (authority, server, client) = make();
        assert_eq!((authority.clone(), server.clone(), client), make());
        let trust = Trust::from_pem(authority.as_bytes()).expect("a certificate");
        assert_eq!(trust.certificates.len(), 1);
        let server = Certificate::all_from_pem(server.as_bytes()).expect("a certificate");
        assert_eq!(server[0].alt_names().len(), own_names().len());
        assert_eq!(server[0].issuer, trust.certificates[0].subject);
    }
}
