//! API sketch; bodies follow.

use crate::{Cidr, NetError, Origin, Proto, Readiness, Recv, SockId, TcpState};
use clock::{Duration, Instant, Seed};
use std::net::{Ipv4Addr, SocketAddrV4};

/// Names a host: a pod's sandbox, a node or any other machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(pub(crate) u32);
/// Names a LAN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LanId(pub(crate) u32);
/// How pod packets travel between nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dataplane { /** VXLAN */ Overlay, /** as they are */ Routed }
/// How much of a packet the log keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capture { /** headers */ Headers, /** all */ Full }
/// What a network is made with.
#[derive(Clone, Debug)]
pub struct Config { /** seed */ pub seed: Seed, /** all pods */ pub pod_cidr: Cidr, /** all Services */ pub service_cidr: Cidr, /** between nodes */ pub dataplane: Dataplane, /** log */ pub capture: Capture }
/// A machine's link.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cable { /** one way */ pub latency: Duration, /** added, 0..jitter */ pub jitter: Duration, /** percent */ pub loss_pct: f64, /** percent of packets that overtake */ pub reorder_pct: f64, /** bits per second */ pub rate: Option<u64>, /** unplugged */ pub down: bool }
/// Where a Service listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FrontendAddr { /** ClusterIP (inside service_cidr), externalIP, load balancer address */ Ip(Ipv4Addr), /** NodePort: every node's own address */ AnyNode }
/// One address and port of a Service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Frontend { /** address */ pub addr: FrontendAddr, /** port */ pub port: u16 }
/// One port of a Service as kube-proxy programs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceRule { /** `ns/name:port` */ pub name: String, /** protocol */ pub proto: Proto, /** where */ pub frontends: Vec<Frontend>, /** to whom */ pub endpoints: Vec<SocketAddrV4>, /** internalTrafficPolicy: Local */ pub internal_local: bool, /** externalTrafficPolicy: Local */ pub external_local: bool, /** sessionAffinity: ClientIP timeout */ pub affinity: Option<Duration> }
/// What the outside should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event { /** Something about this socket changed: ask again. */ Ready(SockId) }

/// A whole network.
#[derive(Debug)]
pub struct Net {}

#[allow(unused_variables, missing_docs)]
impl Net {
    pub fn new(config: Config) -> Self { Self {} }
    pub fn add_lan(&mut self, name: &str, cidr: Cidr) -> LanId { LanId(0) }
    pub fn add_machine(&mut self, name: &str, lan: LanId, addr: Ipv4Addr) -> HostId { HostId(0) }
    pub fn add_node(&mut self, name: &str, lan: LanId, addr: Ipv4Addr, pod_cidr: Cidr) -> HostId { HostId(0) }
    pub fn add_pod(&mut self, now: Instant, name: &str, node: HostId, addr: Ipv4Addr) -> Result<HostId, NetError> { Err(NetError::InvalidState) }
    pub fn remove_host(&mut self, now: Instant, host: HostId) {}
    pub fn set_power(&mut self, now: Instant, host: HostId, on: bool) {}
    pub fn set_cable(&mut self, now: Instant, host: HostId, cable: Cable) {}
    pub fn set_services(&mut self, now: Instant, services: Vec<ServiceRule>) {}
    /// A node answers for `addr` on its LAN (externalIPs, load balancer addresses); `None` withdraws it.
    pub fn announce(&mut self, addr: Ipv4Addr, node: Option<HostId>) {}
    pub fn tcp_connect(&mut self, now: Instant, host: HostId, local_port: Option<u16>, remote: SocketAddrV4, origin: Origin) -> Result<SockId, NetError> { Err(NetError::InvalidState) }
    pub fn tcp_listen(&mut self, now: Instant, host: HostId, local: SocketAddrV4, backlog: usize) -> Result<SockId, NetError> { Err(NetError::InvalidState) }
    pub fn tcp_accept(&mut self, now: Instant, sock: SockId) -> Result<Option<SockId>, NetError> { Err(NetError::InvalidState) }
    pub fn tcp_state(&self, sock: SockId) -> TcpState { TcpState::Closed }
    pub fn tcp_send(&mut self, now: Instant, sock: SockId, data: &[u8]) -> Result<usize, NetError> { Err(NetError::InvalidState) }
    pub fn tcp_send_room(&self, sock: SockId) -> Result<usize, NetError> { Err(NetError::InvalidState) }
    pub fn tcp_recv(&mut self, now: Instant, sock: SockId, max: usize) -> Result<Recv, NetError> { Err(NetError::InvalidState) }
    pub fn tcp_shutdown(&mut self, now: Instant, sock: SockId) {}
    pub fn udp_bind(&mut self, now: Instant, host: HostId, local: SocketAddrV4, origin: Origin) -> Result<SockId, NetError> { Err(NetError::InvalidState) }
    pub fn udp_send(&mut self, now: Instant, sock: SockId, to: SocketAddrV4, data: &[u8]) -> Result<(), NetError> { Err(NetError::InvalidState) }
    pub fn udp_recv(&mut self, now: Instant, sock: SockId) -> Option<Result<(SocketAddrV4, Vec<u8>), NetError>> { None }
    pub fn close(&mut self, now: Instant, sock: SockId) {}
    pub fn local_addr(&self, sock: SockId) -> Option<SocketAddrV4> { None }
    pub fn peer_addr(&self, sock: SockId) -> Option<SocketAddrV4> { None }
    pub fn host_addr(&self, host: HostId) -> Ipv4Addr { Ipv4Addr::UNSPECIFIED }
    pub fn ready(&self, sock: SockId) -> Readiness { Readiness::default() }
    pub fn advance(&mut self, now: Instant) {}
    pub fn poll_at(&self) -> Option<Instant> { None }
    pub fn poll_event(&mut self) -> Option<Event> { None }
}
