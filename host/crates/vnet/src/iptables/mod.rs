//! A machine's rules in iptables' words: what its hooks do, as `iptables-save` and `iptables -L -n`
//! would print it if kube-proxy, a policy engine or `dockerd` had programmed them.
//!
//! A view, worked out when somebody looks; the hooks themselves ask their own tables, and a test
//! keeps the two together. Packets are not counted, so every counter is zero. Chains of Services
//! are named as kube-proxy names them (`pkg/proxy/iptables`), hashes and all.
//!
//! Reading order: this file (values), `text` (how they print), `services`, `filters`, `gateway`.

mod filters;
mod gateway;
mod services;
mod text;

use crate::addr::Cidr;
use crate::net::{HostId, Net};
use crate::socket::Proto;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::net::SocketAddrV4;

/// One table of a machine's packet filter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// `nat` or `filter`.
    pub name: &'static str,
    /// The built-in chains in the order of their hooks, then the others by name.
    pub chains: Vec<RuleChain>,
}

/// One chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleChain {
    /// Its name.
    pub name: String,
    /// What becomes of a packet at its end, in a built-in chain.
    pub policy: Option<&'static str>,
    /// Its rules in order.
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The source, or everything but it.
    pub source: Option<(bool, Cidr)>,
    /// The destination, or everything but it.
    pub destination: Option<(bool, Cidr)>,
    /// The interface it comes in by, or every other.
    pub input: Option<(bool, String)>,
    /// The interface it leaves by, or every other.
    pub output: Option<(bool, String)>,
    /// The protocol.
    pub proto: Option<Proto>,
    /// What else must hold, in order.
    pub matches: Vec<Match>,
    /// What then happens.
    pub target: Target,
}

/// A further condition.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "iptables' own extensions")]
pub enum Match {
    Comment(String),
    /// The protocol's own match, with the destination ports or without.
    Ports(Option<(u16, u16)>),
    /// A source or destination address of the machine's own.
    Local {
        source: bool,
    },
    New,
    Established,
    /// Whether these bits of the mark are set, or are not.
    Marked(u32, bool),
    /// In a set: of sources, of destinations, of destinations with ports.
    Set(String, &'static str),
    /// One packet in so many.
    OneIn(usize),
    /// Seen by the rule of this name within these seconds.
    Recent(String, u64),
    /// Remembered under this name.
    Remember(String),
}

/// What a rule does.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "iptables' own targets")]
pub enum Target {
    Jump(String),
    Accept,
    Drop,
    Return,
    /// Sets these bits of the mark, or clears them.
    Mark(u32, bool),
    Dnat(SocketAddrV4),
    /// A destination without a port.
    DnatAddress(std::net::Ipv4Addr),
    SnatAddress(std::net::Ipv4Addr),
    /// With a port at random, or the same one if it is free.
    Masquerade {
        random: bool,
    },
    /// With a reset or with ICMP "port unreachable".
    Reject {
        reset: bool,
    },
}

impl Rule {
    pub(crate) fn to(target: Target) -> Self {
        Self {
            source: None,
            destination: None,
            input: None,
            output: None,
            proto: None,
            matches: Vec::new(),
            target,
        }
    }

    fn jump(chain: &str) -> Self {
        Self::to(Target::Jump(chain.to_owned()))
    }

    fn when(mut self, one: Match) -> Self {
        self.matches.push(one);
        self
    }

    fn comment(self, text: impl Into<String>) -> Self {
        self.when(Match::Comment(text.into()))
    }

    fn from(mut self, source: Cidr) -> Self {
        self.source = Some((false, source));
        self
    }

    fn not_from(mut self, source: Cidr) -> Self {
        self.source = Some((true, source));
        self
    }

    fn towards(mut self, destination: Cidr) -> Self {
        self.destination = Some((false, destination));
        self
    }

    fn not_towards(mut self, destination: Cidr) -> Self {
        self.destination = Some((true, destination));
        self
    }

    fn proto(mut self, proto: Proto) -> Self {
        self.proto = Some(proto);
        self
    }

    fn port(self, port: u16) -> Self {
        self.when(Match::Ports(Some((port, port))))
    }

    fn inward(mut self, not: bool, name: &str) -> Self {
        self.input = Some((not, name.to_owned()));
        self
    }

    fn outward(mut self, not: bool, name: &str) -> Self {
        self.output = Some((not, name.to_owned()));
        self
    }
}

/// A table that is being written.
struct Draft {
    name: &'static str,
    built_in: Vec<RuleChain>,
    others: BTreeMap<String, Vec<Rule>>,
}

impl Draft {
    fn new(name: &'static str, hooks: &[&str]) -> Self {
        let chain = |name: &&str| RuleChain {
            name: (*name).to_owned(),
            policy: Some("ACCEPT"),
            rules: Vec::new(),
        };
        Self {
            name,
            built_in: hooks.iter().map(chain).collect(),
            others: BTreeMap::new(),
        }
    }

    fn nat() -> Self {
        Self::new("nat", &["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"])
    }

    fn filter() -> Self {
        Self::new("filter", &["INPUT", "FORWARD", "OUTPUT"])
    }

    /// Makes sure that a chain exists.
    fn chain(&mut self, name: &str) {
        self.others.entry(name.to_owned()).or_default();
    }

    fn add(&mut self, chain: &str, rule: Rule) {
        match self.built_in.iter_mut().find(|one| one.name == chain) {
            Some(built_in) => built_in.rules.push(rule),
            None => self.others.entry(chain.to_owned()).or_default().push(rule),
        }
    }

    fn policy(&mut self, chain: &str, policy: &'static str) {
        for one in self.built_in.iter_mut().filter(|one| one.name == chain) {
            one.policy = Some(policy);
        }
    }

    fn finish(self) -> Table {
        let others = self.others.into_iter().map(|(name, rules)| RuleChain {
            name,
            policy: None,
            rules,
        });
        Table {
            name: self.name,
            chains: self.built_in.into_iter().chain(others).collect(),
        }
    }
}

/// The sixteen letters by which kube-proxy tells chains apart.
fn hash(of: &[&str]) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut digest = Sha256::new();
    of.iter().for_each(|part| digest.update(part.as_bytes()));
    let digest = digest.finalize();
    let bit = |at: usize| usize::from(digest[at / 8] >> (7 - at % 8) & 1);
    (0..16)
        .map(|letter| (0..5).fold(0, |value, step| value << 1 | bit(letter * 5 + step)))
        .map(|value| char::from(LETTERS[value]))
        .collect()
}

fn one(addr: std::net::Ipv4Addr) -> Cidr {
    Cidr::new(addr, 32)
}

impl Net {
    /// What a node's or a router's hooks do, as tables of iptables; nothing for other machines.
    #[must_use]
    pub fn iptables(&self, host: HostId) -> Vec<Table> {
        let Some(host) = self.host(host) else {
            return Vec::new();
        };
        if let Some(node) = host.node() {
            let mut filter = Draft::filter();
            self.filter_rules(node, &mut filter);
            let (table, ports) = (node.services.table(), &node.nat.host_ports);
            let nat = services::rules(table, ports, &node.place, &mut filter);
            return vec![filter.finish(), nat.finish()];
        }
        match host.router() {
            Some(router) => {
                let range = |lan: crate::net::LanId| self.lans[lan.0 as usize].cidr;
                router.iptables(range)
            }
            None => Vec::new(),
        }
    }
}

impl Net {
    /// One table of a machine; one without rules has its built-in chains and nothing in them.
    #[must_use]
    pub fn iptables_table(&self, host: HostId, name: &str) -> Option<Table> {
        let mut tables = self.iptables(host).into_iter();
        let found = tables.find(|table| table.name == name);
        found.or_else(|| match name {
            "nat" => Some(Draft::nat().finish()),
            "filter" => Some(Draft::filter().finish()),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests;
