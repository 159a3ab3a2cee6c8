//! The machines around a cluster, as the platform's table has them, and the container engines on
//! some of them: an engine's decision becomes a bridge, a machine on it, a rule, a listener.
//!
//! Never starts a program: it says where one may start and what must listen for it.

use crate::docker::{Ask, Binding, Engine, Mode, NetworkAsk, Refusal};
use crate::platform::{Api, Platform, Reach, SitePlan};
use crate::site::Site;
use clock::{Instant, Seed};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use vnet::{Cidr, HostId, LanId, Net, PortKind, Proto, Published};

/// The first port that an engine in a virtual machine gives, as macOS counts.
const DESKTOP_PORTS: u16 = 55_001;
/// And the first on Linux.
const LINUX_PORTS: u16 = 32_768;

/// Something that must listen on a machine and pass each connection or datagram on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Forward {
    /// The machine.
    pub host: HostId,
    /// What it passes on.
    pub proto: Proto,
    /// Where it listens.
    pub listen: SocketAddrV4,
    /// The address that it speaks from; unspecified leaves it to the machine.
    pub from: Ipv4Addr,
    /// Where it leads.
    pub to: SocketAddrV4,
}

/// A container with a machine on the network.
#[derive(Clone, Debug)]
pub struct Started {
    /// Its id.
    pub id: String,
    /// Its machine.
    pub host: HostId,
    /// Its address, if it has one of its own.
    pub addr: Option<Ipv4Addr>,
    /// What must listen before it starts.
    pub forwards: Vec<Forward>,
}

/// The machines around the cluster.
#[derive(Debug)]
pub(crate) struct Places {
    pub(crate) platform: &'static Platform,
    pub(crate) lans: Vec<LanId>,
    /// In the order of the table; the first is the learner's.
    pub(crate) machines: Vec<(String, HostId)>,
    pub(crate) engines: BTreeMap<String, Docker>,
}

/// An engine and what it has on the network.
#[derive(Debug)]
pub(crate) struct Docker {
    pub(crate) engine: Engine,
    host: HostId,
    lans: BTreeMap<String, LanId>,
    containers: BTreeMap<String, (HostId, bool)>,
    /// The laptop around the engine's machine, its address towards it, and the machine's own.
    desktop: Option<(HostId, Ipv4Addr, Ipv4Addr)>,
}

impl Places {
    /// Cables the machines of a platform that are no nodes.
    pub(crate) fn build(net: &mut Net, platform: &'static Platform) -> Self {
        let lans: Vec<LanId> = platform
            .lans
            .iter()
            .map(|(name, addr, prefix)| {
                net.add_lan(name, Cidr::new(Ipv4Addr::from(*addr), *prefix))
            })
            .collect();
        let machines: Vec<(String, HostId)> = platform
            .machines
            .iter()
            .map(|(name, lan, addr)| {
                (
                    (*name).to_owned(),
                    net.add_machine(name, lans[*lan], Ipv4Addr::from(*addr)),
                )
            })
            .collect();
        let places = Self {
            platform,
            lans,
            machines,
            engines: BTreeMap::new(),
        };
        for (machine, name, lan, addr, kind) in platform.ports {
            let host = places
                .host(machine)
                .expect("the table names machines it has");
            net.add_port(host, name, places.lans[*lan], Ipv4Addr::from(*addr), *kind);
        }
        places
    }

    /// The LAN of a cluster's nodes.
    pub(crate) fn node_lan(&self, plan: &SitePlan) -> LanId {
        self.lans[plan.nodes.lan]
    }

    /// A machine by name.
    pub(crate) fn host(&self, name: &str) -> Option<HostId> {
        let found = self.machines.iter().find(|(machine, _)| machine == name);
        found.map(|(_, host)| *host)
    }

    /// The LANs that the learner's programs have no route to.
    pub(crate) fn hidden_lans(&self) -> Vec<LanId> {
        let hidden = self.platform.ports.iter();
        let hidden = hidden.filter(|port| port.4 == PortKind::Hidden);
        hidden.map(|port| self.lans[port.2]).collect()
    }

    /// The learner's machine.
    pub(crate) fn workstation(&self) -> HostId {
        self.machines[0].1
    }

    /// The machine that the API server listens on, made when it is none of the nodes.
    pub(crate) fn control_plane(
        &self,
        plan: &SitePlan,
        net: &mut Net,
        nodes: &[(String, HostId)],
    ) -> (HostId, SocketAddrV4) {
        match plan.api {
            Api::Machine(lan, addr, port) => {
                let addr = Ipv4Addr::from(addr);
                let host = net.add_machine("control-plane", self.lans[lan], addr);
                (host, SocketAddrV4::new(addr, port))
            }
            Api::OnNode(port) => {
                let host = nodes
                    .first()
                    .expect("a platform whose node runs the API has one")
                    .1;
                (host, SocketAddrV4::new(net.host_addr(host), port))
            }
        }
    }

    /// The machine that stands between a cloud's network and the internet.
    pub(crate) fn edge(&self) -> Option<HostId> {
        self.host("edge")
    }

    /// Gives nodes their public addresses.
    pub(crate) fn publish_nodes(&self, plan: &SitePlan, net: &mut Net, nodes: &[(String, HostId)]) {
        let Some(edge) = self.host("edge") else {
            return;
        };
        for (index, (_, host)) in nodes.iter().enumerate() {
            if let Some(public) = plan.public_address(index) {
                net.map_address(edge, net.host_addr(*host), public);
            }
        }
    }

    /// Starts the engines, and makes them know the nodes that are containers of theirs.
    pub(crate) fn start_engines(
        &mut self,
        net: &mut Net,
        seed: Seed,
        images: &[cluster::ImageInfo],
        sites: &[Site],
    ) {
        for name in self.platform.engines {
            let host = self.host(name).expect("the table names machines it has");
            let desktop = self.desktop(net, host);
            let lans = net.topology().lans;
            let interfaces = net.interfaces(host);
            let cidr_of = |lan: LanId| {
                lans.iter()
                    .find(|info| info.id == lan)
                    .map(|info| info.cidr)
            };
            let own = interfaces.first().and_then(|eth0| cidr_of(eth0.lan));
            let first = if desktop.is_some() {
                DESKTOP_PORTS
            } else {
                LINUX_PORTS
            };
            let mut engine = Engine::new(seed, name, images, own.into_iter().collect(), first);
            let mut of_networks = BTreeMap::new();
            for port in interfaces.iter().skip(1) {
                let network = match port.name.strip_prefix("br-") {
                    Some(network) => network,
                    None if port.name == "docker0" => "bridge",
                    None => continue,
                };
                of_networks.insert(network.to_owned(), port.lan);
            }
            for site in sites {
                let Some(contained) = &site.plan.contained else {
                    continue;
                };
                let range = cidr_of(of_networks[contained.network]).expect("its LAN exists");
                for (name, node) in site.nodes_in_order() {
                    engine.adopt(
                        contained.network,
                        range,
                        &name,
                        contained.image,
                        net.host_addr(node),
                        contained.ports,
                    );
                }
            }
            let docker = Docker {
                engine,
                host,
                lans: of_networks,
                containers: BTreeMap::new(),
                desktop,
            };
            docker.publish(Instant::ZERO, net);
            self.engines.insert((*name).to_owned(), docker);
        }
    }

    /// The laptop around an engine's machine, if it stands in one.
    fn desktop(&self, net: &Net, host: HostId) -> Option<(HostId, Ipv4Addr, Ipv4Addr)> {
        let laptop = self.workstation();
        let eth0 = net.interfaces(host).into_iter().next()?;
        let mut ports = net.interfaces(laptop).into_iter().skip(1);
        let port = ports.find(|port| port.lan == eth0.lan)?;
        Some((laptop, port.addr, eth0.addr))
    }

    /// What must listen all the time: published ports of nodes that are containers, and on Docker
    /// Desktop the API server's port and every NodePort.
    pub(crate) fn forwards(&self, net: &Net, sites: &[Site]) -> Vec<Forward> {
        let fixed = |docker: &Docker| {
            let containers = docker
                .engine
                .containers()
                .iter()
                .filter(|container| container.fixed);
            containers
                .flat_map(|container| docker.forwards(container.addr, &container.bindings))
                .collect::<Vec<_>>()
        };
        let mut all: Vec<Forward> = self.engines.values().flat_map(fixed).collect();
        for site in sites
            .iter()
            .filter(|site| site.plan.reach == Reach::Localhost)
        {
            let laptop = self.workstation();
            let hidden = self
                .platform
                .ports
                .iter()
                .find(|port| port.4 == PortKind::Hidden);
            let from = hidden.map_or(Ipv4Addr::UNSPECIFIED, |port| Ipv4Addr::from(port.3));
            let to = |proto: Proto, port: u16| Forward {
                host: laptop,
                proto,
                listen: SocketAddrV4::new(Ipv4Addr::LOCALHOST, port),
                from,
                to: SocketAddrV4::new(*site.api.ip(), port),
            };
            all.push(to(Proto::Tcp, site.api.port()));
            for proto in [Proto::Tcp, Proto::Udp] {
                let ports = site.node_ports(proto).into_iter();
                all.extend(ports.map(|port| to(proto, port)));
            }
        }
        debug_assert!(
            all.iter()
                .all(|forward| !net.interfaces(forward.host).is_empty())
        );
        all
    }

    /// The cluster whose nodes' network has this address; the first for all others.
    fn plan_of(&self, addr: Ipv4Addr) -> &'static SitePlan {
        let is_near = |plan: &&SitePlan| {
            let (_, network, prefix) = self.platform.lans[plan.nodes.lan];
            Cidr::new(Ipv4Addr::from(network), prefix).contains(addr)
        };
        let near = self.platform.sites.iter().find(is_near);
        near.unwrap_or(self.platform.main())
    }

    /// Where the learner's machine reaches `to`, a port of a node.
    pub(crate) fn seen_from_workstation(&self, to: SocketAddrV4) -> SocketAddrV4 {
        let published = self.engines.values().find_map(|docker| {
            let mut containers = docker.engine.containers().iter();
            let node =
                containers.find(|container| container.fixed && container.addr == Some(*to.ip()))?;
            let binding = node
                .bindings
                .iter()
                .find(|binding| binding.container == to.port())?;
            Some(SocketAddrV4::new(Ipv4Addr::LOCALHOST, binding.host))
        });
        match self.plan_of(*to.ip()).reach {
            Reach::Published => published.unwrap_or(to),
            Reach::Localhost => SocketAddrV4::new(Ipv4Addr::LOCALHOST, to.port()),
            Reach::Routed | Reach::Public => to,
        }
    }
}

impl Docker {
    /// Where an engine's published ports listen for programs of its machine and of the laptop
    /// around it: what `docker-proxy` and Docker Desktop's backend do.
    fn forwards(&self, addr: Option<Ipv4Addr>, bindings: &[Binding]) -> Vec<Forward> {
        let Some(addr) = addr else { return Vec::new() };
        let both = bindings
            .iter()
            .filter(|binding| matches!(binding.proto, Proto::Tcp | Proto::Udp));
        both.flat_map(|binding| {
            let listen = SocketAddrV4::new(binding.addr, binding.host);
            let proxy = Forward {
                host: self.host,
                proto: binding.proto,
                // In a virtual machine the port is for the laptop, whatever address was asked for.
                listen: if self.desktop.is_some() {
                    SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, binding.host)
                } else {
                    listen
                },
                from: Ipv4Addr::UNSPECIFIED,
                to: SocketAddrV4::new(addr, binding.container),
            };
            let backend = self.desktop.map(|(laptop, from, vm)| Forward {
                host: laptop,
                proto: binding.proto,
                listen,
                from,
                to: SocketAddrV4::new(vm, binding.host),
            });
            [Some(proxy), backend].into_iter().flatten()
        })
        .collect()
    }

    /// Makes the machine's rules those of the engine's containers.
    fn publish(&self, now: Instant, net: &mut Net) {
        let mut rules = Vec::new();
        for container in self.engine.containers() {
            let Some(addr) = container.addr else { continue };
            rules.extend(container.bindings.iter().map(|binding| Published {
                proto: binding.proto,
                addr: if self.desktop.is_some() {
                    Ipv4Addr::UNSPECIFIED
                } else {
                    binding.addr
                },
                port: binding.host,
                to: SocketAddrV4::new(addr, binding.container),
            }));
        }
        net.publish(now, self.host, rules);
    }

    /// Gives a container its machine, its address and its ports; `None` when it runs already.
    pub(crate) fn start(
        &mut self,
        now: Instant,
        net: &mut Net,
        reference: &str,
    ) -> Result<Option<Started>, Refusal> {
        let Some(start) = self.engine.start(reference)? else {
            return Ok(None);
        };
        let name = self.engine.find(&start.id)?.name.clone();
        let machine = match (start.mode, start.addr) {
            (Mode::Bridge, Some(addr)) => {
                net.add_container(now, &name, self.lans[&start.network], addr)
            }
            (Mode::Host, _) => Ok(self.host),
            // On no network at all: a bridge of its own without anybody else and without a way out.
            _ => {
                let nowhere = net.add_lan("none", Cidr::new(Ipv4Addr::new(169, 254, 0, 0), 16));
                net.add_container(now, &name, nowhere, Ipv4Addr::new(169, 254, 0, 2))
            }
        };
        let host = machine.map_err(|cause| {
            self.engine.not_started(now, &start.id, None);
            Refusal {
                status: 500,
                message: format!(
                    "failed to create endpoint {name} on network {}: {cause}",
                    start.network
                ),
            }
        })?;
        self.containers
            .insert(start.id.clone(), (host, start.mode != Mode::Host));
        self.publish(now, net);
        let forwards = self.forwards(start.addr, &start.bindings);
        Ok(Some(Started {
            id: start.id,
            host,
            addr: start.addr,
            forwards,
        }))
    }

    /// A container did not start after all.
    pub(crate) fn failed(&mut self, now: Instant, net: &mut Net, id: &str, code: Option<u8>) {
        self.engine.not_started(now, id, code);
        self.unplug(now, net, id);
    }

    /// A container's program ended; true when the container is gone with it.
    pub(crate) fn exited(&mut self, now: Instant, net: &mut Net, id: &str, code: u8) -> bool {
        let gone = self.engine.exited(now, id, code);
        self.unplug(now, net, id);
        gone
    }

    fn unplug(&mut self, now: Instant, net: &mut Net, id: &str) {
        if let Some((host, own)) = self.containers.remove(id) {
            self.publish(now, net);
            if own {
                net.remove_host(now, host);
            }
        }
    }

    /// Makes a network and its bridge.
    pub(crate) fn create_network(
        &mut self,
        now: Instant,
        net: &mut Net,
        ask: NetworkAsk,
    ) -> Result<String, Refusal> {
        let name = ask.name.clone();
        let (id, range, gateway) = self.engine.create_network(now, ask)?;
        let lan = net.add_lan(&name, range);
        net.add_port(
            self.host,
            &format!("br-{}", &id[..12]),
            lan,
            gateway,
            PortKind::Bridge,
        );
        self.lans.insert(name, lan);
        Ok(id)
    }

    /// Takes a network and its bridge away.
    pub(crate) fn remove_network(
        &mut self,
        now: Instant,
        net: &mut Net,
        reference: &str,
    ) -> Result<(), Refusal> {
        let name = self.engine.remove_network(reference)?;
        if let Some(lan) = self.lans.remove(&name) {
            net.remove_port(now, self.host, lan);
        }
        Ok(())
    }

    /// Names of the containers on a container's network, for its DNS: only those somebody made
    /// have names.
    pub(crate) fn neighbours(&self, id: &str) -> Vec<(String, Ipv4Addr)> {
        let Ok(container) = self.engine.find(id) else {
            return Vec::new();
        };
        let Ask { network, .. } = &container.ask;
        if network == "bridge" {
            return Vec::new();
        }
        let others = self
            .engine
            .containers()
            .iter()
            .filter(|other| other.ask.network == *network);
        others
            .filter_map(|other| Some((other.name.clone(), other.addr?)))
            .collect()
    }
}
