//! `wasi:sockets` on the virtual network: addresses and errors, then one file per interface.
//!
//! Never IPv6 (the lab's network has none) and never the host's sockets.

pub(crate) mod names;
pub(crate) mod tcp;
pub(crate) mod udp;

use super::Guest;
use super::bindings::wasi::sockets::{instance_network, network};
use network::{ErrorCode, IpSocketAddress, Ipv4SocketAddress};
use vnet::{Ipv4Addr, NetError, SocketAddrV4};
use wasmtime::Result;
use wasmtime::component::{Resource, ResourceTableError};

/// The network a program was born on; there is only one.
#[derive(Debug)]
pub struct Instance;

/// A socket call's failure: the program's, or ours.
#[derive(Debug)]
pub enum SocketError {
    /// What the program learns.
    Code(ErrorCode),
    /// What ends the program.
    Trap(wasmtime::Error),
}

impl From<ErrorCode> for SocketError {
    fn from(code: ErrorCode) -> Self {
        Self::Code(code)
    }
}

impl From<NetError> for SocketError {
    fn from(err: NetError) -> Self {
        Self::Code(code(err))
    }
}

impl From<wasmtime::Error> for SocketError {
    fn from(err: wasmtime::Error) -> Self {
        Self::Trap(err)
    }
}

impl From<ResourceTableError> for SocketError {
    fn from(err: ResourceTableError) -> Self {
        match err {
            ResourceTableError::Full => Self::Code(ErrorCode::NewSocketLimit),
            err => Self::Trap(err.into()),
        }
    }
}

/// errno in WASI's words.
fn code(err: NetError) -> ErrorCode {
    match err {
        NetError::Refused => ErrorCode::ConnectionRefused,
        NetError::Reset => ErrorCode::ConnectionReset,
        NetError::TimedOut => ErrorCode::Timeout,
        NetError::HostUnreachable | NetError::NetUnreachable => ErrorCode::RemoteUnreachable,
        NetError::AddrInUse => ErrorCode::AddressInUse,
        NetError::AddrNotAvailable => ErrorCode::AddressNotBindable,
        NetError::InvalidState => ErrorCode::InvalidState,
        NetError::TooMany => ErrorCode::NewSocketLimit,
        NetError::TooBig => ErrorCode::DatagramTooLarge,
    }
}

fn from_wasi(addr: IpSocketAddress) -> Result<SocketAddrV4, ErrorCode> {
    match addr {
        IpSocketAddress::Ipv4(Ipv4SocketAddress {
            port,
            address: (a, b, c, d),
        }) => Ok(SocketAddrV4::new(Ipv4Addr::new(a, b, c, d), port)),
        IpSocketAddress::Ipv6(_) => Err(ErrorCode::InvalidArgument),
    }
}

fn to_wasi(addr: SocketAddrV4) -> IpSocketAddress {
    let [a, b, c, d] = addr.ip().octets();
    IpSocketAddress::Ipv4(Ipv4SocketAddress {
        port: addr.port(),
        address: (a, b, c, d),
    })
}

impl network::Host for Guest {
    fn convert_error_code(&mut self, err: SocketError) -> Result<ErrorCode> {
        match err {
            SocketError::Code(code) => Ok(code),
            SocketError::Trap(err) => Err(err),
        }
    }

    fn network_error_code(&mut self, err: Resource<wasmtime::Error>) -> Result<Option<ErrorCode>> {
        Ok(self
            .table
            .get(&err)?
            .downcast_ref::<NetError>()
            .map(|err| code(*err)))
    }
}

impl network::HostNetwork for Guest {
    fn drop(&mut self, network: Resource<Instance>) -> Result<()> {
        self.table.delete(network)?;
        Ok(())
    }
}

impl instance_network::Host for Guest {
    fn instance_network(&mut self) -> Result<Resource<Instance>> {
        Ok(self.table.push(Instance)?)
    }
}
