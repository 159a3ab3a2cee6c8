//! Quotas and ranges of a namespace, asked by clients and met by controllers.

use crate::fixture::{CONFIG_MAPS, Lab, PODS, json};
use crate::plane::{Plane, condition, deployment};
use cluster::Method::Post;
use serde_json::{Value, json as value};

const QUOTAS: &str = "/api/v1/namespaces/default/resourcequotas";
const RANGES: &str = "/api/v1/namespaces/default/limitranges";

fn quota(hard: &Value) -> String {
    value!({"metadata": {"name": "q"}, "spec": {"hard": hard}}).to_string()
}

fn pod(name: &str, resources: &Value) -> String {
    let container = value!({"name": "c", "image": "nginx", "resources": resources});
    value!({"metadata": {"name": name}, "spec": {"containers": [container]}}).to_string()
}

#[test]
fn a_quota_counts_what_is_there_and_refuses_what_is_too_much() {
    let mut lab = Lab::new();
    lab.create(QUOTAS, &quota(&value!({"pods": "1", "configmaps": 3})));
    let path = format!("{QUOTAS}/q");
    assert_eq!(
        lab.get(&path)["status"]["used"],
        value!({"pods": "0", "configmaps": "1"}),
        "one is every namespace's own"
    );
    lab.create(PODS, &pod("a", &value!({})));
    lab.refused(Post, PODS, &pod("b", &value!({})), 403, "pods \"b\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1");
    for name in ["a", "b"] {
        lab.create(
            CONFIG_MAPS,
            &value!({"metadata": {"name": name}}).to_string(),
        );
    }
    let third = value!({"metadata": {"name": "c"}}).to_string();
    lab.refused(Post, CONFIG_MAPS, &third, 403, "configmaps \"c\" is forbidden: exceeded quota: q, requested: configmaps=1, used: configmaps=3, limited: configmaps=3");
    assert_eq!(lab.get(&path)["status"]["used"]["configmaps"], "3");
}

#[test]
fn amounts_must_be_said_once_they_are_bounded_and_a_range_says_them() {
    let mut lab = Lab::new();
    let hard = value!({"cpu": "1", "memory": "1Gi", "limits.cpu": "2"});
    lab.create(QUOTAS, &quota(&hard));
    lab.refused(Post, PODS, &pod("a", &value!({})), 403, "pods \"a\" is forbidden: failed quota: q: must specify cpu for: c; limits.cpu for: c; memory for: c");
    let range = value!({"metadata": {"name": "r"}, "spec": {"limits": [
        {"type": "Container", "default": {"cpu": "400m"}, "max": {"memory": "256Mi"}, "defaultRequest": {"cpu": "300m"}},
    ]}});
    let made = lab.create(RANGES, &range.to_string());
    assert_eq!(
        made["spec"]["limits"][0]["defaultRequest"],
        value!({"cpu": "300m", "memory": "256Mi"})
    );
    let made = lab.create(PODS, &pod("a", &value!({})));
    assert_eq!(
        made["metadata"]["annotations"]["kubernetes.io/limit-ranger"],
        "LimitRanger plugin set: cpu, memory request for container c; cpu, memory limit for container c"
    );
    assert_eq!(made["status"]["qosClass"], "Burstable");
    assert_eq!(
        lab.get(&format!("{QUOTAS}/q"))["status"]["used"],
        value!({"cpu": "300m", "memory": "256Mi", "limits.cpu": "400m"})
    );
}

#[test]
fn a_pod_stays_within_every_bound() {
    let mut lab = Lab::new();
    let range = value!({"metadata": {"name": "r"}, "spec": {"limits": [
        {"type": "Container", "min": {"cpu": "50m"}, "max": {"cpu": "800m"}, "maxLimitRequestRatio": {"cpu": "4"}},
        {"type": "Pod", "max": {"cpu": "1"}},
    ]}});
    lab.create(RANGES, &range.to_string());
    let wish = pod(
        "big",
        &value!({"limits": {"cpu": "2"}, "requests": {"cpu": "20m"}}),
    );
    lab.refused(Post, PODS, &wish, 403, "pods \"big\" is forbidden: [minimum cpu usage per Container is 50m, but request is 20m, maximum cpu usage per Container is 800m, but limit is 2, cpu max limit to request ratio per Container is 4, but provided ratio is 100.000000, maximum cpu usage per Pod is 1, but limit is 2]");
    let answer = lab.send(
        Post,
        PODS,
        "application/json",
        &pod("small", &value!({"limits": {"cpu": "100m"}})),
    );
    assert_eq!(answer.status, 201, "{}", json(&answer));
}

#[test]
fn a_replica_set_makes_what_it_may_and_says_what_it_may_not() {
    let mut plane = Plane::new(1);
    let quota = value!({
        "metadata": {"name": "q", "namespace": "default"}, "spec": {"hard": {"pods": "2"}},
    });
    plane.create("resourcequotas", quota);
    plane.create("deployments.apps", deployment(3));
    plane.run_for(10);
    assert_eq!(plane.list("pods").len(), 2);
    let set = plane.list("replicasets.apps")[0]["metadata"]["name"].clone();
    let events = plane.events(set.as_str().expect("a name"));
    let failed = events.iter().filter(|one| one.starts_with("FailedCreate"));
    let failed: Vec<&String> = failed.collect();
    assert!(failed[0].starts_with("FailedCreate Error creating: pods \"my-nginx-"));
    assert!(failed[0].ends_with(
        "\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2"
    ));
    let combined = "FailedCreate (combined from similar events): Error creating: ";
    assert_eq!(failed.len(), 10, "nine and one for all that came after");
    assert!(failed[9].starts_with(combined), "{}", failed[9]);
    let failure = |plane: &Plane| {
        let deployment = plane.get("deployments.apps", "my-nginx");
        condition(deployment, "ReplicaFailure").to_owned()
    };
    assert_eq!(failure(&plane), "True");
    plane.edit("resourcequotas", "q", |quota| {
        quota["spec"]["hard"]["pods"] = "5".into();
    });
    plane.run_for(60);
    assert_eq!(plane.list("pods").len(), 3);
    assert_eq!(failure(&plane), "absent");
}
