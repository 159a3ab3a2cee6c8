//! Certificates and keys out of files, PEM or DER, with OpenSSL's complaints.
//!
//! Never asks for a pass phrase.

use crate::files::{Failure, complain, read, reason};
use guest_tls::cert::{Certificate, Request};
use guest_tls::key::{Key, KeyError, PublicKey};
use guest_tls::pem;

fn open(name: Option<&str>, what: &str) -> Result<Vec<u8>, Failure> {
    read(name).map_err(|error| {
        let (file, reason) = (name.unwrap_or("<stdin>"), reason(&error));
        complain(format!(
            "Could not open file or uri for loading {what} from {file}\nerror:80000002:system library::{reason}:calling stat({file})"
        ))
    })
}

fn broken(name: Option<&str>, what: &str) -> Failure {
    let file = name.unwrap_or("<stdin>");
    complain(format!("Could not read {what} from {file}"))
}

/// One certificate.
pub(crate) fn certificate(name: Option<&str>, what: &str) -> Result<Certificate, Failure> {
    let unable = |mut failure: Failure| {
        failure.text.push_str(&format!("\nUnable to load {what}"));
        failure
    };
    let bytes = open(name, what).map_err(unable)?;
    Certificate::from_der(&bytes)
        .ok()
        .or_else(|| {
            let blocks = pem::read(&bytes).ok()?;
            let block = blocks
                .iter()
                .find(|block| block.label.contains("CERTIFICATE"))?;
            Certificate::from_der(&block.der).ok()
        })
        .ok_or_else(|| unable(broken(name, what)))
}

/// Any number of certificates; none is an error.
pub(crate) fn certificates(name: &str, what: &str) -> Result<Vec<Certificate>, Failure> {
    let bytes = open(Some(name), what)?;
    match Certificate::all_from_pem(&bytes) {
        Ok(all) if !all.is_empty() => Ok(all),
        _ => Err(broken(Some(name), what)),
    }
}

/// A trusted file, as `-CAfile` names it.
pub(crate) fn trusted(name: &str) -> Result<Vec<Certificate>, Failure> {
    let failure = |text: &str| complain(format!("Error loading file {name}\n{text}"));
    let bytes = read(Some(name)).map_err(|error| {
        failure(&format!(
            "error:80000002:system library::{}:calling fopen({name}, r)",
            reason(&error)
        ))
    })?;
    match Certificate::all_from_pem(&bytes) {
        Ok(all) if !all.is_empty() => Ok(all),
        _ => Err(failure(
            "error:05880009:x509 certificate routines::no certificate or crl found",
        )),
    }
}

/// What the machine trusts when no file is named.
pub(crate) fn machine_trust() -> Vec<Certificate> {
    let named = std::env::var("SSL_CERT_FILE").ok();
    let places = named
        .into_iter()
        .chain(["/etc/ssl/cert.pem", "/etc/ssl/certs/ca-certificates.crt"].map(str::to_owned));
    for place in places {
        if let Ok(bytes) = std::fs::read(&place) {
            return Certificate::all_from_pem(&bytes).unwrap_or_default();
        }
    }
    Vec::new()
}

/// A request.
pub(crate) fn request(name: Option<&str>) -> Result<Request, Failure> {
    let bytes = read(name).map_err(|error| {
        let file = name.unwrap_or("<stdin>");
        complain(format!(
            "Can't open \"{file}\" for reading, {}\nUnable to load X509 request",
            reason(&error)
        ))
    })?;
    Request::from_der(&bytes)
        .or_else(|_| Request::from_pem(&bytes))
        .map_err(|_| {
            complain(
                "Unable to load X509 request\nerror:0480006C:PEM routines::no start line:Expecting: CERTIFICATE REQUEST",
            )
        })
}

/// A private key.
pub(crate) fn key(name: Option<&str>, what: &str) -> Result<Key, Failure> {
    let bytes = open(name, what)?;
    Key::from_pem(&bytes)
        .or_else(|error| match error {
            KeyError::NoPem => Key::from_der(&bytes),
            other => Err(other),
        })
        .map_err(|error| {
            let mut failure = broken(name, what);
            if matches!(error, KeyError::Encrypted | KeyError::Unsupported) {
                failure
                    .text
                    .push_str(&format!("\n{error}: not in this lab"));
            }
            failure
        })
}

/// A public key.
pub(crate) fn public_key(name: Option<&str>, what: &str) -> Result<PublicKey, Failure> {
    let bytes = open(name, what)?;
    PublicKey::from_pem(&bytes)
        .ok()
        .or_else(|| PublicKey::from_spki(&bytes))
        .ok_or_else(|| broken(name, what))
}
