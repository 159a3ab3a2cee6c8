//! A small cluster to make claims about: two nodes, two pods on each, a workstation.

use clock::{Duration, Instant, Seed};
use vnet::{
    Capture, Config, Dataplane, Frontend, FrontendAddr, HostId, Ipv4Addr, LanId, Net, NetError,
    Origin, Proto, Recv, ServiceRule, SockId, SocketAddrV4, TcpState,
};

pub(crate) const VIP: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 10);

pub(crate) fn ip(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

pub(crate) fn at(addr: Ipv4Addr, port: u16) -> SocketAddrV4 {
    SocketAddrV4::new(addr, port)
}

pub(crate) fn any(port: u16) -> SocketAddrV4 {
    at(Ipv4Addr::UNSPECIFIED, port)
}

pub(crate) struct Lab {
    pub(crate) net: Net,
    pub(crate) now: Instant,
    #[allow(dead_code)]
    pub(crate) lan: LanId,
    pub(crate) workstation: HostId,
    pub(crate) node: [HostId; 2],
    /// Pods 0 and 1 on the first node, 2 and 3 on the second.
    pub(crate) pod: [HostId; 4],
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self::with(Dataplane::Overlay, Capture::Full, 1)
    }

    pub(crate) fn with(dataplane: Dataplane, capture: Capture, seed: u64) -> Self {
        let cidr = |text: &str| text.parse().unwrap();
        let mut net = Net::new(Config {
            seed: Seed::new(seed),
            pod_cidr: cidr("10.244.0.0/16"),
            service_cidr: cidr("10.96.0.0/12"),
            dataplane,
            capture,
        });
        let lan = net.add_lan("lan", cidr("192.168.1.0/24"));
        let workstation = net.add_machine("workstation", lan, ip("192.168.1.5"));
        let node = [
            net.add_node("worker1", lan, ip("192.168.1.11"), cidr("10.244.1.0/24")),
            net.add_node("worker2", lan, ip("192.168.1.12"), cidr("10.244.2.0/24")),
        ];
        let now = Instant::ZERO;
        let mut pod =
            |name: &str, node, addr: &str| net.add_pod(now, name, node, ip(addr)).unwrap();
        let pod = [
            pod("a", node[0], "10.244.1.2"),
            pod("b", node[0], "10.244.1.3"),
            pod("c", node[1], "10.244.2.2"),
            pod("d", node[1], "10.244.2.3"),
        ];
        Self {
            net,
            now,
            lan,
            workstation,
            node,
            pod,
        }
    }

    pub(crate) fn addr(&self, host: HostId) -> Ipv4Addr {
        self.net.host_addr(host)
    }

    /// Runs until nothing is due within `limit`.
    pub(crate) fn settle(&mut self, limit: Duration) {
        let end = self.now + limit;
        while let Some(next) = self.net.poll_at().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.net.advance(self.now);
        }
    }

    /// Lets this much time pass.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.now += time;
        self.net.advance(self.now);
    }

    /// Runs until `done` holds; fails after `limit` of virtual time.
    #[track_caller]
    pub(crate) fn until(
        &mut self,
        limit: Duration,
        mut done: impl FnMut(&mut Net, Instant) -> bool,
    ) {
        let end = self.now + limit;
        while !done(&mut self.net, self.now) {
            let next = self
                .net
                .poll_at()
                .expect("the network fell silent before it was done");
            assert!(next <= end, "not done after {limit:?}");
            self.now = self.now.max(next);
            self.net.advance(self.now);
        }
    }

    pub(crate) fn listen(&mut self, host: HostId, port: u16) -> SockId {
        self.net.tcp_listen(self.now, host, any(port), 128).unwrap()
    }

    pub(crate) fn connect(&mut self, host: HostId, to: SocketAddrV4) -> SockId {
        self.net
            .tcp_connect(self.now, host, None, to, Origin::Program)
            .unwrap()
    }

    /// How a connect ends, and after which time.
    pub(crate) fn try_connect(
        &mut self,
        host: HostId,
        to: SocketAddrV4,
    ) -> (TcpState, Duration, SockId) {
        let begin = self.now;
        let sock = self.connect(host, to);
        self.until(Duration::from_secs(200), |net, _| {
            net.tcp_state(sock) != TcpState::Connecting
        });
        (self.net.tcp_state(sock), self.now - begin, sock)
    }

    #[track_caller]
    pub(crate) fn connected(&mut self, host: HostId, to: SocketAddrV4) -> SockId {
        let (state, _, sock) = self.try_connect(host, to);
        assert_eq!(state, TcpState::Open);
        sock
    }

    #[track_caller]
    pub(crate) fn refused(&mut self, host: HostId, to: SocketAddrV4) -> Duration {
        let (state, after, sock) = self.try_connect(host, to);
        assert_eq!(state, TcpState::Failed(NetError::Refused));
        self.net.close(self.now, sock);
        after
    }

    #[track_caller]
    pub(crate) fn accept(&mut self, listener: SockId) -> SockId {
        let mut accepted = None;
        self.until(Duration::from_secs(10), |net, now| {
            accepted = net.tcp_accept(now, listener).unwrap();
            accepted.is_some()
        });
        accepted.unwrap()
    }

    /// Sends everything from one end and reads it at the other.
    #[track_caller]
    pub(crate) fn transfer(&mut self, from: SockId, to: SockId, data: &[u8]) -> Vec<u8> {
        let mut sent = 0;
        let mut got = Vec::new();
        self.until(Duration::from_secs(3_600), |net, now| {
            loop {
                let mut moved = 0;
                if sent < data.len() {
                    moved += net.tcp_send(now, from, &data[sent..]).unwrap();
                    sent += moved;
                }
                if let Recv::Data(more) = net.tcp_recv(now, to, 65_536).unwrap() {
                    moved += more.len();
                    got.extend(more);
                }
                if moved == 0 {
                    break;
                }
            }
            got.len() >= data.len()
        });
        got
    }

    /// Programs one Service on port 80.
    pub(crate) fn service(&mut self, endpoints: Vec<SocketAddrV4>) {
        let rule = rule(Proto::Tcp, endpoints);
        self.net.set_services(self.now, vec![rule]);
    }

    /// Every packet's passages as text, for assertions that show what was there.
    #[allow(dead_code)]
    pub(crate) fn passages(&self) -> Vec<String> {
        let line = |record: vnet::PacketRecord| {
            format!(
                "{} {} {:?} {}",
                record.host_name, record.iface, record.dir, record.view
            )
        };
        self.net.packets().iter().map(line).collect()
    }
}

/// A Service with a ClusterIP and a NodePort.
pub(crate) fn rule(proto: Proto, endpoints: Vec<SocketAddrV4>) -> ServiceRule {
    ServiceRule {
        name: "default/web:http".into(),
        proto,
        frontends: vec![
            Frontend {
                addr: FrontendAddr::Ip(VIP),
                port: 80,
            },
            Frontend {
                addr: FrontendAddr::AnyNode,
                port: 30_080,
            },
        ],
        endpoints,
        leaving: Vec::new(),
        internal_local: false,
        external_local: false,
        affinity: None,
    }
}

pub(crate) fn noise(len: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let step = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(step).take(len).collect()
}
