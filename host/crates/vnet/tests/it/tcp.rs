//! TCP as programs see it.

use crate::lab::{Lab, any, at, ip, noise};
use clock::Duration;
use vnet::{Cable, NetError, Origin, Recv, TcpFlags, TcpState};

fn pair(lab: &mut Lab, from: usize, to: usize) -> (vnet::SockId, vnet::SockId) {
    let listener = lab.listen(lab.pod[to], 80);
    let to = at(lab.addr(lab.pod[to]), 80);
    let client = lab.connected(lab.pod[from], to);
    let server = lab.accept(listener);
    (client, server)
}

#[test]
fn a_handshake_takes_one_round_trip_and_both_ends_agree_on_the_addresses() {
    let mut lab = Lab::new();
    let listener = lab.listen(lab.pod[2], 80);
    let (state, after, client) = lab.try_connect(lab.pod[0], at(ip("10.244.2.2"), 80));
    assert_eq!(state, TcpState::Open);
    // Two veth pairs and two LAN cables, there and back.
    assert_eq!(after, Duration::from_micros(2 * (5 + 50 + 50 + 5)));
    let server = lab.accept(listener);
    assert_eq!(lab.net.local_addr(client), lab.net.peer_addr(server));
    assert_eq!(lab.net.peer_addr(client), lab.net.local_addr(server));
}

#[test]
fn half_a_close_leaves_the_other_direction_open() {
    let mut lab = Lab::new();
    let (client, server) = pair(&mut lab, 0, 2);
    assert_eq!(lab.net.tcp_send(lab.now, client, b"question"), Ok(8));
    lab.net.tcp_shutdown(lab.now, client);
    assert_eq!(
        lab.net.tcp_send(lab.now, client, b"more"),
        Err(NetError::InvalidState)
    );
    lab.settle(Duration::from_millis(100));
    assert_eq!(
        lab.net.tcp_recv(lab.now, server, 100),
        Ok(Recv::Data(b"question".to_vec()))
    );
    assert_eq!(lab.net.tcp_recv(lab.now, server, 100), Ok(Recv::Eof));
    assert_eq!(lab.net.tcp_send(lab.now, server, b"answer"), Ok(6));
    lab.net.close(lab.now, server);
    lab.settle(Duration::from_millis(100));
    assert_eq!(
        lab.net.tcp_recv(lab.now, client, 100),
        Ok(Recv::Data(b"answer".to_vec()))
    );
    assert_eq!(lab.net.tcp_recv(lab.now, client, 100), Ok(Recv::Eof));
    assert_eq!(lab.net.tcp_state(client), TcpState::Closed);
}

#[test]
fn closing_with_unread_data_resets_the_peer() {
    let mut lab = Lab::new();
    let (client, server) = pair(&mut lab, 0, 2);
    lab.net.tcp_send(lab.now, client, b"never read").unwrap();
    lab.settle(Duration::from_millis(100));
    lab.net.close(lab.now, server);
    lab.settle(Duration::from_millis(100));
    assert_eq!(lab.net.tcp_recv(lab.now, client, 1), Err(NetError::Reset));
    assert_eq!(
        lab.net.tcp_send(lab.now, client, b"x"),
        Err(NetError::Reset)
    );
    assert!(lab.net.ready(client).failed);
}

#[test]
fn a_port_without_a_listener_refuses_at_once() {
    let mut lab = Lab::new();
    let after = lab.refused(lab.pod[0], at(ip("10.244.2.2"), 81));
    assert!(after < Duration::from_millis(1), "{after:?}");
}

#[test]
fn a_full_backlog_drops_the_syn_and_a_later_one_gets_in() {
    let mut lab = Lab::new();
    let listener = lab.net.tcp_listen(lab.now, lab.pod[2], any(80), 2).unwrap();
    let to = at(ip("10.244.2.2"), 80);
    let first = [lab.connected(lab.pod[0], to), lab.connected(lab.pod[0], to)];
    let third = lab.connect(lab.pod[0], to);
    lab.settle(Duration::from_millis(500));
    assert_eq!(lab.net.tcp_state(third), TcpState::Connecting);
    lab.accept(listener);
    lab.settle(Duration::from_secs(2));
    assert_eq!(lab.net.tcp_state(third), TcpState::Open);
    assert!(
        first
            .iter()
            .all(|sock| lab.net.tcp_state(*sock) == TcpState::Open)
    );
}

#[test]
fn a_connect_into_the_void_sends_seven_syns_and_times_out_after_127_seconds() {
    let mut lab = Lab::new();
    lab.net.set_power(lab.now, lab.node[1], false);
    let (state, after, _) = lab.try_connect(lab.pod[0], at(ip("10.244.2.2"), 80));
    assert_eq!(state, TcpState::Failed(NetError::TimedOut));
    assert_eq!(after, Duration::from_secs(127));
    let pod = lab.pod[0];
    let syns = lab
        .net
        .packets()
        .iter()
        .filter(|r| r.host == pod && r.view.tcp_flags.opens());
    let seconds: Vec<u64> = syns.map(|record| record.at.as_secs()).collect();
    assert_eq!(seconds, [0, 1, 3, 7, 15, 31, 63]);
}

#[test]
fn an_address_that_nobody_has_is_no_route_to_host_after_three_seconds() {
    let mut lab = Lab::new();
    for (from, to) in [
        (lab.pod[0], "10.244.2.77"),
        (lab.pod[0], "10.244.1.77"),
        (lab.pod[0], "192.168.1.77"),
        (lab.workstation, "192.168.1.77"),
        (lab.node[0], "10.244.1.77"),
    ] {
        let (state, after, _) = lab.try_connect(from, at(ip(to), 80));
        assert_eq!(
            state,
            TcpState::Failed(NetError::HostUnreachable),
            "to {to}"
        );
        assert!(
            after >= Duration::from_secs(3) && after < Duration::from_secs(4),
            "{after:?}"
        );
    }
}

#[test]
fn a_removed_pod_is_unreachable_and_its_peers_connection_breaks_in_the_end() {
    let mut lab = Lab::new();
    let (client, _) = pair(&mut lab, 0, 2);
    lab.net.remove_host(lab.now, lab.pod[2]);
    lab.net.tcp_send(lab.now, client, b"anyone?").unwrap();
    lab.pass(Duration::from_secs(900));
    assert_eq!(lab.net.tcp_state(client), TcpState::Open);
    lab.pass(Duration::from_secs(60));
    assert_eq!(
        lab.net.tcp_state(client),
        TcpState::Failed(NetError::TimedOut)
    );
    let (state, ..) = lab.try_connect(lab.pod[0], at(ip("10.244.2.2"), 80));
    assert_eq!(state, TcpState::Failed(NetError::HostUnreachable));
}

#[test]
fn a_big_transfer_arrives_intact_over_a_bad_cable() {
    let data = noise(3_000_000);
    for (loss_pct, jitter, reorder_pct, duplicate_pct, corrupt_pct) in [
        (0.0, 0, 0.0, 0.0, 0.0),
        (2.0, 0, 0.0, 0.0, 0.0),
        (0.0, 800, 0.0, 0.0, 0.0),
        (1.0, 300, 1.0, 0.0, 0.0),
        (0.0, 0, 0.0, 5.0, 0.0),
        (0.0, 0, 0.0, 0.0, 2.0),
        (1.0, 300, 1.0, 1.0, 1.0),
    ] {
        let mut lab = Lab::new();
        let (client, server) = pair(&mut lab, 0, 2);
        let bad = Cable {
            loss_pct,
            reorder_pct,
            duplicate_pct,
            corrupt_pct,
            jitter: Duration::from_micros(jitter),
            ..Cable::lan()
        };
        lab.net.set_cable(lab.now, lab.node[1], bad);
        assert!(lab.transfer(client, server, &data) == data, "{bad:?}");
        assert!(lab.transfer(server, client, &data) == data, "{bad:?}");
    }
}

#[test]
fn a_rate_is_kept() {
    let mut lab = Lab::new();
    let (client, server) = pair(&mut lab, 0, 2);
    let slow = Cable {
        rate: Some(10_000_000),
        ..Cable::lan()
    };
    lab.net.set_cable(lab.now, lab.node[1], slow);
    let begin = lab.now;
    let data = noise(1_000_000);
    lab.transfer(client, server, &data);
    let bits = 8_000_000.0 / (lab.now - begin).as_secs_f64();
    // Headers take 7 % of 10 Mbit/s.
    assert!((8_500_000.0..9_900_000.0).contains(&bits), "{bits}");
}

#[test]
fn an_unplugged_cable_stalls_a_connection_and_plugging_it_in_resumes_it() {
    let mut lab = Lab::new();
    let (client, server) = pair(&mut lab, 0, 2);
    lab.net.set_cable(
        lab.now,
        lab.node[1],
        Cable {
            down: true,
            ..Cable::lan()
        },
    );
    lab.net.tcp_send(lab.now, client, b"hello").unwrap();
    lab.settle(Duration::from_secs(5));
    assert_eq!(lab.net.tcp_recv(lab.now, server, 10), Ok(Recv::WouldBlock));
    lab.net.set_cable(lab.now, lab.node[1], Cable::lan());
    lab.settle(Duration::from_secs(10));
    assert_eq!(
        lab.net.tcp_recv(lab.now, server, 10),
        Ok(Recv::Data(b"hello".to_vec()))
    );
}

#[test]
fn localhost_stays_in_the_machine() {
    let mut lab = Lab::new();
    for host in [lab.pod[0], lab.node[0], lab.workstation] {
        let listener = lab
            .net
            .tcp_listen(lab.now, host, at(ip("127.0.0.1"), 8080), 5)
            .unwrap();
        let begin = lab.now;
        let client = lab.connected(host, at(ip("127.0.0.1"), 8080));
        assert_eq!(lab.now, begin, "a machine hears itself at once");
        let server = lab.accept(listener);
        assert_eq!(lab.transfer(client, server, b"hello"), b"hello");
    }
    assert!(
        lab.net
            .packets()
            .iter()
            .all(|record| &*record.iface == "lo")
    );
    lab.refused(lab.pod[1], at(ip("127.0.0.1"), 8080));
    lab.refused(lab.pod[1], at(ip("10.244.1.2"), 8080));
}

#[test]
fn two_listeners_cannot_share_a_port_and_any_address_clashes_with_each() {
    let mut lab = Lab::new();
    let (now, pod) = (lab.now, lab.pod[0]);
    let first = lab
        .net
        .tcp_listen(now, pod, at(ip("127.0.0.1"), 80), 5)
        .unwrap();
    assert_eq!(
        lab.net.tcp_listen(now, pod, any(80), 5),
        Err(NetError::AddrInUse)
    );
    assert!(
        lab.net
            .tcp_listen(now, pod, at(ip("10.244.1.2"), 80), 5)
            .is_ok()
    );
    assert_eq!(
        lab.net.tcp_listen(now, pod, at(ip("1.2.3.4"), 80), 5),
        Err(NetError::AddrNotAvailable)
    );
    lab.net.close(now, first);
    assert!(
        lab.net
            .tcp_listen(now, pod, at(ip("127.0.0.1"), 80), 5)
            .is_ok()
    );
}

#[test]
fn closing_a_listener_resets_those_who_wait() {
    let mut lab = Lab::new();
    let listener = lab.listen(lab.pod[2], 80);
    let client = lab.connected(lab.pod[0], at(ip("10.244.2.2"), 80));
    lab.settle(Duration::from_millis(10));
    lab.net.close(lab.now, listener);
    lab.settle(Duration::from_millis(10));
    assert_eq!(lab.net.tcp_state(client), TcpState::Failed(NetError::Reset));
    lab.refused(lab.pod[0], at(ip("10.244.2.2"), 80));
}

#[test]
fn power_off_takes_the_sockets_of_a_node_and_its_pods() {
    let mut lab = Lab::new();
    let (client, server) = pair(&mut lab, 0, 2);
    lab.net.set_power(lab.now, lab.node[1], false);
    assert_eq!(
        lab.net.tcp_recv(lab.now, server, 1),
        Err(NetError::InvalidState)
    );
    assert!(
        lab.net
            .tcp_connect(
                lab.now,
                lab.pod[2],
                None,
                at(ip("10.244.1.2"), 1),
                Origin::Program
            )
            .is_err()
    );
    lab.net.set_power(lab.now, lab.node[1], true);
    lab.net.tcp_send(lab.now, client, b"still there?").unwrap();
    lab.settle(Duration::from_secs(2));
    assert_eq!(lab.net.tcp_state(client), TcpState::Failed(NetError::Reset));
}

#[test]
fn answers_to_a_checker_are_the_checkers() {
    let mut lab = Lab::new();
    let listener = lab.listen(lab.pod[2], 80);
    let to = at(ip("10.244.2.2"), 80);
    let client = lab
        .net
        .tcp_connect(lab.now, lab.pod[0], None, to, Origin::Checker)
        .unwrap();
    lab.settle(Duration::from_millis(10));
    let server = lab.accept(listener);
    lab.transfer(server, client, b"hello");
    let packets = lab.net.packets();
    assert!(packets.len() > 20);
    assert!(
        packets
            .iter()
            .all(|record| record.origin == Origin::Checker)
    );
}

#[test]
fn a_connection_idle_for_an_hour_still_works_and_closes_in_order() {
    let mut lab = Lab::new();
    let (client, server) = pair(&mut lab, 0, 2);
    lab.pass(Duration::from_secs(3_600));
    assert_eq!(lab.transfer(client, server, b"hello"), b"hello");
    lab.pass(Duration::from_secs(3_600));
    lab.net.close(lab.now, client);
    lab.settle(Duration::from_secs(1));
    assert_eq!(lab.net.tcp_recv(lab.now, server, 1), Ok(Recv::Eof));
    lab.net.close(lab.now, server);
    lab.settle(Duration::from_secs(1));
    let resets = lab
        .net
        .packets()
        .iter()
        .filter(|r| r.view.tcp_flags.has(TcpFlags::RST))
        .count();
    assert_eq!(resets, 0);
    assert_eq!(
        lab.net.poll_at(),
        None,
        "a network in which nothing is under way is silent"
    );
}

#[test]
fn readiness_comes_as_an_edge() {
    let mut lab = Lab::new();
    let listener = lab.listen(lab.pod[2], 80);
    let client = lab.connected(lab.pod[0], at(ip("10.244.2.2"), 80));
    lab.settle(Duration::from_millis(1));
    let events =
        |lab: &mut Lab| -> Vec<_> { std::iter::from_fn(|| lab.net.poll_event()).collect() };
    assert_eq!(
        events(&mut lab),
        [vnet::Event::Ready(client), vnet::Event::Ready(listener)]
    );
    let server = lab.accept(listener);
    assert!(!lab.net.ready(server).readable && lab.net.ready(server).writable);
    lab.net.tcp_send(lab.now, client, b"x").unwrap();
    lab.settle(Duration::from_millis(20));
    assert_eq!(events(&mut lab), [vnet::Event::Ready(server)]);
    assert!(lab.net.ready(server).readable);
}

#[test]
fn what_a_pod_said_before_it_was_removed_still_arrives() {
    let mut lab = Lab::new();
    let (client, server) = pair(&mut lab, 0, 2);
    lab.net.tcp_send(lab.now, server, b"goodbye").unwrap();
    lab.net.close(lab.now, server);
    lab.net.remove_host(lab.now, lab.pod[2]);
    lab.settle(Duration::from_millis(100));
    assert_eq!(
        lab.net.tcp_recv(lab.now, client, 100),
        Ok(Recv::Data(b"goodbye".to_vec()))
    );
    assert_eq!(lab.net.tcp_recv(lab.now, client, 100), Ok(Recv::Eof));
}

#[test]
fn a_node_without_its_lan_still_connects_its_own_pods() {
    let mut lab = Lab::new();
    let down = Cable {
        down: true,
        ..Cable::lan()
    };
    lab.net.set_cable(lab.now, lab.node[0], down);
    let (client, server) = pair(&mut lab, 0, 1);
    assert_eq!(lab.transfer(client, server, b"hello"), b"hello");
}

#[test]
fn more_connections_than_rest_at_once_can_end_on_one_host() {
    let mut lab = Lab::with(vnet::Dataplane::Overlay, vnet::Capture::Headers, 1);
    let listener = lab.listen(lab.pod[2], 80);
    let to = at(ip("10.244.2.2"), 80);
    for _ in 0..vnet::TIME_WAIT_MAX + 500 {
        let client = lab.connected(lab.pod[0], to);
        lab.net.close(lab.now, client);
        let server = lab.accept(listener);
        lab.settle(Duration::from_millis(1));
        lab.net.close(lab.now, server);
        lab.settle(Duration::from_millis(1));
    }
    let rests = |lab: &Lab| {
        let sockets = lab.net.sockets(lab.pod[0]);
        sockets
            .iter()
            .filter(|info| info.state == "TIME_WAIT")
            .count()
    };
    assert_eq!(rests(&lab), vnet::TIME_WAIT_MAX);
    lab.pass(Duration::from_secs(61));
    assert_eq!(rests(&lab), 0);
}
