//! Objects of the cluster against what a lesson expects of them. Never asks for them.

use super::{Judgement, Truth, listed, mismatch_words};
use crate::lab::{Endpoints, Resource};
use crate::template::{Captures, fill};
use crate::{jsonpath, matcher};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

type Objects = [Arc<Value>];

/// `kind/name` of an object.
fn called(object: &Value) -> String {
    let kind = object["kind"].as_str().unwrap_or("object").to_lowercase();
    format!(
        "{kind}/{}",
        object["metadata"]["name"].as_str().unwrap_or("?")
    )
}

/// Objects against their shape, their number and, if asked, a manifest's dry run.
pub(in crate::engine) fn resource(
    resource: &Resource,
    items: &Objects,
    dry_run: Option<&Result<Arc<Value>, String>>,
    captures: &Captures,
) -> Judgement {
    let fits = |item: &&Arc<Value>| {
        resource
            .shape
            .as_ref()
            .map_or(Ok(()), |shape| shape.check(Some(item), captures))
    };
    let matching: Vec<&Arc<Value>> = items.iter().filter(|item| fits(item).is_ok()).collect();
    let names = |items: &[&Arc<Value>]| {
        items
            .iter()
            .take(5)
            .map(|item| called(item))
            .collect::<Vec<_>>()
            .join(", ")
    };
    if resource.absent {
        return match matching[..] {
            [] => Judgement::yes("ありません", "it is not there"),
            _ => Judgement::no(
                format!("{} があります", names(&matching)),
                format!("{} is there", names(&matching)),
            ),
        };
    }
    if let Some(count) = &resource.count {
        let (found, total) = (matching.len(), items.len());
        let held = count.check_value(found, captures).is_ok();
        let wanted = count.told(captures);
        let mut judgement = Judgement::truth(
            held,
            format!("{total}個のうち{found}個が条件に合います(期待: {wanted})"),
            format!("{found} of {total} fit, expected {wanted}"),
        );
        if let (false, Some(Err(wrong))) = (
            held,
            items.iter().map(|item| fits(&item)).find(Result::is_err),
        ) {
            let why = mismatch_words("", &wrong).seen;
            judgement.seen.ja = format!("{}。例: {}", judgement.seen.ja, why.ja);
            judgement.seen.en = format!("{}; for instance {}", judgement.seen.en, why.en);
        }
        return captured(judgement, resource, matching.first().copied());
    }
    let Some(first) = items.first() else {
        return Judgement::not_yet(
            "そのオブジェクトはまだありません",
            "there is no such object",
        );
    };
    if let Some((item, Err(wrong))) = items
        .iter()
        .map(|item| (item, fits(&item)))
        .find(|(_, fit)| fit.is_err())
    {
        return mismatch_words(&called(item), &wrong);
    }
    if resource.same_spec_as.is_some() {
        let same = same_spec(resource, first, dry_run);
        if same.truth != Truth::Yes {
            return same;
        }
    }
    let all: Vec<&Arc<Value>> = items.iter().collect();
    captured(
        Judgement::yes(
            format!("{} が条件に合います", names(&all)),
            format!("{} fits", names(&all)),
        ),
        resource,
        Some(first),
    )
}

fn captured(
    mut judgement: Judgement,
    resource: &Resource,
    object: Option<&Arc<Value>>,
) -> Judgement {
    if judgement.truth != Truth::Yes {
        return judgement;
    }
    for (name, path) in &resource.capture {
        match object.and_then(|object| jsonpath::find(object, path)) {
            Some(value) => {
                judgement.captures.insert(name.clone(), value);
            }
            None => {
                return Judgement::not_yet(
                    format!("{path} はまだ空です"),
                    format!("{path} is still empty"),
                );
            }
        }
    }
    judgement
}

/// Fields of a spec that the server allocates, so that two equal manifests differ in them.
const ALLOCATED: &[&str] = &[
    "clusterIP",
    "clusterIPs",
    "healthCheckNodePort",
    "nodePort",
    "nodeName",
    "volumeName",
];

fn pruned(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(key, _)| !ALLOCATED.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), pruned(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Array(list) => list.iter().map(pruned).collect(),
        other => other.clone(),
    }
}

fn same_spec(
    resource: &Resource,
    object: &Value,
    dry_run: Option<&Result<Arc<Value>, String>>,
) -> Judgement {
    let path = resource.same_spec_as.as_ref().map_or("", |(path, _)| path);
    match dry_run {
        None => Judgement::not_yet(
            "dry runの返事がまだありません",
            "the dry run has not answered yet",
        ),
        Some(Err(message)) => Judgement::no(
            format!("{path} はサーバーに受け付けられません: {message}"),
            format!("the server does not take {path}: {message}"),
        ),
        Some(Ok(stored)) => {
            match difference("spec", &pruned(&object["spec"]), &pruned(&stored["spec"])) {
                None => Judgement::yes(
                    format!("{path} とspecが同じです"),
                    format!("the spec is that of {path}"),
                ),
                Some((field, ours, theirs)) => Judgement::no(
                    format!(
                        "{field} が違います: {} は {ours}、{path} では {theirs}",
                        called(object)
                    ),
                    format!(
                        "{field} differs: {ours} in {}, {theirs} in {path}",
                        called(object)
                    ),
                ),
            }
        }
    }
}

/// The first place where two values differ.
fn difference(path: &str, a: &Value, b: &Value) -> Option<(String, String, String)> {
    match (a, b) {
        (Value::Object(x), Value::Object(y)) => {
            let keys: BTreeSet<&String> = x.keys().chain(y.keys()).collect();
            keys.into_iter().find_map(|key| {
                difference(
                    &format!("{path}.{key}"),
                    x.get(key).unwrap_or(&Value::Null),
                    y.get(key).unwrap_or(&Value::Null),
                )
            })
        }
        (Value::Array(x), Value::Array(y)) if x.len() == y.len() => x
            .iter()
            .zip(y)
            .enumerate()
            .find_map(|(i, (a, b))| difference(&format!("{path}[{i}]"), a, b)),
        _ if a == b => None,
        _ => Some((
            path.to_owned(),
            matcher::told_value(a),
            matcher::told_value(b),
        )),
    }
}

/// Ready addresses of EndpointSlices.
fn ready_addresses(slices: &Objects) -> BTreeSet<String> {
    let endpoints = slices
        .iter()
        .filter_map(|slice| slice["endpoints"].as_array())
        .flatten();
    let ready =
        endpoints.filter(|endpoint| endpoint["conditions"]["ready"].as_bool() != Some(false));
    ready
        .filter_map(|endpoint| endpoint["addresses"][0].as_str())
        .map(str::to_owned)
        .collect()
}

/// Addresses of Pods that are ready and not on their way out.
fn pod_addresses(pods: &Objects) -> BTreeSet<String> {
    let is_ready = |pod: &&Arc<Value>| {
        let conditions = pod["status"]["conditions"].as_array();
        let ready = conditions
            .into_iter()
            .flatten()
            .any(|c| c["type"] == "Ready" && c["status"] == "True");
        ready && pod["metadata"]["deletionTimestamp"].is_null()
    };
    pods.iter()
        .filter(is_ready)
        .filter_map(|pod| pod["status"]["podIP"].as_str())
        .map(str::to_owned)
        .collect()
}

/// The endpoints of a Service.
pub(in crate::engine) fn endpoints(
    wanted: &Endpoints,
    slices: &Objects,
    pods: Option<&Objects>,
    captures: &Captures,
) -> Judgement {
    let ready = ready_addresses(slices);
    let (count, list) = (ready.len(), listed(&ready));
    let service = fill(&wanted.service, captures).unwrap_or_default();
    let seen = |truth| {
        Judgement::new(
            truth,
            format!("Service {service} のreadyなendpointsは {list}"),
            format!("the ready endpoints of Service {service} are {list}"),
        )
    };
    let with = |text: &Option<String>| text.as_ref().and_then(|text| fill(text, captures).ok());
    if wanted
        .ready
        .as_ref()
        .is_some_and(|shape| shape.check_value(count, captures).is_err())
    {
        return seen(Truth::No);
    }
    if with(&wanted.contains).is_some_and(|addr| !ready.contains(&addr)) {
        return seen(Truth::No);
    }
    if with(&wanted.not_contains).is_some_and(|addr| ready.contains(&addr)) {
        return seen(Truth::No);
    }
    if let Some(shape) = &wanted.port {
        let ports: Vec<Value> = slices
            .iter()
            .filter_map(|slice| slice["ports"].as_array())
            .flatten()
            .map(|port| port["port"].clone())
            .collect();
        if !ports
            .iter()
            .any(|port| shape.check(Some(port), captures).is_ok())
        {
            let ports = matcher::told_value(&Value::Array(ports));
            return Judgement::no(
                format!("Service {service} のendpointsのportは {ports}"),
                format!("the endpoints of Service {service} have the ports {ports}"),
            );
        }
    }
    if let Some(pods) = pods {
        let pods = pod_addresses(pods);
        let others = listed(&pods);
        if ready != pods || pods.is_empty() {
            let truth = if pods.is_empty() {
                Truth::NotYet
            } else {
                Truth::No
            };
            return Judgement::new(
                truth,
                format!("Service {service} のendpointsは {list}、readyなPodのIPは {others}"),
                format!(
                    "the endpoints of Service {service} are {list}, the IPs of the ready Pods {others}"
                ),
            );
        }
    }
    seen(Truth::Yes)
}
