//! The legacy Endpoints object of each Service with a selector: sorted addresses, grouped by ports.
//!
//! Never touches Endpoints of Services without a selector; those are somebody's own.

use super::endpointslice::{HEADLESS, hostname, pods_behind, ports_of, selects, services_of};
use super::meta::{deleting, items, name, namespace, pod_ready, text, uid, without_nulls};
use super::{Context, Controller, Index, Write};
use crate::store::{Event, Key, Op, Store};
use clock::Duration;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

const KIND: &str = "endpoints";
const MANAGED_BY: &str = "endpoints.kubernetes.io/managed-by";

/// The endpoints controller.
#[derive(Debug)]
pub struct Endpoints;

impl Controller for Endpoints {
    fn name(&self) -> &'static str {
        "endpoint-controller"
    }

    fn pace(&self, store: &Store) -> Duration {
        super::pace_of_crowds(store)
    }

    fn wakes(&self, event: &Event, store: &Store, index: &Index) -> Vec<Key> {
        match event.kind {
            "services" => vec![Key::of("services", &event.object)],
            "pods" => services_of(event, store, index),
            KIND if event.op == Op::Deleted => vec![Key::new(
                "services",
                namespace(&event.object),
                name(&event.object),
            )],
            _ => Vec::new(),
        }
    }

    fn reconcile(&self, store: &Store, key: &Key, context: &Context<'_>) -> Vec<Write> {
        let current = store.get(KIND, &key.namespace, &key.name);
        let Some(service) = store.get_key(key) else {
            // Only what this controller made goes with its Service.
            let ours = current.filter(|endpoints| {
                endpoints["metadata"]["labels"][MANAGED_BY] == "endpoint-controller"
            });
            return ours
                .map(|endpoints| delete(endpoints))
                .into_iter()
                .collect();
        };
        if !selects(service) {
            return Vec::new();
        }
        let subsets = subsets(store, service, context.index);
        let mut labels = service["metadata"]["labels"]
            .as_object()
            .cloned()
            .unwrap_or_default();
        labels.insert(MANAGED_BY.to_owned(), "endpoint-controller".into());
        if service["spec"]["clusterIP"] == "None" {
            labels.insert(HEADLESS.to_owned(), "".into());
        }
        match current {
            None => vec![Write::Create {
                kind: KIND,
                value: object(service, labels.into(), subsets),
                announce: None,
            }],
            Some(current) => {
                let mut next = (**current).clone();
                next["metadata"]["labels"] = labels.into();
                set_subsets(&mut next, subsets);
                if next == **current {
                    Vec::new()
                } else {
                    vec![Write::Update {
                        kind: KIND,
                        value: next,
                    }]
                }
            }
        }
    }
}

fn object(service: &Value, labels: Value, subsets: Vec<Value>) -> Value {
    let mut object = json!({
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": { "name": name(service), "namespace": namespace(service), "labels": labels },
    });
    set_subsets(&mut object, subsets);
    object
}

fn set_subsets(object: &mut Value, subsets: Vec<Value>) {
    let Some(map) = object.as_object_mut() else {
        return;
    };
    if subsets.is_empty() {
        map.remove("subsets");
    } else {
        map.insert("subsets".to_owned(), subsets.into());
    }
}

fn delete(endpoints: &Value) -> Write {
    Write::Delete {
        key: Key::of(KIND, endpoints),
        uid: uid(endpoints).to_owned(),
        grace_seconds: None,
        announce: None,
    }
}

/// Addresses of one set of ports, ready and not.
#[derive(Default)]
struct Group {
    ports: Vec<Value>,
    ready: BTreeMap<Option<Ipv4Addr>, Value>,
    not_ready: BTreeMap<Option<Ipv4Addr>, Value>,
}

fn subsets(store: &Store, service: &Value, index: &Index) -> Vec<Value> {
    let publish = service["spec"]["publishNotReadyAddresses"] == true;
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    let pods = pods_behind(store, service, index);
    for pod in pods.filter(|pod| publish || !deleting(pod)) {
        let ports: Vec<Value> = ports_of(service, pod)
            .into_iter()
            .map(legacy_port)
            .collect();
        if ports.is_empty() && !items(&service["spec"]["ports"]).is_empty() {
            continue;
        }
        let group = groups
            .entry(Value::from(ports.clone()).to_string())
            .or_default();
        group.ports = ports;
        let ip = text(&pod["status"]["podIP"]).parse().ok();
        let list = if publish || pod_ready(pod) {
            &mut group.ready
        } else {
            &mut group.not_ready
        };
        list.insert(ip, address(service, pod));
    }
    groups.into_values().map(Group::subset).collect()
}

impl Group {
    fn subset(self) -> Value {
        let list = |addresses: BTreeMap<_, Value>| -> Value {
            if addresses.is_empty() {
                Value::Null
            } else {
                addresses.into_values().collect::<Vec<_>>().into()
            }
        };
        without_nulls(json!({
            "addresses": list(self.ready),
            "notReadyAddresses": list(self.not_ready),
            "ports": if self.ports.is_empty() { Value::Null } else { self.ports.into() },
        }))
    }
}

/// In the legacy object an unnamed port has no name at all.
fn legacy_port(mut port: Value) -> Value {
    if port["name"] == ""
        && let Some(map) = port.as_object_mut()
    {
        map.remove("name");
    }
    port
}

fn address(service: &Value, pod: &Value) -> Value {
    without_nulls(json!({
        "ip": pod["status"]["podIP"],
        "nodeName": pod["spec"]["nodeName"],
        "hostname": hostname(service, pod),
        "targetRef": {
            "kind": "Pod",
            "name": pod["metadata"]["name"],
            "namespace": pod["metadata"]["namespace"],
            "uid": pod["metadata"]["uid"],
        },
    }))
}
