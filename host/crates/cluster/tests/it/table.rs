//! Tables, as `kubectl get` prints them. Rows are compared with recorded ones.

use crate::fixture::{DEPLOYMENTS, Lab, MY_NGINX, NGINX_SERVICE, PODS, SERVICES, json};
use cluster::Method::Put;
use cluster::Request;
use serde_json::{Value, json as value};

fn table(lab: &mut Lab, path: &str) -> Value {
    let mut request = Request::get(path);
    request.accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json".to_owned();
    json(&lab.ask(request))
}

fn row(table: &Value, name: &str) -> Value {
    let rows = table["rows"].as_array().into_iter().flatten();
    let found = rows.map(|row| &row["cells"]).find(|cells| cells[0] == name);
    found.cloned().unwrap_or_default()
}

/// A pod of one container, brought into this state.
#[track_caller]
fn pod(status: &Value) -> Value {
    let mut lab = Lab::new();
    let mut object = lab.create(PODS, "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {nodeName: node-1, containers: [{name: c, image: nginx}]}}");
    object = lab.get(&format!(
        "{PODS}/{}",
        object["metadata"]["name"].as_str().unwrap_or_default()
    ));
    object["status"] = status.clone();
    let answer = lab.send(
        Put,
        &format!("{PODS}/p/status"),
        "application/json",
        &object.to_string(),
    );
    assert_eq!(answer.status, 200, "{}", json(&answer));
    json(&answer)
}

/// READY, STATUS and RESTARTS of a pod in this state, a second later.
#[track_caller]
fn check_pod(status: Value, expected: [&str; 3]) {
    let object = pod(&status);
    let kind = cluster::kind::by_key("pods").expect("pods");
    let now = jiff::Timestamp::from_second(crate::fixture::EPOCH + 2).expect("a time");
    let cells = kind.row(&object, now);
    assert_eq!(cells[1..4], expected.map(Value::from), "{status}");
}

#[test]
fn a_pod_is_summed_up_in_one_word() {
    let container = |state: Value, ready: bool, restarts: u32| value!({"phase": "Running", "containerStatuses": [{"name": "c", "ready": ready, "restartCount": restarts, "image": "nginx", "imageID": "", "state": state}]});
    check_pod(value!({"phase": "Pending"}), ["0/1", "Pending", "0"]);
    check_pod(
        container(
            value!({"waiting": {"reason": "ContainerCreating"}}),
            false,
            0,
        ),
        ["0/1", "ContainerCreating", "0"],
    );
    check_pod(
        container(value!({"running": {}}), true, 0),
        ["1/1", "Running", "0"],
    );
    check_pod(
        container(
            value!({"waiting": {"reason": "ImagePullBackOff"}}),
            false,
            0,
        ),
        ["0/1", "ImagePullBackOff", "0"],
    );
    check_pod(
        container(
            value!({"terminated": {"exitCode": 3, "reason": "Error"}}),
            false,
            0,
        ),
        ["0/1", "Error", "0"],
    );
    check_pod(
        container(value!({"terminated": {"exitCode": 137}}), false, 0),
        ["0/1", "ExitCode:137", "0"],
    );
    let crashed = value!({"phase": "Running", "containerStatuses": [{
        "name": "c", "ready": false, "restartCount": 2, "image": "nginx", "imageID": "",
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"exitCode": 3, "finishedAt": "2026-11-21T05:00:00Z"}},
    }]});
    check_pod(crashed, ["0/1", "CrashLoopBackOff", "2 (2s ago)"]);
}

#[test]
fn a_finished_pod_is_marked_so_that_kubectl_may_hide_it() {
    let object = pod(&value!({"phase": "Succeeded"}));
    let kind = cluster::kind::by_key("pods").expect("pods");
    assert_eq!(
        kind.row_conditions(&object),
        Some(
            value!([{"type": "Completed", "status": "True", "reason": "Succeeded", "message": "The pod has completed successfully."}])
        )
    );
}

#[test]
fn services_show_addresses_and_ports_as_recorded() {
    let mut lab = Lab::new();
    lab.create(SERVICES, NGINX_SERVICE);
    for spec in [
        "{name: lb}, spec: {type: LoadBalancer, clusterIP: 10.96.1.1, selector: {app: x}, ports: [{port: 8080, nodePort: 30767}]}",
        "{name: ext}, spec: {type: ExternalName, externalName: example.org, selector: {app: ext}}",
        "{name: head}, spec: {clusterIP: None, ports: [{port: 80}]}",
        "{name: np}, spec: {type: NodePort, clusterIP: 10.96.1.2, ports: [{name: a, port: 8080, nodePort: 31385}, {name: b, port: 443, nodePort: 32670}]}",
    ] {
        lab.create(
            SERVICES,
            &format!("{{apiVersion: v1, kind: Service, metadata: {spec}}}"),
        );
    }
    let table = table(&mut lab, SERVICES);
    assert_eq!(
        row(&table, "kubernetes"),
        value!([
            "kubernetes",
            "ClusterIP",
            "10.96.0.1",
            "<none>",
            "443/TCP",
            "0s",
            "<none>"
        ])
    );
    assert_eq!(
        row(&table, "lb"),
        value!([
            "lb",
            "LoadBalancer",
            "10.96.1.1",
            "<pending>",
            "8080:30767/TCP",
            "0s",
            "app=x"
        ])
    );
    assert_eq!(
        row(&table, "ext"),
        value!([
            "ext",
            "ExternalName",
            "<none>",
            "example.org",
            "<none>",
            "0s",
            "app=ext"
        ])
    );
    assert_eq!(
        row(&table, "head"),
        value!([
            "head",
            "ClusterIP",
            "None",
            "<none>",
            "80/TCP",
            "0s",
            "<none>"
        ])
    );
    assert_eq!(
        row(&table, "np"),
        value!([
            "np",
            "NodePort",
            "10.96.1.2",
            "<none>",
            "8080:31385/TCP,443:32670/TCP",
            "0s",
            "<none>"
        ])
    );
    let object = &table["rows"][0]["object"];
    assert_eq!(object["kind"], "PartialObjectMetadata");
    assert_eq!(object.get("spec"), None);
}

#[test]
fn nodes_deployments_and_namespaces_have_their_rows() {
    let mut lab = Lab::new();
    lab.create(DEPLOYMENTS, MY_NGINX);
    let nodes = table(&mut lab, "/api/v1/nodes");
    assert_eq!(
        row(&nodes, "node-1"),
        value!([
            "node-1",
            "Ready",
            "<none>",
            "0s",
            "v1.36.2",
            "192.168.77.11",
            "<none>",
            "Debian GNU/Linux 12 (bookworm)",
            "6.18.44 (amd64)",
            "containerd://1.6.20"
        ])
    );
    let deployments = table(&mut lab, DEPLOYMENTS);
    assert_eq!(
        row(&deployments, "my-nginx"),
        value!([
            "my-nginx",
            "0/2",
            2,
            0,
            "0s",
            "my-nginx",
            "nginx",
            "run=my-nginx"
        ])
    );
    let spaces = table(&mut lab, "/api/v1/namespaces");
    assert_eq!(row(&spaces, "default"), value!(["default", "Active", "0s"]));
    assert_eq!(
        spaces["metadata"]["resourceVersion"],
        lab.cluster.revision().to_string()
    );
}

#[test]
fn rows_carry_what_the_client_asks_for() {
    let mut lab = Lab::new();
    let path = format!("{SERVICES}?includeObject=");
    assert_eq!(
        table(&mut lab, &format!("{path}Object"))["rows"][0]["object"]["spec"]["type"],
        "ClusterIP"
    );
    assert_eq!(
        table(&mut lab, &format!("{path}None"))["rows"][0]["object"],
        Value::Null
    );
    let mut request = Request::get(SERVICES);
    request.accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1".to_owned();
    let list = json(&lab.ask(request));
    assert_eq!(list["kind"], "PartialObjectMetadataList");
    assert_eq!(list["items"][0]["kind"], "PartialObjectMetadata");
}

#[test]
fn a_scale_is_a_row_of_what_is_wanted_and_what_is_there() {
    let mut lab = Lab::new();
    lab.create(DEPLOYMENTS, MY_NGINX);
    let table = table(&mut lab, &format!("{DEPLOYMENTS}/my-nginx/scale"));
    let columns = table["columnDefinitions"].as_array().into_iter().flatten();
    let names: Vec<&Value> = columns.map(|column| &column["name"]).collect();
    assert_eq!(names, ["Name", "Desired", "Available", "Age"]);
    let cells = &table["rows"][0]["cells"];
    assert_eq!((&cells[0], &cells[1]), (&value!("my-nginx"), &value!(2)));
    assert_eq!(table["rows"][0]["object"]["kind"], "PartialObjectMetadata");
}
