//! What is asked about, found in a world: a Service, a Pod or an address. Never judges whether it
//! works.

use super::asker::At;
use super::look::{items, name, namespace, number, selects, text};
use super::question::{Question, Subject};
use crate::World;
use cluster::{Object, Store};
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddrV4};

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

pub(super) fn service<'a>(store: &'a Store, namespace: &str, name: &str) -> Option<&'a Object> {
    store.get("services", namespace, name)
}

/// The Service of the cluster that an `ExternalName` is another name for, or the Service itself.
pub(super) fn meant<'a>(store: &'a Store, found: &'a Object) -> &'a Object {
    let spec = &found["spec"];
    let alias = text(&spec["externalName"]);
    let own = super::names::service_name(alias).filter(|_| spec["type"] == "ExternalName");
    own.and_then(|(namespace, name)| service(store, namespace, name))
        .unwrap_or(found)
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
    let of_service = |object: &Object, port: Option<&str>| {
        let object = meant(store, object);
        Target::Service {
            port: port_of(object, port).cloned(),
            service: object.clone(),
        }
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
