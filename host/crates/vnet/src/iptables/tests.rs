//! The view says what the hooks do: packets walk the printed rules and the hooks side by side.

use super::*;
use crate::nat::hostport::{HostPort, HostPorts};
use crate::nat::service::{Frontend, FrontendAddr, ServiceRule, ServiceTable};
use crate::nat::{Nat, Place, Verdict};
use crate::packet::{Flow, Packet, write_udp};
use crate::policy::{Allow, Chain, Filter, Peer, Ports};
use crate::socket::Origin;
use crate::{Capture, Config, Dataplane, FabricId};
use clock::{Duration, Instant, Seed};
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::net::Ipv4Addr;

const VIP: Ipv4Addr = Ipv4Addr::new(10, 96, 0, 10);
const EXTERNAL: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 7);
const NODE: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 11);

fn cidr(text: &str) -> Cidr {
    text.parse().expect("a range")
}

fn place() -> Place {
    let pods = cidr("10.244.1.0/24");
    Place::new(NODE, pods, cidr("10.244.0.0/16"), cidr("10.96.0.0/12"))
}

fn at(c: u8, d: u8) -> SocketAddrV4 {
    SocketAddrV4::new(Ipv4Addr::new(10, 244, c, d), 8080)
}

fn service(name: &str, proto: Proto, endpoints: Vec<SocketAddrV4>) -> ServiceRule {
    let ip = |addr, port| Frontend {
        addr: FrontendAddr::Ip(addr),
        port,
    };
    let node_port = Frontend {
        addr: FrontendAddr::AnyNode,
        port: 30_080,
    };
    ServiceRule {
        name: name.to_owned(),
        proto,
        frontends: vec![ip(VIP, 80), ip(EXTERNAL, 80), node_port],
        endpoints,
        leaving: Vec::new(),
        internal_local: false,
        external_local: false,
        affinity: None,
    }
}

/// A packet on its way through printed rules.
#[derive(Clone, Debug)]
struct Walk {
    flow: Flow,
    mark: u32,
}

/// What becomes of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    /// It leaves for this destination, with the node's address or its own.
    Goes(SocketAddrV4, bool),
    Rejected,
    Dropped,
}

/// How a chain ends for a packet.
#[derive(Clone, Debug)]
enum End {
    Over(Walk),
    Dnat(Walk, SocketAddrV4),
    Accept(Walk),
    Masquerade,
    Reject,
    Drop,
}

struct Rules<'a> {
    tables: &'a [Table],
    place: &'a Place,
    sets: &'a dyn Fn(&str, &str, Flow) -> bool,
}

impl Rules<'_> {
    /// Every way through a chain; chance takes each of its ways.
    fn walk(&self, table: &str, chain: &str, walk: Walk) -> Vec<End> {
        let table = self
            .tables
            .iter()
            .find(|one| one.name == table)
            .expect("it is there");
        let found = table.chains.iter().find(|one| one.name == chain);
        let rules = &found.unwrap_or_else(|| panic!("no chain {chain}")).rules;
        let mut ways = vec![walk];
        let mut ends = Vec::new();
        for rule in rules {
            let mut on = Vec::new();
            for way in ways {
                let (matches, goes_by) = self.matches(rule, &way);
                if goes_by {
                    on.push(way.clone());
                }
                if matches {
                    self.take(table.name, rule, way, &mut on, &mut ends);
                }
            }
            ways = on;
        }
        ends.extend(ways.into_iter().map(End::Over));
        ends
    }

    fn take(
        &self,
        table: &str,
        rule: &Rule,
        mut way: Walk,
        on: &mut Vec<Walk>,
        ends: &mut Vec<End>,
    ) {
        match &rule.target {
            Target::Jump(chain) => {
                for end in self.walk(table, chain, way) {
                    match end {
                        End::Over(way) => on.push(way),
                        end => ends.push(end),
                    }
                }
            }
            Target::Mark(bits, true) => {
                way.mark |= bits;
                on.push(way);
            }
            Target::Mark(bits, false) => {
                way.mark &= !bits;
                on.push(way);
            }
            Target::Return => ends.push(End::Over(way)),
            Target::Accept => ends.push(End::Accept(way)),
            Target::Drop => ends.push(End::Drop),
            Target::Dnat(to) => ends.push(End::Dnat(way, *to)),
            Target::Masquerade { .. } => ends.push(End::Masquerade),
            Target::Reject { .. } => ends.push(End::Reject),
            Target::DnatAddress(_) | Target::SnatAddress(_) => unreachable!("not on nodes"),
        }
    }

    /// Whether a rule can match, and whether it can fail to.
    fn matches(&self, rule: &Rule, way: &Walk) -> (bool, bool) {
        let Flow { proto, src, dst } = way.flow;
        let fits = |range: &Option<(bool, Cidr)>, addr: Ipv4Addr| {
            range.is_none_or(|(not, range)| range.contains(addr) != not)
        };
        let mut sure = fits(&rule.source, *src.ip())
            && fits(&rule.destination, *dst.ip())
            && rule.proto.is_none_or(|wanted| wanted == proto);
        let mut perhaps = false;
        for one in &rule.matches {
            match one {
                Match::Comment(_) | Match::Ports(None) | Match::New | Match::Remember(_) => {}
                Match::Ports(Some((first, last))) => {
                    sure &= (*first..=*last).contains(&dst.port());
                }
                Match::Local { source } => {
                    sure &= self.place.owns(if *source { *src.ip() } else { *dst.ip() });
                }
                Match::Established => sure = false,
                Match::Marked(bits, set) => sure &= (way.mark & bits != 0) == *set,
                Match::Set(name, which) => sure &= (self.sets)(name, which, way.flow),
                Match::OneIn(_) | Match::Recent(..) => perhaps = true,
            }
        }
        (sure, !sure || perhaps)
    }

    /// Everything that may become of a new conversation's first packet.
    fn fates(&self, flow: Flow) -> BTreeSet<Fate> {
        let own = self.place.owns(*flow.src.ip());
        let hook = if own { "OUTPUT" } else { "PREROUTING" };
        let mut fates = BTreeSet::new();
        for end in self.walk("nat", hook, Walk { flow, mark: 0 }) {
            let mut walk = match end {
                End::Over(walk) => walk,
                End::Dnat(walk, dst) => Walk {
                    flow: Flow { dst, ..walk.flow },
                    ..walk
                },
                end => panic!("{end:?} in nat"),
            };
            let local = self.place.owns(*walk.flow.dst.ip());
            let hooks: &[&str] = match (own, local) {
                (true, true) => &["OUTPUT", "INPUT"],
                (true, false) => &["OUTPUT"],
                (false, true) => &["INPUT"],
                (false, false) => &["FORWARD"],
            };
            let mut fate = None;
            for hook in hooks {
                let mut ends = self.walk("filter", hook, walk.clone());
                assert_eq!(ends.len(), 1, "nothing is left to chance here");
                match ends.remove(0) {
                    End::Over(next) | End::Accept(next) => walk = next,
                    End::Reject => fate = Some(Fate::Rejected),
                    End::Drop => fate = Some(Fate::Dropped),
                    end => panic!("{end:?} in filter"),
                }
            }
            let fate = fate.unwrap_or_else(|| {
                let dst = walk.flow.dst;
                let ends = self.walk("nat", "POSTROUTING", walk);
                let hides = !local && ends.iter().any(|end| matches!(end, End::Masquerade));
                Fate::Goes(dst, hides)
            });
            fates.insert(fate);
        }
        fates
    }
}

/// What the hooks do with the same packet.
fn done(table: &ServiceTable, ports: HostPorts, place: &Place, flow: Flow, seed: u64) -> Fate {
    let mut nat = Nat::new(Seed::new(seed).stream("nat"));
    nat.host_ports = ports;
    let mut buf = vec![0; 40];
    write_udp(&mut buf, flow.src, flow.dst, b"payload payl");
    if flow.proto == Proto::Tcp {
        buf[9] = 6;
        buf[33] = crate::TcpFlags::SYN;
    }
    let mut packet = Packet {
        id: 0,
        buf,
        len: 40,
        origin: Origin::Program,
        outer: None,
        before: None,
        damaged: false,
    };
    match nat.prerouting(Instant::ZERO, &mut packet, table, place) {
        Verdict::New(pending) => {
            let dst = packet.flow().expect("still a flow").dst;
            let out = (!place.owns(*dst.ip())).then_some(place.addr);
            assert!(nat.postrouting(Instant::ZERO, &mut packet, pending, out, place));
            let src = *packet.flow().expect("still a flow").src.ip();
            let hides = out.is_some() && src == place.addr;
            // A node that speaks for itself has its own address either way.
            Fate::Goes(dst, hides)
        }
        Verdict::Reject => Fate::Rejected,
        Verdict::Drop(_) => Fate::Dropped,
        Verdict::Pass | Verdict::Stray => unreachable!("it begins a conversation"),
    }
}

/// Ports of the node that lead to a pod: one of all its addresses, one of its own.
fn host_ports([all, own]: [bool; 2]) -> HostPorts {
    let port = |addr, port| HostPort {
        proto: Proto::Tcp,
        addr,
        port,
        to: at(1, 3),
    };
    let ports = [
        (all, port(None, 8080)),
        (own, port(Some(NODE), 80)),
        (own, port(Some(VIP), 80)),
    ];
    HostPorts::new(
        ports
            .into_iter()
            .filter(|(is, _)| *is)
            .map(|(_, port)| port),
    )
}

fn endpoints() -> impl Strategy<Value = Vec<SocketAddrV4>> {
    let some = prop::sample::subsequence(vec![at(1, 2), at(1, 3), at(2, 2), at(2, 3)], 0..=4);
    some.prop_map(|mut some| {
        some.sort();
        some
    })
}

fn rule() -> impl Strategy<Value = ServiceRule> {
    let lists = (endpoints(), endpoints());
    (lists, any::<[bool; 4]>()).prop_map(
        |((endpoints, leaving), [udp, inside, outside, sticky])| {
            let proto = if udp { Proto::Udp } else { Proto::Tcp };
            ServiceRule {
                leaving,
                internal_local: inside,
                external_local: outside,
                affinity: sticky.then(|| Duration::from_secs(10_800)),
                ..service("default/web:http", proto, endpoints)
            }
        },
    )
}

fn flows() -> impl Strategy<Value = Flow> {
    let src = prop_oneof![
        (1..=2_u8, 2..=3_u8).prop_map(|(c, d)| *at(c, d).ip()),
        Just(NODE),
        Just(Ipv4Addr::new(192, 168, 1, 5)),
    ];
    let dst = prop_oneof![
        Just(VIP),
        Just(EXTERNAL),
        Just(NODE),
        Just(Ipv4Addr::new(10, 96, 7, 7)),
        Just(*at(2, 2).ip()),
        Just(Ipv4Addr::new(192, 168, 1, 12)),
    ];
    let port = prop_oneof![Just(80_u16), Just(30_080), Just(8080)];
    (src, dst, port, any::<bool>()).prop_map(|(src, dst, port, udp)| Flow {
        proto: if udp { Proto::Udp } else { Proto::Tcp },
        src: SocketAddrV4::new(src, 40_000),
        dst: SocketAddrV4::new(dst, port),
    })
}

proptest! {
    #[test]
    fn the_printed_rules_say_what_becomes_of_a_conversation(
        rule in rule(), flow in flows(), seed in 0..1_000_u64, own in any::<[bool; 2]>(),
    ) {
        // A pod's packets to itself do not come here but from a Service.
        prop_assume!(flow.src.ip() != flow.dst.ip());
        let (place, table) = (place(), ServiceTable::new(vec![rule.into()]));
        let mut filter = Draft::filter();
        let ports = || host_ports(own);
        let nat = services::rules(&table, &ports(), &place, &mut filter);
        let tables = [filter.finish(), nat.finish()];
        let rules = Rules { tables: &tables, place: &place, sets: &|_, _, _| false };
        let hidden = |fate: Fate| match fate {
            // From the node's own address nothing can be hidden.
            Fate::Goes(dst, _) if *flow.src.ip() == NODE => Fate::Goes(dst, false),
            fate => fate,
        };
        let fates: BTreeSet<Fate> = rules.fates(flow).into_iter().map(hidden).collect();
        let done = hidden(done(&table, ports(), &place, flow, seed));
        prop_assert!(fates.contains(&done), "{flow}: {done:?} is none of {fates:?}");
        let refused = |fate: &Fate| !matches!(fate, Fate::Goes(..));
        prop_assert!(fates.len() == 1 || !fates.iter().any(refused), "{fates:?}");
    }
}

fn some_net() -> (Net, [HostId; 3]) {
    let mut net = Net::new(Config {
        seed: Seed::new(1),
        pod_cidr: cidr("10.244.0.0/16"),
        service_cidr: cidr("10.96.0.0/12"),
        dataplane: Dataplane::Overlay,
        capture: Capture::Headers,
    });
    let lan = net.add_lan("lan", cidr("192.168.1.0/24"));
    let node = net.add_node("node", lan, NODE, cidr("10.244.1.0/24"));
    let mut pod = |name, d| {
        let addr = *at(1, d).ip();
        net.add_pod(Instant::ZERO, name, node, addr).expect("free")
    };
    let (web, db) = (pod("web", 2), pod("db", 3));
    (net, [node, web, db])
}

fn allows() -> impl Strategy<Value = Vec<Allow>> {
    let peer = prop_oneof![
        Just(Peer::Set("friends".into())),
        Just(Peer::Range {
            range: cidr("10.244.0.0/16"),
            except: vec![]
        }),
        Just(Peer::Range {
            range: cidr("0.0.0.0/0"),
            except: vec![cidr("10.244.1.0/24")]
        }),
    ];
    let ports = prop_oneof![
        Just(Ports::All(Proto::Udp)),
        Just(Ports::Range(Proto::Tcp, 80, 90)),
        Just(Ports::Named(Proto::Tcp, "http".into())),
    ];
    let allow = (
        prop::option::of(prop::collection::vec(peer, 0..3)),
        prop::option::of(prop::collection::vec(ports, 0..3)),
    );
    prop::collection::vec(
        allow.prop_map(|(peers, ports)| Allow { peers, ports }),
        0..3,
    )
}

proptest! {
    #[test]
    fn the_printed_filters_say_who_may_begin_a_conversation(
        ingress in allows(), egress in allows(), other in allows(),
        isolated in any::<[bool; 3]>(), friend in any::<bool>(), flow in flows(),
    ) {
        let (mut net, [node, web, db]) = some_net();
        let now = Instant::ZERO;
        net.set_chain(now, FabricId::FIRST, "one", Some(Chain { ingress, egress }));
        net.set_chain(now, FabricId::FIRST, "two", Some(Chain { ingress: other, egress: vec![] }));
        let names = |yes: bool, names: &[&str]| {
            yes.then(|| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
        };
        net.set_filter(now, web, Filter {
            ingress: names(isolated[0], &["one", "two"]),
            egress: names(isolated[1], &["one"]),
        });
        net.set_filter(now, db, Filter { ingress: names(isolated[2], &["two"]), egress: None });
        if friend {
            net.set_address(now, FabricId::FIRST, "friends", *at(1, 3).ip(), true);
        }
        net.set_named_port(now, FabricId::FIRST, "http", at(1, 2), true);
        // Between the two pods, and between them and the rest.
        let dst = match flow.dst.port() {
            80 => at(1, 2),
            8080 => at(1, 3),
            _ => flow.dst,
        };
        let flow = Flow { dst: SocketAddrV4::new(*dst.ip(), flow.dst.port()), ..flow };
        prop_assume!(*flow.dst.ip() != VIP && *flow.dst.ip() != Ipv4Addr::new(10, 96, 7, 7));
        let tables = net.iptables(node);
        let sets = |name: &str, which: &str, flow: Flow| {
            let addr = if which == "src" { *flow.src.ip() } else { *flow.dst.ip() };
            let is = |known: &str| name == format!("KUBE-SET-{}", hash(&[known]));
            if is("0.0.0.0/0 except 10.244.1.0/24") {
                return !cidr("10.244.1.0/24").contains(addr);
            }
            if which == "dst,dst" {
                return is("http") && flow.dst == at(1, 2);
            }
            is("friends") && friend && addr == *at(1, 3).ip()
        };
        let place = place();
        let rules = Rules { tables: &tables, place: &place, sets: &sets };
        let passes = !rules.fates(flow).contains(&Fate::Dropped);
        prop_assert_eq!(passes, net.judge_forward(node, flow).is_ok(), "{}", flow);
    }
}

#[test]
fn chains_are_named_as_kube_proxy_names_them() {
    assert_eq!(
        hash(&["default/kubernetes:https", "tcp"]),
        "NPX46M4PTMTKRN6Y"
    );
    assert_eq!(
        hash(&["kube-system/kube-dns:dns", "udp"]),
        "TCOU7JCQXEZGVUNU"
    );
}

#[test]
fn a_service_saves_as_kube_proxy_writes_it() {
    let (mut net, [node, ..]) = some_net();
    let mut web = service(
        "default/web:",
        Proto::Tcp,
        vec![at(1, 2), at(1, 3), at(2, 2)],
    );
    web.frontends.remove(1);
    let gone = ServiceRule {
        frontends: vec![Frontend {
            addr: FrontendAddr::Ip(Ipv4Addr::new(10, 96, 0, 11)),
            port: 53,
        }],
        ..service("default/gone:dns", Proto::Udp, vec![])
    };
    net.set_services(Instant::ZERO, vec![gone, web]);
    let text: Vec<String> = net.iptables(node).iter().map(Table::save).collect();
    assert_eq!(text.concat(), include_str!("saved.txt"));
    let nat = &net.iptables(node)[1];
    assert_eq!(
        nat.list(Some("KUBE-SVC-LOLE4ISW44XBNF3G")),
        include_str!("listed.txt")
    );
    assert_eq!(
        nat.specs(Some("KUBE-NODEPORTS")),
        "-N KUBE-NODEPORTS\n\
         -A KUBE-NODEPORTS -p tcp -m comment --comment \"default/web\" -m tcp --dport 30080 -j KUBE-EXT-LOLE4ISW44XBNF3G\n"
    );
}

#[test]
fn filters_save_with_the_names_they_were_given() {
    let (mut net, [node, web, _]) = some_net();
    let friends = Allow {
        peers: Some(vec![Peer::Set("role=friend in default".into())]),
        ports: Some(vec![Ports::Range(Proto::Tcp, 80, 80)]),
    };
    let chain = Chain {
        ingress: vec![friends],
        egress: vec![],
    };
    net.set_chain(
        Instant::ZERO,
        FabricId::FIRST,
        "NetworkPolicy default/friends",
        Some(chain),
    );
    let filter = Filter {
        ingress: Some(vec!["NetworkPolicy default/friends".to_owned()]),
        egress: None,
    };
    net.set_filter(Instant::ZERO, web, filter);
    let tables = net.iptables(node);
    let own = format!("KUBE-FW-IN-{}", hash(&["10.244.1.2"]));
    let chain = format!("KUBE-NP-IN-{}", hash(&["NetworkPolicy default/friends"]));
    let set = format!("KUBE-SET-{}", hash(&["role=friend in default"]));
    assert_eq!(
        tables[0].specs(Some(&own)),
        format!(
            "-N {own}\n\
             -A {own} -s 10.244.1.2/32 -d 10.244.1.2/32 -m comment --comment \"a pod reaches itself\" -j RETURN\n\
             -A {own} -m comment --comment \"a pod and its node reach each other\" -m addrtype --src-type LOCAL -j RETURN\n\
             -A {own} -m comment --comment \"NetworkPolicy default/friends\" -j {chain}\n\
             -A {own} -m comment --comment \"ingress to web not allowed\" -m mark ! --mark 0x10000/0x10000 -j DROP\n\
             -A {own} -j MARK --set-xmark 0x0/0x10000\n"
        )
    );
    assert_eq!(
        tables[0].specs(Some(&chain)),
        format!(
            "-N {chain}\n\
             -A {chain} -p tcp -m comment --comment \"from role=friend in default\" -m set --match-set {set} src -m tcp --dport 80 -j MARK --set-xmark 0x10000/0x10000\n"
        )
    );
}

#[test]
fn a_container_host_saves_as_dockerd_writes_it() {
    let (mut net, _) = some_net();
    let lan = net.add_lan("home", cidr("192.168.2.0/24"));
    let docker = net.add_machine("host-a", lan, Ipv4Addr::new(192, 168, 2, 11));
    assert!(net.iptables(docker).is_empty(), "a plain machine");
    let bridge = net.add_lan("bridge", cidr("172.17.0.0/16"));
    let gateway = Ipv4Addr::new(172, 17, 0, 1);
    net.add_port(docker, "docker0", bridge, gateway, crate::PortKind::Bridge);
    let web = crate::Published {
        proto: Proto::Tcp,
        addr: Ipv4Addr::UNSPECIFIED,
        port: 8080,
        to: SocketAddrV4::new(Ipv4Addr::new(172, 17, 0, 2), 80),
    };
    net.publish(Instant::ZERO, docker, [web]);
    let text: Vec<String> = net.iptables(docker).iter().map(Table::save).collect();
    assert_eq!(
        text.concat(),
        "*filter\n\
         :INPUT ACCEPT [0:0]\n\
         :FORWARD DROP [0:0]\n\
         :OUTPUT ACCEPT [0:0]\n\
         :DOCKER - [0:0]\n\
         -A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n\
         -A FORWARD -o docker0 -j DOCKER\n\
         -A FORWARD -i docker0 ! -o docker0 -j ACCEPT\n\
         -A FORWARD -i docker0 -o docker0 -j ACCEPT\n\
         -A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT\n\
         COMMIT\n\
         *nat\n\
         :PREROUTING ACCEPT [0:0]\n\
         :INPUT ACCEPT [0:0]\n\
         :OUTPUT ACCEPT [0:0]\n\
         :POSTROUTING ACCEPT [0:0]\n\
         :DOCKER - [0:0]\n\
         -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER\n\
         -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER\n\
         -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE\n\
         -A DOCKER -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80\n\
         COMMIT\n"
    );
}
