//! Breaking and mending a world. Never decides what breaks, nor for how long.

use super::World;
use crate::fault::{Before, FAULTS_MAX, Fault, Lasting, Machine, Toll, Way};
use crate::site::Site;
use clock::{Duration, Instant};
use cluster::kubelet::{Command, PodRef};
use cluster::{Body, Method, Request};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use vnet::{Cable, HostId};

const DNS_SCALE: &str = "/apis/apps/v1/namespaces/kube-system/deployments/coredns/scale";
const SIGKILL: u8 = 9;

impl World {
    /// Breaks something, until it is mended by its name or `lasting` is over.
    ///
    /// # Errors
    /// What there is not, or that a fault of this name lasts already.
    pub fn break_down(
        &mut self,
        now: Instant,
        name: &str,
        fault: Fault,
        lasting: Option<Duration>,
    ) -> Result<(), String> {
        if self.faults.lasting.contains_key(name) {
            return Err(format!("the fault {name} lasts already"));
        }
        if self.faults.lasting.len() >= FAULTS_MAX {
            return Err(format!("{FAULTS_MAX} faults last already"));
        }
        let before = self.begin(now, &fault)?;
        if let Fault::PodKill { .. } = fault {
            self.settle(now);
            return Ok(());
        }
        self.faults
            .keep(now, name.to_owned(), fault, lasting, before.clone());
        if let Before::Host(host) = before {
            self.take_toll(now, host);
        }
        self.settle(now);
        Ok(())
    }

    /// Mends what the fault of this name broke.
    ///
    /// # Errors
    /// When no fault of this name lasts.
    pub fn mend(&mut self, now: Instant, name: &str) -> Result<(), String> {
        let lasting = self.faults.lasting.remove(name);
        let Lasting { fault, before, .. } = lasting.ok_or_else(|| format!("no fault {name}"))?;
        match (fault, before) {
            (Fault::NodeDown { node }, _) => self.power(now, &node, true),
            (Fault::ImageMissing { image }, _) => {
                self.set_image_missing(&image, false);
            }
            (Fault::DnsDown, Before::Replicas(replicas)) => {
                // Somebody may have deleted it meanwhile; then there is nothing to mend.
                let _ = self.scale_dns(now, replicas);
            }
            (_, Before::Host(host)) => self.take_toll(now, host),
            (_, Before::Plain | Before::Replicas(_)) => {}
        }
        self.settle(now);
        Ok(())
    }

    /// The faults that last, by name.
    #[must_use]
    pub fn faults(&self) -> &BTreeMap<String, Lasting> {
        &self.faults.lasting
    }

    /// Mends what heals by itself and is due.
    pub(super) fn heal_due(&mut self, now: Instant) {
        for name in self.faults.due(now) {
            self.mend(now, &name).expect("it lasted until now");
        }
    }

    fn begin(&mut self, now: Instant, fault: &Fault) -> Result<Before, String> {
        match fault {
            Fault::NodeDown { node } => {
                let host = self.node(node).ok_or_else(|| format!("no node {node}"))?;
                if !self.net.is_powered(host) {
                    return Err(format!("node {node} has no power already"));
                }
                self.power(now, node, false);
                Ok(Before::Plain)
            }
            Fault::PodKill { namespace, pod } => self.kill(now, namespace, pod),
            Fault::Link { machine, .. } => self.machine(machine).map(Before::Host),
            Fault::DnsDown => {
                let replicas = self.scale_dns(now, 0)?;
                Ok(Before::Replicas(replicas))
            }
            Fault::ImageMissing { image } => {
                if !self.set_image_missing(image, true) {
                    self.set_image_missing(image, false);
                    return Err(format!("no registry has the image {image}"));
                }
                Ok(Before::Plain)
            }
        }
    }

    fn machine(&self, machine: &Machine) -> Result<HostId, String> {
        match machine {
            Machine::Pod { namespace, name } => {
                let pod = self.pod(namespace, name)?;
                let host = self.pod_host(pod["metadata"]["uid"].as_str().unwrap_or_default());
                host.ok_or_else(|| format!("pod {name} has no network"))
            }
            Machine::Named(name) => {
                let outside = self.places.host(name);
                let found = self.node(name).or(outside);
                found.ok_or_else(|| {
                    let nodes = self
                        .sites
                        .iter()
                        .flat_map(|site| site.nodes.keys().cloned());
                    let outside = self.machines().into_iter().map(|(name, _)| name);
                    let all: Vec<String> = nodes.chain(outside).collect();
                    format!("no machine {name}; there are {}", all.join(", "))
                })
            }
        }
    }

    fn pod(&self, namespace: &str, name: &str) -> Result<&Value, String> {
        let found = self.cluster().store().get("pods", namespace, name);
        found
            .map(|pod| &**pod)
            .ok_or_else(|| format!("no pod {name} in the namespace {namespace}"))
    }

    /// Kills the first process of each container that runs.
    fn kill(&mut self, now: Instant, namespace: &str, name: &str) -> Result<Before, String> {
        let pod = self.pod(namespace, name)?;
        let uid = pod["metadata"]["uid"].as_str().unwrap_or_default();
        let reference = PodRef {
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            uid: uid.to_owned(),
        };
        let statuses = ["initContainerStatuses", "containerStatuses"]
            .iter()
            .filter_map(|list| pod["status"][*list].as_array())
            .flatten();
        let running = statuses.filter(|status| status["state"]["running"].is_object());
        let signals: Vec<Command> = running
            .map(|status| Command::Signal {
                pod: reference.clone(),
                container: status["name"].as_str().unwrap_or_default().to_owned(),
                attempt: status["restartCount"]
                    .as_u64()
                    .and_then(|count| u32::try_from(count).ok())
                    .unwrap_or_default(),
                signal: SIGKILL,
            })
            .collect();
        if signals.is_empty() {
            return Err(format!("no container of the pod {name} runs"));
        }
        for signal in signals {
            self.in_site(0, |site, ground| site.carry_out(now, ground, signal));
        }
        Ok(Before::Plain)
    }

    /// Scales the first cluster's DNS; how many Pods it was to have before.
    fn scale_dns(&mut self, now: Instant, replicas: i64) -> Result<i64, String> {
        let found = self.cluster().store();
        let found = found.get("deployments.apps", "kube-system", "coredns");
        let before = found.ok_or("the cluster has no DNS")?["spec"]["replicas"]
            .as_i64()
            .unwrap_or(1);
        let patch = json!({ "spec": { "replicas": replicas } }).to_string();
        let patch = Request::new(
            Method::Patch,
            DNS_SCALE,
            "application/merge-patch+json",
            patch.into_bytes(),
        );
        let response = self.sites[0].cluster.handle(now, patch);
        if response.status != 200 {
            let why = match response.body {
                Body::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                Body::Watch(_) | Body::Stream(_) => String::new(),
            };
            return Err(format!("cluster DNS cannot be scaled: {why}"));
        }
        Ok(before)
    }

    fn take_toll(&mut self, now: Instant, host: HostId) {
        self.faults.wire(now, &mut self.net, host);
        self.see_who_reaches_whom(now);
    }

    /// Tells each kubelet whether it reaches the API server, both ways.
    pub(super) fn see_who_reaches_whom(&mut self, now: Instant) {
        let passes = |cable: &Cable| !cable.down && cable.loss_pct < 100.0;
        let whole = |host: HostId| {
            let cables = self.net.cables(host);
            cables.is_some_and(|cables| cables.iter().all(passes))
        };
        let online = |site: &Site| -> Vec<(String, bool)> {
            let server = whole(site.control_plane);
            let nodes = site.nodes.iter();
            nodes
                .map(|(name, host)| {
                    let local = *host == site.control_plane;
                    (name.clone(), local || (server && whole(*host)))
                })
                .collect()
        };
        let online: Vec<Vec<(String, bool)>> = self.sites.iter().map(online).collect();
        for (site, nodes) in self.sites.iter_mut().zip(online) {
            for (node, online) in nodes {
                site.set_online(now, &mut self.net, &node, online);
            }
        }
    }

    /// There is one registry for all clusters.
    fn set_image_missing(&mut self, image: &str, missing: bool) -> bool {
        let mut known = false;
        for site in &mut self.sites {
            known |= site.cluster.set_image_missing(image, missing);
        }
        known
    }
}

impl Fault {
    /// A node that is cut off from its LAN.
    #[must_use]
    pub fn partition(node: &str) -> Self {
        let toll = Toll {
            down: true,
            ..Toll::default()
        };
        Self::Link {
            machine: Machine::Named(node.to_owned()),
            toll,
            way: Way::Both,
        }
    }
}
