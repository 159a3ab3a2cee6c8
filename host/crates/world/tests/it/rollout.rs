//! A rolling update under load: 10,000 requests to a Service while its Deployment is exchanged.
//!
//! The program is an ordinary server: it listens three seconds after it was started, answers within
//! 120 milliseconds, and on SIGTERM is gone with whatever it was doing, as nginx is. Whether nobody
//! notices depends on the Deployment alone. Never executes anything.

use clock::{Duration, Instant, Queue, Seed, Stream};
use cluster::kubelet::{LastWords, PodRef, ProbeKind, Report};
use cluster::{Body, ImageInfo, Method, Request};
use rand::RngExt;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use vnet::{Capture, HostId, Origin, Recv, SockId, TcpState};
use world::{Input, NodePlan, Output, Platform, World, WorldSpec};

const REQUESTS: u32 = 10_000;
/// One request every five milliseconds: fifty seconds of load.
const PACE: Duration = Duration::from_millis(5);
/// How long a program takes from its start until it listens.
const WARM_UP: Duration = Duration::from_secs(3);
/// How long a client waits.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server of one Pod.
#[derive(Debug)]
struct Program {
    pod: PodRef,
    name: String,
    attempt: u32,
    listener: Option<SockId>,
    talks: Vec<Talk>,
}

/// A request that a server works on.
#[derive(Debug)]
struct Talk {
    sock: SockId,
    /// When the answer is ready; nothing before the request has come.
    ready_at: Option<Instant>,
}

#[derive(Debug)]
enum Due {
    Started(String),
    Listens(String, u32),
    Exited(String, u32, i32),
    Probed(u64, Result<(), String>),
}

/// The world with its servers and its clients.
#[derive(Debug)]
struct Site {
    world: World,
    now: Instant,
    programs: BTreeMap<String, Program>,
    hosts: BTreeMap<String, HostId>,
    due: Queue<Due>,
    chance: Stream,
    calls: Vec<(SockId, Instant, bool)>,
    made: u32,
    next_call: Option<Instant>,
    answered: u32,
    lost: BTreeMap<String, u32>,
}

impl Site {
    fn new(seed: u64) -> Self {
        let seed = Seed::new(seed);
        let platform = Platform::plain();
        let names = ["node-a", "node-b", "node-c"];
        let spec = WorldSpec {
            seed,
            epoch: 1_767_225_600,
            nodes: names.map(|name| NodePlan { name: name.into() }).into(),
            platform,
            pod_cidr: platform.pod_range(),
            service_cidr: platform.service_range(),
            dataplane: platform.main().dataplane,
            dns: false,
            capture: Capture::Headers,
            images: ["web:1", "web:2"]
                .map(|name| ImageInfo {
                    name: name.into(),
                    size_bytes: 1 << 20,
                })
                .into(),
            root_ca: String::new(),
            more_root_cas: Vec::new(),
            shuffle: false,
        };
        Self {
            world: World::new(Instant::ZERO, &spec),
            now: Instant::ZERO,
            programs: BTreeMap::new(),
            hosts: BTreeMap::new(),
            due: Queue::default(),
            chance: seed.stream("servers"),
            calls: Vec::new(),
            made: 0,
            next_call: None,
            answered: 0,
            lost: BTreeMap::new(),
        }
    }

    fn api(&mut self, method: Method, path: &str, body: &Value) -> Value {
        let type_ = match method {
            Method::Patch => "application/strategic-merge-patch+json",
            _ => "application/json",
        };
        let request = Request::new(method, path, type_, body.to_string().into_bytes());
        let response = self.world.api(self.now, request);
        let Body::Bytes(bytes) = response.body else {
            panic!("{path} answers with a stream")
        };
        let answer = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        assert!(response.status < 300, "{path}: {answer}");
        answer
    }

    /// Lets everything happen until `until`.
    fn run(&mut self, until: Instant, service: SocketAddrV4) {
        while self.now < until {
            let answers = self.programs.values().flat_map(|program| &program.talks);
            let answers = answers.filter_map(|talk| talk.ready_at);
            let next = [self.world.poll_at(), self.due.poll_at(), self.next_call];
            let next = next.into_iter().flatten().chain(answers).min();
            self.now = next.unwrap_or(until).min(until).max(self.now);
            self.world.advance(self.now);
            while let Some((_, due)) = self.due.pop_due(self.now) {
                self.happen(due);
            }
            self.call(service);
            self.serve();
            self.listen_to_answers();
            while let Some(output) = self.world.poll_output() {
                self.carry_out(output);
            }
        }
    }

    /// Makes the requests that are due.
    fn call(&mut self, service: SocketAddrV4) {
        while self.next_call.is_some_and(|at| at <= self.now) {
            let from = *self.world.nodes().values().next().expect("three nodes");
            let net = self.world.net_mut();
            match net.tcp_connect(self.now, from, None, service, Origin::Program) {
                Ok(sock) => self.calls.push((sock, self.now + PATIENCE, false)),
                Err(why) => *self.lost.entry(why.to_string()).or_default() += 1,
            }
            self.made += 1;
            self.next_call = (self.made < REQUESTS).then(|| self.now + PACE);
        }
    }

    fn listen_to_answers(&mut self) {
        let (now, net) = (self.now, self.world.net_mut());
        let (answered, lost) = (&mut self.answered, &mut self.lost);
        self.calls.retain_mut(|(sock, deadline, sent)| {
            let outcome = match net.tcp_state(*sock) {
                TcpState::Connecting if now < *deadline => return true,
                TcpState::Failed(why) => Err(why.to_string()),
                _ if now >= *deadline => Err("late".to_owned()),
                _ => {
                    *sent = *sent || net.tcp_send(now, *sock, b"GET").is_ok();
                    match net.tcp_recv(now, *sock, 64) {
                        Ok(Recv::WouldBlock) => return true,
                        Ok(Recv::Data(_)) => Ok(()),
                        Ok(Recv::Eof) => Err("closed".to_owned()),
                        Err(why) => Err(why.to_string()),
                    }
                }
            };
            net.close(now, *sock);
            match outcome {
                Ok(()) => *answered += 1,
                Err(why) => *lost.entry(why).or_default() += 1,
            }
            false
        });
    }

    /// Every server accepts, works and answers.
    fn serve(&mut self) {
        let (now, net, chance) = (self.now, self.world.net_mut(), &mut self.chance);
        for program in self.programs.values_mut() {
            let Some(listener) = program.listener else {
                continue;
            };
            while let Ok(Some(sock)) = net.tcp_accept(now, listener) {
                program.talks.push(Talk {
                    sock,
                    ready_at: None,
                });
            }
            program.talks.retain_mut(|talk| match talk.ready_at {
                None => match net.tcp_recv(now, talk.sock, 64) {
                    Ok(Recv::WouldBlock) => true,
                    Ok(Recv::Data(_)) => {
                        let work = Duration::from_millis(chance.random_range(1..120));
                        talk.ready_at = Some(now + work);
                        true
                    }
                    Ok(Recv::Eof) | Err(_) => {
                        net.close(now, talk.sock);
                        false
                    }
                },
                Some(at) if at <= now => {
                    let _ = net.tcp_send(now, talk.sock, b"200");
                    net.close(now, talk.sock);
                    false
                }
                Some(_) => true,
            });
        }
    }

    fn happen(&mut self, due: Due) {
        match due {
            Due::Started(uid) => {
                let Some(program) = self.programs.get(&uid) else {
                    return;
                };
                let listens = Due::Listens(uid, program.attempt);
                let report = Report::Started {
                    pod: program.pod.clone(),
                    container: program.name.clone(),
                    attempt: program.attempt,
                };
                self.due.push(self.now + WARM_UP, listens);
                self.world.handle(self.now, Input::Report(report));
            }
            Due::Listens(uid, attempt) => {
                let host = self.hosts.get(&uid).copied();
                let program = self.programs.get_mut(&uid);
                let program = program.filter(|program| program.attempt == attempt);
                if let (Some(program), Some(host)) = (program, host) {
                    let any = SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 80);
                    let net = self.world.net_mut();
                    program.listener = net.tcp_listen(self.now, host, any, 128).ok();
                }
            }
            Due::Exited(uid, attempt, code) => {
                let Some(program) = self.end(&uid, attempt) else {
                    return;
                };
                let report = Report::Exited {
                    pod: program.pod,
                    container: program.name,
                    attempt,
                    code,
                    oom: false,
                    said: LastWords::default(),
                };
                self.world.handle(self.now, Input::Report(report));
            }
            Due::Probed(id, outcome) => {
                let report = Report::Probe { id, outcome };
                self.world.handle(self.now, Input::Report(report));
            }
        }
    }

    /// A server is gone, with every connection it had.
    fn end(&mut self, uid: &str, attempt: u32) -> Option<Program> {
        self.programs
            .get(uid)
            .filter(|program| program.attempt == attempt)?;
        let program = self.programs.remove(uid)?;
        let net = self.world.net_mut();
        let talks = program.talks.iter().map(|talk| talk.sock);
        for sock in program.listener.into_iter().chain(talks) {
            net.close(self.now, sock);
        }
        Some(program)
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::PodUp { pod, host, .. } => {
                self.hosts.insert(pod.uid, host);
            }
            Output::PodDown { pod } => {
                self.hosts.remove(&pod.uid);
                if let Some(attempt) = self.programs.get(&pod.uid).map(|program| program.attempt) {
                    self.end(&pod.uid, attempt);
                }
            }
            Output::Start(order) => {
                let uid = order.pod.uid.clone();
                let program = Program {
                    pod: order.pod,
                    name: order.container,
                    attempt: order.attempt,
                    listener: None,
                    talks: Vec::new(),
                };
                self.programs.insert(uid.clone(), program);
                let delay = Duration::from_millis(self.chance.random_range(20..200));
                self.due.push(self.now + delay, Due::Started(uid));
            }
            Output::Signal {
                pod,
                attempt,
                signal,
                ..
            } => {
                let exited = Due::Exited(pod.uid, attempt, 128 + i32::from(signal));
                self.due.push(self.now + Duration::from_millis(10), exited);
            }
            Output::Probe { id, pod, probe, .. } => {
                assert!(matches!(probe, ProbeKind::Http { port: 80, .. }));
                let program = self.programs.get(&pod.uid);
                let listens = program.is_some_and(|program| program.listener.is_some());
                let outcome = if listens {
                    Ok(())
                } else {
                    Err("connect: connection refused".to_owned())
                };
                self.due.push(
                    self.now + Duration::from_millis(5),
                    Due::Probed(id, outcome),
                );
            }
            _ => {}
        }
    }
}

fn deployment(probe: bool, hook: bool) -> Value {
    let mut container = json!({"name": "web", "image": "web:1", "ports": [{"containerPort": 80}]});
    if probe {
        container["readinessProbe"] =
            json!({"httpGet": {"port": 80, "path": "/"}, "periodSeconds": 1});
    }
    if hook {
        container["lifecycle"] = json!({"preStop": {"sleep": {"seconds": 5}}});
    }
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {
            "replicas": 4, "selector": {"matchLabels": {"app": "web"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [container]},
            },
        },
    })
}

/// How many of the requests during the update were lost, by cause.
fn lost(seed: u64, probe: bool, hook: bool) -> BTreeMap<String, u32> {
    let mut site = Site::new(seed);
    let deployments = "/apis/apps/v1/namespaces/default/deployments";
    site.api(Method::Post, deployments, &deployment(probe, hook));
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
        "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
    });
    let service = site.api(
        Method::Post,
        "/api/v1/namespaces/default/services",
        &service,
    );
    let vip = service["spec"]["clusterIP"].as_str().map(str::parse);
    let vip = SocketAddrV4::new(vip.expect("allocated").expect("an address"), 80);
    site.run(Instant::from_secs(30), vip);
    site.next_call = Some(site.now);
    site.run(Instant::from_secs(32), vip);
    let next = json!({"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "web:2"}]}}}});
    site.api(Method::Patch, &format!("{deployments}/web"), &next);
    site.run(Instant::from_secs(30) + PACE * REQUESTS + PATIENCE, vip);
    let status =
        site.api(Method::Get, &format!("{deployments}/web"), &Value::Null)["status"].clone();
    assert_eq!(
        status["updatedReplicas"], 4,
        "the update came to its end: {status}"
    );
    assert_eq!(status["availableReplicas"], 4, "{status}");
    let failed: u32 = site.lost.values().sum();
    assert_eq!(
        site.answered + failed,
        REQUESTS,
        "every request has an outcome"
    );
    site.lost
}

#[test]
fn a_rolling_update_loses_nothing_where_readiness_is_probed_and_the_end_waits() {
    for seed in 1..=3 {
        assert_eq!(lost(seed, true, true), BTreeMap::new(), "seed {seed}");
    }
}

#[test]
fn a_rolling_update_loses_requests_without_either_of_them() {
    for seed in 1..=2 {
        for (probe, hook) in [(true, false), (false, true)] {
            let lost: u32 = lost(seed, probe, hook).values().sum();
            assert!(lost > 0, "seed {seed}, probe {probe}, preStop {hook}");
        }
    }
}
