//! Services and EndpointSlices become plain rules: which frontends lead to which endpoints.
//!
//! This is what kube-proxy works out on every node. Never programs anything and never chooses an
//! endpoint for a connection.

mod table;

pub(crate) use table::Table;

use crate::balancer;
use crate::controller::meta::{items, name, namespace, text};
use crate::store::{Object, Store};
use clock::Duration;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

/// All rules, ordered by namespace, Service and port.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// One for each port of each Service with an address. What has not changed since an earlier
    /// answer is the same allocation, so that comparing two answers port by port costs nothing for
    /// it (`Arc::ptr_eq`, which `==` of these tries first).
    pub services: Vec<Arc<ServicePort>>,
}

/// A port's protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// One port of one Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServicePort {
    /// The Service's namespace.
    pub namespace: String,
    /// The Service's name.
    pub service: String,
    /// The port's name, empty when it has none.
    pub port_name: String,
    /// Its protocol.
    pub protocol: Protocol,
    /// The cluster IP.
    pub cluster_ip: Ipv4Addr,
    /// The port on every address but the nodes'.
    pub port: u16,
    /// The port on every node, for NodePort and LoadBalancer.
    pub node_port: Option<u16>,
    /// Addresses from `spec.externalIPs`.
    pub external_ips: Vec<Ipv4Addr>,
    /// Addresses a load balancer gave, at which every node answers in its place.
    pub load_balancer_ips: Vec<Ipv4Addr>,
    /// Addresses at which the load balancer itself answers, given as such or by name.
    pub balancers: Vec<Ipv4Addr>,
    /// Who answers: the ready ones, or the serving but terminating ones when none is ready.
    pub endpoints: Vec<Endpoint>,
    /// The serving but terminating ones while others are ready: they answer where only endpoints
    /// of the same node may and none of the ready is (KEP-1669).
    pub leaving: Vec<Endpoint>,
    /// Whether any endpoint is ready.
    pub ready: bool,
    /// Where every node says how many endpoints it has, for load balancers that pass traffic to
    /// such nodes only.
    pub health_check_port: Option<u16>,
    /// How long a client keeps its endpoint, with `sessionAffinity: ClientIP`.
    pub affinity: Option<Duration>,
    /// `internalTrafficPolicy: Local`: from inside only to endpoints of the same node.
    pub internal_local: bool,
    /// `externalTrafficPolicy: Local`: from outside only to endpoints of the node reached, unmasqueraded.
    pub external_local: bool,
}

/// One endpoint of a port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endpoint {
    /// Where it listens.
    pub addr: SocketAddrV4,
    /// The node it is on, if it is on one.
    pub node: Option<String>,
}

/// The rules that follow from what the store holds, all of them made anew;
/// [`Cluster::service_rules`](crate::Cluster::service_rules) keeps them from change to change.
#[must_use]
pub fn rules(store: &Store) -> Rules {
    let mut slices: BTreeMap<(&str, &str), Vec<&Object>> = BTreeMap::new();
    for slice in store.list("endpointslices.discovery.k8s.io", None) {
        let service = text(&slice["metadata"]["labels"]["kubernetes.io/service-name"]);
        if is_ipv4(slice) {
            slices
                .entry((namespace(slice), service))
                .or_default()
                .push(slice);
        }
    }
    let none = Vec::new();
    let services = store.list("services", None).flat_map(|service| {
        let slices = slices
            .get(&(namespace(service), name(service)))
            .unwrap_or(&none);
        service_ports(service, slices)
    });
    Rules {
        services: services.map(Arc::new).collect(),
    }
}

fn is_ipv4(slice: &Value) -> bool {
    slice["addressType"] == "IPv4"
}

fn service_ports(service: &Value, slices: &[&Object]) -> Vec<ServicePort> {
    let spec = &service["spec"];
    // Headless and ExternalName Services have no address, so no packet is ever sent to one.
    let Ok(cluster_ip) = text(&spec["clusterIP"]).parse::<Ipv4Addr>() else {
        return Vec::new();
    };
    if spec["type"] == "ExternalName" {
        return Vec::new();
    }
    let ingress = items(&service["status"]["loadBalancer"]["ingress"]);
    let rules = items(&spec["ports"]).iter().filter_map(|port| {
        let protocol = protocol(port)?;
        let port_name = text(&port["name"]);
        let (ready, leaving) = endpoints(slices, port_name, protocol);
        let is_ready = !ready.is_empty();
        let (endpoints, leaving) = match is_ready {
            true => (ready, leaving),
            false => (leaving, Vec::new()),
        };
        Some(ServicePort {
            namespace: namespace(service).to_owned(),
            service: name(service).to_owned(),
            port_name: port_name.to_owned(),
            protocol,
            cluster_ip,
            port: port_number(&port["port"])?,
            node_port: port_number(&port["nodePort"]).filter(|_| has_node_ports(spec)),
            external_ips: addresses(items(&spec["externalIPs"]).iter()),
            // A balancer in mode Proxy wants to see the traffic itself (KEP-1860).
            load_balancer_ips: addresses(
                ingress
                    .iter()
                    .filter(|ingress| ingress["ipMode"] != "Proxy")
                    .map(|ingress| &ingress["ip"]),
            ),
            balancers: ingress.iter().filter_map(balancer::of_ingress).collect(),
            endpoints,
            leaving,
            ready: is_ready,
            health_check_port: port_number(&spec["healthCheckNodePort"]),
            affinity: affinity(spec),
            internal_local: spec["internalTrafficPolicy"] == "Local",
            external_local: spec["externalTrafficPolicy"] == "Local",
        })
    });
    rules.collect()
}

fn has_node_ports(spec: &Value) -> bool {
    matches!(text(&spec["type"]), "NodePort" | "LoadBalancer")
}

/// Who is ready, and who still serves while it goes.
fn endpoints(
    slices: &[&Object],
    port_name: &str,
    wanted: Protocol,
) -> (Vec<Endpoint>, Vec<Endpoint>) {
    let mut ready = Vec::new();
    let mut leaving = Vec::new();
    for slice in slices {
        let port = items(&slice["ports"])
            .iter()
            .find(|port| text(&port["name"]) == port_name && protocol(port) == Some(wanted))
            .and_then(|port| port_number(&port["port"]));
        let Some(port) = port else { continue };
        for endpoint in items(&slice["endpoints"]) {
            let conditions = &endpoint["conditions"];
            let list = if conditions["ready"] != false {
                &mut ready
            } else if conditions["serving"] == true && conditions["terminating"] == true {
                &mut leaving
            } else {
                continue;
            };
            for addr in addresses(items(&endpoint["addresses"]).iter()) {
                let node = endpoint["nodeName"].as_str().map(str::to_owned);
                list.push(Endpoint {
                    addr: SocketAddrV4::new(addr, port),
                    node,
                });
            }
        }
    }
    for list in [&mut ready, &mut leaving] {
        list.sort();
        list.dedup();
    }
    (ready, leaving)
}

fn affinity(spec: &Value) -> Option<Duration> {
    let seconds = spec["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"].as_u64();
    (spec["sessionAffinity"] == "ClientIP").then(|| Duration::from_secs(seconds.unwrap_or(10_800)))
}

fn protocol(port: &Value) -> Option<Protocol> {
    match port["protocol"].as_str().unwrap_or("TCP") {
        "TCP" => Some(Protocol::Tcp),
        "UDP" => Some(Protocol::Udp),
        _ => None,
    }
}

fn port_number(value: &Value) -> Option<u16> {
    value
        .as_u64()
        .and_then(|number| u16::try_from(number).ok())
        .filter(|number| *number != 0)
}

fn addresses<'a>(values: impl Iterator<Item = &'a Value>) -> Vec<Ipv4Addr> {
    values
        .filter_map(|value| text(value).parse().ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn service(spec: Value) -> Value {
        json!({"metadata": {"namespace": "default", "name": "web"}, "spec": spec})
    }

    fn slice(endpoints: Value) -> Value {
        json!({
            "metadata": {"namespace": "default", "name": "web-x", "labels": {"kubernetes.io/service-name": "web"}},
            "addressType": "IPv4",
            "endpoints": endpoints,
            "ports": [{"name": "", "port": 80, "protocol": "TCP"}],
        })
    }

    fn endpoint(ip: &str, ready: bool, serving: bool, terminating: bool) -> Value {
        json!({
            "addresses": [ip],
            "conditions": {"ready": ready, "serving": serving, "terminating": terminating},
            "nodeName": "node-1",
        })
    }

    fn rules_of(spec: Value, endpoints: Value) -> Vec<Arc<ServicePort>> {
        let mut store = Store::default();
        store
            .create("services", service(spec))
            .expect("a fresh store takes it");
        store
            .create("endpointslices.discovery.k8s.io", slice(endpoints))
            .expect("a fresh store takes it");
        rules(&store).services
    }

    fn ips(rule: &ServicePort) -> Vec<String> {
        rule.endpoints
            .iter()
            .map(|endpoint| endpoint.addr.to_string())
            .collect()
    }

    fn cluster_ip() -> Value {
        json!({"clusterIP": "10.96.0.7", "type": "ClusterIP", "ports": [{"port": 8080, "targetPort": 80}]})
    }

    #[test]
    fn only_ready_endpoints_answer() {
        let rules = rules_of(
            cluster_ip(),
            json!([
                endpoint("10.244.0.3", true, true, false),
                endpoint("10.244.0.2", false, false, false),
                endpoint("10.244.0.4", false, true, true),
            ]),
        );
        assert_eq!(rules[0].port, 8080);
        assert_eq!(ips(&rules[0]), ["10.244.0.3:80"]);
    }

    #[test]
    fn the_terminating_ones_that_still_serve_answer_when_none_is_ready() {
        let rules = rules_of(
            cluster_ip(),
            json!([
                endpoint("10.244.0.2", false, false, true),
                endpoint("10.244.0.4", false, true, true)
            ]),
        );
        assert_eq!(ips(&rules[0]), ["10.244.0.4:80"]);
    }

    #[test]
    fn a_service_without_endpoints_keeps_its_rule_so_that_packets_are_rejected() {
        let rules = rules_of(cluster_ip(), Value::Null);
        assert_eq!((rules.len(), rules[0].endpoints.len()), (1, 0));
    }

    #[test]
    fn a_headless_service_has_no_rule() {
        assert_eq!(
            rules_of(
                json!({"clusterIP": "None", "ports": [{"port": 80}]}),
                json!([])
            ),
            []
        );
    }

    #[test]
    fn node_ports_policies_and_affinity_are_carried() {
        let spec = json!({
            "clusterIP": "10.96.0.7", "type": "NodePort", "sessionAffinity": "ClientIP",
            "externalTrafficPolicy": "Local", "externalIPs": ["192.168.1.9"],
            "ports": [{"port": 80, "nodePort": 30080, "protocol": "TCP"}],
        });
        let rule = rules_of(spec, json!([])).remove(0);
        assert_eq!(rule.node_port, Some(30080));
        assert_eq!(rule.affinity, Some(Duration::from_secs(10_800)));
        assert_eq!(rule.external_ips, [Ipv4Addr::new(192, 168, 1, 9)]);
        assert!(rule.external_local && !rule.internal_local);
    }
}
