//! The certificates of one live cluster and the kubeconfig that carries them.
//!
//! Never stores a private key anywhere but in the kubeconfig file, which only its owner can read.

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use ring::rand::SystemRandom;
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
    ca_pem: String,
    ca: CertificateDer<'static>,
    server: CertificateDer<'static>,
    server_key: Vec<u8>,
    client_pem: String,
    client_key_pem: String,
}

impl Credentials {
    /// Fresh ones, as `kubeadm init` would make them: a CA, a serving certificate for
    /// 127.0.0.1, `addresses` and the cluster's own names, a client certificate of `system:masters`.
    ///
    /// # Errors
    /// When the host has no randomness to give.
    pub(crate) fn generate(addresses: &[String]) -> Result<Self> {
        let ca_key = KeyPair::generate()?;
        let mut ca = CertificateParams::default();
        ca.distinguished_name.push(DnType::CommonName, "kubernetes");
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::DigitalSignature,
        ];
        let ca_certificate = ca.self_signed(&ca_key)?;
        let issuer = Issuer::new(ca, ca_key);

        let names = [
            "localhost",
            "127.0.0.1",
            "10.96.0.1",
            "kubernetes",
            "kubernetes.default",
            "kubernetes.default.svc",
            "kubernetes.default.svc.cluster.local",
        ];
        let server_key = KeyPair::generate()?;
        let mut names: Vec<String> = names.map(String::from).into();
        names.extend(addresses.iter().cloned());
        names.dedup();
        let mut server = CertificateParams::new(names)?;
        server
            .distinguished_name
            .push(DnType::CommonName, "kube-apiserver");
        server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let server = server.signed_by(&server_key, &issuer)?;

        let client_key = KeyPair::generate()?;
        let mut client = CertificateParams::default();
        client
            .distinguished_name
            .push(DnType::OrganizationName, "system:masters");
        client
            .distinguished_name
            .push(DnType::CommonName, "kubernetes-admin");
        client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let client = client.signed_by(&client_key, &issuer)?;

        Ok(Self {
            ca_pem: ca_certificate.pem(),
            ca: ca_certificate.der().clone(),
            server: server.der().clone(),
            server_key: server_key.serialize_der(),
            client_pem: client.pem(),
            client_key_pem: client_key.serialize_pem(),
        })
    }

    /// The authority's certificate.
    pub(crate) fn ca_pem(&self) -> &str {
        &self.ca_pem
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
        roots.add(self.ca.clone())?;
        let verifier = WebPkiClientVerifier::builder(Arc::new(roots))
            .allow_unauthenticated()
            .build()?;
        let key = PrivateKeyDer::try_from(self.server_key.clone())
            .map_err(|cause| anyhow::anyhow!("{cause}"))?;
        let mut config = ServerConfig::builder()
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![self.server.clone(), self.ca.clone()], key)?;
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
            STANDARD.encode(&self.ca_pem),
            STANDARD.encode(&self.client_pem),
            STANDARD.encode(&self.client_key_pem),
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
/// What a certificate is called by Kubernetes as the credential of a user: the digest of its bytes.
pub(super) fn id(certificate: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, certificate);
    let hex: String = digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("X509SHA256={hex}")
}
