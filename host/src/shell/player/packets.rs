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
            let packet = packet(&record, iface);
            if self
                .iface
                .as_ref()
                .is_none_or(|pattern| packet.was_at(pattern))
            {
                packets.push(packet);
            }
        }
        (packets, lost)
    }
}

/// Where a packet was seen, as lessons name it: `node/node-a:eth0`, `pod/web-1:eth0`,
/// `host/docker-vm:docker0`.
fn interface(world: &World, record: &PacketRecord) -> String {
    let host = &*record.host_name;
    let machine = || world.machines().iter().any(|(name, _)| name == host);
    let place = if world.node(host).is_some() {
        format!("node/{host}")
    } else if matches!(host, "workstation" | "control-plane" | "internet") {
        host.to_owned()
    } else if host == "edge" || machine() {
        format!("host/{host}")
    } else {
        format!("pod/{host}")
    };
    format!("{place}:{}", record.iface)
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
        packet: record.packet_id,
        iface,
        dir: match record.dir {
            Direction::In => "in",
            Direction::Out => "out",
        },
        ip,
        tcp,
        udp: (view.proto == 17).then(ports),
        outer: view.outer.map(|(src, dst)| ends(src, dst)),
        nat: record.before.map(|flow| {
            let mut nat = ends(*flow.src.ip(), *flow.dst.ip());
            nat.insert("sport", json!(flow.src.port()));
            nat.insert("dport", json!(flow.dst.port()));
            nat
        }),
        dropped: record.dropped.as_deref().map(str::to_owned),
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

/// `SYN`, `SYN|ACK`, `FIN|ACK`.
fn flags(flags: TcpFlags) -> String {
    let names = [
        (TcpFlags::SYN, "SYN"),
        (TcpFlags::FIN, "FIN"),
        (TcpFlags::RST, "RST"),
        (TcpFlags::PSH, "PSH"),
        (TcpFlags::ACK, "ACK"),
    ];
    let set = names.iter().filter(|(flag, _)| flags.has(*flag));
    set.map(|(_, name)| *name).collect::<Vec<_>>().join("|")
}
