//! Names of Services and Pods (concepts/services-networking/dns-pod-service), asked of CoreDNS'
//! Pods by way of the Service `kube-dns`.

use crate::ask::{addresses, candidates, pod, service, with};
use crate::fake::Lab;
use cluster::Method;
use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{RData, RecordType};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddrV4};

const SUFFIX: &str = "svc.cluster.local";

/// A lab with a Pod `client` and these others.
fn lab(pods: &[&Value]) -> Lab {
    let mut lab = Lab::new(61, 2, false);
    lab.make(&pod("client", "client", &[]));
    for pod in pods {
        lab.make(pod);
    }
    let names = pods
        .iter()
        .filter_map(|pod| pod["metadata"]["name"].as_str());
    let names: Vec<&str> = names.chain(["client"]).collect();
    lab.wait_ready(&names);
    lab.wait("CoreDNS answers", |lab| {
        let rules = lab.world.cluster().service_rules().services;
        let mut dns = rules.iter().filter(|rule| rule.service == "kube-dns");
        dns.all(|rule| rule.endpoints.len() == 2)
    });
    lab
}

fn web(name: &str) -> Value {
    pod(name, "web", &["80"])
}

fn selecting(ports: &Value) -> Value {
    json!({ "selector": { "app": "web" }, "ports": ports })
}

/// The answers in words: type and data, in order.
fn said(message: &Message) -> Vec<String> {
    let mut said: Vec<String> = message
        .answers
        .iter()
        .map(|record| format!("{} {}", record.record_type(), record.data))
        .collect();
    said.sort();
    said
}

#[track_caller]
fn check(lab: &mut Lab, name: &str, kind: RecordType, expected: &[&str]) {
    let answer = lab.query("client", name, kind);
    assert_eq!(said(&answer), expected, "{name}");
}

/// Asserts that a name does not exist, and that the zone's owner says so.
#[track_caller]
fn check_missing(lab: &mut Lab, name: &str) {
    let answer = lab.query("client", name, RecordType::A);
    assert_eq!(
        answer.metadata.response_code,
        ResponseCode::NXDomain,
        "{name}"
    );
    let authority = answer.authorities.first().map(|record| &record.data);
    assert!(matches!(authority, Some(RData::SOA(_))), "{name}: {answer}");
}

#[test]
fn the_api_is_found_by_every_form_of_its_name() {
    let mut lab = lab(&[]);
    let api = lab.vip_of_kubernetes();
    for name in [
        "kubernetes",
        "kubernetes.default",
        "kubernetes.default.svc",
        "kubernetes.default.svc.cluster.local",
    ] {
        assert_eq!(lab.lookup("client", name), [api], "{name}");
    }
    check(
        &mut lab,
        &format!("_https._tcp.kubernetes.default.{SUFFIX}"),
        RecordType::SRV,
        &["SRV 0 100 443 kubernetes.default.svc.cluster.local."],
    );
    check_missing(&mut lab, &format!("kubernets.default.{SUFFIX}"));
}

#[test]
fn a_service_has_addresses_ports_and_a_name_for_its_address() {
    let mut lab = lab(&[&web("one"), &web("two")]);
    let ports = json!([{ "name": "http", "port": 80 }]);
    lab.make(&service("plain", &selecting(&ports)));
    lab.make(&service(
        "bare",
        &with(selecting(&ports), "/clusterIP", json!("None")),
    ));
    lab.pass(2);
    let vip = lab.vip("plain");
    check(
        &mut lab,
        &format!("plain.default.{SUFFIX}"),
        RecordType::A,
        &[&format!("A {vip}")],
    );
    check(
        &mut lab,
        &format!("_http._tcp.plain.default.{SUFFIX}"),
        RecordType::SRV,
        &[&format!("SRV 0 100 80 plain.default.{SUFFIX}.")],
    );
    let [a, b, c, d] = vip.octets();
    check(
        &mut lab,
        &format!("{d}.{c}.{b}.{a}.in-addr.arpa"),
        RecordType::PTR,
        &[&format!("PTR plain.default.{SUFFIX}.")],
    );
    // Without an address of its own, the Pods' addresses.
    let mut ips = [lab.ip("one"), lab.ip("two")];
    ips.sort();
    assert_eq!(lab.lookup("client", "bare"), ips);
    let answer = lab.query(
        "client",
        &format!("_http._tcp.bare.default.{SUFFIX}"),
        RecordType::SRV,
    );
    assert_eq!(answer.answers.len(), 2);
    // The addresses of the named hosts come along.
    assert_eq!(
        answer
            .additionals
            .iter()
            .filter(|record| matches!(record.data, RData::A(_)))
            .count(),
        2
    );
    for ip in ips {
        let host = ip.to_string().replace('.', "-");
        check(
            &mut lab,
            &format!("{host}.bare.default.{SUFFIX}"),
            RecordType::A,
            &[&format!("A {ip}")],
        );
    }
    // No IPv6 here: the name exists, and has none.
    let answer = lab.query(
        "client",
        &format!("plain.default.{SUFFIX}"),
        RecordType::AAAA,
    );
    assert_eq!(
        (answer.metadata.response_code, answer.answers.len()),
        (ResponseCode::NoError, 0)
    );
    assert_eq!(answer.authorities.len(), 1);
}

#[test]
fn names_may_be_given_in_part() {
    let mut lab = lab(&[&web("one")]);
    lab.make(&service(
        "web",
        &selecting(&json!([{ "name": "http", "port": 80 }])),
    ));
    lab.pass(2);
    let vip = lab.vip("web");
    for name in [
        "web",
        "web.default",
        "web.default.svc",
        "web.default.svc.cluster.local",
        "web.default.svc.cluster.local.",
    ] {
        assert_eq!(lab.lookup("client", name), [vip], "{name}");
    }
    for name in ["web.kube-system", "web.svc", "web."] {
        assert!(lab.lookup("client", name).is_empty(), "{name}");
    }
    // Another namespace's short names are other names.
    let (status, _) = lab.api(
        Method::Post,
        "/api/v1/namespaces",
        &json!({ "metadata": { "name": "far" } }),
    );
    assert_eq!(status, 201);
    assert!(lab.lookup("client", "web.far").is_empty());
}

#[test]
fn a_pod_with_a_hostname_and_a_subdomain_has_a_name_under_its_headless_service() {
    let mut querier = web("querier");
    querier["spec"]["hostname"] = json!("dns-querier");
    querier["spec"]["subdomain"] = json!("bare");
    let mut lab = lab(&[&querier, &web("other")]);
    let headless = with(
        selecting(&json!([{ "name": "http", "port": 80 }])),
        "/clusterIP",
        json!("None"),
    );
    lab.make(&service("bare", &headless));
    lab.pass(2);
    let ip = lab.ip("querier");
    let full = format!("dns-querier.bare.default.{SUFFIX}");
    check(&mut lab, &full, RecordType::A, &[&format!("A {ip}")]);
    let [a, b, c, d] = ip.octets();
    check(
        &mut lab,
        &format!("{d}.{c}.{b}.{a}.in-addr.arpa"),
        RecordType::PTR,
        &[&format!("PTR {full}.")],
    );
    // The Pod's own idea of itself is the same.
    let machine = lab.machine("querier");
    assert_eq!(machine.hostname, "dns-querier");
    assert!(
        machine
            .hosts
            .contains(&format!("{ip}\t{full}\tdns-querier\n")),
        "{}",
        machine.hosts
    );
}

#[test]
fn a_subdomain_names_the_service_that_has_its_pods_names() {
    let mut inside = web("inside");
    inside["spec"]["hostname"] = json!("host");
    inside["spec"]["subdomain"] = json!("bare");
    let mut elsewhere = web("elsewhere");
    elsewhere["spec"]["hostname"] = json!("host");
    elsewhere["spec"]["subdomain"] = json!("other");
    let mut lab = lab(&[&inside, &elsewhere]);
    for name in ["bare", "other"] {
        let spec = with(
            selecting(&json!([{ "port": 80 }])),
            "/clusterIP",
            json!("None"),
        );
        lab.make(&service(name, &spec));
    }
    lab.pass(2);
    let (inside, elsewhere) = (lab.ip("inside"), lab.ip("elsewhere"));
    assert_eq!(lab.lookup("client", "host.bare"), [inside]);
    assert_eq!(lab.lookup("client", "host.other"), [elsewhere]);
    // Both are behind both Services: without the name of the subdomain, by address.
    let dashed = elsewhere.to_string().replace('.', "-");
    assert_eq!(lab.lookup("client", &format!("{dashed}.bare")), [elsewhere]);
}

#[test]
fn a_pods_hosts_file_has_its_own_name_and_its_aliases() {
    let mut object = web("named");
    object["spec"]["hostAliases"] =
        json!([{ "ip": "10.1.2.3", "hostnames": ["foo.remote", "bar.remote"] }]);
    let lab = lab(&[&object]);
    let (machine, ip) = (lab.machine("named"), lab.ip("named"));
    for line in [
        "127.0.0.1\tlocalhost",
        &format!("{ip}\tnamed"),
        "10.1.2.3\tfoo.remote\tbar.remote",
    ] {
        assert!(
            machine.hosts.lines().any(|found| found == line),
            "{line}: {}",
            machine.hosts
        );
    }
}

#[test]
fn an_external_name_is_an_alias_that_may_change_and_become_an_address() {
    let mut lab = lab(&[&web("one")]);
    lab.make(&service(
        "out",
        &json!({ "type": "ExternalName", "externalName": "foo.example.com" }),
    ));
    let name = format!("out.default.{SUFFIX}");
    check(
        &mut lab,
        &name,
        RecordType::CNAME,
        &["CNAME foo.example.com."],
    );
    check(&mut lab, &name, RecordType::A, &["CNAME foo.example.com."]);
    lab.patch(
        "Service",
        "out",
        &json!({ "spec": { "externalName": "bar.example.com" } }),
    );
    check(
        &mut lab,
        &name,
        RecordType::CNAME,
        &["CNAME bar.example.com."],
    );
    let patch = json!({ "spec": {
        "type": "ClusterIP", "externalName": null, "selector": { "app": "web" }, "ports": [{ "port": 80 }],
    } });
    lab.patch("Service", "out", &patch);
    lab.pass(2);
    let vip = lab.vip("out");
    check(&mut lab, &name, RecordType::A, &[&format!("A {vip}")]);
}

#[test]
fn a_pod_may_bring_its_own_servers_and_search_list() {
    let mut object = web("own");
    object["spec"]["dnsPolicy"] = json!("None");
    object["spec"]["dnsConfig"] = json!({
        "nameservers": ["1.1.1.1"], "searches": ["resolv.conf.local"],
        "options": [{ "name": "ndots", "value": "2" }],
    });
    let mut added = web("added");
    added["spec"]["dnsConfig"] = json!({
        "searches": ["default.svc.cluster.local", "extra.example"],
        "options": [{ "name": "ndots", "value": "1" }, { "name": "edns0" }],
    });
    let mut hosted = web("hosted");
    hosted["spec"]["hostNetwork"] = json!(true);
    let mut both = hosted.clone();
    both["metadata"]["name"] = json!("both");
    both["spec"]["dnsPolicy"] = json!("ClusterFirstWithHostNet");
    both["spec"]["containers"][0]["ports"] = json!([{ "containerPort": 81 }]);
    let lab = lab(&[&object, &added, &hosted, &both]);
    let conf = |pod: &str| lab.machine(pod).resolv_conf.clone();
    assert_eq!(
        conf("own"),
        "search resolv.conf.local\nnameserver 1.1.1.1\noptions ndots:2\n"
    );
    let cluster = "search default.svc.cluster.local svc.cluster.local cluster.local";
    assert_eq!(
        conf("added"),
        format!("{cluster} extra.example\nnameserver 10.96.0.10\noptions ndots:1 edns0\n")
    );
    assert_eq!(
        conf("client"),
        format!("{cluster}\nnameserver 10.96.0.10\noptions ndots:5\n")
    );
    assert_eq!(conf("both"), conf("client"));
    // On the node's network the node's servers are asked, and its names are all there are.
    assert!(!conf("hosted").contains("search"), "{}", conf("hosted"));
}

#[test]
fn an_address_in_dashes_is_a_name_of_a_pod() {
    let mut lab = lab(&[&web("one")]);
    let ip = lab.ip("one");
    let dashed = ip.to_string().replace('.', "-");
    check(
        &mut lab,
        &format!("{dashed}.default.pod.cluster.local"),
        RecordType::A,
        &[&format!("A {ip}")],
    );
    // `pods insecure`, as kubeadm's Corefile has it: nobody looks whether there is such a Pod.
    check(
        &mut lab,
        "1-2-3-4.kube-system.pod.cluster.local",
        RecordType::A,
        &["A 1.2.3.4"],
    );
    let answer = lab.query(
        "client",
        &format!("{dashed}.default.pod.cluster.local"),
        RecordType::AAAA,
    );
    assert_eq!(
        (answer.metadata.response_code, answer.answers.len()),
        (ResponseCode::NoError, 0)
    );
    // A namespace without a Pod's name exists; one that is not there does not.
    let answer = lab.query("client", "default.pod.cluster.local", RecordType::A);
    assert_eq!(answer.metadata.response_code, ResponseCode::NoError);
    for missing in [
        "1-2-3-4.nowhere.pod.cluster.local",
        "1-2-3.default.pod.cluster.local",
        "one.default.pod.cluster.local",
        "nowhere.pod.cluster.local",
    ] {
        check_missing(&mut lab, missing);
    }
}

#[test]
fn an_answer_that_is_too_long_for_a_datagram_comes_over_tcp() {
    let mut lab = lab(&[]);
    let headless = json!({ "clusterIP": "None", "ports": [{ "name": "http", "port": 80 }] });
    lab.make(&service("crowd", &headless));
    let endpoints: Vec<Value> = (1..=60)
        .map(|n| json!({ "addresses": [format!("10.244.9.{n}")] }))
        .collect();
    lab.make(&json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": { "name": "crowd", "labels": { "kubernetes.io/service-name": "crowd" } },
        "addressType": "IPv4", "endpoints": endpoints, "ports": [{ "name": "http", "port": 80 }],
    }));
    lab.pass(2);
    let answer = lab.query("client", &format!("crowd.default.{SUFFIX}"), RecordType::A);
    assert_eq!(addresses(&answer).len(), 60);
    let tcp = lab.world.net().packets().iter().filter(|packet| {
        packet.view.proto == 6 && [packet.view.sport, packet.view.dport].contains(&53)
    });
    assert!(tcp.count() > 0, "the whole answer came over TCP");
}

#[test]
fn without_coredns_no_name_is_found_and_addresses_still_work() {
    let mut lab = lab(&[&web("one")]);
    lab.make(&service("web", &selecting(&json!([{ "port": 80 }]))));
    lab.pass(2);
    let scale = |lab: &mut Lab, replicas: u32| {
        let path = "/apis/apps/v1/namespaces/kube-system/deployments/coredns/scale";
        let (status, answer) = lab.api(
            Method::Patch,
            path,
            &json!({ "spec": { "replicas": replicas } }),
        );
        assert_eq!(status, 200, "{answer}");
        lab.pass(40);
    };
    let (client, vip) = (lab.host("client"), lab.vip("web"));
    scale(&mut lab, 0);
    let dns = SocketAddrV4::new(Ipv4Addr::new(10, 96, 0, 10), 53);
    assert_eq!(lab.ask_udp(client, dns), Err("connection refused".into()));
    assert_eq!(lab.who(client, SocketAddrV4::new(vip, 80)), "one");
    scale(&mut lab, 2);
    assert_eq!(lab.lookup("client", "web"), [vip]);
}

#[test]
fn the_search_list_is_tried_before_or_after_the_name_itself() {
    let conf = "search a.b c\nnameserver 10.96.0.10\noptions ndots:2 edns0\n";
    let order = |name: &str| candidates(conf, name).join(" ");
    assert_eq!(order("x"), "x.a.b x.c x");
    assert_eq!(order("x.y"), "x.y.a.b x.y.c x.y");
    assert_eq!(order("x.y.z"), "x.y.z x.y.z.a.b x.y.z.c");
    assert_eq!(order("x.y.z."), "x.y.z");
}
