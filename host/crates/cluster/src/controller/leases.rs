//! The leases by which the parts of the control plane show that they live: renewed every ten
//! seconds, as the API server renews its own. Never makes one; a cluster begins with them.

use super::meta::{name, namespace, text};
use super::{Context, Controller, Index, Write};
use crate::store::{Event, Key, Store};
use clock::Duration;

const LEASES: &str = "leases.coordination.k8s.io";
const PERIOD: i64 = 10;

/// Renews the control plane's leases.
#[derive(Debug)]
pub struct Leases;

impl Controller for Leases {
    fn name(&self) -> &'static str {
        "lease-controller"
    }

    fn wakes(&self, event: &Event, _: &Store, _: &Index) -> Vec<Key> {
        let lease = &event.object;
        let ours = event.kind == LEASES
            && event.previous.is_none()
            && namespace(lease) == "kube-system"
            && (name(lease).starts_with("apiserver-") || name(lease).starts_with("kube-"));
        if ours {
            vec![Key::of(LEASES, lease)]
        } else {
            Vec::new()
        }
    }

    fn reconcile(&self, store: &Store, key: &Key, context: &Context<'_>) -> Vec<Write> {
        let Some(lease) = store.get_key(key) else {
            return Vec::new();
        };
        let renewed = text(&lease["spec"]["renewTime"]).parse::<jiff::Timestamp>();
        let renewed = renewed.map_or(0, jiff::Timestamp::as_second);
        let left = renewed + PERIOD - context.unix();
        let again = |seconds: i64| Write::RequeueAfter(Duration::from_secs(seconds.unsigned_abs()));
        if left > 0 {
            return vec![again(left)];
        }
        let mut value = (**lease).clone();
        value["spec"]["renewTime"] = context.time().replace('Z', ".000000Z").into();
        let update = Write::Update {
            kind: LEASES,
            value,
        };
        vec![update, again(PERIOD)]
    }
}
