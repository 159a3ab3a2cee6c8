//! The rules against a second reading of the specification: whatever is written in whatever
//! order, the network judges every conversation as the objects say.

use super::*;
use clock::{Seed, Stream};
use cluster::Store;
use rand::RngExt;
use serde_json::json;
use vnet::{Capture, Config, Dataplane, Flow};

/// Worlds that are drawn, and writes in each.
const SEEDS: u64 = 60;
const WRITES: usize = 30;
const SPACES: [&str; 3] = ["default", "prod", "test"];

/// A small network whose Pods come and go, and the objects about them.
struct Lab {
    store: Store,
    policies: Policies,
    net: Net,
    nodes: [HostId; 2],
    /// Machines of Pods by uid: which node, which address.
    machines: BTreeMap<String, (HostId, usize, Ipv4Addr)>,
    told: u64,
    next: u32,
}

impl Lab {
    fn new(seed: u64) -> Self {
        let range = |text: &str| text.parse().expect("a range");
        let mut net = Net::new(Config {
            seed: Seed::new(seed),
            pod_cidr: range("10.244.0.0/16"),
            service_cidr: range("10.96.0.0/12"),
            dataplane: Dataplane::Routed,
            capture: Capture::Headers,
        });
        let lan = net.add_lan("lan", range("192.168.1.0/24"));
        let node = |n: u8| {
            (
                Ipv4Addr::new(192, 168, 1, 10 + n),
                Ipv4Addr::new(10, 244, n, 0),
            )
        };
        let nodes = [1, 2].map(|n| {
            let (addr, pods) = node(n);
            net.add_node(&format!("node-{n}"), lan, addr, Cidr::new(pods, 24))
        });
        let mut lab = Self {
            store: Store::with_capacity(64),
            policies: Policies::default(),
            net,
            nodes,
            machines: BTreeMap::new(),
            told: 0,
            next: 2,
        };
        for name in SPACES {
            lab.write(NAMESPACES, "", name, json!({}));
        }
        lab
    }

    /// Creates or changes an object.
    fn write(&mut self, kind: &'static str, namespace: &str, name: &str, mut body: Value) {
        let meta = &mut body["metadata"];
        meta["name"] = name.into();
        if !namespace.is_empty() {
            meta["namespace"] = namespace.into();
        }
        match self.store.get(kind, namespace, name) {
            Some(old) => {
                body["metadata"]["uid"] = old["metadata"]["uid"].clone();
                body["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"].clone();
                self.store.update(kind, body).expect("a good update");
            }
            None => {
                self.next += 1;
                meta["uid"] = format!("{namespace}-{name}-{}", self.next).into();
                self.store.create(kind, body).expect("a new name");
            }
        }
    }

    fn delete(&mut self, kind: &'static str, namespace: &str, name: &str) {
        let gone = self.store.delete(kind, namespace, name);
        gone.expect("it was listed");
    }

    /// Gives a Pod a machine, or takes it.
    fn machine(&mut self, uid: &str, chance: &mut Stream) {
        if let Some((host, ..)) = self.machines.remove(uid) {
            self.net.remove_host(Instant::ZERO, host);
            return self.policies.plug(uid, None);
        }
        let at = chance.random_range(0..2_usize);
        self.next += 1;
        let addr = Ipv4Addr::new(10, 244, at as u8 + 1, (self.next % 200 + 2) as u8);
        let host = self.net.add_pod(Instant::ZERO, uid, self.nodes[at], addr);
        let host = host.expect("addresses do not come again so soon");
        self.machines.insert(uid.to_owned(), (host, at, addr));
        self.policies.plug(uid, Some(addr));
    }

    fn follow(&mut self) {
        let Self { machines, .. } = self;
        let host = |uid: &str| machines.get(uid).map(|(host, ..)| *host);
        let (store, net) = (&self.store, &mut self.net);
        self.policies
            .follow(Instant::ZERO, self.told, store, host, net);
        self.told = self.store.revision();
    }
}

/// A second reading of the specification, from the objects alone.
struct Spec<'a>(&'a Lab);

impl Spec<'_> {
    fn pod(&self, addr: Ipv4Addr) -> Option<(&Value, usize)> {
        let found = self.0.machines.iter().find(|(_, (.., own))| *own == addr);
        let (uid, (_, node, _)) = found?;
        let pod = self.0.store.list(PODS, None);
        let pod = pod
            .map(|pod| &**pod)
            .find(|pod| pod["metadata"]["uid"] == **uid)?;
        (pod["spec"]["hostNetwork"] != true).then_some((pod, *node))
    }

    fn wants(selector: &Value, labels: &Value) -> bool {
        if let Some(pairs) = selector["matchLabels"].as_object() {
            for (key, value) in pairs {
                if labels[key] != *value {
                    return false;
                }
            }
        }
        for wish in list(&selector["matchExpressions"]) {
            let label = &labels[text(&wish["key"])];
            let among = list(&wish["values"]).contains(label);
            let fits = match text(&wish["operator"]) {
                "In" => !label.is_null() && among,
                "NotIn" => label.is_null() || !among,
                "Exists" => !label.is_null(),
                _ => label.is_null(),
            };
            if !fits {
                return false;
            }
        }
        true
    }

    fn is_peer(&self, policy: &Value, peer: &Value, addr: Ipv4Addr) -> bool {
        if peer["ipBlock"].is_object() {
            let inside = |range: &Value| {
                let (net, bits) = text(range).split_once('/').expect("a range");
                let net: Ipv4Addr = net.parse().expect("an address");
                let bits: u32 = bits.parse().expect("a number");
                addr.to_bits().checked_shr(32 - bits) == net.to_bits().checked_shr(32 - bits)
            };
            let out = list(&peer["ipBlock"]["except"]).iter().any(inside);
            return inside(&peer["ipBlock"]["cidr"]) && !out;
        }
        let Some((pod, _)) = self.pod(addr) else {
            return false;
        };
        let home = text(&pod["metadata"]["namespace"]);
        let there = match &peer["namespaceSelector"] {
            Value::Null => pod["metadata"]["namespace"] == policy["metadata"]["namespace"],
            wanted => {
                let space = self.0.store.get(NAMESPACES, "", home);
                space.is_some_and(|space| Self::wants(wanted, &space["metadata"]["labels"]))
            }
        };
        there && Self::wants(&peer["podSelector"], &pod["metadata"]["labels"])
    }

    fn is_port(&self, wanted: &Value, flow: Flow) -> bool {
        let proto = match flow.proto {
            Proto::Tcp => "TCP",
            Proto::Udp => "UDP",
            Proto::Icmp => "ICMP",
        };
        if text(&wanted["protocol"]) != proto {
            return false;
        }
        let port = u64::from(flow.dst.port());
        match &wanted["port"] {
            Value::Null => true,
            Value::String(name) => self.pod(*flow.dst.ip()).is_some_and(|(pod, _)| {
                let containers = list(&pod["spec"]["containers"]).iter();
                let mut ports = containers.flat_map(|one| list(&one["ports"]));
                ports.any(|one| {
                    one["name"] == **name
                        && text(&one["protocol"]) == proto
                        && one["containerPort"].as_u64() == Some(port)
                })
            }),
            first => {
                let first = first.as_u64().expect("a number");
                let last = wanted["endPort"].as_u64().unwrap_or(first);
                first <= port && port <= last
            }
        }
    }

    fn side(&self, pod: &Value, kind: &str, flow: Flow, other: Ipv4Addr) -> bool {
        let (rules, peers) = match kind {
            "Ingress" => ("ingress", "from"),
            _ => ("egress", "to"),
        };
        let mut isolated = false;
        for policy in self.0.store.list(POLICIES, None) {
            let spec = &policy["spec"];
            let selects = policy["metadata"]["namespace"] == pod["metadata"]["namespace"]
                && Self::wants(&spec["podSelector"], &pod["metadata"]["labels"])
                && list(&spec["policyTypes"]).contains(&kind.into());
            if !selects {
                continue;
            }
            isolated = true;
            for rule in list(&spec[rules]) {
                let peers = list(&rule[peers]);
                let ports = list(&rule["ports"]);
                let is_peer =
                    peers.is_empty() || peers.iter().any(|one| self.is_peer(policy, one, other));
                let is_port = ports.is_empty() || ports.iter().any(|one| self.is_port(one, flow));
                if is_peer && is_port {
                    return true;
                }
            }
        }
        !isolated
    }

    fn allows(&self, flow: Flow) -> bool {
        let (src, dst) = (*flow.src.ip(), *flow.dst.ip());
        let is_node =
            |addr: Ipv4Addr, node: usize| addr == self.0.net.host_addr(self.0.nodes[node]);
        let out = match self.pod(src) {
            Some((pod, node)) if src != dst && !is_node(dst, node) => {
                self.side(pod, "Egress", flow, dst)
            }
            _ => true,
        };
        let into = match self.pod(dst) {
            Some((pod, node)) if src != dst && !is_node(src, node) => {
                self.side(pod, "Ingress", flow, src)
            }
            _ => true,
        };
        out && into
    }
}

fn one<'a, T>(chance: &mut Stream, of: &'a [T]) -> &'a T {
    &of[chance.random_range(0..of.len())]
}

fn labels(chance: &mut Stream) -> Value {
    let mut labels = json!({});
    for (key, values) in [("app", ["web", "db"]), ("tier", ["front", "back"])] {
        if chance.random_range(0..3) > 0 {
            labels[key] = (*one(chance, &values)).into();
        }
    }
    labels
}

fn selector(chance: &mut Stream) -> Value {
    let key = *one(chance, &["app", "tier"]);
    let values = *one(chance, &[["web", "front"], ["db", "back"]]);
    match chance.random_range(0..5) {
        0 => json!({}),
        1 => {
            json!({ "matchExpressions": [{ "key": key, "operator": *one(chance, &["In", "NotIn"]), "values": values }] })
        }
        2 => {
            json!({ "matchExpressions": [{ "key": key, "operator": *one(chance, &["Exists", "DoesNotExist"]) }] })
        }
        _ => json!({ "matchLabels": labels(chance) }),
    }
}

fn peer(chance: &mut Stream) -> Value {
    match chance.random_range(0..4) {
        0 => json!({ "podSelector": selector(chance) }),
        1 => json!({ "namespaceSelector": selector(chance) }),
        2 => json!({ "podSelector": selector(chance), "namespaceSelector": selector(chance) }),
        _ => json!({ "ipBlock": {
            "cidr": *one(chance, &["10.244.0.0/16", "192.168.1.0/24", "0.0.0.0/0"]),
            "except": *one(chance, &[&[][..], &["10.244.2.0/24"], &["192.168.1.12/32"]]),
        } }),
    }
}

fn port(chance: &mut Stream) -> Value {
    let protocol = *one(chance, &["TCP", "UDP"]);
    match chance.random_range(0..4) {
        0 => json!({ "protocol": protocol }),
        1 => json!({ "protocol": protocol, "port": 79, "endPort": 100 }),
        2 => json!({ "protocol": protocol, "port": "http" }),
        _ => json!({ "protocol": protocol, "port": *one(chance, &[53, 80, 8080]) }),
    }
}

fn several(chance: &mut Stream, draw: fn(&mut Stream) -> Value) -> Value {
    (0..chance.random_range(0..3))
        .map(|_| draw(chance))
        .collect()
}

fn policy(chance: &mut Stream) -> Value {
    let mut spec = json!({ "podSelector": selector(chance) });
    spec["policyTypes"] = (*one(
        chance,
        &[&["Ingress"][..], &["Egress"], &["Ingress", "Egress"]],
    ))
    .into();
    for (side, peers) in [("ingress", "from"), ("egress", "to")] {
        let rules = 0..chance.random_range(0..3);
        let rule = |_| json!({ peers: several(chance, peer), "ports": several(chance, port) });
        spec[side] = rules.map(rule).collect();
    }
    json!({ "spec": spec })
}

fn pod(chance: &mut Stream) -> Value {
    let ports = [
        json!([]),
        json!([{ "name": "http", "containerPort": 80, "protocol": "TCP" }]),
        json!([{ "name": "http", "containerPort": 8080, "protocol": "TCP" },
               { "name": "http", "containerPort": 53, "protocol": "UDP" }]),
    ];
    let ports = one(chance, &ports);
    json!({
        "metadata": { "labels": labels(chance) },
        "spec": { "hostNetwork": chance.random_range(0..10) == 0, "containers": [{ "ports": ports }] },
    })
}

/// One drawn write.
fn happen(lab: &mut Lab, chance: &mut Stream) {
    let space = *one(chance, &SPACES);
    let name = *one(chance, &["a", "b", "c"]);
    let uid = |lab: &Lab| {
        let pod = lab.store.get(PODS, space, name);
        text(&pod.expect("asked")["metadata"]["uid"]).to_owned()
    };
    let is_there = |kind| lab.store.get(kind, space, name).is_some();
    match chance.random_range(0..12) {
        0 | 1 if is_there(PODS) => {
            // Pods do not change their network.
            let old = lab.store.get(PODS, space, name).expect("asked");
            let mut new = pod(chance);
            new["spec"] = old["spec"].clone();
            lab.write(PODS, space, name, new);
        }
        0..4 => {
            if !is_there(PODS) {
                lab.write(PODS, space, name, pod(chance));
            }
            lab.machine(&uid(lab), chance);
        }
        4 if is_there(PODS) => {
            let uid = uid(lab);
            lab.delete(PODS, space, name);
            if lab.machines.contains_key(&uid) {
                lab.machine(&uid, chance);
            }
        }
        5 => {
            let body = json!({ "metadata": { "labels": labels(chance) } });
            lab.write(NAMESPACES, "", space, body);
        }
        6 | 7 if is_there(POLICIES) => lab.delete(POLICIES, space, name),
        _ => lab.write(POLICIES, space, name, policy(chance)),
    }
}

/// Everybody with everybody.
fn compare(lab: &Lab, what: &str) -> usize {
    let nodes = lab.nodes.iter().map(|node| lab.net.host_addr(*node));
    let outside = Ipv4Addr::new(192, 168, 1, 77);
    let pods = lab.machines.values().map(|(.., addr)| *addr);
    let everybody: Vec<Ipv4Addr> = pods.chain(nodes).chain([outside]).collect();
    let mut denied = 0;
    for src in &everybody {
        for dst in &everybody {
            for (proto, port) in [
                (Proto::Tcp, 80),
                (Proto::Tcp, 8080),
                (Proto::Udp, 53),
                (Proto::Icmp, 0),
            ] {
                let flow = Flow {
                    proto,
                    src: SocketAddrV4::new(*src, 40_000),
                    dst: SocketAddrV4::new(*dst, port),
                };
                let wanted = Spec(lab).allows(flow);
                let judged = lab.net.judge(FabricId::FIRST, flow);
                assert_eq!(
                    judged.is_ok(),
                    wanted,
                    "{what}: {proto:?} {flow}: {judged:?}"
                );
                denied += usize::from(!wanted);
            }
        }
    }
    denied
}

#[test]
fn every_conversation_is_judged_as_the_objects_say_whatever_came_first() {
    let mut denied = 0;
    for seed in 0..SEEDS {
        let mut chance = Seed::new(seed).stream("policies");
        let mut lab = Lab::new(seed);
        for step in 0..WRITES {
            for _ in 0..chance.random_range(1..4) {
                happen(&mut lab, &mut chance);
            }
            // Now and then the log forgets before anybody looks.
            if chance.random_range(0..20) == 0 {
                for n in 0..70 {
                    let labels = json!({ "metadata": { "labels": { "n": n.to_string() } } });
                    lab.write(NAMESPACES, "", "noise", labels);
                }
            }
            lab.follow();
            denied += compare(&lab, &format!("seed {seed} step {step}"));
        }
        for policy in lab.store.list(POLICIES, None).cloned().collect::<Vec<_>>() {
            let meta = &policy["metadata"];
            lab.delete(POLICIES, text(&meta["namespace"]), text(&meta["name"]));
        }
        lab.follow();
        assert_eq!(compare(&lab, "without policies"), 0, "seed {seed}");
        assert!(lab.policies.pods.is_empty() && lab.policies.selectors.is_empty());
    }
    assert!(
        denied > 5_000,
        "the drawn policies deny something: {denied}"
    );
}

fn chain(policy: Value) -> Policy {
    read("default", &policy)
}

#[test]
fn the_types_of_a_policy_follow_from_its_rules_when_it_names_none() {
    let types = |spec: Value| {
        let policy = chain(spec);
        (policy.ingress, policy.egress)
    };
    assert_eq!(types(json!({ "podSelector": {} })), (true, false));
    let out = json!({ "podSelector": {}, "egress": [{}] });
    assert_eq!(types(out), (true, true));
    let only = json!({ "podSelector": {}, "policyTypes": ["Egress"] });
    assert_eq!(types(only), (false, true));
}

#[test]
fn an_empty_rule_allows_everything_and_an_empty_list_nothing() {
    let all = chain(json!({ "podSelector": {}, "ingress": [{}] }));
    assert_eq!(all.chain.ingress, [Allow::default()]);
    let none = chain(json!({ "podSelector": {}, "ingress": [] }));
    assert!(none.chain.ingress.is_empty() && none.ingress);
}

#[test]
fn what_nobody_here_can_be_or_speak_allows_nobody() {
    let rule = chain(json!({ "ingress": [{
        "from": [{ "ipBlock": { "cidr": "2001:db8::/64" } }],
        "ports": [{ "protocol": "SCTP", "port": 80 }],
    }] }));
    let nobody = Allow {
        peers: Some(vec![]),
        ports: Some(vec![]),
    };
    assert_eq!(rule.chain.ingress, [nobody]);
}

#[test]
fn a_set_is_named_after_what_it_means() {
    let peers = json!({ "egress": [{ "to": [
        { "podSelector": { "matchLabels": { "app": "db" } } },
        { "namespaceSelector": {} },
        { "namespaceSelector": { "matchExpressions": [{ "key": "env", "operator": "NotIn", "values": ["prod", "qa"] }] },
          "podSelector": { "matchLabels": { "app": "db" }, "matchExpressions": [{ "key": "x", "operator": "DoesNotExist" }] } },
    ] }] });
    let names: Vec<String> = chain(peers).selectors.into_keys().collect();
    assert_eq!(
        names,
        [
            "all pods in all namespaces",
            "app=db in default",
            "app=db,!x in namespaces with env notin (prod,qa)",
        ]
    );
}
