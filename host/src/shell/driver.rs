//! The one loop: let programs run, let the world follow, carry out what it asks, and only then
//! let time pass.
//!
//! Never reports silence after it has done work, and never decides anything.

use super::containers::Containers;
use super::images::{Component, Images};
use super::places::Machines;
use super::stage::{Stage, Wall};
use super::{Plane, probes, remote};
use crate::apiserver::{self, Keys};
use anyhow::{Context as _, Result};
use clock::Instant;
use cluster::kubelet::PodRef;
use cluster::{Request, Response};
use parking_lot::Mutex;
use runtime::{Event, Handle, Ran, Runtime};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;
use world::{Input, Output, SiteId, World, WorldSpec};

/// Slices that programs may take before the world is looked after, a fortieth of a second at most.
const SLICES_MAX: usize = 256;
/// How often the world is looked after before whoever drives the shell may look around: a program
/// that spins leaves time for visitors, limits and Ctrl-C.
const ROUNDS_MAX: u32 = 16;

/// One world with everything that runs in it.
#[derive(Debug)]
pub(crate) struct Shell {
    pub(super) stage: Arc<Mutex<Stage>>,
    pub(super) runtime: Handle,
    executor: RefCell<Runtime>,
    pub(super) images: Images,
    pub(super) containers: RefCell<Containers>,
    pub(super) machines: RefCell<Machines>,
    pub(super) engines: RefCell<super::docker::Engines>,
    watchers: RefCell<Vec<Waker>>,
    told_revision: Cell<u64>,
    epoch: i64,
    /// Those of each cluster.
    keys: Vec<Keys>,
}

impl Shell {
    /// Builds the world of `spec`, with its machines running and its API server listening.
    ///
    /// # Errors
    /// When a program does not load: a built-in one, or one that a lesson brings.
    pub(crate) fn new(spec: WorldSpec, brought: &[Component]) -> Result<Rc<Self>> {
        let sites = spec.platform.sites.iter().enumerate();
        let keys = sites.map(|(index, _)| Keys::of_seed(spec.seed, spec.epoch, index));
        let keys = keys.collect();
        Self::with_keys(spec, brought, keys)
    }

    /// The same with keys that were made elsewhere, for each of the platform's clusters.
    ///
    /// # Errors
    /// As [`Shell::new`].
    pub(crate) fn with_keys(
        mut spec: WorldSpec,
        brought: &[Component],
        keys: Vec<Keys>,
    ) -> Result<Rc<Self>> {
        let mut authorities = keys.iter().map(Keys::authority_pem);
        spec.root_ca = authorities.next().context("a world has a cluster")?;
        spec.more_root_cas = authorities.collect();
        let start = Instant::ZERO;
        let unix_nanos = u64::try_from(spec.epoch).unwrap_or(0) * 1_000_000_000;
        // The runtime wants the network and the world wants to know the images, so the images
        // are described first and laid out when the runtime is there.
        spec.images = Images::inventory(brought);
        let stage = Arc::new(Mutex::new(Stage::new(World::new(start, &spec), start)));
        let epoch_secs = u64::try_from(spec.epoch).unwrap_or(0);
        let executor = Runtime::new(spec.seed.derive("programs"), stage.clone(), epoch_secs)
            .map_err(|cause| anyhow::anyhow!("the program engine does not start: {cause:#}"))?;
        let runtime = executor.handle();
        let images = Images::load(&runtime, unix_nanos, brought)?;
        let shell = Rc::new(Self {
            stage,
            runtime,
            executor: RefCell::new(executor),
            images,
            containers: RefCell::default(),
            machines: RefCell::default(),
            engines: RefCell::default(),
            watchers: RefCell::default(),
            told_revision: Cell::new(0),
            epoch: spec.epoch,
            keys,
        });
        Machines::boot(&shell)?;
        for site in shell.look(World::sites) {
            apiserver::listen(&Plane::new(shell.clone(), site))?;
        }
        shell.boot_engines()?;
        Ok(shell)
    }

    /// The present.
    pub(crate) fn now(&self) -> Instant {
        self.stage.lock().present()
    }

    /// What a cluster's API server is known by.
    pub(crate) fn keys_of(&self, site: SiteId) -> &Keys {
        &self.keys[site.index()]
    }

    /// From now on tokens of ServiceAccounts are signed with a key made from these bytes.
    pub(crate) fn sign_tokens_with(&self, secret: [u8; 32]) {
        self.stage.lock().world.sign_tokens_with(secret);
    }

    /// Unix seconds when virtual time began.
    pub(crate) fn epoch(&self) -> i64 {
        self.epoch
    }

    /// The programs' side.
    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Looks at the world.
    pub(crate) fn look<R>(&self, look: impl FnOnce(&World) -> R) -> R {
        look(&self.stage.lock().world)
    }

    /// Gives the world an input.
    pub(crate) fn handle(&self, input: Input) {
        let mut stage = self.stage.lock();
        let now = stage.present();
        stage.world.handle(now, input);
    }

    /// Changes the world at this moment.
    pub(crate) fn change<R>(&self, change: impl FnOnce(&mut World, Instant) -> R) -> R {
        let mut stage = self.stage.lock();
        let now = stage.present();
        change(&mut stage.world, now)
    }

    /// When something is due next; `None` is silence for ever.
    pub(crate) fn poll_at(&self) -> Option<Instant> {
        let world = self.stage.lock().world.poll_at();
        [world, self.executor.borrow().poll_at()]
            .into_iter()
            .flatten()
            .min()
    }

    /// Starts the host's clock beside the world; both show the same from now on.
    pub(crate) fn live(&self) -> Wall {
        let mut stage = self.stage.lock();
        let wall = Wall::starting_at(stage.present());
        stage.live_beside(wall);
        wall
    }

    /// The present is now `at`.
    pub(crate) fn jump(&self, at: Instant) {
        self.stage.lock().jump(at);
    }

    /// Ends everything that runs in it. What is under way holds the shell and the shell holds what
    /// is under way: without this, nobody's going frees a world.
    pub(crate) fn end(&self) {
        self.executor.borrow_mut().end();
    }

    /// Does what can be done without waiting, or a good part of it, and says whether there was
    /// anything: call it again until there is not.
    pub(crate) fn turn(self: &Rc<Self>) -> bool {
        let mut any = false;
        for _ in 0..ROUNDS_MAX {
            let mut busy = self.follow();
            let due = self.stage.lock().world.poll_at();
            busy |= self.executor.borrow_mut().run(due, SLICES_MAX) != Ran::Idle;
            busy |= self.carry_out();
            busy |= self.collect();
            busy |= self.wake_watchers();
            if !busy {
                return any;
            }
            any = true;
        }
        any
    }

    /// Lets the world do what is due.
    fn follow(&self) -> bool {
        let mut stage = self.stage.lock();
        let now = stage.present();
        if stage.world.poll_at().is_none_or(|at| at > now) && !stage.world.has_mail() {
            return false;
        }
        stage.world.advance(now);
        true
    }

    /// Carries out what the world asks.
    fn carry_out(self: &Rc<Self>) -> bool {
        let mut any = false;
        loop {
            let output = self.stage.lock().world.poll_output();
            let Some(output) = output else { return any };
            any = true;
            self.carry_out_one(output);
        }
    }

    fn carry_out_one(self: &Rc<Self>, output: Output) {
        match output {
            Output::PodUp {
                pod,
                host,
                hostname,
                resolv_conf,
                hosts,
            } => {
                self.containers
                    .borrow_mut()
                    .pod_up(&pod, host, hostname, resolv_conf, hosts);
            }
            Output::PodDown { pod } => {
                let mut containers = self.containers.borrow_mut();
                containers.pod_down(&self.runtime, &pod, |pod| self.exists(pod));
            }
            Output::Start(order) => {
                let unix_nanos = self.unix_nanos();
                let report = self.containers.borrow_mut().start(
                    &self.runtime,
                    &self.images,
                    unix_nanos,
                    order,
                );
                self.handle(Input::Report(report));
            }
            Output::Signal {
                pod,
                container,
                attempt,
                signal,
            } => {
                self.containers
                    .borrow()
                    .signal(&self.runtime, &pod, &container, attempt, signal);
            }
            Output::Probe {
                id,
                from,
                pod,
                container,
                probe,
                timeout,
            } => {
                let shell = self.clone();
                self.runtime.spawn_native(async move {
                    let outcome =
                        probes::probe(&shell, from, &pod, &container, probe, timeout).await;
                    shell.handle(Input::Report(cluster::kubelet::Report::Probe {
                        id,
                        outcome,
                    }));
                });
            }
            Output::UpdateFiles(update) => {
                // A volume without room shows what it showed; the kubelet comes again.
                let _ = self.containers.borrow().update(&update);
            }
            Output::SetLimits {
                pod,
                container,
                attempt,
                memory,
                cpu_millis,
            } => {
                let whose = (&pod, container.as_str(), attempt);
                let containers = self.containers.borrow();
                containers.limit(&self.runtime, whose, memory, cpu_millis);
            }
            Output::DropVolume { key } => self.containers.borrow_mut().drop_volume(&key),
            Output::Forwards => self.open_forwards(),
            Output::NodeUp { node } => self.boot_node(&node),
            Output::NodeDown { node } => self.machines.borrow_mut().lose(&self.runtime, &node),
        }
    }

    /// A node boots, and with it the API server that is on it.
    fn boot_node(self: &Rc<Self>, node: &str) {
        Machines::boot_node(self, node);
        for site in self.look(World::sites) {
            if self.look(|world| world.node(node) == Some(world.control_plane_of(site))) {
                // One that never went off listens still.
                let _ = apiserver::listen(&Plane::new(self.clone(), site));
            }
        }
    }

    pub(crate) fn unix_nanos(&self) -> u64 {
        u64::try_from(self.epoch).unwrap_or(0) * 1_000_000_000 + self.now().as_nanos()
    }

    /// Learns which processes have ended.
    fn collect(&self) -> bool {
        let mut any = false;
        while let Some(Event::Exited { process, exit, oom }) = self.runtime.poll_event() {
            any = true;
            let code = if oom { 137 } else { i32::from(exit.status()) };
            let report = self.containers.borrow_mut().ended(process, code, oom);
            if let Some(report) = report
                && !self.docker_report(&report)
            {
                self.handle(Input::Report(report));
            }
        }
        any
    }

    /// Wakes those who follow the store, if it has moved.
    fn wake_watchers(&self) -> bool {
        let revision = self.look(World::revision);
        let moved = self.told_revision.replace(revision) != revision;
        if moved {
            for waker in self.watchers.borrow_mut().drain(..) {
                waker.wake();
            }
        }
        moved
    }
}

/// What `plane.rs` says for each cluster.
impl Shell {
    /// Answers a request to the first cluster's API server.
    pub(crate) fn api(&self, request: Request) -> Response {
        let mut stage = self.stage.lock();
        let now = stage.present();
        stage.world.api(now, request)
    }

    /// Wakes this task when any cluster's objects have changed.
    pub(super) fn wake_when_written(&self, waker: &Waker) {
        self.watchers.borrow_mut().push(waker.clone());
    }

    /// Whether a Pod of any cluster, or a container of an engine, still has its object.
    pub(super) fn exists(&self, pod: &PodRef) -> bool {
        self.docker_exists(pod).unwrap_or_else(|| {
            self.look(|world| {
                world.sites().any(|site| {
                    let store = world.cluster_of(site).store();
                    let object = store.get("pods", &pod.namespace, &pod.name);
                    object.is_some_and(|object| object["metadata"]["uid"] == *pod.uid)
                })
            })
        })
    }

    /// Lets a node take commands from `ssh`.
    pub(super) fn serve_remote(self: &Rc<Self>, node: &str, host: vnet::HostId) {
        remote::serve(self, node, host);
    }
}
