//! A TCP connection of the world's network as tokio's byte stream traits, which hyper and the
//! WebSocket library speak. Never leaves the virtual network and never waits for real time.

use runtime::{Handle, TcpStream};
use std::io;
use std::net::SocketAddrV4;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use vnet::{HostId, NetError, Origin};

/// One connection; dropping it closes it.
#[derive(Debug)]
pub(crate) struct NetStream(TcpStream);

impl NetStream {
    /// Connects from `host`.
    ///
    /// # Errors
    /// What a program would get from `connect`.
    pub(crate) async fn connect(
        runtime: &Handle,
        host: HostId,
        to: SocketAddrV4,
        origin: Origin,
    ) -> Result<Self, NetError> {
        runtime.tcp_connect(host, to, origin).await.map(Self)
    }

    /// The same from an address of the machine; unspecified leaves it to the machine.
    ///
    /// # Errors
    /// What a program would get from `bind` and `connect`.
    pub(crate) async fn connect_from(
        runtime: &Handle,
        host: HostId,
        from: SocketAddrV4,
        to: SocketAddrV4,
    ) -> Result<Self, NetError> {
        let connected = runtime.tcp_connect_from(host, from, to, Origin::Program);
        connected.await.map(Self)
    }

    /// Its own end.
    pub(crate) fn local_addr(&self) -> Option<SocketAddrV4> {
        self.0.local_addr()
    }
}

impl From<TcpStream> for NetStream {
    fn from(stream: TcpStream) -> Self {
        Self(stream)
    }
}

fn broken(cause: NetError) -> io::Error {
    let kind = match cause {
        NetError::Refused => io::ErrorKind::ConnectionRefused,
        NetError::Reset => io::ErrorKind::ConnectionReset,
        NetError::TimedOut => io::ErrorKind::TimedOut,
        NetError::HostUnreachable => io::ErrorKind::HostUnreachable,
        NetError::NetUnreachable => io::ErrorKind::NetworkUnreachable,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, cause)
}

impl AsyncRead for NetStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.0
            .poll_read(cx, buf.remaining())
            .map(|read| read.map(|data| buf.put_slice(&data)).map_err(broken))
    }
}

impl AsyncWrite for NetStream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.0.poll_write(cx, data).map_err(broken)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.shutdown();
        Poll::Ready(Ok(()))
    }
}
