//! Load balancers of a cloud: a Service of type LoadBalancer gets an address, or in some clouds a
//! name, after a while, and gives it back when it is deleted or becomes something else.
//!
//! The words are the upstream service controller's
//! (`k8s.io/cloud-provider/controllers/service`). A cluster without a cloud has no such
//! controller, and its Services stay `<pending>` for ever. Never carries a packet.

use super::meta::{deleting, items, text};
use super::{Context, Controller, Index, Note, Tone, Write};
use crate::balancer;
use crate::store::{Event, Key, Object, Store};
use clock::Duration;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// Keeps a Service until its load balancer is gone.
const FINALIZER: &str = "service.kubernetes.io/load-balancer-cleanup";
/// How long the cloud takes for anything.
const PACE: Duration = Duration::from_secs(5);
const COMPONENT: &str = "service-controller";

/// Gives addresses out of a pool.
#[derive(Debug)]
pub struct LoadBalancers {
    /// Network and prefix length.
    pool: (Ipv4Addr, u8),
    /// The domain of their names, where it is names that Services get.
    domain: Option<&'static str>,
}

impl LoadBalancers {
    /// Load balancers with the addresses of this network, its first and last left out.
    #[must_use]
    pub fn new(pool: (Ipv4Addr, u8)) -> Self {
        Self { pool, domain: None }
    }

    /// The same, and Services are given names below this domain instead of addresses.
    #[must_use]
    pub fn named(self, domain: Option<&'static str>) -> Self {
        Self { domain, ..self }
    }

    /// The lowest address that no Service has.
    fn free(&self, store: &Store) -> Option<Ipv4Addr> {
        let taken: BTreeSet<Ipv4Addr> = store
            .list("services", None)
            .flat_map(|service| items(&service["status"]["loadBalancer"]["ingress"]))
            .filter_map(balancer::of_ingress)
            .collect();
        let first = u32::from(self.pool.0);
        let last = first | (u32::MAX >> self.pool.1);
        (first + 1..last)
            .map(Ipv4Addr::from)
            .find(|addr| !taken.contains(addr))
    }

    /// What a Service that wants a load balancer still lacks.
    fn ensure(&self, store: &Store, service: &Object) -> Vec<Write> {
        if !has_finalizer(service) {
            let mut value = (**service).clone();
            let mut finalizers = items(&service["metadata"]["finalizers"]).to_vec();
            finalizers.push(json!(FINALIZER));
            value["metadata"]["finalizers"] = json!(finalizers);
            let note = said(service, "EnsuringLoadBalancer", "Ensuring load balancer");
            return vec![
                Write::Update {
                    kind: "services",
                    value,
                },
                Write::Record(note),
            ];
        }
        if !items(&service["status"]["loadBalancer"]["ingress"]).is_empty() {
            return Vec::new();
        }
        let Some(addr) = self.free(store) else {
            let note = Note::about(
                service,
                Tone::Warning,
                "SyncLoadBalancerFailed",
                "Error syncing load balancer: failed to ensure load balancer: no address is left",
                COMPONENT,
            );
            return vec![Write::Record(note)];
        };
        let ingress = match self.domain {
            None => json!([{ "ip": addr.to_string(), "ipMode": "VIP" }]),
            Some(domain) => {
                let uid = text(&service["metadata"]["uid"]);
                json!([{ "hostname": balancer::hostname(uid, addr, domain) }])
            }
        };
        let note = said(service, "EnsuredLoadBalancer", "Ensured load balancer");
        vec![with_ingress(service, ingress), Write::Record(note)]
    }
}

impl Controller for LoadBalancers {
    fn name(&self) -> &'static str {
        COMPONENT
    }

    fn pace(&self, _: &Store) -> Duration {
        PACE
    }

    fn wakes(&self, event: &Event, _: &Store, _: &Index) -> Vec<Key> {
        let service = &event.object;
        if event.kind == "services" && (wanted(service) || has_finalizer(service)) {
            vec![Key::of(event.kind, service)]
        } else {
            Vec::new()
        }
    }

    fn reconcile(&self, store: &Store, key: &Key, _: &Context<'_>) -> Vec<Write> {
        let Some(service) = store.get("services", &key.namespace, &key.name) else {
            return Vec::new();
        };
        if wanted(service) && !deleting(service) {
            return self.ensure(store, service);
        }
        if has_finalizer(service) {
            release(service)
        } else {
            Vec::new()
        }
    }
}

/// Whether a Service asks this cloud for a load balancer.
fn wanted(service: &Value) -> bool {
    // Another class is another controller's.
    service["spec"]["type"] == "LoadBalancer" && service["spec"]["loadBalancerClass"].is_null()
}

fn has_finalizer(service: &Value) -> bool {
    items(&service["metadata"]["finalizers"])
        .iter()
        .any(|finalizer| finalizer == FINALIZER)
}

/// Takes the load balancer away.
fn release(service: &Object) -> Vec<Write> {
    let mut value = (**service).clone();
    let finalizers = items(&service["metadata"]["finalizers"]).iter();
    let left: Vec<&Value> = finalizers.filter(|found| *found != FINALIZER).collect();
    if left.is_empty() {
        let metadata = value["metadata"].as_object_mut();
        metadata.and_then(|metadata| metadata.remove("finalizers"));
    } else {
        value["metadata"]["finalizers"] = json!(left);
    }
    vec![
        Write::Record(said(
            service,
            "DeletingLoadBalancer",
            "Deleting load balancer",
        )),
        with_ingress(service, Value::Null),
        Write::Update {
            kind: "services",
            value,
        },
        Write::Record(said(
            service,
            "DeletedLoadBalancer",
            "Deleted load balancer",
        )),
    ]
}

fn with_ingress(service: &Object, ingress: Value) -> Write {
    let mut value = (**service).clone();
    value["status"]["loadBalancer"] = match ingress {
        Value::Null => json!({}),
        ingress => json!({ "ingress": ingress }),
    };
    Write::UpdateStatus {
        kind: "services",
        value,
    }
}

fn said(service: &Value, reason: &'static str, message: &str) -> Note {
    Note::about(service, Tone::Normal, reason, message, COMPONENT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_services_of_the_default_class_are_its_business() {
        let service = |spec: Value| json!({ "metadata": { "name": "web" }, "spec": spec });
        assert!(wanted(&service(json!({ "type": "LoadBalancer" }))));
        assert!(!wanted(&service(json!({ "type": "NodePort" }))));
        assert!(!wanted(&service(
            json!({ "type": "LoadBalancer", "loadBalancerClass": "example.com/other" })
        )));
    }
}
