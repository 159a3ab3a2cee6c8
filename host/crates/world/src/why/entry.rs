//! How a Service is entered from where somebody is: by its clusterIP, a node's port, a load
//! balancer, a tunnel, or not at all. Never judges what is behind it.

use super::asker::{At, Kind};
use super::look::{items, number, text};
use super::question::{Question, Subject};
use super::target::{endpoints, is_headless};
use crate::{Reach, World};
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::SocketAddrV4;
use vnet::HostId;

/// How a Service is entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// At this address.
    At(SocketAddrV4),
    /// Through a tunnel that listens here.
    Tunnel(SocketAddrV4),
    /// Through a tunnel that is not there; the node's address.
    NoTunnel(SocketAddrV4),
    /// Not from outside.
    OnlyInside(SocketAddrV4),
    /// Not at all: it has no address, or no port was meant.
    Nowhere,
}

/// The address where somebody enters a Service.
pub(super) fn entry(
    world: &World,
    at: &At,
    question: &Question,
    service: &Value,
    port: Option<&Value>,
) -> Entry {
    let Some(port) = port else {
        return Entry::Nowhere;
    };
    // Who asked about an address means this one.
    if let Subject::Addr {
        addr,
        port: Some(port),
    } = &question.subject
    {
        return Entry::At(SocketAddrV4::new(*addr, *port));
    }
    let Some(port_number) = number(&port["port"]) else {
        return Entry::Nowhere;
    };
    if let (
        Subject::Node {
            name,
            port: Some(port),
        },
        Some(host),
    ) = (&question.subject, node_host(world, &question.subject))
    {
        debug_assert!(world.nodes().contains_key(name));
        return Entry::At(SocketAddrV4::new(world.net().host_addr(host), *port));
    }
    if is_headless(service) {
        let ready = endpoints(world, service, port);
        return ready.first().map_or(Entry::Nowhere, |endpoint| {
            Entry::At(SocketAddrV4::new(*endpoint.ip(), port_number))
        });
    }
    let Ok(cluster_ip) = text(&service["spec"]["clusterIP"]).parse() else {
        return Entry::Nowhere;
    };
    let inside = SocketAddrV4::new(cluster_ip, port_number);
    match at.kind {
        Kind::Pod(_) | Kind::Node(_) => Entry::At(inside),
        Kind::Machine => from_outside(world, at, service, port, inside),
    }
}

fn node_host(world: &World, subject: &Subject) -> Option<HostId> {
    match subject {
        Subject::Node { name, .. } => world.nodes().get(name).copied(),
        _ => None,
    }
}

fn from_outside(
    world: &World,
    at: &At,
    service: &Value,
    port: &Value,
    inside: SocketAddrV4,
) -> Entry {
    let given = items(&service["status"]["loadBalancer"]["ingress"])
        .iter()
        .map(|one| &one["ip"]);
    let external = items(&service["spec"]["externalIPs"]).iter();
    let balanced = given
        .chain(external)
        .find_map(|addr| text(addr).parse().ok());
    if let Some(addr) = balanced {
        return Entry::At(SocketAddrV4::new(addr, inside.port()));
    }
    let Some(node_port) = number(&port["nodePort"]) else {
        return Entry::OnlyInside(inside);
    };
    let Some(node) = node_address(world, node_port) else {
        return Entry::OnlyInside(inside);
    };
    if at.host != Some(world.workstation()) {
        return Entry::At(node);
    }
    match world.platform().reach() {
        Reach::Routed | Reach::Public => Entry::At(node),
        Reach::Localhost => Entry::At(world.seen_from_workstation(node)),
        Reach::Published => tunnels(world)
            .first()
            .map_or(Entry::NoTunnel(node), |tunnel| Entry::Tunnel(*tunnel)),
    }
}

/// Where the learner's machine, or anybody outside, meets a node: its public address if it has one.
pub(super) fn node_address(world: &World, port: u16) -> Option<SocketAddrV4> {
    let nodes = world.nodes_in_order();
    let powered = nodes.iter().find(|(_, host)| world.net().is_powered(*host));
    let (name, host) = powered.or_else(|| nodes.first())?;
    let node = world.cluster().store().get("nodes", "", name)?;
    let external = items(&node["status"]["addresses"])
        .iter()
        .find(|one| one["type"] == "ExternalIP");
    let external = external.and_then(|one| text(&one["address"]).parse().ok());
    let addr = match world.platform().reach() {
        Reach::Public => external,
        Reach::Routed | Reach::Published | Reach::Localhost => None,
    };
    Some(SocketAddrV4::new(
        addr.unwrap_or_else(|| world.net().host_addr(*host)),
        port,
    ))
}

/// What listens on the learner's own 127.0.0.1 beside what is published there all the time.
pub(super) fn tunnels(world: &World) -> Vec<SocketAddrV4> {
    let laptop = world.workstation();
    let always: BTreeSet<SocketAddrV4> = world
        .forwards()
        .iter()
        .filter(|forward| forward.host == laptop)
        .map(|forward| forward.listen)
        .collect();
    let sockets = world.net().sockets(laptop).into_iter();
    let mine = sockets.filter(|socket| {
        socket.state == "LISTEN"
            && socket.local.ip().is_loopback()
            && !always.contains(&socket.local)
    });
    mine.map(|socket| socket.local).collect()
}
