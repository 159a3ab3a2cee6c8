//! Sockets for native tasks: the API server's transport, probes, port forwards.
//!
//! Never the host's sockets: these are on the virtual network like any program's.

#![allow(
    clippy::waker_clone_wake,
    reason = "a wake by reference means a used-up slice, see executor.rs"
)]

use crate::network::{Network, Socket};
use std::future::poll_fn;
use std::task::{Context, Poll};
use vnet::{HostId, NetError, Origin, Recv, SocketAddrV4, TcpState};

/// A TCP connection of a native task; dropping it closes it.
#[derive(Debug)]
pub struct TcpStream(Socket);

/// A listening TCP socket of a native task.
#[derive(Debug)]
pub struct TcpListener(Socket);

/// A UDP socket of a native task.
#[derive(Debug)]
pub struct UdpSocket(Socket);

impl TcpStream {
    pub(crate) async fn connect(
        network: &Network,
        host: HostId,
        local: SocketAddrV4,
        remote: SocketAddrV4,
        origin: Origin,
    ) -> Result<Self, NetError> {
        let id = network.with(|net, now| net.tcp_connect_from(now, host, local, remote, origin))?;
        let socket = Socket::new(network.clone(), id);
        loop {
            match network.with(|net, _| net.tcp_state(id)) {
                TcpState::Open => return Ok(Self(socket)),
                TcpState::Failed(err) => return Err(err),
                TcpState::Closed | TcpState::Listening => return Err(NetError::Reset),
                TcpState::Connecting => network.writable(id).await,
            }
        }
    }

    /// The address of this side.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddrV4> {
        self.0.network().with(|net, _| net.local_addr(self.0.id()))
    }

    /// The address of the other side.
    #[must_use]
    pub fn peer_addr(&self) -> Option<SocketAddrV4> {
        self.0.network().with(|net, _| net.peer_addr(self.0.id()))
    }

    /// Waits for bytes and takes up to `max` of them; nothing when the other side has finished.
    ///
    /// # Errors
    /// When the connection was lost.
    pub async fn read(&self, max: usize) -> Result<Vec<u8>, NetError> {
        poll_fn(|cx| self.poll_read(cx, max)).await
    }

    /// As [`read`](Self::read).
    pub fn poll_read(&self, cx: &mut Context<'_>, max: usize) -> Poll<Result<Vec<u8>, NetError>> {
        let (network, id) = (self.0.network(), self.0.id());
        match network.with(|net, now| net.tcp_recv(now, id, max)) {
            Ok(Recv::Data(data)) => Poll::Ready(Ok(data)),
            Ok(Recv::Eof) => Poll::Ready(Ok(Vec::new())),
            Ok(Recv::WouldBlock) => {
                if network
                    .poll_ready(id, cx, |ready| ready.readable)
                    .is_ready()
                {
                    cx.waker().clone().wake();
                }
                Poll::Pending
            }
            Err(err) => Poll::Ready(Err(err)),
        }
    }

    /// Sends all of `data`, waiting for room.
    ///
    /// # Errors
    /// When the connection was lost.
    pub async fn write_all(&self, mut data: &[u8]) -> Result<(), NetError> {
        while !data.is_empty() {
            let sent = poll_fn(|cx| self.poll_write(cx, data)).await?;
            data = &data[sent..];
        }
        Ok(())
    }

    /// Sends as much of `data` as there is room for, at least one byte.
    pub fn poll_write(&self, cx: &mut Context<'_>, data: &[u8]) -> Poll<Result<usize, NetError>> {
        let (network, id) = (self.0.network(), self.0.id());
        match network.with(|net, now| net.tcp_send(now, id, data)) {
            Ok(0) if !data.is_empty() => {
                if network
                    .poll_ready(id, cx, |ready| ready.writable)
                    .is_ready()
                {
                    cx.waker().clone().wake();
                }
                Poll::Pending
            }
            other => Poll::Ready(other),
        }
    }

    /// Says that nothing more will be sent.
    pub fn shutdown(&self) {
        self.0
            .network()
            .with(|net, now| net.tcp_shutdown(now, self.0.id()));
    }
}

impl TcpListener {
    pub(crate) fn listen(
        network: &Network,
        host: HostId,
        local: SocketAddrV4,
        backlog: usize,
    ) -> Result<Self, NetError> {
        let id = network.with(|net, now| net.tcp_listen(now, host, local, backlog))?;
        Ok(Self(Socket::new(network.clone(), id)))
    }

    /// The address it listens on.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddrV4> {
        self.0.network().with(|net, _| net.local_addr(self.0.id()))
    }

    /// Waits for the next connection.
    ///
    /// # Errors
    /// When the machine is gone.
    pub async fn accept(&self) -> Result<TcpStream, NetError> {
        let (network, id) = (self.0.network(), self.0.id());
        loop {
            if let Some(accepted) = network.with(|net, now| net.tcp_accept(now, id))? {
                return Ok(TcpStream(Socket::new(network.clone(), accepted)));
            }
            network.readable(id).await;
        }
    }
}

impl UdpSocket {
    pub(crate) fn bind(
        network: &Network,
        host: HostId,
        local: SocketAddrV4,
        origin: Origin,
    ) -> Result<Self, NetError> {
        let id = network.with(|net, now| net.udp_bind(now, host, local, origin))?;
        Ok(Self(Socket::new(network.clone(), id)))
    }

    /// The address it is bound to.
    #[must_use]
    pub fn local_addr(&self) -> Option<SocketAddrV4> {
        self.0.network().with(|net, _| net.local_addr(self.0.id()))
    }

    /// Sends one datagram.
    ///
    /// # Errors
    /// As `sendto(2)`.
    pub fn send_to(&self, data: &[u8], to: SocketAddrV4) -> Result<(), NetError> {
        self.0
            .network()
            .with(|net, now| net.udp_send(now, self.0.id(), to, data))
    }

    /// Waits for one datagram.
    ///
    /// # Errors
    /// When an earlier one was refused.
    pub async fn recv_from(&self) -> Result<(SocketAddrV4, Vec<u8>), NetError> {
        let (network, id) = (self.0.network(), self.0.id());
        loop {
            if let Some(received) = network.with(|net, now| net.udp_recv(now, id)) {
                return received;
            }
            network.readable(id).await;
        }
    }
}
