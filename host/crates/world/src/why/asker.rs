//! Who asks: a Pod, a node or a machine beside the cluster, found in a world, or whoever would ask
//! when nobody is named. Never judges whether it can.

use super::finding::Finding;
use super::look::{few, is_leaving, is_ready, kubectl, name, near, selects, text};
use super::question::{Asker, Question, Subject};
use super::target::{endpoints, pod_at, pods_of, port_of, ranges, service};
use crate::World;
use cluster::Object;
use std::net::Ipv4Addr;
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
