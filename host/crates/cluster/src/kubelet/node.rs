//! A node as its kubelet posts it: the Node object, the Lease, the conditions. Never judges whether a node lives.

use super::image;
use crate::NodeSpec;
use crate::controller::meta::items;
use crate::controller::{Note, Tone, Write};
use crate::store::Store;
use clock::{Duration, Instant, Seed};
use serde_json::{Value, json};

/// How often the Lease is renewed.
pub(crate) const LEASE_PERIOD: Duration = Duration::from_secs(10);
/// How often the status is posted when nothing changes.
pub(crate) const STATUS_PERIOD: Duration = Duration::from_secs(300);
pub(crate) const LEASES: &str = "leases.coordination.k8s.io";

/// The conditions a healthy kubelet posts: type, status, reason, message.
const HEALTHY: [(&str, &str, &str, &str); 4] = [
    (
        "MemoryPressure",
        "False",
        "KubeletHasSufficientMemory",
        "kubelet has sufficient memory available",
    ),
    (
        "DiskPressure",
        "False",
        "KubeletHasNoDiskPressure",
        "kubelet has no disk pressure",
    ),
    (
        "PIDPressure",
        "False",
        "KubeletHasSufficientPID",
        "kubelet has sufficient PID available",
    ),
    (
        "Ready",
        "True",
        "KubeletReady",
        "kubelet is posting ready status",
    ),
];

/// What a kubelet writes when it starts: the Node if it is new, its status, its Lease, and its Events.
pub(crate) fn boot(
    store: &Store,
    spec: &NodeSpec,
    boots: u32,
    seed: Seed,
    epoch: i64,
    now: Instant,
    local: &image::Local,
    known: &image::Registry,
) -> Vec<Write> {
    let mut writes = Vec::new();
    let registered = store.get("nodes", "", &spec.name);
    let mut node = registered.map_or_else(|| object(spec), |node| (**node).clone());
    set_status(&mut node, spec, boots, seed, epoch, now, local, known);
    match registered {
        None => writes.push(Write::Create {
            kind: "nodes",
            value: node.clone(),
            announce: None,
        }),
        Some(_) => writes.push(Write::UpdateStatus {
            kind: "nodes",
            value: node.clone(),
        }),
    }
    writes.push(lease(store, spec, epoch, now));
    let mut say = |tone, reason, message: String| {
        writes.push(Write::Record(
            Note::about(&node, tone, reason, message, "kubelet").on(&spec.name),
        ));
    };
    say(Tone::Normal, "Starting", "Starting kubelet.".to_owned());
    for reason in [
        "NodeHasSufficientMemory",
        "NodeHasNoDiskPressure",
        "NodeHasSufficientPID",
    ] {
        say(
            Tone::Normal,
            reason,
            format!("Node {} status is now: {reason}", spec.name),
        );
    }
    say(
        Tone::Normal,
        "NodeAllocatableEnforced",
        "Updated Node Allocatable limit across pods".to_owned(),
    );
    if boots > 0 {
        say(
            Tone::Warning,
            "Rebooted",
            format!(
                "Node {} has been rebooted, boot id: {}",
                spec.name,
                boot_id(spec, boots, seed)
            ),
        );
    }
    say(
        Tone::Normal,
        "NodeReady",
        format!("Node {} status is now: NodeReady", spec.name),
    );
    writes
}

/// The status, posted again.
pub(crate) fn post(
    store: &Store,
    spec: &NodeSpec,
    boots: u32,
    seed: Seed,
    epoch: i64,
    now: Instant,
    local: &image::Local,
    known: &image::Registry,
) -> Option<Write> {
    let mut node = (**store.get("nodes", "", &spec.name)?).clone();
    set_status(&mut node, spec, boots, seed, epoch, now, local, known);
    Some(Write::UpdateStatus {
        kind: "nodes",
        value: node,
    })
}

/// The Lease, renewed or made.
pub(crate) fn lease(store: &Store, spec: &NodeSpec, epoch: i64, now: Instant) -> Write {
    let wall = crate::registry::wall(epoch, now);
    let renewed = format!(
        "{}.{:06}Z",
        wall.strftime("%Y-%m-%dT%H:%M:%S"),
        wall.subsec_nanosecond() / 1000
    );
    if let Some(lease) = store.get(LEASES, "kube-node-lease", &spec.name) {
        let mut lease = (**lease).clone();
        lease["spec"]["renewTime"] = renewed.into();
        return Write::Update {
            kind: LEASES,
            value: lease,
        };
    }
    let mut metadata = json!({ "name": spec.name, "namespace": "kube-node-lease" });
    if let Some(node) = store.get("nodes", "", &spec.name) {
        metadata["ownerReferences"] = json!([{ "apiVersion": "v1", "kind": "Node", "name": spec.name, "uid": node["metadata"]["uid"] }]);
    }
    let value = json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata,
        "spec": { "holderIdentity": spec.name, "leaseDurationSeconds": 40, "renewTime": renewed },
    });
    Write::Create {
        kind: LEASES,
        value,
        announce: None,
    }
}

fn object(spec: &NodeSpec) -> Value {
    let cidr = format!("{}/{}", spec.pod_cidr.0, spec.pod_cidr.1);
    json!({
        "apiVersion": "v1", "kind": "Node",
        "metadata": {
            "name": spec.name,
            "annotations": { "volumes.kubernetes.io/controller-managed-attach-detach": "true" },
            "labels": {
                "beta.kubernetes.io/arch": "amd64", "beta.kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64", "kubernetes.io/hostname": spec.name, "kubernetes.io/os": "linux",
            },
        },
        "spec": { "podCIDR": cidr, "podCIDRs": [cidr] },
    })
}

#[expect(
    clippy::too_many_arguments,
    reason = "everything a node says about itself"
)]
fn set_status(
    node: &mut Value,
    spec: &NodeSpec,
    boots: u32,
    seed: Seed,
    epoch: i64,
    now: Instant,
    local: &image::Local,
    known: &image::Registry,
) {
    let time = crate::registry::time(epoch, now);
    let before = items(&node["status"]["conditions"]).to_vec();
    let conditions: Vec<Value> = HEALTHY
        .iter()
        .map(|(kind, status, reason, message)| {
            let since = before
                .iter()
                .find(|condition| condition["type"] == *kind && condition["status"] == *status)
                .map_or_else(
                    || Value::from(time.clone()),
                    |condition| condition["lastTransitionTime"].clone(),
                );
            json!({
                "type": kind, "status": status, "reason": reason, "message": message,
                "lastHeartbeatTime": time, "lastTransitionTime": since,
            })
        })
        .collect();
    let capacity = |memory: &str, disk: &str| {
        json!({
            "cpu": "2", "ephemeral-storage": disk, "hugepages-1Gi": "0", "hugepages-2Mi": "0",
            "memory": memory, "pods": "110",
        })
    };
    let machine = id(&spec.name, "machine", seed).replace('-', "");
    let images: Vec<Value> = local
        .names(now)
        .filter_map(|name| Some(json!({ "names": [image::id(name), name], "sizeBytes": known.find(name)?.size_bytes })))
        .collect();
    let mut status = json!({
        "addresses": [
            { "type": "InternalIP", "address": spec.addr.to_string() },
            { "type": "Hostname", "address": spec.name },
        ],
        "capacity": capacity("24684096Ki", "264212084Ki"),
        "allocatable": capacity("24581696Ki", "243497856212"),
        "conditions": conditions,
        "daemonEndpoints": { "kubeletEndpoint": { "Port": 10250 } },
        "nodeInfo": {
            "architecture": "amd64", "operatingSystem": "linux",
            "bootID": boot_id(spec, boots, seed), "machineID": machine, "systemUUID": machine,
            "containerRuntimeVersion": "containerd://1.6.20", "kernelVersion": "6.18.44",
            "kubeProxyVersion": "", "kubeletVersion": "v1.36.2", "osImage": "Debian GNU/Linux 12 (bookworm)",
        },
    });
    if !images.is_empty() {
        status["images"] = images.into();
    }
    node["status"] = status;
}

fn boot_id(spec: &NodeSpec, boots: u32, seed: Seed) -> String {
    id(&spec.name, &format!("boot {boots}"), seed)
}

/// An id of the form of a uid, the same in every run of a world.
fn id(name: &str, purpose: &str, seed: Seed) -> String {
    use rand::Rng;
    let mut stream = seed.derive(name).stream(purpose);
    let hex = image::hex(&mut || stream.next_u64());
    format!(
        "{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..32]
    )
}
