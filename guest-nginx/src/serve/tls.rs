//! TLS on the server's side: certificates loaded as nginx loads them, and the beginning of a conversation.

use std::collections::BTreeMap;
use std::net::SocketAddrV4;
use std::rc::Rc;
use std::sync::Arc;

use guest_tls::cert::Certificate;
use guest_tls::client::Version;
use guest_tls::server::{Identity, LoadError, Options};
use guest_tls::verify::{Purpose, Rules, verify_with};
use rustls::{Connection, ServerConfig, ServerConnection};

use crate::conf::model::{Ask, Config, Server, ServerName};
use crate::net::system;
use crate::net::wire::{Got, Wire};
use crate::reply::{Shown, TlsFacts};

use super::Face;
use super::talk::Talk;

/// What is shown on each address that speaks TLS, and who judges what clients show.
#[derive(Debug, Default)]
pub struct Certificates {
    all: BTreeMap<SocketAddrV4, Arc<ServerConfig>>,
    /// By the server's number.
    judges: BTreeMap<usize, Judge>,
}

/// The authorities of a server's clients.
#[derive(Debug)]
struct Judge {
    told: Vec<Certificate>,
    trusted: Vec<Certificate>,
    depth: usize,
}

impl Judge {
    /// Loads what a server trusts; nothing when it asks nobody.
    fn load(server: &Server) -> Result<Option<Self>, String> {
        let clients = &server.clients;
        let asks = clients.ask != Ask::Nobody;
        let load = |path: &Option<String>| path.as_deref().map_or(Ok(Vec::new()), authorities);
        if server.certificates.is_empty() {
            return Ok(None);
        }
        let told = if asks {
            load(&clients.told)?
        } else {
            Vec::new()
        };
        let mut trusted = load(&clients.trusted)?;
        trusted.extend(told.clone());
        Ok(asks.then_some(Self {
            told,
            trusted,
            depth: clients.depth,
        }))
    }

    fn judge(&self, chain: Vec<Certificate>) -> Option<Shown> {
        let now = i64::try_from(system::wall().seconds).unwrap_or(i64::MAX);
        let mut rules = Rules::tls(Purpose::Client, None, now);
        rules.depth = self.depth;
        // As in nginx the handshake goes on whatever is wrong; requests are refused later.
        let verdict = verify_with(&chain, &self.trusted, &rules, &mut |_| true).map(|_| ());
        let certificate = chain.into_iter().next()?;
        Some(Shown {
            certificate,
            verdict,
        })
    }
}

/// Certificates that are trusted, or OpenSSL's words as nginx repeats them.
fn authorities(path: &str) -> Result<Vec<Certificate>, String> {
    let failed =
        |why: &str| format!("SSL_CTX_load_verify_locations(\"{path}\") failed (SSL: {why})");
    let text = std::fs::read(path).map_err(|_| {
        failed(&format!(
            "error:80000002:system library::No such file or directory:calling fopen({path}, r) \
             error:10000080:BIO routines::no such file error:05880002:x509 certificate \
             routines::system lib"
        ))
    })?;
    let none = || failed("error:05800088:x509 certificate routines::no certificate or crl found");
    let found = Certificate::all_from_pem(&text).map_err(|_| none())?;
    if found.is_empty() {
        return Err(none());
    }
    Ok(found)
}

impl Certificates {
    /// Loads all that a configuration names; the error is nginx's.
    pub fn load(config: &Config) -> Result<Self, String> {
        let mut identities = BTreeMap::new();
        for server in &config.servers {
            for (chain, key) in &server.certificates {
                identities.insert((chain.clone(), key.clone()), identity(chain, key)?);
            }
        }
        let mut all = BTreeMap::new();
        let mut judges = BTreeMap::new();
        for (at, server) in config.servers.iter().enumerate() {
            if let Some(judge) = Judge::load(server)? {
                judges.insert(at, judge);
            }
        }
        for listen in config.listens.iter().filter(|listen| listen.tls) {
            let mut options = Options {
                identities: Vec::new(),
                choose: Arc::new(|_| Some(0)),
                alpn: vec![b"http/1.1".to_vec(), b"http/1.0".to_vec()],
                ask: None,
                min: Version::Tls12,
                max: Version::Tls13,
            };
            let mut lists = Vec::new();
            for (at, number) in listen.servers.iter().enumerate() {
                let server = &config.servers[*number];
                if at == 0 {
                    options.min = version(server.tls_versions.0);
                    options.max = version(server.tls_versions.1);
                }
                if let Some(judge) = judges.get(number) {
                    options
                        .ask
                        .get_or_insert_default()
                        .extend(judge.told.clone());
                }
                for pair in &server.certificates {
                    options.identities.extend(identities.get(pair).cloned());
                    lists.push(server.names.iter().filter_map(shown).collect());
                }
            }
            if options.identities.is_empty() {
                continue;
            }
            options.choose = guest_tls::server::by_names(lists);
            all.insert(listen.address, guest_tls::server::config_with(options));
        }
        Ok(Self { all, judges })
    }

    /// Those of an address.
    pub(super) fn of(&self, address: SocketAddrV4) -> Option<Arc<ServerConfig>> {
        self.all.get(&address).map(Arc::clone)
    }
}

fn version(number: u8) -> Version {
    if number == 12 {
        Version::Tls12
    } else {
        Version::Tls13
    }
}

fn shown(name: &ServerName) -> Option<String> {
    match name {
        ServerName::Exact(name) => Some(name.clone()),
        ServerName::Ending(ending) => Some(format!("*{ending}")),
        ServerName::Below(name) => Some(format!("*.{name}")),
        ServerName::Beginning(_) | ServerName::Regex(_) => None,
    }
}

/// One certificate with its key, or OpenSSL's words as nginx repeats them.
fn identity(chain: &str, key: &str) -> Result<Identity, String> {
    let missing = |what: &str, path: &str| {
        format!(
            "cannot load {what} \"{path}\": BIO_new_file() failed (SSL: error:80000002:system library::No such \
             file or directory:calling fopen({path}, r) error:10000080:BIO routines::no such file)"
        )
    };
    let chain_pem = std::fs::read(chain).map_err(|_| missing("certificate", chain))?;
    let bad = |error: LoadError| match error {
        LoadError::Mismatch => format!("SSL_CTX_use_PrivateKey(\"{key}\") failed (SSL: {error})"),
        error if error.is_about_key() => {
            format!(
                "cannot load certificate key \"{key}\": PEM_read_bio_PrivateKey() failed (SSL: {error})"
            )
        }
        error => {
            format!(
                "cannot load certificate \"{chain}\": PEM_read_bio_X509_AUX() failed (SSL: {error})"
            )
        }
    };
    match std::fs::read(key) {
        Ok(key_pem) => Identity::load(&chain_pem, &key_pem).map_err(bad),
        Err(_) => match Identity::load(&chain_pem, b"") {
            Err(error) if !error.is_about_key() => Err(bad(error)),
            _ => Err(missing("certificate key", key)),
        },
    }
}

/// How a conversation began.
pub(super) enum Begun {
    /// Inside TLS.
    Sealed,
    /// Without.
    Plain,
    /// Not at all.
    Gone,
}

/// Shakes hands with a client, unless its first byte shows that it speaks no TLS.
pub(super) async fn begin(talk: &mut Talk, config: Arc<ServerConfig>, patience_ms: u64) -> Begun {
    let mut first = Vec::new();
    match talk.wire.read(&mut first, patience_ms).await {
        Got::Bytes(_) => {}
        _ => return Begun::Gone,
    }
    if !matches!(first.first(), Some(0x16 | 0x80..)) {
        talk.buffer = first;
        return Begun::Plain;
    }
    let Ok(connection) = ServerConnection::new(config) else {
        return Begun::Gone;
    };
    let wire = std::mem::replace(
        &mut talk.wire,
        Wire::Memory(crate::net::wire::Memory::default()),
    );
    let Wire::Plain(socket) = wire else {
        return Begun::Gone;
    };
    let Ok(wire) = Wire::tls(socket, Connection::Server(connection), &first) else {
        return Begun::Gone;
    };
    talk.wire = wire;
    let Wire::Tls(tls) = &mut talk.wire else {
        return Begun::Gone;
    };
    if tls.shake(patience_ms).await.is_err() {
        return Begun::Gone;
    }
    let mut facts = facts(&tls.connection);
    let peer = tls.connection.peer_certificates().unwrap_or_default();
    let chain: Result<Vec<_>, _> = peer.iter().map(|der| Certificate::from_der(der)).collect();
    if let (Face::Nginx(config, certificates), Ok(chain)) = (talk.server.face(), chain) {
        let (server, _) = config.choose(talk.client.local, &facts.server_name);
        let judge = certificates.judges.get(&server);
        facts.shown = judge.and_then(|judge| judge.judge(chain)).map(Rc::new);
    }
    talk.client.tls = Some(facts);
    Begun::Sealed
}

fn facts(connection: &Connection) -> TlsFacts {
    let modern = connection.protocol_version() == Some(rustls::ProtocolVersion::TLSv1_3);
    let suite = connection
        .negotiated_cipher_suite()
        .map(|suite| suite.suite());
    let server_name = match connection {
        Connection::Server(server) => server.server_name().unwrap_or_default().to_owned(),
        Connection::Client(_) => String::new(),
    };
    TlsFacts {
        protocol: if modern { "TLSv1.3" } else { "TLSv1.2" }.to_owned(),
        cipher: suite.map_or_else(String::new, |suite| openssl_name(&format!("{suite:?}"))),
        server_name,
        shown: None,
    }
}

/// OpenSSL's spelling of a suite.
fn openssl_name(name: &str) -> String {
    if let Some(rest) = name.strip_prefix("TLS13_") {
        return format!("TLS_{rest}");
    }
    let name = name.trim_start_matches("TLS_").replace("_WITH_", "_");
    let name = name
        .replace("AES_128", "AES128")
        .replace("AES_256", "AES256");
    name.replace("CHACHA20_POLY1305_SHA256", "CHACHA20_POLY1305")
        .replace('_', "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_are_spelled_as_openssl_does() {
        let cases = [
            ("TLS13_AES_256_GCM_SHA384", "TLS_AES_256_GCM_SHA384"),
            (
                "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
                "ECDHE-RSA-AES128-GCM-SHA256",
            ),
            (
                "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
                "ECDHE-ECDSA-CHACHA20-POLY1305",
            ),
        ];
        for (ours, theirs) in cases {
            assert_eq!(openssl_name(ours), theirs);
        }
    }
}
