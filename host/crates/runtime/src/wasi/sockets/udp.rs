//! `wasi:sockets/udp`. A datagram goes or fails at once; only arrivals are awaited.

use super::{Instance, SocketError, from_wasi, to_wasi};
use crate::network::Socket;
use crate::wasi::Guest;
use crate::wasi::bindings::wasi::sockets::network::{ErrorCode, IpAddressFamily, IpSocketAddress};
use crate::wasi::bindings::wasi::sockets::{udp, udp_create_socket};
use std::sync::Arc;
use vnet::{Ipv4Addr, NetError, SocketAddrV4};
use wasmtime::Result;
use wasmtime::component::Resource;
use wasmtime_wasi_io::poll::{DynPollable, Pollable, subscribe};

/// How many datagrams one call may send.
const SEND_MAX: u64 = 16;
/// How many datagrams one call may receive.
const RECEIVE_MAX: u64 = 64;

/// A UDP socket and where it stands.
#[derive(Debug)]
pub struct Udp {
    state: State,
    peer: Option<SocketAddrV4>,
    hop_limit: u8,
    receive_buffer: u64,
    send_buffer: u64,
}

#[derive(Debug)]
enum State {
    New,
    BindStarted(Arc<Socket>),
    Bound(Arc<Socket>),
}

/// What arrives; from one peer when connected.
#[derive(Debug)]
pub struct Incoming {
    socket: Arc<Socket>,
    peer: Option<SocketAddrV4>,
}

/// What is sent; to one peer when connected.
#[derive(Debug)]
pub struct Outgoing {
    socket: Arc<Socket>,
    peer: Option<SocketAddrV4>,
    permitted: u64,
}

#[async_trait::async_trait]
impl Pollable for Udp {
    async fn ready(&mut self) {}
}

#[async_trait::async_trait]
impl Pollable for Incoming {
    async fn ready(&mut self) {
        self.socket.network().readable(self.socket.id()).await;
    }
}

#[async_trait::async_trait]
impl Pollable for Outgoing {
    async fn ready(&mut self) {}
}

impl Guest {
    fn udp(&mut self, socket: &Resource<Udp>) -> Result<&mut Udp> {
        Ok(self.table.get_mut(socket)?)
    }

    fn bind_udp(&self, local: SocketAddrV4) -> Result<Arc<Socket>, NetError> {
        let (host, origin) = (self.container.spec.host, self.container.spec.origin);
        let network = &self.kernel.network;
        let owner = self.owner();
        let id = network.with(|net, now| {
            let id = net.udp_bind(now, host, local, origin)?;
            net.set_owner(id, owner);
            Ok::<_, NetError>(id)
        })?;
        Ok(Arc::new(Socket::new(network.clone(), id)))
    }
}

impl udp_create_socket::Host for Guest {
    fn create_udp_socket(&mut self, family: IpAddressFamily) -> Result<Resource<Udp>, SocketError> {
        if family != IpAddressFamily::Ipv4 {
            return Err(ErrorCode::NotSupported.into());
        }
        let udp = Udp {
            state: State::New,
            peer: None,
            hop_limit: 64,
            receive_buffer: 65_536,
            send_buffer: 65_536,
        };
        Ok(self.table.push(udp)?)
    }
}

impl udp::Host for Guest {}
impl udp::HostUdpSocket for Guest {
    fn start_bind(
        &mut self,
        socket: Resource<Udp>,
        _network: Resource<Instance>,
        local: IpSocketAddress,
    ) -> Result<(), SocketError> {
        let local = from_wasi(local)?;
        let State::New = self.udp(&socket)?.state else {
            return Err(ErrorCode::InvalidState.into());
        };
        let bound = self.bind_udp(local)?;
        self.udp(&socket)?.state = State::BindStarted(bound);
        Ok(())
    }

    fn finish_bind(&mut self, socket: Resource<Udp>) -> Result<(), SocketError> {
        let udp = self.udp(&socket)?;
        let State::BindStarted(bound) = &udp.state else {
            return Err(ErrorCode::NotInProgress.into());
        };
        udp.state = State::Bound(Arc::clone(bound));
        Ok(())
    }

    fn stream(
        &mut self,
        socket: Resource<Udp>,
        peer: Option<IpSocketAddress>,
    ) -> Result<(Resource<Incoming>, Resource<Outgoing>), SocketError> {
        let peer = peer.map(from_wasi).transpose()?;
        if peer.is_some_and(|peer| peer.ip().is_unspecified() || peer.port() == 0) {
            return Err(ErrorCode::InvalidArgument.into());
        }
        let ttl = self.udp(&socket)?.hop_limit;
        let bound = match &self.udp(&socket)?.state {
            State::Bound(bound) => Arc::clone(bound),
            State::New => self.bind_udp(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0))?,
            State::BindStarted(_) => return Err(ErrorCode::InvalidState.into()),
        };
        bound
            .network()
            .with(|net, _| net.udp_set_ttl(bound.id(), ttl));
        let udp = self.udp(&socket)?;
        udp.state = State::Bound(Arc::clone(&bound));
        udp.peer = peer;
        let incoming = Incoming {
            socket: Arc::clone(&bound),
            peer,
        };
        let outgoing = Outgoing {
            socket: bound,
            peer,
            permitted: 0,
        };
        let incoming = self.table.push_child(incoming, &socket)?;
        Ok((incoming, self.table.push_child(outgoing, &socket)?))
    }

    fn local_address(&mut self, socket: Resource<Udp>) -> Result<IpSocketAddress, SocketError> {
        let State::Bound(bound) = &self.udp(&socket)?.state else {
            return Err(ErrorCode::InvalidState.into());
        };
        let local = bound.network().with(|net, _| net.local_addr(bound.id()));
        Ok(to_wasi(local.ok_or(ErrorCode::InvalidState)?))
    }

    fn remote_address(&mut self, socket: Resource<Udp>) -> Result<IpSocketAddress, SocketError> {
        Ok(to_wasi(
            self.udp(&socket)?.peer.ok_or(ErrorCode::InvalidState)?,
        ))
    }

    fn address_family(&mut self, _socket: Resource<Udp>) -> Result<IpAddressFamily> {
        Ok(IpAddressFamily::Ipv4)
    }

    fn unicast_hop_limit(&mut self, socket: Resource<Udp>) -> Result<u8, SocketError> {
        Ok(self.udp(&socket)?.hop_limit)
    }

    fn set_unicast_hop_limit(
        &mut self,
        socket: Resource<Udp>,
        value: u8,
    ) -> Result<(), SocketError> {
        if value == 0 {
            return Err(ErrorCode::InvalidArgument.into());
        }
        let udp = self.udp(&socket)?;
        udp.hop_limit = value;
        if let State::Bound(bound) = &udp.state {
            bound
                .network()
                .with(|net, _| net.udp_set_ttl(bound.id(), value));
        }
        Ok(())
    }

    fn receive_buffer_size(&mut self, socket: Resource<Udp>) -> Result<u64, SocketError> {
        Ok(self.udp(&socket)?.receive_buffer)
    }

    fn set_receive_buffer_size(
        &mut self,
        socket: Resource<Udp>,
        value: u64,
    ) -> Result<(), SocketError> {
        self.udp(&socket)?.receive_buffer = value.max(1);
        Ok(())
    }

    fn send_buffer_size(&mut self, socket: Resource<Udp>) -> Result<u64, SocketError> {
        Ok(self.udp(&socket)?.send_buffer)
    }

    fn set_send_buffer_size(
        &mut self,
        socket: Resource<Udp>,
        value: u64,
    ) -> Result<(), SocketError> {
        self.udp(&socket)?.send_buffer = value.max(1);
        Ok(())
    }

    fn subscribe(&mut self, socket: Resource<Udp>) -> Result<Resource<DynPollable>> {
        subscribe(&mut self.table, socket)
    }

    fn drop(&mut self, socket: Resource<Udp>) -> Result<()> {
        self.table.delete(socket)?;
        Ok(())
    }
}

impl udp::HostIncomingDatagramStream for Guest {
    fn receive(
        &mut self,
        stream: Resource<Incoming>,
        max: u64,
    ) -> Result<Vec<udp::IncomingDatagram>, SocketError> {
        let incoming = self.table.get(&stream)?;
        let socket = &incoming.socket;
        let mut received = Vec::new();
        while (received.len() as u64) < max.min(RECEIVE_MAX) {
            match socket
                .network()
                .with(|net, now| net.udp_recv(now, socket.id()))
            {
                Some(Ok((from, _))) if incoming.peer.is_some_and(|peer| peer != from) => {}
                Some(Ok((from, data))) => {
                    received.push(udp::IncomingDatagram {
                        data,
                        remote_address: to_wasi(from),
                    });
                }
                Some(Err(err)) if received.is_empty() => return Err(err.into()),
                Some(Err(_)) | None => break,
            }
        }
        Ok(received)
    }

    fn subscribe(&mut self, stream: Resource<Incoming>) -> Result<Resource<DynPollable>> {
        subscribe(&mut self.table, stream)
    }

    fn drop(&mut self, stream: Resource<Incoming>) -> Result<()> {
        self.table.delete(stream)?;
        Ok(())
    }
}

impl udp::HostOutgoingDatagramStream for Guest {
    fn check_send(&mut self, stream: Resource<Outgoing>) -> Result<u64, SocketError> {
        self.table.get_mut(&stream)?.permitted = SEND_MAX;
        Ok(SEND_MAX)
    }

    fn send(
        &mut self,
        stream: Resource<Outgoing>,
        datagrams: Vec<udp::OutgoingDatagram>,
    ) -> Result<u64, SocketError> {
        let outgoing = self.table.get_mut(&stream)?;
        let count = datagrams.len() as u64;
        if count > outgoing.permitted {
            return Err(wasmtime::format_err!("sent more than check-send permitted").into());
        }
        outgoing.permitted -= count;
        let socket = &outgoing.socket;
        let mut sent = 0;
        for datagram in datagrams {
            let to = datagram
                .remote_address
                .map(from_wasi)
                .transpose()?
                .or(outgoing.peer);
            let to = to.ok_or(ErrorCode::InvalidArgument)?;
            if outgoing.peer.is_some_and(|peer| peer != to) {
                return Err(ErrorCode::InvalidArgument.into());
            }
            let data = &datagram.data;
            match socket
                .network()
                .with(|net, now| net.udp_send(now, socket.id(), to, data))
            {
                Ok(()) => sent += 1,
                Err(err) if sent == 0 => return Err(err.into()),
                Err(_) => break,
            }
        }
        Ok(sent)
    }

    fn subscribe(&mut self, stream: Resource<Outgoing>) -> Result<Resource<DynPollable>> {
        subscribe(&mut self.table, stream)
    }

    fn drop(&mut self, stream: Resource<Outgoing>) -> Result<()> {
        self.table.delete(stream)?;
        Ok(())
    }
}
