//! The rules of all Services, kept from change to change: what a write touches is one Service, and
//! only that one is made anew. Never decides what a rule says.

use super::{Rules, ServicePort, service_ports};
use crate::controller::endpointslice::{KIND as SLICES, SERVICE_NAME};
use crate::controller::meta::{name, namespace, text};
use crate::store::{Object, Op, Store};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Namespace and name of a Service.
type Service = (String, String);

/// The rules of every Service, as of some revision of the store.
#[derive(Debug, Default)]
pub(crate) struct Table {
    seen: u64,
    ports: BTreeMap<Service, Vec<Arc<ServicePort>>>,
    /// The names of the slices that say they are a Service's.
    slices: BTreeMap<Service, BTreeSet<String>>,
    rules: Rules,
}

impl Table {
    /// Takes in what was written since the last time.
    pub(crate) fn follow(&mut self, store: &Store) {
        let since = std::mem::replace(&mut self.seen, store.revision());
        let mut touched = BTreeSet::new();
        match store.events_since(since) {
            Ok(events) => {
                for event in events {
                    let states = event.previous.iter().chain([&event.object]);
                    match event.kind {
                        "services" => touched.extend(states.map(|object| named(object))),
                        SLICES => {
                            touched.extend(states.map(|slice| self.file(slice, false)));
                            if event.op != Op::Deleted {
                                self.file(&event.object, true);
                            }
                        }
                        _ => {}
                    }
                }
            }
            Err(_) => touched = self.start_over(store),
        }
        if !touched.is_empty() {
            for service in touched {
                self.make(store, service);
            }
            self.rules.services = self.ports.values().flatten().cloned().collect();
        }
    }

    /// The rules, ordered by namespace, Service and port. What did not change is what it was.
    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The log has forgotten something: looks at everything, and at what was there before.
    fn start_over(&mut self, store: &Store) -> BTreeSet<Service> {
        self.slices.clear();
        for slice in store.list(SLICES, None) {
            self.file(slice, true);
        }
        let now = store.list("services", None).map(|service| named(service));
        self.ports.keys().cloned().chain(now).collect()
    }

    /// Notes that a slice is there or is not; whose it is.
    fn file(&mut self, slice: &Value, there: bool) -> Service {
        let service = text(&slice["metadata"]["labels"][SERVICE_NAME]);
        let service = (namespace(slice).to_owned(), service.to_owned());
        if there {
            let names = self.slices.entry(service.clone()).or_default();
            names.insert(name(slice).to_owned());
        } else if let Some(names) = self.slices.get_mut(&service) {
            names.remove(name(slice));
            if names.is_empty() {
                self.slices.remove(&service);
            }
        }
        service
    }

    fn make(&mut self, store: &Store, service: Service) {
        let (space, own) = &service;
        let Some(object) = store.get("services", space, own) else {
            self.ports.remove(&service);
            return;
        };
        let names = self.slices.get(&service).into_iter().flatten();
        let slices = names.filter_map(|name| store.get(SLICES, space, name));
        let slices: Vec<&Object> = slices.filter(|one| super::is_ipv4(one)).collect();
        let before = self.ports.remove(&service).unwrap_or_default();
        let ports = service_ports(object, &slices).into_iter().map(Arc::new);
        let kept = |port: Arc<ServicePort>| {
            let same = before.iter().find(|old| **old == port);
            same.cloned().unwrap_or(port)
        };
        let ports: Vec<Arc<ServicePort>> = ports.map(kept).collect();
        if !ports.is_empty() {
            self.ports.insert(service, ports);
        }
    }
}

fn named(object: &Value) -> Service {
    (namespace(object).to_owned(), name(object).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn service(name: &str, address: &str) -> Value {
        json!({
            "metadata": {"namespace": "default", "name": name},
            "spec": {"clusterIP": address, "ports": [{"port": 80}]},
        })
    }

    fn slice(name: &str, service: &str, address: &str) -> Value {
        json!({
            "metadata": {"namespace": "default", "name": name, "labels": {SERVICE_NAME: service}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [address], "conditions": {"ready": true}}],
            "ports": [{"name": "", "port": 80, "protocol": "TCP"}],
        })
    }

    fn store() -> Store {
        let mut store = Store::with_capacity(8);
        for (kind, object) in [
            ("services", service("a", "10.96.0.7")),
            ("services", service("b", "10.96.0.8")),
            (SLICES, slice("a-x", "a", "10.244.0.2")),
        ] {
            store.create(kind, object).expect("it is new");
        }
        store
    }

    #[test]
    fn a_change_of_one_service_leaves_the_others_rules_as_they_are() {
        let (mut store, mut table) = (store(), Table::default());
        table.follow(&store);
        let before = table.rules().services.clone();
        store
            .create(SLICES, slice("a-y", "a", "10.244.0.3"))
            .expect("it is new");
        table.follow(&store);
        let after = &table.rules().services;
        assert_eq!(after[0].endpoints.len(), 2);
        assert!(!Arc::ptr_eq(&before[0], &after[0]));
        assert!(Arc::ptr_eq(&before[1], &after[1]));
    }

    #[test]
    fn kept_from_change_to_change_the_rules_are_what_they_are_made_anew() {
        let (mut store, mut table) = (store(), Table::default());
        let mut check = |store: &Store| {
            table.follow(store);
            assert_eq!(*table.rules(), super::super::rules(store));
        };
        check(&store);
        // A slice moves to another Service, then goes.
        store
            .update(SLICES, slice("a-x", "b", "10.244.0.2"))
            .expect("it is there");
        check(&store);
        store.delete(SLICES, "default", "a-x").expect("it is there");
        check(&store);
        store
            .delete("services", "default", "a")
            .expect("it is there");
        check(&store);
        // More writes than the log keeps.
        for at in 0..20 {
            store
                .create(
                    "services",
                    service(&format!("c-{at}"), &format!("10.96.1.{at}")),
                )
                .expect("it is new");
        }
        store
            .delete("services", "default", "b")
            .expect("it is there");
        check(&store);
    }
}
