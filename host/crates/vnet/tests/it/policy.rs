//! Filters at the forward hook, with real packets.

use crate::lab::{Lab, VIP, any, at, ip};
use clock::Duration;
use vnet::{
    Allow, Chain, Cidr, Dataplane, FabricId, Filter, Flow, HostId, NetError, Origin, Peer, Ports,
    Proto, SocketAddrV4, TcpState,
};

impl Lab {
    fn filter(&mut self, host: HostId, ingress: Option<&[&str]>, egress: Option<&[&str]>) {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let filter = Filter {
            ingress: ingress.map(names),
            egress: egress.map(names),
        };
        self.net.set_filter(self.now, host, filter);
    }

    fn chain(&mut self, name: &str, ingress: Vec<Allow>, egress: Vec<Allow>) {
        self.net.set_chain(
            self.now,
            FabricId::FIRST,
            name,
            Some(Chain { ingress, egress }),
        );
    }

    #[track_caller]
    fn silent(&mut self, from: HostId, to: SocketAddrV4) {
        let (state, after, sock) = self.try_connect(from, to);
        assert_eq!(state, TcpState::Failed(NetError::TimedOut));
        assert!(after > Duration::from_secs(100), "SYNs are tried again");
        self.net.close(self.now, sock);
    }

    fn drops(&self) -> Vec<String> {
        let dropped = |record: vnet::PacketRecord| {
            let why = record.dropped?;
            Some(format!("{}/{} {why}", record.host_name, record.iface))
        };
        let mut drops: Vec<String> = self.net.packets().iter().filter_map(dropped).collect();
        drops.dedup();
        drops
    }
}

fn from(peers: Vec<Peer>) -> Allow {
    Allow {
        peers: Some(peers),
        ports: None,
    }
}

#[test]
fn a_machine_that_nothing_is_allowed_to_hears_nobody_but_its_node_and_itself() {
    for dataplane in [Dataplane::Overlay, Dataplane::Routed] {
        let mut lab = Lab::with(dataplane, vnet::Capture::Headers, 1);
        let served = lab.pod[0];
        lab.listen(served, 80);
        lab.chain("closed", vec![], vec![]);
        lab.filter(served, Some(&["closed"]), None);
        let to = at(lab.addr(served), 80);
        lab.silent(lab.pod[1], to);
        lab.silent(lab.pod[2], to);
        lab.silent(lab.node[1], to);
        lab.connected(lab.node[0], to);
        lab.connected(served, to);
        lab.service(vec![to]);
        lab.connected(served, at(VIP, 80));
        lab.silent(lab.pod[2], at(VIP, 80));
        let drops = lab.drops();
        assert!(
            matches!(&drops[..], [near, far]
                if near.starts_with("worker1/veth")
                    && far == "worker1/eth0 ingress to a not allowed by closed"),
            "{drops:?}"
        );
    }
}

#[test]
fn what_has_begun_goes_on_and_answers_come_back() {
    let mut lab = Lab::new();
    let listener = lab.listen(lab.pod[2], 80);
    lab.listen(lab.pod[0], 80);
    let to = at(lab.addr(lab.pod[2]), 80);
    lab.chain("closed", vec![], vec![]);
    // The caller may be spoken to by nobody, and the called may speak to nobody.
    lab.filter(lab.pod[0], Some(&["closed"]), None);
    lab.filter(lab.pod[2], None, Some(&["closed"]));
    let client = lab.connected(lab.pod[0], to);
    let server = lab.accept(listener);
    assert_eq!(lab.transfer(client, server, b"question"), b"question");
    assert_eq!(lab.transfer(server, client, b"answer"), b"answer");
    lab.silent(lab.pod[2], at(lab.addr(lab.pod[0]), 80));
    lab.filter(lab.pod[0], Some(&["closed"]), Some(&["closed"]));
    lab.filter(lab.pod[2], Some(&["closed"]), Some(&["closed"]));
    assert_eq!(lab.transfer(client, server, b"still"), b"still");
    assert_eq!(lab.transfer(server, client, b"here"), b"here");
    lab.silent(lab.pod[0], to);
    lab.filter(lab.pod[0], None, None);
    lab.filter(lab.pod[2], None, None);
    lab.connected(lab.pod[0], to);
}

#[test]
fn a_service_is_judged_by_the_machine_that_it_leads_to() {
    let mut lab = Lab::new();
    lab.listen(lab.pod[2], 8080);
    let backend = at(lab.addr(lab.pod[2]), 8080);
    lab.service(vec![backend]);
    let vip = vec![Peer::Range {
        range: Cidr::new(VIP, 32),
        except: vec![],
    }];
    lab.chain("to the service", vec![], vec![from(vip)]);
    lab.filter(lab.pod[0], None, Some(&["to the service"]));
    lab.silent(lab.pod[0], at(VIP, 80));
    let pods = vec![Peer::Set("backends".into())];
    let port = Ports::Range(Proto::Tcp, 8080, 8080);
    let allow = Allow {
        peers: Some(pods),
        ports: Some(vec![port]),
    };
    lab.chain("to the backends", vec![], vec![allow]);
    lab.filter(
        lab.pod[0],
        None,
        Some(&["to the service", "to the backends"]),
    );
    lab.silent(lab.pod[0], at(VIP, 80));
    lab.net
        .set_address(lab.now, FabricId::FIRST, "backends", *backend.ip(), true);
    lab.connected(lab.pod[0], at(VIP, 80));
}

#[test]
fn a_service_without_endpoints_refuses_whatever_the_filters_say() {
    let mut lab = Lab::new();
    lab.service(vec![]);
    lab.chain("closed", vec![], vec![]);
    lab.filter(lab.pod[0], None, Some(&["closed"]));
    lab.refused(lab.pod[0], at(VIP, 80));
}

#[test]
fn a_client_outside_is_judged_by_its_own_address_at_the_node_that_translates() {
    let mut lab = Lab::new();
    lab.listen(lab.pod[0], 8080);
    lab.service(vec![at(lab.addr(lab.pod[0]), 8080)]);
    let outside = Peer::Range {
        range: Cidr::new(lab.addr(lab.workstation), 32),
        except: vec![],
    };
    lab.chain("outside", vec![from(vec![outside])], vec![]);
    lab.filter(lab.pod[0], Some(&["outside"]), None);
    // The pod's own node masquerades after it has judged; the other one has done so before.
    lab.connected(lab.workstation, at(ip("192.168.1.11"), 30_080));
    lab.silent(lab.workstation, at(ip("192.168.1.12"), 30_080));
}

#[test]
fn datagrams_and_echoes_are_judged_and_errors_follow_their_conversation() {
    let mut lab = Lab::new();
    let ports = Some(vec![Ports::All(Proto::Udp)]);
    let udp = Allow { peers: None, ports };
    lab.chain("udp", vec![udp], vec![]);
    lab.filter(lab.pod[2], Some(&["udp"]), Some(&["udp"]));
    let to = at(lab.addr(lab.pod[2]), 53);
    let client = lab
        .net
        .udp_bind(lab.now, lab.pod[0], any(0), Origin::Program)
        .unwrap();
    lab.net.udp_send(lab.now, client, to, b"x").unwrap();
    lab.settle(Duration::from_secs(1));
    assert_eq!(
        lab.net.udp_recv(lab.now, client),
        Some(Err(NetError::Refused)),
        "nobody listens, and the error gets out"
    );
    let echo = Flow {
        proto: Proto::Icmp,
        src: at(lab.addr(lab.pod[0]), 0),
        dst: at(*to.ip(), 0),
    };
    assert!(lab.net.judge(FabricId::FIRST, echo).is_err());
    let tcp = Flow {
        proto: Proto::Tcp,
        ..echo
    };
    assert!(lab.net.judge(FabricId::FIRST, tcp).is_err());
    assert_eq!(
        lab.net.may_begin(lab.pod[0], lab.pod[2], Proto::Udp, 53),
        Ok(())
    );
    lab.silent(lab.pod[0], to);
}

#[test]
fn a_range_has_holes_and_a_port_has_a_name() {
    let mut lab = Lab::new();
    let named = Ports::Named(Proto::Tcp, "http".into());
    let range = Peer::Range {
        range: "10.244.0.0/16".parse().unwrap(),
        except: vec!["10.244.2.0/24".parse().unwrap()],
    };
    let allow = Allow {
        peers: Some(vec![range]),
        ports: Some(vec![named]),
    };
    lab.chain("named", vec![allow], vec![]);
    let served = lab.pod[0];
    lab.filter(served, Some(&["named"]), None);
    let may = |lab: &Lab, from: HostId, port| lab.net.may_begin(from, served, Proto::Tcp, port);
    assert!(may(&lab, lab.pod[1], 8080).is_err(), "nobody has the name");
    let door = at(lab.addr(served), 8080);
    lab.net
        .set_named_port(lab.now, FabricId::FIRST, "http", door, true);
    assert_eq!(may(&lab, lab.pod[1], 8080), Ok(()));
    assert!(may(&lab, lab.pod[1], 80).is_err());
    assert!(may(&lab, lab.pod[2], 8080).is_err(), "in the hole");
    lab.net
        .set_named_port(lab.now, FabricId::FIRST, "http", door, false);
    assert!(may(&lab, lab.pod[1], 8080).is_err());
    assert_eq!(may(&lab, lab.node[0], 1), Ok(()), "its own node");
    assert!(may(&lab, lab.node[1], 1).is_err(), "another node");
}
