//! Services as kube-proxy writes them with iptables (`pkg/proxy/iptables/proxier.go`). Never knows
//! a Service but by its rule.

use super::{Draft, Match, Rule, Target, hash, one};
use crate::addr::Cidr;
use crate::nat::Place;
use crate::nat::hostport::HostPorts;
use crate::nat::service::{Frontend, FrontendAddr, ServiceRule, ServiceTable};
use crate::socket::Proto;
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddrV4};

/// The mark of what must leave with the node's address.
const MASQUERADE: u32 = 0x4000;
const SERVICES: &str = "KUBE-SERVICES";
const NODE_PORTS: &str = "KUBE-NODEPORTS";
const EXTERNAL: &str = "KUBE-EXTERNAL-SERVICES";
const FORWARD: &str = "KUBE-FORWARD";
const POSTROUTING: &str = "KUBE-POSTROUTING";
const MARK: &str = "KUBE-MARK-MASQ";

/// What all rules about one port of a Service say.
struct Port<'a> {
    rule: &'a ServiceRule,
    place: &'a Place,
    /// `namespace/name:port`, or without a colon when the port has no name.
    name: &'a str,
    hash: String,
    /// Those on this node; if there is none, those on it that are about to go.
    local: Vec<SocketAddrV4>,
}

/// The `nat` table; what is rejected goes into `filter`.
pub(super) fn rules(
    table: &ServiceTable,
    ports: &HostPorts,
    place: &Place,
    filter: &mut Draft,
) -> Draft {
    let mut nat = Draft::nat();
    host_ports(ports, &mut nat);
    skeleton(&mut nat, place, filter);
    for rule in &table.rules {
        Port::new(rule, place).write(&mut nat, filter);
    }
    let last = Rule::jump(NODE_PORTS)
        .comment("kubernetes service nodeports; NOTE: this must be the last rule in this chain")
        .when(Match::Local { source: false });
    nat.add(SERVICES, last);
    // What no rule translated: as in kube-proxy's nftables mode.
    let vips: Vec<_> = table.vips().collect();
    for vip in vips
        .into_iter()
        .filter(|vip| place.service_cidr.contains(*vip))
    {
        for (proto, reset) in [(Some(Proto::Tcp), true), (None, false)] {
            let mut rule = Rule::to(Target::Reject { reset })
                .towards(one(vip))
                .comment("Reject traffic to invalid ports of ClusterIPs");
            rule.proto = proto;
            filter.add(SERVICES, rule);
        }
    }
    let nobody = Rule::to(Target::Drop)
        .towards(place.service_cidr)
        .comment("Drop traffic to unallocated ClusterIPs");
    filter.add(SERVICES, nobody);
    nat
}

/// Ports of the node that lead to its pods, as the CNI's portmap plugin writes them.
fn host_ports(ports: &HostPorts, nat: &mut Draft) {
    const CHAIN: &str = "CNI-HOSTPORT-DNAT";
    if ports.all().next().is_none() {
        return;
    }
    for hook in ["PREROUTING", "OUTPUT"] {
        nat.add(hook, Rule::jump(CHAIN).when(Match::Local { source: false }));
    }
    let lo = Cidr::new(Ipv4Addr::LOCALHOST, 8);
    let hidden = Rule::to(Target::Masquerade { random: false })
        .from(lo)
        .not_towards(lo)
        .comment("a pod could not answer 127.0.0.1");
    nat.add("POSTROUTING", hidden);
    let pods: BTreeSet<Ipv4Addr> = ports.all().map(|port| *port.to.ip()).collect();
    for pod in pods {
        let itself = Rule::to(Target::Masquerade { random: false })
            .from(one(pod))
            .towards(one(pod))
            .comment("a pod that reaches itself by a port of its node");
        nat.add("POSTROUTING", itself);
    }
    for port in ports.all() {
        let mut dnat = Rule::to(Target::Dnat(port.to)).proto(port.proto);
        if let Some(addr) = port.addr {
            dnat = dnat.towards(one(addr));
        }
        nat.add(CHAIN, dnat.port(port.port));
    }
}

/// What is there without a Service.
fn skeleton(nat: &mut Draft, place: &Place, filter: &mut Draft) {
    for hook in ["PREROUTING", "OUTPUT"] {
        let rule = Rule::jump(SERVICES).comment("kubernetes service portals");
        nat.add(hook, rule);
    }
    let rule = Rule::jump(POSTROUTING).comment("kubernetes postrouting rules");
    nat.add("POSTROUTING", rule);
    let leaves = Rule::to(Target::Masquerade { random: true })
        .from(place.pod_cidr)
        .not_towards(place.pod_cidr)
        .comment("pods leave the cluster with the address of their node");
    nat.add("POSTROUTING", leaves);
    nat.chain(NODE_PORTS);
    nat.add(MARK, Rule::to(Target::Mark(MASQUERADE, true)));
    let unmarked = Rule::to(Target::Return).when(Match::Marked(MASQUERADE, false));
    nat.add(POSTROUTING, unmarked);
    nat.add(POSTROUTING, Rule::to(Target::Mark(MASQUERADE, false)));
    let masquerade = Rule::to(Target::Masquerade { random: true })
        .comment("kubernetes service traffic requiring SNAT");
    nat.add(POSTROUTING, masquerade);
    filter.chain(EXTERNAL);
    let outside = "kubernetes externally-visible service portals";
    let portal = |chain: &str, text: &str| Rule::jump(chain).when(Match::New).comment(text);
    filter.add("INPUT", portal(EXTERNAL, outside));
    let forward = Rule::jump(FORWARD).comment("kubernetes forwarding rules");
    filter.add("FORWARD", forward);
    for hook in ["FORWARD", "OUTPUT"] {
        filter.add(hook, portal(SERVICES, "kubernetes service portals"));
    }
    for hook in ["FORWARD", "OUTPUT"] {
        filter.add(hook, portal(EXTERNAL, outside));
    }
    let marked = Rule::to(Target::Accept)
        .comment("kubernetes forwarding rules")
        .when(Match::Marked(MASQUERADE, true));
    filter.add(FORWARD, marked);
    let known = Rule::to(Target::Accept)
        .comment("kubernetes forwarding conntrack rule")
        .when(Match::Established);
    filter.add(FORWARD, known);
}

impl<'a> Port<'a> {
    fn new(rule: &'a ServiceRule, place: &'a Place) -> Self {
        let name = rule.name.trim_end_matches(':');
        let here = |list: &[SocketAddrV4]| -> Vec<SocketAddrV4> {
            let list = list.iter().copied();
            list.filter(|endpoint| place.hosts(*endpoint)).collect()
        };
        let ready = here(&rule.endpoints);
        Self {
            rule,
            place,
            name,
            hash: hash(&[name, proto(rule.proto)]),
            local: if ready.is_empty() {
                here(&rule.leaving)
            } else {
                ready
            },
        }
    }

    fn write(&self, nat: &mut Draft, filter: &mut Draft) {
        for frontend in &self.rule.frontends {
            match self.rule.endpoints.is_empty() {
                true => self.reject(*frontend, filter),
                false => self.enter(*frontend, nat, filter),
            }
        }
        if self.rule.endpoints.is_empty() {
            return;
        }
        let (inside, outside) = (self.rule.internal_local, self.rule.external_local);
        let mut frontends = self.rule.frontends.iter();
        let external = frontends.any(|frontend| !self.is_cluster_ip(frontend));
        if external {
            self.external(nat);
        }
        if !inside || external {
            self.masquerade_strangers("SVC", nat);
            self.choose("SVC", &self.rule.endpoints, nat);
        }
        if (inside || outside) && !self.local.is_empty() {
            self.masquerade_strangers("SVL", nat);
            self.choose("SVL", &self.local, nat);
        }
        let used: BTreeSet<_> = self.rule.endpoints.iter().chain(&self.local).collect();
        for endpoint in used {
            self.endpoint(*endpoint, nat);
        }
    }

    fn is_cluster_ip(&self, frontend: &Frontend) -> bool {
        matches!(frontend.addr, FrontendAddr::Ip(addr) if self.place.service_cidr.contains(addr))
    }

    fn chain(&self, kind: &str) -> String {
        format!("KUBE-{kind}-{}", self.hash)
    }

    /// The rule that recognises a frontend, with this comment after the Service's name.
    fn at(&self, frontend: Frontend, target: Target, text: &str) -> Rule {
        let text = match text {
            "" => self.name.to_owned(),
            text => format!("{} {text}", self.name),
        };
        let rule = Rule::to(target).proto(self.rule.proto).comment(text);
        match frontend.addr {
            FrontendAddr::Ip(addr) => rule.towards(one(addr)).port(frontend.port),
            FrontendAddr::AnyNode => rule.port(frontend.port),
        }
    }

    fn enter(&self, frontend: Frontend, nat: &mut Draft, filter: &mut Draft) {
        let kind = match (self.is_cluster_ip(&frontend), self.rule.internal_local) {
            (true, true) => "SVL",
            (true, false) => "SVC",
            (false, _) => "EXT",
        };
        let target = Target::Jump(self.chain(kind));
        let (chain, text) = match frontend.addr {
            FrontendAddr::AnyNode => (NODE_PORTS, ""),
            FrontendAddr::Ip(_) if kind == "EXT" => (SERVICES, "external IP"),
            FrontendAddr::Ip(_) => (SERVICES, "cluster IP"),
        };
        let has_local = !self.local.is_empty();
        if kind == "SVL" && !has_local {
            let nobody = self.at(frontend, Target::Drop, "has no local endpoints");
            return filter.add(SERVICES, nobody);
        }
        nat.add(chain, self.at(frontend, target, text));
        if kind == "EXT" && self.rule.external_local && !has_local {
            self.nobody_here(frontend, filter);
        }
    }

    /// What comes from outside to a node without an endpoint, when only such may answer.
    fn nobody_here(&self, frontend: Frontend, filter: &mut Draft) {
        let mut rule = self.at(frontend, Target::Drop, "has no local endpoints");
        if frontend.addr == FrontendAddr::AnyNode {
            rule.matches.insert(1, Match::Local { source: false });
        }
        filter.add(EXTERNAL, rule);
    }

    fn reject(&self, frontend: Frontend, filter: &mut Draft) {
        let reset = self.rule.proto == Proto::Tcp;
        let mut rule = self.at(frontend, Target::Reject { reset }, "has no endpoints");
        if frontend.addr == FrontendAddr::AnyNode {
            rule.matches.insert(1, Match::Local { source: false });
        }
        let chain = match self.is_cluster_ip(&frontend) {
            true => SERVICES,
            false => EXTERNAL,
        };
        filter.add(chain, rule);
    }

    /// What comes to a NodePort or an external address.
    fn external(&self, nat: &mut Draft) {
        let chain = self.chain("EXT");
        let all = self.chain("SVC");
        let about = |what: &str| format!("{what} for {} external destinations", self.name);
        if !self.rule.external_local {
            let mark = Rule::jump(MARK).comment(about("masquerade traffic"));
            nat.add(&chain, mark);
            return nat.add(&chain, Rule::jump(&all));
        }
        let pods = Rule::jump(&all)
            .from(self.place.pod_cidr)
            .comment(about("pod traffic"));
        nat.add(&chain, pods);
        for (to, what) in [
            (MARK, "masquerade LOCAL traffic"),
            (&all, "route LOCAL traffic"),
        ] {
            let own = Rule::jump(to)
                .comment(about(what))
                .when(Match::Local { source: true });
            nat.add(&chain, own);
        }
        if !self.local.is_empty() {
            nat.add(&chain, Rule::jump(&self.chain("SVL")));
        }
    }

    /// What comes to the ClusterIP from elsewhere than a pod leaves with the node's address.
    fn masquerade_strangers(&self, kind: &str, nat: &mut Draft) {
        if (kind == "SVL") != self.rule.internal_local {
            return;
        }
        for frontend in &self.rule.frontends {
            if self.is_cluster_ip(frontend) {
                let mark = Target::Jump(MARK.to_owned());
                let rule = self.at(*frontend, mark, "cluster IP");
                nat.add(&self.chain(kind), rule.not_from(self.place.pod_cidr));
            }
        }
    }

    /// One of these, each as likely as the others, or the one this client had before.
    fn choose(&self, kind: &str, endpoints: &[SocketAddrV4], nat: &mut Draft) {
        let chain = self.chain(kind);
        nat.chain(&chain);
        let text = |endpoint: &SocketAddrV4| format!("{} -> {endpoint}", self.name);
        let affinity = self.rule.affinity.iter();
        for seconds in affinity.map(|timeout| timeout.as_secs()) {
            for endpoint in endpoints {
                let to = self.endpoint_chain(*endpoint);
                let again = Rule::jump(&to)
                    .comment(text(endpoint))
                    .when(Match::Recent(to.clone(), seconds));
                nat.add(&chain, again);
            }
        }
        for (index, endpoint) in endpoints.iter().enumerate() {
            let mut rule = Rule::jump(&self.endpoint_chain(*endpoint)).comment(text(endpoint));
            let left = endpoints.len() - index;
            if left > 1 {
                rule = rule.when(Match::OneIn(left));
            }
            nat.add(&chain, rule);
        }
    }

    fn endpoint_chain(&self, endpoint: SocketAddrV4) -> String {
        let name = hash(&[self.name, proto(self.rule.proto), &endpoint.to_string()]);
        format!("KUBE-SEP-{name}")
    }

    fn endpoint(&self, endpoint: SocketAddrV4, nat: &mut Draft) {
        let chain = self.endpoint_chain(endpoint);
        let hairpin = Rule::jump(MARK)
            .from(one(*endpoint.ip()))
            .comment(self.name);
        nat.add(&chain, hairpin);
        let mut rule = Rule::to(Target::Dnat(endpoint))
            .proto(self.rule.proto)
            .comment(self.name);
        if self.rule.affinity.is_some() {
            rule = rule.when(Match::Remember(chain.clone()));
        }
        nat.add(&chain, rule.when(Match::Ports(None)));
    }
}

fn proto(proto: Proto) -> &'static str {
    match proto {
        Proto::Udp => "udp",
        _ => "tcp",
    }
}
