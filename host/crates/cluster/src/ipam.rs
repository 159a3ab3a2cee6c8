//! Which address a pod gets: the next of its node's range, and not soon one that was just used.
//!
//! Never hands out the network, the bridge (`.1`) or the broadcast address.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// The pod addresses of one node.
#[derive(Clone, Debug)]
pub struct PodRange {
    network: u32,
    size: u32,
    cursor: u32,
    used: BTreeSet<u32>,
}

impl PodRange {
    /// The range of `network/prefix`; the first address belongs to the node's bridge.
    #[must_use]
    pub fn new(network: Ipv4Addr, prefix: u8) -> Self {
        let size = 1_u32 << (32 - u32::from(prefix.clamp(8, 30)));
        let network = u32::from(network) & !(size - 1);
        Self {
            network,
            size,
            cursor: 1,
            used: BTreeSet::new(),
        }
    }

    /// The next free address, going round the range as the host-local plugin does.
    pub fn allocate(&mut self) -> Option<Ipv4Addr> {
        for _ in 0..self.size {
            self.cursor += 1;
            if self.cursor >= self.size - 1 {
                self.cursor = 2;
            }
            if self.used.insert(self.cursor) {
                return Some(Ipv4Addr::from(self.network + self.cursor));
            }
        }
        None
    }

    /// Takes an address that a pod already has; whether it was free.
    pub fn reserve(&mut self, addr: Ipv4Addr) -> bool {
        let offset = u32::from(addr).wrapping_sub(self.network);
        offset < self.size && self.used.insert(offset)
    }

    /// Gives an address back.
    pub fn release(&mut self, addr: Ipv4Addr) {
        self.used
            .remove(&u32::from(addr).wrapping_sub(self.network));
    }

    /// Forgets every address given, as a machine does that lost its power.
    pub fn clear(&mut self) {
        self.used.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_pod_gets_the_address_after_the_bridge() {
        let mut range = PodRange::new(Ipv4Addr::new(10, 244, 1, 0), 24);
        assert_eq!(range.allocate(), Some(Ipv4Addr::new(10, 244, 1, 2)));
    }

    #[test]
    fn an_address_is_not_used_again_while_others_are_fresh() {
        let mut range = PodRange::new(Ipv4Addr::new(10, 244, 1, 0), 24);
        let first = range.allocate().expect("an empty range has room");
        range.release(first);
        assert_ne!(range.allocate(), Some(first));
    }

    #[test]
    fn a_full_range_gives_none_and_a_released_address_comes_round() {
        let mut range = PodRange::new(Ipv4Addr::new(10, 244, 1, 0), 24);
        let all: BTreeSet<Ipv4Addr> = std::iter::from_fn(|| range.allocate()).collect();
        assert_eq!(all.len(), 253);
        assert!(!all.contains(&Ipv4Addr::new(10, 244, 1, 1)));
        assert!(!all.contains(&Ipv4Addr::new(10, 244, 1, 255)));
        let freed = Ipv4Addr::new(10, 244, 1, 77);
        range.release(freed);
        assert_eq!(range.allocate(), Some(freed));
    }
}
