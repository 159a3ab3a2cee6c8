//! Deleting: what goes at once, what waits, and what the answer is.

use crate::fixture::{
    CONFIG_MAPS, DEPLOYMENTS, Lab, MY_NGINX, NGINX_SERVICE, PODS, SERVICES, json,
};
use cluster::Method::{Delete, Post};
use serde_json::{Value, json as value};

const POD: &str = "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {nodeName: node-1, containers: [{name: c, image: nginx}]}}";

fn delete(lab: &mut Lab, path: &str, options: &str) -> Value {
    let answer = lab.send(Delete, path, "application/json", options);
    json(&answer)
}

#[test]
fn most_kinds_answer_with_a_status_and_services_with_themselves() {
    let mut lab = Lab::new();
    let created = lab.create(
        CONFIG_MAPS,
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: h1}}",
    );
    assert_eq!(
        delete(
            &mut lab,
            &format!("{CONFIG_MAPS}/h1"),
            r#"{"propagationPolicy":"Background"}"#
        ),
        value!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
            "details": {"name": "h1", "kind": "configmaps", "uid": created["metadata"]["uid"]},
        })
    );
    lab.create(SERVICES, NGINX_SERVICE);
    assert_eq!(
        delete(&mut lab, &format!("{SERVICES}/my-nginx"), "")["kind"],
        "Service"
    );
    assert_eq!(lab.get(&format!("{SERVICES}/my-nginx"))["code"], 404);
}

#[test]
fn a_pod_on_a_node_is_marked_and_waits_for_its_kubelet() {
    let mut lab = Lab::new();
    lab.create(PODS, POD);
    let path = format!("{PODS}/p");
    let marked = delete(&mut lab, &path, r#"{"propagationPolicy":"Background"}"#);
    assert_eq!(marked["metadata"]["deletionGracePeriodSeconds"], 30);
    assert_eq!(
        marked["metadata"]["deletionTimestamp"],
        "2026-11-21T05:00:31Z"
    );
    assert_eq!(marked["metadata"]["generation"], 2);
    assert_eq!(
        delete(&mut lab, &path, r#"{"gracePeriodSeconds":0}"#)["kind"],
        "Pod"
    );
    assert_eq!(lab.get(&path)["code"], 404);
}

#[test]
fn preconditions_must_hold() {
    let mut lab = Lab::new();
    let created = lab.create(
        CONFIG_MAPS,
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}",
    );
    let uid = created["metadata"]["uid"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let answer = delete(
        &mut lab,
        &format!("{CONFIG_MAPS}/a"),
        r#"{"preconditions":{"uid":"nope"}}"#,
    );
    assert_eq!(
        answer["message"],
        format!(
            "Operation cannot be fulfilled on ConfigMap \"a\": the UID in the precondition (nope) does not match the UID in record ({uid}). The object might have been deleted and then recreated"
        )
    );
}

#[test]
fn a_dry_run_deletes_nothing_and_a_collection_goes_together() {
    let mut lab = Lab::new();
    for name in ["a", "b"] {
        lab.create(
            CONFIG_MAPS,
            &format!(
                "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: {name}, labels: {{x: z}}}}}}"
            ),
        );
    }
    delete(&mut lab, &format!("{CONFIG_MAPS}/a?dryRun=All"), "");
    assert_eq!(lab.get(&format!("{CONFIG_MAPS}/a"))["kind"], "ConfigMap");
    let gone = delete(&mut lab, &format!("{CONFIG_MAPS}?labelSelector=x%3Dz"), "");
    assert_eq!(gone["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        lab.get(CONFIG_MAPS)["items"].as_array().map(Vec::len),
        Some(1),
        "kube-root-ca.crt stays"
    );
}

#[test]
fn orphans_stay_when_asked_for() {
    let mut lab = Lab::new();
    lab.create(DEPLOYMENTS, MY_NGINX);
    let sets = "/apis/apps/v1/namespaces/default/replicasets";
    assert_eq!(lab.get(sets)["items"].as_array().map(Vec::len), Some(1));
    delete(
        &mut lab,
        &format!("{DEPLOYMENTS}/my-nginx"),
        r#"{"propagationPolicy":"Orphan"}"#,
    );
    assert_eq!(lab.get(&format!("{DEPLOYMENTS}/my-nginx"))["code"], 404);
    let left = lab.get(sets);
    assert_eq!(left["items"].as_array().map(Vec::len), Some(1), "{left}");
    assert_eq!(left["items"][0]["metadata"].get("ownerReferences"), None);
}

#[test]
fn nothing_new_comes_into_a_namespace_that_goes() {
    let mut lab = Lab::new();
    lab.create(
        "/api/v1/namespaces",
        "{apiVersion: v1, kind: Namespace, metadata: {name: shop}}",
    );
    lab.create(
        "/api/v1/namespaces/shop/pods",
        &POD.replace("name: p", "name: p, namespace: shop"),
    );
    let going = delete(&mut lab, "/api/v1/namespaces/shop", "");
    assert_eq!(going["status"]["phase"], "Terminating");
    assert_eq!(going["metadata"].get("deletionGracePeriodSeconds"), None);
    lab.refused(Post, "/api/v1/namespaces/shop/configmaps", "{apiVersion: v1, kind: ConfigMap, metadata: {name: late}}", 403, "configmaps \"late\" is forbidden: unable to create new content in namespace shop because it is being terminated");
}

#[test]
fn an_evicted_pod_is_deleted() {
    let mut lab = Lab::new();
    lab.create(PODS, POD);
    let body = "{apiVersion: policy/v1, kind: Eviction, metadata: {name: p}}";
    assert_eq!(
        lab.send(
            Post,
            &format!("{PODS}/p/eviction"),
            "application/yaml",
            body
        )
        .status,
        201
    );
    assert!(
        lab.get(&format!("{PODS}/p"))["metadata"]
            .get("deletionTimestamp")
            .is_some()
    );
}
