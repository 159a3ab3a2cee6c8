//! The whole cluster as one value. Never decides: it hands on to the API, the store, the controllers.
//!
//! After everything that comes in, the controllers settle: what follows from it at the same
//! instant has happened when the call returns.

use crate::api::{Api, Issuer, Request, Response, WatchId, WatchPoll};
use crate::bootstrap;
use crate::controller::Manager;
use crate::kubelet::{Command, Report};
use crate::registry::Registry;
use crate::store::Store;
use crate::{dns, proxy};
use clock::{Instant, Seed};
use std::net::{Ipv4Addr, SocketAddrV4};

/// A small Kubernetes: objects, the API over them, the controllers behind them.
///
/// Give it what arrives (`handle*`), take what it asks for ([`Cluster::poll_command`]) until there
/// is nothing more, and come back at [`Cluster::poll_at`].
#[derive(Debug)]
pub struct Cluster {
    store: Store,
    registry: Registry,
    api: Api,
    manager: Manager,
    proxy: proxy::Table,
    now: Instant,
}

impl Cluster {
    /// A cluster with its first objects: namespaces, nodes, the Service `kubernetes`, the DNS.
    #[must_use]
    pub fn new(now: Instant, seed: Seed, config: Config) -> Self {
        let mut cluster = Self {
            store: Store::default(),
            registry: Registry::new(seed, config.epoch),
            api: Api::new(seed, config.control_plane, config.service_cidr),
            manager: Manager::new(seed, &config),
            proxy: proxy::Table::default(),
            now,
        };
        bootstrap::furnish(&mut cluster.store, &mut cluster.registry, now, &config);
        cluster.settle(now);
        cluster
    }

    /// From now on tokens of ServiceAccounts are signed with a key made from these bytes, instead
    /// of one out of the seed, which others may guess.
    pub fn sign_tokens_with(&mut self, secret: [u8; 32]) {
        let issuer = Issuer::of_secret(secret);
        self.manager.sign_with(issuer.clone());
        self.api.sign_with(issuer);
    }

    /// Answers a request to the API, and lets the controllers act on it.
    pub fn handle(&mut self, now: Instant, request: Request) -> Response {
        let before = self.store.revision();
        let response = self
            .api
            .handle(&mut self.store, &mut self.registry, now, &request);
        if self.store.revision() != before {
            self.settle(now);
        }
        response
    }

    /// Time has passed: does what is due.
    pub fn handle_time(&mut self, now: Instant) {
        self.api.handle_time(now);
        self.settle(now);
    }

    /// Something happened on a machine.
    pub fn handle_report(&mut self, now: Instant, report: Report) {
        self.manager.handle_report(&self.store, now, report);
        self.settle(now);
    }

    /// A node loses or regains its power.
    pub fn set_node_power(&mut self, now: Instant, node: &str, on: bool) {
        self.manager.set_node_power(&self.store, now, node, on);
        self.settle(now);
    }

    /// A node's kubelet is cut off from the API server, or reaches it again: meanwhile its Pods run
    /// on, it learns of nothing and nobody hears from it.
    pub fn set_node_online(&mut self, now: Instant, node: &str, online: bool) {
        self.manager.set_node_online(&self.store, now, node, online);
        self.settle(now);
    }

    /// Takes an image from the registry, or puts it back; whether it was ever there. Nodes that
    /// have it keep it.
    pub fn set_image_missing(&mut self, image: &str, missing: bool) -> bool {
        self.manager.set_image_missing(image, missing)
    }

    /// What a machine must do now.
    pub fn poll_command(&mut self) -> Option<Command> {
        self.manager.poll_command()
    }

    /// When the cluster wants to be woken with [`Cluster::handle_time`].
    #[must_use]
    pub fn poll_at(&self) -> Option<Instant> {
        [self.manager.poll_at(self.now), self.api.poll_at()]
            .into_iter()
            .flatten()
            .min()
    }

    /// What a watch has to say now; ask again whenever [`Cluster::revision`] has changed.
    pub fn poll_watch(&mut self, now: Instant, id: WatchId) -> WatchPoll {
        let wall = self.registry.wall(now);
        self.api.poll_watch(&self.store, now, wall, id)
    }

    /// Nobody reads this watch any more.
    pub fn close_watch(&mut self, id: WatchId) {
        self.api.close_watch(id);
    }

    /// How many watches run.
    #[must_use]
    pub fn watches(&self) -> usize {
        self.api.watches()
    }

    /// The revision of the newest write; it changes when anything does.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.store.revision()
    }

    /// What nodes have to know about Services. Costs a counted reference for each port: what did
    /// not change since the last time is the same allocation, so whoever follows keeps the last
    /// answer and makes anew only what differs from it.
    #[must_use]
    pub fn service_rules(&self) -> proxy::Rules {
        self.proxy.rules().clone()
    }

    /// What the cluster's DNS answers.
    #[must_use]
    pub fn dns_records(&self) -> dns::Records {
        dns::records(&self.store)
    }

    /// The objects.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The controller and key that went in circles in the last settle, if any did.
    #[must_use]
    pub fn spinning(&self) -> Option<&str> {
        self.manager.spinning()
    }

    fn settle(&mut self, now: Instant) {
        assert!(
            now >= self.now,
            "virtual time went back from {} to {now}",
            self.now
        );
        self.now = now;
        self.manager
            .settle(&mut self.store, &mut self.registry, now);
        self.proxy.follow(&self.store);
    }
}

/// What a cluster is made of.
#[derive(Clone, Debug)]
pub struct Config {
    /// Its nodes, in order.
    pub nodes: Vec<NodeSpec>,
    /// Where Services get their addresses: network and prefix length.
    pub service_cidr: (Ipv4Addr, u8),
    /// Where pods get their addresses: network and prefix length.
    pub pod_cidr: (Ipv4Addr, u8),
    /// The calendar at `Instant::ZERO`, in unix seconds.
    pub epoch: i64,
    /// Where the API server listens.
    pub control_plane: SocketAddrV4,
    /// The images that can be pulled.
    pub images: Vec<ImageInfo>,
    /// The certificate (PEM) that the API server's is signed by, as every namespace's
    /// `kube-root-ca.crt` carries it; empty where nobody listens with TLS.
    pub root_ca: String,
    /// Whether the cluster runs a DNS.
    pub dns: bool,
    /// Where a cloud's load balancers get their addresses; without it there is no cloud.
    pub load_balancers: Option<(Ipv4Addr, u8)>,
    /// The domain below which load balancers are known by names instead of addresses.
    pub load_balancer_names: Option<&'static str>,
    /// Whether controllers' waiting work is taken in a random order.
    pub shuffle: bool,
}

/// One node.
#[derive(Clone, Debug)]
pub struct NodeSpec {
    /// Its name, which is also its hostname.
    pub name: String,
    /// Its address in front.
    pub addr: Ipv4Addr,
    /// Its address for the world outside, where a cloud gives it one.
    pub external: Option<Ipv4Addr>,
    /// Whether it runs the control plane too.
    pub control_plane: bool,
    /// Where its pods get their addresses: network and prefix length.
    pub pod_cidr: (Ipv4Addr, u8),
}

impl NodeSpec {
    /// `status.addresses`, in the order kubelets post them.
    pub(crate) fn addresses(&self) -> serde_json::Value {
        let address = |kind: &str, text: String| serde_json::json!({"type": kind, "address": text});
        let internal = address("InternalIP", self.addr.to_string());
        let external = self
            .external
            .map(|addr| address("ExternalIP", addr.to_string()));
        let hostname = address("Hostname", self.name.clone());
        [Some(internal), external, Some(hostname)]
            .into_iter()
            .flatten()
            .collect()
    }
}

/// What is known about an image without running it.
#[derive(Clone, Debug)]
pub struct ImageInfo {
    /// The reference as written in a pod, with its tag (`nginx:latest`).
    pub name: String,
    /// Its size in bytes, as a node's status shows it.
    pub size_bytes: u64,
}
