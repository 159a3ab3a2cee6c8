//! The client's side: one blocking connection.
//!
//! Never connects: the stream is the caller's. On a stream that does not block, [`Stream`] passes
//! `WouldBlock` on after the handshake, so that a program can wait for two things at once.

mod answering;
mod failure;
mod judge;
mod stream;

pub use failure::TlsError;
pub use stream::Stream;

use crate::cert::{Certificate, NotACertificate};
use crate::server::Identity;
use crate::verify::VerifyError;
use answering::Answering;
use judge::Judge;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, ClientConnection, SupportedProtocolVersion};
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

/// A version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// TLS 1.2.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

impl Version {
    /// `TLSv1.2` or `TLSv1.3`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tls12 => "TLSv1.2",
            Self::Tls13 => "TLSv1.3",
        }
    }

    pub(crate) fn between(min: Self, max: Self) -> Vec<&'static SupportedProtocolVersion> {
        let all = [
            (Self::Tls13, &rustls::version::TLS13),
            (Self::Tls12, &rustls::version::TLS12),
        ];
        let wanted = all
            .into_iter()
            .filter(|(version, _)| (min..=max).contains(version));
        wanted.map(|(_, version)| version).collect()
    }
}

/// Whom to believe.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// The trusted certificates.
    pub certificates: Vec<Certificate>,
}

impl Trust {
    /// Trusts the certificates of a text of PEM.
    ///
    /// # Errors
    /// When a certificate in it is broken. A text without any trusts nobody.
    pub fn from_pem(text: &[u8]) -> Result<Self, NotACertificate> {
        let certificates = Certificate::all_from_pem(text)?;
        Ok(Self { certificates })
    }
}

/// What is checked of the server's certificate. That the server has its key always is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Nothing; what would have been wrong is told by [`Stream::verdict`].
    Nothing,
    /// The chain, but not whom it names: curl checks that after the handshake, with its own words.
    Chain,
    /// The chain and whom it names, as OpenSSL compares.
    ChainAndHost,
}

/// How to connect.
#[derive(Clone, Debug)]
pub struct Options {
    /// Whom to believe.
    pub trust: Trust,
    /// What to check.
    pub check: Check,
    /// The server's name or address: what is checked, and for names what is said in SNI.
    pub server: String,
    /// Whether to say the name in SNI.
    pub sni: bool,
    /// Protocols to offer, the preferred one first.
    pub alpn: Vec<Vec<u8>>,
    /// What is sent to a server that asks who the client is.
    pub identity: Option<Identity>,
    /// The lowest version.
    pub min: Version,
    /// The highest version.
    pub max: Version,
}

impl Options {
    /// The chain and the name are checked, TLS 1.2 and 1.3 are offered.
    #[must_use]
    pub fn new(server: &str, trust: Trust) -> Self {
        Self {
            trust,
            check: Check::ChainAndHost,
            server: server.to_owned(),
            sni: true,
            alpn: Vec::new(),
            identity: None,
            min: Version::Tls12,
            max: Version::Tls13,
        }
    }
}

/// What the verifier said of the server's chain.
pub type Verdict = Result<(), VerifyError>;

#[derive(Debug)]
struct Fixed(i64);

impl TimeProvider for Fixed {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

/// Does the handshake over a stream that blocks.
///
/// # Errors
/// What went wrong, after the alert that says so has been sent.
pub fn connect<S: Read + Write>(
    options: Options,
    stream: S,
    now_unix: i64,
) -> Result<Stream<S>, TlsError> {
    let judge = Arc::new(Judge::new(&options, now_unix));
    let answering = Arc::new(Answering::new(options.identity.as_ref()));
    let provider = crate::provider();
    let versions = Version::between(options.min, options.max);
    let mut config = ClientConfig::builder_with_details(provider, Arc::new(Fixed(now_unix)))
        .with_protocol_versions(&versions)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::<Judge>::clone(&judge))
        .with_client_cert_resolver(Arc::<Answering>::clone(&answering));
    config.alpn_protocols = options.alpn;
    config.resumption = rustls::client::Resumption::disabled();
    // A name that cannot stand in SNI is not said; the check has its own copy of it.
    let name = ServerName::try_from(options.server)
        .unwrap_or_else(|_| ServerName::from(std::net::IpAddr::from([0, 0, 0, 0])));
    config.enable_sni = options.sni && matches!(name, ServerName::DnsName(_));
    let connection = ClientConnection::new(Arc::new(config), name)?;
    Stream::handshake(connection, stream, &judge, &answering)
}
