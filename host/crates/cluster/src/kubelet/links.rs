//! The variables by which containers know Services, made once for each Service and shared by all
//! containers that see the same Services. Never decides which variables a container has beside them.

use crate::controller::meta::{items, name, namespace, text};
use crate::store::{Event, Store};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The variables of one Service.
type Variables = Arc<[(String, String)]>;

/// The variables of some Services, a list for each, in the order of the Services' names.
pub type Links = Arc<[Variables]>;

/// Which Service's variables `kubernetes` are, wherever a container is.
const EVERYWHERE: (&str, &str) = ("default", "kubernetes");

/// What was made so far and still holds.
#[derive(Debug, Default)]
pub(crate) struct ServiceLinks {
    /// By namespace and name.
    of_service: BTreeMap<(String, String), Variables>,
    /// By namespace, and whether its own Services are among them.
    of_pods: BTreeMap<(String, bool), Links>,
}

impl ServiceLinks {
    /// A Service changed: what was made of it is not used again.
    pub(crate) fn observe(&mut self, event: &Event) {
        let (space, service) = (namespace(&event.object), name(&event.object));
        self.of_service
            .remove(&(space.to_owned(), service.to_owned()));
        if (space, service) == EVERYWHERE {
            self.of_pods.clear();
        } else {
            self.of_pods.remove(&(space.to_owned(), true));
        }
    }

    /// The variables of the Services a pod sees: those of its namespace, and always `kubernetes`.
    pub(crate) fn of(&mut self, store: &Store, pod: &Value) -> Links {
        let own = pod["spec"]["enableServiceLinks"] != false;
        let key = (namespace(pod).to_owned(), own);
        if let Some(known) = self.of_pods.get(&key) {
            return Arc::clone(known);
        }
        let mut services: BTreeMap<&str, &Value> = BTreeMap::new();
        if let Some(kubernetes) = store.get("services", EVERYWHERE.0, EVERYWHERE.1) {
            services.insert(EVERYWHERE.1, kubernetes);
        }
        if own {
            let near = store.list("services", Some(namespace(pod)));
            services.extend(near.map(|service| (name(service), &**service)));
        }
        let services = services.into_values();
        let links: Links = services.map(|service| self.of_one(service)).collect();
        self.of_pods.insert(key, Arc::clone(&links));
        links
    }

    fn of_one(&mut self, service: &Value) -> Variables {
        let key = (namespace(service).to_owned(), name(service).to_owned());
        let made = self
            .of_service
            .entry(key)
            .or_insert_with(|| variables_of(service).into());
        Arc::clone(made)
    }
}

fn variables_of(service: &Value) -> Vec<(String, String)> {
    let ip = text(&service["spec"]["clusterIP"]);
    let ports = items(&service["spec"]["ports"]);
    if ip.is_empty() || ip == "None" || ports.is_empty() {
        return Vec::new();
    }
    let shout = |word: &str| word.to_ascii_uppercase().replace('-', "_");
    let prefix = shout(name(service));
    let mut list = vec![
        (format!("{prefix}_SERVICE_HOST"), ip.to_owned()),
        (
            format!("{prefix}_SERVICE_PORT"),
            ports[0]["port"].to_string(),
        ),
    ];
    for port in ports.iter().filter(|port| !text(&port["name"]).is_empty()) {
        list.push((
            format!("{prefix}_SERVICE_PORT_{}", shout(text(&port["name"]))),
            port["port"].to_string(),
        ));
    }
    for (at, port) in ports.iter().enumerate() {
        let protocol = port["protocol"].as_str().unwrap_or("TCP");
        let number = port["port"].to_string();
        let url = format!("{}://{ip}:{number}", protocol.to_ascii_lowercase());
        if at == 0 {
            list.push((format!("{prefix}_PORT"), url.clone()));
        }
        let own = format!("{prefix}_PORT_{number}_{protocol}");
        list.extend([
            (own.clone(), url),
            (format!("{own}_PROTO"), protocol.to_ascii_lowercase()),
            (format!("{own}_PORT"), number),
            (format!("{own}_ADDR"), ip.to_owned()),
        ]);
    }
    list
}
