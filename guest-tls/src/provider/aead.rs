//! Record protection, one description for TLS 1.2 and 1.3.
//!
//! Never hands keys out: there is no kernel to offload to.

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use chacha20poly1305::ChaCha20Poly1305;
use rustls::crypto::cipher::{
    AeadKey, InboundOpaqueMessage, InboundPlainMessage, Iv, KeyBlockShape, MessageDecrypter,
    MessageEncrypter, Nonce, OutboundOpaqueMessage, OutboundPlainMessage, PrefixedPayload,
    Tls12AeadAlgorithm, Tls13AeadAlgorithm, UnsupportedOperationError, make_tls12_aad,
    make_tls13_aad,
};
use rustls::{ConnectionTrafficSecrets, ContentType, Error, ProtocolVersion};

/// All three have tags and nonces of these lengths.
const TAG: usize = 16;
const NONCE: usize = 12;

/// One cipher. `explicit` is how much of the nonce TLS 1.2 sends with each record.
#[derive(Debug)]
pub(super) struct Algorithm {
    key: usize,
    explicit: usize,
    make: fn(&[u8]) -> Cipher,
}

pub(super) static AES_128_GCM: Algorithm = Algorithm {
    key: 16,
    explicit: 8,
    make: |key| Cipher::Aes128(Box::new(Aes128Gcm::new_from_slice(key).expect(LENGTH))),
};
pub(super) static AES_256_GCM: Algorithm = Algorithm {
    key: 32,
    explicit: 8,
    make: |key| Cipher::Aes256(Box::new(Aes256Gcm::new_from_slice(key).expect(LENGTH))),
};
pub(super) static CHACHA20_POLY1305: Algorithm = Algorithm {
    key: 32,
    explicit: 0,
    make: |key| Cipher::ChaCha(ChaCha20Poly1305::new_from_slice(key).expect(LENGTH)),
};
const LENGTH: &str = "rustls cuts keys as long as key_len says";

enum Cipher {
    Aes128(Box<Aes128Gcm>),
    Aes256(Box<Aes256Gcm>),
    ChaCha(ChaCha20Poly1305),
}

impl Cipher {
    fn seal(&self, nonce: [u8; NONCE], aad: &[u8], text: &mut [u8]) -> Result<[u8; TAG], Error> {
        let nonce = &nonce.into();
        match self {
            Self::Aes128(cipher) => cipher.encrypt_inout_detached(nonce, aad, text.into()),
            Self::Aes256(cipher) => cipher.encrypt_inout_detached(nonce, aad, text.into()),
            Self::ChaCha(cipher) => cipher.encrypt_inout_detached(nonce, aad, text.into()),
        }
        .map(Into::into)
        .map_err(|_| Error::EncryptError)
    }

    fn open(
        &self,
        nonce: [u8; NONCE],
        aad: &[u8],
        text: &mut [u8],
        tag: [u8; TAG],
    ) -> Result<(), Error> {
        let (nonce, tag) = (&nonce.into(), &tag.into());
        match self {
            Self::Aes128(cipher) => cipher.decrypt_inout_detached(nonce, aad, text.into(), tag),
            Self::Aes256(cipher) => cipher.decrypt_inout_detached(nonce, aad, text.into(), tag),
            Self::ChaCha(cipher) => cipher.decrypt_inout_detached(nonce, aad, text.into(), tag),
        }
        .map_err(|_| Error::DecryptError)
    }
}

impl Tls13AeadAlgorithm for Algorithm {
    fn encrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageEncrypter> {
        Box::new(Tls13((self.make)(key.as_ref()), iv))
    }
    fn decrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageDecrypter> {
        Box::new(Tls13((self.make)(key.as_ref()), iv))
    }
    fn key_len(&self) -> usize {
        self.key
    }
    fn extract_keys(
        &self,
        _: AeadKey,
        _: Iv,
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        Err(UnsupportedOperationError)
    }
}

struct Tls13(Cipher, Iv);

impl MessageEncrypter for Tls13 {
    fn encrypt(
        &mut self,
        message: OutboundPlainMessage<'_>,
        sequence: u64,
    ) -> Result<OutboundOpaqueMessage, Error> {
        let length = self.encrypted_payload_len(message.payload.len());
        let mut payload = PrefixedPayload::with_capacity(length);
        payload.extend_from_chunks(&message.payload);
        payload.extend_from_slice(&message.typ.to_array());
        let nonce = Nonce::new(&self.1, sequence).0;
        let tag = self
            .0
            .seal(nonce, &make_tls13_aad(length), payload.as_mut())?;
        payload.extend_from_slice(&tag);
        Ok(OutboundOpaqueMessage::new(
            ContentType::ApplicationData,
            ProtocolVersion::TLSv1_2,
            payload,
        ))
    }
    fn encrypted_payload_len(&self, length: usize) -> usize {
        length + 1 + TAG
    }
}

impl MessageDecrypter for Tls13 {
    fn decrypt<'a>(
        &mut self,
        mut message: InboundOpaqueMessage<'a>,
        sequence: u64,
    ) -> Result<InboundPlainMessage<'a>, Error> {
        let nonce = Nonce::new(&self.1, sequence).0;
        let payload = &mut message.payload;
        let aad = make_tls13_aad(payload.len());
        let (text, tag) = payload
            .split_last_chunk_mut::<TAG>()
            .ok_or(Error::DecryptError)?;
        self.0.open(nonce, &aad, text, *tag)?;
        let length = text.len();
        payload.truncate(length);
        message.into_tls13_unpadded_message()
    }
}

impl Tls12AeadAlgorithm for Algorithm {
    fn encrypter(&self, key: AeadKey, iv: &[u8], extra: &[u8]) -> Box<dyn MessageEncrypter> {
        // The implicit part and the first explicit one, which together start the count.
        let mut start = [0; NONCE];
        start[..iv.len()].copy_from_slice(iv);
        start[NONCE - self.explicit..].copy_from_slice(&extra[..self.explicit]);
        Box::new(Tls12 {
            cipher: (self.make)(key.as_ref()),
            iv: Iv::new(start),
            explicit: self.explicit,
        })
    }
    fn decrypter(&self, key: AeadKey, iv: &[u8]) -> Box<dyn MessageDecrypter> {
        let mut start = [0; NONCE];
        start[..iv.len()].copy_from_slice(iv);
        Box::new(Tls12 {
            cipher: (self.make)(key.as_ref()),
            iv: Iv::new(start),
            explicit: self.explicit,
        })
    }
    fn key_block_shape(&self) -> KeyBlockShape {
        KeyBlockShape {
            enc_key_len: self.key,
            fixed_iv_len: NONCE - self.explicit,
            explicit_nonce_len: self.explicit,
        }
    }
    fn extract_keys(
        &self,
        _: AeadKey,
        _: &[u8],
        _: &[u8],
    ) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        Err(UnsupportedOperationError)
    }
}

struct Tls12 {
    cipher: Cipher,
    iv: Iv,
    explicit: usize,
}

impl MessageEncrypter for Tls12 {
    fn encrypt(
        &mut self,
        message: OutboundPlainMessage<'_>,
        sequence: u64,
    ) -> Result<OutboundOpaqueMessage, Error> {
        let length = message.payload.len();
        let mut payload = PrefixedPayload::with_capacity(self.encrypted_payload_len(length));
        let nonce = Nonce::new(&self.iv, sequence).0;
        payload.extend_from_slice(&nonce[NONCE - self.explicit..]);
        payload.extend_from_chunks(&message.payload);
        let aad = make_tls12_aad(sequence, message.typ, message.version, length);
        let text = &mut payload.as_mut()[self.explicit..];
        let tag = self.cipher.seal(nonce, &aad, text)?;
        payload.extend_from_slice(&tag);
        Ok(OutboundOpaqueMessage::new(
            message.typ,
            message.version,
            payload,
        ))
    }
    fn encrypted_payload_len(&self, length: usize) -> usize {
        self.explicit + length + TAG
    }
}

impl MessageDecrypter for Tls12 {
    fn decrypt<'a>(
        &mut self,
        message: InboundOpaqueMessage<'a>,
        sequence: u64,
    ) -> Result<InboundPlainMessage<'a>, Error> {
        let mut message = message;
        let (kind, version) = (message.typ, message.version);
        let payload = &mut message.payload;
        let length = payload
            .len()
            .checked_sub(self.explicit + TAG)
            .ok_or(Error::DecryptError)?;
        let mut nonce = Nonce::new(&self.iv, sequence).0;
        nonce[NONCE - self.explicit..].copy_from_slice(&payload[..self.explicit]);
        let aad = make_tls12_aad(sequence, kind, version, length);
        let (text, tag) = payload[self.explicit..]
            .split_last_chunk_mut::<TAG>()
            .ok_or(Error::DecryptError)?;
        self.cipher.open(nonce, &aad, text, *tag)?;
        payload.rotate_left(self.explicit);
        payload.truncate(length);
        Ok(message.into_plain_message())
    }
}
