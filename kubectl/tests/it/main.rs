//! kubectl against a scripted server, compared with what the stock kubectl printed.

/// The text of a recording.
macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!("../fixtures/", $name))
    };
}

mod complete;
mod config;
mod edit;
mod history;
mod lab;
mod nodes;

use lab::{Lab, Ran};
use serde_json::{Value, json};

#[track_caller]
fn check(ran: &Ran, code: i32, stdout: &str, stderr: &str) {
    assert_eq!(
        ran.stdout, stdout,
        "standard output; requests were {:#?}",
        ran.requests
    );
    assert_eq!(ran.stderr, stderr, "standard error");
    assert_eq!(ran.code, code, "exit code");
}

const POD: &str = "GET /api/v1/namespaces/default/pods/unready";
const SERVICE: &str = "GET /api/v1/namespaces/default/services/my-nginx";
const DEPLOYMENT: &str = "GET /apis/apps/v1/namespaces/default/deployments/my-nginx";

fn at(text: &str) -> i64 {
    // Every test plays on one day, so the clock is enough.
    let clock: Vec<i64> = text
        .split(':')
        .map(|part| part.parse().expect("a number"))
        .collect();
    1_795_219_200 + clock[0] * 3600 + clock[1] * 60 + clock[2]
}

fn events(items: Value) -> String {
    json!({"kind": "EventList", "apiVersion": "v1", "metadata": {}, "items": items}).to_string()
}

fn event(
    kind: &str,
    reason: &str,
    from: &str,
    first: &str,
    last: &str,
    count: i64,
    message: &str,
) -> Value {
    json!({
        "type": kind, "reason": reason, "message": message, "count": count, "source": {"component": from},
        "firstTimestamp": format!("2026-11-21T{first}Z"), "lastTimestamp": format!("2026-11-21T{last}Z"),
    })
}

#[test]
fn the_help_lists_what_kubectl_lists() {
    let ran = Lab::new().run(&[]);
    assert!(
        ran.stdout
            .contains("\nBasic Commands (Beginner):\n  create          Create a resource"),
        "{}",
        ran.stdout
    );
    check(&Lab::new().run(&["help"]), 0, &ran.stdout, "");
    let ran = Lab::new().run(&["create", "cm", "--help"]);
    assert!(
        ran.stdout
            .starts_with("Create a config map based on a file, directory"),
        "{}",
        ran.stdout
    );
}

#[test]
fn what_the_stock_client_has_and_this_lab_has_not_is_refused_by_name() {
    let proxy = "error: kubectl proxy is not in this lab yet\n";
    check(&Lab::new().run(&["proxy", "--port=1"]), 1, "", proxy);
    let profile = "error: --profile is not in this lab yet\n";
    check(
        &Lab::new().run(&["get", "pods", "--profile=cpu"]),
        1,
        "",
        profile,
    );
    let family = Lab::new().run(&["certificate"]);
    assert!(
        family.code == 0 && family.stdout.contains("approve"),
        "{family:?}"
    );
    let label = "error: invalid label spec: a=b=c\n";
    let args = ["label", "svc", "my-nginx", "a=b=c"];
    check(&Lab::new().run(&args), 1, "", label);
    let ran = Lab::new().run(&["proxy", "-h"]);
    assert!(
        ran.stdout.starts_with("Creates a proxy server"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_mistyped_command_gets_a_suggestion() {
    check(
        &Lab::new().run(&["gte", "pods"]),
        1,
        "",
        fixture!("typo.txt"),
    );
}

#[test]
fn an_unknown_flag_points_to_the_help() {
    let expect = "error: unknown flag: --outptu\nSee 'kubectl get --help' for usage.\n";
    check(
        &Lab::new().run(&["get", "pods", "--outptu", "wide"]),
        1,
        "",
        expect,
    );
}

#[test]
fn a_server_that_is_not_there_is_told_apart() {
    let mut lab = Lab::new();
    lab.refuse();
    let log = "E1121 05:24:15.000000       1 memcache.go:265] \"Unhandled Error\" err=\"couldn't get current server API group list: Get \\\"http://lab:8001/api?timeout=32s\\\": dial tcp lab:8001: connect: connection refused\"\n".repeat(5);
    let expect = format!(
        "{log}The connection to the server lab:8001 was refused - did you specify the right host or port?\n"
    );
    check(&lab.run(&["get", "pods"]), 1, "", &expect);
}

#[test]
fn tables_are_the_servers() {
    let mut lab = Lab::new();
    lab.answer(
        "GET /apis/apps/v1/namespaces/default/deployments",
        200,
        fixture!("table-deployments.json"),
    );
    let ran = lab.run(&["get", "deploy"]);
    let expect = "NAME              READY   UP-TO-DATE   AVAILABLE   AGE\ncurl-deployment   1/1     1            1           14m\nmy-nginx          2/2     2            2           104s\n";
    check(&ran, 0, expect, "");
    assert!(
        ran.requests
            .iter()
            .any(|(line, _)| line.ends_with("deployments?limit=500")),
        "{:?}",
        ran.requests
    );
}

#[test]
fn several_types_show_their_kinds_and_the_warning_comes_once() {
    let mut lab = Lab::new();
    lab.answer(
        "GET /api/v1/namespaces/default/pods",
        200,
        "{\"kind\":\"Table\",\"rows\":[]}",
    );
    let warning = "Warning: 299 - \"v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice\"\r\n";
    lab.answer_with(
        "GET /api/v1/namespaces/default/endpoints",
        200,
        warning,
        fixture!("table-endpoints.json"),
    );
    let ran = lab.run(&["get", "pods,ep"]);
    assert!(
        ran.stdout
            .starts_with("NAME                       ENDPOINTS"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("\nendpoints/kubernetes"),
        "{}",
        ran.stdout
    );
    assert_eq!(
        ran.stderr,
        "Warning: v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice\n"
    );
}

#[test]
fn nothing_found_is_said_on_standard_error() {
    let mut lab = Lab::new();
    lab.answer(
        "GET /api/v1/namespaces/default/pods",
        200,
        "{\"kind\":\"Table\",\"rows\":[]}",
    );
    check(
        &lab.run(&["get", "pods"]),
        0,
        "",
        "No resources found in default namespace.\n",
    );
    lab.answer("GET /api/v1/pods", 200, "{\"kind\":\"Table\",\"rows\":[]}");
    check(
        &lab.run(&["get", "pods", "-A"]),
        0,
        "",
        "No resources found\n",
    );
}

#[test]
fn one_object_is_printed_as_recorded() {
    let mut lab = Lab::new();
    lab.answer(POD, 200, fixture!("pod-unready.json"));
    check(
        &lab.run(&["get", "pod", "unready", "-o", "yaml"]),
        0,
        fixture!("pod-unready.yaml"),
        "",
    );
    lab.answer(SERVICE, 200, fixture!("service-my-nginx.json"));
    check(
        &lab.run(&["get", "svc/my-nginx", "-oyaml"]),
        0,
        fixture!("service-my-nginx.yaml"),
        "",
    );
    check(
        &lab.run(&["get", "svc", "my-nginx", "-o", "name"]),
        0,
        "service/my-nginx\n",
        "",
    );
    check(
        &lab.run(&[
            "get",
            "svc",
            "my-nginx",
            "-o",
            "jsonpath={.spec.ports[0].port}",
        ]),
        0,
        "80",
        "",
    );
    let ran = lab.run(&[
        "get",
        "svc",
        "my-nginx",
        "-o",
        "custom-columns=NAME:.metadata.name,NP:.spec.ports[*].nodePort",
    ]);
    check(&ran, 0, "NAME       NP\nmy-nginx   <none>\n", "");
}

#[test]
fn a_missing_object_is_told_in_the_servers_words() {
    let lab = Lab::new();
    check(
        &lab.run(&["get", "pod", "nosuch"]),
        1,
        "",
        "Error from server (NotFound): pods \"nosuch\" not found\n",
    );
    check(
        &lab.run(&["get", "pod", "nosuch", "--ignore-not-found"]),
        0,
        "",
        "",
    );
    check(
        &lab.run(&["get", "servces"]),
        1,
        "",
        "error: the server doesn't have a resource type \"servces\"\n",
    );
}

#[test]
fn a_watch_prints_every_change() {
    let mut lab = Lab::new();
    let table = fixture!("table-pods.json");
    lab.answer("GET /api/v1/namespaces/default/pods", 200, table);
    let mut changed: Value = serde_json::from_str(table).expect("JSON");
    changed["rows"].as_array_mut().expect("rows").truncate(1);
    changed["columnDefinitions"] = Value::Null;
    let line = format!("{}\n", json!({"type": "MODIFIED", "object": changed}));
    let body = format!("{:x}\r\n{line}\r\n0\r\n\r\n", line.len());
    let watch = "GET /api/v1/namespaces/default/pods?resourceVersion=3847&watch=true";
    lab.raw(
        watch,
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}").into_bytes(),
    );
    let ran = lab.run(&["get", "pods", "-w"]);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(
        lines[1],
        lines[lines.len() - 1],
        "the changed row has the widths of the first table"
    );
    assert_eq!(ran.code, 0);
}

#[test]
fn a_pod_is_described_as_recorded() {
    let mut lab = Lab::new();
    lab.now(at("05:10:55"));
    lab.answer(POD, 200, fixture!("pod-unready.json"));
    let in_container = |kind, reason, first, last, count, message| {
        let mut event = event(kind, reason, "kubelet", first, last, count, message);
        event["involvedObject"] = json!({"fieldPath": "spec.containers{c}"});
        event
    };
    let items = json!([
        event(
            "Normal",
            "Scheduled",
            "default-scheduler",
            "04:59:12",
            "04:59:12",
            1,
            "Successfully assigned default/unready to node-1"
        ),
        in_container(
            "Normal",
            "Pulled",
            "04:59:13",
            "04:59:13",
            1,
            "Container image \"nginx:1.22\" already present on machine and can be accessed by the pod"
        ),
        in_container(
            "Normal",
            "Created",
            "04:59:13",
            "04:59:13",
            1,
            "Container created"
        ),
        in_container(
            "Normal",
            "Started",
            "04:59:13",
            "04:59:13",
            1,
            "Container started"
        ),
        in_container(
            "Warning",
            "Unhealthy",
            "04:59:13",
            "04:59:13",
            1,
            "Readiness probe failed: Get \"http://10.244.0.32:80/nope\": dial tcp 10.244.0.32:80: connect: connection refused"
        ),
        in_container(
            "Warning",
            "Unhealthy",
            "04:59:14",
            "05:09:15",
            303,
            "Readiness probe failed: HTTP probe failed with statuscode: 404"
        ),
    ]);
    lab.answer("GET /api/v1/namespaces/default/events", 200, &events(items));
    // The recording's image is the manifest's and its projected volume has one source more.
    check(
        &lab.run(&["describe", "pod", "unready"]),
        0,
        fixture!("describe-pod-unready.txt"),
        "",
    );
}

#[test]
fn a_service_is_described_as_recorded() {
    let mut lab = Lab::new();
    lab.answer(SERVICE, 200, fixture!("service-my-nginx.json"));
    lab.answer(
        "GET /apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
        200,
        fixture!("endpointslices.json"),
    );
    lab.answer(
        "GET /api/v1/namespaces/default/events",
        200,
        &events(json!([])),
    );
    check(
        &lab.run(&["describe", "svc", "my-nginx"]),
        0,
        fixture!("describe-service.txt"),
        "",
    );
    let ran = lab.run(&[
        "describe",
        "endpointslice",
        "-l",
        "kubernetes.io/service-name=my-nginx",
    ]);
    check(&ran, 0, fixture!("describe-endpointslice.txt"), "");
}

#[test]
fn a_deployment_is_described_as_recorded() {
    let mut lab = Lab::new();
    lab.now(at("05:26:05"));
    lab.answer(DEPLOYMENT, 200, fixture!("deployment-my-nginx.json"));
    let deployment: Value =
        serde_json::from_str(fixture!("deployment-my-nginx.json")).expect("JSON");
    let mut template = deployment["spec"]["template"].clone();
    template["metadata"]["labels"]["pod-template-hash"] = json!("8446c54977");
    let sets = json!({"kind": "ReplicaSetList", "apiVersion": "apps/v1", "items": [{
        "metadata": {"name": "my-nginx-8446c54977", "ownerReferences": [{"uid": deployment["metadata"]["uid"]}]},
        "spec": {"replicas": 2, "template": template},
        "status": {"replicas": 2},
    }]});
    lab.answer(
        "GET /apis/apps/v1/namespaces/default/replicasets",
        200,
        &sets.to_string(),
    );
    let scaled = event(
        "Normal",
        "ScalingReplicaSet",
        "deployment-controller",
        "05:26:03",
        "05:26:03",
        1,
        "Scaled up replica set my-nginx-8446c54977 from 0 to 2",
    );
    lab.answer(
        "GET /api/v1/namespaces/default/events",
        200,
        &events(json!([scaled])),
    );
    check(
        &lab.run(&["describe", "deployment", "my-nginx"]),
        0,
        fixture!("describe-deployment.txt"),
        "",
    );
}

#[test]
fn a_replication_controller_is_described_as_a_replica_set_is() {
    let mut lab = Lab::new();
    let controller = json!({
        "apiVersion": "v1", "kind": "ReplicationController",
        "metadata": {"name": "primary", "namespace": "default", "labels": {"app": "store"}},
        "spec": {
            "replicas": 1, "selector": {"app": "store"},
            "template": {"metadata": {"labels": {"app": "store"}}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}},
        },
        "status": {"replicas": 1},
    });
    let path = "GET /api/v1/namespaces/default/replicationcontrollers/primary";
    lab.answer(path, 200, &controller.to_string());
    let pods = json!({"kind": "PodList", "apiVersion": "v1", "metadata": {}, "items": []});
    lab.answer(
        "GET /api/v1/namespaces/default/pods",
        200,
        &pods.to_string(),
    );
    lab.answer(
        "GET /api/v1/namespaces/default/events",
        200,
        &events(json!([])),
    );
    let ran = lab.run(&["describe", "rc", "primary"]);
    for line in [
        "Name:         primary",
        "Selector:     app=store",
        "Labels:       app=store",
        "Annotations:  <none>",
        "Replicas:     1 current / 1 desired",
        "Pods Status:  0 Running / 0 Waiting / 0 Succeeded / 0 Failed",
        "Pod Template:",
    ] {
        assert!(
            ran.stdout.lines().any(|other| other == line),
            "{line}: {ran:?}"
        );
    }
    assert_eq!(ran.code, 0);
}

#[test]
fn a_volume_says_which_nodes_it_is_on() {
    let mut lab = Lab::new();
    let mut volume = json!({
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "pv"},
        "spec": {
            "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [
                {"key": "kubernetes.io/hostname", "operator": "In", "values": ["node-1", "node-2"]},
                {"key": "disk", "operator": "Exists"},
            ]}]}},
        },
    });
    let path = "GET /api/v1/persistentvolumes/pv";
    lab.answer(path, 200, &volume.to_string());
    lab.answer("GET /api/v1/events", 200, &events(json!([])));
    let ran = lab.run(&["describe", "pv", "pv"]);
    let wanted = "Node Affinity:     \n  Required Terms:  \n    Term 0:        kubernetes.io/hostname in [node-1, node-2]\n                   disk exists\nMessage:";
    assert!(ran.stdout.contains(wanted), "{}", ran.stdout);
    if let Some(spec) = volume["spec"].as_object_mut() {
        spec.remove("nodeAffinity");
    }
    let mut lab = Lab::new();
    lab.answer("GET /api/v1/events", 200, &events(json!([])));
    lab.answer(path, 200, &volume.to_string());
    let ran = lab.run(&["describe", "pv", "pv"]);
    assert!(
        ran.stdout.contains("Node Affinity:   <none>\n"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_node_without_a_lease_is_described_as_recorded() {
    let mut lab = Lab::new();
    lab.now(at("05:27:46"));
    lab.answer("GET /api/v1/nodes/node-2", 200, fixture!("node-2.json"));
    lab.answer(
        "GET /api/v1/pods",
        200,
        "{\"kind\":\"PodList\",\"items\":[]}",
    );
    let registered = event(
        "Normal",
        "RegisteredNode",
        "node-controller",
        "05:26:33",
        "05:26:33",
        1,
        "Node node-2 event: Registered Node node-2 in Controller",
    );
    lab.answer("GET /api/v1/events", 200, &events(json!([registered])));
    lab.answer("GET /api/v1/events", 200, &events(json!([])));
    check(
        &lab.run(&["describe", "node", "node-2"]),
        0,
        fixture!("describe-node-2.txt"),
        "",
    );
}

#[test]
fn explain_keeps_the_layout() {
    let mut lab = Lab::new();
    lab.answer(
        "GET /openapi/v3",
        200,
        "{\"paths\":{\"api/v1\":{\"serverRelativeURL\":\"/openapi/v3/api/v1?hash=1\"}}}",
    );
    lab.answer(
        "GET /openapi/v3/api/v1",
        200,
        fixture!("openapi-service.json"),
    );
    check(
        &lab.run(&["explain", "svc.spec.ports"]),
        0,
        fixture!("explain-service-ports.txt"),
        "",
    );
    let ran = lab.run(&["explain", "svc.spec.nope"]);
    check(
        &ran,
        1,
        "KIND:       Service\nVERSION:    v1\n\n",
        "error: field \"nope\" does not exist\n",
    );
}

/// Plays a recording: every answer, and the body of the request that the stock client changed things with.
#[track_caller]
fn replay(recording: &str, line: &[&str], stdout: &str, prepare: impl Fn(&mut Lab)) {
    let recorded: Vec<Value> = serde_json::from_str(recording).expect("JSON");
    let mut lab = Lab::new();
    prepare(&mut lab);
    for exchange in &recorded {
        let request = format!(
            "{} {}",
            exchange["method"].as_str().expect("text"),
            exchange["url"].as_str().expect("text")
        );
        let status = u16::try_from(exchange["status"].as_u64().expect("a number")).expect("small");
        lab.answer(
            &request,
            status,
            exchange["response"].as_str().expect("text"),
        );
    }
    let ran = lab.run(line);
    check(&ran, 0, stdout, "");
    let change = recorded
        .iter()
        .find(|exchange| exchange["method"] == "PATCH")
        .expect("a change");
    let wanted: Value =
        serde_json::from_str(change["request"].as_str().expect("text")).expect("JSON");
    let request = format!("PATCH {}", change["url"].as_str().expect("text"));
    assert_eq!(ran.sent(&request), wanted);
}

#[test]
fn apply_sends_the_patch_that_kubectl_sends() {
    let manifest = fixture!("run-my-nginx.yaml").replace("replicas: 2", "replicas: 3");
    replay(
        fixture!("recorded-apply-configured.json"),
        &["apply", "-f", "-"],
        "deployment.apps/my-nginx configured\n",
        |lab| lab.stdin(&manifest),
    );
}

#[test]
fn set_image_sends_the_patch_that_kubectl_sends() {
    let line = [
        "set",
        "image",
        "deployment/my-nginx",
        "my-nginx=nginx:1.16.1",
    ];
    replay(
        fixture!("recorded-set-image.json"),
        &line,
        "deployment.apps/my-nginx image updated\n",
        |_| {},
    );
}

#[test]
fn apply_creates_what_is_not_there_and_leaves_what_is_right() {
    let mut lab = Lab::new();
    lab.file("run-my-nginx.yaml", fixture!("run-my-nginx.yaml"));
    lab.answer(
        "POST /apis/apps/v1/namespaces/default/deployments",
        201,
        fixture!("deployment-my-nginx.json"),
    );
    let ran = lab.run(&["apply", "-f", "run-my-nginx.yaml"]);
    check(&ran, 0, "deployment.apps/my-nginx created\n", "");
    let url = "POST /apis/apps/v1/namespaces/default/deployments?fieldManager=kubectl-client-side-apply&fieldValidation=Strict";
    let recorded: Value = serde_json::from_str(fixture!("deployment-my-nginx.json")).expect("JSON");
    let key = "kubectl.kubernetes.io/last-applied-configuration";
    assert_eq!(
        ran.sent(url)["metadata"]["annotations"][key],
        recorded["metadata"]["annotations"][key]
    );
    lab.answer(DEPLOYMENT, 200, fixture!("deployment-my-nginx.json"));
    check(
        &lab.run(&["apply", "-f", "run-my-nginx.yaml"]),
        0,
        "deployment.apps/my-nginx unchanged\n",
        "",
    );
    check(
        &lab.run(&["apply", "-f", "run-my-nginx.yaml", "--dry-run=client"]),
        0,
        "deployment.apps/my-nginx unchanged (dry run)\n",
        "",
    );
}

#[test]
fn bad_manifests_are_refused_in_kubectls_words() {
    let mut lab = Lab::new();
    for name in ["bad-yaml.yaml", "missing-kind.yaml", "unknown-kind.yaml"] {
        let text = match name {
            "bad-yaml.yaml" => fixture!("bad-yaml.yaml"),
            "missing-kind.yaml" => fixture!("missing-kind.yaml"),
            _ => fixture!("unknown-kind.yaml"),
        };
        lab.file(name, text);
    }
    let refused = |line: &[&str], words: &str| check(&lab.run(line), 1, "", words);
    refused(
        &["apply", "-f", "bad-yaml.yaml"],
        "error: error parsing bad-yaml.yaml: error converting YAML to JSON: yaml: line 4: did not find expected key\n",
    );
    refused(
        &["apply", "-f", "missing-kind.yaml"],
        "error: error validating \"missing-kind.yaml\": error validating data: kind not set; if you choose to ignore these errors, turn validation off with --validate=false\n",
    );
    refused(
        &["apply", "-f", "unknown-kind.yaml"],
        "error: resource mapping not found for name: \"x\" namespace: \"\" from \"unknown-kind.yaml\": no matches for kind \"Servise\" in version \"v1\"\nensure CRDs are installed first\n",
    );
    refused(
        &["apply", "-f", "nofile.yaml"],
        "error: the path \"nofile.yaml\" does not exist\n",
    );
    refused(&["apply"], "error: must specify one of -f and -k\n");
}

#[test]
fn what_the_server_finds_invalid_is_listed() {
    let mut lab = Lab::new();
    lab.file("port-70000.yaml", fixture!("port-70000.yaml"));
    let status = json!({"kind": "Status", "status": "Failure", "reason": "Invalid", "code": 422, "message": "…",
    "details": {"kind": "Service", "name": "bigport", "causes": [
        {"field": "spec.ports[0].port", "message": "Invalid value: 70000: must be between 1 and 65535, inclusive"},
        {"field": "spec.ports[0].targetPort", "message": "Invalid value: 70000: must be between 1 and 65535, inclusive"},
    ]}});
    lab.answer(
        "POST /api/v1/namespaces/default/services",
        422,
        &status.to_string(),
    );
    let expect = "The Service \"bigport\" is invalid: \n* spec.ports[0].port: Invalid value: 70000: must be between 1 and 65535, inclusive\n* spec.ports[0].targetPort: Invalid value: 70000: must be between 1 and 65535, inclusive\n";
    check(&lab.run(&["apply", "-f", "port-70000.yaml"]), 1, "", expect);
}

#[test]
fn delete_waits_until_the_object_is_gone() {
    let mut lab = Lab::new();
    lab.answer(
        "DELETE /api/v1/namespaces/default/services/my-nginx",
        200,
        "{\"kind\":\"Status\",\"status\":\"Success\"}",
    );
    let ran = lab.run(&["delete", "svc", "my-nginx"]);
    check(
        &ran,
        0,
        "service \"my-nginx\" deleted from default namespace\n",
        "",
    );
    assert_eq!(
        ran.requests.last().map(|(line, _)| line.as_str()),
        Some(SERVICE),
        "asked again and was told 404"
    );
    check(
        &lab.run(&["delete", "svc", "nosuch"]),
        1,
        "",
        "Error from server (NotFound): services \"nosuch\" not found\n",
    );
}

#[test]
fn labels_are_not_overwritten_by_accident() {
    let mut lab = Lab::new();
    lab.answer(SERVICE, 200, fixture!("service-my-nginx.json"));
    lab.answer(
        "PATCH /api/v1/namespaces/default/services/my-nginx",
        200,
        fixture!("service-my-nginx.json"),
    );
    let refused = "error: 'run' already has a value (my-nginx), and --overwrite is false\n";
    check(
        &lab.run(&["label", "svc", "my-nginx", "run=x"]),
        1,
        "",
        refused,
    );
    check(
        &lab.run(&["label", "svc", "my-nginx", "run=my-nginx"]),
        0,
        "service/my-nginx not labeled\n",
        "",
    );
    check(
        &lab.run(&["label", "svc", "my-nginx", "run-"]),
        0,
        "service/my-nginx unlabeled\n",
        "",
    );
    check(
        &lab.run(&["label", "svc", "my-nginx", "tier-"]),
        0,
        "label \"tier\" not found.\nservice/my-nginx not labeled\n",
        "",
    );
    check(
        &lab.run(&["label", "svc", "my-nginx", "--list"]),
        0,
        "run=my-nginx\n",
        "",
    );
    let ran = lab.run(&["label", "svc", "my-nginx", "a=b"]);
    check(&ran, 0, "service/my-nginx labeled\n", "");
    let sent =
        ran.sent("PATCH /api/v1/namespaces/default/services/my-nginx?fieldManager=kubectl-label");
    assert_eq!(sent, json!({"metadata": {"labels": {"a": "b"}}}));
}

#[test]
fn scale_looks_first_when_told_to() {
    let mut lab = Lab::new();
    lab.answer(DEPLOYMENT, 200, fixture!("deployment-my-nginx.json"));
    lab.answer(
        "PATCH /apis/apps/v1/namespaces/default/deployments/my-nginx/scale",
        200,
        "{}",
    );
    let ran = lab.run(&["scale", "deployment/my-nginx", "--replicas=3"]);
    check(&ran, 0, "deployment.apps/my-nginx scaled\n", "");
    let wrong = lab.run(&[
        "scale",
        "deployment/my-nginx",
        "--current-replicas=9",
        "--replicas=4",
    ]);
    check(&wrong, 1, "", "error: Expected replicas to be 9, was 2\n");
    let negative = lab.run(&["scale", "deployment/my-nginx", "--replicas=-2"]);
    check(
        &negative,
        1,
        "",
        "error: The --replicas=COUNT flag is required, and COUNT must be greater than or equal to 0\n",
    );
}

#[test]
fn expose_takes_ports_and_selector_from_the_deployment() {
    let mut lab = Lab::new();
    lab.answer(DEPLOYMENT, 200, fixture!("deployment-my-nginx.json"));
    lab.answer(
        "POST /api/v1/namespaces/default/services",
        201,
        fixture!("service-my-nginx.json"),
    );
    let ran = lab.run(&["expose", "deployment/my-nginx"]);
    check(&ran, 0, "service/my-nginx exposed\n", "");
    let expect = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "my-nginx"},
        "spec": {"ports": [{"port": 80, "protocol": "TCP", "targetPort": 80}], "selector": {"run": "my-nginx"}},
        "status": {"loadBalancer": {}}});
    assert_eq!(
        ran.sent("POST /api/v1/namespaces/default/services?fieldManager=kubectl-expose"),
        expect
    );
}

#[test]
fn a_rollout_is_followed_to_its_end() {
    let mut lab = Lab::new();
    let mut deployment: Value =
        serde_json::from_str(fixture!("deployment-my-nginx.json")).expect("JSON");
    lab.answer(DEPLOYMENT, 200, &deployment.to_string());
    deployment["status"]["availableReplicas"] = json!(0);
    let list = json!({"kind": "DeploymentList", "apiVersion": "apps/v1", "metadata": {"resourceVersion": "7"}, "items": [deployment]});
    lab.answer(
        "GET /apis/apps/v1/namespaces/default/deployments",
        200,
        &list.to_string(),
    );
    let mut stream = String::new();
    for available in [1, 2] {
        deployment["status"]["availableReplicas"] = json!(available);
        stream.push_str(&format!(
            "{}\n",
            json!({"type": "MODIFIED", "object": deployment})
        ));
    }
    let watch = "GET /apis/apps/v1/namespaces/default/deployments?allowWatchBookmarks=true&fieldSelector=metadata.name%3Dmy-nginx&resourceVersion=7&watch=true";
    lab.raw(
        watch,
        format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{stream}").into_bytes(),
    );
    let expect = "Waiting for deployment \"my-nginx\" rollout to finish: 0 of 2 updated replicas are available...\nWaiting for deployment \"my-nginx\" rollout to finish: 1 of 2 updated replicas are available...\ndeployment \"my-nginx\" successfully rolled out\n";
    check(
        &lab.run(&["rollout", "status", "deployment/my-nginx"]),
        0,
        expect,
        "",
    );
}

#[test]
fn waiting_ends_when_the_time_is_up() {
    let mut lab = Lab::new();
    lab.answer(POD, 200, fixture!("pod-unready.json"));
    let pod: Value = serde_json::from_str(fixture!("pod-unready.json")).expect("JSON");
    let list = json!({"kind": "PodList", "apiVersion": "v1", "metadata": {"resourceVersion": "7"}, "items": [pod]});
    lab.answer(
        "GET /api/v1/namespaces/default/pods",
        200,
        &list.to_string(),
    );
    let watch = "GET /api/v1/namespaces/default/pods?allowWatchBookmarks=true&fieldSelector=metadata.name%3Dunready&resourceVersion=7&watch=true";
    lab.raw(
        watch,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec(),
    );
    let late = lab.run(&[
        "wait",
        "--for=condition=Ready",
        "pod/unready",
        "--timeout=2s",
    ]);
    check(
        &late,
        1,
        "",
        "error: timed out waiting for the condition on pods/unready\n",
    );
    let met = lab.run(&[
        "wait",
        "--for=jsonpath={.status.phase}=Running",
        "pod/unready",
    ]);
    check(&met, 0, "pod/unready condition met\n", "");
    let named = lab.run(&[
        "wait",
        "--for=jsonpath={.status.phase}=Running",
        "pod/unready",
        "-o",
        "name",
    ]);
    check(&named, 0, "pod/unready\n", "");
}

/// Frames as the API server sends them, unmasked.
fn frames(messages: &[&[u8]]) -> Vec<u8> {
    let mut out = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: v5.channel.k8s.io\r\n\r\n".to_vec();
    for message in messages {
        match u8::try_from(message.len()) {
            Ok(length @ 0..=125) => out.extend([0x82, length]),
            _ => {
                out.extend([0x82, 126]);
                out.extend(u16::try_from(message.len()).expect("short").to_be_bytes());
            }
        }
        out.extend_from_slice(message);
    }
    out.extend([0x88, 0x02, 0x03, 0xe8]);
    out
}

#[test]
fn exec_passes_output_and_the_exit_code() {
    let mut lab = Lab::new();
    lab.answer(POD, 200, fixture!("pod-unready.json"));
    let failed = b"\x03{\"metadata\":{},\"status\":\"Failure\",\"message\":\"command terminated with non-zero exit code: command terminated with exit code 7\",\"reason\":\"NonZeroExitCode\",\"details\":{\"causes\":[{\"reason\":\"ExitCode\",\"message\":\"7\"}]}}";
    let url = "GET /api/v1/namespaces/default/pods/unready/exec?command=sh&command=-c&command=exit+7&container=c&stderr=true&stdout=true";
    lab.raw(url, frames(&[b"\x01", b"\x01out\n", b"\x02err\n", failed]));
    let ran = lab.run(&["exec", "unready", "--", "sh", "-c", "exit 7"]);
    check(
        &ran,
        7,
        "out\n",
        "err\ncommand terminated with exit code 7\n",
    );
}

#[test]
fn exec_hands_over_standard_input() {
    let mut lab = Lab::new();
    lab.stdin("hi\n");
    lab.answer(POD, 200, fixture!("pod-unready.json"));
    let url = "GET /api/v1/namespaces/default/pods/unready/exec?command=cat&container=c&stderr=true&stdin=true&stdout=true";
    lab.raw(
        url,
        frames(&[b"\x01hi\n", b"\x03{\"metadata\":{},\"status\":\"Success\"}"]),
    );
    check(
        &lab.run(&["exec", "-i", "unready", "--", "cat"]),
        0,
        "hi\n",
        "",
    );
    check(
        &lab.run(&["exec", "-it", "unready", "--", "cat"]),
        0,
        "hi\n",
        "Unable to use a TTY - input is not a terminal or the right kind of file\n",
    );
}

#[test]
fn exec_needs_the_dashes() {
    let expect = "error: exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead\nSee 'kubectl exec -h' for help and examples\n";
    check(
        &Lab::new().run(&["exec", "deploy/my-nginx", "ls"]),
        1,
        "",
        expect,
    );
}

#[test]
fn logs_of_a_missing_pod_name_the_namespace() {
    let expect =
        "error: error from server (NotFound): pods \"nosuch\" not found in namespace \"default\"\n";
    check(&Lab::new().run(&["logs", "nosuch"]), 1, "", expect);
    let mut lab = Lab::new();
    lab.answer(POD, 200, fixture!("pod-unready.json"));
    lab.answer(
        "GET /api/v1/namespaces/default/pods/unready/log?container=c&tailLines=1",
        200,
        "last line\n",
    );
    check(
        &lab.run(&["logs", "unready", "--tail=1"]),
        0,
        "last line\n",
        "",
    );
}

#[test]
fn made_objects_look_like_kubectls() {
    let lab = Lab::new();
    let ran = lab.run(&[
        "create",
        "service",
        "clusterip",
        "web",
        "--tcp=5678:8080",
        "--dry-run=client",
        "-o",
        "yaml",
    ]);
    let expect = "apiVersion: v1\nkind: Service\nmetadata:\n  labels:\n    app: web\n  name: web\nspec:\n  ports:\n  - name: 5678-8080\n    port: 5678\n    protocol: TCP\n    targetPort: 8080\n  selector:\n    app: web\n  type: ClusterIP\nstatus:\n  loadBalancer: {}\n";
    check(&ran, 0, expect, "");
    let ran = lab.run(&["create", "deployment", "web2"]);
    check(&ran, 1, "", "error: required flag(s) \"image\" not set\n");
}

#[test]
fn contexts_come_from_the_kubeconfig() {
    let lab = Lab::new();
    check(&lab.run(&["config", "current-context"]), 0, "lab\n", "");
    let expect =
        "CURRENT   NAME   CLUSTER   AUTHINFO   NAMESPACE\n*         lab    lab       me         \n";
    check(&lab.run(&["config", "get-contexts"]), 0, expect, "");
    let missing = "error: no context exists with the name: \"docker-desktop\"\n";
    check(
        &lab.run(&["config", "use-context", "docker-desktop"]),
        1,
        "",
        missing,
    );
    let typo =
        "error: unknown command \"get-context\"\nSee 'kubectl config -h' for help and examples\n";
    check(&lab.run(&["config", "get-context"]), 1, "", typo);
    check(
        &lab.run(&["-n", "other", "config", "set-context", "--current"]),
        0,
        "Context \"lab\" modified.\n",
        "",
    );
}

#[test]
fn what_is_missing_says_so() {
    check(
        &Lab::new().run(&["debug", "-f", "x"]),
        1,
        "",
        "error: --filename is not in this lab yet\n",
    );
}
