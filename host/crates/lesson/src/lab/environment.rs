//! The world a lesson needs. Never builds it.

use crate::fault::{Amount, FaultKind, FaultWay};
use clock::Duration;
use serde_json::Value;

/// The world a lesson needs.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// A preset of hosts and links; `plain` is a workstation, a control plane and the nodes.
    pub platform: String,
    /// The level of API and CLI behaviour, such as `k8s-1.36`.
    pub profile: Option<String>,
    /// The seed; `None` when it is drawn per student.
    pub seed: Option<u64>,
    /// Virtual wall-clock time at the start, RFC 3339.
    pub clock_start: Option<String>,
    /// The nodes; empty means the platform's own.
    pub nodes: Vec<NodeSpec>,
    /// The network.
    pub network: Network,
    /// Machines beside the cluster.
    pub hosts: Vec<HostSpec>,
    /// Images that can be pulled; empty means all that are built in.
    pub images: Vec<String>,
    /// Files on the workstation, contents already read.
    pub files: Vec<LabFile>,
    /// Manifests applied before the first step, in order: path and text.
    pub manifests: Vec<(String, String)>,
    /// What is broken from the start.
    pub faults: Vec<FaultSpec>,
    /// The lesson whose end is this one's beginning.
    pub continue_from: Option<String>,
}

/// A node of the cluster.
#[derive(Clone, Debug, Default)]
pub struct NodeSpec {
    /// Its name.
    pub name: String,
    /// Its zone.
    pub zone: Option<String>,
    /// Its processors, as a quantity.
    pub cpu: Option<String>,
    /// Its memory, as a quantity.
    pub memory: Option<String>,
    /// An address reachable from outside.
    pub external_ip: Option<String>,
    /// Taints as the API has them.
    pub taints: Vec<Value>,
}

/// The network of the cluster; absent means the platform's own.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// Addresses of Pods.
    pub pod_cidr: Option<String>,
    /// Addresses of Services.
    pub service_cidr: Option<String>,
    /// Addresses of nodes.
    pub node_cidr: Option<String>,
    /// Ports of NodePort Services.
    pub node_port_range: Option<String>,
    /// `overlay`, `routed` or `vpc`.
    pub dataplane: Option<String>,
    /// `none`, `ip` or `hostname`.
    pub load_balancer: Option<String>,
    /// Whether cluster DNS runs.
    pub dns: bool,
}

/// A machine beside the cluster.
#[derive(Clone, Debug, Default)]
pub struct HostSpec {
    /// Its name.
    pub name: String,
    /// The machine it runs inside of.
    pub inside: Option<String>,
    /// Programs on it.
    pub tools: Vec<String>,
}

/// A file that a lesson brings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabFile {
    /// Where the learner finds it.
    pub path: String,
    /// What is in it.
    pub content: String,
    /// The learner may not change it.
    pub readonly: bool,
}

/// Something to break.
#[derive(Clone, Debug)]
pub struct FaultSpec {
    /// Its name for `heal`.
    pub id: Option<String>,
    /// What breaks.
    pub kind: FaultKind,
    /// Of whom.
    pub target: String,
    /// How much.
    pub amount: Option<Amount>,
    /// Which way a link is bad.
    pub way: FaultWay,
    /// How long after the start.
    pub at: Option<Duration>,
    /// For how long.
    pub lasting: Option<Duration>,
}
