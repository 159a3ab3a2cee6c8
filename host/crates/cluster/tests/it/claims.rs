//! Claims, volumes and classes: who gets what, when, and what becomes of it afterwards.

use super::plane::{Plane, pod};
use cluster::kubelet::Command;
use serde_json::{Value, json};

fn class(name: &str, mode: &str, provisioner: &str) -> Value {
    json!({
        "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass",
        "metadata": {"name": name, "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
        "provisioner": provisioner, "reclaimPolicy": "Delete", "volumeBindingMode": mode,
    })
}

fn claim(class: Option<&str>) -> Value {
    let mut claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": "default"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    });
    if let Some(class) = class {
        claim["spec"]["storageClassName"] = class.into();
    }
    claim
}

fn user(name: &str) -> Value {
    let mut pod = pod(
        name,
        json!({"volumeMounts": [{"name": "d", "mountPath": "/data"}]}),
    );
    pod["spec"]["volumes"] = json!([{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]);
    pod
}

fn lab(nodes: u8) -> Plane {
    let mut plane = Plane::new(nodes);
    let own = class("standard", "WaitForFirstConsumer", "lab/local-path");
    plane.create("storageclasses.storage.k8s.io", own);
    plane
}

fn keys(plane: &Plane) -> Vec<Option<String>> {
    let orders = plane
        .commands
        .iter()
        .filter_map(|(_, command)| match command {
            Command::StartContainer(order) => Some(order),
            _ => None,
        });
    orders
        .flat_map(|order| &order.mounts)
        .filter(|mount| mount.path == "/data")
        .map(|mount| mount.lasting.clone())
        .collect()
}

fn volumes(plane: &Plane) -> Vec<&Value> {
    plane
        .store
        .list("persistentvolumes", None)
        .map(|volume| &**volume)
        .collect()
}

#[test]
fn a_claim_waits_for_its_first_consumer_and_gets_a_volume_on_that_node() {
    let mut plane = lab(2);
    plane.create("persistentvolumeclaims", claim(None));
    plane.run_for(5);
    let waiting = plane.get("persistentvolumeclaims", "data");
    assert_eq!(waiting["spec"]["storageClassName"], "standard");
    assert_eq!(waiting["status"]["phase"], "Pending");
    plane.create("pods", user("p"));
    plane.run_for(5);
    let bound = plane.get("persistentvolumeclaims", "data");
    assert_eq!(bound["status"]["phase"], "Bound");
    assert_eq!(bound["status"]["capacity"], json!({"storage": "1Gi"}));
    let uid = bound["metadata"]["uid"].as_str().expect("a uid");
    let volume = volumes(&plane)[0];
    assert_eq!(volume["metadata"]["name"], format!("pvc-{uid}"));
    assert_eq!(volume["status"]["phase"], "Bound");
    assert_eq!(volume["spec"]["claimRef"]["name"], "data");
    let node = plane.get("pods", "p")["spec"]["nodeName"].clone();
    let tied = &volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"][0];
    assert_eq!(tied["matchExpressions"][0]["values"], json!([node]));
    assert_eq!(
        plane.events("data"),
        [
            "WaitForFirstConsumer waiting for first consumer to be created before binding".to_owned(),
            "ExternalProvisioning Waiting for a volume to be created either by the external provisioner 'lab/local-path' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.".to_owned(),
            "Provisioning External provisioner is provisioning volume for claim \"default/data\"".to_owned(),
            format!("ProvisioningSucceeded Successfully provisioned volume pvc-{uid}"),
        ]
    );
    assert_eq!(plane.ready_pods(), 1);
}

#[test]
fn whoever_mounts_a_claim_later_finds_the_same_directory_on_the_same_node() {
    let mut plane = lab(3);
    plane.create("persistentvolumeclaims", claim(None));
    plane.create("pods", user("first"));
    plane.run_for(5);
    plane.delete("pods", "first");
    plane.run_for(40);
    for name in ["a", "b", "c"] {
        plane.create("pods", user(name));
    }
    plane.run_for(5);
    let keys = keys(&plane);
    assert_eq!(keys.len(), 4);
    assert!(
        keys[0].is_some() && keys.iter().all(|key| *key == keys[0]),
        "{keys:?}"
    );
}

#[test]
fn a_claim_in_use_stays_until_its_last_pod_is_gone_and_takes_its_volume_along() {
    let mut plane = lab(1);
    plane.create("persistentvolumeclaims", claim(None));
    plane.create("pods", user("p"));
    plane.run_for(5);
    plane.delete("persistentvolumeclaims", "data");
    plane.run_for(60);
    let going = plane.get("persistentvolumeclaims", "data");
    assert!(going["metadata"]["deletionTimestamp"].is_string());
    assert_eq!(volumes(&plane).len(), 1);
    let key = keys(&plane)[0].clone().expect("it lasts");
    plane.delete("pods", "p");
    plane.run_for(60);
    assert!(plane.try_get("persistentvolumeclaims", "data").is_none());
    assert_eq!(volumes(&plane).len(), 0);
    let dropped = Command::DropVolume { key };
    assert!(
        plane
            .commands
            .iter()
            .any(|(_, command)| *command == dropped)
    );
}

#[test]
fn what_a_pod_waits_for_is_said() {
    let mut plane = lab(2);
    plane.create("pods", user("p"));
    plane.run_for(2);
    let told = |plane: &Plane| plane.events("p").last().cloned().expect("an event");
    let vain = "no new claims to deallocate, preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.";
    assert_eq!(
        told(&plane),
        format!(
            "FailedScheduling 0/2 nodes are available: persistentvolumeclaim \"data\" not found. {vain}"
        )
    );
    plane.create("persistentvolumeclaims", claim(Some("fast")));
    plane.run_for(2);
    assert_eq!(
        told(&plane),
        format!(
            "FailedScheduling 0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims. {vain}"
        )
    );
    assert_eq!(
        plane.events("data"),
        ["ProvisioningFailed storageclass.storage.k8s.io \"fast\" not found"]
    );
    // As soon as the class is there, all goes its way.
    let fast = class("fast", "Immediate", "lab/local-path");
    plane.create("storageclasses.storage.k8s.io", fast);
    plane.run_for(5);
    assert_eq!(plane.ready_pods(), 1);
}

#[test]
fn a_claim_without_class_takes_the_smallest_volume_that_has_all_it_asks_for() {
    let mut plane = Plane::new(1);
    let volume = |name: &str, size: &str, mode: &str| {
        json!({
            "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
            "spec": {
                "capacity": {"storage": size}, "accessModes": [mode],
                "hostPath": {"path": format!("/mnt/{name}")},
            },
        })
    };
    plane.create("persistentvolumeclaims", claim(Some("")));
    plane.run_for(1);
    assert_eq!(
        plane.events("data"),
        [
            "FailedBinding no persistent volumes available for this claim and no storage class is set"
        ]
    );
    plane.create(
        "persistentvolumes",
        volume("small", "512Mi", "ReadWriteOnce"),
    );
    plane.create("persistentvolumes", volume("shared", "1Gi", "ReadOnlyMany"));
    plane.run_for(1);
    assert_eq!(
        plane.get("persistentvolumeclaims", "data")["status"]["phase"],
        "Pending"
    );
    // Two fit, and both come at one moment only if the larger is there first.
    plane.create("persistentvolumes", volume("fits", "2Gi", "ReadWriteOnce"));
    plane.run_for(1);
    plane.create("pods", user("p"));
    plane.run_for(5);
    let bound = plane.get("persistentvolumeclaims", "data");
    assert_eq!(bound["spec"]["volumeName"], "fits");
    assert_eq!(bound["status"]["capacity"]["storage"], "2Gi");
    assert_eq!(keys(&plane), [Some("node-1:/mnt/fits".to_owned())]);
    let phase = |plane: &Plane, name: &str| {
        let volume = plane.store.get("persistentvolumes", "", name).cloned();
        volume.expect("it is kept")["status"]["phase"].clone()
    };
    assert_eq!(
        (phase(&plane, "small"), phase(&plane, "fits")),
        ("Available".into(), "Bound".into())
    );
    plane.delete("pods", "p");
    plane.delete("persistentvolumeclaims", "data");
    plane.run_for(60);
    assert_eq!(phase(&plane, "fits"), "Released");
}

#[test]
fn a_pod_of_a_stateful_set_keeps_its_claim_and_its_directory_over_a_restart() {
    let mut plane = lab(2);
    plane.create("statefulsets.apps", json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db", "namespace": "default"},
        "spec": {
            "replicas": 2, "serviceName": "db", "selector": {"matchLabels": {"app": "db"}},
            "template": {
                "metadata": {"labels": {"app": "db"}},
                "spec": {"containers": [{"name": "c", "image": "nginx", "volumeMounts": [{"name": "d", "mountPath": "/data"}]}]},
            },
            "volumeClaimTemplates": [{
                "metadata": {"name": "d"},
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
            }],
        },
    }));
    plane.run_for(20);
    assert_eq!(plane.ready_pods(), 2);
    plane.delete("pods", "db-0");
    plane.run_for(60);
    assert_eq!(plane.ready_pods(), 2);
    let keys = keys(&plane);
    assert_eq!(keys.len(), 3);
    assert_eq!(keys[0], keys[2]);
    assert_ne!(keys[0], keys[1]);
}

#[test]
fn what_no_volume_of_the_lab_can_be_is_said_and_not_made() {
    let mut plane = lab(1);
    let mut wish = claim(None);
    wish["spec"]["volumeMode"] = "Block".into();
    plane.create("persistentvolumeclaims", wish);
    plane.create("pods", user("p"));
    plane.run_for(5);
    assert_eq!(
        plane.events("data").last().map(String::as_str),
        Some("ProvisioningFailed not in this lab: volumes of raw blocks")
    );
    assert_eq!(volumes(&plane).len(), 0);
}

/// The claims that are left of a set of three with this policy, scaled to one and then deleted.
fn left(scaled: &str, deleted: &str) -> [usize; 2] {
    let mut plane = lab(1);
    plane.create("statefulsets.apps", json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db", "namespace": "default"},
        "spec": {
            "replicas": 3, "serviceName": "db", "selector": {"matchLabels": {"app": "db"}},
            "persistentVolumeClaimRetentionPolicy": {"whenScaled": scaled, "whenDeleted": deleted},
            "template": {
                "metadata": {"labels": {"app": "db"}},
                "spec": {"containers": [{"name": "c", "image": "nginx", "volumeMounts": [{"name": "d", "mountPath": "/data"}]}]},
            },
            "volumeClaimTemplates": [{
                "metadata": {"name": "d"},
                "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
            }],
        },
    }));
    plane.run_for(30);
    assert_eq!(plane.ready_pods(), 3);
    plane.edit("statefulsets.apps", "db", |set| {
        set["spec"]["replicas"] = 1.into()
    });
    plane.run_for(60);
    assert_eq!(plane.list("pods").len(), 1);
    let after_scaling = plane.list("persistentvolumeclaims").len();
    plane.delete("statefulsets.apps", "db");
    plane.run_for(60);
    [after_scaling, plane.list("persistentvolumeclaims").len()]
}

#[test]
fn claims_of_a_set_stay_or_go_as_its_retention_policy_says() {
    assert_eq!(left("Retain", "Retain"), [3, 3]);
    assert_eq!(left("Delete", "Retain"), [1, 1]);
    assert_eq!(left("Retain", "Delete"), [3, 0]);
    assert_eq!(left("Delete", "Delete"), [1, 0]);
}
