//! Claims about sockets and names.

use crate::world::World;
use clock::{Duration, Instant};
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{RData, Record, RecordType};
use runtime::{ContainerSpec, Exit, Handle};
use std::cell::RefCell;
use std::rc::Rc;
use vnet::{Ipv4Addr, Origin, SocketAddrV4};

#[test]
fn two_machines_talk_over_tcp() {
    let mut world = World::new(1);
    let hosts = world.machines(2);
    let mut server = world.run(hosts[0], &["serve", "8080", "1"]);
    let mut client = world.run(hosts[1], &["ask", "192.168.0.1:8080", "shout"]);
    world.settle(&mut [&mut server, &mut client]);
    client.check(Exit::Code(0), "SHOUT from 192.168.0.1:8080\n");
    server.check(Exit::Code(0), "listening on 0.0.0.0:8080\n");
}

#[test]
fn a_program_talks_to_itself_on_localhost() {
    let mut world = World::new(1);
    let host = world.machines(1)[0];
    let mut server = world.run(host, &["serve", "8080", "1"]);
    let mut client = world.run(host, &["ask", "127.0.0.1:8080", "home"]);
    world.settle(&mut [&mut server, &mut client]);
    client.check(Exit::Code(0), "HOME from 127.0.0.1:8080\n");
}

#[test]
fn nobody_listening_is_a_refusal() {
    World::once(&["ask", "192.168.0.1:81", "x"]).check(Exit::Code(0), "ConnectionRefused\n");
}

#[test]
fn two_machines_talk_over_udp_and_hear_refusals() {
    let mut world = World::new(1);
    let hosts = world.machines(2);
    let mut server = world.run(hosts[0], &["udp-serve", "53"]);
    let mut client = world.run(hosts[1], &["udp-ask", "192.168.0.1:53"]);
    let mut refused = world.run(hosts[1], &["udp-ask", "192.168.0.1:54"]);
    world.settle(&mut [&mut server, &mut client, &mut refused]);
    client.check(Exit::Code(0), "ping\n");
    refused.check(Exit::Code(0), "ConnectionRefused\n");
}

#[test]
fn megabytes_arrive_complete() {
    let mut world = World::new(1);
    let hosts = world.machines(2);
    let mut sink = world.run(hosts[0], &["sink", "9"]);
    let mut source = world.run(hosts[1], &["source", "192.168.0.1:9", "8"]);
    world.settle(&mut [&mut sink, &mut source]);
    sink.check(Exit::Code(0), "8388608\n");
}

#[test]
fn a_native_task_serves_programs() {
    let mut world = World::new(1);
    let hosts = world.machines(2);
    let handle = world.runtime.handle();
    let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 80);
    let listener = handle
        .tcp_listen(hosts[0], any, 16)
        .expect("nobody else listens");
    handle.spawn_native(async move {
        let stream = listener.accept().await.expect("a client comes");
        let asked = stream.read(100).await.expect("it asks");
        stream
            .write_all(&[b"you said ", &asked[..]].concat())
            .await
            .expect("it listens");
    });
    let mut client = world.run(hosts[1], &["ask", "192.168.0.1:80", "hello"]);
    world.settle(&mut [&mut client]);
    client.check(Exit::Code(0), "you said hello from 192.168.0.1:80\n");
}

#[test]
fn a_native_task_asks_a_program() {
    let mut world = World::new(1);
    let hosts = world.machines(2);
    let mut server = world.run(hosts[0], &["serve", "80", "1"]);
    let handle = world.runtime.handle();
    let heard = Rc::new(RefCell::new(String::new()));
    let answer = Rc::clone(&heard);
    handle.clone().spawn_native(async move {
        handle.sleep(Duration::from_secs(1)).await;
        let to = SocketAddrV4::new(Ipv4Addr::new(192, 168, 0, 1), 80);
        let stream = handle
            .tcp_connect(hosts[1], to, Origin::Checker)
            .await
            .expect("it listens");
        stream.write_all(b"probe").await.expect("it reads");
        stream.shutdown();
        let said = stream.read(100).await.expect("it answers");
        *answer.borrow_mut() = String::from_utf8(said).expect("text");
    });
    world.settle(&mut [&mut server]);
    assert_eq!(*heard.borrow(), "PROBE");
    assert_eq!(server.exit, Some(Exit::Code(0)));
}

/// A name server that knows one name and notes what it is asked.
async fn name_server(handle: Handle, host: vnet::HostId, asked: Rc<RefCell<Vec<String>>>) {
    let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 53);
    let socket = handle
        .udp_bind(host, any, Origin::Program)
        .expect("port 53 is free");
    while let Ok((from, question)) = socket.recv_from().await {
        let question = Message::from_vec(&question).expect("a question");
        let query = question.queries[0].clone();
        asked
            .borrow_mut()
            .push(format!("{} {}", query.query_type(), query.name()));
        let mut answer = question.clone().into_response();
        if query.name().to_ascii() != "web.default.svc.cluster.local." {
            answer.metadata.response_code = ResponseCode::NXDomain;
        } else if query.query_type() == RecordType::A {
            let addr = RData::A(A::new(10, 96, 0, 7));
            answer.add_answer(Record::from_rdata(query.name().clone(), 30, addr));
        }
        socket
            .send_to(&answer.to_vec().expect("small"), from)
            .expect("the asker is there");
    }
}

fn as_pod(spec: &mut ContainerSpec) {
    let text =
        "search default.svc.cluster.local cluster.local\nnameserver 192.168.0.1\noptions ndots:5\n";
    spec.fs
        .write_file("/etc/resolv.conf", text.as_bytes(), 0o644)
        .expect("room");
    spec.fs
        .write_file("/etc/hosts", b"10.0.0.9 me myself\n", 0o644)
        .expect("room");
}

#[test]
fn names_are_searched_and_asked_of_the_configured_server() {
    let mut world = World::new(1);
    let hosts = world.machines(2);
    let asked = Rc::new(RefCell::new(Vec::new()));
    let server = name_server(world.runtime.handle(), hosts[0], Rc::clone(&asked));
    world.runtime.spawn_native(server);
    let mut check = |name: &str, said: &str| {
        let container = world.container(hosts[1], as_pod);
        let mut client = world.start(container, &["resolve", name]);
        world.settle(&mut [&mut client]);
        client.check(Exit::Code(0), said);
        std::mem::take(&mut *asked.borrow_mut())
    };
    let asked = check("web", "[\"10.96.0.7\"]\n");
    let full = "web.default.svc.cluster.local.";
    assert_eq!(asked, [format!("A {full}"), format!("AAAA {full}")]);
    assert!(
        check("myself", "[\"10.0.0.9\"]\n").is_empty(),
        "the hosts file knows"
    );
    let asked = check(
        "gone",
        "failed to lookup address information: Name does not resolve\n",
    );
    assert_eq!(asked.len(), 6, "three names, two questions each: {asked:?}");
}

#[test]
fn a_silent_name_server_costs_twice_five_seconds() {
    let mut world = World::new(1);
    let hosts = world.machines(2);
    // Somebody has the port and never answers.
    let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 53);
    let _silent = world
        .runtime
        .udp_bind(hosts[0], any, Origin::Program)
        .expect("a free port");
    let container = world.container(hosts[1], as_pod);
    let mut client = world.start(container, &["resolve", "web"]);
    world.settle(&mut [&mut client]);
    assert_eq!(
        client.said,
        "failed to lookup address information: Try again\n"
    );
    assert!((Instant::from_secs(10)..Instant::from_secs(11)).contains(&world.now()));
}

#[test]
fn programs_ping_and_hear_of_packets_that_did_not_arrive() {
    let mut world = World::new(1);
    let hosts = world.machines(2);
    for (addr, said) in [
        ("192.168.0.2", "192.168.0.2 EchoReply 64 7\n"),
        ("127.0.0.1", "127.0.0.1 EchoReply 64 7\n"),
        ("192.168.0.9", "192.168.0.1 Unreachable(1) 64 0\n"),
        ("198.51.100.1", "silence\n"),
    ] {
        let mut running = world.run(hosts[0], &["ping", addr]);
        world.settle(&mut [&mut running]);
        running.check(Exit::Code(0), said);
    }
    let mut running = world.run(hosts[0], &["trace", "192.168.0.2"]);
    world.settle(&mut [&mut running]);
    running.check(Exit::Code(0), "192.168.0.2 Unreachable(3) 33434\n");
}

#[test]
fn a_program_hears_the_packets_at_its_machines_interfaces() {
    let mut world = World::new(1);
    let hosts = world.machines(2);
    let mut listener = world.run(hosts[1], &["listen", "eth0", "2"]);
    let soon = world.now() + Duration::from_millis(10);
    world.drive(&mut [&mut listener], soon);
    let mut ping = world.run(hosts[0], &["ping", "192.168.0.2"]);
    world.settle(&mut [&mut listener, &mut ping]);
    // 14 + 20 + 8 + 7 bytes.
    listener.check(
        Exit::Code(0),
        "listening\neth0 in 49 of 49\neth0 out 49 of 49\n",
    );
}

#[test]
fn a_program_sees_interfaces_routes_and_its_own_sockets() {
    let mut world = World::new(1);
    let host = world.machines(1)[0];
    let mut running = world.run(host, &["network"]);
    world.settle(&mut [&mut running]);
    running.check(
        Exit::Code(0),
        "1 lo [(127.0.0.1, 8)]\n2 eth0 [(192.168.0.1, 24)]\n\
         192.168.0.0/24 None eth0\n0.0.0.0/0 Some(192.168.0.1) eth0\n\
         Tcp 0.0.0.0:80 LISTEN true\n0 false\n",
    );
}
