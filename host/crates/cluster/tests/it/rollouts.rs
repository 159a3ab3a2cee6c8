//! How a Deployment goes from one template to the next: its bounds, its deadline, its pauses. And
//! what becomes of pods whose node is deleted.

use super::plane::{Plane, condition, deployment};
use serde_json::{Value, json};

const KIND: &str = "deployments.apps";

fn edit(plane: &mut Plane, change: impl FnOnce(&mut Value)) {
    plane.edit(KIND, "my-nginx", change);
}

fn set_image(plane: &mut Plane, image: &str) {
    edit(plane, |deployment| {
        deployment["spec"]["template"]["spec"]["containers"][0]["image"] = image.into();
    });
}

fn progressing(plane: &Plane) -> (String, String, String) {
    let conditions = plane.get(KIND, "my-nginx")["status"]["conditions"]
        .as_array()
        .cloned();
    let mut conditions = conditions.into_iter().flatten();
    let found = conditions
        .find(|one| one["type"] == "Progressing")
        .expect("it is said");
    let text = |field: &str| found[field].as_str().unwrap_or_default().to_owned();
    (text("status"), text("reason"), text("message"))
}

fn images(plane: &Plane) -> Vec<String> {
    let image = |pod: &Value| {
        pod["spec"]["containers"][0]["image"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    plane.list("pods").iter().map(|pod| image(pod)).collect()
}

#[test]
fn an_update_that_does_not_come_on_in_time_is_said_to_have_failed_and_may_still_succeed() {
    let mut plane = Plane::new(1);
    let mut wish = deployment(2);
    wish["spec"]["progressDeadlineSeconds"] = 20.into();
    plane.create(KIND, wish);
    plane.run_for(10);
    assert_eq!(progressing(&plane).1, "NewReplicaSetAvailable");
    set_image(&mut plane, "nobody:1");
    plane.run_for(15);
    assert_eq!(
        (
            progressing(&plane).0.as_str(),
            progressing(&plane).1.as_str()
        ),
        ("True", "ReplicaSetUpdated")
    );
    plane.run_for(15);
    let (status, reason, message) = progressing(&plane);
    assert_eq!(
        (status.as_str(), reason.as_str()),
        ("False", "ProgressDeadlineExceeded")
    );
    assert!(
        message.starts_with("ReplicaSet \"my-nginx-")
            && message.ends_with("\" has timed out progressing."),
        "{message}"
    );
    // What was there goes on to serve.
    assert_eq!(condition(plane.get(KIND, "my-nginx"), "Available"), "True");
    set_image(&mut plane, "nginx:1.16.1");
    plane.run_for(30);
    assert_eq!(progressing(&plane).1, "NewReplicaSetAvailable");
}

#[test]
fn a_paused_deployment_scales_and_changes_nothing_else_until_it_is_resumed() {
    let mut plane = Plane::new(1);
    plane.create(KIND, deployment(2));
    plane.run_for(10);
    edit(&mut plane, |deployment| {
        deployment["spec"]["paused"] = true.into()
    });
    set_image(&mut plane, "nginx:1.16.1");
    plane.run_for(10);
    assert_eq!(images(&plane), ["nginx", "nginx"]);
    assert_eq!(
        progressing(&plane),
        (
            "Unknown".to_owned(),
            "DeploymentPaused".to_owned(),
            "Deployment is paused".to_owned()
        )
    );
    edit(&mut plane, |deployment| {
        deployment["spec"]["replicas"] = 3.into()
    });
    plane.run_for(10);
    assert_eq!(images(&plane), ["nginx", "nginx", "nginx"]);
    edit(&mut plane, |deployment| {
        deployment["spec"]["paused"] = false.into()
    });
    plane.run_for(40);
    assert_eq!(
        images(&plane),
        ["nginx:1.16.1", "nginx:1.16.1", "nginx:1.16.1"]
    );
    assert_eq!(progressing(&plane).1, "NewReplicaSetAvailable");
}

/// The most pods there were and the fewest that were available while an update went on.
fn bounds(replicas: i64, surge: Value, unavailable: Value) -> (usize, i64) {
    let mut plane = Plane::new(1);
    let mut wish = deployment(replicas);
    wish["spec"]["strategy"] = json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}});
    plane.create(KIND, wish);
    plane.run_for(20);
    set_image(&mut plane, "nginx:1.16.1");
    let (mut most, mut fewest) = (0, i64::MAX);
    for _ in 0..600 {
        plane.run_for_ms(100);
        let alive = plane
            .list("pods")
            .into_iter()
            .filter(|pod| pod["metadata"]["deletionTimestamp"].is_null());
        most = most.max(alive.count());
        let available = &plane.get(KIND, "my-nginx")["status"]["availableReplicas"];
        fewest = fewest.min(available.as_i64().unwrap_or(0));
    }
    assert_eq!(
        plane.get(KIND, "my-nginx")["status"]["updatedReplicas"],
        replicas
    );
    (most, fewest)
}

#[test]
fn parts_of_a_hundred_are_rounded_up_for_surge_and_down_for_unavailability() {
    // A quarter of five is two more and one less; of ten with three quarters eight more, seven less.
    assert_eq!(bounds(5, json!("25%"), json!("25%")), (7, 4));
    assert_eq!(bounds(4, json!(1), json!(0)), (5, 4));
    assert_eq!(bounds(4, json!(0), json!(1)), (4, 3));
    // Were both nothing, no update would ever come on: one may be missing then.
    assert_eq!(bounds(2, json!("0%"), json!("10%")), (2, 1));
}

#[test]
fn pods_of_a_deleted_node_are_removed_and_replaced() {
    let mut plane = Plane::new(2);
    plane.create(KIND, deployment(4));
    plane.run_for(10);
    plane.set_power("node-2", false);
    plane.delete("nodes", "node-2");
    plane.run_for(60);
    assert_eq!(plane.ready_pods(), 4);
    let nodes = plane
        .list("pods")
        .into_iter()
        .map(|pod| pod["spec"]["nodeName"].clone());
    assert!(
        nodes
            .collect::<Vec<_>>()
            .iter()
            .all(|node| node == "node-1")
    );
}

#[test]
fn a_cordoned_node_keeps_its_pods_and_gets_no_others() {
    let mut plane = Plane::new(2);
    plane.create(KIND, deployment(4));
    plane.run_for(10);
    let on_two = |plane: &Plane| {
        let pods = plane.list("pods");
        pods.iter()
            .filter(|pod| pod["spec"]["nodeName"] == "node-2")
            .count()
    };
    assert_eq!(on_two(&plane), 2);
    plane.edit("nodes", "node-2", |node| {
        node["spec"]["unschedulable"] = true.into()
    });
    edit(&mut plane, |deployment| {
        deployment["spec"]["replicas"] = 8.into()
    });
    plane.run_for(10);
    assert_eq!((on_two(&plane), plane.ready_pods()), (2, 8));
    plane.edit("nodes", "node-2", |node| {
        node["spec"]["unschedulable"] = false.into()
    });
    edit(&mut plane, |deployment| {
        deployment["spec"]["replicas"] = 12.into()
    });
    plane.run_for(10);
    assert_eq!(on_two(&plane), 6);
}
