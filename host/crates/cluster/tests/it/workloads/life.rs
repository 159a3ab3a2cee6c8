//! Every kind of workload at once, with nodes that fail and users who change their minds.
//!
//! What must always hold is looked at after every step, the seed is in every failure.

use super::{name, pods};
use crate::plane::{Plane, deployment};
use clock::Seed;
use rand::RngExt;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

const STEPS: usize = 60;

#[test]
fn whatever_happens_workloads_keep_their_promises() {
    for seed in 0..8 {
        let mut plane = Plane::seeded(3, seed, true);
        let mut chance = Seed::new(seed).stream("story");
        plane.create("deployments.apps", deployment(3));
        super::furnish(&mut plane);
        for step in 0..STEPS {
            happen(&mut plane, &mut chance);
            plane.run_for_ms(chance.random_range(0..4_000));
            check(&plane, &format!("seed {seed} step {step}"));
        }
        rest(&mut plane, seed);
    }
}

fn happen(plane: &mut Plane, chance: &mut clock::Stream) {
    let node = format!("node-{}", chance.random_range(2..4));
    let number: i64 = chance.random_range(0..4);
    let image = ["nginx", "nginx:1.16.1"][chance.random_range(0..2_usize)];
    let retemplate = |object: &mut Value| {
        object["spec"]["template"]["spec"]["containers"][0]["image"] = image.into();
    };
    match chance.random_range(0..9) {
        0 => plane.edit("statefulsets.apps", "db", |set| {
            set["spec"]["replicas"] = number.into()
        }),
        1 => plane.edit("statefulsets.apps", "db", retemplate),
        2 => plane.edit("daemonsets.apps", "ds", retemplate),
        3 => plane.edit("daemonsets.apps", "ds", |set| {
            set["spec"]["updateStrategy"] = match number {
                0 | 1 => json!({"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}),
                _ => json!({"type": "RollingUpdate"}),
            };
        }),
        4 => {
            let all = pods(plane);
            if !all.is_empty() {
                let one = all[chance.random_range(0..all.len())].clone();
                plane.delete("pods", &one);
            }
        }
        5 => plane.edit("nodes", &node, |node| {
            node["spec"]["unschedulable"] = (number > 1).into()
        }),
        6 => plane.set_power(&node, number > 1),
        7 if plane.try_get("jobs.batch", "hello").is_some() => plane.delete("jobs.batch", "hello"),
        7 => {
            let mut job = super::jobs::job(json!({"completions": 3, "parallelism": number.max(1)}));
            job["spec"]["template"]["spec"]["containers"][0]["name"] = "once".into();
            plane.create("jobs.batch", job);
        }
        _ => plane.edit("deployments.apps", "my-nginx", |one| {
            one["spec"]["replicas"] = number.into()
        }),
    }
}

fn alive(pod: &Value) -> bool {
    let phase = &pod["status"]["phase"];
    pod["metadata"]["deletionTimestamp"].is_null() && phase != "Succeeded" && phase != "Failed"
}

fn owner(pod: &Value) -> &str {
    pod["metadata"]["ownerReferences"][0]["kind"]
        .as_str()
        .unwrap_or_default()
}

fn check(plane: &Plane, at: &str) {
    let all = plane.list("pods");
    let mut daemons: BTreeMap<&str, usize> = BTreeMap::new();
    for pod in all
        .iter()
        .filter(|pod| alive(pod) && owner(pod) == "DaemonSet")
    {
        *daemons
            .entry(pod["spec"]["nodeName"].as_str().unwrap_or("?"))
            .or_default() += 1;
    }
    daemons.remove("?");
    assert!(
        daemons.values().all(|count| *count <= 2),
        "{at}: {daemons:?}"
    );
    let owners: BTreeSet<String> = plane
        .keys()
        .iter()
        .filter_map(|key| plane.store.get_key(key))
        .map(|object| {
            object["metadata"]["uid"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        })
        .collect();
    for pod in &all {
        let uid = pod["metadata"]["ownerReferences"][0]["uid"].as_str();
        let gone = uid.is_some_and(|uid| !owners.contains(uid));
        assert!(!gone || !alive(pod), "{at}: {} has no owner", name(pod));
    }
    if let Some(job) = plane.try_get("jobs.batch", "hello") {
        let count = |field: &str| job["status"][field].as_i64().unwrap_or(0);
        let parallel = job["spec"]["parallelism"].as_i64().unwrap_or(1);
        assert!(count("active") <= parallel, "{at}: {}", job["status"]);
        assert!(count("succeeded") <= 3, "{at}: {}", job["status"]);
    }
    let budget = &plane.get("poddisruptionbudgets.policy", "pdb")["status"];
    assert!(
        budget["disruptionsAllowed"].as_i64() >= Some(0),
        "{at}: {budget}"
    );
}

/// When nobody interferes any more, everything is as it was wished.
fn rest(plane: &mut Plane, seed: u64) {
    for node in ["node-2", "node-3"] {
        plane.set_power(node, true);
        plane.edit("nodes", node, |node| {
            node["spec"]["unschedulable"] = false.into();
        });
    }
    plane.run_for(420);
    let set = plane.get("statefulsets.apps", "db");
    assert_eq!(
        set["status"]["readyReplicas"].as_i64().unwrap_or(0),
        set["spec"]["replicas"].as_i64().unwrap_or(1),
        "seed {seed}: {}",
        set["status"]
    );
    assert_eq!(
        set["status"]["currentRevision"], set["status"]["updateRevision"],
        "seed {seed}"
    );
    let status = &plane.get("daemonsets.apps", "ds")["status"];
    for field in [
        "desiredNumberScheduled",
        "numberReady",
        "updatedNumberScheduled",
    ] {
        assert_eq!(status[field], 3, "seed {seed}: {status}");
    }
    let daemons = plane.list("pods");
    let daemons = daemons.iter().filter(|pod| owner(pod) == "DaemonSet");
    assert_eq!(daemons.count(), 3, "seed {seed}");
    if let Some(job) = plane.try_get("jobs.batch", "hello") {
        assert_eq!(
            job["status"]["succeeded"], 3,
            "seed {seed}: {}",
            job["status"]
        );
        assert!(job["status"]["completionTime"].is_string(), "seed {seed}");
    }
    let kept = plane.list("pods");
    assert!(
        kept.iter()
            .all(|pod| pod["metadata"].get("finalizers").is_none() || alive(pod)),
        "seed {seed}"
    );
}
