//! Which pods stand behind a Service, in slices of a hundred.
//!
//! Keeps the order that a slice has: pods that stay keep their place, new ones are appended. Never
//! touches slices that somebody else manages.

use super::meta::{
    deleting, items, labels_match, name, namespace, owner_reference, pod_finished, pod_ready, text,
    uid,
};
use super::{Context, Controller, Index, Write};
use crate::store::{Event, Key, Object, Op, Store};
use clock::Duration;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

pub(crate) const KIND: &str = "endpointslices.discovery.k8s.io";
const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const MANAGER: &str = "endpointslice-controller.k8s.io";
pub(crate) const SERVICE_NAME: &str = "kubernetes.io/service-name";
pub(crate) const HEADLESS: &str = "service.kubernetes.io/headless";
const MAX_ENDPOINTS: usize = 100;

/// The EndpointSlice controller.
#[derive(Debug)]
pub struct EndpointSlices;

impl Controller for EndpointSlices {
    fn name(&self) -> &'static str {
        "endpoint-slice-controller"
    }

    fn pace(&self, store: &Store) -> Duration {
        super::pace_of_crowds(store)
    }

    fn wakes(&self, event: &Event, store: &Store, index: &Index) -> Vec<Key> {
        match event.kind {
            "services" => vec![Key::of("services", &event.object)],
            "pods" => services_of(event, store, index),
            KIND if managed(&event.object) => {
                let service = text(&event.object["metadata"]["labels"][SERVICE_NAME]);
                vec![Key::new("services", namespace(&event.object), service)]
            }
            _ => Vec::new(),
        }
    }

    fn reconcile(&self, store: &Store, key: &Key, context: &Context<'_>) -> Vec<Write> {
        let Some(service) = store.get_key(key).filter(|service| selects(service)) else {
            return Vec::new();
        };
        let slices = context.index.slices_of(&key.namespace, &key.name);
        let existing: Vec<&Object> = slices
            .filter_map(|key| store.get_key(key))
            .filter(|slice| managed(slice))
            .collect();
        let wanted = by_ports(store, service, context.index);
        write_slices(service, &existing, wanted)
    }
}

/// Whether the Service has a selector that pods can match.
pub(crate) fn selects(service: &Value) -> bool {
    let selector = service["spec"]["selector"].as_object();
    selector.is_some_and(|selector| !selector.is_empty())
        && service["spec"]["type"] != "ExternalName"
        && !deleting(service)
}

/// The Services whose endpoints a change of a pod may change.
pub(crate) fn services_of(event: &Event, store: &Store, index: &Index) -> Vec<Key> {
    let same = |previous: &Object| looks_the_same(previous, &event.object);
    // A deleted pod looks as it did before: that it is gone is the change.
    if event.op != Op::Deleted && event.previous.as_ref().is_some_and(same) {
        return Vec::new();
    }
    let pods = std::iter::once(&event.object).chain(&event.previous);
    let services = pods.flat_map(|pod| {
        let labels = &pod["metadata"]["labels"];
        let services = index.selecting("services", namespace(pod), labels);
        services.into_iter().filter(|key| {
            let service = store.get_key(key);
            service.is_some_and(|service| labels_match(&service["spec"]["selector"], labels))
        })
    });
    let services: BTreeSet<&Key> = services.collect();
    services.into_iter().cloned().collect()
}

/// Whether two states of a pod are the same endpoint.
fn looks_the_same(one: &Value, other: &Value) -> bool {
    one["metadata"]["labels"] == other["metadata"]["labels"]
        && one["status"]["podIP"] == other["status"]["podIP"]
        && one["spec"]["nodeName"] == other["spec"]["nodeName"]
        && pod_ready(one) == pod_ready(other)
        && deleting(one) == deleting(other)
        && pod_finished(one) == pod_finished(other)
        && uid(one) == uid(other)
}

fn managed(slice: &Value) -> bool {
    slice["metadata"]["labels"][MANAGED_BY] == MANAGER
}

/// The pods behind a Service that have an address.
pub(crate) fn pods_behind<'a>(
    store: &'a Store,
    service: &'a Value,
    index: &'a Index,
) -> impl Iterator<Item = &'a Object> {
    let selector = &service["spec"]["selector"];
    index
        .pods_with(namespace(service), selector)
        .filter_map(|key| store.get_key(key))
        .filter(move |pod| {
            labels_match(selector, &pod["metadata"]["labels"])
                && !pod_finished(pod)
                && pod["status"]["podIP"].is_string()
        })
}

/// A Service's ports as numbers of one pod: a named target is the pod's container port of that name.
pub(crate) fn ports_of(service: &Value, pod: &Value) -> Vec<Value> {
    let ports = items(&service["spec"]["ports"]).iter().filter_map(|port| {
        let protocol = port["protocol"].as_str().unwrap_or("TCP");
        let number = target_port(port, protocol, pod)?;
        let mut entry =
            json!({ "name": text(&port["name"]), "port": number, "protocol": protocol });
        if let Some(app) = port["appProtocol"].as_str() {
            entry["appProtocol"] = app.into();
        }
        Some(entry)
    });
    ports.collect()
}

fn target_port(port: &Value, protocol: &str, pod: &Value) -> Option<i64> {
    let target = &port["targetPort"];
    match target.as_str() {
        None => target
            .as_i64()
            .filter(|number| *number != 0)
            .or_else(|| port["port"].as_i64()),
        Some(wanted) => items(&pod["spec"]["containers"])
            .iter()
            .chain(
                items(&pod["spec"]["initContainers"])
                    .iter()
                    .filter(|init| init["restartPolicy"] == "Always"),
            )
            .flat_map(|container| items(&container["ports"]))
            .find(|port| {
                port["name"] == wanted && port["protocol"].as_str().unwrap_or("TCP") == protocol
            })
            .and_then(|port| port["containerPort"].as_i64()),
    }
}

/// Endpoints grouped by the ports they have, in the order of the pods' names.
fn by_ports(
    store: &Store,
    service: &Value,
    index: &Index,
) -> BTreeMap<String, (Value, Vec<Value>)> {
    let mut groups: BTreeMap<String, (Value, Vec<Value>)> = BTreeMap::new();
    for pod in pods_behind(store, service, index) {
        let ports = Value::from(ports_of(service, pod));
        let group = groups
            .entry(ports.to_string())
            .or_insert_with(|| (ports, Vec::new()));
        group.1.push(endpoint(store, service, pod));
    }
    groups
}

fn endpoint(store: &Store, service: &Value, pod: &Value) -> Value {
    let serving = pod_ready(pod);
    let terminating = deleting(pod);
    let ready = service["spec"]["publishNotReadyAddresses"] == true || (serving && !terminating);
    let mut endpoint = json!({
        "addresses": [pod["status"]["podIP"]],
        "conditions": { "ready": ready, "serving": serving, "terminating": terminating },
        "targetRef": {
            "kind": "Pod",
            "name": pod["metadata"]["name"],
            "namespace": pod["metadata"]["namespace"],
            "uid": pod["metadata"]["uid"],
        },
    });
    if let Some(node) = pod["spec"]["nodeName"].as_str() {
        endpoint["nodeName"] = node.into();
        let zone =
            store.get("nodes", "", node).map_or(
                &Value::Null,
                |node| &node["metadata"]["labels"]["topology.kubernetes.io/zone"],
            );
        if zone.is_string() {
            endpoint["zone"] = zone.clone();
        }
    }
    if let Some(hostname) = hostname(service, pod) {
        endpoint["hostname"] = hostname.into();
    }
    endpoint
}

/// The name a pod has under its governing Service.
pub(crate) fn hostname<'a>(service: &Value, pod: &'a Value) -> Option<&'a str> {
    let hostname = pod["spec"]["hostname"]
        .as_str()
        .filter(|hostname| !hostname.is_empty())?;
    (text(&pod["spec"]["subdomain"]) == name(service)).then_some(hostname)
}

fn write_slices(
    service: &Value,
    existing: &[&Object],
    mut wanted: BTreeMap<String, (Value, Vec<Value>)>,
) -> Vec<Write> {
    let mut writes = Vec::new();
    let mut spare = Vec::new();
    let mut kept = 0;
    let empty = wanted.is_empty();
    for slice in existing {
        let ports = if slice["ports"].is_null() {
            "[]".to_owned()
        } else {
            slice["ports"].to_string()
        };
        let group = wanted.get_mut(&ports);
        // Without a single endpoint one slice stays as a placeholder.
        if group.is_none() && !(empty && kept == 0) {
            spare.push(*slice);
            continue;
        }
        kept += 1;
        let mut next = (***slice).clone();
        match group {
            Some((_, endpoints)) => {
                next["endpoints"] = keep_places(&slice["endpoints"], endpoints).into()
            }
            None => {
                next["endpoints"] = Value::Null;
                next["ports"] = Value::Null;
            }
        }
        next["metadata"]["labels"] = labels(service);
        writes.push(Write::Update {
            kind: KIND,
            value: next,
        });
    }
    let mut rest = fill(&mut writes, wanted);
    if empty && existing.is_empty() {
        rest.push((Value::Null, Value::Null));
    }
    let mut writes = drop_unchanged(writes, existing);
    let mut spare = spare.into_iter();
    for (ports, endpoints) in rest {
        // A slice nobody needs any more is used again before a new one is made.
        writes.push(match spare.next() {
            Some(slice) => {
                let mut next = (**slice).clone();
                next["metadata"]["labels"] = labels(service);
                next["endpoints"] = endpoints;
                next["ports"] = ports;
                Write::Update {
                    kind: KIND,
                    value: next,
                }
            }
            None => create(service, ports, endpoints),
        });
    }
    writes.extend(spare.map(|slice| delete(slice)));
    writes
}

fn delete(slice: &Value) -> Write {
    Write::Delete {
        key: Key::of(KIND, slice),
        uid: uid(slice).to_owned(),
        grace_seconds: None,
        announce: None,
    }
}

/// A slice's endpoints that are still wanted, in their order; taken out of `wanted`.
fn keep_places(current: &Value, wanted: &mut Vec<Value>) -> Vec<Value> {
    let mut by_uid: BTreeMap<String, Value> = BTreeMap::new();
    let mut order = Vec::new();
    for endpoint in wanted.drain(..) {
        let uid = text(&endpoint["targetRef"]["uid"]).to_owned();
        order.push(uid.clone());
        by_uid.insert(uid, endpoint);
    }
    let kept = items(current)
        .iter()
        .filter_map(|endpoint| by_uid.remove(text(&endpoint["targetRef"]["uid"])))
        .collect();
    wanted.extend(order.into_iter().filter_map(|uid| by_uid.remove(&uid)));
    kept
}

/// Puts the endpoints that have no place yet into slices with room; returns what needs new slices.
fn fill(
    writes: &mut [Write],
    wanted: BTreeMap<String, (Value, Vec<Value>)>,
) -> Vec<(Value, Value)> {
    let mut rest = Vec::new();
    for (ports, mut endpoints) in wanted.into_values() {
        for write in writes.iter_mut() {
            let Write::Update { value, .. } = write else {
                continue;
            };
            if value["ports"] != ports {
                continue;
            }
            if let Some(list) = value["endpoints"].as_array_mut() {
                let room = MAX_ENDPOINTS
                    .saturating_sub(list.len())
                    .min(endpoints.len());
                list.extend(endpoints.drain(..room));
            }
        }
        while !endpoints.is_empty() {
            let tail = endpoints.split_off(endpoints.len().min(MAX_ENDPOINTS));
            rest.push((
                ports.clone(),
                std::mem::replace(&mut endpoints, tail).into(),
            ));
        }
    }
    rest
}

fn drop_unchanged(writes: Vec<Write>, existing: &[&Object]) -> Vec<Write> {
    let mut kept = Vec::new();
    for write in writes {
        match write {
            Write::Update { kind, value } => {
                let emptied = value["endpoints"].as_array().is_some_and(Vec::is_empty);
                if emptied {
                    kept.push(delete(&value));
                } else if !existing.iter().any(|slice| ***slice == value) {
                    kept.push(Write::Update { kind, value });
                }
            }
            other => kept.push(other),
        }
    }
    kept
}

fn labels(service: &Value) -> Value {
    let mut labels: Map<String, Value> = service["metadata"]["labels"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    if service["spec"]["clusterIP"] == "None" {
        labels.insert(HEADLESS.to_owned(), "".into());
    }
    labels.insert(SERVICE_NAME.to_owned(), name(service).into());
    labels.insert(MANAGED_BY.to_owned(), MANAGER.into());
    labels.into()
}

fn create(service: &Value, ports: Value, endpoints: Value) -> Write {
    let value = json!({
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "generateName": format!("{}-", name(service)),
            "namespace": service["metadata"]["namespace"],
            "labels": labels(service),
            "ownerReferences": [owner_reference(service)],
        },
        "addressType": "IPv4",
        "endpoints": endpoints,
        "ports": ports,
    });
    Write::Create {
        kind: KIND,
        value,
        announce: None,
    }
}
