//! A connection to talk over: bare, inside TLS, or in memory for tests. It knows nothing of HTTP.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::SocketAddrV4;
use std::rc::Rc;

use rustls::Connection;

use super::system::{Errno, Socket, Source};
use super::{now_ns, wait_for};

/// How much is read at a time.
const READ: usize = 16 * 1024;

/// What reading brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Got {
    /// So many bytes.
    Bytes(usize),
    /// The other side has finished.
    End,
    /// Nothing in time.
    Late,
    /// The connection is broken.
    Broken(Errno),
}

/// The connection is of no more use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// The other side took nothing in time.
    Late,
    /// It is broken.
    Broken(Errno),
}

/// A connection.
#[derive(Debug)]
pub enum Wire {
    /// Bare.
    Plain(Socket),
    /// Inside TLS.
    Tls(Box<Tls>),
    /// Bytes that are there already, and a place for those that are sent.
    Memory(Memory),
}

/// A connection inside TLS.
#[derive(Debug)]
pub struct Tls {
    /// What rustls knows.
    pub connection: Connection,
    socket: Socket,
    /// Sealed bytes that did not fit yet.
    waiting: Vec<u8>,
}

/// A connection in memory.
#[derive(Debug, Default)]
pub struct Memory {
    /// What the other side sends, in pieces.
    pub incoming: VecDeque<Vec<u8>>,
    /// What it got.
    pub outgoing: Rc<std::cell::RefCell<Vec<u8>>>,
}

impl Wire {
    /// A connection inside TLS; bytes that were read before belong to it.
    pub fn tls(socket: Socket, connection: Connection, before: &[u8]) -> Result<Self, Gone> {
        let mut tls = Tls {
            connection,
            socket,
            waiting: Vec::new(),
        };
        tls.unseal(before)?;
        Ok(Self::Tls(Box::new(tls)))
    }

    /// What has come, without waiting; nothing when none has.
    pub fn try_read(&mut self, into: &mut Vec<u8>) -> Option<Got> {
        let read = match self {
            Self::Plain(socket) => socket.read(into, READ),
            Self::Tls(tls) => return tls.try_read(into),
            Self::Memory(memory) => {
                let piece = memory.incoming.pop_front().unwrap_or_default();
                into.extend_from_slice(&piece);
                Ok(Some(piece.len()))
            }
        };
        match read {
            Ok(None) => None,
            Ok(Some(0)) => Some(Got::End),
            Ok(Some(count)) => Some(Got::Bytes(count)),
            Err(error) => Some(Got::Broken(error)),
        }
    }

    /// Appends the next bytes.
    pub async fn read(&mut self, into: &mut Vec<u8>, patience_ms: u64) -> Got {
        let mut until = None;
        loop {
            if let Some(got) = self.try_read(into) {
                return got;
            }
            let until = *until.get_or_insert_with(|| deadline(patience_ms));
            let Some(source) = self.readable() else {
                return Got::End;
            };
            if !wait_for(source, Some(until)).await {
                return Got::Late;
            }
        }
    }

    /// Ready when there may be something to read; nothing for what never waits.
    pub fn readable(&mut self) -> Option<Rc<Source>> {
        match self {
            Self::Plain(socket) => Some(socket.readable()),
            Self::Tls(tls) => Some(tls.socket.readable()),
            Self::Memory(_) => None,
        }
    }

    /// Writes everything; `patience_ms` is for each part that does not fit at once.
    pub async fn write(&mut self, bytes: &[u8], patience_ms: u64) -> Result<(), Gone> {
        match self {
            Self::Plain(socket) => write(socket, bytes, patience_ms).await,
            Self::Tls(tls) => tls.write(bytes, patience_ms).await,
            Self::Memory(memory) => {
                memory.outgoing.borrow_mut().extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    /// Says that no more will be written, once all is out.
    pub async fn finish(&mut self, patience_ms: u64) {
        let socket = match self {
            Self::Plain(socket) => socket,
            Self::Tls(tls) => {
                tls.connection.send_close_notify();
                // Whoever is gone needs no goodbye.
                let _ = tls.flush(patience_ms).await;
                &mut tls.socket
            }
            Self::Memory(_) => return,
        };
        if !socket.flushed() {
            wait_for(socket.writable(), Some(deadline(patience_ms))).await;
        }
        socket.finish();
    }

    /// Its own address and the other side's.
    pub fn addresses(&self) -> Option<(SocketAddrV4, SocketAddrV4)> {
        match self {
            Self::Plain(socket) => Some((socket.local(), socket.remote())),
            Self::Tls(tls) => Some((tls.socket.local(), tls.socket.remote())),
            Self::Memory(_) => None,
        }
    }
}

fn deadline(patience_ms: u64) -> u64 {
    now_ns().saturating_add(patience_ms.saturating_mul(1_000_000))
}

async fn write(socket: &mut Socket, mut bytes: &[u8], patience_ms: u64) -> Result<(), Gone> {
    while !bytes.is_empty() {
        let count = socket.write(bytes).map_err(Gone::Broken)?;
        bytes = &bytes[count..];
        if count == 0 && !wait_for(socket.writable(), Some(deadline(patience_ms))).await {
            return Err(Gone::Late);
        }
    }
    Ok(())
}

const PROTOCOL: Errno = (71, "Protocol error");

impl Tls {
    /// Opens what came; alerts about nonsense are queued for the other side.
    fn unseal(&mut self, mut bytes: &[u8]) -> Result<(), Gone> {
        while !bytes.is_empty() {
            let taken = self.connection.read_tls(&mut bytes);
            if taken.is_err() || self.connection.process_new_packets().is_err() {
                self.seal();
                let waiting = std::mem::take(&mut self.waiting);
                let _ = self.socket.write(&waiting);
                return Err(Gone::Broken(PROTOCOL));
            }
        }
        Ok(())
    }

    fn seal(&mut self) {
        while self.connection.wants_write() {
            // Writing to memory cannot fail.
            if self.connection.write_tls(&mut self.waiting).is_err() {
                break;
            }
        }
    }

    fn try_read(&mut self, into: &mut Vec<u8>) -> Option<Got> {
        let mut sealed = Vec::new();
        loop {
            let start = into.len();
            into.resize(start + READ, 0);
            let opened = self.connection.reader().read(&mut into[start..]);
            into.truncate(start + opened.as_ref().copied().unwrap_or(0));
            match opened {
                Ok(0) => return Some(Got::End),
                Ok(count) => return Some(Got::Bytes(count)),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return Some(Got::End),
            }
            self.seal();
            if !self.waiting.is_empty() {
                match self.socket.write(&self.waiting) {
                    Ok(count) => drop(self.waiting.drain(..count)),
                    Err(error) => return Some(Got::Broken(error)),
                }
            }
            sealed.clear();
            match self.socket.read(&mut sealed, READ) {
                Ok(None) => return None,
                Ok(Some(0)) => return Some(Got::End),
                Ok(Some(_)) => {
                    if self.unseal(&sealed).is_err() {
                        return Some(Got::Broken(PROTOCOL));
                    }
                }
                Err(error) => return Some(Got::Broken(error)),
            }
        }
    }

    async fn flush(&mut self, patience_ms: u64) -> Result<(), Gone> {
        self.seal();
        let waiting = std::mem::take(&mut self.waiting);
        write(&mut self.socket, &waiting, patience_ms).await
    }

    async fn write(&mut self, mut bytes: &[u8], patience_ms: u64) -> Result<(), Gone> {
        while !bytes.is_empty() {
            let taken = self.connection.writer().write(bytes).unwrap_or(0);
            bytes = &bytes[taken..];
            self.flush(patience_ms).await?;
            if taken == 0 && self.connection.is_handshaking() {
                self.shake(patience_ms).await?;
            }
        }
        Ok(())
    }

    /// Goes on with the handshake until it is done.
    pub async fn shake(&mut self, patience_ms: u64) -> Result<(), Gone> {
        let until = deadline(patience_ms);
        let mut sealed = Vec::new();
        loop {
            self.flush(patience_ms).await?;
            if !self.connection.is_handshaking() {
                return Ok(());
            }
            sealed.clear();
            match self.socket.read(&mut sealed, READ) {
                Ok(None) => {
                    if !wait_for(self.socket.readable(), Some(until)).await {
                        return Err(Gone::Late);
                    }
                }
                Ok(Some(0)) => return Err(Gone::Broken((104, "Connection reset by peer"))),
                Ok(Some(_)) => self.unseal(&sealed)?,
                Err(error) => return Err(Gone::Broken(error)),
            }
        }
    }
}
