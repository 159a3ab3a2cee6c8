//! Names, connections and deadlines over `std::net`. It speaks no HTTP.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::lookup::lookup;

/// How long a transfer may take, counted from its start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    pub(crate) start: Instant,
    pub(crate) whole: Option<Duration>,
    pub(crate) connect: Option<Duration>,
}

/// What is said of an IPv4 address where only IPv6 is wanted.
pub(crate) const WRONG_FAMILY: &str = "Couldn't connect to server";

/// How long connecting may take unless said otherwise.
const CONNECT: Duration = Duration::from_secs(300);

impl Deadline {
    pub(crate) fn elapsed_ms(&self) -> u128 {
        self.start.elapsed().as_millis()
    }

    /// What is left of the whole; `Err` when nothing is.
    pub(crate) fn left(&self) -> Result<Option<Duration>, ()> {
        match self.whole {
            None => Ok(None),
            Some(whole) => match whole.checked_sub(self.start.elapsed()) {
                Some(left) if !left.is_zero() => Ok(Some(left)),
                _ => Err(()),
            },
        }
    }

    /// What is left for connecting, which began then.
    fn left_to_connect(&self, begin: Instant) -> Result<Duration, ()> {
        let left = self.left()?;
        let own = self
            .connect
            .unwrap_or(CONNECT)
            .checked_sub(begin.elapsed())
            .filter(|left| !left.is_zero())
            .ok_or(())?;
        Ok(left.map_or(own, |left| left.min(own)))
    }
}

/// The addresses of a host, of one family.
///
/// # Errors
/// 6 when there is none, 28 when nobody has answered in time.
pub(crate) fn resolve(host: &str, ipv6: bool, deadline: &Deadline) -> Result<Vec<IpAddr>, Failure> {
    let unknown = || Failure::new(6, format!("Could not resolve host: {host}"));
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        return if ipv6 {
            Err(Failure::new(7, WRONG_FAMILY))
        } else {
            Ok(vec![address.into()])
        };
    }
    if let Ok(address) = host.parse::<Ipv6Addr>() {
        return Ok(vec![address.into()]);
    }
    if host.eq_ignore_ascii_case("localhost") || host.to_ascii_lowercase().ends_with(".localhost") {
        return Ok(vec![if ipv6 {
            Ipv6Addr::LOCALHOST.into()
        } else {
            Ipv4Addr::LOCALHOST.into()
        }]);
    }
    let late = || {
        let after = deadline.elapsed_ms();
        Failure::new(
            28,
            format!("Resolving timed out after {after} milliseconds"),
        )
    };
    let limit = deadline
        .left_to_connect(deadline.start)
        .map_err(|()| late())?;
    let found =
        lookup(host, limit).ok_or_else(|| match deadline.left_to_connect(deadline.start) {
            Ok(_) => unknown(),
            Err(()) => late(),
        })?;
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in found.into_iter().filter(|ip| ip.is_ipv6() == ipv6) {
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
///
/// # Errors
/// 7 when nobody answers, 28 when nobody does in time.
pub(crate) fn connect(
    name: &str,
    port: u16,
    addresses: &[IpAddr],
    deadline: &Deadline,
    say: &mut dyn FnMut(&str),
) -> Result<(TcpStream, SocketAddr), Failure> {
    let begin = Instant::now();
    let timed_out = || {
        let after = deadline.elapsed_ms();
        Failure::new(
            28,
            format!("Connection timed out after {after} milliseconds"),
        )
    };
    let mut late = false;
    for address in addresses {
        let remote = SocketAddr::new(*address, port);
        say(&format!("  Trying {remote}..."));
        let limit = deadline
            .left_to_connect(deadline.start)
            .map_err(|()| timed_out())?;
        match guest_kit::connect(&remote, limit) {
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
                let reason = words(&error);
                say(&format!(
                    "connect to {address} port {port} failed: {reason}"
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
