//! What the machine knows about its network: interfaces, routes, neighbours, sockets.
//!
//! Natively this is what `/proc/net` says, and no more.

use std::net::{Ipv4Addr, SocketAddrV4};

use crate::system;

/// What kind of interface it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkKind {
    /// `lo`
    Loopback,
    /// A cable to a switch.
    Ethernet,
    /// One end of a veth pair.
    Veth,
    /// A node's bridge.
    Bridge,
    /// A node's end of the overlay.
    Vxlan,
}

/// An interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Its number.
    pub index: u32,
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: LinkKind,
    /// The number of a veth's other end, on its own machine.
    pub peer: Option<u32>,
    /// The number of the bridge it is plugged into.
    pub master: Option<u32>,
    /// Its hardware address.
    pub mac: [u8; 6],
    /// The largest packet it takes, in bytes.
    pub mtu: u32,
    /// Whether its cable is plugged in.
    pub up: bool,
    /// Its addresses and the lengths of their prefixes.
    pub addresses: Vec<(Ipv4Addr, u8)>,
    /// Packets and bytes received.
    pub received: (u64, u64),
    /// Packets and bytes sent.
    pub sent: (u64, u64),
}

/// A line of the routing table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Where it leads.
    pub destination: Ipv4Addr,
    /// How many bits of that count.
    pub prefix: u8,
    /// The next hop, unless the destination itself is.
    pub gateway: Option<Ipv4Addr>,
    /// The interface.
    pub link: String,
    /// The address this machine speaks from on this way.
    pub source: Ipv4Addr,
    /// The gateway is on the link although no address of the link says so.
    pub onlink: bool,
}

impl Route {
    /// Whether it leads to this address.
    pub fn covers(&self, address: Ipv4Addr) -> bool {
        let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix.min(32)));
        let mask = mask.unwrap_or(0);
        address.to_bits() & mask == self.destination.to_bits() & mask
    }
}

/// What is known of a neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NeighbourState {
    /// It was spoken to lately.
    Reachable,
    /// It was spoken to once.
    Stale,
    /// Nobody has that address.
    Failed,
}

/// A next hop this machine has spoken to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// Its address.
    pub address: Ipv4Addr,
    /// The interface it is behind.
    pub link: String,
    /// Its hardware address, if it has one.
    pub mac: Option<[u8; 6]>,
    /// What is known.
    pub state: NeighbourState,
}

/// The protocol of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// TCP
    Tcp,
    /// UDP
    Udp,
    /// ICMP
    Icmp,
}

/// A socket of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Socket {
    /// The protocol.
    pub protocol: Protocol,
    /// Our end.
    pub local: SocketAddrV4,
    /// The other end; port 0 when there is none.
    pub remote: SocketAddrV4,
    /// As Linux names it, such as `ESTABLISHED`; empty without a state.
    pub state: String,
    /// Bytes to read; for a listener, connections to accept.
    pub receive_queue: u64,
    /// Bytes not acknowledged; for a listener, its backlog.
    pub send_queue: u64,
    /// The process that has it, when it is one of this container.
    pub pid: Option<u32>,
}

/// The interfaces, by number.
pub fn links() -> Vec<Link> {
    system::links()
}

/// The routing table, the most specific way first.
pub fn routes() -> Vec<Route> {
    system::routes()
}

/// The next hops this machine has spoken to.
pub fn neighbours() -> Vec<Neighbour> {
    system::neighbours()
}

/// Its sockets.
pub fn sockets() -> Vec<Socket> {
    system::sockets()
}

/// Whether this machine routes for others.
pub fn forwards() -> bool {
    system::forwards()
}

/// How rules are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RulesForm {
    /// As `iptables-save` does.
    Save,
    /// As `iptables -S` does.
    Specs,
    /// As `iptables -L -n` does.
    Listing,
}

/// The rules of a table of this machine's packet filter, or of one chain of it; nothing when there
/// is no such table or chain, or nothing to save.
pub fn rules(table: &str, chain: Option<&str>, form: RulesForm) -> Option<String> {
    system::rules(table, chain, form)
}

/// The conversations that this machine remembers, each as `conntrack -L` writes it.
pub fn conversations() -> Vec<String> {
    system::conversations()
}
