//! The TCP/IP stacks: smoltcp interfaces that hand packets over by value.
//!
//! One device serves all machines, since only one of them speaks at a time: packets are put in,
//! the interface is polled with one connection's socket, and what it sent is taken out. Never
//! computes a checksum; see `packet.rs`.

use clock::Instant;
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{ChecksumCapabilities, Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::tcp;
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr};
use std::net::Ipv4Addr;

/// The largest packet on a LAN, and in a pod without an overlay.
pub const MTU: usize = 1500;
/// What the overlay's headers take from it.
pub const OVERLAY_OVERHEAD: usize = 50;
/// A connection's receive and send buffers: 44 full packets, enough for every latency that is
/// not set by hand.
pub(crate) const TCP_BUFFER: usize = 64 * 1024;
/// How many finished sockets wait to be used again.
const SOCKET_POOL: usize = 256;
/// How many packet buffers wait to be used again.
const BUFFER_POOL: usize = 1024;

/// smoltcp's idea of an instant.
pub(crate) fn to_smol(at: Instant) -> smoltcp::time::Instant {
    smoltcp::time::Instant::from_micros(i64::try_from(at.as_micros()).unwrap_or(i64::MAX))
}

/// A stack that answers for every address: the caller decides what is its own.
pub(crate) fn interface(now: Instant, mtu: usize, random_seed: u64) -> Interface {
    let mut config = Config::new(HardwareAddress::Ip);
    config.random_seed = random_seed;
    let mut wire = Wire {
        mtu,
        ..Wire::default()
    };
    let mut interface = Interface::new(config, &mut wire, to_smol(now));
    interface.set_any_ip(true);
    interface.update_ip_addrs(|addrs| {
        let addr = IpCidr::new(IpAddress::Ipv4(Ipv4Addr::LOCALHOST), 32);
        addrs.push(addr).expect("there is room for one address");
    });
    interface
}

/// The device: what comes in next and what went out.
#[derive(Debug, Default)]
pub(crate) struct Wire {
    pub(crate) mtu: usize,
    /// Packets to receive, with their lengths; in order.
    pub(crate) incoming: std::collections::VecDeque<(Vec<u8>, u16)>,
    pub(crate) outgoing: Vec<(Vec<u8>, u16)>,
    spare: Vec<Vec<u8>>,
}

impl Wire {
    /// A buffer of at least `len` bytes with anything in it.
    pub(crate) fn buffer(&mut self, len: usize) -> Vec<u8> {
        let mut buffer = self.spare.pop().unwrap_or_else(|| vec![0; MTU]);
        if buffer.len() < len {
            buffer.resize(len, 0);
        }
        buffer
    }

    /// Takes a buffer back.
    pub(crate) fn recycle(&mut self, buffer: Vec<u8>) {
        if self.spare.len() < BUFFER_POOL && buffer.len() >= MTU {
            self.spare.push(buffer);
        }
    }
}

pub(crate) struct Incoming<'a> {
    packet: (Vec<u8>, u16),
    spare: &'a mut Vec<Vec<u8>>,
}

pub(crate) struct Outgoing<'a> {
    outgoing: &'a mut Vec<(Vec<u8>, u16)>,
    spare: Option<Vec<u8>>,
}

impl RxToken for Incoming<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        let (buffer, len) = self.packet;
        let result = read(&buffer[..usize::from(len)]);
        if self.spare.len() < BUFFER_POOL && buffer.len() >= MTU {
            self.spare.push(buffer);
        }
        result
    }
}

impl TxToken for Outgoing<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, write: F) -> R {
        let mut buffer = self.spare.unwrap_or_else(|| vec![0; MTU.max(len)]);
        let result = write(&mut buffer[..len]);
        self.outgoing
            .push((buffer, u16::try_from(len).expect("packets fit an MTU")));
        result
    }
}

impl Device for Wire {
    type RxToken<'a> = Incoming<'a>;
    type TxToken<'a> = Outgoing<'a>;

    fn receive(&mut self, _: smoltcp::time::Instant) -> Option<(Incoming<'_>, Outgoing<'_>)> {
        let packet = self.incoming.pop_front()?;
        let incoming = Incoming {
            packet,
            spare: &mut self.spare,
        };
        Some((
            incoming,
            Outgoing {
                outgoing: &mut self.outgoing,
                spare: None,
            },
        ))
    }

    fn transmit(&mut self, _: smoltcp::time::Instant) -> Option<Outgoing<'_>> {
        let spare = self.spare.pop();
        Some(Outgoing {
            outgoing: &mut self.outgoing,
            spare,
        })
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = self.mtu;
        capabilities.checksum = ChecksumCapabilities::ignored();
        capabilities
    }
}

/// One connection's TCP socket, in a set of its own: polling costs the same with one connection
/// as with thousands.
pub(crate) struct TcpSocket {
    pub(crate) set: SocketSet<'static>,
    handle: SocketHandle,
}

impl TcpSocket {
    fn new() -> Self {
        let buffer = || tcp::SocketBuffer::new(vec![0; TCP_BUFFER]);
        let mut socket = tcp::Socket::new(buffer(), buffer());
        socket.set_nagle_enabled(false);
        let mut set = SocketSet::new(Vec::with_capacity(1));
        let handle = set.add(socket);
        Self { set, handle }
    }

    pub(crate) fn get(&self) -> &tcp::Socket<'static> {
        self.set.get(self.handle)
    }

    pub(crate) fn get_mut(&mut self) -> &mut tcp::Socket<'static> {
        self.set.get_mut(self.handle)
    }
}

/// Finished sockets with their buffers, since making those is what a connection costs.
#[derive(Default)]
pub(crate) struct SocketPool(Vec<TcpSocket>);

impl SocketPool {
    pub(crate) fn take(&mut self) -> TcpSocket {
        self.0.pop().unwrap_or_else(TcpSocket::new)
    }

    /// Takes a socket back. It forgets its conversation when it is used again.
    pub(crate) fn put(&mut self, mut socket: TcpSocket) {
        if self.0.len() < SOCKET_POOL {
            socket.get_mut().abort();
            self.0.push(socket);
        }
    }
}
