//! Key exchange over X25519 and P-256.
//!
//! Never reuses a secret.

use crate::chance;
use p256::elliptic_curve::sec1::ToSec1Point;
use rustls::crypto::{ActiveKeyExchange, SharedSecret, SupportedKxGroup};
use rustls::{Error, NamedGroup, PeerMisbehaved};

/// Both, the preferred one first.
pub(super) static ALL: [&dyn SupportedKxGroup; 2] = [&X25519, &P256];

#[derive(Debug)]
struct X25519;
#[derive(Debug)]
struct P256;

struct X25519Exchange {
    secret: x25519_dalek::StaticSecret,
    public: [u8; 32],
}

impl SupportedKxGroup for X25519 {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let secret = x25519_dalek::StaticSecret::from(chance::bytes::<32>());
        let public = x25519_dalek::PublicKey::from(&secret).to_bytes();
        Ok(Box::new(X25519Exchange { secret, public }))
    }
    fn name(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}

impl ActiveKeyExchange for X25519Exchange {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        let peer: [u8; 32] = peer.try_into().map_err(|_| bad_share())?;
        let shared = self.secret.diffie_hellman(&peer.into());
        // A point of small order gives zero whatever the secret is.
        if !shared.was_contributory() {
            return Err(bad_share());
        }
        Ok(shared.as_bytes()[..].into())
    }
    fn pub_key(&self) -> &[u8] {
        &self.public
    }
    fn group(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}

struct P256Exchange {
    secret: p256::SecretKey,
    public: Vec<u8>,
}

impl SupportedKxGroup for P256 {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        loop {
            // Numbers above the curve's order are drawn again.
            if let Ok(secret) = p256::SecretKey::from_slice(&chance::bytes::<32>()) {
                let public = secret.public_key().to_sec1_point(false).as_bytes().to_vec();
                return Ok(Box::new(P256Exchange { secret, public }));
            }
        }
    }
    fn name(&self) -> NamedGroup {
        NamedGroup::secp256r1
    }
}

impl ActiveKeyExchange for P256Exchange {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        // TLS 1.3 has uncompressed points only.
        if peer.first() != Some(&4) {
            return Err(bad_share());
        }
        let peer = p256::PublicKey::from_sec1_bytes(peer).map_err(|_| bad_share())?;
        let shared = p256::ecdh::diffie_hellman(self.secret.to_nonzero_scalar(), peer.as_affine());
        Ok(shared.raw_secret_bytes()[..].into())
    }
    fn pub_key(&self) -> &[u8] {
        &self.public
    }
    fn group(&self) -> NamedGroup {
        NamedGroup::secp256r1
    }
}

fn bad_share() -> Error {
    PeerMisbehaved::InvalidKeyShare.into()
}
