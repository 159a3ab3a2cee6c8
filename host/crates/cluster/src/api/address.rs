//! Addresses and node ports of Services: which are free, which are taken. Never programs a rule.

use super::status::Failure;
use crate::kind::look::{int, list, text};
use crate::kind::{Findings, by_key, items_mut, wants_node_ports};
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
        self.give_address(store, service, &mut found);
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
                Some(address) => address.to_string(),
                None => return refuse(found, "", "failed to allocate IP: range is full"),
            },
            _ => match self.check(&wanted, &taken) {
                Ok(()) => wanted,
                Err(why) => return refuse(found, &wanted, &why),
            },
        };
        service["spec"]["clusterIPs"] = json!([address]);
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
        if text(service, "/spec/type") == "LoadBalancer"
            || text(service, "/spec/type") == "NodePort"
        {
            let mut taken = taken_ports(store, service);
            for (index, port) in list(service, "/spec/ports").iter().enumerate() {
                let Some(number) = int(port, "/nodePort").filter(|port| *port != 0) else {
                    continue;
                };
                let field = format!("spec.ports[{index}].nodePort");
                let protocol = text(port, "/protocol").to_owned();
                if !NODE_PORTS.contains(&number) {
                    let detail = "provided port is not in the valid range. The range of valid ports is 30000-32767";
                    found.invalid(field, &number.into(), detail);
                } else if !taken.insert((protocol, number)) {
                    found.invalid(field, &number.into(), "provided port is already allocated");
                }
            }
            if found.0.is_empty() && wants_node_ports(service) {
                self.draw_node_ports(service, &mut taken);
            }
            self.give_health_port(service, &taken);
        }
    }

    fn draw_node_ports(&mut self, service: &mut Value, taken: &mut BTreeSet<(String, i64)>) {
        for port in items_mut(&mut service["spec"], "ports") {
            if int(port, "/nodePort").is_some_and(|port| port != 0) {
                continue;
            }
            let protocol = text(port, "/protocol").to_owned();
            if let Some(number) =
                self.draw_port(|number| !taken.contains(&(protocol.clone(), number)))
            {
                taken.insert((protocol, number));
                port["nodePort"] = number.into();
            }
        }
    }

    fn give_health_port(&mut self, service: &mut Value, taken: &BTreeSet<(String, i64)>) {
        let local = text(service, "/spec/externalTrafficPolicy") == "Local";
        let wanted = local && text(service, "/spec/type") == "LoadBalancer";
        if wanted && int(service, "/spec/healthCheckNodePort").is_none() {
            let free = |number| !taken.contains(&("TCP".to_owned(), number));
            if let Some(number) = self.draw_port(free) {
                service["spec"]["healthCheckNodePort"] = number.into();
            }
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

fn refuse(found: &mut Findings, wanted: &str, why: &str) {
    found.invalid("spec.clusterIPs", &json!([wanted]), why);
}

fn others<'a>(store: &'a Store, service: &Value) -> impl Iterator<Item = &'a Value> {
    let own = (
        namespace_of(service).to_owned(),
        name_of(service).to_owned(),
    );
    let all = store.list("services", None).map(|other| &**other);
    all.filter(move |other| {
        (namespace_of(other), name_of(other)) != (own.0.as_str(), own.1.as_str())
    })
}

fn taken_ports(store: &Store, service: &Value) -> BTreeSet<(String, i64)> {
    let mut taken = BTreeSet::new();
    for other in others(store, service) {
        for port in list(other, "/spec/ports") {
            let number = int(port, "/nodePort").unwrap_or(0);
            taken.insert((text(port, "/protocol").to_owned(), number));
        }
        let health = int(other, "/spec/healthCheckNodePort").unwrap_or(0);
        taken.insert(("TCP".to_owned(), health));
    }
    taken
}

/// Carries over what the old Service was given and the new one does not mention, and drops what
/// the new type has no use for.
pub(super) fn carry_over(new: &mut Value, old: &Value) {
    let type_of = |service: &Value| text(service, "/spec/type").to_owned();
    let (is, was) = (type_of(new), type_of(old));
    let external = "ExternalName";
    if is != external && was != external && text(new, "/spec/clusterIP").is_empty() {
        new["spec"]["clusterIP"] = old["spec"]["clusterIP"].clone();
    }
    if is == external && was != external && new["spec"]["clusterIP"] == old["spec"]["clusterIP"] {
        for field in [
            "clusterIP",
            "clusterIPs",
            "ipFamilies",
            "ipFamilyPolicy",
            "internalTrafficPolicy",
        ] {
            remove(&mut new["spec"], field);
        }
    }
    let on_nodes = |type_: &str| matches!(type_, "NodePort" | "LoadBalancer");
    match (on_nodes(&was), on_nodes(&is)) {
        (true, true) => keep_node_ports(new, old),
        (true, false) => {
            for port in items_mut(&mut new["spec"], "ports") {
                if list(old, "/spec/ports")
                    .iter()
                    .any(|old| old["nodePort"] == port["nodePort"])
                {
                    remove(port, "nodePort");
                }
            }
            for field in ["externalTrafficPolicy", "healthCheckNodePort"] {
                if new["spec"].get(field) == old["spec"].get(field) {
                    remove(&mut new["spec"], field);
                }
            }
        }
        _ => {}
    }
    if was == "LoadBalancer" && is != "LoadBalancer" {
        remove(&mut new["spec"], "allocateLoadBalancerNodePorts");
        new["status"]["loadBalancer"] = json!({});
    }
}

fn keep_node_ports(new: &mut Value, old: &Value) {
    let used: BTreeSet<i64> = list(new, "/spec/ports")
        .iter()
        .filter_map(|port| int(port, "/nodePort"))
        .collect();
    for port in items_mut(&mut new["spec"], "ports") {
        if int(port, "/nodePort").is_some_and(|number| number != 0) {
            continue;
        }
        let name = text(port, "/name").to_owned();
        let before = list(old, "/spec/ports")
            .iter()
            .find(|old| text(old, "/name") == name);
        let number = before.and_then(|old| int(old, "/nodePort")).unwrap_or(0);
        if number != 0 && !used.contains(&number) {
            port["nodePort"] = number.into();
        }
    }
}

fn remove(object: &mut Value, field: &str) {
    if let Some(fields) = object.as_object_mut() {
        fields.remove(field);
    }
}
