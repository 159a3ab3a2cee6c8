//! `lab:process/icmp`: echo requests and what comes back. Never any other ICMP message.

use super::Guest;
use super::bindings::lab::process::icmp as wit;
use super::network::ipv4;
use crate::network::Socket;
use vnet::{IcmpKind, IcmpMessage, Ipv4Addr, NetError, Proto};
use wasmtime::Result;
use wasmtime::component::Resource;
use wasmtime_wasi_io::poll::{DynPollable, Pollable, subscribe};

/// An ICMP socket.
#[derive(Debug)]
pub struct Icmp(Socket);

#[async_trait::async_trait]
impl Pollable for Icmp {
    async fn ready(&mut self) {
        self.0.network().readable(self.0.id()).await;
    }
}

fn error(error: NetError) -> wit::Error {
    match error {
        NetError::TooBig => wit::Error::TooBig,
        NetError::NetUnreachable | NetError::HostUnreachable | NetError::InvalidState => {
            wit::Error::NetworkUnreachable
        }
        _ => wit::Error::TooMany,
    }
}

fn message(message: IcmpMessage) -> wit::Message {
    let about = message.about;
    wit::Message {
        from: ipv4(message.from),
        kind: match message.kind {
            IcmpKind::EchoReply => wit::Kind::EchoReply,
            IcmpKind::Unreachable(code) => wit::Kind::Unreachable(code),
            IcmpKind::TimeExceeded => wit::Kind::TimeExceeded,
        },
        about: wit::About {
            destination: ipv4(*about.dst.ip()),
            protocol: match about.proto {
                Proto::Icmp => 1,
                Proto::Tcp => 6,
                Proto::Udp => 17,
            },
            identifier: about.src.port(),
            sequence: message.sequence,
        },
        ttl: message.ttl,
        time: message.at.as_nanos(),
        payload: message.payload,
    }
}

impl wit::Host for Guest {}
impl wit::HostSocket for Guest {
    fn open(&mut self) -> Result<Result<Resource<Icmp>, wit::Error>> {
        let network = self.kernel.network.clone();
        let (host, origin, owner) = (
            self.container.spec.host,
            self.container.spec.origin,
            self.owner(),
        );
        let opened = network.with(|net, now| {
            let id = net.icmp_open(now, host, origin)?;
            net.set_owner(id, owner);
            Ok::<_, NetError>(id)
        });
        match opened {
            Ok(id) => Ok(Ok(self.table.push(Icmp(Socket::new(network, id)))?)),
            Err(err) => Ok(Err(error(err))),
        }
    }

    fn identifier(&mut self, socket: Resource<Icmp>) -> Result<u16> {
        let socket = &self.table.get(&socket)?.0;
        let id = socket.id();
        Ok(socket.network().with(|net, _| net.icmp_identifier(id)))
    }

    fn send(
        &mut self,
        socket: Resource<Icmp>,
        destination: wit::Ipv4,
        sequence: u16,
        ttl: u8,
        payload: Vec<u8>,
    ) -> Result<Result<(), wit::Error>> {
        let socket = &self.table.get(&socket)?.0;
        let (a, b, c, d) = destination;
        let (id, to) = (socket.id(), Ipv4Addr::new(a, b, c, d));
        let sent = socket
            .network()
            .with(|net, now| net.icmp_send(now, id, to, sequence, ttl, &payload));
        Ok(sent.map_err(error))
    }

    fn next(&mut self, socket: Resource<Icmp>) -> Result<Option<wit::Message>> {
        let socket = &self.table.get(&socket)?.0;
        let id = socket.id();
        let next = socket.network().with(|net, now| net.icmp_recv(now, id));
        Ok(next.map(message))
    }

    fn subscribe(&mut self, socket: Resource<Icmp>) -> Result<Resource<DynPollable>> {
        subscribe(&mut self.table, socket)
    }

    fn drop(&mut self, socket: Resource<Icmp>) -> Result<()> {
        self.table.delete(socket)?;
        Ok(())
    }
}
