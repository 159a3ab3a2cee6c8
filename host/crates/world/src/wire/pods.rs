//! The machines of Pods: a sandbox of the kubelet is a host behind its node's router.
//!
//! Never starts a program; it says on which machine one may start.

use crate::Output;
use clock::Instant;
use cluster::Cluster;
use cluster::kubelet::{PodRef, Report, SandboxOrder};
use std::collections::{BTreeMap, VecDeque};
use vnet::{HostId, Net};

/// Which machine each Pod has, by uid.
#[derive(Debug, Default)]
pub(crate) struct Pods {
    places: BTreeMap<String, Place>,
}

#[derive(Debug)]
struct Place {
    pod: PodRef,
    node: HostId,
    host: HostId,
}

impl Pods {
    /// Cables a machine for the sandbox and reports it ready.
    pub(crate) fn up(
        &mut self,
        now: Instant,
        net: &mut Net,
        cluster: &mut Cluster,
        nodes: &BTreeMap<String, HostId>,
        sandbox: SandboxOrder,
        outputs: &mut VecDeque<Output>,
    ) {
        let Some(node) = nodes.get(&sandbox.node).copied() else {
            return;
        };
        let host = if sandbox.host_network {
            node
        } else {
            match net.add_pod(now, &sandbox.pod.name, node, sandbox.ip) {
                Ok(host) => host,
                // An address in use or a full table: the kubelet tries again, as after a CNI error.
                Err(_) => return,
            }
        };
        self.places.insert(
            sandbox.pod.uid.clone(),
            Place {
                pod: sandbox.pod.clone(),
                node,
                host,
            },
        );
        outputs.push_back(Output::PodUp {
            pod: sandbox.pod.clone(),
            host,
            hostname: sandbox.hostname,
            resolv_conf: sandbox.dns,
            hosts: sandbox.hosts,
        });
        cluster.handle_report(now, Report::SandboxReady { pod: sandbox.pod });
    }

    /// Takes a Pod's machine away and reports it gone.
    pub(crate) fn down(
        &mut self,
        now: Instant,
        net: &mut Net,
        cluster: &mut Cluster,
        pod: PodRef,
        outputs: &mut VecDeque<Output>,
    ) {
        if let Some(place) = self.places.remove(&pod.uid) {
            outputs.push_back(Output::PodDown { pod: pod.clone() });
            if place.host != place.node {
                net.remove_host(now, place.host);
            }
        }
        cluster.handle_report(now, Report::SandboxStopped { pod });
    }

    /// Takes the machines of a node that lost power; nobody is left there to report it.
    pub(crate) fn lose_node(
        &mut self,
        now: Instant,
        net: &mut Net,
        node: HostId,
        outputs: &mut VecDeque<Output>,
    ) {
        let lost: Vec<String> = self
            .places
            .iter()
            .filter(|(_, place)| place.node == node)
            .map(|(uid, _)| uid.clone())
            .collect();
        for uid in lost {
            let place = self.places.remove(&uid).expect("the key was just read");
            outputs.push_back(Output::PodDown { pod: place.pod });
            if place.host != place.node {
                net.remove_host(now, place.host);
            }
        }
    }

    /// The machine of a Pod.
    pub(crate) fn host(&self, pod: &PodRef) -> Option<HostId> {
        self.by_uid(&pod.uid)
    }

    /// The machine of the Pod with this uid.
    pub(crate) fn by_uid(&self, uid: &str) -> Option<HostId> {
        self.places.get(uid).map(|place| place.host)
    }

    /// The machine of the Pod with this uid, if it has one of its own.
    pub(crate) fn machine(&self, uid: &str) -> Option<HostId> {
        let place = self.places.get(uid)?;
        (place.host != place.node).then_some(place.host)
    }

    /// The Pods that have a machine, by uid.
    pub(crate) fn uids(&self) -> impl Iterator<Item = &str> {
        self.places.keys().map(String::as_str)
    }

    /// The node that a Pod's machine stands behind.
    pub(crate) fn node(&self, pod: &PodRef) -> Option<HostId> {
        self.places.get(&pod.uid).map(|place| place.node)
    }

    /// Whether a Pod's machine stands behind this node.
    pub(crate) fn is_on(&self, pod: &PodRef, node: HostId) -> bool {
        self.places
            .get(&pod.uid)
            .is_some_and(|place| place.node == node)
    }
}
