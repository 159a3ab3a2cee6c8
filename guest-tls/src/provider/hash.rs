//! Digests and keyed digests for the handshake.
//!
//! Never more than SHA-256 and SHA-384: the suites name no others.

use hmac::{Hmac, KeyInit, Mac};
use rustls::crypto::hash::{Context, Hash, HashAlgorithm, Output};
use rustls::crypto::hmac::{Hmac as HmacAlgorithm, Key, Tag};
use sha2::{Digest, Sha256, Sha384};

macro_rules! hash {
    ($digest:ident, $algorithm:ident, $hmac:ident, $size:literal) => {
        #[derive(Debug)]
        pub(super) struct $algorithm;
        pub(super) static $hmac: $algorithm = $algorithm;

        impl Hash for $algorithm {
            fn start(&self) -> Box<dyn Context> {
                Box::new(Running($digest::new()))
            }
            fn hash(&self, data: &[u8]) -> Output {
                Output::new(&$digest::digest(data))
            }
            fn output_len(&self) -> usize {
                $size
            }
            fn algorithm(&self) -> HashAlgorithm {
                HashAlgorithm::$algorithm
            }
        }

        impl Context for Running<$digest> {
            fn fork_finish(&self) -> Output {
                Output::new(&self.0.clone().finalize())
            }
            fn fork(&self) -> Box<dyn Context> {
                Box::new(Self(self.0.clone()))
            }
            fn finish(self: Box<Self>) -> Output {
                Output::new(&self.0.finalize())
            }
            fn update(&mut self, data: &[u8]) {
                Digest::update(&mut self.0, data);
            }
        }

        impl HmacAlgorithm for $algorithm {
            fn with_key(&self, key: &[u8]) -> Box<dyn Key> {
                let keyed = Hmac::<$digest>::new_from_slice(key);
                Box::new(Keyed(keyed.expect("HMAC takes keys of any length")))
            }
            fn hash_output_len(&self) -> usize {
                $size
            }
        }

        impl Key for Keyed<Hmac<$digest>> {
            fn sign_concat(&self, first: &[u8], middle: &[&[u8]], last: &[u8]) -> Tag {
                let mut running = self.0.clone();
                running.update(first);
                for part in middle {
                    running.update(part);
                }
                running.update(last);
                Tag::new(&running.finalize().into_bytes())
            }
            fn tag_len(&self) -> usize {
                $size
            }
        }
    };
}

struct Running<D>(D);
struct Keyed<M>(M);

hash!(Sha256, SHA256, HMAC_SHA256, 32);
hash!(Sha384, SHA384, HMAC_SHA384, 48);
