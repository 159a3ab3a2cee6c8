//! What can go wrong with a connection, and OpenSSL's words for it.
//!
//! Never a caller's exit code.

use crate::verify::VerifyError;
use rustls::{AlertDescription, Error, InvalidMessage, PeerIncompatible};

/// Why there is no connection, or no longer one.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The server's certificate is not believed.
    #[error("{0}")]
    Verify(VerifyError),
    /// The protocol failed.
    #[error("{}", openssl(.0))]
    Protocol(Error),
    /// The stream failed.
    #[error("{0}")]
    Io(std::io::Error),
    /// The stream ended within the handshake.
    #[error("unexpected eof while reading")]
    Eof,
}

impl From<Error> for TlsError {
    fn from(error: Error) -> Self {
        Self::Protocol(error)
    }
}

/// `error:0A00010B:SSL routines::wrong version number`, as OpenSSL prints a failure; rustls' words
/// where OpenSSL has no failure like it.
#[must_use]
pub(super) fn openssl(error: &Error) -> String {
    let (number, text) = match error {
        Error::InvalidMessage(
            InvalidMessage::InvalidContentType
            | InvalidMessage::UnknownProtocolVersion
            | InvalidMessage::MessageTooLarge,
        ) => (0x10b, "wrong version number"),
        Error::PeerIncompatible(
            PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
            | PeerIncompatible::ServerSentHelloRetryRequestWithUnknownExtension,
        ) => (0x102, "unsupported protocol"),
        Error::DecryptError => (0x119, "decryption failed or bad record mac"),
        Error::InvalidCertificate(rustls::CertificateError::BadSignature) => {
            (0x7b, "bad signature")
        }
        Error::NoApplicationProtocol => (0x460, "tlsv1 alert no application protocol"),
        Error::AlertReceived(alert) => (1000 + u32::from(u8::from(*alert)), self::alert(*alert)),
        Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            (0xf4, "unexpected message")
        }
        other => return other.to_string(),
    };
    format!("error:{:08X}:SSL routines::{text}", 0x0a00_0000 + number)
}

fn alert(alert: AlertDescription) -> &'static str {
    match alert {
        AlertDescription::UnexpectedMessage => "sslv3 alert unexpected message",
        AlertDescription::BadRecordMac => "sslv3 alert bad record mac",
        AlertDescription::HandshakeFailure => "sslv3 alert handshake failure",
        AlertDescription::BadCertificate => "sslv3 alert bad certificate",
        AlertDescription::UnsupportedCertificate => "sslv3 alert unsupported certificate",
        AlertDescription::CertificateExpired => "sslv3 alert certificate expired",
        AlertDescription::CertificateUnknown => "sslv3 alert certificate unknown",
        AlertDescription::IllegalParameter => "sslv3 alert illegal parameter",
        AlertDescription::UnknownCA => "tlsv1 alert unknown ca",
        AlertDescription::AccessDenied => "tlsv1 alert access denied",
        AlertDescription::DecodeError => "tlsv1 alert decode error",
        AlertDescription::DecryptError => "tlsv1 alert decrypt error",
        AlertDescription::ProtocolVersion => "tlsv1 alert protocol version",
        AlertDescription::InsufficientSecurity => "tlsv1 alert insufficient security",
        AlertDescription::InternalError => "tlsv1 alert internal error",
        AlertDescription::UserCanceled => "tlsv1 alert user cancelled",
        AlertDescription::NoRenegotiation => "tlsv1 alert no renegotiation",
        AlertDescription::UnsupportedExtension => "tlsv1 unsupported extension",
        AlertDescription::UnrecognisedName => "tlsv1 unrecognized name",
        AlertDescription::CertificateRequired => "tlsv13 alert certificate required",
        AlertDescription::NoApplicationProtocol => "tlsv1 alert no application protocol",
        _ => "reason(1000)",
    }
}
