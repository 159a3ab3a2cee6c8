//! What containers see of volumes, at their start and later.

use super::plane::{Plane, pod};
use clock::{Duration, Instant};
use cluster::kubelet::{Command, FilesUpdate, Mount, StartContainer};
use serde_json::{Value, json};

fn updates(plane: &Plane) -> Vec<(Instant, &FilesUpdate)> {
    let update = |(at, command): &'_ (Instant, Command)| match command {
        Command::UpdateFiles(_) => Some(*at),
        _ => None,
    };
    plane
        .commands
        .iter()
        .filter_map(|entry| match &entry.1 {
            Command::UpdateFiles(files) => Some((update(entry)?, files)),
            _ => None,
        })
        .collect()
}

fn orders(plane: &Plane) -> Vec<&StartContainer> {
    let order = |command: &'_ Command| matches!(command, Command::StartContainer(_));
    plane
        .commands
        .iter()
        .filter(|(_, command)| order(command))
        .filter_map(|(_, command)| match command {
            Command::StartContainer(order) => Some(order),
            _ => None,
        })
        .collect()
}

fn mount<'a>(plane: &'a Plane, path: &str) -> &'a Mount {
    let orders = orders(plane);
    let order = orders.last().expect("a container was started");
    order
        .mounts
        .iter()
        .find(|mount| mount.path == path)
        .expect("it is mounted")
}

fn map(name: &str, value: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": {"key": value}})
}

/// A pod with these volumes, of which it mounts the first at `/v`, whole and in part.
fn reader(volume: Value) -> Value {
    let mut volume = volume;
    volume["name"] = "v".into();
    let mut pod = pod(
        "p",
        json!({"volumeMounts": [
            {"name": "v", "mountPath": "/v"},
            {"name": "v", "mountPath": "/part", "subPath": "key"},
        ]}),
    );
    pod["spec"]["volumes"] = json!([volume]);
    pod
}

fn changed_after(volume: Value, change: impl FnOnce(&mut Plane)) -> Vec<(Duration, FilesUpdate)> {
    let mut plane = Plane::new(1);
    plane.create("configmaps", map("m", "one"));
    plane.create("secrets", json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "default"}, "data": {"key": "b25l"}}));
    plane.create("pods", reader(volume));
    plane.run_for(10);
    assert_eq!(updates(&plane), []);
    let begun = plane.now;
    change(&mut plane);
    plane.run_for(120);
    updates(&plane)
        .into_iter()
        .map(|(at, update)| (at - begun, update.clone()))
        .collect()
}

#[test]
fn a_changed_config_map_or_secret_is_seen_within_a_minute_and_a_half_and_only_by_whole_mounts() {
    let map_two =
        |plane: &mut Plane| plane.edit("configmaps", "m", |map| map["data"]["key"] = "two".into());
    let secret_two = |plane: &mut Plane| {
        plane.edit("secrets", "s", |secret| {
            secret["data"]["key"] = "dHdv".into()
        })
    };
    let cases: [(Value, Vec<(Duration, FilesUpdate)>); 3] = [
        (
            json!("configMap"),
            changed_after(json!({"configMap": {"name": "m"}}), map_two),
        ),
        (
            json!("secret"),
            changed_after(json!({"secret": {"secretName": "s"}}), secret_two),
        ),
        (
            json!("projected"),
            changed_after(
                json!({"projected": {"sources": [{"secret": {"name": "s"}}, {"configMap": {"name": "m"}}]}}),
                map_two,
            ),
        ),
    ];
    for (kind, seen) in cases {
        let [(after, update)] = &seen[..] else {
            panic!("{kind}: {seen:?}")
        };
        assert!(*after <= Duration::from_secs(91), "{kind}: {after:?}");
        assert_eq!(update.path, "/v", "{kind}");
        assert_eq!(update.files["key"].bytes, b"two", "{kind}");
    }
}

#[test]
fn an_optional_map_may_come_later_and_a_required_one_that_goes_leaves_its_files() {
    let seen = changed_after(
        json!({"configMap": {"name": "later", "optional": true}}),
        |plane| {
            plane.create("configmaps", map("later", "new"));
        },
    );
    assert_eq!(seen[0].1.files["key"].bytes, b"new");
    assert_eq!(
        changed_after(json!({"configMap": {"name": "m"}}), |plane| plane
            .delete("configmaps", "m")),
        []
    );
}

#[test]
fn an_immutable_map_that_is_replaced_changes_nothing_for_pods_that_have_it() {
    let seen = changed_after(json!({"configMap": {"name": "m"}}), |plane| {
        plane.edit("configmaps", "m", |map| map["immutable"] = true.into());
        plane.delete("configmaps", "m");
        plane.create("configmaps", map("m", "two"));
    });
    assert_eq!(seen, []);
}

#[test]
fn labels_and_annotations_are_followed_at_once() {
    let volume = json!({"downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}});
    let seen = changed_after(volume, |plane| {
        plane.edit("pods", "p", |pod| {
            pod["metadata"]["labels"] = json!({"a": "1", "b": "two words"})
        });
    });
    let [(after, update)] = &seen[..] else {
        panic!("{seen:?}")
    };
    assert!(*after < Duration::from_secs(1));
    assert_eq!(update.files["labels"].bytes, b"a=\"1\"\nb=\"two words\"");
}

#[test]
fn a_sub_path_of_a_shared_volume_is_a_directory_of_it_and_may_be_an_expression() {
    let shared = |mount: Value, env: Value| {
        let mut plane = Plane::new(1);
        let mut mount = mount;
        mount["name"] = "v".into();
        mount["mountPath"] = "/v".into();
        let mut pod = pod("p", json!({"env": env, "volumeMounts": [mount]}));
        pod["spec"]["volumes"] = json!([{"name": "v", "emptyDir": {}}]);
        plane.create("pods", pod);
        plane.run_for(4);
        plane
    };
    let plane = shared(json!({"subPath": "logs/a"}), json!([]));
    let seen = mount(&plane, "/v");
    assert!(seen.shared && seen.files.is_empty() && seen.lasting.is_none());
    assert_eq!(seen.sub_path, "logs/a");
    let name =
        json!([{"name": "POD_NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]);
    let plane = shared(json!({"subPathExpr": "x/$(POD_NAME)"}), name);
    assert_eq!(mount(&plane, "/v").sub_path, "x/p");
    let refused = |expression: &str, value: &str| {
        let plane = shared(
            json!({"subPathExpr": expression}),
            json!([{"name": "A", "value": value}]),
        );
        assert!(orders(&plane).is_empty());
        let waiting =
            plane.get("pods", "p")["status"]["containerStatuses"][0]["state"]["waiting"].clone();
        assert_eq!(waiting["reason"], "CreateContainerConfigError");
        waiting["message"].as_str().expect("it says why").to_owned()
    };
    assert_eq!(
        refused("$(A)", "/tmp"),
        "error SubPath `/tmp` must not be an absolute path"
    );
    assert_eq!(
        refused("$(A)/b", ".."),
        "unable to provision SubPath `../b`: must not contain '..'"
    );
    assert_eq!(refused("$(B)", "x"), "missing value for B");
}

#[test]
fn a_sub_path_that_cannot_be_expanded_is_tried_again() {
    let mut plane = Plane::new(1);
    let mut wish = pod(
        "p",
        json!({
            "env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.annotations['mysubpath']"}}}],
            "volumeMounts": [{"name": "v", "mountPath": "/v", "subPathExpr": "$(A)/$(A)"}],
        }),
    );
    wish["spec"]["volumes"] = json!([{"name": "v", "emptyDir": {}}]);
    plane.create("pods", wish);
    plane.run_for(5);
    assert_eq!(plane.get("pods", "p")["status"]["phase"], "Pending");
    plane.edit("pods", "p", |pod| {
        pod["metadata"]["annotations"]["mysubpath"] = "mypath".into()
    });
    plane.run_for(15);
    assert_eq!(plane.ready_pods(), 1);
    assert_eq!(mount(&plane, "/v").sub_path, "mypath/mypath");
}

#[test]
fn a_directory_of_the_node_has_a_key_that_names_the_node() {
    let mut plane = Plane::new(1);
    let mut wish = pod(
        "p",
        json!({"volumeMounts": [{"name": "v", "mountPath": "/v"}]}),
    );
    wish["spec"]["volumes"] = json!([{"name": "v", "hostPath": {"path": "/data/"}}]);
    plane.create("pods", wish);
    plane.run_for(4);
    assert_eq!(mount(&plane, "/v").lasting.as_deref(), Some("node-1:/data"));
}
