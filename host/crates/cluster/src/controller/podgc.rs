//! Removes pods whose node is no longer an object. Never touches a pod of a node that is merely silent.
//!
//! Upstream first waits 40 seconds, in case the node is made again; here the pods go at once.

use super::meta::{text, uid};
use super::{Context, Controller, Index, Write};
use crate::store::{Event, Key, Op, Store};

/// The pod garbage collector.
#[derive(Debug)]
pub struct PodGc;

impl Controller for PodGc {
    fn name(&self) -> &'static str {
        "pod-garbage-collector-controller"
    }

    fn wakes(&self, event: &Event, store: &Store, _: &Index) -> Vec<Key> {
        let node = match event.kind {
            "nodes" if event.op == Op::Deleted => text(&event.object["metadata"]["name"]),
            "pods" => text(&event.object["spec"]["nodeName"]),
            _ => return Vec::new(),
        };
        let gone = !node.is_empty() && store.get("nodes", "", node).is_none();
        if gone {
            vec![Key::new("nodes", "", node)]
        } else {
            Vec::new()
        }
    }

    fn reconcile(&self, store: &Store, key: &Key, context: &Context<'_>) -> Vec<Write> {
        if store.get_key(key).is_some() {
            return Vec::new();
        }
        let pods = context
            .index
            .pods_on(&key.name)
            .filter_map(|key| store.get_key(key));
        pods.map(|pod| Write::Delete {
            key: Key::of("pods", pod),
            uid: uid(pod).to_owned(),
            grace_seconds: Some(0),
            announce: None,
        })
        .collect()
    }
}
