//! Kinds that nothing here acts on: kept, shown or answered, and honest about it.

use crate::fixture::{Lab, json, warnings};
use cluster::Method::{Delete, Get, Patch, Post};
use cluster::kind::KINDS;
use cluster::{Body, Request, WatchPoll};
use serde_json::{Value, json as value};

const HPA_1: &str = "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers";
const HPA_2: &str = "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers";
const EVENTS: &str = "/apis/events.k8s.io/v1/namespaces/default/events";

fn collection(kind: &dyn cluster::kind::Kind) -> String {
    let names = kind.names();
    let prefix = match names.group {
        "" => "/api/v1".to_owned(),
        group => format!("/apis/{group}/{}", names.version),
    };
    match names.namespaced {
        true => format!("{prefix}/namespaces/default/{}", names.plural),
        false => format!("{prefix}/{}", names.plural),
    }
}

#[test]
fn every_kind_that_can_be_listed_is_listed_in_every_form() {
    let mut lab = Lab::new();
    for kind in KINDS.iter().filter(|kind| kind.verbs().contains(&"list")) {
        let names = kind.names();
        let list = lab.get(&collection(*kind));
        assert_eq!(list["kind"], format!("{}List", names.kind));
        assert_eq!(list["apiVersion"], names.api_version());
        let mut request = Request::get(&collection(*kind));
        request.accept = "application/json;as=Table;v=v1;g=meta.k8s.io".to_owned();
        assert_eq!(json(&lab.ask(request))["kind"], "Table", "{kind:?}");
    }
}

#[test]
fn what_is_kept_in_vain_is_told_when_it_is_written() {
    let class = value!({
        "apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass",
        "metadata": {"name": "p"}, "handler": "runc",
    });
    let path = "/apis/node.k8s.io/v1/runtimeclasses";
    let mut lab = Lab::new();
    let answer = lab.send(Post, path, "application/json", &class.to_string());
    assert_eq!(answer.status, 201);
    let told = "299 - \"not in this lab: runtimes besides its own\"";
    assert_eq!(warnings(&answer), [told]);
    let merge = "application/merge-patch+json";
    let path = format!("{path}/p");
    let labelled = lab.send(Patch, &path, merge, r#"{"metadata":{"labels":{"a":"b"}}}"#);
    assert_eq!(warnings(&labelled), [] as [&str; 0]);
}

#[test]
fn what_cannot_be_kept_is_refused_and_can_be_read() {
    let mut lab = Lab::new();
    for kind in KINDS.iter().filter(|kind| kind.read_only().is_some()) {
        let names = kind.names();
        if !kind.verbs().contains(&"create") {
            continue;
        }
        let object = value!({
            "apiVersion": names.api_version(), "kind": names.kind, "metadata": {"name": "x"},
        });
        let path = collection(*kind);
        let answer = lab.send(Post, &path, "application/json", &object.to_string());
        let status = json(&answer);
        assert_eq!(answer.status, 405, "{status}");
        let message = status["message"].as_str().unwrap_or_default();
        assert!(message.starts_with("not in this lab: "), "{message}");
        let missing = lab.send(Delete, &format!("{path}/nosuch"), "", "");
        assert_eq!(missing.status, 404, "{kind:?}");
    }
}

#[test]
fn unserved_ways_into_an_object_are_refused_honestly() {
    let mut lab = Lab::new();
    let cases = [
        (
            Get,
            "/api/v1/namespaces/default/services/kubernetes/proxy/a/b",
            "services/proxy",
        ),
        (Get, "/api/v1/nodes/node-1/proxy/stats", "nodes/proxy"),
    ];
    for (method, path, what) in cases {
        let answer = lab.send(method, path, "application/json", "{}");
        assert_eq!(answer.status, 405, "{path}");
        assert_eq!(json(&answer)["message"], format!("not in this lab: {what}"));
    }
}

#[test]
fn a_new_cluster_has_its_priorities_roles_and_network() {
    let mut lab = Lab::new();
    let names = |list: &Value| -> Vec<String> {
        let items = list["items"].as_array().into_iter().flatten();
        items
            .filter_map(|one| one["metadata"]["name"].as_str().map(str::to_owned))
            .collect()
    };
    let classes = lab.get("/apis/scheduling.k8s.io/v1/priorityclasses");
    assert_eq!(
        names(&classes),
        ["system-cluster-critical", "system-node-critical"]
    );
    assert_eq!(classes["items"][1]["value"], 2_000_001_000);
    let networks = lab.get("/apis/networking.k8s.io/v1/servicecidrs");
    assert_eq!(
        networks["items"][0]["spec"],
        value!({"cidrs": ["10.96.0.0/12"]})
    );
    let roles = lab.get("/apis/rbac.authorization.k8s.io/v1/clusterroles");
    let roles = names(&roles);
    for name in ["admin", "cluster-admin", "edit", "system:discovery", "view"] {
        assert!(roles.iter().any(|role| role == name), "{roles:?}");
    }
}

#[test]
fn an_autoscaler_of_version_1_is_one_of_version_2() {
    let mut lab = Lab::new();
    let scaler = value!({
        "apiVersion": "autoscaling/v1", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "a"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"},
            "maxReplicas": 5, "targetCPUUtilizationPercentage": 70,
        },
    });
    let first = lab.create(HPA_1, &scaler.to_string());
    assert_eq!(first["apiVersion"], "autoscaling/v1");
    assert_eq!(first["spec"]["targetCPUUtilizationPercentage"], 70);
    let second = lab.get(&format!("{HPA_2}/a"));
    let metric = &second["spec"]["metrics"][0]["resource"];
    assert_eq!(
        metric["target"],
        value!({"type": "Utilization", "averageUtilization": 70})
    );
    let mut request = Request::get(HPA_1);
    request.accept = "application/json;as=Table;v=v1;g=meta.k8s.io".to_owned();
    let table = json(&lab.ask(request));
    let cells = &table["rows"][0]["cells"];
    let shown = [
        "Deployment/d".into(),
        "cpu: <unknown>/70%".into(),
        1.into(),
        5.into(),
        "0".into(),
    ];
    let shown: Vec<Value> = shown.to_vec();
    assert_eq!(
        cells.as_array().map(|cells| cells[1..=5].to_vec()),
        Some(shown)
    );
    let listed = lab.get(HPA_1);
    assert_eq!(listed["apiVersion"], "autoscaling/v1");
    assert_eq!(listed["items"][0]["spec"]["maxReplicas"], 5);
    lab.patch(
        &format!("{HPA_1}/a"),
        "application/merge-patch+json",
        r#"{"spec":{"maxReplicas":6}}"#,
    );
    assert_eq!(lab.get(&format!("{HPA_2}/a"))["spec"]["maxReplicas"], 6);
    lab.refused(
        Get,
        &format!("{HPA_1}/b"),
        "",
        404,
        "horizontalpodautoscalers.autoscaling \"b\" not found",
    );
}

#[test]
fn events_have_two_names_for_everything() {
    let mut lab = Lab::new();
    let mut request = Request::get(&format!("{EVENTS}?watch=true"));
    request.accept = "application/json".to_owned();
    let Body::Watch(id) = lab.ask(request).body else {
        panic!("no watch")
    };
    let event = value!({
        "apiVersion": "events.k8s.io/v1", "kind": "Event",
        "metadata": {"name": "e", "namespace": "default"},
        "regarding": {"kind": "Pod", "name": "p", "namespace": "default"},
        "note": "it happened", "reason": "Because", "type": "Normal",
        "eventTime": "2026-11-21T05:00:00.000000Z", "action": "Do",
        "reportingController": "me", "reportingInstance": "me-1",
    });
    let made = lab.create(EVENTS, &event.to_string());
    assert_eq!(
        (&made["note"], &made["regarding"]["name"]),
        (&value!("it happened"), &value!("p"))
    );
    let kept = lab.get("/api/v1/namespaces/default/events/e");
    assert_eq!(
        (&kept["message"], &kept["involvedObject"]["name"]),
        (&value!("it happened"), &value!("p"))
    );
    assert_eq!(kept["apiVersion"], "v1");
    let found = lab.get(&format!("{EVENTS}?fieldSelector=regarding.name%3Dp"));
    assert_eq!(found["items"].as_array().map(Vec::len), Some(1));
    let WatchPoll::Lines(lines) = lab.cluster.poll_watch(lab.now, id) else {
        panic!("nothing was told")
    };
    let told = String::from_utf8(lines).expect("text");
    assert!(
        told.contains("\"note\":\"it happened\"") && !told.contains("\"involvedObject\""),
        "{told}"
    );
    lab.refused(
        Get,
        &format!("{EVENTS}/x"),
        "",
        404,
        "events.events.k8s.io \"x\" not found",
    );
}

#[test]
fn rules_of_kinds_that_are_only_kept_are_those_of_upstream() {
    let mut lab = Lab::new();
    let cases = [
        (
            "/apis/networking.k8s.io/v1/namespaces/default/ingresses",
            "{apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: i}, spec: {rules: [{http: {paths: [{path: /, backend: {service: {name: s, port: {number: 80}}}}]}}]}}",
            "Ingress.networking.k8s.io \"i\" is invalid: spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified",
        ),
        (
            "/apis/scheduling.k8s.io/v1/priorityclasses",
            "{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: system-x}, value: 1}",
            "PriorityClass.scheduling.k8s.io \"system-x\" is invalid: metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only",
        ),
        (
            HPA_2,
            "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: h}, spec: {scaleTargetRef: {kind: Deployment, name: d}, minReplicas: 3, maxReplicas: 2}}",
            "HorizontalPodAutoscaler.autoscaling \"h\" is invalid: spec.maxReplicas: Invalid value: 2: must be greater than or equal to `minReplicas`",
        ),
    ];
    for (path, yaml, message) in cases {
        let told = json(&lab.send(Post, path, "application/yaml", yaml));
        let short = |text: &str| {
            text.replace(".networking.k8s.io", "")
                .replace(".scheduling.k8s.io", "")
                .replace(".autoscaling", "")
        };
        assert_eq!(
            short(told["message"].as_str().unwrap_or_default()),
            short(message)
        );
    }
}
