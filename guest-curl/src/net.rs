//! Names, connections and deadlines over `std::net`. It speaks no HTTP.

use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use crate::failure::Failure;

/// How much is read at a time, as in curl.
const READ: usize = 16 * 1024;

/// A connection that may serve several transfers.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) stream: TcpStream,
    /// Its number in verbose output.
    pub(crate) number: usize,
    /// Host and port it was opened for.
    pub(crate) key: (String, u16),
    pub(crate) remote: SocketAddr,
    /// Bytes that arrived and were not yet taken.
    pub(crate) unread: Vec<u8>,
    pub(crate) used: bool,
}

/// How long a transfer may take, counted from its start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    pub(crate) start: Instant,
    pub(crate) whole: Option<Duration>,
    pub(crate) connect: Option<Duration>,
}

impl Deadline {
    pub(crate) fn elapsed_ms(&self) -> u128 {
        self.start.elapsed().as_millis()
    }

    /// What is left of the whole; `Err` when nothing is.
    fn left(&self) -> Result<Option<Duration>, ()> {
        match self.whole {
            None => Ok(None),
            Some(whole) => match whole.checked_sub(self.start.elapsed()) {
                Some(left) if !left.is_zero() => Ok(Some(left)),
                _ => Err(()),
            },
        }
    }
}

/// Why nothing more comes from a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The time is over.
    Late,
    /// The other side reset the connection.
    Reset,
    /// Something else went wrong.
    Broken,
}

/// The IPv4 addresses of a host.
pub(crate) fn resolve(host: &str, deadline: &Deadline) -> Result<Vec<IpAddr>, Failure> {
    let unknown = || Failure::new(6, format!("Could not resolve host: {host}"));
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        return Ok(vec![address.into()]);
    }
    if let Ok(address) = host.parse() {
        return Ok(vec![IpAddr::V6(address)]);
    }
    let found = (host, 0).to_socket_addrs().map_err(|_| unknown());
    if deadline.left().is_err() {
        return Err(Failure::new(
            28,
            format!(
                "Resolving timed out after {} milliseconds",
                deadline.elapsed_ms()
            ),
        ));
    }
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in found?.map(|socket| socket.ip()).filter(IpAddr::is_ipv4) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() {
        Err(unknown())
    } else {
        Ok(addresses)
    }
}

/// Connects to the first of the addresses that answers; `say` hears what verbose output tells.
pub(crate) fn connect(
    name: &str,
    port: u16,
    addresses: &[IpAddr],
    deadline: &Deadline,
    say: &mut dyn FnMut(&str),
) -> Result<(TcpStream, SocketAddr), Failure> {
    let begin = Instant::now();
    let mut late = false;
    for address in addresses {
        let remote = SocketAddr::new(*address, port);
        say(&format!("  Trying {remote}..."));
        let timed_out = || {
            Failure::new(
                28,
                format!(
                    "Connection timed out after {} milliseconds",
                    deadline.elapsed_ms()
                ),
            )
        };
        let left = deadline.left().map_err(|()| timed_out())?;
        let own = deadline.connect.map(|limit| {
            limit
                .saturating_sub(begin.elapsed())
                .max(Duration::from_millis(1))
        });
        let limit = match (left, own) {
            (Some(left), Some(own)) => Some(left.min(own)),
            (left, own) => left.or(own),
        };
        let outcome = match limit {
            Some(limit) => TcpStream::connect_timeout(&remote, limit),
            None => TcpStream::connect(remote),
        };
        match outcome {
            Ok(stream) => {
                // Small requests leave at once; a host that has no such switch does not wait anyway.
                let _ = stream.set_nodelay(true);
                return Ok((stream, remote));
            }
            Err(error) if error.kind() == ErrorKind::TimedOut => {
                if deadline.left().is_err() {
                    return Err(timed_out());
                }
                late = true;
                match deadline.connect {
                    Some(limit) => say(&format!(
                        "ipv4 connect timeout after {}ms, move on!",
                        limit.as_millis()
                    )),
                    None => say(&format!(
                        "connect to {address} port {port} failed: Connection timed out"
                    )),
                }
            }
            Err(error) => {
                late = false;
                say(&format!(
                    "connect to {address} port {port} failed: {}",
                    words(&error)
                ));
            }
        }
    }
    let after = begin.elapsed().as_millis();
    let (code, reason) = match (late, deadline.connect) {
        (true, Some(_)) => (28, "Timeout was reached"),
        (true, None) => (28, "Couldn't connect to server"),
        (false, _) => (7, "Couldn't connect to server"),
    };
    Err(Failure::new(
        code,
        format!("Failed to connect to {name} port {port} after {after} ms: {reason}"),
    ))
}

fn words(error: &std::io::Error) -> &'static str {
    match error.kind() {
        ErrorKind::ConnectionRefused => "Connection refused",
        ErrorKind::ConnectionReset => "Connection reset by peer",
        ErrorKind::HostUnreachable => "No route to host",
        ErrorKind::NetworkUnreachable => "Network is unreachable",
        ErrorKind::AddrNotAvailable => "Cannot assign requested address",
        ErrorKind::PermissionDenied => "Permission denied",
        _ => "Input/output error",
    }
}

impl Link {
    /// Sends everything.
    pub(crate) fn send(&mut self, bytes: &[u8], deadline: &Deadline) -> Result<(), Stop> {
        let left = deadline.left().map_err(|()| Stop::Late)?;
        // Not every host can limit writing; reading is limited in any case.
        let _ = self.stream.set_write_timeout(left);
        self.stream
            .write_all(bytes)
            .and_then(|()| self.stream.flush())
            .map_err(|error| stop(&error))
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
        self.stream
            .set_read_timeout(limit)
            .map_err(|_| Stop::Broken)?;
        let old = self.unread.len();
        self.unread.resize(old + READ, 0);
        let outcome = self.stream.read(&mut self.unread[old..]);
        self.unread.truncate(old + *outcome.as_ref().unwrap_or(&0));
        match outcome {
            Ok(count) => Ok(Some(count)),
            Err(error) => match stop(&error) {
                Stop::Late if deadline.left().is_ok() => Ok(None),
                other => Err(other),
            },
        }
    }
}

fn stop(error: &std::io::Error) -> Stop {
    match error.kind() {
        ErrorKind::TimedOut | ErrorKind::WouldBlock => Stop::Late,
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted => {
            Stop::Reset
        }
        _ => Stop::Broken,
    }
}
