//! StatefulSets, DaemonSets, Jobs, CronJobs and budgets living their lives on pretended machines.

use super::plane::Plane;
use serde_json::Value;

mod daemonsets;
mod statefulsets;

/// The names of the pods, in order.
fn pods(plane: &Plane) -> Vec<String> {
    let pods = plane.list("pods");
    pods.iter().map(|pod| name(pod).to_owned()).collect()
}

fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().expect("named")
}

/// One container's image in each pod, by the pod's name.
fn images(plane: &Plane) -> Vec<(String, String)> {
    let pods = plane.list("pods");
    let image = |pod: &Value| {
        let image = &pod["spec"]["containers"][0]["image"];
        image.as_str().expect("an image").to_owned()
    };
    pods.iter()
        .map(|pod| (name(pod).to_owned(), image(pod)))
        .collect()
}
