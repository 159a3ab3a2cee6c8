//! Autoscalers in a cluster without metrics.

use crate::plane::{Plane, condition, deployment};
use serde_json::{Value, json};

fn scaler(spec: &Value) -> Value {
    let mut scaler = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "hpa", "namespace": "default"},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "my-nginx"},
            "maxReplicas": 5,
        },
    });
    for (field, value) in spec.as_object().into_iter().flatten() {
        scaler["spec"][field] = value.clone();
    }
    scaler
}

const KIND: &str = "horizontalpodautoscalers.autoscaling";
const WHY: &str = "failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)";

#[test]
fn without_metrics_it_says_so_every_round_and_scales_nothing() {
    let mut plane = Plane::new(1);
    plane.create("deployments.apps", deployment(2));
    plane.create(KIND, scaler(&json!({})));
    plane.run_for(14);
    assert_eq!(plane.events("hpa"), [] as [&str; 0]);
    plane.run_for(20);
    let invalid = "invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value";
    let expected = [
        format!("FailedGetResourceMetric {WHY}"),
        format!("FailedComputeMetricsReplicas {invalid}: {WHY}"),
    ];
    assert_eq!(plane.events("hpa"), expected);
    let hpa = plane.get(KIND, "hpa");
    assert_eq!(
        (
            condition(hpa, "AbleToScale"),
            condition(hpa, "ScalingActive")
        ),
        ("True", "False")
    );
    assert_eq!(hpa["status"]["currentReplicas"], 2);
    assert_eq!(hpa["status"]["desiredReplicas"], 0);
    assert_eq!(plane.list("pods").len(), 2);
}

#[test]
fn the_bounds_hold_even_so() {
    for (spec, replicas) in [
        (json!({"minReplicas": 3}), 3),
        (json!({"maxReplicas": 1}), 1),
    ] {
        let mut plane = Plane::new(1);
        plane.create("deployments.apps", deployment(2));
        plane.create(KIND, scaler(&spec));
        plane.run_for(30);
        let deployment = plane.get("deployments.apps", "my-nginx");
        assert_eq!(deployment["spec"]["replicas"], replicas, "{spec}");
    }
}

#[test]
fn a_target_that_is_not_there_is_named() {
    let mut plane = Plane::new(1);
    plane.create(KIND, scaler(&json!({})));
    plane.run_for(16);
    assert_eq!(
        plane.events("hpa"),
        ["FailedGetScale deployments.apps \"my-nginx\" not found"]
    );
    let hpa = plane.get(KIND, "hpa");
    assert_eq!(condition(hpa, "AbleToScale"), "False");
}
