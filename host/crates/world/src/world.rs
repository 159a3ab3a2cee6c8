//! The world: one mutation, then what follows from it.
//!
//! ```text
//!        Input ──► handle ─┐
//!      Request ──► api ────┼──► settle: cluster ──► wire/ ──► net
//!         time ──► advance ┘                          │
//!                                                     └──► Output
//! ```
//!
//! Never knows what a rule, a name or a Pod's machine looks like: `wire/` does. What belongs to one
//! cluster is in `site.rs`; most worlds have one.

mod faults;

use crate::docker::{Engine, NetworkAsk, Refusal};
use crate::fault::Faults;
use crate::site::{Draft, Ground, Site, SiteId};
use crate::why::Refusals;
use crate::wire::places::{Docker, Forward, Places, Started};
use crate::{Input, Output, Platform, WorldSpec};
use clock::Instant;
use cluster::kubelet::Report;
use cluster::{Cluster, Request, Response, WatchId, WatchPoll};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{Ipv4Addr, SocketAddrV4};
use vnet::{HostId, Net};

/// A cluster, its network and the machines around it; on some platforms a second cluster.
#[derive(Debug)]
pub struct World {
    net: Net,
    places: Places,
    /// The first is the one that lessons look at.
    sites: Vec<Site>,
    faults: Faults,
    outputs: VecDeque<Output>,
}

impl World {
    /// A world at the beginning of its time: machines cabled, control plane up, nothing started.
    #[must_use]
    pub fn new(now: Instant, spec: &WorldSpec) -> Self {
        let mut net = Net::new(vnet::Config {
            seed: spec.seed.derive("net"),
            pod_cidr: spec.pod_cidr,
            service_cidr: spec.service_cidr,
            dataplane: spec.dataplane,
            capture: spec.capture,
        });
        let mut places = Places::build(&mut net, spec.platform);
        let drafts = Draft::all(spec);
        let sites: Vec<Site> = drafts
            .map(|draft| Site::build(now, &mut net, &places, &draft))
            .collect();
        places.start_engines(&mut net, spec.seed, &spec.images, &sites);
        let mut world = Self {
            net,
            places,
            sites,
            faults: Faults::default(),
            outputs: VecDeque::new(),
        };
        // A resolver for those outside, where a cloud gives its balancers names.
        let edge = world.places.edge();
        if let Some(edge) = edge.filter(|_| world.sites[0].plan.load_balancer_names.is_some()) {
            world.sites[0].dns.serve_outside(now, &mut world.net, edge);
        }
        world.settle(now);
        world
    }

    /// Takes in what happened outside.
    pub fn handle(&mut self, now: Instant, input: Input) {
        match input {
            Input::Report(report) => self.report(now, report),
            Input::NodePower { node, on } => self.power(now, &node, on),
            Input::Cable { host, cable } => {
                self.net.set_cable(now, host, cable);
                self.see_who_reaches_whom(now);
            }
            Input::Machine { name, addr } => {
                self.net.add_machine(&name, self.sites[0].lan, addr);
            }
        }
        self.settle(now);
    }

    /// A report goes to the cluster whose Pod it is about.
    fn report(&mut self, now: Instant, report: Report) {
        let count = self.sites.len() as u64;
        let (site, report) = match report {
            Report::Probe { id, outcome } => {
                let (site, id) = ((id % count) as usize, id / count);
                (site, Report::Probe { id, outcome })
            }
            report => (self.site_of_report(&report), report),
        };
        self.sites[site].report(now, report);
    }

    fn site_of_report(&self, report: &Report) -> usize {
        let (Report::SandboxReady { pod }
        | Report::SandboxStopped { pod }
        | Report::Started { pod, .. }
        | Report::StartFailed { pod, .. }
        | Report::Exited { pod, .. }) = report
        else {
            return 0;
        };
        let mut sites = self.sites.iter();
        // A Pod without a machine is nobody's: no cluster waits to hear of it.
        sites
            .position(|site| site.pods.by_uid(&pod.uid).is_some())
            .unwrap_or(0)
    }

    /// From now on tokens of ServiceAccounts are signed with a key made from these bytes, each
    /// cluster's with another.
    pub fn sign_tokens_with(&mut self, secret: [u8; 32]) {
        for (site, number) in self.sites.iter_mut().zip(0_u8..) {
            let mut own = secret;
            own[0] ^= number;
            site.cluster.sign_tokens_with(own);
        }
    }

    /// Answers a request to the API server of the first cluster.
    pub fn api(&mut self, now: Instant, request: Request) -> Response {
        self.api_of(SiteId::MAIN, now, request)
    }

    /// Answers a request to the API server of a cluster.
    pub fn api_of(&mut self, site: SiteId, now: Instant, request: Request) -> Response {
        let write = Refusals::watch(&request);
        let site = &mut self.sites[site.0];
        let response = site.cluster.handle(now, request);
        if let Some(write) = write {
            site.refusals.note(&write, &response);
        }
        self.settle(now);
        response
    }

    /// What a watch of the first cluster has to say.
    pub fn poll_watch(&mut self, now: Instant, watch: WatchId) -> WatchPoll {
        self.poll_watch_of(SiteId::MAIN, now, watch)
    }

    /// What a watch of a cluster has to say.
    pub fn poll_watch_of(&mut self, site: SiteId, now: Instant, watch: WatchId) -> WatchPoll {
        self.sites[site.0].cluster.poll_watch(now, watch)
    }

    /// Ends a watch of a cluster whose reader is gone.
    pub fn close_watch_of(&mut self, site: SiteId, watch: WatchId) {
        self.sites[site.0].cluster.close_watch(watch);
    }

    /// Lets everything happen that is due at `now`.
    pub fn advance(&mut self, now: Instant) {
        self.net.advance(now);
        self.heal_due(now);
        let mut due = false;
        for site in &mut self.sites {
            due |= site.advance(now);
        }
        if due {
            self.settle(now);
        }
        let mut sent = false;
        for site in &mut self.sites {
            sent |= site.serve(now, &mut self.net);
        }
        if sent {
            self.net.advance(now);
        }
    }

    /// Whether something arrived for a program of the world's own: the network moved while guests
    /// ran, and their answers are owed at this very instant.
    #[must_use]
    pub fn has_mail(&self) -> bool {
        self.sites.iter().any(|site| site.has_mail(&self.net))
    }

    /// When something is due next; `None` is silence.
    #[must_use]
    pub fn poll_at(&self) -> Option<Instant> {
        let clusters = self.sites.iter().map(|site| site.cluster.poll_at());
        let others = [self.net.poll_at(), self.faults.poll_at()];
        clusters.chain(others).flatten().min()
    }

    /// What the outside must now do; call until `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Carries out what the clusters want and makes the network agree with their objects.
    fn settle(&mut self, now: Instant) {
        for index in 0..self.sites.len() {
            self.in_site(index, |site, ground| site.settle(now, ground));
        }
    }

    /// Does something in a site; numbers of probes then say whose they are.
    fn in_site<R>(&mut self, index: usize, act: impl FnOnce(&mut Site, &mut Ground<'_>) -> R) -> R {
        let (before, count) = (self.outputs.len(), self.sites.len() as u64);
        let mut ground = Ground {
            net: &mut self.net,
            places: &self.places,
            outputs: &mut self.outputs,
        };
        let done = act(&mut self.sites[index], &mut ground);
        if count > 1 {
            for output in self.outputs.range_mut(before..) {
                if let Output::Probe { id, .. } = output {
                    *id = *id * count + index as u64;
                }
            }
        }
        done
    }

    /// The site that a node belongs to.
    fn site_of_node(&self, node: &str) -> Option<usize> {
        let mut sites = self.sites.iter();
        sites.position(|site| site.nodes.contains_key(node))
    }

    fn power(&mut self, now: Instant, node: &str, on: bool) {
        if let Some(index) = self.site_of_node(node) {
            self.in_site(index, |site, ground| site.power(now, ground, node, on));
        }
    }
}

/// Looking.
impl World {
    /// The network.
    #[must_use]
    pub fn net(&self) -> &Net {
        &self.net
    }

    /// The network, for those who hold sockets on it.
    pub fn net_mut(&mut self) -> &mut Net {
        &mut self.net
    }

    /// The clusters, by their order on the platform.
    pub fn sites(&self) -> impl Iterator<Item = SiteId> + use<> {
        (0..self.sites.len()).map(SiteId)
    }

    /// The cluster that the platform's kubeconfig knows by this context.
    #[must_use]
    pub fn site_named(&self, context: &str) -> Option<SiteId> {
        let contexts = self.places.platform.contexts.iter();
        let running = contexts.take(self.sites.len());
        running
            .zip(0..)
            .find(|(known, _)| known.name == context)
            .map(|(_, index)| SiteId(index))
    }

    /// The first cluster.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        self.cluster_of(SiteId::MAIN)
    }

    /// A cluster.
    #[must_use]
    pub fn cluster_of(&self, site: SiteId) -> &Cluster {
        &self.sites[site.0].cluster
    }

    /// A number that changes whenever any cluster's objects do.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.sites.iter().map(|site| site.cluster.revision()).sum()
    }

    /// What the first cluster's API server refused lately.
    pub(crate) fn refusals(&self) -> &Refusals {
        &self.sites[0].refusals
    }

    /// The learner's machine.
    #[must_use]
    pub fn workstation(&self) -> HostId {
        self.places.workstation()
    }

    /// The machine that the first cluster's API server listens on.
    #[must_use]
    pub fn control_plane(&self) -> HostId {
        self.control_plane_of(SiteId::MAIN)
    }

    /// The machine that a cluster's API server listens on.
    #[must_use]
    pub fn control_plane_of(&self, site: SiteId) -> HostId {
        self.sites[site.0].control_plane
    }

    /// Where the first cluster's API server listens.
    #[must_use]
    pub fn api_address(&self) -> SocketAddrV4 {
        self.api_address_of(SiteId::MAIN)
    }

    /// Where a cluster's API server listens.
    #[must_use]
    pub fn api_address_of(&self, site: SiteId) -> SocketAddrV4 {
        self.sites[site.0].api
    }

    /// Whether NetworkPolicies let a conversation begin between the addresses of two machines, to
    /// a port of the second; nothing else is asked, such as whether somebody listens.
    ///
    /// # Errors
    /// Whose filter stops it, and the policies that it is made of.
    pub fn allowed(
        &self,
        from: HostId,
        to: HostId,
        proto: vnet::Proto,
        port: u16,
    ) -> Result<(), vnet::Denied> {
        self.net.may_begin(from, to, proto, port)
    }

    /// The first cluster's nodes by name.
    #[must_use]
    pub fn nodes(&self) -> &BTreeMap<String, HostId> {
        self.nodes_of(SiteId::MAIN)
    }

    /// A cluster's nodes by name.
    #[must_use]
    pub fn nodes_of(&self, site: SiteId) -> &BTreeMap<String, HostId> {
        &self.sites[site.0].nodes
    }

    /// A node of any cluster.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<HostId> {
        let mut sites = self.sites.iter();
        sites.find_map(|site| site.nodes.get(name).copied())
    }

    /// The machine of the Pod with this uid, while it has one.
    #[must_use]
    pub fn pod_host(&self, uid: &str) -> Option<HostId> {
        let mut sites = self.sites.iter();
        sites.find_map(|site| site.pods.by_uid(uid))
    }

    /// The TCP ports that every node of the first cluster answers on for a Service.
    #[must_use]
    pub fn node_ports(&self) -> BTreeSet<u16> {
        self.sites[0].node_ports(vnet::Proto::Tcp)
    }

    /// Every machine that `host` has a network in common with, for `/etc/hosts`.
    #[must_use]
    pub fn names_for(&self, host: HostId) -> Vec<(Ipv4Addr, String)> {
        let mut mine = self.net.interfaces(host);
        // Nobody has a name for what it has no route to.
        let hidden = self.places.hidden_lans();
        mine.retain(|interface| {
            host != self.places.workstation() || !hidden.contains(&interface.lan)
        });
        let ours = self.places.machines.iter().cloned();
        let nodes = self.sites.iter().flat_map(|site| &site.nodes);
        let nodes = nodes.map(|(name, host)| (name.clone(), *host));
        let mut all: Vec<(String, HostId)> = ours.collect();
        for site in &self.sites {
            if !site.nodes.values().any(|node| *node == site.control_plane) {
                all.insert(1, ("control-plane".to_owned(), site.control_plane));
            }
        }
        let near = |(name, other): (String, HostId)| {
            let theirs = self.net.interfaces(other);
            let common = theirs
                .iter()
                .find(|interface| mine.iter().any(|own| own.lan == interface.lan))?;
            Some((common.addr, name))
        };
        all.into_iter().chain(nodes).filter_map(near).collect()
    }
}

/// Places around the cluster.
impl World {
    /// Where the cluster stands.
    #[must_use]
    pub fn platform(&self) -> &'static Platform {
        self.places.platform
    }

    /// The machines that are no nodes and run programs, by name; the learner's first.
    #[must_use]
    pub fn machines(&self) -> Vec<(String, HostId)> {
        let all = self.places.machines.iter();
        // The edge of a cloud is nobody's to log in to.
        all.filter(|(name, _)| name != "edge").cloned().collect()
    }

    /// The first cluster's nodes in the order of their addresses.
    #[must_use]
    pub fn nodes_in_order(&self) -> Vec<(String, HostId)> {
        self.nodes_in_order_of(SiteId::MAIN)
    }

    /// A cluster's nodes in the order of their addresses.
    #[must_use]
    pub fn nodes_in_order_of(&self, site: SiteId) -> Vec<(String, HostId)> {
        self.sites[site.0].nodes_in_order()
    }

    /// Where the learner's machine reaches a port of a node: the node itself, or the port of its
    /// own 127.0.0.1 that leads there.
    #[must_use]
    pub fn seen_from_workstation(&self, to: SocketAddrV4) -> SocketAddrV4 {
        self.places.seen_from_workstation(to)
    }

    /// What must listen on machines all the time.
    #[must_use]
    pub fn forwards(&self) -> Vec<Forward> {
        self.places.forwards(&self.net, &self.sites)
    }

    /// The machines with a container engine.
    #[must_use]
    pub fn engines(&self) -> Vec<(String, HostId)> {
        let names = self.places.engines.keys();
        names
            .filter_map(|name| Some((name.clone(), self.places.host(name)?)))
            .collect()
    }

    /// The engine of a machine.
    #[must_use]
    pub fn engine(&self, machine: &str) -> Option<&Engine> {
        Some(&self.places.engines.get(machine)?.engine)
    }

    /// The engine of a machine, for what touches no network.
    pub fn engine_mut(&mut self, machine: &str) -> Option<&mut Engine> {
        Some(&mut self.places.engines.get_mut(machine)?.engine)
    }

    fn docker(&mut self, machine: &str) -> Result<(&mut Docker, &mut Net), Refusal> {
        let docker = self.places.engines.get_mut(machine);
        let docker = docker.ok_or(Refusal {
            status: 503,
            message: "no engine".into(),
        })?;
        Ok((docker, &mut self.net))
    }

    /// Gives a container of an engine a machine, an address and ports; `None` when it has them.
    ///
    /// # Errors
    /// What is not to be had, in dockerd's words.
    pub fn start_container(
        &mut self,
        now: Instant,
        machine: &str,
        container: &str,
    ) -> Result<Option<Started>, Refusal> {
        let (docker, net) = self.docker(machine)?;
        docker.start(now, net, container)
    }

    /// A container's program runs.
    pub fn container_started(&mut self, now: Instant, machine: &str, id: &str) {
        if let Ok((docker, _)) = self.docker(machine) {
            docker.engine.started(now, id);
        }
    }

    /// A container's program did not start, with this code if it was tried.
    pub fn container_failed(&mut self, now: Instant, machine: &str, id: &str, code: Option<u8>) {
        if let Ok((docker, net)) = self.docker(machine) {
            docker.failed(now, net, id, code);
        }
    }

    /// A container's program ended; true when the container is gone with it.
    pub fn container_exited(&mut self, now: Instant, machine: &str, id: &str, code: u8) -> bool {
        match self.docker(machine) {
            Ok((docker, net)) => docker.exited(now, net, id, code),
            Err(_) => false,
        }
    }

    /// Makes a network of an engine; its id.
    ///
    /// # Errors
    /// What is refused, in dockerd's words.
    pub fn create_container_network(
        &mut self,
        now: Instant,
        machine: &str,
        ask: NetworkAsk,
    ) -> Result<String, Refusal> {
        let (docker, net) = self.docker(machine)?;
        docker.create_network(now, net, ask)
    }

    /// Takes a network of an engine away.
    ///
    /// # Errors
    /// What is refused, in dockerd's words.
    pub fn remove_container_network(
        &mut self,
        now: Instant,
        machine: &str,
        reference: &str,
    ) -> Result<(), Refusal> {
        let (docker, net) = self.docker(machine)?;
        docker.remove_network(now, net, reference)
    }

    /// The DNS server that a machine outside the cluster asks, if there is one.
    #[must_use]
    pub fn resolver_for(&self, host: HostId) -> Option<Ipv4Addr> {
        let named = self.sites[0].plan.load_balancer_names.is_some();
        let edge = self.places.edge().filter(|edge| named && *edge != host)?;
        let outside = self.places.machines.iter().any(|(_, found)| *found == host);
        outside.then(|| self.net.host_addr(edge))
    }

    /// The names that a container's network knows.
    #[must_use]
    pub fn container_names(&self, machine: &str, id: &str) -> Vec<(String, Ipv4Addr)> {
        let docker = self.places.engines.get(machine);
        docker.map_or_else(Vec::new, |docker| docker.neighbours(id))
    }
}
