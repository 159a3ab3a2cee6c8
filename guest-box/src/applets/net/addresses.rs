//! Names to addresses, and how addresses are written. Never asks a server itself: the system's
//! resolver does.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, ToSocketAddrs};

use super::super::{Io, Stop};

/// The IPv4 address of a name or of an address in words; the applet fails without one.
pub(super) fn address(io: &mut Io<'_>, host: &str) -> Result<Ipv4Addr, Stop> {
    endpoint(io, host, 0).map(|found| *found.ip())
}

/// The same with a port.
pub(super) fn endpoint(io: &mut Io<'_>, host: &str, port: u16) -> Result<SocketAddrV4, Stop> {
    if let Ok(address) = host.parse() {
        return Ok(SocketAddrV4::new(address, port));
    }
    let found = (host, port).to_socket_addrs().ok().and_then(|mut found| {
        found.find_map(|address| match address {
            SocketAddr::V4(address) => Some(address),
            SocketAddr::V6(_) => None,
        })
    });
    found.ok_or_else(|| io.fail(&format!("bad address '{host}'")))
}

/// The mask of a prefix of this length.
pub(super) fn mask(prefix: u8) -> Ipv4Addr {
    let bits = u32::MAX.checked_shl(32 - u32::from(prefix.min(32)));
    Ipv4Addr::from_bits(bits.unwrap_or(0))
}

/// The broadcast address of an address and its prefix.
pub(super) fn broadcast(address: Ipv4Addr, prefix: u8) -> Ipv4Addr {
    Ipv4Addr::from_bits(address.to_bits() | !mask(prefix).to_bits())
}

/// A hardware address, in small letters.
pub(super) fn mac(mac: [u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}

/// A number that an option needs, in the words busybox refuses others with.
pub(super) fn number<T: std::str::FromStr>(io: &mut Io<'_>, text: &str) -> Result<T, Stop> {
    text.parse()
        .map_err(|_| io.fail(&format!("invalid number '{text}'")))
}

/// Well-known services by port, as `/etc/services` names those of this lab.
pub(super) fn service(port: u16) -> Option<&'static str> {
    Some(match port {
        22 => "ssh",
        53 => "domain",
        80 => "http",
        443 => "https",
        3306 => "mysql",
        5432 => "postgresql",
        6379 => "redis",
        8080 => "http-alt",
        _ => return None,
    })
}
