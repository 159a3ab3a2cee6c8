//! What a cable does to packets, counted.

use crate::lab::{Lab, any, at, ip};
use clock::Duration;
use vnet::{Cable, Origin, TcpState};

const DATAGRAMS: u32 = 1_000;

/// What becomes of 1,000 datagrams to a Pod of the second node, whose cable is this one: how
/// often each arrives.
fn arrivals(out: Cable, inward: Cable) -> Vec<usize> {
    let mut lab = Lab::new();
    let client = lab
        .net
        .udp_bind(lab.now, lab.pod[0], any(0), Origin::Program)
        .unwrap();
    let server = lab
        .net
        .udp_bind(lab.now, lab.pod[2], any(53), Origin::Program)
        .unwrap();
    lab.net.set_cables(lab.now, lab.node[1], out, inward);
    let mut heard = vec![0; DATAGRAMS as usize];
    for n in 0..DATAGRAMS {
        lab.net
            .udp_send(lab.now, client, at(ip("10.244.2.2"), 53), &n.to_be_bytes())
            .unwrap();
        lab.settle(Duration::from_millis(10));
        while let Some(got) = lab.net.udp_recv(lab.now, server) {
            let (_, data) = got.unwrap();
            let n = u32::from_be_bytes(data.try_into().expect("nothing damaged arrives"));
            heard[n as usize] += 1;
        }
    }
    heard
}

fn with(change: impl FnOnce(&mut Cable)) -> Cable {
    let mut cable = Cable::lan();
    change(&mut cable);
    cable
}

#[test]
fn a_cable_that_duplicates_delivers_that_share_twice_and_nothing_thrice() {
    let heard = arrivals(Cable::lan(), with(|cable| cable.duplicate_pct = 20.0));
    let twice = heard.iter().filter(|times| **times == 2).count();
    assert!(heard.iter().all(|times| [1, 2].contains(times)));
    assert!((150..250).contains(&twice), "{twice}");
}

#[test]
fn what_a_cable_damages_never_arrives() {
    let heard = arrivals(Cable::lan(), with(|cable| cable.corrupt_pct = 20.0));
    let lost = heard.iter().filter(|times| **times == 0).count();
    assert!((150..250).contains(&lost), "{lost}");
}

#[test]
fn a_fault_on_the_way_out_leaves_the_way_in_alone() {
    let mute = with(|cable| cable.down = true);
    let heard = arrivals(mute, Cable::lan());
    assert!(heard.iter().all(|times| *times == 1));
    let heard = arrivals(Cable::lan(), mute);
    assert!(heard.iter().all(|times| *times == 0));
}

#[test]
fn over_a_cable_that_passes_one_way_a_handshake_is_begun_and_never_ended() {
    let mut lab = Lab::new();
    let to = at(ip("10.244.2.2"), 80);
    lab.net.tcp_listen(lab.now, lab.pod[2], any(80), 5).unwrap();
    let mute = with(|cable| cable.down = true);
    lab.net.set_cables(lab.now, lab.node[1], mute, Cable::lan());
    let (state, ..) = lab.try_connect(lab.pod[0], to);
    assert_eq!(state, TcpState::Failed(vnet::NetError::TimedOut));
    let arrived = lab.net.conntrack(lab.node[1]);
    assert!(!arrived.is_empty(), "the SYN came through");
}
