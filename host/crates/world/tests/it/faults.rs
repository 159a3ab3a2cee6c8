//! What faults do to a world, and that mending undoes it.

use crate::fake::{Lab, PORT};
use clock::Duration;
use cluster::Method;
use serde_json::{Value, json};
use std::net::SocketAddrV4;
use vnet::HostId;
use world::{Fault, Machine, Toll, Way};

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn lab_with(replicas: u32) -> Lab {
    let mut lab = Lab::new(7, 3, false);
    lab.create_app("web", replicas);
    lab.run(secs(30), |_| {});
    lab
}

fn broken(lab: &mut Lab, name: &str, fault: Fault) {
    let now = lab.now;
    lab.world.break_down(now, name, fault, None).expect(name);
}

fn mended(lab: &mut Lab, name: &str) {
    let now = lab.now;
    lab.world.mend(now, name).expect(name);
}

fn ready(lab: &Lab, node: &str) -> String {
    let node = lab.world.cluster().store().get("nodes", "", node);
    let node = node.expect("registered");
    let conditions = node["status"]["conditions"].as_array().expect("posted");
    let ready = conditions.iter().find(|one| one["type"] == "Ready");
    ready.expect("posted")["status"]
        .as_str()
        .expect("a word")
        .to_owned()
}

/// The Pods of the app: name, node, uid.
fn pods(lab: &Lab) -> Vec<(String, String, String)> {
    let pods = lab.world.cluster().store().list("pods", Some("default"));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    pods.map(|pod| {
        (
            text(&pod["metadata"]["name"]),
            text(&pod["spec"]["nodeName"]),
            text(&pod["metadata"]["uid"]),
        )
    })
    .collect()
}

/// What a machine hears from the app's Service, and how long it took.
fn ask(lab: &mut Lab, from: HostId) -> (Result<String, String>, Duration) {
    let to = SocketAddrV4::new(lab.vip("web"), PORT);
    ask_at(lab, from, to)
}

/// The same at an address that may be nobody's any more.
fn ask_at(lab: &mut Lab, from: HostId, to: SocketAddrV4) -> (Result<String, String>, Duration) {
    let began = lab.now;
    let mut call = lab.call(from, to).expect("the machine has power");
    loop {
        if let Some(answer) = lab.poll_call(&mut call) {
            return (answer.map(|answer| answer.uid), lab.now - began);
        }
        let until = lab.now + secs(1);
        lab.step(until);
    }
}

#[test]
fn a_node_that_is_cut_off_is_not_ready_and_its_pods_run_on_until_it_returns() {
    let mut lab = lab_with(3);
    let (_, node, uid) = pods(&lab)[0].clone();
    broken(&mut lab, "cut", Fault::partition(&node));
    lab.run(secs(30), |_| {});
    assert_eq!(ready(&lab, &node), "True", "the grace period is not over");
    lab.run(secs(30), |_| {});
    assert_eq!(ready(&lab, &node), "Unknown");
    assert!(lab.containers.contains_key(&uid), "it still runs there");
    lab.run(secs(330), |_| {});
    let pod = lab.world.cluster().store();
    let pod = pod.list("pods", Some("default"));
    let pod = pod
        .filter(|pod| pod["metadata"]["uid"] == *uid)
        .collect::<Vec<_>>();
    assert!(
        !pod[0]["metadata"]["deletionTimestamp"].is_null(),
        "evicted, which nobody on the node has heard of"
    );
    assert!(lab.containers.contains_key(&uid), "it still runs there");
    mended(&mut lab, "cut");
    lab.run(secs(60), |_| {});
    assert_eq!(ready(&lab, &node), "True");
    assert!(!lab.containers.contains_key(&uid), "it heard of it");
    assert!(pods(&lab).iter().all(|(.., other)| *other != uid));
    assert_eq!(pods(&lab).len(), 3);
}

#[test]
fn a_node_that_is_cut_off_goes_by_its_old_rules_until_it_hears_again() {
    let mut lab = lab_with(1);
    let (_, node, uid) = pods(&lab)[0].clone();
    let near = lab.world.nodes()[&node];
    let nodes = lab.world.nodes().values();
    let far = *nodes.clone().find(|host| **host != near).expect("three");
    let vip = SocketAddrV4::new(lab.vip("web"), PORT);
    broken(&mut lab, "cut", Fault::partition(&node));
    lab.run(secs(60), |_| {});
    // Its Pod is no endpoint any more, which its own kube-proxy has not heard.
    assert!(ask(&mut lab, far).0.is_err());
    assert_eq!(ask(&mut lab, near).0, Ok(uid.clone()));
    let path = "/api/v1/namespaces/default/services/web";
    lab.api(Method::Delete, path, &json!({}));
    lab.run(secs(5), |_| {});
    assert_eq!(ask_at(&mut lab, near, vip).0, Ok(uid));
    mended(&mut lab, "cut");
    lab.run(secs(5), |_| {});
    assert!(ask_at(&mut lab, near, vip).0.is_err());
}

#[test]
fn a_node_that_was_off_and_one_that_was_cut_off_know_the_rules_of_today() {
    let mut lab = lab_with(3);
    lab.run(secs(10), |_| {});
    let node = lab.world.nodes()["node-b"];
    for fault in [
        Fault::NodeDown {
            node: "node-b".into(),
        },
        Fault::partition("node-b"),
    ] {
        broken(&mut lab, "gone", fault);
        lab.create_app(if lab.has_app("one") { "two" } else { "one" }, 1);
        lab.run(secs(10), |_| {});
        mended(&mut lab, "gone");
        lab.run(secs(60), |_| {});
        let tables = lab.world.net().iptables(node);
        let text = format!("{tables:?}");
        assert!(text.contains("default/one"), "{text}");
        assert_eq!(text.contains("default/two"), lab.has_app("two"));
    }
}

#[test]
fn a_pod_bound_to_a_node_while_it_was_cut_off_starts_when_it_returns() {
    let mut lab = lab_with(0);
    broken(&mut lab, "cut", Fault::partition("node-b"));
    let path = "/api/v1/namespaces/default/pods";
    let spec = json!({ "nodeName": "node-b", "containers": [{ "name": "c", "image": "nginx" }] });
    lab.create(
        path,
        &json!({ "metadata": { "name": "late" }, "spec": spec }),
    );
    lab.run(secs(20), |_| {});
    let phase = |lab: &Lab| {
        let pod = lab.world.cluster().store().get("pods", "default", "late");
        pod.expect("created")["status"]["phase"].clone()
    };
    assert_eq!(phase(&lab), "Pending");
    mended(&mut lab, "cut");
    lab.run(secs(20), |_| {});
    assert_eq!(phase(&lab), "Running");
}

#[test]
fn a_pod_removed_by_force_while_its_node_was_cut_off_ends_when_the_node_returns() {
    let mut lab = lab_with(1);
    let (name, node, uid) = pods(&lab)[0].clone();
    broken(&mut lab, "cut", Fault::partition(&node));
    let path = format!("/api/v1/namespaces/default/pods/{name}?gracePeriodSeconds=0");
    lab.api(Method::Delete, &path, &json!({}));
    lab.run(secs(10), |_| {});
    assert!(lab.containers.contains_key(&uid), "nobody told its node");
    mended(&mut lab, "cut");
    lab.run(secs(10), |_| {});
    assert!(!lab.containers.contains_key(&uid));
}

#[test]
fn a_node_that_hears_but_is_not_heard_is_cut_off_too() {
    let mut lab = lab_with(1);
    let toll = Toll {
        down: true,
        ..Toll::default()
    };
    let machine = Machine::Named("node-b".to_owned());
    let way = Way::Out;
    broken(&mut lab, "mute", Fault::Link { machine, toll, way });
    lab.run(secs(60), |_| {});
    assert_eq!(ready(&lab, "node-b"), "Unknown");
}

#[test]
fn tolls_on_one_cable_add_up_and_each_is_mended_alone() {
    let mut lab = lab_with(1);
    let (name, node, _) = pods(&lab)[0].clone();
    let other = lab.world.nodes().iter().find(|(name, _)| **name != node);
    let from = *other.expect("three nodes").1;
    let slow = |millis| Fault::Link {
        machine: Machine::Pod {
            namespace: "default".to_owned(),
            name: name.clone(),
        },
        toll: Toll {
            latency: Duration::from_millis(millis),
            ..Toll::default()
        },
        way: Way::In,
    };
    let quick = ask(&mut lab, from).1;
    broken(&mut lab, "slow", slow(100));
    broken(&mut lab, "slower", slow(300));
    // The handshake and the question: twice into the Pod.
    let (answer, took) = ask(&mut lab, from);
    assert!(answer.is_ok());
    assert!(
        (secs(0)..secs(1)).contains(&(took - Duration::from_millis(800))),
        "{took:?}"
    );
    mended(&mut lab, "slower");
    let (_, took) = ask(&mut lab, from);
    assert!(took < Duration::from_millis(300), "{took:?}");
    mended(&mut lab, "slow");
    assert_eq!(ask(&mut lab, from).1, quick);
}

#[test]
fn a_fault_that_was_to_last_a_while_heals_by_itself() {
    let mut lab = lab_with(1);
    let now = lab.now;
    let fault = Fault::NodeDown {
        node: "node-c".to_owned(),
    };
    lab.world
        .break_down(now, "storm", fault.clone(), Some(secs(100)))
        .expect("it has power");
    let again = lab.world.break_down(now, "storm", fault, None);
    assert_eq!(again, Err("the fault storm lasts already".to_owned()));
    lab.run(secs(90), |_| {});
    assert_eq!(ready(&lab, "node-c"), "Unknown");
    lab.run(secs(60), |_| {});
    assert_eq!(ready(&lab, "node-c"), "True");
    assert!(lab.world.faults().is_empty());
}

#[test]
fn a_pod_that_is_killed_starts_again_with_the_signals_code() {
    let mut lab = lab_with(1);
    let (pod, ..) = pods(&lab)[0].clone();
    let namespace = "default".to_owned();
    broken(
        &mut lab,
        "shot",
        Fault::PodKill {
            namespace,
            pod: pod.clone(),
        },
    );
    lab.run(secs(15), |_| {});
    let pod = lab.world.cluster().store().get("pods", "default", &pod);
    let status = &pod.expect("still there")["status"]["containerStatuses"][0];
    assert_eq!(status["restartCount"], 1);
    assert_eq!(status["lastState"]["terminated"]["exitCode"], 137);
    assert!(lab.world.faults().is_empty(), "nothing is left to mend");
}

#[test]
fn an_image_that_is_gone_cannot_be_pulled_until_it_is_back() {
    let mut lab = lab_with(0);
    let image = "nginx".to_owned();
    broken(&mut lab, "gone", Fault::ImageMissing { image });
    lab.create_app("api", 1);
    lab.run(secs(20), |_| {});
    let waiting = |lab: &Lab| {
        let (name, ..) = pods(lab)[0].clone();
        let pod = lab.world.cluster().store().get("pods", "default", &name);
        let status = pod.expect("created")["status"]["containerStatuses"][0].clone();
        status["state"]["waiting"]["reason"].clone()
    };
    assert!(["ErrImagePull", "ImagePullBackOff"].contains(&waiting(&lab).as_str().expect("waits")));
    mended(&mut lab, "gone");
    lab.run(secs(60), |_| {});
    assert!(waiting(&lab).is_null());
}

#[test]
fn what_is_not_there_cannot_be_broken() {
    let mut lab = lab_with(0);
    let now = lab.now;
    let mut refusal = |fault| lab.world.break_down(now, "x", fault, None).unwrap_err();
    let node = "node-z".to_owned();
    assert_eq!(refusal(Fault::NodeDown { node }), "no node node-z");
    let said = refusal(Fault::partition("moon"));
    assert!(
        said.starts_with("no machine moon; there are node-a, node-b, node-c"),
        "{said}"
    );
    let image = "moon:1".to_owned();
    assert_eq!(
        refusal(Fault::ImageMissing { image }),
        "no registry has the image moon:1"
    );
    assert_eq!(lab.world.mend(now, "x"), Err("no fault x".to_owned()));
}

#[test]
fn cluster_dns_that_is_down_has_no_pods_and_comes_back_as_it_was() {
    let mut lab = lab_with(0);
    let replicas = |lab: &Lab| {
        let dns = lab.world.cluster().store();
        let dns = dns.get("deployments.apps", "kube-system", "coredns");
        dns.expect("it has DNS")["spec"]["replicas"].clone()
    };
    let before = replicas(&lab);
    broken(&mut lab, "dns", Fault::DnsDown);
    assert_eq!(replicas(&lab), 0);
    mended(&mut lab, "dns");
    assert_eq!(replicas(&lab), before);
}
