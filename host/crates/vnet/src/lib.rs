//! A whole small network as a value: machines, cables, TCP/IP stacks, routers, address
//! translation, captures.
//!
//! [`Net`] is a function of its orders, the instants they are given at, and a seed. The same
//! orders give the same packets, to the byte. Every byte between two programs travels in a
//! packet, and every passage of a packet through an interface is in the [`PacketLog`].
//!
//! It never waits, never asks the time, opens no real socket, and knows no Kubernetes object: a
//! Service is a [`ServiceRule`], a pod is a host behind a node, cluster DNS is a pure function
//! ([`dns::answer`]).
//!
//! # Driving it
//!
//! Orders take `now` and do at once what can be done at once. What takes time (latency, a
//! retransmission) is due later: [`Net::poll_at`] says when, [`Net::advance`] does it, and
//! [`Net::poll_event`] says whose sockets to look at again.
//!
//! ```
//! use clock::{Instant, Seed};
//! use vnet::*;
//!
//! let mut net = Net::new(Config {
//!     seed: Seed::new(1),
//!     pod_cidr: "10.244.0.0/16".parse()?,
//!     service_cidr: "10.96.0.0/12".parse()?,
//!     dataplane: Dataplane::Overlay,
//!     capture: Capture::Headers,
//! });
//! let lan = net.add_lan("lan", "192.168.1.0/24".parse()?);
//! let server = net.add_machine("server", lan, Ipv4Addr::new(192, 168, 1, 2));
//! let client = net.add_machine("client", lan, Ipv4Addr::new(192, 168, 1, 3));
//! let address = SocketAddrV4::new(net.host_addr(server), 80);
//! net.tcp_listen(Instant::ZERO, server, address, 128)?;
//! let sock = net.tcp_connect(Instant::ZERO, client, None, address, Origin::Program)?;
//! while let Some(at) = net.poll_at() {
//!     net.advance(at);
//! }
//! assert_eq!(net.tcp_state(sock), TcpState::Open);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What it matches, and where it stops
//!
//! - Linux: errno by errno what a socket call gives; SYN retransmission until 127 s; backlog;
//!   TIME-WAIT; "no route to host" three seconds after asking for an address that nobody has
//!   (a pod that is gone, a machine that was never there). A machine that is powered off or
//!   unplugged is silence: its peers time out.
//! - kube-proxy: random endpoints per connection, masquerading, both traffic policies, ClientIP
//!   affinity. A Service without endpoints refuses: a reset for TCP, ICMP for UDP.
//! - ICMP: every machine answers echo requests, errors travel back through translation, and a
//!   packet whose time to live runs out is reported by the router it dies at.
//! - One path MTU, no fragmentation, no IPv6, no congestion control, no ARP packets (their
//!   outcome and its delay are there).
//!
//! # What happens when something is full
//!
//! | full | then |
//! |---|---|
//! | packet log | the oldest passage is forgotten and counted |
//! | conntrack table | a conversation that never got going makes room, else the packet is lost |
//! | backlog, connections | the SYN is lost |
//! | sockets, hosts | the order fails with `TooMany` |
//! | UDP socket | the datagram is lost |
//! | ICMP socket | the message is lost |
//! | a listener's queue | the packet is counted as dropped |
//! | neighbours | the one unused longest is forgotten |
//! | cable with a rate | the packet is lost |
//! | packets under way | the packet is lost |
//! | TIME-WAIT notes | the one that would end first is forgotten |
//!
//! # Reading order
//!
//! `net` (what there is, what is due), `members` (who comes and goes), `router` (the way of a packet),
//! `gateway` (machines between LANs), `fabric` (nodes that belong together), `nat`, `policy`, `socket`, `stack`,
//! `cable`, `tap`, `capture`, `interfaces`, `iptables`, `pcap`, `dns`.

mod addr;
mod cable;
mod capture;
mod carry;
pub mod dns;
mod fabric;
mod gateway;
mod host;
mod interfaces;
mod iptables;
mod members;
mod nat;
mod net;
mod netstat;
mod packet;
mod pcap;
mod policy;
mod router;
mod slab;
mod socket;
mod stack;
mod tap;
mod topology;

pub use addr::{Cidr, ParseCidrError};
pub use cable::{Cable, QUEUE};
pub use capture::{CAPTURED_BYTES, CAPTURED_MAX, Captured, LISTENING_MAX};
pub use fabric::FabricId;
pub use gateway::{Interface, PortKind, Published};
pub use host::{EPHEMERAL_PORTS, TIME_WAIT_MAX};
pub use interfaces::{Link, LinkKind, Neighbour, NeighbourState, RouteInfo};
pub use iptables::{Match, Rule, RuleChain, Table, Target};
pub use members::HOSTS_MAX;
pub use nat::conntrack::{CONNTRACK_MAX, ConntrackEntry, ConntrackState};
pub use nat::hostport::HostPort;
pub use nat::service::{Frontend, FrontendAddr, ServiceRule, Services};
pub use net::{Capture, Config, Dataplane, Event, HostId, LanId, Net, UNDER_WAY_MAX};
pub use netstat::SocketInfo;
pub use packet::{Flow, TcpFlags};
pub use pcap::PcapWriter;
pub use policy::{Allow, Chain, Denied, Filter, Peer, Ports, Side};
pub use socket::icmp::{IcmpKind, IcmpMessage};
pub use socket::tcp::CONNECTIONS_MAX;
pub use socket::udp::DATAGRAMS_MAX;
pub use socket::{NetError, Origin, Proto, Readiness, Recv, SOCKETS_MAX, SockId, TcpState};
pub use stack::{MTU, OVERLAY_OVERHEAD};
pub use std::net::{Ipv4Addr, SocketAddrV4};
pub use tap::{Counts, Direction, LOG_BYTES, LOG_RECORDS, PacketLog, PacketRecord, PacketView};
pub use topology::{LanInfo, Machine, MachineKind, Topology};
