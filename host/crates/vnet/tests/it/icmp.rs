//! Echo requests, times to live, and errors on their way back through translation.

use crate::lab::{Lab, VIP, any, at, ip, rule};
use clock::Duration;
use vnet::{HostId, IcmpKind, IcmpMessage, Ipv4Addr, Origin, Proto, SockId};

const SECOND: Duration = Duration::from_secs(1);

fn open(lab: &mut Lab, host: HostId) -> SockId {
    lab.net.icmp_open(lab.now, host, Origin::Program).unwrap()
}

/// Sends one echo request and gives what comes back.
fn ping(lab: &mut Lab, from: HostId, to: Ipv4Addr, ttl: u8) -> Option<IcmpMessage> {
    let sock = open(lab, from);
    let now = lab.now;
    lab.net
        .icmp_send(now, sock, to, 7, ttl, b"how are you")
        .unwrap();
    lab.settle(Duration::from_secs(10));
    let message = lab.net.icmp_recv(lab.now, sock);
    lab.net.close(lab.now, sock);
    message
}

#[track_caller]
fn check(lab: &mut Lab, from: HostId, to: &str, ttl: u8, expect: (&str, IcmpKind)) {
    let message = ping(lab, from, ip(to), ttl).expect("something comes back");
    assert_eq!(
        (message.from, message.kind),
        (ip(expect.0), expect.1),
        "{to} {ttl}"
    );
    assert_eq!(message.sequence, 7);
    assert_eq!(*message.about.dst.ip(), ip(to), "what was sent");
}

#[test]
fn every_machine_answers_on_every_address_it_has() {
    let mut lab = Lab::new();
    let (pod, node, workstation) = (lab.pod[0], lab.node[0], lab.workstation);
    let own = [
        "10.244.1.2",
        "127.0.0.1",
        "10.244.1.3",
        "10.244.2.2",
        "10.244.1.1",
        "10.244.2.1",
    ];
    for to in own
        .into_iter()
        .chain(["192.168.1.11", "192.168.1.12", "192.168.1.5"])
    {
        check(&mut lab, pod, to, 64, (to, IcmpKind::EchoReply));
    }
    for to in [
        "10.244.1.2",
        "10.244.2.3",
        "127.0.0.1",
        "192.168.1.5",
        "10.244.2.0",
    ] {
        check(&mut lab, node, to, 64, (to, IcmpKind::EchoReply));
    }
    check(
        &mut lab,
        workstation,
        "192.168.1.12",
        64,
        ("192.168.1.12", IcmpKind::EchoReply),
    );
}

#[test]
fn an_answer_brings_the_payload_back_and_its_time_to_live_counts_the_routers() {
    let mut lab = Lab::new();
    let pod = lab.pod[0];
    let near = ping(&mut lab, pod, ip("10.244.1.3"), 64).unwrap();
    assert_eq!(
        (near.payload.as_slice(), near.ttl),
        (&b"how are you"[..], 64),
        "a bridge is no hop"
    );
    let far = ping(&mut lab, pod, ip("10.244.2.2"), 64).unwrap();
    assert_eq!(far.ttl, 62, "two nodes");
}

#[test]
fn each_router_reports_the_packet_whose_time_runs_out_there() {
    let mut lab = Lab::new();
    let pod = lab.pod[0];
    check(
        &mut lab,
        pod,
        "10.244.2.2",
        1,
        ("10.244.1.1", IcmpKind::TimeExceeded),
    );
    check(
        &mut lab,
        pod,
        "10.244.2.2",
        2,
        ("10.244.2.0", IcmpKind::TimeExceeded),
    );
    check(
        &mut lab,
        pod,
        "10.244.2.2",
        3,
        ("10.244.2.2", IcmpKind::EchoReply),
    );
    check(
        &mut lab,
        pod,
        "10.244.1.3",
        1,
        ("10.244.1.3", IcmpKind::EchoReply),
    );
    check(
        &mut lab,
        pod,
        "192.168.1.5",
        1,
        ("10.244.1.1", IcmpKind::TimeExceeded),
    );
    check(
        &mut lab,
        pod,
        "192.168.1.5",
        2,
        ("192.168.1.5", IcmpKind::EchoReply),
    );
}

#[test]
fn a_udp_probe_is_reported_on_its_way_and_refused_at_its_end() {
    let mut lab = Lab::new();
    let pod = lab.pod[0];
    let heard = open(&mut lab, pod);
    let udp = lab
        .net
        .udp_bind(lab.now, lab.pod[0], any(0), Origin::Program)
        .unwrap();
    let expected = [
        ("10.244.1.1", IcmpKind::TimeExceeded),
        ("10.244.2.0", IcmpKind::TimeExceeded),
        ("10.244.2.2", IcmpKind::Unreachable(3)),
    ];
    for (ttl, (from, kind)) in (1..).zip(expected) {
        lab.net.udp_set_ttl(udp, ttl);
        let to = at(ip("10.244.2.2"), 33_434 + u16::from(ttl));
        lab.net.udp_send(lab.now, udp, to, b"probe").unwrap();
        lab.settle(SECOND);
        let message = lab.net.icmp_recv(lab.now, heard).expect("a report");
        assert_eq!((message.from, message.kind), (ip(from), kind));
        assert_eq!(
            (message.about.proto, message.sequence),
            (Proto::Udp, to.port())
        );
        assert_eq!(
            message.about.src.port(),
            lab.net.local_addr(udp).unwrap().port()
        );
    }
}

#[test]
fn an_error_about_a_translated_packet_shows_it_as_it_was_sent() {
    let mut lab = Lab::new();
    let endpoint = at(ip("10.244.2.2"), 53);
    lab.net
        .set_services(lab.now, vec![rule(Proto::Udp, vec![endpoint])]);
    let pod = lab.pod[0];
    let heard = open(&mut lab, pod);
    let udp = lab
        .net
        .udp_bind(lab.now, lab.pod[0], any(0), Origin::Program)
        .unwrap();
    // At the first router before, at the second after the address of the Service was exchanged.
    for (ttl, from) in [(1, "10.244.1.1"), (2, "10.244.2.0")] {
        lab.net.udp_set_ttl(udp, ttl);
        lab.net
            .udp_send(lab.now, udp, at(VIP, 80), b"probe")
            .unwrap();
        lab.settle(SECOND);
        let message = lab.net.icmp_recv(lab.now, heard).expect("a report");
        assert_eq!(
            (message.from, message.kind),
            (ip(from), IcmpKind::TimeExceeded)
        );
        assert_eq!(message.about.dst, at(VIP, 80));
    }
}

#[test]
fn pods_with_the_same_identifier_share_their_nodes_address_without_mixing_answers() {
    let mut lab = Lab::new();
    let socks: Vec<SockId> = [lab.pod[0], lab.pod[1]]
        .map(|pod| open(&mut lab, pod))
        .to_vec();
    // Identifiers are each machine's own; all pairs are tried until two are equal on the node.
    for round in 0..3 {
        for sock in &socks {
            lab.net
                .icmp_send(lab.now, *sock, ip("192.168.1.5"), round, 64, b"x")
                .unwrap();
        }
    }
    lab.settle(SECOND);
    for sock in socks {
        let answers = std::iter::from_fn(|| lab.net.icmp_recv(lab.now, sock));
        assert_eq!(
            answers.map(|answer| answer.sequence).collect::<Vec<_>>(),
            [0, 1, 2]
        );
    }
    let entries = lab.net.conntrack(lab.node[0]);
    assert_eq!(entries.len(), 2, "one conversation each");
    let line = entries[0].to_string();
    assert!(line.starts_with("icmp     1 "), "{line}");
    assert!(line.contains(" type=8 code=0 id="), "{line}");
    assert!(
        line.contains("src=192.168.1.5 dst=192.168.1.11 type=0 code=0"),
        "{line}"
    );
}

#[test]
fn a_service_address_is_not_pinged_and_an_address_nobody_has_is_unreachable() {
    let mut lab = Lab::new();
    lab.service(vec![at(ip("10.244.2.2"), 80)]);
    let pod = lab.pod[0];
    let refused = ping(&mut lab, pod, VIP, 64).unwrap();
    assert_eq!(refused.kind, IcmpKind::Unreachable(3));
    assert_eq!(
        ping(&mut lab, pod, ip("10.96.0.99"), 64),
        None,
        "no Service has it"
    );
    let begin = lab.now;
    let gone = ping(&mut lab, pod, ip("10.244.2.77"), 64).unwrap();
    assert_eq!(gone.kind, IcmpKind::Unreachable(1));
    assert!(
        gone.at - begin >= Duration::from_secs(3),
        "after three questions"
    );
    assert_eq!(
        ping(&mut lab, pod, ip("198.51.100.1"), 64),
        None,
        "the gateway swallows it"
    );
}

#[test]
fn a_circle_of_routes_ends() {
    let mut lab = Lab::new();
    let (node, workstation) = (lab.node[0], lab.workstation);
    // The node answers for an address that it sends back to itself.
    lab.net.announce(ip("192.168.1.200"), Some(node));
    let ended = ping(&mut lab, workstation, ip("192.168.1.200"), 64).unwrap();
    assert_eq!(
        (ended.from, ended.kind),
        (ip("192.168.1.11"), IcmpKind::TimeExceeded)
    );
}

#[test]
fn a_payload_that_fits_no_packet_is_too_big() {
    let mut lab = Lab::new();
    let pod = lab.pod[0];
    let sock = open(&mut lab, pod);
    let to = ip("10.244.1.3");
    assert!(
        lab.net
            .icmp_send(lab.now, sock, to, 1, 64, &[0; 1422])
            .is_ok()
    );
    let sent = lab.net.icmp_send(lab.now, sock, to, 1, 64, &[0; 1423]);
    assert_eq!(sent, Err(vnet::NetError::TooBig));
}
