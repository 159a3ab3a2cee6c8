//! The hops of `flow.path`, in order. Never sees a packet that does not fit the flow's `match`.
//!
//! Two hops side by side are the same packet, seen next at the second. `...` between them stands
//! for anything: other machines, and other packets, since a program in the middle that carries
//! bytes on sends packets of its own.

use crate::action::Packet;
use std::collections::{BTreeMap, BTreeSet};

/// How many packets are followed at once; the oldest is given up for the newest.
const FOLLOWED: usize = 4096;

/// How far packets have come.
#[derive(Debug)]
pub(super) struct Hops {
    /// Patterns of places, and whether anything may come before each.
    wanted: Vec<(String, bool)>,
    /// Hops that any packet may take next.
    open: BTreeSet<usize>,
    /// Hops that a packet must take next, by its number.
    followed: BTreeMap<u64, BTreeSet<usize>>,
    /// How many hops the farthest has come.
    farthest: usize,
}

impl Hops {
    /// Waits for the first hop.
    pub(super) fn new(path: &[String]) -> Self {
        let mut wanted = Vec::new();
        let mut gap = true;
        for hop in path {
            if hop == "..." {
                gap = true;
            } else {
                wanted.push((hop.clone(), gap));
                gap = false;
            }
        }
        Self {
            wanted,
            open: BTreeSet::from([0]),
            followed: BTreeMap::new(),
            farthest: 0,
        }
    }

    /// A packet was seen.
    pub(super) fn pass(&mut self, packet: &Packet) {
        let here = |hop: usize| {
            self.wanted
                .get(hop)
                .is_some_and(|(pattern, _)| packet.was_at(pattern))
        };
        let mut next = Vec::new();
        let mut stays = BTreeSet::new();
        for hop in self.followed.remove(&packet.packet).unwrap_or_default() {
            if here(hop) {
                next.push(hop + 1);
            } else if here(hop - 1) {
                stays.insert(hop);
            }
        }
        next.extend(
            self.open
                .iter()
                .filter(|hop| here(**hop))
                .map(|hop| hop + 1),
        );
        for hop in next {
            self.farthest = self.farthest.max(hop);
            match self.wanted.get(hop) {
                Some((_, true)) => {
                    self.open.insert(hop);
                }
                Some((_, false)) => {
                    stays.insert(hop);
                }
                None => {}
            }
        }
        if !stays.is_empty() {
            self.followed.insert(packet.packet, stays);
            if self.followed.len() > FOLLOWED {
                self.followed.pop_first();
            }
        }
    }

    /// Whether a packet came all the way.
    pub(super) fn is_whole(&self) -> bool {
        self.farthest == self.wanted.len()
    }

    /// The first hop that nobody has reached.
    pub(super) fn missing(&self) -> Option<&str> {
        Some(self.wanted.get(self.farthest)?.0.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clock::Instant;

    fn seen(packet: u64, iface: &str) -> Packet {
        Packet {
            at: Instant::ZERO,
            packet,
            iface: iface.into(),
            dir: "out",
            ip: BTreeMap::new(),
            tcp: None,
            udp: None,
            outer: None,
            nat: None,
            dropped: None,
        }
    }

    fn whole(path: &[&str], passages: &[(u64, &str)]) -> bool {
        let path: Vec<String> = path.iter().map(ToString::to_string).collect();
        let mut hops = Hops::new(&path);
        for (packet, iface) in passages {
            hops.pass(&seen(*packet, iface));
        }
        hops.is_whole()
    }

    #[test]
    fn hops_side_by_side_are_one_packet_seen_next() {
        let path = ["pod/a:eth0", "node/n:veth*", "node/n:eth0"];
        let way = [(1, "pod/a:eth0"), (1, "node/n:veth3"), (1, "node/n:eth0")];
        assert!(whole(&path, &way));
        assert!(
            !whole(&path, &[way[0], (2, "node/n:veth3"), way[2]]),
            "another packet"
        );
        assert!(
            !whole(&path, &[way[0], (1, "node/n:cni0"), way[1], way[2]]),
            "a hop between"
        );
        assert!(whole(
            &path,
            &[way[0], (9, "node/x:eth0"), way[1], way[1], way[2]]
        ));
    }

    #[test]
    fn dots_stand_for_other_machines_and_other_packets() {
        let path = [
            "laptop:lo",
            "...",
            "docker-vm",
            "minikube:eth0",
            "...",
            "pod/apache-*:eth0",
        ];
        let way = [
            (1, "host/laptop:lo"),
            (2, "host/laptop:eth0"),
            (3, "host/docker-vm:br0"),
            (3, "node/minikube:eth0"),
            (3, "node/minikube:veth1"),
            (3, "pod/apache-1:eth0"),
        ];
        assert!(whole(&path, &way));
        assert!(!whole(&path, &way[..5]));
    }
}
