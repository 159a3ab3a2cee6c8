//! A connection: its bytes, plain or through TLS, within a deadline. It speaks no HTTP.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use guest_tls::client::Stream;

use crate::failure::Failure;
use crate::net::Deadline;
use crate::url::Scheme;

/// How much is read at a time.
const READ: usize = 64 * 1024;

/// What bytes travel in.
#[derive(Debug)]
pub(crate) enum Wire {
    Plain(TcpStream),
    Tls(Box<Stream<TcpStream>>),
}

impl Wire {
    pub(crate) fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => stream.get_ref(),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
            Self::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
        }
    }
}

/// What must be the same for a connection to serve another transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) scheme: Scheme,
    pub(crate) host: String,
    pub(crate) port: u16,
    /// Where it was really connected to: a proxy, or what `--connect-to` said.
    pub(crate) by: Option<(String, u16, bool)>,
    pub(crate) ipv6: bool,
    /// How TLS was asked for.
    pub(crate) tls: String,
}

/// A connection that may serve several transfers.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) wire: Wire,
    /// Its number in verbose output.
    pub(crate) number: usize,
    pub(crate) key: Key,
    /// What verbose output calls the other end.
    pub(crate) name: String,
    pub(crate) remote: SocketAddr,
    /// Bytes that arrived and were not yet taken.
    pub(crate) unread: Vec<u8>,
    pub(crate) used: bool,
    /// The server speaks HTTP 1.0.
    pub(crate) old: bool,
    /// The number of what OpenSSL thinks of the certificate.
    pub(crate) verify: i32,
}

/// Why nothing more comes from a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The time is over.
    Late,
    /// The other side reset the connection.
    Reset,
    /// TLS ended without its goodbye.
    Cut,
    /// Something else went wrong.
    Broken,
}

impl Link {
    /// Sends everything.
    pub(crate) fn send(&mut self, bytes: &[u8], deadline: &Deadline) -> Result<(), Stop> {
        let left = deadline.left().map_err(|()| Stop::Late)?;
        // Not every host can limit writing; reading is limited in any case.
        let _ = self.wire.tcp().set_write_timeout(left);
        self.wire.write(bytes).map_err(|error| stop(&error))
    }

    /// More bytes into `unread`, waiting no longer than the transfer may, or `tick` if that is shorter;
    /// how many there are now beyond the old ones, zero at the end. Nothing when only the tick is over.
    pub(crate) fn fill(
        &mut self,
        deadline: &Deadline,
        tick: Option<Duration>,
    ) -> Result<Option<usize>, Stop> {
        let left = deadline.left().map_err(|()| Stop::Late)?;
        let limit = match (left, tick) {
            (Some(left), Some(tick)) => Some(left.min(tick)),
            (left, tick) => left.or(tick),
        };
        let tcp = self.wire.tcp();
        tcp.set_read_timeout(limit.map(|limit| limit.max(Duration::from_millis(1))))
            .map_err(|_| Stop::Broken)?;
        let old = self.unread.len();
        self.unread.resize(old + READ, 0);
        let outcome = self.wire.read(&mut self.unread[old..]);
        self.unread.truncate(old + *outcome.as_ref().unwrap_or(&0));
        match outcome {
            Ok(0) if self.is_cut() => Err(Stop::Cut),
            Ok(count) => Ok(Some(count)),
            Err(error) => match stop(&error) {
                Stop::Late if deadline.left().is_ok() => Ok(None),
                other => Err(other),
            },
        }
    }

    fn is_cut(&self) -> bool {
        matches!(&self.wire, Wire::Tls(stream) if !stream.ended_properly())
    }

    /// Whether the other side has gone while nobody asked it anything.
    pub(crate) fn is_dead(&mut self) -> bool {
        if !self.unread.is_empty() || self.wire.tcp().set_nonblocking(true).is_err() {
            return true;
        }
        // Tickets of TLS may have come and are no answer; anything that can be read is.
        let outcome = self.wire.read(&mut [0]);
        let waits = matches!(&outcome, Err(error) if stop(error) == Stop::Late);
        !waits || self.wire.tcp().set_nonblocking(false).is_err()
    }
}

fn stop(error: &io::Error) -> Stop {
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => Stop::Late,
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted => {
            Stop::Reset
        }
        _ => Stop::Broken,
    }
}

/// What is said of it, when it happened while `doing` this.
pub(crate) fn failure(stop: Stop, doing: &str, timed_out: impl Fn() -> String) -> Failure {
    match stop {
        Stop::Late => Failure::new(28, timed_out()),
        Stop::Reset if doing == "Send failure" => Failure::new(55, "Send failure: Broken pipe"),
        Stop::Reset => Failure::new(56, format!("{doing}: Connection reset by peer")),
        Stop::Cut => Failure::new(
            56,
            "OpenSSL SSL_read: error:0A000126:SSL routines::unexpected eof while reading, errno 0",
        ),
        Stop::Broken => Failure::new(56, format!("{doing}: Input/output error")),
    }
}
