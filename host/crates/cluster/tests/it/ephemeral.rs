//! Containers that join a running pod: what may be asked for, and what a kubelet makes of it.

use crate::fixture::{Lab, PODS, json};
use crate::plane::{Plane, condition, pod};
use cluster::Body;
use cluster::Method::{Patch, Post, Put};
use cluster::kubelet::Command;
use serde_json::json as value;

const STRATEGIC: &str = "application/strategic-merge-patch+json";

fn lab() -> (Lab, String) {
    let mut lab = Lab::new();
    lab.create(PODS, "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, image: nginx}]}}");
    (lab, format!("{PODS}/p/ephemeralcontainers"))
}

fn joining(container: &str) -> String {
    format!("{{\"spec\": {{\"ephemeralContainers\": [{container}]}}}}")
}

#[test]
fn a_patch_adds_a_container_with_the_defaults_of_one_and_nothing_else() {
    let (mut lab, path) = lab();
    let body = r#"{"metadata": {"labels": {"a": "b"}}, "spec": {"nodeName": "x", "ephemeralContainers": [{"name": "look", "image": "busybox"}]}}"#;
    let pod = lab.patch(&path, STRATEGIC, body);
    assert_eq!(
        pod["spec"]["ephemeralContainers"],
        value!([{
            "name": "look", "image": "busybox", "imagePullPolicy": "Always", "resources": {},
            "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
        }])
    );
    assert_eq!(pod["metadata"].get("labels"), None);
    assert_ne!(pod["spec"]["nodeName"], "x");
    assert_eq!(pod["metadata"]["generation"], 2);
    let second = joining(r#"{"name": "again", "image": "busybox:1.36"}"#);
    let pod = lab.patch(&path, STRATEGIC, &second);
    let list = pod["spec"]["ephemeralContainers"].as_array();
    assert_eq!(list.map(Vec::len), Some(2), "{pod}");
    assert_eq!(lab.get(&path)["spec"], pod["spec"]);
}

#[test]
fn what_joined_stays_as_it_is() {
    let (mut lab, path) = lab();
    lab.patch(
        &path,
        STRATEGIC,
        &joining(r#"{"name": "look", "image": "busybox"}"#),
    );
    let changed = lab.send(
        Patch,
        &path,
        STRATEGIC,
        &joining(r#"{"name": "look", "image": "alpine"}"#),
    );
    assert_eq!(changed.status, 422);
    let said = json(&changed)["message"].to_string();
    assert!(
        said.contains(
            r#"spec.ephemeralContainers: Forbidden: existing ephemeral containers \"look\" may not be changed"#
        ),
        "{said}"
    );
    let mut pod = lab.get(&format!("{PODS}/p"));
    pod["spec"]["ephemeralContainers"] = value!([]);
    let removed = lab.send(Put, &path, "application/json", &pod.to_string());
    let said = json(&removed)["message"].to_string();
    assert!(said.contains("may not be removed"), "{said}");
}

#[test]
fn a_container_that_joins_is_checked() {
    let (mut lab, path) = lab();
    for (container, why) in [
        (
            r#"{"name": "c", "image": "busybox"}"#,
            r#"spec.ephemeralContainers[0].name: Duplicate value: "c""#,
        ),
        (
            r#"{"name": "x", "image": "busybox", "targetContainerName": "nosuch"}"#,
            r#"spec.ephemeralContainers[0].targetContainerName: Not found: "nosuch""#,
        ),
        (
            r#"{"name": "x", "image": "busybox", "ports": [{"containerPort": 80}]}"#,
            "spec.ephemeralContainers[0].ports: Forbidden: cannot be set for an Ephemeral Container",
        ),
        (
            r#"{"name": "x"}"#,
            "spec.ephemeralContainers[0].image: Required value",
        ),
    ] {
        lab.refused(
            Patch,
            &path,
            &joining(container),
            422,
            &format!("Pod \"p\" is invalid: {why}"),
        );
    }
    lab.refused(
        Post,
        PODS,
        "{apiVersion: v1, kind: Pod, metadata: {name: q}, spec: {containers: [{name: c, image: nginx}], ephemeralContainers: [{name: e, image: busybox}]}}",
        422,
        "Pod \"q\" is invalid: spec.ephemeralContainers: Forbidden: cannot be set on create",
    );
}

#[test]
fn it_runs_beside_the_others_once_and_does_not_decide_how_the_pod_is() {
    let mut plane = Plane::new(1);
    plane.script.exits.insert("look".into(), (8_000, 1));
    plane.create("pods", pod("p", value!({"image": "nginx"})));
    plane.run_for(5);
    plane.edit("pods", "p", |pod| {
        pod["spec"]["ephemeralContainers"] =
            value!([{"name": "look", "image": "nginx", "imagePullPolicy": "IfNotPresent"}]);
    });
    plane.run_for(4);
    let of = |plane: &Plane| plane.get("pods", "p")["status"]["ephemeralContainerStatuses"].clone();
    let running = of(&plane);
    assert!(running[0]["state"]["running"].is_object(), "{running}");
    assert_eq!(running[0]["ready"], false);
    assert_eq!(running[0].get("started"), None);
    plane.run_for(30);
    let ended = of(&plane);
    assert_eq!(ended[0]["state"]["terminated"]["exitCode"], 1, "{ended}");
    assert_eq!(ended[0]["restartCount"], 0);
    let pod = plane.get("pods", "p");
    assert_eq!(pod["status"]["phase"], "Running");
    assert_eq!(condition(pod, "Ready"), "True");
    let started = |(_, command): &&(_, Command)| matches!(command, Command::StartContainer(order) if order.container == "look");
    assert_eq!(plane.commands.iter().filter(started).count(), 1);
    let events = plane.events("p");
    assert!(events.iter().any(|event| event.contains("Started")));
}

#[test]
fn a_pod_that_is_over_does_not_wait_for_who_looks_at_it() {
    let mut plane = Plane::new(1);
    plane.script.exits.insert("c".into(), (20_000, 0));
    let mut wish = pod("p", value!({"image": "nginx"}));
    wish["spec"]["restartPolicy"] = "Never".into();
    plane.create("pods", wish);
    plane.run_for(5);
    plane.edit("pods", "p", |pod| {
        pod["spec"]["ephemeralContainers"] =
            value!([{"name": "look", "image": "nginx", "imagePullPolicy": "IfNotPresent"}]);
    });
    plane.run_for(60);
    let status = &plane.get("pods", "p")["status"];
    assert_eq!(status["phase"], "Succeeded");
    let look = &status["ephemeralContainerStatuses"][0]["state"];
    assert!(look["terminated"].is_object(), "{look}");
}

#[test]
fn one_that_joined_is_asked_for_by_its_name() {
    let (mut lab, path) = lab();
    lab.patch(
        &path,
        STRATEGIC,
        &joining(r#"{"name": "look", "image": "busybox"}"#),
    );
    lab.refused(
        Post,
        &format!("{PODS}/p/exec?command=ls&stdout=true&container=nosuch"),
        "",
        400,
        "container nosuch is not valid for pod p",
    );
    let known = lab.send(
        Post,
        &format!("{PODS}/p/exec?command=ls&stdout=true&container=look"),
        "",
        "",
    );
    let Body::Bytes(said) = known.body else {
        panic!("nothing runs yet")
    };
    assert_eq!(said, b"container not found (\"look\")");
}
