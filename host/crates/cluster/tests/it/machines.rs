//! What kubelets make of pods, and what becomes of nodes that fall silent.

use super::plane::{Plane, condition, deployment, pod, service};
use clock::{Duration, Instant};
use cluster::kubelet::Command;
use serde_json::{Value, json};

fn status<'a>(plane: &'a Plane, name: &str) -> &'a Value {
    &plane.get("pods", name)["status"]["containerStatuses"][0]
}

fn starts(plane: &Plane, container: &str) -> Vec<Instant> {
    let wanted = |command: &Command| matches!(command, Command::StartContainer(order) if order.container == container);
    plane
        .commands
        .iter()
        .filter(|(_, command)| wanted(command))
        .map(|(at, _)| *at)
        .collect()
}

fn signals(plane: &Plane) -> Vec<(u8, Instant)> {
    let signal = |(at, command): &(Instant, Command)| match command {
        Command::Signal { signal, .. } => Some((*signal, *at)),
        _ => None,
    };
    plane.commands.iter().filter_map(signal).collect()
}

#[test]
fn a_running_pod_looks_as_recorded() {
    let mut plane = Plane::new(1);
    plane.create(
        "pods",
        pod(
            "p",
            json!({"image": "nginx", "ports": [{"containerPort": 80}]}),
        ),
    );
    plane.run_for(5);
    let pod = plane.get("pods", "p");
    let kinds: Vec<&str> = pod["status"]["conditions"]
        .as_array()
        .expect("conditions")
        .iter()
        .map(|c| c["type"].as_str().expect("typed"))
        .collect();
    assert_eq!(
        kinds,
        [
            "PodReadyToStartContainers",
            "Initialized",
            "Ready",
            "ContainersReady",
            "PodScheduled"
        ]
    );
    for kind in kinds {
        assert_eq!(condition(pod, kind), "True", "{kind}");
    }
    let keys: Vec<&String> = pod["status"]
        .as_object()
        .expect("a status")
        .keys()
        .collect();
    assert_eq!(
        keys,
        [
            "conditions",
            "containerStatuses",
            "hostIP",
            "hostIPs",
            "observedGeneration",
            "phase",
            "podIP",
            "podIPs",
            "qosClass",
            "resources",
            "startTime"
        ]
    );
    assert_eq!(
        (
            pod["status"]["phase"].as_str(),
            pod["status"]["podIP"].as_str()
        ),
        (Some("Running"), Some("10.244.0.2"))
    );
    let container = status(&plane, "p");
    assert_eq!(container["image"], "docker.io/library/nginx:latest");
    assert!(
        container["imageID"]
            .as_str()
            .is_some_and(|id| id.starts_with("docker.io/library/nginx@sha256:"))
    );
    assert!(
        container["containerID"]
            .as_str()
            .is_some_and(|id| id.starts_with("containerd://") && id.len() == 77)
    );
    assert_eq!(
        (
            container["ready"].as_bool(),
            container["started"].as_bool(),
            container["restartCount"].as_u64()
        ),
        (Some(true), Some(true), Some(0))
    );
}

#[test]
fn a_crashing_container_is_held_back_longer_each_time() {
    let mut plane = Plane::new(1);
    plane.script.exits.insert("c".into(), (10, 3));
    plane.create("pods", pod("crash", json!({})));
    plane.run_for(5);
    let container = status(&plane, "crash");
    assert_eq!(container["state"]["waiting"]["reason"], "CrashLoopBackOff");
    let uid = plane.get("pods", "crash")["metadata"]["uid"]
        .as_str()
        .expect("a uid")
        .to_owned();
    assert_eq!(
        container["state"]["waiting"]["message"],
        format!("back-off 10s restarting failed container=c pod=crash_default({uid})")
    );
    assert_eq!(container["lastState"]["terminated"]["exitCode"], 3);
    assert_eq!(
        (
            container["restartCount"].as_u64(),
            container["ready"].as_bool()
        ),
        (Some(1), Some(false))
    );
    assert_eq!(plane.get("pods", "crash")["status"]["phase"], "Running");
    assert_eq!(
        plane.events("crash").last().expect("an event"),
        &format!("BackOff Back-off restarting failed container c in pod crash_default({uid})")
    );
    plane.run_for(1000);
    let starts = starts(&plane, "c");
    let gaps: Vec<u64> = starts
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).as_secs())
        .collect();
    assert_eq!(gaps, [1, 10, 20, 40, 80, 160, 300, 300]);
}

#[test]
fn a_failed_pull_is_tried_again_after_ten_seconds_then_twenty() {
    let mut plane = Plane::new(1);
    plane.create("pods", pod("bad", json!({"image": "nosuch/image:9"})));
    let mut reasons: Vec<(u64, String)> = Vec::new();
    for _ in 0..600 {
        plane.run_for_ms(100);
        let reason = status(&plane, "bad")["state"]["waiting"]["reason"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        if reasons.last().is_none_or(|(_, last)| *last != reason) {
            reasons.push((plane.now.as_secs(), reason));
        }
    }
    let words: Vec<&str> = reasons.iter().map(|(_, reason)| reason.as_str()).collect();
    assert_eq!(
        words[..4],
        [
            "ContainerCreating",
            "ErrImagePull",
            "ImagePullBackOff",
            "ContainerCreating"
        ]
    );
    let tries: Vec<u64> = reasons
        .iter()
        .filter(|(_, reason)| reason == "ErrImagePull")
        .map(|(at, _)| *at)
        .collect();
    let gaps: Vec<u64> = tries.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(
        (10..=11).contains(&gaps[0]) && (20..=21).contains(&gaps[1]),
        "{gaps:?}"
    );
}

#[test]
fn restart_policies_decide_what_an_end_means() {
    for (policy, code, phase, starts_wanted) in [
        ("Never", 0, "Succeeded", 1),
        ("Never", 2, "Failed", 1),
        ("OnFailure", 0, "Succeeded", 1),
        ("OnFailure", 2, "Running", 2),
        ("Always", 0, "Running", 2),
    ] {
        let mut plane = Plane::new(1);
        plane.script.exits.insert("c".into(), (10, code));
        let mut wish = pod("done", json!({}));
        wish["spec"]["restartPolicy"] = policy.into();
        plane.create("pods", wish);
        plane.run_for(6);
        assert_eq!(
            plane.get("pods", "done")["status"]["phase"],
            phase,
            "{policy} {code}"
        );
        assert_eq!(starts(&plane, "c").len(), starts_wanted, "{policy} {code}");
        if phase == "Succeeded" {
            let pod = plane.get("pods", "done");
            assert_eq!(
                status(&plane, "done")["state"]["terminated"]["reason"],
                "Completed"
            );
            assert_eq!(condition(pod, "PodReadyToStartContainers"), "False");
            assert_eq!(condition(pod, "Initialized"), "True");
            assert_eq!(condition(pod, "Ready"), "False");
        }
    }
}

#[test]
fn an_unready_pod_is_told_and_leaves_its_service() {
    let mut plane = Plane::new(1);
    let mut wish = deployment(2);
    wish["spec"]["template"]["spec"]["containers"][0]["readinessProbe"] =
        json!({"httpGet": {"path": "/nope", "port": 80}, "periodSeconds": 2});
    plane.create("deployments.apps", wish);
    plane.create("services", service());
    plane.run_for(5);
    assert_eq!(plane.ready_pods(), 2);
    plane.script.unhealthy.insert(
        "my-nginx".into(),
        "HTTP probe failed with statuscode: 404".into(),
    );
    plane.run_for(7);
    assert_eq!(plane.ready_pods(), 0);
    assert!(
        cluster::proxy::rules(&plane.store)
            .services
            .iter()
            .filter(|rule| rule.service == "my-nginx")
            .all(|rule| rule.endpoints.is_empty())
    );
    let name = plane.list("pods")[0]["metadata"]["name"]
        .as_str()
        .expect("named")
        .to_owned();
    assert_eq!(
        plane.events(&name).last().expect("an event"),
        "Unhealthy Readiness probe failed: HTTP probe failed with statuscode: 404"
    );
    let ready = plane.get("pods", &name)["status"]["conditions"][2].clone();
    assert_eq!(
        (ready["reason"].as_str(), ready["message"].as_str()),
        (
            Some("ContainersNotReady"),
            Some("containers with unready status: [my-nginx]")
        )
    );
    plane.script.unhealthy.clear();
    plane.run_for(3);
    assert_eq!(plane.ready_pods(), 2);
}

#[test]
fn a_container_that_fails_its_liveness_probe_is_restarted() {
    let mut plane = Plane::new(1);
    plane.create(
        "pods",
        pod(
            "sick",
            json!({"livenessProbe": {"exec": {"command": ["true"]}, "periodSeconds": 1}}),
        ),
    );
    plane.run_for(3);
    plane.script.unhealthy.insert("c".into(), "".into());
    plane.run_for(3);
    plane.script.unhealthy.clear();
    plane.run_for(5);
    assert_eq!(status(&plane, "sick")["restartCount"], 1);
    assert!(
        plane
            .events("sick")
            .contains(&"Killing Container c failed liveness probe, will be restarted".to_owned())
    );
    assert_eq!(condition(plane.get("pods", "sick"), "Ready"), "True");
}

#[test]
fn nobody_else_is_asked_before_the_startup_probe_succeeded() {
    let mut plane = Plane::new(1);
    plane.script.unhealthy.insert("c".into(), "not yet".into());
    plane.create(
        "pods",
        pod("slow", json!({
            "startupProbe": {"tcpSocket": {"port": 80}, "periodSeconds": 1, "failureThreshold": 30},
            "livenessProbe": {"tcpSocket": {"port": 80}, "periodSeconds": 1},
        })),
    );
    plane.run_for(8);
    assert_eq!(status(&plane, "slow")["started"], false);
    assert!(
        plane
            .events("slow")
            .iter()
            .all(|event| !event.contains("Liveness"))
    );
    plane.script.unhealthy.clear();
    plane.run_for(3);
    assert_eq!(
        (
            status(&plane, "slow")["started"].as_bool(),
            status(&plane, "slow")["restartCount"].as_u64()
        ),
        (Some(true), Some(0))
    );
}

#[test]
fn init_containers_run_in_order_and_sidecars_stay() {
    let mut plane = Plane::new(1);
    plane.script.exits.insert("first".into(), (500, 0));
    let mut wish = pod("p", json!({}));
    wish["spec"]["initContainers"] = json!([
        {"name": "first", "image": "busybox:1.28"},
        {"name": "side", "image": "busybox:1.28", "restartPolicy": "Always"},
    ]);
    plane.create("pods", wish);
    plane.run_for_ms(1200);
    assert_eq!(
        status(&plane, "p")["state"]["waiting"]["reason"],
        "PodInitializing"
    );
    assert_eq!(condition(plane.get("pods", "p"), "Initialized"), "False");
    plane.run_for(4);
    let (first, side, main) = (
        starts(&plane, "first")[0],
        starts(&plane, "side")[0],
        starts(&plane, "c")[0],
    );
    assert!(first < side && side < main);
    assert_eq!(condition(plane.get("pods", "p"), "Ready"), "True");
    assert_eq!(
        plane.get("pods", "p")["status"]["initContainerStatuses"][0]["state"]["terminated"]["reason"],
        "Completed"
    );
}

#[test]
fn a_deleted_pod_has_its_grace_and_then_goes() {
    let mut plane = Plane::new(1);
    plane.create("pods", pod("polite", json!({})));
    plane.create("pods", pod("deaf", json!({"name": "deaf"})));
    plane.script.stubborn.insert("deaf".into());
    plane.run_for(3);
    plane.delete("pods", "polite");
    plane.delete("pods", "deaf");
    let at = plane.now;
    plane.run_for(2);
    assert!(plane.try_get("pods", "polite").is_none());
    assert_eq!(
        plane.get("pods", "deaf")["metadata"]["deletionGracePeriodSeconds"],
        30
    );
    assert_eq!(condition(plane.get("pods", "deaf"), "Ready"), "True");
    assert_eq!(
        plane.events("deaf").last().expect("an event"),
        "Killing Stopping container deaf"
    );
    plane.run_for(30);
    assert!(plane.try_get("pods", "deaf").is_none());
    let killed = signals(&plane)
        .into_iter()
        .find(|(signal, _)| *signal == 9)
        .expect("SIGKILL");
    assert_eq!(killed.1 - at, Duration::from_secs(30));
}

#[test]
fn a_pre_stop_hook_runs_before_the_signal() {
    let mut plane = Plane::new(1);
    plane.create(
        "pods",
        pod(
            "p",
            json!({"lifecycle": {"preStop": {"exec": {"command": ["hook"]}}}}),
        ),
    );
    plane.run_for(3);
    plane.delete("pods", "p");
    let at = plane.now;
    plane.run_for(5);
    assert_eq!(signals(&plane), [(15, at + Duration::from_secs(2))]);
    assert!(plane.try_get("pods", "p").is_none());
}

#[test]
fn a_forced_deletion_leaves_nothing_running() {
    let mut plane = Plane::new(1);
    plane.create("pods", pod("p", json!({})));
    plane.run_for(3);
    let deletion = cluster::registry::Deletion {
        grace_seconds: Some(0),
        ..Default::default()
    };
    let now = plane.now;
    plane
        .registry
        .delete(&mut plane.store, now, "pods", "default", "p", deletion)
        .expect("it exists");
    plane.run_for(1);
    assert!(
        plane
            .commands
            .iter()
            .any(|(_, command)| matches!(command, Command::StopSandbox { .. }))
    );
    assert_eq!(plane.manager.kubelets().pods(), 0);
}

#[test]
fn a_missing_secret_keeps_the_pod_waiting_until_it_exists() {
    let mut plane = Plane::new(1);
    let mut wish = pod(
        "p",
        json!({"volumeMounts": [{"name": "x", "mountPath": "/ssl"}]}),
    );
    wish["spec"]["volumes"] = json!([{"name": "x", "secret": {"secretName": "y"}}]);
    plane.create("pods", wish);
    plane.run_for(20);
    assert_eq!(
        status(&plane, "p")["state"]["waiting"]["reason"],
        "ContainerCreating"
    );
    assert_eq!(
        plane.events("p")[1],
        "FailedMount MountVolume.SetUp failed for volume \"x\" : secret \"y\" not found"
    );
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "y", "namespace": "default"}, "data": {"tls.crt": "aGVsbG8="}});
    plane.create("secrets", secret);
    plane.run_for(60);
    assert_eq!(condition(plane.get("pods", "p"), "Ready"), "True");
    let mounted = plane.commands.iter().any(|(_, command)| {
        matches!(command, Command::StartContainer(order) if order.mounts[0].path == "/ssl" && order.mounts[0].files["tls.crt"].bytes == b"hello")
    });
    assert!(mounted);
}

#[test]
fn a_missing_config_map_in_the_environment_is_an_error_of_the_container() {
    let mut plane = Plane::new(1);
    plane.create(
        "pods",
        pod("p", json!({"envFrom": [{"configMapRef": {"name": "no"}}]})),
    );
    plane.run_for(3);
    let waiting = &status(&plane, "p")["state"]["waiting"];
    assert_eq!(
        (waiting["reason"].as_str(), waiting["message"].as_str()),
        (
            Some("CreateContainerConfigError"),
            Some("configmap \"no\" not found")
        )
    );
    assert_eq!(
        plane.events("p").last().expect("an event"),
        "Failed Error: configmap \"no\" not found"
    );
}

#[test]
fn a_silent_node_is_noticed_and_its_pods_are_replaced_and_removed_when_it_returns() {
    let mut plane = Plane::new(2);
    plane.create("deployments.apps", deployment(2));
    plane.create("services", service());
    plane.run_for(63);
    let on = |plane: &Plane, node: &str| -> Vec<String> {
        let pods = plane.list("pods");
        let here = pods.iter().filter(|pod| pod["spec"]["nodeName"] == node);
        here.map(|pod| pod["metadata"]["name"].as_str().expect("named").to_owned())
            .collect()
    };
    assert_eq!(
        (on(&plane, "node-1").len(), on(&plane, "node-2").len()),
        (1, 1),
        "pods are spread"
    );
    let lost = on(&plane, "node-2").remove(0);
    plane.set_power("node-2", false);

    let unknown = plane.run_until(120, |plane| {
        condition(plane.get("nodes", "node-2"), "Ready") == "Unknown"
    });
    assert!((40..=51).contains(&unknown.as_secs()), "{unknown:?}");
    let node = plane.get("nodes", "node-2");
    let keys: Vec<String> = node["spec"]["taints"]
        .as_array()
        .expect("taints")
        .iter()
        .map(|taint| {
            format!(
                "{}:{}",
                taint["key"].as_str().expect("a key"),
                taint["effect"].as_str().expect("an effect")
            )
        })
        .collect();
    assert_eq!(
        keys,
        [
            "node.kubernetes.io/unreachable:NoSchedule",
            "node.kubernetes.io/unreachable:NoExecute"
        ]
    );
    let ready = node["status"]["conditions"]
        .as_array()
        .expect("conditions")
        .iter()
        .find(|c| c["type"] == "Ready")
        .expect("Ready")
        .clone();
    assert_eq!(
        (ready["reason"].as_str(), ready["message"].as_str()),
        (
            Some("NodeStatusUnknown"),
            Some("Kubelet stopped posting node status.")
        )
    );
    assert_eq!(condition(plane.get("pods", &lost), "Ready"), "False");
    let endpoints: usize = cluster::proxy::rules(&plane.store)
        .services
        .iter()
        .filter(|rule| rule.service == "my-nginx")
        .map(|rule| rule.endpoints.len())
        .sum();
    assert_eq!(endpoints, 1);

    let replaced = plane.run_until(400, |plane| on(plane, "node-1").len() == 2);
    let after = unknown + replaced;
    assert!(
        (340..=360).contains(&after.as_secs()),
        "replaced after {after:?}"
    );
    plane.run_for(60);
    let pod = plane.get("pods", &lost);
    assert!(
        !pod["metadata"]["deletionTimestamp"].is_null(),
        "it waits for its kubelet"
    );
    assert!(plane.events(&lost).contains(&format!(
        "TaintManagerEviction Marking for deletion Pod default/{lost}"
    )));
    assert_eq!(
        plane.get("deployments.apps", "my-nginx")["status"]["readyReplicas"],
        2
    );

    plane.set_power("node-2", true);
    plane.run_for(15);
    assert!(plane.try_get("pods", &lost).is_none());
    assert_eq!(condition(plane.get("nodes", "node-2"), "Ready"), "True");
    assert!(plane.get("nodes", "node-2")["spec"]["taints"].is_null());
}

#[test]
fn after_a_short_outage_the_pods_of_a_node_are_started_once_more() {
    let mut plane = Plane::new(1);
    plane.create("pods", pod("p", json!({})));
    plane.run_for(5);
    plane.set_power("node-1", false);
    plane.run_for(10);
    plane.set_power("node-1", true);
    plane.run_for(15);
    assert_eq!(status(&plane, "p")["restartCount"], 1);
    assert_eq!(
        status(&plane, "p")["lastState"]["terminated"]["exitCode"],
        255
    );
    assert_eq!(condition(plane.get("pods", "p"), "Ready"), "True");
    assert!(plane.events("p").contains(
        &"SandboxChanged Pod sandbox changed, it will be killed and re-created.".to_owned()
    ));
}

#[test]
fn an_idle_cluster_wakes_only_for_its_leases() {
    let mut plane = Plane::new(3);
    plane.create("deployments.apps", deployment(3));
    plane.run_for(100);
    let (settles, revision) = (plane.settles, plane.store.revision());
    plane.run_for(100);
    assert!(
        plane.settles - settles <= 25,
        "{} settles",
        plane.settles - settles
    );
    assert_eq!(
        plane.store.revision() - revision,
        30,
        "one Lease per node and ten seconds"
    );
}

#[test]
fn a_probe_that_cannot_be_asked_is_told_and_holds_nothing_up() {
    for (probe, why) in [
        (
            json!({"tcpSocket": {"port": "nope"}, "periodSeconds": 5}),
            "Readiness probe errored and resulted in unknown state: strconv.Atoi: parsing \"nope\": invalid syntax",
        ),
        (
            json!({"grpc": {"port": 9}, "periodSeconds": 5}),
            "Readiness probe errored and resulted in unknown state: not in this lab: probes by gRPC",
        ),
    ] {
        let mut plane = Plane::new(1);
        let container = json!({"image": "nginx", "readinessProbe": probe});
        plane.create("pods", pod("p", container));
        plane.run_for(30);
        assert_eq!(status(&plane, "p")["ready"], false);
        let events = plane.events("p");
        assert!(events.iter().any(|event| event.contains(why)), "{events:?}");
    }
}

#[test]
fn a_pod_may_go_while_one_container_waits_and_another_takes_its_time() {
    let mut plane = Plane::new(1);
    plane.script.exits.insert("c".into(), (100, 1));
    plane.script.stubborn.insert("slow".into());
    let mut wish = pod("p", json!({"image": "nginx"}));
    wish["spec"]["containers"]
        .as_array_mut()
        .expect("containers")
        .push(json!({"name": "slow", "image": "nginx"}));
    for wait in [1_500, 3_000, 12_000] {
        plane.create("pods", wish.clone());
        plane.run_for_ms(wait);
        plane.delete("pods", "p");
        plane.run_for(40);
        assert!(plane.try_get("pods", "p").is_none(), "after {wait} ms");
    }
}
