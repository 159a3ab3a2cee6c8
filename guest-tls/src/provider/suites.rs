//! The cipher suites, in the order in which OpenSSL 3.0 prefers them.
//!
//! Never one without forward secrecy.

use super::aead::{AES_128_GCM, AES_256_GCM, CHACHA20_POLY1305};
use super::hash::{HMAC_SHA256, HMAC_SHA384, SHA256, SHA384};
use rustls::crypto::tls12::PrfUsingHmac;
use rustls::crypto::tls13::HkdfUsingHmac;
use rustls::crypto::{CipherSuiteCommon, KeyExchangeAlgorithm};
use rustls::{
    CipherSuite, SignatureScheme, SupportedCipherSuite, Tls12CipherSuite, Tls13CipherSuite,
};

/// All of them.
pub(super) const ALL: [SupportedCipherSuite; 9] = [
    SupportedCipherSuite::Tls13(&AES_256_13),
    SupportedCipherSuite::Tls13(&CHACHA_13),
    SupportedCipherSuite::Tls13(&AES_128_13),
    SupportedCipherSuite::Tls12(&ECDSA_AES_256),
    SupportedCipherSuite::Tls12(&RSA_AES_256),
    SupportedCipherSuite::Tls12(&ECDSA_CHACHA),
    SupportedCipherSuite::Tls12(&RSA_CHACHA),
    SupportedCipherSuite::Tls12(&ECDSA_AES_128),
    SupportedCipherSuite::Tls12(&RSA_AES_128),
];

const RSA: &[SignatureScheme] = &[
    SignatureScheme::RSA_PSS_SHA256,
    SignatureScheme::RSA_PSS_SHA384,
    SignatureScheme::RSA_PSS_SHA512,
    SignatureScheme::RSA_PKCS1_SHA256,
    SignatureScheme::RSA_PKCS1_SHA384,
    SignatureScheme::RSA_PKCS1_SHA512,
];
const ECDSA: &[SignatureScheme] = &[SignatureScheme::ECDSA_NISTP256_SHA256];

/// How many records may pass under one key (RFC 8446 5.5).
const AES_RECORDS: u64 = 1 << 24;

macro_rules! tls13 {
    ($name:ident, $suite:ident, $hash:ident, $hmac:ident, $aead:ident, $records:expr) => {
        static $name: Tls13CipherSuite = Tls13CipherSuite {
            common: CipherSuiteCommon {
                suite: CipherSuite::$suite,
                hash_provider: &$hash,
                confidentiality_limit: $records,
            },
            hkdf_provider: &HkdfUsingHmac(&$hmac),
            aead_alg: &$aead,
            quic: None,
        };
    };
}

macro_rules! tls12 {
    ($name:ident, $suite:ident, $hash:ident, $hmac:ident, $aead:ident, $sign:ident, $records:expr) => {
        static $name: Tls12CipherSuite = Tls12CipherSuite {
            common: CipherSuiteCommon {
                suite: CipherSuite::$suite,
                hash_provider: &$hash,
                confidentiality_limit: $records,
            },
            prf_provider: &PrfUsingHmac(&$hmac),
            kx: KeyExchangeAlgorithm::ECDHE,
            sign: $sign,
            aead_alg: &$aead,
        };
    };
}

tls13!(
    AES_256_13,
    TLS13_AES_256_GCM_SHA384,
    SHA384,
    HMAC_SHA384,
    AES_256_GCM,
    AES_RECORDS
);
tls13!(
    AES_128_13,
    TLS13_AES_128_GCM_SHA256,
    SHA256,
    HMAC_SHA256,
    AES_128_GCM,
    AES_RECORDS
);
tls13!(
    CHACHA_13,
    TLS13_CHACHA20_POLY1305_SHA256,
    SHA256,
    HMAC_SHA256,
    CHACHA20_POLY1305,
    u64::MAX
);
tls12!(
    ECDSA_AES_256,
    TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
    SHA384,
    HMAC_SHA384,
    AES_256_GCM,
    ECDSA,
    AES_RECORDS
);
tls12!(
    RSA_AES_256,
    TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
    SHA384,
    HMAC_SHA384,
    AES_256_GCM,
    RSA,
    AES_RECORDS
);
tls12!(
    ECDSA_CHACHA,
    TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
    SHA256,
    HMAC_SHA256,
    CHACHA20_POLY1305,
    ECDSA,
    u64::MAX
);
tls12!(
    RSA_CHACHA,
    TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    SHA256,
    HMAC_SHA256,
    CHACHA20_POLY1305,
    RSA,
    u64::MAX
);
tls12!(
    ECDSA_AES_128,
    TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
    SHA256,
    HMAC_SHA256,
    AES_128_GCM,
    ECDSA,
    AES_RECORDS
);
tls12!(
    RSA_AES_128,
    TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
    SHA256,
    HMAC_SHA256,
    AES_128_GCM,
    RSA,
    AES_RECORDS
);
