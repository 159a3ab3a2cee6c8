//! Removes pods whose node is no longer an object. Never touches a pod of a node that is merely silent.
//!
//! A pod is 40 seconds old before it goes: so long upstream waits for a node to be made again, and
//! whoever makes pods for a node that never was would else make them without end. Older pods go at
//! once, since nobody remembers here when their node went.

use super::meta::{text, uid, unix};
use super::{Context, Controller, Index, Write};
use crate::store::{Event, Key, Op, Store};
use clock::Duration;

/// How old a pod must be: `quarantineTime` of upstream's pkg/controller/podgc.
const QUARANTINE_SECONDS: i64 = 40;

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
        let mut writes = Vec::new();
        let mut next_look: Option<u64> = None;
        let pods = context
            .index
            .pods_on(&key.name)
            .filter_map(|key| store.get_key(key));
        for pod in pods {
            let created = unix(text(&pod["metadata"]["creationTimestamp"])).unwrap_or(0);
            let left = created + QUARANTINE_SECONDS - context.unix();
            if let Ok(left @ 1..) = u64::try_from(left) {
                next_look = Some(next_look.map_or(left, |other| other.min(left)));
                continue;
            }
            writes.push(Write::Delete {
                key: Key::of("pods", pod),
                uid: uid(pod).to_owned(),
                grace_seconds: Some(0),
                announce: None,
            });
        }
        if let Some(left) = next_look {
            writes.push(Write::RequeueAfter(Duration::from_secs(left)));
        }
        writes
    }
}
