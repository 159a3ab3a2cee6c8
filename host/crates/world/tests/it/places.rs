//! Who reaches whom on each platform. Never a program: listeners and connections are made by hand.

use clock::{Duration, Instant, Seed};
use std::net::{Ipv4Addr, SocketAddrV4};
use vnet::{Capture, HostId, NetError, Origin, TcpState};
use world::docker::{Ask, NetworkAsk, PortAsk};
use world::{NodePlan, PLATFORMS, Platform, Started, World, WorldSpec};

const TIMEOUT: TcpState = TcpState::Failed(NetError::TimedOut);
const NO_ROUTE: TcpState = TcpState::Failed(NetError::HostUnreachable);

struct Lab {
    world: World,
    now: Instant,
}

fn lab(platform: &str) -> Lab {
    let platform = Platform::find(platform).expect("a preset");
    let spec = WorldSpec {
        seed: Seed::new(5),
        epoch: 1_767_225_600,
        platform,
        nodes: platform
            .node_names(None)
            .into_iter()
            .map(|name| NodePlan { name })
            .collect(),
        pod_cidr: platform.pod_range(),
        service_cidr: platform.service_range(),
        dataplane: platform.main().dataplane,
        dns: false,
        capture: Capture::Headers,
        images: ["nginx:latest"]
            .map(|name| cluster::ImageInfo {
                name: name.into(),
                size_bytes: 1,
            })
            .into(),
        root_ca: String::new(),
        more_root_cas: Vec::new(),
        shuffle: false,
    };
    Lab {
        world: World::new(Instant::ZERO, &spec),
        now: Instant::ZERO,
    }
}

impl Lab {
    fn machine(&self, name: &str) -> HostId {
        let machines = self.world.machines();
        let found = machines.iter().find(|(machine, _)| machine == name);
        found.map_or_else(|| self.world.nodes()[name], |(_, host)| *host)
    }

    fn listen(&mut self, host: HostId, port: u16) {
        let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port);
        let net = self.world.net_mut();
        net.tcp_listen(self.now, host, any, 64).expect("free");
    }

    fn connect(&mut self, from: HostId, to: &str) -> TcpState {
        let to = to.parse().expect("an address and a port");
        let net = self.world.net_mut();
        let sock = net.tcp_connect(self.now, from, None, to, Origin::Program);
        let sock = sock.expect("a connect begins");
        let end = self.now + Duration::from_secs(200);
        while self.world.net().tcp_state(sock) == TcpState::Connecting {
            let next = self.world.poll_at().expect("a connect always ends");
            assert!(next <= end, "a connect ends within its time");
            self.now = self.now.max(next);
            self.world.advance(self.now);
            while self.world.poll_output().is_some() {}
        }
        let state = self.world.net().tcp_state(sock);
        self.world.net_mut().close(self.now, sock);
        state
    }

    /// Runs a container that listens on port 80.
    fn container(&mut self, machine: &str, name: &str, publish: Option<u16>) -> Started {
        self.container_on(machine, name, "bridge", publish)
    }

    fn container_on(
        &mut self,
        machine: &str,
        name: &str,
        network: &str,
        publish: Option<u16>,
    ) -> Started {
        let now = self.now;
        let engine = self.world.engine_mut(machine).expect("an engine");
        engine.pull(now, "nginx").expect("known");
        let port = publish.map(|port| PortAsk {
            proto: vnet::Proto::Tcp,
            container: 80,
            addr: Ipv4Addr::UNSPECIFIED,
            host: Some(port),
        });
        let ask = Ask {
            name: Some(name.into()),
            image: "nginx".into(),
            network: network.into(),
            ports: port.into_iter().collect(),
            ..Ask::default()
        };
        let id = engine.create(now, ask, Vec::new(), &[]).expect("created");
        let started = self.world.start_container(now, machine, &id);
        let started = started.expect("starts").expect("did not run");
        self.world.container_started(now, machine, &id);
        self.listen(started.host, 80);
        started
    }
}

#[test]
fn containers_of_two_hosts_have_the_same_addresses_and_only_published_ports_join_them() {
    let mut lab = lab("docker-hosts");
    let one = lab.container("host-a", "one", None);
    let two = lab.container("host-a", "two", None);
    let far = lab.container("host-b", "far", Some(8080));
    assert_eq!(one.addr, far.addr, "each host's bridge begins anew");
    assert_eq!(lab.connect(one.host, "172.17.0.3:80"), TcpState::Open);
    assert_eq!(lab.connect(far.host, "172.17.0.3:80"), NO_ROUTE);
    let station = lab.machine("workstation");
    assert_eq!(lab.connect(station, "172.17.0.2:80"), TIMEOUT);
    for from in [one.host, two.host, station, lab.machine("host-c")] {
        assert_eq!(lab.connect(from, "192.168.10.12:8080"), TcpState::Open);
    }
    lab.world.container_exited(lab.now, "host-b", &far.id, 0);
    let refused = TcpState::Failed(NetError::Refused);
    assert_eq!(lab.connect(station, "192.168.10.12:8080"), refused);
}

#[test]
fn a_network_of_ones_own_is_apart_and_knows_its_containers_by_name() {
    let mut lab = lab("docker-hosts");
    let ask = NetworkAsk {
        name: "shop".into(),
        ..NetworkAsk::default()
    };
    let made = lab.world.create_container_network(lab.now, "host-a", ask);
    made.expect("free");
    let plain = lab.container("host-a", "plain", None);
    let web = lab.container_on("host-a", "web", "shop", None);
    let db = lab.container_on("host-a", "db", "shop", None);
    assert_eq!(lab.connect(web.host, "172.18.0.3:80"), TcpState::Open);
    assert_eq!(lab.connect(plain.host, "172.18.0.3:80"), TIMEOUT);
    let names = lab.world.container_names("host-a", &web.id);
    assert!(names.contains(&("db".into(), db.addr.expect("on a bridge"))));
    assert!(lab.world.container_names("host-a", &plain.id).is_empty());
    assert!(
        lab.world
            .remove_container_network(lab.now, "host-a", "shop")
            .is_err()
    );
    for started in [web, db] {
        lab.world
            .container_exited(lab.now, "host-a", &started.id, 0);
    }
    lab.world
        .remove_container_network(lab.now, "host-a", "shop")
        .expect("empty");
}

#[test]
fn a_node_that_is_a_container_is_reached_from_its_virtual_machine_and_not_from_the_laptop() {
    for (platform, node, addr) in [
        ("minikube-docker", "minikube", "192.168.49.2:31848"),
        ("kind", "kind-control-plane", "172.18.0.2:31848"),
    ] {
        let mut lab = lab(platform);
        let host = lab.machine(node);
        lab.listen(host, 31_848);
        let (laptop, vm) = (lab.machine("laptop"), lab.machine("docker-vm"));
        assert_eq!(lab.connect(laptop, addr), TIMEOUT, "{platform}");
        assert_eq!(lab.connect(vm, addr), TcpState::Open, "{platform}");
    }
}

#[test]
fn a_node_that_is_a_virtual_machine_is_reached_plainly_with_hyperkit_only() {
    let mut direct = lab("minikube-hyperkit");
    let node = direct.machine("minikube");
    direct.listen(node, 31_848);
    let laptop = direct.machine("laptop");
    assert_eq!(direct.connect(laptop, "192.168.64.2:31848"), TcpState::Open);
    let mut desktop = lab("docker-desktop");
    let node = desktop.machine("docker-desktop");
    desktop.listen(node, 31_848);
    let laptop = desktop.machine("laptop");
    assert_eq!(desktop.connect(laptop, "192.168.65.4:31848"), TIMEOUT);
}

#[test]
fn a_clouds_nodes_are_reached_at_their_public_addresses_only() {
    for (platform, private, public) in [
        ("gke", "10.128.0.2:31848", "104.197.41.11:31848"),
        ("eks", "192.168.38.150:31848", "203.0.113.101:31848"),
    ] {
        let mut lab = lab(platform);
        let (_, node) = lab.world.nodes_in_order().remove(0);
        lab.listen(node, 31_848);
        for from in ["internet", "laptop"] {
            let from = lab.machine(from);
            assert_eq!(lab.connect(from, public), TcpState::Open, "{platform}");
            assert_eq!(lab.connect(from, private), TIMEOUT, "{platform}");
        }
        let internet = lab.machine("internet");
        lab.listen(internet, 80);
        assert_eq!(
            lab.connect(node, "203.0.113.10:80"),
            TcpState::Open,
            "{platform}"
        );
    }
}

#[test]
fn the_laptop_learns_a_port_of_its_own_for_what_is_published() {
    let api = |platform| {
        let lab = lab(platform);
        lab.world
            .seen_from_workstation(lab.world.api_address())
            .to_string()
    };
    assert_eq!(api("plain"), "172.18.0.2:6443");
    assert_eq!(api("minikube-hyperkit"), "192.168.64.2:8443");
    assert_eq!(api("docker-desktop"), "127.0.0.1:6443");
    assert!(
        api("minikube-docker").starts_with("127.0.0.1:55"),
        "{}",
        api("minikube-docker")
    );
    let lab = lab("minikube-docker");
    let laptop = lab.machine("laptop");
    let to_laptop: Vec<_> = lab
        .world
        .forwards()
        .into_iter()
        .filter(|forward| forward.host == laptop)
        .collect();
    assert_eq!(to_laptop.len(), 2, "the API server and the node's ssh");
    assert!(
        to_laptop
            .iter()
            .all(|forward| forward.listen.ip().is_loopback())
    );
}

#[test]
fn on_no_lan_do_two_machines_have_one_address() {
    for platform in &PLATFORMS {
        let lab = lab(platform.name);
        let topology = lab.world.net().topology();
        let mut seen = std::collections::BTreeSet::new();
        for machine in &topology.machines {
            for interface in lab.world.net().interfaces(machine.host) {
                assert!(
                    seen.insert((interface.lan, interface.addr)),
                    "{}: {}",
                    platform.name,
                    interface.addr
                );
            }
        }
    }
}
