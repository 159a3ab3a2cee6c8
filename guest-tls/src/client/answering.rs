//! The client's own certificate, for servers that ask for one.
//!
//! Never looks at the authorities that a server names: like OpenSSL it sends what it was given.

use crate::cert::Name;
use crate::server::Identity;
use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;
use std::sync::{Arc, OnceLock};

#[derive(Debug)]
pub(super) struct Answering {
    own: Option<Arc<CertifiedKey>>,
    authorities: OnceLock<Vec<Name>>,
}

impl Answering {
    pub(super) fn new(own: Option<&Identity>) -> Self {
        Self {
            own: own.map(Identity::certified),
            authorities: OnceLock::new(),
        }
    }

    /// The authorities that the server named when it asked.
    pub(super) fn authorities(&self) -> Option<Vec<Name>> {
        self.authorities.get().cloned()
    }
}

impl ResolvesClientCert for Answering {
    fn resolve(&self, names: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let names = || names.iter().filter_map(|der| Name::from_der(der)).collect();
        self.authorities.get_or_init(names);
        self.own.as_ref().map(Arc::clone)
    }

    fn has_certs(&self) -> bool {
        // rustls asks only those who say yes, and whether the server asked is to be told.
        true
    }
}
