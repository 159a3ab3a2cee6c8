//! Where an Ingress is found: the status that the ingress controller writes, and its Events. Never
//! writes nginx' configuration: that is [`crate::ingress`].

use super::meta::text;
use super::{Context, Controller, Index, Note, Tone, Write};
use crate::ingress::{class, left_out};
use crate::store::{Event, Key, Op, Store};
use clock::Duration;
use serde_json::json;

const KIND: &str = "ingresses.networking.k8s.io";
const COMPONENT: &str = "nginx-ingress-controller";
/// The controller's Event when it takes an Ingress in, and when it changes.
const SYNC: &str = "Scheduled for sync";

/// Writes where Ingresses are found.
#[derive(Debug)]
pub struct Ingresses;

impl Controller for Ingresses {
    fn name(&self) -> &'static str {
        COMPONENT
    }

    fn pace(&self, _: &Store) -> Duration {
        Duration::from_secs(1)
    }

    fn wakes(&self, event: &Event, store: &Store, _: &Index) -> Vec<Key> {
        let all = || {
            store
                .list(KIND, None)
                .map(|one| Key::of(KIND, one))
                .collect()
        };
        match event.kind {
            KIND if event.op != Op::Deleted => vec![Key::of(KIND, &event.object)],
            "ingressclasses.networking.k8s.io" => all(),
            "services" if event.object["spec"]["type"] == "LoadBalancer" => all(),
            "pods" if store.count(KIND) > 0 && is_controllers(event) => all(),
            _ => Vec::new(),
        }
    }

    fn reconcile(&self, store: &Store, key: &Key, _: &Context<'_>) -> Vec<Write> {
        let Some(ingress) = store.get_key(key) else {
            return Vec::new();
        };
        let ours = class::is_ours(store, ingress);
        let addresses = match ours {
            true => class::addresses(store),
            false => return Vec::new(),
        };
        let balancer = match addresses.is_empty() {
            true => json!({}),
            false => json!({ "ingress": addresses }),
        };
        if ingress["status"]["loadBalancer"] == balancer {
            return Vec::new();
        }
        let mut value = (**ingress).clone();
        value["status"] = json!({ "loadBalancer": balancer });
        let say = |tone, reason, message: &str| {
            Write::Record(Note::about(ingress, tone, reason, message, COMPONENT))
        };
        let mut writes = vec![say(Tone::Normal, "Sync", SYNC)];
        for what in left_out(ingress) {
            writes.push(say(Tone::Warning, "Ignored", &what));
        }
        writes.push(Write::UpdateStatus { kind: KIND, value });
        writes
    }
}

fn is_controllers(event: &Event) -> bool {
    let containers = super::meta::items(&event.object["spec"]["containers"]).iter();
    containers
        .map(|one| text(&one["image"]))
        .any(crate::ingress::is_controller)
}
