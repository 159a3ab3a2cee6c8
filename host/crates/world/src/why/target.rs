//! Who asks and what is asked about, found in a world: a machine on one side, a Service, a Pod or
//! a machine on the other, and the address that leads there. Never judges whether it works.

use super::finding::Finding;
use super::look::{
    few, is_leaving, is_ready, items, kubectl, name, namespace, near, number, selects, text,
};
use super::question::{Asker, Question, Subject};
use crate::{Reach, World};
use cluster::{Object, Store};
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddrV4};
use vnet::HostId;

/// Who asks.
#[derive(Clone, Debug)]
pub struct At {
    /// How people call it: `pod/a`, `node/node-a`, `workstation`.
    pub label: String,
    /// Its machine, while it has one.
    pub host: Option<HostId>,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Pod(Object),
    Node(String),
    Machine,
}

impl At {
    /// The Pod that asks.
    pub(super) fn pod(&self) -> Option<&Object> {
        match &self.kind {
            Kind::Pod(pod) => Some(pod),
            Kind::Node(_) | Kind::Machine => None,
        }
    }

    /// The node it is on, or is.
    pub(super) fn node(&self) -> Option<&str> {
        match &self.kind {
            Kind::Pod(pod) => pod["spec"]["nodeName"].as_str(),
            Kind::Node(node) => Some(node),
            Kind::Machine => None,
        }
    }
}

/// What a question leads to.
#[derive(Clone, Debug)]
pub(super) enum Target {
    /// A Service and the port of it that is meant.
    Service {
        service: Object,
        port: Option<Value>,
    },
    /// A Pod and the port of it that is meant.
    Pod { pod: Object, port: Option<u16> },
    /// An address that is neither's.
    Address(SocketAddrV4),
    /// Nothing to connect to.
    Nothing,
}

/// How a Service is entered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// At this address.
    At(SocketAddrV4),
    /// Through a tunnel that listens here.
    Tunnel(SocketAddrV4),
    /// Through a tunnel that is not there; the node's address.
    NoTunnel(SocketAddrV4),
    /// Not from outside.
    OnlyInside(SocketAddrV4),
    /// Not at all: it has no address, or no port was meant.
    Nowhere,
}

pub(super) fn service<'a>(store: &'a Store, namespace: &str, name: &str) -> Option<&'a Object> {
    store.get("services", namespace, name)
}

/// Finds who asks.
///
/// # Errors
/// The finding that it is not there.
pub(super) fn asker(world: &World, question: &Question) -> Result<At, Box<Finding>> {
    let store = world.cluster().store();
    match &question.asker {
        Asker::Anybody => Ok(anybody(world, question)),
        Asker::Pod {
            namespace,
            name: wanted,
        } => match store.get("pods", namespace, wanted) {
            Some(pod) => Ok(at_pod(world, pod)),
            None => {
                let there = store.list("pods", Some(namespace)).map(|pod| name(pod));
                Err(no_asker(format!("pod/{wanted}"), wanted, there.collect()))
            }
        },
        Asker::Deploy {
            namespace,
            name: wanted,
        } => {
            let Some(deploy) = store.get("deployments.apps", namespace, wanted) else {
                let there = store.list("deployments.apps", Some(namespace));
                let there = there.map(|one| name(one)).collect();
                return Err(no_asker(format!("deployment/{wanted}"), wanted, there));
            };
            let pods = pods_of(store, deploy);
            let best = pods
                .iter()
                .max_by_key(|pod| (is_ready(pod), is_up(world, pod)));
            best.map(|pod| at_pod(world, pod)).ok_or_else(|| {
                Box::new(Finding::AskerDown {
                    asker: format!("deployment/{wanted}"),
                    state: "0 Pods".into(),
                    command: format!(
                        "{} scale deployment {wanted} --replicas=1",
                        kubectl(namespace)
                    ),
                })
            })
        }
        Asker::Node(wanted) => match world.nodes().get(wanted) {
            Some(host) => Ok(at_node(wanted, *host)),
            None => {
                let there = world.nodes().keys().map(String::as_str).collect();
                Err(no_asker(format!("node/{wanted}"), wanted, there))
            }
        },
        Asker::Machine(wanted) => {
            let machines = world.machines();
            let found = match wanted.as_str() {
                "workstation" => machines.first(),
                _ => machines.iter().find(|(machine, _)| machine == wanted),
            };
            match found {
                Some((machine, host)) => Ok(at_machine(machine, *host)),
                None => {
                    let there = machines
                        .iter()
                        .map(|(machine, _)| machine.as_str())
                        .collect();
                    Err(no_asker(wanted.clone(), wanted, there))
                }
            }
        }
    }
}

fn no_asker(asker: String, wanted: &str, there: Vec<&str>) -> Box<Finding> {
    let first = near(wanted, there.iter().copied());
    let others = first
        .into_iter()
        .chain(there.iter().copied().filter(|one| Some(*one) != first));
    Box::new(Finding::AskerMissing {
        asker,
        others: few(others),
    })
}

fn at_pod(world: &World, pod: &Object) -> At {
    At {
        label: super::look::pod_word(pod),
        host: world.pod_host(text(&pod["metadata"]["uid"])),
        kind: Kind::Pod(pod.clone()),
    }
}

fn at_node(name: &str, host: HostId) -> At {
    At {
        label: format!("node/{name}"),
        host: Some(host),
        kind: Kind::Node(name.to_owned()),
    }
}

fn at_machine(name: &str, host: HostId) -> At {
    At {
        label: name.to_owned(),
        host: Some(host),
        kind: Kind::Machine,
    }
}

fn is_up(world: &World, pod: &Object) -> bool {
    pod["status"]["phase"] == "Running"
        && !is_leaving(pod)
        && world
            .pod_host(text(&pod["metadata"]["uid"]))
            .is_some_and(|host| world.net().is_powered(host))
}

/// Whoever would ask: a Pod of the namespace that is not the target itself, else a node; for
/// addresses that are there for people, the learner's machine.
fn anybody(world: &World, question: &Question) -> At {
    let store = world.cluster().store();
    let workstation = || {
        let machines = world.machines();
        let (name, host) = machines
            .first()
            .expect("a platform has a learner's machine");
        at_machine(name, *host)
    };
    let node = |wanted: Option<&str>| {
        let nodes = world.nodes();
        let found = wanted.and_then(|name| nodes.get_key_value(name));
        let powered = || {
            nodes
                .iter()
                .find(|(_, host)| world.net().is_powered(**host))
        };
        let found = found.or_else(powered).or_else(|| nodes.iter().next());
        found.map_or_else(workstation, |(name, host)| at_node(name, *host))
    };
    let space = match &question.subject {
        Subject::Service { namespace, .. } => namespace.as_str(),
        Subject::Pod {
            namespace, name, ..
        } => {
            let pod = store.get("pods", namespace, name);
            return node(pod.and_then(|pod| pod["spec"]["nodeName"].as_str()));
        }
        Subject::Deploy { namespace, name } => {
            let deploy = store.get("deployments.apps", namespace, name);
            let pods = deploy
                .map(|deploy| pods_of(store, deploy))
                .unwrap_or_default();
            return node(
                pods.first()
                    .and_then(|pod| pod["spec"]["nodeName"].as_str()),
            );
        }
        Subject::Node { .. } => return workstation(),
        Subject::Addr { addr, .. } if is_outside(world, *addr) => return workstation(),
        Subject::Addr { .. } | Subject::Name { .. } => &question.namespace,
    };
    let asked = match &question.subject {
        Subject::Service {
            namespace, name, ..
        } => service(store, namespace, name),
        _ => None,
    };
    let selector = asked
        .map(|service| service["spec"]["selector"].clone())
        .unwrap_or_default();
    let mut pods: Vec<&Object> = store
        .list("pods", Some(space))
        .filter(|pod| is_up(world, pod) && pod["spec"]["hostNetwork"] != true)
        .collect();
    // Policies keep some out on purpose; who is let through tells more about the rest of the way.
    let end = asked.and_then(|service| {
        endpoints(world, service, port_of(service, None)?)
            .first()
            .copied()
    });
    let end = end.and_then(|end| Some((pod_at(world, *end.ip())?, end.port())));
    let end =
        end.and_then(|(pod, port)| Some((world.pod_host(text(&pod["metadata"]["uid"]))?, port)));
    let is_kept_out = |pod: &Object| {
        let from = world.pod_host(text(&pod["metadata"]["uid"]));
        let both = from.zip(end);
        both.is_some_and(|(from, (to, port))| {
            world.allowed(from, to, vnet::Proto::Tcp, port).is_err()
        })
    };
    pods.sort_by_key(|pod| {
        (
            is_kept_out(pod),
            selects(&selector, &pod["metadata"]["labels"]),
        )
    });
    pods.first()
        .map_or_else(|| node(None), |pod| at_pod(world, pod))
}

/// Whether an address is for those outside the cluster's own network.
fn is_outside(world: &World, addr: Ipv4Addr) -> bool {
    let ranges = ranges(world);
    !ranges.iter().any(|(_, cidr)| cidr.contains(addr))
}

/// The ranges of Services and Pods, with what they are of.
pub(super) fn ranges(world: &World) -> Vec<(&'static str, vnet::Cidr)> {
    let store = world.cluster().store();
    let services = store.list("servicecidrs.networking.k8s.io", None);
    let services = services.flat_map(|range| items(&range["spec"]["cidrs"]));
    let services = services.filter_map(|cidr| Some(("Service", text(cidr).parse().ok()?)));
    let pods = store.list("nodes", None);
    let pods = pods.filter_map(|node| Some(("Pod", text(&node["spec"]["podCIDR"]).parse().ok()?)));
    services.chain(pods).collect()
}

/// The Pods of a Deployment, newest ReplicaSet's first.
pub(super) fn pods_of(store: &Store, deploy: &Value) -> Vec<Object> {
    let selector = &deploy["spec"]["selector"]["matchLabels"];
    let of = format!("deployment/{}", name(deploy));
    let pods = store.list("pods", Some(namespace(deploy)));
    pods.filter(|pod| {
        selects(selector, &pod["metadata"]["labels"]) && super::look::workload(store, pod) == of
    })
    .cloned()
    .collect()
}

/// Finds what is asked about.
pub(super) fn target(world: &World, question: &Question, at: Option<&At>) -> Target {
    let store = world.cluster().store();
    let of_service = |object: &Object, port: Option<&str>| Target::Service {
        port: port_of(object, port).cloned(),
        service: object.clone(),
    };
    let nothing = || Target::Nothing;
    match &question.subject {
        Subject::Service {
            namespace,
            name,
            port,
        } => service(store, namespace, name)
            .map_or_else(nothing, |found| of_service(found, port.as_deref())),
        Subject::Pod {
            namespace,
            name,
            port,
        } => store
            .get("pods", namespace, name)
            .map_or_else(nothing, |pod| Target::Pod {
                pod: pod.clone(),
                port: port.or_else(|| first_port(pod)),
            }),
        Subject::Deploy { .. } => Target::Nothing,
        Subject::Node { name, port } => match (world.nodes().get(name), port) {
            (Some(host), Some(port)) => at_address(world, world.net().host_addr(*host), *port),
            _ => Target::Nothing,
        },
        Subject::Name { name, port } => {
            let found = super::names::meant(world, at, &question.namespace, name);
            found.map_or_else(nothing, |found| of_service(&found.0, port.as_deref()))
        }
        Subject::Addr { addr, port } => {
            let own = store
                .list("services", None)
                .find(|service| has_address(service, *addr));
            let pod = || pod_at(world, *addr);
            if let Some(own) = own {
                let port = port.map(|port| port.to_string());
                return of_service(own, port.as_deref());
            }
            if let Some(pod) = pod() {
                return Target::Pod {
                    pod: pod.clone(),
                    port: port.or_else(|| first_port(pod)),
                };
            }
            port.map_or_else(nothing, |port| at_address(world, *addr, port))
        }
    }
}

/// A node's port, or an address that says nothing.
fn at_address(world: &World, addr: Ipv4Addr, port: u16) -> Target {
    let store = world.cluster().store();
    let is_node = node_at(world, addr).is_some();
    let own = store.list("services", None).find_map(|service| {
        let mut ports = items(&service["spec"]["ports"]).iter();
        let port = ports.find(|own| number(&own["nodePort"]) == Some(port))?;
        Some((service, port))
    });
    match own.filter(|_| is_node) {
        Some((service, port)) => Target::Service {
            service: service.clone(),
            port: Some(port.clone()),
        },
        None => Target::Address(SocketAddrV4::new(addr, port)),
    }
}

/// The node that has an address, of its own or at the edge of a cloud.
pub(super) fn node_at(world: &World, addr: Ipv4Addr) -> Option<String> {
    let addr = addr.to_string();
    let mut nodes = world.cluster().store().list("nodes", None);
    let node = nodes.find(|node| {
        items(&node["status"]["addresses"])
            .iter()
            .any(|one| one["address"] == addr.as_str())
    })?;
    Some(name(node).to_owned())
}

/// The running Pod that has an address of its own.
pub(super) fn pod_at(world: &World, addr: Ipv4Addr) -> Option<&Object> {
    let addr = addr.to_string();
    let mut pods = world.cluster().store().list("pods", None);
    pods.find(|pod| {
        pod["status"]["podIP"] == addr.as_str()
            && pod["spec"]["hostNetwork"] != true
            && !matches!(text(&pod["status"]["phase"]), "Succeeded" | "Failed")
    })
}

/// Whether a Service has an address, be it external.
fn has_address(service: &Value, addr: Ipv4Addr) -> bool {
    let addr = addr.to_string();
    let spec = &service["spec"];
    let external = items(&spec["externalIPs"])
        .iter()
        .chain([&spec["clusterIP"]]);
    let given = items(&service["status"]["loadBalancer"]["ingress"]).iter();
    external
        .chain(given.map(|one| &one["ip"]))
        .any(|one| *one == addr.as_str())
}

/// A Service's port by number or name; the first when none is said.
pub(super) fn port_of<'a>(service: &'a Value, asked: Option<&str>) -> Option<&'a Value> {
    let mut ports = items(&service["spec"]["ports"]).iter();
    match asked {
        None => ports.next(),
        Some(asked) => ports.find(|port| {
            port["name"] == asked
                || port["port"]
                    .as_u64()
                    .map(|port| port.to_string())
                    .as_deref()
                    == Some(asked)
        }),
    }
}

fn first_port(pod: &Value) -> Option<u16> {
    let containers = items(&pod["spec"]["containers"]).iter();
    let mut ports = containers.flat_map(|container| items(&container["ports"]));
    ports
        .find(|port| port["protocol"] != "UDP")
        .and_then(|port| number(&port["containerPort"]))
}

/// The number that a Service's port is in a Pod.
pub(super) fn target_port(port: &Value, pod: &Value) -> Option<u16> {
    let protocol = port["protocol"].as_str().unwrap_or("TCP");
    let Some(wanted) = port["targetPort"].as_str() else {
        return number(&port["targetPort"]).or_else(|| number(&port["port"]));
    };
    let containers = items(&pod["spec"]["containers"]).iter();
    let mut ports = containers.flat_map(|container| items(&container["ports"]));
    let found = ports
        .find(|own| own["name"] == wanted && own["protocol"].as_str().unwrap_or("TCP") == protocol);
    found.and_then(|own| number(&own["containerPort"]))
}

/// Whether a Service has no address of its own.
pub(super) fn is_headless(service: &Value) -> bool {
    service["spec"]["clusterIP"] == "None"
}

/// The address where somebody enters a Service.
pub(super) fn entry(
    world: &World,
    at: &At,
    question: &Question,
    service: &Value,
    port: Option<&Value>,
) -> Entry {
    let Some(port) = port else {
        return Entry::Nowhere;
    };
    // Who asked about an address means this one.
    if let Subject::Addr {
        addr,
        port: Some(port),
    } = &question.subject
    {
        return Entry::At(SocketAddrV4::new(*addr, *port));
    }
    let Some(port_number) = number(&port["port"]) else {
        return Entry::Nowhere;
    };
    if let (
        Subject::Node {
            name,
            port: Some(port),
        },
        Some(host),
    ) = (&question.subject, node_host(world, &question.subject))
    {
        debug_assert!(world.nodes().contains_key(name));
        return Entry::At(SocketAddrV4::new(world.net().host_addr(host), *port));
    }
    if is_headless(service) {
        let ready = endpoints(world, service, port);
        return ready.first().map_or(Entry::Nowhere, |endpoint| {
            Entry::At(SocketAddrV4::new(*endpoint.ip(), port_number))
        });
    }
    let Ok(cluster_ip) = text(&service["spec"]["clusterIP"]).parse() else {
        return Entry::Nowhere;
    };
    let inside = SocketAddrV4::new(cluster_ip, port_number);
    match at.kind {
        Kind::Pod(_) | Kind::Node(_) => Entry::At(inside),
        Kind::Machine => from_outside(world, at, service, port, inside),
    }
}

fn node_host(world: &World, subject: &Subject) -> Option<HostId> {
    match subject {
        Subject::Node { name, .. } => world.nodes().get(name).copied(),
        _ => None,
    }
}

fn from_outside(
    world: &World,
    at: &At,
    service: &Value,
    port: &Value,
    inside: SocketAddrV4,
) -> Entry {
    let given = items(&service["status"]["loadBalancer"]["ingress"])
        .iter()
        .map(|one| &one["ip"]);
    let external = items(&service["spec"]["externalIPs"]).iter();
    let balanced = given
        .chain(external)
        .find_map(|addr| text(addr).parse().ok());
    if let Some(addr) = balanced {
        return Entry::At(SocketAddrV4::new(addr, inside.port()));
    }
    let Some(node_port) = number(&port["nodePort"]) else {
        return Entry::OnlyInside(inside);
    };
    let Some(node) = node_address(world, node_port) else {
        return Entry::OnlyInside(inside);
    };
    if at.host != Some(world.workstation()) {
        return Entry::At(node);
    }
    match world.platform().reach() {
        Reach::Routed | Reach::Public => Entry::At(node),
        Reach::Localhost => Entry::At(world.seen_from_workstation(node)),
        Reach::Published => tunnels(world)
            .first()
            .map_or(Entry::NoTunnel(node), |tunnel| Entry::Tunnel(*tunnel)),
    }
}

/// Where the learner's machine, or anybody outside, meets a node: its public address if it has one.
pub(super) fn node_address(world: &World, port: u16) -> Option<SocketAddrV4> {
    let nodes = world.nodes_in_order();
    let powered = nodes.iter().find(|(_, host)| world.net().is_powered(*host));
    let (name, host) = powered.or_else(|| nodes.first())?;
    let node = world.cluster().store().get("nodes", "", name)?;
    let external = items(&node["status"]["addresses"])
        .iter()
        .find(|one| one["type"] == "ExternalIP");
    let external = external.and_then(|one| text(&one["address"]).parse().ok());
    let addr = match world.platform().reach() {
        Reach::Public => external,
        Reach::Routed | Reach::Published | Reach::Localhost => None,
    };
    Some(SocketAddrV4::new(
        addr.unwrap_or_else(|| world.net().host_addr(*host)),
        port,
    ))
}

/// What listens on the learner's own 127.0.0.1 beside what is published there all the time.
pub(super) fn tunnels(world: &World) -> Vec<SocketAddrV4> {
    let laptop = world.workstation();
    let always: BTreeSet<SocketAddrV4> = world
        .forwards()
        .iter()
        .filter(|forward| forward.host == laptop)
        .map(|forward| forward.listen)
        .collect();
    let sockets = world.net().sockets(laptop).into_iter();
    let mine = sockets.filter(|socket| {
        socket.state == "LISTEN"
            && socket.local.ip().is_loopback()
            && !always.contains(&socket.local)
    });
    mine.map(|socket| socket.local).collect()
}

/// The endpoints that a Service's port leads to now.
pub(super) fn endpoints(world: &World, service: &Value, port: &Value) -> Vec<SocketAddrV4> {
    let store = world.cluster().store();
    let slices = store.list("endpointslices.discovery.k8s.io", Some(namespace(service)));
    let mine = slices.filter(|slice| {
        slice["metadata"]["labels"]["kubernetes.io/service-name"] == name(service)
            && slice["addressType"] == "IPv4"
    });
    let port_name = text(&port["name"]);
    let mut all = Vec::new();
    for slice in mine {
        let mut ports = items(&slice["ports"]).iter();
        let Some(port) = ports
            .find(|own| text(&own["name"]) == port_name)
            .and_then(|own| number(&own["port"]))
        else {
            continue;
        };
        let ready = items(&slice["endpoints"])
            .iter()
            .filter(|one| one["conditions"]["ready"] != false);
        let addresses = ready.flat_map(|one| items(&one["addresses"]));
        all.extend(
            addresses.filter_map(|addr| Some(SocketAddrV4::new(text(addr).parse().ok()?, port))),
        );
    }
    all.sort();
    all.dedup();
    all
}
