//! NetworkPolicies on the wire: what each Pod's machine may hear and say, in the network's words.
//!
//! A policy becomes a chain under its name, a peer's selector a set of addresses, a named port a
//! set of addresses with ports, and a Pod a filter that names the policies which select it. What
//! changes is told as [`Change`]s, so that a Pod that comes costs one look at every selector in
//! use and no more. Without a policy nothing is kept.
//!
//! Meanings are those of <https://kubernetes.io/docs/concepts/services-networking/network-policies/>.
//! Pods on their node's network are selected by nothing. Never judges a packet.

use clock::Instant;
use cluster::Op;
use cluster::api::selector::selects;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddrV4};
use vnet::{Allow, Chain, Cidr, FabricId, Filter, HostId, Net, Peer, Ports, Proto};

const POLICIES: &str = "networkpolicies.networking.k8s.io";
const PODS: &str = "pods";
const NAMESPACES: &str = "namespaces";

/// What the network must be told.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Change {
    Chain(String, Option<Chain>),
    Address(String, Ipv4Addr, bool),
    NamedPort(String, SocketAddrV4, bool),
    Filter(String, Filter),
}

/// Pods that a peer means.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Selector {
    namespaces: Scope,
    /// A `LabelSelector`; null means all.
    pods: Value,
}

/// Where they are.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Scope {
    One(String),
    /// Namespaces with these labels, a `LabelSelector`.
    Matching(Value),
}

/// What is known of a Pod.
#[derive(Debug, Default)]
struct Pod {
    namespace: String,
    labels: Value,
    /// Its named ports.
    ports: BTreeSet<(NamedPort, u16)>,
    filter: Filter,
    /// The sets that it is in, with the address and the ports that stand there for it.
    in_sets: BTreeMap<String, Ipv4Addr>,
    in_ports: BTreeSet<(String, SocketAddrV4)>,
}

type NamedPort = (Proto, String);

/// A policy, read.
#[derive(Debug)]
struct Policy {
    subjects: Value,
    ingress: bool,
    egress: bool,
    chain: Chain,
    selectors: BTreeMap<String, Selector>,
    named: BTreeSet<NamedPort>,
}

/// Everything that the network was told.
#[derive(Debug, Default)]
pub(crate) struct Policies {
    fabric: FabricId,
    policies: BTreeMap<(String, String), Policy>,
    namespaces: BTreeMap<String, Value>,
    pods: BTreeMap<String, Pod>,
    /// Addresses of Pods that have a machine of their own, by uid.
    machines: BTreeMap<String, Ipv4Addr>,
    /// What policies ask for, and how many do.
    selectors: BTreeMap<String, (Selector, usize)>,
    named: BTreeMap<NamedPort, usize>,
    changes: Vec<Change>,
}

/// Following the cluster.
impl Policies {
    /// Nothing yet, for the nodes of a fabric.
    pub(crate) fn of(fabric: FabricId) -> Self {
        Self {
            fabric,
            ..Self::default()
        }
    }

    /// A Pod has a machine of its own with this address, or none any more.
    pub(crate) fn plug(&mut self, uid: &str, addr: Option<Ipv4Addr>) {
        match addr {
            Some(addr) => self.machines.insert(uid.to_owned(), addr),
            None => self.machines.remove(uid),
        };
        if let Some(pod) = self.pods.get(uid) {
            if addr.is_some() {
                let filter = pod.filter.clone();
                self.changes.push(Change::Filter(uid.to_owned(), filter));
            }
            self.place(uid);
        }
    }

    /// Forgets the machines that are not among these.
    pub(crate) fn keep<'a>(&mut self, machines: impl Iterator<Item = &'a str>) {
        let kept: BTreeSet<&str> = machines.collect();
        let known = self.machines.keys();
        let gone: Vec<String> = known
            .filter(|uid| !kept.contains(uid.as_str()))
            .cloned()
            .collect();
        gone.iter().for_each(|uid| self.plug(uid, None));
    }

    /// Takes in what was written after revision `since` and programs the network; `machine` knows
    /// the machine that a Pod has of its own, by uid.
    pub(crate) fn follow(
        &mut self,
        now: Instant,
        since: u64,
        store: &cluster::Store,
        machine: impl Fn(&str) -> Option<HostId>,
        net: &mut Net,
    ) {
        if self.policies.is_empty() && store.count(POLICIES) == 0 {
            self.changes.clear();
            return;
        }
        match store.events_since(since) {
            Ok(events) if !self.policies.is_empty() => {
                for event in events {
                    let object = Some(&*event.object).filter(|_| event.op != Op::Deleted);
                    self.take_in(event.kind, &event.object, object);
                }
            }
            // The first policy, or a log that has forgotten.
            _ => self.begin_again(store),
        }
        if self.policies.is_empty() {
            self.forget_pods();
        }
        for change in std::mem::take(&mut self.changes) {
            program(now, self.fabric, change, &machine, net);
        }
    }

    fn take_in(&mut self, kind: &str, last: &Value, object: Option<&Value>) {
        let meta = |field: &str| text(&last["metadata"][field]).to_owned();
        match kind {
            POLICIES => self.policy((meta("namespace"), meta("name")), object),
            NAMESPACES => self.namespace(&meta("name"), object),
            PODS => self.pod(&meta("uid"), object),
            _ => {}
        }
    }

    /// Reads everything there is, and forgets what there is no more.
    fn begin_again(&mut self, store: &cluster::Store) {
        let uid = |pod: &Value| text(&pod["metadata"]["uid"]).to_owned();
        let there: BTreeSet<String> = store.list(PODS, None).map(|pod| uid(pod)).collect();
        let gone: Vec<String> = self.pods.keys().cloned().collect();
        for pod in gone.iter().filter(|uid| !there.contains(*uid)) {
            self.pod(pod, None);
        }
        let names: Vec<String> = self.namespaces.keys().cloned().collect();
        for name in names {
            if store.get(NAMESPACES, "", &name).is_none() {
                self.namespace(&name, None);
            }
        }
        let keys: Vec<_> = self.policies.keys().cloned().collect();
        for key in keys {
            if store.get(POLICIES, &key.0, &key.1).is_none() {
                self.policy(key, None);
            }
        }
        for kind in [NAMESPACES, PODS, POLICIES] {
            for object in store.list(kind, None) {
                self.take_in(kind, object, Some(object));
            }
        }
    }

    /// Without policies nobody is filtered, and nothing needs to be known.
    fn forget_pods(&mut self) {
        let uids: Vec<String> = self.pods.keys().cloned().collect();
        uids.iter().for_each(|uid| self.pod(uid, None));
        self.namespaces.clear();
    }
}

/// Taking in one object.
impl Policies {
    fn namespace(&mut self, name: &str, object: Option<&Value>) {
        let labels = object.map(|object| object["metadata"]["labels"].clone());
        if self.namespaces.get(name) == labels.as_ref() {
            return;
        }
        match labels {
            Some(labels) => self.namespaces.insert(name.to_owned(), labels),
            None => self.namespaces.remove(name),
        };
        let inside = self.pods.iter().filter(|(_, pod)| pod.namespace == name);
        let inside: Vec<String> = inside.map(|(uid, _)| uid.clone()).collect();
        inside.iter().for_each(|uid| self.place(uid));
    }

    fn pod(&mut self, uid: &str, object: Option<&Value>) {
        let object = object.filter(|pod| pod["spec"]["hostNetwork"] != true);
        let Some(object) = object else {
            if let Some(mut pod) = self.pods.remove(uid) {
                // Its machine, if it still has one, keeps its filter until it is gone.
                self.settle(&mut pod, BTreeMap::new(), BTreeSet::new());
            }
            return;
        };
        let (labels, ports) = (&object["metadata"]["labels"], named_ports(object));
        let known = self.pods.entry(uid.to_owned()).or_insert_with(|| Pod {
            namespace: text(&object["metadata"]["namespace"]).to_owned(),
            // What no Pod has: what follows is news.
            labels: Value::Bool(false),
            ..Pod::default()
        });
        if known.labels == *labels && known.ports == ports {
            return;
        }
        known.labels = labels.clone();
        known.ports = ports;
        self.place(uid);
        self.filter(uid);
    }

    fn policy(&mut self, key: (String, String), object: Option<&Value>) {
        let name = chain_name(&key);
        let new = object.map(|object| read(&key.0, &object["spec"]));
        let old = self.policies.remove(&key);
        let chain = new.as_ref().map(|new| new.chain.clone());
        if old.as_ref().map(|old| &old.chain) != chain.as_ref() {
            self.changes.push(Change::Chain(name, chain));
        }
        let asked = |policy: Option<&Policy>| {
            policy.map(|policy| (policy.selectors.clone(), policy.named.clone()))
        };
        let asks_otherwise =
            asked(old.as_ref()).unwrap_or_default() != asked(new.as_ref()).unwrap_or_default();
        if let Some(new) = new {
            for (name, selector) in &new.selectors {
                let asked = self.selectors.entry(name.clone());
                asked.or_insert_with(|| (selector.clone(), 0)).1 += 1;
            }
            for port in &new.named {
                *self.named.entry(port.clone()).or_default() += 1;
            }
            self.policies.insert(key.clone(), new);
        }
        for name in old.iter().flat_map(|old| old.selectors.keys()) {
            self.selectors.get_mut(name).expect("counted").1 -= 1;
        }
        for port in old.iter().flat_map(|old| &old.named) {
            *self.named.get_mut(port).expect("counted") -= 1;
        }
        self.selectors.retain(|_, (_, asking)| *asking > 0);
        self.named.retain(|_, asking| *asking > 0);
        let uids: Vec<String> = self.pods.keys().cloned().collect();
        for uid in uids {
            if asks_otherwise {
                self.place(&uid);
            }
            if self.pods[&uid].namespace == key.0 {
                self.filter(&uid);
            }
        }
    }

    /// Puts a Pod into the sets that mean it, and out of all others.
    fn place(&mut self, uid: &str) {
        let Some(mut pod) = self.pods.remove(uid) else {
            return;
        };
        let (mut sets, mut ports) = (BTreeMap::new(), BTreeSet::new());
        if let Some(addr) = self.machines.get(uid) {
            let selectors = self.selectors.iter();
            let meant = selectors.filter(|(_, (selector, _))| self.means(selector, &pod));
            sets = meant.map(|(name, _)| (name.clone(), *addr)).collect();
            let named = pod.ports.iter();
            let asked = named.filter(|(name, _)| self.named.contains_key(name));
            ports = asked
                .map(|(name, port)| (set_name(name), SocketAddrV4::new(*addr, *port)))
                .collect();
        }
        self.settle(&mut pod, sets, ports);
        self.pods.insert(uid.to_owned(), pod);
    }

    fn means(&self, selector: &Selector, pod: &Pod) -> bool {
        let is_there = match &selector.namespaces {
            Scope::One(name) => *name == pod.namespace,
            Scope::Matching(wanted) => self
                .namespaces
                .get(&pod.namespace)
                .is_some_and(|labels| selects(wanted, labels)),
        };
        is_there && selects(&selector.pods, &pod.labels)
    }

    /// Tells in which sets a Pod is now.
    fn settle(
        &mut self,
        pod: &mut Pod,
        sets: BTreeMap<String, Ipv4Addr>,
        ports: BTreeSet<(String, SocketAddrV4)>,
    ) {
        let differ = |a: &BTreeMap<String, Ipv4Addr>, b: &BTreeMap<String, Ipv4Addr>| {
            let gone = a.iter().filter(|(name, addr)| b.get(*name) != Some(addr));
            gone.map(|(name, addr)| (name.clone(), *addr))
                .collect::<Vec<_>>()
        };
        for (member, list) in [
            (false, differ(&pod.in_sets, &sets)),
            (true, differ(&sets, &pod.in_sets)),
        ] {
            let told = list.into_iter();
            self.changes
                .extend(told.map(|(name, addr)| Change::Address(name, addr, member)));
        }
        for (member, list) in [
            (false, pod.in_ports.difference(&ports)),
            (true, ports.difference(&pod.in_ports)),
        ] {
            let told = list.cloned();
            self.changes
                .extend(told.map(|(name, at)| Change::NamedPort(name, at, member)));
        }
        pod.in_sets = sets;
        pod.in_ports = ports;
    }

    /// Works out which policies select a Pod.
    fn filter(&mut self, uid: &str) {
        let Some(pod) = self.pods.get_mut(uid) else {
            return;
        };
        let first = (pod.namespace.clone(), String::new());
        let mine = self.policies.range(first..);
        let mine = mine.take_while(|((namespace, _), _)| *namespace == pod.namespace);
        let mut filter = Filter::default();
        for (key, policy) in mine.filter(|(_, policy)| selects(&policy.subjects, &pod.labels)) {
            for (side, is_meant) in [
                (&mut filter.ingress, policy.ingress),
                (&mut filter.egress, policy.egress),
            ] {
                if is_meant {
                    side.get_or_insert_default().push(chain_name(key));
                }
            }
        }
        if filter != pod.filter {
            pod.filter = filter.clone();
            self.changes.push(Change::Filter(uid.to_owned(), filter));
        }
    }
}

fn program(
    now: Instant,
    fabric: FabricId,
    change: Change,
    machine: impl Fn(&str) -> Option<HostId>,
    net: &mut Net,
) {
    match change {
        Change::Chain(name, chain) => net.set_chain(now, fabric, &name, chain),
        Change::Address(set, addr, member) => net.set_address(now, fabric, &set, addr, member),
        Change::NamedPort(set, at, member) => net.set_named_port(now, fabric, &set, at, member),
        Change::Filter(uid, filter) => {
            if let Some(host) = machine(&uid) {
                net.set_filter(now, host, filter);
            }
        }
    }
}

fn chain_name((namespace, name): &(String, String)) -> String {
    format!("NetworkPolicy {namespace}/{name}")
}

fn set_name((proto, name): &NamedPort) -> String {
    let proto = match proto {
        Proto::Udp => "UDP",
        _ => "TCP",
    };
    format!("{proto} ports named {name}")
}

/// Reads a policy's `spec` of this namespace.
fn read(namespace: &str, spec: &Value) -> Policy {
    let types = spec["policyTypes"].as_array();
    let has = |wanted: &str| types.map(|types| types.iter().any(|one| one == wanted));
    let (mut selectors, mut named) = (BTreeMap::new(), BTreeSet::new());
    let mut side = |rules: &Value, peers: &str| -> Vec<Allow> {
        let rules = list(rules).iter();
        rules
            .map(|rule| Allow {
                peers: one_or_more(&rule[peers], |peer| {
                    read_peer(namespace, peer, &mut selectors)
                }),
                ports: one_or_more(&rule["ports"], |port| read_port(port, &mut named)),
            })
            .collect()
    };
    let chain = Chain {
        ingress: side(&spec["ingress"], "from"),
        egress: side(&spec["egress"], "to"),
    };
    Policy {
        subjects: spec["podSelector"].clone(),
        ingress: has("Ingress").unwrap_or(true),
        egress: has("Egress").unwrap_or(!chain.egress.is_empty()),
        chain,
        selectors,
        named,
    }
}

/// What a list names; none or an empty one is no restriction.
fn one_or_more<T>(of: &Value, read: impl FnMut(&Value) -> Option<T>) -> Option<Vec<T>> {
    let items = list(of);
    (!items.is_empty()).then(|| items.iter().filter_map(read).collect())
}

/// A peer; nothing for one that no machine here can be, such as a range of IPv6.
fn read_peer(
    namespace: &str,
    peer: &Value,
    selectors: &mut BTreeMap<String, Selector>,
) -> Option<Peer> {
    let block = &peer["ipBlock"];
    if !block.is_null() {
        let except = list(&block["except"]).iter();
        return Some(Peer::Range {
            range: text(&block["cidr"]).parse::<Cidr>().ok()?,
            except: except.filter_map(|part| text(part).parse().ok()).collect(),
        });
    }
    let (pods, elsewhere) = (&peer["podSelector"], &peer["namespaceSelector"]);
    if pods.is_null() && elsewhere.is_null() {
        return None;
    }
    let selector = Selector {
        namespaces: match elsewhere {
            Value::Null => Scope::One(namespace.to_owned()),
            wanted => Scope::Matching(wanted.clone()),
        },
        pods: pods.clone(),
    };
    let name = selector.name();
    selectors.insert(name.clone(), selector);
    Some(Peer::Set(name))
}

/// A port; nothing for a protocol that nobody here speaks.
fn read_port(port: &Value, named: &mut BTreeSet<NamedPort>) -> Option<Ports> {
    let proto = proto(port)?;
    let number = |value: &Value| value.as_u64().and_then(|number| u16::try_from(number).ok());
    match &port["port"] {
        Value::Null => Some(Ports::All(proto)),
        Value::String(name) => {
            named.insert((proto, name.clone()));
            Some(Ports::Named(proto, set_name(&(proto, name.clone()))))
        }
        first => {
            let first = number(first)?;
            let last = number(&port["endPort"]).unwrap_or(first);
            Some(Ports::Range(proto, first, last))
        }
    }
}

/// The ports that a Pod's containers name.
fn named_ports(pod: &Value) -> BTreeSet<(NamedPort, u16)> {
    let sidecars = list(&pod["spec"]["initContainers"]).iter();
    let sidecars = sidecars.filter(|container| container["restartPolicy"] == "Always");
    let containers = list(&pod["spec"]["containers"]).iter().chain(sidecars);
    let ports = containers.flat_map(|container| list(&container["ports"]));
    ports
        .filter_map(|port| {
            let name = port["name"].as_str().filter(|name| !name.is_empty())?;
            let number = u16::try_from(port["containerPort"].as_u64()?).ok()?;
            Some(((proto(port)?, name.to_owned()), number))
        })
        .collect()
}

fn proto(port: &Value) -> Option<Proto> {
    match port["protocol"].as_str().unwrap_or("TCP") {
        "TCP" => Some(Proto::Tcp),
        "UDP" => Some(Proto::Udp),
        _ => None,
    }
}

impl Selector {
    /// What it means, in words; two that read alike mean the same.
    fn name(&self) -> String {
        let pods = labels_in_words(&self.pods).unwrap_or_else(|| "all pods".to_owned());
        match &self.namespaces {
            Scope::One(name) => format!("{pods} in {name}"),
            Scope::Matching(wanted) => match labels_in_words(wanted) {
                Some(wanted) => format!("{pods} in namespaces with {wanted}"),
                None => format!("{pods} in all namespaces"),
            },
        }
    }
}

/// A `LabelSelector` as kubectl takes it; `None` when it asks for nothing.
fn labels_in_words(selector: &Value) -> Option<String> {
    let equal = selector["matchLabels"].as_object().into_iter().flatten();
    let equal = equal.map(|(key, value)| format!("{key}={}", text(value)));
    let expression = |expression: &Value| {
        let key = text(&expression["key"]);
        let values: Vec<&str> = list(&expression["values"]).iter().map(text).collect();
        match text(&expression["operator"]) {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "Exists" => key.to_owned(),
            "DoesNotExist" => format!("!{key}"),
            other => format!("{key} {other}"),
        }
    };
    let expressions = list(&selector["matchExpressions"]).iter().map(expression);
    let words: Vec<String> = equal.chain(expressions).collect();
    (!words.is_empty()).then(|| words.join(","))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests;
