//! Sockets, clocks and signals of a container, over wasi pollables.
//! The twin of `native.rs`: the same names, and nothing of HTTP.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::rc::Rc;

use wasip2::clocks::{monotonic_clock, wall_clock};
use wasip2::io::poll::{self, Pollable};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};
use wasip2::sockets::instance_network::instance_network;
use wasip2::sockets::ip_name_lookup::resolve_addresses;
use wasip2::sockets::network::{
    ErrorCode, IpAddress, IpAddressFamily, IpSocketAddress, Ipv4SocketAddress,
};
use wasip2::sockets::tcp::{ShutdownType, TcpSocket};
use wasip2::sockets::tcp_create_socket::create_tcp_socket;

use crate::http::date::Now;
use bindings::lab::process::signals;

/// How many connections wait to be accepted.
const BACKLOG: u64 = 511;

mod bindings {
    //! Nothing but what is generated from `wit/`.
    #![allow(
        unsafe_code,
        unreachable_pub,
        unused_qualifications,
        missing_debug_implementations,
        clippy::all
    )]
    wit_bindgen::generate!({
        inline: "package lab:server; world server { import lab:process/signals@0.1.0; }",
        path: "../wit",
        world: "lab:server/server",
        with: { "lab:process/signals@0.1.0": generate, "wasi:io/poll@0.2.12": wasip2::io::poll },
    });
}

/// The number and the words of a system error.
pub type Errno = (u32, &'static str);

/// Something `wait` can wait for.
#[derive(Debug)]
pub struct Source(Pollable);

/// Waits until one of these is ready or the time is over; the indices of the ready ones.
pub fn wait(sources: &[Rc<Source>], timeout_ns: Option<u64>) -> Vec<usize> {
    let timer = timeout_ns.map(monotonic_clock::subscribe_duration);
    let pollables: Vec<&Pollable> = sources
        .iter()
        .map(|source| &source.0)
        .chain(timer.as_ref())
        .collect();
    if pollables.is_empty() {
        return Vec::new();
    }
    let ready = poll::poll(&pollables).into_iter();
    ready
        .map(|at| at as usize)
        .filter(|at| *at < sources.len())
        .collect()
}

/// The monotonic clock.
pub fn monotonic_ns() -> u64 {
    monotonic_clock::now()
}

/// The wall clock.
pub fn wall() -> Now {
    let now = wall_clock::now();
    Now {
        seconds: now.seconds,
        nanos: now.nanoseconds,
    }
}

fn errno(error: ErrorCode) -> Errno {
    match error {
        ErrorCode::AccessDenied => (13, "Permission denied"),
        ErrorCode::AddressInUse => (98, "Address already in use"),
        ErrorCode::AddressNotBindable => (99, "Cannot assign requested address"),
        ErrorCode::ConnectionReset | ErrorCode::ConnectionAborted => {
            (104, "Connection reset by peer")
        }
        ErrorCode::Timeout => (110, "Connection timed out"),
        ErrorCode::ConnectionRefused => (111, "Connection refused"),
        ErrorCode::RemoteUnreachable => (113, "No route to host"),
        _ => (5, "Input/output error"),
    }
}

fn to_wasi(address: SocketAddrV4) -> IpSocketAddress {
    let [a, b, c, d] = address.ip().octets();
    IpSocketAddress::Ipv4(Ipv4SocketAddress {
        port: address.port(),
        address: (a, b, c, d),
    })
}

fn from_wasi(address: Result<IpSocketAddress, ErrorCode>) -> SocketAddrV4 {
    match address {
        Ok(IpSocketAddress::Ipv4(Ipv4SocketAddress {
            port,
            address: (a, b, c, d),
        })) => SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), port),
        _ => SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0),
    }
}

/// A listening socket. Fields that are children of others on the host stand before them.
#[derive(Debug)]
pub struct Listener {
    source: Rc<Source>,
    socket: TcpSocket,
}

impl Listener {
    /// Listens on an address.
    pub async fn bind(address: SocketAddrV4) -> Result<Self, Errno> {
        let socket = create_tcp_socket(IpAddressFamily::Ipv4).map_err(errno)?;
        let source = Rc::new(Source(socket.subscribe()));
        socket
            .start_bind(&instance_network(), to_wasi(address))
            .map_err(errno)?;
        super::wait_for(Rc::clone(&source), None).await;
        socket.finish_bind().map_err(errno)?;
        // A host that does not let the backlog be chosen has one of its own.
        let _ = socket.set_listen_backlog_size(BACKLOG);
        socket.start_listen().map_err(errno)?;
        super::wait_for(Rc::clone(&source), None).await;
        socket.finish_listen().map_err(errno)?;
        Ok(Self { source, socket })
    }

    /// The next client, if one waits.
    pub fn accept(&self) -> Result<Option<Socket>, Errno> {
        match self.socket.accept() {
            Ok((socket, input, output)) => Ok(Some(Socket::new(socket, input, output))),
            Err(ErrorCode::WouldBlock) => Ok(None),
            Err(error) => Err(errno(error)),
        }
    }

    /// Ready when a client waits.
    pub fn source(&self) -> Rc<Source> {
        Rc::clone(&self.source)
    }

    /// Its own address.
    pub fn local(&self) -> SocketAddrV4 {
        from_wasi(self.socket.local_address())
    }
}

/// A connected socket. Fields that are children of others on the host stand before them.
#[derive(Debug)]
pub struct Socket {
    readable: Option<Rc<Source>>,
    writable: Option<Rc<Source>>,
    input: InputStream,
    output: OutputStream,
    socket: TcpSocket,
}

impl Socket {
    fn new(socket: TcpSocket, input: InputStream, output: OutputStream) -> Self {
        Self {
            readable: None,
            writable: None,
            input,
            output,
            socket,
        }
    }

    /// Connects; fails after the deadline of the loop's clock.
    pub async fn connect(address: SocketAddrV4, until_ns: u64) -> Result<Self, Errno> {
        let socket = create_tcp_socket(IpAddressFamily::Ipv4).map_err(errno)?;
        let source = Rc::new(Source(socket.subscribe()));
        socket
            .start_connect(&instance_network(), to_wasi(address))
            .map_err(errno)?;
        loop {
            match socket.finish_connect() {
                Ok((input, output)) => {
                    drop(source);
                    return Ok(Self::new(socket, input, output));
                }
                Err(ErrorCode::WouldBlock) => {}
                Err(error) => return Err(errno(error)),
            }
            if !super::wait_for(Rc::clone(&source), Some(until_ns)).await {
                return Err((110, "Connection timed out"));
            }
        }
    }

    /// Appends what has come, up to `most` bytes: how many, `Some(0)` at the end, nothing when none waits.
    pub fn read(&mut self, into: &mut Vec<u8>, most: usize) -> Result<Option<usize>, Errno> {
        match self.input.read(most as u64) {
            Ok(bytes) if bytes.is_empty() => Ok(None),
            Ok(bytes) => {
                into.extend_from_slice(&bytes);
                Ok(Some(bytes.len()))
            }
            Err(StreamError::Closed) => Ok(Some(0)),
            Err(StreamError::LastOperationFailed(_)) => Err((104, "Connection reset by peer")),
        }
    }

    /// Writes what there is room for.
    pub fn write(&mut self, bytes: &[u8]) -> Result<usize, Errno> {
        let broken = |_| (32, "Broken pipe");
        let room = self.output.check_write().map_err(broken)?;
        let count = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len());
        if count > 0 {
            self.output.write(&bytes[..count]).map_err(broken)?;
        }
        Ok(count)
    }

    /// Whether all that was written has left this program.
    pub fn flushed(&mut self) -> bool {
        self.output.flush().is_err() || self.output.check_write().map_or(true, |room| room > 0)
    }

    /// Ready when there is something to read.
    pub fn readable(&mut self) -> Rc<Source> {
        let input = &self.input;
        Rc::clone(
            self.readable
                .get_or_insert_with(|| Rc::new(Source(input.subscribe()))),
        )
    }

    /// Ready when there is room to write.
    pub fn writable(&mut self) -> Rc<Source> {
        let output = &self.output;
        Rc::clone(
            self.writable
                .get_or_insert_with(|| Rc::new(Source(output.subscribe()))),
        )
    }

    /// Says that no more will be written.
    pub fn finish(&mut self) {
        // The other side may be gone already.
        let _ = self.socket.shutdown(ShutdownType::Send);
    }

    /// Its own address.
    pub fn local(&self) -> SocketAddrV4 {
        from_wasi(self.socket.local_address())
    }

    /// The other side's address.
    pub fn remote(&self) -> SocketAddrV4 {
        from_wasi(self.socket.remote_address())
    }
}

/// The addresses of a name, waiting for them.
pub fn resolve_now(name: &str) -> Vec<Ipv4Addr> {
    let Ok(stream) = resolve_addresses(&instance_network(), name) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    loop {
        match stream.resolve_next_address() {
            Ok(Some(IpAddress::Ipv4((a, b, c, d)))) => found.push(Ipv4Addr::new(a, b, c, d)),
            Ok(Some(IpAddress::Ipv6(_))) => {}
            Err(ErrorCode::WouldBlock) => stream.subscribe().block(),
            Ok(None) | Err(_) => break,
        }
    }
    found
}

/// The same without keeping others waiting.
pub async fn resolve(name: &str) -> Vec<Ipv4Addr> {
    let Ok(stream) = resolve_addresses(&instance_network(), name) else {
        return Vec::new();
    };
    let source = Rc::new(Source(stream.subscribe()));
    let mut found = Vec::new();
    loop {
        match stream.resolve_next_address() {
            Ok(Some(IpAddress::Ipv4((a, b, c, d)))) => found.push(Ipv4Addr::new(a, b, c, d)),
            Ok(Some(IpAddress::Ipv6(_))) => {}
            Err(ErrorCode::WouldBlock) => {
                super::wait_for(Rc::clone(&source), None).await;
            }
            Ok(None) | Err(_) => break,
        }
    }
    drop(source);
    found
}

/// From now on these signals are kept for `next_signal`.
pub fn handle_signals(list: &[u8]) {
    signals::handle(list);
}

/// A signal that was sent.
pub fn next_signal() -> Option<u8> {
    signals::next()
}

/// Ready when a signal was sent.
pub fn signal_source() -> Rc<Source> {
    Rc::new(Source(signals::subscribe()))
}
