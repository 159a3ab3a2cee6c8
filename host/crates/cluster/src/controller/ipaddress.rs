//! An IPAddress for each cluster address that a Service has, as the API server's allocator writes
//! them (reference: "IP address allocation for Services").
//!
//! Never gives an address: `api/address.rs` does, and these objects say whose it is. Those that
//! somebody wrote by hand are left alone.

use super::meta::{name, namespace, text, uid};
use super::{Context, Controller, Index, Write};
use crate::store::{Event, Key, Store};
use serde_json::{Value, json};
use std::net::Ipv4Addr;

const KIND: &str = "ipaddresses.networking.k8s.io";
const MANAGED_BY: &str = "ipaddress.kubernetes.io/managed-by";
const MANAGER: &str = "ipallocator.k8s.io";

/// Keeps the addresses of Services as objects.
#[derive(Debug)]
pub struct IpAddresses;

impl Controller for IpAddresses {
    fn name(&self) -> &'static str {
        "ipallocator-repair-controller"
    }

    fn wakes(&self, event: &Event, _: &Store, _: &Index) -> Vec<Key> {
        match event.kind {
            "services" => {
                let states = [Some(&event.object), event.previous.as_ref()];
                let mut addrs: Vec<&str> = states
                    .into_iter()
                    .flatten()
                    .filter_map(|service| address(service))
                    .collect();
                addrs.dedup();
                addrs
                    .into_iter()
                    .map(|addr| Key::new(KIND, "", addr))
                    .collect()
            }
            KIND => vec![Key::of(KIND, &event.object)],
            _ => Vec::new(),
        }
    }

    fn reconcile(&self, store: &Store, key: &Key, context: &Context<'_>) -> Vec<Write> {
        let services = context.index.services_at(&key.name);
        let mut services = services.filter_map(|key| store.get_key(key));
        let owner = services.find(|service| address(service) == Some(key.name.as_str()));
        match (owner, store.get_key(key)) {
            (Some(service), None) => vec![Write::Create {
                kind: KIND,
                value: object(&key.name, service),
                announce: None,
            }],
            (Some(service), Some(current)) if is_ours(current) => {
                let spec = object(&key.name, service)["spec"].take();
                if current["spec"] == spec {
                    return Vec::new();
                }
                let mut value = (**current).clone();
                value["spec"] = spec;
                vec![Write::Update { kind: KIND, value }]
            }
            (None, Some(current)) if is_ours(current) => vec![Write::Delete {
                key: key.clone(),
                uid: uid(current).to_owned(),
                grace_seconds: None,
                announce: None,
            }],
            _ => Vec::new(),
        }
    }
}

/// The address of a Service that has one.
fn address(service: &Value) -> Option<&str> {
    let addr = service["spec"]["clusterIP"].as_str()?;
    addr.parse::<Ipv4Addr>().is_ok().then_some(addr)
}

fn is_ours(object: &Value) -> bool {
    text(&object["metadata"]["labels"][MANAGED_BY]) == MANAGER
}

fn object(addr: &str, service: &Value) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "IPAddress",
        "metadata": {
            "name": addr,
            "labels": { "ipaddress.kubernetes.io/ip-family": "IPv4", MANAGED_BY: MANAGER },
        },
        "spec": { "parentRef": {
            "group": "", "resource": "services",
            "namespace": namespace(service), "name": name(service),
        } },
    })
}
