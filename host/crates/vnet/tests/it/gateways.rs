//! Claims about machines between LANs: Docker hosts, a laptop around a virtual machine, a cloud's
//! edge. Never a container engine: bridges and rules are given here by hand.

use crate::lab::{at, ip};
use clock::{Duration, Instant, Seed};
use vnet::{
    Capture, Config, Dataplane, HostId, LanId, Net, NetError, Origin, PortKind, Proto, Published,
    SocketAddrV4, TcpState,
};

struct Lab {
    net: Net,
    now: Instant,
}

impl Lab {
    fn new() -> Self {
        let cidr = |text: &str| text.parse().unwrap();
        let net = Net::new(Config {
            seed: Seed::new(7),
            pod_cidr: cidr("10.244.0.0/16"),
            service_cidr: cidr("10.96.0.0/12"),
            dataplane: Dataplane::Overlay,
            capture: Capture::Full,
        });
        Self {
            net,
            now: Instant::ZERO,
        }
    }

    fn lan(&mut self, name: &str, cidr: &str) -> LanId {
        self.net.add_lan(name, cidr.parse().unwrap())
    }

    fn container(&mut self, name: &str, lan: LanId, addr: &str) -> HostId {
        let host = self.net.add_container(self.now, name, lan, ip(addr));
        let host = host.unwrap();
        let any = SocketAddrV4::new([0, 0, 0, 0].into(), 80);
        self.net.tcp_listen(self.now, host, any, 16).unwrap();
        host
    }

    /// How a connect ends: open, or why not.
    fn connect(&mut self, from: HostId, to: &str) -> TcpState {
        self.connect_from(from, "0.0.0.0:0", to)
    }

    fn connect_from(&mut self, from: HostId, local: &str, to: &str) -> TcpState {
        let to = to.parse().unwrap();
        let local = local.parse().unwrap();
        let sock = self
            .net
            .tcp_connect_from(self.now, from, local, to, Origin::Program);
        let sock = sock.unwrap();
        let end = self.now + Duration::from_secs(200);
        while self.net.tcp_state(sock) == TcpState::Connecting {
            let next = self.net.poll_at().expect("a connect always ends");
            assert!(next <= end, "a connect ends within its time");
            self.now = self.now.max(next);
            self.net.advance(self.now);
        }
        let state = self.net.tcp_state(sock);
        self.net.close(self.now, sock);
        state
    }

    fn published(&mut self, host: HostId, port: u16, to: &str) {
        let rule = Published {
            proto: Proto::Tcp,
            addr: ip("0.0.0.0"),
            port,
            to: to.parse().unwrap(),
        };
        self.net.publish(self.now, host, [rule]);
    }
}

const TIMEOUT: TcpState = TcpState::Failed(NetError::TimedOut);
const NO_ROUTE: TcpState = TcpState::Failed(NetError::HostUnreachable);

/// Two Docker hosts with the same bridge addresses, and a machine beside them.
struct Hosts {
    lab: Lab,
    station: HostId,
    host: [HostId; 2],
    bridge: [LanId; 2],
    /// 172.17.0.2 and .3 on the first host.
    first: [HostId; 2],
    /// 172.17.0.2 on the second.
    second: HostId,
}

fn hosts() -> Hosts {
    let mut lab = Lab::new();
    let lan = lab.lan("lan", "192.168.1.0/24");
    let station = lab.net.add_machine("workstation", lan, ip("192.168.1.5"));
    let host = [("host-a", "192.168.1.11"), ("host-b", "192.168.1.12")]
        .map(|(name, addr)| lab.net.add_machine(name, lan, ip(addr)));
    let bridge = host.map(|host| {
        let bridge = lab.lan("docker0", "172.17.0.0/16");
        let gateway = ip("172.17.0.1");
        lab.net
            .add_port(host, "docker0", bridge, gateway, PortKind::Bridge);
        bridge
    });
    let first = ["172.17.0.2", "172.17.0.3"].map(|addr| lab.container("c", bridge[0], addr));
    let second = lab.container("d", bridge[1], "172.17.0.2");
    Hosts {
        lab,
        station,
        host,
        bridge,
        first,
        second,
    }
}

#[test]
fn containers_of_one_host_reach_each_other_and_no_other_hosts() {
    let mut on = hosts();
    let [one, _] = on.first;
    assert_eq!(on.lab.connect(one, "172.17.0.3:80"), TcpState::Open);
    assert_eq!(on.lab.connect(on.host[0], "172.17.0.3:80"), TcpState::Open);
    // On the second host the address is its own bridge's, where nobody has it.
    assert_eq!(on.lab.connect(on.second, "172.17.0.3:80"), NO_ROUTE);
    assert_eq!(on.lab.connect(on.host[1], "172.17.0.3:80"), NO_ROUTE);
    // The machine beside them asks its gateway, which knows no such network.
    assert_eq!(on.lab.connect(on.station, "172.17.0.3:80"), TIMEOUT);
}

#[test]
fn a_published_port_leads_from_the_lan_into_the_container_with_the_clients_address() {
    let mut on = hosts();
    on.lab.published(on.host[0], 8080, "172.17.0.2:80");
    let port = "192.168.1.11:8080";
    assert_eq!(on.lab.connect(on.station, port), TcpState::Open);
    // By way of the other host: out masqueraded, in translated.
    assert_eq!(on.lab.connect(on.second, port), TcpState::Open);
    // From the host itself, and from a container by its own host's address.
    assert_eq!(on.lab.connect(on.host[0], port), TcpState::Open);
    assert_eq!(on.lab.connect(on.first[1], port), TcpState::Open);
    assert_eq!(on.lab.connect(on.first[0], port), TcpState::Open);
    let into = |record: &vnet::PacketRecord| {
        &*record.host_name == "host-a" && &*record.iface == "docker0" && record.before.is_some()
    };
    let seen = on.lab.net.packets().iter().find(into);
    let seen = seen
        .expect("the translation is in the log")
        .view
        .to_string();
    assert!(seen.contains("192.168.1.5"), "{seen}");
    assert!(
        seen.contains("172.17.0.2.80") || seen.contains("172.17.0.2:80"),
        "{seen}"
    );
}

#[test]
fn what_was_not_published_is_refused_by_the_host_and_never_reaches_the_bridge() {
    let mut on = hosts();
    let refused = TcpState::Failed(NetError::Refused);
    assert_eq!(on.lab.connect(on.station, "192.168.1.11:80"), refused);
    on.lab.published(on.host[0], 8080, "172.17.0.2:80");
    assert_eq!(
        on.lab.connect(on.station, "192.168.1.11:8080"),
        TcpState::Open
    );
    on.lab.net.publish(on.lab.now, on.host[0], []);
    assert_eq!(on.lab.connect(on.station, "192.168.1.11:8080"), refused);
}

#[test]
fn bridges_of_one_host_are_apart_until_a_port_is_published() {
    let mut on = hosts();
    let second = on.lab.lan("br-1", "172.18.0.0/16");
    let gateway = ip("172.18.0.1");
    on.lab
        .net
        .add_port(on.host[0], "br-1", second, gateway, PortKind::Bridge);
    let other = on.lab.container("e", second, "172.18.0.2");
    assert_eq!(on.lab.connect(other, "172.17.0.2:80"), TIMEOUT);
    on.lab.published(on.host[0], 8080, "172.17.0.2:80");
    assert_eq!(on.lab.connect(other, "192.168.1.11:8080"), TcpState::Open);
    on.lab.net.remove_host(on.lab.now, other);
    on.lab.net.remove_port(on.lab.now, on.host[0], second);
    let lans = on.lab.net.topology().lans;
    assert!(lans.iter().all(|lan| lan.name != "br-1"));
    let again = on
        .lab
        .net
        .add_container(on.lab.now, "f", second, ip("172.18.0.3"));
    assert_eq!(again, Err(NetError::AddrNotAvailable));
    assert_eq!(on.bridge.len(), 2);
}

#[test]
fn a_hidden_network_is_reached_only_from_its_own_address() {
    let mut lab = Lab::new();
    let home = lab.lan("home", "192.168.1.0/24");
    let laptop = lab.net.add_machine("laptop", home, ip("192.168.1.5"));
    let other = lab.net.add_machine("other", home, ip("192.168.1.6"));
    let vm_lan = lab.lan("vm", "192.168.65.0/24");
    let own = ip("192.168.65.1");
    lab.net
        .add_port(laptop, "vm0", vm_lan, own, PortKind::Hidden);
    let vm = lab.container("docker-vm", vm_lan, "192.168.65.3");
    lab.net
        .tcp_listen(lab.now, other, at(ip("0.0.0.0"), 80), 4)
        .unwrap();
    assert_eq!(lab.connect(laptop, "192.168.65.3:80"), TIMEOUT);
    let open = lab.connect_from(laptop, "192.168.65.1:0", "192.168.65.3:80");
    assert_eq!(open, TcpState::Open);
    // The other way it goes out under the laptop's name.
    assert_eq!(lab.connect(vm, "192.168.1.6:80"), TcpState::Open);
    let foreign = lab.net.tcp_connect_from(
        lab.now,
        laptop,
        "10.0.0.1:0".parse().unwrap(),
        at(ip("192.168.65.3"), 80),
        Origin::Program,
    );
    assert_eq!(foreign, Err(NetError::AddrNotAvailable));
}

#[test]
fn a_machine_behind_the_edge_answers_at_its_public_address_and_speaks_with_it() {
    let mut lab = Lab::new();
    let net = lab.lan("internet", "203.0.113.0/24");
    let client = lab.net.add_machine("internet", net, ip("203.0.113.10"));
    let edge = lab.net.add_machine("edge", net, ip("203.0.113.1"));
    let vpc = lab.lan("vpc", "10.128.0.0/20");
    lab.net
        .add_port(edge, "vpc", vpc, ip("10.128.0.1"), PortKind::Mapped);
    let node = lab.container("node", vpc, "10.128.0.2");
    let private = lab.container("private", vpc, "10.128.0.3");
    let public = ip("104.197.41.11");
    lab.net.map_address(edge, ip("10.128.0.2"), public);
    let any = at(ip("0.0.0.0"), 80);
    let listener = lab.net.tcp_listen(lab.now, client, any, 4).unwrap();
    assert_eq!(lab.connect(client, "104.197.41.11:80"), TcpState::Open);
    assert_eq!(lab.connect(client, "10.128.0.2:80"), TIMEOUT);
    assert_eq!(lab.connect(node, "203.0.113.10:80"), TcpState::Open);
    lab.now += Duration::from_millis(1);
    lab.net.advance(lab.now);
    let peer = lab.net.tcp_accept(lab.now, listener).unwrap().unwrap();
    assert_eq!(lab.net.peer_addr(peer).map(|peer| *peer.ip()), Some(public));
    assert_eq!(lab.connect(private, "203.0.113.10:80"), TIMEOUT);
}

#[test]
fn a_router_remembers_conversations_as_conntrack_lists_them() {
    let mut on = hosts();
    on.lab.published(on.host[0], 8080, "172.17.0.2:80");
    let port = "192.168.1.11:8080";
    assert_eq!(on.lab.connect(on.station, port), TcpState::Open);
    let entries = on.lab.net.conntrack(on.host[0]);
    let line = entries.first().expect("one conversation").to_string();
    assert!(
        line.contains("dst=192.168.1.11") && line.contains("src=172.17.0.2"),
        "{line}"
    );
    let names: Vec<String> = on
        .lab
        .net
        .interfaces(on.host[0])
        .into_iter()
        .map(|interface| format!("{} {}", interface.name, interface.addr))
        .collect();
    assert_eq!(names, ["eth0 192.168.1.11", "docker0 172.17.0.1"]);
}
