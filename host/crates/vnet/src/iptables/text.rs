//! How rules print: as `iptables-save` and `iptables -S` write them to be read again, and as
//! `iptables -L -n` lists them. Formats are those of iptables 1.8 (`iptables/iptables.c`,
//! `extensions/`). Never counts packets.

use super::{Match, Rule, RuleChain, Table, Target};
use crate::addr::Cidr;
use crate::socket::Proto;
use std::fmt::{self, Write};

impl Table {
    /// As `iptables-save` prints a table, without the comments that say when.
    #[must_use]
    pub fn save(&self) -> String {
        let mut text = format!("*{}\n", self.name);
        for chain in &self.chains {
            let policy = chain.policy.unwrap_or("-");
            writeln!(text, ":{} {policy} [0:0]", chain.name).expect("text grows");
        }
        self.rules(&mut text, None);
        text.push_str("COMMIT\n");
        text
    }

    /// As `iptables -S` prints a table, or one chain of it.
    #[must_use]
    pub fn specs(&self, only: Option<&str>) -> String {
        let mut text = String::new();
        for chain in self.meant(only) {
            match chain.policy {
                Some(policy) => writeln!(text, "-P {} {policy}", chain.name),
                None => writeln!(text, "-N {}", chain.name),
            }
            .expect("text grows");
        }
        self.rules(&mut text, only);
        text
    }

    /// As `iptables -L -n` lists a table, or one chain of it.
    #[must_use]
    pub fn list(&self, only: Option<&str>) -> String {
        let mut blocks = Vec::new();
        for chain in self.meant(only) {
            let mut block = match chain.policy {
                Some(policy) => format!("Chain {} (policy {policy})\n", chain.name),
                None => format!(
                    "Chain {} ({} references)\n",
                    chain.name,
                    self.references(&chain.name)
                ),
            };
            block.push_str("target     prot opt source               destination         \n");
            for rule in &chain.rules {
                writeln!(block, "{}", Listed(rule)).expect("text grows");
            }
            blocks.push(block);
        }
        blocks.join("\n")
    }

    /// Whether there is such a chain.
    #[must_use]
    pub fn has(&self, chain: &str) -> bool {
        self.chains.iter().any(|one| one.name == chain)
    }

    fn meant<'a>(&'a self, only: Option<&'a str>) -> impl Iterator<Item = &'a RuleChain> {
        let chains = self.chains.iter();
        chains.filter(move |chain| only.is_none_or(|only| only == chain.name))
    }

    fn rules(&self, text: &mut String, only: Option<&str>) {
        for chain in self.meant(only) {
            for rule in &chain.rules {
                writeln!(text, "-A {}{rule}", chain.name).expect("text grows");
            }
        }
    }

    fn references(&self, chain: &str) -> usize {
        let rules = self.chains.iter().flat_map(|chain| &chain.rules);
        rules
            .filter(|rule| matches!(&rule.target, Target::Jump(to) if to == chain))
            .count()
    }
}

/// How often `-m statistic` matches: the kernel keeps 31 bits of what kube-proxy writes with ten
/// decimals.
fn probability(one_in: usize) -> f64 {
    const WHOLE: f64 = 2_147_483_648.0;
    let written = (1e10 / one_in as f64).round() / 1e10;
    (WHOLE * written).round() / WHOLE
}

fn proto(proto: Proto) -> &'static str {
    match proto {
        Proto::Tcp => "tcp",
        Proto::Udp => "udp",
        Proto::Icmp => "icmp",
    }
}

/// A text as it must be quoted to be read again.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    if text.chars().all(plain) {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        if matches!(c, '"' | '\\' | '\'') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

impl fmt::Display for Rule {
    /// What follows the chain's name in a rule that can be read again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let not = |not: bool| if not { " !" } else { "" };
        for (option, range) in [("-s", &self.source), ("-d", &self.destination)] {
            if let Some((inverse, range)) = range {
                write!(f, "{} {option} {range}", not(*inverse))?;
            }
        }
        for (option, name) in [("-i", &self.input), ("-o", &self.output)] {
            if let Some((inverse, name)) = name {
                write!(f, "{} {option} {name}", not(*inverse))?;
            }
        }
        if let Some(one) = self.proto {
            write!(f, " -p {}", proto(one))?;
        }
        for one in &self.matches {
            self.write_match(f, one)?;
        }
        match &self.target {
            Target::Jump(chain) => write!(f, " -j {chain}"),
            Target::Accept => f.write_str(" -j ACCEPT"),
            Target::Drop => f.write_str(" -j DROP"),
            Target::Return => f.write_str(" -j RETURN"),
            Target::Mark(bits, true) => write!(f, " -j MARK --set-xmark {bits:#x}/{bits:#x}"),
            Target::Mark(bits, false) => write!(f, " -j MARK --set-xmark 0x0/{bits:#x}"),
            Target::Dnat(to) => write!(f, " -j DNAT --to-destination {to}"),
            Target::DnatAddress(to) => write!(f, " -j DNAT --to-destination {to}"),
            Target::SnatAddress(to) => write!(f, " -j SNAT --to-source {to}"),
            Target::Masquerade { random: true } => f.write_str(" -j MASQUERADE --random-fully"),
            Target::Masquerade { random: false } => f.write_str(" -j MASQUERADE"),
            Target::Reject { reset: true } => f.write_str(" -j REJECT --reject-with tcp-reset"),
            Target::Reject { reset: false } => {
                f.write_str(" -j REJECT --reject-with icmp-port-unreachable")
            }
        }
    }
}

impl Rule {
    fn write_match(&self, f: &mut fmt::Formatter<'_>, one: &Match) -> fmt::Result {
        match one {
            Match::Comment(text) => write!(f, " -m comment --comment {}", quoted(text)),
            Match::Ports(ports) => {
                write!(f, " -m {}", self.proto.map_or("tcp", proto))?;
                match ports {
                    Some((first, last)) if first == last => write!(f, " --dport {first}"),
                    Some((first, last)) => write!(f, " --dport {first}:{last}"),
                    None => Ok(()),
                }
            }
            Match::Local { source: true } => f.write_str(" -m addrtype --src-type LOCAL"),
            Match::Local { source: false } => f.write_str(" -m addrtype --dst-type LOCAL"),
            Match::New => f.write_str(" -m conntrack --ctstate NEW"),
            Match::Established => f.write_str(" -m conntrack --ctstate RELATED,ESTABLISHED"),
            Match::Marked(bits, true) => write!(f, " -m mark --mark {bits:#x}/{bits:#x}"),
            Match::Marked(bits, false) => write!(f, " -m mark ! --mark {bits:#x}/{bits:#x}"),
            Match::Set(name, what) => write!(f, " -m set --match-set {name} {what}"),
            Match::OneIn(count) => write!(
                f,
                " -m statistic --mode random --probability {:.11}",
                probability(*count)
            ),
            Match::Recent(name, seconds) => write!(
                f,
                " -m recent --rcheck --seconds {seconds} --reap --name {name} --mask 255.255.255.255 --rsource"
            ),
            Match::Remember(name) => write!(
                f,
                " -m recent --set --name {name} --mask 255.255.255.255 --rsource"
            ),
        }
    }
}

/// A rule as a line of `iptables -L -n`.
struct Listed<'a>(&'a Rule);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rule = self.0;
        let target = match &rule.target {
            Target::Jump(chain) => chain,
            Target::Accept => "ACCEPT",
            Target::Drop => "DROP",
            Target::Return => "RETURN",
            Target::Mark(..) => "MARK",
            Target::Dnat(_) | Target::DnatAddress(_) => "DNAT",
            Target::SnatAddress(_) => "SNAT",
            Target::Masquerade { .. } => "MASQUERADE",
            Target::Reject { .. } => "REJECT",
        };
        let range = |range: &Option<(bool, Cidr)>| match range {
            None => " 0.0.0.0/0".to_owned(),
            Some((not, range)) => {
                let sign = if *not { '!' } else { ' ' };
                match range.prefix_len() {
                    32 => format!("{sign}{}", range.network()),
                    _ => format!("{sign}{range}"),
                }
            }
        };
        let (from, to) = (range(&rule.source), range(&rule.destination));
        let protocol = rule.proto.map_or("all", proto);
        write!(f, "{target:<9}  {protocol:<5}-- {from:<20} {to:<20} ")?;
        rule.matches
            .iter()
            .try_for_each(|one| list_match(f, rule, one))?;
        match &rule.target {
            Target::Mark(bits, true) => write!(f, " MARK or {bits:#x}"),
            Target::Mark(bits, false) => write!(f, " MARK and {:#x}", !bits),
            Target::Dnat(to) => write!(f, " to:{to}"),
            Target::DnatAddress(to) | Target::SnatAddress(to) => write!(f, " to:{to}"),
            Target::Masquerade { random: true } => f.write_str(" random-fully"),
            Target::Reject { reset: true } => f.write_str(" reject-with tcp-reset"),
            Target::Reject { reset: false } => f.write_str(" reject-with icmp-port-unreachable"),
            Target::Masquerade { random: false }
            | Target::Jump(_)
            | Target::Accept
            | Target::Drop
            | Target::Return => Ok(()),
        }
    }
}

fn list_match(f: &mut fmt::Formatter<'_>, rule: &Rule, one: &Match) -> fmt::Result {
    match one {
        Match::Comment(text) => write!(f, " /* {text} */"),
        Match::Ports(ports) => {
            let protocol = rule.proto.map_or("tcp", proto);
            match ports {
                Some((first, last)) if first == last => write!(f, " {protocol} dpt:{first}"),
                Some((first, last)) => write!(f, " {protocol} dpts:{first}:{last}"),
                None => write!(f, " {protocol}"),
            }
        }
        Match::Local { source: true } => f.write_str(" ADDRTYPE match src-type LOCAL"),
        Match::Local { source: false } => f.write_str(" ADDRTYPE match dst-type LOCAL"),
        Match::New => f.write_str(" ctstate NEW"),
        Match::Established => f.write_str(" ctstate RELATED,ESTABLISHED"),
        Match::Marked(bits, true) => write!(f, " mark match {bits:#x}/{bits:#x}"),
        Match::Marked(bits, false) => write!(f, " mark match ! {bits:#x}/{bits:#x}"),
        Match::Set(name, what) => write!(f, " match-set {name} {what}"),
        Match::OneIn(count) => write!(
            f,
            " statistic mode random probability {:.11}",
            probability(*count)
        ),
        Match::Recent(name, seconds) => write!(
            f,
            " recent: CHECK seconds: {seconds} reap name: {name} side: source mask: 255.255.255.255"
        ),
        Match::Remember(name) => write!(
            f,
            " recent: SET name: {name} side: source mask: 255.255.255.255"
        ),
    }
}
