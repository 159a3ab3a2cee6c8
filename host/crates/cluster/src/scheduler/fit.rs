//! Whether a pod fits on a node, and in upstream's words why not. Never chooses between nodes.

use super::ledger::{Taken, is_aloof};
use super::owner_of;
use crate::controller::Index;
use crate::controller::eviction::tolerates;
use crate::controller::meta::{items, name, pod_finished, requirement_matches};
use crate::kind::quantity::thousandths;
use crate::store::Store;
use serde_json::Value;
use std::collections::BTreeMap;

/// What a pod takes of a node, in thousandths.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub(super) cpu: i128,
    pub(super) memory: i128,
    pub(super) ports: Vec<HostPort>,
    pub(super) owner: String,
}

/// A port of the node that a pod asks for.
#[derive(Clone, Debug)]
pub(super) struct HostPort {
    number: i64,
    protocol: String,
    /// The node's address that is meant; empty is every address.
    addr: String,
}

impl HostPort {
    /// Whether two pods cannot have these ports of one node.
    fn conflicts(&self, other: &Self) -> bool {
        let is_any = |addr: &str| matches!(addr, "" | "0.0.0.0" | "::");
        let same_addr = self.addr == other.addr || is_any(&self.addr) || is_any(&other.addr);
        self.number == other.number && self.protocol == other.protocol && same_addr
    }
}

/// Why a pod does not fit on a node.
#[derive(Clone, Debug)]
pub(crate) struct Misfit {
    reasons: Vec<&'static str>,
    /// Whether fewer pods on the node would help.
    pub(super) crowded: bool,
}

impl Misfit {
    pub(super) fn new(reason: &'static str, crowded: bool) -> Self {
        Self {
            reasons: vec![reason],
            crowded,
        }
    }
}

/// A node with what is taken of it.
#[derive(Clone, Debug)]
pub(crate) struct Room<'a> {
    pub(crate) node: &'a Value,
    /// Who was here before, of whom the sums are known.
    residents: Option<Residents<'a>>,
    /// Who came since.
    pods: Vec<&'a Value>,
    cpu: (i128, i128),
    memory: (i128, i128),
    places: (i128, i128),
    ports: Vec<HostPort>,
    owners: BTreeMap<String, u64>,
}

/// The pods that a node has already.
#[derive(Clone, Copy, Debug)]
struct Residents<'a> {
    store: &'a Store,
    index: &'a Index,
    taken: &'a Taken,
}

impl Wanted {
    /// The sum of the containers' requests, or the largest init container's if that is more.
    pub(crate) fn of(pod: &Value) -> Self {
        let spec = &pod["spec"];
        let request = |container: &Value, resource: &str| {
            let resources = &container["resources"];
            let stated = resources["requests"][resource]
                .as_str()
                .or_else(|| resources["limits"][resource].as_str());
            stated.and_then(thousandths).unwrap_or(0)
        };
        let total = |resource: &str| {
            let containers: i128 = items(&spec["containers"])
                .iter()
                .map(|container| request(container, resource))
                .sum();
            let (sidecars, inits): (Vec<&Value>, Vec<&Value>) = items(&spec["initContainers"])
                .iter()
                .partition(|container| container["restartPolicy"] == "Always");
            let sidecars: i128 = sidecars
                .into_iter()
                .map(|container| request(container, resource))
                .sum();
            let init = inits
                .into_iter()
                .map(|container| request(container, resource))
                .max()
                .unwrap_or(0);
            (containers + sidecars).max(init + sidecars)
        };
        let ports = items(&spec["containers"])
            .iter()
            .flat_map(|container| items(&container["ports"]))
            .filter_map(|port| {
                let number = port["hostPort"].as_i64().filter(|number| *number != 0)?;
                Some(HostPort {
                    number,
                    protocol: port["protocol"].as_str().unwrap_or("TCP").to_owned(),
                    addr: port["hostIP"].as_str().unwrap_or_default().to_owned(),
                })
            });
        Self {
            cpu: total("cpu"),
            memory: total("memory"),
            ports: ports.collect(),
            owner: owner_of(pod),
        }
    }
}

impl<'a> Room<'a> {
    pub(crate) fn new(node: &'a Value) -> Self {
        let allocatable = |resource: &str| {
            let value = &node["status"]["allocatable"][resource];
            value
                .as_str()
                .and_then(thousandths)
                .or_else(|| value.as_i64().map(|n| i128::from(n) * 1000))
                .unwrap_or(0)
        };
        Self {
            node,
            cpu: (0, allocatable("cpu")),
            memory: (0, allocatable("memory")),
            residents: None,
            pods: Vec::new(),
            places: (0, allocatable("pods") / 1000),
            ports: Vec::new(),
            owners: BTreeMap::new(),
        }
    }

    /// The node with the pods that are on it.
    pub(super) fn inhabited(node: &'a Value, store: &'a Store, index: &'a Index) -> Self {
        let mut room = Self::new(node);
        if let Some(taken) = index.ledger().of(name(node)) {
            room.cpu.0 = taken.cpu;
            room.memory.0 = taken.memory;
            room.places.0 = taken.places;
            room.residents = Some(Residents {
                store,
                index,
                taken,
            });
        }
        room
    }

    /// Who is here and has not finished.
    pub(super) fn pods(&self) -> impl Iterator<Item = &'a Value> {
        let before = self.residents.into_iter().flat_map(|here| {
            let keys = here.index.pods_on(name(self.node));
            keys.filter_map(move |key| here.store.get_key(key))
        });
        before
            .map(|pod| &**pod)
            .filter(|pod| !pod_finished(pod))
            .chain(self.pods.iter().copied())
    }

    /// Those of them that require not to be with others.
    pub(super) fn aloof(&self) -> impl Iterator<Item = &'a Value> {
        let before = self.residents.into_iter().flat_map(|here| {
            let keys = here.taken.aloof.iter();
            keys.filter_map(move |key| here.store.get_key(key))
        });
        let since = self.pods.iter().copied().filter(|pod| is_aloof(pod));
        before.map(|pod| &**pod).chain(since)
    }

    /// Counts a pod as being here.
    pub(crate) fn take(&mut self, pod: &'a Value, wanted: &Wanted) {
        self.pods.push(pod);
        self.cpu.0 += wanted.cpu;
        self.memory.0 += wanted.memory;
        self.places.0 += 1;
        self.ports.extend(wanted.ports.iter().cloned());
        if !wanted.owner.is_empty() {
            *self.owners.entry(wanted.owner.clone()).or_default() += 1;
        }
    }

    /// How many pods of the same owner are here.
    pub(crate) fn of_owner(&self, wanted: &Wanted) -> u64 {
        let before = self.residents.map(|here| &here.taken.owners);
        let counts = before.into_iter().chain([&self.owners]);
        counts.filter_map(|owners| owners.get(&wanted.owner)).sum()
    }

    /// How full the node would be, in thousandths, averaged over processor, memory and pods.
    pub(crate) fn load(&self, wanted: &Wanted) -> u64 {
        let part = |taken: i128, of: i128| if of > 0 { taken * 1000 / of } else { 1000 };
        let sum = part(self.cpu.0 + wanted.cpu, self.cpu.1)
            + part(self.memory.0 + wanted.memory, self.memory.1)
            + part(self.places.0 + 1, self.places.1);
        u64::try_from(sum / 3).unwrap_or(u64::MAX)
    }

    /// Filters in upstream's order; the first that refuses says why.
    pub(crate) fn fits(&self, pod: &Value, wanted: &Wanted) -> Result<(), Misfit> {
        let never = |reason: &'static str| {
            Err(Misfit {
                reasons: vec![reason],
                crowded: false,
            })
        };
        let spec = &pod["spec"];
        let tolerations = items(&spec["tolerations"]);
        let unschedulable = serde_json::json!({ "key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule" });
        if self.node["spec"]["unschedulable"] == true
            && !tolerations
                .iter()
                .any(|toleration| tolerates(toleration, &unschedulable))
        {
            return never("node(s) were unschedulable");
        }
        if !self.tolerated(spec) {
            return never("node(s) had untolerated taint(s)");
        }
        if !self.selected(spec) {
            return never("node(s) didn't match Pod's node affinity/selector");
        }
        let before = self.residents.map(|here| here.taken.ports.values());
        let ports: Vec<&HostPort> = before.into_iter().flatten().flatten().collect();
        let mut taken = |port: &HostPort| {
            let mut others = ports.iter().copied().chain(&self.ports);
            others.any(|other| other.conflicts(port))
        };
        if wanted.ports.iter().any(&mut taken) {
            return Err(Misfit {
                reasons: vec!["node(s) didn't have free ports for the requested pod ports"],
                crowded: true,
            });
        }
        self.has_room(wanted)
    }

    fn has_room(&self, wanted: &Wanted) -> Result<(), Misfit> {
        let mut misfit = Misfit {
            reasons: Vec::new(),
            crowded: true,
        };
        let mut check = |(taken, of): (i128, i128), wants: i128, reason: &'static str| {
            if wants > 0 && taken + wants > of {
                misfit.reasons.push(reason);
                misfit.crowded &= wants <= of;
            }
        };
        check(self.places, 1, "Too many pods");
        check(self.cpu, wanted.cpu, "Insufficient cpu");
        check(self.memory, wanted.memory, "Insufficient memory");
        if misfit.reasons.is_empty() {
            Ok(())
        } else {
            Err(misfit)
        }
    }

    /// What keeps a pod that is here from taking this much.
    pub(crate) fn squeeze(&self, wanted: &Wanted) -> Option<Squeeze> {
        // Processors in thousandths, memory in bytes.
        let amounts = [
            ("cpu", wanted.cpu, self.cpu),
            (
                "memory",
                wanted.memory / 1000,
                (self.memory.0 / 1000, self.memory.1 / 1000),
            ),
        ];
        for (resource, wants, (_, of)) in amounts {
            if wants > of {
                return Some(Squeeze::Infeasible(format!(
                    "Node didn't have enough capacity: {resource}, requested: {wants}, capacity: {of}"
                )));
            }
        }
        amounts.into_iter().find_map(|(resource, wants, (taken, of))| {
            (taken + wants > of).then(|| {
                Squeeze::Deferred(format!(
                    "Node didn't have enough resource: {resource}, requested: {wants}, used: {taken}, capacity: {of}"
                ))
            })
        })
    }

    fn selected(&self, spec: &Value) -> bool {
        node_is_selected(spec, self.node)
    }

    /// Whether every taint that keeps pods away is tolerated.
    pub(crate) fn tolerated(&self, spec: &Value) -> bool {
        self.untolerated(spec)
            .all(|taint| taint["effect"] == "PreferNoSchedule")
    }

    /// How many taints that pods should rather stay away from are not tolerated.
    pub(crate) fn disliked(&self, spec: &Value) -> i64 {
        let disliked = self
            .untolerated(spec)
            .filter(|taint| taint["effect"] == "PreferNoSchedule");
        i64::try_from(disliked.count()).unwrap_or(i64::MAX)
    }

    fn untolerated<'s>(&'s self, spec: &'s Value) -> impl Iterator<Item = &'s Value> {
        items(&self.node["spec"]["taints"]).iter().filter(|taint| {
            !items(&spec["tolerations"])
                .iter()
                .any(|toleration| tolerates(toleration, taint))
        })
    }
}

/// Why a pod that runs does not get what it asks for by now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Squeeze {
    /// The node is too small for it.
    Infeasible(String),
    /// Others have what it wants.
    Deferred(String),
}

/// Whether a pod's node selector and required node affinity allow this node.
pub(crate) fn node_is_selected(spec: &Value, node: &Value) -> bool {
    let labels = &node["metadata"]["labels"];
    let selector = spec["nodeSelector"].as_object();
    let selector_holds = selector.is_none_or(|map| {
        map.iter()
            .all(|(key, value)| labels.get(key) == Some(value))
    });
    let required =
        &spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    let terms = required["nodeSelectorTerms"].as_array();
    selector_holds && terms.is_none_or(|terms| terms.iter().any(|term| term_holds(term, node)))
}

pub(super) fn term_holds(term: &Value, node: &Value) -> bool {
    let labels = &node["metadata"]["labels"];
    let by_label = items(&term["matchExpressions"]);
    let by_field = items(&term["matchFields"]);
    let fields = serde_json::json!({ "metadata.name": name(node) });
    !(by_label.is_empty() && by_field.is_empty())
        && by_label
            .iter()
            .all(|expression| requirement_matches(expression, labels))
        && by_field
            .iter()
            .all(|expression| requirement_matches(expression, &fields))
}

/// Upstream's sentence about nodes that do not fit: why, and what preempting others would do.
pub(crate) fn explain(nodes: usize, misfits: &[Misfit], preemption: Preemption) -> String {
    if nodes == 0 {
        return "no nodes available to schedule pods".to_owned();
    }
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for reason in misfits.iter().flat_map(|misfit| &misfit.reasons) {
        *reasons.entry(reason).or_default() += 1;
    }
    let mut sentence = format!("0/{nodes} nodes are available: {}.", counted(&reasons));
    match preemption {
        Preemption::Done => {}
        Preemption::NotAllowed(why) => {
            sentence.push_str(&format!(" no new claims to deallocate, preemption: {why}"));
        }
        Preemption::Vain => {
            let mut vain: BTreeMap<&str, usize> = BTreeMap::new();
            for misfit in misfits {
                let word = if misfit.crowded { NO_VICTIMS } else { NO_HELP };
                *vain.entry(word).or_default() += 1;
            }
            sentence.push_str(&in_vain(nodes, &vain));
        }
    }
    sentence
}

/// The same where something about the pod keeps it from every node.
pub(crate) fn explain_for_all(nodes: usize, why: &str) -> String {
    if nodes == 0 {
        return "no nodes available to schedule pods".to_owned();
    }
    let vain = BTreeMap::from([(NO_HELP, nodes)]);
    let vain = in_vain(nodes, &vain);
    format!("0/{nodes} nodes are available: {why}.{vain}")
}

/// What became of the thought to displace others.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Preemption {
    /// Room is being made.
    Done,
    /// The pod displaces nobody.
    NotAllowed(&'static str),
    /// There is nobody whose going would help.
    Vain,
}

const NO_VICTIMS: &str = "No preemption victims found for incoming pod";
const NO_HELP: &str = "Preemption is not helpful for scheduling";

fn in_vain(nodes: usize, words: &BTreeMap<&str, usize>) -> String {
    format!(
        " no new claims to deallocate, preemption: 0/{nodes} nodes are available: {}.",
        counted(words)
    )
}

/// `1 reason, 2 other`, sorted as text.
fn counted(reasons: &BTreeMap<&str, usize>) -> String {
    let mut parts: Vec<String> = reasons
        .iter()
        .map(|(reason, count)| format!("{count} {reason}"))
        .collect();
    parts.sort();
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn node(name: &str, cpu: &str, pods: &str) -> Value {
        json!({
            "metadata": {"name": name, "labels": {"disk": "ssd"}},
            "spec": {},
            "status": {"allocatable": {"cpu": cpu, "memory": "4Gi", "pods": pods}},
        })
    }

    fn pod(cpu: &str) -> Value {
        json!({"spec": {"containers": [{"resources": {"requests": {"cpu": cpu}}}]}})
    }

    fn refusal(node: &Value, pod: &Value) -> String {
        let misfit = Room::new(node)
            .fits(pod, &Wanted::of(pod))
            .expect_err("the pod does not fit");
        explain(1, &[misfit], Preemption::Vain)
    }

    #[test]
    fn a_pod_larger_than_every_node_is_told_so_as_in_the_recording() {
        let pod = pod("100");
        let nodes = [node("node-1", "2", "110"), node("node-2", "0", "0")];
        let misfits: Vec<Misfit> = nodes
            .iter()
            .map(|node| {
                Room::new(node)
                    .fits(&pod, &Wanted::of(&pod))
                    .expect_err("too big")
            })
            .collect();
        assert_eq!(
            explain(2, &misfits, Preemption::Vain),
            "0/2 nodes are available: 1 Too many pods, 2 Insufficient cpu. no new claims to deallocate, \
             preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling."
        );
    }

    #[test]
    fn cordons_taints_and_selectors_have_their_own_words() {
        let mut cordoned = node("node-1", "2", "110");
        cordoned["spec"]["unschedulable"] = true.into();
        assert!(
            refusal(&cordoned, &pod("1"))
                .starts_with("0/1 nodes are available: 1 node(s) were unschedulable. no new")
        );
        let mut tainted = node("node-1", "2", "110");
        tainted["spec"]["taints"] = json!([{"key": "a", "value": "b", "effect": "NoSchedule"}]);
        assert!(refusal(&tainted, &pod("1")).contains("1 node(s) had untolerated taint(s)."));
        let mut picky = pod("1");
        picky["spec"]["nodeSelector"] = json!({"disk": "tape"});
        assert!(
            refusal(&node("node-1", "2", "110"), &picky)
                .contains("didn't match Pod's node affinity/selector")
        );
    }

    #[test]
    fn a_host_port_is_given_only_once() {
        let mut pod = pod("1");
        pod["spec"]["containers"][0]["ports"] = json!([{"hostPort": 80}]);
        let node = node("node-1", "2", "110");
        let mut room = Room::new(&node);
        room.take(&pod, &Wanted::of(&pod));
        let misfit = room
            .fits(&pod, &Wanted::of(&pod))
            .expect_err("the port is taken");
        assert_eq!(
            misfit.reasons,
            ["node(s) didn't have free ports for the requested pod ports"]
        );
    }

    #[test]
    fn a_toleration_opens_a_tainted_node() {
        let mut tainted = node("node-1", "2", "110");
        tainted["spec"]["taints"] = json!([{"key": "a", "value": "b", "effect": "NoSchedule"}]);
        let mut pod = pod("1");
        pod["spec"]["tolerations"] = json!([{"key": "a", "operator": "Exists"}]);
        assert!(Room::new(&tainted).fits(&pod, &Wanted::of(&pod)).is_ok());
    }
}
