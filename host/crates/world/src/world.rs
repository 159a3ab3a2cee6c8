//! The world: one mutation, then what follows from it.
//!
//! ```text
//!        Input ──► handle ─┐
//!      Request ──► api ────┼──► settle: cluster ──► wire/ ──► net
//!         time ──► advance ┘                          │
//!                                                     └──► Output
//! ```
//!
//! Never knows what a rule, a name or a Pod's machine looks like: `wire/` does.

mod faults;

use crate::docker::{Engine, NetworkAsk, Refusal};
use crate::fault::Faults;
use crate::why::Refusals;
use crate::wire::health::HealthChecks;
use crate::wire::hostports::{self, HostPorts};
use crate::wire::ingress::Controllers;
use crate::wire::places::{Docker, Forward, Places, Started};
use crate::wire::policy::Policies;
use crate::wire::{balancers, dns::DnsServers, names, nodes, pods::Pods, services};
use crate::{Input, Output, Platform, Reach, WorldSpec};
use clock::Instant;
use cluster::kubelet::Command;
use cluster::{Cluster, Event, Request, Response, WatchId, WatchPoll};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{Ipv4Addr, SocketAddrV4};
use vnet::{HostId, LanId, Net};

/// The kinds that rules and names are made of.
const MADE_OF: [&str; 4] = [
    "services",
    "endpointslices.discovery.k8s.io",
    "namespaces",
    "nodes",
];

/// A cluster, its network and the machines around it.
#[derive(Debug)]
pub struct World {
    net: Net,
    cluster: Cluster,
    lan: LanId,
    places: Places,
    control_plane: HostId,
    api: SocketAddrV4,
    nodes: BTreeMap<String, HostId>,
    pods: Pods,
    policies: Policies,
    dns: DnsServers,
    ingress: Controllers,
    /// The store revision that the network was last made to agree with.
    wired: u64,
    services: Vec<vnet::ServiceRule>,
    fronts: balancers::Fronts,
    host_ports: HostPorts,
    health: HealthChecks,
    faults: Faults,
    outputs: VecDeque<Output>,
    refusals: Refusals,
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
        let lan = places.node_lan();
        let nodes = nodes::build(&mut net, lan, spec);
        let (control_plane, api) = places.control_plane(&mut net, &nodes);
        places.publish_nodes(&mut net, &nodes);
        places.start_engines(&mut net, spec.seed, &spec.images, &nodes);
        let config = nodes::config(spec, api);
        let cluster = Cluster::new(now, spec.seed.derive("cluster"), config);
        let mut world = Self {
            net,
            cluster,
            lan,
            places,
            control_plane,
            api,
            nodes: nodes.into_iter().collect(),
            pods: Pods::default(),
            policies: Policies::default(),
            dns: DnsServers::default(),
            ingress: Controllers::default(),
            wired: 0,
            services: Vec::new(),
            fronts: balancers::Fronts::default(),
            host_ports: HostPorts::new(),
            health: HealthChecks::default(),
            faults: Faults::default(),
            outputs: VecDeque::new(),
            refusals: Refusals::default(),
        };
        // A resolver for those outside, where a cloud gives its balancers names.
        let edge = world.places.edge();
        if let Some(edge) = edge.filter(|_| spec.platform.load_balancer_names.is_some()) {
            world.dns.serve_outside(now, &mut world.net, edge);
        }
        world.settle(now);
        world
    }

    /// Takes in what happened outside.
    pub fn handle(&mut self, now: Instant, input: Input) {
        match input {
            Input::Report(report) => self.cluster.handle_report(now, report),
            Input::NodePower { node, on } => self.power(now, &node, on),
            Input::Cable { host, cable } => {
                self.net.set_cable(now, host, cable);
                self.see_who_reaches_whom(now);
            }
            Input::Machine { name, addr } => {
                self.net.add_machine(&name, self.lan, addr);
            }
        }
        self.settle(now);
    }

    /// From now on tokens of ServiceAccounts are signed with a key made from these bytes.
    pub fn sign_tokens_with(&mut self, secret: [u8; 32]) {
        self.cluster.sign_tokens_with(secret);
    }

    /// Answers a request to the API server.
    pub fn api(&mut self, now: Instant, request: Request) -> Response {
        let write = Refusals::watch(&request);
        let response = self.cluster.handle(now, request);
        if let Some(write) = write {
            self.refusals.note(&write, &response);
        }
        self.settle(now);
        response
    }

    /// What a watch has to say.
    pub fn poll_watch(&mut self, now: Instant, watch: WatchId) -> WatchPoll {
        self.cluster.poll_watch(now, watch)
    }

    /// Ends a watch whose reader is gone.
    pub fn close_watch(&mut self, watch: WatchId) {
        self.cluster.close_watch(watch);
    }

    /// Lets everything happen that is due at `now`.
    pub fn advance(&mut self, now: Instant) {
        self.net.advance(now);
        self.heal_due(now);
        if self.cluster.poll_at().is_some_and(|at| at <= now) {
            self.cluster.handle_time(now);
            self.settle(now);
        }
        let named = self.dns.serve(now, &mut self.net);
        if self.health.serve(now, &mut self.net) || named {
            self.net.advance(now);
        }
    }

    /// Whether something arrived for a program of the world's own: the network moved while guests
    /// ran, and their answers are owed at this very instant.
    #[must_use]
    pub fn has_mail(&self) -> bool {
        self.dns.has_mail(&self.net) || self.health.has_mail(&self.net)
    }

    /// When something is due next; `None` is silence.
    #[must_use]
    pub fn poll_at(&self) -> Option<Instant> {
        [
            self.net.poll_at(),
            self.cluster.poll_at(),
            self.faults.poll_at(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// What the outside must now do; call until `None`.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Carries out what the cluster wants and makes the network agree with its objects.
    fn settle(&mut self, now: Instant) {
        while let Some(command) = self.cluster.poll_command() {
            self.carry_out(now, command);
        }
        let revision = self.cluster.revision();
        let since = std::mem::replace(&mut self.wired, revision);
        let (store, net) = (self.cluster.store(), &mut self.net);
        let machine = |uid: &str| self.pods.machine(uid);
        self.policies.follow(now, since, store, machine, net);
        let wired = |event: &Event| {
            MADE_OF.contains(&event.kind)
                || (event.kind == "pods" && hostports::wants(&event.object))
        };
        if revision != since && self.touches(since, wired) {
            self.wire(now);
        }
        if revision != since && self.touches(since, |event| self.ingress.minds(event.kind)) {
            self.ingress.wire(&self.cluster, &mut self.outputs);
        }
    }

    /// Whether anything like this was written after `since`.
    fn touches(&self, since: u64, wanted: impl Fn(&Event) -> bool) -> bool {
        match self.cluster.store().events_since(since) {
            Ok(mut events) => events.any(wanted),
            // The log has forgotten: everything may have changed.
            Err(_) => true,
        }
    }

    fn wire(&mut self, now: Instant) {
        let rules = services::rules(&self.cluster.service_rules());
        if rules != self.services {
            let ports = self.node_ports();
            self.services.clone_from(&rules);
            self.net.set_services(now, rules);
            if self.places.platform.reach == Reach::Localhost && ports != self.node_ports() {
                self.outputs.push_back(Output::Forwards);
            }
        }
        self.open_host_ports(now);
        self.check_health(now);
        self.balance(now);
        let serial = u32::try_from(self.wired & u64::from(u32::MAX)).expect("masked to 32 bits");
        self.dns
            .set_records(names::records(&self.cluster.dns_records(), serial));
    }

    /// Makes every node's ports lead to the Pods that ask for them.
    fn open_host_ports(&mut self, now: Instant) {
        let pods = self.cluster.store().list("pods", None);
        let ports = hostports::host_ports(pods.map(|pod| &**pod));
        if ports == self.host_ports {
            return;
        }
        for (name, host) in &self.nodes {
            if ports.get(name) != self.host_ports.get(name) {
                let ports = ports.get(name).cloned().unwrap_or_default();
                self.net.set_host_ports(now, *host, ports);
            }
        }
        self.host_ports = ports;
    }

    /// Makes every node answer where load balancers ask for its endpoints.
    fn check_health(&mut self, now: Instant) {
        let rules = self.cluster.service_rules();
        self.health.follow(now, &mut self.net, &self.nodes, &rules);
    }

    /// Makes the edge of the cloud agree with the Services that have a load balancer.
    fn balance(&mut self, now: Instant) {
        let Some(edge) = self.places.edge() else {
            return;
        };
        let nodes = self
            .nodes
            .iter()
            .filter(|(_, host)| self.net.is_powered(**host));
        let nodes = nodes.map(|(name, host)| (name.clone(), self.net.host_addr(*host)));
        let fronts = balancers::fronts(&self.cluster.service_rules(), &nodes.collect());
        if fronts != self.fronts {
            fronts.wire(now, &mut self.net, edge);
            self.fronts = fronts;
        }
    }

    fn carry_out(&mut self, now: Instant, command: Command) {
        match command {
            Command::StartSandbox(sandbox) => {
                let (uid, addr) = (sandbox.pod.uid.clone(), sandbox.ip);
                self.pods.up(
                    now,
                    &mut self.net,
                    &mut self.cluster,
                    &self.nodes,
                    sandbox,
                    &mut self.outputs,
                );
                let machine = self.pods.machine(&uid);
                self.policies.plug(&uid, machine.map(|_| addr));
            }
            Command::StopSandbox { pod } => {
                self.dns.stop_pod(now, &mut self.net, &pod);
                self.policies.plug(&pod.uid, None);
                self.ingress.stop(&pod);
                self.pods.down(
                    now,
                    &mut self.net,
                    &mut self.cluster,
                    pod,
                    &mut self.outputs,
                );
            }
            Command::StartContainer(start) if DnsServers::is_dns(&start.image) => {
                let host = self.pods.host(&start.pod);
                self.dns
                    .start(now, &mut self.net, &mut self.cluster, host, &start);
            }
            Command::StartContainer(mut start) => {
                self.ingress.start(&self.cluster, &mut start);
                self.outputs.push_back(Output::Start(start));
            }
            Command::DropVolume { key } => self.outputs.push_back(Output::DropVolume { key }),
            Command::UpdateFiles(update) => self.outputs.push_back(Output::UpdateFiles(update)),
            Command::SetLimits {
                pod,
                container,
                attempt,
                memory,
                cpu_millis,
            } => self.outputs.push_back(Output::SetLimits {
                pod,
                container,
                attempt,
                memory,
                cpu_millis,
            }),
            Command::Signal {
                pod,
                container,
                attempt,
                signal,
            } => {
                if !self.dns.signal(
                    now,
                    &mut self.net,
                    &mut self.cluster,
                    &pod,
                    &container,
                    attempt,
                ) {
                    self.outputs.push_back(Output::Signal {
                        pod,
                        container,
                        attempt,
                        signal,
                    });
                }
            }
            Command::Probe {
                id,
                pod,
                container,
                probe,
                timeout,
            } => {
                // A Pod that lost its machine meanwhile is not probed; its kubelet has other news.
                if let Some(from) = self.pods.node(&pod) {
                    self.outputs.push_back(Output::Probe {
                        id,
                        from,
                        pod,
                        container,
                        probe,
                        timeout,
                    });
                }
            }
        }
    }

    fn power(&mut self, now: Instant, node: &str, on: bool) {
        let Some(host) = self.nodes.get(node).copied() else {
            return;
        };
        self.net.set_power(now, host, on);
        self.cluster.set_node_power(now, node, on);
        let node = node.to_owned();
        if on {
            self.check_health(now);
            self.outputs.push_back(Output::NodeUp { node });
        } else {
            self.health.lose_node(&node);
            self.outputs.push_back(Output::NodeDown { node });
            self.dns.stop_pods(|pod| self.pods.is_on(pod, host));
            self.pods
                .lose_node(now, &mut self.net, host, &mut self.outputs);
            self.policies.keep(self.pods.uids());
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

    /// The cluster.
    #[must_use]
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// What the API server refused lately.
    pub(crate) fn refusals(&self) -> &Refusals {
        &self.refusals
    }

    /// The learner's machine.
    #[must_use]
    pub fn workstation(&self) -> HostId {
        self.places.workstation()
    }

    /// The machine that the API server listens on.
    #[must_use]
    pub fn control_plane(&self) -> HostId {
        self.control_plane
    }

    /// Where the API server listens.
    #[must_use]
    pub fn api_address(&self) -> SocketAddrV4 {
        self.api
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

    /// The nodes by name.
    #[must_use]
    pub fn nodes(&self) -> &BTreeMap<String, HostId> {
        &self.nodes
    }

    /// The machine of the Pod with this uid, while it has one.
    #[must_use]
    pub fn pod_host(&self, uid: &str) -> Option<HostId> {
        self.pods.by_uid(uid)
    }

    /// The TCP ports that every node answers on for a Service.
    #[must_use]
    pub fn node_ports(&self) -> BTreeSet<u16> {
        let tcp = self
            .services
            .iter()
            .filter(|rule| rule.proto == vnet::Proto::Tcp);
        let frontends = tcp.flat_map(|rule| &rule.frontends);
        frontends
            .filter(|frontend| frontend.addr == vnet::FrontendAddr::AnyNode)
            .map(|frontend| frontend.port)
            .collect()
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
        let nodes = self.nodes.iter().map(|(name, host)| (name.clone(), *host));
        let apart = ("control-plane".to_owned(), self.control_plane);
        let mut all: Vec<(String, HostId)> = ours.collect();
        if !self.nodes.values().any(|node| *node == self.control_plane) {
            all.insert(1, apart);
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

    /// The nodes in the order of their addresses.
    #[must_use]
    pub fn nodes_in_order(&self) -> Vec<(String, HostId)> {
        let mut nodes: Vec<(String, HostId)> = self.nodes.clone().into_iter().collect();
        nodes.sort_by_key(|(_, host)| *host);
        nodes
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
        self.places
            .forwards(&self.net, self.api, &self.node_ports())
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
        let named = self.places.platform.load_balancer_names.is_some();
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
