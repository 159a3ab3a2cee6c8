//! StatefulSets, DaemonSets, Jobs, CronJobs and budgets living their lives on pretended machines.

use crate::plane::Plane;
use serde_json::Value;

mod autoscalers;
mod budgets;
mod cronjobs;
mod daemonsets;
mod jobs;
mod life;
mod requests;
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

/// One of each, for worlds with a bit of everything.
pub(crate) fn furnish(plane: &mut Plane) {
    plane.script.exits.insert("once".into(), (500, 0));
    plane.create("statefulsets.apps", statefulsets::set(2));
    plane.create("daemonsets.apps", daemonsets::set());
    let mut job = jobs::job(serde_json::json!({"completions": 3, "parallelism": 2}));
    job["spec"]["template"]["spec"]["containers"][0]["name"] = "once".into();
    plane.create("jobs.batch", job);
    plane.create("cronjobs.batch", cronjobs::cron(serde_json::json!({})));
    plane.create("poddisruptionbudgets.policy", budgets::budget());
}
