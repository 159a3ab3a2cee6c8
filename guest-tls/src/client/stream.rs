//! A connection as a stream.
//!
//! Never hides a missing goodbye: the end of the stream without `close_notify` is told apart by
//! [`Stream::ended_properly`].

use super::answering::Answering;
use super::judge::Judge;
use super::{TlsError, Verdict, Version};
use crate::cert::{Certificate, Name};
use rustls::{ClientConnection, NamedGroup, ProtocolVersion, SignatureScheme};
use std::io::{self, ErrorKind, Read, Write};

/// The two ends' connection, after the handshake.
#[derive(Debug)]
pub struct Stream<S> {
    connection: ClientConnection,
    inner: S,
    chain: Vec<Certificate>,
    verdict: Verdict,
    scheme: Option<SignatureScheme>,
    counts: (u64, u64),
    proper: bool,
    authorities: Option<Vec<Name>>,
}

impl<S: Read + Write> Stream<S> {
    pub(super) fn handshake(
        connection: ClientConnection,
        inner: S,
        judge: &Judge,
        answering: &Answering,
    ) -> Result<Self, TlsError> {
        let mut stream = Self {
            connection,
            inner,
            chain: Vec::new(),
            verdict: Ok(()),
            scheme: None,
            counts: (0, 0),
            proper: false,
            authorities: None,
        };
        let done = stream.shake();
        let seen = judge.seen();
        if let (Err(TlsError::Protocol(rustls::Error::InvalidCertificate(_))), Err(error)) =
            (&done, seen.verdict)
        {
            return Err(TlsError::Verify(error));
        }
        done?;
        stream.chain = seen.chain;
        stream.verdict = seen.verdict;
        stream.scheme = seen.scheme;
        stream.authorities = answering.authorities();
        Ok(stream)
    }

    fn shake(&mut self) -> Result<(), TlsError> {
        loop {
            self.send().map_err(TlsError::Io)?;
            if !self.connection.is_handshaking() {
                return Ok(());
            }
            let length = self.receive().map_err(TlsError::Io)?;
            if length == 0 {
                return Err(TlsError::Eof);
            }
            if let Err(error) = self.connection.process_new_packets() {
                // The alert is a courtesy; the peer may be gone.
                let _ = self.send();
                return Err(error.into());
            }
        }
    }

    fn send(&mut self) -> io::Result<()> {
        while self.connection.wants_write() {
            match self.connection.write_tls(&mut self.inner) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(length) => self.counts.1 += length as u64,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.inner.flush()
    }

    fn receive(&mut self) -> io::Result<usize> {
        loop {
            match self.connection.read_tls(&mut self.inner) {
                Ok(length) => {
                    self.counts.0 += length as u64;
                    return Ok(length);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Says goodbye; reading is still possible.
    ///
    /// # Errors
    /// The stream's.
    pub fn close_notify(&mut self) -> io::Result<()> {
        self.connection.send_close_notify();
        self.send()
    }
}

impl<S> Stream<S> {
    /// The authorities that the server named when it asked for a certificate; nothing when it did not ask.
    #[must_use]
    pub fn authorities(&self) -> Option<&[Name]> {
        self.authorities.as_deref()
    }

    /// The version spoken.
    #[must_use]
    pub fn version(&self) -> Version {
        match self.connection.protocol_version() {
            Some(ProtocolVersion::TLSv1_3) => Version::Tls13,
            _ => Version::Tls12,
        }
    }

    /// The suite's name as OpenSSL has it: `TLS_AES_256_GCM_SHA384`, `ECDHE-RSA-AES256-GCM-SHA384`.
    #[must_use]
    pub fn cipher(&self) -> String {
        let suite = self.connection.negotiated_cipher_suite();
        suite.map_or_else(String::new, |suite| cipher_name(suite.suite()))
    }

    /// The protocol agreed on.
    #[must_use]
    pub fn alpn(&self) -> Option<&[u8]> {
        self.connection.alpn_protocol()
    }

    /// What the server sent, its own certificate first.
    #[must_use]
    pub fn peer_certificates(&self) -> &[Certificate] {
        &self.chain
    }

    /// What the verifier said; an error only with [`super::Check::Nothing`].
    ///
    /// # Errors
    /// What was wrong with the chain.
    pub fn verdict(&self) -> Verdict {
        self.verdict
    }

    /// The group of the key exchange.
    #[must_use]
    pub fn group(&self) -> Option<NamedGroup> {
        self.connection
            .negotiated_key_exchange_group()
            .map(|group| group.name())
    }

    /// How the server signed the handshake.
    #[must_use]
    pub fn signature(&self) -> Option<SignatureScheme> {
        self.scheme
    }

    /// Bytes read and written so far, as they went over the stream.
    #[must_use]
    pub fn counts(&self) -> (u64, u64) {
        self.counts
    }

    /// Whether the peer said goodbye.
    #[must_use]
    pub fn ended_properly(&self) -> bool {
        self.proper
    }

    /// The stream underneath, to wait for it or to set it up.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Whether there may be decrypted bytes to read without asking the stream underneath.
    #[must_use]
    pub fn has_buffered(&self) -> bool {
        !self.connection.wants_read()
    }
}

/// OpenSSL's name of a suite.
fn cipher_name(suite: rustls::CipherSuite) -> String {
    let name = suite.as_str().unwrap_or_default();
    if let Some(rest) = name.strip_prefix("TLS13_") {
        return format!("TLS_{rest}");
    }
    let name = name.trim_start_matches("TLS_").replace("_WITH_", "_");
    let name = name
        .replace("AES_128", "AES128")
        .replace("AES_256", "AES256");
    let name = name.replace("_POLY1305_SHA256", "_POLY1305");
    name.replace('_', "-")
}

fn to_io(error: rustls::Error) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, TlsError::Protocol(error))
}

impl<S: Read + Write> Read for Stream<S> {
    /// Ends with zero bytes after the peer's goodbye, and at the end of the stream without one.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.connection.reader().read(buffer) {
                Ok(0) if !buffer.is_empty() => {
                    self.proper = true;
                    return Ok(0);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // The stream ended, and nobody said goodbye.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(0),
                other => return other,
            }
            // Answers to the peer's messages go first; they may not be written yet, if nobody
            // waits for the stream to take them.
            match self.send() {
                Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error),
                _ => {}
            }
            self.receive()?;
            if let Err(error) = self.connection.process_new_packets() {
                let _ = self.send();
                return Err(to_io(error));
            }
        }
    }
}

impl<S: Read + Write> Write for Stream<S> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let taken = self.connection.writer().write(buffer)?;
        match self.send() {
            // On a stream that does not block the rest goes with the next call.
            Err(error) if error.kind() == ErrorKind::WouldBlock && taken > 0 => Ok(taken),
            other => other.map(|()| taken),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.send()
    }
}
