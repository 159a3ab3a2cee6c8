//! Cluster DNS as a resolver sees it.

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};
use std::net::Ipv4Addr;
use vnet::dns::{Records, Srv, answer};

fn zone() -> Records {
    let addr = |n: u8| Ipv4Addr::new(10, 244, 1, n);
    let mut zone = Records {
        domain: "cluster.local".into(),
        serial: 7,
        ..Records::default()
    };
    let web = "web.default.svc.cluster.local";
    zone.a
        .insert(web.into(), vec![Ipv4Addr::new(10, 96, 0, 10)]);
    zone.a.insert(
        "db.default.svc.cluster.local".into(),
        (2..60).map(addr).collect(),
    );
    zone.a
        .insert("db-0.db.default.svc.cluster.local".into(), vec![addr(2)]);
    let srv = Srv {
        priority: 0,
        weight: 100,
        port: 80,
        target: web.into(),
    };
    zone.srv.insert(format!("_http._tcp.{web}"), vec![srv]);
    zone.ptr
        .insert(addr(2), vec!["db-0.db.default.svc.cluster.local".into()]);
    zone.cname
        .insert("out.default.svc.cluster.local".into(), "example.com".into());
    zone.cname
        .insert("alias.default.svc.cluster.local".into(), web.into());
    zone
}

fn question(name: &str, kind: RecordType) -> Message {
    let mut message = Message::new(0x1234, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
    message
}

/// Asks over UDP and shows code, answers, and `soa` when the zone's SOA is there.
#[track_caller]
fn check(name: &str, kind: RecordType, expect: &str) {
    let reply = answer(&zone(), &question(name, kind).to_vec().unwrap(), Some(1232)).unwrap();
    let reply = Message::from_vec(&reply).unwrap();
    assert_eq!(reply.metadata.id, 0x1234);
    assert!(!reply.metadata.recursion_available && reply.metadata.recursion_desired);
    let data = |data: &RData| format!(" {data}");
    let answers: String = reply
        .answers
        .iter()
        .map(|record| data(&record.data))
        .collect();
    let soa = if reply.authorities.is_empty() {
        ""
    } else {
        " soa"
    };
    let aa = if reply.metadata.authoritative {
        " aa"
    } else {
        ""
    };
    assert_eq!(
        format!("{:?}{aa}{answers}{soa}", reply.metadata.response_code),
        expect,
        "{name}"
    );
}

#[test]
fn a_service_has_an_address_and_no_ipv6_one() {
    check(
        "web.default.svc.cluster.local.",
        RecordType::A,
        "NoError aa 10.96.0.10",
    );
    check(
        "WEB.Default.svc.cluster.local.",
        RecordType::A,
        "NoError aa 10.96.0.10",
    );
    check(
        "web.default.svc.cluster.local.",
        RecordType::AAAA,
        "NoError aa soa",
    );
}

#[test]
fn a_name_that_is_not_there_does_not_exist_and_a_name_above_others_is_empty() {
    check(
        "nobody.default.svc.cluster.local.",
        RecordType::A,
        "NXDomain aa soa",
    );
    check(
        "nobody.default.svc.cluster.local.",
        RecordType::AAAA,
        "NXDomain aa soa",
    );
    check(
        "default.svc.cluster.local.",
        RecordType::A,
        "NoError aa soa",
    );
    check(
        "b.default.svc.cluster.local.",
        RecordType::A,
        "NXDomain aa soa",
    );
}

#[test]
fn a_name_outside_the_cluster_does_not_exist_since_there_is_no_upstream() {
    check("example.com.", RecordType::A, "NXDomain");
    check("mycluster.local.", RecordType::A, "NXDomain");
    check(
        "web.default.svc.cluster.local.default.svc.cluster.local.",
        RecordType::A,
        "NXDomain aa soa",
    );
}

#[test]
fn named_ports_addresses_and_aliases_are_found() {
    check(
        "_http._tcp.web.default.svc.cluster.local.",
        RecordType::SRV,
        "NoError aa 0 100 80 web.default.svc.cluster.local.",
    );
    check(
        "2.1.244.10.in-addr.arpa.",
        RecordType::PTR,
        "NoError aa db-0.db.default.svc.cluster.local.",
    );
    check("3.1.244.10.in-addr.arpa.", RecordType::PTR, "NXDomain");
    check(
        "out.default.svc.cluster.local.",
        RecordType::A,
        "NoError aa example.com.",
    );
    check(
        "alias.default.svc.cluster.local.",
        RecordType::A,
        "NoError aa web.default.svc.cluster.local. 10.96.0.10",
    );
}

#[test]
fn an_answer_too_long_for_udp_is_cut_and_tcp_gets_all_of_it() {
    let plain = question("db.default.svc.cluster.local.", RecordType::A);
    let mut large = plain.clone();
    large.set_edns(Edns::new());
    large.edns.as_mut().unwrap().set_max_payload(1232);
    for (query, limit, complete) in [
        (&plain, Some(1232), false),
        (&large, Some(1232), true),
        (&plain, None, true),
    ] {
        let reply = answer(&zone(), &query.to_vec().unwrap(), limit).unwrap();
        assert!(limit.is_none() || reply.len() <= if complete { 1232 } else { 512 });
        let message = Message::from_vec(&reply).unwrap();
        assert_eq!(message.metadata.truncation, !complete);
        assert_eq!(message.answers.len() == 58, complete);
    }
}

#[test]
fn answers_take_turns_by_the_questions_number() {
    let first = |id: u16| {
        let mut query = question("db.default.svc.cluster.local.", RecordType::A);
        query.metadata.id = id;
        let reply = answer(&zone(), &query.to_vec().unwrap(), None).unwrap();
        Message::from_vec(&reply).unwrap().answers[0]
            .data
            .to_string()
    };
    assert_eq!(first(0), "10.244.1.2");
    assert_eq!(first(1), "10.244.1.3");
    assert_eq!(first(58), "10.244.1.2");
}

#[test]
fn nonsense_is_answered_as_nonsense_and_answers_not_at_all() {
    assert_eq!(answer(&zone(), b"", None), None);
    assert_eq!(answer(&zone(), b"short", None), None);
    let mut broken = question("web.default.svc.cluster.local.", RecordType::A)
        .to_vec()
        .unwrap();
    broken.truncate(20);
    let reply = Message::from_vec(&answer(&zone(), &broken, None).unwrap()).unwrap();
    assert_eq!(reply.metadata.response_code, ResponseCode::FormErr);
    let reply = answer(
        &zone(),
        &question("a.", RecordType::A).to_vec().unwrap(),
        None,
    )
    .unwrap();
    assert_eq!(answer(&zone(), &reply, None), None);
    let mut update = question("a.", RecordType::A);
    update.metadata.op_code = OpCode::Update;
    let reply = answer(&zone(), &update.to_vec().unwrap(), None).unwrap();
    assert_eq!(
        Message::from_vec(&reply).unwrap().metadata.response_code,
        ResponseCode::NotImp
    );
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    fn label() -> impl Strategy<Value = String> {
        prop_oneof![
            Just("web".to_owned()),
            Just("default".to_owned()),
            Just("svc".to_owned()),
            Just("cluster".to_owned()),
            Just("local".to_owned()),
            "[a-zA-Z0-9_][a-zA-Z0-9_-]{0,19}",
        ]
    }

    fn kind() -> impl Strategy<Value = RecordType> {
        prop_oneof![
            Just(RecordType::A),
            Just(RecordType::AAAA),
            Just(RecordType::SRV),
            Just(RecordType::PTR),
            Just(RecordType::CNAME),
            Just(RecordType::SOA),
            Just(RecordType::ANY),
        ]
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered_or_not_and_never_break(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(reply) = answer(&zone(), &bytes, Some(512)) {
                prop_assert!(reply.len() <= 512);
                prop_assert_eq!(&reply[..2], &bytes[..2]);
            }
        }

        #[test]
        fn every_name_is_answered_in_form(labels in proptest::collection::vec(label(), 1..8), kind in kind(), max in prop_oneof![Just(None), Just(Some(512)), Just(Some(1232))]) {
            let name = format!("{}.", labels.join("."));
            let query = question(&name, kind).to_vec().unwrap();
            let reply = answer(&zone(), &query, max).expect("a question is answered");
            // Without EDNS a datagram has 512 bytes, whatever the server could send.
            prop_assert!(max.is_none() || reply.len() <= 512);
            let reply = Message::from_vec(&reply).expect("well formed");
            prop_assert_eq!(reply.metadata.id, 0x1234);
            prop_assert_eq!(reply.metadata.message_type, MessageType::Response);
            prop_assert_eq!(reply.queries.len(), 1);
            let missing = reply.metadata.response_code == ResponseCode::NXDomain;
            prop_assert!(!missing || reply.answers.is_empty());
            // In the zone, nothing to say is said with the zone's SOA.
            let inside = name.to_lowercase().ends_with("cluster.local.") && reply.metadata.authoritative;
            prop_assert!(!inside || !reply.answers.is_empty() || !reply.authorities.is_empty());
            prop_assert!(max.is_some() || !reply.metadata.truncation);
        }
    }
}
