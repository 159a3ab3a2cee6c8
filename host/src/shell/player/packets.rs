//! A lesson's standing questions about packets, answered as the packets pass.
//!
//! Never tells a check about the packets of checks themselves.

use super::super::driver::Shell;
use clock::Instant;
use lesson::{Engine, Observation, Packet, QueryId};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use vnet::{Direction, Origin, PacketRecord, TcpFlags};
use world::World;

#[derive(Default)]
pub(super) struct Packets {
    open: BTreeMap<QueryId, Open>,
}

struct Open {
    iface: Option<String>,
    since: Instant,
    /// The number of the next record to look at.
    next: u64,
}

impl Packets {
    pub(super) fn open(&mut self, query: QueryId, iface: Option<String>, since: Instant) {
        self.open.insert(
            query,
            Open {
                iface,
                since,
                next: 0,
            },
        );
    }

    pub(super) fn close(&mut self, query: QueryId) {
        self.open.remove(&query);
    }

    /// Tells the engine what passed; true when anything did.
    pub(super) fn tell(&mut self, shell: &Shell, now: Instant, engine: &mut Engine) -> bool {
        let mut any = false;
        for (query, open) in &mut self.open {
            let (packets, lost) = shell.look(|world| open.catch_up(world));
            if !packets.is_empty() || lost > 0 {
                any = true;
                engine.handle(
                    now,
                    Observation::Packets {
                        query: *query,
                        packets,
                        lost,
                    },
                );
            }
        }
        any
    }
}

impl Open {
    fn catch_up(&mut self, world: &World) -> (Vec<Packet>, u64) {
        let log = world.net().packets();
        // What was forgotten before the question was asked is not lost: it is older than the question.
        let lost = if self.next == 0 {
            0
        } else {
            log.forgotten().saturating_sub(self.next)
        };
        let mut packets = Vec::new();
        for record in log.since(self.next) {
            self.next = record.seq + 1;
            if record.origin == Origin::Checker || record.at < self.since {
                continue;
            }
            let iface = interface(world, &record);
            if self
                .iface
                .as_ref()
                .is_none_or(|pattern| matches(pattern, &iface))
            {
                packets.push(packet(&record, iface));
            }
        }
        (packets, lost)
    }
}

/// Where a packet was seen, as lessons name it: `node/node-a:eth0`, `pod/web-1:eth0`.
fn interface(world: &World, record: &PacketRecord) -> String {
    let host = &*record.host_name;
    let place = if world.node(host).is_some() {
        format!("node/{host}")
    } else if host == "workstation" || host == "control-plane" {
        host.to_owned()
    } else {
        format!("pod/{host}")
    };
    format!("{place}:{}", record.iface)
}

/// Whether a pattern with `*` fits the whole text.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => text.strip_prefix(head).is_some_and(|rest| {
            (0..=rest.len())
                .filter(|at| rest.is_char_boundary(*at))
                .any(|at| matches(tail, &rest[at..]))
        }),
    }
}

fn packet(record: &PacketRecord, iface: String) -> Packet {
    let view = &record.view;
    let ends = |src: std::net::Ipv4Addr, dst: std::net::Ipv4Addr| {
        BTreeMap::from([
            ("src", json!(src.to_string())),
            ("dst", json!(dst.to_string())),
        ])
    };
    let ports = || BTreeMap::from([("sport", json!(view.sport)), ("dport", json!(view.dport))]);
    let mut ip = ends(view.src, view.dst);
    ip.insert("proto", proto(view.proto));
    let mut tcp = (view.proto == 6).then(ports);
    if let Some(tcp) = &mut tcp {
        tcp.insert("flags", json!(flags(view.tcp_flags)));
    }
    Packet {
        at: record.at,
        iface,
        dir: match record.dir {
            Direction::In => "in",
            Direction::Out => "out",
        },
        ip,
        tcp,
        udp: (view.proto == 17).then(ports),
        outer: view.outer.map(|(src, dst)| ends(src, dst)),
    }
}

fn proto(number: u8) -> Value {
    match number {
        1 => json!("icmp"),
        6 => json!("tcp"),
        17 => json!("udp"),
        other => json!(other),
    }
}

fn flags(flags: TcpFlags) -> String {
    flags.to_string()
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_any_name() {
        assert!(matches("node/*:eth0", "node/node-a:eth0"));
        assert!(!matches("node/*:eth0", "pod/web:eth0"));
        assert!(matches("*", "workstation:eth0"));
        assert!(!matches("node/*:eth0", "node/node-a:cni0"));
    }
}
