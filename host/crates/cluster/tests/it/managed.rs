//! Who owns which field. Never compares more of an answer than the claim says.
//!
//! The expected `fieldsV1` were recorded from a Kubernetes 1.36 server.

use crate::fixture::{
    CONFIG_MAPS, DEPLOYMENTS, Lab, MY_NGINX, NGINX_SERVICE, PODS, SERVICES, json,
};
use cluster::Method::{self, Patch, Post, Put};
use serde_json::{Value, json as value};

const JSON: &str = "application/json-patch+json";
const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

/// The entry of a manager: its fields.
fn fields(object: &Value, manager: &str) -> Value {
    let entries = object["metadata"]["managedFields"].as_array();
    let mut entries = entries.into_iter().flatten();
    let found = entries.find(|entry| entry["manager"] == manager);
    found.map_or(Value::Null, |entry| entry["fieldsV1"].clone())
}

/// `manager operation subresource` of every entry, in order.
fn managers(object: &Value) -> Vec<String> {
    let entries = object["metadata"]["managedFields"].as_array();
    let words = |entry: &Value| {
        let word = |field: &str| entry[field].as_str().unwrap_or("-").to_owned();
        format!(
            "{} {} {}",
            word("manager"),
            word("operation"),
            word("subresource")
        )
    };
    entries.into_iter().flatten().map(words).collect()
}

fn send_as(
    lab: &mut Lab,
    method: Method,
    path: &str,
    type_: &str,
    body: &str,
    manager: &str,
) -> Value {
    let sign = if path.contains('?') { '&' } else { '?' };
    json(&lab.send(
        method,
        &format!("{path}{sign}fieldManager={manager}"),
        type_,
        body,
    ))
}

/// `kubectl apply -f` of the tutorial's Deployment.
fn applied_by_the_client(lab: &mut Lab, replicas: u8) -> Value {
    let mut object: Value = serde_json::from_str(MY_NGINX).expect("JSON");
    object["spec"]["replicas"] = replicas.into();
    let said = format!("{object}\n");
    object["metadata"]["annotations"] =
        value!({"kubectl.kubernetes.io/last-applied-configuration": said});
    let body = object.to_string();
    send_as(
        lab,
        Post,
        DEPLOYMENTS,
        "application/json",
        &body,
        "kubectl-client-side-apply",
    )
}

fn deployment() -> String {
    format!("{DEPLOYMENTS}/my-nginx")
}

#[test]
fn a_created_deployment_is_owned_with_its_defaults() {
    let mut lab = Lab::new();
    let object = applied_by_the_client(&mut lab, 2);
    assert_eq!(
        object["metadata"]["managedFields"][0]["time"],
        "2026-11-21T05:00:01Z"
    );
    let expected = value!({
        "f:metadata": {"f:annotations": {".": {}, "f:kubectl.kubernetes.io/last-applied-configuration": {}}},
        "f:spec": {
            "f:progressDeadlineSeconds": {}, "f:replicas": {}, "f:revisionHistoryLimit": {}, "f:selector": {},
            "f:strategy": {"f:rollingUpdate": {".": {}, "f:maxSurge": {}, "f:maxUnavailable": {}}, "f:type": {}},
            "f:template": {
                "f:metadata": {"f:labels": {".": {}, "f:run": {}}},
                "f:spec": {
                    "f:containers": {"k:{\"name\":\"my-nginx\"}": {
                        ".": {}, "f:image": {}, "f:imagePullPolicy": {}, "f:name": {},
                        "f:ports": {".": {}, "k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}, "f:protocol": {}}},
                        "f:resources": {}, "f:terminationMessagePath": {}, "f:terminationMessagePolicy": {},
                    }},
                    "f:dnsPolicy": {}, "f:restartPolicy": {}, "f:schedulerName": {}, "f:securityContext": {}, "f:terminationGracePeriodSeconds": {},
                },
            },
        },
    });
    assert_eq!(fields(&object, "kubectl-client-side-apply"), expected);
}

#[test]
fn what_the_server_adds_to_a_service_or_a_pod_is_nobodys() {
    let mut lab = Lab::new();
    let service = send_as(
        &mut lab,
        Post,
        SERVICES,
        "application/json",
        NGINX_SERVICE,
        "kubectl-expose",
    );
    let port = value!({".": {}, "f:port": {}, "f:protocol": {}, "f:targetPort": {}});
    assert_eq!(
        fields(&service, "kubectl-expose")["f:spec"],
        value!({
            "f:internalTrafficPolicy": {},
            "f:ports": {".": {}, "k:{\"port\":80,\"protocol\":\"TCP\"}": port},
            "f:selector": {}, "f:sessionAffinity": {}, "f:type": {},
        })
    );
    let pod = r#"{"kind":"Pod","apiVersion":"v1","metadata":{"name":"hrun","labels":{"run":"hrun"}},"spec":{"containers":[{"name":"hrun","image":"nginx:1.22","resources":{}}],"restartPolicy":"Always","dnsPolicy":"ClusterFirst"},"status":{}}"#;
    let pod = send_as(&mut lab, Post, PODS, "application/json", pod, "kubectl-run");
    assert_eq!(
        fields(&pod, "kubectl-run"),
        value!({
            "f:metadata": {"f:labels": {".": {}, "f:run": {}}},
            "f:spec": {
                "f:containers": {"k:{\"name\":\"hrun\"}": {
                    ".": {}, "f:image": {}, "f:imagePullPolicy": {}, "f:name": {}, "f:resources": {},
                    "f:terminationMessagePath": {}, "f:terminationMessagePolicy": {},
                }},
                "f:dnsPolicy": {}, "f:enableServiceLinks": {}, "f:restartPolicy": {}, "f:schedulerName": {},
                "f:securityContext": {}, "f:terminationGracePeriodSeconds": {},
            },
        })
    );
}

#[test]
fn a_change_moves_its_fields_to_who_made_it() {
    let mut lab = Lab::new();
    send_as(
        &mut lab,
        Post,
        SERVICES,
        "application/json",
        NGINX_SERVICE,
        "kubectl-expose",
    );
    let path = format!("{SERVICES}/my-nginx");
    let patch = r#"{"metadata":{"labels":{"a":"b"}}}"#;
    let object = send_as(&mut lab, Patch, &path, MERGE, patch, "kubectl-label");
    assert_eq!(
        fields(&object, "kubectl-label"),
        value!({"f:metadata": {"f:labels": {"f:a": {}}}})
    );
    let patch = r#"{"spec":{"type":"LoadBalancer"}}"#;
    let object = send_as(&mut lab, Patch, &path, STRATEGIC, patch, "kubectl-edit");
    let edited = fields(&object, "kubectl-edit");
    assert_eq!(
        edited["f:spec"],
        value!({"f:allocateLoadBalancerNodePorts": {}, "f:externalTrafficPolicy": {}, "f:type": {}})
    );
    assert!(
        fields(&object, "kubectl-expose")["f:spec"]
            .get("f:type")
            .is_none()
    );
}

#[test]
fn an_unnamed_client_is_known_by_the_first_word_of_its_agent() {
    let mut lab = Lab::new();
    let body = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"a":"1"}}"#;
    let mut request = cluster::Request::new(
        Post,
        CONFIG_MAPS,
        "application/json",
        body.as_bytes().to_vec(),
    );
    request.user_agent = "kubectl-1.34/v1.34.5 (linux/amd64) kubernetes/ebfac05".to_owned();
    let object = json(&lab.ask(request));
    assert_eq!(managers(&object), ["kubectl-1.34 Update -"]);
}

#[test]
fn applying_over_client_side_apply_takes_only_what_changes() {
    let mut lab = Lab::new();
    applied_by_the_client(&mut lab, 3);
    let object = send_as(
        &mut lab,
        Patch,
        &format!("{}?force=true", deployment()),
        APPLY,
        MY_NGINX,
        "kubectl",
    );
    assert_eq!(managers(&object)[0], "kubectl Apply -");
    let mine = fields(&object, "kubectl");
    assert_eq!(
        mine["f:spec"],
        value!({
            "f:replicas": {}, "f:selector": {},
            "f:template": {
                "f:metadata": {"f:labels": {"f:run": {}}},
                "f:spec": {"f:containers": {"k:{\"name\":\"my-nginx\"}": {
                    ".": {}, "f:image": {}, "f:name": {},
                    "f:ports": {"k:{\"containerPort\":80,\"protocol\":\"TCP\"}": {".": {}, "f:containerPort": {}}},
                }}},
            },
        })
    );
    let theirs = fields(&object, "kubectl-client-side-apply");
    assert!(theirs["f:spec"].get("f:replicas").is_none(), "{theirs}");
    assert!(theirs["f:spec"].get("f:selector").is_some(), "{theirs}");
}

#[test]
fn an_apply_that_changes_no_value_has_no_time() {
    let mut lab = Lab::new();
    let object = applied_by_the_client(&mut lab, 2);
    let said =
        &object["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"];
    let body = value!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "my-nginx", "annotations": {"kubectl.kubernetes.io/last-applied-configuration": said}},
    });
    let object = send_as(
        &mut lab,
        Patch,
        &deployment(),
        APPLY,
        &body.to_string(),
        "kubectl-last-applied",
    );
    let entry = &object["metadata"]["managedFields"][0];
    assert_eq!(entry["manager"], "kubectl-last-applied");
    assert!(entry.get("time").is_none(), "{entry}");
}

#[test]
fn two_who_want_the_same_field_conflict_until_one_insists() {
    let mut lab = Lab::new();
    send_as(&mut lab, Patch, &deployment(), APPLY, MY_NGINX, "one");
    let other = r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"my-nginx"},"spec":{"replicas":5}}"#;
    let answer = send_as(&mut lab, Patch, &deployment(), APPLY, other, "two");
    assert_eq!(
        answer,
        value!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": "Apply failed with 1 conflict: conflict with \"one\": .spec.replicas",
            "reason": "Conflict",
            "details": {"causes": [{"reason": "FieldManagerConflict", "message": "conflict with \"one\"", "field": ".spec.replicas"}]},
            "code": 409,
        })
    );
    let object = send_as(
        &mut lab,
        Patch,
        &format!("{}?force=true", deployment()),
        APPLY,
        other,
        "two",
    );
    assert_eq!(object["spec"]["replicas"], 5);
    assert!(fields(&object, "one")["f:spec"].get("f:replicas").is_none());
    // Whoever wants the same value shares it.
    let object = send_as(&mut lab, Patch, &deployment(), APPLY, other, "three");
    assert_eq!(fields(&object, "two"), fields(&object, "three"));
}

#[test]
fn conflicts_name_every_manager_and_field() {
    let mut lab = Lab::new();
    applied_by_the_client(&mut lab, 3);
    let path = format!("{}/scale", deployment());
    send_as(
        &mut lab,
        Patch,
        &path,
        MERGE,
        r#"{"spec":{"replicas":4}}"#,
        "kubectl",
    );
    let body = MY_NGINX.replace("\"nginx\"", "\"nginx:1.16.1\"");
    let answer = send_as(&mut lab, Patch, &deployment(), APPLY, &body, "me");
    assert_eq!(
        answer["message"],
        "Apply failed with 2 conflicts: conflicts with \"kubectl\" with subresource \"scale\" using apps/v1:\n- .spec.replicas\nconflicts with \"kubectl-client-side-apply\" using apps/v1:\n- .spec.template.spec.containers[name=\"my-nginx\"].image"
    );
}

#[test]
fn what_is_no_longer_applied_goes_unless_another_wants_it() {
    let mut lab = Lab::new();
    let path = format!("{CONFIG_MAPS}/c");
    let map = |data: &str| {
        format!(
            r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"c"}},"data":{data}}}"#
        )
    };
    send_as(
        &mut lab,
        Patch,
        &path,
        APPLY,
        &map(r#"{"a":"1","b":"2"}"#),
        "one",
    );
    send_as(&mut lab, Patch, &path, APPLY, &map(r#"{"b":"2"}"#), "two");
    send_as(
        &mut lab,
        Patch,
        &path,
        MERGE,
        r#"{"data":{"c":"3"}}"#,
        "hand",
    );
    let object = send_as(
        &mut lab,
        Patch,
        &path,
        APPLY,
        r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"}}"#,
        "one",
    );
    assert_eq!(object["data"], value!({"b": "2", "c": "3"}));
    assert_eq!(managers(&object), ["two Apply -", "hand Update -"]);
}

#[test]
fn elements_of_a_list_are_owned_one_by_one() {
    let mut lab = Lab::new();
    let path = format!("{SERVICES}/s");
    let service = |ports: &str| {
        format!(
            r#"{{"apiVersion":"v1","kind":"Service","metadata":{{"name":"s"}},"spec":{{"ports":{ports}}}}}"#
        )
    };
    send_as(
        &mut lab,
        Patch,
        &path,
        APPLY,
        &service(r#"[{"name":"a","port":80},{"name":"b","port":81}]"#),
        "one",
    );
    let object = send_as(
        &mut lab,
        Patch,
        &path,
        APPLY,
        &service(r#"[{"name":"c","port":82}]"#),
        "two",
    );
    let ports = |object: &Value| -> Vec<i64> {
        let ports = object["spec"]["ports"].as_array();
        ports
            .into_iter()
            .flatten()
            .filter_map(|port| port["port"].as_i64())
            .collect()
    };
    assert_eq!(ports(&object), [80, 81, 82]);
    let object = send_as(
        &mut lab,
        Patch,
        &path,
        APPLY,
        &service(r#"[{"name":"b","port":81}]"#),
        "one",
    );
    assert_eq!(ports(&object), [81, 82]);
}

#[test]
fn kubectl_moves_the_owners_of_client_side_apply_by_a_patch() {
    let mut lab = Lab::new();
    let object = applied_by_the_client(&mut lab, 2);
    let mut entry = object["metadata"]["managedFields"][0].clone();
    entry["manager"] = "kubectl".into();
    entry["operation"] = "Apply".into();
    let patch = |version: &Value| {
        value!([
            {"op": "replace", "path": "/metadata/managedFields", "value": [entry]},
            {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
        ])
        .to_string()
    };
    let stale = send_as(
        &mut lab,
        Patch,
        &deployment(),
        JSON,
        &patch(&"1".into()),
        "kubectl",
    );
    assert_eq!(stale["code"], 409);
    let version = lab.get(&deployment())["metadata"]["resourceVersion"].clone();
    let object = send_as(
        &mut lab,
        Patch,
        &deployment(),
        JSON,
        &patch(&version),
        "kubectl",
    );
    assert_eq!(managers(&object)[0], "kubectl Apply -");
    assert!(fields(&object, "kubectl-client-side-apply").is_null());
    // The next apply lets go of the defaults, which come back and belong to nobody.
    let object = send_as(
        &mut lab,
        Patch,
        &format!("{}?force=true", deployment()),
        APPLY,
        MY_NGINX,
        "kubectl",
    );
    assert_eq!(object["spec"]["progressDeadlineSeconds"], 600);
    assert!(
        fields(&object, "kubectl")["f:spec"]
            .get("f:progressDeadlineSeconds")
            .is_none()
    );
}

#[test]
fn managers_are_forgotten_when_told_so() {
    for reset in ["[{}]", "[]"] {
        let mut lab = Lab::new();
        applied_by_the_client(&mut lab, 2);
        let patch = format!(r#"{{"metadata":{{"managedFields":{reset}}}}}"#);
        let object = send_as(&mut lab, Patch, &deployment(), MERGE, &patch, "hand");
        assert!(
            fields(&object, "kubectl-client-side-apply").is_null(),
            "{object}"
        );
    }
}

#[test]
fn a_status_is_managed_apart() {
    let mut lab = Lab::new();
    applied_by_the_client(&mut lab, 2);
    let path = format!("{}/status", deployment());
    let patch = r#"{"status":{"collisionCount":3},"spec":{"replicas":9}}"#;
    let object = send_as(&mut lab, Patch, &path, MERGE, patch, "hand");
    assert_eq!(
        fields(&object, "hand"),
        value!({"f:status": {"f:collisionCount": {}}})
    );
    assert!(managers(&object).contains(&"hand Update status".to_owned()));
    assert_eq!(object["spec"]["replicas"], 2);
}

#[test]
fn the_clusters_own_entries_are_worked_out_when_asked_for() {
    let mut lab = Lab::new();
    applied_by_the_client(&mut lab, 2);
    let object = lab.get(&deployment());
    assert_eq!(
        managers(&object),
        [
            "kube-controller-manager Update status",
            "kubectl-client-side-apply Update -"
        ]
    );
    let theirs = fields(&object, "kube-controller-manager");
    assert_eq!(
        theirs["f:metadata"],
        value!({"f:annotations": {"f:deployment.kubernetes.io/revision": {}}})
    );
    assert!(theirs["f:status"]["f:observedGeneration"].is_object());
    let sets = lab.get("/apis/apps/v1/namespaces/default/replicasets");
    let made = fields(&sets["items"][0], "kube-controller-manager");
    assert_eq!(
        made["f:metadata"]["f:annotations"],
        value!({".": {}, "f:deployment.kubernetes.io/desired-replicas": {}, "f:deployment.kubernetes.io/max-replicas": {}, "f:deployment.kubernetes.io/revision": {}})
    );
    // In the store nothing of it is kept.
    let stored = lab.cluster.store().list("replicasets.apps", None).next();
    assert!(stored.is_some_and(|object| object["metadata"].get("managedFields").is_none()));
}

#[test]
fn what_no_schema_declares_cannot_be_applied() {
    let mut lab = Lab::new();
    let table = [
        (
            r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"my-nginx"},"spec":{"foo":1}}"#,
            500,
            "failed to create typed patch object (default/my-nginx; apps/v1, Kind=Deployment): .spec.foo: field not declared in schema",
        ),
        (
            r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"my-nginx"},"spec":{"replicas":"x"}}"#,
            500,
            "failed to create typed patch object (default/my-nginx; apps/v1, Kind=Deployment): .spec.replicas: expected numeric (int or float), got string",
        ),
        (
            r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"my-nginx"}}"#,
            400,
            "invalid object type: /v1, Kind=Pod",
        ),
        (
            r#"{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"my-nginx","managedFields":[]}}"#,
            400,
            "metadata.managedFields must be nil",
        ),
    ];
    for (body, code, message) in table {
        let answer = send_as(&mut lab, Patch, &deployment(), APPLY, body, "me");
        assert_eq!(answer["message"], message);
        assert_eq!(answer["code"], code);
    }
    let answer = json(&lab.send(Patch, &format!("{}?force=true", deployment()), MERGE, "{}"));
    assert_eq!(
        answer["message"],
        "PatchOptions.meta.k8s.io \"\" is invalid: force: Forbidden: may not be specified for non-apply patch"
    );
}

#[test]
fn an_apply_that_changes_nothing_writes_nothing() {
    let mut lab = Lab::new();
    send_as(&mut lab, Patch, &deployment(), APPLY, MY_NGINX, "kubectl");
    let before = lab.cluster.revision();
    lab.now += clock::Duration::from_secs(5);
    send_as(&mut lab, Patch, &deployment(), APPLY, MY_NGINX, "kubectl");
    assert_eq!(lab.cluster.revision(), before);
}

#[test]
fn the_oldest_of_too_many_updaters_become_one() {
    let mut lab = Lab::new();
    lab.create(
        CONFIG_MAPS,
        r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"a":"1"}}"#,
    );
    let path = format!("{CONFIG_MAPS}/c");
    for number in 0..12 {
        lab.now += clock::Duration::from_secs(1);
        let patch = format!(r#"{{"data":{{"k{number}":"1"}}}}"#);
        send_as(&mut lab, Patch, &path, MERGE, &patch, &format!("m{number}"));
    }
    let object = lab.get(&path);
    let all = managers(&object);
    assert_eq!(all.len(), 10);
    assert_eq!(all[0], "ancient-changes Update -");
    assert!(
        fields(&object, "ancient-changes")["f:data"]
            .get("f:k0")
            .is_some()
    );
}

#[test]
fn a_watch_and_a_long_list_carry_clients_managers_only() {
    let mut lab = Lab::new();
    applied_by_the_client(&mut lab, 2);
    let request = cluster::Request::get(&format!("{DEPLOYMENTS}?watch=true"));
    let cluster::Body::Watch(id) = lab.ask(request).body else {
        panic!("a watch")
    };
    let cluster::WatchPoll::Lines(lines) = lab.cluster.poll_watch(lab.now, id) else {
        panic!("a deployment")
    };
    let line = lines
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let event: Value = serde_json::from_slice(line).expect("JSON");
    assert_eq!(
        managers(&event["object"]),
        ["kubectl-client-side-apply Update -"]
    );
}

#[test]
fn a_replacement_forgets_fields_that_are_gone() {
    let mut lab = Lab::new();
    let map = |data: &str| {
        format!(
            r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"c"}},"data":{data}}}"#
        )
    };
    send_as(
        &mut lab,
        Post,
        CONFIG_MAPS,
        "application/json",
        &map(r#"{"a":"1","b":"2"}"#),
        "one",
    );
    let object = send_as(
        &mut lab,
        Put,
        &format!("{CONFIG_MAPS}/c"),
        "application/json",
        &map(r#"{"a":"1","c":"3"}"#),
        "two",
    );
    assert_eq!(
        fields(&object, "one"),
        value!({"f:data": {".": {}, "f:a": {}}})
    );
    assert_eq!(fields(&object, "two"), value!({"f:data": {"f:c": {}}}));
}
