//! NetworkPolicies from their objects to the packets that they stop.

use crate::fake::{Lab, PORT};
use clock::Duration;
use cluster::Method;
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddrV4};
use vnet::{HostId, Origin, Proto, TcpState};

const POLICIES: &str = "/apis/networking.k8s.io/v1/namespaces/default/networkpolicies";
const PODS: &str = "/api/v1/namespaces/default/pods";

impl Lab {
    fn pod(&mut self, name: &str, role: &str) {
        self.create(
            PODS,
            &json!({
                "apiVersion": "v1", "kind": "Pod",
                "metadata": { "name": name, "labels": { "role": role } },
                "spec": { "containers": [{
                    "name": "web", "image": "nginx",
                    "ports": [{ "name": "http", "containerPort": PORT }],
                }] },
            }),
        );
    }

    /// A server, a friend of it and a stranger, all running.
    fn three_pods(seed: u64) -> Self {
        let mut lab = Self::new(seed, 2, false);
        for (name, role) in [("web", "web"), ("friend", "friend"), ("stranger", "none")] {
            lab.pod(name, role);
        }
        lab.create(
            "/api/v1/namespaces/default/services",
            &json!({
                "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web" },
                "spec": { "type": "NodePort", "selector": { "role": "web" },
                          "ports": [{ "port": 80, "nodePort": 30_080 }] },
            }),
        );
        lab.run(Duration::from_secs(20), |_| {});
        lab
    }

    fn policy(&mut self, name: &str, spec: &Value) {
        self.create(
            POLICIES,
            &json!({
                "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
                "metadata": { "name": name }, "spec": spec,
            }),
        );
    }

    fn addr(&self, pod: &str) -> SocketAddrV4 {
        SocketAddrV4::new(self.world.net().host_addr(self.host(pod)), PORT)
    }

    /// Whether somebody answers.
    fn reaches(&mut self, from: HostId, to: SocketAddrV4) -> bool {
        let mut call = self.call(from, to).expect("the machine has power");
        loop {
            if let Some(answer) = self.poll_call(&mut call) {
                return match answer {
                    Ok(_) => true,
                    Err(why) => {
                        assert_eq!(why, "late", "what is denied is silent");
                        false
                    }
                };
            }
            let until = self.now + Duration::from_secs(1);
            self.step(until);
        }
    }

    /// Why packets were stopped, each reason once.
    fn reasons(&self) -> Vec<String> {
        let log = self.world.net().packets().iter();
        let reasons = log.filter_map(|record| record.dropped);
        let mut reasons: Vec<String> = reasons.map(|why| why.to_string()).collect();
        reasons.sort();
        reasons.dedup();
        reasons
    }

    /// Whether cluster DNS answers a question about its own Service.
    fn resolves(&mut self, from: HostId) -> bool {
        let store = self.world.cluster().store();
        let dns = store.get("services", "kube-system", "kube-dns");
        let dns = dns.expect("the add-on")["spec"]["clusterIP"].as_str();
        let dns: Ipv4Addr = dns.expect("allocated").parse().expect("an address");
        let mut question = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for label in ["kubernetes", "default", "svc", "cluster", "local", ""] {
            question.push(label.len() as u8);
            question.extend(label.bytes());
        }
        question.extend([0, 1, 0, 1]);
        let (now, any) = (self.now, SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0));
        let net = self.world.net_mut();
        let sock = net
            .udp_bind(now, from, any, Origin::Program)
            .expect("a free port");
        net.udp_send(now, sock, SocketAddrV4::new(dns, 53), &question)
            .expect("there is a route");
        self.run(Duration::from_secs(2), |_| {});
        let answer = self.world.net_mut().udp_recv(self.now, sock);
        self.world.net_mut().close(self.now, sock);
        answer.is_some_and(|answer| answer.is_ok())
    }
}

fn deny(types: &[&str]) -> Value {
    json!({ "podSelector": {}, "policyTypes": types })
}

#[test]
fn ingress_is_denied_by_default_and_what_any_policy_allows_gets_in() {
    let mut lab = Lab::three_pods(1);
    let (web, vip) = (lab.addr("web"), SocketAddrV4::new(lab.vip("web"), PORT));
    let [friend, stranger] = ["friend", "stranger"].map(|pod| lab.host(pod));
    assert!(lab.reaches(stranger, web) && lab.reaches(stranger, vip));
    lab.policy("deny", &deny(&["Ingress"]));
    assert!(!lab.reaches(friend, web) && !lab.reaches(friend, vip));
    assert_eq!(
        lab.reasons(),
        ["ingress to web not allowed by NetworkPolicy default/deny"]
    );
    lab.policy(
        "friends",
        &json!({
            "podSelector": { "matchLabels": { "role": "web" } },
            "ingress": [{
                "from": [{ "podSelector": { "matchLabels": { "role": "friend" } } }],
                "ports": [{ "port": "http" }],
            }],
        }),
    );
    assert!(lab.reaches(friend, web) && lab.reaches(friend, vip));
    assert!(!lab.reaches(stranger, vip));
    let both =
        "ingress to web not allowed by NetworkPolicy default/deny, NetworkPolicy default/friends";
    assert!(
        lab.reasons().contains(&both.to_owned()),
        "{:?}",
        lab.reasons()
    );
    // A label is enough to become a friend, and a policy that goes takes its effect with it.
    let labels = json!({ "metadata": { "labels": { "role": "friend" } } });
    lab.api(Method::Patch, &format!("{PODS}/stranger"), &labels);
    assert!(lab.reaches(stranger, vip));
    lab.delete("NetworkPolicy", "friends");
    assert!(!lab.reaches(stranger, vip));
    lab.delete("NetworkPolicy", "deny");
    assert!(lab.reaches(stranger, vip));
}

#[test]
fn a_pod_always_reaches_itself_and_hears_its_node() {
    let mut lab = Lab::three_pods(2);
    lab.policy("deny", &deny(&["Ingress", "Egress"]));
    let (web, vip) = (lab.addr("web"), SocketAddrV4::new(lab.vip("web"), PORT));
    let machine = lab.host("web");
    assert!(lab.reaches(machine, web), "itself");
    assert!(lab.reaches(machine, vip), "itself through its Service");
    let home = lab.object("pods", "web")["spec"]["nodeName"].clone();
    for (name, node) in lab.world.nodes().clone() {
        assert_eq!(lab.reaches(node, web), *name == home, "from {name}");
    }
    let pod = lab.object("pods", "web");
    let ready = pod["status"]["conditions"].as_array().expect("reported");
    assert!(
        ready.iter().all(|condition| condition["status"] == "True"),
        "{pod}"
    );
}

#[test]
fn egress_is_denied_by_default_names_too_until_port_53_is_allowed() {
    let mut lab = Lab::three_pods(3);
    let (web, friend) = (lab.addr("web"), lab.host("friend"));
    assert!(lab.resolves(friend) && lab.reaches(friend, web));
    lab.policy("deny", &deny(&["Egress"]));
    assert!(!lab.resolves(friend) && !lab.reaches(friend, web));
    assert_eq!(
        lab.reasons(),
        ["egress from friend not allowed by NetworkPolicy default/deny"]
    );
    lab.policy(
        "dns",
        &json!({
            "podSelector": {}, "policyTypes": ["Egress"],
            "egress": [{
                "to": [{
                    "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": "kube-system" } },
                    "podSelector": { "matchLabels": { "k8s-app": "kube-dns" } },
                }],
                "ports": [{ "protocol": "UDP", "port": 53 }, { "port": 53 }],
            }],
        }),
    );
    assert!(lab.resolves(friend) && !lab.reaches(friend, web));
    let everybody = json!({
        "podSelector": {}, "policyTypes": ["Egress"], "egress": [{ "ports": [{ "port": 79, "endPort": 81 }] }],
    });
    lab.policy("web", &everybody);
    assert!(lab.reaches(friend, web));
}

#[test]
fn a_client_outside_gets_in_by_its_address_through_the_node_of_the_pod() {
    let mut lab = Lab::three_pods(4);
    let outside = lab.world.workstation();
    let home = lab.object("pods", "web")["spec"]["nodeName"].clone();
    let node = lab.world.nodes()[home.as_str().expect("bound")];
    let door = SocketAddrV4::new(lab.world.net().host_addr(node), 30_080);
    assert!(lab.reaches(outside, door));
    let from = lab.world.net().host_addr(outside);
    let block = |except: &[String]| {
        let cidr = "0.0.0.0/0";
        json!({
            "podSelector": { "matchLabels": { "role": "web" } },
            "ingress": [{ "from": [{ "ipBlock": { "cidr": cidr, "except": except } }] }],
        })
    };
    lab.policy("hole", &block(&[format!("{from}/32")]));
    assert!(!lab.reaches(outside, door));
    let (web, friend) = (lab.addr("web"), lab.host("friend"));
    assert!(lab.reaches(friend, web), "not in the hole");
    lab.policy("all", &block(&[]));
    assert!(lab.reaches(outside, door));
}

#[test]
fn a_conversation_that_has_begun_goes_on_when_a_policy_comes() {
    let mut lab = Lab::three_pods(5);
    let (web, friend) = (lab.addr("web"), lab.host("friend"));
    let net = lab.world.net_mut();
    let sock = net
        .tcp_connect(lab.now, friend, None, web, Origin::Program)
        .expect("a free port");
    lab.run(Duration::from_secs(1), |_| {});
    lab.policy("deny", &deny(&["Ingress", "Egress"]));
    assert_eq!(lab.world.net().tcp_state(sock), TcpState::Open);
    assert!(!lab.reaches(friend, web), "a new one");
    let now = lab.now;
    lab.world
        .net_mut()
        .tcp_send(now, sock, b"who?")
        .expect("open");
    lab.run(Duration::from_secs(1), |_| {});
    let answer = lab.world.net_mut().tcp_recv(lab.now, sock, 64);
    assert!(matches!(answer, Ok(vnet::Recv::Data(_))), "{answer:?}");
}

#[test]
fn whoever_comes_later_is_under_the_policies_that_are_there() {
    let mut lab = Lab::three_pods(6);
    lab.policy("deny", &deny(&["Ingress"]));
    let peers = json!({
        "podSelector": {},
        "ingress": [{ "from": [{ "namespaceSelector": { "matchLabels": { "team": "a" } } }] }],
    });
    lab.policy("team", &peers);
    lab.pod("late", "web");
    lab.run(Duration::from_secs(20), |_| {});
    let (late, friend) = (lab.host("late"), lab.host("friend"));
    let to = lab.addr("late");
    assert!(lab.world.allowed(friend, late, Proto::Tcp, PORT).is_err());
    assert!(!lab.reaches(friend, to));
    let labels = json!({ "metadata": { "labels": { "team": "a" } } });
    lab.api(Method::Patch, "/api/v1/namespaces/default", &labels);
    assert_eq!(lab.world.allowed(friend, late, Proto::Tcp, PORT), Ok(()));
    assert!(lab.reaches(friend, to));
    lab.delete("Pod", "friend");
    lab.run(Duration::from_secs(40), |_| {});
    lab.pod("friend", "friend");
    lab.run(Duration::from_secs(20), |_| {});
    let friend = lab.host("friend");
    assert!(lab.reaches(friend, to), "with another address");
}

#[test]
fn a_client_of_a_host_port_is_judged_by_its_own_address() {
    let mut lab = Lab::three_pods(8);
    lab.create(
        PODS,
        &json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": { "name": "door", "labels": { "app": "door" } },
            "spec": { "nodeName": "node-a", "containers": [{
                "name": "web", "image": "nginx",
                "ports": [{ "containerPort": PORT, "hostPort": 54_323 }],
            }] },
        }),
    );
    lab.run(Duration::from_secs(20), |_| {});
    let (outside, node) = (lab.world.workstation(), lab.world.nodes()["node-a"]);
    let net = lab.world.net();
    let (door, from) = (net.host_addr(node), net.host_addr(outside));
    let door = SocketAddrV4::new(door, 54_323);
    assert!(lab.reaches(outside, door));
    lab.policy("deny", &deny(&["Ingress"]));
    assert!(!lab.reaches(outside, door));
    lab.policy(
        "outside",
        &json!({
            "podSelector": { "matchLabels": { "app": "door" } },
            "ingress": [{ "from": [{ "ipBlock": { "cidr": format!("{from}/32") } }] }],
        }),
    );
    assert!(lab.reaches(outside, door));
}

#[test]
fn pods_on_the_network_of_their_node_are_selected_by_nothing() {
    let mut lab = Lab::three_pods(7);
    lab.create(
        PODS,
        &json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": { "name": "host", "labels": { "role": "friend" } },
            "spec": { "hostNetwork": true, "nodeName": "node-a",
                      "containers": [{ "name": "web", "image": "nginx" }] },
        }),
    );
    lab.run(Duration::from_secs(20), |_| {});
    let node = lab.host("host");
    assert_eq!(Some(&node), lab.world.nodes().get("node-a"));
    let listens = SocketAddrV4::new(lab.world.net().host_addr(node), PORT);
    let friend = lab.host("friend");
    lab.policy("deny", &deny(&["Ingress"]));
    assert!(lab.reaches(friend, listens), "it is not isolated");
    lab.policy(
        "friends",
        &json!({
            "podSelector": {},
            "ingress": [{ "from": [{ "podSelector": { "matchLabels": { "role": "friend" } } }] }],
        }),
    );
    let web = lab.host("web");
    let home = lab.object("pods", "web")["spec"]["nodeName"] == "node-a";
    let allowed = lab.world.allowed(node, web, Proto::Tcp, PORT).is_ok();
    assert_eq!(
        allowed, home,
        "it is no friend, only perhaps the node itself"
    );
}
