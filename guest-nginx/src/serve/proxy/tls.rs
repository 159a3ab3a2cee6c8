//! TLS towards an upstream. As nginx does unless told otherwise, it checks no certificate.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, Connection, DigitallySignedStruct, SignatureScheme};

use crate::net::system::Socket;
use crate::net::wire::Wire;
use crate::nginx::turn::Turn;

use super::{Failure, Way};

/// A connection inside TLS.
pub(super) async fn seal(
    turn: &Turn<'_>,
    way: &Way<'_>,
    socket: Socket,
    patience_ms: u64,
) -> Result<Wire, Failure> {
    let failed = || {
        let words = "peer closed connection in SSL handshake while SSL handshaking to upstream";
        Failure::new("error", 502, words)
    };
    let settings = turn.settings();
    let name = match &settings.proxy_ssl_name {
        Some(name) => turn.render_text(name),
        None => way.host.split(':').next().unwrap_or_default().to_owned(),
    };
    let mut config = ClientConfig::builder_with_provider(guest_tls::provider())
        .with_safe_default_protocol_versions()
        .map_err(|_| failed())?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody))
        .with_no_client_auth();
    config.enable_sni = settings.proxy_ssl_server_name;
    let name = ServerName::try_from(name)
        .or_else(|_| ServerName::try_from("upstream".to_owned()))
        .map_err(|_| failed())?;
    let connection = ClientConnection::new(Arc::new(config), name).map_err(|_| failed())?;
    let mut wire = Wire::tls(socket, Connection::Client(connection), &[]).map_err(|_| failed())?;
    if let Wire::Tls(tls) = &mut wire {
        tls.shake(patience_ms).await.map_err(|_| failed())?;
    }
    Ok(wire)
}

/// Believes every certificate without looking at it: whoever does not ask who a peer is gains nothing from
/// its signature either.
#[derive(Debug)]
struct Anybody;

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![
            SignatureScheme::ECDSA_NISTP256_SHA256,
            SignatureScheme::RSA_PSS_SHA256,
            SignatureScheme::RSA_PSS_SHA384,
            SignatureScheme::RSA_PSS_SHA512,
            SignatureScheme::RSA_PKCS1_SHA256,
            SignatureScheme::RSA_PKCS1_SHA384,
            SignatureScheme::RSA_PKCS1_SHA512,
        ]
    }
}
