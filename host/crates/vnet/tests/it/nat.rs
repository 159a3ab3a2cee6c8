//! Services as kube-proxy programs them.

use crate::lab::{Lab, VIP, any, at, ip, noise, rule};
use clock::Duration;
use std::collections::BTreeMap;
use vnet::{
    Capture, Dataplane, Frontend, FrontendAddr, HostId, Ipv4Addr, NetError, Origin, PacketRecord,
    Proto, TcpState,
};

impl Lab {
    /// Serves on each host's port 8080.
    fn serve(&mut self, hosts: &[HostId]) -> Vec<vnet::SockId> {
        hosts.iter().map(|host| self.listen(*host, 8080)).collect()
    }

    /// Who the client of the next connection seems to be.
    fn client_seen(&mut self, listeners: &[vnet::SockId]) -> Ipv4Addr {
        self.settle(Duration::from_millis(50));
        let now = self.now;
        let server = listeners
            .iter()
            .find_map(|l| self.net.tcp_accept(now, *l).unwrap())
            .unwrap();
        *self.net.peer_addr(server).unwrap().ip()
    }
}

fn on_lan(record: &PacketRecord) -> bool {
    &*record.iface == "eth0"
        && (record.host_name.starts_with("worker") || &*record.host_name == "workstation")
}

#[test]
fn a_pod_reaches_a_service_on_another_node_and_the_address_of_the_service_stays_off_the_wire() {
    for dataplane in [Dataplane::Overlay, Dataplane::Routed] {
        let mut lab = Lab::with(dataplane, Capture::Full, 1);
        let listeners = lab.serve(&[lab.pod[2]]);
        lab.service(vec![at(ip("10.244.2.2"), 8080)]);
        let client = lab.connected(lab.pod[0], at(VIP, 80));
        assert_eq!(lab.net.peer_addr(client), Some(at(VIP, 80)));
        let server = lab.accept(listeners[0]);
        assert_eq!(
            *lab.net.peer_addr(server).unwrap().ip(),
            ip("10.244.1.2"),
            "not masqueraded"
        );
        let data = noise(100_000);
        assert!(lab.transfer(client, server, &data) == data);
        assert!(lab.transfer(server, client, &data) == data);
        let mut wire = 0;
        for record in lab.net.packets().iter().filter(on_lan) {
            assert!(
                record.view.src != VIP && record.view.dst != VIP,
                "{}",
                record.view
            );
            assert_eq!(record.view.outer.is_some(), dataplane == Dataplane::Overlay);
            wire += 1;
        }
        assert!(wire > 100);
    }
}

#[test]
fn a_packet_keeps_its_number_on_every_hop() {
    let mut lab = Lab::new();
    lab.serve(&[lab.pod[2]]);
    lab.service(vec![at(ip("10.244.2.2"), 8080)]);
    lab.connected(lab.pod[0], at(VIP, 80));
    let first: Vec<PacketRecord> = lab.net.packets().iter().collect();
    let syn: Vec<String> = first
        .iter()
        .filter(|record| record.packet_id == first[0].packet_id)
        .map(|record| {
            let iface = if record.iface.starts_with("veth") {
                "veth"
            } else {
                &record.iface
            };
            format!(
                "{}/{iface} {:?} {} > {}",
                record.host_name, record.dir, record.view.src, record.view.dst
            )
        })
        .collect();
    assert_eq!(
        syn,
        [
            "a/eth0 Out 10.244.1.2 > 10.96.0.10",
            "worker1/veth In 10.244.1.2 > 10.96.0.10",
            "worker1/eth0 Out 10.244.1.2 > 10.244.2.2",
            "worker2/eth0 In 10.244.1.2 > 10.244.2.2",
            "worker2/veth Out 10.244.1.2 > 10.244.2.2",
            "c/eth0 In 10.244.1.2 > 10.244.2.2",
        ]
    );
    assert_eq!(first[2].before.map(|flow| flow.dst), Some(at(VIP, 80)));
    assert!(
        first
            .iter()
            .filter(|r| r.packet_id == first[0].packet_id)
            .all(|r| r.seq == 2 || r.before.is_none())
    );
}

#[test]
fn a_service_without_endpoints_refuses_at_once() {
    let mut lab = Lab::new();
    lab.service(vec![]);
    for host in [lab.pod[0], lab.node[0]] {
        assert!(lab.refused(host, at(VIP, 80)) < Duration::from_millis(1));
    }
    assert!(
        lab.refused(lab.workstation, at(ip("192.168.1.11"), 30_080)) < Duration::from_millis(1)
    );
    let client = lab
        .net
        .udp_bind(lab.now, lab.pod[0], any(0), Origin::Program)
        .unwrap();
    lab.net
        .set_services(lab.now, vec![rule(Proto::Udp, vec![])]);
    lab.net
        .udp_send(lab.now, client, at(VIP, 80), b"x")
        .unwrap();
    lab.settle(Duration::from_secs(1));
    assert_eq!(
        lab.net.udp_recv(lab.now, client),
        Some(Err(NetError::Refused))
    );
}

#[test]
fn a_port_the_service_does_not_have_is_refused_and_an_address_no_service_has_is_silence() {
    let mut lab = Lab::new();
    lab.service(vec![at(ip("10.244.2.2"), 8080)]);
    lab.refused(lab.pod[0], at(VIP, 81));
    let (state, ..) = lab.try_connect(lab.pod[0], at(ip("10.96.7.7"), 80));
    assert_eq!(state, TcpState::Failed(NetError::TimedOut));
    assert_eq!(lab.net.packets().iter().filter(on_lan).count(), 0);
}

#[test]
fn a_pod_that_reaches_itself_through_its_service_sees_its_node() {
    let mut lab = Lab::new();
    let listeners = lab.serve(&[lab.pod[0]]);
    lab.service(vec![at(ip("10.244.1.2"), 8080)]);
    let client = lab.connected(lab.pod[0], at(VIP, 80));
    let server = lab.accept(listeners[0]);
    assert_eq!(*lab.net.peer_addr(server).unwrap().ip(), ip("10.244.1.1"));
    assert_eq!(lab.transfer(client, server, b"me"), b"me");
    assert_eq!(lab.transfer(server, client, b"myself"), b"myself");
}

#[test]
fn a_node_port_hides_the_client_and_the_local_policy_shows_it() {
    let mut lab = Lab::new();
    let listeners = lab.serve(&[lab.pod[2]]);
    lab.service(vec![at(ip("10.244.2.2"), 8080)]);
    // Through the other node, through the pod's own, and from a pod: always a node's address.
    for (from, node, seen) in [
        (lab.workstation, "192.168.1.11", "10.244.1.0"),
        (lab.workstation, "192.168.1.12", "10.244.2.1"),
        (lab.pod[0], "192.168.1.11", "10.244.1.0"),
    ] {
        lab.connected(from, at(ip(node), 30_080));
        assert_eq!(lab.client_seen(&listeners), ip(seen), "through {node}");
    }
    let local = vnet::ServiceRule {
        external_local: true,
        ..rule(Proto::Tcp, vec![at(ip("10.244.2.2"), 8080)])
    };
    lab.net.set_services(lab.now, vec![local]);
    lab.connected(lab.workstation, at(ip("192.168.1.12"), 30_080));
    assert_eq!(lab.client_seen(&listeners), ip("192.168.1.5"));
    let (state, ..) = lab.try_connect(lab.workstation, at(ip("192.168.1.11"), 30_080));
    assert_eq!(
        state,
        TcpState::Failed(NetError::TimedOut),
        "no endpoint on this node"
    );
}

#[test]
fn a_node_reaches_services_pods_and_machines() {
    let mut lab = Lab::new();
    let listeners = lab.serve(&[lab.pod[0], lab.pod[2], lab.workstation]);
    let node = lab.node[0];
    for (to, seen) in [
        ("10.244.1.2", "10.244.1.1"),
        ("10.244.2.2", "10.244.1.0"),
        ("192.168.1.5", "192.168.1.11"),
    ] {
        lab.connected(node, at(ip(to), 8080));
        assert_eq!(lab.client_seen(&listeners), ip(seen), "to {to}");
    }
    lab.service(vec![at(ip("10.244.2.2"), 8080)]);
    let client = lab.connected(node, at(VIP, 80));
    let server = lab.accept(listeners[1]);
    assert_eq!(*lab.net.peer_addr(server).unwrap().ip(), ip("10.244.1.0"));
    assert_eq!(lab.transfer(server, client, b"hello"), b"hello");
}

#[test]
fn a_pod_reaches_nodes_and_machines_and_leaves_the_cluster_with_its_nodes_address() {
    let mut lab = Lab::new();
    let listeners = lab.serve(&[lab.workstation, lab.node[0], lab.node[1]]);
    for (to, seen) in [
        ("192.168.1.5", "192.168.1.11"),
        ("192.168.1.11", "10.244.1.2"),
        ("192.168.1.12", "192.168.1.11"),
        ("10.244.1.1", "10.244.1.2"),
    ] {
        lab.connected(lab.pod[0], at(ip(to), 8080));
        assert_eq!(lab.client_seen(&listeners), ip(seen), "to {to}");
    }
}

#[test]
fn a_machine_outside_reaches_nodes_but_neither_pods_nor_services() {
    let mut lab = Lab::new();
    lab.serve(&[lab.pod[2], lab.node[0]]);
    lab.service(vec![at(ip("10.244.2.2"), 8080)]);
    lab.connected(lab.workstation, at(ip("192.168.1.11"), 8080));
    for to in [at(VIP, 80), at(ip("10.244.2.2"), 8080)] {
        let (state, ..) = lab.try_connect(lab.workstation, to);
        assert_eq!(state, TcpState::Failed(NetError::TimedOut), "{to}");
    }
}

#[test]
fn a_service_may_lead_to_a_process_on_a_node() {
    let mut lab = Lab::new();
    let listeners = lab.serve(&[lab.node[1]]);
    lab.service(vec![at(ip("192.168.1.12"), 8080)]);
    for from in [lab.pod[0], lab.node[0], lab.pod[2], lab.node[1]] {
        let client = lab.connected(from, at(VIP, 80));
        let server = lab.accept(listeners[0]);
        assert_eq!(lab.transfer(client, server, b"hello"), b"hello");
        assert_eq!(lab.transfer(server, client, b"hello"), b"hello");
    }
}

#[test]
fn an_external_address_works_from_the_lan_when_a_node_announces_it() {
    let mut lab = Lab::new();
    let listeners = lab.serve(&[lab.pod[2]]);
    let external = ip("192.168.1.200");
    let mut service = rule(Proto::Tcp, vec![at(ip("10.244.2.2"), 8080)]);
    service.frontends.push(Frontend {
        addr: FrontendAddr::Ip(external),
        port: 80,
    });
    lab.net.set_services(lab.now, vec![service]);
    lab.net.announce(external, Some(lab.node[0]));
    lab.connected(lab.workstation, at(external, 80));
    assert_eq!(lab.client_seen(&listeners), ip("10.244.1.0"));
    lab.net.announce(external, None);
    let (state, ..) = lab.try_connect(lab.workstation, at(external, 80));
    assert_eq!(state, TcpState::Failed(NetError::HostUnreachable));
}

#[test]
fn ten_thousand_connections_spread_evenly_and_a_client_with_affinity_stays() {
    let mut lab = Lab::with(Dataplane::Overlay, Capture::Headers, 7);
    let hosts = [lab.pod[1], lab.pod[2], lab.pod[3]];
    let endpoints: Vec<_> = hosts.iter().map(|host| at(lab.addr(*host), 8080)).collect();
    let listeners = lab.serve(&hosts);
    lab.service(endpoints.clone());
    let mut count = [0_i64; 3];
    for _ in 0..10_000 {
        let client = lab.connected(lab.pod[0], at(VIP, 80));
        lab.net.close(lab.now, client);
        lab.settle(Duration::from_millis(1));
        for (index, listener) in listeners.iter().enumerate() {
            if let Some(server) = lab.net.tcp_accept(lab.now, *listener).unwrap() {
                count[index] += 1;
                lab.net.close(lab.now, server);
            }
        }
    }
    assert_eq!(count.iter().sum::<i64>(), 10_000);
    // Four standard deviations of a binomial with n = 10,000 and p = 1/3.
    let bound = 4.0 * (10_000.0_f64 * (1.0 / 3.0) * (2.0 / 3.0)).sqrt();
    for count in count {
        assert!((count as f64 - 10_000.0 / 3.0).abs() < bound, "{count:?}");
    }

    let sticky = vnet::ServiceRule {
        affinity: Some(Duration::from_secs(10_800)),
        ..rule(Proto::Tcp, endpoints)
    };
    lab.net.set_services(lab.now, vec![sticky]);
    let mut seen: BTreeMap<usize, u32> = BTreeMap::new();
    for _ in 0..50 {
        let client = lab.connected(lab.pod[0], at(VIP, 80));
        lab.settle(Duration::from_millis(1));
        let now = lab.now;
        let index = listeners
            .iter()
            .position(|l| lab.net.tcp_accept(now, *l).unwrap().is_some())
            .unwrap();
        *seen.entry(index).or_default() += 1;
        lab.net.close(lab.now, client);
    }
    assert_eq!(seen.len(), 1);
}

#[test]
fn a_change_of_endpoints_moves_udp_conversations_and_leaves_tcp_connections() {
    let mut lab = Lab::new();
    let servers = [2, 3].map(|pod| {
        lab.net
            .udp_bind(lab.now, lab.pod[pod], any(53), Origin::Program)
            .unwrap()
    });
    let client = lab
        .net
        .udp_bind(lab.now, lab.pod[0], any(0), Origin::Program)
        .unwrap();
    for (server, addr) in servers.into_iter().zip(["10.244.2.2", "10.244.2.3"]) {
        lab.net
            .set_services(lab.now, vec![rule(Proto::Udp, vec![at(ip(addr), 53)])]);
        lab.net
            .udp_send(lab.now, client, at(VIP, 80), b"x")
            .unwrap();
        lab.settle(Duration::from_millis(10));
        let (from, _) = lab.net.udp_recv(lab.now, server).unwrap().unwrap();
        lab.net.udp_send(lab.now, server, from, b"y").unwrap();
        lab.settle(Duration::from_millis(10));
        assert_eq!(
            lab.net.udp_recv(lab.now, client),
            Some(Ok((at(VIP, 80), b"y".to_vec())))
        );
    }
    let listeners = lab.serve(&[lab.pod[2]]);
    lab.service(vec![at(ip("10.244.2.2"), 8080)]);
    let client = lab.connected(lab.pod[0], at(VIP, 80));
    let server = lab.accept(listeners[0]);
    lab.service(vec![at(ip("10.244.2.3"), 8080)]);
    assert_eq!(lab.transfer(client, server, b"still here"), b"still here");
}

#[test]
fn an_icmp_error_comes_back_through_the_translation() {
    let mut lab = Lab::new();
    lab.net.set_services(
        lab.now,
        vec![rule(Proto::Udp, vec![at(ip("10.244.2.2"), 53)])],
    );
    let client = lab
        .net
        .udp_bind(lab.now, lab.pod[0], any(0), Origin::Program)
        .unwrap();
    lab.net
        .udp_send(lab.now, client, at(VIP, 80), b"x")
        .unwrap();
    lab.settle(Duration::from_millis(10));
    assert_eq!(
        lab.net.udp_recv(lab.now, client),
        Some(Err(NetError::Refused))
    );
    let outside = lab
        .net
        .udp_bind(lab.now, lab.workstation, any(0), Origin::Program)
        .unwrap();
    lab.net
        .udp_send(lab.now, outside, at(ip("192.168.1.11"), 30_080), b"x")
        .unwrap();
    lab.settle(Duration::from_millis(10));
    assert_eq!(
        lab.net.udp_recv(lab.now, outside),
        Some(Err(NetError::Refused))
    );
}

#[test]
fn conntrack_reads_like_conntrack() {
    let mut lab = Lab::new();
    lab.serve(&[lab.pod[2]]);
    lab.service(vec![at(ip("10.244.2.2"), 8080)]);
    let client = lab.connected(lab.pod[0], at(VIP, 80));
    lab.settle(Duration::from_millis(10));
    let port = lab.net.local_addr(client).unwrap().port();
    let lines: Vec<String> = lab
        .net
        .conntrack(lab.node[0])
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        lines,
        [format!(
            "tcp      6 86399 ESTABLISHED src=10.244.1.2 dst=10.96.0.10 sport={port} dport=80 \
             src=10.244.2.2 dst=10.244.1.2 sport=8080 dport={port} [ASSURED] mark=0 use=1"
        )]
    );
    lab.net.close(lab.now, client);
    lab.pass(Duration::from_secs(100_000));
    assert!(lab.net.conntrack(lab.node[0]).is_empty());
}
