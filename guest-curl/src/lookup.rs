//! Names to addresses, with a limit of time where the system lets one wait for two things.
//! It knows no family and no cache.

use std::net::IpAddr;
use std::time::Duration;

/// All addresses of a name; nothing when it has none or when the time is over.
#[cfg(target_family = "wasm")]
pub(crate) fn lookup(host: &str, limit: Duration) -> Option<Vec<IpAddr>> {
    use wasip2::clocks::monotonic_clock;
    use wasip2::io::poll::poll;
    use wasip2::sockets::instance_network::instance_network;
    use wasip2::sockets::ip_name_lookup::resolve_addresses;
    use wasip2::sockets::network::{ErrorCode, IpAddress};

    let network = instance_network();
    let names = resolve_addresses(&network, host).ok()?;
    let answer = names.subscribe();
    let limit = limit.as_nanos().try_into().unwrap_or(u64::MAX);
    let timer = monotonic_clock::subscribe_duration(limit);
    let mut found = Vec::new();
    loop {
        match names.resolve_next_address() {
            Ok(Some(IpAddress::Ipv4((a, b, c, d)))) => found.push(IpAddr::from([a, b, c, d])),
            Ok(Some(IpAddress::Ipv6((a, b, c, d, e, f, g, h)))) => {
                found.push(IpAddr::from([a, b, c, d, e, f, g, h]));
            }
            Ok(None) => return (!found.is_empty()).then_some(found),
            Err(ErrorCode::WouldBlock) => {
                if poll(&[&answer, &timer]) == [1] {
                    return None;
                }
            }
            Err(_) => return None,
        }
    }
}

/// All addresses of a name; the author's system knows its own limit.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn lookup(host: &str, _limit: Duration) -> Option<Vec<IpAddr>> {
    use std::net::ToSocketAddrs;
    let found: Vec<IpAddr> = (host, 0).to_socket_addrs().ok()?.map(|s| s.ip()).collect();
    (!found.is_empty()).then_some(found)
}
