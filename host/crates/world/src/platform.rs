//! The places a cluster can stand in: one table, read by everything that builds or explains them.
//!
//! | preset | workstation | networks | nodes | API server |
//! |---|---|---|---|---|
//! | `plain` | workstation 172.18.0.1 | lan 172.18.0.0/16 | from 172.18.0.3 | 172.18.0.2:6443 |
//! | `docker-hosts` | workstation 192.168.10.1 | lan 192.168.10.0/24; host-a .11, host-b .12, host-c .13, each with docker0 172.17.0.0/16 | from 192.168.10.21, none unless asked for | 192.168.10.2:6443 |
//! | `minikube-docker` | laptop 192.168.1.10 | home 192.168.1.0/24; vm 192.168.65.0/24 (hidden); in docker-vm 192.168.65.3: docker0 172.17.0.0/16, minikube 192.168.49.0/24 | minikube 192.168.49.2 | 192.168.49.2:8443, published on the laptop's 127.0.0.1 |
//! | `minikube-hyperkit` | laptop 192.168.1.10 | home 192.168.1.0/24; bridge100 192.168.64.0/24 | minikube 192.168.64.2 | 192.168.64.2:8443 |
//! | `docker-desktop` | laptop 192.168.1.10 | home; vm 192.168.65.0/24 (hidden) with docker-vm .3, and in it as on `minikube-docker` | docker-desktop 192.168.65.4, NodePorts on the laptop's 127.0.0.1; a second cluster: minikube 192.168.49.2 | 192.168.65.4:6443, on the laptop's 127.0.0.1:6443; 192.168.49.2:8443, published there |
//! | `kind` | laptop 192.168.1.10 | home; vm (hidden); in docker-vm: docker0 172.17.0.0/16, kind 172.18.0.0/16 | kind-control-plane 172.18.0.2 | 172.18.0.2:6443, published on the laptop's 127.0.0.1 |
//! | `eks` | laptop 203.0.113.20 | internet 203.0.113.0/24; vpc 192.168.0.0/16 | ip-192-168-38-150… with pods of the VPC | 203.0.113.2:443 |
//! | `gke` | laptop 203.0.113.20 | internet 203.0.113.0/24; vpc 10.128.0.0/20 | gke-…-x0d1 10.128.0.2 (104.197.41.11) | 203.0.113.2:443 |
//!
//! Never builds anything: `wire/places.rs` does.

use std::net::Ipv4Addr;
use vnet::{Cidr, Dataplane, PortKind};

/// An address in the table.
type Addr = [u8; 4];

/// A preset of machines and the networks between them.
#[derive(Debug)]
pub struct Platform {
    /// What `--platform` and a lesson call it.
    pub name: &'static str,
    /// Name and range of each network; machines name them by their place here.
    pub(crate) lans: &'static [(&'static str, Addr, u8)],
    /// Machines that are no nodes: name, network, address. The first is the learner's.
    pub(crate) machines: &'static [(&'static str, usize, Addr)],
    /// Their further interfaces.
    pub(crate) ports: &'static [Port],
    /// The clusters that run, the first the one that lessons look at.
    pub sites: &'static [SitePlan],
    /// Machines with a container engine.
    pub(crate) engines: &'static [&'static str],
    /// The clusters in the learner's kubeconfig: those of `sites` in their order, then some that
    /// do not run.
    pub contexts: &'static [Context],
    /// Which of them is the current one at first.
    pub current: usize,
}

/// A cluster that runs on a platform.
#[derive(Debug)]
pub struct SitePlan {
    /// The cluster's nodes.
    pub(crate) nodes: Nodes,
    /// Where the API server listens: on the first node, or on a machine of its own.
    pub(crate) api: Api,
    /// How the learner's machine gets to the API server and to nodes it has no route to.
    pub(crate) reach: Reach,
    /// The container network that the nodes are containers of: its name, the image, and the
    /// ports published for every node, the API server's among them.
    pub(crate) contained: Option<Contained>,
    /// Which program runs the cluster, as `minikube profile list` says it.
    pub driver: Option<&'static str>,
    /// Where Pods get their addresses unless the lesson says otherwise.
    pub pod_cidr: (Addr, u8),
    /// Where Services get theirs.
    pub service_cidr: (Addr, u8),
    /// Where its load balancers get their addresses; without it there are none.
    pub load_balancers: Option<(Addr, u8)>,
    /// The domain of their names, where Services are given names instead of addresses.
    pub load_balancer_names: Option<&'static str>,
    /// How Pods' packets travel between nodes.
    pub dataplane: Dataplane,
}

/// A further interface: the machine, its name there, the network, the address, how it treats packets.
pub(crate) type Port = (&'static str, &'static str, usize, Addr, PortKind);

/// Where nodes are.
#[derive(Debug)]
pub(crate) struct Nodes {
    pub(crate) lan: usize,
    /// The first one's address; the others follow.
    pub(crate) first: Addr,
    /// How far the next one's address is.
    pub(crate) step: u32,
    /// Those that are there when nobody asks for others.
    pub(crate) names: &'static [&'static str],
    /// The address of the first one's Pods when they are the network's own, and how far the next's are.
    pub(crate) pods: Option<(Addr, u32)>,
    /// Addresses that the edge of a cloud answers at for them.
    pub(crate) public: &'static [Addr],
    /// Whether the first one runs the control plane.
    pub(crate) control_plane: bool,
}

/// Where the API server listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    OnNode(u16),
    Machine(usize, Addr, u16),
}

/// How the learner's machine reaches the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It has a route to every node.
    Routed,
    /// Only published ports of the machine that has the engine, on its own 127.0.0.1.
    Published,
    /// As before, and every NodePort is on its 127.0.0.1 too.
    Localhost,
    /// By public addresses.
    Public,
}

/// Nodes that are containers.
#[derive(Debug)]
pub(crate) struct Contained {
    pub(crate) network: &'static str,
    pub(crate) image: &'static str,
    pub(crate) ports: &'static [u16],
}

/// A context of the learner's kubeconfig.
#[derive(Debug)]
pub struct Context {
    /// Its name.
    pub name: &'static str,
    /// Its cluster's.
    pub cluster: &'static str,
    /// Its user's.
    pub user: &'static str,
    /// Its namespace, when it says one.
    pub namespace: &'static str,
}

const fn context(name: &'static str) -> Context {
    Context {
        name,
        cluster: name,
        user: name,
        namespace: "",
    }
}

const MINIKUBE: Context = Context {
    name: "minikube",
    cluster: "minikube",
    user: "minikube",
    namespace: "default",
};

const HOME: (&str, Addr, u8) = ("home", [192, 168, 1, 0], 24);
const VM: (&str, Addr, u8) = ("vm", [192, 168, 65, 0], 24);
const DOCKER0: (&str, Addr, u8) = ("docker0", [172, 17, 0, 0], 16);
const INTERNET: (&str, Addr, u8) = ("internet", [203, 0, 113, 0], 24);
const LAPTOP: (&str, usize, Addr) = ("laptop", 0, [192, 168, 1, 10]);
const DOCKER_VM: (&str, usize, Addr) = ("docker-vm", 1, [192, 168, 65, 3]);
const VM_PORT: Port = ("laptop", "vm0", 1, [192, 168, 65, 1], PortKind::Hidden);
const DOCKER0_GATEWAY: Addr = [172, 17, 0, 1];
const NO_NODES: &[&str] = &[];
const NOT_PUBLIC: &[Addr] = &[];

const MINIKUBE_LAN: (&str, Addr, u8) = ("minikube", [192, 168, 49, 0], 24);
const MINIKUBE_PORT: Port = (
    "docker-vm",
    "br-minikube",
    3,
    [192, 168, 49, 1],
    PortKind::Bridge,
);
/// minikube with the Docker driver, in the fourth network of its platform.
const MINIKUBE_IN_DOCKER: SitePlan = SitePlan {
    nodes: Nodes {
        lan: 3,
        first: [192, 168, 49, 2],
        step: 1,
        names: &["minikube"],
        pods: None,
        public: NOT_PUBLIC,
        control_plane: true,
    },
    api: Api::OnNode(8443),
    reach: Reach::Published,
    contained: Some(Contained {
        network: "minikube",
        image: "gcr.io/k8s-minikube/kicbase:v0.0.48",
        ports: &[7022, 8443],
    }),
    driver: Some("docker"),
    pod_cidr: ([10, 244, 0, 0], 16),
    service_cidr: ([10, 96, 0, 0], 12),
    load_balancers: None,
    load_balancer_names: None,
    dataplane: Dataplane::Overlay,
};

/// Every preset.
pub const PLATFORMS: [Platform; 8] = [
    Platform {
        name: "plain",
        lans: &[("lan", [172, 18, 0, 0], 16)],
        machines: &[("workstation", 0, [172, 18, 0, 1])],
        ports: &[],
        sites: &[SitePlan {
            nodes: Nodes {
                lan: 0,
                first: [172, 18, 0, 3],
                step: 1,
                names: NO_NODES,
                pods: None,
                public: NOT_PUBLIC,
                control_plane: false,
            },
            api: Api::Machine(0, [172, 18, 0, 2], 6443),
            reach: Reach::Routed,
            contained: None,
            driver: None,
            pod_cidr: ([10, 244, 0, 0], 16),
            service_cidr: ([10, 96, 0, 0], 12),
            load_balancers: None,
            load_balancer_names: None,
            dataplane: Dataplane::Overlay,
        }],
        engines: &[],
        contexts: &[Context {
            name: "lab",
            cluster: "lab",
            user: "kubernetes-admin",
            namespace: "",
        }],
        current: 0,
    },
    Platform {
        name: "docker-hosts",
        lans: &[("lan", [192, 168, 10, 0], 24), DOCKER0, DOCKER0, DOCKER0],
        machines: &[
            ("workstation", 0, [192, 168, 10, 1]),
            ("host-a", 0, [192, 168, 10, 11]),
            ("host-b", 0, [192, 168, 10, 12]),
            ("host-c", 0, [192, 168, 10, 13]),
        ],
        ports: &[
            ("host-a", "docker0", 1, DOCKER0_GATEWAY, PortKind::Bridge),
            ("host-b", "docker0", 2, DOCKER0_GATEWAY, PortKind::Bridge),
            ("host-c", "docker0", 3, DOCKER0_GATEWAY, PortKind::Bridge),
        ],
        sites: &[SitePlan {
            nodes: Nodes {
                lan: 0,
                first: [192, 168, 10, 21],
                step: 1,
                names: NO_NODES,
                pods: None,
                public: NOT_PUBLIC,
                control_plane: false,
            },
            api: Api::Machine(0, [192, 168, 10, 2], 6443),
            reach: Reach::Routed,
            contained: None,
            driver: None,
            pod_cidr: ([10, 244, 0, 0], 16),
            service_cidr: ([10, 96, 0, 0], 12),
            load_balancers: None,
            load_balancer_names: None,
            dataplane: Dataplane::Overlay,
        }],
        engines: &["host-a", "host-b", "host-c"],
        contexts: &[Context {
            name: "lab",
            cluster: "lab",
            user: "kubernetes-admin",
            namespace: "",
        }],
        current: 0,
    },
    Platform {
        name: "minikube-docker",
        lans: &[HOME, VM, DOCKER0, MINIKUBE_LAN],
        machines: &[LAPTOP, DOCKER_VM],
        ports: &[
            VM_PORT,
            ("docker-vm", "docker0", 2, DOCKER0_GATEWAY, PortKind::Bridge),
            MINIKUBE_PORT,
        ],
        sites: &[MINIKUBE_IN_DOCKER],
        engines: &["docker-vm"],
        contexts: &[MINIKUBE, context("docker-desktop")],
        current: 0,
    },
    Platform {
        name: "minikube-hyperkit",
        lans: &[HOME, ("bridge100", [192, 168, 64, 0], 24)],
        machines: &[LAPTOP],
        ports: &[("laptop", "bridge100", 1, [192, 168, 64, 1], PortKind::Open)],
        sites: &[SitePlan {
            nodes: Nodes {
                lan: 1,
                first: [192, 168, 64, 2],
                step: 1,
                names: &["minikube"],
                pods: None,
                public: NOT_PUBLIC,
                control_plane: true,
            },
            api: Api::OnNode(8443),
            reach: Reach::Routed,
            contained: None,
            driver: Some("hyperkit"),
            pod_cidr: ([10, 244, 0, 0], 16),
            service_cidr: ([10, 96, 0, 0], 12),
            load_balancers: None,
            load_balancer_names: None,
            dataplane: Dataplane::Overlay,
        }],
        engines: &[],
        contexts: &[MINIKUBE],
        current: 0,
    },
    Platform {
        name: "docker-desktop",
        lans: &[HOME, VM, DOCKER0, MINIKUBE_LAN],
        machines: &[LAPTOP, DOCKER_VM],
        ports: &[
            VM_PORT,
            ("docker-vm", "docker0", 2, DOCKER0_GATEWAY, PortKind::Bridge),
            MINIKUBE_PORT,
        ],
        sites: &[
            SitePlan {
                nodes: Nodes {
                    lan: 1,
                    first: [192, 168, 65, 4],
                    step: 1,
                    names: &["docker-desktop"],
                    pods: None,
                    public: NOT_PUBLIC,
                    control_plane: true,
                },
                api: Api::OnNode(6443),
                reach: Reach::Localhost,
                contained: None,
                driver: None,
                pod_cidr: ([10, 1, 0, 0], 16),
                service_cidr: ([10, 96, 0, 0], 12),
                load_balancers: None,
                load_balancer_names: None,
                dataplane: Dataplane::Overlay,
            },
            MINIKUBE_IN_DOCKER,
        ],
        engines: &["docker-vm"],
        contexts: &[context("docker-desktop"), MINIKUBE],
        current: 1,
    },
    Platform {
        name: "kind",
        lans: &[HOME, VM, DOCKER0, ("kind", [172, 18, 0, 0], 16)],
        machines: &[LAPTOP, DOCKER_VM],
        ports: &[
            VM_PORT,
            ("docker-vm", "docker0", 2, DOCKER0_GATEWAY, PortKind::Bridge),
            ("docker-vm", "br-kind", 3, [172, 18, 0, 1], PortKind::Bridge),
        ],
        sites: &[SitePlan {
            nodes: Nodes {
                lan: 3,
                first: [172, 18, 0, 2],
                step: 1,
                names: &["kind-control-plane"],
                pods: None,
                public: NOT_PUBLIC,
                control_plane: true,
            },
            api: Api::OnNode(6443),
            reach: Reach::Published,
            contained: Some(Contained {
                network: "kind",
                image: "kindest/node:v1.36.2",
                ports: &[7022, 6443],
            }),
            driver: None,
            pod_cidr: ([10, 244, 0, 0], 16),
            service_cidr: ([10, 96, 0, 0], 16),
            load_balancers: None,
            load_balancer_names: None,
            dataplane: Dataplane::Routed,
        }],
        engines: &["docker-vm"],
        contexts: &[context("kind-kind")],
        current: 0,
    },
    Platform {
        name: "eks",
        lans: &[INTERNET, ("vpc", [192, 168, 0, 0], 16)],
        machines: &[
            ("laptop", 0, [203, 0, 113, 20]),
            ("internet", 0, [203, 0, 113, 10]),
            ("edge", 0, [203, 0, 113, 1]),
        ],
        ports: &[("edge", "vpc", 1, [192, 168, 0, 1], PortKind::Mapped)],
        sites: &[SitePlan {
            // The addresses of the seed, each node and its Pods in a subnet of their own.
            nodes: Nodes {
                lan: 1,
                first: [192, 168, 38, 150],
                step: 0x3648,
                names: &[
                    "ip-192-168-38-150.us-west-2.compute.internal",
                    "ip-192-168-92-222.us-west-2.compute.internal",
                ],
                pods: Some(([192, 168, 59, 0], 0x1400)),
                public: &[[203, 0, 113, 101], [203, 0, 113, 102], [203, 0, 113, 103]],
                control_plane: false,
            },
            api: Api::Machine(0, [203, 0, 113, 2], 443),
            reach: Reach::Public,
            contained: None,
            driver: None,
            pod_cidr: ([192, 168, 0, 0], 16),
            service_cidr: ([10, 100, 0, 0], 16),
            load_balancers: Some(([203, 0, 113, 192], 26)),
            load_balancer_names: Some("us-west-2.elb.amazonaws.com"),
            dataplane: Dataplane::Routed,
        }],
        engines: &[],
        contexts: &[Context {
            name: "learner@lab.us-west-2.eksctl.io",
            cluster: "lab.us-west-2.eksctl.io",
            user: "learner@lab.us-west-2.eksctl.io",
            namespace: "",
        }],
        current: 0,
    },
    Platform {
        name: "gke",
        lans: &[INTERNET, ("vpc", [10, 128, 0, 0], 20)],
        machines: &[
            ("laptop", 0, [203, 0, 113, 20]),
            ("internet", 0, [203, 0, 113, 10]),
            ("edge", 0, [203, 0, 113, 1]),
        ],
        ports: &[("edge", "vpc", 1, [10, 128, 0, 1], PortKind::Mapped)],
        sites: &[SitePlan {
            nodes: Nodes {
                lan: 1,
                first: [10, 128, 0, 2],
                step: 1,
                names: &[
                    "gke-lab-default-pool-5b8fd7a3-x0d1",
                    "gke-lab-default-pool-5b8fd7a3-z7qk",
                ],
                pods: Some(([10, 4, 0, 0], 0x100)),
                // The addresses of the seeds.
                public: &[[104, 197, 41, 11], [23, 251, 152, 56], [203, 0, 113, 103]],
                control_plane: false,
            },
            api: Api::Machine(0, [203, 0, 113, 2], 443),
            reach: Reach::Public,
            contained: None,
            driver: None,
            pod_cidr: ([10, 4, 0, 0], 14),
            service_cidr: ([10, 8, 0, 0], 20),
            load_balancers: Some(([162, 222, 184, 0], 24)),
            load_balancer_names: None,
            dataplane: Dataplane::Routed,
        }],
        engines: &[],
        contexts: &[context("gke_lab_us-central1-a_lab")],
        current: 0,
    },
];

impl Platform {
    /// The preset with this name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        const { &PLATFORMS }
            .iter()
            .find(|platform| platform.name == name)
    }

    /// A workstation, a control plane and nodes on one LAN.
    #[must_use]
    pub fn plain() -> &'static Self {
        const { &PLATFORMS[0] }
    }

    /// The name of the learner's machine.
    #[must_use]
    pub fn workstation(&self) -> &'static str {
        self.machines[0].0
    }

    /// Whether a machine has a container engine.
    #[must_use]
    pub fn has_engine(&self, machine: &str) -> bool {
        self.engines.contains(&machine)
    }

    /// The names of the main cluster's nodes: see [`SitePlan::node_names`].
    #[must_use]
    pub fn node_names(&self, count: Option<usize>) -> Vec<String> {
        self.main().node_names(count)
    }

    /// Where the main cluster's Pods get their addresses.
    #[must_use]
    pub fn pod_range(&self) -> Cidr {
        self.main().pod_range()
    }

    /// Where its Services get theirs.
    #[must_use]
    pub fn service_range(&self) -> Cidr {
        self.main().service_range()
    }

    /// How the learner's machine reaches it.
    #[must_use]
    pub fn reach(&self) -> Reach {
        self.main().reach
    }

    /// The cluster that lessons look at.
    #[must_use]
    pub fn main(&self) -> &'static SitePlan {
        &self.sites[0]
    }
}

impl SitePlan {
    /// The names of that many nodes, or of those that are there when nobody says how many.
    #[must_use]
    pub fn node_names(&self, count: Option<usize>) -> Vec<String> {
        let usual = self.nodes.names.len();
        let name = |index: usize| match (self.nodes.names.get(index), self.nodes.names.first()) {
            (Some(name), _) => (*name).to_owned(),
            (None, Some(&"minikube")) => format!("minikube-m{:02}", index + 1),
            (None, Some(&"kind-control-plane")) if index == 1 => "kind-worker".to_owned(),
            (None, Some(&"kind-control-plane")) => format!("kind-worker{index}"),
            (None, Some(first)) => format!("{first}-{}", index + 1),
            (None, None) => format!("node-{}", index + 1),
        };
        (0..count.unwrap_or(usual)).map(name).collect()
    }

    /// Where Pods get their addresses.
    #[must_use]
    pub fn pod_range(&self) -> Cidr {
        Cidr::new(Ipv4Addr::from(self.pod_cidr.0), self.pod_cidr.1)
    }

    /// Where Services get theirs.
    #[must_use]
    pub fn service_range(&self) -> Cidr {
        Cidr::new(Ipv4Addr::from(self.service_cidr.0), self.service_cidr.1)
    }

    /// How the learner's machine reaches the cluster.
    #[must_use]
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// The address of the n-th node.
    pub(crate) fn node_address(&self, index: usize) -> Ipv4Addr {
        later(self.nodes.first, self.nodes.step, index)
    }

    /// The address that a cloud's edge answers at for the n-th node.
    pub(crate) fn public_address(&self, index: usize) -> Option<Ipv4Addr> {
        self.nodes.public.get(index).copied().map(Ipv4Addr::from)
    }

    /// The n-th node's Pods: the n-th /24 after the control plane's own, as kubeadm's node-ipam
    /// hands them out, unless the platform says where they are.
    pub(crate) fn pod_network(&self, range: Cidr, index: usize) -> Cidr {
        let network = match self.nodes.pods {
            Some((first, step)) if range == self.pod_range() => later(first, step, index),
            // A node that runs the control plane has the very first.
            _ if self.nodes.control_plane => later(range.network().octets(), 0x100, index),
            _ => later(range.network().octets(), 0x100, index + 1),
        };
        Cidr::new(network, 24)
    }
}

fn later(first: Addr, step: u32, index: usize) -> Ipv4Addr {
    let index = u32::try_from(index).expect("a lab has fewer than 2³² nodes");
    Ipv4Addr::from(u32::from(Ipv4Addr::from(first)).wrapping_add(step.wrapping_mul(index)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_preset_has_a_name_of_its_own_and_addresses_within_its_networks() {
        let names: BTreeSet<&str> = PLATFORMS.iter().map(|platform| platform.name).collect();
        assert_eq!(names.len(), PLATFORMS.len());
        for platform in &PLATFORMS {
            let within = |lan: usize, addr: Addr| {
                let (name, network, prefix) = platform.lans[lan];
                let cidr = Cidr::new(Ipv4Addr::from(network), prefix);
                assert!(
                    cidr.contains(Ipv4Addr::from(addr)),
                    "{}: {addr:?} is not in {name}",
                    platform.name
                );
            };
            platform
                .machines
                .iter()
                .for_each(|(_, lan, addr)| within(*lan, *addr));
            platform
                .ports
                .iter()
                .for_each(|(.., lan, addr, _)| within(*lan, *addr));
            for site in platform.sites {
                within(site.nodes.lan, site.nodes.first);
            }
            assert!(platform.sites.len() <= platform.contexts.len());
            assert!(platform.current < platform.sites.len());
            assert!(Platform::find(platform.name).is_some());
            assert!(!platform.contexts.is_empty());
        }
    }

    #[test]
    fn the_seeds_addresses_are_the_presets() {
        let eks = Platform::find("eks").expect("in the table").main();
        let nodes: Vec<String> = (0..2)
            .map(|index| eks.node_address(index).to_string())
            .collect();
        assert_eq!(nodes, ["192.168.38.150", "192.168.92.222"]);
        let pods: Vec<String> = (0..2)
            .map(|index| eks.pod_network(eks.pod_range(), index).to_string())
            .collect();
        assert_eq!(pods, ["192.168.59.0/24", "192.168.79.0/24"]);
        let minikube = Platform::find("minikube-docker").expect("in the table");
        let minikube = minikube.main();
        assert_eq!(minikube.node_address(0).to_string(), "192.168.49.2");
        assert_eq!(
            Platform::plain().main().node_address(1).to_string(),
            "172.18.0.4"
        );
    }
}
