//! What a client is told about workloads: refusals, and rows of tables.

use crate::fixture::{Lab, json as body};
use cluster::Method::{Patch, Post};
use cluster::Request;
use serde_json::{Value, json};

const APPS: &str = "/apis/apps/v1/namespaces/default";
const BATCH: &str = "/apis/batch/v1/namespaces/default";

fn change(object: &Value, pointer: &str, value: Value) -> String {
    let mut object = object.clone();
    let (parent, field) = pointer.rsplit_once('/').expect("a pointer");
    object.pointer_mut(parent).expect("a parent")[field] = value;
    object.to_string()
}

#[test]
fn wrong_workloads_are_refused_in_upstreams_words() {
    let sets = super::statefulsets::set(2);
    let daemons = super::daemonsets::set();
    let job = super::jobs::job(json!({}));
    let cron = super::cronjobs::cron(json!({}));
    let budget = super::budgets::budget();
    let mut lab = Lab::new();
    let policy = "/apis/policy/v1/namespaces/default/poddisruptionbudgets".to_owned();
    for (path, body, message) in [
        (
            format!("{APPS}/statefulsets"),
            change(&sets, "/spec/podManagementPolicy", "Any".into()),
            "StatefulSet.apps \"db\" is invalid: spec.podManagementPolicy: Invalid value: \"Any\": must be 'OrderedReady' or 'Parallel'",
        ),
        (
            format!("{APPS}/statefulsets"),
            change(&sets, "/spec/template/metadata/labels", json!({"app": "x"})),
            "StatefulSet.apps \"db\" is invalid: spec.template.metadata.labels: Invalid value: {\"app\":\"x\"}: `selector` does not match template `labels`",
        ),
        (
            format!("{APPS}/daemonsets"),
            change(
                &daemons,
                "/spec/updateStrategy",
                json!({"rollingUpdate": {"maxUnavailable": 0}}),
            ),
            "DaemonSet.apps \"ds\" is invalid: spec.updateStrategy.rollingUpdate.maxUnavailable: Required value: cannot be 0 when maxSurge is 0",
        ),
        (
            format!("{APPS}/daemonsets"),
            change(
                &daemons,
                "/spec/template/spec/restartPolicy",
                "Never".into(),
            ),
            "DaemonSet.apps \"ds\" is invalid: spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported values: \"Always\"",
        ),
        (
            format!("{BATCH}/jobs"),
            change(&job, "/spec/template/spec/restartPolicy", "Always".into()),
            "Job.batch \"hello\" is invalid: spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\"",
        ),
        (
            format!("{BATCH}/jobs"),
            change(&job, "/spec/completionMode", "Indexed".into()).replace(
                "\"spec\":{\"completionMode\"",
                "\"spec\":{\"parallelism\":2,\"completionMode\"",
            ),
            "Job.batch \"hello\" is invalid: spec.completions: Required value: when completion mode is Indexed",
        ),
        (
            format!("{BATCH}/cronjobs"),
            change(&cron, "/spec/schedule", "61 * * * *".into()),
            "CronJob.batch \"tick\" is invalid: spec.schedule: Invalid value: \"61 * * * *\": end of range (61) above maximum (59): 61",
        ),
        (
            format!("{BATCH}/cronjobs"),
            change(&cron, "/spec/timeZone", "Europe/Pariss".into()),
            "CronJob.batch \"tick\" is invalid: spec.timeZone: Invalid value: \"Europe/Pariss\": unknown time zone Europe/Pariss",
        ),
        (
            policy.clone(),
            change(&budget, "/spec/minAvailable", "120%".into()),
            "PodDisruptionBudget.policy \"pdb\" is invalid: spec.minAvailable: Invalid value: \"120%\": must not be greater than 100%",
        ),
    ] {
        let response = lab.send(Post, &path, "application/json", &body);
        let answer = crate::fixture::json(&response);
        assert_eq!(answer["message"], message);
    }
}

#[test]
fn what_may_not_change_is_refused_in_upstreams_words() {
    let mut lab = Lab::new();
    lab.create(
        &format!("{APPS}/statefulsets"),
        &super::statefulsets::set(1).to_string(),
    );
    lab.refused(
        Patch,
        &format!("{APPS}/statefulsets/db"),
        r#"{"spec":{"serviceName":"other"}}"#,
        422,
        "StatefulSet.apps \"db\" is invalid: spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    );
    lab.create(
        &format!("{BATCH}/jobs"),
        &super::jobs::job(json!({})).to_string(),
    );
    lab.refused(
        Patch,
        &format!("{BATCH}/jobs/hello"),
        r#"{"spec":{"completions":3}}"#,
        422,
        "Job.batch \"hello\" is invalid: spec.completions: Invalid value: 3: field is immutable",
    );
}

#[test]
fn tables_show_what_a_real_server_shows() {
    let mut lab = Lab::new();
    lab.create(
        &format!("{APPS}/statefulsets"),
        &super::statefulsets::set(1).to_string(),
    );
    lab.create(
        &format!("{APPS}/daemonsets"),
        &super::daemonsets::set().to_string(),
    );
    lab.create(
        &format!("{BATCH}/jobs"),
        &super::jobs::job(json!({})).to_string(),
    );
    lab.create(
        &format!("{BATCH}/cronjobs"),
        &super::cronjobs::cron(json!({})).to_string(),
    );
    let pdb = "/apis/policy/v1/namespaces/default/poddisruptionbudgets";
    lab.create(pdb, &super::budgets::budget().to_string());
    let uid = lab.get(&format!("{BATCH}/jobs/hello"))["metadata"]["uid"].clone();
    let selector = format!(
        "batch.kubernetes.io/controller-uid={}",
        uid.as_str().expect("a uid")
    );
    let revision = "statefulset.apps/db";
    for (path, cells) in [
        (
            format!("{APPS}/statefulsets"),
            json!(["db", "0/1", "0s", "c", "nginx"]),
        ),
        (
            format!("{APPS}/daemonsets"),
            json!(["ds", 2, 2, 0, 2, 0, "<none>", "0s", "c", "nginx", "app=ds"]),
        ),
        (
            format!("{BATCH}/jobs"),
            json!([
                "hello",
                "Running",
                "0/1",
                "0s",
                "0s",
                "c",
                "busybox:1.28",
                selector
            ]),
        ),
        (
            format!("{BATCH}/cronjobs"),
            json!([
                "tick",
                "*/2 * * * *",
                "<none>",
                "False",
                0,
                "<none>",
                "0s",
                "c",
                "busybox:1.28",
                "<none>"
            ]),
        ),
        (pdb.to_owned(), json!(["pdb", "1", "N/A", 0, "0s"])),
    ] {
        assert_eq!(table(&mut lab, &path)["rows"][0]["cells"], cells, "{path}");
    }
    let revisions = table(&mut lab, &format!("{APPS}/controllerrevisions"));
    let owners: Vec<&Value> = revisions["rows"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|row| &row["cells"][1])
        .collect();
    assert_eq!(owners, [revision, "daemonset.apps/ds"]);
}

fn table(lab: &mut Lab, path: &str) -> Value {
    let mut request = Request::get(path);
    request.accept = "application/json;as=Table;v=v1;g=meta.k8s.io".to_owned();
    body(&lab.ask(request))
}

#[test]
fn a_replication_controller_takes_labels_and_selector_from_its_template() {
    let mut lab = Lab::new();
    let path = "/api/v1/namespaces/default/replicationcontrollers";
    let made = lab.create(
        path,
        r#"{"metadata":{"name":"old"},"spec":{"replicas":2,"template":{"metadata":{"labels":{"app":"old"}},"spec":{"containers":[{"name":"c","image":"nginx"}]}}}}"#,
    );
    assert_eq!(made["metadata"]["labels"], json!({"app": "old"}));
    assert_eq!(made["spec"]["selector"], json!({"app": "old"}));
    let scale = lab.get(&format!("{path}/old/scale"));
    assert_eq!(
        scale["status"],
        json!({"replicas": 2, "selector": "app=old"})
    );
    let merge = "application/merge-patch+json";
    lab.patch(
        &format!("{path}/old/scale"),
        merge,
        r#"{"spec":{"replicas":3}}"#,
    );
    assert_eq!(
        table(&mut lab, path)["rows"][0]["cells"],
        json!(["old", 3, 3, 0, "0s", "c", "nginx", "app=old"])
    );
    let pods = lab.get(crate::fixture::PODS);
    let pods = pods["items"].as_array().cloned().unwrap_or_default();
    assert!(
        pods.iter().all(|pod| {
            pod["metadata"]["ownerReferences"][0]["kind"] == "ReplicationController"
        })
    );
}

#[test]
fn a_rollout_is_undone_with_the_patch_a_revision_holds() {
    let mut lab = Lab::new();
    lab.create(
        &format!("{APPS}/daemonsets"),
        &super::daemonsets::set().to_string(),
    );
    let path = format!("{APPS}/daemonsets/ds");
    let strategic = "application/strategic-merge-patch+json";
    lab.patch(
        &path,
        strategic,
        r#"{"spec":{"template":{"spec":{"containers":[{"name":"c","image":"nginx:1.16.1"}]}}}}"#,
    );
    let list = lab.get(&format!("{APPS}/controllerrevisions"));
    let revisions = list["items"].as_array().cloned().unwrap_or_default();
    assert_eq!(revisions.len(), 2);
    let first = revisions
        .iter()
        .find(|one| one["revision"] == 1)
        .expect("the first");
    let undone = lab.patch(&path, strategic, &first["data"].to_string());
    assert_eq!(
        undone["spec"]["template"]["spec"]["containers"][0]["image"],
        "nginx"
    );
    let newest = lab.get(&format!("{APPS}/controllerrevisions"));
    let newest = newest["items"].as_array().cloned().unwrap_or_default();
    let numbers: Vec<i64> = newest
        .iter()
        .filter_map(|one| one["revision"].as_i64())
        .collect();
    assert_eq!(numbers.iter().max(), Some(&3));
}
