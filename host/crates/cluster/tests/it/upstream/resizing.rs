//! Other requests and limits for containers that run.

use crate::fixture::{Lab, PODS, json};
use crate::plane::{Plane, condition, pod};
use cluster::Method;
use cluster::kubelet::Command;
use serde_json::{Value, json as value};

fn amounts(cpu: &str, memory: &str) -> Value {
    value!({"cpu": cpu, "memory": memory})
}

fn guaranteed(cpu: &str, memory: &str) -> Value {
    value!({"requests": amounts(cpu, memory), "limits": amounts(cpu, memory)})
}

fn three(resources: [Value; 3]) -> Value {
    let mut wish = pod("p", value!({}));
    let names = ["c1", "c2", "c3"];
    let containers = names.iter().zip(resources);
    wish["spec"]["containers"] = containers
        .map(|(name, resources)| value!({"name": name, "image": "nginx", "resources": resources}))
        .collect();
    wish
}

/// The limits that running containers were told, by name: bytes and thousandths of a processor.
fn told(plane: &Plane) -> Vec<(String, Option<u64>, Option<u64>)> {
    let told = plane
        .commands
        .iter()
        .filter_map(|(_, command)| match command {
            Command::SetLimits {
                container,
                memory,
                cpu_millis,
                ..
            } => Some((container.clone(), *memory, *cpu_millis)),
            _ => None,
        });
    told.collect()
}

fn resize(plane: &mut Plane, resources: &[Value]) {
    plane.edit("pods", "p", |pod| {
        for (at, resources) in resources.iter().enumerate() {
            pod["spec"]["containers"][at]["resources"] = resources.clone();
        }
    });
    plane.run_for(2);
}

fn status(plane: &Plane, at: usize) -> &Value {
    &plane.get("pods", "p")["status"]["containerStatuses"][at]
}

#[test]
fn several_containers_grow_and_shrink_at_once_without_a_restart() {
    const MI: u64 = 1 << 20;
    let old = guaranteed("100m", "100Mi");
    for new in [
        [
            guaranteed("150m", "150Mi"),
            guaranteed("150m", "150Mi"),
            guaranteed("50m", "50Mi"),
        ],
        [
            guaranteed("150m", "150Mi"),
            guaranteed("50m", "50Mi"),
            guaranteed("50m", "50Mi"),
        ],
        [
            guaranteed("150m", "100Mi"),
            guaranteed("50m", "150Mi"),
            guaranteed("150m", "150Mi"),
        ],
    ] {
        let mut plane = Plane::new(1);
        plane.create("pods", three([old.clone(), old.clone(), old.clone()]));
        plane.run_for(5);
        resize(&mut plane, &new);
        for (at, resources) in new.iter().enumerate() {
            assert_eq!(status(&plane, at)["resources"], *resources);
            assert_eq!(
                status(&plane, at)["allocatedResources"],
                resources["requests"]
            );
            assert_eq!(status(&plane, at)["restartCount"], 0);
        }
        let told = told(&plane);
        assert_eq!(told.len(), 3);
        let memory = new[0]["limits"]["memory"]
            .as_str()
            .and_then(|text| text.strip_suffix("Mi")?.parse::<u64>().ok());
        assert_eq!(
            told[0],
            ("c1".to_owned(), memory.map(|mi| mi * MI), Some(150))
        );
        assert_eq!(
            condition(plane.get("pods", "p"), "PodResizePending"),
            "absent"
        );
        let pod = plane.get("pods", "p");
        assert_eq!(
            pod["status"]["observedGeneration"],
            pod["metadata"]["generation"]
        );
    }
}

#[test]
fn bounds_may_be_added_to_a_burstable_pod_and_equal_ones_change_nothing() {
    let mut plane = Plane::new(1);
    plane.create(
        "pods",
        three([
            value!({"requests": {"cpu": "100m"}}),
            value!({}),
            value!({"limits": {"memory": "1Gi"}}),
        ]),
    );
    plane.run_for(5);
    let new = [
        value!({"requests": {"cpu": "100m", "memory": "50Mi"}, "limits": {"cpu": "200m"}}),
        value!({"requests": {"cpu": "20m"}}),
    ];
    resize(&mut plane, &new);
    assert_eq!(
        told(&plane),
        [
            ("c1".to_owned(), None, Some(200)),
            ("c2".to_owned(), None, None)
        ]
    );
    assert_eq!(status(&plane, 0)["resources"], new[0]);
    plane.edit("pods", "p", |pod| {
        pod["metadata"]["labels"] = value!({"a": "b"})
    });
    plane.run_for(2);
    assert_eq!(told(&plane).len(), 2);
}

#[test]
fn a_container_that_asks_for_it_is_restarted_with_its_new_bounds() {
    let mut plane = Plane::new(1);
    let container = value!({
        "resources": guaranteed("100m", "100Mi"),
        "resizePolicy": [{"resourceName": "memory", "restartPolicy": "RestartContainer"}],
    });
    plane.create("pods", pod("p", container));
    plane.run_for(5);
    resize(&mut plane, &[guaranteed("200m", "100Mi")]);
    assert_eq!(status(&plane, 0)["restartCount"], 0);
    resize(&mut plane, &[guaranteed("200m", "200Mi")]);
    plane.run_for(5);
    assert_eq!(status(&plane, 0)["restartCount"], 1);
    assert!(
        plane
            .events("p")
            .contains(&"Killing Container c resize requires restart".to_owned())
    );
    let starts = plane
        .commands
        .iter()
        .filter_map(|(_, command)| match command {
            Command::StartContainer(order) => order.memory_limit,
            _ => None,
        });
    assert_eq!(starts.collect::<Vec<_>>(), [100 << 20, 200 << 20]);
}

#[test]
fn what_the_node_cannot_give_is_said_and_given_when_there_is_room() {
    let mut plane = Plane::new(1);
    plane.create(
        "pods",
        pod("p", value!({"resources": guaranteed("500m", "100Mi")})),
    );
    plane.create(
        "pods",
        pod(
            "other",
            value!({"resources": {"requests": {"cpu": "1200m"}}}),
        ),
    );
    plane.run_for(5);
    let pending = |plane: &Plane| {
        let conditions = plane.get("pods", "p")["status"]["conditions"]
            .as_array()
            .cloned();
        let mut conditions = conditions.into_iter().flatten();
        conditions
            .find(|one| one["type"] == "PodResizePending")
            .map(|one| {
                format!(
                    "{} {}",
                    one["reason"].as_str().unwrap_or_default(),
                    one["message"].as_str().unwrap_or_default()
                )
            })
    };
    resize(&mut plane, &[guaranteed("3", "100Mi")]);
    assert_eq!(
        pending(&plane).as_deref(),
        Some("Infeasible Node didn't have enough capacity: cpu, requested: 3000, capacity: 2000")
    );
    resize(&mut plane, &[guaranteed("1", "100Mi")]);
    assert_eq!(
        pending(&plane).as_deref(),
        Some(
            "Deferred Node didn't have enough resource: cpu, requested: 1000, used: 1200, capacity: 2000"
        )
    );
    assert_eq!(status(&plane, 0)["resources"]["limits"]["cpu"], "500m");
    plane.delete("pods", "other");
    plane.run_for(100);
    assert_eq!(pending(&plane), None);
    assert_eq!(status(&plane, 0)["resources"]["limits"]["cpu"], "1");
}

#[test]
fn the_subresource_changes_resources_and_nothing_else() {
    let mut lab = Lab::new();
    let wish = value!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
        "spec": {"containers": [{"name": "c", "image": "nginx", "resources": guaranteed("100m", "100Mi")}]},
    });
    lab.create(PODS, &wish.to_string());
    let at = format!("{PODS}/p/resize");
    let patch = value!({"spec": {"containers": [{"name": "c", "image": "other", "resources": guaranteed("200m", "100Mi")}]}});
    let patched = lab.patch(
        &at,
        "application/strategic-merge-patch+json",
        &patch.to_string(),
    );
    assert_eq!(patched["spec"]["containers"][0]["image"], "nginx");
    assert_eq!(
        patched["spec"]["containers"][0]["resources"],
        guaranteed("200m", "100Mi")
    );
    assert_eq!(patched["metadata"]["generation"], 2);
    let mut whole = lab.get(&at);
    whole["spec"]["containers"][0]["resources"] = guaranteed("300m", "300Mi");
    let put = lab.send(Method::Put, &at, "application/json", &whole.to_string());
    assert_eq!(put.status, 200, "{}", json(&put));
    assert_eq!(
        json(&put)["spec"]["containers"][0]["resources"],
        guaranteed("300m", "300Mi")
    );
    // Elsewhere resources stay what they are, and here a pod stays what it is.
    let refusals = [
        (
            PODS.to_owned() + "/p",
            guaranteed("1", "1Gi"),
            "pod updates may not change fields other than",
        ),
        (
            at.clone(),
            value!({"requests": amounts("100m", "100Mi"), "limits": amounts("300m", "300Mi")}),
            "Pod QOS Class may not change as a result of resizing",
        ),
    ];
    for (path, resources, why) in refusals {
        let mut next = lab.get(&format!("{PODS}/p"));
        next["spec"]["containers"][0]["resources"] = resources;
        let answer = lab.send(Method::Put, &path, "application/json", &next.to_string());
        assert_eq!(answer.status, 422);
        let message = json(&answer)["message"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        assert!(message.contains(why), "{message}");
    }
}
