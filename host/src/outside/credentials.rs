//! The certificates of one live cluster and the kubeconfig that carries them.
//!
//! Never stores a private key anywhere but in the kubeconfig file, which only its owner can read.

use crate::authority::{Authority, Signed, own_names};
use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use guest_tls::cert::Certificate;
use ring::rand::{SecureRandom, SystemRandom};
use std::fs::OpenOptions;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

/// A certificate authority, the server's certificate and the administrator's.
#[derive(Debug)]
pub(crate) struct Credentials {
    authority: Authority,
    server: Signed,
    client: Signed,
}

impl Credentials {
    /// Fresh ones, as `kubeadm init` would make them: a CA, a serving certificate for
    /// 127.0.0.1, `addresses` and the cluster's own names, a client certificate of `system:masters`.
    ///
    /// # Errors
    /// When the host has no randomness to give.
    pub(crate) fn generate(addresses: &[String], now: i64) -> Result<Self> {
        // Asked once whether there is any, so that nothing below can fail.
        Self::secret()?;
        let authority = Authority::generate(now, &mut draw);
        let mut names = own_names();
        names.push("10.96.0.1".to_owned());
        names.extend(addresses.iter().cloned());
        names.sort();
        names.dedup();
        let server = authority.server(&names, &mut draw);
        let client = authority.administrator(&mut draw);
        Ok(Self {
            authority,
            server,
            client,
        })
    }

    /// Who signs, inside the world as well.
    pub(crate) fn authority(&self) -> &Authority {
        &self.authority
    }

    /// A word that nobody guesses, out of the host's randomness: 32 bytes of it.
    ///
    /// # Errors
    /// When the host has no randomness to give.
    pub(crate) fn secret() -> Result<String> {
        let random: ring::rand::Random<[u8; 32]> = ring::rand::generate(&SystemRandom::new())
            .map_err(|_| anyhow::anyhow!("the host has no randomness to give"))?;
        Ok(URL_SAFE_NO_PAD.encode(random.expose()))
    }

    /// TLS for the API listener: a client may show our certificate or none; whoever showed none
    /// must say a token with each request, which is not TLS's business.
    ///
    /// HTTP/1.1 is the only protocol offered, since the server behind it speaks no other.
    pub(crate) fn server_config(&self) -> Result<ServerConfig> {
        let mut roots = RootCertStore::empty();
        let authority = der(self.authority.certificate());
        roots.add(authority.clone())?;
        let verifier = WebPkiClientVerifier::builder(Arc::new(roots))
            .allow_unauthenticated()
            .build()?;
        let key = PrivateKeyDer::try_from(self.server.key.to_pkcs8())
            .map_err(|cause| anyhow::anyhow!("{cause}"))?;
        let mut config = ServerConfig::builder()
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![der(&self.server.certificate), authority], key)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    /// Writes a kubeconfig with one context, `lab`, readable by its owner alone.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn write_kubeconfig(&self, path: &Path, server: SocketAddr) -> Result<()> {
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: lab\nclusters:\n- name: lab\n  cluster:\n    server: https://{server}\n    certificate-authority-data: {}\ncontexts:\n- name: lab\n  context:\n    cluster: lab\n    user: kubernetes-admin\nusers:\n- name: kubernetes-admin\n  user:\n    client-certificate-data: {}\n    client-key-data: {}\n",
            STANDARD.encode(self.authority.certificate().to_pem()),
            STANDARD.encode(self.client.certificate.to_pem()),
            STANDARD.encode(self.client.key.to_pem()),
        );
        let _ = std::fs::remove_file(path);
        let mut file = OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(path)
            .with_context(|| format!("cannot write {}", path.display()))?;
        file.write_all(text.as_bytes())
            .with_context(|| format!("cannot write {}", path.display()))
    }
}

/// Chance from the host.
pub(crate) fn draw(buffer: &mut [u8]) {
    let filled = SystemRandom::new().fill(buffer);
    filled.expect("a host that gave randomness goes on giving it");
}

fn der(certificate: &Certificate) -> CertificateDer<'static> {
    CertificateDer::from(certificate.der().to_vec())
}
