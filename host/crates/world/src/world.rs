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

use crate::wire::{dns::DnsServers, names, nodes, pods::Pods, services};
use crate::{Input, Output, WorldSpec, spec};
use clock::Instant;
use cluster::kubelet::Command;
use cluster::{Cluster, Request, Response, WatchId, WatchPoll};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{Ipv4Addr, SocketAddrV4};
use vnet::{HostId, LanId, Net};

/// A cluster, its network and the machines around it.
#[derive(Debug)]
pub struct World {
    net: Net,
    cluster: Cluster,
    lan: LanId,
    workstation: HostId,
    control_plane: HostId,
    nodes: BTreeMap<String, HostId>,
    pods: Pods,
    dns: DnsServers,
    /// The store revision that the network was last made to agree with.
    wired: u64,
    services: Vec<vnet::ServiceRule>,
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
        let lan = net.add_lan("lan", vnet::Cidr::new(spec::LAN, spec::LAN_PREFIX));
        let workstation = net.add_machine("workstation", lan, WorldSpec::lan_address(1));
        let control_plane = net.add_machine("control-plane", lan, WorldSpec::lan_address(2));
        let nodes = nodes::build(&mut net, lan, spec);
        let cluster = Cluster::new(now, spec.seed.derive("cluster"), nodes::config(spec));
        let mut world = Self {
            net,
            cluster,
            lan,
            workstation,
            control_plane,
            nodes,
            pods: Pods::default(),
            dns: DnsServers::default(),
            wired: 0,
            services: Vec::new(),
            outputs: VecDeque::new(),
        };
        world.settle(now);
        world
    }

    /// Takes in what happened outside.
    pub fn handle(&mut self, now: Instant, input: Input) {
        match input {
            Input::Report(report) => self.cluster.handle_report(now, report),
            Input::NodePower { node, on } => self.power(now, &node, on),
            Input::Cable { host, cable } => self.net.set_cable(now, host, cable),
            Input::Machine { name, addr } => {
                self.net.add_machine(&name, self.lan, addr);
            }
        }
        self.settle(now);
    }

    /// Answers a request to the API server.
    pub fn api(&mut self, now: Instant, request: Request) -> Response {
        let response = self.cluster.handle(now, request);
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
        if self.cluster.poll_at().is_some_and(|at| at <= now) {
            self.cluster.handle_time(now);
            self.settle(now);
        }
        if self.dns.serve(now, &mut self.net) {
            self.net.advance(now);
        }
    }

    /// Whether something arrived for a program of the world's own: the network moved while guests
    /// ran, and their answers are owed at this very instant.
    #[must_use]
    pub fn has_mail(&self) -> bool {
        self.dns.has_mail(&self.net)
    }

    /// When something is due next; `None` is silence.
    #[must_use]
    pub fn poll_at(&self) -> Option<Instant> {
        [self.net.poll_at(), self.cluster.poll_at()]
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
        if revision != since && self.touches_wires(since) {
            self.wire(now);
        }
    }

    /// Whether anything that rules or names are made of was written after `since`.
    fn touches_wires(&self, since: u64) -> bool {
        const MADE_OF: [&str; 4] = [
            "services",
            "endpointslices.discovery.k8s.io",
            "namespaces",
            "nodes",
        ];
        match self.cluster.store().events_since(since) {
            Ok(mut events) => events.any(|event| MADE_OF.contains(&event.kind)),
            // The log has forgotten: everything may have changed.
            Err(_) => true,
        }
    }

    fn wire(&mut self, now: Instant) {
        let rules = services::rules(&self.cluster.service_rules());
        if rules != self.services {
            self.services.clone_from(&rules);
            self.net.set_services(now, rules);
        }
        let serial = u32::try_from(self.wired & u64::from(u32::MAX)).expect("masked to 32 bits");
        self.dns
            .set_records(names::records(&self.cluster.dns_records(), serial));
    }

    fn carry_out(&mut self, now: Instant, command: Command) {
        match command {
            Command::StartSandbox(sandbox) => {
                self.pods.up(
                    now,
                    &mut self.net,
                    &mut self.cluster,
                    &self.nodes,
                    sandbox,
                    &mut self.outputs,
                );
            }
            Command::StopSandbox { pod } => {
                self.dns.stop_pod(now, &mut self.net, &pod);
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
            Command::StartContainer(start) => self.outputs.push_back(Output::Start(start)),
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
            self.outputs.push_back(Output::NodeUp { node });
        } else {
            self.outputs.push_back(Output::NodeDown { node });
            self.dns.stop_pods(|pod| self.pods.is_on(pod, host));
            self.pods
                .lose_node(now, &mut self.net, host, &mut self.outputs);
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

    /// The learner's machine.
    #[must_use]
    pub fn workstation(&self) -> HostId {
        self.workstation
    }

    /// The machine that the API server listens on.
    #[must_use]
    pub fn control_plane(&self) -> HostId {
        self.control_plane
    }

    /// Where the API server listens.
    #[must_use]
    pub fn api_address(&self) -> SocketAddrV4 {
        SocketAddrV4::new(WorldSpec::lan_address(2), spec::API_PORT)
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

    /// Every machine of the LAN with its address, for `/etc/hosts`.
    #[must_use]
    pub fn lan_hosts(&self) -> Vec<(Ipv4Addr, String)> {
        let mut hosts = vec![
            (
                self.net.host_addr(self.workstation),
                "workstation".to_owned(),
            ),
            (
                self.net.host_addr(self.control_plane),
                "control-plane".to_owned(),
            ),
        ];
        hosts.extend(
            self.nodes
                .iter()
                .map(|(name, host)| (self.net.host_addr(*host), name.clone())),
        );
        hosts
    }
}
