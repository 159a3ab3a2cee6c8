//! One pod on every node that fits. Words and fields as a Kubernetes 1.36 server has them.

use super::{name, pods};
use crate::plane::{Plane, condition};
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub(super) fn set() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "DaemonSet",
        "metadata": {"name": "ds", "namespace": "default"},
        "spec": {
            "selector": {"matchLabels": {"app": "ds"}},
            "template": {
                "metadata": {"labels": {"app": "ds"}},
                "spec": {"terminationGracePeriodSeconds": 1, "containers": [{"name": "c", "image": "nginx"}]},
            },
        },
    })
}

fn status(plane: &Plane) -> &Value {
    &plane.get("daemonsets.apps", "ds")["status"]
}

fn nodes(plane: &Plane) -> BTreeSet<String> {
    let pods = plane.list("pods");
    let node = |pod: &Value| pod["spec"]["nodeName"].as_str().map(str::to_owned);
    pods.iter().filter_map(|pod| node(pod)).collect()
}

fn retemplate(plane: &mut Plane) {
    plane.edit("daemonsets.apps", "ds", |set| {
        set["spec"]["template"]["spec"]["containers"][0]["image"] = "nginx:1.16.1".into();
    });
}

#[test]
fn every_node_gets_a_pod_and_it_is_told_as_recorded() {
    let mut plane = Plane::new(2);
    plane.create("daemonsets.apps", set());
    plane.run_for(10);
    assert_eq!(
        nodes(&plane),
        BTreeSet::from(["node-1".into(), "node-2".into()])
    );
    assert_eq!(
        status(&plane),
        &json!({
            "currentNumberScheduled": 2, "desiredNumberScheduled": 2, "numberAvailable": 2,
            "numberMisscheduled": 0, "numberReady": 2, "observedGeneration": 1,
            "updatedNumberScheduled": 2,
        })
    );
    let mut told = plane.events("ds");
    told.sort();
    let created = |pod: &String| format!("SuccessfulCreate Created pod: {pod}");
    assert_eq!(told, pods(&plane).iter().map(created).collect::<Vec<_>>());
    assert_eq!(
        plane.get("daemonsets.apps", "ds")["metadata"]["annotations"],
        json!({"deprecated.daemonset.template.generation": "1"})
    );
    let revision = plane.list("controllerrevisions.apps")[0];
    let hash = name(revision).trim_start_matches("ds-");
    let pod = plane.list("pods")[0];
    assert_eq!(
        pod["metadata"]["labels"],
        json!({"app": "ds", "controller-revision-hash": hash, "pod-template-generation": "1"})
    );
    let tolerated: Vec<&str> = pod["spec"]["tolerations"]
        .as_array()
        .expect("tolerations")
        .iter()
        .map(|one| one["key"].as_str().expect("a key"))
        .collect();
    assert_eq!(
        tolerated,
        [
            "node.kubernetes.io/not-ready",
            "node.kubernetes.io/unreachable",
            "node.kubernetes.io/disk-pressure",
            "node.kubernetes.io/memory-pressure",
            "node.kubernetes.io/pid-pressure",
            "node.kubernetes.io/unschedulable",
        ]
    );
}

#[test]
fn labels_taints_and_cordons_of_nodes_are_minded_as_upstream_does() {
    let mut plane = Plane::new(3);
    let mut wish = set();
    wish["spec"]["template"]["spec"]["nodeSelector"] = json!({"disk": "ssd"});
    plane.create("daemonsets.apps", wish);
    plane.run_for(5);
    assert!(pods(&plane).is_empty());
    for node in ["node-1", "node-2"] {
        plane.edit("nodes", node, |node| {
            node["metadata"]["labels"]["disk"] = "ssd".into();
        });
    }
    plane.edit("nodes", "node-1", |node| {
        node["spec"]["unschedulable"] = true.into();
        node["spec"]["taints"] =
            json!([{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}]);
    });
    plane.run_for(5);
    assert_eq!(
        nodes(&plane),
        BTreeSet::from(["node-1".into(), "node-2".into()])
    );
    // A taint that nobody tolerates keeps new pods away, and lets those stay that are there.
    plane.edit("nodes", "node-2", |node| {
        node["spec"]["taints"] = json!([{"key": "mine", "effect": "NoSchedule"}]);
    });
    plane.run_for(5);
    assert_eq!(nodes(&plane).len(), 2);
    assert_eq!(status(&plane)["numberMisscheduled"], 1);
    plane.edit("nodes", "node-1", |node| {
        node["metadata"]["labels"]["disk"] = "tape".into();
    });
    plane.run_for(5);
    assert_eq!(nodes(&plane), BTreeSet::from(["node-2".into()]));
}

#[test]
fn a_node_that_is_gone_takes_its_pod_with_it_after_the_quarantine() {
    let mut plane = Plane::new(2);
    plane.create("daemonsets.apps", set());
    plane.run_for(5);
    plane.set_power("node-2", false);
    plane.delete("nodes", "node-2");
    plane.run_for(30);
    assert_eq!(nodes(&plane).len(), 2);
    plane.run_for(10);
    assert_eq!(nodes(&plane), BTreeSet::from(["node-1".into()]));
    assert_eq!(status(&plane)["desiredNumberScheduled"], 1);
}

#[test]
fn an_update_takes_one_node_at_a_time() {
    let mut plane = Plane::new(3);
    plane.create("daemonsets.apps", set());
    plane.run_for(5);
    retemplate(&mut plane);
    let mut fewest = 3;
    for _ in 0..300 {
        plane.run_for_ms(50);
        fewest = fewest.min(plane.ready_pods());
    }
    assert_eq!(fewest, 2);
    assert_eq!(status(&plane)["updatedNumberScheduled"], 3);
    assert_eq!(
        plane.get("daemonsets.apps", "ds")["metadata"]["annotations"]["deprecated.daemonset.template.generation"],
        "2"
    );
    assert_eq!(plane.list("controllerrevisions.apps").len(), 2);
}

#[test]
fn with_surge_the_new_pod_is_there_before_the_old_one_goes() {
    let mut plane = Plane::new(2);
    let mut wish = set();
    wish["spec"]["updateStrategy"] =
        json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}});
    plane.create("daemonsets.apps", wish);
    plane.run_for(5);
    retemplate(&mut plane);
    let (mut fewest, mut most) = (9, 0);
    for _ in 0..300 {
        plane.run_for_ms(50);
        let alive = plane.list("pods");
        let alive = alive
            .iter()
            .filter(|pod| pod["metadata"]["deletionTimestamp"].is_null());
        let ready = alive
            .clone()
            .filter(|pod| condition(pod, "Ready") == "True");
        fewest = fewest.min(ready.count());
        most = most.max(alive.count());
    }
    assert_eq!((fewest, most), (2, 3));
    assert_eq!(pods(&plane).len(), 2);
    assert_eq!(status(&plane)["updatedNumberScheduled"], 2);
}

#[test]
fn on_delete_waits_for_somebody_to_delete() {
    let mut plane = Plane::new(1);
    let mut wish = set();
    wish["spec"]["updateStrategy"] = json!({"type": "OnDelete"});
    plane.create("daemonsets.apps", wish);
    plane.run_for(5);
    retemplate(&mut plane);
    plane.run_for(10);
    let image = |plane: &Plane| plane.list("pods")[0]["spec"]["containers"][0]["image"].clone();
    assert_eq!(image(&plane), "nginx");
    let pod = pods(&plane).remove(0);
    plane.delete("pods", &pod);
    plane.run_for(10);
    assert_eq!(image(&plane), "nginx:1.16.1");
}
