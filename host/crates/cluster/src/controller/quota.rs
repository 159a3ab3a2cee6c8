//! What each ResourceQuota says of its use. Never refuses anything: that is `api/quota.rs`.

use super::meta::{namespace, pod_finished};
use super::{Context, Controller, Index, Write};
use crate::api::quota::{QUOTAS, used};
use crate::store::{Event, Key, Op, Store};
use serde_json::Value;

/// The quota controller.
#[derive(Debug)]
pub struct Quotas;

impl Controller for Quotas {
    fn name(&self) -> &'static str {
        "resourcequota-controller"
    }

    fn wakes(&self, event: &Event, store: &Store, _: &Index) -> Vec<Key> {
        if event.kind == QUOTAS {
            return vec![Key::of(QUOTAS, &event.object)];
        }
        let finished = |pod: &Value| event.kind == "pods" && pod_finished(pod);
        let before = event.previous.as_ref();
        let changes = event.op != Op::Modified
            || event.kind == "services"
            || before.is_some_and(|old| finished(old) != finished(&event.object));
        let space = namespace(&event.object);
        if !changes || space.is_empty() {
            return Vec::new();
        }
        let quotas = store.list(QUOTAS, Some(space));
        quotas.map(|quota| Key::of(QUOTAS, quota)).collect()
    }

    fn reconcile(&self, store: &Store, key: &Key, _: &Context<'_>) -> Vec<Write> {
        let Some(quota) = store.get_key(key) else {
            return Vec::new();
        };
        let mut value = (**quota).clone();
        value["status"]["hard"] = quota["spec"]["hard"].clone();
        value["status"]["used"] = used(store, quota);
        if value["status"]["hard"].is_null() || value["status"] == quota["status"] {
            return Vec::new();
        }
        vec![Write::UpdateStatus {
            kind: QUOTAS,
            value,
        }]
    }
}
