//! The guest side of the network's interfaces, ICMP and capture.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;

use super::Waitable;
use crate::bindings::lab::process::{capture as wit_capture, icmp as wit_icmp, network as wit};
use crate::capture::Packet;
use crate::icmp::{Kind, Message};
use crate::network::{
    Link, LinkKind, Neighbour, NeighbourState, Protocol, Route, RulesForm, Socket,
};

fn ipv4(address: wit::Ipv4) -> Ipv4Addr {
    let (a, b, c, d) = address;
    Ipv4Addr::new(a, b, c, d)
}

fn endpoint((address, port): wit::Endpoint) -> SocketAddrV4 {
    SocketAddrV4::new(ipv4(address), port)
}

pub(crate) fn links() -> Vec<Link> {
    let link = |link: wit::Link| Link {
        index: link.index,
        name: link.name,
        kind: match link.kind {
            wit::LinkKind::Loopback => LinkKind::Loopback,
            wit::LinkKind::Ethernet => LinkKind::Ethernet,
            wit::LinkKind::Veth => LinkKind::Veth,
            wit::LinkKind::Bridge => LinkKind::Bridge,
            wit::LinkKind::Vxlan => LinkKind::Vxlan,
        },
        peer: link.peer,
        master: link.master,
        mac: link.mac.into(),
        mtu: link.mtu,
        up: link.up,
        addresses: link
            .addresses
            .into_iter()
            .map(|(address, prefix)| (ipv4(address), prefix))
            .collect(),
        received: (link.rx_packets, link.rx_bytes),
        sent: (link.tx_packets, link.tx_bytes),
    };
    wit::links().into_iter().map(link).collect()
}

pub(crate) fn routes() -> Vec<Route> {
    let route = |route: wit::Route| Route {
        destination: ipv4(route.destination),
        prefix: route.prefix,
        gateway: route.gateway.map(ipv4),
        link: route.link,
        source: ipv4(route.source),
        onlink: route.onlink,
    };
    wit::routes().into_iter().map(route).collect()
}

pub(crate) fn neighbours() -> Vec<Neighbour> {
    let neighbour = |neighbour: wit::Neighbour| Neighbour {
        address: ipv4(neighbour.address),
        link: neighbour.link,
        mac: neighbour.mac.map(Into::into),
        state: match neighbour.state {
            wit::NeighbourState::Reachable => NeighbourState::Reachable,
            wit::NeighbourState::Stale => NeighbourState::Stale,
            wit::NeighbourState::Failed => NeighbourState::Failed,
        },
    };
    wit::neighbours().into_iter().map(neighbour).collect()
}

pub(crate) fn sockets() -> Vec<Socket> {
    let socket = |socket: wit::Socket| Socket {
        protocol: match socket.protocol {
            wit::Protocol::Tcp => Protocol::Tcp,
            wit::Protocol::Udp => Protocol::Udp,
            wit::Protocol::Icmp => Protocol::Icmp,
        },
        local: endpoint(socket.local),
        remote: endpoint(socket.remote),
        state: socket.state,
        receive_queue: socket.receive_queue,
        send_queue: socket.send_queue,
        pid: socket.pid,
    };
    wit::sockets().into_iter().map(socket).collect()
}

pub(crate) fn forwards() -> bool {
    wit::forwards()
}

pub(crate) fn rules(table: &str, chain: Option<&str>, form: RulesForm) -> Option<String> {
    let form = match form {
        RulesForm::Save => wit::RulesForm::Save,
        RulesForm::Specs => wit::RulesForm::Specs,
        RulesForm::Listing => wit::RulesForm::Listing,
    };
    wit::rules(table, chain, form)
}

pub(crate) fn conversations() -> Vec<String> {
    wit::conversations()
}

#[derive(Debug)]
pub(crate) struct Icmp(wit_icmp::Socket);

impl Icmp {
    pub(crate) fn open() -> io::Result<Self> {
        wit_icmp::Socket::open().map(Self).map_err(icmp_error)
    }

    pub(crate) fn identifier(&self) -> u16 {
        self.0.identifier()
    }

    pub(crate) fn send(
        &self,
        to: Ipv4Addr,
        sequence: u16,
        ttl: u8,
        payload: &[u8],
    ) -> io::Result<()> {
        let sent = self.0.send(to.octets().into(), sequence, ttl, payload);
        sent.map_err(icmp_error)
    }

    pub(crate) fn next(&self) -> Option<Message> {
        let message = self.0.next()?;
        Some(Message {
            from: ipv4(message.from),
            kind: match message.kind {
                wit_icmp::Kind::EchoReply => Kind::EchoReply,
                wit_icmp::Kind::Unreachable(code) => Kind::Unreachable(code),
                wit_icmp::Kind::TimeExceeded => Kind::TimeExceeded,
            },
            destination: ipv4(message.about.destination),
            protocol: message.about.protocol,
            identifier: message.about.identifier,
            sequence: message.about.sequence,
            ttl: message.ttl,
            time: Duration::from_nanos(message.time),
            payload: message.payload,
        })
    }

    pub(crate) fn waitable(&self) -> Waitable<'_> {
        Waitable::new(self.0.subscribe())
    }
}

fn icmp_error(error: wit_icmp::Error) -> io::Error {
    match error {
        wit_icmp::Error::TooMany => io::Error::other("No buffer space available"),
        wit_icmp::Error::TooBig => io::Error::other("Message too long"),
        wit_icmp::Error::NetworkUnreachable => io::ErrorKind::NetworkUnreachable.into(),
        wit_icmp::Error::NotSupported => io::ErrorKind::Unsupported.into(),
    }
}

#[derive(Debug)]
pub(crate) struct Listener(wit_capture::Listener);

impl Listener {
    pub(crate) fn open(link: &str, length: u32) -> io::Result<Self> {
        match wit_capture::Listener::open(link, length) {
            Ok(listener) => Ok(Self(listener)),
            Err(wit_capture::Error::NoSuchDevice) => Err(io::ErrorKind::NotFound.into()),
            Err(wit_capture::Error::TooMany) => Err(io::Error::other("No buffer space available")),
            Err(wit_capture::Error::NotSupported) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    pub(crate) fn next(&self, max: u32) -> Vec<Packet> {
        let packet = |packet: wit_capture::Packet| Packet {
            time: Duration::from_nanos(packet.time),
            link: packet.link,
            index: packet.index,
            outbound: packet.direction == wit_capture::Direction::Outbound,
            bytes: packet.bytes,
            length: packet.length,
        };
        self.0.next(max).into_iter().map(packet).collect()
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.0.dropped()
    }

    pub(crate) fn waitable(&self) -> Waitable<'_> {
        Waitable::new(self.0.subscribe())
    }
}
