//! Where a DaemonSet's pods belong, and how one is pinned to its node. Never makes a pod.

use super::super::eviction::tolerates;
use super::super::meta::{items, text};
use crate::scheduler::node_is_selected;
use serde_json::{Value, json};

/// Whether a node is a place for a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Placement {
    /// A new pod belongs here.
    pub(super) may_come: bool,
    /// A pod that is here may stay.
    pub(super) may_stay: bool,
}

impl Placement {
    /// What `node` is to the pods of `set`, of which `probe` is one.
    pub(super) fn of(set: &Value, probe: &Value, node: &Value) -> Self {
        let wish = text(&set["spec"]["template"]["spec"]["nodeName"]);
        let named = wish.is_empty() || node["metadata"]["name"] == wish;
        // The affinity of the template counts, not the pin.
        if !named || !node_is_selected(&set["spec"]["template"]["spec"], node) {
            return Self {
                may_come: false,
                may_stay: false,
            };
        }
        let tolerations = items(&probe["spec"]["tolerations"]);
        let repelled_by = |effects: &[&str]| {
            items(&node["spec"]["taints"]).iter().any(|taint| {
                effects.contains(&text(&taint["effect"]))
                    && !tolerations.iter().any(|one| tolerates(one, taint))
            })
        };
        Self {
            may_come: !repelled_by(&["NoSchedule", "NoExecute"]),
            may_stay: !repelled_by(&["NoExecute"]),
        }
    }
}

/// The node a pod is on, or pinned to.
pub(super) fn node_of(pod: &Value) -> &str {
    let bound = text(&pod["spec"]["nodeName"]);
    if !bound.is_empty() {
        return bound;
    }
    let required =
        &pod["spec"]["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"];
    let terms = items(&required["nodeSelectorTerms"]).iter();
    let mut fields = terms.flat_map(|term| items(&term["matchFields"]));
    let pin = fields.find(|field| field["key"] == "metadata.name");
    pin.map_or("", |field| text(&field["values"][0]))
}

/// The pod for one node: affinity to its name, tolerations of what nodes go through.
pub(super) fn pinned(set: &Value, mut pod: Value, node: &str) -> Value {
    let spec = &mut pod["spec"];
    spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] = json!({
        "nodeSelectorTerms": [{
            "matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}],
        }],
    });
    let mut tolerations = items(&spec["tolerations"]).to_vec();
    let host_network = set["spec"]["template"]["spec"]["hostNetwork"] == true;
    for (key, effect) in [
        ("not-ready", "NoExecute"),
        ("unreachable", "NoExecute"),
        ("disk-pressure", "NoSchedule"),
        ("memory-pressure", "NoSchedule"),
        ("pid-pressure", "NoSchedule"),
        ("unschedulable", "NoSchedule"),
        ("network-unavailable", "NoSchedule"),
    ] {
        if key == "network-unavailable" && !host_network {
            continue;
        }
        let toleration = json!({
            "key": format!("node.kubernetes.io/{key}"), "operator": "Exists", "effect": effect,
        });
        if !tolerations.contains(&toleration) {
            tolerations.push(toleration);
        }
    }
    spec["tolerations"] = tolerations.into();
    pod
}
