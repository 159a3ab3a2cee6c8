//! Endpoints that somebody wrote by hand become an EndpointSlice, so that proxies see them.
//!
//! Only for Services without a selector; never mirrors what the endpoints controller made.

use super::endpointslice::{KIND, SERVICE_NAME};
use super::meta::{items, name, namespace, owner_reference, text, uid};
use super::{Context, Controller, Index, Write};
use crate::store::{Event, Key, Object, Store};
use serde_json::{Value, json};

const MANAGED_BY: &str = "endpointslice.kubernetes.io/managed-by";
const MIRROR: &str = "endpointslicemirroring-controller.k8s.io";
const SKIP: &str = "endpointslice.kubernetes.io/skip-mirror";

/// The EndpointSlice mirroring controller.
#[derive(Debug)]
pub struct Mirror;

impl Controller for Mirror {
    fn name(&self) -> &'static str {
        "endpoint-slice-mirroring-controller"
    }

    fn wakes(&self, event: &Event, _: &Store, _: &Index) -> Vec<Key> {
        let object = &event.object;
        match event.kind {
            "endpoints" | "services" => {
                vec![Key::new("endpoints", namespace(object), name(object))]
            }
            KIND if object["metadata"]["labels"][MANAGED_BY] == MIRROR => {
                vec![Key::new(
                    "endpoints",
                    namespace(object),
                    text(&object["metadata"]["labels"][SERVICE_NAME]),
                )]
            }
            _ => Vec::new(),
        }
    }

    fn reconcile(&self, store: &Store, key: &Key, context: &Context<'_>) -> Vec<Write> {
        let found = context.index.slices_of(&key.namespace, &key.name);
        let existing: Vec<&Object> = found
            .filter_map(|key| store.get_key(key))
            .filter(|slice| slice["metadata"]["labels"][MANAGED_BY] == MIRROR)
            .collect();
        let service = store.get("services", &key.namespace, &key.name);
        let endpoints = store.get_key(key).filter(|endpoints| {
            endpoints["metadata"]["labels"][SKIP] != "true"
                && service.is_some_and(|service| {
                    service["spec"]["selector"]
                        .as_object()
                        .is_none_or(|s| s.is_empty())
                })
        });
        let wanted: Vec<Value> = endpoints
            .map(|endpoints| slices(endpoints))
            .unwrap_or_default();
        let mut writes = Vec::new();
        for (at, content) in wanted.iter().enumerate() {
            match existing.get(at) {
                None => writes.push(Write::Create {
                    kind: KIND,
                    value: content.clone(),
                    announce: None,
                }),
                Some(slice)
                    if slice["endpoints"] != content["endpoints"]
                        || slice["ports"] != content["ports"] =>
                {
                    let mut next = (***slice).clone();
                    next["endpoints"] = content["endpoints"].clone();
                    next["ports"] = content["ports"].clone();
                    writes.push(Write::Update {
                        kind: KIND,
                        value: next,
                    });
                }
                Some(_) => {}
            }
        }
        writes.extend(
            existing
                .iter()
                .skip(wanted.len())
                .map(|slice| Write::Delete {
                    key: Key::of(KIND, slice),
                    uid: uid(slice).to_owned(),
                    grace_seconds: None,
                    announce: None,
                }),
        );
        writes
    }
}

/// One slice for each subset.
fn slices(endpoints: &Value) -> Vec<Value> {
    let mut labels = endpoints["metadata"]["labels"]
        .as_object()
        .cloned()
        .unwrap_or_default();
    labels.insert(SERVICE_NAME.to_owned(), name(endpoints).into());
    labels.insert(MANAGED_BY.to_owned(), MIRROR.into());
    let subsets = items(&endpoints["subsets"]).iter().map(|subset| {
        let ready = items(&subset["addresses"]).iter().map(|address| endpoint(address, true));
        let not_ready = items(&subset["notReadyAddresses"]).iter().map(|address| endpoint(address, false));
        let ports: Vec<Value> = items(&subset["ports"])
            .iter()
            .map(|port| json!({ "name": text(&port["name"]), "port": port["port"], "protocol": port["protocol"].as_str().unwrap_or("TCP") }))
            .collect();
        json!({
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "generateName": format!("{}-", name(endpoints)),
                "namespace": namespace(endpoints),
                "labels": labels,
                "ownerReferences": [owner_reference(endpoints)],
            },
            "addressType": "IPv4",
            "endpoints": ready.chain(not_ready).collect::<Vec<_>>(),
            "ports": ports,
        })
    });
    subsets.collect()
}

fn endpoint(address: &Value, ready: bool) -> Value {
    let mut endpoint = json!({ "addresses": [address["ip"]], "conditions": { "ready": ready } });
    for field in ["hostname", "nodeName", "targetRef"] {
        if let Some(value) = address.get(field) {
            endpoint[field] = value.clone();
        }
    }
    endpoint
}
