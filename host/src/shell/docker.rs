//! Container engines at work: starting, stopping and ending containers as an engine decides, and
//! the listeners of their published ports.
//!
//! A container here is to `containers.rs` a Pod with one container, so that images, logs, exec and
//! attach are the same code. Never decides a name, an address or a port: `world::docker` does.

mod datagrams;
mod http;
mod stream;

use super::containers::Ends;
use super::driver::Shell;
use super::log::{LogOptions, LogReader};
use super::stream::NetStream;
use clock::Duration;
use cluster::kubelet::{Environment, PodRef, Report, StartContainer};
use runtime::TcpListener;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::rc::Rc;
use tokio::sync::oneshot;
use vnet::{HostId, NetError, Origin, Proto};
use world::docker::{Container, Engine, Refusal};
use world::{Forward, Reach, Started};

/// Where an engine listens on its machine, and on the laptop around it.
const API: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 2375);
/// Where Docker's own DNS answers in a container.
const DNS: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(127, 0, 0, 11), 53);
/// The name of a container as `containers.rs` keeps it.
const CONTAINER: &str = "main";
/// What the namespace of such a Pod begins with; no real one can.
const NAMESPACE: &str = "docker:";
/// How many exit codes of containers that are gone are remembered.
const CODES_MAX: usize = 512;

/// What runs for the engines beside their containers.
#[derive(Debug, Default)]
pub(crate) struct Engines {
    /// Listeners of the platform; dropping an end closes it.
    forwards: BTreeMap<Forward, oneshot::Sender<()>>,
    /// Listeners of containers.
    of_containers: BTreeMap<String, Vec<oneshot::Sender<()>>>,
    /// Who wants the streams of a container that has not started, and whether they will type.
    attaching: BTreeMap<String, Vec<(bool, oneshot::Sender<Ends>)>>,
    /// Who waits for a container's end.
    waiting: BTreeMap<String, Vec<oneshot::Sender<u8>>>,
    /// How the last ones ended.
    codes: BTreeMap<String, u8>,
    execs: BTreeMap<String, http::Exec>,
}

/// Which container, on which engine's machine.
fn pod_ref(machine: &str, container: &Container) -> PodRef {
    PodRef {
        namespace: format!("{NAMESPACE}{machine}"),
        name: container.name.clone(),
        uid: container.id.clone(),
    }
}

impl Shell {
    /// Lets every engine take requests, and opens what the platform always has open.
    pub(super) fn boot_engines(self: &Rc<Self>) -> anyhow::Result<()> {
        let (engines, laptop) = self.look(|world| {
            let inside = matches!(
                world.platform().reach(),
                Reach::Published | Reach::Localhost
            );
            (world.engines(), inside.then(|| world.workstation()))
        });
        for (machine, host) in engines {
            for place in [Some(host), laptop].into_iter().flatten() {
                let listener = self.runtime.tcp_listen(place, API, 128)?;
                http::serve(self, &machine, listener);
            }
        }
        self.open_forwards();
        Ok(())
    }

    /// Makes the platform's listeners those that the world wants.
    pub(super) fn open_forwards(self: &Rc<Self>) {
        let wanted = self.look(world::World::forwards);
        let mut engines = self.engines.borrow_mut();
        engines
            .forwards
            .retain(|forward, _| wanted.contains(forward));
        for forward in wanted {
            if !engines.forwards.contains_key(&forward)
                && let Ok(stop) = self.forward(forward)
            {
                // A port that a program has stays that program's, as with the real backend.
                engines.forwards.insert(forward, stop);
            }
        }
    }

    /// Listens and passes connections or datagrams on until the returned end is dropped.
    fn forward(self: &Rc<Self>, forward: Forward) -> Result<oneshot::Sender<()>, NetError> {
        if forward.proto == Proto::Udp {
            return self.forward_datagrams(forward);
        }
        let listener = self.runtime.tcp_listen(forward.host, forward.listen, 128)?;
        let (stop, stopped) = oneshot::channel();
        let shell = self.clone();
        self.runtime.spawn_native(async move {
            tokio::select! {
                biased;
                _ = stopped => {}
                () = accept(&shell, &listener, forward) => {}
            }
        });
        Ok(stop)
    }

    fn forward_datagrams(
        self: &Rc<Self>,
        forward: Forward,
    ) -> Result<oneshot::Sender<()>, NetError> {
        let Forward { host, listen, .. } = forward;
        let front = self.runtime.udp_bind(host, listen, Origin::Program)?;
        let (stop, stopped) = oneshot::channel();
        let shell = self.clone();
        self.runtime.spawn_native(async move {
            tokio::select! {
                biased;
                _ = stopped => {}
                () = datagrams::relay(&shell, front, forward) => {}
            }
        });
        Ok(stop)
    }

    fn containers_now(&self) -> clock::Instant {
        self.stage.lock().present()
    }

    /// Starts a container; false when it runs already.
    fn start_docker(self: &Rc<Self>, machine: &str, reference: &str) -> Result<bool, Refusal> {
        let now = self.containers_now();
        let started = self
            .stage
            .lock()
            .world
            .start_container(now, machine, reference)?;
        let Some(started) = started else {
            return Ok(false);
        };
        let container = self.container(machine, &started.id)?;
        let id = started.id.clone();
        let outcome = self.open_ports_of(&container, &started).and_then(|stops| {
            self.engines
                .borrow_mut()
                .of_containers
                .insert(id.clone(), stops);
            self.run_container(machine, &container, &started)
        });
        let mut stage = self.stage.lock();
        match outcome {
            Ok(()) => {
                stage.world.container_started(now, machine, &id);
                Ok(true)
            }
            Err((code, refusal)) => {
                stage.world.container_failed(now, machine, &id, code);
                drop(stage);
                self.engines.borrow_mut().of_containers.remove(&id);
                Err(refusal)
            }
        }
    }

    fn container(&self, machine: &str, reference: &str) -> Result<Container, Refusal> {
        self.look(|world| match world.engine(machine) {
            Some(engine) => engine.find(reference).cloned(),
            None => Err(Refusal {
                status: 503,
                message: "no engine".into(),
            }),
        })
    }

    fn open_ports_of(
        self: &Rc<Self>,
        container: &Container,
        started: &Started,
    ) -> Result<Vec<oneshot::Sender<()>>, (Option<u8>, Refusal)> {
        let open = |forward: &Forward| {
            self.forward(*forward).map_err(|_| {
                let proto = match forward.proto {
                    Proto::Udp => "udp4",
                    _ => "tcp4",
                };
                let why = format!(
                    "Error starting userland proxy: listen {proto} {}: bind: address already in use",
                    forward.listen
                );
                (None, Engine::no_connectivity(container, &why))
            })
        };
        started.forwards.iter().map(open).collect()
    }

    fn run_container(
        self: &Rc<Self>,
        machine: &str,
        container: &Container,
        started: &Started,
    ) -> Result<(), (Option<u8>, Refusal)> {
        let pod = pod_ref(machine, container);
        let mut hosts = "127.0.0.1\tlocalhost\n".to_owned();
        if let Some(addr) = started.addr {
            writeln!(hosts, "{addr}\t{}", container.hostname()).expect("text grows");
        }
        let own_network = started.addr.is_some() && container.ask.network != "bridge";
        let resolv_conf = if own_network {
            self.serve_names(machine, &started.id, started.host);
            format!("nameserver {}\noptions ndots:0\n", DNS.ip())
        } else {
            String::new()
        };
        let mut containers = self.containers.borrow_mut();
        containers.pod_up(
            &pod,
            started.host,
            container.hostname().to_owned(),
            resolv_conf,
            hosts,
        );
        let ask = &container.ask;
        let order = StartContainer {
            pod: pod.clone(),
            container: CONTAINER.into(),
            attempt: 0,
            image: ask.image.clone(),
            // Docker's entrypoint and arguments are Kubernetes' command and args.
            command: ask.entrypoint.clone(),
            args: ask.cmd.clone(),
            env: Environment {
                own: ask.env.clone(),
                ..Environment::default()
            },
            working_dir: ask.working_dir.clone(),
            tty: ask.tty,
            stdin: ask.stdin,
            stdin_once: true,
            ..StartContainer::default()
        };
        let unix_nanos = self.unix_nanos();
        let report = containers.start(&self.runtime, &self.images, unix_nanos, order);
        if let Report::StartFailed { message, .. } = report {
            containers.pod_down(&self.runtime, &pod, |_| false);
            return Err(not_started(&message));
        }
        let attaching = self.engines.borrow_mut().attaching.remove(&container.id);
        for (stdin, who) in attaching.into_iter().flatten() {
            if let Some(running) = containers.find(&container.id, CONTAINER) {
                let _ = who.send(running.streams.attach(stdin));
            }
        }
        Ok(())
    }

    /// Docker's own DNS in a container of a network that somebody made: the containers' names.
    fn serve_names(self: &Rc<Self>, machine: &str, id: &str, host: HostId) {
        let Ok(socket) = self.runtime.udp_bind(host, DNS, Origin::Program) else {
            return;
        };
        let (stop, stopped) = oneshot::channel();
        let mut engines = self.engines.borrow_mut();
        engines
            .of_containers
            .entry(id.to_owned())
            .or_default()
            .push(stop);
        let (shell, machine, id) = (self.clone(), machine.to_owned(), id.to_owned());
        self.runtime.spawn_native(async move {
            let answer = async {
                while let Ok((from, query)) = socket.recv_from().await {
                    let names = shell.look(|world| world.container_names(&machine, &id));
                    let a = names
                        .into_iter()
                        .map(|(name, addr)| (name.to_lowercase(), vec![addr]))
                        .collect();
                    let records = vnet::dns::Records {
                        a,
                        ..vnet::dns::Records::default()
                    };
                    if let Some(reply) = vnet::dns::answer(&records, &query, Some(1232)) {
                        // A program that is gone loses its answer.
                        let _ = socket.send_to(&reply, from);
                    }
                }
            };
            tokio::select! {
                biased;
                _ = stopped => {}
                () = answer => {}
            }
        });
    }

    /// A process of a container ended, if it was one of an engine's.
    pub(super) fn docker_report(&self, report: &Report) -> bool {
        let Report::Exited { pod, code, .. } = report else {
            return false;
        };
        let Some(machine) = pod.namespace.strip_prefix(NAMESPACE) else {
            return false;
        };
        let code = u8::try_from(*code).unwrap_or(255);
        let mut stage = self.stage.lock();
        let now = stage.present();
        stage.world.container_exited(now, machine, &pod.uid, code);
        drop(stage);
        let mut containers = self.containers.borrow_mut();
        containers.pod_down(&self.runtime, pod, |pod| self.exists(pod));
        drop(containers);
        let mut engines = self.engines.borrow_mut();
        engines.of_containers.remove(&pod.uid);
        while engines.codes.len() >= CODES_MAX {
            engines.codes.pop_first();
        }
        engines.codes.insert(pod.uid.clone(), code);
        for who in engines.waiting.remove(&pod.uid).unwrap_or_default() {
            // Who has gone meanwhile does not want to know.
            let _ = who.send(code);
        }
        true
    }

    /// Whether a Pod of an engine's is still known; `None` when it is no engine's.
    pub(super) fn docker_exists(&self, pod: &PodRef) -> Option<bool> {
        let machine = pod.namespace.strip_prefix(NAMESPACE)?;
        Some(self.container(machine, &pod.uid).is_ok())
    }

    /// The end of a container that runs, or how it ended.
    fn docker_end(&self, container: &Container) -> oneshot::Receiver<u8> {
        let (who, end) = oneshot::channel();
        let mut engines = self.engines.borrow_mut();
        let over = engines
            .codes
            .get(&container.id)
            .copied()
            .filter(|_| !container.is_running());
        match over {
            Some(code) => {
                let _ = who.send(code);
            }
            None => engines
                .waiting
                .entry(container.id.clone())
                .or_default()
                .push(who),
        }
        end
    }

    fn docker_signal(&self, machine: &str, container: &Container, signal: u8) {
        let pod = pod_ref(machine, container);
        self.containers
            .borrow()
            .signal(&self.runtime, &pod, CONTAINER, 0, signal);
    }

    /// Asks a container to end and, after the grace, ends it.
    async fn stop_docker(&self, machine: &str, container: &Container, grace: Duration) {
        let end = self.docker_end(container);
        self.docker_signal(machine, container, 15);
        tokio::pin!(end);
        tokio::select! {
            biased;
            _ = &mut end => return,
            () = self.runtime.sleep(grace) => {}
        }
        self.docker_signal(machine, container, 9);
        let _ = end.await;
    }

    /// A container's log, which it keeps while it exists.
    fn docker_log(&self, container: &Container, options: LogOptions) -> Option<LogReader> {
        let containers = self.containers.borrow();
        containers.log(
            &container.id,
            CONTAINER,
            false,
            self.containers_now(),
            options,
        )
    }

    /// The streams of a container, now or when it starts.
    fn docker_attach(&self, container: &Container, stdin: bool) -> oneshot::Receiver<Ends> {
        let (who, ends) = oneshot::channel();
        let containers = self.containers.borrow();
        match containers.find(&container.id, CONTAINER) {
            Some(running) => {
                let _ = who.send(running.streams.attach(stdin));
            }
            None => {
                let mut engines = self.engines.borrow_mut();
                engines
                    .attaching
                    .entry(container.id.clone())
                    .or_default()
                    .push((stdin, who));
            }
        }
        ends
    }
}

async fn accept(shell: &Rc<Shell>, listener: &TcpListener, forward: Forward) {
    while let Ok(stream) = listener.accept().await {
        let runtime = shell.runtime.clone();
        let inside = shell.clone();
        runtime.spawn_native(async move {
            let from = SocketAddrV4::new(forward.from, 0);
            let connected =
                NetStream::connect_from(&inside.runtime, forward.host, from, forward.to).await;
            // A refused or broken connection closes the client's, which is all that TCP can say.
            if let Ok(mut inner) = connected {
                let _ =
                    tokio::io::copy_bidirectional(&mut NetStream::from(stream), &mut inner).await;
            }
        });
    }
}

/// dockerd's words for a program that did not start, and the code that `docker run` gives.
fn not_started(message: &str) -> (Option<u8>, Refusal) {
    let code = if message.contains("not found") || message.contains("no such file") {
        127
    } else {
        126
    };
    let words = message.replace(
        "failed to create containerd task",
        "failed to create task for container",
    );
    (
        Some(code),
        Refusal {
            status: 400,
            message: format!("{words}: unknown"),
        },
    )
}
