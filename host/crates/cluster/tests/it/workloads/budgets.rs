//! How many pods may go, and what an eviction is answered. Words as a Kubernetes 1.36 server has them.

use crate::fixture::{Lab, PODS, json as body};
use crate::plane::{Plane, deployment};
use cluster::Method::Post;
use serde_json::{Value, json};

pub(super) fn budget() -> Value {
    json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"name": "pdb", "namespace": "default"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"run": "my-nginx"}}},
    })
}

fn numbers(plane: &Plane) -> [i64; 4] {
    let status = &plane.get("poddisruptionbudgets.policy", "pdb")["status"];
    [
        "expectedPods",
        "currentHealthy",
        "desiredHealthy",
        "disruptionsAllowed",
    ]
    .map(|field| status[field].as_i64().expect("a number"))
}

#[test]
fn a_budget_counts_as_its_spec_says() {
    for (spec, expected) in [
        (json!({"minAvailable": 2}), [4, 4, 2, 2]),
        (json!({"minAvailable": "50%"}), [4, 4, 2, 2]),
        (json!({"maxUnavailable": 1}), [4, 4, 3, 1]),
        (json!({"maxUnavailable": "30%"}), [4, 4, 2, 2]),
        (json!({"minAvailable": 9}), [4, 4, 9, 0]),
    ] {
        let mut plane = Plane::new(2);
        plane.create("deployments.apps", deployment(4));
        let mut wish = budget();
        wish["spec"] = spec.clone();
        wish["spec"]["selector"] = json!({"matchLabels": {"run": "my-nginx"}});
        plane.create("poddisruptionbudgets.policy", wish);
        plane.run_for(5);
        assert_eq!(numbers(&plane), expected, "{spec}");
        let status = &plane.get("poddisruptionbudgets.policy", "pdb")["status"];
        let condition = &status["conditions"][0];
        let word = if expected[3] > 0 {
            "SufficientPods"
        } else {
            "InsufficientPods"
        };
        assert_eq!(
            (&condition["type"], &condition["reason"]),
            (&json!("DisruptionAllowed"), &json!(word))
        );
        assert_eq!(status["observedGeneration"], 1);
    }
}

#[test]
fn a_budget_without_pods_says_so_and_one_over_daemons_cannot_be_counted() {
    let mut plane = Plane::new(1);
    plane.create("poddisruptionbudgets.policy", budget());
    plane.run_for(1);
    assert_eq!(plane.events("pdb"), ["NoPods No matching pods found"]);
    plane.create("daemonsets.apps", super::daemonsets::set());
    plane.edit("poddisruptionbudgets.policy", "pdb", |budget| {
        budget["spec"] = json!({"maxUnavailable": 1, "selector": {}});
    });
    plane.run_for(5);
    let status = &plane.get("poddisruptionbudgets.policy", "pdb")["status"];
    assert_eq!(status["conditions"][0]["reason"], "SyncFailed");
    assert_eq!(
        plane.events("pdb")[1],
        "CalculateExpectedPodCountFailed Failed to calculate the number of expected pods: daemonsets.apps does not implement the scale subresource"
    );
}

fn evict(lab: &mut Lab, pod: &str, query: &str, options: Value) -> (u16, Value) {
    let eviction = json!({
        "apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod},
        "deleteOptions": options,
    });
    let path = format!("{PODS}/{pod}/eviction{query}");
    let response = lab.send(Post, &path, "application/json", &eviction.to_string());
    (response.status, body(&response))
}

/// A lab where two pods run, by decree.
fn running() -> Lab {
    let mut lab = Lab::new();
    for name in ["a", "b"] {
        let pod = json!({
            "metadata": {"name": name, "labels": {"run": "my-nginx"}},
            "spec": {"nodeName": "node-1", "containers": [{"name": "c", "image": "nginx"}]},
        });
        lab.create(PODS, &pod.to_string());
        let status = json!({"status": {
            "phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
        }});
        let path = format!("{PODS}/{name}/status");
        lab.patch(&path, "application/merge-patch+json", &status.to_string());
    }
    lab.create(
        "/apis/policy/v1/namespaces/default/poddisruptionbudgets",
        &budget().to_string(),
    );
    lab
}

#[test]
fn an_eviction_is_granted_once_and_then_refused_with_its_cause() {
    let mut lab = running();
    let path = "/apis/policy/v1/namespaces/default/poddisruptionbudgets/pdb";
    assert_eq!(lab.get(path)["status"]["disruptionsAllowed"], 1);
    assert_eq!(evict(&mut lab, "a", "", Value::Null).0, 201);
    let gone = lab.get(&format!("{PODS}/a"));
    assert!(!gone["metadata"]["deletionTimestamp"].is_null(), "{gone}");
    let target = gone["status"]["conditions"]
        .as_array()
        .expect("conditions")
        .last()
        .cloned();
    assert_eq!(target.expect("one")["reason"], "EvictionByEvictionAPI");
    let (status, refusal) = evict(&mut lab, "b", "", Value::Null);
    assert_eq!(status, 429);
    assert_eq!(
        refusal,
        json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": "Cannot evict pod as it would violate the pod's disruption budget.",
            "reason": "TooManyRequests", "code": 429,
            "details": {"causes": [{
                "reason": "DisruptionBudget",
                "message": "The disruption budget pdb needs 1 healthy pods and has 1 currently",
            }]},
        })
    );
}

#[test]
fn a_dry_run_evicts_nobody_and_spends_nothing() {
    let mut lab = running();
    for (query, options) in [
        ("?dryRun=All", Value::Null),
        ("", json!({"dryRun": ["All"]})),
    ] {
        assert_eq!(evict(&mut lab, "a", query, options).0, 201);
        let pod = lab.get(&format!("{PODS}/a"));
        assert!(pod["metadata"]["deletionTimestamp"].is_null());
    }
    assert_eq!(evict(&mut lab, "a", "", Value::Null).0, 201);
}

#[test]
fn two_budgets_over_one_pod_are_too_many() {
    let mut lab = running();
    let mut second = budget();
    second["metadata"]["name"] = "second".into();
    lab.create(
        "/apis/policy/v1/namespaces/default/poddisruptionbudgets",
        &second.to_string(),
    );
    let (status, refusal) = evict(&mut lab, "a", "", Value::Null);
    assert_eq!(status, 500);
    assert_eq!(
        refusal["message"],
        "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
    );
}
