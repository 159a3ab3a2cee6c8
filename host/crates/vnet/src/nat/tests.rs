//! What must hold for every packet and every conversation.

use super::*;
use crate::packet::write_udp;
use crate::socket::Origin;
use clock::{Duration, Seed};
use conntrack::CONNTRACK_MAX;
use proptest::prelude::*;
use service::{Frontend, FrontendAddr};
use std::collections::BTreeSet;

const VIP: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 10);

fn place() -> Place {
    let cidr = |text: &str| text.parse().expect("a range");
    Place::new(
        Ipv4Addr::new(192, 168, 1, 11),
        cidr("10.244.1.0/24"),
        cidr("10.244.0.0/16"),
        cidr("10.96.0.0/12"),
    )
}

fn services() -> ServiceTable {
    let ip = |c, d| SocketAddrV4::new(Ipv4Addr::new(10, 244, c, d), 8080);
    let frontends = [FrontendAddr::Ip(VIP), FrontendAddr::AnyNode];
    let rule = |proto| ServiceRule {
        name: "web".into(),
        proto,
        frontends: frontends.map(|addr| Frontend { addr, port: 80 }).to_vec(),
        endpoints: vec![ip(1, 2), ip(1, 3), ip(2, 2)],
        leaving: Vec::new(),
        internal_local: false,
        external_local: false,
        affinity: None,
    };
    ServiceTable::new(
        [Proto::Udp, Proto::Tcp]
            .map(|proto| rule(proto).into())
            .into(),
    )
}

fn nat() -> Nat {
    Nat::new(Seed::new(1).stream("nat"))
}

fn datagram(flow: Flow) -> Packet {
    let mut buf = vec![0; 40];
    write_udp(&mut buf, flow.src, flow.dst, b"payload payl");
    Packet {
        id: 0,
        buf,
        len: 40,
        origin: Origin::Program,
        outer: None,
        before: None,
        damaged: false,
    }
}

/// A packet passes both hooks towards an interface with this address.
fn pass(nat: &mut Nat, now: Instant, packet: &mut Packet, out: Option<Ipv4Addr>) -> bool {
    match nat.prerouting(now, packet, &services(), &place()) {
        Verdict::New(pending) => nat.postrouting(now, packet, pending, out, &place()),
        Verdict::Pass | Verdict::Stray => true,
        Verdict::Reject | Verdict::Drop(_) => false,
    }
}

fn clients() -> impl Strategy<Value = SocketAddrV4> {
    let addr = prop_oneof![
        (1..=2_u8, 2..=4_u8).prop_map(|(c, d)| Ipv4Addr::new(10, 244, c, d)),
        (5..=11_u8).prop_map(|d| Ipv4Addr::new(192, 168, 1, d)),
    ];
    (addr, 1024..1030_u16).prop_map(|(addr, port)| SocketAddrV4::new(addr, port))
}

fn servers() -> impl Strategy<Value = SocketAddrV4> {
    let addr = prop_oneof![
        Just(VIP),
        Just(Ipv4Addr::new(192, 168, 1, 11)),
        Just(Ipv4Addr::new(192, 168, 1, 77)),
        (1..=2_u8, 2..=4_u8).prop_map(|(c, d)| Ipv4Addr::new(10, 244, c, d)),
    ];
    (addr, prop_oneof![Just(80_u16), Just(8080)])
        .prop_map(|(addr, port)| SocketAddrV4::new(addr, port))
}

proptest! {
    #[test]
    fn an_answer_is_translated_back_to_the_question(
        flows in prop::collection::vec((clients(), servers(), any::<bool>()), 1..40),
    ) {
        let (mut nat, now) = (nat(), Instant::ZERO);
        for (src, dst, leaves) in flows {
            let out = leaves.then_some(Ipv4Addr::new(192, 168, 1, 11));
            let question = Flow { proto: Proto::Udp, src, dst };
            let mut packet = datagram(question);
            if !pass(&mut nat, now, &mut packet, out) {
                continue;
            }
            let translated = packet.flow().expect("still UDP");
            prop_assert!(*translated.dst.ip() != VIP);
            prop_assert_eq!(&packet.bytes()[28..], b"payload payl");
            let mut answer = datagram(translated.reversed());
            prop_assert!(pass(&mut nat, now, &mut answer, None));
            prop_assert_eq!(answer.flow(), Some(question.reversed()));
            let mut again = datagram(question);
            prop_assert!(pass(&mut nat, now, &mut again, out));
            prop_assert_eq!(again.flow(), Some(translated));
        }
    }

    #[test]
    fn two_conversations_never_share_the_direction_of_their_answers(
        flows in prop::collection::vec((clients(), servers()), 1..60),
    ) {
        let (mut nat, now) = (nat(), Instant::ZERO);
        for (src, dst) in flows {
            let out = Some(Ipv4Addr::new(192, 168, 1, 11));
            pass(&mut nat, now, &mut datagram(Flow { proto: Proto::Udp, src, dst }), out);
        }
        let entries = nat.conntrack.list(now);
        let replies: BTreeSet<u128> = entries.iter().map(|entry| entry.reply.key()).collect();
        prop_assert_eq!(replies.len(), entries.len());
    }
}

#[test]
fn conntrack_is_bounded_and_makes_room_among_those_without_an_answer() {
    let (mut nat, now) = (nat(), Instant::ZERO);
    let dst = SocketAddrV4::new(Ipv4Addr::new(10, 244, 2, 2), 8080);
    for n in 0..(CONNTRACK_MAX as u32 + 1_000) {
        let src = SocketAddrV4::new(Ipv4Addr::from_bits(0x0af4_0000 | n >> 16), n as u16 | 1);
        let flow = Flow {
            proto: Proto::Udp,
            src,
            dst: SocketAddrV4::new(*dst.ip(), (n % 2 + 1) as u16),
        };
        pass(&mut nat, now, &mut datagram(flow), None);
        assert!(nat.conntrack.len() <= CONNTRACK_MAX);
    }
    assert_eq!(nat.conntrack.len(), CONNTRACK_MAX);
    let later = now + Duration::from_secs(31);
    let src = SocketAddrV4::new(Ipv4Addr::new(10, 244, 1, 2), 5);
    pass(
        &mut nat,
        later,
        &mut datagram(Flow {
            proto: Proto::Udp,
            src,
            dst,
        }),
        None,
    );
    assert_eq!(nat.conntrack.len(), 1, "what has expired is forgotten");
}
