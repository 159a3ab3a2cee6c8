//! Nodes, access and differences: `cordon`, `drain`, `top`, `auth`, `diff`, `-v`.
//! The words are those of the stock client 1.35.

use serde_json::{Value, json};

use crate::lab::Lab;
use crate::{DEPLOYMENT, check};

const NODE: &str = "/api/v1/nodes/node-1";
const PODS: &str = "GET /api/v1/pods?fieldSelector=spec.nodeName%3Dnode-1&limit=500";

fn pod(name: &str, owner: &str, volumes: Value) -> Value {
    let owners = if owner.is_empty() {
        json!([])
    } else {
        json!([{"kind": owner, "controller": true}])
    };
    json!({"metadata": {"name": name, "namespace": "default", "uid": name, "ownerReferences": owners}, "spec": {"volumes": volumes}, "status": {"phase": "Running"}})
}

fn lab(pods: &[Value]) -> Lab {
    let mut lab = Lab::new();
    let node =
        json!({"kind": "Node", "apiVersion": "v1", "metadata": {"name": "node-1"}, "spec": {}})
            .to_string();
    lab.answer(&format!("GET {NODE}"), 200, &node);
    lab.answer(&format!("PATCH {NODE}"), 200, &node);
    lab.answer(
        PODS,
        200,
        &json!({"kind": "PodList", "items": pods}).to_string(),
    );
    for pod in pods {
        let name = pod["metadata"]["name"].as_str().expect("named");
        let path = format!("POST /api/v1/namespaces/default/pods/{name}/eviction");
        lab.answer(&path, 201, "{\"kind\":\"Status\",\"status\":\"Success\"}");
    }
    lab
}

#[test]
fn a_drained_node_has_its_pods_evicted() {
    let lab = lab(&[pod("web-1", "ReplicaSet", json!([]))]);
    let ran = lab.run(&["drain", "node-1", "--grace-period=3"]);
    let expect = "node/node-1 cordoned\nevicting pod default/web-1\npod/web-1 evicted\nnode/node-1 drained\n";
    check(&ran, 0, expect, "");
    let sent = ran.sent("POST /api/v1/namespaces/default/pods/web-1/eviction");
    let body = json!({"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "web-1", "namespace": "default"}, "deleteOptions": {"gracePeriodSeconds": 3}});
    assert_eq!(sent, body);
}

#[test]
fn a_drain_that_may_only_be_tried_changes_nothing() {
    let lab = lab(&[pod("web-1", "ReplicaSet", json!([]))]);
    let ran = lab.run(&["drain", "node-1", "--dry-run=client"]);
    let expect = "node/node-1 cordoned (dry run)\nevicting pod default/web-1 (dry run)\nnode/node-1 drained (dry run)\n";
    check(&ran, 0, expect, "");
    assert!(
        ran.requests
            .iter()
            .all(|(line, _)| line.starts_with("GET "))
    );
}

#[test]
fn pods_that_nobody_would_make_again_keep_a_node_from_being_drained() {
    let lab = lab(&[pod("pair", "", json!([]))]);
    let why =
        "cannot delete Pods that declare no controller (use --force to override): default/pair";
    let expect = format!(
        "error: unable to drain node \"node-1\" due to error: {why}, continuing command...\nThere are pending nodes to be drained:\n node-1\n{why}\n"
    );
    check(
        &lab.run(&["drain", "node-1"]),
        1,
        "node/node-1 cordoned\n",
        &expect,
    );
    let ran = lab.run(&["drain", "node-1", "--force"]);
    assert_eq!(
        ran.stderr,
        "Warning: deleting Pods that declare no controller: default/pair\n"
    );
    assert_eq!(ran.code, 0);
}

#[test]
fn daemons_and_local_data_have_flags_of_their_own() {
    let empty = json!([{"name": "d", "emptyDir": {}}]);
    let lab = lab(&[
        pod("proxy", "DaemonSet", json!([])),
        pod("db", "ReplicaSet", empty),
    ]);
    let ran = lab.run(&["drain", "node-1"]);
    for why in [
        "cannot delete DaemonSet-managed Pods (use --ignore-daemonsets to ignore): default/proxy",
        "cannot delete Pods with local storage (use --delete-emptydir-data to override): default/db",
    ] {
        assert!(ran.stderr.contains(why), "{}", ran.stderr);
    }
    let ran = lab.run(&[
        "drain",
        "node-1",
        "--ignore-daemonsets",
        "--delete-emptydir-data",
    ]);
    let expect = "Warning: ignoring DaemonSet-managed Pods: default/proxy\n";
    assert_eq!(ran.stderr, expect);
    assert!(
        !ran.stdout.contains("proxy"),
        "a daemon stays: {}",
        ran.stdout
    );
}

#[test]
fn arguments_about_nodes_are_checked() {
    for (args, words) in [
        (
            &["drain"][..],
            "error: USAGE: drain NODE [flags]\nSee 'kubectl drain -h' for help and examples\n",
        ),
        (
            &["cordon"],
            "error: USAGE: cordon NODE [flags]\nSee 'kubectl cordon -h' for help and examples\n",
        ),
        (
            &["drain", "nosuch"],
            "Error from server (NotFound): nodes \"nosuch\" not found\n",
        ),
        (&["top", "node"], "error: Metrics API not available\n"),
        (&["top", "pods"], "error: Metrics API not available\n"),
        (
            &["top", "pod", "x", "-l", "a=b"],
            "error: only one of NAME or selector can be provided\n",
        ),
        (
            &["auth", "can-i"],
            "error: you must specify two arguments: verb resource or verb resource/resourceName.\nSee 'kubectl auth can-i -h' for help and examples.\n",
        ),
        (
            &["api-versions", "x"],
            "error: unexpected arguments: [x]\nSee 'kubectl api-versions -h' for help and examples\n",
        ),
        (
            &["api-resources", "--sort-by", "foo"],
            "error: --sort-by accepts only name or kind\n",
        ),
        (
            &["set", "resources", "deploy", "web"],
            "error: you must specify an update to requests or limits (in the form of --requests/--limits)\n",
        ),
        (
            &["set", "serviceaccount"],
            "error: serviceaccount is required\n",
        ),
    ] {
        let mut lab = lab(&[]);
        let pod = json!({"kind": "Pod", "metadata": {"name": "x"}, "spec": {"containers": [{"name": "c"}]}});
        let pods = json!({"kind": "PodList", "items": [&pod, &pod]}).to_string();
        lab.answer("GET /api/v1/namespaces/default/pods", 200, &pods);
        check(&lab.run(args), 1, "", words);
    }
}

#[test]
fn one_is_told_who_one_is_and_what_one_may_do() {
    let mut lab = Lab::new();
    let me = json!({"status": {"userInfo": {"username": "kubernetes-admin", "groups": ["system:masters", "system:authenticated"]}}});
    lab.answer(
        "POST /apis/authentication.k8s.io/v1/selfsubjectreviews",
        201,
        &me.to_string(),
    );
    let expect = "ATTRIBUTE   VALUE\nUsername    kubernetes-admin\nGroups      [system:masters system:authenticated]\n";
    check(&lab.run(&["auth", "whoami"]), 0, expect, "");
    let path = "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    lab.answer(path, 201, "{\"status\":{\"allowed\":true}}");
    check(
        &lab.run(&["auth", "can-i", "create", "services"]),
        0,
        "yes\n",
        "",
    );
    let nosuch = "Warning: the server doesn't have a resource type 'nosuch'\n\n";
    check(
        &lab.run(&["auth", "can-i", "get", "nosuch"]),
        0,
        "yes\n",
        nosuch,
    );
    let nodes = "Warning: resource 'nodes' is not namespace scoped\n\n";
    check(
        &lab.run(&["auth", "can-i", "get", "nodes"]),
        0,
        "yes\n",
        nodes,
    );
    let ran = lab.run(&["auth", "can-i", "get", "/healthz"]);
    assert_eq!(
        ran.sent(path)["spec"],
        json!({"nonResourceAttributes": {"path": "/healthz", "verb": "get"}})
    );
}

#[test]
fn resources_of_a_template_are_set_in_the_containers_meant() {
    let mut lab = Lab::new();
    lab.answer(DEPLOYMENT, 200, fixture!("deployment-my-nginx.json"));
    let patch = DEPLOYMENT.replace("GET", "PATCH");
    lab.answer(&patch, 200, fixture!("deployment-my-nginx.json"));
    let ran = lab.run(&[
        "set",
        "resources",
        "deploy/my-nginx",
        "-c",
        "my-*",
        "--limits=cpu=200m,memory=64Mi",
    ]);
    check(
        &ran,
        0,
        "deployment.apps/my-nginx resource requirements updated\n",
        "",
    );
    let limits =
        &ran.sent(&patch)["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"];
    assert_eq!(*limits, json!({"cpu": "200m", "memory": "64Mi"}));
    let other = lab.run(&[
        "set",
        "resources",
        "deploy/my-nginx",
        "-c",
        "other",
        "--limits=cpu=1",
    ]);
    check(
        &other,
        1,
        "",
        "error: unable to find container named other\n",
    );
}

#[test]
fn requests_are_told_when_asked_for() {
    let mut lab = Lab::new();
    lab.answer(DEPLOYMENT, 200, fixture!("deployment-my-nginx.json"));
    let ran = lab.run(&["get", "deploy/my-nginx", "-o", "name", "-v=6"]);
    let url = "\"Response\" verb=\"GET\" url=\"http://lab:8001/apis/apps/v1/namespaces/default/deployments/my-nginx\" status=\"200 OK\" milliseconds=0\n";
    assert!(ran.stderr.ends_with(url), "{}", ran.stderr);
    assert!(ran.stderr.starts_with("I1121 "), "{}", ran.stderr);
}

#[test]
fn differences_are_left_to_a_program() {
    let mut lab = Lab::new();
    lab.answer(DEPLOYMENT, 200, fixture!("deployment-my-nginx.json"));
    let mut merged: Value =
        serde_json::from_str(fixture!("deployment-my-nginx.json")).expect("JSON");
    merged["spec"]["replicas"] = json!(4);
    let patch = DEPLOYMENT.replace("GET", "PATCH");
    lab.answer(&patch, 200, &merged.to_string());
    lab.file("run.yaml", fixture!("run-my-nginx.yaml"));
    let missing = "error: failed to run \"diff\": executable file not found in $PATH\n";
    check(&lab.run(&["diff", "-f", "run.yaml"]), 2, "", missing);
    lab.program("diff", |args, files| {
        let [unified, new, live, merged] = args else {
            panic!("four arguments, not {args:?}");
        };
        assert_eq!((unified.as_str(), new.as_str()), ("-u", "-N"));
        let name = "apps.v1.Deployment.default.my-nginx";
        assert!(files[&format!("{live}/{name}")].contains("replicas: 2\n"));
        assert!(files[&format!("{merged}/{name}")].contains("replicas: 4\n"));
        1
    });
    let ran = lab.run(&["diff", "-f", "run.yaml"]);
    check(&ran, 1, "", "");
    assert!(
        ran.requests
            .iter()
            .any(|(line, _)| line.contains("dryRun=All"))
    );
}

#[test]
fn changes_that_are_only_listed_are_not_sent() {
    let mut lab = Lab::new();
    lab.answer(DEPLOYMENT, 200, fixture!("deployment-my-nginx.json"));
    let ran = lab.run(&["label", "deploy/my-nginx", "zone=a", "--list"]);
    assert!(ran.stdout.ends_with("zone=a\n"), "{}", ran.stdout);
    assert!(
        ran.requests
            .iter()
            .all(|(line, _)| line.starts_with("GET "))
    );
}

#[test]
fn a_scaled_workload_is_waited_for_no_longer_than_asked() {
    let mut lab = Lab::new();
    lab.answer(DEPLOYMENT, 200, fixture!("deployment-my-nginx.json"));
    let scale = format!("{}/scale", DEPLOYMENT.replace("GET", "PATCH"));
    lab.answer(&scale, 200, "{}");
    let mut found: Value =
        serde_json::from_str(fixture!("deployment-my-nginx.json")).expect("JSON");
    found["status"]["replicas"] = json!(5);
    found["status"]["observedGeneration"] = json!(99);
    let list =
        json!({"kind": "DeploymentList", "metadata": {"resourceVersion": "1"}, "items": [found]})
            .to_string();
    let collection = "GET /apis/apps/v1/namespaces/default/deployments";
    lab.answer(collection, 200, &list);
    let ran = lab.run(&["scale", "deploy/my-nginx", "--replicas=5", "--timeout=10s"]);
    check(&ran, 0, "deployment.apps/my-nginx scaled\n", "");
    let late = "error: timed out waiting for \"my-nginx\" to be synced\n";
    check(
        &lab.run(&["scale", "deploy/my-nginx", "--replicas=6", "--timeout=1ns"]),
        1,
        "",
        late,
    );
}

#[test]
fn ports_of_services_are_looked_up_before_anything_is_forwarded() {
    let mut lab = Lab::new();
    let path = "GET /api/v1/namespaces/default";
    let service = json!({
        "metadata": {"name": "web"},
        "spec": {"selector": {"a": "b"}, "ports": [{"name": "http", "port": 80, "targetPort": 8080}]},
    });
    lab.answer(&format!("{path}/services/web"), 200, &service.to_string());
    let pod = json!({"metadata": {"name": "p"}, "status": {"phase": "Running"}, "spec": {"containers": [{"name": "c"}]}});
    let list = json!({"kind": "PodList", "apiVersion": "v1", "items": [pod]});
    lab.answer(&format!("{path}/pods"), 200, &list.to_string());
    for (port, words) in [
        ("81", "Service web does not have a service port 81"),
        (":dns", "Service 'web' does not have a named port 'dns'"),
        (
            "x:80",
            "error parsing local port 'x': strconv.ParseUint: parsing \"x\": invalid syntax",
        ),
        // The lab of these tests has no ports of its own.
        (
            "8000:80",
            "listening at a port of this machine is not in this lab yet",
        ),
    ] {
        check(
            &lab.run(&["port-forward", "svc/web", port]),
            1,
            "",
            &format!("error: {words}\n"),
        );
    }
}

#[test]
fn a_debugger_is_one_more_container_of_the_pod() {
    let mut lab = Lab::new();
    let path = "/api/v1/namespaces/default/pods/p";
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "c"}]}});
    lab.answer(&format!("GET {path}"), 200, &pod.to_string());
    lab.answer(&format!("PATCH {path}/ephemeralcontainers"), 200, "{}");
    let ran = lab.run(&["debug", "p", "--image=busybox", "-c", "d", "--", "ls"]);
    check(&ran, 0, "", "");
    assert_eq!(
        ran.sent(&format!("PATCH {path}/ephemeralcontainers"))["spec"]["ephemeralContainers"],
        json!([{
            "command": ["ls"], "image": "busybox", "name": "d", "resources": {},
            "securityContext": {"capabilities": {"add": ["SYS_PTRACE"]}},
            "terminationMessagePolicy": "File",
        }])
    );
    let node = json!({"metadata": {"name": "n"}});
    lab.answer("GET /api/v1/nodes/n", 200, &node.to_string());
    check(
        &lab.run(&["debug", "node/n", "--image=busybox"]),
        1,
        "",
        "error: debug of a node is not in this lab yet\n",
    );
}
