//! Pods with names that last. Words and fields as a Kubernetes 1.36 server has them.

use super::{images, name, pods};
use crate::plane::{Plane, condition};
use serde_json::{Value, json};

pub(super) fn set(replicas: i64) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet",
        "metadata": {"name": "db", "namespace": "default"},
        "spec": {
            "serviceName": "db", "replicas": replicas,
            "selector": {"matchLabels": {"app": "db"}},
            "template": {
                "metadata": {"labels": {"app": "db"}},
                "spec": {"terminationGracePeriodSeconds": 1, "containers": [{"name": "c", "image": "nginx"}]},
            },
        },
    })
}

fn status(plane: &Plane) -> &Value {
    &plane.get("statefulsets.apps", "db")["status"]
}

fn retemplate(plane: &mut Plane, image: &str) {
    plane.edit("statefulsets.apps", "db", |set| {
        set["spec"]["template"]["spec"]["containers"][0]["image"] = image.into();
    });
}

#[test]
fn pods_come_one_after_the_other_and_say_who_they_are() {
    let mut plane = Plane::new(2);
    plane.script.unhealthy.insert("c".into(), "not yet".into());
    let mut wish = set(2);
    wish["spec"]["template"]["spec"]["containers"][0]["readinessProbe"] =
        json!({"tcpSocket": {"port": 80}, "periodSeconds": 1});
    plane.create("statefulsets.apps", wish);
    plane.run_for(10);
    assert_eq!(pods(&plane), ["db-0"], "the second waits for the first");
    plane.script.unhealthy.clear();
    plane.run_for(10);
    assert_eq!(pods(&plane), ["db-0", "db-1"]);
    let revision = name(plane.list("controllerrevisions.apps")[0]).to_owned();
    let pod = plane.get("pods", "db-1");
    assert_eq!(
        pod["metadata"]["labels"],
        json!({
            "app": "db", "apps.kubernetes.io/pod-index": "1", "controller-revision-hash": revision,
            "statefulset.kubernetes.io/pod-name": "db-1",
        })
    );
    assert_eq!(pod["metadata"]["generateName"], "db-");
    assert_eq!(
        (&pod["spec"]["hostname"], &pod["spec"]["subdomain"]),
        (&json!("db-1"), &json!("db"))
    );
    assert_eq!(
        status(&plane),
        &json!({
            "availableReplicas": 2, "collisionCount": 0, "currentReplicas": 2,
            "currentRevision": revision, "observedGeneration": 1, "readyReplicas": 2,
            "replicas": 2, "updateRevision": revision, "updatedReplicas": 2,
        })
    );
    assert_eq!(
        plane.events("db"),
        [
            "SuccessfulCreate create Pod db-0 in StatefulSet db successful",
            "SuccessfulCreate create Pod db-1 in StatefulSet db successful",
        ]
    );
}

#[test]
fn in_parallel_nobody_waits_and_both_ends_move_at_once() {
    let mut plane = Plane::new(2);
    let mut wish = set(3);
    wish["spec"]["podManagementPolicy"] = "Parallel".into();
    plane.create("statefulsets.apps", wish);
    plane.run_for_ms(0);
    assert_eq!(pods(&plane), ["db-0", "db-1", "db-2"]);
    plane.run_for(5);
    plane.edit("statefulsets.apps", "db", |set| {
        set["spec"]["replicas"] = 0.into();
    });
    plane.run_for_ms(0);
    let going = plane.list("pods");
    assert!(
        going
            .iter()
            .all(|pod| !pod["metadata"]["deletionTimestamp"].is_null())
    );
}

#[test]
fn a_set_shrinks_from_the_top_one_at_a_time() {
    let mut plane = Plane::new(2);
    plane.create("statefulsets.apps", set(3));
    plane.run_for(20);
    assert_eq!(status(&plane)["readyReplicas"], 3);
    plane.edit("statefulsets.apps", "db", |set| {
        set["spec"]["replicas"] = 1.into();
    });
    plane.run_for_ms(0);
    let going = |plane: &Plane| -> Vec<String> {
        let pods = plane.list("pods");
        let going = pods
            .iter()
            .filter(|pod| !pod["metadata"]["deletionTimestamp"].is_null());
        going.map(|pod| name(pod).to_owned()).collect()
    };
    assert_eq!(going(&plane), ["db-2"]);
    plane.run_for(10);
    assert_eq!(pods(&plane), ["db-0"]);
    let events = plane.events("db");
    assert_eq!(
        events[3..],
        [
            "SuccessfulDelete delete Pod db-2 in StatefulSet db successful",
            "SuccessfulDelete delete Pod db-1 in StatefulSet db successful",
        ]
    );
}

#[test]
fn an_update_goes_from_the_top_to_the_partition_and_back_by_the_old_revision() {
    let mut plane = Plane::new(2);
    plane.create("statefulsets.apps", set(3));
    plane.run_for(20);
    let first = status(&plane)["currentRevision"].clone();
    plane.edit("statefulsets.apps", "db", |set| {
        set["spec"]["updateStrategy"]["rollingUpdate"]["partition"] = 2.into();
    });
    retemplate(&mut plane, "nginx:1.16.1");
    plane.run_for(20);
    let image = |plane: &Plane| -> Vec<String> {
        images(plane).into_iter().map(|(_, image)| image).collect()
    };
    assert_eq!(image(&plane), ["nginx", "nginx", "nginx:1.16.1"]);
    assert_eq!(status(&plane)["currentRevision"], first);
    assert_eq!(
        (
            &status(&plane)["currentReplicas"],
            &status(&plane)["updatedReplicas"]
        ),
        (&json!(2), &json!(1))
    );
    // Below the partition a lost pod comes back as it was.
    plane.delete("pods", "db-0");
    plane.run_for(10);
    assert_eq!(image(&plane)[0], "nginx");
    plane.edit("statefulsets.apps", "db", |set| {
        set["spec"]["updateStrategy"]["rollingUpdate"]["partition"] = 0.into();
    });
    plane.run_for(30);
    assert_eq!(image(&plane), ["nginx:1.16.1"; 3]);
    assert_ne!(status(&plane)["currentRevision"], first);
    assert_eq!(
        status(&plane)["currentRevision"],
        status(&plane)["updateRevision"]
    );
    retemplate(&mut plane, "nginx");
    plane.run_for(30);
    assert_eq!(image(&plane), ["nginx"; 3]);
    assert_eq!(status(&plane)["currentRevision"], first);
    let revisions = plane.list("controllerrevisions.apps");
    let mut numbers: Vec<i64> = revisions
        .iter()
        .filter_map(|revision| revision["revision"].as_i64())
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [2, 3], "the old revision has moved to the end");
}

#[test]
fn on_delete_waits_for_somebody_to_delete() {
    let mut plane = Plane::new(1);
    let mut wish = set(2);
    wish["spec"]["updateStrategy"] = json!({"type": "OnDelete"});
    plane.create("statefulsets.apps", wish);
    plane.run_for(20);
    retemplate(&mut plane, "nginx:1.16.1");
    plane.run_for(20);
    assert!(images(&plane).iter().all(|(_, image)| image == "nginx"));
    plane.delete("pods", "db-1");
    plane.run_for(10);
    assert_eq!(images(&plane)[1].1, "nginx:1.16.1");
    assert_eq!(images(&plane)[0].1, "nginx");
}

#[test]
fn history_is_kept_to_its_limit() {
    let mut plane = Plane::new(1);
    let mut wish = set(1);
    wish["spec"]["revisionHistoryLimit"] = 1.into();
    plane.create("statefulsets.apps", wish);
    plane.run_for(10);
    for image in ["nginx:1.16.1", "busybox:1.28", "nginx:latest"] {
        retemplate(&mut plane, image);
        plane.run_for(20);
    }
    let revisions = plane.list("controllerrevisions.apps");
    assert_eq!(revisions.len(), 2, "one live and one to go back to");
    assert!(revisions.iter().all(|one| {
        one["data"]["spec"]["template"]["$patch"] == "replace"
            && one["metadata"]["ownerReferences"][0]["kind"] == "StatefulSet"
    }));
}

#[test]
fn a_pod_that_is_lost_comes_back_under_its_name() {
    let mut plane = Plane::new(1);
    plane.create("statefulsets.apps", set(2));
    plane.run_for(20);
    let uid = plane.get("pods", "db-0")["metadata"]["uid"].clone();
    plane.delete("pods", "db-0");
    plane.run_for(10);
    let pod = plane.get("pods", "db-0");
    assert_ne!(pod["metadata"]["uid"], uid);
    assert_eq!(condition(pod, "Ready"), "True");
}

#[test]
fn everything_goes_with_the_set() {
    let mut plane = Plane::new(1);
    plane.create("statefulsets.apps", set(2));
    plane.run_for(20);
    plane.delete("statefulsets.apps", "db");
    plane.run_for(10);
    assert_eq!(pods(&plane), [] as [&str; 0]);
    assert!(plane.list("controllerrevisions.apps").is_empty());
}

#[test]
fn claims_are_made_before_the_pod_and_outlive_it() {
    let mut plane = Plane::new(1);
    let mut wish = set(1);
    wish["spec"]["volumeClaimTemplates"] = json!([{
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }]);
    plane.create("statefulsets.apps", wish);
    plane.run_for(5);
    assert_eq!(
        plane.events("db"),
        [
            "SuccessfulCreate create Claim data-db-0 Pod db-0 in StatefulSet db success",
            "SuccessfulCreate create Pod db-0 in StatefulSet db successful",
        ]
    );
    assert_eq!(
        plane.get("pods", "db-0")["spec"]["volumes"][0],
        json!({"name": "data", "persistentVolumeClaim": {"claimName": "data-db-0"}})
    );
    let claim = plane.get("persistentvolumeclaims", "data-db-0");
    assert_eq!(claim["metadata"]["labels"], json!({"app": "db"}));
    plane.delete("statefulsets.apps", "db");
    plane.run_for(5);
    assert!(
        plane
            .try_get("persistentvolumeclaims", "data-db-0")
            .is_some()
    );
}

#[test]
fn pods_that_were_left_behind_are_taken_over_by_the_next_set_of_the_name() {
    let mut plane = Plane::new(1);
    plane.create("statefulsets.apps", set(2));
    plane.run_for(20);
    let uids = |plane: &Plane| -> Vec<Value> {
        let pods = plane.list("pods");
        pods.iter()
            .map(|pod| pod["metadata"]["uid"].clone())
            .collect()
    };
    let before = uids(&plane);
    let deletion = cluster::registry::Deletion {
        orphan: true,
        ..Default::default()
    };
    let now = plane.now;
    plane
        .registry
        .delete(
            &mut plane.store,
            now,
            "statefulsets.apps",
            "default",
            "db",
            deletion,
        )
        .expect("it exists");
    plane.run_for(5);
    assert!(plane.try_get("statefulsets.apps", "db").is_none());
    let owned = |plane: &Plane| {
        let pods = plane.list("pods");
        let owners = pods
            .iter()
            .map(|pod| pod["metadata"]["ownerReferences"].is_array());
        owners.filter(|owned| *owned).count()
    };
    assert_eq!((uids(&plane), owned(&plane)), (before.clone(), 0));
    plane.create("statefulsets.apps", set(2));
    plane.run_for(20);
    assert_eq!((uids(&plane), owned(&plane)), (before, 2));
    assert_eq!(status(&plane)["readyReplicas"], 2);
}

#[test]
fn a_headless_service_knows_its_pods_by_name() {
    let mut plane = Plane::new(1);
    plane.create(
        "services",
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "db", "namespace": "default"},
            "spec": {"clusterIP": "None", "selector": {"app": "db"}, "ports": [{"port": 80}]},
        }),
    );
    plane.create("statefulsets.apps", set(2));
    plane.run_for(20);
    let records = cluster::dns::records(&plane.store);
    for (pod, at) in [("db-0", 2), ("db-1", 3)] {
        let known = records
            .a
            .get(&format!("{pod}.db.default.svc.cluster.local"));
        assert_eq!(
            known.map(Vec::as_slice),
            Some(&[std::net::Ipv4Addr::new(10, 244, 0, at)][..]),
            "{pod}"
        );
    }
}
