//! TLS as a client, for checks over HTTPS: the handshake drawn from virtual time, so that two runs
//! send the same bytes, and the certificate judged as OpenSSL does.
//!
//! Never opens a connection and never decides whether a failure is what a lesson expects.

use super::driver::Shell;
use super::stream::NetStream;
use crate::apiserver::Seeded;
use clock::Seed;
use guest_tls::cert::Certificate;
use guest_tls::chance::Source;
pub(super) use guest_tls::client::Trust;
use guest_tls::verify::{self, Code, Host, Purpose, VerifyError};
use lesson::Failed;
use rand::Rng as _;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::danger::{
    HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier,
};
use tokio_rustls::rustls::crypto::{
    WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::time_provider::TimeProvider;
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, SignatureScheme,
};

/// A connection that is encrypted.
pub(super) type Secure = Seeded<TlsStream<NetStream>>;

/// Does the handshake; without `trust` every certificate is believed.
///
/// # Errors
/// The kind of the failure, and OpenSSL's words for it.
pub(super) async fn connect(
    shell: &Shell,
    stream: NetStream,
    host: &str,
    trust: Option<Trust>,
) -> Result<Secure, (Failed, String)> {
    let now = i64::try_from(shell.unix_nanos() / 1_000_000_000).unwrap_or(i64::MAX);
    let judge = Arc::new(Judge {
        trust: trust.map(|trust| trust.certificates),
        host: Host::parse(host),
        now,
        verdict: Mutex::new(None),
        schemes: ring::default_provider().signature_verification_algorithms,
    });
    let broken = |cause: String| (Failed::Unreachable, cause);
    let config = ClientConfig::builder_with_details(guest_tls::provider(), Arc::new(Fixed(now)))
        .with_safe_default_protocol_versions()
        .map_err(|cause| broken(cause.to_string()))?
        .dangerous()
        .with_custom_certificate_verifier(judge.clone());
    let mut config = config.with_no_client_auth();
    config.resumption = tokio_rustls::rustls::client::Resumption::disabled();
    // A name that cannot stand in SNI is not said; the check has its own copy of it.
    let name = ServerName::try_from(host.to_owned())
        .unwrap_or_else(|_| ServerName::from(IpAddr::from([0, 0, 0, 0])));
    config.enable_sni = matches!(name, ServerName::DnsName(_));
    let mut draws = Seed::new(shell.now().as_nanos()).stream("checks over tls");
    let source = Source::new(move |buffer| draws.fill_bytes(buffer));
    // The hello is drawn before anything is polled.
    let connector = TlsConnector::from(Arc::new(config));
    let connecting = source.lend(|| connector.connect(name, stream));
    let connecting = Seeded {
        inner: Box::pin(connecting),
        source: source.clone(),
    };
    match connecting.await {
        Ok(inner) => Ok(Seeded { inner, source }),
        Err(cause) => Err(match judge.verdict() {
            Some(error) => (kind(error.code), error.code.text().to_owned()),
            None => broken(format!("TLS: {cause}")),
        }),
    }
}

/// What a lesson calls it.
fn kind(code: Code) -> Failed {
    match code {
        Code::HostnameMismatch | Code::IpMismatch => Failed::TlsNameMismatch,
        Code::Expired | Code::NotYetValid => Failed::TlsExpired,
        _ => Failed::TlsSelfSigned,
    }
}

#[derive(Debug)]
struct Fixed(i64);

impl TimeProvider for Fixed {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = u64::try_from(self.0).ok()?;
        Some(UnixTime::since_unix_epoch(clock::Duration::from_secs(
            seconds,
        )))
    }
}

/// The verifier that rustls asks, and what it found.
#[derive(Debug)]
struct Judge {
    trust: Option<Vec<Certificate>>,
    host: Host,
    now: i64,
    verdict: Mutex<Option<VerifyError>>,
    schemes: WebPkiSupportedAlgorithms,
}

impl Judge {
    fn verdict(&self) -> Option<VerifyError> {
        self.verdict.lock().ok().and_then(|verdict| *verdict)
    }
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        first: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(trust) = &self.trust else {
            return Ok(ServerCertVerified::assertion());
        };
        let chain: Result<Vec<Certificate>, _> = std::iter::once(first)
            .chain(others)
            .map(|der| Certificate::from_der(der))
            .collect();
        let bad = Error::InvalidCertificate(CertificateError::BadEncoding);
        let chain = chain.map_err(|_| bad)?;
        let host = Some(self.host.clone());
        match verify::verify(&chain, trust, Purpose::Server, host, self.now) {
            Ok(()) => Ok(ServerCertVerified::assertion()),
            Err(error) => {
                if let Ok(mut verdict) = self.verdict.lock() {
                    *verdict = Some(error);
                }
                let unknown = Error::InvalidCertificate(CertificateError::UnknownIssuer);
                Err(unknown)
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.schemes)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.schemes)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.supported_schemes()
    }
}
