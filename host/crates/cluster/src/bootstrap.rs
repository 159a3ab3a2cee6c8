//! The objects a cluster begins with, as kubeadm leaves them. Never touches them again.

use crate::api::{GIT_VERSION, furnish_namespace, root_ca_bundle};
use crate::cluster::{Config, NodeSpec};
use crate::registry::Registry;
use crate::store::Store;
use clock::Instant;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::net::Ipv4Addr;

const NAMESPACES: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];
/// What the DNS runs when the configuration names no image of it.
const DNS_IMAGE: &str = "registry.k8s.io/coredns/coredns";
const DNS_TAG: &str = "v1.13.1";

/// Writes the first objects.
pub(crate) fn furnish(store: &mut Store, registry: &mut Registry, now: Instant, config: &Config) {
    // The other namespaces' copies are made of this one.
    let bundle = root_ca_bundle("kube-system", &config.root_ca);
    create(store, registry, now, "configmaps", bundle);
    for name in NAMESPACES {
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        create(store, registry, now, "namespaces", namespace);
        furnish_namespace(store, registry, now, name);
    }
    for (kind, object) in crate::furniture::objects(config, &registry.time(now)) {
        create(store, registry, now, kind, object);
    }
    for spec in &config.nodes {
        let node = node(registry, now, spec);
        create(store, registry, now, "nodes", node);
    }
    for lease in leases(registry, now, config) {
        create(store, registry, now, "leases.coordination.k8s.io", lease);
    }
    if config.dns {
        for (kind, object) in dns(config) {
            create(store, registry, now, kind, object);
        }
    }
}

fn create(
    store: &mut Store,
    registry: &mut Registry,
    now: Instant,
    kind: &'static str,
    value: Value,
) {
    registry
        .create(store, now, kind, value)
        .expect("the store of a new cluster is empty");
}

/// Who leads, and which API server is there; named after the machine they run on.
fn leases(registry: &mut Registry, now: Instant, config: &Config) -> Vec<Value> {
    let machine = config.nodes.iter().find(|node| node.control_plane);
    let machine = machine.map_or("control-plane", |node| node.name.as_str());
    let time = registry.time(now).replace('Z', ".000000Z");
    let server = format!("apiserver-{}", base32(&Sha256::digest(machine)[..16]));
    let mut all = vec![json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {
            "name": server, "namespace": "kube-system",
            "labels": {"apiserver.kubernetes.io/identity": "kube-apiserver", "kubernetes.io/hostname": machine},
        },
        "spec": {
            "holderIdentity": format!("{server}_{}", registry.uid()),
            "leaseDurationSeconds": 3600, "renewTime": time,
        },
    })];
    for name in ["kube-controller-manager", "kube-scheduler"] {
        all.push(json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": name, "namespace": "kube-system"},
            "spec": {
                "holderIdentity": format!("{machine}_{}", registry.uid()),
                "leaseDurationSeconds": 15, "leaseTransitions": 0,
                "acquireTime": time, "renewTime": time,
            },
        }));
    }
    all
}

/// Small letters and digits, five bits each, without padding.
fn base32(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"abcdefghijklmnopqrstuvwxyz234567";
    let bits = bytes
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1));
    let bits: Vec<u8> = bits.collect();
    let letter = |five: &[u8]| {
        let value = (0..5).fold(0, |sum, at| sum * 2 + five.get(at).copied().unwrap_or(0));
        char::from(LETTERS[usize::from(value)])
    };
    bits.chunks(5).map(letter).collect()
}

fn node(registry: &mut Registry, now: Instant, spec: &NodeSpec) -> Value {
    let time = registry.time(now);
    let pod_cidr = format!("{}/{}", spec.pod_cidr.0, spec.pod_cidr.1);
    let machine = registry.uid();
    let amounts = |disk: &str, memory: &str| {
        json!({
            "cpu": "2", "ephemeral-storage": disk, "hugepages-1Gi": "0", "hugepages-2Mi": "0",
            "memory": memory, "pods": "110",
        })
    };
    let condition = |type_: &str, status: &str, reason: &str, message: &str| {
        json!({
            "type": type_, "status": status, "lastHeartbeatTime": time, "lastTransitionTime": time,
            "reason": reason, "message": message,
        })
    };
    let mut node = json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": spec.name,
            "labels": {
                "beta.kubernetes.io/arch": "amd64",
                "beta.kubernetes.io/os": "linux",
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": spec.name,
                "kubernetes.io/os": "linux",
            },
            "annotations": {
                "volumes.kubernetes.io/controller-managed-attach-detach": "true",
            },
        },
        "spec": {"podCIDR": pod_cidr, "podCIDRs": [pod_cidr]},
        "status": {
            "capacity": amounts("264212084Ki", "24684096Ki"),
            "allocatable": amounts("243497856212", "24581696Ki"),
            "conditions": [
                condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
                condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
                condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
                condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
            ],
            "addresses": spec.addresses(),
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "nodeInfo": {
                "machineID": machine.replace('-', ""),
                "systemUUID": machine,
                "bootID": registry.uid(),
                "kernelVersion": "6.18.44",
                "osImage": "Debian GNU/Linux 12 (bookworm)",
                "containerRuntimeVersion": "containerd://1.6.20",
                "kubeletVersion": GIT_VERSION,
                "kubeProxyVersion": "",
                "operatingSystem": "linux",
                "architecture": "amd64",
            },
        },
    });
    if spec.control_plane {
        // As minikube and kind do it, whose only node runs everything: no taint.
        node["metadata"]["labels"]["node-role.kubernetes.io/control-plane"] = "".into();
        let unwanted = "node.kubernetes.io/exclude-from-external-load-balancers";
        node["metadata"]["labels"][unwanted] = "".into();
    }
    node
}

/// The tenth address of the Service range, where every pod looks for names.
fn dns_address(config: &Config) -> Ipv4Addr {
    Ipv4Addr::from(u32::from(config.service_cidr.0) + 10)
}

fn dns(config: &Config) -> [(&'static str, Value); 3] {
    let own = config
        .images
        .iter()
        .find(|image| image.name.starts_with(DNS_IMAGE));
    let image = own.map_or_else(
        || format!("{DNS_IMAGE}:{DNS_TAG}"),
        |image| image.name.clone(),
    );
    let account = json!({
        "apiVersion": "v1", "kind": "ServiceAccount",
        "metadata": {"name": "coredns", "namespace": "kube-system"},
    });
    [
        ("serviceaccounts", account),
        ("services", dns_service(&dns_address(config).to_string())),
        ("deployments.apps", dns_deployment(&image)),
    ]
}

fn dns_service(address: &str) -> Value {
    let port = |name: &str, port: u16, protocol: &str| json!({"name": name, "port": port, "protocol": protocol, "targetPort": port});
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "kube-dns",
            "namespace": "kube-system",
            "annotations": {"prometheus.io/port": "9153", "prometheus.io/scrape": "true"},
            "labels": {
                "k8s-app": "kube-dns",
                "kubernetes.io/cluster-service": "true",
                "kubernetes.io/name": "CoreDNS",
            },
        },
        "spec": {
            "clusterIP": address,
            "clusterIPs": [address],
            "selector": {"k8s-app": "kube-dns"},
            "ports": [port("dns", 53, "UDP"), port("dns-tcp", 53, "TCP"), port("metrics", 9153, "TCP")],
        },
    })
}

fn dns_deployment(image: &str) -> Value {
    let port = |name: &str, port: u16, protocol: &str| json!({"name": name, "containerPort": port, "protocol": protocol});
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": "coredns",
            "namespace": "kube-system",
            "labels": {"k8s-app": "kube-dns"},
        },
        "spec": {
            "replicas": 2,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}},
            "selector": {"matchLabels": {"k8s-app": "kube-dns"}},
            "template": {
                "metadata": {"labels": {"k8s-app": "kube-dns"}},
                "spec": {
                    "serviceAccountName": "coredns",
                    "dnsPolicy": "Default",
                    "nodeSelector": {"kubernetes.io/os": "linux"},
                    "tolerations": [{"key": "CriticalAddonsOnly", "operator": "Exists"}],
                    "containers": [{
                        "name": "coredns",
                        "image": image,
                        "imagePullPolicy": "IfNotPresent",
                        "args": ["-conf", "/etc/coredns/Corefile"],
                        "ports": [port("dns", 53, "UDP"), port("dns-tcp", 53, "TCP"), port("metrics", 9153, "TCP")],
                        "resources": {
                            "limits": {"memory": "170Mi"},
                            "requests": {"cpu": "100m", "memory": "70Mi"},
                        },
                    }],
                },
            },
        },
    })
}
