//! Ports of the host that lead to containers: what was asked for, what was given.
//! Never opens one.

use std::net::Ipv4Addr;
use vnet::Proto;

/// The ports that dockerd gives when none is asked for: Linux's own range.
const DYNAMIC: std::ops::RangeInclusive<u16> = 32_768..=60_999;

/// A port of a container that should be reachable from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PortAsk {
    /// The protocol.
    pub proto: Proto,
    /// The container's port.
    pub container: u16,
    /// The host's address; unspecified means all.
    pub addr: Ipv4Addr,
    /// The host's port; `None` takes a free one.
    pub host: Option<u16>,
}

/// A port of the host that leads to a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Binding {
    /// The protocol.
    pub proto: Proto,
    /// The container's port.
    pub container: u16,
    /// The host's address; unspecified means all.
    pub addr: Ipv4Addr,
    /// The host's port.
    pub host: u16,
}

impl Binding {
    fn clashes(&self, proto: Proto, addr: Ipv4Addr, port: u16) -> bool {
        let same_addr = self.addr == addr || self.addr.is_unspecified() || addr.is_unspecified();
        self.proto == proto && self.host == port && same_addr
    }
}

/// Gives every port of `asks`, or says which one is not free.
pub(super) fn allocate(
    asks: &[PortAsk],
    taken: &[Binding],
    next: &mut u16,
) -> Result<Vec<Binding>, String> {
    let mut given: Vec<Binding> = Vec::new();
    for ask in asks {
        let free = |port: u16, given: &[Binding]| {
            let mut all = taken.iter().chain(given);
            !all.any(|binding| binding.clashes(ask.proto, ask.addr, port))
        };
        let host = match ask.host {
            Some(port) if free(port, &given) => port,
            Some(port) => {
                return Err(format!(
                    "Bind for {}:{port} failed: port is already allocated",
                    ask.addr
                ));
            }
            None => dynamic(next, |port| free(port, &given))
                .ok_or("all ports are allocated".to_owned())?,
        };
        given.push(Binding {
            proto: ask.proto,
            container: ask.container,
            addr: ask.addr,
            host,
        });
    }
    Ok(given)
}

fn dynamic(next: &mut u16, free: impl Fn(u16) -> bool) -> Option<u16> {
    for _ in DYNAMIC {
        let port = if DYNAMIC.contains(next) {
            *next
        } else {
            *DYNAMIC.start()
        };
        *next = port.wrapping_add(1);
        if free(port) {
            return Some(port);
        }
    }
    None
}
