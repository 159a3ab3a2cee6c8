//! Conversations with containers: when they can be had, and what is said when not.

use crate::fixture::{Lab, PODS, json};
use cluster::Method::Put;
use cluster::{Body, Request, StreamRequest};
use serde_json::{Value, json as value};

fn lab_with(state: &Value) -> Lab {
    let mut lab = Lab::new();
    lab.create(PODS, "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {nodeName: node-1, containers: [{name: c, image: nginx}]}}");
    let mut pod = lab.get(&format!("{PODS}/p"));
    pod["status"] = value!({"phase": "Running", "containerStatuses": [{"name": "c", "ready": true, "restartCount": 0, "image": "nginx", "imageID": "", "state": state}]});
    let answer = lab.send(
        Put,
        &format!("{PODS}/p/status"),
        "application/json",
        &pod.to_string(),
    );
    assert_eq!(answer.status, 200);
    lab
}

#[test]
fn a_running_container_can_be_talked_to() {
    let mut lab = lab_with(&value!({"running": {}}));
    let response = lab.ask(Request::get(&format!(
        "{PODS}/p/exec?command=ls&command=-l&stdout=true&stderr=true&tty=false"
    )));
    let Body::Stream(stream) = response.body else {
        panic!("{response:?}")
    };
    assert_eq!(
        stream,
        StreamRequest::Exec {
            namespace: "default".into(),
            pod: "p".into(),
            container: "c".into(),
            command: vec!["ls".into(), "-l".into()],
            stdin: false,
            stdout: true,
            stderr: true,
            tty: false,
        }
    );
    let response = lab.ask(Request::get(&format!(
        "{PODS}/p/log?container=c&tailLines=3&follow=true"
    )));
    let Body::Stream(StreamRequest::Log { tail, follow, .. }) = response.body else {
        panic!("{response:?}")
    };
    assert_eq!((tail, follow), (Some(3), true));
}

#[test]
fn a_container_that_does_not_run_is_not_found() {
    let mut lab = lab_with(&value!({"waiting": {"reason": "ImagePullBackOff"}}));
    let exec = lab.ask(Request::get(&format!(
        "{PODS}/p/exec?command=ls&stdout=true"
    )));
    assert_eq!(
        (exec.status, exec.bytes()),
        (500, b"container not found (\"c\")".as_slice())
    );
    let attach = lab.ask(Request::get(&format!("{PODS}/p/attach?stdout=true")));
    assert_eq!(
        (attach.status, attach.bytes()),
        (500, b"container c not found in pod p_default".as_slice())
    );
}

#[test]
fn the_numbers_of_a_log_request_are_checked() {
    let mut lab = lab_with(&value!({"running": {}}));
    let mut ask = |query: &str| lab.ask(Request::get(&format!("{PODS}/p/log?{query}")));
    for (query, message) in [
        (
            "tailLines=-1",
            "PodLogOptions \"p\" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            "limitBytes=0",
            "PodLogOptions \"p\" is invalid: limitBytes: Invalid value: 0: must be greater than 0",
        ),
        (
            "sinceSeconds=5&sinceTime=2026-11-21T05:00:00Z",
            "PodLogOptions \"p\" is invalid: : Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified",
        ),
        (
            "tailLines=x",
            "strconv.ParseInt: parsing \"x\": invalid syntax",
        ),
    ] {
        assert_eq!(json(&ask(query))["message"], message, "{query}");
    }
    let Body::Stream(StreamRequest::Log { since_time, .. }) =
        ask("sinceTime=1970-01-01T00:00:02Z").body
    else {
        panic!("a log")
    };
    assert_eq!(since_time, Some(2_000_000_000));
}

#[track_caller]
fn check_log(state: &Value, query: &str, message: &str) {
    let mut lab = lab_with(state);
    let answer = lab.ask(Request::get(&format!("{PODS}/p/log?{query}")));
    assert_eq!(answer.status, 400);
    assert_eq!(json(&answer)["message"], message);
    assert_eq!(json(&answer)["reason"], "BadRequest");
}

#[test]
fn logs_that_cannot_be_read_say_why() {
    let pulling = value!({"waiting": {"reason": "ErrImagePull"}});
    check_log(
        &pulling,
        "",
        "container \"c\" in pod \"p\" is waiting to start: image can't be pulled",
    );
    let creating = value!({"waiting": {"reason": "ContainerCreating"}});
    check_log(
        &creating,
        "",
        "container \"c\" in pod \"p\" is waiting to start: ContainerCreating",
    );
    let running = value!({"running": {}});
    check_log(
        &running,
        "previous=true",
        "previous terminated container \"c\" in pod \"p\" not found",
    );
    check_log(
        &running,
        "container=d",
        "container d is not valid for pod p",
    );
}

#[test]
fn a_missing_pod_is_not_found_by_exec_either() {
    let answer = Lab::new().get(&format!("{PODS}/nosuchpod/exec?command=ls&stdout=true"));
    assert_eq!(answer["message"], "pods \"nosuchpod\" not found");
}

#[test]
fn one_of_several_containers_has_to_be_named() {
    let mut lab = Lab::new();
    lab.create(PODS, "{apiVersion: v1, kind: Pod, metadata: {name: two}, spec: {containers: [{name: a, image: nginx}, {name: b, image: nginx}]}}");
    let answer = lab.get(&format!("{PODS}/two/log"));
    assert_eq!(
        answer["message"],
        "a container name must be specified for pod two, choose one of: [a b]"
    );
}
