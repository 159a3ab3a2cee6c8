//! Where the scheduler puts pods, whom it displaces, and what it says when there is no place.

use super::plane::{Plane, condition, pod};
use serde_json::{Value, json};

/// A pod with a label `app` of its name's first letter, and this besides in its spec.
fn labelled(name: &str, spec: Value) -> Value {
    let mut pod = pod(name, json!({}));
    pod["metadata"]["labels"] = json!({"app": &name[..1]});
    for (field, value) in spec.as_object().into_iter().flatten() {
        pod["spec"][field] = value.clone();
    }
    pod
}

fn node_of(plane: &Plane, name: &str) -> String {
    let node = plane.get("pods", name)["spec"]["nodeName"].as_str();
    node.unwrap_or_default().to_owned()
}

fn refusal(plane: &Plane, name: &str) -> String {
    let told = plane.events(name);
    let told = told.last().expect("an event");
    told.strip_prefix("FailedScheduling ")
        .expect("it fits nowhere")
        .to_owned()
}

/// Nodes 1 and 2 in zone a, 3 in zone b.
fn zones() -> Plane {
    let mut plane = Plane::new(3);
    for (node, zone) in [("node-1", "a"), ("node-2", "a"), ("node-3", "b")] {
        plane.edit("nodes", node, |node| {
            node["metadata"]["labels"]["zone"] = zone.into()
        });
    }
    plane.run_for(1);
    plane
}

fn term(app: &str, key: &str) -> Value {
    json!({"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": key})
}

fn required(kind: &str, term: &Value) -> Value {
    json!({"affinity": {kind: {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}})
}

#[test]
fn pods_go_where_those_are_that_they_want_to_be_with() {
    let mut plane = zones();
    let with_a = required("podAffinity", &term("a", "zone"));
    plane.create("pods", labelled("b1", with_a.clone()));
    plane.run_for(2);
    assert_eq!(
        refusal(&plane, "b1"),
        "0/3 nodes are available: 3 node(s) didn't match pod affinity rules. no new claims to deallocate, preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling."
    );
    // It is looked at again when somebody comes.
    plane.create("pods", labelled("a1", json!({"nodeName": "node-3"})));
    plane.run_for(2);
    assert_eq!(node_of(&plane, "b1"), "node-3");
    // Who wants to be with its like begins somewhere.
    for name in ["c1", "c2", "c3"] {
        plane.create(
            "pods",
            labelled(name, required("podAffinity", &term("c", "zone"))),
        );
    }
    plane.run_for(2);
    let zone = |name: &str| node_of(&plane, name) == "node-3";
    assert!(zone("c1") == zone("c2") && zone("c2") == zone("c3"));
}

#[test]
fn pods_stay_away_from_those_that_they_or_the_others_want_away() {
    let mut plane = zones();
    let apart = required("podAntiAffinity", &term("a", "kubernetes.io/hostname"));
    for name in ["a1", "a2", "a3", "a4"] {
        plane.create("pods", labelled(name, apart.clone()));
    }
    plane.run_for(2);
    let mut nodes: Vec<String> = ["a1", "a2", "a3"]
        .iter()
        .map(|name| node_of(&plane, name))
        .collect();
    nodes.sort();
    assert_eq!(nodes, ["node-1", "node-2", "node-3"]);
    assert_eq!(
        refusal(&plane, "a4"),
        "0/3 nodes are available: 3 node(s) didn't match pod anti-affinity rules. no new claims to deallocate, preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod."
    );
    let mut plane = zones();
    let no_b = required("podAntiAffinity", &term("b", "zone"));
    let mut lone = labelled("a1", no_b);
    lone["spec"]["nodeName"] = "node-1".into();
    plane.create("pods", lone);
    plane.create("pods", labelled("b1", json!({})));
    plane.create(
        "pods",
        labelled("b2", json!({"nodeSelector": {"zone": "a"}})),
    );
    plane.run_for(2);
    assert_eq!(node_of(&plane, "b1"), "node-3");
    assert!(refusal(&plane, "b2").starts_with(
        "0/3 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 2 node(s) didn't satisfy existing pods anti-affinity rules."
    ));
}

#[test]
fn pods_are_spread_over_a_topology_as_evenly_as_they_ask() {
    let mut plane = zones();
    let rule = |when: &str| {
        json!({"topologySpreadConstraints": [{
            "maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": when,
            "labelSelector": {"matchLabels": {"app": "a"}},
        }]})
    };
    for number in 1..=6 {
        plane.create(
            "pods",
            labelled(&format!("a{number}"), rule("DoNotSchedule")),
        );
    }
    plane.run_for(3);
    let in_b = (1..=6).filter(|number| node_of(&plane, &format!("a{number}")) == "node-3");
    assert_eq!(in_b.count(), 3);
    plane.edit("nodes", "node-3", |node| {
        node["spec"]["unschedulable"] = true.into()
    });
    plane.create("pods", labelled("a7", rule("DoNotSchedule")));
    plane.create("pods", labelled("a8", rule("DoNotSchedule")));
    plane.create("pods", labelled("a9", rule("ScheduleAnyway")));
    plane.run_for(3);
    // One more in zone a is within the skew of one, the next is not; a wish only is none.
    let placed: Vec<bool> = ["a7", "a8", "a9"]
        .iter()
        .map(|name| !node_of(&plane, name).is_empty())
        .collect();
    assert_eq!(placed.iter().filter(|placed| **placed).count(), 2);
    assert!(placed[2]);
    let waits = if placed[0] { "a8" } else { "a7" };
    assert!(refusal(&plane, waits).starts_with(
        "0/3 nodes are available: 1 node(s) were unschedulable, 2 node(s) didn't match pod topology spread constraints."
    ));
}

#[test]
fn what_is_preferred_is_done_where_it_can_be() {
    let mut plane = zones();
    let wish = |kind: &str, body: Value| json!({"affinity": {kind: {"preferredDuringSchedulingIgnoredDuringExecution": [body]}}});
    let zone_b = json!({"weight": 1, "preference": {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["b"]}]}});
    for name in ["a1", "a2", "a3"] {
        plane.create("pods", labelled(name, wish("nodeAffinity", zone_b.clone())));
    }
    plane.run_for(2);
    assert!(
        ["a1", "a2", "a3"]
            .iter()
            .all(|name| node_of(&plane, name) == "node-3")
    );
    let with_a = json!({"weight": 10, "podAffinityTerm": term("a", "zone")});
    plane.create("pods", labelled("b1", wish("podAffinity", with_a.clone())));
    plane.create("pods", labelled("c1", wish("podAntiAffinity", with_a)));
    plane.run_for(2);
    assert_eq!(node_of(&plane, "b1"), "node-3");
    assert_ne!(node_of(&plane, "c1"), "node-3");
    plane.edit("nodes", "node-1", |node| {
        node["spec"]["taints"] = json!([{"key": "k", "effect": "PreferNoSchedule"}])
    });
    plane.edit("nodes", "node-2", |node| {
        node["spec"]["taints"] = json!([{"key": "k", "effect": "PreferNoSchedule"}])
    });
    plane.create("pods", labelled("d1", json!({})));
    plane.run_for(2);
    assert_eq!(node_of(&plane, "d1"), "node-3");
}

/// A pod that wants most of a node's two processors.
fn large(name: &str, priority: i64) -> Value {
    let mut pod = labelled(name, json!({"priority": priority}));
    pod["spec"]["containers"][0]["resources"] = json!({"requests": {"cpu": "1500m"}});
    pod
}

#[test]
fn a_pod_of_higher_priority_displaces_the_least_important() {
    let mut plane = Plane::new(2);
    plane.create("pods", large("low", 1));
    plane.create("pods", large("mid", 5));
    plane.run_for(3);
    let freed = node_of(&plane, "low");
    plane.create("pods", large("high", 10));
    plane.run_for_ms(10);
    let high = plane.get("pods", "high");
    assert_eq!(high["status"]["nominatedNodeName"], freed.as_str());
    assert_eq!(
        plane.events("high"),
        ["FailedScheduling 0/2 nodes are available: 2 Insufficient cpu."]
    );
    let uid = high["metadata"]["uid"].as_str().expect("a uid").to_owned();
    let told = plane.events("low");
    assert!(
        told.contains(&format!("Preempted Preempted by pod {uid} on node {freed}")),
        "{told:?}"
    );
    assert_eq!(
        condition(plane.get("pods", "low"), "DisruptionTarget"),
        "True"
    );
    plane.run_for(35);
    assert!(plane.try_get("pods", "low").is_none());
    assert_eq!(node_of(&plane, "high"), freed);
    assert!(plane.get("pods", "high")["status"]["nominatedNodeName"].is_null());
    assert_eq!(plane.ready_pods(), 2);
}

#[test]
fn who_may_not_displace_anybody_waits_and_nobody_displaces_their_equals() {
    let mut plane = Plane::new(1);
    plane.create("pods", large("low", 1));
    plane.run_for(3);
    let mut meek = large("meek", 10);
    meek["spec"]["preemptionPolicy"] = "Never".into();
    plane.create("pods", meek);
    plane.create("pods", large("same", 1));
    plane.run_for(3);
    assert_eq!(
        refusal(&plane, "meek"),
        "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never."
    );
    assert_eq!(
        refusal(&plane, "same"),
        "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims found for incoming pod."
    );
    assert_eq!(plane.ready_pods(), 1);
}

#[test]
fn where_there_is_a_choice_budgets_are_kept() {
    let mut plane = Plane::new(2);
    plane.create("pods", large("a1", 1));
    plane.create("pods", large("b1", 2));
    plane.create("poddisruptionbudgets.policy", json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": {"name": "a", "namespace": "default"},
        "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "a"}}},
    }));
    plane.run_for(5);
    let freed = node_of(&plane, "b1");
    plane.create("pods", large("high", 10));
    plane.run_for(40);
    assert_eq!(node_of(&plane, "high"), freed);
    assert!(plane.try_get("pods", "a1").is_some());
}
