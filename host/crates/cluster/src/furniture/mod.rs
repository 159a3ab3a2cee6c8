//! What the API server itself puts into a new cluster: its first priorities, roles, classes; and
//! the class of volumes that clusters for learners bring.
//!
//! Only what upstream is known to write. Never touches them again.

mod roles;

use crate::cluster::Config;
use serde_json::{Value, json};

/// The objects with the names of their kinds.
pub(crate) fn objects(config: &Config, time: &str) -> Vec<(&'static str, Value)> {
    let (network, prefix) = config.service_cidr;
    let addresses = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR",
        "metadata": {"name": "kubernetes", "finalizers": ["networking.k8s.io/service-cidr-finalizer"]},
        "spec": {"cidrs": [format!("{network}/{prefix}")]},
        "status": {"conditions": [{
            "type": "Ready", "status": "True", "reason": "", "lastTransitionTime": time,
            "message": "Kubernetes Service CIDR is ready",
        }]},
    });
    let mut all = vec![
        (
            "priorityclasses.scheduling.k8s.io",
            priority(
                "system-cluster-critical",
                2_000_000_000,
                "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
            ),
        ),
        (
            "priorityclasses.scheduling.k8s.io",
            priority(
                "system-node-critical",
                2_000_001_000,
                "Used for system critical pods that must not be moved from their current node.",
            ),
        ),
        ("servicecidrs.networking.k8s.io", addresses),
        ("storageclasses.storage.k8s.io", storage_class()),
    ];
    all.extend(roles::objects());
    for name in ["controller-manager", "etcd-0", "scheduler"] {
        let component = json!({
            "apiVersion": "v1", "kind": "ComponentStatus",
            "metadata": {"name": name},
            "conditions": [{"type": "Healthy", "status": "True", "message": "ok"}],
        });
        all.push(("componentstatuses", component));
    }
    all
}

/// The class of claims that name none, as minikube and kind bring one of this name.
fn storage_class() -> Value {
    use crate::controller::volume::{CLASS, PROVISIONER};
    json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
        "metadata": {
            "name": CLASS,
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": PROVISIONER, "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer",
    })
}

fn priority(name: &str, value: i64, description: &str) -> Value {
    json!({
        "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass",
        "metadata": {"name": name},
        "value": value, "description": description, "preemptionPolicy": "PreemptLowerPriority",
    })
}
