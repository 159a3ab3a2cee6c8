//! Runs what must run: reads the log, wakes controllers and kubelets, applies what they want.
//!
//! One settle goes on until nobody wants anything more at this instant, or until its budget is
//! spent; then it names the key that spins and lets time pass. Never decides anything itself.

use super::recorder::Recorder;
use super::write::Write;
use super::{Context, Controller, Index};
use super::{
    aggregation, autoscale, cronjob, daemonset, deployment, disruption, endpoints, endpointslice,
    eviction, gc, ingress, ipaddress, job, leases, loadbalancer, mirror, namespace, node, podgc,
    quota, replicaset, service, statefulset, volume,
};
use crate::Config;
use crate::kubelet::{Command, Kubelets, Report};
use crate::queue::WorkQueue;
use crate::registry::{Deletion, Registry};
use crate::scheduler::Scheduler;
use crate::store::{Key, Store, StoreError};
use clock::{Duration, Instant, Seed};
use std::collections::{BTreeMap, VecDeque};

/// How many reconciles one settle may run before it is called a spin.
const BUDGET: usize = 50_000;
/// How long a spinning manager waits before it tries again.
const SPIN_PAUSE: Duration = Duration::from_secs(1);

/// No pace is longer than this.
const LONGEST_PACE: Duration = Duration::from_secs(5);

/// A key of one of the controllers.
type Work = (usize, Key);

/// Everything that reconciles: the controllers, the scheduler and the kubelets.
#[derive(Debug)]
pub struct Manager {
    controllers: Vec<Box<dyn Controller>>,
    queue: WorkQueue<Work>,
    /// When keys of paced controllers were last looked at, and the same in the order of time.
    looked: BTreeMap<Work, Instant>,
    looks: VecDeque<(Instant, Work)>,
    index: Index,
    recorder: Recorder,
    kubelets: Kubelets,
    cursor: u64,
    epoch: i64,
    budget: usize,
    spin: Option<(Instant, String)>,
}

impl Manager {
    /// The controllers, the scheduler and one kubelet for each node of the configuration.
    #[must_use]
    pub fn new(seed: Seed, config: &Config) -> Self {
        let mut controllers: Vec<Box<dyn Controller>> = vec![
            Box::new(deployment::Deployments),
            Box::new(replicaset::Replicas::SETS),
            Box::new(replicaset::Replicas::CONTROLLERS),
            Box::new(statefulset::StatefulSets),
            Box::new(daemonset::DaemonSets),
            Box::new(job::Jobs),
            Box::new(cronjob::CronJobs),
            Box::new(disruption::Disruption),
            Box::new(autoscale::Autoscalers),
            Box::new(Scheduler::new(seed)),
            Box::new(endpointslice::EndpointSlices),
            Box::new(endpoints::Endpoints),
            Box::new(mirror::Mirror),
            Box::new(service::Kubernetes::new(config)),
            Box::new(ipaddress::IpAddresses),
            Box::new(node::NodeLifecycle),
            Box::new(leases::Leases),
            Box::new(eviction::TaintEviction),
            Box::new(podgc::PodGc),
            Box::new(ingress::Ingresses),
            Box::new(quota::Quotas),
            Box::new(aggregation::Aggregation),
            Box::new(volume::Volumes),
            Box::new(namespace::Namespaces),
            Box::new(gc::GarbageCollector),
        ];
        if let Some(pool) = config.load_balancers {
            let balancers = loadbalancer::LoadBalancers::new(pool);
            controllers.push(Box::new(balancers.named(config.load_balancer_names)));
        }
        Self {
            controllers,
            queue: WorkQueue::new(config.shuffle.then(|| seed.stream("controllers"))),
            looked: BTreeMap::new(),
            looks: VecDeque::new(),
            index: Index::default(),
            recorder: Recorder::default(),
            kubelets: Kubelets::new(seed, config),
            cursor: 0,
            epoch: config.epoch,
            budget: BUDGET,
            spin: None,
        }
    }

    /// Lets everybody act on what was written and on what is due, until nothing more happens at `now`.
    pub fn settle(&mut self, store: &mut Store, registry: &mut Registry, now: Instant) {
        self.spin = None;
        let mut ran: BTreeMap<Work, usize> = BTreeMap::new();
        let mut total = 0;
        loop {
            self.read_log(store, now);
            if let Some(work) = self.queue.pop(now) {
                self.run(store, registry, now, &work);
                *ran.entry(work).or_default() += 1;
                total += 1;
                if total >= self.budget {
                    self.spin = Some((now + SPIN_PAUSE, self.busiest(&ran)));
                    return;
                }
                continue;
            }
            let writes = self.kubelets.poll_writes(store, now);
            if writes.is_empty() && self.cursor == store.revision() {
                return;
            }
            for write in writes {
                self.apply(store, registry, now, write, None);
            }
        }
    }

    /// When [`Manager::settle`] wants to be called again.
    #[must_use]
    pub fn poll_at(&self, now: Instant) -> Option<Instant> {
        let queue = match &self.spin {
            Some((at, _)) => Some(*at),
            None => self.queue.poll_at(now),
        };
        [queue, self.kubelets.poll_at()].into_iter().flatten().min()
    }

    /// The key that kept the last settle busy beyond its budget, with its controller.
    #[must_use]
    pub fn spinning(&self) -> Option<&str> {
        self.spin.as_ref().map(|(_, name)| name.as_str())
    }

    /// From now on kubelets hand out tokens of this issuer.
    pub(crate) fn sign_with(&mut self, issuer: crate::api::Issuer) {
        self.kubelets.sign_with(issuer);
    }

    /// Something happened on a machine. Call [`Manager::settle`] afterwards.
    pub fn handle_report(&mut self, store: &Store, now: Instant, report: Report) {
        self.kubelets.handle_report(store, now, report);
    }

    /// What a machine must do now.
    pub fn poll_command(&mut self) -> Option<Command> {
        self.kubelets.poll_command()
    }

    /// A node loses or regains its power. Call [`Manager::settle`] afterwards.
    pub fn set_node_power(&mut self, store: &Store, now: Instant, node: &str, on: bool) {
        self.kubelets.set_power(store, now, node, on);
    }

    /// A node's kubelet is cut off from the API server, or reaches it again. Call
    /// [`Manager::settle`] afterwards.
    pub fn set_node_online(&mut self, store: &Store, now: Instant, node: &str, online: bool) {
        self.kubelets.set_online(store, now, node, online);
    }

    /// Takes an image from the registry, or puts it back; whether it was ever there.
    pub fn set_image_missing(&mut self, image: &str, missing: bool) -> bool {
        self.kubelets.set_image_missing(image, missing)
    }

    /// The kubelets, to look at.
    #[must_use]
    pub fn kubelets(&self) -> &Kubelets {
        &self.kubelets
    }

    fn busiest(&self, ran: &BTreeMap<Work, usize>) -> String {
        let most = ran.iter().max_by_key(|(_, count)| **count);
        most.map_or_else(String::new, |((controller, key), count)| {
            let name = self.controllers[*controller].name();
            format!(
                "{name} {}/{}/{} ({count} times)",
                key.kind, key.namespace, key.name
            )
        })
    }

    fn read_log(&mut self, store: &Store, now: Instant) {
        if self.cursor == store.revision() {
            return;
        }
        let Ok(events) = store.events_since(self.cursor) else {
            self.resync(store);
            return;
        };
        for event in events {
            self.index.note(event);
            // Nobody acts on what others say, except that a namespace waits until it is forgotten.
            if event.kind == "events" && event.op != crate::store::Op::Deleted {
                continue;
            }
            self.kubelets.observe(event);
            for (at, controller) in self.controllers.iter().enumerate() {
                for key in controller.wakes(event, store, &self.index) {
                    let work = (at, key);
                    match self
                        .looked
                        .get(&work)
                        .map(|last| *last + controller.pace(store))
                    {
                        Some(next) if next > now => self.queue.add_at(next, work),
                        _ => self.queue.add(work),
                    }
                }
            }
        }
        self.cursor = store.revision();
    }

    /// The log no longer reaches back: look at everything as if it were new.
    fn resync(&mut self, store: &Store) {
        self.index.rebuild(
            store,
            crate::kind::KINDS
                .iter()
                .map(|kind| kind.names().qualified()),
        );
        let keys: Vec<Key> = self.index.all().cloned().collect();
        for key in keys {
            let Some(object) = store.get_key(&key) else {
                continue;
            };
            let event = crate::store::Event {
                rev: store.revision(),
                kind: key.kind,
                op: crate::store::Op::Added,
                object: object.clone(),
                previous: None,
            };
            self.kubelets.observe(&event);
            for (at, controller) in self.controllers.iter().enumerate() {
                for key in controller.wakes(&event, store, &self.index) {
                    self.queue.add((at, key));
                }
            }
        }
        self.kubelets.forget_missing(store);
        self.cursor = store.revision();
    }

    fn run(&mut self, store: &mut Store, registry: &mut Registry, now: Instant, work: &Work) {
        let context = Context {
            now,
            epoch: self.epoch,
            index: &self.index,
        };
        let writes = self.controllers[work.0].reconcile(store, &work.1, &context);
        if !self.controllers[work.0].pace(store).is_zero() {
            self.remember_look(work, now);
        }
        let mut failed = false;
        for write in writes {
            failed |= !self.apply(store, registry, now, write, Some(work));
        }
        if failed {
            self.queue.add_failed(now, work.clone());
        } else {
            self.queue.forget(work);
        }
    }

    /// Remembers that a key was looked at, and forgets what is too long ago for any pace.
    fn remember_look(&mut self, work: &Work, now: Instant) {
        while let Some((at, _)) = self.looks.front()
            && *at + LONGEST_PACE <= now
        {
            let Some((at, old)) = self.looks.pop_front() else {
                break;
            };
            if self.looked.get(&old) == Some(&at) {
                self.looked.remove(&old);
            }
        }
        if self.looked.insert(work.clone(), now) != Some(now) {
            self.looks.push_back((now, work.clone()));
        }
    }

    /// Carries out one wish; whether it could be.
    fn apply(
        &mut self,
        store: &mut Store,
        registry: &mut Registry,
        now: Instant,
        write: Write,
        work: Option<&Work>,
    ) -> bool {
        match write {
            Write::Create { value, .. } if closed(store, super::meta::namespace(&value)) => true,
            Write::Create {
                kind,
                value,
                announce,
            } => {
                let made = match kind {
                    "pods" => crate::api::create_pod(store, registry, now, value),
                    _ => registry
                        .create(store, now, kind, value)
                        .map_err(|_| String::new()),
                };
                let done = made.is_ok();
                if let Some(note) = announce {
                    let note = match made {
                        Ok(object) => note.of_new(crate::store::name_of(&object)),
                        Err(why) if why.is_empty() => return false,
                        Err(why) => note.of_refused(&why),
                    };
                    self.recorder.record(store, registry, now, &note);
                }
                done
            }
            Write::Update { kind, mut value } => {
                unversioned(&mut value);
                accepted(registry.update(store, kind, value))
            }
            Write::UpdateStatus { kind, mut value } => {
                unversioned(&mut value);
                accepted(registry.update_status(store, kind, &value))
            }
            Write::Bind { key, node } => bind(store, registry, now, &key, &node),
            Write::Delete {
                key,
                uid,
                grace_seconds,
                announce,
            } => {
                let current = store.get_key(&key);
                if current.is_none_or(|object| !uid.is_empty() && super::meta::uid(object) != uid) {
                    return true;
                }
                let deletion = Deletion {
                    grace_seconds,
                    ..Deletion::default()
                };
                let deleted = registry
                    .delete(store, now, key.kind, &key.namespace, &key.name, deletion)
                    .is_ok();
                if let Some(note) = announce.filter(|_| deleted) {
                    self.recorder.record(store, registry, now, &note);
                }
                deleted
            }
            Write::Record(note) => {
                self.recorder.record(store, registry, now, &note);
                true
            }
            Write::RequeueAfter(delay) => {
                if let Some(work) = work {
                    self.queue.add_at(now + delay, work.clone());
                }
                true
            }
        }
    }
}

/// Nobody else writes between a controller's look and its writes, but an earlier write of the same
/// reconcile may have changed the same object.
fn unversioned(value: &mut serde_json::Value) {
    if let Some(metadata) = value["metadata"].as_object_mut() {
        metadata.remove("resourceVersion");
    }
}

/// A vanished object needs no retry: its deletion wakes whoever cares.
fn accepted<T>(result: Result<T, StoreError>) -> bool {
    matches!(result, Ok(_) | Err(StoreError::NotFound))
}

/// Whether nothing may be made in this namespace, because it goes or is not there.
pub(super) fn closed(store: &Store, namespace: &str) -> bool {
    !namespace.is_empty()
        && store
            .get("namespaces", "", namespace)
            .is_none_or(|space| super::meta::deleting(space))
}

/// The binding subresource: a node's name and the condition, without a new generation.
fn bind(store: &mut Store, registry: &Registry, now: Instant, key: &Key, node: &str) -> bool {
    let Some(pod) = store.get_key(key) else {
        return true;
    };
    if !super::meta::text(&pod["spec"]["nodeName"]).is_empty() {
        return true;
    }
    let mut pod = (**pod).clone();
    pod["spec"]["nodeName"] = node.into();
    if let Some(status) = pod["status"].as_object_mut() {
        status.remove("nominatedNodeName");
    }
    let condition = crate::scheduler::scheduled(&pod, &registry.time(now));
    crate::kubelet::put_condition(&mut pod, condition);
    accepted(store.update(key.kind, pod))
}
