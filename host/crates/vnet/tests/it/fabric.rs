//! Nodes that are told different things, and nodes of two clusters in one network.

use crate::lab::{Lab, VIP, at, ip, rule};
use clock::Duration;
use vnet::{Dataplane, NetError, Proto, Services, TcpState};

#[test]
fn a_node_goes_by_what_it_was_told_last_whatever_others_know() {
    let mut lab = Lab::new();
    for pod in lab.pod {
        lab.listen(pod, 80);
    }
    let (old, new) = (at(lab.addr(lab.pod[1]), 80), at(lab.addr(lab.pod[3]), 80));
    let vip = at(VIP, 80);
    lab.service(vec![old]);
    // Only the second node hears that the endpoint is another one.
    let told = Services::new(vec![rule(Proto::Tcp, vec![new])]);
    lab.net.program(lab.now, lab.node[1], &told);
    let goes = |lab: &mut Lab, from: usize| {
        let sock = lab.connected(lab.pod[from], vip);
        let entries = lab.net.conntrack(lab.node[from / 2]);
        lab.net.close(lab.now, sock);
        lab.settle(Duration::from_secs(300));
        entries.last().expect("it passed").reply.src
    };
    assert_eq!(goes(&mut lab, 0), old);
    assert_eq!(goes(&mut lab, 2), new);
    lab.net.program(lab.now, lab.node[0], &told);
    assert_eq!(goes(&mut lab, 0), new);
}

#[test]
fn a_node_without_power_forgets_its_rules_until_it_is_told_again() {
    let mut lab = Lab::new();
    lab.listen(lab.pod[3], 80);
    lab.service(vec![at(lab.addr(lab.pod[3]), 80)]);
    lab.net.set_power(lab.now, lab.node[0], false);
    lab.net.set_power(lab.now, lab.node[0], true);
    let (state, ..) = lab.try_connect(lab.node[0], at(VIP, 80));
    assert_eq!(state, TcpState::Failed(NetError::TimedOut));
    lab.service(vec![at(lab.addr(lab.pod[3]), 80)]);
    lab.connected(lab.node[0], at(VIP, 80));
}

#[test]
fn two_fabrics_may_have_the_same_ranges_and_neither_reaches_the_others_pods() {
    let mut lab = Lab::new();
    let cidr = |text: &str| text.parse().unwrap();
    let other = lab.net.add_fabric(
        cidr("10.244.0.0/16"),
        cidr("10.96.0.0/12"),
        Dataplane::Routed,
    );
    let lan = lab.net.add_lan("other", cidr("192.168.2.0/24"));
    let near = lab.net.add_machine("near", lan, ip("192.168.2.5"));
    let node = |lab: &mut Lab, name: &str, addr: &str, pods: &str| {
        lab.net.add_node_to(other, name, lan, ip(addr), cidr(pods))
    };
    let one = node(&mut lab, "one", "192.168.2.11", "10.244.1.0/24");
    let two = node(&mut lab, "two", "192.168.2.12", "10.244.3.0/24");
    let now = lab.now;
    let mut pod = |name: &str, node, addr: &str| lab.net.add_pod(now, name, node, ip(addr));
    let asks = pod("asks", one, "10.244.1.2").unwrap();
    let answers = pod("answers", two, "10.244.3.2").unwrap();
    lab.listen(answers, 80);
    assert_eq!(lab.net.fabric_of(answers), other);
    // Its own, by the same ClusterIP that the first fabric gives to somebody else.
    lab.service(vec![]);
    let own = Services::new(vec![rule(Proto::Tcp, vec![at(lab.addr(answers), 80)])]);
    lab.net.program(lab.now, one, &own);
    lab.net.program(lab.now, two, &own);
    lab.connected(asks, at(VIP, 80));
    lab.connected(near, at(ip("192.168.2.11"), 30_080));
    lab.refused(lab.pod[0], at(VIP, 80));
    // The first fabric has no way to a range that only the second has.
    let (state, ..) = lab.try_connect(lab.pod[0], at(lab.addr(answers), 80));
    assert!(matches!(state, TcpState::Failed(_)), "{state:?}");
    // And what its filters are made of is the second's alone.
    lab.net
        .set_address(now, other, "friends", ip("10.244.1.2"), true);
    assert_eq!(lab.net.iptables(one).len(), 2);
}
