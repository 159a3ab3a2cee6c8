//! `wasi:sockets/tcp`. Everything finishes where it starts except a connect, which is awaited.

use super::{Instance, SocketError, from_wasi, to_wasi};
use crate::network::Socket;
use crate::wasi::Guest;
use crate::wasi::bindings::wasi::sockets::network::{ErrorCode, IpAddressFamily, IpSocketAddress};
use crate::wasi::bindings::wasi::sockets::{tcp, tcp_create_socket};
use bytes::Bytes;
use std::sync::Arc;
use vnet::{Ipv4Addr, NetError, Recv, SocketAddrV4, TcpState};
use wasmtime::Result;
use wasmtime::component::Resource;
use wasmtime_wasi_io::poll::{DynPollable, Pollable, subscribe};
use wasmtime_wasi_io::streams::{
    DynInputStream, DynOutputStream, InputStream, OutputStream, StreamError, StreamResult,
};

/// How many connections may wait to be accepted, unless the program says otherwise; as Linux's SOMAXCONN.
const BACKLOG: usize = 128;
const BACKLOG_MAX: u64 = 4096;

/// A TCP socket and where it stands.
#[derive(Debug)]
pub struct Tcp {
    state: State,
    backlog: usize,
    keep_alive: KeepAlive,
    hop_limit: u8,
    receive_buffer: u64,
    send_buffer: u64,
}

#[derive(Debug)]
enum State {
    New,
    BindStarted(SocketAddrV4),
    Bound(SocketAddrV4),
    ListenStarted(Arc<Socket>),
    Listening(Arc<Socket>),
    Connecting(Arc<Socket>),
    Connected(Arc<Socket>),
    Closed,
}

/// Kept because programs read back what they set; nothing here is idle long enough to need it.
#[derive(Debug)]
struct KeepAlive {
    enabled: bool,
    idle: u64,
    interval: u64,
    count: u32,
}

impl Tcp {
    fn new(state: State) -> Self {
        let keep_alive = KeepAlive {
            enabled: false,
            idle: 7_200_000_000_000,
            interval: 75_000_000_000,
            count: 9,
        };
        Self {
            state,
            backlog: BACKLOG,
            keep_alive,
            hop_limit: 64,
            receive_buffer: 65_536,
            send_buffer: 65_536,
        }
    }

    fn socket(&self) -> Option<&Arc<Socket>> {
        match &self.state {
            State::ListenStarted(socket)
            | State::Listening(socket)
            | State::Connecting(socket)
            | State::Connected(socket) => Some(socket),
            State::New | State::BindStarted(_) | State::Bound(_) | State::Closed => None,
        }
    }
}

#[async_trait::async_trait]
impl Pollable for Tcp {
    async fn ready(&mut self) {
        match &self.state {
            State::Connecting(socket) => socket.network().writable(socket.id()).await,
            State::Listening(socket) => socket.network().readable(socket.id()).await,
            _ => {}
        }
    }
}

/// What the other side sends.
#[derive(Debug)]
struct Incoming(Arc<Socket>);

/// What is sent to the other side.
#[derive(Debug)]
struct Outgoing(Arc<Socket>);

fn failed(err: NetError) -> StreamError {
    match err {
        // The socket was shut down or is gone: an end, not an accident.
        NetError::InvalidState => StreamError::Closed,
        err => StreamError::LastOperationFailed(wasmtime::Error::new(err)),
    }
}

#[async_trait::async_trait]
impl Pollable for Incoming {
    async fn ready(&mut self) {
        self.0.network().readable(self.0.id()).await;
    }
}

impl InputStream for Incoming {
    fn read(&mut self, size: usize) -> StreamResult<Bytes> {
        if size == 0 {
            return Ok(Bytes::new());
        }
        match self
            .0
            .network()
            .with(|net, now| net.tcp_recv(now, self.0.id(), size))
        {
            Ok(Recv::Data(data)) => Ok(data.into()),
            Ok(Recv::WouldBlock) => Ok(Bytes::new()),
            Ok(Recv::Eof) => Err(StreamError::Closed),
            Err(err) => Err(failed(err)),
        }
    }
}

#[async_trait::async_trait]
impl Pollable for Outgoing {
    async fn ready(&mut self) {
        self.0.network().writable(self.0.id()).await;
    }
}

impl OutputStream for Outgoing {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        match self
            .0
            .network()
            .with(|net, now| net.tcp_send(now, self.0.id(), &bytes))
        {
            Ok(sent) if sent == bytes.len() => Ok(()),
            Ok(_) => Err(StreamError::trap("wrote more than check-write permitted")),
            Err(err) => Err(failed(err)),
        }
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        self.0
            .network()
            .with(|net, _| net.tcp_send_room(self.0.id()))
            .map_err(failed)
    }
}

type Streams = (Resource<DynInputStream>, Resource<DynOutputStream>);

impl Guest {
    fn streams(&mut self, socket: &Arc<Socket>, parent: &Resource<Tcp>) -> Result<Streams> {
        let incoming: DynInputStream = Box::new(Incoming(Arc::clone(socket)));
        let outgoing: DynOutputStream = Box::new(Outgoing(Arc::clone(socket)));
        let incoming = self.table.push_child(incoming, parent)?;
        Ok((incoming, self.table.push_child(outgoing, parent)?))
    }

    fn tcp(&mut self, socket: &Resource<Tcp>) -> Result<&mut Tcp> {
        Ok(self.table.get_mut(socket)?)
    }
}

impl tcp_create_socket::Host for Guest {
    fn create_tcp_socket(&mut self, family: IpAddressFamily) -> Result<Resource<Tcp>, SocketError> {
        if family != IpAddressFamily::Ipv4 {
            return Err(ErrorCode::NotSupported.into());
        }
        Ok(self.table.push(Tcp::new(State::New))?)
    }
}

impl tcp::Host for Guest {}
impl tcp::HostTcpSocket for Guest {
    fn start_bind(
        &mut self,
        socket: Resource<Tcp>,
        _network: Resource<Instance>,
        local: IpSocketAddress,
    ) -> Result<(), SocketError> {
        let host = self.container.spec.host;
        let mine = self.kernel.network.with(|net, _| net.host_addr(host));
        let local = from_wasi(local)?;
        let tcp = self.tcp(&socket)?;
        let State::New = tcp.state else {
            return Err(ErrorCode::InvalidState.into());
        };
        if !(local.ip().is_unspecified() || local.ip().is_loopback() || *local.ip() == mine) {
            return Err(ErrorCode::AddressNotBindable.into());
        }
        tcp.state = State::BindStarted(local);
        Ok(())
    }

    fn finish_bind(&mut self, socket: Resource<Tcp>) -> Result<(), SocketError> {
        let tcp = self.tcp(&socket)?;
        let State::BindStarted(local) = tcp.state else {
            return Err(ErrorCode::NotInProgress.into());
        };
        tcp.state = State::Bound(local);
        Ok(())
    }

    fn start_connect(
        &mut self,
        socket: Resource<Tcp>,
        _network: Resource<Instance>,
        remote: IpSocketAddress,
    ) -> Result<(), SocketError> {
        let remote = from_wasi(remote)?;
        if remote.ip().is_unspecified() || remote.port() == 0 {
            return Err(ErrorCode::InvalidArgument.into());
        }
        let network = self.kernel.network.clone();
        let (host, origin) = (self.container.spec.host, self.container.spec.origin);
        let owner = self.owner();
        let tcp = self.tcp(&socket)?;
        let port = match tcp.state {
            State::New => None,
            State::Bound(local) => Some(local.port()).filter(|port| *port != 0),
            _ => return Err(ErrorCode::InvalidState.into()),
        };
        let id = network.with(|net, now| {
            let id = net.tcp_connect(now, host, port, remote, origin)?;
            net.set_owner(id, owner);
            Ok::<_, NetError>(id)
        });
        match id {
            Ok(id) => {
                tcp.state = State::Connecting(Arc::new(Socket::new(network, id)));
                Ok(())
            }
            Err(err) => {
                tcp.state = State::Closed;
                Err(err.into())
            }
        }
    }

    fn finish_connect(&mut self, socket: Resource<Tcp>) -> Result<Streams, SocketError> {
        let tcp = self.tcp(&socket)?;
        let State::Connecting(connection) = &tcp.state else {
            return Err(ErrorCode::NotInProgress.into());
        };
        let connection = Arc::clone(connection);
        let state = connection
            .network()
            .with(|net, _| net.tcp_state(connection.id()));
        let failure = match state {
            TcpState::Connecting => return Err(ErrorCode::WouldBlock.into()),
            TcpState::Open => None,
            TcpState::Failed(err) => Some(super::code(err)),
            TcpState::Closed | TcpState::Listening => Some(ErrorCode::ConnectionReset),
        };
        if let Some(code) = failure {
            tcp.state = State::Closed;
            return Err(code.into());
        }
        tcp.state = State::Connected(Arc::clone(&connection));
        Ok(self.streams(&connection, &socket)?)
    }

    fn start_listen(&mut self, socket: Resource<Tcp>) -> Result<(), SocketError> {
        let network = self.kernel.network.clone();
        let (host, owner) = (self.container.spec.host, self.owner());
        let tcp = self.tcp(&socket)?;
        let local = match tcp.state {
            State::New => SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0),
            State::Bound(local) => local,
            _ => return Err(ErrorCode::InvalidState.into()),
        };
        let backlog = tcp.backlog;
        let id = network.with(|net, now| {
            let id = net.tcp_listen(now, host, local, backlog)?;
            net.set_owner(id, owner);
            Ok::<_, NetError>(id)
        })?;
        tcp.state = State::ListenStarted(Arc::new(Socket::new(network, id)));
        Ok(())
    }

    fn finish_listen(&mut self, socket: Resource<Tcp>) -> Result<(), SocketError> {
        let tcp = self.tcp(&socket)?;
        let State::ListenStarted(listener) = &tcp.state else {
            return Err(ErrorCode::NotInProgress.into());
        };
        tcp.state = State::Listening(Arc::clone(listener));
        Ok(())
    }

    fn accept(
        &mut self,
        socket: Resource<Tcp>,
    ) -> Result<
        (
            Resource<Tcp>,
            Resource<DynInputStream>,
            Resource<DynOutputStream>,
        ),
        SocketError,
    > {
        let (network, owner) = (self.kernel.network.clone(), self.owner());
        let State::Listening(listener) = &self.tcp(&socket)?.state else {
            return Err(ErrorCode::InvalidState.into());
        };
        let id = listener.id();
        let accepted = network.with(|net, now| {
            let accepted = net.tcp_accept(now, id)?;
            if let Some(id) = accepted {
                net.set_owner(id, owner);
            }
            Ok::<_, NetError>(accepted)
        })?;
        let Some(id) = accepted else {
            return Err(ErrorCode::WouldBlock.into());
        };
        let connection = Arc::new(Socket::new(network, id));
        let tcp = self
            .table
            .push(Tcp::new(State::Connected(Arc::clone(&connection))))?;
        let (incoming, outgoing) = self.streams(&connection, &tcp)?;
        Ok((tcp, incoming, outgoing))
    }

    fn local_address(&mut self, socket: Resource<Tcp>) -> Result<IpSocketAddress, SocketError> {
        let tcp = self.tcp(&socket)?;
        if let State::Bound(local) = tcp.state {
            return Ok(to_wasi(local));
        }
        let socket = tcp.socket().ok_or(ErrorCode::InvalidState)?;
        let local = socket.network().with(|net, _| net.local_addr(socket.id()));
        Ok(to_wasi(local.ok_or(ErrorCode::InvalidState)?))
    }

    fn remote_address(&mut self, socket: Resource<Tcp>) -> Result<IpSocketAddress, SocketError> {
        let State::Connected(socket) = &self.tcp(&socket)?.state else {
            return Err(ErrorCode::InvalidState.into());
        };
        let remote = socket.network().with(|net, _| net.peer_addr(socket.id()));
        Ok(to_wasi(remote.ok_or(ErrorCode::InvalidState)?))
    }

    fn is_listening(&mut self, socket: Resource<Tcp>) -> Result<bool> {
        Ok(matches!(self.tcp(&socket)?.state, State::Listening(_)))
    }

    fn address_family(&mut self, _socket: Resource<Tcp>) -> Result<IpAddressFamily> {
        Ok(IpAddressFamily::Ipv4)
    }

    fn set_listen_backlog_size(
        &mut self,
        socket: Resource<Tcp>,
        value: u64,
    ) -> Result<(), SocketError> {
        if value == 0 {
            return Err(ErrorCode::InvalidArgument.into());
        }
        let value = usize::try_from(value.min(BACKLOG_MAX)).expect("at most 4096");
        self.tcp(&socket)?.backlog = value;
        Ok(())
    }

    fn keep_alive_enabled(&mut self, socket: Resource<Tcp>) -> Result<bool, SocketError> {
        Ok(self.tcp(&socket)?.keep_alive.enabled)
    }

    fn set_keep_alive_enabled(
        &mut self,
        socket: Resource<Tcp>,
        value: bool,
    ) -> Result<(), SocketError> {
        self.tcp(&socket)?.keep_alive.enabled = value;
        Ok(())
    }

    fn keep_alive_idle_time(&mut self, socket: Resource<Tcp>) -> Result<u64, SocketError> {
        Ok(self.tcp(&socket)?.keep_alive.idle)
    }

    fn set_keep_alive_idle_time(
        &mut self,
        socket: Resource<Tcp>,
        value: u64,
    ) -> Result<(), SocketError> {
        self.tcp(&socket)?.keep_alive.idle = positive(value)?;
        Ok(())
    }

    fn keep_alive_interval(&mut self, socket: Resource<Tcp>) -> Result<u64, SocketError> {
        Ok(self.tcp(&socket)?.keep_alive.interval)
    }

    fn set_keep_alive_interval(
        &mut self,
        socket: Resource<Tcp>,
        value: u64,
    ) -> Result<(), SocketError> {
        self.tcp(&socket)?.keep_alive.interval = positive(value)?;
        Ok(())
    }

    fn keep_alive_count(&mut self, socket: Resource<Tcp>) -> Result<u32, SocketError> {
        Ok(self.tcp(&socket)?.keep_alive.count)
    }

    fn set_keep_alive_count(
        &mut self,
        socket: Resource<Tcp>,
        value: u32,
    ) -> Result<(), SocketError> {
        positive(u64::from(value))?;
        self.tcp(&socket)?.keep_alive.count = value;
        Ok(())
    }

    fn hop_limit(&mut self, socket: Resource<Tcp>) -> Result<u8, SocketError> {
        Ok(self.tcp(&socket)?.hop_limit)
    }

    fn set_hop_limit(&mut self, socket: Resource<Tcp>, value: u8) -> Result<(), SocketError> {
        positive(u64::from(value))?;
        self.tcp(&socket)?.hop_limit = value;
        Ok(())
    }

    fn receive_buffer_size(&mut self, socket: Resource<Tcp>) -> Result<u64, SocketError> {
        Ok(self.tcp(&socket)?.receive_buffer)
    }

    fn set_receive_buffer_size(
        &mut self,
        socket: Resource<Tcp>,
        value: u64,
    ) -> Result<(), SocketError> {
        self.tcp(&socket)?.receive_buffer = positive(value)?;
        Ok(())
    }

    fn send_buffer_size(&mut self, socket: Resource<Tcp>) -> Result<u64, SocketError> {
        Ok(self.tcp(&socket)?.send_buffer)
    }

    fn set_send_buffer_size(
        &mut self,
        socket: Resource<Tcp>,
        value: u64,
    ) -> Result<(), SocketError> {
        self.tcp(&socket)?.send_buffer = positive(value)?;
        Ok(())
    }

    fn subscribe(&mut self, socket: Resource<Tcp>) -> Result<Resource<DynPollable>> {
        subscribe(&mut self.table, socket)
    }

    fn shutdown(
        &mut self,
        socket: Resource<Tcp>,
        how: tcp::ShutdownType,
    ) -> Result<(), SocketError> {
        let State::Connected(socket) = &self.tcp(&socket)?.state else {
            return Err(ErrorCode::InvalidState.into());
        };
        if how != tcp::ShutdownType::Receive {
            socket
                .network()
                .with(|net, now| net.tcp_shutdown(now, socket.id()));
        }
        Ok(())
    }

    fn drop(&mut self, socket: Resource<Tcp>) -> Result<()> {
        self.table.delete(socket)?;
        Ok(())
    }
}

fn positive(value: u64) -> Result<u64, ErrorCode> {
    if value == 0 {
        Err(ErrorCode::InvalidArgument)
    } else {
        Ok(value)
    }
}
