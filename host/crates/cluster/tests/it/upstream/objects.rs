//! The lives of objects at the API: made, found, changed, told their status, deleted together.

use crate::fixture::{CONFIG_MAPS, Lab, MY_NGINX, PODS, json};
use cluster::Method;
use serde_json::{Value, json as value};

const MERGE: &str = "application/merge-patch+json";

fn workload(kind: &str, name: &str) -> Value {
    let mut object: Value = serde_json::from_str(MY_NGINX).expect("a manifest");
    object["kind"] = kind.into();
    object["metadata"] = value!({"name": name, "namespace": "default", "labels": {"test": "yes"}});
    if kind == "StatefulSet" {
        object["spec"]["serviceName"] = "web".into();
    }
    object
}

fn path(plural: &str) -> String {
    format!("/apis/apps/v1/namespaces/default/{plural}")
}

const WORKLOADS: [(&str, &str); 3] = [
    ("Deployment", "deployments"),
    ("ReplicaSet", "replicasets"),
    ("StatefulSet", "statefulsets"),
];

fn names(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().expect("a list");
    items
        .iter()
        .filter_map(|item| item["metadata"]["name"].as_str())
        .collect()
}

#[test]
fn workloads_are_scaled_by_a_subresource_that_can_be_read_replaced_and_patched() {
    for (kind, plural) in WORKLOADS {
        let mut lab = Lab::new();
        lab.create(&path(plural), &workload(kind, "web").to_string());
        let scale = format!("{}/web/scale", path(plural));
        let mut read = lab.get(&scale);
        assert_eq!(read["kind"], "Scale", "{plural}");
        assert_eq!(read["spec"]["replicas"], 2, "{plural}");
        assert_eq!(read["status"]["selector"], "run=my-nginx", "{plural}");
        read["spec"]["replicas"] = 1.into();
        let put = lab.send(Method::Put, &scale, "application/json", &read.to_string());
        assert_eq!(
            (put.status, json(&put)["spec"]["replicas"].clone()),
            (200, 1.into()),
            "{plural}"
        );
        let patched = lab.patch(&scale, MERGE, r#"{"spec":{"replicas":4}}"#);
        assert_eq!(patched["spec"]["replicas"], 4, "{plural}");
        assert_eq!(
            lab.get(&format!("{}/web", path(plural)))["spec"]["replicas"],
            4,
            "{plural}"
        );
    }
}

#[test]
fn a_status_is_read_replaced_and_patched_apart_from_the_rest() {
    for (kind, plural) in WORKLOADS {
        let mut lab = Lab::new();
        lab.create(&path(plural), &workload(kind, "web").to_string());
        let own = format!("{}/web", path(plural));
        let at = format!("{own}/status");
        let condition = |reason: &str| value!([{"type": "StatusUpdate", "status": "True", "reason": reason, "message": "Set from a test"}]);
        let mut read = lab.get(&at);
        read["status"]["conditions"] = condition("Put");
        read["spec"]["replicas"] = 9.into();
        let put = lab.send(Method::Put, &at, "application/json", &read.to_string());
        assert_eq!(put.status, 200, "{plural}: {}", json(&put));
        let now = lab.get(&own);
        let has = |object: &Value, reason: &str| {
            let conditions = object["status"]["conditions"].as_array();
            conditions.is_some_and(|all| all.iter().any(|one| one["reason"] == reason))
        };
        assert!(has(&now, "Put"), "{plural}: {}", now["status"]);
        assert_eq!(
            now["spec"]["replicas"], 2,
            "{plural}: only the status counts"
        );
        let patch = value!({"status": {"conditions": condition("Patch")}, "spec": {"replicas": 9}});
        let patched = lab.patch(&at, MERGE, &patch.to_string());
        assert!(has(&patched, "Patch"), "{plural}");
        assert_eq!(lab.get(&own)["spec"]["replicas"], 2, "{plural}");
    }
}

#[test]
fn workloads_are_replaced_patched_listed_by_label_and_deleted_together() {
    for (kind, plural) in WORKLOADS {
        let mut lab = Lab::new();
        for name in ["one", "two", "three"] {
            lab.create(&path(plural), &workload(kind, name).to_string());
        }
        let one = format!("{}/one", path(plural));
        let patch = value!({"metadata": {"labels": {"test": "patched"}}, "spec": {"replicas": 3}});
        let patched = lab.patch(&one, MERGE, &patch.to_string());
        assert_eq!(patched["metadata"]["labels"]["test"], "patched", "{plural}");
        let mut next = lab.get(&one);
        next["metadata"]["labels"]["test"] = "yes".into();
        next["spec"]["template"]["spec"]["containers"][0]["image"] = "nginx:1.16.1".into();
        let put = lab.send(Method::Put, &one, "application/json", &next.to_string());
        assert_eq!(put.status, 200, "{plural}");
        assert_eq!(json(&put)["spec"]["replicas"], 3, "{plural}");
        let everywhere = lab.get(&format!("/apis/apps/v1/{plural}?labelSelector=test%3Dyes"));
        assert_eq!(names(&everywhere), ["one", "three", "two"], "{plural}");
        let selected = format!("{}?labelSelector=test%3Dyes", path(plural));
        let gone = lab.send(Method::Delete, &selected, "application/json", "");
        assert_eq!(gone.status, 200, "{plural}");
        assert_eq!(
            names(&lab.get(&path(plural))),
            Vec::<&str>::new(),
            "{plural}"
        );
    }
}

#[test]
fn config_maps_and_secrets_are_changed_listed_and_deleted_together() {
    for (kind, plural) in [("ConfigMap", "configmaps"), ("Secret", "secrets")] {
        let mut lab = Lab::new();
        let at = format!("/api/v1/namespaces/default/{plural}");
        let object = value!({
            "apiVersion": "v1", "kind": kind,
            "metadata": {"name": "one", "labels": {"test": "static"}}, "data": {"valueName": "dmFsdWU="},
        });
        lab.create(&at, &object.to_string());
        let one = format!("{at}/one");
        let patch = value!({"metadata": {"labels": {"test": "patched"}}, "data": {"valueName": "dmFsdWUx"}});
        let patched = lab.patch(&one, MERGE, &patch.to_string());
        assert_eq!(patched["data"]["valueName"], "dmFsdWUx");
        let everywhere = lab.get(&format!("/api/v1/{plural}?labelSelector=test%3Dpatched"));
        assert_eq!(names(&everywhere), ["one"]);
        let mut next = lab.get(&one);
        next["data"]["valueName"] = "dmFsdWUy".into();
        next["data"]["other"] = "eA==".into();
        let put = lab.send(Method::Put, &one, "application/json", &next.to_string());
        assert_eq!(
            json(&put)["data"],
            value!({"other": "eA==", "valueName": "dmFsdWUy"})
        );
        let gone = format!("{at}?labelSelector=test%3Dpatched");
        assert_eq!(
            lab.send(Method::Delete, &gone, "application/json", "")
                .status,
            200
        );
        assert_eq!(
            names(&lab.get(&format!("{at}?labelSelector=test"))),
            Vec::<&str>::new()
        );
    }
}

#[test]
fn an_empty_key_is_refused() {
    let mut lab = Lab::new();
    for (kind, path, value) in [
        ("ConfigMap", CONFIG_MAPS, "value"),
        ("Secret", "/api/v1/namespaces/default/secrets", "dmFsdWU="),
    ] {
        let object = value!({"apiVersion": "v1", "kind": kind, "metadata": {"name": "e"}, "data": {"": value}});
        let response = lab.send(Method::Post, path, "application/json", &object.to_string());
        assert_eq!(response.status, 422, "{kind}");
        let message = json(&response)["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert!(message.contains("data[]: Invalid value: \"\""), "{message}");
    }
}

fn pod(name: &str, resources: Value) -> Value {
    value!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"time": "1"}, "generation": 100},
        "spec": {"containers": [{"name": "c", "image": "nginx", "resources": resources}]},
    })
}

#[test]
fn a_pod_counts_its_generations_itself_from_one() {
    let mut lab = Lab::new();
    let made = lab.create(PODS, &pod("p", value!({})).to_string());
    assert_eq!(made["metadata"]["generation"], 1);
    let at = format!("{PODS}/p");
    let counted =
        |lab: &mut Lab, patch: &str| lab.patch(&at, MERGE, patch)["metadata"]["generation"].clone();
    assert_eq!(
        counted(&mut lab, r#"{"metadata":{"labels":{"time":"2"}}}"#),
        1
    );
    assert_eq!(counted(&mut lab, r#"{"metadata":{"generation":100}}"#), 1);
    assert_eq!(
        counted(&mut lab, r#"{"spec":{"activeDeadlineSeconds":500}}"#),
        2
    );
    let image = r#"{"spec":{"containers":[{"name":"c","image":"nginx:1.16.1"}]}}"#;
    let patched = lab.patch(&at, "application/strategic-merge-patch+json", image);
    assert_eq!(patched["metadata"]["generation"], 3);
    // Marking it for deletion is a change of what is wished.
    let going = lab.send(Method::Delete, &at, "application/json", "");
    assert_eq!(json(&going)["metadata"]["generation"], 4);
}

#[test]
fn a_pod_is_classed_by_its_requests_and_limits() {
    let mut lab = Lab::new();
    let both = value!({"cpu": "100m", "memory": "100Mi"});
    let cases = [
        (
            "guaranteed",
            value!({"limits": both, "requests": both}),
            "Guaranteed",
        ),
        ("limited", value!({"limits": both}), "Guaranteed"),
        ("burstable", value!({"requests": both}), "Burstable"),
        ("effortless", value!({}), "BestEffort"),
    ];
    for (name, resources, class) in cases {
        let made = lab.create(PODS, &pod(name, resources).to_string());
        assert_eq!(made["status"]["qosClass"], class, "{name}");
    }
}

#[test]
fn pods_are_changed_found_told_a_status_and_deleted_together() {
    let mut lab = Lab::new();
    for name in ["one", "two", "three"] {
        lab.create(PODS, &pod(name, value!({})).to_string());
    }
    let one = format!("{PODS}/one");
    let mut next = lab.get(&one);
    next["metadata"]["labels"]["time"] = "2".into();
    let put = lab.send(Method::Put, &one, "application/json", &next.to_string());
    assert_eq!(put.status, 200);
    assert_eq!(
        names(&lab.get(&format!("{PODS}?labelSelector=time%3D2"))),
        ["one"]
    );
    let status = value!({"status": {"message": "Patched by a test", "reason": "E2E"}});
    let patched = lab.patch(&format!("{one}/status"), MERGE, &status.to_string());
    assert_eq!(patched["status"]["message"], "Patched by a test");
    assert_eq!(lab.get(&format!("{one}/status"))["status"]["reason"], "E2E");
    let gone = format!("{PODS}?labelSelector=time%3D1&gracePeriodSeconds=0");
    assert_eq!(
        lab.send(Method::Delete, &gone, "application/json", "")
            .status,
        200
    );
    assert_eq!(names(&lab.get(PODS)), ["one"]);
}

#[test]
fn a_node_may_be_made_changed_and_deleted_by_hand() {
    let mut lab = Lab::new();
    let nodes = "/api/v1/nodes";
    let node = value!({
        "apiVersion": "v1", "kind": "Node", "metadata": {"name": "fake", "labels": {"e2e": "yes"}},
        "spec": {"unschedulable": true},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True", "reason": "E2E", "message": "Set from a test"}]},
    });
    lab.create(nodes, &node.to_string());
    let fake = format!("{nodes}/fake");
    assert_eq!(lab.get(&fake)["status"]["conditions"][0]["reason"], "E2E");
    lab.patch(&fake, MERGE, r#"{"metadata":{"labels":{"e2e":"patched"}}}"#);
    assert_eq!(
        names(&lab.get(&format!("{nodes}?labelSelector=e2e%3Dpatched"))),
        ["fake"]
    );
    let status = format!("{fake}/status");
    let patch = r#"{"status":{"conditions":[{"type":"Ready","status":"True","reason":"Patched","message":"x"}]}}"#;
    lab.patch(&status, MERGE, patch);
    assert_eq!(
        lab.get(&fake)["status"]["conditions"][0]["reason"],
        "Patched"
    );
    let mut next = lab.get(&fake);
    next["metadata"]["labels"]["e2e"] = "put".into();
    assert_eq!(
        lab.send(Method::Put, &fake, "application/json", &next.to_string())
            .status,
        200
    );
    let gone = format!("{nodes}?labelSelector=e2e%3Dput");
    assert_eq!(
        lab.send(Method::Delete, &gone, "application/json", "")
            .status,
        200
    );
    assert_eq!(names(&lab.get(nodes)), ["node-1", "node-2"]);
}
