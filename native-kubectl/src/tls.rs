//! Sockets, plain and encrypted. Never decides whom to trust: the kubeconfig does.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use kubectl::{Stream, Tls};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, ClientConnection, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme, StreamOwned,
};

/// Where Linux distributions keep the authorities that the machine trusts.
const AUTHORITIES: [&str; 2] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
];

/// The machine's own network.
pub(crate) struct Sockets;

impl kubectl::Connect for Sockets {
    fn connect(&mut self, host: &str, port: u16, tls: Option<&Tls>) -> io::Result<Box<dyn Stream>> {
        let socket = TcpStream::connect((host, port))?;
        // Small requests and keystrokes; a platform without the option loses nothing else.
        drop(socket.set_nodelay(true));
        let Some(tls) = tls else {
            return Ok(Box::new(socket));
        };
        let name = tls.server_name.as_deref().unwrap_or(host).to_owned();
        let name = ServerName::try_from(name).map_err(invalid)?;
        let connection = ClientConnection::new(Arc::new(config(tls)?), name).map_err(invalid)?;
        let mut stream = StreamOwned::new(connection, socket);
        while stream.conn.is_handshaking() {
            stream
                .conn
                .complete_io(&mut stream.sock)
                .map_err(|error| in_words(error, host))?;
        }
        Ok(Box::new(Encrypted(stream)))
    }

    fn listen(&mut self, address: &str, port: u16) -> io::Result<Box<dyn kubectl::Listener>> {
        kubectl::Tcp.listen(address, port)
    }
}

struct Encrypted(StreamOwned<ClientConnection, TcpStream>);

impl Read for Encrypted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer) {
            // Many servers close without TLS' farewell; the HTTP framing knows what is missing.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(0),
            read => read,
        }
    }
}

impl Write for Encrypted {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.0.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Stream for Encrypted {
    fn set_nonblocking(&mut self, on: bool) -> io::Result<()> {
        self.0.sock.set_nonblocking(on)
    }
}

fn invalid(error: impl std::fmt::Display) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, error.to_string())
}

fn config(tls: &Tls) -> io::Result<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(invalid)?;
    let builder = if tls.insecure {
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anyone(provider)))
    } else {
        builder.with_root_certificates(authorities(tls)?)
    };
    let Some((certificate, key)) = &tls.client else {
        return Ok(builder.with_no_client_auth());
    };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate).collect();
    let chain = chain.map_err(|_| no_pem("certificate"))?;
    if chain.is_empty() {
        return Err(no_pem("certificate"));
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| no_pem("key"))?;
    builder.with_client_auth_cert(chain, key).map_err(invalid)
}

/// Go's words for a file without PEM in it.
fn no_pem(what: &str) -> io::Error {
    invalid(format!("tls: failed to find any PEM data in {what} input"))
}

fn authorities(tls: &Tls) -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    let found = match &tls.authority {
        Some(pem) => pem.clone(),
        None => AUTHORITIES
            .iter()
            .find_map(|path| std::fs::read(path).ok())
            .unwrap_or_default(),
    };
    for certificate in CertificateDer::pem_slice_iter(&found).flatten() {
        // Some bundles hold what no TLS library reads; the others still count.
        drop(roots.add(certificate));
    }
    if roots.is_empty() && tls.authority.is_some() {
        return Err(invalid(
            "unable to load root certificates: unable to parse bytes as PEM block",
        ));
    }
    Ok(roots)
}

/// What Go says of the same certificate.
fn in_words(error: io::Error, host: &str) -> io::Error {
    let Some(cause) = error
        .get_ref()
        .and_then(|cause| cause.downcast_ref::<Error>())
    else {
        return error;
    };
    let why = match cause {
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "x509: certificate signed by unknown authority".to_owned()
        }
        Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => "x509: certificate has expired or is not yet valid".to_owned(),
        Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => format!("x509: certificate is not valid for {host}"),
        Error::InvalidMessage(_) => {
            return invalid("tls: first record does not look like a TLS handshake");
        }
        other => return invalid(format!("tls: {other}")),
    };
    invalid(format!("tls: failed to verify certificate: {why}"))
}

/// `insecure-skip-tls-verify`: any certificate, as long as its key signed the handshake.
#[derive(Debug)]
struct Anyone(Arc<CryptoProvider>);

impl ServerCertVerifier for Anyone {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            certificate,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            certificate,
            signed,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
