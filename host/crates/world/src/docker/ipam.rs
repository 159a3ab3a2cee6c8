//! Addresses of container networks: the next free range, the next free address in it.
//! Never remembers what it gave: the engine's networks and containers say what is taken.

use std::net::Ipv4Addr;
use vnet::Cidr;

/// Whether two ranges have an address in common.
pub(super) fn overlap(one: Cidr, other: Cidr) -> bool {
    one.contains(other.network()) || other.contains(one.network())
}

/// The first of dockerd's own ranges (172.17/16 to 172.31/16, then 192.168 in steps of a /20)
/// that overlaps none of `taken`.
pub(super) fn next_range(taken: &[Cidr]) -> Option<Cidr> {
    let large = (17..32).map(|second| Cidr::new(Ipv4Addr::new(172, second, 0, 0), 16));
    let small = (0..16).map(|third| Cidr::new(Ipv4Addr::new(192, 168, third * 16, 0), 20));
    large
        .chain(small)
        .find(|range| !taken.iter().any(|other| overlap(*range, *other)))
}

/// The lowest address of `range` that is neither its network's, its broadcast's nor in `taken`.
pub(super) fn next_address(range: Cidr, taken: &[Ipv4Addr]) -> Option<Ipv4Addr> {
    let size = 1_u64 << (32 - range.prefix_len());
    let last = u32::try_from(size.saturating_sub(1)).unwrap_or(u32::MAX);
    (1..last)
        .map(|n| range.nth(n))
        .find(|addr| !taken.contains(addr))
}
