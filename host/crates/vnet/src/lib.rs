//! The network as a value.

mod addr;
mod net;
mod socket;

pub use addr::{Cidr, ParseCidrError};
pub use net::*;
pub use socket::{NetError, Origin, Proto, Readiness, Recv, SockId, TcpState};
pub use std::net::{Ipv4Addr, SocketAddrV4};
