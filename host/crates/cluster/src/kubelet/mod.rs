//! The kubelets: each makes its node's pods real, tells how they are, and says that the node lives.
//!
//! Objects and reports come in, commands and writes go out. Timers fall on a grid of ten
//! milliseconds, so that a thousand pods cost a hundred looks. Never starts a program: whoever
//! polls the commands does. Start reading at [`Kubelets`], then `pod`.

mod command;
mod container;
mod env;
mod image;
mod links;
mod network;
mod node;
mod partition;
mod pod;
mod probe;
mod status;
mod token;
mod volume;

pub use command::{
    Command, Environment, FileContent, FilesUpdate, LastWords, Mount, PodRef, ProbeKind, Report,
    SandboxOrder, StartContainer,
};
pub use links::Links;

use crate::api::Issuer;
use crate::controller::meta::{deleting, pod_finished, text, uid};
use crate::controller::{Note, Write};
use crate::ipam::PodRange;
use crate::store::{Event, Key, Object, Op, Store};
use crate::{Config, NodeSpec};
use clock::{Duration, Instant, Seed, Stream};
use network::ClusterDns;
use pod::{Ending, Machine, Questions, Turn};
use rand::RngExt;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::Ipv4Addr;

/// How long a machine takes from power to a running kubelet.
const BOOT: Duration = Duration::from_secs(5);

/// All kubelets of a cluster.
#[derive(Debug)]
pub struct Kubelets {
    nodes: BTreeMap<String, Kubelet>,
    /// The node of every pod that some kubelet looks after, by the pod's uid.
    node_of: BTreeMap<String, String>,
    known: image::Registry,
    dns: ClusterDns,
    issuer: Issuer,
    draw: Stream,
    questions: Questions,
    /// The variables of Services.
    links: links::ServiceLinks,
    /// Who mounts which ConfigMaps and Secrets.
    readers: Readers,
    /// Pods whose volumes may hold something else now, by uid, and how soon that is noticed.
    stale: BTreeMap<String, Notice>,
    rounds: Stream,
    commands: VecDeque<Command>,
    notes: Vec<Note>,
    touched: BTreeSet<String>,
    /// Pods that have just been bound and have no machine yet, by uid.
    arrived: BTreeMap<String, Object>,
    timers: BTreeSet<(Instant, String)>,
    due_of: BTreeMap<String, Instant>,
    dirty: BTreeSet<String>,
    flush_at: Option<Instant>,
    seed: Seed,
    epoch: i64,
}

/// One node's kubelet.
#[derive(Debug)]
struct Kubelet {
    spec: NodeSpec,
    /// When it starts, if it has power but does not run yet.
    boot_at: Option<Instant>,
    running: bool,
    /// Cut off from the API server: what it knows grows old, and nobody hears from it.
    offline: bool,
    boots: u32,
    next_lease: Instant,
    next_status: Instant,
    local: image::Local,
    range: PodRange,
    machines: BTreeMap<String, Machine>,
}

impl Kubelets {
    /// One kubelet for each node; all start at once.
    #[must_use]
    pub fn new(seed: Seed, config: &Config) -> Self {
        let kubelet = |spec: &NodeSpec| Kubelet {
            spec: spec.clone(),
            boot_at: Some(Instant::ZERO),
            running: false,
            offline: false,
            boots: 0,
            next_lease: Instant::ZERO,
            next_status: Instant::ZERO,
            local: image::Local::default(),
            range: PodRange::new(spec.pod_cidr.0, spec.pod_cidr.1),
            machines: BTreeMap::new(),
        };
        let server = Ipv4Addr::from(u32::from(config.service_cidr.0) + 10);
        Self {
            nodes: config
                .nodes
                .iter()
                .map(|spec| (spec.name.clone(), kubelet(spec)))
                .collect(),
            node_of: BTreeMap::new(),
            known: image::Registry::new(&config.images),
            dns: ClusterDns {
                server,
                domain: crate::dns::DOMAIN,
            },
            issuer: Issuer::of_seed(seed),
            draw: seed.stream("kubelet"),
            questions: Questions::default(),
            links: links::ServiceLinks::default(),
            readers: Readers::default(),
            stale: BTreeMap::new(),
            rounds: seed.stream("kubelet rounds"),
            commands: VecDeque::new(),
            notes: Vec::new(),
            touched: BTreeSet::new(),
            arrived: BTreeMap::new(),
            timers: BTreeSet::new(),
            due_of: BTreeMap::new(),
            dirty: BTreeSet::new(),
            flush_at: None,
            seed: seed.derive("nodes"),
            epoch: config.epoch,
        }
    }

    /// From now on pods get tokens of this issuer.
    pub(crate) fn sign_with(&mut self, issuer: Issuer) {
        self.issuer = issuer;
    }

    /// When [`Kubelets::poll_writes`] wants to be called again.
    #[must_use]
    pub fn poll_at(&self) -> Option<Instant> {
        let nodes = self.nodes.values().flat_map(|node| {
            let beats = [node.next_lease, node.next_status]
                .into_iter()
                .filter(|_| node.running);
            node.boot_at.into_iter().chain(beats)
        });
        let timer = self.timers.first().map(|(at, _)| *at);
        nodes.chain(timer).chain(self.flush_at).min()
    }

    /// What a machine must do now.
    pub fn poll_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// How many pods the kubelets look after.
    #[must_use]
    pub fn pods(&self) -> usize {
        self.node_of.len()
    }

    /// Takes note of a write to an object.
    pub(crate) fn observe(&mut self, event: &Event) {
        match event.kind {
            "pods" => self.hear_of(&event.object, event.op == Op::Deleted),
            "configmaps" | "secrets" => self.observe_source(event),
            "services" => self.links.observe(event),
            "persistentvolumes" if event.op == Op::Deleted => self.drop_volume(&event.object),
            _ => {}
        }
    }

    /// A ConfigMap or a Secret changed: those who mount it see it in their kubelet's next round.
    fn observe_source(&mut self, event: &Event) {
        let object = &event.object;
        let before = event.previous.as_ref();
        if before.is_some_and(|old| event.op != Op::Deleted && same_content(old, object)) {
            return;
        }
        let key = Key::of(event.kind, object);
        let frozen = event.op == Op::Deleted && object["immutable"] == true;
        for id in self.readers.of(&key) {
            if frozen
                && let Some(kubelet) = self.node_of.get(id).and_then(|n| self.nodes.get_mut(n))
                && let Some(machine) = kubelet.machines.get_mut(id)
            {
                machine.frozen.insert((key.kind, key.name.clone()));
            }
            self.stale.entry(id.clone()).or_insert(Notice::NextRound);
        }
    }

    /// The directory of a deleted volume goes with it, if it was made for it.
    fn drop_volume(&mut self, volume: &Value) {
        let annotations = &volume["metadata"]["annotations"];
        if annotations["pv.kubernetes.io/provisioned-by"] != crate::controller::volume::PROVISIONER
            || volume["spec"]["persistentVolumeReclaimPolicy"] != "Delete"
        {
            return;
        }
        let node = crate::controller::volume::node_of(volume);
        if let Some(key) = volume::key_of(node, volume) {
            self.commands.push_back(Command::DropVolume { key });
        }
    }

    /// The kubelet of a Pod's node learns how the object is now.
    fn hear_of(&mut self, pod: &Object, deleted: bool) {
        let Some(kubelet) = self.nodes.get_mut(text(&pod["spec"]["nodeName"])) else {
            return;
        };
        if !kubelet.running || kubelet.offline {
            return;
        }
        let id = uid(pod);
        match kubelet.machines.get_mut(id) {
            Some(machine) => {
                let old = std::mem::replace(&mut machine.pod, Object::clone(pod));
                let told = ["labels", "annotations"];
                if told
                    .iter()
                    .any(|field| old["metadata"][*field] != pod["metadata"][*field])
                {
                    self.stale.insert(id.to_owned(), Notice::Soon);
                }
                let same = old["spec"] == pod["spec"]
                    && old["metadata"]["deletionGracePeriodSeconds"]
                        == pod["metadata"]["deletionGracePeriodSeconds"]
                    && !deleted;
                if same {
                    return;
                }
            }
            None if deleted || (pod_finished(pod) && !deleting(pod)) => return,
            None => {
                self.node_of
                    .insert(id.to_owned(), kubelet.spec.name.clone());
                self.arrived.insert(id.to_owned(), Object::clone(pod));
            }
        }
        self.touched.insert(id.to_owned());
    }

    /// Stops looking after pods that the store no longer has, after a gap in the log.
    pub(crate) fn forget_missing(&mut self, store: &Store) {
        let known: BTreeSet<&str> = store.list("pods", None).map(|pod| uid(pod)).collect();
        let missing = self
            .node_of
            .keys()
            .filter(|id| !known.contains(id.as_str()));
        self.touched.extend(missing.cloned());
    }

    /// A node loses or regains its power.
    pub(crate) fn set_power(&mut self, _store: &Store, now: Instant, node: &str, on: bool) {
        let Some(kubelet) = self.nodes.get_mut(node) else {
            return;
        };
        if on {
            if !kubelet.running && kubelet.boot_at.is_none() {
                kubelet.boots += 1;
                kubelet.boot_at = Some(now + BOOT);
            }
            return;
        }
        kubelet.running = false;
        kubelet.boot_at = None;
        kubelet.range.clear();
        let lost: Vec<String> = std::mem::take(&mut kubelet.machines).into_keys().collect();
        for id in &lost {
            self.readers.remove(id);
            self.node_of.remove(id);
            self.touched.remove(id);
            self.dirty.remove(id);
            self.set_timer(id, None);
        }
        self.arrived
            .retain(|_, pod| pod["spec"]["nodeName"] != node);
        self.node_of.retain(|_, other| other != node);
        self.questions.open.retain(|_, owner| !lost.contains(owner));
        // Nobody is there to carry these out.
        self.commands
            .retain(|command| pod_of(command).is_none_or(|pod| !lost.contains(&pod.uid)));
    }

    /// Takes an image from the registry, or puts it back; whether it was ever there.
    pub(crate) fn set_image_missing(&mut self, image: &str, missing: bool) -> bool {
        self.known.set_missing(image, missing)
    }

    /// Something happened on a machine.
    pub(crate) fn handle_report(&mut self, store: &Store, now: Instant, report: Report) {
        let id = match &report {
            Report::SandboxReady { pod }
            | Report::SandboxStopped { pod }
            | Report::Started { pod, .. }
            | Report::StartFailed { pod, .. }
            | Report::Exited { pod, .. } => pod.uid.clone(),
            Report::Probe { id, .. } => match self.questions.open.remove(id) {
                Some(uid) => uid,
                None => return,
            },
        };
        self.with_machine(store, now, &id, |machine, turn| match report {
            Report::SandboxReady { .. } => machine.handle_sandbox_ready(),
            Report::SandboxStopped { .. } => machine.handle_sandbox_stopped(turn),
            Report::Started {
                container, attempt, ..
            } => machine.handle_started(&container, attempt, turn),
            Report::StartFailed {
                container,
                attempt,
                reason,
                message,
                ..
            } => {
                machine.handle_start_failed(&container, attempt, &reason, &message, turn);
            }
            Report::Exited {
                container,
                attempt,
                code,
                oom,
                said,
                ..
            } => machine.handle_exited(&container, attempt, code, oom, &said, turn),
            Report::Probe { id, outcome } => machine.handle_answer(id, outcome, turn),
        });
    }

    /// Does what is due on every node; what the kubelets want written.
    pub(crate) fn poll_writes(&mut self, store: &Store, now: Instant) -> Vec<Write> {
        let mut writes = self.beat(store, now);
        while let Some((at, _)) = self.timers.first()
            && *at <= now
        {
            let Some((_, id)) = self.timers.pop_first() else {
                break;
            };
            self.due_of.remove(&id);
            self.touched.insert(id);
        }
        for (id, notice) in std::mem::take(&mut self.stale) {
            self.plan_refresh(now, id, notice);
        }
        for id in std::mem::take(&mut self.touched) {
            self.look_after(store, now, &id);
        }
        if self.flush_at.is_some_and(|at| at <= now) {
            self.flush_at = None;
            for id in std::mem::take(&mut self.dirty) {
                self.flush(store, now, &id, &mut writes);
            }
        }
        // Events say what happened in the order it did, and before the status that follows from it.
        let notes = std::mem::take(&mut self.notes)
            .into_iter()
            .map(Write::Record);
        notes.chain(writes).collect()
    }

    /// Notes when a pod's volumes are looked at again.
    ///
    /// A kubelet looks at a pod when the pod changes, and else in rounds of 60 to 90 seconds
    /// (`syncFrequency` of one minute and up to half of it more).
    fn plan_refresh(&mut self, now: Instant, id: String, notice: Notice) {
        let wait_ms = match notice {
            Notice::Soon => self.rounds.random_range(200..400),
            Notice::NextRound => {
                let round = self.rounds.random_range(60_000..=90_000);
                self.rounds.random_range(0..=round)
            }
        };
        let kubelet = self.node_of.get(&id).and_then(|n| self.nodes.get_mut(n));
        // Who is cut off hears of nothing, and looks at everything afterwards.
        let near = kubelet.filter(|kubelet| !kubelet.offline);
        let machine = near.and_then(|kubelet| kubelet.machines.get_mut(&id));
        if let Some(machine) = machine {
            machine.refresh_by(pod::on_grid(now + Duration::from_millis(wait_ms)));
            self.touched.insert(id);
        }
    }

    /// Boots kubelets, renews Leases, posts statuses.
    fn beat(&mut self, store: &Store, now: Instant) -> Vec<Write> {
        let mut writes = Vec::new();
        let mut adopted = Vec::new();
        let (seed, epoch, known) = (self.seed, self.epoch, &self.known);
        for kubelet in self.nodes.values_mut() {
            if kubelet.offline {
                kubelet.wait_for_api(now);
                continue;
            }
            let boots = kubelet.boot_at.is_some_and(|at| at <= now);
            let renews = kubelet.running && kubelet.next_lease <= now;
            let posts = kubelet.running && kubelet.next_status <= now;
            if boots {
                kubelet.boot_at = None;
                kubelet.running = true;
                adopted.push(kubelet.spec.name.clone());
            }
            // All nodes beat together, so that an idle cluster wakes up rarely.
            if boots || renews {
                kubelet.next_lease = next_multiple(now, node::LEASE_PERIOD);
            }
            if boots || posts {
                kubelet.next_status = next_multiple(now, node::STATUS_PERIOD);
            }
            let poster = node::Poster {
                store,
                spec: &kubelet.spec,
                boots: kubelet.boots,
                seed,
                epoch,
                now,
                local: &kubelet.local,
                known,
            };
            if boots {
                writes.extend(node::boot(poster));
            }
            if renews {
                writes.push(node::lease(poster));
            }
            if posts {
                writes.extend(node::post(poster));
            }
        }
        for node in adopted {
            writes.extend(self.adopt(store, now, &node));
        }
        writes
    }

    /// A kubelet that has just started takes over the pods that are bound to its node.
    fn adopt(&mut self, store: &Store, now: Instant, node: &str) -> Vec<Write> {
        let mut writes = Vec::new();
        let Some(kubelet) = self.nodes.get_mut(node) else {
            return writes;
        };
        for pod in store
            .list("pods", None)
            .filter(|pod| pod["spec"]["nodeName"] == node)
        {
            if deleting(pod) {
                // Nothing of it is left here, so its deletion is complete.
                writes.push(remove(pod));
                continue;
            }
            if pod_finished(pod) {
                continue;
            }
            let id = uid(pod).to_owned();
            let began = pod["status"]["containerStatuses"].is_array();
            let machine = Machine::rebooted(Object::clone(pod), now);
            self.readers.add(&id, pod);
            kubelet.machines.insert(id.clone(), machine);
            self.node_of.insert(id.clone(), node.to_owned());
            self.touched.insert(id);
            if began && kubelet.boots > 0 {
                let message = "Pod sandbox changed, it will be killed and re-created.";
                let note = Note::about(
                    pod,
                    crate::controller::Tone::Normal,
                    "SandboxChanged",
                    message,
                    "kubelet",
                );
                self.notes.push(note.on(node));
            }
        }
        writes
    }

    /// Lets one pod's machine do what is due, making it first if it is new.
    fn look_after(&mut self, store: &Store, now: Instant, id: &str) {
        let Some(node) = self.node_of.get(id) else {
            return;
        };
        let Some(kubelet) = self.nodes.get_mut(node) else {
            return;
        };
        if let Some(pod) = self.arrived.remove(id) {
            self.readers.add(id, &pod);
            let machines = &mut kubelet.machines;
            machines
                .entry(id.to_owned())
                .or_insert_with(|| Machine::new(pod, now));
        }
        let offline = kubelet.offline;
        self.with_machine(store, now, id, |machine, turn| {
            if offline {
                return;
            }
            let reference = &machine.reference;
            let stored = store
                .get("pods", &reference.namespace, &reference.name)
                .filter(|pod| uid(pod) == reference.uid);
            match stored {
                None => machine.forget(turn),
                Some(pod) => {
                    if let Some(grace) = pod["metadata"]["deletionGracePeriodSeconds"].as_u64() {
                        machine.shorten(grace, turn);
                    }
                }
            }
        });
    }

    /// Runs `act` on a machine, lets it advance, and takes note of its timer and its status.
    fn with_machine(
        &mut self,
        store: &Store,
        now: Instant,
        id: &str,
        act: impl FnOnce(&mut Machine, &mut Turn<'_>),
    ) {
        let Some(kubelet) = self
            .node_of
            .get(id)
            .and_then(|node| self.nodes.get_mut(node))
        else {
            return;
        };
        let Some(machine) = kubelet.machines.get_mut(id) else {
            return;
        };
        let mut turn = Turn {
            now,
            store,
            node: &kubelet.spec,
            dns: &self.dns,
            issuer: &self.issuer,
            epoch: self.epoch,
            known: &self.known,
            local: &mut kubelet.local,
            range: &mut kubelet.range,
            commands: &mut self.commands,
            notes: &mut self.notes,
            draw: &mut self.draw,
            questions: &mut self.questions,
            links: &mut self.links,
        };
        let told = turn.notes.len();
        act(machine, &mut turn);
        machine.advance(&mut turn);
        if kubelet.offline {
            // Nobody hears of it; the kubelet gives up telling before it is heard again.
            self.notes.truncate(told);
        }
        let due = machine.poll_at();
        let forgotten = machine.gone() && machine.ending == Some(Ending::Forgotten);
        if forgotten {
            kubelet.machines.remove(id);
            self.readers.remove(id);
            self.node_of.remove(id);
            self.dirty.remove(id);
            self.set_timer(id, None);
            return;
        }
        let soon = pod::on_grid(now + Duration::from_nanos(1));
        // Whatever is still due was just looked at: looking again now would only find the same.
        self.set_timer(id, due.map(|due| due.max(soon)));
        self.dirty.insert(id.to_owned());
        self.flush_at = Some(self.flush_at.map_or(soon, |at| at.min(soon)));
    }

    fn set_timer(&mut self, id: &str, due: Option<Instant>) {
        if let Some(before) = self.due_of.remove(id) {
            self.timers.remove(&(before, id.to_owned()));
        }
        if let Some(due) = due {
            self.due_of.insert(id.to_owned(), due);
            self.timers.insert((due, id.to_owned()));
        }
    }

    /// Writes a pod's status if it changed, and removes the object when nothing of the pod is left.
    fn flush(&mut self, store: &Store, now: Instant, id: &str, writes: &mut Vec<Write>) {
        let Some(kubelet) = self
            .node_of
            .get(id)
            .and_then(|node| self.nodes.get_mut(node))
        else {
            return;
        };
        if kubelet.offline {
            // Told when the node comes back: see `partition`.
            return;
        }
        let Some(machine) = kubelet.machines.get(id) else {
            return;
        };
        let reference = &machine.reference;
        let stored = store
            .get("pods", &reference.namespace, &reference.name)
            .filter(|pod| uid(pod) == id);
        let Some(pod) = stored else { return };
        let view = status::View {
            node: &kubelet.spec,
            epoch: self.epoch,
            now,
        };
        let status = status::status(machine, pod, view);
        if status != pod["status"] {
            let metadata = json!({ "name": reference.name, "namespace": reference.namespace });
            let value = json!({ "metadata": metadata, "status": status });
            writes.push(Write::UpdateStatus {
                kind: "pods",
                value,
            });
        }
        if status::removable(machine) {
            writes.push(remove(pod));
            kubelet.machines.remove(id);
            self.readers.remove(id);
            self.node_of.remove(id);
            self.set_timer(id, None);
        }
    }
}

fn remove(pod: &Value) -> Write {
    Write::Delete {
        key: Key::of("pods", pod),
        uid: uid(pod).to_owned(),
        grace_seconds: Some(0),
        announce: None,
    }
}

fn pod_of(command: &Command) -> Option<&PodRef> {
    match command {
        Command::StartSandbox(order) => Some(&order.pod),
        Command::StartContainer(order) => Some(&order.pod),
        Command::UpdateFiles(update) => Some(&update.pod),
        Command::StopSandbox { pod }
        | Command::Signal { pod, .. }
        | Command::Probe { pod, .. }
        | Command::SetLimits { pod, .. } => Some(pod),
        Command::DropVolume { .. } => None,
    }
}

/// How soon a kubelet looks at a pod's volumes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Notice {
    /// The pod itself changed.
    Soon,
    /// Something that the pod mounts changed.
    NextRound,
}

/// Which pods mount which ConfigMaps and Secrets.
#[derive(Debug, Default)]
struct Readers {
    by_source: BTreeMap<Key, BTreeSet<String>>,
    sources: BTreeMap<String, Vec<Key>>,
}

impl Readers {
    fn add(&mut self, id: &str, pod: &Value) {
        let space = crate::controller::meta::namespace(pod);
        let volumes = crate::controller::meta::items(&pod["spec"]["volumes"]);
        let keys = volumes
            .iter()
            .flat_map(volume::sources_of)
            .map(|(kind, name)| Key::new(kind, space, name));
        let keys: Vec<Key> = keys.collect();
        for key in &keys {
            self.by_source
                .entry(key.clone())
                .or_default()
                .insert(id.to_owned());
        }
        self.sources.insert(id.to_owned(), keys);
    }

    fn remove(&mut self, id: &str) {
        for key in self.sources.remove(id).unwrap_or_default() {
            if let Some(ids) = self.by_source.get_mut(&key) {
                ids.remove(id);
                if ids.is_empty() {
                    self.by_source.remove(&key);
                }
            }
        }
    }

    fn of(&self, key: &Key) -> impl Iterator<Item = &String> {
        self.by_source.get(key).into_iter().flatten()
    }
}

fn same_content(old: &Value, new: &Value) -> bool {
    ["data", "binaryData"]
        .iter()
        .all(|field| old[*field] == new[*field])
}

/// The first multiple of `period` after `now`.
fn next_multiple(now: Instant, period: Duration) -> Instant {
    let step = u64::try_from(period.as_nanos()).unwrap_or(u64::MAX);
    Instant::from_nanos((now.as_nanos() / step + 1) * step)
}

/// Sets one condition of an object's status, replacing the one of its type.
pub(crate) fn put_condition(object: &mut Value, condition: Value) {
    let mut conditions = crate::controller::meta::items(&object["status"]["conditions"]).to_vec();
    match conditions
        .iter_mut()
        .find(|other| other["type"] == condition["type"])
    {
        Some(other) => *other = condition,
        None => conditions.push(condition),
    }
    object["status"]["conditions"] = conditions.into();
}
