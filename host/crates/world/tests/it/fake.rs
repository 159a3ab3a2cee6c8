//! A world with a fake runtime: containers start after a drawn delay and answer on port 80 with
//! the uid of their Pod. Never executes anything.

use clock::{Duration, Instant, Queue, Seed, Stream};
use cluster::kubelet::{PodRef, Report};
use cluster::{Body, Method, Request};
use rand::RngExt;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use vnet::{Capture, Cidr, Dataplane, HostId, Origin, Recv, SockId, TcpState};
use world::{Input, NodePlan, Output, World, WorldSpec};

pub(crate) const PORT: u16 = 80;

/// One fake container.
#[derive(Debug)]
pub(crate) struct Container {
    pub(crate) pod: PodRef,
    name: String,
    attempt: u32,
    listener: Option<SockId>,
    talks: Vec<SockId>,
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
    hosts: BTreeMap<String, HostId>,
    due: Queue<Due>,
    chance: Stream,
}

impl Lab {
    pub(crate) fn new(seed: u64, nodes: usize, shuffle: bool) -> Self {
        let seed = Seed::new(seed);
        let spec = WorldSpec {
            seed,
            epoch: 1_767_225_600,
            nodes: (0..nodes)
                .map(|n| NodePlan {
                    name: format!("node-{}", char::from(b'a' + n as u8)),
                })
                .collect(),
            platform: world::Platform::plain(),
            pod_cidr: Cidr::new(Ipv4Addr::new(10, 244, 0, 0), 16),
            service_cidr: Cidr::new(Ipv4Addr::new(10, 96, 0, 0), 12),
            dataplane: Dataplane::Overlay,
            dns: true,
            capture: Capture::Headers,
            images: ["nginx", "registry.k8s.io/coredns/coredns"]
                .map(|name| cluster::ImageInfo {
                    name: name.into(),
                    size_bytes: 1 << 20,
                })
                .into(),
            root_ca: String::new(),
            shuffle,
        };
        Self {
            world: World::new(Instant::ZERO, &spec),
            now: Instant::ZERO,
            containers: BTreeMap::new(),
            hosts: BTreeMap::new(),
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
                let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, PORT);
                let Some(host) = self.hosts.get(&uid) else {
                    return;
                };
                container.listener = self
                    .world
                    .net_mut()
                    .tcp_listen(self.now, *host, any, 64)
                    .ok();
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
            Output::PodUp { pod, host, .. } => {
                self.hosts.insert(pod.uid, host);
            }
            Output::PodDown { pod } => {
                self.end(&pod.uid);
                self.hosts.remove(&pod.uid);
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
                        listener: None,
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
                self.due.push(
                    self.now + delay,
                    Due::Exited(pod, container, attempt, 128 + i32::from(signal)),
                );
            }
            Output::Probe { id, .. } => self.due.push(self.now + delay, Due::Probed(id, true)),
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
        for sock in container.listener.into_iter().chain(container.talks) {
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

    /// Every container says its Pod's uid to whoever connects and hangs up.
    fn serve(&mut self) {
        let now = self.now;
        for (uid, container) in &mut self.containers {
            let Some(listener) = container.listener else {
                continue;
            };
            let net = self.world.net_mut();
            while let Ok(Some(sock)) = net.tcp_accept(now, listener) {
                container.talks.push(sock);
            }
            container.talks.retain(|sock| {
                let asked = matches!(
                    net.tcp_recv(now, *sock, 64),
                    Ok(Recv::Data(_) | Recv::Eof) | Err(_)
                );
                if asked {
                    let _ = net.tcp_send(now, *sock, uid.as_bytes());
                    net.close(now, *sock);
                }
                !asked
            });
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

    /// The uid that answered, or an error; `None` while it takes.
    pub(crate) fn poll_call(&mut self, call: &mut Call) -> Option<Result<String, String>> {
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
                    Ok(Recv::Data(data)) => Ok(String::from_utf8(data).expect("a uid is text")),
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
        let content_type = if method == Method::Patch {
            "application/merge-patch+json"
        } else {
            "application/json"
        };
        let response = self.world.api(
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

    /// The address of a Service.
    pub(crate) fn vip(&self, service: &str) -> Ipv4Addr {
        let store = self.world.cluster().store();
        let object = store
            .get("services", "default", service)
            .expect("the test created it");
        object["spec"]["clusterIP"]
            .as_str()
            .expect("allocated on creation")
            .parse()
            .expect("an address")
    }
}

impl Lab {
    /// The address of the API inside the cluster.
    pub(crate) fn vip_of_kubernetes(&self) -> Ipv4Addr {
        let object = self
            .world
            .cluster()
            .store()
            .get("services", "default", "kubernetes")
            .expect("made at the start");
        object["spec"]["clusterIP"]
            .as_str()
            .expect("allocated")
            .parse()
            .expect("an address")
    }
}
