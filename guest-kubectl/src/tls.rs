//! Sockets of a guest, plain and encrypted. Never decides whom to trust: the kubeconfig does.

use guest_tls::client::{Check, Options, Stream, TlsError, Trust, connect};
use guest_tls::server::Identity;
use guest_tls::verify::{Code, VerifyError};
use kubectl::Tls;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{SystemTime, UNIX_EPOCH};

/// The guest's network.
pub(crate) struct Sockets;

impl kubectl::Connect for Sockets {
    fn connect(
        &mut self,
        host: &str,
        port: u16,
        tls: Option<&Tls>,
    ) -> io::Result<Box<dyn kubectl::Stream>> {
        let socket = TcpStream::connect((host, port))?;
        // Small requests and keystrokes; a platform without the option loses nothing else.
        drop(socket.set_nodelay(true));
        let Some(tls) = tls else {
            return Ok(Box::new(socket));
        };
        let options = options(host, tls)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |now| i64::try_from(now.as_secs()).unwrap_or(i64::MAX));
        let stream = connect(options, socket, now).map_err(|error| in_words(error, host))?;
        Ok(Box::new(Encrypted(stream)))
    }

    fn listen(&mut self, address: &str, port: u16) -> io::Result<Box<dyn kubectl::Listener>> {
        kubectl::Tcp.listen(address, port)
    }
}

fn options(host: &str, tls: &Tls) -> io::Result<Options> {
    let trust = match &tls.authority {
        Some(pem) => Trust::from_pem(pem).ok(),
        None => Some(Trust::default()),
    };
    let unreadable = "unable to load root certificates: unable to parse bytes as PEM block";
    let name = tls.server_name.as_deref().unwrap_or(host);
    let mut options = Options::new(name, trust.ok_or_else(|| invalid(unreadable))?);
    if tls.insecure {
        options.check = Check::Nothing;
    }
    if let Some((certificate, key)) = &tls.client {
        let identity = Identity::load(certificate, key).map_err(|error| {
            let what = if error.is_about_key() {
                "key"
            } else {
                "certificate"
            };
            invalid(format!("tls: failed to find any PEM data in {what} input"))
        })?;
        options.identity = Some(identity);
    }
    Ok(options)
}

struct Encrypted(Stream<TcpStream>);

impl Read for Encrypted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
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

impl kubectl::Stream for Encrypted {
    fn set_nonblocking(&mut self, on: bool) -> io::Result<()> {
        self.0.get_ref().set_nonblocking(on)
    }
}

fn invalid(error: impl std::fmt::Display) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, error.to_string())
}

/// What Go says of the same failure.
fn in_words(error: TlsError, host: &str) -> io::Error {
    let why = match error {
        TlsError::Io(error) => return error,
        TlsError::Eof => return ErrorKind::UnexpectedEof.into(),
        TlsError::Protocol(guest_tls::rustls::Error::InvalidMessage(_)) => {
            return invalid("tls: first record does not look like a TLS handshake");
        }
        TlsError::Protocol(other) => return invalid(format!("tls: {other}")),
        TlsError::Verify(VerifyError { code, .. }) => match code {
            Code::NotYetValid | Code::Expired => {
                "x509: certificate has expired or is not yet valid".to_owned()
            }
            Code::HostnameMismatch | Code::IpMismatch => {
                format!("x509: certificate is not valid for {host}")
            }
            _ => "x509: certificate signed by unknown authority".to_owned(),
        },
    };
    invalid(format!("tls: failed to verify certificate: {why}"))
}
