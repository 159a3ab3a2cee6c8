//! Whether to believe a chain of certificates, as OpenSSL 3.0 decides it.
//!
//! The order of the questions is OpenSSL's, because the first «no» is what people see: the chain
//! is built, then its extensions are looked at, then the host's name, then signatures and times
//! from the root down.
//! Never asks the network (no CRL, no OCSP), and treats name constraints as an extension it does
//! not know.

mod code;
mod extensions;
mod host;
mod path;
mod signatures;

pub use code::Code;
pub use host::{Host, Manner, matches};

use crate::cert::Certificate;
use std::fmt;

/// What the certificate is to be good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Anything: extended key usage is not looked at.
    Any,
    /// To serve TLS.
    Server,
    /// To be a client of TLS.
    Client,
}

/// What to ask beside the chain itself.
#[derive(Clone, Debug)]
pub struct Rules {
    /// What the first certificate is for.
    pub purpose: Purpose,
    /// Whom it must name.
    pub host: Option<Host>,
    /// Seconds since 1970.
    pub now: i64,
    /// OpenSSL's security level for keys and digests: 0 for `openssl verify`, 2 (Debian's) for TLS.
    pub level: u8,
    /// How many intermediate certificates may stand between the first one and the root.
    pub depth: usize,
}

impl Rules {
    /// The rules of a TLS client: level 2, a hundred certificates.
    #[must_use]
    pub fn tls(purpose: Purpose, host: Option<Host>, now: i64) -> Self {
        Self {
            purpose,
            host,
            now,
            level: 2,
            depth: 100,
        }
    }
}

/// The first thing that is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifyError {
    /// What.
    pub code: Code,
    /// With which certificate; 0 is the first of the chain.
    pub depth: usize,
}

impl fmt::Display for VerifyError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.code.text())
    }
}

impl std::error::Error for VerifyError {}

/// Something the verifier says while it works.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// What is wrong, or [`Code::Ok`] when the certificate at this depth has passed.
    pub code: Code,
    /// Where.
    pub depth: usize,
    /// Which certificate.
    pub certificate: &'a Certificate,
}

/// Believes the chain or tells the first thing that is wrong, with a TLS client's rules.
///
/// `chain` is what the peer sent, its own certificate first; `trust` the trusted ones in any order.
///
/// # Errors
/// The first thing that is wrong.
pub fn verify(
    chain: &[Certificate],
    trust: &[Certificate],
    purpose: Purpose,
    host: Option<Host>,
    now: i64,
) -> Result<(), VerifyError> {
    let rules = Rules::tls(purpose, host, now);
    verify_with(chain, trust, &rules, &mut |event| event.code == Code::Ok).map(|_| ())
}

/// The same, telling every step: `visit` returns whether to go on. The chain that was built.
///
/// With a visitor that always goes on, the last error is the one that OpenSSL's
/// `Verify return code` tells; it is [`Err`] here too.
///
/// # Errors
/// The error at which the visitor stopped, or the last one.
pub fn verify_with(
    chain: &[Certificate],
    trust: &[Certificate],
    rules: &Rules,
    visit: &mut dyn FnMut(&Event<'_>) -> bool,
) -> Result<Vec<Certificate>, VerifyError> {
    let mut walk = Walk {
        chain: Vec::new(),
        untrusted: 0,
        rules,
        visit,
        error: None,
    };
    let Some(first) = chain.first() else {
        return Err(VerifyError {
            code: Code::UnableToVerifyFirst,
            depth: 0,
        });
    };
    walk.chain.push(first);
    walk.untrusted = 1;
    let done = walk
        .key_level(first)
        .and_then(|()| walk.build(&chain[1..], trust))
        .and_then(|()| walk.extensions())
        .and_then(|()| walk.levels())
        .and_then(|()| walk.host())
        .and_then(|()| walk.signatures());
    match (done, walk.error) {
        (Err(Stop), Some(error)) | (Ok(()), Some(error)) => Err(error),
        _ => Ok(walk.chain.into_iter().cloned().collect()),
    }
}

/// The visitor has had enough.
#[derive(Clone, Copy, Debug)]
struct Stop;

/// A verification under way.
struct Walk<'a, 'v> {
    /// The first certificate, its issuer, …
    chain: Vec<&'a Certificate>,
    /// How many of them came from the peer.
    untrusted: usize,
    rules: &'v Rules,
    visit: &'v mut dyn FnMut(&Event<'_>) -> bool,
    /// The last error told.
    error: Option<VerifyError>,
}

impl<'a> Walk<'a, '_> {
    /// Tells an error; goes on when the visitor does.
    fn fail(&mut self, code: Code, depth: usize, certificate: &'a Certificate) -> Result<(), Stop> {
        self.error = Some(VerifyError { code, depth });
        self.tell(code, depth, certificate)
    }

    fn tell(&mut self, code: Code, depth: usize, certificate: &'a Certificate) -> Result<(), Stop> {
        let event = Event {
            code,
            depth,
            certificate,
        };
        if (self.visit)(&event) {
            Ok(())
        } else {
            Err(Stop)
        }
    }

    fn host(&mut self) -> Result<(), Stop> {
        let first = self.chain[0];
        match &self.rules.host {
            Some(host) if !matches(first, host, Manner::OpenSsl) => {
                let code = match host {
                    Host::Name(_) => Code::HostnameMismatch,
                    Host::Ip(_) => Code::IpMismatch,
                };
                self.fail(code, 0, first)
            }
            _ => Ok(()),
        }
    }
}
