//! What goes out comes back: in any small topology, every answer reaches the socket that asked,
//! through whatever translations lie between, and every frame that was seen adds up.

use crate::capture::check_packet;
use crate::lab::{any, at, ip};
use clock::{Duration, Instant, Seed};
use pcap_file::pcapng::{Block, PcapNgReader};
use proptest::prelude::*;
use vnet::{
    Capture, Config, Dataplane, Frontend, FrontendAddr, HostId, Ipv4Addr, Net, Origin, Proto, Recv,
    ServiceRule, SockId, SocketAddrV4, TcpState,
};

const VIP: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 10);

/// Nodes with so many pods each, and which of all pods serve.
#[derive(Clone, Debug)]
struct Shape {
    pods: Vec<usize>,
    serving: Vec<bool>,
    overlay: bool,
    local: bool,
    /// Who asks, of all machines, and whom: a Service, a node's port, a pod.
    asks: Vec<(usize, usize)>,
}

fn shapes() -> impl Strategy<Value = Shape> {
    let pods = prop::collection::vec(0..4_usize, 1..4);
    let serving = prop::collection::vec(prop::bool::ANY, 12);
    let asks = prop::collection::vec((0..100_usize, 0..100_usize), 1..30);
    (pods, serving, [prop::bool::ANY, prop::bool::ANY], asks).prop_map(
        |(pods, serving, [overlay, local], asks)| Shape {
            pods,
            serving,
            overlay,
            local,
            asks,
        },
    )
}

struct World {
    net: Net,
    now: Instant,
    nodes: Vec<HostId>,
    pods: Vec<HostId>,
    workstation: HostId,
    tcp: Vec<SockId>,
    udp: Vec<SockId>,
    endpoints: Vec<SocketAddrV4>,
}

fn build(shape: &Shape) -> World {
    let cidr = |text: &str| text.parse().unwrap();
    let mut net = Net::new(Config {
        seed: Seed::new(7),
        pod_cidr: cidr("10.244.0.0/16"),
        service_cidr: cidr("10.96.0.0/12"),
        dataplane: if shape.overlay {
            Dataplane::Overlay
        } else {
            Dataplane::Routed
        },
        capture: Capture::Full,
    });
    let lan = net.add_lan("lan", cidr("192.168.1.0/24"));
    let workstation = net.add_machine("workstation", lan, ip("192.168.1.5"));
    let (mut nodes, mut pods) = (Vec::new(), Vec::new());
    for (n, count) in shape.pods.iter().enumerate() {
        let range = cidr(&format!("10.244.{n}.0/24"));
        let addr = Ipv4Addr::new(192, 168, 1, 11 + n as u8);
        let node = net.add_node(&format!("node-{n}"), lan, addr, range);
        nodes.push(node);
        for pod in 0..*count {
            let addr = Ipv4Addr::new(10, 244, n as u8, 2 + pod as u8);
            let name = format!("pod-{n}-{pod}");
            pods.push(net.add_pod(Instant::ZERO, &name, node, addr).unwrap());
        }
    }
    let now = Instant::ZERO;
    let serving = pods.iter().zip(&shape.serving).filter(|(_, is)| **is);
    let serving: Vec<HostId> = serving.map(|(pod, _)| *pod).collect();
    let endpoints: Vec<_> = serving
        .iter()
        .map(|pod| at(net.host_addr(*pod), 8080))
        .collect();
    let tcp = serving
        .iter()
        .map(|pod| net.tcp_listen(now, *pod, any(8080), 64).unwrap())
        .collect();
    let udp = serving
        .iter()
        .map(|pod| net.udp_bind(now, *pod, any(8080), Origin::Program).unwrap())
        .collect();
    let rule = |proto| ServiceRule {
        name: "default/web:http".into(),
        proto,
        frontends: [(FrontendAddr::Ip(VIP), 80), (FrontendAddr::AnyNode, 30_080)]
            .map(|(addr, port)| Frontend { addr, port })
            .to_vec(),
        endpoints: endpoints.clone(),
        leaving: Vec::new(),
        internal_local: false,
        external_local: shape.local,
        affinity: None,
    };
    net.set_services(now, vec![rule(Proto::Tcp), rule(Proto::Udp)]);
    World {
        net,
        now,
        nodes,
        pods,
        workstation,
        tcp,
        udp,
        endpoints,
    }
}

impl World {
    fn pass(&mut self) {
        let end = self.now + Duration::from_millis(200);
        while let Some(next) = self.net.poll_at().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.net.advance(self.now);
        }
        self.now = end;
        self.net.advance(end);
    }

    /// Who asks and whom.
    fn ends(&self, (from, to): (usize, usize)) -> (HostId, SocketAddrV4) {
        let mut hosts = self.pods.clone();
        hosts.extend(&self.nodes);
        hosts.push(self.workstation);
        let from = hosts[from % hosts.len()];
        let mut doors = vec![at(VIP, 80)];
        doors.extend(
            self.nodes
                .iter()
                .map(|node| at(self.net.host_addr(*node), 30_080)),
        );
        doors.extend(&self.endpoints);
        (from, doors[to % doors.len()])
    }

    /// Every server says back what it hears.
    fn echo(&mut self, talks: &mut Vec<SockId>) {
        let now = self.now;
        for listener in &self.tcp {
            while let Some(talk) = self.net.tcp_accept(now, *listener).unwrap() {
                talks.push(talk);
            }
        }
        for talk in talks {
            if let Ok(Recv::Data(data)) = self.net.tcp_recv(now, *talk, 64) {
                self.net.tcp_send(now, *talk, &data).unwrap();
            }
        }
        for sock in &self.udp {
            while let Some(Ok((from, data))) = self.net.udp_recv(now, *sock) {
                self.net.udp_send(now, *sock, from, &data).unwrap();
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn every_answer_reaches_the_socket_that_asked(shape in shapes()) {
        let mut world = build(&shape);
        let mut asked = Vec::new();
        for (n, ask) in shape.asks.iter().enumerate() {
            let (from, to) = world.ends(*ask);
            let (now, text) = (world.now, format!("question {n}"));
            let tcp = world.net.tcp_connect(now, from, None, to, Origin::Program).unwrap();
            let udp = world.net.udp_bind(now, from, any(0), Origin::Program).unwrap();
            world.net.udp_send(now, udp, to, text.as_bytes()).unwrap();
            let sure = from != world.workstation && !world.endpoints.is_empty() && *to.ip() == VIP;
            asked.push((tcp, udp, to, text, sure));
        }
        world.pass();
        for (tcp, _, _, text, sure) in &asked {
            prop_assert!(!sure || world.net.tcp_state(*tcp) == TcpState::Open);
            if world.net.tcp_state(*tcp) == TcpState::Open {
                world.net.tcp_send(world.now, *tcp, text.as_bytes()).unwrap();
            }
        }
        world.pass();
        let mut talks = Vec::new();
        world.echo(&mut talks);
        world.pass();
        for (tcp, udp, to, text, _) in &asked {
            let now = world.now;
            if world.net.tcp_state(*tcp) == TcpState::Open {
                let got = world.net.tcp_recv(now, *tcp, 64).unwrap();
                prop_assert_eq!(got, Recv::Data(text.clone().into_bytes()));
                let answer = world.net.udp_recv(now, *udp);
                prop_assert_eq!(answer, Some(Ok((*to, text.clone().into_bytes()))));
            } else {
                // What TCP could not reach, UDP could not either.
                prop_assert!(!matches!(world.net.udp_recv(now, *udp), Some(Ok(_))));
            }
        }
        let mut file = Vec::new();
        world.net.packets().write_pcapng(0, |_| true, &mut file).unwrap();
        let mut reader = PcapNgReader::new(&file[..]).unwrap();
        let mut frames = 0;
        while let Some(block) = reader.next_block() {
            if let (Block::EnhancedPacket(block), _) = block.unwrap() {
                check_packet(&block.data[14..]);
                frames += 1;
            }
        }
        prop_assert_eq!(frames, world.net.packets().len());
    }
}
