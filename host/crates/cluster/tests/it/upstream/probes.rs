//! Probes of every way of asking, init containers, and what an end means.

use crate::plane::{Plane, condition, pod};
use serde_json::{Value, json};

fn restarts(plane: &Plane) -> u64 {
    let status = &plane.get("pods", "p")["status"]["containerStatuses"][0];
    status["restartCount"].as_u64().expect("a number")
}

const WAYS: [&str; 3] = ["httpGet", "tcpSocket", "exec"];

fn probe(way: &str) -> Value {
    let handler = match way {
        "httpGet" => json!({"path": "/healthz", "port": 8080}),
        "tcpSocket" => json!({"port": 8080}),
        _ => json!({"command": ["cat", "/tmp/health"]}),
    };
    json!({way: handler, "initialDelaySeconds": 5, "periodSeconds": 3, "failureThreshold": 1})
}

#[test]
fn a_container_that_is_alive_is_never_restarted_however_it_is_asked() {
    for way in WAYS {
        let mut plane = Plane::new(1);
        plane.create("pods", pod("p", json!({"livenessProbe": probe(way)})));
        plane.run_for(240);
        assert_eq!(restarts(&plane), 0, "{way}");
        assert_eq!(plane.ready_pods(), 1, "{way}");
    }
}

#[test]
fn a_container_that_stops_being_alive_is_restarted_however_it_is_asked() {
    for way in WAYS {
        let mut plane = Plane::new(1);
        plane.create("pods", pod("p", json!({"livenessProbe": probe(way)})));
        plane.run_for(10);
        assert_eq!(restarts(&plane), 0, "{way}");
        plane.script.unhealthy.insert("c".into(), "no".into());
        plane.run_for(20);
        assert!(restarts(&plane) >= 1, "{way}");
    }
}

#[test]
fn the_count_of_restarts_only_grows() {
    let mut plane = Plane::new(1);
    plane.script.unhealthy.insert("c".into(), "no".into());
    plane.create("pods", pod("p", json!({"livenessProbe": probe("httpGet")})));
    let mut seen = 0;
    for _ in 0..300 {
        plane.run_for(2);
        if plane.get("pods", "p")["status"]["containerStatuses"].is_array() {
            assert!(restarts(&plane) >= seen);
            seen = restarts(&plane);
        }
    }
    assert!(seen >= 5, "{seen}");
}

#[test]
fn a_pod_is_not_ready_before_its_probe_may_ask() {
    let mut plane = Plane::new(1);
    let probe = json!({"httpGet": {"port": 80}, "initialDelaySeconds": 30, "periodSeconds": 5});
    plane.create("pods", pod("p", json!({"readinessProbe": probe})));
    plane.run_for(30);
    assert_eq!(condition(plane.get("pods", "p"), "Ready"), "False");
    plane.run_for(15);
    assert_eq!(condition(plane.get("pods", "p"), "Ready"), "True");
    assert_eq!(restarts(&plane), 0);
}

#[test]
fn a_pod_whose_readiness_fails_is_never_ready_and_never_restarted() {
    let mut plane = Plane::new(1);
    plane.script.unhealthy.insert("c".into(), "no".into());
    let probe =
        json!({"exec": {"command": ["/bin/false"]}, "initialDelaySeconds": 5, "periodSeconds": 5});
    plane.create("pods", pod("p", json!({"readinessProbe": probe})));
    for _ in 0..60 {
        plane.run_for(3);
        assert_eq!(condition(plane.get("pods", "p"), "Ready"), "False");
    }
    assert_eq!(restarts(&plane), 0);
}

/// A pod with two init containers, of which the second ends with this code.
fn with_inits(policy: &str, code: i32, seconds: u64) -> Plane {
    let mut plane = Plane::new(1);
    for name in ["init1", "init2"] {
        let code = if name == "init2" { code } else { 0 };
        plane.script.exits.insert(name.into(), (10, code));
    }
    if policy == "Never" {
        plane.script.exits.insert("c".into(), (10, 0));
    }
    let mut wish = pod("p", json!({}));
    wish["spec"]["restartPolicy"] = policy.into();
    wish["spec"]["initContainers"] = json!([
        {"name": "init1", "image": "busybox:1.28"}, {"name": "init2", "image": "busybox:1.28"},
    ]);
    plane.create("pods", wish);
    plane.run_for(seconds);
    plane
}

#[test]
fn init_containers_run_one_by_one_before_the_others_under_every_policy() {
    for (policy, phase) in [("Always", "Running"), ("Never", "Succeeded")] {
        let plane = with_inits(policy, 0, 10);
        let status = &plane.get("pods", "p")["status"];
        assert_eq!(status["phase"], phase);
        assert_eq!(condition(plane.get("pods", "p"), "Initialized"), "True");
        for at in 0..2 {
            let init = &status["initContainerStatuses"][at];
            assert_eq!(init["ready"], true);
            assert_eq!(init["state"]["terminated"]["exitCode"], 0);
        }
    }
}

#[test]
fn a_failed_init_container_is_tried_again_or_fails_the_pod_and_the_others_never_start() {
    let plane = with_inits("Always", 1, 60);
    let status = &plane.get("pods", "p")["status"];
    assert_eq!(status["phase"], "Pending");
    assert!(status["initContainerStatuses"][1]["restartCount"].as_u64() >= Some(2));
    assert_eq!(
        status["containerStatuses"][0]["state"]["waiting"]["reason"],
        "PodInitializing"
    );
    let plane = with_inits("Never", 1, 60);
    let status = &plane.get("pods", "p")["status"];
    assert_eq!(status["phase"], "Failed");
    assert_eq!(
        status["initContainerStatuses"][1]["state"]["terminated"]["exitCode"],
        1
    );
    assert_eq!(
        status["containerStatuses"][0]["state"]["waiting"]["reason"],
        "PodInitializing"
    );
    assert_eq!(condition(plane.get("pods", "p"), "Initialized"), "False");
}

#[test]
fn an_end_is_told_by_policy_and_code() {
    // Policy, code; then the phase, whether it was started again, whether it is ready.
    for (policy, code, phase, again) in [
        ("Always", 0, "Running", true),
        ("OnFailure", 1, "Running", true),
        ("OnFailure", 0, "Succeeded", false),
        ("Never", 1, "Failed", false),
        ("Never", 0, "Succeeded", false),
    ] {
        let mut plane = Plane::new(1);
        plane.script.exits.insert("c".into(), (10, code));
        let mut wish = pod("p", json!({}));
        wish["spec"]["restartPolicy"] = policy.into();
        plane.create("pods", wish);
        plane.run_for(60);
        let status = &plane.get("pods", "p")["status"];
        let container = &status["containerStatuses"][0];
        assert_eq!(status["phase"], phase, "{policy} {code}");
        assert_eq!(restarts(&plane) > 0, again, "{policy} {code}");
        assert_eq!(container["ready"], false, "{policy} {code}");
        let ended = if again {
            &container["lastState"]
        } else {
            &container["state"]
        };
        let reason = if code == 0 { "Completed" } else { "Error" };
        assert_eq!(ended["terminated"]["reason"], reason, "{policy} {code}");
    }
}

#[test]
fn a_pod_that_always_fails_can_be_deleted() {
    let mut plane = Plane::new(1);
    plane.script.exits.insert("c".into(), (10, 1));
    plane.create("pods", pod("p", json!({})));
    plane.run_for(20);
    plane.delete("pods", "p");
    plane.run_for(5);
    assert!(plane.try_get("pods", "p").is_none());
}

#[test]
fn generations_told_by_the_kubelet_reach_those_of_the_spec() {
    let mut plane = Plane::new(1);
    plane.create("pods", pod("p", json!({})));
    plane.run_for(4);
    for number in 0..500 {
        plane.edit("pods", "p", |pod| {
            pod["spec"]["activeDeadlineSeconds"] = (10_000 - number).into()
        });
    }
    plane.run_for(2);
    let pod = plane.get("pods", "p");
    assert_eq!(pod["metadata"]["generation"], 501);
    assert_eq!(pod["status"]["observedGeneration"], 501);
}

#[test]
fn each_pod_stays_on_a_tainted_node_for_as_long_as_it_tolerates() {
    let mut plane = Plane::new(1);
    for (name, seconds) in [("short", 5), ("long", 25)] {
        let mut wish = pod(name, json!({}));
        wish["spec"]["tolerations"] = json!([
            {"key": "evict", "operator": "Equal", "value": "yes", "effect": "NoExecute", "tolerationSeconds": seconds},
        ]);
        plane.create("pods", wish);
    }
    plane.create("pods", pod("none", json!({})));
    plane.run_for(5);
    assert_eq!(plane.ready_pods(), 3);
    let added = plane.now;
    let time = cluster::registry::time(crate::plane::EPOCH, added);
    plane.edit("nodes", "node-1", |node| {
        node["spec"]["taints"] =
            json!([{"key": "evict", "value": "yes", "effect": "NoExecute", "timeAdded": time}]);
    });
    plane.run_for(3);
    let there =
        |plane: &Plane| ["none", "short", "long"].map(|name| plane.try_get("pods", name).is_some());
    assert_eq!(there(&plane), [false, true, true]);
    plane.run_for(7);
    assert_eq!(there(&plane), [false, false, true]);
    plane.run_for(20);
    assert_eq!(there(&plane), [false, false, false]);
}
