//! The verifier that rustls asks, and what it remembers for people to read.
//!
//! Never decides itself: `verify/` does.

use super::{Check, Options, Verdict};
use crate::cert::Certificate;
use crate::provider::{SCHEMES, verify_handshake};
use crate::verify::{self, Code, Host, Purpose, Rules};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use std::sync::Mutex;

#[derive(Debug)]
pub(super) struct Judge {
    trust: Vec<Certificate>,
    check: Check,
    host: Host,
    now: i64,
    seen: Mutex<Seen>,
}

/// What the handshake showed.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub(super) chain: Vec<Certificate>,
    pub(super) verdict: Verdict,
    pub(super) scheme: Option<SignatureScheme>,
}

impl Judge {
    pub(super) fn new(options: &Options, now: i64) -> Self {
        Self {
            trust: options.trust.certificates.clone(),
            check: options.check,
            host: Host::parse(&options.server),
            now,
            seen: Mutex::new(Seen {
                chain: Vec::new(),
                verdict: Ok(()),
                scheme: None,
            }),
        }
    }

    /// What has been seen so far.
    pub(super) fn seen(&self) -> Seen {
        match self.seen.lock() {
            Ok(seen) => seen.clone(),
            Err(poisoned) => poisoned.into_inner().clone(),
        }
    }

    fn remember(&self, change: impl FnOnce(&mut Seen)) {
        if let Ok(mut seen) = self.seen.lock() {
            change(&mut seen);
        }
    }

    fn signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.remember(|seen| seen.scheme = Some(signed.scheme));
        verify_handshake(message, certificate, signed)
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
        let chain: Result<Vec<Certificate>, _> = std::iter::once(first)
            .chain(others)
            .map(|der| Certificate::from_der(der))
            .collect();
        let chain = chain.map_err(|_| Error::InvalidCertificate(CertificateError::BadEncoding))?;
        let host = (self.check == Check::ChainAndHost).then(|| self.host.clone());
        let rules = Rules::tls(Purpose::Server, host, self.now);
        let go_on = self.check == Check::Nothing;
        let verdict = verify::verify_with(&chain, &self.trust, &rules, &mut |event| {
            go_on || event.code == Code::Ok
        })
        .map(|_| ());
        self.remember(|seen| {
            seen.chain = chain;
            seen.verdict = verdict;
        });
        match verdict {
            Err(error) if !go_on => Err(Error::InvalidCertificate(kind(error.code))),
            _ => Ok(ServerCertVerified::assertion()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signature(message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.signature(message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        SCHEMES.to_vec()
    }
}

/// The kind that makes rustls send the alert which OpenSSL sends.
fn kind(code: Code) -> CertificateError {
    match code {
        Code::Expired | Code::NotYetValid => CertificateError::Expired,
        Code::SignatureFailure => CertificateError::BadSignature,
        Code::InvalidPurpose => CertificateError::InvalidPurpose,
        Code::HostnameMismatch | Code::IpMismatch => CertificateError::NotValidForName,
        Code::UnhandledCritical => CertificateError::UnhandledCriticalExtension,
        _ => CertificateError::UnknownIssuer,
    }
}
