//! What a program is started with: its words, its variables, its files of names.

use crate::plane::{Plane, pod};
use cluster::kubelet::{Command, SandboxOrder, StartContainer};
use serde_json::{Value, json};

fn started(prepare: impl FnOnce(&mut Plane), wish: Value) -> (StartContainer, SandboxOrder, Plane) {
    let mut plane = Plane::new(1);
    prepare(&mut plane);
    plane.create("pods", wish);
    plane.run_for(4);
    let mut orders = plane
        .commands
        .iter()
        .filter_map(|(_, command)| match command {
            Command::StartContainer(order) => Some(order.clone()),
            _ => None,
        });
    let order = orders.next().expect("it was started");
    let mut sandboxes = plane
        .commands
        .iter()
        .filter_map(|(_, command)| match command {
            Command::StartSandbox(order) => Some(order.clone()),
            _ => None,
        });
    let sandbox = sandboxes.next().expect("it has a network");
    (order, sandbox, plane)
}

fn variable<'a>(order: &'a StartContainer, name: &str) -> Option<&'a str> {
    order.env.get(name)
}

fn field(name: &str, path: &str) -> Value {
    json!({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}})
}

fn resource(name: &str, resource: &str, divisor: &str) -> Value {
    json!({"name": name, "valueFrom": {"resourceFieldRef": {"resource": resource, "divisor": divisor}}})
}

#[test]
fn words_of_the_pod_replace_those_of_the_image_and_nothing_else_does() {
    let words = |container: Value| {
        let (order, _, _) = started(|_| {}, pod("p", container));
        (order.command, order.args)
    };
    let list = |words: &[&str]| {
        Some(
            words
                .iter()
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>(),
        )
    };
    assert_eq!(words(json!({})), (None, None));
    assert_eq!(words(json!({"args": ["a"]})), (None, list(&["a"])));
    assert_eq!(words(json!({"command": ["c"]})), (list(&["c"]), None));
    assert_eq!(
        words(json!({"command": ["c"], "args": ["a"]})),
        (list(&["c"]), list(&["a"]))
    );
}

#[test]
fn variables_are_put_into_variables_arguments_and_commands() {
    let container = json!({
        "env": [
            {"name": "FOO", "value": "foo-value"},
            {"name": "BAR", "value": "bar-value"},
            {"name": "FOOBAR", "value": "$(FOO);;$(BAR)"},
        ],
        "command": ["sh", "-c", "TEST_VAR=wrong echo \"$(FOO)\""],
        "args": ["$(FOOBAR)", "$$(FOO)", "$(NOBODY)"],
    });
    let (order, _, _) = started(|_| {}, pod("p", container));
    assert_eq!(variable(&order, "FOOBAR"), Some("foo-value;;bar-value"));
    assert_eq!(
        order.command.expect("its own")[2],
        "TEST_VAR=wrong echo \"foo-value\""
    );
    assert_eq!(
        order.args.expect("its own"),
        ["foo-value;;bar-value", "$(FOO)", "$(NOBODY)"]
    );
}

#[test]
fn maps_and_secrets_become_variables_one_by_one_and_whole_under_any_prefix() {
    let prepare = |plane: &mut Plane| {
        for (kind, object, value) in [
            ("configmaps", "ConfigMap", "value"),
            ("secrets", "Secret", "dmFsdWU="),
        ] {
            plane.create(kind, json!({
                "apiVersion": "v1", "kind": object, "metadata": {"name": "source", "namespace": "default"},
                "data": {"data_1": value, "data-2": value},
            }));
        }
    };
    let container = json!({
        "env": [
            {"name": "ONE", "valueFrom": {"configMapKeyRef": {"name": "source", "key": "data_1"}}},
            {"name": "TWO", "valueFrom": {"secretKeyRef": {"name": "source", "key": "data_1"}}},
            {"name": "NONE", "valueFrom": {"secretKeyRef": {"name": "source", "key": "no", "optional": true}}},
        ],
        "envFrom": [
            {"configMapRef": {"name": "source"}},
            {"prefix": "p-", "configMapRef": {"name": "source"}},
            {"prefix": "#$_", "secretRef": {"name": "source"}},
        ],
    });
    let (order, _, _) = started(prepare, pod("p", container));
    for name in [
        "ONE",
        "TWO",
        "data_1",
        "data-2",
        "p-data_1",
        "p-data-2",
        "#$_data_1",
        "#$_data-2",
    ] {
        assert_eq!(variable(&order, name), Some("value"), "{name}");
    }
    assert_eq!(variable(&order, "NONE"), None);
}

#[test]
fn a_pod_knows_its_names_and_addresses() {
    let container = json!({"env": [
        field("NAME", "metadata.name"), field("SPACE", "metadata.namespace"), field("UID", "metadata.uid"),
        field("IP", "status.podIP"), field("IPS", "status.podIPs"),
        field("HOST", "status.hostIP"), field("HOSTS", "status.hostIPs"), field("NODE", "spec.nodeName"),
    ]});
    let (order, _, plane) = started(|_| {}, pod("p", container));
    let status = &plane.get("pods", "p")["status"];
    assert_eq!(status["hostIP"], "192.168.77.2");
    assert_eq!(status["hostIPs"], json!([{"ip": "192.168.77.2"}]));
    assert_eq!(variable(&order, "UID"), Some(order.pod.uid.as_str()));
    for (name, value) in [
        ("NAME", "p"),
        ("SPACE", "default"),
        ("IP", "10.244.0.2"),
        ("IPS", "10.244.0.2"),
        ("HOST", "192.168.77.2"),
        ("HOSTS", "192.168.77.2"),
        ("NODE", "node-1"),
    ] {
        assert_eq!(variable(&order, name), Some(value), "{name}");
    }
}

#[test]
fn a_container_knows_its_bounds_and_without_any_those_of_the_node() {
    let env = json!([
        resource("CPU_LIMIT", "limits.cpu", "1"),
        resource("MEMORY_LIMIT", "limits.memory", "1"),
        resource("CPU_REQUEST", "requests.cpu", "1m"),
        resource("MEMORY_REQUEST", "requests.memory", "1Mi"),
    ]);
    let bounds = json!({"limits": {"cpu": "1250m", "memory": "64Mi"}, "requests": {"cpu": "250m", "memory": "32Mi"}});
    let (order, _, _) = started(|_| {}, pod("p", json!({"env": env, "resources": bounds})));
    let seen = |order: &StartContainer| {
        ["CPU_LIMIT", "MEMORY_LIMIT", "CPU_REQUEST", "MEMORY_REQUEST"]
            .map(|name| variable(order, name).unwrap_or("absent").to_owned())
    };
    assert_eq!(seen(&order), ["2", "67108864", "250", "32"]);
    let (order, _, plane) = started(|_| {}, pod("p", json!({"env": env})));
    let whole = plane.get("nodes", "node-1")["status"]["allocatable"]["memory"].as_str();
    assert_eq!(whole, Some("24581696Ki"));
    assert_eq!(seen(&order), ["2", "25171656704", "0", "0"]);
}

#[test]
fn bounds_of_another_container_may_be_asked_for() {
    let mut wish = pod(
        "p",
        json!({"env": [{"name": "OTHER", "valueFrom": {"resourceFieldRef": {"containerName": "other", "resource": "limits.cpu"}}}]}),
    );
    let other = json!({"name": "other", "image": "nginx", "resources": {"limits": {"cpu": "7"}, "requests": {"cpu": "1"}}});
    wish["spec"]["containers"]
        .as_array_mut()
        .expect("a list")
        .push(other);
    let (order, _, _) = started(|_| {}, wish);
    assert_eq!(variable(&order, "OTHER"), Some("7"));
}

#[test]
fn the_hosts_file_is_kept_by_the_kubelet_and_has_the_aliases() {
    let mut wish = pod("p", json!({}));
    wish["spec"]["hostAliases"] = json!([{"ip": "123.45.67.89", "hostnames": ["foo", "bar"]}]);
    let (_, sandbox, _) = started(|_| {}, wish);
    assert!(
        sandbox
            .hosts
            .starts_with("# Kubernetes-managed hosts file.\n"),
        "{}",
        sandbox.hosts
    );
    assert!(
        sandbox.hosts.contains("10.244.0.2\tp\n"),
        "{}",
        sandbox.hosts
    );
    assert!(
        sandbox
            .hosts
            .ends_with("\n# Entries added by HostAliases.\n123.45.67.89\tfoo\tbar\n"),
        "{}",
        sandbox.hosts
    );
    // Who shares the node's network sees the node's names.
    let mut wish = pod("p", json!({}));
    wish["spec"]["hostNetwork"] = true.into();
    let (_, sandbox, _) = started(|_| {}, wish);
    assert!(
        sandbox
            .hosts
            .starts_with("# Kubernetes-managed hosts file (host network).\n"),
        "{}",
        sandbox.hosts
    );
}
