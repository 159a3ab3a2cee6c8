//! Claims about the engine's decisions, in dockerd's words. Never starts a container.

use super::*;
use clock::{Duration, Instant, Seed};
use std::net::Ipv4Addr;
use vnet::Proto;

fn engine() -> Engine {
    let image = |name: &str| cluster::ImageInfo {
        name: name.into(),
        size_bytes: 1000,
    };
    let images = [
        image("nginx:latest"),
        image("nginx:1.27"),
        image("busybox:latest"),
    ];
    let own = "192.168.10.0/24".parse().expect("a range");
    Engine::new(Seed::new(1), "host-a", &images, vec![own], 32_768)
}

fn port(host: Option<u16>, container: u16) -> PortAsk {
    PortAsk {
        proto: Proto::Tcp,
        container,
        addr: Ipv4Addr::UNSPECIFIED,
        host,
    }
}

fn create(engine: &mut Engine, name: &str, ports: &[PortAsk]) -> Result<String, Refusal> {
    engine.pull(Instant::ZERO, "nginx")?;
    let ask = Ask {
        name: Some(name.into()),
        image: "nginx".into(),
        ports: ports.to_vec(),
        ..Ask::default()
    };
    engine.create(
        Instant::ZERO,
        ask,
        vec!["nginx".into()],
        &[(80, Proto::Tcp)],
    )
}

/// Creates and starts; its address.
fn run(engine: &mut Engine, name: &str, ports: &[PortAsk]) -> Result<Start, Refusal> {
    let id = create(engine, name, ports)?;
    let start = engine.start(&id)?.expect("it did not run");
    engine.started(Instant::ZERO, &id);
    Ok(start)
}

#[test]
fn addresses_are_given_from_the_second_on_and_again_when_free() {
    let mut engine = engine();
    let addr = |start: Start| start.addr.expect("on the bridge").to_string();
    assert_eq!(
        addr(run(&mut engine, "one", &[]).expect("starts")),
        "172.17.0.2"
    );
    assert_eq!(
        addr(run(&mut engine, "two", &[]).expect("starts")),
        "172.17.0.3"
    );
    let one = engine.find("one").expect("there").id.clone();
    engine.exited(Instant::ZERO, &one, 0);
    assert_eq!(
        addr(run(&mut engine, "three", &[]).expect("starts")),
        "172.17.0.2"
    );
}

#[test]
fn a_port_in_use_is_refused_with_dockers_words_and_the_container_stays_created() {
    let mut engine = engine();
    run(&mut engine, "web1", &[port(Some(8080), 80)]).expect("the first has it");
    let refusal = run(&mut engine, "web2", &[port(Some(8080), 80)]).expect_err("taken");
    assert_eq!(refusal.status, 500);
    let (begin, end) = (
        "driver failed programming external connectivity on endpoint web2 (",
        "): Bind for 0.0.0.0:8080 failed: port is already allocated",
    );
    assert!(
        refusal.message.starts_with(begin) && refusal.message.ends_with(end),
        "{}",
        refusal.message
    );
    let web2 = engine.find("web2").expect("created all the same");
    assert_eq!(web2.state, State::Created);
    let other = PortAsk {
        proto: Proto::Udp,
        ..port(Some(8080), 80)
    };
    assert!(
        run(&mut engine, "web3", &[other]).is_ok(),
        "the port of another protocol is free"
    );
}

#[test]
fn ports_nobody_chose_are_given_one_after_another() {
    let mut engine = engine();
    let first = run(&mut engine, "one", &[port(None, 80)])
        .expect("starts")
        .bindings[0]
        .host;
    let second = run(&mut engine, "two", &[port(None, 80)])
        .expect("starts")
        .bindings[0]
        .host;
    assert_eq!((first, second), (32_768, 32_769));
    engine.pull(Instant::ZERO, "nginx").expect("known");
    let ask = Ask {
        image: "nginx".into(),
        publish_all: true,
        ..Ask::default()
    };
    let id = engine
        .create(Instant::ZERO, ask, Vec::new(), &[(80, Proto::Tcp)])
        .expect("created");
    let start = engine.start(&id).expect("starts").expect("did not run");
    assert_eq!(
        (start.bindings[0].container, start.bindings[0].host),
        (80, 32_770)
    );
}

#[test]
fn names_are_drawn_from_the_seed_and_conflicts_refused() {
    let names = |seed| {
        let image = cluster::ImageInfo {
            name: "nginx:latest".into(),
            size_bytes: 1,
        };
        let mut engine = Engine::new(Seed::new(seed), "host-a", &[image], Vec::new(), 32_768);
        engine.pull(Instant::ZERO, "nginx").expect("known");
        let ask = || Ask {
            image: "nginx".into(),
            ..Ask::default()
        };
        for _ in 0..3 {
            engine
                .create(Instant::ZERO, ask(), Vec::new(), &[])
                .expect("created");
        }
        engine
            .containers()
            .iter()
            .map(|container| container.name.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(1), names(1));
    assert_ne!(names(1), names(2));
    assert!(
        names(1).iter().all(|name| name.contains('_')),
        "{:?}",
        names(1)
    );
    let mut engine = engine();
    let id = create(&mut engine, "web", &[]).expect("created");
    let refusal = create(&mut engine, "web", &[]).expect_err("in use");
    assert_eq!(refusal.status, 409);
    assert_eq!(
        refusal.message,
        format!(
            "Conflict. The container name \"/web\" is already in use by container \"{id}\". You have to remove (or rename) that container to be able to reuse that name."
        )
    );
    assert_eq!(
        create(&mut engine, "no such name", &[])
            .expect_err("letters")
            .status,
        400
    );
    assert_eq!(
        engine.find(&id[..5]).map(|found| found.name.as_str()),
        Ok("web")
    );
    assert_eq!(
        engine.find("nobody").expect_err("nobody").message,
        "No such container: nobody"
    );
}

#[test]
fn an_image_must_be_pulled_and_only_the_labs_can_be() {
    let mut engine = engine();
    let ask = Ask {
        image: "nginx".into(),
        ..Ask::default()
    };
    let refusal = engine
        .create(Instant::ZERO, ask, Vec::new(), &[])
        .expect_err("not here");
    assert_eq!(refusal.message, "No such image: nginx:latest");
    assert_eq!(
        engine.pull(Instant::ZERO, "docker.io/library/nginx:latest"),
        Ok(true)
    );
    assert_eq!(engine.pull(Instant::ZERO, "nginx"), Ok(false));
    let denied = engine.pull(Instant::ZERO, "ngnix").expect_err("a typo");
    assert!(
        denied
            .message
            .starts_with("pull access denied for ngnix, repository does not exist")
    );
    assert!(
        engine
            .pull(Instant::ZERO, "nginx:0.1")
            .expect_err("no tag")
            .message
            .starts_with("manifest for nginx:0.1 not found")
    );
}

#[test]
fn networks_get_ranges_that_overlap_nothing_and_stay_while_they_are_used() {
    let mut engine = engine();
    let ask = |name: &str| NetworkAsk {
        name: name.into(),
        ..NetworkAsk::default()
    };
    let (_, range, gateway) = engine
        .create_network(Instant::ZERO, ask("web"))
        .expect("free");
    assert_eq!(
        (range.to_string(), gateway.to_string()),
        ("172.18.0.0/16".into(), "172.18.0.1".into())
    );
    let (_, second, _) = engine
        .create_network(Instant::ZERO, ask("db"))
        .expect("free");
    assert_eq!(second.to_string(), "172.19.0.0/16");
    let overlap = NetworkAsk {
        range: "172.18.4.0/24".parse().ok(),
        ..ask("more")
    };
    assert!(
        engine
            .create_network(Instant::ZERO, overlap)
            .expect_err("taken")
            .message
            .contains("overlaps")
    );
    assert_eq!(
        engine
            .create_network(Instant::ZERO, ask("web"))
            .expect_err("twice")
            .status,
        409
    );
    engine.pull(Instant::ZERO, "busybox").expect("known");
    let on_web = Ask {
        name: Some("c1".into()),
        image: "busybox".into(),
        network: "web".into(),
        ..Ask::default()
    };
    let id = engine
        .create(Instant::ZERO, on_web, Vec::new(), &[])
        .expect("created");
    let start = engine.start(&id).expect("starts").expect("did not run");
    assert_eq!(
        start.addr.map(|addr| addr.to_string()).as_deref(),
        Some("172.18.0.2")
    );
    engine.started(Instant::ZERO, &id);
    assert!(
        engine
            .remove_network("web")
            .expect_err("in use")
            .message
            .contains("has active endpoints")
    );
    assert_eq!(
        engine.remove_network("bridge").expect_err("its own").status,
        403
    );
    engine.exited(Instant::ZERO, &id, 0);
    assert_eq!(engine.remove_network("web").as_deref(), Ok("web"));
}

#[test]
fn a_container_that_runs_is_not_removed_and_one_with_rm_goes_by_itself() {
    let mut engine = engine();
    let start = run(&mut engine, "web", &[]).expect("starts");
    let refusal = engine.remove("web").expect_err("it runs");
    assert_eq!(
        refusal.message,
        "cannot remove container \"/web\": container is running: stop the container before removing or force remove"
    );
    engine.exited(Instant::ZERO, &start.id, 0);
    assert_eq!(engine.remove("web"), Ok(start.id));
    engine.pull(Instant::ZERO, "busybox").expect("known");
    let ask = Ask {
        image: "busybox".into(),
        auto_remove: true,
        ..Ask::default()
    };
    let id = engine
        .create(Instant::ZERO, ask, Vec::new(), &[])
        .expect("created");
    engine.start(&id).expect("starts");
    engine.started(Instant::ZERO, &id);
    assert!(engine.exited(Instant::ZERO, &id, 0));
    assert!(engine.containers().is_empty());
}

#[test]
fn what_is_shown_is_what_docker_shows() {
    let mut engine = engine();
    run(&mut engine, "web", &[port(Some(8080), 80)]).expect("starts");
    let now = Instant::ZERO + Duration::from_secs(65);
    let list = engine.list(now, 1_767_225_600, false);
    assert_eq!(list[0]["Status"], "Up About a minute");
    assert_eq!(list[0]["Ports"][0]["PublicPort"], 8080);
    let seen = engine.inspect(1_767_225_600, "web").expect("there");
    assert_eq!(seen["NetworkSettings"]["IPAddress"], "172.17.0.2");
    assert_eq!(
        seen["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"],
        "8080"
    );
    assert_eq!(seen["Created"], "2026-01-01T00:00:00.000000000Z");
    let network = engine.inspect_network(0, "bridge").expect("there");
    assert_eq!(network["IPAM"]["Config"][0]["Subnet"], "172.17.0.0/16");
    let ids: Vec<&String> = network["Containers"]
        .as_object()
        .expect("a map")
        .keys()
        .collect();
    assert_eq!(ids.len(), 1);
    let id = engine.find("web").expect("there").id.clone();
    engine.exited(now, &id, 137);
    assert_eq!(
        engine.list(now + Duration::from_secs(3), 0, true)[0]["Status"],
        "Exited (137) 3 seconds ago"
    );
    assert_eq!(engine.list(now, 0, false).as_array().map(Vec::len), Some(0));
}
