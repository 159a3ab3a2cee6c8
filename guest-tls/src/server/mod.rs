//! The server's side: a configuration for rustls, whose connection the server drives itself.
//!
//! Never judges a client's certificate, only whether the client has its key.

mod asking;
mod identity;

pub use identity::{Identity, LoadError};

use crate::cert::Certificate;
use crate::client::Version;
use asking::Asking;
use rustls::ServerConfig;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::fmt;
use std::sync::Arc;

/// Which identity answers to a name said in SNI (`None` without SNI); `None` ends the handshake.
pub type Choose = Arc<dyn Fn(Option<&str>) -> Option<usize> + Send + Sync>;

/// How to serve.
#[derive(Clone)]
pub struct Options {
    /// The certificates with their keys.
    pub identities: Vec<Identity>,
    /// Which of them answers.
    pub choose: Choose,
    /// Protocols to agree to, the preferred one first; none ignores the client's.
    pub alpn: Vec<Vec<u8>>,
    /// The authorities that clients are told when they are asked for a certificate; none asks nobody.
    pub ask: Option<Vec<Certificate>>,
    /// The lowest version.
    pub min: Version,
    /// The highest version.
    pub max: Version,
}

impl fmt::Debug for Options {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Options")
            .field("identities", &self.identities)
            .finish_non_exhaustive()
    }
}

/// One certificate for everybody.
///
/// # Errors
/// When the texts are no certificate and its key.
pub fn config(
    chain_pem: &[u8],
    key_pem: &[u8],
    min: Version,
    max: Version,
) -> Result<Arc<ServerConfig>, LoadError> {
    Ok(config_with(Options {
        identities: vec![Identity::load(chain_pem, key_pem)?],
        choose: Arc::new(|_| Some(0)),
        alpn: Vec::new(),
        ask: None,
        min,
        max,
    }))
}

/// Several certificates, chosen by name. One configuration serves any number of connections.
///
/// # Panics
/// When `min` is above `max`.
#[must_use]
pub fn config_with(options: Options) -> Arc<ServerConfig> {
    let identities = options.identities.iter().map(Identity::certified);
    let resolver = Resolver {
        identities: identities.collect(),
        choose: options.choose,
    };
    let builder = ServerConfig::builder_with_provider(crate::provider())
        .with_protocol_versions(&Version::between(options.min, options.max))
        .expect("there is a suite for every version");
    let builder = match &options.ask {
        Some(authorities) => builder.with_client_cert_verifier(Arc::new(Asking::new(authorities))),
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_cert_resolver(Arc::new(resolver));
    config.alpn_protocols = options.alpn;
    Arc::new(config)
}

/// Chooses by lists of names, one for each identity: the same name first, then the longest
/// `*.name`, then the first identity.
#[must_use]
pub fn by_names(lists: Vec<Vec<String>>) -> Choose {
    Arc::new(move |name| {
        let Some(name) = name else { return Some(0) };
        let exact = lists
            .iter()
            .position(|names| names.iter().any(|own| own.eq_ignore_ascii_case(name)));
        let star = || {
            let fits = |own: &&String| {
                own.strip_prefix('*').is_some_and(|tail| {
                    name.len() > tail.len()
                        && name
                            .to_ascii_lowercase()
                            .ends_with(&tail.to_ascii_lowercase())
                })
            };
            let all = lists.iter().enumerate().filter_map(|(at, names)| {
                let longest = names.iter().filter(fits).map(String::len).max()?;
                Some((longest, at))
            });
            all.max_by_key(|(longest, at)| (*longest, usize::MAX - at))
                .map(|(_, at)| at)
        };
        exact.or_else(star).or(Some(0))
    })
}

struct Resolver {
    identities: Vec<Arc<CertifiedKey>>,
    choose: Choose,
}

impl fmt::Debug for Resolver {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Resolver").finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let chosen = (self.choose)(hello.server_name())?;
        self.identities.get(chosen).map(Arc::clone)
    }
}
