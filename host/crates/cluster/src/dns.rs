//! Services, EndpointSlices and pods become plain DNS records, as CoreDNS's kubernetes plugin has them.
//!
//! Names are lower case, fully qualified and without the last dot. Never reads a query.

use crate::balancer;
use crate::controller::meta::{items, name, namespace, text};
use crate::store::{Object, Store};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// The cluster's domain.
pub const DOMAIN: &str = "cluster.local";

/// What the cluster's DNS knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    /// The domain it is the authority for.
    pub domain: String,
    /// Addresses by name; a name with an empty list exists without an address.
    pub a: BTreeMap<String, Vec<Ipv4Addr>>,
    /// Ports by name (`_http._tcp.web.default.svc.cluster.local`).
    pub srv: BTreeMap<String, Vec<Srv>>,
    /// Names by address.
    pub ptr: BTreeMap<Ipv4Addr, Vec<String>>,
    /// Other names by name, for ExternalName Services.
    pub cname: BTreeMap<String, String>,
    /// Names of load balancers, which a cloud's own servers would answer.
    pub balancers: BTreeMap<String, Vec<Ipv4Addr>>,
    /// Domains below which a Pod's address with dashes is its name, one for each namespace:
    /// `pods insecure` of kubeadm's Corefile, which looks at the namespace only.
    pub pods: BTreeSet<String>,
}

/// One answer to an SRV question.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Srv {
    /// The port.
    pub port: u16,
    /// The name that has the address.
    pub target: String,
}

/// The records that follow from what the store holds.
#[must_use]
pub fn records(store: &Store) -> Records {
    let mut records = Records {
        domain: DOMAIN.to_owned(),
        ..Records::default()
    };
    records
        .a
        .insert(format!("dns-version.{DOMAIN}"), Vec::new());
    let mut slices: BTreeMap<(&str, &str), Vec<&Object>> = BTreeMap::new();
    for slice in store.list("endpointslices.discovery.k8s.io", None) {
        let service = text(&slice["metadata"]["labels"]["kubernetes.io/service-name"]);
        slices
            .entry((namespace(slice), service))
            .or_default()
            .push(slice);
    }
    let none = Vec::new();
    for service in store.list("services", None) {
        let slices = slices
            .get(&(namespace(service), name(service)))
            .unwrap_or(&none);
        records.add_service(service, slices);
        for ingress in items(&service["status"]["loadBalancer"]["ingress"]) {
            let name = text(&ingress["hostname"]).to_ascii_lowercase();
            let addr = balancer::address(&name);
            records
                .balancers
                .extend(addr.map(|addr| (name, vec![addr])));
        }
    }
    for space in store.list("namespaces", None) {
        records
            .a
            .entry(format!("{}.svc.{DOMAIN}", name(space)))
            .or_default();
        let pods = format!("{}.pod.{DOMAIN}", name(space));
        records.pods.insert(pods);
    }
    records.tidy();
    records
}

impl Records {
    fn add_service(&mut self, service: &Value, slices: &[&Object]) {
        let spec = &service["spec"];
        let full = format!("{}.{}.svc.{DOMAIN}", name(service), namespace(service));
        if spec["type"] == "ExternalName" {
            let target = text(&spec["externalName"])
                .trim_end_matches('.')
                .to_ascii_lowercase();
            self.cname.insert(full, target);
        } else if let Ok(addr) = text(&spec["clusterIP"]).parse() {
            self.add_cluster_ip(&full, spec, addr);
        } else if spec["clusterIP"] == "None" {
            self.add_headless(&full, slices);
        }
    }

    fn add_cluster_ip(&mut self, full: &str, spec: &Value, addr: Ipv4Addr) {
        self.a.entry(full.to_owned()).or_default().push(addr);
        self.ptr.entry(addr).or_default().push(full.to_owned());
        for port in items(&spec["ports"]) {
            self.add_srv(full, port, full);
        }
    }

    fn add_headless(&mut self, full: &str, slices: &[&Object]) {
        for slice in slices {
            for endpoint in items(&slice["endpoints"]) {
                if endpoint["conditions"]["ready"] == false {
                    continue;
                }
                for addr in items(&endpoint["addresses"])
                    .iter()
                    .filter_map(|addr| text(addr).parse::<Ipv4Addr>().ok())
                {
                    self.add_endpoint(full, slice, endpoint, addr);
                }
            }
        }
    }

    fn add_endpoint(&mut self, full: &str, slice: &Value, endpoint: &Value, addr: Ipv4Addr) {
        // An endpoint without a hostname is known by its address with dashes.
        let label = endpoint["hostname"]
            .as_str()
            .map_or_else(|| addr.to_string().replace('.', "-"), str::to_owned);
        let own = format!("{label}.{full}");
        self.a.entry(full.to_owned()).or_default().push(addr);
        self.a.entry(own.clone()).or_default().push(addr);
        self.ptr.entry(addr).or_default().push(own.clone());
        for port in items(&slice["ports"]) {
            self.add_srv(full, port, &own);
        }
    }

    fn add_srv(&mut self, full: &str, port: &Value, target: &str) {
        let (name, number) = (
            text(&port["name"]),
            port["port"]
                .as_u64()
                .and_then(|port| u16::try_from(port).ok()),
        );
        let Some(port_number) = number.filter(|_| !name.is_empty()) else {
            return;
        };
        let protocol = port["protocol"]
            .as_str()
            .unwrap_or("TCP")
            .to_ascii_lowercase();
        let question = format!("_{name}._{protocol}.{full}");
        let answer = Srv {
            port: port_number,
            target: target.to_owned(),
        };
        self.srv.entry(question).or_default().push(answer);
    }

    fn tidy(&mut self) {
        for list in self.a.values_mut() {
            list.sort();
            list.dedup();
        }
        for list in self.srv.values_mut() {
            list.sort();
            list.dedup();
        }
        for list in self.ptr.values_mut() {
            list.sort();
            list.dedup();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn with(services: Vec<Value>, slices: Vec<Value>) -> Records {
        let mut store = Store::default();
        for service in services {
            store
                .create("services", service)
                .expect("a fresh store takes it");
        }
        for slice in slices {
            store
                .create("endpointslices.discovery.k8s.io", slice)
                .expect("a fresh store takes it");
        }
        records(&store)
    }

    #[test]
    fn a_service_is_found_by_name_by_port_and_by_address() {
        let service = json!({
            "metadata": {"namespace": "default", "name": "web"},
            "spec": {"clusterIP": "10.96.0.7", "ports": [{"name": "http", "port": 80, "protocol": "TCP"}]},
        });
        let records = with(vec![service], vec![]);
        let full = "web.default.svc.cluster.local";
        assert_eq!(records.a[full], [Ipv4Addr::new(10, 96, 0, 7)]);
        assert_eq!(
            records.srv[&format!("_http._tcp.{full}")],
            [Srv {
                port: 80,
                target: full.into()
            }]
        );
        assert_eq!(records.ptr[&Ipv4Addr::new(10, 96, 0, 7)], [full]);
    }

    #[test]
    fn a_headless_service_answers_with_its_ready_endpoints_and_their_own_names() {
        let service = json!({
            "metadata": {"namespace": "default", "name": "db"},
            "spec": {"clusterIP": "None", "ports": [{"name": "sql", "port": 5432}]},
        });
        let slice = json!({
            "metadata": {"namespace": "default", "name": "db-x", "labels": {"kubernetes.io/service-name": "db"}},
            "endpoints": [
                {"addresses": ["10.244.1.5"], "conditions": {"ready": true}, "hostname": "db-0"},
                {"addresses": ["10.244.1.6"], "conditions": {"ready": true}},
                {"addresses": ["10.244.1.7"], "conditions": {"ready": false}},
            ],
            "ports": [{"name": "sql", "port": 5432, "protocol": "TCP"}],
        });
        let records = with(vec![service], vec![slice]);
        let full = "db.default.svc.cluster.local";
        assert_eq!(
            records.a[full],
            [Ipv4Addr::new(10, 244, 1, 5), Ipv4Addr::new(10, 244, 1, 6)]
        );
        assert_eq!(
            records.a[&format!("db-0.{full}")],
            [Ipv4Addr::new(10, 244, 1, 5)]
        );
        assert_eq!(
            records.a[&format!("10-244-1-6.{full}")],
            [Ipv4Addr::new(10, 244, 1, 6)]
        );
        assert_eq!(records.srv[&format!("_sql._tcp.{full}")].len(), 2);
        assert_eq!(
            records.ptr[&Ipv4Addr::new(10, 244, 1, 5)],
            [format!("db-0.{full}")]
        );
    }

    #[test]
    fn an_external_name_is_another_name() {
        let service = json!({
            "metadata": {"namespace": "default", "name": "out"},
            "spec": {"type": "ExternalName", "externalName": "Example.org."},
        });
        let records = with(vec![service], vec![]);
        assert_eq!(
            records.cname["out.default.svc.cluster.local"],
            "example.org"
        );
        assert!(!records.a.contains_key("out.default.svc.cluster.local"));
    }
}
