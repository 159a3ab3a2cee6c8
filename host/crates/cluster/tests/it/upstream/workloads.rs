//! Deployments, ReplicaSets and StatefulSets in the situations upstream cares for.

use crate::plane::{Plane, deployment};
use serde_json::{Value, json};

fn sets(plane: &Plane) -> Vec<(i64, String)> {
    let mut sets: Vec<(i64, String)> = plane
        .list("replicasets.apps")
        .iter()
        .map(|set| {
            let image = set["spec"]["template"]["spec"]["containers"][0]["image"].as_str();
            (
                set["spec"]["replicas"].as_i64().expect("a number"),
                image.unwrap_or_default().to_owned(),
            )
        })
        .collect();
    sets.sort();
    sets
}

fn set_image(plane: &mut Plane, image: &str) {
    plane.edit("deployments.apps", "my-nginx", |deployment| {
        deployment["spec"]["template"]["spec"]["containers"][0]["image"] = image.into();
    });
}

#[test]
fn a_newer_template_takes_over_from_one_that_never_became_ready() {
    let mut plane = Plane::new(1);
    plane.create("deployments.apps", deployment(3));
    plane.run_for(10);
    set_image(&mut plane, "nobody:1");
    plane.run_for(10);
    set_image(&mut plane, "nginx:1.16.1");
    plane.run_for(30);
    assert_eq!(
        sets(&plane),
        [
            (0, "nginx".to_owned()),
            (0, "nobody:1".to_owned()),
            (3, "nginx:1.16.1".to_owned())
        ]
    );
    assert_eq!(plane.ready_pods(), 3);
    assert_eq!(plane.list("pods").len(), 3);
}

#[test]
fn a_deployment_that_is_scaled_in_the_middle_of_an_update_grows_in_proportion() {
    let mut plane = Plane::new(1);
    let mut wish = deployment(10);
    wish["spec"]["strategy"] =
        json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 3, "maxUnavailable": 2}});
    plane.create("deployments.apps", wish);
    plane.run_for(20);
    set_image(&mut plane, "nobody:1");
    plane.run_for(20);
    // Eight old ones stay available, thirteen in all are allowed.
    assert_eq!(
        sets(&plane),
        [(5, "nobody:1".to_owned()), (8, "nginx".to_owned())]
    );
    plane.edit("deployments.apps", "my-nginx", |deployment| {
        deployment["spec"]["replicas"] = 30.into()
    });
    plane.run_for(20);
    assert_eq!(
        sets(&plane),
        [(13, "nobody:1".to_owned()), (20, "nginx".to_owned())]
    );
}

#[test]
fn old_sets_go_when_no_history_is_wanted() {
    let mut plane = Plane::new(1);
    let mut wish = deployment(1);
    wish["spec"]["revisionHistoryLimit"] = 0.into();
    plane.create("deployments.apps", wish);
    plane.run_for(10);
    set_image(&mut plane, "nginx:1.16.1");
    plane.run_for(30);
    assert_eq!(sets(&plane), [(1, "nginx:1.16.1".to_owned())]);
}

fn replica_set() -> Value {
    let mut set = deployment(1);
    set["kind"] = "ReplicaSet".into();
    set["metadata"]["name"] = "web".into();
    set
}

#[test]
fn a_replica_set_adopts_who_matches_and_releases_who_no_longer_does() {
    let mut plane = Plane::new(1);
    let mut orphan = crate::plane::pod("orphan", json!({"image": "nginx"}));
    orphan["metadata"]["labels"] = json!({"run": "my-nginx"});
    plane.create("pods", orphan);
    plane.run_for(4);
    plane.create("replicasets.apps", replica_set());
    plane.run_for(4);
    let owner = |plane: &Plane| {
        plane.get("pods", "orphan")["metadata"]["ownerReferences"][0]["name"].clone()
    };
    assert_eq!(owner(&plane), "web");
    assert_eq!(plane.list("pods").len(), 1);
    plane.edit("pods", "orphan", |pod| {
        pod["metadata"]["labels"]["run"] = "else".into()
    });
    plane.run_for(4);
    assert_eq!(owner(&plane), Value::Null);
    assert_eq!(plane.list("pods").len(), 2);
}

#[test]
fn a_pod_for_a_node_that_never_was_is_replaced_after_its_quarantine_and_not_at_once() {
    let mut plane = Plane::new(1);
    let mut set = replica_set();
    set["spec"]["template"]["spec"]["nodeName"] = "nowhere".into();
    plane.create("replicasets.apps", set);
    plane.run_for(5);
    let names = |plane: &Plane| -> Vec<Value> {
        let pods = plane.list("pods").into_iter();
        pods.map(|pod| pod["metadata"]["name"].clone()).collect()
    };
    let first = names(&plane);
    assert_eq!(first.len(), 1);
    plane.run_for(30);
    assert_eq!(names(&plane), first);
    plane.run_for(10);
    let second = names(&plane);
    assert_eq!(second.len(), 1);
    assert_ne!(second, first);
}

fn stateful(policy: &str, replicas: i64) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "ss", "namespace": "default"},
        "spec": {
            "replicas": replicas, "serviceName": "test", "podManagementPolicy": policy,
            "selector": {"matchLabels": {"app": "ss"}},
            "template": {
                "metadata": {"labels": {"app": "ss"}},
                "spec": {"containers": [{
                    "name": "web", "image": "nginx",
                    "readinessProbe": {"exec": {"command": ["test"]}, "periodSeconds": 1, "failureThreshold": 1},
                }]},
            },
        },
    })
}

fn pods(plane: &Plane) -> Vec<String> {
    let mut names: Vec<String> = plane
        .list("pods")
        .iter()
        .map(|pod| pod["metadata"]["name"].as_str().expect("named").to_owned())
        .collect();
    names.sort();
    names
}

fn scale(plane: &mut Plane, replicas: i64) {
    plane.edit("statefulsets.apps", "ss", |set| {
        set["spec"]["replicas"] = replicas.into()
    });
}

#[test]
fn an_ordered_set_halts_while_one_of_its_pods_is_not_ready() {
    let mut plane = Plane::new(1);
    plane.create("statefulsets.apps", stateful("OrderedReady", 1));
    plane.run_for(10);
    plane.script.unhealthy.insert("web".into(), "no".into());
    plane.run_for(5);
    scale(&mut plane, 3);
    plane.run_for(30);
    assert_eq!(pods(&plane), ["ss-0"]);
    plane.script.unhealthy.clear();
    plane.run_for(30);
    assert_eq!(pods(&plane), ["ss-0", "ss-1", "ss-2"]);
    plane.script.unhealthy.insert("web".into(), "no".into());
    plane.run_for(5);
    scale(&mut plane, 0);
    plane.run_for(30);
    // The last one may go, the next waits for those before it.
    assert_eq!(pods(&plane), ["ss-0", "ss-1", "ss-2"][..pods(&plane).len()]);
    assert!(pods(&plane).len() >= 2);
    plane.script.unhealthy.clear();
    plane.run_for(60);
    assert_eq!(pods(&plane), Vec::<String>::new());
}

#[test]
fn a_set_in_parallel_does_not_mind_who_is_ready() {
    let mut plane = Plane::new(1);
    plane.script.unhealthy.insert("web".into(), "no".into());
    plane.create("statefulsets.apps", stateful("Parallel", 1));
    plane.run_for(5);
    scale(&mut plane, 3);
    plane.run_for(10);
    assert_eq!(pods(&plane), ["ss-0", "ss-1", "ss-2"]);
    scale(&mut plane, 0);
    plane.run_for(20);
    assert_eq!(pods(&plane), Vec::<String>::new());
}

#[test]
fn a_pod_of_a_set_that_failed_for_good_is_made_again_under_its_name() {
    let mut plane = Plane::new(1);
    let mut wish = stateful("OrderedReady", 1);
    wish["spec"]["template"]["spec"]["containers"][0] = json!({"name": "web", "image": "nginx"});
    plane.create("statefulsets.apps", wish);
    plane.run_for(10);
    let uid = plane.get("pods", "ss-0")["metadata"]["uid"].clone();
    let mut failed = (**plane.get("pods", "ss-0")).clone();
    failed["status"]["phase"] = "Failed".into();
    failed["status"]["reason"] = "Evicted".into();
    plane
        .registry
        .update_status(&mut plane.store, "pods", &failed)
        .expect("it exists");
    plane.run_for(60);
    assert_ne!(plane.get("pods", "ss-0")["metadata"]["uid"], uid);
    assert_eq!(plane.ready_pods(), 1);
}

#[test]
fn a_replication_controller_is_made_scaled_and_ended_with_its_pods() {
    let mut plane = Plane::new(1);
    plane.create("replicationcontrollers", json!({
        "apiVersion": "v1", "kind": "ReplicationController", "metadata": {"name": "update-demo", "namespace": "default"},
        "spec": {
            "replicas": 2, "selector": {"name": "update-demo"},
            "template": {
                "metadata": {"labels": {"name": "update-demo"}},
                "spec": {"containers": [{"name": "c", "image": "nginx"}]},
            },
        },
    }));
    plane.run_for(5);
    assert_eq!(plane.ready_pods(), 2);
    for wanted in [1, 3] {
        plane.edit("replicationcontrollers", "update-demo", |set| {
            set["spec"]["replicas"] = wanted.into()
        });
        plane.run_for(10);
        assert_eq!(plane.ready_pods(), usize::try_from(wanted).expect("small"));
        assert_eq!(plane.list("pods").len(), plane.ready_pods());
    }
    plane.delete("replicationcontrollers", "update-demo");
    plane.run_for(40);
    assert_eq!(plane.list("pods").len(), 0);
}
