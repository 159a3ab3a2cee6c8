//! What a kubelet does for a container besides starting it: hooks, last words, deadlines, bounds.

use super::plane::{Plane, pod};
use clock::{Duration, Instant};
use cluster::kubelet::{Command, LastWords, StartContainer};
use serde_json::{Value, json};

fn container<'a>(plane: &'a Plane, name: &str) -> &'a Value {
    &plane.get("pods", name)["status"]["containerStatuses"][0]
}

fn order(plane: &Plane) -> &StartContainer {
    let mut orders = plane
        .commands
        .iter()
        .filter_map(|(_, command)| match command {
            Command::StartContainer(order) => Some(order),
            _ => None,
        });
    orders.next_back().expect("something was started")
}

fn signals(plane: &Plane) -> Vec<(u8, Instant)> {
    let signal = |(at, command): &(Instant, Command)| match command {
        Command::Signal { signal, .. } => Some((*signal, *at)),
        _ => None,
    };
    plane.commands.iter().filter_map(signal).collect()
}

fn hooked(hook: &str, handler: Value) -> Value {
    json!({"lifecycle": {hook: handler}})
}

#[test]
fn a_container_is_not_said_to_run_before_its_post_start_hook_ended() {
    let mut plane = Plane::new(1);
    let hook = hooked("postStart", json!({"exec": {"command": ["hook"]}}));
    plane.create("pods", pod("p", hook));
    // A hook of the plane takes two seconds.
    plane.run_until(10, |plane| {
        !plane.commands.is_empty()
            && plane
                .commands
                .iter()
                .any(|(_, c)| matches!(c, Command::Probe { .. }))
    });
    plane.run_for(1);
    assert_eq!(
        container(&plane, "p")["state"]["waiting"]["reason"],
        "ContainerCreating"
    );
    assert_eq!(plane.get("pods", "p")["status"]["phase"], "Pending");
    plane.run_for(2);
    assert!(container(&plane, "p")["state"]["running"].is_object());
    assert_eq!(plane.ready_pods(), 1);
}

#[test]
fn a_failed_post_start_hook_ends_its_container() {
    let mut plane = Plane::new(1);
    plane.script.broken_hooks.insert("c".into());
    let hook = hooked("postStart", json!({"exec": {"command": ["hook"]}}));
    plane.create("pods", pod("p", hook));
    plane.run_for(6);
    let events = plane.events("p");
    let told = [
        "FailedPostStartHook PostStartHook failed",
        "Killing FailedPostStartHook",
    ];
    assert!(
        told.iter()
            .all(|one| events.iter().any(|event| event == one)),
        "{events:?}"
    );
    plane.run_for(2);
    assert!(container(&plane, "p")["restartCount"].as_u64() >= Some(1));
}

#[test]
fn a_post_start_sleep_delays_what_is_said() {
    let mut plane = Plane::new(1);
    plane.create(
        "pods",
        pod("p", hooked("postStart", json!({"sleep": {"seconds": 5}}))),
    );
    plane.run_for(4);
    assert_eq!(plane.get("pods", "p")["status"]["phase"], "Pending");
    plane.run_for(4);
    assert_eq!(plane.get("pods", "p")["status"]["phase"], "Running");
}

#[test]
fn hooks_may_ask_by_http() {
    let mut plane = Plane::new(1);
    let get = json!({"httpGet": {"port": 8080, "path": "/echo?msg=poststart"}});
    plane.create(
        "pods",
        pod(
            "p",
            json!({"lifecycle": {"postStart": get, "preStop": get}}),
        ),
    );
    plane.run_for(5);
    plane.delete("pods", "p");
    plane.run_for(5);
    let asked = plane.commands.iter().filter(|(_, command)| {
        matches!(command, Command::Probe { probe: cluster::kubelet::ProbeKind::Http { port: 8080, path, host, .. }, .. }
            if path == "/echo?msg=poststart" && host == "10.244.0.2")
    });
    assert_eq!(asked.count(), 2);
    assert!(plane.try_get("pods", "p").is_none());
}

#[test]
fn a_pre_stop_hook_that_takes_all_of_the_grace_leaves_two_seconds_more() {
    let mut plane = Plane::new(1);
    plane.script.stubborn.insert("c".into());
    let mut slow = pod("p", hooked("preStop", json!({"sleep": {"seconds": 20}})));
    slow["spec"]["terminationGracePeriodSeconds"] = 5.into();
    plane.create("pods", slow);
    plane.run_for(5);
    let deleted = plane.now;
    plane.delete("pods", "p");
    plane.run_for(10);
    let after = |seconds| deleted + Duration::from_secs(seconds);
    assert_eq!(signals(&plane), [(15, after(5)), (9, after(7))]);
}

#[test]
fn a_pre_stop_hook_that_fails_is_told_and_stops_nothing() {
    let mut plane = Plane::new(1);
    plane.script.broken_hooks.insert("c".into());
    plane.create(
        "pods",
        pod(
            "p",
            hooked("preStop", json!({"exec": {"command": ["hook"]}})),
        ),
    );
    plane.run_for(5);
    plane.delete("pods", "p");
    plane.run_for(5);
    let events = plane.events("p");
    assert!(
        events.contains(&"FailedPreStopHook PreStopHook failed".to_owned()),
        "{events:?}"
    );
    assert_eq!(signals(&plane).len(), 1);
}

/// The message of a container that ended with this code, said this, under this policy.
fn message(policy: &str, code: i32, file: &[u8], log: &[u8]) -> Value {
    let mut plane = Plane::new(1);
    plane.script.exits.insert("c".into(), (10, code));
    let said = LastWords {
        file: file.to_vec(),
        log: log.to_vec(),
    };
    plane.script.said.insert("c".into(), said);
    let mut wish = pod("p", json!({"terminationMessagePolicy": policy}));
    wish["spec"]["restartPolicy"] = "Never".into();
    plane.create("pods", wish);
    plane.run_for(5);
    container(&plane, "p")["state"]["terminated"]["message"].clone()
}

#[test]
fn a_termination_message_comes_from_the_file_or_else_from_the_log_of_who_failed() {
    let fall_back = "FallbackToLogsOnError";
    assert_eq!(message("File", 0, b"DONE", b"log"), "DONE");
    assert_eq!(message(fall_back, 0, b"OK", b"log"), "OK");
    assert_eq!(message(fall_back, 0, b"", b"log"), Value::Null);
    assert_eq!(message("File", 1, b"", b"log"), Value::Null);
    assert_eq!(message(fall_back, 1, b"", b"DONE\n"), "DONE\n");
    let long = vec![b'x'; 5000];
    let shown = message("File", 1, &long, b"");
    assert_eq!(shown.as_str().map(str::len), Some(4096));
    let shown = message(fall_back, 1, b"", &long);
    assert_eq!(shown.as_str().map(str::len), Some(2048));
    let lines = "a\n".repeat(200);
    let shown = message(fall_back, 1, b"", lines.as_bytes());
    assert_eq!(shown.as_str().map(|text| text.lines().count()), Some(80));
}

#[test]
fn the_machine_is_told_bounds_last_words_and_where_not_to_write() {
    let mut plane = Plane::new(1);
    plane.create(
        "pods",
        pod(
            "p",
            json!({
                "resources": {"limits": {"memory": "64Mi", "cpu": "250m"}},
                "securityContext": {"readOnlyRootFilesystem": true},
                "terminationMessagePath": "/dev/termination-custom-log",
            }),
        ),
    );
    plane.run_for(3);
    let order = order(&plane);
    assert_eq!(order.memory_limit, Some(64 << 20));
    assert_eq!(order.cpu_limit_millis, Some(250));
    assert!(order.read_only_root);
    assert_eq!(order.termination_path, "/dev/termination-custom-log");
    plane.create("pods", pod("q", json!({})));
    plane.run_for(3);
    let order = self::order(&plane);
    assert_eq!((order.memory_limit, order.cpu_limit_millis), (None, None));
    assert_eq!(order.termination_path, "/dev/termination-log");
}

#[test]
fn too_much_memory_is_an_end_of_its_own() {
    let mut plane = Plane::new(1);
    plane.script.exits.insert("c".into(), (10, 137));
    plane.script.greedy.insert("c".into());
    plane.create("pods", pod("p", json!({})));
    plane.run_for(4);
    let last = &container(&plane, "p")["lastState"]["terminated"];
    assert_eq!(last["reason"], "OOMKilled");
    assert_eq!(last["exitCode"], 137);
}

#[test]
fn a_pod_that_is_active_for_too_long_fails() {
    let mut plane = Plane::new(1);
    let mut wish = pod("p", json!({}));
    wish["spec"]["activeDeadlineSeconds"] = 60.into();
    plane.create("pods", wish);
    plane.run_for(30);
    // The deadline may be brought forward while it runs.
    plane.edit("pods", "p", |pod| {
        pod["spec"]["activeDeadlineSeconds"] = 40.into()
    });
    plane.run_for(8);
    assert_eq!(plane.get("pods", "p")["status"]["phase"], "Running");
    plane.run_for(5);
    let status = &plane.get("pods", "p")["status"];
    assert_eq!(
        (status["phase"].as_str(), status["reason"].as_str()),
        (Some("Failed"), Some("DeadlineExceeded"))
    );
    assert_eq!(
        status["message"],
        "Pod was active on the node longer than the specified deadline"
    );
    assert!(
        plane.events("p").contains(
            &"DeadlineExceeded Pod was active on the node longer than the specified deadline"
                .to_owned()
        )
    );
    plane.run_for(300);
    assert_eq!(container(&plane, "p")["restartCount"], 0);
}
