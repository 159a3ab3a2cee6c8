//! UDP as programs see it.

use crate::lab::{Lab, any, at, ip};
use clock::Duration;
use vnet::{NetError, Origin};

#[test]
fn a_datagram_and_its_answer_cross_nodes() {
    let mut lab = Lab::new();
    let server = lab
        .net
        .udp_bind(lab.now, lab.pod[2], any(53), Origin::Program)
        .unwrap();
    let client = lab
        .net
        .udp_bind(lab.now, lab.pod[0], any(0), Origin::Checker)
        .unwrap();
    lab.net
        .udp_send(lab.now, client, at(ip("10.244.2.2"), 53), b"question")
        .unwrap();
    lab.settle(Duration::from_secs(1));
    let (from, data) = lab.net.udp_recv(lab.now, server).unwrap().unwrap();
    assert_eq!(
        (*from.ip(), &data[..]),
        (ip("10.244.1.2"), &b"question"[..])
    );
    lab.net.udp_send(lab.now, server, from, b"answer").unwrap();
    lab.settle(Duration::from_secs(1));
    let answer = lab.net.udp_recv(lab.now, client);
    assert_eq!(
        answer,
        Some(Ok((at(ip("10.244.2.2"), 53), b"answer".to_vec())))
    );
    assert_eq!(lab.net.udp_recv(lab.now, client), None);
    assert!(
        lab.net
            .packets()
            .iter()
            .all(|record| record.origin == Origin::Checker)
    );
}

#[test]
fn a_port_that_nobody_has_comes_back_as_refused() {
    let mut lab = Lab::new();
    let client = lab
        .net
        .udp_bind(lab.now, lab.pod[0], any(0), Origin::Program)
        .unwrap();
    for to in ["10.244.2.2", "10.244.1.3", "127.0.0.1", "192.168.1.5"] {
        lab.net
            .udp_send(lab.now, client, at(ip(to), 53), b"question")
            .unwrap();
        lab.settle(Duration::from_secs(1));
        assert_eq!(
            lab.net.udp_recv(lab.now, client),
            Some(Err(NetError::Refused)),
            "{to}"
        );
    }
}

#[test]
fn a_datagram_larger_than_a_packet_is_too_big() {
    let mut lab = Lab::new();
    let client = lab
        .net
        .udp_bind(lab.now, lab.pod[0], any(0), Origin::Program)
        .unwrap();
    let sent = lab
        .net
        .udp_send(lab.now, client, at(ip("10.244.2.2"), 53), &[0; 2000]);
    assert_eq!(sent, Err(NetError::TooBig));
}

#[test]
fn a_socket_that_nobody_reads_keeps_a_bounded_number_of_datagrams() {
    let mut lab = Lab::new();
    let server = lab
        .net
        .udp_bind(lab.now, lab.pod[2], any(53), Origin::Program)
        .unwrap();
    let client = lab
        .net
        .udp_bind(lab.now, lab.pod[0], any(0), Origin::Program)
        .unwrap();
    for _ in 0..2000 {
        lab.net
            .udp_send(lab.now, client, at(ip("10.244.2.2"), 53), b"x")
            .unwrap();
    }
    lab.settle(Duration::from_secs(1));
    let kept = std::iter::from_fn(|| lab.net.udp_recv(lab.now, server)).count();
    assert_eq!(kept, 512);
}
