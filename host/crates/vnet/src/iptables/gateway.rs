//! What a container engine's host does, as `dockerd` writes it. Never knows a container.

use super::{Draft, Match, Rule, Table, Target, one};
use crate::addr::Cidr;
use crate::gateway::{PortKind, Router};
use crate::net::LanId;
use std::net::Ipv4Addr;

const DOCKER: &str = "DOCKER";

impl Router {
    /// The tables of a machine between LANs; `range` knows their addresses.
    pub(super) fn iptables(&self, range: impl Fn(LanId) -> Cidr) -> Vec<Table> {
        let (mut nat, mut filter) = (Draft::nat(), Draft::filter());
        nat.chain(DOCKER);
        let local = || Rule::jump(DOCKER).when(Match::Local { source: false });
        nat.add("PREROUTING", local());
        let lo = Cidr::new(Ipv4Addr::new(127, 0, 0, 0), 8);
        nat.add("OUTPUT", local().not_towards(lo));
        for (private, public) in self.mapped() {
            let inward = Rule::to(Target::DnatAddress(private)).towards(one(public));
            nat.add("PREROUTING", inward);
            let outward = Rule::to(Target::SnatAddress(public)).from(one(private));
            nat.add("POSTROUTING", outward.outward(false, "eth0"));
        }
        let bridges = self
            .ports
            .iter()
            .any(|port| port.kind() == PortKind::Bridge);
        if bridges {
            filter.policy("FORWARD", "DROP");
        }
        for port in &self.ports {
            let (name, range) = (&*port.name, range(port.lan));
            let masquerade = Rule::to(Target::Masquerade { random: false })
                .from(range)
                .outward(true, name);
            match port.kind() {
                PortKind::Mapped => continue,
                PortKind::Bridge | PortKind::Open | PortKind::Hidden => {
                    nat.add("POSTROUTING", masquerade);
                }
            }
            let known = Rule::to(Target::Accept).outward(false, name);
            match port.kind() {
                PortKind::Bridge => {
                    filter.add("FORWARD", known.when(Match::Established));
                    filter.add("FORWARD", Rule::jump(DOCKER).outward(false, name));
                }
                _ => filter.add("FORWARD", known),
            }
            let out = Rule::to(Target::Accept).inward(false, name);
            filter.add("FORWARD", out.outward(true, name));
            let within = Rule::to(Target::Accept).inward(false, name);
            filter.add("FORWARD", within.outward(false, name));
        }
        self.write_published(&mut nat, &mut filter, range);
        vec![filter.finish(), nat.finish()]
    }

    /// Published ports; of several rules that differ in where they lead, chance takes one.
    fn write_published(&self, nat: &mut Draft, filter: &mut Draft, range: impl Fn(LanId) -> Cidr) {
        let rules: Vec<_> = self.published().collect();
        for (index, rule) in rules.iter().enumerate() {
            let same = |other: &&&crate::gateway::Published| {
                (other.proto, other.addr, other.port) == (rule.proto, rule.addr, rule.port)
            };
            let left = rules[index..].iter().filter(same).count();
            let mut dnat = Rule::to(Target::Dnat(rule.to)).proto(rule.proto);
            if !rule.addr.is_unspecified() {
                dnat = dnat.towards(one(rule.addr));
            }
            dnat = dnat.port(rule.port);
            if left > 1 {
                dnat = dnat.when(Match::OneIn(left));
            }
            nat.add(DOCKER, dnat);
            let to = *rule.to.ip();
            let port = self.ports.iter().find(|port| range(port.lan).contains(to));
            if let Some(port) = port.filter(|port| port.kind() == PortKind::Bridge) {
                let pass = Rule::to(Target::Accept)
                    .towards(one(to))
                    .inward(true, &port.name)
                    .outward(false, &port.name)
                    .proto(rule.proto)
                    .port(rule.to.port());
                filter.add(DOCKER, pass);
            }
        }
    }
}
