//! One cluster of a world with everything that is its own on the network: its nodes, their rules,
//! its names, its Pods' machines. A world has one, or two beside each other.
//!
//! ```text
//!   commands ──► carry_out ──► machines of Pods, outputs
//!   writes   ──► settle ─────► rules, names, filters, fronts
//! ```
//!
//! Never knows another site, and never breaks anything: `world/faults.rs` does.

use crate::platform::{Reach, SitePlan};
use crate::why::Refusals;
use crate::wire::health::HealthChecks;
use crate::wire::hostports::{self, HostPorts};
use crate::wire::ingress::Controllers;
use crate::wire::places::Places;
use crate::wire::policy::Policies;
use crate::wire::{balancers, dns::DnsServers, names, nodes, pods::Pods, services};
use crate::{NodePlan, Output, WorldSpec};
use clock::Instant;
use cluster::kubelet::{Command, Report};
use cluster::proxy::Rules;
use cluster::{Cluster, Event};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddrV4;
use vnet::{FabricId, HostId, LanId, Net, Proto, Services};

/// Names a cluster of a world; the default is the first, the one that lessons look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct SiteId(pub(crate) usize);

impl SiteId {
    /// The cluster that lessons look at.
    pub const MAIN: Self = Self(0);

    /// Its place among the platform's clusters.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0
    }
}

/// The kinds that rules of Services are made of.
const RULES: [&str; 2] = ["services", "endpointslices.discovery.k8s.io"];
/// The kinds that names are made of besides.
const NAMES: &str = "namespaces";
/// And those that load balancers have to know of.
const NODES: &str = "nodes";

/// What decides how a cluster begins.
pub(crate) struct Draft<'a> {
    pub(crate) spec: &'a WorldSpec,
    pub(crate) plan: &'static SitePlan,
    pub(crate) nodes: Vec<NodePlan>,
    pub(crate) pod_cidr: vnet::Cidr,
    pub(crate) service_cidr: vnet::Cidr,
    pub(crate) root_ca: String,
    index: usize,
}

impl<'a> Draft<'a> {
    /// Every cluster of the spec's platform; what the spec says is about the first.
    pub(crate) fn all(spec: &'a WorldSpec) -> impl Iterator<Item = Self> {
        let sites = spec.platform.sites.iter().enumerate();
        sites.map(move |(index, plan)| match index {
            0 => Self {
                spec,
                plan,
                nodes: spec.nodes.clone(),
                pod_cidr: spec.pod_cidr,
                service_cidr: spec.service_cidr,
                root_ca: spec.root_ca.clone(),
                index,
            },
            _ => Self {
                spec,
                plan,
                nodes: plan
                    .node_names(None)
                    .into_iter()
                    .map(|name| NodePlan { name })
                    .collect(),
                pod_cidr: plan.pod_range(),
                service_cidr: plan.service_range(),
                root_ca: spec
                    .more_root_cas
                    .get(index - 1)
                    .cloned()
                    .unwrap_or_default(),
                index,
            },
        })
    }
}

/// A cluster and what is its own.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) plan: &'static SitePlan,
    pub(crate) cluster: Cluster,
    pub(crate) lan: LanId,
    pub(crate) control_plane: HostId,
    pub(crate) api: SocketAddrV4,
    pub(crate) nodes: BTreeMap<String, HostId>,
    pub(crate) pods: Pods,
    pub(crate) policies: Policies,
    pub(crate) dns: DnsServers,
    pub(crate) ingress: Controllers,
    pub(crate) refusals: Refusals,
    /// The store revision that the network was last made to agree with.
    wired: u64,
    /// The rules that nodes were last told, as the cluster has them and as the network has them.
    rules: Rules,
    services: Services,
    fronts: balancers::Fronts,
    host_ports: HostPorts,
    pub(crate) health: HealthChecks,
    /// Nodes whose kube-proxy does not hear the API server: they go by what they heard last.
    deaf: BTreeSet<String>,
}

/// What all sites of a world stand on.
pub(crate) struct Ground<'a> {
    pub(crate) net: &'a mut Net,
    pub(crate) places: &'a Places,
    pub(crate) outputs: &'a mut VecDeque<Output>,
}

/// What was written since the network was last made to agree.
#[derive(Clone, Copy, Debug)]
struct News {
    rules: bool,
    names: bool,
    nodes: bool,
    host_ports: bool,
    ingress: bool,
}

impl Site {
    /// Cables a cluster's machines and begins it.
    pub(crate) fn build(now: Instant, net: &mut Net, places: &Places, draft: &Draft<'_>) -> Self {
        let fabric = match draft.index {
            0 => FabricId::FIRST,
            _ => net.add_fabric(draft.pod_cidr, draft.service_cidr, draft.plan.dataplane),
        };
        let lan = places.node_lan(draft.plan);
        let nodes = nodes::build(net, fabric, lan, draft);
        let (control_plane, api) = places.control_plane(draft.plan, net, &nodes);
        places.publish_nodes(draft.plan, net, &nodes);
        let stream = match draft.index {
            0 => "cluster".to_owned(),
            index => format!("cluster/{index}"),
        };
        let seed = draft.spec.seed.derive(&stream);
        Self {
            plan: draft.plan,
            cluster: Cluster::new(now, seed, nodes::config(draft, api)),
            lan,
            control_plane,
            api,
            nodes: nodes.into_iter().collect(),
            pods: Pods::default(),
            policies: Policies::of(fabric),
            dns: DnsServers::default(),
            ingress: Controllers::default(),
            refusals: Refusals::default(),
            wired: 0,
            rules: Rules::default(),
            services: Services::default(),
            fronts: balancers::Fronts::default(),
            host_ports: HostPorts::new(),
            health: HealthChecks::default(),
            deaf: BTreeSet::new(),
        }
    }

    /// The nodes in the order of their addresses.
    pub(crate) fn nodes_in_order(&self) -> Vec<(String, HostId)> {
        let mut nodes: Vec<(String, HostId)> = self.nodes.clone().into_iter().collect();
        nodes.sort_by_key(|(_, host)| *host);
        nodes
    }

    /// The ports of a protocol that every node answers on for a Service.
    pub(crate) fn node_ports(&self, proto: Proto) -> BTreeSet<u16> {
        let rules = self.services.rules().iter();
        let meant = rules.filter(|rule| rule.proto == proto);
        let frontends = meant.flat_map(|rule| &rule.frontends);
        frontends
            .filter(|frontend| frontend.addr == vnet::FrontendAddr::AnyNode)
            .map(|frontend| frontend.port)
            .collect()
    }

    /// Takes in what a container or a probe did.
    pub(crate) fn report(&mut self, now: Instant, report: Report) {
        self.cluster.handle_report(now, report);
    }

    /// Lets the cluster do what is due.
    pub(crate) fn advance(&mut self, now: Instant) -> bool {
        let due = self.cluster.poll_at().is_some_and(|at| at <= now);
        if due {
            self.cluster.handle_time(now);
        }
        due
    }

    /// Whether something arrived for a program of the site's own.
    pub(crate) fn has_mail(&self, net: &Net) -> bool {
        self.dns.has_mail(net) || self.health.has_mail(net)
    }

    /// Lets the programs of the site's own answer; true when they sent anything.
    pub(crate) fn serve(&mut self, now: Instant, net: &mut Net) -> bool {
        if self.dns.has_mail(net) {
            self.learn_names();
        }
        let named = self.dns.serve(now, net);
        self.health.serve(now, net) || named
    }

    /// Names are worked out when somebody asks for one.
    fn learn_names(&mut self) {
        if let Some(serial) = self.dns.outdated() {
            let records = names::records(&self.cluster.dns_records(), serial);
            self.dns.set_records(records);
        }
    }

    /// Carries out what the cluster wants and makes the network agree with its objects.
    pub(crate) fn settle(&mut self, now: Instant, ground: &mut Ground<'_>) {
        while let Some(command) = self.cluster.poll_command() {
            self.carry_out(now, ground, command);
        }
        let revision = self.cluster.revision();
        let since = std::mem::replace(&mut self.wired, revision);
        let store = self.cluster.store();
        let machine = |uid: &str| self.pods.machine(uid);
        self.policies.follow(now, since, store, machine, ground.net);
        if revision == since {
            return;
        }
        let news = self.news(since);
        if news.rules || news.nodes {
            self.wire(now, ground, news);
        }
        if news.host_ports {
            self.open_host_ports(now, ground.net);
        }
        if news.rules || news.names || news.nodes {
            let serial = self.wired & u64::from(u32::MAX);
            let serial = u32::try_from(serial).expect("masked to 32 bits");
            self.dns.outdate(serial);
        }
        if news.ingress {
            self.ingress.wire(&self.cluster, ground.outputs);
        }
    }

    /// What of what was written after `since` the network has to know.
    fn news(&self, since: u64) -> News {
        let mut news = News {
            rules: false,
            names: false,
            nodes: false,
            host_ports: false,
            ingress: false,
        };
        let Ok(events) = self.cluster.store().events_since(since) else {
            // The log has forgotten: everything may have changed.
            return News {
                rules: true,
                names: true,
                nodes: true,
                host_ports: true,
                ingress: true,
            };
        };
        for Event { kind, object, .. } in events {
            news.rules |= RULES.contains(kind);
            news.names |= *kind == NAMES;
            news.nodes |= *kind == NODES;
            news.host_ports |= *kind == "pods" && !news.host_ports && hostports::wants(object);
            news.ingress |= self.ingress.minds(kind);
        }
        news
    }

    /// Makes rules and what hangs on them agree.
    fn wire(&mut self, now: Instant, ground: &mut Ground<'_>, news: News) {
        if news.rules {
            let rules = self.cluster.service_rules();
            if rules != self.rules {
                let ports =
                    |site: &Self| [Proto::Tcp, Proto::Udp].map(|proto| site.node_ports(proto));
                let before = ports(self);
                self.services = services::follow(&self.services, &self.rules, &rules);
                self.rules = rules;
                self.program(now, ground.net);
                self.check_health(now, ground.net);
                if self.plan.reach == Reach::Localhost && before != ports(self) {
                    ground.outputs.push_back(Output::Forwards);
                }
            }
        }
        self.balance(now, ground);
    }

    /// Tells every node that hears of it the rules as they are now.
    fn program(&self, now: Instant, net: &mut Net) {
        for (name, node) in &self.nodes {
            if !self.deaf.contains(name) {
                net.program(now, *node, &self.services);
            }
        }
    }

    /// Whether each node reaches the API server; who does so again learns of everything at once.
    pub(crate) fn set_online(&mut self, now: Instant, net: &mut Net, node: &str, online: bool) {
        let Some(host) = self.nodes.get(node).copied() else {
            return;
        };
        if online && self.deaf.remove(node) {
            self.tell(now, net, host);
            self.dns.hear_again(|pod| self.pods.is_on(pod, host));
        } else if !online && self.deaf.insert(node.to_owned()) {
            self.learn_names();
            self.dns.cut_off(|pod| self.pods.is_on(pod, host));
        }
        self.cluster.set_node_online(now, node, online);
    }

    fn tell(&self, now: Instant, net: &mut Net, node: HostId) {
        if net.is_powered(node) {
            net.program(now, node, &self.services);
        }
    }

    /// A node has power again, or none any more.
    pub(crate) fn power(&mut self, now: Instant, ground: &mut Ground<'_>, node: &str, on: bool) {
        let Some(host) = self.nodes.get(node).copied() else {
            return;
        };
        ground.net.set_power(now, host, on);
        self.cluster.set_node_power(now, node, on);
        if on {
            if !self.deaf.contains(node) {
                self.tell(now, ground.net, host);
            }
            self.check_health(now, ground.net);
            let node = node.to_owned();
            ground.outputs.push_back(Output::NodeUp { node });
        } else {
            self.health.lose_node(node);
            let node = node.to_owned();
            ground.outputs.push_back(Output::NodeDown { node });
            self.dns.stop_pods(|pod| self.pods.is_on(pod, host));
            self.pods.lose_node(now, ground.net, host, ground.outputs);
            self.policies.keep(self.pods.uids());
        }
    }

    /// Makes every node's ports lead to the Pods that ask for them.
    fn open_host_ports(&mut self, now: Instant, net: &mut Net) {
        let pods = self.cluster.store().list("pods", None);
        let ports = hostports::host_ports(pods.map(|pod| &**pod));
        if ports == self.host_ports {
            return;
        }
        for (name, host) in &self.nodes {
            if ports.get(name) != self.host_ports.get(name) {
                let ports = ports.get(name).cloned().unwrap_or_default();
                net.set_host_ports(now, *host, ports);
            }
        }
        self.host_ports = ports;
    }

    /// Makes every node answer where load balancers ask for its endpoints.
    fn check_health(&mut self, now: Instant, net: &mut Net) {
        self.health.follow(now, net, &self.nodes, &self.rules);
    }

    /// Makes the edge of the cloud agree with the Services that have a load balancer.
    fn balance(&mut self, now: Instant, ground: &mut Ground<'_>) {
        let Some(edge) = ground.places.edge() else {
            return;
        };
        let nodes = self.nodes.iter();
        let nodes = nodes.filter(|(_, host)| ground.net.is_powered(**host));
        let nodes = nodes.map(|(name, host)| (name.clone(), ground.net.host_addr(*host)));
        let fronts = balancers::fronts(&self.rules, &nodes.collect());
        if fronts != self.fronts {
            fronts.wire(now, ground.net, edge);
            self.fronts = fronts;
        }
    }

    /// Carries out one command of a kubelet.
    pub(crate) fn carry_out(&mut self, now: Instant, ground: &mut Ground<'_>, command: Command) {
        match command {
            Command::StartSandbox(sandbox) => {
                let (uid, addr) = (sandbox.pod.uid.clone(), sandbox.ip);
                self.pods.up(
                    now,
                    ground.net,
                    &mut self.cluster,
                    &self.nodes,
                    sandbox,
                    ground.outputs,
                );
                let machine = self.pods.machine(&uid);
                self.policies.plug(&uid, machine.map(|_| addr));
            }
            Command::StopSandbox { pod } => {
                self.dns.stop_pod(now, ground.net, &pod);
                self.policies.plug(&pod.uid, None);
                self.ingress.stop(&pod);
                self.pods
                    .down(now, ground.net, &mut self.cluster, pod, ground.outputs);
            }
            Command::StartContainer(start) if DnsServers::is_dns(&start.image) => {
                let host = self.pods.host(&start.pod);
                self.dns
                    .start(now, ground.net, &mut self.cluster, host, &start);
            }
            Command::StartContainer(mut start) => {
                self.ingress.start(&self.cluster, &mut start);
                ground.outputs.push_back(Output::Start(start));
            }
            Command::DropVolume { key } => ground.outputs.push_back(Output::DropVolume { key }),
            Command::UpdateFiles(update) => ground.outputs.push_back(Output::UpdateFiles(update)),
            Command::SetLimits {
                pod,
                container,
                attempt,
                memory,
                cpu_millis,
            } => ground.outputs.push_back(Output::SetLimits {
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
                let cluster = &mut self.cluster;
                let ours = self
                    .dns
                    .signal(now, ground.net, cluster, &pod, &container, attempt);
                if !ours {
                    ground.outputs.push_back(Output::Signal {
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
                    ground.outputs.push_back(Output::Probe {
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
}
