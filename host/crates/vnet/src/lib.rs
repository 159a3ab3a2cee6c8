//! The network as a value.

mod addr;
mod cable;
mod host;
mod nat;
mod net;
mod packet;
mod router;
mod slab;
mod socket;
mod stack;
mod tap;

pub use addr::{Cidr, ParseCidrError};
pub use cable::Cable;
pub use nat::conntrack::{CONNTRACK_MAX, ConntrackEntry, ConntrackState};
pub use nat::service::{Frontend, FrontendAddr, ServiceRule};
pub use net::{Capture, Config, Dataplane, Event, HOSTS_MAX, HostId, LanId, Net};
pub use packet::{Flow, TcpFlags};
pub use socket::{NetError, Origin, Proto, Readiness, Recv, SockId, TcpState};
pub use std::net::{Ipv4Addr, SocketAddrV4};
pub use tap::{Direction, LOG_BYTES, LOG_RECORDS, PacketLog, PacketRecord, PacketView};
