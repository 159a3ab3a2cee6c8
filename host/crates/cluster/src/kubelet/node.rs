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

/// A kubelet that has something to say about its node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Poster<'a> {
    pub(crate) store: &'a Store,
    pub(crate) spec: &'a NodeSpec,
    /// How often the machine was started again.
    pub(crate) boots: u32,
    pub(crate) seed: Seed,
    pub(crate) epoch: i64,
    pub(crate) now: Instant,
    pub(crate) local: &'a image::Local,
    pub(crate) known: &'a image::Registry,
}

/// What a kubelet writes when it starts: the Node if it is new, its status, its Lease, and its Events.
pub(crate) fn boot(poster: Poster<'_>) -> Vec<Write> {
    let Poster {
        store, spec, boots, ..
    } = poster;
    let mut writes = Vec::new();
    let registered = store.get("nodes", "", &spec.name);
    let mut node = registered.map_or_else(|| object(spec), |node| (**node).clone());
    set_status(&mut node, poster);
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
    writes.push(lease(poster));
    let mut say = |tone, reason, message: String| {
        let mut note = Note::about(&node, tone, reason, message, "kubelet").on(&spec.name);
        // A kubelet does not know its node's uid when it starts, so that nobody who asks by uid
        // finds what it said: `kubectl describe node` does not.
        if let Some(regarding) = note.regarding.as_object_mut() {
            regarding.remove("uid");
        }
        writes.push(Write::Record(note));
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
                boot_id(poster)
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
pub(crate) fn post(poster: Poster<'_>) -> Option<Write> {
    let mut node = (**poster.store.get("nodes", "", &poster.spec.name)?).clone();
    set_status(&mut node, poster);
    Some(Write::UpdateStatus {
        kind: "nodes",
        value: node,
    })
}

/// The Lease, renewed or made.
pub(crate) fn lease(poster: Poster<'_>) -> Write {
    let Poster {
        store,
        spec,
        epoch,
        now,
        ..
    } = poster;
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

fn set_status(node: &mut Value, poster: Poster<'_>) {
    let Poster {
        spec,
        seed,
        epoch,
        now,
        local,
        known,
        ..
    } = poster;
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
        "addresses": spec.addresses(),
        "capacity": capacity("24684096Ki", "264212084Ki"),
        "allocatable": capacity("24581696Ki", "243497856212"),
        "conditions": conditions,
        "daemonEndpoints": { "kubeletEndpoint": { "Port": 10250 } },
        "nodeInfo": {
            "architecture": "amd64", "operatingSystem": "linux",
            "bootID": boot_id(poster), "machineID": machine, "systemUUID": machine,
            "containerRuntimeVersion": "containerd://1.6.20", "kernelVersion": "6.18.44",
            "kubeProxyVersion": "", "kubeletVersion": "v1.36.2", "osImage": "Debian GNU/Linux 12 (bookworm)",
        },
    });
    if !images.is_empty() {
        status["images"] = images.into();
    }
    node["status"] = status;
}

fn boot_id(poster: Poster<'_>) -> String {
    id(
        &poster.spec.name,
        &format!("boot {}", poster.boots),
        poster.seed,
    )
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
