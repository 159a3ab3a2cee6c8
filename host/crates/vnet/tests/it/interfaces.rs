//! What machines know about their network, and what is heard at their interfaces.

use crate::lab::{Lab, any, at, ip};
use clock::Duration;
use smoltcp::wire::{Icmpv4Packet, Ipv4Packet, TcpPacket, UdpPacket};
use vnet::{CAPTURED_MAX, Captured, Direction, HostId, NeighbourState, NetError, Origin, SockId};

const SECOND: Duration = Duration::from_secs(1);

fn ping(lab: &mut Lab, from: HostId, to: &str) {
    let sock = lab.net.icmp_open(lab.now, from, Origin::Program).unwrap();
    lab.net
        .icmp_send(lab.now, sock, ip(to), 1, 64, b"x")
        .unwrap();
    lab.settle(SECOND);
    lab.net.close(lab.now, sock);
}

fn listen(lab: &mut Lab, host: HostId, iface: &str) -> SockId {
    lab.net.capture_open(lab.now, host, iface, 65_535).unwrap()
}

fn heard(lab: &mut Lab, sock: SockId) -> Vec<Captured> {
    lab.net.capture_next(lab.now, sock, usize::MAX)
}

fn ways(heard: &[Captured]) -> Vec<String> {
    let way = |one: &Captured| format!("{} {:?}", one.iface, one.dir);
    heard.iter().map(way).collect()
}

#[test]
fn a_node_has_an_overlay_a_bridge_and_a_port_for_each_pod() {
    let lab = Lab::new();
    let links = lab.net.links(lab.node[0]);
    let names: Vec<String> = links
        .iter()
        .map(|link| format!("{} {} {:?}", link.index, link.name, link.addresses))
        .collect();
    assert_eq!(names[0], "1 lo [(127.0.0.1, 8)]");
    assert_eq!(names[1], "2 eth0 [(192.168.1.11, 24)]");
    assert_eq!(names[2], "3 flannel.1 [(10.244.1.0, 32)]");
    assert_eq!(names[3], "4 cni0 [(10.244.1.1, 24)]");
    assert!(names[4].starts_with("5 veth"), "{names:?}");
    assert_eq!(links[4].master, Some(4));
    let pod = lab.net.links(lab.pod[1]);
    assert_eq!((pod[1].peer, pod[1].mtu), (Some(links[5].index), 1450));
    assert!(lab.net.forwards(lab.node[0]) && !lab.net.forwards(lab.pod[0]));
}

#[test]
fn routes_are_the_ways_packets_take() {
    let lab = Lab::new();
    let table = |host| {
        let routes = lab.net.routes(host).into_iter();
        let line = |route: vnet::RouteInfo| {
            let via = route.gateway.map_or("-".to_owned(), |via| via.to_string());
            format!("{} {via} {} {}", route.to, route.link, route.source)
        };
        routes.map(line).collect::<Vec<_>>()
    };
    assert_eq!(
        table(lab.node[0]),
        [
            "10.244.1.0/24 - cni0 10.244.1.1",
            "10.244.2.0/24 10.244.2.0 flannel.1 10.244.1.0",
            "192.168.1.0/24 - eth0 192.168.1.11",
            "0.0.0.0/0 192.168.1.1 eth0 192.168.1.11",
        ]
    );
    assert_eq!(
        table(lab.pod[2]),
        [
            "10.244.2.0/24 - eth0 10.244.2.2",
            "10.244.0.0/16 10.244.2.1 eth0 10.244.2.2",
            "0.0.0.0/0 10.244.2.1 eth0 10.244.2.2",
        ]
    );
}

#[test]
fn neighbours_are_those_spoken_to_and_grow_stale() {
    let mut lab = Lab::new();
    assert!(lab.net.neighbours(lab.pod[0]).is_empty(), "nobody yet");
    let pod = lab.pod[0];
    ping(&mut lab, pod, "10.244.2.2");
    let known = lab.net.neighbours(lab.pod[0]);
    assert_eq!(known.len(), 1);
    assert_eq!(
        (known[0].address, known[0].state),
        (ip("10.244.1.1"), NeighbourState::Reachable)
    );
    let at_node: Vec<String> = lab
        .net
        .neighbours(lab.node[0])
        .into_iter()
        .map(|one| format!("{} {}", one.address, one.link))
        .collect();
    assert_eq!(
        at_node,
        [
            "10.244.1.2 cni0",
            "10.244.2.0 flannel.1",
            "192.168.1.12 eth0"
        ]
    );
    lab.pass(Duration::from_secs(60));
    assert_eq!(
        lab.net.neighbours(lab.pod[0])[0].state,
        NeighbourState::Stale
    );
    let workstation = lab.workstation;
    ping(&mut lab, workstation, "192.168.1.99");
    lab.settle(Duration::from_secs(5));
    let failed = lab.net.neighbours(lab.workstation);
    assert_eq!(
        (failed[0].state, failed[0].mac),
        (NeighbourState::Failed, None)
    );
}

#[test]
fn counters_count_both_ways() {
    let mut lab = Lab::new();
    let pod = lab.pod[0];
    ping(&mut lab, pod, "10.244.2.2");
    let eth0 = lab.net.links(pod)[1].counts;
    // An Ethernet header, an IP header, an ICMP header and one byte.
    assert_eq!((eth0.rx_packets, eth0.rx_bytes), (1, 43));
    assert_eq!((eth0.tx_packets, eth0.tx_bytes), (1, 43));
    let node = lab.net.links(lab.node[0]);
    assert_eq!(
        (node[1].counts.tx_bytes, node[2].counts.tx_bytes),
        (93, 43),
        "50 more outside"
    );
}

#[test]
fn a_listener_hears_every_interface_a_packet_passes_in_its_order() {
    let mut lab = Lab::new();
    let node = lab.node[0];
    let everywhere = listen(&mut lab, node, "any");
    let bridge = listen(&mut lab, node, "cni0");
    let overlay = listen(&mut lab, node, "flannel.1");
    let pod = lab.pod[0];
    ping(&mut lab, pod, "10.244.2.2");
    let passages = ways(&heard(&mut lab, everywhere));
    let veth = lab.net.links(node)[4].name.clone();
    assert_eq!(
        passages,
        [
            format!("{veth} In"),
            "cni0 In".into(),
            "flannel.1 Out".into(),
            "eth0 Out".into(),
            "eth0 In".into(),
            "flannel.1 In".into(),
            "cni0 Out".into(),
            format!("{veth} Out"),
        ]
    );
    assert_eq!(ways(&heard(&mut lab, bridge)), ["cni0 In", "cni0 Out"]);
    assert_eq!(heard(&mut lab, overlay).len(), 2);
}

#[test]
fn what_goes_from_port_to_port_passes_the_bridge_once() {
    let mut lab = Lab::new();
    let node = lab.node[0];
    let bridge = listen(&mut lab, node, "cni0");
    let pod = lab.pod[0];
    ping(&mut lab, pod, "10.244.1.3");
    assert_eq!(
        ways(&heard(&mut lab, bridge)),
        ["cni0 In", "cni0 In"],
        "question and answer"
    );
}

#[test]
fn frames_are_whole_and_have_right_checksums() {
    let mut lab = Lab::new();
    let pod = lab.pod[0];
    let eth0 = listen(&mut lab, pod, "eth0");
    ping(&mut lab, pod, "10.244.2.2");
    let listener = lab.listen(lab.pod[2], 80);
    let client = lab.connected(pod, at(ip("10.244.2.2"), 80));
    let server = lab.accept(listener);
    lab.transfer(client, server, &[7; 3_000]);
    let udp = lab
        .net
        .udp_bind(lab.now, pod, any(0), Origin::Program)
        .unwrap();
    lab.net
        .udp_send(lab.now, udp, at(ip("10.244.2.2"), 9), b"lost")
        .unwrap();
    lab.settle(SECOND);
    let frames = heard(&mut lab, eth0);
    assert!(frames.len() > 8);
    for one in &frames {
        assert_eq!(one.frame.len(), one.len);
        let packet = Ipv4Packet::new_checked(&one.frame[14..]).unwrap();
        assert!(packet.verify_checksum());
        let (src, dst) = (packet.src_addr().into(), packet.dst_addr().into());
        let right = match u8::from(packet.next_header()) {
            1 => Icmpv4Packet::new_checked(packet.payload())
                .unwrap()
                .verify_checksum(),
            6 => TcpPacket::new_checked(packet.payload())
                .unwrap()
                .verify_checksum(&src, &dst),
            _ => UdpPacket::new_checked(packet.payload())
                .unwrap()
                .verify_checksum(&src, &dst),
        };
        assert!(right, "{:?}", one.frame);
    }
}

#[test]
fn a_listener_that_does_not_take_packets_loses_them_and_knows_how_many() {
    let mut lab = Lab::new();
    let pod = lab.pod[0];
    let lo = listen(&mut lab, pod, "lo");
    let udp = lab
        .net
        .udp_bind(lab.now, pod, any(0), Origin::Program)
        .unwrap();
    let own = lab.net.local_addr(udp).unwrap().port();
    for _ in 0..CAPTURED_MAX + 10 {
        lab.net
            .udp_send(lab.now, udp, at(ip("127.0.0.1"), own), b"x")
            .unwrap();
    }
    assert_eq!(lab.net.capture_dropped(lo), 10);
    assert!(lab.net.ready(lo).readable);
    assert_eq!(heard(&mut lab, lo).len(), CAPTURED_MAX);
    assert!(!lab.net.ready(lo).readable);
}

#[test]
fn a_listener_keeps_as_much_as_it_asked_for_and_nothing_after_it_closes() {
    let mut lab = Lab::new();
    let (pod, none) = (lab.pod[0], "eth1");
    let missing = lab.net.capture_open(lab.now, pod, none, 96);
    assert_eq!(missing, Err(NetError::AddrNotAvailable));
    let short = lab.net.capture_open(lab.now, pod, "eth0", 40).unwrap();
    ping(&mut lab, pod, "10.244.2.2");
    let frames = heard(&mut lab, short);
    assert_eq!((frames[0].frame.len(), frames[0].len), (40, 43));
    assert_eq!((frames[0].dir, frames[0].index), (Direction::Out, 2));
    lab.net.close(lab.now, short);
    ping(&mut lab, pod, "10.244.2.2");
    assert!(heard(&mut lab, short).is_empty());
}
