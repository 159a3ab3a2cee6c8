//! Whether nodes still live: a kubelet that stops renewing its Lease makes its node Unknown.
//!
//! ```text
//! Ready ──50 s without a heartbeat──► Unknown, tainted unreachable, its pods not Ready
//!   ▲                                    │
//!   └──────── the kubelet posts again ───┘
//! ```
//!
//! Never evicts: taints are carried out by [`super::eviction`].

use super::meta::{condition, items, name, text};
use super::{Context, Controller, Index, Note, Tone, Write};
use crate::store::{Event, Key, Object, Op, Store};
use clock::Duration;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

const COMPONENT: &str = "node-controller";
const LEASES: &str = "leases.coordination.k8s.io";
/// Upstream's `--node-monitor-grace-period`.
const GRACE_SECONDS: i64 = 50;
/// What the controller says when a kubelet falls silent.
const CONDITIONS: [&str; 4] = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];

/// The node lifecycle controller.
#[derive(Debug)]
pub struct NodeLifecycle;

impl Controller for NodeLifecycle {
    fn name(&self) -> &'static str {
        COMPONENT
    }

    fn wakes(&self, event: &Event, _: &Store, _: &Index) -> Vec<Key> {
        match event.kind {
            "nodes" => vec![Key::of("nodes", &event.object)],
            LEASES if event.object["metadata"]["namespace"] == "kube-node-lease" => {
                vec![Key::new("nodes", "", name(&event.object))]
            }
            // A pod may land on a node that has just fallen silent.
            "pods"
                if event.op == Op::Modified
                    && event.previous.as_ref().is_some_and(|old| {
                        super::meta::pod_ready(old) != super::meta::pod_ready(&event.object)
                    }) =>
            {
                vec![Key::new(
                    "nodes",
                    "",
                    text(&event.object["spec"]["nodeName"]),
                )]
            }
            _ => Vec::new(),
        }
    }

    fn reconcile(&self, store: &Store, key: &Key, context: &Context<'_>) -> Vec<Write> {
        let Some(node) = store.get_key(key) else {
            return Vec::new();
        };
        let mut writes = Vec::new();
        if node["metadata"]["annotations"]["node.alpha.kubernetes.io/ttl"].is_null() {
            writes.extend(register(node, free_pod_cidr(store)));
            return writes;
        }
        let heard = last_heard(store, node);
        let silent_for = context.unix() - heard;
        let mut node = (**node).clone();
        if silent_for >= GRACE_SECONDS {
            writes.extend(fall_silent(&mut node, context));
        } else {
            let left = u64::try_from(GRACE_SECONDS - silent_for).unwrap_or(1);
            writes.push(Write::RequeueAfter(Duration::from_secs(left)));
        }
        writes.extend(retaint(&node, context));
        if condition(&node, "Ready").is_some_and(|ready| ready["status"] != "True") {
            writes.extend(pods_not_ready(store, &node, context));
        }
        writes
    }
}

/// The first network of the cluster that no node has, beside those that nodes have.
fn free_pod_cidr(store: &Store) -> Option<String> {
    let taken: BTreeSet<&str> = store
        .list("nodes", None)
        .map(|node| text(&node["spec"]["podCIDR"]))
        .filter(|cidr| !cidr.is_empty())
        .collect();
    let (first, prefix) = taken.first()?.split_once('/')?;
    let first: Ipv4Addr = first.parse().ok()?;
    let size = 1_u32.checked_shl(32 - prefix.parse::<u32>().ok()?)?;
    (0..256)
        .filter_map(|step| first.to_bits().checked_add(step * size))
        .map(|network| format!("{}/{prefix}", Ipv4Addr::from_bits(network)))
        .find(|cidr| !taken.contains(cidr.as_str()))
}

/// The first look at a node: a network for its pods if nobody gave it one, the annotation by
/// which it is known, and the Event.
fn register(node: &Object, pod_cidr: Option<String>) -> Vec<Write> {
    let mut next = (**node).clone();
    if let Some(cidr) = pod_cidr
        && text(&next["spec"]["podCIDR"]).is_empty()
        && next["spec"].is_object()
    {
        next["spec"]["podCIDRs"] = json!([cidr]);
        next["spec"]["podCIDR"] = cidr.into();
    }
    next["metadata"]["annotations"]["node.alpha.kubernetes.io/ttl"] = "0".into();
    let message = format!(
        "Node {0} event: Registered Node {0} in Controller",
        name(node)
    );
    vec![
        Write::Update {
            kind: "nodes",
            value: next,
        },
        Write::Record(Note::about(
            node,
            Tone::Normal,
            "RegisteredNode",
            message,
            COMPONENT,
        )),
    ]
}

/// When the node was last heard of, in unix seconds.
fn last_heard(store: &Store, node: &Value) -> i64 {
    let lease = store
        .get(LEASES, "kube-node-lease", name(node))
        .map_or(&Value::Null, |lease| &lease["spec"]["renewTime"]);
    let heartbeat =
        condition(node, "Ready").map_or(&Value::Null, |ready| &ready["lastHeartbeatTime"]);
    let times = [lease, heartbeat, &node["metadata"]["creationTimestamp"]];
    times
        .into_iter()
        .filter_map(|time| super::meta::unix(text(time)))
        .max()
        .unwrap_or(0)
}

/// Every condition becomes Unknown, since nobody posts them any more.
fn fall_silent(node: &mut Value, context: &Context<'_>) -> Vec<Write> {
    let now = context.time();
    let before = node["status"]["conditions"].clone();
    let mut conditions = items(&before).to_vec();
    for kind in CONDITIONS {
        let current = conditions
            .iter_mut()
            .find(|condition| condition["type"] == kind);
        let Some(current) = current else {
            conditions.push(json!({
                "type": kind, "status": "Unknown", "reason": "NodeStatusNeverUpdated",
                "message": "Kubelet never posted node status.",
                "lastHeartbeatTime": node["metadata"]["creationTimestamp"], "lastTransitionTime": now,
            }));
            continue;
        };
        if current["status"] != "Unknown" {
            current["status"] = "Unknown".into();
            current["reason"] = "NodeStatusUnknown".into();
            current["message"] = "Kubelet stopped posting node status.".into();
            current["lastTransitionTime"] = now.clone().into();
        }
    }
    let conditions = Value::from(conditions);
    if conditions == before {
        return Vec::new();
    }
    let was_ready = super::meta::is_true(node, "Ready");
    node["status"]["conditions"] = conditions;
    let mut writes = vec![Write::UpdateStatus {
        kind: "nodes",
        value: node.clone(),
    }];
    if was_ready {
        let message = format!("Node {} status is now: NodeNotReady", name(node));
        writes.push(Write::Record(Note::about(
            node,
            Tone::Normal,
            "NodeNotReady",
            message,
            COMPONENT,
        )));
    }
    writes
}

/// The taints that follow from Ready and from `spec.unschedulable`.
fn retaint(node: &Value, context: &Context<'_>) -> Option<Write> {
    let wanted: Vec<(&str, &str)> =
        match condition(node, "Ready").map_or("Unknown", |ready| text(&ready["status"])) {
            "True" => Vec::new(),
            "False" => vec![
                ("node.kubernetes.io/not-ready", "NoSchedule"),
                ("node.kubernetes.io/not-ready", "NoExecute"),
            ],
            _ => vec![
                ("node.kubernetes.io/unreachable", "NoSchedule"),
                ("node.kubernetes.io/unreachable", "NoExecute"),
            ],
        };
    let cordon = (node["spec"]["unschedulable"] == true)
        .then_some(("node.kubernetes.io/unschedulable", "NoSchedule"));
    let wanted: Vec<(&str, &str)> = wanted.into_iter().chain(cordon).collect();
    let ours = |taint: &Value| {
        matches!(
            text(&taint["key"]),
            "node.kubernetes.io/not-ready"
                | "node.kubernetes.io/unreachable"
                | "node.kubernetes.io/unschedulable"
        )
    };
    let is = |taint: &Value, (key, effect): (&str, &str)| {
        taint["key"] == key && taint["effect"] == effect
    };
    let current = items(&node["spec"]["taints"]);
    let kept = current
        .iter()
        .filter(|taint| !ours(taint) || wanted.iter().any(|pair| is(taint, *pair)));
    let mut taints: Vec<Value> = kept.cloned().collect();
    for pair in wanted {
        if !taints.iter().any(|taint| is(taint, pair)) {
            taints.push(json!({ "key": pair.0, "effect": pair.1, "timeAdded": context.time() }));
        }
    }
    if taints == current {
        return None;
    }
    let mut next = node.clone();
    if let Some(spec) = next["spec"].as_object_mut() {
        if taints.is_empty() {
            spec.remove("taints");
        } else {
            spec.insert("taints".to_owned(), taints.into());
        }
    }
    Some(Write::Update {
        kind: "nodes",
        value: next,
    })
}

/// Pods on a node nobody hears of are not Ready, so that Services stop sending to them.
fn pods_not_ready(store: &Store, node: &Value, context: &Context<'_>) -> Vec<Write> {
    let mut writes = Vec::new();
    for key in context.index.pods_on(name(node)) {
        let Some(pod) = store.get_key(key).filter(|pod| super::meta::pod_ready(pod)) else {
            continue;
        };
        let mut next = (**pod).clone();
        if let Some(ready) = next["status"]["conditions"]
            .as_array_mut()
            .and_then(|list| {
                list.iter_mut()
                    .find(|condition| condition["type"] == "Ready")
            })
        {
            ready["status"] = "False".into();
            ready["lastTransitionTime"] = context.time().into();
        }
        writes.push(Write::UpdateStatus {
            kind: "pods",
            value: next,
        });
        writes.push(Write::Record(Note::about(
            pod,
            Tone::Warning,
            "NodeNotReady",
            "Node is not ready",
            COMPONENT,
        )));
    }
    writes
}
