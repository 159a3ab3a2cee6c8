//! Pods and containers that commands mean: by name, by workload, by annotation.
//!
//! It never reads a log or runs a command; that is `logs` and `exec`.

use serde_json::{Value, json};

use crate::discovery::Resource;
use crate::fail::{Fail, Outcome, quoted};
use crate::flags::Parsed;
use crate::select;
use crate::session::{Session, with_query};
use crate::text::json::{list, text};
use crate::text::time;

/// A pod and the container that a command means.
pub(super) struct Place {
    pub(super) pod: Value,
    pub(super) namespace: String,
}

impl Place {
    pub(super) fn name(&self) -> &str {
        text(&self.pod, "metadata.name")
    }

    pub(super) fn path(&self, subresource: &str) -> String {
        format!(
            "/api/v1/namespaces/{}/pods/{}/{subresource}",
            self.namespace,
            self.name()
        )
    }
}

/// The pods behind `NAME`, `TYPE/NAME`: the pod itself, or those of a workload or Service.
pub(super) fn pods_of(session: &mut Session<'_, '_>, who: &str) -> Outcome<Vec<Place>> {
    let (resource, name) = select::one(session, &[who.to_owned()], "pod")?;
    let namespace = session.namespace()?;
    let object = select::get(session, &resource, &namespace, &name)?;
    if resource.kind == "Pod" {
        return Ok(vec![Place {
            pod: object,
            namespace,
        }]);
    }
    let selector = pod_selector(&resource, &object)?;
    let path = format!("/api/v1/namespaces/{namespace}/pods");
    let found = session.get(&with_query(&path, &[("labelSelector", &selector)]))?;
    let mut pods = select::items(&found);
    pods.sort_by_key(rank);
    Ok(pods
        .into_iter()
        .map(|pod| Place {
            pod,
            namespace: namespace.clone(),
        })
        .collect())
}

/// The most useful pod first: scheduled, running, ready, longest ready, fewest restarts, newest.
fn rank(pod: &Value) -> (bool, u8, bool, std::cmp::Reverse<i64>, i64) {
    let phase = match text(pod, "status.phase") {
        "Running" => 0,
        "Unknown" => 1,
        "Pending" => 2,
        _ => 3,
    };
    let ready = list(pod, "status.conditions")
        .iter()
        .find(|condition| condition["type"] == "Ready" && condition["status"] == "True");
    let since = ready
        .and_then(|condition| time::parse_rfc3339(text(condition, "lastTransitionTime")))
        .unwrap_or_default();
    let restarts: i64 = list(pod, "status.containerStatuses")
        .iter()
        .map(|status| status["restartCount"].as_i64().unwrap_or(0))
        .sum();
    (
        text(pod, "spec.nodeName").is_empty(),
        phase,
        ready.is_none(),
        std::cmp::Reverse(-since),
        restarts,
    )
}

fn pod_selector(resource: &Resource, object: &Value) -> Outcome<String> {
    let selector = &object["spec"]["selector"];
    let plain = ["Service", "ReplicationController"].contains(&resource.kind.as_str());
    let empty = selector.as_object().is_none_or(serde_json::Map::is_empty);
    if empty {
        return Err(match resource.kind.as_str() {
            "Service" => Fail::message(format!(
                "invalid service {}: Service is defined without a selector",
                quoted(text(object, "metadata.name"))
            )),
            _ => Fail::message(format!(
                "cannot attach to *{version}.{kind}: selector for *{version}.{kind} not implemented",
                version = resource.version,
                kind = resource.kind
            )),
        });
    }
    let wrapped = json!({"matchLabels": selector});
    Ok(crate::describe::selector_text(if plain {
        &wrapped
    } else {
        selector
    }))
}

pub(super) fn containers(pod: &Value) -> Vec<(&str, &str)> {
    [
        ("containers", ""),
        ("initContainers", " (init)"),
        ("ephemeralContainers", " (ephem)"),
    ]
    .into_iter()
    .flat_map(|(field, mark)| {
        list(&pod["spec"], field)
            .iter()
            .map(move |container| (text(container, "name"), mark))
    })
    .collect()
}

/// What is said of a container that a Pod has not.
pub(super) fn not_valid(pod: &Value, wanted: &str) -> Fail {
    let names: Vec<String> = containers(pod)
        .iter()
        .map(|(name, mark)| format!("{name}{mark}"))
        .collect();
    Fail::message(format!(
        "container {wanted} is not valid for pod {} out of: {}",
        text(pod, "metadata.name"),
        names.join(", ")
    ))
}

/// `-c`, else the annotated default, else the first, which is told when there are several.
pub(super) fn container(
    session: &mut Session<'_, '_>,
    parsed: &Parsed,
    pod: &Value,
) -> Outcome<String> {
    let all = containers(pod);
    let wanted = parsed.text("container");
    if !wanted.is_empty() {
        if all.iter().any(|(name, _)| *name == wanted) {
            return Ok(wanted.to_owned());
        }
        return Err(not_valid(pod, wanted));
    }
    if let Some(name) =
        pod["metadata"]["annotations"]["kubectl.kubernetes.io/default-container"].as_str()
        && all.iter().any(|(known, _)| *known == name)
    {
        return Ok(name.to_owned());
    }
    let Some((first, _)) = all.first() else {
        return Err(Fail::message("pod has no containers"));
    };
    let first = (*first).to_owned();
    if all.len() > 1 && !parsed.is("quiet") {
        let names: Vec<String> = all
            .iter()
            .map(|(name, mark)| format!("{name}{mark}"))
            .collect();
        session.err(&format!(
            "Defaulted container {} out of: {}\n",
            quoted(&first),
            names.join(", ")
        ));
    }
    Ok(first)
}
