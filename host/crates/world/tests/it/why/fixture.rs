//! A world to ask questions in: containers behave as their image's name says, probes really
//! connect, and the commands of an answer can be carried out. Never executes anything.

use clock::{Duration, Instant, Queue, Seed};
use cluster::kubelet::{LastWords, PodRef, ProbeKind, Report, StartContainer};
use cluster::{Body, Method, Request};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use vnet::{Capture, HostId, SockId};
use world::why::{Answer, Lang, PACE, Prober, Question, answer, plan};
use world::{Input, NodePlan, Output, Platform, World, WorldSpec};

/// Every image, and where its program listens.
const IMAGES: [(&str, &[(Ipv4Addr, u16)]); 7] = [
    ("nginx", &[(Ipv4Addr::UNSPECIFIED, 80)]),
    ("app:8080", &[(Ipv4Addr::UNSPECIFIED, 8080)]),
    ("shy", &[(Ipv4Addr::LOCALHOST, 80)]),
    ("sleeper", &[]),
    ("crasher", &[]),
    (
        "nginxhttps",
        &[(Ipv4Addr::UNSPECIFIED, 80), (Ipv4Addr::UNSPECIFIED, 443)],
    ),
    ("registry.k8s.io/coredns/coredns", &[]),
];

#[derive(Debug)]
struct Running {
    container: String,
    attempt: u32,
    socks: Vec<SockId>,
}

enum Due {
    Exit(PodRef, String, u32, i32),
    Probed(u64, Result<(), String>),
}

/// The world and what runs in it.
pub(super) struct Lab {
    pub(super) world: World,
    pub(super) now: Instant,
    hosts: BTreeMap<String, HostId>,
    running: BTreeMap<String, Running>,
    due: Queue<Due>,
    /// Where names without a namespace are.
    pub(super) namespace: String,
}

impl Lab {
    /// A cluster of two nodes on plain machines.
    pub(super) fn new() -> Self {
        Self::on("plain", 2)
    }

    pub(super) fn on(platform: &str, nodes: usize) -> Self {
        let platform = Platform::find(platform).expect("a preset");
        let names = platform.node_names(Some(nodes)).into_iter();
        let spec = WorldSpec {
            seed: Seed::new(11),
            epoch: 1_767_225_600,
            platform,
            nodes: names.map(|name| NodePlan { name }).collect(),
            pod_cidr: platform.pod_range(),
            service_cidr: platform.service_range(),
            dataplane: platform.main().dataplane,
            dns: true,
            capture: Capture::Headers,
            images: IMAGES
                .map(|(name, _)| cluster::ImageInfo {
                    name: name.into(),
                    size_bytes: 1 << 20,
                })
                .into(),
            root_ca: String::new(),
            more_root_cas: Vec::new(),
            shuffle: false,
        };
        let mut lab = Self {
            world: World::new(Instant::ZERO, &spec),
            now: Instant::ZERO,
            hosts: BTreeMap::new(),
            running: BTreeMap::new(),
            due: Queue::default(),
            namespace: "default".to_owned(),
        };
        // The API server, as far as a connection to it goes.
        let (host, api) = (lab.world.control_plane(), lab.world.api_address());
        lab.world
            .net_mut()
            .tcp_listen(lab.now, host, api, 64)
            .expect("free");
        lab.run(20);
        lab
    }

    /// Lets seconds pass.
    pub(super) fn run(&mut self, secs: u64) {
        let until = self.now + Duration::from_secs(secs);
        while self.now < until {
            self.step(until);
        }
    }

    fn step(&mut self, until: Instant) {
        let next = [self.world.poll_at(), self.due.poll_at()]
            .into_iter()
            .flatten()
            .min();
        self.now = next.unwrap_or(until).min(until).max(self.now);
        self.world.advance(self.now);
        while let Some((_, due)) = self.due.pop_due(self.now) {
            match due {
                Due::Exit(pod, container, attempt, code) => {
                    self.exit(pod, container, attempt, code)
                }
                Due::Probed(id, outcome) => self.report(Report::Probe { id, outcome }),
            }
        }
        while let Some(output) = self.world.poll_output() {
            self.carry_out(output);
        }
    }

    fn report(&mut self, report: Report) {
        self.world.handle(self.now, Input::Report(report));
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::PodUp { pod, host, .. } => drop(self.hosts.insert(pod.uid, host)),
            Output::PodDown { pod } => {
                self.end(&pod.uid);
                self.hosts.remove(&pod.uid);
            }
            Output::Start(order) => self.start(order),
            Output::Signal {
                pod,
                container,
                attempt,
                signal,
            } => {
                let code = 128 + i32::from(signal);
                self.due.push(
                    self.now + Duration::from_millis(100),
                    Due::Exit(pod, container, attempt, code),
                );
            }
            Output::Probe { id, pod, probe, .. } => {
                let outcome = self.probe(&pod, &probe);
                self.due.push(
                    self.now + Duration::from_millis(10),
                    Due::Probed(id, outcome),
                );
            }
            _ => {}
        }
    }

    fn start(&mut self, order: StartContainer) {
        let (pod, container, attempt) = (order.pod, order.container, order.attempt);
        let Some(host) = self.hosts.get(&pod.uid).copied() else {
            return;
        };
        let (image, listens) = IMAGES
            .iter()
            .find(|(name, _)| *name == order.image)
            .expect("a known image");
        let has = |file: &str| {
            order
                .mounts
                .iter()
                .any(|mount| mount.files.contains_key(file))
        };
        let dies = *image == "crasher" || (*image == "nginxhttps" && !has("tls.crt"));
        let mut socks = Vec::new();
        for (addr, port) in listens.iter().filter(|_| !dies) {
            let at = SocketAddrV4::new(*addr, *port);
            socks.push(
                self.world
                    .net_mut()
                    .tcp_listen(self.now, host, at, 64)
                    .expect("free"),
            );
        }
        let running = Running {
            container: container.clone(),
            attempt,
            socks,
        };
        self.running.insert(pod.uid.clone(), running);
        self.report(Report::Started {
            pod: pod.clone(),
            container: container.clone(),
            attempt,
        });
        if dies {
            self.due.push(
                self.now + Duration::from_millis(300),
                Due::Exit(pod, container, attempt, 1),
            );
        }
    }

    fn exit(&mut self, pod: PodRef, container: String, attempt: u32, code: i32) {
        let own = self.running.get(&pod.uid);
        if own.is_some_and(|own| own.attempt == attempt && own.container == container) {
            self.end(&pod.uid);
            self.report(Report::Exited {
                pod,
                container,
                attempt,
                code,
                oom: false,
                said: LastWords::default(),
            });
        }
    }

    fn end(&mut self, uid: &str) {
        let Some(running) = self.running.remove(uid) else {
            return;
        };
        for sock in running.socks {
            self.world.net_mut().close(self.now, sock);
        }
    }

    /// What a kubelet would see: whether somebody listens there.
    fn probe(&self, pod: &PodRef, probe: &ProbeKind) -> Result<(), String> {
        let (ProbeKind::Http { port, .. } | ProbeKind::Tcp { port, .. }) = probe else {
            return Ok(());
        };
        let host = self.hosts[&pod.uid];
        let sockets = self.world.net().sockets(host);
        let open = sockets
            .iter()
            .any(|sock| sock.local.port() == *port && sock.state == "LISTEN");
        let addr = self.world.net().host_addr(host);
        open.then_some(()).ok_or_else(|| {
            format!(
                "Get \"http://{addr}:{port}/\": dial tcp {addr}:{port}: connect: connection refused"
            )
        })
    }

    /// A request to the API; the status and the answer.
    pub(super) fn api(
        &mut self,
        method: Method,
        path: &str,
        kind: &str,
        body: &Value,
    ) -> (u16, Value) {
        let request = Request::new(method, path, kind, body.to_string().into_bytes());
        let response = self.world.api(self.now, request);
        let Body::Bytes(bytes) = response.body else {
            panic!("{path} answers with a stream")
        };
        (
            response.status,
            serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        )
    }

    #[track_caller]
    pub(super) fn create(&mut self, path: &str, body: &Value) {
        let (status, answer) = self.api(Method::Post, path, "application/json", body);
        assert_eq!(status, 201, "{path}: {answer}");
    }

    #[track_caller]
    pub(super) fn patch(&mut self, path: &str, body: &Value) {
        let kind = match body.is_array() {
            true => "application/json-patch+json",
            false => "application/strategic-merge-patch+json",
        };
        let (status, answer) = self.api(Method::Patch, path, kind, body);
        assert_eq!(status, 200, "{path}: {answer}");
    }

    pub(super) fn delete(&mut self, path: &str) {
        let (status, answer) = self.api(Method::Delete, path, "application/json", &json!({}));
        assert!(status < 300, "{path}: {answer}");
    }

    /// A Deployment of one container.
    pub(super) fn deploy(&mut self, name: &str, labels: Value, replicas: u32, container: Value) {
        let mut container = container;
        container["name"] = "main".into();
        let volumes = container
            .as_object_mut()
            .expect("an object")
            .remove("volumes")
            .unwrap_or(json!([]));
        self.create(
            "/apis/apps/v1/namespaces/default/deployments",
            &json!({
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name },
                "spec": {
                    "replicas": replicas, "selector": { "matchLabels": labels },
                    "template": { "metadata": { "labels": labels }, "spec": { "containers": [container], "volumes": volumes } },
                },
            }),
        );
    }

    /// A Service in a namespace.
    pub(super) fn expose(&mut self, namespace: &str, name: &str, spec: Value) {
        let service = json!({ "apiVersion": "v1", "kind": "Service", "metadata": { "name": name }, "spec": spec });
        self.create(
            &format!("/api/v1/namespaces/{namespace}/services"),
            &service,
        );
    }

    /// Two nginx behind the Service `my-nginx`, and a Pod `client` beside them.
    pub(super) fn seed(&mut self) {
        self.deploy(
            "my-nginx",
            json!({ "run": "my-nginx" }),
            2,
            json!({ "image": "nginx", "ports": [{ "containerPort": 80 }] }),
        );
        self.expose(
            "default",
            "my-nginx",
            json!({ "selector": { "run": "my-nginx" }, "ports": [{ "port": 80 }] }),
        );
        self.client("default");
        self.run(20);
    }

    /// A Pod that does nothing.
    pub(super) fn client(&mut self, namespace: &str) {
        let client = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "client", "labels": { "app": "client" } },
            "spec": { "containers": [{ "name": "main", "image": "sleeper" }] },
        });
        self.create(&format!("/api/v1/namespaces/{namespace}/pods"), &client);
    }

    /// The field of an object.
    pub(super) fn field(&self, kind: &str, name: &str, path: &str) -> String {
        let object = self
            .world
            .cluster()
            .store()
            .get(kind, "default", name)
            .expect("there");
        object
            .pointer(path)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    }

    /// Asks, with a probe of real packets.
    pub(super) fn ask(
        &mut self,
        subject: Option<&str>,
        from: Option<&str>,
        to: Option<&str>,
    ) -> Answer {
        let question = Question::parse(subject, from, to, &self.namespace).expect("a question");
        let plan = plan(&self.world, &question);
        let mut prober = Prober::begin(&mut self.world, self.now, plan.clone());
        let outcome = loop {
            if let Some(outcome) = prober.poll(&mut self.world, self.now) {
                break outcome;
            }
            let until = self.now + PACE;
            while self.now < until {
                self.step(until);
            }
        };
        answer(&self.world, &plan, &outcome)
    }

    pub(super) fn why(&mut self, subject: &str) -> Answer {
        self.ask(Some(subject), None, None)
    }

    pub(super) fn way(&mut self, from: &str, to: &str) -> Answer {
        self.ask(None, Some(from), Some(to))
    }
}

impl Lab {
    /// An answer in both languages, with everything that the seed chose exchanged for what it is.
    pub(super) fn shown(&self, answer: &Answer) -> String {
        let mut text = format!("{}\n――\n\n{}", answer.text(Lang::En), answer.text(Lang::Ja));
        let store = self.world.cluster().store();
        let mut exchange = |word: &str, what: &str| {
            if !word.is_empty() && word != "None" {
                text = text.replace(word, what);
            }
        };
        let string = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        for event in store.list("events", None) {
            exchange(&string(&event["metadata"]["name"]), "EVENT");
        }
        for pod in store.list("pods", None) {
            let name = string(&pod["metadata"]["name"]);
            let owner = string(&pod["metadata"]["ownerReferences"][0]["name"]);
            let owner = owner
                .rsplit_once('-')
                .map_or("", |(owner, _)| owner)
                .to_owned();
            if !owner.is_empty() {
                exchange(&name, &format!("{owner}-HASH"));
            }
            exchange(&string(&pod["status"]["podIP"]), "POD-IP");
        }
        for service in store.list("services", None) {
            if !["kube-dns", "kubernetes"].contains(&string(&service["metadata"]["name"]).as_str())
            {
                exchange(&string(&service["spec"]["clusterIP"]), "CLUSTER-IP");
            }
            for port in service["spec"]["ports"].as_array().into_iter().flatten() {
                if let Some(port) = port["nodePort"].as_u64().filter(|port| *port != 30_080) {
                    exchange(&port.to_string(), "NODE-PORT");
                }
            }
        }
        let line = |line: &str| match line.split_once("2026-01-01T") {
            Some((before, _)) => format!("{before}TIME"),
            // The way goes to one endpoint or another.
            None if line.starts_with("✔ probe") => line
                .rsplit_once(": ")
                .map_or("", |(before, _)| before)
                .to_owned(),
            None => line.to_owned(),
        };
        text.lines().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// What the first broken link is called, and the command that mends it, or else the words.
#[track_caller]
pub(super) fn broken(answer: &Answer) -> (&'static str, String) {
    let step = answer
        .broken()
        .unwrap_or_else(|| panic!("all is well:\n{}", answer.text(Lang::En)));
    let facts = step.finding.facts();
    let command = facts
        .iter()
        .find(|(name, _)| *name == "command")
        .map(|(_, value)| (*value).to_owned());
    let mend = step.finding.mend().expect("what is broken can be mended");
    (step.finding.name(), command.unwrap_or(mend.en))
}

/// A fact of the first broken link.
pub(super) fn fact(answer: &Answer, name: &str) -> String {
    let step = answer.broken().expect("something is broken");
    let facts = step.finding.facts();
    facts
        .iter()
        .find(|(own, _)| *own == name)
        .unwrap_or_else(|| panic!("no fact {name} in {facts:?}"))
        .1
        .to_owned()
}

#[track_caller]
pub(super) fn well(answer: &Answer) {
    assert!(answer.is_well(), "{}", answer.text(Lang::En));
}
