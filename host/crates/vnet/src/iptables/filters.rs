//! Filters of a node's machines as a policy engine would write them: a chain for each machine and
//! direction, one for each chain of the network, sets of addresses by name. Never judges.

use super::{Draft, Match, Rule, Target, hash, one};
use crate::host::{Host, Node};
use crate::net::Net;
use crate::policy::{Allow, Chain, Peer, Ports, Side};
use std::collections::BTreeSet;

/// The mark of what some chain let through.
const ALLOWED: u32 = 0x1_0000;
const ALL: &str = "KUBE-POD-FIREWALL";

/// The short name under which a set is matched.
fn set(name: &str) -> String {
    format!("KUBE-SET-{}", hash(&[name]))
}

fn chain(side: Side, name: &str) -> String {
    let side = match side {
        Side::Ingress => "IN",
        Side::Egress => "OUT",
    };
    format!("KUBE-NP-{side}-{}", hash(&[name]))
}

impl Net {
    /// Writes what this node judges into its `filter` table.
    pub(super) fn filter_rules(&self, node: &Node, filter: &mut Draft) {
        let pods = node.pods.values().filter_map(|pod| self.host(*pod));
        let mut used = BTreeSet::new();
        for pod in pods {
            for (side, chains) in [
                (Side::Egress, &pod.filter.egress),
                (Side::Ingress, &pod.filter.ingress),
            ] {
                if let Some(chains) = chains {
                    machine(pod, side, chains, filter);
                    used.extend(chains.iter().map(|name| (side, name)));
                }
            }
        }
        if used.is_empty() {
            return;
        }
        let new = Rule::jump(ALL)
            .when(Match::New)
            .comment("policies of this node's pods");
        filter.add("FORWARD", new);
        for (side, name) in used {
            filter.chain(&chain(side, name));
            if let Some(rules) = self.fabric(node.fabric).filters.chains.get(name) {
                allow(side, name, rules, filter);
            }
        }
    }
}

/// A machine's own chain for one direction.
fn machine(pod: &Host, side: Side, chains: &[String], filter: &mut Draft) {
    let (word, name) = match side {
        Side::Ingress => ("ingress to", "IN"),
        Side::Egress => ("egress from", "OUT"),
    };
    let own = format!("KUBE-FW-{name}-{}", hash(&[&pod.addr.to_string()]));
    let enter = Rule::jump(&own).comment(format!("{word} {}", pod.name));
    let ends = |rule: Rule| match side {
        Side::Ingress => rule.towards(one(pod.addr)),
        Side::Egress => rule.from(one(pod.addr)),
    };
    filter.add(ALL, ends(enter));
    let itself = Rule::to(Target::Return)
        .from(one(pod.addr))
        .towards(one(pod.addr));
    filter.add(&own, itself.comment("a pod reaches itself"));
    let node = Rule::to(Target::Return)
        .comment("a pod and its node reach each other")
        .when(Match::Local {
            source: side == Side::Ingress,
        });
    filter.add(&own, node);
    for name in chains {
        filter.add(&own, Rule::jump(&chain(side, name)).comment(name));
    }
    let nobody = Rule::to(Target::Drop)
        .comment(format!("{word} {} not allowed", pod.name))
        .when(Match::Marked(ALLOWED, false));
    filter.add(&own, nobody);
    filter.add(&own, Rule::to(Target::Mark(ALLOWED, false)));
}

/// What one chain of the network lets through.
fn allow(side: Side, name: &str, rules: &Chain, filter: &mut Draft) {
    let into = chain(side, name);
    let allows = match side {
        Side::Ingress => &rules.ingress,
        Side::Egress => &rules.egress,
    };
    for allow in allows {
        for rule in one_rule(side, allow) {
            filter.add(&into, rule);
        }
    }
}

/// A rule for each peer and port.
fn one_rule(side: Side, allow: &Allow) -> Vec<Rule> {
    let peers: Vec<Option<&Peer>> = match &allow.peers {
        None => vec![None],
        Some(peers) => peers.iter().map(Some).collect(),
    };
    let ports: Vec<Option<&Ports>> = match &allow.ports {
        None => vec![None],
        Some(ports) => ports.iter().map(Some).collect(),
    };
    let pairs = peers
        .iter()
        .flat_map(|peer| ports.iter().map(|port| (*peer, *port)));
    pairs
        .map(|(peer, port)| with_port(with_peer(side, peer), port))
        .collect()
}

fn with_peer(side: Side, peer: Option<&Peer>) -> Rule {
    let rule = Rule::to(Target::Mark(ALLOWED, true));
    let (word, which) = match side {
        Side::Ingress => ("from", "src"),
        Side::Egress => ("to", "dst"),
    };
    match peer {
        None => rule,
        Some(Peer::Set(name)) => rule
            .comment(format!("{word} {name}"))
            .when(Match::Set(set(name), which)),
        Some(Peer::Range { range, except }) if except.is_empty() => match side {
            Side::Ingress => rule.from(*range),
            Side::Egress => rule.towards(*range),
        },
        // A set with entries that do not match, as ipset has them.
        Some(Peer::Range { range, except }) => {
            let except: Vec<String> = except.iter().map(ToString::to_string).collect();
            let name = format!("{range} except {}", except.join(","));
            rule.comment(format!("{word} {name}"))
                .when(Match::Set(set(&name), which))
        }
    }
}

fn with_port(rule: Rule, port: Option<&Ports>) -> Rule {
    match port {
        None => rule,
        Some(Ports::All(proto)) => rule.proto(*proto),
        Some(Ports::Range(proto, first, last)) => {
            rule.proto(*proto).when(Match::Ports(Some((*first, *last))))
        }
        Some(Ports::Named(proto, name)) => rule
            .proto(*proto)
            .comment(name)
            .when(Match::Set(set(name), "dst,dst")),
    }
}
