//! Addresses and node ports of Services: which are free, which are taken. Never programs a rule.

use super::status::Failure;
use crate::kind::look::{int, list, text};
use crate::kind::{Findings, by_key, is_external, items_mut, validate_addresses, wants_node_ports};
use crate::store::{Store, name_of, namespace_of};
use clock::Stream;
use rand::RngExt;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

/// The ports nodes keep for Services.
const NODE_PORTS: std::ops::RangeInclusive<i64> = 30_000..=32_767;
/// The lower part of the range is left to those who choose a port themselves.
const FIRST_DRAWN_PORT: i64 = 30_086;

/// Where Services get their addresses.
#[derive(Debug)]
pub(super) struct Addresses {
    network: u32,
    size: u32,
    draws: Stream,
}

impl Addresses {
    /// Addresses out of a network with this prefix length.
    pub(super) fn new((network, prefix): (Ipv4Addr, u8), draws: Stream) -> Self {
        let size = 1_u32
            .checked_shl(32 - u32::from(prefix.clamp(8, 30)))
            .unwrap_or(u32::MAX);
        Self {
            network: u32::from(network) & !(size - 1),
            size,
            draws,
        }
    }

    /// Gives a Service what it wants and has not: an address, ports on the nodes.
    pub(super) fn allocate(&mut self, store: &Store, service: &mut Value) -> Result<(), Failure> {
        let mut found = Findings::default();
        check_families(service, &mut found);
        if found.0.is_empty() {
            self.give_address(store, service, &mut found);
        }
        if found.0.is_empty() {
            self.give_node_ports(store, service, &mut found);
        }
        if found.0.is_empty() {
            return Ok(());
        }
        let kind = by_key("services").expect("services are a kind");
        Err(Failure::invalid(kind.names(), name_of(service), &found.0))
    }

    fn give_address(&mut self, store: &Store, service: &mut Value, found: &mut Findings) {
        if text(service, "/spec/type") == "ExternalName" {
            return;
        }
        let taken: BTreeSet<u32> = others(store, service)
            .filter_map(|other| text(other, "/spec/clusterIP").parse::<Ipv4Addr>().ok())
            .map(u32::from)
            .collect();
        let wanted = text(service, "/spec/clusterIP").to_owned();
        let address = match wanted.as_str() {
            "None" => wanted,
            "" => match self.draw(&taken) {
                // The address is written down for a Service, which must have a name.
                Some(address) if name_of(service).is_empty() => {
                    let why = "spec.parentRef.name: Required value";
                    let why = format!(
                        "failed to allocate IP: IPAddress.networking.k8s.io \"{address}\" is invalid: {why}"
                    );
                    return found.invalid("spec.clusterIPs", &json!([""]), why);
                }
                Some(address) => address.to_string(),
                None => return refuse(found, "", "failed to allocate IP: range is full"),
            },
            _ => match self.check(&wanted, &taken) {
                Ok(()) => wanted,
                Err(why) => return refuse(found, &wanted, &why),
            },
        };
        if list(service, "/spec/clusterIPs").is_empty() {
            service["spec"]["clusterIPs"] = json!([address]);
        }
        service["spec"]["clusterIP"] = address.into();
    }

    fn check(&self, wanted: &str, taken: &BTreeSet<u32>) -> Result<(), String> {
        let refused = |why: &str| Err(format!("failed to allocate IP {wanted}: {why}"));
        let Ok(address) = wanted.parse::<Ipv4Addr>().map(u32::from) else {
            return Err("must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)".to_owned());
        };
        // The first address names the network, the last is broadcast.
        if address <= self.network || address >= self.network + (self.size - 1) {
            return refused("the provided network does not match the current range");
        }
        if taken.contains(&address) {
            return refused("provided IP is already allocated");
        }
        Ok(())
    }

    /// A free address out of the upper part; the lower is left to those who choose.
    fn draw(&mut self, taken: &BTreeSet<u32>) -> Option<Ipv4Addr> {
        let last = self.size - 1;
        let band = (self.size / 16).clamp(16, 256).min(last);
        for range in [band..last, 1..band] {
            if range.is_empty() {
                continue;
            }
            let width = range.end - range.start;
            let start = self.draws.random_range(0..width);
            // From a random place on, the first that is free.
            let mut offsets = (0..width).map(|step| range.start + (start + step) % width);
            if let Some(offset) = offsets.find(|offset| !taken.contains(&(self.network + offset))) {
                return Some(Ipv4Addr::from(self.network + offset));
            }
        }
        None
    }

    fn give_node_ports(&mut self, store: &Store, service: &mut Value, found: &mut Findings) {
        if !on_nodes(service) {
            return;
        }
        let taken = taken_ports(store, service);
        let mut own = BTreeSet::new();
        for (index, port) in list(service, "/spec/ports").iter().enumerate() {
            let Some(number) = int(port, "/nodePort").filter(|port| *port != 0) else {
                continue;
            };
            let field = format!("spec.ports[{index}].nodePort");
            if !NODE_PORTS.contains(&number) {
                let detail = "provided port is not in the valid range. The range of valid ports is 30000-32767";
                found.invalid(field, &number.into(), detail);
            } else if taken.contains(&number) || !own.insert((text(port, "/protocol"), number)) {
                found.invalid(field, &number.into(), "provided port is already allocated");
            }
        }
        if found.0.is_empty() && wants_node_ports(service) {
            self.draw_node_ports(service, &taken);
        }
        if found.0.is_empty() {
            self.give_health_port(service, taken, found);
        }
    }

    /// The same port of two protocols gets the same port on the nodes.
    fn draw_node_ports(&mut self, service: &mut Value, taken: &BTreeSet<i64>) {
        let given = |port: &Value| int(port, "/nodePort").filter(|number| *number != 0);
        for index in 0..list(service, "/spec/ports").len() {
            let ports = list(service, "/spec/ports");
            let port = &ports[index];
            if given(port).is_some() {
                continue;
            }
            let twins = ports.iter().filter(|other| {
                other["port"] == port["port"] && other["protocol"] != port["protocol"]
            });
            let twin = twins.filter_map(given).find(|number| {
                let same = |other: &&Value| {
                    given(other) == Some(*number) && other["protocol"] == port["protocol"]
                };
                !ports.iter().any(|other| same(&other))
            });
            let own: BTreeSet<i64> = ports.iter().filter_map(given).collect();
            let free = |number| !taken.contains(&number) && !own.contains(&number);
            let Some(number) = twin.or_else(|| self.draw_port(free)) else {
                return;
            };
            service["spec"]["ports"][index]["nodePort"] = number.into();
        }
    }

    fn give_health_port(
        &mut self,
        service: &mut Value,
        mut taken: BTreeSet<i64>,
        found: &mut Findings,
    ) {
        let local = text(service, "/spec/externalTrafficPolicy") == "Local";
        if !local || text(service, "/spec/type") != "LoadBalancer" {
            return;
        }
        taken.extend(node_ports(service));
        match int(service, "/spec/healthCheckNodePort").unwrap_or(0) {
            0 => {
                if let Some(number) = self.draw_port(|number| !taken.contains(&number)) {
                    service["spec"]["healthCheckNodePort"] = number.into();
                }
            }
            number if taken.contains(&number) || !NODE_PORTS.contains(&number) => {
                let why = match NODE_PORTS.contains(&number) {
                    true => "provided port is already allocated",
                    false => {
                        "provided port is not in the valid range. The range of valid ports is 30000-32767"
                    }
                };
                let detail =
                    format!("failed to allocate requested HealthCheck NodePort {number}: {why}");
                found.invalid("spec.healthCheckNodePort", &number.into(), detail);
            }
            _ => {}
        }
    }

    fn draw_port(&mut self, free: impl Fn(i64) -> bool) -> Option<i64> {
        for range in [
            FIRST_DRAWN_PORT..*NODE_PORTS.end() + 1,
            *NODE_PORTS.start()..FIRST_DRAWN_PORT,
        ] {
            let width = range.end - range.start;
            let start = self.draws.random_range(0..width);
            let mut numbers = (0..width).map(|step| range.start + (start + step) % width);
            if let Some(number) = numbers.find(|number| free(*number)) {
                return Some(number);
            }
        }
        None
    }
}

/// What is said before anything is allocated: families that this cluster has not.
fn check_families(service: &Value, found: &mut Findings) {
    let spec = &service["spec"];
    let kind = text(spec, "/type");
    validate_addresses(spec, found);
    let selects = spec["selector"]
        .as_object()
        .is_some_and(|map| !map.is_empty());
    let anything = text(spec, "/clusterIP") == "None" && !selects;
    if kind == "ExternalName" || anything || !found.0.is_empty() {
        return;
    }
    let policy = &spec["ipFamilyPolicy"];
    if policy == "RequireDualStack" {
        let detail = "this cluster is not configured for dual-stack services";
        found.invalid("spec.ipFamilyPolicy", policy, detail);
    }
    for (index, family) in list(spec, "/ipFamilies").iter().enumerate() {
        if family != "IPv4" {
            let field = format!("spec.ipFamilies[{index}]");
            found.invalid(field, family, "not configured on this cluster");
        }
    }
}

fn refuse(found: &mut Findings, wanted: &str, why: &str) {
    found.invalid("spec.clusterIPs", &json!([wanted]), why);
}

/// Every other Service; one of the same name that is another object counts, too.
fn others<'a>(store: &'a Store, service: &Value) -> impl Iterator<Item = &'a Value> {
    let own = (
        namespace_of(service).to_owned(),
        name_of(service).to_owned(),
    );
    let uid = text(service, "/metadata/uid").to_owned();
    let all = store.list("services", None).map(|other| &**other);
    all.filter(move |other| {
        let metadata = &other["metadata"];
        let named = metadata["name"] == own.1.as_str() && metadata["namespace"] == own.0.as_str();
        !named || !uid.is_empty() && uid != text(other, "/metadata/uid")
    })
}

/// The ports of the nodes that belong to others, whatever the protocol.
fn taken_ports(store: &Store, service: &Value) -> BTreeSet<i64> {
    let mut taken = BTreeSet::new();
    for other in others(store, service) {
        taken.extend(node_ports(other));
        taken.extend(int(other, "/spec/healthCheckNodePort"));
    }
    taken
}

fn node_ports(service: &Value) -> impl Iterator<Item = i64> {
    let ports = list(service, "/spec/ports").iter();
    let numbers = ports.filter_map(|port| int(port, "/nodePort"));
    numbers.filter(|number| *number != 0)
}

fn on_nodes(service: &Value) -> bool {
    matches!(text(service, "/spec/type"), "NodePort" | "LoadBalancer")
}

/// Carries over what the old Service was given and the new one does not mention, and drops what
/// the new type has no use for and the writer did not change.
pub(super) fn carry_over(new: &mut Value, old: &Value) {
    keep_address(new, old);
    if on_nodes(old) && on_nodes(new) {
        keep_node_ports(new, old);
    }
    let health = |service: &Value| {
        text(service, "/spec/type") == "LoadBalancer"
            && text(service, "/spec/externalTrafficPolicy") == "Local"
    };
    if health(old) && health(new) && int(new, "/spec/healthCheckNodePort").unwrap_or(0) == 0 {
        new["spec"]["healthCheckNodePort"] = old["spec"]["healthCheckNodePort"].clone();
    }
    if on_nodes(old) && !on_nodes(new) {
        let before: BTreeSet<i64> = node_ports(old).collect();
        if node_ports(new).all(|number| before.contains(&number)) {
            items_mut(&mut new["spec"], "ports").for_each(|port| remove(port, "nodePort"));
        }
    }
    if health(old) && !health(new) {
        drop_unchanged(new, old, &["healthCheckNodePort"]);
    }
    let balanced = |service: &Value| text(service, "/spec/type") == "LoadBalancer";
    if balanced(old) && !balanced(new) {
        drop_unchanged(
            new,
            old,
            &["allocateLoadBalancerNodePorts", "loadBalancerClass"],
        );
        new["status"]["loadBalancer"] = json!({});
    }
    if is_external(&old["spec"]) && !is_external(&new["spec"]) {
        drop_unchanged(new, old, &["externalTrafficPolicy"]);
    }
}

/// `clusterIP` and the first of `clusterIPs` are one; whoever changes one means both.
fn keep_address(new: &mut Value, old: &Value) {
    let has_address = |service: &Value| text(service, "/spec/type") != "ExternalName";
    let same = |new: &Value, field: &str| new["spec"].get(field) == old["spec"].get(field);
    if text(new, "/spec/clusterIP").is_empty()
        && !text(old, "/spec/clusterIP").is_empty()
        && !has_address(new)
        && same(new, "clusterIPs")
    {
        remove(&mut new["spec"], "clusterIPs");
    }
    if has_address(old) && has_address(new) {
        if text(new, "/spec/clusterIP").is_empty() {
            new["spec"]["clusterIP"] = old["spec"]["clusterIP"].clone();
        }
        let same_address = same(new, "clusterIP");
        if same_address && list(new, "/spec/clusterIPs").is_empty() {
            new["spec"]["clusterIPs"] = old["spec"]["clusterIPs"].clone();
        } else if !same_address && same(new, "clusterIPs") {
            new["spec"]["clusterIPs"] = json!([new["spec"]["clusterIP"]]);
        }
    }
    if has_address(old) && !has_address(new) {
        if same(new, "clusterIPs") {
            drop_unchanged(new, old, &["clusterIP", "clusterIPs"]);
        }
        drop_unchanged(new, old, &["ipFamilies", "ipFamilyPolicy"]);
    }
}

fn drop_unchanged(new: &mut Value, old: &Value, fields: &[&str]) {
    for field in fields {
        if new["spec"].get(field) == old["spec"].get(field) {
            remove(&mut new["spec"], field);
        }
    }
}

fn keep_node_ports(new: &mut Value, old: &Value) {
    let before: BTreeSet<i64> = node_ports(old).collect();
    let mut used: BTreeSet<i64> = node_ports(new).filter(|n| before.contains(n)).collect();
    for port in items_mut(&mut new["spec"], "ports") {
        if int(port, "/nodePort").is_some_and(|number| number != 0) {
            continue;
        }
        let name = text(port, "/name").to_owned();
        // Of several with one name the last counts.
        let named = list(old, "/spec/ports")
            .iter()
            .rfind(|old| text(old, "/name") == name);
        let number = named.and_then(|old| int(old, "/nodePort")).unwrap_or(0);
        if number != 0 && used.insert(number) {
            port["nodePort"] = number.into();
        }
    }
}

fn remove(object: &mut Value, field: &str) {
    if let Some(fields) = object.as_object_mut() {
        fields.remove(field);
    }
}
