//! The Service `kubernetes`, behind which the API server stands, with its endpoints.
//!
//! Deleted, it comes back with the next of the rounds that the API server makes every ten seconds.
//! Never touches any other Service.

use super::endpointslice::{KIND as SLICES, SERVICE_NAME};
use super::meta::text;
use super::{Context, Controller, Index, Write};
use crate::Config;
use crate::store::{Event, Key, Store};
use clock::Duration;
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddrV4};

/// How often the API server looks whether its Service is there.
const ROUND: Duration = Duration::from_secs(10);

/// Keeps `default/kubernetes`.
#[derive(Debug)]
pub struct Kubernetes {
    cluster_ip: Ipv4Addr,
    api_server: SocketAddrV4,
}

impl Kubernetes {
    /// The first address of the Service range, in front of the configured control plane.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let first = u32::from(config.service_cidr.0) + 1;
        Self {
            cluster_ip: Ipv4Addr::from(first),
            api_server: config.control_plane,
        }
    }

    fn wanted(&self) -> [(&'static str, Value); 3] {
        let (ip, port) = (self.api_server.ip().to_string(), self.api_server.port());
        let service = json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {
                "name": "kubernetes", "namespace": "default",
                "labels": { "component": "apiserver", "provider": "kubernetes" },
            },
            "spec": {
                "clusterIP": self.cluster_ip.to_string(), "clusterIPs": [self.cluster_ip.to_string()],
                "internalTrafficPolicy": "Cluster", "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
                "ports": [{ "name": "https", "port": 443, "protocol": "TCP", "targetPort": port }],
                "sessionAffinity": "None", "type": "ClusterIP",
            },
            "status": { "loadBalancer": {} },
        });
        let endpoints = json!({
            "apiVersion": "v1", "kind": "Endpoints",
            "metadata": {
                "name": "kubernetes", "namespace": "default",
                "labels": { "endpointslice.kubernetes.io/skip-mirror": "true" },
            },
            "subsets": [{ "addresses": [{ "ip": ip }], "ports": [{ "name": "https", "port": port, "protocol": "TCP" }] }],
        });
        let slice = json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": { "name": "kubernetes", "namespace": "default", "labels": { SERVICE_NAME: "kubernetes" } },
            "addressType": "IPv4",
            "endpoints": [{ "addresses": [ip], "conditions": { "ready": true } }],
            "ports": [{ "name": "https", "port": port, "protocol": "TCP" }],
        });
        [
            ("services", service),
            ("endpoints", endpoints),
            (SLICES, slice),
        ]
    }
}

impl Controller for Kubernetes {
    fn name(&self) -> &'static str {
        "kubernetes-service-controller"
    }

    fn wakes(&self, event: &Event, _: &Store, _: &Index) -> Vec<Key> {
        let key = Key::of(event.kind, &event.object);
        let about = match event.kind {
            "namespaces" => key.name == "default",
            "services" | "endpoints" | SLICES => {
                key.namespace == "default" && key.name == "kubernetes"
            }
            _ => false,
        };
        if about {
            vec![Key::new("services", "default", "kubernetes")]
        } else {
            Vec::new()
        }
    }

    fn reconcile(&self, store: &Store, key: &Key, context: &Context<'_>) -> Vec<Write> {
        let Some(home) = store.get("namespaces", "", "default") else {
            return Vec::new();
        };
        let is_missing = |kind: &str| store.get(kind, &key.namespace, &key.name).is_none();
        if !self.wanted().iter().any(|(kind, _)| is_missing(kind)) {
            return Vec::new();
        }
        // At the beginning the first round is now.
        let born = text(&home["metadata"]["creationTimestamp"]);
        let is_new = born == crate::registry::time(context.epoch, context.now);
        let since = context.now.since_start().as_nanos() % ROUND.as_nanos();
        if !is_new && since != 0 {
            let left = ROUND.as_nanos() - since;
            let left = u64::try_from(left).unwrap_or(u64::MAX);
            return vec![Write::RequeueAfter(Duration::from_nanos(left))];
        }
        let missing = self
            .wanted()
            .into_iter()
            .filter(|(kind, _)| store.get(kind, &key.namespace, &key.name).is_none());
        missing
            .map(|(kind, value)| Write::Create {
                kind,
                value,
                announce: None,
            })
            .collect()
    }
}
