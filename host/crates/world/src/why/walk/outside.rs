//! Addresses and machines: whose an address is, and how a Service is entered from outside.

use super::super::asker::At;
use super::super::entry::{Entry, entry, node_address, tunnels};
use super::super::look::{few, full, items, kubectl, name, namespace, number, text};
use super::super::probe::{is_outside, listeners};
use super::super::question::{Asker, Subject};
use super::super::target::{self, Target};
use super::{Walk, Way, seen};
use crate::why::Finding;
use cluster::{Object, Op};
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddrV4};
use vnet::Proto;

impl Walk<'_> {
    /// How the asker gets into a Service.
    pub(super) fn entered(&mut self, at: &At, service: &Object, asked: Option<&str>) -> Way {
        let pending = service["spec"]["type"] == "LoadBalancer"
            && items(&service["status"]["loadBalancer"]["ingress"]).is_empty();
        let platform = self.world.platform().name.to_owned();
        if !is_outside(at) {
            let note = pending && self.plan.question.asker == Asker::Anybody;
            let finding = Finding::ExternalPendingNote {
                service: full(service),
                platform,
            };
            return if note {
                self.say(finding, Vec::new())
            } else {
                Ok(())
            };
        }
        let port = target::port_of(service, asked);
        let own = format!("service/{}", name(service));
        let by_address = matches!(
            self.plan.question.subject,
            Subject::Addr { .. } | Subject::Node { .. }
        );
        if pending && !by_address {
            let node_port = port.and_then(|port| number(&port["nodePort"]));
            let instead = node_port.and_then(|port| node_address(self.world, port));
            let instead = instead.map_or("–".to_owned(), |at| at.to_string());
            let field = seen(own, "status.loadBalancer.ingress", "<pending>");
            return self.say(
                Finding::ExternalPending {
                    service: full(service),
                    platform,
                    instead,
                },
                vec![field],
            );
        }
        let (asker, service_is) = (at.label.clone(), full(service));
        let finding = match entry(self.world, at, &self.plan.question, service, port) {
            Entry::Nowhere => return Ok(()),
            Entry::At(to) => {
                let range = target::ranges(self.world);
                if range.iter().any(|(_, cidr)| cidr.contains(*to.ip()))
                    && service["spec"]["clusterIP"] == to.ip().to_string().as_str()
                {
                    return self.only_inside(at, service, to);
                }
                Finding::EntryIs {
                    service: service_is,
                    address: to.to_string(),
                    asker,
                }
            }
            Entry::Tunnel(to) => Finding::TunnelOpen {
                service: service_is,
                asker,
                address: to.to_string(),
            },
            Entry::NoTunnel(node) => {
                let tunnel = tunnel(self.world.platform().main().driver, service);
                let field = seen(
                    asker.clone(),
                    "netstat -ltn",
                    few(tunnels(self.world).iter().map(ToString::to_string)),
                );
                let finding = Finding::TunnelClosed {
                    service: service_is,
                    asker,
                    node: node.to_string(),
                    command: tunnel,
                };
                return self.say(finding, vec![field]);
            }
            Entry::OnlyInside(to) => return self.only_inside(at, service, to),
        };
        self.say(finding, Vec::new())
    }

    fn only_inside(&mut self, at: &At, service: &Object, to: SocketAddrV4) -> Way {
        let kind = text(&service["spec"]["type"]);
        let field = seen(format!("service/{}", name(service)), "spec.type", kind);
        let kubectl = kubectl(namespace(service));
        let command = format!(
            r#"{kubectl} patch service {} -p '{{"spec":{{"type":"NodePort"}}}}'"#,
            name(service)
        );
        let finding = Finding::OnlyInside {
            service: full(service),
            address: to.to_string(),
            asker: at.label.clone(),
            command,
        };
        self.say(finding, vec![field])
    }

    /// A node, and a port of it.
    pub(super) fn node(&mut self, at: &At, node: &str, port: Option<u16>) -> Way {
        let Some(host) = self.world.nodes().get(node).copied() else {
            let near =
                super::super::look::near(node, self.world.nodes().keys().map(String::as_str));
            let what = format!("Node {node}");
            let finding = match near {
                Some(near) => Finding::Misspelt {
                    what,
                    namespace: "–".to_owned(),
                    near: near.to_owned(),
                },
                None => Finding::Missing {
                    what,
                    namespace: "–".to_owned(),
                    command: "kubectl get nodes".to_owned(),
                },
            };
            return self.say(finding, Vec::new());
        };
        let address = self.world.net().host_addr(host);
        let machine = format!("node/{node}");
        self.say(
            Finding::MachineIs {
                machine: machine.clone(),
                address: address.to_string(),
            },
            Vec::new(),
        )?;
        match port {
            Some(port) => self.port_of_node(at, node, port),
            None => {
                self.machines(&[(machine.clone(), host, machine)])?;
                Ok(())
            }
        }
    }

    /// An address: a Service's, a Pod's, a node's, one that was somebody's, or nobody's.
    pub(super) fn address(&mut self, at: &At, addr: Ipv4Addr, port: Option<u16>) -> Way {
        let address = addr.to_string();
        if addr.is_loopback() {
            return self.own_port(at, addr, port);
        }
        match target::target(self.world, &self.plan.question, Some(at)) {
            Target::Service { service, .. } if target::node_at(self.world, addr).is_none() => {
                let what = format!("Service {}", full(&service));
                self.say(Finding::AddressIs { address, what }, Vec::new())?;
                let port = port.map(|port| port.to_string());
                self.service(at, &service, port.as_deref())
            }
            Target::Pod { pod, .. } => {
                let what = super::super::look::pod_word(&pod);
                self.say(Finding::AddressIs { address, what }, Vec::new())?;
                self.pod(at, &pod, port)
            }
            _ => match (target::node_at(self.world, addr), port) {
                (Some(node), Some(port)) => {
                    self.say(
                        Finding::AddressIs {
                            address,
                            what: format!("node/{node}"),
                        },
                        Vec::new(),
                    )?;
                    self.port_of_node(at, &node, port)
                }
                (Some(node), None) => self.node(at, &node, None),
                (None, _) => self.nobodys(at, addr),
            },
        }
    }

    /// A port of the asker's own 127.0.0.1.
    fn own_port(&mut self, at: &At, addr: Ipv4Addr, port: Option<u16>) -> Way {
        let Some((host, port)) = at.host.zip(port) else {
            return Ok(());
        };
        let open = listeners(self.world, host, Proto::Tcp);
        let is_open = open
            .iter()
            .any(|own| own.port() == port && (own.ip().is_unspecified() || *own.ip() == addr));
        let (asker, address) = (at.label.clone(), SocketAddrV4::new(addr, port).to_string());
        if is_open {
            self.say(Finding::SomebodyHere { asker, address }, Vec::new())?;
            return self.probe(at);
        }
        let field = seen(
            asker.clone(),
            "netstat -ltn",
            few(open.iter().map(ToString::to_string)),
        );
        let mut services = self.store.list("services", None);
        let entered = services.find(|service| {
            items(&service["spec"]["ports"])
                .iter()
                .any(|port| number(&port["nodePort"]).is_some())
        });
        let command = match (self.world.platform().main().driver, entered) {
            (driver @ Some(_), Some(service)) => tunnel(driver, service),
            _ => format!("kubectl port-forward service/NAME {port}:PORT"),
        };
        self.say(
            Finding::NobodyHere {
                asker,
                address,
                command,
            },
            vec![field],
        )
    }

    /// A port of a node's address.
    fn port_of_node(&mut self, at: &At, node: &str, port: u16) -> Way {
        let Some(host) = self.world.nodes().get(node).copied() else {
            return Ok(());
        };
        let word = format!("node/{node}");
        self.machines(&[(word.clone(), host, word.clone())])?;
        let all: Vec<Object> = self.store.list("services", None).cloned().collect();
        let with = |wanted: &dyn Fn(&Value) -> bool| {
            all.iter().find_map(|service| {
                let ports = items(&service["spec"]["ports"]).iter();
                let port = ports.into_iter().find(|port| wanted(port))?;
                Some((service.clone(), port.clone()))
            })
        };
        if let Some((service, own)) = with(&|own| number(&own["nodePort"]) == Some(port)) {
            self.service_is(&service)?;
            let asked = own["port"].to_string();
            return self.service(at, &service, Some(&asked));
        }
        let open = listeners(self.world, host, Proto::Tcp);
        if open.iter().any(|own| own.port() == port) {
            return self.probe(at);
        }
        let same =
            with(&|own| number(&own["port"]) == Some(port) && number(&own["nodePort"]).is_some());
        let field = vec![seen(
            word.clone(),
            "netstat -ltn",
            few(open.iter().map(ToString::to_string)),
        )];
        if let Some((service, own)) = same {
            let right = own["nodePort"].to_string();
            let finding = Finding::NotANodePort {
                node: word,
                port: port.to_string(),
                service: full(&service),
                right,
            };
            return self.say(finding, field);
        }
        let has = all.iter().flat_map(|service| {
            let ports = items(&service["spec"]["ports"]).iter();
            ports
                .filter_map(|own| Some(format!("{} {}", number(&own["nodePort"])?, full(service))))
                .collect::<Vec<_>>()
        });
        let finding = Finding::NodePortNobodys {
            node: word,
            port: port.to_string(),
            has: few(has),
        };
        self.say(finding, field)
    }

    /// An address that nobody has: was it somebody's?
    fn nobodys(&mut self, at: &At, addr: Ipv4Addr) -> Way {
        let address = addr.to_string();
        if let Some(service) = self.was_service(&address) {
            let now = target::service(self.store, namespace(&service), name(&service)).cloned();
            let what = format!("Service {}", full(&service));
            let finding = match now {
                Some(now) => Finding::AddressOld {
                    address,
                    service: full(&now),
                    now: text(&now["spec"]["clusterIP"]).to_owned(),
                    command: at.pod().map_or_else(
                        || format!("lab why svc/{} -n {}", name(&now), namespace(&now)),
                        |pod| self.restart(pod),
                    ),
                },
                None => Finding::AddressGone { address, what },
            };
            return self.say(finding, Vec::new());
        }
        let was = self.events(|event| {
            event.kind == "pods" && event.object["status"]["podIP"] == address.as_str()
        });
        if let Some(pod) = was {
            let what = super::super::look::pod_word(&pod);
            return self.say(Finding::AddressGone { address, what }, Vec::new());
        }
        let machines = self.world.machines().into_iter();
        let mut machines = machines.filter(|(_, host)| {
            self.world
                .net()
                .interfaces(*host)
                .iter()
                .any(|own| own.addr == addr)
        });
        if let Some((machine, host)) = machines.next() {
            self.say(
                Finding::MachineIs {
                    machine: machine.clone(),
                    address,
                },
                Vec::new(),
            )?;
            self.machines(&[(machine.clone(), host, machine)])?;
            return self.probe(at);
        }
        let finding = match target::ranges(self.world)
            .into_iter()
            .find(|(_, cidr)| cidr.contains(addr))
        {
            Some((_, range)) => Finding::AddressNobodys {
                address,
                range: range.to_string(),
            },
            None => Finding::AddressOutside { address },
        };
        self.say(finding, Vec::new())
    }

    /// The Service that had this clusterIP, as far as the log reaches back.
    pub(super) fn was_service(&self, address: &str) -> Option<Object> {
        self.events(|event| {
            event.kind == "services"
                && event.op == Op::Deleted
                && event.object["spec"]["clusterIP"] == address
        })
    }

    /// The newest object of the log's events that fit.
    pub(super) fn events(&self, fits: impl Fn(&cluster::Event) -> bool) -> Option<Object> {
        // The log says how far back it reaches when it is asked for more.
        let oldest = match self.store.events_since(0) {
            Ok(_) => 0,
            Err(gone) => gone.oldest,
        };
        let events = self.store.events_since(oldest).ok()?;
        events
            .filter(|event| fits(event))
            .last()
            .map(|event| event.object.clone())
    }
}

/// The command that opens a way into a node inside a virtual machine.
fn tunnel(driver: Option<&str>, service: &Value) -> String {
    let space = match namespace(service) {
        "default" => String::new(),
        other => format!(" -n {other}"),
    };
    match driver {
        Some(_) => format!("minikube service {}{space}", name(service)),
        None => format!(
            "kubectl port-forward{space} service/{} 8080:{}",
            name(service),
            items(&service["spec"]["ports"])
                .first()
                .map_or(&Value::Null, |port| &port["port"])
        ),
    }
}
