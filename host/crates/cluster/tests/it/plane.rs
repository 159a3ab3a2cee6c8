//! A control plane with machines that only pretend: every command is answered after a short while.

use clock::{Duration, Instant, Queue, Seed};
use cluster::controller::{Index, Manager};
use cluster::kubelet::{Command, LastWords, ProbeKind, Report};
use cluster::registry::{Deletion, Registry};
use cluster::{Config, ImageInfo, Key, NodeSpec, Object, Store};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddrV4};

pub(crate) const EPOCH: i64 = 1_795_239_840;

/// How the pretended programs behave, by container name.
#[derive(Default)]
pub(crate) struct Script {
    /// Ends by itself after so many milliseconds with this code.
    pub(crate) exits: BTreeMap<String, (u64, i32)>,
    /// Does not listen to SIGTERM.
    pub(crate) stubborn: BTreeSet<String>,
    /// What probes of this container answer; success without an entry.
    pub(crate) unhealthy: BTreeMap<String, String>,
    /// Ends because it used too much memory.
    pub(crate) greedy: BTreeSet<String>,
    /// What a container leaves behind that ends by itself.
    pub(crate) said: BTreeMap<String, LastWords>,
    /// Containers whose hooks fail.
    pub(crate) broken_hooks: BTreeSet<String>,
    /// Nodes without power answer nothing.
    pub(crate) dark: BTreeSet<String>,
}

pub(crate) struct Plane {
    pub(crate) store: Store,
    pub(crate) registry: Registry,
    pub(crate) manager: Manager,
    pub(crate) now: Instant,
    pub(crate) script: Script,
    pub(crate) commands: Vec<(Instant, Command)>,
    reports: Queue<Report>,
    node_of: BTreeMap<String, String>,
    ended: BTreeSet<(String, String, u32)>,
    pub(crate) settles: usize,
}

impl Plane {
    pub(crate) fn new(nodes: u8) -> Self {
        Self::seeded(nodes, 1, false)
    }

    pub(crate) fn seeded(nodes: u8, seed: u64, shuffle: bool) -> Self {
        let node = |number: u8| NodeSpec {
            name: format!("node-{number}"),
            external: None,
            control_plane: false,
            addr: Ipv4Addr::new(192, 168, 77, number + 1),
            pod_cidr: (Ipv4Addr::new(10, 244, number - 1, 0), 24),
        };
        let image = |name: &str, size_bytes| ImageInfo {
            name: name.to_owned(),
            size_bytes,
        };
        let config = Config {
            nodes: (1..=nodes).map(node).collect(),
            service_cidr: (Ipv4Addr::new(10, 96, 0, 0), 12),
            pod_cidr: (Ipv4Addr::new(10, 244, 0, 0), 16),
            epoch: EPOCH,
            control_plane: SocketAddrV4::new(Ipv4Addr::new(192, 168, 77, 1), 6443),
            images: vec![
                image("nginx:latest", 9_454_413),
                image("nginx:1.16.1", 9_454_413),
                image("busybox:1.28", 1_479_271),
            ],
            dns: false,
            load_balancers: Some((Ipv4Addr::new(203, 0, 113, 0), 24)),
            load_balancer_names: None,
            root_ca: String::new(),
            shuffle,
        };
        let seed = Seed::new(seed);
        let mut plane = Self {
            store: Store::default(),
            registry: Registry::new(seed, EPOCH),
            manager: Manager::new(seed, &config),
            now: Instant::ZERO,
            script: Script::default(),
            commands: Vec::new(),
            reports: Queue::default(),
            node_of: BTreeMap::new(),
            ended: BTreeSet::new(),
            settles: 0,
        };
        for name in ["default", "kube-node-lease", "kube-system"] {
            let space = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}, "spec": {"finalizers": ["kubernetes"]}});
            plane.create("namespaces", space);
        }
        plane.run_for_ms(0);
        plane
    }

    pub(crate) fn create(&mut self, kind: &'static str, value: Value) -> Object {
        self.registry
            .create(&mut self.store, self.now, kind, value)
            .expect("the object is new")
    }

    /// Changes an object as a user would.
    pub(crate) fn edit(&mut self, kind: &'static str, name: &str, change: impl FnOnce(&mut Value)) {
        let mut value = (**self.get(kind, name)).clone();
        change(&mut value);
        self.registry
            .update(&mut self.store, kind, value)
            .expect("the object exists");
    }

    pub(crate) fn delete(&mut self, kind: &'static str, name: &str) {
        let space = if matches!(kind, "nodes" | "namespaces") {
            ""
        } else {
            "default"
        };
        let _ = self.registry.delete(
            &mut self.store,
            self.now,
            kind,
            space,
            name,
            Deletion::default(),
        );
    }

    pub(crate) fn get(&self, kind: &str, name: &str) -> &Object {
        self.try_get(kind, name)
            .unwrap_or_else(|| panic!("no {kind} {name}"))
    }

    pub(crate) fn try_get(&self, kind: &str, name: &str) -> Option<&Object> {
        let space = if matches!(kind, "nodes" | "namespaces") {
            ""
        } else {
            "default"
        };
        self.store.get(kind, space, name)
    }

    pub(crate) fn list(&self, kind: &str) -> Vec<&Object> {
        self.store.list(kind, Some("default")).collect()
    }

    pub(crate) fn set_power(&mut self, node: &str, on: bool) {
        if on {
            self.script.dark.remove(node);
        } else {
            self.script.dark.insert(node.to_owned());
        }
        self.manager.set_node_power(&self.store, self.now, node, on);
        self.settle();
    }

    pub(crate) fn run_for(&mut self, seconds: u64) {
        self.run_for_ms(seconds * 1000);
    }

    pub(crate) fn run_for_ms(&mut self, ms: u64) {
        let end = self.now + Duration::from_millis(ms);
        self.settle();
        while let Some(next) = self.next().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            while let Some((_, report)) = self.reports.pop_due(self.now) {
                if self.delivers(&report) {
                    self.manager.handle_report(&self.store, self.now, report);
                    self.settle();
                }
            }
            self.settle();
        }
        self.now = end;
        self.settle();
    }

    /// Runs until `holds`, at most `seconds`; how long it took.
    pub(crate) fn run_until(&mut self, seconds: u64, holds: impl Fn(&Self) -> bool) -> Duration {
        let start = self.now;
        for _ in 0..seconds * 10 {
            if holds(self) {
                return self.now - start;
            }
            self.run_for_ms(100);
        }
        panic!("not within {seconds} s");
    }

    fn next(&self) -> Option<Instant> {
        [self.reports.poll_at(), self.manager.poll_at(self.now)]
            .into_iter()
            .flatten()
            .min()
    }

    fn settle(&mut self) {
        self.settles += 1;
        self.manager
            .settle(&mut self.store, &mut self.registry, self.now);
        assert_eq!(self.manager.spinning(), None);
        while let Some(command) = self.manager.poll_command() {
            self.carry_out(&command);
            self.commands.push((self.now, command));
        }
    }

    fn after(&mut self, ms: u64, report: Report) {
        self.reports
            .push(self.now + Duration::from_millis(ms), report);
    }

    fn delivers(&mut self, report: &Report) -> bool {
        let pod = match report {
            Report::Probe { .. } => return true,
            Report::Exited {
                pod,
                container,
                attempt,
                ..
            } => {
                // A process ends only once.
                if !self
                    .ended
                    .insert((pod.uid.clone(), container.clone(), *attempt))
                {
                    return false;
                }
                pod
            }
            Report::SandboxReady { pod }
            | Report::SandboxStopped { pod }
            | Report::Started { pod, .. }
            | Report::StartFailed { pod, .. } => pod,
        };
        !self
            .node_of
            .get(&pod.uid)
            .is_some_and(|node| self.script.dark.contains(node))
    }

    fn carry_out(&mut self, command: &Command) {
        match command.clone() {
            Command::StartSandbox(order) => {
                self.node_of.insert(order.pod.uid.clone(), order.node);
                self.after(5, Report::SandboxReady { pod: order.pod });
            }
            Command::StopSandbox { pod } => self.after(5, Report::SandboxStopped { pod }),
            Command::StartContainer(order) => {
                let (pod, container, attempt) = (order.pod, order.container, order.attempt);
                self.after(
                    5,
                    Report::Started {
                        pod: pod.clone(),
                        container: container.clone(),
                        attempt,
                    },
                );
                let name = container.clone();
                if let Some((ms, code)) = self.script.exits.get(&container).copied() {
                    self.after(
                        5 + ms,
                        Report::Exited {
                            pod,
                            container,
                            attempt,
                            code,
                            oom: self.script.greedy.contains(&name),
                            said: self.script.said.get(&name).cloned().unwrap_or_default(),
                        },
                    );
                }
            }
            Command::Signal {
                pod,
                container,
                attempt,
                signal,
            } => {
                if signal == 9 || !self.script.stubborn.contains(&container) {
                    let code = if signal == 9 { 137 } else { 0 };
                    self.after(
                        20,
                        Report::Exited {
                            pod,
                            container,
                            attempt,
                            code,
                            oom: false,
                            said: LastWords::default(),
                        },
                    );
                }
            }
            Command::UpdateFiles(_) | Command::SetLimits { .. } | Command::DropVolume { .. } => {}
            Command::Probe {
                id,
                container,
                probe,
                ..
            } => {
                let hook = matches!(&probe, ProbeKind::Exec { command } if command.first().is_some_and(|word| word == "hook"));
                let wrong = self.script.unhealthy.get(&container).filter(|_| !hook);
                let mut outcome = wrong.map_or(Ok(()), |why| Err(why.clone()));
                if hook && self.script.broken_hooks.contains(&container) {
                    outcome = Err("exit code 1".to_owned());
                }
                self.after(if hook { 2000 } else { 3 }, Report::Probe { id, outcome });
            }
        }
    }

    /// Events as `reason message`, in the order they were made.
    pub(crate) fn events(&self, of: &str) -> Vec<String> {
        let mut events: Vec<(&str, String)> = self
            .list("events")
            .into_iter()
            .filter(|event| event["involvedObject"]["name"] == of)
            .map(|event| {
                let name = event["metadata"]["name"]
                    .as_str()
                    .expect("an event has a name");
                let suffix = name.rsplit('.').next().expect("a name has parts");
                let text = |field: &str| {
                    event[field]
                        .as_str()
                        .expect("an event has words")
                        .to_owned()
                };
                (suffix, format!("{} {}", text("reason"), text("message")))
            })
            .collect();
        events.sort();
        events.into_iter().map(|(_, text)| text).collect()
    }

    pub(crate) fn ready_pods(&self) -> usize {
        self.list("pods")
            .iter()
            .filter(|pod| condition(pod, "Ready") == "True")
            .count()
    }

    /// An index of everything, for reconciles outside the manager.
    pub(crate) fn index(&self) -> Index {
        let mut index = Index::default();
        index.rebuild(
            &self.store,
            cluster::kind::KINDS
                .iter()
                .map(|kind| kind.names().qualified()),
        );
        index
    }

    pub(crate) fn keys(&self) -> Vec<Key> {
        self.index().all().cloned().collect()
    }
}

pub(crate) fn condition<'a>(object: &'a Value, kind: &str) -> &'a str {
    let conditions = object["status"]["conditions"].as_array();
    let found = conditions
        .into_iter()
        .flatten()
        .find(|condition| condition["type"] == kind);
    found
        .and_then(|condition| condition["status"].as_str())
        .unwrap_or("absent")
}

pub(crate) fn deployment(replicas: i64) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "my-nginx", "namespace": "default"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"run": "my-nginx"}},
            "template": {
                "metadata": {"labels": {"run": "my-nginx"}},
                "spec": {"containers": [{"name": "my-nginx", "image": "nginx", "ports": [{"containerPort": 80}]}]},
            },
        },
    })
}

pub(crate) fn service() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "my-nginx", "namespace": "default", "labels": {"run": "my-nginx"}},
        "spec": {
            "type": "ClusterIP", "clusterIP": "10.109.166.161", "selector": {"run": "my-nginx"},
            "ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}],
        },
    })
}

pub(crate) fn pod(name: &str, container: Value) -> Value {
    let mut container = container;
    if container["name"].is_null() {
        container["name"] = "c".into();
    }
    if container["image"].is_null() {
        container["image"] = "busybox:1.28".into();
    }
    json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"containers": [container]},
    })
}
