//! Two clusters in one world: each has its own objects, Pods, rules and names.

use crate::fake::{Lab, PORT};
use clock::Duration;
use cluster::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddrV4};
use vnet::HostId;
use world::{Fault, SiteId};

const SERVICES: &str = "/api/v1/namespaces/default/services";

fn sites(lab: &Lab) -> [SiteId; 2] {
    let sites: Vec<SiteId> = lab.world.sites().collect();
    sites.try_into().expect("two clusters")
}

/// An app of this name with one Pod and a NodePort.
fn create(lab: &mut Lab, site: SiteId, name: &str, port: u16) {
    let labels = json!({ "app": name });
    let pod = json!({ "metadata": { "labels": labels }, "spec": { "containers": [{ "name": "c", "image": "nginx" }] } });
    let deployment = json!({ "metadata": { "name": name }, "spec": { "selector": { "matchLabels": labels }, "template": pod } });
    let service = json!({ "metadata": { "name": name }, "spec": { "type": "NodePort", "selector": labels, "ports": [{ "port": 80, "nodePort": port }] } });
    for (path, object) in [
        ("/apis/apps/v1/namespaces/default/deployments", &deployment),
        (SERVICES, &service),
    ] {
        let (status, answer) = lab.api_of(site, Method::Post, path, object);
        assert_eq!(status, 201, "{answer}");
    }
}

fn ask(lab: &mut Lab, from: HostId, to: SocketAddrV4) -> Result<String, String> {
    let mut call = lab.call(from, to).expect("the machine has power");
    loop {
        if let Some(answer) = lab.poll_call(&mut call) {
            return answer.map(|answer| answer.uid);
        }
        let until = lab.now + Duration::from_secs(1);
        lab.step(until);
    }
}

fn vip(lab: &Lab, site: SiteId) -> Ipv4Addr {
    let store = lab.world.cluster_of(site).store();
    let service = store.get("services", "default", "web").expect("created");
    let addr = service["spec"]["clusterIP"].as_str().expect("allocated");
    addr.parse().expect("an address")
}

/// The uid of the app's Pod.
fn uid(lab: &Lab, site: SiteId) -> String {
    let store = lab.world.cluster_of(site).store();
    let pod = store.list("pods", Some("default")).next().expect("one");
    let uid = pod["metadata"]["uid"].as_str();
    uid.expect("every object has one").to_owned()
}

#[test]
fn each_of_two_clusters_has_its_own_objects_pods_rules_and_ports() {
    let mut lab = Lab::on("docker-desktop");
    let [desktop, minikube] = sites(&lab);
    assert_eq!(lab.world.site_named("minikube"), Some(minikube));
    for (site, port) in [(desktop, 30_001), (minikube, 30_002)] {
        create(&mut lab, site, "web", port);
    }
    lab.run(Duration::from_secs(30), |_| {});
    let uids = [desktop, minikube].map(|site| uid(&lab, site));
    assert_ne!(uids[0], uids[1]);
    for (site, own) in [desktop, minikube].into_iter().zip(&uids) {
        let node = *lab.world.nodes_of(site).values().next().expect("one node");
        let to = SocketAddrV4::new(vip(&lab, site), PORT);
        assert_eq!(ask(&mut lab, node, to).as_ref(), Ok(own));
    }
    // A NodePort is its own cluster's, and only Docker Desktop's is the laptop's too.
    let addr = |lab: &Lab, site| {
        let node = lab.world.nodes_of(site).values().next().expect("one node");
        lab.world.net().host_addr(*node)
    };
    let near = lab.world.machines()[1].1;
    let own = SocketAddrV4::new(addr(&lab, minikube), 30_002);
    assert_eq!(ask(&mut lab, near, own).as_ref(), Ok(&uids[1]));
    let others = SocketAddrV4::new(addr(&lab, minikube), 30_001);
    assert!(ask(&mut lab, near, others).is_err());
    let here: BTreeSet<u16> = lab
        .world
        .forwards()
        .into_iter()
        .filter(|forward| forward.host == lab.world.workstation())
        .map(|forward| forward.listen.port())
        .collect();
    assert!(
        here.contains(&30_001) && !here.contains(&30_002),
        "{here:?}"
    );
    assert!(here.contains(&6443), "{here:?}");
}

#[test]
fn a_cluster_goes_on_while_a_node_of_the_other_is_down() {
    let mut lab = Lab::on("docker-desktop");
    let [desktop, minikube] = sites(&lab);
    create(&mut lab, minikube, "web", 30_002);
    lab.run(Duration::from_secs(30), |_| {});
    let before = uid(&lab, minikube);
    let fault = Fault::NodeDown {
        node: "minikube".into(),
    };
    let now = lab.now;
    lab.world
        .break_down(now, "off", fault, None)
        .expect("a node of this world");
    create(&mut lab, desktop, "web", 30_001);
    lab.run(Duration::from_secs(30), |_| {});
    let node = lab.world.nodes()["docker-desktop"];
    let to = SocketAddrV4::new(vip(&lab, desktop), PORT);
    let own = uid(&lab, desktop);
    assert_eq!(ask(&mut lab, node, to), Ok(own));
    let now = lab.now;
    lab.world.mend(now, "off").expect("it lasts");
    lab.run(Duration::from_secs(60), |_| {});
    assert_eq!(uid(&lab, minikube), before);
    let list = lab.api_of(minikube, Method::Get, SERVICES, &Value::Null).1;
    assert_eq!(list["items"].as_array().map(Vec::len), Some(2));
}

#[test]
fn names_of_one_cluster_are_not_known_in_the_other() {
    let mut lab = Lab::on("docker-desktop");
    let [desktop, minikube] = sites(&lab);
    create(&mut lab, minikube, "web", 30_002);
    lab.run(Duration::from_secs(30), |_| {});
    let names = |site| lab.world.cluster_of(site).dns_records().a;
    let web = "web.default.svc.cluster.local";
    assert!(names(minikube).contains_key(web));
    assert!(!names(desktop).contains_key(web));
}
