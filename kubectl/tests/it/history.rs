//! Commands about what was: rollouts of every kind, pruning, and the causes of changes.

use serde_json::{Value, json};

use super::check;
use super::lab::Lab;

const DAEMON: &str = "GET /apis/apps/v1/namespaces/default/daemonsets/agent";
const REVISIONS: &str = "GET /apis/apps/v1/namespaces/default/controllerrevisions";

fn template(image: &str) -> Value {
    json!({"metadata": {"labels": {"app": "agent"}}, "spec": {"containers": [{"name": "c", "image": image}]}})
}

fn revision(number: i64, image: &str) -> Value {
    let mut template = template(image);
    template["$patch"] = json!("replace");
    json!({
        "metadata": {"name": format!("agent-{number}"), "ownerReferences": [{"uid": "u1"}]},
        "revision": number, "data": {"spec": {"template": template}},
    })
}

fn daemon() -> Lab {
    let mut lab = Lab::new();
    let object = json!({
        "apiVersion": "apps/v1", "kind": "DaemonSet",
        "metadata": {"name": "agent", "namespace": "default", "uid": "u1"},
        "spec": {"selector": {"matchLabels": {"app": "agent"}}, "template": template("new")},
    });
    lab.answer(DAEMON, 200, &object.to_string());
    let list = json!({
        "kind": "ControllerRevisionList", "apiVersion": "apps/v1", "metadata": {},
        "items": [revision(2, "new"), revision(1, "old")],
    });
    lab.answer(REVISIONS, 200, &list.to_string());
    lab
}

#[test]
fn daemons_have_a_history_and_go_back_in_it() {
    let mut lab = daemon();
    check(
        &lab.run(&["rollout", "history", "ds/agent"]),
        0,
        "daemonset.apps/agent \nREVISION  CHANGE-CAUSE\n1         <none>\n2         <none>\n\n",
        "",
    );
    let ran = lab.run(&["rollout", "history", "ds/agent", "--revision=1"]);
    assert!(
        ran.stdout
            .starts_with("daemonset.apps/agent with revision #1\nPod Template:\n")
            && ran.stdout.contains("Image:\told\n"),
        "{}",
        ran.stdout
    );
    lab.answer(
        "PATCH /apis/apps/v1/namespaces/default/daemonsets/agent",
        200,
        "{}",
    );
    let ran = lab.run(&["rollout", "undo", "ds/agent"]);
    check(&ran, 0, "daemonset.apps/agent rolled back\n", "");
    let sent = ran.sent("PATCH /apis/apps/v1/namespaces/default/daemonsets/agent");
    assert_eq!(sent, revision(1, "old")["data"]);
}

#[test]
fn what_has_no_history_is_told_as_the_stock_client_tells_it() {
    let mut lab = daemon();
    lab.answer(
        "GET /api/v1/namespaces/default/services/web",
        200,
        "{\"metadata\":{\"name\":\"web\"}}",
    );
    check(
        &lab.run(&["rollout", "history", "svc/web"]),
        1,
        "",
        "error: error retrieving history for \"Service\", no visitor method exists for { Service}\n",
    );
    check(
        &lab.run(&["rollout", "pause", "ds/agent"]),
        1,
        "",
        "error: daemonsets.apps \"agent\" pausing is not supported\n",
    );
    check(
        &lab.run(&["rollout", "undo", "ds/agent", "--to-revision=9"]),
        1,
        "",
        "error: unable to find specified revision 9 in history\n",
    );
}

#[test]
fn what_was_applied_and_is_in_the_files_no_longer_is_pruned() {
    let mut lab = Lab::new();
    let object = |name: &str| {
        let last = format!(
            "{{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{{\"annotations\":{{}},\"labels\":{{\"a\":\"b\"}},\"name\":\"{name}\",\"namespace\":\"default\"}}}}\n"
        );
        json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {
                "name": name, "namespace": "default", "uid": name, "labels": {"a": "b"},
                "annotations": {"kubectl.kubernetes.io/last-applied-configuration": last},
            },
        })
    };
    lab.file(
        "keep.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: keep\n  labels:\n    a: b\n",
    );
    let path = "/api/v1/namespaces/default/configmaps";
    lab.answer(
        &format!("GET {path}/keep"),
        200,
        &object("keep").to_string(),
    );
    let mut own = object("own");
    own["metadata"]["annotations"] = json!({});
    let list = json!({
        "kind": "ConfigMapList", "apiVersion": "v1", "metadata": {},
        "items": [object("keep"), object("lose"), own],
    });
    lab.answer(&format!("GET {path}"), 200, &list.to_string());
    lab.answer(&format!("DELETE {path}/lose"), 200, "{}");
    let args = ["apply", "-f", "keep.yaml", "--prune", "-l", "a=b"];
    let ran = lab.run(&[&args[..], &["--prune-allowlist=core/v1/ConfigMap"]].concat());
    check(
        &ran,
        0,
        "configmap/keep unchanged\nconfigmap/lose pruned\n",
        "",
    );
    check(
        &lab.run(&["apply", "-f", "keep.yaml", "-l", "a=c"]),
        1,
        "",
        "error: no objects passed to apply\n",
    );
}

#[test]
fn a_command_can_be_recorded_as_the_cause_of_a_change() {
    let mut lab = daemon();
    let path = "PATCH /apis/apps/v1/namespaces/default/daemonsets/agent";
    lab.answer(path, 200, "{}");
    let ran = lab.run(&["set", "image", "ds/agent", "c=newer", "--record"]);
    check(
        &ran,
        0,
        "daemonset.apps/agent image updated\n",
        "Flag --record has been deprecated, --record will be removed in the future\n",
    );
    assert_eq!(
        ran.sent(&format!("{path}?fieldManager=kubectl-set"))["metadata"]["annotations"],
        json!({"kubernetes.io/change-cause": "kubectl set image ds/agent c=newer --record=true"})
    );
}

#[test]
fn a_deletion_waits_for_that_object_and_not_for_its_name() {
    let mut lab = Lab::new();
    let path = "/api/v1/namespaces/default/configmaps/x";
    let gone =
        json!({"kind": "Status", "status": "Success", "details": {"name": "x", "uid": "old"}});
    lab.answer(&format!("DELETE {path}"), 200, &gone.to_string());
    let again = json!({"metadata": {"name": "x", "uid": "new"}});
    lab.answer(&format!("GET {path}"), 200, &again.to_string());
    check(
        &lab.run(&["delete", "cm", "x"]),
        0,
        "configmap \"x\" deleted from default namespace\n",
        "",
    );
}
