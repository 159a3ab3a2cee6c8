//! A world with a fake runtime: containers start after a drawn delay and answer, on the ports that
//! their Pod names or else on port 80, with the uid of their Pod and the client they see. Never
//! executes anything.

use clock::{Duration, Instant, Queue, Seed, Stream};
use cluster::kubelet::{PodRef, Report};
use cluster::{Body, Method, Request};
use rand::RngExt;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddrV4};
use vnet::{Capture, HostId, Origin, Proto, Recv, SockId, TcpState};
use world::{Input, NodePlan, Output, Platform, SiteId, World, WorldSpec};

pub(crate) const PORT: u16 = 80;
const KILL: u8 = 9;

/// One fake container.
#[derive(Debug)]
pub(crate) struct Container {
    pub(crate) pod: PodRef,
    name: String,
    attempt: u32,
    listeners: Vec<SockId>,
    datagrams: Vec<SockId>,
    talks: Vec<SockId>,
}

/// A Pod's machine, as its programs see it.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) host: HostId,
    pub(crate) hostname: String,
    pub(crate) resolv_conf: String,
    pub(crate) hosts: String,
}

/// Who answered, and whom it took for its client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) uid: String,
    pub(crate) client: SocketAddrV4,
    /// The port of its own that was asked.
    pub(crate) port: u16,
}

#[derive(Debug)]
enum Due {
    Started(String),
    Exited(PodRef, String, u32, i32),
    Probed(u64, bool),
}

/// One request of a client on its way.
#[derive(Debug)]
pub(crate) struct Call {
    sock: SockId,
    deadline: Instant,
    sent: bool,
}

/// The world, its clock and what runs in it.
#[derive(Debug)]
pub(crate) struct Lab {
    pub(crate) world: World,
    pub(crate) now: Instant,
    pub(crate) containers: BTreeMap<String, Container>,
    pub(crate) machines: BTreeMap<String, Machine>,
    /// Pods, by name, whose probes fail.
    pub(crate) unwell: BTreeSet<String>,
    /// Pods, by name, that go on when they are asked to end.
    pub(crate) stubborn: BTreeSet<String>,
    due: Queue<Due>,
    chance: Stream,
}

impl Lab {
    pub(crate) fn new(seed: u64, nodes: usize, shuffle: bool) -> Self {
        let names = (0..nodes).map(|n| format!("node-{}", char::from(b'a' + n as u8)));
        Self::build(seed, Platform::plain(), names.collect(), shuffle)
    }

    /// A lab on one of the platforms, with its usual nodes.
    pub(crate) fn on(platform: &str) -> Self {
        let platform = Platform::find(platform).expect("a preset");
        Self::build(5, platform, platform.node_names(None), false)
    }

    fn build(seed: u64, platform: &'static Platform, nodes: Vec<String>, shuffle: bool) -> Self {
        let seed = Seed::new(seed);
        let spec = WorldSpec {
            seed,
            epoch: 1_767_225_600,
            nodes: nodes.into_iter().map(|name| NodePlan { name }).collect(),
            platform,
            pod_cidr: platform.pod_range(),
            service_cidr: platform.service_range(),
            dataplane: platform.main().dataplane,
            dns: true,
            capture: Capture::Headers,
            images: ["nginx", "registry.k8s.io/coredns/coredns"]
                .map(|name| cluster::ImageInfo {
                    name: name.into(),
                    size_bytes: 1 << 20,
                })
                .into(),
            root_ca: String::new(),
            more_root_cas: Vec::new(),
            shuffle,
        };
        Self {
            world: World::new(Instant::ZERO, &spec),
            now: Instant::ZERO,
            containers: BTreeMap::new(),
            machines: BTreeMap::new(),
            unwell: BTreeSet::new(),
            stubborn: BTreeSet::new(),
            due: Queue::default(),
            chance: seed.stream("fake runtime"),
        }
    }

    /// One mutation, then drain: goes on to the next thing that is due, at most to `until`.
    pub(crate) fn step(&mut self, until: Instant) {
        let next = [self.world.poll_at(), self.due.poll_at()]
            .into_iter()
            .flatten()
            .min();
        self.now = next.unwrap_or(until).min(until).max(self.now);
        self.world.advance(self.now);
        while let Some((_, due)) = self.due.pop_due(self.now) {
            self.happen(due);
        }
        self.serve();
        while let Some(output) = self.world.poll_output() {
            self.carry_out(output);
        }
    }

    /// Lets time pass; `look` sees the world after every step.
    pub(crate) fn run(&mut self, time: Duration, mut look: impl FnMut(&Self)) {
        let until = self.now + time;
        while self.now < until {
            self.step(until);
            look(self);
        }
    }

    fn happen(&mut self, due: Due) {
        match due {
            Due::Started(uid) => {
                let Some(container) = self.containers.get_mut(&uid) else {
                    return;
                };
                let Some(machine) = self.machines.get(&uid) else {
                    return;
                };
                let ports = ports(&self.world, &container.pod, &container.name);
                let net = self.world.net_mut();
                for (proto, port) in ports {
                    let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port);
                    // On a node's own network a port may be somebody else's.
                    if proto == Proto::Udp {
                        let sock = net.udp_bind(self.now, machine.host, any, Origin::Program);
                        container.datagrams.extend(sock);
                    } else {
                        let sock = net.tcp_listen(self.now, machine.host, any, 64);
                        container.listeners.extend(sock);
                    }
                }
                let (pod, container, attempt) = (
                    container.pod.clone(),
                    container.name.clone(),
                    container.attempt,
                );
                self.report(Report::Started {
                    pod,
                    container,
                    attempt,
                });
            }
            Due::Exited(pod, container, attempt, code) => {
                if self
                    .containers
                    .get(&pod.uid)
                    .is_some_and(|running| running.attempt == attempt)
                {
                    self.end(&pod.uid);
                    self.report(Report::Exited {
                        pod,
                        container,
                        attempt,
                        code,
                        oom: false,
                        said: cluster::kubelet::LastWords::default(),
                    });
                }
            }
            Due::Probed(id, well) => {
                let outcome = if well {
                    Ok(())
                } else {
                    Err("drawn".to_owned())
                };
                self.report(Report::Probe { id, outcome });
            }
        }
    }

    fn carry_out(&mut self, output: Output) {
        let delay = Duration::from_millis(self.chance.random_range(1..400));
        match output {
            Output::PodUp {
                pod,
                host,
                hostname,
                resolv_conf,
                hosts,
            } => {
                let machine = Machine {
                    host,
                    hostname,
                    resolv_conf,
                    hosts,
                };
                self.machines.insert(pod.uid, machine);
            }
            Output::PodDown { pod } => {
                self.end(&pod.uid);
                self.machines.remove(&pod.uid);
            }
            Output::Start(order) => {
                let uid = order.pod.uid.clone();
                let (name, attempt) = (order.container, order.attempt);
                let before = self.containers.insert(
                    uid.clone(),
                    Container {
                        pod: order.pod,
                        name,
                        attempt,
                        listeners: Vec::new(),
                        datagrams: Vec::new(),
                        talks: Vec::new(),
                    },
                );
                assert!(before.is_none(), "{uid} was started while it ran");
                self.due.push(self.now + delay, Due::Started(uid));
            }
            Output::Signal {
                pod,
                container,
                attempt,
                signal,
            } => {
                if signal == KILL || !self.stubborn.contains(&pod.name) {
                    self.due.push(
                        self.now + delay,
                        Due::Exited(pod, container, attempt, 128 + i32::from(signal)),
                    );
                }
            }
            Output::Probe { id, pod, .. } => {
                let well = !self.unwell.contains(&pod.name);
                self.due.push(self.now + delay, Due::Probed(id, well));
            }
            Output::NodeUp { .. }
            | Output::NodeDown { .. }
            | Output::Forwards
            | Output::UpdateFiles(_)
            | Output::DropVolume { .. }
            | Output::SetLimits { .. } => {}
        }
    }

    /// Ends a container without telling anybody.
    fn end(&mut self, uid: &str) {
        let Some(container) = self.containers.remove(uid) else {
            return;
        };
        let socks = container.listeners.into_iter();
        let socks = socks.chain(container.talks).chain(container.datagrams);
        for sock in socks {
            self.world.net_mut().close(self.now, sock);
        }
    }

    /// A container's program ends by itself.
    pub(crate) fn crash(&mut self, uid: &str) {
        let Some(container) = self.containers.get(uid) else {
            return;
        };
        let (pod, name, attempt) = (
            container.pod.clone(),
            container.name.clone(),
            container.attempt,
        );
        self.happen(Due::Exited(pod, name, attempt, 1));
    }

    fn report(&mut self, report: Report) {
        self.world.handle(self.now, Input::Report(report));
    }

    /// Every container says its Pod's uid to whoever asks, and whom it takes that for.
    fn serve(&mut self) {
        let now = self.now;
        let net = self.world.net_mut();
        for (uid, container) in &mut self.containers {
            for listener in &container.listeners {
                while let Ok(Some(sock)) = net.tcp_accept(now, *listener) {
                    container.talks.push(sock);
                }
            }
            container.talks.retain(|sock| {
                let asked = match net.tcp_recv(now, *sock, 64) {
                    Ok(Recv::WouldBlock) => return true,
                    Ok(Recv::Data(_)) => true,
                    Ok(Recv::Eof) | Err(_) => false,
                };
                if let (true, Some(client), Some(own)) =
                    (asked, net.peer_addr(*sock), net.local_addr(*sock))
                {
                    let text = format!("{uid} {client} {}", own.port());
                    let _ = net.tcp_send(now, *sock, text.as_bytes());
                }
                net.close(now, *sock);
                false
            });
            for sock in &container.datagrams {
                while let Some(Ok((client, _))) = net.udp_recv(now, *sock) {
                    let port = net.local_addr(*sock).map_or(0, |own| own.port());
                    let text = format!("{uid} {client} {port}");
                    let _ = net.udp_send(now, *sock, client, text.as_bytes());
                }
            }
        }
    }

    /// Begins a request from a machine.
    pub(crate) fn call(&mut self, from: HostId, to: SocketAddrV4) -> Option<Call> {
        let sock = self
            .world
            .net_mut()
            .tcp_connect(self.now, from, None, to, Origin::Program)
            .ok()?;
        Some(Call {
            sock,
            deadline: self.now + Duration::from_secs(20),
            sent: false,
        })
    }

    /// Who answered, or an error; `None` while it takes.
    pub(crate) fn poll_call(&mut self, call: &mut Call) -> Option<Result<Answer, String>> {
        let (now, net) = (self.now, self.world.net_mut());
        let outcome = match net.tcp_state(call.sock) {
            TcpState::Connecting if now < call.deadline => return None,
            TcpState::Failed(cause) => Err(cause.to_string()),
            _ if now >= call.deadline => Err("late".into()),
            _ => {
                if !call.sent {
                    call.sent = net.tcp_send(now, call.sock, b"who?").is_ok();
                }
                match net.tcp_recv(now, call.sock, 64) {
                    Ok(Recv::Data(data)) => Ok(Answer::read(&data)),
                    Ok(Recv::WouldBlock) => return None,
                    Ok(Recv::Eof) => Err("closed".into()),
                    Err(cause) => Err(cause.to_string()),
                }
            }
        };
        net.close(now, call.sock);
        Some(outcome)
    }

    /// A request to the API; the status and the answer.
    pub(crate) fn api(&mut self, method: Method, path: &str, body: &Value) -> (u16, Value) {
        self.api_of(SiteId::MAIN, method, path, body)
    }

    /// A request to the API of a cluster.
    pub(crate) fn api_of(
        &mut self,
        site: SiteId,
        method: Method,
        path: &str,
        body: &Value,
    ) -> (u16, Value) {
        let content_type = if method == Method::Patch {
            "application/merge-patch+json"
        } else {
            "application/json"
        };
        let response = self.world.api_of(
            site,
            self.now,
            Request::new(method, path, content_type, body.to_string().into_bytes()),
        );
        let Body::Bytes(bytes) = response.body else {
            panic!("{path} answers with a stream")
        };
        (
            response.status,
            serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        )
    }

    #[track_caller]
    pub(crate) fn create(&mut self, path: &str, body: &Value) {
        let (status, answer) = self.api(Method::Post, path, body);
        assert_eq!(status, 201, "{path}: {answer}");
    }

    pub(crate) fn create_app(&mut self, name: &str, replicas: u32) {
        let labels = json!({ "app": name });
        self.create(
            "/apis/apps/v1/namespaces/default/deployments",
            &json!({
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name },
                "spec": {
                    "replicas": replicas, "selector": { "matchLabels": labels },
                    "template": { "metadata": { "labels": labels }, "spec": { "containers": [{ "name": "web", "image": "nginx" }] } },
                },
            }),
        );
        self.create(
            "/api/v1/namespaces/default/services",
            &json!({
                "apiVersion": "v1", "kind": "Service", "metadata": { "name": name },
                "spec": { "selector": labels, "ports": [{ "port": 80 }] },
            }),
        );
    }

    /// Whether an app of this name was created.
    pub(crate) fn has_app(&self, name: &str) -> bool {
        let store = self.world.cluster().store();
        store.get("services", "default", name).is_some()
    }

    /// The address of a Service.
    pub(crate) fn vip(&self, service: &str) -> Ipv4Addr {
        let object = self.object("services", service);
        let addr = object["spec"]["clusterIP"].as_str().map(str::parse);
        addr.expect("allocated on creation").expect("an address")
    }

    /// An object of the namespace `default`.
    pub(crate) fn object(&self, kind: &str, name: &str) -> &Value {
        let object = self.world.cluster().store().get(kind, "default", name);
        object.unwrap_or_else(|| panic!("there is no {kind}/{name}"))
    }

    /// The address of the API inside the cluster.
    pub(crate) fn vip_of_kubernetes(&self) -> Ipv4Addr {
        self.vip("kubernetes")
    }
}

impl Answer {
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8(bytes.to_vec()).expect("what a fake container says is text");
        let words: Vec<&str> = text.split(' ').collect();
        let [uid, client, port] = words[..] else {
            panic!("a fake container said {text}");
        };
        Self {
            uid: uid.to_owned(),
            client: client.parse().expect("an address and a port"),
            port: port.parse().expect("a port"),
        }
    }
}

/// What a container listens on: what its Pod says, or port 80.
fn ports(world: &World, pod: &PodRef, container: &str) -> Vec<(Proto, u16)> {
    let store = world.cluster().store();
    let object = store.get("pods", &pod.namespace, &pod.name);
    let containers = object.and_then(|pod| pod["spec"]["containers"].as_array());
    let mut containers = containers.into_iter().flatten();
    let ours = containers.find(|found| found["name"] == container);
    let ports = ours.and_then(|container| container["ports"].as_array());
    let ports: Vec<(Proto, u16)> = ports
        .into_iter()
        .flatten()
        .map(|port| {
            let proto = match port["protocol"].as_str() {
                Some("UDP") => Proto::Udp,
                _ => Proto::Tcp,
            };
            let number = port["containerPort"].as_u64().unwrap_or(0);
            (proto, u16::try_from(number).expect("validated"))
        })
        .collect();
    if ports.is_empty() {
        vec![(Proto::Tcp, PORT)]
    } else {
        ports
    }
}
