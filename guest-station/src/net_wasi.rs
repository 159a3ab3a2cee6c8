//! The guest side, over wasi:sockets.

use guest_kit::Waitable;
use std::io::{self, Read, Write};
use std::net::SocketAddrV4;
use wasip2::io::streams::{InputStream, OutputStream, StreamError};
use wasip2::sockets::instance_network::instance_network;
use wasip2::sockets::network::{ErrorCode, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress};
use wasip2::sockets::tcp::{ShutdownType, TcpSocket};
use wasip2::sockets::tcp_create_socket::create_tcp_socket;

/// The streams go before the socket they are of.
#[derive(Debug)]
pub(crate) struct Stream {
    input: InputStream,
    output: OutputStream,
    socket: TcpSocket,
}

impl Stream {
    pub(crate) fn connect(to: SocketAddrV4) -> io::Result<Self> {
        let socket = create_tcp_socket(IpAddressFamily::Ipv4).map_err(error)?;
        socket
            .start_connect(&instance_network(), address(to))
            .map_err(error)?;
        let ready = socket.subscribe();
        loop {
            match socket.finish_connect() {
                Ok((input, output)) => {
                    drop(ready);
                    return Ok(Self {
                        input,
                        output,
                        socket,
                    });
                }
                Err(ErrorCode::WouldBlock) => ready.block(),
                Err(code) => return Err(error(code)),
            }
        }
    }

    /// What has arrived, at least a byte unless the other side has finished.
    pub(crate) fn receive(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read(buffer)
    }

    pub(crate) fn finish(&mut self) {
        // A connection that is gone is finished.
        let _ = self.socket.shutdown(ShutdownType::Send);
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.input.blocking_read(buffer.len() as u64) {
            Ok(bytes) => {
                buffer[..bytes.len()].copy_from_slice(&bytes);
                Ok(bytes.len())
            }
            Err(StreamError::Closed) => Ok(0),
            Err(StreamError::LastOperationFailed(_)) => Err(io::ErrorKind::ConnectionReset.into()),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // The most that `blocking-write-and-flush` takes at once.
        let chunk = &bytes[..bytes.len().min(4096)];
        match self.output.blocking_write_and_flush(chunk) {
            Ok(()) => Ok(chunk.len()),
            Err(_) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl guest_kit::Source for Stream {
    fn waitable(&self) -> Waitable<'_> {
        Waitable::new(self.input.subscribe())
    }
}

#[derive(Debug)]
pub(crate) struct Listener(TcpSocket);

impl Listener {
    pub(crate) fn bind(at: SocketAddrV4) -> io::Result<Self> {
        let socket = create_tcp_socket(IpAddressFamily::Ipv4).map_err(error)?;
        let ready = socket.subscribe();
        socket
            .start_bind(&instance_network(), address(at))
            .map_err(error)?;
        ready.block();
        socket.finish_bind().map_err(error)?;
        socket.start_listen().map_err(error)?;
        ready.block();
        socket.finish_listen().map_err(error)?;
        drop(ready);
        Ok(Self(socket))
    }

    pub(crate) fn port(&self) -> u16 {
        match self.0.local_address() {
            Ok(IpSocketAddress::Ipv4(local)) => local.port,
            _ => 0,
        }
    }

    pub(crate) fn accept(&self) -> io::Result<Stream> {
        loop {
            match self.0.accept() {
                Ok((socket, input, output)) => {
                    return Ok(Stream {
                        input,
                        output,
                        socket,
                    });
                }
                Err(ErrorCode::WouldBlock) => self.0.subscribe().block(),
                Err(code) => return Err(error(code)),
            }
        }
    }
}

impl guest_kit::Source for Listener {
    fn waitable(&self) -> Waitable<'_> {
        Waitable::new(self.0.subscribe())
    }
}

fn address(addr: SocketAddrV4) -> IpSocketAddress {
    let [a, b, c, d] = addr.ip().octets();
    IpSocketAddress::Ipv4(Ipv4SocketAddress {
        port: addr.port(),
        address: (a, b, c, d),
    })
}

fn error(code: ErrorCode) -> io::Error {
    use io::ErrorKind as Kind;
    match code {
        ErrorCode::ConnectionRefused => Kind::ConnectionRefused,
        ErrorCode::ConnectionReset | ErrorCode::ConnectionAborted => Kind::ConnectionReset,
        ErrorCode::Timeout => Kind::TimedOut,
        ErrorCode::RemoteUnreachable => Kind::HostUnreachable,
        ErrorCode::AddressInUse => Kind::AddrInUse,
        ErrorCode::AddressNotBindable => Kind::AddrNotAvailable,
        _ => Kind::Other,
    }
    .into()
}
